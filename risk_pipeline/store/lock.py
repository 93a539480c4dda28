"""The workspace lock: one writer at a time, and a name for whoever holds it.

Put here: taking and freeing the lock of a workspace. Keep out: what is done under it, and the short lock of a catalogue
build (catalogue). Readers never need a lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from risk_pipeline.errors import Locked


@contextmanager
def workspace_lock(path: Path, purpose: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; not reentrant. `purpose` is shown to whoever comes second.

    Never waits: Locked (exit code 4) at once, naming the holder's process, purpose and start. The operating system frees
    the lock when the holder dies, however it dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # thread_local=False: Dagster may end a run in another thread than the one that opened it.
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _locked(path) from None
    try:
        _holder_file(path).write_text(
            json.dumps({"pid": os.getpid(), "purpose": purpose, "since": datetime.now(UTC).isoformat(timespec="seconds")}),
            encoding="utf-8",
        )
        yield
    finally:
        _holder_file(path).unlink(missing_ok=True)
        lock.release()


def _locked(path: Path) -> Locked:
    holder = _read_holder(path)
    who = f"process {holder['pid']} ({holder['purpose']}, since {holder['since']})" if "pid" in holder else "another process"
    return Locked(
        f"the workspace {path.parent.parent} is locked by {who}",
        remedy="wait until it has finished, or end that process; the lock is freed with it",
    )


def _holder_file(path: Path) -> Path:
    # Not the lock file itself: whoever tries to take the lock truncates that one.
    return path.with_name(path.name + ".holder.json")


def _read_holder(path: Path) -> dict[str, Any]:
    try:
        holder = json.loads(_holder_file(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}  # taken a moment ago and not signed yet
    return holder if isinstance(holder, dict) and holder.keys() >= {"pid", "purpose", "since"} else {}
