"""What a decision needs to know beside facts and policy.

Put here: the constants of one run. Keep out: the clock and the environment; the caller fixes every value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from risk_pipeline.decision.alert_history import AlertHistory
from risk_pipeline.decision.treatment_history import TreatmentHistory


@dataclass(frozen=True)
class DecisionContext:
    """Constants of one run; `as_of` is the date of every decision in it.

    `alerts`, `treatments`: what is known of them before, of these customers at least; None = nothing.
    """

    as_of: date
    run_id: str
    run_label: str
    reporting_currency: str
    evidence_feeds_configured: bool = False
    alerts: AlertHistory | None = None
    treatments: TreatmentHistory | None = None
