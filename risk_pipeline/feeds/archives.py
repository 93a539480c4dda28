"""Packed source files: gzip, and zip archives with one member, unpacked into the work folder within limits.

Put here: recognising packed files by their first bytes, the limits against archives that expand without end, damage. Keep
out: what is inside (read_*.py), and Excel workbooks, which are zip archives too, beyond telling them apart (workbook.py).
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import SourceFile
from risk_pipeline.feeds.files import BLOCK, Receipt, take_receipt

MAX_UNPACKED_BYTES = 64 << 30
MAX_RATIO = 200
FREE_BYTES = 64 << 20
"""Below this size nothing is a bomb: constant columns compress without limit."""
MAX_ENTRIES = 10_000
GZIP, ZIP, EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"

_AGAIN = "deliver the file again, whole"
_PLAIN = "pack it as an ordinary zip (stored or deflated, no password), or deliver it unpacked"


@dataclass(frozen=True)
class Packing:
    """How a file was packed: `kind` gzip or zip, `member` the name inside (zip only)."""

    kind: str
    member: str | None = None

    def facts(self) -> dict[str, object]:
        return {"packed": self.kind, **({"member": self.member} if self.member else {})}


def unpack(receipt: Receipt, work: Path) -> tuple[Receipt, Packing | None]:
    """The file itself, or a copy of what is packed in it: under the same name, in `work`, with a receipt of its own.

    Refused for archives with no or several members, encrypted, damaged or cut off ones, and those that expand beyond the
    limits. Workbooks are not unpacked.
    """
    start = _first_bytes(receipt)
    if start.startswith(GZIP):
        return _unpacked(receipt, work, Packing("gzip"), _gunzip)
    if start.startswith((ZIP, EMPTY_ZIP)):
        with open_zip(receipt.path, receipt.name) as archive:
            if is_workbook(archive):
                return receipt, None
            info = _only_member(archive, receipt.name)
        return _unpacked(receipt, work, Packing("zip", info.filename), _unzip)
    return receipt, None


@contextmanager
def open_zip(source: Path | BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    """A zip archive; whatever is wrong with it, then and while it is read, is Refused under `name`."""
    try:
        with zipfile.ZipFile(source) as archive:
            if len(archive.infolist()) > MAX_ENTRIES:
                raise Refused(
                    f"{name}: holds {len(archive.infolist()):,} entries, more than {MAX_ENTRIES:,}",
                    remedy="deliver the data file alone",
                )
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError, ValueError) as exc:
        raise Refused(f"{name}: damaged or cut off: not a whole zip archive ({exc})", remedy=_AGAIN) from None
    except NotImplementedError as exc:
        raise Refused(f"{name}: packed in a way that is not read ({exc})", remedy=_PLAIN) from None


def is_workbook(archive: zipfile.ZipFile) -> bool:
    """Whether a zip archive is an Office document rather than a packed file."""
    return "[Content_Types].xml" in archive.namelist()


def refuse_unreadable(info: zipfile.ZipInfo, name: str) -> None:
    """Refused for an entry that needs a password or is packed by a rare method."""
    if info.flag_bits & 0x1:
        raise Refused(f"{name}: {info.filename} is encrypted", remedy=_PLAIN)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Refused(f"{name}: {info.filename} is packed by method {info.compress_type}, which is not read", remedy=_PLAIN)


def refuse_bomb(name: str, unpacked: int, packed: int, most: int, ratio: int) -> None:
    """Refused when `unpacked` bytes out of `packed` ones are more than `most`, or too many times more."""
    if unpacked > most:
        raise Refused(
            f"{name}: unpacks to more than {most >> 20:,} MB", remedy="deliver it in several files; a glob reads them together"
        )
    if unpacked > FREE_BYTES and unpacked > ratio * max(packed, 1):
        raise Refused(
            f"{name}: unpacks to more than {ratio} times its size: an archive built to fill the disk?",
            remedy="look at the file; if it is what it should be, deliver it unpacked",
        )


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    members = [each for each in archive.infolist() if not each.is_dir() and not _is_litter(each.filename)]
    if len(members) != 1:
        told = ", ".join(each.filename for each in members[:5]) + (", ..." if len(members) > 5 else "")
        raise Refused(
            f"{name}: holds {len(members)} files{': ' + told if told else ''}; exactly one is read",
            remedy="deliver each file by itself, packed or not; a glob in source.path reads several",
        )
    refuse_unreadable(members[0], name)
    refuse_bomb(name, members[0].file_size, members[0].compress_size, MAX_UNPACKED_BYTES, MAX_RATIO)
    return members[0]


def _is_litter(member: str) -> bool:
    """What macOS and Windows add to archives unasked."""
    return member.startswith("__MACOSX/") or member.rsplit("/", 1)[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _unpacked(
    receipt: Receipt, work: Path, packing: Packing, write: Callable[[Receipt, BinaryIO, IO[bytes]], None]
) -> tuple[Receipt, Packing]:
    copy = work / f"{receipt.sha256}.unpacked"
    if not copy.exists():
        partial = copy.with_suffix(".partial")
        try:
            with receipt.path.open("rb") as source, partial.open("wb") as target:
                write(receipt, source, target)
                source.seek(0)
                receipt.check_unchanged(hashlib.file_digest(source, "sha256").hexdigest())
        except OSError as exc:
            raise Refused(
                f"{receipt.name}: cannot be unpacked ({exc.strerror or exc})", remedy="free space in the warehouse's tmp folder"
            ) from None
        partial.rename(copy)
    return replace(take_receipt(copy, work), name=receipt.name), packing


def _gunzip(receipt: Receipt, source: BinaryIO, target: IO[bytes]) -> None:
    written = 0
    try:
        with gzip.GzipFile(fileobj=source) as packed:
            while block := packed.read(BLOCK):
                written += len(block)
                refuse_bomb(receipt.name, written, receipt.size, MAX_UNPACKED_BYTES, MAX_RATIO)
                target.write(block)
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise Refused(f"{receipt.name}: damaged or cut off: not a whole gzip file ({exc})", remedy=_AGAIN) from None


def _unzip(receipt: Receipt, source: BinaryIO, target: IO[bytes]) -> None:
    with open_zip(source, receipt.name) as archive, archive.open(_only_member(archive, receipt.name)) as packed:
        # The entry's declared size was checked, and zipfile reads no further.
        shutil.copyfileobj(packed, target, BLOCK)


def _first_bytes(receipt: Receipt) -> bytes:
    with receipt.path.open("rb") as handle:
        return handle.read(4)


class Unpacked:
    """A source that was packed: `inner`, with the packing among its facts."""

    def __init__(self, inner: SourceFile, packing: Packing) -> None:
        self.receipt = inner.receipt
        self.header = inner.header
        self.iso_dates = inner.iso_dates
        self.chunks = inner.chunks
        self.warnings = inner.warnings
        self._inner = inner
        self._packing = packing

    def facts(self) -> dict[str, object]:
        return {**self._packing.facts(), **self._inner.facts()}
