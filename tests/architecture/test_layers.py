"""Who imports whom: the import-linter contracts hold, and every package of the project is in them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path


def test_import_contracts_hold(repo_root: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=repo_root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_part_has_its_layer(repo_root: Path) -> None:
    """A new package that nobody placed would be free to import anything."""
    settings = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in settings["tool"]["importlinter"]["contracts"] if c["id"] == "layers")
    placed = {part.strip(" ()") for layer in contract["layers"] for part in layer.split("|")}
    package = repo_root / "risk_pipeline"
    modules = {f"risk_pipeline.{path.stem}" for path in package.glob("*.py") if path.stem not in ("__init__", "__main__")}
    packages = {f"risk_pipeline.{path.name}" for path in package.iterdir() if any(path.glob("*.py"))}
    assert modules | packages <= placed
