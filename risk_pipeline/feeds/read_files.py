"""Opening a source file of any format, and the check that it has the columns the mapping names.

Put here: which reader serves which format. Keep out: the readers (read_*.py), which files (files.py), what a cell means
(convert.py). Every cell leaves a reader as text.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk, SourceFile
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.read_csv import open_csv
from risk_pipeline.feeds.read_parquet import open_parquet
from risk_pipeline.feeds.spec import FeedSpec

__all__ = ["Chunk", "SourceFile", "open_source"]


def open_source(receipt: Receipt, spec: FeedSpec, work: Path) -> SourceFile:
    """Open a file of a feed and check that it has every mapped column. Refused, with file and line, for anything else.

    `work` is a folder for copies in UTF-8, should they be needed.
    """
    opened: SourceFile = open_parquet(receipt) if spec.source.format == "parquet" else open_csv(receipt, spec, work)
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
