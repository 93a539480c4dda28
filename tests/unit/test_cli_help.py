"""`--help` answers at once: every command has a help page that fits, and none imports what a command needs only later."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

COMMANDS = [
    "",
    "init",
    "feeds",
    "feeds infer",
    "feeds check",
    "ingest",
    "run",
    "backfill",
    "status",
    "show",
    "explain",
    "quarantine",
    "quarantine list",
    "quarantine export",
    "quarantine replay",
    "delivery",
    "delivery list",
    "delivery revoke",
    "policy",
    "policy lint",
    "dictionary",
    "report",
    "gc",
    "catalogue",
    "catalogue rebuild",
]
HEAVY = ("dagster", "pandas", "numpy", "duckdb", "sqlalchemy", "pyarrow", "yaml", "great_expectations", "sqlglot")
# The promise is half a second on a quiet machine (docs/performance.md); tests run on busy ones.
SECONDS_WHEN_BUSY = 2.0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)


def command_line(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "risk_pipeline.cli", *arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page_of_eighty_columns(command: str) -> None:
    done = command_line(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr == ""


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom risk_pipeline.cli.app import run\ncode = run(['run', '--help'])\n"
        f"print(code, [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    assert run(sys.executable, "-c", code).stderr.strip() == "0 []"


def test_help_is_quick() -> None:
    best = min(seconds_of_help() for _ in range(3))
    assert best <= SECONDS_WHEN_BUSY


def seconds_of_help() -> float:
    start = time.perf_counter()
    command_line("--help")
    return time.perf_counter() - start


def test_no_command_shows_the_help_and_fails() -> None:
    done = command_line()
    assert done.returncode == 2
    assert "Commands" in done.stdout + done.stderr


def test_an_unknown_command_or_option_is_wrong_usage() -> None:
    assert command_line("asess").returncode == 2
    assert command_line("run", "--as-off", "2024-01-31").returncode == 2
    assert command_line("run").returncode == 2  # --as-of is required
