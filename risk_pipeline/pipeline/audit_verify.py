"""Verifying the audit log, and what it vouches for: the register, the files of the lake, the policies.

Put here: comparing what events say with what is there now, and naming each difference. Keep out: the chain itself and what an
event says of a row (store.register.events, .vouching), printing (cli). Nothing is mended here.

What was recorded before an event said so much (an older version) is told as not vouched for; it is no damage. What no event tells
of at all was put there by something else than this program, and is.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import rfc8785

from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.pipeline.gc import REMOVED
from risk_pipeline.pipeline.policy_versions import APPROVED, RETIRED, versions
from risk_pipeline.pipeline.why import KEPT
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import differences, shows_another_place
from risk_pipeline.store.lake import Lake, file_sha256
from risk_pipeline.store.register import CheckRecord, Contents, Delivery, RecordedEvent, Register, RunRecord, breaks, vouching
from risk_pipeline.store.register.register import COMPACTED, CONTINUED, OPENED, PUBLICATION

Place = Literal["register", "log", "delivery", "run", "snapshot", "file", "policy", "catalogue"]
PLACES: tuple[Place, ...] = get_args(Place)
DAMAGED = "its bytes are not those that were written"
GONE = "is gone"
UNRECORDED = "no event of the log tells of it: something else than this program put it there"
OTHERWISE = "is not what the register says (risk-pipeline catalogue rebuild)"
ELSEWHERE = "it shows the files of another place, from where the workspace was copied: risk-pipeline catalogue rebuild"
EXAMPLES = 5
NO_HEAD = "risk-pipeline audit head --export FILE writes one"


@dataclass(frozen=True)
class Finding:
    """Something that is not as the log says. `name`: of the table's row, the file or the event; `event`: the one that vouches."""

    place: Place
    name: str
    what: str
    event: int | None = None


@dataclass(frozen=True)
class Head:
    """The end of the log: number and hash of its newest event; 0 and an empty text before the first."""

    seq: int
    hash: str
    at: str = ""


@dataclass
class Verification:
    """What was found. `checked` and `unvouched`: how many, and which, by place; `bytes`: of the files that were hashed;
    `catalogue_event`: the newest event that the catalogue shows, None when it was not compared.
    """

    head: Head
    findings: list[Finding] = field(default_factory=list)
    checked: dict[Place, int] = field(default_factory=lambda: dict.fromkeys(PLACES, 0))
    unvouched: dict[Place, list[str]] = field(default_factory=lambda: {place: [] for place in PLACES})
    bytes: int = 0
    catalogue_event: int | None = None

    @property
    def intact(self) -> bool:
        return not self.findings

    def broken(self, place: Place, name: str, what: str, event: int | None = None) -> None:
        self.findings.append(Finding(place, name, what, event))


def head_of(register: Register) -> Head:
    """The end of the log as it stands."""
    return _head(register.head())


