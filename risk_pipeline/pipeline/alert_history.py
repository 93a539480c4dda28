"""What a run knows of alerts before it decides: those of the assessment before, and people's newest action on each.

Put here: where the two stand, and handing on those of some customers. Keep out: what follows from them (decision.alerts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from risk_pipeline.contracts import table
from risk_pipeline.decision.alert_history import ACTIONS, BEFORE, AlertHistory
from risk_pipeline.store.by_customer import ByCustomer, rows_between

NEWEST_ACTIONS = (
    "(SELECT * FROM feed.alert_action"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY alert_id ORDER BY acted_on DESC, known_from DESC, row_id DESC) = 1)"
)


@dataclass(frozen=True)
class StoredHistory:
    """Both of all customers, by customer_id: the columns BEFORE and ACTIONS."""

    before: ByCustomer
    actions: pa.Table

    def between(self, first: str, last: str) -> AlertHistory:
        """Of the customers from `first` to `last`."""
        return AlertHistory(self.before.between(first, last), rows_between(self.actions, first, last))


def read_history(con: duckdb.DuckDBPyConnection, previous: Path | None) -> StoredHistory:
    """Both of all customers. `previous`: the file of decision.alert of the assessment before. `con` has the as-of views."""
    before = ByCustomer(table("decision.alert"), previous, list(BEFORE))
    return StoredHistory(before, read_rows(con, NEWEST_ACTIONS, ACTIONS, "customer_id, alert_id"))


def read_rows(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str], order: str) -> pa.Table:
    """Columns of a relation in that order."""
    return con.sql(f"SELECT {', '.join(columns)} FROM {relation} AS r ORDER BY {order}").to_arrow_table()
