"""What the command line understands and how it prints: dates, knowledge, cells, CSV, JSON, tables of 80 columns."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import knowledge, one_date, past_date
from risk_pipeline.cli.texts import WORDS, both, headers
from risk_pipeline.errors import UsageError
from risk_pipeline.orchestration.periods import end_of_day, last_completed, period_ends

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


class TestDates:
    def test_a_date_is_iso(self) -> None:
        assert one_date("2024-02-29", "--as-of") == date(2024, 2, 29)

    @pytest.mark.parametrize("text", ["2023-02-29", "31.12.2024", "yesterday", "", "2024-12-31T10:00"])
    def test_anything_else_is_wrong_usage_and_named(self, text: str) -> None:
        with pytest.raises(UsageError, match="--as-of") as caught:
            one_date(text, "--as-of")
        assert repr(text) in caught.value.message
        assert "YYYY-MM-DD" in caught.value.remedy

    def test_today_may_be_assessed_tomorrow_may_not(self) -> None:
        today = datetime.now(BERLIN).date()
        assert past_date(today.isoformat(), "--as-of", BERLIN) == today
        with pytest.raises(UsageError, match="future"):
            past_date((today + timedelta(days=1)).isoformat(), "--as-of", BERLIN)


class TestKnowledge:
    def test_now_is_left_to_the_run(self) -> None:
        assert knowledge("now", date(2024, 6, 30), SHANGHAI) is None

    def test_as_of_is_the_end_of_that_day_where_the_company_is(self) -> None:
        assert knowledge("as-of", date(2024, 6, 30), SHANGHAI) == datetime(2024, 6, 30, 16, 0, tzinfo=UTC)

    def test_a_timestamp_without_zone_is_local(self) -> None:
        assert knowledge("2024-06-30T18:00", date(2024, 6, 30), SHANGHAI) == datetime(2024, 6, 30, 10, 0, tzinfo=UTC)

    def test_a_timestamp_with_zone_is_taken_at_its_word(self) -> None:
        assert knowledge("2024-06-30T18:00+00:00", date(2024, 6, 30), SHANGHAI) == datetime(2024, 6, 30, 18, 0, tzinfo=UTC)

    def test_anything_else_is_wrong_usage(self) -> None:
        with pytest.raises(UsageError, match="--known-at"):
            knowledge("whenever", date(2024, 6, 30), SHANGHAI)


class TestPeriods:
    def test_month_ends_between_two_dates_are_ascending_and_inclusive(self) -> None:
        found = list(period_ends(date(2023, 12, 31), date(2024, 3, 30), "month"))
        assert found == [date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29)]

    def test_quarter_ends(self) -> None:
        assert list(period_ends(date(2024, 1, 1), date(2024, 12, 31), "quarter")) == [
            date(2024, 3, 31),
            date(2024, 6, 30),
            date(2024, 9, 30),
            date(2024, 12, 31),
        ]

    def test_none_between_two_mid_month_dates(self) -> None:
        assert list(period_ends(date(2024, 1, 5), date(2024, 1, 20), "month")) == []

    @pytest.mark.parametrize(
        ("moment", "zone", "month", "quarter"),
        [
            # 00:30 in Shanghai on 1 July, still 30 June in UTC: the day is over where the company is
            (datetime(2024, 6, 30, 16, 30, tzinfo=UTC), SHANGHAI, date(2024, 6, 30), date(2024, 6, 30)),
            # half an hour before midnight there
            (datetime(2024, 6, 30, 15, 30, tzinfo=UTC), SHANGHAI, date(2024, 5, 31), date(2024, 3, 31)),
            # the same moment in Berlin, where 30 June is not over
            (datetime(2024, 6, 30, 16, 30, tzinfo=UTC), BERLIN, date(2024, 5, 31), date(2024, 3, 31)),
            (datetime(2024, 1, 1, 6, 0, tzinfo=BERLIN), BERLIN, date(2023, 12, 31), date(2023, 12, 31)),
            (datetime(2024, 3, 1, 6, 0, tzinfo=BERLIN), BERLIN, date(2024, 2, 29), date(2023, 12, 31)),
        ],
    )
    def test_last_completed_period_end(self, moment: datetime, zone: ZoneInfo, month: date, quarter: date) -> None:
        assert last_completed("month", moment, zone) == month
        assert last_completed("quarter", moment, zone) == quarter

    def test_the_day_of_a_clock_change_has_its_own_end(self) -> None:
        before, after = end_of_day(date(2024, 3, 30), BERLIN), end_of_day(date(2024, 3, 31), BERLIN)
        assert after.astimezone(UTC) - before.astimezone(UTC) == timedelta(hours=23)


class TestForms:
    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (None, ""),
            (float("nan"), ""),
            (True, "yes"),
            (Decimal("1234567.80"), "1,234,567.80"),
            (Decimal("1.1234500000"), "1.12345"),
            (0.25, "0.25"),
            (date(2024, 1, 2), "2024-01-02"),
            ("text", "text"),
        ],
    )
    def test_cell(self, value: Any, shown: str) -> None:
        assert output.cell(value) == shown

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0"])
    def test_text_a_spreadsheet_would_run_is_escaped(self, start: str) -> None:
        assert output.harmless(f"{start}SUM(A1)") == f"'{start}SUM(A1)"

    @pytest.mark.parametrize("value", ["-12.50", "+49", "-1,234.00", "plain", "a=b", "", Decimal("-1.00"), -5, None])
    def test_numbers_and_harmless_text_stay(self, value: Any) -> None:
        assert output.harmless(value) is value

    def test_csv_round_trips(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.print_csv(["name", "amount"], [("=HYPERLINK(1)", Decimal("-3.50")), ('say "hi", all', None), ("名称", 1)])
        read = list(csv.reader(io.StringIO(capsys.readouterr().out)))
        assert read == [["name", "amount"], ["'=HYPERLINK(1)", "-3.50"], ['say "hi", all', ""], ["名称", "1"]]

    def test_json_loses_no_cent_and_has_no_nan(self, capsys: pytest.CaptureFixture[str]) -> None:
        amount = Decimal("9999999999999999.99")
        output.print_json({"amount": amount, "ratio": float("nan"), "day": date(2024, 1, 2), "rows": [{"ok": True}]})
        read = json.loads(capsys.readouterr().out)
        assert Decimal(read["amount"]) == amount
        assert read == {"amount": str(amount), "ratio": None, "day": "2024-01-02", "rows": [{"ok": True}]}

    def test_markup_in_data_is_data(self, capsys: pytest.CaptureFixture[str]) -> None:
        output.console().print(output.table(["name"], [("[red]Acme[/red]",)]))
        assert "[red]Acme[/red]" in capsys.readouterr().out

    def test_a_wide_table_fits_eighty_columns_by_folding(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [("100001", "A very long company name that goes on and on 有限责任公司", Decimal("1234567.89"))]
        console = Console(width=80, file=None)
        console.print(output.table(["customer", "name", "amount"], rows, numeric=[2], fold=[1]))
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 80
        assert "1,234,567.89" in "".join(lines)


class TestLanguages:
    def test_both_languages_or_one(self) -> None:
        assert both("High", "高", "both") == "High 高"
        assert both("High", "高", "en") == "High"
        assert both("High", "高", "zh") == "高"
        assert both("KO05", None, "zh") == "KO05"
        assert both("same", "same", "both") == "same"

    def test_heads_stand_in_two_lines(self) -> None:
        assert headers("tier - days", "both") == ["Tier\n风险等级", "", "Days\n逾期天数"]

    def test_every_word_has_both(self) -> None:
        assert all(en and zh and en != zh for en, zh in WORDS.values())
