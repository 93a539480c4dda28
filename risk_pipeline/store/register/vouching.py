"""What an event of the audit log says of the rows it is about, so that a later change of one shows.

Put here: the content of such an event, and what a record is today in the same words. Keep out: comparing both (pipeline), the
chain (events.py). What may change later by another event (a delivery's state, its files after a compaction) is told by that one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import date, datetime
from typing import Any

from risk_pipeline.store.register.records import CheckRecord, Delivery, RunRecord, SnapshotRecord

LAKE = "lake"  # the key of what an event says of files: path below the lake -> SHA-256 of the bytes
DELIVERY = "delivery"  # the key of what an event of somebody's says of the delivery that it brought
CHECKS = "checks_sha256"
_DIGESTED = ("files", "warnings")
_NOT_OF_A_RUN = ("run_id", "state", "stale_previous", "ended_at", "message", "manifest")


def of_delivery(delivery: Delivery) -> dict[str, Any]:
    """All that is recorded of a delivery; its lists of files and warnings as SHA-256."""
    told = {each.name: _plain(getattr(delivery, each.name)) for each in fields(Delivery) if each.name not in _DIGESTED}
    return {**told, **{f"{name}_sha256": _digest(getattr(delivery, name)) for name in _DIGESTED}}


def of_run(run: RunRecord) -> dict[str, Any]:
    """What a run froze when it was opened, but for its manifest."""
    return {each.name: _plain(getattr(run, each.name)) for each in fields(RunRecord) if each.name not in _NOT_OF_A_RUN}


def of_snapshot(snapshot: SnapshotRecord) -> dict[str, Any]:
    """What a publication put before readers."""
    told = {name: getattr(snapshot, name) for name in ("snapshot_id", "parent_id", "as_of", "n_tables", "n_rows")}
    return {name: _plain(value) for name, value in told.items()}


def of_checks(checks: Sequence[CheckRecord]) -> str:
    """SHA-256 of the answers of all checks of a run."""
    told = [{name: _plain(value) for name, value in asdict(each).items()} for each in checks]
    return _digest(sorted(told, key=lambda each: (each["stage"], each["table_name"], each["check_name"])))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _digest(value: Mapping[str, Any] | Sequence[Any]) -> str:
    # Times of files are integers beyond 2^53, which RFC 8785 does not allow.
    content = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
