"""What each delivery claims about each key: the ground on which a replay is judged and a revocation restores the feed.

Put here: reading claims from the files of the deliveries, and the state of a feed they add up to. Keep out: writing parts
(staging, feed_store), which deliveries are revoked (register) and why (pipeline).

A delivery claims a version of a key when it stored it or delivered it unchanged. A snapshot also claims that every other key
has ended, but for those it holds: their new version was rejected. The state of a feed is what the claims of all deliveries in
effect say, in the order of their positions; a replay of rejected rows has its place right after the delivery they came with.
A snapshot of one list among several in a feed speaks for the keys of that list only, and none for what the program itself made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Delivery

MADE = "screening:"  # how the source files of rows are called that the program made itself
AFFIRMED = pa.schema([("row_id", pa.int64())])
HELD = pa.schema([("kh", pa.int64())])


@dataclass(frozen=True)
class Claims:
    """The deliveries in effect that claim something (revocations claim nothing), and where they say what."""

    deliveries: tuple[Delivery, ...]
    lake: Lake

    def load_versions(self, con: duckdb.DuckDBPyConnection, rows: str, key_hash: str, where: str) -> None:
        """Create the temporary table `versions` from all rows of a feed (all_rows_sql): row_id, kh, rh, delivery_id, open, made,
        and the columns that any delivery is a part by.
        """
        parts = sorted({name for each in self.deliveries for name in part_of(each)})
        columns = "".join(f", {_q(name)}" for name in parts)
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE versions AS SELECT * FROM (SELECT row_id, {key_hash} AS kh, row_hash AS rh,"
            f" delivery_id, open, starts_with(source_file, '{MADE}') AS made{columns} FROM ({rows})) WHERE {where}"
        )

    def load(self, con: duckdb.DuckDBPyConnection, versions: str) -> None:
        """Create the temporary table `claims` (kh, row_id, main, sub) for the rows of `versions` (row_id, kh, delivery_id):
        which of them a delivery at position (main, sub) claims.
        """
        _create(con, "claiming", ("delivery_id", "main", "sub"), [(d.delivery_id, *d.position) for d in self.deliveries])
        affirmed = [
            f"SELECT row_id, CAST({d.delivery_id} AS BIGINT) AS delivery_id"
            f" FROM read_parquet({_s(str(self.lake.absolute(d.affirmed_path)))})"
            for d in self.deliveries
            if d.affirmed_path
        ]
        by_others = (
            f" UNION ALL SELECT v.kh, v.row_id, c.main, c.sub FROM ({' UNION ALL '.join(affirmed)}) a"
            f" JOIN {versions} v ON v.row_id = a.row_id JOIN claiming c ON c.delivery_id = a.delivery_id"
        )
        con.execute(
            "CREATE OR REPLACE TEMP TABLE claims AS"
            f" SELECT v.kh, v.row_id, c.main, c.sub FROM {versions} v JOIN claiming c ON c.delivery_id = v.delivery_id"
            f"{by_others if affirmed else ''}"
        )

    def load_targets(self, con: duckdb.DuckDBPyConnection, versions: str) -> None:
        """Create the temporary table `targets` (kh, row_id): the version of each key the claims add up to, if any.

        `versions` has besides: made, and the columns that any delivery is a part by (see rows_of).
        """
        self.load(con, versions)
        parts = sorted({name for each in self.deliveries for name in part_of(each)})
        keys = ", ".join(["bool_or(made) AS made", *(f"any_value({_q(name)}) AS {_q(name)}" for name in parts)])
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE floors AS SELECT kh, CAST(NULL AS BIGINT) AS main, {keys} FROM {versions} GROUP BY kh"
        )
        for each in reversed(self.deliveries):
            if each.mode != "snapshot" or each.delivery_kind != "source":
                continue
            # What a snapshot does not hold began or ended with it; only for the keys it holds do the deliveries before count.
            said = ["main IS NULL", "NOT made", *(f"{_q(name)} = {_s(value)}" for name, value in part_of(each).items())]
            if each.held_path:
                said.append(f"kh NOT IN (SELECT kh FROM read_parquet({_s(str(self.lake.absolute(each.held_path)))}))")
            con.execute(f"UPDATE floors SET main = {each.delivery_id} WHERE {' AND '.join(said)}")
            if len(said) == 2:
                break
        con.execute(
            "CREATE OR REPLACE TEMP TABLE targets AS SELECT kh, arg_max(c.row_id, row(c.main, c.sub)) AS row_id"
            " FROM claims c JOIN floors f USING (kh) WHERE c.main >= coalesce(f.main, 0) GROUP BY kh"
        )


def write_ids(lake: Lake, path: Path, ids: pa.Array, schema: pa.Schema) -> None:
    """Write a file of AFFIRMED or HELD: one column, sorted, a few bits for each of a run of row numbers."""
    name = schema.names[0]
    with lake.write_atomic(path) as temporary:
        pq.write_table(
            pa.table([ids.sort()], schema=schema),
            temporary,
            compression="zstd",
            use_dictionary=False,
            column_encoding={name: "DELTA_BINARY_PACKED"},
        )


def part_of(delivery: Delivery) -> Mapping[str, str]:
    """Key columns and the values of them that a delivery speaks for; empty = for the whole feed."""
    return {name: value for file in delivery.files for name, value in file.get("part_of", {}).items()}


def _create(con: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], rows: Sequence[tuple[int, ...]]) -> None:
    values = [pa.array([row[index] for row in rows], pa.int64()) for index in range(len(columns))]
    con.register("given", pa.table(values, names=list(columns)))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM given")
    con.unregister("given")


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
