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
            history_frame(rows_between(self.before, first, last), BEFORE),
            history_frame(rows_between(self.actions, first, last), ACTIONS),
        )


def read_history(con: duckdb.DuckDBPyConnection, previous: str) -> StoredHistory:
    """Both of all customers. `previous`: decision.alert of the assessment before as a relation. `con` has the as-of views."""
    order = "customer_id, alert_id"
    return StoredHistory(read_rows(con, previous, BEFORE, order), read_rows(con, NEWEST_ACTIONS, ACTIONS, order))


def read_rows(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str], order: str) -> pa.Table:
    """Columns of a relation in that order."""
    found = con.sql(f"SELECT {', '.join(columns)} FROM {relation} AS r ORDER BY {order}")
    return found.to_arrow_table().combine_chunks()


def rows_between(table: pa.Table, first: str, last: str) -> pd.DataFrame:
    """Rows of customers from `first` to `last`; the table is ordered by customer_id."""
    ids, places = table["customer_id"], range(len(table))
    start = bisect_left(places, first, key=lambda at: str(ids[at].as_py()))
    stop = bisect_right(places, last, key=lambda at: str(ids[at].as_py()))
    return arrow_to_frame(table.slice(start, stop - start))
