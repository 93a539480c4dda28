"""Which rules a policy has, and which of them an outcome of a decision case shows at work.

Put here: names of rules by block, and how one sees in the results that a rule decided something. Keep out: the cases. A rule
counts only where it had an effect: a segment that took the customer, a legal cap that set the terms, a review brought forward.
"""

from __future__ import annotations

from collections.abc import Iterator

from risk_pipeline.decision.authority import STATUSES
from risk_pipeline.decision.limits import BELOW_SMALLEST, NO_BASIS
from risk_pipeline.decision.terms import CONTRACT, FORCED, INSURANCE, TIER
from risk_pipeline.decision.tiers import FIXED_RULES
from risk_pipeline.decision.treatments import SHORTEN, dunning_rule, tier_rule
from risk_pipeline.policy.model import ACTIVE, PROBATION, Policy
from risk_pipeline.policy.rules import rules
from tests.decision_cases import Outcome
from tests.decision_facts import facts
from tests.decision_given import context, with_scores

SECURED = "secured"
STANDINGS = {
    "notch": ("in_force", "not_effective"),
    "manual": ("in_force", "reduced", "needs_authority", "hard_stop"),
    "temporary": ("in_force", "reduced", "needs_authority", "hard_stop", "not_effective"),
    "release": ("in_force", "hard_stop", "not_effective"),
}
# The shipped scorecards have no factor without which there is no rating; and of weights that cover 60 % of a card the rest can
# never be stretched to twice their size, so coverage is always the first to fail.
CANNOT_FIRE = {"tier.unrated_missing_factor", "tier.unrated_reweight"}
# Pairs that no state of a customer asks for at once today. They stand in the policy for treatments that somebody may add.
CANNOT_MEET = {
    ("prepayment_only", "raise_limit_offer"),  # restricted, and low
    ("exit_proposal", "raise_limit_offer"),  # an exit proposed makes restricted, and low
    ("exit_proposal", "credit_repair_plan"),  # an exit proposed makes restricted; high, or on probation
    ("prepayment_only", "shorten_terms"),  # restricted has no days to shorten
}


def every_rule(policy: Policy) -> set[str]:
    """The names of all rules of the policy that a case must show."""
    found = {f"{rule.block}.{rule.id}" for rule in rules(policy)}
    found |= {f"playbooks.{name}" for name in policy.playbooks}
    found |= {f"dunning.{stage.dpd_from}" for stage in policy.dunning.stages} | {"dunning.paused"}
    found |= {f"incentives.{each.id}" for each in policy.incentives} | {f"terms_rules.{SHORTEN}"}
    found |= {f"terms_by.{word}" for word in (TIER, CONTRACT, INSURANCE, FORCED)}
    found |= {f"terms.{each}.{tier}" for each in policy.terms for tier in policy.rated_and_unrated}
    found |= {f"limits.{method}" for method in (*_methods(policy), NO_BASIS, SECURED, BELOW_SMALLEST)}
    found |= {f"tier.{rule}" for rule in FIXED_RULES} - CANNOT_FIRE
    found |= {f"approval.{status}" for status in STATUSES}
    found |= {f"authority.{level.role}" for level in policy.authorities.levels}
    found |= {f"override.{kind}.{standing}" for kind, standings in STANDINGS.items() for standing in standings}
    found |= {"cure.in_default", *(f"cure.in_default.{event}" for event in policy.cure.in_default.wait_days_after)}
    found |= {"cure.probation", *(f"cure.after.{each.id}" for each in policy.cure.after)}
    found |= {f"contradictions.{stays}.{goes}" for stays, goes in policy.contradictions if (stays, goes) not in CANNOT_MEET}
    return found


def _methods(policy: Policy) -> Iterator[str]:
    """Every candidate and step that can set a limit; security adds to one and never sets it."""
    limits = with_scores(facts({}), [None], policy, context()).limits
    return (candidate.method for candidate in limits.candidates if candidate.kind != SECURED)


def fired(outcome: Outcome, policy: Policy) -> set[str]:
    """The names of the rules at work in one outcome."""
    parts = (_tier, _cure, _limit, _terms, _alerts, _treatments, _reviews)
    return {name for part in parts for name in part(outcome, policy)}


def _tier(outcome: Outcome, policy: Policy) -> Iterator[str]:
    cells = outcome.cells
    yield f"segments.{cells['segment']}"
    if cells["decided_by"] in {each.id for each in policy.outside_scorecard}:
        yield f"outside_scorecard.{cells['decided_by']}"
    if cells["decided_by"] in FIXED_RULES:
        yield f"tier.{cells['decided_by']}"
    yield from (f"knockouts.{name}" for name in cells["knockouts"])
    yield from (f"default_definition.events.{name}" for name in cells["default_events"])
    yield from (f"hold.{name}" for name in cells["hold"] if name not in cells["knockouts"])
    yield from (f"override.{kind}.{cells[kind]}" for kind in STANDINGS if cells[kind])
    if cells["edge"]:
        yield f"exit.edges.{cells['edge']}"


