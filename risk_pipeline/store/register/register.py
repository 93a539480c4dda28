"""The register: deliveries, runs, check results, snapshots and the audit log in SQLite (default) or PostgreSQL.

Put here: every query on the register. Keep out: how a database is opened and migrated (database.py), the tables
(models.py), how events are chained (events.py), files and Parquet (lake, catalogue), and what a delivery or a run means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from sqlalchemy import Engine, Select, delete, insert, or_, select, tuple_, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from risk_pipeline.errors import Refused, RiskError
from risk_pipeline.store.register import events, vouching
from risk_pipeline.store.register.database import file_damage, open_engine, row_damage
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
from risk_pipeline.store.register.records import CheckRecord, Contents, Delivery, Part, RunRecord, SnapshotRecord

PUBLISHED = "published"
DELIVERY_COUNTER = "delivery"
OPENED, CONTINUED, PUBLICATION = "run.opened", "run.continued", "run.published"  # actions of the audit log
COMPACTED = "feed.compacted"

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

    def add_delivery(self, delivery: Delivery, event: Event | None = None, lake: Mapping[str, str] | None = None) -> None:
        """Record a delivery, and in the audit log what became of it, or `event` instead, which tells of the delivery too.

        `lake`: SHA-256 of the files it wrote, by path. Refused when its number is there.
        """
        with self._writing_new(f"delivery {delivery.delivery_id}") as session:
            session.execute(insert(DeliveryRow).values(**_values(delivery)))
            events.append(session, _bringing(event, delivery, lake) if event else _delivery_event(delivery, lake))

    def add_revocation(
        self, revocation: Delivery, revoked: Collection[int], event: Event, lake: Mapping[str, str] | None = None
    ) -> None:
        """Record that the deliveries `revoked` no longer count, the delivery that undoes them, and `event`: all or nothing.

        `lake` as in add_delivery. Refused when one of them is not in effect.
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
            events.append(session, _bringing(event, revocation, lake))

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

    def replace_parts(self, feed: str, delivery_ids: Collection[int], part_path: str, sha256: str, at: datetime) -> None:
        """Let one compacted part stand for the parts and closures of several stored deliveries of a feed.

        Afterwards they all name `part_path` and no closures, and the audit log says so and the part's `sha256`. Refused, with
        nothing changed, when one of them is not a stored delivery of that feed.
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
            told = {"deliveries": sorted(delivery_ids), "part_path": part_path, vouching.LAKE: {part_path: sha256}}
            events.append(session, Event(at=at, actor=SYSTEM, action=COMPACTED, subject=f"feed {feed}", detail=told))

    # Runs and checks

    def add_run(self, run: RunRecord, by: str = SYSTEM) -> None:
        """Record a run, and in the audit log that `by` launched it. Refused when its id is there already."""
        with self._writing_new(f"run {run.run_id}") as session:
            session.execute(insert(RunRow).values(**_values(run)))
            said = {**vouching.of_run(run), "manifest_sha256": run.manifest_sha256}
            events.append(session, Event(at=run.started_at, actor=by, action=OPENED, subject=f"run {run.run_id}", detail=said))

    def run(self, run_id: str) -> RunRecord | None:
        with self._reading() as session:
            row = session.get(RunRow, run_id)
            return None if row is None else _record(RunRecord, row)

    def continue_run(self, run_id: str, by: str, at: datetime) -> None:
        """Record that a run which had ended without a publication goes on. KeyError for an unknown run."""
        with self._writing() as session:
            row = _ended(session, run_id)
            row.state, row.message, row.ended_at = "open", "", None
            events.append(session, Event(at=at, actor=by, action=CONTINUED, subject=f"run {run_id}"))

    def end_run(self, run_id: str, state: Literal["refused", "failed"], message: str, at: datetime) -> None:
        """Record that a run ended without a publication, and in the audit log why. KeyError for an unknown run, Refused for a
        published one.
        """
        with self._writing() as session:
            row = _ended(session, run_id)
            row.state, row.message, row.ended_at = state, message, at
            told = {"message": message, vouching.CHECKS: _checks_said(session, run_id)}
            events.append(session, Event(at=at, actor=SYSTEM, action=f"run.{state}", subject=f"run {run_id}", detail=told))

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
        with self._reading() as session:
            return [_record(CheckRecord, row) for row in session.scalars(_checks_of(run_id))]

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

    def publish_snapshot(
        self,
        snapshot: SnapshotRecord,
        expected_parent: int | None,
        manifest: dict[str, Any] | None = None,
        lake: Mapping[str, str] | None = None,
    ) -> None:
        """Make `snapshot` what readers see, if `expected_parent` (a snapshot id, None = nothing) still is; else Refused.

        In the same transaction its run becomes published (ended_at = published_at) with the `manifest` it has now, and the
        published runs of later dates are marked stale_previous: they continue an assessment that has changed; and the audit log
        gets an event. `lake`: SHA-256 of the files beside the tables, by path. All or nothing.
        """
        try:
            with self._writing() as session:
                self._swap_pointer(session, snapshot, expected_parent, manifest, lake or {})
        except IntegrityError as exc:
            raise Refused(f"snapshot {snapshot.snapshot_id} does not fit the register: {exc.orig}") from exc

    def _swap_pointer(
        self,
        session: Session,
        snapshot: SnapshotRecord,
        expected_parent: int | None,
        manifest: dict[str, Any] | None,
        lake: Mapping[str, str],
    ) -> None:
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
        stale = _mark_runs(session, snapshot, manifest)
        run = _record(RunRecord, session.get_one(RunRow, snapshot.run_id))
        asked = _checks_said(session, run.run_id)
        said = {"manifest_sha256": run.manifest_sha256, vouching.CHECKS: asked, "made_stale": stale}
        told = {**vouching.of_snapshot(snapshot), **said, vouching.LAKE: dict(lake)}
        published = Event(at=snapshot.published_at, actor=SYSTEM, action=PUBLICATION, subject=f"run {run.run_id}", detail=told)
        events.append(session, published)

    # The audit log

    def add_event(self, event: Event) -> RecordedEvent:
        """Append to the audit log; returns the event in its place. ValueError when its detail holds what JSON cannot."""
        with self._writing() as session:
            return events.append(session, event)

    def events(self, action: str | None = None, subject: str | None = None) -> list[RecordedEvent]:
        """The audit log in its order; of one action or about one subject only."""
        with self._reading() as session:
            return events.recorded(session, action, subject)

    def head(self) -> RecordedEvent | None:
        """The newest event of the audit log; None when there is none."""
        with self._reading() as session:
            return events.newest(session)

    def broken_event(self) -> int | None:
        """The number of the first event of the audit log that was changed, removed or put in; None when it is whole."""
        with self._reading() as session:
            return events.first_break(events.recorded(session), events.appended(session))

    def contents(self) -> Contents:
        """All of the register as it stands at one moment, whoever writes meanwhile. RiskError when a row cannot be read."""
        isolated = {"isolation_level": "REPEATABLE READ"} if self._engine.dialect.name == "postgresql" else {}
        with Session(self._engine.execution_options(**isolated)) as session, _readable():
            return Contents(
                events=events.recorded(session),
                appended=events.appended(session),
                deliveries=[
                    _record(Delivery, row) for row in session.scalars(select(DeliveryRow).order_by(DeliveryRow.delivery_id))
                ],
                runs=[_record(RunRecord, row) for row in session.scalars(select(RunRow).order_by(RunRow.started_at))],
                checks=[_record(CheckRecord, row) for row in session.scalars(select(CheckRow))],
                snapshots=_rows(session, SnapshotRow),
                parts=_rows(session, SnapshotPartRow),
                published=session.scalar(select(PointerRow.snapshot_id).where(PointerRow.name == PUBLISHED)),
                last_delivery=session.scalar(select(CounterRow.value).where(CounterRow.name == DELIVERY_COUNTER)) or 0,
            )

    def file_damage(self) -> list[str]:
        """What SQLite's own check of its file says, in words; nothing for a sound one."""
        with self._engine.connect() as connection:
            return file_damage(connection)

    def row_damage(self) -> list[str]:
        """The rows that cannot be read at all, in words; what to ask when `contents` raises."""
        with self._engine.connect() as connection:
            return row_damage(connection)

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


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, DBAPIError) as exc:
        raise RiskError(f"the register cannot be read: {exc}", remedy="restore it from a backup") from exc


