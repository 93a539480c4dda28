"""Reviews: when a customer is looked at again and why, and whether its limit is decided anew or carried forward.

Put here: what is due, the next date and its reason. Keep out: the rules (policy `reviews`), and carrying a limit (limits.py, a
step of the ladder). Tier, state, hold, terms and alerts are decided anew for every customer at every assessment, so nothing bad
waits for a review; only the limit does (docs/decisions/0017).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from risk_pipeline.contracts.decision import SEVERITIES
from risk_pipeline.decision.alerts import Alerts
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.frames import categorical, frame
from risk_pipeline.decision.knockouts import Knocked
from risk_pipeline.decision.limits import Limits
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import Policy, minor_units
from risk_pipeline.policy.scopes import condition

SCHEDULED = "scheduled"
STEPPING = ("raise_cap", "cut_cap")  # the limit is on its way: more would be decided were it not for these


@dataclass(frozen=True)
class Reviews:
    """`due`: limit decided anew today. `reason`: position in policy.reviews.bring_forward, -1 = scheduled."""

    due: Bools
    next_on: Dates
    interval: Ints
    reason: Ints
    reviewed_on: Dates


def with_review_facts(facts: Facts, knocked: Knocked, policy: Policy) -> Facts:
    """`facts` and the columns of scopes.REVIEW_DERIVED that are known before the limit."""
    before, everywhere = facts.dates("previous_as_of"), np.ones(len(facts), dtype=bool)

    def since_before(name: str) -> Vector:
        days = facts.dates(name)
        return Vector(~np.isnat(days) & ~np.isnat(before) & (days > before), everywhere)

    agreed, broken = facts.dates("plan_agreed_on"), facts.dates("plan_broken_on")
    kept = ~np.isnat(agreed) & ~(~np.isnat(broken) & (broken >= agreed))
    return facts.with_columns(
        knockout_removed=Vector(_removed(facts.text("previous_knockouts"), knocked, policy), everywhere),
        statement_new=since_before("statement_received_date"),
        security_changed=since_before("security_date"),
        plan_kept=Vector(kept, everywhere),
    )


def _removed(previous: Text, knocked: Knocked, policy: Policy) -> Bools:
    """Whether a knock-out of the assessment before does not hold now."""
    ids = [rule.id for rule in policy.knockouts]
    words = [sum(1 << ids.index(each) for each in text.split(",") if each in ids) for text in previous.categories]
    before = np.array([*words, 0], dtype=np.int64)[previous.codes]
    now = np.zeros(len(before), dtype=np.int64)
    for bit in range(len(ids)):
        now |= knocked.hits[:, bit].astype(np.int64) << bit
    return np.asarray((before & ~now) != 0)


def day_has_come(facts: Facts, policy: Policy, as_of: date) -> Bools:
    """Whose limit is decided anew: never reviewed, the day has come, the limit ran out; without `carry_forward` everybody's.

    Facts read: previous_next_review_date, previous_limit_valid_to.
    """
    if not policy.reviews.carry_forward:
        return np.ones(len(facts), dtype=bool)
    today, following = np.datetime64(as_of, "D"), facts.dates("previous_next_review_date")
    return np.asarray(np.isnat(following) | (following <= today) | (facts.dates("previous_limit_valid_to") < today))


def asked_anew(facts: Facts, policy: Policy) -> Bools:
    """Where a rule of `decide_anew` holds: something that may raise a limit does not wait for the review."""
    asked = np.zeros(len(facts), dtype=bool)
    for rule in policy.reviews.decide_anew:
        asked |= condition(rule.when, "carry").met(facts)
    return asked


def with_outcome(facts: Facts, limits: Limits, alerts: Alerts, policy: Policy) -> Facts:
    """`facts` and the columns of scopes.REVIEW_DERIVED that limit and alerts give."""
    critical = np.zeros(len(facts), dtype=bool)
    grave = np.array([rule.severity == SEVERITIES[-1] for rule in policy.alerts] or [False])
    critical[alerts.found.customer[grave[alerts.found.rule] & ~alerts.closed]] = True
    steps = [number for number, each in enumerate(limits.candidates) if each.method in STEPPING]
    everywhere = np.ones(len(facts), dtype=bool)
    return facts.with_columns(
        critical_alert=Vector(critical, everywhere), moved_in_steps=Vector(np.isin(limits.binding, steps), everywhere)
    )


def next_reviews(
    facts: Facts, limits: Limits, due: Bools, tier: NDArray[np.int8], tier_names: tuple[str, ...], policy: Policy, as_of: date
) -> Reviews:
    """The next date: of a customer reviewed today after the interval of its tier, else the date it had; brought forward by rules.

    A limit that waits for the date it had keeps that date. Nor does a rule that goes on holding push it away: until it has come,
    the earlier one counts.
    """
    today, rules = np.datetime64(as_of, "D"), policy.reviews
    moved = ~(facts.text("direction").is_in(("same",)))
    anew = due | moved
    interval = np.array([rules.days.get(name, 0) for name in tier_names], dtype=np.int64)[tier]
    following = facts.dates("previous_next_review_date")
    fresh = today + interval.astype("timedelta64[D]")
    on = np.where(~anew, following, np.where(limits.waits, np.minimum(fresh, following), fresh))
    before = np.where(~np.isnat(following) & (following > today), following, np.datetime64("9999-12-31"))
    size = np.maximum(facts.integers("total_exposure").values, limits.limit)
    counts = size >= minor_units(rules.min_exposure)
    earliest, reason = np.full(len(facts), np.datetime64("9999-12-31")), np.full(len(facts), -1, dtype=np.int64)
    for number, rule in enumerate(rules.bring_forward):
        holds = condition(rule.when, "review").met(facts) & counts
        day = np.full(len(facts), today + np.timedelta64(rule.days, "D"))
        if rule.by is not None:
            column = facts.dates(rule.by)
            day = np.where(np.isnat(column), day, np.minimum(day, np.maximum(column, today)))
        sooner = holds & (day < earliest) & (day < on)
        earliest, reason = np.where(sooner, day, earliest), np.where(sooner, number, reason)
    earliest = np.where(reason >= 0, np.minimum(earliest, before), earliest)
    reviewed = facts.dates("previous_reviewed_on")
    return Reviews(
        due=anew,
        next_on=np.where(limits.known, np.minimum(on, earliest), np.datetime64("NaT")),
        interval=interval,
        reason=reason,
        reviewed_on=np.where(limits.known, np.where(anew | np.isnat(reviewed), today, reviewed), np.datetime64("NaT")),
    )


def review_frame(reviews: Reviews, facts: Facts, limits: Limits, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """decision.review; without dates for customers whose limit is not ours (not_rated)."""
    rules = policy.reviews.bring_forward
    known, carried = limits.known, ~reviews.due & limits.known
    code = np.where(known, reviews.reason + 1, -1)
    columns = {
        "customer_id": facts.series("customer_id"),
        "next_review_date": reviews.next_on.astype("datetime64[s]"),
        "review_interval_days": pd.arrays.IntegerArray(reviews.interval, ~known),
        "review_reason": categorical(code, [SCHEDULED, *(rule.id for rule in rules)]),
        "review_reason_en": categorical(code, ["Regular review", *(rule.reason.en for rule in rules)]),
        "review_reason_zh": categorical(code, ["定期复评", *(rule.reason.zh for rule in rules)]),
        "reviewed_on": reviews.reviewed_on.astype("datetime64[s]"),
        "carried_forward": carried,
    }
    return frame("decision.review", context, len(facts), columns)
