"""Dagster's own storage of a workspace: where it is, and the dagster.yaml it starts from.

Put here: paths and files. Keep out: `import dagster` (the command line prepares a home without it).
"""

from __future__ import annotations

import os
from pathlib import Path

import risk_pipeline
from risk_pipeline.settings import Workspace

INSTANCE_FILE = "dagster.yaml"


def dagster_home(workspace: Workspace) -> Path:
    """DAGSTER_HOME if set, else `warehouse/dagster` of the workspace."""
    named = os.environ.get("DAGSTER_HOME")
    return Path(named).resolve() if named else workspace.dagster_home


def prepare_home(workspace: Workspace) -> Path:
    """Make the home and give it a copy of the project's dagster.yaml, unless it has one: yours is never overwritten."""
    workspace.warehouse.mkdir(mode=0o700, exist_ok=True)  # on its own: `parents` would make it with the default mode
    home = dagster_home(workspace)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = home / INSTANCE_FILE
    if not target.exists():
        target.write_text(shipped_instance_file().read_text(encoding="utf-8"), encoding="utf-8")
    return home


def shipped_instance_file() -> Path:
    """The project's dagster.yaml: inside the package in a wheel, at the root of the repository in a checkout."""
    package = Path(risk_pipeline.__file__).parent
    packaged = package / "orchestration" / INSTANCE_FILE
    return packaged if packaged.exists() else package.parent / INSTANCE_FILE
