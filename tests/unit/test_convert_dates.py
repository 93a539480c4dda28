"""Dates as companies write them: one declared format, nothing guessed, nothing moved to another day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.convert import Converter
from tests.convert_support import feed_spec, read

NO = "not_a_date"


def check_dates(mapping: dict[str, Any], expected: dict[str, str]) -> None:
    """Each cell gives its day as ISO text, or a rule."""
    found = read("collateral", "valid_to", mapping, list(expected))
    assert {cell: str(value) for cell, value in zip(expected, found, strict=True)} == expected


def test_iso_days_and_the_end_of_time() -> None:
    check_dates(
        {},
        {
            "2026-01-31": "2026-01-31",
            "2026-1-31": "2026-01-31",
            "2026-02-29": NO,
            "2024-02-29": "2024-02-29",
            "31.01.2026": NO,
            "9999-12-31": "9999-12-31",
            "10000-01-01": NO,
            "0026-01-31": NO,
            "2026-01-31 00:00:00": NO,
            "20260131": NO,
            "2026/01/31": NO,
            "": "None",
            "2026-01-31\x1a": "2026-01-31",
        },
    )
    assert read("collateral", "valid_to", {}, ["9999-12-31", "2026-01-31"]) == [date(9999, 12, 31), date(2026, 1, 31)]
    open_end = {"nulls": ["", "9999-12-31", "00000000"]}
    assert read("collateral", "valid_to", open_end, ["9999-12-31", "00000000", "2026-01-31"]) == [None, None, date(2026, 1, 31)]
    assert read("collateral", "valid_to", {}, ["00000000", "0000-00-00"]) == [NO, NO]


def test_the_words_duckdb_takes_for_dates_are_none() -> None:
    words = ["epoch", "EPOCH", "infinity", "-infinity", "Infinity", "today", "now"]
    for mapping in ({}, {"format": "%m/%d/%Y"}, {"format": "%d.%m.%y", "century_from": "1970"}, {"format": "%Y%m%d"}):
        assert read("crm_event", "event_date", mapping, [*words, "x"]) == [NO] * 8
    check_dates({}, {"1900-01-01": "1900-01-01", "１９００-01-01": "1900-01-01"})


def test_american_german_and_chinese_days() -> None:
    check_dates(
        {"format": "%m/%d/%Y"},
        {"1/2/2013": "2013-01-02", "01/02/2013": "2013-01-02", "13/1/2013": NO, "1/2/13": NO, "1/2/20135": NO},
    )
    check_dates({"format": "%d.%m.%Y"}, {"31.1.2026": "2026-01-31", "31.01.2026": "2026-01-31", "31.1.26": NO, "1.31.2026": NO})
    check_dates(
        {"format": "%Y%m%d"},
        {
            "20260131": "2026-01-31",
            "2026131": NO,
            "2026-01-31": NO,
            "20260131.0": NO,
            "２０２６０１３１": "2026-01-31",
            "20260230": NO,
            "99991231": "9999-12-31",
        },
    )
    check_dates(
        {"format": "%Y年%m月%d日"}, {"2026年1月31日": "2026-01-31", "２０２６年１月３１日": "2026-01-31", "2026-1-31": NO}
    )
    check_dates({}, {"２０２６－０１－３１": "2026-01-31", "2026\u201301\u201331": "2026-01-31", "２０２６／０１／３１": NO})
    check_dates({"format": "%Y／%m／%d"}, {"２０２６／０１／３１": "2026-01-31", "2026/1/31": "2026-01-31"})
    check_dates(
        {"format": "%Y-%m-%d %H:%M:%S"}, {"2026-01-31 23:59:59": "2026-01-31", "2026-01-31": NO, "2026-01-31 24:00:01": NO}
    )


def test_two_digit_years_fall_into_the_declared_century() -> None:
    check_dates(
        {"format": "%d.%m.%y", "century_from": "1970"},
        {
            "31.1.26": "2026-01-31",
            "31.01.26": "2026-01-31",
            "1.1.70": "1970-01-01",
            "31.12.69": "2069-12-31",
            "1.1.00": "2000-01-01",
            "29.2.00": "2000-02-29",
            "29.2.01": NO,
            "31.1.2026": NO,
            "31.1.6": NO,
            "31.1.026": NO,
            "３１．１．２６": "2026-01-31",
        },
    )
    check_dates(
        {"format": "%d.%m.%y", "century_from": "1900"},
        {"31.1.26": "1926-01-31", "29.2.00": NO, "28.2.00": "1900-02-28", "1.1.99": "1999-01-01"},
    )
    check_dates(
        {"format": "%y%m%d", "century_from": "2000"}, {"260131": "2026-01-31", "990101": "2099-01-01", "26131": NO, "2026131": NO}
    )
    check_dates({"format": "%m/%d/%y", "century_from": "1930"}, {"1/2/30": "1930-01-02", "1/2/29": "2029-01-02"})


def test_excel_serials_around_the_day_that_never_was() -> None:
    check_dates(
        {"format": "excel_serial"},
        {
            "1": "1900-01-01",
            "59": "1900-02-28",
            "60": NO,
            "61": "1900-03-01",
            "0": NO,
            "-1": NO,
            "46053": "2026-01-31",
            "46053.0": "2026-01-31",
            "46053.99999": "2026-01-31",
            "2958465": "9999-12-31",
            "2958466": NO,
            "20260131": NO,
            "2026-01-31": NO,
            "46,053": NO,
            "４６０５３": "2026-01-31",
            "4.6053E4": NO,
        },
    )
    check_dates(
        {"format": "excel_serial_1904"},
        {
            "0": "1904-01-01",
            "1": "1904-01-02",
            "60": "1904-03-01",
            "44591": "2026-01-31",
            "2957003": "9999-12-31",
            "2957004": NO,
            "-1": NO,
        },
    )
    check_dates({}, {"46053": NO})


def test_epochs_give_the_day_of_the_zone() -> None:
    shanghai = {"format": "epoch_ms", "zone": "Asia/Shanghai"}
    # 2026-02-01 00:00 in Shanghai is 2026-01-31 16:00 UTC.
    check_dates(
        shanghai,
        {
            "1769875199999": "2026-01-31",
            "1769875200000": "2026-02-01",
            "1769875200000.0": "2026-02-01",
            "-1": "1970-01-01",
            "-28800001": "1969-12-31",
            "0": "1970-01-01",
            "253402271999999": "9999-12-31",
            "253402272000000": NO,
            "1769875200000x": NO,
            "1.769875E12": NO,
            "１７６９８７５２０００００": "2026-02-01",
            "1,769,875,200,000": NO,
        },
    )
    check_dates(
        {"format": "epoch_ms", "zone": "UTC"},
        {
            "1769875199999": "2026-01-31",
            "1769875200000": "2026-01-31",
            "1769903999999": "2026-01-31",
            "1769904000000": "2026-02-01",
        },
    )
    check_dates(
        {"format": "epoch_s", "zone": "Asia/Shanghai"},
        {
            "1769875199": "2026-01-31",
            "1769875200": "2026-02-01",
            "1769875199.999": "2026-01-31",
            "1769875200000": NO,
            "-0.5": "1970-01-01",
        },
    )
    check_dates(
        {"format": "epoch_s", "zone": "America/New_York"},
        {"1769921999": "2026-01-31", "1769922000": "2026-02-01", "-0.5": "1969-12-31"},
    )
    # Shanghai had summer time in 1988: 1988-07-01 00:00 there is 15:00 UTC the day before.
    check_dates({"format": "epoch_s", "zone": "Asia/Shanghai"}, {"583685999": "1988-06-30", "583686000": "1988-07-01"})


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ({"format": "epoch_ms"}, "zone goes with format"),
        ({"format": "%Y-%m-%d", "zone": "UTC"}, "zone goes with format"),
        ({"format": "epoch_s", "zone": "Mars/Olympus"}, "no time zone"),
        ({"format": "%d.%m.%y"}, "century_from goes with %y"),
        ({"century_from": "1970"}, "century_from goes with %y"),
        ({"format": "%d.%m.%y", "century_from": "70"}, "greater than or equal to 1000"),
        ({"format": ["%d.%m.%Y", "%Y-%m-%d"]}, "valid string"),
    ],
)
def test_date_keys_that_make_no_sense_are_refused(mapping: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        feed_spec("crm_event", event_date={"from": "x", **mapping})


@pytest.mark.parametrize("form", ["%Y-%m", "excel", "YYYY-MM-DD", "%d.%m", ""])
def test_a_format_that_loses_the_day_is_wrong_usage(form: str) -> None:
    with pytest.raises(UsageError, match="is no complete date format") as caught:
        Converter(feed_spec("crm_event", event_date={"from": "x", "format": form}), ["x", "key"], identity={"key_hash": "0"})
    assert "excel_serial" in caught.value.remedy
