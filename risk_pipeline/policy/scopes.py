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
    "factor.financial_condition",
    "factor.due_diligence",
    "factor.credit_record",
    "factor.industry_region",
    "factor.market_environment",
    "factor.contract_collateral",
    "factor.behaviour",
    "factor.exposure",
    "factor.transaction_history",
)

# Facts that come from the run and the policy, not from a table.
DERIVED = (
    Field(
        "evidence_feeds_configured",
        Kind.FLAG,
        "A bureau report or a financial statement of any customer is "
        "known at the assessment date: there is more than a ledger to go by",
        "评估日已有任一客户的征信报告或财务报表，即不止台账数据",
    ),
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

SCOPES: Mapping[str, Scope] = {"facts": FACTS, "default": WITH_DEFAULT, "limit": WITH_LIMIT}
# Where conditions stand in a policy, and which scope they have.
CONDITIONS: Mapping[str, str] = {
    "segments": "facts",
    "outside_scorecard": "facts",
    "default_definition.events": "facts",
    "knockouts": "default",
    "hold": "limit",
}


@lru_cache(maxsize=512)
def condition(text: str, scope: str) -> Expression:
    """The parsed condition in the scope of that name; ExpressionError when it cannot be read."""
    return parse(text, SCOPES[scope])
