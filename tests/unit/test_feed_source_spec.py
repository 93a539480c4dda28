"""What `source` of a feed YAML may say: which options go with which kind and format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.spec import FeedSpec, load_spec

FX = """\
feed: fx_rate
source: SOURCE
delivery: upsert
columns:
  currency: {from: currency}
  rate_date: {from: Date}
  rate: {from: rate}
"""
LONG = "unpivot: {keep: Date, name: currency, value: rate}"


def load(folder: Path, source: str, feed: str = FX) -> FeedSpec:
    path = folder / "fx_rate.yaml"
    path.write_text(feed.replace("SOURCE", source), encoding="utf-8")
    return load_spec(path)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{path: a.csv}", {"kind": "file", "format": "csv", "sheet": None, "unpivot": None}),
        ("{path: a.xlsx, format: xlsx, sheet: 2, header_row: 3}", {"sheet": "2", "header_row": 3}),
        ("{path: a.jsonl.gz, format: jsonl, encoding: gb18030}", {"encoding": "gb18030"}),
        ("{kind: sql, url: 'env:ERP', table: s.t}", {"kind": "sql", "table": "s.t", "path": ""}),
    ],
)
def test_sources(tmp_path: Path, source: str, expected: dict[str, Any]) -> None:
    spec = load(tmp_path, source)
    assert {name: getattr(spec.source, name) for name in expected} == expected
    assert spec.header_columns == spec.source_columns == ("currency", "Date", "rate")


def test_an_unpivot_asks_the_file_for_the_columns_it_keeps(tmp_path: Path) -> None:
    spec = load(tmp_path, "{path: a.csv, " + LONG + "}")
    assert spec.source.unpivot is not None
    assert (spec.header_columns, spec.source.unpivot.header) == (("Date",), ("Date", "currency", "rate"))
    assert spec.source.unpivot.drop_nulls == ("",)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{}", "path is needed"),
        ("{path: a.csv, query: SELECT 1}", "query goes with `kind: sql`"),
        ("{path: a.csv, sheet: A}", "sheet does not apply to format csv"),
        ("{path: a.xlsx, format: xlsx, delimiter: ';'}", "delimiter does not apply to format xlsx"),
        ("{path: a.parquet, format: parquet, header_row: 2}", "header_row does not apply to format parquet"),
        ("{path: a.xlsx, format: xlsx, header_row: 0}", "greater than or equal to 1"),
        ("{path: a.csv, unpivot: {keep: [], name: currency, value: rate}}", "at least 1"),
        ("{path: a.csv, unpivot: {keep: Date, name: rate, value: rate}}", "'rate' is named twice"),
        ("{path: a.csv, unpivot: {keep: Day, name: currency, value: rate}}", "'Date' is none of its columns Day, currency, rate"),
        ("{kind: sql, table: t}", "url is needed"),
        ("{kind: sql, url: 'postgresql://u:p@h/d', table: t}", "env:NAME or file:PATH"),
        ("{kind: sql, url: 'env:ERP', table: t, query: SELECT 1}", "exactly one of query and table"),
        ("{kind: sql, url: 'env:ERP', table: t, " + LONG + "}", "unpivot goes with `kind: file`"),
        ("{kind: sql, url: 'env:ERP', table: t, encoding: utf-8}", "encoding goes with `kind: file`"),
    ],
)
def test_mistakes(tmp_path: Path, source: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, source)
    assert told in caught.value.message
    assert ":2: " in caught.value.message


def test_a_cursor_reads_only_what_is_new_so_it_makes_no_snapshot(tmp_path: Path) -> None:
    source = "{kind: sql, url: 'env:ERP', table: t, cursor: {column: changed_at, start: 2020-01-01}}"
    assert load(tmp_path, source).source.cursor is not None
    with pytest.raises(UsageError, match=r"source\.cursor: reads only what is new"):
        load(tmp_path, source, FX.replace("delivery: upsert", "delivery: snapshot"))
