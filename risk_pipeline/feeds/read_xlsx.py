"""Excel sheets as chunks of text rows: which sheet, where its header is, each typed cell in one fixed form.

Put here: choosing the sheet, finding the header below titles, the text of numbers, dates and flags. Keep out: opening the
workbook safely (workbook.py), what a cell means (convert.py).

The forms: numbers as the shortest digits that mean them, without exponent; whole numbers without a point; days as ISO days,
other moments as ISO with their time; true and false; formula errors as Excel shows them. A cell that is a day already needs no
`format`. Columns mapped to dates lose a time of day, which is counted.
"""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_pipeline.contracts import Kind
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.workbook import Sheet, SheetName, Workbook, column_letters

CHUNK_ROWS = 20_000
HEADER_WITHIN = 100
"""The header is looked for in so many rows from the first that holds anything."""

_EXCEL_DIGITS = 15
_EXACT_WHOLE = 2**53
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class _Table:
    """A header inside a sheet. `columns`: the index of each named column; `row`: of the header, both from 0."""

    sheet: Sheet
    row: int
    header: list[str]
    columns: list[int]


@dataclass
class XlsxFile:
    """The rows of one sheet below its header, as text, held in memory."""

    receipt: Receipt
    sheet: str
    header_row: int
    header: list[str]
    iso_dates: frozenset[str]
    pieces: list[tuple[npt.NDArray[np.int64], pa.Table]]
    counted: Counter[str]

    def facts(self) -> dict[str, object]:
        return {"format": "xlsx", "sheet": self.sheet, "header_row": self.header_row}

    def warnings(self) -> dict[str, int]:
        """time_of_day_dropped, text_among_dates, id_beyond_15_digits, merged_cells: counts, in mapped columns."""
        return {name: count for name, count in self.counted.items() if count}

    def chunks(self) -> Iterator[Chunk]:
        for lines, table in self.pieces:
            yield Chunk(lines, partial(_select, table))


def open_xlsx(receipt: Receipt, spec: FeedSpec) -> XlsxFile:
    """Read one sheet. Refused when the workbook cannot be trusted, the sheet or its header is not clear, or a mapped column
    holds formulas without results.
    """
    workbook = Workbook(receipt)
    table = _Chooser(workbook, spec).table()
    _refuse_never_calculated(receipt, table, spec)
    return _Reader(receipt, table, spec).read()


class _Chooser:
    """Finds the sheet and the header row a feed means."""

    def __init__(self, workbook: Workbook, spec: FeedSpec) -> None:
        self._workbook = workbook
        self._name = workbook.receipt.name
        self._spec = spec
        self._wanted = set(spec.header_columns)
        self._sheet = spec.source.sheet
        self._header_row = spec.source.header_row
        self._nearest: tuple[int, str, list[str]] = (-1, "", [])

    def table(self) -> _Table:
        sheets = self._workbook.sheets
        if self._sheet is not None:
            table = self._in(self._named(self._sheet), is_meant=True)
            if table is None:
                raise self._no_header()
            return table
        visible = [each for each in sheets if not each.is_hidden]
        found = [table for each in visible if (table := self._in(each, is_meant=len(sheets) == 1)) is not None]
        if len(found) > 1:
            raise self._refused(f"{' and '.join(each.sheet.name.told() for each in found)} have the mapped columns")
        if found:
            return found[0]
        if hidden := [each for each in sheets if each.is_hidden and self._in(each, is_meant=False) is not None]:
            raise self._refused(f"the mapped columns are only in {' and '.join(each.told() for each in hidden)}")
        raise self._no_header()

    def _named(self, wanted: str) -> SheetName:
        """By name, else by number from 1, hidden ones counted."""
        sheets = self._workbook.sheets
        named = [each for each in sheets if each.name.strip().casefold() == wanted.strip().casefold()]
        if named:
            return named[0]
        if wanted.isdecimal() and 1 <= int(wanted) <= len(sheets):
            return sheets[int(wanted) - 1]
        raise self._refused(f"there is no sheet {wanted!r}")

    def _in(self, name: SheetName, *, is_meant: bool) -> _Table | None:
        """The table of a sheet: below the first row that has every mapped column, or below the declared one, which in the sheet
        that `is_meant` need not have them (the check of columns then tells which).
        """
        sheet = self._workbook.load(name)
        first: int | None = None
        for number, values in sheet.rows():
            header = [" ".join(_header_text(value).split()) for value in values]
            if not any(header):
                continue
            first = number if first is None else first
            if self._header_row is None and number - first >= HEADER_WITHIN:
                break
            if self._header_row in (None, number + 1) and (self._wanted <= {*header} or (self._header_row and is_meant)):
                columns = [index for index, each in enumerate(header) if each]
                return _Table(sheet, number, [header[index] for index in columns], columns)
            self._remember(name, number, header)
        return None

    def _remember(self, name: SheetName, number: int, header: list[str]) -> None:
        hits = len(self._wanted & {*header})
        if hits > self._nearest[0]:
            self._nearest = (hits, f"row {number + 1} of sheet {name.told()}", [each for each in header if each])

    def _no_header(self) -> Refused:
        hits, where, header = self._nearest
        if hits < 0:
            return Refused(f"{self._name}: the sheet is empty", remedy="deliver the file again; it needs at least a header row")
        missing = [name for name in self._spec.header_columns if name not in header]
        near = difflib.get_close_matches(missing[0], header, n=1) if missing else []
        none = f"row {self._header_row} of no sheet has" if self._header_row else "no row has"
        lacks = f"lacks {', '.join(map(repr, missing))} and has {', '.join(header[:20])}" if missing else "has them"
        return Refused(
            f"{self._name}: {none} every mapped column; the nearest is {where}, which {lacks}",
            remedy="mend the mapping in the feed YAML, or say `sheet` and `header_row`"
            + (f"; did you mean {near[0]!r}?" if near else ""),
        )

    def _refused(self, what: str) -> Refused:
        return Refused(
            f"{self._name}: {what}; its sheets are {', '.join(each.told() for each in self._workbook.sheets)}",
            remedy="name the sheet in the feed's source: `sheet: NAME`, or its number from 1",
        )


