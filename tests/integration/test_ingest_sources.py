"""Ingest from sources of more forms: wide tables read long, and globs whose files appear one after another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.feeds.files import take_receipt
from tests.ingest_support import HEADER, Bench

FX_COLUMNS: dict[str, dict[str, Any]] = {
    "currency": {"from": "currency"},
    "rate_date": {"from": "Date"},
    "rate": {"from": "rate"},
}
UNPIVOT = {"keep": ["Date"], "name": "currency", "value": "rate", "drop_nulls": ["", "N/A"]}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def wide_feed(bench: Bench, **keys: Any) -> None:
    source = {"unpivot": UNPIVOT, **keys.pop("source", {})}
    bench.feed("fx_rate", FX_COLUMNS, path="fx.csv", source=source, delivery="upsert", **keys)


def accounted(counts: dict[str, int]) -> int:
    return sum(counts[f"rows_{name}"] for name in ("filtered", "rejected", "repeated", "unchanged", "stored"))


def test_a_wide_table_is_read_long_and_every_cell_is_accounted_for(bench: Bench) -> None:
    bench.file(
        "fx.csv",
        [
            "Date,USD,JPY,CHF,",
            "2024-01-02,1.0956,155.58, 0.9305 ,",
            "2024-01-03,1.0919,N/A,,",
            "2024-01-04,x,0,y,",
            "nodate,1,2,3,",
        ],
    )
    wide_feed(bench, where="currency <> 'CHF' OR \"Date\" <> '2024-01-02'")
    result = bench.one()
    assert {name: count for name, count in result.counts.items() if count} == {
        "rows_read": 10, "rows_filtered": 1, "rows_rejected": 6, "rows_stored": 3
    }  # fmt: skip
    assert accounted(result.counts) == result.counts["rows_read"]
    [facts] = result.delivery.files
    assert (facts["rows"], facts["wide_rows"], facts["cells_dropped"]) == (10, 4, 2)
    assert bench.rows("fx_rate", "source_line, currency, rate") == [
        (2, "USD", Decimal("1.0956000000")), (2, "JPY", Decimal("155.5800000000")), (3, "USD", Decimal("1.0919000000"))
    ]  # fmt: skip
    assert bench.quarantine("source_line, rule, column_name, value_text, row_json") == [
        (4, "not_a_number", "rate", "x", '{"Date":"2024-01-04","currency":"USD","rate":"x"}'),
        (4, "not_a_number", "rate", "y", '{"Date":"2024-01-04","currency":"CHF","rate":"y"}'),
        (4, "not_positive", "rate", "0", '{"Date":"2024-01-04","currency":"JPY","rate":"0"}'),
        (5, "not_a_date", "rate_date", "nodate", '{"Date":"nodate","currency":"USD","rate":"1"}'),
        (5, "not_a_date", "rate_date", "nodate", '{"Date":"nodate","currency":"JPY","rate":"2"}'),
        (5, "not_a_date", "rate_date", "nodate", '{"Date":"nodate","currency":"CHF","rate":"3"}'),
    ]  # fmt: skip


def test_a_wide_table_in_many_chunks_gives_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"2024-01-{day:02},{day}.5,{'N/A' if day % 3 else day},{'' if day % 2 else 'x'}" for day in range(1, 29)]
    found = []
    for size in (8 << 20, 64):
        monkeypatch.setattr("risk_pipeline.feeds.read_csv.CHUNK_BYTES", size)
        bench = Bench(tmp_path / str(size))
        bench.file("fx.csv", ["Date,USD,JPY,CHF", *lines])
        wide_feed(bench)
        result = bench.one()
        found.append((result.counts, result.delivery.files, bench.rows("fx_rate", "* EXCLUDE known_to"), bench.quarantine("*")))
        found[-1][1][0].pop("modified_ns")
        bench.close()
    assert found[0] == found[1]
    assert found[0][0]["rows_read"] == 28 + 9 + 14


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Day,USD", "no column 'Date'"),
        ("Date", "keeps every column"),
        ("Date,USD,USD", "'USD' more than once"),
        ("Date,,", "keeps every column"),
    ],
)
def test_a_wide_table_without_its_columns_is_refused(bench: Bench, header: str, told: str) -> None:
    bench.file("fx.csv", [header, "2024-01-02" + ",1" * header.count(",")])
    wide_feed(bench)
    result = bench.one()
    assert result.state == "refused"
    assert told in result.message


def invoices(bench: Bench, name: str, *ids: str) -> Path:
    return bench.file(name, [HEADER, *(f"{each},C1,1/2/2024,1,EUR" for each in ids)])


@pytest.mark.parametrize("delivery", ["append", "upsert"])
def test_files_that_appear_one_after_another_are_each_taken_once(
    bench: Bench, delivery: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def watched(path: Path, *roots: Path) -> Any:
        hashed.append(path.name)
        return take_receipt(path, *roots)

    monkeypatch.setattr("risk_pipeline.pipeline.ingest.take_receipt", watched)
    bench.feed(delivery=delivery, path="in/*.csv")
    assert bench.ingest() == []
    for month in ("01", "02", "03"):
        invoices(bench, f"in/{month}.csv", f"I{month}")
        assert [each.state for each in bench.ingest()] == ["effective"]
    assert hashed == ["01.csv", "02.csv", "03.csv"]
    nothing = bench.one()
    assert (nothing.state, nothing.message) == ("no_op", "no new file among the 3 of in/*.csv")
    assert [(each.delivery_id, each.files[0]["name"]) for each in bench.register.deliveries()] == [
        (1, "in/01.csv"), (2, "in/02.csv"), (3, "in/03.csv")
    ]  # fmt: skip
    assert hashed == ["01.csv", "02.csv", "03.csv"]


def test_a_file_that_was_touched_is_looked_at_once(bench: Bench) -> None:
    bench.feed(delivery="append", path="in/*.csv")
    path = invoices(bench, "in/a.csv", "A")
    bench.one()
    os.utime(path, ns=(1, 1))
    assert bench.one().message == "the same content and mapping as delivery 1"
    assert bench.one().message == "no new file in in/*.csv"
    assert [each.state for each in bench.register.deliveries()] == ["effective", "no_op"]


def test_a_changed_file_and_a_mended_mapping_are_new_deliveries(bench: Bench) -> None:
    bench.feed(delivery="upsert", path="in/*.csv")
    invoices(bench, "in/a.csv", "A")
    bench.one()
    invoices(bench, "in/a.csv", "A", "B")
    assert bench.one().counts["rows_stored"] == 1
    bench.feed(delivery="upsert", path="in/*.csv", where="id <> 'X'")
    assert bench.one().counts["rows_unchanged"] == 2
    assert bench.one().message == "no new file in in/*.csv"


def test_a_refused_file_is_tried_again(bench: Bench) -> None:
    bench.feed(delivery="append", path="in/*.csv")
    invoices(bench, "in/a.csv", "A")
    bench.file("in/b.csv", "nothing\n")
    assert [each.state for each in bench.ingest()] == ["effective", "refused"]
    assert [each.state for each in bench.ingest()] == ["refused"]
    invoices(bench, "in/b.csv", "B")
    assert [each.state for each in bench.ingest()] == ["effective"]


def test_a_glob_passes_over_lock_files_and_stops_at_broken_links(bench: Bench) -> None:
    bench.feed(path="in/*.csv")
    invoices(bench, "in/a.csv", "A")
    for name in ("in/~$a.csv", "in/.~lock.a.csv"):
        bench.file(name, "x")
    assert [each["name"] for each in bench.one().delivery.files] == ["in/a.csv"]
    (bench.workspace.root / "in/b.csv").symlink_to("gone.csv")
    result = bench.one()
    assert result.state == "refused"
    assert "in/b.csv is a link that leads nowhere" in result.message
    (bench.workspace.root / "in/b.csv").unlink()
    (bench.workspace.root / "in/b.csv").symlink_to("a.csv")
    assert bench.one().counts["rows_repeated"] == 1
