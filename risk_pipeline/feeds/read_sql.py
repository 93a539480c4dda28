"""A SQL database as a source: a table or a query, read once, streamed, in a read-only transaction, every value as exact text.

Put here: connecting, the statement, the incremental cursor, values as text, what went wrong in words. Keep out: where the
cursor's last value is kept (pipeline.ingest, in the delivery's record) and what a value means (convert).

The rows go through a server-side cursor into a Parquet file of texts in the work folder: memory stays flat, the delivery has
one content however often it is looked at, and the database is let go of before anything is judged. Nothing that stands in the
URL is ever shown or recorded, not even in the words of a driver.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from risk_pipeline.contracts import Kind
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec, SourceSpec
from risk_pipeline.settings import resolve_secret

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH_ROWS = 10_000
CONNECT_SECONDS = 15
_METADATA = b"risk_pipeline"
_SHORTEST_SECRET = 3

# What went wrong: SQLSTATEs, words of SQLite, what to do about it.
_REMEDIES: Sequence[tuple[tuple[str, ...], tuple[str, ...], str]] = (
    (("28P01", "28000"), ("password", "authentication"), "check user and password in the secret that source.url names"),
    (("3D000",), (), "check the name of the database in the secret that source.url names"),
    (("42P01", "3F000"), ("no such table",), "mend source.table or source.query in the feed YAML"),
    (("42703",), ("no such column",), "mend the column in source.query, source.cursor or the mapping"),
    (("42501",), ("access permission",), "grant the user of source.url the right to read it"),
    (("25006", "0A000"), ("readonly database",), "a source is only read: write a query without side effects"),
    (("57014",), ("interrupted",), "narrow the query, add an index, or raise source.timeout_seconds"),
    (("42601",), ("syntax error",), "mend source.query; try it in the database's own shell"),
    ((), ("date too", "timestamp too"), "mend such days in source.query: they lie before year 1 or after 9999, or are infinity"),
    (("22007", "22P02", "22008"), (), "mend source.cursor.start: it must be a value of the cursor column"),
)
_READ = "cannot be read"
_REMEDY = "try the query in the database's own shell with the same user"


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
    with _connected(spec.source, name) as database, database.rows(spec, since) as rows:
        stream = _Stream(spec, name, rows)
        with database.refusing(_READ):
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


# The database


class _Database:
    """A connection for one read. Its errors leave here without a secret."""

    def __init__(self, connection: sa.Connection, source: SourceSpec, name: str, words: _Words) -> None:
        self._connection = connection
        self._source = source
        self._name = name
        self._words = words

    @contextmanager
    def refusing(self, what: str) -> Iterator[None]:
        """Turn what a driver raises into Refused; `what` went wrong when it did."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as exc:
            raise self._words.refused(what, exc) from None

    def rows(self, spec: FeedSpec, since: str | None) -> sa.CursorResult[Any]:
        """Begin to read the columns the feed needs, in order of the cursor where there is one."""
        with self.refusing(_READ):
            self._limit_time()
            statement = self._statement(spec, since)
            streaming = self._connection.execution_options(stream_results=True, max_row_buffer=BATCH_ROWS)
            return streaming.execute(statement)

    def _limit_time(self) -> None:
        seconds = self._source.timeout_seconds
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds * 1000}")
        elif self._connection.dialect.name == "sqlite":
            deadline = time.monotonic() + seconds
            driver: Any = self._connection.connection.driver_connection
            driver.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)

    def _statement(self, spec: FeedSpec, since: str | None) -> sa.Executable:
        import sqlalchemy as sa

        cursor = self._source.cursor
        if self._source.table is not None:
            rows: sa.FromClause = self._table(spec, self._source.table)
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

    def _table(self, spec: FeedSpec, full_name: str) -> sa.TableClause:
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
        wanted = {*_needed(spec, self._name, names), *([self._source.cursor.column] if self._source.cursor else [])}
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


