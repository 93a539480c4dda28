"""The credit limit: every candidate, the one that binds, the hard stop, rounding, and the credit currency.

Put here: limit = min(need, min(capacity)), then hard stop, rounding, floor (policy `limits`). Keep out: terms (terms.py), hold
(hold.py), tables (decide.py). Money is int64 minor units and divided downwards, so no step can lift a limit. A NULL input
drops its candidate, a value <= 0 keeps it at 0, and without a need candidate the limit is 0 (no_basis).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision import inputs_json as js
from risk_pipeline.decision.frames import Categorical, categorical
from risk_pipeline.decision.knockouts import Knocked
from risk_pipeline.decision.tier_codes import Codes
from risk_pipeline.policy.facts import Bools, Facts, Ints, Text, Vector
from risk_pipeline.policy.model import Policy, minor_units

DAYS_PER_MONTH = 30
MONTHS_PER_YEAR = 12
SALES_MONTHS = (3, 12)  # sales of a young customer are spread over its months, at least 3, at most 12
RATE_SCALE = 10**10  # exchange rates are DECIMAL(18,10)
NO_LIMIT = np.iinfo(np.int64).max
HARD_STOP = "hard_stop"
NO_BASIS = "no_basis"
BELOW_SMALLEST = "below_smallest_limit"


@dataclass(frozen=True)
class Customers:
    """What the limit needs to know of each customer beside the facts: codes into tiers and into `classes`."""

    tier: Codes  # into tiers.tier_names
    customer_class: NDArray[np.int8]  # into `classes`, the keys of the tables by class
    classes: tuple[str, ...]
    tier_names: tuple[str, ...]
    pd: Vector
    has_limit: Bools  # False: not_rated, the limit is somebody else's


@dataclass(frozen=True)
class Candidate:
    """One limit by one method, in minor units of the reporting currency, with the inputs as canonical JSON."""

    method: str
    kind: str
    amount: Ints
    known: Bools
    inputs: js.Json


@dataclass(frozen=True)
class Limits:
    """The outcome; `binding` is a position in `candidates`, -1 = no_basis. Amounts hold 0 where `known` is False."""

    candidates: tuple[Candidate, ...]
    binding: NDArray[np.int8]
    unsecured: Ints
    limit: Ints
    known: Bools


def decide_limits(facts: Facts, customers: Customers, terms_days: Ints, knocked: Knocked, policy: Policy) -> Limits:
    """The limit of every customer in reporting currency; `terms_days` are those of the new tier."""
    candidates = (
        *need(facts, customers, terms_days, policy),
        expected_loss(facts, customers, policy),
        tier_cap(customers, policy),
        new_customer_cap(facts, customers, policy),
        hard_stop(knocked, customers, policy),
    )
    lowest = np.full(len(facts), NO_LIMIT, dtype=np.int64)
    binding = np.full(len(facts), -1, dtype=np.int8)
    has_need = np.zeros(len(facts), dtype=bool)
    for position, candidate in enumerate(candidates):
        binds = candidate.known & (candidate.amount < lowest)
        if candidate.method == HARD_STOP:
            binds = candidate.known  # a hard stop beats everything, a zero of another kind too
        lowest = np.where(binds, candidate.amount, lowest)
        binding[binds] = position
        if candidate.kind == "need":
            has_need |= candidate.known
    no_basis = ~has_need & ~knocked.stops_limit
    binding[no_basis | ~customers.has_limit] = -1
    unsecured = np.where(no_basis | ~customers.has_limit, 0, lowest)
    return Limits(candidates, binding, unsecured, round_down(unsecured, policy), customers.has_limit)


def need(facts: Facts, customers: Customers, terms_days: Ints, policy: Policy) -> tuple[Candidate, Candidate]:
    """sales_balance, or the approved request while there are too few months of sales.

    sales_balance = max(avg_monthly_sales_12m, avg_monthly_sales_3m) x max(min_days, terms + tolerance) / 30.
    """
    year, quarter = facts.integers("avg_monthly_sales_12m"), facts.integers("avg_monthly_sales_3m")
    requested, months = facts.integers("requested_limit"), facts.numbers("months_since_first_invoice")
    few_sales = ~months.known | (months.values < policy.limits.need.requested.months_of_sales_below)
    by_request = requested.known & few_sales & customers.has_limit
    tolerance = np.array([policy.limits.tolerance_days.get(t, 0) for t in customers.tier_names], dtype=np.int64)[customers.tier]
    days = np.maximum(terms_days + tolerance, policy.limits.need.sales_balance.min_days)
    monthly = np.maximum(np.where(year.known, year.values, quarter.values), np.where(quarter.known, quarter.values, year.values))
    sales = Candidate(
        method="sales_balance",
        kind="need",
        amount=np.maximum(_times(monthly, days, DAYS_PER_MONTH), 0),
        known=(year.known | quarter.known) & ~by_request & customers.has_limit,
        inputs=js.object_of(
            avg_monthly_sales_12m=js.money(year),
            avg_monthly_sales_3m=js.money(quarter),
            terms_days=js.whole(terms_days),
            tolerance_days=js.whole(tolerance),
        ),
    )
    request = Candidate(
        method="requested",
        kind="need",
        amount=np.maximum(requested.values, 0),
        known=by_request,
        inputs=js.object_of(
            months_since_first_invoice=js.whole(months.values.astype(np.int64), months.known), requested_limit=js.money(requested)
        ),
    )
    return sales, request


def expected_loss(facts: Facts, customers: Customers, policy: Policy) -> Candidate:
    """budget_share_of_sales_12m x annual sales / (PD x LGD); without PD, or with neither sales nor a request that
    expects some, there is no candidate.

    Annual sales: sales_12m spread over the months since the first invoice (3 to 12), or expected_monthly_sales x 12 of the
    approved request where there were no sales.
    """
    rule = policy.limits.capacity.expected_loss
    sales, months = facts.integers("sales_12m"), facts.numbers("months_since_first_invoice")
    expected = facts.integers("expected_monthly_sales")
    spread = np.where(months.known, np.clip(months.values, *SALES_MONTHS), SALES_MONTHS[1]).astype(np.int64)
    sold = sales.known & (sales.values != 0)
    use_expected = expected.known & ~(sold & (sales.values > 0))
    annual = np.where(use_expected, expected.values * MONTHS_PER_YEAR, _times(sales.values, MONTHS_PER_YEAR, spread))
    loss_rate = np.where(customers.pd.known, customers.pd.values, 1.0) * rule.lgd
    amount = np.floor(np.maximum(annual, 0) * rule.budget_share_of_sales_12m / loss_rate)
    return Candidate(
        method="expected_loss",
        kind="capacity",
        amount=np.minimum(amount, float(2**62)).astype(np.int64),
        known=customers.pd.known & (sold | expected.known) & customers.has_limit,
        inputs=js.object_of(
            annual_sales=js.money(Vector(annual, sold | expected.known)),
            budget_share_of_sales_12m=js.fixed(rule.budget_share_of_sales_12m),
            lgd=js.fixed(rule.lgd),
            pd=js.number(customers.pd),
        ),
    )


def tier_cap(customers: Customers, policy: Policy) -> Candidate:
    """The cap of the tier in the customer's class."""
    table = policy.limits.capacity.tier_cap
    caps = [[minor_units(table[c][t]) if t in table[c] else 0 for t in customers.tier_names] for c in customers.classes]
    pairs = [js.canonical({"class": c, "tier": t}) for c in customers.classes for t in customers.tier_names]
    return Candidate(
        method="tier_cap",
        kind="capacity",
        amount=np.array(caps, dtype=np.int64)[customers.customer_class, customers.tier],
        known=customers.has_limit,
        inputs=js.chosen(customers.customer_class.astype(np.int64) * len(customers.tier_names) + customers.tier, pairs),
    )


