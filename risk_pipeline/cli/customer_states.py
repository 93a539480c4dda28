"""`customer-state propose|approve|reject|withdraw|list`: proposals to suspend, end or take back a customer, recorded and shown.

Put here: their order of work and what they print. Keep out: what may be proposed and who may judge (pipeline.customer_states).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date, where_option
from risk_pipeline.cli.overrides import Who
from risk_pipeline.cli.texts import PHRASES, Language, One, each, word
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.customer_states import Verdict

SCREEN_ROWS = 20
SHOWN = (
    "state_decision_id", "customer_id", "proposed_state", "reason_text", "requested_by", "requested_role", "requested_on",
    "verdict", "decided_by", "decided_role", "verdict_on",
)  # fmt: skip


def propose_state(root: Path, customer: str, state: str, who: Who, reason: str, as_json: bool) -> None:
    """Record a proposal and say who may approve it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.customer_states import approvers, propose
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "customer-state"):
        desk = Desk.open(workspace, register, datetime.now(UTC), _day(who.on))
        row, _, edge = propose(desk, desk.person(who.name, who.role), customer, state, reason)
        may = approvers(desk.policy, edge)
        if as_json:
            output.print_json({**_shown(row), "approvers": list(may)})
            return
        _print(workspace, row, desk.policy, may)


def judge_state(root: Path, number: str, verdict: Verdict, who: Who, reason: str, as_json: bool) -> None:
    """Record a verdict on a proposal; the next run takes it."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.customer_states import judge
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "customer-state"):
        desk = Desk.open(workspace, register, datetime.now(UTC), _day(who.on))
        row = judge(desk, desk.person(who.name, who.role), number, verdict, reason)
        if as_json:
            output.print_json(_shown(row))
            return
        _print(workspace, row, desk.policy, ())


def list_states(root: Path, customer: str | None, limit: int | None, as_json: bool) -> None:
    """Print proposals, those that wait first, then the newest."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.customer_states import proposals
    from risk_pipeline.pipeline.people import Desk

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        rows = proposals(workspace, register, customer=customer)
        desk = Desk.open(workspace, register, datetime.now(UTC))
        policy = desk.policy
        if not rows:
            desk.check_customer(customer)
    shown = rows[: limit or (None if as_json else SCREEN_ROWS)]
    if as_json:
        output.print_json({"proposals": len(rows), "rows": [_shown(row) for row in shown]})
        return
    if not rows:
        output.console().print("no proposal")
    for row in shown:
        _print(workspace, row, policy, ())
    if len(rows) > len(shown):
        output.console().print(f"the first {len(shown)} of {len(rows)}; more with --limit, all with --json")


def _day(text: str | None) -> date | None:
    return one_date(text, "--on") if text else None


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in SHOWN}


def _print(workspace: Workspace, row: dict[str, Any], policy: Policy, may: tuple[str, ...]) -> None:
    """One proposal in a few lines: which state, why, who, and what to do next."""
    out, language = output.console(), workspace.settings.language
    labels = dict(policy.exit.by_status)
    state = row["proposed_state"]
    out.print(f"{row['state_decision_id']}  {row['customer_id']}", soft_wrap=True)
    lines = [
        ("change", each(language, lambda one: getattr(labels[state].label, one) if state in labels else state)),
        ("reason", row.get("reason_text") or ""),
        ("people", each(language, lambda one: _people(row, policy, one))),
        ("next_step", _next(workspace, row, policy, may, language)),
    ]
    for name, text in lines:
        first, *more = text.split("\n")
        out.print("\n".join([f"  {word(name, language)}: {first}", *(f"    {line}" for line in more)]), soft_wrap=True)


def _people(row: dict[str, Any], policy: Policy, one: One) -> str:
    def said(name: str, who: str, day: str) -> str:
        role = row.get(f"{who}_role")
        label = getattr(policy.roles[role], one) if role in policy.roles else role or ""
        return PHRASES[name][one == "zh"].format(who=row[f"{who}_by"], role=label, day=row[day])

    told = [said("asked_by", "requested", "requested_on")]
    if row.get("decided_by"):
        told.append(said(f"{row['verdict']}_by", "decided", "verdict_on"))
    return ("; " if one == "en" else "；").join(told)


def _next(workspace: Workspace, row: dict[str, Any], policy: Policy, may: tuple[str, ...], language: Language) -> str:
    where, verdict = where_option(workspace), row.get("verdict") or "requested"

    def line(one: One) -> str:
        if verdict == "withdrawn":
            return PHRASES["nothing_changes"][one == "zh"]
        if verdict != "requested":
            return PHRASES["next_run_uses_it"][one == "zh"].format(command=f"risk-pipeline run --as-of DATE{where}")
        command = f"risk-pipeline customer-state approve {row['state_decision_id']} --by NAME{where}"
        if not may:
            return command
        roles = [getattr(policy.roles[name], one) for name in may if name in policy.roles]
        return PHRASES["who_may"][one == "zh"].format(roles=(", " if one == "en" else "、").join(roles), command=command)

    return each(language, line)
