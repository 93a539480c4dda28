"""`trace` and `impact`: from a figure down to the source lines, and from a source line up to the figures.

Put here: what is printed. Keep out: finding rows and leaving them out (pipeline.trace, pipeline.impact).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.errors import UsageError
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from rich.console import Console

    from risk_pipeline.pipeline.impact import Change, Target, Touched
    from risk_pipeline.pipeline.source_rows import SourceRow
    from risk_pipeline.pipeline.trace import Line, Trace
    from risk_pipeline.store.register import Delivery, Register, RunRecord

SCREEN_ROWS = 30
SCREEN_ALERTS = 10
COSTLY_FACTORS = 5
HEADLINES = {
    ("score.risk_score", "score"): "score",
    ("decision.risk_tier", "tier"): "tier",
    ("decision.credit_limit", "limit_reporting"): "limit",
}


def trace_figure(
    root: Path, customer: str, as_of: str | None, where: tuple[str | None, str | None], how: tuple[bool, bool], as_json: bool
) -> None:
    """Print the rows behind a column of a customer; without a column the whole way down from the limit.

    `where`: table and column as typed. `how`: leave rows out one by one; read the source lines again.
    """
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.trace import DEFAULT_COLUMN, lines, trace, with_effective

    table, column = where
    if (table is None) != (column is None):
        raise UsageError("a table and a column go together", remedy="write --table factor.exposure --column overdue")
    effective, verify = how
    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        record = _run(register, as_of)
        found = trace(workspace, register, record, customer, *((table, column) if table and column else DEFAULT_COLUMN))
        if effective:
            found = with_effective(workspace, register, found, _progress)
        read_again = lines(workspace, found) if verify else []
    if as_json:
        output.print_json(_json(found, read_again))
        return
    out = output.console()
    if table is None:
        _print_way_down(out, workspace, found)
    else:
        value = ", ".join(output.cell(each[-1]) or "NULL" for each in found.values) or "no row"
        out.print(f"{customer}, {found.table}.{found.column} as of {record.as_of}: {value}", soft_wrap=True)
    if read_again:
        _print_lines(out, read_again)
    elif table is None:
        _print_feeds(out, found)
    else:
        _print_rows(out, found)
    _print_files(out, found.deliveries.values())
    if table is None:
        asked = f"risk-pipeline trace {customer} --table factor.exposure --column overdue{where_option(workspace)}"
        out.print(f"The rows of one figure: {asked}", soft_wrap=True)


def show_impact(root: Path, said: str, as_json: bool) -> None:
    """Print which published figures rest on a row, a delivery or a line, and what they would be without."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.impact import find, impact

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        target = find(workspace, register, said)
        touched = impact(workspace, register, target, _progress)
    if as_json:
        output.print_json(_impact_json(target, touched))
        return
    out = output.console()
    feeds = ", ".join(f"{count} of {feed}" for feed, count in target.rows.items())
    out.print(f"{said}: {target.count} stored rows ({feeds})", soft_wrap=True)
    if not touched:
        out.print("No published assessment rests on them.")
    for each in touched:
        _print_touched(out, each)


def _run(register: Register, as_of: str | None) -> RunRecord:
    from risk_pipeline.pipeline.replay import published_run

    snapshot = register.current_snapshot()
    if as_of is None and (snapshot is None or not snapshot.dates()):
        raise UsageError("nothing is published yet", remedy="risk-pipeline run --as-of DATE")
    return published_run(register, as_of or f"{snapshot.dates()[-1]}" if snapshot else "")


def _progress(step: str) -> None:
    if sys.stderr.isatty():
        print(f"\r{step:<60}\r", end="", file=sys.stderr)


