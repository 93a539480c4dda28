"""What a wrong line touched: every published figure that rests on a row, a delivery or a line, and what it would be without.

Put here: finding the rows meant, the assessments that saw them, these decided again without them. Keep out: the rows behind a
figure (source_rows.py: the same relation, read forwards by trace.py), taking a delivery back (revoke.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.engine.asof import CUSTOMER
from risk_pipeline.engine.sql import literal, path_list
from risk_pipeline.errors import UsageError
from risk_pipeline.pipeline.replay import computed_again
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES, Seen
from risk_pipeline.pipeline.source_rows import SourceRows, columns_beyond, published_files, read, scope_of
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register, RunRecord

FILE_LINE = re.compile(r"(?P<file>.+):(?P<line>\d+)")
DELIVERY = re.compile(r"(delivery[ :]?)(?P<number>\d+)", re.IGNORECASE)
NOT_COMPARED = ("as_of", "run_id")


@dataclass(frozen=True)
class Target:
    """The rows meant: their ids by feed and customer (None: of no customer)."""

    said: str
    rows: Mapping[str, Mapping[str | None, list[int]]]
    delivery_id: int | None = None

    @property
    def customers(self) -> list[str]:
        return sorted({customer for by in self.rows.values() for customer in by if customer is not None})

    @property
    def count(self) -> int:
        return sum(len(ids) for by in self.rows.values() for ids in by.values())


@dataclass(frozen=True)
class Change:
    """A figure that would be another one without the rows: of which row (its key beside date and customer), then and without."""

    customer_id: str
    table: str
    key: Mapping[str, Any]
    column: str
    published: Any
    without: Any


@dataclass(frozen=True)
class Touched:
    """One assessment that saw the rows: the customers, the columns made from their feeds, and what would change."""

    run: RunRecord
    customers: list[str]
    columns: int
    changes: list[Change]


def find(workspace: Workspace, register: Register, said: str) -> Target:
    """The rows that are meant: a row id, `delivery N`, or FILE:LINE. UsageError when there are none, or a line is not one."""
    store = FeedStore(Lake(workspace.lake), register)
    number, line = DELIVERY.fullmatch(said), FILE_LINE.fullmatch(said)
    if number:
        where = f"delivery_id = {number['number']}"
    elif said.isdigit():
        where = f"row_id = {said}"
    elif line:
        where = f"source_file = {literal(line['file'])} AND source_line = {line['line']}"
    else:
        raise UsageError(f"{said!r} is no row", remedy="name a row id, delivery:N, or FILE:LINE as trace prints them")
    rows: dict[str, dict[str | None, list[int]]] = {}
    with duckdb.connect() as con:
        for feed in FEED_TABLES:
            paths, _ = store.history(feed.name)
            if paths:
                customer = CUSTOMER if CUSTOMER in feed.column_names else "NULL"
                query = (
                    f"SELECT {customer}, row_id FROM read_parquet({path_list(list(paths))}, union_by_name = true) WHERE {where}"
                )
                for whose, row_id in con.execute(f"{query} ORDER BY ALL").fetchall():
                    rows.setdefault(feed.name, {}).setdefault(whose, []).append(row_id)
    if not rows:
        raise UsageError(f"no stored row is {said}", remedy="`trace CUSTOMER` names rows, `delivery list` deliveries")
    return Target(said, rows, int(number["number"]) if number else None)


def impact(
    workspace: Workspace, register: Register, target: Target, progress: Callable[[str], None] = lambda step: None
) -> list[Touched]:
    """By published assessment, oldest first, what rests on the rows and what would be another without them. Rows of no customer
    (rates, series) touch every customer whose figures trace back to them.
    """
    snapshot = register.current_snapshot()
    runs = {run.run_id: run for run in register.runs(("published",)) if "tables" in run.manifest}
    found = []
    for day in snapshot.dates() if snapshot else ():
        part = snapshot.part("decision.risk_tier", day) if snapshot else None
        if part is not None and part.run_id in runs:
            progress(f"{day}")
            touched = _touched(workspace, register, runs[part.run_id], target)
            if touched is not None:
                found.append(touched)
    return found


def _touched(workspace: Workspace, register: Register, record: RunRecord, target: Target) -> Touched | None:
    files = published_files(workspace, record)
    customers = _customers(workspace, register, record, target, files)
    if not customers:
        return None
    scope = scope_of([files], customers)
    without = replace(scope, without=[row for by in target.rows.values() for ids in by.values() for row in ids])
    if target.delivery_id is not None:
        without = replace(scope, without_deliveries=[target.delivery_id])
    # Both computed for the scope alone: shares of the whole portfolio are not those that were published.
    with (
        computed_again(workspace, register, record, seen=Seen(scope=scope)) as whole,
        computed_again(workspace, register, record, seen=Seen(scope=without)) as again,
    ):
        changes = [change for name in (*FACTOR_TABLES, *DECIDE_TABLES) for change in _changes(name, whole, again, customers)]
    columns = {column for feed in target.rows for column in columns_beyond(record, feed)}
    return Touched(record, customers, len(columns), changes)


def _customers(
    workspace: Workspace, register: Register, record: RunRecord, target: Target, files: Mapping[str, Path]
) -> list[str]:
    """Whose figures in a run rest on the rows: their customers', and those of whom these are member or guarantor."""
    ids = ", ".join(str(row) for by in target.rows.values() for rows in by.values() for row in rows)
    asked = set(target.customers)
    with duckdb.connect() as con:
        everybody = [row[0] for row in con.execute(f"SELECT customer_id FROM {read(files['factor.customer_state'])}").fetchall()]
        if any(None in by for by in target.rows.values()):
            asked |= set(everybody)
    reached = set(scope_of([files], sorted(asked & set(everybody))).customers or ()) | (asked & set(everybody))
    reached |= _dependents(files, asked)
    source = SourceRows(workspace, register, record)
    only = f"row_id IN ({ids})"
    return [customer for customer in sorted(reached) if customer in set(everybody) and source.of(customer, target.rows, only)]


