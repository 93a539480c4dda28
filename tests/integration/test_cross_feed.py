"""What one feed says about another: counted after a delivery, asked again in a run, and never a row changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ingest_support import Bench

INVOICES = ["invoice_id,customer_id,invoice_date,amount,currency", "I1,C1,2024-01-10,100,EUR", "I2,C2,2024-01-11,50,USD"]
DATED = {
    "payment": "payment_date",
    "payment_application": "applied_date",
    "credit_note": "credit_date",
    "contract_event": "event_date",
}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def deliver(bench: Bench, feed: str, lines: list[str], **keys: Any) -> dict[str, int]:
    """Ingest a feed whose columns have the canonical names; the warnings of the delivery."""
    bench.file(f"{feed}.csv", lines)
    bench.feed(feed, {name: {"from": name} for name in lines[0].split(",")}, path=f"{feed}.csv", **keys)
    result = bench.one(feed)
    assert result.state == "effective", result.message
    assert [result.counts["rows_stored"], result.counts["rows_rejected"]] == [len(lines) - 1, 0], "no row is lost"
    assert len(bench.rows(feed, where="open")) == len(lines) - 1
    return result.warnings


PAYMENT = "payment_id,customer_id,payment_date,amount,currency,invoice_id"
APPLICATION = "application_id,invoice_id,customer_id,applied_date,amount,currency,kind"


@pytest.mark.parametrize(
    ("row", "warned"),
    [
        ("P1,C1,2024-02-01,100,EUR,I1", {}),
        ("P1,C1,2024-02-01,100,EUR,", {}),
        ("P1,C1,2024-02-01,100,EUR,I9", {"unknown_invoice": 1}),
        ("P1,C1,2024-02-01,100,USD,I1", {"currency_differs_from_invoice": 1}),
        ("P1,C1,2024-02-01,50,EUR,I2", {"currency_differs_from_invoice": 1, "customer_differs_from_invoice": 1}),
    ],
)
def test_a_payment_against_its_invoice(bench: Bench, row: str, warned: dict[str, int]) -> None:
    deliver(bench, "invoice", INVOICES)
    assert deliver(bench, "payment", [PAYMENT, row]) == warned


def test_a_feed_that_was_never_delivered_is_not_missed(bench: Bench) -> None:
    assert deliver(bench, "payment", [PAYMENT, "P1,C1,2024-02-01,100,USD,I1"]) == {}


def test_other_references(bench: Bench) -> None:
    deliver(bench, "invoice", INVOICES)
    deliver(bench, "customer", ["customer_id", "C1"])
    deliver(bench, "contract", ["contract_id,customer_id,valid_from", "K1,C1,2024-01-01"])
    deliver(bench, "instalment_plan", ["plan_id,customer_id,agreed_date", "N1,C1,2024-01-01"])
    deliver(bench, "payment_terms", ["terms_code,valid_from,net_days", "T30,2023-01-01,30", "T30,2024-01-01,30"])
    note = ["credit_note_id,customer_id,credit_date,amount,currency,invoice_id", "N1,C3,2024-02-01,10,EUR,I9"]
    assert deliver(bench, "credit_note", note) == {"unknown_invoice": 1, "unknown_customer": 1}
    events = ["event_id,contract_id,event_date,kind", "E1,K1,2024-01-01,signed", "E2,K2,2024-01-01,signed"]
    assert deliver(bench, "contract_event", events) == {"unknown_contract": 1}
    lines = ["plan_id,line,invoice_id,due_date,amount", "N1,1,I1,2024-02-01,10", "N2,1,I7,2024-02-01,10"]
    assert deliver(bench, "instalment_line", lines) == {"unknown_plan": 1, "unknown_invoice": 1}
    terms = [
        f"{INVOICES[0]},terms_code,reverses_invoice_id",
        f"{INVOICES[1]},T30,",
        f"{INVOICES[2]},T31,I1",
        "I3,C1,2024-01-12,-1,EUR,,I8",
    ]
    warned = deliver(bench, "invoice", terms)
    assert warned == {"negative_invoice_amount": 1, "unknown_customer": 1, "unknown_invoice": 1, "unknown_terms": 1}


def test_more_applied_than_billed_counts_every_delivery(bench: Bench) -> None:
    """Two applications of 60 to an invoice of 100, delivered one after the other; then one of them is reversed."""
    deliver(bench, "invoice", INVOICES)
    upsert: dict[str, Any] = {"delivery": "upsert"}
    columns = [*APPLICATION.split(","), "reversed_date"]
    mapping = {name: {"from": name} for name in columns}
    head = ",".join(columns)

    def applied(*rows: str) -> dict[str, int]:
        bench.file("payment_application.csv", [head, *rows])
        bench.feed("payment_application", mapping, path="payment_application.csv", **upsert)
        return dict(bench.one("payment_application").warnings)

    assert applied("A1,I1,C1,2024-02-01,60,EUR,cash,") == {}
    assert applied("A2,I1,C1,2024-02-02,60,EUR,cash,", "A3,I2,C2,2024-02-02,50,USD,cash,") == {"applied_above_invoice": 1}
    assert applied("A1,I1,C1,2024-02-01,60,EUR,cash,2024-02-20") == {}
    assert applied("A1,I1,C1,2024-02-01,40,EUR,cash,") == {}, "the version before does not count twice"
    assert applied("A1,I1,C1,2024-02-01,40.01,EUR,cash,") == {"applied_above_invoice": 1}


def test_a_payment_that_came_back_applies_nothing(bench: Bench) -> None:
    """The same invoice paid twice, the first time by a direct debit that was returned."""
    deliver(bench, "invoice", INVOICES)
    payments = [f"{PAYMENT},status,status_date", "P1,C1,2024-02-01,100,EUR,,returned,2024-02-09", "P2,C1,2024-03-01,100,EUR,,,"]
    assert deliver(bench, "payment", payments) == {}
    rows = ["A1,I1,C1,2024-02-01,100,EUR,cash,P1", "A2,I1,C1,2024-03-01,100,EUR,cash,P2"]
    assert deliver(bench, "payment_application", [f"{APPLICATION},payment_id", *rows]) == {}