def new_customer_cap(facts: Facts, customers: Customers, policy: Policy) -> Candidate:
    """The cap of a relationship shorter than until_months; one of unknown length counts as new."""
    rule = policy.limits.new_customer_cap
    months = facts.numbers("relationship_months")
    caps = np.array([minor_units(rule.caps[c]) for c in customers.classes], dtype=np.int64)
    return Candidate(
        method="new_customer_cap",
        kind="capacity",
        amount=caps[customers.customer_class],
        known=(~months.known | (months.values < rule.until_months)) & customers.has_limit,
        inputs=js.object_of(
            **{"class": js.chosen(customers.customer_class.astype(np.int64), [js.canonical(c) for c in customers.classes])},
            relationship_months=js.whole(months.values.astype(np.int64), months.known),
            until_months=js.fixed(rule.until_months),
        ),
    )


def hard_stop(knocked: Knocked, customers: Customers, policy: Policy) -> Candidate:
    """0 where a knock-out stops the limit: zero and secured_only alike, while no security is known."""
    ids = [js.canonical({"knockout": k.id, "limit": k.limit}) for k in policy.knockouts]
    return Candidate(
        method=HARD_STOP,
        kind="cap",
        amount=np.zeros(len(customers.tier), dtype=np.int64),
        known=knocked.stops_limit & customers.has_limit,
        inputs=js.chosen(knocked.first_stop.astype(np.int64), ids or ["{}"]),
    )


