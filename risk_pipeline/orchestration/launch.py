"""Launching the job in this process, as the command line does: instance, partition, progress, and our errors back.

Put here: everything about a launch that needs Dagster. Keep out: what is printed (cli) and the job itself.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Timer
from uuid import uuid4

import dagster as dg

from risk_pipeline.errors import RiskError
from risk_pipeline.orchestration.failures import error_of
from risk_pipeline.orchestration.orphans import sign_of_life
from risk_pipeline.orchestration.partitions import ASSESSMENT_DATE

SENT_AGAIN_SECONDS = 0.05
# A step as people see it is told by two words: which step (op name), and "start", "done" or "failed".
OnStep = Callable[[str, str], None]
TOLD = {
    dg.DagsterEventType.STEP_START: "start",
    dg.DagsterEventType.STEP_SUCCESS: "done",
    dg.DagsterEventType.STEP_FAILURE: "failed",
}


@dataclass(frozen=True)
class Request:
    """One assessment to launch. `known_at` None = now; `policy` None = the one in force; `by` None = whoever the system says.

    `use_last_good`: a refused delivery does not stop it.
    """

    as_of: date
    known_at: datetime | None = None
    policy: str | None = None
    use_last_good: bool = False
    by: str | None = None


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The persistent instance whose dagster.yaml lies in `home`."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def launch(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    request: Request,
    on_step: OnStep,
    log_level: str = "CRITICAL",
) -> str:
    """Run `job` for one date to its end; returns the run id. A failed run raises the RiskError that stopped it."""
    run_id = str(uuid4())
    instance.add_dynamic_partitions(ASSESSMENT_DATE, [request.as_of.isoformat()])
    instance.add_event_listener(run_id, lambda entry: _tell(entry, on_step))
    with sign_of_life(instance, run_id) as life, _no_lost_interrupt():
        result = job.execute_in_process(
            instance=instance,
            run_id=run_id,
            partition_key=request.as_of.isoformat(),
            run_config=run_config(request, log_level),
            tags={**life, "dagster/max_retries": "0"},  # whoever typed the command decides on a second attempt
            raise_on_error=False,
        )
    if not result.success:
        raise _what_failed(result)
    return run_id


@contextmanager
def _no_lost_interrupt() -> Iterator[None]:
    """Python drops a signal that arrives while a finaliser runs, and prints a traceback. It is sent again a moment later."""
    usual = sys.unraisablehook

    def hook(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)):
            usual(dropped)
            return
        again = Timer(SENT_AGAIN_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
        again.daemon = True
        again.start()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = usual


def run_config(request: Request, log_level: str) -> dict[str, object]:
    """Run configuration of the job for `request`."""
    known_at = request.known_at.isoformat() if request.known_at else None
    return {
        "ops": {
            "ingest": {"config": {"use_last_good": request.use_last_good}},
            "audit__run": {"config": {"known_at": known_at, "policy": request.policy, "by": request.by}},
        },
        "loggers": {"console": {"config": {"log_level": log_level}}},
    }


def step_names(job: dg.JobDefinition) -> list[str]:
    """The steps of the job in an order they can run in."""
    return [node.name for node in job.graph.nodes_in_topological_order]


def _tell(entry: dg.EventLogEntry, on_step: OnStep) -> None:
    event = entry.dagster_event
    if event is not None and event.step_key is not None and event.event_type in TOLD:
        on_step(event.step_key, TOLD[event.event_type])


def _what_failed(result: dg.ExecuteInProcessResult) -> RiskError:
    failures = [event for event in result.all_events if event.is_failure]
    return error_of(failures[0]) if failures else RiskError("the run stopped without saying why")
