"""The lake: where every Parquet file of a warehouse lies, and how one is written so that nobody sees half of it.

Put here: paths, their relative form for the register, the atomic write. Keep out: what is in the files (feed_store,
pipeline), which of them count (register), and reading.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

from risk_pipeline.errors import RiskError, UsageError

TEMPORARY_SUFFIX = ".tmp"
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class Lake:
    """Paths below `root` (an absolute folder, made when the first file is written). Holds no open file."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root).absolute()

    def part_path(self, layer: str, table: str, as_of: date, run_id: str) -> Path:
        """The part one run writes for one table and date. UsageError when a name could leave the lake."""
        return self.root / _safe(layer) / _safe(table) / as_of.isoformat() / f"{_safe(run_id)}.parquet"

    def manifest_path(self, as_of: date, run_id: str) -> Path:
        """The manifest of a published run, as JSON beside its tables."""
        return self.root / "manifest" / as_of.isoformat() / f"{_safe(run_id)}.json"

    def changes_part(self, as_of: date, run_id: str, previous_run_id: str) -> Path:
        """Why figures moved from one run to a later one."""
        return self.part_path("audit", "decision_change", as_of, f"{run_id}.{previous_run_id}")

    def lineage_part(self, as_of: date, run_id: str) -> Path:
        """Where the columns came from that a run published."""
        return self.part_path("audit", "column_lineage", as_of, run_id)

    def changes_parts(self) -> list[str]:
        """All of those, as relative paths."""
        return sorted(self.relative(path) for path in self.root.glob("audit/decision_change/*/*.parquet"))

    def feed_part(self, table: str, delivery_id: int) -> Path:
        """The rows a delivery added to a feed."""
        return self.root / "feed" / _safe(table) / f"{delivery_id:08d}.parquet"

    def feed_closures(self, table: str, delivery_id: int) -> Path:
        """The rows a delivery closed: (row_id, known_to, delivery_id)."""
        return self.root / "feed" / _safe(table) / "closed" / f"{delivery_id:08d}.parquet"

    def feed_affirmed(self, table: str, delivery_id: int) -> Path:
        """The stored rows a delivery brought again, unchanged: (row_id)."""
        return self.root / "feed" / _safe(table) / "affirmed" / f"{delivery_id:08d}.parquet"

    def feed_held(self, table: str, delivery_id: int) -> Path:
        """The keys a snapshot did not end because their new version was rejected: (kh), hashes."""
        return self.root / "feed" / _safe(table) / "held" / f"{delivery_id:08d}.parquet"

    def quarantine_part(self, delivery_id: int) -> Path:
        """The rows a delivery had rejected."""
        return self.root / "quarantine" / f"{delivery_id:08d}.parquet"

    def relative(self, path: Path) -> str:
        """`path` as the register keeps it: below the lake, with forward slashes, so that a workspace can be moved."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            raise ValueError(f"{path} is not below the lake {self.root}") from None

    def absolute(self, relative: str) -> Path:
        """The file a relative path of the register means here and now."""
        path = self.root / relative
        if ".." in path.parts or not path.is_relative_to(self.root):
            raise RiskError(f"the register names {relative!r}, which is outside the lake {self.root}")
        return path

    def sha256(self, relative: Iterable[str | None]) -> dict[str, str]:
        """The SHA-256 of the files that relative paths mean, by path; None means no file."""
        return {each: file_sha256(self.absolute(each)) for each in relative if each is not None}

    @staticmethod
    @contextmanager
    def write_atomic(path: Path) -> Iterator[Path]:
        """Yield a temporary path in the folder of `path`; when the block ends well, that file is flushed and becomes `path`.

        An error inside the block removes the temporary file and leaves an older `path` as it was. Folders are made.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid4().hex[:8]}{TEMPORARY_SUFFIX}")
        try:
            yield temporary
            flush_to_disk(temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        flush_to_disk(path.parent)


def file_sha256(path: Path) -> str:
    """The SHA-256 of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def flush_to_disk(path: Path) -> None:
    """Flush a file, or a folder after a rename in it, so that a power cut cannot undo what was reported as done."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _safe(name: str) -> str:
    if not _SAFE_NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot be part of a file name in the lake", remedy="use letters, digits, '.', '_' and '-'")
    return name
