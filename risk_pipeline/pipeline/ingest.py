"""Ingest: every delivery of every feed of a workspace, read, judged, stored and recorded, one after the other.

Put here: the course of one delivery and its record. Keep out: reading and judging rows (feeds), versions and files (store),
the lock (the caller's). A delivery is recorded last, so a process killed at any moment leaves the old state or the new one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.convert import LINE, PROBLEMS, SEQ
from risk_pipeline.feeds.delivery import DeliveryReader, Opener
from risk_pipeline.feeds.files import Receipt, content_hash, find_files, is_glob, name_of, take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.read_sql import fetch
from risk_pipeline.feeds.spec import FeedSpec, load_feeds
from risk_pipeline.pipeline.lineage_events import delivery_recorded
from risk_pipeline.pipeline.problems import Problems
from risk_pipeline.settings import Workspace
from risk_pipeline.store.claims import MADE as MADE
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Delivery, Event, Register
from risk_pipeline.store.staging import FILE, Knowledge, Settlement, Staging, identity_sql

Progress = Callable[[str], None]
WRITTEN = ("part_path", "closures_path", "quarantine_path", "affirmed_path", "held_path")
COUNTS = ("rows_read", "rows_filtered", "rows_rejected", "rows_repeated", "rows_unchanged", "rows_stored", "rows_closed")


@dataclass(frozen=True)
class IngestResult:
    """What became of one delivery. `remedy`: what to do about a refused one."""

    delivery: Delivery
    remedy: str = ""
    seconds: float = 0.0

    @property
    def feed(self) -> str:
        return self.delivery.feed

    @property
    def state(self) -> str:
        return self.delivery.state

    @property
    def message(self) -> str:
        return self.delivery.message

    @property
    def warnings(self) -> dict[str, Any]:
        return dict(self.delivery.warnings)

    @property
    def counts(self) -> dict[str, int]:
        """rows_read, rows_filtered, rows_rejected, rows_repeated, rows_unchanged, rows_stored, rows_closed."""
        return {name: getattr(self.delivery, name) for name in COUNTS}


def ingest(
    workspace: Workspace,
    register: Register,
    *,
    feeds: Sequence[str] | None = None,
    now: datetime,
    progress: Progress | None = None,
) -> list[IngestResult]:
    """Ingest the feeds of a workspace (all, or those named), the customer master first; one result per delivery.

    `now` (aware) is the ingest time of every row. A refused delivery is recorded and reported, and the next one follows; the
    caller decides on the exit code. UsageError for a wrong feed YAML, before anything is read. Takes no lock.
    """
    loaded = load_feeds(workspace.feeds_dir, list(feeds) if feeds else None)
    store = FeedStore(Lake(workspace.lake), register, threads=workspace.settings.threads)
    results: list[IngestResult] = []
    with work_folder(workspace) as work:
        for each in loaded:
            before = len(results)
            known = _known_files(each.spec, register)
            passed = 0
            for files in _deliveries(each.spec, workspace):
                if isinstance(files, list) and files and _is_known(files, known, workspace):
                    passed += 1
                    continue
                results.append(Course(each.spec, files, workspace, register, store, now, work).run())
                if progress is not None:
                    progress(_told(results[-1]))
            if passed and len(results) == before:
                results.append(_nothing_new(each.spec, passed, now))
    return [*results, *_screened(workspace, register, now, progress)]


def _screened(workspace: Workspace, register: Register, now: datetime, progress: Progress | None) -> list[IngestResult]:
    """Customers searched on sanctions lists, where a list or a customer is new. What compares names is loaded only then."""
    from risk_pipeline.pipeline.screening import is_wanted, screen_workspace

    if not is_wanted(workspace, register, now):
        return []
    results = screen_workspace(workspace, register, now=now)
    if progress is not None:
        for each in results:
            progress(_told(each))
    return results


def refusal(results: Sequence[IngestResult]) -> Refused | None:
    """The error that stands for every refused delivery, with what to do; None when none was refused."""
    refused = [each for each in results if each.state == "refused"]
    if not refused:
        return None
    remedies = dict.fromkeys(each.remedy for each in refused if each.remedy)
    return Refused(
        "\n".join(f"delivery refused: {each.feed}: {each.message}" for each in refused),
        remedy="; ".join(remedies) or "the last good delivery stays in effect; mend the file or the mapping and ingest again",
    )


def _deliveries(spec: FeedSpec, workspace: Workspace) -> Iterator[list[Path] | Refused]:
    """The files of each delivery: all together for a snapshot, one by one otherwise; a database is one delivery without any."""
    if spec.source.kind == "sql":
        yield []
        return
    try:
        files = find_files(spec.source.path, workspace.data_root, workspace.root)
    except Refused as exc:
        yield exc
        return
    if not files and (spec.delivery == "snapshot" or not is_glob(spec.source.path)):
        yield Refused(
            f"no file matches {spec.source.path} below {workspace.data_root}",
            remedy="put the file there, or mend source.path in the feed YAML or data_root in risk.yaml",
        )
    elif spec.delivery == "snapshot":
        yield files
    else:
        yield from ([each] for each in files)


_Stamp = tuple[str, int, int]


def _known_files(spec: FeedSpec, register: Register) -> set[_Stamp]:
    """Name, size and time of the files a glob of single deliveries has delivered, by the same mapping, and that are in effect:
    they are passed over, neither read nor recorded again.
    """
    if spec.delivery == "snapshot" or spec.source.kind == "sql" or not is_glob(spec.source.path):
        return set()
    identities = {each.identity for each in _in_effect(spec, register)}
    # A no-op counts: the file was touched, looked at, and found to be one in effect.
    looked_at = register.deliveries(spec.feed, ("effective", "no_op"))
    same = [each for each in looked_at if each.spec_hash == spec.hash and each.identity in identities]
    return {(file["name"], file["bytes"], file["modified_ns"]) for each in same for file in each.files if "modified_ns" in file}


def _is_known(files: list[Path], known: set[_Stamp], workspace: Workspace) -> bool:
    return bool(known) and all(_stamp(path, workspace) in known for path in files)


def _stamp(path: Path, workspace: Workspace) -> _Stamp | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return name_of(path, workspace.data_root, workspace.root), stat.st_size, stat.st_mtime_ns


def _nothing_new(spec: FeedSpec, files: int, now: datetime) -> IngestResult:
    """What is told of a glob whose files were all delivered before; nothing of it is recorded."""
    message = f"no new file among the {files:,} of {spec.source.path}" if files > 1 else f"no new file in {spec.source.path}"
    record = Delivery(
        delivery_id=0,
        feed=spec.feed,
        mode=spec.delivery,
        state="no_op",
        content_sha256="",
        spec_hash=spec.hash,
        files=[],
        received_at=now,
        message=message,
    )
    return IngestResult(record)


@contextmanager
def work_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder for files that are thrown away; what a killed ingest left there is removed (the caller holds the lock)."""
    base = workspace.warehouse / "tmp"
    workspace.warehouse.mkdir(mode=0o700, parents=True, exist_ok=True)
    base.mkdir(exist_ok=True)
    for stale in base.glob("ingest-*"):
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="ingest-", dir=base) as folder:
        yield Path(folder)


