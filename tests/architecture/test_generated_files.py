"""Files made from code equal what the code gives today: the data dictionary and the asset graph."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["docs/contract_rules.md", "docs/data_dictionary.md", "tests/architecture/asset_graph.txt"])
def test_regenerates_without_a_difference(name: str, repo_root: Path) -> None:
    """In a process of its own: what other tests imported or registered must not matter."""
    script = repo_root / "tests" / "architecture" / "regenerate.py"
    environment = {**os.environ, "PYTHONPATH": str(repo_root)}
    command = [sys.executable, str(script), "--check", name]
    done = subprocess.run(command, cwd=repo_root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make snapshots` and look at the difference:\n{done.stdout}{done.stderr}"
