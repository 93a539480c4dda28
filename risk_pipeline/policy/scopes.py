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
    "factor.group_state",
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
    Field(
        "group_member_in_default",
        Kind.FLAG,
        "Another member of the group is in default or insolvent, and the customer is not shielded from it",
        "集团其他成员违约或破产，且该客户未被隔离",
    ),
)
# What the edges between the states of a customer may read beside the facts.
STATE_DERIVED = (
    Field("status_days", Kind.INTEGER, "Days in the present state", "处于当前状态的天数", "days"),
    Field("proposed_status", Kind.TEXT, "State that the knock-outs in force ask for", "否决规则要求的客户状态"),
    Field("new_knockout", Kind.FLAG, "A knock-out holds that did not at the last assessment", "新触发的否决规则"),
    Field(
        "proof",
        Kind.FLAG,
        "No knock-out asks for a suspension, no default event holds and no material debt is past due",
        "无暂停事由、无违约事件且无重大逾期",
    ),
    Field("cured", Kind.FLAG, "That proof has lasted as long as the policy asks", "上述证明已持续满政策规定的天数"),
    Field("probation_met", Kind.FLAG, "The needs of probation were met at enough month ends in a row", "观察期要求已连续达标"),
    Field(
        "plan_granted",
        Kind.FLAG,
        "An instalment plan was agreed since the present state began",
        "进入当前状态后签订了分期还款计划",
    ),
    Field(
        "plan_broken",
        Kind.FLAG,
        "An instalment plan was broken since the present state began",
        "进入当前状态后违反了分期还款计划",
    ),
    Field(
        "due_diligence_renewed",
        Kind.FLAG,
        "Documents or a judgement of the management, and a sanctions search, are newer than the present state",
        "进入当前状态后已更新尽职调查（资料或管理评价，及制裁名单查询）",
    ),
)
PROPOSED = ("suspended", "exit_proposed")
TIER_COLUMNS = ("tier", "periods_in_tier")


def _of_tables(*names: str) -> dict[str, Column]:
    constants = ("as_of", "run_id")  # of the run, not of a customer
    return {column.name: column for name in names for column in table(name).columns if column.name not in constants}


def _columns(table_name: str, *names: str) -> dict[str, Column]:
    return {name: table(table_name).column(name) for name in names}


FACTS: Scope = {**_of_tables(*FACT_TABLES), **{field.name: Column(field) for field in DERIVED}}
WITH_DEFAULT: Scope = {**FACTS, **_columns("decision.risk_tier", "in_default")}
WITH_STATE: Scope = {
    **WITH_DEFAULT,
    **_columns("decision.risk_tier", *TIER_COLUMNS, "status_periods"),
    **{field.name: Column(field, values=PROPOSED if field.kind is Kind.TEXT else ()) for field in STATE_DERIVED},
}
WITH_LIMIT: Scope = {
    **WITH_DEFAULT,
    **_columns("decision.risk_tier", "tier", "status"),
    **_columns("decision.credit_limit", "limit_reporting", "utilisation"),
}

# What rules of alerts compare beside them (decision/alert_facts.py).
ALERT_FACTS = (
    Field("score_drop", Kind.NUMBER, "Points by which the score fell since the last month end", "评分较上月末下降分数", "points"),
    Field("score_compared_with", Kind.TEXT, "The month end the score is compared with", "评分对比的月末日期"),
    Field(
        "order_to_limit",
        Kind.NUMBER,
        "Largest order of 30 days to the limit; 9.99 without a limit",
        "近30天最大订单占额度比例",
        "ratio",
    ),
    Field("contract_days_left", Kind.INTEGER, "Days until the last contract in force ends", "距有效合同全部到期的天数", "days"),
    Field("policy_terms_days", Kind.INTEGER, "Payment terms the policy has for tier and class", "政策规定账期", "days"),
    Field("unapplied_share", Kind.NUMBER, "Money received and not matched, to open items", "未核销回款占未清应收比例", "ratio"),
    Field(
        "lawsuit_to_net_worth",
        Kind.NUMBER,
        "Newest open suits to tangible net worth; 9.99 when that is not positive",
        "最近未结诉讼金额占有形净资产比例",
        "ratio",
    ),
)
WITH_ALERT_FACTS: Scope = {
    **WITH_LIMIT,
    **_columns("decision.risk_tier", "direction", "segment"),
    **_columns("score.risk_score", "score"),
    **{field.name: Column(field) for field in ALERT_FACTS},
}

# What reviews and treatments compare beside them (decision/reviews.py); `plan_kept` and the changes are known before the limit.
CHANGES = (
    Field("knockout_removed", Kind.FLAG, "A knock-out of the last assessment holds no longer", "上次触发的否决规则已解除"),
    Field("statement_new", Kind.FLAG, "Financial statement received since the last assessment", "上次评估后收到新财务报表"),
    Field(
        "security_changed",
        Kind.FLAG,
        "Newer facts about the customer's security since the last assessment",
        "上次评估后担保情况有变化",
    ),
    Field("plan_kept", Kind.FLAG, "An instalment plan is in force and was not broken", "有效分期还款计划且未违反"),
)
OUTCOMES = (
    Field("critical_alert", Kind.FLAG, "A critical early warning stands", "存在未关闭的严重预警"),
    Field("moved_in_steps", Kind.FLAG, "A cap on moves set the limit", "额度受单期调整幅度限制"),
)
WITH_CHANGES: Scope = {
    **WITH_STATE,
    **_columns("decision.risk_tier", "status", "direction"),
    **{field.name: Column(field) for field in CHANGES},
}
WITH_TREATMENT_FACTS: Scope = {
    **WITH_CHANGES,
    **WITH_ALERT_FACTS,
    **_columns("decision.credit_limit", "hold"),
    **{field.name: Column(field) for field in OUTCOMES},
}

SCOPES: Mapping[str, Scope] = {
    "facts": FACTS,
    "default": WITH_DEFAULT,
    "state": WITH_STATE,
    "limit": WITH_LIMIT,
    "alert": WITH_ALERT_FACTS,
    "carry": WITH_CHANGES,
    "review": WITH_TREATMENT_FACTS,
    "treatment": WITH_TREATMENT_FACTS,
}
# Where conditions stand in a policy, and which scope they have.
CONDITIONS: Mapping[str, str] = {
    "segments": "facts",
    "outside_scorecard": "facts",
    "default_definition.events": "facts",
    "knockouts": "default",
    "exit.edges": "state",
    "hold": "limit",
    "alerts": "alert",
    "terms_rules.legal_caps": "default",
    "reviews.decide_anew": "carry",
    "reviews.bring_forward": "review",
}


@lru_cache(maxsize=512)
def condition(text: str, scope: str) -> Expression:
    """The parsed condition in the scope of that name; ExpressionError when it cannot be read."""
    return parse(text, SCOPES[scope])
