"""The register: deliveries, runs, check results, snapshots and the audit log in SQLite (default) or PostgreSQL.

Put here: every query on the register. Keep out: how a database is opened and migrated (database.py), the tables
(models.py), how events are chained (events.py), files and Parquet (lake, catalogue), and what a delivery or a run means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Engine, delete, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from risk_pipeline.errors import Refused
from risk_pipeline.store.register import events
from risk_pipeline.store.register.database import open_engine
from risk_pipeline.store.register.events import SYSTEM, Event, RecordedEvent
from risk_pipeline.store.register.models import (
    Base,
    CheckRow,
    CounterRow,
    DeliveryRow,
    PointerRow,
    RunRow,
    SnapshotPartRow,
    SnapshotRow,
)
from risk_pipeline.store.register.records import CheckRecord, Delivery, Part, RunRecord, SnapshotRecord

PUBLISHED = "published"
DELIVERY_COUNTER = "delivery"

T = TypeVar("T", Delivery, RunRecord, CheckRecord)


class Register:
    """One open register. Safe to share between threads; other processes open their own. Close it, or use `with`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Register:
        """Open the register at an SQLAlchemy URL (sqlite:///…, postgresql://…), making or migrating it where needed.

        UsageError for a wrong URL or a missing driver, RiskError when the database cannot be reached or was written by a
        newer version of this program.
        """
        return cls(open_engine(url))

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Register:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # Deliveries

    def new_delivery_id(self) -> int:
        """The next delivery number: unique across feeds, never handed out twice, so no file is ever written over."""
        with self._writing() as session:
            value = session.execute(
                update(CounterRow)
                .where(CounterRow.name == DELIVERY_COUNTER)
                .values(value=CounterRow.value + 1)
                .returning(CounterRow.value)
            ).scalar_one()
        return value

    def add_delivery(self, delivery: Delivery, event: Event | None = None) -> None:
        """Record a delivery, and in the audit log that it took effect or was refused, or `event` instead.

        Refused when its number is there.
        """
        with self._writing_new(f"delivery {delivery.delivery_id}") as session:
            session.execute(insert(DeliveryRow).values(**_values(delivery)))
            if event is not None or delivery.state in ("effective", "refused"):
                events.append(session, event or _delivery_event(delivery))

    def add_revocation(self, revocation: Delivery, revoked: Collection[int], event: Event) -> None:
        """Record that the deliveries `revoked` no longer count, the delivery that undoes them, and `event`: all or nothing.

        Refused when one of them is not in effect.
        """
        with self._writing_new(f"delivery {revocation.delivery_id}") as session:
            changed = session.execute(
                update(DeliveryRow)
                .where(DeliveryRow.state == "effective", DeliveryRow.delivery_id.in_(revoked))
                .values(state="revoked")
                .returning(DeliveryRow.delivery_id)
            )
            missing = set(revoked) - set(changed.scalars())
            if missing:
                raise Refused(f"deliveries {sorted(missing)} are not in effect, so they cannot be revoked")
            session.execute(insert(DeliveryRow).values(**_values(revocation)))
            events.append(session, event)

    def deliveries(self, feed: str | None = None, states: Collection[str] | None = None) -> list[Delivery]:
        """Deliveries in the order of their numbers; of one feed, or in some states only."""
        query = select(DeliveryRow).order_by(DeliveryRow.delivery_id)
        if feed is not None:
            query = query.where(DeliveryRow.feed == feed)
        if states is not None:
            query = query.where(DeliveryRow.state.in_(states))
        with self._reading() as session:
            return [_record(Delivery, row) for row in session.scalars(query)]

    def effective_deliveries(self, feed: str) -> list[Delivery]:
        """The deliveries whose rows count, oldest first: those read from the source, replays and revocations."""
        return self.deliveries(feed, ("effective",))

    def source_deliveries(self, feed: str) -> list[Delivery]:
        """Those of the deliveries in effect that were read from the source."""
        return [each for each in self.effective_deliveries(feed) if each.delivery_kind == "source"]

    def stored_deliveries(self, feed: str) -> list[Delivery]:
        """Every delivery whose files tell the feed's history, oldest first: a revoked one was known until it was revoked."""
        return self.deliveries(feed, ("effective", "revoked"))

    def replace_parts(self, feed: str, delivery_ids: Collection[int], part_path: str) -> None:
        """Let one compacted part stand for the parts and closures of several stored deliveries of a feed.

        Afterwards they all name `part_path` and no closures. Refused, with nothing changed, when one of them is not a
        stored delivery of that feed.
        """
        with self._writing() as session:
            changed = session.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.feed == feed,
                    DeliveryRow.state.in_(("effective", "revoked")),
                    DeliveryRow.delivery_id.in_(delivery_ids),
                )
                .values(part_path=part_path, closures_path=None)
                .returning(DeliveryRow.delivery_id)
            )
            missing = set(delivery_ids) - set(changed.scalars())
            if missing:
                raise Refused(f"{feed}: deliveries {sorted(missing)} are not stored, so they cannot be compacted")

    # Runs and checks

    def add_run(self, run: RunRecord) -> None:
        """Record a run. Refused when its id is there already."""
        with self._writing_new(f"run {run.run_id}") as session:
            session.execute(insert(RunRow).values(**_values(run)))

    def run(self, run_id: str) -> RunRecord | None:
        with self._reading() as session:
            row = session.get(RunRow, run_id)
            return None if row is None else _record(RunRecord, row)

    def update_run(self, run_id: str, **changes: Any) -> None:
        """Change fields of a run, named as in RunRecord. KeyError for an unknown run or field."""
        unknown = changes.keys() - {each.name for each in fields(RunRecord)}
        if unknown:
            raise KeyError(f"a run has no {sorted(unknown)}")
        with self._writing() as session:
            row = session.get(RunRow, run_id)
            if row is None:
                raise KeyError(f"no run {run_id!r} in the register")
            for name, value in changes.items():
                setattr(row, name, value)

    def runs(self, states: Collection[str] | None = None) -> list[RunRecord]:
        """Runs in the order they were started; in some states only."""
        query = select(RunRow).order_by(RunRow.started_at, RunRow.run_id)
        if states is not None:
            query = query.where(RunRow.state.in_(states))
        with self._reading() as session:
            return [_record(RunRecord, row) for row in session.scalars(query)]

    def add_checks(self, checks: Sequence[CheckRecord]) -> None:
        """Record check results, each check once; one that ran before in the same stage of the same run is replaced."""
        if not checks:
            return
        rows = [_values(check) for check in checks]
        key = list(CheckRow.__table__.primary_key)
        with self._writing() as session:  # in two statements: four hundred checks one by one take a fifth of a second
            session.execute(delete(CheckRow).where(tuple_(*key).in_([tuple(row[each.key] for each in key) for row in rows])))
            session.execute(insert(CheckRow), rows)

    def checks(self, run_id: str) -> list[CheckRecord]:
        """Check results of a run, by stage, table and check."""
        query = select(CheckRow).where(CheckRow.run_id == run_id)
        with self._reading() as session:
            rows = session.scalars(query.order_by(CheckRow.stage, CheckRow.table_name, CheckRow.check_name))
            return [_record(CheckRecord, row) for row in rows]

    # Snapshots

    def current_snapshot(self) -> SnapshotRecord | None:
        """What readers see now; None before the first publication."""
        with self._reading() as session:
            current = session.scalar(select(PointerRow.snapshot_id).where(PointerRow.name == PUBLISHED))
            return None if current is None else _snapshot(session, session.get_one(SnapshotRow, current))

    def snapshots(self) -> list[SnapshotRecord]:
        """Every snapshot ever published, oldest first."""
        with self._reading() as session:
            rows = session.scalars(select(SnapshotRow).order_by(SnapshotRow.snapshot_id)).all()
            return [_snapshot(session, row) for row in rows]

    def publish_snapshot(self, snapshot: SnapshotRecord, expected_parent: int | None) -> None:
        """Make `snapshot` what readers see, if `expected_parent` (a snapshot id, None = nothing) still is; else Refused.

        In the same transaction its run becomes published (ended_at = published_at), and the published runs of later
        dates are marked stale_previous: they continue an assessment that has changed, and the audit log gets an event. All or
        nothing.
        """
        try:
            with self._writing() as session:
                self._swap_pointer(session, snapshot, expected_parent)
        except IntegrityError as exc:
            raise Refused(f"snapshot {snapshot.snapshot_id} does not fit the register: {exc.orig}") from exc

    def _swap_pointer(self, session: Session, snapshot: SnapshotRecord, expected_parent: int | None) -> None:
        pointer = session.scalar(select(PointerRow).where(PointerRow.name == PUBLISHED).with_for_update())
        if pointer is None or pointer.snapshot_id != expected_parent or snapshot.parent_id != expected_parent:
            found = pointer.snapshot_id if pointer else None
            raise Refused(
                f"snapshot {snapshot.snapshot_id} continues {snapshot.parent_id or 'nothing'}, "
                f"but {found or 'nothing'} is published: somebody else published meanwhile",
                remedy="run the date again; it will continue what is published now",
            )
        session.execute(insert(SnapshotRow).values(**{c.key: getattr(snapshot, c.key) for c in SnapshotRow.__table__.columns}))
        _write_part_changes(session, snapshot)
        pointer.snapshot_id = snapshot.snapshot_id
        _mark_runs(session, snapshot)
        events.append(session, _publication_event(snapshot))

    # The audit log

    def add_event(self, event: Event) -> RecordedEvent:
        """Append to the audit log; returns the event in its place. ValueError when its detail holds what JSON cannot."""
        with self._writing() as session:
            return events.append(session, event)

    def events(self, action: str | None = None, subject: str | None = None) -> list[RecordedEvent]:
        """The audit log in its order; of one action or about one subject only."""
        with self._reading() as session:
            return events.recorded(session, action, subject)

    def broken_event(self) -> int | None:
        """The number of the first event of the audit log that was changed, removed or put in; None when it is whole."""
        with self._reading() as session:
            return events.first_break(events.recorded(session), events.appended(session))

    # For the catalogue

    def audit_rows(self, table: str, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """The rows of one table of the register (run, delivery, event …), as tuples of `columns`, by key."""
        source = Base.metadata.tables[table]
        query = select(*(source.c[name] for name in columns)).order_by(*source.primary_key.columns)
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    # Plumbing

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with Session(self._engine) as session:
            yield session

    @contextmanager
    def _writing_new(self, what: str) -> Iterator[Session]:
        """One transaction that adds `what`; Refused when that is there already, or names what is not."""
        try:
            with self._writing() as session:
                yield session
        except IntegrityError as exc:
            raise Refused(f"{what} cannot be added to the register: {exc.orig}") from exc

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        """One transaction; on SQLite it takes the write lock first, so that what it read cannot be stale when it writes."""
        with Session(self._engine.execution_options(register_write=True)) as session, session.begin():
            yield session


def _values(record: Any) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record)}


