"""The linter on states of customers and cure: every rule has an example that breaks it."""

from __future__ import annotations

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.lint import lint
from risk_pipeline.policy.load import DEFAULT_POLICY

# What is replaced, by what, and what the linter says of it.
BROKEN: dict[str, tuple[str, str, str]] = {
    "unknown state": ("terminated, from: exit_proposed", "terminated, from: gone", "exit.edges.10.from"),
    "same state": (
        'from: active, to: probation, when: "plan_granted"',
        'from: active, to: active, when: "plan_granted"',
        "leads to another",
    ),
    "same id": ("{id: probation_exit,", "{id: active_exit,", "id active_exit is used twice in exit.edges"),
    "unknown column": ('when: "plan_granted"', 'when: "plan_grantd"', "did you mean `plan_granted`"),
    "unknown role": (
        'when: "cured", by: credit_manager',
        'when: "cured", by: manager',
        "manager is neither system nor a level of authority",
    ),
    "the system rejects": ("by: head_of_credit, verdict: rejected", "by: system, verdict: rejected", "only people reject"),
    "the system terminates": (
        'to: terminated, when: "true", by: committee',
        'to: terminated, when: "true", by: system',
        "nobody is terminated without",
    ),
    "tier where a ceiling follows": (
        "when: \"proposed_status = 'suspended'\", by",
        "when: \"tier = 'high'\", by",
        "an edge that reads the tier cannot lead to suspended",
    ),
    "unknown ceiling": ("暂停}, ceiling: restricted", "暂停}, ceiling: blocked", "suspended: unknown tier blocked"),
    "unknown event": ("{distressed_plan: 365,", "{distress: 365,", "unknown default event distress"),
    "knock-out without state": ("knockouts: [KO07]", "knockouts: [KO06]", "KO06 is no knock-out with a `state`"),
    "unknown tier after": ("365}, first_tier_after: high", "365}, first_tier_after: unrated", "unknown tier unrated"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_fault_is_found(case: str) -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    old, new, message = BROKEN[case]
    assert text.count(old) == 1, old
    found = [finding for finding in lint(text.replace(old, new), load_catalogue()) if message in finding.message]
    assert found, message
    assert found[0].severity == "error"
    assert old in text.splitlines()[found[0].line - 1]


def test_a_state_no_edge_leads_to() -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace("to: exit_proposed, when", "to: suspended, when")
    messages = [finding.message for finding in lint(text, load_catalogue())]
    assert "KO01: no edge of the system leads to exit_proposed" in messages
