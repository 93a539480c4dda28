"""A file nobody described yet: its format, encoding, delimiter and header row found, and its first rows as text.

Put here: what must be known to open a file, each with its evidence, found from bytes and names alone; the rows then come from the
reader that ingest uses. Keep out: what the columns mean (infer). An encoding the content cannot prove is asked for, not guessed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds import encoding
from risk_pipeline.feeds.archives import unpack
from risk_pipeline.feeds.chunks import SourceFile
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.profile_columns import guess_dates, guess_numbers
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.synonyms import is_chinese, synonyms
from risk_pipeline.feeds.workbook import Sheet, Workbook

MAX_ROWS = 100_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_HEAD_BYTES = 1 << 20
_HEAD_ROWS = 200
_HEADER_WITHIN = 30
_ENCODINGS = ("gb18030", "big5", "cp1252", "shift_jis", "cp1251")  # offered as readings, never taken


_ADD_HEADER = "add a line of column names to the export, since a feed maps columns by name (OFAC lists: `format: ofac`)"


@dataclass(frozen=True)
class Told:
    """A key of the feed's `source` with its value and the evidence; `unsure`: why a person should look."""

    key: str
    value: Any
    evidence: str = ""
    unsure: str = ""


@dataclass(frozen=True)
class Sample:
    """The first rows of a file. `rows`: all columns as text; `lines`: the line of each; `complete`: these are all rows;
    `twice`: names the header has more than once, whose columns cannot be mapped.
    """

    source: tuple[Told, ...]
    header: tuple[str, ...]
    rows: pa.Table
    lines: pa.Array
    complete: bool
    twice: tuple[str, ...] = ()
    iso_dates: frozenset[str] = frozenset()
    warnings: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def keys(self) -> dict[str, Any]:
        return {each.key: each.value for each in self.source}


@dataclass(frozen=True)
class Given:
    """What a person says about the file; empty = find out."""

    encoding: str | None = None
    sheet: str | None = None


def read_sample(receipt: Receipt, given: Given, work: Path, *, max_rows: int = MAX_ROWS) -> Sample:
    """Find out how to read a file and read its first rows. UsageError for what a person must say, Refused for a file that
    cannot be read at all. `work` is a folder for copies.
    """
    inside, _ = unpack(receipt, work)
    found = _described(inside, given)
    opened = open_source(receipt, _probe(receipt, found), work)
    wide = _unpivoted(opened)
    if wide is not None:
        found.append(wide)
        opened = open_source(receipt, _probe(receipt, found), work)
    return _first_rows(opened, tuple(found), max_rows)


def _first_rows(opened: SourceFile, found: tuple[Told, ...], max_rows: int) -> Sample:
    count = Counter(name.casefold() for name in opened.header)
    header = [name for name in opened.header if name and count[name.casefold()] == 1]
    twice = tuple(name for name in dict.fromkeys(opened.header) if name and count[name.casefold()] > 1)
    if not header:
        raise UsageError(f"{opened.receipt.name}: no column has a name of its own", remedy="name each column of the export once")
    tables, lines, read = [], [], 0
    for chunk in opened.chunks():
        tables.append(chunk.text(header))
        lines.append(pa.array(chunk.lines, pa.int64()))
        read += len(chunk)
        if read > max_rows:
            break
    if not read:
        name = opened.receipt.name
        raise Refused(f"{name}: no rows below the header", remedy="name a file that holds rows; types are found from them")
    rows = pa.concat_tables(tables).slice(0, max_rows).combine_chunks()
    kept = pa.concat_arrays(lines).slice(0, max_rows)
    return Sample(found, tuple(header), rows, kept, read <= max_rows, twice, opened.iso_dates, opened.warnings())


def _unpivoted(opened: SourceFile) -> Told | None:
    """How a table with a column for each currency is read long; None for any other."""
    named = [name for name in opened.header if name]
    codes = [name for name in named if name in CURRENCIES]
    keep = [name for name in named if name not in CURRENCIES]
    if len(codes) < 3 or not keep or len(keep) * 2 > len(codes):
        return None
    first = next(iter(opened.chunks()), None)
    cells = {cell for column in first.text(codes).columns for cell in pc.unique(column).to_pylist()} if first else set()
    nulls = [each for each in synonyms().nulls if each in cells]
    value = {"keep": keep, "name": "currency", "value": "rate", "drop_nulls": ["", *nulls]}
    return Told("unpivot", value, f"a column for each of {len(codes)} currencies")


def _probe(receipt: Receipt, found: Sequence[Told]) -> FeedSpec:
    """A spec that maps no source column, so that any file can be opened by it."""
    return FeedSpec.model_validate(
        {
            "feed": "customer",
            "source": {"path": receipt.name, **{each.key: each.value for each in found}},
            "delivery": "snapshot",
            "columns": {"customer_id": {"value": "-"}},
        }
    )


