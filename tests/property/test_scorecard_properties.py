"""What must hold for every scorecard and every factor on it, asked of the shipped policy as it stands.

Nothing here names a factor: the factors, their directions, bins, special codes and evidence dates come from the policy and the
catalogue, so that a new factor is covered the day it is on a card. Values are drawn around the edges of its bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.contracts import FACTOR_TABLES, table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import prepare
from risk_pipeline.decision.scorecard import Scores, score_cards
from risk_pipeline.factors.catalogue import Factor
from risk_pipeline.policy.model import FactorRule
from tests.decision_facts import AS_OF, decide, fact_dtypes, many
from tests.decision_given import CATALOGUE, POLICY

CONTEXT = DecisionContext(AS_OF, "R1", "official", "EUR", evidence_feeds_configured=True)
ROWS = 120
TWINS = 40
CARDS = list(POLICY.scorecards)
DTYPES = fact_dtypes()


def draw(factor: Factor, rule: FactorRule, rng: np.random.Generator, rows: int) -> pd.Series:
    """Values around the edges of the bins; every category of the rule, and some it does not name."""
    if rule.values is not None:
        column = next(each.column(factor.id) for each in FACTOR_TABLES if factor.id in each)
        return pd.Series(rng.choice([*(column.values or rule.categories[:-1])], rows), dtype="str")
    edges = np.array(rule.edges or [0.0])
    span = max(1.0, float(edges[-1] - edges[0]))
    values = rng.choice(edges, rows) + rng.choice([0.0, 1e-9, -1e-9, 0.3, -0.3, 1, -1], rows) * span
    return pd.Series(np.floor(values) if DTYPES[factor.id] == "Int64" else values).astype(DTYPES[factor.id])


def customers(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Random customers with evidence of every kind and age, special codes and gaps."""
    rng = np.random.default_rng(seed)
    frame = many(rows, seed)
    dates = {factor.evidence: DTYPES[factor.evidence] for factor in CATALOGUE.factors if factor.reason}
    for name in dates:
        age = np.where(rng.random(rows) < 0.8, rng.integers(0, 7, rows), rng.integers(0, 800, rows))  # most of it fresh
        frame[name] = pd.Series(np.datetime64(AS_OF, "s") - age.astype("timedelta64[D]"))
    for factor in CATALOGUE.factors:
        rule = POLICY.scoring.get(factor.id)
        if rule is None:
            continue
        coded = rng.random(rows) < (0.1 if rule.special else 0)
        frame[factor.id] = draw(factor, rule, rng, rows).mask(coded | (rng.random(rows) < 0.05))
        if factor.codes:
            frame[f"{factor.id}_code"] = pd.Series(np.where(coded, rng.choice(list(rule.special), rows), None), dtype="str")
    frame["statement_usable"] = pd.Series(rng.random(rows) < 0.2).astype("boolean")
    return frame.astype(DTYPES)


def scored(frame: pd.DataFrame, card: str) -> Scores:
    place = np.full(len(frame), list(POLICY.scorecards).index(card), dtype=np.int16)
    return score_cards(prepare(frame, POLICY, CONTEXT), POLICY, place, CATALOGUE.scored(POLICY.scorecards[card]), AS_OF)


def worse(factor: Factor, rule: FactorRule, one: pd.Series, other: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The better and the worse of two values, by the factor's direction; categories by what the policy gives for them."""
    if rule.values is None:
        first_is_better = (one <= other) if factor.direction == "down" else (one >= other)
    else:
        points = {**rule.values}
        first_is_better = one.map(lambda v: points.get(v, points["else"])) >= other.map(lambda v: points.get(v, points["else"]))
    return one.where(first_is_better, other), other.where(first_is_better, one)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return customers(3)


@pytest.mark.parametrize("card", CARDS)
def test_worse_evidence_never_raises_the_score(frame: pd.DataFrame, card: str) -> None:
    """Every factor of the card in turn: the same customers with a better and a worse value of it, all turns in one frame."""
    rng, factors = np.random.default_rng(9), CATALOGUE.scored(POLICY.scorecards[card])
    turns = pd.concat([frame.iloc[:TWINS]] * (2 * len(factors)), ignore_index=True)
    for turn, factor in enumerate(factors):
        rule, rows = POLICY.scoring[factor.id], slice(2 * TWINS * turn, 2 * TWINS * (turn + 1))
        values = worse(factor, rule, draw(factor, rule, rng, TWINS), draw(factor, rule, rng, TWINS))
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


def test_neither_order_nor_batches_change_a_bit() -> None:
    frame = customers(4)
    mixed = frame.iloc[np.random.default_rng(1).permutation(ROWS)]
    whole = decide(frame, POLICY, CATALOGUE, CONTEXT)
    batches = [decide(part, POLICY, CATALOGUE, CONTEXT) for part in (mixed.iloc[:37], mixed.iloc[37:])]
    for name, expected in whole.items():
        keys = list(table(name).key)
        again = pd.concat([_pandas(name, batch[name]) for batch in batches]).sort_values(keys).reset_index(drop=True)
        expected_rows = _pandas(name, expected).sort_values(keys).reset_index(drop=True)
        pd.testing.assert_frame_equal(again, expected_rows, check_exact=True)


def _pandas(name: str, frame: pd.DataFrame) -> Any:
    return frame_to_arrow(table(name), frame).to_pandas()


def test_the_random_customers_reach_every_card_code_and_tier() -> None:
    """The properties above would prove little if the generator missed a case."""
    out = decide(customers(5, 2_000), POLICY, CATALOGUE, CONTEXT)
    assert set(out["score.risk_score"]["segment"]) == {"sole", "corporate", "small"}
    codes = {code for rule in POLICY.scoring.values() for code in rule.special}
    assert set(out["score.contribution"]["special_code"].dropna()) == codes
    assert set(out["decision.risk_tier"]["model_tier"]) >= {"medium", "high", "unrated"}
    actions = set(out["score.contribution"]["missing_action"].dropna())
    assert actions >= {"stale_decay", "stale_flag", "stale_drop_neutral", "stale_drop_reweight", "special_points", "neutral"}
