"""Numbers as companies write them: read when declared so, rejected when not, never guessed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from tests.convert_support import feed_spec, read

GERMAN = {"decimal": ",", "thousands": "."}
ENGLISH = {"thousands": ","}
NO = "not_a_number"


def check_amounts(mapping: dict[str, Any], expected: dict[str, str]) -> None:
    """Each cell gives its amount as text, or a rule."""
    found = read("invoice", "amount", mapping, list(expected))
    told = {cell: f"{value}" for cell, value in zip(expected, found, strict=True)}
    assert told == expected
    assert all(isinstance(value, (Decimal, str)) for value in found)


def test_german_and_english_separators() -> None:
    check_amounts(
        GERMAN,
        {
            "1.234,56": "1234.56",
            "1,234.56": NO,
            "1.234": "1234.00",
            "1,5": "1.50",
            "12.34,5": NO,
            "1234,56": "1234.56",
            "1.234.567,89": "1234567.89",
            "1.2345,6": NO,
            ",5": "0.50",
            "1.234,56-": "-1234.56",
            "-1.234,56": "-1234.56",
        },
    )
    check_amounts(
        ENGLISH,
        {
            "1,234.56": "1234.56",
            "1.234,56": NO,
            "1,234": "1234.00",
            "1,5": NO,
            "12,345,678.9": "12345678.90",
            "1,234.56-": "-1234.56",
            "+1,234.56": "1234.56",
            "1,234.56+": NO,
            "-1,234.56-": NO,
            "1 234.56": NO,
        },
    )
    check_amounts(
        {}, {"1234.56": "1234.56", "1,234.56": NO, "1.234,56": NO, "1.234": "money_scale", "1e3": NO, "": "value_missing"}
    )


def test_full_width_numbers_are_folded_always() -> None:
    check_amounts(
        ENGLISH,
        {
            "１，２３４．５０": "1234.50",
            "－１，２３４．５０": "-1234.50",
            "1，234．50": "1234.50",
            "＋５": "5.00",
            "１，２３": NO,
            "一百": NO,
            "５０％": NO,
            "（５）": NO,
            "５－": "-5.00",
            "1,234.50": "1234.50",
        },
    )
    check_amounts({}, {"１，２３４．５０": NO, "１２３４．５": "1234.50"})
    check_amounts({"decimal": "，", "thousands": "．"}, {"１．２３４，５": "1234.50", "1.234,5": "1234.50", "1,234.5": NO})


def test_minus_signs_and_blanks_of_print() -> None:
    check_amounts({}, {"\u22125": "-5.00", "\u20135": "-5.00", "5\u2212": "-5.00", "\u2014": NO, "\u2013": NO, "- 5": NO})
    spaced = {"decimal": ",", "thousands": " "}
    check_amounts(
        spaced,
        {
            "1 234,50": "1234.50",
            "1\u00a0234,50": "1234.50",
            "1\u202f234,50": "1234.50",
            "1\u3000234,50": "1234.50",
            "12 34,5": NO,
            "1  234,50": NO,
        },
    )
    check_amounts({"thousands": "\u2019"}, {"1'234.50": "1234.50", "1\u2019234.50": "1234.50"})


def test_brackets_are_a_minus_when_declared() -> None:
    check_amounts(
        {**ENGLISH, "parentheses": "negative"},
        {
            "(1,234.56)": "-1234.56",
            "( 1,234.56 )": "-1234.56",
            "（１，２３４．５６）": "-1234.56",
            "1,234.56": "1234.56",
            "-5": "-5.00",
            "(0.00)": "0.00",
            "(-5)": NO,
            "(5-)": NO,
            "(+5)": NO,
            "-(5)": NO,
            "((5))": NO,
            "(5": NO,
            "5)": NO,
            "()": NO,
            "(5)(6)": NO,
        },
    )
    check_amounts(ENGLISH, {"(1,234.56)": NO, "1,234.56": "1234.56"})


def test_amounts_in_thousands_wan_and_cents_are_exact() -> None:
    check_amounts(
        {"scale": "1000"},
        {
            "1234.56789": "1234567.89",
            "0.00001": "0.01",
            "0.000001": "money_scale",
            "-1.5": "-1500.00",
            "1.5-": "-1500.00",
            "9999999999999.99999": "9999999999999999.99",
            "10000000000000": "money_overflow",
            "1e3": NO,
        },
    )
    check_amounts({**GERMAN, "scale": "10000"}, {"12,3456": "123456.00", "1.234,56": "12345600.00", "12.3456": NO})
    check_amounts({"scale": "0.01"}, {"123456": "1234.56", "-1": "-0.01", "1.5": "money_scale", "100.00": "1.00"})
    check_amounts({"scale": "1000", "round": "2"}, {"0.0000149": "0.01", "0.000015": "0.02"})
    check_amounts({"scale": "1000"}, {"12.3万元": NO})


def test_noise_of_binary_numbers_is_mended() -> None:
    check_amounts(
        {},
        {
            "2309.7899999999995": "2309.79",
            "0.30000000000000004": "0.30",
            "2309.795": "money_scale",
            "2309.790001": "2309.79",
            "2309.790002": "money_scale",
        },
    )
    check_amounts({"scale": "1000"}, {"2.3097899999999996": "2309.79"})


def test_the_sign_in_another_column() -> None:
    sap = {"sign_from": {"column": "mark", "negative_when": "H"}}
    marks = ["S", "H", " H ", "h", "", "Ｈ"]
    assert read("invoice", "amount", sap, ["5.00"] * 6, mark=marks) == [
        Decimal(each) for each in ("5", "-5", "-5", "5", "5", "-5")
    ]
    strict = {"sign_from": {"column": "mark", "negative_when": ["H", "C"], "positive_when": "S"}}
    found = read("invoice", "amount", strict, ["5.00"] * 6, mark=["S", "H", "C", "h", "", "X"])
    assert found == [Decimal(5), Decimal(-5), Decimal(-5), *["unknown_sign"] * 3]
    plus_minus = {"sign_from": {"column": "mark", "negative_when": "-", "positive_when": ["+", ""]}, "negate": "true"}
    assert read("invoice", "amount", plus_minus, ["5"] * 4, mark=["-", "−", "+", ""]) == [
        Decimal(each) for each in (5, 5, -5, -5)
    ]


def test_a_percentage_is_a_share_of_one_or_what_the_column_holds() -> None:
    german = {"decimal": ",", "percent": True}
    share = read(
        "industry_indicator",
        "value",
        german,
        ["12,5 %", "12,5%", "-0,1 %", "１２，５％", "12,5", "12.5%", "%", "%12,5", "12,5 ‰", "5,0-%"],
    )
    rule = "not_a_percentage"
    assert share == [0.125, 0.125, -0.001, 0.125, rule, rule, rule, rule, rule, -0.05]
    assert read("payment_terms", "discount_pct", german, ["2 %", "2,5%", "2"]) == [2.0, 2.5, rule]
    assert read("payment_terms", "discount_pct", {"scale": "100"}, ["0.02", "2%"]) == [2.0, NO]
    both = {"percent": True, "parentheses": "negative"}
    assert read("industry_indicator", "value", both, ["(12.5%)", "(12.5 %)", "(12.5)%"]) == [-0.125, -0.125, rule]


def test_integers_and_rates() -> None:
    days = read("customer", "contracted_terms_days", {}, ["30", "30.00", "３０", "30.5", "-1", "3e1", "99999999999999999999"])
    assert days == [30, 30, 30, "not_an_integer", -1, NO, "not_an_integer"]
    assert read("customer", "contracted_terms_days", {"scale": "10"}, ["3.5", "3.55", "３"]) == [35, "not_an_integer", 30]
    per_hundred = read("fx_rate", "rate", {"scale": "0.01"}, ["733.4512", "0", "-1"])
    assert per_hundred == [Decimal("7.3345120000"), "not_positive", "not_positive"]


def test_null_markers_stand_before_reading() -> None:
    nulls = {"nulls": ["", "N/A", "NULL", "-0-", "－", "#N/A"]}
    cells = ["N/A", "NULL", "-0-", "－", " #N/A ", "N/A\x1a", "1", "n/a"]
    found = read("sales_order", "delivered_not_invoiced", nulls, cells)
    assert found == [None] * 6 + [Decimal(1), NO]
    assert read("sales_order", "delivered_not_invoiced", {}, ["-0-", "N/A", "NULL"]) == [NO] * 3


@pytest.mark.parametrize(
    ("column", "mapping", "told"),
    [
        ("amount", {"scale": "1500"}, "a power of ten"),
        ("amount", {"scale": "1"}, "a power of ten"),
        ("amount", {"parentheses": "yes"}, "negative"),
        ("amount", {"percent": True}, "percent does not apply to a money column"),
        ("amount", {"integral": True}, "integral does not apply"),
        ("amount", {"decimal": "，", "thousands": ","}, "decimal and thousands cannot be the same"),
        ("invoice_id", {"scale": "10"}, "scale does not apply to a text column"),
        ("due_date", {"half_width": True}, "half_width does not apply to a date column"),
    ],
)
def test_keys_that_make_no_sense_are_refused(column: str, mapping: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        feed_spec("invoice", **{column: {"from": "x", **mapping}})
