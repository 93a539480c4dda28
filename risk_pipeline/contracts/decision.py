"""The decision tables: tier, credit limit with terms, the candidates behind the limit, early warnings, treatments, reviews.

Put here: which columns they have, and the closed lists. Keep out: what a column means (fields_decision.py), how a decision
is made (decision/), thresholds (the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.factor_people import VALUES
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

TIERS = ("low", "medium", "high", "restricted", "unrated", "not_rated")
OVERRIDE_STANDINGS = "in_force reduced needs_authority hard_stop not_effective"
RUN_LABELS = ("official", "reconstructed", "simulation")
SEVERITIES = ("low", "medium", "high", "critical")
ALERT_STATES = ("open", "acknowledged", "snoozed", "closed")
TREATMENT_STATES = ("open", "done", "waived", "superseded")

DECISION_TABLES: tuple[Table, ...] = (
    Table(
        layer="decision",
        name="risk_tier",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Risk tier of every customer, the rule that decided it, and the default state",
        zh="客户风险等级、决定规则及违约状态",
        key=("as_of", "customer_id"),
        columns=columns(
            "as_of customer_id run_id segment segment_held_on tier model_tier hysteresis_tier notched_tier knockout_ceiling"
            " notch_steps notch_id notch_expires_on notch_status override_pending override_rejected override_violation"
            " override_violation_id override_lapsed_on override_lapsed_id state_pending"
            " knockouts binding_rule previous_tier direction periods_in_tier hysteresis_periods_met last_downgrade_on"
            " month_end_score in_default default_since default_cleared_on default_wait_days default_events"
            " status status_since status_periods status_before status_rule status_cleared_on status_wait_days cure_ceiling"
            " decided_on valid_to run_label",
            required="run_id tier knockouts direction in_default decided_on run_label",
            values={
                "tier": " ".join(TIERS),
                "model_tier": " ".join(TIERS),
                "hysteresis_tier": " ".join(TIERS),
                "notched_tier": " ".join(TIERS),
                "knockout_ceiling": " ".join(TIERS),
                "previous_tier": " ".join(TIERS),
                "cure_ceiling": " ".join(TIERS),
                "status": " ".join(STATUSES),
                "status_before": " ".join(STATUSES),
                "state_pending": " ".join(STATUSES),
                "notch_status": "in_force not_effective",
                **VALUES,
                "direction": "new up down same",
                "run_label": " ".join(RUN_LABELS),
            },
        ),
    ),
    Table(
        layer="decision",
        name="credit_limit",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Credit limit, payment terms and hold; `currency` is the credit currency",
        zh="信用额度、账期与冻结状态（币种为授信币种）",
        key=("as_of", "customer_id"),
        columns=columns(
            "as_of customer_id run_id currency credit_limit limit_reporting reporting_currency fx_rate_used binding_method"
            " limit_reason computed_limit effective_limit approval_status required_authority applied_source previous_limit"
            " period_start_limit"
            " valid_to payment_terms_days settlement_cycle prepayment_pct terms_reason proposed_terms_days"
            " price_class_change unsecured_limit secured_amount secured_exposure"
            " manual_limit manual_limit_id manual_limit_expires_on manual_limit_status temporary_limit temporary_limit_id"
            " temporary_limit_until temporary_limit_status"
            " total_exposure utilisation headroom hold hold_reasons hold_release_id hold_release_until hold_release_status",
            required="run_id currency reporting_currency total_exposure hold hold_reasons",
            values={
                "approval_status": "auto pending approved rejected",
                "applied_source": "computed manual hard_stop",
                "manual_limit_status": OVERRIDE_STANDINGS,
                "temporary_limit_status": OVERRIDE_STANDINGS,
                "hold_release_status": "in_force hard_stop not_effective",
            },
        ),
    ),
    Table(
        layer="decision",
        name="limit_candidate",
        grain="one row per customer, method and assessment date",
        owner="credit_risk",
        en="Every limit that was considered, in reporting currency, with its inputs",
        zh="所有候选额度（报告币种）及其测算输入",
        key=("as_of", "customer_id", "method"),
        columns=columns(
            "as_of customer_id run_id method kind candidate_limit inputs is_binding",
            required="run_id kind inputs is_binding",
            values={"kind": "need capacity secured cap"},
        ),
    ),
    Table(
        layer="decision",
        name="alert",
        grain="one row per customer, alert and assessment date",
        owner="credit_risk",
        en="Early warnings: what was noticed, how grave, what to do, who and until when, and what people did about it",
        zh="预警：指标、信号、严重程度、应对措施、责任人与期限，以及处理情况",
        key=("as_of", "customer_id", "alert_id"),
        columns=columns(
            "as_of customer_id run_id alert_id rule alert_object indicator severity value_text threshold_text signal_en"
            " signal_zh measures first_seen last_seen state owner_role due_date escalated_to playbook acted_by acted_on until"
            " reason_text",
            required="run_id rule indicator severity threshold_text signal_en signal_zh measures first_seen last_seen state"
            " owner_role due_date",
            values={"severity": " ".join(SEVERITIES), "state": " ".join(ALERT_STATES)},
        ),
    ),
    Table(
        layer="decision",
        name="treatment",
        grain="one row per customer, action and assessment date",
        owner="credit_risk",
        en="What is to be done about each customer: by tier, overdue stage and early warnings, each action once",
        zh="客户管理措施：按等级、逾期阶段与预警提出，同一措施只列一次",
        key=("as_of", "customer_id", "treatment_id"),
        columns=columns(
            "as_of customer_id run_id treatment_id action action_en action_zh rule reason_en reason_zh rules rules_since"
            " priority owner_role first_seen due_date state acted_by acted_on reason_text",
            required="run_id action action_en action_zh rule reason_en reason_zh rules rules_since priority owner_role"
            " first_seen due_date state",
            values={"state": " ".join(TREATMENT_STATES)},
        ),
    ),
    Table(
        layer="decision",
        name="review",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="When each customer is looked at again and why, and whether its limit was carried forward",
        zh="客户下次复评日期与原因，以及额度是否沿用",
        key=("as_of", "customer_id"),
        columns=columns(
            "as_of customer_id run_id next_review_date review_interval_days review_reason review_reason_en review_reason_zh"
            " reviewed_on carried_forward",
            required="run_id carried_forward",
        ),
    ),
)
