"""gc: what goes, what stays, and that every official run is the same again afterwards. The small ledger, known when ingested."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from risk_pipeline.errors import Locked, Refused, UsageError
from risk_pipeline.pipeline import gc
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.audit_verify import verify
from risk_pipeline.pipeline.gc import Collected, Removal, collect, remove
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.replay import published_run, replay
from risk_pipeline.pipeline.run import FACTOR_TABLES, Run
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import file_sha256
from risk_pipeline.store.lock import workspace_lock
from tests.assessed_ledger import opened
from tests.small_ledger import DECEMBER, NOVEMBER, make_small_workspace

pytestmark = pytest.mark.slow
LATER = timedelta(days=2)


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulation of November, an official run of December that goes on from it, an official one of November; and a run that
    failed after its first table.
    """
    root = make_small_workspace(tmp_path_factory.mktemp("gc") / "workspace")
    for feed in ("invoice", "payment"):
        path = root / "feeds" / f"{feed}.yaml"
        path.write_text(path.read_text("utf-8").replace("known_at: event_date\n", ""), "utf-8")
    text = DEFAULT_POLICY.read_text("utf-8").replace('version: "2026.1"', 'version: "trial"')
    (root / "policy" / "trial.yaml").write_text(text.replace("status: approved  ", "status: draft  "), "utf-8")
    with opened(root) as (workspace, register):
        ingest(workspace, register, now=datetime.now(UTC))
        for day, policy in ((NOVEMBER, "trial"), (DECEMBER, None), (NOVEMBER, None)):
            assess(workspace, register, as_of=day, policy=policy, now=datetime.now(UTC))
        assert [run.label for run in register.runs()] == ["simulation", "official", "official"]
        with Run.open(workspace, register, run_id="lost", as_of=DECEMBER, now=datetime.now(UTC)) as run:
            run.factor(FACTOR_TABLES[0])
            run.fail("the light went out")
    return root


@pytest.fixture
def root(assessed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(assessed, tmp_path / "copy"))


def collected(root: Path, after: timedelta = LATER, dry_run: bool = False) -> Collected:
    with opened(root) as (workspace, register):
        return collect(workspace, register, by="anna", now=datetime.now(UTC) + after, dry_run=dry_run)


def files(root: Path) -> set[str]:
    warehouse = root / "warehouse"
    found = (path for place in ("lake", "scratch") for path in (warehouse / place).rglob("*") if path.is_file())
    return {path.relative_to(warehouse).as_posix() for path in found}


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left over")
    return path


def test_what_nobody_needs_goes_and_every_run_is_the_same_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "SNAPSHOTS", 1)
    with opened(root) as (_, register):
        simulation, december, _ = register.runs(("published",))
    lake, outside = root / "warehouse" / "lake", write(root / "outside" / "00000001.parquet")
    continued = {lake / path for path in december.manifest["previous_parts"].values()}
    assert {path.stem for path in continued} == {simulation.run_id}
    gone = [
        *lake.rglob("lost.parquet"),
        *(path for path in lake.rglob(f"{simulation.run_id}.*") if path not in continued),
        write(lake / "feed" / "invoice" / "closed" / "00000001.parquet"),
        write(lake / "decision" / "risk_tier" / ".x.parquet.1.abcd.tmp"),
        write(root / "warehouse" / "scratch" / "again-1" / "a.parquet"),
    ]
    left = [write(lake / "feed" / "invoice" / name) for name in ("00009999.parquet", "notes.txt")]
    left.append(write(lake / "factor" / "exposure" / f"{DECEMBER}" / "of-another-register.parquet"))
    (lake / "feed" / "linked").symlink_to(outside.parent)
    before = files(root)
    sums = {path.relative_to(lake).as_posix(): file_sha256(path) for path in gone if path.is_relative_to(lake)}

    told = collected(root, dry_run=True)
    assert files(root) == before
    found = collected(root)
    assert found == told
    assert {each.reason for each in found.removals} == {
        "failed_run",
        "simulation_superseded",
        "replaced",
        "temporary",
        "scratch",
    }
    assert before - files(root) == {path.relative_to(root / "warehouse").as_posix() for path in gone}
    assert sorted(found.strange) == sorted(path.relative_to(lake).as_posix() for path in left)
    assert outside.exists()

    with opened(root) as (workspace, register):
        events = register.events(action=gc.REMOVED)
        assert {name: sha for each in events if each.subject != "scratch" for name, sha in each.detail["files"].items()} == sums
        assert {each.actor for each in events} == {"anna"}
        assert verify(workspace, register, datetime.now(UTC).date()).findings == []
        for day in (NOVEMBER, DECEMBER):
            assert replay(workspace, register, published_run(register, f"{day}")).identical
    with duckdb.connect(str(root / "warehouse" / "risk.duckdb"), read_only=True) as con:
        assert con.execute("SELECT COUNT(*) FROM decision.risk_tier").fetchone() == (10,)
    assert not collected(root).removals


def test_young_files_stay(root: Path) -> None:
    assert not collected(root, timedelta(hours=1)).removals


def test_a_superseded_decision_goes_when_its_retention_ends_and_the_shown_ones_are_due(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "SNAPSHOTS", 1)
    with opened(root) as (workspace, register):
        superseded = published_run(register, f"{DECEMBER}").run_id
        assess(workspace, register, as_of=DECEMBER, now=datetime.now(UTC))
    no_decision = {"failed_run", "simulation_superseded"}
    assert {each.reason for each in collected(root, timedelta(days=365 * 9), dry_run=True).removals} == no_decision
    found = collected(root, timedelta(days=366 * 11))
    with opened(root) as (workspace, register):
        assert verify(workspace, register, datetime.now(UTC).date()).findings == []
    (removal,) = (each for each in found.removals if each.reason == "retention_ended")
    assert removal.subject == f"run {superseded}"
    assert {each.what for each in found.due if each.rule == "decisions_years"} == {
        f"assessment of {NOVEMBER}",
        f"assessment of {DECEMBER}",
    }
    assert {each.what for each in found.due if each.rule == "evidence_years"} == {"feed.invoice", "feed.payment"}


def test_what_a_replay_needs_is_never_removed(root: Path) -> None:
    with opened(root) as (workspace, register):
        run = published_run(register, f"{DECEMBER}")
        for path in (run.manifest["tables"]["score.risk_score"]["path"], register.deliveries()[0].part_path, "../risk.duckdb"):
            wrong = Removal("run", "scratch" if path.startswith("..") else "failed_run", {path: "0"}, 0)
            with pytest.raises(Refused, match="nothing was removed"):
                remove(workspace, register, [wrong], by="anna", now=datetime.now(UTC))
        assert not register.events(action=gc.REMOVED)
        assert replay(workspace, register, run).identical


def test_it_waits_for_nobody(root: Path) -> None:
    with workspace_lock(root / "warehouse" / "lock", "another"), pytest.raises(Locked):
        collected(root)


def test_evidence_is_kept_as_long_as_decisions(root: Path) -> None:
    settings = root / "risk.yaml"
    settings.write_text(settings.read_text("utf-8") + "retention: {decisions_years: 12}\n", "utf-8")
    with pytest.raises(UsageError, match="evidence_years must not be less"):
        Workspace.load(root)
