"""The credit limit: from the candidates over every step to the limit granted, each step visible.

Put here: the order of the steps (policy `limits`): need, unsecured capacity, security, probation, hard stop, group, move caps,
dead band, rounding, manual and temporary limits. Keep out: the candidates (limit_candidates.py), who must approve
(authority.py), terms (terms.py), hold (hold.py). Money is int64 minor units and divided downwards: rounding lifts no limit.

limit = min(need, min(capacity) + secured). Without a need candidate the limit is 0 (no_basis).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision import inputs_json as js
from risk_pipeline.decision.frames import Categorical, categorical
from risk_pipeline.decision.knockouts import Knocked, verdicts
from risk_pipeline.decision.limit_candidates import SHARE_SCALE, Candidate, Customers, candidates, times
from risk_pipeline.policy.facts import Bools, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import Policy, minor_units

RATE_SCALE = 10**10  # exchange rates are DECIMAL(18,10)
NO_LIMIT = np.iinfo(np.int64).max // 4  # leaves room to add
HARD_STOP = "hard_stop"
CARRIED = "carried_forward"
MANUAL, TEMPORARY = "manual", "temporary"
NO_BASIS = "no_basis"
BELOW_SMALLEST = "below_smallest_limit"
SOURCES = ("computed", "manual", "hard_stop")


@dataclass(frozen=True)
class Circumstances:
    """What the steps need to know beside facts and candidates."""

    better: Bools  # tier or state is better than in the previous assessment, and neither is worse
    worse: Bools  # tier or state is worse: half the limit on probation is no fall of the need
    on_probation: Bools
    may_be_manual: Bools  # the approver of the manual limit has the authority for it
    may_be_temporary: Bools  # the approver of the temporary limit has it
    review_due: Bools  # the day has come; else the limit of the assessment before stands as long as it can
    reason_to_raise: Bools  # something does not wait for the review


@dataclass(frozen=True)
class Limits:
    """The outcome. `binding` is a position in `candidates`, -1 = no_basis. Amounts hold 0 where `known` is False.

    `alone`: the limit before what the group may have together, not rounded; what the group's limit is divided by.
    `computed`: the limit before manual and temporary limits. `start`: what caps on moves are measured from, see `month_start`.
    `source`: position in SOURCES. `too_small`: rounding left nothing of it.
    """

    candidates: tuple[Candidate, ...]
    binding: NDArray[np.int8]
    unsecured: Ints
    secured: Ints
    alone: Ints
    start: Vector
    computed: Ints
    limit: Ints
    source: NDArray[np.int8]
    too_small: Bools
    known: Bools

    @property
    def waits(self) -> Bools:
        """Whether another limit waits for the review: the one before is carried forward."""
        return next(each.known for each in self.candidates if each.method == CARRIED)


@dataclass
class _Ladder:
    """The limit on its way: `amount` after the steps so far, and the candidate or step that set it."""

    amount: Ints
    binding: NDArray[np.int8]
    has_limit: Bools
    rows: list[Candidate] = field(default_factory=list)

    def step(self, method: str, amount: Ints, applies: Bools, inputs: js.Json) -> None:
        """Set the amount where the step applies to a limit of ours, and keep it as a row of kind cap."""
        where = applies & self.has_limit
        self.rows.append(Candidate(method, "cap", amount, where, inputs))
        self.amount = np.where(where, amount, self.amount)
        self.binding[where] = len(self.rows) - 1


def decide_limits(
    facts: Facts,
    customers: Customers,
    terms_days: Ints,
    knocked: Knocked,
    circumstances: Circumstances,
    policy: Policy,
    as_of: date,
) -> Limits:
    """The limit of every customer in reporting currency; `terms_days` are those of the new tier.

    Facts read: those of the candidates, of `month_start`, collateral_value_net, group_limit, manual_limit, temporary_limit.
    """
    needs, capacities = candidates(facts, customers, terms_days, policy)
    value = facts.integers("collateral_value_net")
    security = Candidate(
        "collateral",
        "secured",
        np.maximum(value.values, 0),
        value.known & (value.values > 0) & customers.has_limit,
        js.object_of(net_value=js.money(value)),
    )
    need, by_need = _lowest(needs, 0)
    capacity, by_capacity = _lowest(capacities, len(needs))
    has_need, stopped = by_need >= 0, knocked.stops_limit
    unsecured = np.where(stopped, 0, np.minimum(need, capacity))
    counts = security.known & has_need & ~knocked.zero_limit  # security is no reason to grant a limit nobody needs
    secured = np.where(counts, np.minimum(security.amount, need), 0)
    bound = np.where(stopped, 0, capacity) + secured  # no later step of ours lifts the limit above it
    binding = np.where(need <= bound, by_need, by_capacity).astype(np.int8)
    basis = np.where(has_need, np.minimum(need, bound), 0)
    ladder = _Ladder(basis, binding, customers.has_limit, [*needs, *capacities, security])

    bound = _probation(ladder, bound, unsecured, secured, circumstances, policy)
    ids = [js.canonical({"knockout": k.id, "limit": k.limit}) for k in policy.knockouts]
    ids += [js.canonical({"limit": means.limit, "state": name}) for name, means in policy.exit.by_status]
    ladder.step(HARD_STOP, ladder.amount, stopped, js.chosen(knocked.first_stop.astype(np.int64), ids or ["{}"]))
    alone = np.where(customers.has_limit, ladder.amount, 0)
    bound = _group(ladder, bound, facts)
    start = month_start(facts, as_of)
    _moves(ladder, bound, start, facts, circumstances, has_need, knocked, policy)
    before, computed = ladder.amount, round_down(ladder.amount, policy)
    ladder.amount = computed
    _by_people(ladder, facts, customers, circumstances, knocked, policy)

    ladder.binding[~(has_need | stopped) | ~customers.has_limit] = -1
    by_people = np.isin(ladder.binding, [len(ladder.rows) - 2, len(ladder.rows) - 1])
    return Limits(
        candidates=tuple(ladder.rows),
        binding=ladder.binding,
        unsecured=np.where(has_need & customers.has_limit, unsecured, 0),
        secured=np.where(has_need & customers.has_limit, secured, 0),
        alone=alone,
        start=Vector(start.values, start.known & customers.has_limit),
        computed=np.where(customers.has_limit, computed, 0),
        limit=np.where(customers.has_limit, ladder.amount, 0),
        source=np.select([stopped, by_people], [2, 1], default=0).astype(np.int8),
        too_small=customers.has_limit & (before > 0) & (computed == 0),
        known=customers.has_limit,
    )


def _lowest(group: tuple[Candidate, ...], offset: int) -> tuple[Ints, NDArray[np.int8]]:
    """The smallest known amount (NO_LIMIT where none is) and its position in the ladder (-1)."""
    lowest = np.full(len(group[0].amount), NO_LIMIT, dtype=np.int64)
    binding = np.full(len(lowest), -1, dtype=np.int8)
    for position, candidate in enumerate(group):
        binds = candidate.known & (candidate.amount < lowest)
        lowest = np.where(binds, candidate.amount, lowest)
        binding[binds] = offset + position
    return lowest, binding


def _probation(
    ladder: _Ladder, bound: Ints, unsecured: Ints, secured: Ints, circumstances: Circumstances, policy: Policy
) -> Ints:
    """A customer on probation gets a part of the unsecured limit, and what security bears; returns the bound, lowered as well."""
    part, where = round(policy.cure.probation.limit_factor * SHARE_SCALE), circumstances.on_probation
    ladder.step(
        "probation",
        np.minimum(ladder.amount, times(unsecured, part, SHARE_SCALE) + secured),
        where,
        js.chosen(np.zeros(len(where), dtype=np.int64), [js.canonical({"limit_factor": part / SHARE_SCALE})]),
    )
    return np.where(where, times(bound - secured, part, SHARE_SCALE) + secured, bound)


def _group(ladder: _Ladder, bound: Ints, facts: Facts) -> Ints:
    """The member's part of what the group may have together."""
    part = facts.integers("group_limit")
    ladder.step("group_cap", part.values, part.known & (part.values < ladder.amount), js.object_of(group_limit=js.money(part)))
    return np.where(part.known, np.minimum(bound, part.values), bound)


