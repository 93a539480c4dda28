"""A demo workspace through the whole pipeline, and how to look at it.

Put here: what more than one test module asks of the demo. Keep out: what must come out (test_demo_story, test_demo_evidence).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.demo.truth import Truth
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import IngestResult, ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register

DATES = (
    date(2025, 10, 31),
    date(2026, 1, 31),
    date(2026, 4, 30),
    date(2026, 6, 30),
    date(2026, 7, 31),
    date(2026, 8, 31),
    date(2026, 9, 30),
    date(2026, 10, 31),
)
FIRST, LAST = DATES[0], DATES[-1]
NOW = datetime(2026, 11, 2, tzinfo=UTC)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """A demo workspace that was ingested and assessed."""

    root: Path
    truth: Truth
    deliveries: list[IngestResult]

    def query(self, sql: str, *values: Any) -> list[Row]:
        cursor = self._catalogue.execute(sql, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @cached_property
    def _catalogue(self) -> duckdb.DuckDBPyConnection:
        """Opened once: opening it takes ten times as long as a query."""
        return duckdb.connect(str(self.root / "warehouse" / "risk.duckdb"), read_only=True)

    def tiers(self, customer: str) -> dict[date, str]:
        found = self.query("SELECT as_of, tier FROM decision.risk_tier WHERE customer_id = ? ORDER BY as_of", customer)
        return {row["as_of"]: row["tier"] for row in found}

    def scores(self, customer: str) -> dict[date, float]:
        found = self.query("SELECT as_of, score FROM score.risk_score WHERE customer_id = ? ORDER BY as_of", customer)
        return {row["as_of"]: row["score"] for row in found}

    def on(self, table: str, customer: str, as_of: date = LAST) -> Row:
        (row,) = self.query(f"SELECT * FROM {table} WHERE customer_id = ? AND as_of = ?", customer, as_of)
        return row


def run(root: Path, truth: Truth, dates: tuple[date, ...]) -> World:
    """Ingest the files of `root` and assess `dates`."""
    workspace = Workspace.load(root)
    register = Register.open(workspace.register_url)
    deliveries = ingest(workspace, register, now=NOW)
    for as_of in dates:
        assess(workspace, register, as_of=as_of, now=NOW)
    return World(root, truth, deliveries)
