"""A SQL database as a source: a table or a query, read once, streamed, in a read-only transaction, every value as exact text.

Put here: the statement, the incremental cursor, values as text. Keep out: connecting and errors (sql_connection), where the
cursor's last value is kept (pipeline.ingest, in the delivery's record) and what a value means (convert).

The rows go through a server-side cursor into a Parquet file of texts in the work folder: memory stays flat, the delivery has
one content however often it is looked at, and the database is let go of before anything is judged.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from risk_pipeline.contracts import Kind
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.sql_connection import Database, connected

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS = 10_000
_METADATA = b"risk_pipeline"


@dataclass
class SqlRows:
    """The rows of one read of a database, as texts in a file. `cursor`: column, `from` and `to`; None without one."""

    receipt: Receipt
    header: list[str]
    iso_dates: frozenset[str]
    cursor: dict[str, str | None] | None
    rows: int

    def facts(self) -> dict[str, object]:
        """For the delivery's record; the next ingest goes on from `cursor.to`."""
        return {"format": "sql", **({"cursor": self.cursor} if self.cursor else {})}

    def warnings(self) -> dict[str, int]:
        return {}

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the order the database gave them; a line is a row number, from 1."""
        row = 1
        with pq.ParquetFile(self.receipt.path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield Chunk(np.arange(row, row + batch.num_rows), partial(_columns, batch))
                row += batch.num_rows
        self.receipt.check_unchanged()


def fetch(spec: FeedSpec, work: Path, since: str | None = None) -> SqlRows:
    """Read the source of a feed into `work`. `since`: the cursor's value to go on from (inclusive), None = `cursor.start`.

    Refused, in words and without secrets, when the database cannot be reached, has no such table or column, would be written
    to, takes too long, or holds values of a mapped column that have no exact text. UsageError when the secret or the driver is
    missing, or the secret is no URL.
    """
    name, path, cursor = f"sql:{spec.feed}", work / "rows.parquet", spec.source.cursor
    since = since if since is not None or cursor is None else cursor.start
    with connected(spec.source, name) as database, database.refusing(), _Question(database, spec).ask(since) as rows:
        stream = _Stream(spec, name, rows)
        reached = stream.write(path, since)
    stat = path.stat()
    receipt = Receipt(path, name, stat.st_size, stat.st_mtime_ns, stream.sha256)
    told = _told(cursor.column, since, reached) if cursor else None
    return SqlRows(receipt, stream.names, frozenset(stream.iso_dates), told, stream.rows)


def open_rows(receipt: Receipt) -> SqlRows:
    """The rows that `fetch` wrote, from their receipt."""
    with pq.ParquetFile(receipt.path) as file:
        about = json.loads(file.metadata.metadata[_METADATA])
        return SqlRows(receipt, file.schema_arrow.names, frozenset(about["iso_dates"]), about["cursor"], file.metadata.num_rows)


# The statement


class _Question:
    """What is asked of the database: the columns the feed needs, in order of the cursor where there is one."""

    def __init__(self, database: Database, spec: FeedSpec) -> None:
        self._connection = database.connection
        self._name = database.name
        self._spec = spec
        self._source = spec.source

    def ask(self, since: str | None) -> sa.CursorResult[Any]:
        """The rows, streamed."""
        statement = self._statement(since)
        return self._connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS).execute(statement)

    def _statement(self, since: str | None) -> sa.Executable:
        import sqlalchemy as sa

        cursor = self._source.cursor
        if self._source.table is not None:
            rows: sa.FromClause = self._table(self._source.table)
            wanted = sa.select(*rows.c)
        else:
            # A colon would be read as the name of a parameter.
            query = sa.text(str(self._source.query).strip().rstrip(";").replace(":", "\\:"))
            if cursor is None:
                return query
            rows = query.columns(sa.column(cursor.column)).subquery("feed_rows")
            wanted = sa.select(sa.literal_column("*")).select_from(rows)
        if cursor is None:
            return wanted
        if cursor.column not in rows.c:
            raise _no_column(self._name, [cursor.column], [each.name for each in rows.c])
        column = rows.c[cursor.column]
        if since is not None:
            # Rows as old as the last one seen may have come after it was read; rows without a value would never be read.
            wanted = wanted.where(sa.or_(column >= self._bound(column, since), column.is_(None)))
        return wanted.order_by(column)

    def _table(self, full_name: str) -> sa.TableClause:
        """The columns of a table or view that the feed needs; names are quoted where they must be."""
        import sqlalchemy as sa
        from sqlalchemy.exc import NoSuchTableError

        schema, _, table = full_name.rpartition(".")
        try:
            names = [each["name"] for each in sa.inspect(self._connection).get_columns(table, schema=schema or None)]
        except NoSuchTableError:
            raise Refused(
                f"{self._name}: there is no table or view {full_name} that this user can see",
                remedy="mend source.table (SCHEMA.NAME) in the feed YAML, or grant the user the right to read it",
            ) from None
        wanted = {*_needed(self._spec, self._name, names), *([self._source.cursor.column] if self._source.cursor else [])}
        return sa.table(table, *(sa.column(each) for each in names if each in wanted), schema=schema or None)

    def _bound(self, column: sa.ColumnElement[Any], since: str) -> sa.BindParameter[Any]:
        """The cursor's value as the database compares it. SQLite sorts every number before every text, whatever it says."""
        import sqlalchemy as sa

        value: str | int | float = since
        if self._connection.dialect.name == "sqlite":
            kind = self._connection.execute(sa.select(sa.func.typeof(column)).where(column.is_not(None)).limit(1)).scalar()
            try:
                value = {"integer": int, "real": float}.get(str(kind), str)(since)
            except ValueError:
                raise Refused(
                    f"{self._name}: the cursor {column.name} holds numbers, and {since!r} is none",
                    remedy="mend source.cursor.start",
                ) from None
        return sa.bindparam("since", value, type_=sa.types.NullType())


