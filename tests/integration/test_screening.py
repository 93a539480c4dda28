"""Screening end to end on feed.sanctions_entity, feed.due_diligence_finding and feed.inquiry: who is searched, what is found,
what a verdict does, and that no list, a stale one or a short one clears anybody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from risk_pipeline.engine.asof import create_asof_views
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.screening import screen_workspace
from risk_pipeline.pipeline.verdicts import findings, give_verdict
from risk_pipeline.policy.load import DEFAULT_POLICY
from tests.ingest_support import FIRST, Bench

LIST_HEADER = "id,name,aliases,country,kind,numbers"
ENTRIES = [
    "1,AEROCARIBBEAN AIRLINES,AERO-CARIBBEAN,CU,company,",
    '2,"CHEN, Quanguo",,CN,person,',
    "3,NORDWIND SHIPPING CO. LTD.,NORD VIND; SEA BREEZE MARITIME,CY,company,Registration Number HE 1234567 (Cyprus)",
    "4,OCEAN STAR,,PA,vessel,",
]
CUSTOMERS = [
    "C1,Aerocaribean Airlines S.A.,CU,no,",
    "C2,陈全国,CN,yes,",
    "C3,Rheintal Maschinenbau GmbH,DE,no,",
    "C4,Ocean Star GmbH,DE,no,",
    "C5,Baltic Trade House,CY,no,HE-1234567",
    "C6,Shipping Company Nordstern,DE,no,",
]
LIST_COLUMNS: dict[str, dict[str, Any]] = {
    "source": {"value": "OWN"},
    "entity_id": {"from": "id"},
    "listed_date": {"value": "2020-01-01"},
    "name": {"from": "name"},
    "aliases": {"from": "aliases"},
    "country_code": {"from": "country"},
    "entity_kind": {"from": "kind"},
    "identifiers": {"from": "numbers"},
}
CUSTOMER_COLUMNS = {
    "customer_id": {"from": "id"},
    "name": {"from": "name"},
    "country_code": {"from": "country"},
    "natural_person": {"from": "person"},
    "registration_number": {"from": "number"},
}


class Desk(Bench):
    """A bench with a customer master and one sanctions list."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.feed("customer", CUSTOMER_COLUMNS, "customers.csv", assertions={"max_drop_pct": 100})
        self.feed("sanctions_entity", LIST_COLUMNS, "list.csv")
        self.customers(CUSTOMERS)
        self.entries(ENTRIES)

    def customers(self, rows: list[str]) -> None:
        self.file("customers.csv", ["id,name,country,person,number", *rows])

    def entries(self, rows: list[str]) -> None:
        self.file("list.csv", [LIST_HEADER, *rows])

    def found(self) -> dict[str, dict[str, Any]]:
        """The findings in effect by customer."""
        return {row["customer_id"]: row for row in findings(self.workspace, self.register)}

    def results(self) -> dict[str, str]:
        """Result of the newest inquiry of each customer."""
        rows = self.rows("inquiry", "customer_id, result, performed_date", "open")
        return {customer: result for customer, result, _ in sorted(rows, key=lambda row: row[2])}

    def verdict(self, customer: str, verdict: str) -> None:
        self.now += timedelta(days=1)
        number = self.found()[customer]["finding_id"]
        give_verdict(self.workspace, self.register, number, verdict, by="Li Wei", reason="looked at it", now=self.now)  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk after its first ingest, for tests that only look."""
    desk = Desk(tmp_path_factory.mktemp("searched"))
    assert [each.state for each in desk.ingest(now=FIRST)] == ["effective"] * 4
    yield desk
    desk.close()


def test_planted_customers_are_found_and_the_others_are_searched(searched: Desk) -> None:
    """By typo and legal form, in Chinese, by register number alone; a vessel and a neighbour by one word are no hits."""
    desk = searched
    found = desk.found()
    assert set(found) == {"C1", "C2", "C5"}
    assert {row["review_state"] for row in found.values()} == {"unreviewed"}
    assert {(row["kind"], row["role"], row["severity"], row["source"]) for row in found.values()} == {
        ("sanction", "subject", "critical", "OWN")
    }
    assert found["C1"]["detail"]["matched_name"] == "AEROCARIBBEAN AIRLINES"
    assert found["C1"]["detail"]["country"] == "same"
    assert found["C5"]["detail"]["method"] == "number"
    assert desk.results() == {"C1": "hit", "C2": "hit", "C3": "no_hit", "C4": "no_hit", "C5": "hit", "C6": "no_hit"}
    assert desk.rows("due_diligence_finding", "source_file, source_line") == [("screening:OWN", n) for n in (1, 2, 3)]


def test_only_a_changed_customer_is_searched_again(desk: Desk) -> None:
    desk.ingest()
    assert [each.feed for each in desk.ingest()] == ["customer", "sanctions_entity"], "nothing changed"
    desk.customers([*CUSTOMERS[:-1], "C6,Sea-Breeze Maritime,DE,no,", "C7,Falkenau KG,DE,no,"])
    results = desk.ingest()
    assert [(each.feed, each.counts["rows_stored"]) for each in results[2:]] == [("due_diligence_finding", 1), ("inquiry", 2)]
    assert desk.found()["C6"]["detail"]["list_name"] == "NORDWIND SHIPPING CO. LTD."
    assert desk.results()["C7"] == "no_hit"


def test_a_verdict_survives_a_new_search_and_is_asked_again_when_the_entry_changes(desk: Desk) -> None:
    desk.ingest()
    desk.verdict("C1", "cleared")
    desk.verdict("C2", "confirmed")
    desk.entries([*ENTRIES, "5,SOMEBODY ELSE,,US,company,"])
    desk.ingest()
    assert {c: row["review_state"] for c, row in desk.found().items()} == {"C1": "cleared", "C2": "confirmed", "C5": "unreviewed"}
    desk.entries(
        [ENTRIES[0].replace("AERO-CARIBBEAN", "AERO-CARIBBEAN; AEROGAVIOTA"), *ENTRIES[1:], "5,SOMEBODY ELSE,,US,company,"]
    )
    desk.ingest()
    found = desk.found()
    assert (found["C1"]["review_state"], found["C1"]["reviewed_by"]) == ("unreviewed", None)
    assert found["C1"]["detail"]["earlier_verdict"] == "cleared by Li Wei on 2024-03-02"
    assert found["C2"]["review_state"] == "confirmed"


def test_a_verdict_is_asked_again_when_the_customer_changes(desk: Desk) -> None:
    desk.ingest()
    desk.verdict("C1", "cleared")
    desk.customers(["C1,Aerocaribbean Airlines,CU,no,", *CUSTOMERS[1:]])
    desk.ingest()
    assert desk.found()["C1"]["review_state"] == "unreviewed"


def test_an_entry_that_left_the_list_clears_nobody(desk: Desk) -> None:
    desk.feed("sanctions_entity", LIST_COLUMNS, "list.csv", assertions={"max_drop_pct": 60})
    desk.ingest()
    desk.verdict("C2", "confirmed")
    desk.entries([ENTRIES[2], ENTRIES[3]])
    desk.ingest()
    found = desk.found()
    assert {c: row["review_state"] for c, row in found.items()} == {"C1": "unreviewed", "C2": "unreviewed", "C5": "unreviewed"}
    assert "gone" in found["C1"]["detail"]
    assert found["C2"]["detail"]["earlier_verdict"].startswith("confirmed by Li Wei")


def test_an_empty_or_shorter_list_is_refused_and_clears_nobody(desk: Desk) -> None:
    """Already a quarter less is refused: a tenth is the most a sanctions list may lose unasked."""
    desk.ingest()
    before = desk.found()
    for rows in ([], ENTRIES[:1], ENTRIES[:3]):
        desk.entries(rows)
        assert [(each.feed, each.state) for each in desk.ingest()] == [("customer", "no_op"), ("sanctions_entity", "refused")]
        assert desk.found() == before
    assert len(desk.rows("sanctions_entity", "entity_id", "open")) == len(ENTRIES)


def test_a_stale_list_finds_but_does_not_call_anybody_clean(desk: Desk) -> None:
    desk.ingest()
    late = FIRST + timedelta(days=60)
    os.utime(desk.workspace.root / "list.csv", (FIRST.timestamp(), FIRST.timestamp()))
    os.utime(desk.workspace.root / "customers.csv", (FIRST.timestamp(), FIRST.timestamp()))
    desk.ingest(now=late)
    assert desk.results() == {"C1": "hit", "C2": "hit", "C3": "error", "C4": "error", "C5": "hit", "C6": "error"}
    # The same list fetched again counts as fresh: its file is new.
    os.utime(desk.workspace.root / "list.csv", ((late + timedelta(hours=1)).timestamp(),) * 2)
    desk.ingest(now=late + timedelta(days=1))
    assert desk.results()["C3"] == "no_hit"


def test_a_list_the_policy_asks_for_and_nobody_delivered_is_an_error(desk: Desk) -> None:
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace("sources: []", "sources: [UN]")
    desk.workspace.policy_dir.mkdir()
    (desk.workspace.policy_dir / "own.yaml").write_text(text, encoding="utf-8")
    desk.ingest()
    rows = {(c, s): r for c, s, r in desk.rows("inquiry", "customer_id, source, result")}
    assert rows["C3", "OWN"] == "no_hit"
    assert rows["C3", "UN"] == "error"


def test_two_lists_are_two_snapshots(desk: Desk) -> None:
    """A snapshot of one list closes nothing of the other, and customers are searched on both."""
    desk.ingest()
    other = {**LIST_COLUMNS, "source": {"value": "EU"}}
    target = desk.feed("sanctions_entity", other, "eu.csv")
    target.rename(target.with_name("eu.yaml"))
    desk.feed("sanctions_entity", LIST_COLUMNS, "list.csv")
    desk.file("eu.csv", [LIST_HEADER, "9,RHEINTAL MASCHINENBAU,,DE,company,"])
    desk.ingest()
    assert len(desk.rows("sanctions_entity", "entity_id", "open")) == len(ENTRIES) + 1
    assert set(desk.found()) == {"C1", "C2", "C3", "C5"}
    desk.file("eu.csv", [LIST_HEADER, "9,RHEINTAL MASCHINENBAU,,DE,company,x"])
    assert [(each.feed, each.state) for each in desk.ingest()][:3] == [
        ("customer", "no_op"), ("sanctions_entity", "effective"), ("sanctions_entity", "no_op"),
    ]  # fmt: skip


def test_a_snapshot_of_other_findings_keeps_those_of_screening(desk: Desk) -> None:
    desk.ingest()
    columns = {name: {"from": name} for name in ("finding_id", "customer_id", "kind", "published_date")}
    desk.feed("due_diligence_finding", columns, "courts.csv")
    desk.file("courts.csv", ["finding_id,customer_id,kind,published_date", "L1,C3,litigation,2024-01-05"])
    desk.ingest()
    assert set(desk.found()) == {"C1", "C2", "C5"}
    assert len(desk.rows("due_diligence_finding", "finding_id", "open")) == 4
    assert desk.ingest("due_diligence_finding")[0].state == "no_op"


def seen(desk: Desk, query: str, as_of: date, known_at: datetime) -> list[tuple[Any, ...]]:
    feeds = ("due_diligence_finding", "inquiry")
    with duckdb.connect() as con:
        parts = {feed: desk.store.parts(feed, known_at) for feed in feeds}
        create_asof_views(con, parts, as_of=as_of, known_at=known_at, zone=desk.workspace.zone, last_delivery=10**6)
        return con.sql(query).fetchall()


def test_a_hit_counts_from_the_listing_for_runs_that_know_the_search(searched: Desk) -> None:
    query = "SELECT (SELECT count(*) FROM feed.due_diligence_finding), (SELECT count(*) FROM feed.inquiry)"
    later, before = datetime(2024, 6, 1, tzinfo=UTC), FIRST - timedelta(seconds=1)
    assert seen(searched, query, date(2024, 3, 1), later) == [(3, 6)]
    assert seen(searched, query, date(2024, 2, 29), later) == [(3, 0)]  # the month end before the search holds orders as well
    assert seen(searched, query, date(2019, 12, 31), later) == [(0, 0)]  # nobody was listed yet
    assert seen(searched, query, date(2024, 3, 1), before) == [(0, 0)]


def test_a_verdict_is_an_event_and_counts_from_when_it_was_known(desk: Desk) -> None:
    desk.ingest(now=FIRST)
    desk.verdict("C1", "cleared")
    query = "SELECT review_state FROM feed.due_diligence_finding WHERE customer_id = 'C1'"
    for as_of in (date(2024, 2, 29), date(2024, 3, 2)):
        assert seen(desk, query, as_of, datetime(2024, 6, 1, tzinfo=UTC)) == [("cleared",)]
        assert seen(desk, query, as_of, FIRST) == [("unreviewed",)]
    [event] = desk.register.events("finding.cleared")
    assert (event.actor, event.subject) == ("Li Wei", desk.found()["C1"]["finding_id"])
    assert event.detail["reason"] == "looked at it"
    assert event.detail["before"] == "unreviewed"


def test_wrong_verdicts_are_refused_in_words_and_everybody_is_searched_on_demand(desk: Desk) -> None:
    desk.ingest()
    number = desk.found()["C1"]["finding_id"]

    def say(finding: str, by: str = "Li Wei", reason: str = "x") -> None:
        give_verdict(desk.workspace, desk.register, finding, "cleared", by=by, reason=reason, now=desk.now)

    with pytest.raises(UsageError, match="no finding S-0"):
        say("S-0")
    with pytest.raises(UsageError, match="a name and a reason"):
        say(number, reason="  ")
    say(number)
    with pytest.raises(Refused, match="cleared already, by Li Wei"):
        say(number)
    later = desk.now + timedelta(days=3)
    [inquiries] = screen_workspace(desk.workspace, desk.register, now=later, everyone=True)
    assert (inquiries.feed, inquiries.counts["rows_stored"]) == ("inquiry", len(CUSTOMERS))
