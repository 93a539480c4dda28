"""Rows of one feed that speak of rows another feed does not have, as a run sees them: warnings with examples.

Put here: the set-based queries over the as-of views, one check per kind of contradiction. Keep out: which columns refer to
what (contracts.cross_feed), the same questions after a delivery (store.cross_feed), and any change of a row.

They are asked again in every run, because the other feed may have come later than the rows that speak of it, or may not
have been known on the date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from risk_pipeline.contracts import FEED_TABLES, Table
from risk_pipeline.contracts import table as table_of
from risk_pipeline.contracts.cross_feed import APPLIED_ABOVE_INVOICE, REFERENCES, Reference, alike_in, references_of
from risk_pipeline.contracts.rules import meaning
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.results import GateResult, sql_name, sql_text

PREFIX = "cross_feed_"
# The feeds whose customers factor.customer_state holds: without a derived one among them, none of these rows names a customer
# that the master lacks, and they need not be read again.
CUSTOMERS_OF = frozenset({"invoice", "payment", "credit_note", "sales_order", "credit_request", "bill"})
EXAMPLES = 3


@dataclass(frozen=True)
class CrossFeedCheck:
    """A warning of one kind, reported on the feed that is spoken of."""

    warning: str
    feed: str

    @property
    def name(self) -> str:
        return PREFIX + self.warning

    @property
    def table_name(self) -> str:
        return f"feed.{self.feed}"

    @property
    def says(self) -> str:
        return f"nothing found: {meaning(self.warning)}"


def _checks() -> Iterator[CrossFeedCheck]:
    for reference in REFERENCES:
        for warning in (reference.unknown, *(each for _, each in reference.alike)):
            yield CrossFeedCheck(warning, reference.feed)
    yield CrossFeedCheck(APPLIED_ABOVE_INVOICE, "invoice")


CHECKS: tuple[CrossFeedCheck, ...] = tuple(dict.fromkeys(_checks()))


def check_cross_feed(con: duckdb.DuckDBPyConnection, seen: FeedsSeen | None, staged: Mapping[str, Path]) -> list[GateResult]:
    """Every check of CHECKS, as warnings. A feed that was never delivered is not missed; `seen` None: no feed is there."""
    delivered = frozenset[str]() if seen is None else seen.delivered
    found: dict[str, list[tuple[str, int, str]]] = {check.warning: [] for check in CHECKS}
    for alike in _asked_alike(delivered, spared=frozenset() if _derived_customers(con, staged) else CUSTOMERS_OF):
        if _all_is_well(con, alike):
            continue
        for table, reference in alike:
            for warning, rows, examples in _contradictions(con, table, reference):
                found[warning].append((table.full_name, rows, examples))
    found[APPLIED_ABOVE_INVOICE] += _over_applied(con, staged)
    return [_result(check, found[check.warning], delivered) for check in CHECKS]


def _derived_customers(con: duckdb.DuckDBPyConnection, staged: Mapping[str, Path]) -> bool:
    """Whether the ledger names a customer that the master lacks; True as well where nobody can tell."""
    path = staged.get("factor.customer_state")
    if path is None:
        return True
    query = f"SELECT 1 FROM read_parquet({sql_text(str(path))}) WHERE customer_source = 'derived' LIMIT 1"
    return con.execute(query).fetchone() is not None


def _asked_alike(delivered: frozenset[str], spared: frozenset[str]) -> list[list[tuple[Table, Reference]]]:
    """The references of delivered feeds, grouped by what they compare: one query answers a group that is in order.

    `spared`: feeds that are known to name no unknown customer.
    """
    groups: dict[tuple[str, ...], list[tuple[Table, Reference]]] = {}
    for table in FEED_TABLES:
        for reference in references_of(table):
            is_spared = reference.feed == "customer" and table.name in spared
            if table.name in delivered and reference.feed in delivered and not is_spared:
                compared = (reference.feed, reference.key, *(name for name, _ in alike_in(reference, table)))
                groups.setdefault(compared, []).append((table, reference))
    return list(groups.values())


def _all_is_well(con: duckdb.DuckDBPyConnection, group: list[tuple[Table, Reference]]) -> bool:
    """Whether every row of the group finds its like. By hashes, four times as fast as the join that says which does not."""
    table, reference = group[0]
    mine = " UNION ALL ".join(f"SELECT {_hash(each, ref, ref.column)} FROM ({_own(each, ref)})" for each, ref in group)
    other = f"SELECT {_hash(table, reference, reference.key)} FROM ({_other(table, reference)})"
    row = con.execute(f"SELECT count(*) FROM ({mine}) ANTI JOIN ({other}) USING (h)").fetchone()
    assert row is not None  # an aggregate without GROUP BY has exactly one row
    return not row[0]


def _hash(table: Table, reference: Reference, key: str) -> str:
    return f"hash({', '.join(map(sql_name, [key, *(name for name, _ in alike_in(reference, table))]))}) AS h"


def _contradictions(con: duckdb.DuckDBPyConnection, table: Table, reference: Reference) -> Iterator[tuple[str, int, str]]:
    """(warning, rows, examples) of one reference of one feed; nothing when all is well."""
    column, key = sql_name(reference.column), sql_name(reference.key)
    broken = {reference.unknown: f"o.{key} IS NULL"}
    broken |= {warning: f"m.{sql_name(name)} <> o.{sql_name(name)}" for name, warning in alike_in(reference, table)}
    own_key = " || ' ' || ".join(f"CAST(m.{sql_name(name)} AS VARCHAR)" for name in table.key)
    counts = ", ".join(
        f"count(*) FILTER (WHERE {each}), min({own_key} || ' -> ' || m.{column}, {EXAMPLES}) FILTER (WHERE {each})"
        for each in broken.values()
    )
    counted = con.execute(
        f"SELECT {counts} FROM ({_own(table, reference)}) m LEFT JOIN ({_other(table, reference)}) o ON m.{column} = o.{key}"
    ).fetchone()
    assert counted is not None  # an aggregate without GROUP BY has exactly one row
    for place, warning in enumerate(broken):
        rows, examples = counted[2 * place], counted[2 * place + 1]
        if rows:
            yield warning, int(rows), ", ".join(examples)


def _own(table: Table, reference: Reference) -> str:
    """The rows of a feed that refer, with their key for examples."""
    names = [*table.key, reference.column, *(name for name, _ in alike_in(reference, table))]
    selected = ", ".join(sql_name(name) for name in dict.fromkeys(names))
    return f"SELECT {selected} FROM feed.{table.name} WHERE {sql_name(reference.column)} IS NOT NULL"


def _other(table: Table, reference: Reference) -> str:
    selected = ", ".join(map(sql_name, dict.fromkeys([reference.key, *(name for name, _ in alike_in(reference, table))])))
    is_whole_key = table_of(f"feed.{reference.feed}").key == (reference.key,)
    return f"SELECT {'' if is_whole_key else 'DISTINCT '}{selected} FROM feed.{reference.feed}"


def _over_applied(con: duckdb.DuckDBPyConnection, staged: Mapping[str, Path]) -> list[tuple[str, int, str]]:
    """Items that everything applied to them has turned below zero. They offset other debt of the customer."""
    path = staged.get("factor.open_item")
    if path is None:
        return []
    row = con.execute(
        f"SELECT count(*), min(invoice_id, {EXAMPLES}) FROM read_parquet({sql_text(str(path))})"
        " WHERE amount > 0 AND open_amount < 0"
    ).fetchone()
    assert row is not None  # an aggregate without GROUP BY has exactly one row
    return [("factor.open_item", int(row[0]), ", ".join(row[1]))] if row[0] else []


def _result(check: CrossFeedCheck, found: list[tuple[str, int, str]], delivered: frozenset[str]) -> GateResult:
    rows = sum(each for _, each, _ in found)
    if found:
        told = "; ".join(f"{count} in {table}, e.g. {examples}" for table, count, examples in found)
        detail = f"{meaning(check.warning)}: {told}"
    else:
        detail = check.says if check.feed in delivered else f"not asked: the feed {check.feed} was never delivered"
    return GateResult(check.name, check.table_name, "warn", not rows, rows, detail)
