"""Rules of the linter on what people may do and are told: authorities, tables by tier, probabilities, texts, treatments.

Put here: rules between keys of these sections; lint.py runs them. Keep out: rules with an id and what the factor catalogue knows
(lint.py) and rules one key keeps by itself (model.py).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from risk_pipeline.contracts.table import Kind
from risk_pipeline.policy.expression import ExpressionError
from risk_pipeline.policy.model import ACTIVE, EVERY_TIER, TERMINATED, Label, Model, Policy
from risk_pipeline.policy.scopes import SCOPES, condition

Place = tuple[str | int, ...]
Problem = tuple[Place, str]
CHINESE = re.compile(r"[\u3400-\u9fff]")
ALWAYS = "true"


def authorities(policy: Policy) -> Iterator[Problem]:
    """Levels name every tier once, a higher one may approve at least as much, and somebody may approve any limit."""
    place: Place = ("authorities", "levels")
    levels = policy.authorities.levels
    for number, level in enumerate(levels):
        yield from _tiers((*place, number, "up_to"), f"authority of {level.role}", level.up_to, policy, all_of_them=True)
        if level.role in [other.role for other in levels[:number]]:
            yield (*place, number, "role"), f"{level.role} is a level of authority twice"
    for number, (lower, higher) in enumerate(itertools.pairwise(levels), start=1):
        for tier, most in higher.up_to.items():
            below = lower.up_to.get(tier)
            if most is not None and tier in lower.up_to and (below is None or below > most):
                said = f"{higher.role} may approve less in tier {tier} than {lower.role}, a lower level"
                yield (*place, number, "up_to", tier), said
    yield from _tiers(("authorities", "auto"), "authorities.auto", policy.authorities.auto, policy)
    for number, role in enumerate(policy.authorities.policy_roles):
        if role not in policy.roles:
            yield ("authorities", "policy_roles", number), f"unknown role {role}: explain it under `roles`"
        if role in policy.authorities.never_approve:
            yield ("authorities", "policy_roles", number), f"{role} may approve the policy and is said never to approve"


def nobody_approves(policy: Policy) -> Iterator[Problem]:
    """Doubt: a limit above what the highest level may approve waits for ever."""
    highest = policy.authorities.levels[-1]
    for tier, most in highest.up_to.items():
        caps = [caps[tier] for caps in policy.limits.capacity.tier_cap.values() if tier in caps]
        if most is not None and caps and most < max(caps):
            said = f"nobody may approve more than {most} in tier {tier}, whose cap is {max(caps)}"
            yield ("authorities", "levels", len(policy.authorities.levels) - 1, "up_to", tier), said


def limits(policy: Policy) -> Iterator[Problem]:
    """Tables of shares by tier name tiers there are, and a worse tier never gets a larger share."""
    capacity = policy.limits.capacity
    tables: tuple[tuple[Place, Mapping[str, float]], ...] = (
        (("limits", "capacity", "tangible_net_worth_share"), capacity.tangible_net_worth_share),
        (("limits", "capacity", "turnover_share"), capacity.turnover_share),
        (("limits", "capacity", "bureau_recommendation", "share"), capacity.bureau_recommendation.share),
    )
    for place, shares in tables:
        name = ".".join(map(str, place))
        yield from _tiers(place, name, shares, policy)
        ranked = [(tier, shares[tier]) for tier in policy.tier_ids if tier in shares]
        for (better, more), (worse, less) in itertools.pairwise(ranked):
            if less > more:
                yield (*place, worse), f"{name}: {worse} would have a larger share than {better}"
    yield from _tiers(("limits", "temporary", "tiers"), "limits.temporary", policy.limits.temporary.tiers, policy)
    for card in policy.evidence.required_documents:
        if card not in {segment.caps_and_terms_of for segment in policy.segments}:
            yield ("evidence", "required_documents", card), f"no segment has the class {card}"


def segments_after_everyone(policy: Policy) -> Iterator[Problem]:
    """The first segment that holds takes the customer: after one that takes everyone no other can."""
    first = next((number for number, segment in enumerate(policy.segments) if segment.when == ALWAYS), len(policy.segments))
    for number in range(first + 1, len(policy.segments)):
        name = policy.segments[number].id
        yield ("segments", number, "when"), f"segment {name} takes nobody: {policy.segments[first].id} above takes everyone"


def probabilities(policy: Policy) -> Iterator[Problem]:
    """Each grade stands once; PDs of tiers rise from tier to tier, within floor and cap, and every tier has one or none has."""
    names = [grade.grade for grade in policy.master_scale]
    for number, name in enumerate(names):
        if name in names[:number]:
            yield ("master_scale", number, "grade"), f"grade {name} stands twice"
    pds = [tier.fallback_pd for tier in policy.tiers]
    known = [pd for pd in pds if pd is not None]
    if known and len(known) < len(pds):
        yield ("tiers", pds.index(None)), "fallback_pd: give every tier one, or none"
    for number, pd in enumerate(pds):
        if pd is not None and not policy.calibration.pd_floor <= pd <= policy.calibration.pd_cap:
            yield ("tiers", number, "fallback_pd"), f"{policy.tiers[number].id}: {pd:g} is outside pd_floor and pd_cap"
    if known != sorted(set(known)):
        yield ("tiers",), "fallback_pd must rise from the best tier to the worst"


def grades_nobody_gets(policy: Policy) -> Iterator[Problem]:
    """Doubt: a grade whose PDs lie wholly below the floor or from the cap on."""
    floor, cap, below = policy.calibration.pd_floor, policy.calibration.pd_cap, 0.0
    for number, grade in enumerate(policy.master_scale):
        if grade.pd_le < floor or below >= cap:
            yield ("master_scale", number), f"nobody gets grade {grade.grade}: PDs run from {floor:g} to {cap:g}"
        below = grade.pd_le


def exits(policy: Policy) -> Iterator[Problem]:
    """Doubt: a state that customers come to and never leave."""
    sources = {edge.source for edge in policy.exit.edges}
    for number, edge in enumerate(policy.exit.edges):
        if edge.to not in (*sources, ACTIVE, TERMINATED):
            yield ("exit", "edges", number, "to"), f"{edge.id}: no edge leads out of {edge.to}"


def labels(policy: Policy) -> Iterator[Problem]:
    """Doubt: a Chinese text without a Chinese character, an English one with some."""
    for place, label in _labels(policy, ()):
        if not CHINESE.search(label.zh):
            yield (*place, "zh"), f"`zh` has no Chinese character: {label.zh}"
        if CHINESE.search(label.en):
            yield (*place, "en"), f"`en` has Chinese characters: {label.en}"


def treatments(policy: Policy) -> Iterator[Problem]:
    """Treatments, dunning and incentives name tiers, actions and roles there are; dunning goes up in days past due."""
    for tier in policy.treatments:
        if tier not in (EVERY_TIER, *policy.rated_and_unrated):
            known = ", ".join((EVERY_TIER, *policy.rated_and_unrated))
            yield ("treatments", tier), f"treatments: unknown tier {tier}: {known}"
    asked: list[tuple[Place, str, Any]] = [
        (("treatments", tier, number), f"treatments.{tier}", each)
        for tier, found in policy.treatments.items()
        for number, each in enumerate(found)
    ]
    asked += [(("dunning", "stages", n), f"dunning from {s.dpd_from} days", s) for n, s in enumerate(policy.dunning.stages)]
    asked += [(("incentives", n), f"incentive {i.id}", i) for n, i in enumerate(policy.incentives)]
    for place, who, each in asked:
        if each.action is not None and each.action not in policy.actions:
            yield (*place, "action"), f"{who}: unknown action {each.action}: explain it under `actions`"
        if each.owner is not None and each.owner not in policy.roles:
            yield (*place, "owner"), f"{who}: unknown role {each.owner}: explain it under `roles`"
    starts = [stage.dpd_from for stage in policy.dunning.stages]
    if starts != sorted(set(starts)):
        yield ("dunning", "stages"), "stages must stand in rising order of dpd_from"
    for number, incentive in enumerate(policy.incentives):
        if incentive.tier not in policy.tier_ids:
            yield ("incentives", number, "tier"), f"incentive {incentive.id}: unknown tier {incentive.tier}"


def conditions(policy: Policy) -> Iterator[Problem]:
    """Conditions outside the lists of rules with an id, and the columns of dates that reviews name."""
    asked: list[tuple[Place, str, str]] = [
        (("treatments", tier, number, "when"), f"treatments.{tier}: {each.action}", each.when)
        for tier, found in policy.treatments.items()
        for number, each in enumerate(found)
    ]
    asked.append((("dunning", "paused_when"), "dunning.paused_when", policy.dunning.paused_when))
    for place, who, when in asked:
        try:
            condition(when, "treatment")
        except ExpressionError as exc:
            yield place, f"{who}: {exc}"
    for number, rule in enumerate(policy.reviews.bring_forward):
        if rule.by is not None and (rule.by not in SCOPES["review"] or SCOPES["review"][rule.by].kind is not Kind.DATE):
            yield ("reviews", "bring_forward", number, "by"), f"{rule.id}: {rule.by} is no column of dates"


def contradictions(policy: Policy) -> Iterator[Problem]:
    """Pairs of actions that are never asked for together: known, not each other's opposite, and no section asks for both."""
    pairs = policy.contradictions
    for number, (stays, goes) in enumerate(pairs):
        for action in (stays, goes):
            if action not in policy.actions:
                yield ("contradictions", number), f"contradictions: unknown action {action}: explain it under `actions`"
        if (goes, stays) in pairs[: number + 1]:
            yield ("contradictions", number), f"{stays} and {goes}: which of them stays is said both ways"
    for place, who, actions in _asked_together(policy):
        for stays, goes in pairs:
            if stays in actions and goes in actions:
                yield place, f"{who} asks for {stays} and {goes}, which contradict each other"


