"""Progress of a run on standard error: one moving line while it works, one line that stays when it is done.

Put here: names of the steps for people, and the bar. Keep out: launching (running) and Dagster.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

SAYS = {
    "ingest": "reading what the feeds deliver",
    "audit__run": "freezing date, knowledge and policy",
    "factor__customer_state": "who the customers were",
    "factor__newest_event": "what happened of late",
    "factor__group_state": "groups and concentration",
    "factor__people_decision": "what people decided",
    "factor__financial_condition": "financial statements",
    "factor__due_diligence": "searches and findings",
    "factor__credit_record": "bureau reports and references",
    "factor__industry_region": "industry, country, size",
    "factor__market_environment": "markets and currencies",
    "factor__contract_collateral": "contracts and collateral",
    "factor__collateral_item": "what securities are worth",
    "factor__collateral": "security per customer",
    "factor__behaviour": "orders, contacts, changes",
    "factor__open_item": "open items",
    "factor__exposure": "exposure and aging",
    "factor__exposure_by_currency": "positions by company and currency",
    "factor__transaction_history": "payment behaviour",
    "factor_gates": "checking the facts",
    "decide": "scores, tiers and limits",
    "decide_gates": "checking the decisions",
    "audit__snapshot": "publishing",
}


class StepProgress:
    """Shows how far one run is. Use as a context manager and hand `on_step` to the launcher."""

    def __init__(self, title: str, n_steps: int) -> None:
        self._console = Console(stderr=True, markup=False, highlight=False)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[title]}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.description}", markup=False),
            console=self._console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=n_steps, title=title)
        self._title = title
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        how = "published" if exc is None else "not published"
        self._console.print(f"{self._title}  {how}  ({time.perf_counter() - self._began:.1f} s)")

    def on_step(self, step: str, what: str) -> None:
        """A step started, or ended."""
        if what == "start":
            self._bar.update(self._task, description=SAYS.get(step, step))
        else:
            self._bar.advance(self._task)
