"""Which code computed something: the version, the bytes of the program, its commit when there is one, and what it runs with.

Put here: finding that out. Keep out: what it is compared with (pipeline.replay). Nothing here changes what is computed.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
from functools import cache
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import rfc8785

import risk_pipeline
from risk_pipeline import __version__

ENGINES = ("duckdb", "pandas", "pyarrow", "sqlglot")
PARTS_OF_PROGRAM = (".py", ".sql", ".yaml", ".json")


@cache
def code_identity() -> dict[str, Any]:
    """version; code_sha256 over every file of the program; commit and tree (clean, changed) of a git checkout, None elsewhere;
    environment_sha256 over the installed packages and their versions; the versions of Python and of the engines.
    """
    return {
        "version": __version__,
        "code_sha256": _program(Path(risk_pipeline.__file__).parent),
        **_commit(Path(risk_pipeline.__file__).parents[1]),
        "environment_sha256": _environment(),
        "engines": {"python": platform.python_version(), **{name: version(name) for name in ENGINES}},
    }


def _program(root: Path) -> str:
    files = sorted(path for path in root.rglob("*") if path.suffix in PARTS_OF_PROGRAM)
    return _hash({path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files})


def _environment() -> str:
    return _hash(sorted({f"{each.metadata['Name'].lower()}=={each.version}" for each in distributions()}))


def _commit(root: Path) -> dict[str, str | None]:
    """The commit that is checked out at `root`, not one of a repository around an installed package."""
    if not (root / ".git").exists():
        return {"commit": None, "tree": None}
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):  # no git here, or not its repository
        return {"commit": None, "tree": None}
    return {"commit": commit, "tree": "changed" if changed else "clean"}


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True, timeout=10)
    return done.stdout.strip()


def _hash(content: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()
