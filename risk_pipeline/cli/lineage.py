"""`lineage TABLE[.COLUMN]`: what a column is made of, or what is made of it, as a tree, JSON or a drawing.

Put here: what is printed. Keep out: the graph (lineage.columns) and where it comes from (pipeline.column_lineage).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from risk_pipeline.cli import output
from risk_pipeline.cli.texts import Language, both
from risk_pipeline.contracts import TABLES
from risk_pipeline.errors import UsageError
from risk_pipeline.lineage.columns import POLICY, RUN, Column, ColumnLineage, Edge
from risk_pipeline.lineage.influence import DIRECT, HOWS, kind_of
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.policy.model import Policy

DEPTH = 4
ABOVE = "↑"  # what a column comes from stands above
SIGNS = ("↑ told above; … goes on: --depth", "↑ 见上文；… 还有下级：--depth")
HOW_TEXTS: dict[str, tuple[str, str]] = {
    "identity": ("as it stands", "原值"),
    "transformation": ("computed", "计算"),
    "aggregation": ("of several rows", "汇总"),
    "join": ("joined by", "关联"),
    "filter": ("rows chosen by", "筛选"),
    "group_by": ("grouped by", "分组"),
    "sort": ("ordered by", "排序"),
    "window": ("ranked by", "窗口"),
    "conditional": ("value chosen by", "条件"),
}


def show_lineage(
    root: Path, name: str, *, down: bool, depth: int | None, source: str | None, drawing: Path | None, as_json: bool
) -> None:
    """Print the lineage of a table or column, or write the drawing. UsageError for a name that is not there."""
    from risk_pipeline.pipeline.column_lineage import column_lineage

    workspace = Workspace.load(root)
    lineage = column_lineage(_policy(workspace))
    columns = lineage.find(name)
    origin = _one(lineage, source) if source else None
    if drawing is not None:
        _draw(lineage, columns, origin, down, drawing)
    elif as_json:
        output.print_json([_told(lineage, column, down, origin) for column in columns])
    elif len(columns) > 1:
        _print_table(output.console(), lineage, columns, down, workspace.settings.language)
    else:
        _Tree(lineage, workspace.settings.language, down, depth or DEPTH, origin, columns[0]).print(output.console())


def _policy(workspace: Workspace) -> Policy:
    """The policy of the newest publication; before there is one, the one that a run of today would take."""
    from datetime import datetime

    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.policy.load import load_policy
    from risk_pipeline.policy.model import Policy

    with open_register(workspace) as register:
        snapshot = register.current_snapshot()
        record = register.run(snapshot.run_id) if snapshot else None
    if record is not None:
        return Policy.model_validate(record.manifest["policy"])
    return load_policy(
        workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=datetime.now(workspace.zone).date()
    )


def _one(lineage: ColumnLineage, name: str) -> Column:
    found = lineage.find(name)
    if len(found) > 1:
        raise UsageError(
            f"{name} is a table", remedy=f"name one of its columns: {', '.join(each.column for each in found[:8])} …"
        )
    return found[0]


def _told(lineage: ColumnLineage, column: Column, down: bool, origin: Column | None) -> dict[str, Any]:
    edges = lineage.results(column) if down else lineage.between(column, origin) if origin else lineage.sources(column)
    reach = lineage.beyond(column) if down else lineage.behind(column)
    steps = [
        {
            "table_name": edge.column.table,
            "column_name": edge.column.column,
            "source_table": edge.source.table,
            "source_column": edge.source.column,
            "influence": kind_of(edge.how),
            "transformation": edge.how,
        }
        for edge in edges
    ]
    all_ = {str(each): sorted(hows, key=HOWS.index) for each, hows in sorted(reach.items())}
    return {"column": str(column), "steps": steps, "beyond" if down else "behind": all_}


def _print_table(out: Console, lineage: ColumnLineage, columns: Iterable[Column], down: bool, language: Language) -> None:
    """One row for each column: what it is made of, one step back, and how much chooses it."""
    name = both("column", "字段", language)
    if down:
        into = [(column.column, _counted(edge.column for edge in lineage.results(column))) for column in columns]
        out.print(output.table([name, both("goes into", "流向", language)], into, fold=[1]))
        return
    rows = []
    for column in columns:
        edges = lineage.sources(column)
        chosen = {edge.source for edge in edges if edge.how not in DIRECT}
        rows.append((column.column, _listed(edge.source for edge in edges if edge.how in DIRECT), len(chosen)))
    headers = [name, both("made of", "来源", language), both("chosen by", "影响因素", language)]
    out.print(output.table(headers, rows, numeric=[2], fold=[1]))


def _listed(columns: Iterable[Column], most: int = 6) -> str:
    """Columns by table, the first few of each."""
    tables: dict[str, list[str]] = {}
    for column in dict.fromkeys(columns):
        tables.setdefault(column.table, []).append(column.column)
    told = (f"{name}: {', '.join(each[:most])}{', …' if len(each) > most else ''}" for name, each in tables.items())
    return "; ".join(told)


def _counted(columns: Iterable[Column]) -> str:
    """Tables with how many of their columns."""
    tables = Counter(column.table for column in set(columns))
    return ", ".join(f"{name} ({count})" for name, count in sorted(tables.items()))


class _Tree:
    """One column with what it is made of (or what is made of it), each column once; what only chooses is counted by table."""

    def __init__(
        self, lineage: ColumnLineage, language: Language, down: bool, depth: int, origin: Column | None, start: Column
    ) -> None:
        self._lineage, self._language, self._down, self._depth, self._start = lineage, language, down, depth, start
        self._only = set(lineage.between(start, origin)) if origin is not None else None
        if self._only is not None and not self._only:
            raise UsageError(
                f"{start} does not come from {origin}", remedy=f"risk-pipeline lineage {start} shows what it comes from"
            )
        self._said: set[Column] = set()
        self._lines: list[str] = []

    def print(self, out: Console) -> None:
        """The tree, no line wider than the screen, what its signs say, and where its ways end."""
        self._node(self._start, "", "", 0)
        for line in self._lines:
            out.print(Text(line), no_wrap=True, overflow="ellipsis", crop=True)
        out.print()
        if any(line.endswith((ABOVE, "…")) for line in self._lines):
            out.print(Text(both(*SIGNS, self._language)))
        if not self._down:
            ends = self._lineage.ends(self._start)
            out.print(Text(f"{both('Its ways end at', '最终来源', self._language)}: {_counted(ends)}"))

    def _edges(self, column: Column) -> tuple[Edge, ...]:
        edges = self._lineage.results(column) if self._down else self._lineage.sources(column)
        if not self._down and column.table.startswith("feed.") and column != self._start:
            return ()
        return tuple(edge for edge in edges if self._only is None or edge in self._only)

    def _node(self, column: Column, lead: str, below: str, level: int, how: str = "") -> None:
        again = column in self._said
        edges = () if again else self._edges(column)
        carried = self._neighbours(edges, direct=True)
        more = bool(edges) and level >= self._depth
        mark = f" {ABOVE}" if again else " …" if more else ""
        acts = f"  [{both(*HOW_TEXTS[how], self._language)}]" if how else f"  {_meaning(column, self._language)}"
        self._lines.append(f"{lead}{column}{acts}{mark}")
        self._said.add(column)
        if again or more:
            return
        named = {other: acts_by for other, acts_by in carried.items() if other.table not in (POLICY, RUN)}
        tails = self._tails(carried, self._neighbours(edges, direct=False))
        total = len(named) + len(tails)
        for number, (other, acts_by) in enumerate(named.items(), start=1):
            corner, bar = ("└─ ", "   ") if number == total else ("├─ ", "│  ")
            self._node(other, below + corner, below + bar, level + 1, acts_by)
        for number, tail in enumerate(tails, start=len(named) + 1):
            self._lines.append(f"{below}{'└─ ' if number == total else '├─ '}{tail}")

    def _tails(self, carried: Iterable[Column], chosen: Iterable[Column]) -> list[str]:
        """What ends at a column without a branch of its own: keys of the policy, constants of the run, what only chooses."""
        words = {POLICY: both("policy", "政策", self._language), RUN: both("run", "运行", self._language)}
        keys = {name: [each.column for each in carried if each.table == name] for name in words}
        tails = [f"{words[name]}: {', '.join(names)}" for name, names in keys.items() if names]
        counted = _counted(chosen)
        if not counted:
            return tails
        said = both("chooses in", "影响", self._language) if self._down else both("chosen by", "影响因素", self._language)
        return [*tails, f"{said}: {counted}"]

    def _neighbours(self, edges: Iterable[Edge], *, direct: bool) -> dict[Column, str]:
        """The columns at the other end and how they act, those that carry the value or those that choose."""
        found: dict[Column, str] = {}
        for edge in edges:
            if (edge.how in DIRECT) == direct:
                found.setdefault(edge.column if self._down else edge.source, edge.how)
        return found


def _meaning(column: Column, language: Language) -> str:
    table = TABLES.get(column.table)
    if table is None or column.column not in table:
        return ""
    field = table.column(column.column).field
    return both(field.en, field.zh, language)


def _draw(lineage: ColumnLineage, columns: tuple[Column, ...], origin: Column | None, down: bool, path: Path) -> None:
    from risk_pipeline.lineage.drawing import svg

    if len(columns) > 1:
        raise UsageError("a drawing is of one column", remedy="name the column as layer.table.column")
    (column,) = columns
    edges = lineage.between(column, origin) if origin else lineage.into(column) if down else lineage.values(column)
    if not edges:
        raise UsageError(f"there is nothing to draw for {column}", remedy="risk-pipeline lineage shows what it comes from")
    title = f"{origin} → {column}" if origin else str(column)
    path.write_text(svg(edges, title, [column, *([origin] if origin else [])]), encoding="utf-8")
    output.console().print(Text(f"wrote {path}"))
