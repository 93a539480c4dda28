"""`limit list`: computed limits that wait for a person, who may approve them, and what was said since.

Put here: that list. Keep out: judging one (overrides.py here, pipeline.limit_verdicts).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_of, where_option
from risk_pipeline.cli.texts import One, each, say
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace

SCREEN_ROWS = 20
SHOWN = (
    "customer_id", "name", "limit_reporting", "effective_limit", "reporting_currency", "binding_method", "total_exposure",
    "approval_status", "required_authority", "verdict_since", "by_since", "on_since",
)  # fmt: skip


def list_limits(root: Path, role: str | None, limit: int | None, as_json: bool) -> None:
    """Print the limits that wait. `role`: only those it may approve."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.pipeline.limit_verdicts import waiting
    from risk_pipeline.pipeline.people import Desk

    workspace = Workspace.load(root)
    with open_register(workspace) as register:
        day, rows = waiting(workspace, register)
        policy = Desk.open(workspace, register, datetime.now(UTC)).policy
    one_of(role, "--role", (level.role for level in policy.authorities.levels))
    rows = [row for row in rows if role is None or role in _may(row, policy)]
    shown = rows[: limit or (None if as_json else SCREEN_ROWS)]
    if as_json:
        listed = [{name: row[name] for name in SHOWN} | {"may_approve": list(_may(row, policy))} for row in shown]
        output.print_json({"as_of": day, "limits": len(rows), "rows": listed})
        return
    out, language = output.console(), workspace.settings.language
    out.print(each(language, lambda one: say("limits_wait", one, n=len(rows), day=day)), soft_wrap=True)
    for row in shown:
        for line in _lines(row, policy, workspace):
            out.print("\n".join(f"  {text}" for text in line.split("\n")), soft_wrap=True)
    if len(rows) > len(shown):
        out.print(f"the first {len(shown)} of {len(rows)}; more with --limit, all with --json")


def _may(row: dict[str, Any], policy: Policy) -> tuple[str, ...]:
    return policy.authorities.at_least((row["required_authority"],)) if row["required_authority"] else ()


def _lines(row: dict[str, Any], policy: Policy, workspace: Workspace) -> list[str]:
    """One limit: whose and how much; who may approve it, or what was said since."""
    language = workspace.settings.language
    amounts = {name: f"{row[name]:,.0f} {row['reporting_currency']}" for name in ("limit_reporting", "effective_limit")}

    def what(one: One) -> str:
        name = "limit_waits" if row["approval_status"] == "pending" else "limit_was_rejected"
        return say(name, one, customer=f"{row['customer_id']} {row['name'] or ''}".rstrip(), **amounts)

    def who(one: One) -> str:
        if row["verdict_since"]:
            said = say(row["verdict_since"], one)
            return say("limit_said_since", one, who=row["by_since"], day=row["on_since"], verdict=said)
        roles = [getattr(policy.roles[name], one) if name in policy.roles else name for name in _may(row, policy)]
        command = f"risk-pipeline limit approve {row['customer_id']} --by NAME --reason TEXT{where_option(workspace)}"
        return say("who_may", one, roles=(", " if one == "en" else "、").join(roles), command=command)

    return [each(language, what), each(language, who)]
