"""The six tables: form as the contracts say, reasons people read, and the edges of the input."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow, typed_frame
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import decide as decide_rows
from risk_pipeline.decision.decide import facts_read
from risk_pipeline.decision.frames import frame
from risk_pipeline.decision.rows import arrow_rows
from risk_pipeline.errors import UsageError
from risk_pipeline.policy.facts import Facts, Text, Vector
from tests.decision_facts import AS_OF, decide, facts, many, sales
from tests.decision_given import CATALOGUE, POLICY, context


def _decide(*customers: dict[str, Any]) -> dict[str, pd.DataFrame]:
    return decide(facts(*customers), POLICY, CATALOGUE, context())


def _mart(**changes: Any) -> dict[str, Any]:
    return _decide(changes)["mart.current_risk"].iloc[0].to_dict()


@pytest.mark.parametrize("rows", [0, 1, 400])
def test_every_table_fits_its_contract(rows: int) -> None:
    for name, found in decide_rows(many(rows), POLICY, CATALOGUE, context()).items():
        contract = table(name)
        data = frame_to_arrow(contract, found)
        assert len(found.columns) == len(data.columns)
        assert data.schema.names == list(contract.column_names)
        if rows:
            contract.to_pandera().validate(typed_frame(data), lazy=True)


def test_one_row_per_customer_in_the_order_given() -> None:
    customers = many(50)["customer_id"].tolist()
    out = decide(many(50), POLICY, CATALOGUE, context())
    for name in ("score.risk_score", "decision.risk_tier", "decision.credit_limit", "mart.current_risk"):
        assert out[name]["customer_id"].tolist() == customers
    for name in ("score.contribution", "decision.limit_candidate"):
        met = out[name]["customer_id"].drop_duplicates().tolist()
        assert met == [c for c in customers if c in set(met)]


def test_deciding_reads_no_column_beyond_those_it_names() -> None:
    every = many(200)
    named = every[[name for name in every.columns if name in facts_read(POLICY, CATALOGUE)]]
    assert len(named.columns) < len(every.columns)
    expected = decide(every, POLICY, CATALOGUE, context())
    for name, out in decide(named, POLICY, CATALOGUE, context()).items():
        assert frame_to_arrow(table(name), out).equals(frame_to_arrow(table(name), expected[name]))


def test_columns_of_nothing_but_null_may_have_any_type() -> None:
    frame = facts({}, {"overdue_ratio": 0.2})
    for name in frame.columns[frame.isna().all()]:
        frame[name] = pd.Series([None, None], dtype="object")
    expected = decide(facts({}, {"overdue_ratio": 0.2}), POLICY, CATALOGUE, context())
    for name, out in decide(frame, POLICY, CATALOGUE, context()).items():
        assert frame_to_arrow(table(name), out).equals(frame_to_arrow(table(name), expected[name]))


def test_money_that_is_no_whole_number_is_refused() -> None:
    frame = facts({})
    frame["total_exposure"] = 12.5
    with pytest.raises(TypeError, match="total_exposure must be int64 or Int64"):
        decide(frame, POLICY, CATALOGUE, context())


def test_a_column_too_many_or_too_few_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match=r"decision.review: columns differ from the contract: .*'surplus'"):
        frame("decision.review", context(), 1, {"surplus": [1]})
    with pytest.raises(ValueError, match=r"decision.alert: columns differ from the contract: .*'surplus'"):
        arrow_rows("decision.alert", context(), 0, {"surplus": pa.array([])})


def test_a_computed_column_is_read_as_what_it_is() -> None:
    given = Facts(facts({})).with_columns(tier=Text(np.array([0]), ("low",)), used=Vector(np.array([0.5]), np.array([True])))
    for read, name in ((given.text, "used"), (given.integers, "tier"), (given.numbers, "tier"), (given.flags, "tier")):
        with pytest.raises(TypeError, match=name):
            read(name)


def test_a_policy_for_another_currency_is_refused() -> None:
    dollars = POLICY.model_copy(update={"reporting_currency": "USD"})
    with pytest.raises(UsageError, match="states its amounts in USD, the run reports in EUR"):
        decide(facts({}), dollars, CATALOGUE, context())
    assert decide(facts({}), dollars, CATALOGUE, DecisionContext(AS_OF, "R", "official", "USD"))


def test_a_score_table_of_one_customer() -> None:
    row = _decide({"overdue_ratio": 0.2, "max_dpd_material": 20})["score.risk_score"].iloc[0]
    # 18 x 40 + 16 x 50 + 66 x 100 = 8120
    assert (row["score"], row["coverage_pct"], row["reweight_factor"], row["grade"]) == (81.2, 100, 1, "A2")
    assert (row["pd_status"], row["scorecard_id"], row["segment"], row["policy_version"]) == (
        "expert",
        "ledger",
        "ledger",
        "2026.1",
    )
    assert row["credit_subtotal"] + row["operational_subtotal"] == pytest.approx(81.2)


def test_never_scored_customers_have_a_score_row_without_a_score() -> None:
    out = _decide({"is_intercompany": True}, {"is_one_time": True}, {})
    assert out["score.risk_score"]["score"].notna().tolist() == [False, False, True]
    assert out["score.risk_score"]["scorecard_id"].isna().tolist() == [True, True, False]
    assert out["score.contribution"]["customer_id"].unique().tolist() == ["C3"]


def test_the_ladder_keeps_every_candidate_with_its_inputs() -> None:
    ladder = _decide({**sales(30_000), "relationship_months": 4})["decision.limit_candidate"].set_index("method")
    assert ladder["kind"].to_dict() == {
        "sales_balance": "need", "expected_loss": "capacity", "tier_cap": "capacity", "new_customer_cap": "capacity",
    }  # fmt: skip
    assert ladder.index[ladder["is_binding"]].tolist() == ["new_customer_cap"]
    inputs = {method: json.loads(text) for method, text in ladder["inputs"].items()}
    assert inputs["sales_balance"] == {
        "avg_monthly_sales_12m": 30_000.0, "avg_monthly_sales_3m": 30_000.0, "terms_days": 30, "tolerance_days": 10,
    }  # fmt: skip
    assert inputs["tier_cap"] == {"class": "small", "tier": "medium"}
    assert inputs["new_customer_cap"] == {"class": "small", "relationship_months": 4, "until_months": 6}
    assert inputs["expected_loss"]["annual_sales"] == 360_000.0
    assert set(inputs["expected_loss"]) == {"annual_sales", "budget_share_of_sales_12m", "lgd", "pd"}


# ---------------------------------------------------------------- reasons


def test_three_costliest_reasons_in_both_languages() -> None:
    row = _mart(wavg_days_late_incl_open_12m=25.0, overdue_ratio=0.4, max_dpd_material=20, dilution_ratio_12m=0.1)
    assert row["reasons_en"] == "Pays later than agreed; High share of receivables is overdue; Old material debt unpaid"
    assert row["reasons_zh"] == "付款晚于约定期限；逾期账款占比过高；存在长期未付的大额欠款"


def test_factors_as_good_as_the_best_tier_are_no_reason() -> None:
    assert _mart()["reasons_en"] == ""
    small_losses = {"wavg_days_late_incl_open_12m": 1.0, "days_late_trend_3v9": 0.0, "overdue_ratio": 0.04}  # 88, 80, 85 points
    assert _mart(**small_losses)["reasons_en"] == ""
    assert _mart(**{**small_losses, "days_late_trend_3v9": 3.0})["reasons_en"] == "Payment behaviour is getting worse"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_is_not_in_the_best_band_is_told_at_least_one_reason(seed: int) -> None:
    mart = decide(many(500, seed), POLICY, CATALOGUE, context())["mart.current_risk"]
    worse = mart[(mart["score"] < 75) | mart["tier"].isin(["high", "restricted"])]
    assert len(worse) > 100
    assert (worse["reasons_en"] != "").all()
    assert (worse["reasons_zh"] != "").all()


def test_knock_outs_that_made_the_tier_come_first_and_others_are_not_told() -> None:
    row = _mart(distressed_plan=True, relationship_months=2, overdue_ratio=0.4)
    assert row["reasons_en"] == "In default with us; High share of receivables is overdue; Short trading history"
    new = _mart(relationship_months=2)
    assert (new["tier"], new["binding_rule"]) == ("medium", "segment_ceiling")
    assert new["reasons_en"] == "New customer; Short trading history"


def test_want_of_evidence_accuses_nobody() -> None:
    quiet = {
        "wavg_days_late_incl_open_12m": None, "wavg_days_late_incl_open_12m_code": "no_invoice_in_window",
        "relationship_months": None,
    }  # fmt: skip
    row = _mart(**quiet)
    assert row["reasons_en"] == "No invoice in the last 12 months; Not known: Months of trading history"
    assert "近12个月无发票" in row["reasons_zh"]


def test_an_unrated_customer_is_told_why() -> None:
    row = _mart(**dict.fromkeys(["wavg_days_late_incl_open_12m", "overdue_ratio", "max_dpd_material"]))
    assert (row["tier"], row["tier_label_en"], row["tier_label_zh"]) == ("unrated", "Unrated", "未评级")
    assert row["reasons_en"] == "Too little evidence for a rating"


def test_customers_outside_the_scorecard_are_told_the_rule_and_not_a_want_of_evidence() -> None:
    one_time, group = _mart(is_one_time=True), _mart(is_intercompany=True)
    assert (one_time["tier"], one_time["reasons_en"], one_time["reasons_zh"]) == (
        "unrated",
        "One-time account, never scored",
        "一次性客户，不评分",
    )
    assert (group["tier"], group["reasons_en"], group["reasons_zh"]) == ("not_rated", "Company of our own group", "集团内部公司")
    in_default = _mart(is_one_time=True, distressed_plan=True)
    assert in_default["reasons_en"] == "In default with us; One-time account, never scored"


def test_the_mart_has_default_limit_reason_and_material_days() -> None:
    row = _mart(max_dpd_material=95, max_days_past_due=120)
    assert (row["in_default"], row["limit_reason"], row["max_dpd_material"]) == (True, "KO05", 95)
    assert _mart(is_intercompany=True)["limit_reason"] == "group_treasury"


def test_the_mart_repeats_the_tables_behind_it() -> None:
    out = decide(many(200), POLICY, CATALOGUE, context())
    mart = out["mart.current_risk"]
    for source in ("score.risk_score", "decision.risk_tier", "decision.credit_limit"):
        shared = [c for c in mart.columns if c in out[source].columns]
        pd.testing.assert_frame_equal(mart[shared], out[source][shared])
