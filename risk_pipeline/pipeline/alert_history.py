"""What a run knows of alerts before it decides: those of the assessment before, and people's newest action on each.

Put here: reading the two from the connection of a run. Keep out: what follows from them (decision.alerts).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd

from risk_pipeline.contracts.derive import arrow_to_frame
from risk_pipeline.decision.alert_history import ACTIONS, BEFORE, AlertHistory, history_frame

NEWEST_ACTIONS = (
    "(SELECT * FROM feed.alert_action"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY alert_id ORDER BY acted_on DESC, known_from DESC, row_id DESC) = 1)"
)


def read_history(con: duckdb.DuckDBPyConnection, previous: str | None) -> AlertHistory:
    """Both, by customer. `previous`: decision.alert of the assessment before as a relation; None = there was none. `con` has the
    as-of views.
    """
    before = history_frame(None, BEFORE) if previous is None else _read(con, previous, BEFORE)
    return AlertHistory(before, _read(con, NEWEST_ACTIONS, ACTIONS))


def _read(con: duckdb.DuckDBPyConnection, relation: str, columns: Mapping[str, str]) -> pd.DataFrame:
    found = con.sql(f"SELECT {', '.join(columns)} FROM {relation} AS r ORDER BY customer_id, alert_id")
    return history_frame(arrow_to_frame(found.to_arrow_table()), columns)
