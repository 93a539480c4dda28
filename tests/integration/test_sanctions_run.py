"""From a finding in a database to the published decision and its memo: confirmed, unreviewed, cleared, and known too late."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from risk_pipeline.cli.memo import Memo
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.explain import explain
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, make_small_workspace

FEED = """\
feed: due_diligence_finding
source: {kind: sql, url: "env:FINDINGS_URL", table: finding}
delivery: upsert
columns:
  finding_id:     {from: id}
  customer_id:    {from: customer}
  kind:           {value: sanction}
  published_date: {from: seen}
  review_state:   {from: verdict}
  reviewed_date:  {from: judged}
"""
FIRST = datetime(2025, 1, 2, 12, 0, tzinfo=UTC)
SEEN = "SELECT customer_id, tier, limit_reporting, hold, hold_reasons, payment_terms_days FROM mart.current_risk WHERE as_of = ?"


class World:
    """A small ledger whose findings stand in a database; every ingest happens a day after the one before."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workspace = Workspace.load(make_small_workspace(root / "w"))
        (self.workspace.feeds_dir / "due_diligence_finding.yaml").write_text(FEED, encoding="utf-8")
        monkeypatch.setenv("FINDINGS_URL", f"sqlite:///{root / 'findings.db'}")
        self._database = sqlite3.connect(root / "findings.db")
        self._database.execute("CREATE TABLE finding (id PRIMARY KEY, customer, seen, verdict, judged)")
        self.workspace.warehouse.mkdir()
        self.register = Register.open(self.workspace.register_url)
        self.now = FIRST
        ingest(self.workspace, self.register, feeds=["invoice", "payment"], now=self.now)

    def close(self) -> None:
        self.register.close()
        self._database.close()

    def find(self, number: int, customer: str, seen: date, verdict: str = "unreviewed", judged: date | None = None) -> None:
        row = (str(number), customer, str(seen), verdict, judged and str(judged))
        self._database.execute("INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?)", row)
        self._database.commit()

    def ingest(self) -> None:
        self.now += timedelta(days=1)
        [result] = ingest(self.workspace, self.register, feeds=["due_diligence_finding"], now=self.now)
        assert result.state == "effective", result.message

    def decided(self, known_at: datetime | None = None) -> dict[str, tuple[object, ...]]:
        """What is published about each customer after an assessment of the last day of the ledger."""
        assess(self.workspace, self.register, as_of=DECEMBER, known_at=known_at, now=self.now + timedelta(hours=1))
        with duckdb.connect(str(self.workspace.catalogue), read_only=True) as con:
            return {row[0]: row[1:] for row in con.execute(SEEN, [DECEMBER]).fetchall()}

    def memo(self, customer: str) -> str:
        out = Console(file=io.StringIO(), width=120)
        Memo(out, explain(self.workspace, customer), "en").print()
        return out.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = World(tmp_path, monkeypatch)
    yield made
    made.close()


def test_a_finding_decides_by_what_was_made_of_it_and_the_past_stays_as_it_was_known(world: World) -> None:
    plain = world.decided()
    assert "Sanctions" not in world.memo("C1")

    world.find(1, "C1", date(2024, 12, 1), "confirmed", date(2024, 12, 2))
    world.find(2, "C2", date(2024, 12, 1))
    world.find(3, "C4", date(2024, 12, 1), "cleared", date(2024, 12, 2))
    world.find(4, "C5", DECEMBER + timedelta(days=1), "confirmed")  # after the assessment date
    world.ingest()
    before = world.now + timedelta(hours=1)
    found = world.decided()
    assert found["C1"][:2] == ("restricted", 0)
    assert "KO01" in str(found["C1"][3]).split(",")
    assert found["C2"] == (*plain["C2"][:2], True, ",".join(filter(None, ["KO02", str(plain["C2"][3])])), plain["C2"][4])
    assert {name: found[name] for name in ("C3", "C4", "C5")} == {name: plain[name] for name in ("C3", "C4", "C5")}
    assert "decided by KO01: Confirmed sanctions hit" in world.memo("C1")
    assert "1 confirmed, no search dated by then" in world.memo("C1")
    assert "Possible sanctions hit under review" in world.memo("C2")
    assert explain(world.workspace, "C2").due_diligence["sanctions_unreviewed"] == 1

    for number, customer in ((1, "C1"), (2, "C2")):
        world.find(number, customer, date(2024, 12, 1), "cleared", date(2024, 12, 20))
    world.ingest()
    assert world.decided() == plain
    assert world.decided(known_at=before) == found