def _described(receipt: Receipt, given: Given) -> list[Told]:
    """The keys of `source` for a plain file."""
    with receipt.path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    if not head.strip():
        raise Refused(f"{receipt.name}: the file is empty", remedy="name a file that holds a header and rows")
    name = receipt.name.lower()
    if head.startswith(b"PAR1"):
        return [Told("format", "parquet", "begins with PAR1")]
    if head.startswith(b"PK\x03\x04") or head.startswith(b"\xd0\xcf\x11\xe0"):
        return _described_workbook(receipt, given)
    if name.endswith((".jsonl", ".ndjson")) or head.lstrip(codecs.BOM_UTF8).lstrip().startswith(b'{"'):
        return [Told("format", "jsonl", "one JSON object a line")]
    return _described_text(receipt, head, given)


def _described_workbook(receipt: Receipt, given: Given) -> list[Told]:
    """The sheet and its header row: of the sheet named, else of the visible one whose header has most known names."""
    workbook = Workbook(receipt)
    names = [each.name for each in workbook.sheets]
    wanted = given.sheet
    if wanted is not None and wanted not in names and not (wanted.isdigit() and 1 <= int(wanted) <= len(names)):
        raise UsageError(f"{receipt.name} has no sheet {wanted!r}", remedy=f"it has {', '.join(names)}")
    found: list[tuple[int, str, int, str]] = []
    for place, sheet in enumerate(workbook.sheets):
        chosen = wanted in (sheet.name, str(place + 1)) if wanted is not None else not sheet.is_hidden
        header = _header(_head_rows(workbook.load(sheet))) if chosen else None
        if header is not None:
            (row, cells), why = header
            found.append((len(synonyms().known(cells)), sheet.name, row, why))
    if not found:
        raise UsageError(f"{receipt.name}: no sheet has a header row in its first {_HEADER_WITHIN} rows", remedy=_ADD_HEADER)
    _, name, row, why = max(found, key=lambda each: each[0])
    unsure = f"the workbook has the sheets {', '.join(names)}" if len(names) > 1 and wanted is None else ""
    return [
        Told("format", "xlsx", "an Excel workbook"),
        Told("sheet", name, "as you said" if wanted else "", unsure),
        Told("header_row", str(row), why),
    ]


def _head_rows(sheet: Sheet) -> list[tuple[int, list[str]]]:
    """(row number, cells as text) of the first rows that hold anything."""
    rows = ((number + 1, [str(each).strip() for each in values]) for number, values in islice(sheet.rows(), _HEADER_WITHIN))
    return [each for each in rows if any(each[1])]


# Delimited text


def _described_text(receipt: Receipt, head: bytes, given: Given) -> list[Told]:
    codec = _encoding(receipt, head, given)
    layout = find_layout(_decoded(head, codec.value))
    if layout is None:
        raise UsageError(
            f"{receipt.name}: no header line was found in its first {_HEADER_WITHIN} lines",
            remedy=_ADD_HEADER,
        )
    told = [
        Told("format", "csv"),
        codec,
        Told("delimiter", "tab" if layout.delimiter == "\t" else layout.delimiter, layout.evidence),
    ]
    if layout.skip_lines:
        told.append(Told("skip_lines", str(layout.skip_lines), f"the header is line {layout.skip_lines + 1}: {layout.why}"))
    return told


def _encoding(receipt: Receipt, head: bytes, given: Given) -> Told:
    """Byte order mark, else strict UTF-8, else GB18030 when header names known in Chinese prove it, else a question."""
    if given.encoding:
        _check_codec(given.encoding)
        return Told("encoding", given.encoding, "as you said")
    if head.startswith(codecs.BOM_UTF8):
        return Told("encoding", "utf-8", "begins with a UTF-8 byte order mark")
    if head.startswith(b"\x84\x31\x95\x33"):
        return Told("encoding", "gb18030", "begins with a GB18030 byte order mark")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Told("encoding", "utf-16", "begins with a UTF-16 byte order mark")
    if b"\0" in head:
        side = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        raise UsageError(
            f"{receipt.name}: holds NUL characters: UTF-16 without a byte order mark, or no text at all",
            remedy=f"if the system exports UTF-16, say --encoding {side}",
        )
    bad_line = encoding.undecodable_line(receipt, "utf-8")
    if bad_line is None:
        plain = head.isascii()
        return Told("encoding", "utf-8", "only ASCII characters so far" if plain else "every line is valid UTF-8")
    known = _known_in_chinese(_decoded(head, "gb18030"))
    if known and encoding.undecodable_line(receipt, "gb18030") is None:
        return Told("encoding", "gb18030", f"line {bad_line} is not UTF-8; as GB18030 the header reads {', '.join(known)}")
    raise _unknown_encoding(receipt, head, bad_line)


