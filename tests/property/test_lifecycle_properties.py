"""Nobody leaves a suspension without proof, time and authority. What else must hold of states: test_decision_properties.py."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decision_facts import decide, facts
from tests.decision_given import CATALOGUE, POLICY, context

ROLES = [level.role for level in POLICY.authorities.levels]
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
