"""Proposals about the state of a customer from the command to the next assessment, over a small ledger: C3 stopped paying."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from risk_pipeline.cli.app import run
from tests.assessed_ledger import Assessed, copy_to
from tests.integration.test_overrides import PEOPLE, Office
from tests.small_ledger import DECEMBER

JANUARY = date(2025, 1, 31)


def test_a_suspended_customer_is_proposed_judged_and_kept_until_it_is_cured(
    december: Assessed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_to(tmp_path / "w", december.folder, PEOPLE)
    office = Office(folder)
    first = office.published(DECEMBER)
    struck = first["C3"]
    assert (struck["status"], struck["status_rule"], struck["status_since"]) == ("suspended", "active_suspended", DECEMBER)
    assert (struck["tier"], struck["limit_reporting"], struck["default_wait_days"]) == ("restricted", 0, 90)
    assert (first["C1"]["status"], first["C1"]["status_since"], first["C1"]["status_periods"]) == ("active", DECEMBER, 1)

    def do(*words: str) -> tuple[int, str, str]:
        on = [] if words[0] == "list" else ["--on", "2025-01-10"]
        code = run(["-w", str(folder), "customer-state", *words, *on])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    why = ["--reason", "pays its instalments again"]
    for words, code, said in (
        (["propose", "C1", "terminated", "--by", "ann", *why], 3, "C1 is active: no way that people decide"),
        (["propose", "C3", "terminated", "--by", "ann", *why], 3, "from suspended people may propose: probation"),
        (["propose", "C3", "probation", "--by", "ann", "--reason", " "], 2, "needs its reason"),
        (["approve", "Z-none", "--by", "mia"], 2, "there is no proposal Z-none"),
    ):
        found, _, error = do(*words)
        assert (found, said in error) == (code, True), (words, error)
    code, out, error = do("propose", "C3", "probation", "--by", "ben", *why, "--json")
    assert code == 0, error
    number = json.loads(out)["state_decision_id"]
    assert json.loads(out)["approvers"] == ["credit_manager", "head_of_credit", "cfo", "committee"]
    for words, said in (
        (["propose", "C3", "probation", "--by", "mia", *why], f"{number} waits for a verdict"),
        (["approve", number, "--by", "ben"], "ben asked for"),
        (["approve", number, "--by", "ann"], "ann (account_manager) may not have approved"),
        (["withdraw", number, "--by", "mia"], "only they take it back"),
    ):
        found, _, error = do(*words)
        assert (found, said in error) == (3, True), (words, error)
    code, out, error = do("approve", number, "--by", "mia")
    assert (code, "On probation" in out, "观察期" in out, "mia" in out) == (0, True, True, True), error
    assert do("reject", number, "--by", "hana", *why)[0] == 3  # judged already
    listed = json.loads(do("list", "--json")[1])
    assert [(row["customer_id"], row["verdict"], row["decided_role"]) for row in listed["rows"]] == [
        ("C3", "approved", "credit_manager")
    ]
    assert [actor for actor, _ in office.events("customer_state.denied")] == ["ben", "ann", "mia"]
    assert [actor for verb in ("requested", "approved") for actor, _ in office.events(f"customer_state.{verb}")] == ["ben", "mia"]

    assert do("propose", "C3", "probation", "--by", "ann", *why)[0] == 0  # once more: it waits
    january = office.assess(JANUARY)["C3"]  # approved, and not cured
    assert (january["status"], january["status_since"], january["status_periods"]) == ("suspended", DECEMBER, 1)
    assert january["state_pending"] == "probation"
    capsys.readouterr()
    assert run(["-w", str(folder), "explain", "C3"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "Suspended since 2024-12-31: Suspended by a knock-out" in told
    assert "probation is proposed and waits for approval" in told
