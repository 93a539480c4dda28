"""What must hold of the memory of tiers, whatever the past and the score: down at once, up only at month ends and by one step."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.decision.hysteresis import Hysteresis, hysteresis
from risk_pipeline.decision.tier_codes import ranks, tier_names
from risk_pipeline.decision.tiers import tier_of_score
from risk_pipeline.policy.facts import Facts
from risk_pipeline.policy.model import UNRATED
from tests.decision_given import POLICY

SETTINGS = settings(max_examples=200, deadline=None)
NAMES = tier_names(POLICY)
RANK = ranks(POLICY)
MONTH_ENDS = st.sampled_from([date(2026, 6, 30), date(2026, 7, 31), date(2027, 2, 28)])
DAYS_BETWEEN = st.sampled_from([date(2026, 6, 29), date(2026, 7, 1), date(2027, 2, 15)])
SCORE = st.none() | st.integers(0, 100_00)
BEFORE = st.sampled_from(NAMES[:-1])
PERIODS = st.none() | st.integers(0, 5)
LOWERED = st.none() | st.integers(0, 200)


def _step(as_of: date, score: int | None, before: str | None, periods: int | None, lowered: int | None) -> tuple[Hysteresis, int]:
    """One customer's step; the model tier beside it."""
    columns = {  # a frame of all facts would take longer than the step
        "previous_hysteresis_tier": pd.Series([before], dtype="str"),
        "previous_hysteresis_periods_met": pd.Series([periods], dtype="Int64"),
        "previous_last_downgrade_on": pd.Series(
            [None if lowered is None else as_of - timedelta(days=lowered)], dtype="datetime64[s]"
        ),
    }
    scores = np.array([score or 0])
    model = tier_of_score(scores, POLICY) if score is not None else np.array([NAMES.index(UNRATED)], dtype=np.int8)
    return hysteresis(scores, model, Facts(pd.DataFrame(columns)), POLICY, as_of), int(model[0])


def _rank(result: Hysteresis) -> int:
    return int(RANK[result.tier[0]])


@SETTINGS
@given(as_of=MONTH_ENDS | DAYS_BETWEEN, score=SCORE, before=BEFORE, periods=PERIODS, lowered=LOWERED)
def test_a_downgrade_is_never_delayed(
    as_of: date, score: int | None, before: str, periods: int | None, lowered: int | None
) -> None:
    result, model = _step(as_of, score, before, periods, lowered)
    if RANK[model] > RANK[NAMES.index(before)]:
        assert result.tier[0] == model
        assert result.last_downgrade_on[0] == np.datetime64(as_of, "D")
        assert (result.periods_met[0], result.waits_for[0]) == (0, -1)
    assert _rank(result) >= RANK[model]  # never better than the evidence
    assert (result.waits_for[0] >= 0) == (_rank(result) > RANK[model])  # and it is said why it is worse


@SETTINGS
@given(as_of=DAYS_BETWEEN, score=SCORE, before=BEFORE, periods=PERIODS, lowered=LOWERED)
def test_runs_between_month_ends_never_raise_and_count_for_nothing(
    as_of: date, score: int | None, before: str, periods: int | None, lowered: int | None
) -> None:
    result, _ = _step(as_of, score, before, periods, lowered)
    rank = RANK[NAMES.index(before)]
    assert _rank(result) >= rank
    if result.tier[0] == NAMES.index(before) and before != UNRATED:
        assert result.periods_met[0] == (periods or 0)


@SETTINGS
@given(as_of=MONTH_ENDS, score=SCORE, before=BEFORE, periods=PERIODS, lowered=LOWERED)
def test_at_most_one_step_up_and_only_past_buffer_periods_and_cooldown(
    as_of: date, score: int | None, before: str, periods: int | None, lowered: int | None
) -> None:
    result, _ = _step(as_of, score, before, periods, lowered)
    rank, rule = RANK[NAMES.index(before)], POLICY.hysteresis
    assert _rank(result) >= rank - 1
    if _rank(result) < rank and before != UNRATED:
        better = POLICY.tiers[rank - 1]
        assert score is not None
        assert score >= (better.score_from + rule.upgrade_buffer_points) * 100
        assert (periods or 0) + 1 >= rule.periods_to_upgrade
        assert lowered is None or lowered >= rule.cooldown_days_after_downgrade


@SETTINGS
@given(
    as_of=MONTH_ENDS | DAYS_BETWEEN,
    scores=st.tuples(st.integers(0, 100_00), st.integers(0, 100_00)),
    before=BEFORE,
    periods=PERIODS,
    lowered=LOWERED,
)
def test_a_worse_score_never_gives_a_better_tier(
    as_of: date, scores: tuple[int, int], before: str, periods: int | None, lowered: int | None
) -> None:
    worse, better = (_step(as_of, score, before, periods, lowered)[0] for score in sorted(scores))
    assert _rank(worse) >= _rank(better)
    assert worse.periods_met[0] <= better.periods_met[0] or _rank(worse) > _rank(better)
