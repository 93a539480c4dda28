"""Tiers: from score, memory, notches and ceilings to the final tier, the rule that decided it, and the move.

Put here: the order of the steps, model tier, notches, ceilings, direction, periods. Keep out: the score (scorecard.py),
hysteresis (hysteresis.py), which knock-outs hold (knockouts.py), who may notch (overrides).
final = worse of (ceilings, notch(hysteresis(previous hysteresis tier, model tier))). Unrated ranks as the tier the policy
says; on equal rank it stays, because it is the stricter of the two. not_rated stands outside all comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.hysteresis import WAITS, Hysteresis, hysteresis
from risk_pipeline.decision.knockouts import Knocked, ceiling_positions
from risk_pipeline.decision.scorecard import HUNDRED
from risk_pipeline.decision.tier_codes import Codes, codes_of_text, ranks, tier_names
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints, Text
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy

# Rules beside the knock-outs that can decide a tier, as named in binding_rule.
MODEL_RULES = ("score", "unrated_missing_factor", "unrated_coverage", "unrated_reweight")
NOTCHES = ("notch_up", "notch_down")
CEILINGS = ("segment_ceiling", "cure_ceiling", "state_ceiling")
FIXED_RULES = (*MODEL_RULES, *WAITS, *NOTCHES, *CEILINGS)
DIRECTIONS = ("new", "up", "down", "same")


def binding_names(policy: Policy) -> list[str]:
    """Names by binding code: fixed rules, knock-outs, rules outside the scorecard."""
    return [*FIXED_RULES, *(k.id for k in policy.knockouts), *(o.id for o in policy.outside_scorecard)]


@dataclass(frozen=True)
class Tiers:
    """Codes into tier_names and binding_names: the tier after each step."""

    model: Codes
    memory: Hysteresis
    notched: Codes
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
    ceilings: tuple[Codes, Codes, Codes],
    knocked: Knocked,
    facts: Facts,
    policy: Policy,
    as_of: date,
) -> Tiers:
    """The final tiers.

    `score` in hundredths; `model_rule` into MODEL_RULES (not 0 = unrated, and why); `outside` into outside_scorecard, -1 =
    scored; `ceilings`: tier codes in the order of CEILINGS, -1 = none. Facts read: those of hysteresis, notch_steps.
    """
    names = tier_names(policy)
    model = np.where(model_rule == 0, tier_of_score(score, policy), names.index(UNRATED)).astype(np.int8)
    outside_tier = np.array([*(names.index(o.tier) for o in policy.outside_scorecard), 0], dtype=np.int8)
    is_outside = outside >= 0
    model[is_outside] = outside_tier[outside][is_outside]

    memory = hysteresis(score, model, facts, policy, as_of)
    kept = np.where(is_outside, model, memory.tier).astype(np.int8)
    notched = _notched(kept, is_outside, facts, policy)
    binding = model_rule.astype(np.int16)
    binding = np.where(memory.waits_for >= 0, len(MODEL_RULES) + memory.waits_for, binding)
    first_notch = FIXED_RULES.index(NOTCHES[0])
    binding = np.where(notched < kept, first_notch, np.where(notched > kept, first_notch + 1, binding))
    binding = np.where(is_outside, len(FIXED_RULES) + len(policy.knockouts) + outside, binding)
    final, binding = _under_ceilings(notched, binding, is_outside, ceilings, knocked, policy)
    return Tiers(model=model, memory=memory, notched=notched, final=final, binding=binding.astype(np.int16))


def _notched(kept: Codes, is_outside: Bools, facts: Facts, policy: Policy) -> Codes:
    """The tier moved by the notch in force: +1 is one tier better, at most as far as the policy allows. Only tiers of a score
    move.
    """
    steps = facts.integers("notch_steps")
    allowed = np.clip(steps.values, -policy.notches.max_down, policy.notches.max_up)
    moves = steps.known & (kept < len(policy.tiers)) & ~is_outside
    moved = np.clip(kept - np.where(moves, allowed, 0), 0, len(policy.tiers) - 1)
    return np.where(moves, moved, kept).astype(np.int8)


def _under_ceilings(
    notched: Codes,
    binding: NDArray[np.int16],
    is_outside: Bools,
    ceilings: tuple[Codes, Codes, Codes],
    knocked: Knocked,
    policy: Policy,
) -> tuple[Codes, NDArray[np.int16]]:
    """The worse of the tier and every ceiling, and the rule that decided it."""
    not_rated = tier_names(policy).index(NOT_RATED)
    final, rank = notched.copy(), ranks(policy)[notched]
    segment, cure, state = ceilings
    rules = [(np.where(is_outside, -1, codes), FIXED_RULES.index(n)) for n, codes in zip(CEILINGS, (segment, cure), strict=False)]
    for position, ceiling in enumerate(ceiling_positions(policy)):
        rules.append((np.where(knocked.hits[:, position], ceiling, -1), len(FIXED_RULES) + position))
    rules.append((state, FIXED_RULES.index(CEILINGS[2])))  # after the knock-outs, which say more of why
    for ceiling, rule in rules:  # strictly worse only, so the first rule that gives the final tier is the one named
        lowers = (ceiling > rank) & (notched != not_rated)
        final[lowers] = ceiling[lowers]
        rank = np.where(lowers, ceiling, rank)
        binding = np.where(lowers, rule, binding)
    return final, binding


def direction(final: Codes, previous_tier: Text, policy: Policy) -> NDArray[np.int8]:
    """Position in DIRECTIONS. new: no previous tier, or not_rated on one side only."""
    names, rank_of = tier_names(policy), ranks(policy)
    not_rated = names.index(NOT_RATED)
    previous = codes_of_text(previous_tier, names)
    new = (previous < 0) | ((previous == not_rated) != (final == not_rated))
    now, before = rank_of[final], rank_of[previous]
    return np.select([new, now < before, now > before], [0, 1, 2], default=3).astype(np.int8)


def periods_in_tier(final: Codes, facts: Facts, policy: Policy, as_of: date) -> Ints:
    """Calendar month ends in a row at which the customer had this tier, however many runs fell between them.

    Facts read: previous_tier, previous_periods_in_tier, previous_as_of.
    """
    names = tier_names(policy)
    previous = codes_of_text(facts.text("previous_tier"), names)
    since = facts.dates("previous_as_of")
    same = (previous == final) & ~np.isnat(since)
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
