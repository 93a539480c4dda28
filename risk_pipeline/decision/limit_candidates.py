"""The candidates of a credit limit: what the customer needs, and what it can bear, each by one method.

Put here: one function per method of the policy (`limits.need`, `limits.capacity`). Keep out: how they become a limit (limits.py).
Money is int64 minor units and divided downwards. A NULL input drops its candidate, a value <= 0 keeps it at 0; a share without
an entry for the tier drops it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision import inputs_json as js
from risk_pipeline.decision.tier_codes import Codes
from risk_pipeline.policy.facts import Bools, Facts, Ints, Vector
from risk_pipeline.policy.model import Policy, minor_units

DAYS_PER_MONTH = 30
MONTHS_PER_YEAR = 12
SHARE_SCALE = 10_000
SALES_MONTHS = (3, 12)  # sales of a young customer are spread over its months, at least 3, at most 12


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


def candidates(
    facts: Facts, customers: Customers, terms_days: Ints, policy: Policy
) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """The candidates of need and of capacity; `terms_days` are those of the new tier."""
    capacity = policy.limits.capacity
    net_worth, turnover = facts.integers("tangible_net_worth"), facts.integers("revenue_annual")
    bureau, age = facts.integers("bureau_recommended_limit"), facts.numbers("bureau_report_age_days")
    fresh = age.known & (age.values <= capacity.bureau_recommendation.max_age_days)
    return need(facts, customers, terms_days, policy), (
        share("tangible_net_worth_share", net_worth, capacity.tangible_net_worth_share, customers),
        share("turnover_share", turnover, capacity.turnover_share, customers),
        share(
            "bureau_recommendation",
            Vector(bureau.values, bureau.known & fresh),
            capacity.bureau_recommendation.share,
            customers,
        ),
        expected_loss(facts, customers, policy),
        tier_cap(customers, policy),
        new_customer_cap(facts, customers, policy),
    )


def share(method: str, amount: Vector, shares: Mapping[str, float], customers: Customers) -> Candidate:
    """A share by tier of an amount, such as 15 % of tangible net worth."""
    # Shares have at most 4 decimals, so the product is exact in whole ten-thousandths.
    parts = np.array([round(shares.get(tier, 0) * SHARE_SCALE) for tier in customers.tier_names], dtype=np.int64)[customers.tier]
    listed = np.array([tier in shares for tier in customers.tier_names])[customers.tier]
    return Candidate(
        method=method,
        kind="capacity",
        amount=times(np.maximum(amount.values, 0), parts, SHARE_SCALE),
        known=amount.known & listed & customers.has_limit,
        inputs=js.object_of(amount=js.money(amount), share=js.number(Vector(parts / SHARE_SCALE, listed))),
    )


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
        amount=np.maximum(times(monthly, days, DAYS_PER_MONTH), 0),
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
    annual = np.where(use_expected, expected.values * MONTHS_PER_YEAR, times(sales.values, MONTHS_PER_YEAR, spread))
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


def times(amount: Ints, factor: Ints | int, divisor: Ints | int) -> Ints:
    """floor(amount x factor / divisor) without the overflow of amount x factor."""
    whole: Ints = np.floor_divide(amount, divisor)
    part: Ints = np.floor_divide((amount - whole * divisor) * factor, divisor)
    return whole * factor + part
