"""The IBM ledger in every form a company may keep it in: the same rows are stored, each with a line a person finds again."""

from __future__ import annotations

import csv
import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from tests.ingest_support import Bench

pytestmark = pytest.mark.real

LEDGER = "ibm_ar/WA_Fn-UseC_-Accounts-Receivable.csv"
COLUMNS = {
    "invoice_id": {"from": "invoiceNumber"},
    "customer_id": {"from": "customerID"},
    "invoice_date": {"from": "InvoiceDate", "format": "%m/%d/%Y"},
    "due_date": {"from": "DueDate", "format": "%m/%d/%Y"},
    "amount": {"from": "InvoiceAmount"},
    "currency": {"value": "USD"},
}
NESTED = {**COLUMNS, "amount": {"from": "amounts.InvoiceAmount"}}
STORED = "source_line, invoice_id, customer_id, invoice_date, due_date, amount"
Row = dict[str, str]


def typed_sheet(path: Path, rows: list[Row]) -> None:
    """As an ERP exports it: a title, days as days, ids and amounts as numbers, the header in row 3."""
    with xlsxwriter.Workbook(path) as book:
        page, day = book.add_worksheet("Ledger"), book.add_format({"num_format": "m/d/yy"})
        page.merge_range("A1:D1", "Accounts receivable")
        page.write_row(2, 0, rows[0])
        for number, row in enumerate(rows, 3):
            for column, (name, cell) in enumerate(row.items()):
                if "Date" in name and cell:
                    page.write_datetime(number, column, datetime.strptime(cell, "%m/%d/%Y"), day)  # noqa: DTZ007  a day
                elif name in ("invoiceNumber", "InvoiceAmount"):
                    page.write_number(number, column, float(cell))
                else:
                    page.write_string(number, column, cell)


def json_lines(path: Path, rows: list[Row]) -> None:
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for row in rows:
            out.write(
                json.dumps({**row, "amounts": {"InvoiceAmount": "AMOUNT"}}).replace('"AMOUNT"', row["InvoiceAmount"]) + "\n"
            )


def zipped(path: Path, rows: list[Row]) -> None:
    text = "\r\n".join([";".join(rows[0]), *(";".join(row.values()) for row in rows), ""])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/ledger.csv", text.encode("utf-16"))


def parquet(path: Path, rows: list[Row]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), path)


TWINS: list[tuple[str, Callable[[Path, list[Row]], None], str, int, dict[str, Any]]] = [
    ("ledger.xlsx", typed_sheet, "xlsx", 2, COLUMNS),
    ("ledger.jsonl.gz", json_lines, "jsonl", -1, NESTED),
    ("ledger.zip", zipped, "csv", 0, COLUMNS),
    ("ledger.parquet", parquet, "parquet", -1, COLUMNS),
]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.mark.parametrize(("name", "write", "form", "lines_above", "columns"), TWINS, ids=[twin[0] for twin in TWINS])
def test_every_form_gives_the_rows_of_the_ledger(
    bench: Bench,
    real_data: Callable[[str], Path],
    name: str,
    write: Callable[[Path, list[Row]], None],
    form: str,
    lines_above: int,
    columns: dict[str, Any],
) -> None:
    ledger = real_data("ibm_ar") / Path(LEDGER).name
    with ledger.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    write(bench.workspace.root / name, rows)
    bench.feed(columns=columns, path=name, source={"format": form})
    result = bench.one()
    assert (result.state, result.counts["rows_stored"], result.counts["rows_rejected"]) == ("effective", 2466, 0), result.message
    assert result.warnings == {}
    twin = bench.rows(columns=STORED)
    (bench.workspace.root / "ledger.csv").write_bytes(ledger.read_bytes())
    bench.feed(path="ledger.csv", columns=COLUMNS)
    again = bench.one()
    assert (again.counts["rows_unchanged"], again.counts["rows_stored"]) == (2466, 0)
    assert [(line - lines_above, *rest) for line, *rest in twin] == [
        (number, row["invoiceNumber"], row["customerID"], *(_day(row[each]) for each in ("InvoiceDate", "DueDate")), _cents(row))
        for number, row in enumerate(rows, 2)
    ]


def _day(text: str) -> Any:
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007  a day


def _cents(row: Row) -> Any:
    return Decimal(row["InvoiceAmount"])
