"""The register: the source of truth about deliveries, runs, checks, snapshots and what was done. See register.py."""

from risk_pipeline.store.register.events import SYSTEM, Event, RecordedEvent, breaks
from risk_pipeline.store.register.records import CheckRecord, Contents, Delivery, Part, RunRecord, SnapshotRecord
from risk_pipeline.store.register.register import Register

__all__ = [
    "SYSTEM",
    "CheckRecord",
    "Contents",
    "Delivery",
    "Event",
    "Part",
    "RecordedEvent",
    "Register",
    "RunRecord",
    "SnapshotRecord",
    "breaks",
]
