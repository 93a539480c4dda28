"""Overrides: a tier or a limit changed, or a hold released by hand, by two people. Asking, judging, withdrawing, listing.

Put here: what may be asked and who may say yes, and the versions of the request that follow. Keep out: what is in force on a
date (factors/people_decision.sql), what it does to tier and limit (decision), printing (cli). Every step is an event of the
audit log, an attempt the rules forbid too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Literal

from risk_pipeline.contracts import table
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.made import rows_in_effect
from risk_pipeline.pipeline.people import Desk, Person, Standing
from risk_pipeline.policy.model import ACTIVE, Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

OVERRIDE = "override"
Kind = Literal["notch", "limit", "temporary_limit", "hold_release"]
Verdict = Literal["approved", "rejected", "withdrawn"]
STATES = ("requested", "in_force", "ahead", "lapsed", "rejected", "withdrawn")
LARGEST = Decimal(10) ** 13
CENT = Decimal("0.01")
NOUNS = {"notch": "notch", "limit": "limit by hand", "temporary_limit": "limit for a time", "hold_release": "release of the hold"}


@dataclass(frozen=True)
class Asked:
    """What somebody asks for. `notches`: + is better; `amount` in `currency` (default: the reporting currency).

    `start`: first day, default the day of the request; `until`: last day, default the last one the policy allows.
    """

    customer_id: str
    kind: Kind
    reason_code: str
    reason: str
    notches: int | None = None
    amount: Decimal | None = None
    currency: str | None = None
    start: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Told:
    """What was recorded: the row, what stands about the customer, and remarks worth reading before going on."""

    row: dict[str, Any]
    standing: Standing
    notes: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


def overrides(
    workspace: Workspace, register: Register, day: date, *, states: Sequence[str] = (), customer: str | None = None
) -> list[dict[str, Any]]:
    """The overrides there are, those that wait first, then the newest. `state` is one of STATES on `day`."""
    rows = rows_in_effect(FeedStore(Lake(workspace.lake), register), OVERRIDE)
    told = [{**row, "state": state_on(row, day)} for row in rows if customer in (None, row["customer_id"])]
    kept = [row for row in told if not states or row["state"] in states]
    newest = sorted(kept, key=lambda row: (row["requested_on"], row["override_id"]), reverse=True)
    return sorted(newest, key=lambda row: row["state"] != "requested")


def state_on(row: dict[str, Any], day: date) -> str:
    """Where an override stands on a day: one of STATES. A request nobody answered in its time has lapsed."""
    verdict = row["verdict"] or "requested"
    if verdict in ("rejected", "withdrawn"):
        return str(verdict)
    if row["valid_to"] < day:
        return "lapsed"
    if verdict == "requested":
        return "requested"
    return "in_force" if row["valid_from"] <= day else "ahead"


def request(desk: Desk, by: Person, asked: Asked) -> Told:
    """Record a request. UsageError for what the policy does not know, Refused for what it does not allow."""
    standing, policy = desk.standing(asked.customer_id), desk.policy
    _check_reason(asked, policy)
    last = _longest(asked, policy)
    start = asked.start or desk.day
    latest = start + timedelta(days=last)
    until = asked.until or latest
    if not start <= until <= latest:
        raise UsageError(
            f"a {NOUNS[asked.kind]} from {start} lasts until {latest} at most ({last} days), and {until} was asked for",
            remedy=f"--until {latest}, or an earlier day from {start} on",
        )
    if until < desk.day:
        raise UsageError(f"it would be over on {until}, before it is asked for on {desk.day}", remedy="--until with a later day")
    waiting = [r for r in _known(desk) if (r["customer_id"], r["override_kind"]) == (asked.customer_id, asked.kind)]
    open_ = next((row for row in waiting if state_on(row, desk.day) == "requested"), None)
    if open_ is not None:
        raise Refused(
            f"{open_['override_id']} asks for a {NOUNS[asked.kind]} of {asked.customer_id} already",
            remedy=f"approve, reject or withdraw it first: risk-pipeline override reject {open_['override_id']} --by NAME",
        )
    row = {
        "override_id": desk.new_id("O", asked.customer_id, asked.kind, by.name),
        "customer_id": asked.customer_id,
        "override_kind": asked.kind,
        **_change(asked, standing, policy),
        "reason_code": asked.reason_code,
        "reason_text": asked.reason.strip(),
        "requested_by": by.name,
        "requested_role": by.role,
        "requested_on": desk.day,
        "valid_from": start,
        "valid_to": until,
        "verdict": "requested",
    }
    given = {name: row.get(name) for name in ("customer_id", "override_kind", "notches", "amount", "currency")}
    given |= {name: row[name] for name in ("reason_code", "reason_text", "valid_from", "valid_to")}
    desk.record(OVERRIDE, row, desk.event(by, "override.requested", row["override_id"], said_on=desk.day, **given))
    return Told(row, standing, _notes(row, standing, policy), approvers(row, standing, policy))


def judge(desk: Desk, by: Person, number: str, verdict: Verdict, reason: str = "") -> Told:
    """Record what a person says of a request: approved or rejected by another, withdrawn by whoever asked.

    `number`: of the override, or the customer when one request of theirs waits.

    An override in force ends the day before when it is withdrawn, which takes a second person with the authority to approve
    it. UsageError for an unknown one; Refused, with the attempt in the audit log, for a verdict that the rules forbid.
    """
    row = _found(desk, number)
    override_id = row["override_id"]
    standing = desk.standing(row["customer_id"])
    state = state_on(row, desk.day)
    may_end = verdict == "withdrawn" and state in ("in_force", "ahead")
    if state != "requested" and not may_end:
        raise Refused(
            f"{override_id} is {state.replace('_', ' ')} already{_judged(row)}",
            remedy="a new request starts anew: risk-pipeline override request",
        )
    if desk.day < row["requested_on"]:
        raise UsageError(
            f"{override_id} was asked for on {row['requested_on']}, after {desk.day}", remedy="--on with a later day"
        )
    if verdict == "rejected" and not reason.strip():
        raise UsageError("a rejection needs its reason", remedy='--reason "what is missing"')
    _check_duty(desk, by, row, verdict, ending=may_end)
    if verdict == "approved" or may_end:
        _check_authority(desk, by, row, standing)
    if verdict == "approved" and row["override_kind"] == "hold_release":
        _check_released_lately(desk, by, row)
    said = {"decided_by": by.name, "decided_role": by.role, "verdict_on": desk.day}
    changes = {"valid_to": desk.day - timedelta(days=1)} if may_end else {"verdict": verdict, **said}
    kept = {name: row[name] for name in table(f"feed.{OVERRIDE}").column_names if row.get(name) is not None}
    after = {**kept, **changes}
    told = {name: after.get(name) for name in ("customer_id", "override_kind", "notches", "amount", "currency", "valid_to")}
    event = desk.event(by, f"override.{verdict}", override_id, reason=reason.strip() or None, said_on=desk.day, **told)
    desk.record(OVERRIDE, after, event)
    return Told(after, standing, _notes(after, standing, desk.policy) if verdict == "approved" else ())


def approvers(row: dict[str, Any], standing: Standing, policy: Policy) -> tuple[str, ...]:
    """The roles that may approve a request as things stand, the lowest first."""
    notches, rules = row.get("notches"), policy.authorities
    if row["override_kind"] == "notch":
        return rules.at_least(policy.notches.roles_up if (notches or 0) > 0 else policy.notches.roles_down)
    if row["override_kind"] == "hold_release":
        return rules.at_least(policy.hold_release.roles)
    amount = reporting_amount(row, standing)
    if standing.computed is not None and amount <= standing.computed:
        return tuple(level.role for level in rules.levels)
    return tuple(level.role for level in rules.levels if _covers(level.up_to.get(standing.tier, Decimal(0)), amount))


def reporting_amount(row: dict[str, Any], standing: Standing) -> Decimal:
    """The amount of a request in reporting currency, at the rate of the newest assessment."""
    rate = Decimal(1) if row["currency"] == standing.reporting_currency else standing.rate
    return (Decimal(row["amount"]) * rate).quantize(CENT)


def _covers(most: Decimal | None, amount: Decimal) -> bool:
    return most is None or amount <= most


def _check_reason(asked: Asked, policy: Policy) -> None:
    codes = policy.notches.reason_codes
    if asked.reason_code not in codes:
        raise UsageError(
            f"policy {policy.version} has no reason code {asked.reason_code!r}",
            remedy="one of " + "; ".join(f"{code} ({label.en})" for code, label in codes.items()),
        )
    if not asked.reason.strip():
        raise UsageError("an override needs its reason in words", remedy='--reason "what you know and where it can be seen"')


def _longest(asked: Asked, policy: Policy) -> int:
    """How many days what is asked for may last."""
    if asked.kind == "limit":
        return policy.limits.manual.expiry_days
    if asked.kind == "temporary_limit":
        if asked.until is None:
            raise UsageError("a limit for a time needs its last day", remedy="--until YYYY-MM-DD")
        return policy.limits.temporary.max_days
    if asked.kind == "hold_release":
        return policy.hold_release.max_days
    return policy.notches.expiry_days_up if (asked.notches or 0) > 0 else policy.notches.expiry_days_down


def _change(asked: Asked, standing: Standing, policy: Policy) -> dict[str, Any]:
    """The columns that say what is to change."""
    if asked.kind == "notch":
        steps, rules = asked.notches or 0, policy.notches
        if not steps or not -rules.max_down <= steps <= rules.max_up:
            raise UsageError(
                f"{steps:+d} is no notch policy {policy.version} allows",
                remedy=f"from --notch -{rules.max_down} (worse) to --notch {rules.max_up} (better)",
            )
        if standing.model_tier not in policy.tier_ids:
            raise Refused(
                f"{standing.customer_id} is {standing.model_tier}: only a tier that comes from a score moves by notches",
                remedy="deliver the evidence that is missing; risk-pipeline explain says which",
            )
        return {"notches": steps}
    if asked.kind == "hold_release":
        _check_hold(standing, policy)
        return {}
    amount, currency = asked.amount, asked.currency or standing.reporting_currency
    if amount is None or not 0 <= amount < LARGEST or amount != amount.quantize(CENT):
        raise UsageError(f"{amount} is no amount of a limit", remedy="0 or more, with at most 2 decimals")
    if currency not in (standing.reporting_currency, standing.currency):
        raise UsageError(
            f"the limit of {standing.customer_id} is not in {currency}",
            remedy=f"--currency {' or '.join(sorted({standing.reporting_currency, standing.currency}))}",
        )
    return {"amount": amount.quantize(CENT), "currency": currency}


def _check_hold(standing: Standing, policy: Policy) -> None:
    """There is a hold, and no rule demands it that nobody may release."""
    reasons = [each for each in standing.hold_reasons.split(",") if each]
    if not reasons:
        raise Refused(
            f"{standing.customer_id} is not on hold in the assessment of {standing.as_of}",
            remedy="nothing to release; risk-pipeline explain says how it stands",
        )
    never = [each for each in reasons if each in policy.never_released]
    if dict(policy.exit.by_status)[standing.status or ACTIVE].limit == "zero":
        never.append(f"state {standing.status}")
    if never or not policy.hold_release.roles:
        why = f"{', '.join(never)} holds it" if never else f"policy {policy.version} names no `hold_release.roles`"
        raise Refused(
            f"the hold of {standing.customer_id} is not released: {why}",
            remedy="remove the cause; the next run then ends the hold",
        )


def _check_duty(desk: Desk, by: Person, row: dict[str, Any], verdict: Verdict, *, ending: bool) -> None:
    """Who asked does not judge; who never approves does not judge either; only who asked takes a request back."""
    number, rules = row["override_id"], desk.policy.authorities
    levels = tuple(level.role for level in rules.levels)
    if verdict == "withdrawn" and not ending:
        if not _same(by.name, row["requested_by"]):
            desk.deny(
                by,
                "override.denied",
                number,
                "not_the_requester",
                f"{number} was asked for by {row['requested_by']}: only they take it back",
                f'reject it instead: risk-pipeline override reject {number} --by "{by.name}" --reason TEXT',
                verdict=verdict,
            )
        return
    if by.answers_for(row["requested_by"]):
        desk.deny(
            by,
            "override.denied",
            number,
            "self_approval",
            f"{row['requested_by']} asked for {number} and cannot judge it{by.either}: two people decide",
            "another person with the authority decides; risk-pipeline override list says who may",
            verdict=verdict,
        )
    if by.role in rules.never_approve or by.role not in levels:
        rule = "role_never_approves" if by.role in rules.never_approve else "role_not_authorised"
        desk.deny(
            by,
            "override.denied",
            number,
            rule,
            f"{by.name} is {by.role}, which never decides on overrides",
            f"one of {', '.join(levels)} decides",
            verdict=verdict,
        )


def _check_authority(desk: Desk, by: Person, row: dict[str, Any], standing: Standing) -> None:
    may = approvers(row, standing, desk.policy)
    if by.role in may:
        return
    what = f"{_amount(row)} in tier {standing.tier}" if row["amount"] is not None else "holds"
    if row["override_kind"] == "notch":
        what = f"a notch of {row['notches']:+d}"
    desk.deny(
        by,
        "override.denied",
        row["override_id"],
        "role_not_authorised",
        f"{by.name} ({by.role}) has no authority over {what}",
        f"one of {', '.join(may)} may",
        amount=row["amount"],
        tier=standing.tier,
    )


def _check_released_lately(desk: Desk, by: Person, row: dict[str, Any]) -> None:
    """Whoever may release a hold once in a while has not released this customer's of late."""
    rule = desk.policy.hold_release
    if by.role not in rule.roles:
        return
    after = desk.day - timedelta(days=rule.once_per_days)
    for other in _known(desk):
        same = (other["customer_id"], other["override_kind"], other["verdict"]) == (
            row["customer_id"],
            "hold_release",
            "approved",
        )
        if same and after < other["verdict_on"] <= desk.day:
            higher = [role for role in desk.policy.authorities.at_least(rule.roles) if role not in rule.roles]
            desk.deny(
                by,
                "override.denied",
                row["override_id"],
                "released_lately",
                f"the hold of {row['customer_id']} was released on {other['verdict_on']} already ({other['override_id']}):"
                f" {by.role} may once in {rule.once_per_days} days",
                f"one of {', '.join(higher)} may" if higher else "nobody may before that time is over",
            )


