"""Gate results as Dagster asset checks: one blocking step per stage.

Put here: the translation of declared checks and of their results. Keep out: the rules (gates) and their storage (pipeline.run).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

import dagster as dg

from risk_pipeline.errors import Refused
from risk_pipeline.gates.reconciliation import STAGE_HEAD, Stage
from risk_pipeline.gates.run_stage import STAGE_TABLES, DeclaredCheck, declared_checks
from risk_pipeline.orchestration.dependencies import sources
from risk_pipeline.orchestration.specs import key
from risk_pipeline.store.register import CheckRecord

FAMILY = {
    "contract": "contract",
    "reconcile": "reconciliation",
    "suite": "expectations",
    "cross": "cross_feed",
    "control": "control_totals",
    "duty": "duties",
}
SEVERITY = {"error": dg.AssetCheckSeverity.ERROR, "warn": dg.AssetCheckSeverity.WARN}

STOPS = "An error stops the run before its next stage, also where this check is shown as not blocking."

Gate = TypeVar("Gate", DeclaredCheck, CheckRecord)


def check_specs(stage: Stage) -> list[dg.AssetCheckSpec]:
    """One check per table and family of gates; each gate by itself stands in audit.check_result.

    `blocking` stands only on tables nothing else in the stage reads. On any other it would be a circle: the reader waits for
    the check, and the check, being one step, for the reader. One blocking check is enough to hold the next stage back, since
    the whole step fails when any error-level gate fails.
    """
    inner = set().union(*(sources(name) for name in STAGE_TABLES[stage] if name.startswith("factor.")))
    return [
        dg.AssetCheckSpec(
            name=family,
            asset=key(table),
            description=f"{'; '.join(check.describes for check in checks)}. {STOPS}",
            blocking=table not in inner,
        )
        for (table, family), checks in _by_family(declared_checks(stage)).items()
    ]


def selected(records: Sequence[CheckRecord], keys: Collection[dg.AssetCheckKey]) -> list[CheckRecord]:
    """The records behind the selected checks: all in a whole run, fewer when somebody materialises single tables."""
    return [record for record in records if dg.AssetCheckKey(key(_shown_on(record)), _family(record)) in keys]


def check_results(records: Sequence[CheckRecord]) -> Iterator[dg.AssetCheckResult]:
    """The results of one stage. An asset check fails as an error when a gate of level error failed, else as a warning."""
    for (table, family), gates in _by_family(records).items():
        failed = [gate for gate in gates if not gate.passed]
        yield dg.AssetCheckResult(
            asset_key=key(table),
            check_name=family,
            passed=not failed,
            severity=SEVERITY["error" if any(gate.severity == "error" for gate in failed or gates) else "warn"],
            description="; ".join(f"{gate.check_name}: {gate.detail}" for gate in failed) or f"{len(gates)} gates passed",
            metadata={"gates": len(gates), "failed": len(failed), "rows failed": sum(gate.n_failed for gate in failed)},
        )


def _by_family(gates: Sequence[Gate]) -> dict[tuple[str, str], list[Gate]]:
    """Gates by table and family."""
    found: dict[tuple[str, str], list[Gate]] = {}
    for gate in gates:
        found.setdefault((_shown_on(gate), _family(gate)), []).append(gate)
    return found


def _shown_on(gate: DeclaredCheck | CheckRecord) -> str:
    """The table Dagster shows a gate on. A gate about feeds is asked in a run, which writes no feed: it stands on its head."""
    return STAGE_HEAD["factor"] if gate.table_name.startswith("feed.") else gate.table_name


def _family(gate: DeclaredCheck | CheckRecord) -> str:
    return FAMILY[gate.check_name.split("_")[0]]


def refuse_if_any_failed(stage: Stage, records: Sequence[CheckRecord]) -> None:
    """Refused, naming the first gates that failed, when the stage may not be published."""
    failed = [record for record in records if record.severity == "error" and not record.passed]
    if failed:
        shown = "\n".join(f"  {record.table_name}: {record.check_name}: {record.detail}" for record in failed[:5])
        more = f"\n  and {len(failed) - 5} more" if len(failed) > 5 else ""
        raise Refused(
            f"{len(failed)} of {len(records)} gates of the {stage} stage failed:\n{shown}{more}",
            remedy="nothing was published, the last published state stands; mend the cause named above and run the date again",
        )
