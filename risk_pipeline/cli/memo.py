"""`explain`: everything published about one customer, laid out as a credit assessment (the memo).

Put here: layout and language. Keep out: gathering (pipeline.explain) and the words of policy and catalogue, which come with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import one_date
from risk_pipeline.cli.figures import factor_value, figure
from risk_pipeline.cli.memo_course import course_table, warnings_table
from risk_pipeline.cli.reader import readable
from risk_pipeline.cli.rejections import place, rejections
from risk_pipeline.cli.texts import Language, One, both, code, each, headers, listed, say, word
from risk_pipeline.pipeline.explain import Explanation, Row, explain
from risk_pipeline.reporting import told
from risk_pipeline.settings import Workspace

FACTORS = 5
ITEMS = 10
NOTABLE = 0.05  # points: a smaller change is none
REJECTED = 5
ARROWS = {"up": "↑", "down": "↓"}


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
        self._print_course()
        self._print_factors()
        self._print_evidence()
        self._print_ladder()
        self._print_securities()
        self._print_warnings()
        self._print_treatments()
        self._print_items()
        self._print_sources()

    def _heading(self, name: str) -> None:
        output.heading(self._out, word(name, self._language))

    def _text(self, texts: Row | None) -> str:
        return both(texts.get("en"), texts.get("zh"), self._language) if texts else ""

    def _say(self, name: str, **values: Any) -> str:
        return say(name, self._language, **values)

    def _print_head(self) -> None:
        who, when = self._found.customer, self._found.as_of
        output.heading(self._out, f"{word('memo', self._language)} · {when} · {code(self._found.run['label'], self._language)}")
        self._out.print(Text(f"{who['name'] or '-'} ({who['customer_id']})", style="bold"))
        known = [
            who["country_code"],
            who["region"],
            who["legal_form"],
            self._say("account_manager", who=who["account_manager"]) if who["account_manager"] else None,
            self._say("customer_since", day=who["onboarded_date"]) if who["onboarded_date"] else None,
            self._say("derived") if who["customer_source"] == "derived" else None,
        ]
        self._out.print(" · ".join(str(part) for part in known if part))

    def _print_decision(self) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style="bold")
        grid.add_column(overflow="fold")
        searched = self._found.due_diligence
        for name, lines in (
            ("tier", self._tier_lines()),
            ("score", [each(self._language, self._score_line)]),
            *([("risk_types", [each(self._language, self._risk_types_line)])] if self._found.risk_types else []),
            ("limit", [each(self._language, self._limit_line)]),
            ("exposure", self._exposure_lines()),
            ("terms", [each(self._language, self._terms_line), *self._terms_notes()]),
            ("hold", self._hold_lines()),
            *([("review", self._review_lines())] if self._found.review else []),
            *([("overrides", changed)] if (changed := self._override_lines()) else []),
            *([("sanctions", [each(self._language, partial(told.sanctions, searched))])] if told.screened(searched) else []),
        ):
            grid.add_row(word(name, self._language), Text("\n".join(line for line in lines if line)))
        self._out.print()
        self._out.print(grid)

    def _tier_lines(self) -> list[str]:
        tier = self._found.tier
        lines = [f"{self._text(tier['tier_label'])}{self._move()}", each(self._language, partial(told.decided, tier))]
        if tier["model_tier"] not in (None, tier["tier"]):
            lines.append(each(self._language, lambda one: say("score_alone", one, tier=tier["model_tier_label"][one])))
        lines += [
            each(self._language, lambda one, rule=rule: say("also_holds", one, rule=rule["id"], text=rule[one]))  # type: ignore[misc]
            for rule in tier["knockout_reasons"]
            if rule["id"] != tier["binding_rule"]
        ]
        if tier["state"] is not None:
            lines.append(each(self._language, partial(told.in_state, tier)))
        if tier["in_default"]:
            lines.append(each(self._language, partial(told.in_default, tier)))
        return lines

    def _move(self) -> str:
        tier = self._found.tier
        if tier["direction"] == "new":
            return f" {self._say('first_assessment')}"
        if tier["direction"] not in ARROWS:
            return ""
        moved = each(self._language, lambda one: say("from_tier", one, tier=tier["previous_tier_label"][one]))
        return f" {ARROWS[tier['direction']]} {moved}"

    def _score_line(self, one: One) -> str:
        score = self._found.score
        if not score or score["score"] is None:
            return word("none", one)
        if self._found.tier["in_default"]:  # the event a PD would foretell is there
            parts = [say("in_default", one)]
        else:
            parts = [say("grade", one, grade=score["grade"])] if score["grade"] else []
            if score["pd"] is not None:
                parts.append(say("pd", one, pd=f"{score['pd']:.2%}", status=code(score["pd_status"], one)))
        if score["coverage_pct"] is not None:
            parts.append(say("coverage", one, pct=f"{score['coverage_pct']:.0f}"))
        if score["confidence_pct"] is not None:
            parts.append(say("confidence", one, pct=f"{score['confidence_pct']:.0f}"))
        return " · ".join([say("of_100", one, score=f"{score['score']:.2f}"), *parts])

    def _risk_types_line(self, one: One) -> str:
        """What each kind of risk gave, of what it could have given."""
        return listed(
            (
                say("given_of", one, what=row["label"][one], given=f"{row['subtotal']:.1f}", most=f"{row['weight']:.1f}")
                for row in self._found.risk_types
            ),
            one,
        )

    def _limit_line(self, one: One) -> str:
        limit = self._found.limit
        if limit["credit_limit"] is None:
            return say("limit_set_by", one, who=limit["limit_reason"])
        said = f"{output.cell(limit['credit_limit'])} {limit['currency']}"
        if limit["currency"] != limit["reporting_currency"]:
            said += f" ({output.cell(limit['limit_reporting'])} {limit['reporting_currency']})"
        before = f"{output.cell(limit['previous_limit'])} {limit['reporting_currency']}"
        return listed(
            [
                said,
                say("limit_before", one, amount=before) if limit["previous_limit"] is not None else None,
                say("valid_to", one, day=limit["valid_to"]) if limit["valid_to"] else None,
            ],
            one,
        )

    def _exposure_lines(self) -> list[str]:
        return [each(self._language, self._exposure_line), each(self._language, self._cover_line)]

    def _exposure_line(self, one: One) -> str:
        exposure = self._found.exposure
        overdue, days = output.cell(exposure["overdue"]), exposure["max_days_past_due"]
        late = say("overdue_oldest", one, amount=overdue, days=days) if days else say("overdue_of", one, amount=overdue)
        return listed([f"{output.cell(exposure['total_exposure'])} {exposure['currency']}", late], one)

    def _cover_line(self, one: One) -> str:
        limit = self._found.limit
        if limit["credit_limit"] is None or not (limit["credit_limit"] or limit["total_exposure"]):
            return ""
        if not limit["credit_limit"]:
            return say("no_limit_covers", one)
        share, headroom = f"{limit['utilisation']:.0%}", output.cell(limit["headroom"])
        return listed([say("share_of_limit", one, share=share), say("headroom", one, amount=headroom)], one)

    def _terms_line(self, one: One) -> str:
        limit = self._found.limit
        if limit["payment_terms_days"] is None:
            return word("none", one)
        cycle = code(limit["settlement_cycle"], one)
        if limit["prepayment_pct"] == 100:
            return cycle
        prepaid = say("prepaid_share", one, pct=f"{limit['prepayment_pct']:.0f}") if limit["prepayment_pct"] else None
        return listed([say("terms_days", one, days=limit["payment_terms_days"]), cycle, prepaid], one)

    def _terms_notes(self) -> list[str]:
        """What set the terms where it is not the tier, and shorter ones where they are proposed."""
        limit, notes = self._found.limit, []
        if limit["terms_text"]:
            notes.append(each(self._language, lambda one: say("terms_by", one, reason=limit["terms_text"][one])))
        if limit.get("proposed_terms_days") is not None:
            notes.append(self._say("terms_proposed", days=limit["proposed_terms_days"]))
        return notes

    def _review_lines(self) -> list[str]:
        review = self._found.review
        if review["next_review_date"] is None:
            return [word("none", self._language)]
        why = {one: review[f"review_reason_{one}"] for one in ("en", "zh")}
        next_one = each(self._language, lambda one: say("next_review", one, day=review["next_review_date"], reason=why[one]))
        stands = self._say("limit_stands", day=review["reviewed_on"]) if review["carried_forward"] else ""
        return [next_one, stands]

    def _hold_lines(self) -> list[str]:
        limit = self._found.limit
        held = word("yes" if limit["hold"] else "no", self._language)
        if limit["hold_release_status"] == "in_force":
            held += "\n" + self._say("released_until", day=limit["hold_release_until"], number=limit["hold_release_id"])
        return [held, *(self._text(reason) for reason in limit["hold_texts"])]

    def _override_lines(self) -> list[str]:
        found = self._found
        return [each(self._language, line) for line in told.overrides(found.tier, found.limit, found.as_of)]

    def _print_factors(self) -> None:
        costly = [row for row in self._found.contributions if row["reason_rank"] is not None][:FACTORS]
        if not costly:
            return
        self._heading("factors")
        rows = [
            [
                "\n".join(text for text in (self._text(row["label"]), self._text(row.get("reason"))) if text),
                factor_value(row, self._language),
                output.cell(row["points"]),
                output.cell(row["points_lost"]) and f"{row['points_lost']:.2f}",
            ]
            for row in costly
        ]
        self._out.print(output.table(headers("factor value points lost", self._language), rows, [1, 2, 3], fold=[0]))

    def _print_course(self) -> None:
        """How the customer got here; nothing when this is the first assessment."""
        if len(self._found.course) < 2:
            return
        self._heading("course")
        self._out.print(course_table(self._found, self._language))
        if any(row["hold"] for row in self._found.course):
            self._out.print(self._say("held_means"))

    def _print_warnings(self) -> None:
        if not self._found.warnings:
            return
        self._heading("warnings")
        self._out.print(warnings_table(self._found, self._language))
        who = f"--customer {self._found.customer['customer_id']} --as-of {self._found.as_of}"
        self._out.print(self._say("all_warnings", command=f"risk-pipeline alerts list {who}"))

    def _print_ladder(self) -> None:
        if not self._found.candidates:
            return
        self._heading("ladder")
        rows = [
            (
                code(row["method"], self._language),
                code(row["kind"], self._language),
                output.cell(row["candidate_limit"]) or "-",
                f"<- {self._say('decides')}" if row["is_binding"] else "",
            )
            for row in self._found.candidates
        ]
        self._out.print(output.table(headers("candidate - amount -", self._language), rows, [2], fold=[0]))
        self._out.print(each(self._language, partial(told.limit_reason, self._found.tier, self._found.limit)))

    def _print_securities(self) -> None:
        """What is held, what of it counts in the limit and until when; of the rest, why not."""
        if not self._found.securities:
            return
        self._heading("security")
        rows = [
            (
                self._text(row["kind"]),
                row["gross_value"],
                row["net_value"],
                self._text(row["why_not"]) or row["counts_until"],
            )
            for row in self._found.securities
        ]
        self._out.print(output.table(headers("security gross net counts_until", self._language), rows, [1, 2], fold=[0, 3]))

    def _print_treatments(self) -> None:
        """What is to be done, the most urgent first: what and why, who, until when."""
        if not self._found.treatments:
            return
        self._heading("actions")
        rows = [
            (
                "\n".join(self._text({one: row[f"{what}_{one}"] for one in ("en", "zh")}) for what in ("action", "reason")),
                self._text(row["owner"]),
                f"{row['due_date']}{'!' if row['due_date'] < self._found.as_of else ''}",
            )
            for row in self._found.treatments
        ]
        self._out.print(output.table(headers("action owner until", self._language), rows, fold=[0, 1]))
        if any(row["due_date"] < self._found.as_of for row in (*self._found.treatments, *self._found.warnings)):
            self._out.print(self._say("late_means"))

    def _print_items(self) -> None:
        items = self._found.open_items
        if not items:
            return
        self._heading("items")
        rows = [
            (
                self._item(row),
                row["due_date"],
                row["days_past_due"] if row["days_past_due"] > 0 else "",
                row["open_amount"],
                row["overdue_amount"],
                row["currency"],
            )
            for row in items[:ITEMS]
        ]
        self._out.print(output.table(headers("invoice due days amount overdue -", self._language), rows, [2, 3, 4], fold=[0]))
        if len(items) > ITEMS:
            everything = f"risk-pipeline show factor.open_item --customer {items[0]['customer_id']}"
            self._out.print(self._say("oldest_of", shown=ITEMS, all=len(items), command=everything))

    def _item(self, row: Row) -> str:
        """The invoice, below it where it came from, and how much of it is disputed or offset."""
        parts = [
            self._say(name, amount=output.cell(row[column]))
            for name, column in (("disputed_part", "disputed_amount"), ("offset_part", "offset_amount"))
            if row[column]
        ]
        return "\n".join(part for part in (row["invoice_id"], place(row), *parts) if part)

    def _print_evidence(self) -> None:
        """Every factor behind the score, table by table, with its date and age; then what has no value, and why."""
        groups = [group for group in self._found.evidence if group["factors"]]
        if not groups:
            return
        self._heading("evidence")
        for number, group in enumerate(groups):
            self._print_group(group, with_head=number == 0)
        if any(_change(group, _lost(group)) for group in groups):
            self._out.print(self._say("change_means", day=groups[0]["previous_as_of"]))
        if any(_is_old(row) for group in groups for row in group["factors"]):
            self._out.print(self._say("old_means"))
        who = f"--customer {self._found.customer['customer_id']} --as-of {self._found.as_of}"
        self._out.print(self._say("all_facts", command=f"risk-pipeline show factor.{groups[0]['table']} {who}"))

    def _print_group(self, group: Row, *, with_head: bool) -> None:
        """A line for the table, one for each factor with a value, then those without, reason by reason."""
        given, lost = sum(row["contribution"] or 0 for row in group["factors"]), _lost(group)
        figures = [f"{given:.1f}", f"{lost:.1f}"] if given or lost else ["", ""]
        head = [self._text(group["heading"]), _change(group, lost), *figures, group["evidence_date"], group["evidence_age_days"]]
        grid = self._grid(with_head=with_head)
        grid.add_row(*(Text(output.cell(text), style="bold") for text in head))
        for row in group["factors"]:
            if _has_value(row):
                note = self._say("stale_decay") if row["missing_action"] == "stale_decay" else ""
                self._add_factor(grid, row, group, note and f"\n{note}", indent=2)
        self._out.print(grid)
        self._print_without_value(group)
        facts = [self._fact(row) for row in group["facts"] if row["value"] and row["rules"]]
        if facts:
            self._print_line(f"{self._say('also')}: {' · '.join(facts)}")

    def _grid(self, *, with_head: bool) -> Table:
        grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=with_head, header_style="bold")
        grid.width = self._out.width
        grid.add_column(headers("factor", self._language)[0], ratio=1, overflow="fold")
        for name, width in (("value", 14), ("points", 6), ("lost", 5), ("dated", 10), ("days_old", 5)):
            grid.add_column(headers(name, self._language)[0], justify="right", width=width, overflow="fold")
        return grid

    def _print_line(self, text: str) -> None:
        self._out.print(Padding(Text(text, style="dim"), (0, 0, 0, 2)))

    def _print_without_value(self, group: Row) -> None:
        for rows in _without_value(group["factors"]):
            grid = self._grid(with_head=False)
            for row in rows:
                if row["points"] is not None:
                    self._add_factor(grid, row, group, "", indent=4)
            if grid.row_count:
                reason = each(self._language, lambda one, row=rows[0]: _reason(row, one))  # type: ignore[misc]
                self._out.print(Padding(Text(f"{reason}:"), (0, 0, 0, 2)))
                self._out.print(grid)
            if any(row["points"] is None for row in rows):
                self._print_line(each(self._language, lambda one, rows=rows: _left_out(rows, one)))  # type: ignore[misc]

    def _add_factor(self, grid: Table, row: Row, group: Row, note: str, *, indent: int) -> None:
        same = row["evidence_date"] == group["evidence_date"]  # said once, in the line of the table
        age = output.cell(row["evidence_age_days"]) + ("!" if _is_old(row) else "")
        grid.add_row(
            Padding(Text(self._text(row["label"]) + note), (0, 0, 0, indent)),
            Text(factor_value(row, self._language)),
            Text(output.cell(row["points"])),
            Text(f"{row['points_lost']:.2f}" if row["points_lost"] else ""),
            Text("" if same else output.cell(row["evidence_date"])),
            Text("" if same and not _is_old(row) else age),
        )

    def _fact(self, row: Row) -> str:
        label = self._text(row["label"])
        if row["value"] is True:
            return label
        shown = output.amount(row["value"]) if isinstance(row["value"], Decimal) else None
        return f"{label} {shown or figure(row['value'], row['unit'], self._language)}"

    def _print_sources(self) -> None:
        run, history = self._found.run, self._found.history
        self._heading("sources")
        first, last, paid = (
            history.get(name) or "-" for name in ("first_invoice_date", "last_invoice_date", "last_payment_date")
        )
        self._out.print(each(self._language, self._run_line))
        self._out.print(self._say("known", at=output.cell(run["known_at"]), first=first, last=last, paid=paid))
        self._print_rejected()

    def _run_line(self, one: One) -> str:
        run = self._found.run
        names = {
            "run": run["run_id"],
            "policy": run["policy_version"],
            "hash": run["policy_hash"][:12],
            "code": run["code_version"],
        }
        return say("run", one, label=code(run["label"], one), **names)

    def _print_rejected(self) -> None:
        """Rows that name the customer and never got into a figure."""
        rows = self._found.rejected_rows
        if not rows:
            return
        self._out.print(self._say("rejected_of_customer", n=len(rows)))
        shown = [(row["feed"], place(row), row["rule"], row["column_name"], row["value_text"]) for row in rows[:REJECTED]]
        self._out.print(rejections(shown, headers("feed place rule column value", self._language), self._out.width))
        if len(rows) > REJECTED:
            self._out.print(self._say("rejected_more", n=len(rows) - REJECTED))


def _lost(group: Row) -> float:
    return sum(row["points_lost"] or 0 for row in group["factors"])


def _change(group: Row, lost: float) -> str:
    """How many points more or fewer the table cost at the assessment before; empty when it is hardly another figure."""
    before = group["previous_points_lost"]
    if before is None or abs(lost - before) < NOTABLE:
        return ""
    return f"{ARROWS['down' if lost > before else 'up']} {before - lost:+.1f}"


def _has_value(row: Row) -> bool:
    """Does the factor rest on a value? One that was dropped as too old does not."""
    dropped = str(row["missing_action"]).startswith("stale_drop")
    return not dropped and (row["value"] is not None or row["value_text"] is not None)


def _without_value(rows: list[Row]) -> list[list[Row]]:
    """The factors that have no value, reason by reason."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if not _has_value(row):
            found.setdefault(_reason(row, "en"), []).append(row)
    return list(found.values())


def _reason(row: Row, one: One) -> str:
    """Why there is no value: the special code in words, evidence that is too old, or none."""
    if "special" in row:
        return str(row["special"][one])
    return say("stale_drop" if str(row["missing_action"]).startswith("stale_drop") else "not_known", one)


def _left_out(rows: list[Row], one: One) -> str:
    labels = listed((row["label"][one] for row in rows if row["points"] is None), one)
    return say("left_out", one, reason=_reason(rows[0], one), factors=labels)


def _is_old(row: Row) -> bool:
    return row["missing_action"] in ("stale_flag", "stale_decay")
