"""The mart: tables ready for reports, joined and labelled, only the newest published assessment.

Put here: which columns they have. Keep out: new facts (a mart only joins), what a column means (the fields_*.py files).
"""

from __future__ import annotations

from risk_pipeline.contracts.decision import RUN_LABELS, TIERS
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

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
            " previous_tier direction binding_rule in_default score grade pd pd_status coverage_pct confidence_pct currency"
            " credit_limit limit_reporting limit_reason payment_terms_days settlement_cycle prepayment_pct open_exposure"
            " total_exposure overdue max_days_past_due max_dpd_material utilisation headroom hold hold_reasons reasons_en"
            " reasons_zh policy_version run_label",
            required="as_of run_id tier tier_label_en tier_label_zh direction in_default currency open_exposure total_exposure"
            " overdue hold policy_version run_label",
            values={
                "tier": " ".join(TIERS),
                "previous_tier": " ".join(TIERS),
                "direction": "new up down same",
                "pd_status": "expert calibrated",
                "run_label": " ".join(RUN_LABELS),
            },
        ),
    ),
)
