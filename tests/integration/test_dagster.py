"""The Dagster shape over a real workspace: the same computation as `pipeline.assess`, gates that hold, runs that go on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import types
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._utils.schedules import schedule_execution_time_iterator

from risk_pipeline import contracts
from risk_pipeline.definitions import build, refuse_strangers
from risk_pipeline.errors import Refused, RiskError
from risk_pipeline.orchestration.dependencies import sources
from risk_pipeline.orchestration.home import prepare_home
from risk_pipeline.orchestration.launch import Request, launch, open_instance, run_config, step_names
from risk_pipeline.orchestration.orphans import sweep_orphans
from risk_pipeline.orchestration.partitions import ASSESSMENT_DATE
from risk_pipeline.orchestration.schedule import ASSESS_JOB, assessment_schedule
from risk_pipeline.orchestration.workspaces import locate, open_register
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES
from risk_pipeline.settings import Settings, Workspace
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register, RunRecord
from tests.small_ledger import DECEMBER, NOVEMBER, make_small_workspace

NOW = datetime(2025, 1, 2, 9, 0, tzinfo=UTC)
RESULT_TABLES = (*FACTOR_TABLES, *DECIDE_TABLES)


@pytest.fixture(autouse=True)
def _own_dagster_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.load(make_small_workspace(tmp_path / "ws"))


@pytest.fixture
def instance(workspace: Workspace) -> Iterator[dg.DagsterInstance]:
    with open_instance(prepare_home(workspace)) as opened:
        yield opened


def job_of(workspace: Workspace) -> dg.JobDefinition:
    return build(workspace.root, workspace.settings).resolve_job_def(ASSESS_JOB)


def rows_of(workspace: Workspace, table: str, as_of: date) -> list[tuple[object, ...]]:
    """The published rows of a date without the run id, in the order of the key."""
    declared = contracts.table(table)
    order = ", ".join(declared.key)
    with duckdb.connect(workspace.catalogue, read_only=True) as con:
        return con.execute(f"SELECT * EXCLUDE (run_id) FROM {table} WHERE as_of = ? ORDER BY {order}", [as_of]).fetchall()


def newest_run(workspace: Workspace) -> RunRecord:
    with Register.open(workspace.register_url) as register:
        return register.runs()[-1]


def quiet(step: str, what: str) -> None:
    """A listener that does not listen."""


class Damage:
    """Breaks a staged table once, right after its step: one aging amount moves by a cent."""

    def __init__(self, workspace: Workspace, as_of: date) -> None:
        self._workspace, self._as_of = workspace, as_of
        self.steps: list[tuple[str, str]] = []
        self.path: Path | None = None
        self.original = b""

    def __call__(self, step: str, what: str) -> None:
        self.steps.append((step, what))
        if (step, what) == ("factor__exposure", "done"):
            self.path = Lake(self._workspace.lake).part_path(
                "factor", "exposure", self._as_of, newest_run(self._workspace).run_id
            )
            self.original = self.path.read_bytes()
            table = pq.read_table(self.path)
            place = table.column_names.index("aging_not_due")
            column = table.column("aging_not_due")
            broken = pc.cast(pc.add(column, pc.cast(pc.divide(pc.cast(1, "float64"), 100.0), column.type)), column.type)
            pq.write_table(table.set_column(place, table.schema.field(place), broken), self.path)

    def mend(self) -> None:
        assert self.path is not None
        self.path.write_bytes(self.original)


class TestDefinitions:
    def test_load_without_a_workspace(self, tmp_path: Path) -> None:
        definitions = build(tmp_path / "nowhere", Settings())
        dg.Definitions.validate_loadable(definitions)
        keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
        expected = {table.full_name.replace(".", "/") for table in contracts.FEED_TABLES}
        expected |= {name.replace(".", "/") for name in (*RESULT_TABLES, "audit.run", "audit.snapshot")}
        assert keys == expected

    def test_every_asset_tells_who_owns_it_and_what_it_holds(self, tmp_path: Path) -> None:
        graph = build(tmp_path, Settings()).resolve_asset_graph()
        for node in graph.asset_nodes:
            table = contracts.TABLES[".".join(node.key.path)]
            assert list(node.owners) == [f"team:{table.owner}"]
            assert node.group_name == table.layer
            assert node.kinds
            assert node.tags["layer"] == table.layer
            assert table.zh in (node.description or "")
            schema = node.metadata["dagster/column_schema"]
            assert [column.name for column in schema.columns][: len(table.columns)] == list(table.column_names)
            assert node.code_version
            assert node.code_version != "1"

    def test_a_factor_table_depends_on_exactly_what_its_sql_reads(self, tmp_path: Path) -> None:
        graph = build(tmp_path, Settings()).resolve_asset_graph()
        for name in FACTOR_TABLES:
            parents = {".".join(key.path) for key in graph.get(dg.AssetKey(name.split("."))).parent_keys}
            assert parents == {"audit.run", *sources(name)}
        assert "feed.payment_application" in sources("factor.exposure_by_currency")
        assert "feed.dispute" in sources("factor.open_item")
        assert "feed.dispute" not in sources("factor.customer_state")

    def test_the_snapshot_comes_last_and_the_run_first(self, workspace: Workspace) -> None:
        steps = step_names(job_of(workspace))
        assert steps[:2] == ["ingest", "audit__run"]
        assert steps[-4:] == ["factor_gates", "decide", "decide_gates", "audit__snapshot"]

    def test_a_stage_that_failed_its_gates_holds_the_next_one_back(self, tmp_path: Path) -> None:
        graph = build(tmp_path, Settings()).resolve_asset_graph()
        blocked = {key.asset_key.to_user_string() for key in graph.asset_check_keys if graph.get(key).blocking}
        assert "factor/transaction_history" in blocked
        assert "mart/current_risk" in blocked
        checked = {key.asset_key.to_user_string() for key in graph.asset_check_keys}
        assert checked == {name.replace(".", "/") for name in RESULT_TABLES}

    def test_packages_from_another_folder_are_refused(self, tmp_path: Path) -> None:
        stranger = types.ModuleType("assets")
        stranger.__file__ = str(tmp_path / "assets" / "__init__.py")
        with pytest.raises(ImportError, match="another package of that name") as caught:
            refuse_strangers(stranger)
        assert str(tmp_path) in str(caught.value)

    def test_the_workspace_comes_from_the_environment_then_the_folder_then_the_demo(
        self, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        assert locate() == tmp_path / "demo"
        monkeypatch.chdir(workspace.root)
        assert locate() == workspace.root
        monkeypatch.setenv("RISK_WORKSPACE", str(tmp_path / "other"))
        assert locate() == tmp_path / "other"


def test_the_job_does_what_assess_does(workspace: Workspace, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """Two month ends by Dagster and by plain Python over the same feed store give the same tables, row for row."""
    with open_register(workspace) as register:
        ingest(workspace, register, now=NOW)
    shutil.copytree(workspace.root, tmp_path / "plain")
    plain = Workspace.load(tmp_path / "plain")
    job, told = job_of(workspace), list[tuple[str, str]]()
    for day in (NOVEMBER, DECEMBER):
        launch(job, instance, Request(day, known_at=NOW), lambda step, what: told.append((step, what)))
        with open_register(plain) as register:
            assess(plain, register, as_of=day, known_at=NOW, now=NOW)
    for table in RESULT_TABLES:
        for day in (DECEMBER,) if table.startswith("mart.") else (NOVEMBER, DECEMBER):
            by_dagster, by_hand = rows_of(workspace, table, day), rows_of(plain, table, day)
            assert by_dagster or table == "factor.collateral_item", (table, day)  # nobody gave security here
            assert by_dagster == by_hand, table
    assert told.count(("audit__snapshot", "done")) == 2
    assert not [each for each in told if each[1] == "failed"]
    assert set(instance.get_dynamic_partitions(ASSESSMENT_DATE)) == {NOVEMBER.isoformat(), DECEMBER.isoformat()}


def test_what_dagster_is_told(workspace: Workspace, instance: dg.DagsterInstance) -> None:
    """Rows, tiers and data versions; the same inputs give the same version, so nothing looks stale for no reason."""
    job = job_of(workspace)

    def materialisation(key: str) -> dg.AssetMaterialization:
        event = instance.get_latest_materialization_event(dg.AssetKey(key.split("/")))
        assert event is not None
        assert event.asset_materialization is not None
        return event.asset_materialization

    def versions() -> dict[str, str]:
        return {
            key: (materialisation(key).tags or {})["dagster/data_version"]
            for key in ("feed/invoice", "factor/exposure", "mart/current_risk")
        }

    first_run = launch(job, instance, Request(DECEMBER, known_at=NOW), quiet)
    tiers = materialisation("decision/risk_tier")
    assert tiers.partition == DECEMBER.isoformat()
    assert tiers.metadata["dagster/partition_row_count"].value == 5
    assert "restricted" in str(tiers.metadata["tier_counts"].value)
    assert float(str(materialisation("factor/exposure").metadata["total_exposure"].value)) > 0
    values = materialisation("decision/credit_limit").metadata["dagster/column_lineage"].value.deps_by_column["secured_exposure"]
    assert {(*each.asset_key.path, each.column_name) for each in values} == {
        ("decision", "credit_limit", "secured_amount"),
        ("factor", "exposure", "total_exposure"),
    }
    invoices = materialisation("feed/invoice")
    assert invoices.partition is None
    assert invoices.metadata["rows_rejected"].value == 1
    assert "not configured" in str(materialisation("feed/dispute").metadata["state"].value)
    before = versions()
    second_run = launch(job, instance, Request(DECEMBER, known_at=NOW), quiet)
    assert first_run != second_run
    assert versions() == before
    with (workspace.root / "data" / "invoices.csv").open("a", encoding="utf-8") as file:
        file.write("C1-late,C1,2024-12-30,2025-01-30,99.00\n")
    launch(job, instance, Request(DECEMBER), quiet)
    assert all(versions()[key] != before[key] for key in before)


class TestGates:
    def test_planted_damage_is_stopped_and_the_published_state_stands(
        self, workspace: Workspace, instance: dg.DagsterInstance
    ) -> None:
        job = job_of(workspace)
        launch(job, instance, Request(NOVEMBER), quiet)
        published = rows_of(workspace, "factor.exposure", NOVEMBER)
        damage = Damage(workspace, NOVEMBER)
        with pytest.raises(Refused, match="reconcile_aging") as caught:
            launch(job, instance, Request(NOVEMBER), damage)
        assert caught.value.exit_code == 3
        assert "last published state stands" in caught.value.remedy
        assert ("factor_gates", "failed") in damage.steps
        assert not [step for step, _ in damage.steps if step in ("decide", "audit__snapshot")]
        assert rows_of(workspace, "factor.exposure", NOVEMBER) == published
        run = newest_run(workspace)
        assert run.state == "refused"
        assert "reconcile_aging" in run.message
        with Register.open(workspace.register_url) as register:
            failed = {check.check_name for check in register.checks(run.run_id) if not check.passed}
        assert "reconcile_aging" in failed

    def test_dagster_shows_which_gate_failed(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        with pytest.raises(Refused):
            launch(job_of(workspace), instance, Request(NOVEMBER), Damage(workspace, NOVEMBER))
        key = dg.AssetCheckKey(dg.AssetKey(["factor", "exposure"]), "reconciliation")
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
        assert record.event is not None
        evaluation = record.event.dagster_event.asset_check_evaluation_data  # type: ignore[union-attr]
        assert not evaluation.passed
        assert evaluation.severity == dg.AssetCheckSeverity.ERROR
        assert "reconcile_aging" in (evaluation.description or "")


def test_a_rerun_from_failure_goes_on_with_what_the_first_run_staged(
    workspace: Workspace, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The damage is mended by hand; only gates and what follows run again, under the run id of the root."""
    damage = Damage(workspace, NOVEMBER)
    with pytest.raises(Refused):
        launch(job_of(workspace), instance, Request(NOVEMBER), damage)
    root = newest_run(workspace)
    damage.mend()
    staged = {path: path.stat().st_mtime_ns for path in workspace.lake.glob("factor/**/*.parquet")}
    assert len(staged) == len(FACTOR_TABLES)
    monkeypatch.setenv("RISK_WORKSPACE", str(workspace.root))
    job = ReconstructableRepository.for_module("risk_pipeline.definitions", "defs").get_reconstructable_job(ASSESS_JOB)
    result = dg.execute_job(
        job,
        instance,
        run_config=run_config(Request(NOVEMBER), "CRITICAL"),
        tags={"dagster/partition": NOVEMBER.isoformat()},
        reexecution_options=dg.ReexecutionOptions.from_failure(root.run_id, instance),
    )
    assert result.success, [event.message for event in result.all_events if event.is_failure]
    steps = {event.step_key for event in result.all_events if event.is_step_start}
    assert steps == {"factor_gates", "decide", "decide_gates", "audit__snapshot"}
    assert result.run_id != root.run_id
    with Register.open(workspace.register_url) as register:
        assert [(run.run_id, run.state) for run in register.runs()] == [(root.run_id, "published")]
    assert {path: path.stat().st_mtime_ns for path in staged} == staged
    assert rows_of(workspace, "mart.current_risk", NOVEMBER)


