"""The workspace lock between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from risk_pipeline.errors import Locked
from risk_pipeline.store.lock import workspace_lock

ROOT = Path(__file__).resolve().parents[2]
HOLD = (
    "import sys, time; from pathlib import Path; from risk_pipeline.store.lock import workspace_lock\n"
    "with workspace_lock(Path(sys.argv[1]), 'run --as-of 2024-01-31'):\n"
    "    print('held', flush=True); time.sleep(600)"
)


@pytest.fixture
def lock_file(tmp_path: Path) -> Path:
    return tmp_path / "ws" / "warehouse" / "lock"


def hold(lock_file: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(lock_file)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.communicate()


def test_the_second_comer_is_told_at_once_who_holds_it_and_why(lock_file: Path) -> None:
    holder = hold(lock_file)
    began = time.monotonic()
    with pytest.raises(Locked) as caught, workspace_lock(lock_file, "ingest"):
        pass
    assert time.monotonic() - began < 1
    assert f"process {holder.pid} (run --as-of 2024-01-31, since 20" in caught.value.message
    assert str(lock_file.parent.parent) in caught.value.message
    assert caught.value.exit_code == 4
    assert caught.value.remedy
    # Trying must not have spoilt the signature of the holder.
    with pytest.raises(Locked, match=f"process {holder.pid} "), workspace_lock(lock_file, "ingest"):
        pass
    end(holder)


def test_it_is_free_when_the_holder_was_killed(lock_file: Path) -> None:
    end(hold(lock_file))
    taken = rf"process {os.getpid()} \(ingest"
    with workspace_lock(lock_file, "ingest"), pytest.raises(Locked, match=taken), workspace_lock(lock_file, "run"):
        pass
    with workspace_lock(lock_file, "run"):
        pass


def test_it_is_free_after_an_error_in_the_block(lock_file: Path) -> None:
    with pytest.raises(ZeroDivisionError), workspace_lock(lock_file, "run"):
        _ = 1 / 0
    with workspace_lock(lock_file, "run"):
        pass


def test_an_unsigned_lock_is_reported_all_the_same(lock_file: Path) -> None:
    with workspace_lock(lock_file, "run"):
        for text in ("", "[]", '{"pid": 1}'):
            lock_file.with_name("lock.holder.json").write_text(text)
            with pytest.raises(Locked, match="another process"), workspace_lock(lock_file, "ingest"):
                pass
