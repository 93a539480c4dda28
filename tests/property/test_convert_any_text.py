"""Whatever stands in a cell: a value, nothing or a rule, never an error; and what is read is what was written."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.feeds.convert import Converter
from tests.convert_support import converted, feed_spec

IDENTITY = {"key_hash": "CAST(0 AS BIGINT)"}
MAPPINGS: list[tuple[str, str, dict[str, Any]]] = [
    ("invoice", "amount", {}),
    ("invoice", "amount", {"decimal": ",", "thousands": ".", "scale": "10000", "parentheses": "negative", "negate": True}),
    ("invoice", "amount", {"scale": "0.01", "round": "2"}),
    ("fx_rate", "rate", {"scale": "1000000000"}),
    ("customer", "contracted_terms_days", {}),
    ("customer", "contracted_terms_days", {"scale": "1000000000"}),
    ("industry_indicator", "value", {"percent": True, "parentheses": "negative"}),
    ("collateral", "valid_to", {}),
    ("collateral", "valid_to", {"format": "%d.%m.%y", "century_from": "9900"}),
    ("collateral", "valid_to", {"format": "%Y%m%d"}),
    ("collateral", "valid_to", {"format": "excel_serial"}),
    ("collateral", "valid_to", {"format": "excel_serial_1904"}),
    ("collateral", "valid_to", {"format": "epoch_ms", "zone": "Pacific/Kiritimati"}),
    ("collateral", "valid_to", {"format": "epoch_s", "zone": "America/Adak"}),
    ("customer", "payer_id", {"integral": True, "half_width": True, "strip_leading_zeros": True}),
    ("customer", "payer_id", {}),
]
CELLS = st.one_of(
    st.text(alphabet="0123456789.,-+()% eE/:０９．，－％（\u00a0\x1a#", max_size=24),
    st.text(alphabet="0123456789", max_size=45),
    st.text(max_size=12).filter(lambda text: "\0" not in text),
)


@pytest.mark.parametrize(("feed", "column", "mapping"), MAPPINGS)
def test_no_cell_is_an_error(feed: str, column: str, mapping: dict[str, Any]) -> None:
    spec = feed_spec(feed, **{column: {"from": "x", **mapping}})
    converter = Converter(spec, ["key", "x"], identity=IDENTITY)

    @given(st.lists(CELLS, min_size=1, max_size=40))
    @settings(max_examples=8, deadline=None)
    def check(cells: list[str]) -> None:
        rows = {"key": [f"K{n}" for n in range(len(cells))], "x": cells}
        text = pa.table({name: pa.array(rows[name], pa.string()) for name in converter.source_columns})
        found = converter.convert(text, pa.array(range(len(text)), pa.int64()), 0)
        assert found.rows_read == len(found.rows) + found.rows_rejected
        assert {row["column_name"] for row in found.problems.to_pylist()} <= {column}

    check()


def _german(amount: Decimal) -> str:
    return f"{amount:,.2f}".translate(str.maketrans(",.", ".,"))


def _wide(amount: Decimal) -> str:
    return "".join(chr(ord(each) + 0xFEE0) for each in f"{amount:.2f}")


@pytest.mark.parametrize(
    ("mapping", "written"),
    [
        ({}, lambda amount: f"{amount:.2f}"),
        ({}, _wide),
        ({"decimal": ",", "thousands": "."}, _german),
        ({"thousands": ",", "parentheses": "negative"}, lambda amount: f"({-amount:,.2f})" if amount < 0 else f"{amount:,.2f}"),
        ({"thousands": ","}, lambda amount: f"{-amount:,.2f}-" if amount < 0 else f"{amount:,.2f}"),
        ({"scale": "10000"}, lambda amount: f"{amount / 10000:.6f}"),
        ({"scale": "0.01"}, lambda amount: f"{amount * 100:.0f}"),
    ],
)
def test_an_amount_is_the_same_in_every_notation(mapping: dict[str, Any], written: Callable[[Decimal], str]) -> None:
    converter = Converter(feed_spec("invoice", amount={"from": "x", **mapping}), ["key", "x"], identity=IDENTITY)

    @given(st.lists(st.decimals(-(10**12), 10**12, places=2), min_size=1, max_size=40))
    @settings(max_examples=8, deadline=None)
    def check(amounts: list[Decimal]) -> None:
        rows = {"key": [f"K{n}" for n in range(len(amounts))], "x": [written(each) for each in amounts]}
        assert converted(converter, "amount", rows) == amounts

    check()
