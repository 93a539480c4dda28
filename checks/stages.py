"""One blocking multi_asset_check per stage of a run. Two stages in one would be a circular dependency.

Put here: the two steps. Keep out: the gates themselves (risk_pipeline.gates).
"""

from collections.abc import Iterator

import dagster as dg

from risk_pipeline.gates.reconciliation import Stage
from risk_pipeline.orchestration.gates import check_results, check_specs, refuse_if_any_failed, selected
from risk_pipeline.orchestration.resource import Assessment


def stage_check(stage: Stage) -> dg.AssetChecksDefinition:
    """Ask every gate of `stage`; an error-level failure stops the run before the next stage."""

    @dg.multi_asset_check(name=f"{stage}_gates", specs=check_specs(stage), can_subset=True)
    def ask(context: dg.AssetCheckExecutionContext, assessment: Assessment) -> Iterator[dg.AssetCheckResult]:
        with assessment.step(context) as run:
            wanted = selected(run.audit(stage), context.selected_asset_check_keys)
        yield from check_results(wanted)
        with assessment.step(context):
            refuse_if_any_failed(stage, wanted)

    return ask


factor_gates = stage_check("factor")
decide_gates = stage_check("decide")
