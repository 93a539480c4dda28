"""Properties of the factor SQL on generated ledgers: nothing from the future, no dependence on order, threads or ranges.

The ledgers are random and small; the oracle for each property is a second computation of the same SQL on a changed input.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_pipeline.engine import factors as engine
from tests.ledger_case import AS_OF, LedgerCase

Row = tuple[str, dict[str, Any]]
CUSTOMERS = ("C1", "C2", "C3")
EXAMPLES = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def ledger(seed: int) -> list[Row]:
    """Rows of every ledger feed over two years up to AS_OF, for three customers, two currencies and two company codes."""
    rng = random.Random(seed)
    rows: list[Row] = [("fx_rate", {"currency": "USD", "rate_date": AS_OF - timedelta(n), "rate": "1.1"}) for n in (0, 3)]
    for number in range(40):
        customer, currency, code = rng.choice(CUSTOMERS), rng.choice(["EUR", "USD"]), rng.choice(["10", "20"])
        issued = AS_OF - timedelta(rng.randint(0, 700))
        amount = rng.randint(1, 500_000) / 100
        invoice = f"I{number}"
        common = {"customer_id": customer, "currency": currency}
        rows.append(
            (
                "invoice",
                {
                    **common,
                    "invoice_id": invoice,
                    "invoice_date": issued,
                    "due_date": issued + timedelta(rng.randint(0, 60)),
                    "amount": amount,
                    "company_code": code,
                    "doc_type": rng.choice(["invoice", "invoice", "debit_note", "retention", None]),
                },
            )
        )
        paid_on = issued + timedelta(rng.randint(1, 120))
        if paid_on > AS_OF:
            continue
        kind = rng.choice(["full", "part", "credit", "loss", "dispute", "order"])
        if kind == "full":
            rows.append(
                (
                    "payment",
                    {**common, "payment_id": f"P{number}", "payment_date": paid_on, "amount": amount, "invoice_id": invoice},
                )
            )
        elif kind == "part":
            part = round(amount * 0.6, 2)
            rows.append(
                (
                    "payment",
                    {**common, "payment_id": f"P{number}", "payment_date": paid_on, "amount": amount, "company_code": code},
                )
            )
            rows.append(
                (
                    "payment_application",
                    {
                        **common,
                        "application_id": f"A{number}",
                        "payment_id": f"P{number}",
                        "invoice_id": invoice,
                        "applied_date": paid_on,
                        "amount": part,
                        "kind": "cash",
                    },
                )
            )
        elif kind == "credit":
            rows.append(
                (
                    "credit_note",
                    {
                        **common,
                        "credit_note_id": f"N{number}",
                        "credit_date": paid_on,
                        "amount": round(amount / 4, 2),
                        "invoice_id": invoice,
                    },
                )
            )
        elif kind == "loss":
            rows.append(
                (
                    "write_off",
                    {
                        **common,
                        "write_off_id": f"W{number}",
                        "write_off_date": paid_on,
                        "amount": amount,
                        "invoice_id": invoice,
                        "reason": "uncollectible",
                    },
                )
            )
        elif kind == "dispute":
            rows.append(
                (
                    "dispute",
                    {
                        **common,
                        "dispute_id": f"D{number}",
                        "invoice_id": invoice,
                        "opened_date": paid_on,
                        "amount": round(amount / 2, 2),
                    },
                )
            )
        else:
            rows.append(("sales_order", {**common, "order_id": f"O{number}", "order_date": paid_on, "amount": amount}))
    return rows


def compute(folder: Path, rows: list[Row], **options: Any) -> dict[str, list[dict[str, Any]]]:
    folder.mkdir(exist_ok=True)
    case = LedgerCase(folder)
    for feed, values in rows:
        case.add(feed, **values)
    return case.factors(**options)


def future(rows: list[Row]) -> list[Row]:
    """For every feed of the ledger one more row that happens the day after AS_OF, and one outcome on that day."""
    after = AS_OF + timedelta(1)
    dates = {
        "invoice": "invoice_date",
        "payment": "payment_date",
        "payment_application": "applied_date",
        "credit_note": "credit_date",
        "write_off": "write_off_date",
        "dispute": "opened_date",
        "sales_order": "order_date",
        "fx_rate": "rate_date",
    }
    keys = {feed: f"{feed}_id" for feed in dates} | {"payment_application": "application_id", "sales_order": "order_id"}
    planted = []
    for feed, values in rows:
        changed = {**values, dates[feed]: after}
        if feed != "fx_rate":
            changed[keys[feed]] = f"{values[keys[feed]]}-future"
        planted.append((feed, changed))
    return planted


def with_outcomes(rows: list[Row], on: date) -> list[Row]:
    """The same rows with an outcome on a date: cleared, returned, reversed, resolved, fulfilled."""
    outcomes: dict[str, dict[str, Any]] = {
        "invoice": {"cleared_date": on, "clear_kind": "payment"},
        "payment": {"status": "returned", "status_date": on},
        "payment_application": {"reversed_date": on},
        "dispute": {"resolved_date": on, "outcome": "customer_pays"},
        "sales_order": {"fulfilled_date": on},
    }
    return [(feed, {**values, **outcomes.get(feed, {})}) for feed, values in rows]


@EXAMPLES
@given(seed=st.integers(0, 10_000))
def test_planted_future_facts_change_nothing(tmp_path: Path, seed: int) -> None:
    rows = ledger(seed)
    expected = compute(tmp_path / "now", rows)
    assert compute(tmp_path / "later", rows + future(rows)) == expected
    assert compute(tmp_path / "outcomes", with_outcomes(rows, AS_OF + timedelta(1))) == expected


def test_the_same_outcomes_a_day_earlier_do_change_the_figures(tmp_path: Path) -> None:
    rows = ledger(1)
    assert compute(tmp_path / "on", with_outcomes(rows, AS_OF)) != compute(tmp_path / "now", rows)


@EXAMPLES
@given(seed=st.integers(0, 10_000))
def test_what_was_learned_later_changes_nothing(tmp_path: Path, seed: int) -> None:
    rows = ledger(seed)
    known_at = datetime(2026, 7, 1, tzinfo=UTC)
    expected = compute(tmp_path / "now", rows, known_at=known_at)
    (tmp_path / "late").mkdir(exist_ok=True)
    case = LedgerCase(tmp_path / "late")
    for feed, values in rows:
        row_id = case.add(feed, **values)
        if feed == "invoice":
            case.close(feed, row_id, datetime(2026, 7, 2, tzinfo=UTC))
            case.add(feed, **{**values, "amount": 1}, known=datetime(2026, 7, 2, tzinfo=UTC))
    assert case.factors(known_at=known_at) == expected
    assert case.factors(known_at=datetime(2026, 7, 3, tzinfo=UTC)) != expected


@EXAMPLES
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_order_and_threads_change_no_bit(tmp_path: Path, seed: int, shuffle: random.Random) -> None:
    rows = ledger(seed)
    expected = compute(tmp_path / "ordered", rows, threads=1)
    shuffle.shuffle(rows)
    assert compute(tmp_path / "shuffled", rows, threads=3) == expected


@pytest.mark.parametrize("seed", [3, 5])
def test_the_ledger_read_in_ranges_gives_the_same_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    buckets: Callable[[str], int] = CUSTOMERS.index
    rows = [
        (feed, {**values, "bucket": buckets(values["customer_id"]) if "customer_id" in values else 0})
        for feed, values in ledger(seed)
    ]
    # A payment of one customer on the invoice of another must be found from the other's range.
    rows.append(
        (
            "invoice",
            {
                "invoice_id": "X",
                "customer_id": "C3",
                "bucket": 2,
                "invoice_date": AS_OF,
                "due_date": AS_OF,
                "amount": 70,
                "currency": "EUR",
            },
        )
    )
    rows.append(
        (
            "payment",
            {
                "payment_id": "X",
                "customer_id": "C1",
                "bucket": 0,
                "payment_date": AS_OF,
                "amount": 70,
                "currency": "EUR",
                "invoice_id": "X",
            },
        )
    )
    whole = compute(tmp_path / "whole", rows)
    monkeypatch.setattr(engine, "RANGE_INVOICES", 1)
    assert compute(tmp_path / "ranges", rows) == whole
    assert "X" not in {row["invoice_id"] for row in whole["open_item"]}
