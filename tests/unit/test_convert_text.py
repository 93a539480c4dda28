"""Text and ids: blanks nobody sees go, full-width ids fold when asked, ids that were numbers come back whole or not at all."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.characters import BLANKS, HALF_WIDTH, PLAIN_NUMBER, UNTRIMMED
from risk_pipeline.feeds.convert import Converter
from tests.convert_support import feed_spec, read

LOST = "id_as_number"


def ids(mapping: dict[str, Any], expected: dict[str, str]) -> None:
    found = read("customer", "payer_id", mapping, list(expected))
    assert dict(zip(expected, found, strict=True)) == expected


def test_plain_trim_leaves_what_we_say_it_leaves() -> None:
    con = duckdb.connect()
    left = {each for each in BLANKS if con.execute("SELECT trim(? || 'a' || ?)", [each, each]).fetchall() != [("a",)]}
    assert left == set(UNTRIMMED)
    assert all(len(source) == len(target) for source, target in (HALF_WIDTH, PLAIN_NUMBER))


@pytest.mark.parametrize(
    "blank", [*"\x01\x1a\x1f\x7f\t\r\n \x85", "\u00a0", "\u2003", "\u2028", "\u200b", "\u3000", "\ufeff", " \x1a \x1a"]
)
def test_blanks_and_control_characters_at_the_ends_go(blank: str) -> None:
    inside = f"A{blank}B"
    assert read("customer", "name", {}, [f"A{blank}", f"{blank}A", inside, blank, "A"]) == ["A", "A", inside, None, "A"]
    assert read("customer", "name", {"trim": "false", "nulls": []}, [f"A{blank}"]) == [f"A{blank}"]


def test_ids_keep_their_zeros() -> None:
    ids(
        {},
        {
            "0012": "0012",
            "0": "0",
            "2960623488": "2960623488",
            "00012.50": "00012.50",
            "C-1.0": "C-1.0",
            "1E5": "1E5",
            "v2.0": "v2.0",
            "4E12": "4E12",
        },
    )
    ids({"strip_leading_zeros": True}, {"0012": "12", "000": "0"})


def test_ids_that_were_numbers_need_a_word() -> None:
    ids(
        {},
        {
            "2960623488.0": LOST,
            "12.00": LOST,
            "2.960623488E9": LOST,
            "9.131E+17": LOST,
            "3E+10": LOST,
            "#N/A": "spreadsheet_error",
            "#REF!": "spreadsheet_error",
            "########": "spreadsheet_error",
            "#12": "#12",
            "A": "A",
        },
    )
    ids({"integral": "false"}, {"2960623488.0": "2960623488.0", "9.131E+17": "9.131E+17", "#N/A": "spreadsheet_error"})
    ids({"nulls": ["", "#N/A"]}, {"A": "A"})
    assert read("customer", "payer_id", {"nulls": ["", "#N/A"]}, ["#N/A", "A"]) == [None, "A"]


def test_integral_gives_ids_back_whole_or_not_at_all() -> None:
    ids(
        {"integral": True},
        {
            "2960623488.0": "2960623488",
            "2960623488.00": "2960623488",
            "2.960623488E9": "2960623488",
            "2.960623488e+09": "2960623488",
            "2.96062348800E9": "2960623488",
            "0.0": "0",
            "5.0E0": "5",
            "123456789012345.0": "123456789012345",
            "2960623488": "2960623488",
            "0012": "0012",
            "C1": "C1",
            "12.5": "12.5",
            "1.2.0": "1.2.0",
            "-5.0": "-5.0",
            "1234567890123456": "1234567890123456",
        },
    )
    # Digits that the print no longer shows cannot be given back.
    ids(
        {"integral": True},
        {
            "2.96062E+09": LOST,
            "2.96062348E9": LOST,
            "3E9": LOST,
            "1234567890123456.0": LOST,
            "9.13100012345678E+17": LOST,
            "0012.0": LOST,
            "1.25E1": LOST,
            "1E5": LOST,
            "#N/A": "spreadsheet_error",
        },
    )
    ids({"integral": True, "strip_leading_zeros": True}, {"12.0": "12", "0012": "12"})
    assert read("customer", "payer_id", {"integral": True, "nulls": ["", "0.0"]}, ["0.0", "1.0", ""]) == [None, "1", None]


def test_words_for_nothing_are_no_ids() -> None:
    words = ["NULL", "null", " N/A ", "NaN\x1a", "-0-", "-", "None", "无", "\\N"]
    assert read("customer", "payer_id", {}, [*words, "N", "NA", "A-1", "无锡"]) == ["null_as_id"] * len(words) + [
        "N",
        "NA",
        "A-1",
        "无锡",
    ]
    assert read("customer", "payer_id", {"integral": "false"}, ["NULL", "1.0"]) == ["null_as_id", "1.0"]
    assert read("customer", "payer_id", {"nulls": ["", "NULL", "-"]}, ["NULL", "-", "N/A"]) == [None, None, "null_as_id"]
    kept = {"lookup": {"-": "-"}, "otherwise": "keep"}
    assert read("customer", "payer_id", kept, ["-", "--", "A"]) == ["-", "null_as_id", "A"]
    assert read("customer", "name", {}, ["NULL", "-"]) == ["NULL", "-"]


def test_other_text_is_never_doubted() -> None:
    assert read("customer", "name", {}, ["2960623488.0", "#N/A", "1E+05"]) == ["2960623488.0", "#N/A", "1E+05"]
    assert read("customer", "industry_code", {}, ["99.00"]) == ["99.00"]


def test_ids_in_parts_and_looked_up() -> None:
    parts = {"from": None, "template": "{x}-{year}"}
    years = ["2026", "2026.0", "2026", "2026"]
    assert read("customer", "payer_id", parts, ["1", "2", "3.0", ""], year=years) == ["1-2026", LOST, LOST, None]
    whole = {**parts, "integral": True}
    assert read("customer", "payer_id", whole, ["1", "2", "3.0", "2.9E9"], year=years) == ["1-2026", "2-2026", "3-2026", LOST]
    assert read("customer", "payer_id", {"lookup": {"1.0": "A"}}, ["1.0", "2.0"]) == ["A", "not_in_lookup"]
    kept = {"lookup": {"1.0": "A"}, "otherwise": "keep"}
    assert read("customer", "payer_id", kept, ["1.0", "2.0", "B"]) == ["A", LOST, "B"]


def test_full_width_ids_fold_only_when_asked() -> None:
    ids(
        {"half_width": True},
        {"Ｃ－００１２": "C-0012", "（Ａ）　": "(A)", "C1": "C1", "客户１": "客户1", "２９６０６２３４８８．０": LOST},
    )
    ids({}, {"Ｃ－００１２": "Ｃ－００１２"})
    ids({"half_width": True, "integral": True}, {"２９６０６２３４８８．０": "2960623488"})
    assert read("customer", "payer_id", {"half_width": True, "nulls": ["N/A"]}, ["Ｎ／Ａ", "A"]) == [None, "A"]


def test_a_constant_is_checked_as_a_cell_is() -> None:
    spec = feed_spec("customer", payer_id={"value": "12.0"})
    assert Converter(spec, ["key"], identity={"key_hash": "0"}).source_columns == ["key"]
    with pytest.raises(UsageError, match="value: 'soon' breaks not_a_date"):
        Converter(feed_spec("customer", established_date={"value": "soon"}), ["key"], identity={"key_hash": "0"})
