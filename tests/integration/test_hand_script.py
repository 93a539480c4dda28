"""Two implementations of the same definitions agree: the pipeline and the bench's hand-written script, on every customer.

The script has a plan of its own (other joins, other groupings), so a slip in one of them shows. It is no independent
reading of the definitions: its author knew factors/*.sql, and where the contracts leave a choice it follows the
pipeline. Independent figures are the hand computation of the IBM ledger and the golden cases.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from bench import evidence_script, hand_script
from bench.compare import compare, with_evidence
from bench.data import AS_OF, NOW, REPORTING, ingest_all, widen
from risk_pipeline.demo.bulk import generate_bulk
from risk_pipeline.demo.bulk_evidence import generate_evidence
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 customers, three currencies, two company codes, unapplied and returned payments, disputes, write-offs."""
    root = tmp_path_factory.mktemp("ledger")
    generate_bulk(root, 300, last_month_end=AS_OF, fmt="parquet")
    widen(root)
    ingest_all(root)
    return root


@pytest.mark.parametrize("as_of", [AS_OF, date(2026, 9, 17)], ids=["month end", "any day"])
def test_pipeline_and_hand_script_agree_on_every_customer(ledger: Path, tmp_path: Path, as_of: date) -> None:
    space = Workspace.load(ledger)
    outcome = assess(space, Register.open(space.register_url), as_of=as_of, now=NOW)
    hand_script.main(space.lake / "feed", tmp_path, as_of, REPORTING)
    assert outcome.rows["score.risk_score"] == 300
    assert compare(ledger, outcome.run_id, tmp_path, as_of) == []


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 customers of the same kind with evidence in every evidence feed."""
    root = tmp_path_factory.mktemp("dossier")
    generate_bulk(root, 300, last_month_end=AS_OF, fmt="parquet")
    widen(root)
    generate_evidence(root, last_month_end=AS_OF)
    ingest_all(root)
    return root


@pytest.mark.parametrize("as_of", [AS_OF, date(2026, 9, 17)], ids=["month end", "any day"])
def test_they_agree_with_evidence_too(dossier: Path, tmp_path: Path, as_of: date) -> None:
    """All factor tables, points, contributions, tiers and limits of four scorecards, in this order of dates.

    The earlier date comes second, so that no assessment is before it: the script knows no past.
    """
    space = Workspace.load(dossier)
    outcome = assess(space, Register.open(space.register_url), as_of=as_of, now=NOW)
    evidence_script.main(space.lake / "feed", tmp_path, as_of, REPORTING)
    assert compare(dossier, outcome.run_id, tmp_path, as_of, with_evidence()) == []
    assert {"corporate", "small", "sole"} <= segments(dossier)


def segments(root: Path) -> set[str]:
    with duckdb.connect(Workspace.load(root).catalogue, read_only=True) as con:
        return {row[0] for row in con.execute("SELECT DISTINCT segment FROM score.risk_score").fetchall()}
