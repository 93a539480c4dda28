"""Overrides and versions of the policy over random sequences of what people try: only declared edges, and two people for each.

What the decision itself moves (customers, early warnings, treatments) is in tests/property/test_decision_properties.py.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.errors import RiskError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline import overrides as book
from risk_pipeline.pipeline import policy_versions
from risk_pipeline.pipeline.people import Desk
from risk_pipeline.policy.lint import check
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, copy_to

PEOPLE = "people: {ann: [account_manager], ben: [credit_analyst], mia: [credit_manager], Hana: [head_of_credit], Emil: [cfo]}\n"
NAMES = ("ann", "ben", "mia", "Hana", "Emil")
# By what people say; and by the days that pass.
SAID = {
    ("requested", "approved"): {"in_force", "ahead"},
    ("requested", "rejected"): {"rejected"},
    ("requested", "withdrawn"): {"withdrawn"},
    ("in_force", "withdrawn"): {"lapsed"},
    ("ahead", "withdrawn"): {"lapsed"},
}
PASSED = {"requested": {"lapsed"}, "ahead": {"in_force", "lapsed"}, "in_force": {"lapsed"}}
OVER = ("lapsed", "rejected", "withdrawn")
VERDICTS: tuple[book.Verdict, ...] = ("approved", "approved", "rejected", "withdrawn")
STEPS = 60


def _asked(chance: random.Random, customer: str, day: date) -> book.Asked:
    start = day + timedelta(days=chance.choice([0, 0, 5]))
    until = start + timedelta(days=chance.choice([0, 10, 30]))
    given: dict[str, Any] = {
        "customer_id": customer,
        "reason_code": "site_visit",
        "reason": "seen",
        "start": start,
        "until": until,
    }
    if chance.random() < 0.5:
        return book.Asked(kind="notch", notches=chance.choice([-2, -1, 1]), **given)
    return book.Asked(
        kind=chance.choice(["limit", "temporary_limit"]), amount=Decimal(chance.choice([100, 3_000, 90_000])), **given
    )


def test_overrides_take_only_declared_edges(november: Assessed, tmp_path: Path) -> None:
    workspace = Workspace.load(copy_to(tmp_path / "office", november.folder, PEOPLE))
    chance, day, now = random.Random(5), date(2024, 12, 1), datetime(2025, 9, 1, tzinfo=UTC)
    done: set[tuple[str, str, str]] = set()
    requested_by: dict[str, str] = {}
    refused = 0
    with Register.open(workspace.register_url) as register:

        def states(on: date) -> dict[str, str]:
            return {row["override_id"]: row["state"] for row in book.overrides(workspace, register, on)}

        before = states(day)
        for _ in range(STEPS):
            passed = states(day := day + timedelta(days=chance.choice([0, 0, 1, 4])))
            done |= {("time", before[name], state) for name, state in passed.items() if state != before[name]}
            now += timedelta(minutes=1)
            desk, name = Desk.open(workspace, register, now, day), chance.choice(NAMES)
            by = desk.person(name)
            try:
                if not passed or chance.random() < 0.4:
                    told = book.request(desk, by, _asked(chance, chance.choice(["C1", "C2"]), day))
                    requested_by[told.row["override_id"]] = name
                    edge = ("", "request")
                else:
                    number = chance.choice([each for each in passed if passed[each] not in OVER] or sorted(passed))
                    verdict = chance.choice(VERDICTS) if passed[number] == "requested" else "withdrawn"
                    if (passed[number], verdict) == ("requested", "withdrawn") and chance.random() < 0.7:
                        by = desk.person(name := requested_by[number])
                    told = book.judge(desk, by, number, verdict, "because")
                    edge = (passed[number], verdict)
                    assert (told.row["requested_by"] == name) == (edge == ("requested", "withdrawn"))
            except RiskError:
                refused += 1
                before = states(day)
                assert before == passed, "what was refused changes nothing"
                continue
            before = states(day)
            changed = {number for number in before if before[number] != passed.get(number)}
            assert changed == {told.row["override_id"]}
            done.add((*edge, before[told.row["override_id"]]))
    said = {(state, verdict, after) for state, verdict, after in done if state not in ("time", "")}
    assert all(after in SAID[state, verdict] for state, verdict, after in said), said
    assert all(after in PASSED[state] for kind, state, after in done if kind == "time"), done
    assert {(state, verdict) for state, verdict, _ in said} >= set(SAID) - {("ahead", "withdrawn")}
    assert refused > 10


@pytest.fixture
def office(tmp_path: Path) -> Workspace:
    (tmp_path / "risk.yaml").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "policy").mkdir()
    text = DEFAULT_POLICY.read_text(encoding="utf-8")
    for old, new in (
        ('version: "2026.1"', 'version: "own"'),
        ("effective_from: 2000-01-01", "effective_from: 2026-05-01"),
        ("status: approved  ", "status: draft  "),
        ("author: credit_policy_owner", "author: Hana"),
        ("approver: shipped_default", "approver: null"),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "policy" / "own.yaml").write_text(text, encoding="utf-8")
    return Workspace.load(tmp_path)


def test_a_version_of_the_policy_goes_from_draft_to_approved_to_retired_and_nowhere_else(office: Workspace) -> None:
    chance, now = random.Random(2), datetime(2026, 6, 1, tzinfo=UTC)
    file = office.root / "policy" / "own.yaml"
    office.warehouse.mkdir()
    done: list[tuple[str, str, str]] = []
    refused: set[tuple[str, str, str]] = set()

    def status() -> str:
        policy, _ = check(file, load_catalogue())
        assert policy is not None
        return policy.status

    with Register.open(office.register_url) as register:
        before = status()
        while len(done) < 2 or len(refused) < 6:
            now += timedelta(minutes=1)
            desk, name, act = Desk.open(office, register, now), chance.choice(NAMES), chance.choice(["approve", "retire"])
            try:
                if act == "approve":
                    policy_versions.approve(desk, "own", name, None)
                else:
                    policy_versions.retire(desk, "own", name, None, "because")
            except RiskError:
                refused.add((before, act, name))
                assert status() == before
                continue
            done.append((before, name, before := status()))
        approvals = [event.actor for event in register.events(policy_versions.APPROVED)]
    assert [(one, other) for one, _, other in done] == [("draft", "approved"), ("approved", "retired")]
    assert done[0][1] in ("Emil",), "Hana wrote it, the others may not"
    assert approvals == [done[0][1]]
