"""Our errors through Dagster and back: a RiskError leaves a step as `dagster.Failure` and comes out of a run as itself.

Put here: that translation, both ways. Keep out: what the errors mean (errors) and how they are shown (cli).
A Failure carries description and metadata into the event log, so the message survives processes and shows in the browser.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from risk_pipeline.errors import Locked, Refused, RiskError, UsageError

BY_EXIT_CODE = {kind.exit_code: kind for kind in (RiskError, UsageError, Refused, Locked)}

# What a signal becomes where it arrives: between steps, in Python, inside a DuckDB query.
INTERRUPTIONS = ("DagsterExecutionInterruptedError", "KeyboardInterrupt", "RuntimeError: Query interrupted")
STOPPED = "the run was stopped from outside before it published anything"


def as_failure(error: RiskError) -> dg.Failure:
    """The Dagster form of `error`. Not retried: the same input would be refused again."""
    metadata: dict[str, Any] = {"exit_code": error.exit_code}
    if error.remedy:
        metadata["what to do"] = error.remedy
    return dg.Failure(description=error.message, metadata=metadata, allow_retries=False)


def error_of(failure: dg.DagsterEvent) -> RiskError:
    """The error behind the failure event of a step or of a whole run; an unexpected exception keeps type and message."""
    data = failure.event_specific_data
    ours = getattr(data, "user_failure_data", None)
    if ours is not None:
        metadata = {name: value.value for name, value in ours.metadata.items()}
        kind = BY_EXIT_CODE[metadata.get("exit_code", 1)]
        return kind(ours.description or "failed", remedy=metadata.get("what to do", ""))
    info = getattr(data, "error", None)
    while info is not None and info.cause is not None:
        info = info.cause
    said = info.message.strip() if info is not None else str(failure.message)
    if _is_interruption(said):
        return RiskError(STOPPED, remedy="the last published state stands; run the date again")
    return RiskError(
        f"unexpected error: {said}", remedy="run again with --verbose to see where; please report it with that output"
    )


def message_of(error: BaseException) -> str:
    """What the register keeps of the error that ended a run."""
    if isinstance(error, RiskError):
        return str(error)
    said = f"{type(error).__name__}: {error}"
    return STOPPED if _is_interruption(said) else said


def _is_interruption(said: str) -> bool:
    return any(name in said for name in INTERRUPTIONS)
