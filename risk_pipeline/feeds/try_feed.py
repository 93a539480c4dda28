"""A feed spec tried on some rows without storing anything: before and after of each column, and the rows it rejects.

Put here: conversion and validation of a sample, duplicates of keys within it. Keep out: reading the sample (sample, pipeline) and
what is stored (store): counts of unchanged or closed rows are not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.feeds.convert import LINE, SEQ, Converter
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.validate import Validator

_EXAMPLES = 3
_NO_IDENTITY = {"key_hash": "CAST(0 AS BIGINT)"}  # what the store hashes does not matter to a trial


@dataclass(frozen=True)
class Change:
    """One cell before and after."""

    before: str
    after: str


@dataclass(frozen=True)
class Rejection:
    """One broken cell."""

    line: int
    rule: str
    column: str
    value: str | None


@dataclass(frozen=True)
class Trial:
    """What became of the rows. `changes`: canonical column -> examples, different ones first; `filled`: cells with a value."""

    rows: int
    filtered: int
    rejected: int
    good: int
    same_key: int
    changes: Mapping[str, tuple[Change, ...]]
    filled: Mapping[str, int]
    rejections: tuple[Rejection, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)


def try_feed(spec: FeedSpec, text: pa.Table, lines: pa.Array, iso_dates: frozenset[str] = frozenset()) -> Trial:
    """Convert and validate rows as ingest does. `text`: the source columns; UsageError for a spec that cannot work."""
    converter = Converter(spec, text.column_names, identity=_NO_IDENTITY, iso_dates=iso_dates)
    needed = text.select(converter.source_columns)
    converted = converter.convert(needed, lines, 0)
    good, problems = (None, None)
    if len(converted.rows):
        good, problems = Validator(spec).check(converted.rows)
    rows = converted.rows if good is None else converted.rows.filter(good)
    found = [*_rejections(converted.problems), *(_rejections(problems) if problems is not None else [])]
    rejected = converted.rows_rejected + len(converted.rows) - len(rows)
    return Trial(
        rows=converted.rows_read,
        filtered=converted.rows_filtered,
        rejected=rejected,
        good=len(rows),
        same_key=_same_key(spec, rows),
        changes={column.name: _changes(spec, column.name, rows, needed) for column in spec.mapped},
        filled={column.name: len(rows) - rows.column(column.name).null_count for column in spec.mapped},
        rejections=tuple(sorted(found, key=lambda each: (each.line, each.column))),
        warnings=converted.warnings,
    )


def _rejections(problems: pa.Table) -> Iterator[Rejection]:
    for each in problems.to_pylist():
        yield Rejection(each[LINE], each["rule"], each["column_name"], each["value_text"])


def _same_key(spec: FeedSpec, rows: pa.Table) -> int:
    """Good rows that share their key with a different row; identical ones collapse."""
    names = [column.name for column in spec.mapped]
    key = list(spec.table.key)
    if not set(key) <= set(names) or not len(rows):
        return 0
    distinct = rows.select(names).group_by(names).aggregate([])
    counted = distinct.group_by(key).aggregate([(key[0], "count")]).column(f"{key[0]}_count")
    return int(pc.sum(counted.filter(pc.greater(counted, 1))).as_py() or 0)


def _changes(spec: FeedSpec, name: str, rows: pa.Table, text: pa.Table) -> tuple[Change, ...]:
    """Examples of a column: cells whose form changed before those that stayed as they were, each once."""
    own = spec.columns[name]
    found: dict[str, str] = {}
    head = rows.slice(0, 200)
    for seq, after in zip(head.column(SEQ).to_pylist(), head.column(name).to_pylist(), strict=True):
        before = " | ".join(text.column(each)[seq].as_py() or "" for each in own.source_columns)
        found.setdefault(before, shown(after))
    ranked = sorted(found.items(), key=lambda each: (each[1] == "", each[0] == each[1]))
    return tuple(Change(before, after) for before, after in ranked[:_EXAMPLES])


def shown(value: Any) -> str:
    """A typed value as text; nothing for NULL. Exchange rates lose the zeros at their end."""
    if isinstance(value, Decimal) and value != value.quantize(Decimal("0.01")):
        return f"{value.normalize():f}"
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
