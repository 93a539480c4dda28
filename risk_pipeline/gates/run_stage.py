"""All gates of one stage of a run, in one call.

Put here: which tables a stage writes, the order contracts -> reconciliation -> feeds -> suites, and the list of checks known
before anything runs (Dagster wants it at definition time). Keep out: the rules themselves and what to do about a failure
(pipeline.run stores the results and refuses to publish).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from risk_pipeline.contracts import table as table_of
from risk_pipeline.gates import contracts, control_totals, cross_feed, duties, expectations, reconciliation
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.reconciliation import Stage
from risk_pipeline.gates.results import GateResult, Severity

STAGE_TABLES: Mapping[Stage, tuple[str, ...]] = {
    "factor": (
        "factor.customer_state",
        "factor.people_decision",
        "factor.financial_condition",
        "factor.due_diligence",
        "factor.credit_record",
        "factor.industry_region",
        "factor.market_environment",
        "factor.contract_collateral",
        "factor.open_item",
        "factor.exposure",
        "factor.exposure_by_currency",
        "factor.collateral_item",
        "factor.collateral",
        "factor.transaction_history",
        "factor.behaviour",
        "factor.newest_event",
        "factor.group_state",
    ),
    "decide": (
        "score.risk_score",
        "score.contribution",
        "decision.risk_tier",
        "decision.credit_limit",
        "decision.limit_candidate",
        "decision.alert",
        "decision.treatment",
        "decision.review",
        "mart.current_risk",
        "mart.worklist",
        "mart.portfolio",
    ),
}


@dataclass(frozen=True)
class DeclaredCheck:
    """A check that audit_stage will report, known without any data. A duty is an error where the policy says so."""

    check_name: str
    table_name: str
    severity: Severity
    describes: str


def audit_stage(
    con: duckdb.DuckDBPyConnection,
    stage: Stage,
    staged: Mapping[str, Path],
    *,
    as_of: date,
    run_id: str,
    seen: FeedsSeen | None = None,
    decided: duties.DutyFacts | None = None,
    seconds: dict[str, float] | None = None,
) -> list[GateResult]:
    """Ask every gate of `stage` about the staged files, given by full table name; exactly the checks of declared_checks.

    `staged` holds the tables of the stage and, for "decide", those of "factor" as well: decisions are reconciled with the
    exposure behind them. A table that is missing fails its checks. `seen`: the feeds behind the factors, which `con` has as
    views; None = none was delivered. `decided`: who decided what the run rests on. `seconds` receives the wall time of each part
    (contracts, reconciliation, feeds, expectations_import, expectations).
    """
    clock = {} if seconds is None else seconds
    results: list[GateResult] = []
    with _timed(clock, "contracts"):
        for name in STAGE_TABLES[stage]:
            results += _contract_results(con, name, staged, as_of, run_id)
    with _timed(clock, "reconciliation"):
        results += reconciliation.reconcile(con, staged, stage)
    if stage == "factor":
        with _timed(clock, "feeds"):
            results.append(control_totals.check_control_totals(con, seen))
            results += cross_feed.check_cross_feed(con, seen, staged)
            results += duties.check_duties(con, decided)
    with _timed(clock, "expectations_import"):
        expectations.prepare()
    with _timed(clock, "expectations"):
        for name in _suite_tables(stage):
            results += _suite_results(con, name, staged)
    return results


def declared_checks(stage: Stage) -> list[DeclaredCheck]:
    """The checks of `stage` in the order audit_stage reports them. Imports neither great_expectations nor Dagster."""
    checks = [
        DeclaredCheck(name, table, "error", contracts.DESCRIBES[name])
        for table in STAGE_TABLES[stage]
        for name in contracts.CHECK_NAMES
    ]
    checks += [
        DeclaredCheck(rule.name, rule.table_name, rule.severity, rule.says)
        for rule in reconciliation.RECONCILIATIONS
        if rule.stage == stage
    ]
    if stage == "factor":
        checks.append(DeclaredCheck(control_totals.NAME, control_totals.TABLE, "error", control_totals.DESCRIBES))
        checks += [DeclaredCheck(each.name, each.table_name, "warn", each.says) for each in cross_feed.CHECKS]
        checks += [
            DeclaredCheck(duties.check_name(rule.name), duties.TABLE, "warn", f"not so: {rule.en}") for rule in duties.RULES
        ]
    for table in _suite_tables(stage):
        checks += [DeclaredCheck(r.name, table, r.severity, r.why) for r in expectations.load_suite(table_of(table))]
    return checks


def _suite_tables(stage: Stage) -> list[str]:
    with_suite = set(expectations.suite_tables())
    return [name for name in STAGE_TABLES[stage] if name in with_suite]


def _contract_results(
    con: duckdb.DuckDBPyConnection, name: str, staged: Mapping[str, Path], as_of: date, run_id: str
) -> list[GateResult]:
    if name not in staged:
        return [GateResult(check, name, "error", False, 1, f"{name} is not staged") for check in contracts.CHECK_NAMES]
    return contracts.check_contract(con, table_of(name), staged[name], as_of, run_id)


def _suite_results(con: duckdb.DuckDBPyConnection, name: str, staged: Mapping[str, Path]) -> list[GateResult]:
    table = table_of(name)
    rules = expectations.load_suite(table)
    if name not in staged:
        return [GateResult(rule.name, name, rule.severity, False, 1, f"{name} is not staged") for rule in rules]
    try:
        frame = expectations.suite_frame(con, table, staged[name])
    except duckdb.Error as exc:
        reason = f"could not be asked: {str(exc).splitlines()[0]}"
        return [GateResult(rule.name, name, rule.severity, False, 1, reason) for rule in rules]
    return expectations.run_suite(table, frame)


@contextmanager
def _timed(clock: dict[str, float], part: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    clock[part] = time.perf_counter() - start
