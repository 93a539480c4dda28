"""Treatments, reviews, worklist and portfolio over two assessments of a small ledger."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, make_small_workspace

pytestmark = pytest.mark.slow
JANUARY = date(2025, 1, 31)


def rows(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        return con.execute(query).fetchall()


def test_what_is_to_be_done_goes_on_from_one_assessment_to_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_small_workspace(tmp_path)
    workspace = Workspace.load(tmp_path)
    workspace.warehouse.mkdir()
    with Register.open(workspace.register_url) as register:
        ingest(workspace, register, feeds=["invoice", "payment"], now=datetime(2025, 1, 2, tzinfo=UTC))
        for day in (DECEMBER, JANUARY):
            assess(workspace, register, as_of=day, now=datetime.now(UTC) + timedelta(seconds=1))

    kept = rows(
        workspace,
        "SELECT COUNT(a.treatment_id), COUNT(a.treatment_id) FILTER (a.first_seen = b.first_seen) FROM decision.treatment a"
        f" JOIN decision.treatment b USING (treatment_id) WHERE a.as_of = DATE '{JANUARY}' AND b.as_of = DATE '{DECEMBER}'"
        " AND a.state = 'open' AND b.state = 'open' AND list_has_any(split(a.rules, ','), split(b.rules, ','))",
    )[0]
    assert kept[0] == kept[1] > 0
    reviewed = rows(
        workspace, f"SELECT customer_id, reviewed_on FROM decision.review WHERE as_of = DATE '{JANUARY}' AND carried_forward"
    )
    assert reviewed
    assert {day for _, day in reviewed} == {DECEMBER}

    ranked = rows(workspace, "SELECT rank, exposure_at_risk, next_action_zh FROM mart.worklist ORDER BY rank")
    assert [place for place, _, _ in ranked] == list(range(1, len(ranked) + 1))
    assert [risk for _, risk, _ in ranked] == sorted((risk for _, risk, _ in ranked), reverse=True)
    sums = dict(rows(workspace, "SELECT dimension, SUM(total_exposure) FROM mart.portfolio GROUP BY dimension"))
    assert len({sums[each] for each in ("all", "tier", "segment", "industry", "country")}) == 1
    assert sums["all"] > Decimal(0)

    assert run(["-w", str(tmp_path), "show", "mart.worklist"]) == 0
    assert "next_action_en" in capsys.readouterr().out