class Course:
    """The course of one delivery, from its files to its record."""

    def __init__(
        self,
        spec: FeedSpec,
        files: list[Path] | Refused,
        workspace: Workspace,
        register: Register,
        store: FeedStore,
        now: datetime,
        work: Path,
    ) -> None:
        self._spec = spec
        self._files = files
        self._workspace = workspace
        self._register = register
        self._store = store
        self._now = now
        self._delivery_id = register.new_delivery_id()
        self._work = work / f"{self._delivery_id:08d}"
        self._written: list[Path] = []
        self._problems = Problems(spec, self._work)
        self._counts: Counter[str] = Counter()
        self._warnings: Counter[str] = Counter()
        self._record = Delivery(
            delivery_id=self._delivery_id,
            feed=spec.feed,
            mode=spec.delivery,
            state="refused",
            content_sha256="",
            spec_hash=spec.hash,
            files=[],
            received_at=now,
            known_assumption=spec.known_assumption,
        )

    def run(self) -> IngestResult:
        started = time.perf_counter()
        remedy = ""
        self._work.mkdir()
        try:
            self._take()
        except Refused as exc:
            self._discard()
            self._note(state="refused", message=exc.message)
            remedy = exc.remedy
        except BaseException:
            self._discard()
            raise
        self._enter()
        if self._record.state == "effective":
            self._store.compact(self._spec.feed, self._work, self._now)
        shutil.rmtree(self._work, ignore_errors=True)
        result = IngestResult(self._record, remedy, time.perf_counter() - started)
        delivery_recorded(self._workspace, result.delivery, result.seconds)
        return result

    def _take(self) -> None:
        if isinstance(self._files, Refused):
            raise self._files
        receipts = self._receipts(self._files)
        if not receipts:
            self._note(state="no_op", message="the source has no row beyond the cursor")
            return
        self._note(
            content_sha256=content_hash(receipts),
            files=[{**each.as_dict(), **_part_of(self._spec)} for each in receipts],
        )
        same = self._same_as()
        if same is not None:
            self._note(state="no_op", message=f"the same content and mapping as delivery {same}")
            return
        self._store_rows(receipts, open_source)

    def _store_rows(self, receipts: Sequence[Receipt], opener: Opener) -> None:
        mapped = self._spec.mapped
        reader = DeliveryReader(
            self._spec,
            receipts,
            identity=identity_sql(self._spec.table, mapped),
            work=self._work,
            threads=self._workspace.settings.threads or min(4, os.cpu_count() or 1),
            opener=opener,
        )
        with self._store.staging(self._spec.table, mapped, self._work) as staging:
            self._read(reader, staging)
            settlement = self._settle(staging)
            self._judge(settlement)
            self._write(reader, staging, settlement)
        self._note(state="effective", message=self._problems.summary())

    def _enter(self) -> None:
        """Put the record into the register."""
        self._record_with(None)

    def _record_with(self, event: Event | None) -> None:
        """Put the record into the register, with an event of its own where somebody did more than deliver."""
        written = self._store.lake.sha256(getattr(self._record, each) for each in WRITTEN)
        self._register.add_delivery(self._record, event, written)

    def _receipts(self, files: list[Path]) -> list[Receipt]:
        if self._spec.source.kind == "sql":
            reached = reached_by(self._spec, _in_effect(self._spec, self._register))
            found = fetch(self._spec, self._work, reached)
            return [] if reached is not None and not found.rows else [found.receipt]
        return [take_receipt(path, self._workspace.data_root, self._workspace.root) for path in files]

    def _same_as(self) -> int | None:
        """The delivery this one repeats: the latest one in effect for a snapshot or a database, where a row may become again what
        it was; else any in effect.
        """
        effective = _in_effect(self._spec, self._register)
        returning = self._spec.delivery == "snapshot" or self._spec.source.kind == "sql"
        candidates = effective[-1:] if returning else effective
        return next((each.delivery_id for each in candidates if each.identity == self._record.identity), None)

    def _read(self, reader: DeliveryReader, staging: Staging) -> None:
        for checked in reader.read():
            chunk = checked.chunk
            staging.add(chunk.rows, chunk.held, checked.file_number)
            self._problems.add(chunk.problems, checked.file_number, self._name(checked.file_number))
            self._counts.update(rows_read=chunk.rows_read, rows_filtered=chunk.rows_filtered, rows_rejected=chunk.rows_rejected)
            self._warnings.update(chunk.warnings)
        for each in reader.files:
            self._warnings.update(each.warnings)
        self._note(files=[{**each.as_dict(), **_part_of(self._spec)} for each in reader.files])

    def _settle(self, staging: Staging) -> Settlement:
        settlement = staging.settle(self._spec.delivery, self._spec.duplicates, spare=spared_sql(self._spec))
        self._reject_keys(staging.duplicates(), "duplicate_key")
        self._counts["rows_rejected"] += settlement.duplicate
        return settlement

    def _reject_keys(self, rejected: Iterator[pa.Table], rule: str) -> None:
        for rows in rejected:
            for number in sorted(set(rows.column(FILE).to_pylist())):
                of_file = rows.filter(pc.equal(rows.column(FILE), number))
                self._problems.add(_key_problems(of_file, rule), number, self._name(number))

    def _judge(self, settlement: Settlement) -> None:
        """Refused when the delivery breaks an assertion or a row got lost."""
        self._count(settlement)
        check_assertions(self._spec, self._counts, settlement.valid, settlement.open_before, self._problems)

    def _count(self, settlement: Settlement) -> None:
        self._counts.update(
            rows_repeated=settlement.repeated,
            rows_unchanged=settlement.unchanged,
            rows_stored=settlement.stored,
            rows_closed=settlement.closed,
        )
        self._note(**{name: self._counts[name] for name in COUNTS if name not in ("rows_stored", "rows_closed")})
        check_conservation(self._counts)

    def _write(self, reader: DeliveryReader, staging: Staging, settlement: Settlement) -> None:
        lake, feed, number = self._store.lake, self._spec.feed, self._delivery_id
        names = [each.receipt.name for each in reader.files]
        paths: dict[str, str | None] = {"part_path": None, "closures_path": None, "quarantine_path": None}
        if self._problems.rows:
            path = self._new_file(lake.quarantine_part(number))
            self._problems.write(lake, path, number, reader, names)
            paths["quarantine_path"] = lake.relative(path)
        if settlement.stored:
            path = self._new_file(lake.feed_part(feed, number))
            written = staging.write(lake, path, number, names, self._knowledge())
            check_conservation({**self._counts, "rows_stored": written})
            paths["part_path"] = lake.relative(path)
        if settlement.closed:
            path = self._new_file(lake.feed_closures(feed, number))
            staging.write_closures(lake, path, number, self._now)
            paths["closures_path"] = lake.relative(path)
        if (part := paths["part_path"]) is not None:
            closures = None if paths["closures_path"] is None else lake.absolute(paths["closures_path"])
            self._warnings.update(self._store.cross_feed_warnings(self._spec.table, lake.absolute(part), closures, self._work))
        if settlement.affirmed:
            path = self._new_file(lake.feed_affirmed(feed, number))
            staging.write_affirmed(lake, path)
            paths["affirmed_path"] = lake.relative(path)
        if settlement.held and self._spec.delivery == "snapshot":
            path = self._new_file(lake.feed_held(feed, number))
            staging.write_held(lake, path)
            paths["held_path"] = lake.relative(path)
        for each in reader.files:
            each.receipt.check_unchanged()
        counts = {name: self._counts[name] for name in COUNTS}
        self._note(**counts, **paths, warnings={name: self._warnings[name] for name in sorted(self._warnings)})

    def _knowledge(self) -> Knowledge:
        rule = self._spec.known_at
        return Knowledge(
            self._now, self._spec.known_date_column, rule.plus_days if rule else 0, self._workspace.settings.time_zone
        )

    def _new_file(self, path: Path) -> Path:
        self._written.append(path)
        return path

    def _discard(self) -> None:
        """A delivery that is not taken leaves nothing in the lake."""
        for path in self._written:
            path.unlink(missing_ok=True)

    def _name(self, file_number: int) -> str:
        return str(self._record.files[file_number]["name"])

    def _note(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)


