"""A whole assessment in one call, as tests, bench and scripts want it; Dagster calls the same stages one by one.

Put here: the order of the stages and the summary of a run. Keep out: what a stage does (run.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import uuid4

from risk_pipeline.pipeline.run import FACTOR_TABLES, STAGES, Run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import SYSTEM, CheckRecord, Register

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Assessment:
    """What a published run did: rows per table, customers per tier, seconds per stage, answers of the gates."""

    run_id: str
    as_of: date
    known_at: datetime
    label: str
    snapshot_id: int
    rows: dict[str, int]
    tier_counts: dict[str, int]
    seconds: dict[str, float]
    checks: list[CheckRecord]


def assess(
    workspace: Workspace,
    register: Register,
    *,
    as_of: date,
    known_at: datetime | None = None,
    policy: str | None = None,
    run_id: str | None = None,
    by: str = SYSTEM,
    now: datetime,
    progress: Progress = lambda step: None,
) -> Assessment:
    """Assess every customer as of a date and publish. `by`: who launched it. `progress` hears the name of each step as it begins.

    Raises as Run.open and Run.publish do; whatever is raised, the published state is the old one or the whole new one.
    """
    clock = _Clock(progress)
    clock.step("open")
    with Run.open(
        workspace, register, run_id=run_id or uuid4().hex, as_of=as_of, known_at=known_at, policy=policy, by=by, now=now
    ) as run:
        rows: dict[str, int] = {}
        for name in FACTOR_TABLES:
            clock.step(name)
            rows[name] = run.factor(name).rows
        clock.step("audit factor")
        checks = run.audit("factor")
        clock.step("decide")
        decided: dict[str, Any] = run.decide()
        rows |= {name: staged.rows for name, staged in decided.items()}
        clock.step("audit decide")
        checks += run.audit("decide")
        clock.step("publish")
        snapshot = run.publish()
        clock.stop()
        for stage in STAGES:
            clock.seconds |= {f"{stage} {part}": taken for part, taken in run.audit_seconds[stage].items()}
        return Assessment(
            run_id=run.run_id,
            as_of=as_of,
            known_at=run.known_at,
            label=run.label,
            snapshot_id=snapshot.snapshot_id,
            rows=rows,
            tier_counts=decided["decision.risk_tier"].metadata["tier_counts"],
            seconds=clock.seconds,
            checks=checks,
        )


class _Clock:
    """Seconds from each step to the next."""

    def __init__(self, progress: Progress) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress
        self._current: str | None = None
        self._since = time.perf_counter()

    def step(self, name: str) -> None:
        self.stop()
        self._current, self._since = name, time.perf_counter()
        self._progress(name)

    def stop(self) -> None:
        if self._current is not None:
            self.seconds[self._current] = time.perf_counter() - self._since
            self._current = None
