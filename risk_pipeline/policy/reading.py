"""Which rules of a policy read which column, for pages and memos that tell people where a fact counts; what rules are called.

Put here: looking through the conditions, and the names of rules that have no id of their own. Keep out: asking them (decision/),
and which columns they may read (scopes.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from risk_pipeline.policy.model import EVERY_TIER, Label, Policy
from risk_pipeline.policy.scopes import CONDITIONS, condition


def rules_at(policy: Policy, block: str) -> tuple[Any, ...]:
    """The rules of a block of CONDITIONS, such as `default_definition.events`."""
    rules: Any = policy
    for key in block.split("."):
        rules = getattr(rules, key)
    return tuple(rules)


def tier_rule(tier: str) -> str:
    """Name of the rule by which a tier asks for treatments."""
    return tier if tier == EVERY_TIER else f"tier_{tier}"


def dunning_rule(dpd_from: int) -> str:
    """Name of the rule by which a stage of dunning asks."""
    return f"dunning_{dpd_from}"


def rule_texts(policy: Policy) -> dict[str, Label]:
    """What the policy says of its rules, by id: the reason of a rule, the signal of an alert. Not of rules without words."""
    found = {rule.id: rule.reason for rule in policy.knockouts} | {rule.id: rule.reason for rule in policy.outside_scorecard}
    found |= {edge.id: edge.reason for edge in policy.exit.edges} | {rule.id: rule.reason for rule in policy.hold}
    found |= {rule.id: rule.reason for rule in policy.reviews.bring_forward}
    return found | {rule.id: rule.signal for rule in policy.alerts}


def rules_by_column(policy: Policy) -> dict[str, list[str]]:
    """Column -> ids of the rules whose condition reads it or its special code."""
    found: dict[str, list[str]] = {}
    for rule, columns in _conditions(policy):
        for column in columns:
            found.setdefault(column.removesuffix("_code"), []).append(rule)
    return {column: list(dict.fromkeys(rules)) for column, rules in found.items()}


def columns_of_conditions(policy: Policy) -> frozenset[str]:
    """Every column that a rule of the policy reads: in its condition, or named beside it."""
    beside = [name for rule in policy.alerts for name in (rule.indicator, rule.object)]
    beside += [rule.by for rule in policy.reviews.bring_forward]
    asked = [each.when for asks in policy.treatments.values() for each in asks if each.when] + [policy.dunning.paused_when]
    of_treatments = [column for when in asked for column in condition(when, "treatment").columns()]
    return frozenset(
        [*(column for _, columns in _conditions(policy) for column in columns), *filter(None, beside), *of_treatments]
    )


def _conditions(policy: Policy) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Id of each rule, and the columns its condition reads."""
    for block, scope in CONDITIONS.items():
        for rule in rules_at(policy, block):
            yield rule.id, condition(rule.when, scope).columns()
