"""The scorecard: bins, special codes, missing and stale evidence, coverage, exact rounding (evidence cases S1 to S5)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.contracts.derive import arrow_to_frame
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.contributions import contributions
from risk_pipeline.decision.scorecard import FactorScore, Scores, bin_labels, score_cards, score_factor
from risk_pipeline.errors import RiskError
from risk_pipeline.factors.catalogue import Factor, load_catalogue
from risk_pipeline.policy.facts import Facts
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import FactorRule, Label, Policy
from tests.decision_facts import AS_OF, facts

CONTEXT = DecisionContext(AS_OF, "R1", "official", "EUR")
POLICY = load_policy(None, load_catalogue(), as_of=AS_OF)


def _factor(name: str, *codes: str) -> Factor:
    label = Label(en=name, zh=name)
    return Factor(
        id=name, table="t", label=label, unit="days", direction="down", risk_type="credit", window="W", formula="f",
        sources=("invoice",), codes=codes,
    )  # fmt: skip


def _rule(**changes: Any) -> FactorRule:
    bins = [{"le": 0, "points": 100}, {"le": 10, "points": 80}, {"points": 5}]
    rule = {"bins": bins, "special": {}, "missing": {"policy": "reweight"}, "max_age_days": None, "stale": "flag"}
    return FactorRule.model_validate({**rule, **changes})


def _score(
    value: float | None, rule: FactorRule, *, code: str | None = None, age: int | None = 0, na: tuple[str, ...] = ()
) -> FactorScore:
    evidence = None if age is None else AS_OF - timedelta(days=age)
    frame = pd.DataFrame(
        {
            "f": pd.Series([value], dtype="float64"),
            "f_code": pd.Series([code], dtype="str"),
            "evidence_date": pd.Series([evidence], dtype="datetime64[s]"),
        }
    )
    return score_factor(Facts(frame), _factor("f", *rule.special), rule, AS_OF, frozenset(na))


def _ledger(*customers: dict[str, Any]) -> Scores:
    factors = load_catalogue().scored(POLICY.scorecards["ledger"])
    return _scored(Facts(facts(*customers)), POLICY, "ledger", factors)


def _scored(view: Facts, policy: Policy, card: str, factors: tuple[Factor, ...]) -> Scores:
    place = list(policy.scorecards).index(card)
    return score_cards(view, policy, np.full(len(view), place, dtype=np.int16), factors, AS_OF)


def _contributions(frame: pd.DataFrame, scores: Scores) -> pd.DataFrame:
    return arrow_to_frame(contributions(Facts(frame), scores, CONTEXT))


# ---------------------------------------------------------------- one factor


@pytest.mark.parametrize(
    ("value", "points", "bin_position"),
    [(-3, 100, 0), (0, 100, 0), (0.0001, 80, 1), (10, 80, 1), (10.0001, 5, 2), (float("inf"), 5, 2)],
)
def test_upper_bounds_are_inclusive(value: float, points: int, bin_position: int) -> None:
    part = _score(value, _rule())
    assert (part.points[0], part.bins[0]) == (points * 100, bin_position)
    assert (part.counted[0], part.real[0], part.missing[0], part.actions[0]) == (True, True, False, -1)


def test_evidence_cases_s4_and_s5_points() -> None:
    """3,000 of 23,000 overdue (0.1304) -> 65 and dpd 20 -> 50; with the dispute past its shield 7,000 of 27,000 -> 40."""
    card = _ledger(
        {"overdue_ratio": 3_000 / 23_000, "max_dpd_material": 20},
        {"overdue_ratio": 7_000 / 27_000, "max_dpd_material": 20},
    )
    names = [f.id for f in card.factors]
    assert (card.parts[names.index("overdue_ratio")].points / 100).tolist() == [65, 40]
    assert (card.parts[names.index("max_dpd_material")].points / 100).tolist() == [50, 50]


@pytest.mark.parametrize(
    ("missing", "points", "counted", "blocked"),
    [
        ({"policy": "neutral", "points": 45}, 45, True, False),
        ({"policy": "worst"}, 5, True, False),
        ({"policy": "reweight"}, 0, False, False),
        ({"policy": "block"}, 0, False, True),
    ],
)
def test_a_missing_value_follows_its_policy(missing: dict[str, Any], points: int, counted: bool, blocked: bool) -> None:
    part = _score(None, _rule(missing=missing))
    assert (part.points[0], part.counted[0], part.blocked[0]) == (points * 100, counted, blocked)
    assert (part.missing[0], part.real[0], part.applicable[0]) == (True, False, True)


def test_a_special_code_comes_before_the_bins_and_before_missing() -> None:
    rule = _rule(special={"neutral_code": 30, "gone": "reweight", "best": 100}, missing={"policy": "block"})
    with_points = _score(5, rule, code="neutral_code")
    assert (with_points.points[0], with_points.counted[0], with_points.real[0]) == (3000, True, False)
    assert (with_points.missing[0], with_points.blocked[0], with_points.applicable[0]) == (False, False, True)
    left_out = _score(None, rule, code="gone")
    assert (left_out.counted[0], left_out.applicable[0], left_out.blocked[0]) == (False, True, False)
    assert not _score(None, rule, code="gone", na=("gone",)).applicable[0]
    best = _score(None, rule, code="best")  # 100 points for a code: neither covered nor uncovered, yet counted
    assert (best.points[0], best.counted[0], best.applicable[0]) == (10000, True, False)


def test_a_code_without_a_rule_is_an_error_that_names_it() -> None:
    frame = pd.DataFrame({"f": [1.0], "f_code": pd.Series(["new_code"], dtype="str"), "evidence_date": [pd.Timestamp(AS_OF)]})
    with pytest.raises(RiskError, match="factor f has the special code 'new_code'"):
        score_factor(Facts(frame), _factor("f", "known"), _rule(special={"known": 1}), AS_OF, frozenset())


@pytest.mark.parametrize(("age", "points"), [(180, 80), (181, 79.81), (270, 62.5), (359, 45.19), (360, 45), (500, 45)])
def test_evidence_case_s2_decay_moves_to_the_missing_points(age: int, points: float) -> None:
    """80 points, 45 when missing, maximum age 180: half way between 180 and 360 days it is 62.5."""
    rule = _rule(missing={"policy": "neutral", "points": 45}, max_age_days=180, stale="decay")
    part = _score(5, rule, age=age)
    assert part.points[0] == round(points * 100)
    assert part.real[0] == (age < 360)


def test_decay_without_missing_points_keeps_the_points_until_it_drops() -> None:
    rule = _rule(max_age_days=180, stale="decay")
    assert _score(5, rule, age=359).points[0] == 8000
    assert not _score(5, rule, age=360).counted[0]


def test_stale_drop_and_flag() -> None:
    drop = _rule(missing={"policy": "neutral", "points": 45}, max_age_days=45, stale="drop")
    fresh, old = _score(5, drop, age=45), _score(5, drop, age=46)
    assert (fresh.points[0], fresh.real[0]) == (8000, True)
    assert (old.points[0], old.real[0], old.missing[0]) == (4500, False, True)
    flag = _score(5, _rule(max_age_days=45, stale="flag"), age=46)
    assert (flag.points[0], flag.real[0]) == (8000, True)
    undated = _score(5, drop, age=None)  # nobody can call it old
    assert (undated.points[0], undated.age_known[0]) == (8000, False)


def test_bins_read_as_intervals() -> None:
    assert bin_labels(_rule()) == ["<= 0", "(0, 10]", "> 10"]
    assert bin_labels(_rule(bins=[{"points": 7}])) == ["all"]


# ---------------------------------------------------------------- the card


def _card(
    weights: dict[str, int], rules: dict[str, FactorRule], values: dict[str, float | None], codes: dict[str, str]
) -> Scores:
    policy = POLICY.model_copy(update={"scorecards": {"card": weights}, "scoring": rules})
    columns: dict[str, Any] = {"evidence_date": pd.Series([AS_OF], dtype="datetime64[s]"), "customer_id": ["C1"]}
    for name in weights:
        columns[name] = pd.Series([values.get(name)], dtype="float64")
        columns[f"{name}_code"] = pd.Series([codes.get(name)], dtype="str")
    factors = tuple(_factor(name, *rules[name].special) for name in weights)
    return _scored(Facts(pd.DataFrame(columns)), policy, "card", factors)


def _flat(points: int, **changes: Any) -> FactorRule:
    return _rule(bins=[{"points": points}], **changes)


def test_evidence_case_s1_neutral_and_reweighted() -> None:
    """No bureau report: its score 45 (weight 9), its counts reweighted (7): (84*70 + 9*45)/93 = 67.58, coverage 84 %."""
    rules = {
        "others": _flat(70),
        "bureau_score": _flat(70, special={"not_ordered": 45}),
        "bureau_counts": _flat(70, special={"not_ordered": "reweight"}),
    }
    codes = {"bureau_score": "not_ordered", "bureau_counts": "not_ordered"}
    card = _card({"others": 84, "bureau_score": 9, "bureau_counts": 7}, rules, {"others": 1.0}, codes)
    assert card.score[0] == 67_58
    assert card.coverage_pct[0] == 84
    assert card.reweight_factor[0] == pytest.approx(100 / 93)


def test_evidence_case_s3_stale_statement() -> None:
    """Statement too old: 22 of weight at 35 points, 5 reweighted: (73*80 + 22*35)/95 = 69.58, coverage 73 %."""
    rules = {
        "others": _flat(80),
        "ratios": _flat(80, missing={"policy": "neutral", "points": 35}),
        "changes": _flat(80),
    }
    card = _card({"others": 73, "ratios": 22, "changes": 5}, rules, {"others": 1.0}, {})
    assert card.score[0] == 69_58
    assert card.coverage_pct[0] == 73


def test_golden_reweight_spreads_the_missing_weight() -> None:
    """golden.json `reweight`: 40, 30 and 30 with the last one missing give 57.142857 and 42.857143."""
    rules = dict.fromkeys(("a", "b", "c"), _flat(100))
    card = _card({"a": 40, "b": 30, "c": 30}, rules, {"a": 1.0, "b": 1.0}, {})
    part = pd.DataFrame({"customer_id": ["C1"], "evidence_date": [pd.Timestamp(AS_OF)], "a": [1.0], "b": [1.0], "c": [np.nan]})
    weights = _contributions(part, card)["effective_weight"].tolist()
    assert weights == pytest.approx([57.14285714285714, 42.857142857142854, 0.0], rel=1e-12)


def test_golden_case_18_rounding_is_half_up_from_exact_integers() -> None:
    """74.995 is 75.00: (99.99 % of the doubles near it would say 74.99). 74.99 stays."""
    rules = {"a": _flat(100), "b": _flat(74), "c": _flat(75)}
    exact = _card({"a": 199, "b": 201, "c": 0}, rules, {"a": 1.0, "b": 1.0, "c": 1.0}, {})
    assert exact.score[0] == round((199 * 100 + 201 * 74) / 400 * 100)
    half = _card({"b": 1, "c": 199}, rules, {"b": 1.0, "c": 1.0}, {})  # (74 + 199*75)/200 = 74.995
    assert half.score[0] == 75_00
    below = _card({"b": 1, "c": 99}, rules, {"b": 1.0, "c": 1.0}, {})  # 74.99
    assert below.score[0] == 74_99


@pytest.mark.parametrize(("uncovered", "rated"), [(40, True), (41, False)])
def test_golden_case_11_coverage_of_exactly_60_is_rated(uncovered: int, rated: bool) -> None:
    rules = {"a": _flat(80), "b": _flat(80, missing={"policy": "neutral", "points": 45})}
    card = _card({"a": 100 - uncovered, "b": uncovered}, rules, {"a": 1.0}, {})
    assert card.coverage_pct[0] == 100 - uncovered
    assert bool(card.score_known[0]) is rated


def test_more_than_twofold_reweighting_is_unrated_even_when_covered() -> None:
    rules = {"a": _flat(80), "b": _flat(80, special={"na": "reweight"}), "c": _flat(80)}
    twice = _card({"a": 50, "b": 0, "c": 50}, rules, {"a": 1.0}, {})
    assert twice.reweight_factor[0] == 2.0
    assert not twice.over_reweighted[0]
    more = _card({"a": 49, "b": 0, "c": 51}, rules, {"a": 1.0}, {})
    assert more.over_reweighted[0]


def test_not_applicable_codes_leave_the_coverage() -> None:
    card = _ledger(
        {
            "overdue_ratio": None,
            "overdue_ratio_code": "no_open_items",
            "max_dpd_material": None,
            "max_dpd_material_code": "no_open_items",
        }
    )
    assert card.coverage_pct[0] == 100
    assert card.reweight_factor[0] == 1
    uncovered = _ledger({"days_late_trend_3v9": None, "days_late_trend_3v9_code": "too_few_payments"})
    assert uncovered.coverage_pct[0] == 90
    assert uncovered.reweight_factor[0] == pytest.approx(100 / 90)


def test_a_customer_about_whom_nothing_is_known_is_unrated() -> None:
    names = list(POLICY.scorecards["ledger"])
    card = _ledger(dict.fromkeys(names))
    assert not card.score_known[0]
    assert card.coverage_pct[0] == 0


def test_subtotals_add_up_to_the_score() -> None:
    card = _ledger({"overdue_ratio": 0.2, "dilution_ratio_12m": 0.05})
    parts = [card.subtotal(kind)[0] for kind in ("credit", "operational", "market", "legal", "reputation")]
    assert sum(parts) == pytest.approx(card.score[0] / 100, abs=0.005)
    assert parts[2:] == [0, 0, 0]


# ---------------------------------------------------------------- contributions


def test_contributions_of_one_customer() -> None:
    customer = {
        "overdue_ratio": 0.2,
        "max_dpd_material": 20,
        "dilution_ratio_12m": None,
        "days_late_trend_3v9": None,
        "days_late_trend_3v9_code": "too_few_payments",
    }
    frame = facts(customer)
    card = _ledger(customer)
    rows = _contributions(frame, card).set_index("factor")
    # 84 of weight count: 10 by code and 6 missing are spread over the rest
    assert rows["contribution"].sum() == pytest.approx(card.score[0] / 100, abs=0.005)
    assert rows.loc["overdue_ratio", ["bin", "points", "weight", "reason_code"]].tolist() == ["(0.15, 0.3]", 40, 18, "T02"]
    assert rows.loc["overdue_ratio", "effective_weight"] == pytest.approx(18 * 100 / 84)
    assert rows.loc["overdue_ratio", "points_lost"] == pytest.approx(18 * 60 / 84)
    assert rows.loc["overdue_ratio", "reason_rank"] == 1
    assert rows.loc["max_dpd_material", "reason_rank"] == 2
    assert rows["reason_rank"].isna().sum() == 6
    trend = rows.loc["days_late_trend_3v9"]
    assert (trend["special_code"], trend["missing"], trend["missing_action"]) == ("too_few_payments", False, "special_reweight")
    assert (trend["contribution"], trend["effective_weight"]) == (0, 0)
    assert np.isnan(trend["points"])
    dilution = rows.loc["dilution_ratio_12m"]
    assert (dilution["missing"], dilution["missing_action"], dilution["contribution"]) == (True, "reweight", 0)


def test_ties_between_reasons_go_by_catalogue_order() -> None:
    customer = {"dilution_ratio_12m": 0.1, "unfounded_dispute_ratio_12m": 0.03}  # 25 and 45 points of weight 6
    rows = _contributions(facts(customer), _ledger(customer)).set_index("factor")
    assert rows.loc[["dilution_ratio_12m", "unfounded_dispute_ratio_12m"], "reason_rank"].tolist() == [1, 2]
    rules = {"z": _flat(50), "a": _flat(50)}
    card = _card({"z": 50, "a": 50}, rules, {"z": 1.0, "a": 1.0}, {})
    assert card.order_of_loss[0].tolist() == [0, 1]


def test_an_unrated_customer_shows_points_but_no_contribution() -> None:
    customer = dict.fromkeys(list(POLICY.scorecards["ledger"])[:6])
    rows = _contributions(facts(customer), _ledger(customer))
    assert rows["contribution"].isna().all()
    assert rows["points_lost"].isna().all()
    assert rows["reason_rank"].isna().all()
    assert rows["points"].notna().sum() == 3  # one neutral, two known


def test_stale_evidence_is_shown_with_its_age_and_what_was_done() -> None:
    customer = {"evidence_date": date(2026, 5, 1)}
    rows = _contributions(facts(customer), _ledger(customer)).set_index("factor")
    assert rows["evidence_age_days"].tolist() == [60] * 8
    assert rows.loc["overdue_ratio", "missing_action"] == "stale_drop_reweight"
    assert rows.loc["wavg_days_late_incl_open_12m", "missing_action"] == "stale_drop_neutral"
    assert rows.loc["relationship_months", "missing"] == False  # noqa: E712  (numpy bool)


def test_the_policy_of_these_tests_is_the_shipped_one() -> None:
    assert isinstance(POLICY, Policy)
    assert sum(POLICY.scorecards["ledger"].values()) == 100