@contextmanager
def _connected(source: SourceSpec, name: str) -> Iterator[_Database]:
    """A connection in a transaction that can only read, and that is rolled back whatever happens."""
    from sqlalchemy.exc import SQLAlchemyError

    url = _parsed(source, name)
    words = _Words(name, url)
    engine = _engine(url, source, name)
    try:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, sqlite3.Error, OSError) as exc:
            raise words.refused("the database cannot be reached", exc) from None
        with connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            yield _Database(connection, source, name, words)
            connection.rollback()
    finally:
        engine.dispose()


def _parsed(source: SourceSpec, name: str) -> sa.URL:
    from sqlalchemy import make_url

    try:
        url = make_url(str(resolve_secret(source.url)))
        if "@" in (url.host or ""):
            raise ValueError
    except UsageError as exc:  # the secret is not there
        raise UsageError(f"{name}: {exc.message}", remedy=exc.remedy) from None
    except Exception:  # whatever a parser says may hold a piece of the password
        raise UsageError(
            f"{name}: what {source.url} holds is no database URL",
            remedy="it has the form postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:////PATH/FILE.db; in user and"
            " password @ : / and % are written as %40 %3A %2F %25",
        ) from None
    if url.get_backend_name() in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise UsageError(
            f"{name}: what {source.url} holds names no SQLite file", remedy="it has the form sqlite:////PATH/FILE.db"
        )
    return url


def _engine(url: sa.URL, source: SourceSpec, name: str) -> sa.Engine:
    import sqlalchemy as sa
    from sqlalchemy.exc import NoSuchModuleError

    options: dict[str, Any] = {"poolclass": sa.NullPool, "hide_parameters": True}
    if url.get_backend_name() == "sqlite":
        # Opened the plain way, a file that is not there would be made.
        path = f"file:{quote(str(url.database))}?mode=ro"
        options["creator"] = lambda: sqlite3.connect(path, uri=True, check_same_thread=False)
    elif url.get_backend_name() == "postgresql":
        options["connect_args"] = {"connect_timeout": min(CONNECT_SECONDS, source.timeout_seconds)}
    try:
        return sa.create_engine(url, **options)
    except ModuleNotFoundError as exc:
        extra = " (pip install 'customer-risk-pipeline[postgres]')" if exc.name == "psycopg" else ""
        raise UsageError(
            f"{name}: the driver {exc.name} of this database is not installed", remedy=f"install {exc.name}{extra}"
        ) from None
    except NoSuchModuleError:
        raise UsageError(
            f"{name}: what {source.url} holds names a kind of database that is not known",
            remedy="use postgresql://, sqlite:///, or install the SQLAlchemy dialect of your database",
        ) from None


class _Words:
    """What went wrong, in the words of the driver without any secret of the URL."""

    def __init__(self, name: str, url: sa.URL) -> None:
        self._name = name
        given = [url.password, *(each for value in url.query.values() for each in ([value] if isinstance(value, str) else value))]
        secrets = {form for each in given if each for form in (str(each), quote(str(each), safe=""))}
        self._secrets = sorted(secrets, key=len, reverse=True)

    def refused(self, what: str, exc: BaseException) -> Refused:
        """The refusal for an exception of SQLAlchemy or a driver."""
        driver = getattr(exc, "orig", None) or exc
        state, words = getattr(driver, "sqlstate", None), self._without_secrets(str(driver))
        remedy = next(
            (
                remedy
                for states, parts, remedy in _REMEDIES
                if state in states or (state is None and any(part in words.lower() for part in parts))
            ),
            _REMEDY if state or what == _READ else "check that the database is up and that source.url names it",
        )
        return Refused(f"{self._name}: {what}: {words}", remedy=remedy)

    def _without_secrets(self, text: str) -> str:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        said = lines[0] if lines else "no reason given"
        for secret in self._secrets:
            if len(secret) < _SHORTEST_SECRET and secret in said:
                return "(the words of the driver are not shown: they hold characters of the password)"
            said = said.replace(secret, "***")
        return said


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
