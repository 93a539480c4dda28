"""The catalogue: the small DuckDB file analysts open, made of views over the published Parquet files.

Put here: building that file from the register and the lake, and replacing the old one. Keep out: publishing (register),
writing Parquet (lake, feed_store), and any figure: a view selects and casts, it computes nothing.

Nobody ever writes the file readers have open: every build is a new file that takes the old one's name when it is whole.
A process that has the old file open keeps what it sees; inside one process DuckDB shares a database by path, so whoever
wants the new one there must close all its connections first.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import pyarrow as pa
from filelock import FileLock, Timeout

from risk_pipeline.contracts import TABLES
from risk_pipeline.contracts.feed import STORE_COLUMNS
from risk_pipeline.contracts.table import DUCKDB_TYPE, Column, Kind, Table
from risk_pipeline.errors import Locked, RiskError
from risk_pipeline.store.lake import Lake, flush_to_disk
from risk_pipeline.store.quarantine import quarantine_states, state_sql
from risk_pipeline.store.register import Register, SnapshotRecord

MAX_FILES = 500
BUILD_WAIT_SECONDS = 120
# Read-only: one process that opens the file for writing shuts out every reader.
CATALOGUE_MODE = 0o440
QUARANTINE = "audit.quarantine"
CHANGES = "audit.decision_change"
LINEAGE = "audit.column_lineage"
RESULTS = ("factor.", "score.", "decision.", "mart.")


def build_catalogue(path: Path, lake: Lake, register: Register) -> None:
    """Build the catalogue of what is published now and put it at `path`; readers see the old one or the new one.

    Views name files by absolute path, so a build is also what a moved workspace needs. RiskError when a listed file is
    missing, a table has more than 500 files or the disk is full; the catalogue in place then stays. Concurrent builds wait
    for each other, and each shows what is published when its turn comes, so the last one in place is never older than the
    register.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _build_lock(path):
        building = path.with_name(f".{path.name}.{uuid4().hex[:8]}.building")
        try:
            _fill(building, lake, register)
            flush_to_disk(building)
            building.chmod(CATALOGUE_MODE)
            # The log of somebody who opened the old file for writing in spite of its mode would make the new one unreadable.
            _write_ahead_log(path).unlink(missing_ok=True)
            os.replace(building, path)
        except (duckdb.IOException, duckdb.TransactionException) as exc:
            raise RiskError(
                f"the catalogue {path} cannot be written: {exc}",
                remedy="make room on the disk, then run `risk-pipeline catalogue rebuild`; what is published stays published",
            ) from exc
        finally:
            _sweep(path)
        flush_to_disk(path.parent)


