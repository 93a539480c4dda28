"""SQL text: literals, identifiers, and `$name` placeholders filled with typed literals.

Put here: rendering. Keep out: what the SQL says (factors/*.sql) and running it (engine.factors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

_PLACEHOLDER = re.compile(r"\$([a-z][a-z0-9_]*)")

Literal = bool | int | Decimal | date | datetime | str


def literal(value: Literal) -> str:
    """A SQL literal of the value's type. Floats are refused: money and shares are decimals, so that no engine rounds them."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        scale = max(0, -int(value.as_tuple().exponent))
        return f"CAST({value:f} AS DECIMAL({max(len(value.as_tuple().digits), scale + 1)}, {scale}))"
    if isinstance(value, datetime):
        return f"TIMESTAMP '{value.replace(tzinfo=None).isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    raise TypeError(f"no SQL literal for {type(value).__name__}")


def path_list(paths: list[Path]) -> str:
    """A SQL list of file paths, for read_parquet."""
    return "[" + ", ".join(literal(str(path)) for path in paths) + "]"


def render(sql: str, params: Mapping[str, Literal]) -> str:
    """`sql` with every `$name` replaced by the literal of `params[name]`; KeyError for a name that is not there."""
    return _PLACEHOLDER.sub(lambda match: literal(params[match.group(1)]), sql)
