"""Scores and decisions: one pass over the customers fills every table, so they are one step with several assets.

Put here: the step, and which table is made from which. Keep out: scoring and deciding (risk_pipeline.decision).
"""

from collections.abc import Iterator
from graphlib import TopologicalSorter

import dagster as dg

from risk_pipeline.orchestration.resource import Assessment
from risk_pipeline.orchestration.results import materialised
from risk_pipeline.orchestration.specs import spec
from risk_pipeline.pipeline.marts import MADE_FROM as MARTS_FROM
from risk_pipeline.pipeline.run import DECIDE_TABLES
from risk_pipeline.policy.scopes import FACT_TABLES

MADE_FROM = {
    "score.risk_score": (*FACT_TABLES, "audit.run"),  # the run holds the policy and the decisions before
    "score.contribution": (*FACT_TABLES, "score.risk_score"),
    "decision.risk_tier": (*FACT_TABLES, "score.risk_score"),
    "decision.credit_limit": (*FACT_TABLES, "score.risk_score", "decision.risk_tier", "decision.limit_candidate"),
    "decision.limit_candidate": (*FACT_TABLES, "score.risk_score", "decision.risk_tier"),
    "decision.alert": (*FACT_TABLES, "feed.alert_action", "score.risk_score", "decision.risk_tier", "decision.credit_limit"),
    "decision.treatment": (
        *FACT_TABLES,
        "feed.treatment_action",
        "decision.alert",
        "decision.risk_tier",
        "decision.credit_limit",
    ),
    "decision.review": (*FACT_TABLES, "decision.alert", "decision.risk_tier", "decision.credit_limit"),
    "mart.worklist": MARTS_FROM,
    "mart.portfolio": MARTS_FROM,
    "mart.current_risk": (*FACT_TABLES, "score.risk_score", "score.contribution", "decision.risk_tier", "decision.credit_limit"),
}
ORDER = [name for name in TopologicalSorter(MADE_FROM).static_order() if name in MADE_FROM]  # Dagster insists on it


@dg.multi_asset(name="decide", specs=[spec(name, MADE_FROM[name]) for name in DECIDE_TABLES])
def decide(context: dg.AssetExecutionContext, assessment: Assessment) -> Iterator[dg.MaterializeResult]:
    """Score, tier, limit and terms of every customer, from its facts, the policy and the previous published decisions."""
    with assessment.step(context) as run:
        staged = run.decide()
        results = [materialised(run, staged[name]) for name in ORDER]
    yield from results
