"""What a credit manager reads after a run: who is how risky, who moved, whom to stop, and what to type next.

Put here: that page. Keep out: its forms (output) and any figure that is not in the published tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from shlex import quote
from typing import Any

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.cli.portfolio import found_breaches, print_breaches
from risk_pipeline.cli.reader import BY_TIER, TIER_ORDER, ask
from risk_pipeline.cli.texts import COLON, both, code, headers, say, word
from risk_pipeline.pipeline.explain import hold_texts
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy
from risk_pipeline.settings import Workspace

MOVERS = 8
HOLDS = 5

MOVED = f"""
SELECT t.customer_id, c.name, t.previous_tier, t.tier, t.direction, t.binding_rule, e.total_exposure,
       s.score, b.score AS score_before
FROM decision.risk_tier t
JOIN factor.exposure e USING (as_of, customer_id)
JOIN factor.customer_state c USING (as_of, customer_id)
LEFT JOIN score.risk_score s USING (as_of, customer_id)
LEFT JOIN score.risk_score b ON b.customer_id = t.customer_id
     AND b.as_of = (SELECT MAX(as_of) FROM score.risk_score WHERE as_of < ?)
WHERE t.as_of = ? AND t.direction IN ('up', 'down')
ORDER BY t.direction, {TIER_ORDER} DESC, e.total_exposure DESC, t.customer_id"""

NEW_HOLDS = """
SELECT l.customer_id, c.name, l.hold_reasons, l.total_exposure, e.overdue, e.max_days_past_due
FROM decision.credit_limit l
JOIN factor.exposure e USING (as_of, customer_id)
JOIN factor.customer_state c USING (as_of, customer_id)
LEFT JOIN decision.credit_limit p ON p.customer_id = l.customer_id
     AND p.as_of = (SELECT MAX(as_of) FROM decision.credit_limit WHERE as_of < ?)
