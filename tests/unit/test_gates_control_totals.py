"""Control totals against what a run sees: each difference found, its customers named, nothing refused without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from risk_pipeline.gates.control_totals import check_control_totals
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.results import GateResult

JUNE, MAY = date(2026, 6, 30), date(2026, 5, 31)


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A run of 30 June: three payments, two customers, two currencies, and the balances of the day."""
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA feed")
        connection.execute(
            "CREATE TABLE feed.payment AS SELECT * FROM (VALUES ('C1', DATE '2026-05-10', 100.00, 'EUR'),"
            " ('C2', DATE '2026-05-20', 50.00, 'EUR'), ('C2', DATE '2026-06-10', 30.00, 'USD'))"
            " v(customer_id, payment_date, amount, currency)"
        )
        connection.execute("CREATE TABLE feed.customer AS SELECT * FROM (VALUES ('C1'), ('C2')) v(customer_id)")
        connection.execute(
            "CREATE TABLE feed.control_total (feed VARCHAR, measure VARCHAR, control_date DATE, currency VARCHAR,"
            " customer_id VARCHAR, value DOUBLE)"
        )
        connection.execute(
            "CREATE TABLE balances AS SELECT * FROM (VALUES ('C1', 'EUR', 1000.00, 100.00), ('C2', 'EUR', 500.50, 0.00),"
            " ('C2', 'USD', 70.00, 0.00)) v(customer_id, currency, open_amount, unapplied)"
        )
        yield connection


def ask(
    con: duckdb.DuckDBPyConnection, *totals: str, delivered: str = "control_total", tolerance: str = "1.00", pct: float = 0.01
) -> GateResult:
    """The answer with these control totals: feed measure date currency customer value, - for empty."""
    for each in totals:
        feed, measure, day, currency, customer, value = each.split()
        row = [feed, measure, day, currency.replace("-", ""), customer.replace("-", ""), float(value)]
        con.execute("INSERT INTO feed.control_total VALUES (?, ?, ?, ?, ?, ?)", row)
    asked: list[date] = []

    def balances(day: date) -> str:
        asked.append(day)
        return "balances"

    seen = FeedsSeen(frozenset(delivered.split()), balances, Decimal(tolerance), pct)
    return check_control_totals(con, seen)


@pytest.mark.parametrize(
    "total",
    [
        "payment row_count 2026-06-30 - - 3",
        "payment row_count 2026-06-30 EUR - 2",
        "payment row_count 2026-06-30 - C2 2",
        "customer row_count 2026-06-30 - - 2",
        "payment amount_sum 2026-06-30 EUR - 150.00",
        "payment amount_sum 2026-06-30 EUR - 150.99",
        "payment amount_sum 2026-06-30 CHF - 0",
        "payment amount_sum 2026-06-30 EUR C1 100",
        "payment amount_sum 2026-05-31 EUR - 150",
        "payment row_count 2026-05-31 - - 2",
        "invoice open_balance 2026-06-30 EUR - 1500.50",
        "invoice open_balance 2026-06-30 USD - 70",
        "customer open_balance 2026-06-30 EUR - 1400.5",
        "customer open_balance 2026-06-30 EUR C1 900",
    ],
)
def test_totals_that_agree_pass(con: duckdb.DuckDBPyConnection, total: str) -> None:
    with_rest = {"payment row_count 2026-06-30 - C2 2": ["payment row_count 2026-06-30 - C1 1"]}
    with_rest["payment amount_sum 2026-06-30 EUR C1 100"] = ["payment amount_sum 2026-06-30 EUR C2 50"]
    with_rest["customer open_balance 2026-06-30 EUR C1 900"] = ["customer open_balance 2026-06-30 EUR C2 500.5"]
    result = ask(con, total, *with_rest.get(total, []))
    assert result.passed, result.detail
    assert not result.blocks


@pytest.mark.parametrize(
    ("totals", "told"),
    [
        (["payment row_count 2026-06-30 - - 4"], "payment row_count at 2026-06-30: stated 4, here 3, difference -1"),
        (["payment row_count 2026-06-30 USD - 2"], "payment row_count at 2026-06-30 in USD: stated 2, here 1"),
        (["payment amount_sum 2026-06-30 EUR - 151.01"], "stated 151.01, here 150.00, difference -1.01, tolerance 1.00"),
        (["invoice open_balance 2026-06-30 EUR - 1400"], "stated 1,400.00, here 1,500.50, difference +100.50"),
        (["invoice open_balance 2026-06-30 CHF - 10"], "in CHF: stated 10.00, here 0.00"),
        (
            ["customer open_balance 2026-06-30 EUR - 1500.50"],
            "customer open_balance at 2026-06-30 in EUR: stated 1,500.50, here 1,400.50, difference -100.00",
        ),
    ],
)
def test_a_difference_blocks_and_is_told(con: duckdb.DuckDBPyConnection, totals: list[str], told: str) -> None:
    result = ask(con, *totals)
    assert result.blocks
    assert result.n_failed == 1
    assert told in result.detail


