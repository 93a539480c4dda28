"""The audit log: what was done by whom, one hash chain over all of it.

Put here: the form of an event, its hash, appending within a transaction, finding where a chain is broken. Keep out: what is
worth an event (the callers) and transactions (register.py).

hash = SHA-256 of the canonical JSON (RFC 8785) of seq, at, actor, action, subject, detail and previous_hash. So whoever changes,
removes or inserts an event must change every later one, and the newest hash, noted elsewhere, tells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import rfc8785
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from risk_pipeline.store.register.models import CounterRow, EventRow

EVENT_COUNTER = "event"
SYSTEM = "risk-pipeline"  # the actor of what the program does without being asked by a named person
_START = ""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that was done. `at` is aware; `action` as noun.verb, such as `delivery.revoked`; `subject`: what it was done
    to, as text (`delivery 12`, a finding id, a run id). `detail`: JSON values only; integers beyond 2^53 (row ids) as text.
    """

    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RecordedEvent(Event):
    """An event in its place in the chain. `seq` runs from 1 without a gap; `previous_hash` is empty for the first."""

    seq: int
    previous_hash: str
    hash: str

    @property
    def intact(self) -> bool:
        """The event still is what its hash says."""
        return self.is_at(self.seq)

    def is_at(self, seq: int) -> bool:
        """Its hash says that it is what was written as event `seq`."""
        try:
            return self.hash == event_hash(self, seq, self.previous_hash)
        except (TypeError, ValueError):  # a detail that is no JSON object any more
            return False


def event_hash(event: Event, seq: int, previous_hash: str) -> str:
    """The hash of an event in its place. ValueError when `detail` holds what JSON cannot."""
    content: dict[str, Any] = {
        "seq": seq,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "detail": dict(event.detail),
        "previous_hash": previous_hash,
    }
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def append(session: Session, event: Event) -> RecordedEvent:
    """Put an event at the end of the chain, within the caller's transaction.

    Counting up locks the counter until that transaction ends, so two writers cannot continue the same event, and what is
    rolled back leaves no gap.
    """
    counted = update(CounterRow).where(CounterRow.name == EVENT_COUNTER).values(value=CounterRow.value + 1)
    seq = session.execute(counted.returning(CounterRow.value)).scalar_one()
    previous = session.scalar(select(EventRow.hash).where(EventRow.seq == seq - 1)) or _START
    hash_ = event_hash(event, seq, previous)
    recorded = RecordedEvent(
        at=event.at.astimezone(UTC),
        actor=event.actor,
        action=event.action,
        subject=event.subject,
        detail=dict(event.detail),
        seq=seq,
        previous_hash=previous,
        hash=hash_,
    )
    session.execute(insert(EventRow).values(**_values(recorded)))
    return recorded


def recorded(session: Session, action: str | None = None, subject: str | None = None) -> list[RecordedEvent]:
    """The events in their order; of one action or about one subject only."""
    query = select(EventRow).order_by(EventRow.seq)
    if action is not None:
        query = query.where(EventRow.action == action)
    if subject is not None:
        query = query.where(EventRow.subject == subject)
    return [_event(row) for row in session.scalars(query)]


def newest(session: Session) -> RecordedEvent | None:
    """The last event there is."""
    row = session.scalar(select(EventRow).order_by(EventRow.seq.desc()).limit(1))
    return None if row is None else _event(row)


def appended(session: Session) -> int:
    """How many events were ever appended, whatever the table holds."""
    return session.scalar(select(func.max(CounterRow.value)).where(CounterRow.name == EVENT_COUNTER)) or 0


def breaks(chain: Sequence[RecordedEvent], count: int) -> list[tuple[int, str]]:
    """Where a chain of `count` events is broken: the number of the event and what is wrong with it, in words."""
    found: list[tuple[int, str]] = []
    torn = [each for each in chain if not each.intact]
    previous, expected = _START, 1
    explained = False  # why an event may not continue the one before it
    for each in chain:
        sound = each.intact
        if each.seq > expected:
            found.append((expected, _missing(expected, each.seq - 1)))
            explained = True
        if not sound:
            found.append((each.seq, _torn(each, torn)))
        elif each.previous_hash != previous and not explained:
            found.append((each.seq, "does not continue the event before it, which was changed together with its hash"))
        previous, expected, explained = each.hash, each.seq + 1, not sound
    if expected <= count:
        found.append((expected, _missing(expected, count)))
    elif expected > count + 1:
        found.append((count + 1, f"only {count} events were appended: what follows was put in, or the counter was changed"))
    return found


def first_break(chain: Sequence[RecordedEvent], count: int) -> int | None:
    """The number of the first event that was changed, removed or put in; None for a whole chain of `count` events."""
    return min((seq for seq, _ in breaks(chain, count)), default=None)


def _missing(first: int, last: int) -> str:
    return "is missing" if first == last else f"is missing, and so are those up to {last}"


def _torn(event: RecordedEvent, torn: Sequence[RecordedEvent]) -> str:
    place = next((each.seq for each in torn if event.is_at(each.seq)), None)
    if place is not None:
        return f"stands in another place: it was written as event {place}"
    return "was changed: what it says is not what its hash says"


def _values(event: RecordedEvent) -> dict[str, Any]:
    return {
        "seq": event.seq,
        "happened_at": event.at,
        "actor": event.actor,
        "action": event.action,
        "subject": event.subject,
        "detail_json": event.detail,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _event(row: EventRow) -> RecordedEvent:
    return RecordedEvent(
        at=row.happened_at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        detail=row.detail_json,
        seq=row.seq,
        previous_hash=row.previous_hash,
        hash=row.hash,
    )
