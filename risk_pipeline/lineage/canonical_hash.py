"""The canonical hash of a published table: what it says, whatever file, compression, batches or threads it came through.

Put here: the hash of a table and of each of its columns, and what differs between two tables. Keep out: which tables of which
run are compared (pipeline), and the files' own checksums.

A column's hash is the SHA-256 of its name, kind, row count, which rows are NULL, and the values of the others in key order:
numbers as little-endian bytes of their contract type, -0.0 as 0.0 and every NaN alike, texts as UTF-8 with their lengths. The
table's is the SHA-256 of the canonical JSON (RFC 8785) of its columns'. The id of the run is left out: two runs can be compared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import rfc8785

from risk_pipeline.contracts import Table
from risk_pipeline.contracts.derive import arrow_type
from risk_pipeline.contracts.table import Kind

NOT_HASHED = ("run_id",)
BATCH_ROWS = 262_144
BYTES_OF: Mapping[Kind, pa.DataType] = {Kind.DATE: pa.int32(), Kind.TIMESTAMP: pa.int64(), Kind.FLAG: pa.uint8()}


@dataclass(frozen=True)
class TableHash:
    """Of one table: `sha256` of all of it, and by column (in declared order)."""

    rows: int
    sha256: str
    columns: Mapping[str, str]

    def differing(self, other: TableHash) -> tuple[str, ...]:
        """The columns that are not the same in both."""
        return tuple(
            name for name in dict.fromkeys((*self.columns, *other.columns)) if self.columns.get(name) != other.columns.get(name)
        )


class _Column:
    """The running hash of one column: one of its NULLs, one of the lengths of its texts, one of its values."""

    def __init__(self, name: str, kind: Kind) -> None:
        self.name, self.kind = name, kind
        self._nulls, self._lengths, self._values = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()

    def add(self, values: pa.Array) -> None:
        known = values.cast(arrow_type(self.kind))
        if known.null_count:
            known = known.drop_null()
        self._nulls.update(_bytes(values.is_null().cast(pa.uint8())))
        if self.kind in (Kind.TEXT, Kind.JSON):
            self._lengths.update(_bytes(pc.binary_length(known)))
            self._values.update(_text_bytes(known))
        else:
            self._values.update(_bytes(_canonical(known, self.kind)))

    def digest(self, rows: int) -> str:
        parts = [self._nulls.hexdigest(), self._lengths.hexdigest(), self._values.hexdigest()]
        return hashlib.sha256(rfc8785.dumps([self.name, self.kind.value, rows, *parts])).hexdigest()


def hash_table(contract: Table, path: Path) -> TableHash:
    """The hash of a Parquet file of the table, whose rows are in key order. Columns of the contract that it lacks have none."""
    with pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        columns = [_Column(c.name, c.kind) for c in contract.columns if c.name in present and c.name not in NOT_HASHED]
        rows = file.metadata.num_rows
        for batch in file.iter_batches(BATCH_ROWS, columns=[column.name for column in columns]):
            for column in columns:
                column.add(batch.column(column.name))
    by_column = {column.name: column.digest(rows) for column in columns}
    return TableHash(rows, hashlib.sha256(rfc8785.dumps(by_column)).hexdigest(), by_column)


def hash_tables(files: Mapping[Table, Path], threads: int) -> dict[str, TableHash]:
    """The hashes of several tables by full name. Decoding and hashing leave the interpreter free, so threads help."""
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(hash_table, files, files.values())
        return {contract.full_name: each for contract, each in zip(files, found, strict=True)}


def _canonical(values: pa.Array, kind: Kind) -> pa.Array:
    """Fixed-width values whose bytes are equal exactly when they mean the same."""
    if kind is Kind.NUMBER:
        positive = pc.if_else(pc.equal(values, 0.0), pa.scalar(0.0), values)
        return pc.if_else(pc.is_nan(positive), pa.scalar(float("nan")), positive)
    return values.cast(BYTES_OF[kind]) if kind in BYTES_OF else values


def _bytes(values: pa.Array) -> Any:
    """The bytes of a fixed-width array without NULLs."""
    width = values.type.bit_width // 8
    data = values.buffers()[1]
    return memoryview(data)[values.offset * width : (values.offset + len(values)) * width] if data is not None else b""


def _text_bytes(values: pa.Array) -> Any:
    """The bytes of all texts of an array without NULLs, one after another."""
    if not len(values):
        return b""
    _, offsets, data = values.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[values.offset] : ends[values.offset + len(values)]] if data is not None else b""