def read_head(path: Path) -> Head:
    """A head that was exported. UsageError for a file that holds none."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        head = Head(said["seq"], said["hash"], said.get("at", ""))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise UsageError(f"{path} is no exported head: {exc}", remedy=NO_HEAD) from None
    if not isinstance(head.seq, int) or not isinstance(head.hash, str):
        raise UsageError(f"{path} is no exported head", remedy=NO_HEAD)
    return head


def verify(workspace: Workspace, register: Register, today: date, exported: Head | None = None) -> Verification:
    """Compare everything with the log. `exported`: a head noted elsewhere, which the log must continue.

    When a row of the register cannot even be read, that is all that is found.
    """
    damage = register.file_damage()
    try:
        contents, lake = register.contents(), Lake(workspace.lake)
    except RiskError as exc:
        unread = Verification(Head(0, ""))
        for what in (*damage, *register.row_damage()) or (exc.message,):
            unread.broken("register", "register", what)
        return unread
    found = Verification(_head(contents.events[-1] if contents.events else None))
    for what in damage:
        found.broken("register", "register", what)
    _check_log(found, contents, exported)
    contents = replace(contents, events=[event for event in contents.events if event.intact])  # others vouch for nothing
    _check_deliveries(found, contents)
    manifests = _check_runs(found, contents, lake)
    _check_snapshots(found, contents, manifests)
    _check_files(found, contents, manifests, lake, workspace.settings.threads or os.cpu_count() or 1)
    _check_policies(found, workspace, contents.events, today)
    if found.intact:  # else it is right that the catalogue shows something else
        _check_catalogue(found, workspace, register)
    return found


# ---------------------------------------------------------------- the log


def _head(event: RecordedEvent | None) -> Head:
    return Head(0, "") if event is None else Head(event.seq, event.hash, event.at.isoformat())


def _check_log(found: Verification, contents: Contents, exported: Head | None) -> None:
    found.checked["log"] = len(contents.events)
    for seq, what in breaks(contents.events, contents.appended):
        found.broken("log", f"event {seq}", what, seq)
    if exported is None or exported.seq == 0:
        return
    at_head = next((each for each in contents.events if each.seq == exported.seq), None)
    noted = f" on {exported.at}" if exported.at else ""
    if at_head is None:
        end = f"the log ends at event {found.head.seq}" if contents.events else "the log is empty"
        found.broken("log", f"event {exported.seq}", f"is gone: the exported head names it, and {end}", exported.seq)
    elif at_head.hash != exported.hash:
        what = f"is not the one the exported head names{noted}: the log was written anew up to there"
        found.broken("log", f"event {exported.seq}", what, exported.seq)


# ---------------------------------------------------------------- deliveries


def _said(event: RecordedEvent) -> Mapping[str, Any] | None:
    """What an event says of the delivery it brought; None when it brought none."""
    brought = event.detail.get(vouching.DELIVERY)
    if isinstance(brought, Mapping):
        return brought
    if event.action in ("delivery.effective", "delivery.refused", "delivery.no_op"):
        return {"delivery_id": int(event.subject.removeprefix("delivery ")), **event.detail}
    return None


def _check_deliveries(found: Verification, contents: Contents) -> None:
    vouched = {said["delivery_id"]: (event, said) for event in contents.events if (said := _said(event)) is not None}
    revoked = {n: e for e in contents.events if e.action == "delivery.revoked" for n in e.detail.get("revoked", ())}
    compacted = {n: e for e in contents.events if e.action == COMPACTED for n in e.detail["deliveries"]}
    there = {each.delivery_id: each for each in contents.deliveries}
    found.checked["delivery"] = len(there)
    for number, (event, _) in vouched.items():
        if number not in there:
            found.broken("delivery", f"delivery {number}", "its row is gone", event.seq)
    for number, delivery in there.items():
        if number not in vouched:
            found.broken("delivery", f"delivery {number} ({delivery.feed})", UNRECORDED)
            continue
        event, said = vouched[number]
        expected = dict(said)
        if number in revoked:
            expected["state"] = "revoked"
        if number in compacted and "part_path" in expected:
            expected |= {"part_path": compacted[number].detail["part_path"], "closures_path": None}
        today = vouching.of_delivery(delivery)
        _compare(found, "delivery", f"delivery {number} ({delivery.feed})", today, expected, event.seq)
        if "files_sha256" not in said:
            found.unvouched["delivery"].append(f"delivery {number}")
    newest = max(there, default=0)
    if contents.last_delivery < newest:
        what = f"the counter says {contents.last_delivery}, and there is delivery {newest}: a file could be written over"
        found.broken("delivery", "counter", what)


def _compare(found: Verification, place: Place, name: str, today: Mapping[str, Any], said: Mapping[str, Any], event: int) -> None:
    """Name each column that is not what the event said; of columns it did not speak about nothing is known."""
    for column, value in today.items():
        if column in said and said[column] != value:
            what = "was changed" if column.endswith("_sha256") else f"is {value!r}, and was {said[column]!r}"
            found.broken(place, name, f"{column.removesuffix('_sha256')} {what}", event)


# ---------------------------------------------------------------- runs


@dataclass(frozen=True)
class _Published:
    """A publication as the log tells it, with the manifest it vouches for (None: changed, and no sound copy in the lake)."""

    event: RecordedEvent
    run_id: str
    manifest: Mapping[str, Any] | None

    @property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        return self.manifest.get("tables", {}) if self.manifest is not None else {}


def _check_runs(found: Verification, contents: Contents, lake: Lake) -> dict[str, _Published]:
    by_run: dict[str, list[RecordedEvent]] = {}
    for event in contents.events:
        if event.subject.startswith("run ") and event.action.startswith("run."):
            by_run.setdefault(event.subject.removeprefix("run "), []).append(event)
    stale = {run for each in contents.events if each.action == PUBLICATION for run in each.detail.get("made_stale", ())}
    there = {run.run_id: run for run in contents.runs}
    found.checked["run"] = len(there)
    for run_id, told in by_run.items():
        if run_id not in there:
            found.broken("run", f"run {run_id}", "its row is gone", told[-1].seq)
    manifests = {}
    for run_id, run in there.items():
        told = by_run.get(run_id, [])
        if not told:
            found.broken("run", f"run {run_id} ({run.as_of})", UNRECORDED)
            continue
        if told[0].action != OPENED:
            found.unvouched["run"].append(f"run {run_id}")
        _compare_run(found, run, told, run_id in stale)
        published = next((event for event in told if event.action == PUBLICATION), None)
        if published is not None:
            manifests[run_id] = _Published(published, run_id, _sound_manifest(found, run, published, lake))
    _check_answers(found, contents, {run_id: by_run[run_id][-1] for run_id in there if run_id in by_run})
    return manifests


def _check_answers(found: Verification, contents: Contents, newest: Mapping[str, RecordedEvent]) -> None:
    """The answers of the checks of each run, by the newest event about it."""
    answers: dict[str, list[CheckRecord]] = {}
    for check in contents.checks:
        answers.setdefault(check.run_id, []).append(check)
    for run_id, event in newest.items():
        if vouching.CHECKS in event.detail and vouching.of_checks(answers.get(run_id, [])) != event.detail[vouching.CHECKS]:
            found.broken("run", f"check_result of run {run_id}", "the answers of its checks were changed", event.seq)
    for run_id in sorted(answers.keys() - {run.run_id for run in contents.runs}):
        found.broken("run", f"check_result of run {run_id}", UNRECORDED)


def _compare_run(found: Verification, run: RunRecord, told: Sequence[RecordedEvent], is_stale: bool) -> None:
    """What the run froze, by the event that opened it; how it stands, by the newest event about it."""
    name, first, last = f"run {run.run_id} ({run.as_of})", told[0], told[-1]
    opened = first.detail if first.action == OPENED else {"as_of": first.detail.get("as_of", run.as_of.isoformat())}
    _compare(found, "run", name, vouching.of_run(run), opened, first.seq)
    state = "open" if last.action in (OPENED, CONTINUED) else last.action.removeprefix("run.")
    ended = run.ended_at.isoformat() if run.ended_at is not None else None
    stands = {"state": run.state, "message": run.message, "ended_at": ended, "stale_previous": run.stale_previous}
    expected = {"state": state, "ended_at": None if state == "open" else last.at.isoformat(), "stale_previous": is_stale}
    if first.action == OPENED:  # else the run may have ended in another way before, which no event told
        expected["message"] = last.detail.get("message", "")
    _compare(found, "run", name, stands, expected, last.seq)
    if first.action == OPENED and state != "published" and _sha256(run.manifest) != first.detail.get("manifest_sha256"):
        found.broken("run", name, "manifest was changed", first.seq)


def _sha256(manifest: Mapping[str, Any]) -> str:
    """As RunRecord.manifest_sha256; empty for what is no canonical JSON any more."""
    try:
        return hashlib.sha256(rfc8785.dumps(dict(manifest))).hexdigest()
    except (TypeError, ValueError):
        return ""


def _sound_manifest(found: Verification, run: RunRecord, event: RecordedEvent, lake: Lake) -> Mapping[str, Any] | None:
    """The manifest the log vouches for: the register's, or when that was changed the one beside the tables."""
    vouched = event.detail.get("manifest_sha256")
    if vouched is None:
        found.unvouched["run"].append(f"manifest of run {run.run_id}")
        return run.manifest
    if _sha256(run.manifest) == vouched:
        return run.manifest
    beside = _manifest_beside(lake.manifest_path(run.as_of, run.run_id), vouched)
    where = f" at {_differing(beside, run.manifest)}" if beside is not None else ""
    found.broken("run", f"run {run.run_id} ({run.as_of})", f"manifest was changed{where}", event.seq)
    return beside


