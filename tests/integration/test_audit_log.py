"""The audit log on SQLite and on PostgreSQL: what is recorded, and that nothing in it can be changed unseen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from risk_pipeline.errors import Refused
from risk_pipeline.store.register import Event, Register, SnapshotRecord
from tests.store_workers import result, start
from tests.store_world import FEBRUARY, JANUARY, NOW, StoreWorld, delivery_record, run_record


def event(number: int, **changes: object) -> Event:
    values = {"at": NOW, "actor": "李雷", "action": "finding.cleared", "subject": f"finding {number}"}
    return Event(**(values | changes))  # type: ignore[arg-type]


def altered(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_an_event_comes_back_as_it_was_put_in(register: Register) -> None:
    detail = {"reason": "同名不同人", "score": 0.87, "rows": 3, "earlier": None, "list": ["a", {"b": True}]}
    shanghai = datetime(2024, 7, 1, 7, 0, 0, 5, tzinfo=timezone(timedelta(hours=8)))
    put = register.add_event(event(1, detail=detail, at=shanghai))
    assert register.events() == [put]
    assert (put.seq, put.previous_hash, put.actor, dict(put.detail)) == (1, "", "李雷", detail)
    assert put.at == shanghai
    assert put.at.tzinfo is UTC
    assert put.intact


def test_the_hash_is_that_of_the_canonical_json(register: Register) -> None:
    """Computed by hand: keys sorted by UTF-16, no blanks, numbers as ECMAScript writes them, UTF-8."""
    import hashlib

    first = register.add_event(event(1, detail={"b": 1.0, "a": "€"}))
    canonical = (
        '{"action":"finding.cleared","actor":"李雷","at":"2024-07-01T12:30:15.123456+00:00","detail":{"a":"€","b":1},'
        '"previous_hash":"","seq":1,"subject":"finding 1"}'
    )
    assert first.hash == hashlib.sha256(canonical.encode()).hexdigest()
    assert register.add_event(event(2)).previous_hash == first.hash


def test_deliveries_and_publications_are_recorded_with_what_they_did(register: Register) -> None:
    register.add_delivery(delivery_record(1, rows_read=5, rows_stored=4, rows_rejected=1))
    register.add_delivery(delivery_record(2, state="refused", message="too few rows"))
    register.add_delivery(delivery_record(3, state="no_op"))
    register.add_run(run_record("r1"))
    register.publish_snapshot(SnapshotRecord.following(None, run_id="r1", as_of=JANUARY, published_at=NOW, parts={}), None)
    assert [(each.action, each.subject) for each in register.events()] == [
        ("delivery.effective", "delivery 1"),
        ("delivery.refused", "delivery 2"),
        ("delivery.no_op", "delivery 3"),
        ("run.opened", "run r1"),
        ("run.published", "run r1"),
    ]
    assert register.events(subject="delivery 1")[0].detail["rows_rejected"] == 1
    assert register.events(action="delivery.refused")[0].detail["message"] == "too few rows"
    assert register.broken_event() is None


def test_what_did_not_happen_is_not_recorded(register: Register) -> None:
    register.add_delivery(delivery_record(1))
    with pytest.raises(Refused):
        register.add_delivery(delivery_record(1, "payment"))
    register.add_run(run_record("late", FEBRUARY))
    with pytest.raises(Refused):
        register.publish_snapshot(SnapshotRecord.following(None, run_id="x", as_of=JANUARY, published_at=NOW, parts={}), None)
    with pytest.raises(ValueError, match="9007199254740993"):
        register.add_event(event(1, detail={"row_id": 2**53 + 1}))
    assert [each.action for each in register.events()] == ["delivery.effective", "run.opened"]
    assert register.add_event(event(2)).seq == 3
    assert register.broken_event() is None


def test_a_revocation_is_recorded_whole_or_not_at_all(register: Register) -> None:
    register.add_delivery(delivery_record(1))
    register.add_delivery(delivery_record(2, delivery_kind="replay", origin_delivery_id=1))
    revoked = event(1, action="delivery.revoked", subject="delivery 1")
    undoing = delivery_record(3, delivery_kind="revocation", origin_delivery_id=1)
    with pytest.raises(Refused, match=r"\[9\] are not in effect"):
        register.add_revocation(undoing, [1, 9], revoked)
    assert [each.state for each in register.deliveries()] == ["effective", "effective"]
    register.add_revocation(undoing, [1, 2], revoked)
    assert [each.state for each in register.deliveries()] == ["revoked", "revoked", "effective"]
    assert register.deliveries()[2] == undoing
    assert register.source_deliveries("invoice") == []
    assert [each.delivery_id for each in register.stored_deliveries("invoice")] == [1, 2, 3]
    assert [each.action for each in register.events()] == ["delivery.effective", "delivery.effective", "delivery.revoked"]
    assert register.broken_event() is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE event SET actor = 'nobody' WHERE seq = 2", 2),
        ("UPDATE event SET detail_json = '{\"n\": 7}' WHERE seq = 3", 3),
        ("UPDATE event SET happened_at = '2024-06-30 00:00:00' WHERE seq = 1", 1),
        ("DELETE FROM event WHERE seq = 2", 2),
        ("DELETE FROM event WHERE seq = 4", 4),
        ("DELETE FROM event", 1),
        ("INSERT INTO event SELECT 5, happened_at, actor, action, subject, detail_json, hash, hash FROM event WHERE seq = 4", 5),
    ],
)
def test_a_change_by_hand_is_found(url: str, register: Register, statement: str, broken: int) -> None:
    for number in range(1, 5):
        register.add_event(event(number, detail={"n": number}))
    assert register.broken_event() is None
    altered(url, statement)
    assert register.broken_event() == broken


def test_processes_that_write_at_once_make_one_chain(url: str, register: Register) -> None:
    writers = [start("write_events", url, name, 25) for name in ("a", "b", "c")]
    for each in writers:
        assert each.stdout is not None
        assert each.stdout.readline().strip() == "ready"
    for each in writers:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    assert [result(each) for each in writers] == [{"written": 25}] * 3
    chain = register.events()
    assert [each.seq for each in chain] == list(range(1, 76))
    assert {each.actor for each in chain} == {"a", "b", "c"}
    assert register.broken_event() is None


def test_the_catalogue_shows_the_log(tmp_path: Path) -> None:
    world = StoreWorld(tmp_path)
    put = world.register.add_event(event(1, detail={"reason": "同名"}))
    world.rebuild()
    assert world.query("SELECT seq, actor, action, detail_json, hash, happened_at FROM audit.event") == [
        (1, "李雷", "finding.cleared", '{"reason":"同名"}', put.hash, NOW.replace(tzinfo=None))
    ]
    world.register.close()
