"""Cross-feed checks of a run: each kind of contradiction is found with an example, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts import table as table_of
from risk_pipeline.contracts.cross_feed import references_of
from risk_pipeline.contracts.rules import MEANINGS
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.engine.factors import factor_sql
from risk_pipeline.gates.cross_feed import CHECKS, CUSTOMERS_OF, check_cross_feed
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.results import GateResult

# A book in which everything agrees: feed -> rows of "column=value".
BOOK = {
    "customer": ["customer_id=C1", "customer_id=C2"],
    "invoice": [
        "invoice_id=I1 customer_id=C1 currency=EUR amount=100 terms_code=T30",
        "invoice_id=I2 customer_id=C2 currency=USD amount=-20 reverses_invoice_id=I1",
    ],
    "payment": ["payment_id=P1 customer_id=C1 currency=EUR amount=60 invoice_id=I1", "payment_id=P2 customer_id=C2 currency=USD"],
    "credit_note": ["credit_note_id=N1 customer_id=C1 currency=EUR invoice_id=I1"],
    "bill": ["bill_id=B1 customer_id=C1 currency=EUR"],
    "payment_application": [
        "application_id=A1 payment_id=P1 credit_note_id=N1 bill_id=B1 invoice_id=I1 customer_id=C1 currency=EUR"
    ],
    "instalment_plan": ["plan_id=L1 customer_id=C1"],
    "instalment_line": ["plan_id=L1 line=1 invoice_id=I1"],
    "payment_terms": ["terms_code=T30 valid_from=2020-01-01", "terms_code=T30 valid_from=2024-01-01"],
    "contract": ["contract_id=K1 customer_id=C1"],
    "contract_event": ["event_id=E1 contract_id=K1"],
}
CASES = [
    ("payment", "payment_id=X customer_id=C9 currency=EUR", "unknown_customer", "1 in feed.payment, e.g. X -> C9"),
    ("payment", "payment_id=X customer_id=C1 currency=EUR invoice_id=I9", "unknown_invoice", "e.g. X -> I9"),
    ("invoice", "invoice_id=X customer_id=C1 currency=EUR reverses_invoice_id=I9", "unknown_invoice", "e.g. X -> I9"),
    ("instalment_line", "plan_id=L1 line=2 invoice_id=I9", "unknown_invoice", "e.g. L1 2 -> I9"),
    ("credit_note", "credit_note_id=X customer_id=C1 currency=USD invoice_id=I1", "currency_differs_from_invoice", "X -> I1"),
    ("payment", "payment_id=X customer_id=C2 currency=EUR invoice_id=I1", "customer_differs_from_invoice", "X -> I1"),
    ("payment_application", "application_id=X payment_id=P9 customer_id=C1 currency=EUR", "unknown_payment", "X -> P9"),
    ("payment_application", "application_id=X payment_id=P2 customer_id=C1 currency=EUR", "currency_differs_from_payment", "P2"),
    ("payment_application", "application_id=X credit_note_id=N9 customer_id=C1", "unknown_credit_note", "X -> N9"),
    ("payment_application", "application_id=X bill_id=B9 customer_id=C1", "unknown_bill", "X -> B9"),
    ("instalment_line", "plan_id=L9 line=1 invoice_id=I1", "unknown_plan", "L9 1 -> L9"),
    ("contract_event", "event_id=X contract_id=K9", "unknown_contract", "X -> K9"),
    ("invoice", "invoice_id=X customer_id=C1 currency=EUR terms_code=T99", "unknown_terms", "X -> T99"),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA feed")
        for feed, rows in BOOK.items():
            columns = ", ".join(f'"{c.name}" {DUCKDB_TYPE[c.kind]}' for c in table_of(f"feed.{feed}").columns)
            connection.execute(f"CREATE TABLE feed.{feed} ({columns})")
            for row in rows:
                add(connection, feed, row)
        yield connection


def add(con: duckdb.DuckDBPyConnection, feed: str, row: str) -> None:
    cells = dict(each.split("=") for each in row.split())
    con.execute(f"INSERT INTO feed.{feed} ({', '.join(cells)}) VALUES ({', '.join('?' * len(cells))})", list(cells.values()))


def ask(con: duckdb.DuckDBPyConnection, *without: str, staged: dict[str, Path] | None = None) -> dict[str, GateResult]:
    seen = FeedsSeen(frozenset(BOOK) - set(without), lambda day: "", Decimal(1), 0)
    return {result.check_name.removeprefix("cross_feed_"): result for result in check_cross_feed(con, seen, staged or {})}


def failed(results: dict[str, GateResult]) -> set[str]:
    return {name for name, result in results.items() if not result.passed}


def test_a_book_that_agrees_passes(con: duckdb.DuckDBPyConnection) -> None:
    results = ask(con)
    assert failed(results) == set()
    assert {result.severity for result in results.values()} == {"warn"}
    assert results["unknown_invoice"].detail == "nothing found: names an invoice that the invoice feed does not have"


@pytest.mark.parametrize(("feed", "row", "warning", "told"), CASES, ids=[f"{case[0]} {case[2]}" for case in CASES])
def test_a_contradiction_is_found_with_its_row(
    con: duckdb.DuckDBPyConnection, feed: str, row: str, warning: str, told: str
) -> None:
    add(con, feed, row)
    results = ask(con)
    assert failed(results) == {warning}
    assert results[warning].n_failed == 1
    assert results[warning].detail.startswith(f"{MEANINGS[warning][0]}: 1 in feed.{feed}, e.g. ")
    assert told in results[warning].detail
    assert not results[warning].blocks


def test_an_item_below_zero_was_settled_by_more_than_it_bills(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = tmp_path / "open_item.parquet"
    rows = "('I1', 100, -0.01), ('I2', -20, -20), ('I3', 100, 40)"
    con.execute(f"COPY (SELECT * FROM (VALUES {rows}) v(invoice_id, amount, open_amount)) TO '{path}' (FORMAT parquet)")
    results = ask(con, staged={"factor.open_item": path})
    assert failed(results) == {"applied_above_invoice"}
    assert results["applied_above_invoice"].detail.endswith("1 in factor.open_item, e.g. I1")


def test_examples_are_few_and_counts_are_whole(con: duckdb.DuckDBPyConnection) -> None:
    for number in range(5):
        add(con, "payment", f"payment_id=X{number} customer_id=C1 currency=EUR invoice_id=I9")
    add(con, "credit_note", "credit_note_id=Y customer_id=C1 currency=EUR invoice_id=I8")
    result = ask(con)["unknown_invoice"]
    assert result.n_failed == 6
    assert result.detail.endswith(": 5 in feed.payment, e.g. X0 -> I9, X1 -> I9, X2 -> I9; 1 in feed.credit_note, e.g. Y -> I8")


def test_a_feed_that_was_never_delivered_is_not_missed(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM feed.invoice")
    results = ask(con, "invoice")
    assert failed(results) == set()
    assert results["unknown_invoice"].detail == "not asked: the feed invoice was never delivered"
    assert failed({each.check_name: each for each in check_cross_feed(con, None, {})}) == set()


def test_every_warning_between_feeds_has_a_check_and_a_case() -> None:
    kinds = {
        name
        for table in FEED_TABLES
        for each in references_of(table)
        for name in (each.unknown, *(w for c, w in each.alike if c in table))
    }
    assert {check.warning for check in CHECKS} == kinds | {"applied_above_invoice"}
    assert {case[2] for case in CASES} == kinds
    assert all(check.warning in MEANINGS for check in CHECKS)
    assert len({check.name for check in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize(("source", "unknown"), [("derived", 1), ("master", 0)])
def test_the_ledger_is_not_read_for_customers_when_none_had_to_be_derived(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, source: str, unknown: int
) -> None:
    add(con, "payment", "payment_id=X customer_id=C9 currency=EUR")
    path = tmp_path / "customer_state.parquet"
    con.execute(f"COPY (SELECT 'C9' AS customer_id, '{source}' AS customer_source) TO '{path}' (FORMAT parquet)")
    assert ask(con, staged={"factor.customer_state": path})["unknown_customer"].n_failed == unknown


def test_the_feeds_spared_are_those_the_customers_were_derived_from() -> None:
    first, _, _ = factor_sql("customer_state").partition("everybody AS")
    assert set(re.findall(r"FROM feed\.(\w+)", first)) == CUSTOMERS_OF
