"""Taking away files that nobody needs any more: what failed runs staged, what compaction replaced, what retention let go.

Put here: which files are needed and by whom, removing the others with an event each in the audit log. Keep out: what is published
(register), paths (store.lake), printing (cli).

Kept, whatever its age: the last SNAPSHOTS publications; every official or reconstructed run until `retention.decisions_years`
after it was published, with the decisions before that it continued; every file that a delivery names, because any run may read it
again. A file younger than YOUNG stays, for whoever still reads or continues it. A file the register cannot place is left alone:
it may belong to another register, or to nobody we know.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.contracts import FEED_TABLES, TABLES
from risk_pipeline.errors import Refused
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import TEMPORARY_SUFFIX, Lake, file_sha256
from risk_pipeline.store.lock import workspace_lock
from risk_pipeline.store.register import Event, Register, RunRecord

SNAPSHOTS = 3
YOUNG = timedelta(hours=24)
REMOVED = "gc.removed"
SCRATCH = ("scratch", "tmp")  # folders of the warehouse beside the lake, for files that are thrown away
STATES = frozenset(("effective_from", "valid_from", "valid_to", "listed_date"))  # columns of feeds that tell what lasts
_OF_DELIVERY = re.compile(r"(?:feed/(?P<feed>\w+)/(?:(?:closed|affirmed|held)/)?|quarantine/)(?P<number>\d{8})\.parquet")
_OF_RUN = re.compile(r"(?:(?P<table>\w+/\w+)|manifest)/\d{4}-\d\d-\d\d/(?P<run>[^/]+)\.(?:parquet|json)")


@dataclass(frozen=True)
class Removal:
    """Files that go together. `reason`: failed_run, refused_run, simulation_superseded, retention_ended, replaced, temporary or
    scratch. `files`: SHA-256 by path below the lake, of scratch below the warehouse.
    """

    subject: str
    reason: str
    files: Mapping[str, str]
    size: int


@dataclass(frozen=True)
class Due:
    """What is older than its retention, and yet not removed by itself: a date readers are shown, rows of a feed."""

    what: str
    rule: str
    rows: int
    until: date


@dataclass(frozen=True)
class Collected:
    """What was removed (of a dry run: would be), what stays, what is due, and files that were left alone as nobody's."""

    removals: list[Removal]
    kept_files: int
    kept_bytes: int
    due: list[Due] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Retention:
    """For how many years decisions are kept, counted back from a day."""

    years: int
    today: date

    def over(self, run: RunRecord) -> bool:
        """Was the run published so long ago that its decisions need not be kept?"""
        return (run.ended_at or run.started_at).date() < years_before(self.today, self.years)


def collect(workspace: Workspace, register: Register, *, by: str, now: datetime, dry_run: bool = False) -> Collected:
    """Remove what nobody needs, each removal an event first. Locked while something else works in the workspace.

    A removal that was recorded and interrupted is done again next time.
    """
    if dry_run:
        return _plan(workspace, register, now)
    with workspace_lock(workspace.lock_file, "gc"):
        found = _plan(workspace, register, now)
        remove(workspace, register, found.removals, by=by, now=now)
        if found.removals and register.current_snapshot():
            build_catalogue(workspace.catalogue, Lake(workspace.lake), register)
        return found


def remove(workspace: Workspace, register: Register, removals: Iterable[Removal], *, by: str, now: datetime) -> None:
    """Remove files and say so in the audit log. Refused, with nothing removed, when the replay of an official run needs one, or
    one lies outside the lake and the scratch folders.
    """
    held = list(removals)
    lake = Lake(workspace.lake)
    needed = needed_by_replay(register, lake, Retention(workspace.settings.retention.decisions_years, now.date()))
    for removal in held:
        _refuse(removal, needed)
    for removal in held:
        told: dict[str, Any] = {"reason": removal.reason, "files": dict(removal.files), "bytes": removal.size}
        register.add_event(Event(at=now, actor=by, action=REMOVED, subject=removal.subject, detail=told))
        for name in removal.files:
            path = workspace.warehouse / name if removal.reason == "scratch" else lake.absolute(name)
            path.unlink(missing_ok=True)
            _remove_empty(path.parent, workspace.warehouse)