def _asked_together(policy: Policy) -> Iterator[tuple[Place, str, set[str]]]:
    """What is asked for in one breath: measures of an alert, steps of a playbook, what a tier always asks for."""
    for number, rule in enumerate(policy.alerts):
        yield ("alerts", number, "measure"), rule.id, set(rule.measure)
    for name, book in policy.playbooks.items():
        yield ("playbooks", name, "steps"), f"playbook {name}", {step.action for step in book.steps if step.action is not None}
    for tier in policy.rated_and_unrated:
        found = (*policy.treatments.get(tier, ()), *policy.treatments.get(EVERY_TIER, ()))
        yield ("treatments", tier), f"treatments.{tier}", {each.action for each in found if each.when == ALWAYS}


def _tiers(
    place: Place,
    name: str,
    given: Mapping[str, Decimal | float | None] | Iterable[str],
    policy: Policy,
    *,
    all_of_them: bool = False,
) -> Iterator[Problem]:
    found = list(given)
    for number, tier in enumerate(found):
        if tier not in policy.rated_and_unrated:
            yield (*place, tier if isinstance(given, Mapping) else number), f"{name}: unknown tier {tier}"
    for tier in policy.rated_and_unrated if all_of_them else ():
        if tier not in found:
            yield place, f"{name}: no entry for tier {tier}"


def _labels(node: Any, place: Place) -> Iterator[tuple[Place, Label]]:
    if isinstance(node, Label):
        yield place, node
    elif isinstance(node, Model):
        for name, field in type(node).model_fields.items():
            yield from _labels(getattr(node, name), (*place, field.alias or name))
    elif isinstance(node, (tuple, dict)):
        for key, each in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _labels(each, (*place, key))


RULES = (authorities, limits, segments_after_everyone, probabilities, treatments, conditions, contradictions)
DOUBTS = (nobody_approves, grades_nobody_gets, exits, labels)
