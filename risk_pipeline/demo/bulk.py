"""Large ledgers for the bench: millions of invoices, drawn as whole columns.

Put here: the vectorised generator. Keep out: stories (stories.py); these customers are good, average, slow or gone, no more.
Columns carry the canonical names, so that the feed YAML is an identity mapping. Amounts are integer cents until they are written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.demo.book import month_ends
from risk_pipeline.demo.columns import Columns, constant, dates, days, ids, money, write_feed

INVOICES_PER_CUSTOMER = 20
_TERMS = np.array([14, 30, 30, 45, 60])
_KINDS = (0.60, 0.30, 0.09, 0.01)  # good, average, slow, gone
_LATE_MEAN = np.array([-2.0, 9.0, 35.0, -1.0])
_LATE_SPREAD = np.array([3.0, 6.0, 15.0, 3.0])
_COUNTRIES = np.array(["DE", "FR", "NL"])
_SIZES = np.array(["micro", "small", "medium", "large"])
_REASONS = np.array(["return", "price_correction", "rebate", "dispute", "other"])
_OUTCOMES = np.array(["customer_pays", "credit_granted", "withdrawn"])


@dataclass(frozen=True)
class Invoices:
    """The invoices as parallel columns: owner index, days since 1970-01-01, cents, and what reduced them."""

    owner: np.ndarray
    day: np.ndarray
    due: np.ndarray
    cents: np.ndarray
    credited: np.ndarray
    paid_on: np.ndarray  # beyond the horizon = not paid


def generate_bulk(
    out_dir: Path | str, customers: int = 100_000, months: int = 24, seed: int = 7, *,
    last_month_end: date = date(2026, 10, 31), fmt: Literal["csv", "parquet"] = "csv",
) -> dict[str, int]:  # fmt: skip
    """Write risk.yaml, feeds/ and data/ for `customers` customers with 20 invoices each on average; returns rows by feed.

    Everything is in EUR. The same arguments give the same rows. CSV or typed Parquet (dates, DECIMAL(18,2)).
    """
    root = _workspace(out_dir)
    rng = np.random.default_rng(seed)
    horizon = days(last_month_end)
    invoices, terms = _invoices(rng, customers, month_ends(last_month_end, months))
    rows = {"customer": write_feed(root, "customer", _customers(rng, terms, horizon), fmt)}
    rows["invoice"] = write_feed(root, "invoice", _invoice_columns(invoices), fmt)
    payments, applications = _payments(rng, invoices, horizon)
    rows["payment"] = write_feed(root, "payment", payments, fmt)
    rows["payment_application"] = write_feed(root, "payment_application", applications, fmt)
    rows["credit_note"] = write_feed(root, "credit_note", _credit_notes(rng, invoices, horizon), fmt)
    rows["dispute"] = write_feed(root, "dispute", _disputes(rng, invoices, horizon), fmt)
    return rows


def generate_invoices(
    out_dir: Path | str, customers: int, months: int = 24, seed: int = 7, *,
    last_month_end: date = date(2026, 10, 31), fmt: Literal["csv", "parquet"] = "csv",
) -> int:  # fmt: skip
    """The same workspace with the invoice feed only, its rows equal to those of generate_bulk; returns how many."""
    invoices, _ = _invoices(np.random.default_rng(seed), customers, month_ends(last_month_end, months))
    return write_feed(_workspace(out_dir), "invoice", _invoice_columns(invoices), fmt)


def _workspace(out_dir: Path | str) -> Path:
    root = Path(out_dir)
    for folder in ("data", "feeds"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "risk.yaml").write_text("reporting_currency: EUR\ntime_zone: UTC\n", encoding="utf-8")
    return root


def _invoices(rng: np.random.Generator, customers: int, ends: list[date]) -> tuple[Invoices, np.ndarray]:
    count = customers * INVOICES_PER_CUSTOMER
    share = np.cumsum(rng.gamma(4.0, size=customers))
    owner = np.searchsorted(share, rng.random(count) * share[-1]).astype(np.int64)
    month = rng.integers(0, len(ends), count)
    last = np.array([days(end) for end in ends])[month]
    length = np.array([end.day for end in ends])[month]
    at_month_end = rng.random(count) < 0.45
    day = last - np.where(at_month_end, rng.integers(0, 5, count), (rng.random(count) * length).astype(np.int64))
    order = np.argsort(day, kind="stable")
    owner, day = owner[order], day[order]
    usual = rng.normal(np.log(2_000_00), 1.0, customers)
    cents = np.maximum(np.exp(usual[owner] + rng.normal(0.0, 0.5, count)), 100).astype(np.int64)
    terms = rng.choice(_TERMS, customers)
    kind = rng.choice(4, customers, p=_KINDS)
    due = day + terms[owner]
    late = rng.normal(_LATE_MEAN[kind][owner], _LATE_SPREAD[kind][owner]).round().astype(np.int64)
    stopped = np.where(kind == 3, rng.integers(days(ends[len(ends) // 2]), days(ends[-1]), customers), np.iinfo(np.int64).max)
    paid_on = np.maximum(due + late, day)
    paid_on = np.where(paid_on > stopped[owner], np.iinfo(np.int64).max, paid_on)
    credited = np.where(rng.random(count) < 0.03, cents // 20, 0)
    return Invoices(owner, day, due, cents, credited, paid_on), terms


def _customers(rng: np.random.Generator, terms: np.ndarray, horizon: int) -> Columns:
    index = np.arange(len(terms))
    since = dates(horizon - rng.integers(800, 4000, len(terms)))
    return {
        "customer_id": ids("C", index),
        "effective_from": since,
        "name": ids("Customer ", index),
        "registration_number": ids("HRB", index),
        "country_code": pa.array(rng.choice(_COUNTRIES, len(terms))),
        "size_class": pa.array(rng.choice(_SIZES, len(terms))),
        "credit_currency": constant("EUR", len(terms)),
        "contracted_terms_days": pa.array(terms),
        "onboarded_date": since,
    }


def _invoice_columns(invoices: Invoices) -> Columns:
    count = len(invoices.owner)
    return {
        "invoice_id": ids("I", np.arange(count)),
        "customer_id": ids("C", invoices.owner),
        "company_code": constant("1000", count),
        "doc_type": constant("invoice", count),
        "invoice_date": dates(invoices.day),
        "due_date": dates(invoices.due),
        "amount": money(invoices.cents),
        "currency": constant("EUR", count),
    }


def _payments(rng: np.random.Generator, invoices: Invoices, horizon: int) -> tuple[Columns, Columns]:
    """One payment per invoice paid; nine of ten name their invoice, the others are applied by a row of their own a day later."""
    index = np.flatnonzero(invoices.paid_on <= horizon)
    paid_on = invoices.paid_on[index]
    cents = (invoices.cents - invoices.credited)[index]
    applied = (rng.random(len(index)) < 0.1) & (paid_on < horizon)
    numbers, owner = ids("P", index), ids("C", invoices.owner[index])
    invoice = ids("I", index)
    payments = {
        "payment_id": numbers,
        "customer_id": owner,
        "company_code": constant("1000", len(index)),
        "payment_date": dates(paid_on),
        "amount": money(cents),
        "currency": constant("EUR", len(index)),
        "method": constant("transfer", len(index)),
        "invoice_id": pc.if_else(pa.array(applied), pa.scalar(None, pa.string()), invoice),
    }
    keep = pa.array(np.flatnonzero(applied))
    rows = len(keep)
    applications = {
        "application_id": ids("A", index[applied]),
        "payment_id": numbers.take(keep),
        "invoice_id": invoice.take(keep),
        "customer_id": owner.take(keep),
        "applied_date": dates(paid_on[applied] + 1),
        "value_date": dates(paid_on[applied]),
        "amount": money(cents[applied]),
        "currency": constant("EUR", rows),
        "kind": constant("cash", rows),
    }
    return payments, applications


def _credit_notes(rng: np.random.Generator, invoices: Invoices, horizon: int) -> Columns:
    day = invoices.day + 5
    index = np.flatnonzero((invoices.credited > 0) & (day <= horizon))
    return {
        "credit_note_id": ids("K", index),
        "customer_id": ids("C", invoices.owner[index]),
        "company_code": constant("1000", len(index)),
        "credit_date": dates(day[index]),
        "amount": money(invoices.credited[index]),
        "currency": constant("EUR", len(index)),
        "invoice_id": ids("I", index),
        "reason": pa.array(rng.choice(_REASONS, len(index))),
    }


def _disputes(rng: np.random.Generator, invoices: Invoices, horizon: int) -> Columns:
    opened = invoices.due - 3
    index = np.flatnonzero((rng.random(len(opened)) < 0.02) & (opened <= horizon))
    resolved = opened[index] + rng.integers(10, 90, len(index))
    closed = pa.array(resolved <= horizon)
    return {
        "dispute_id": ids("D", index),
        "customer_id": ids("C", invoices.owner[index]),
        "invoice_id": ids("I", index),
        "opened_date": dates(opened[index]),
        "amount": money(invoices.cents[index] // 2),
        "currency": constant("EUR", len(index)),
        "resolved_date": pc.if_else(closed, dates(resolved), pa.scalar(None, pa.date32())),
        "outcome": pc.if_else(closed, pa.array(rng.choice(_OUTCOMES, len(index))), pa.scalar(None, pa.string())),
    }
