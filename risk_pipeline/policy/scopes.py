"""Which columns a condition of the policy may read, by the stage at which it is asked.

Put here: the scopes. Keep out: values; decisions supply them in this order: facts, default state, tier, limit and utilisation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from risk_pipeline.contracts import table
from risk_pipeline.contracts.table import Column, Field, Kind
from risk_pipeline.policy.expression import Expression, Scope, parse

FACT_TABLES = (
    "factor.customer_state",
    "factor.people_decision",
    "factor.financial_condition",
    "factor.due_diligence",
    "factor.credit_record",
    "factor.industry_region",
    "factor.market_environment",
    "factor.contract_collateral",
    "factor.collateral",
    "factor.behaviour",
    "factor.newest_event",
    "factor.exposure",
    "factor.transaction_history",
)

# Facts that come from the run and the policy, not from a table.
DERIVED = (
    Field("evidence_feeds_configured", Kind.FLAG, "The workspace has feeds beyond the ledger", "工作区配置了台账以外的数据源"),
    Field("materiality_abs", Kind.MONEY, "Amount below which debt is not material", "重要性金额门槛"),
)


def _of_tables(*names: str) -> dict[str, Column]:
    constants = ("as_of", "run_id")  # of the run, not of a customer
    return {column.name: column for name in names for column in table(name).columns if column.name not in constants}


def _columns(table_name: str, *names: str) -> dict[str, Column]:
    return {name: table(table_name).column(name) for name in names}


FACTS: Scope = {**_of_tables(*FACT_TABLES), **{field.name: Column(field) for field in DERIVED}}
WITH_DEFAULT: Scope = {**FACTS, **_columns("decision.risk_tier", "in_default")}
WITH_LIMIT: Scope = {
    **WITH_DEFAULT,
    **_columns("decision.risk_tier", "tier"),
    **_columns("decision.credit_limit", "limit_reporting", "utilisation"),
}

# What rules of alerts compare beside them (decision/alert_facts.py).
ALERT_FACTS = (
    Field("score_drop", Kind.NUMBER, "Points by which the score fell since the last month end", "评分较上月末下降分数", "points"),
    Field("score_compared_with", Kind.TEXT, "The month end the score is compared with", "评分对比的月末日期"),
    Field("order_to_limit", Kind.NUMBER, "Largest order of 30 days to the limit; 9.99 without a limit", "近30天最大订单占额度比例", "ratio"),
    Field("policy_terms_days", Kind.INTEGER, "Payment terms the policy has for tier and class", "政策规定账期", "days"),
    Field("unapplied_share", Kind.NUMBER, "Money received and not matched, to open items", "未核销回款占未清应收比例", "ratio"),
    Field("lawsuit_to_net_worth", Kind.NUMBER, "Newest open suits to tangible net worth; 9.99 when that is not positive",
          "最近未结诉讼金额占有形净资产比例", "ratio"),
)
WITH_ALERT_FACTS: Scope = {
    **WITH_LIMIT,
    **_columns("decision.risk_tier", "direction", "segment"),
    **_columns("score.risk_score", "score"),
    **{field.name: Column(field) for field in ALERT_FACTS},
}

SCOPES: Mapping[str, Scope] = {"facts": FACTS, "default": WITH_DEFAULT, "limit": WITH_LIMIT, "alert": WITH_ALERT_FACTS}
# Where conditions stand in a policy, and which scope they have.
CONDITIONS: Mapping[str, str] = {
    "segments": "facts",
    "outside_scorecard": "facts",
    "default_definition.events": "facts",
    "knockouts": "default",
    "hold": "limit",
    "alerts": "alert",
}


@lru_cache(maxsize=512)
def condition(text: str, scope: str) -> Expression:
    """The parsed condition in the scope of that name; ExpressionError when it cannot be read."""
    return parse(text, SCOPES[scope])
