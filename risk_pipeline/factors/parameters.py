"""What the factor SQL names $...: which figure of the policy each stands for, and its value.

Put here: the names. Keep out: the dates of a run (engine.factors), lists of the policy (engine.policy_tables) and what the SQL
makes of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from operator import attrgetter

from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.months import add_months

COMPONENTS = "exposure.components"
# Placeholder -> key of the policy whose value it is.
FIGURES: Mapping[str, str] = {
    "grace_days": "day_rules.grace_days",
    "shield_days": "day_rules.dispute_shield_days",
    "residual_abs": "day_rules.settled_residual.abs",
    "residual_share": "day_rules.settled_residual.share",
    "materiality_abs": "materiality.abs",
    "materiality_natural_person": "materiality.natural_person_abs",
    "materiality_share": "materiality.share_of_exposure",
    "open_orders_days": "exposure.open_orders_within_days",
    "weight_open_orders_near": f"{COMPONENTS}.open_orders",
    **{
        f"weight_{name}": f"{COMPONENTS}.{name}"
        for name in (
            "open_items",
            "bills_in_hand_commercial",
            "bills_in_hand_bank",
            "discounted_or_endorsed_with_recourse",
            "factored_with_recourse",
            "factored_without_recourse",
            "delivered_not_invoiced",
            "retention",
            "unapplied_cash",
            "unapplied_credits",
            "advance_payments_received",
        )
    },
    "default_industry_class": "industry_classes.default",
    "statement_max_age_days": "statement_usable.max_age_days_from_period_end",
    "statement_months_min": "statement_usable.months_min",
    "statement_balance_share": "statement_usable.balance_check_tolerance_share",
    "minor_claim": "evidence.minor_claim",
    "bureau_max_age_days": "evidence.bureau_max_age_days",
    "round_sum": "evidence.round_sum",
    "split_threshold": "evidence.split_threshold",
    "mismatch_haircut": "mitigants.currency_mismatch_haircut",
    "renewal_days": "mitigants.renewal_days",
    "notch_up_most": "notches.max_up",
    "notch_down_most": "notches.max_down",
    "notch_up_days": "notches.expiry_days_up",
    "notch_down_days": "notches.expiry_days_down",
    "manual_days": "limits.manual.expiry_days",
    "temporary_days": "limits.temporary.max_days",
    "release_days": "hold_release.max_days",
    "release_again_days": "hold_release.once_per_days",
    "verdict_days": "authorities.verdict_days",
}
# Placeholders that are worked out from a key.
WORKED_OUT: Mapping[str, str] = {
    "longest_terms_days": "terms",
    "adverse_from": "evidence.adverse_years_natural_person",
}


def figures_of(policy: Policy, as_of: date) -> dict[str, int | Decimal | date]:
    """The value of each placeholder. Shares and weights come as the decimals people wrote: 0.005, not its nearest double."""
    values = {name: attrgetter(key)(policy) for name, key in FIGURES.items()}
    exact = {name: Decimal(str(value)) if isinstance(value, float) else value for name, value in values.items()}
    return exact | {
        "longest_terms_days": max(days for by_tier in policy.terms.values() for days, _, _ in by_tier.values()),
        "adverse_from": add_months(as_of, -12 * policy.evidence.adverse_years_natural_person),
    }
