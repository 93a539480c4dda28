"""What must hold for every scorecard and every factor on it, asked of the shipped policy as it stands.

Nothing here names a factor: the factors, their directions, bins, special codes and evidence dates come from the policy and the
catalogue, so that a new factor is covered the day it is on a card. Values are drawn around the edges of its bins.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.decision.decide import prepare
from risk_pipeline.decision.scorecard import Scores, score_cards
from tests.decision_facts import AS_OF, decide
from tests.decision_given import CATALOGUE, POLICY
from tests.decision_world import context, customers, draw, worse_of

CONTEXT = context()
ROWS = 120
TWINS = 40
CARDS = list(POLICY.scorecards)


def scored(frame: pd.DataFrame, card: str) -> Scores:
    place = np.full(len(frame), list(POLICY.scorecards).index(card), dtype=np.int16)
    return score_cards(prepare(frame, POLICY, CONTEXT), POLICY, place, CATALOGUE.scored(POLICY.scorecards[card]), AS_OF)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return customers(3, ROWS)


@pytest.mark.parametrize("card", CARDS)
def test_worse_evidence_never_raises_the_score(frame: pd.DataFrame, card: str) -> None:
    """Every factor of the card in turn: the same customers with a better and a worse value of it, all turns in one frame."""
    rng, factors = np.random.default_rng(9), CATALOGUE.scored(POLICY.scorecards[card])
    turns = pd.concat([frame.iloc[:TWINS]] * (2 * len(factors)), ignore_index=True)
    for turn, factor in enumerate(factors):
        rule, rows = POLICY.scoring[factor.id], slice(2 * TWINS * turn, 2 * TWINS * (turn + 1))
        drawn = draw(factor, rule, rng, TWINS)
        values = drawn, worse_of(drawn, draw(factor, rule, rng, TWINS), factor, rule)
        turns.iloc[rows, turns.columns.get_loc(factor.id)] = pd.concat(values).array
        turns.iloc[rows, turns.columns.get_loc(factor.evidence)] = np.datetime64(AS_OF, "s")
        if factor.codes:
            turns.iloc[rows, turns.columns.get_loc(f"{factor.id}_code")] = None
    found = scored(turns, card)
    shape = (len(factors), 2, TWINS)
    score, known, coverage = (x.reshape(shape) for x in (found.score, found.score_known, found.coverage_pct))
    names = np.array([factor.id for factor in factors])
    assert (known[:, 0] == known[:, 1]).all()
    assert (coverage[:, 0] == coverage[:, 1]).all()
    assert names[(score[:, 1] > score[:, 0]).any(axis=1)].tolist() == []
    assert names[(score[:, 1] == score[:, 0]).all(axis=1)].tolist() == [], "no draw moved the score, which proves nothing"


@pytest.mark.parametrize("card", CARDS)
def test_older_evidence_never_raises_coverage_or_confidence(frame: pd.DataFrame, card: str) -> None:
    now = scored(frame, card)
    dates = {f.evidence: frame[f.evidence] - pd.Timedelta(days=100) for f in CATALOGUE.scored(POLICY.scorecards[card])}
    older = scored(frame.assign(**dates), card)
    assert (older.coverage_pct <= now.coverage_pct).all()
    assert (older.confidence_pct <= now.confidence_pct + 1e-9).all()
    assert (older.confidence_pct < now.confidence_pct).any()
    assert (now.confidence_pct <= now.coverage_pct + 1e-9).all()
    assert ((now.confidence_pct >= 0) & (now.coverage_pct <= 100)).all()


@pytest.mark.parametrize("seed", range(3))
def test_contributions_and_subtotals_add_up_on_every_card(seed: int) -> None:
    out = decide(customers(seed, 400), POLICY, CATALOGUE, CONTEXT)
    score = out["score.risk_score"].set_index("customer_id")
    parts = out["score.contribution"]
    assert set(score["scorecard_id"].dropna()) == set(CARDS) - {"ledger"}
    total = parts.groupby(parts["customer_id"].astype("str"))["contribution"].sum(min_count=1).reindex(score.index)
    assert (total.isna() == score["score"].isna()).all()
    assert ((total - score["score"]).abs().dropna() <= 0.005 + 1e-9).all()
    by_type = parts.groupby([parts["customer_id"].astype("str"), parts["risk_type"].astype("str")])["contribution"].sum()
    for kind in ("credit", "operational", "market", "legal", "reputation"):
        own = by_type.xs(kind, level=1).reindex(score.index).fillna(0.0)
        assert ((own - score[f"{kind}_subtotal"]).abs().dropna() <= 1e-9).all(), kind
    subtotals = score[[c for c in score if c.endswith("_subtotal")]].sum(axis=1, min_count=1)
    assert ((subtotals - total).abs().dropna() <= 1e-9).all()
    known = parts[parts["contribution"].notna()]
    assert np.allclose(known.groupby(known["customer_id"].astype("str"))["effective_weight"].sum(), 100)


def test_the_random_customers_reach_every_card_code_and_tier() -> None:
    """The properties above would prove little if the generator missed a case."""
    out = decide(customers(5, 2_000), POLICY, CATALOGUE, CONTEXT)
    assert set(out["score.risk_score"]["segment"]) == {"sole", "corporate", "small"}
    codes = {code for rule in POLICY.scoring.values() for code in rule.special}
    assert set(out["score.contribution"]["special_code"].dropna()) == codes
    assert set(out["decision.risk_tier"]["model_tier"]) >= {"medium", "high", "unrated"}
    actions = set(out["score.contribution"]["missing_action"].dropna())
    assert actions >= {"stale_decay", "stale_flag", "stale_drop_neutral", "stale_drop_reweight", "special_points", "neutral"}
