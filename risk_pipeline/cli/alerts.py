"""`alerts list|ack|snooze|close`: early warnings, what to do about them, and what people did.

Put here: reading what was typed, their order of work and what they print. Keep out: what raises an alert (decision.alerts), who
may do what about one (pipeline.alerts).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date, one_of, where_option
from risk_pipeline.cli.figures import noticed
from risk_pipeline.cli.texts import ALERT_PHRASES, Language, One, because, each, listed
from risk_pipeline.contracts.decision import ALERT_STATES, SEVERITIES
from risk_pipeline.policy.model import Label, Policy
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.alerts import Act

SCREEN_ROWS = 20
SHOWN = (
    "alert_id", "customer_id", "name", "rule", "alert_object", "indicator", "severity", "state", "signal_en", "signal_zh",
    "value_text", "threshold_text", "measures", "first_seen", "last_seen", "owner_role", "due_date", "escalated_to", "playbook",
    "acted_by", "acted_on", "until", "reason_text", "total_exposure", "said_since",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What to list; None = all of it. `state` None = those not closed."""

    state: str | None = None
    severity: str | None = None
    customer: str | None = None
    rule: str | None = None
    as_of: str | None = None
    limit: int | None = None


@dataclass(frozen=True)
class Said:
    """What somebody does about an alert: who, in which role (None = the one that may), why, and on which day (None = today)."""

    by: str
    role: str | None
    reason: str
    on: str | None


def list_alerts(root: Path, wanted: Wanted, as_json: bool) -> None:
    """Print the alerts of an assessment, the gravest and longest due first; above them what the portfolio should keep and does
    not, unless only some alerts are asked for.
    """
    from risk_pipeline.cli.portfolio import print_breaches
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.alerts import alerts
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.pipeline.portfolio import breaches
    from risk_pipeline.store.lake import Lake

    one_of(wanted.state, "--state", ALERT_STATES)
    one_of(wanted.severity, "--severity", SEVERITIES)
    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        as_of, rows = alerts(
            workspace,
            register,
            as_of=_day(wanted.as_of, "--as-of"),
            states=(wanted.state,) if wanted.state else (),
            severity=wanted.severity,
            customer=wanted.customer,
            rule=wanted.rule,
        )
        desk = Desk.open(workspace, register, datetime.now(UTC), as_of)
        policy = desk.policy
        one_of(wanted.rule, "--rule", (rule.id for rule in policy.alerts))
        if not rows:
            desk.check_customer(wanted.customer)
        narrowed = wanted.state or wanted.severity or wanted.customer or wanted.rule
        beyond = [] if narrowed else breaches(Lake(workspace.lake), register, as_of)
    at_most = wanted.limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        shown = [_row(row, policy) for row in rows[:at_most]]
        portfolio = [asdict(breach) | {"owner_role": policy.portfolio.owner} for breach in beyond]
        output.print_json({"as_of": as_of, "alerts": len(rows), "portfolio": portfolio, "rows": shown})
        return
    out, language = output.console(), workspace.settings.language
    print_breaches(out, workspace, beyond, policy)
    out.print(each(language, lambda one: _say("head", one, n=len(rows), day=as_of)), soft_wrap=True)
    for row in rows[:at_most]:
        _print(row, policy, language)
    if at_most is not None and len(rows) > at_most:
        out.print(f"the first {at_most} of {len(rows)}; more with --limit, all with --json")