def shows_another_place(path: Path, lake: Path) -> bool:
    """Whether the views of the catalogue name files of another lake than that folder: the workspace was moved or copied."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {_literal(str(path))} AS shown (READ_ONLY)")
        root = _root_shown(connection, "shown")
    return root is not None and root != _quoted_root(lake)


def differences(path: Path, lake: Lake, register: Register, scratch: Path) -> tuple[int, list[str]]:
    """The newest event that the catalogue at `path` shows, and which of its views and tables are others than they must be.

    They are compared with a catalogue built now, for a moment, in `scratch`: by definition, and tables of the register by their
    rows. Where the files lie does not count: shows_another_place tells that. Of a catalogue built before the newest event the
    results, which change with a publication only, and the events it shows can be compared. duckdb.Error when it is no catalogue.
    """
    built = scratch / f"catalogue-{uuid4().hex[:8]}.duckdb"
    try:
        _fill(built, lake, register)
        with duckdb.connect() as connection:
            for name, file in (("built", built), ("shown", path)):
                connection.execute(f"ATTACH {_literal(str(file))} AS {name} (READ_ONLY)")
            newest = {name: _newest_event(connection, name) for name in ("built", "shown")}
            others = _other_definitions(connection, lake)
            if newest["shown"] < newest["built"]:
                results = [name for name in others if name.startswith(RESULTS)]
                return newest["shown"], results + _other_rows(connection, "audit.event", f"WHERE seq <= {newest['shown']}")
            tables = connection.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'built' ORDER BY ALL"
            ).fetchall()
            rows = (name for (table,) in tables if table not in others for name in _other_rows(connection, table))
            return newest["shown"], [*others, *rows]
    finally:
        built.unlink(missing_ok=True)


def _newest_event(connection: duckdb.DuckDBPyConnection, database: str) -> int:
    [(seq,)] = connection.execute(f"SELECT COALESCE(MAX(seq), 0) FROM {database}.audit.event").fetchall()
    return int(seq)


def _quoted_root(lake: Path) -> str:
    """The folder as the views name it."""
    return _literal(_pattern(lake.absolute()))[1:-1]


def _root_shown(connection: duckdb.DuckDBPyConnection, database: str) -> str | None:
    """The folder whose files mart.current_risk shows, as it stands in the view; None when it shows none."""
    found = connection.execute(
        "SELECT sql FROM duckdb_views() WHERE schema_name = 'mart' AND view_name = 'current_risk' AND database_name = ?",
        [database],
    ).fetchall()
    named = re.search(r"'((?:[^']|'')*)/mart/current_risk/", found[0][0]) if found else None
    return named[1] if named else None


def _other_definitions(connection: duckdb.DuckDBPyConnection, lake: Lake) -> list[str]:
    root, own = _root_shown(connection, "shown"), _quoted_root(lake.root)
    here = f"REPLACE(sql, {_literal(root)}, {_literal(own)})" if root is not None else "sql"
    defined = f"""
        SELECT schema_name || '.' || view_name AS name, {here} AS sql
        FROM duckdb_views() WHERE database_name = '{{0}}' AND NOT internal
        UNION ALL
        SELECT schema_name || '.' || table_name, sql FROM duckdb_tables() WHERE database_name = '{0}' AND NOT internal
    """
    there, right = (f"({defined.format(name)})" for name in ("shown", "built"))
    rows = connection.execute(
        f"SELECT name FROM (({there} EXCEPT {right}) UNION ALL ({right} EXCEPT {there})) GROUP BY name ORDER BY name"
    ).fetchall()
    return [name for (name,) in rows]


def _other_rows(connection: duckdb.DuckDBPyConnection, table: str, where: str = "") -> list[str]:
    """The name of the table, when its rows are not the same in both."""
    there, right = (f"FROM {name}.{table} {where}" for name in ("shown", "built"))
    query = f"SELECT COUNT(*) FROM (({there} EXCEPT ALL {right}) UNION ALL ({right} EXCEPT ALL {there}))"
    [(count,)] = connection.execute(query).fetchall()
    return [table] if count else []


@contextmanager
def _build_lock(path: Path) -> Iterator[None]:
    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=BUILD_WAIT_SECONDS):
            # Whatever lies here was left by a build that was killed: a live one would hold the lock.
            _sweep(path)
            yield
    except Timeout:
        raise Locked(
            f"another process has been building {path} for more than {BUILD_WAIT_SECONDS} s",
            remedy="end that process, then run `risk-pipeline catalogue rebuild`",
        ) from None


def _sweep(path: Path) -> None:
    for leftover in path.parent.glob(f".{path.name}.*.building*"):
        leftover.unlink(missing_ok=True)


def _write_ahead_log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _fill(building: Path, lake: Lake, register: Register) -> None:
    snapshot = register.current_snapshot()
    with duckdb.connect(building) as connection:
        connection.begin()
        for layer in dict.fromkeys(table.layer for table in TABLES.values()):
            connection.execute(f"CREATE SCHEMA {layer}")
        for table in TABLES.values():
            _add_table(connection, table, lake, register, snapshot)
        connection.commit()
        connection.execute("CHECKPOINT")


def _add_table(
    connection: duckdb.DuckDBPyConnection, table: Table, lake: Lake, register: Register, snapshot: SnapshotRecord | None
) -> None:
    columns: Sequence[Column] = table.columns
    try:
        if table.layer == "feed":
            columns = (*table.columns, *STORE_COLUMNS)
            _create_feed_view(connection, table, columns, lake, register)
        elif table.full_name == QUARANTINE:
            _create_quarantine_view(connection, table, lake, register)
        elif table.full_name == CHANGES:
            _create_view(connection, table, _scan(table, columns, lake, lake.changes_parts()))
        elif table.full_name == LINEAGE:
            _create_view(connection, table, _scan(table, columns, lake, _newest_lineage(lake, snapshot)))
        elif table.layer == "audit":
            _create_audit_table(connection, table, register)
        else:
            parts = snapshot.parts.get(table.full_name, ()) if snapshot else ()
            if table.layer == "mart":
                parts = parts[-1:]  # a mart shows the newest published assessment only
            _create_view(connection, table, _scan(table, columns, lake, [part.path for part in parts]))
    except duckdb.IOException as exc:
        raise RiskError(
            f"{table.full_name}: a file the register lists cannot be read: {str(exc).splitlines()[0]}",
            remedy="restore the file from a backup of the warehouse, then run `risk-pipeline catalogue rebuild`",
        ) from exc
    _comment(connection, table, columns)


def _create_feed_view(
    connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column], lake: Lake, register: Register
) -> None:
    """The rows in force now: not closed by a later delivery, neither beside the part nor, after a compaction, in it."""
    deliveries = register.stored_deliveries(table.name)
    query = _scan(table, columns, lake, [delivery.part_path for delivery in deliveries])
    closures = _files(table, lake, [delivery.closures_path for delivery in deliveries])
    if closures:
        query += f" ANTI JOIN read_parquet([{', '.join(closures)}], hive_partitioning = false) AS closed USING (row_id)"
    _create_view(connection, table, f"{query} WHERE known_to IS NULL")


def _create_quarantine_view(connection: duckdb.DuckDBPyConnection, table: Table, lake: Lake, register: Register) -> None:
    deliveries = register.deliveries()
    query = _scan(table, table.columns, lake, [delivery.quarantine_path for delivery in deliveries])
    state = state_sql(quarantine_states(deliveries))
    _create_view(connection, table, f"SELECT * REPLACE ({state} AS quarantine_state) FROM ({query}) AS rejected")


def _newest_lineage(lake: Lake, snapshot: SnapshotRecord | None) -> list[str]:
    """The lineage that the newest publication wrote beside its tables."""
    path = lake.lineage_part(snapshot.as_of, snapshot.run_id) if snapshot else None
    return [lake.relative(path)] if path is not None and path.exists() else []


def _create_view(connection: duckdb.DuckDBPyConnection, table: Table, query: str) -> None:
    connection.execute(f"CREATE VIEW {_name(table)} AS {query}")


def _scan(table: Table, columns: Sequence[Column], lake: Lake, paths: Sequence[str | None]) -> str:
    """SELECT of the contract's columns, in its order and types, over the files.

    The files are joined to a declaration of all columns without rows: so a column that older files lack comes as NULL, and
    a table without files is empty rather than an error. DuckDB drops that branch when it plans a query.
    """
    source = "SELECT " + ", ".join(f"CAST(NULL AS {DUCKDB_TYPE[c.kind]}) AS {_quoted(c.name)}" for c in columns) + " WHERE false"
    files = _files(table, lake, paths)
    if files:
        read = f"read_parquet([{', '.join(files)}], union_by_name = true, hive_partitioning = false)"
        source += f" UNION ALL BY NAME SELECT * FROM {read}"
    selected = ", ".join(f"CAST({_quoted(c.name)} AS {DUCKDB_TYPE[c.kind]}) AS {_quoted(c.name)}" for c in columns)
    return f"SELECT {selected} FROM ({source}) AS part"


def _files(table: Table, lake: Lake, paths: Sequence[str | None]) -> list[str]:
    """The files as SQL literals, each once: deliveries that were compacted share one."""
    distinct = [path for path in dict.fromkeys(paths) if path is not None]
    if len(distinct) > MAX_FILES:
        raise RiskError(
            f"{table.full_name} has {len(distinct)} files, and a view of the catalogue takes at most {MAX_FILES}",
            remedy="it needs compaction: an ingest compacts a feed, a full assessment folds the parts of a result table",
        )
    return [_literal(_pattern(lake.absolute(path))) for path in distinct]


def _create_audit_table(connection: duckdb.DuckDBPyConnection, table: Table, register: Register) -> None:
    declared = ", ".join(f"{_quoted(column.name)} {DUCKDB_TYPE[column.kind]}" for column in table.columns)
    connection.execute(f"CREATE TABLE {_name(table)} ({declared})")
    rows = register.audit_rows(table.name, table.column_names)
    if rows:
        values = zip(*rows, strict=True)
        arrow = pa.table([_arrow(column, each) for column, each in zip(table.columns, values, strict=True)], table.column_names)
        connection.register("register_rows", arrow)
        connection.execute(f"INSERT INTO {_name(table)} SELECT * FROM register_rows")
        connection.unregister("register_rows")


def _arrow(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.kind is Kind.JSON:
        return pa.array([None if v is None else _canonical(v) for v in values], pa.string())
    if column.kind is Kind.TIMESTAMP:
        return pa.array([_without_zone(v) for v in values], pa.timestamp("us"))
    return pa.array(values)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _without_zone(value: datetime | None) -> datetime | None:
    return None if value is None else value.replace(tzinfo=None)


def _comment(connection: duckdb.DuckDBPyConnection, table: Table, columns: Sequence[Column]) -> None:
    kind = "TABLE" if table.layer == "audit" and table.full_name not in (QUARANTINE, CHANGES, LINEAGE) else "VIEW"
    statements = [f"COMMENT ON {kind} {_name(table)} IS {_literal(f'{table.en} / {table.zh}')}"]
    for column in columns:
        unit = f" [{column.field.unit}]" if column.field.unit else ""
        comment = _literal(f"{column.field.en} / {column.field.zh}{unit}")
        statements.append(f"COMMENT ON COLUMN {_name(table)}.{_quoted(column.name)} IS {comment}")
    connection.execute(";".join(statements))


def _name(table: Table) -> str:
    return f"{_quoted(table.layer)}.{_quoted(table.name)}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _pattern(path: Path) -> str:
    """The path with its *, ? and [ taken as they are: read_parquet takes every path as a pattern."""
    return "".join(f"[{each}]" if each in "*?[" else each for each in str(path))
