"""Readers of the catalogue while it is published, and builds that die."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.store_workers import TABLES, result, start
from tests.store_world import JANUARY, StoreWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    world = StoreWorld(tmp_path)
    yield world
    world.register.close()


def publish(world: StoreWorld, run_id: str) -> None:
    rows = [{"customer_id": f"C{number}"} for number in range(20)]
    world.publish(run_id, JANUARY, dict.fromkeys(TABLES, rows))


@pytest.mark.slow
def test_readers_see_no_error_and_no_mixture_while_thirty_runs_publish(world: StoreWorld, tmp_path: Path) -> None:
    publish(world, "r1")
    world.rebuild()
    stop = tmp_path / "stop"
    readers = [start("read", world.catalogue, stop) for _ in range(2)]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for number in range(2, 32):
        publish(world, f"r{number}")
        world.rebuild()
    stop.touch()
    answers = [result(reader) for reader in readers]
    assert [answer["errors"] for answer in answers] == [{}, {}]
    assert [answer["mixed"] for answer in answers] == [0, 0]
    assert [answer["backwards"] for answer in answers] == [False] * 2
    # Proof that the readers ran while the file was being replaced.
    assert min(int(str(answer["versions"])) for answer in answers) >= 10


def test_a_connection_held_open_keeps_the_version_it_was_opened_on(tmp_path: Path, world: StoreWorld) -> None:
    publish(world, "r1")
    world.rebuild()
    with duckdb.connect(world.catalogue, read_only=True) as held:
        assert held.execute(f"SELECT DISTINCT run_id FROM {TABLES[0]}").fetchall() == [("r1",)]
        publish(world, "r2")
        assert result(start("build", tmp_path)) == {}
        for table in TABLES:
            assert held.execute(f"SELECT DISTINCT run_id FROM {table}").fetchall() == [("r1",)]
    assert world.query(f"SELECT DISTINCT run_id FROM {TABLES[0]}") == [("r2",)]


def test_a_build_killed_halfway_leaves_the_old_catalogue_and_is_swept(world: StoreWorld, tmp_path: Path) -> None:
    publish(world, "r1")
    world.rebuild()
    publish(world, "r2")
    left = set()
    for delay in (0.0, 0.03, 0.06, 0.09, 0.12):
        builder = start("build", tmp_path)
        while not (begun := building(world) - left):
            assert builder.poll() is None
            time.sleep(0.001)
        time.sleep(delay)
        builder.send_signal(signal.SIGKILL)
        builder.communicate()
        left = building(world)
        shown = world.query(f"SELECT DISTINCT run_id FROM {TABLES[0]} UNION ALL SELECT DISTINCT run_id FROM {TABLES[1]}")
        assert shown in ([("r1",), ("r1",)], [("r2",), ("r2",)])
        if begun & left:
            assert shown == [("r1",), ("r1",)]
            break
    else:
        pytest.fail("no build was caught halfway")
    world.rebuild()
    assert building(world) == set()
    assert world.query(f"SELECT DISTINCT run_id FROM {TABLES[0]}") == [("r2",)]


def test_a_full_disk_is_said_and_leaves_the_old_catalogue(world: StoreWorld, tmp_path: Path) -> None:
    publish(world, "r1")
    world.rebuild()
    publish(world, "r2")
    answer = result(start("build_on_a_full_disk", tmp_path))
    assert "cannot be written" in str(answer["message"])
    assert "catalogue rebuild" in str(answer["remedy"])
    assert building(world) == set()
    assert world.query(f"SELECT DISTINCT run_id FROM {TABLES[0]}") == [("r1",)]


def test_builds_at_the_same_time_wait_for_each_other(world: StoreWorld, tmp_path: Path) -> None:
    publish(world, "r1")
    builders = [start("build", tmp_path) for _ in range(3)]
    assert [result(builder) for builder in builders] == [{}, {}, {}]
    assert world.query(f"SELECT DISTINCT run_id FROM {TABLES[1]}") == [("r1",)]
    assert building(world) == set()


def building(world: StoreWorld) -> set[Path]:
    return set(world.warehouse.glob(".*.building*"))
