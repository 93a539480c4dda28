"""The contract of a feed, applied to typed rows: pandera says which rows break it.

Put here: running the pandera schema of the mapped columns over a chunk and telling good rows from bad. Keep out: cells that
cannot be read (convert: they never get here), keys (the store: a chunk does not see the others).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from risk_pipeline.contracts.derive import pandera_schema, typed_frame
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.convert import LINE, PROBLEMS, SEQ
from risk_pipeline.feeds.spec import FeedSpec

if TYPE_CHECKING:
    import pandera.pandas as pa_schema


# The checks of a contract whose failures name a row; any other faults the frame (see contracts.derive.pandera_schema).
_OF_A_ROW = ("not_nullable", "closed_list", "finite")


class Validator:
    """Checks typed chunks of one feed. Not for use by two threads at once."""

    def __init__(self, spec: FeedSpec) -> None:
        self._names = [column.name for column in spec.mapped]
        self._feed = spec.feed
        self._schema: pa_schema.DataFrameSchema = pandera_schema(spec.table, names=self._names, unique=False)

    def check(self, rows: pa.Table) -> tuple[pa.Array | None, pa.Table]:
        """(which rows keep the contract, None = all; problems of the others). Refused when the chunk is faulted as a whole."""
        from pandera.errors import SchemaErrors

        try:
            self._schema.validate(typed_frame(rows.select(self._names)), lazy=True)
        except SchemaErrors as exc:
            return self._split(rows, exc.failure_cases)
        return None, PROBLEMS.empty_table()

    def _split(self, rows: pa.Table, failures: Any) -> tuple[pa.Array, pa.Table]:
        whole = failures[failures["index"].isna() | ~failures["check"].isin(_OF_A_ROW)]
        if len(whole):
            first = whole.iloc[0]
            raise Refused(
                f"feed {self._feed}: {first['check']} fails for the whole of column {first['column']}",
                remedy="this is a fault of the program, not of the file: please report it with the feed YAML",
            )
        failures = failures.drop_duplicates(["index", "check", "column"])
        at = failures["index"].to_numpy("int64")
        values = [None if pd.isna(each) else str(each) for each in failures["failure_case"]]
        problems = [
            rows.column(SEQ).take(at),
            rows.column(LINE).take(at),
            *map(_text, (failures["check"], failures["column"], values)),
        ]
        good = np.ones(len(rows), dtype=np.bool_)
        good[at] = False
        return pa.array(good), pa.table(problems, schema=PROBLEMS)


def _text(values: Iterable[object]) -> pa.Array:
    return pa.array([None if each is None else str(each) for each in values], pa.string())
