"""As-of views: the feed store as it stood for one (as_of, known_at). Factor SQL sees only these, so it cannot look ahead.

Put here: which rows and values of a feed exist for a run. Keep out: where the files lie (store.feed_store) and what is
computed from them (factors/*.sql).

A row exists when it was known (`known_from` <= known_at, not closed by then) and its event date is not after as_of. An
outcome column is NULL while the date it names is later than as_of. Customer attributes carry no event date: the version
known at the end of the as-of date counts, else the first one known, flagged `state_assumed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import duckdb

from risk_pipeline.contracts import FEED_TABLES, STORE_COLUMNS, Column, Table
from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.engine.sql import literal, path_list

STATE_TABLE = "customer"
CUSTOMER = "customer_id"
BUCKETS = 32  # the feed store's: first 8 hex digits of md5(customer_id) mod 32


class FeedParts(Protocol):
    """The files of one feed: parts with rows, and closures (row_id, known_to) written beside them."""

    @property
    def paths(self) -> Sequence[Path]: ...

    @property
    def closure_paths(self) -> Sequence[Path]: ...


@dataclass(frozen=True)
class Sight:
    """What a run may see: events after `after` (None: from the beginning) up to as_of, knowledge up to known_at. `until`: the end
    of the as-of date if known by then; outcomes dated after `outcomes` (None: as_of) are not known yet.
    """

    as_of: date
    known_at: datetime
    until: datetime
    last_delivery: int
    after: date | None = None
    outcomes: date | None = None

    @property
    def outcomes_until(self) -> date:
        return self.outcomes or self.as_of


@dataclass(frozen=True)
class Scope:
    """Which rows of what a sight sees are read again: of these customers only (None: of all), without these row ids and without
    these deliveries.
    """

    customers: Collection[str] | None = None
    without: Collection[int] = ()
    without_deliveries: Collection[int] = ()


EVERYTHING = Scope()
Sights = Callable[[Table], tuple[Sight, ...]]  # by feed: what is seen of it, together; the last one says it of attributes


def sight_of(*, as_of: date, known_at: datetime, zone: ZoneInfo, last_delivery: int) -> Sight:
    """What a run as of a date sees. Times are compared in UTC without zone, as the parts keep them."""
    known = known_at.astimezone(UTC)
    return Sight(as_of, known, min(known, end_of_day(as_of, zone)), last_delivery)


def end_of_day(as_of: date, zone: ZoneInfo) -> datetime:
    """24:00 of the as-of date in the workspace's time zone, as UTC."""
    return datetime.combine(as_of + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def create_asof_views(
    con: duckdb.DuckDBPyConnection,
    feeds: Mapping[str, FeedParts],
    *,
    as_of: date,
    known_at: datetime,
    zone: ZoneInfo,
    last_delivery: int,
) -> None:
    """Create schema `feed` with one view per feed table; a feed without files is an empty view.

    `feeds` maps table names ("invoice") to their files. Deliveries after `last_delivery` do not exist, so that a run continued
    later sees what it saw when it was opened.
    """
    one = (sight_of(as_of=as_of, known_at=known_at, zone=zone, last_delivery=last_delivery),)
    create_views(con, feeds, lambda table: one)


def create_views(
    con: duckdb.DuckDBPyConnection, feeds: Mapping[str, FeedParts], sights: Sights, scope: Scope = EVERYTHING
) -> None:
    """The same views for what several sights see together, and of a scope."""
    con.execute("CREATE SCHEMA IF NOT EXISTS feed")
    for table in FEED_TABLES:
        con.execute(
            f"CREATE OR REPLACE VIEW feed.{table.name} AS {view_query(table, feeds.get(table.name), sights(table), scope)}"
        )


def view_query(table: Table, parts: FeedParts | None, sights: tuple[Sight, ...], scope: Scope = EVERYTHING) -> str:
    """The SELECT of one view: STORE_COLUMNS, then the columns of the feed (of customers also state_assumed)."""
    if parts is None or not parts.paths:
        return _empty(table)
    if table.name == STATE_TABLE:
        return _state(table, parts, sights[-1], scope)
    return " UNION ALL ".join(_events(table, parts, each, scope) for each in sights)


def feeds_at_hand(con: duckdb.DuckDBPyConnection, delivered: Collection[str]) -> dict[str, bool]:
    """By feed whether the factor SQL may ask it ($has_<feed>): else "none" is not told from "not known".

    Of the ledger and the lists what was `delivered` is at hand: a ledger without a dispute says that there was none. Evidence is
    at hand from the first row a run can see, of whichever customer: else what began next year would tell this year's
    customers that they lack it.
    """
    evidence = {table.name for table in EVIDENCE_TABLES}
    return {
        table.name: table.name in delivered and (table.name not in evidence or visible(con, table.name)) for table in FEED_TABLES
    }


def visible(con: duckdb.DuckDBPyConnection, feed: str) -> bool:
    """Whether the as-of view of a feed has any row."""
    return bool(con.execute(f"SELECT 1 FROM feed.{feed} LIMIT 1").fetchall())  # all of it, so that no result stays open


def _empty(table: Table) -> str:
    columns = [f"CAST(NULL AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in (*STORE_COLUMNS, *table.columns)]
    if table.name == STATE_TABLE:
        columns.append("CAST(NULL AS BOOLEAN) AS state_assumed")
    return f"SELECT {', '.join(columns)} WHERE FALSE"


def _events(table: Table, parts: FeedParts, sight: Sight, scope: Scope) -> str:
    columns = [f"p.{c.name}" for c in STORE_COLUMNS] + [_value(c, sight) for c in table.columns]
    where = _known(sight, closed_by=sight.known_at) + _within(table, scope)
    if table.event_date is not None:
        where += f" AND p.{table.event_date} <= {literal(sight.as_of)}"
        if sight.after is not None:
            where += f" AND p.{table.event_date} > {literal(sight.after)}"
    return f"SELECT {', '.join(columns)} {_from(table, parts, sight, closed_by=sight.known_at)} WHERE {where}"


def _value(column: Column, sight: Sight) -> str:
    if column.masked_by is not None:
        hidden = f"p.{column.masked_by} > {literal(sight.outcomes_until)}"
        return f"CASE WHEN {hidden} THEN NULL ELSE p.{column.name} END AS {column.name}"
    if column.judged_on is not None:
        hidden = f"p.known_assumed AND p.{column.judged_on} > {literal(sight.outcomes_until)}"
        return f"CASE WHEN {hidden} THEN NULL ELSE p.{column.name} END AS {column.name}"
    if column.current_only:
        then = f"NOT p.known_assumed AND p.known_from <= {literal(sight.until)}"
        return f"CASE WHEN {then} THEN p.{column.name} END AS {column.name}"
    return f"p.{column.name}"


def _known(sight: Sight, *, closed_by: datetime) -> str:
    return (
        f"p.delivery_id <= {sight.last_delivery} AND p.known_from <= {literal(sight.known_at)}"
        f" AND (p.known_to IS NULL OR p.known_to > {literal(closed_by)})"
    )


def _within(table: Table, scope: Scope) -> str:
    """The conditions of a scope, each after an AND."""
    where = ""
    for column, left_out in (("row_id", scope.without), ("delivery_id", scope.without_deliveries)):
        if left_out:
            where += f" AND p.{column} NOT IN ({', '.join(map(str, sorted(left_out)))})"
    if scope.customers is not None and CUSTOMER in {column.name for column in table.columns}:
        buckets = sorted({bucket_of(each) for each in scope.customers})  # rows lie by bucket: files are read in part only
        where += f" AND p.bucket IN ({', '.join(map(str, buckets))})"
        where += f" AND p.{CUSTOMER} IN ({', '.join(literal(each) for each in sorted(scope.customers))})"
    return where


def bucket_of(customer_id: str) -> int:
    """The bucket of the feed store a customer's rows lie in."""
    return int(hashlib.md5(customer_id.encode(), usedforsecurity=False).hexdigest()[:8], 16) % BUCKETS


def stored(table: Table, parts: FeedParts) -> str:
    """Every row of the parts, as a relation. A column that no part has yet is NULL: parts are never rewritten when a contract
    grows. The branch without rows, which only declares, is dropped when a query is planned.
    """
    declared = ", ".join(f"CAST(NULL AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in (*STORE_COLUMNS, *table.columns))
    rows = f"SELECT * FROM read_parquet({path_list(list(parts.paths))}, union_by_name = true)"
    return f"(SELECT {declared} WHERE FALSE UNION ALL BY NAME {rows})"


def _from(table: Table, parts: FeedParts, sight: Sight, *, closed_by: datetime) -> str:
    """The rows of the parts under the alias p, without those closed by then."""
    source = f"FROM {stored(table, parts)} AS p"
    if not parts.closure_paths:
        return source
    closures = f"read_parquet({path_list(list(parts.closure_paths))}, union_by_name = true)"
    closed = f"SELECT row_id FROM {closures} WHERE known_to <= {literal(closed_by)} AND delivery_id <= {sight.last_delivery}"
    return f"{source} ANTI JOIN ({closed}) AS x ON p.row_id = x.row_id"


def _state(table: Table, parts: FeedParts, sight: Sight, scope: Scope) -> str:
    """One version per key: the newest in force by the end of the as-of date, else the first one known (state_assumed)."""
    key, names = table.key[0], [c.name for c in (*STORE_COLUMNS, *table.columns)]
    in_force = (
        f"CASE WHEN p.{table.event_date} IS NOT NULL THEN p.{table.event_date} <= {literal(sight.as_of)}"
        f" ELSE p.known_from <= {literal(sight.until)} END"
    )
    state_at = f"COALESCE(CAST(p.{table.event_date} AS TIMESTAMP), p.known_from)"
    versions = (
        f"SELECT {', '.join(f'p.{n}' for n in names)}, {in_force} AS in_force, {state_at} AS state_at"
        f" {_from(table, parts, sight, closed_by=sight.until)}"
        f" WHERE {_known(sight, closed_by=sight.until)}{_within(table, scope)}"
    )
    ranked = (
        f"SELECT {', '.join(names)}, NOT in_force AS state_assumed, ROW_NUMBER() OVER (PARTITION BY {key} ORDER BY in_force DESC,"
        " CASE WHEN in_force THEN state_at END DESC, CASE WHEN NOT in_force THEN state_at END ASC, row_id DESC) AS place"
        f" FROM ({versions})"
    )
    return f"SELECT {', '.join(names)}, state_assumed FROM ({ranked}) WHERE place = 1"
