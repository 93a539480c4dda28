"""`doctor`: whether a workspace is fit for the next run, and the proof that a run saw nothing of later.

Put here: reading what was typed and what is printed. Keep out: looking (pipeline.doctor) and proving (pipeline.look_ahead).
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from risk_pipeline.cli import output
from risk_pipeline.cli.texts import Language, both
from risk_pipeline.errors import RiskError
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.look_ahead import LookAhead

REFUSED = 3


def look_at_workspace(root: Path, as_json: bool) -> None:
    """Print what was looked at. Exit code 3 when something is not well."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.doctor import examine

    looked = examine(root, open_register, datetime.now(UTC))
    if as_json:
        output.print_json({"well": all(each.well for each in looked), "rows": [asdict(each) for each in looked]})
    else:
        out = output.console()
        out.print(output.table(["", "", "found"], [(e.what, "ok" if e.well else "NO", e.found) for e in looked], fold=[2]))
        for each in looked:
            if not each.well and each.remedy:
                out.print(f"{each.what}: {each.remedy}", soft_wrap=True)
    if not all(each.well for each in looked):
        raise typer.Exit(REFUSED)


def prove_no_look_ahead(root: Path, as_of: str | None, as_json: bool) -> None:
    """Plant the future and print what came of it. Exit code 3 when something moved."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.look_ahead import look_ahead
    from risk_pipeline.pipeline.replay import published_run

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        snapshot = register.current_snapshot()
        if snapshot is None:
            raise RiskError(f"nothing is published yet in {workspace.root}", remedy="risk-pipeline run --as-of DATE")
        record = published_run(register, as_of or f"{snapshot.dates()[-1]}")
        found = look_ahead(workspace, register, record, progress=_progress)
    _print(found, workspace.settings.language, as_json)
    if found.leaks:
        raise typer.Exit(REFUSED)


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{step:<40}", end="", file=sys.stderr)


def _print(found: LookAhead, language: Language, as_json: bool) -> None:
    planted = sum(found.planted.values())
    if as_json:
        rows = [asdict(leak) for leak in found.leaks]
        run = {"run_id": found.run.run_id, "as_of": found.run.as_of, "known_at": found.run.known_at}
        output.print_json({**run, "tables": found.tables, "planted": dict(found.planted), "leaks": rows})
        return
    out = output.console()
    known, feeds = f"{found.run.known_at:%Y-%m-%d %H:%M} UTC", len(found.planted)
    en = f"Run of {found.run.as_of}, known at {known}, computed again with the future in it:"
    zh = f"{found.run.as_of} 的评估（知悉截止 {known}），植入未来信息后重新计算："
    out.print(both(en, zh, language, "\n"))
    en = f"{planted:,} facts of later planted in {feeds} feeds, and closures, outcomes and states of later"
    zh = f"在 {feeds} 个数据源中植入 {planted:,} 条未来事实，以及未来的更正、结果与状态"
    out.print(both(en, zh, language, "\n"))
    for leak in found.leaks:
        where = f"feed.{leak.feed}" if leak.feed else "several feeds together"
        what = f"what is {leak.planted} later" if leak.planted else "facts of later"
        out.print(f"LOOKS AHEAD  {where}, {what}: moves {', '.join(leak.tables)}", soft_wrap=True)
    if not found.leaks:
        en = f"Nothing moved: all {found.tables} tables have the hash they have without it."
        out.print(both(en, f"无任何变动：{found.tables} 张表的哈希与植入前相同。", language, "\n"))
