"""`why CUSTOMER --from --to`: what moved a score, a tier and a limit, cause by cause.

Put here: what is printed, in both languages. Keep out: the causes and their parts (pipeline.why).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.cli.texts import Language, both
from risk_pipeline.contracts import table
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.why import Move, Why

CAUSE_TEXTS: Mapping[str, tuple[str, str]] = {
    "time_passed": ("Time passed: ages, windows, expiries, what was decided before", "时间推移：账龄、窗口、到期及前次决策"),
    "new_facts": ("New facts since the first date", "新发生的事实"),
    "corrected_facts": ("Facts of before, corrected or learned later", "更正或补录的历史事实"),
    "policy": ("Another policy", "政策变更"),
    "override": ("What people decided", "人工决定"),
    "code": ("Another version of the program", "程序版本变更"),
}
MEASURE_TEXTS: Mapping[str, tuple[str, str]] = {
    "score": ("score", "评分"),
    "tier": ("tier, in steps down", "等级（下调级数）"),
    "limit": ("limit", "额度"),
}
SCREEN_ROWS = 20


def explain_moves(root: Path, customer: str | None, first: str, last: str, as_json: bool) -> None:
    """Print the moves of one customer, or with None of all whose tier or limit moved: those are kept as audit.decision_change."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.replay import published_run
    from risk_pipeline.pipeline.why import keep, why

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        runs = published_run(register, first), published_run(register, last)
        found = why(workspace, register, *runs, [customer] if customer else None, _progress)
        if customer is None:
            keep(workspace, register, found)
    if as_json:
        output.print_json({**_head(found), "moves": [_row(move) for move in found.moves], "rows": found.rows})
    elif customer is None:
        _print_overview(workspace, found)
    else:
        _print_customer(workspace, found, customer)


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{step:<70}\r", end="", file=sys.stderr)


def _head(found: Why) -> dict[str, Any]:
    return {
        "from": found.first.as_of,
        "to": found.last.as_of,
        "from_run": found.first.run_id,
        "to_run": found.last.run_id,
        "causes": found.causes,
    }


def _row(move: Move) -> dict[str, Any]:
    parts = {cause: _part(count) for cause, count in move.parts.items()}
    return {"customer_id": move.customer_id, "measure": move.measure, "before": move.before, "after": move.after, "parts": parts}


def _part(count: int) -> Decimal:
    return Decimal(count).scaleb(-2)


def _print_customer(workspace: Workspace, found: Why, customer: str) -> None:
    out, language = output.console(), workspace.settings.language
    out.print(f"{customer}: {found.first.as_of} → {found.last.as_of}")
    if not found.moves:
        out.print(both("Score, tier and limit did not move.", "评分、等级与额度均未变动。", language))
        return
    moves = {move.measure: move for move in found.moves}
    causes = [cause for cause in CAUSE_TEXTS if any(cause in move.parts for move in found.moves)]
    headers = ["", *(both(*MEASURE_TEXTS[name], language) for name in moves)]
    rows = [(f"{found.first.as_of}", *(output.cell(move.before) for move in moves.values()))]
    for cause in causes:
        rows.append((both(*CAUSE_TEXTS[cause], language), *(_signed(move.parts.get(cause, 0)) for move in moves.values())))
    rows.append((f"{found.last.as_of}", *(output.cell(move.after) for move in moves.values())))
    out.print(output.table(headers, rows, numeric=range(1, len(headers)), fold=[0]))
    for cause, feeds in sorted(found.rows.get(customer, {}).items()):
        told = ", ".join(f"{count} {_feed(name, language)}" for name, count in sorted(feeds.items()))
        out.print(f"{both(*CAUSE_TEXTS[cause], language)}: {told}", soft_wrap=True)
    asked = f"{customer} --as-of {found.last.as_of}{where_option(workspace)}"
    out.print(both("The rows themselves", "相关明细行", language) + f": risk-pipeline trace {asked}", soft_wrap=True)


def _feed(name: str, language: Language) -> str:
    declared = table(f"feed.{name}")
    return f"{name} ({declared.zh.split('：')[0]})" if language == "zh" else name


def _print_overview(workspace: Workspace, found: Why) -> None:
    out, language = output.console(), workspace.settings.language
    customers = len({move.customer_id for move in found.moves})
    out.print(f"{found.first.as_of} → {found.last.as_of}: {customers} customers whose tier or limit moved")
    shown = [move for move in found.moves if move.measure != "score"][:SCREEN_ROWS]
    rows = [
        (
            move.customer_id,
            both(*MEASURE_TEXTS[move.measure], language),
            f"{output.cell(move.before)} → {output.cell(move.after)}",
            "; ".join(f"{cause} {_signed(count)}" for cause, count in move.parts.items() if count),
        )
        for move in shown
    ]
    out.print(output.table(["customer", "", "move", "parts"], rows, fold=[1, 2, 3]))
    out.print(f"{len(found.moves)} moves are in audit.decision_change; all here with --json", soft_wrap=True)


def _signed(count: int) -> str:
    """Hundredths as people read them, with their sign."""
    return f"{_part(count):+,.2f}" if count else "0"
