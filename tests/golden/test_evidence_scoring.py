"""The evidence cases of the credit practitioner that score it: S1, S2, S3, S11, S12, and every knock-out that evidence strikes.

Source: golden_cases.md part B and the knock-outs of policy_default.yaml. S1 and S3 say "all factors 70 (80) points", which no
set of bins gives; they are decided by the default policy with one bin of so many points for every factor, and everything else
(weights, special codes, missing and stale rules) as shipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import pytest

from risk_pipeline.contracts import FACTOR_TABLES
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.policy.model import ELSE, Bin, Policy
from tests.decision_facts import AS_OF, decide, facts, sales
from tests.decision_given import CATALOGUE, POLICY
from tests.ledger_case import LedgerCase, days_before, decisions, only

CONTEXT = DecisionContext(AS_OF, "R1", "official", "EUR", evidence_feeds_configured=True)
SMALL = {"size_class": "small", "statement_usable": False}
MEDIUM = {"size_class": "medium", "statement_usable": False}


@dataclass(frozen=True)
class Decision:
    """Score, tier and limit columns of one customer, and its factors."""

    row: dict[str, Any]
    factors: pd.DataFrame

    def __getattr__(self, name: str) -> Any:
        return self.row[name]

    def points(self, factor: str) -> float:
        return float(self.factors.loc[factor, "points"])

    def action(self, factor: str) -> str | None:
        action = self.factors.loc[factor, "missing_action"]
        return None if pd.isna(action) else str(action)


def decided(policy: Policy = POLICY, **changes: Any) -> Decision:
    """What `policy` decides about one customer of a workspace with evidence."""
    return all_decided(policy, changes)[0]


def all_decided(policy: Policy, *customers: dict[str, Any]) -> list[Decision]:
    """What `policy` decides about customers of a workspace with evidence, in their order."""
    out = decide(facts(*customers), policy, CATALOGUE, CONTEXT)
    frames = [out[name] for name in ("decision.risk_tier", "decision.credit_limit", "score.risk_score")]
    factors = out["score.contribution"].assign(factor=out["score.contribution"]["factor"].astype("str"))
    by_customer = {str(name): part.set_index("factor") for name, part in factors.groupby("customer_id", observed=True)}
    rows = [{k: v for frame in frames for k, v in frame.iloc[place].to_dict().items()} for place in range(len(customers))]
    return [Decision(row, by_customer[row["customer_id"]]) for row in rows]


def all_points(points: int) -> Policy:
    """The default policy where every value of every factor is worth `points`."""
    flat = {
        name: rule.model_copy(update={"bins": (Bin(points=points),)} if rule.values is None else {"values": {ELSE: points}})
        for name, rule in POLICY.scoring.items()
    }
    return POLICY.model_copy(update={"scoring": flat})


def all_known(card: str) -> dict[str, Any]:
    """A value of today for every factor of the card."""
    known: dict[str, Any] = {}
    for factor in CATALOGUE.scored(POLICY.scorecards[card]):
        column = next(each.column(factor.id) for each in FACTOR_TABLES if factor.id in each)
        known |= {factor.id: "medium" if column.kind is Kind.TEXT else 1, factor.evidence: AS_OF}
    return {**known, "country_list_status": "none", "statement_quality": "reviewed", "relationship_months": 60}


def codes(code: str, *names: str) -> dict[str, Any]:
    """These factors have no value but a special code."""
    return {**dict.fromkeys(names), **{f"{name}_code": code for name in names}}


BUREAU = ("bureau_score_norm", "bureau_delinquencies_12m", "bureau_defaults_36m", "bureau_inquiries_6m")


def test_s1_no_bureau_report_was_ordered() -> None:
    case = decided(all_points(70), **{**all_known("small"), **SMALL, **codes("not_ordered", *BUREAU)})
    assert (case.segment, case.scorecard_id) == ("small", "small")
    assert case.score == 67.58  # (84*70 + 9*45)/93 = 6285/93 = 67.5806
    assert case.coverage_pct == case.confidence_pct == 84  # 9 + 7 of weight are not covered
    assert case.reweight_factor == pytest.approx(100 / 93)
    assert [case.action(name) for name in BUREAU] == ["special_points", *["special_reweight"] * 3]


def test_s2_a_bureau_report_decays_to_the_points_of_none() -> None:
    """70 of 100 is worth 80 points, 45 when missing; 270 days are half way from 180 to 360: (80 + 45)/2 = 62.5."""
    case = decided(**{**all_known("small"), **SMALL, "bureau_score_norm": 70.0, "bureau_report_date": days_before(270)})
    assert (case.points("bureau_score_norm"), case.action("bureau_score_norm")) == (62.5, "stale_decay")
    # The report carries 9 + 3 + 3 + 1 of 100: inquiries are dropped (1), score and delinquencies count half (12 * 0.5), defaults
    # are good for 365 days (3). Confidence 84 + 6 + 3 = 93.
    assert case.coverage_pct == 99
    assert case.confidence_pct == pytest.approx(93)


def test_s3_a_stale_statement() -> None:
    stale = {
        **dict.fromkeys(("statement_period_end", "borrowing_period_end"), days_before(600)),
        **codes("tnw_unknown", "litigation_amount_to_tnw"),
    }
    case = decided(all_points(80), **{**all_known("corporate"), **MEDIUM, **stale})
    assert (case.segment, case.tier) == ("corporate", "medium")
    assert case.score == 69.58  # (73*80 + 22*35)/95 = 6610/95 = 69.5789
    assert case.coverage_pct == 73
    assert case.action("altman_z2") == "stale_drop_neutral"
    assert case.action("revenue_change_yoy") == case.action("borrowing_to_revenue") == "stale_drop_reweight"
    fresh = decided(all_points(80), **{**all_known("corporate"), **MEDIUM})
    assert (fresh.score, fresh.tier, fresh.coverage_pct, fresh.confidence_pct) == (80, "low", 100, 100)


@pytest.mark.parametrize(
    ("months", "card"), [(1, "corporate"), (24, "corporate"), (25, "small")]
)  # 24 months: the last day on which the stay counts
def test_s3_who_stops_sending_accounts_stays_on_the_corporate_card(months: int, card: str) -> None:
    held_on = (pd.Timestamp(AS_OF) - pd.DateOffset(months=months) + pd.offsets.MonthEnd(0)).date()
    before = {"previous_segment": "corporate", "previous_segment_held_on": held_on}
    case = decided(**{**all_known("corporate"), **SMALL, **before})
    assert (case.segment, case.scorecard_id) == (card, card)
    assert case.segment_held_on.date() == (held_on if card == "corporate" else AS_OF)


def test_the_segments_of_the_default_policy() -> None:
    customers: list[tuple[dict[str, Any], str]] = [
        ({"natural_person": True, "size_class": "large"}, "sole"),
        ({"legal_form": "individual_business"}, "sole"),
        ({"size_class": "large"}, "corporate"),
        ({"size_class": "micro", "statement_usable": True}, "corporate"),
        ({"size_class": "micro"}, "small"),
        ({}, "small"),
    ]
    found = all_decided(POLICY, *(who for who, _ in customers))
    assert [case.segment for case in found] == [segment for _, segment in customers]


# ---------------------------------------------------------------- from the feeds


def test_s3_from_the_feeds(case: LedgerCase) -> None:
    """Accounts that ended 600 days ago, published 300 days ago: dropped by their age, and no net worth to set a claim against."""
    case.add("customer", customer_id="C", natural_person=False, size_class="medium")
    case.invoice("A", 6_000, dpd=-10)
    case.add(
        "financial_statement",
        statement_id="S",
        customer_id="C",
        received_date=days_before(300),
        published_date=days_before(300),
        period_end=days_before(600),
        months=12,
        currency="EUR",
        total_assets=1_000,
        total_liabilities=400,
        equity=600,
        revenue=2_000,
        net_income=100,
    )
    report = {"report_id": "R", "bureau": "North", "hit_state": "hit", "total_borrowing": 500, "currency": "EUR"}
    case.add("bureau_report", customer_id="C", report_date=days_before(10), retrieved_date=days_before(10), **report)
    suit = {
        "kind": "litigation",
        "role": "defendant",
        "case_type": "contract",
        "case_number": "1/26",
        "review_state": "confirmed",
    }
    dated = {"published_date": days_before(20), "reviewed_date": days_before(20), "amount": 50_000, "currency": "EUR"}
    case.add("due_diligence_finding", finding_id="F", customer_id="C", **suit, **dated)
    found = case.factors()
    assert only(found["financial_condition"])["statement_usable"] is False
    out = decisions(found, evidence=True)
    assert out["decision.risk_tier"]["segment"].tolist() == ["corporate"], "by its size"
    told = out["score.contribution"].astype(object).set_index("factor")
    assert told.loc["net_margin", ["missing_action", "points", "evidence_age_days"]].tolist() == ["stale_drop_neutral", 35, 600]
    assert told.loc["borrowing_to_revenue", "missing_action"] == "stale_drop_reweight"  # as old as the revenue in it
    assert told.loc["litigation_amount_to_tnw", "special_code"] == "tnw_unknown"


def test_s11_never_searched_is_not_searched_and_clean(case: LedgerCase) -> None:
    for customer, result in {"never": None, "failed": "error", "clean": "no_hit"}.items():
        case.add("customer", customer_id=customer, natural_person=False)
        if result:
            search = {"inquiry_id": customer, "kind": "litigation", "performed_date": days_before(30), "result": result}
            case.add("inquiry", customer_id=customer, **search)
    contributions = decisions(case.factors(), evidence=True)["score.contribution"]
    told = contributions[contributions["factor"] == "litigation_defendant_24m"].astype(object)
    rows = told.where(told.notna(), None).set_index("customer_id")[["points", "value", "special_code"]]
    assert {customer: tuple(row) for customer, row in zip(rows.index, rows.to_numpy(), strict=True)} == {
        "never": (45, None, "not_searched"),
        "failed": (45, None, "search_failed"),
        "clean": (100, 0, None),
    }


# Number, register, exposure, whether it verifies the identity, whether KO19 strikes.
NUMBERS = [
    ("91350100M000100Y43", "USCC", 6_000, True, False),  # weighted sum 1640; 1640 mod 31 = 28; 31 - 28 = 3
    ("91350100M000100Y4Z", "USCC", 6_000, False, True),
    ("91350100M000100Y44", "USCC", 6_000, False, True),
    ("91350100M000100Y4Z", "USCC", 5_000, False, False),  # only above 5,000
    ("91350100M000100Y4", "USCC", 6_000, False, True),
    ("HRB 12345", "HRB", 6_000, True, False),  # a register without check digits
    ("91350100M000100Y4Z", None, 6_000, True, False),  # nobody says that it is a USCC
    (None, None, 6_000, False, True),
]


def test_s12_a_wrong_check_digit_verifies_nobody(case: LedgerCase) -> None:
    for place, (number, scheme, exposure, _, _) in enumerate(NUMBERS):
        case.add("customer", customer_id=f"C{place}", registration_number=number, registration_scheme=scheme)
        case.invoice(f"I{place}", exposure, dpd=-10, customer=f"C{place}")
    found = case.factors()
    knockouts = decisions(found)["decision.risk_tier"]["knockouts"]
    assert [row["identity_verified"] for row in found["customer_state"]] == [verified for *_, verified, _ in NUMBERS]
    assert ["KO19" in each.split(",") for each in knockouts] == [struck for *_, struck in NUMBERS]


# ---------------------------------------------------------------- knock-outs and default events

# Ceiling, whether it stops the limit, whether it holds orders.
RESTRICTED, HIGH, MEDIUM_CEILING = ("restricted", True, True), ("high", False, False), ("medium", False, False)


# Rule, facts that strike it, facts that just do not, effect.
KNOCKOUTS: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, bool, bool]]] = [
    ("KO03", {"insolvency_open": 1}, {"insolvency_open": 0}, RESTRICTED),
    ("KO04", {"registry_struck_off": True}, {"registry_struck_off": False}, RESTRICTED),
    ("KO07", {"dishonest_debtor_open": 1}, {"dishonest_debtor_open": 0}, RESTRICTED),
    ("KO08", {"enforcement_to_net_worth": 0.1001}, {"enforcement_to_net_worth": 0.10}, HIGH),
    ("KO08", {"enforcement_unknown_amount_count": 2}, {"enforcement_unknown_amount_count": 1}, HIGH),
    ("KO08", {"enforcement_to_net_worth_code": "tnw_not_positive"}, {"enforcement_to_net_worth_code": "tnw_unknown"}, HIGH),
    ("KO09", {"serious_illegal_open": 1}, {"serious_illegal_open": 0}, RESTRICTED),
    ("KO10", {"abnormal_operation_open": 1}, {"abnormal_operation_open": 0}, MEDIUM_CEILING),
    (
        "KO11",
        {"tangible_net_worth": 0, "parent_guarantee_valid": False},
        {"tangible_net_worth": 1, "parent_guarantee_valid": False},
        HIGH,
    ),
    (
        "KO11",
        {"tangible_net_worth": -1, "parent_guarantee_valid": False},
        {"tangible_net_worth": -1, "parent_guarantee_valid": True},
        HIGH,
    ),
    ("KO12", {"altman_z2": 1.10, "interest_cover": 0.99}, {"altman_z2": 1.10, "interest_cover": 1.0}, HIGH),
    ("KO12", {"altman_z2": 1.10, "interest_cover": 0.99}, {"altman_z2": 1.11, "interest_cover": 0.99}, HIGH),
    ("KO13", {"statement_quality": "going_concern"}, {"statement_quality": "qualified"}, HIGH),
    ("KO15", {"bill_overdue_open": 1}, {"bill_overdue_open": 0}, HIGH),
    ("KO16", {"country_list_status": "call_for_action"}, {"country_list_status": "none"}, RESTRICTED),
    ("KO16", {"operating_list_status": "call_for_action"}, {"operating_list_status": "none"}, RESTRICTED),
    ("KO17", {"country_list_status": "increased_monitoring"}, {"country_list_status": "none"}, MEDIUM_CEILING),
    ("KO20", {"fraud_confirmed": 1}, {"fraud_confirmed": 0}, RESTRICTED),
]


@pytest.fixture(scope="module")
def struck_or_not() -> list[Decision]:
    sound = {**all_known("small"), **SMALL, **sales(10_000)}
    return all_decided(all_points(100), *({**sound, **given} for _, met, not_met, _ in KNOCKOUTS for given in (met, not_met)))


@pytest.mark.parametrize("place", range(len(KNOCKOUTS)), ids=[f"{rule} {met}" for rule, met, _, _ in KNOCKOUTS])
def test_a_knock_out_of_evidence(struck_or_not: list[Decision], place: int) -> None:
    rule, _, _, (ceiling, stops_limit, hold) = KNOCKOUTS[place]
    struck, free = struck_or_not[2 * place : 2 * place + 2]
    assert (free.knockouts, free.tier) == ("", "low")
    assert rule in struck.knockouts.split(",")
    assert (struck.model_tier, struck.tier, struck.binding_rule) == ("low", ceiling, rule)
    # Negative net worth bears no limit: a capacity of 0, which is no hard stop
    worthless = struck.limit_reporting == 0 and struck.binding_method == "tangible_net_worth_share"
    assert (struck.limit_reporting == 0) is (stops_limit or worthless)
    assert (struck.limit_reason == rule) is stops_limit
    assert bool(struck.hold) is hold


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        ("insolvency", {"insolvency_open": 1}),
        ("insurance_claim", {"insurance_claim_filed": True}),
        ("legal", {"own_suit_open": 1}),
    ],
)
def test_an_event_of_evidence_is_a_default(event: str, fact: dict[str, Any]) -> None:
    case = decided(**{**all_known("small"), **SMALL, **fact})
    assert (case.default_events, case.in_default, case.tier) == (event, True, "restricted")
    assert "KO05" in case.knockouts.split(",")


def test_case_5_negative_net_worth_is_not_unknown_net_worth() -> None:
    medium = {**all_known("corporate"), **MEDIUM, **sales(50_000), "parent_guarantee_valid": False}
    negative = decided(all_points(64), **{**medium, "tangible_net_worth": -20_000_00})
    unknown = decided(all_points(64), **{**medium, "tangible_net_worth": None})
    assert (negative.model_tier, negative.tier, negative.binding_rule) == ("medium", "high", "KO11")
    assert (unknown.tier, unknown.limit_reporting) == ("medium", 66_000_00)


def test_case_24_insolvency_is_a_hard_stop() -> None:
    case = decided(all_points(60), **{**all_known("corporate"), **MEDIUM, **sales(100_000), "insolvency_open": 1})
    assert (case.tier, case.binding_rule, case.limit_reporting, case.limit_reason) == ("restricted", "KO03", 0, "KO03")
    assert (case.prepayment_pct, bool(case.hold)) == (100, True)


def test_case_34_a_natural_person_is_decided_as_a_sole_trader() -> None:
    case = decided(all_points(58), **{**all_known("sole"), "natural_person": True, "previous_tier": "low", **sales(6_000)})
    assert (case.segment, case.tier, case.direction) == ("sole", "medium", "down")
    assert case.limit_reporting == 6_000_00
    assert (case.payment_terms_days, case.prepayment_pct) == (15, 0)


def test_a_workspace_without_evidence_is_decided_by_its_ledger_alone(case: LedgerCase) -> None:
    """The full scorecards and knock-outs change nothing there: as if the policy had the ledger's segment and rules only."""
    case.add("customer", customer_id="C", size_class="large", country_code="DE", natural_person=False)
    case.invoice("A", 9_000, dpd=70)
    case.invoice("B", 4_000, dpd=-10, customer="D")
    ledger_rules = {f"KO{number:02}" for number in (1, 2, 5, 6, 14, 18, 19)}
    alone = POLICY.model_copy(
        update={
            "segments": (POLICY.segments[0].model_copy(update={"when": "true"}),),
            "knockouts": tuple(rule for rule in POLICY.knockouts if rule.id in ledger_rules),
        }
    )
    found = case.factors()
    expected = decisions(found, policy=alone)
    for name, frame in decisions(found).items():
        pd.testing.assert_frame_equal(frame.astype(object), expected[name].astype(object))
