"""Which workspace is meant, and how its register is opened.

Put here: what the command line and the Dagster definitions must decide alike. Keep out: the settings themselves (settings)
and Dagster.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path

from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register

VARIABLE = "RISK_WORKSPACE"
USER = "RISK_USER"
DEMO = "demo"
NOBODY = "unknown"


def locate() -> Path:
    """RISK_WORKSPACE if set; else the current folder if it is a workspace; else its subfolder `demo`, which may not exist.

    For Dagster, which is started from the repository root. The command line never falls back to the demo.
    """
    named = os.environ.get(VARIABLE)
    here = Path.cwd()
    return Path(named).resolve() if named else here if (here / "risk.yaml").is_file() else here / DEMO


def whoever(named: str | None) -> str:
    """Who launches a run: the name given, else RISK_USER, else the user of the operating system, if it knows one."""
    try:
        return (named or os.environ.get(USER) or getpass.getuser()).strip() or NOBODY
    except (KeyError, OSError):
        return NOBODY


def open_register(workspace: Workspace) -> Register:
    """The workspace's register, made on first use. The warehouse is closed to other users: it holds personal data."""
    workspace.warehouse.mkdir(mode=0o700, exist_ok=True)
    return Register.open(workspace.register_url)
