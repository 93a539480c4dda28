"""What the cells of a column show: dates and their order, numbers and their marks, codes, null markers."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from risk_pipeline.feeds.profile_columns import Profile, guess_dates, guess_numbers, profile


def of(*cells: str) -> Profile:
    return profile("c", pa.array(cells))


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1/26/2013", "3/4/2013"], "%m/%d/%Y"),
        (["26/1/2013", "3/4/2013"], "%d/%m/%Y"),
        (["26.01.2013"], "%d.%m.%Y"),
        (["2013-01-26"], "%Y-%m-%d"),
        (["2013/1/26"], "%Y/%m/%d"),
        (["20130126", "20131231"], "%Y%m%d"),
        (["2013年1月26日"], "%Y年%m月%d日"),
        (["26-Jan-2013"], "%d-%b-%Y"),
        (["January 26, 2013"], "%B %d, %Y"),
        (["2013-01-26 00:00:00"], "%Y-%m-%d %H:%M:%S"),
        (["2013-01-26T08:15:00.123"], "%Y-%m-%dT%H:%M:%S.%g"),
        (["31.12.99", "26.01.13"], "%d.%m.%y"),
        (["２０１３-０１-２６"], "%Y-%m-%d"),
        (["9999-12-31"], "%Y-%m-%d"),
    ],
)
def test_a_date_format_is_proved(cells: Sequence[str], form: str) -> None:
    found = guess_dates(dict.fromkeys(cells, 1))
    assert found is not None
    assert found.format == form


def test_an_order_no_value_proves_stays_open() -> None:
    found = guess_dates({"1/2/2013": 5, "12/12/2013": 1})
    assert found is not None
    assert found.format is None
    assert dict(found.open_orders) == {"dmy": "%d/%m/%Y", "mdy": "%m/%d/%Y"}
    assert "6" in found.evidence


def test_two_digit_years_may_stand_in_front() -> None:
    found = guess_dates({"24/01/15": 1, "13/02/20": 1})
    assert found is not None
    assert found.format is None
    assert set(found.open_orders) == {"dmy", "ymd"}


def test_both_orders_proved_is_mixed_and_never_decided() -> None:
    found = guess_dates({"13/1/2013": 40, "1/13/2013": 60, "1/2/2013": 900})
    assert found is not None
    assert found.format is None
    assert found.evidence.startswith("mixed: 40 of 1,000 values have a first part above 12, and 60 a second")


def test_the_evidence_counts() -> None:
    found = guess_dates({"13/1/2013": 13, "1/2/2013": 2453})
    assert found is not None
    assert found.format == "%d/%m/%Y"
    assert "13 of 2,466 values have a first part above 12" in found.evidence


def test_one_stray_date_does_not_hide_the_others() -> None:
    found = guess_dates({"1/26/2013": 999, "26/26/2013": 1})
    assert found is not None
    assert (found.format, found.strays) == ("%m/%d/%Y", 1)


@pytest.mark.parametrize("cells", [["55.94", "7"], ["A-1-2013"], ["1/2"], ["32/13/2013"], ["99999999"], ["Paper"]])
def test_what_is_no_date(cells: Sequence[str]) -> None:
    assert guess_dates(dict.fromkeys(cells, 1)) is None


@pytest.mark.parametrize(
    ("cells", "decimal", "thousands"),
    [
        (["55.94", "7"], ".", None),
        (["1,234.56", "12.5"], ".", ","),
        (["1.234,56", "1.000"], ",", "."),
        (["12,5"], ",", None),
        (["1 234,50"], ",", " "),
        (["1'234.50"], ".", "'"),
        (["1,234,567"], ".", ","),
        (["0.123", "0.456"], ".", None),
        (["-3.50", "3.50-", "(3.50)"], ".", None),
        (["１２３．５"], ".", None),
        (["12", "345"], ".", None),
    ],
)
def test_the_marks_of_numbers(cells: Sequence[str], decimal: str, thousands: str | None) -> None:
    found = guess_numbers(dict.fromkeys(cells, 1))
    assert found is not None
    assert (found.decimal, found.thousands) == (decimal, thousands)


@pytest.mark.parametrize("cells", [["1,234", "2,345"], ["1.234"]])
def test_a_mark_that_may_be_either_stays_open(cells: Sequence[str]) -> None:
    found = guess_numbers(dict.fromkeys(cells, 1))
    assert found is not None
    assert found.decimal is None


def test_signs_percent_and_cents_are_counted() -> None:
    found = guess_numbers({"(1.50)": 2, "-3": 1, "4.123": 5, "2309.7899999999995": 1})
    assert found is not None
    assert (found.negatives, found.parentheses, found.beyond_cents) == (3, True, 5)
    percent = guess_numbers({"12,5 %": 3})
    assert percent is not None
    assert (percent.percent, percent.decimal) == (True, ",")


@pytest.mark.parametrize("cells", [["12O4"], ["C-1001"], ["12.30.2013"], ["3.5 EUR"]])
def test_what_is_no_number(cells: Sequence[str]) -> None:
    assert guess_numbers(dict.fromkeys(cells, 1)) is None


def test_null_markers_count_only_where_they_can_be_none() -> None:
    assert of("1.5", "-", "", "N/A").nulls == {"": 1, "-": 1, "N/A": 1}
    assert of("2013-01-26", "00000000").nulls == {"00000000": 1}
    assert of("Miller", "-", "NULL").nulls == {"NULL": 1}
    assert of("12", "0").nulls == {}


def test_flags_countries_currencies() -> None:
    assert of("Yes", "No", "Yes").flags() == {"Yes": "true", "No": "false"}
    assert of("X", "", "").flags() == {"X": "true", "": "false"}
    assert of("是", "否").flags() == {"是": "true", "否": "false"}
    assert of("maybe").flags() is None
    assert of("DE", "CN").countries() == ("alpha-2", {}, [])
    assert of("156", "276").countries() == ("numeric", {"156": "CN", "276": "DE"}, [])
    assert of("中国", "德国").countries() == ("names", {"中国": "CN", "德国": "DE"}, [])
    assert of("391", "156").countries()[2] == ["391"]
    assert of("EUR", "USD").is_currency
    assert not of("EURO", "USD").is_currency


def test_ids_from_a_spreadsheet_padded_ids_and_serials() -> None:
    assert of("2960623488.0", "2.960623488E9").is_float_id
    assert not of("2960623488").is_float_id
    assert of("0000104711", "1000104712").is_padded
    assert of("41276", "41300").may_be_serial
    assert of("1359158400000").may_be_epoch == "epoch_ms"
