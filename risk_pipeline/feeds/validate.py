"""The contract of a feed, applied to typed rows: pandera says which rows break it.

Put here: running the pandera schema of the mapped columns over a chunk and telling good rows from bad. Keep out: cells that
cannot be read (convert: they never get here), keys (the store: a chunk does not see the others).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from risk_pipeline.contracts.derive import pandera_schema, typed_frame
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.convert import LINE, PROBLEMS, SEQ
from risk_pipeline.feeds.spec import FeedSpec

if TYPE_CHECKING:
    import pandera.pandas as pa_schema


class Validator:
    """Checks typed chunks of one feed. Not for use by two threads at once."""

    def __init__(self, spec: FeedSpec) -> None:
        self._names = [column.name for column in spec.mapped]
        self._feed = spec.feed
        self._schema: pa_schema.DataFrameSchema = pandera_schema(spec.table, names=self._names, unique=False)

    def check(self, rows: pa.Table) -> tuple[pa.Table, pa.Table]:
        """(rows that keep the contract, problems of the others). Refused when pandera faults the chunk as a whole."""
        from pandera.errors import SchemaErrors

        try:
            self._schema.validate(typed_frame(rows.select(self._names)), lazy=True)
        except SchemaErrors as exc:
            return self._split(rows, exc.failure_cases)
        return rows, PROBLEMS.empty_table()

    def _split(self, rows: pa.Table, failures: Any) -> tuple[pa.Table, pa.Table]:
        whole = failures[failures["index"].isna()]
        if len(whole):
            first = whole.iloc[0]
            raise Refused(
                f"feed {self._feed}: {first['check']} fails for the whole of column {first['column']}",
                remedy="this is a fault of the program, not of the file: please report it with the feed YAML",
            )
        failures = failures.drop_duplicates(["index", "check", "column"])
        at = failures["index"].astype("int64").to_numpy()
        problems = pa.table(
            {
                SEQ: rows.column(SEQ).take(pa.array(at)),
                LINE: rows.column(LINE).take(pa.array(at)),
                "rule": pa.array([str(each) for each in failures["check"]], pa.string()),
                "column_name": pa.array([str(each) for each in failures["column"]], pa.string()),
                "value_text": pa.array([None if each is None else str(each) for each in failures["failure_case"]], pa.string()),
            }
        ).cast(PROBLEMS)
        good = [True] * len(rows)
        for index in set(at.tolist()):
            good[index] = False
        return rows.filter(pa.array(good)), problems
