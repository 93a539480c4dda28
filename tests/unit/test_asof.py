"""As-of views: which version of a customer counts on a date, and what is flagged as assumed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from risk_pipeline.contracts import FEED_TABLES, STORE_COLUMNS, Table, table
from risk_pipeline.engine.asof import create_asof_views, sight_of, view_query
from risk_pipeline.lineage.sql import base_table, settled, trace
from risk_pipeline.pipeline.column_lineage import as_of_lineage
from tests.ledger_case import LedgerCase, Parts

STORED = re.compile(r"FROM \(SELECT CAST.*?union_by_name = true\)\) AS p")
SPRING, SUMMER = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)


def seen(case: LedgerCase, as_of: date, known_at: datetime | None = None) -> list[tuple[str, bool]]:
    con = case.connect(as_of, known_at=known_at)
    return con.execute("SELECT name, state_assumed FROM feed.customer ORDER BY name").fetchall()


@pytest.mark.parametrize(
    ("as_of", "known_at", "expected"),
    [
        (date(2026, 2, 1), None, [("spring", True)]),  # before anything was known: the first version, flagged
        (date(2026, 6, 30), None, [("spring", False)]),
        (date(2026, 8, 1), None, [("summer", False)]),  # learned on that day, before it ended
        (date(2026, 9, 30), SPRING, [("spring", False)]),  # the change was not known yet
        (date(2026, 9, 30), datetime(2026, 2, 1, tzinfo=UTC), []),
    ],
)
def test_undated_attributes_come_from_the_version_known_at_the_end_of_the_date(
    tmp_path: Path, as_of: date, known_at: datetime | None, expected: list[tuple[str, bool]]
) -> None:
    case = LedgerCase(tmp_path)
    first = case.add("customer", customer_id="C", name="spring", known=SPRING)
    case.close("customer", first, SUMMER)
    case.add("customer", customer_id="C", name="summer", known=SUMMER)
    assert seen(case, as_of, known_at) == expected


def test_a_dated_version_counts_from_its_date_whenever_it_was_learned(tmp_path: Path) -> None:
    case = LedgerCase(tmp_path)
    first = case.add("customer", customer_id="C", name="old", effective_from=date(2025, 1, 1), known=SPRING)
    case.close("customer", first, SUMMER)
    case.add("customer", customer_id="C", name="moved in May", effective_from=date(2026, 5, 1), known=SUMMER)
    assert seen(case, date(2026, 6, 30)) == [("moved in May", False)]
    assert seen(case, date(2026, 4, 30)) == [("old", False)]
    assert seen(case, date(2026, 6, 30), SPRING) == [("old", False)]


def test_a_customer_that_left_the_master_is_gone_after_it_left(tmp_path: Path) -> None:
    case = LedgerCase(tmp_path)
    row = case.add("customer", customer_id="C", name="left", known=SPRING)
    case.close("customer", row, SUMMER)
    assert seen(case, date(2026, 6, 30)) == [("left", False)]
    assert seen(case, date(2026, 9, 30)) == []


def test_later_deliveries_do_not_exist_for_a_frozen_run(tmp_path: Path) -> None:
    case = LedgerCase(tmp_path)
    case.add("payment", payment_id="P", customer_id="C", payment_date=date(2026, 1, 1), amount=1, currency="EUR")
    case.add("payment", payment_id="Q", customer_id="C", payment_date=date(2026, 1, 1), amount=1, currency="EUR", delivery_id=2)
    assert case.connect(date(2026, 6, 30)).execute("SELECT payment_id FROM feed.payment").fetchall() == [("P",)]


@pytest.mark.parametrize("feed", ["invoice", "customer"])
def test_parts_written_before_a_column_was_in_the_contract_show_it_as_null(tmp_path: Path, feed: str) -> None:
    rows = tmp_path / f"{feed}-of-old.parquet"
    con = duckdb.connect()
    con.execute(
        "COPY (SELECT 1 AS row_id, 0 AS bucket, 1 AS delivery_id, TIMESTAMP '2020-01-01' AS known_from, false AS known_assumed,"
        " CAST(NULL AS TIMESTAMP) AS known_to, 'I' AS invoice_id, 'C' AS customer_id, DATE '2026-01-01' AS invoice_date,"
        f" CAST(5 AS DECIMAL(18, 2)) AS amount) TO '{rows}' (FORMAT parquet)"
    )
    known_at = datetime(2026, 6, 30, tzinfo=UTC)
    create_asof_views(
        con, {feed: Parts([rows])}, as_of=date(2026, 6, 30), known_at=known_at, zone=ZoneInfo("UTC"), last_delivery=1
    )
    names = ", ".join(column.name for column in table(f"feed.{feed}").columns)
    found = con.execute(f"SELECT customer_id, row_hash, {names} FROM feed.{feed}").fetchall()
    assert [row[:2] for row in found] == [("C", None)]


@pytest.mark.parametrize("feed", FEED_TABLES, ids=lambda feed: feed.name)
def test_what_the_views_ask_is_what_lineage_says_of_them(feed: Table) -> None:
    """Columns that hide a value or leave a row out, read from the SQL of the view; dates of the run stand in it as literals."""
    sight = sight_of(as_of=date(2026, 6, 30), known_at=SUMMER, zone=ZoneInfo("UTC"), last_delivery=1)
    sql, places = STORED.subn("FROM stored AS p", view_query(feed, Parts([Path("a.parquet")]), (sight,)))
    assert places == 1
    stored = base_table(feed.full_name, [each.name for each in (*STORE_COLUMNS, *feed.columns)])
    found = settled(trace(sql, feed.name, lambda name: stored, {}.__getitem__), {feed.full_name: ()})
    for name, said in as_of_lineage(feed).items():
        read = {(each.column, each.how) for each in found[name] if each.how != "transformation" and each.column != name}
        told = {(each.column, each.how) for each in said if each.table == feed.full_name}
        assert read - {(name, "identity")} == told, name