def _cure(outcome: Outcome, policy: Policy) -> Iterator[str]:
    """What was cured when a customer was let back on probation, and whether one passed it."""
    edge = next((edge for edge in policy.exit.edges if edge.id == outcome.cells["edge"]), None)
    if edge is None:
        return
    if (edge.source, edge.to) == (PROBATION, ACTIVE):
        yield "cure.probation"
    if (edge.source, edge.to) == (ACTIVE, PROBATION) or edge.to != PROBATION:
        return
    behind = list(_before(outcome))
    events = {event for each in behind for event in each.cells["default_events"]}
    struck = {knockout for each in behind for knockout in each.cells["knockouts"]}
    longer = events & set(policy.cure.in_default.wait_days_after)
    yield from (f"cure.in_default.{event}" for event in longer)
    if events and not longer:
        yield "cure.in_default"
    yield from (f"cure.after.{each.id}" for each in policy.cure.after if struck & set(each.knockouts))


def _before(outcome: Outcome) -> Iterator[Outcome]:
    """The assessments before this one, newest first."""
    while outcome.before is not None:
        outcome = outcome.before
        yield outcome


def _limit(outcome: Outcome, policy: Policy) -> Iterator[str]:
    cells = outcome.cells
    if cells["limit"] is None:
        return
    yield f"limits.{cells['limit_by']}"
    if cells["secured"]:
        yield f"limits.{SECURED}"
    if cells["limit_reason"] == BELOW_SMALLEST:
        yield f"limits.{BELOW_SMALLEST}"
    status, _, role = cells["approval"].partition(" ")
    yield f"approval.{status}"
    if role:
        yield f"authority.{role}"


def _terms(outcome: Outcome, policy: Policy) -> Iterator[str]:
    cells = outcome.cells
    if cells["terms_by"] is None:
        return
    customer_class = next(each.caps_and_terms_of for each in policy.segments if each.id == cells["segment"])
    if list(policy.terms[customer_class][cells["tier"]]) == cells["terms"]:
        yield f"terms.{customer_class}.{cells['tier']}"
    blocks = {cap.id: "terms_rules.legal_caps" for cap in policy.terms_rules.legal_caps}
    blocks |= {each.id: "incentives" for each in policy.incentives}
    yield f"{blocks.get(cells['terms_by'], 'terms_by')}.{cells['terms_by']}"


def _alerts(outcome: Outcome, policy: Policy) -> Iterator[str]:
    for row in outcome.rows["decision.alert"]:
        if row["last_seen"] == outcome.step.on:
            yield f"alerts.{row['rule']}"
            if row["playbook"]:
                yield f"playbooks.{row['playbook']}"


def _treatments(outcome: Outcome, policy: Policy) -> Iterator[str]:
    asked = {(rule, action) for action, by in outcome.cells["asked_by"].items() for rule in by}
    for tier, listed in policy.treatments.items():
        yield from (f"treatments.{tier}_{each.action}" for each in listed if (tier_rule(tier), each.action) in asked)
    for stage in policy.dunning.stages:
        if (dunning_rule(stage.dpd_from), stage.action) in asked:
            yield f"dunning.{stage.dpd_from}"
    if outcome.dunning_paused and outcome.step.get("late"):
        yield "dunning.paused"
    yield from (f"incentives.{each.id}" for each in policy.incentives if (each.id, each.action) in asked)
    if SHORTEN in outcome.cells["actions"]:
        yield f"terms_rules.{SHORTEN}"
    for stays, goes in policy.contradictions:
        if {stays, goes} <= outcome.unbridled and goes not in outcome.cells["actions"]:
            yield f"contradictions.{stays}.{goes}"


def _reviews(outcome: Outcome, policy: Policy) -> Iterator[str]:
    cells = outcome.cells
    if cells["review_reason"] in {rule.id for rule in policy.reviews.bring_forward}:
        yield f"reviews.bring_forward.{cells['review_reason']}"
    as_before = cells["direction"] == "same" and not cells["edge"]
    if as_before and not cells["carried"] and _review_was_later(outcome):
        yield from (f"reviews.decide_anew.{rule}" for rule in outcome.decide_anew)


def _review_was_later(outcome: Outcome) -> bool:
    """Whether the assessment before had set the next review after this one."""
    if outcome.before is not None:
        return bool(outcome.before.cells["review"] > outcome.step.on)
    given = (outcome.step.get("before") or {}).get("next_review_date")
    return given is not None and bool(given > outcome.step.on)