def _record(kind: type[T], row: Base) -> T:
    return kind(**{each.name: getattr(row, each.name) for each in fields(kind)})


def _delivery_event(delivery: Delivery) -> Event:
    counts = {each.name: getattr(delivery, each.name) for each in fields(Delivery) if each.name.startswith("rows_")}
    return Event(
        at=delivery.received_at,
        actor=SYSTEM,
        action=f"delivery.{delivery.state}",
        subject=f"delivery {delivery.delivery_id}",
        detail={
            "feed": delivery.feed,
            "mode": delivery.mode,
            "content_sha256": delivery.content_sha256,
            "spec_hash": delivery.spec_hash,
            "message": delivery.message,
            **counts,
        },
    )


def _publication_event(snapshot: SnapshotRecord) -> Event:
    return Event(
        at=snapshot.published_at,
        actor=SYSTEM,
        action="run.published",
        subject=f"run {snapshot.run_id}",
        detail={"as_of": snapshot.as_of.isoformat(), "snapshot_id": snapshot.snapshot_id, "n_rows": snapshot.n_rows},
    )


def _snapshot(session: Session, row: SnapshotRow) -> SnapshotRecord:
    number = row.snapshot_id
    query = (
        select(SnapshotPartRow)
        .where(
            SnapshotPartRow.first_snapshot <= number,
            or_(SnapshotPartRow.last_snapshot.is_(None), SnapshotPartRow.last_snapshot >= number),
        )
        .order_by(SnapshotPartRow.table_name, SnapshotPartRow.as_of)
    )
    parts: dict[str, tuple[Part, ...]] = {}
    for part in session.scalars(query):
        record = Part(as_of=part.as_of, run_id=part.run_id, path=part.path, rows=part.rows)
        parts[part.table_name] = (*parts.get(part.table_name, ()), record)
    return SnapshotRecord(
        snapshot_id=number,
        parent_id=row.parent_id,
        run_id=row.run_id,
        as_of=row.as_of,
        published_at=row.published_at,
        parts=parts,
    )