class TestSchedule:
    @pytest.mark.parametrize(
        ("schedule", "zone", "tick", "date_"),
        [
            # 06:00 in Shanghai on 1 July is still 30 June in UTC
            ("month_end", "Asia/Shanghai", datetime(2026, 6, 30, 22, 0, tzinfo=UTC), "2026-06-30"),
            ("month_end", "Europe/Berlin", datetime(2026, 3, 1, 5, 0, tzinfo=UTC), "2026-02-28"),
            ("quarter_end", "America/New_York", datetime(2026, 4, 1, 10, 0, tzinfo=UTC), "2026-03-31"),
            ("0 6 3 * *", "UTC", datetime(2026, 5, 3, 6, 0, tzinfo=UTC), "2026-04-30"),
        ],
    )
    def test_a_tick_adds_the_date_and_asks_for_its_run(
        self, instance: dg.DagsterInstance, tmp_path: Path, schedule: str, zone: str, tick: datetime, date_: str
    ) -> None:
        definitions = build(tmp_path, Settings(schedule=schedule, time_zone=zone))
        made = definitions.resolve_schedule_def("assess_on_schedule")
        assert made.execution_timezone == zone
        context = dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=tick.astimezone(ZoneInfo(zone)),
            repository_def=definitions.get_repository_def(),
        )
        found = made.evaluate_tick(context)
        (request,) = found.run_requests or ()
        assert request.partition_key == date_
        assert instance.get_dynamic_partitions(ASSESSMENT_DATE) == [date_]

    @pytest.mark.parametrize(
        ("schedule", "ticks"),
        [
            ("month_end", ["2026-02-01 06:00+08:00", "2026-03-01 06:00+08:00", "2026-04-01 06:00+08:00"]),
            ("quarter_end", ["2026-04-01 06:00+08:00", "2026-07-01 06:00+08:00", "2026-10-01 06:00+08:00"]),
            ("30 7 5 * *", ["2026-01-05 07:30+08:00", "2026-02-05 07:30+08:00", "2026-03-05 07:30+08:00"]),
        ],
    )
    def test_when_it_ticks(self, schedule: str, ticks: list[str]) -> None:
        made = assessment_schedule(Settings(schedule=schedule, time_zone="Asia/Shanghai"))
        zone = ZoneInfo("Asia/Shanghai")
        start = datetime(2026, 1, 2, tzinfo=zone).timestamp()
        following = schedule_execution_time_iterator(start, made.cron_schedule, made.execution_timezone)
        found = [next(following) for _ in ticks]
        assert [moment.isoformat(sep=" ", timespec="minutes") for moment in found] == ticks

    def test_it_is_off_until_switched_on(self) -> None:
        assert assessment_schedule(Settings()).default_status == dg.DefaultScheduleStatus.STOPPED


