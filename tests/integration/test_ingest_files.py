"""Whole ledgers through the door: formats of files, embedded line ends, large files over many chunks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.feeds import read_csv
from tests.ingest_support import HEADER, INVOICE_COLUMNS, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def test_line_ends_inside_quotes_do_not_shift_lines(bench: Bench) -> None:
    rows = ['"A","C\n1",1/2/2024,1,EUR', "B,C2,1/2/2024,bad,EUR", '"C","C ""3""\n\n",1/2/2024,2,EUR', "D,C4,1/2/2024,3,EUR"]
    bench.file("data.csv", [HEADER, *rows])
    bench.feed()
    bench.one()
    assert bench.rows(columns="invoice_id, customer_id, source_line") == [("A", "C\n1", 2), ("C", 'C "3"', 5), ("D", "C4", 8)]
    assert bench.quarantine() == [(4, "not_a_number", "amount", "bad")]


def test_a_typed_parquet_file_gives_what_the_text_file_gives(tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["A", "B", None],
            "customer": pa.array([1001, 1002, 1003], pa.int64()),
            "date": pa.array([date(2024, 1, 2), date(2024, 2, 29), date(2024, 3, 1)]),
            "amount": pa.array([Decimal("10.50"), Decimal("-3.00"), Decimal("1.00")], pa.decimal128(12, 2)),
            "currency": ["EUR", "USD", "EUR"],
            "seen": pa.array([datetime(2024, 1, 2, 8, 30), None, None], pa.timestamp("ms")),  # noqa: DTZ001
        }
    )
    texts = ["A,1001,1/2/2024,10.50,EUR,2024-01-02", "B,1002,2/29/2024,-3.00,USD,", ",1003,3/1/2024,1,EUR,"]
    columns = {**INVOICE_COLUMNS, "posting_date": {"from": "seen"}}
    stored = []
    for name in ("text", "parquet"):
        bench = Bench(tmp_path / name)
        if name == "parquet":
            pq.write_table(table, bench.workspace.root / "data.parquet")
            bench.feed(columns=columns, path="data.parquet", source={"format": "parquet"})
        else:
            bench.file("data.csv", [HEADER + ",seen", *texts])
            bench.feed(columns=columns)
        assert bench.one().counts["rows_stored"] == 2
        stored.append(bench.rows(columns="* EXCLUDE (source_file, source_line)"))
        assert [row[1:] for row in bench.quarantine()] == [("key_missing", "invoice_id", None)]
        lines = bench.rows(columns="source_line")
        assert lines == ([(1,), (2,)] if name == "parquet" else [(2,), (3,)])
        bench.close()
    assert stored[0] == stored[1]


def test_other_encodings_and_delimiters_arrive_as_text(bench: Bench) -> None:
    content = "发票号;客户;日期;金额;备注\r\nA;北京龙湖;2024.01.02;1.234,50;空\r\n"
    bench.file("data.csv", content.encode("gb18030"))
    bench.feed(
        columns={
            "invoice_id": {"from": "发票号"},
            "customer_id": {"from": "客户"},
            "invoice_date": {"from": "日期", "format": "%Y.%m.%d"},
            "amount": {"from": "金额", "decimal": ",", "thousands": "."},
            "currency": {"value": "CNY"},
        }
    )
    result = bench.one()
    assert bench.rows(columns="customer_id, amount") == [("北京龙湖", Decimal("1234.50"))]
    [facts] = result.delivery.files
    assert (facts["encoding"], facts["delimiter"], facts["rows"], facts["bytes"]) == (
        "gb18030", ";", 1, len(content.encode("gb18030"))
    )  # fmt: skip


def test_many_chunks_and_slices_give_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"I{n % 2500},C{n % 61},1/{n % 27 + 1}/2024,{n % 2500}.25,EUR" for n in range(3000)]
    rows[1234] = "I1234,C1,oops,1,EUR"
    again = [row.replace(".25", ".75") if n % 3 == 0 else row for n, row in enumerate(rows) if n % 10]
    results = []
    for name, small in (("whole", False), ("pieces", True)):
        if small:
            monkeypatch.setattr(read_csv, "CHUNK_BYTES", 4096)
            monkeypatch.setattr("risk_pipeline.store.staging.KEYS_AT_ONCE", 300)
            monkeypatch.setattr("risk_pipeline.store.staging.ROWS_AT_ONCE", 100)
        bench = Bench(tmp_path / name)
        bench.feed(duplicates="most_frequent")
        counts = []
        for lines in (rows, again):
            bench.file("data.csv", [HEADER, *lines])
            counts.append(bench.one().counts)
        results.append((counts, bench.rows(columns="* EXCLUDE known_to"), bench.quarantine("*")))
        bench.close()
    assert results[0] == results[1]
    assert results[0][0][0]["rows_repeated"] > 400
    assert results[0][0][1]["rows_closed"] > 100


def test_progress_is_told_for_each_delivery(bench: Bench) -> None:
    from risk_pipeline.pipeline.ingest import ingest

    told: list[str] = []
    bench.file("data.csv", [HEADER, "A,C1,1/2/2024,1,EUR"])
    bench.feed()
    ingest(bench.workspace, bench.register, now=bench.now, progress=told.append)
    assert len(told) == 1
    assert told[0].startswith("invoice: effective (1 read, 1 stored;")


def test_a_workspace_may_have_an_odd_name(tmp_path: Path) -> None:
    bench = Bench(tmp_path / 'it\'s [a] "50%" * folder')
    bench.file("data 'x'.csv", [HEADER, "A,C1,1/2/2024,1,EUR", "B,C1,1/2/2024,x,EUR"])
    bench.feed(path="data*.csv")
    for _ in range(2):
        bench.one()
    bench.file("data 'x'.csv", [HEADER, "A,C1,1/2/2024,2,EUR"])
    assert bench.one().counts["rows_closed"] == 1
    assert [row[0] for row in bench.quarantine("source_file")] == ["data 'x'.csv"]
    bench.close()
