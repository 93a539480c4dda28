"""Rejected rows as a table that fits the screen: feed, file and line, rule, column, value.

Put here: shortening. Keep out: where the rows come from (quarantine, memo).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.table import Table

from risk_pipeline.cli import output

# Feed, file:line, rule, column, value: columns each keeps at least, and the order in which they give way.
AT_LEAST = (10, 20, 14, 14, 18)
GIVES_WAY = (4, 1, 0, 3, 2)
GAP = 2


def place(row: Mapping[str, Any]) -> str:
    """The file without its folder, and the line: `invoices.csv:12`; empty when it is not known."""
    if not row.get("source_file"):
        return ""
    return f"{str(row['source_file']).rsplit('/', 1)[-1]}:{row['source_line']}"


def rejections(rows: Sequence[Sequence[str | None]], headers: Sequence[str], width: int) -> Table:
    """The table of `rows` (feed, file:line, rule, column, value), every row in one line of at most `width` columns."""
    texts = [[" ".join((value or "").split()) for value in row] for row in rows]
    heads = [max(cell_len(line) for line in head.splitlines()) for head in headers]
    widths = [max([heads[index], *(cell_len(row[index]) for row in texts)]) for index in range(len(headers))]
    excess = sum(widths) + GAP * len(widths) - width
    for index in GIVES_WAY:
        cut = max(0, min(excess, widths[index] - max(AT_LEAST[index], heads[index])))
        widths[index] -= cut
        excess -= cut
    return output.table(headers, [[shortened(text, room) for text, room in zip(row, widths, strict=True)] for row in texts])


def shortened(text: str, room: int) -> str:
    """`text` in at most `room` columns, with an ellipsis; the line number after a file name stays."""
    if cell_len(text) <= room:
        return text
    name, colon, line = text.rpartition(":")
    tail = f"…:{line}" if colon and line.isdigit() and len(line) + 2 < room else "…"
    kept = name if tail != "…" else text
    return set_cell_size(kept, room - cell_len(tail)).rstrip() + tail
