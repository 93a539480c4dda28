"""Measuring: a job runs in a process of its own and reports seconds, peak memory and whatever else it counted, as JSON.

Put here: starting processes, copies of a workspace, medians. Keep out: what is measured (jobs.py) and targets (lines.py).
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.data import bench_dir

REPOSITORY = Path(__file__).resolve().parents[1]
Figures = dict[str, Any]


def job(name: str, *arguments: str | Path) -> Figures:
    """Run `python -m bench.jobs name arguments` in a fresh process; its last line is the JSON it reports."""
    done = run([sys.executable, "-m", "bench.jobs", name, *map(str, arguments)])
    return dict(json.loads(done.splitlines()[-1]))


def run(command: Sequence[str | Path], env: dict[str, str] | None = None) -> str:
    """Standard output of `command`; SystemExit with its error text when it fails."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RISK_") and key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        list(map(str, command)), cwd=REPOSITORY, env={**clean, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed ({done.returncode})\n{done.stdout}\n{done.stderr}")
    return done.stdout


def seconds_of(command: Sequence[str | Path], env: dict[str, str] | None = None) -> float:
    """Wall time of a command from start to end, Python's own start included."""
    start = time.perf_counter()
    run(command, env)
    return time.perf_counter() - start


def medians(figures: Sequence[Figures]) -> Figures:
    """The median of each number over several runs; other values are the last run's."""
    last = figures[-1]
    return {key: median([f[key] for f in figures]) if isinstance(value, int | float) else value for key, value in last.items()}


def peak_megabytes() -> float:
    """Largest resident memory of this process so far. VmHWM, because ru_maxrss starts with the parent's figure."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise SystemExit("bench: peak memory is read from /proc/self/status, which this machine lacks")


def cpu_seconds() -> float:
    """CPU time of this process so far, all threads: what the work costs, however busy the machine is."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def copy_of(workspace: Path) -> Iterator[Path]:
    """A copy of a workspace that a run may change. Parquet parts and source files never change: they are linked, not copied."""
    folder = Path(tempfile.mkdtemp(dir=bench_dir(), prefix="run-"))
    try:
        shutil.copytree(workspace, folder / "workspace", copy_function=_link_or_copy)
        yield folder / "workspace"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith((".parquet", ".csv")):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
