"""Excel sheets: which one, where its header is, the text of typed cells, and workbooks that are not what they say.

Broken workbooks through a whole ingest are in faults/test_corpus.py.
"""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import read_xlsx, workbook
from risk_pipeline.feeds.chunks import SourceFile
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.read_xlsx import number_text
from risk_pipeline.feeds.spec import FeedSpec

NAMES = ["id", "customer", "date", "amount", "currency"]


def opened(folder: Path, content: bytes, formats: dict[str, str] | None = None, **source: Any) -> SourceFile:
    path = folder / "x.xlsx"
    path.write_bytes(content)
    columns = {
        name: {"from": each}
        for name, each in zip(["invoice_id", "customer_id", "invoice_date", "amount", "currency"], NAMES, strict=True)
    }
    columns["invoice_date"] |= {"format": (formats or {}).get("date", "%d.%m.%Y")}
    spec = FeedSpec.model_validate(
        {"feed": "invoice", "source": {"path": "x.xlsx", "format": "xlsx", **source}, "delivery": "upsert", "columns": columns}
    )
    return open_source(take_receipt(path, folder), spec, folder)


def read(source: SourceFile) -> list[tuple[int, ...]]:
    found: list[Any] = []
    for chunk in source.chunks():
        rows = chunk.text(source.header).to_pylist()
        found += [(line, *row.values()) for line, row in zip(chunk.lines.tolist(), rows, strict=True)]
    return found


def book(fill: Callable[[Any], None], **options: Any) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as made:
        fill(made)
    return buffer.getvalue()


def put(page: Any, made: Any, rows: list[list[Any]], first: int = 0) -> None:
    shown = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm", timedelta: "[h]:mm:ss"}
    for number, row in enumerate(rows, first):
        for column, cell in enumerate(row):
            if type(cell) in shown:
                page.write_datetime(number, column, cell, made.add_format({"num_format": shown[type(cell)]}))
            elif cell is not None:
                page.write(number, column, cell)


def sheets(**content: list[list[Any]]) -> bytes:
    """A workbook of these sheets; a name that begins with `hidden` is hidden."""

    def fill(made: Any) -> None:
        for name, rows in content.items():
            page = made.add_worksheet(name)
            put(page, made, rows)
            if name.startswith("hidden"):
                page.hide()

    return book(fill)


def row(number: int = 1, **cells: Any) -> list[Any]:
    return list(
        {"id": f"I{number}", "customer": "C1", "date": date(2024, 1, 2), "amount": 10, "currency": "EUR", **cells}.values()
    )


