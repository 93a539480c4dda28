"""What is known of alerts before a run: those of the assessment before, and what people did about them.

Put here: the two frames. Keep out: reading them (pipeline.alert_history) and what follows (alerts.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pyarrow as pa

# Column -> dtype. `as_of`: of the assessment before. Of actions the newest about each alert.
BEFORE: Mapping[str, str] = {
    "customer_id": "str",
    "alert_id": "str",
    "as_of": "datetime64[s]",
    "rule": "str",
    "alert_object": "str",
    "severity": "str",
    "value_text": "str",
    "state": "str",
    "first_seen": "datetime64[s]",
    "last_seen": "datetime64[s]",
}
ACTIONS: Mapping[str, str] = {
    "customer_id": "str",
    "alert_id": "str",
    "alert_action": "str",
    "acted_by": "str",
    "acted_on": "datetime64[s]",
    "until": "datetime64[s]",
    "reason_text": "str",
}


def history_frame(rows: Mapping[str, Any] | pd.DataFrame | None, dtypes: Mapping[str, str]) -> pd.DataFrame:
    """A frame with exactly these columns and types; without rows when None."""
    given = {} if rows is None else rows
    return pd.DataFrame({name: pd.Series(given.get(name, []), dtype=dtype) for name, dtype in dtypes.items()})


@dataclass(frozen=True)
class AlertHistory:
    """`before`: alerts of the assessment before (columns BEFORE). `actions`: the newest of people's actions on each alert."""

    before: pa.Table | pd.DataFrame = field(default_factory=lambda: history_frame(None, BEFORE))
    actions: pa.Table | pd.DataFrame = field(default_factory=lambda: history_frame(None, ACTIONS))
