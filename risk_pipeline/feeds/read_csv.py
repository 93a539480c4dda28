"""Delimited text (csv, tsv) as chunks of text rows, with flat memory.

Put here: header and delimiter, the stream of blocks, splitting them into fields. Keep out: encodings (encoding.py), where
records begin and end (records.py), what a cell means (convert.py).
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import encoding
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.records import Scan, blanks_at_edges, lone_return, record_lines, scan
from risk_pipeline.feeds.spec import FeedSpec

CHUNK_BYTES = 8 << 20
MAX_RECORD_BYTES = 32 << 20
DELIMITERS = (",", ";", "\t", "|")


def open_csv(receipt: Receipt, spec: FeedSpec, work: Path) -> CsvFile:
    """Open delimited text: its encoding, delimiter and header. `work` takes the UTF-8 copy of text in another encoding."""
    mapped = set(spec.header_columns)

    def proved_by(codec: str) -> bool:
        names = set(_read_header(_head(receipt, codec), spec, receipt.name)[1])
        return mapped <= names and not all(name.isascii() for name in mapped)

    codec = encoding.detect(receipt, spec.source.encoding, proved_by)
    path = receipt.path
    if not codec.is_utf8:
        path = work / f"{receipt.sha256}.utf8"
        if not path.exists():
            encoding.transcode(receipt, codec.codec, path)
    delimiter, header = _read_header(_head(receipt, codec.codec), spec, receipt.name)
    return CsvFile(receipt, path, codec, delimiter, header, spec.source.skip_lines)


@dataclass
class CsvFile:
    """A delimited text file, read through `path` (the file itself, or its UTF-8 copy). Chunks can be read again."""

    receipt: Receipt
    path: Path
    codec: encoding.Encoding
    delimiter: str
    header: list[str]
    skip_lines: int
    iso_dates: frozenset[str] = frozenset()
    no_final_newline: bool = False
    _names: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._names = {name: index for index, name in enumerate(self.header)}

    def facts(self) -> dict[str, object]:
        return {"encoding": self.codec.codec, "delimiter": self.delimiter}

    def warnings(self) -> dict[str, int]:
        """What is odd about the file; complete when all chunks have been read."""
        return {"no_final_newline": 1} if self.no_final_newline else {}

    def chunks(self) -> Iterator[Chunk]:
        """The rows below the header. Refused for a ragged, truncated or badly quoted record, or a file that changed."""
        header_passed = False
        for block, found, line in self._blocks():
            starts, lines = record_lines(found, line)
            first = 0 if header_passed else 1
            header_passed = True
            chunk = self._chunk(block, found.ends[first:], starts[first:], lines[first:])
            # Line ends inside quotes may stand at the edge of a field.
            many_lines = len(found.newlines) > len(found.ends)
            yield from (replace(each, may_have_blanks=lambda: True) if many_lines else each for each in chunk)

    def _blocks(self) -> Iterator[tuple[bytes, Scan, int]]:
        """Blocks that end with a record, scanned, with the number of their first line."""
        digest = hashlib.sha256()
        rest, line, skip = b"", 1, self.skip_lines
        with self.path.open("rb", buffering=0) as handle:
            at_end = False
            while not at_end:
                read = handle.read(CHUNK_BYTES)
                digest.update(read)
                at_end = not read
                block = self._close(rest) if at_end else rest + read
                if line == 1:
                    block = block.removeprefix(codecs.BOM_UTF8)
                block, skipped = _skip(block, skip)
                skip, line = skip - skipped, line + skipped
                found = scan(block, self.delimiter)
                self._check_scan(found, block, line, at_end=at_end)
                rest = block
                if len(found.ends):
                    rest = block[int(found.ends[-1]) + 1 :]
                    yield block, found, line
                    line += int(np.searchsorted(found.newlines, found.ends[-1])) + 1
        if self.path == self.receipt.path:
            self.receipt.check_unchanged(digest.hexdigest())

    def _close(self, block: bytes) -> bytes:
        """The end of the file: a DOS end mark is dropped, a missing last line end is added and remembered."""
        block = block.removesuffix(b"\x1a")
        if block and not block.endswith(b"\n"):
            self.no_final_newline = True
            block += b"\n"
        return block

    def _check_scan(self, found: Scan, block: bytes, line: int, *, at_end: bool) -> None:
        if found.malformed is not None:
            where = line + block[: found.malformed].count(b"\n")
            raise Refused(
                f"{self.receipt.name}: line {where}: text follows a closing quote",
                remedy='write a quote inside a quoted field as two ("")',
            )
        begun = int(found.ends[-1]) + 1 if len(found.ends) else 0
        endless = len(block) - begun > MAX_RECORD_BYTES
        if not endless and not (found.is_open and at_end):
            return
        where = line + block[:begun].count(b"\n")
        if found.is_open:
            raise Refused(
                f"{self.receipt.name}: the record that begins on line {where} opens a quote that is never closed:"
                " truncated, or not a CSV file",
                remedy="deliver the whole file again",
            )
        raise Refused(
            f"{self.receipt.name}: line {where} does not end within {MAX_RECORD_BYTES >> 20} MB: not a CSV file",
            remedy="export the rows as delimited text, one record a line",
        )

    def _chunk(
        self, block: bytes, ends: npt.NDArray[np.int64], starts: npt.NDArray[np.int64], lines: npt.NDArray[np.int64]
    ) -> Iterator[Chunk]:
        if len(starts) and block[int(starts[-1]) : int(ends[-1])].rstrip(b"\r") == b"\x1a":
            ends, starts, lines = ends[:-1], starts[:-1], lines[:-1]  # a DOS end mark on a line of its own, as OFAC has it
        if not len(starts):
            return
        data = block[int(starts[0]) : int(ends[-1]) + 1]
        lengths = ends - starts
        codes = np.frombuffer(block, dtype=np.uint8)
        blank = (lengths == 0) | ((lengths == 1) & (codes[starts] == 0x0D))
        kept = lines[~blank]
        if len(kept):
            yield Chunk(kept, partial(self._parse, data, kept), partial(blanks_at_edges, data, self.delimiter))

    def _parse(self, data: bytes, lines: npt.NDArray[np.int64], names: Sequence[str]) -> pa.Table:
        """Split the records into fields; the columns asked for, as text. Runs outside Python's lock."""
        ragged: list[pa_csv.InvalidRow] = []

        def refuse(row: pa_csv.InvalidRow) -> str:
            ragged.append(row)
            return "error"

        wanted = [f"c{self._names[name]}" for name in names]
        try:
            parsed = pa_csv.read_csv(
                pa.BufferReader(data),
                read_options=pa_csv.ReadOptions(
                    column_names=[f"c{index}" for index in range(len(self.header))], use_threads=False, block_size=len(data) + 1
                ),
                parse_options=pa_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=refuse),
                convert_options=pa_csv.ConvertOptions(
                    column_types={name: pa.string() for name in wanted}, include_columns=wanted, strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid as exc:
            raise self._not_rectangular(data, ragged, lines, str(exc)) from None
        if parsed.num_rows != len(lines):
            raise self._not_rectangular(data, [], lines, f"{parsed.num_rows} records where {len(lines)} were counted")
        return parsed.rename_columns(list(names))

    def _not_rectangular(
        self, data: bytes, ragged: list[pa_csv.InvalidRow], lines: npt.NDArray[np.int64], reason: str
    ) -> Refused:
        name, fields = self.receipt.name, len(self.header)
        if (at := lone_return(data)) is not None:
            line = int(lines[0]) + data[:at].count(b"\n")
            return Refused(
                f"{name}: line {line} holds a carriage return that ends no line",
                remedy="export the file with such fields in quotes, or without line breaks in them",
            )
        if not ragged:
            return Refused(f"{name}: near line {lines[0]}: {reason}", remedy="export the file again, with fields quoted")
        row = ragged[0]
        line = int(lines[row.number - 1])
        if self.no_final_newline and row.number == len(lines):
            return Refused(
                f"{name}: truncated: its last line ({line}) ends after {row.actual_columns} of {fields} fields:"
                f" {_short(row.text)}",
                remedy="deliver the whole file again",
            )
        return Refused(
            f"{name}: line {line} has {row.actual_columns} fields, the header has {fields}: {_short(row.text)}",
            remedy="quote fields that hold the delimiter, or name the right delimiter in the feed's source",
        )


def _head(receipt: Receipt, codec: str) -> str:
    """The first megabyte as text; a character cut at its end is left out."""
    with receipt.path.open("rb") as handle:
        text = handle.read(1 << 20).decode(codec, errors="ignore")
    return text.removeprefix("\ufeff")


def _read_header(head: str, spec: FeedSpec, name: str) -> tuple[str, list[str]]:
    """The delimiter and the column names. With `delimiter: auto`, the one that gives the most mapped columns, then fields."""
    head = "\n".join(head.split("\n")[spec.source.skip_lines :])
    if not head.strip():
        raise Refused(f"{name}: the file is empty", remedy="deliver the file again; it needs at least a header line")
    if "\n" not in head and "\r" in head:
        raise Refused(f"{name}: its lines end in a lone carriage return", remedy="save it with Unix or Windows line ends")
    declared = "\t" if spec.source.format == "tsv" and spec.source.delimiter == "auto" else spec.source.delimiter
    candidates = DELIMITERS if declared == "auto" else (declared,)
    mapped = set(spec.header_columns)
    headers = {each: _first_record(head, each) for each in candidates}
    best = max(headers, key=lambda each: (len(mapped & set(headers[each])), len(headers[each])))
    return best, headers[best]


def _first_record(head: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter))]
    except csv.Error:
        return []


def _skip(block: bytes, lines: int) -> tuple[bytes, int]:
    passed = min(lines, block.count(b"\n"))
    for _ in range(passed):
        block = block[block.index(b"\n") + 1 :]
    return block, passed


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
