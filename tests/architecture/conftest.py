"""The Python files of the project, read once as syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGES = ("risk_pipeline", "assets", "checks")


@pytest.fixture(scope="session")
def sources(repo_root: Path) -> dict[str, ast.Module]:
    """Module name -> tree, for every module of the three packages. An `__init__.py` goes by the name of its package."""
    trees: dict[str, ast.Module] = {}
    for package in PACKAGES:
        for path in sorted((repo_root / package).rglob("*.py")):
            parts = path.relative_to(repo_root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            trees[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return trees