def _in_effect(spec: FeedSpec, register: Register) -> list[Delivery]:
    """The deliveries in effect that were read from the source of a feed (or of this list of it), oldest first."""
    return [
        each
        for each in register.source_deliveries(spec.feed)
        if not is_made(each) and all(file.get("part_of", {}) == spec.part_of for file in each.files)
    ]


def is_made(delivery: Delivery) -> bool:
    """Whether the program made the delivery itself, as screening does."""
    return any(str(file["name"]).startswith(MADE) for file in delivery.files)


def _part_of(spec: FeedSpec) -> dict[str, Any]:
    return {"part_of": spec.part_of} if spec.part_of else {}


def spared_sql(spec: FeedSpec) -> str | None:
    """The stored rows a snapshot does not speak for: those of the other lists of its feed, and those screening made."""
    if spec.delivery != "snapshot":
        return None
    others = [f"\"{name}\" IS DISTINCT FROM '{value.replace(chr(39), chr(39) * 2)}'" for name, value in spec.part_of.items()]
    return " OR ".join([f"source_file LIKE '{MADE}%'", *others])


def reached_by(spec: FeedSpec, deliveries: Sequence[Delivery]) -> str | None:
    """How far the deliveries in effect have read a SQL source without a gap: where the next one goes on. None = not at all.

    A revoked delivery leaves a gap, which is read again. Another mapping has read nothing.
    """
    if spec.source.cursor is None:
        return None
    reached = {spec.source.cursor.start: None}
    for each in deliveries:
        cursor = each.files[0].get("cursor") if each.spec_hash == spec.hash and each.files else None
        if cursor and cursor["from"] in reached:
            reached[cursor["to"]] = None
    return next(reversed(reached)) if len(reached) > 1 else None


