"""The result tables: what was decided, laid out as the contracts say.

Put here: one function per table. Keep out: decisions; a column here is a value of `Decided`, a constant of the run, or one of
them looked up in the policy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from risk_pipeline.contracts.feed_people import STATUSES as STATES
from risk_pipeline.decision.alerts import Alerts, alert_rows
from risk_pipeline.decision.assign import Assigned
from risk_pipeline.decision.authority import STATUSES, Approval
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.contributions import contributions
from risk_pipeline.decision.defaults import DefaultState
from risk_pipeline.decision.frames import (
    Categorical,
    Column,
    add_days,
    categorical,
    constant,
    constant_date,
    frame,
    joined,
    nullable,
)
from risk_pipeline.decision.hold import Hold, hold_ids
from risk_pipeline.decision.knockouts import Knocked, stop_ids
from risk_pipeline.decision.lifecycle import AWAY, States
from risk_pipeline.decision.limits import BELOW_SMALLEST, NO_BASIS, SOURCES, Limits, in_credit_currency
from risk_pipeline.decision.overrides import STANDINGS, ByPeople, Standing
from risk_pipeline.decision.pd import curve
from risk_pipeline.decision.reasons import Reasons
from risk_pipeline.decision.reviews import Reviews, review_frame
from risk_pipeline.decision.rows import arrow_rows, coded, money
from risk_pipeline.decision.scorecard import HUNDRED, Scores
from risk_pipeline.decision.terms import TermsGiven
from risk_pipeline.decision.tier_codes import tier_names
from risk_pipeline.decision.tiers import DIRECTIONS, Tiers, binding_names, direction, periods_in_tier
from risk_pipeline.decision.treatments import Treatments, treatment_rows
from risk_pipeline.policy.facts import Bools, Facts, Ints, Vector
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.months import is_month_end

RISK_TYPES = ("credit", "operational", "market", "legal", "reputation")


@dataclass(frozen=True)
class Decided:
    """Everything decided about the customers of `facts`, row by row."""

    facts: Facts
    assigned: Assigned
    score: Ints  # hundredths
    score_known: Bools
    cards: Scores
    default: DefaultState
    states: States
    knocked: Knocked
    tiers: Tiers
    limits: Limits
    approval: Approval
    people: ByPeople
    terms: TermsGiven
    used: Vector
    hold: Hold
    release: Standing
    alerts: Alerts
    reviews: Reviews
    treatments: Treatments
    reasons: Reasons

    def __len__(self) -> int:
        return len(self.facts)


def all_tables(decided: Decided, policy: Policy, context: DecisionContext) -> dict[str, pd.DataFrame | pa.Table]:
    """The result tables by full name: frames, and as Arrow those of several rows per customer."""
    score = score_frame(decided, policy, context)
    tier = tier_frame(decided, policy, context)
    limit = limit_frame(decided, policy, context)
    return {
        "score.risk_score": score,
        "score.contribution": contributions(decided.facts, decided.cards, context),
        "decision.risk_tier": tier,
        "decision.credit_limit": limit,
        "decision.limit_candidate": candidate_rows(decided, context),
        "decision.alert": alert_rows(decided.alerts, decided.facts, policy, context),
        "decision.treatment": treatment_rows(decided.treatments, decided.facts, policy, context),
        "decision.review": review_frame(decided.reviews, decided.facts, decided.limits, policy, context),
        "mart.current_risk": mart_frame(decided, policy, context, score, tier, limit),
    }


def _segment(decided: Decided, policy: Policy) -> Categorical:
    return categorical(decided.assigned.segment, [s.id for s in policy.segments])


def score_frame(decided: Decided, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """score.risk_score. Without a score the PD, its status, grade and subtotals are NULL too."""
    score, known, cards = decided.score, decided.score_known, decided.cards
    by_score = curve(policy)
    columns = {
        "customer_id": decided.facts.series("customer_id"),
        "segment": _segment(decided, policy),
        "scorecard_id": categorical(decided.assigned.card_of(policy), list(policy.scorecards)),
        "policy_version": constant(policy.version, len(decided)),
        "score": np.where(known, score / HUNDRED, np.nan),
        "pd": np.where(known, by_score.pd[score], np.nan),
        "pd_status": categorical(np.where(known, 0, -1).astype(np.int8), [policy.calibration_status]),
        "grade": categorical(np.where(known, by_score.grade[score], -1), [g.grade for g in policy.master_scale]),
        "scaled_score": np.where(known, by_score.scaled[score], np.nan),
        "coverage_pct": cards.coverage_pct,
        "confidence_pct": cards.confidence_pct,
        "reweight_factor": cards.reweight_factor,
        **{f"{kind}_subtotal": cards.subtotal(kind) for kind in RISK_TYPES},
    }
    return frame("score.risk_score", context, len(decided), columns)


def tier_frame(decided: Decided, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """decision.risk_tier."""
    rows, names, tiers, default = len(decided), tier_names(policy), decided.tiers, decided.default
    previous = decided.facts.text("previous_tier")
    score = _month_end_score(decided, context)
    columns = {
        "customer_id": decided.facts.series("customer_id"),
        "segment": _segment(decided, policy),
        "segment_held_on": decided.assigned.held_on.astype("datetime64[s]"),
        "tier": categorical(tiers.final, names),
        "model_tier": categorical(tiers.model, names),
        "hysteresis_tier": categorical(tiers.memory.tier, names),
        "notched_tier": categorical(tiers.notched, names),
        **_facts(decided, "notch_steps notch_id notch_expires_on override_pending override_rejected state_pending"),
        **_facts(decided, "override_violation override_violation_id override_lapsed_on override_lapsed_id"),
        "notch_status": categorical(decided.people.notch, STANDINGS),
        "knockout_ceiling": categorical(decided.knocked.ceiling, policy.tier_ids),
        "knockouts": joined(decided.knocked.hits, [k.id for k in policy.knockouts]),
        "binding_rule": categorical(tiers.binding, binding_names(policy)),
        "previous_tier": categorical(previous.codes, previous.categories),
        "direction": categorical(direction(tiers.final, previous, policy), DIRECTIONS),
        "periods_in_tier": periods_in_tier(tiers.final, decided.facts, policy, context.as_of),
        "hysteresis_periods_met": tiers.memory.periods_met,
        "last_downgrade_on": tiers.memory.last_downgrade_on.astype("datetime64[s]"),
        "month_end_score": np.where(score.known, score.values, np.nan),
        "in_default": default.in_default,
        "default_since": default.since.astype("datetime64[s]"),
        "default_cleared_on": default.cleared_on.astype("datetime64[s]"),
        "default_wait_days": nullable(default.wait_days, default.in_default),
        "default_events": joined(default.events, [e.id for e in policy.default_definition.events]),
        **_state_columns(decided, policy),
        "decided_on": constant_date(context, rows),
        "valid_to": _valid_to(decided, policy.reviews.days, policy, context),
        "run_label": constant(context.run_label, rows),
    }
    return frame("decision.risk_tier", context, rows, columns)


def _month_end_score(decided: Decided, context: DecisionContext) -> Vector:
    """The score at the newest month end: today's, or the one handed on from before."""
    if is_month_end(context.as_of):
        return Vector(decided.score / HUNDRED, decided.score_known)
    return decided.facts.numbers("previous_month_end_score")


