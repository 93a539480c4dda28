"""Cells of one column, converted as a feed declares: each gives its value, or the name of the rule it breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from risk_pipeline.contracts import Kind, table
from risk_pipeline.feeds.convert import SEQ, Converter
from risk_pipeline.feeds.spec import FeedSpec

_CONSTANTS = {Kind.DATE: "1900-01-01", Kind.MONEY: "1", Kind.RATE: "1", Kind.INTEGER: "1", Kind.NUMBER: "1", Kind.FLAG: "true"}


def feed_spec(feed: str, **columns: Mapping[str, Any]) -> FeedSpec:
    """A feed with those columns; every other required one is a constant, keys of text are the source column `key`."""
    target = table(f"feed.{feed}")
    given: dict[str, Any] = dict(columns)
    for column in target.columns:
        if column.required and column.name not in given:
            constant = column.values[0] if column.values else "EUR" if column.name == "currency" else "C"
            given[column.name] = {"value": _CONSTANTS.get(column.kind, constant)}
    key = next(name for name in target.key if target.column(name).kind is Kind.TEXT)
    if key not in columns and not target.column(key).values and key != "currency":
        given[key] = {"from": "key"}
    return FeedSpec.model_validate({"feed": feed, "source": {"path": "x.csv"}, "delivery": "upsert", "columns": given})


def read(feed: str, column: str, mapping: Mapping[str, Any], cells: Sequence[str], **others: Sequence[str]) -> list[Any]:
    """The value or the broken rule of each cell; `others`: more source columns. What a cell gives may not depend on the
    cells beside it, so each is also converted alone.
    """
    spec = feed_spec(feed, **{column: {"from": "x", **mapping}})
    rows = {"key": [f"K{n}" for n in range(len(cells))], "x": list(cells), **{name: list(each) for name, each in others.items()}}
    converter = Converter(spec, list(rows), identity={"key_hash": "CAST(0 AS BIGINT)"})
    together = converted(converter, column, rows)
    alone = [converted(converter, column, {name: [each[n]] for name, each in rows.items()})[0] for n in range(len(cells))]
    assert together == alone
    return together


def converted(converter: Converter, column: str, rows: Mapping[str, Sequence[str]]) -> list[Any]:
    """The value or the broken rule of a column, row by row."""
    text = pa.table({name: pa.array(rows[name], pa.string()) for name in converter.source_columns})
    has_blanks = any(
        cell != cell.strip() or not cell.isprintable() or not cell.isascii() for each in rows.values() for cell in each
    )
    found = converter.convert(text, pa.array(range(2, len(text) + 2), pa.int64()), 0, trim=has_blanks)
    assert found.rows_read == len(found.rows) + found.rows_rejected
    values = dict(zip(found.rows.column(SEQ).to_pylist(), found.rows.column(column).to_pylist(), strict=True))
    rules = {row[SEQ]: row["rule"] for row in found.problems.to_pylist() if row["column_name"] == column}
    return [values[n] if n in values else rules[n] for n in range(len(text))]
