"""CSV, TSV and Parquet files as chunks of text rows that know the line they stand on.

Put here: opening a source file, its header and delimiter, the stream of chunks with flat memory. Keep out: which files
(files.py), encodings (encoding.py), what a cell means (convert.py). Every cell leaves here as text.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import encoding
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.records import Scan, blanks_at_edges, lone_return, record_lines, scan
from risk_pipeline.feeds.spec import FeedSpec

CHUNK_BYTES = 8 << 20
PARQUET_CHUNK_ROWS = 100_000
MAX_RECORD_BYTES = 32 << 20
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file. `lines`: the physical line each begins on (Parquet: the row number, from 1).

    `text(names)` gives those source columns as Arrow strings; `may_have_blanks()` is false when no cell begins or ends with
    a blank. Both are functions so that they can run in a worker thread.
    """

    lines: npt.NDArray[np.int64]
    text: Callable[[Sequence[str]], pa.Table]
    may_have_blanks: Callable[[], bool] = lambda: True

    def __len__(self) -> int:
        return len(self.lines)


class SourceFile(Protocol):
    """An open source file: what it is called, which columns it has, its rows."""

    receipt: Receipt
    header: list[str]
    iso_dates: frozenset[str]

    def chunks(self) -> Iterator[Chunk]: ...

    def facts(self) -> dict[str, object]: ...

    def warnings(self) -> dict[str, int]: ...


def open_source(receipt: Receipt, spec: FeedSpec, work: Path) -> SourceFile:
    """Open a file of a feed and check that it has every mapped column. Refused, with file and line, for anything else.

    `work` is a folder for a UTF-8 copy, should one be needed.
    """
    opened: SourceFile = _open_parquet(receipt) if spec.source.format == "parquet" else _open_csv(receipt, spec, work)
    _check_columns(opened, spec)
    return opened


def _check_columns(opened: SourceFile, spec: FeedSpec) -> None:
    missing = [name for name in spec.source_columns if name not in opened.header]
    if missing:
        near = difflib.get_close_matches(missing[0], opened.header, n=1)
        raise Refused(
            f"{opened.receipt.name}: no column {', '.join(map(repr, missing))};"
            f" the file has {', '.join(opened.header) or 'no columns'}",
            remedy="mend the mapping in the feed YAML" + (f"; did you mean {near[0]!r}?" if near else ""),
        )
    folded, where = [name.casefold() for name in opened.header], (spec.where or "").casefold()
    used = [name for name in opened.header if name in spec.source_columns or (name and name.casefold() in where)]
    twice = [name for name in used if folded.count(name.casefold()) > 1]
    if twice:
        raise Refused(
            f"{opened.receipt.name}: the header has {twice[0]!r} more than once (case does not count)",
            remedy="rename one of the columns in the export",
        )


# Delimited text


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


def _open_csv(receipt: Receipt, spec: FeedSpec, work: Path) -> CsvFile:
    mapped = set(spec.source_columns)

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
    mapped = set(spec.source_columns)
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


# Parquet


@dataclass
class ParquetFile:
    """A Parquet file: typed cells become text in one fixed form, dates and times as ISO days."""

    receipt: Receipt
    file: pq.ParquetFile
    header: list[str]
    iso_dates: frozenset[str]

    def facts(self) -> dict[str, object]:
        return {"format": "parquet"}

    def warnings(self) -> dict[str, int]:
        return {}

    def chunks(self) -> Iterator[Chunk]:
        """Row batches in file order. Refused when a page cannot be read or the file changed."""
        row = 1
        try:
            for batch in self.file.iter_batches(PARQUET_CHUNK_ROWS):
                lines = np.arange(row, row + batch.num_rows)
                yield Chunk(lines, partial(_as_text, batch))
                row += batch.num_rows
        except (OSError, pa.ArrowInvalid) as exc:
            raise Refused(f"{self.receipt.name}: cannot be read after row {row - 1}: {exc}", remedy="deliver it again") from None
        self.receipt.check_unchanged()


def _open_parquet(receipt: Receipt) -> ParquetFile:
    try:
        file = pq.ParquetFile(receipt.path)
    except (OSError, pa.ArrowInvalid) as exc:
        raise Refused(
            f"{receipt.name}: not a readable Parquet file: {exc}", remedy="deliver it again, or say `format: csv`"
        ) from None
    schema = file.schema_arrow
    return ParquetFile(
        receipt,
        file,
        list(schema.names),
        frozenset(each.name for each in schema if pa.types.is_temporal(each.type) and not pa.types.is_time(each.type)),
    )


def _as_text(batch: pa.RecordBatch, names: Sequence[str]) -> pa.Table:
    return pa.table({name: _text_array(batch.column(name)) for name in names})


def _text_array(array: pa.Array) -> pa.Array:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _text_array(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        # The day as it is written in the file's own zone; the instant would move midnights to another day.
        return pc.strftime(array, format="%Y-%m-%d")
    if pa.types.is_date(kind):
        return pc.strftime(array.cast(pa.timestamp("s")), format="%Y-%m-%d")
    return array.cast(pa.string())
