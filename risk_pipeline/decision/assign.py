"""Which rules a customer is decided by: its segment, and whether it stands outside the scorecard.

Put here: the first segment and the first outside rule that hold, and how long a customer stays in a segment that no longer
holds. Keep out: what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.frames import first_true
from risk_pipeline.policy.facts import Bools, Dates, Facts
from risk_pipeline.policy.model import NOT_RATED, Policy, Segment
from risk_pipeline.policy.months import add_months
from risk_pipeline.policy.scopes import condition


@dataclass(frozen=True)
class Assigned:
    """Positions in policy.segments, and in policy.outside_scorecard (-1 = scored).

    `held_on`: the newest assessment at which the condition of the segment held by itself.
    """

    segment: NDArray[np.int16]
    held_on: Dates
    outside: NDArray[np.int16]

    def not_rated(self, policy: Policy) -> Bools:
        """Customers outside every portfolio figure: no knock-out, default, limit or hold of ours."""
        return np.array([*(rule.tier == NOT_RATED for rule in policy.outside_scorecard), False])[self.outside]

    def prepaid(self, policy: Policy) -> Bools:
        """Customers whose outside rule forces prepayment."""
        return np.array([*(rule.terms is not None for rule in policy.outside_scorecard), False])[self.outside]

    def class_of(self, policy: Policy, classes: tuple[str, ...]) -> NDArray[np.int8]:
        """Position in `classes` of the class whose caps and terms the segment takes."""
        return np.array([classes.index(s.caps_and_terms_of) for s in policy.segments], dtype=np.int8)[self.segment]

    def card_of(self, policy: Policy) -> NDArray[np.int16]:
        """Position of the segment's scorecard in policy.scorecards; -1 = never scored."""
        cards = list(policy.scorecards)
        of_segment = np.array([cards.index(s.scorecard) for s in policy.segments], dtype=np.int16)
        return np.where(self.outside < 0, of_segment[self.segment], -1).astype(np.int16)

    def ceiling(self, policy: Policy) -> NDArray[np.int8]:
        """Tier code of the segment's ceiling; -1 = none."""
        codes = [-1 if s.ceiling is None else policy.tier_ids.index(s.ceiling) for s in policy.segments]
        return np.array(codes, dtype=np.int8)[self.segment]


def assign(facts: Facts, policy: Policy, as_of: date) -> Assigned:
    """The segment and the outside rule of every customer. The linter sees to it that the last segment takes everyone.

    Facts read: columns of the conditions, previous_segment, previous_segment_held_on.
    """
    held = [condition(s.when, "facts").met(facts) for s in policy.segments]
    before = facts.dates("previous_segment_held_on")
    segment = first_true([h | _stays(facts, before, s, as_of) for h, s in zip(held, policy.segments, strict=True)], len(facts))
    by_itself = np.stack(held)[segment, np.arange(len(facts))]
    return Assigned(
        segment=segment,
        held_on=np.where(by_itself, np.datetime64(as_of, "D"), before),
        outside=first_true([condition(o.when, "facts").met(facts) for o in policy.outside_scorecard], len(facts)),
    )


def _stays(facts: Facts, held_on: Dates, segment: Segment, as_of: date) -> Bools:
    """Customers of this segment whose stay of `stays_months` after it last held is not over."""
    if segment.stays_months is None:
        return np.zeros(len(facts), dtype=bool)
    recently = held_on >= np.datetime64(add_months(as_of, -segment.stays_months), "D")  # False for NaT
    return facts.text("previous_segment").is_in((segment.id,)) & recently
