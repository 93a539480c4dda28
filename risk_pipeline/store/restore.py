"""Putting a feed into the state that the deliveries in effect claim: what a revocation does to the stored rows.

Put here: finding the open rows that nobody claims any more and the versions that are claimed and not open; copies of the latter.
Keep out: what a claim is (claims), which deliveries are in effect (pipeline.revoke, register).

A row is never changed: a copy of a closed version gets a number of its own, `origin_row_id`, and is known from the revocation.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from risk_pipeline.contracts import STORE_COLUMNS, Table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.store.claims import Claims
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.staging import (
    BUCKETS,
    KEYS_AT_ONCE,
    ROW_ID_SHIFT,
    bucket_ranges,
    key_hash_sql,
    naive,
    order_sql,
    write_closures,
    write_part,
)


@dataclass(frozen=True)
class Restored:
    """Rows copied and rows closed; where there are none, no file was written."""

    stored: int
    closed: int


class Restoration:
    """Compares a feed's open rows with its claims. `rows`: all rows of the feed (all_rows_sql); `claims`: of the deliveries that
    stay in effect; `revoked`: numbers of those that do not, of which no row may stay open.
    """

    def __init__(
        self, con: duckdb.DuckDBPyConnection, target: Table, rows: str, claims: Claims, revoked: Collection[int]
    ) -> None:
        self._con = con
        self._target = target
        self._rows = rows
        con.execute("CREATE TABLE closing (row_id BIGINT)")
        con.execute("CREATE TABLE copying (row_id BIGINT)")
        [(count,)] = con.execute(f"SELECT count(*) FROM ({rows})").fetchall()
        slices, key = count // KEYS_AT_ONCE + 1, key_hash_sql(target)
        for number in range(slices):
            claims.load_versions(con, rows, key, f"kh % {slices} = {number}")
            claims.load_targets(con, "versions")
            self._compare(revoked)

    def _compare(self, revoked: Collection[int]) -> None:
        gone = ", ".join(map(str, revoked))
        self._con.execute(
            "CREATE OR REPLACE TEMP TABLE kept AS SELECT o.row_id, o.kh FROM versions o JOIN targets t USING (kh)"
            f" JOIN versions v ON v.row_id = t.row_id WHERE o.open AND o.rh = v.rh AND o.delivery_id NOT IN ({gone})"
        )
        self._con.execute("INSERT INTO closing SELECT row_id FROM versions ANTI JOIN kept USING (row_id) WHERE open")
        self._con.execute("INSERT INTO copying SELECT row_id FROM targets ANTI JOIN kept USING (kh)")

    def write(self, lake: Lake, part: Path, closures: Path, delivery_id: int, now: datetime) -> Restored:
        """Write the copies and the closures as those of delivery `delivery_id`, made at `now`."""
        closed = self._con.sql("SELECT row_id FROM closing ORDER BY row_id").to_arrow_table().column(0).combine_chunks()
        if len(closed):
            write_closures(lake, closures, closed, delivery_id, now)
        [(copies,)] = self._con.execute("SELECT count(*) FROM copying").fetchall()
        if copies:
            write_part(lake, part, self._target, self._copies(delivery_id, now))
        return Restored(copies, len(closed))

    def _copies(self, delivery_id: int, now: datetime) -> Iterator[pa.Table]:
        chosen = f"({self._rows}) SEMI JOIN copying USING (row_id)"
        made = {
            "delivery_id": f"CAST({delivery_id} AS BIGINT)",
            "known_from": f"TIMESTAMP '{naive(now)}'",
            "known_assumed": "false",
            "known_to": "CAST(NULL AS TIMESTAMP)",
            "origin_row_id": "coalesce(origin_row_id, row_id)",
        }
        first = delivery_id << ROW_ID_SHIFT
        for rows in rows_by_bucket(self._con, self._target, chosen):
            self._con.register("chosen", rows)
            columns = ", ".join(f"{made.get(name, _q(name))} AS {_q(name)}" for name in rows.column_names if name != "row_id")
            yield self._con.sql(
                f"SELECT {first} + row_number() OVER (ORDER BY {order_sql(self._target)}, row_id) - 1 AS row_id, {columns}"
                " FROM chosen ORDER BY 1"
            ).to_arrow_table()
            self._con.unregister("chosen")
            first += len(rows)


def rows_by_bucket(con: duckdb.DuckDBPyConnection, target: Table, rows: str) -> Iterator[pa.Table]:
    """Stored rows in the order of a part, bucket range by bucket range; a column that no part has yet, because the contract
    grew, is NULL.
    """
    counts = dict(con.execute(f"SELECT bucket, count(*) FROM {rows} GROUP BY bucket").fetchall())
    stored = {name for name, *_ in con.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}
    held = [
        _q(c.name) if c.name in stored else f"CAST(NULL AS {DUCKDB_TYPE[c.kind]}) AS {_q(c.name)}"
        for c in (*target.columns, *STORE_COLUMNS)
    ]
    for first, last in bucket_ranges([counts.get(bucket, 0) for bucket in range(BUCKETS)]):
        found = con.sql(
            f"SELECT {', '.join(held)} FROM {rows} WHERE bucket BETWEEN {first} AND {last} ORDER BY {order_sql(target)}, row_id"
        ).to_arrow_table()
        if len(found):
            yield found


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
