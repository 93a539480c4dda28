"""The contract of a staged table, asked in SQL over its Parquet file.

Put here: the rules that follow from a column's declaration (schema, required, closed lists, key, finiteness, run constants).
Keep out: rules about what a number means (suites/*.yaml), rules between tables (reconciliation.py), and pandas: the same rules
in DuckDB cost 0.1 s for a million rows, and nothing of the table is copied into this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from risk_pipeline.contracts.table import DUCKDB_TYPE, Column, Kind, Table
from risk_pipeline.gates.results import GateResult, sql_name, sql_text

SCHEMA = "contract_schema"
KEY = "contract_key"
ROW_RULES = ("contract_required", "contract_values", "contract_finite", "contract_run")
CHECK_NAMES = (SCHEMA, KEY, *ROW_RULES)
DESCRIBES = {
    SCHEMA: "the columns have the declared names, order and types",
    KEY: "the primary key is unique",
    "contract_required": "required columns hold no NULL",
    "contract_values": "columns with a closed list hold nothing else",
    "contract_finite": "no number is infinite or NaN",
    "contract_run": "as_of and run_id are those of this run in every row",
}


@dataclass(frozen=True)
class _RowRule:
    """A predicate that is true on a broken row. `says` completes the sentence "<column> ... in n rows"."""

    check_name: str
    column: str
    broken: str
    says: str


def check_contract(con: duckdb.DuckDBPyConnection, table: Table, path: Path, as_of: date, run_id: str) -> list[GateResult]:
    """Every rule of `table` on the staged file `path`: one GateResult per name in CHECK_NAMES, all of severity error.

    One aggregate query answers all rules; only a broken one costs another query, for its example key. A file that cannot be
    read or has another schema fails every rule, because the others cannot be asked.
    """
    source = f"read_parquet({sql_text(str(path))})"
    difference = _schema_difference(con, table, source)
    if difference:
        unasked = "not asked, because the schema differs from the contract"
        others = [_result(table, name, 1, unasked) for name in CHECK_NAMES if name != SCHEMA]
        return [_result(table, SCHEMA, 1, difference), *others]
    rules = list(_row_rules(table, as_of, run_id))
    counts, distinct_keys = _counts(con, table, source, rules)
    return [
        _result(table, SCHEMA, 0, f"{len(table.columns)} columns as declared"),
        _key_result(con, table, source, distinct_keys),
        *_row_results(con, table, source, rules, counts),
    ]


def _schema_difference(con: duckdb.DuckDBPyConnection, table: Table, source: str) -> str:
    """'' when names, order and types are the declared ones, else the first few differences."""
    try:
        found = [(row[0], row[1]) for row in con.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    except duckdb.Error as exc:
        return f"the staged file cannot be read: {str(exc).splitlines()[0]}"
    declared = [(column.name, DUCKDB_TYPE[column.kind]) for column in table.columns]
    if found == declared:
        return ""
    have, want = dict(found), dict(declared)
    differences = [f"column {name} is missing" for name in want if name not in have]
    differences += [f"column {name} is not declared" for name in have if name not in want]
    differences += [f"column {n} is {have[n]}, declared {want[n]}" for n in want if have.get(n, want[n]) != want[n]]
    return "; ".join(differences[:5]) or "the columns stand in another order than declared"


def _row_rules(table: Table, as_of: date, run_id: str) -> Iterator[_RowRule]:
    for column in table.columns:
        yield from _column_rules(column, column.name in table.key)
    constants = {"as_of": f"DATE '{as_of.isoformat()}'", "run_id": sql_text(run_id)}
    for name, value in constants.items():
        if name in table:
            yield _RowRule("contract_run", name, f"{sql_name(name)} IS DISTINCT FROM {value}", f"is not {value}")


def _column_rules(column: Column, in_key: bool) -> Iterator[_RowRule]:
    name = sql_name(column.name)
    if column.required or in_key:
        yield _RowRule("contract_required", column.name, f"{name} IS NULL", "is NULL but required")
    if column.values:
        listed = ", ".join(sql_text(value) for value in column.values)
        yield _RowRule("contract_values", column.name, f"{name} NOT IN ({listed})", f"is none of {', '.join(column.values)}")
    if column.kind is Kind.NUMBER:
        yield _RowRule("contract_finite", column.name, f"NOT isfinite({name})", "is infinite or no number")


def _row_results(
    con: duckdb.DuckDBPyConnection, table: Table, source: str, rules: list[_RowRule], counts: list[int]
) -> Iterator[GateResult]:
    broken = [(rule, count) for rule, count in zip(rules, counts, strict=True) if count]
    for name in ROW_RULES:
        mine = [(rule, count) for rule, count in broken if rule.check_name == name]
        says = [
            f"{table.full_name}.{rule.column} {rule.says} in {count} rows, e.g. {_example(con, table, source, rule.broken)}"
            for rule, count in mine
        ]
        asked = sum(rule.check_name == name for rule in rules)
        yield _result(table, name, sum(count for _, count in mine), "; ".join(says) or f"{asked} columns asked")


def _counts(con: duckdb.DuckDBPyConnection, table: Table, source: str, rules: list[_RowRule]) -> tuple[list[int], bool]:
    """How many rows break each rule, and whether all keys are surely distinct: as many hashes of keys as rows."""
    key = ", ".join(sql_name(name) for name in table.key)
    asked = ["count(*)", f"count(DISTINCT hash({key}))", *map(_count, rules)]
    row = con.execute(f"SELECT {', '.join(asked)} FROM {source}").fetchone()
    assert row is not None  # an aggregate without GROUP BY has exactly one row
    return [int(value) for value in row[2:]], row[0] == row[1]


def _count(rule: _RowRule) -> str:
    if rule.check_name == "contract_required":
        return f"count(*) - count({sql_name(rule.column)})"  # answered from the statistics of the file
    return f"count(*) FILTER (WHERE {rule.broken})"  # count_if would be NULL on a column that is all NULL


def _key_result(con: duckdb.DuckDBPyConnection, table: Table, source: str, distinct: bool) -> GateResult:
    """Equal hashes may belong to different keys, so only then the keys themselves are grouped."""
    key = ", ".join(sql_name(name) for name in table.key)
    grouped = f"SELECT {key}, count(*) AS n_rows FROM {source} GROUP BY ALL HAVING count(*) > 1"
    row = None if distinct else con.execute(f"SELECT count(*), sum(n_rows), min({_key_text(table)}) FROM ({grouped})").fetchone()
    n_keys, n_rows, example = row or (0, 0, None)
    if not n_keys:
        return _result(table, KEY, 0, f"unique over {', '.join(table.key)}")
    detail = f"{table.full_name}: key ({', '.join(table.key)}) stands {n_rows} times for {n_keys} keys, e.g. {example}"
    return _result(table, KEY, int(n_rows) - int(n_keys), detail)


def _example(con: duckdb.DuckDBPyConnection, table: Table, source: str, predicate: str) -> str:
    row = con.execute(f"SELECT min({_key_text(table)}) FROM {source} WHERE {predicate}").fetchone()
    return str(row[0]) if row else "none"


def _key_text(table: Table) -> str:
    """SQL text naming one row by its key; as_of is left out unless it is all there is (it is the same in every row)."""
    names = [name for name in table.key if name != "as_of"] or list(table.key)
    return " || ', ' || ".join(f"'{name}=' || coalesce(CAST({sql_name(name)} AS VARCHAR), 'NULL')" for name in names)


def _result(table: Table, name: str, n_failed: int, detail: str) -> GateResult:
    return GateResult(name, table.full_name, "error", n_failed == 0, n_failed, detail)
