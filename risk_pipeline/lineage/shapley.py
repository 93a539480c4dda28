"""How a move is shared among its causes: the Shapley value, with causes that can only act after others.

Put here: the arithmetic. Keep out: what the causes are and how a figure is computed with some of them (pipeline.why).

v(S) is the figure when the causes in S have acted. A cause's part is what it adds, averaged over every order in which the causes
may act: L. S. Shapley, A value for n-person games (1953); orders that respect what comes before what: U. Faigle and W. Kern, The
Shapley value for cooperative games under precedence constraints, International Journal of Game Theory 21 (1992). The parts add
up to v(all) - v(none), exactly: they are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import permutations

Coalition = frozenset[str]


def coalitions(causes: Sequence[str], after: Mapping[str, str]) -> list[Coalition]:
    """The sets of causes that may have acted together, smallest first. `after`: cause -> the cause it cannot act without."""
    found = {frozenset(order[:n]) for order in _orders(causes, after) for n in range(len(order) + 1)}
    return sorted(found, key=lambda each: (len(each), sorted(each)))


def shares(causes: Sequence[str], after: Mapping[str, str], value: Callable[[Coalition], int]) -> dict[str, Fraction]:
    """The part of each cause in v(all) - v(none); `value` is asked for the coalitions above only."""
    orders = _orders(causes, after)
    parts = dict.fromkeys(causes, Fraction())
    for order in orders:
        for place, cause in enumerate(order):
            before = frozenset(order[:place])
            parts[cause] += Fraction(value(before | {cause}) - value(before), len(orders))
    return parts


def whole_units(parts: Mapping[str, Fraction], units: int = 1) -> dict[str, int]:
    """The parts in counts of 1/units, which add up to the same sum: the largest rests are rounded up (Hamilton's method).

    The sum of the parts must be a whole number of them; ties go to the first.
    """
    exact = {cause: part * units for cause, part in parts.items()}
    floors = {cause: part.numerator // part.denominator for cause, part in exact.items()}
    missing = sum(exact.values(), Fraction()) - sum(floors.values())
    largest = sorted(exact, key=lambda cause: floors[cause] - exact[cause])
    return {cause: floors[cause] + (cause in largest[: int(missing)]) for cause in parts}


def _orders(causes: Sequence[str], after: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The orders in which each cause follows the one it cannot act without, when that one is among the causes."""
    needed = [(cause, first) for cause, first in after.items() if cause in causes and first in causes]
    return [order for order in permutations(causes) if all(order.index(first) < order.index(cause) for cause, first in needed)]
