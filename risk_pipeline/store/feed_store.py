"""The feed store: what each feed knew and when, as immutable Parquet parts, one per delivery, and the rows they closed.

Put here: which files a reader needs, starting and storing a delivery, compaction. Keep out: how a delivery is compared and
written (staging), reading source files and judging cells (feeds), as-of views (engine).

A row is never changed. A later delivery closes it (row_id, known_to, delivery_id) and writes a new version.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from risk_pipeline.contracts import Column, Table, table
from risk_pipeline.store.claims import Claims
from risk_pipeline.store.cross_feed import cross_feed_warnings
from risk_pipeline.store.lake import Lake, file_sha256
from risk_pipeline.store.register import Register
from risk_pipeline.store.restore import Restoration, Restored, rows_by_bucket
from risk_pipeline.store.staging import (
    Staging,
    all_rows_sql,
    naive,
    write_part,
)

MAX_PARTS = 8


@dataclass(frozen=True)
class FeedParts:
    """The files behind one feed at one known_at. `row_count`: rows known by then, closed ones included;
    `known_assumed_any`: for some of them known_from is an assumption of the feed YAML.
    """

    paths: tuple[Path, ...]
    closure_paths: tuple[Path, ...]
    row_count: int
    known_assumed_any: bool


class FeedStore:
    """The parts of all feeds below a lake, as the register lists them."""

    def __init__(self, lake: Lake, register: Register, *, memory_limit: str = "512MB", threads: int | None = None) -> None:
        self.lake = lake
        self._register = register
        self._config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory_limit}
        if threads:
            self._config["threads"] = threads

    def parts(self, feed: str, known_at: datetime) -> FeedParts:
        """What a reader of `feed` (such as `invoice`) needs at `known_at` (aware); no paths when nothing was delivered."""
        paths, closures = self.history(feed)
        if not paths:
            return FeedParts((), (), 0, False)
        with self._connect() as con:
            [(count, assumed)] = con.execute(
                "SELECT count(*), coalesce(bool_or(known_assumed), false)"
                " FROM read_parquet(?, union_by_name = true) WHERE known_from <= ?",
                [[str(path) for path in paths], naive(known_at)],
            ).fetchall()
        return FeedParts(paths, closures, int(count), bool(assumed))

    def history(self, feed: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """(parts, closures) of a feed, whenever known, of revoked deliveries too; each once (a compacted part stands for
        several deliveries).
        """
        deliveries = self._register.stored_deliveries(feed)
        return self._files(each.part_path for each in deliveries), self._files(each.closures_path for each in deliveries)

    @contextmanager
    def staging(self, target: Table, mapped: Sequence[Column], work: Path) -> Iterator[Staging]:
        """A new delivery to a feed; `work` is an empty folder for files that are thrown away afterwards."""
        with self._connect(work) as con:
            yield Staging(con, target, mapped, self.history(target.name), work)

    def cross_feed_warnings(self, target: Table, part: Path, closures: Path | None, work: Path) -> dict[str, int]:
        """What the rows of a new part say about other feeds that those do not confirm: warning -> rows (store.cross_feed)."""
        with self._connect(work) as con:
            return cross_feed_warnings(con, target, part, closures, self.history)

    def compact(self, feed: str, work: Path, now: datetime) -> Path | None:
        """Merge the parts of a feed when it has more than MAX_PARTS files of a kind, closures folded in, row_ids kept.

        Returns the new part, None when nothing was to do. The old files stay for readers that still use them.
        """
        paths, closures = self.history(feed)
        if not paths or max(len(paths), len(closures)) <= MAX_PARTS:
            return None
        target = table(f"feed.{feed}")
        # A number of its own, so that no file is ever written over.
        part = self.lake.feed_part(feed, self._register.new_delivery_id())
        with self._connect(work) as con:
            write_part(self.lake, part, target, rows_by_bucket(con, target, f"({all_rows_sql(paths, closures)})"))
        ids = [each.delivery_id for each in self._register.stored_deliveries(feed)]
        self._register.replace_parts(feed, ids, self.lake.relative(part), file_sha256(part), now)
        return part

    def claims(self, feed: str, without: Collection[int] = ()) -> Claims:
        """What the deliveries of a feed that are in effect claim, but for some."""
        effective = self._register.effective_deliveries(feed)
        counted = [each for each in effective if each.delivery_kind != "revocation" and each.delivery_id not in without]
        return Claims(tuple(sorted(counted, key=lambda each: each.position)), self.lake)

    def restore(self, feed: str, revoked: Collection[int], delivery_id: int, now: datetime, work: Path) -> Restored:
        """Write, as delivery `delivery_id`, what puts a feed into the state it has without the deliveries `revoked`."""
        target = table(f"feed.{feed}")
        paths, closures = self.history(feed)
        if not paths:
            return Restored(0, 0)
        with self._connect(work) as con:
            restoration = Restoration(con, target, all_rows_sql(paths, closures), self.claims(feed, revoked), revoked)
            part, closed = self.lake.feed_part(feed, delivery_id), self.lake.feed_closures(feed, delivery_id)
            return restoration.write(self.lake, part, closed, delivery_id, now)

    @contextmanager
    def _connect(self, work: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB of our own in memory, bounded; what does not fit is spilled to `work`."""
        config = {**self._config, "temp_directory": str(work)} if work else self._config
        con = duckdb.connect(config=config)
        try:
            yield con
        finally:
            con.close()

    def _files(self, relative: Iterable[str | None]) -> tuple[Path, ...]:
        return tuple(self.lake.absolute(each) for each in dict.fromkeys(relative) if each is not None)
