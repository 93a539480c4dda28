"""The demo's year, as docs/demo.md tells it: what each story's customer goes through, and what people did about it.

Put here: courses over the year, from the published tables. Keep out: what evidence shows when (test_demo_evidence), the books
(test_demo_story), each rule at its border (tests/golden).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from risk_pipeline.pipeline.alerts import steps
from tests.decision_given import POLICY
from tests.demo_world import LAST, World
from tests.pages import shows

pytestmark = pytest.mark.slow

DAY_BEFORE, LISTED, CONFIRMED = date(2026, 9, 10), date(2026, 9, 11), date(2026, 9, 30)
NOTCHED, IN_SUMMER = "100198", "100098"  # customers of whom people knew more than the feeds


def test_the_page_shows_what_came(world: World) -> None:
    shown = [step for step in world.told if step.shown.strip()]
    assert len(shown) >= 10
    for step in shown:
        assert shows(step.shown, step.came), f"$ {step.command}\nthe page shows\n{step.shown}\nbut there came\n{step.came}"


def course(world: World, customer: str) -> list[dict[str, Any]]:
    """Tier, limit and what decided them, assessment by assessment."""
    sql = (
        "SELECT * FROM decision.risk_tier JOIN decision.credit_limit USING (as_of, customer_id)"
        " JOIN score.risk_score USING (as_of, customer_id) WHERE customer_id = ? ORDER BY as_of"
    )
    return [dict(row) for row in world.query(sql, customer)]


def alert(world: World, rule: str, customer: str) -> dict[date, Any]:
    """The alerts of a rule about a customer, by assessment."""
    sql = "SELECT * FROM decision.alert WHERE rule = ? AND customer_id = ? ORDER BY as_of"
    return {row["as_of"]: row for row in world.query(sql, rule, customer)}


# -- down at once, up slowly -----------------------------------------------------------------------------------------------


def test_the_recovering_firm_goes_down_at_once_and_climbs_slowly(world: World) -> None:
    (customer,) = world.truth.playing("recovering_firm")
    months = [row for row in course(world, customer) if (row["as_of"] + timedelta(days=1)).day == 1]
    assert [(row["as_of"].isoformat()[2:7], row["tier"], row["binding_rule"]) for row in months] == [
        ("25-10", "low", "score"),
        ("25-11", "low", "score"),
        ("25-12", "low", "score"),
        ("26-01", "high", "score"),
        ("26-02", "high", "hysteresis_periods"),
        ("26-03", "high", "hysteresis_cooldown"),
        ("26-04", "high", "hysteresis_cooldown"),
        ("26-05", "medium", "hysteresis_step"),
        ("26-06", "medium", "hysteresis_buffer"),
        ("26-07", "medium", "hysteresis_periods"),
        ("26-08", "low", "score"),
        ("26-09", "low", "score"),
        ("26-10", "low", "score"),
    ]
    # the score alone would have raised it at once
    assert [row["model_tier"] for row in months[4:8]] == ["medium", "medium", "medium", "low"]
    assert {row["last_downgrade_on"] for row in months[3:]} == {date(2026, 1, 31)}
    before, fallen, raised, back = (months[place]["effective_limit"] for place in (2, 3, 7, 10))
    assert fallen < before / 2
    assert fallen < raised < back < before
    assert months[3]["hold"]


def test_what_people_said_of_the_fall_stays_with_it(world: World) -> None:
    (customer,) = world.truth.playing("recovering_firm")
    found = alert(world, "A02", customer)
    assert {row["alert_id"] for row in found.values()} == {f"A02:{customer}:high"}
    assert {row["first_seen"] for row in found.values()} == {date(2026, 1, 31)}
    states = {day: row["state"] for day, row in found.items()}
    assert (states[date(2026, 1, 31)], states[date(2026, 2, 28)], states[DAY_BEFORE]) == ("open", "acknowledged", "closed")
    sql = "SELECT * FROM decision.treatment WHERE treatment_id = ? AND as_of = ?"
    (visit,) = world.query(sql, f"visit:{customer}", date(2026, 2, 28))
    assert (visit["state"], visit["acted_by"], visit["acted_on"]) == ("done", "mia", date(2026, 2, 10))


# -- stopped on the day the list says so -----------------------------------------------------------------------------------


def test_the_sanctioned_customer_is_stopped_on_the_day_the_list_says_so(world: World) -> None:
    (customer,) = world.truth.playing("sanctions_match")
    assert world.truth.customers[customer].dates["listed_on"] == LISTED
    rows = {row["as_of"]: row for row in course(world, customer)}
    assert not any(row["hold"] or row["knockouts"] for day, row in rows.items() if day < LISTED)
    held = rows[LISTED]
    assert (held["hold"], held["hold_reasons"], held["knockouts"], held["direction"]) == (True, "KO02", "KO02", "same")
    found = alert(world, "A19", customer)
    assert min(found) == LISTED
    said = {(row["first_seen"], row["severity"], row["playbook"]) for row in found.values()}
    assert said == {(LISTED, "critical", "sanctions")}
    for day in (CONFIRMED, LAST):
        stopped = rows[day]
        assert (stopped["tier"], stopped["binding_rule"], stopped["status"]) == ("restricted", "KO01", "exit_proposed")
        assert (stopped["effective_limit"], stopped["prepayment_pct"]) == (0, 100)


# -- a payment booked to the wrong customer --------------------------------------------------------------------------------


def test_a_payment_booked_to_the_wrong_customer_hides_one_and_blames_the_other(world: World) -> None:
    """Until the correction of October, which puts both where they belong at the next month end, not before."""
    (payer,) = (number for number, role in world.truth.customers.items() if "booked_to_another_on" in role.dates)
    (forgetful,) = (number for number, role in world.truth.customers.items() if "forgot_on" in role.dates)
    overdue = {
        (customer, day): world.on("factor.exposure", customer, day)["overdue"]
        for customer in (payer, forgetful)
        for day in (CONFIRMED, LAST)
    }
    owed = overdue[payer, CONFIRMED]
    assert owed > 5000
    assert (overdue[payer, LAST], overdue[forgetful, LAST]) == (0, owed)
    assert overdue[forgetful, CONFIRMED] < owed
    blamed, hidden = ({row["as_of"]: row for row in course(world, customer)} for customer in (payer, forgetful))
    assert [(blamed[day]["tier"], blamed[day]["hold"]) for day in (CONFIRMED, LAST)] == [("low", False), ("low", False)]
    assert blamed[LAST]["score"] - blamed[CONFIRMED]["score"] > 8
    assert [(hidden[day]["tier"], hidden[day]["hold"]) for day in (CONFIRMED, LAST)] == [("low", False), ("high", True)]
    assert hidden[LAST]["knockouts"] == "KO06"
    assert hidden[LAST]["effective_limit"] < hidden[CONFIRMED]["effective_limit"]


# -- the disputer and its playbook -----------------------------------------------------------------------------------------


def test_a_dispute_that_drags_on_gets_its_playbook(world: World) -> None:
    seen = []
    for customer in world.truth.playing("disputer"):
        began = world.truth.customers[customer].dates["long_dispute_on"]
        found = alert(world, "A30", customer)
        assert all(began and day > began + timedelta(days=60) for day in found), (customer, began, list(found))
        assert {row["playbook"] for row in found.values()} <= {"long_dispute"}
        seen += [row for row in found.values() if row["state"] == "open" and row["as_of"] == LAST]
    assert len(seen) == 2
    told = steps(POLICY, seen[0]["playbook"], seen[0]["first_seen"])
    assert [(step.owner, (step.due - LAST).days) for step in told] == [
        ("account_manager", 2),
        ("credit_manager", 5),
        ("accounts_receivable", 7),
        ("collections", 14),
    ]
    assert all(step.what.en and step.what.zh for step in told)  # type: ignore[union-attr]


# -- by hand, and over by itself -------------------------------------------------------------------------------------------


def test_a_notch_moves_the_tier_while_it_lasts_and_no_longer(world: World) -> None:
    rows = {row["as_of"]: row for row in course(world, NOTCHED)}
    months = (date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30))
    assert [(rows[day]["tier"], rows[day]["binding_rule"]) for day in months] == [
        ("low", "score"),
        ("medium", "notch_down"),
        ("medium", "notch_down"),
        ("low", "score"),
    ]
    assert {rows[day]["hysteresis_tier"] for day in months} == {"low"}
    lapsed = [world.on("factor.people_decision", NOTCHED, day)["override_lapsed_on"] for day in months]
    assert lapsed[-1] == date(2026, 4, 15)
    assert not any(lapsed[:-1])


def test_a_limit_for_a_time_ends_by_itself(world: World) -> None:
    rows = {row["as_of"]: row for row in course(world, IN_SUMMER)}
    limits = [rows[day]["effective_limit"] for day in (date(2026, 6, 30), date(2026, 7, 31), date(2026, 8, 31), DAY_BEFORE)]
    assert limits == [12000, 15000, 15000, 12000]


# -- who to look at first --------------------------------------------------------------------------------------------------


def test_the_worklist_begins_with_what_may_be_lost(world: World) -> None:
    rows = world.query("SELECT * FROM mart.worklist ORDER BY rank")
    assert [row["exposure_at_risk"] for row in rows] == sorted((row["exposure_at_risk"] for row in rows), reverse=True)
    assert all(row["next_action_en"] and row["next_action_zh"] and row["reason_zh"] for row in rows)
    first = rows[:12]
    assert all(row["tier"] == "restricted" for row in first)
    assert {"legal_action", "hold_orders", "notify_insurer"} & {row["next_action"] for row in first}
    assert not any(row["next_action"] == "cut_limit" for row in rows if row["tier"] == "restricted")
    ranks = {row["customer_id"]: row["rank"] for row in rows}
    (sanctioned,), listed = world.truth.playing("sanctions_match"), world.truth.playing("dishonest_debtor")
    assert all(ranks[customer] <= 25 for customer in (sanctioned, *listed)), "a good score hides no knock-out"
    assert min(ranks[customer] for customer in world.truth.playing("good_payer")) > 40
