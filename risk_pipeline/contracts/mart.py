"""The mart: tables ready for reports, joined and labelled, only the newest published assessment.

Put here: which columns they have. Keep out: new facts (a mart only joins), what a column means (the fields_*.py files).
"""

from __future__ import annotations

from risk_pipeline.contracts.decision import RUN_LABELS, SEVERITIES, TIERS
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

PORTFOLIO_DIMENSIONS = ("all", "concentration", "country", "industry", "override", "segment", "tier")

MART_TABLES: tuple[Table, ...] = (
    Table(
        layer="mart",
        name="current_risk",
        grain="one row per customer",
        owner="credit_risk",
        en="Where every customer stands in the newest published assessment; `currency` is the currency of the limit",
        zh="最新已发布评估中的客户现状（币种为授信币种）",
        key=("customer_id",),
        columns=columns(
            "as_of customer_id run_id name country_code account_manager segment tier tier_label_en tier_label_zh"
            " previous_tier direction binding_rule in_default status status_since score grade pd pd_status coverage_pct"
            " confidence_pct currency credit_limit limit_reporting limit_reason payment_terms_days settlement_cycle"
            " prepayment_pct open_exposure total_exposure overdue max_days_past_due max_dpd_material utilisation headroom"
            " hold hold_reasons reasons_en reasons_zh policy_version run_label",
            required="as_of run_id tier tier_label_en tier_label_zh direction in_default currency open_exposure total_exposure"
            " overdue hold policy_version run_label",
            values={
                "tier": " ".join(TIERS),
                "previous_tier": " ".join(TIERS),
                "status": " ".join(STATUSES),
                "direction": "new up down same",
                "pd_status": "expert calibrated",
                "run_label": " ".join(RUN_LABELS),
            },
        ),
    ),
    Table(
        layer="mart",
        name="worklist",
        grain="one row per customer with something to do",
        owner="credit_risk",
        en="Who to look at first, by exposure at risk, and what to begin with",
        zh="工作清单：按风险敞口排序，并列出首要措施",
        key=("rank",),
        columns=columns(
            "as_of customer_id run_id rank name account_manager tier tier_label_en tier_label_zh status in_default"
            " exposure_at_risk total_exposure secured_exposure overdue max_days_past_due default_probability limit_reporting"
            " utilisation hold approval_status next_action next_action_en next_action_zh reason_en reason_zh rule owner_role"
            " due_date priority open_treatments open_alerts gravest_alert next_review_date reporting_currency run_label",
            required="as_of run_id customer_id tier tier_label_en tier_label_zh exposure_at_risk total_exposure next_action"
            " next_action_en next_action_zh owner_role due_date priority open_treatments open_alerts reporting_currency"
            " run_label",
            values={
                "tier": " ".join(TIERS),
                "status": " ".join(STATUSES),
                "approval_status": "auto pending approved rejected",
                "gravest_alert": " ".join(SEVERITIES),
                "run_label": " ".join(RUN_LABELS),
            },
        ),
    ),
    Table(
        layer="mart",
        name="portfolio",
        grain="one row per part of the portfolio",
        owner="credit_risk",
        en="The portfolio in sums by tier, class, industry and country, concentration and expected loss against the policy",
        zh="组合汇总：按等级、分群、行业、国家统计，并与政策的集中度上限和损失预算比较",
        key=("dimension", "member"),
        columns=columns(
            "as_of run_id dimension member member_en member_zh customers total_exposure overdue secured_exposure limit_reporting"
            " expected_loss loss_budget exposure_share share_cap customer_share customer_share_cap over_cap reporting_currency"
            " run_label",
            required="as_of run_id member_en member_zh customers total_exposure overdue secured_exposure limit_reporting"
            " expected_loss over_cap reporting_currency run_label",
            values={"dimension": " ".join(PORTFOLIO_DIMENSIONS), "run_label": " ".join(RUN_LABELS)},
        ),
    ),
)
