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
from risk_pipeline.cli.texts import PHRASES, Language, both, headers, say, word
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
    out, language = output.console(), workspace.settings.language
    if table is None:
        _print_way_down(out, workspace, found)
    else:
        value = ", ".join(output.cell(each[-1]) or "NULL" for each in found.values) or "no row"
        out.print(f"{customer}, {found.table}.{found.column} as of {record.as_of}: {value}", soft_wrap=True)
    if read_again:
        _print_lines(out, read_again, language)
    elif table is None:
        _print_feeds(out, found, language)
    else:
        _print_rows(out, found, language)
    _print_files(out, found.deliveries.values(), language)
    if table is None:
        asked = f"risk-pipeline trace {customer} --table factor.exposure --column overdue{where_option(workspace)}"
        out.print(say("rows_of_figure", language, command=asked), soft_wrap=True)


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
    out, language = output.console(), workspace.settings.language
    feeds = ", ".join(f"{feed} {count:,}" for feed, count in target.rows.items())
    rows = output.counted(target.count, "row")
    out.print(say("impact_head", language, said=said, rows=rows, n=f"{target.count:,}", feeds=feeds), soft_wrap=True)
    if target.versions:
        _print_versions(out, target, language)
    if not touched:
        out.print(say("impact_none", language))
    for each in touched:
        _print_touched(out, each, language)


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
    language = workspace.settings.language
    named = {"customer": found.customer_id, "day": run.as_of, "run": run.run_id, "policy": run.policy_version}
    out.print(say("way_head", language, **named), soft_wrap=True)
    amounts = {
        name: output.cell(limit[column]) for name, column in (("amount", "limit_reporting"), ("effective", "effective_limit"))
    }
    out.print(say("way_limit", language, method=limit["binding_method"], **amounts), soft_wrap=True)
    candidates = rows("method, kind, candidate_limit, is_binding", "decision.limit_candidate")
    decides = {True: word("yes", language), False: word("no", language)}
    cells = [(each["method"], each["kind"], each["candidate_limit"], decides[each["is_binding"]]) for each in candidates]
    out.print(output.table(headers("candidate kind amount binds", language), cells, numeric=[2]))
    steps = {name: tier[f"{name}_tier"] for name in ("model", "hysteresis", "notched")}
    ceiling = tier["knockout_ceiling"] or word("none", language)
    out.print(say("way_tier", language, tier=tier["tier"], **steps, ceiling=ceiling, rule=tier["binding_rule"]), soft_wrap=True)
    told = {"score": output.cell(score["score"]) or word("none", language), "card": score["scorecard_id"]}
    out.print(say("way_score", language, **told, coverage=output.cell(score["coverage_pct"])), soft_wrap=True)
    costly = [row for row in rows("factor, value, value_text, points, points_lost", "score.contribution") if row["points_lost"]]
    costly = sorted(costly, key=lambda each: (-each["points_lost"], each["factor"]))[:COSTLY_FACTORS]
    cells = [
        (e["factor"], e["value"] if e["value"] is not None else e["value_text"], e["points"], e["points_lost"]) for e in costly
    ]
    out.print(output.table(headers("factors value points lost", language), cells, numeric=[1, 2, 3]))


def _print_feeds(out: Console, found: Trace, language: Language) -> None:
    rows = []
    for feed in dict.fromkeys(row.feed for row in found.rows):
        of_feed = [row for row in found.rows if row.feed == feed]
        dates = sorted(row.event_date for row in of_feed if row.event_date is not None)
        deliveries = ", ".join(str(each) for each in sorted({row.delivery_id for row in of_feed}))
        marked = "" if found.effective is None else len(found.effective & {row.row_id for row in of_feed})
        rows.append((feed, len(of_feed), dates[0] if dates else None, dates[-1] if dates else None, deliveries, marked))
    names = "rows_behind rows first_date last_date delivery acting"
    out.print(output.table(headers(names, language), rows, numeric=[1, 5], fold=[4]))


def _print_rows(out: Console, found: Trace, language: Language) -> None:
    shown = _effective_first(found)[:SCREEN_ROWS]
    rows = [
        (
            f"{row.feed} {_key(row)}",
            row.event_date,
            f"{row.source_file}:{row.source_line}",
            row.row_id,
            _mark(found, row, language),
        )
        for row in shown
    ]
    out.print(output.table(headers("row row_dated line row_id acts", language), rows, numeric=[3], fold=[0]))
    _print_rest(out, len(found.rows), language)


def _effective_first(found: Trace) -> Sequence[SourceRow]:
    """For the screen: rows that matter, then those of customers before rates and series, the newest first."""
    newest = sorted(found.rows, key=lambda row: row.event_date or row.known_from.date(), reverse=True)
    effective = found.effective or frozenset()
    return sorted(newest, key=lambda row: (row.row_id not in effective, row.customer_id is None))


def _mark(found: Trace, row: SourceRow, language: Language) -> str:
    return "" if found.effective is None else word("yes" if row.row_id in found.effective else "no", language)


