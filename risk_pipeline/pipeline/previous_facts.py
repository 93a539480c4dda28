"""What decide is told of the assessment before: facts that begin with `previous_`.

Put here: which columns of which published tables. Keep out: which assessment that is (run.py) and what becomes of them
(decision).
"""

from __future__ import annotations

from collections.abc import Mapping

from risk_pipeline.contracts import Kind

# The published tables by the alias under which the columns below name them.
PREVIOUS_TABLES: Mapping[str, str] = {"t": "decision.risk_tier", "l": "decision.credit_limit", "r": "decision.review"}
# Fact -> its source and kind.
PREVIOUS_COLUMNS: Mapping[str, tuple[str, Kind]] = {
    "previous_tier": ("t.tier", Kind.TEXT),
    "previous_in_default": ("t.in_default", Kind.FLAG),
    "previous_default_since": ("t.default_since", Kind.DATE),
    "previous_default_cleared_on": ("t.default_cleared_on", Kind.DATE),
    "previous_periods_in_tier": ("t.periods_in_tier", Kind.INTEGER),
    "previous_as_of": ("t.as_of", Kind.DATE),
    "previous_segment": ("t.segment", Kind.TEXT),
    "previous_segment_held_on": ("t.segment_held_on", Kind.DATE),
    "previous_hysteresis_tier": ("t.hysteresis_tier", Kind.TEXT),
    "previous_hysteresis_periods_met": ("t.hysteresis_periods_met", Kind.INTEGER),
    "previous_last_downgrade_on": ("t.last_downgrade_on", Kind.DATE),
    "previous_month_end_score": ("t.month_end_score", Kind.NUMBER),
    "previous_default_wait_days": ("t.default_wait_days", Kind.INTEGER),
    "previous_knockouts": ("t.knockouts", Kind.TEXT),
    "previous_status": ("t.status", Kind.TEXT),
    "previous_status_since": ("t.status_since", Kind.DATE),
    "previous_status_periods": ("t.status_periods", Kind.INTEGER),
    "previous_status_before": ("t.status_before", Kind.TEXT),
    "previous_status_rule": ("t.status_rule", Kind.TEXT),
    "previous_status_cleared_on": ("t.status_cleared_on", Kind.DATE),
    "previous_status_wait_days": ("t.status_wait_days", Kind.INTEGER),
    "previous_cure_ceiling": ("t.cure_ceiling", Kind.TEXT),
    "previous_limit": ("l.limit_reporting", Kind.MONEY),
    "previous_computed_limit": ("l.computed_limit", Kind.MONEY),
    "previous_effective_limit": ("l.effective_limit", Kind.MONEY),
    "previous_next_review_date": ("r.next_review_date", Kind.DATE),
    "previous_reviewed_on": ("r.reviewed_on", Kind.DATE),
}