# The rows


class _Stream:
    """The rows of a result on their way into a file of texts. `rows`, `sha256` and `iso_dates` are complete after `write`."""

    def __init__(self, spec: FeedSpec, name: str, result: sa.CursorResult[Any]) -> None:
        if not result.returns_rows:
            raise Refused(f"{name}: the query returns no rows", remedy="write a SELECT in source.query")
        self._result = result
        self._name = name
        self._zone = ZoneInfo(spec.source.time_zone) if spec.source.time_zone else None
        self._zone_told = spec.source.time_zone is not None
        self._places = list(result.keys())
        self._cursor = spec.source.cursor.column if spec.source.cursor else None
        self.names = _needed(spec, name, self._places)
        self._days = {own.source for column, own in spec.columns.items() if spec.table.column(column).kind is Kind.DATE}
        self.iso_dates: set[str] = set()
        self.rows = 0
        self.sha256 = ""

    def write(self, path: Path, since: str | None) -> str | None:
        """Write the rows to `path`; returns the last value of the cursor, `since` when no row has one."""
        digest = hashlib.sha256(json.dumps(self.names).encode())
        reached = since
        schema = pa.schema([(name, pa.string()) for name in self.names])
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for rows in self._result.partitions(BATCH_ROWS):
                columns = dict(zip(self._places, zip(*rows, strict=True), strict=True))
                texts = [pa.array(self._texts(name, columns[name]), pa.string()) for name in self.names]
                for each in texts:
                    _add(digest, each)
                writer.write_batch(pa.record_batch(texts, schema=schema))
                self.rows += len(rows)
                if self._cursor is not None:
                    reached = next((_exact(each) for each in reversed(columns[self._cursor]) if each is not None), reached)
            cursor = _told(self._cursor, since, reached) if self._cursor else None
            writer.add_key_value_metadata({_METADATA: json.dumps({"iso_dates": sorted(self.iso_dates), "cursor": cursor})})
        self.sha256 = digest.hexdigest()
        return reached

    def _texts(self, name: str, values: Sequence[Any]) -> list[str | None]:
        """The exact text of every value of a column."""
        kinds = {type(each) for each in values} - {type(None)}
        if kinds & {date, datetime}:
            self.iso_dates.add(name)
        forms = {kind: self._form(name, kind, values) for kind in kinds}
        return [None if each is None else forms[type(each)](each) for each in values]

    def _form(self, name: str, kind: type[Any], values: Sequence[Any]) -> Callable[[Any], str]:
        if kind is datetime:
            zoned = next((place for place, each in enumerate(values) if isinstance(each, datetime) and each.tzinfo), None)
            if zoned is not None and self._zone is None:
                raise Refused(
                    f"{self._name}: row {self.rows + zoned + 1}: {name} is a time with a zone; which day it is depends on where",
                    remedy="say `time_zone: Europe/Berlin` (your own) in the feed's source, or cast it in the query",
                )
            return partial(_day, self._zone) if name in self._days else partial(_moment, self._zone)
        form = _FORMS.get(kind)
        if form is None:
            place = next(place for place, each in enumerate(values) if type(each) is kind)
            raise Refused(
                f"{self._name}: row {self.rows + place + 1}: {name} holds {kind.__name__}, which has no one text",
                remedy="leave the column out of the mapping, or turn it into text or a number in source.query",
            )
        return form


