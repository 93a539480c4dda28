"""The register: the source of truth about deliveries, runs, checks, snapshots and what was done. See register.py."""

from risk_pipeline.store.register.events import SYSTEM, Event, RecordedEvent
from risk_pipeline.store.register.records import CheckRecord, Delivery, Part, RunRecord, SnapshotRecord
from risk_pipeline.store.register.register import Register

__all__ = [
    "SYSTEM",
    "CheckRecord",
    "Delivery",
    "Event",
    "Part",
    "RecordedEvent",
    "Register",
    "RunRecord",
    "SnapshotRecord",
]
