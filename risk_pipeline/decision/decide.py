"""decide: facts, policy and previous decisions of many customers -> the six result tables.

Put here: the order of the steps. Keep out: each step's rule (its own module) and the layout of the tables (tables.py). Pure:
no clock, no I/O, no state; customers do not look at each other, so any order and any batches give the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from risk_pipeline.decision import tables
from risk_pipeline.decision.assign import Assigned, assign
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.defaults import default_state
from risk_pipeline.decision.hold import hold_hits, utilisation
from risk_pipeline.decision.knockouts import knock_out
from risk_pipeline.decision.limits import Customers, decide_limits
from risk_pipeline.decision.pd import curve
from risk_pipeline.decision.reasons import Reasons
from risk_pipeline.decision.scorecard import CardScore, columns_read, score_card
from risk_pipeline.decision.tables import Decided
from risk_pipeline.decision.terms import days_of_tier, decide_terms
from risk_pipeline.decision.tiers import decide_tiers, tier_names, unrated_rule
from risk_pipeline.errors import UsageError
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.facts import Bools, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import UNRATED, Policy, minor_units
from risk_pipeline.policy.reading import columns_of_conditions

# What deciding reads under every policy, beside what its conditions and scorecards name.
ALWAYS_READ = (
    *("customer_id", "name", "country_code", "account_manager", "natural_person", "credit_currency", "credit_fx_rate"),
    *("open_exposure", "total_exposure", "overdue", "max_days_past_due", "max_dpd_material", "relationship_months"),
    *("sales_12m", "avg_monthly_sales_3m", "avg_monthly_sales_12m", "months_since_first_invoice"),
    *("requested_limit", "expected_monthly_sales"),
    *("previous_tier", "previous_limit", "previous_in_default", "previous_default_since", "previous_default_cleared_on"),
    *("previous_periods_in_tier", "previous_as_of", "previous_segment", "previous_segment_held_on"),
)


@dataclass(frozen=True)
class Scored:
    """Scores of all customers, and what each scorecard gave to its own."""

    score: Ints  # hundredths
    known: Bools
    model_rule: NDArray[np.int16]  # into tiers.MODEL_RULES
    cards: tuple[tuple[NDArray[np.intp], Facts, CardScore], ...]  # positions of the customers, their facts, their scores


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
    view = prepare(facts, policy, context)
    assigned = assign(view, policy, context.as_of)
    scored = score_customers(view, policy, catalogue, context, assigned)
    decided = decide_scored(view, policy, catalogue, context, assigned, scored)
    return tables.all_tables(decided, policy, context, scored.cards)


def facts_read(policy: Policy, catalogue: Catalogue) -> frozenset[str]:
    """The columns of the facts that deciding under this policy reads; more of them do no harm. Names that decisions add
    themselves (in_default, tier …) are among them.
    """
    scored = {factor for card in policy.scorecards.values() for factor in card}
    of_factors = columns_read(tuple(factor for factor in catalogue.factors if factor.id in scored))
    return frozenset([*ALWAYS_READ, *of_factors]) | columns_of_conditions(policy)


def prepare(facts: pd.DataFrame, policy: Policy, context: DecisionContext) -> Facts:
    """The facts with what the run and the policy add to them (scopes.DERIVED)."""
    plain = Facts(facts.reset_index(drop=True))
    known = np.ones(len(plain), dtype=bool)
    person = plain.flags("natural_person")
    amounts = policy.materiality
    materiality = np.where(person.values & person.known, minor_units(amounts.natural_person_abs), minor_units(amounts.abs))
    return plain.with_columns(
        evidence_feeds_configured=Vector(np.full(len(plain), context.evidence_feeds_configured), known),
        materiality_abs=Vector(materiality, known),
    )


def score_customers(facts: Facts, policy: Policy, catalogue: Catalogue, context: DecisionContext, assigned: Assigned) -> Scored:
    """Score every customer with the card of its segment; those outside the scorecard are never scored. Cards nobody has are
    left out, except that one card always lays out the tables.
    """
    rows = len(facts)
    score, known = np.zeros(rows, dtype=np.int64), np.zeros(rows, dtype=bool)
    model_rule = np.zeros(rows, dtype=np.int16)
    card_of = assigned.card_of(policy)
    cards = []
    used = set(np.unique(card_of).tolist()) - {-1} or {0}
    for number, weights in enumerate(policy.scorecards.values()):
        if number not in used:
            continue
        positions = np.flatnonzero(card_of == number)
        factors = catalogue.scored(weights)
        part = facts if len(positions) == rows else facts.select(positions, columns_read(factors))
        result = score_card(part, policy, list(policy.scorecards)[number], factors, context.as_of)
        score[positions], known[positions] = result.score, result.score_known
        model_rule[positions] = unrated_rule(result.blocked, result.low_coverage, result.over_reweighted)
        cards.append((positions, part, result))
    return Scored(score, known, model_rule, tuple(cards))


def decide_scored(
    facts: Facts, policy: Policy, catalogue: Catalogue, context: DecisionContext, assigned: Assigned, scored: Scored
) -> Decided:
    """Everything after the score: default, knock-outs, tier, limit, terms, hold, reasons."""
    names, not_rated = tier_names(policy), assigned.not_rated(policy)
    default = default_state(facts, policy, context.as_of, not_rated)
    facts = facts.with_columns(in_default=Vector(default.in_default, np.ones(len(facts), dtype=bool)))
    knocked = knock_out(facts, policy, not_rated)
    tiers = decide_tiers(scored.score, scored.model_rule, assigned.outside, assigned.ceiling(policy), knocked, policy)

    classes = tuple(policy.terms)
    pds = Vector(np.where(scored.known, curve(policy).pd[scored.score], 0.0), scored.known)
    customers = Customers(tiers.final, assigned.class_of(policy, classes), classes, names, pds, ~not_rated)
    limits = decide_limits(facts, customers, days_of_tier(customers, policy), knocked, policy)
    terms = decide_terms(customers, limits.limit, assigned.prepaid(policy), policy)
    used = utilisation(limits.limit, facts.integers("total_exposure").values, ~not_rated)
    granted = Vector(limits.limit, limits.known)
    facts = facts.with_columns(tier=Text(tiers.final, names), limit_reporting=granted, utilisation=used)

    reasons = Reasons(len(facts))
    reasons.add_knockouts(knocked, tiers.final, policy)
    reasons.add_where((tiers.model == names.index(UNRATED)) & (assigned.outside < 0), policy.unrated.reason)
    for number, rule in enumerate(policy.outside_scorecard):
        reasons.add_where(assigned.outside == number, rule.reason)
    for positions, _, card in scored.cards:
        reasons.add_factors(positions, card, catalogue, policy)
    return Decided(
        facts=facts,
        assigned=assigned,
        score=scored.score,
        score_known=scored.known,
        cards=tuple((positions, card) for positions, _, card in scored.cards),
        default=default,
        knocked=knocked,
        tiers=tiers,
        limits=limits,
        terms=terms,
        used=used,
        holds=hold_hits(facts, knocked, policy, not_rated),
        reasons=reasons,
    )