def check_conservation(counts: Mapping[str, int]) -> None:
    """Refused when rows were lost or made up on the way: in = filtered + rejected + repeated + unchanged + stored."""
    kinds = ("rows_filtered", "rows_rejected", "rows_repeated", "rows_unchanged", "rows_stored")
    accounted = sum(counts[name] for name in kinds)
    if counts["rows_read"] != accounted:
        told = ", ".join(f"{counts[name]:,} {name.removeprefix('rows_')}" for name in kinds)
        raise Refused(
            f"{counts['rows_read']:,} rows were read, but {accounted:,} are accounted for ({told})",
            remedy="this is a fault of the program, not of the file: please report it with the feed YAML",
        )


def check_assertions(spec: FeedSpec, counts: Mapping[str, int], valid: int, open_before: int, problems: Problems) -> None:
    """Refused when a delivery breaks an assertion of its feed. `valid`: distinct good rows; `open_before`: rows in effect."""
    asserted, judged = spec.assertions, counts["rows_read"] - counts["rows_filtered"]
    rejected_pct = 100 * counts["rows_rejected"] / judged if judged else 0.0
    if rejected_pct > asserted.max_rejected_pct:
        raise Refused(
            f"{counts['rows_rejected']:,} of {judged:,} rows ({rejected_pct:.1f} %) break a rule, more than"
            f" max_rejected_pct {asserted.max_rejected_pct:g} allows: {problems.summary()}",
            remedy="mend the mapping in the feed YAML or the file; raise assertions.max_rejected_pct only if this is normal",
        )
    if valid < asserted.rows_min:
        raise Refused(
            f"{valid:,} rows, fewer than rows_min {asserted.rows_min:,} ({counts['rows_read']:,} read,"
            f" {counts['rows_filtered']:,} filtered out, {counts['rows_rejected']:,} rejected)",
            remedy="check that the export is complete; set assertions.rows_min: 0 where an empty file is normal",
        )
    if asserted.rows_max is not None and valid > asserted.rows_max:
        raise Refused(
            f"{valid:,} rows, more than rows_max {asserted.rows_max:,}",
            remedy="check the export for double rows; raise assertions.rows_max if the business grew",
        )
    dropped_pct = 100 * (open_before - valid) / open_before if open_before else 0.0
    if spec.max_drop_pct is not None and dropped_pct > spec.max_drop_pct:
        raise Refused(
            f"{valid:,} rows where {open_before:,} are in effect: {dropped_pct:.1f} % fewer, more than"
            f" max_drop_pct {spec.max_drop_pct:g} allows",
            remedy="check that the snapshot is complete; raise assertions.max_drop_pct for once if so many rows really left",
        )


def _key_problems(rows: pa.Table, rule: str) -> pa.Table:
    text = pa.array([""] * len(rows), pa.string())
    rules = pa.array([rule] * len(rows), pa.string())
    columns = [rows.column(SEQ), rows.column(LINE), rules, text, rows.column("key")]
    return pa.table(columns, schema=PROBLEMS)


def _told(result: IngestResult) -> str:
    counts = ", ".join(f"{value:,} {name.removeprefix('rows_')}" for name, value in result.counts.items() if value)
    return f"{result.feed}: {result.state} ({counts or 'no rows'}; {result.seconds:.1f} s) {result.message}".rstrip()