def _manifest_beside(path: Path, sha256: str) -> Mapping[str, Any] | None:
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    said: Mapping[str, Any] = json.loads(content)
    return said


def _differing(then: Any, now: Any) -> str:
    """The first keys, as dotted paths, where two JSON documents are not the same."""
    places = list(_places(then, now, ""))
    return ", ".join(places[:EXAMPLES]) + (f" and {len(places) - EXAMPLES} more" if len(places) > EXAMPLES else "")


def _places(then: Any, now: Any, place: str) -> Iterator[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*then, *now)):
            yield from _places(then.get(key), now.get(key), f"{place}.{key}".removeprefix("."))
    elif then != now:
        yield place or "the whole"


# ---------------------------------------------------------------- snapshots


def _check_snapshots(found: Verification, contents: Contents, manifests: Mapping[str, _Published]) -> None:
    """Rows of `snapshot`, and what each publication listed and took off the list, which follows from their manifests."""
    there = {row["snapshot_id"]: row for row in contents.snapshots}
    found.checked["snapshot"] = len(there)
    in_order = sorted(manifests.values(), key=lambda each: each.event.seq)
    expected: dict[tuple[str, str, int], dict[str, Any]] = {}
    listed: dict[tuple[str, str], dict[str, Any]] = {}
    told = set()
    for each in in_order:
        said = each.event.detail
        number = said["snapshot_id"]
        told.add(number)
        row = there.get(number)
        if row is None:
            found.broken("snapshot", f"snapshot {number}", "its row is gone", each.event.seq)
        else:
            today = {name: value.isoformat() if isinstance(value, date) else value for name, value in row.items()}
            now = {**today, "published_at": row["published_at"].isoformat()}
            vouched = {**said, "run_id": each.run_id, "published_at": each.event.at.isoformat()}
            _compare(found, "snapshot", f"snapshot {number}", now, vouched, each.event.seq)
        for name, table in each.tables.items():
            place = (name, said["as_of"])
            if place in listed:
                listed[place]["last_snapshot"] = number - 1
            part = {"run_id": each.run_id, "path": table["path"], "rows": table["rows"], "last_snapshot": None}
            listed[place] = expected[(*place, number)] = part
    for number in sorted(there.keys() - told):
        found.broken("snapshot", f"snapshot {number}", UNRECORDED)
    if in_order and contents.published != in_order[-1].event.detail["snapshot_id"]:
        newest = in_order[-1].event
        what = f"names snapshot {contents.published}, and {newest.detail['snapshot_id']} was published last"
        found.broken("snapshot", "pointer", what, newest.seq)
    if all(each.tables for each in in_order):
        _compare_parts(found, contents, expected)


