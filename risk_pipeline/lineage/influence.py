"""How one column acts on another, in the words of OpenLineage, and how that is passed on through a third.

Put here: the influence and its arithmetic. Keep out: where influences are found (sql.py reads them out of a SELECT, the decisions
declare theirs) and what is asked of them all (columns.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

# What the value is made of, and what only chooses, orders or groups.
DIRECT = ("identity", "transformation", "aggregation")
INDIRECT = ("join", "filter", "group_by", "sort", "window", "conditional")
HOWS = (*DIRECT, *INDIRECT)


class Influence(NamedTuple):
    """A column of a table and how it acts: one of HOWS."""

    table: str
    column: str
    how: str


Influences = frozenset[Influence]
NONE: Influences = frozenset()


def kind_of(how: str) -> str:
    """Direct or indirect."""
    return "direct" if how in DIRECT else "indirect"


def union(parts: Iterable[Influences]) -> Influences:
    """All of them."""
    return frozenset().union(*parts)


def after(outer: str, inner: str) -> str:
    """How something acts on a result when it acts by `inner` on what acts by `outer` on the result."""
    if outer in INDIRECT or inner == "identity":
        return outer
    if inner in INDIRECT or outer == "identity":
        return inner
    return "aggregation" if "aggregation" in (outer, inner) else "transformation"


def through(outer: str, inner: Influences) -> Influences:
    """`inner` as it acts through something that acts by `outer`."""
    return frozenset(Influence(each.table, each.column, after(outer, each.how)) for each in inner)


def plain(influences: Influences) -> dict[str, list[str]]:
    """Influences as JSON keeps them: full names of columns by how they act."""
    found: dict[str, list[str]] = {}
    for how in HOWS:
        names = sorted(f"{each.table}.{each.column}" for each in influences if each.how == how)
        if names:
            found[how] = names
    return found


def of_plain(kept: Mapping[str, Iterable[str]]) -> Influences:
    """The same back."""
    return frozenset(Influence(*split(name), how) for how, names in kept.items() for name in names)


def split(full_name: str) -> tuple[str, str]:
    """Table and column of a full name: feed.invoice.amount; of the policy everything after `policy.` is the key."""
    first, _, rest = full_name.partition(".")
    if first == "policy":
        return first, rest
    table, _, column = rest.partition(".")
    return f"{first}.{table}", column