def _write_part_changes(session: Session, snapshot: SnapshotRecord) -> None:
    listed = {
        (row.table_name, row.as_of): row
        for row in session.scalars(select(SnapshotPartRow).where(SnapshotPartRow.last_snapshot.is_(None)))
    }
    wanted = {(table, part.as_of): part for table, parts in snapshot.parts.items() for part in parts}
    for place, row in listed.items():
        part = wanted.get(place)
        if part is not None and (part.run_id, part.path, part.rows) == (row.run_id, row.path, row.rows):
            del wanted[place]
        else:
            row.last_snapshot = snapshot.parent_id
    session.add_all(
        SnapshotPartRow(
            table_name=table,
            as_of=as_of,
            first_snapshot=snapshot.snapshot_id,
            last_snapshot=None,
            run_id=part.run_id,
            path=part.path,
            rows=part.rows,
        )
        for (table, as_of), part in wanted.items()
    )


def _mark_runs(session: Session, snapshot: SnapshotRecord) -> None:
    session.execute(
        update(RunRow).where(RunRow.run_id == snapshot.run_id).values(state="published", ended_at=snapshot.published_at)
    )
    later = {part.run_id for parts in snapshot.parts.values() for part in parts if part.as_of > snapshot.as_of}
    session.execute(update(RunRow).where(RunRow.run_id.in_(later)).values(stale_previous=True))
