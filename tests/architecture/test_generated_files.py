"""Files made from code equal what the code gives today: the data dictionary, the pages of the factors, column lineage, the asset
graph.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from risk_pipeline.reporting.factors import page_names

PAGES = page_names()


@pytest.mark.parametrize(
    "names",
    [
        ["docs/contract_rules.md"],
        ["docs/data_dictionary.md"],
        PAGES,
        ["risk_pipeline/lineage/columns.json", "docs/img/lineage.svg"],
        ["tests/architecture/asset_graph.txt"],
    ],
    ids=["contract rules", "data dictionary", "factors", "column lineage", "asset graph"],
)
def test_regenerates_without_a_difference(names: list[str], repo_root: Path) -> None:
    """In a process of its own: what other tests imported or registered must not matter."""
    script = repo_root / "tests" / "architecture" / "regenerate.py"
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    command = [sys.executable, str(script), "--check", *names]
    done = subprocess.run(command, cwd=repo_root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make snapshots` and look at the difference:\n{done.stdout}{done.stderr}"


def test_no_page_of_a_table_that_is_gone(repo_root: Path) -> None:
    assert sorted(f"docs/factors/{path.name}" for path in (repo_root / "docs" / "factors").iterdir()) == sorted(PAGES)
