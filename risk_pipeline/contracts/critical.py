"""The critical data elements: the columns that decide how much a customer may owe us, or that a supervisor asks for first.

Put here: which columns, and why each is critical. Keep out: what a column means (fields_*.py), who owns it (the tables), where it
comes from and what checks it (derived: pipeline.critical_elements).

A column belongs here when a wrong value of it changes a tier, a limit, a hold or a reported exposure by itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Critical:
    """A critical column: full name of its table, its name, and the reason in English and Chinese."""

    table: str
    column: str
    en: str
    zh: str


_WHAT_IS_OWED = ("what is owed rests on it", "应收余额的基础")
_HOW_LATE = ("how late payment is rests on it", "逾期天数的基础")
_WHO = ("who owes, and whose limits are added up", "债务人身份及集团合并的依据")

CRITICAL: tuple[Critical, ...] = (
    Critical("feed.invoice", "customer_id", *_WHO),
    Critical("feed.invoice", "amount", *_WHAT_IS_OWED),
    Critical("feed.invoice", "currency", *_WHAT_IS_OWED),
    Critical("feed.invoice", "invoice_date", *_HOW_LATE),
    Critical("feed.invoice", "due_date", *_HOW_LATE),
    Critical("feed.payment", "amount", *_WHAT_IS_OWED),
    Critical("feed.payment", "payment_date", *_HOW_LATE),
    Critical("feed.fx_rate", "rate", "every amount in reporting currency is multiplied by it", "所有本位币金额的折算依据"),
    Critical("feed.customer", "customer_id", *_WHO),
    Critical("feed.customer", "legal_form", "chooses scorecard and legal rules", "决定评分卡与适用的法律规则"),
    Critical("feed.due_diligence_finding", "kind", "strikes knock-out rules", "触发否决规则"),
    Critical("feed.override", "verdict", "a person's decision in place of the model's", "以人工决定替代模型结果"),
    Critical("feed.limit_decision", "verdict", "puts a computed limit into force, or not", "决定测算额度是否生效"),
    Critical(
        "factor.exposure",
        "total_exposure",
        "the exposure that is reported and held against the limit",
        "对外报告并与额度比较的敞口",
    ),
    Critical("factor.exposure", "overdue", "what is past due and not disputed", "无争议的逾期金额"),
    Critical("factor.exposure", "max_days_past_due", "default and several knock-outs rest on it", "违约认定及否决规则的依据"),
    Critical("factor.due_diligence", "sanctions_confirmed", "a hit forbids business by law", "命中制裁名单即依法禁止交易"),
    Critical("factor.group_state", "group_key", "whose limits and defaults count together", "集团合并授信与违约传染的依据"),
    Critical("score.risk_score", "score", "the order of all customers by risk", "客户风险排序"),
    Critical("score.risk_score", "pd", "expected loss and the price of risk", "预期损失与风险定价"),
    Critical("decision.risk_tier", "tier", "the decision on the customer", "客户风险决策"),
    Critical("decision.risk_tier", "in_default", "the state of default that is reported", "对外报告的违约状态"),
    Critical("decision.risk_tier", "knockouts", "why a tier is forced, whatever the score", "强制定级的原因"),
    Critical("decision.credit_limit", "credit_limit", "how much the customer may owe us", "客户最高授信额度"),
    Critical("decision.credit_limit", "limit_reporting", "the limit as it is added up and reported", "汇总与报告口径的额度"),
    Critical("decision.credit_limit", "hold", "stops deliveries", "停止发货"),
    Critical("decision.credit_limit", "payment_terms_days", "for how long we lend", "账期长度"),
)
