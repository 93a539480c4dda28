"""`override request|approve|reject|withdraw|list` and `limit approve|reject`: decisions of people, recorded and shown.

Put here: reading what was typed, their order of work and what they print. Keep out: who may decide what (pipeline.overrides,
pipeline.limit_verdicts).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date, one_of, where_option
from risk_pipeline.cli.texts import COLON, PHRASES, Language, One, because, each, word
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.limit_verdicts import Verdict as LimitVerdict
    from risk_pipeline.pipeline.overrides import Asked, Verdict
    from risk_pipeline.pipeline.people import Desk

SCREEN_ROWS = 20
AMOUNT = re.compile(r"[0-9]{1,13}(\.[0-9]{1,2})?")  # one that could be read in two ways is no amount
SHOWN = (
    "override_id", "customer_id", "override_kind", "notches", "amount", "currency", "reason_code", "reason_text", "requested_by",
    "requested_role", "requested_on", "valid_from", "valid_to", "verdict", "decided_by", "decided_role", "verdict_on", "state",
)  # fmt: skip
STATE_WORDS = {"requested": "requested_state", "rejected": "rejected_state"}


@dataclass(frozen=True)
class Who:
    """Who acts, in which role (None = the one with the most authority), and when it was said (None = today)."""

    name: str
    role: str | None
    on: str | None


@dataclass(frozen=True)
class Change:
    """What was typed after `override request`: exactly one of notch, limit, temporary limit and release of the hold."""

    notch: int | None
    limit: str | None
    temporary_limit: str | None
    release_hold: bool
    currency: str | None
    reason_code: str
    reason: str
    first: str | None
    until: str | None


def request_override(root: Path, customer: str, change: Change, who: Who, as_json: bool) -> None:
    """Record a request and say who may approve it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.overrides import request
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    asked = _asked(customer, change)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "override"):
        desk = _desk(workspace, register, who)
        told = request(desk, desk.person(who.name, who.role), asked)
        row = {**told.row, "state": "requested"}
        if as_json:
            output.print_json({**_shown(row, desk.policy), "approvers": list(told.approvers), "notes": list(told.notes)})
            return
        _print(workspace, row, desk.policy, told.notes, told.approvers)


def judge_override(root: Path, number: str, verdict: Verdict, who: Who, reason: str, as_json: bool) -> None:
    """Record a verdict and say what the next run makes of it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.overrides import judge, state_on
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "override"):
        desk = _desk(workspace, register, who)
        told = judge(desk, desk.person(who.name, who.role), number, verdict, reason)
        row = {**told.row, "state": state_on(told.row, desk.day)}
        if as_json:
            output.print_json({**_shown(row, desk.policy), "notes": list(told.notes)})
            return
        _print(workspace, row, desk.policy, told.notes, ())


def list_overrides(root: Path, state: str | None, customer: str | None, on: str | None, limit: int | None, as_json: bool) -> None:
    """Print overrides as they stand on a day (None = today), those that wait first, then the newest."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.overrides import STATES, overrides
    from risk_pipeline.pipeline.people import Desk

    one_of(state, "--state", STATES)
    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        desk = Desk.open(workspace, register, datetime.now(UTC), _day(on, "--on"))
        rows = overrides(workspace, register, desk.day, states=(state,) if state else (), customer=customer)
        if not rows:
            desk.check_customer(customer)
        at_most = limit or (None if as_json else SCREEN_ROWS)
        shown = [(row, _approvers(desk, row)) for row in rows[:at_most]]
    if as_json:
        rows_shown = [{**_shown(row, desk.policy), "approvers": list(may)} for row, may in shown]
        output.print_json({"overrides": len(rows), "rows": rows_shown})
        return
    if not rows:
        output.console().print("no override")
        return
    for row, may in shown:
        _print(workspace, row, desk.policy, (), may, next_step=row["state"] == "requested")
    if len(rows) > len(shown):
        output.console().print(f"the first {len(shown)} of {len(rows)}; more with --limit, all with --json")


