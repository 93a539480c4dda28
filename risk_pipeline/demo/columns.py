"""Columns of generated feeds, made whole: dates, names, amounts; and writing them with the feed YAML that reads them.

Put here: what the generators of large feeds share. Keep out: what the columns hold (bulk.py, bulk_evidence.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import yaml

Columns = Mapping[str, Any]


def write_feed(root: Path, feed: str, columns: Columns, fmt: str) -> int:
    """Write data/FEED.fmt and feeds/FEED.yaml, an identity mapping; returns the number of rows."""
    table = pa.table(dict(columns))
    path = root / "data" / f"{feed}.{fmt}"
    if fmt == "csv":
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    else:
        pq.write_table(table, path, compression="zstd")
    dated = {name for name, column in columns.items() if pa.types.is_date(column.type)}
    mapping = {name: {"from": name, "format": "%Y-%m-%d"} if name in dated else {"from": name} for name in columns}
    spec = {
        "feed": feed,
        "source": {"kind": "file", "path": f"data/{feed}.{fmt}", "format": fmt},
        "delivery": "snapshot",
        "known_at": "event_date",
        "columns": mapping,
        "assertions": {"rows_min": 1, "max_rejected_pct": 0},
    }
    (root / "feeds" / f"{feed}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return len(table)


def days(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def dates(numbers: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """Dates from days since 1970-01-01; NULL where not `known`."""
    return pa.array(numbers.astype(np.int32), mask=None if known is None else ~known).cast(pa.date32())


def ids(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Names of eight digits behind a prefix."""
    digits = pc.utf8_lpad(pa.array(numbers.astype(np.int64)).cast(pa.string()), 8, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def constant(value: str, count: int) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(value, count)


def money(cents: np.ndarray, known: np.ndarray | None = None) -> pa.Array:
    """DECIMAL(18,2) from cents, exactly: both are the same integer, only the width differs. NULL where not `known`."""
    wide = np.zeros((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    wide[:, 1] = np.where(cents < 0, -1, 0)
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [valid, pa.py_buffer(wide)])
