"""The feeds: one asset per feed contract, filled by one ingest step. Unpartitioned, for the feed store is bitemporal.

Put here: how an ingest shows in Dagster. Keep out: reading and validating files (feeds, pipeline.ingest).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.errors import Refused
from risk_pipeline.orchestration.feed_results import ingested
from risk_pipeline.orchestration.resource import Assessment, errors_as_failures
from risk_pipeline.orchestration.specs import key, spec
from risk_pipeline.pipeline.ingest import ingest, refusal
from risk_pipeline.store.lock import workspace_lock

GO_ON = "go on with the last good delivery: --use-last-good, in Dagster use_last_good in the configuration of `ingest`"


class IngestConfig(dg.Config):
    """`use_last_good`: go on with what is stored when a delivery is refused, instead of stopping the run."""

    use_last_good: bool = False


@dg.multi_asset(name="ingest", specs=[spec(table.full_name) for table in FEED_TABLES], can_subset=True)
def feeds(context: dg.AssetExecutionContext, config: IngestConfig, assessment: Assessment) -> Iterator[dg.MaterializeResult]:
    """Read every configured feed. A feed without a YAML file is there too, empty: its evidence counts as missing."""
    tables = [table for table in FEED_TABLES if key(table.full_name) in context.selected_asset_keys]
    only = None if len(tables) == len(FEED_TABLES) else [table.name for table in tables]
    with errors_as_failures():
        workspace = assessment.load_workspace()
        register = assessment.register_of(workspace)
        with workspace_lock(workspace.lock_file, "ingest"):
            results = ingest(workspace, register, feeds=only, now=datetime.now(UTC))
        refused = refusal(results)
        if refused is not None and not config.use_last_good:
            raise Refused(refused.message, remedy=f"{refused.remedy}; or {GO_ON}")
        materialised = [ingested(table, register, results) for table in tables]
    yield from materialised
