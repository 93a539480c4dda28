"""Two implementations of the same definitions agree: the pipeline and the bench's hand-written scripts, on every customer.

A script has a plan of its own (other joins, other groupings, decisions in SQL), so a slip in one of them shows. It is no
independent reading of the definitions: its author knew factors/*.sql, and where the contracts leave a choice it follows the
pipeline. Independent figures are the hand computation of the IBM ledger and the golden cases.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from bench import evidence_script, hand_script
from bench.compare import EQUAL, Equal, compare, with_evidence
from bench.data import AS_OF, NOW, REPORTING, widen
from risk_pipeline.demo.bulk import generate_bulk
from risk_pipeline.demo.bulk_evidence import generate_evidence
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register

CUSTOMERS = 300


@dataclass(frozen=True)
class Both:
    """An assessment, and what the script made of the same feeds."""

    root: Path
    run_id: str
    out: Path
    as_of: date

    def differences(self, equal: dict[str, Equal], out: Path | None = None) -> list[str]:
        return compare(self.root, self.run_id, out or self.out, self.as_of, equal)

    def column(self, table: str, column: str) -> set[object]:
        rows = duckdb.execute(f"SELECT DISTINCT {column} FROM '{self.out}/{table}.parquet'").fetchall()
        return {value for (value,) in rows}


def both(root: Path, as_of: date, *, evidence: bool) -> Both:
    space, out = Workspace.load(root), root / f"script-{as_of}"
    outcome = assess(space, Register.open(space.register_url), as_of=as_of, now=NOW)
    script = evidence_script if evidence else hand_script
    script.main(space.lake / "feed", out, as_of, REPORTING)
    return Both(root, outcome.run_id, out, as_of)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Customers with three currencies, two company codes, unapplied and returned payments, disputes, write-offs: taken in.

    Evidence of every kind about them lies beside it. For copies.
    """
    root = tmp_path_factory.mktemp("ledger")
    generate_bulk(root, CUSTOMERS, last_month_end=AS_OF, fmt="parquet")
    widen(root)
    generate_evidence(root, last_month_end=AS_OF)
    Workspace.load(root).warehouse.mkdir()
    take_in(root, hand_script.FEEDS)
    return root


def take_in(root: Path, feeds: Sequence[str]) -> None:
    space = Workspace.load(root)
    with Register.open(space.register_url) as register:
        assert {result.state for result in ingest(space, register, feeds=feeds, now=NOW)} == {"effective"}


@pytest.fixture(scope="module")
def month_end(ledger: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """With all the evidence."""
    root = Path(shutil.copytree(ledger, tmp_path_factory.mktemp("evidence") / "w"))
    take_in(root, sorted({path.stem for path in (root / "feeds").iterdir()} - {*hand_script.FEEDS}))
    return both(root, AS_OF, evidence=True)


def test_they_agree_on_a_ledger_alone(ledger: Path, tmp_path: Path) -> None:
    """Exposure, history, score and decisions of everybody, where nothing but the ledger is known."""
    found = both(Path(shutil.copytree(ledger, tmp_path / "w")), AS_OF, evidence=False)
    assert found.differences(EQUAL) == []
    assert found.column("tier", "segment") == {"ledger"}
    assert found.column("score", "count(*)") == {CUSTOMERS}


def test_they_agree_with_evidence(month_end: Both) -> None:
    """All factor tables, points and contributions of three scorecards, security and decisions."""
    assert month_end.differences(with_evidence()) == []
    assert {"corporate", "small", "sole"} <= month_end.column("tier", "segment")
    assert {"low", "medium", "high", "restricted", "unrated"} <= month_end.column("tier", "tier")
    assert {"sales_balance", "hard_stop", "tier_cap", "no_basis"} <= month_end.column("credit_limit", "binding_method")


def test_they_agree_on_any_day(month_end: Both) -> None:
    """The earlier date comes second, so that no assessment is before it: the script knows no past."""
    assert both(month_end.root, date(2026, 9, 17), evidence=True).differences(with_evidence()) == []


def test_the_comparison_notices_a_cent_and_a_missing_row(month_end: Both, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(month_end.out, out)
    cent = "headroom + CASE WHEN customer_id = 'C00000007' THEN 0.01 ELSE 0 END"
    change(out, "credit_limit", f"SELECT * REPLACE ({cent} AS headroom)")
    change(out, "alert", "SELECT *", "WHERE rule <> 'A05'")
    headroom, alert, *same = month_end.differences(EQUAL, out)
    assert headroom.startswith("decision.credit_limit.headroom: 1 rows, pipeline / script: C00000007: ")
    assert alert.startswith("decision.alert.here: ")
    assert alert.endswith("A05: true / NULL")
    assert {each.partition(":")[0] for each in same} == {"decision.alert.severity", "decision.alert.due_date"}


def change(out: Path, table: str, select: str, where: str = "") -> None:
    path, changed = out / f"{table}.parquet", out / "changed.parquet"
    duckdb.execute(f"COPY ({select} FROM '{path}' {where}) TO '{changed}' (FORMAT parquet)")
    changed.replace(path)
