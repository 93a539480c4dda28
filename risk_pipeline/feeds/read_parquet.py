"""Parquet files as chunks of text rows: every typed cell in one fixed form.

Put here: row batches and the text of each type. Keep out: what a cell means (convert.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt

CHUNK_ROWS = 100_000


def open_parquet(receipt: Receipt) -> ParquetFile:
    """Open a Parquet file. Refused when it is none, or damaged."""
    try:
        file = pq.ParquetFile(receipt.path)
    except (OSError, pa.ArrowInvalid) as exc:
        raise Refused(
            f"{receipt.name}: not a readable Parquet file: {_first_line(exc)}", remedy="deliver it again, or say `format: csv`"
        ) from None
    schema = file.schema_arrow
    return ParquetFile(
        receipt,
        file,
        list(schema.names),
        frozenset(each.name for each in schema if pa.types.is_temporal(each.type) and not pa.types.is_time(each.type)),
    )


@dataclass
class ParquetFile:
    """A Parquet file: typed cells become text in one fixed form, dates and times as ISO days."""

    receipt: Receipt
    file: pq.ParquetFile
    header: list[str]
    iso_dates: frozenset[str]

    def facts(self) -> dict[str, object]:
        return {"format": "parquet"}

    def warnings(self) -> dict[str, int]:
        return {}

    def chunks(self) -> Iterator[Chunk]:
        """Row batches in file order. Refused when a page cannot be read or the file changed."""
        row = 1
        try:
            for batch in self.file.iter_batches(CHUNK_ROWS):
                lines = np.arange(row, row + batch.num_rows)
                yield Chunk(lines, partial(_as_text, batch, self.receipt.name))
                row += batch.num_rows
        except (OSError, pa.ArrowInvalid) as exc:
            told = f"{self.receipt.name}: cannot be read after row {row - 1}: {_first_line(exc)}"
            raise Refused(told, remedy="deliver it again") from None
        self.receipt.check_unchanged()


def _as_text(batch: pa.RecordBatch, file: str, names: Sequence[str]) -> pa.Table:
    return pa.table({name: _column_text(batch.column(name), file, name) for name in names})


def _column_text(array: pa.Array, file: str, name: str) -> pa.Array:
    try:
        return _text_array(array)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as exc:
        raise Refused(
            f"{file}: column {name!r} holds {array.type}, which has no text form: {_first_line(exc)}",
            remedy="export its parts as columns of their own, of text, numbers, dates or flags",
        ) from None


def _text_array(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _text_array(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        # The day as it is written in the file's own zone; the instant would move midnights to another day.
        return pc.strftime(array, format="%Y-%m-%d")
    if pa.types.is_date(kind):
        return pc.strftime(array.cast(pa.timestamp("s")), format="%Y-%m-%d")
    return array.cast(pa.string())


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
