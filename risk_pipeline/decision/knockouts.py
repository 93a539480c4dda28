"""Knock-outs: rules that beat the score.

Put here: which knock-outs hold and what they demand together. Keep out: the rules themselves (policy), combining the ceiling
with the model's tier (tiers.py) and the hard stop with the limit (limits.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.policy.facts import Bools, Facts
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import condition


@dataclass(frozen=True)
class Knocked:
    """`hits`: customers x knock-outs of the policy, in policy order. `ceiling`: position of the worst ceiling, -1 = none."""

    hits: Bools
    ceiling: NDArray[np.int8]
    stops_limit: Bools
    zero_limit: Bools  # not even security carries a limit
    holds: Bools
    first_stop: NDArray[np.intp]  # position in stop_ids of what stops the limit first, where something does


def knock_out(facts: Facts, policy: Policy, exempt: Bools) -> Knocked:
    """The knock-outs that hold; none for `exempt` customers. `facts` must hold the column in_default."""
    rules = policy.knockouts
    hits = np.zeros((len(facts), len(rules)), dtype=bool)
    for position, rule in enumerate(rules):
        hits[:, position] = condition(rule.when, "default").met(facts) & ~exempt
    ceilings = ceiling_positions(policy)
    ceiling = np.max(np.where(hits, ceilings[None, :], -1), axis=1, initial=-1).astype(np.int8)
    stops = hits & np.array([rule.stops_limit for rule in rules], dtype=bool)[None, :]
    zero = hits & np.array([rule.limit == "zero" for rule in rules], dtype=bool)[None, :]
    holds = hits & np.array([rule.hold for rule in rules], dtype=bool)[None, :]
    first_stop = stops.argmax(axis=1) if rules else np.zeros(len(facts), dtype=np.intp)
    return Knocked(
        hits=hits,
        ceiling=ceiling,
        stops_limit=stops.any(axis=1),
        zero_limit=zero.any(axis=1),
        holds=holds.any(axis=1),
        first_stop=first_stop,
    )


def ceiling_positions(policy: Policy) -> NDArray[np.int8]:
    """Per knock-out the position of its ceiling among the tiers (0 = best); -1 = no ceiling."""
    return np.array([-1 if k.ceiling is None else policy.tier_ids.index(k.ceiling) for k in policy.knockouts], dtype=np.int8)


def verdicts(policy: Policy) -> Bools:
    """Per knock-out whether it is a verdict; one that only holds orders speaks against nobody."""
    return np.array([rule.is_verdict for rule in policy.knockouts], dtype=bool)


def stop_ids(policy: Policy) -> list[str]:
    """What can stop a limit: the knock-outs, then the states of a customer."""
    return [*(k.id for k in policy.knockouts), *STATUSES]


def new_hits(knocked: Knocked, facts: Facts, policy: Policy) -> Bools:
    """Verdicts that hold now and did not at the last assessment; none where there was none. Facts read: previous_knockouts."""
    before = facts.text("previous_knockouts")
    table = np.ones((len(before.categories) + 1, len(policy.knockouts)), dtype=bool)  # code -1 reads the last place
    for place, text in enumerate(before.categories):
        table[place] = [k.id in text.split(",") for k in policy.knockouts]
    return np.asarray(knocked.hits & ~table[before.codes] & verdicts(policy))
