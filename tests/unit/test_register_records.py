"""The snapshot that follows another: what is replaced, added and kept, and in which order."""

from __future__ import annotations

from datetime import date

from risk_pipeline.store.register import Part, SnapshotRecord
from tests.store_world import FEBRUARY, JANUARY, MARCH, NOW


def part(as_of: date, run_id: str, rows: int = 1) -> Part:
    return Part(as_of=as_of, run_id=run_id, path=f"{run_id}.parquet", rows=rows)


def follow(parent: SnapshotRecord | None, as_of: date, run_id: str, *tables: str) -> SnapshotRecord:
    parts = {name: part(as_of, run_id) for name in tables}
    return SnapshotRecord.following(parent, run_id=run_id, as_of=as_of, published_at=NOW, parts=parts)


def test_the_first_snapshot_has_no_parent() -> None:
    first = follow(None, JANUARY, "r1", "factor.exposure")
    assert (first.snapshot_id, first.parent_id, first.n_tables, first.n_rows) == (1, None, 1, 1)


def test_parts_are_ascending_by_date_whatever_the_order_of_publication() -> None:
    snapshot = None
    for as_of, run_id in ((FEBRUARY, "r2"), (MARCH, "r3"), (JANUARY, "r1")):
        snapshot = follow(snapshot, as_of, run_id, "factor.exposure")
    assert snapshot is not None
    assert [each.run_id for each in snapshot.parts["factor.exposure"]] == ["r1", "r2", "r3"]
    assert snapshot.dates() == [JANUARY, FEBRUARY, MARCH]
    assert snapshot.snapshot_id == 3


def test_a_date_published_again_replaces_its_part_and_leaves_the_parent_as_it_was() -> None:
    first = follow(None, JANUARY, "r1", "factor.exposure", "mart.current_risk")
    again = follow(first, JANUARY, "r1b", "factor.exposure")
    assert again.parts["factor.exposure"] == (part(JANUARY, "r1b"),)
    assert again.parts["mart.current_risk"] == (part(JANUARY, "r1"),)
    assert first.parts["factor.exposure"] == (part(JANUARY, "r1"),)


def test_part_finds_a_date_or_the_newest() -> None:
    snapshot = follow(follow(None, JANUARY, "r1", "factor.exposure"), FEBRUARY, "r2", "factor.exposure")
    assert snapshot.part("factor.exposure", JANUARY) == part(JANUARY, "r1")
    assert snapshot.part("factor.exposure") == part(FEBRUARY, "r2")
    assert snapshot.part("factor.exposure", MARCH) is None
    assert snapshot.part("score.risk_score") is None
