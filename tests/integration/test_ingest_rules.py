"""Each rule catches the bad cell at its file, line and column; and no good row is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.ingest_support import HEADER, INVOICE_COLUMNS, Bench

GOOD = ["G1,C1,1/2/2024,10.00,EUR", "G2,C2,01/03/2024,-5,USD"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.mark.parametrize(
    ("bad", "rule", "column", "value"),
    [
        (",C1,1/2/2024,10,EUR", "key_missing", "invoice_id", None),
        ("B, ,1/2/2024,10,EUR", "customer_missing", "customer_id", None),
        ("B,C1,,10,EUR", "value_missing", "invoice_date", None),
        ("B,C1,2024-01-02,10,EUR", "not_a_date", "invoice_date", "2024-01-02"),
        ("B,C1,2/30/2024,10,EUR", "not_a_date", "invoice_date", "2/30/2024"),
        ("B,C1,1/2/24,10,EUR", "not_a_date", "invoice_date", "1/2/24"),
        ("B,C1,1/2/2024 x,10,EUR", "not_a_date", "invoice_date", "1/2/2024 x"),
        ("B,C1,1/2/2024,ten,EUR", "not_a_number", "amount", "ten"),
        ("B,C1,1/2/2024,1e3,EUR", "not_a_number", "amount", "1e3"),
        ("B,C1,1/2/2024,inf,EUR", "not_a_number", "amount", "inf"),
        ("B,C1,1/2/2024,NaN,EUR", "not_a_number", "amount", "NaN"),
        ("B,C1,1/2/2024,1_000,EUR", "not_a_number", "amount", "1_000"),
        ("B,C1,1/2/2024,-,EUR", "not_a_number", "amount", "-"),
        ('B,C1,1/2/2024,"1,000.00",EUR', "not_a_number", "amount", "1,000.00"),
        ("B,C1,1/2/2024,10.005,EUR", "money_scale", "amount", "10.005"),
        ("B,C1,1/2/2024,10.000002,EUR", "money_scale", "amount", "10.000002"),
        ("B,C1,1/2/2024,12345678901234567,EUR", "money_overflow", "amount", "12345678901234567"),
        ("B,C1,1/2/2024,1" + "0" * 40 + ",EUR", "money_overflow", "amount", "1" + "0" * 40),
        ("B,C1,1/2/2024,10,EURO", "unknown_currency", "currency", "EURO"),
        ("B,C1,1/2/2024,10,eur", "unknown_currency", "currency", "eur"),
        ("B,C1,1/2/2024,10,", "value_missing", "currency", None),
    ],
)
def test_a_bad_cell_is_rejected_where_it_stands(bench: Bench, bad: str, rule: str, column: str, value: str | None) -> None:
    bench.file("in/data.csv", [HEADER, GOOD[0], bad, GOOD[1]])
    bench.feed(path="in/data.csv")
    result = bench.one()
    assert result.state == "effective"
    assert [result.counts["rows_rejected"], result.counts["rows_stored"]] == [1, 2]
    found = bench.quarantine("source_file, source_line, rule, column_name, value_text")
    assert found == [("in/data.csv", 3, rule, column, value)]
    assert [row[0] for row in bench.rows(columns="invoice_id")] == ["G1", "G2"]
    assert f"{column} (from " in result.message
    assert rule in result.message
    assert "in/data.csv line 3" in result.message


def optional(feed: str, column: str, spec: dict[str, Any]) -> dict[str, Any]:
    """A mapping of invoice, dispute or payment with one more column from `extra`."""
    base: dict[str, Any] = dict(INVOICE_COLUMNS)
    if feed == "fx_rate":
        base = {"currency": {"from": "currency"}, "rate_date": INVOICE_COLUMNS["invoice_date"]}
    if feed == "customer":
        base = {"customer_id": {"from": "customer"}}
    return {**base, column: {"from": "extra", **spec}}


@pytest.mark.parametrize(
    ("feed", "column", "spec", "value", "rule"),
    [
        ("invoice", "doc_type", {}, "bill", "not_in_list"),
        ("invoice", "doc_type", {"lookup": {"RV": "invoice"}}, "XX", "not_in_lookup"),
        ("invoice", "doc_type", {"lookup": {"RV": "bad"}}, "RV", "not_in_list"),
        ("invoice", "amount", {"decimal": ",", "thousands": "."}, "1.5", "not_a_number"),
        ("invoice", "amount", {"decimal": ",", "thousands": "."}, "12.34,5", "not_a_number"),
        ("invoice", "amount", {"decimal": ".", "thousands": ","}, "1,5", "not_a_number"),
        ("invoice", "due_date", {}, "1/2/2024", "not_a_date"),
        ("invoice", "due_date", {"format": "%Y%m%d"}, "2024012", "not_a_date"),
        ("customer", "contracted_terms_days", {}, "30.5", "not_an_integer"),
        ("customer", "contracted_terms_days", {}, "99999999999999999999", "not_an_integer"),
        ("customer", "is_public_body", {}, "maybe", "not_a_flag"),
        ("customer", "size_class", {}, "huge", "not_in_list"),
        ("customer", "credit_currency", {}, "RMB", "unknown_currency"),
        ("fx_rate", "rate", {}, "0", "not_positive"),
        ("fx_rate", "rate", {}, "N/A", "not_a_number"),
        ("fx_rate", "rate", {}, "123456789", "number_overflow"),
    ],
)
def test_rules_of_other_kinds(bench: Bench, feed: str, column: str, spec: dict[str, Any], value: str, rule: str) -> None:
    bench.file("data.csv", ["id,customer,date,amount,currency,extra", f'B,C1,1/2/2024,10,EUR,"{value}"'])
    bench.feed(feed, optional(feed, column, spec))
    result = bench.one()
    assert result.counts["rows_rejected"] == 1
    assert bench.quarantine() == [(2, rule, column, value)]


@pytest.mark.parametrize(
    ("spec", "text", "stored"),
    [
        ({}, "10", "10.00"),
        ({}, "+10.5", "10.50"),
        ({}, " 10.50 ", "10.50"),
        ({}, "\t10.50", "10.50"),
        ({}, ".5", "0.50"),
        ({}, "5.", "5.00"),
        ({}, "2309.7899999999995", "2309.79"),
        ({}, "-0.0000001", "0.00"),
        ({}, "9999999999999999.99", "9999999999999999.99"),
        ({}, "123.45-", "-123.45"),
        ({"round": 2}, "10.005", "10.01"),
        ({"round": 2}, "-10.005", "-10.01"),
        ({"decimal": ",", "thousands": "."}, "1.234.567,89", "1234567.89"),
        ({"decimal": ",", "thousands": "."}, "234,5-", "-234.50"),
        ({"thousands": ","}, "1,234.50", "1234.50"),
        ({"thousands": ","}, "1234.50", "1234.50"),
        ({"thousands": "'"}, "1'234.50", "1234.50"),
        ({"thousands": " "}, "1 234.50", "1234.50"),
        ({"negate": True}, "12.30", "-12.30"),
        ({"sign_from": {"column": "id", "negative_when": "H"}}, "12.30", "-12.30"),
        ({"sign_from": {"column": "id", "negative_when": ["S", "X"]}}, "12.30", "12.30"),
    ],
)
def test_amounts_are_read_exactly(bench: Bench, spec: dict[str, Any], text: str, stored: str) -> None:
    bench.file("data.csv", [HEADER, f'H,C1,1/2/2024,"{text}",EUR'])
    bench.feed(columns={**INVOICE_COLUMNS, "amount": {"from": "amount", **spec}})
    assert bench.one().counts["rows_stored"] == 1
    assert bench.rows(columns="amount") == [(Decimal(stored),)]


def test_values_of_the_other_kinds(bench: Bench) -> None:
    bench.file("data.csv", ["k,terms,flag,day,name,cls", '007,30.0,Yes,28.11.2013,"  Müller\tGmbH ",S', "000,,0,,NULL,L"])
    bench.feed(
        "customer",
        {
            "customer_id": {"from": "k", "strip_leading_zeros": True},
            "effective_from": {"value": "2013-01-01"},
            "contracted_terms_days": {"from": "terms"},
            "is_public_body": {"from": "flag"},
            "established_date": {"from": "day", "format": "%d.%m.%Y"},
            "name": {"from": "name"},
            "size_class": {"from": "cls", "lookup": {"S": "small", "L": "large"}},
            "group_id": {"template": "{cls}-{k}"},
        },
        nulls=["", "NULL"],
    )
    assert bench.one().counts["rows_stored"] == 2
    columns = "customer_id, effective_from::TEXT, contracted_terms_days, is_public_body, established_date::TEXT, name, size_class"
    assert bench.rows("customer", f"{columns}, group_id") == [
        ("7", "2013-01-01", 30, True, "2013-11-28", "Müller\tGmbH", "small", "S-007"),
        ("0", "2013-01-01", None, False, None, None, "large", "L-000"),
    ]


def test_a_lookup_can_name_the_empty_cell_and_keep_the_rest(bench: Bench) -> None:
    bench.file("data.csv", ["k,flag,cur", "A,,RMB", "B,X,EUR"])
    bench.feed(
        "customer",
        {
            "customer_id": {"from": "k"},
            "is_public_body": {"from": "flag", "lookup": {"": "false", "X": "true"}},
            "credit_currency": {"from": "cur", "lookup": {"RMB": "CNY"}, "otherwise": "keep"},
        },
    )
    assert bench.one().state == "effective"
    assert bench.rows("customer", "customer_id, is_public_body, credit_currency") == [("A", False, "CNY"), ("B", True, "EUR")]


def test_a_row_with_several_faults_is_one_rejected_row_with_all_of_them(bench: Bench) -> None:
    bench.file("data.csv", [HEADER, *GOOD, "B,,x,y,z"])
    bench.feed()
    result = bench.one()
    assert result.counts["rows_rejected"] == 1
    assert [(rule, column) for _, rule, column, _ in bench.quarantine()] == [
        ("not_a_number", "amount"),
        ("unknown_currency", "currency"),
        ("customer_missing", "customer_id"),
        ("not_a_date", "invoice_date"),
    ]


def test_the_quarantine_keeps_the_whole_source_row(bench: Bench) -> None:
    bench.file("data.csv", [HEADER + ",remark", 'B,C1,1/2/2024,ten,EUR,"not mapped, ""quoted"""'])
    bench.feed()
    bench.one()
    [(row, feed, delivery)] = bench.quarantine("row_json, feed, delivery_id")
    assert json.loads(row) == {
        "id": "B", "customer": "C1", "date": "1/2/2024", "amount": "ten", "currency": "EUR", "remark": 'not mapped, "quoted"'
    }  # fmt: skip
    assert (feed, delivery) == ("invoice", 1)