def _print_lines(out: Console, read_again: Sequence[Line], language: Language) -> None:
    told = {state: say(f"line_{state}", language) for state in ("same", "changed", "gone")}
    for line in read_again[:SCREEN_ROWS]:
        out.print(f"{line.row.source_file}:{line.row.source_line}  {told[line.state]}", soft_wrap=True)
        if line.text is not None:
            out.print(f"  {line.text}", soft_wrap=True)
    states = [line.state for line in read_again]
    counts = ", ".join(f"{states.count(state)} {text}" for state, text in told.items() if state in states)
    out.print(f"{output.counted(len(read_again), 'line')}: {counts}")


def _print_files(out: Console, deliveries: Iterable[Delivery], language: Language) -> None:
    rows = [
        (each.delivery_id, f"{each.received_at:%Y-%m-%d}", said.get("name"), str(said.get("sha256", ""))[:16])
        for each in sorted(deliveries, key=lambda each: each.delivery_id)
        for said in each.files
    ]
    out.print(output.table(headers("delivery received file sha_begins", language), rows, numeric=[0], fold=[2]))


def _print_versions(out: Console, target: Target, language: Language) -> None:
    """The rows themselves: a line that was delivered again in other words is several versions."""
    rows = [
        (f"{each.feed} {_key(each)}", each.customer_id, each.event_date, each.delivery_id, f"{each.known_from:%Y-%m-%d %H:%M}")
        for each in target.versions[:SCREEN_ROWS]
    ]
    out.print(output.table(headers("row customer row_dated delivery known_since", language), rows, numeric=[3], fold=[0]))
    _print_rest(out, len(target.versions), language)


def _print_touched(out: Console, touched: Touched, language: Language) -> None:
    en, zh = _names(touched.customers)
    told: dict[str, Any] = {"day": touched.run.as_of, "names": en, "names_zh": zh}
    told |= {"customers": output.counted(len(touched.customers), "customer"), "n_customers": len(touched.customers)}
    out.print()
    if touched.changes is None:
        out.print(say("impact_many", language, **told), soft_wrap=True)
        return
    changed = len({each.customer_id for each in touched.changes})
    told |= {"changed": output.counted(changed, "customer"), "n_changed": changed}
    told |= {"figures": output.counted(len(touched.changes), "figure"), "n_figures": len(touched.changes)}
    out.print(say("impact_date", language, **told), soft_wrap=True)
    main = _moved_first([each for each in touched.changes if (each.table, each.column) in HEADLINES])
    if main:
        rows = [
            (
                each.customer_id,
                word(HEADLINES[each.table, each.column], language),
                output.cell(each.published),
                output.cell(each.without),
            )
            for each in main[:SCREEN_ROWS]
        ]
        out.print(output.table(headers("customer - published without", language), rows, numeric=[2, 3]))
        _print_rest(out, len(main), language)
    _print_alerts(out, touched.changes, language)


def _names(customers: Sequence[str]) -> tuple[str, str]:
    """The first of them, in English and Chinese."""
    first, more = ", ".join(customers[:3]), len(customers) - 3
    en, zh = (text.format(names=first, n=more) if more > 0 else first for text in PHRASES["and_more"])
    return en, zh


def _moved_first(changes: Sequence[Change]) -> list[Change]:
    """By customer, those first whose tier or limit would be another one."""
    moved = {each.customer_id for each in changes if each.table != "score.risk_score"}
    return sorted(changes, key=lambda each: (each.customer_id not in moved, each.customer_id))


def _print_alerts(out: Console, changes: Sequence[Change], language: Language) -> None:
    """Alerts that come or go, with what they warn of."""
    of_alerts = [each for each in changes if each.table == "decision.alert"]
    signals: dict[tuple[str, str], dict[str, str]] = {}
    for each in of_alerts:
        if each.column.startswith("signal_"):
            named = (each.customer_id, str(each.key["alert_id"]))
            signals.setdefault(named, {})[each.column.removeprefix("signal_")] = str(each.published or each.without)
    alerts = sorted(
        (each.customer_id, str(each.key["alert_id"]), "would_be_gone" if each.without is None else "would_be_new")
        for each in of_alerts
        if each.column == "rule"
    )
    if alerts:
        rows = [
            (customer, both(said.get("en"), said.get("zh"), language), say(becomes, language))
            for customer, alert, becomes in alerts[:SCREEN_ALERTS]
            for said in [signals.get((customer, alert), {"en": alert})]
        ]
        out.print(output.table(headers("customer warning without", language), rows, fold=[1, 2]))
        _print_rest(out, len(alerts), language, SCREEN_ALERTS)


def _print_rest(out: Console, count: int, language: Language, shown: int = SCREEN_ROWS) -> None:
    if count > shown:
        out.print(say("first_of", language, shown=shown, all=f"{count:,}"))


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
        "versions": [asdict(each) for each in target.versions],
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
