"""The register on SQLite and on PostgreSQL: the same tests on both, plus what each alone can get wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from risk_pipeline.contracts import AUDIT_TABLES
from risk_pipeline.errors import Refused, RiskError, UsageError
from risk_pipeline.store.register import SYSTEM, CheckRecord, Part, Register, SnapshotRecord, database
from risk_pipeline.store.register.models import Base
from tests.store_world import FEBRUARY, JANUARY, MARCH, NOW, delivery_record, run_record

ROOT = Path(__file__).resolve().parents[2]
EXPOSURE = "factor.exposure"
OPEN = "from risk_pipeline.store.register import Register; register = Register.open({url!r})"


def snapshot_after(register: Register, run_id: str, as_of: object, *tables: str) -> SnapshotRecord:
    parts = {name: Part(as_of=as_of, run_id=run_id, path=f"{name}/{run_id}", rows=2) for name in tables}  # type: ignore[arg-type]
    current = register.current_snapshot()
    return SnapshotRecord.following(current, run_id=run_id, as_of=as_of, published_at=NOW, parts=parts)  # type: ignore[arg-type]


def publish(register: Register, run_id: str, as_of: object, *tables: str) -> SnapshotRecord:
    register.add_run(run_record(run_id, as_of))  # type: ignore[arg-type]
    snapshot = snapshot_after(register, run_id, as_of, *(tables or (EXPOSURE,)))
    register.publish_snapshot(snapshot, snapshot.parent_id)
    return snapshot


def check(run_id: str, name: str = "key_unique", **changes: object) -> CheckRecord:
    values = {"stage": "factor", "table_name": EXPOSURE, "severity": "error", "passed": True, "n_failed": 0, "detail": ""}
    return CheckRecord(run_id=run_id, check_name=name, checked_at=NOW, **(values | changes))  # type: ignore[arg-type]


class TestDeliveries:
    def test_numbers_ascend_and_are_never_given_twice(self, url: str, register: Register) -> None:
        numbers = [register.new_delivery_id() for _ in range(3)]
        with Register.open(url) as again:
            numbers.append(again.new_delivery_id())
        assert numbers == [1, 2, 3, 4]

    def test_a_delivery_comes_back_as_it_was_put_in(self, register: Register) -> None:
        delivery = delivery_record(
            1,
            known_assumption="event_date",
            rows_read=10,
            rows_stored=9,
            rows_rejected=1,
            warnings={"未知客户": 2, "due_before_invoice": 1},
            message="第一次",
            part_path="feed/invoice/00000001.parquet",
            quarantine_path="quarantine/00000001.parquet",
        )
        register.add_delivery(delivery)
        assert register.deliveries() == [delivery]
        assert register.deliveries()[0].identity == delivery.identity

    def test_they_are_listed_by_number_feed_and_state(self, register: Register) -> None:
        register.add_delivery(delivery_record(2))
        register.add_delivery(delivery_record(1))
        register.add_delivery(delivery_record(3, state="refused"))
        register.add_delivery(delivery_record(4, "payment"))
        assert [each.delivery_id for each in register.deliveries()] == [1, 2, 3, 4]
        assert [each.delivery_id for each in register.deliveries("invoice")] == [1, 2, 3]
        assert [each.delivery_id for each in register.deliveries(states=("refused", "revoked"))] == [3]
        assert [each.delivery_id for each in register.effective_deliveries("invoice")] == [1, 2]

    def test_a_number_used_twice_is_refused(self, register: Register) -> None:
        register.add_delivery(delivery_record(1))
        with pytest.raises(Refused, match="delivery 1"):
            register.add_delivery(delivery_record(1, "payment"))
        assert [each.feed for each in register.deliveries()] == ["invoice"]

    def test_a_compacted_part_stands_for_several_deliveries(self, register: Register) -> None:
        for number in (1, 2, 3):
            register.add_delivery(delivery_record(number, part_path=f"p{number}", closures_path=f"c{number}"))
        register.replace_parts("invoice", [1, 2], "p1-2", "5a", NOW)
        assert [(d.part_path, d.closures_path) for d in register.deliveries()] == [("p1-2", None), ("p1-2", None), ("p3", "c3")]

    def test_what_is_not_in_effect_is_not_compacted(self, register: Register) -> None:
        register.add_delivery(delivery_record(1, part_path="p1"))
        register.add_delivery(delivery_record(2, state="refused", part_path="p2"))
        with pytest.raises(Refused, match=r"\[2\]"):
            register.replace_parts("invoice", [1, 2], "p1-2", "5a", NOW)
        assert [each.part_path for each in register.deliveries()] == ["p1", "p2"]

    def test_a_time_without_zone_is_not_taken(self, register: Register) -> None:
        with pytest.raises(Exception, match="time zone is needed"):
            register.add_delivery(delivery_record(1, received_at=datetime(2024, 7, 1)))  # noqa: DTZ001
        assert register.deliveries() == []

    def test_times_come_back_in_utc(self, register: Register) -> None:
        shanghai = timezone(timedelta(hours=8))
        register.add_delivery(delivery_record(1, received_at=datetime(2024, 7, 1, 7, 0, 0, 5, tzinfo=shanghai)))
        assert register.deliveries()[0].received_at == datetime(2024, 6, 30, 23, 0, 0, 5, tzinfo=UTC)
        assert register.deliveries()[0].received_at.tzinfo is UTC


class TestRunsAndChecks:
    def test_a_run_comes_back_as_it_was_put_in(self, register: Register) -> None:
        first = run_record("r1", manifest={"deliveries": [1, 2], "注": "首次"})
        second = run_record("r2", FEBRUARY, previous_as_of=JANUARY, previous_run_id="r1", started_at=NOW + timedelta(hours=1))
        register.add_run(first)
        register.add_run(second)
        assert register.run("r1") == first
        assert register.run("r3") is None
        assert register.runs() == [first, second]

    def test_a_run_id_used_twice_is_refused(self, register: Register) -> None:
        register.add_run(run_record("r1"))
        with pytest.raises(Refused, match="run r1"):
            register.add_run(run_record("r1", FEBRUARY))

    def test_an_unknown_previous_run_is_refused(self, register: Register) -> None:
        with pytest.raises(Refused, match="run r2"):
            register.add_run(run_record("r2", previous_run_id="r1"))

    def test_a_run_that_ends_without_a_publication_says_why(self, register: Register) -> None:
        register.add_run(run_record("r1"), by="li")
        register.end_run("r1", "failed", "out of memory", NOW)
        assert register.run("r1") == run_record("r1", state="failed", message="out of memory", ended_at=NOW)
        assert register.runs(states=("open",)) == []
        assert [(event.actor, event.action) for event in register.events()] == [("li", "run.opened"), (SYSTEM, "run.failed")]
        assert register.events("run.failed")[0].detail["message"] == "out of memory"

    def test_a_run_that_is_not_there_or_published_cannot_end(self, register: Register) -> None:
        publish(register, "r1", JANUARY)
        published = register.run("r1")
        with pytest.raises(KeyError):
            register.end_run("r2", "failed", "", NOW)
        with pytest.raises(Refused, match="published"):
            register.end_run("r1", "failed", "", NOW)
        assert register.run("r1") == published

    def test_a_check_run_again_replaces_its_result(self, register: Register) -> None:
        register.add_run(run_record("r1"))
        register.add_checks([check("r1", passed=False, n_failed=3, detail="C1, C2, C3"), check("r1", "aging")])
        register.add_checks([check("r1")])
        assert register.checks("r1") == [check("r1", "aging"), check("r1")]
        assert register.checks("r2") == []


class TestSnapshots:
    def test_nothing_is_published_at_first(self, register: Register) -> None:
        assert register.current_snapshot() is None
        assert register.snapshots() == []

    def test_every_snapshot_stays_as_it_was_published(self, register: Register) -> None:
        published = [
            publish(register, "r2", FEBRUARY, EXPOSURE, "mart.current_risk"),
            publish(register, "r1", JANUARY, EXPOSURE),
            publish(register, "r2b", FEBRUARY, EXPOSURE, "mart.current_risk"),
            publish(register, "r3", MARCH, "mart.current_risk"),
        ]
        assert register.snapshots() == published
        assert register.current_snapshot() == published[-1]
        assert [part.run_id for part in published[-1].parts[EXPOSURE]] == ["r1", "r2b"]

    def test_a_publication_on_an_outdated_parent_is_refused_and_changes_nothing(self, register: Register) -> None:
        first = publish(register, "r1", JANUARY)
        register.add_run(run_record("late", FEBRUARY))
        late = SnapshotRecord.following(None, run_id="late", as_of=FEBRUARY, published_at=NOW, parts={})
        with pytest.raises(Refused, match="somebody else published meanwhile"):
            register.publish_snapshot(late, None)
        assert register.current_snapshot() == first
        assert register.snapshots() == [first]
        assert register.run("late") == run_record("late", FEBRUARY)

    def test_a_snapshot_must_continue_the_parent_it_is_swapped_for(self, register: Register) -> None:
        publish(register, "r1", JANUARY)
        register.add_run(run_record("r2", FEBRUARY))
        orphan = SnapshotRecord(snapshot_id=7, parent_id=None, run_id="r2", as_of=FEBRUARY, published_at=NOW, parts={})
        with pytest.raises(Refused):
            register.publish_snapshot(orphan, 1)

    def test_a_snapshot_of_an_unknown_run_is_refused_and_changes_nothing(self, register: Register) -> None:
        first = publish(register, "r1", JANUARY)
        stray = snapshot_after(register, "nobody", FEBRUARY, EXPOSURE)
        with pytest.raises(Refused, match="does not fit"):
            register.publish_snapshot(stray, 1)
        assert register.snapshots() == [first]
        assert register.current_snapshot() == first

    def test_publishing_marks_its_run_and_the_later_ones_that_built_on_another(self, register: Register) -> None:
        for run_id, as_of in (("r1", JANUARY), ("r2", FEBRUARY), ("r3", MARCH)):
            publish(register, run_id, as_of)
        publish(register, "r2b", FEBRUARY)
        states = {run.run_id: (run.state, run.stale_previous, run.ended_at) for run in register.runs()}
        assert states["r2b"] == ("published", False, NOW)
        assert {run_id for run_id, state in states.items() if state[1]} == {"r3"}


class TestSchema:
    def test_models_and_migrations_agree(self, url: str, register: Register) -> None:
        engine = create_engine(url)
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": database.VERSION_TABLE})
            assert compare_metadata(context, Base.metadata) == []
        engine.dispose()

    def test_a_register_of_a_newer_version_is_left_alone(self, url: str, register: Register) -> None:
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE {database.VERSION_TABLE} SET version_num = '9999'"))
        with pytest.raises(RiskError, match="9999") as caught:
            Register.open(url)
        assert "newer" in caught.value.remedy
        engine.dispose()

    def test_a_migration_that_fails_leaves_nothing_behind(self, url: str) -> None:
        if url.startswith("sqlite"):
            Path(url.removeprefix("sqlite:///")).parent.mkdir()
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE pointer (x INTEGER)"))  # in the way of the migration's last step
        with pytest.raises(RiskError, match="pointer"):
            Register.open(url)
        assert inspect(engine).get_table_names() == ["pointer"]
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE pointer"))
        engine.dispose()
        with Register.open(url) as register:
            assert register.deliveries() == []

    def test_every_audit_column_of_the_contracts_is_kept(self) -> None:
        kept = {table.name: set(table.columns.keys()) for table in Base.metadata.tables.values()}
        missing = {
            table.full_name: set(table.column_names) - kept.get(table.name, set())
            for table in AUDIT_TABLES
            if table.name not in ("quarantine", "decision_change", "column_lineage")  # Parquet parts of the lake
        }
        assert {name: columns for name, columns in missing.items() if columns} == {}

    def test_the_head_named_in_the_code_is_the_newest_migration(self) -> None:
        scripts = ScriptDirectory(str(Path(database.__file__).parent / "migrations"))
        assert scripts.get_current_head() == database.HEAD


class TestOpening:
    def test_an_up_to_date_register_opens_without_alembic_and_at_once(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path / 'register.db'}"
        Register.open(url).close()
        began = time.perf_counter()
        Register.open(url).close()
        assert time.perf_counter() - began < 0.15
        script = f"import sys; {OPEN.format(url=url)}; print('alembic' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
        assert done.stdout.strip() == "False"

    def test_processes_that_open_a_new_register_together_all_succeed(self, url: str) -> None:
        command = [sys.executable, "-c", f"{OPEN.format(url=url)}; print(register.new_delivery_id())"]
        opening = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(4)]
        numbers = sorted(process.communicate(timeout=120)[0].strip() for process in opening)
        assert numbers == ["1", "2", "3", "4"]

    def test_sqlite_is_set_up_for_readers_beside_a_writer(self, tmp_path: Path) -> None:
        path = tmp_path / "register.db"
        with Register.open(f"sqlite:///{path}") as register:
            blocker = sqlite3.connect(path, isolation_level=None)
            blocker.execute("BEGIN IMMEDIATE")
            assert register.deliveries() == []
            blocker.execute("ROLLBACK")
            blocker.close()

    @pytest.mark.parametrize("url", ["no url at all", "mysql://h/d", "sqlite://", "sqlite:///:memory:"])
    def test_a_wrong_url_is_wrong_usage(self, url: str) -> None:
        with pytest.raises(UsageError, match="register"):
            Register.open(url)

    def test_a_database_that_does_not_answer_is_named_without_its_password(self) -> None:
        with pytest.raises(RiskError, match="cannot be opened") as caught:
            Register.open("postgresql://risk:s3cret@127.0.0.1:1/nothing")
        assert "s3cret" not in str(caught.value)
        assert "register_url" in caught.value.remedy

    def test_a_file_that_is_no_database_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "register.db"
        path.write_text("no database, but long enough to look like the header of one, or so it might seem at first\n" * 20)
        with pytest.raises(RiskError, match=r"register\.db"):
            Register.open(f"sqlite:///{path}")
