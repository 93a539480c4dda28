"""What is known of treatments before a run: those of the assessment before, and what people did about them.

Put here: the two frames. Keep out: reading them (pipeline.treatment_history) and what follows (treatments.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from risk_pipeline.decision.alert_history import history_frame

# Column -> dtype. Of actions the newest about each treatment.
BEFORE: Mapping[str, str] = {
    "customer_id": "str",
    "treatment_id": "str",
    "action": "str",
    "action_en": "str",
    "action_zh": "str",
    "rule": "str",
    "reason_en": "str",
    "reason_zh": "str",
    "rules": "str",
    "rules_since": "str",
    "priority": "int64",
    "owner_role": "str",
    "first_seen": "datetime64[s]",
    "due_date": "datetime64[s]",
    "state": "str",
}
ACTIONS: Mapping[str, str] = {
    "customer_id": "str",
    "treatment_id": "str",
    "treatment_verdict": "str",
    "acted_by": "str",
    "acted_on": "datetime64[s]",
    "reason_text": "str",
}


@dataclass(frozen=True)
class TreatmentHistory:
    """`before`: treatments of the assessment before (BEFORE). `actions`: the newest of people's actions on each treatment."""

    before: pa.Table | pd.DataFrame = field(default_factory=lambda: history_frame(None, BEFORE))
    actions: pa.Table | pd.DataFrame = field(default_factory=lambda: history_frame(None, ACTIONS))
