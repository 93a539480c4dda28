"""What a credit manager reads after a run: who is how risky, who moved, whom to stop, and what to type next.

Put here: that page. Keep out: its forms (output) and any figure that is not in the published tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.reader import BY_TIER, TIER_ORDER, Rows, ask
from risk_pipeline.cli.texts import Language, both, headers, word
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline.explain import hold_texts
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace

MOVERS = 8
HOLDS = 5

MOVED = f"""
SELECT t.customer_id, c.name, t.previous_tier, t.tier, t.direction, t.binding_rule, e.total_exposure
FROM decision.risk_tier t
JOIN factor.exposure e USING (as_of, customer_id)
JOIN factor.customer_state c USING (as_of, customer_id)
WHERE t.as_of = ? AND t.direction IN ('up', 'down')
ORDER BY t.direction, {TIER_ORDER} DESC, e.total_exposure DESC, t.customer_id"""

NEW_HOLDS = """
SELECT l.customer_id, c.name, l.hold_reasons, l.total_exposure, e.overdue, e.max_days_past_due
FROM decision.credit_limit l
JOIN factor.exposure e USING (as_of, customer_id)
JOIN factor.customer_state c USING (as_of, customer_id)
LEFT JOIN decision.credit_limit p ON p.customer_id = l.customer_id AND p.as_of = ?
WHERE l.as_of = ? AND l.hold AND NOT COALESCE(p.hold, FALSE)
ORDER BY l.total_exposure DESC, l.customer_id"""

POLICY = "SELECT DISTINCT policy_version FROM score.risk_score WHERE as_of = ?"
LABELS = "SELECT DISTINCT tier, tier_label_en, tier_label_zh FROM mart.current_risk"


def print_summary(workspace: Workspace, days: Sequence[date]) -> None:
    """The page for the newest of `days`, all of which are published."""
    day = max(days)
    out = output.console()
    language = workspace.settings.language
    labels = {tier: both(en, zh, language) for tier, en, zh in ask(workspace, LABELS).rows}
    _print_tiers(out, workspace, day, labels)
    _print_moved(out, workspace, day)
    worst = _print_holds(out, workspace, day)
    _print_next(out, workspace, worst)


def _print_tiers(out: Console, workspace: Workspace, day: date, labels: dict[str, str]) -> None:
    language = workspace.settings.language
    rows = ask(workspace, BY_TIER, [day]).rows
    shown: list[tuple[Any, ...]] = [
        (labels.get(tier, tier), n, output.amount(exposure), output.amount(overdue), output.amount(limits), holds)
        for tier, n, exposure, overdue, limits, holds in rows
    ]
    sums = [sum(row[column] or 0 for row in rows) for column in range(1, 6)]
    shown.append((word("total", language), sums[0], *(output.amount(each) for each in sums[1:4]), sums[4]))
    output.heading(out, f"{word('by_tier', language)} · {day} · {workspace.settings.reporting_currency}")
    out.print(output.table(headers("tier customers exposure overdue limits holds", language), shown, numeric=range(1, 6)))


def _print_moved(out: Console, workspace: Workspace, day: date) -> None:
    language = workspace.settings.language
    rows = ask(workspace, MOVED, [day]).rows
    if not rows:
        return
    down = sum(row[4] == "down" for row in rows)
    output.heading(out, f"{word('moved', language)}: {down} ↓  {len(rows) - down} ↑")
    shown = [
        (
            customer,
            name,
            f"{before} {'↓' if direction == 'down' else '↑'} {tier}",
            rule.replace("_", " "),
            output.amount(exposure),
        )
        for customer, name, before, tier, direction, rule, exposure in rows[:MOVERS]
    ]
    out.print(output.table(headers("customer name move why exposure", language), shown, numeric=[4], fold=[1, 3]))
    _print_more(out, len(rows) - MOVERS)


def _print_holds(out: Console, workspace: Workspace, day: date) -> str | None:
    """Prints the new holds; returns the customer a reader will want to look at first."""
    language = workspace.settings.language
    rows = ask(workspace, NEW_HOLDS, [_previous(workspace, day), day]).rows
    if not rows:
        return None
    output.heading(out, f"{word('new_holds', language)}: {len(rows)}")
    policy = load_policy(workspace.policy_dir, load_catalogue(), version=ask(workspace, POLICY, [day]).rows[0][0], as_of=day)
    shown = [
        (customer, name, _first_reason(policy, ids, language), output.amount(overdue), days, output.amount(exposure))
        for customer, name, ids, exposure, overdue, days in rows[:HOLDS]
    ]
    headers = [
        word("customer", language),
        "",
        word("why", language),
        *(word(n, language) for n in ("overdue", "days", "exposure")),
    ]
    out.print(output.table(headers, shown, numeric=[3, 4, 5]))
    _print_more(out, len(rows) - HOLDS)
    return str(rows[0][0])


def _first_reason(policy: Policy, ids: str, language: Language) -> str:
    """The first reason in words, and how many more there are."""
    reasons = hold_texts(policy, ids)
    more = f" (+{len(reasons) - 1})" if len(reasons) > 1 else ""
    return f"{both(reasons[0]['en'], reasons[0]['zh'], language)}{more}" if reasons else ""


def _previous(workspace: Workspace, day: date) -> date | None:
    found: Rows = ask(workspace, "SELECT MAX(as_of) FROM decision.risk_tier WHERE as_of < ?", [day])
    return found.rows[0][0]


def _print_more(out: Console, rest: int) -> None:
    if rest > 0:
        out.print(f"and {rest} more")


def _print_next(out: Console, workspace: Workspace, customer: str | None) -> None:
    where = "" if workspace.root == workspace.root.cwd() else f" -w {_shown(workspace)}"
    who = customer or ask(workspace, "SELECT customer_id FROM mart.current_risk ORDER BY total_exposure DESC LIMIT 1").rows[0][0]
    output.heading(out, word("next", workspace.settings.language))
    out.print(f"  risk-pipeline explain {who}{where}")
    out.print(f"  risk-pipeline show mart.current_risk{where}")
    out.print(f"  DAGSTER_HOME={workspace.dagster_home} RISK_WORKSPACE={workspace.root} \\", soft_wrap=True)
    out.print("    dagster dev -m risk_pipeline.definitions")
    out.print(f"  any SQL client, read-only: {workspace.catalogue}", soft_wrap=True)


def _shown(workspace: Workspace) -> str:
    here = workspace.root.cwd()
    return str(workspace.root.relative_to(here)) if workspace.root.is_relative_to(here) else str(workspace.root)
