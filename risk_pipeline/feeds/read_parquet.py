"""Parquet files as chunks of text rows: every typed cell in one fixed form.

Put here: row batches and the text of each type. Keep out: what a cell means (convert.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
    """A Parquet file: typed cells become text in one fixed form, dates and times as ISO days.

    Warning `time_of_day_dropped`: moments that were no midnight, in the columns asked for. In a file that keeps UTC, a day of
    another zone begins at such a moment, perhaps on the day before.
    """

    receipt: Receipt
    file: pq.ParquetFile
    header: list[str]
    iso_dates: frozenset[str]
    _times_dropped: list[int] = field(default_factory=list)

    def facts(self) -> dict[str, object]:
        return {"format": "parquet"}

    def warnings(self) -> dict[str, int]:
        return {"time_of_day_dropped": sum(self._times_dropped)} if any(self._times_dropped) else {}

    def chunks(self) -> Iterator[Chunk]:
        """Row batches in file order. Refused when a page cannot be read or the file changed."""
        row = 1
        try:
            for batch in self.file.iter_batches(CHUNK_ROWS):
                lines = np.arange(row, row + batch.num_rows)
                yield Chunk(lines, partial(self._text, batch))
                row += batch.num_rows
        except (OSError, pa.ArrowInvalid) as exc:
            told = f"{self.receipt.name}: cannot be read after row {row - 1}: {_first_line(exc)}"
            raise Refused(told, remedy="deliver it again") from None
        self.receipt.check_unchanged()

    def _text(self, batch: pa.RecordBatch, names: Sequence[str]) -> pa.Table:
        columns = {name: batch.column(name) for name in names}
        self._times_dropped.extend(_times(each) for each in columns.values() if pa.types.is_timestamp(each.type))
        return pa.table({name: _column_text(each, self.receipt.name, name) for name, each in columns.items()})


def _times(moments: pa.Array) -> int:
    midnights = pc.equal(pc.floor_temporal(moments, unit="day"), moments)
    return int(pc.sum(pc.invert(midnights)).as_py() or 0)


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