def month_start(facts: Facts, as_of: date) -> Vector:
    """The limit by policy with which the calendar month of `as_of` began, whatever number of runs fell into the month.

    Of a customer that had none, or 0, the first one it got in the month. Not known before the first assessment. Facts read:
    previous_as_of, previous_computed_limit, previous_period_start_limit.
    """
    before, handed_on = facts.integers("previous_computed_limit"), facts.integers("previous_period_start_limit")
    this_month = facts.dates("previous_as_of").astype("datetime64[M]") == np.datetime64(as_of, "M")
    goes_on = this_month & handed_on.known & (handed_on.values > 0)
    return Vector(np.where(goes_on, handed_on.values, before.values), before.known)


def _moves(
    ladder: _Ladder,
    bound: Ints,
    start: Vector,
    facts: Facts,
    circumstances: Circumstances,
    has_need: Bools,
    knocked: Knocked,
    policy: Policy,
) -> None:
    """Raises are capped per calendar month; cuts too while nothing got worse and only the need fell; small changes are not made.

    Caps are measured from `start`; whether a change is small, and what is carried forward, from the limit before. None of it
    gives a higher limit to whom something speaks against than to the same customer without it: what got worse loses the steps
    that keep a limit up, and before its review it raises none.
    """
    rule, before = policy.limits.move_caps, facts.integers("previous_computed_limit")
    moves = start.known & (start.values > 0) & has_need
    inputs = js.object_of(period_start_limit=js.money(start))
    highest = np.maximum(
        start.values + times(start.values, round(rule.raise_share_per_period * SHARE_SCALE), SHARE_SCALE),
        start.values + minor_units(rule.raise_abs_free),
    )
    ladder.step("raise_cap", highest, moves & (ladder.amount > highest), inputs)
    keeps = start.values - times(start.values, round(rule.cut_share_same_tier * SHARE_SCALE), SHARE_SCALE)
    lowest = np.minimum(np.minimum(keeps, before.values), bound)  # a cap on cuts raises nothing
    worse = circumstances.worse | knocked.stops_limit
    calm = moves & ~worse & ~knocked.hits[:, verdicts(policy)].any(axis=1)
    ladder.step("cut_cap", lowest, calm & (ladder.amount < lowest), inputs)
    inputs = js.object_of(previous_limit=js.money(before))
    small = np.abs(ladder.amount - before.values) < times(
        before.values, round(policy.limits.dead_band_share * SHARE_SCALE), SHARE_SCALE
    )
    possible = moves & (before.values > 0) & (before.values <= np.minimum(bound, highest))
    cut, raised = possible & ~worse & (ladder.amount < before.values), possible & (ladder.amount > before.values)
    ladder.step("dead_band", before.values, small & (cut | (raised & ~circumstances.better)), inputs)
    waits = raised & (worse | ~(circumstances.better | circumstances.reason_to_raise))
    rests = ~circumstances.review_due & (cut | waits) & (ladder.amount != before.values)
    ladder.step(CARRIED, before.values, rests, inputs)


