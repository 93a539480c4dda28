"""Facts frames for tests of decisions: one sound customer, changed by keyword, and random customers."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import arrow_to_frame
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision import decide as decision
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import FACT_TABLES

AS_OF = date(2026, 6, 30)
TIERS = ["low", "medium", "high", "restricted", "unrated"]
PREVIOUS = {
    "previous_tier": "str",
    "previous_limit": "Int64",
    "previous_in_default": "boolean",
    "previous_default_since": "datetime64[s]",
    "previous_default_cleared_on": "datetime64[s]",
    "previous_periods_in_tier": "Int64",
    "previous_as_of": "datetime64[s]",
    "previous_hysteresis_tier": "str",
    "previous_hysteresis_periods_met": "Int64",
    "previous_last_downgrade_on": "datetime64[s]",
    "previous_month_end_score": "float64",
    "previous_computed_limit": "Int64",
    "previous_period_start_limit": "Int64",
    "previous_effective_limit": "Int64",
    "group_limit": "Int64",
    "group_limit_total": "Int64",
    "previous_default_wait_days": "Int64",
    "previous_knockouts": "str",
    "previous_status": "str",
    "previous_status_since": "datetime64[s]",
    "previous_status_periods": "Int64",
    "previous_status_before": "str",
    "previous_status_rule": "str",
    "previous_status_cleared_on": "datetime64[s]",
    "previous_status_wait_days": "Int64",
    "previous_cure_ceiling": "str",
    "group_member_in_default": "boolean",
    "previous_limit_valid_to": "datetime64[s]",
    "previous_next_review_date": "datetime64[s]",
    "previous_reviewed_on": "datetime64[s]",
    "previous_segment": "str",
    "previous_segment_held_on": "datetime64[s]",
}
DTYPES = {
    Kind.TEXT: "str",
    Kind.DATE: "datetime64[s]",
    Kind.MONEY: "Int64",
    Kind.RATE: "Int64",
    Kind.INTEGER: "Int64",
    Kind.NUMBER: "float64",
    Kind.FLAG: "boolean",
}

# A customer that pays to the day: 100 points on every factor, 60 months known, 1,000.00 sales a month.
SOUND: dict[str, Any] = {
    "customer_id": "C1",
    "name": "Sound Ltd",
    "country_code": "DE",
    "credit_currency": "EUR",
    "credit_fx_rate": 10**10,
    "identity_verified": True,
    "natural_person": False,
    "is_intercompany": False,
    "is_one_time": False,
    "distressed_plan": False,
    "currency": "EUR",
    "open_exposure": 0,
    "overdue": 0,
    "total_exposure": 0,
    "max_days_past_due": 0,
    "evidence_date": AS_OF,
    "wavg_days_late_incl_open_12m": 0.0,
    "overdue_ratio": 0.0,
    "max_dpd_material": 0,
    "days_late_trend_3v9": -6.0,
    "dishonoured_payments_12m": 0,
    "dilution_ratio_12m": 0.0,
    "unfounded_dispute_ratio_12m": 0.0,
    "relationship_months": 61,
    "sales_12m": 12_000_00,
    "sales_3m": 3_000_00,
    "avg_monthly_sales_12m": 1_000_00,
    "avg_monthly_sales_3m": 1_000_00,
    "months_since_first_invoice": 61,
    "dishonoured_payments_6m": 0,
    "uncollectible_written_off_12m": 0,
    "sanctions_confirmed": 0,
    "sanctions_unreviewed": 0,
    "sanctions_search_result": "never",
}


def fact_dtypes() -> dict[str, str]:
    """Every column of the facts frame and its dtype."""
    columns = {c.name: DTYPES[c.kind] for name in FACT_TABLES for c in table(name).columns if c.name not in ("as_of", "run_id")}
    return {**columns, **PREVIOUS}


def facts(*customers: dict[str, Any]) -> pd.DataFrame:
    """One row per dict of changes against SOUND; ids C1, C2, ... unless given."""
    rows = [{**SOUND, "customer_id": f"C{number}", **changes} for number, changes in enumerate(customers, start=1)]
    dtypes = fact_dtypes()
    unknown = {key for row in rows for key in row} - set(dtypes)
    assert not unknown, f"not columns of the facts frame: {unknown}"
    given = {key for row in rows for key in row}
    empty = {dtype: pd.Series([None] * len(rows), dtype=dtype) for dtype in set(dtypes.values())}
    return pd.DataFrame(
        {
            name: pd.Series([row.get(name) for row in rows], dtype=dtype) if name in given else empty[dtype]
            for name, dtype in dtypes.items()
        }
    )


def sales(monthly: int) -> dict[str, int]:
    """Sales columns of a customer that buys `monthly` (currency units) every month."""
    return {
        "sales_12m": 12 * monthly * 100,
        "sales_3m": 3 * monthly * 100,
        "avg_monthly_sales_12m": monthly * 100,
        "avg_monthly_sales_3m": monthly * 100,
    }


def many(rows: int, seed: int = 7) -> pd.DataFrame:
    """Random customers with every kind of gap: NULLs, special codes, knock-outs, previous decisions."""
    rng = np.random.default_rng(seed)

    def some(share: float) -> np.ndarray:
        return rng.random(rows) < share

    def gaps(values: np.ndarray, share: float = 0.05) -> pd.Series:
        return pd.Series(values).astype("Int64" if values.dtype.kind == "i" else "float64").mask(some(share))

    def code(name: str, share: float) -> pd.Series:
        return pd.Series(np.where(some(share), name, None), dtype="str")

    monthly = rng.integers(0, 20_000_000, rows)
    columns: dict[str, Any] = {
        "customer_id": pd.Series([f"C{i:07d}" for i in range(rows)], dtype="str"),
        "name": pd.Series([f"Customer {i}" for i in range(rows)], dtype="str"),
        "credit_currency": pd.Series(rng.choice(["EUR", "USD", "CNY"], rows), dtype="str"),
        "identity_verified": pd.Series(some(0.8)),
        "natural_person": pd.Series(some(0.1)),
        "is_intercompany": pd.Series(some(0.02)),
        "is_one_time": pd.Series(some(0.01)),
        "distressed_plan": pd.Series(some(0.02)),
        "currency": "EUR",
        "open_exposure": rng.integers(0, 30_000_000, rows),
        "overdue": rng.integers(0, 3_000_000, rows),
        "total_exposure": rng.integers(0, 30_000_000, rows),
        "max_days_past_due": gaps(rng.integers(0, 120, rows)),
        "evidence_date": np.datetime64(AS_OF, "s") - rng.integers(0, 50, rows).astype("timedelta64[D]"),
        "wavg_days_late_incl_open_12m": gaps(rng.exponential(8, rows)),
        "wavg_days_late_incl_open_12m_code": code("no_invoice_in_window", 0.05),
        "overdue_ratio": gaps(rng.beta(1, 6, rows)),
        "overdue_ratio_code": code("no_open_items", 0.1),
        "max_dpd_material": gaps(np.maximum(rng.integers(-100, 110, rows), 0)),
        "days_late_trend_3v9": gaps(rng.normal(1, 6, rows)),
        "days_late_trend_3v9_code": code("too_few_payments", 0.1),
        "dishonoured_payments_12m": gaps(rng.poisson(0.1, rows)),
        "dilution_ratio_12m": gaps(rng.exponential(0.02, rows)),
        "unfounded_dispute_ratio_12m": gaps(rng.exponential(0.01, rows)),
        "relationship_months": gaps(rng.integers(0, 120, rows)),
        "sales_12m": gaps(12 * monthly),
        "sales_3m": gaps(3 * monthly),
        "avg_monthly_sales_12m": gaps(monthly),
        "avg_monthly_sales_3m": gaps(rng.integers(0, 20_000_000, rows)),
        "months_since_first_invoice": gaps(rng.integers(0, 120, rows)),
        "requested_limit": gaps(rng.integers(0, 50_000_000, rows), 0.9),
        "dishonoured_payments_6m": gaps(rng.poisson(0.1, rows)),
        "uncollectible_written_off_12m": np.where(some(0.02), 600_00, 0),
        "previous_tier": pd.Series(rng.choice(TIERS, rows), dtype="str").mask(some(0.3)),
        "previous_in_default": pd.Series(some(0.05)).astype("boolean").mask(some(0.3)),
        "previous_periods_in_tier": gaps(rng.integers(0, 30, rows)),
        "previous_as_of": np.full(rows, np.datetime64("2026-05-31", "s")),
    }
    columns["credit_fx_rate"] = columns["credit_currency"].map({"EUR": 10**10, "USD": 9_200_000_000, "CNY": 1_276_543_211})
    empty = {name: pd.Series([None] * rows, dtype=dtype) for name, dtype in fact_dtypes().items()}
    given = {name: pd.Series(values, index=range(rows)).astype(fact_dtypes()[name]) for name, values in columns.items()}
    return pd.DataFrame({**empty, **given})


def decide(
    facts: pa.Table | pd.DataFrame, policy: Policy, catalogue: Catalogue, context: DecisionContext
) -> dict[str, pd.DataFrame]:
    """What is decided, every table as a frame: those of several rows per customer come as Arrow."""
    found = decision.decide(facts, policy, catalogue, context)
    return {name: arrow_to_frame(rows) if isinstance(rows, pa.Table) else rows for name, rows in found.items()}
