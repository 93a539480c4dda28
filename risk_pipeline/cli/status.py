"""`status`: what is published, what was delivered, how the last run ended.

Put here: that page. Figures come from the catalogue, like everybody's; deliveries and runs from the register, because a
refused delivery or run publishes nothing and so never reaches the catalogue. Keep out: forms (output).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.reader import BY_TIER, NOTHING_YET, ask, published_dates
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register


def show_status(root: Path, as_json: bool) -> None:
    """Print the page; a workspace without any run is no error."""
    workspace = Workspace.load(root)
    found = status_of(workspace)
    if as_json:
        output.print_json(found)
    else:
        _print(output.console(), found)


def status_of(workspace: Workspace) -> dict[str, Any]:
    """The page as plain data, with the keys of docs/command_line.md."""
    dates = published_dates(workspace)
    with _register(workspace) as register:
        snapshot = register.current_snapshot() if register else None
        runs = register.runs() if register else []
        deliveries = register.deliveries() if register else []
    last_news = {each.feed: each for each in deliveries if each.state != "no_op"}
    current = {run.run_id: run for run in runs}.get(snapshot.run_id) if snapshot else None
    last = runs[-1] if runs else None
    return {
        "workspace": workspace.root,
        "reporting_currency": workspace.settings.reporting_currency,
        "published": {
            "snapshot_id": snapshot.snapshot_id,
            "published_at": snapshot.published_at,
            "run_id": snapshot.run_id,
            "dates": dates,
            "label": current.label if current else None,
            "policy_version": current.policy_version if current else None,
            "stale_dates": sorted({run.as_of for run in runs if run.state == "published" and run.stale_previous}),
        }
        if snapshot and dates
        else None,
        "tiers": ask(workspace, BY_TIER, [dates[-1]]).records() if dates else [],
        "feeds": [
            {
                "feed": each.feed,
                "state": each.state,
                "received_at": each.received_at,
                "rows_stored": each.rows_stored,
                "rows_rejected": each.rows_rejected,
                "message": each.message,
            }
            for each in sorted(last_news.values(), key=lambda each: each.feed)
        ],
        "last_run": {
            "run_id": last.run_id,
            "as_of": last.as_of,
            "state": last.state,
            "started_at": last.started_at,
            "message": last.message,
        }
        if last
        else None,
    }


@contextmanager
def _register(workspace: Workspace) -> Iterator[Register | None]:
    """The register, or None when this workspace never had one: looking must not create it."""
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        yield None
        return
    with Register.open(workspace.register_url) as register:
        yield register


def _print(out: Console, found: dict[str, Any]) -> None:
    out.print(f"Workspace {found['workspace']}", soft_wrap=True)
    _print_published(out, found)
    _print_feeds(out, found["feeds"])
    last = found["last_run"]
    if last and last["state"] != "published":
        output.heading(out, f"Last run: {last['as_of']} {last['state']}")
        out.print(last["message"] or "it did not end: its process is working, or was killed")


def _print_published(out: Console, found: dict[str, Any]) -> None:
    published = found["published"]
    if published is None:
        out.print(f"{NOTHING_YET.format(root='this workspace')}; assess a date: risk-pipeline run --as-of DATE")
        return
    days = published["dates"]
    output.heading(out, f"Published: {len(days)} date{'s' if len(days) > 1 else ''}, newest {days[-1]}")
    out.print(
        f"snapshot {published['snapshot_id']} of {output.cell(published['published_at'])}, {published['label']}, "
        f"policy {published['policy_version']}"
    )
    if published["stale_dates"]:
        stale = ", ".join(day.isoformat() for day in published["stale_dates"])
        out.print(f"an earlier date was assessed again after {stale}: assess that again too")
    rows = [
        (each["tier"], each["customers"], output.amount(each["exposure"]), output.amount(each["overdue"]), each["holds"])
        for each in found["tiers"]
    ]
    out.print()
    out.print(
        output.table(["tier", "customers", f"exposure {found['reporting_currency']}", "overdue", "on hold"], rows, range(1, 5))
    )


def _print_feeds(out: Console, feeds: list[dict[str, Any]]) -> None:
    if not feeds:
        out.print("nothing was delivered yet: describe your feeds in feeds/*.yaml, then risk-pipeline ingest")
        return
    output.heading(out, "Last delivery of each feed that brought something")
    rows = [
        (
            each["feed"],
            each["state"].replace("_", "-"),
            output.cell(each["received_at"])[:16],
            each["rows_stored"],
            each["rows_rejected"],
        )
        for each in feeds
    ]
    out.print(output.table(["feed", "delivery", "received (UTC)", "stored", "rejected"], rows, [3, 4]))
    for each in feeds:
        if each["state"] == "refused":
            out.print(f"{each['feed']} refused: {each['message']}")
