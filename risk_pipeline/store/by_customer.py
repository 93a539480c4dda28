"""A Parquet file whose rows are ordered by customer, read range by range.

Put here: finding the rows of a range and reading no more than the row groups that hold them. Keep out: what the rows mean, and
where the file lies (lake). Arrow reads without the interpreter's lock, so threads read their ranges side by side.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import Kind, Table
from risk_pipeline.contracts.derive import OWN_TEXTS, arrow_type

KEY = "customer_id"


class ByCustomer:
    """Columns of a file of `table`, ordered by customer_id. Texts that repeat come as dictionaries.

    A column of the table that an older file lacks is NULL; without a file there are no rows.
    """

    def __init__(self, table: Table, path: Path | None, columns: Sequence[str]) -> None:
        self.columns = [KEY, *(name for name in dict.fromkeys(columns) if name != KEY)]
        self._kinds = {name: table.column(name).kind for name in self.columns}
        self._path = path

        if path is not None:
            self._metadata = pq.read_metadata(path)
            self._present = [name for name in self.columns if name in self._metadata.schema.names]
            self._coded = [name for name in self._present if self._kinds[name] is Kind.TEXT and name not in (KEY, *OWN_TEXTS)]
            self._bounds = _bounds(self._metadata)

    def between(self, first: str, last: str) -> pa.Table:
        """The rows of the customers from `first` to `last`, both included."""
        if self._path is None:
            return pa.table({name: pa.array([], arrow_type(kind)) for name, kind in self._kinds.items()})
        groups = [place for place, (least, most) in enumerate(self._bounds) if least <= last and most >= first]
        with pq.ParquetFile(self._path, metadata=self._metadata, read_dictionary=self._coded) as file:
            found = rows_between(file.read_row_groups(groups, self._present, use_threads=False), first, last)
        for name in self.columns:
            if name not in self._present:
                found = found.append_column(name, pa.nulls(len(found), arrow_type(self._kinds[name])))
        return found

    def customers(self) -> pa.ChunkedArray:
        """customer_id of every row."""
        assert self._path is not None, "a table of customers has a file"
        return pq.read_table(self._path, columns=[KEY])[KEY]


def rows_between(rows: pa.Table, first: str, last: str) -> pa.Table:
    """Of rows ordered by customer_id those from `first` to `last`, both included."""
    ids, places = rows[KEY], range(len(rows))
    start = bisect_left(places, first, key=lambda at: str(ids[at].as_py()))
    stop = bisect_right(places, last, key=lambda at: str(ids[at].as_py()))
    return rows.slice(start, stop - start)


def _bounds(metadata: pq.FileMetaData) -> list[tuple[str, str]]:
    """Least and greatest customer_id of each row group; all texts there are where the file does not say."""
    place = metadata.schema.names.index(KEY)
    statistics = [metadata.row_group(group).column(place).statistics for group in range(metadata.num_row_groups)]
    return [(each.min, each.max) if each is not None and each.has_min_max else ("", chr(0x10FFFF)) for each in statistics]
