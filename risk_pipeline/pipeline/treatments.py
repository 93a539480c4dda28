"""Treatments in the hands of people: which there are, and saying that one was done or is waived.

Put here: reading published treatments together with what was said since, and recording an action. Keep out: what asks for a
treatment and what an action does to it (decision.treatments), printing (cli). Every action is an event of the audit log, a
forbidden attempt too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from risk_pipeline.contracts.decision import TREATMENT_STATES
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.alerts import may_act, published_rows
from risk_pipeline.pipeline.made import rows_in_effect
from risk_pipeline.pipeline.people import Desk
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

TABLE, ACTION = "decision.treatment", "treatment_action"
OPEN = TREATMENT_STATES[0]
TOLD = ("acted_by", "acted_on", "reason_text")
Verdict = Literal["done", "waived"]


def treatments(
    workspace: Workspace,
    register: Register,
    *,
    as_of: date | None = None,
    states: Sequence[str] = (OPEN,),
    customer: str | None = None,
    owner: str | None = None,
) -> tuple[date, list[dict[str, Any]]]:
    """The treatments of a published assessment (default: the newest), the gravest and longest due first, with who it is about.

    `state` is what it will be with what people said since; `said_since` tells whether that differs from what is published.
    RiskError when nothing is published, UsageError for a date that is not.
    """
    day, rows = published_rows(workspace, register, TABLE, as_of)
    newest = _newest_actions(workspace, register)
    told = [_with_action(row, newest.get(row["treatment_id"])) for row in rows]
    kept = [
        row
        for row in told
        if row["state"] in states and customer in (None, row["customer_id"]) and owner in (None, row["owner_role"])
    ]
    return day, sorted(kept, key=lambda row: (row["priority"], row["due_date"], row["treatment_id"]))


def act(desk: Desk, name: str, role: str | None, treatment_id: str, verdict: Verdict, reason: str) -> dict[str, Any]:
    """Record that a treatment was done or is waived; returns it as `treatments` gives it, after that. The caller holds the lock.

    UsageError for an unknown treatment and a waiver without a reason. Refused for one that is not open, and for somebody whose
    role is neither the owner nor above it.
    """
    reason = reason.strip()
    found = _one(desk, treatment_id)
    may = may_act(found, desk.policy)
    by = desk.person_among(name, role, may)
    if by.role not in may:
        desk.deny(
            by,
            "treatment.denied",
            treatment_id,
            "role_not_authorised",
            f"{by.name} ({by.role}) may not say that {treatment_id} is {verdict}",
            f"it is for {' or '.join(may)}",
            customer_id=found["customer_id"],
        )
    if found["state"] != OPEN:
        raise Refused(f"{treatment_id} is {found['state']} already", remedy="risk-pipeline treatment list shows what is open")
    if verdict == "waived" and not reason:
        raise UsageError("a waiver needs a reason", remedy='for example --reason "visited last week by the sales manager"')
    if desk.day < found["first_seen"]:
        raise UsageError(
            f"{treatment_id} was first asked for on {found['first_seen']}, after {desk.day}", remedy="leave --on out"
        )
    row = {
        "action_id": desk.new_id("T", treatment_id),
        "customer_id": found["customer_id"],
        "treatment_id": treatment_id,
        "treatment_verdict": verdict,
        "acted_by": by.name,
        "acted_on": desk.day,
        "reason_text": reason or None,
    }
    event = desk.event(by, f"treatment.{verdict}", treatment_id, customer_id=found["customer_id"], reason=reason or None)
    desk.record(ACTION, {column: value for column, value in row.items() if value is not None}, event)
    return _with_action(found, row)


def _one(desk: Desk, treatment_id: str) -> dict[str, Any]:
    _, rows = treatments(desk.workspace, desk.register, states=TREATMENT_STATES)
    found = next((row for row in rows if row["treatment_id"] == treatment_id), None)
    if found is None:
        raise UsageError(
            f"there is no treatment {treatment_id} in the newest assessment", remedy="risk-pipeline treatment list shows them"
        )
    return found


def _newest_actions(workspace: Workspace, register: Register) -> dict[str, dict[str, Any]]:
    rows = rows_in_effect(FeedStore(Lake(workspace.lake), register), ACTION)
    # Of two actions on one day the later known counts, as in a run (treatment_history.NEWEST_ACTIONS).
    ordered = sorted(rows, key=lambda row: (row["acted_on"], row["known_from"], row["row_id"]))
    return {row["treatment_id"]: row for row in ordered}


def _with_action(treatment: dict[str, Any], action: dict[str, Any] | None) -> dict[str, Any]:
    """The treatment as it will be with that action, when it is newer than what the assessment knew."""
    since = treatment["as_of"] if treatment["state"] != OPEN else treatment["first_seen"]
    said = action and {name: action[name] for name in TOLD}
    if action is None or action["acted_on"] < since or said == {name: treatment[name] for name in TOLD}:
        return {"said_since": False, **treatment}
    return {**treatment, **(said or {}), "state": action["treatment_verdict"], "said_since": True}
