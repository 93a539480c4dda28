"""The sanctions facts of a customer, through the real as-of views and SQL: open findings, verdicts on them, searches."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from risk_pipeline.engine.factors import FactorEngine, window_params
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before, decisions, only

LATER = date(2026, 7, 1)


def finding(case: LedgerCase, number: str = "S-1", **values: Any) -> int:
    """A possible hit of customer C, published 10 days before AS_OF."""
    given = {
        "customer_id": "C",
        "kind": "sanction",
        "role": "subject",
        "source": "OFAC",
        "published_date": days_before(10),
        "review_state": "unreviewed",
        "match_score": 0.9,
        **values,
    }
    return case.add("due_diligence_finding", finding_id=number, **given)


def search(case: LedgerCase, number: str, result: str, days: int = 0, source: str = "OFAC", **values: Any) -> None:
    given = {"customer_id": "C", "kind": "sanction", "source": source, "performed_date": days_before(days), **values}
    case.add("inquiry", inquiry_id=number, result=result, **given)


def due_diligence(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, Any]:
    """The customer's row of the factor table, without the tables it does not need."""
    with case.connect(as_of, known_at=known_at) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(as_of), "has_document": False})
        for name in ("customer_state", "financial_condition"):
            con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
            engine.register(name, f"result_{name}")
        found = con.execute(engine.query("due_diligence"))
        return only([dict(zip([column[0] for column in found.description], row, strict=True)) for row in found.fetchall()])


def sanctions(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> tuple[int, int]:
    """(confirmed, unreviewed)"""
    row = due_diligence(case, as_of, known_at)
    return row["sanctions_confirmed"], row["sanctions_unreviewed"]


@pytest.fixture(autouse=True)
def _ledger(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=-5)


# Findings

REVIEWED = {"reviewed_date": days_before(1), "reviewed_by": "a person"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, (0, 1)),
        ({"review_state": None}, (0, 1)),
        ({"review_state": "confirmed", **REVIEWED}, (1, 0)),
        ({"review_state": "confirmed"}, (1, 0)),
        ({"review_state": "cleared", **REVIEWED}, (0, 0)),
        ({"review_state": "confirmed", **REVIEWED, "resolved_date": days_before(1), "outcome": "delisted"}, (0, 0)),
        ({"resolved_date": LATER}, (0, 1)),
        ({"published_date": LATER}, (0, 0)),
        ({"review_state": "confirmed", "reviewed_date": LATER}, (1, 0)),  # known, so it counts
        ({"review_state": "confirmed", "reviewed_date": LATER, "assumed": True}, (0, 1)),
        ({"review_state": "cleared", "reviewed_date": LATER, "assumed": True}, (0, 1)),
        ({"kind": "litigation"}, (0, 0)),
        ({"customer_id": "D"}, (0, 0)),
    ],
)
def test_a_finding_counts_while_it_is_open_by_what_was_made_of_it(
    case: LedgerCase, values: dict[str, Any], expected: tuple[int, int]
) -> None:
    finding(case, **values)
    assert sanctions(case) == expected


def test_a_verdict_known_later_changes_nothing_before(case: LedgerCase) -> None:
    seen, judged = datetime(2026, 6, 21, tzinfo=UTC), datetime(2026, 7, 15, tzinfo=UTC)
    first = finding(case, known=seen)
    case.close("due_diligence_finding", first, judged)
    finding(case, known=judged, review_state="confirmed", reviewed_date=date(2026, 6, 25))
    assert sanctions(case, known_at=datetime(2026, 7, 14, tzinfo=UTC)) == (0, 1)
    assert sanctions(case, known_at=judged) == (1, 0)
    assert sanctions(case, date(2026, 6, 24), known_at=judged) == (1, 0)  # a judgement is knowledge, whatever date it speaks of
    assert sanctions(case, date(2026, 6, 19), known_at=judged) == (0, 0)  # not even published


# Searches


@pytest.mark.parametrize(
    ("searches", "result", "days"),
    [
        ([], "never", None),
        ([("no_hit", 3, "OFAC")], "clean", 3),
        ([("error", 3, "OFAC")], "error", None),
        ([("no_hit", 9, "OFAC"), ("error", 3, "OFAC")], "error", 9),
        ([("error", 3, "OFAC"), ("no_hit", 3, "OFAC")], "clean", 3),
        ([("error", 9, "OFAC"), ("no_hit", 3, "OFAC")], "clean", 3),
        ([("hit", 9, "OFAC"), ("no_hit", 3, "OFAC")], "clean", 3),
        ([("no_hit", 3, "OFAC"), ("error", 3, "EU")], "error", 3),
        ([("no_hit", 3, "OFAC"), ("hit", 5, "EU"), ("error", 2, "UN")], "hit", 3),
        ([("not_applicable", 3, "OFAC")], "never", None),
        ([("no_hit", -1, "OFAC")], "never", None),
    ],
)
def test_searched_and_clean_never_searched_and_a_failed_search_are_three_things(
    case: LedgerCase, searches: list[tuple[str, int, str]], result: str, days: int | None
) -> None:
    for number, (outcome, before, source) in enumerate(searches):
        search(case, str(number), outcome, before, source)
    row = due_diligence(case)
    assert (row["sanctions_search_result"], row["sanctions_searched_on"]) == (result, None if days is None else days_before(days))
    assert row["evidence_date"] == row["sanctions_searched_on"]


def test_a_search_of_another_kind_is_none(case: LedgerCase) -> None:
    search(case, "1", "no_hit", kind="litigation")
    assert due_diligence(case)["sanctions_search_result"] == "never"


@pytest.mark.parametrize(("searched", "evidence"), [(12, 10), (3, 3), (None, 10)])
def test_the_evidence_date_is_the_newest_of_finding_and_search(case: LedgerCase, searched: int | None, evidence: int) -> None:
    finding(case)
    if searched is not None:
        search(case, "1", "hit", searched)
    assert due_diligence(case)["evidence_date"] == days_before(evidence)


# What follows


def test_without_the_feeds_and_with_a_cleared_finding_the_decisions_are_the_same(case: LedgerCase, tmp_path: Any) -> None:
    (tmp_path / "other").mkdir()
    other = LedgerCase(tmp_path / "other")
    other.invoice("A", 1_000, dpd=-5)
    finding(other, review_state="cleared", **REVIEWED)
    search(other, "1", "hit")
    plain, cleared = decisions(case.factors()), decisions(other.factors())
    for name, frame in plain.items():
        assert frame.equals(cleared[name]), name


@pytest.mark.parametrize(
    ("values", "tier", "hold_reasons"),
    [({}, "unrated", "KO02"), ({"review_state": "confirmed", **REVIEWED}, "restricted", "KO01,tier_restricted,no_limit")],
)
def test_the_default_policy_decides_on_them(case: LedgerCase, values: dict[str, Any], tier: str, hold_reasons: str) -> None:
    before = decisions(case.factors())["decision.risk_tier"].iloc[0]
    finding(case, **values)
    out = decisions(case.factors())
    risk, limit = out["decision.risk_tier"].iloc[0], out["decision.credit_limit"].iloc[0]
    assert risk["tier"] == (before["tier"] if tier == "unrated" else tier)
    assert bool(limit["hold"])
    assert hold_reasons.split(",")[0] in limit["hold_reasons"].split(",")
    mart = out["mart.current_risk"].iloc[0]
    if tier == "restricted":
        assert mart["reasons_en"].startswith("Confirmed sanctions hit")
        assert mart["reasons_zh"].startswith("命中制裁名单（已确认）")
