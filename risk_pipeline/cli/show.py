"""`show`: rows of a published table, on the screen, as CSV or as JSON.

Put here: the selection and its checks against the contract. Keep out: forms (output) and reading (reader).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.cells import set_cell_size
from rich.console import Console
from rich.measure import Measurement

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date
from risk_pipeline.cli.reader import Rows, ask, nothing_published, published_dates
from risk_pipeline.cli.texts import Language, both
from risk_pipeline.contracts import STORE_COLUMNS, TABLES, Kind, Table
from risk_pipeline.errors import UsageError
from risk_pipeline.settings import Workspace

SCREEN_ROWS = 20
# What a reader wants to see first, where the declared order begins with something else.
SCREEN_COLUMNS = {
    "mart.current_risk": ("customer_id", "name", "tier", "score", "credit_limit", "total_exposure", "overdue", "hold"),
    "mart.worklist": ("rank", "customer_id", "name", "exposure_at_risk", "next_action", "due_date", "tier", "owner_role"),
    "mart.portfolio": (
        "dimension",
        "member",
        "total_exposure",
        "exposure_share",
        "over_cap",
        "expected_loss",
        "customers",
        "customer_share",
    ),
    "factor.financial_condition": ("customer_id", "statement_period_end", "altman_zone", "altman_z2", "debt_ratio"),
    "factor.credit_record": ("customer_id", "bureau_report_date", "bureau_score_norm", "bureau_delinquencies_12m"),
    "factor.contract_collateral": ("customer_id", "contract_standing", "contract_valid_to", "collateral_value"),
}
FOLDED = 14  # columns that a name or an action in words needs at least; it may take several lines
CONSTANT = ("as_of", "run_id")  # the same in every row of an answer
NUMERIC = {Kind.MONEY, Kind.RATE, Kind.INTEGER, Kind.NUMBER}


@dataclass(frozen=True)
class Selection:
    """What to show: table, and optionally date, customer, columns and number of rows."""

    table: str
    as_of: str | None = None
    customer: str | None = None
    columns: list[str] = field(default_factory=list)
    limit: int | None = None


def show_table(root: Path, selection: Selection, as_csv: bool, as_json: bool) -> None:
    """Print the rows. UsageError for an unknown table or column, or a date or customer the table does not have."""
    if as_csv and as_json:
        raise UsageError("--csv and --json exclude each other")
    table = _table(selection.table)
    columns = _columns(table, selection.columns)
    workspace = Workspace.load(root)
    as_of = _date(workspace, table, selection.as_of)
    limit = selection.limit or (None if as_csv or as_json else SCREEN_ROWS)
    found = ask(workspace, *_query(table, columns, as_of, selection.customer, limit))
    more = limit is not None and len(found.rows) > limit
    rows = Rows(found.columns, found.rows[:limit])
    if as_csv:
        output.print_csv(rows.columns, rows.rows)
    elif as_json:
        output.print_json({"table": table.full_name, "as_of": as_of, "truncated": more, "rows": rows.records()})
    else:
        _print(table, rows, as_of, more, bool(selection.columns), workspace.settings.language)


def _table(name: str) -> Table:
    if name not in TABLES:
        near = get_close_matches(name, [*TABLES, *(each.split(".")[1] for each in TABLES)], n=3)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise UsageError(f"there is no table {name}", remedy=f"{hint}The tables: {', '.join(TABLES)}")
    return TABLES[name]


def _columns(table: Table, chosen: list[str]) -> list[str]:
    stored = [column.name for column in STORE_COLUMNS] if table.layer == "feed" else []
    known = [*table.column_names, *stored]
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise UsageError(f"{table.full_name} has no column {', '.join(unknown)}", remedy=f"its columns: {', '.join(known)}")
    return chosen or list(table.column_names)


def _date(workspace: Workspace, table: Table, text: str | None) -> date | None:
    if "as_of" not in table or table.layer == "audit":
        if text is not None:
            raise UsageError(f"{table.full_name} has no assessment date", remedy="leave --as-of out")
        return None
    dates = published_dates(workspace)
    if not dates:
        raise nothing_published(workspace)
    if table.layer == "mart" and text is None:
        return dates[-1]
    return published(dates, text)


def published(dates: list[date], text: str | None) -> date:
    """The published date `text` names, by default the newest. UsageError when that date is not published."""
    if text is None:
        return dates[-1]
    wanted = one_date(text, "--as-of")
    if wanted not in dates:
        listed = ", ".join(day.isoformat() for day in dates[-12:])
        raise UsageError(f"{wanted} is not published", remedy=f"published dates: {listed}")
    return wanted


def _query(
    table: Table, columns: list[str], as_of: date | None, customer: str | None, limit: int | None
) -> tuple[str, list[Any]]:
    """One row more than `limit` is asked for, to know whether there are more."""
    conditions: dict[str, Any] = {}
    if as_of is not None:
        conditions["as_of"] = as_of
    if customer is not None:
        if "customer_id" not in table:
            raise UsageError(f"{table.full_name} has no customers", remedy="leave --customer out")
        conditions["customer_id"] = customer
    where = f" WHERE {' AND '.join(f'{name} = ?' for name in conditions)}" if conditions else ""
    listed = ", ".join(f'"{name}"' for name in columns)
    order = ", ".join(f'"{name}"' for name in table.key)
    at_most = f" LIMIT {limit + 1}" if limit is not None else ""
    return f"SELECT {listed} FROM {table.full_name}{where} ORDER BY {order}{at_most}", list(conditions.values())


def _print(table: Table, rows: Rows, as_of: date | None, more: bool, chosen: bool, language: Language) -> None:
    out = output.console()
    out.print(f"{table.full_name}{f' at {as_of}' if as_of else ''} · {both(table.en, table.zh, language)}")
    if not chosen:
        rows = _with_codes(rows)
    if not chosen and len(rows.rows) > 1:
        rows = _in_words(rows, language)
    if not rows.rows:
        out.print("no rows")
    elif len(rows.rows) == 1:
        _print_row(out, table, rows, language)
    else:
        _print_grid(out, table, rows, chosen)
    if more:
        out.print(f"the first {len(rows.rows)} rows; more with --limit, all of them with --csv or --json")


def _with_codes(rows: Rows) -> Rows:
    """A factor and its special code in one column: the code stands where there is no value."""
    place = {name: index for index, name in enumerate(rows.columns)}
    kept = [name for name in rows.columns if not (name.endswith("_code") and name.removesuffix("_code") in place)]
    code = {name: place[f"{name}_code"] for name in kept if f"{name}_code" in place}
    filled = [
        tuple(row[place[name]] if row[place[name]] is not None or name not in code else row[code[name]] for name in kept)
        for row in rows.rows
    ]
    return Rows(tuple(kept), filled)


def _in_words(rows: Rows, language: Language) -> Rows:
    """Text that has a column for each language, in one column in place of its code."""
    place = {name: index for index, name in enumerate(rows.columns)}
    stems = {name.removesuffix("_en") for name in place if name.endswith("_en") and f"{name.removesuffix('_en')}_zh" in place}
    gone = {*stems, *(f"{stem}_zh" for stem in stems)}
    told = [stem if (stem := name.removesuffix("_en")) in stems else name for name in place if name not in gone]

    def value(row: tuple[Any, ...], name: str) -> Any:
        if name not in stems:
            return row[place[name]]
        return both(row[place[f"{name}_en"]], row[place[f"{name}_zh"]], language, between="\n")

    return Rows(tuple(told), [tuple(value(row, name) for name in told) for row in rows.rows])


def _print_row(out: Console, table: Table, rows: Rows, language: Language) -> None:
    """One row: a line for each column, with what the catalogue calls a factor."""
    lines = list(zip(rows.columns, rows.rows[0], strict=True))
    labels = _labels(table, language)
    if labels:
        told = [(name, value, labels.get(name, "")) for name, value in lines if name not in CONSTANT]
        out.print(output.table(["column", "value", ""], told, fold=[2]))
        out.print(", ".join(f"{name} {value}" for name, value in lines if name in CONSTANT))
    else:
        out.print(output.table(["column", "value"], lines))


def _labels(table: Table, language: Language) -> dict[str, str]:
    if table.layer != "factor":
        return {}
    from risk_pipeline.factors.catalogue import load_catalogue

    found = [factor for factor in load_catalogue().factors if factor.table == table.name]
    return {factor.id: both(factor.label.en, factor.label.zh, language) for factor in found}


def _print_grid(out: Console, table: Table, rows: Rows, chosen: bool) -> None:
    """As many columns as fit beside each other, those that matter most first. Chosen ones all: row by row when too wide."""
    order = list(range(len(rows.columns)))
    if chosen and _width(out, table, rows, order) > out.width:
        for row in rows.rows:
            out.print(output.table(["column", "value"], zip(rows.columns, row, strict=True), fold=[1]))
        return
    if not chosen:
        first = [*SCREEN_COLUMNS.get(table.full_name, ()), *(name for name in rows.columns if name not in CONSTANT), *CONSTANT]
        order.sort(key=lambda index: first.index(rows.columns[index]))
    fits = len(order) if chosen else 1
    while fits < len(order) and _width(out, table, rows, order[: fits + 1]) <= out.width:
        fits += 1
    out.print(_grid(table, rows, order[:fits]))
    if fits < len(order):
        out.print(f"{len(order) - fits} more columns: choose with --columns, or take all with --csv or --json")


def _grid(table: Table, rows: Rows, order: list[int]) -> Any:
    names = [rows.columns[index] for index in order]
    kinds = {column.name: column.kind for column in (*table.columns, *STORE_COLUMNS)}
    numeric = [place for place, name in enumerate(names) if kinds.get(name) in NUMERIC]
    folded = [place for place, name in enumerate(names) if _folds(name, kinds)]
    return output.table(names, ([row[index] for index in order] for row in rows.rows), numeric, folded)


def _folds(name: str, kinds: Mapping[str, Kind]) -> bool:
    """Names of customers and text in words may take several lines."""
    return name == "name" or name.endswith(("_en", "_zh")) or f"{name}_en" in kinds


def _width(out: Console, table: Table, rows: Rows, order: list[int]) -> int:
    """Columns of the screen that these columns of the table need, those that may take several lines at their narrowest."""
    kinds = {column.name: column.kind for column in table.columns}
    narrow = [index for index in order if _folds(rows.columns[index], kinds)]
    cut = [tuple(set_cell_size(output.cell(v), FOLDED) if i in narrow else v for i, v in enumerate(row)) for row in rows.rows]
    grid = _grid(table, Rows(rows.columns, cut), order)
    return Measurement.get(out, out.options.update(max_width=10_000), grid).maximum
