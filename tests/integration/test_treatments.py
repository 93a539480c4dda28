"""Treatments, reviews, worklist and portfolio over two assessments of a small ledger."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.cli.summary import print_summary
from risk_pipeline.contracts.decision import SEVERITIES
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, assess_ledger, copy_to
from tests.small_ledger import DECEMBER

pytestmark = pytest.mark.slow
JANUARY = date(2025, 1, 31)
REFERENCES = """\
feed: trade_reference
source: {kind: file, path: data/references.csv}
delivery: snapshot
columns: {reference_id: {from: no}, customer_id: {from: customer}, reported_date: {from: day}, source_kind: {from: kind}}
"""
PEOPLE = "people:\n  mia: [credit_manager]\n  col: [collections]\n  sam: [sales_manager]\n"


def rows(workspace: Workspace, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture
def workspace(december: Assessed, tmp_path: Path) -> Workspace:
    """December assessed, with people."""
    return Workspace.load(copy_to(tmp_path / "w", december.folder, PEOPLE))


def test_what_is_to_be_done_goes_on_from_one_assessment_to_the_next(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = "SELECT treatment_id FROM decision.treatment WHERE customer_id = 'C3' AND owner_role = 'credit_manager'"
    waived, *_ = rows(workspace, mine)[0]
    why = ("--by", "mia", "--reason", "visited in December", "--on", "2025-01-02")
    assert run(["-w", str(workspace.root), "treatment", "waive", waived, *why]) == 0
    assess_ledger(workspace.root, JANUARY)
    kept_of = f"SELECT acted_by, reason_text FROM decision.treatment WHERE as_of = DATE '{JANUARY}' AND state = 'waived'"
    assert rows(workspace, f"{kept_of} AND treatment_id = '{waived}'") == [("mia", "visited in December")]
    kept = rows(
        workspace,
        "SELECT COUNT(a.treatment_id), COUNT(a.treatment_id) FILTER (a.first_seen = b.first_seen) FROM decision.treatment a"
        f" JOIN decision.treatment b USING (treatment_id) WHERE a.as_of = DATE '{JANUARY}' AND b.as_of = DATE '{DECEMBER}'"
        " AND a.state = 'open' AND b.state = 'open' AND list_has_any(split(a.rules, ','), split(b.rules, ','))",
    )[0]
    assert kept[0] == kept[1] > 0
    reviewed = rows(
        workspace, f"SELECT customer_id, reviewed_on FROM decision.review WHERE as_of = DATE '{JANUARY}' AND carried_forward"
    )
    assert reviewed
    assert {day for _, day in reviewed} == {DECEMBER}

    ranked = rows(workspace, "SELECT rank, exposure_at_risk, next_action_zh FROM mart.worklist ORDER BY rank")
    assert [place for place, _, _ in ranked] == list(range(1, len(ranked) + 1))
    assert [risk for _, risk, _ in ranked] == sorted((risk for _, risk, _ in ranked), reverse=True)
    sums = dict(rows(workspace, "SELECT dimension, SUM(total_exposure) FROM mart.portfolio GROUP BY dimension"))
    assert len({sums[each] for each in ("all", "tier", "segment", "industry", "country")}) == 1
    assert sums["all"] > Decimal(0)

    capsys.readouterr()
    assert run(["-w", str(workspace.root), "show", "mart.worklist"]) == 0
    shown = capsys.readouterr().out
    assert [text in shown for text in ("next_action ", "Call", "电话沟通", "due_date")] == [True] * 4
    the_portfolio_is_told(workspace, capsys)
    a_feed_that_changes_nothing_is_told(workspace, capsys)


def the_portfolio_is_told(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Five customers: the largest owes more than the policy wants of one."""
    told = [json.loads(_printed(workspace, capsys, "alerts", "list", "--json", *more)) for more in ((), ("--severity", "high"))]
    top = next(each for each in told[0]["portfolio"] if each["member"] == "top1")
    assert (top["kind"], top["cap"], top["owner_role"]) == ("exposure_share", 0.15, "head_of_credit")
    assert top["value"] > top["cap"]
    assert told[1]["portfolio"] == []
    listed = _printed(workspace, capsys, "alerts", "list")
    print_summary(workspace, [JANUARY])
    for text in (listed, capsys.readouterr().out):
        assert f"Largest customer or group: {100 * top['value']:.1f} % of all exposure, at most 15.0 %" in text
        assert "最大的客户或集团：占总敞口" in text
        assert "Head of credit to decide" in text


def a_feed_that_changes_nothing_is_told(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Trade references alone leave everybody on the scorecard of a ledger, which does not ask for them."""
    (workspace.root / "data" / "references.csv").write_text("no,customer,day,kind\n1,C1,2025-01-05,supplier\n", encoding="utf-8")
    (workspace.feeds_dir / "trade_reference.yaml").write_text(REFERENCES, encoding="utf-8")
    told = _printed(workspace, capsys, "ingest", "trade_reference")
    assert (
        "trade_reference is delivered and changes nothing: policy 2026.1 reads it in the scorecard corporate, small, sole" in told
    )
    assert "数据源 trade_reference 已交付" in told


def _printed(workspace: Workspace, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(["-w", str(workspace.root), *words]) == 0
    return capsys.readouterr().out


def test_people_say_what_was_done(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    def do(*words: str) -> tuple[int, str, str]:
        code = run(["-w", str(workspace.root), "treatment", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    listed = json.loads(do("list", "--customer", "C3", "--json")[1])
    mine = [row for row in listed["rows"] if row["owner_role"] == "credit_manager"]
    assert [row["priority"] for row in listed["rows"]] == sorted(row["priority"] for row in listed["rows"])
    assert {row["state"] for row in listed["rows"]} == {"open"}
    first, second = mine[0]["treatment_id"], mine[1]["treatment_id"]
    code, told, _ = do("list", "--owner", "credit_manager")
    assert code == 0
    for text in (
        first,
        mine[0]["action_zh"],
        mine[0]["reason_en"],
        SEVERITIES[-mine[0]["priority"]],
        "Credit manager, since 2024-12-31",
    ):
        assert text in told

    on = ("--on", "2025-01-02")
    for words, exit_code, message in (
        (("done", first, "--by", "sam", *on), 3, "sam (sales_manager) may not say"),
        (("done", "dance:C3", "--by", "mia", *on), 2, "there is no treatment dance:C3"),
        (("waive", first, "--by", "mia", *on), 2, "needs a reason"),
        (("done", first, "--by", "mia", "--on", "2024-12-30"), 2, "was first asked for on 2024-12-31"),
        (("list", "--state", "gone"), 2, "is not known"),
    ):
        found, _, error = do(*words)
        assert (found, message in error) == (exit_code, True), error
    code, told, error = do("done", first, "--by", "mia", *on)
    assert (code, "done by mia on 2025-01-02" in told, "已完成" in told) == (0, True, True), error
    assert do("done", first, "--by", "mia", *on)[0] == 3
    row = json.loads(do("waive", second, "--by", "mia", "--reason", "visited in December", *on, "--json")[1])
    assert (row["state"], row["acted_by"], row["said_since"]) == ("waived", "mia", True)
    assert first not in {row["treatment_id"] for row in json.loads(do("list", "--json")[1])["rows"]}

    with Register.open(workspace.register_url) as register:
        events = {name: [(e.actor, e.subject) for e in register.events(name)] for name in ("treatment.done", "treatment.denied")}
    assert events == {"treatment.done": [("mia", first)], "treatment.denied": [("sam", first)]}
