"""What the pages of an evidence pack say: every code in words, what people decided with roles and deputies, ink one can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.feed_people import PEOPLE_TABLES
from risk_pipeline.reporting.people import NUMBERS, Decided, decisions
from risk_pipeline.reporting.phrases import CODES, ONES, PHRASES
from risk_pipeline.reporting.words import CELLS, code

SHOWN = (  # the columns of closed lists whose values a page tells as words
    ("decision.limit_candidate", "kind"),
    ("decision.credit_limit", "approval_status"),
    ("score.risk_score", "pd_status"),
    ("feed.due_diligence_finding", "kind"),
    ("feed.due_diligence_finding", "review_state"),
    ("feed.override", "verdict"),
    ("feed.limit_decision", "verdict"),
    ("feed.alert_action", "alert_action"),
    ("feed.treatment_action", "treatment_verdict"),
    ("feed.customer_state_decision", "proposed_state"),
)
DAY, LATER = date(2026, 7, 1), date(2026, 7, 3)
LABELS: dict[str, dict[str, Any]] = {
    "roles": {
        "account_manager": {"en": "Account manager", "zh": "客户经理"},
        "credit_manager": {"en": "Credit manager", "zh": "信用经理"},
    },
    "reason_codes": {"site_visit": {"en": "Findings of a visit", "zh": "实地走访结果"}},
}
ASKED = {
    "customer_id": "C1",
    "reason_code": "site_visit",
    "reason_text": "Looms stand still",
    "requested_by": "anna",
    "requested_role": "account_manager",
    "requested_on": DAY,
}
APPROVED = {"verdict": "approved", "decided_by": "ben", "decided_role": "credit_manager", "verdict_on": LATER}
UNTIL = {"valid_from": DAY, "valid_to": date(2026, 7, 14)}
OVERRIDE = {**ASKED, **APPROVED, **UNTIL, "notches": None, "amount": None, "currency": None}


def told(feed: str, row: dict[str, Any], events: list[dict[str, Any]] | None = None) -> Decided:
    (found,) = decisions({feed: [row]}, events or [], LABELS, "en")
    return found


@pytest.mark.parametrize(("name", "column"), SHOWN)
def test_every_code_a_page_shows_has_words(name: str, column: str) -> None:
    values = table(name).column(column).values
    assert values
    assert not [value for value in values if value not in CELLS and value not in CODES]


def test_words_come_in_both_languages() -> None:
    assert not [name for name, texts in {**CELLS, **CODES, **PHRASES}.items() if not all(texts) or len(texts) != 2]


def test_an_override_names_both_people_their_roles_and_for_whom_a_deputy_acted() -> None:
    acted = {"subject": "O-1", "actor": "ben", "detail": {"acts_for": "mia"}}
    row = {**OVERRIDE, "override_id": "O-1", "override_kind": "hold_release"}
    assert told("override", row, [acted]) == Decided(
        number="O-1",
        what="hold released",
        why="Findings of a visit: Looms stand still",
        asked="anna (Account manager), 2026-07-01",
        decided="approved: ben (Credit manager), 2026-07-03",
        deputy="mia",
        until="2026-07-01 – 2026-07-14",
        customer="C1",
    )
    assert told("override", row, [{**acted, "actor": "anna"}]).deputy == ""


def kinds() -> Iterator[tuple[str, dict[str, Any], str]]:
    yield "override", {**OVERRIDE, "override_id": "O-2", "override_kind": "notch", "notches": -1}, "tier by -1 (worse)"
    limited = {**OVERRIDE, "override_id": "O-3", "override_kind": "limit", "amount": Decimal("12000.00"), "currency": "EUR"}
    yield "override", limited, "limit 12,000.00 EUR"
    yield "override", {**limited, "override_kind": "temporary_limit"}, "limit for a time 12,000.00 EUR"
    amount = {"amount": Decimal("500.00"), "currency": "EUR", "decided_as_of": DAY, "customer_id": "C1", "reason_text": None}
    yield "limit_decision", {**amount, **APPROVED, "limit_decision_id": "L-1"}, "computed limit of 2026-07-01, 500.00 EUR"
    state = {**ASKED, **APPROVED, "reason_code": None, "state_decision_id": "Z-1", "proposed_state": "exit_proposed"}
    yield "customer_state_decision", state, "state of the customer: exit proposed"
    acted = {"customer_id": "C1", "action_id": "A-1", "acted_by": "ben", "acted_on": DAY, "until": LATER, "reason_text": "on it"}
    yield "alert_action", {**acted, "alert_id": "A08:C1", "alert_action": "snooze"}, "A08:C1: snoozed"
    yield "treatment_action", {**acted, "treatment_id": "call:C1", "treatment_verdict": "done"}, "call:C1: done"
    finding = {"customer_id": "C1", "finding_id": "S-1", "kind": "sanction", "source": "UN", "review_state": "cleared"}
    judged = {**finding, "reviewed_by": "hana", "reviewed_date": DAY, "detail": '{"list_name": "ACME", "reason": "other firm"}'}
    yield "due_diligence_finding", judged, "finding: sanctions list (UN): ACME"
    yield "due_diligence_finding", {**judged, "detail": "free words"}, "finding: sanctions list (UN)"


@pytest.mark.parametrize(("feed", "row", "what"), list(kinds()))
def test_each_feed_of_people_answers_the_same_questions(feed: str, row: dict[str, Any], what: str) -> None:
    found = told(feed, row)
    assert found.what == what
    assert found.number in row.values()
    assert found.decided
    zh = next(iter(decisions({feed: [row]}, [], LABELS, "zh")))
    assert zh.what != found.what


def test_every_feed_of_people_has_a_number() -> None:
    assert [each.name for each in PEOPLE_TABLES if not set(each.key) & set(NUMBERS)] == []


def test_what_a_person_said_of_a_finding_is_its_reason() -> None:
    judged = list(kinds())[-2][1]
    assert told("due_diligence_finding", judged).why == "other firm"
    assert told("due_diligence_finding", judged).decided == "cleared: hana, 2026-07-01"


def test_a_code_without_words_stands_as_it_is() -> None:
    assert [code("made_up", one) for one in ONES] == ["made up", "made up"]
    assert code(None, "en") == ""


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_ink_stands_out_from_paper_and_from_heads_of_tables() -> None:
    style = (files("risk_pipeline.reporting") / "templates" / "base.html.j2").read_text("utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", style))
    for ink in ("ink", "soft", "bad"):
        for paper in ("#ffffff", colours["head"]):
            light, dark = sorted((luminance(paper), luminance(colours[ink])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)  # WCAG 2.2, 1.4.3, AA


def test_fonts_of_chinese_systems_are_named() -> None:
    style = (files("risk_pipeline.reporting") / "templates" / "base.html.j2").read_text("utf-8")
    for system in ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi"):
        assert system in style
