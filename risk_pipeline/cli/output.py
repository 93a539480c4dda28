"""How results are printed: tables of 80 columns, amounts, JSON, and CSV that is safe to open in a spreadsheet.

Put here: forms. Keep out: what is printed (the command modules) and how errors are (app).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from risk_pipeline.reporting.forms import cell as cell
from risk_pipeline.reporting.forms import harmless as harmless
from risk_pipeline.reporting.forms import json_text

WIDTH = 80


def console() -> Console:
    """Standard output; 80 columns wide when it is no terminal. Never interprets the text it is given as markup."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, highlight=False, emoji=False, soft_wrap=False)


def heading(out: Console, text: str) -> None:
    """A title line with a blank line before it."""
    out.print()
    out.print(Text(text, style="bold"))


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Iterable[int] = (), fold: Iterable[int] = ()) -> Table:
    """A table for the screen. Columns whose index is in `numeric` stand right; only those in `fold` may take several lines."""
    right, folding = set(numeric), set(fold)
    grid = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        grid.add_column(header, justify="right" if index in right else "left", no_wrap=index not in folding, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell(value)) for value in row))
    return grid


def amount(value: Decimal | float | int | None) -> str:
    """Money for overviews: whole units with thousands separators."""
    return "" if value is None else f"{value:,.0f}"


def print_json(content: Any) -> None:
    """JSON on standard output. Amounts and exchange rates are strings, so that no cent is lost; dates ISO text; NaN is null."""
    sys.stdout.write(json_text(content))


def print_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """CSV on standard output, UTF-8; text a spreadsheet would run as a formula gets an apostrophe in front."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(headers)
    for row in rows:
        writer.writerow([harmless(value) for value in row])


def counted(count: int, noun: str, nouns: str | None = None) -> str:
    """How many of something, in English: 1 row, 1,000 rows."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