def _check_codec(name: str) -> None:
    try:
        codecs.lookup(name)
    except LookupError:
        raise UsageError(f"--encoding {name!r} is no known encoding", remedy="for example utf-8, gb18030, big5, cp1252") from None


def _known_in_chinese(text: str) -> list[str]:
    """Header names of a text that are known and Chinese, in the first lines."""
    layout = find_layout(text)
    return [name for name in synonyms().known(layout.header) if is_chinese(name)] if layout else []


def _unknown_encoding(receipt: Receipt, head: bytes, bad_line: int) -> UsageError:
    """The question, with the place that is not UTF-8 as several encodings read it."""
    line = next((each for each in head.split(b"\n") if not _is_utf8(each)), b"").rstrip(b"\r")
    start = max(0, next((at for at, byte in enumerate(line) if byte > 0x7F), 0) - 20)
    readings = []
    for codec in _ENCODINGS:
        try:
            readings.append(f"  as {codec + ':':<11} {line.decode(codec)[start : start + 55]}")
        except UnicodeDecodeError:
            continue
    shown = "\n".join(readings)
    return UsageError(
        f"{receipt.name}: line {bad_line} is not valid UTF-8, and no header name proves another encoding"
        + (f". It reads\n{shown}" if shown else ""),
        remedy="say which one the system exports: --encoding NAME",
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _decoded(head: bytes, codec: str) -> str:
    """The head as text; a character cut at its end is left out."""
    return head.decode(codec, errors="ignore").removeprefix("\ufeff")


@dataclass(frozen=True)
class Layout:
    """How a delimited text is laid out. `evidence`: for the delimiter; `why`: for the header line."""

    delimiter: str
    skip_lines: int
    header: tuple[str, ...]
    evidence: str
    why: str


def find_layout(text: str) -> Layout | None:
    """The delimiter under which most lines have one number of fields, and the header line; None when no line looks like one."""
    best: tuple[tuple[bool, int, float, int], str, int, list[tuple[int, list[str]]]] | None = None
    for delimiter in DELIMITERS:
        records = _records(text, delimiter)
        widths = Counter(len(cells) for _, cells in records)
        # A single field a line is what any wrong delimiter gives.
        width, count = max(widths.items(), key=lambda each: (each[0] > 1, each[1]), default=(0, 0))
        known = max((len(synonyms().known(cells)) for _, cells in records[:_HEADER_WITHIN] if len(cells) == width), default=0)
        score = (width > 1, known, count / max(1, len(records)), width)
        if width and (best is None or score > best[0]):
            best = (score, delimiter, width, records)
    if best is None:
        return None
    (_, _, share, _), delimiter, width, records = best
    found = _header([each for each in records[:_HEADER_WITHIN] if len(each[1]) == width])
    if found is None:
        return None
    (line, cells), why = found
    count = round(share * len(records))
    evidence = f"{DELIMITERS[delimiter]}: {width} fields in {count} of {len(records)} lines"
    return Layout(delimiter, line - 1, tuple(cells), evidence, why)


def _records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """(line it begins on, fields) of the first records that are not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
            if len(found) >= _HEAD_ROWS:
                break
    except csv.Error:
        pass
    # The last record of a long head may be cut.
    return found[:-1] if len(found) < _HEAD_ROWS and len(text) >= _HEAD_BYTES // 4 and len(found) > 1 else found


def _header(rows: Sequence[tuple[int, list[str]]]) -> tuple[tuple[int, list[str]], str] | None:
    """The header among rows of the usual width, and why: the row with most known names, else the first whose cells are words,
    all different. A row with few filled cells is a title.
    """
    most = max((sum(map(bool, cells)) for _, cells in rows), default=0)
    rows = [each for each in rows if 2 * sum(map(bool, each[1])) >= most]
    known = {line: len(synonyms().known(cells)) for line, cells in rows}
    best = max(rows, key=lambda each: (known[each[0]], -each[0]), default=None)
    if best is not None and known[best[0]]:
        return best, f"{known[best[0]]} of its {len(best[1])} names are known"
    first = next((each for each in rows if _may_be_header(each[1])), None)
    return (first, "the first line of words, all different") if first else None


def _may_be_header(cells: Sequence[str]) -> bool:
    named = [cell for cell in cells if cell]
    is_data = any(guess_dates({cell: 1}) or guess_numbers({cell: 1}) or re.fullmatch(r"\S+@\S+", cell) for cell in named)
    return bool(named) and len(set(named)) == len(named) and not is_data
