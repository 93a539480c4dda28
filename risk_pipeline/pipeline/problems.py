"""The rows of a delivery that were rejected: told in a message, written to the quarantine.

Put here: collecting problems with flat memory, their summary, the quarantine part. Keep out: deciding what is a problem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.feeds.convert import LINE, PROBLEMS, SEQ
from risk_pipeline.feeds.delivery import DeliveryReader
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.store.lake import Lake

_FILE = "file_number"
_MOST_TOLD = 5
_ROWS_AT_ONCE = 20_000


class Problems:
    """Problems of one delivery, kept in a file of `work`. `rows`: problems so far (a row may have several)."""

    def __init__(self, spec: FeedSpec, work: Path) -> None:
        self._spec = spec
        self._work = work
        self._writer: pq.ParquetWriter | None = None
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], str] = {}

    @property
    def rows(self) -> int:
        return self._counts.total()

    def add(self, problems: pa.Table, file_number: int, file_name: str) -> None:
        """Note problems (schema PROBLEMS) of one file."""
        if not len(problems):
            return
        found = problems.group_by(["rule", "column_name"], use_threads=False).aggregate(
            [("rule", "count"), (LINE, "first"), ("value_text", "first")]
        )
        for each in found.to_pylist():
            kind = (each["column_name"], each["rule"])
            self._counts[kind] += each["rule_count"]
            value = "" if each["value_text_first"] is None else f": {each['value_text_first']!r}"
            self._first.setdefault(kind, f"{file_name} line {each[f'{LINE}_first']}{value}")
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._work / "problems.parquet", PROBLEMS.append(pa.field(_FILE, pa.int32())))
        numbers = pa.array(np.full(len(problems), file_number, dtype=np.int32))
        self._writer.write_table(problems.append_column(_FILE, numbers))

    def places(self, names: Sequence[str]) -> set[tuple[str, int, str, str]]:
        """(file, line, rule, column) of every problem; `names` of the files by number. For deliveries of few rows."""
        if self._writer is None:
            return set()
        self._close()
        found = pq.read_table(self._work / "problems.parquet").to_pylist()
        return {(names[row[_FILE]], row[LINE], row["rule"], row["column_name"]) for row in found}

    def summary(self) -> str:
        """What was rejected, the most frequent first, each with its first example; empty when nothing was."""
        told = [self._told(kind, count) for kind, count in self._counts.most_common(_MOST_TOLD)]
        more = len(self._counts) - len(told)
        return "; ".join([*told, *([f"and {more} more kinds"] if more else [])])

    def _told(self, kind: tuple[str, str], count: int) -> str:
        column, rule = kind
        mapping = self._spec.columns.get(column)
        source = ", ".join(mapping.source_columns) if mapping else ""
        asked = f", expected as {mapping.format or '%Y-%m-%d'}" if mapping and rule == "not_a_date" else ""
        named = f"{column} (from {source}{asked})" if source else column
        return f"{named} {rule} {count:,} x, first in {self._first[kind]}".strip()

    def write(self, lake: Lake, path: Path, delivery_id: int, reader: DeliveryReader, names: Sequence[str]) -> None:
        """Write the quarantine part: one row per problem, with the source row as JSON, read once more from the files."""
        self._close()
        problems = self._work / "problems.parquet"
        rows = self._work / "problem_rows.parquet"
        self._write_rows(reader, problems, rows)
        listed = "[" + ", ".join(map(_s, names)) + "]"
        config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "512MB", "temp_directory": str(self._work)}
        with duckdb.connect(config=config) as con, lake.write_atomic(path) as temporary:
            con.execute(
                f"""
                COPY (
                    SELECT CAST({delivery_id} AS BIGINT) AS delivery_id, {listed}[p.{_FILE} + 1] AS source_file,
                        p."{LINE}" AS source_line, p.rule, p.column_name, '{self._spec.feed}' AS feed, p.value_text, r.row_json
                    FROM read_parquet({_s(problems)}) p
                    JOIN read_parquet({_s(rows)}) r ON r.seq = p."{SEQ}"
                    ORDER BY p.{_FILE}, p."{LINE}", p.rule, p.column_name
                ) TO {_s(temporary)} (FORMAT parquet, COMPRESSION zstd)
                """
            )

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _write_rows(self, reader: DeliveryReader, problems: Path, rows: Path) -> None:
        wanted = np.unique(pq.read_table(problems, columns=[SEQ]).column(SEQ).to_numpy())
        schema = pa.schema([("seq", pa.int64()), ("row_json", pa.string())])
        with pq.ParquetWriter(rows, schema) as writer:
            batch: list[tuple[int, str]] = []
            for each in reader.source_rows(wanted):
                batch.append(each)
                if len(batch) == _ROWS_AT_ONCE:
                    writer.write_table(_table(batch, schema))
                    batch = []
            writer.write_table(_table(batch, schema))


def _table(rows: list[tuple[int, str]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ([], [])
    return pa.table([pa.array(list(values), field.type) for values, field in zip(columns, schema, strict=True)], schema=schema)


def _s(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"
