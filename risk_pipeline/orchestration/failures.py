"""Our errors through Dagster and back: a RiskError leaves a step as `dagster.Failure` and comes out of a run as itself.

Put here: that translation, both ways. Keep out: what the errors mean (errors) and how they are shown (cli).
A Failure carries description and metadata into the event log, so the message survives processes and shows in the browser.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

from risk_pipeline.errors import Locked, Refused, RiskError, UsageError

BY_EXIT_CODE = {kind.exit_code: kind for kind in (RiskError, UsageError, Refused, Locked)}


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
    said = info.message.strip() if info is not None else failure.message
    return RiskError(
        f"unexpected error: {said}", remedy="run again with --verbose to see where; please report it with that output"
    )
