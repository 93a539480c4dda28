"""What a wrong line touched: every published figure that rests on a row, a delivery or a line, and what it would be without.

Put here: finding the rows meant, the assessments that saw them, these decided again without them. Keep out: the rows behind a
figure (source_rows.py: the same relation, read forwards by trace.py), taking a delivery back (revoke.py).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import duckdb

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.engine.asof import CUSTOMER
from risk_pipeline.engine.sql import literal, path_list
from risk_pipeline.errors import UsageError
from risk_pipeline.pipeline.replay import computed_again
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES, Seen
from risk_pipeline.pipeline.source_rows import (
    SourceRow,
    SourceRows,
    columns_beyond,
    published_files,
    read,
    scope_of,
    source_rows,
)
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register, RunRecord

FILE_LINE = re.compile(r"(?P<file>.+):(?P<line>\d+)")
DELIVERY = re.compile(r"(delivery[ :]?)(?P<number>\d+)", re.IGNORECASE)
NOT_COMPARED = ("as_of", "run_id")
MOST_AGAIN = 20_000  # customers computed again, and then held in memory with all that changes


@dataclass(frozen=True)
class Target:
    """The rows meant: how many by feed, and a condition that they alone fulfil. Unless they are a whole delivery also what they
    are: a line that was delivered again in other words is several versions of a row.
    """

    said: str
    rows: Mapping[str, int]
    where: str
    versions: Sequence[SourceRow] = ()
    delivery_id: int | None = None

    @property
    def ids(self) -> list[int]:
        return [each.row_id for each in self.versions]

    @property
    def count(self) -> int:
        return sum(self.rows.values())


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
    """One assessment that saw the rows: the customers, the columns made from their feeds, and what would change; None = not
    computed again, for more than MOST_AGAIN customers.
    """

    run: RunRecord
    customers: list[str]
    columns: int
    changes: list[Change] | None


def find(workspace: Workspace, register: Register, said: str) -> Target:
    """The rows that are meant: a row id, `delivery N`, or FILE:LINE. UsageError when there are none, or a line is not one."""
    store = FeedStore(Lake(workspace.lake), register)
    number, line = DELIVERY.fullmatch(said), FILE_LINE.fullmatch(said)
    if number:
        where = f"delivery_id = {number['number']}"
    elif said.isdigit():
        where = f"row_id = {said}"
    elif line:
        where = _of_line(workspace, line["file"], line["line"])
    else:
        raise UsageError(f"{said!r} is no row", remedy="name a row id, delivery:N, or FILE:LINE as trace prints them")
    rows: dict[str, int] = {}
    versions: list[SourceRow] = []
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for feed in FEED_TABLES:
            paths, _ = store.history(feed.name)
            if not paths:
                continue
            stored = f"read_parquet({path_list(list(paths))}, union_by_name = true) WHERE {where}"
            if number:  # a delivery may have millions
                [(count,)] = con.execute(f"SELECT COUNT(*) FROM {stored}").fetchall()
            else:
                of_feed = list(source_rows(con, feed, stored))
                versions += of_feed
                count = len(of_feed)
            rows |= {feed.name: count} if count else {}
        if not rows:
            _refuse_unstored(con, workspace, register, said, where if line else None)
    return Target(said, rows, where, versions, int(number["number"]) if number else None)


def _of_line(workspace: Workspace, file: str, line: str) -> str:
    """The condition for a line. `file`: as delivered, with its whole path, or its name alone, as quarantine list prints it."""
    name = posixpath.normpath(file).removeprefix(f"{workspace.root.absolute().as_posix()}/")
    return f"(source_file = {literal(name)} OR ends_with(source_file, {literal(f'/{name}')})) AND source_line = {line}"


def _refuse_unstored(
    con: duckdb.DuckDBPyConnection, workspace: Workspace, register: Register, said: str, where: str | None
) -> NoReturn:
    """Say that no row was stored, and of a line (`where`) that was rejected that it was."""
    lake = Lake(workspace.lake)
    paths = [lake.absolute(each.quarantine_path) for each in register.deliveries() if each.quarantine_path]
    if where is not None and paths:
        rejected = f"read_parquet({path_list(paths)}, union_by_name = true)"
        rows = con.execute(f"SELECT delivery_id, rule FROM {rejected} WHERE {where} ORDER BY ALL LIMIT 1").fetchall()
        for number, rule in rows:
            raise UsageError(
                f"{said} was rejected ({rule}, delivery {number}): no figure rests on it",
                remedy="risk-pipeline quarantine list shows rejected lines",
            )
    raise UsageError(f"no stored row is {said}", remedy="`trace CUSTOMER` names rows, `delivery list` deliveries")


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
    customers = SourceRows(workspace, register, record).customers(target.rows, target.where)
    if not customers:
        return None
    changes = _changes_without(workspace, register, record, target, customers) if len(customers) <= MOST_AGAIN else None
    columns = {column for feed in target.rows for column in columns_beyond(record, feed)}
    return Touched(record, customers, len(columns), changes)


def _changes_without(
    workspace: Workspace, register: Register, record: RunRecord, target: Target, customers: list[str]
) -> list[Change]:
    """The figures of these customers that are others when the run is computed again without the rows."""
    scope = scope_of([published_files(workspace, record)], customers)
    gone = [target.delivery_id] if target.delivery_id is not None else []
    without = replace(scope, without=target.ids, without_deliveries=gone)
    # Both computed for the scope alone: shares of the whole portfolio are not those that were published.
    with (
        computed_again(workspace, register, record, seen=Seen(scope=scope)) as whole,
        computed_again(workspace, register, record, seen=Seen(scope=without)) as again,
    ):
        return [change for name in (*FACTOR_TABLES, *DECIDE_TABLES) for change in _changes(name, whole, again, customers)]


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
