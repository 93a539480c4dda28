"""Alerts in the hands of people: which there are, and acknowledging, snoozing or closing one.

Put here: reading published alerts together with what was said since, and recording an action. Keep out: what raises an alert and
what an action does to it (decision.alerts), printing (cli). Every action is an event of the audit log, a forbidden attempt too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, get_args

import duckdb

from risk_pipeline.contracts.decision import ALERT_STATES, SEVERITIES
from risk_pipeline.errors import Refused, RiskError, UsageError
from risk_pipeline.pipeline.made import rows_in_effect
from risk_pipeline.pipeline.people import Desk, Person
from risk_pipeline.policy.model import Label, Policy, Severity
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

ACTION = "alert_action"
Act = Literal["acknowledge", "snooze", "close"]
STATE_AFTER: dict[str, str] = {"acknowledge": "acknowledged", "snooze": "snoozed", "close": "closed"}
TOLD = ("acted_by", "acted_on", "until", "reason_text")


@dataclass(frozen=True)
class Step:
    """A step of a playbook: what, by whom, until when. `what` is an action of the policy or words."""

    what: str | Label
    owner: str
    hours: int
    due: date


def alerts(
    workspace: Workspace,
    register: Register,
    *,
    as_of: date | None = None,
    states: Sequence[str] = (),
    severity: str | None = None,
    customer: str | None = None,
    rule: str | None = None,
) -> tuple[date, list[dict[str, Any]]]:
    """The alerts of a published assessment (default: the newest), the gravest and longest due first, with the customer's name.

    `state` is what it will be with what people said since; `said_since` tells whether that differs from what is published.
    Without `states` the closed ones are left out. RiskError when nothing is published, UsageError for a date that is not.
    """
    day, rows = published_rows(workspace, register, "decision.alert", as_of)
    newest = _newest_actions(workspace, register)
    told = [_with_action(row, newest.get(row["alert_id"])) for row in rows]
    wanted = set(states or [state for state in ALERT_STATES if state != "closed"])
    kept = [
        row
        for row in told
        if row["state"] in wanted
        and severity in (None, row["severity"])
        and customer in (None, row["customer_id"])
        and rule in (None, row["rule"])
    ]
    return day, sorted(kept, key=lambda row: (-SEVERITIES.index(row["severity"]), row["due_date"], row["alert_id"]))


def act(
    desk: Desk, name: str, role: str | None, alert_id: str, action: Act, reason: str, until: date | None = None
) -> dict[str, Any]:
    """Record what a person does about an alert; returns the alert as `alerts` gives it, after it. The caller holds the lock.

    UsageError for an unknown alert, a close without a reason, a snooze without an end. Refused for a closed alert, for
    somebody whose role is neither the owner nor above it, and for a snooze the policy does not allow.
    """
    reason = reason.strip()
    alert = _one(desk, alert_id)
    by = _person(desk, name, role, alert, action)
    if alert["state"] == "closed":
        raise Refused(f"alert {alert_id} is closed already", remedy="risk-pipeline alerts list shows those that are not")
    if action == "close" and not reason:
        raise UsageError("closing an alert needs a reason", remedy='for example --reason "paid on 3 July, value date seen"')
    if action == "snooze":
        until = _snoozed_until(desk, by, alert, until)
    elif until is not None:
        raise UsageError("only a snooze has an end", remedy="leave --until out")
    if desk.day < alert["first_seen"]:
        raise UsageError(f"alert {alert_id} was first seen on {alert['first_seen']}, after {desk.day}", remedy="leave --on out")
    row = {
        "action_id": desk.new_id("L", alert_id),
        "customer_id": alert["customer_id"],
        "alert_id": alert_id,
        "alert_action": action,
        "acted_by": by.name,
        "acted_on": desk.day,
        "until": until,
        "reason_text": reason or None,
    }
    event = desk.event(
        by, f"alert.{STATE_AFTER[action]}", alert_id, customer_id=alert["customer_id"], until=until, reason=reason or None
    )
    desk.record(ACTION, {column: value for column, value in row.items() if value is not None}, event)
    return _with_action(alert, row)


def may_act(alert: dict[str, Any], policy: Policy) -> tuple[str, ...]:
    """The roles that may deal with an alert: its owner's, and those it goes up to, step by step."""
    roles = [str(alert["owner_role"])]
    while (above := policy.alert_rules.escalate_to.get(roles[-1])) is not None and above not in roles:
        roles.append(above)
    return tuple(roles)