class TestOrphans:
    def test_a_killed_run_is_swept_and_a_living_one_is_not(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        code = (
            "import sys, time; from pathlib import Path\n"
            "from datetime import date\n"
            "from risk_pipeline.definitions import build\n"
            "from risk_pipeline.orchestration.home import prepare_home\n"
            "from risk_pipeline.orchestration.launch import Request, launch, open_instance\n"
            "from risk_pipeline.settings import Workspace\n"
            f"ws = Workspace.load({str(workspace.root)!r})\n"
            "def stop(step, what):\n"
            "    print('working', flush=True); time.sleep(600)\n"
            "with open_instance(prepare_home(ws)) as instance:\n"
            f"    job = build(ws.root, ws.settings).resolve_job_def('{ASSESS_JOB}')\n"
            "    launch(job, instance, Request(date(2024, 11, 30)), stop)\n"
        )
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "working\n"
            (run,) = instance.get_runs()
            assert run.status == dg.DagsterRunStatus.STARTED
            assert sweep_orphans(instance) == []
            process.kill()
        assert sweep_orphans(instance) == [run.run_id]
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.FAILURE
        # And the workspace is free again: the next run sweeps by itself and publishes.
        launch(job_of(workspace), instance, Request(NOVEMBER), quiet)


class TestErrors:
    def test_no_workspace_is_told_by_the_run(self, tmp_path: Path) -> None:
        with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
            job = build(tmp_path / "nowhere", Settings()).resolve_job_def(ASSESS_JOB)
            with pytest.raises(RiskError, match="is not a workspace") as caught:
                launch(job, instance, Request(NOVEMBER), quiet)
        assert caught.value.exit_code == 2
        assert "risk-pipeline init" in caught.value.remedy

    def test_an_unexpected_error_keeps_its_message(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        def spoil(step: str, what: str) -> None:
            if (step, what) == ("audit__run", "done"):
                shutil.rmtree(workspace.lake / "feed")

        with pytest.raises(RiskError, match="unexpected error") as caught:
            launch(job_of(workspace), instance, Request(NOVEMBER), spoil)
        assert caught.value.exit_code == 1
        assert newest_run(workspace).state == "failed"


def dagster_command(repo_root: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """The real `dagster`, started from the root of the repository like a developer does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RISK_", "DAGSTER_", "PYTHONDONT"))}
    home.mkdir(exist_ok=True)
    shutil.copy(repo_root / "dagster.yaml", home)
    return subprocess.run(
        [sys.executable, "-m", "dagster", *command],
        cwd=repo_root,
        env={**environment, "DAGSTER_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        # pyproject.toml says where the definitions are; `asset list` alone wants the module named
        (["schedule", "list", "--name"], "assess_on_schedule"),
        (["asset", "list", "-m", "risk_pipeline.definitions"], "mart/current_risk"),
    ],
)
def test_dagster_finds_the_project_from_the_root(repo_root: Path, tmp_path: Path, command: list[str], expected: str) -> None:
    done = dagster_command(repo_root, tmp_path / "home", *command)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout


def test_the_instance_keeps_quiet_and_keeps_one_run_at_a_time(instance: dg.DagsterInstance, workspace: Workspace) -> None:
    assert instance.telemetry_enabled is False
    assert instance.nux_enabled is False
    assert instance.run_monitoring_enabled
    assert instance.run_retries_enabled
    assert instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 1  # type: ignore[union-attr]
    assert Path(instance.root_directory) == workspace.dagster_home


def test_nothing_reads_the_environment_at_import(repo_root: Path) -> None:
    code = (
        "import os, sys\n"
        "class Watched(dict):\n"
        "    def __getitem__(self, name):\n"
        "        if name.startswith('RISK_'): raise SystemExit(f'read {name}')\n"
        "        return super().__getitem__(name)\n"
        "    def get(self, name, default=None):\n"
        "        if str(name).startswith('RISK_'): raise SystemExit(f'read {name}')\n"
        "        return super().get(name, default)\n"
        "os.environ = Watched(os.environ)\n"
        "import risk_pipeline.definitions\n"
        "print('quiet')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=repo_root, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "quiet", done.stderr
