"""A policy whose amounts are k times as large, those in conditions too: with k times the facts it must decide k times the money.

Put here: scaling a policy. Keep out: what must hold then (tests/property).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from risk_pipeline.contracts.table import Kind
from risk_pipeline.policy.expression import Comparison, Joined, Literal, Node, Not
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.rules import rules
from risk_pipeline.policy.scopes import condition

POINTS = ("score_from", "upgrade_buffer_points")  # the decimals of a policy that are no amounts


def scaled(policy: Policy, k: int) -> Policy:
    """The policy with every amount times k."""
    conditions = {rule.when: _condition(rule.when, rule.scope, k) for rule in rules(policy)}

    def walk(node: Any, key: str = "") -> Any:
        if isinstance(node, dict):
            return {name: walk(value, name) for name, value in node.items()}
        if isinstance(node, (list, tuple)):
            return [walk(each, key) for each in node]
        if isinstance(node, Decimal) and key not in POINTS:
            return node * k
        return conditions[node] if key == "when" else node

    return Policy.model_validate(walk(policy.model_dump(by_alias=True)))


def _condition(text: str, scope: str, k: int) -> str:
    """The condition with each amount that money is compared with times k."""
    amounts = list(_amounts(condition(text, scope).root))
    for literal in sorted(amounts, key=lambda each: -each.position):  # from the end, so that places stay
        assert isinstance(literal.value, Decimal)
        start, written = literal.position - 1, text[literal.position - 1 :]
        length = len(written) - len(written.lstrip("-0123456789."))
        text = f"{text[:start]}{literal.value * k}{text[start + length :]}"
    return text


def _amounts(node: Node) -> list[Literal]:
    if isinstance(node, Joined):
        return [found for part in node.parts for found in _amounts(part)]
    if isinstance(node, Not):
        return _amounts(node.inner)
    compares = isinstance(node, Comparison) and node.left.kind is Kind.MONEY and isinstance(node.right, Literal)
    return [node.right] if compares else []  # type: ignore[union-attr,list-item]
