"""`ingest`, `run` and `backfill`: the commands that change a workspace.

Put here: their order of work and what they print on the way. Keep out: launching (orchestration.launch) and the summary.
Dagster is imported only after everything that can be wrong with the arguments has been looked at.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import knowledge, past_date, where_option
from risk_pipeline.cli.texts import Language, both
from risk_pipeline.cli.unread import print_unread
from risk_pipeline.contracts.rules import MEANINGS
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.orchestration.periods import MONTHS, period_ends
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from risk_pipeline.pipeline.ingest import IngestResult
    from risk_pipeline.store.register import Delivery


@dataclass(frozen=True)
class Launch:
    """The options `run` and `backfill` share, as typed."""

    known_at: str
    policy: str | None
    use_last_good: bool
    verbose: bool
    by: str | None = None


def run_date(root: Path, as_of: str, how: Launch) -> None:
    """Assess one date and print what came out."""
    workspace = Workspace.load(root)
    day = past_date(as_of, "--as-of", workspace.zone)
    _assess(workspace, [day], how)
    _summarise(workspace, [day])


def run_dates(root: Path, first: str, last: str, every: str, how: Launch) -> None:
    """Assess every period end from `first` to `last`, ascending, and stop at the first that fails, saying which dates stand."""
    workspace = Workspace.load(root)
    if every not in MONTHS:
        raise UsageError(f"--every {every!r} is no period", remedy=f"write {' or '.join(MONTHS)}")
    start, end = past_date(first, "--from", workspace.zone), past_date(last, "--to", workspace.zone)
    days = list(period_ends(start, end, every))
    if not days:
        raise UsageError(f"there is no {every} end from {start} to {end}", remedy=f"choose dates around the end of a {every}")
    _assess(workspace, days, how)
    _summarise(workspace, days)


def ingest_feeds(root: Path, feeds: list[str] | None) -> None:
    """Ingest and print one line per delivery. Refused (exit 3) when a delivery was."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.ingest import ingest, refusal
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "ingest"):
        results = ingest(workspace, register, feeds=feeds, now=datetime.now(UTC))
    print_deliveries(results, workspace.settings.language)
    print_unread(workspace)
    refused = refusal(results)
    if refused is not None:
        raise refused


def print_deliveries(results: Sequence[IngestResult], language: Language = "en") -> None:
    """One line per delivery, one per kind of warning with what it means, and where to see the rejected rows."""
    out = output.console()
    headers = ["feed", "delivery", "read", "stored", "unchanged", "rejected", "warnings"]
    shown = ("rows_read", "rows_stored", "rows_unchanged", "rows_rejected")
    rows = [
        (each.feed, each.state.replace("_", "-"), *(each.counts[name] for name in shown), sum(each.warnings.values()))
        for each in results
    ]
    out.print(output.table(headers, rows, numeric=range(2, 7)))
    _print_warnings(out, results, language)
    if any(each.counts["rows_rejected"] for each in results):
        out.print("Rejected rows, each with its reason: risk-pipeline quarantine list")


def _print_warnings(out: Console, results: Sequence[IngestResult], language: Language) -> None:
    """What is odd in rows that are stored as they are: how many, in which feed, and once what it means."""
    warned: Counter[tuple[str, str]] = Counter()
    for result in results:
        warned.update({(name, result.feed): count for name, count in result.warnings.items()})
    if not warned:
        return
    rows = []
    for name in dict.fromkeys(each for each, _ in warned):
        en, zh = MEANINGS.get(name, ("", ""))
        of_feeds = [(feed, count) for (each, feed), count in warned.items() if each == name]
        for place, (feed, count) in enumerate(of_feeds):
            rows.append((name, feed, count, "") if place else (name, feed, count, both(en, zh, language)))
    out.print()
    out.print(output.table(["warning", "feed", "rows", "what was found"], rows, numeric=[2], fold=[3]))


def _assess(workspace: Workspace, days: Sequence[date], how: Launch) -> None:
    """One run per date through Dagster. A failure says which of the dates stand."""
    from risk_pipeline.cli.progress import StepProgress
    from risk_pipeline.definitions import build
    from risk_pipeline.orchestration.home import prepare_home
    from risk_pipeline.orchestration.launch import Request, launch, open_instance, step_names
    from risk_pipeline.orchestration.schedule import ASSESS_JOB

    job = build(workspace.root, workspace.settings).resolve_job_def(ASSESS_JOB)
    home = prepare_home(workspace)
    with _telling_rejections(workspace), open_instance(home) as instance:
        for place, day in enumerate(days):
            request = Request(day, knowledge(how.known_at, day, workspace.zone), how.policy, how.use_last_good, how.by)
            title = f"{day} ({place + 1} of {len(days)})" if len(days) > 1 else f"{day}"
            try:
                with StepProgress(title, len(step_names(job))) as progress:
                    launch(job, instance, request, progress.on_step, log_level="INFO" if how.verbose else "CRITICAL")
            except RiskError as error:
                raise _stopped(error, days, place) if len(days) > 1 else error from None


@contextmanager
def _telling_rejections(workspace: Workspace) -> Iterator[None]:
    """After the work inside, one line when its ingest rejected rows: they are missing from every figure that follows."""
    from risk_pipeline.cli.texts import say
    from risk_pipeline.orchestration.workspaces import open_register

    def deliveries() -> list[Delivery]:
        with open_register(workspace) as register:
            return register.deliveries()

    before = {each.delivery_id for each in deliveries()}
    try:
        yield
    finally:
        new = [each for each in deliveries() if each.delivery_id not in before and each.rows_rejected]
        if new:
            rows, feeds = sum(each.rows_rejected for each in new), len({each.feed for each in new})
            told = say(
                "rows_rejected",
                workspace.settings.language,
                rows=_counted(rows, "row"),
                feeds=_counted(feeds, "feed"),
                n_rows=rows,
                n_feeds=feeds,
                where=where_option(workspace),
            )
            typer.echo(f"\n{told}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _stopped(error: RiskError, days: Sequence[date], place: int) -> RiskError:
    """The same error, telling also what a broken-off backfill leaves behind."""
    done = ", ".join(day.isoformat() for day in days[:place]) or "none"
    open_ = ", ".join(day.isoformat() for day in days[place:])
    stand = f"Assessed and published: {done}. Not assessed: {open_}."
    return type(error)(f"{days[place]}: {error.message}\n{stand}", remedy=error.remedy)


def _summarise(workspace: Workspace, days: Sequence[date]) -> None:
    from risk_pipeline.cli.summary import print_summary

    sys.stderr.flush()
    typer.echo()
    print_summary(workspace, days)
    print_unread(workspace)
