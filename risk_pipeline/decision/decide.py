"""decide: facts, policy and previous decisions of many customers -> the six result tables.

Put here: the order of the steps, and the assembly of the tables. Keep out: each step's rule (its own module). Pure: no clock,
no I/O, no state; customers do not look at each other, so any order and any batches give the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.defaults import DefaultState, default_state
from risk_pipeline.decision.frames import (
    Categorical,
    add_days,
    categorical,
    constant,
    constant_date,
    first_true,
    frame,
    joined,
    nullable,
)
from risk_pipeline.decision.hold import hold_hits, hold_ids, utilisation
from risk_pipeline.decision.knockouts import Knocked, knock_out
from risk_pipeline.decision.limits import (
    BELOW_SMALLEST,
    NO_BASIS,
    Customers,
    InCreditCurrency,
    Limits,
    decide_limits,
    in_credit_currency,
)
from risk_pipeline.decision.pd import curve
from risk_pipeline.decision.reasons import Reasons
from risk_pipeline.decision.scorecard import HUNDRED, CardScore, columns_read, contribution_frame, score_card
from risk_pipeline.decision.terms import TermsGiven, days_of_tier, decide_terms
from risk_pipeline.decision.tiers import (
    DIRECTIONS,
    Tiers,
    binding_names,
    decide_tiers,
    direction,
    periods_in_tier,
    tier_names,
    unrated_rule,
)
from risk_pipeline.errors import UsageError
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.facts import Bools, Facts, Floats, Ints, Text, Vector
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy, minor_units
from risk_pipeline.policy.scopes import condition

RISK_TYPES = ("credit", "operational", "market", "legal", "reputation")


@dataclass(frozen=True)
class Scored:
    """Scores of all customers: of the cards, laid back into the order of the facts."""

    cards: tuple[tuple[NDArray[np.intp], Facts, CardScore], ...]  # positions of the customers, their facts, scores
    score: Ints  # hundredths
    known: Bools
    model_rule: NDArray[np.int16]

    def spread(self, values: list[Floats], rows: int) -> Floats:
        """One array per card -> one array over all customers, NaN where no card scores them."""
        result = np.full(rows, np.nan)
        for (positions, _, _), part in zip(self.cards, values, strict=True):
            result[positions] = part
        return result


def decide(facts: pd.DataFrame, policy: Policy, catalogue: Catalogue, context: DecisionContext) -> dict[str, pd.DataFrame]:
    """Decide every customer of `facts` (one row each, any order; docs/policy.md lists the columns).

    Money columns are int64/Int64 minor units, rates Int64 counts of 10^-10, dates datetime64, flags boolean, texts str or
    categorical; previous_* are NULL the first time. Returns score.risk_score, score.contribution, decision.risk_tier,
    decision.credit_limit, decision.limit_candidate and mart.current_risk with the columns of their contracts, money and
    rates as in the facts. UsageError when the policy is written for another reporting currency.
    """
    if policy.reporting_currency not in (None, context.reporting_currency):
        raise UsageError(
            f"policy {policy.version} states its amounts in {policy.reporting_currency}, the run reports in"
            f" {context.reporting_currency}",
            remedy="set reporting_currency in risk.yaml, or null in the policy when its amounts hold in any currency",
        )
    view = _prepared(facts, policy, context)
    rows = len(view)
    outside = first_true([condition(o.when, "facts").met(view) for o in policy.outside_scorecard], rows)
    segment = first_true([condition(s.when, "facts").met(view) for s in policy.segments], rows)
    scored = score_customers(view, policy, catalogue, context, segment, outside)
    return decide_scored(view, policy, catalogue, context, segment, outside, scored)


def _prepared(facts: pd.DataFrame, policy: Policy, context: DecisionContext) -> Facts:
    facts = facts.reset_index(drop=True)
    rows = len(facts)
    known = np.ones(rows, dtype=bool)
    person = Facts(facts).flags("natural_person")
    amounts = policy.materiality
    materiality = np.where(person.values & person.known, minor_units(amounts.natural_person_abs), minor_units(amounts.abs))
    return Facts(facts).with_columns(
        evidence_feeds_configured=Vector(np.full(rows, context.evidence_feeds_configured), known),
        materiality_abs=Vector(materiality, known),
    )


def score_customers(
    facts: Facts,
    policy: Policy,
    catalogue: Catalogue,
    context: DecisionContext,
    segment: NDArray[np.int16],
    outside: NDArray[np.int16],
) -> Scored:
    """Score every customer with the card of its segment; `outside` customers are never scored."""
    rows = len(facts)
    score, known = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool)
    model_rule = np.zeros(rows, dtype=np.int16)
    card_of = np.array([list(policy.scorecards).index(s.scorecard) for s in policy.segments])[segment]
    cards = []
    for number, (card, weights) in enumerate(policy.scorecards.items()):
        positions = np.flatnonzero((card_of == number) & (outside < 0))
        factors = catalogue.scored(weights)
        part = facts if len(positions) == rows else facts.select(positions, columns_read(factors))
        result = score_card(part, policy, card, factors, context.as_of)
        score[positions], known[positions] = result.score, result.score_known
        model_rule[positions] = unrated_rule(result.blocked, result.low_coverage, result.over_reweighted)
        cards.append((positions, part, result))
    return Scored(tuple(cards), score, known, model_rule)


def decide_scored(
    facts: Facts,
    policy: Policy,
    catalogue: Catalogue,
    context: DecisionContext,
    segment: NDArray[np.int16],
    outside: NDArray[np.int16],
    scored: Scored,
) -> dict[str, pd.DataFrame]:
    """Everything after the score: default, knock-outs, tier, limit, terms, hold, and the tables."""
    names = tier_names(policy)
    exempt = np.array([*(o.tier == NOT_RATED for o in policy.outside_scorecard), False])[outside]
    default = default_state(facts, policy, context.as_of, exempt)
    everywhere = np.ones(len(facts), dtype=bool)
    facts = facts.with_columns(in_default=Vector(default.in_default, everywhere))
    knocked = knock_out(facts, policy, exempt)
    ceilings = [-1 if s.ceiling is None else policy.tier_ids.index(s.ceiling) for s in policy.segments]
    tiers = decide_tiers(scored.score, scored.model_rule, outside, np.array(ceilings, dtype=np.int8)[segment], knocked, policy)

    classes = tuple(policy.terms)
    class_of = np.array([classes.index(s.caps_and_terms_of) for s in policy.segments], dtype=np.int8)[segment]
    pds = np.where(scored.known, curve(policy).pd[scored.score], 0.0)
    customers = Customers(tiers.final, class_of, classes, names, Vector(pds, scored.known), ~exempt)
    limits = decide_limits(facts, customers, days_of_tier(customers, policy), knocked, policy)
    prepaid = np.array([*(o.terms is not None for o in policy.outside_scorecard), False])[outside]
    terms = decide_terms(customers, limits.limit, prepaid, policy)
    used = utilisation(limits.limit, facts.integers("total_exposure").values, ~exempt)
    facts = facts.with_columns(tier=Text(tiers.final, names), utilisation=used)
    holds = hold_hits(facts, knocked, policy, exempt)

    reasons = Reasons(len(facts))
    reasons.add_knockouts(knocked, tiers.final, policy)
    reasons.add_where(tiers.model == names.index(UNRATED), policy.unrated.reason)
    for positions, _, card in scored.cards:
        reasons.add_factors(positions, card, catalogue)

    score_frame = _score_frame(facts, policy, context, segment, outside, scored)
    tier_frame = _tier_frame(facts, policy, context, segment, tiers, knocked, default)
    limit_frame = _limit_frame(facts, policy, context, limits, outside, terms, used, holds, knocked)
    tables = {
        "score.risk_score": score_frame,
        "score.contribution": _contributions(scored, context),
        "decision.risk_tier": tier_frame,
        "decision.credit_limit": limit_frame,
        "decision.limit_candidate": _candidate_frame(facts, limits, context),
    }
    tables["mart.current_risk"] = _mart_frame(facts, policy, context, tiers, reasons, score_frame, tier_frame, limit_frame)
    return tables


# ---------------------------------------------------------------- tables


def _segment_names(policy: Policy, segment: NDArray[np.int16]) -> Categorical:
    return categorical(segment, [s.id for s in policy.segments])


def _score_frame(
    facts: Facts, policy: Policy, context: DecisionContext, segment: NDArray[np.int16], outside: NDArray[np.int16], scored: Scored
) -> pd.DataFrame:
    rows, known = len(facts), scored.known
    by_score = curve(policy)
    cards = [card for _, _, card in scored.cards]
    card_ids = np.array([list(policy.scorecards).index(s.scorecard) for s in policy.segments], dtype=np.int16)
    status = categorical(np.where(known, 0, -1).astype(np.int8), [policy.calibration_status])
    columns = {
        "customer_id": facts.frame["customer_id"],
        "segment": _segment_names(policy, segment),
        "scorecard_id": categorical(np.where(outside < 0, card_ids[segment], -1), list(policy.scorecards)),
        "policy_version": constant(policy.version, rows),
        "score": np.where(known, scored.score / HUNDRED, np.nan),
        "pd": np.where(known, by_score.pd[scored.score], np.nan),
        "pd_status": status,
        "grade": categorical(np.where(known, by_score.grade[scored.score], -1), [g.grade for g in policy.master_scale]),
        "scaled_score": np.where(known, by_score.scaled[scored.score], np.nan),
        "coverage_pct": scored.spread([card.coverage_pct for card in cards], rows),
        "reweight_factor": scored.spread([card.reweight_factor for card in cards], rows),
    }
    for risk_type in RISK_TYPES:
        columns[f"{risk_type}_subtotal"] = scored.spread([card.subtotal(risk_type) for card in cards], rows)
    return frame("score.risk_score", context, rows, columns)


def _contributions(scored: Scored, context: DecisionContext) -> pd.DataFrame:
    frames = [contribution_frame(part, card, context) for _, part, card in scored.cards]
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _tier_frame(
    facts: Facts,
    policy: Policy,
    context: DecisionContext,
    segment: NDArray[np.int16],
    tiers: Tiers,
    knocked: Knocked,
    default: DefaultState,
) -> pd.DataFrame:
    rows, names = len(facts), tier_names(policy)
    previous = facts.text("previous_tier")
    stands = np.array([policy.reviews.get(name, 0) for name in names], dtype=np.int64)[tiers.final]
    columns = {
        "customer_id": facts.frame["customer_id"],
        "segment": _segment_names(policy, segment),
        "tier": categorical(tiers.final, names),
        "model_tier": categorical(tiers.model, names),
        "knockout_ceiling": categorical(knocked.ceiling, policy.tier_ids),
        "knockouts": joined(knocked.hits, [k.id for k in policy.knockouts]),
        "binding_rule": categorical(tiers.binding, binding_names(policy)),
        "previous_tier": categorical(previous.codes, previous.categories),
        "direction": categorical(direction(tiers.final, previous, policy), DIRECTIONS),
        "periods_in_tier": periods_in_tier(tiers.final, facts, policy, context.as_of),
        "in_default": default.in_default,
        "default_since": default.since.astype("datetime64[s]"),
        "default_cleared_on": default.cleared_on.astype("datetime64[s]"),
        "default_events": joined(default.events, [e.id for e in policy.default_definition.events]),
        "decided_on": constant_date(context, rows),
        "valid_to": add_days(context, stands, tiers.final != names.index(NOT_RATED)),
        "run_label": constant(context.run_label, rows),
    }
    return frame("decision.risk_tier", context, rows, columns)


def _limit_frame(
    facts: Facts,
    policy: Policy,
    context: DecisionContext,
    limits: Limits,
    outside: NDArray[np.int16],
    terms: TermsGiven,
    used: Vector,
    holds: Bools,
    knocked: Knocked,
) -> pd.DataFrame:
    rows, known, names = len(facts), limits.known, tier_names(policy)
    granted: InCreditCurrency = in_credit_currency(facts, limits.limit, context.reporting_currency)
    exposure = facts.integers("total_exposure").values
    previous = facts.integers("previous_limit")
    tier = facts.text("tier").codes
    stands = np.array([policy.limits.validity_days.get(name, 0) for name in names], dtype=np.int64)[tier]
    columns = {
        "customer_id": facts.frame["customer_id"],
        "currency": granted.currency,
        "credit_limit": nullable(granted.amount, known),
        "limit_reporting": nullable(limits.limit, known),
        "reporting_currency": constant(context.reporting_currency, rows),
        "fx_rate_used": nullable(granted.rate, known),
        "binding_method": _binding_method(limits),
        "limit_reason": _limit_reason(limits, outside, knocked, policy),
        "previous_limit": nullable(previous.values, previous.known),
        "valid_to": add_days(context, stands, known),
        "payment_terms_days": nullable(terms.days, known),
        "settlement_cycle": terms.cycle,
        "prepayment_pct": np.where(known, terms.prepayment_pct, np.nan),
        "unsecured_limit": nullable(limits.unsecured, known),
        "total_exposure": exposure,
        "utilisation": np.where(used.known, used.values, np.nan),
        "headroom": nullable(limits.limit - exposure, known),
        "hold": holds.any(axis=1),
        "hold_reasons": joined(holds, hold_ids(policy)),
    }
    return frame("decision.credit_limit", context, rows, columns)


def _binding_method(limits: Limits) -> Categorical:
    methods = [*(c.method for c in limits.candidates), NO_BASIS]
    codes = np.where(limits.binding >= 0, limits.binding, len(methods) - 1)
    return categorical(np.where(limits.known, codes, -1).astype(np.int8), methods)


def _limit_reason(limits: Limits, outside: NDArray[np.int16], knocked: Knocked, policy: Policy) -> Categorical:
    """Who or what: the knock-out of a hard stop, need or capacity, no_basis, below_smallest_limit, or whose limit it is."""
    kinds = ["need", "capacity", NO_BASIS, BELOW_SMALLEST]
    reasons = [*kinds, *(k.id for k in policy.knockouts), *(o.limit or o.id for o in policy.outside_scorecard)]
    kind_of = np.array([*(kinds.index(c.kind) if c.kind in kinds else 0 for c in limits.candidates), kinds.index(NO_BASIS)])
    codes = kind_of[limits.binding]
    codes = np.where((limits.limit == 0) & (limits.unsecured > 0), kinds.index(BELOW_SMALLEST), codes)
    codes = np.where(knocked.stops_limit, len(kinds) + knocked.first_stop, codes)
    codes = np.where(limits.known, codes, len(kinds) + len(policy.knockouts) + outside)
    categories = list(dict.fromkeys(reasons))
    return categorical(np.array([categories.index(r) for r in reasons], dtype=np.int16)[codes], categories)


def _candidate_frame(facts: Facts, limits: Limits, context: DecisionContext) -> pd.DataFrame:
    """One row per customer and candidate that is not dropped, customer by customer."""
    rows = len(facts)
    positions, method = np.nonzero(np.stack([candidate.known for candidate in limits.candidates], axis=1))
    place = method * rows + positions  # in the candidates laid end to end
    amounts = np.concatenate([candidate.amount for candidate in limits.candidates])
    inputs = pa.concat_arrays([candidate.inputs for candidate in limits.candidates])
    customers = pd.Index(facts.frame["customer_id"].astype("str"))
    columns = {
        "customer_id": categorical(positions.astype(np.int32), customers),
        "method": categorical(method, [c.method for c in limits.candidates]),
        "kind": categorical(*_kinds(limits, method)),
        "candidate_limit": amounts[place],
        "inputs": pd.Series(inputs.take(pa.array(place)), dtype="str"),
        "is_binding": limits.binding[positions] == method,
    }
    return frame("decision.limit_candidate", context, len(positions), columns)


def _kinds(limits: Limits, method: NDArray[np.intp]) -> tuple[NDArray[np.int8], list[str]]:
    kinds = list(dict.fromkeys(c.kind for c in limits.candidates))
    return np.array([kinds.index(c.kind) for c in limits.candidates], dtype=np.int8)[method], kinds


def _mart_frame(
    facts: Facts,
    policy: Policy,
    context: DecisionContext,
    tiers: Tiers,
    reasons: Reasons,
    score: pd.DataFrame,
    tier: pd.DataFrame,
    limit: pd.DataFrame,
) -> pd.DataFrame:
    labels = [*(t.label for t in policy.tiers), policy.unrated.label, policy.not_rated.label]
    reasons_en, reasons_zh = reasons.texts()
    from_facts = ("name", "country_code", "account_manager", "open_exposure", "overdue", "max_days_past_due")
    from_score = ("segment", "score", "grade", "pd", "pd_status", "coverage_pct", "policy_version")
    from_tier = ("customer_id", "tier", "previous_tier", "direction", "binding_rule", "run_label")
    from_limit = (
        *("currency", "credit_limit", "limit_reporting", "payment_terms_days", "settlement_cycle", "prepayment_pct"),
        *("total_exposure", "utilisation", "headroom", "hold", "hold_reasons"),
    )
    columns = {
        **{name: facts.frame[name] for name in from_facts},
        **{name: score[name] for name in from_score},
        **{name: tier[name] for name in from_tier},
        **{name: limit[name] for name in from_limit},
        "tier_label_en": categorical(tiers.final, [label.en for label in labels]),
        "tier_label_zh": categorical(tiers.final, [label.zh for label in labels]),
        "reasons_en": reasons_en,
        "reasons_zh": reasons_zh,
    }
    return frame("mart.current_risk", context, len(facts), columns)
