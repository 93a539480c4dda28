"""Column lineage of the factor SQL holds: what other values of a feed column change comes from that column.

Each feed has rows (tests/every_feed.py); a column of one gets other values, and every factor table is computed again by the real
engine. A few columns a day in the tests; `python -m tests.property.test_sql_lineage` tries every column of every feed.
"""

from __future__ import annotations

import random
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.contracts.table import Column as Declared
from risk_pipeline.contracts.table import Kind
from risk_pipeline.engine.factors import FACTOR_ORDER
from risk_pipeline.lineage.columns import Column
from risk_pipeline.lineage.sql import Relation
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.pipeline.sql_lineage import relations
from tests.decision_given import POLICY
from tests.every_feed import Row, rows_of_every_feed
from tests.ledger_case import LedgerCase

Tables = dict[str, list[dict[str, Any]]]
SEED = 3
TRIED = (("invoice", "amount"), ("due_diligence_finding", "review_state"))  # one that is added up, one that chooses


def compute(rows: list[Row]) -> Tables:
    with tempfile.TemporaryDirectory() as folder:
        case = LedgerCase(Path(folder))
        for feed, values in rows:
            case.add(feed, **values)
        return case.factors(threads=1)


def with_other_values(rows: list[Row], feed: str, name: str, rng: random.Random) -> list[Row]:
    """The values of a column dealt out anew, many of them changed."""
    declared = table(f"feed.{feed}").column(name)
    dealt = [values.get(name) for each, values in rows if each == feed]
    rng.shuffle(dealt)
    others = iter([other(declared, value, rng) for value in dealt])
    return [(each, {**values, name: next(others)}) if each == feed else (each, values) for each, values in rows]


def other(declared: Declared, value: Any, rng: random.Random) -> Any:
    if value is None or declared.values:
        return value
    if declared.kind is Kind.MONEY:
        return round(float(value) * rng.choice([0.3, 1, 2]), 2)
    if declared.kind is Kind.DATE:
        return value + timedelta(rng.choice([-40, -3, 0, 3, 20]))
    if declared.kind is Kind.FLAG:
        return not value
    if declared.kind is Kind.INTEGER:
        return max(0, value + rng.choice([-1, 0, 1]))
    return value * rng.choice([0.5, 1, 1.5]) if declared.kind in (Kind.NUMBER, Kind.RATE) else value


def changed(one: Tables, two: Tables) -> set[Column]:
    """The columns that differ, rows matched by their key; where there are other rows, the first column of the key."""
    found: set[Column] = set()
    for name in FACTOR_ORDER:
        contract = table(f"factor.{name}")
        key = [each for each in contract.key if each not in ("as_of", "run_id")]
        before, after = ({tuple(row[each] for each in key): row for row in tables[name]} for tables in (one, two))
        both = before.keys() & after.keys()
        columns = {column for at in both for column in before[at] if differ(before[at][column], after[at][column])}
        if before.keys() != after.keys():
            columns |= {key[0]}
        found |= {Column(contract.full_name, column) for column in columns}
    return found


def differ(one: Any, two: Any) -> bool:
    return bool(one != two and not (one != one and two != two))


def beyond(feed: str, name: str) -> set[Column]:
    """What lineage says comes from a column of a feed."""
    return set(column_lineage(POLICY).beyond(Column(f"feed.{feed}", name)))


@pytest.fixture(scope="module")
def before() -> Tables:
    return compute(rows_of_every_feed(SEED))


@pytest.mark.parametrize(("feed", "name"), TRIED)
def test_what_other_values_change_comes_from_that_column(feed: str, name: str, before: Tables) -> None:
    after = compute(with_other_values(rows_of_every_feed(SEED), feed, name, random.Random(f"{feed}.{name}")))
    found = changed(before, after)
    assert found, "other values change something"
    assert found - beyond(feed, name) == set()


def test_keys_worked_out_of_the_sql_hold(tmp_path: Path) -> None:
    """Else a LEFT JOIN would repeat rows, and influence more than lineage says. Terms have a version for each day, not one."""
    case = LedgerCase(tmp_path)
    for feed, values in rows_of_every_feed(SEED):
        case.add(feed, **values)
    with case.computed() as con:
        known: dict[str, Relation] = {name: each for name, each in relations().items() if name.startswith(("step.", "factor."))}
        tables = con.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        there = {f"{schema}.{name}" for schema, name in tables}
        asked = [(name, key) for name, each in known.items() if name in there for key in each.keys if name != "step.terms"]
        assert len(asked) > 20
        for name, key in asked:
            columns = ", ".join(sorted(key)) or "1"
            whole = " AND ".join(f"{each} IS NOT NULL" for each in sorted(key)) or "TRUE"
            twice = con.execute(f"SELECT {columns} FROM {name} WHERE {whole} GROUP BY ALL HAVING COUNT(*) > 1").fetchall()
            assert twice == [], (name, key)
        overlapping = (
            "SELECT a.terms_code FROM step.terms AS a JOIN step.terms AS b ON a.terms_code = b.terms_code"
            " WHERE a.valid_from < b.valid_from AND (a.valid_until IS NULL OR a.valid_until > b.valid_from)"
        )
        assert con.execute(overlapping).fetchall() == [], "one version of terms at a day"


if __name__ == "__main__":
    rows = rows_of_every_feed(SEED)
    tables = compute(rows)
    for each in FEED_TABLES:
        for column in each.columns:
            if column.name not in each.key:
                dealt = with_other_values(rows, each.name, column.name, random.Random(f"{each.name}.{column.name}"))
                found = changed(tables, compute(dealt))
                print(each.name, column.name, len(found), sorted(map(str, found - beyond(each.name, column.name))), flush=True)