def act_on_alert(root: Path, alert_id: str, action: Act, said: Said, until: str | None, as_json: bool) -> None:
    """Record what somebody does about an alert and say what the next run makes of it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.alerts import act
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "alert"):
        desk = Desk.open(workspace, register, datetime.now(UTC), _day(said.on, "--on"))
        row = act(desk, said.by, said.role, alert_id, action, said.reason, _day(until, "--until"))
    if as_json:
        output.print_json(_row(row, desk.policy))
        return
    out, language = output.console(), workspace.settings.language
    _print(row, desk.policy, language, with_playbook=False)
    command = f"risk-pipeline run --as-of DATE{where_option(workspace)}"
    out.print(indent(each(language, lambda one: _say("next", one, command=command)), "  "), soft_wrap=True)


def _row(row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    from risk_pipeline.pipeline.alerts import may_act, steps

    book = [
        {
            "what": _what(step.what, policy, "en"),
            "what_zh": _what(step.what, policy, "zh"),
            "owner": step.owner,
            "hours": step.hours,
            "due": step.due,
        }
        for step in steps(policy, row["playbook"], row["first_seen"])
    ]
    return {**{name: row[name] for name in SHOWN}, "may_act": list(may_act(row, policy)), "playbook_steps": book}


def _print(row: dict[str, Any], policy: Policy, language: Language, *, with_playbook: bool = True) -> None:
    """One alert in a few lines: which and how grave; what was noticed; what to do, who, until when; what was said; playbook."""
    out = output.console()
    who = f"{row['customer_id']} {row['name'] or ''}".rstrip()
    grave = each(language, lambda one: listed([_say(row["severity"], one), _say(row["state"], one)], one))
    out.print(f"{row['alert_id']}  {who}  {grave}".replace("\n", " "), soft_wrap=True)

    def duty(one: One) -> str:
        up = _say("escalated", one, role=_role(row["escalated_to"], policy, one)) if row["escalated_to"] else ""
        seen = {"first": row["first_seen"], "due": row["due_date"]}
        return _say("duty", one, role=_role(row["owner_role"], policy, one), **seen) + up

    def acts(one: One) -> str:
        return _say(
            "todo",
            one,
            what=(", " if one == "en" else "、").join(_what(name, policy, one) for name in row["measures"].split(",")),
        )

    tier = policy.tier_labels.get(row["value_text"] or "") if row["indicator"] == "tier" else None
    labelled = {**row, "value_label": tier.model_dump() if tier else None}
    lines = [lambda one: noticed(labelled, one), acts, duty]
    if row["acted_by"]:
        lines.append(lambda one: _done(row, one))
    for line in lines:
        out.print(indent(each(language, line), "  "), soft_wrap=True)
    if with_playbook and row["state"] != "closed":
        _print_playbook(row, policy, language)


def _print_playbook(row: dict[str, Any], policy: Policy, language: Language) -> None:
    """The steps of the playbook that the alert begins, each with who and until when; nothing when it begins none."""
    from risk_pipeline.pipeline.alerts import steps

    out, book = output.console(), policy.playbooks.get(row["playbook"] or "")
    if book is None:
        return
    label, lead = book.label, book.lead
    title = each(language, lambda one: _say("playbook", one, name=getattr(label, one), role=_role(lead, policy, one)))
    out.print(indent(title, "  "), soft_wrap=True)
    for number, step in enumerate(steps(policy, row["playbook"], row["first_seen"]), start=1):

        def told(one: One, number: int = number, step: Any = step) -> str:
            about = {
                "what": _what(step.what, policy, one),
                "role": _role(step.owner, policy, one),
                "hours": step.hours,
                "due": step.due,
            }
            return _say("step", one, number=number, **about)

        out.print(indent(each(language, told), "    "), soft_wrap=True)


def _done(row: dict[str, Any], one: One) -> str:
    until = _say("until", one, day=row["until"]) if row["until"] and row["state"] == "snoozed" else ""
    done = _say("done", one, state=_say(row["state"], one), who=row["acted_by"], day=row["acted_on"], until=until)
    return because(done, row["reason_text"], one)


def _what(what: str | Label, policy: Policy, one: One) -> str:
    """An action of the policy, or words, as people read it."""
    label = policy.actions.get(what) if isinstance(what, str) else what
    return getattr(label, one) if label else str(what)


def _role(name: str | None, policy: Policy, one: One) -> str:
    return getattr(policy.roles[name], one) if name in policy.roles else name or ""


def _say(phrase: str, one: One, **values: Any) -> str:
    return ALERT_PHRASES[phrase][one == "zh"].format(**values)


def _day(text: str | None, option: str) -> date | None:
    return one_date(text, option) if text else None
