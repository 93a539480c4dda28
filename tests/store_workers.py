"""Processes for the fault tests of the store: `python -m tests.store_workers ACTION …`, from the repository root.

Put here: what a second process does in a test, printing one line of JSON at its end. Keep out: expectations.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import duckdb

from risk_pipeline.errors import Refused, RiskError
from risk_pipeline.store.register import Event, Part, Register, SnapshotRecord
from tests.store_world import JANUARY, NOW, StoreWorld, run_record

ROOT = Path(__file__).resolve().parents[1]
TABLES = ("factor.exposure", "mart.current_risk")


def start(action: str, *arguments: object) -> subprocess.Popen[str]:
    """Start one of the actions below in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.store_workers", action, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def result(process: subprocess.Popen[str]) -> dict[str, object]:
    """What a process reported, once it has ended."""
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    answer: dict[str, object] = json.loads(output.splitlines()[-1])
    return answer


def read(catalogue: str, stop: str) -> dict[str, object]:
    """Open, ask both tables which run they show, close; until the file `stop` is there."""
    seen: list[int] = []
    errors: Counter[str] = Counter()
    mixed = 0
    print("ready", flush=True)
    while not Path(stop).exists():
        try:
            with duckdb.connect(catalogue, read_only=True) as connection:
                runs = {
                    connection.execute(f"SELECT any_value(run_id), count(DISTINCT run_id) FROM {t}").fetchone() for t in TABLES
                }
                published = connection.execute("SELECT max(snapshot_id) FROM audit.snapshot").fetchone()
            mixed += runs != {(f"r{published[0]}", 1)} if published else 1
            seen.append(published[0] if published else 0)
        except duckdb.Error as exc:
            errors[str(exc)] += 1
    return {"reads": len(seen), "versions": len(set(seen)), "backwards": seen != sorted(seen), "mixed": mixed, "errors": errors}


def publish_once(url: str, run_id: str) -> dict[str, object]:
    """Read what is published, wait for a line on stdin, then publish on top of what was read."""
    with Register.open(url) as register:
        register.add_run(run_record(run_id))
        snapshot = _next(register, run_id, JANUARY)
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            register.publish_snapshot(snapshot, snapshot.parent_id)
        except Refused as exc:
            return {"published": False, "message": exc.message}
        return {"published": True}


def publish_many(url: str, name: str, times: str) -> dict[str, object]:
    """Publish `times` dates, each again until nobody else came in between."""
    refused = 0
    with Register.open(url) as register:
        print("ready", flush=True)
        for number in range(int(times)):
            run_id, as_of = f"{name}{number}", date(2000 + number, 1, 31)
            register.add_run(run_record(run_id, as_of))
            while True:
                snapshot = _next(register, run_id, as_of, name)
                try:
                    register.publish_snapshot(snapshot, snapshot.parent_id)
                    break
                except Refused:
                    refused += 1
    return {"refused": refused}


def write_events(url: str, name: str, times: str) -> dict[str, object]:
    """Wait for a line on stdin, then append `times` events to the audit log."""
    with Register.open(url) as register:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(int(times)):
            register.add_event(Event(at=NOW, actor=name, action="test.written", subject=str(number)))
    return {"written": int(times)}


def build(root: str) -> dict[str, object]:
    """Build the catalogue once."""
    StoreWorld(Path(root)).rebuild()
    return {}


def build_on_a_full_disk(root: str) -> dict[str, object]:
    """Build the catalogue where no file may grow beyond 64 kB."""
    world = StoreWorld(Path(root))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    try:
        world.rebuild()
    except RiskError as exc:
        return {"message": exc.message, "remedy": exc.remedy}
    return {}


def _next(register: Register, run_id: str, as_of: date, *names: str) -> SnapshotRecord:
    parts = {name: Part(as_of=as_of, run_id=run_id, path=f"{name}/{run_id}", rows=1) for name in names or TABLES}
    current = register.current_snapshot()
    return SnapshotRecord.following(current, run_id=run_id, as_of=as_of, published_at=NOW, parts=parts)


ACTIONS = {each.__name__: each for each in (read, publish_once, publish_many, write_events, build, build_on_a_full_disk)}

if __name__ == "__main__":
    print(json.dumps(ACTIONS[sys.argv[1]](*sys.argv[2:])))