def test_a_difference_is_told_by_customer(con: duckdb.DuckDBPyConnection) -> None:
    result = ask(
        con,
        "invoice open_balance 2026-06-30 EUR - 1620.50",
        "invoice open_balance 2026-06-30 EUR C1 1000",
        "invoice open_balance 2026-06-30 EUR C2 450.50",
        "invoice open_balance 2026-06-30 EUR C3 170",
    )
    assert result.detail == (
        "invoice open_balance at 2026-06-30 in EUR: stated 1,620.50, here 1,500.50, difference -120.00, tolerance 1.00;"
        " by customer: C3 stated 170.00, here 0.00, difference -170.00, C2 stated 450.50, here 500.50, difference +50.00"
    )


def test_customers_may_be_wrong_where_the_sum_is_right(con: duckdb.DuckDBPyConnection) -> None:
    """200 of C1 stand with C2: no sum shows it."""
    result = ask(
        con,
        "invoice open_balance 2026-06-30 EUR - 1500.50",
        "invoice open_balance 2026-06-30 EUR C1 800",
        "invoice open_balance 2026-06-30 EUR C2 700.50",
    )
    assert result.blocks
    assert "by customer: C1 stated 800.00, here 1,000.00, difference +200.00, C2 stated 700.50" in result.detail


def test_a_list_of_large_customers_beside_the_sum_is_no_difference(con: duckdb.DuckDBPyConnection) -> None:
    assert ask(con, "invoice open_balance 2026-06-30 EUR - 1500.50", "invoice open_balance 2026-06-30 EUR C1 1000").passed


def test_a_list_of_customers_without_a_sum_stands_for_the_ledger(con: duckdb.DuckDBPyConnection) -> None:
    result = ask(con, "invoice open_balance 2026-06-30 EUR C1 1000")
    assert result.blocks
    assert "by customer: C2 stated 0.00, here 500.50" in result.detail


def test_the_newest_date_counts_and_each_date_has_its_balance(con: duckdb.DuckDBPyConnection) -> None:
    old = ["payment row_count 2026-04-30 - - 77", "invoice open_balance 2026-04-30 EUR - 77"]
    result = ask(con, *old, "payment row_count 2026-05-31 - - 2", "invoice open_balance 2026-06-30 EUR - 1500.50")
    assert result.passed
    assert result.detail.startswith("2 totals agree: invoice open_balance at 2026-06-30 in EUR, payment row_count at 2026-05-31")


def test_a_currency_without_a_total_is_mentioned(con: duckdb.DuckDBPyConnection) -> None:
    result = ask(con, "payment amount_sum 2026-06-30 EUR - 150")
    assert result.passed
    assert "no total stated for 30.00 USD of payment amount_sum at 2026-06-30" in result.detail


def test_the_tolerance_is_the_larger_of_amount_and_percent(con: duckdb.DuckDBPyConnection) -> None:
    total = "invoice open_balance 2026-06-30 EUR - 1510"
    assert ask(con, total).blocks
    con.execute("DELETE FROM feed.control_total")
    assert ask(con, total, tolerance="9.50").passed
    con.execute("DELETE FROM feed.control_total")
    assert ask(con, total, tolerance="9.49").blocks
    con.execute("DELETE FROM feed.control_total")
    assert ask(con, total, pct=0.7).passed
    con.execute("DELETE FROM feed.control_total")
    assert ask(con, "payment row_count 2026-06-30 - - 4", tolerance="9.50", pct=50).blocks, "rows are exact"


def test_without_totals_nothing_is_refused(con: duckdb.DuckDBPyConnection) -> None:
    assert ask(con, delivered="").detail == "no control total was delivered"
    assert ask(con).detail == "no control total is dated on or before the as-of date"
    assert check_control_totals(con, None).passed


def test_many_differences_are_counted_and_the_first_ones_told(con: duckdb.DuckDBPyConnection) -> None:
    currencies = [f"X{chr(65 + n)}X" for n in range(12)]
    result = ask(con, *(f"payment amount_sum 2026-06-30 {each} - 10" for each in currencies))
    assert result.n_failed == 12
    assert result.detail.endswith("; and 2 more")
    customers = [f"invoice open_balance 2026-06-30 GBP D{n} {10 + n}" for n in range(7)]
    assert "D6 stated 16.00" in (detail := ask(con, *customers).detail)
    assert "and 2 more" in detail.split("GBP")[1]
