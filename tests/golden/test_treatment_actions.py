"""What a run knows of people's actions on treatments: the newest about each, as far as it was known by then."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from risk_pipeline.pipeline.treatment_history import read_treatments
from tests.ledger_case import AS_OF, LedgerCase, days_before


def said(case: LedgerCase, number: int, days: int, verdict: str, **values: Any) -> None:
    """A row of feed.treatment_action on the call to customer C."""
    given = {"customer_id": "C", "treatment_id": "call:C", "acted_by": "anna", **values}
    case.add("treatment_action", action_id=f"T-{number}", acted_on=days_before(days), treatment_verdict=verdict, **given)


def newest(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, tuple[str, str]]:
    """Treatment -> what was said of it, and by whom."""
    with case.connect(as_of, known_at=known_at) as con:
        stored = read_treatments(con, None)
    found = stored.between("A", "D")
    assert len(found.before) == 0
    return {row["treatment_id"]: (row["treatment_verdict"], row["acted_by"]) for row in pa.table(found.actions).to_pylist()}


def test_the_newest_action_on_each_treatment_counts(case: LedgerCase) -> None:
    case.invoice("I", 1_000)
    said(case, 1, 20, "done")
    said(case, 2, 5, "waived", acted_by="liu")
    said(case, 3, 9, "done", treatment_id="visit:C")
    said(case, 4, 9, "done", customer_id="Z", treatment_id="call:Z")  # not of the customers asked for
    assert newest(case) == {"call:C": ("waived", "liu"), "visit:C": ("done", "anna")}


def test_of_two_on_one_day_the_later_known_counts(case: LedgerCase) -> None:
    case.invoice("I", 1_000)
    said(case, 1, 5, "waived", known=datetime(2026, 6, 27, 10, tzinfo=UTC))
    said(case, 2, 5, "done", known=datetime(2026, 6, 26, 10, tzinfo=UTC))
    assert newest(case) == {"call:C": ("waived", "anna")}


def test_what_was_said_or_known_later_is_not_seen(case: LedgerCase) -> None:
    case.invoice("I", 1_000)
    said(case, 1, 20, "done", known=datetime(2026, 6, 12, tzinfo=UTC))
    said(case, 2, 5, "waived", known=datetime(2026, 6, 27, tzinfo=UTC))
    assert newest(case, known_at=datetime(2026, 6, 20, tzinfo=UTC)) == {"call:C": ("done", "anna")}
    assert newest(case, as_of=days_before(10)) == {"call:C": ("done", "anna")}
    assert newest(case, as_of=days_before(30)) == {}
