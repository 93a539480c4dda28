"""Segregation of duties: every breach is listed whichever way it came in, a run is told of its own, the policy may block it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.errors import Refused
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.gates.duties import RULES, DutyFacts, check_duties, violations
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.duties import duties
from risk_pipeline.pipeline.ingest import ingest, work_folder
from risk_pipeline.pipeline.made import Maker
from risk_pipeline.policy.lint import check, lint
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.policy.model import Duties
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register
from tests.small_ledger import DECEMBER, NOVEMBER, make_small_workspace

AS_OF = date(2026, 6, 30)
POLICY = read_policy(DEFAULT_POLICY, load_catalogue())
OVERRIDE = {
    "override_id": "O1",
    "customer_id": "C1",
    "override_kind": "notch",
    "notches": -1,
    "reason_code": "site_visit",
    "requested_by": "Ann",
    "requested_on": date(2026, 6, 1),
    "valid_from": date(2026, 6, 1),
    "valid_to": date(2026, 7, 31),
    "verdict": "approved",
    "decided_by": " ann ",
    "decided_role": "credit_analyst",
    "verdict_on": date(2026, 6, 2),
}
BY_MIA = {**OVERRIDE, "decided_by": "mia"}
LIMIT = {"limit_decision_id": "L1", "customer_id": "C1", "decided_as_of": AS_OF, "verdict": "approved", "verdict_on": AS_OF}
STATE = {"state_decision_id": "Z1", "customer_id": "C1", "requested_by": "ann", "decided_by": "ann", "verdict_on": AS_OF}
FINDING = {"finding_id": "F1", "customer_id": "C1", "review_state": "cleared", "reviewed_by": "ann"}
Feeds = dict[str, dict[str, Any]]


def seen(feeds: Feeds) -> duckdb.DuckDBPyConnection:
    """A connection that sees one row of some feeds, and no row of the others."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA feed")
    for table in FEED_TABLES:
        con.execute(f"CREATE TABLE feed.{table.name} ({', '.join(f'{c.name} {DUCKDB_TYPE[c.kind]}' for c in table.columns)})")
    for name, row in feeds.items():
        con.execute(f"INSERT INTO feed.{name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
    return con


CASES: list[tuple[str, Feeds, dict[str, Any], bool]] = [
    ("policy_author_approves", {}, {"approvers": ("Credit_Policy_Owner",)}, True),
    ("policy_author_approves", {}, {"approvers": ("dora",)}, False),
    ("policy_approval_unrecorded", {}, {"approval": "unrecorded"}, True),
    ("policy_approval_unrecorded", {}, {"approval": "recorded"}, False),
    ("override_requester_approves", {"override": OVERRIDE}, {}, True),
    ("override_requester_approves", {"override": BY_MIA}, {}, False),
    ("override_requester_approves", {"override": {**OVERRIDE, "verdict": "requested"}}, {}, False),
    ("override_requester_approves", {"override": {**OVERRIDE, "valid_to": date(2026, 6, 29)}}, {}, False),
    ("limit_requester_approves", {"override": BY_MIA, "limit_decision": {**LIMIT, "decided_by": "ANN"}}, {}, True),
    ("limit_requester_approves", {"override": BY_MIA, "limit_decision": {**LIMIT, "decided_by": "ben"}}, {}, False),
    ("customer_state_requester_approves", {"customer_state_decision": {**STATE, "verdict": "rejected"}}, {}, True),
    ("customer_state_requester_approves", {"customer_state_decision": {**STATE, "verdict": "withdrawn"}}, {}, False),
    ("finding_cleared_by_confirmer", {"due_diligence_finding": FINDING}, {"confirmed": [("F1", "Ann")]}, True),
    ("finding_cleared_by_confirmer", {"due_diligence_finding": FINDING}, {"confirmed": [("F1", "ben"), ("F2", "ann")]}, False),
    ("launcher_approves", {"override": BY_MIA}, {"launcher": "Mia"}, True),
    ("launcher_approves", {"override": BY_MIA}, {"launcher": "Mia", "on": date(2026, 8, 1)}, False),
    ("launcher_approves", {"limit_decision": {**LIMIT, "decided_by": "mia"}}, {"launcher": "mia"}, True),
    ("launcher_approves", {"customer_state_decision": {**STATE, "verdict": "approved"}}, {"launcher": "ann"}, True),
    ("launcher_approves", {}, {"launcher": "dora", "approvers": ("dora",), "approval": "recorded"}, True),
    ("launcher_approves", {}, {"launcher": "root"}, False),
]


@pytest.mark.parametrize(("duty", "feeds", "facts", "breach"), CASES)
def test_a_breach_of_each_duty_is_told_and_blocks_where_the_policy_says_so(
    duty: str, feeds: Feeds, facts: dict[str, Any], breach: bool
) -> None:
    blocking = POLICY.model_copy(update={"duties": Duties.model_validate({"block": [duty]})})
    for policy, severity in ((POLICY, "warn"), (blocking, "error")):
        given = DutyFacts(**{"policy": policy, "approval": "shipped", "on": AS_OF, **facts})
        results = {each.check_name: each for each in check_duties(seen(feeds), given)}
        result = results.pop(f"duty_{duty}")
        assert (result.passed, result.severity, result.blocks) == (not breach, severity, breach and severity == "error")
        assert result.n_failed == int(breach)
        assert not any(each.blocks for each in results.values())


def test_every_duty_has_a_case_it_catches() -> None:
    assert {duty for duty, _, _, breach in CASES if breach} == {rule.name for rule in RULES}


def test_nothing_is_said_of_a_run_that_nobody_decided_for() -> None:
    assert all(each.passed for each in check_duties(duckdb.connect(), None))
    assert violations(seen({}), DutyFacts(policy=POLICY, approval="shipped", launcher="ann", on=AS_OF)) == []


def test_the_policy_names_only_duties_there_are() -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    policy, _ = check(text, load_catalogue())
    assert policy is not None
    assert policy.duties.block == ()
    (finding,) = lint(text.replace("duties: {block: []}", "duties: {block: [launcher_aproves]}"), load_catalogue())
    assert finding.line == 1 + text[: text.index("duties: {block")].count("\n")
    assert "launcher_approves" in finding.message


# ---------------------------------------------------------------- from a feed to a refused publication


def policy_file(workspace: Workspace, *duty: str) -> None:
    """A version of 2024, approved by hand, which blocks these."""
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    for old, new in (
        ('version: "2026.1"', 'version: "strict"'),
        ("effective_from: 2000-01-01", "effective_from: 2024-01-01"),
        ("approver: shipped_default", "approver: dora"),
        ("duties: {block: []}", f"duties: {{block: [{', '.join(duty)}]}}"),
    ):
        assert old in text
        text = text.replace(old, new)
    (workspace.policy_dir / "strict.yaml").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_from_a_feed_to_the_list_and_to_a_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, now = Workspace.load(make_small_workspace(tmp_path / "w")), datetime(2025, 1, 2, tzinfo=UTC)
    workspace.warehouse.mkdir()
    rows = [
        {**OVERRIDE, **dict.fromkeys(("requested_on", "valid_from", "verdict_on"), NOVEMBER), "valid_to": date(2025, 1, 31)},
    ]
    rows.append({**rows[0], "override_id": "O2", "customer_id": "C2", "decided_by": "mia"})
    with Register.open(workspace.register_url) as register:
        ingest(workspace, register, now=now)
        with work_folder(workspace) as work:
            maker = Maker(workspace, register, FeedStore(Lake(workspace.lake), register), now, work)
            assert maker.deliver("override", rows, "system.csv", {}).state == "effective"
            for state in ("confirmed", "cleared"):
                finding = {"kind": "litigation", "published_date": NOVEMBER, **FINDING, "review_state": state}
                assert maker.deliver("due_diligence_finding", [finding], "review.csv", {}).state == "effective"

        told = assess(workspace, register, as_of=NOVEMBER, by="Mia", now=now + timedelta(hours=1))
        failed = {check.check_name: check.detail for check in told.checks if not check.passed}
        assert "override O1 of customer C1 by ann" in failed["duty_override_requester_approves"]
        assert "override O2 of customer C2 by mia" in failed["duty_launcher_approves"]
        assert "duty_policy_approval_unrecorded" not in failed

        policy_file(workspace, "override_requester_approves")
        with pytest.raises(Refused, match="Whoever asked for an override approved it: override O1 of customer C1"):
            assess(workspace, register, as_of=DECEMBER, by="ola", now=now + timedelta(hours=2))
        assert [(r.state, r.as_of) for r in register.runs()] == [("published", NOVEMBER), ("refused", DECEMBER)]
        refused = register.events("run.refused")[0].detail["message"]
        assert "factor.people_decision duty_override_requester_approves" in refused

        found = [(b.violation.duty, b.violation.subject, b.as_of) for b in duties(workspace, register, now).breaches]
    assert found == [
        ("override_requester_approves", "override O1", None),
        ("finding_cleared_by_confirmer", "finding F1", None),
        ("policy_approval_unrecorded", "policy strict", None),
        ("launcher_approves", "override O2", NOVEMBER),
    ]
    assert run(["-w", str(workspace.root), "audit", "duties"]) == 0
    printed = capsys.readouterr().out
    assert "(blocks a publication under policy strict)" in printed
    assert "人工调整的申请人与审批人为同一人" in printed
    assert "4 breaches of 7 duties" in printed
    assert run(["-w", str(workspace.root), "audit", "duties", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["violations"], said["blocking"]) == (4, ["override_requester_approves"])
