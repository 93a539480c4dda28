"""What a run knows of alerts before it decides: those of the assessment before, and people's newest action on each.

Put here: reading the two from the connection of a run, and handing on those of some customers. Keep out: what follows from them
(decision.alerts).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pandas as pd
import pyarrow as pa

from risk_pipeline.contracts.derive import arrow_to_frame
from risk_pipeline.decision.alert_history import ACTIONS, BEFORE, AlertHistory, history_frame

NEWEST_ACTIONS = (
    "(SELECT * FROM feed.alert_action"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY alert_id ORDER BY acted_on DESC, known_from DESC, row_id DESC) = 1)"
)


@dataclass(frozen=True)
class StoredHistory:
    """Both of all customers, by customer_id: the columns BEFORE and ACTIONS. Arrow holds them in a tenth of what pandas needs."""

    before: pa.Table
    actions: pa.Table

    def between(self, first: str, last: str) -> AlertHistory:
        """Of the customers from `first` to `last`."""
        return AlertHistory(
            history_frame(_between(self.before, first, last), BEFORE), history_frame(_between(self.actions, first, last), ACTIONS)
        )


def read_history(con: duckdb.DuckDBPyConnection, previous: str | None) -> StoredHistory:
    """Both of all customers. `previous`: decision.alert of the assessment before as a relation; None = there was none. `con` has
    the as-of views.
    """
    nothing = pa.Table.from_pandas(history_frame(None, BEFORE), preserve_index=False)
    return StoredHistory(_read(con, previous, BEFORE) if previous else nothing, _read(con, NEWEST_ACTIONS, ACTIONS))


def _read(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]) -> pa.Table:
    found = con.sql(f"SELECT {', '.join(columns)} FROM {relation} AS r ORDER BY customer_id, alert_id")
    return found.to_arrow_table().combine_chunks()


def _between(table: pa.Table, first: str, last: str) -> pd.DataFrame:
    ids, places = table["customer_id"], range(len(table))
    start = bisect_left(places, first, key=lambda at: str(ids[at].as_py()))
    stop = bisect_right(places, last, key=lambda at: str(ids[at].as_py()))
    return arrow_to_frame(table.slice(start, stop - start))
