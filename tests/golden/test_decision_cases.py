"""The decision cases of decision_cases.yaml: what the policy decides about each, and that every rule of it decides some case.

Section `draft` holds the 36 cases of the policy draft. A case that differs says which cell, what was expected, what was found.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.decision_cases import Bench, Outcome, Step, differences, load
from tests.decision_given import POLICY
from tests.rules_fired import every_rule, fired

STEPS = load(Path(__file__).parent / "decision_cases.yaml")
ALWAYS = {"tier", "limit", "terms", "hold"}  # without these a case says too little to be signed


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Every step decided, by its name."""
    return Bench(tmp_path_factory.mktemp("cases")).decide(STEPS)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_case(step: Step, outcomes: dict[str, Outcome]) -> None:
    assert differences(outcomes[step.name]) == []


def test_every_case_says_enough_and_each_of_the_draft_is_there() -> None:
    assert [step.name for step in STEPS if not set(step.expected) >= ALWAYS] == []
    assert {int(step.case) for step in STEPS if step.section == "draft" and step.case.isdigit()} == set(range(1, 37))
    assert len({step.name for step in STEPS}) == len(STEPS)


def test_the_real_rules_put_each_customer_into_the_segment_its_case_names(outcomes: dict[str, Outcome]) -> None:
    found = {name: (outcome.step.get("segment"), outcome.cells["segment"]) for name, outcome in outcomes.items()}
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}


def test_orders_stop_where_a_rule_holds_them_and_nobody_released_them(outcomes: dict[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        cells = outcome.cells
        assert cells["held"] == (bool(cells["hold"]) and cells["release"] != "in_force"), name
        assert ("hold_orders" in cells["actions"]) or not cells["held"], name


def test_no_case_asks_for_two_actions_that_contradict_each_other(outcomes: dict[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        assert not [pair for pair in POLICY.contradictions if set(pair) <= set(outcome.cells["actions"])], name


def test_reasons_are_told_in_both_languages(outcomes: dict[str, Outcome]) -> None:
    for name, outcome in outcomes.items():
        assert len(outcome.cells["reasons"]) == len(outcome.cells["reasons_zh"]), name


def test_every_rule_of_the_policy_decides_some_case(outcomes: dict[str, Outcome]) -> None:
    seen = {rule for outcome in outcomes.values() for rule in fired(outcome, POLICY)}
    assert every_rule(POLICY) - seen == set(), "rules without a case: write one into decision_cases.yaml"
    assert seen - every_rule(POLICY) == set(), "at work, and not among the rules: see tests/rules_fired.py"


# The tests above see what they should


def test_a_rule_without_a_case_is_found(outcomes: dict[str, Outcome]) -> None:
    forgotten = POLICY.alerts[0].model_copy(update={"id": "A99"})
    policy = POLICY.model_copy(update={"alerts": (*POLICY.alerts, forgotten)})
    assert every_rule(policy) - {rule for outcome in outcomes.values() for rule in fired(outcome, policy)} == {"alerts.A99"}


def test_a_cell_that_differs_is_told(outcomes: dict[str, Outcome]) -> None:
    step = STEPS[0]
    wrong = {"limit": 1, "actions": ["visit"], "no_actions": ["routine_monitoring"], "alerts": {"A02": "high"}, "ladder": {}}
    changed = replace(outcomes[step.name], step=replace(step, expected=wrong))
    assert [told.split(":")[0] for told in differences(changed)] == list(wrong)
    assert differences(changed)[0] == "limit: expected 1, found 250000"


MISSPELT = ["{titel: x}", "{title: x, assessments: [{on: 2026-06-30}]}", "{title: x, customers: {A: {facts: 1}}}"]


@pytest.mark.parametrize("case", MISSPELT)
def test_a_misspelt_word_is_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text(f"own: {{about: x, assumed: {{given: {{}}, expected: {{}}}}, cases: {{X: {case}}}}}", encoding="utf-8")
    with pytest.raises(AssertionError, match="case X: no such words"):
        load(path)
