"""Planted damage in staged files: every gate catches the case it is there for, says where, and nothing else is needed to see it.

Put here: damage to files that a run has staged. Keep out: how a run reacts (it publishes nothing and exits 3: the tests of
pipeline.run) and the single expectations of the suites (unit/test_gates_suites.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.gates.contracts import CHECK_NAMES, check_contract
from risk_pipeline.gates.reconciliation import RECONCILIATIONS, Stage, reconcile
from risk_pipeline.gates.results import GateResult
from risk_pipeline.gates.run_stage import STAGE_TABLES, audit_stage, declared_checks
from tests.gates_stage import AS_OF, RUN_ID, Rows, stage

Damage = Callable[[Rows], None]
STAGES: tuple[Stage, ...] = ("factor", "decide")
CENT = Decimal("0.01")


def together(*damages: Damage) -> Damage:
    """Several damages at once."""

    def damage(rows: Rows) -> None:
        for each in damages:
            each(rows)

    return damage


def put(name: str, row: int, **values: Any) -> Damage:
    return lambda rows: rows[name][row].update(values)


def drop(name: str, row: int) -> Damage:
    return lambda rows: rows[name].__delitem__(row)


def repeat(name: str, row: int) -> Damage:
    return lambda rows: rows[name].append(dict(rows[name][row]))


CONTRACT_CASES = [
    (
        "contract_key",
        repeat("score.risk_score", 0),
        "score.risk_score",
        "key (as_of, customer_id) stands 2 times",
        "customer_id=C1",
    ),
    (
        "contract_key",
        repeat("score.contribution", 1),
        "score.contribution",
        "1 keys",
        "customer_id=C1, factor=dilution_ratio_12m",
    ),
    (
        "contract_required",
        put("factor.exposure", 1, overdue=None),
        "factor.exposure",
        "factor.exposure.overdue is NULL but required in 1 rows",
        "customer_id=C2",
    ),
    ("contract_required", put("decision.risk_tier", 2, customer_id=None), "decision.risk_tier", "customer_id is NULL", "NULL"),
    (
        "contract_values",
        put("decision.risk_tier", 1, tier="excellent"),
        "decision.risk_tier",
        "tier is none of low, medium, high, restricted, unrated, not_rated in 1 rows",
        "customer_id=C2",
    ),
    (
        "contract_finite",
        put("score.risk_score", 0, score=float("inf")),
        "score.risk_score",
        "score.risk_score.score is infinite or no number in 1 rows",
        "customer_id=C1",
    ),
    ("contract_finite", put("score.contribution", 1, contribution=float("nan")), "score.contribution", "contribution", "C1"),
    (
        "contract_run",
        put("factor.exposure", 0, as_of=date(2026, 5, 31)),
        "factor.exposure",
        "as_of is not DATE '2026-06-30'",
        "C1",
    ),
    ("contract_run", put("factor.open_item", 2, run_id="other"), "factor.open_item", "run_id is not 'run-1'", "invoice_id=I3"),
]


@pytest.mark.parametrize(("rule", "damage", "name", "says", "key"), CONTRACT_CASES)
def test_the_contract_gate_names_table_column_rule_rows_and_key(
    tmp_path: Path, rule: str, damage: Damage, name: str, says: str, key: str
) -> None:
    failed = _failed(check_contract(duckdb.connect(), table(name), stage(tmp_path, damage)[name], AS_OF, RUN_ID))
    assert list(failed) == [rule]
    assert failed[rule].n_failed == 1
    assert failed[rule].blocks
    assert name in failed[rule].detail
    assert says in failed[rule].detail
    assert key in failed[rule].detail


def _overdue_as_double(file: pa.Table) -> pa.Table:
    place = file.column_names.index("overdue")
    return file.set_column(place, "overdue", file["overdue"].cast(pa.float64()))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda t: t.drop_columns(["overdue"]), "column overdue is missing"),
        (lambda t: t.append_column("extra", pa.nulls(len(t), pa.int64())), "column extra is not declared"),
        (_overdue_as_double, "column overdue is DOUBLE, declared DECIMAL(18,2)"),
        (lambda t: t.select(list(reversed(t.column_names))), "another order"),
    ],
)
def test_a_file_with_another_schema_fails_every_rule(tmp_path: Path, change: Callable[[pa.Table], pa.Table], says: str) -> None:
    path = stage(tmp_path)["factor.exposure"]
    pq.write_table(change(pq.read_table(path)), path)
    failed = _failed(check_contract(duckdb.connect(), table("factor.exposure"), path, AS_OF, RUN_ID))
    assert set(failed) == set(CHECK_NAMES)
    assert says in failed["contract_schema"].detail


@pytest.mark.parametrize("content", [b"", b"PAR1 this is no Parquet file PAR1", None])
def test_a_file_that_cannot_be_read_fails_instead_of_raising(tmp_path: Path, content: bytes | None) -> None:
    staged = stage(tmp_path)
    path = staged["factor.exposure"]
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    results = audit_stage(duckdb.connect(), "factor", staged, as_of=AS_OF, run_id=RUN_ID)
    declared = {check.check_name for check in declared_checks("factor") if check.table_name == "factor.exposure"}
    assert {r.check_name for r in results if r.table_name == "factor.exposure" and not r.passed} == declared
    assert not any(r.blocks for r in results if r.table_name == "factor.transaction_history")


RECONCILIATION_CASES: dict[tuple[Stage, str], list[Damage]] = {
    ("factor", "reconcile_row_count"): [drop("factor.transaction_history", 1)],
    ("factor", "reconcile_same_customers"): [
        put("factor.exposure", 2, customer_id="C4"),
        drop("factor.customer_state", 0),
    ],
    ("factor", "reconcile_aging"): [
        put("factor.exposure", 0, open_exposure=Decimal("150.01")),
        put("factor.exposure", 0, aging_1_30=Decimal("99.99")),
        put("factor.exposure", 1, overdue_gross=Decimal(0)),
    ],
    ("factor", "reconcile_items"): [
        drop("factor.open_item", 2),
        put("factor.exposure", 0, overdue=Decimal("99.99")),
        put("factor.exposure", 0, n_open_invoices=3),
        put("factor.exposure", 2, aging_not_due=CENT),
        put("factor.open_item", 0, customer_id="C9"),
    ],
    ("factor", "reconcile_statement_money"): [put("factor.financial_condition", 0, equity_ratio=0.4)],
    ("factor", "reconcile_item_identity"): [
        put("factor.open_item", 0, open_amount=Decimal("100.01")),
        put("factor.open_item", 2, written_off=Decimal(1)),
    ],
    ("factor", "reconcile_item_bucket"): [
        put("factor.open_item", 0, aging_bucket="31_60"),
        put("factor.open_item", 1, days_past_due=5),
    ],
    ("factor", "reconcile_currency_identity"): [
        put("factor.exposure_by_currency", 0, discounts=CENT),
        put("factor.exposure_by_currency", 1, fx_difference=-CENT),
    ],
    ("factor", "reconcile_currency_items"): [
        drop("factor.exposure_by_currency", 1),
        put("factor.open_item", 2, currency="CNY"),
        put("factor.open_item", 1, company_code="2000"),
    ],
    ("decide", "reconcile_row_count"): [drop("mart.current_risk", 2)],
    ("decide", "reconcile_same_customers"): [put("decision.credit_limit", 1, customer_id="C9")],
    ("decide", "reconcile_contributions"): [
        put("score.contribution", 0, contribution=50.24),
        put("score.risk_score", 1, score=None),
        put("score.contribution", 2, customer_id="C3"),
        drop("score.contribution", 1),
    ],
    ("decide", "reconcile_subtotals"): [put("score.risk_score", 0, operational_subtotal=10.0)],
    ("decide", "reconcile_limit_candidates"): [
        put("decision.limit_candidate", 0, candidate_limit=Decimal("499.99")),
        put("decision.limit_candidate", 1, candidate_limit=Decimal("499.99")),
        put("decision.limit_candidate", 1, method="group_cap", kind="cap", candidate_limit=Decimal("499.99")),
        put("decision.limit_candidate", 1, method="raise_cap", kind="cap", candidate_limit=Decimal("499.99")),
        put("decision.credit_limit", 1, limit_reporting=CENT, headroom=Decimal("-9.99")),
    ],
    ("decide", "reconcile_limit_basis"): [
        put("decision.limit_candidate", 0, kind="capacity"),
        put("decision.limit_candidate", 0, is_binding=False),
        put("decision.limit_candidate", 1, is_binding=True),
    ],
    ("decide", "reconcile_limit_binding"): [
        put("decision.limit_candidate", 0, candidate_limit=Decimal("499.99")),
        put("decision.limit_candidate", 0, candidate_limit=Decimal("499.99"), kind="cap", method="dead_band"),
        put("decision.credit_limit", 1, limit_reporting=CENT, headroom=Decimal("-9.99")),
    ],
    ("decide", "reconcile_secured"): [
        put("decision.credit_limit", 0, secured_amount=CENT),
        put("decision.credit_limit", 0, secured_amount=Decimal(0), secured_exposure=CENT),
    ],
    ("decide", "reconcile_limit_exposure"): [
        put("decision.credit_limit", 0, total_exposure=Decimal(149), headroom=Decimal(351)),
        put("decision.credit_limit", 0, headroom=Decimal(351)),
    ],
    ("decide", "reconcile_sanctions"): [
        put("factor.due_diligence", 0, sanctions_confirmed=1),
        put("factor.due_diligence", 1, sanctions_unreviewed=1),
    ],
    ("decide", "reconcile_hold_and_raise"): [
        together(
            put("decision.treatment", 0, action="raise_limit_offer", treatment_id="raise_limit_offer:C1"),
            put("decision.credit_limit", 0, hold=True),
        ),
    ],
    ("decide", "reconcile_portfolio"): [
        put("mart.portfolio", 0, total_exposure=Decimal(159)),
        put("mart.portfolio", 1, total_exposure=Decimal(161)),
    ],
    ("decide", "reconcile_worklist"): [
        put("mart.worklist", 0, customer_id="C2"),
        put("decision.treatment", 0, state="done"),
    ],
    ("decide", "reconcile_mart"): [
        put("mart.current_risk", 0, tier="low"),
        put("mart.current_risk", 1, overdue=Decimal(0)),
        put("mart.current_risk", 0, score=None),
    ],
}


@pytest.mark.parametrize(
    ("at", "rule", "damage"),
    [
        pytest.param(at, rule, damage, id=f"{at}-{rule}-{number}")
        for (at, rule), damages in RECONCILIATION_CASES.items()
        for number, damage in enumerate(damages)
    ],
)
def test_a_reconciliation_catches_its_damage(tmp_path: Path, at: Stage, rule: str, damage: Damage) -> None:
    failed = _failed(reconcile(duckdb.connect(), stage(tmp_path, damage), at))
    assert rule in failed
    assert failed[rule].n_failed >= 1
    assert "e.g. " in failed[rule].detail


def test_every_reconciliation_has_a_case_it_catches() -> None:
    assert set(RECONCILIATION_CASES) == {(rule.stage, rule.name) for rule in RECONCILIATIONS}


@pytest.mark.parametrize("at", STAGES)
def test_a_reconciliation_of_good_tables_passes(tmp_path: Path, at: Stage) -> None:
    assert _failed(reconcile(duckdb.connect(), stage(tmp_path), at)) == {}


def test_a_reconciliation_without_its_tables_fails_and_says_which(tmp_path: Path) -> None:
    staged = stage(tmp_path)
    del staged["factor.open_item"]
    failed = _failed(reconcile(duckdb.connect(), staged, "factor"))
    assert "factor.open_item is not staged" in failed["reconcile_items"].detail


@pytest.mark.parametrize("at", STAGES)
def test_a_good_stage_passes_and_reports_exactly_the_declared_checks(tmp_path: Path, at: Stage) -> None:
    seconds: dict[str, float] = {}
    results = audit_stage(duckdb.connect(), at, stage(tmp_path), as_of=AS_OF, run_id=RUN_ID, seconds=seconds)
    assert [(r.check_name, r.table_name, r.detail) for r in results if not r.passed] == []
    assert [(r.check_name, r.table_name, r.severity) for r in results] == [
        (c.check_name, c.table_name, c.severity) for c in declared_checks(at)
    ]
    feeds = {"feeds"} if at == "factor" else set()
    assert set(seconds) == {"contracts", "reconciliation", "expectations_import", "expectations"} | feeds


@pytest.mark.parametrize("at", STAGES)
def test_names_of_checks_are_unique_within_their_table_and_plain(at: Stage) -> None:
    names = [(check.table_name, check.check_name) for check in declared_checks(at)]
    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() for _, name in names)


def test_a_warning_does_not_block(tmp_path: Path) -> None:
    """Most customers on hold is worth a word, not a refusal."""

    def hold_most(rows: Rows) -> None:
        for name in ("decision.credit_limit", "mart.current_risk"):
            for row in rows[name][:2]:
                row["hold"] = True

    failed = _failed(audit_stage(duckdb.connect(), "decide", stage(tmp_path, hold_most), as_of=AS_OF, run_id=RUN_ID))
    assert set(failed) == {"suite_hold_share"}
    assert not failed["suite_hold_share"].blocks


@pytest.mark.parametrize("name", STAGE_TABLES["decide"])
def test_a_table_that_was_not_staged_blocks(tmp_path: Path, name: str) -> None:
    staged = stage(tmp_path)
    del staged[name]
    results = audit_stage(duckdb.connect(), "decide", staged, as_of=AS_OF, run_id=RUN_ID)
    assert not any(r.passed for r in results if r.table_name == name)
    assert any(r.blocks for r in results if r.table_name == name)


@pytest.mark.parametrize("at", STAGES)
def test_a_stage_without_any_customer_is_refused(tmp_path: Path, at: Stage) -> None:
    def empty(rows: Rows) -> None:
        for entries in rows.values():
            entries.clear()

    failed = _failed(audit_stage(duckdb.connect(), at, stage(tmp_path, empty), as_of=AS_OF, run_id=RUN_ID))
    assert failed["reconcile_row_count"].blocks
    assert failed["suite_row_count"].blocks


def _failed(results: list[GateResult]) -> dict[str, GateResult]:
    return {result.check_name: result for result in results if not result.passed}
