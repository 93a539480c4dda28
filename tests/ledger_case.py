"""A small ledger written down in a test, stored as feed parts and run through the real as-of views and factor SQL.

Put here: the way from rows in a test to factor tables. Keep out: any formula; the expected values belong to the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import STORE_COLUMNS, table
from risk_pipeline.contracts.derive import arrow_type
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.engine.asof import create_asof_views, feeds_at_hand
from risk_pipeline.engine.duckdb import connect
from risk_pipeline.engine.factors import FACTOR_ORDER, FactorEngine, window_params
from risk_pipeline.engine.policy_tables import create_policy_tables
from risk_pipeline.engine.previous import PREVIOUS_TABLES, create_previous_view
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline.stored_facts import GROUP_COLUMNS, PREVIOUS_COLUMNS
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import FACT_TABLES
from tests.decision_facts import decide

AS_OF = date(2026, 6, 30)

# The figures of policy_default.yaml that the factor SQL reads; weights of the exposure components as drafted.
PARAMS: dict[str, Any] = {
    "reporting_currency": "EUR",
    "grace_days": 3,
    "shield_days": 90,
    "residual_abs": Decimal(10),
    "residual_share": Decimal("0.005"),
    "materiality_abs": Decimal(500),
    "materiality_natural_person": Decimal(100),
    "materiality_share": Decimal("0.01"),
    "open_orders_days": 30,
    "default_industry_class": 3,
    "statement_max_age_days": 540,
    "statement_months_min": 6,
    "statement_balance_share": Decimal("0.01"),
    "adverse_from": date(2021, 6, 30),
    "minor_claim": Decimal(5000),
    "bureau_max_age_days": 360,
    "mismatch_haircut": Decimal("0.08"),
    "renewal_days": 60,
    "longest_terms_days": 60,
    "notch_up_most": 1,
    "notch_down_most": 2,
    "notch_up_days": 90,
    "notch_down_days": 180,
    "manual_days": 180,
    "temporary_days": 60,
    "release_days": 14,
    "release_again_days": 30,
    "verdict_days": 90,
    "round_sum": Decimal(1000),
    "split_threshold": Decimal(10000),
    **{
        f"weight_{name}": Decimal(1) for name in ("open_items", "bills_in_hand_commercial", "retention", "delivered_not_invoiced")
    },
    **{f"weight_{name}": Decimal(1) for name in ("discounted_or_endorsed_with_recourse", "factored_with_recourse")},
    **{f"weight_{name}": Decimal(-1) for name in ("unapplied_cash", "unapplied_credits", "advance_payments_received")},
    **{f"weight_{name}": Decimal(0) for name in ("bills_in_hand_bank", "factored_without_recourse")},
    "weight_open_orders_near": Decimal(1),
}


@dataclass(frozen=True)
class Parts:
    """The files of one feed."""

    paths: list[Path]
    closure_paths: list[Path] = field(default_factory=list)


class LedgerCase:
    """Rows of feeds, added one by one; `factors()` computes every factor table from them."""

    def __init__(self, folder: Path, policy: Policy | None = None, *, files: int = 1) -> None:
        """`files`: over how many parts the rows of each feed are spread."""
        self._folder = folder
        self._files = files
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._closed: dict[str, list[dict[str, Any]]] = {}
        self._number = 0
        self.policy = policy
        self.before: dict[str, tuple[str, int, int]] = {}

    def add(self, feed: str, /, *, known: datetime | None = None, assumed: bool = False, **values: Any) -> int:
        """Add one row; returns its row_id. Known since long before the as-of date unless `known` says otherwise."""
        self._number += 1
        store = {
            "row_id": self._number,
            "row_hash": self._number,
            "bucket": 0,
            "source_file": "case.csv",
            "source_line": self._number,
            "delivery_id": 1,
            "known_from": (known or datetime(2020, 1, 1, tzinfo=UTC)).replace(tzinfo=None),
            "known_assumed": assumed,
            "known_to": None,
        }
        self._rows.setdefault(feed, []).append({**store, **values})
        return self._number

    def close(self, feed: str, row_id: int, known_to: datetime) -> None:
        """Close a version: from `known_to` on it is no longer true."""
        closure = {"row_id": row_id, "known_to": known_to.replace(tzinfo=None), "delivery_id": 1}
        self._closed.setdefault(feed, []).append(closure)

    def invoice(self, invoice_id: str, amount: Any, *, dpd: int = 0, customer: str = "C", **values: Any) -> None:
        """An invoice in EUR that is `dpd` days past due on AS_OF, dated 30 days before it fell due."""
        due = values.pop("due_date", AS_OF - timedelta(days=dpd))
        given = {"invoice_date": due and due - timedelta(days=30), "due_date": due, "currency": "EUR", **values}
        self.add("invoice", invoice_id=invoice_id, customer_id=customer, amount=amount, **given)

    def payment(self, payment_id: str, amount: Any, on: date, *, customer: str = "C", **values: Any) -> None:
        """A payment in EUR; with invoice_id it is one full application."""
        given = {"currency": "EUR", **values}
        self.add("payment", payment_id=payment_id, customer_id=customer, amount=amount, payment_date=on, **given)

    def factors(
        self, as_of: date = AS_OF, *, known_at: datetime | None = None, threads: int | None = None, **params: Any
    ) -> dict[str, list[dict[str, Any]]]:
        """Every factor table as rows of dicts, computed as of a date with what was known at `known_at` (default: all)."""
        result = {}
        with self.computed(as_of, known_at=known_at, threads=threads, **params) as con:
            for name in FACTOR_ORDER:
                found = con.execute(f"SELECT * FROM factor.{name} ORDER BY ALL")
                names = [column[0] for column in found.description]
                assert {*names} == {*table(f"factor.{name}").column_names} - {"as_of", "run_id"}
                result[name] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return result

    @contextmanager
    def computed(
        self, as_of: date = AS_OF, *, known_at: datetime | None = None, threads: int | None = None, **params: Any
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection with every factor table, and the steps that are kept."""
        with self.connect(as_of, known_at=known_at, threads=threads) as con:
            known = {f"has_{name}": there for name, there in feeds_at_hand(con, self._rows).items()}
            engine = FactorEngine(con, {**PARAMS, **known, **window_params(as_of), **params})
            assert engine.currencies_without_rate() == []
            for name in FACTOR_ORDER:
                con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
                engine.register(name, f"result_{name}")
            yield con

    def table_alone(
        self, name: str, as_of: date = AS_OF, *, known_at: datetime | None = None, **params: Any
    ) -> dict[str, dict[str, Any]]:
        """One factor table that reads no other but customer_state: its rows by customer, without computing the rest."""
        with self.connect(as_of, known_at=known_at) as con:
            known = {f"has_{name}": there for name, there in feeds_at_hand(con, self._rows).items()}
            engine = FactorEngine(con, {**PARAMS, **known, **window_params(as_of), **params})
            con.execute(f"CREATE TABLE state AS {engine.query('customer_state')}")
            engine.register("customer_state", "state")
            found = con.execute(engine.query(name))
            names = [column[0] for column in found.description]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        return {row["customer_id"]: row for row in rows}

    def connect(self, as_of: date, *, known_at: datetime | None = None, threads: int | None = None) -> duckdb.DuckDBPyConnection:
        """A connection with the as-of views of the case."""
        con = connect(threads=threads)
        feeds = {name: self._parts(name) for name in self._rows}
        known_at = known_at or datetime.combine(date(2100, 1, 1), time(), tzinfo=UTC)
        create_asof_views(con, feeds, as_of=as_of, known_at=known_at, zone=ZoneInfo("UTC"), last_delivery=1)
        create_policy_tables(con, self.policy or load_policy(None, load_catalogue(), as_of=as_of))
        self._before(con)
        return con

    def _before(self, con: duckdb.DuckDBPyConnection) -> None:
        """What the assessment before decided: `before`, customer -> (tier, payment_terms_days, secured_amount)."""
        columns = ", ".join(f"{name} {kind}" for name, kind in PREVIOUS_TABLES["previous.decision"].items())
        con.execute(f"CREATE TABLE decided_before ({columns})")
        for customer, decided in self.before.items():
            con.execute("INSERT INTO decided_before VALUES (?, ?, ?, ?)", [customer, *decided])
        create_previous_view(con, "decided_before", "decided_before")

    def _parts(self, feed: str) -> Parts:
        contract = table(f"feed.{feed}")
        columns = (*STORE_COLUMNS, *contract.columns)
        rows = [{key: _stored(contract, key, value) for key, value in row.items()} for row in self._rows[feed]]
        unknown = {key for row in rows for key in row} - {column.name for column in columns}
        assert not unknown, f"{feed} has no {unknown}"
        schema = pa.schema([pa.field(column.name, arrow_type(column.kind)) for column in columns])
        paths = [self._folder / f"{feed}.{number}.parquet" for number in range(self._files)]
        for number, path in enumerate(paths):
            pq.write_table(pa.Table.from_pylist(rows[number :: self._files], schema=schema), path)
        closed = self._closed.get(feed)
        if not closed:
            return Parts(paths)
        closures = self._folder / f"{feed}.closed.parquet"
        pq.write_table(pa.Table.from_pylist(closed), closures)
        return Parts(paths, [closures])


