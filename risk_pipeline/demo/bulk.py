"""Large ledgers for the bench: millions of invoices, drawn as whole columns.

Put here: the vectorised generator. Keep out: stories (stories.py); these customers are good, average, slow or gone, no more.
Columns carry the canonical names, so that the feed YAML is an identity mapping. Amounts are integer cents until they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import yaml

from risk_pipeline.demo.book import month_ends

INVOICES_PER_CUSTOMER = 20
_TERMS = np.array([14, 30, 30, 45, 60])
_KINDS = (0.60, 0.30, 0.09, 0.01)  # good, average, slow, gone
_LATE_MEAN = np.array([-2.0, 9.0, 35.0, -1.0])
_LATE_SPREAD = np.array([3.0, 6.0, 15.0, 3.0])
_COUNTRIES = np.array(["DE", "FR", "NL"])
_SIZES = np.array(["micro", "small", "medium", "large"])
_REASONS = np.array(["return", "price_correction", "rebate", "dispute", "other"])
_OUTCOMES = np.array(["customer_pays", "credit_granted", "withdrawn"])

Columns = Mapping[str, Any]


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
    horizon = _days(last_month_end)
    invoices, terms = _invoices(rng, customers, month_ends(last_month_end, months))
    rows = {"customer": _write(root, "customer", _customers(rng, terms, horizon), fmt)}
    rows["invoice"] = _write(root, "invoice", _invoice_columns(invoices), fmt)
    payments, applications = _payments(rng, invoices, horizon)
    rows["payment"] = _write(root, "payment", payments, fmt)
    rows["payment_application"] = _write(root, "payment_application", applications, fmt)
    rows["credit_note"] = _write(root, "credit_note", _credit_notes(rng, invoices, horizon), fmt)
    rows["dispute"] = _write(root, "dispute", _disputes(rng, invoices, horizon), fmt)
    return rows


def generate_invoices(
    out_dir: Path | str, customers: int, months: int = 24, seed: int = 7, *,
    last_month_end: date = date(2026, 10, 31), fmt: Literal["csv", "parquet"] = "csv",
) -> int:  # fmt: skip
    """The same workspace with the invoice feed only, its rows equal to those of generate_bulk; returns how many."""
    invoices, _ = _invoices(np.random.default_rng(seed), customers, month_ends(last_month_end, months))
    return _write(_workspace(out_dir), "invoice", _invoice_columns(invoices), fmt)


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
    last = np.array([_days(end) for end in ends])[month]
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
    stopped = np.where(kind == 3, rng.integers(_days(ends[len(ends) // 2]), _days(ends[-1]), customers), np.iinfo(np.int64).max)
    paid_on = np.maximum(due + late, day)
    paid_on = np.where(paid_on > stopped[owner], np.iinfo(np.int64).max, paid_on)
    credited = np.where(rng.random(count) < 0.03, cents // 20, 0)
    return Invoices(owner, day, due, cents, credited, paid_on), terms


def _customers(rng: np.random.Generator, terms: np.ndarray, horizon: int) -> Columns:
    index = np.arange(len(terms))
    since = _dates(horizon - rng.integers(800, 4000, len(terms)))
    return {
        "customer_id": _ids("C", index),
        "effective_from": since,
        "name": _ids("Customer ", index),
        "registration_number": _ids("HRB", index),
        "country_code": pa.array(rng.choice(_COUNTRIES, len(terms))),
        "size_class": pa.array(rng.choice(_SIZES, len(terms))),
        "credit_currency": _constant("EUR", len(terms)),
        "contracted_terms_days": pa.array(terms),
        "onboarded_date": since,
    }


def _invoice_columns(invoices: Invoices) -> Columns:
    count = len(invoices.owner)
    return {
        "invoice_id": _ids("I", np.arange(count)),
        "customer_id": _ids("C", invoices.owner),
        "company_code": _constant("1000", count),
        "doc_type": _constant("invoice", count),
        "invoice_date": _dates(invoices.day),
        "due_date": _dates(invoices.due),
        "amount": _money(invoices.cents),
        "currency": _constant("EUR", count),
    }


def _payments(rng: np.random.Generator, invoices: Invoices, horizon: int) -> tuple[Columns, Columns]:
    """One payment per invoice paid; nine of ten name their invoice, the others are applied by a row of their own a day later."""
    index = np.flatnonzero(invoices.paid_on <= horizon)
    paid_on = invoices.paid_on[index]
    cents = (invoices.cents - invoices.credited)[index]
    applied = (rng.random(len(index)) < 0.1) & (paid_on < horizon)
    numbers, owner = _ids("P", index), _ids("C", invoices.owner[index])
    invoice = _ids("I", index)
    payments = {
        "payment_id": numbers,
        "customer_id": owner,
        "company_code": _constant("1000", len(index)),
        "payment_date": _dates(paid_on),
        "amount": _money(cents),
        "currency": _constant("EUR", len(index)),
        "method": _constant("transfer", len(index)),
        "invoice_id": pc.if_else(pa.array(applied), pa.scalar(None, pa.string()), invoice),
    }
    keep = pa.array(np.flatnonzero(applied))
    rows = len(keep)
    applications = {
        "application_id": _ids("A", index[applied]),
        "payment_id": numbers.take(keep),
        "invoice_id": invoice.take(keep),
        "customer_id": owner.take(keep),
        "applied_date": _dates(paid_on[applied] + 1),
        "value_date": _dates(paid_on[applied]),
        "amount": _money(cents[applied]),
        "currency": _constant("EUR", rows),
        "kind": _constant("cash", rows),
    }
    return payments, applications


def _credit_notes(rng: np.random.Generator, invoices: Invoices, horizon: int) -> Columns:
    day = invoices.day + 5
    index = np.flatnonzero((invoices.credited > 0) & (day <= horizon))
    return {
        "credit_note_id": _ids("K", index),
        "customer_id": _ids("C", invoices.owner[index]),
        "company_code": _constant("1000", len(index)),
        "credit_date": _dates(day[index]),
        "amount": _money(invoices.credited[index]),
        "currency": _constant("EUR", len(index)),
        "invoice_id": _ids("I", index),
        "reason": pa.array(rng.choice(_REASONS, len(index))),
    }


def _disputes(rng: np.random.Generator, invoices: Invoices, horizon: int) -> Columns:
    opened = invoices.due - 3
    index = np.flatnonzero((rng.random(len(opened)) < 0.02) & (opened <= horizon))
    resolved = opened[index] + rng.integers(10, 90, len(index))
    closed = pa.array(resolved <= horizon)
    return {
        "dispute_id": _ids("D", index),
        "customer_id": _ids("C", invoices.owner[index]),
        "invoice_id": _ids("I", index),
        "opened_date": _dates(opened[index]),
        "amount": _money(invoices.cents[index] // 2),
        "currency": _constant("EUR", len(index)),
        "resolved_date": pc.if_else(closed, _dates(resolved), pa.scalar(None, pa.date32())),
        "outcome": pc.if_else(closed, pa.array(rng.choice(_OUTCOMES, len(index))), pa.scalar(None, pa.string())),
    }


def _write(root: Path, feed: str, columns: Columns, fmt: str) -> int:
    table = pa.table(dict(columns))
    path = root / "data" / f"{feed}.{fmt}"
    if fmt == "csv":
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    else:
        pq.write_table(table, path, compression="zstd")
    dates = {name for name, column in columns.items() if pa.types.is_date(column.type)}
    mapping = {name: {"from": name, "format": "%Y-%m-%d"} if name in dates else {"from": name} for name in columns}
    spec = {
        "feed": feed,
        "source": {"kind": "file", "path": f"data/{feed}.{fmt}", "format": fmt},
        "delivery": "snapshot",
        "known_at": "event_date",
        "columns": mapping,
        "assertions": {"rows_min": 1, "max_rejected_pct": 0},
    }
    (root / "feeds" / f"{feed}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return len(table)


def _days(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _dates(days: np.ndarray) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _ids(prefix: str, numbers: np.ndarray) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers.astype(np.int64)).cast(pa.string()), 8, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def _constant(value: str, count: int) -> pa.Array:
    return pa.repeat(value, count)


def _money(cents: np.ndarray) -> pa.Array:
    """DECIMAL(18,2) from cents, exactly: both are the same integer, only the width differs."""
    wide = np.zeros((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    wide[:, 1] = np.where(cents < 0, -1, 0)
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide)])