def test_a_key_twice_is_rejected_and_a_row_twice_is_not(bench: Bench) -> None:
    bench.file("data.csv", [HEADER, *GOOD, GOOD[0], "D,C1,1/2/2024,1,EUR", "D,C1,1/2/2024,2,EUR", "D,C1,1/2/2024,1,EUR"])
    bench.feed()
    result = bench.one()
    counts = result.counts
    assert (counts["rows_read"], counts["rows_stored"], counts["rows_repeated"], counts["rows_rejected"]) == (6, 2, 2, 2)
    assert bench.quarantine() == [(5, "duplicate_key", "", "D"), (6, "duplicate_key", "", "D")]


@pytest.mark.parametrize(("rule", "amount"), [("first", "3"), ("last", "1"), ("most_frequent", "2")])
def test_duplicates_can_be_settled_by_a_rule(bench: Bench, rule: str, amount: str) -> None:
    bench.file("data.csv", [HEADER, *(f"D,C1,1/2/2024,{value},EUR" for value in (3, 2, 2, 1))])
    bench.feed(duplicates=rule)
    result = bench.one()
    assert (result.counts["rows_stored"], result.counts["rows_repeated"]) == (1, 3)
    assert bench.rows(columns="amount") == [(Decimal(amount),)]


def test_warnings_are_counted_and_stored(bench: Bench) -> None:
    bench.file("data.csv", [HEADER + ",due", "A,C1,1/2/2024,-1,EUR,2024-01-01", "B,C2,1/2/2024,1.9999999999,EUR,2024-02-01"])
    bench.feed(columns={**INVOICE_COLUMNS, "due_date": {"from": "due"}})
    warnings = {"due_before_invoice": 1, "negative_invoice_amount": 1, "rounded_amount": 1}
    assert bench.one().warnings == warnings
    assert bench.register.deliveries()[0].warnings == warnings


