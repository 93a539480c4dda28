"""Opening the register's database: URL, connection settings, the way to the newest schema, and whether it can be read at all.

Put here: everything that differs between SQLite and PostgreSQL. Keep out: queries (register.py).
Alembic is imported only when a migration is needed: an up-to-date register opens with one small query.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    Engine,
    Table,
    Text,
    and_,
    cast,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import ArgumentError, DBAPIError

from risk_pipeline.errors import Refused, RiskError, UsageError
from risk_pipeline.store.register.models import Base

HEAD = "0003"
VERSION_TABLE = "register_version"  # not alembic_version: the database may be shared with another program of that habit
BUSY_TIMEOUT_MS = 30_000
DAMAGE = ("malformed", "not a database")  # what SQLite says of a file that is cut off or written over
_MIGRATION_LOCK = 0x5249534B  # an arbitrary constant ("RISK"): the PostgreSQL advisory lock of a migration


def open_engine(url: str) -> Engine:
    """An engine whose database has the newest schema. Errors as in Register.open."""
    engine = _engine(_parsed(url))
    try:
        if _version(engine) != HEAD:
            _migrate(engine)
    except DBAPIError as exc:
        engine.dispose()
        if any(word in str(exc.orig) for word in DAMAGE):
            raise Refused(f"the register {_shown(engine.url)} is damaged: {exc.orig}", remedy="restore it from a backup") from exc
        remedy = "check that the database is up and that `register_url` in risk.yaml names it"
        if engine.url.get_backend_name() == "sqlite":
            remedy = "check that the folder of the register can be written to, and that its disk is not full"
        raise RiskError(f"the register {_shown(engine.url)} cannot be opened: {exc.orig}", remedy=remedy) from exc
    except BaseException:
        engine.dispose()
        raise
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError("the register URL is not of the form sqlite:///PATH or postgresql://USER@HOST/DATABASE") from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise UsageError(f"the register cannot be kept in {_shown(parsed)}: use an SQLite file or PostgreSQL")
    return parsed


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as exc:
        raise UsageError(
            f"a register in PostgreSQL needs the driver {exc.name}, which is not installed",
            remedy="install customer-risk-pipeline[postgres]",
        ) from None


def _prepare_sqlite(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions are begun below, explicitly
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    options: Mapping[str, Any] = connection.get_execution_options()
    # A transaction that reads first and writes later fails at once when another one wrote in between, whatever the busy
    # timeout says. Taking the write lock first makes it wait instead.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("register_write") else "BEGIN")


def file_damage(connection: Connection) -> list[str]:
    """What SQLite's own check says of its file, and what would change rows behind our back. Nothing for a sound one, and for
    PostgreSQL, which checks its pages itself.
    """
    if connection.dialect.name != "sqlite":
        return []
    try:
        said = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(10)"))]
    except DBAPIError as exc:
        said = [str(exc.orig)]
    damage = [f"the file of the register is damaged: {each}" for each in said if each != "ok"]
    if damage:
        return damage
    foreign = connection.execute(text("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view') ORDER BY name"))
    return [f"the register has a {kind} {name} that this program did not put there" for kind, name in foreign]


def row_damage(connection: Connection) -> list[str]:
    """The rows that cannot be read: a time that is none, JSON that is none."""
    found = []
    for source in Base.metadata.sorted_tables:
        keys = list(source.primary_key)
        try:
            for key in connection.execute(select(*(cast(column, Text) for column in keys))).all():
                mine = and_(*(cast(column, Text) == value for column, value in zip(keys, key, strict=True)))
                found += _unreadable(connection, source, mine, key)
        except DBAPIError as exc:
            found.append(f"{source.name}: cannot be read: {exc.orig}")
    return found


def _unreadable(connection: Connection, source: Table, mine: ColumnElement[bool], key: Sequence[Any]) -> list[str]:
    try:
        connection.execute(select(source).where(mine)).all()
    except (ValueError, TypeError, DBAPIError) as exc:
        return [f"{source.name} {' '.join(map(str, key))}: cannot be read: {exc}"]
    return []


def _version(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _version_on(connection)


def _version_on(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.execution_options(register_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if _version_on(connection) == HEAD:
            return  # another process was faster
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as exc:
            raise RiskError(
                f"the register {_shown(engine.url)} has schema {_version_on(connection)}, which this version does not know",
                remedy="it was written by a newer risk-pipeline: install that version",
            ) from exc
