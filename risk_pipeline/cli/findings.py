"""`screen` and `finding list|confirm|clear`: possible hits on sanctions lists, and what a person says about them.

Put here: their order of work and what they print. Keep out: searching (pipeline.screening), verdicts (pipeline.verdicts).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.errors import UsageError
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.verdicts import Verdict

SCREEN_ROWS = 20


def screen_customers(root: Path, everyone: bool) -> None:
    """Search the customers that are due, or all, and print how it went by list. Refused when a delivery of it was."""
    from risk_pipeline.cli.running import print_deliveries
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.ingest import refusal
    from risk_pipeline.pipeline.screening import is_wanted, screen_workspace
    from risk_pipeline.store.lock import workspace_lock

    workspace, now = Workspace.load(root), datetime.now(UTC)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "screen"):
        if not is_wanted(workspace, register, now):
            raise UsageError(
                f"{workspace.root} has no sanctions list to search on",
                remedy="write a feed YAML for sanctions_entity (docs/feeds.md) and ingest it",
            )
        results = screen_workspace(workspace, register, now=now, everyone=everyone)
    if not results:
        typer.echo("nobody to search: no customer has a name, or nothing changed since the last search; --all searches everybody")
        return
    print_deliveries(results)
    refused = refusal(results)
    if refused is not None:
        raise refused
    typer.echo(f"Possible hits wait for a verdict: risk-pipeline finding list{where_option(workspace)}")


def list_findings(root: Path, state: str | None, customer: str | None, limit: int | None, as_json: bool) -> None:
    """Print findings that need a verdict or have one, the likeliest first."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.verdicts import STATES, findings

    if state is not None and state not in STATES:
        raise UsageError(f"--state {state!r} is no state", remedy=f"write one of {', '.join(STATES)}")
    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        rows = findings(workspace, register, states=(state,) if state else (), customer=customer)
    at_most = limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        output.print_json({"findings": len(rows), "rows": [_shown(row) for row in rows[:at_most]]})
        return
    out = output.console()
    if not rows:
        out.print("no finding")
        return
    for row in rows[:at_most]:
        _print(out, row)
    if at_most is not None and len(rows) > at_most:
        out.print(f"the first {at_most} of {len(rows)}; more with --limit, all with --json")


def say_verdict(root: Path, finding: str, verdict: Verdict, by: str, reason: str) -> None:
    """Store a verdict and say what it means."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.verdicts import give_verdict
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "finding"):
        before = give_verdict(workspace, register, finding, verdict, by=by, reason=reason, now=datetime.now(UTC))
    typer.echo(f"{finding}: {verdict} by {by} (was {before['review_state'] or 'unreviewed'}); the next run uses it")


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    names = (
        "finding_id", "customer_id", "source", "match_score", "review_state", "reviewed_by", "reviewed_date", "published_date",
        "detail",
    )  # fmt: skip
    return {name: row[name] for name in names}


def _print(out: Any, row: dict[str, Any]) -> None:
    """One finding in two lines: who and how like; which entry and what else is known."""
    detail = row["detail"]
    state = row["review_state"] if not row["reviewed_by"] else f"{row['review_state']} by {row['reviewed_by']}"
    out.print(f"{row['finding_id']}  {row['match_score']:.2f}  {state}")
    out.print(f"  customer {row['customer_id']}  {detail.get('customer_name', '')}")
    entry = f"{row['source']} {detail.get('entity_id', '')}  {detail.get('matched_name', '')}"
    listed = detail.get("list_name", "")
    out.print(f"  list     {entry}" + (f" = {listed}" if listed != detail.get("matched_name") else ""))
    known = [f"{name} {detail[name]}" for name in ("country", "kind", "number") if detail.get(name, "unknown") != "unknown"]
    more = [detail[name] for name in ("programme", "gone", "earlier_verdict", "reason") if detail.get(name)]
    if known or more:
        out.print(f"           {'; '.join([*known, *more])}")
