"""Tiers: from score and ceilings to the final tier, the rule that decided it, and the move against the previous one.

Put here: model tier, ceilings, direction, periods. Keep out: the score (scorecard.py) and which knock-outs hold (knockouts.py).
final = worse of (model tier, ceiling of the segment, ceiling of the knock-outs). Unrated ranks as the tier the policy says;
on equal rank it stays, because it is the stricter of the two. not_rated stands outside all comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.knockouts import Knocked, ceiling_positions
from risk_pipeline.decision.scorecard import HUNDRED
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints, Text
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy

Codes = NDArray[np.int8]

# Rules beside the knock-outs that can decide a tier, as named in binding_rule.
MODEL_RULES = ("score", "unrated_missing_factor", "unrated_coverage", "unrated_reweight")
SEGMENT_CEILING = "segment_ceiling"
DIRECTIONS = ("new", "up", "down", "same")


def tier_names(policy: Policy) -> tuple[str, ...]:
    """Names by tier code: the tiers best to worst, then unrated, then not_rated."""
    return (*policy.tier_ids, UNRATED, NOT_RATED)


def ranks(policy: Policy) -> NDArray[np.int8]:
    """Rank by tier code, 0 = best; unrated has the rank of another tier, not_rated has -1."""
    return np.array([*range(len(policy.tiers)), policy.tier_ids.index(policy.unrated.ranks_as), -1], dtype=np.int8)


def binding_names(policy: Policy) -> list[str]:
    """Names by binding code: model rules, the segment's ceiling, knock-outs, rules outside the scorecard."""
    return [*MODEL_RULES, SEGMENT_CEILING, *(k.id for k in policy.knockouts), *(o.id for o in policy.outside_scorecard)]


@dataclass(frozen=True)
class Tiers:
    """Codes into tier_names and binding_names."""

    model: Codes
    final: Codes
    binding: NDArray[np.int16]


def tier_of_score(score: Ints, policy: Policy) -> Codes:
    """Tier code of scores in hundredths: the best tier whose score_from (inclusive) is reached."""
    from_worst = np.array([int(t.score_from * HUNDRED) for t in reversed(policy.tiers)], dtype=np.int64)
    return (len(policy.tiers) - np.searchsorted(from_worst, score, side="right")).astype(np.int8)


def decide_tiers(
    score: Ints,
    model_rule: NDArray[np.int16],
    outside: NDArray[np.int16],
    segment_ceiling: Codes,
    knocked: Knocked,
    policy: Policy,
) -> Tiers:
    """The final tiers.

    `score` in hundredths; `model_rule` into MODEL_RULES (not 0 = unrated, and why); `outside` into outside_scorecard, -1 =
    scored; `segment_ceiling` is a tier code, -1 = none.
    """
    names = tier_names(policy)
    unrated, not_rated = names.index(UNRATED), names.index(NOT_RATED)
    rank_of = ranks(policy)
    model = np.where(model_rule == 0, tier_of_score(score, policy), unrated).astype(np.int8)
    binding = model_rule.astype(np.int16)
    first_outside = len(MODEL_RULES) + 1 + len(policy.knockouts)
    outside_tier = np.array([*(names.index(o.tier) for o in policy.outside_scorecard), 0], dtype=np.int8)
    is_outside = outside >= 0
    model[is_outside] = outside_tier[outside][is_outside]
    binding[is_outside] = first_outside + outside[is_outside]

    final, rank = model.copy(), rank_of[model]
    ceilings = [(np.where(is_outside, -1, segment_ceiling), len(MODEL_RULES))]
    for position, ceiling in enumerate(ceiling_positions(policy)):
        ceilings.append((np.where(knocked.hits[:, position], ceiling, -1), len(MODEL_RULES) + 1 + position))
    for ceiling, rule in ceilings:  # strictly worse only, so the first rule that gives the final tier is the one named
        lowers = (ceiling > rank) & (model != not_rated)
        final[lowers] = ceiling[lowers]
        rank = np.where(lowers, ceiling, rank)
        binding[lowers] = rule
    return Tiers(model=model, final=final, binding=binding)


def direction(final: Codes, previous_tier: Text, policy: Policy) -> NDArray[np.int8]:
    """Position in DIRECTIONS. new: no previous tier, or not_rated on one side only."""
    names, rank_of = tier_names(policy), ranks(policy)
    not_rated = names.index(NOT_RATED)
    code_of = np.array([*(names.index(t) if t in names else -1 for t in previous_tier.categories), -1], dtype=np.int8)
    previous = code_of[previous_tier.codes]
    new = (previous < 0) | ((previous == not_rated) != (final == not_rated))
    now, before = rank_of[final], rank_of[previous]
    return np.select([new, now < before, now > before], [0, 1, 2], default=3).astype(np.int8)


def periods_in_tier(final: Codes, facts: Facts, policy: Policy, as_of: date) -> Ints:
    """Calendar month ends in a row at which the customer had this tier, however many runs fell between them.

    Facts read: previous_tier, previous_periods_in_tier, previous_as_of.
    """
    names = tier_names(policy)
    previous = facts.text("previous_tier")
    code_of = np.array([*(names.index(t) if t in names else -1 for t in previous.categories), -1], dtype=np.int8)
    since = facts.dates("previous_as_of")
    same = (code_of[previous.codes] == final) & ~np.isnat(since)
    before = facts.integers("previous_periods_in_tier")
    passed = _month_ends_until(np.full(len(facts), np.datetime64(as_of, "D"))) - _month_ends_until(since)
    first = int((as_of + timedelta(days=1)).day == 1)
    return np.where(same, np.where(before.known, before.values, 0) + passed, first)


def _month_ends_until(days: Dates) -> Ints:
    """Number of month ends up to and including each day, from a fixed start; meaningless for NaT."""
    return (days + np.timedelta64(1, "D")).astype("datetime64[M]").astype(np.int64)


def unrated_rule(blocked: Bools, low_coverage: Bools, over_reweighted: Bools) -> NDArray[np.int16]:
    """Position in MODEL_RULES: 0 = rated by score, else the first reason why not."""
    return np.select([blocked, low_coverage, over_reweighted], [1, 2, 3], default=0).astype(np.int16)
