"""A small warehouse for tests of the store: real Parquet files, a real register, a real catalogue.

Put here: what several tests of the store need to set one up. Keep out: stand-ins; expectations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.contracts import STORE_COLUMNS, table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Delivery, Part, Register, RunRecord, SnapshotRecord

NOW = datetime(2024, 7, 1, 12, 30, 15, 123456, tzinfo=UTC)
JANUARY, FEBRUARY, MARCH = date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)


def run_record(run_id: str, as_of: date = JANUARY, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run_id": run_id,
        "as_of": as_of,
        "known_at": NOW,
        "label": "official",
        "policy_version": "1",
        "policy_hash": "f00d",
        "code_version": "0.1.0",
        "started_at": NOW,
    }
    return RunRecord(**(values | changes))


def delivery_record(delivery_id: int, feed: str = "invoice", **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "delivery_id": delivery_id,
        "feed": feed,
        "mode": "snapshot",
        "state": "effective",
        "content_sha256": f"c{delivery_id}",
        "spec_hash": "s",
        "files": [{"name": "账.csv", "bytes": 10}],
        "received_at": NOW,
    }
    return Delivery(**(values | changes))


class StoreWorld:
    """A warehouse below `root`: `lake`, `register`, `catalogue` (a path)."""

    def __init__(self, root: Path, register_url: str | None = None) -> None:
        self.warehouse = root / "warehouse"
        self.lake = Lake(self.warehouse / "lake")
        self.catalogue = self.warehouse / "risk.duckdb"
        self.register = Register.open(register_url or f"sqlite:///{self.warehouse / 'register.db'}")

    def write(self, path: Path, full_name: str, rows: Sequence[Mapping[str, Any]], without: Sequence[str] = ()) -> None:
        """A Parquet file in the shape of the contract; absent values are NULL, columns in `without` are left out."""
        declared = table(full_name).columns + (STORE_COLUMNS if full_name.startswith("feed.") else ())
        columns = ", ".join(f'"{c.name}" {DUCKDB_TYPE[c.kind]}' for c in declared if c.name not in without)
        with self.lake.write_atomic(path) as temporary, duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE t ({columns})")
            for row in rows:
                names = ", ".join(f'"{name}"' for name in row)
                connection.execute(f"INSERT INTO t ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
            connection.execute(f"COPY t TO '{temporary}' (FORMAT parquet)")

    def stage(self, full_name: str, as_of: date, run_id: str, rows: Sequence[Mapping[str, Any]]) -> Part:
        """One part of one result table; as_of and run_id are filled in."""
        layer, name = full_name.split(".")
        path = self.lake.part_path(layer, name, as_of, run_id)
        self.write(path, full_name, [{"as_of": as_of, "run_id": run_id, **row} for row in rows])
        return Part(as_of=as_of, run_id=run_id, path=self.lake.relative(path), rows=len(rows))

    def publish(self, run_id: str, as_of: date, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> SnapshotRecord:
        """Record the run, write its parts and publish them; the catalogue is not built."""
        self.register.add_run(run_record(run_id, as_of))
        parts = {name: self.stage(name, as_of, run_id, rows) for name, rows in tables.items()}
        current = self.register.current_snapshot()
        snapshot = SnapshotRecord.following(current, run_id=run_id, as_of=as_of, published_at=NOW, parts=parts)
        self.register.publish_snapshot(snapshot, snapshot.parent_id)
        return snapshot

    def deliver(self, feed: str, rows: Sequence[Mapping[str, Any]], closes: Sequence[int] = (), **changes: Any) -> Delivery:
        """One effective delivery: its rows, numbered, and the row ids it closes."""
        number = self.register.new_delivery_id()
        part, closures = self.lake.feed_part(feed, number), self.lake.feed_closures(feed, number)
        stored = {"row_hash": 1, "bucket": 0, "source_file": "a.csv", "delivery_id": number, "known_assumed": False}
        self.write(part, f"feed.{feed}", [{"row_id": number * 2**40 + i, **stored, **row} for i, row in enumerate(rows)])
        if closes:
            with self.lake.write_atomic(closures) as temporary, duckdb.connect() as connection:
                connection.execute("CREATE TABLE t (row_id BIGINT, known_to TIMESTAMP, delivery_id BIGINT)")
                connection.executemany(
                    "INSERT INTO t VALUES (?, ?, ?)", [[row, NOW.replace(tzinfo=None), number] for row in closes]
                )
                connection.execute(f"COPY t TO '{temporary}' (FORMAT parquet)")
        paths = {"part_path": self.lake.relative(part), "closures_path": self.lake.relative(closures) if closes else None}
        delivery = delivery_record(number, feed, **(paths | changes))
        self.register.add_delivery(delivery)
        return delivery

    def rebuild(self) -> None:
        build_catalogue(self.catalogue, self.lake, self.register)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """What an analyst sees: a read-only connection to the catalogue, closed again."""
        with duckdb.connect(self.catalogue, read_only=True) as connection:
            return connection.execute(sql).fetchall()
