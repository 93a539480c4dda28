"""Runs whose process died: found by a lock file that dies with the process, and marked as failed.

Put here: the sign of life of a run of the command line, and the sweep. Keep out: the workspace lock (store.lock) and runs
the daemon launched, which Dagster's run monitoring watches.
A killed process leaves its run STARTED for ever, and Dagster cannot know. A lock file tells the living from the dead without
process ids, which are used again and mean nothing on another machine.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

LAUNCHED_BY = "risk/launched_by"
HOST = "risk/host"
COMMAND_LINE = "command line"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@contextmanager
def sign_of_life(instance: dg.DagsterInstance, run_id: str) -> Iterator[dict[str, str]]:
    """Hold the lock file of a run while the block runs. Yields the run tags that tell the sweep to look for it."""
    path = _lock_file(instance, run_id)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield {LAUNCHED_BY: COMMAND_LINE, HOST: socket.gethostname()}
    finally:
        path.unlink(missing_ok=True)


def sweep_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark the command line's unfinished runs of this machine as failed if their process is gone; returns their ids."""
    here = {LAUNCHED_BY: COMMAND_LINE, HOST: socket.gethostname()}
    swept = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED, tags=here)):
        if not _is_held(_lock_file(instance, run.run_id)):
            instance.report_run_failed(run, "The process of this run ended without finishing it.")
            swept.append(run.run_id)
    return swept


def _lock_file(instance: dg.DagsterInstance, run_id: str) -> Path:
    return Path(instance.root_directory) / "alive" / f"{run_id}.lock"


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return True
    path.unlink(missing_ok=True)
    return False