def _dependents(files: Mapping[str, Path], customers: set[str]) -> set[str]:
    """Whom they guarantee."""
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT DISTINCT customer_id FROM {read(files['factor.collateral_item'])} WHERE list_contains(?, guarantor_id)",
            [sorted(customers)],
        ).fetchall()
    return {row[0] for row in rows}


def _changes(name: str, whole: Mapping[str, Path], again: Mapping[str, Path], customers: list[str]) -> list[Change]:
    contract = table(name)
    if CUSTOMER not in contract.key:  # of all customers at once
        return []
    key = [each for each in contract.key if each not in NOT_COMPARED]
    columns = [each.name for each in contract.columns if each.name not in (*NOT_COMPARED, *key)]
    if not columns:
        return []
    on = " AND ".join(f"a.{each} = b.{each}" for each in key)
    names = ", ".join(f"COALESCE(a.{each}, b.{each}) AS {each}" for each in key)
    pairs = ", ".join(f"a.{each} AS a_{each}, b.{each} AS b_{each}" for each in columns)
    differs = " OR ".join(f"a.{each} IS DISTINCT FROM b.{each}" for each in columns)
    who = ", ".join(literal(each) for each in customers)
    sides = [f"(SELECT * FROM {read(files[name])} WHERE customer_id IN ({who}))" for files in (whole, again)]
    with duckdb.connect() as con:
        rows = con.execute(
            f"SELECT {names}, {pairs} FROM {sides[0]} AS a FULL JOIN {sides[1]} AS b ON {on} WHERE {differs} ORDER BY ALL"
        ).fetchall()
    found = []
    for row in rows:
        named = dict(zip(key, row, strict=False))
        values = row[len(key) :]
        for place, column in enumerate(columns):
            then, without = values[2 * place : 2 * place + 2]
            if then != without:
                rest = {each: value for each, value in named.items() if each != CUSTOMER}
                found.append(Change(named[CUSTOMER], name, rest, column, then, without))
    return found
