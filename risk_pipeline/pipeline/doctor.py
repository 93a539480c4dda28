"""Is this workspace fit for the next run: what it stands on, looked at one by one, with what to do.

Put here: small questions that take no time. Keep out: comparing bytes with the audit log (audit_verify), the gates of a run, and
mending anything.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

import duckdb

from risk_pipeline.errors import Locked, RiskError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.feeds.spec import load_feeds
from risk_pipeline.policy.load import load_policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import shows_another_place
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.lock import workspace_lock
from risk_pipeline.store.register import Register

FREE_BYTES = 2 * 10**9
PACKAGES = ("duckdb", "pandas", "pyarrow", "dagster", "great-expectations")


@dataclass(frozen=True)
class Looked:
    """One thing that was looked at. `remedy`: what to do when it is not well."""

    what: str
    well: bool
    found: str
    remedy: str = ""


def examine(root: Path, open_register: Callable[[Workspace], Register], now: datetime) -> list[Looked]:
    """Environment, workspace, feeds, policy, register, lake and catalogue, in that order. A broken one ends the list."""
    looked = [_environment(root)]
    try:
        workspace = Workspace.load(root)
    except RiskError as error:
        return [*looked, _broken("workspace", error)]
    looked.append(Looked("workspace", True, f"{workspace.root}, {workspace.settings.time_zone}"))
    looked += [_asked("feeds", lambda: _feeds(workspace)), _asked("policy", lambda: _policy(workspace, now))]
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        return [*looked, Looked("register", True, "none yet: nothing was delivered", "risk-pipeline ingest")]
    try:
        with open_register(workspace) as register:
            looked += list(_state(workspace, register))
    except RiskError as error:
        looked.append(_broken("register", error))
    return looked


def _environment(root: Path) -> Looked:
    there = next(each for each in (root.absolute(), *root.absolute().parents) if each.exists())
    free = shutil.disk_usage(there).free
    found = f"Python {platform.python_version()}, {', '.join(f'{name} {metadata.version(name)}' for name in PACKAGES)}"
    found += f", {os.cpu_count()} cores, {free / 10**9:.1f} GB free"
    return Looked("environment", free >= FREE_BYTES, found, f"make room on the disk: {FREE_BYTES / 10**9:.0f} GB at least")


def _feeds(workspace: Workspace) -> str:
    names = [each.spec.feed for each in load_feeds(workspace.feeds_dir)]
    return (
        f"{len(names)}: {', '.join(dict.fromkeys(names))}" if names else "none yet: risk-pipeline feeds infer FILE proposes one"
    )


def _policy(workspace: Workspace, now: datetime) -> str:
    today = now.astimezone(workspace.zone).date()
    policy = load_policy(workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=today)
    return f"{policy.version}, effective from {policy.effective_from}"


def _state(workspace: Workspace, register: Register) -> Iterator[Looked]:
    damage = register.file_damage()
    broken = register.broken_event()
    told = damage[0] if damage else f"its audit log is broken at event {broken}" if broken is not None else "whole, so is its log"
    yield Looked("register", not damage and broken is None, told, "risk-pipeline audit verify says what is broken")
    gone = [path for path in _named(register) if not Lake(workspace.lake).absolute(path).is_file()]
    told = f"{len(gone)} files are gone, the first {gone[0]}" if gone else "every file that the register names is there"
    yield Looked("lake", not gone, told, "restore them from the backup of the warehouse")
    yield _catalogue(workspace, register)
    yield _asked("lock", lambda: _lock(workspace))


def _named(register: Register) -> list[str]:
    """The files of deliveries, and of what readers see now."""
    names = ("part_path", "closures_path", "quarantine_path", "affirmed_path", "held_path")
    snapshot = register.current_snapshot()
    delivered = [path for each in register.deliveries() for name in names if (path := getattr(each, name)) is not None]
    shown = [part.path for parts in snapshot.parts.values() for part in parts] if snapshot else []
    return list(dict.fromkeys((*delivered, *shown)))


def _catalogue(workspace: Workspace, register: Register) -> Looked:
    """Does the file analysts open show what is published?"""
    snapshot, remedy = register.current_snapshot(), "risk-pipeline catalogue rebuild"
    if snapshot is None:
        return Looked("catalogue", True, "nothing is published yet")
    try:
        with duckdb.connect(workspace.catalogue, read_only=True) as con:
            [(shown,)] = con.execute("SELECT MAX(snapshot_id) FROM audit.snapshot").fetchall()
            con.execute("SELECT 1 FROM mart.current_risk LIMIT 1").fetchall()
    except duckdb.Error as exc:
        return Looked("catalogue", False, str(exc).splitlines()[0], remedy)
    if shows_another_place(workspace.catalogue, workspace.lake):
        return Looked("catalogue", False, "shows the files of another place: the workspace was moved or copied", remedy)
    found = f"shows publication {shown} of {snapshot.snapshot_id}, newest date {snapshot.dates()[-1]}"
    return Looked("catalogue", shown == snapshot.snapshot_id, found, remedy)


def _lock(workspace: Workspace) -> str:
    try:
        with workspace_lock(workspace.lock_file, "doctor"):
            return "free"
    except Locked as held:
        return held.message  # somebody works: no illness


def _asked(what: str, look: Callable[[], str]) -> Looked:
    try:
        return Looked(what, True, look())
    except RiskError as error:
        return _broken(what, error)


def _broken(what: str, error: RiskError) -> Looked:
    return Looked(what, False, error.message, error.remedy)
