"""Early warnings (decision.alert): which rules of the policy a customer meets, and how an alert lives over assessments.

Put here: first seen, dedupe, reopening, state, escalation, deadlines. Keep out: the rules (policy `alerts`) and the columns they
compare (alert_facts.py).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from risk_pipeline.contracts import Kind, table
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.frames import frame, no_text


def alert_frame(context: DecisionContext) -> pd.DataFrame:
    """decision.alert."""
    days = np.array([], dtype="datetime64[s]")
    columns = {c.name: days if c.kind is Kind.DATE else no_text(0) for c in table("decision.alert").columns}
    return frame("decision.alert", context, 0, {n: c for n, c in columns.items() if n not in ("as_of", "run_id")})