def judge_limit(root: Path, customer: str, verdict: LimitVerdict, who: Who, reason: str, as_json: bool) -> None:
    """Record a verdict on the limit the newest assessment computed, and say what the next run makes of it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline import limit_verdicts
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "limit"):
        desk = _desk(workspace, register, who)
        row, _ = limit_verdicts.judge_limit(desk, desk.person(who.name, who.role), customer, verdict, reason)
    if as_json:
        output.print_json(row)
        return
    language: Language = workspace.settings.language

    def line(one: One) -> str:
        return _say(
            "limit_verdict", one, number=row["limit_decision_id"], customer=customer, day=row["decided_as_of"],
            amount=f"{row['amount']:,.2f} {row['currency']}", verdict=_say(verdict, one),
        )  # fmt: skip

    out = output.console()
    out.print(each(language, line), soft_wrap=True)
    said = f"{verdict}_by"

    def people(one: One) -> str:
        return _say(said, one, who=row["decided_by"], role=_role(row["decided_role"], desk.policy, one), day=row["verdict_on"])

    out.print(_labelled("people", each(language, people), language), soft_wrap=True)
    out.print(_labelled("next_step", _next_run(workspace, "next_run_uses_it", language), language), soft_wrap=True)


def _desk(workspace: Workspace, register: Any, who: Who) -> Desk:
    from risk_pipeline.pipeline.people import Desk

    return Desk.open(workspace, register, datetime.now(UTC), _day(who.on, "--on"))


def _asked(customer: str, change: Change) -> Asked:
    from risk_pipeline.pipeline.overrides import Asked

    given = [name for name in ("notch", "limit", "temporary_limit") if getattr(change, name) is not None]
    amount = _amount(change.limit or change.temporary_limit or "", given[0]) if given and given[0] != "notch" else None
    given += ["hold_release"] if change.release_hold else []
    if len(given) != 1:
        raise UsageError(
            "one thing at a time: the tier by notches, the limit, a limit for a time, or the hold",
            remedy="exactly one of --notch N, --limit AMOUNT, --temporary-limit AMOUNT, --release-hold",
        )
    return Asked(
        customer_id=customer,
        kind=given[0],  # type: ignore[arg-type]  # these names are the kinds
        reason_code=change.reason_code,
        reason=change.reason,
        notches=change.notch,
        amount=amount,
        currency=change.currency,
        start=_day(change.first, "--from"),
        until=_day(change.until, "--until"),
    )


def _amount(text: str, option: str) -> Decimal:
    if not AMOUNT.fullmatch(text.strip()):
        raise UsageError(f"--{option.replace('_', '-')} {text!r} is no amount", remedy="write it as 100000 or 100000.00")
    return Decimal(text.strip())


def _day(text: str | None, option: str) -> date | None:
    return one_date(text, option) if text else None


def _approvers(desk: Desk, row: dict[str, Any]) -> tuple[str, ...]:
    """Who may approve a request that waits; nobody is named while nothing is published about its customer."""
    from risk_pipeline.pipeline.overrides import approvers

    if row["state"] != "requested":
        return ()
    try:
        return approvers(row, desk.standing(row["customer_id"]), desk.policy)
    except RiskError:
        return ()


def _shown(row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    label = policy.notches.reason_codes.get(row["reason_code"])
    words = {"reason_en": label.en, "reason_zh": label.zh} if label else {"reason_en": None, "reason_zh": None}
    return {**{name: row.get(name) for name in SHOWN}, **words}


def _print(
    workspace: Workspace, row: dict[str, Any], policy: Policy, notes: Any, may: tuple[str, ...], *, next_step: bool = True
) -> None:
    """One override in a few lines: where it stands, what changes, why, who; then what to do next."""
    out, language = output.console(), workspace.settings.language
    state = word(STATE_WORDS.get(row["state"], row["state"]), language)
    label = policy.notches.reason_codes.get(row["reason_code"])

    def reason(one: One) -> str:
        known = getattr(label, one) if label else row["reason_code"]
        return because(known, row.get("reason_text"), one)

    lines = [
        ("change", each(language, lambda one: _changed(row, one))),
        ("reason", each(language, reason)),
        ("people", each(language, lambda one: _people(row, policy, one))),
        *(("note", note) for note in notes),
    ]
    if next_step:
        lines.append(("next_step", _next(workspace, row, policy, may, language)))
    out.print(f"{row['override_id']}  {row['customer_id']}  {state}", soft_wrap=True)
    for name, text in lines:
        out.print(_labelled(name, text, language), soft_wrap=True)


def _labelled(name: str, text: str, language: Language) -> str:
    """A label and its text; a second line of the text stands below the first."""
    first, *more = text.split("\n")
    return "\n".join([f"  {word(name, language)}{COLON[language]}{first}", *(f"    {line}" for line in more)])


def _changed(row: dict[str, Any], one: One) -> str:
    if row["override_kind"] == "notch":
        steps = row["notches"]
        what = _say("notch_by", one, steps=f"{steps:+d}", better=_say("better" if steps > 0 else "worse", one))
    elif row["override_kind"] == "hold_release":
        what = _say("hold_let_through", one)
    else:
        name = "limit_by_hand" if row["override_kind"] == "limit" else "limit_for_a_time"
        what = _say(name, one, amount=f"{row['amount']:,.2f} {row['currency']}")
    return _say("from_to", one, what=what, first=row["valid_from"], last=row["valid_to"])


def _people(row: dict[str, Any], policy: Policy, one: One) -> str:
    asked_as = _role(row["requested_role"], policy, one)
    who = [_say("asked_by", one, who=row["requested_by"], role=asked_as, day=row["requested_on"])]
    if row.get("decided_by"):
        said = f"{row['verdict']}_by"
        decided_as = _role(row["decided_role"], policy, one)
        who.append(_say(said, one, who=row["decided_by"], role=decided_as, day=row["verdict_on"]))
    return ("; " if one == "en" else "；").join(who)


def _role(name: str | None, policy: Policy, one: One) -> str:
    """A role as the policy calls it; one it does not have stands as it is."""
    if name not in policy.roles:
        return name or ""
    return policy.roles[name].en if one == "en" else policy.roles[name].zh


def _next(workspace: Workspace, row: dict[str, Any], policy: Policy, may: tuple[str, ...], language: Language) -> str:
    if row["state"] == "requested":
        command = f"risk-pipeline override approve {row['override_id']} --by NAME{where_option(workspace)}"

        def line(one: One) -> str:
            roles = [_role(name, policy, one) for name in may]
            return _say("who_may", one, roles=(", " if one == "en" else "、").join(roles), command=command)

        return each(language, line)
    if row["state"] in ("in_force", "ahead"):
        return _next_run(workspace, "next_run_uses_it", language)
    if row["state"] == "lapsed":
        return _next_run(workspace, "next_run_leaves_it", language)
    return each(language, lambda one: _say("nothing_changes", one))


def _next_run(workspace: Workspace, name: str, language: Language) -> str:
    command = f"risk-pipeline run --as-of DATE{where_option(workspace)}"
    return each(language, lambda one: _say(name, one, command=command))


def _say(name: str, one: One, **values: Any) -> str:
    return PHRASES[name][one == "zh"].format(**values)
