"""The evidence and reference feeds: taken in, stored, seen on a date, outcomes hidden; their rules at the right line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.contracts.feed_reference import REFERENCE_TABLES
from risk_pipeline.engine.asof import create_asof_views
from risk_pipeline.pipeline.ingest import IngestResult
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.lake import Lake
from tests.ingest_support import Bench

AS_OF = date(2024, 2, 29)

# One row of each feed: seen on the as-of date, with outcomes dated after it.
ROWS: dict[str, str] = {
    "bureau_report": "report_id=R1 customer_id=C1 bureau=Alpha report_date=2024-01-10 retrieved_date=2024-01-12 hit_state=hit"
    " score=312 score_min=100 score_max=600 higher_is_better=no bureau_rating=BB+ delinquencies_12m=2 defaults_36m=0"
    " inquiries_6m=4 total_borrowing=120000.50 recommended_limit=15000 currency=EUR",
    "trade_reference": "reference_id=T1 customer_id=C1 reported_date=2024-01-12 source_kind=supplier source_name=Mill"
    " self_named=yes high_credit=20000 past_due=1500 payment_rating=4 currency=EUR",
    "financial_statement": "statement_id=F1 customer_id=C1 received_date=2024-02-01 published_date=2024-01-20"
    " period_end=2023-09-30 months=9 statement_kind=interim consolidated=no gaap=HGB currency=EUR"
    " audit_opinion=management current_assets=600 total_assets=1000 current_liabilities=400 total_liabilities=700 equity=300"
    " revenue=2500 ebit=-20 net_income=-35 operating_cash_flow=12",
    "inquiry": "inquiry_id=Q1 customer_id=C1 source=OFAC kind=sanction performed_date=2024-02-02 result=no_hit",
    "due_diligence_finding": "finding_id=D1 customer_id=C1 kind=sanction role=subject severity=critical event_date=2024-01-05"
    " published_date=2024-01-06 source=OFAC match_score=0.93 detail={} review_state=cleared reviewed_by=Lee"
    " reviewed_date=2024-03-05 resolved_date=2024-04-01 outcome=removed",
    "questionnaire_answer": "answer_id=A1 customer_id=C1 assessed_date=2024-02-02 topic=management rating=4 assessor=Kim",
    "crm_event": "event_id=E1 customer_id=C1 event_date=2024-02-02 kind=satisfaction direction=in value=4.5",
    "document": "document_id=X1 customer_id=C1 kind=register_extract received_date=2024-02-02 valid_to=2025-02-01",
    "contract": "contract_id=K1 customer_id=C1 kind=individual valid_from=2023-01-01 valid_to=2025-12-31 guarantee_clause=no"
    " retention_of_title=yes",
    "contract_event": "event_id=E1 contract_id=K1 event_date=2023-01-01 kind=signed",
    "collateral": "collateral_id=G1 customer_id=C1 valid_from=2024-01-01 valid_to=2024-12-31 kind=bank_guarantee"
    " collateral_value=50000 currency=EUR valuation_date=2024-01-01 prior_liens=0 priority=1 provider=Bank first_demand=yes"
    " claim_deadline=2025-01-31 released_date=2024-06-01",
    "insurance_limit": "cover_id=I1 customer_id=C1 insurer=Insurer decided_date=2024-01-02 decision=partly amount=30000"
    " currency=EUR cover_pct=90 max_terms_days=60 max_extension_days=30 valid_to=2025-01-01 cancelled_on=2024-03-15"
    " claim_filed_date=2024-05-01",
    "industry_indicator": "industry_code=C25 indicator=demand period=2023-12-01 published_date=2024-02-05 value=98.7"
    " seasonally_adjusted=yes",
    "country_risk": "country_code=FR published_date=2024-02-05 score=21.5 list_status=none",
    "sanctions_entity": "source=OFAC entity_id=77 listed_date=2020-01-01 name=Vessel aliases=Boat;Ship birth_date=1980-01-01"
    " identifiers=P1 country_code=IR entity_kind=person programme=SDGT delisted_date=2024-03-09",
}
ALL = {table.name: table for table in (*EVIDENCE_TABLES, *REFERENCE_TABLES)}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def cells(row: str) -> dict[str, str]:
    return dict(each.split("=", 1) for each in row.split())


def deliver(bench: Bench, feed: str, *rows: dict[str, str], **keys: Any) -> Any:
    """Ingest rows of one feed; all columns any of them has are mapped by their own names."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    bench.file(f"{feed}.csv", [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)])
    bench.feed(feed, {name: {"from": name} for name in names}, path=f"{feed}.csv", **{"known_at": "event_date", **keys})
    return bench.one(feed)


