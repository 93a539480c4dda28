"""decide: facts, policy and previous decisions of many customers -> the result tables.

Put here: the order of the steps. Keep out: each step's rule (its own module) and the layout of the tables (tables.py). Pure:
no clock, no I/O, no state; customers do not look at each other, so any order and any batches give the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.decision import tables
from risk_pipeline.decision.alert_facts import with_alert_facts
from risk_pipeline.decision.alerts import raise_alerts
from risk_pipeline.decision.assign import Assigned, assign
from risk_pipeline.decision.authority import approve, may_grant
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.defaults import default_state
from risk_pipeline.decision.hold import hold, utilisation
from risk_pipeline.decision.knockouts import knock_out
from risk_pipeline.decision.lifecycle import states_after_tier, states_before_tier
from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.decision.limits import Circumstances, decide_limits
from risk_pipeline.decision.overrides import IN_FORCE, add_reasons, by_people, released
from risk_pipeline.decision.pd import curve
from risk_pipeline.decision.reasons import Reasons
from risk_pipeline.decision.reviews import asked_anew, day_has_come, next_reviews, with_outcome, with_review_facts
from risk_pipeline.decision.scorecard import Scores, columns_read, score_cards
from risk_pipeline.decision.tables import Decided
from risk_pipeline.decision.terms import days_of_tier, decide_terms
from risk_pipeline.decision.tier_codes import tier_names
from risk_pipeline.decision.tiers import DIRECTIONS, decide_tiers, direction, periods_in_tier, unrated_rule
from risk_pipeline.decision.treatments import decide_treatments
from risk_pipeline.errors import UsageError
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.facts import Bools, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import ACTIVE, UNRATED, Policy, minor_units
from risk_pipeline.policy.reading import columns_of_conditions

# What deciding reads under every policy, beside what its conditions and scorecards name.
ALWAYS_READ = tuple(
    (
        # customer_state
        " customer_id name natural_person country_code credit_currency credit_fx_rate contracted_terms_days"
        " account_manager requested_limit expected_monthly_sales plan_agreed_on plan_broken_on"
        # people_decision
        " notch_steps notch_id notch_expires_on manual_limit manual_limit_id manual_limit_role manual_limit_expires_on"
        " temporary_limit temporary_limit_id temporary_limit_role temporary_limit_until"
        " hold_release_id hold_release_until limit_approved"
        " limit_approved_role limit_rejected limit_rejected_from state_decision state_decision_on state_decision_role"
        " state_rejected state_rejected_on state_rejected_role state_pending override_pending override_rejected"
        " override_violation override_violation_id override_lapsed_on override_lapsed_id"
        # financial_condition
        " tangible_net_worth revenue_annual statement_usable statement_received_date"
        # due_diligence
        " sanctions_searched_on management_assessed_date documents_received_date"
        # credit_record
        " bureau_report_age_days bureau_recommended_limit"
        # contract_collateral
        " contract_valid_to"
        # collateral
        " collateral_value_net collateral_value_net_group security_ends_on insured insured_terms_days security_date"
        # newest_event
        " largest_order_30d lawsuit_newest_amount"
        # group_state
        " group_key group_parent_id ring_fenced"
        # exposure
        " open_exposure overdue max_days_past_due max_dpd_material unapplied_cash total_exposure"
        # transaction_history
        " relationship_months sales_12m avg_monthly_sales_3m avg_monthly_sales_12m months_since_first_invoice"
        # the group
        " group_member_in_default group_limit group_limit_total"
        # the assessment before
        " previous_tier previous_in_default previous_default_since previous_default_cleared_on previous_periods_in_tier"
        " previous_as_of previous_segment previous_segment_held_on previous_hysteresis_tier"
        " previous_hysteresis_periods_met previous_last_downgrade_on previous_month_end_score"
        " previous_default_wait_days previous_knockouts previous_status previous_status_since previous_status_periods"
        " previous_status_before previous_status_rule previous_status_cleared_on previous_status_wait_days"
        " previous_cure_ceiling previous_limit previous_computed_limit previous_period_start_limit"
        " previous_effective_limit previous_limit_valid_to previous_next_review_date previous_reviewed_on"
    ).split()
)


@dataclass(frozen=True)
class Scored:
    """Scores of all customers, and what the scorecards say of them."""

    score: Ints  # hundredths
    known: Bools
    model_rule: NDArray[np.int16]  # into tiers.MODEL_RULES
    cards: Scores


def decide(
    facts: pa.Table | pd.DataFrame, policy: Policy, catalogue: Catalogue, context: DecisionContext
) -> dict[str, pd.DataFrame | pa.Table]:
    """Decide every customer of `facts` (one row each, any order; docs/policy.md lists the columns).

    Arrow: money is decimal(18,2), rates decimal(18,10), as in the factor tables. Pandas: money columns are int64/Int64 minor
    units, rates Int64 counts of 10^-10, dates datetime64, flags boolean, texts str or categorical. previous_* are NULL the first
    time. Returns the result tables with the columns of their contracts: score.risk_score, decision.risk_tier,
    decision.credit_limit, decision.review and mart.current_risk as frames, money and rates counted as in pandas;
    score.contribution, decision.limit_candidate, decision.alert and decision.treatment, of several rows per customer, as Arrow.
    UsageError when the policy is written for another reporting currency.
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
    return tables.all_tables(decided, policy, context)


