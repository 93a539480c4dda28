"""What a new delivery says about rows of other feeds, counted over the feed store.

Put here: the set-based queries behind the warnings of one delivery. Keep out: which columns refer to what
(contracts.cross_feed), the same questions in a run (gates.cross_feed), and any change of a row: these are warnings.

Keys are compared in slices of KEYS_AT_ONCE, so that memory does not grow with the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from risk_pipeline.contracts import Table
from risk_pipeline.contracts.cross_feed import APPLIED_ABOVE_INVOICE, Reference, alike_in, references_of
from risk_pipeline.store.staging import KEYS_AT_ONCE, all_rows_sql

History = Callable[[str], tuple[Sequence[Path], Sequence[Path]]]


def cross_feed_warnings(
    con: duckdb.DuckDBPyConnection, target: Table, part: Path, closures: Path | None, history: History
) -> dict[str, int]:
    """Warning -> rows of the new part of feed `target`; for `applied_above_invoice` -> invoices it names.

    `history(feed)`: parts and closures before this delivery; `closures`: the rows it closes. A feed that was never delivered
    is not missed: its customers are derived, its invoices may not be part of the ledger.
    """

    def rows_of(feed: str) -> str | None:
        """Every row of a feed, those of this delivery included; None when it was never delivered."""
        paths, closed = history(feed)
        if feed == target.name:
            paths, closed = [*paths, part], [*closed, *([closures] if closures else [])]
        return all_rows_sql(paths, closed) if paths else None

    found: Counter[str] = Counter()
    named = _columns_with_values(part)
    for reference in references_of(target):
        if reference.column in named and (known := rows_of(reference.feed)) is not None:
            found.update(_count(con, target, reference, part, known))
    if target.name == "payment_application":
        mine, invoices = rows_of(target.name), rows_of("invoice")
        if mine is not None and invoices is not None:
            found[APPLIED_ABOVE_INVOICE] = _above_invoice(con, part, mine, invoices, rows_of("payment"))
    return {name: rows for name, rows in found.items() if rows}


def _columns_with_values(part: Path) -> set[str]:
    """The columns that are not NULL in every row, by the statistics of the file: the others refer to nothing."""
    metadata = pq.read_metadata(part)
    empty = set(metadata.schema.names)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            counted = column.statistics
            if counted is None or not counted.has_null_count or counted.null_count < group.num_rows:
                empty.discard(column.path_in_schema)
    return set(metadata.schema.names) - empty


def _count(con: duckdb.DuckDBPyConnection, target: Table, reference: Reference, part: Path, known: str) -> Counter[str]:
    column, key = f'"{reference.column}"', f'"{reference.key}"'
    alike = alike_in(reference, target)
    also = "".join(f', "{name}"' for name, _ in alike)
    asked = [f"count(*) FILTER (WHERE k.{key} IS NULL)"]
    asked += [f'count(*) FILTER (WHERE k."{name}" <> n."{name}")' for name, _ in alike]
    found: Counter[str] = Counter()
    slices = pq.read_metadata(part).num_rows // KEYS_AT_ONCE + 1
    for number in range(slices):
        # DISTINCT only where the key is not whole: payment terms have several rows of one code.
        distinct = "" if alike else "DISTINCT "
        row = con.execute(
            f"SELECT {', '.join(asked)} FROM (SELECT {column}{also} FROM read_parquet(?)"
            f" WHERE {column} IS NOT NULL AND hash({column}) % {slices} = {number}) n"
            f" LEFT JOIN (SELECT {distinct}{key}{also} FROM ({known}) WHERE open AND hash({key}) % {slices} = {number}) k"
            f" ON n.{column} = k.{key}",
            [str(part)],
        ).fetchone()
        assert row is not None  # an aggregate without GROUP BY has exactly one row
        found.update(dict(zip([reference.unknown, *(warning for _, warning in alike)], row, strict=True)))
    return found


def _above_invoice(con: duckdb.DuckDBPyConnection, part: Path, applications: str, invoices: str, payments: str | None) -> int:
    """Invoices named in the part to which all applications in force together apply more than they bill.

    A payment that came back takes its applications with it, as in the ledger formulas (factors/steps/reduction.sql).
    """
    returned = "SELECT CAST(NULL AS VARCHAR) AS payment_id WHERE false"
    if payments is not None:
        returned = f"SELECT payment_id FROM ({payments}) WHERE open AND status IN ('returned', 'reversed')"
    total = 0
    slices = pq.read_metadata(part).num_rows // KEYS_AT_ONCE + 1
    for number in range(slices):
        mine = f"hash(invoice_id) % {slices} = {number}"
        row = con.execute(
            f"""
            WITH named AS (SELECT DISTINCT invoice_id FROM read_parquet(?) WHERE invoice_id IS NOT NULL AND {mine}),
            applied AS (
                SELECT invoice_id, sum(amount + coalesce(discount_amount, 0)) AS applied
                FROM ({applications}) SEMI JOIN named USING (invoice_id) ANTI JOIN ({returned}) USING (payment_id)
                WHERE open AND reversed_date IS NULL GROUP BY invoice_id
            )
            SELECT count(*) FROM applied a JOIN (SELECT invoice_id, amount FROM ({invoices}) WHERE open AND {mine}) i
            USING (invoice_id) WHERE i.amount > 0 AND a.applied > i.amount
            """,
            [str(part)],
        ).fetchone()
        assert row is not None  # an aggregate without GROUP BY has exactly one row
        total += int(row[0])
    return total
