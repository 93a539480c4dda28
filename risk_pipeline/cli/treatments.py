"""`treatment list|done|waive`: what is to be done about customers, and what people did.

Put here: reading what was typed, their order of work and what they print. Keep out: what asks for a treatment
(decision.treatments), who may do what about one (pipeline.treatments).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from risk_pipeline.cli import output
from risk_pipeline.cli.alerts import Said
from risk_pipeline.cli.arguments import one_date, one_of, where_option
from risk_pipeline.cli.texts import TREATMENT_PHRASES, Language, One, because, each, listed
from risk_pipeline.contracts.decision import SEVERITIES, TREATMENT_STATES
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace

if TYPE_CHECKING:
    from risk_pipeline.pipeline.treatments import Verdict

SCREEN_ROWS = 20
SHOWN = (
    "treatment_id", "customer_id", "name", "action", "action_en", "action_zh", "state", "priority", "rule", "reason_en",
    "reason_zh", "rules", "rules_since", "owner_role", "first_seen", "due_date", "acted_by", "acted_on", "reason_text",
    "total_exposure", "said_since",
)  # fmt: skip


def list_treatments(
    root: Path, state: str | None, customer: str | None, owner: str | None, as_of: str | None, limit: int | None, as_json: bool
) -> None:
    """Print the treatments of an assessment, the gravest and longest due first. `state` None = what is open."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.pipeline.treatments import OPEN, treatments

    one_of(state, "--state", TREATMENT_STATES)
    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        asked = one_date(as_of, "--as-of") if as_of else None
        day, rows = treatments(workspace, register, as_of=asked, states=(state or OPEN,), customer=customer, owner=owner)
        desk = Desk.open(workspace, register, datetime.now(UTC), asked)
        policy = desk.policy
        one_of(owner, "--owner", policy.roles)
        if not rows:
            desk.check_customer(customer)
    at_most = limit or (None if as_json else SCREEN_ROWS)
    if as_json:
        output.print_json({"as_of": day, "treatments": len(rows), "rows": [_row(row, policy) for row in rows[:at_most]]})
        return
    out, language = output.console(), workspace.settings.language
    out.print(each(language, lambda one: _say("head", one, n=len(rows), day=day)), soft_wrap=True)
    for row in rows[:at_most]:
        _print(row, policy, language)
    if at_most is not None and len(rows) > at_most:
        out.print(f"the first {at_most} of {len(rows)}; more with --limit, all with --json")


def act_on_treatment(root: Path, treatment_id: str, verdict: Verdict, said: Said, as_json: bool) -> None:
    """Record that a treatment was done or is waived, and say from when it counts."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.people import Desk
    from risk_pipeline.pipeline.treatments import act
    from risk_pipeline.store.lock import workspace_lock

    workspace = Workspace.load(root)
    with open_register(workspace) as register, workspace_lock(workspace.lock_file, "treatment"):
        desk = Desk.open(workspace, register, datetime.now(UTC), one_date(said.on, "--on") if said.on else None)
        row = act(desk, said.by, said.role, treatment_id, verdict, said.reason)
    if as_json:
        output.print_json(_row(row, desk.policy))
        return
    _print(row, desk.policy, workspace.settings.language)
    command = f"risk-pipeline run --as-of DATE{where_option(workspace)}"
    told = each(workspace.settings.language, lambda one: _say("next", one, command=command))
    output.console().print(indent(told, "  "), soft_wrap=True)


def _row(row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    from risk_pipeline.pipeline.alerts import may_act

    return {**{name: row[name] for name in SHOWN}, "may_act": list(may_act(row, policy))}


def _print(row: dict[str, Any], policy: Policy, language: Language) -> None:
    """One treatment in a few lines: which and how urgent; what to do and why; who, until when; what was said."""
    out = output.console()
    priority = SEVERITIES[-row["priority"]]  # 1 critical .. 4 low
    urgent = each(language, lambda one: listed([_say(priority, one), _say(row["state"], one)], one))
    who = f"{row['customer_id']} {row['name'] or ''}".rstrip()
    out.print(f"{row['treatment_id']}  {who}  {urgent}".replace("\n", " "), soft_wrap=True)

    def what(one: One) -> str:
        return _say("todo", one, what=row[f"action_{one}"], why=row[f"reason_{one}"], rules=row["rules"])

    def duty(one: One) -> str:
        role = getattr(policy.roles[row["owner_role"]], one) if row["owner_role"] in policy.roles else row["owner_role"]
        return _say("duty", one, role=role, first=row["first_seen"], due=row["due_date"])

    def done(one: One) -> str:
        said = _say("said", one, state=_say(row["state"], one), who=row["acted_by"], day=row["acted_on"])
        return because(said, row["reason_text"], one)

    for line in (what, duty, *([done] if row["acted_by"] else [])):
        out.print(indent(each(language, line), "  "), soft_wrap=True)


def _say(phrase: str, one: One, **values: Any) -> str:
    return TREATMENT_PHRASES[phrase][one == "zh"].format(**values)
