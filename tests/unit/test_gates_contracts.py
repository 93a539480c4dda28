"""The contract gate: what it says about a good file, and how fast it is. The cases it catches are in faults/test_gates.py."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb
import pytest

from risk_pipeline.contracts import TABLES, table
from risk_pipeline.gates.contracts import CHECK_NAMES, DESCRIBES, check_contract
from risk_pipeline.gates.run_stage import STAGE_TABLES
from tests.gates_stage import AS_OF, RUN_ID, stage

ALL_STAGED = [name for names in STAGE_TABLES.values() for name in names]


@pytest.mark.parametrize("name", ALL_STAGED)
def test_a_good_file_passes_every_rule(tmp_path: Path, name: str) -> None:
    results = check_contract(duckdb.connect(), table(name), stage(tmp_path)[name], AS_OF, RUN_ID)
    assert [result.check_name for result in results] == list(CHECK_NAMES) == list(DESCRIBES)
    assert [(r.check_name, r.detail) for r in results if not r.passed] == []
    assert {r.table_name for r in results} == {name}


def test_every_result_table_of_the_contracts_is_audited_in_some_stage() -> None:
    results = {name for name, spec in TABLES.items() if spec.layer in ("factor", "score", "decision", "mart")}
    assert set(ALL_STAGED) == results


def test_a_million_rows_cost_little_more_than_reading_them(tmp_path: Path) -> None:
    """0.1 s on two free cores; ten times that is allowed here, so that only a change of method fails."""
    name, con = "decision.risk_tier", duckdb.connect()
    good, big = stage(tmp_path)[name], tmp_path / "big.parquet"
    million = f"SELECT * REPLACE ('C' || i AS customer_id) FROM (FROM '{good}' LIMIT 1), range(1000000) AS t(i)"
    con.execute(f"COPY (SELECT * EXCLUDE (i) FROM ({million})) TO '{big}' (FORMAT parquet)")
    start = time.perf_counter()
    results = check_contract(con, table(name), big, AS_OF, RUN_ID)
    seconds = time.perf_counter() - start
    assert all(result.passed for result in results), results
    assert seconds < 1.0