def _refuse_never_calculated(receipt: Receipt, table: _Table, spec: FeedSpec) -> None:
    columns = _mapped_columns(table, spec)
    cells = sorted(each for each in table.sheet.findings.never_calculated if each[0] > table.row and each[1] in columns)
    if cells:
        row, column = cells[0]
        raise Refused(
            f"{receipt.name}: sheet {table.sheet.name.told()}: {len(cells):,} formulas in mapped columns have no result, the"
            f" first in {column_letters(column)}{row + 1}: they were written by a program and never calculated",
            remedy="open the workbook in Excel, save it and deliver that, or export values",
        )


def _mapped_columns(table: _Table, spec: FeedSpec) -> set[int]:
    """The index of every column that is read; an unpivot reads all."""
    named = zip(table.columns, table.header, strict=True)
    return {index for index, name in named if spec.source.unpivot is not None or name in spec.source_columns}


@dataclass
class _Dates:
    """The day cells of one column: how many, how many texts stand among them, and where (piece, positions)."""

    count: int = 0
    texts: int = 0
    places: list[tuple[int, list[int]]] = field(default_factory=list)


class _Reader:
    """Reads the rows of a table into text."""

    def __init__(self, receipt: Receipt, table: _Table, spec: FeedSpec) -> None:
        self._receipt = receipt
        self._table = table
        self._spec = spec
        self._formats = _date_formats(spec)
        own = (each.nulls for each in spec.columns.values() if each.nulls is not None)
        self._nulls = {"", *spec.nulls, *(marker for nulls in own for marker in nulls)}
        texts = (each.name for each in spec.mapped if each.kind is Kind.TEXT)
        self._ids = {source for name in texts for source in spec.columns[name].source_columns}
        self._dates = {name: _Dates() for name in table.header}
        self._counted: Counter[str] = Counter(merged_cells=_merged(table, spec))
        self._pieces: list[tuple[npt.NDArray[np.int64], pa.Table]] = []

    def read(self) -> XlsxFile:
        lines: list[int] = []
        columns: list[list[str]] = [[] for _ in self._table.header]
        for number, values in self._table.sheet.rows():
            if number <= self._table.row:
                continue
            cells = [values[index] for index in self._table.columns]
            if all(cell == "" or (isinstance(cell, str) and not cell.strip()) for cell in cells):
                continue
            lines.append(number + 1)
            for name, cell, column in zip(self._table.header, cells, columns, strict=True):
                column.append(cell if type(cell) is str else self._text(name, cell, len(column)))
            if len(lines) == CHUNK_ROWS:
                self._close(lines, columns)
                lines, columns = [], [[] for _ in self._table.header]
        if lines:
            self._close(lines, columns)
        iso_dates = self._settle_dates()
        sheet = self._table.sheet.name.name
        return XlsxFile(self._receipt, sheet, self._table.row + 1, self._table.header, iso_dates, self._pieces, self._counted)

    def _text(self, name: str, cell: Any, position: int) -> str:
        if isinstance(cell, float):
            self._counted["id_beyond_15_digits"] += name in self._ids and abs(cell) >= 10**_EXCEL_DIGITS
            return number_text(cell)
        if isinstance(cell, date):
            self._note_date(name, position)
            if isinstance(cell, datetime) and cell.time() != time():
                if name not in self._formats:
                    return cell.isoformat(" ", "microseconds" if cell.microsecond else "seconds")
                self._counted["time_of_day_dropped"] += 1
            return f"{cell.year:04}-{cell.month:02}-{cell.day:02}"
        return _other_text(cell)

    def _note_date(self, name: str, position: int) -> None:
        dates, piece = self._dates[name], len(self._pieces)
        dates.count += 1
        if not dates.places or dates.places[-1][0] != piece:
            dates.places.append((piece, []))
        dates.places[-1][1].append(position)

    def _close(self, lines: list[int], columns: list[list[str]]) -> None:
        if "\0" in "".join("".join(column) for column in columns):
            raise Refused(f"{self._receipt.name}: near row {lines[0]}: NUL characters", remedy="delete them from the cells")
        arrays = {}
        for name, column in zip(self._table.header, columns, strict=True):
            arrays[name] = pa.array(column, pa.string())
            if name in self._formats:
                self._dates[name].texts += sum(1 for text in column if text.strip() not in self._nulls)
        self._pieces.append((np.array(lines, dtype=np.int64), pa.table(arrays)))

    def _settle_dates(self) -> frozenset[str]:
        """The columns whose dates are all days of Excel. In others, texts among days, the days take the declared format."""
        iso = set()
        for name, dates in self._dates.items():
            if not dates.count:
                continue
            texts = dates.texts - dates.count if name in self._formats else 0
            if texts <= 0:
                iso.add(name)
                continue
            self._counted["text_among_dates"] += texts
            for piece, positions in dates.places:
                self._reformat(piece, name, positions, self._formats[name])
        return frozenset(iso)

    def _reformat(self, piece: int, name: str, positions: list[int], form: str) -> None:
        lines, table = self._pieces[piece]
        texts = table.column(name).to_pylist()
        for position in positions:
            texts[position] = _in_format(texts[position], form)
        index = table.column_names.index(name)
        self._pieces[piece] = (lines, table.set_column(index, name, pa.array(texts, pa.string())))


