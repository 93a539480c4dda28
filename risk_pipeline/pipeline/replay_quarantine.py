"""Taking rejected rows in again, after the mapping, a lookup or what they clashed with was mended.

Put here: which rows are tried again, reading them from the quarantine, the course of a replay. Keep out: which rows are open
(store.quarantine), how rows are judged and stored (ingest, store.staging), showing the quarantine (cli).

The rows still belong to the delivery they came with: they keep its file and line, and their place is right after it. So what that
delivery, or a later one, says about a key stands; only what was known before gives way. A replay is a delivery of its own,
known from the time it is made like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds.chunks import Chunk, SourceFile
from risk_pipeline.feeds.files import Receipt, content_hash, take_receipt
from risk_pipeline.feeds.read_files import check_columns
from risk_pipeline.feeds.spec import FeedSpec, load_feeds
from risk_pipeline.pipeline.ingest import Course, IngestResult, work_folder
from risk_pipeline.settings import Workspace
from risk_pipeline.store.claims import part_of
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.quarantine import SUPERSEDED_RULE, quarantine_states
from risk_pipeline.store.register import SYSTEM, Delivery, Event, Register
from risk_pipeline.store.staging import SUPERSEDED, Mode, Settlement, Staging

CHUNK_ROWS = 50_000
_KEPT = ("source_line", "rule", "column_name")


def replay(
    workspace: Workspace,
    register: Register,
    *,
    feed: str | None = None,
    number: int | None = None,
    by: str = SYSTEM,
    now: datetime,
) -> list[IngestResult]:
    """Try the open rejected rows again (all, of one feed, or of one delivery) with the feed YAML as it is now.

    One result per delivery that had open rows, oldest first; `no_op` and not recorded where nothing would change. `refused`,
    and recorded as such, where the rows lack a column that is mapped now. UsageError for an unknown delivery or a feed without
    YAML, Refused for a delivery whose rows are no longer open. Takes no lock.
    """
    deliveries = register.deliveries()
    chosen = _chosen(deliveries, feed, number)
    if not chosen:
        return []
    loaded = [each.spec for each in load_feeds(workspace.feeds_dir, list(dict.fromkeys(each.feed for each in chosen)))]
    origins = {each.delivery_id: each for each in deliveries}
    planned = [(each, origins[each.position[0]], _spec(loaded, origins[each.position[0]])) for each in chosen]
    store = FeedStore(Lake(workspace.lake), register, threads=workspace.settings.threads)
    results = []
    with work_folder(workspace) as work:
        for rejected, origin, spec in planned:
            results.append(_Replay(spec, workspace, register, store, now, work, rejected=rejected, origin=origin, by=by).run())
    return results


def _chosen(deliveries: Sequence[Delivery], feed: str | None, number: int | None) -> list[Delivery]:
    """The deliveries whose quarantine part holds the open rows, by the position of their origin."""
    states = quarantine_states(deliveries)
    is_open = sorted((d for d in deliveries if states.get(d.delivery_id) == "open"), key=lambda each: each.position)
    if number is None:
        known = sorted({each.feed for each in deliveries})
        if feed is not None and feed not in known:
            raise UsageError(f"feed {feed} delivered nothing", remedy=f"feeds with deliveries: {', '.join(known) or 'none'}")
        return [each for each in is_open if feed in (None, each.feed)]
    asked = next((each for each in deliveries if each.delivery_id == number), None)
    if asked is None or (feed is not None and asked.feed != feed):
        raise UsageError(
            f"there is no delivery {number}" + (f" of feed {feed}" if feed else ""),
            remedy="risk-pipeline delivery list shows their numbers",
        )
    family = [each for each in is_open if each.position[0] == asked.position[0]]
    if not family and states.get(number) in ("superseded", "revoked"):
        raise Refused(
            f"the rejected rows of delivery {number} are {states[number]}",
            remedy="replay those of the delivery that counts now; risk-pipeline quarantine list shows what is open",
        )
    return family


def _spec(loaded: Sequence[FeedSpec], origin: Delivery) -> FeedSpec:
    """The mapping of today for the rows of a delivery."""
    found = next((each for each in loaded if each.feed == origin.feed and each.part_of == part_of(origin)), None)
    if found is None:
        raise UsageError(
            f"no feed YAML of {origin.feed} speaks for {', '.join(part_of(origin).values())}",
            remedy="put the YAML back that delivery " + str(origin.delivery_id) + " was read by",
        )
    return found


class _NothingChanged(Exception):
    """A replay would leave the quarantine as it is."""


class _Replay(Course):
    """The course of one replay. `rejected`: the delivery whose quarantine part holds the rows; `origin`: they came with it."""

    def __init__(
        self,
        spec: FeedSpec,
        workspace: Workspace,
        register: Register,
        store: FeedStore,
        now: datetime,
        work: Path,
        *,
        rejected: Delivery,
        origin: Delivery,
        by: str,
    ) -> None:
        super().__init__(spec, [], workspace, register, store, now, work)
        self._rejected = rejected
        self._origin = origin
        self._by = by
        self._note(mode=origin.mode, delivery_kind="replay", origin_delivery_id=origin.delivery_id)

    def _take(self) -> None:
        assert self._rejected.quarantine_path is not None, "only deliveries with rejected rows are chosen"
        part = self._store.lake.absolute(self._rejected.quarantine_path)
        sources = _spool(part, self._work)
        receipts = [replace(take_receipt(path, self._work), name=name) for name, path in sources.items()]
        self._note(content_sha256=content_hash(receipts), files=[{"name": each.name} for each in receipts])
        days = {str(file["name"]): frozenset(file.get("iso_dates", ())) for file in self._origin.files if file.get("iso_dates")}

        def opener(receipt: Receipt, spec: FeedSpec, work: Path) -> SourceFile:
            opened = QuarantinedFile(receipt, days.get(receipt.name, frozenset()))
            check_columns(opened, spec.source_columns, spec.where)
            return opened

        try:
            self._store_rows(receipts, opener)
        except _NothingChanged:
            self._discard()
            self._note(state="no_op", message=self._problems.summary())

    def _settle(self, staging: Staging) -> Settlement:
        mode: Mode = "append" if self._origin.mode == "append" else "upsert"
        claims = self._store.claims(self._spec.feed)
        settlement = staging.settle(mode, self._spec.duplicates, (claims, self._origin.delivery_id))
        self._reject_keys(staging.duplicates(), "duplicate_key")
        self._reject_keys(staging.duplicates(SUPERSEDED), SUPERSEDED_RULE)
        self._counts["rows_rejected"] += settlement.duplicate + settlement.superseded
        return replace(settlement, held=0)

    def _judge(self, settlement: Settlement) -> None:
        """Assertions are about whole deliveries; here only conservation counts, and whether anything changes."""
        self._count(settlement)
        if self._counts["rows_rejected"] == self._counts["rows_read"] and self._same_problems():
            raise _NothingChanged

    def _same_problems(self) -> bool:
        assert self._rejected.quarantine_path is not None
        before = pq.read_table(self._store.lake.absolute(self._rejected.quarantine_path), columns=[*_KEPT, "source_file"])
        names = [str(each["name"]) for each in self._record.files]
        return self._problems.places(names) == {
            (row["source_file"], row["source_line"], row["rule"], row["column_name"]) for row in before.to_pylist()
        }

    def _enter(self) -> None:
        if self._record.state == "no_op":
            return
        counts = {name: value for name, value in sorted(self._counts.items()) if name.startswith("rows_")}
        event = Event(
            at=self._now,
            actor=self._by,
            action="quarantine.replayed",
            subject=f"delivery {self._origin.delivery_id}",
            detail={
                "feed": self._spec.feed,
                "replay": self._delivery_id,
                "state": self._record.state,
                "spec_hash": self._spec.hash,
                "message": self._record.message,
                **counts,
            },
        )
        self._record_with(event)


def _spool(part: Path, work: Path) -> dict[str, Path]:
    """Each source row of a quarantine part once, a file per source file: (line, row_json), by line."""
    with duckdb.connect(config={"memory_limit": "512MB", "temp_directory": str(work)}) as con:
        names = con.execute("SELECT DISTINCT source_file FROM read_parquet(?) ORDER BY 1", [str(part)]).fetchall()
        spooled = {}
        for number, (name,) in enumerate(names):
            path = work / f"quarantined{number:06d}.parquet"
            con.execute(
                "COPY (SELECT DISTINCT source_line AS line, row_json FROM read_parquet(?) WHERE source_file = ?"
                f" ORDER BY line, row_json) TO '{str(path).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)",
                [str(part), name],
            )
            spooled[str(name)] = path
        return spooled


@dataclass
class QuarantinedFile:
    """The rejected rows of one source file, as the reader of that file gave them. `receipt`: of the spooled rows."""

    receipt: Receipt
    iso_dates: frozenset[str]

    def __post_init__(self) -> None:
        first = next(pq.ParquetFile(self.receipt.path).iter_batches(1)).column("row_json")[0].as_py()
        self.header: list[str] = list(json.loads(first))

    def chunks(self) -> Iterator[Chunk]:
        for batch in pq.ParquetFile(self.receipt.path).iter_batches(CHUNK_ROWS):
            yield Chunk(batch.column("line").to_numpy().astype(np.int64), partial(_text, batch.column("row_json")))

    def facts(self) -> dict[str, object]:
        return {}

    def warnings(self) -> dict[str, int]:
        return {}


def _text(rows: pa.Array, names: Sequence[str]) -> pa.Table:
    parsed: list[Mapping[str, str | None]] = [json.loads(each) for each in rows.to_pylist()]
    return pa.table({name: pa.array([row.get(name) for row in parsed], pa.string()) for name in names})
