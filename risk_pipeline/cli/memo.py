"""`explain`: everything published about one customer, laid out as a credit memo.

Put here: layout and language. Keep out: gathering (pipeline.explain) and the words of policy and catalogue, which come with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date
from risk_pipeline.cli.reader import readable
from risk_pipeline.cli.texts import Language, both, headers, word
from risk_pipeline.pipeline.explain import Explanation, Row, explain
from risk_pipeline.settings import Workspace

FACTORS = 5
ITEMS = 10


def show_memo(root: Path, customer: str, as_of: str | None, as_json: bool) -> None:
    """Print the memo of a customer on a published date, by default the newest."""
    workspace = Workspace.load(root)
    with readable(workspace):
        found = explain(workspace, customer, one_date(as_of, "--as-of") if as_of else None)
    if as_json:
        output.print_json(asdict(found) | {"candidates": [_with_inputs(row) for row in found.candidates]})
    else:
        Memo(output.console(), found, workspace.settings.language).print()


def _with_inputs(row: Row) -> Row:
    return {**row, "inputs": json.loads(row["inputs"]) if row["inputs"] else {}}


class Memo:
    """One explanation on a console, section by section."""

    def __init__(self, out: Console, found: Explanation, language: Language) -> None:
        self._out = out
        self._found = found
        self._language = language

    def print(self) -> None:
        self._print_head()
        self._print_decision()
        self._print_factors()
        self._print_ladder()
        self._print_items()
        self._print_evidence()

    def _heading(self, name: str) -> None:
        output.heading(self._out, word(name, self._language))

    def _text(self, texts: Row | None) -> str:
        return both(texts.get("en"), texts.get("zh"), self._language) if texts else ""

    def _print_head(self) -> None:
        who, when = self._found.customer, self._found.as_of
        output.heading(self._out, f"{word('memo', self._language)} · {when} · {self._found.run['label']}")
        self._out.print(Text(f"{who['name'] or '-'} ({who['customer_id']})", style="bold"))
        known = [
            who["country_code"],
            who["region"],
            who["legal_form"],
            f"account manager {who['account_manager']}" if who["account_manager"] else None,
            f"customer since {who['onboarded_date']}" if who["onboarded_date"] else None,
            "not in the customer master, derived from the ledger" if who["customer_source"] == "derived" else None,
        ]
        self._out.print(" · ".join(str(each) for each in known if each))

    def _print_decision(self) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="bold")
        grid.add_column(overflow="fold")
        for name, lines in (
            ("tier", self._tier_lines()),
            ("score", [self._score_line()]),
            ("limit", [self._limit_line()]),
            ("exposure", [self._exposure_line()]),
            ("terms", [self._terms_line()]),
            ("hold", self._hold_lines()),
        ):
            grid.add_row(word(name, self._language), Text("\n".join(line for line in lines if line)))
        self._out.print()
        self._out.print(grid)

    def _tier_lines(self) -> list[str]:
        tier = self._found.tier
        label = self._text(tier["tier_label"])
        moved = {
            "up": f" ↑ from {tier['previous_tier']}",
            "down": f" ↓ from {tier['previous_tier']}",
            "new": " (first assessment)",
        }
        lines = [f"{label}{moved.get(tier['direction'], '')}"]
        if tier["model_tier"] and tier["model_tier"] != tier["tier"]:
            lines.append(f"the score alone says {tier['model_tier']}; decided by {str(tier['binding_rule']).replace('_', ' ')}")
        lines += [f"{rule['id']}: {self._text(rule)}" for rule in tier["knockout_reasons"]]
        if tier["in_default"]:
            lines.append(f"in default since {tier['default_since']} ({tier['default_events']})")
        return lines

    def _score_line(self) -> str:
        score = self._found.score
        if not score or score["score"] is None:
            return "none"
        parts = [f"{score['score']:.2f} of 100", f"grade {score['grade']}" if score["grade"] else None]
        if score["pd"] is not None:
            parts.append(f"PD {score['pd']:.2%} ({score['pd_status']})")
        parts.append(f"coverage {score['coverage_pct']:.0f} %" if score["coverage_pct"] is not None else None)
        return " · ".join(part for part in parts if part)

    def _limit_line(self) -> str:
        limit = self._found.limit
        said = f"{output.cell(limit['credit_limit'])} {limit['currency']}"
        if limit["currency"] != limit["reporting_currency"]:
            said += f" ({output.cell(limit['limit_reporting'])} {limit['reporting_currency']})"
        if limit["previous_limit"] is not None:
            said += f", before {output.cell(limit['previous_limit'])} {limit['reporting_currency']}"
        return f"{said}, valid to {limit['valid_to']}" if limit["valid_to"] else said

    def _exposure_line(self) -> str:
        limit, exposure = self._found.limit, self._found.exposure
        said = f"{output.cell(exposure['total_exposure'])} {exposure['currency']}, overdue {output.cell(exposure['overdue'])}"
        if exposure["max_days_past_due"]:
            said += f" (oldest {exposure['max_days_past_due']} days)"
        if not limit["credit_limit"]:
            return f"{said}\nnot covered by a limit" if limit["total_exposure"] else said
        return f"{said}\n{limit['utilisation']:.0%} of the limit, headroom {output.cell(limit['headroom'])}"

    def _terms_line(self) -> str:
        limit = self._found.limit
        if limit["payment_terms_days"] is None:
            return "none"
        cycle = str(limit["settlement_cycle"]).replace("_", " ")
        if limit["prepayment_pct"] == 100:
            return cycle
        said = f"{limit['payment_terms_days']} days, {cycle}"
        return f"{said}, {limit['prepayment_pct']:.0f} % prepayment" if limit["prepayment_pct"] else said

    def _hold_lines(self) -> list[str]:
        limit = self._found.limit
        held = word("yes" if limit["hold"] else "no", self._language)
        return [held, *(self._text(reason) for reason in limit["hold_texts"])]

    def _print_factors(self) -> None:
        costly = [row for row in self._found.contributions if row["reason_rank"] is not None][:FACTORS]
        if not costly:
            return
        self._heading("factors")
        rows = []
        for row in costly:
            reason = self._text(row.get("special")) or self._text(row.get("reason")) or row["reason_code"]
            rows.append(
                [
                    f"{self._text(row['label'])}\n{reason}",
                    factor_value(row),
                    output.cell(row["points"]),
                    f"{row['points_lost']:.2f}",
                ]
            )
        self._out.print(output.table(headers("factor value points lost", self._language), rows, [1, 2, 3], fold=[0]))

    def _print_ladder(self) -> None:
        if not self._found.candidates:
            return
        self._heading("ladder")
        rows = [
            (row["method"], row["kind"], output.cell(row["candidate_limit"]) or "-", "<- decides" if row["is_binding"] else "")
            for row in self._found.candidates
        ]
        self._out.print(output.table(headers("candidate - amount -", self._language), rows, [2]))
        said = str(self._found.limit["limit_reason"] or "").replace("_", " ")
        self._out.print(f"{self._found.limit['reporting_currency']}, rounded down{f'; reason: {said}' if said else ''}")

    def _print_items(self) -> None:
        items = self._found.open_items
        if not items:
            return
        self._heading("items")
        rows = [
            (
                row["invoice_id"],
                row["due_date"],
                row["days_past_due"] if row["days_past_due"] > 0 else "",
                row["open_amount"],
                row["overdue_amount"],
                row["currency"],
            )
            for row in items[:ITEMS]
        ]
        self._out.print(output.table(headers("invoice due days amount overdue -", self._language), rows, [2, 3, 4]))
        if len(items) > ITEMS:
            everything = f"risk-pipeline show factor.open_item --customer {items[0]['customer_id']}"
            self._out.print(f"the oldest {ITEMS} of {len(items)}; all of them: {everything}")

    def _print_evidence(self) -> None:
        run, history = self._found.run, self._found.history
        self._heading("evidence")
        policy = f"policy {run['policy_version']} ({run['policy_hash'][:12]})"
        first, last, paid = (
            history.get(name) or "-" for name in ("first_invoice_date", "last_invoice_date", "last_payment_date")
        )
        told = [
            f"run {run['run_id']}, {run['label']}, {policy}, code {run['code_version']}",
            f"known at {output.cell(run['known_at'])} UTC; invoices from {first} to {last}, last payment {paid}",
        ]
        for line in told:
            self._out.print(line)


def factor_value(row: Row) -> str:
    """A factor's value with its unit: ratios as percent; the special code where there is no value."""
    value: Any = row["value"]
    if value is None:
        return str(row["special_code"] or row["missing_action"] or "-")
    if row["unit"] == "ratio":
        return f"{value:.1%}"
    shown = f"{value:.1f}".removesuffix(".0")
    return f"{shown} {row['unit']}" if row["unit"] in ("days", "months") else shown
