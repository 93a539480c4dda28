"""Values as people and files show them: amounts, what a CSV cell may begin with, what JSON can hold.

Put here: the forms that the screen and the reports share. Keep out: layout and words.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

FORMULA_START = ("=", "+", "-", "@", "\t", "\r", "\0")
NUMBER = re.compile(r"[+-]?\d+([.,]\d+)*")


def cell(value: Any) -> str:
    """One value for people: amounts with thousands separators, flags as yes or no, nothing for NULL."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if value.as_tuple().exponent == -2 else f"{value.normalize():,f}"
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)


def harmless(value: Any) -> Any:
    """`value` for a CSV cell: text a spreadsheet would run as a formula gets an apostrophe in front. Numbers, also those
    written as text, stay as they are.
    """
    if isinstance(value, str) and value.startswith(FORMULA_START) and not NUMBER.fullmatch(value):
        return "'" + value
    return value


def plain(value: Any) -> Any:
    """What JSON can hold: amounts and exchange rates as text, so that no cent is lost; dates ISO text; NaN is null."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, Path)) else value


def json_text(content: Any) -> str:
    """`content` as JSON with keys in their order, ending with a newline."""
    return json.dumps(plain(content), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def csv_text(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV that is safe to open in a spreadsheet; timestamps ISO text, lists and records JSON, NULL an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(headers)
    for row in rows:
        writer.writerow([harmless(_cell_text(value)) for value in row])
    return written.getvalue()


def _cell_text(value: Any) -> Any:
    found = plain(value)
    return json.dumps(found, ensure_ascii=False) if isinstance(found, (dict, list)) else found