WHERE l.as_of = ? AND l.hold AND NOT COALESCE(p.hold, FALSE)
ORDER BY l.total_exposure DESC, l.customer_id"""

POLICY = """
SELECT manifest ->> '$.policy' FROM audit.run
WHERE run_id = (SELECT MIN(run_id) FROM decision.risk_tier WHERE as_of = ?)"""


def print_summary(workspace: Workspace, days: Sequence[date]) -> None:
    """The page for the newest of `days`, all of which are published."""
    page = _Page(workspace, max(days))
    page.print_tiers()
    page.print_moved()
    first = page.print_holds()
    page.print_portfolio()
    page.print_next(first)


class _Page:
    """The page of one date."""

    def __init__(self, workspace: Workspace, day: date) -> None:
        self._out = output.console()
        self._workspace = workspace
        self._day = day
        self._language = workspace.settings.language
        self._policy = Policy.model_validate_json(ask(workspace, POLICY, [day]).rows[0][0])

    def print_tiers(self) -> None:
        """Customers, exposure, overdue, limits and holds by tier. Intercompany stands below the total, outside of it."""
        labels = self._labels()
        rows = self._ask(BY_TIER, [self._day])
        rated = [row for row in rows if row[0] != NOT_RATED]
        listed = [(labels[tier], *figures) for tier, *figures in rated]
        listed.append((word("total", self._language), *(sum(row[column] or 0 for row in rated) for column in range(1, 6))))
        listed += [(labels[tier], *figures) for tier, *figures in rows if tier == NOT_RATED]
        shown = [(label, n, *(output.amount(each) for each in amounts), holds) for label, n, *amounts, holds in listed]
        self._heading("by_tier", f" · {self._day} · {self._workspace.settings.reporting_currency}")
        self._table("tier customers exposure overdue limits holds", shown, numeric=range(1, 6), fold=[0])

    def print_moved(self) -> None:
        """Customers whose tier changed, the falls first."""
        rows = self._ask(MOVED, [self._day, self._day])
        if not rows:
            return
        down = sum(row[4] == "down" for row in rows)
        arrows = {"down": "↓", "up": "↑"}
        labels = self._labels()
        shown = [
            (
                customer,
                name,
                f"{labels[before]} {arrows[direction]} {labels[tier]}",
                self._score(*scores) if rule == "score" else self._rule(rule),
                output.amount(exposure),
            )
            for customer, name, before, tier, direction, rule, exposure, *scores in rows[:MOVERS]
        ]
        self._heading("moved", f"{COLON[self._language]}{down} ↓  {len(rows) - down} ↑")
        self._table("customer name move why exposure", shown, numeric=[4], fold=[1, 2, 3])
        self._more(len(rows) - MOVERS)

    def print_holds(self) -> str | None:
        """Customers held now and not at the date before; returns the one a reader will want to look at first."""
        rows = self._ask(NEW_HOLDS, [self._day, self._day])
        if not rows:
            return None
        shown = [
            (customer, name, self._first_reason(ids), output.amount(overdue), days, output.amount(exposure))
            for customer, name, ids, exposure, overdue, days in rows[:HOLDS]
        ]
        self._heading("new_holds", f"{COLON[self._language]}{len(rows)}")
        self._table("customer name why overdue days exposure", shown, numeric=[3, 4, 5], fold=[1, 2])
        self._more(len(rows) - HOLDS)
        return str(rows[0][0])

    def print_portfolio(self) -> None:
        """What is beyond the caps of the portfolio."""
        print_breaches(self._out, self._workspace, found_breaches(self._workspace, self._day), self._policy)

    def print_next(self, customer: str | None) -> None:
        """Commands to type next, ready to copy."""
        workspace, where = self._workspace, where_option(self._workspace)
        who = customer or self._ask("SELECT customer_id FROM mart.current_risk ORDER BY total_exposure DESC LIMIT 1")[0][0]
        self._heading("next")
        for line in (
            f"risk-pipeline explain {who}{where}",
            f"risk-pipeline show mart.worklist{where}",
            f"DAGSTER_HOME={quote(str(workspace.dagster_home))} RISK_WORKSPACE={quote(str(workspace.root))}"
            " dagster dev -m risk_pipeline.definitions",
            *say("sql_client", self._language, path=workspace.catalogue).splitlines(),
        ):
            self._out.print(f"  {line}", soft_wrap=True)

    def _ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return ask(self._workspace, sql, parameters).rows

    def _labels(self) -> dict[str, str]:
        listed = [*((tier.id, tier.label) for tier in self._policy.tiers), (UNRATED, self._policy.unrated.label)]
        listed.append((NOT_RATED, self._policy.not_rated.label))
        return {tier: both(label.en, label.zh, self._language) for tier, label in listed}

    def _heading(self, name: str, rest: str = "") -> None:
        output.heading(self._out, f"{word(name, self._language)}{rest}")

    def _table(self, names: str, rows: Sequence[Sequence[Any]], numeric: Iterable[int], fold: Iterable[int]) -> None:
        self._out.print(output.table(headers(names, self._language), rows, numeric, fold))

    def _more(self, rest: int) -> None:
        if rest > 0:
            self._out.print(say("more", self._language, n=rest))

    def _rule(self, rule: str) -> str:
        """The rule that decided a tier, in words: a knock-out by its reason."""
        reasons = {each.id: each.reason for each in self._policy.knockouts}
        reasons |= {each.id: each.reason for each in self._policy.outside_scorecard}
        return both(reasons[rule].en, reasons[rule].zh, self._language) if rule in reasons else code(rule, self._language)

    def _score(self, score: float, before: float | None) -> str:
        """The score that decided, after the one of the date before where there was one."""
        moved = f"{score:.2f}" if before is None else f"{before:.2f} → {score:.2f}"
        return f"{word('score', self._language)} {moved}"

    def _first_reason(self, ids: str) -> str:
        """The first reason of a hold in words, and how many more there are."""
        first, *rest = hold_texts(self._policy, ids)
        return f"{both(first['en'], first['zh'], self._language)}{f' (+{len(rest)})' if rest else ''}"
