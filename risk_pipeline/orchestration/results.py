"""What a step tells Dagster about a table it has staged.

Put here: metadata and data versions of a materialisation. Keep out: the figures themselves (pipeline.run puts them there).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import dagster as dg

from risk_pipeline import contracts
from risk_pipeline.orchestration.specs import key
from risk_pipeline.orchestration.versions import digest
from risk_pipeline.pipeline.run import Run, Staged


def materialised(run: Run, staged: Staged) -> dg.MaterializeResult:
    """The result of one staged table: rows, columns, file, what the run says about it, and a data version."""
    table = contracts.table(staged.table)
    return dg.MaterializeResult(
        asset_key=key(staged.table),
        metadata={
            "dagster/partition_row_count": staged.rows,
            "columns": len(table.columns),
            "file": dg.MetadataValue.path(str(staged.path)),
            "run": run.run_id,
            **{name: as_metadata(value) for name, value in staged.metadata.items()},
        },
        data_version=dg.DataVersion(data_version(run)),
    )


def data_version(run: Run) -> str:
    """Equal for two runs that see the same deliveries under the same policy at the same date, whatever their ids and clocks."""
    return digest([run.as_of, run.record.policy_hash, run.record.previous_run_id, run.record.manifest.get("deliveries")])


def as_metadata(value: Any) -> Any:
    """A plain value as Dagster shows it: mappings as a two-column table, decimals as numbers."""
    if isinstance(value, Mapping):
        rows = "\n".join(f"| {name} | {each} |" for name, each in value.items())
        return dg.MetadataValue.md(f"| | |\n|---|---:|\n{rows}")
    return float(value) if isinstance(value, Decimal) else value
