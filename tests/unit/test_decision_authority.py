"""Who must approve a limit, and what is in force until then: the boundaries of levels, of verdicts, of what counts as a raise."""

from __future__ import annotations

from typing import Any

import pytest

from tests.decision_facts import sales
from tests.decision_given import Outcome, given

LARGE = sales(80_000)  # low risk: a need of 200,000, of which 100,000 are automatic
SMALL = sales(40_000)  # 100,000


def standing(case: Outcome) -> tuple[str, str | None, float]:
    """Approval, who must give it, what is in force."""
    return case.approval_status, case.required_authority, case.effective_limit / 100


def before(effective: int, computed: int | None = None) -> dict[str, Any]:
    return {"previous_effective_limit": effective * 100, "previous_computed_limit": None if computed is None else computed * 100}


@pytest.mark.parametrize(
    ("given_facts", "expected"),
    [
        (SMALL, ("auto", None, 100_000)),  # the bound itself is automatic
        (LARGE, ("pending", "credit_manager", 0)),
        ({**LARGE, **before(200_000)}, ("auto", None, 200_000)),  # nothing is raised
        ({**LARGE, **before(150_000)}, ("pending", "credit_manager", 150_000)),
        ({**LARGE, **before(300_000, 150_000)}, ("pending", "credit_manager", 150_000)),  # what was by hand is no measure
        ({**SMALL, "notch_steps": 1}, ("pending", "credit_analyst", 0)),  # a notch up leaves nothing to the program
        ({**SMALL, "group_limit": 100_000_00, "group_limit_total": 100_000_01}, ("pending", "credit_manager", 0)),
    ],
)
def test_automatic_or_not(given_facts: dict[str, Any], expected: tuple[str, str | None, float]) -> None:
    score = 65 if "notch_steps" in given_facts else 80
    assert standing(given(score, **given_facts)) == expected


def test_a_notch_down_leaves_the_rest_to_the_program() -> None:
    case = given(80, notch_steps=-1, **sales(20_000))
    assert (case.tier, *standing(case)) == ("medium", "auto", None, 26_000)


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ({"limit_approved": 200_000_00, "limit_approved_role": "credit_manager"}, ("approved", None, 200_000)),
        ({"limit_approved": 199_999_99, "limit_approved_role": "credit_manager"}, ("pending", "credit_manager", 0)),
        ({"limit_approved": 200_000_00, "limit_approved_role": "credit_analyst"}, ("pending", "credit_manager", 0)),
        ({"limit_approved": 200_000_00, "limit_approved_role": "sales_manager"}, ("pending", "credit_manager", 0)),
        ({"limit_rejected": True}, ("rejected", "credit_manager", 0)),
        ({"limit_rejected": True, "limit_rejected_from": 200_000_00}, ("rejected", "credit_manager", 0)),
        ({"limit_rejected": True, "limit_rejected_from": 200_000_01}, ("pending", "credit_manager", 0)),
        ({"limit_rejected": False}, ("pending", "credit_manager", 0)),
    ],
)
def test_verdicts_on_a_computed_limit(verdict: dict[str, Any], expected: tuple[str, str | None, float]) -> None:
    assert standing(given(80, **LARGE, **verdict)) == expected


@pytest.mark.parametrize(
    ("role", "amount", "status"),
    [
        ("credit_manager", 200_000, "in_force"),
        ("credit_analyst", 100_000, "in_force"),  # as far as it goes
        ("credit_analyst", 100_001, "needs_authority"),
        ("committee", 100_001, "in_force"),
        ("account_manager", 90_001, "needs_authority"),
    ],
)
def test_a_limit_by_hand_takes_the_authority_for_its_amount(role: str, amount: int, status: str) -> None:
    assert given(80, **sales(36_000), manual_limit=amount * 100, manual_limit_role=role).manual_limit_status == (
        status if amount <= 135_000 else "reduced"  # at most half as much again as computed
    )


def test_a_worse_decision_about_a_person_waits_and_a_stop_does_not() -> None:
    person = {"natural_person": True, "previous_tier": "low", **before(50_000, 50_000), **SMALL}
    waits = given(65, **person)
    assert (waits.direction, *standing(waits)) == ("down", "pending", "credit_analyst", 50_000)
    assert standing(given(65, **{**person, "natural_person": False})) == ("auto", None, 50_000)
    stopped = given(65, **person, sanctions_confirmed=1)
    assert (stopped.approval_status, stopped.effective_limit) == ("pending", 0)
