"""Probability of default, grade and scaled score, from the score.

Put here: the calibration curve, the odds scale and the master scale. Keep out: the score itself (scorecard.py). A score has
10,001 values (0.00 to 100.00), so the curve is computed once per policy with the C library's exp and looked up: every row,
batch and machine word width gives the same bits. The curve is expert judgement until `calibration_status` says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.scorecard import HUNDRED, PERFECT
from risk_pipeline.policy.facts import Floats
from risk_pipeline.policy.model import Calibration, Grade, Policy, Scaling


@dataclass(frozen=True)
class Curve:
    """PD, scaled score and grade (position in the master scale) by score in hundredths."""

    pd: Floats
    scaled: Floats
    grade: NDArray[np.int8]


def pd_of_score(score: float, calibration: Calibration) -> float:
    """PD = 1 / (1 + exp(intercept + slope x score)), within [pd_floor, pd_cap] (contracts.md section 3).

    With a central tendency the log odds good:bad move by those of the long-run default rate less those of the data fitted on.
    """
    tendency = calibration.central_tendency
    moved = _log_odds(tendency.long_run) - _log_odds(tendency.fitted_on) if tendency is not None else 0.0
    pd = 1.0 / (1.0 + math.exp(calibration.intercept + moved + calibration.slope * score))
    return min(max(pd, calibration.pd_floor), calibration.pd_cap)


def _log_odds(default_rate: float) -> float:
    return math.log((1 - default_rate) / default_rate)


def scaled_of_pd(pd: float, scaling: Scaling) -> float:
    """Scaled score = offset + factor x ln((1 - PD) / PD), factor = PDO / ln 2, offset = base - factor x ln(base odds)."""
    factor = scaling.pdo / math.log(2)
    offset = scaling.base_score - factor * math.log(scaling.base_odds_good_to_bad)
    return offset + factor * math.log((1 - pd) / pd)


def grade_of_pd(pd: float, master_scale: tuple[Grade, ...]) -> int:
    """Position of the first grade whose upper bound (inclusive) holds the PD."""
    return next(position for position, grade in enumerate(master_scale) if pd <= grade.pd_le)


def curve(policy: Policy) -> Curve:
    """The curve of a policy."""
    return _curve(policy.calibration, policy.scaling, policy.master_scale)


@lru_cache(maxsize=8)
def _curve(calibration: Calibration, scaling: Scaling, master_scale: tuple[Grade, ...]) -> Curve:
    pds = [pd_of_score(hundredths / HUNDRED, calibration) for hundredths in range(PERFECT + 1)]
    return Curve(
        pd=np.array(pds),
        scaled=np.array([scaled_of_pd(pd, scaling) for pd in pds]),
        grade=np.array([grade_of_pd(pd, master_scale) for pd in pds], dtype=np.int8),
    )