def _by_people(
    ladder: _Ladder, facts: Facts, customers: Customers, circumstances: Circumstances, knocked: Knocked, policy: Policy
) -> None:
    """Approved manual and temporary limits: never over a hard stop or the group's cap, and only so far over the computed one."""
    rules, computed, group = policy.limits, ladder.amount, facts.integers("group_limit")
    manual = facts.integers("manual_limit")
    most = times(computed, round(rules.manual.max_share_of_computed * SHARE_SCALE), SHARE_SCALE)
    most = np.where(group.known, np.minimum(most, group.values), most)
    amount = np.minimum(np.maximum(manual.values, 0), most)
    within = circumstances.may_be_manual | (manual.values <= computed)  # every level may cut
    where = manual.known & within & (~knocked.stops_limit | (amount < computed))
    ladder.step(
        MANUAL, amount, where, js.object_of(approved=js.money(manual), computed=js.money(Vector(computed, customers.has_limit)))
    )
    extra = facts.integers("temporary_limit")
    most = ladder.amount + times(ladder.amount, round(rules.temporary.max_share_over * SHARE_SCALE), SHARE_SCALE)
    most = np.where(group.known, np.minimum(most, group.values), most)
    amount = np.minimum(extra.values, most)
    good = np.isin(customers.tier, [customers.tier_names.index(t) for t in rules.temporary.tiers]) & ~knocked.holds
    where = extra.known & circumstances.may_be_temporary & good & ~knocked.stops_limit & (amount > ladder.amount)
    ladder.step(TEMPORARY, amount, where, js.object_of(approved=js.money(extra)))


def round_down(amount: Ints, policy: Policy) -> Ints:
    """Down to the step of the amount's size; below the smallest limit it becomes 0."""
    steps = policy.limits.rounding.steps
    sizes = [amount < minor_units(s.below) for s in steps[:-1] if s.below is not None]
    to = np.select(sizes, [minor_units(s.to) for s in steps[:-1]], default=minor_units(steps[-1].to)).astype(np.int64)
    rounded = amount // to * to
    return np.where(rounded < minor_units(policy.limits.floor.smallest_limit), 0, rounded)


@dataclass(frozen=True)
class InCreditCurrency:
    """The limit in the currency in which it is granted; `rate`: reporting currency per unit of it, in counts of 10^-10."""

    currency: Categorical
    amount: Ints
    rate: Ints


def in_credit_currency(facts: Facts, limit: Ints, reporting_currency: str) -> InCreditCurrency:
    """The limit divided by credit_fx_rate, downwards to the minor unit.

    It stays in reporting currency where no other is asked for or its rate is not known.
    """
    wanted: Text = facts.text("credit_currency")
    rate = facts.integers("credit_fx_rate")
    foreign = wanted.known & ~wanted.is_in((reporting_currency,)) & rate.known & (rate.values > 0)
    amount = limit.copy()
    amount[foreign] = _divide_by_rate(limit[foreign], rate.values[foreign])
    codes = np.where(foreign, wanted.codes.astype(np.int32) + 1, 0)
    return InCreditCurrency(
        currency=categorical(codes, [reporting_currency, *wanted.categories]),
        amount=amount,
        rate=np.where(foreign, rate.values, RATE_SCALE),
    )


def _divide_by_rate(amount: Ints, rate: Ints) -> Ints:
    """floor(amount x 10^10 / rate) by long division, digit by digit: amount x 10^10 itself would overflow int64."""
    quotient, rest = np.divmod(amount, rate)
    scale = RATE_SCALE
    while scale > 1:
        digit, rest = np.divmod(rest * 10, rate)
        quotient = quotient * 10 + digit
        scale //= 10
    return quotient