def raw(xml: str) -> bytes:
    """A workbook whose only sheet is this XML."""
    parts = {
        "[Content_Types].xml": "<Types xmlns='http://schemas.openxmlformats.org/package/2006/content-types'>"
        "<Default Extension='rels' ContentType='application/vnd.openxmlformats-package.relationships+xml'/>"
        "<Default Extension='xml' ContentType='application/xml'/></Types>",
        "_rels/.rels": "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'><Relationship Id='r1'"
        " Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument' Target='xl/workbook.xml'/>"
        "</Relationships>",
        "xl/workbook.xml": "<workbook xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main' xmlns:r="
        "'http://schemas.openxmlformats.org/officeDocument/2006/relationships'><sheets><sheet name='S' sheetId='1' r:id='r1'/>"
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": "<Relationships xmlns='http://schemas.openxmlformats.org/package/2006/relationships'>"
        "<Relationship Id='r1' Type='http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet'"
        " Target='worksheets/s.xml'/></Relationships>",
        "xl/worksheets/s.xml": xml,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def cells(*values: str, at: str = "") -> str:
    """Inline text cells, with references in row `at`."""
    references = [f" r='{chr(65 + index)}{at}'" if at else "" for index in range(len(values))]
    return "".join(f"<c{each} t='inlineStr'><is><t>{value}</t></is></c>" for each, value in zip(references, values, strict=True))


MAIN = "xmlns='http://schemas.openxmlformats.org/spreadsheetml/2006/main'"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (12.0, "12"), (2960623488.0, "2960623488"), (1234567890123456.0, "1234567890123456"),
        (9007199254740992.0, "9007199254740992"), (1e21, "1000000000000000000000"), (0.1, "0.1"), (1.5e-7, "0.00000015"),
        (2309.7899999999995, "2309.79"), (0.1 + 0.2, "0.3"), (-1190.0000000000002, "-1190"), (1 / 3, "0.3333333333333333"),
        (12345678901234.56, "12345678901234.56"), (98765432109876.55, "98765432109876.55"),
        (1.23456789012345, "1.23456789012345"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_numbers_keep_their_digits_and_lose_their_noise(value: float, text: str) -> None:
    assert number_text(value) == text


def test_typed_cells_become_text_in_one_form(tmp_path: Path) -> None:
    made = sheets(
        Data=[
            [*NAMES, "flag", "moment", "span", 2024, date(2024, 1, 31), " two \n words "],
            [*row(1), True, datetime(2024, 1, 2, 13, 45), timedelta(hours=51, minutes=2), 1.5, "x", "y"],  # noqa: DTZ001
            [*row(2, date=date(1900, 2, 28)), False, datetime(2024, 1, 2), timedelta(hours=1), 2.0, None, None],  # noqa: DTZ001
            [*row(3, date=date(1900, 3, 1)), None, None, None, None, None, None],
            [*row(4, date=date(9999, 12, 31)), None, None, None, None, None, None],
        ]
    )
    source = opened(tmp_path, made)
    assert source.header == [*NAMES, "flag", "moment", "span", "2024", "2024-01-31", "two words"]
    assert read(source)[0][3:] == ("2024-01-02", "10", "EUR", "true", "2024-01-02 13:45:00", "51:02:00", "1.5", "x", "y")
    assert read(source)[1][3:] == ("1900-02-28", "10", "EUR", "false", "2024-01-02", "01:00:00", "2", "", "")
    assert [line[3] for line in read(source)[2:]] == ["1900-03-01", "9999-12-31"]
    assert source.iso_dates == {"date", "moment"}
    assert (source.facts(), source.warnings()) == ({"format": "xlsx", "sheet": "Data", "header_row": 1}, {})


@pytest.mark.parametrize(
    ("form", "shown"),
    [("%d.%m.%Y", "02.01.2024"), ("%Y%m%d", "20240102"), ("excel_serial", "45293"), ("excel_serial_1904", "43831")],
)
def test_days_among_texts_are_written_as_those(tmp_path: Path, form: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_xlsx, "CHUNK_ROWS", 2)
    rows = [row(1), row(2, date="text"), row(3, date=None), row(4, date=datetime(2024, 1, 2, 5))]  # noqa: DTZ001
    source = opened(tmp_path, sheets(S=[NAMES, *rows]), {"date": form})
    assert [line[3] for line in read(source)] == [shown, "text", "", shown]
    assert source.iso_dates == frozenset()
    assert source.warnings() == {"time_of_day_dropped": 1, "text_among_dates": 1}


def test_the_header_is_looked_for_below_titles_and_notes(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet("Ledger")
        page.merge_range("A1:E1", "Receivables")
        page.write("B3", "id")
        put(page, made, [[None, *NAMES, None], [None, *row(1), "beside"], [None], [None, *[None] * 5, "a note"]], 5)
        page.merge_range("C9:C11", "C1")
        page.write("B9", "I2")

    source = opened(tmp_path, book(fill))
    assert [line[:3] for line in read(source)] == [(7, "I1", "C1"), (9, "I2", "C1")]
    assert (source.facts()["header_row"], source.warnings()) == (6, {"merged_cells": 1})


def test_a_declared_header_row_is_taken(tmp_path: Path) -> None:
    made = sheets(S=[["June"], [*NAMES], row(1), [], [*NAMES], row(2)])
    assert [line[0] for line in read(opened(tmp_path, made))] == [3, 5, 6]
    assert [line[0] for line in read(opened(tmp_path, made, header_row=5))] == [6]
    with pytest.raises(Refused, match="no column 'id', 'customer'"):
        opened(tmp_path, made, header_row=1)
    with pytest.raises(
        Refused, match=r"row 1 of no sheet has every mapped column; the nearest is row 2 of sheet 'S', which has them"
    ):
        opened(tmp_path, sheets(S=[["June"], NAMES, row(1)], T=[["x"]]), header_row=1)


def test_the_sheet_must_be_clear(tmp_path: Path) -> None:
    table = [NAMES, row(1)]
    assert opened(tmp_path, sheets(Cover=[["ACME"]], Data=table, hiddenOld=table)).facts()["sheet"] == "Data"
    assert opened(tmp_path, sheets(Cover=[["ACME"]], hiddenOld=table), sheet="HIDDENOLD").facts()["sheet"] == "hiddenOld"
    assert opened(tmp_path, sheets(Cover=[["ACME"]], Data=table), sheet="2").facts()["sheet"] == "Data"
    named = sheets(Cover=[["ACME"]], **{"1": table})
    assert opened(tmp_path, named, sheet="1").facts()["sheet"] == "1"
    for made, told in (
        (
            sheets(Jan=table, Feb=table, hiddenMar=table),
            r"'Jan' and 'Feb' have .*; its sheets are 'Jan', 'Feb', 'hiddenMar' \(hidden\)",
        ),
        (sheets(Cover=[["ACME"]], hiddenOld=table), r"the mapped columns are only in 'hiddenOld' \(hidden\)"),
    ):
        with pytest.raises(Refused, match=told) as caught:
            opened(tmp_path, made)
        assert "`sheet: NAME`" in caught.value.remedy


def test_a_near_miss_of_a_column_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="row 2 of sheet 'S', which lacks 'amount' and has id") as caught:
        opened(tmp_path, sheets(S=[["ACME"], ["id", "customer", "date", "Amount", "currency"]]))
    assert "did you mean 'Amount'" in caught.value.remedy


def test_formulas_outside_the_mapped_columns_may_lack_a_result(tmp_path: Path) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet("S")
        put(page, made, [[*NAMES, "check"], row(1)])
        page.write_formula("F2", "=D2*2", None, "")
        page.write_formula("B2", '=""', None, "")

    content = book(fill)
    with pytest.raises(Refused, match="1 formulas in mapped columns have no result, the first in B2"):
        opened(tmp_path, content)

    def is_text(xml: bytes) -> bytes:
        return xml.replace(b'<c r="B2">', b'<c r="B2" t="str">')

    source = opened(tmp_path, changed(content, "xl/worksheets/sheet1.xml", is_text))
    assert read(source)[0][1:3] == ("I1", "")


def test_an_id_that_excel_has_cut_to_15_digits_is_a_warning(tmp_path: Path) -> None:
    source = opened(tmp_path, sheets(S=[NAMES, row(id=123456789012345000, amount=1e15), row(id=999999999999999)]))
    assert [line[1] for line in read(source)] == ["123456789012345000", "999999999999999"]
    assert source.warnings() == {"id_beyond_15_digits": 1}


def test_texts_that_are_often_used_are_no_lie(tmp_path: Path) -> None:
    assert len(read(opened(tmp_path, sheets(S=[NAMES, *[row()] * 300])))) == 300


def test_pieces_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(made: Any) -> None:
        page = made.add_worksheet("S")
        put(page, made, [NAMES, *([row(n) if n % 7 else [] for n in range(1, 60)])])
        page.write_formula("D50", "=1/0", None, "#DIV/0!")

    content = book(fill)
    whole = read(opened(tmp_path, content))
    assert (len(whole), whole[-1][0]) == (52, 60)
    assert [line[4] for line in whole if line[0] == 50] == ["#DIV/0!"]
    for size in (200, 5_000):
        monkeypatch.setattr(workbook, "BLOCK", size)
        monkeypatch.setattr(read_xlsx, "CHUNK_ROWS", size // 40)
        assert read(opened(tmp_path, content)) == whole


ROW = ("I1", "C1", "02.01.2024", "10", "EUR")


def sheet(rows: str) -> str:
    return f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"


def prefixed(xml: str) -> str:
    return re.sub(r"<(/?)(?=[a-z])", r"<\1w:", xml).replace("xmlns", "xmlns:w")


@pytest.mark.parametrize(
    "xml",
    [
        sheet(f"<row r='1'>{cells(*NAMES, at='1')}</row><row r='2'>{cells(*ROW, at='2')}</row>"),
        sheet(f"<row>{cells(*NAMES)}</row><row>{cells(*ROW)}</row>"),
        sheet(f"<row\n r = '1'>{cells(*NAMES)}</row><row spans='1:5' r='2' >{cells(*ROW)}</row>"),
        prefixed(sheet(f"<row>{cells(*NAMES)}</row><row>{cells(*ROW)}</row>")),
    ],
)
def test_forms_of_xml(tmp_path: Path, xml: str) -> None:
    assert read(opened(tmp_path, raw(xml))) == [(2, *ROW)]


FAR = "<c {} t='inlineStr'><is><t>x</t></is></c>"


@pytest.mark.parametrize(
    "rows",
    [
        "<row r='1'><c r='A1'/></row><row r='1048576'>" + FAR.format("r='XFD1048576'") + "</row>",
        "<row r='1'><c r='A1'/></row><row r='1048576'>" + FAR.format('s="1" r = "XFD1048576"') + "</row>",
        "<row r='1'><c/></row><row spans='&gt;' r='1048576'>" + FAR.format("ph='&lt;' r='XFD1048576'") + "</row>",
        "<row r='1'>" + "<c/>" * 16_384 + "</row><row r='1048576'>" + FAR.format("") + "</row>",
        "<row spans='>' r='1048576'><c/></row><row r='1'>" + "<c/>" * 16_384 + "</row>",
        "<row r='1'><c r='A1'/>" + FAR.format("r='XFD1048576'") + "</row>",
        "<row r='1'><c s='>' r='XFD1'/></row><row r='1048576'><c/></row>",
    ],
)
def test_a_sheet_with_room_for_too_much_is_refused(tmp_path: Path, rows: str) -> None:
    with pytest.raises(Refused, match=r"room for more than 30,000,000 cells|another form than Excel writes"):
        opened(tmp_path, raw(sheet(rows)))


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            target.writestr(info.filename, change(source.read(info)) if info.filename == part else source.read(info))
    return buffer.getvalue()


def with_false_size(content: bytes) -> bytes:
    """A part that says it is small and is not: the directory at the end is patched, with a checksum that fits the lie."""
    data = bytearray(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        info, text = archive.getinfo("xl/worksheets/sheet1.xml"), archive.read("xl/worksheets/sheet1.xml")
    at = data.rindex(info.filename.encode()) - 46
    struct.pack_into("<I", data, at + 16, zlib.crc32(text[:100]))
    struct.pack_into("<I", data, at + 24, 100)
    return bytes(data)


def twice(content: bytes) -> bytes:
    buffer = io.BytesIO(content)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return buffer.getvalue()


def repacked(content: bytes, method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", method) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    return buffer.getvalue()


PLAIN = sheets(S=[NAMES, row(1)])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (with_false_size(PLAIN), "its part xl/worksheets/sheet1.xml is not what the archive says"),
        (twice(PLAIN), "two parts of the same name"),
        (repacked(PLAIN, zipfile.ZIP_BZIP2), "packed by method 12, which is not read"),
        (changed(PLAIN, "xl/worksheets/sheet1.xml", lambda xml: xml.decode().encode("utf-16")), "another form than Excel writes"),
        (changed(PLAIN, "xl/workbook.xml", lambda xml: xml + b" " * (17 << 20)), "its list of sheets has 17 MB"),
        (
            changed(PLAIN, "xl/sharedStrings.xml", lambda xml: re.sub(rb'uniqueCount="\d+"', b'uniqueCount="99999999999"', xml)),
            "sharedStrings.xml says that it lists 99,999,999,999 texts",
        ),
        (changed(PLAIN, "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"sheet1", b"gone")), "damaged"),
    ],
)
def test_a_workbook_that_lies_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        opened(tmp_path, content)


def test_a_damaged_workbook_never_gives_other_rows(tmp_path: Path) -> None:
    content = sheets(S=[NAMES, *(row(n) for n in range(1, 9))])
    whole = read(opened(tmp_path, content))
    chance = random.Random(3)
    refused = 0
    for _ in range(150):
        broken = bytearray(content)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        try:
            assert read(opened(tmp_path, bytes(broken))) == whole
        except Refused:
            refused += 1
    assert refused > 100
