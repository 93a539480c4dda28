"""A tiny run, staged: three customers whose tables agree with each other, written as the Parquet files the gates read.

Put here: the rows and how they become files. Keep out: assertions. Only columns that matter are named; the others get a value
their contract allows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import TABLES, table
from risk_pipeline.contracts.table import Column, Kind, Table

AS_OF = date(2026, 6, 30)
RUN_ID = "run-1"
Row = dict[str, Any]
Rows = dict[str, list[Row]]
EVIDENCE = (
    "people_decision",
    "financial_condition",
    "credit_record",
    "industry_region",
    "market_environment",
    "contract_collateral",
    "collateral",
    "behaviour",
    "newest_event",
    "group_state",
)
ZERO = {Kind.MONEY: Decimal(0), Kind.RATE: Decimal(1), Kind.INTEGER: 0, Kind.NUMBER: 0.0, Kind.FLAG: False, Kind.DATE: AS_OF}


def good_rows() -> Rows:
    """C1 owes 100 overdue and 50 not due, C2 owes 20 in another currency, C3 owes nothing and is rated by nobody."""
    return {
        "factor.customer_state": [
            {"customer_id": c, "customer_source": "master", "country_code": "DE", "credit_fx_rate": Decimal(1)}
            for c in ("C1", "C2", "C3")
        ],
        "factor.due_diligence": [{"customer_id": c, "sanctions_search_result": "never"} for c in ("C1", "C2", "C3")],
        **{f"factor.{name}": [{"customer_id": c} for c in ("C1", "C2", "C3")] for name in EVIDENCE},
        "factor.collateral_item": [
            {
                "customer_id": "C1",
                "security_source": "collateral",
                "security_id": "S1",
                "security_kind": "mortgage",
                "ineligible_code": "not_registered",
                **_money(gross_value=40, net_value=0, lapsed_value=0),
            }
        ],
        "factor.open_item": [
            _item("C1", "I1", "EUR", amount=120, applied=20, dpd=20, aging_bucket="1_30", overdue_amount=100),
            _item("C1", "I2", "EUR", amount=50, dpd=-5, aging_bucket="not_due"),
            _item("C2", "I3", "USD", amount=30, credited=10, dpd=95, aging_bucket="over_90", overdue_amount=20, rate="0.5"),
        ],
        "factor.exposure": [
            _exposure("C1", open_exposure=150, aging_not_due=50, aging_1_30=100, overdue=100, days=20, n=2),
            _exposure("C2", open_exposure=10, aging_over_90=10, overdue=10, days=95, n=1),
            _exposure("C3"),
        ],
        "factor.exposure_by_currency": [
            {
                "customer_id": "C1",
                "company_code": "1000",
                "currency": "EUR",
                "n_items": 2,
                **_money(billed=170, applied=20, open_amount=150),
            },
            {
                "customer_id": "C2",
                "company_code": "1000",
                "currency": "USD",
                "n_items": 1,
                **_money(billed=30, credited=10, open_amount=20),
            },
        ],
        "factor.transaction_history": [
            {"customer_id": c, "wavg_days_late_incl_open_12m": d, "n_invoices_12m": 2, "relationship_months": 12}
            for c, d in (("C1", 20.0), ("C2", 95.0), ("C3", None))
        ],
        "score.risk_score": [
            _score("C1", 61.25, credit=50.25, operational=11.0),
            _score("C2", 20.0, credit=20.0),
            {"customer_id": "C3", "policy_version": "v1"},
        ],
        "score.contribution": [
            {"customer_id": "C1", "factor": "overdue_ratio", "contribution": 50.2501, "weight": 80.0},
            {"customer_id": "C1", "factor": "dilution_ratio_12m", "contribution": 11.0, "weight": 20.0},
            {"customer_id": "C2", "factor": "overdue_ratio", "contribution": 20.0, "weight": 80.0},
            {"customer_id": "C2", "factor": "dilution_ratio_12m", "contribution": None, "weight": 20.0, "missing": True},
        ],
        "decision.risk_tier": [
            {"customer_id": c, "tier": tier, "direction": "new", "valid_to": date(2026, 12, 31)}
            for c, tier in (("C1", "medium"), ("C2", "restricted"), ("C3", "not_rated"))
        ],
        "decision.credit_limit": [
            _limit("C1", limit=500, exposure=150),
            _limit("C2", limit=0, exposure=10),
            {"customer_id": "C3", "currency": "EUR", "reporting_currency": "EUR", **_money(total_exposure=0)},
        ],
        "decision.limit_candidate": [
            {"customer_id": "C1", "method": "sales_balance", "kind": "need", "is_binding": True, **_money(candidate_limit=500)},
            {"customer_id": "C1", "method": "tier_cap", "kind": "capacity", **_money(candidate_limit=75000)},
            {"customer_id": "C2", "method": "sales_balance", "kind": "need", **_money(candidate_limit=800)},
            {"customer_id": "C2", "method": "tier_cap", "kind": "capacity", "is_binding": True, **_money(candidate_limit=0)},
        ],
        "decision.alert": [
            {"customer_id": "C1", "alert_id": "A07:C1", "rule": "A07", "severity": "low", "state": "open"},
        ],
        "decision.treatment": [
            {"customer_id": "C1", "treatment_id": "call:C1", "action": "call", "rule": "A07", "state": "open", "priority": 4},
        ],
        "decision.review": [{"customer_id": c, "carried_forward": False} for c in ("C1", "C2", "C3")],
        "mart.worklist": [
            {"rank": 1, "customer_id": "C1", "tier": "medium", "next_action": "call", **_money(exposure_at_risk=15)},
        ],
        "mart.portfolio": [
            {"dimension": each, "member": "all", "customers": 2, **_money(total_exposure=160, expected_loss=9)}
            for each in ("all", "tier")
        ],
        "mart.current_risk": [
            _mart("C1", "medium", score=61.25, limit=500, exposure=150, overdue=100),
            _mart("C2", "restricted", score=20.0, limit=0, exposure=10, overdue=10),
            _mart("C3", "not_rated", score=None, limit=None, exposure=0, overdue=0),
        ],
    }


def stage(folder: Path, damage: Callable[[Rows], None] | None = None) -> dict[str, Path]:
    """Write the tables below `folder`, after `damage` changed the rows in place. Full table name -> file."""
    rows = good_rows()
    if damage:
        damage(rows)
    paths = {}
    for name, entries in rows.items():
        paths[name] = folder / f"{name}.parquet"
        # a schema without NOT NULL: a damaged file must be possible to write
        schema = pa.schema([pa.field(f.name, f.type) for f in table(name).to_arrow()])
        pq.write_table(pa.Table.from_pylist([_complete(TABLES[name], row) for row in entries], schema=schema), paths[name])
    return paths


def _complete(spec: Table, row: Row) -> Row:
    unknown = set(row) - set(spec.column_names)
    assert not unknown, f"{spec.full_name} has no columns {unknown}"
    return {column.name: row[column.name] if column.name in row else _filler(column, spec) for column in spec.columns}


def _filler(column: Column, spec: Table) -> Any:
    if column.name in ("as_of", "run_id"):
        return AS_OF if column.name == "as_of" else RUN_ID
    if not column.required and column.name not in spec.key:
        return None
    if column.values:
        return column.values[0]
    return ZERO.get(column.kind, "x")


def _money(**amounts: int) -> Row:
    return {name: Decimal(amount) for name, amount in amounts.items()}


def _item(customer: str, invoice: str, currency: str, *, dpd: int, aging_bucket: str, rate: str = "1", **money: int) -> Row:
    amounts = _money(**money)
    reduced = sum((amounts.get(name, Decimal(0)) for name in ("applied", "credited")), Decimal(0))
    open_amount = amounts["amount"] - reduced
    return {
        "customer_id": customer,
        "invoice_id": invoice,
        "company_code": "1000",
        "currency": currency,
        "due_date": date.fromordinal(AS_OF.toordinal() - dpd),
        "days_past_due": dpd,
        "aging_bucket": aging_bucket,
        "fx_rate": Decimal(rate),
        **amounts,
        "open_amount": open_amount,
        "open_amount_reporting": open_amount * Decimal(rate),
        "overdue_amount_reporting": amounts.get("overdue_amount", Decimal(0)) * Decimal(rate),
    }


def _exposure(customer: str, *, days: int = 0, n: int = 0, **money: int) -> Row:
    amounts = _money(**money)
    overdue = amounts.get("overdue", Decimal(0))
    return {
        "customer_id": customer,
        "currency": "EUR",
        **amounts,
        "overdue_gross": overdue,
        "undisputed_open": amounts.get("open_exposure", Decimal(0)),
        "total_exposure": amounts.get("open_exposure", Decimal(0)),
        "max_days_past_due": days,
        "max_dpd_material": days,
        "n_open_invoices": n,
        "n_overdue_invoices": min(n, 1),
    }


def _score(customer: str, score: float, **subtotals: float) -> Row:
    return {
        "customer_id": customer,
        "policy_version": "v1",
        "score": score,
        "pd": 0.05,
        "pd_status": "expert",
        "coverage_pct": 100.0,
        "confidence_pct": 100.0,
        "reweight_factor": 1.0,
        **{f"{name}_subtotal": value for name, value in subtotals.items()},
    }


def _limit(customer: str, *, limit: int, exposure: int) -> Row:
    return {
        "customer_id": customer,
        "currency": "EUR",
        "reporting_currency": "EUR",
        "fx_rate_used": Decimal(1),
        "valid_to": date(2026, 12, 31),
        "payment_terms_days": 30,
        "prepayment_pct": 0.0,
        **_money(
            credit_limit=limit, limit_reporting=limit, unsecured_limit=limit, total_exposure=exposure, headroom=limit - exposure
        ),
    }


def _mart(customer: str, tier: str, *, score: float | None, limit: int | None, exposure: int, overdue: int) -> Row:
    amounts = _money(open_exposure=exposure, total_exposure=exposure, overdue=overdue)
    limits = {name: None if limit is None else Decimal(limit) for name in ("credit_limit", "limit_reporting")}
    return {"customer_id": customer, "tier": tier, "score": score, "reasons_en": "Pays later than agreed", **limits, **amounts}
