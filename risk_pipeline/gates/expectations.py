"""Great Expectations suites on staged tables, kept as data of ours in suites/<layer>.<table>.yaml.

Put here: how a suite is read, checked against the contract, run, and its answers cast. Keep out: the expectations themselves
(the YAML files) and rules that SQL answers better (contracts.py, reconciliation.py).

great_expectations takes 6-8 s and 270 MB to import, so it is imported inside the function that runs a suite. What is known
about it (measured on 1.24): ids in its own suite files are random, hence our YAML; an expectation that could not be computed
comes back as success=False with the exception hidden in `exception_info`; results may be numpy scalars; COMPLETE and SUMMARY
results, and BASIC with its default, carry raw cell values, which do not belong in a check result.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import yaml

from risk_pipeline.contracts.table import Kind, Table
from risk_pipeline.gates.results import GateResult, Severity, sql_name, sql_text

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.data_context import EphemeralDataContext

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
COLUMN_ARGUMENTS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class SuiteRule:
    """One expectation: `expect` is Great Expectations' own name for it, `args` its arguments, `why` what a failure means."""

    name: str
    expect: str
    args: Mapping[str, Any]
    severity: Severity
    why: str

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.args[key] for key in COLUMN_ARGUMENTS if key in self.args)


def suite_tables() -> list[str]:
    """Full names of the tables that have a suite, sorted."""
    files = resources.files(__package__).joinpath("suites").iterdir()
    return sorted(entry.name.removesuffix(".yaml") for entry in files if entry.name.endswith(".yaml"))


@cache
def load_suite(table: Table) -> tuple[SuiteRule, ...]:
    """The suite of `table`, checked against its contract. ValueError when the YAML and the contract do not fit."""
    text = resources.files(__package__).joinpath("suites", f"{table.full_name}.yaml").read_text(encoding="utf-8")
    rules = tuple(SuiteRule(**{"severity": "error", "args": {}, **entry}) for entry in yaml.safe_load(text))
    names = [rule.name for rule in rules]
    if len(set(names)) != len(names):
        raise ValueError(f"suite of {table.full_name}: a name is used twice")
    for rule in rules:
        _check_rule(table, rule)
    return rules


def suite_frame(con: duckdb.DuckDBPyConnection, table: Table, path: Path) -> pd.DataFrame:
    """The columns of the staged file `path` that the suite of `table` names, as a light numpy-backed frame.

    Money, rates and integers come as float64, exact up to 2^53 (cents), because only ranges are asked here: object Decimals are
    slow, and on pandas' nullable Int64 Great Expectations compares value by value in Python.
    """
    named = {name for rule in load_suite(table) for name in rule.columns}
    numbers = {column.name for column in table.columns if column.kind in (Kind.MONEY, Kind.RATE, Kind.INTEGER)}
    columns = [
        f"CAST({sql_name(name)} AS DOUBLE) AS {sql_name(name)}" if name in numbers else sql_name(name)
        for name in table.column_names
        if name in named
    ]
    return con.execute(f"SELECT {', '.join(columns)} FROM read_parquet({sql_text(str(path))})").df()


def prepare() -> None:
    """Import great_expectations and make the context of this process; free when it was done before."""
    with _silenced():
        _context()


def run_suite(table: Table, frame: pd.DataFrame) -> list[GateResult]:
    """Every expectation of the suite of `table` on `frame` (see suite_frame), one GateResult each, in the suite's order.

    An expectation that raised counts as failed with its message, whatever `success` says. All go through one validator, so
    that Great Expectations computes a metric they share once.
    """
    rules = load_suite(table)
    with _silenced():
        answers = _validate(table.full_name, rules, frame)
    return [_gate_result(table, rule, answers.get(rule.name)) for rule in rules]


def _check_rule(table: Table, rule: SuiteRule) -> None:
    where = f"suite of {table.full_name}, {rule.name}"
    if rule.severity not in ("error", "warn"):
        raise ValueError(f"{where}: severity is error or warn, not {rule.severity}")
    for name in rule.columns:
        if name not in table:
            raise ValueError(f"{where}: the contract has no column {name}")
        if table.column(name).field.sensitivity == "personal":
            raise ValueError(f"{where}: {name} is personal and stays out of check results")


@contextmanager
def _silenced() -> Iterator[None]:
    """great_expectations 1.24 warns about its own imports (sre_constants) and its own use of pandas: nothing we can mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@cache
def _context() -> EphemeralDataContext:
    """One context per process, in memory, that sends nothing and draws no progress bars."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _validate(name: str, rules: Iterable[SuiteRule], frame: pd.DataFrame) -> dict[str, Any]:
    """Great Expectations' result of each rule, by the rule's name (it returns them in an order of its own)."""
    context = _context()
    from great_expectations import expectations as gxe
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.validator.validator import Validator

    built = [
        getattr(gxe, "".join(part.capitalize() for part in rule.expect.split("_")))(**rule.args, meta={"name": rule.name})
        for rule in rules
    ]
    # A data source of the context is written out as YAML at every step of its life, and keeps the frame: a third of the time.
    validator = Validator(PandasExecutionEngine(batch_data_dict={name: frame}), data_context=context)
    outcome = validator.graph_validate([each.configuration for each in built], {"result_format": dict(COUNTS_ONLY)})
    named = [(result.expectation_config, result) for result in outcome]
    return {config.meta["name"]: result for config, result in named if config is not None and config.meta}


def _gate_result(table: Table, rule: SuiteRule, answer: Any) -> GateResult:
    def result(passed: bool, n_failed: int, detail: str) -> GateResult:
        return GateResult(rule.name, table.full_name, rule.severity, passed, n_failed, detail)

    asked = f"{rule.expect} {dict(rule.args)}"
    if answer is None:
        return result(False, 1, f"{asked}: no answer came back")
    raised = _exception(answer.exception_info)
    if raised:
        return result(False, 1, f"{asked}: could not be asked: {raised}")
    passed = bool(answer.success)
    found = answer.result.get("observed_value")
    if found is not None:
        return result(passed, int(not passed), asked if passed else f"{rule.why}: {asked}, found {found}")
    n_failed = int(answer.result.get("unexpected_count", 0))
    share = f"{n_failed} of {int(answer.result.get('element_count', 0))} rows"
    return result(passed, n_failed, asked if passed else f"{rule.why}: {asked} fails in {share}")


def _exception(info: Mapping[str, Any]) -> str:
    """The first exception message in `exception_info`, which is flat, or keyed by metric when a metric raised; '' for none."""
    for entry in [info] if "raised_exception" in info else info.values():
        if entry["raised_exception"]:
            return str(entry["exception_message"] or "no message").strip().splitlines()[0][:200]
    return ""
