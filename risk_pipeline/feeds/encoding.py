"""Which encoding a text file is in, and its UTF-8 form.

Put here: byte order marks, strict decoding, files that are no text at all. Keep out: delimiters and records (records.py).
An encoding is never taken from the content alone: Korean, Cyrillic and Western text all decode as GB18030, into silent
mojibake. So: byte order mark, else strict UTF-8, else strict GB18030 when the header proves it by mapped names that are not
ASCII. Anything else must be named in the feed YAML, UTF-16 without a mark too; and what is named must not be contradicted by
the file.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.files import BLOCK, Receipt

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_NO_TEXT = (
    (b"PAR1", "a Parquet file; say `format: parquet`"),
    (b"PK\x03\x04", "an Excel workbook (say `format: xlsx`) or an archive packed twice"),
    (b"\x1f\x8b", "a gzip archive packed twice"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"%PDF", "a PDF"),
)


@dataclass(frozen=True)
class Encoding:
    """`codec` as Python names it."""

    codec: str

    @property
    def is_utf8(self) -> bool:
        return codecs.lookup(self.codec).name in ("utf-8", "utf-8-sig", "ascii")


def detect(receipt: Receipt, declared: str, proved_by_header: Callable[[str], bool]) -> Encoding:
    """The encoding of a file. `proved_by_header(codec)`: the header, so decoded, has all mapped columns, and some of their
    names are not ASCII. Refused, with the line, when nothing fits.
    """
    start = _first_bytes(receipt)
    _refuse_no_text(receipt, start)
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    codec = marked or _declared(receipt, declared)
    bad_line = undecodable_line(receipt, codec)
    if bad_line is None:
        if marked is None:
            _check_not_utf8(receipt, codec)
        return Encoding(codec)
    may_be_chinese = marked is None and declared == "auto" and proved_by_header("gb18030")
    if may_be_chinese and undecodable_line(receipt, "gb18030") is None:
        return Encoding("gb18030")
    raise Refused(
        f"{receipt.name}: line {bad_line} is not valid {codec}",
        remedy=f"name the encoding the system exports, such as {_likely(receipt)}, in the feed's source",
    )


def _declared(receipt: Receipt, declared: str) -> str:
    """The codec for a file without a mark. UTF-16 is then one of two codecs: the line ends tell which, else it is Refused."""
    if declared == "auto":
        return "utf-8"
    if codecs.lookup(declared).name != "utf-16":
        return declared
    order = utf16_without_mark(receipt)
    if order is None:
        raise Refused(
            f"{receipt.name}: no byte order mark, and no line end that tells the byte order of UTF-16",
            remedy="say `encoding: utf-16-le` (Windows) or `encoding: utf-16-be`, if it is UTF-16 at all",
        )
    return order


def utf16_without_mark(receipt: Receipt) -> str | None:
    """utf-16-le or utf-16-be when the first line ends can only be read so: the other way round they are no character."""
    with receipt.path.open("rb") as handle:
        head = handle.read(1 << 16)
    texts = {codec: head.decode(codec, errors="ignore") for codec in ("utf-16-le", "utf-16-be")}
    found = [codec for codec, text in texts.items() if "\n" in text and "\u0a00" not in text]
    return found[0] if len(found) == 1 else None


def _check_not_utf8(receipt: Receipt, codec: str) -> None:
    """Refused when an older encoding is declared and the file is UTF-8: nearly any bytes decode, into silent mojibake."""
    if codecs.lookup(codec).name.startswith(("utf", "ascii")) or undecodable_line(receipt, "ascii") is None:
        return
    if undecodable_line(receipt, "utf-8") is None:
        raise Refused(
            f"{receipt.name}: {codec} is declared, but the file is valid UTF-8 beyond ASCII",
            remedy="say `encoding: auto` or `utf-8` in the feed's source",
        )


def _likely(receipt: Receipt) -> str:
    order = utf16_without_mark(receipt)
    return f"`encoding: {order}`" if order else "`encoding: gb18030`, `big5` or `cp1252`"


def undecodable_line(receipt: Receipt, codec: str) -> int | None:
    """The first line that is not strictly valid in `codec`; None when the whole file is. Refused for NUL characters."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    line = 1
    with receipt.path.open("rb", buffering=0) as handle:
        while True:
            block = handle.read(BLOCK)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as exc:
                return line + exc.object[: exc.start].count(b"\n")
            if "\0" in text:
                nul = line + text[: text.index("\0")].count("\n")
                order = utf16_without_mark(receipt)
                remedy = f"if it is UTF-16 without a mark, say `encoding: {order}` in the feed's source" if order else _TEXT
                raise Refused(f"{receipt.name}: line {nul} holds NUL characters: not a CSV file", remedy=remedy)
            line += text.count("\n")
            if not block:
                return None


def transcode(receipt: Receipt, codec: str, target: Path) -> None:
    """Write the file as UTF-8 to `target`, block by block. Refused when it changed since its receipt."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    digest = hashlib.sha256()
    with receipt.path.open("rb", buffering=0) as source, target.open("wb") as out:
        while True:
            block = source.read(BLOCK)
            digest.update(block)
            out.write(decoder.decode(block, final=not block).encode("utf-8"))
            if not block:
                break
    receipt.check_unchanged(digest.hexdigest())


_TEXT = "export the rows as delimited text (CSV), or say `format: parquet` for a Parquet file"


def _first_bytes(receipt: Receipt) -> bytes:
    with receipt.path.open("rb") as handle:
        return handle.read(8)


def _refuse_no_text(receipt: Receipt, start: bytes) -> None:
    for mark, what in _NO_TEXT:
        if start.startswith(mark):
            raise Refused(f"{receipt.name}: not a CSV file but {what}", remedy=_TEXT)
