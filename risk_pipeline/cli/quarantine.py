"""`quarantine list`: the rows that were rejected, with the reason.

Put here: reading the quarantine files the register lists; a refused or unpublished delivery's rows are not in the catalogue
yet. Keep out: deciding what is rejected (feeds) and forms (output).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from risk_pipeline.cli import output
from risk_pipeline.cli.reader import Rows
from risk_pipeline.cli.rejections import place, rejections
from risk_pipeline.contracts import table
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

SCREEN_ROWS = 20


def list_quarantine(root: Path, feed: str | None, limit: int | None, as_json: bool) -> None:
    """Print rejected rows, newest delivery first. UsageError for a feed that delivered nothing."""
    workspace = Workspace.load(root)
    rows = _rows(workspace, feed)
    at_most = limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        shown = Rows(rows.columns, rows.rows[:at_most])
        output.print_json({"feed": feed, "rejections": len(rows.rows), "rows": shown.records()})
        return
    out = output.console()
    if not rows.rows:
        out.print("no row was rejected")
        return
    told = [
        (row["feed"], place(row), row["rule"], row["column_name"], row["value_text"])
        for row in Rows(rows.columns, rows.rows[:at_most]).records()
    ]
    out.print(rejections(told, ["feed", "file:line", "rule", "column", "value"], out.width))
    if at_most is not None and len(rows.rows) > at_most:
        out.print(f"the first {at_most} of {len(rows.rows)}; more with --limit, whole rows with --json")


def _rows(workspace: Workspace, feed: str | None) -> Rows:
    columns = table("audit.quarantine").column_names
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        raise RiskError(f"nothing was ingested yet in {workspace.root}", remedy=f"risk-pipeline ingest -w {workspace.root}")
    with Register.open(workspace.register_url) as register:
        deliveries = register.deliveries()
    known = sorted({each.feed for each in deliveries})
    if feed is not None and feed not in known:
        raise UsageError(f"feed {feed} delivered nothing", remedy=f"feeds with deliveries: {', '.join(known) or 'none'}")
    lake = Lake(workspace.lake)
    paths = [
        str(lake.absolute(each.quarantine_path)) for each in deliveries if each.quarantine_path and feed in (None, each.feed)
    ]
    return Rows(columns, _read(paths, columns) if paths else [])


def _read(paths: list[str], columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    import duckdb

    listed = ", ".join(f'"{name}"' for name in columns)
    order = "delivery_id DESC, source_file, source_line, rule, column_name"
    with duckdb.connect() as connection:
        return connection.execute(
            f"SELECT {listed} FROM read_parquet(?, union_by_name = TRUE) ORDER BY {order}", [paths]
        ).fetchall()
