"""The Great Expectations suites: they fit the contracts, pass on good rows, and every single expectation can fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from risk_pipeline.contracts import TABLES, table
from risk_pipeline.gates import expectations
from risk_pipeline.gates.expectations import SuiteRule, load_suite, run_suite, suite_frame, suite_tables
from tests.gates_stage import stage


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stage(tmp_path_factory.mktemp("staged"))


def _rules() -> Iterator[tuple[str, SuiteRule]]:
    for name in suite_tables():
        for rule in load_suite(table(name)):
            yield name, rule


def test_every_table_with_one_row_per_customer_has_a_suite() -> None:
    one_per_customer = {
        name
        for name, spec in TABLES.items()
        if spec.layer in ("factor", "score", "decision", "mart") and set(spec.key) <= {"as_of", "customer_id"}
    }
    assert set(suite_tables()) >= one_per_customer


@pytest.mark.parametrize("name", suite_tables())
def test_a_good_table_passes_its_suite(staged: dict[str, Path], name: str) -> None:
    frame = suite_frame(duckdb.connect(), table(name), staged[name])
    results = run_suite(table(name), frame)
    assert [r.check_name for r in results] == [rule.name for rule in load_suite(table(name))]
    assert [(r.check_name, r.detail) for r in results if not r.passed] == []


@pytest.mark.parametrize(("name", "rule"), [pytest.param(n, r, id=f"{n}-{r.name}") for n, r in _rules()])
def test_every_expectation_fails_on_the_damage_it_is_there_for(staged: dict[str, Path], name: str, rule: SuiteRule) -> None:
    frame = _damaged(suite_frame(duckdb.connect(), table(name), staged[name]), rule)
    result = next(r for r in run_suite(table(name), frame) if r.check_name == rule.name)
    assert not result.passed
    assert result.n_failed > 0
    assert result.severity == rule.severity
    assert rule.why in result.detail, "it failed for its own reason, not because it could not be asked"


def _damaged(frame: pd.DataFrame, rule: SuiteRule) -> pd.DataFrame:
    """`frame` with every row made wrong for this rule, by the kind of expectation it is."""
    kind, args = rule.expect, rule.args
    if kind == "expect_table_row_count_to_be_between":
        return frame.iloc[:0]
    if kind == "expect_column_pair_values_a_to_be_greater_than_b":
        dates = frame[args["column_A"]].dtype.kind == "M"
        low, high = (pd.Timestamp("2020-01-01"), pd.Timestamp("2030-01-01")) if dates else (1, 2)
        return frame.assign(**{args["column_A"]: low, args["column_B"]: high})
    wrong: object
    if kind == "expect_column_values_to_be_unique":
        wrong = "C1"
    elif kind == "expect_column_values_to_not_be_null":
        wrong = None
    elif kind == "expect_column_values_to_not_be_in_set":
        wrong = args["value_set"][0]
    elif kind == "expect_column_values_to_be_in_set":
        wrong = True if args["value_set"] == [False] else "nonsense"
    elif kind == "expect_column_value_lengths_to_equal":
        wrong = "DEU"
    elif "min_value" in args:
        wrong = float(args["min_value"]) if args.get("strict_min") else float(args["min_value"]) - 1
    else:
        wrong = float(args["max_value"]) + 1
    return frame.assign(**{args["column"]: pd.Series([wrong] * len(frame), index=frame.index)})


def test_an_infinite_ratio_is_outside_every_range(staged: dict[str, Path]) -> None:
    frame = suite_frame(duckdb.connect(), table("score.risk_score"), staged["score.risk_score"]).assign(score=np.inf)
    assert "suite_score_range" in [r.check_name for r in run_suite(table("score.risk_score"), frame) if not r.passed]


def test_an_expectation_that_cannot_be_computed_fails_with_the_exception(staged: dict[str, Path]) -> None:
    """Great Expectations hides the exception in exception_info; a missing column is the simplest one."""
    frame = suite_frame(duckdb.connect(), table("score.risk_score"), staged["score.risk_score"]).drop(columns="score")
    result = next(r for r in run_suite(table("score.risk_score"), frame) if r.check_name == "suite_score_range")
    assert not result.passed
    assert "could not be asked" in result.detail
    assert "score" in result.detail


def test_results_hold_plain_types_and_no_cell_values(staged: dict[str, Path]) -> None:
    frame = suite_frame(duckdb.connect(), table("decision.risk_tier"), staged["decision.risk_tier"]).assign(tier="a secret")
    results = run_suite(table("decision.risk_tier"), frame)
    assert {(type(r.passed), type(r.n_failed)) for r in results} == {(bool, int)}
    assert not any("a secret" in r.detail for r in results)


def test_a_suite_cannot_name_a_personal_column_or_one_that_does_not_exist() -> None:
    spec = table("factor.customer_state")
    not_null = SuiteRule("x", "expect_column_values_to_not_be_null", {"column": "name"}, "error", "")
    with pytest.raises(ValueError, match="personal"):
        expectations._check_rule(spec, not_null)
    with pytest.raises(ValueError, match="no column nothing"):
        expectations._check_rule(spec, SuiteRule("x", not_null.expect, {"column": "nothing"}, "error", ""))


def test_the_frame_holds_only_the_columns_the_suite_names_and_no_python_objects(staged: dict[str, Path]) -> None:
    frame = suite_frame(duckdb.connect(), table("factor.exposure"), staged["factor.exposure"])
    named = {column for rule in load_suite(table("factor.exposure")) for column in rule.columns}
    assert set(frame.columns) == named
    assert frame["total_exposure"].dtype == np.float64


def test_importing_the_gates_imports_no_great_expectations() -> None:
    code = (
        "import sys, risk_pipeline.gates.run_stage as r; r.declared_checks('factor'); print('great_expectations' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"
