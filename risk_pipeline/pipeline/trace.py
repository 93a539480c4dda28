"""Which lines made this figure: from a published value down to the rows of the feeds, and which of them matter.

Put here: the way down for one customer and column, leaving rows out one by one, reading the source lines again. Keep out: the
rows themselves (source_rows.py), which column is made from which (lineage.columns), what a wrong row touched (impact.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.contracts import TABLES, Table, table
from risk_pipeline.engine.asof import CUSTOMER
from risk_pipeline.errors import UsageError
from risk_pipeline.pipeline.replay import computed_again
from risk_pipeline.pipeline.run import Seen
from risk_pipeline.pipeline.source_rows import SourceRow, SourceRows, feeds_behind, published_files, read
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Delivery, Register, RunRecord

DEFAULT_COLUMN = ("decision.credit_limit", "limit_reporting")
Value = tuple[tuple[Any, ...], ...]  # of one column: a value per row of the customer, in key order


@dataclass(frozen=True)
class Trace:
    """A figure of a customer and the rows behind it. `values`: of each row of the customer in that table, by its key beside the
    customer. `effective`: ids of the rows without which the figure is another one; None = not tried.
    """

    run: RunRecord
    customer_id: str
    table: str
    column: str
    values: Value
    rows: list[SourceRow]
    deliveries: Mapping[int, Delivery]
    effective: frozenset[int] | None = None


@dataclass(frozen=True)
class Line:
    """A source line read again: the state of the file, and the line as it stands there."""

    row: SourceRow
    state: str  # same, changed (other bytes than delivered), gone
    text: str | None


def trace(workspace: Workspace, register: Register, record: RunRecord, customer: str, name: str, column: str) -> Trace:
    """The rows behind one column of one customer. UsageError for an unknown table, column or customer."""
    contract = published_table(name, column)
    values = value_of(published_files(workspace, record)[name], contract, customer, column)
    if not values and not _assessed(workspace, record, customer):
        raise UsageError(
            f"customer {customer!r} is not in the assessment of {record.as_of}",
            remedy="risk-pipeline show mart.current_risk lists the customers",
        )
    rows = SourceRows(workspace, register, record).of(customer, feeds_behind(record, name, column))
    wanted = {row.delivery_id for row in rows}
    deliveries = {each.delivery_id: each for each in register.deliveries() if each.delivery_id in wanted}
    return Trace(record, customer, name, column, values, rows, deliveries)


def with_effective(
    workspace: Workspace, register: Register, found: Trace, progress: Callable[[str], None] = lambda step: None
) -> Trace:
    """The trace with the rows marked without which the figure would be another one: each is left out once."""
    contract = table(found.table)
    scope = SourceRows(workspace, register, found.run).scope(found.customer_id)

    def without(*row_ids: int) -> Value:
        seen = Seen(scope=replace(scope, without=row_ids))
        with computed_again(workspace, register, found.run, seen=seen, up_to=found.table) as files:
            return value_of(files[found.table], contract, found.customer_id, found.column)

    whole = without()
    effective = set()
    for number, row in enumerate(found.rows):
        progress(f"{number + 1} of {len(found.rows)}: without row {row.row_id}")
        if without(row.row_id) != whole:
            effective.add(row.row_id)
    return replace(found, effective=frozenset(effective))


def lines(workspace: Workspace, found: Trace) -> list[Line]:
    """The source lines of the rows as they stand in their files now. A file with other bytes than delivered is not quoted."""
    return [_line(workspace.root, row, found.deliveries[row.delivery_id]) for row in found.rows]


def published_table(name: str, column: str) -> Table:
    """The contract of a table of results that has this column. UsageError naming what there is."""
    contract = TABLES.get(name)
    if contract is None or contract.layer in ("feed", "audit"):
        layers = sorted(each for each, found in TABLES.items() if found.layer not in ("feed", "audit"))
        raise UsageError(f"{name!r} is no table of results", remedy=f"one of {', '.join(layers)}")
    if CUSTOMER not in contract.column_names:
        raise UsageError(f"{name} is of all customers at once", remedy="trace a figure of a customer; `lineage` tells of columns")
    if column not in contract.column_names:
        raise UsageError(f"{name} has no column {column!r}", remedy=f"one of {', '.join(contract.column_names)}")
    return contract


def value_of(path: Path, contract: Table, customer: str, column: str) -> Value:
    """The column of a customer in a published or staged file: its value in every row, with the key of the row."""
    key = [name for name in contract.key if name not in ("as_of", "customer_id")]
    columns = ", ".join([*key, column])
    with duckdb.connect() as con:
        found = con.execute(f"SELECT {columns} FROM {read(path)} WHERE customer_id = ? ORDER BY ALL", [customer]).fetchall()
    return tuple(found)


def _assessed(workspace: Workspace, record: RunRecord, customer: str) -> bool:
    state = published_files(workspace, record)["factor.customer_state"]
    return bool(value_of(state, table("factor.customer_state"), customer, "customer_id"))


def _line(root: Path, row: SourceRow, delivery: Delivery) -> Line:
    said = next((each for each in delivery.files if each.get("name") == row.source_file), None)
    path = root / row.source_file
    if said is None or not path.is_file():
        return Line(row, "gone", None)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != said["sha256"]:
        return Line(row, "changed", None)
    text = content.decode(said.get("encoding") or "utf-8", errors="replace").splitlines()
    return Line(row, "same", text[row.source_line - 1] if 0 < row.source_line <= len(text) else None)
