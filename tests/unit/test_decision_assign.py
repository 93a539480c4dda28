"""Segments and who stands outside the scorecards: the first that holds, how long one stays, what a card takes."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from risk_pipeline.decision.assign import Assigned, assign
from risk_pipeline.decision.decide import prepare
from risk_pipeline.policy.model import Policy
from tests.decision_facts import AS_OF, facts
from tests.decision_given import POLICY
from tests.decision_world import context

SENT = {"previous_segment": "corporate", "size_class": "small", "statement_usable": False}


def assigned(*customers: dict[str, Any], policy: Policy = POLICY) -> Assigned:
    return assign(prepare(facts(*customers), policy, context()), policy, AS_OF)


def segment(**changes: Any) -> tuple[str, date | None]:
    found = assigned(changes)
    held = found.held_on[0]
    return POLICY.segments[found.segment[0]].id, None if np.isnat(held) else held.astype(object)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "small"),
        ({"natural_person": True, "statement_usable": True}, "sole"),
        ({"legal_form": "sole_trader"}, "sole"),
        ({"size_class": "medium"}, "corporate"),
        ({"size_class": "small", "statement_usable": True}, "corporate"),
    ],
)
def test_the_first_segment_that_holds_takes_the_customer(changes: dict[str, Any], expected: str) -> None:
    assert segment(**changes) == (expected, AS_OF)


@pytest.mark.parametrize(
    ("held", "expected"),
    [(date(2024, 6, 30), "corporate"), (date(2024, 6, 29), "small"), (date(2026, 5, 31), "corporate"), (None, "small")],
)
def test_who_stops_sending_accounts_stays_24_months(held: date | None, expected: str) -> None:
    name, held_on = segment(**SENT, previous_segment_held_on=held)
    assert (name, held_on) == (expected, held if expected == "corporate" else AS_OF)


def test_a_stay_is_of_the_segment_before_and_an_earlier_one_ends_it() -> None:
    recently = {"previous_segment_held_on": date(2026, 5, 31)}
    assert segment(**{**SENT, **recently, "previous_segment": "small"})[0] == "small"
    assert segment(**SENT, **recently, natural_person=True)[0] == "sole"


def test_what_follows_from_segment_and_outside_rule() -> None:
    found = assigned({}, {"is_intercompany": True}, {"is_one_time": True}, {"size_class": "large"}, {"natural_person": True})
    classes = tuple(POLICY.terms)
    assert found.outside.tolist() == [-1, 0, 1, -1, -1]
    assert found.not_rated(POLICY).tolist() == [False, True, False, False, False]
    assert found.prepaid(POLICY).tolist() == [False, False, True, False, False]
    assert [classes[code] for code in found.class_of(POLICY, classes)] == ["small", "small", "small", "corporate", "sole"]
    cards = list(POLICY.scorecards)
    assert [cards[code] if code >= 0 else None for code in found.card_of(POLICY)] == ["small", None, None, "corporate", "sole"]
    assert found.ceiling(POLICY).tolist() == [-1] * 5
    lower = tuple(each.model_copy(update={"ceiling": "high"}) if each.id == "small" else each for each in POLICY.segments)
    assert found.ceiling(POLICY.model_copy(update={"segments": lower})).tolist() == [2, 2, 2, -1, -1]
