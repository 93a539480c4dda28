"""`delivery`: what came when, and taking it back.

Put here: what is printed about deliveries. Keep out: what a revocation does (pipeline.revoke).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from risk_pipeline.cli import output
from risk_pipeline.cli.quarantine import deliveries_of
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Delivery

SCREEN_ROWS = 20
COUNTS = ("rows_read", "rows_filtered", "rows_rejected", "rows_repeated", "rows_unchanged", "rows_stored", "rows_closed")


def list_deliveries(root: Path, feed: str | None, limit: int | None, everything: bool, as_json: bool) -> None:
    """Print deliveries, newest first: those in effect, refused or revoked; with `everything` also those that did nothing."""
    workspace = Workspace.load(root)
    deliveries = deliveries_of(workspace, feed)
    shown = [d for d in reversed(deliveries) if feed in (None, d.feed) and (everything or d.state != "no_op")]
    at_most = limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        output.print_json({"feed": feed, "deliveries": len(shown), "rows": [_record(each) for each in shown[:at_most]]})
        return
    out = output.console()
    if not shown:
        out.print("nothing was delivered yet")
        return
    out.print(_table(shown[:at_most]))
    if at_most is not None and len(shown) > at_most:
        out.print(f"the newest {at_most} of {len(shown)}; more with --limit, files and reasons with --json")


def revoke_delivery(root: Path, number: int, by: str, reason: str) -> None:
    """Revoke a delivery and say what that changed, and which assessments to run again."""
    from risk_pipeline.cli.arguments import where_option
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.revoke import revoke
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "delivery revoke"):
        done = revoke(workspace, register, number, by=by, reason=reason, now=datetime.now(UTC))
    out, record = output.console(), done.delivery
    replays = f" with its replays {', '.join(map(str, done.revoked[1:]))}" if len(done.revoked) > 1 else ""
    recorded = f"recorded as delivery {record.delivery_id}"
    out.print(f"{record.feed}: delivery {number}{replays} revoked by {by} ({recorded})", soft_wrap=True)
    out.print(f"rows closed: {record.rows_closed:,}; earlier versions reopened: {record.rows_stored:,}")
    moment = record.received_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    out.print(f"a run with --known-at before {moment} still sees it", soft_wrap=True)
    if done.dates:
        dates = ", ".join(day.isoformat() for day in done.dates)
        out.print(f"assessed with it and still published: {dates}; run them again{where_option(workspace)}", soft_wrap=True)


def _table(deliveries: Sequence[Delivery]) -> Any:
    headers = ["no.", "feed", "kind", "state", "received", "stored", "closed", "rejected"]
    rows = [
        (
            each.delivery_id,
            each.feed,
            _kind(each),
            each.state.replace("_", "-"),
            each.received_at.date().isoformat(),
            each.rows_stored,
            each.rows_closed,
            each.rows_rejected,
        )
        for each in deliveries
    ]
    return output.table(headers, rows, numeric=(0, 5, 6, 7), fold=[1])


def _kind(delivery: Delivery) -> str:
    words = {"source": "source", "replay": f"replay of {delivery.origin_delivery_id}"}
    return words.get(delivery.delivery_kind, f"revokes {delivery.origin_delivery_id}")


def _record(each: Delivery) -> dict[str, Any]:
    names = ("delivery_id", "feed", "delivery_kind", "origin_delivery_id", "mode", "state", "received_at", "message", "files")
    return {**{name: getattr(each, name) for name in names}, **{name: getattr(each, name) for name in COUNTS}}
