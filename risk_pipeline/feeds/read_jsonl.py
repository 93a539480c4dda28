"""JSON Lines as chunks of text rows: one object a line, nested values by dotted names, numbers as they are written.

Put here: lines, objects, their columns. Keep out: encodings (encoding.py), what a cell means (convert.py).

A key that an object lacks, and null, are empty cells; a list is its JSON text. Which columns the file has is known only after
all of it has been looked at, so it is read twice.
"""

from __future__ import annotations

import codecs
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import encoding
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec

CHUNK_BYTES = 4 << 20
MAX_RECORD_BYTES = 32 << 20
MAX_COLUMNS = 5_000

_ONE_A_LINE = "export one JSON object a line (JSON Lines), in UTF-8"
_Row = dict[str, str | None]


def open_jsonl(receipt: Receipt, spec: FeedSpec, work: Path) -> JsonLinesFile:
    """Open a JSON Lines file and look through it for its columns. Refused, with the line, when a line is no object.

    `work` takes the UTF-8 copy of a file in another encoding.
    """
    codec = encoding.detect(receipt, spec.source.encoding, lambda codec: False)
    path = receipt.path
    if not codec.is_utf8:
        path = work / f"{receipt.sha256}.utf8"
        if not path.exists():
            encoding.transcode(receipt, codec.codec, path)
    file = JsonLinesFile(receipt, path, codec, [])
    file.find_columns()
    if not file.header and not spec.where:
        # No object, no row, no column: whether that may be is for assertions.rows_min to say.
        file.header = list(spec.header_columns)
    return file


@dataclass
class JsonLinesFile:
    """A JSON Lines file, read through `path` (the file itself, or its UTF-8 copy). Chunks can be read again."""

    receipt: Receipt
    path: Path
    codec: encoding.Encoding
    header: list[str]
    iso_dates: frozenset[str] = frozenset()
    no_final_newline: bool = False

    def facts(self) -> dict[str, object]:
        return {"format": "jsonl", "encoding": self.codec.codec}

    def warnings(self) -> dict[str, int]:
        """What is odd about the file; complete when all chunks have been read."""
        return {"no_final_newline": 1} if self.no_final_newline else {}

    def find_columns(self) -> None:
        """Fill `header` with every key of every object, in order of appearance."""
        names: dict[str, None] = {}
        for lines, texts in self._blocks():
            for row in self._rows(texts, lines):
                names.update(dict.fromkeys(row))
            if len(names) > MAX_COLUMNS:
                raise Refused(
                    f"{self.receipt.name}: more than {MAX_COLUMNS:,} different keys by line {lines[-1]}",
                    remedy="export values as values: keys that are data, such as dates or ids, cannot be mapped",
                )
        self.header = list(names)

    def chunks(self) -> Iterator[Chunk]:
        """The objects. Refused when the file changed."""
        for lines, texts in self._blocks():
            yield Chunk(np.array(lines, dtype=np.int64), partial(self._parse, texts, lines))

    def _blocks(self) -> Iterator[tuple[list[int], list[bytes]]]:
        """Lines that are not blank, some megabytes at a time, with their numbers."""
        digest = hashlib.sha256()
        rest, line, at_end = b"", 1, False
        with self.path.open("rb", buffering=0) as handle:
            while not at_end:
                read = handle.read(CHUNK_BYTES)
                digest.update(read)
                at_end = not read
                block = self._close(rest) if at_end else rest + read
                if line == 1 and not rest:
                    block = block.removeprefix(codecs.BOM_UTF8)
                *whole, rest = block.split(b"\n")
                numbered = [(number, text) for number, text in enumerate(whole, line) if not text.isspace() and text]
                line += len(whole)
                if len(rest) > MAX_RECORD_BYTES:
                    raise Refused(
                        f"{self.receipt.name}: line {line} does not end within {MAX_RECORD_BYTES >> 20} MB: not JSON Lines",
                        remedy=_ONE_A_LINE,
                    )
                if numbered:
                    yield [number for number, _ in numbered], [text for _, text in numbered]
        if self.path == self.receipt.path:
            self.receipt.check_unchanged(digest.hexdigest())

    def _close(self, rest: bytes) -> bytes:
        """The end of the file: a DOS end mark is dropped, a missing last line end is added and remembered."""
        rest = rest.removesuffix(b"\x1a")
        if not rest:
            return b""
        self.no_final_newline = True
        return rest + b"\n"

    def _parse(self, texts: Sequence[bytes], lines: Sequence[int], names: Sequence[str]) -> pa.Table:
        rows = list(self._rows(texts, lines))
        return pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in names})

    def _rows(self, texts: Sequence[bytes], lines: Sequence[int]) -> Iterator[_Row]:
        for line, text in zip(lines, texts, strict=True):
            try:
                row = _row(_DECODER.decode(text.decode("utf-8")))
                if b"\\u" in text:
                    _check_text(row)
            except _NotARow as exc:
                raise self._refused(line, str(exc)) from None
            except RecursionError:
                raise self._refused(line, "is nested too deeply") from None
            except ValueError as exc:
                is_cut = self.no_final_newline and line == lines[-1]
                if is_cut:
                    raise self._refused(line, f"is cut off ({exc})", "deliver the file again, whole") from None
                raise self._refused(line, f"is no JSON object ({exc})") from None
            yield row

    def _refused(self, line: int, what: str, remedy: str = _ONE_A_LINE) -> Refused:
        return Refused(f"{self.receipt.name}: line {line} {what}", remedy=remedy)


class _NotARow(Exception):
    """Valid JSON that is no row."""


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in order, a name given twice still twice."""


class _Number(str):
    """A number as it is written."""


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def _row(found: Any) -> _Row:
    if not isinstance(found, _Pairs):
        raise _NotARow("is a list or a bare value, not an object")
    row: _Row = {}
    _flatten(found, "", row)
    return row


def _flatten(pairs: _Pairs, prefix: str, row: _Row) -> None:
    for key, value in pairs:
        name = prefix + key
        if isinstance(value, _Pairs):
            _flatten(value, f"{name}.", row)
        elif name in row:
            raise _NotARow(f"has {name!r} twice")
        else:
            row[name] = value if value is None or isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    """A value as JSON, numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, _Pairs):
        return "{" + ",".join(f"{_json(key)}:{_json(each)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _check_text(row: _Row) -> None:
    """Escapes can spell what no text holds: NUL, and halves of surrogate pairs."""
    for name, value in row.items():
        text = name + (value or "")
        if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
            raise _NotARow(f"has characters in {name!r} that are no text (NUL, or half a surrogate pair)")
