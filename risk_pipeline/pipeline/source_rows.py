"""The feed rows behind a published figure of a customer: what a run could see of them, and where each came from.

Put here: the one relation that trace reads forwards and impact backwards, so that each row one names the other finds. Keep out:
which columns a figure is made from (lineage.columns), the figures themselves, leaving rows out (trace.py, impact.py).

A row is behind a figure when a column of its feed is among the sources of the figure, the run saw it, and it is of the
customer's scope: of the customer, of a member of its group, of a guarantor; or of no customer: the rates that a conversion may
take, the publications on its countries, the series of its industry.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from risk_pipeline.contracts import FEED_TABLES, Table, table
from risk_pipeline.engine.asof import CUSTOMER, EVERYTHING, Scope, Sight, sight_of, view_query
from risk_pipeline.engine.factors import FX_MAX_AGE_DAYS
from risk_pipeline.engine.sql import literal
from risk_pipeline.lineage.columns import Column
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.pipeline.run import FeedFiles
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register, RunRecord

FX_BEFORE_DAYS = 90  # factor.market_environment compares with the rate of then


@dataclass(frozen=True)
class SourceRow:
    """A row of a feed: of whom, which (its key), dated when, known since, and the line of the file that brought it."""

    feed: str
    row_id: int
    customer_id: str | None
    key: Mapping[str, Any]
    event_date: date | None
    known_from: Any
    delivery_id: int
    source_file: str
    source_line: int


def sight(record: RunRecord) -> Sight:
    """What a run saw."""
    said = record.manifest
    zone = ZoneInfo(said["time_zone"])
    return sight_of(as_of=record.as_of, known_at=record.known_at, zone=zone, last_delivery=said["last_delivery"])


def feeds_behind(record: RunRecord, name: str, column: str) -> frozenset[str]:
    """The feeds that a column of a table of results is made from under the policy of a run, by value or influence."""
    behind = column_lineage(_policy(record)).behind(Column(name, column))
    return frozenset(each.table.removeprefix("feed.") for each in behind if each.table.startswith("feed."))


def columns_beyond(record: RunRecord, feed: str) -> frozenset[Column]:
    """The published columns that are made from a feed under the policy of a run."""
    lineage = column_lineage(_policy(record))
    found = (beyond for each in table(f"feed.{feed}").column_names for beyond in lineage.beyond(Column(f"feed.{feed}", each)))
    return frozenset(each for each in found if each.table.startswith(("factor.", "score.", "decision.", "mart.")))


def _policy(record: RunRecord) -> Policy:
    return Policy.model_validate(record.manifest["policy"])


def published_files(workspace: Workspace, record: RunRecord) -> dict[str, Path]:
    """The files a run published, by table."""
    lake = Lake(workspace.lake)
    return {name: lake.absolute(said["path"]) for name, said in record.manifest["tables"].items()}


def read(path: Path) -> str:
    """A published file as a relation."""
    return f"read_parquet({literal(str(path))})"


def scope_of(files: Sequence[Mapping[str, Path]], customers: Collection[str]) -> Scope:
    """The customers and whom their decisions depend on: members of their groups, and the guarantors of all these, in any of
    these published runs.
    """
    if not customers:
        return Scope(customers=())
    with _relations(files, customers) as con:
        con.execute(f"CREATE TABLE decided AS {_with_groups('asked')}")
        rows = con.execute(
            "SELECT customer_id FROM decided UNION SELECT guarantor_id FROM guaranteed JOIN decided USING (customer_id)"
            " WHERE guarantor_id IS NOT NULL"
        ).fetchall()
    return Scope(customers=sorted(row[0] for row in rows))


def depending_on(files: Sequence[Mapping[str, Path]], customers: Collection[str]) -> set[str]:
    """The customers whose scope holds one of `customers`: `scope_of` read backwards, over these published runs."""
    if not customers:
        return set()
    with _relations(files, customers) as con:
        con.execute(
            "CREATE TABLE reached AS SELECT customer_id FROM asked UNION"
            " SELECT g.customer_id FROM guaranteed AS g JOIN asked ON g.guarantor_id = asked.customer_id"
        )
        rows = con.execute(_with_groups("reached")).fetchall()
    return {row[0] for row in rows}


@contextmanager
def _relations(files: Sequence[Mapping[str, Path]], customers: Collection[str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with `asked` (customer_id), and of the runs `grouped` (group_key) and `guaranteed` (guarantor_id)."""
    tables = {"grouped": ("factor.group_state", "group_key"), "guaranteed": ("factor.collateral_item", "guarantor_id")}
    with duckdb.connect() as con:
        con.execute("CREATE TABLE asked AS SELECT UNNEST(?) AS customer_id", [list(customers)])
        for name, (source, column) in tables.items():
            of_runs = " UNION ".join(f"SELECT customer_id, {column} FROM {read(each[source])}" for each in files)
            con.execute(f"CREATE TABLE {name} AS {of_runs}")
        yield con


def _with_groups(customers: str) -> str:
    """The query for the customers of a table and the members of their groups."""
    return (
        f"SELECT customer_id FROM {customers} UNION SELECT m.customer_id FROM {customers} JOIN grouped AS g USING (customer_id)"
        " JOIN grouped AS m ON m.group_key = g.group_key"
    )


