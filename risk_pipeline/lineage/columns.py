"""The column lineage of the project as one graph: what a column comes from, what comes from it, and by which way.

Put here: questions about the graph, and its form as rows. Keep out: where its edges come from (pipeline.column_lineage) and how
it is drawn (drawing.py).

Nodes are columns of published tables, keys of the policy (table `policy`), constants of the run (columns of audit.run), and
columns of the assessment before (tables `previous.*`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple

from risk_pipeline.errors import UsageError
from risk_pipeline.lineage.influence import DIRECT, HOWS, Influences, after, kind_of

POLICY, RUN, PREVIOUS = "policy", "audit.run", "previous"


class Column(NamedTuple):
    """A column of a table; of the policy a key."""

    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.table}.{self.column}"


class Edge(NamedTuple):
    """`source` acts on `column` by `how`."""

    column: Column
    source: Column
    how: str


class ColumnLineage:
    """`made`: by table and column what it comes from, one step back."""

    def __init__(self, made: Mapping[str, Mapping[str, Influences]]) -> None:
        self._made = made

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of which it is said where their columns come from."""
        return tuple(self._made)

    def columns(self, table: str) -> tuple[Column, ...]:
        """The columns of a table. UsageError for a table that is not there."""
        if table not in self._made:
            raise UsageError(f"there is no lineage of {table}", remedy=f"tables: {', '.join(self.tables)}")
        return tuple(Column(table, name) for name in self._made[table])

    def find(self, name: str) -> tuple[Column, ...]:
        """The column, or all columns of the table, of that full name; of the policy a key. UsageError when there is none."""
        if name in self._made:
            return self.columns(name)
        known = [column for column in self.nodes if str(column) == name]
        if known:
            return (known[0],)
        table, _, column = name.rpartition(".")
        if table in self._made:
            raise UsageError(f"{table} has no column {column}", remedy=f"columns: {', '.join(self._made[table])}")
        raise UsageError(
            f"there is no table or column {name}",
            remedy="write it as layer.table or layer.table.column, or a key of the policy as policy.<key>",
        )

    @cached_property
    def nodes(self) -> frozenset[Column]:
        """Every column and key there is."""
        own = {Column(table, name) for table, columns in self._made.items() for name in columns}
        return frozenset(own | {edge.source for edge in self.edges()})

    def edges(self) -> Iterator[Edge]:
        """All edges, by column, direct ones first."""
        for table, columns in self._made.items():
            for name, influences in columns.items():
                for each in sorted(influences, key=lambda each: (HOWS.index(each.how), each)):
                    yield Edge(Column(table, name), Column(each.table, each.column), each.how)

    @cached_property
    def _up(self) -> dict[Column, tuple[Edge, ...]]:
        found: dict[Column, list[Edge]] = {}
        for edge in self.edges():
            found.setdefault(edge.column, []).append(edge)
        return {column: tuple(edges) for column, edges in found.items()}

    @cached_property
    def _down(self) -> dict[Column, tuple[Edge, ...]]:
        found: dict[Column, list[Edge]] = {}
        for edge in self.edges():
            found.setdefault(edge.source, []).append(edge)
        return {column: tuple(edges) for column, edges in found.items()}

    def sources(self, column: Column) -> tuple[Edge, ...]:
        """What a column comes from, one step back."""
        return self._up.get(column, ())

    def results(self, column: Column) -> tuple[Edge, ...]:
        """What comes from a column, one step on."""
        return self._down.get(column, ())

    def behind(self, column: Column, *, within: bool = False) -> dict[Column, frozenset[str]]:
        """Everything a column comes from, through other columns, and how each acts on it. The assessment before is not looked
        behind. `within`: also what a feed's rows are chosen by when a run looks at them.
        """
        return self._reach(column, self.sources, lambda edge: edge.source, within=within)

    def beyond(self, column: Column) -> dict[Column, frozenset[str]]:
        """Everything that comes from a column, through other columns, and how it acts on each."""
        return self._reach(column, self.results, lambda edge: edge.column, within=True)

    def _reach(self, start: Column, step, other, *, within: bool) -> dict[Column, frozenset[str]]:  # type: ignore[no-untyped-def]
        found: dict[Column, frozenset[str]] = {}
        todo: list[tuple[Column, str]] = [(start, "identity")]
        while todo:
            at, how = todo.pop()
            if not within and at != start and at.table.startswith("feed."):
                continue
            for edge in step(at):
                acts = after(how, edge.how) if step == self.sources else after(edge.how, how)
                next_ = other(edge)
                if acts not in found.get(next_, frozenset()):
                    found[next_] = found.get(next_, frozenset()) | {acts}
                    todo.append((next_, acts))
        found.pop(start, None)
        return found

    def ends(self, column: Column) -> frozenset[Column]:
        """Where the ways behind a column end: columns of feeds, keys of the policy, constants of the run, the assessment before.

        Empty when it comes from nowhere, which must not be.
        """
        if is_end(column):
            return frozenset({column})
        return frozenset(each for each in self.behind(column) if is_end(each))

    def rows(self) -> Iterator[tuple[str, str, str, str, str, str]]:
        """audit.column_lineage: table_name, column_name, source_table, source_column, influence, transformation."""
        for edge in self.edges():
            yield (*edge.column, *edge.source, kind_of(edge.how), edge.how)

    def paths(self, column: Column, source: Column) -> list[Edge]:
        """The edges on ways from `source` to `column` that carry its value; where there is none, on all ways between the two."""
        direct = self._between(column, source, DIRECT)
        return direct or self._between(column, source, HOWS)

    def _between(self, column: Column, source: Column, hows: tuple[str, ...]) -> list[Edge]:
        seen: set[Column] = set()
        edges: list[Edge] = []

        def leads(at: Column, trail: frozenset[Column]) -> bool:
            if at == source:
                return True
            if at in trail:
                return False
            if at in seen:
                return at in good
            seen.add(at)
            kept = [edge for edge in self.sources(at) if edge.how in hows and leads(edge.source, trail | {at})]
            edges.extend(kept)
            if kept:
                good.add(at)
            return bool(kept)

        good: set[Column] = set()
        leads(column, frozenset())
        return edges


def is_end(column: Column) -> bool:
    """Whether lineage ends there: a feed, the policy, the run, the assessment before."""
    return column.table in (POLICY, RUN) or column.table.startswith(("feed.", f"{PREVIOUS}."))
