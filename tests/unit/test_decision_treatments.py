"""Treatments over assessments: since when, done, repeated, superseded; terms beyond the tier; limits carried forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.decision import tables
from risk_pipeline.decision.alert_history import history_frame
from risk_pipeline.decision.reviews import review_frame
from risk_pipeline.decision.treatment_history import ACTIONS, BEFORE, TreatmentHistory
from risk_pipeline.decision.treatments import treatment_rows
from risk_pipeline.policy.model import Policy
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import context, with_scores, with_segment

EUR = 100
MAY = date(2026, 5, 31)
Rows = dict[str, list[dict[str, Any]]]


def decide_one(score: float, history: TreatmentHistory | None = None, as_of: date = AS_OF, policy: Policy | None = None,
               **given: Any) -> Rows:  # fmt: skip
    policy, run = policy or with_segment("corporate"), replace(context(as_of), treatments=history)
    done = with_scores(facts(given), [score], policy, run)
    frames = {
        "decision.credit_limit": tables.limit_frame(done, policy, run),
        "decision.review": review_frame(done.reviews, done.facts, done.limits, policy, run),
        "decision.treatment": treatment_rows(done.treatments, done.facts, policy, run),
    }
    return {name: frame_to_arrow(table(name), frame).to_pylist() for name, frame in frames.items()}


def handed_on(rows: Rows, **action: Any) -> TreatmentHistory:
    """What the next assessment is told: these rows, and perhaps one action of a person."""
    listed = rows["decision.treatment"]
    before = history_frame({name: [row[name] for row in listed] for name in BEFORE}, BEFORE)
    act = {"customer_id": "C1", "acted_by": "anna", "reason_text": "said so", **action}
    acts = {name: [value] for name, value in act.items()} if action else None
    return TreatmentHistory(before, history_frame(acts, ACTIONS))


def of(rows: Rows, action: str) -> dict[str, Any] | None:
    return next((row for row in rows["decision.treatment"] if row["action"] == action), None)


def state(rows: Rows, action: str) -> Any:
    found = of(rows, action)
    return None if found is None else (found["state"], found["first_seen"], found["due_date"])


def did(treatment: str, on: date, verdict: str = "done") -> dict[str, Any]:
    return {"treatment_id": f"{treatment}:C1", "treatment_verdict": verdict, "acted_on": on}


def test_it_is_the_same_action_while_it_is_asked_for() -> None:
    first = decide_one(60, as_of=MAY, **sales(10_000))
    then = decide_one(60, handed_on(first), **sales(10_000))
    assert state(then, "call") == state(first, "call") == ("open", MAY, date(2026, 8, 29))


def test_done_stays_done_until_its_time_comes_again() -> None:
    first = decide_one(60, as_of=MAY, **sales(10_000))
    done = decide_one(60, handed_on(first, **did("call", date(2026, 6, 10))), **sales(10_000))
    row = of(done, "call")
    assert row
    assert (row["state"], row["acted_by"], row["acted_on"]) == ("done", "anna", date(2026, 6, 10))
    again = decide_one(60, handed_on(done, **did("call", date(2026, 6, 10))), as_of=date(2026, 9, 30), **sales(10_000))
    assert state(again, "call") == ("open", date(2026, 9, 8), date(2026, 12, 7))  # 90 days after the call, and 90 to call again
    later = decide_one(60, handed_on(again, **did("call", date(2026, 6, 10))), as_of=date(2026, 10, 31), **sales(10_000))
    assert state(later, "call") == state(again, "call")


def test_what_was_done_is_open_again_for_a_new_reason() -> None:
    late = {**sales(10_000), "overdue": 100 * EUR, "max_days_past_due": 12}
    first = decide_one(60, as_of=MAY, **sales(10_000))
    then = decide_one(60, handed_on(first, **did("call", date(2026, 6, 10))), **late)
    row = of(then, "call")
    assert row
    assert (row["state"], row["rule"], row["first_seen"]) == ("open", "dunning_10", AS_OF)
    assert row["rules"] == "dunning_10,tier_medium"


def test_waived_says_so() -> None:
    first = decide_one(60, as_of=MAY, **sales(10_000))
    then = of(decide_one(60, handed_on(first, **did("call", AS_OF, "waived")), **sales(10_000)), "call")
    assert then
    assert (then["state"], then["reason_text"]) == ("waived", "said so")


def test_what_is_asked_for_no_longer_is_superseded_once() -> None:
    late = {**sales(10_000), "overdue": 100 * EUR, "max_days_past_due": 12}
    first = decide_one(60, as_of=MAY, **late)
    dunned = decide_one(60, handed_on(first), **{**late, "max_days_past_due": 42})
    assert of(dunned, "formal_notice") is not None
    paid = decide_one(60, handed_on(dunned), **sales(10_000))
    assert state(paid, "formal_notice") == ("superseded", AS_OF, date(2026, 7, 3))
    assert of(decide_one(60, handed_on(paid), **sales(10_000)), "formal_notice") is None


def test_done_after_the_last_assessment_and_asked_for_no_longer_is_done() -> None:
    late = {**sales(10_000), "overdue": 100 * EUR, "max_days_past_due": 42}
    first = decide_one(60, as_of=MAY, **late)
    paid = decide_one(60, handed_on(first, **did("formal_notice", date(2026, 6, 3))), **sales(10_000))
    assert state(paid, "formal_notice") == ("done", MAY, date(2026, 6, 3))


def test_the_safer_of_two_actions_stays_and_the_other_is_superseded() -> None:
    busy = {**sales(100_000), "total_exposure": 200_000 * EUR, "tangible_net_worth": 2_000_000 * EUR,
            "revenue_annual": 30_000_000 * EUR, "statement_usable": True}  # fmt: skip
    first = decide_one(80, as_of=MAY, **{**busy, "total_exposure": 212_000 * EUR})
    assert of(first, "raise_limit_offer")["state"] == "open"  # type: ignore[index]
    hit = decide_one(80, handed_on(first), **{**busy, "total_exposure": 212_000 * EUR, "sanctions_unreviewed": 1})
    assert of(hit, "raise_limit_offer")["state"] == "superseded"  # type: ignore[index]
    assert of(hit, "hold_orders")["state"] == "open"  # type: ignore[index]


@pytest.mark.parametrize(
    ("dpd", "asked"),
    [(0, None), (1, "reminder"), (9, "reminder"), (10, "call"), (30, "formal_notice"), (60, "collection"), (90, "legal_action")],
)
def test_stages_of_dunning(dpd: int, asked: str | None) -> None:
    rows = decide_one(80, **sales(10_000), overdue=100 * EUR, max_days_past_due=dpd)
    rules = [row["rules"] for row in rows["decision.treatment"] if "dunning" in row["rules"]]
    assert bool(rules) == (asked is not None)
    if asked is not None:
        assert "dunning" in of(rows, asked)["rules"]  # type: ignore[index]


def test_dunning_pauses_while_a_plan_is_kept_and_for_disputed_debt() -> None:
    late = {**sales(10_000), "overdue": 100 * EUR, "max_days_past_due": 40}
    kept = decide_one(60, **late, plan_agreed_on=date(2026, 5, 1))
    broken = decide_one(60, **late, plan_agreed_on=date(2026, 5, 1), plan_broken_on=date(2026, 6, 1))
    disputed = decide_one(60, **{**late, "overdue": 0})
    assert [of(rows, "formal_notice") is not None for rows in (kept, broken, disputed)] == [False, True, False]


# ---------------------------------------------------------------- terms


def terms(score: float, **given: Any) -> tuple[Any, Any]:
    row = decide_one(score, **{**sales(10_000), **given})["decision.credit_limit"][0]
    return row["payment_terms_days"], row["terms_reason"]


LOYAL = {"previous_tier": "low", "previous_periods_in_tier": 6, "previous_as_of": MAY}


@pytest.mark.parametrize(
    ("score", "given", "expected"),
    [
        (80, {}, (60, "tier")),
        (80, {**LOYAL, "country_code": "CN"}, (75, "loyal_6")),
        (80, LOYAL, (60, "eu_late_payment")),
        (60, {"contracted_terms_days": 90, "contract_valid_to": AS_OF}, (90, "contract")),
        (60, {"contracted_terms_days": 90, "contract_valid_to": date(2026, 6, 29)}, (30, "tier")),
        (60, {"contracted_terms_days": 90}, (90, "contract")),
        (60, {"contracted_terms_days": 14}, (30, "tier")),
        (60, {"contracted_terms_days": 90, "is_public_body": True}, (60, "public_body")),
        (20, {"contracted_terms_days": 90}, (0, "prepayment")),
        (60, {"contracted_terms_days": 90, "insured_terms_days": 45, "collateral_value_net": 5_000 * EUR}, (45, "insurance")),
        (60, {"contracted_terms_days": 90, "insured_terms_days": 45}, (90, "contract")),
    ],
)
def test_what_sets_the_terms(score: float, given: dict[str, Any], expected: tuple[int, str]) -> None:
    assert terms(score, **given) == expected


@pytest.mark.parametrize(
    ("monthly", "net_worth", "proposed"),
    [
        (100_000, 800_000, 7),  # case 2: limit 80,000; 7 days + 10 fit with 56,667, 15 + 10 would take 83,333
        (96_000, 800_000, 15),  # 15 + 10 days need 80,000: it fits to the cent
        (96_003, 800_000, 7),
        (200_000, 400_000, None),  # 0 + 10 days would take 66,667 of 40,000
        (20_000, 800_000, None),  # nothing is short
    ],
)
def test_shorter_terms_are_proposed_where_sales_fit_them(monthly: int, net_worth: int, proposed: int | None) -> None:
    facts_given = {**sales(monthly), "tangible_net_worth": net_worth * EUR, "statement_usable": True}
    row = decide_one(60, **facts_given)["decision.credit_limit"][0]
    assert (row["payment_terms_days"], row["proposed_terms_days"]) == (30, proposed)
    assert (of(decide_one(60, **facts_given), "shorten_terms") is not None) == (proposed is not None)
    policy = with_segment("corporate")
    silent = policy.model_copy(update={"terms_rules": policy.terms_rules.model_copy(update={"shorten": None})})
    rows = decide_one(60, policy=silent, **facts_given)
    assert (rows["decision.credit_limit"][0]["proposed_terms_days"], of(rows, "shorten_terms")) == (None, None)


def test_incentives_give_a_price_class_and_an_honour() -> None:
    loyal = {"previous_tier": "low", "previous_as_of": MAY, **sales(10_000)}
    six = decide_one(80, **loyal, previous_periods_in_tier=6)
    twelve = decide_one(80, **loyal, previous_periods_in_tier=12)
    assert six["decision.credit_limit"][0]["price_class_change"] == -1
    assert (of(six, "honour"), of(twelve, "honour")["owner_role"]) == (None, "sales_manager")  # type: ignore[index]


# ---------------------------------------------------------------- reviews


def carried(next_on: date | None, **given: Any) -> tuple[Any, Any, Any]:
    """Limit, whether carried forward, next review of a medium customer with a limit of 60,000 whose need is 100,000."""
    rich = {"tangible_net_worth": 4_000_000 * EUR, "revenue_annual": 90_000_000 * EUR, "statement_usable": True}
    known = {"previous_tier": "medium", "previous_as_of": MAY, "previous_status": "active", "previous_knockouts": "",
             "previous_limit": 60_000 * EUR, "previous_computed_limit": 60_000 * EUR,
             "previous_next_review_date": next_on, "previous_reviewed_on": date(2026, 2, 28)}  # fmt: skip
    rows = decide_one(65, **{**sales(60_000), **rich, **known, **given})
    limit, review = rows["decision.credit_limit"][0], rows["decision.review"][0]
    return int(limit["limit_reporting"]), review["carried_forward"], review["next_review_date"]


LATER = date(2026, 9, 30)


@pytest.mark.parametrize(
    ("next_on", "given", "expected"),
    [
        (None, {}, (80_000, False, date(2026, 12, 27))),
        (AS_OF, {}, (80_000, False, date(2026, 12, 27))),
        (LATER, {}, (60_000, True, LATER)),
        (LATER, sales(20_000), (60_000, True, LATER)),  # the need fell, what is granted stands until the review
        (LATER, {"tangible_net_worth": 400_000 * EUR}, (40_000, True, LATER)),  # capacity fell: never above it
        (LATER, {"total_exposure": 61_000 * EUR}, (60_000, True, date(2026, 7, 14))),  # over the limit: brought forward
        (LATER, {"previous_tier": "low"}, (60_000, False, date(2026, 7, 14))),  # tier down: reviewed soon, and no reason to raise
        (LATER, {"previous_tier": "low", "tangible_net_worth": 400_000 * EUR}, (40_000, False, date(2026, 7, 14))),  # at once
        (LATER, {"previous_tier": "high"}, (80_000, False, date(2026, 12, 27))),  # tier up: no need to wait
        (LATER, {"previous_tier": "high", **sales(20_000)}, (60_000, False, LATER)),  # and the fallen need waits for its day
        (LATER, {"security_date": date(2026, 6, 15)}, (80_000, False, date(2026, 12, 27))),
        (LATER, {"previous_knockouts": "KO10"}, (80_000, False, date(2026, 7, 14))),
        (date(2026, 7, 5), {"total_exposure": 61_000 * EUR}, (60_000, True, date(2026, 7, 5))),  # not pushed away
    ],
)
def test_a_limit_stands_until_its_review(next_on: date | None, given: dict[str, Any], expected: tuple[int, bool, date]) -> None:
    assert carried(next_on, **given) == expected


def test_a_limit_carried_forward_runs_out_on_its_day_and_is_then_decided_anew() -> None:
    def valid_to(last: date | None, next_on: date = LATER) -> tuple[Any, Any]:
        known = {"previous_tier": "medium", "previous_as_of": MAY, "previous_status": "active", "previous_knockouts": "",
                 "previous_computed_limit": 80_000 * EUR, "previous_next_review_date": next_on,
                 "previous_limit_valid_to": last}  # fmt: skip
        rows = decide_one(65, **sales(60_000), **known)
        return rows["decision.review"][0]["carried_forward"], rows["decision.credit_limit"][0]["valid_to"]

    half_a_year = AS_OF + timedelta(days=180)
    assert valid_to(LATER) == (True, LATER)
    assert valid_to(AS_OF) == (True, AS_OF)  # its last day
    assert valid_to(AS_OF - timedelta(days=1)) == (False, half_a_year)
    assert valid_to(LATER, AS_OF) == (False, half_a_year)
    assert valid_to(half_a_year + timedelta(days=9)) == (True, half_a_year)  # the policy was shortened
    assert valid_to(None) == (True, half_a_year)  # published before the column was read


def test_without_the_switch_every_limit_is_decided_anew() -> None:
    policy = with_segment("corporate")
    policy = policy.model_copy(update={"reviews": policy.reviews.model_copy(update={"carry_forward": False})})
    assert carried(LATER, policy=policy)[:2] == (80_000, False)


def test_a_customer_with_hardly_any_exposure_is_not_brought_forward() -> None:
    rows = decide_one(65, previous_tier="low", previous_as_of=MAY, total_exposure=500 * EUR, **dict.fromkeys(sales(1)))
    assert rows["decision.review"][0]["review_reason"] == "scheduled"