def source_rows(con: duckdb.DuckDBPyConnection, feed: Table, stored: str) -> Iterator[SourceRow]:
    """Rows of a feed by row id; `stored`: what follows FROM."""
    key = [name for name in feed.key if name != CUSTOMER]
    columns = [CUSTOMER if CUSTOMER in feed.column_names else "NULL", feed.event_date or "NULL", *key]
    rows = con.execute(
        f"SELECT row_id, known_from, delivery_id, source_file, source_line, {', '.join(columns)} FROM {stored} ORDER BY row_id"
    ).fetchall()
    for row_id, known, delivery, file, line, whose, dated, *named in rows:
        found = dict(zip(key, named, strict=True))
        yield SourceRow(feed.name, row_id, whose, found, dated, known, delivery, file, line)


@dataclass(frozen=True)
class Belonging:
    """To whom the rows of a feed belong that name no customer. `relation`: customer_id and `columns`, which the rows have too;
    None: to everybody. `where`: a condition on the rows; others belong to nobody.
    """

    columns: Sequence[str] = ()
    relation: str | None = None
    where: str = "TRUE"


class SourceRows:
    """Asks the feed store for the rows behind figures of one run. Keeps no connection between questions."""

    def __init__(self, workspace: Workspace, register: Register, record: RunRecord) -> None:
        self.record = record
        self._files = published_files(workspace, record)
        self._store = FeedStore(Lake(workspace.lake), register)

    def scope(self, customer: str) -> Scope:
        return scope_of([self._files], [customer])

    def of(self, customer: str, feeds: Collection[str]) -> list[SourceRow]:
        """The rows of these feeds behind the figures of a customer."""
        scope = self.scope(customer)
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            return [row for feed in FEED_TABLES if feed.name in feeds for row in self._rows(con, feed, scope)]

    def customers(self, feeds: Collection[str], rows: str) -> list[str]:
        """Behind whose figures of this run the rows of these feeds are that fulfil the condition `rows`."""
        state = read(self._files["factor.customer_state"])
        found: set[str] = set()
        with duckdb.connect() as con:
            everybody = {row[0] for row in con.execute(f"SELECT customer_id FROM {state}").fetchall()}
            for feed in FEED_TABLES:
                if feed.name in feeds:
                    found |= {row[0] for row in con.execute(self._owners(feed, rows, state)).fetchall()}
        return sorted(depending_on([self._files], found & everybody) & everybody)

    def _rows(self, con: duckdb.DuckDBPyConnection, feed: Table, scope: Scope) -> Iterator[SourceRow]:
        files = FeedFiles(*self._store.history(feed.name))
        if not files.paths:
            return
        own, where = CUSTOMER in feed.column_names, "TRUE"
        if not own:
            belonging = self._belonging(feed, scope)
            where = belonging.where
            if belonging.relation is not None:
                of_scope = f"customer_id IN ({', '.join(literal(each) for each in scope.customers or ())})"
                columns = ", ".join(belonging.columns)
                where += f" AND ({columns}) IN (SELECT {columns} FROM ({belonging.relation}) WHERE {of_scope})"
        yield from source_rows(con, feed, f"{self._seen(feed.name, scope)} AS row WHERE {where}")

    def _owners(self, feed: Table, rows: str, state: str) -> str:
        """The query for the customers to whom rows belong: by name, by what the rows are about, or everybody."""
        seen = self._seen(feed.name, EVERYTHING)
        if CUSTOMER in feed.column_names:
            return f"SELECT DISTINCT customer_id FROM {seen} AS row WHERE {rows}"
        belonging = self._belonging(feed, EVERYTHING)
        meant = f"FROM {seen} AS row WHERE ({rows}) AND {belonging.where}"
        if belonging.relation is None:
            return f"SELECT customer_id FROM {state} WHERE EXISTS (SELECT 1 {meant})"
        columns = ", ".join(belonging.columns)
        return f"SELECT DISTINCT customer_id FROM ({belonging.relation}) WHERE ({columns}) IN (SELECT {columns} {meant})"

    def _belonging(self, feed: Table, scope: Scope) -> Belonging:
        match feed.name:
            case "fx_rate":  # today's, and those it is compared with 90 days before
                days = f"DATE_DIFF('day', rate_date, {literal(self.record.as_of)})"
                before = f"{days} BETWEEN {FX_BEFORE_DAYS} AND {FX_BEFORE_DAYS + FX_MAX_AGE_DAYS}"
                return Belonging(where=f"({days} <= {FX_MAX_AGE_DAYS} OR {before})")
            case "country_risk":
                countries = "UNNEST([country_code, operating_country_code]) AS country_code"
                return Belonging(("country_code",), f"SELECT customer_id, {countries} FROM {self._seen('customer', scope)}")
            case "contract_event":
                return Belonging(("contract_id",), f"SELECT customer_id, contract_id FROM {self._seen('contract', scope)}")
            case "instalment_line":
                return Belonging(("plan_id",), f"SELECT customer_id, plan_id FROM {self._seen('instalment_plan', scope)}")
            case "industry_indicator":
                series = {"demand": "demand_series", "price": "price_series", "insolvencies": "insolvency_series"}
                each = (
                    f"SELECT customer_id, {literal(name)} AS indicator, {column} AS industry_code"
                    f" FROM {read(self._files['factor.market_environment'])}"
                    for name, column in series.items()
                )
                return Belonging(("indicator", "industry_code"), " UNION ALL ".join(each))
            case _:
                return Belonging()

    def _seen(self, feed: str, scope: Scope) -> str:
        """What the run saw of a feed, of a scope, as a relation."""
        contract = table(f"feed.{feed}")
        return f"({view_query(contract, FeedFiles(*self._store.history(feed)), (sight(self.record),), scope)})"