def _compare_parts(found: Verification, contents: Contents, expected: Mapping[tuple[str, str, int], Mapping[str, Any]]) -> None:
    there = {(row["table_name"], row["as_of"].isoformat(), row["first_snapshot"]): row for row in contents.parts}
    for key in sorted(expected.keys() | there.keys()):
        name = f"snapshot_part {key[0]} {key[1]} from snapshot {key[2]}"
        if key not in there:
            found.broken("snapshot", name, "its row is gone")
        elif key not in expected:
            found.broken("snapshot", name, "no publication of the log put it there")
        else:
            for column, value in expected[key].items():
                if there[key][column] != value:
                    found.broken("snapshot", name, f"{column} is {there[key][column]!r}, and was {value!r}")


# ---------------------------------------------------------------- files


@dataclass(frozen=True)
class _Vouched:
    """A file and the bytes it must have. `needed`: something still names it, so that it must be there."""

    path: str
    sha256: str
    what: str
    event: int
    needed: bool


def _check_files(found: Verification, contents: Contents, manifests: Mapping[str, _Published], lake: Lake, threads: int) -> None:
    """Every file the log vouches for, by its bytes; and the files that readers are shown and nobody vouches for."""
    removed = {path for event in contents.events if event.action == REMOVED for path in event.detail.get("files", ())}
    files = {each.path: each for each in _vouched(contents, manifests, lake)}
    kept = set(lake.changes_parts())
    for path in _shown(contents, lake):
        if path in kept and path not in files:
            found.broken("file", path, UNRECORDED)
        elif path not in files:
            found.unvouched["file"].append(path)
    for each in files.values():
        if not lake.absolute(each.path).is_file() and each.needed and each.path not in removed:
            found.broken("file", each.path, f"{GONE} ({each.what})", each.event)
    present = [each for each in files.values() if lake.absolute(each.path).is_file()]
    found.checked["file"] = len(present)
    found.bytes = sum(lake.absolute(each.path).stat().st_size for each in present)
    with ThreadPoolExecutor(threads) as pool:
        for each, sha256 in zip(present, pool.map(_hashed(lake), present), strict=True):
            if sha256 != each.sha256:
                found.broken("file", each.path, f"{DAMAGED} ({each.what})", each.event)


