"""What the register remembers, as plain frozen records.

Put here: the records other layers build and read. Keep out: SQLAlchemy (models.py) and queries (register.py).
Every timestamp is an aware datetime in UTC; every path is relative to the lake.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import rfc8785

from risk_pipeline.store.register.events import RecordedEvent

DeliveryState = Literal["effective", "refused", "no_op", "revoked"]
DeliveryMode = Literal["snapshot", "upsert", "append"]
DeliveryKind = Literal["source", "replay", "revocation"]
RunState = Literal["open", "published", "refused", "failed"]
RunLabel = Literal["official", "reconstructed", "simulation"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One delivery to one feed. `files`: one dict per source file (name, bytes, sha256, encoding, rows …).

    `part_path`: the stored rows, `closures_path`: the rows it closed, `quarantine_path`: the rows rejected; None = none.
    After a compaction several deliveries name the same `part_path`. `known_assumption`: the known_at rule, None = ingest time.
    `delivery_kind`: read from its source; rejected rows of the delivery `origin_delivery_id`, taken in later (replay); or the
    undoing of that delivery (revocation). `affirmed_path`: stored rows it delivered unchanged, `held_path`: keys of a snapshot
    whose new version was rejected: with the stored rows they say what the delivery claims.
    """

    delivery_id: int
    feed: str
    mode: DeliveryMode
    state: DeliveryState
    content_sha256: str
    spec_hash: str
    files: list[dict[str, Any]]
    received_at: datetime
    known_assumption: str | None = None
    rows_read: int = 0
    rows_filtered: int = 0
    rows_rejected: int = 0
    rows_repeated: int = 0
    rows_unchanged: int = 0
    rows_stored: int = 0
    rows_closed: int = 0
    warnings: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    part_path: str | None = None
    closures_path: str | None = None
    quarantine_path: str | None = None
    delivery_kind: DeliveryKind = "source"
    origin_delivery_id: int | None = None
    affirmed_path: str | None = None
    held_path: str | None = None

    @property
    def position(self) -> tuple[int, int]:
        """The place of what it claims among the deliveries of its feed: a replay comes right after its origin."""
        return (self.origin_delivery_id or self.delivery_id, self.delivery_id)

    @property
    def identity(self) -> str:
        """What makes two deliveries the same: their content and the resolved feed YAML."""
        return f"{self.content_sha256}:{self.spec_hash}"


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One assessment of one date. `previous_*`: the published assessment it continues, frozen when it was opened."""

    run_id: str
    as_of: date
    known_at: datetime
    label: RunLabel
    policy_version: str
    policy_hash: str
    code_version: str
    started_at: datetime
    state: RunState = "open"
    previous_as_of: date | None = None
    previous_run_id: str | None = None
    stale_previous: bool = False
    ended_at: datetime | None = None
    message: str = ""
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def manifest_sha256(self) -> str:
        """SHA-256 of the manifest as canonical JSON: what the audit log vouches for when the run is published."""
        return hashlib.sha256(rfc8785.dumps(self.manifest)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class CheckRecord:
    """The result of one gate over one table in one stage of one run."""

    run_id: str
    stage: str
    check_name: str
    table_name: str
    severity: Literal["error", "warn"]
    passed: bool
    n_failed: int
    detail: str
    checked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything the register holds. `appended`: how many events there ever were; `snapshots`, `parts`: rows by column, a part
    with the snapshots that list it (`first_snapshot`, `last_snapshot`); `published`: what readers see; `last_delivery`: the
    newest number handed out.
    """

    events: list[RecordedEvent]
    appended: int
    deliveries: list[Delivery]
    runs: list[RunRecord]
    checks: list[CheckRecord]
    snapshots: list[dict[str, Any]]
    parts: list[dict[str, Any]]
    published: int | None
    last_delivery: int


@dataclass(frozen=True, kw_only=True)
class Part:
    """One published Parquet file of one table."""

    as_of: date
    run_id: str
    path: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class SnapshotRecord:
    """Everything readers see at one moment: per table (full name) its parts, ascending by as_of, one part per date.

    Snapshots form one line: `snapshot_id` is the parent's plus one.
    """

    snapshot_id: int
    parent_id: int | None
    run_id: str
    as_of: date
    published_at: datetime
    parts: Mapping[str, tuple[Part, ...]]

    @classmethod
    def following(
        cls, parent: SnapshotRecord | None, *, run_id: str, as_of: date, published_at: datetime, parts: Mapping[str, Part]
    ) -> SnapshotRecord:
        """The snapshot after `parent` (None = the first) in which `parts` (by full table name) replace what was published
        for their dates, or are added.
        """
        merged = dict(parent.parts) if parent else {}
        for table, part in parts.items():
            kept = [other for other in merged.get(table, ()) if other.as_of != part.as_of]
            merged[table] = tuple(sorted([*kept, part], key=lambda each: each.as_of))
        parent_id = parent.snapshot_id if parent else None
        return cls(
            snapshot_id=(parent_id or 0) + 1,
            parent_id=parent_id,
            run_id=run_id,
            as_of=as_of,
            published_at=published_at,
            parts=merged,
        )

    @property
    def n_tables(self) -> int:
        return len(self.parts)

    @property
    def n_rows(self) -> int:
        return sum(part.rows for parts in self.parts.values() for part in parts)

    def part(self, table: str, as_of: date | None = None) -> Part | None:
        """The part of `table` (full name) for `as_of`, or the newest one; None when there is none."""
        parts = [part for part in self.parts.get(table, ()) if as_of in (None, part.as_of)]
        return parts[-1] if parts else None

    def dates(self) -> list[date]:
        """The published dates, ascending."""
        return sorted({part.as_of for parts in self.parts.values() for part in parts})
