"""Fields of treatments, reviews, terms and the marts made of them.

Put here: columns that first appear in decision.treatment, decision.review, mart.worklist or mart.portfolio, and the terms of
decision.credit_limit beside days, cycle and prepayment. Keep out: the rules (policy `treatments`, `dunning`, `reviews`,
`terms_rules`), and what alerts and treatments share (fields_alert.py).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind

# fmt: off
FIELDS: tuple[Field, ...] = (
    # treatment
    Field("action_en", Kind.TEXT, "What is to be done, in English", "管理措施（英文）"),
    Field("action_zh", Kind.TEXT, "What is to be done, in Chinese", "管理措施（中文）"),
    Field("reason_en", Kind.TEXT, "Why, in English", "原因（英文）"),
    Field("reason_zh", Kind.TEXT, "Why, in Chinese", "原因（中文）"),
    Field("rules", Kind.TEXT, "All rules that ask for it, separated by commas", "提出该措施的全部规则，逗号分隔"),
    Field("rules_since", Kind.TEXT, "Since when each of them asks for it, in their order", "各规则起始日期，与规则顺序一致"),
    # review
    Field("next_review_date", Kind.DATE, "Day by which the customer is looked at again", "下次复评日"),
    Field("review_interval_days", Kind.INTEGER, "Days from this review to the next, by tier", "复评间隔天数（按等级）", "days"),
    Field("review_reason", Kind.TEXT, "Why the next review is when it is: scheduled, or the rule that brings it forward",
          "复评原因：定期，或触发提前复评的规则"),
    Field("review_reason_en", Kind.TEXT, "Reason for the review, in English", "复评原因（英文）"),
    Field("review_reason_zh", Kind.TEXT, "Reason for the review, in Chinese", "复评原因（中文）"),
    Field("reviewed_on", Kind.DATE, "Assessment at which limit and terms were last decided anew",
          "额度与账期最近一次重新核定的评估日"),
    Field("carried_forward", Kind.FLAG, "No review was due: the limit stands as decided before, if that is possible today",
          "未到复评日：额度沿用上次核定结果（不超过当日上限）"),
    # terms
    Field("terms_reason", Kind.TEXT, "What set the payment terms: tier, incentive, contract, law, insurer, prepayment",
          "账期依据：等级、激励、合同、法定上限、承保账期或预付"),
    Field("proposed_terms_days", Kind.INTEGER, "Shorter payment terms at which the sales would fit the limit; "
          "empty = no proposal",
          "建议缩短后的账期（使销售额与额度匹配）；为空表示无建议", "days"),
    Field("price_class_change", Kind.INTEGER, "Steps of the price class given as an incentive; negative = cheaper",
          "激励给予的价格等级调整；负数为更优惠", "steps"),
    # worklist
    Field("rank", Kind.INTEGER, "Place on the list, 1 first", "排序，1 为最先", "rank"),
    Field("exposure_at_risk", Kind.MONEY, "Exposure that no security covers x probability of default; in default, all of it",
          "风险敞口 = 无担保敞口 × 违约概率；已违约者按全额", REPORTING),
    Field("default_probability", Kind.NUMBER, "PD used for sums: 1 in default, that of the tier without a score, the larger "
          "of both where something else than the score decided the tier",
          "汇总所用违约概率：已违约为 1，无评分者取等级对应值，等级非由评分决定者取两者较大值", "probability"),
    Field("next_action", Kind.TEXT, "Action of the policy to begin with", "首要措施"),
    Field("next_action_en", Kind.TEXT, "Action to begin with, in English", "首要措施（英文）"),
    Field("next_action_zh", Kind.TEXT, "Action to begin with, in Chinese", "首要措施（中文）"),
    Field("open_treatments", Kind.INTEGER, "Actions that are open", "未完成措施数", "count"),
    Field("open_alerts", Kind.INTEGER, "Alerts that are open or acknowledged", "未关闭预警数", "count"),
    Field("gravest_alert", Kind.TEXT, "Gravest severity among them; empty = none", "未关闭预警中的最高级别；为空表示无"),
    # portfolio
    Field("dimension", Kind.TEXT, "How the portfolio is divided in this row", "组合划分维度"),
    Field("member", Kind.TEXT, "Part of the portfolio", "组合部分"),
    Field("member_en", Kind.TEXT, "Part of the portfolio, in English", "组合部分（英文）"),
    Field("member_zh", Kind.TEXT, "Part of the portfolio, in Chinese", "组合部分（中文）"),
    Field("customers", Kind.INTEGER, "Number of customers counted", "客户数", "count"),
    Field("expected_loss", Kind.MONEY, "Probability of default x loss given default x exposure that no security covers",
          "预期损失 = 违约概率 × 违约损失率 × 无担保敞口", REPORTING),
    Field("loss_budget", Kind.MONEY, "Expected loss the policy allows for the sales of 12 months",
          "政策允许的预期损失预算（按近12个月销售额）",
          REPORTING),
    Field("exposure_share", Kind.NUMBER, "Share of the total exposure of the portfolio", "占组合总敞口比例", "ratio"),
    Field("share_cap", Kind.NUMBER, "Largest share the policy wants; empty = no cap",
          "政策规定的最大占比；为空表示无上限", "ratio"),
    Field("customer_share", Kind.NUMBER, "Share of all customers of the portfolio", "占组合客户数比例", "ratio"),
    Field("customer_share_cap", Kind.NUMBER, "Largest share of customers the policy wants; empty = no cap",
          "政策规定的最大客户数占比；为空表示无上限", "ratio"),
    Field("over_cap", Kind.FLAG, "Over the cap or the budget of the policy", "是否超过政策上限或预算"),
)
# fmt: on
