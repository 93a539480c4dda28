"""The one job: every feed, factor and decision, audited and published. The command line, the schedule and tests launch it.

Put here: the job. Keep out: its assets, and how it is launched (launch, schedule).
"""

from __future__ import annotations

import dagster as dg

from risk_pipeline.orchestration.schedule import ASSESS_JOB

assess_job = dg.define_asset_job(
    ASSESS_JOB,
    selection=dg.AssetSelection.all(),
    description="Ingest what is new, assess every customer at one date, audit, and publish if every gate passes.",
)
