"""factor.people_decision by hand: what people decided, and what of it is in force.

Source: the figures of policy_default.yaml. Days are inclusive. What the decisions make of it: decision_cases.yaml, whose cases go
the whole way from the request to tier and limit (19 to 24).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ledger_case import AS_OF, LedgerCase, days_before

ASKED, SAID = days_before(40), days_before(38)


@pytest.fixture
def case(tmp_path: Path) -> LedgerCase:
    return LedgerCase(tmp_path)


def override(case: LedgerCase, kind: str = "notch", /, *, known: datetime | None = None, **changes: Any) -> int:
    """An override of customer C that ann (account manager) asked for and mia (credit manager) approved, in force for a year."""
    row = {
        "override_id": "O-1",
        "customer_id": "C",
        "override_kind": kind,
        "notches": 1 if kind == "notch" else None,
        "amount": None if kind == "notch" else 100_000,
        "currency": None if kind == "notch" else "EUR",
        "reason_code": "site_visit",
        "requested_by": "ann",
        "requested_role": "account_manager",
        "requested_on": ASKED,
        "valid_from": ASKED,
        "valid_to": ASKED + timedelta(days=365),
        "verdict": "approved",
        "decided_by": "mia",
        "decided_role": "credit_manager",
        "verdict_on": SAID,
    }
    return case.add("override", known=known, **{**row, **changes})


def verdict_on_limit(case: LedgerCase, number: int, verdict: str, amount: int, **changes: Any) -> None:
    """What mia said of a computed limit 38 days ago."""
    row = {
        "limit_decision_id": f"L-{number}",
        "customer_id": "C",
        "decided_as_of": days_before(60),
        "amount": amount,
        "currency": "EUR",
        "verdict": verdict,
        "decided_by": "mia",
        "decided_role": "credit_manager",
        "verdict_on": SAID,
    }
    case.add("limit_decision", **{**row, **changes})


def proposal(case: LedgerCase, number: int, state: str, verdict: str | None = None, **changes: Any) -> None:
    """A proposal of ann to change the state of C, 40 days ago, judged two days later by the committee's cleo."""
    row: dict[str, Any] = {
        "state_decision_id": f"Z-{number}",
        "customer_id": "C",
        "proposed_state": state,
        "requested_by": "ann",
        "requested_role": "credit_analyst",
        "requested_on": ASKED,
    }
    if verdict:
        row |= {"verdict": verdict, "decided_by": "cleo", "decided_role": "committee", "verdict_on": SAID}
    case.add("customer_state_decision", **{**row, **changes})


def people(case: LedgerCase, as_of: date = AS_OF, **params: Any) -> dict[str, Any]:
    """The known columns of factor.people_decision about customer C."""
    case.add("customer", customer_id="C", effective_from=date(2020, 1, 1))
    row = case.table_alone("people_decision", as_of, **params)["C"]
    return {name: value for name, value in row.items() if value is not None and name != "customer_id"}


# What is in force


def test_nobody_said_anything(case: LedgerCase) -> None:
    assert people(case) == {}


def test_an_approved_notch_is_in_force_as_long_as_the_policy_allows(case: LedgerCase) -> None:
    override(case)
    last = ASKED + timedelta(days=90)
    in_force = {"notch_steps": 1, "notch_id": "O-1", "notch_expires_on": last}
    assert people(case) == {**in_force, "override_days_left": (last - AS_OF).days}
    assert people(case, last) == {**in_force, "override_days_left": 0}
    assert people(case, last + timedelta(days=1)) == {"override_lapsed_on": last, "override_lapsed_id": "O-1"}
    assert people(case, ASKED + timedelta(days=1)) == {"override_pending": "O-1"}  # before the day of the approval
    assert people(case, ASKED - timedelta(days=1)) == {}


@pytest.mark.parametrize(("asked", "given_"), [(1, 1), (3, 1), (-1, -1), (-2, -2), (-5, -2)])
def test_a_notch_goes_no_further_than_the_policy(case: LedgerCase, asked: int, given_: int) -> None:
    override(case, notches=asked)
    assert people(case)["notch_steps"] == given_


VIOLATIONS = [
    ({"decided_by": "ann"}, "self_approval"),
    ({"decided_by": " ANN"}, "self_approval"),
    ({"decided_by": None}, "approver_unknown"),
    ({"decided_role": "sales_manager"}, "role_never_approves"),
    ({"decided_role": "legal"}, "role_not_authorised"),
    ({"decided_role": None}, "role_not_authorised"),
    ({"decided_role": "credit_analyst"}, "role_not_authorised"),
    ({"decided_role": "credit_analyst", "notches": -1}, None),
    ({"decided_role": "head_of_credit"}, None),
]


@pytest.mark.parametrize(("changes", "violation"), VIOLATIONS)
def test_an_approval_against_the_rules_counts_for_nothing_and_is_named(
    case: LedgerCase, changes: dict[str, Any], violation: str | None
) -> None:
    override(case, **changes)
    found = people(case)
    assert found.get("override_violation") == violation
    assert found.get("override_violation_id") == ("O-1" if violation else None)
    assert ("notch_steps" in found) == (violation is None)


