"""What the portfolio should keep and does not, on the screen: after a run and above the list of alerts.

Put here: those lines. Keep out: finding the breaches (pipeline.portfolio), and the pages they stand on.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.cli.texts import One, each, say, word
from risk_pipeline.pipeline.portfolio import Breach, breaches
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace


def found_breaches(workspace: Workspace, day: date) -> list[Breach]:
    """The breaches of the portfolio published of a day."""
    from risk_pipeline.orchestration.workspaces import open_register
    from risk_pipeline.store.lake import Lake

    with open_register(workspace) as register:
        return breaches(Lake(workspace.lake), register, day)


def print_breaches(out: Console, workspace: Workspace, found: list[Breach], policy: Policy) -> None:
    """A heading, a line for each breach, and who decides; nothing where there is none."""
    if not found:
        return
    language = workspace.settings.language
    output.heading(out, f"{word('portfolio', language)}{'：' if language == 'zh' else ': '}{len(found)}")
    lines = [each(language, lambda one, breach=breach: _line(breach, one)) for breach in found]  # type: ignore[misc]
    lines.append(each(language, lambda one: _owner(workspace, policy, one)))
    for line in lines:
        out.print("\n".join(f"  {text}" for text in line.split("\n")), soft_wrap=True)


def _line(breach: Breach, one: One) -> str:
    def shown(value: float | Decimal) -> str:
        return output.amount(value) if breach.kind == "expected_loss" else f"{100 * value:.1f} %"

    what = breach.member_en if one == "en" else breach.member_zh
    return say(f"over_{breach.kind}", one, what=what, value=shown(breach.value), cap=shown(breach.cap), currency=breach.currency)


def _owner(workspace: Workspace, policy: Policy, one: One) -> str:
    name = policy.portfolio.owner
    role = getattr(policy.roles[name], one) if name in policy.roles else {"en": "people", "zh": "相关人员"}[one]
    return say("portfolio_owner", one, role=role, command=f"risk-pipeline show mart.portfolio{where_option(workspace)}")