def _print_way_down(out: Console, workspace: Workspace, found: Trace) -> None:
    """limit, candidates, tier, score, the factors that cost most."""
    from risk_pipeline.cli.reader import ask

    run, key = found.run, [found.run.run_id, found.customer_id]

    def rows(columns: str, name: str) -> list[dict[str, Any]]:
        return ask(workspace, f"SELECT {columns} FROM {name} WHERE run_id = ? AND customer_id = ?", key).records()

    (limit,) = rows("limit_reporting, binding_method, effective_limit", "decision.credit_limit")
    (tier,) = rows("tier, model_tier, hysteresis_tier, notched_tier, knockout_ceiling, binding_rule", "decision.risk_tier")
    (score,) = rows("score, scorecard_id, coverage_pct", "score.risk_score")
    out.print(f"{found.customer_id} as of {run.as_of}, run {run.run_id}, policy {run.policy_version}", soft_wrap=True)
    amount = f"limit {output.cell(limit['limit_reporting'])}, set by {limit['binding_method']}"
    out.print(f"{amount}; in force {output.cell(limit['effective_limit'])}")
    candidates = rows("method, kind, candidate_limit, is_binding", "decision.limit_candidate")
    cells = [tuple(each.values()) for each in candidates]
    out.print(output.table(["candidate", "kind", "amount", "binds"], cells, numeric=[2]))
    steps = " → ".join(f"{name.removesuffix('_tier')} {tier[name]}" for name in ("model_tier", "hysteresis_tier", "notched_tier"))
    ceiling = f"ceiling {tier['knockout_ceiling'] or 'none'}"
    out.print(f"tier {tier['tier']} ({steps}; {ceiling}), decided by {tier['binding_rule']}", soft_wrap=True)
    told = f"score {output.cell(score['score']) or 'none'} on card {score['scorecard_id']}"
    out.print(f"{told}, coverage {output.cell(score['coverage_pct'])} %")
    costly = [row for row in rows("factor, value, value_text, points, points_lost", "score.contribution") if row["points_lost"]]
    costly = sorted(costly, key=lambda each: (-each["points_lost"], each["factor"]))[:COSTLY_FACTORS]
    cells = [
        (e["factor"], e["value"] if e["value"] is not None else e["value_text"], e["points"], e["points_lost"]) for e in costly
    ]
    out.print(output.table(["costs most", "value", "points", "points lost"], cells, numeric=[1, 2, 3]))


def _print_feeds(out: Console, found: Trace) -> None:
    rows = []
    for feed in dict.fromkeys(row.feed for row in found.rows):
        of_feed = [row for row in found.rows if row.feed == feed]
        dates = sorted(row.event_date for row in of_feed if row.event_date is not None)
        deliveries = ", ".join(str(each) for each in sorted({row.delivery_id for row in of_feed}))
        marked = "" if found.effective is None else len(found.effective & {row.row_id for row in of_feed})
        rows.append((feed, len(of_feed), dates[0] if dates else None, dates[-1] if dates else None, deliveries, marked))
    out.print(output.table(["feed rows behind it", "rows", "from", "to", "delivery", "act"], rows, numeric=[1, 5], fold=[4]))


def _print_rows(out: Console, found: Trace) -> None:
    shown = _effective_first(found)[:SCREEN_ROWS]
    rows = [
        (f"{row.feed} {_key(row)}", row.event_date, f"{row.source_file}:{row.source_line}", row.row_id, _mark(found, row))
        for row in shown
    ]
    out.print(output.table(["row", "dated", "line", "row id", "acts"], rows, numeric=[3], fold=[0]))
    _print_rest(out, len(found.rows), "rows")


def _effective_first(found: Trace) -> Sequence[SourceRow]:
    """For the screen: rows that matter, then the newest."""
    newest = sorted(found.rows, key=lambda row: row.event_date or row.known_from.date(), reverse=True)
    effective = found.effective or frozenset()
    return sorted(newest, key=lambda row: row.row_id not in effective)


def _mark(found: Trace, row: SourceRow) -> str:
    return "" if found.effective is None else "yes" if row.row_id in found.effective else "no"


def _print_lines(out: Console, read_again: Sequence[Line]) -> None:
    told = {"same": "as delivered", "changed": "the file has other bytes than delivered", "gone": "the file is not there"}
    for line in read_again[:SCREEN_ROWS]:
        out.print(f"{line.row.source_file}:{line.row.source_line}  {told[line.state]}", soft_wrap=True)
        if line.text is not None:
            out.print(f"  {line.text}", soft_wrap=True)
    states = [line.state for line in read_again]
    counts = ", ".join(f"{states.count(state)} {text}" for state, text in told.items() if state in states)
    out.print(f"{len(read_again)} lines: {counts}")


