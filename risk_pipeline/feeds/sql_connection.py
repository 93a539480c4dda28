"""A connection to a database that is only read, and what went wrong in words, without a secret.

Put here: the address and its secrets, the engine, the read-only transaction and its time limit, errors of drivers as Refused.
Keep out: what is asked (read_sql). Nothing of a password is ever shown or recorded, not even in the words of a driver.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds.spec import SourceSpec
from risk_pipeline.settings import resolve_secret

if TYPE_CHECKING:
    import sqlalchemy as sa

CONNECT_SECONDS = 15
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


@dataclass(frozen=True)
class Database:
    """A connection for one read. `name`: what is read, for messages."""

    connection: sa.Connection
    name: str
    words: Words

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Turn what a driver raises while reading into Refused."""
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as exc:
            raise self.words.refused(_READ, exc) from None


@contextmanager
def connected(source: SourceSpec, name: str) -> Iterator[Database]:
    """A connection in a transaction that can only read, and that is rolled back whatever happens.

    Refused, without a secret, when the database cannot be reached; UsageError when the secret that `source.url` names or the
    driver is missing, or the secret is no URL.
    """
    from sqlalchemy.exc import SQLAlchemyError

    url = _parsed(source, name)
    words = Words(name, url)
    engine = _engine(url, source, name)
    try:
        try:
            connection = engine.connect()
        except (SQLAlchemyError, sqlite3.Error, OSError) as exc:
            raise words.refused("the database cannot be reached", exc) from None
        with connection:
            if connection.dialect.name == "postgresql":
                connection = connection.execution_options(postgresql_readonly=True)
            database = Database(connection, name, words)
            with database.refusing():
                _limit_time(connection, source.timeout_seconds)
            yield database
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


def _limit_time(connection: sa.Connection, seconds: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {seconds * 1000}")
    elif connection.dialect.name == "sqlite":
        deadline = time.monotonic() + seconds
        driver: Any = connection.connection.driver_connection
        driver.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)


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


class Words:
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