def number_text(value: float) -> str:
    """The shortest digits that mean the number, without exponent and without `.0`.

    Excel keeps 15 digits; what is left of a calculation beyond them (2309.7899999999995) is not data and goes.
    """
    if not math.isfinite(value):
        return str(value)
    if value.is_integer() and abs(value) < _EXACT_WHOLE:
        return str(int(value))
    text = repr(value)
    digits = text.split("e")[0].replace(".", "").replace("-", "").strip("0")
    if len(digits) > _EXCEL_DIGITS:
        short = f"{value:.{_EXCEL_DIGITS}g}"
        decimals = max(0, -int(Decimal(text).as_tuple().exponent))
        if decimals > 6 and abs(float(short) - value) <= 4 * math.ulp(value):
            text = short
    return (f"{Decimal(text):f}" if "e" in text else text).removesuffix(".0")


def _other_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, timedelta):
        seconds = round(cell.total_seconds())
        sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
        return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(cell, time):
        return cell.isoformat("seconds")
    return str(cell)


def _header_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, float):
        return number_text(cell)
    return cell.date().isoformat() if isinstance(cell, datetime) else _other_text(cell)


def _date_formats(spec: FeedSpec) -> dict[str, str]:
    """Source column -> declared format, for those mapped to dates."""
    formats = {}
    for column in spec.mapped:
        own = spec.columns[column.name]
        if column.kind is Kind.DATE and own.source is not None:
            formats[own.source] = own.format or "%Y-%m-%d"
    return formats


def _in_format(iso_day: str, form: str) -> str:
    """A day as the texts around it are written; as it is where the format is no calendar form."""
    if not _ISO_DAY.fullmatch(iso_day):
        return iso_day
    day = date.fromisoformat(iso_day)
    if form == "excel_serial":
        return str((day - date(1899, 12, 30)).days)
    if form == "excel_serial_1904":
        return str((day - date(1904, 1, 1)).days)
    return day.strftime(form).replace("%Y", f"{day.year:04}") if form.startswith("%") else iso_day


def _merged(table: _Table, spec: FeedSpec) -> int:
    """Merged areas below the header that cover cells of mapped columns: all but their first cell are empty."""
    mapped = _mapped_columns(table, spec)
    return sum(
        1 for (_, left), (bottom, right) in table.sheet.merged if bottom > table.row and mapped & {*range(left, right + 1)}
    )


def _select(table: pa.Table, names: Sequence[str]) -> pa.Table:
    return table.select(list(names))