def _needed(spec: FeedSpec, name: str, available: Sequence[str]) -> list[str]:
    """The columns that the mapping or `where` reads, in the source's order. Refused when one is missing or stands twice."""
    missing = [each for each in spec.source_columns if each not in available]
    if missing:
        raise _no_column(name, missing, available)
    where = (spec.where or "").casefold()
    wanted = [each for each in available if each in spec.source_columns or each.casefold() in where]
    folded = [each.casefold() for each in wanted]
    twice = next((each for each in wanted if folded.count(each.casefold()) > 1), None)
    if twice is not None:
        raise Refused(
            f"{name}: the query gives {twice!r} more than once (case does not count)",
            remedy="name the columns in source.query, with AS where two are called the same",
        )
    return wanted


def _no_column(name: str, missing: Sequence[str], available: Sequence[str]) -> Refused:
    near = difflib.get_close_matches(missing[0], available, n=1)
    return Refused(
        f"{name}: no column {', '.join(map(repr, missing))}; the source has {', '.join(available) or 'no columns'}",
        remedy="mend the mapping or the source in the feed YAML" + (f"; did you mean {near[0]!r}?" if near else ""),
    )


def _add(digest: hashlib._Hash, texts: pa.Array) -> None:
    """Add a column to the hash: the length of each text (-1 = NULL), then the texts."""
    digest.update(np.ascontiguousarray(pc.binary_length(texts).fill_null(-1).to_numpy(zero_copy_only=False), "<i4").tobytes())
    digest.update("".join(filter(None, texts.to_pylist())).encode())


def _told(column: str, since: str | None, reached: str | None) -> dict[str, str | None]:
    """What the delivery's record says of the cursor."""
    return {"column": column, "from": since, "to": reached}


def _columns(batch: pa.RecordBatch, names: Sequence[str]) -> pa.Table:
    return pa.Table.from_batches([batch]).select(list(names))


def _float(value: float) -> str:
    """The shortest text that reads back as the same double, without an exponent."""
    return format(Decimal(repr(value)), "f")


def _decimal(value: Decimal) -> str:
    return format(value, "f")


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _local(zone: ZoneInfo | None, value: datetime) -> datetime:
    return value.astimezone(zone).replace(tzinfo=None) if value.tzinfo else value


def _day(zone: ZoneInfo | None, value: datetime) -> str:
    return _local(zone, value).date().isoformat()


def _moment(zone: ZoneInfo | None, value: datetime) -> str:
    return _local(zone, value).isoformat(" ")


_FORMS: Mapping[type[Any], Callable[[Any], str]] = {
    str: str,
    int: str,
    bool: _flag,
    float: _float,
    Decimal: _decimal,
    date: date.isoformat,
    time_of_day: time_of_day.isoformat,
    UUID: str,
}


def _exact(value: Any) -> str:
    """A cursor's value as the database reads it back."""
    return value.isoformat(" ") if isinstance(value, datetime) else _FORMS.get(type(value), str)(value)
