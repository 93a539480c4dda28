"""Source files: which ones a feed reads, that they lie where they may, and that they do not change while being read.

Put here: finding files, their receipts. Keep out: what is in them (encoding, read_files).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from risk_pipeline.errors import Refused

BLOCK = 1 << 20


@dataclass(frozen=True)
class Receipt:
    """A source file as it was when the delivery began. `name` is its path below the data root, as people know it."""

    path: Path
    name: str
    size: int
    mtime_ns: int
    sha256: str

    def as_dict(self) -> dict[str, object]:
        """What is recorded about the file; by name, size and time it is known again without being read."""
        return {"name": self.name, "bytes": self.size, "sha256": self.sha256, "modified_ns": self.mtime_ns}

    def check_unchanged(self, sha256_read: str | None = None) -> None:
        """Refused when the file is not what it was, by size, time and (where the caller hashed what it read) content."""
        try:
            stat = self.path.stat()
        except OSError as exc:
            raise Refused(f"{self.name}: vanished while it was read ({exc.strerror})", remedy=_STABLE) from None
        changed = (stat.st_size, stat.st_mtime_ns) != (self.size, self.mtime_ns)
        if changed or (sha256_read is not None and sha256_read != self.sha256):
            raise Refused(f"{self.name}: changed while it was read", remedy=_STABLE)

    def read(self) -> bytes:
        """The whole content. Refused when it is not what it was."""
        try:
            content = self.path.read_bytes()
        except OSError as exc:
            raise Refused(f"{self.name}: cannot be read ({exc.strerror})", remedy=_STABLE) from None
        self.check_unchanged(hashlib.sha256(content).hexdigest())
        return content


_STABLE = "deliver files by writing them elsewhere and renaming them into place, then ingest again"


def find_files(pattern: str, data_root: Path, workspace_root: Path) -> list[Path]:
    """The files a `source.path` means, in name order. Refused when one lies, or a link leads, outside the two folders, or
    nowhere. A glob passes over hidden files and the lock files of spreadsheet programs.
    """
    roots = (data_root.resolve(), workspace_root.resolve())
    if is_glob(pattern):
        absolute = Path(pattern).is_absolute()
        base, rest = (Path(pattern).anchor, pattern.lstrip("/\\")) if absolute else (data_root, pattern)
        try:
            found = sorted(each for each in Path(base).glob(rest) if not each.name.startswith((".", "~$")))
        except ValueError as exc:
            raise Refused(f"{pattern}: {exc}", remedy="mend source.path in the feed YAML") from None
    else:
        found = [data_root / pattern]
    for path in found:
        _refuse_strange(path, pattern, roots)
    return [path for path in found if path.is_file()]


def _refuse_strange(path: Path, pattern: str, roots: tuple[Path, ...]) -> None:
    try:
        real = path.resolve()
    except (OSError, RuntimeError):
        real = None
    if path.is_symlink() and (real is None or not real.exists()):
        raise Refused(f"no file matches {pattern}: {path} is a link that leads nowhere", remedy="mend or remove the link")
    if real is not None and real.is_file() and not any(real.is_relative_to(root) for root in roots):
        raise Refused(
            f"{pattern}: {path} lies outside the workspace and its data_root",
            remedy="move the file below one of them, or set data_root in risk.yaml; links that lead out are not followed",
        )


def is_glob(pattern: str) -> bool:
    """Whether a path means any number of files."""
    return any(character in pattern for character in "*?[")


def name_of(path: Path, *roots: Path) -> str:
    """What a file is called: its path below the first of `roots` it lies in."""
    return next((path.relative_to(root).as_posix() for root in roots if path.is_relative_to(root)), path.name)


def take_receipt(path: Path, *roots: Path) -> Receipt:
    """Hash a file and note its size and time; it is named below the first of `roots` it lies in. Refused when it cannot be
    read or changes meanwhile.
    """
    name = name_of(path, *roots)
    digest = hashlib.sha256()
    try:
        before = path.stat()
        with path.open("rb", buffering=0) as handle:
            while block := handle.read(BLOCK):
                digest.update(block)
    except OSError as exc:
        raise Refused(f"{name}: cannot be read ({exc.strerror})", remedy="check the file and its permissions") from None
    receipt = Receipt(path, name, before.st_size, before.st_mtime_ns, digest.hexdigest())
    receipt.check_unchanged()
    return receipt


def content_hash(receipts: Sequence[Receipt]) -> str:
    """sha256 of the content of a delivery: the file's own, or the hash over the hashes of several in name order."""
    if len(receipts) == 1:
        return receipts[0].sha256
    return hashlib.sha256("".join(each.sha256 for each in receipts).encode()).hexdigest()
