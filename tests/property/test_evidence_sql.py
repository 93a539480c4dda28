"""Properties of all factor tables over all feeds: nothing from the future, no dependence on order, files or threads.

The feeds are random rows of every contract (tests/every_feed.py); the oracle of each property is a second computation of the
same SQL on a changed input. What the figures are is the matter of tests/golden.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.engine.factors import FACTOR_ORDER
from tests.every_feed import Row, future, rows_of_every_feed, with_outcomes, without_outcomes
from tests.ledger_case import AS_OF, LedgerCase

Tables = dict[str, list[dict[str, Any]]]
TOMORROW = AS_OF + timedelta(1)
KNOWN_AT = datetime(2026, 7, 1, tzinfo=UTC)
LATER = datetime(2026, 7, 2, tzinfo=UTC)
ROWS = rows_of_every_feed(11)
EVIDENCE = {feed.name for feed in EVIDENCE_TABLES}


def compute(folder: Path, rows: list[Row], *, assumed: bool = False, files: int = 1, **options: Any) -> Tables:
    folder.mkdir()
    case = LedgerCase(folder, files=files)
    for feed, values in rows:
        case.add(feed, assumed=assumed, **values)
    return case.factors(**options)


def changed(found: Tables, expected: Tables) -> set[str]:
    return {name for name in FACTOR_ORDER if found[name] != expected[name]}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    return compute(tmp_path_factory.mktemp("feeds") / "now", ROWS, threads=1)


def test_every_feed_has_rows() -> None:
    """Else a property would prove nothing for it."""
    assert {feed for feed, _ in ROWS} == {feed.name for feed in FEED_TABLES}


def test_planted_future_facts_change_nothing(tmp_path: Path, tables: Tables) -> None:
    assert changed(compute(tmp_path / "later", ROWS + future(ROWS)), tables) == set()


def test_evidence_that_begins_tomorrow_changes_nothing(tmp_path: Path) -> None:
    """A feed that starts later must not tell today's customers that they lack something."""
    begun = [row for row in ROWS if row[0] not in EVIDENCE]
    later = future(row for row in ROWS if row[0] in EVIDENCE)
    assert {feed for feed, _ in later} == EVIDENCE
    assert changed(compute(tmp_path / "later", begun + later), compute(tmp_path / "without", begun)) == set()


def test_the_same_facts_a_day_earlier_change_every_table(tmp_path: Path, tables: Tables) -> None:
    assert changed(compute(tmp_path / "today", ROWS + future(ROWS, AS_OF)), tables) == set(FACTOR_ORDER)


def test_outcomes_and_verdicts_of_tomorrow_change_nothing(tmp_path: Path) -> None:
    rows = without_outcomes(ROWS)
    expected = compute(tmp_path / "before", rows, assumed=True)
    assert changed(compute(tmp_path / "tomorrow", with_outcomes(rows, TOMORROW), assumed=True), expected) == set()
    moved = changed(compute(tmp_path / "today", with_outcomes(rows, AS_OF), assumed=True), expected)
    assert moved >= {"due_diligence", "contract_collateral", "behaviour", "exposure", "transaction_history"}


def test_what_was_learned_later_changes_nothing(tmp_path: Path, tables: Tables) -> None:
    case = LedgerCase(tmp_path)
    for feed, values in ROWS:
        case.close(feed, case.add(feed, **values), LATER)
    for feed, values in future(ROWS, AS_OF):
        case.add(feed, known=LATER, **values)
    assert changed(case.factors(known_at=KNOWN_AT), tables) == set()
    assert changed(case.factors(known_at=LATER), tables) == set(FACTOR_ORDER)


def test_order_files_and_threads_change_no_bit(tmp_path: Path, tables: Tables) -> None:
    shuffled = ROWS.copy()
    random.Random(5).shuffle(shuffled)
    assert changed(compute(tmp_path / "shuffled", shuffled, files=3, threads=3), tables) == set()