def decisions(
    found: dict[str, list[dict[str, Any]]], as_of: date = AS_OF, *, evidence: bool = False, policy: Policy | None = None
) -> dict[str, Any]:
    """What the default policy decides on the factor tables of a case, without a previous assessment: frames by table.

    `evidence`: the workspace has more than a ledger, so that customers are scored on the full scorecards.
    """
    tables = [table(name) for name in FACT_TABLES]
    kinds = {column.name: column.kind for each in tables for column in each.columns if column.name not in ("as_of", "run_id")}
    previous = {name: table(source).column(column).kind for name, (source, column) in PREVIOUS_COLUMNS.items()}
    rows = zip(*(found[each.name] for each in tables), strict=True)
    schema = pa.schema([pa.field(name, arrow_type(kind)) for name, kind in {**kinds, **previous, **GROUP_COLUMNS}.items()])
    facts = pa.Table.from_pylist([{k: v for part in row for k, v in part.items()} for row in rows], schema=schema)
    catalogue = load_catalogue()
    context = DecisionContext(as_of, "case", "official", "EUR", evidence_feeds_configured=evidence)
    return decide(facts, policy or load_policy(None, catalogue, as_of=as_of), catalogue, context)


def only(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The one row of a table that must have one."""
    assert len(rows) == 1
    return rows[0]


def days_before(days: int) -> date:
    """That many days before AS_OF."""
    return AS_OF - timedelta(days=days)


def _stored(contract: Any, name: str, value: Any) -> Any:
    if value is None or name not in contract:
        return value
    places = {Kind.MONEY: "0.01", Kind.RATE: "0.0000000001"}.get(contract.column(name).kind)
    return Decimal(str(value)).quantize(Decimal(places)) if places else value
