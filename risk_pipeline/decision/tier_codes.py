"""Tiers as small codes: their names, their order, and texts read as codes.

Put here: what every step of the tier decision shares. Keep out: the steps.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.policy.facts import Text
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy

Codes = NDArray[np.int8]


def tier_names(policy: Policy) -> tuple[str, ...]:
    """Names by tier code: the tiers best to worst, then unrated, then not_rated."""
    return (*policy.tier_ids, UNRATED, NOT_RATED)


def ranks(policy: Policy) -> Codes:
    """Rank by tier code, 0 = best; unrated has the rank of another tier, not_rated has -1."""
    return np.array([*range(len(policy.tiers)), policy.tier_ids.index(policy.unrated.ranks_as), -1], dtype=np.int8)


def codes_of_text(text: Text, names: tuple[str, ...]) -> Codes:
    """Tier codes of a text column; -1 where NULL or no tier of this policy."""
    code_of = np.array([*(names.index(t) if t in names else -1 for t in text.categories), -1], dtype=np.int8)
    return np.asarray(code_of[text.codes])
