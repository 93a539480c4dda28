"""What a run knows of treatments before it decides: those of the assessment before, and people's newest action on each.

Put here: where the two stand, and handing on those of some customers. Keep out: what follows from them (decision.treatments).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from risk_pipeline.contracts import table
from risk_pipeline.decision.treatment_history import ACTIONS, BEFORE, TreatmentHistory
from risk_pipeline.pipeline.alert_history import read_rows
from risk_pipeline.store.by_customer import ByCustomer, rows_between

NEWEST_ACTIONS = (
    "(SELECT * FROM feed.treatment_action"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY treatment_id ORDER BY acted_on DESC, known_from DESC, row_id DESC) = 1)"
)


@dataclass(frozen=True)
class StoredTreatments:
    """Both of all customers, by customer_id: the columns BEFORE and ACTIONS."""

    before: ByCustomer
    actions: pa.Table

    def between(self, first: str, last: str) -> TreatmentHistory:
        """Of the customers from `first` to `last`."""
        return TreatmentHistory(self.before.between(first, last), rows_between(self.actions, first, last))


def read_treatments(con: duckdb.DuckDBPyConnection, previous: Path | None) -> StoredTreatments:
    """Both of all customers. `previous`: the file of decision.treatment of the assessment before. `con` has the as-of views."""
    before = ByCustomer(table("decision.treatment"), previous, list(BEFORE))
    return StoredTreatments(before, read_rows(con, NEWEST_ACTIONS, ACTIONS, "customer_id, treatment_id"))