def steps(policy: Policy, playbook: str | None, first_seen: date) -> tuple[Step, ...]:
    """The steps of a playbook with the day by which each is due; none for an unknown one."""
    book = policy.playbooks.get(playbook or "")
    if book is None:
        return ()
    return tuple(
        Step(step.action or step.text or "", step.owner, step.hours, first_seen + timedelta(hours=step.hours))
        for step in book.steps
    )


def published_rows(workspace: Workspace, register: Register, table: str, as_of: date | None) -> tuple[date, list[dict[str, Any]]]:
    """The rows of a table of decisions of an assessment (default: the newest), each with name and exposure of its customer.

    RiskError when nothing is published, UsageError for a date that is not.
    """
    snapshot = register.current_snapshot()
    if snapshot is None:
        raise RiskError(f"nothing is published yet in {workspace.root}", remedy="risk-pipeline run --as-of DATE")
    dates = snapshot.dates()
    day = as_of or max(dates)
    part, mart = snapshot.part(table, day), snapshot.part("mart.current_risk", day)
    if part is None or mart is None:
        raise UsageError(f"no {table} is published of {day}", remedy=f"published dates: {', '.join(map(str, dates))}")
    lake = Lake(workspace.lake)
    with duckdb.connect() as con:
        found = con.execute(
            "SELECT a.*, m.name, m.total_exposure FROM read_parquet(?) AS a JOIN read_parquet(?) AS m USING (customer_id)",
            [str(lake.absolute(part.path)), str(lake.absolute(mart.path))],
        )
        names = [column[0] for column in found.description]
        return day, [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _newest_actions(workspace: Workspace, register: Register) -> dict[str, dict[str, Any]]:
    rows = rows_in_effect(FeedStore(Lake(workspace.lake), register), ACTION)
    # Of two actions on one day the later known counts, as in a run (alert_history.NEWEST_ACTIONS).
    ordered = sorted(rows, key=lambda row: (row["acted_on"], row["known_from"], row["row_id"]))
    return {row["alert_id"]: row for row in ordered}


def _with_action(alert: dict[str, Any], action: dict[str, Any] | None) -> dict[str, Any]:
    """The alert as it will be with that action, when it is newer than what the assessment knew."""
    told = (alert["acted_by"], alert["acted_on"], alert["until"], alert["reason_text"])
    if action is None or action["acted_on"] < alert["first_seen"] or alert["state"] == "closed":
        return {"said_since": False, **alert}
    said = tuple(action[name] for name in TOLD)
    if said == told:
        return {"said_since": False, **alert}
    return {**alert, **dict(zip(TOLD, said, strict=True)), "state": STATE_AFTER[action["alert_action"]], "said_since": True}


def _one(desk: Desk, alert_id: str) -> dict[str, Any]:
    _, rows = published_rows(desk.workspace, desk.register, "decision.alert", None)
    alert = next((row for row in rows if row["alert_id"] == alert_id), None)
    if alert is None:
        raise UsageError(f"there is no alert {alert_id} in the newest assessment", remedy="risk-pipeline alerts list shows them")
    return _with_action(alert, _newest_actions(desk.workspace, desk.register).get(alert_id))


def _person(desk: Desk, name: str, role: str | None, alert: dict[str, Any], action: Act) -> Person:
    """The person in a role that may deal with the alert; refused, and noted, when none of theirs may."""
    may = may_act(alert, desk.policy)
    person = desk.person_among(name, role, may)
    if person.role not in may:
        desk.deny(
            person,
            "alert.denied",
            alert["alert_id"],
            "role_not_authorised",
            f"{person.name} ({person.role}) may not {action} alert {alert['alert_id']}",
            f"it is for {' or '.join(may)}",
            customer_id=alert["customer_id"],
        )
    return person


def _snoozed_until(desk: Desk, by: Person, alert: dict[str, Any], until: date | None) -> date:
    if until is None:
        raise UsageError("a snooze needs its last day", remedy="--until DATE")
    if until <= desk.day:
        raise UsageError(f"--until {until} is not after {desk.day}", remedy="name a later day")
    severities: tuple[Severity, ...] = get_args(Severity)
    longest = desk.policy.alert_rules.snooze_max_days[severities[SEVERITIES.index(alert["severity"])]]
    last = desk.day + timedelta(days=longest)
    if until > last:
        allowed = f"at most until {last} ({longest} days)" if longest else "not at all: deal with it"
        desk.deny(
            by,
            "alert.denied",
            alert["alert_id"],
            "snooze_too_long",
            f"alert {alert['alert_id']} is {alert['severity']}: it can be put off {allowed}",
            "acknowledge it instead",
            customer_id=alert["customer_id"],
            until=until,
        )
    return until
