"""Default and cure: who is in default, since when, and when it is over.

Put here: the state machine of one customer's default. Keep out: what a default event is (policy default_definition), its
effect on tier and limit (a knock-out over `in_default`). A customer is in default while an event holds, and stays there until
proof has lasted as long as the gravest of its events asks. Proof = no event holds and no material debt is past due; its clock
starts at the first assessment that sees it and starts again when it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import condition


@dataclass(frozen=True)
class DefaultState:
    """`since`: first assessment of the present default. `cleared_on`: start of the proof; kept after the cure. `wait_days`: how
    long the proof must last, 0 where not in default.
    """

    events: Bools  # customers x events of the policy
    in_default: Bools
    since: Dates
    cleared_on: Dates
    wait_days: Ints


def default_state(facts: Facts, policy: Policy, as_of: date, exempt: Bools) -> DefaultState:
    """The default state at `as_of`, from the events and the previous state; none for `exempt` customers.

    Facts read: columns of the events, max_dpd_material (NULL = nothing open = 0), previous_in_default,
    previous_default_since, previous_default_cleared_on, previous_default_wait_days.
    """
    today = np.datetime64(as_of, "D")
    events = np.stack([condition(e.when, "facts").met(facts) for e in policy.default_definition.events], axis=1)
    events &= ~exempt[:, None]
    event = events.any(axis=1)
    dpd = facts.numbers("max_dpd_material")
    proof = ~event & ~(dpd.known & (dpd.values > 0))
    was = facts.flags("previous_in_default")
    before = was.values & was.known & ~exempt
    cleared_before = facts.dates("previous_default_cleared_on")

    waits = np.array([policy.cure.in_default.waits_for(e.id) for e in policy.default_definition.events], dtype=np.int64)
    wait_before = facts.integers("previous_default_wait_days")
    remembered = np.where(wait_before.known, wait_before.values, policy.cure.in_default.wait_days)
    wait = np.maximum(np.where(before, remembered, 0), np.where(events, waits[None, :], 0).max(axis=1))
    started = np.where(np.isnat(cleared_before), today, cleared_before)
    waited = (today - started).astype(np.int64)
    cured = before & proof & (waited >= wait)
    in_default = event | (before & ~cured)
    since_before = facts.dates("previous_default_since")
    since = np.where(before & ~np.isnat(since_before), since_before, today)
    since[~in_default] = np.datetime64("NaT")
    cleared_on = np.where(before & proof, started, cleared_before)
    cleared_on[in_default & ~proof] = np.datetime64("NaT")
    return DefaultState(
        events=events, in_default=in_default, since=since, cleared_on=cleared_on, wait_days=np.where(in_default, wait, 0)
    )
