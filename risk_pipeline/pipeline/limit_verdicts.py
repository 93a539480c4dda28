"""What people say of a computed limit that waits for them: approved or rejected.

Put here: who may, and the row that records it. Keep out: when a limit waits (decision/authority.py), limits by hand (overrides),
printing (cli).
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.alerts import published_rows
from risk_pipeline.pipeline.made import rows_in_effect
from risk_pipeline.pipeline.overrides import OVERRIDE, state_on
from risk_pipeline.pipeline.people import Desk, Person, Standing
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

LIMIT_DECISION = "limit_decision"
Verdict = Literal["approved", "rejected"]


WAITING = ("pending", "rejected")


def judge_limit(desk: Desk, by: Person, customer_id: str, verdict: Verdict, reason: str) -> tuple[dict[str, Any], Standing]:
    """Record a verdict on the limit that the newest assessment computed; returns the row and what it is about.

    Refused when the limit waits for nobody, and, with the attempt in the audit log, when the role may not, or when the person
    asked for an override that is behind it.
    """
    standing = desk.standing(customer_id)
    if standing.limit is None:
        raise Refused(f"{customer_id} has no limit of its own: nothing to approve or reject")
    if standing.approval_status not in ("pending", "rejected" if verdict == "approved" else "pending"):
        raise Refused(
            f"the limit of {customer_id} of {standing.as_of} is {standing.approval_status}: it waits for nobody",
            remedy="risk-pipeline limit list shows which do",
        )
    if not reason.strip():
        raise UsageError("a verdict needs its reason", remedy='--reason "what it rests on"')
    _check(desk, by, standing, verdict)
    number = desk.new_id("L", customer_id, by.name)
    row = {
        "limit_decision_id": number,
        "customer_id": customer_id,
        "decided_as_of": standing.as_of,
        "amount": standing.limit,
        "currency": standing.reporting_currency,
        "verdict": verdict,
        "decided_by": by.name,
        "decided_role": by.role,
        "verdict_on": desk.day,
        "reason_text": reason.strip(),
    }
    told = {name: row[name] for name in ("customer_id", "decided_as_of", "amount", "currency")}
    desk.record(LIMIT_DECISION, row, desk.event(by, f"limit.{verdict}", number, reason=reason.strip(), said_on=desk.day, **told))
    return row, standing


def waiting(workspace: Workspace, register: Register) -> tuple[date, list[dict[str, Any]]]:
    """The limits of the newest assessment that wait for a person, or were rejected, the largest first, with the customer's name.

    `verdict_since`, `by_since`, `on_since`: what was said after the assessment, which the next run takes into account.
    """
    day, rows = published_rows(workspace, register, "decision.credit_limit", None)
    said = rows_in_effect(FeedStore(Lake(workspace.lake), register), LIMIT_DECISION)
    newest = {
        row["customer_id"]: row for row in sorted(said, key=lambda row: (row["verdict_on"], row["known_from"], row["row_id"]))
    }
    found = []
    for row in rows:
        if row["approval_status"] not in WAITING:
            continue
        since = newest.get(row["customer_id"])
        since = since if since is not None and since["decided_as_of"] == day else {}
        told = {"verdict_since": since.get("verdict"), "by_since": since.get("decided_by"), "on_since": since.get("verdict_on")}
        found.append({**row, **told})
    return day, sorted(found, key=lambda row: (-row["limit_reporting"], row["customer_id"]))


def _check(desk: Desk, by: Person, standing: Standing, verdict: Verdict) -> None:
    rules = desk.policy.authorities
    levels = tuple(level.role for level in rules.levels)
    needed = (standing.required_authority,) if verdict == "approved" and standing.required_authority else levels
    may = rules.at_least(needed)
    about = {"verdict": verdict, "amount": standing.limit, "decided_as_of": standing.as_of}
    if by.role in rules.never_approve or by.role not in may:
        never = by.role in rules.never_approve or by.role not in levels
        desk.deny(
            by,
            "limit.denied",
            standing.customer_id,
            "role_never_approves" if never else "role_not_authorised",
            f"{by.name} ({by.role}) may not have {verdict} a limit of {standing.limit:,.2f} {standing.reporting_currency}"
            f" in tier {standing.tier}",
            f"one of {', '.join(may)} may",
            **about,
        )
    behind = _asked_by(desk, by, standing.customer_id, standing.as_of)
    if behind:
        desk.deny(
            by,
            "limit.denied",
            standing.customer_id,
            "self_approval",
            f"{by.acts_for or by.name} asked for {behind}, which is behind this limit{by.either}: two people decide",
            "another person with the authority decides",
            **about,
        )


def _asked_by(desk: Desk, by: Person, customer_id: str, as_of: date) -> str | None:
    """An override in force at the assessment that the person asked for."""
    rows = rows_in_effect(desk.store, OVERRIDE)
    mine = [row for row in rows if row["customer_id"] == customer_id and by.answers_for(row["requested_by"])]
    return next((row["override_id"] for row in mine if state_on(row, as_of) == "in_force"), None)
