"""What a run knows of treatments before it decides: those of the assessment before, and people's newest action on each.

Put here: reading the two from the connection of a run, and handing on those of some customers. Keep out: what follows from them
(decision.treatments).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from risk_pipeline.decision.alert_history import history_frame
from risk_pipeline.decision.treatment_history import ACTIONS, BEFORE, TreatmentHistory
from risk_pipeline.pipeline.alert_history import read_rows, rows_between

NEWEST_ACTIONS = (
    "(SELECT * FROM feed.treatment_action"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY treatment_id ORDER BY acted_on DESC, known_from DESC, row_id DESC) = 1)"
)


@dataclass(frozen=True)
class StoredTreatments:
    """Both of all customers, by customer_id: the columns BEFORE and ACTIONS."""

    before: pa.Table
    actions: pa.Table

    def between(self, first: str, last: str) -> TreatmentHistory:
        """Of the customers from `first` to `last`."""
        return TreatmentHistory(
            history_frame(rows_between(self.before, first, last), BEFORE),
            history_frame(rows_between(self.actions, first, last), ACTIONS),
        )


def read_treatments(con: duckdb.DuckDBPyConnection, previous: str) -> StoredTreatments:
    """Both of all customers. `previous`: decision.treatment of the assessment before as a relation. `con` has the as-of views."""
    order = "customer_id, treatment_id"
    return StoredTreatments(read_rows(con, previous, BEFORE, order), read_rows(con, NEWEST_ACTIONS, ACTIONS, order))
