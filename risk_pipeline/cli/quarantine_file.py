"""Rejected rows as a file for the people who keep the source: CSV or xlsx, each with its source row beside the reason.

Put here: the columns of the file, writing it. Keep out: which rows (quarantine), what a cell may begin with (output.harmless).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from risk_pipeline.cli.output import harmless
from risk_pipeline.cli.remedies import remedy
from risk_pipeline.cli.texts import Language
from risk_pipeline.errors import UsageError

REASON = ("delivery_id", "feed", "source_file", "source_line", "rule", "column_name", "value_text")
WHAT_TO_DO = "what_to_do"
SHEET_ROWS = 1_048_575  # below the header
CELL_CHARACTERS = 32_767

Record = Mapping[str, Any]


def write_file(path: Path, records: Sequence[Record], language: Language) -> int:
    """Write rows of audit.quarantine to `path`; returns how many. CSV: one table, xlsx: one sheet for each feed.

    UsageError for another ending, a file that is there already or cannot be written, and more rows than a sheet holds.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise UsageError(f"{path}: a file that ends in .csv or .xlsx is expected")
    if path.exists():
        raise UsageError(f"{path} is there already", remedy="name another file, or remove that one")
    by_feed: dict[str, list[Record]] = {}
    for each in records:
        by_feed.setdefault(str(each["feed"]), []).append(each)
    most = max(map(len, by_feed.values()))
    if kind == ".xlsx" and most > SHEET_ROWS:
        raise UsageError(f"{most:,} rejections do not fit on a sheet of {SHEET_ROWS:,} rows", remedy="export a .csv file")
    try:
        if kind == ".csv":
            _write_csv(path, _header(records), _rows(records, language))
        else:
            _write_xlsx(path, {feed: (_header(rows), _rows(rows, language)) for feed, rows in sorted(by_feed.items())})
    except OSError as exc:
        raise UsageError(f"{path} cannot be written: {exc.strerror}") from None
    return len(records)


def _header(records: Iterable[Record]) -> list[str]:
    """The reason, what to do, then every source column."""
    names = dict.fromkeys(name for each in records for name in json.loads(each["row_json"]))
    return [*REASON, WHAT_TO_DO, *names]


def _rows(records: Sequence[Record], language: Language) -> Iterator[list[Any]]:
    names = _header(records)[len(REASON) + 1 :]
    for each in records:
        source = json.loads(each["row_json"])
        row = [*(each[name] for name in REASON), remedy(each["rule"], language), *(source.get(name) for name in names)]
        yield [harmless(value) for value in row]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    # A byte order mark, or a spreadsheet reads Chinese as something else.
    with path.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([harmless(name) for name in header])
        writer.writerows(rows)


def _write_xlsx(path: Path, sheets: Mapping[str, tuple[Sequence[str], Iterable[Sequence[Any]]]]) -> None:
    import xlsxwriter

    # Row by row to the disk; every text is written as text, never taken for a formula, a number or a link.
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        bold = book.add_format({"bold": True})
        for feed, (header, rows) in sheets.items():
            sheet = book.add_worksheet(feed[:31])
            sheet.freeze_panes(1, 0)
            for column, name in enumerate(header):
                sheet.write_string(0, column, harmless(name), bold)
            for number, row in enumerate(rows, 1):
                for column, value in enumerate(row):
                    if isinstance(value, int):
                        sheet.write_number(number, column, value)
                    elif value is not None:
                        sheet.write_string(number, column, str(value)[:CELL_CHARACTERS])