def facts_read(policy: Policy, catalogue: Catalogue) -> frozenset[str]:
    """The columns of the facts that deciding under this policy reads; more of them do no harm. Names that decisions add
    themselves (in_default, tier …) are among them.
    """
    scored = {factor for card in policy.scorecards.values() for factor in card}
    of_factors = columns_read(tuple(factor for factor in catalogue.factors if factor.id in scored))
    return frozenset([*ALWAYS_READ, *of_factors]) | columns_of_conditions(policy)


def prepare(facts: pa.Table | pd.DataFrame, policy: Policy, context: DecisionContext) -> Facts:
    """The facts with what the run and the policy add to them (scopes.DERIVED)."""
    plain = Facts(facts)
    known = np.ones(len(plain), dtype=bool)
    person = plain.flags("natural_person")
    amounts = policy.materiality
    materiality = np.where(person.values & person.known, minor_units(amounts.natural_person_abs), minor_units(amounts.abs))
    return plain.with_columns(
        evidence_feeds_configured=Vector(np.full(len(plain), context.evidence_feeds_configured), known),
        materiality_abs=Vector(materiality, known),
    )


def score_customers(facts: Facts, policy: Policy, catalogue: Catalogue, context: DecisionContext, assigned: Assigned) -> Scored:
    """Score every customer with the card of its segment; those outside the scorecard are never scored. Factors that are on
    nobody's card are left out.
    """
    card = assigned.card_of(policy)
    used = [weights for number, weights in enumerate(policy.scorecards.values()) if (card == number).any()]
    factors = catalogue.scored({factor: None for weights in used for factor in weights})
    cards = score_cards(facts, policy, card, factors, context.as_of)
    model_rule = unrated_rule(cards.blocked, cards.low_coverage, cards.over_reweighted)
    return Scored(cards.score, cards.score_known, np.where(card >= 0, model_rule, 0).astype(np.int16), cards)


