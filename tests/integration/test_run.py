"""The run itself: what it freezes, what it refuses, and that the published state stands whatever happens.

Real register, lake, engine, gates and catalogue on a ledger of five customers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.errors import Locked, Refused, UsageError
from risk_pipeline.pipeline.assess import Assessment, assess
from risk_pipeline.pipeline.explain import explain
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES, MART_TABLES, Run
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, copy_to
from tests.small_ledger import DECEMBER, NOVEMBER

pytestmark = pytest.mark.slow


@pytest.fixture(params=["ingested"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """A copy of the small ledger: taken in, or assessed as a test asks (AFTER_NOVEMBER)."""
    made = request.getfixturevalue(request.param)
    return Workspace.load(copy_to(tmp_path / "workspace", made.folder if isinstance(made, Assessed) else made))


AFTER_NOVEMBER = pytest.mark.parametrize("workspace", ["november"], indirect=True)


@pytest.fixture
def register(workspace: Workspace) -> Iterator[Register]:
    with Register.open(workspace.register_url) as opened:
        yield opened


def now() -> datetime:
    return datetime.now(UTC)


def published(workspace: Workspace, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        return con.execute(sql).fetchall()


def run_date(workspace: Workspace, register: Register, as_of: date = NOVEMBER, **options: Any) -> Assessment:
    return assess(workspace, register, as_of=as_of, now=now(), **options)


def stage_all(run: Run) -> None:
    for name in FACTOR_TABLES:
        run.factor(name)
    run.audit("factor")
    run.decide()
    run.audit("decide")


def test_an_assessment_publishes_every_table_for_its_date(november: Assessed) -> None:
    workspace, done = Workspace.load(november.folder), november.outcome
    for name in (*FACTOR_TABLES, *DECIDE_TABLES):
        runs = published(workspace, f"SELECT DISTINCT as_of, run_id FROM {name}")
        assert runs == [(NOVEMBER, done.run_id)] or (name == "factor.collateral_item" and not runs), name
        assert done.rows[name] == published(workspace, f"SELECT COUNT(*) FROM {name}")[0][0]
    assert sum(done.tier_counts.values()) == 5
    assert done.label == "reconstructed"  # the feeds assume when their history was known
    of_limit = "table_name = 'decision.credit_limit' AND column_name = 'secured_exposure' AND influence = 'direct'"
    asked = f"SELECT source_table, source_column, transformation FROM audit.column_lineage WHERE {of_limit} ORDER BY ALL"
    assert published(workspace, asked) == [
        ("decision.credit_limit", "secured_amount", "transformation"),
        ("factor.exposure", "total_exposure", "transformation"),
    ]


@AFTER_NOVEMBER
def test_a_later_date_knows_the_decisions_before_it(workspace: Workspace, register: Register) -> None:
    run_date(workspace, register, DECEMBER)
    before = dict(published(workspace, f"SELECT customer_id, tier FROM decision.risk_tier WHERE as_of = '{NOVEMBER}'"))
    after = dict(published(workspace, f"SELECT customer_id, previous_tier FROM decision.risk_tier WHERE as_of = '{DECEMBER}'"))
    assert after == before
    limits = (
        "SELECT l.previous_limit, p.limit_reporting FROM decision.credit_limit l JOIN decision.credit_limit p USING (customer_id)"
    )
    rows = published(workspace, f"{limits} WHERE l.as_of = '{DECEMBER}' AND p.as_of = '{NOVEMBER}'")
    assert len(rows) == 5
    assert all(previous == then for previous, then in rows)


@AFTER_NOVEMBER
def test_a_run_continued_elsewhere_sees_what_it_saw_and_replaces_the_date(workspace: Workspace, register: Register) -> None:
    (expected,) = register.runs()
    with Run.open(workspace, register, run_id="frozen", as_of=NOVEMBER, now=now()) as run:
        run.factor("factor.customer_state")
    path = workspace.root / "data" / "payments.csv"
    rows = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(rows[: len(rows) * 3 // 4]) + "\n", encoding="utf-8")
    assert [each.state for each in ingest(workspace, register, feeds=["payment"], now=now())] == ["effective"]
    with Run.open(workspace, register, run_id="frozen", as_of=NOVEMBER, now=now()) as run:
        stage_all(run)
        run.publish()
        run.publish()  # again: only the catalogue is rebuilt
    assert len(register.snapshots()) == 2
    assert published(workspace, "SELECT DISTINCT run_id FROM decision.risk_tier") == [("frozen",)]
    old = register.snapshots()[0].part("decision.risk_tier", NOVEMBER)
    assert old is not None
    assert old.run_id == expected.run_id
    assert (workspace.lake / old.path).exists()
    lake = workspace.lake
    for name in FACTOR_TABLES:
        layer, table = name.split(".")
        first = pq.read_table(lake / layer / table / str(NOVEMBER) / f"{expected.run_id}.parquet").drop_columns("run_id")
        assert first.equals(pq.read_table(lake / layer / table / str(NOVEMBER) / "frozen.parquet").drop_columns("run_id")), name
    changed = run_date(workspace, register)
    overdue = "SELECT SUM(overdue) FROM read_parquet('{}')"
    with duckdb.connect() as con:
        then, later = (
            con.execute(overdue.format(lake / "factor" / "exposure" / str(NOVEMBER) / f"{run}.parquet")).fetchone()
            for run in ("frozen", changed.run_id)
        )
    assert then != later


@AFTER_NOVEMBER
def test_a_failed_check_publishes_nothing_and_the_old_state_stands(workspace: Workspace, register: Register) -> None:
    before = published(workspace, "SELECT * FROM decision.risk_tier ORDER BY ALL")
    with Run.open(workspace, register, run_id="damaged", as_of=DECEMBER, now=now()) as run:
        path = run.factor("factor.customer_state").path
        for name in FACTOR_TABLES[1:]:
            damaged = run.factor(name).path
        exposure = workspace.lake / "factor" / "exposure" / str(DECEMBER) / "damaged.parquet"
        table = pq.read_table(exposure)
        pq.write_table(table.slice(0, table.num_rows - 1), exposure)
        assert path.exists()
        assert damaged.exists()
        run.audit("factor")
        run.decide()
        run.audit("decide")
        with pytest.raises(Refused, match="was not published") as refused:
            run.publish()
    assert "factor.exposure" in str(refused.value)
    record = register.run("damaged")
    assert record is not None
    assert record.state == "refused"
    assert published(workspace, "SELECT * FROM decision.risk_tier ORDER BY ALL") == before


def test_without_its_audit_nothing_is_published(workspace: Workspace, register: Register) -> None:
    with Run.open(workspace, register, run_id="unasked", as_of=NOVEMBER, now=now()) as run:
        for name in FACTOR_TABLES:
            run.factor(name)
        run.decide()
        with pytest.raises(Refused, match="was not asked"):
            run.publish()
    assert not workspace.catalogue.exists()


def test_two_runs_at_once_are_refused_at_once(workspace: Workspace, register: Register) -> None:
    with Run.open(workspace, register, run_id="one", as_of=NOVEMBER, now=now()), pytest.raises(Locked, match="assessment of"):
        Run.open(workspace, register, run_id="two", as_of=NOVEMBER, now=now())


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"as_of": date(2999, 1, 31)}, UsageError, "in the future"),
        ({"as_of": date(2020, 1, 31)}, Refused, "no invoice dated on or before 2020-01-31"),
        ({"as_of": NOVEMBER, "known_at": datetime(2022, 1, 1, tzinfo=UTC)}, Refused, "was known at 2022-01-01"),
        ({"as_of": NOVEMBER, "policy": "9.9"}, UsageError, "no policy version 9.9"),
    ],
)
def test_what_a_run_refuses_to_begin_with(
    workspace: Workspace, register: Register, options: dict[str, Any], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Run.open(workspace, register, run_id="never", **options, now=now())
    with Run.open(workspace, register, run_id="next", as_of=NOVEMBER, now=now()):
        pass  # the lock was given back


def test_a_currency_without_a_rate_is_named(workspace: Workspace, register: Register) -> None:
    spec = workspace.feeds_dir / "payment.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("{value: EUR}", "{value: CHF}"), encoding="utf-8")
    ingest(workspace, register, feeds=["payment"], now=now())
    with pytest.raises(Refused, match="no exchange rate to EUR within 7 days before 2024-11-30 for CHF"):
        run_date(workspace, register)


def test_a_published_policy_version_keeps_its_content_and_explains_without_its_file(
    workspace: Workspace, register: Register
) -> None:
    own = workspace.policy_dir / "own.yaml"
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace('version: "2026.1"', 'version: "own.1"')
    text = text.replace("In default with us", "Has not paid us")
    own.write_text(text, encoding="utf-8")
    run_date(workspace, register, DECEMBER)
    manifest = published(workspace, "SELECT policy_version, manifest->>'$.policy.approver' FROM audit.run")
    assert manifest == [("own.1", "shipped_default")]
    own.write_text(text.replace("score_from: 55", "score_from: 60"), encoding="utf-8")
    assert explain(workspace, "C3").tier["tier_label"]["en"]
    with pytest.raises(UsageError, match=r"policy own\.1 has another content than when 2024-12-31 was published"):
        run_date(workspace, register, NOVEMBER)
    own.unlink()
    assert "Has not paid us" in [reason["en"] for reason in explain(workspace, "C3").tier["knockout_reasons"]]


def test_an_explanation_names_the_line_of_every_open_item(december: Assessed) -> None:
    told = explain(Workspace.load(december.folder), "C3")
    lines = (december.folder / "data" / "invoices.csv").read_text(encoding="utf-8").splitlines()
    assert told.open_items
    for item in told.open_items:
        assert item["source_file"] == "data/invoices.csv"
        assert lines[item["source_line"] - 1].startswith(f"{item['invoice_id']},C3,")
    assert sum(item["open_amount_reporting"] for item in told.open_items) == told.exposure["open_exposure"]
    lost = [row["points_lost"] for row in told.contributions if row["reason_rank"]]
    assert lost == sorted(lost, reverse=True)


def test_a_run_whose_process_was_killed_does_not_stay_open(workspace: Workspace, register: Register) -> None:
    killed = Run.open(workspace, register, run_id="killed", as_of=NOVEMBER, now=now())
    killed._resources.close()  # as the end of a process does: the lock is freed, nothing is recorded
    with Run.open(workspace, register, run_id="next", as_of=DECEMBER, now=now()):
        pass
    record = register.run("killed")
    assert record is not None
    assert (record.state, record.message[:20]) == ("failed", "ended without a word")


def test_a_refusal_at_the_door_is_recorded_as_one(workspace: Workspace, register: Register) -> None:
    with pytest.raises(Refused):
        Run.open(workspace, register, run_id="blind", as_of=date(2020, 1, 31), now=now())
    record = register.run("blind")
    assert record is not None
    assert record.state == "refused"


def test_a_table_asked_for_without_those_it_reads_is_refused(workspace: Workspace, register: Register) -> None:
    with Run.open(workspace, register, run_id="part", as_of=NOVEMBER, now=now()) as run:
        with pytest.raises(Refused, match=r"factor\.exposure of 2024-11-30 cannot be computed"):
            run.factor("factor.exposure")
        with pytest.raises(Refused, match="the decisions of 2024-11-30"):
            run.decide()


def test_threads_change_no_byte_and_batches_no_row(
    workspace: Workspace, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decided(threads: int, batch: int) -> dict[str, Path]:
        monkeypatch.setattr("risk_pipeline.pipeline.stored_facts.BATCH_ROWS", batch)
        asked = replace(workspace, settings=workspace.settings.model_copy(update={"threads": threads}))
        with Run.open(asked, register, run_id="same", as_of=NOVEMBER, now=now()) as run:
            for name in FACTOR_TABLES:
                run.factor(name)
            return {name: staged.path for name, staged in run.decide().items() if name not in MART_TABLES}

    one = {name: path.read_bytes() for name, path in decided(1, 2).items()}
    assert {name: path.read_bytes() for name, path in decided(3, 2).items()} == one
    for name, path in decided(1, 100).items():
        assert pq.read_table(path).equals(pq.read_table(pa.BufferReader(one[name]))), name