def needed_by_replay(register: Register, lake: Lake, ends: Retention) -> frozenset[str]:
    """What computing the official runs again reads, by path below the lake: their tables, what they continued, all feeds."""
    official = [run for run in register.runs(("published",)) if run.label == "official" and not ends.over(run)]
    return frozenset(path for run in official for path in _of_run(run, lake)) | _of_deliveries(register)


def _refuse(removal: Removal, needed: Collection[str]) -> None:
    if removal.reason == "scratch":
        wrong = [name for name in removal.files if name.split("/")[0] not in SCRATCH or ".." in name.split("/")]
        what = "lies outside the scratch folders"
    else:
        wrong, what = sorted(set(removal.files) & set(needed)), "is needed to compute an official run again"
    if wrong:
        raise Refused(f"{wrong[0]} {what}: nothing was removed", remedy="please report it: gc must not have asked for this")


def _plan(workspace: Workspace, register: Register, now: datetime) -> Collected:
    lake = Lake(workspace.lake)
    runs = {run.run_id: run for run in register.runs()}
    ends = Retention(workspace.settings.retention.decisions_years, now.date())
    kept = _kept_runs(register, runs, ends)
    paths = _of_deliveries(register) | _shown(register)
    paths |= {path for run_id in kept for path in _of_run(runs[run_id], lake)}
    newest = max((each.delivery_id for each in register.deliveries()), default=0)
    groups: dict[tuple[str, str], list[str]] = {}
    strange, stays = [], []
    for path in _files(lake.root):
        name = lake.relative(path)
        if name in paths or _young(path, now):
            stays.append(path)
            continue
        group = _group(name, runs, kept, newest)
        if group is None:
            stays.append(path)
            strange += [] if _OF_RUN.fullmatch(name) and _run_of(name, runs) in kept else [name]
        else:
            groups.setdefault(group, []).append(name)
    removals = [_removal(subject, reason, names, lake.root) for (subject, reason), names in sorted(groups.items())]
    return Collected(
        removals=[*removals, *_scratch(workspace.warehouse, now)],
        kept_files=len(stays),
        kept_bytes=sum(path.stat().st_size for path in stays),
        due=[*_dates_due(register, runs, ends), *_rows_due(workspace, register, now.date())],
        strange=strange,
    )


