"""Revoking a delivery: from now on the feed stands as if it had never come; what was known until now stays readable.

Put here: which deliveries may be revoked, the record of it. Keep out: what happens to the rows (store.restore), who may do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.ingest import work_folder
from risk_pipeline.pipeline.lineage_events import delivery_recorded
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Delivery, Event, Register


@dataclass(frozen=True)
class Revocation:
    """A revocation and the delivery record it made. `revoked`: the delivery with its replays; `dates`: published assessments
    that saw it, ascending.
    """

    delivery: Delivery
    revoked: tuple[int, ...]
    dates: tuple[date, ...]


def revoke(workspace: Workspace, register: Register, number: int, *, by: str, reason: str, now: datetime) -> Revocation:
    """Revoke delivery `number`, and its replays with it, as of `now` (aware).

    UsageError for an unknown number or an empty name or reason; Refused for a delivery that cannot be revoked. Takes no lock.
    """
    for given, option in ((by, "--by"), (reason, "--reason")):
        if not given.strip():
            raise UsageError(f"{option} is empty", remedy="a revocation is recorded with a name and a reason")
    origin, revoked = _revoked(register, number)
    store = FeedStore(Lake(workspace.lake), register, threads=workspace.settings.threads)
    revocation_id = register.new_delivery_id()
    with work_folder(workspace) as work:
        written = [store.lake.feed_part(origin.feed, revocation_id), store.lake.feed_closures(origin.feed, revocation_id)]
        try:
            restored = store.restore(origin.feed, revoked, revocation_id, now, work)
            part, closures = (store.lake.relative(each) if each.exists() else None for each in written)
            record = Delivery(
                delivery_id=revocation_id,
                feed=origin.feed,
                mode=origin.mode,
                state="effective",
                content_sha256="",
                spec_hash="",
                files=[],
                received_at=now,
                rows_read=restored.stored,
                rows_stored=restored.stored,
                rows_closed=restored.closed,
                message=f"delivery {number} revoked by {by}: {reason}",
                part_path=part,
                closures_path=closures,
                delivery_kind="revocation",
                origin_delivery_id=number,
            )
            event = _event(record, revoked, by=by, reason=reason)
            register.add_revocation(record, revoked, event, store.lake.sha256([part, closures]))
        except BaseException:
            for each in written:
                each.unlink(missing_ok=True)
            raise
        store.compact(origin.feed, work, now)
    delivery_recorded(workspace, record)
    return Revocation(record, tuple(revoked), _dates(register, revoked))


def _revoked(register: Register, number: int) -> tuple[Delivery, list[int]]:
    """The delivery of that number, and the numbers of what is revoked with it."""
    deliveries = register.deliveries()
    found = next((each for each in deliveries if each.delivery_id == number), None)
    if found is None:
        raise UsageError(f"there is no delivery {number}", remedy="risk-pipeline delivery list shows their numbers")
    if found.delivery_kind == "revocation":
        raise Refused(
            f"delivery {number} is itself a revocation (of delivery {found.origin_delivery_id})",
            remedy="to bring the revoked delivery back, deliver its files again: risk-pipeline ingest",
        )
    if found.state != "effective":
        raise Refused(f"delivery {number} is {found.state.replace('_', '-')}, not in effect: there is nothing to revoke")
    replays = [d for d in deliveries if d.delivery_kind == "replay" and d.state == "effective"]
    if found.delivery_kind == "source":
        return found, [number, *(each.delivery_id for each in replays if each.origin_delivery_id == number)]
    later = [d.delivery_id for d in replays if d.origin_delivery_id == found.origin_delivery_id and d.delivery_id > number]
    if later:
        raise Refused(
            f"delivery {number} replayed rows of delivery {found.origin_delivery_id}, and delivery {later[-1]} did so after it",
            remedy=f"revoke delivery {later[-1]} first",
        )
    return found, [number]


def _event(record: Delivery, revoked: Sequence[int], *, by: str, reason: str) -> Event:
    return Event(
        at=record.received_at,
        actor=by,
        action="delivery.revoked",
        subject=f"delivery {record.origin_delivery_id}",
        detail={
            "feed": record.feed,
            "reason": reason,
            "revoked": list(revoked),
            "revocation": record.delivery_id,
            "rows_closed": record.rows_closed,
            "rows_reopened": record.rows_stored,
        },
    )


def _dates(register: Register, revoked: Sequence[int]) -> tuple[date, ...]:
    """The published dates whose run saw one of the deliveries."""
    snapshot = register.current_snapshot()
    shown = {part.run_id for parts in snapshot.parts.values() for part in parts} if snapshot else set()
    saw = {
        run.as_of
        for run in register.runs(("published",))
        if run.run_id in shown and {each["delivery_id"] for each in run.manifest.get("deliveries", ())} & set(revoked)
    }
    return tuple(sorted(saw))