def round_down(amount: Ints, policy: Policy) -> Ints:
    """Down to the step of the amount's size; below the smallest limit it becomes 0."""
    steps = policy.limits.rounding.steps
    sizes = [amount < minor_units(s.below) for s in steps[:-1] if s.below is not None]
    to = np.select(sizes, [minor_units(s.to) for s in steps[:-1]], default=minor_units(steps[-1].to)).astype(np.int64)
    rounded = amount // to * to
    return np.where(rounded < minor_units(policy.limits.floor.smallest_limit), 0, rounded)


@dataclass(frozen=True)
class InCreditCurrency:
    """The limit in the currency in which it is granted; `rate`: reporting currency per unit of it, in counts of 10^-10."""

    currency: Categorical
    amount: Ints
    rate: Ints


def in_credit_currency(facts: Facts, limit: Ints, reporting_currency: str) -> InCreditCurrency:
    """The limit divided by credit_fx_rate, downwards to the minor unit.

    It stays in reporting currency where no other is asked for or its rate is not known.
    """
    wanted: Text = facts.text("credit_currency")
    rate = facts.integers("credit_fx_rate")
    foreign = wanted.known & ~wanted.is_in((reporting_currency,)) & rate.known & (rate.values > 0)
    amount = limit.copy()
    amount[foreign] = _divide_by_rate(limit[foreign], rate.values[foreign])
    codes = np.where(foreign, wanted.codes.astype(np.int32) + 1, 0)
    return InCreditCurrency(
        currency=categorical(codes, [reporting_currency, *wanted.categories]),
        amount=amount,
        rate=np.where(foreign, rate.values, RATE_SCALE),
    )


def _divide_by_rate(amount: Ints, rate: Ints) -> Ints:
    """floor(amount x 10^10 / rate) by long division, digit by digit: amount x 10^10 itself would overflow int64."""
    quotient, rest = np.divmod(amount, rate)
    scale = RATE_SCALE
    while scale > 1:
        digit, rest = np.divmod(rest * 10, rate)
        quotient = quotient * 10 + digit
        scale //= 10
    return quotient


def _times(amount: Ints, factor: Ints | int, divisor: Ints | int) -> Ints:
    """floor(amount x factor / divisor) without the overflow of amount x factor."""
    whole: Ints = np.floor_divide(amount, divisor)
    part: Ints = np.floor_divide((amount - whole * divisor) * factor, divisor)
    return whole * factor + part
