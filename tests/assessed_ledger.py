"""The small ledger, ingested and assessed, and copies of it to go on from.

Put here: how it comes to be. Keep out: its files (small_ledger.py), and what must come out.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from risk_pipeline.pipeline.assess import Assessment, assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register
from tests.small_ledger import make_small_workspace

INGESTED = datetime(2025, 1, 2, tzinfo=UTC)


def ingest_small_ledger(folder: Path) -> Path:
    """Make the small ledger in `folder` and take in its two feeds."""
    with opened(make_small_workspace(folder)) as (workspace, register):
        ingest(workspace, register, feeds=["invoice", "payment"], now=INGESTED)
    return folder


def assess_ledger(folder: Path, day: date, known_at: datetime | None = None) -> Assessment:
    """Assess `day`, knowing all that was said until now."""
    with opened(folder) as (workspace, register):
        return assess(workspace, register, as_of=day, known_at=known_at, now=datetime.now(UTC) + timedelta(seconds=1))


@contextmanager
def opened(folder: Path) -> Iterator[tuple[Workspace, Register]]:
    """A workspace and its register, as long as the block lasts."""
    workspace = Workspace.load(folder)
    workspace.warehouse.mkdir(exist_ok=True)
    with Register.open(workspace.register_url) as register:
        yield workspace, register


@dataclass(frozen=True)
class Assessed:
    """A workspace and what its one assessment returned."""

    folder: Path
    outcome: Assessment


def assessed_copy(folder: Path, made: Path, day: date) -> Assessed:
    """`day` assessed on a copy of a workspace."""
    return Assessed(folder, assess_ledger(copy_to(folder, made), day))


def copy_to(folder: Path, made: Path, more_settings: str = "") -> Path:
    """A copy of a workspace, with its own catalogue where it has one, and more settings in its risk.yaml."""
    shutil.copytree(made, folder)
    with (folder / "risk.yaml").open("a", encoding="utf-8") as file:
        file.write(more_settings)
    workspace = Workspace.load(folder)
    if workspace.catalogue.exists():
        with Register.open(workspace.register_url) as register:
            build_catalogue(workspace.catalogue, Lake(workspace.lake), register)
    return folder
