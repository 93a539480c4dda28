"""mart.portfolio by hand: sums, shares, caps and budgets of three customers, one of them of the own group."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.pipeline.marts import MADE_FROM, mart_query
from tests.decision_given import POLICY
from tests.gates_stage import Rows, stage

Damage = Callable[[Rows], None]


def mart(name: str, folder: Path, change: Damage | None = None) -> list[dict[str, Any]]:
    """The rows of a mart. C1 owes 150 and C2 10, neither with security; C3 is not rated."""
    paths = stage(folder, change)
    relations = {name: f"read_parquet('{paths[name]}')" for name in MADE_FROM}
    with duckdb.connect() as con:
        found = con.execute(mart_query(name, POLICY, relations))
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def portfolio(folder: Path, change: Damage | None = None) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of mart.portfolio by dimension and member."""
    return {(row["dimension"], row["member"]): row for row in mart("mart.portfolio", folder, change)}


def test_concentration_is_told_beyond_its_cap(tmp_path: Path) -> None:
    found = portfolio(tmp_path)
    whole, top1, top10 = found["all", "all"], found["concentration", "top1"], found["concentration", "top10"]
    assert (whole["customers"], whole["total_exposure"], whole["customer_share"]) == (2, 160, 1)
    assert (top1["total_exposure"], top1["exposure_share"], top1["share_cap"], top1["over_cap"]) == (150, 0.9375, 0.15, True)
    assert (top10["exposure_share"], top10["share_cap"], top10["over_cap"]) == (1, 0.50, True)
    assert (found["country", "DE"]["over_cap"], found["industry", "unknown"]["over_cap"]) == (False, False)  # no cap


def test_an_industry_has_a_cap_where_it_is_known(tmp_path: Path) -> None:
    def industries(rows: Rows) -> None:
        for row, code in zip(rows["factor.customer_state"], ("4711", "1310", "4711"), strict=True):
            row.update(industry_scheme="NACE", industry_code=code)

    found = portfolio(tmp_path, industries)
    assert [found["industry", each]["over_cap"] for each in ("NACE 47", "NACE 13")] == [True, False]


def test_the_loss_budget_follows_the_sales(tmp_path: Path) -> None:
    def lossy(rows: Rows) -> None:
        for score, tier in zip(rows["score.risk_score"][:2], rows["decision.risk_tier"][:2], strict=True):
            score["pd"], tier["model_tier"] = 0.25, tier["tier"]
        rows["factor.transaction_history"][0]["sales_12m"] = Decimal(6_000)

    whole = portfolio(tmp_path, lossy)["all", "all"]
    assert (whole["expected_loss"], whole["loss_budget"]) == (24, 24)  # 160 x 0.25 x 0.60; 0.4 % of the sales
    assert not whole["over_cap"]


@pytest.mark.parametrize(
    ("table", "column", "standing", "member", "over"),
    [
        ("decision.risk_tier", "notch_status", "in_force", "tier", True),
        ("decision.risk_tier", "notch_status", "not_effective", "tier", None),
        ("decision.credit_limit", "manual_limit_status", "reduced", "limit", True),
        ("decision.credit_limit", "temporary_limit_status", "in_force", "limit", True),
        ("decision.credit_limit", "temporary_limit_status", "needs_authority", "limit", None),
        ("decision.credit_limit", "hold_release_status", "in_force", "hold", False),  # counted, without a cap
    ],
)
def test_overrides_are_counted_by_customers(
    tmp_path: Path, table: str, column: str, standing: str, member: str, over: bool | None
) -> None:
    def by_hand(rows: Rows) -> None:
        rows[table][0][column] = standing

    found = portfolio(tmp_path, by_hand)["override", member]
    n = 0 if over is None else 1
    assert (found["customers"], found["customer_share"], found["total_exposure"]) == (n, n / 2, n * 150)
    assert (found["share_cap"], found["over_cap"]) == (None, bool(over))


@pytest.mark.parametrize(
    ("tier", "model", "pd", "default", "expected"),
    [
        ("medium", "medium", 0.01, False, 0.01),  # the score decided
        ("restricted", "low", 0.004, False, 0.30),  # a knock-out did: that of the tier
        ("medium", "restricted", 0.40, False, 0.40),  # a notch up hides nothing
        ("high", "high", None, False, 0.08),  # no score
        ("restricted", "low", 0.004, True, 1.0),
    ],
)
def test_the_probability_behind_the_exposure_at_risk(
    tmp_path: Path, tier: str, model: str, pd: float | None, default: bool, expected: float
) -> None:
    def change(rows: Rows) -> None:
        rows["decision.risk_tier"][0].update(tier=tier, model_tier=model, in_default=default)
        rows["score.risk_score"][0]["pd"] = pd

    first = next(row for row in mart("mart.worklist", tmp_path, change) if row["customer_id"] == "C1")
    assert first["default_probability"] == expected
    assert float(first["exposure_at_risk"]) == pytest.approx(expected * 150)
