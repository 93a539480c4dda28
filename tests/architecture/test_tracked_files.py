"""What is committed is portable: no path of one machine, no registry host, nothing large, lock files without addresses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

# Pieces are joined here, so that this file does not find itself.
HOST = re.compile(
    "|".join(["py" + r"pi\.org", "python" + "hosted", r"registry\." + "npmjs", "anaconda" + r"\.org", "/" + "simple/"])
)
MACHINE = re.compile(r"(?<![\w.}])/" + "(work|farm|root|home/[a-z]+|Users/[A-Za-z]+)/")
MAX_BYTES = 1024 * 1024


@pytest.fixture(scope="module")
def tracked(repo_root: Path) -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=repo_root, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := repo_root / name).is_file()]


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for path in files:
        if path.suffix in (".png", ".parquet", ".xlsx", ".gz"):
            continue
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.name}:{n}: {line.strip()[:100]}" for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]
    return found


def test_no_path_of_this_machine(tracked: list[Path]) -> None:
    assert lines_with(MACHINE, tracked) == []


def test_no_registry_host(tracked: list[Path]) -> None:
    assert lines_with(HOST, tracked) == []


def test_nothing_large(tracked: list[Path]) -> None:
    assert [path.name for path in tracked if path.stat().st_size > MAX_BYTES] == []


def test_lock_files_pin_every_package_by_hash(repo_root: Path) -> None:
    for name in ("dev.txt", "run.txt"):
        text = (repo_root / "requirements" / name).read_text(encoding="utf-8")
        assert "://" not in text
        pins = re.split(r"\n(?=\w)", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
        assert len(pins) > 50
        assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin or "==" not in pin.splitlines()[0]] == []


def test_run_lock_is_part_of_the_development_lock(repo_root: Path) -> None:
    """`make run` and `make test` must not use different versions."""

    def versions(name: str) -> set[str]:
        return set(
            re.findall(r"^(\S+==\S+)", (repo_root / "requirements" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
        )

    assert versions("run.txt") <= versions("dev.txt")