def decide_scored(
    facts: Facts, policy: Policy, catalogue: Catalogue, context: DecisionContext, assigned: Assigned, scored: Scored
) -> Decided:
    """Everything after the score: default, knock-outs, tier, limit, terms, hold, reasons."""
    names, not_rated = tier_names(policy), assigned.not_rated(policy)
    default = default_state(facts, policy, context.as_of, not_rated)
    facts = facts.with_columns(in_default=Vector(default.in_default, np.ones(len(facts), dtype=bool)))
    knocked = knock_out(facts, policy, not_rated)
    states, facts = states_before_tier(facts, default, knocked, policy, context.as_of, not_rated)
    ceilings = (assigned.ceiling(policy), states.probation_ceiling(), states.state_ceiling(policy))
    tiers = decide_tiers(scored.score, scored.model_rule, assigned.outside, ceilings, knocked, facts, policy, context.as_of)
    periods = periods_in_tier(tiers.final, facts, policy, context.as_of)
    facts = facts.with_columns(tier=Text(tiers.final, names), periods_in_tier=Vector(periods, np.ones(len(facts), dtype=bool)))
    states = states_after_tier(states, default, facts, policy, context.as_of)
    knocked = states.stopping(policy, knocked)

    classes = tuple(policy.terms)
    pds = Vector(np.where(scored.known, curve(policy).pd[scored.score], 0.0), scored.known)
    customers = Customers(tiers.final, assigned.class_of(policy, classes), classes, names, pds, ~not_rated)
    moved = direction(tiers.final, facts.text("previous_tier"), policy)
    state = Text(states.status, STATUSES)
    facts = with_review_facts(facts.with_columns(direction=Text(moved, DIRECTIONS), status=state), knocked, policy)
    worse = (moved == DIRECTIONS.index("down")) | (states.moved & (states.status > states.before))
    circumstances = Circumstances(
        better=((moved == DIRECTIONS.index("up")) | (states.moved & (states.status < states.before))) & ~worse,
        worse=worse,
        on_probation=states.on_probation,
        may_be_manual=may_grant(facts, "manual_limit", customers, policy),
        may_be_temporary=may_grant(facts, "temporary_limit", customers, policy),
        review_due=day_has_come(facts, policy, context.as_of),
        reason_to_raise=asked_anew(facts, policy),
    )
    limits = decide_limits(facts, customers, days_of_tier(customers, policy), knocked, circumstances, policy, context.as_of)
    person = facts.flags("natural_person")
    adverse = person.known & person.values & (moved == DIRECTIONS.index("down"))
    approval = approve(facts, customers, limits, adverse, policy)
    people = by_people(facts, tiers, limits, circumstances, knocked)
    prepaid = assigned.prepaid(policy) | states.taken_back
    terms = decide_terms(facts, customers, limits, prepaid, policy, context.as_of)
    used = utilisation(limits.limit, facts.integers("total_exposure").values, ~not_rated)
    granted = Vector(limits.limit, limits.known)
    segment = Text(assigned.segment, tuple(each.id for each in policy.segments))
    facts = facts.with_columns(limit_reporting=granted, utilisation=used, segment=segment)
    facts = with_alert_facts(facts, Vector(scored.score, scored.known), days_of_tier(customers, policy), context.as_of)
    alerts = raise_alerts(facts, policy, context, not_rated)
    held = hold(facts, knocked, policy, not_rated)
    release = released(facts, held)
    facts = with_outcome(facts, limits, alerts, policy)
    facts = facts.with_columns(hold=Vector(held.on, np.ones(len(facts), dtype=bool)))
    looked_at = circumstances.review_due | circumstances.reason_to_raise | states.moved
    reviews = next_reviews(facts, limits, looked_at, tiers.final, names, policy, context.as_of)
    let_through = release == IN_FORCE
    treatments = decide_treatments(facts, customers, terms, alerts, assigned.outside < 0, let_through, policy, context)

    reasons = Reasons(len(facts))
    reasons.add_knockouts(knocked, tiers.final, policy)
    told = knocked.hits[:, [k.state is not None for k in policy.knockouts]].any(axis=1)  # by the knock-out itself
    for number, edge in enumerate(policy.exit.edges):
        if edge.to != ACTIVE:
            reasons.add_where((states.rule == number) & (states.status >= 0) & ~told, edge.reason)
    add_reasons(reasons, people, release, facts)
    reasons.add_where((tiers.model == names.index(UNRATED)) & (assigned.outside < 0), policy.unrated.reason)
    for number, rule in enumerate(policy.outside_scorecard):
        reasons.add_where(assigned.outside == number, rule.reason)
    reasons.add_factors(scored.cards, catalogue, policy)
    return Decided(
        facts=facts,
        assigned=assigned,
        score=scored.score,
        score_known=scored.known,
        cards=scored.cards,
        default=default,
        states=states,
        knocked=knocked,
        tiers=tiers,
        limits=limits,
        approval=approval,
        people=people,
        terms=terms,
        used=used,
        hold=held,
        release=release,
        alerts=alerts,
        reviews=reviews,
        treatments=treatments,
        reasons=reasons,
    )
