"""Proposals to change the state of a customer: asking, approving, rejecting, withdrawing, listing.

Put here: which state may be proposed from the present one, who may say yes, and the versions of the proposal that follow. Keep
out: what a verdict does at the next run (decision/lifecycle.py), which ways there are (policy `exit`), printing (cli). Every
step is an event of the audit log, an attempt the rules forbid too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import duckdb

from risk_pipeline.contracts import table
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.made import rows_in_effect
from risk_pipeline.pipeline.people import Desk, Person
from risk_pipeline.policy.model import ACTIVE, SYSTEM, Edge, Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

STATE_DECISION = "customer_state_decision"
Verdict = Literal["approved", "rejected", "withdrawn"]


@dataclass(frozen=True)
class Present:
    """The state an assessment published, and since when; without one the customer is active."""

    as_of: date
    status: str
    since: date | None


def proposals(workspace: Workspace, register: Register, *, customer: str | None = None) -> list[dict[str, Any]]:
    """The proposals there are, those that wait first, then the newest."""
    rows = rows_in_effect(FeedStore(Lake(workspace.lake), register), STATE_DECISION)
    kept = [row for row in rows if customer in (None, row["customer_id"])]
    newest = sorted(kept, key=lambda row: (row["requested_on"], row["state_decision_id"]), reverse=True)
    return sorted(newest, key=lambda row: standing(row) != "requested")


def standing(row: dict[str, Any]) -> str:
    """requested, approved, rejected or withdrawn."""
    return str(row["verdict"] or "requested")


def approvers(policy: Policy, edge: Edge) -> tuple[str, ...]:
    """The roles whose verdict the edge takes, the lowest first."""
    return policy.authorities.at_least((edge.by,))


def edge_to(policy: Policy, status: str, state: str) -> Edge | None:
    """The edge from a state to another that takes an approval of people, if there is one."""
    return next((e for e in policy.exit.edges if (e.source, e.to) == (status, state) and e.by != SYSTEM), None)


def propose(desk: Desk, by: Person, customer_id: str, state: str, reason: str) -> tuple[dict[str, Any], Present, Edge]:
    """Record a proposal. UsageError without a reason; Refused where no edge of the policy leads there by people."""
    if not reason.strip():
        raise UsageError("a proposal needs its reason in words", remedy='--reason "what you know and where it can be seen"')
    present, policy = _present(desk, customer_id), desk.policy
    edge = edge_to(policy, present.status, state)
    if edge is None:
        ways = [each.to for each in policy.exit.edges if each.source == present.status and each.by != SYSTEM]
        raise Refused(
            f"{customer_id} is {present.status}: no way that people decide leads from there to {state}",
            remedy=f"from {present.status} people may propose: {', '.join(dict.fromkeys(ways)) or 'nothing'}",
        )
    waiting = [row for row in rows_in_effect(desk.store, STATE_DECISION) if row["customer_id"] == customer_id]
    open_ = next((row for row in waiting if standing(row) == "requested"), None)
    if open_ is not None:
        raise Refused(
            f"{open_['state_decision_id']} waits for a verdict on {customer_id} already",
            remedy=f"judge it first: risk-pipeline customer-state reject {open_['state_decision_id']} --by NAME --reason TEXT",
        )
    number = desk.new_id("Z", customer_id, state, by.name)
    row = {
        "state_decision_id": number,
        "customer_id": customer_id,
        "proposed_state": state,
        "reason_text": reason.strip(),
        "requested_by": by.name,
        "requested_role": by.role,
        "requested_on": desk.day,
        "verdict": "requested",
    }
    told = {name: row[name] for name in ("customer_id", "proposed_state", "reason_text")}
    desk.record(STATE_DECISION, row, desk.event(by, "customer_state.requested", number, said_on=desk.day, **told))
    return row, present, edge


def judge(desk: Desk, by: Person, number: str, verdict: Verdict, reason: str = "") -> dict[str, Any]:
    """Record what a person says of a proposal: approved or rejected by another, withdrawn by whoever asked.

    UsageError for an unknown one; Refused, with the attempt in the audit log, for a verdict that the rules forbid.
    """
    row = next((each for each in rows_in_effect(desk.store, STATE_DECISION) if each["state_decision_id"] == number), None)
    if row is None:
        raise UsageError(f"there is no proposal {number}", remedy="risk-pipeline customer-state list shows them")
    if standing(row) != "requested":
        raise Refused(
            f"{number} is {standing(row)} already, by {row['decided_by']} on {row['verdict_on']}",
            remedy="a new proposal starts anew: risk-pipeline customer-state propose",
        )
    if desk.day < row["requested_on"]:
        raise UsageError(f"{number} was asked for on {row['requested_on']}, after {desk.day}", remedy="--on with a later day")
    if verdict == "rejected" and not reason.strip():
        raise UsageError("a rejection needs its reason", remedy='--reason "what is missing"')
    _check(desk, by, row, verdict)
    kept = {name: row[name] for name in table(f"feed.{STATE_DECISION}").column_names if row.get(name) is not None}
    after = {**kept, "verdict": verdict, "decided_by": by.name, "decided_role": by.role, "verdict_on": desk.day}
    told = {name: after[name] for name in ("customer_id", "proposed_state")}
    event = desk.event(by, f"customer_state.{verdict}", number, reason=reason.strip() or None, said_on=desk.day, **told)
    desk.record(STATE_DECISION, after, event)
    return after


def _check(desk: Desk, by: Person, row: dict[str, Any], verdict: Verdict) -> None:
    """Who asked does not judge, and only they take it back; an approval or a rejection takes the role of the edge."""
    number, asked = row["state_decision_id"], by.answers_for(row["requested_by"])
    if verdict == "withdrawn":
        if by.name.strip().casefold() != row["requested_by"].strip().casefold():
            said, remedy = f"{number} was asked for by {row['requested_by']}: only they take it back", "reject it instead"
            desk.deny(by, "customer_state.denied", number, "not_the_requester", said, remedy, verdict=verdict)
        return
    if asked:
        said = f"{row['requested_by']} asked for {number} and cannot judge it{by.either}: two people decide"
        remedy = "another person decides"
        desk.deny(by, "customer_state.denied", number, "self_approval", said, remedy, verdict=verdict)
    present = _present(desk, row["customer_id"])
    edge = edge_to(desk.policy, present.status, row["proposed_state"])
    if edge is None:
        raise Refused(
            f"{row['customer_id']} is {present.status} by now: no way that people decide leads to {row['proposed_state']}",
            remedy=f"whoever asked takes it back: risk-pipeline customer-state withdraw {number} --by {row['requested_by']}",
        )
    back = next((e for e in desk.policy.exit.edges if e.source == present.status and e.verdict == "rejected"), None)
    may = approvers(desk.policy, back if verdict == "rejected" and back is not None else edge)
    if by.role not in may:
        said = f"{by.name} ({by.role}) may not have {verdict} that {row['customer_id']} becomes {row['proposed_state']}"
        remedy = f"one of {', '.join(may)} may"
        desk.deny(by, "customer_state.denied", number, "role_not_authorised", said, remedy, verdict=verdict)


def _present(desk: Desk, customer_id: str) -> Present:
    """The state by the newest assessment up to the day of the desk."""
    found = desk.standing(customer_id)
    snapshot = desk.register.current_snapshot()
    part = snapshot.part("decision.risk_tier", found.as_of) if snapshot is not None else None
    assert part is not None, "what stands about a customer comes from a published assessment"
    with duckdb.connect() as con:
        path = str(Lake(desk.workspace.lake).absolute(part.path))
        query = "SELECT status, status_since FROM read_parquet(?) WHERE customer_id = ?"
        row = con.execute(query, [path, customer_id]).fetchone()
    status, since = row if row is not None else (None, None)
    return Present(found.as_of, status or ACTIVE, since)