def _notes(row: dict[str, Any], standing: Standing, policy: Policy) -> tuple[str, ...]:
    """What the next run will make of it as things stand."""
    if row["override_kind"] in ("notch", "hold_release"):
        return ()
    amount, computed, currency = reporting_amount(row, standing), standing.computed, standing.reporting_currency
    if computed is None:
        return (f"{standing.customer_id} has no limit of its own: this one will have no effect",)
    if row["override_kind"] == "limit":
        most = (computed * Decimal(str(policy.limits.manual.max_share_of_computed))).quantize(CENT)
        return (
            (f"at most {most:,.2f} {currency} of it would count today: the computed limit is {computed:,.2f}",)
            if amount > most
            else ()
        )
    notes = []
    if standing.tier not in policy.limits.temporary.tiers:
        notes.append(f"tier {standing.tier} gets no limit for a time: this one will have no effect while it lasts")
    base = standing.limit or Decimal(0)
    most = (base * (1 + Decimal(str(policy.limits.temporary.max_share_over)))).quantize(CENT)
    if amount > most:
        notes.append(f"at most {most:,.2f} {currency} of it would count today: the limit is {base:,.2f}")
    return tuple(notes)


def _known(desk: Desk) -> list[dict[str, Any]]:
    return rows_in_effect(desk.store, OVERRIDE)


def _found(desk: Desk, override_id: str) -> dict[str, Any]:
    """The override of that number, or the one request of that customer which waits."""
    rows = _known(desk)
    row = next((row for row in rows if row["override_id"] == override_id), None)
    of_customer = [row for row in rows if row["customer_id"] == override_id]
    waiting = [row for row in of_customer if state_on(row, desk.day) == "requested"]
    if row is None and len(waiting) == 1:
        return waiting[0]
    if row is None:
        remedy = "risk-pipeline override list" + (f" --customer {override_id}" if of_customer else "") + " shows their numbers"
        several = f"{len(waiting) or 'no'} overrides of customer {override_id} wait" if of_customer else ""
        raise UsageError(several or f"there is no override {override_id}", remedy=remedy)
    return row


def _judged(row: dict[str, Any]) -> str:
    return f", by {row['decided_by']} on {row['verdict_on']}" if row["decided_by"] else ""


def _amount(row: dict[str, Any]) -> str:
    return f"{row['amount']:,.2f} {row['currency']}"


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
