"""Publishing when others publish too, or when the publisher dies."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from risk_pipeline.store.register import Register
from tests.store_workers import result, start
from tests.store_world import run_record


def test_of_two_publishers_that_saw_the_same_parent_one_wins(url: str) -> None:
    Register.open(url).close()
    for attempt in range(2):
        processes = [start("publish_once", url, f"r{attempt}-{which}") for which in "ab"]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [result(process) for process in processes]
        assert sorted(bool(answer["published"]) for answer in answers) == [False, True]
        (refused,) = (answer["message"] for answer in answers if not answer["published"])
        assert "somebody else published meanwhile" in str(refused)
        with Register.open(url) as register:
            winner = f"r{attempt}-{'ab'[[bool(answer['published']) for answer in answers].index(True)]}"
            current = register.current_snapshot()
            assert current is not None
            assert (current.snapshot_id, current.run_id) == (attempt + 1, winner)
            assert {part.run_id for parts in current.parts.values() for part in parts} == {winner}
            loser = register.run(f"r{attempt}-{'ba'['ab'.index(winner[-1])]}")
            assert loser is not None
            assert loser.state == "open"


def test_publishers_that_try_again_lose_nothing(url: str) -> None:
    Register.open(url).close()
    processes = [start("publish_many", url, name, 10) for name in ("x", "y", "z")]
    for process in processes:
        result(process)
    with Register.open(url) as register:
        snapshots = register.snapshots()
        assert [each.snapshot_id for each in snapshots] == list(range(1, 31))
        assert [each.parent_id for each in snapshots] == [None, *range(1, 30)]
        current = register.current_snapshot()
        assert current == snapshots[-1]
        assert {name: [part.run_id for part in parts] for name, parts in snapshots[-1].parts.items()} == {
            name: [f"{name}{number}" for number in range(10)] for name in ("x", "y", "z")
        }


def test_a_publisher_killed_at_any_moment_leaves_a_whole_register(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    Register.open(url).close()
    moments = random.Random(7)
    for attempt in range(4):
        process = start("publish_many", url, f"k{attempt}-", 1000)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.05 + moments.random() / 5)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Register.open(url) as register:
            snapshots = register.snapshots()
            assert snapshots
            assert register.current_snapshot() == snapshots[-1]
            assert [each.snapshot_id for each in snapshots] == list(range(1, len(snapshots) + 1))
            for each in snapshots:
                assert each.part(f"{each.run_id.split('-')[0]}-", each.as_of) is not None
            published = {run.run_id for run in register.runs(states=("published",))}
            assert published == {each.run_id for each in snapshots}
            register.add_run(run_record(f"after{attempt}"))
