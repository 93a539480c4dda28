"""Which rules a customer is decided by: its segment, and whether it stands outside the scorecard.

Put here: the first segment and the first outside rule that hold. Keep out: what follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.frames import first_true
from risk_pipeline.policy.facts import Bools, Facts
from risk_pipeline.policy.model import NOT_RATED, Policy
from risk_pipeline.policy.scopes import condition


@dataclass(frozen=True)
class Assigned:
    """Positions in policy.segments, and in policy.outside_scorecard (-1 = scored)."""

    segment: NDArray[np.int16]
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


def assign(facts: Facts, policy: Policy) -> Assigned:
    """The segment and the outside rule of every customer. The linter sees to it that the last segment takes everyone."""
    return Assigned(
        segment=first_true([condition(s.when, "facts").met(facts) for s in policy.segments], len(facts)),
        outside=first_true([condition(o.when, "facts").met(facts) for o in policy.outside_scorecard], len(facts)),
    )
