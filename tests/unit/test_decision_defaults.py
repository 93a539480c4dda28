"""Default and cure, month by month."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.decision_given import Outcome, given

MONTHS = [date(2026, m, d) for m, d in ((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30))]


def _course(dpd_by_month: list[int], **facts: Any) -> list[Outcome]:
    """Assess one customer month by month, each from the state the month before left."""
    previous: dict[str, Any] = {}
    course = []
    for as_of, dpd in zip(MONTHS, dpd_by_month, strict=False):
        outcome = given(68, as_of=as_of, max_dpd_material=dpd, evidence_date=as_of, **facts, **previous)
        names = ("in_default", "default_since", "default_cleared_on")
        previous = {f"previous_{name}": getattr(outcome, name) for name in names}
        course.append(outcome)
    return course


def test_default_begins_with_the_event_and_ends_90_days_after_the_proof() -> None:
    course = _course([89, 95, 120, 0, 0, 0, 0])
    assert [o.in_default for o in course] == [False, True, True, True, True, True, False]
    assert [o.default_since for o in course] == [None, *[MONTHS[1]] * 5, None]
    assert [o.default_cleared_on for o in course] == [None, None, None, *[MONTHS[3]] * 4]  # the date stays after the cure
    assert [o.default_events for o in course] == ["", "dpd90", "dpd90", "", "", "", ""]
    assert [o.tier for o in course][-2:] == ["restricted", "medium"]


def test_material_debt_past_due_breaks_the_proof() -> None:
    course = _course([95, 0, 0, 1, 0, 0, 0, 0])
    assert [o.default_cleared_on for o in course] == [None, MONTHS[1], MONTHS[1], None, *[MONTHS[4]] * 4]
    assert [o.in_default for o in course] == [True] * 7 + [False]


def test_a_second_default_starts_anew() -> None:
    course = _course([95, 0, 0, 0, 0, 0, 95])
    assert course[5].in_default is False
    assert (course[6].in_default, course[6].default_since, course[6].default_cleared_on) == (True, MONTHS[6], None)


def test_no_open_items_is_proof() -> None:
    course = _course([95, 0])
    nothing_open = given(
        68, as_of=MONTHS[1], max_dpd_material=None, evidence_date=MONTHS[1],
        previous_in_default=True, previous_default_since=MONTHS[0],
    )  # fmt: skip
    assert nothing_open.default_cleared_on == course[1].default_cleared_on == MONTHS[1]


def test_write_off_reaches_materiality() -> None:
    assert given(68, uncollectible_written_off_12m=499_99).in_default is False
    assert given(68, uncollectible_written_off_12m=500_00).default_events == "write_off"
    assert given(68, uncollectible_written_off_12m=100_00, natural_person=True).default_events == "write_off"
    assert given(68, uncollectible_written_off_12m=99_99, natural_person=True).in_default is False


def test_distressed_plan_and_several_events_at_once() -> None:
    case = given(68, distressed_plan=True, max_dpd_material=91)
    assert case.default_events == "dpd90,distressed_plan"
    assert (case.knockouts, case.binding_rule) == ("KO05,KO06", "KO05")
