"""The register: the source of truth about deliveries, runs, checks and snapshots. See register.py."""

from risk_pipeline.store.register.records import CheckRecord, Delivery, Part, RunRecord, SnapshotRecord
from risk_pipeline.store.register.register import Register

__all__ = ["CheckRecord", "Delivery", "Part", "Register", "RunRecord", "SnapshotRecord"]
