"""Decisions with a given score: what follows from it, as one dict per customer. For golden cases and unit tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from risk_pipeline.decision import tables
from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import Scored, decide_scored, prepare
from risk_pipeline.decision.scorecard import score_cards
from risk_pipeline.decision.tables import Decided
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy, Segment
from tests.decision_facts import AS_OF, facts

CATALOGUE = load_catalogue()
POLICY = load_policy(None, CATALOGUE, as_of=AS_OF)
UNRATED_BY_COVERAGE = 2  # position in tiers.MODEL_RULES


def context(as_of: date = AS_OF) -> DecisionContext:
    """The constants of a run at `as_of`."""
    return DecisionContext(as_of, "R1", "official", "EUR")


def with_segment(customer_class: str, ceiling: str | None = None) -> Policy:
    """The shipped policy with one segment that takes caps and terms of `customer_class`."""
    segment = Segment(id=customer_class, when="true", scorecard="ledger", caps_and_terms_of=customer_class, ceiling=ceiling)
    return POLICY.model_copy(update={"segments": (segment,)})


@dataclass(frozen=True)
class Outcome:
    """Tier and limit columns of one customer in currency units, and its candidates by method."""

    row: dict[str, Any]
    candidates: dict[str, float]

    def __getattr__(self, name: str) -> Any:
        return self.row[name]

    @property
    def terms(self) -> tuple[int, str, float]:
        """Days, cycle, prepayment in percent."""
        return self.row["payment_terms_days"], self.row["settlement_cycle"], self.row["prepayment_pct"]


def given(score: float | None, *, policy: Policy | None = None, as_of: date = AS_OF, **changes: Any) -> Outcome:
    """The decision about one customer whose score is given; None = unrated for want of coverage."""
    policy = policy or with_segment("corporate")
    decided = with_scores(facts(changes), [score], policy, context(as_of))
    frames = [tables.tier_frame(decided, policy, context(as_of)), tables.limit_frame(decided, policy, context(as_of))]
    row = {name: _plain(frame[name].iloc[0]) for frame in frames for name in frame if name not in ("valid_to",)}
    row["tier_valid_to"], row["limit_valid_to"] = (_plain(frame["valid_to"].iloc[0]) for frame in frames)
    for name in ("credit_limit", "limit_reporting", "unsecured_limit", "headroom", "total_exposure"):
        row[name] = None if row[name] is None else row[name] / 100
    candidates = tables.candidate_rows(decided, context(as_of)).to_pylist()
    return Outcome(row, {each["method"]: float(each["candidate_limit"]) for each in candidates})


def decided_frames(
    customers: pd.DataFrame, scores: Any, policy: Policy, as_of: date = AS_OF
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """decision.risk_tier and decision.credit_limit of many customers whose scores are given, in hundredths; -1 = unrated."""
    decided = with_scores(customers, [None if score < 0 else score / 100 for score in scores], policy, context(as_of))
    return tables.tier_frame(decided, policy, context(as_of)), tables.limit_frame(decided, policy, context(as_of))


def with_scores(customers: pd.DataFrame, scores: Sequence[float | None], policy: Policy, constants: DecisionContext) -> Decided:
    """What is decided of customers whose scores are given; None = unrated for want of coverage."""
    view = prepare(customers, policy, constants)
    known = np.array([score is not None for score in scores])
    scored = Scored(
        score=np.array([round((score or 0) * 100) for score in scores], dtype=np.int64),
        known=known,
        model_rule=np.where(known, 0, UNRATED_BY_COVERAGE).astype(np.int16),
        cards=score_cards(view, policy, np.full(len(view), -1, dtype=np.int16), (), constants.as_of),
    )
    return decide_scored(view, policy, CATALOGUE, constants, assign(view, policy, constants.as_of), scored)


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    return value.date() if isinstance(value, pd.Timestamp) else value.item() if isinstance(value, np.generic) else value
