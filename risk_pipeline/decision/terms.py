"""Payment terms: days, settlement cycle and prepayment by class and tier, and what moves them.

Put here: the table look-up and, in this order, incentives, legal caps, contracted longer terms, the insurer's terms, prepayment;
and the proposal of shorter terms. Keep out: the figures (policy `terms`, `terms_rules`, `incentives`). A limit of 0 forces
prepayment. Shorter terms are proposed, never given: people agree them with the customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.frames import Categorical, categorical
from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.decision.limits import Limits
from risk_pipeline.policy.facts import Bools, Facts, Ints
from risk_pipeline.policy.model import Incentive, Policy
from risk_pipeline.policy.scopes import condition

CYCLES = ("monthly_statement", "per_invoice", "prepayment")
PREPAYMENT = (0, "prepayment", 100)
TIER, CONTRACT, INSURANCE, FORCED = "tier", "contract", "insurance", "prepayment"
DAYS_OF_MONTH = 30
NO_PROPOSAL = -1


@dataclass(frozen=True)
class TermsGiven:
    """Days, cycle and prepayment in percent; `reason` what set the days, `proposed` shorter days or NO_PROPOSAL."""

    days: Ints
    cycle: Categorical
    prepayment_pct: Ints
    reason: Categorical
    proposed: Ints
    price_class: Ints


def days_of_tier(customers: Customers, policy: Policy) -> Ints:
    """payment_terms_days of the tier and class, before any override: what the need is computed with."""
    return _table(customers, policy, 0)


def decide_terms(facts: Facts, customers: Customers, limits: Limits, forced: Bools, policy: Policy, as_of: date) -> TermsGiven:
    """Terms of the tier and what moves them; prepayment where the limit is 0 or `forced`. NULL without a limit (not_rated).

    Facts read: contracted_terms_days, contract_valid_to, insured_terms_days, periods_in_tier, the columns of the legal caps.
    """
    prepay, prepaid_tier = (limits.limit == 0) | forced, _table(customers, policy, 2) == PREPAYMENT[2]
    words = [
        TIER,
        *(i.id for i in policy.incentives),
        *(c.id for c in policy.terms_rules.legal_caps),
        CONTRACT,
        INSURANCE,
        FORCED,
    ]
    days, why = _table(customers, policy, 0), np.zeros(len(facts), dtype=np.int16)

    def set_days(new: Ints, where: Bools, word: str) -> None:
        nonlocal days, why
        days, why = np.where(where, new, days), np.where(where, words.index(word), why).astype(np.int16)

    price_class = np.zeros(len(facts), dtype=np.int64)
    for incentive in policy.incentives:
        earned = has_earned(incentive, facts, customers) & ~prepay & ~prepaid_tier
        if incentive.longer_terms_days:
            set_days(days + incentive.longer_terms_days, earned, incentive.id)
        price_class += np.where(earned, incentive.price_class, 0)
    agreed, until = facts.integers("contracted_terms_days"), facts.dates("contract_valid_to")
    # a contract without an end that we know of binds as one in force; its terms are no way round a tier that pays in advance
    contracted = agreed.known & (np.isnat(until) | (until >= np.datetime64(as_of, "D"))) & ~prepaid_tier
    caps = [(cap, condition(cap.when, "default").met(facts)) for cap in policy.terms_rules.legal_caps]
    for cap, holds in caps:
        set_days(np.full(len(facts), cap.max_days), holds & (days > cap.max_days), cap.id)
    set_days(agreed.values, contracted & (agreed.values > days), CONTRACT)
    for cap, holds in caps:
        if not cap.unless_agreed:
            set_days(np.full(len(facts), cap.max_days), holds & (days > cap.max_days), cap.id)
    insured = facts.integers("insured_terms_days")
    set_days(insured.values, insured.known & (limits.secured > 0) & (days > insured.values), INSURANCE)
    set_days(np.full(len(facts), PREPAYMENT[0]), prepay & (days > PREPAYMENT[0]), FORCED)
    cycle = np.where(prepay, CYCLES.index("prepayment"), _table(customers, policy, 1))
    return TermsGiven(
        days=days,
        cycle=categorical(np.where(customers.has_limit, cycle, -1).astype(np.int8), CYCLES),
        prepayment_pct=np.where(prepay, PREPAYMENT[2], _table(customers, policy, 2)),
        reason=categorical(np.where(customers.has_limit, np.where(prepay, words.index(FORCED), why), -1).astype(np.int16), words),
        proposed=_shorter(facts, customers, limits, days, policy),
        price_class=price_class,
    )


def has_earned(incentive: Incentive, facts: Facts, customers: Customers) -> Bools:
    """Whether the customer is long enough in the tier of the incentive; `facts` hold periods_in_tier."""
    return (customers.tier == customers.tier_names.index(incentive.tier)) & (
        facts.integers("periods_in_tier").values >= incentive.periods
    )


def _shorter(facts: Facts, customers: Customers, limits: Limits, days: Ints, policy: Policy) -> Ints:
    """The longest of the policy's steps below `days` at which a month's sales x (days + tolerance) / 30 fit the limit.

    Only where the limit is not 0 and less than the need. No month at least is reckoned here, unlike in the need: shorter terms
    would else not help.
    """
    proposed = np.full(len(facts), NO_PROPOSAL, dtype=np.int64)
    rule = policy.terms_rules.shorten
    if rule is None:
        return proposed
    long, short = facts.integers("avg_monthly_sales_12m"), facts.integers("avg_monthly_sales_3m")
    sales = np.maximum(np.where(long.known, long.values, 0), np.where(short.known, short.values, 0))
    by_tier = [policy.limits.tolerance_days.get(name, 0) for name in customers.tier_names]
    tolerance = np.array(by_tier, dtype=np.int64)[customers.tier]
    needs = [c for c in limits.candidates if c.kind == "need"]
    need = np.min([np.where(c.known, c.amount, np.iinfo(np.int64).max) for c in needs], axis=0)
    short_of = limits.known & (limits.limit > 0) & (need > limits.limit) & (need < np.iinfo(np.int64).max) & (limits.source == 0)
    short_of &= limits.unsecured + limits.secured < need
    for step in sorted(rule.steps):
        fits = sales * (step + tolerance) <= limits.limit * DAYS_OF_MONTH
        proposed = np.where(short_of & fits & (step < days), step, proposed)
    return proposed


def _table(customers: Customers, policy: Policy, part: int) -> NDArray[np.int64]:
    def cell(customer_class: str, tier: str) -> int:
        value = policy.terms[customer_class].get(tier, PREPAYMENT)[part]  # not_rated has no entry; masked by has_limit
        return CYCLES.index(value) if isinstance(value, str) else value

    cells = [[cell(c, t) for t in customers.tier_names] for c in customers.classes]
    return np.array(cells, dtype=np.int64)[customers.customer_class, customers.tier]
