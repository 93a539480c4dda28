"""Excel workbooks (.xlsx, .xlsm), opened only after they have been looked through: sizes, sheets, and what the library hides.

Put here: the limits against workbooks built to fill the memory, damaged and encrypted ones, the sheets, the cells of a sheet
as Python values. Keep out: which sheet a feed means, its header and the text of its cells (read_xlsx.py).

The library that reads the cells (calamine) trusts the archive, makes room for every cell between the first and the last, and
shows a formula error, and a formula that was never calculated, as an empty cell. So the XML is searched for those first.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any
from xml.etree import ElementTree

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.archives import open_zip, refuse_bomb, refuse_unreadable
from risk_pipeline.feeds.files import Receipt

if TYPE_CHECKING:
    import python_calamine

MAX_FILE_BYTES = 256 << 20
MAX_UNPACKED_BYTES = 512 << 20
MAX_RATIO = 100
MAX_CELLS = 30_000_000
MAX_LISTED_CELLS = 100_000
MAX_LIST_BYTES = 16 << 20
MAX_ROW_BYTES = 64 << 20
BLOCK = 8 << 20

_MAIN, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"
_AGAIN = "open it in Excel, save it again as .xlsx and deliver that"
_NAMED = r"(?:[A-Za-z_][\w.-]*:)?"
_ROW = re.compile(rf"<{_NAMED}row(?=[\s/>])([^>]*)>".encode())
_ROW_END = re.compile(rf"</{_NAMED}row\s*>".encode())
_CELL = re.compile(rf"<{_NAMED}c(?=[\s/>])".encode())
_REFERENCE = re.compile(rf"""<{_NAMED}c\s(?:[^>]*?\s)?r\s*=\s*["']([A-Z]{{1,3}})([0-9]{{1,7}})["']""".encode())
_USUAL_REFERENCE = re.compile(rb"""<c r="([A-Z]{1,3})([0-9]{1,7})\"""")
_NUMBER = re.compile(rb"""(?:^|\s)r\s*=\s*["']([0-9]{1,7})["']""")
_AT = re.compile(rb"""(?:^|\s)r\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_HAS_R = re.compile(rf"<{_NAMED}c\s(?:[^>]*?\s)?r\s*=".encode())
_END_IN_VALUE = re.compile(rb"""=\s*(?:"[^"<>]*|'[^'<>]*)>""")
_ERROR = re.compile(rf"""<{_NAMED}c\s([^>]*\bt\s*=\s*["']e["'][^>]*)>(.*?)</{_NAMED}c>""".encode(), re.DOTALL)
_VALUE = re.compile(rf"<{_NAMED}v>([^<]*)</".encode())
_NEVER_CALCULATED = re.compile(
    rf"<{_NAMED}c\s([^>]*)>\s*<{_NAMED}f\b(?:[^>]*/>|[^>]*>[^<]*</{_NAMED}f>)\s*"
    rf"(?:<{_NAMED}v\s*/>|<{_NAMED}v>\s*</{_NAMED}v>)?\s*</{_NAMED}c>".encode()
)
_COUNT = re.compile(rb"""\suniqueCount\s*=\s*["']([0-9]{1,30})["']""")
_LEAST_BYTES = len("<si/>")
_IS_TEXT = re.compile(rb"""\bt\s*=\s*["'](?:str|s|inlineStr)["']""")


@dataclass(frozen=True)
class SheetName:
    """A worksheet in the order of the workbook. `part`: its XML inside the archive."""

    name: str
    is_hidden: bool
    part: str

    def told(self) -> str:
        return f"{self.name!r}{' (hidden)' if self.is_hidden else ''}"


@dataclass
class Findings:
    """What the XML of one sheet says and the library does not. Cells are (row, column) from 0."""

    rows: int = 0
    columns: int = 0
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    never_calculated: set[tuple[int, int]] = field(default_factory=set)


class Sheet:
    """The cells of one sheet. `merged`: areas as ((row, column), (row, column)) from 0, both ends within."""

    def __init__(self, receipt: Receipt, name: SheetName, cells: python_calamine.CalamineSheet, findings: Findings) -> None:
        self.name = name
        self.findings = findings
        self.merged = cells.merged_cell_ranges or []
        self._receipt = receipt
        self._cells = cells

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """(number from 0, values) of each row from the first that holds anything. Values: str, float, bool, date, datetime, time,
        timedelta; '' is an empty cell. Formula errors are their text.
        """
        start = self._cells.start
        if start is None:
            return
        padding = [""] * start[1]
        errors = _by_row(self.findings.errors)
        with _no_crash(self._receipt):
            for number, values in enumerate(self._cells.iter_rows()):
                if number < start[0]:
                    continue
                row = padding + values
                for column, text in errors.get(number, ()):
                    if column < len(row):
                        row[column] = text
                yield number, row


class Workbook:
    """A workbook that is safe to read. Refused when it is too large, encrypted, damaged or no workbook, or changed meanwhile."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        if receipt.size > MAX_FILE_BYTES:
            raise Refused(f"{receipt.name}: larger than {MAX_FILE_BYTES >> 20} MB", remedy="export such an amount of rows as CSV")
        self._data = receipt.read()
        self._refuse_other_formats()
        with open_zip(io.BytesIO(self._data), receipt.name) as archive:
            self._refuse_bombs(archive)
            with _no_crash(receipt):
                self.sheets = _sheets(archive)
        if not self.sheets:
            raise Refused(f"{receipt.name}: the workbook has no worksheet", remedy=_AGAIN)
        self._opened: python_calamine.CalamineWorkbook | None = None

    def load(self, name: SheetName) -> Sheet:
        """Read one sheet, after it was searched. Refused when it has room for too many cells or cannot be read."""
        import python_calamine

        findings = self._search(name)
        with _no_crash(self.receipt):
            if self._opened is None:
                self._opened = python_calamine.load_workbook(io.BytesIO(self._data))
            return Sheet(self.receipt, name, self._opened.get_sheet_by_name(name.name), findings)

    def _refuse_other_formats(self) -> None:
        data, name = self._data, self.receipt.name
        if data.startswith(_OLD_OR_LOCKED):
            if "EncryptedPackage".encode("utf-16-le") in data:
                raise Refused(f"{name}: the workbook is encrypted", remedy="save it without a password")
            raise Refused(f"{name}: an old Excel workbook (.xls)", remedy="save it as .xlsx in Excel")
        if not data.startswith(b"PK"):
            raise Refused(
                f"{name}: no Excel workbook", remedy="say the format it has in the feed's source, such as `format: csv`"
            )

    def _refuse_bombs(self, archive: zipfile.ZipFile) -> None:
        """By what the archive says of itself, and then by what its parts really unpack to."""
        entries, name = archive.infolist(), self.receipt.name
        names = {each.filename for each in entries}
        if _MAIN not in names:
            kind = "a binary workbook (.xlsb)" if "xl/workbook.bin" in names else "a zip archive, but no .xlsx workbook"
            raise Refused(f"{name}: {kind}", remedy="save it as .xlsx in Excel")
        if len(names) < len(entries):
            raise Refused(f"{name}: damaged: the archive has two parts of the same name", remedy=_AGAIN)
        for each in entries:
            refuse_unreadable(each, name)
        unpacked, packed = sum(each.file_size for each in entries), sum(each.compress_size for each in entries)
        refuse_bomb(name, unpacked, packed, MAX_UNPACKED_BYTES, MAX_RATIO)
        for each in entries:
            _refuse_lies(self._data, each, name)
        lists = sum(each.file_size for each in entries if each.filename in (_MAIN, _LINKS))
        if lists > MAX_LIST_BYTES:
            raise Refused(f"{name}: its list of sheets has {lists >> 20} MB: no workbook of Excel's making", remedy=_AGAIN)

    def _search(self, name: SheetName) -> Findings:
        findings = Findings()
        with (
            open_zip(io.BytesIO(self._data), self.receipt.name) as archive,
            _no_crash(self.receipt),
            archive.open(name.part) as part,
        ):
            for piece in _whole_rows(part):
                _search_piece(piece, findings)
        where = f"{self.receipt.name}: sheet {name.told()}"
        if findings.rows * findings.columns > MAX_CELLS:
            raise Refused(
                f"{where} reaches to row {findings.rows:,}, column {findings.columns:,}: room for more than {MAX_CELLS:,} cells",
                remedy="delete the stray cells far outside the table, or export the rows as CSV",
            )
        if len(findings.errors) + len(findings.never_calculated) > MAX_LISTED_CELLS:
            raise Refused(f"{where} has more than {MAX_LISTED_CELLS:,} formulas with an error or without a result", remedy=_AGAIN)
        return findings


def _whole_rows(part: IO[bytes]) -> Iterator[bytes]:
    """The XML in pieces that end with a row."""
    rest = b""
    while block := part.read(BLOCK):
        rest += block
        ends = [each.end() for each in _ROW_END.finditer(rest)]
        if ends:
            yield rest[: ends[-1]]
            rest = rest[ends[-1] :]
        elif len(rest) > MAX_ROW_BYTES:
            raise ValueError(f"more than {MAX_ROW_BYTES >> 20} MB without the end of a row")
    yield rest


def _search_piece(piece: bytes, findings: Findings) -> None:
    """Search whole rows of XML. ValueError for XML that these searches, unlike a parser, could misread."""
    if b"\0" in piece or b"<!DOCTYPE" in piece:
        raise ValueError("a sheet in another form than Excel writes")
    rows = [_NUMBER.search(attributes) for attributes in _ROW.findall(piece)]
    cells, references = len(_CELL.findall(piece)), _USUAL_REFERENCE.findall(piece)
    if cells > len(references):
        references = _REFERENCE.findall(piece)
    has_gaps = cells > len(references) or not all(rows)
    if has_gaps and (_END_IN_VALUE.search(piece) or len(_HAS_R.findall(piece)) > len(references)):
        raise ValueError("a sheet in another form than Excel writes")
    findings.rows = max([findings.rows + len(rows), *(int(number[1]) for number in rows if number)])
    findings.rows = max([findings.rows, *map(int, {row for _, row in references})])
    findings.columns = max([findings.columns, *map(_column, {column for column, _ in references})])
    if has_gaps:
        # Cells without a reference stand one after another.
        findings.columns = max(findings.columns, *(len(_CELL.findall(row)) for row in _ROW_END.split(piece)))
    if len(findings.errors) + len(findings.never_calculated) <= MAX_LISTED_CELLS:
        _search_formulas(piece, findings)


def _search_formulas(piece: bytes, findings: Findings) -> None:
    """Formula errors, and formulas without a result. The plain searches first spare most pieces the dear ones."""
    if b'"e"' in piece or b"'e'" in piece:
        for attributes, inside in _ERROR.findall(piece):
            if at := _AT.search(attributes):
                value = _VALUE.search(inside)
                findings.errors[_position(at)] = value[1].decode("utf-8", "replace") if value else "#VALUE!"
    if b"<f" in piece or b":f" in piece:
        for attributes in _NEVER_CALCULATED.findall(piece):
            if not _IS_TEXT.search(attributes) and (at := _AT.search(attributes)):
                findings.never_calculated.add(_position(at))


def _position(at: re.Match[bytes]) -> tuple[int, int]:
    return int(at[2]) - 1, _column(at[1]) - 1


def _column(letters: bytes) -> int:
    """A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def column_letters(column: int) -> str:
    """The letters of a column counted from 0."""
    letters, column = "", column + 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _by_row(cells: dict[tuple[int, int], str]) -> dict[int, list[tuple[int, str]]]:
    rows: dict[int, list[tuple[int, str]]] = {}
    for (row, column), text in cells.items():
        rows.setdefault(row, []).append((column, text))
    return rows


def _sheets(archive: zipfile.ZipFile) -> list[SheetName]:
    """The worksheets (no chart sheets), by the workbook's own list."""
    targets = {}
    for each in ElementTree.fromstring(archive.read(_LINKS)):
        if each.get("Type", "").endswith("/worksheet"):
            targets[each.get("Id")] = posixpath.normpath(posixpath.join("/xl", each.get("Target", ""))).lstrip("/")
    found = []
    for each in ElementTree.fromstring(archive.read(_MAIN)).iter():
        if each.tag.rsplit("}", 1)[-1] != "sheet":
            continue
        key = next((value for name, value in each.items() if name.endswith("}id")), None)
        if key in targets:
            found.append(SheetName(each.get("name", ""), each.get("state", "visible") != "visible", targets[key]))
    return found


def _refuse_lies(data: bytes, info: zipfile.ZipInfo, name: str) -> None:
    """Refused when an entry unpacks to something else than the archive says, or says that it lists more texts than it has
    bytes for: the library would take memory for as many before it notices.
    """
    size, check, tail = 0, 0, b""
    for block in _inflated(data, info):
        size, check = size + len(block), zlib.crc32(block, check)
        if size > info.file_size:
            break
        counts = [int(count) for count in _COUNT.findall(tail + block)]
        if counts and max(counts) * _LEAST_BYTES > info.file_size:
            raise Refused(f"{name}: damaged: its part {info.filename} says that it lists {max(counts):,} texts", remedy=_AGAIN)
        tail = block[-100:]
    if (size, check) != (info.file_size, info.CRC):
        raise Refused(f"{name}: damaged: its part {info.filename} is not what the archive says", remedy=_AGAIN)


def _inflated(data: bytes, info: zipfile.ZipInfo) -> Iterator[bytes]:
    lengths = data[info.header_offset + 26 : info.header_offset + 30]
    if len(lengths) < 4:  # the directory points behind the end: nothing unpacks, which is not what it says
        return
    start = info.header_offset + 30 + sum(struct.unpack("<HH", lengths))
    packed = data[start : start + info.compress_size]
    if info.compress_type == zipfile.ZIP_STORED:
        yield packed
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    block = inflate.decompress(packed, BLOCK)
    while block:
        yield block
        block = inflate.decompress(inflate.unconsumed_tail, BLOCK)


@contextmanager
def _no_crash(receipt: Receipt) -> Iterator[None]:
    """Whatever goes wrong inside the libraries is Refused, in their words."""
    from python_calamine import CalamineError

    try:
        yield
    except (CalamineError, ElementTree.ParseError, LookupError, ValueError) as exc:
        raise Refused(f"{receipt.name}: damaged: the workbook cannot be read ({exc})", remedy=_AGAIN) from None
    except BaseException as exc:
        if type(exc).__name__ == "PanicException":
            raise Refused(f"{receipt.name}: damaged: the workbook cannot be read ({exc})", remedy=_AGAIN) from None
        raise
