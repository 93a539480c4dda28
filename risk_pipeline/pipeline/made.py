"""Deliveries the program makes itself, as screening does: rows it worked out, stored like those of any feed.

Put here: from rows to an ordinary delivery (upsert), and reading the rows in effect back. Keep out: what the rows say
(screening, verdicts) and the course of a delivery (ingest).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import table
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.pipeline.ingest import Course, IngestResult
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.register import Event, Register
from risk_pipeline.store.staging import all_rows_sql

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Maker:
    """Delivers rows to the feeds of a workspace at one moment. `work`: a folder for files that are thrown away."""

    workspace: Workspace
    register: Register
    store: FeedStore
    now: datetime
    work: Path

    def deliver(
        self, feed: str, rows: Sequence[Row], name: str, about: Mapping[str, Any], event: Event | None = None
    ) -> IngestResult:
        """Store `rows` (canonical columns; those left out are NULL), in their order, under the file name `name`. `about` is
        kept with the delivery; `event` enters the audit log with it, or not at all. The same rows again are stored as
        unchanged, never passed over.
        """
        columns = [column for column in table(f"feed.{feed}").columns if any(column.name in row for row in rows)]
        texts = {c.name: pa.array([_text(row.get(c.name)) for row in rows], pa.string()) for c in columns}
        path = self.work / f"{feed}.parquet"
        pq.write_table(pa.table(texts), path, compression="zstd")
        spec = FeedSpec.model_validate(
            {
                "feed": feed,
                "title": "Made by the program",
                "source": {"kind": "file", "path": name, "format": "parquet"},
                "delivery": "upsert",
                "columns": {each: {"from": each} for each in texts},
                "assertions": {"max_rejected_pct": 0},
            }
        )
        return _MadeCourse(spec, self, path, name, about, event).run()

    def rows(self, feed: str, where: str = "true", columns: str = "*") -> list[dict[str, Any]]:
        """rows_in_effect of the workspace."""
        return rows_in_effect(self.store, feed, where, columns)


def rows_in_effect(store: FeedStore, feed: str, where: str = "true", columns: str = "*") -> list[dict[str, Any]]:
    """The rows of a feed in effect now, in the order of their row_id. `columns`: of the contract and of the store, as SQL."""
    paths, closures = store.history(feed)
    if not paths:
        return []
    with duckdb.connect() as con:
        found = con.sql(f"SELECT {columns} FROM ({all_rows_sql(paths, closures)}) WHERE open AND ({where}) ORDER BY row_id")
        rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows


class _MadeCourse(Course):
    """The course of a delivery whose one file was just written."""

    def __init__(
        self, spec: FeedSpec, maker: Maker, path: Path, name: str, about: Mapping[str, Any], event: Event | None
    ) -> None:
        super().__init__(spec, [path], maker.workspace, maker.register, maker.store, maker.now, maker.work)
        self._path, self._called, self._about, self._event = path, name, dict(about), event

    def _take(self) -> None:
        receipt = replace(take_receipt(self._path), name=self._called)
        self._note(content_sha256=receipt.sha256, files=[receipt.as_dict()])
        self._store_rows([receipt], open_source)
        self._note(files=[{**each, **self._about} for each in self._record.files])

    def _enter(self) -> None:
        event = self._event if self._record.state == "effective" else None
        if event is not None:
            event = replace(event, detail={**event.detail, "delivery_id": self._record.delivery_id})
        self._record_with(event)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