def test_wrong_check_digits_are_warnings(bench: Bench) -> None:
    rows = ["A,USCC,914403001922038216,", "B,USCC,914403001922038217,5493001KJTIIGC8Y1R13", "C,EIN,12-3,5493001KJTIIGC8Y1R12"]
    bench.file("data.csv", ["k,scheme,number,lei", *rows])
    names = {"customer_id": "k", "registration_scheme": "scheme", "registration_number": "number", "lei": "lei"}
    bench.feed("customer", {name: {"from": source} for name, source in names.items()})
    result = bench.one()
    assert (result.counts["rows_stored"], result.warnings) == (3, {"lei_check_digit": 1, "uscc_check_digit": 1})


def test_references_to_unknown_customers_and_invoices_are_counted(bench: Bench) -> None:
    bench.file("data.csv", [HEADER, "A,C1,1/2/2024,1,EUR", "B,C2,1/2/2024,1,EUR"])
    bench.file("customers.csv", ["k", "C1"])
    bench.file("payments.csv", ["id,customer,invoice", "P1,C1,A", "P2,C3,X", "P3,C1,"])
    bench.feed()
    bench.feed(
        "payment",
        {
            "payment_id": {"from": "id"},
            "customer_id": {"from": "customer"},
            "invoice_id": {"from": "invoice"},
            "payment_date": {"value": "2024-02-01"},
            "amount": {"value": "1"},
            "currency": {"value": "EUR"},
        },
        path="payments.csv",
    )
    assert [result.warnings for result in bench.ingest()] == [{}, {"unknown_invoice": 1}], "no master, no unknown customers"
    bench.feed("customer", {"customer_id": {"from": "k"}}, path="customers.csv")
    bench.file("data.csv", [HEADER, "A,C1,1/2/2024,2,EUR", "B,C2,1/2/2024,2,EUR"])
    bench.file("payments.csv", ["id,customer,invoice", "P1,C1,A", "P2,C3,X", "P3,C1,Y"])
    found = {result.feed: result.warnings for result in bench.ingest()}
    assert found == {"customer": {}, "invoice": {"unknown_customer": 1}, "payment": {"unknown_invoice": 1}}


