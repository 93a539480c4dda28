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
        return iter(self._edges)

    @cached_property
    def _edges(self) -> tuple[Edge, ...]:
        return tuple(
            Edge(Column(table, name), Column(each.table, each.column), each.how)
            for table, columns in self._made.items()
            for name, influences in columns.items()
            for each in sorted(influences, key=lambda each: (HOWS.index(each.how), each))
        )

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

    def behind(self, column: Column) -> dict[Column, frozenset[str]]:
        """Everything a column comes from, through other columns, and how each acts on it.

        It ends at the columns of feeds (not at what their rows are chosen by) and at the assessment before.
        """
        return self._reach(column, self._up, back=True)

    def beyond(self, column: Column) -> dict[Column, frozenset[str]]:
        """Everything that comes from a column, through other columns, and how it acts on each."""
        return self._reach(column, self._down, back=False)

    def _reach(
        self, start: Column, steps: Mapping[Column, tuple[Edge, ...]], *, back: bool, hows: tuple[str, ...] = HOWS
    ) -> dict[Column, frozenset[str]]:
        found: dict[Column, frozenset[str]] = {}
        todo: list[tuple[Column, str]] = [(start, "identity")]
        while todo:
            at, how = todo.pop()
            for edge in steps.get(at, ()):
                if edge.how not in hows or (back and at.table.startswith("feed.") and at != start):
                    continue
                other, acts = (edge.source, after(how, edge.how)) if back else (edge.column, after(edge.how, how))
                if other != start and acts not in found.get(other, frozenset()):
                    found[other] = found.get(other, frozenset()) | {acts}
                    todo.append((other, acts))
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

    def between(self, column: Column, source: Column) -> tuple[Edge, ...]:
        """The edges of all ways from `source` to `column` that carry its value; where none does, of those that choose by it.

        Empty when `column` does not come from `source`.
        """
        return self._between(column, source, DIRECT) or self._between(column, source, HOWS)

    def _between(self, column: Column, source: Column, hows: tuple[str, ...]) -> tuple[Edge, ...]:
        on_way = self._reach(column, self._up, back=True, hows=hows).keys() | {column}
        from_source = self._reach(source, self._down, back=False, hows=hows).keys() | {source}
        both = on_way & from_source
        kept = (edge for at in both if not at.table.startswith("feed.") for edge in self.sources(at))
        return tuple(edge for edge in kept if edge.source in both and edge.how in hows)

    def values(self, column: Column) -> tuple[Edge, ...]:
        """The edges of all ways by which the value of a column comes."""
        on_way = self._reach(column, self._up, back=True, hows=DIRECT).keys() | {column}
        kept = (edge for at in on_way if not at.table.startswith("feed.") for edge in self.sources(at))
        return tuple(edge for edge in kept if edge.how in DIRECT)

    def into(self, column: Column) -> tuple[Edge, ...]:
        """The edges of all ways by which the value of a column goes on."""
        on_way = self._reach(column, self._down, back=False, hows=DIRECT).keys() | {column}
        return tuple(edge for at in on_way for edge in self.results(at) if edge.how in DIRECT)


def is_end(column: Column) -> bool:
    """Whether lineage ends there: a feed, the policy, the run, the assessment before."""
    return column.table in (POLICY, RUN) or column.table.startswith(("feed.", f"{PREVIOUS}."))