def _checks_said(session: Session, run_id: str) -> str:
    return vouching.of_checks([_record(CheckRecord, row) for row in session.scalars(_checks_of(run_id))])


def _ended(session: Session, run_id: str) -> RunRow:
    """The row of a run that may end, or go on after it ended: there, and not published."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise KeyError(f"no run {run_id!r} in the register")
    if row.state == "published":
        raise Refused(f"run {run_id} is published: it cannot end otherwise any more")
    return row


def _rows(session: Session, kind: type[Base]) -> list[dict[str, Any]]:
    source = kind.__table__
    return [dict(row) for row in session.execute(select(*source.columns).order_by(*source.primary_key)).mappings()]


def _delivery_event(delivery: Delivery, lake: Mapping[str, str] | None) -> Event:
    return Event(
        at=delivery.received_at,
        actor=SYSTEM,
        action=f"delivery.{delivery.state}",
        subject=f"delivery {delivery.delivery_id}",
        detail={**vouching.of_delivery(delivery), vouching.LAKE: dict(lake or {})},
    )


def _bringing(event: Event, delivery: Delivery, lake: Mapping[str, str] | None) -> Event:
    """The event, telling also of the delivery that came with it."""
    brought = {vouching.DELIVERY: vouching.of_delivery(delivery), vouching.LAKE: dict(lake or {})}
    return replace(event, detail={**event.detail, **brought})


def _checks_of(run_id: str) -> Select[CheckRow]:
    return select(CheckRow).where(CheckRow.run_id == run_id).order_by(CheckRow.stage, CheckRow.table_name, CheckRow.check_name)


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


def _mark_runs(session: Session, snapshot: SnapshotRecord, manifest: dict[str, Any] | None) -> list[str]:
    """The run of the snapshot is published, those of later dates are stale; returns the latter."""
    values: dict[str, Any] = {"state": "published", "ended_at": snapshot.published_at}
    if manifest is not None:
        values["manifest"] = manifest
    session.execute(update(RunRow).where(RunRow.run_id == snapshot.run_id).values(**values))
    later = {part.run_id for parts in snapshot.parts.values() for part in parts if part.as_of > snapshot.as_of}
    session.execute(update(RunRow).where(RunRow.run_id.in_(later)).values(stale_previous=True))
    return sorted(later)
