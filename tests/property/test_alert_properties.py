"""Alerts of many customers over many assessments, against a model of one alert written down row by row.

The model knows nothing of vectors: what an alert is today follows from what it was, whether its condition holds, and what was
said. Beside it, what must always be true.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import arrow_to_frame, frame_to_arrow
from risk_pipeline.decision.alert_history import ACTIONS, BEFORE, AlertHistory, history_frame
from risk_pipeline.policy.model import Policy
from tests.decision_facts import decide, facts
from tests.decision_given import CATALOGUE, POLICY, context

CUSTOMERS = 60
START = date(2026, 1, 31)
STATES = {"acknowledge": "acknowledged", "snooze": "snoozed", "close": "closed"}
Row = dict[str, Any]


def random_facts(rng: np.random.Generator, day: date) -> pd.DataFrame:
    rows = []
    for _ in range(CUSTOMERS):
        bounced = int(rng.integers(0, 200))
        rows.append(
            {
                "max_dpd_material": int(rng.choice([0, 0, 0, 40, 70, 95])),
                "override_days_left": int(rng.choice([5, 30])),
                "dishonoured_days": bounced,
                "dishonoured_on": date(2026, 1, 1) + timedelta(days=int(rng.integers(0, 3))) if bounced <= 90 else None,
            }
        )
    return facts(*rows)


def holding(customers: pd.DataFrame) -> set[str]:
    """Ids of the alerts whose condition holds, by the few rules the facts above can meet."""
    ids = set()
    for row in customers.to_dict("records"):
        late, who = row["max_dpd_material"], row["customer_id"]
        ids |= {f"{rule}:{who}" for rule, above in (("A03", 30), ("A04", 60), ("A05", 90)) if above < late <= above + 30}
        ids |= {f"A32:{who}"} if row["override_days_left"] <= 14 else set()
        ids |= {f"A31:{who}:{row['dishonoured_on'].date()}"} if row["dishonoured_days"] <= 90 else set()
    return ids


@dataclass
class Model:
    """One alert."""

    first: date
    last: date
    state: str = "open"

    def assessed(self, rule: Any, holds: bool, before: date, day: date, said: Row | None, policy: Policy) -> bool:
        """Move on to `day`; False when the alert is forgotten. `before`: the day of the assessment before."""
        rules = policy.alert_rules
        clear_for, closed_before = (day - self.last).days, self.state == "closed"
        if holds:
            if self.last < before and clear_for >= rules.reopen_after_clear_days:
                self.first = day
            self.last = day
        counts = said if said is not None and said["acted_on"] >= self.first else None
        stands = holds or (rule.event and (day - self.last).days <= rules.event_days)
        self.state = "open"
        if counts is not None:
            longest = rules.snooze_max_days[rule.severity]
            until = min(counts["until"] or day, counts["acted_on"] + timedelta(days=longest))
            if counts["alert_action"] != "snooze" or (longest > 0 and until >= day):
                self.state = STATES[counts["alert_action"]]
        if not stands:
            self.state = "closed"
        return holds or self.state != "closed" or not closed_before or clear_for < rules.reopen_after_clear_days


@pytest.mark.parametrize("seed", range(2))
def test_alerts_live_as_the_model_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    policy = POLICY.model_copy(update={"alert_rules": POLICY.alert_rules.model_copy(update={"event_days": 50})})
    rules = {rule.id: rule for rule in policy.alerts}
    models: dict[str, Model] = {}
    said: dict[str, Row] = {}
    published: pd.DataFrame | None = None
    before, day = START, START
    for _ in range(8):
        customers = random_facts(rng, day)
        actions = history_frame(pd.DataFrame(list(said.values()), columns=list(ACTIONS)), ACTIONS)
        history = AlertHistory(history_frame(published, BEFORE), actions)
        out = decide(customers, policy, CATALOGUE, replace(context(day), alerts=history))["decision.alert"]
        data = frame_to_arrow(table("decision.alert"), out)
        published = arrow_to_frame(data)
        rows = {row["alert_id"]: row for row in data.to_pylist()}
        assert len(rows) == len(data), "an id stands once"

        held = holding(customers)
        for alert_id in held - models.keys():
            models[alert_id] = Model(day, day)
        models = {
            alert_id: model
            for alert_id, model in models.items()
            if model.assessed(rules[alert_id.split(":")[0]], alert_id in held, before, day, said.get(alert_id), policy)
        }
        seen = {name: (row["first_seen"], row["last_seen"], row["state"]) for name, row in rows.items()}
        assert seen == {name: (model.first, model.last, model.state) for name, model in models.items()}
        _always_true(rows.values(), day)

        before, day = day, day + timedelta(days=int(rng.choice([1, 10, 31])))
        for alert_id in rng.permutation(sorted(rows))[: len(rows) // 3]:
            said[alert_id] = _action(rng, rows[alert_id], before + timedelta(days=int(rng.integers(0, (day - before).days + 1))))


def _action(rng: np.random.Generator, row: Row, on: date) -> Row:
    return {
        "customer_id": row["customer_id"],
        "alert_id": row["alert_id"],
        "alert_action": str(rng.choice(list(STATES))),
        "acted_by": "mia",
        "acted_on": on,
        "until": on + timedelta(days=int(rng.integers(1, 90))),
        "reason_text": "because",
    }


def _always_true(rows: Any, day: date) -> None:
    for row in rows:
        assert row["first_seen"] <= row["last_seen"] <= day
        assert row["first_seen"] <= row["due_date"]
        assert row["severity"] != "critical" or row["state"] != "snoozed"
        if row["escalated_to"]:
            assert row["state"] in ("open", "acknowledged")
            assert row["due_date"] < day
        if row["state"] == "snoozed":
            assert row["due_date"] >= day
