"""What a step tells Dagster about a table it has staged.

Put here: metadata and data versions of a materialisation. Keep out: the figures themselves (pipeline.run puts them there).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import dagster as dg

from risk_pipeline import contracts
from risk_pipeline.lineage.columns import Column
from risk_pipeline.lineage.influence import DIRECT
from risk_pipeline.orchestration.specs import key
from risk_pipeline.orchestration.versions import digest
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.pipeline.run import Run, Staged
from risk_pipeline.policy.model import Policy


def materialised(run: Run, staged: Staged) -> dg.MaterializeResult:
    """The result of one staged table: rows, columns, file, what the run says about it, and a data version."""
    table = contracts.table(staged.table)
    return dg.MaterializeResult(
        asset_key=key(staged.table),
        metadata={
            "dagster/partition_row_count": staged.rows,
            "dagster/column_lineage": values_of(staged.table, run.policy),
            "columns": len(table.columns),
            "file": dg.MetadataValue.path(str(staged.path)),
            "run": run.run_id,
            **{name: as_metadata(value) for name, value in staged.metadata.items()},
        },
        data_version=dg.DataVersion(data_version(run)),
    )


def values_of(full_name: str, policy: Policy) -> dg.TableColumnLineage:
    """The columns of other tables that the values of a table's columns are made of. What only chooses, and keys of the policy,
    are in audit.column_lineage: an event log is no place for twenty thousand of them.
    """
    lineage = column_lineage(policy)

    def made_of(column: Column) -> list[dg.TableColumnDep]:
        sources = dict.fromkeys(edge.source for edge in lineage.sources(column) if edge.how in DIRECT)
        return [dg.TableColumnDep(key(each.table), each.column) for each in sources if each.table in contracts.TABLES]

    return dg.TableColumnLineage({column.column: made_of(column) for column in lineage.columns(full_name)})


def data_version(run: Run) -> str:
    """Equal for two runs that see the same deliveries under the same policy at the same date, whatever their ids and clocks."""
    return digest([run.as_of, run.record.policy_hash, run.record.previous_run_id, run.record.manifest.get("deliveries")])


def as_metadata(value: Any) -> Any:
    """A plain value as Dagster shows it: mappings as a two-column table, decimals as numbers."""
    if isinstance(value, Mapping):
        rows = "\n".join(f"| {name} | {each} |" for name, each in value.items())
        return dg.MetadataValue.md(f"| | |\n|---|---:|\n{rows}")
    return float(value) if isinstance(value, Decimal) else value