def _state_columns(decided: Decided, policy: Policy) -> dict[str, Column]:
    """The state of the customer, how it came, and what its way back remembers; NULL for customers without a state."""
    states = decided.states
    known = states.status >= 0
    waits = known & np.isin(states.status, [STATES.index(name) for name in AWAY])
    return {
        "status": categorical(states.status, STATES),
        "status_since": states.since.astype("datetime64[s]"),
        "status_periods": nullable(np.where(known, states.periods, 0), known),
        "status_before": categorical(states.before, STATES),
        "status_rule": categorical(states.rule, [edge.id for edge in policy.exit.edges]),
        "status_cleared_on": states.cleared_on.astype("datetime64[s]"),
        "status_wait_days": nullable(np.where(waits, states.wait_days, 0), waits),
        "cure_ceiling": categorical(states.cure_ceiling, policy.tier_ids),
    }


def limit_frame(decided: Decided, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """decision.credit_limit; a not_rated customer has a row with its exposure and no limit, terms or hold."""
    limits, terms, known, used = decided.limits, decided.terms, decided.limits.known, decided.used
    granted = in_credit_currency(decided.facts, limits.limit, context.reporting_currency)
    exposure = decided.facts.integers("total_exposure").values
    previous = decided.facts.integers("previous_limit")
    columns = {
        "customer_id": decided.facts.series("customer_id"),
        "currency": granted.currency,
        "credit_limit": nullable(granted.amount, known),
        "limit_reporting": nullable(limits.limit, known),
        "reporting_currency": constant(context.reporting_currency, len(decided)),
        "fx_rate_used": nullable(granted.rate, known),
        "binding_method": _binding_method(limits),
        "limit_reason": _limit_reason(decided, policy),
        "previous_limit": nullable(previous.values, previous.known),
        "valid_to": _limit_valid_to(decided, policy, context),
        "payment_terms_days": nullable(terms.days, known),
        "settlement_cycle": terms.cycle,
        "prepayment_pct": np.where(known, terms.prepayment_pct, np.nan),
        "terms_reason": terms.reason,
        "proposed_terms_days": nullable(terms.proposed, terms.proposed >= 0),
        "price_class_change": nullable(terms.price_class, known),
        "unsecured_limit": nullable(limits.unsecured, known),
        "secured_amount": nullable(limits.secured, known),
        "secured_exposure": nullable(np.minimum(limits.secured, np.maximum(exposure, 0)), known),
        "computed_limit": nullable(limits.computed, known),
        "period_start_limit": nullable(limits.start.values, limits.start.known),
        "effective_limit": nullable(decided.approval.effective, known),
        "approval_status": categorical(np.where(known, decided.approval.status, -1).astype(np.int8), STATUSES),
        "required_authority": categorical(
            np.where(known, decided.approval.required, -1).astype(np.int8), [level.role for level in policy.authorities.levels]
        ),
        "applied_source": categorical(np.where(known, limits.source, -1).astype(np.int8), SOURCES),
        **_facts(decided, "manual_limit manual_limit_id manual_limit_expires_on"),
        **_facts(decided, "temporary_limit temporary_limit_id temporary_limit_until"),
        "manual_limit_status": categorical(decided.people.manual, STANDINGS),
        "temporary_limit_status": categorical(decided.people.temporary, STANDINGS),
        "total_exposure": exposure,
        "utilisation": np.where(used.known, used.values, np.nan),
        "headroom": nullable(limits.limit - exposure, known),
        "hold": decided.hold.on,
        "hold_reasons": joined(decided.hold.hits, hold_ids(policy)),
        **_facts(decided, "hold_release_id hold_release_until"),
        "hold_release_status": categorical(decided.release, STANDINGS),
    }
    return frame("decision.credit_limit", context, len(decided), columns)


def _valid_to(decided: Decided, days_by_tier: dict[str, int], policy: Policy, context: DecisionContext) -> NDArray[np.datetime64]:
    days = np.array([days_by_tier.get(name, 0) for name in tier_names(policy)], dtype=np.int64)[decided.tiers.final]
    return add_days(context, days, decided.limits.known)


def _limit_valid_to(decided: Decided, policy: Policy, context: DecisionContext) -> NDArray[np.datetime64]:
    """Of a limit that was not decided anew the day it had: carrying it forward makes it no younger."""
    anew = _valid_to(decided, policy.limits.validity_days, policy, context)
    before = decided.facts.dates("previous_limit_valid_to").astype("datetime64[s]")
    return np.where((decided.reviews.due & ~decided.limits.waits) | np.isnat(before), anew, np.minimum(anew, before))


def _binding_method(limits: Limits) -> Categorical:
    methods = [*(c.method for c in limits.candidates), NO_BASIS]
    codes = np.where(limits.binding >= 0, limits.binding, len(methods) - 1)
    return categorical(np.where(limits.known, codes, -1).astype(np.int8), methods)


def _limit_reason(decided: Decided, policy: Policy) -> Categorical:
    """Who or what: the knock-out of a hard stop, need, capacity or the step, no_basis, below_smallest_limit, or whose it is."""
    limits, knocked = decided.limits, decided.knocked
    steps = [c.method for c in limits.candidates if c.kind == "cap"]
    kinds = ["need", "capacity", *steps, NO_BASIS, BELOW_SMALLEST]
    reasons = [*kinds, *stop_ids(policy), *(o.limit or o.id for o in policy.outside_scorecard)]
    words = [c.method if c.kind == "cap" else "need" if c.kind == "secured" else c.kind for c in limits.candidates]
    kind_of = np.array([*(kinds.index(word) for word in words), kinds.index(NO_BASIS)])
    codes = kind_of[limits.binding]
    codes = np.where(limits.too_small, kinds.index(BELOW_SMALLEST), codes)
    codes = np.where(knocked.stops_limit, len(kinds) + knocked.first_stop, codes)
    codes = np.where(limits.known, codes, len(kinds) + len(stop_ids(policy)) + decided.assigned.outside)
    return categorical(codes, reasons)


def candidate_rows(decided: Decided, context: DecisionContext) -> pa.Table:
    """decision.limit_candidate: one row per customer and candidate that is not dropped, customer by customer."""
    rows, limits = len(decided), decided.limits
    positions, method = np.nonzero(np.stack([candidate.known for candidate in limits.candidates], axis=1))
    place = method * rows + positions  # in the candidates laid end to end
    amounts = np.concatenate([candidate.amount for candidate in limits.candidates])
    inputs = pa.concat_arrays([candidate.inputs for candidate in limits.candidates])
    columns = {
        "customer_id": coded(positions, decided.facts.strings("customer_id")),
        "method": coded(method, [c.method for c in limits.candidates]),
        "kind": coded(method, [c.kind for c in limits.candidates]),
        "candidate_limit": money(amounts[place]),
        "inputs": inputs.take(pa.array(place)),
        "is_binding": pa.array(limits.binding[positions] == method),
    }
    return arrow_rows("decision.limit_candidate", context, len(positions), columns)


def mart_frame(
    decided: Decided, policy: Policy, context: DecisionContext, score: pd.DataFrame, tier: pd.DataFrame, limit: pd.DataFrame
) -> pd.DataFrame:
    """mart.current_risk: the tables above side by side, with labels and reasons."""
    labels = [*(t.label for t in policy.tiers), policy.unrated.label, policy.not_rated.label]
    reasons_en, reasons_zh = decided.reasons.texts()
    columns = {
        **_facts(decided, "name country_code account_manager open_exposure overdue"),
        **_facts(decided, "max_days_past_due max_dpd_material"),
        **_picked(score, "segment score grade pd pd_status coverage_pct confidence_pct policy_version"),
        **_picked(tier, "customer_id tier previous_tier direction binding_rule in_default status status_since run_label"),
        **_picked(limit, "currency credit_limit limit_reporting limit_reason payment_terms_days settlement_cycle"),
        **_picked(limit, "prepayment_pct total_exposure utilisation headroom hold hold_reasons"),
        "tier_label_en": categorical(decided.tiers.final, [label.en for label in labels]),
        "tier_label_zh": categorical(decided.tiers.final, [label.zh for label in labels]),
        "reasons_en": reasons_en,
        "reasons_zh": reasons_zh,
    }
    return frame("mart.current_risk", context, len(decided), columns)


def _facts(decided: Decided, names: str) -> dict[str, pd.Series]:
    return {name: decided.facts.series(name) for name in names.split()}


def _picked(table: pd.DataFrame, names: str) -> dict[str, pd.Series]:
    return {name: table[name] for name in names.split()}
