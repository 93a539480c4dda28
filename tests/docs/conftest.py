"""A place to follow the documents in: `risk-pipeline` on the PATH and a demo workspace beside what a reader makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Demo:
    """The demo workspace and what `make run` printed while it was made."""

    root: Path
    printed: str


@pytest.fixture(scope="session")
def reader_shell(tmp_path_factory: pytest.TempPathFactory, repo_root: Path) -> Shell:
    """Runs a command line as a reader types it, always in the same folder, without any setting from outside."""
    folder = tmp_path_factory.mktemp("reader")
    bin_folder = tmp_path_factory.mktemp("bin")
    for name, module in (("risk-pipeline", "risk_pipeline.cli"), ("python", "")):
        script = bin_folder / name
        start = f'exec {sys.executable} -m {module} "$@"' if module else f'exec {sys.executable} "$@"'
        script.write_text(f"#!/bin/sh\n{start}\n")
        script.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RISK_", "DAGSTER_"))}
    environment = {
        **kept,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(repo_root),
        "COLUMNS": "120",
    }

    def run(command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    run.folder = folder  # type: ignore[attr-defined]
    return run


@pytest.fixture(scope="session")
def demo(reader_shell: Shell, repo_root: Path) -> Demo:
    """The demo workspace as `make run` leaves it: the same commands, taken from the Makefile."""
    planned = subprocess.run(
        ["make", "--no-print-directory", "-n", "-o", ".venv/.ready-run", "run", "BIN=bin"],
        cwd=repo_root,
        capture_output=True,
        text=True,
        check=True,
    )
    printed = ""
    for command in planned.stdout.splitlines():
        done = reader_shell(command.replace("bin/risk-pipeline", "risk-pipeline"))
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        printed += done.stdout
    return Demo(reader_shell.folder / "demo", printed)  # type: ignore[attr-defined]
