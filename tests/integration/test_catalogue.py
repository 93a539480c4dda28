"""What an analyst finds in the catalogue: the published rows, in the shape and with the words of the contracts."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from risk_pipeline.contracts import STORE_COLUMNS, TABLES, table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.errors import RiskError
from risk_pipeline.store.lake import file_sha256
from risk_pipeline.store.register import CheckRecord
from tests.store_world import FEBRUARY, JANUARY, MARCH, NOW, StoreWorld, delivery_record, run_record

EXPOSURE, MART, SCORE = "factor.exposure", "mart.current_risk", "score.risk_score"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    world = StoreWorld(tmp_path)
    yield world
    world.register.close()


def exposures(*rows: tuple[str, str]) -> list[dict[str, object]]:
    return [{"customer_id": customer, "open_exposure": Decimal(amount)} for customer, amount in rows]


def test_a_new_warehouse_has_every_table_empty_and_in_shape(world: StoreWorld) -> None:
    world.rebuild()
    found: dict[str, list[tuple[str, str]]] = {}
    for schema, name, column, kind in world.query(
        "SELECT table_schema, table_name, column_name, data_type FROM information_schema.columns ORDER BY ordinal_position"
    ):
        found.setdefault(f"{schema}.{name}", []).append((column, kind))
    declared = {
        name: [(c.name, DUCKDB_TYPE[c.kind]) for c in (*each.columns, *(STORE_COLUMNS if each.layer == "feed" else ()))]
        for name, each in TABLES.items()
    }
    assert found == declared
    assert [name for name in TABLES if world.query(f"SELECT count(*) FROM {name}") != [(0,)]] == []


def test_comments_are_those_of_the_contracts_in_both_languages(world: StoreWorld) -> None:
    world.rebuild()
    views = dict(world.query("SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE NOT internal"))
    tables = dict(world.query("SELECT schema_name || '.' || table_name, comment FROM duckdb_tables()"))
    assert views | tables == {name: f"{each.en} / {each.zh}" for name, each in TABLES.items()}
    columns = world.query(
        "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name || '.' || table_name = 'factor.exposure'"
    )
    for name, comment in columns:
        field = table(EXPOSURE).column(name).field
        assert comment.startswith(f"{field.en} / {field.zh}")
        assert field.unit in comment
    assert len(columns) == len(table(EXPOSURE).columns)


def test_every_published_date_is_there_and_the_mart_shows_the_newest(world: StoreWorld) -> None:
    for run_id, as_of in (("r2", FEBRUARY), ("r3", MARCH), ("r1", JANUARY)):
        world.publish(run_id, as_of, {EXPOSURE: exposures(("C1", "10.05")), MART: [{"customer_id": "C1"}]})
    world.rebuild()
    rows = world.query(f"SELECT as_of, run_id, open_exposure FROM {EXPOSURE} ORDER BY as_of")
    assert rows == [(d, r, Decimal("10.05")) for d, r in ((JANUARY, "r1"), (FEBRUARY, "r2"), (MARCH, "r3"))]
    assert world.query(f"SELECT as_of FROM {MART}") == [(MARCH,)]


def test_a_date_published_again_shows_the_new_run_and_keeps_the_old_file(world: StoreWorld) -> None:
    first = world.publish("r1", JANUARY, {EXPOSURE: exposures(("C1", "1.00"), ("C2", "2.00")), MART: [{"customer_id": "C1"}]})
    world.publish("r1b", JANUARY, {EXPOSURE: exposures(("C1", "3.00")), MART: [{"customer_id": "C1"}]})
    world.rebuild()
    assert world.query(f"SELECT run_id, open_exposure FROM {EXPOSURE}") == [("r1b", Decimal("3.00"))]
    assert world.query(f"SELECT run_id FROM {MART}") == [("r1b",)]
    old = first.part(EXPOSURE)
    assert old is not None
    assert world.lake.absolute(old.path).exists()


def test_a_column_that_no_file_or_only_newer_files_have_is_null(world: StoreWorld) -> None:
    world.publish("r1", JANUARY, {EXPOSURE: [], SCORE: []})
    world.publish(
        "r2", FEBRUARY, {EXPOSURE: exposures(("C1", "5.00")), SCORE: [{"customer_id": "C1", "grade": "A", "score": 80.0}]}
    )
    old = world.lake.part_path("factor", "exposure", JANUARY, "r1")
    world.write(old, EXPOSURE, [{"as_of": JANUARY, "run_id": "r1", "customer_id": "C1"}], without=["open_exposure"])
    for as_of, run_id in ((JANUARY, "r1"), (FEBRUARY, "r2")):
        path = world.lake.part_path("score", "risk_score", as_of, run_id)
        world.write(path, SCORE, [{"as_of": as_of, "run_id": run_id, "customer_id": "C1"}], without=["grade"])
    world.rebuild()
    assert world.query(f"SELECT open_exposure FROM {EXPOSURE} ORDER BY as_of") == [(None,), (Decimal("5.00"),)]
    assert world.query(f"SELECT grade, typeof(grade) FROM {SCORE}") == [(None, "VARCHAR")] * 2


def test_a_type_that_differs_in_a_file_is_cast_to_the_contract(world: StoreWorld) -> None:
    world.publish("r1", JANUARY, {EXPOSURE: exposures(("C1", "5.00"))})
    path = world.lake.part_path("factor", "exposure", JANUARY, "r1")
    with world.lake.write_atomic(path) as temporary, duckdb.connect() as connection:
        columns = "DATE '2024-01-31' AS as_of, 'C1' AS customer_id, 'r1' AS run_id, 3::INTEGER AS n_open_invoices"
        connection.execute(f"COPY (SELECT {columns}, 5.25::DOUBLE AS open_exposure) TO '{temporary}' (FORMAT parquet)")
    world.rebuild()
    row = world.query(f"SELECT typeof(n_open_invoices), typeof(open_exposure), open_exposure FROM {EXPOSURE}")
    assert row == [("BIGINT", "DECIMAL(18,2)", Decimal("5.25"))]


class TestFeeds:
    def test_a_feed_shows_the_rows_no_later_delivery_closed(self, world: StoreWorld) -> None:
        first = world.deliver("invoice", [{"invoice_id": "A"}, {"invoice_id": "B"}, {"invoice_id": "C"}])
        world.deliver("invoice", [{"invoice_id": "B", "amount": Decimal("2.00")}], closes=[first.delivery_id * 2**40 + 1])
        world.rebuild()
        rows = world.query("SELECT invoice_id, amount, delivery_id FROM feed.invoice ORDER BY 1")
        assert rows == [("A", None, 1), ("B", Decimal("2.00"), 2), ("C", None, 1)]

    def test_there_is_no_join_when_nothing_is_closed(self, world: StoreWorld) -> None:
        world.deliver("invoice", [{"invoice_id": "A"}])
        world.rebuild()
        ((sql,),) = world.query("SELECT sql FROM duckdb_views() WHERE schema_name = 'feed' AND view_name = 'invoice'")
        assert "ANTI JOIN" not in sql

    def test_a_compacted_part_is_read_once_without_the_rows_closed_in_it(self, world: StoreWorld) -> None:
        world.deliver("invoice", [{"invoice_id": "A"}])
        world.deliver("invoice", [{"invoice_id": "B"}], closes=[2**40])
        compacted = world.lake.root / "feed" / "invoice" / "compacted.parquet"
        closed = {"invoice_id": "A", "known_to": NOW.replace(tzinfo=None)}
        world.write(compacted, "feed.invoice", [closed, {"invoice_id": "B"}])
        world.register.replace_parts("invoice", [1, 2], world.lake.relative(compacted), file_sha256(compacted), NOW)
        world.rebuild()
        assert world.query("SELECT invoice_id FROM feed.invoice") == [("B",)]

    def test_only_deliveries_in_effect_count(self, world: StoreWorld) -> None:
        world.deliver("invoice", [{"invoice_id": "A"}])
        world.deliver("invoice", [{"invoice_id": "B"}], state="refused")
        revoked = world.deliver("invoice", [{"invoice_id": "C"}], state="revoked")
        world.deliver("invoice", [], closes=[revoked.delivery_id * 2**40], delivery_kind="revocation")
        world.rebuild()
        assert world.query("SELECT invoice_id FROM feed.invoice") == [("A",)]


class TestAudit:
    def test_runs_deliveries_snapshots_and_checks_come_from_the_register(self, world: StoreWorld) -> None:
        manifest = {"deliveries": [1], "注": "首次"}
        world.publish("r1", JANUARY, {EXPOSURE: exposures(("C1", "1.00"))})
        world.register.add_run(run_record("r2", FEBRUARY, state="failed", previous_run_id="r1", manifest=manifest))
        world.register.add_delivery(delivery_record(1, rows_read=3, rows_stored=3, warnings={"b": 1, "a": 2}))
        failed = CheckRecord(
            run_id="r2", stage="factor", check_name="key", table_name=EXPOSURE, severity="error", passed=False, n_failed=2,
            detail="C1, C2", checked_at=NOW,
        )  # fmt: skip
        world.register.add_checks([failed])
        world.rebuild()
        utc = NOW.replace(tzinfo=None)
        assert world.query("SELECT run_id, state, ended_at, stale_previous FROM audit.run") == [
            ("r1", "published", utc, False),
            ("r2", "failed", None, False),
        ]
        ((text,),) = world.query("SELECT manifest FROM audit.run WHERE run_id = 'r2'")
        assert json.loads(text) == manifest
        assert "首次" in text
        assert world.query("SELECT feed, rows_stored, received_at, warnings FROM audit.delivery") == [
            ("invoice", 3, utc, '{"a":2,"b":1}')
        ]
        assert world.query("SELECT snapshot_id, parent_id, as_of, n_tables, n_rows FROM audit.snapshot") == [
            (1, None, JANUARY, 1, 1)
        ]
        assert world.query("SELECT check_name, passed, n_failed, checked_at FROM audit.check_result") == [("key", False, 2, utc)]

    def test_rejected_rows_of_refused_deliveries_are_there_too(self, world: StoreWorld) -> None:
        for number, state in ((1, "effective"), (2, "refused")):
            path = world.lake.quarantine_part(number)
            row = {"delivery_id": number, "source_file": "a.csv", "source_line": 7, "rule": "required", "feed": "invoice"}
            world.write(path, "audit.quarantine", [row])
            world.register.add_delivery(delivery_record(number, state=state, quarantine_path=world.lake.relative(path)))
        world.rebuild()
        assert world.query("SELECT delivery_id, rule FROM audit.quarantine ORDER BY 1") == [(1, "required"), (2, "required")]


class TestTheFile:
    def test_it_is_read_only_and_alone(self, world: StoreWorld) -> None:
        world.rebuild()
        world.rebuild()
        assert stat.S_IMODE(world.catalogue.stat().st_mode) == 0o440
        beside = {path.name for path in world.warehouse.iterdir() if not path.name.startswith("register.db")}
        assert beside == {"risk.duckdb", ".risk.duckdb.lock"}

    @pytest.mark.parametrize("name", ["moved", "with 'quote", "a[1]b", "a*b", "k=v", "客户风险"])
    def test_a_moved_workspace_is_rebuilt_where_it_is(self, tmp_path: Path, name: str) -> None:
        before = StoreWorld(tmp_path / "here")
        before.publish("r1", JANUARY, {EXPOSURE: exposures(("C1", "1.00"))})
        first = before.deliver("invoice", [{"invoice_id": "A"}, {"invoice_id": "B"}])
        before.deliver("invoice", [], closes=[first.delivery_id * 2**40])
        before.rebuild()
        before.register.close()
        shutil.move(tmp_path / "here", tmp_path / name)
        after = StoreWorld(tmp_path / name)
        with pytest.raises(duckdb.IOException, match="here"):
            after.query(f"SELECT * FROM {EXPOSURE}")
        after.rebuild()
        assert after.query(f"SELECT customer_id FROM {EXPOSURE}") == [("C1",)]
        assert after.query("SELECT invoice_id FROM feed.invoice") == [("B",)]
        after.register.close()

    def test_a_missing_file_is_named_and_the_catalogue_in_place_stays(self, world: StoreWorld) -> None:
        world.publish("r1", JANUARY, {EXPOSURE: exposures(("C1", "1.00"))})
        world.rebuild()
        snapshot = world.publish("r2", FEBRUARY, {EXPOSURE: exposures(("C1", "2.00"))})
        lost = snapshot.part(EXPOSURE, FEBRUARY)
        assert lost is not None
        world.lake.absolute(lost.path).unlink()
        with pytest.raises(RiskError, match=r"factor\.exposure.*r2\.parquet") as caught:
            world.rebuild()
        assert "catalogue rebuild" in caught.value.remedy
        assert world.query(f"SELECT run_id FROM {EXPOSURE}") == [("r1",)]
        assert not list(world.warehouse.glob("*.building*"))

    def test_too_many_files_ask_for_compaction(self, world: StoreWorld) -> None:
        for number in range(1, 502):
            world.register.add_delivery(delivery_record(number, part_path=f"feed/invoice/{number:08d}.parquet"))
        with pytest.raises(RiskError, match=r"feed\.invoice has 501 files.*500") as caught:
            world.rebuild()
        assert "compact" in caught.value.remedy
        assert not world.catalogue.exists()

    def test_a_log_left_by_somebody_who_wrote_into_the_old_file_does_not_spoil_the_new_one(self, world: StoreWorld) -> None:
        world.rebuild()
        world.catalogue.chmod(0o640)
        with duckdb.connect(world.catalogue) as intruder:
            intruder.execute("SET wal_autocheckpoint = '1GB'")
            intruder.execute("CREATE TABLE mine (a INTEGER)")
            log = world.catalogue.with_name("risk.duckdb.wal").read_bytes()
        world.catalogue.with_name("risk.duckdb.wal").write_bytes(log)
        world.rebuild()
        assert world.query(f"SELECT count(*) FROM {EXPOSURE}") == [(0,)]


def test_dates_and_times_are_those_of_the_files(world: StoreWorld) -> None:
    row = {"invoice_id": "A", "invoice_date": date(2024, 1, 1), "known_from": datetime(2024, 1, 2, 3, 4, 5, 6)}  # noqa: DTZ001
    world.deliver("invoice", [row])
    world.rebuild()
    assert world.query("SELECT invoice_date, known_from FROM feed.invoice") == [(row["invoice_date"], row["known_from"])]
