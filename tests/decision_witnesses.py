"""Which customer shows that a declared column does change another: found by search, kept in decision_witnesses.json.

Put here: what has to be shown, and the search (`python -m tests.decision_witnesses`, a quarter of an hour; run it when
tests/property/test_decision_lineage.py misses something after a change of decisions, facts or policy). Keep out: the customers
(decision_perturbation.py).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import numpy as np

from risk_pipeline.decision.lineage import Made, declared
from tests.decision_given import CATALOGUE, POLICY
from tests.decision_perturbation import (
    KEYS,
    ROWS,
    Changed,
    Pair,
    book_of,
    changes,
    columns_of_facts,
    inputs_of_frames,
)

FILE = Path(__file__).with_name("decision_witnesses.json")
CUSTOMERS = 1200  # of each seed
SEEDS = 8  # at most
AT_ONCE = 20_000  # customers decided at once
Place = tuple[str, str]  # table, column
Shown = tuple[str, Place]  # a fact or the full name of a column, and what it changes


@cache
def made() -> Mapping[Place, Made]:
    """What is declared under the shipped policy, by table and column."""
    return {(name, column): each for name, columns in declared(POLICY, CATALOGUE).items() for column, each in columns.items()}


@cache
def reached(place: Place) -> frozenset[str]:
    """The facts and columns of histories behind a column, through other columns."""
    found: set[str] = set()
    for source in made()[place].sources:
        if source.kind in ("fact", "history"):
            found.add(source.name)
        elif source.kind == "column":
            found |= reached(place_of(source.name))
    return frozenset(found)


def place_of(full_name: str) -> Place:
    """Table and column of a full name."""
    table, _, column = full_name.rpartition(".")
    return table, column


@cache
def varied() -> tuple[str, ...]:
    """The facts and columns of histories that get other values."""
    return (*(name for name in columns_of_facts() if name != "customer_id"), *inputs_of_frames())


@cache
def to_show() -> frozenset[Shown]:
    """Every declared source of a column that is a fact, a column of a history, or a column of the pass that facts change."""
    facts = {
        (source.name, place)
        for place, each in made().items()
        for source in each.sources
        if source.name in varied() or (source.kind == "column" and reached(place_of(source.name)))
    }
    return frozenset(facts)


def shown(pairs: list[Pair], found: Changed) -> dict[int, set[Shown]]:
    """By number of the pair what it shows. Where a row comes or goes, so does the value of each of its columns."""
    moved = {name: flags for (name, column), flags in found.items() if column == ROWS and name in KEYS}
    at = {place: flags | moved.get(place[0], False) for place, flags in found.items()}
    result: dict[int, set[Shown]] = {}
    for place, each in made().items():
        for number in np.flatnonzero(at[place]):
            result.setdefault(int(number), set()).add((pairs[number][1], place))
        for source in each.sources:
            if source.kind == "column":
                for number in np.flatnonzero(at[place] & at[place_of(source.name)]):
                    result[int(number)].add((source.name, place))
    return {number: said & to_show() for number, said in result.items()}


def search(seeds: Iterable[int]) -> tuple[dict[str, list[list[object]]], set[Shown]]:
    """Few pairs, by seed, that show all there is to show, and what none of them shows."""
    left, kept = set(to_show()), {}
    for seed in seeds:
        names = [name for name in varied() if any(source == name for source, _ in left)]
        if not names:
            break
        pairs = [(row, name) for name in names for row in range(CUSTOMERS)]
        book, said = book_of(seed, CUSTOMERS), {}
        for start in range(0, len(pairs), AT_ONCE):
            part = pairs[start : start + AT_ONCE]
            said |= {start + number: each for number, each in shown(part, changes(book, part, seed)).items() if each & left}
        chosen: list[Pair] = []
        while said:
            best = max(said, key=lambda number: len(said[number] & left))
            if not said[best] & left:
                break
            left -= said.pop(best)
            chosen.append(pairs[best])
        kept[str(seed)] = [list(pair) for pair in sorted(chosen)]
        print(f"seed {seed}: {len(names)} facts tried, {len(chosen)} customers kept, {len(left)} to show", flush=True)
    return kept, left


if __name__ == "__main__":
    witnesses, missing = search(range(1, SEEDS + 1))
    lines = (f'  "{seed}": {json.dumps(pairs)}' for seed, pairs in witnesses.items() if pairs)
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for source, (table, column) in sorted(missing):
        print(f"not shown: {source} -> {table}.{column}")
    sys.exit(bool(missing))
