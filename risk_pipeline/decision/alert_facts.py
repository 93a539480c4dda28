"""What rules of alerts compare beside facts, tier and limit: ratios and differences, each a column (scopes.ALERT_FACTS).

Put here: their formulas. Keep out: thresholds (policy `alerts`).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from risk_pipeline.policy.facts import Facts, Ints, Text, Vector

HUNDRED = 100
WITHOUT_BASE = 9.99  # an amount over a base of nothing: larger than any threshold, yet a number


def with_alert_facts(facts: Facts, score: Vector, policy_terms: Ints, as_of: date) -> Facts:
    """`facts` (with limit_reporting) and the columns of scopes.ALERT_FACTS. `score` in hundredths."""
    before = facts.numbers("previous_month_end_score")
    drop = (np.rint(before.values * HUNDRED) - score.values) / HUNDRED
    net_worth = facts.integers("tangible_net_worth")
    usable = facts.flags("statement_usable")
    month_end = np.zeros(len(facts), dtype=np.int8)
    contract_left = (facts.dates("contract_valid_to") - np.datetime64(as_of, "D")).astype(np.int64)  # NaT: least of all
    return facts.with_columns(
        score=Vector(score.values / HUNDRED, score.known),
        score_drop=Vector(np.where(score.known & before.known, drop, 0.0), score.known & before.known),
        score_compared_with=Text(month_end, (month_end_before(as_of).isoformat(),)),
        order_to_limit=_share(facts.integers("largest_order_30d"), facts.integers("limit_reporting")),
        contract_days_left=Vector(np.maximum(contract_left, 0), contract_left >= 0),
        policy_terms_days=Vector(policy_terms, np.ones(len(facts), dtype=bool)),
        unapplied_share=_share(facts.integers("unapplied_cash"), facts.integers("open_exposure")),
        lawsuit_to_net_worth=_share(
            facts.integers("lawsuit_newest_amount"), Vector(net_worth.values, net_worth.known & usable.known & usable.values)
        ),
    )


def month_end_before(day: date) -> date:
    """The last calendar month end before `day`."""
    return day.replace(day=1) - timedelta(days=1)


def _share(amount: Vector, base: Vector) -> Vector:
    """Amount / base; 9.99 where the base is nothing or less; not known without both, or without an amount."""
    known = amount.known & base.known & (amount.values > 0)
    ratio = np.where(base.values > 0, amount.values / np.where(base.values > 0, base.values, 1), WITHOUT_BASE)
    return Vector(np.where(known, ratio, 0.0), known)