def test_of_one_kind_the_newest_approval_counts(case: LedgerCase) -> None:
    override(case)
    override(case, override_id="O-2", notches=-1, verdict_on=SAID + timedelta(days=1))
    override(case, "limit", override_id="O-3")
    override(case, "temporary_limit", override_id="O-4", amount=120_000, valid_to=AS_OF + timedelta(days=5))
    found = people(case)
    assert (found["notch_id"], found["notch_steps"], found["override_days_left"]) == ("O-2", -1, 5)
    assert (found["manual_limit"], found["manual_limit_id"]) == (100_000, "O-3")
    assert (found["manual_limit_role"], found["manual_limit_expires_on"]) == ("credit_manager", ASKED + timedelta(days=180))
    assert (found["temporary_limit"], found["temporary_limit_until"]) == (120_000, AS_OF + timedelta(days=5))
    assert "override_lapsed_on" not in found


@pytest.mark.parametrize(
    ("role", "violation"),
    [
        ("credit_analyst", "role_not_authorised"),
        ("account_manager", "role_never_approves"),
        ("credit_manager", None),
        ("cfo", None),
    ],
)
def test_who_releases_a_hold(case: LedgerCase, role: str, violation: str | None) -> None:
    override(case, "hold_release", amount=None, currency=None, valid_from=days_before(2), decided_role=role)
    found = people(case)
    assert found.get("override_violation") == violation
    assert found.get("hold_release_id") == (None if violation else "O-1")
    assert found.get("hold_release_until") == (None if violation else AS_OF + timedelta(days=12))
    assert "override_days_left" not in found  # a release is short: nobody is warned of its end


@pytest.mark.parametrize(
    ("days", "role", "violation"),
    [(29, "credit_manager", "released_lately"), (30, "credit_manager", None), (29, "head_of_credit", None)],
)
def test_a_hold_is_not_released_again_too_soon(case: LedgerCase, days: int, role: str, violation: str | None) -> None:
    plain: dict[str, Any] = {"amount": None, "currency": None}
    override(case, "hold_release", **plain, verdict_on=days_before(days), valid_from=days_before(days))
    again = {"override_id": "O-2", "verdict_on": AS_OF, "valid_from": AS_OF, "decided_role": role}
    override(case, "hold_release", **plain, **again)
    override(case, "hold_release", **plain, **again | {"override_id": "O-0", "decided_by": "ann"})  # counts for nothing
    found = people(case)
    assert found.get("hold_release_id") == (None if violation else "O-2")
    assert found["override_violation"] == (violation or "self_approval")


def test_a_limit_in_another_currency_is_taken_at_the_rate_of_the_day(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=AS_OF, rate=1.25)
    override(case, "limit", currency="USD")
    assert people(case)["manual_limit"] == 80_000


def test_what_waits_and_what_was_rejected_is_named(case: LedgerCase) -> None:
    asked = {"verdict": None, "decided_by": None, "decided_role": None, "verdict_on": None}
    override(case, **asked)
    override(case, override_id="O-2", **{**asked, "requested_on": ASKED + timedelta(days=1)})
    override(case, override_id="O-3", verdict="rejected")
    override(case, override_id="O-4", verdict="withdrawn")
    assert people(case) == {"override_pending": "O-1", "override_rejected": "O-3"}


def test_a_run_does_not_see_a_verdict_that_was_not_known_yet(case: LedgerCase) -> None:
    """The request and its approval are versions of one row."""
    asked = {"verdict": "requested", "decided_by": None, "decided_role": None, "verdict_on": None}
    then, later = datetime(2026, 5, 21, tzinfo=UTC), datetime(2026, 7, 3, tzinfo=UTC)
    case.close("override", override(case, known=then, **asked), later)
    override(case, known=later)
    assert people(case, known_at=later - timedelta(hours=1)) == {"override_pending": "O-1"}
    assert people(case, known_at=later)["notch_steps"] == 1


def test_the_newest_verdict_on_a_limit_counts_for_a_time(case: LedgerCase) -> None:
    verdict_on_limit(case, 1, "approved", 250_000)
    assert people(case) == {
        "limit_approved": 250_000,
        "limit_approved_role": "credit_manager",
        "limit_rejected": False,
        "limit_verdict_on": SAID,
    }
    assert "limit_approved" in people(case, SAID + timedelta(days=90))
    assert people(case, SAID + timedelta(days=91)) == {}
    verdict_on_limit(case, 2, "rejected", 400_000, verdict_on=AS_OF)
    verdict_on_limit(case, 3, "approved", 900_000, verdict_on=AS_OF, decided_role="sales_manager")
    assert people(case) == {
        "limit_rejected": True,
        "limit_rejected_from": 400_000,
        "limit_verdict_on": AS_OF,
        "override_violation": "role_never_approves",
        "override_violation_id": "L-3",
    }


def test_proposals_of_state(case: LedgerCase) -> None:
    proposal(case, 1, "probation", "approved")
    proposal(case, 2, "terminated", "rejected")
    proposal(case, 3, "exit_proposed")
    proposal(case, 4, "terminated", "approved", decided_by="ann", verdict_on=AS_OF)
    assert people(case) == {
        "state_decision": "probation",
        "state_decision_on": SAID,
        "state_decision_role": "committee",
        "state_rejected": "terminated",
        "state_rejected_on": SAID,
        "state_rejected_role": "committee",
        "state_pending": "exit_proposed",
        "override_violation": "self_approval",
        "override_violation_id": "Z-4",
    }
