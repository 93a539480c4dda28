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
from risk_pipeline.cli.reader import BY_TIER, ask, published_dates
from risk_pipeline.cli.texts import Language, One, both, code, each, headers, say
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register


def show_status(root: Path, as_json: bool) -> None:
    """Print the page; a workspace without any run is no error."""
    workspace = Workspace.load(root)
    found = status_of(workspace)
    if as_json:
        output.print_json(found)
    else:
        _Page(output.console(), found, workspace.settings.language, _labels(workspace, found)).print()


def _labels(workspace: Workspace, found: dict[str, Any]) -> dict[str, str]:
    """The words for the tiers, as they were published."""
    if not found["tiers"]:
        return {}
    rows = ask(workspace, "SELECT DISTINCT tier, tier_label_en, tier_label_zh FROM mart.current_risk").rows
    return {tier: both(en, zh, workspace.settings.language) for tier, en, zh in rows}


def status_of(workspace: Workspace) -> dict[str, Any]:
    """The page as plain data, with the keys of docs/command_line.md."""
    dates = published_dates(workspace)
    with _register(workspace) as register:
        snapshot = register.current_snapshot() if register else None
        runs = register.runs() if register else []
        deliveries = register.deliveries() if register else []
    last_news = {each.feed: each for each in deliveries if each.state != "no_op"}
    current = {run.run_id: run for run in runs}.get(snapshot.run_id) if snapshot else None
    shown = {part.run_id for parts in snapshot.parts.values() for part in parts} if snapshot else set()
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
            "stale_dates": sorted({run.as_of for run in runs if run.run_id in shown and run.stale_previous}),
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


class _Page:
    """The page on a console."""

    def __init__(self, out: Console, found: dict[str, Any], language: Language, labels: dict[str, str]) -> None:
        self._out = out
        self._found = found
        self._language = language
        self._labels = labels

    def print(self) -> None:
        self._out.print(self._say("workspace", path=self._found["workspace"]), soft_wrap=True)
        self._print_published()
        self._print_feeds()
        last = self._found["last_run"]
        if last and last["state"] != "published":
            output.heading(self._out, self._say("last_run", day=last["as_of"], state=code(last["state"], self._language)))
            self._out.print(last["message"] or self._say("not_ended"))

    def _say(self, name: str, **values: Any) -> str:
        return say(name, self._language, **values)

    def _print_published(self) -> None:
        published = self._found["published"]
        if published is None:
            self._out.print(self._say("nothing_published"))
            return
        output.heading(self._out, each(self._language, self._dates))
        self._out.print(each(self._language, self._snapshot))
        if published["stale_dates"]:
            self._out.print(self._say("stale", dates=", ".join(day.isoformat() for day in published["stale_dates"])))
        rows = [
            (
                self._labels[row["tier"]],
                row["customers"],
                output.amount(row["exposure"]),
                output.amount(row["overdue"]),
                row["holds"],
            )
            for row in self._found["tiers"]
        ]
        self._out.print()
        names = headers("tier customers exposure overdue holds", self._language)
        names[2] += f" {self._found['reporting_currency']}"
        self._out.print(output.table(names, rows, range(1, 5), fold=[0]))

    def _dates(self, one: One) -> str:
        days = self._found["published"]["dates"]
        said = say("n_dates", one, n=len(days)) if len(days) > 1 else say("one_date", one)
        return say("published", one, dates=said, newest=days[-1])

    def _snapshot(self, one: One) -> str:
        published = self._found["published"]
        at, label = output.cell(published["published_at"]), code(published["label"], one)
        return say("snapshot", one, number=published["snapshot_id"], at=at, label=label, policy=published["policy_version"])

    def _print_feeds(self) -> None:
        feeds = self._found["feeds"]
        if not feeds:
            self._out.print(self._say("nothing_delivered"))
            return
        output.heading(self._out, self._say("last_deliveries"))
        rows = [
            (
                row["feed"],
                code(row["state"], self._language),
                output.cell(row["received_at"])[:16],
                row["rows_stored"],
                row["rows_rejected"],
            )
            for row in feeds
        ]
        names = headers("feed delivery received stored rejected", self._language)
        self._out.print(output.table(names, rows, [3, 4]))
        for row in feeds:
            if row["state"] == "refused":
                self._out.print(self._say("feed_refused", feed=row["feed"], message=row["message"]))
