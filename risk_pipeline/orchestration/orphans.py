"""Runs whose process died: found by a lock file that dies with the process, and marked as failed.

Put here: the sign of life of a run of the command line, and the sweep. Keep out: the workspace lock (store.lock) and runs
the daemon launched, which Dagster's run monitoring watches.
A killed process leaves its run STARTED for ever, and Dagster cannot know. A lock file tells the living from the dead without
process ids, which are used again and mean nothing on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock, Timeout

SIGN_OF_LIFE = "risk/sign_of_life"  # run tag: path of the lock file its process holds
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@contextmanager
def sign_of_life(home: Path, run_id: str) -> Iterator[dict[str, str]]:
    """Hold the lock file of a run while the block runs. Yields the run tags that name it."""
    path = home / "alive" / f"{run_id}.lock"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield {SIGN_OF_LIFE: str(path)}
    finally:
        path.unlink(missing_ok=True)


def sweep_orphans(instance: dg.DagsterInstance) -> list[str]:
    """Mark unfinished runs whose process is gone as failed; returns their ids."""
    swept = []
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        path = run.tags.get(SIGN_OF_LIFE)
        if path is not None and not _is_held(Path(path)):
            instance.report_run_failed(run, "The process of this run ended without finishing it.")
            swept.append(run.run_id)
    return swept


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            pass
    except Timeout:
        return True
    path.unlink(missing_ok=True)
    return False
