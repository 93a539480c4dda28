"""Gate results as Dagster asset checks: one blocking step per stage.

Put here: the translation of declared checks and of their results. Keep out: the rules (gates) and their storage (pipeline.run).
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from risk_pipeline.errors import Refused
from risk_pipeline.gates.reconciliation import Stage
from risk_pipeline.gates.run_stage import STAGE_TABLES, declared_checks
from risk_pipeline.orchestration.dependencies import sources
from risk_pipeline.orchestration.specs import key
from risk_pipeline.store.register import CheckRecord

SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}


def check_specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """A spec per declared check. `blocking` stands only on tables nothing else in the stage reads.

    On any other table it would be a circle: the reader waits for the check, and the check, being one step, for the reader.
    One blocking check is enough to hold the next stage back, since the whole step fails when any error-level gate fails.
    """
    inner = set().union(*(sources(name) for name in STAGE_TABLES[stage] if name.startswith("factor.")))
    return [
        dg.AssetCheckSpec(
            name=check.check_name,
            asset=key(check.table_name),
            description=check.describes,
            blocking=check.severity == "error" and check.table_name not in inner,
        )
        for check in declared_checks(stage)
    ]


def check_results(records: list[CheckRecord]) -> Iterator[dg.AssetCheckResult]:
    """The results of one stage, as they were stored in the register."""
    for record in records:
        yield dg.AssetCheckResult(
            asset_key=key(record.table_name),
            check_name=record.check_name,
            passed=record.passed,
            severity=SEVERITY[record.severity],
            description=record.detail,
            metadata={"failed_rows": record.n_failed},
        )


def refuse_if_any_failed(stage: Stage, records: list[CheckRecord]) -> None:
    """Refused, naming the first gates that failed, when the stage may not be published."""
    failed = [record for record in records if record.severity == "error" and not record.passed]
    if failed:
        shown = "\n".join(f"  {record.table_name}: {record.check_name}: {record.detail}" for record in failed[:5])
        more = f"\n  and {len(failed) - 5} more" if len(failed) > 5 else ""
        raise Refused(
            f"{len(failed)} of {len(records)} gates of the {stage} stage failed:\n{shown}{more}",
            remedy="nothing was published, the last published state stands; mend the cause named above and run the date again",
        )
