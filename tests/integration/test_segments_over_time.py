"""From a ledger alone to scorecards with evidence, and who stays on which card: three dates, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.run import FACTOR_TABLES, Run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, NOVEMBER, OCTOBER, make_small_workspace

STATEMENT_YAML = """\
feed: financial_statement
source: {kind: file, path: data/statements.csv, format: csv}
delivery: upsert
known_at: event_date
columns:
  statement_id:      {from: id}
  customer_id:       {from: customer}
  received_date:     {from: received, format: "%Y-%m-%d"}
  period_end:        {from: period_end, format: "%Y-%m-%d"}
  months:            {value: "12"}
  currency:          {value: EUR}
  total_assets:      {from: assets, decimal: "."}
  total_liabilities: {from: liabilities, decimal: "."}
  equity:            {from: equity, decimal: "."}
  revenue:           {from: revenue, decimal: "."}
"""
# C1 shows accounts in November 2024 that are 519 days old then, and 550 in December: more than the 540 that make them usable.
STATEMENTS = """\
id,customer,received,period_end,assets,liabilities,equity,revenue
S1,C1,2024-11-15,2023-06-30,900.00,400.00,500.00,1200.00
"""


Rows = dict[tuple[date, str], dict[str, Any]]


@dataclass
class World:
    """The workspace and what was decided in it."""

    workspace: Workspace
    found: Rows


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Tier and score columns by assessment date and customer. November is published; October and December only decided."""
    workspace = Workspace.load(make_small_workspace(tmp_path_factory.mktemp("segments") / "ledger"))
    (workspace.root / "feeds" / "financial_statement.yaml").write_text(STATEMENT_YAML, encoding="utf-8")
    (workspace.root / "data" / "statements.csv").write_text(STATEMENTS, encoding="utf-8")
    workspace.warehouse.mkdir()
    with Register.open(workspace.register_url) as register:
        ingest(workspace, register, now=datetime.now(UTC))
        rows = decided(workspace, register, OCTOBER)
        assess(workspace, register, as_of=NOVEMBER, now=datetime.now(UTC))
        rows |= decided(workspace, register, DECEMBER)
    with duckdb.connect(workspace.catalogue, read_only=True) as con:
        return World(workspace, {**rows, **by_customer(con, "decision.risk_tier", "score.risk_score")})


@pytest.fixture
def found(world: World) -> Rows:
    return world.found


def decided(workspace: Workspace, register: Register, day: date, run_id: str = "R") -> Rows:
    """What a run would publish."""
    with (
        Run.open(workspace, register, run_id=f"{run_id}-{day}", as_of=day, now=datetime.now(UTC)) as run,
        duckdb.connect() as con,
    ):
        for name in FACTOR_TABLES:
            run.factor(name)
        staged = run.decide()
        tables = (f"read_parquet('{staged[name].path}')" for name in ("decision.risk_tier", "score.risk_score"))
        return by_customer(con, *tables)


def by_customer(con: duckdb.DuckDBPyConnection, tiers: str, scores: str) -> Rows:
    columns = "scorecard_id, segment_held_on, tier, coverage_pct, confidence_pct"
    rows = con.execute(
        f"SELECT t.as_of, t.customer_id, t.segment, {columns} FROM {tiers} AS t JOIN {scores} AS s USING (as_of, customer_id)"
    )
    names = [column[0] for column in rows.description]
    return {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in rows.fetchall()}


def test_a_statement_received_later_leaves_the_ledger_card(found: Rows) -> None:
    october = [row for (day, _), row in found.items() if day == OCTOBER]
    assert {row["scorecard_id"] for row in october} == {"ledger"}
    assert "low" not in {row["tier"] for row in october}


def test_one_statement_puts_everybody_on_the_cards_with_evidence(found: Rows) -> None:
    november = {customer: row["segment"] for (day, customer), row in found.items() if day == NOVEMBER}
    assert november == {"C1": "corporate", **dict.fromkeys(("C2", "C3", "C4", "C5"), "small")}
    assert {row["tier"] for (day, _), row in found.items() if day == NOVEMBER} <= {"unrated", "restricted", "high"}
    assert all(row["confidence_pct"] <= row["coverage_pct"] < 60 for (day, _), row in found.items() if day == NOVEMBER)


def test_who_has_shown_accounts_stays_on_their_card(found: Rows) -> None:
    assert (found[DECEMBER, "C1"]["segment"], found[DECEMBER, "C1"]["segment_held_on"]) == ("corporate", NOVEMBER)
    assert (found[DECEMBER, "C2"]["segment"], found[DECEMBER, "C2"]["segment_held_on"]) == ("small", DECEMBER)


def test_an_assessment_published_before_there_was_a_column_is_read_all_the_same(world: World) -> None:
    with Register.open(world.workspace.register_url) as register:
        snapshot = register.current_snapshot()
        assert snapshot is not None
        part = snapshot.part("decision.risk_tier", NOVEMBER)
        assert part is not None
        path = world.workspace.lake / part.path
        whole = pq.read_table(path)
        try:
            pq.write_table(whole.drop_columns(["segment_held_on"]), path)
            again = decided(world.workspace, register, DECEMBER, run_id="old")
        finally:
            pq.write_table(whole, path)
    assert again[DECEMBER, "C1"]["segment"] == "small", "nobody knows since when it was corporate"
    assert again[DECEMBER, "C1"]["segment_held_on"] == DECEMBER
