"""The frame of an assessment: `audit/run` opens it before everything, `audit/snapshot` publishes it after everything.

Put here: those two assets. Keep out: what opening and publishing mean (pipeline.run).
"""

from datetime import UTC, datetime

import dagster as dg

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.orchestration.resource import Assessment
from risk_pipeline.orchestration.results import data_version
from risk_pipeline.orchestration.specs import asset_arguments
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES


class AssessConfig(dg.Config):
    """`known_at`: see only what was known then (ISO timestamp, UTC if it names no zone); none = now.

    `policy`: a version; none = the one in force at the date. `by`: who launches it; none = RISK_USER, or the user of the system.
    """

    known_at: str | None = None
    policy: str | None = None
    by: str | None = None


@dg.asset(**asset_arguments("audit.run", deps=[table.full_name for table in FEED_TABLES]))
def open_run(context: dg.AssetExecutionContext, config: AssessConfig, assessment: Assessment) -> dg.MaterializeResult:
    """Freeze date, knowledge, deliveries, policy and previous assessment, once; take the workspace lock."""
    with assessment.step(context, _moment(config.known_at), config.policy, config.by) as run:
        record = run.record
        return dg.MaterializeResult(
            metadata={
                "run": run.run_id,
                "as_of": record.as_of.isoformat(),
                "known_at": record.known_at.isoformat(),
                "label": record.label,
                "policy": record.policy_version,
                "previous": record.previous_as_of.isoformat() if record.previous_as_of else "none",
                "manifest": dg.MetadataValue.json(record.manifest),
            },
            data_version=dg.DataVersion(data_version(run)),
        )


@dg.asset(**asset_arguments("audit.snapshot", deps=["audit.run", *FACTOR_TABLES, *DECIDE_TABLES]))
def publish(context: dg.AssetExecutionContext, assessment: Assessment) -> dg.MaterializeResult:
    """Flip every table together, if every blocking check of this run passed. Only this asset says what is published."""
    with assessment.step(context) as run:
        snapshot = run.publish()
        return dg.MaterializeResult(
            metadata={
                "snapshot": snapshot.snapshot_id,
                "parent": snapshot.parent_id or "none",
                "tables": snapshot.n_tables,
                "rows": snapshot.n_rows,
                "dates": ", ".join(day.isoformat() for day in snapshot.dates()),
            },
            data_version=dg.DataVersion(data_version(run)),
        )


def _moment(text: str | None) -> datetime | None:
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