def _hashed(lake: Lake) -> Callable[[_Vouched], str]:
    return lambda each: file_sha256(lake.absolute(each.path))


def _vouched(contents: Contents, manifests: Mapping[str, _Published], lake: Lake) -> Iterator[_Vouched]:
    named = {path for delivery in contents.deliveries for path in _paths(delivery)}
    for event in contents.events:
        for path, sha256 in event.detail.get(vouching.LAKE, {}).items():
            # A part that was compacted into another is no longer needed, yet it is looked at while it is there.
            needed = path in named or event.action in (PUBLICATION, KEPT)
            yield _Vouched(path, sha256, f"{event.action} of {event.subject}", event.seq, needed)
    for each in manifests.values():
        for name, table in each.tables.items():
            yield _Vouched(table["path"], table["file_sha256"], f"{name} of run {each.run_id}", each.event.seq, True)
        if each.tables and "manifest_sha256" in each.event.detail:
            path = lake.relative(lake.manifest_path(date.fromisoformat(each.event.detail["as_of"]), each.run_id))
            yield _Vouched(path, each.event.detail["manifest_sha256"], f"manifest of run {each.run_id}", each.event.seq, True)


def _paths(delivery: Delivery) -> Iterator[str]:
    for path in (
        delivery.part_path,
        delivery.closures_path,
        delivery.quarantine_path,
        delivery.affirmed_path,
        delivery.held_path,
    ):
        if path is not None:
            yield path


def _shown(contents: Contents, lake: Lake) -> list[str]:
    """The files that readers are shown: of deliveries, of publications, and why figures moved."""
    of_deliveries = (path for delivery in contents.deliveries for path in _paths(delivery))
    of_snapshots = (row["path"] for row in contents.parts)
    return list(dict.fromkeys((*of_deliveries, *of_snapshots, *lake.changes_parts())))


# ---------------------------------------------------------------- policies


def _check_policies(found: Verification, workspace: Workspace, log: Sequence[RecordedEvent], today: date) -> None:
    """The versions in the workspace against the approvals of the log; the shipped one belongs to the program."""
    acts = {event.subject.removeprefix("policy "): event for event in log if event.action in (APPROVED, RETIRED)}
    there = set()
    for each in versions(workspace, log, today):
        if each.policy is None or each.proof == "shipped":
            continue
        version, act = each.policy.version, acts.get(each.policy.version)
        there.add(version)
        found.checked["policy"] += 1
        if act is not None and (each.proof == "unrecorded" or each.policy.status == "draft"):
            said = act.action.removeprefix("policy.")
            found.broken("policy", each.file.name, f"{version} is {each.policy.status}, and the log says {said}", act.seq)
        elif act is not None and each.proof == "changed":
            found.broken("policy", each.file.name, f"{version} has another content than what was approved", act.seq)
        elif each.proof == "unrecorded":
            found.unvouched["policy"].append(f"{each.file.name} (version {version})")
    for version, act in acts.items():
        if version not in there and act.action == APPROVED:
            found.broken("policy", f"policy {version}", "was approved, and no readable file has it", act.seq)


# ---------------------------------------------------------------- the catalogue


def _check_catalogue(found: Verification, workspace: Workspace, register: Register) -> None:
    """What analysts open is what a catalogue built now would be: each view, and the rows of the audit tables."""
    path = workspace.catalogue
    if not path.is_file():
        if register.current_snapshot() is not None:
            found.broken("catalogue", path.name, f"{GONE} (risk-pipeline catalogue rebuild)")
        return
    scratch = workspace.warehouse / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        if shows_another_place(path, workspace.lake):
            found.unvouched["catalogue"].append(ELSEWHERE)
        newest, others = differences(path, Lake(workspace.lake), register, scratch)
    except RiskError as exc:  # no catalogue can be built of what there is
        found.unvouched["catalogue"].append(exc.message)
        return
    except (duckdb.Error, ValueError) as exc:
        found.broken("catalogue", path.name, f"cannot be read: {str(exc).splitlines()[0]}")
        return
    found.checked["catalogue"] = 1
    found.catalogue_event = newest
    for name in others:
        found.broken("catalogue", f"{path.name} {name}", OTHERWISE)