def test_where_filters_on_source_text_and_filtered_rows_are_counted(bench: Bench) -> None:
    bench.file("data.csv", [HEADER + ",Settled On", *(f"{line},{day}" for line, day in zip(GOOD, ("", "1/5/2024"), strict=True))])
    bench.feed(where="\"Settled On\" <> '' AND amount <> '10.00'")
    result = bench.one()
    assert (result.counts["rows_read"], result.counts["rows_filtered"], result.counts["rows_stored"]) == (2, 1, 1)
    assert bench.rows(columns="invoice_id, source_line") == [("G2", 3)]


def test_several_feeds_are_made_from_one_file(bench: Bench) -> None:
    bench.file("data.csv", [HEADER, "1,C1,1/2/2024,5,EUR", "2,C1,1/3/2024,6,EUR", "3,C2,1/3/2024,7,EUR"])
    bench.feed()
    bench.feed("customer", {"customer_id": {"from": "customer"}}, duplicates="most_frequent")
    bench.feed(
        "payment",
        {
            "payment_id": {"template": "P{id}"},
            "customer_id": {"from": "customer"},
            "payment_date": {"from": "date", "format": "%m/%d/%Y"},
            "amount": {"from": "amount"},
            "currency": {"value": "EUR"},
        },
        where="id <> '3'",
    )
    results = {result.feed: result.counts["rows_stored"] for result in bench.ingest()}
    assert results == {"customer": 2, "invoice": 3, "payment": 2}
    assert list(results) == ["customer", "invoice", "payment"], "the master comes first"
    assert bench.rows("payment", "payment_id") == [("P1",), ("P2",)]


def test_empty_currency_and_customer_are_key_values_of_control_totals(bench: Bench) -> None:
    """Whether they are mapped to cells that are empty, given as empty, or not mapped at all."""
    bench.file("data.csv", ["feed,n,cust", "invoice,12,", "invoice,7,C1"])
    bench.feed(
        "control_total",
        {
            "feed": {"from": "feed"},
            "measure": {"value": "row_count"},
            "control_date": {"value": "2024-01-31"},
            "customer_id": {"from": "cust"},
            "value": {"from": "n"},
        },
    )
    result = bench.one()
    assert [result.state, result.counts["rows_rejected"]] == ["effective", 0]
    assert bench.rows("control_total", "currency, customer_id, value") == [("", "", 12.0), ("", "C1", 7.0)]
