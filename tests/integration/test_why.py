"""Why did it move: every cause alone, all of them together, and the parts add up to the move.

The small ledger of five customers, assessed on two month ends with one thing changed in between.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from risk_pipeline.cli.app import run
from risk_pipeline.errors import UsageError
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.replay import published_run
from risk_pipeline.pipeline.why import CODE, CORRECTED, MEASURES, NEW, OVERRIDE, POLICY, TIME, Why, keep, why
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, copy_to, opened
from tests.small_ledger import DECEMBER, NOVEMBER

pytestmark = pytest.mark.slow
EVERYBODY = ("C1", "C2", "C3", "C4", "C5")


@pytest.fixture
def root(november: Assessed, tmp_path: Path) -> Path:
    """The first month end, published."""
    return copy_to(tmp_path / "workspace", november.folder)


@pytest.fixture(scope="module")
def quiet(two_dates: Assessed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both month ends, and nothing told in between."""
    return copy_to(tmp_path_factory.mktemp("why") / "workspace", two_dates.folder)


@pytest.fixture(scope="module")
def passed(quiet: Path) -> Why:
    """Why everybody moved when a month passed and things happened."""
    with opened(quiet) as (workspace, register):
        return asked(workspace, register, EVERYBODY)


def asked(workspace: Workspace, register: Register, customers: Collection[str]) -> Why:
    runs = published_run(register, f"{NOVEMBER}"), published_run(register, f"{DECEMBER}")
    return why(workspace, register, *runs, customers)


def december(root: Path, policy: str | None = None) -> Why:
    """The second month end, published, and why everybody moved."""
    with opened(root) as (workspace, register):
        ingest(workspace, register, now=datetime.now(UTC))
        assess(workspace, register, as_of=DECEMBER, policy=policy, now=datetime.now(UTC))
        return asked(workspace, register, EVERYBODY)


def parts(found: Why, measure: str) -> dict[str, dict[str, int]]:
    return {move.customer_id: dict(move.parts) for move in found.moves if move.measure == measure}


def assert_exact(found: Why) -> None:
    assert found.moves
    counts = {measure.name: measure.count for measure in MEASURES}
    for move in found.moves:
        moved = counts[move.measure](move.after) - counts[move.measure](move.before)
        assert sum(move.parts.values()) == moved * (50 if move.measure == "tier" else 1), move


def lines(root: Path, name: str, change: Callable[[list[str]], list[str]]) -> None:
    path = root / "data" / f"{name}.csv"
    path.write_text("\n".join(change(path.read_text("utf-8").splitlines())) + "\n", "utf-8")


def test_a_month_passes_and_things_happen(passed: Why) -> None:
    found = passed
    assert_exact(found)
    assert found.causes == (TIME, NEW)
    assert all(CODE not in move.parts for move in found.moves)
    # C3 stopped paying in August: its debt grew a month older, and a further invoice changed little.
    score = parts(found, "score")["C3"]
    assert score[TIME] < score[NEW]
    assert found.rows["C3"] == {NEW: {"invoice": 1}}


def test_what_was_learned_later_and_what_people_decided(root: Path) -> None:
    """Payments of C2 before the first date turn out never to have come, and C1 goes a notch down, asked for by one and approved
    by another: both between the two dates.
    """
    early = [f"C2-2024{month:02d}" for month in range(6, 9)]
    lines(root, "payments", lambda rows: [row for row in rows if row.split(",")[0] not in early])
    with (root / "risk.yaml").open("a", encoding="utf-8") as file:
        file.write("people: {ben: [credit_analyst], mia: [credit_manager]}\n")
    where, on = ["-w", str(root), "override"], ["--on", "2024-12-10"]
    request = ["C1", "--notch", "-1", "--by", "ben", "--reason-code", "site_visit", "--reason", "the yard is empty"]
    assert run([*where, "request", *request, *on]) == 0
    with opened(root) as (_, register):
        (event,) = register.events(action="override.requested")
    assert run([*where, "approve", event.subject.removeprefix("override "), "--by", "mia", *on]) == 0

    found = december(root)
    assert_exact(found)
    assert found.causes == (TIME, NEW, CORRECTED, OVERRIDE)
    assert found.rows["C2"][CORRECTED] == {"payment": 3}
    assert CORRECTED not in found.rows["C1"]
    assert parts(found, "score")["C2"][CORRECTED] < -500
    assert found.rows["C1"][OVERRIDE] == {"override": 1}
    assert parts(found, "tier")["C1"][OVERRIDE] > 0  # a step down with the facts before, none with those of December
    for cause, customer in ((CORRECTED, "C2"), (OVERRIDE, "C1")):
        assert all(move.parts.get(cause, 0) == 0 for move in found.moves if move.customer_id != customer)


def test_another_policy(root: Path) -> None:
    from risk_pipeline.policy.load import DEFAULT_POLICY

    content = DEFAULT_POLICY.read_text("utf-8").replace('version: "2026.1"', 'version: "2026.2"')
    changed = content.replace("medium, score_from: 55", "medium, score_from: 60")
    assert changed != content
    (root / "policy" / "2026.2.yaml").write_text(changed, "utf-8")
    assert yaml.safe_load(changed)["version"] == "2026.2"
    found = december(root, policy="2026.2")
    assert_exact(found)
    assert found.causes == (TIME, NEW, POLICY)
    assert all(move.parts[POLICY] == 0 for move in found.moves if move.measure == "score")


def test_the_parts_are_kept_where_analysts_read(quiet: Path, passed: Why) -> None:
    found = passed
    with opened(quiet) as (workspace, register):
        keep(workspace, register, found)
        keep(workspace, register, found)
    with duckdb.connect(str(quiet / "warehouse" / "risk.duckdb"), read_only=True) as con:
        rows = con.execute(
            "SELECT customer_id, measure, MIN(before_text), SUM(change_part) FROM audit.decision_change"
            " WHERE measure = 'limit' GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    expected = {
        move.customer_id: (str(move.before), (move.after or 0) - (move.before or 0))
        for move in found.moves
        if move.measure == "limit"
    }
    assert {row[0]: (row[2], row[3]) for row in rows} == expected
    assert expected


@pytest.mark.parametrize("case", ["stranger", "backwards"])
def test_what_cannot_be_compared_is_refused(quiet: Path, case: str) -> None:
    with opened(quiet) as (workspace, register):
        first, last = (published_run(register, f"{day}") for day in (NOVEMBER, DECEMBER))
        wrong: dict[str, tuple[Any, ...]] = {"stranger": (first, last, ["nobody"]), "backwards": (last, first, ["C1"])}
        with pytest.raises(UsageError):
            why(workspace, register, *wrong[case])


def test_one_customer_alone_comes_out_as_among_all(quiet: Path, passed: Why) -> None:
    with opened(quiet) as (workspace, register):
        alone = asked(workspace, register, ["C4"])
    assert alone.moves == [move for move in passed.moves if move.customer_id == "C4"]
    assert alone.moves
