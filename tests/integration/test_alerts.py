"""Alerts from the run to the person and back: raised, listed in both languages, dealt with, followed by the next assessment."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, assess_ledger, copy_to
from tests.small_ledger import DECEMBER

pytestmark = pytest.mark.slow
PEOPLE = "people:\n  mia: [credit_manager]\n  liu: [legal]\n  col: [collections, legal]\n  hana: [head_of_credit]\n"


class Office:
    """A workspace of five customers; C3 stopped paying in August, C4 pays 40 days late."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.workspace, self._capsys = Workspace.load(folder), capsys

    def published(self, day: date) -> dict[str, dict[str, Any]]:
        with duckdb.connect(str(self.workspace.catalogue), read_only=True) as con:
            found = con.execute("SELECT * FROM decision.alert WHERE as_of = ?", [day])
            names = [column[0] for column in found.description]
            return {row[names.index("alert_id")]: dict(zip(names, row, strict=True)) for row in found.fetchall()}

    def do(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, JSON or text printed, message of an error."""
        code = run(["-w", str(self.workspace.root), "alerts", *words])
        printed = self._capsys.readouterr()
        return code, json.loads(printed.out) if "--json" in words and code == 0 else printed.out, printed.err

    def events(self, action: str) -> list[tuple[str, str, dict[str, Any]]]:
        with Register.open(self.workspace.register_url) as register:
            return [(event.actor, event.subject, dict(event.detail)) for event in register.events(action)]


JANUARY = date(2025, 1, 31)
ON = ("--on", "2025-01-02")


def test_before_an_assessment_there_is_nothing_to_list(ingested: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, error = Office(ingested, capsys).do("list")
    assert (code, "nothing is published yet" in error) == (1, True)


def test_an_alert_is_raised_dealt_with_and_followed(
    december: Assessed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    office = Office(copy_to(tmp_path / "w", december.folder, PEOPLE), capsys)
    first = office.published(DECEMBER)
    assert first["A05:C3"]["severity"] == "critical"
    assert first["A05:C3"]["first_seen"] == DECEMBER

    _listed_in_both_languages(office)
    _who_may_do_what(office)
    _dealt_with(office)

    assess_ledger(office.workspace.root, JANUARY)
    then = office.published(JANUARY)
    assert (then["A05:C3"]["state"], then["A05:C3"]["acted_by"]) == ("acknowledged", "liu")
    assert (then["A05:C3"]["first_seen"], then["A05:C3"]["last_seen"]) == (DECEMBER, JANUARY)
    assert then["A05:C3"]["escalated_to"] == "head_of_credit"
    assert (then["A08:C3"]["state"], then["A08:C3"]["reason_text"]) == ("closed", "limit was cut on purpose")
    assert (then["A09:C3"]["state"], then["A09:C3"]["due_date"]) == ("open", date(2025, 1, 6))  # its snooze is over
    said = {row["alert_id"]: row["said_since"] for row in office.do("list", "--json")[1]["rows"]}
    assert said["A05:C3"] is False


def _listed_in_both_languages(office: Office) -> None:
    code, told, _ = office.do("list", "--customer", "C3")
    assert code == 0
    for text in (
        "A05:C3", "critical, open 紧急，待处理", "Material debt more than 90 days past due", "重大欠款逾期超过90天", "法务",
        "Playbook: Sudden default",
        "预案：突发违约应急预案",
        "4. Visit the customer - Credit manager, 72 h, by 2025-01-03", "应对措施：法律追偿",
    ):  # fmt: skip
        assert text in told
    _, found, _ = office.do("list", "--severity", "critical", "--json")
    assert found["as_of"] == "2024-12-31"
    assert {row["alert_id"] for row in found["rows"]} == {"A05:C3"}
    assert found["rows"][0]["may_act"] == ["legal", "head_of_credit", "cfo"]
    assert [step["hours"] for step in found["rows"][0]["playbook_steps"]] == [2, 24, 24, 72, 240]
    assert {row["rule"] for row in office.do("list", "--rule", "A08", "--json")[1]["rows"]} == {"A08"}
    assert office.do("list", "--state", "closed", "--json")[1]["rows"] == []
    assert office.do("list", "--state", "gone")[0] == 2
    assert office.do("list", "--as-of", "2023-01-31")[0] == 2


def _who_may_do_what(office: Office) -> None:
    for words, exit_code, message in (
        (("close", "A05:C3", "--by", "mia", "--reason", "no"), 3, "mia (credit_manager) may not close"),
        (("close", "A05:C3", "--by", "nobody", "--reason", "no"), 2, "names nobody called"),
        (("close", "A05:C3", "--by", "liu"), 2, "needs a reason"),
        (("close", "A99:C3", "--by", "liu", "--reason", "no"), 2, "there is no alert A99:C3"),
        (("snooze", "A05:C3", "--by", "liu", "--until", "2025-01-03"), 3, "not at all"),
        (("snooze", "A09:C3", "--by", "mia", "--until", "2025-01-10"), 3, "at most until 2025-01-09 (7 days)"),
        (("snooze", "A09:C3", "--by", "mia", "--until", "2025-01-02"), 2, "is not after"),
    ):
        code, _, error = office.do(*words, *ON)
        assert (code, message in error) == (exit_code, True), error
    assert office.do("ack", "A05:C3", "--by", "liu", "--on", "2024-12-30")[0] == 2
    refused = [(actor, detail["rule"]) for actor, _, detail in office.events("alert.denied")]
    assert refused == [("mia", "role_not_authorised"), ("liu", "snooze_too_long"), ("mia", "snooze_too_long")]


def _dealt_with(office: Office) -> None:
    code, told, error = office.do("ack", "A05:C3", "--by", "liu", *ON)
    assert (code, "acknowledged by liu on 2025-01-02" in told, "已确认" in told) == (0, True, True), error
    assert office.do("snooze", "A09:C3", "--by", "mia", "--until", "2025-01-06", *ON)[0] == 0
    code, row, _ = office.do("close", "A08:C3", "--by", "hana", "--reason", "limit was cut on purpose", *ON, "--json")
    assert (row["state"], row["acted_by"], row["said_since"]) == ("closed", "hana", True)
    assert office.do("close", "A08:C3", "--by", "hana", "--reason", "again", *ON)[0] == 3
    rows = {row["alert_id"]: row["state"] for row in office.do("list", "--customer", "C3", "--json")[1]["rows"]}
    assert (rows["A05:C3"], rows["A09:C3"], "A08:C3" in rows) == ("acknowledged", "snoozed", False)
    (actor, subject, detail) = office.events("alert.closed")[0]
    assert (actor, subject, detail["role"], detail["reason"]) == ("hana", "A08:C3", "head_of_credit", "limit was cut on purpose")
