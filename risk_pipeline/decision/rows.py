"""Building result tables that have several rows per customer: Arrow columns, in the order of the contract.

Put here: coded texts, the assembly of a table, finding texts among others. Keep out: what the columns mean, and tables of one row
per customer (frames.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts import Kind, table
from risk_pipeline.contracts.derive import arrow_schema, arrow_type, decimals
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.policy.facts import Ints


def arrow_rows(table_name: str, context: DecisionContext, rows: int, columns: Mapping[str, pa.Array]) -> pa.Table:
    """A result table as it is written; as_of and run_id are set here. A column too many or too few is an error."""
    of_run = {
        "as_of": pa.array(np.full(rows, np.datetime64(context.as_of, "D"))),
        "run_id": coded(np.zeros(rows), [context.run_id]),
    }
    given = {**columns, **of_run}
    schema = arrow_schema(table(table_name), coded_text=True)
    if set(schema.names) != set(given):
        raise ValueError(f"{table_name}: columns differ from the contract: {sorted(set(schema.names) ^ set(given))}")
    return pa.Table.from_arrays([given[name].cast(schema.field(name).type) for name in schema.names], schema=schema)


def coded(codes: NDArray[Any], texts: Sequence[str | None] | pa.Array) -> pa.DictionaryArray:
    """Texts by code; -1 = NULL. Codes are trusted. A list may repeat texts and hold None; an array is taken as it is."""
    if not isinstance(texts, pa.Array):
        place = {text: code for code, text in enumerate(text for text in dict.fromkeys(texts) if text is not None)}
        if len(place) < len(texts):
            codes = np.array([*(place.get(text, -1) for text in texts), -1])[codes.astype(np.int64)]
        texts = pa.array(list(place), pa.string())
    codes = codes.astype(np.int32, copy=False)
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts, safe=False)


def money(minor: Ints) -> pa.Array:
    """Amounts in minor units, all known."""
    return decimals(minor, None, arrow_type(Kind.MONEY))


def taken(column: pa.Array, places: NDArray[Any]) -> pa.Array:
    """Values of a column by place; NULL for -1."""
    return column.take(pa.array(places, mask=places < 0))


def found_at(wanted: pa.Array, among: pa.Array) -> NDArray[np.intp]:
    """Where each text stands among others, which differ; -1 = nowhere."""
    return pc.index_in(wanted, value_set=among).fill_null(-1).to_numpy().astype(np.intp)
