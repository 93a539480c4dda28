"""`replay`: a published assessment once more, byte for byte, or with what is known by now.

Put here: reading what was typed and what is printed. Keep out: computing and comparing (pipeline.replay).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import knowledge, where_option
from risk_pipeline.cli.texts import Language, headers, say
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from risk_pipeline.pipeline.replay import Replay, Restatement

SCREEN_ROWS = 20
REFUSED = 3


def replay_run(root: Path, run_id: str, known_at: str | None, as_json: bool) -> None:
    """Replay a run and print what came out. Exit code 3 when it is not the same again."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.replay import published_run, replay, restate

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        record = published_run(register, run_id)
        if known_at is not None:
            when = knowledge(known_at, record.as_of, workspace.zone) or datetime.now(UTC)
            _print_restatement(workspace, restate(workspace, register, record, when, _progress), as_json)
            return
        found = replay(workspace, register, record, _progress)
    _print_replay(found, as_json, workspace.settings.language)
    if not found.identical:
        raise typer.Exit(REFUSED)


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{step:<40}", end="" if step != "compare" else "\r", file=sys.stderr)


def _print_replay(found: Replay, as_json: bool, language: Language) -> None:
    if as_json:
        output.print_json(
            {
                "run_id": found.run.run_id,
                "as_of": found.run.as_of,
                "identical": found.identical,
                "tables": found.tables,
                "differences": [vars(each) for each in found.differences],
                "damaged": found.damaged,
                "code": {name: {"then": then, "now": now} for name, (then, now) in found.code.items()},
            }
        )
        return
    out = output.console()
    at = f"{found.run.known_at:%Y-%m-%d %H:%M}"
    out.print(say("replayed", language, run=found.run.run_id, day=found.run.as_of, at=at), soft_wrap=True)
    if found.identical:
        out.print(say("identical", language, n=found.tables), soft_wrap=True)
    else:
        _print_differences(out, found, language)
    for name, (then, now) in found.code.items():
        out.print(f"  {name}: published with {then}, replayed with {now}", soft_wrap=True)


def _print_differences(out: Console, found: Replay, language: Language) -> None:
    out.print(say("not_identical", language, different=len(found.differences), n=found.tables), soft_wrap=True)
    for name in found.damaged:
        out.print(f"  {name}: the file in the lake is not the one that was published (restore it from a backup)", soft_wrap=True)
    for each in found.differences:
        rows = f"{each.rows_changed} rows changed, {each.rows_only_then} only then, {each.rows_only_now} only now"
        out.print(f"  {each.table}: {rows}; columns {', '.join(each.columns)}", soft_wrap=True)
        for example in each.examples:
            key = ", ".join(f"{name} {value}" for name, value in example["key"].items() if name != "as_of")
            out.print(f"    {key}: {example['column']} was {example['then']}, is {example['now']}", soft_wrap=True)


def _print_restatement(workspace: Workspace, found: Restatement, as_json: bool) -> None:
    if as_json:
        content: dict[str, Any] = {"run_id": found.run.run_id, "as_of": found.run.as_of, "known_at": found.known_at}
        output.print_json({**content, "deliveries": found.deliveries, "customers": len(found.moves), "rows": found.moves})
        return
    out, language = output.console(), workspace.settings.language
    then, now = (f"{at:%Y-%m-%d %H:%M}" for at in (found.run.known_at, found.known_at))
    out.print(say("restated", language, day=found.run.as_of, then=then, now=now), soft_wrap=True)
    counts = {"n_deliveries": len(found.deliveries), "n_customers": len(found.moves)}
    came = output.counted(len(found.deliveries), "delivery", "deliveries")
    customers = output.counted(len(found.moves), "customer")
    out.print(say("restated_moves", language, deliveries=came, customers=customers, **counts), soft_wrap=True)
    if not found.moves:
        return
    rows = [
        (
            row["customer_id"],
            *(_move(row[f"{name}_then"], row[f"{name}_now"]) for name in ("score", "tier", "credit_limit", "hold")),
        )
        for row in found.moves[:SCREEN_ROWS]
    ]
    out.print(output.table(headers("customer score tier limit hold", language), rows, fold=range(1, 5)))
    if len(found.moves) > SCREEN_ROWS:
        out.print(say("first_of", language, shown=SCREEN_ROWS, all=f"{len(found.moves):,}"))
    asked = f"{found.moves[0]['customer_id']} --as-of {found.run.as_of}{where_option(workspace)}"
    out.print(say("restated_next", language, command=f"risk-pipeline trace {asked}"), soft_wrap=True)


def _move(then: Any, now: Any) -> str:
    """What something was and would be; nothing when it stays."""
    return "" if then == now else f"{output.cell(then) or '-'} → {output.cell(now) or '-'}"
