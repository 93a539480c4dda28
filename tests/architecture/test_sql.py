"""The factor SQL passes its lint."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.engine.factors import FACTOR_ORDER, LEDGER, LEDGER_STEPS, RANGE_STEPS, STEPS_OF
from risk_pipeline.engine.sql_lint import lint_folder
from risk_pipeline.orchestration.dependencies import direct_sources


def test_factor_sql_is_portable_and_deterministic(repo_root: Path) -> None:
    folder = repo_root / "risk_pipeline" / "factors"
    assert list(folder.rglob("*.sql")), "there is factor SQL to look at"
    assert [str(finding) for finding in lint_folder(folder)] == []


@pytest.mark.parametrize("table", FACTOR_ORDER)
def test_the_engine_prepares_the_steps_a_table_reads_and_no_other(table: str) -> None:
    of_ledger = {*RANGE_STEPS, *LEDGER_STEPS, "terms"}

    def read(name: str) -> set[str]:
        found = {source.removeprefix("step.") for source in direct_sources(name) if source.startswith("step.")}
        return found.union(*(read(f"step.{step}") for step in found - of_ledger))

    expected = read(f"factor.{table}")
    assert ({*STEPS_OF[table]} - {LEDGER, "fx"}) == expected - of_ledger - {"fx"}
    assert (LEDGER in STEPS_OF[table]) == bool(expected & of_ledger)
