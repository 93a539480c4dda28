"""Overrides and verdicts on limits from the command to the published decision: two people, their authority, the end of it.

One story over a small ledger, told once: what was asked for and refused, what came into force, what an earlier run knew of it.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.pipeline.evidence import evidence
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, assess_ledger, copy_to
from tests.small_ledger import DECEMBER, NOVEMBER

PEOPLE = """\
people:
  ann: [account_manager]
  ben: [credit_analyst]
  mia: [credit_manager]
  Hana: [head_of_credit, credit_manager]
  liu: [legal]
"""
ASKED = ["--reason-code", "site_visit", "--reason", "doubled its orders"]
DECIDED = "SELECT * FROM decision.risk_tier JOIN decision.credit_limit USING (as_of, customer_id) WHERE as_of = ?"


class Office:
    """A workspace and its people: `do` types a command, `decided` assesses a date and reads what is published."""

    def __init__(self, folder: Path) -> None:
        self.workspace = Workspace.load(folder)

    def assess(self, day: date, known_at: datetime | None = None) -> dict[str, dict[str, Any]]:
        assess_ledger(self.workspace.root, day, known_at)
        return self.published(day)

    def published(self, day: date) -> dict[str, dict[str, Any]]:
        """What is published of a date, by customer."""
        with duckdb.connect(str(self.workspace.catalogue), read_only=True) as con:
            found = con.execute(DECIDED, [day])
            names = [column[0] for column in found.description]
            return {row[names.index("customer_id")]: dict(zip(names, row, strict=True)) for row in found.fetchall()}

    def events(self, action: str) -> list[tuple[str, dict[str, Any]]]:
        with Register.open(self.workspace.register_url) as register:
            return [(event.actor, dict(event.detail)) for event in register.events(action)]


Do = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def office(november: Assessed, tmp_path: Path) -> Office:
    return Office(copy_to(tmp_path / "w", november.folder, PEOPLE))


@pytest.fixture
def do(office: Office, capsys: pytest.CaptureFixture[str]) -> Do:
    def typed(*words: str, day: str = "2024-12-10") -> tuple[int, Any, str]:
        """Exit code, JSON or text printed, message of an error."""
        on = [] if "--on" in words or words[0] == "explain" or words[1] == "list" else ["--on", day]
        code = run(["-w", str(office.workspace.root), *words, *on])
        printed = capsys.readouterr()
        return code, json.loads(printed.out) if "--json" in words and code == 0 else printed.out, printed.err

    return typed


def asked(do: Do, *words: str) -> str:
    code, told, error = do("override", "request", *words, *ASKED, "--json")
    assert code == 0, error
    return str(told["override_id"])


def verdicts_on_limits(office: Office, do: Do) -> None:
    """C4 gets its computed limit, C2 does not; sales and limits that wait for nobody are refused."""
    waits, why = office.published(NOVEMBER)["C4"], ["--reason", "seen the accounts"]
    pending = {c for c, row in office.published(NOVEMBER).items() if row["approval_status"] == "pending"}
    listed = do("limit", "list", "--json")[1]["rows"]
    assert {row["customer_id"] for row in listed} == pending
    analyst = {row["customer_id"] for row in do("limit", "list", "--role", "credit_analyst", "--json")[1]["rows"]}
    assert analyst == {c for c in pending if office.published(NOVEMBER)[c]["required_authority"] == "credit_analyst"}
    assert (waits["approval_status"], waits["required_authority"], waits["effective_limit"]) == ("pending", "credit_analyst", 0)
    for customer, by, said in (("C4", "ann", "may not have approved a limit"), ("C1", "mia", "is auto: it waits for nobody")):
        code, _, error = do("limit", "approve", customer, "--by", by, *why)
        assert (code, said in error) == (3, True), error
    code, told, error = do("limit", "approve", "C4", "--by", "ben", *why, "--json")
    assert code == 0, error
    assert (told["decided_as_of"], told["amount"]) == ("2024-11-30", f"{waits['limit_reporting']:.2f}")
    assert do("limit", "reject", "C2", "--by", "mia", *why)[0] == 0
    told = do("limit", "list")[1]
    assert "approved by ben on 2024-12-10, counts from the next run on" in told
    assert "mia 于 2024-12-10 已拒绝" in told
    assert [actor for actor, _ in office.events("limit.denied")] == ["ann"]


def test_two_people_move_a_tier_and_limits(office: Office, do: Do) -> None:
    before = office.published(NOVEMBER)
    assert (before["C2"]["tier"], before["C1"]["limit_reporting"]) == ("high", 1_800)
    notch = asked(do, "C2", "--notch", "1", "--by", "ann")
    limit = asked(do, "C1", "--limit", "2500", "--by", "ben")

    # Nobody approves what they asked for, nor without the authority for it, nor does sales; each attempt is kept.
    for by, number, said in (
        ("ANN", notch, "ann asked for"),
        ("ben", notch, "has no authority over a notch of +1"),
        ("ben", limit, "ben asked for"),
        ("ann", limit, "ann is account_manager, which never decides"),
        ("liu", limit, "liu is legal, which never decides"),
    ):
        code, _, error = do("override", "approve", number, "--by", by)
        assert (code, said in error) == (3, True), error
    assert [(actor, detail["rule"]) for actor, detail in office.events("override.denied")] == [
        ("ann", "self_approval"),
        ("ben", "role_not_authorised"),
        ("ben", "self_approval"),
        ("ann", "role_never_approves"),
        ("liu", "role_not_authorised"),
    ]

    between = datetime.now(UTC)
    verdicts_on_limits(office, do)
    for number, by in ((notch, "mia"), ("C1", "hana")):  # by customer: one request of theirs waits
        code, told, error = do("override", "approve", number, "--by", by, "--json", day="2024-12-12")
        assert code == 0, error
        assert told["state"] == "in_force"
    assert do("override", "approve", notch, "--by", "mia")[0] == 3  # it is in force already
    assert told["decided_role"] == "head_of_credit"

    after = office.assess(DECEMBER)
    assert (after["C2"]["notched_tier"], after["C2"]["tier"], after["C2"]["binding_rule"]) == ("medium", "medium", "notch_up")
    assert (after["C2"]["notch_id"], after["C2"]["notch_status"]) == (notch, "in_force")
    assert (after["C1"]["limit_reporting"], after["C1"]["applied_source"]) == (2_500, "manual")
    assert (after["C1"]["manual_limit_id"], after["C1"]["manual_limit_status"]) == (limit, "in_force")
    assert (after["C2"]["approval_status"], after["C2"]["effective_limit"]) == ("rejected", 0)
    assert (after["C4"]["approval_status"], after["C4"]["effective_limit"]) == ("approved", after["C4"]["limit_reporting"])

    for customer, words in (
        (
            "C2",
            (f"{notch}: tier by +1 (better), until", "in force", "等级调整 +1 档（上调）", "by an approved override, better"),
        ),
        ("C1", (f"{limit}: limit 2,500.00 EUR, until", "额度 2,500.00 EUR")),
    ):
        text = " ".join(do("explain", customer, "--as-of", str(DECEMBER))[1].split())
        assert [each for each in words if each not in text] == [], text

    # What a run knew earlier stays what it knew: the verdicts came after it.
    earlier = office.assess(DECEMBER, known_at=between)
    assert (earlier["C2"]["tier"], earlier["C1"]["applied_source"]) == ("high", "computed")
    assert (earlier["C2"]["override_pending"], earlier["C4"]["approval_status"]) == (notch, "pending")
    actions = [actor for verb in ("requested", "approved") for actor, _ in office.events(f"override.{verb}")]
    assert actions == ["ann", "ben", "mia", "Hana"]


def test_requests_are_taken_back_rejected_listed_and_run_out(office: Office, do: Do) -> None:
    first = asked(do, "C1", "--temporary-limit", "2000", "--until", "2025-01-15", "--by", "ann")
    code, _, error = do("override", "request", "C1", "--temporary-limit", "9", "--until", "2025-01-15", "--by", "mia", *ASKED)
    assert (code, f"{first} asks for a limit for a time of C1 already" in error) == (3, True)
    code, _, error = do("override", "withdraw", first, "--by", "mia")
    assert (code, "only they take it back" in error) == (3, True)
    assert do("override", "withdraw", first, "--by", "ann")[0] == 0
    second = asked(do, "C1", "--temporary-limit", "2000", "--until", "2025-01-15", "--by", "ann")
    assert do("override", "reject", second, "--by", "ben", "--reason", "no orders in hand")[0] == 0
    third = asked(do, "C1", "--notch", "-1", "--until", "2024-12-20", "--by", "mia")
    assert do("override", "approve", third, "--by", "ben", day="2024-12-11")[0] == 0

    def states(day: str, *words: str) -> dict[str, str]:
        return {row["override_id"]: row["state"] for row in do("override", "list", "--on", day, "--json", *words)[1]["rows"]}

    assert states("2024-12-12") == {first: "withdrawn", second: "rejected", third: "in_force"}
    assert states("2024-12-21", "--state", "lapsed") == {third: "lapsed"}
    assert states("2024-12-21", "--customer", "C2") == {}
    code, text, _ = do("override", "list", "--on", "2024-12-12", "--customer", "C1")
    assert code == 0
    for words in ("in force 生效中", "tier by -1 (worse), 2024-12-10 to 2024-12-20", "Findings of a visit", "实地走访结果"):
        assert words in text
    # Two people end what two people began.
    assert do("override", "withdraw", third, "--by", "mia", day="2024-12-15")[0] == 3
    assert do("override", "withdraw", third, "--by", "hana", day="2024-12-15")[0] == 0
    assert states("2024-12-15") == {first: "withdrawn", second: "rejected", third: "lapsed"}
    assert states("2024-12-14")[third] == "in_force"


def test_a_hold_is_released_for_some_days_by_two_people_and_not_again_too_soon(office: Office, do: Do) -> None:
    """C3 stopped paying: held at more than 60 days, in default with us a month later. Its new goods are paid in advance."""
    assert office.published(NOVEMBER)["C3"]["hold_reasons"].startswith("KO06")
    release = ["--release-hold", "--by", "ann"]
    code, _, error = do("override", "request", "C1", *release, *ASKED)
    assert (code, "C1 is not on hold" in error) == (3, True)
    code, _, error = do("override", "request", "C3", *release, *ASKED, "--until", "2025-01-15")
    assert (code, "until 2024-12-24 at most (14 days)" in error) == (2, True)
    number = asked(do, "C3", *release)
    code, _, error = do("override", "approve", number, "--by", "ben")
    assert (code, "ben (credit_analyst) has no authority over holds" in error) == (3, True)
    code, text, _ = do("override", "approve", number, "--by", "mia", "--reason", "prepaid", day="2024-12-20")
    assert (code, "hold released, 2024-12-10 to 2024-12-24" in text, "解除冻结" in text) == (0, True, True)

    again = asked(do, "C3", *release, "--from", "2024-12-25")
    code, _, error = do("override", "approve", again, "--by", "mia", day="2024-12-31")
    assert (code, f"released on 2024-12-20 already ({number})" in error, "head_of_credit" in error) == (3, True, True)
    denied = office.events("override.denied")
    assert [(actor, detail["rule"]) for actor, detail in denied][-1] == ("mia", "released_lately")
    assert do("override", "approve", again, "--by", "hana", day="2024-12-31")[0] == 0  # a higher level

    after = office.assess(DECEMBER)["C3"]
    assert (after["hold"], after["hold_reasons"][:4], after["tier"]) == (False, "KO05", "restricted")
    assert (after["hold_release_id"], after["hold_release_status"]) == (again, "in_force")
    assert (after["override_violation"], after["hold_release_until"]) == (None, date(2025, 1, 8))
    with duckdb.connect(str(office.workspace.catalogue), read_only=True) as con:
        asked_for = con.execute(
            "SELECT state FROM decision.treatment WHERE as_of = ? AND action = 'hold_orders' AND customer_id = 'C3'", [DECEMBER]
        ).fetchall()
    assert asked_for == [("superseded",)]
    text = " ".join(do("explain", "C3")[1].split())
    for words in (
        f"released until 2025-01-08 ({again}); it would be on hold because",
        "In default with us",
        "hold released, until",
    ):
        assert words in text, text
    the_packs_name_who_released_it(office, again)


def the_packs_name_who_released_it(office: Office, number: str) -> None:
    with Register.open(office.workspace.register_url) as register:
        of_customer, of_run = (evidence(office.workspace, register, said) for said in ("C3", f"{DECEMBER}"))
    page = of_customer["index.html"].decode()
    for words in (
        f"released until 2025-01-08 ({number}); without it, on hold for the reasons below",
        f"{number}: hold released, until 2025-01-08: in force",
        "Findings of a visit: doubled its orders",
        "ann (Account manager), 2024-12-10",
        "approved: Hana (Head of credit), 2024-12-31",
        "2024-12-25 – 2025-01-08",
        "override.denied",
    ):
        assert words in page, words
    by_hand = list(csv.DictReader(io.StringIO(of_run["by_hand.csv"].decode())))
    assert [row["hold_release_id"] for row in by_hand if row["customer_id"] == "C3"] == [number]
    assert "Customers whose hold is released" in of_run["index.html"].decode()


def test_a_deputy_decides_for_a_time_and_never_what_the_other_asked_for(office: Office, do: Do) -> None:
    """Over Christmas ben stands in for mia, liu for a month too long, ann never approves."""
    settings = office.workspace.root / "risk.yaml"
    deputies = [
        "{who: ben, for: mia, role: credit_manager, from: 2024-12-09, until: 2025-01-03}",
        "{who: liu, for: mia, role: credit_manager, from: 2024-12-01, until: 2024-12-31}",
        "{who: ann, for: mia, role: credit_manager, from: 2024-12-09, until: 2024-12-12}",
    ]
    settings.write_text(f"{settings.read_text(encoding='utf-8')}deputies: [{', '.join(deputies)}]\n", encoding="utf-8")
    of_mia, of_ann = asked(do, "C1", "--notch", "-1", "--by", "mia"), asked(do, "C2", "--notch", "1", "--by", "ann")
    manager = ["--role", "credit_manager"]
    for words, code, said in (
        (["C2", "--by", "ben"], 3, "ben (credit_analyst) has no authority over a notch of +1"),  # for mia only when he says so
        ([of_mia, "--by", "ben", *manager], 3, "mia asked for " + of_mia + " and cannot judge it, nor ben for them"),
        ([of_ann, "--by", "liu", *manager], 2, "liu acts for mia from 2024-12-01 until 2024-12-31, longer than 30 days"),
        ([of_ann, "--by", "ann", *manager], 3, "ann is account_manager, which never approves, not for another either"),
        ([of_ann, "--by", "ben", *manager, "--on", "2025-01-04"], 2, "stands in as such from 2024-12-09 until 2025-01-03"),
    ):
        found, _, error = do("override", "approve", *words)
        assert (found, said in error) == (code, True), error
    assert do("override", "approve", of_ann, "--by", "ben", *manager)[0] == 0
    actor, detail = office.events("override.approved")[-1]
    assert (actor, detail["role"], detail["acts_for"]) == ("ben", "credit_manager", "mia")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("override list --customer NOBODY", "customer NOBODY is not in the assessment of 2024-11-30"),
        ("customer-state list --customer NOBODY", "customer NOBODY is not in the assessment"),
        ("alerts list --customer NOBODY", "customer NOBODY is not in the assessment"),
        ("treatment list --customer NOBODY", "customer NOBODY is not in the assessment"),
        ("alerts list --rule A55", "--rule 'A55' is not known"),
        ("treatment list --owner manager", "--owner 'manager' is not known"),
        ("limit list --role legal", "--role 'legal' is not known"),
        ("override list --state open", "--state 'open' is not known"),
        ("override list --on soon", "--on 'soon' is no date"),
    ],
)
def test_a_misspelt_filter_is_no_empty_list(
    november: Assessed, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    code = run(["-w", str(november.folder), *words.split()])
    told, error = capsys.readouterr()
    assert (code, told, said in error, "-> " in error) == (2, "", True, True), error


WRONG = [
    (["CX", "--notch", "1", "--by", "ann"], 2, "customer CX is not in the assessment of 2024-11-30"),
    (["C1", "--notch", "1", "--by", "bob"], 2, "names nobody called 'bob'; named there: ann, ben, mia, Hana, liu"),
    (["C1", "--notch", "1", "--by", "ann", "--role", "cfo"], 2, "ann is not cfo"),
    (["C1", "--notch", "2", "--by", "ann"], 2, "+2 is no notch policy"),
    (["C1", "--notch", "0", "--by", "ann"], 2, "+0 is no notch policy"),
    (["C1", "--by", "ann"], 2, "one thing at a time"),
    (["C1", "--notch", "1", "--limit", "5", "--by", "ann"], 2, "one thing at a time"),
    (["C1", "--limit", "1,5", "--by", "ann"], 2, "--limit '1,5' is no amount"),
    (["C1", "--limit", "5", "--currency", "USD", "--by", "ann"], 2, "the limit of C1 is not in USD"),
    (["C1", "--temporary-limit", "5", "--by", "ann"], 2, "needs its last day"),
    (["C1", "--temporary-limit", "5", "--until", "2025-03-01", "--by", "ann"], 2, "lasts until 2025-02-08 at most (60 days)"),
    (["C1", "--notch", "1", "--from", "2024-01-01", "--until", "2024-02-01", "--by", "ann"], 2, "it would be over on 2024-02-01"),
]


def test_what_cannot_be_asked_for_is_said_with_a_remedy(office: Office, do: Do) -> None:
    for words, expected, said in WRONG:
        code, _, error = do("override", "request", *words, *ASKED)
        assert (code, said in error, "-> " in error) == (expected, True, True), (words, error)
    code, _, error = do("override", "request", "C1", "--notch", "1", "--by", "ann", "--reason-code", "luck", "--reason", "x")
    assert (code, "has no reason code 'luck'" in error, "site_visit (Findings of a visit)" in error) == (2, True, True)
    code, _, error = do("override", "request", "C1", "--notch", "1", "--by", "ann", *ASKED, "--on", "2999-01-01")
    assert (code, "has not come yet" in error) == (2, True)
    code, _, error = do("override", "approve", "O-none", "--by", "mia")
    assert (code, "there is no override O-none" in error) == (2, True)
    code, _, error = do("override", "approve", "C2", "--by", "mia")
    assert (code, "there is no override C2" in error) == (2, True)
    assert office.events("override.requested") == []