def _print_files(out: Console, deliveries: Iterable[Delivery]) -> None:
    rows = [
        (each.delivery_id, f"{each.received_at:%Y-%m-%d}", said.get("name"), str(said.get("sha256", ""))[:16])
        for each in sorted(deliveries, key=lambda each: each.delivery_id)
        for said in each.files
    ]
    out.print(output.table(["delivery", "received", "file", "sha256 begins"], rows, numeric=[0], fold=[2]))


def _print_touched(out: Console, touched: Touched) -> None:
    names = ", ".join(touched.customers[:3]) + (f" and {len(touched.customers) - 3} more" if len(touched.customers) > 3 else "")
    told = f"{touched.run.as_of}: {len(touched.customers)} customers rest on them ({names}); "
    out.print()
    if touched.changes is None:
        out.print(f"{told}too many to be computed again without them", soft_wrap=True)
        return
    changed = len({each.customer_id for each in touched.changes})
    out.print(f"{told}without them {len(touched.changes)} figures of {changed} would be others", soft_wrap=True)
    main = _moved_first([each for each in touched.changes if (each.table, each.column) in HEADLINES])
    if main:
        rows = [
            (each.customer_id, HEADLINES[each.table, each.column], output.cell(each.published), output.cell(each.without))
            for each in main[:SCREEN_ROWS]
        ]
        out.print(output.table(["customer", "", "published", "without"], rows, numeric=[2, 3]))
        _print_rest(out, len(main), "scores, tiers and limits")
    _print_alerts(out, touched.changes)


def _moved_first(changes: Sequence[Change]) -> list[Change]:
    """By customer, those first whose tier or limit would be another one."""
    moved = {each.customer_id for each in changes if each.table != "score.risk_score"}
    return sorted(changes, key=lambda each: (each.customer_id not in moved, each.customer_id))


def _print_alerts(out: Console, changes: Sequence[Change]) -> None:
    """Alerts that come or go."""
    alerts = sorted(
        {
            (each.customer_id, str(each.key["alert_id"]), "would be gone" if each.without is None else "would be new")
            for each in changes
            if each.table == "decision.alert" and each.column == "rule"
        }
    )
    if alerts:
        out.print(output.table(["customer", "alert", "without"], alerts[:SCREEN_ALERTS]))
        _print_rest(out, len(alerts), "alerts", SCREEN_ALERTS)


def _print_rest(out: Console, count: int, what: str, shown: int = SCREEN_ROWS) -> None:
    if count > shown:
        out.print(f"the first {shown} of {count} {what}; all with --json")


def _key(row: SourceRow) -> str:
    return ", ".join(str(value) for value in row.key.values()) or (row.customer_id or "")


def _row(row: SourceRow) -> dict[str, Any]:
    return asdict(row)


def _json(found: Trace, read_again: Sequence[Line]) -> dict[str, Any]:
    state: Mapping[int, Line] = {line.row.row_id: line for line in read_again}
    rows = []
    for row in found.rows:
        told = _row(row)
        if found.effective is not None:
            told["effective"] = row.row_id in found.effective
        if row.row_id in state:
            told |= {"line_state": state[row.row_id].state, "line": state[row.row_id].text}
        rows.append(told)
    deliveries = [
        {"delivery_id": each.delivery_id, "feed": each.feed, "received_at": each.received_at, "files": each.files}
        for each in found.deliveries.values()
    ]
    head = {"run_id": found.run.run_id, "as_of": found.run.as_of, "customer_id": found.customer_id}
    return {**head, "table": found.table, "column": found.column, "values": found.values, "rows": rows, "deliveries": deliveries}


def _impact_json(target: Target, touched: Sequence[Touched]) -> dict[str, Any]:
    return {
        "target": target.said,
        "rows": target.rows,
        "row_ids": target.ids,
        "assessments": [
            {
                "run_id": each.run.run_id,
                "as_of": each.run.as_of,
                "customers": each.customers,
                "columns": each.columns,
                "changes": None if each.changes is None else [asdict(change) for change in each.changes],
            }
            for each in touched
        ],
    }
