"""Whether the pipeline and the hand-written script found the same: every customer, to the cent and to the bit.

Put here: which columns must be equal. Keep out: mending or tolerances; there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from risk_pipeline.contracts import table
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import Lake

FACTORS = (
    "wavg_days_late_incl_open_12m",
    "overdue_ratio",
    "max_dpd_material",
    "days_late_trend_3v9",
    "dishonoured_payments_12m",
    "dilution_ratio_12m",
    "unfounded_dispute_ratio_12m",
    "relationship_months",
)
# pipeline table -> (script's file, key, columns that must be equal; one name, or "pipeline's = script's")
Equal = tuple[str, tuple[str, ...], tuple[str, ...]]
EQUAL: dict[str, Equal] = {
    "factor.open_item": (
        "open_item",
        ("customer_id", "invoice_id"),
        (
            "company_code",
            "currency",
            "due_date",
            "open_amount",
            "disputed_amount",
            "shielded_amount",
            "offset_amount",
            "overdue_amount",
            "open_amount_reporting",
            "overdue_amount_reporting",
            "days_past_due",
            "aging_bucket",
        ),
    ),
    "factor.exposure": (
        "exposure",
        ("customer_id",),
        (
            "open_exposure",
            "aging_not_due",
            "aging_1_30",
            "aging_31_60",
            "aging_61_90",
            "aging_over_90",
            "overdue",
            "undisputed_open",
            "disputed_open",
            "max_days_past_due",
            "max_dpd_material",
            "unapplied_cash",
            "unapplied_credits",
            "total_exposure",
            "n_open_invoices",
            "n_overdue_invoices",
        ),
    ),
    "factor.exposure_by_currency": (
        "exposure_by_currency",
        ("customer_id", "company_code", "currency"),
        (
            "n_items",
            "billed",
            "applied",
            "credited",
            "written_off",
            "open_amount",
            "unapplied_cash",
            "unapplied_credits",
            "fx_rate",
        ),
    ),
    "factor.transaction_history": (
        "transaction_history",
        ("customer_id",),
        (
            *FACTORS,
            *(f"{name}_code" for name in FACTORS),
            "evidence_date",
            "wavg_days_late_12m",
            "wavg_days_late_signed_12m",
            "on_time_ratio_12m",
            "on_time_amount_ratio_12m",
            "dispute_ratio_12m",
            "dispute_amount_ratio_12m",
            "dso_days",
            "sales_3m",
            "sales_12m",
            "avg_monthly_sales_3m",
            "avg_monthly_sales_12m",
            "sales_volatility_12m",
            "n_invoices_12m",
            "n_applications_12m",
            "first_invoice_date",
            "last_invoice_date",
            "last_payment_date",
            "months_since_first_invoice",
            "dishonoured_payments_6m",
            "uncollectible_written_off_12m",
            "n_open_disputes",
        ),
    ),
    "score.risk_score": ("score", ("customer_id",), ("score", "coverage_pct", "reweight_factor")),
    "score.contribution": (
        "contribution",
        ("customer_id", "factor"),
        ("value", "special_code", "points", "weight", "effective_weight", "contribution", "points_lost"),
    ),
    "factor.newest_event": ("newest_event", ("customer_id",), ("unapplied_days", "dispute_days", "dishonoured_on")),
    "decision.risk_tier": ("tier", ("customer_id",), ("segment", "tier", "model_tier", "in_default", "knockouts", "status")),
    "decision.credit_limit": (
        "credit_limit",
        ("customer_id",),
        (
            "credit_limit",
            "limit_reporting",
            "binding_method",
            "unsecured_limit",
            "secured_amount",
            "approval_status",
            "effective_limit",
            "payment_terms_days",
            "settlement_cycle",
            "prepayment_pct",
            "proposed_terms_days",
            "total_exposure",
            "utilisation",
            "headroom",
            "hold",
        ),
    ),
    "decision.review": ("review", ("customer_id",), ("next_review_date", "review_reason")),
    "decision.alert": ("alert", ("customer_id", "rule"), ("severity", "due_date")),
    "decision.treatment": ("treatment", ("customer_id", "action"), ("due_date",)),
}


EVIDENCE_TABLES = (
    "financial_condition",
    "due_diligence",
    "credit_record",
    "industry_region",
    "contract_collateral",
    "market_environment",
    "behaviour",
)
SECURITY: Equal = (
    "collateral",
    ("customer_id",),
    (
        "collateral_value_net",
        "security_ends_on",
        "security_days_left",
        "insured",
        "insured_terms_days",
        "insurance_extension_days_left",
    ),
)


def with_evidence() -> dict[str, Equal]:
    """What must be equal where there is evidence too: every column of its tables."""
    fixed = ("as_of", "customer_id", "run_id")
    tables = {f"factor.{name}": table(f"factor.{name}") for name in EVIDENCE_TABLES}
    evidence: dict[str, Equal] = {
        name: (each.name, ("customer_id",), tuple(column for column in each.column_names if column not in fixed))
        for name, each in tables.items()
    }
    file, key, columns = EQUAL["score.contribution"]
    contribution = (file, key, (*columns, "value_text", "evidence_date", "risk_type"))
    return {**EQUAL, **evidence, "factor.collateral": SECURITY, "score.contribution": contribution}


def compare(workspace: Path, run_id: str, out: Path, as_of: date, equal: Mapping[str, Equal] = EQUAL) -> list[str]:
    """One line per column that differs: how many rows, and one of them with both values. Empty when all is equal."""
    lake, con = Lake(Workspace.load(workspace).lake), duckdb.connect()
    found: list[str] = []
    for name, (file, key, columns) in equal.items():
        layer, short = name.split(".")
        files = lake.part_path(layer, short, as_of, run_id), out / f"{file}.parquet"
        mine, theirs = (f"(SELECT *, true AS here FROM read_parquet('{path}'))" for path in files)
        joined = f"{mine} AS p FULL JOIN {theirs} AS s USING ({', '.join(key)})"
        for column in ("here", *columns):
            both = " || ' / ' || ".join(f"coalesce({value}::VARCHAR, 'NULL')" for value in (f"p.{column}", f"s.{column}"))
            example = f"min({' || '.join(key)} || ': ' || {both})"
            row = con.execute(f"SELECT count(*), {example} FROM {joined} WHERE p.{column} IS DISTINCT FROM s.{column}").fetchone()
            if row and row[0]:
                found.append(f"{name}.{column}: {row[0]} rows, pipeline / script: {row[1]}")
    return found
