"""`quarantine`: the rows that were rejected, with the reason; as a list, by rule, as a file, and taken in again.

Put here: reading the quarantine files the register lists (rows of an ingest that was not published yet are not in the
catalogue), what is printed. Keep out: deciding what is rejected (feeds), replaying (pipeline), the files made (quarantine_file),
forms (output).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from risk_pipeline.cli import output
from risk_pipeline.cli.reader import Rows
from risk_pipeline.cli.rejections import place, rejections
from risk_pipeline.contracts import table
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.quarantine import quarantine_states, state_sql
from risk_pipeline.store.register import SYSTEM, Delivery, Register

SCREEN_ROWS = 20
QUARANTINE = table("audit.quarantine")
BY_RULE = """
SELECT feed, rule, column_name, count(DISTINCT (delivery_id, source_file, source_line)) AS rows,
       arg_min(delivery_id, nth) AS delivery_id, arg_min(source_file, nth) AS source_file,
       arg_min(source_line, nth) AS source_line, arg_min(value_text, nth) AS value_text
FROM (SELECT *, row_number() OVER (ORDER BY delivery_id DESC, source_file, source_line) AS nth FROM rejected)
GROUP BY ALL ORDER BY rows DESC, feed, rule, column_name"""


def list_quarantine(root: Path, feed: str | None, limit: int | None, everything: bool, as_json: bool) -> None:
    """Print rejected rows, newest delivery first: the open ones, or all of them with their state.

    UsageError for a feed that delivered nothing.
    """
    workspace = Workspace.load(root)
    rows = rejected_rows(workspace, feed, everything)
    at_most = limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        shown = Rows(rows.columns, rows.rows[:at_most])
        output.print_json({"feed": feed, "rejections": len(rows.rows), "rows": shown.records()})
        return
    out = output.console()
    if not rows.rows:
        out.print(_none(everything))
        return
    records = Rows(rows.columns, rows.rows[:at_most]).records()
    told = [
        (row["feed"], place(row), row["rule"], row["column_name"], row["value_text"], row["quarantine_state"]) for row in records
    ]
    headers = ["feed", "file:line", "rule", "column", "value", "state"]
    if not everything:
        headers = headers[:-1]
    out.print(rejections([each[: len(headers)] for each in told], headers, out.width))
    if at_most is not None and len(rows.rows) > at_most:
        out.print(f"the first {at_most} of {len(rows.rows)}; more with --limit, whole rows with --json")


def group_quarantine(root: Path, feed: str | None, as_json: bool) -> None:
    """Print the open rejected rows by feed, rule and column: how many, one of them, what it means and what to do."""
    from risk_pipeline.cli.remedies import remedy
    from risk_pipeline.cli.texts import both
    from risk_pipeline.contracts.rules import meaning

    workspace = Workspace.load(root)
    language = workspace.settings.language
    groups = _ask(workspace, feed, BY_RULE, everything=False).records()
    for each in groups:
        each["meaning"] = both(meaning(each["rule"], "en"), meaning(each["rule"], "zh"), language)
        each["what_to_do"] = remedy(each["rule"], language)
    if as_json:
        output.print_json({"feed": feed, "groups": groups})
        return
    out = output.console()
    if not groups:
        out.print(_none(everything=False))
        return
    for each in groups:
        column = f" {each['column_name']}" if each["column_name"] else ""
        counted = f"{each['rows']:,} row" + ("" if each["rows"] == 1 else "s")
        out.print(f"{each['feed']}{column}  {each['rule']}  {counted}")
        out.print(f"  {each['meaning']}", soft_wrap=True)
        out.print(f"  for example {place(each)}: {output.cell(each['value_text']) or '(empty)'}", soft_wrap=True)
        out.print(f"  -> {each['what_to_do']}", soft_wrap=True)


def export_quarantine(root: Path, file: Path, feed: str | None) -> None:
    """Write the open rejected rows to a CSV or xlsx file, each with the columns of its source."""
    from risk_pipeline.cli.quarantine_file import write_file

    workspace = Workspace.load(root)
    rows = rejected_rows(workspace, feed, everything=False)
    if not rows.rows:
        output.console().print(_none(everything=False))
        return
    written = write_file(file, rows.records(), workspace.settings.language)
    output.console().print(f"{written:,} rejections written to {file}", soft_wrap=True)


def replay_quarantine(root: Path, feed: str | None, number: int | None, by: str | None) -> None:
    """Try the open rejected rows again and say what became of them. Refused when a replay was."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.ingest import refusal
    from risk_pipeline.pipeline.replay_quarantine import replay
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "quarantine replay"):
        results = replay(workspace, register, feed=feed, number=number, by=by or SYSTEM, now=datetime.now(UTC))
    out = output.console()
    if not results:
        out.print("no rejected row is open")
        return
    rows = []
    for each in results:
        counts, number = each.counts, None if each.state == "no_op" else each.delivery.delivery_id
        now_stored = counts["rows_stored"] + counts["rows_unchanged"] + counts["rows_repeated"]
        rows.append(
            (each.feed, each.delivery.origin_delivery_id, number, counts["rows_read"], now_stored, counts["rows_filtered"],
             counts["rows_rejected"], counts["rows_closed"])
        )  # fmt: skip
    headers = ["feed", "of", "replay", "tried", "taken in", "filtered", "still bad", "replaced"]
    out.print(output.table(headers, rows, numeric=range(1, 8)))
    if any(each.counts["rows_rejected"] for each in results):
        out.print("Why, and what to do: risk-pipeline quarantine list --by-rule")
    refused = refusal(results)
    if refused is not None:
        raise refused


