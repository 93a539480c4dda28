"""Rules judge rows and never touch them: what is stored is what was delivered, whatever was warned of, and no more is rejected
than an oracle in plain Python says.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.feeds.convert import Converter
from risk_pipeline.feeds.spec import FeedSpec

NAMES = (
    "statement_id",
    "customer_id",
    "received_date",
    "period_end",
    "months",
    "currency",
    "statement_kind",
    "total_assets",
    "current_assets",
    "total_liabilities",
    "equity",
)
SPEC = FeedSpec.model_validate(
    {
        "feed": "financial_statement",
        "source": {"path": "x.csv"},
        "delivery": "upsert",
        "columns": {name: {"from": name} for name in NAMES},
    }
)
CONVERTER = Converter(SPEC, list(NAMES), identity={"key_hash": "CAST(0 AS BIGINT)"})
Row = dict[str, Any]

days = st.dates(date(1880, 1, 1), date(2230, 12, 31)) | st.just(date(9999, 12, 31))
near = st.dates(date(2020, 1, 1), date(2020, 3, 31))
amounts = st.none() | st.decimals(-200, 1200, places=2) | st.integers(990, 1010).map(Decimal)


@st.composite
def statements(draw: st.DrawFn) -> Row:
    received = draw(near | days)
    return {
        "customer_id": "C1",
        "received_date": received,
        "period_end": draw(near | days | st.just(received)),
        "months": draw(st.integers(-1, 26)),
        "currency": "EUR",
        "statement_kind": draw(st.sampled_from([None, "annual", "interim"])),
        **{name: draw(amounts) for name in ("total_assets", "current_assets", "total_liabilities", "equity")},
    }


def rejected(row: Row) -> set[str]:
    rules = set()
    if not 1 <= row["months"] <= 24:
        rules.add("months_out_of_range")
    if row["received_date"] < row["period_end"]:
        rules.add("received_before_period_end")
    if not date(1900, 1, 1) <= row["received_date"] <= date(2200, 12, 31):
        rules.add("date_impossible")
    return rules


def warned(row: Row) -> set[str]:
    rules = set()
    assets, current, owed, equity = (row[n] for n in ("total_assets", "current_assets", "total_liabilities", "equity"))
    end = row["period_end"]
    if end < date(1900, 1, 1) or date(2200, 12, 31) < end < date(9999, 12, 31):
        rules.add("date_far_off")
    if row["statement_kind"] == "annual" and row["months"] != 12:
        rules.add("annual_months")
    if assets is not None and assets <= 0:
        rules.add("total_assets_not_positive")
    if None not in (assets, owed, equity) and abs(assets - owed - equity) > abs(assets) / 100:
        rules.add("balance_sheet_unbalanced")
    if None not in (assets, current) and current > assets + abs(assets) / 100:
        rules.add("part_above_total")
    if (current is not None and current < 0) or (owed is not None and owed < 0):
        rules.add("negative_amount")
    return rules


def convert(rows: list[Row]) -> Any:
    cells = {name: pa.array(["" if row[name] is None else str(row[name]) for row in rows], pa.string()) for name in NAMES}
    lines = pa.array(range(2, len(rows) + 2), pa.int64())
    return CONVERTER.convert(pa.table(cells), lines, 0)


@settings(max_examples=20, deadline=None)
@given(st.lists(statements(), min_size=1, max_size=25))
def test_rules_reject_and_count_what_the_oracle_does_and_change_nothing(rows: list[Row]) -> None:
    rows = [{"statement_id": f"S{number}", **row} for number, row in enumerate(rows)]
    found = convert(rows)
    good = [row for row in rows if not rejected(row)]
    stored = [{name: row[name] for name in NAMES} for row in found.rows.to_pylist()]
    assert stored == good, "values as delivered, rows in their order"
    assert found.rows_rejected == len(rows) - len(good)
    told = {(row["#line\x1f"], row["rule"]) for row in found.problems.to_pylist()}
    assert told == {(number + 2, rule) for number, row in enumerate(rows) for rule in rejected(row)}
    assert Counter(found.warnings) == Counter(rule for row in good for rule in warned(row))


def test_the_oracle_meets_every_rule_it_knows() -> None:
    """Not by luck: one row for each, so that the property above cannot pass by never meeting it."""
    base: Row = {
        "statement_id": "S",
        "customer_id": "C1",
        "received_date": date(2020, 3, 1),
        "period_end": date(2019, 12, 31),
        "months": 12,
        "currency": "EUR",
        "statement_kind": "annual",
        "total_assets": Decimal(1000),
        "current_assets": Decimal(500),
        "total_liabilities": Decimal(600),
        "equity": Decimal(400),
    }
    assert rejected(base) | warned(base) == set()
    changes: list[Row] = [
        {"months": 0},
        {"received_date": base["period_end"] - timedelta(days=1)},
        {"received_date": date(9999, 12, 31)},
        {"period_end": date(1899, 12, 31)},
        {"months": 9},
        {"total_assets": Decimal(0), "current_assets": Decimal(0), "total_liabilities": Decimal(0), "equity": Decimal(0)},
        {"equity": Decimal("389.99")},
        {"current_assets": Decimal("1010.01")},
        {"current_assets": Decimal(-1)},
    ]
    for change in changes:
        row = {**base, **change}
        found = convert([row])
        assert {each["rule"] for each in found.problems.to_pylist()} == rejected(row)
        assert set(found.warnings) == (set() if rejected(row) else warned(row))
        assert rejected(row) | warned(row), change
