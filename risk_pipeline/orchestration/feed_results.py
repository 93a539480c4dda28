"""What the ingest step tells Dagster about a feed.

Put here: metadata and data version of a feed. Keep out: reading feeds (pipeline.ingest).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import dagster as dg

from risk_pipeline.contracts import Table
from risk_pipeline.orchestration.results import as_metadata
from risk_pipeline.orchestration.specs import key
from risk_pipeline.orchestration.versions import digest
from risk_pipeline.pipeline.ingest import IngestResult
from risk_pipeline.store.register import Register


def ingested(table: Table, register: Register, results: Sequence[IngestResult]) -> dg.MaterializeResult:
    """A feed after an ingest. Its data version changes only with its effective deliveries, so a no-op leaves nothing stale."""
    stored = register.stored_deliveries(table.name)
    effective = [each for each in stored if each.state == "effective"]
    mine = [result for result in results if result.feed == table.name]
    metadata: dict[str, Any] = {
        "state": ", ".join(result.state for result in mine) or "not configured: its evidence counts as missing",
        "deliveries": len(effective),
        "dagster/row_count": sum(delivery.rows_stored - delivery.rows_closed for delivery in stored),
    }
    for name in ("rows_read", "rows_stored", "rows_rejected"):
        metadata[name] = sum(result.counts[name] for result in mine)
    warned = sum((Counter(result.warnings) for result in mine), Counter[str]())
    if warned:
        metadata["warnings"] = as_metadata(warned)
    return dg.MaterializeResult(
        asset_key=key(table.full_name),
        metadata=metadata,
        data_version=dg.DataVersion(digest([delivery.delivery_id for delivery in effective])),
    )
