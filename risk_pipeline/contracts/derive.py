"""Forms derived from a Table: Arrow schema, pandera schema, SQLAlchemy table, and typed frames to Arrow.

Put here: one function per derived form. Keep out: fields and tables, and any reading or writing of files or databases.
pyarrow, pandas, pandera and SQLAlchemy are imported inside the functions (contracts must import fast).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from risk_pipeline.contracts.table import Kind, Table

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_type(kind: Kind) -> pa.DataType:
    """The Arrow type of a kind; timestamps are UTC without a zone, in microseconds, as DuckDB's TIMESTAMP."""
    import pyarrow as pa

    return {
        Kind.TEXT: pa.string(),
        Kind.DATE: pa.date32(),
        Kind.MONEY: pa.decimal128(18, 2),
        Kind.RATE: pa.decimal128(18, 10),
        Kind.INTEGER: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.TIMESTAMP: pa.timestamp("us"),
        Kind.JSON: pa.string(),
    }[kind]


def arrow_schema(table: Table) -> pa.Schema:
    """Arrow schema in declared order; key and required columns are not nullable."""
    import pyarrow as pa

    return pa.schema([pa.field(c.name, arrow_type(c.kind), nullable=not c.required) for c in table.columns])
