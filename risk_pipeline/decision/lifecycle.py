"""The state of a customer: active, on probation, suspended, exit proposed, terminated; and the declared ways between them.

Put here: which edge of the policy (`exit`) a customer takes in a run, what is remembered for the way back, and what a state does
to ceiling and limit. Keep out: the edges themselves (policy), default and its cure (defaults.py), who may propose and approve
(pipeline), the hold of a state (policy `hold`). One edge a run; edges that read the tier are asked once it is known.
A verdict counts for the state it was given in: on or after the day that state began, and, where the edge asks for the cure, not
before the proof began.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.decision.defaults import DefaultState
from risk_pipeline.decision.knockouts import Knocked, new_hits
from risk_pipeline.decision.tier_codes import Codes
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import (
    ACTIVE,
    EXIT_PROPOSED,
    PROBATION,
    SUSPENDED,
    SYSTEM,
    TERMINATED,
    Edge,
    Policy,
)
from risk_pipeline.policy.scopes import TIER_COLUMNS, condition

CODE = {name: code for code, name in enumerate(STATUSES)}
AWAY = (SUSPENDED, EXIT_PROPOSED, TERMINATED)  # states with a way back through a cure
PROPOSALS = (SUSPENDED, EXIT_PROPOSED)  # what knock-outs ask for, the graver one last


@dataclass(frozen=True)
class States:
    """`status`, `before`: codes into STATUSES, -1 = none. `rule`: position in policy.exit.edges, -1 = never moved.

    `periods`: month ends that count towards leaving the state. `cleared_on`, `wait_days`, `cure_ceiling` (tier code, -1 = none):
    what the way back has to remember. `moved`: took an edge in this run.
    """

    status: Codes
    since: Dates
    periods: Ints
    before: Codes
    rule: NDArray[np.int16]
    cleared_on: Dates
    wait_days: Ints
    cure_ceiling: Codes
    moved: Bools

    @property
    def on_probation(self) -> Bools:
        return np.asarray(self.status == CODE[PROBATION])

    @property
    def taken_back(self) -> Bools:
        """On probation after the relationship had ended."""
        return self.on_probation & (self.before == CODE[TERMINATED])

    def probation_ceiling(self) -> Codes:
        """Best tier while on probation, as tier code; -1 = none."""
        return np.where(self.on_probation, self.cure_ceiling, -1).astype(np.int8)

    def state_ceiling(self, policy: Policy) -> Codes:
        """Best tier the state allows, as tier code; -1 = none."""
        ceilings = [means.ceiling for _, means in policy.exit.by_status]
        codes = [-1 if tier is None else policy.tier_ids.index(tier) for tier in ceilings]
        return np.array([*codes, -1], dtype=np.int8)[self.status]

    def stopping(self, policy: Policy, knocked: Knocked) -> Knocked:
        """The knock-outs with the stop of the state beside theirs."""
        limits = [means.limit for _, means in policy.exit.by_status]
        stops = np.array([*(limit != "none" for limit in limits), False])[self.status]
        zero = np.array([*(limit == "zero" for limit in limits), False])[self.status]
        place = len(policy.knockouts) + np.maximum(self.status, 0).astype(np.intp)  # as in knockouts.stop_ids
        return replace(
            knocked,
            stops_limit=knocked.stops_limit | stops,
            zero_limit=knocked.zero_limit | zero,
            first_stop=np.where(knocked.stops_limit, knocked.first_stop, place),
        )


@dataclass(frozen=True)
class _Causes:
    """What speaks against a customer now, and what the way back then takes."""

    proposed: Codes  # into PROPOSALS, -1 = none
    fresh: Bools  # a knock-out that did not hold at the last assessment
    proof: Bools  # no cause, no default event, no material debt past due
    wait_days: Ints
    ceiling: Codes


def states_before_tier(
    facts: Facts, default: DefaultState, knocked: Knocked, policy: Policy, as_of: date, exempt: Bools
) -> tuple[States, Facts]:
    """The states once the edges that do not read the tier are taken, and the facts with what edges read (scopes.STATE_DERIVED).

    `exempt` customers have no state. Without a previous state a customer is active since `as_of`. Facts read: previous_status and
    the other previous_status_*, previous_cure_ceiling, previous_knockouts, max_dpd_material, state_decision*, state_rejected*,
    plan_agreed_on, plan_broken_on, the days of due diligence. `facts` must hold the column in_default.
    """
    today = np.datetime64(as_of, "D")
    causes = _causes(facts, default, knocked, policy)
    previous = _previous(facts, policy, today, exempt)
    month_end = int((as_of + timedelta(days=1)).day == 1)
    dpd = facts.numbers("max_dpd_material")
    late = dpd.known & (dpd.values > policy.cure.probation.max_dpd)
    missed = previous.on_probation & (late | causes.fresh)
    away = np.isin(previous.status, [CODE[name] for name in AWAY])
    cleared = np.where(np.isnat(previous.cleared_on), today, previous.cleared_on)
    states = replace(
        previous,
        periods=np.where(missed, 0, previous.periods + month_end),
        cleared_on=np.where(away & causes.proof, cleared, np.datetime64("NaT")),
        wait_days=np.where(away, np.maximum(previous.wait_days, causes.wait_days), 0),
        cure_ceiling=np.where(away, np.maximum(previous.cure_ceiling, causes.ceiling), previous.cure_ceiling).astype(np.int8),
    )
    facts = facts.with_columns(**_read_by_edges(facts, states, causes, policy, today))
    return _move(states, causes, default, facts, policy, today, reading_tier=False), facts


def states_after_tier(states: States, default: DefaultState, facts: Facts, policy: Policy, as_of: date) -> States:
    """The states once the edges that read the tier are asked as well; `facts` hold tier and periods_in_tier.

    The linter lets such an edge lead only to a state without a ceiling, so the tier need not be decided again.
    """
    return _move(states, None, default, facts, policy, np.datetime64(as_of, "D"), reading_tier=True)


def _previous(facts: Facts, policy: Policy, today: np.datetime64, exempt: Bools) -> States:
    rules = {edge.id: position for position, edge in enumerate(policy.exit.edges)}
    status = _codes(facts.text("previous_status"), CODE)
    since = facts.dates("previous_status_since")
    status = np.where(exempt, -1, np.where(status < 0, CODE[ACTIVE], status))
    tiers = {tier: code for code, tier in enumerate(policy.tier_ids)}
    periods, wait = facts.integers("previous_status_periods"), facts.integers("previous_status_wait_days")
    return States(
        status=status.astype(np.int8),
        since=np.where(exempt, np.datetime64("NaT"), np.where(np.isnat(since), today, since)),
        periods=np.where(periods.known, periods.values, 0),
        before=_codes(facts.text("previous_status_before"), CODE).astype(np.int8),
        rule=_codes(facts.text("previous_status_rule"), rules).astype(np.int16),
        cleared_on=facts.dates("previous_status_cleared_on"),
        wait_days=np.where(wait.known, wait.values, 0),
        cure_ceiling=_codes(facts.text("previous_cure_ceiling"), tiers).astype(np.int8),
        moved=np.zeros(len(facts), dtype=bool),
    )


def _codes(text: Text, code_of: dict[str, int]) -> NDArray[np.int16]:
    return np.asarray(np.array([*(code_of.get(each, -1) for each in text.categories), -1], dtype=np.int16)[text.codes])


def _causes(facts: Facts, default: DefaultState, knocked: Knocked, policy: Policy) -> _Causes:
    rule, tiers = policy.cure.in_default, policy.tier_ids
    after = {knockout: each for each in policy.cure.after for knockout in each.knockouts}
    rows = len(facts)
    proposed, ceiling = np.full(rows, -1, dtype=np.int8), np.full(rows, -1, dtype=np.int8)
    wait, elsewhere = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool)
    for position, knockout in enumerate(policy.knockouts):
        if knockout.state is None:
            continue
        hits = knocked.hits[:, position]
        by_default = "in_default" in condition(knockout.when, "default").columns()
        if not by_default:  # a default keeps its own clock: defaults.py
            elsewhere |= hits
        cure = after.get(knockout.id)
        days = cure.wait_days if cure is not None else 0 if by_default else rule.wait_days
        tier = cure.first_tier_after if cure is not None else rule.first_tier_after
        proposed[hits] = np.maximum(proposed[hits], PROPOSALS.index(knockout.state))
        wait[hits] = np.maximum(wait[hits], days)
        ceiling[hits] = np.maximum(ceiling[hits], -1 if tier is None else tiers.index(tier))
    dpd = facts.numbers("max_dpd_material")
    owes = dpd.known & (dpd.values > 0)
    return _Causes(
        proposed=proposed,
        fresh=np.asarray(new_hits(knocked, facts, policy).any(axis=1)),
        proof=~elsewhere & ~owes & ~default.events.any(axis=1),
        wait_days=wait,
        ceiling=ceiling,
    )


def _read_by_edges(
    facts: Facts, states: States, causes: _Causes, policy: Policy, today: np.datetime64
) -> dict[str, Vector | Text]:
    """What the conditions of edges may read beside the facts: scopes.STATE_DERIVED."""
    in_default = facts.flags("in_default").values
    away = np.isin(states.status, [CODE[name] for name in AWAY])
    waited = _days(today, states.cleared_on)
    cured = away & causes.proof & ~in_default & (causes.proposed < 0) & (waited >= states.wait_days)
    met = states.on_probation & (states.periods >= policy.cure.probation.periods)
    documents = np.fmax(facts.dates("documents_received_date"), facts.dates("management_assessed_date"))
    renewed = (documents > states.since) & (facts.dates("sanctions_searched_on") > states.since)
    known = states.status >= 0
    everywhere = np.ones(len(facts), dtype=bool)
    first = np.isnat(facts.dates("previous_status_since"))

    def newly(name: str) -> Vector:
        day = facts.dates(name)
        return Vector((day > states.since) | (first & ~np.isnat(day)), everywhere)

    return {
        "status_days": Vector(np.where(known, _days(today, states.since), 0), known),
        "status_periods": Vector(states.periods, known),
        "proposed_status": Text(causes.proposed, PROPOSALS),
        "new_knockout": Vector(causes.fresh, everywhere),
        "proof": Vector(causes.proof, everywhere),
        "cured": Vector(cured, everywhere),
        "probation_met": Vector(met, everywhere),
        "plan_granted": newly("plan_agreed_on"),
        "plan_broken": newly("plan_broken_on"),
        "due_diligence_renewed": Vector(renewed, everywhere),
    }


def _days(today: np.datetime64, since: Dates) -> Ints:
    """Days from `since` to today; -1 for NaT."""
    return np.where(np.isnat(since), -1, (today - since).astype(np.int64))


def _move(
    states: States,
    causes: _Causes | None,
    default: DefaultState,
    facts: Facts,
    policy: Policy,
    today: np.datetime64,
    *,
    reading_tier: bool,
) -> States:
    """Every customer takes the first edge of its state that holds, if any, and none that moved already."""
    taken = np.full(len(facts), -1, dtype=np.int16)
    for position, edge in enumerate(policy.exit.edges):
        columns = condition(edge.when, "state").columns()
        if reading_tier != any(name in TIER_COLUMNS for name in columns):
            continue
        here = (states.status == CODE[edge.source]) & ~states.moved & (taken < 0)
        if here.any():
            here &= condition(edge.when, "state").met(facts)
        if edge.by != SYSTEM and here.any():
            since = np.fmax(states.since, np.fmax(states.cleared_on, default.cleared_on)) if "cured" in columns else states.since
            here &= _said(edge, since, facts, policy)
        taken[here] = position
    return _arrived(states, taken, causes, policy, today)


def _said(edge: Edge, since: Dates, facts: Facts, policy: Policy) -> Bools:
    """Whether people said so since that day, in a role with the authority; of two verdicts on a proposal the newer counts."""
    may = policy.authorities.at_least((edge.by,))
    approved, approved_on = facts.text("state_decision"), facts.dates("state_decision_on")
    rejected, rejected_on = facts.text("state_rejected"), facts.dates("state_rejected_on")
    good = (approved_on >= since) & facts.text("state_decision_role").is_in(may)
    bad = (rejected_on >= since) & facts.text("state_rejected_role").is_in(may)
    yes = good & approved.is_in((edge.to,)) & ~(rejected.is_in((edge.to,)) & bad & (rejected_on > approved_on))
    if edge.verdict == "approved":
        return np.asarray(yes)
    others = [
        each for each in policy.exit.edges if each.source == edge.source and each.by != SYSTEM and each.verdict == "approved"
    ]
    undone = np.zeros(len(facts), dtype=bool)
    for other in others:
        undone |= bad & rejected.is_in((other.to,)) & ~(approved.is_in((other.to,)) & (approved_on >= rejected_on))
    return np.asarray(yes | undone)


def _arrived(states: States, taken: NDArray[np.int16], causes: _Causes | None, policy: Policy, today: np.datetime64) -> States:
    """The states after the edges taken (-1 = none), with what the way back has to remember."""
    if (taken < 0).all():
        return states
    edges, rule, moved = policy.exit.edges, policy.cure.in_default, taken >= 0
    status = np.where(moved, np.array([*(CODE[edge.to] for edge in edges), -1], dtype=np.int8)[taken], states.status)
    is_away = np.isin(status, [CODE[name] for name in AWAY])
    leaves = moved & is_away & ~np.isin(states.status, [CODE[name] for name in AWAY])
    ceiling, wait, cleared = states.cure_ceiling, states.wait_days, states.cleared_on
    if causes is not None:
        caused = causes.proposed >= 0
        own = -1 if rule.first_tier_after is None else policy.tier_ids.index(rule.first_tier_after)
        ceiling = np.where(leaves, np.where(caused, causes.ceiling, own), ceiling)
        wait = np.where(leaves, np.where(caused, causes.wait_days, rule.wait_days), wait)
        cleared = np.where(leaves & causes.proof, today, cleared)
    forgotten = moved & ~is_away
    to_active = moved & (status == CODE[ACTIVE])
    from_active = moved & (states.status == CODE[ACTIVE]) & ~is_away
    return States(
        status=status.astype(np.int8),
        since=np.where(moved, today, states.since),
        periods=np.where(moved, 0, states.periods),
        before=np.where(moved, states.status, states.before).astype(np.int8),
        rule=np.where(moved, taken, states.rule).astype(np.int16),
        cleared_on=np.where(forgotten, np.datetime64("NaT"), cleared),
        wait_days=np.where(forgotten, 0, wait),
        cure_ceiling=np.where(to_active | from_active, -1, ceiling).astype(np.int8),
        moved=states.moved | moved,
    )
