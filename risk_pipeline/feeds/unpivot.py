"""A wide source read long: one row for each cell outside the columns kept.

Put here: turning chunks round. Keep out: reading them (read_*.py) and what a cell means (convert.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk, SourceFile
from risk_pipeline.feeds.spec import UnpivotSpec


class Unpivoted:
    """A source whose rows are the cells of `wide`, in the order of reading, each with the line of its wide row.

    Rows are counted long: a wide row of 41 cells is 41 rows read, less the cells that are one of `drop_nulls` (facts:
    `wide_rows`, `cells_dropped`). Columns without a name are left out.
    """

    def __init__(self, wide: SourceFile, spec: UnpivotSpec) -> None:
        self.receipt = wide.receipt
        self.header = [*spec.header]
        self._wide = wide
        self._spec = spec
        self._names = [name for name in wide.header if name and name not in spec.keep]
        self._wide_rows = self._dropped = 0
        twice = next((name for name in self._names if self._names.count(name) > 1), None)
        if twice is not None:
            raise Refused(
                f"{wide.receipt.name}: the header has {twice!r} more than once", remedy="rename one of them in the export"
            )
        if not self._names:
            raise Refused(
                f"{wide.receipt.name}: source.unpivot keeps every column, so there is nothing to turn round",
                remedy="name in `keep` only the columns that each row shares, such as its date",
            )
        days = {*spec.keep} & wide.iso_dates
        self.iso_dates = frozenset(days | ({spec.value} if wide.iso_dates.issuperset(self._names) else set()))

    def facts(self) -> dict[str, object]:
        """Those of the wide source; the counts are complete when all chunks have been read."""
        return {**self._wide.facts(), "wide_rows": self._wide_rows, "cells_dropped": self._dropped}

    def warnings(self) -> dict[str, int]:
        return self._wide.warnings()

    def chunks(self) -> Iterator[Chunk]:
        """Chunks of long rows, made in the caller's thread: how many there are depends on the cells."""
        self._wide_rows = self._dropped = 0
        for chunk in self._wide.chunks():
            keep = chunk.text(self._spec.keep)
            values = self._row_by_row(chunk)
            kept = np.flatnonzero(~self._is_dropped(values))
            self._wide_rows += len(chunk)
            self._dropped += len(values) - len(kept)
            if len(kept):
                yield self._long(chunk, keep, values, kept)

    def _row_by_row(self, chunk: Chunk) -> pa.Array:
        cells = chunk.text(self._names)
        columns = pa.concat_arrays([column.combine_chunks() for column in cells.columns])
        order = np.arange(len(columns)).reshape(len(self._names), len(chunk)).T.ravel()
        return columns.take(pa.array(order))

    def _is_dropped(self, values: pa.Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        text = pc.fill_null(pc.utf8_trim_whitespace(values), "")
        found = pc.is_in(text, value_set=pa.array(self._spec.drop_nulls, pa.string()))
        return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def _long(self, chunk: Chunk, keep: pa.Table, values: pa.Array, kept: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Chunk:
        row, column = kept // len(self._names), kept % len(self._names)
        table = keep.take(pa.array(row))
        table = table.append_column(self._spec.name, pa.array(self._names, pa.string()).take(pa.array(column)))
        table = table.append_column(self._spec.value, values.take(pa.array(kept)))
        return Chunk(chunk.lines[row], partial(_select, table), chunk.may_have_blanks)


def _select(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return table.select(list(names))
