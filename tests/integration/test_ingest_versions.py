"""Deliveries over time: snapshot, upsert, append; what is stored again, what is closed, when it was known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.ingest_support import FIRST, HEADER, INVOICE_COLUMNS, Bench

DAY = timedelta(days=1)
ALL = "invoice_id, amount, open, known_from, closed_at, known_assumed"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def deliver(bench: Bench, *amounts: str, name: str = "data.csv") -> dict[str, int]:
    """Deliver invoices as ID=AMOUNT and return the counts that are not zero."""
    rows = [f"{i},C{i},1/2/2024,{a},EUR" for i, a in (each.split("=") for each in amounts)]
    bench.file(name, [HEADER, *rows])
    result = bench.ingest()[-1]
    assert result.state in ("effective", "no_op"), result.message
    return {name.removeprefix("rows_"): count for name, count in result.counts.items() if count}


def at(days: int) -> datetime:
    return (FIRST + days * DAY).replace(tzinfo=None)


def test_a_snapshot_is_the_whole_truth(bench: Bench) -> None:
    bench.feed()
    assert deliver(bench, "A=1", "B=2", "C=3") == {"read": 3, "stored": 3}
    assert deliver(bench, "A=1", "B=5", "D=4") == {"read": 3, "unchanged": 1, "stored": 2, "closed": 2}
    assert bench.rows(columns=ALL) == [
        ("A", Decimal("1.00"), True, at(0), None, False),
        ("B", Decimal("2.00"), False, at(0), at(1), False),
        ("C", Decimal("3.00"), False, at(0), at(1), False),
        ("B", Decimal("5.00"), True, at(1), None, False),
        ("D", Decimal("4.00"), True, at(1), None, False),
    ]


def test_snapshots_a_b_a_go_back_to_a(bench: Bench) -> None:
    bench.feed()
    deliver(bench, "A=1", "B=2")
    deliver(bench, "A=9", "B=2")
    assert deliver(bench, "A=1", "B=2") == {"read": 2, "unchanged": 1, "stored": 1, "closed": 1}
    assert bench.rows(columns="invoice_id, amount", where="open") == [("B", Decimal("2.00")), ("A", Decimal("1.00"))]
    assert deliver(bench, "A=1", "B=2") == {}
    assert [each.state for each in bench.register.deliveries()] == ["effective", "effective", "effective", "no_op"]
    assert "delivery 3" in bench.register.deliveries()[-1].message


def test_a_mended_mapping_is_a_new_delivery_of_the_same_file(bench: Bench) -> None:
    bench.feed()
    deliver(bench, "A=1")
    bench.feed(columns={**INVOICE_COLUMNS, "amount": {"from": "amount", "negate": True}})
    assert deliver(bench, "A=1") == {"read": 1, "stored": 1, "closed": 1}
    bench.feed(
        columns={**INVOICE_COLUMNS, "amount": {"from": "amount", "negate": True}, "order_id": {"from": "id", "nulls": ["A"]}}
    )
    assert deliver(bench, "A=1") == {"read": 1, "unchanged": 1}, "a further, empty column changes no row"
    assert bench.rows(columns="amount", where="open") == [(Decimal("-1.00"),)]


def test_an_upsert_touches_only_the_keys_it_names(bench: Bench) -> None:
    bench.feed(delivery="upsert", path="in/*.csv")
    deliver(bench, "A=1", "B=2", name="in/1.csv")
    assert deliver(bench, "B=3", "C=4", "A=1", name="in/2.csv") == {"read": 3, "unchanged": 1, "stored": 2, "closed": 1}
    assert bench.rows(columns="invoice_id, amount", where="open") == [
        ("A", Decimal("1.00")), ("B", Decimal("3.00")), ("C", Decimal("4.00"))
    ]  # fmt: skip
    states = [(each.state, each.files[0]["name"]) for each in bench.register.deliveries()]
    assert states == [("effective", "in/1.csv"), ("effective", "in/2.csv")]


def test_an_append_never_changes_a_key(bench: Bench) -> None:
    bench.feed(delivery="append", path="in/*.csv")
    deliver(bench, "A=1", "B=2", name="in/1.csv")
    assert deliver(bench, "A=1", "B=3", "C=4", name="in/2.csv") == {"read": 3, "rejected": 1, "unchanged": 1, "stored": 1}
    assert bench.quarantine() == [(3, "duplicate_key", "", "B")]
    assert bench.rows(columns="invoice_id, amount, open") == [
        ("A", Decimal("1.00"), True), ("B", Decimal("2.00"), True), ("C", Decimal("4.00"), True)
    ]  # fmt: skip


def test_appended_files_are_taken_once_each_in_name_order(bench: Bench) -> None:
    bench.feed(delivery="append", path="in/*.csv")
    bench.file("in/b.csv", [HEADER, "B,C1,1/2/2024,2,EUR"])
    bench.file("in/a.csv", [HEADER, "A,C1,1/2/2024,1,EUR"])
    assert [each.state for each in bench.ingest()] == ["effective", "effective"]
    bench.file("in/c.csv", [HEADER, "C,C1,1/2/2024,3,EUR"])
    assert [each.state for each in bench.ingest()] == ["effective"]
    assert bench.rows(columns="invoice_id, source_file, delivery_id") == [
        ("A", "in/a.csv", 1), ("B", "in/b.csv", 2), ("C", "in/c.csv", 3)
    ]  # fmt: skip


def test_the_files_of_a_snapshot_are_one_delivery(bench: Bench) -> None:
    bench.feed(path="in/*.csv")
    bench.file("in/b.csv", [HEADER, "B,C1,1/2/2024,2,EUR"])
    bench.file("in/a.csv", ["currency;amount;id;customer;date", "EUR;1;A;C1;1/2/2024", "EUR;1;A2;C1;1/2/2024"])
    result = bench.one()
    assert result.counts["rows_stored"] == 3
    where = [(1 << 40, "in/a.csv", 2), ((1 << 40) + 1, "in/a.csv", 3), ((1 << 40) + 2, "in/b.csv", 2)]
    assert bench.rows(columns="row_id, source_file, source_line") == where
    assert [(each["name"], each["rows"], each["delimiter"]) for each in result.delivery.files] == [
        ("in/a.csv", 2, ";"), ("in/b.csv", 1, ",")
    ]  # fmt: skip
    (bench.workspace.root / "in/b.csv").unlink()
    assert bench.one().counts["rows_closed"] == 1


def test_a_row_that_cannot_be_read_does_not_close_what_was_known_of_it(bench: Bench) -> None:
    bench.feed(assertions={"max_drop_pct": 100})
    deliver(bench, "A=1", "B=2", "C=3", "D=4")
    counts = deliver(bench, "A=1", "B=oops", "C=3", "C=4")
    assert counts == {"read": 4, "rejected": 3, "unchanged": 1, "closed": 1}
    assert bench.rows(columns="invoice_id", where="open") == [("A",), ("B",), ("C",)], "only D is really gone"


def test_known_from_can_be_the_end_of_the_event_day(tmp_path: Path) -> None:
    bench = Bench(tmp_path, time_zone="Asia/Shanghai")
    bench.feed(known_at="event_date")
    deliver(bench, "A=1", "B=2")
    event = datetime(2024, 1, 2, 15, 59, 59, 999999, UTC).replace(tzinfo=None)
    assert bench.rows(columns="known_from, known_assumed") == [(event, True)] * 2
    deliver(bench, "A=3", "C=4")
    deliver(bench, "A=3", "B=2", "C=4")
    assert bench.rows(columns=ALL) == [
        ("A", Decimal("1.00"), False, event, at(1), True),
        ("B", Decimal("2.00"), False, event, at(1), True),
        ("A", Decimal("3.00"), True, at(1), None, False),  # supersedes: known now
        ("C", Decimal("4.00"), True, event, None, True),
        ("B", Decimal("2.00"), True, at(2), None, False),  # re-appears: known now
    ]
    assert bench.register.deliveries()[0].known_assumption == "invoice_date"
    parts = bench.store.parts("invoice", datetime(2024, 1, 2, 16, tzinfo=UTC))
    assert (parts.row_count, parts.known_assumed_any, len(parts.paths), len(parts.closure_paths)) == (3, True, 3, 1)
    assert bench.store.parts("invoice", datetime(2024, 1, 2, 15, tzinfo=UTC)).row_count == 0
    bench.close()


@pytest.mark.parametrize(
    ("rule", "known", "assumed"),
    [
        ("ingest", FIRST, False),
        ("event_date", datetime(2024, 1, 2, 23, 59, 59, 999999, UTC), True),
        ({"event_date_plus_days": 5}, datetime(2024, 1, 7, 23, 59, 59, 999999, UTC), True),
        ({"event_date_plus_days": 500}, FIRST, False),
        ({"from": "entry_date"}, datetime(2024, 1, 9, 23, 59, 59, 999999, UTC), True),
    ],
)
def test_known_at_rules(bench: Bench, rule: object, known: datetime, assumed: bool) -> None:
    bench.file("data.csv", [HEADER + ",entered", "A,C1,1/2/2024,1,EUR,2024-01-09"])
    bench.feed(columns={**INVOICE_COLUMNS, "entry_date": {"from": "entered"}}, known_at=rule)
    bench.one(now=FIRST)
    assert bench.rows(columns="known_from, known_assumed") == [(known.replace(tzinfo=None), assumed)]


def test_without_the_date_known_from_is_the_ingest(bench: Bench) -> None:
    bench.file("data.csv", [HEADER + ",entered", "A,C1,1/2/2024,1,EUR,"])
    bench.feed(columns={**INVOICE_COLUMNS, "entry_date": {"from": "entered"}}, known_at={"from": "entry_date"})
    bench.one(now=FIRST)
    assert bench.rows(columns="known_from, known_assumed") == [(at(0), False)]


def test_a_feed_never_delivered_has_no_parts(bench: Bench) -> None:
    parts = bench.store.parts("payment", FIRST)
    assert (parts.paths, parts.closure_paths, parts.row_count, parts.known_assumed_any) == ((), (), 0, False)


def test_many_parts_are_compacted_with_their_closures(bench: Bench) -> None:
    columns = f"row_id, row_hash, source_file, source_line, delivery_id, {ALL}"
    bench.feed(delivery="upsert")
    before_last: list[tuple[object, ...]] = []
    for number in range(9):
        bench.file("data.csv", [HEADER, f"K,C1,1/2/2024,{number},EUR", f"N{number},C{number},1/2/2024,1,EUR"])
        before_last = bench.rows(columns=columns)
        bench.one()
        assert len(bench.store.history("invoice")[0]) == (number + 1 if number < 8 else 1)
    parts, closures = bench.store.history("invoice")
    assert (len(parts), len(closures)) == (1, 0)
    after = bench.rows(columns=columns)
    expected = [(*row[:7], False, row[8], at(8), row[10]) if row[5] == "K" and row[7] else row for row in before_last]
    assert after[: len(before_last)] == expected, "compaction keeps row_ids, hashes, origins and versions"
    assert len(after) == 18
    assert sum(row[7] is True for row in after) == 10
    assert bench.store.parts("invoice", bench.now).row_count == 18
    assert [each.delivery_id for each in bench.register.effective_deliveries("invoice")] == list(range(1, 10)), "numbers stay"
    bench.file("data.csv", [HEADER, "K,C1,1/2/2024,99,EUR"])
    assert bench.one().counts["rows_closed"] == 1


def test_stored_content_does_not_depend_on_the_order_of_rows(tmp_path: Path) -> None:
    rows = [f"I{n},C{n % 7},{n % 12 + 1}/{n % 28 + 1}/2023,{n}.50,EUR" for n in range(500)]
    contents = []
    for name, order in (("one", rows), ("two", rows[::-1]), ("three", rows[250:] + rows[:250])):
        bench = Bench(tmp_path / name)
        bench.file("data.csv", [HEADER, *order])
        bench.feed()
        bench.one()
        contents.append(sorted(bench.rows(columns="invoice_id, customer_id, invoice_date, amount, row_hash, bucket")))
        bench.close()
    assert contents[0] == contents[1] == contents[2]


def test_parts_are_sorted_by_bucket_and_customer(bench: Bench) -> None:
    import hashlib

    import pyarrow.parquet as pq

    bench.file("data.csv", [HEADER, *(f"I{n},C{n % 97},1/2/2024,1,EUR" for n in range(2000))])
    bench.feed()
    bench.one()
    [path] = bench.store.history("invoice")[0]
    rows = pq.read_table(path, columns=["bucket", "customer_id"]).to_pylist()
    places = [(row["bucket"], row["customer_id"]) for row in rows]
    assert places == sorted(places)
    for bucket, customer in set(places):
        assert bucket == int(hashlib.md5(customer.encode()).hexdigest()[:8], 16) % 32
