"""PD, scaled score and grade: the worked values of golden.json, and the bounds of the policy."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.decision.pd import curve, grade_of_pd, pd_of_score, scaled_of_pd
from risk_pipeline.policy.model import Calibration
from tests.decision_given import POLICY

SCALING = POLICY.scaling  # PDO 20, 600 points at 50:1, as in golden.json


@pytest.mark.parametrize(
    ("pd", "scaled"),
    [(1 / 51, 600.0), (1 / 101, 620.0), (0.05, 572.0814264733772), (0.074074074074074, 560.0)],
)
def test_golden_scaling(pd: float, scaled: float) -> None:
    assert scaled_of_pd(pd, SCALING) == pytest.approx(scaled, rel=1e-9)


def test_pd_of_golden_case_33() -> None:
    assert pd_of_score(36, POLICY.calibration) == pytest.approx(0.131244, abs=5e-7)


def test_pd_stays_within_floor_and_cap_and_falls_with_the_score() -> None:
    pds = curve(POLICY).pd
    assert len(pds) == 10_001
    assert pds.max() == POLICY.calibration.pd_cap
    assert pds.min() >= POLICY.calibration.pd_floor
    assert (np.diff(pds) <= 0).all()
    steep = POLICY.model_copy(update={"calibration": POLICY.calibration.model_copy(update={"slope": 0.2})})
    assert curve(steep).pd[10_000] == POLICY.calibration.pd_floor


def test_grades_have_inclusive_upper_bounds() -> None:
    names = [grade.grade for grade in POLICY.master_scale]
    assert [names[grade_of_pd(pd, POLICY.master_scale)] for pd in (0.0025, 0.00250001, 0.30, 0.31)] == ["A1", "A2", "D2", "E"]
    assert names[curve(POLICY).grade[10_000]] == "A1"
    assert names[curve(POLICY).grade[0]] == "E"


def test_a_central_tendency_moves_the_odds_and_keeps_the_order() -> None:
    """Fitted on data with 2 % defaults, 4 % over a cycle: odds good:bad fall from 49 to 24, at every score alike."""
    tendency = Calibration.CentralTendency(fitted_on=0.02, long_run=0.04)
    plain = Calibration(intercept=-0.9, slope=0.0775, pd_floor=0.0001, pd_cap=0.99)
    moved = plain.model_copy(update={"central_tendency": tendency})
    for score in (0, 35, 60, 100):
        before, after = pd_of_score(score, plain), pd_of_score(score, moved)
        assert (1 - after) / after == pytest.approx((1 - before) / before * 24 / 49)
    same = plain.model_copy(update={"central_tendency": Calibration.CentralTendency(fitted_on=0.03, long_run=0.03)})
    assert pd_of_score(60, same) == pd_of_score(60, plain)


def test_the_pd_of_a_tier_stands_where_there_is_no_score() -> None:
    assert [POLICY.fallback_pd(tier) for tier in ("low", "restricted", "unrated", "not_rated")] == [0.004, 0.3, 0.08, None]
