"""Opening a source file of any format, and the check that it has the columns the mapping names.

Put here: which reader serves which format. Keep out: the readers (read_*.py), which files (files.py), what a cell means
(convert.py). Every cell leaves a reader as text.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.archives import Unpacked, unpack
from risk_pipeline.feeds.chunks import Chunk, SourceFile
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.unpivot import Unpivoted

__all__ = ["Chunk", "SourceFile", "open_source"]

MOST_NAMES = 40
"""As many column names a message shows."""


def open_source(receipt: Receipt, spec: FeedSpec, work: Path) -> SourceFile:
    """Open a file of a feed and check that it has every mapped column. Refused, with file and line, for anything else.

    `work` is a folder for copies, unpacked or in UTF-8, should they be needed.
    """
    if spec.source.kind == "sql":
        from risk_pipeline.feeds.read_sql import open_rows

        return open_rows(receipt)
    receipt.check_unchanged()
    readable, packing = unpack(receipt, work)
    opened = _open(readable, spec, work)
    check_columns(opened, spec.header_columns, spec.where if spec.source.unpivot is None else None)
    if packing is not None:
        opened = Unpacked(opened, packing)
    if spec.source.unpivot is not None:
        opened = Unpivoted(opened, spec.source.unpivot)
        check_columns(opened, spec.source_columns, spec.where)
    return opened


def _open(receipt: Receipt, spec: FeedSpec, work: Path) -> SourceFile:
    """The reader of the format. Imported when needed: some bring libraries of their own."""
    match spec.source.format:
        case "parquet":
            from risk_pipeline.feeds.read_parquet import open_parquet

            return open_parquet(receipt)
        case "xlsx":
            from risk_pipeline.feeds.read_xlsx import open_xlsx

            return open_xlsx(receipt, spec)
        case "jsonl":
            from risk_pipeline.feeds.read_jsonl import open_jsonl

            return open_jsonl(receipt, spec, work)
        case "ofac":
            from risk_pipeline.feeds.read_ofac import open_ofac

            return open_ofac(receipt, spec)
        case "csv" | "tsv":
            from risk_pipeline.feeds.read_csv import open_csv

            return open_csv(receipt, spec, work)


def check_columns(opened: SourceFile, needed: Sequence[str], where: str | None) -> None:
    """Refused when a source lacks one of the `needed` columns, or has one of them, or one that `where` names, twice."""
    missing = [name for name in needed if name not in opened.header]
    if missing:
        near = difflib.get_close_matches(missing[0], opened.header, n=1)
        raise Refused(
            f"{opened.receipt.name}: no column {', '.join(map(repr, missing))};"
            f" the file has {_listed(opened.header) or 'no columns'}",
            remedy="mend the mapping in the feed YAML" + (f"; did you mean {near[0]!r}?" if near else ""),
        )
    folded, named = [name.casefold() for name in opened.header], (where or "").casefold()
    used = [name for name in opened.header if name in needed or (name and name.casefold() in named)]
    twice = [name for name in used if folded.count(name.casefold()) > 1]
    if twice:
        raise Refused(
            f"{opened.receipt.name}: the header has {twice[0]!r} more than once (case does not count)",
            remedy="rename one of the columns in the export",
        )


def _listed(header: Sequence[str]) -> str:
    shown = ", ".join(header[:MOST_NAMES])
    return shown if len(header) <= MOST_NAMES else f"{shown}, … ({len(header)} columns)"
