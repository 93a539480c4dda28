"""What a person says about a possible hit: the findings there are, and a verdict as a new version with an event in the audit log.

Put here: listing findings, confirming and clearing one. Keep out: finding hits (screening), what a verdict does to a rating
(factors, policy), printing (cli).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from risk_pipeline.contracts import table
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.ingest import MADE, work_folder
from risk_pipeline.pipeline.made import Maker, rows_in_effect
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Event, Register

FINDING = "due_diligence_finding"
Verdict = Literal["confirmed", "cleared"]
STATES = ("unreviewed", "confirmed", "cleared")


def findings(
    workspace: Workspace, register: Register, *, states: Sequence[str] = (), customer: str | None = None
) -> list[dict[str, Any]]:
    """The findings in effect now that ask for a verdict or have one, the likeliest first; of these states or one customer only.

    Each row has the columns of the feed; `detail` is the evidence as a dict.
    """
    rows = _made_findings(FeedStore(Lake(workspace.lake), register))
    told = [
        {**row, "detail": json.loads(row["detail"] or "{}"), "review_state": row["review_state"] or "unreviewed"} for row in rows
    ]
    kept = [row for row in told if (not states or row["review_state"] in states) and customer in (None, row["customer_id"])]
    return sorted(kept, key=lambda row: (-(row["match_score"] or 0), row["customer_id"], row["finding_id"]))


def give_verdict(
    workspace: Workspace, register: Register, finding_id: str, verdict: Verdict, *, by: str, reason: str, now: datetime
) -> dict[str, Any]:
    """Store a person's verdict on a finding; returns the finding before it. The caller holds the workspace lock.

    UsageError for an unknown finding, one that came with a feed, a missing name or reason. Refused when it has this verdict.
    """
    by, reason = by.strip(), reason.strip()
    if not by or not reason:
        raise UsageError("a verdict needs a name and a reason", remedy='for example --by "Li Wei" --reason "other date of birth"')
    store = FeedStore(Lake(workspace.lake), register)
    before = next((row for row in _made_findings(store) if row["finding_id"] == finding_id), None)
    if before is None:
        raise UsageError(f"there is no finding {finding_id} made by screening", remedy="risk-pipeline finding list shows them")
    if before["review_state"] == verdict:
        raise Refused(f"finding {finding_id} is {verdict} already, by {before['reviewed_by']} on {before['reviewed_date']}")
    today = now.astimezone(workspace.zone).date()
    detail = {**json.loads(before["detail"]), "reason": reason}
    columns = table(f"feed.{FINDING}").column_names
    row = {
        **{name: before[name] for name in columns if before[name] is not None},
        "detail": json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        "review_state": verdict,
        "reviewed_by": by,
        "reviewed_date": today.isoformat(),
    }
    told = {
        "customer_id": before["customer_id"],
        "source": before["source"],
        "reason": reason,
        "before": before["review_state"] or "unreviewed",
        "matched_name": detail.get("matched_name", ""),
    }
    event = Event(at=now, actor=by, action=f"finding.{verdict}", subject=finding_id, detail=told)
    with work_folder(workspace) as work:
        result = Maker(workspace, register, store, now, work).deliver(FINDING, [row], f"{MADE}verdict", {}, event)
    if result.state != "effective":
        raise Refused(f"the verdict on {finding_id} was not stored: {result.message}", remedy=result.remedy)
    return before


def _made_findings(store: FeedStore) -> list[dict[str, Any]]:
    return rows_in_effect(store, FINDING, f"source_file LIKE '{MADE}%'")
