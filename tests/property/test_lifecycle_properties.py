"""What must hold of the states of customers, whatever the facts and the past: only declared edges, no way up without proof."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.policy.model import SYSTEM
from tests.decision_facts import decide, facts, many
from tests.decision_given import CATALOGUE, POLICY, context

FRAMES = settings(max_examples=8, deadline=None)
ROWS = 150
EDGES = {(edge.source, edge.to): edge for edge in POLICY.exit.edges}
ROLES = [level.role for level in POLICY.authorities.levels]


def _past(seed: int, as_of: date) -> pd.DataFrame:
    """Random customers with a random state, verdicts of people and causes."""
    frame, rng = many(ROWS, seed), np.random.default_rng(seed)

    def text(values: list[str], share: float) -> pd.Series:
        return pd.Series(np.where(rng.random(ROWS) < share, rng.choice(values, ROWS), None), dtype="str")

    def day(share: float, most: int = 500) -> pd.Series:
        days = np.datetime64(as_of, "s") - rng.integers(0, most, ROWS).astype("timedelta64[D]")
        return pd.Series(days).where(rng.random(ROWS) < share)

    columns = {
        "previous_status": text(list(STATUSES), 0.9),
        "previous_status_since": day(0.95),
        "previous_status_periods": rng.integers(0, 5, ROWS),
        "previous_status_cleared_on": day(0.6),
        "previous_status_wait_days": rng.integers(0, 120, ROWS),
        "previous_cure_ceiling": text(list(POLICY.tier_ids), 0.5),
        "previous_knockouts": text(["", "KO05", "KO01,KO05", "KO06"], 0.9),
        "previous_default_cleared_on": day(0.6),
        "state_decision": text(list(STATUSES), 0.6),
        "state_decision_on": day(0.9, 200),
        "state_decision_role": text(ROLES, 1.0),
        "state_rejected": text(["terminated", "probation"], 0.3),
        "state_rejected_on": day(0.9, 200),
        "state_rejected_role": text(ROLES, 1.0),
        "sanctions_confirmed": (rng.random(ROWS) < 0.1).astype(int),
        "fraud_confirmed": (rng.random(ROWS) < 0.05).astype(int),
        "dishonest_debtor_open": (rng.random(ROWS) < 0.1).astype(int),
        "max_dpd_material": np.maximum(rng.integers(-150, 110, ROWS), 0),
        "plan_agreed_on": day(0.1),
        "plan_broken_on": day(0.1),
    }
    return frame.assign(
        **{name: pd.Series(values, index=range(ROWS)).astype(frame[name].dtype) for name, values in columns.items()}
    )


@FRAMES
@given(seed=st.integers(0, 10**6), as_of=st.sampled_from([date(2026, 6, 30), date(2026, 6, 17)]))
def test_only_declared_edges_are_taken_and_states_mean_what_they_say(seed: int, as_of: date) -> None:
    frame = _past(seed, as_of)
    out = decide(frame, POLICY, CATALOGUE, context(as_of))
    tier, limit = out["decision.risk_tier"], out["decision.credit_limit"]
    rows = pd.DataFrame(
        {name: tier[name].astype("object") for name in ("status", "status_before", "status_rule", "tier", "knockouts")}
    )
    rows["since"], rows["before"] = tier["status_since"], frame["previous_status"].astype("object")
    rows["limit"], rows["hold"] = limit["limit_reporting"].astype("Int64"), limit["hold"]
    rows["secured"] = limit["secured_amount"].astype("Int64")
    rows = rows[rows["tier"] != "not_rated"]
    assert rows["status"].notna().all()
    start = rows["before"].where(rows["before"].notna(), "active")
    moved = rows[start != rows["status"]]
    for source, row in zip(start[moved.index], moved.itertuples(), strict=True):
        edge = EDGES[(source, row.status)]  # KeyError: an edge nobody declared
        assert (row.status_before, row.since) == (source, pd.Timestamp(as_of))
        assert next(e for e in POLICY.exit.edges if e.id == row.status_rule).source == source
        if edge.by != SYSTEM:
            said = frame.loc[row.Index]
            assert row.status == said["state_decision"] or said["state_rejected"] == "terminated"
    away = rows[rows["status"].isin(["suspended", "exit_proposed", "terminated"])]
    assert (away["tier"] == "restricted").all()
    assert away["hold"].all()
    assert (away["limit"] <= away["secured"]).all()
    assert (away.loc[away["status"] == "terminated", "limit"] == 0).all()


CASE = st.tuples(st.integers(0, 200), st.integers(0, 200), st.integers(0, 3), st.sampled_from(ROLES))


@settings(max_examples=5, deadline=None)
@given(cases=st.lists(CASE, min_size=50, max_size=80))  # one frame of many customers: each decision is about all of them
def test_nobody_leaves_a_suspension_without_proof_time_and_authority(cases: list[tuple[int, int, int, str]]) -> None:
    as_of = date(2026, 6, 30)
    rows = [
        {
            "previous_status": "suspended",
            "previous_status_since": as_of - timedelta(days=300),
            "previous_status_cleared_on": as_of - timedelta(days=cleared),
            "previous_status_wait_days": 90,
            "max_dpd_material": dpd,
            "state_decision": "probation",
            "state_decision_on": as_of - timedelta(days=said),
            "state_decision_role": role,
        }
        for said, cleared, dpd, role in cases
    ]
    status = decide(facts(*rows), POLICY, CATALOGUE, context(as_of))["decision.risk_tier"]["status"]
    for (said, cleared, dpd, role), found in zip(cases, status, strict=True):
        free = dpd == 0 and cleared >= 90 and said <= cleared and role != "credit_analyst"
        assert (found == "probation") == free, (said, cleared, dpd, role)
