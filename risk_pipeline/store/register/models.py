"""The tables of the register, as SQLAlchemy models.

Put here: columns, keys and types; a change here needs a migration in migrations/versions (a test compares the two).
Keep out: queries (register.py). Names and columns follow the contracts audit.*, which the catalogue fills from here.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, DateTime, Dialect, ForeignKey, ForeignKeyConstraint, Index, MetaData, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime in Python, a UTC timestamp without zone in the database (SQLite knows no zones)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a timestamp with a time zone is needed, not {value!r}: use datetime.now(UTC)")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """Naming rules of constraints, and the column type of each Python type."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_name)s",
        }
    )
    type_annotation_map = {
        str: Text,
        int: BigInteger,
        date: Date,
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[dict[str, Any]]: JSON,
    }


class CounterRow(Base):
    """A number handed out once and never again, even when the work it was for came to nothing."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]


class DeliveryRow(Base):
    """records.Delivery."""

    __tablename__ = "delivery"
    __table_args__ = (Index(None, "feed", "state"),)

    delivery_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    feed: Mapped[str]
    mode: Mapped[str]
    state: Mapped[str]
    content_sha256: Mapped[str]
    spec_hash: Mapped[str]
    files: Mapped[list[dict[str, Any]]]
    received_at: Mapped[datetime]
    known_assumption: Mapped[str | None]
    rows_read: Mapped[int]
    rows_filtered: Mapped[int]
    rows_rejected: Mapped[int]
    rows_repeated: Mapped[int]
    rows_unchanged: Mapped[int]
    rows_stored: Mapped[int]
    rows_closed: Mapped[int]
    warnings: Mapped[dict[str, Any]]
    message: Mapped[str]
    part_path: Mapped[str | None]
    closures_path: Mapped[str | None]
    quarantine_path: Mapped[str | None]
    delivery_kind: Mapped[str]
    origin_delivery_id: Mapped[int | None]
    affirmed_path: Mapped[str | None]
    held_path: Mapped[str | None]


class EventRow(Base):
    """events.RecordedEvent. One hash chain: rows are added, never changed."""

    __tablename__ = "event"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    happened_at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(index=True)
    detail_json: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]


class RunRow(Base):
    """records.RunRecord."""

    __tablename__ = "run"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(index=True)
    known_at: Mapped[datetime]
    label: Mapped[str]
    state: Mapped[str]
    policy_version: Mapped[str]
    policy_hash: Mapped[str]
    code_version: Mapped[str]
    previous_as_of: Mapped[date | None]
    previous_run_id: Mapped[str | None] = mapped_column(ForeignKey("run.run_id"))
    stale_previous: Mapped[bool]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    message: Mapped[str]
    manifest: Mapped[dict[str, Any]]


class CheckRow(Base):
    """records.CheckRecord."""

    __tablename__ = "check_result"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.run_id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    check_name: Mapped[str] = mapped_column(primary_key=True)
    table_name: Mapped[str] = mapped_column(primary_key=True)
    severity: Mapped[str]
    passed: Mapped[bool]
    n_failed: Mapped[int]
    detail: Mapped[str]
    checked_at: Mapped[datetime]


class SnapshotRow(Base):
    """records.SnapshotRecord without its parts."""

    __tablename__ = "snapshot"

    snapshot_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.snapshot_id"))
    run_id: Mapped[str] = mapped_column(ForeignKey("run.run_id"))
    as_of: Mapped[date]
    published_at: Mapped[datetime]
    n_tables: Mapped[int]
    n_rows: Mapped[int]


class SnapshotPartRow(Base):
    """A part and the snapshots that list it: from `first_snapshot` to `last_snapshot` (NULL = still listed).

    So a publication writes what changed, not everything that is published.
    """

    __tablename__ = "snapshot_part"
    __table_args__ = (ForeignKeyConstraint(["first_snapshot"], ["snapshot.snapshot_id"]),)

    table_name: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    first_snapshot: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_snapshot: Mapped[int | None]
    run_id: Mapped[str]
    path: Mapped[str]
    rows: Mapped[int]


class PointerRow(Base):
    """Names the snapshot readers see. One row, 'published'; a publication is a compare-and-swap on it."""

    __tablename__ = "pointer"

    name: Mapped[str] = mapped_column(primary_key=True)
    snapshot_id: Mapped[int | None] = mapped_column(ForeignKey("snapshot.snapshot_id"))
