"""The feed store: what each feed knew and when, as immutable Parquet parts, one per delivery, and the rows they closed.

Put here: which files a reader needs, starting and storing a delivery, compaction. Keep out: how a delivery is compared and
written (staging), reading source files and judging cells (feeds), as-of views (engine).

A row is never changed. A later delivery closes it (row_id, known_to, delivery_id) and writes a new version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import STORE_COLUMNS, Column, Table, table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register
from risk_pipeline.store.staging import (
    BUCKETS,
    KEYS_AT_ONCE,
    Staging,
    all_rows_sql,
    bucket_ranges,
    naive,
    order_sql,
    write_part,
)

MAX_PARTS = 8

# Columns that name a row of another feed, and that feed.
_REFERENCES = {"customer_id": "customer", "invoice_id": "invoice"}


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

    def unknown_references(self, target: Table, part: Path, work: Path) -> dict[str, int]:
        """Rows of a new part that name a customer or an invoice no open row of those feeds has: warning -> rows.

        A feed that was never delivered is not missed: its customers are derived, its invoices may not be part of the ledger.
        """
        found = {}
        for column, feed in _REFERENCES.items():
            paths, closures = self.history(feed)
            if column not in target or target.name == feed or not paths:
                continue
            with self._connect(work) as con:
                rows = _count_unknown(con, column, part, all_rows_sql(paths, closures))
            if rows:
                found[f"unknown_{feed}"] = rows
        return found

    def compact(self, feed: str, work: Path) -> Path | None:
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
            write_part(self.lake, part, target, _merged(con, target, all_rows_sql(paths, closures)))
        ids = [each.delivery_id for each in self._register.stored_deliveries(feed)]
        self._register.replace_parts(feed, ids, self.lake.relative(part))
        return part

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


def _count_unknown(con: duckdb.DuckDBPyConnection, column: str, part: Path, known: str) -> int:
    total = 0
    slices = pq.read_metadata(part).num_rows // KEYS_AT_ONCE + 1
    for number in range(slices):
        mine = f'hash("{column}") % {slices} = {number}'
        [(found,)] = con.execute(
            f'SELECT count(*) FROM (SELECT "{column}" FROM read_parquet(?) WHERE "{column}" IS NOT NULL AND {mine}) n'
            f' ANTI JOIN (SELECT "{column}" FROM ({known}) WHERE open AND {mine}) k USING ("{column}")',
            [str(part)],
        ).fetchall()
        total += found
    return total


def _merged(con: duckdb.DuckDBPyConnection, target: Table, rows: str) -> Iterator[pa.Table]:
    """All rows, bucket range by bucket range; a column no part has yet, because the contract grew, is NULL."""
    counts = dict(con.execute(f"SELECT bucket, count(*) FROM ({rows}) GROUP BY bucket").fetchall())
    stored = {name for name, *_ in con.execute(f"DESCRIBE {rows}").fetchall()}
    held = [
        f'"{c.name}"' if c.name in stored else f'CAST(NULL AS {DUCKDB_TYPE[c.kind]}) AS "{c.name}"'
        for c in (*target.columns, *STORE_COLUMNS)
    ]
    for first, last in bucket_ranges([counts.get(bucket, 0) for bucket in range(BUCKETS)]):
        yield con.sql(
            f"SELECT {', '.join(held)} FROM ({rows}) WHERE bucket BETWEEN {first} AND {last} ORDER BY {order_sql(target)}, row_id"
        ).to_arrow_table()
