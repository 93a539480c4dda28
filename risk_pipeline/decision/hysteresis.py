"""Hysteresis: a tier goes down at once and climbs slowly, so that a score near a border does not make it flap.

Put here: the step from the model tier to the hysteresis tier, and what it must remember. Keep out: notches (tiers.py), ceilings
(knockouts.py), the figures (policy `hysteresis`). It remembers its own previous value, not the final tier: a knock-out that is
gone or a notch that lapsed does not wait for the upgrade buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.tier_codes import Codes, codes_of_text, ranks, tier_names
from risk_pipeline.policy.facts import Dates, Facts, Ints
from risk_pipeline.policy.model import MINOR_PER_UNIT, UNRATED, Policy

# Why the tier is worse than the score alone would have it, as named in binding_rule: what the next step up waits for, or that it
# was taken and is one of several.
WAITS = ("hysteresis_buffer", "hysteresis_periods", "hysteresis_cooldown", "hysteresis_step")


@dataclass(frozen=True)
class Hysteresis:
    """`tier`: codes into tier_names. `periods_met`: month ends in a row whose score allowed the next step up.

    `waits_for`: position in WAITS where the model tier is better than this one, -1 elsewhere.
    """

    tier: Codes
    periods_met: Ints
    last_downgrade_on: Dates
    waits_for: NDArray[np.int8]


def hysteresis(score: Ints, model: Codes, facts: Facts, policy: Policy, as_of: date) -> Hysteresis:
    """The hysteresis tier from the model tier, the score (hundredths) and the previous state.

    Worse than before: taken at once. Better: one step, when the score was at or over score_from + upgrade_buffer_points of that
    step at `periods_to_upgrade` assessed month ends in a row and the last downgrade is `cooldown_days_after_downgrade` ago. Runs
    between month ends never raise, and neither add to the month ends in a row nor end them unless they lower the tier. Without a
    previous tier the model tier stands. Unrated has no score and never raises; out of it, evidence lifts a customer at the next
    month end to one step above the rank of unrated.
    Facts read: previous_hysteresis_tier, previous_hysteresis_periods_met, previous_last_downgrade_on.
    """
    rule, names = policy.hysteresis, tier_names(policy)
    rank_of, unrated = ranks(policy), names.index(UNRATED)
    previous = codes_of_text(facts.text("previous_hysteresis_tier"), names)
    known = (previous >= 0) & (rank_of[previous] >= 0) & (rank_of[model] >= 0)
    before, now = rank_of[previous], rank_of[model]
    down = known & ((now > before) | ((now == before) & (model == unrated)))
    month_end = (as_of + timedelta(days=1)).day == 1
    rated_again = known & (previous == unrated) & (model != unrated)
    freed = rated_again & ((now == before) | ((now < before) & np.bool_(month_end)))
    better = known & (now < before) & ~freed

    step_up = np.maximum(before - 1, 0)
    needed = np.array([int((t.score_from + rule.upgrade_buffer_points) * MINOR_PER_UNIT) for t in policy.tiers], dtype=np.int64)
    met = better & (model != unrated) & (score >= needed[step_up])
    met_before = facts.integers("previous_hysteresis_periods_met")
    counted = np.where(met_before.known, met_before.values, 0)
    periods = np.where(met, counted + 1, 0) if month_end else np.where(known & ~down & ~freed, counted, 0)
    today = np.datetime64(as_of, "D")
    lowered = facts.dates("previous_last_downgrade_on")
    rested = np.isnat(lowered) | ((today - lowered).astype(np.int64) >= rule.cooldown_days_after_downgrade)
    waits_for = np.select(
        [~better, ~met, (periods < rule.periods_to_upgrade) | (not month_end), ~rested], [-1, 0, 1, 2], default=-1
    ).astype(np.int8)
    up = better & (waits_for < 0)

    tier = np.where(known, previous, model)
    tier = np.where(down, model, tier)
    tier = np.where(freed, np.maximum(now, rank_of[unrated] - 1), tier)
    tier = np.where(up, step_up, tier)
    on_the_way = (up | freed) & (now < rank_of[tier])
    worse = down & (now > before)
    return Hysteresis(
        tier=tier.astype(np.int8),
        periods_met=np.where(up, 0, periods),
        last_downgrade_on=np.where(worse, today, lowered),
        waits_for=np.where(on_the_way, len(WAITS) - 1, waits_for).astype(np.int8),
    )
