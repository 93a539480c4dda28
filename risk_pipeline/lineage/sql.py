"""Column lineage of one SELECT: what the value of each column comes from, and what decides which rows it comes from.

Put here: the walk over the sqlglot tree. Keep out: which files there are and what they read (pipeline.sql_lineage), and the graph
that comes of it (columns.py).

A relation has influences by column and, apart from them, of its rows: whatever decides that a row is there. They join the
columns where the rows are read. A LEFT JOIN to a relation with one row at most for each row on the left changes no other column
than those taken from it, so for others it is no influence; that is decided on keys, worked out from GROUP BY, DISTINCT,
ROW_NUMBER and the contracts. Where it cannot be told, everything counts: lineage may name too much, never too little.

In a UNION ALL a column may hold one of a few words in each branch ('bill', 'order'); a CASE that asks for one of them takes
nothing from branches that never say it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from risk_pipeline.errors import RiskError
from risk_pipeline.lineage.influence import INDIRECT, NONE, Influence, Influences, after, through, union

DIALECT = "duckdb"
ROWS = "*"  # stands for "that there are rows" of a table, until a column of the table is named beside it
BRANCHES_MAX = 24  # of a UNION ALL that are looked at one by one; beyond that they are one


class LineageError(RiskError):
    """SQL whose columns cannot be traced."""


Texts = frozenset[str | None]  # the literals that a column may hold
Keys = frozenset[frozenset[str]]


@dataclass(frozen=True)
class Branch:
    """Rows of one SELECT. `texts`: columns that hold one of a few literals in all of its rows, None for NULL."""

    columns: Mapping[str, Influences]
    rows: Influences
    texts: Mapping[str, Texts] = field(default_factory=dict)


@dataclass(frozen=True)
class Relation:
    """Something with rows: a table, a step, a subquery. `keys`: sets of columns with one row at most for each of their values.
    `one_row`: there is exactly one row, whatever it reads.
    """

    branches: tuple[Branch, ...]
    keys: Keys = frozenset()
    one_row: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.branches[0].columns)

    @property
    def columns(self) -> dict[str, Influences]:
        """Influences of each column, over all branches."""
        return {name: union(branch.columns[name] for branch in self.branches) for name in self.names}

    @property
    def rows(self) -> Influences:
        """What decides which rows there are."""
        return union(branch.rows for branch in self.branches)


Read = Callable[[str], Relation]
Parameters = Callable[[str], Influences]


def base_table(name: str, columns: Iterable[str], key: Iterable[str] = ()) -> Relation:
    """A table that is no further traced."""
    own = {column: frozenset({Influence(name, column, "identity")}) for column in columns}
    keys = frozenset([frozenset(key)]) if key else frozenset()
    return Relation((Branch(own, frozenset({Influence(name, ROWS, "filter")})),), keys)


def trace(sql: str, name: str, read: Read, parameters: Parameters) -> Relation:
    """The lineage of the query `sql`, known as `name` in messages.

    `read` gives the relation of a table named `schema.name`, `parameters` the influences behind a `$placeholder`; both may raise
    KeyError. LineageError for text that cannot be parsed, and for a table, column or placeholder that is not there.
    """
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect=DIALECT) if tree is not None]
    except (ParseError, TokenError) as exc:
        raise LineageError(f"{name}: not read as SQL: {exc}") from exc
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise LineageError(f"{name}: not exactly one SELECT")
    return _Tracer(name, read, parameters).query(trees[0], {})


def settled(relation: Relation, keys: Mapping[str, Sequence[str]]) -> dict[str, Influences]:
    """Influences of each column of a finished table: its own and those of the rows. A table of which only rows count is named by
    the columns of its key (`keys`, by table).
    """
    rows = relation.rows
    return {name: _named(own | rows, keys) for name, own in relation.columns.items()}


def _named(influences: Influences, keys: Mapping[str, Sequence[str]]) -> Influences:
    said = {each.table for each in influences if each.column != ROWS}
    alone = {each.table for each in influences if each.column == ROWS} - said
    added = {Influence(table, column, "filter") for table in alone for column in keys[table]}
    return frozenset(each for each in influences if each.column != ROWS) | added


Tables = Mapping[str, Relation]


@dataclass(frozen=True)
class _Taken:
    """Rows of a FROM with all its joins, for one choice of branches, or of all. `columns` by (alias, column)."""

    columns: dict[tuple[str, str], Influences]
    texts: dict[tuple[str, str], Texts]
    rows: Influences


class _Tracer:
    def __init__(self, name: str, read: Read, parameters: Parameters) -> None:
        self._name = name
        self._read = read
        self._parameters = parameters

    # Queries

    def query(self, tree: exp.Expr, known: Tables, outer: _Taken | None = None) -> Relation:
        with_ = tree.args.get("with_")
        if with_ is not None:
            for cte in with_.expressions:
                known = {**known, cte.alias: self.query(cte.this, known)}
        if isinstance(tree, exp.Subquery):
            return self.query(tree.this, known, outer)
        if isinstance(tree, exp.SetOperation):
            return self._set_operation(tree, known, outer)
        if isinstance(tree, exp.Select):
            return self._select(tree, known, outer)
        raise LineageError(f"{self._name}: no SELECT: {tree.sql(DIALECT)[:60]}")

    def _set_operation(self, tree: exp.SetOperation, known: Tables, outer: _Taken | None) -> Relation:
        left, right = (self.query(side, known, outer) for side in (tree.left, tree.right))
        by_name = bool(tree.args.get("by_name"))
        if not by_name and len(left.names) != len(right.names):
            raise LineageError(f"{self._name}: the parts of a UNION have {len(left.names)} and {len(right.names)} columns")
        names = left.names if not by_name else tuple(dict.fromkeys((*left.names, *right.names)))
        if not isinstance(tree, exp.Union):  # EXCEPT, INTERSECT: the other side only chooses rows
            chosen = right.rows | through("filter", union(right.columns.values()))
            return Relation(tuple(replace(each, rows=each.rows | chosen) for each in left.branches), left.keys)
        branches = [_renamed(each, left.names if by_name else names, names) for each in left.branches]
        branches += [_renamed(each, right.names if by_name else names, names) for each in right.branches]
        if tree.args.get("distinct"):
            return Relation(_merged(branches), frozenset([frozenset(names)]))
        return Relation(_merged(branches))

    def _select(self, tree: exp.Select, known: Tables, outer: _Taken | None) -> Relation:
        sources = self._sources(tree, known, outer)
        selects = list(self._selected(tree, sources))
        whole = {alias: Relation((_one(each.branches),), each.keys, each.one_row) for alias, each in sources.items()}
        (all_rows,) = self._taken(tree, whole, known, outer)
        taken = self._taken(tree, sources, known, outer)
        branches = [self._branch(tree, each, all_rows, selects, known) for each in taken]
        # Groups reach over the branches; a word that a group is made by is still one of those of the branches.
        merged = (_one(branches),) if _aggregates(tree) else _merged(branches)
        return Relation(merged, self._keys(tree, sources, dict(selects)), _one_row(tree, sources))

    def _branch(
        self, tree: exp.Select, taken: _Taken, all_rows: _Taken, selects: list[tuple[str, exp.Expr]], known: Tables
    ) -> Branch:
        aliases = dict(selects)

        def of(node: exp.Expr | None, how: str) -> Influences:
            if node is None:
                return NONE
            looks_around = any(each.find_ancestor(exp.Select) is tree for each in node.find_all(exp.Window))
            return self._influences(node, how, all_rows if looks_around else taken, known, aliases)

        rows = taken.rows
        for clause in ("where", "having", "qualify"):
            rows |= of(tree.args.get(clause), "filter")
        rows |= union(of(each, "group_by") for each in self._grouped(tree, aliases, taken.columns))
        if tree.args.get("limit") or tree.args.get("offset"):
            rows |= of(tree.args.get("order"), "sort")
        if tree.args.get("distinct"):
            rows |= union(of(each, "group_by") for each in aliases.values())
        columns = {name: of(node, "identity") for name, node in selects}
        texts = {name: held for name, node in selects if (held := _texts(node, taken)) is not None}
        return Branch(columns, rows, texts)

    def _grouped(self, tree: exp.Select, aliases: Mapping[str, exp.Expr], columns: Iterable[tuple[str, str]]) -> list[exp.Expr]:
        """What rows are grouped by; a name is a column of the sources (`columns`) before it is one of the result."""
        group = tree.args.get("group")
        if group is None:
            return []
        if group.args.get("all"):
            return [node for node in aliases.values() if not node.find(exp.AggFunc)]
        own = {name for _, name in columns}

        def written_out(each: exp.Expr) -> exp.Expr:
            is_alias = isinstance(each, exp.Column) and not each.table and each.name in aliases and each.name not in own
            return aliases[each.name] if is_alias else each

        return [written_out(each) for each in group.expressions]

    # FROM and joins

    def _sources(self, tree: exp.Select, known: Tables, outer: _Taken | None) -> dict[str, Relation]:
        """The relations of FROM and joins by alias, in order."""
        from_ = tree.args.get("from_")
        items = [from_.this] if from_ is not None else []
        items += [join.this for join in tree.args.get("joins") or ()]
        twice = {item.alias_or_name for item in items if sum(item.alias_or_name == each.alias_or_name for each in items) > 1}
        if twice:
            raise LineageError(f"{self._name}: two tables are called {twice.pop()}")
        return {item.alias_or_name: self._source(item, known, outer) for item in items}

    def _source(self, item: exp.Expr, known: Tables, outer: _Taken | None) -> Relation:
        if isinstance(item, exp.Subquery):
            return self.query(item.this, known, outer)
        if isinstance(item, exp.Values):
            return Relation((Branch({each.name: NONE for each in item.args["alias"].columns}, NONE),))
        if not isinstance(item, exp.Table):
            raise LineageError(f"{self._name}: no table: {item.sql(DIALECT)[:60]}")
        if not item.db and item.name in known:
            return known[item.name]
        full_name = f"{item.db}.{item.name}" if item.db else item.name
        try:
            return self._read(full_name)
        except KeyError:
            raise LineageError(f"{self._name}: there is no table {full_name}") from None

    def _taken(self, tree: exp.Select, sources: Mapping[str, Relation], known: Tables, outer: _Taken | None) -> Iterator[_Taken]:
        """What FROM and joins give, for each choice of one branch of each source."""
        joins = {join.this.alias_or_name: join for join in tree.args.get("joins") or ()}
        parts = [each.branches for each in sources.values()]
        if prod(map(len, parts)) > BRANCHES_MAX:
            parts = [(_one(each),) for each in parts]
        above = outer or _Taken({}, {}, NONE)
        for chosen in product(*parts):
            columns, texts = dict(above.columns), dict(above.texts)
            rows = NONE
            for (alias, relation), branch in zip(sources.items(), chosen, strict=True):
                columns |= {(alias, name): of for name, of in branch.columns.items()}
                texts |= {(alias, name): held for name, held in branch.texts.items()}
                join = joins.get(alias)
                if join is None:
                    rows |= branch.rows
                    continue
                asked = join.args.get("on")
                on = self._influences(asked, "join", _Taken(columns, texts, NONE), known, {}) if asked is not None else NONE
                on |= union(through("join", columns[key]) for key in self._using(join, sources, alias))
                matched = on | branch.rows
                if join.side in ("LEFT", "FULL"):
                    for name in branch.columns:
                        columns[alias, name] |= matched
                    texts |= {(alias, name): held | {None} for name, held in branch.texts.items()}
                if join.side == "LEFT" and self._at_most_one(join, alias, relation):
                    continue
                if join.side in ("RIGHT", "FULL"):
                    for place in columns:
                        columns[place] |= on | rows if place[0] != alias else NONE
                        texts = {at: held if at[0] == alias else held | {None} for at, held in texts.items()}
                rows |= NONE if relation.one_row and not on else matched
            yield _Taken(columns, texts, rows)

    def _using(self, join: exp.Join, sources: Mapping[str, Relation], alias: str) -> Iterator[tuple[str, str]]:
        for each in join.args.get("using") or ():
            for other, relation in sources.items():
                if each.name in relation.names:
                    yield other, each.name
                if other == alias:
                    break

    def _at_most_one(self, join: exp.Join, alias: str, relation: Relation) -> bool:
        """Whether a row on the left finds one row at most: the join asks for a whole key of the other relation."""
        asked = {each.name for each in join.args.get("using") or ()}
        for term in _conjuncts(join.args.get("on")):
            if isinstance(term, exp.EQ):
                for one, other in ((term.left, term.right), (term.right, term.left)):
                    own = isinstance(one, exp.Column) and (one.table == alias or (not one.table and one.name in relation.names))
                    if own and all(each.table not in ("", alias) for each in other.find_all(exp.Column)):
                        asked.add(one.name)
        return any(key <= asked for key in relation.keys)

    # Keys

    def _keys(self, tree: exp.Select, sources: Mapping[str, Relation], selects: Mapping[str, exp.Expr]) -> Keys:
        out: dict[str, str] = {}  # the SQL of an expression -> the column that gives it
        for name, node in selects.items():
            out.setdefault(self._text(node, sources), name)
        keys: set[frozenset[str]] = set()
        fixed = {self._text(each, sources) for each in self._fixed(tree)}
        group = tree.args.get("group")
        if group is not None:
            columns = [(alias, name) for alias, relation in sources.items() for name in relation.names]
            keys.add(frozenset(self._text(each, sources) for each in self._grouped(tree, selects, columns)))
        elif _aggregates(tree):
            keys.add(frozenset())
        else:
            keys |= self._keys_of_rows(tree, sources)
            for node in selects.values():
                if isinstance(node, exp.Window) and isinstance(node.this, exp.RowNumber):
                    parts = {self._text(each, sources) for each in node.args.get("partition_by") or ()}
                    keys.add(frozenset({*parts, self._text(node, sources)}))
        kept = {frozenset(out[text] for text in key - fixed) for key in keys if key - fixed <= out.keys()}
        if tree.args.get("distinct"):
            kept.add(frozenset(selects))
        return frozenset(kept)

    def _keys_of_rows(self, tree: exp.Select, sources: Mapping[str, Relation]) -> set[frozenset[str]]:
        """Keys of what FROM and joins give, as texts of columns: those of the first, as long as no join repeats its rows."""
        joins = {join.this.alias_or_name: join for join in tree.args.get("joins") or ()}
        keys: set[frozenset[str]] = set()
        for alias, relation in sources.items():
            own = {frozenset(f"{alias}.{name}" if alias else name for name in key) for key in relation.keys}
            join = joins.get(alias)
            if join is None:
                keys = own
            elif join.side in ("RIGHT", "FULL"):
                keys = {one | other for one in keys for other in own} if join.side == "FULL" else set()
            elif not self._at_most_one(join, alias, relation):
                keys = {one | other for one in keys for other in own}
        return keys

    def _fixed(self, tree: exp.Select) -> Iterator[exp.Expr]:
        """Expressions that are one constant in all rows that stay: asked for by WHERE or QUALIFY."""
        for clause in ("where", "qualify"):
            for term in _conjuncts(tree.args[clause].this if tree.args.get(clause) else None):
                if isinstance(term, exp.EQ) and isinstance(term.right, exp.Literal):
                    yield term.left

    def _text(self, node: exp.Expr, sources: Mapping[str, Relation]) -> str:
        """The SQL of an expression, its columns with their aliases."""

        def placed(each: exp.Expr) -> exp.Expr:
            if isinstance(each, exp.Column) and not each.table:
                alias = next((alias for alias, relation in sources.items() if each.name in relation.names), "")
                return exp.column(each.name, table=alias or None)
            return each

        return str(node.copy().transform(placed).sql(DIALECT))

    # Columns and expressions

    def _selected(self, tree: exp.Select, sources: Mapping[str, Relation]) -> Iterator[tuple[str, exp.Expr]]:
        """Name and expression of each column of the result; stars written out."""
        for node in tree.expressions:
            star = node if isinstance(node, exp.Star) else node.this if isinstance(node, exp.Column) else None
            if isinstance(star, exp.Star):
                wanted = [node.table] if isinstance(node, exp.Column) else list(sources)
                for alias in wanted:
                    if alias not in sources:
                        raise LineageError(f"{self._name}: there is no table {alias}")
                    yield from ((name, exp.column(name, table=alias)) for name in sources[alias].names)
            else:
                if not node.alias_or_name:
                    raise LineageError(f"{self._name}: a column without a name: {node.sql(DIALECT)[:60]}")
                yield node.alias_or_name, node.unalias()

    def _column(self, node: exp.Column, taken: _Taken, known: Tables, aliases: Mapping[str, exp.Expr]) -> Influences:
        if node.table:
            found = [(node.table, node.name)] if (node.table, node.name) in taken.columns else []
        else:
            found = [place for place in taken.columns if place[1] == node.name]
        if found:
            return taken.columns[found[-1]]
        if not node.table and node.name in aliases and aliases[node.name] is not node:
            return self._influences(aliases[node.name], "identity", taken, known, {})
        raise LineageError(f"{self._name}: there is no column {node.sql(DIALECT)}")

    def _influences(self, node: exp.Expr, how: str, taken: _Taken, known: Tables, aliases: Mapping[str, exp.Expr]) -> Influences:
        """What acts on the value of `node`, when that acts by `how`."""
        found: set[Influence] = set()
        for part, acts in _parts(node, how, taken):
            if isinstance(part, exp.Column):
                found |= through(acts, self._column(part, taken, known, aliases))
            elif isinstance(part, exp.Placeholder):
                found |= through(acts, self._parameter(part.name))
            else:
                inner = self.query(part, known, taken)
                found |= through(acts, union(inner.columns.values()))
                found |= through(acts if acts in INDIRECT else "filter", inner.rows)
        return frozenset(found)

    def _parameter(self, name: str) -> Influences:
        try:
            return self._parameters(name)
        except KeyError:
            raise LineageError(f"{self._name}: nobody says what ${name} comes from") from None


# Expressions


def _parts(node: exp.Expr, how: str, taken: _Taken) -> Iterator[tuple[exp.Expr, str]]:
    """The columns, placeholders and subqueries in an expression, each with how it acts on the result."""
    if isinstance(node, exp.Column | exp.Placeholder | exp.Select | exp.SetOperation):
        yield node, how
    elif isinstance(node, exp.Paren | exp.Alias | exp.Subquery | exp.Where | exp.Having | exp.Qualify):
        yield from _parts(node.this, how, taken)
    elif isinstance(node, exp.Case):
        yield from _of_case(node, how, taken)
    elif isinstance(node, exp.Window):
        yield from _parts(node.this, after(how, "aggregation"), taken)
        order = node.args.get("order")
        for each in (*(node.args.get("partition_by") or ()), *(order.expressions if order is not None else ())):
            yield from _parts(each, after(how, "window"), taken)
    else:
        acts = after(how, "aggregation" if isinstance(node, exp.AggFunc) else "transformation")
        for child in node.iter_expressions():
            yield from _parts(child, acts, taken)


def _of_case(case: exp.Case, how: str, taken: _Taken) -> Iterator[tuple[exp.Expr, str]]:
    """The branches of a CASE that can be reached, and the conditions that are asked."""
    chosen, value = after(how, "conditional"), after(how, "transformation")
    for branch in case.args["ifs"]:
        condition = branch.this if case.this is None else exp.EQ(this=case.this.copy(), expression=branch.this.copy())
        answers = _answers(condition, taken)
        if True not in answers:
            continue
        yield from _parts(branch.args["true"], value, taken)
        if answers == {True}:
            return
        yield from _parts(condition, chosen, taken)
    default = case.args.get("default")
    if default is not None:
        yield from _parts(default, value, taken)


Answers = frozenset[bool | None]  # what a condition may say of a row
ANY: Answers = frozenset({True, False, None})


def _texts(node: exp.Expr, taken: _Taken) -> Texts | None:
    """The literals that an expression may give; None where that cannot be told."""
    node = node.unnest()
    if isinstance(node, exp.Null):
        return frozenset({None})
    if isinstance(node, exp.Literal):
        return frozenset({node.sql(DIALECT)})
    if isinstance(node, exp.Column):
        places = [(node.table, node.name)] if node.table else [place for place in taken.texts if place[1] == node.name]
        return taken.texts.get(places[-1]) if places else None
    if isinstance(node, exp.Case):
        default = node.args.get("default") or exp.Null()
        given = [_texts(each, taken) for each in (*(branch.args["true"] for branch in node.args["ifs"]), default)]
        return None if None in given else frozenset().union(*(each for each in given if each is not None))
    return None


def _answers(node: exp.Expr, taken: _Taken) -> Answers:
    """What a condition may say of the rows of a branch, as far as the literals in its columns tell."""
    node = node.unnest()
    if isinstance(node, exp.And | exp.Or):
        decides = isinstance(node, exp.Or)
        pairs = product(_answers(node.left, taken), _answers(node.right, taken))
        return frozenset(decides if decides in pair else None if None in pair else not decides for pair in pairs)
    if isinstance(node, exp.Not):
        return frozenset(None if each is None else not each for each in _answers(node.this, taken))
    if isinstance(node, exp.EQ | exp.NEQ):
        one, other = _texts(node.left, taken), _texts(node.right, taken)
        if one is None or other is None:
            return ANY
        same = isinstance(node, exp.EQ)
        return frozenset(None if None in (a, b) else (a == b) == same for a, b in product(one, other))
    if isinstance(node, exp.In) and node.expressions:
        asked = [_answers(exp.EQ(this=node.this.copy(), expression=each.copy()), taken) for each in node.expressions]
        if any(each == ANY for each in asked):
            return ANY
        return frozenset().union(*asked)
    return ANY


def _aggregates(tree: exp.Select) -> bool:
    """Whether the SELECT makes one row of many."""
    if tree.args.get("group") is not None:
        return True
    found = (node for each in tree.expressions for node in each.find_all(exp.AggFunc))
    return any(node.find_ancestor(exp.Window, exp.Select) is tree for node in found)


def _one_row(tree: exp.Select, sources: Mapping[str, Relation]) -> bool:
    """Whether the SELECT gives exactly one row: an aggregate of everything, or one row beside others."""
    if any(tree.args.get(clause) for clause in ("group", "having", "qualify", "limit", "offset")):
        return False
    asked = tree.args.get("where") or any(join.args.get("on") or join.args.get("using") for join in tree.args.get("joins") or ())
    return _aggregates(tree) or (not asked and all(each.one_row for each in sources.values()))


def _conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    if node is None:
        return
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _one(branches: Sequence[Branch]) -> Branch:
    """Branches as one; where each of them holds a few literals, so does the whole."""
    columns = {name: union(each.columns[name] for each in branches) for name in branches[0].columns}
    told = [name for name in columns if all(name in each.texts for each in branches)]
    texts: dict[str, Texts] = {name: frozenset().union(*(each.texts[name] for each in branches)) for name in told}
    return Branch(columns, union(each.rows for each in branches), texts)


def _merged(branches: Sequence[Branch]) -> tuple[Branch, ...]:
    """Branches that no literal tells apart as one; all of them, when there are too many."""
    alike: dict[frozenset[tuple[str, Texts]], list[Branch]] = {}
    for each in branches:
        alike.setdefault(frozenset(each.texts.items()), []).append(each)
    merged = tuple(_one(each) for each in alike.values())
    return merged if len(merged) <= BRANCHES_MAX else (_one(merged),)


def _renamed(branch: Branch, own: Sequence[str], names: Sequence[str]) -> Branch:
    """A branch of a UNION under the names of the whole; what it lacks is NULL."""
    place = dict(zip(own, branch.columns, strict=True))
    columns = {name: branch.columns[place[name]] if name in place else NONE for name in names}
    texts = {name: branch.texts[place[name]] for name in names if place.get(name) in branch.texts}
    return Branch(columns, branch.rows, texts)
