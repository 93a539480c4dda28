"""What became of people's overrides in a decision: in force and seen in the result, without effect and why, lapsed.

Put here: the standing of the notch and of limits by hand, and what is told of them. Keep out: what is in force on a date
(factors/people_decision.sql), the steps that use it (tiers.py, limits.py), who approves (authority.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.contracts.decision import OVERRIDE_STANDINGS
from risk_pipeline.contracts.factor_people import VIOLATIONS
from risk_pipeline.decision.hold import Hold
from risk_pipeline.decision.knockouts import Knocked
from risk_pipeline.decision.limits import MANUAL, TEMPORARY, Circumstances, Limits
from risk_pipeline.decision.reasons import Reasons
from risk_pipeline.decision.tiers import Tiers
from risk_pipeline.policy.facts import Bools, Facts
from risk_pipeline.policy.model import Label

STANDINGS = tuple(OVERRIDE_STANDINGS.split())
IN_FORCE, REDUCED, NEEDS_AUTHORITY, HARD_STOPPED, NOT_EFFECTIVE = range(len(STANDINGS))
Standing = NDArray[np.int8]  # into STANDINGS, -1 = there is none

UP = Label(en="Tier raised by an approved override", zh="经审批上调等级")
DOWN = Label(en="Tier lowered by an approved override", zh="经审批下调等级")
LAPSED = Label(en="An override ran out since the last assessment", zh="人工调整自上次评估后到期失效")
BY_HAND = Label(en="Limit set by an approved override", zh="经审批采用手工额度")
RELEASED = Label(en="Hold released by an approved override", zh="经审批解除冻结")


@dataclass(frozen=True)
class ByPeople:
    """Standing of each kind of override, and where one ran out since the assessment before."""

    notch: Standing
    manual: Standing
    temporary: Standing
    lapsed: Bools


def by_people(facts: Facts, tiers: Tiers, limits: Limits, circumstances: Circumstances, knocked: Knocked) -> ByPeople:
    """What became of the overrides. A notch that a ceiling outdoes, and one without a tier to move, is without effect.

    Facts read: notch_steps, manual_limit, temporary_limit, override_lapsed_on, previous_as_of.
    """
    moved = (tiers.notched != tiers.memory.tier) & (tiers.final == tiers.notched)
    notch = np.where(facts.integers("notch_steps").known, np.where(moved, IN_FORCE, NOT_EFFECTIVE), -1)
    lapsed_on, before = facts.dates("override_lapsed_on"), facts.dates("previous_as_of")
    return ByPeople(
        notch=notch.astype(np.int8),
        manual=_of_limit(facts, MANUAL, "manual_limit", limits, circumstances.may_be_manual, knocked),
        temporary=_of_limit(facts, TEMPORARY, "temporary_limit", limits, circumstances.may_be_temporary, knocked),
        lapsed=~np.isnat(lapsed_on) & ~np.isnat(before) & (lapsed_on >= before),
    )


def _of_limit(facts: Facts, method: str, column: str, limits: Limits, authorised: Bools, knocked: Knocked) -> Standing:
    granted = facts.integers(column)
    step = next(each for each in limits.candidates if each.method == method)
    why_not = np.select([knocked.stops_limit, ~authorised], [HARD_STOPPED, NEEDS_AUTHORITY], default=NOT_EFFECTIVE)
    applied = np.where(step.amount == granted.values, IN_FORCE, REDUCED)
    standing = np.where(step.known & limits.known, applied, why_not)
    return np.where(granted.known, standing, -1).astype(np.int8)


def released(facts: Facts, hold: Hold) -> Standing:
    """What became of the release of the hold. Facts read: hold_release_id."""
    standing = np.select([hold.never, hold.hits.any(axis=1)], [HARD_STOPPED, IN_FORCE], default=NOT_EFFECTIVE)
    return np.where(facts.text("hold_release_id").known, standing, -1).astype(np.int8)


def add_reasons(reasons: Reasons, told: ByPeople, release: Standing, facts: Facts) -> None:
    """What people did to tier and limit, what ran out, and what was approved against the rules."""
    steps, violations = facts.integers("notch_steps"), facts.text("override_violation")
    reasons.add_where((told.notch == IN_FORCE) & (steps.values > 0), UP)
    reasons.add_where((told.notch == IN_FORCE) & (steps.values < 0), DOWN)
    reasons.add_where(told.lapsed, LAPSED)
    for code, (en, zh) in VIOLATIONS.items():
        reasons.add_where(violations.is_in((code,)), Label(en=en, zh=zh))
    by_hand = np.isin(told.manual, (IN_FORCE, REDUCED)) | np.isin(told.temporary, (IN_FORCE, REDUCED))
    reasons.add_where(by_hand, BY_HAND)
    reasons.add_where(release == IN_FORCE, RELEASED)