def years_before(day: date, years: int) -> date:
    """The same day `years` ago; of 29 February the 28th."""
    return day.replace(year=day.year - years, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _kept_runs(register: Register, runs: Mapping[str, RunRecord], ends: Retention) -> frozenset[str]:
    """Runs whose files stay: those still at work, those readers were shown lately, and decisions within their retention."""
    lately = {part.run_id for each in register.snapshots()[-SNAPSHOTS:] for parts in each.parts.values() for part in parts}
    decided = {
        run.run_id for run in runs.values() if run.state == "published" and run.label != "simulation" and not ends.over(run)
    }
    return frozenset(lately | decided | {run.run_id for run in runs.values() if run.state == "open"})


def _shown(register: Register) -> frozenset[str]:
    snapshots = register.snapshots()[-SNAPSHOTS:]
    return frozenset(part.path for each in snapshots for parts in each.parts.values() for part in parts)


def _of_run(run: RunRecord, lake: Lake) -> Iterator[str]:
    """What a published run wrote, and what it read of the run before."""
    yield from (said["path"] for said in run.manifest.get("tables", {}).values())
    yield from run.manifest.get("previous_parts", {}).values()
    yield lake.relative(lake.manifest_path(run.as_of, run.run_id))
    yield lake.relative(lake.lineage_part(run.as_of, run.run_id))


def _of_deliveries(register: Register) -> frozenset[str]:
    names = ("part_path", "closures_path", "quarantine_path", "affirmed_path", "held_path")
    return frozenset(path for each in register.deliveries() for name in names if (path := getattr(each, name)))


def _files(root: Path) -> Iterator[Path]:
    """Every file of the lake. Links are not followed, nor looked at."""
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink() and not any(each.is_symlink() for each in _above(path, root)):
            yield path


def _above(path: Path, root: Path) -> Iterator[Path]:
    yield from (each for each in path.parents if each.is_relative_to(root) and each != root)


def _group(name: str, runs: Mapping[str, RunRecord], kept: Collection[str], newest: int) -> tuple[str, str] | None:
    """What a file that nothing names belonged to, and why it may go; None when it stays."""
    if name.endswith(TEMPORARY_SUFFIX) and name.rpartition("/")[2].startswith("."):
        return "temporary files", "temporary"
    delivered = _OF_DELIVERY.fullmatch(name)
    if delivered:
        number = int(delivered["number"])
        known = delivered["feed"] is None or f"feed.{delivered['feed']}" in TABLES
        return (f"delivery {number}", "replaced") if known and number <= newest else None
    run = runs.get(_run_of(name, runs) or "")
    if run is None or run.run_id in kept:
        return None
    superseded = "simulation_superseded" if run.label == "simulation" else "retention_ended"
    return f"run {run.run_id}", superseded if run.state == "published" else f"{run.state}_run"


def _run_of(name: str, runs: Mapping[str, RunRecord]) -> str | None:
    """The run that wrote a file, when the register knows it and the table; of audit.decision_change the later run."""
    found = _OF_RUN.fullmatch(name)
    if found is None or (found["table"] and found["table"].replace("/", ".") not in TABLES):
        return None
    said = found["run"]
    if found["table"] == "audit/decision_change":
        return next((run_id for run_id in runs if said.startswith(f"{run_id}.")), None)
    return said if said in runs else None


def _removal(subject: str, reason: str, names: Sequence[str], root: Path) -> Removal:
    files = {name: file_sha256(root / name) for name in names}
    return Removal(subject, reason, files, sum((root / name).stat().st_size for name in names))


def _scratch(warehouse: Path, now: datetime) -> Iterator[Removal]:
    found = [path for each in SCRATCH for path in _files(warehouse / each) if not _young(path, now)]
    if found:
        yield _removal("scratch", "scratch", [path.relative_to(warehouse).as_posix() for path in found], warehouse)


def _young(path: Path, now: datetime) -> bool:
    return now.timestamp() - path.stat().st_mtime < YOUNG.total_seconds()


def _remove_empty(folder: Path, warehouse: Path) -> None:
    """Remove folders that became empty, but none directly below the warehouse."""
    while folder.is_relative_to(warehouse) and folder.parent not in (warehouse, folder) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _dates_due(register: Register, runs: Mapping[str, RunRecord], ends: Retention) -> Iterator[Due]:
    """Decisions beyond their retention that readers are still shown."""
    snapshot = register.current_snapshot()
    for day in snapshot.dates() if snapshot else ():
        part = snapshot.part("decision.risk_tier", day) if snapshot else None
        if part and ends.over(runs[part.run_id]):
            yield Due(f"assessment of {day}", "decisions_years", part.rows, years_before(ends.today, ends.years))


def _rows_due(workspace: Workspace, register: Register, today: date) -> Iterator[Due]:
    """Rows of feeds that tell events, both dated and known before the retention of evidence. A state (a contract) lasts."""
    until = years_before(today, workspace.settings.retention.evidence_years)
    store = FeedStore(Lake(workspace.lake), register)
    with duckdb.connect() as con:
        for feed in FEED_TABLES:
            paths, _ = store.history(feed.name)
            if feed.event_date is None or not paths or STATES & set(feed.column_names):
                continue
            [(rows,)] = con.execute(
                f"SELECT COUNT(*) FROM read_parquet(?, union_by_name = true) WHERE {feed.event_date} < ? AND known_from < ?",
                [[str(path) for path in paths], until, until],
            ).fetchall()
            if rows:
                yield Due(f"feed.{feed.name}", "evidence_years", int(rows), until)
