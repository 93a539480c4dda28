"""The score tables: the score of every customer, and what each factor contributed.

Put here: which columns they have. Keep out: what a column means (fields_decision.py), how a score is computed (decision/).
"""

from __future__ import annotations

from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

SCORE_TABLES: tuple[Table, ...] = (
    Table(
        layer="score",
        name="risk_score",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Risk score, probability of default and grade; a PD marked expert is judgement, not a calibrated estimate",
        zh="风险评分、违约概率与等级；标注 expert 的违约概率为专家判断，未经校准",
        key=("as_of", "customer_id"),
        columns=columns(
            "as_of customer_id run_id segment scorecard_id policy_version score pd pd_status grade scaled_score"
            " coverage_pct confidence_pct reweight_factor credit_subtotal operational_subtotal market_subtotal legal_subtotal"
            " reputation_subtotal",
            required="run_id policy_version",
            values={"pd_status": "expert calibrated"},
        ),
    ),
    Table(
        layer="score",
        name="contribution",
        grain="one row per customer, factor and assessment date",
        owner="credit_risk",
        en="What each factor contributed to the score, and what it cost",
        zh="各因子对评分的贡献与失分",
        key=("as_of", "customer_id", "factor"),
        columns=columns(
            "as_of customer_id run_id factor value value_text bin points weight effective_weight contribution points_lost"
            " reason_rank reason_code special_code missing missing_action evidence_date evidence_age_days risk_type",
            required="run_id weight missing risk_type",
            values={"risk_type": "credit operational market legal reputation"},
        ),
    ),
)