def views(bench: Bench, as_of: date) -> duckdb.DuckDBPyConnection:
    """A connection that sees all feeds on a date."""
    con, every = duckdb.connect(), {name: bench.store.parts(name, bench.now) for name in ALL}
    there = {name: parts for name, parts in every.items() if parts.paths}
    create_asof_views(con, there, as_of=as_of, known_at=bench.now, zone=ZoneInfo("UTC"), last_delivery=99)
    return con


def seen(bench: Bench, feed: str, as_of: date) -> list[dict[str, Any]]:
    with views(bench, as_of) as con:
        return shown(con, feed)


def shown(con: duckdb.DuckDBPyConnection, feed: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = con.sql(f"SELECT * FROM feed.{feed}").to_arrow_table().to_pylist()
    return rows


@dataclass(frozen=True)
class Delivered:
    """Two rows of every feed, the second dated after the as-of date: what became of them, and what is seen when."""

    results: dict[str, IngestResult]
    on: dict[date, duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Delivered]:
    bench = Bench(tmp_path_factory.mktemp("every"))
    results = {}
    for feed, text in ROWS.items():
        row, last = cells(text), ALL[feed].key[0]
        later = {**row, last: {"country_code": "DE"}.get(last, f"{row[last]}9"), str(ALL[feed].event_date): "2024-03-01"}
        results[feed] = deliver(bench, feed, row, later)
    on = {day: views(bench, day) for day in (AS_OF, date(2024, 3, 1), date(2019, 12, 31))}
    yield Delivered(results, on)
    for con in on.values():
        con.close()
    bench.close()


def test_there_is_a_row_for_every_feed() -> None:
    assert set(ROWS) == set(ALL)
    assert {*ALL} < {table.name for table in FEED_TABLES}


@pytest.mark.parametrize("feed", ROWS)
def test_a_row_is_stored_as_it_is_and_seen_from_its_date(delivered: Delivered, feed: str) -> None:
    table, row, result = ALL[feed], cells(ROWS[feed]), delivered.results[feed]
    assert result.state == "effective", result.message
    assert [result.counts["rows_stored"], result.counts["rows_rejected"], result.warnings] == [2, 0, {}]

    [found] = shown(delivered.on[AS_OF], feed)
    assert {name: str(found[name]) for name in table.key} == {name: row[name] for name in table.key}
    for column in table.columns:
        if column.masked_by or column.judged_on:  # known_from is assumed here
            assert found[column.name] is None, f"{column.name} is an outcome after {AS_OF}"
        elif column.name in row:
            assert found[column.name] is not None, column.name
    assert len(shown(delivered.on[date(2024, 3, 1)], feed)) == 2
    assert shown(delivered.on[date(2019, 12, 31)], feed) == []


def test_outcomes_are_seen_from_their_dates(bench: Bench) -> None:
    deliver(bench, "due_diligence_finding", cells(ROWS["due_diligence_finding"]))
    shown = [
        {name: seen(bench, "due_diligence_finding", day)[0][name] for name in ("review_state", "reviewed_by", "outcome")}
        for day in (date(2024, 3, 4), date(2024, 3, 5), date(2024, 4, 1))
    ]
    assert [each["review_state"] for each in shown] == [None, "cleared", "cleared"]
    assert [each["reviewed_by"] for each in shown] == [None, "Lee", "Lee"]
    assert [each["outcome"] for each in shown] == [None, None, "removed"]


def test_every_vintage_of_an_indicator_is_kept(bench: Bench) -> None:
    first = cells(ROWS["industry_indicator"])
    revised = {**first, "published_date": "2024-03-05", "value": "97.9"}
    deliver(bench, "industry_indicator", first, revised)
    assert [each["value"] for each in seen(bench, "industry_indicator", AS_OF)] == [98.7]
    assert sorted(each["value"] for each in seen(bench, "industry_indicator", date(2024, 3, 31))) == [97.9, 98.7]


def test_all_feeds_are_in_the_catalogue_with_rows_and_without(bench: Bench) -> None:
    deliver(bench, "collateral", cells(ROWS["collateral"]))
    lake = Lake(bench.workspace.lake)
    build_catalogue(bench.workspace.catalogue, lake, bench.register)
    with duckdb.connect(str(bench.workspace.catalogue), read_only=True) as con:
        counts = {name: con.execute(f"SELECT count(*) FROM feed.{name}").fetchall()[0][0] for name in ALL}
    assert counts.pop("collateral") == 1
    assert set(counts.values()) == {0}


@pytest.mark.parametrize(
    ("feed", "change", "rule", "column"),
    [
        ("bureau_report", "score=601", "score_outside_scale", "score"),
        ("bureau_report", "retrieved_date=9999-12-31", "date_impossible", "retrieved_date"),
        ("financial_statement", "received_date=2023-09-29", "received_before_period_end", "received_date"),
        ("insurance_limit", "cover_pct=900", "pct_out_of_range", "cover_pct"),
    ],
)
def test_a_row_nobody_can_use_is_rejected_at_its_line(bench: Bench, feed: str, change: str, rule: str, column: str) -> None:
    row = cells(ROWS[feed])
    last = ALL[feed].key[0]
    other = {**row, last: {"country_code": "DE"}.get(last, "other")}
    result = deliver(bench, feed, other, {**row, **cells(change)})
    assert [result.counts["rows_stored"], result.counts["rows_rejected"]] == [1, 1]
    assert bench.quarantine() == [(3, rule, column, cells(change)[column])]
    assert result.warnings == {}


def test_a_row_that_breaks_a_cell_and_a_rule_is_one_row_with_two_reasons(bench: Bench) -> None:
    bad = {**cells(ROWS["bureau_report"]), "score": "99", "report_date": "soon"}
    result = deliver(bench, "bureau_report", bad)
    assert [result.counts["rows_read"], result.counts["rows_rejected"]] == [1, 1]
    assert bench.quarantine() == [(2, "not_a_date", "report_date", "soon"), (2, "score_outside_scale", "score", "99")]


@pytest.mark.parametrize(
    ("feed", "change", "warned"),
    [
        ("financial_statement", "equity=311", "balance_sheet_unbalanced"),
        ("insurance_limit", "cover_pct=0.9", "pct_looks_like_share"),
        ("due_diligence_finding", "reviewed_by=", "review_without_name_or_date"),
        ("bureau_report", "currency=", "amount_without_currency"),
        ("document", "valid_to=2201-01-01", "date_far_off"),
    ],
)
def test_what_is_odd_but_possible_is_stored_and_counted(bench: Bench, feed: str, change: str, warned: str) -> None:
    row = cells(ROWS[feed]) | dict([change.split("=", 1)])
    result = deliver(bench, feed, row)
    assert [result.counts["rows_stored"], result.counts["rows_rejected"]] == [1, 0]
    assert result.warnings == {warned: 1}
    assert bench.quarantine() == []


def test_several_odd_columns_of_a_row_are_one_warning_of_a_name(bench: Bench) -> None:
    row = cells(ROWS["financial_statement"]) | {"current_assets": "1200", "current_liabilities": "800"}
    assert deliver(bench, "financial_statement", row).warnings == {"part_above_total": 1}