def rejected_rows(workspace: Workspace, feed: str | None, everything: bool) -> Rows:
    """The rejected rows in the columns of audit.quarantine, newest delivery first; the open ones, or all."""
    listed = ", ".join(f'"{name}"' for name in QUARANTINE.column_names)
    order = "delivery_id DESC, source_file, source_line, rule, column_name"
    return _ask(workspace, feed, f"SELECT {listed} FROM rejected ORDER BY {order}", everything)


def _ask(workspace: Workspace, feed: str | None, sql: str, everything: bool) -> Rows:
    """The answer to a query over the view `rejected`."""
    import duckdb

    deliveries = deliveries_of(workspace, feed)
    states = quarantine_states(deliveries)
    lake = Lake(workspace.lake)
    paths = [
        str(lake.absolute(each.quarantine_path))
        for each in deliveries
        if each.quarantine_path and feed in (None, each.feed) and (everything or states[each.delivery_id] == "open")
    ]
    if not paths:
        return Rows((), [])
    with duckdb.connect() as connection:
        listed = ", ".join("'" + path.replace("'", "''") + "'" for path in paths)
        which = "" if everything else " WHERE quarantine_state = 'open'"
        connection.execute(
            f"CREATE VIEW rejected AS SELECT * FROM (SELECT *, {state_sql(states)} AS quarantine_state"
            f" FROM read_parquet([{listed}], union_by_name = true)){which}"
        )
        found = connection.execute(sql)
        names = tuple(column[0] for column in found.description or ())
        return Rows(names, found.fetchall())


def deliveries_of(workspace: Workspace, feed: str | None) -> list[Delivery]:
    """Every delivery in the register. RiskError when there is no register yet, UsageError for a feed that delivered nothing."""
    if workspace.settings.register_url is None and not (workspace.warehouse / "register.db").exists():
        raise RiskError(f"nothing was ingested yet in {workspace.root}", remedy=f"risk-pipeline ingest -w {workspace.root}")
    with Register.open(workspace.register_url) as register:
        deliveries = register.deliveries()
    known = sorted({each.feed for each in deliveries})
    if feed is not None and feed not in known:
        raise UsageError(f"feed {feed} delivered nothing", remedy=f"feeds with deliveries: {', '.join(known) or 'none'}")
    return deliveries


def _none(everything: bool) -> str:
    return "no row was rejected" if everything else "no rejected row is open"
