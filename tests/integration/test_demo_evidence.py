"""The evidence of the demo through the whole pipeline: each story is seen where it shows, and the decline in its order."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from risk_pipeline.pipeline.explain import explain
from risk_pipeline.settings import Workspace
from tests.demo_world import FIRST, LAST, World

pytestmark = pytest.mark.slow

# Four month ends, after the first: what a declining firm shows by then, and not by the one before.
DECLINE = (
    (date(2026, 1, 31), "behaviour"),
    (date(2026, 4, 30), "credit_record"),
    (date(2026, 7, 31), "financial_condition"),
    (date(2026, 10, 31), "transaction_history"),
)
SOUND = {"low", "medium"}


def playing(world: World, story: str) -> list[str]:
    found = world.truth.playing(story)
    assert found, story
    return found


def test_the_decline_shows_first_in_behaviour_then_bureau_then_statement_then_payments(world: World) -> None:
    """At each of the four month ends `explain` shows another group of evidence that costs most more than at the one before."""
    for customer in playing(world, "declining_firm"):
        before = lost(world, customer, FIRST)
        assert sum(before.values()) < 12, before
        for as_of, table in DECLINE:
            now = lost(world, customer, as_of)
            worse = {name: now[name] - before[name] for name in now}
            assert max(worse, key=lambda name: worse[name]) == table, (as_of, worse)
            assert worse[table] > 1.5, (as_of, worse)
            before = now


def lost(world: World, customer: str, as_of: date) -> dict[str, float]:
    """Points of the score that each group of evidence cost, as `explain` tells them."""
    groups = explain(Workspace.load(world.root), customer, as_of).evidence
    return {group["table"]: sum(row["points_lost"] or 0 for row in group["factors"]) for group in groups}


def test_the_score_of_the_declining_firm_falls_at_every_step(world: World) -> None:
    for customer in playing(world, "declining_firm"):
        scores, tiers = world.scores(customer), world.tiers(customer)
        course = [scores[FIRST], *(scores[as_of] for as_of, _ in DECLINE)]
        assert course == sorted(course, reverse=True)
        assert course[0] - course[-1] > 30
        assert (tiers[FIRST], tiers[LAST]) == ("low", "high")
        assert not world.on("decision.risk_tier", customer)["in_default"], "the pipeline sees it before the default"


def test_explain_tells_the_decline_in_the_right_order(world: World) -> None:
    """What a person reads on each of the four month ends: the evidence that is new then, with its date."""
    (customer, *_) = playing(world, "declining_firm")
    dates = world.truth.customers[customer].dates
    told = {as_of: said(world, customer, as_of) for as_of, _ in DECLINE}
    january, april, july, october = (told[as_of] for as_of, _ in DECLINE)

    assert january["contact_address_changes_90d"]["value"] >= 2
    assert january["complaint_excess_90d"]["points"] < 50
    assert january["bureau_score_norm"]["points"] >= 80

    assert april["bureau_score_norm"]["evidence_date"] > dates["behaviour_from"]
    assert april["bureau_score_norm"]["points"] <= 40
    assert april["bureau_delinquencies_12m"]["value"] >= 3
    assert april["net_margin"]["points"] >= 70, "the statement in hand is the one before"

    assert july["net_margin"]["value"] < 0
    assert july["net_margin"]["evidence_date"] == date(2025, 12, 31), "the balance sheet date, not the day it came in"
    assert july["statement_quality"]["value_text"] == "qualified"
    assert july["wavg_days_late_incl_open_12m"]["value"] == 0, "it still pays on time"

    assert october["days_late_trend_3v9"]["points"] <= 25
    assert october["overdue_ratio"]["value"] > 0.2
    assert october["litigation_amount_to_tnw"]["points"] == 0


def said(world: World, customer: str, as_of: date) -> dict[str, Any]:
    """The contributions that `explain` gathers, by factor."""
    found = explain(Workspace.load(world.root), customer, as_of)
    return {row["factor"]: row for row in found.contributions}


def test_nothing_of_the_decline_is_seen_before_its_day(world: World) -> None:
    for customer in playing(world, "declining_firm"):
        dates = world.truth.customers[customer].dates
        for as_of, tier in world.tiers(customer).items():
            facts = world.on("factor.financial_condition", customer, as_of)
            assert (facts["statement_period_end"] == date(2025, 12, 31)) == (as_of >= dates["statement_on"]), as_of
            assert (world.on("factor.due_diligence", customer, as_of)["litigation_open_count"] > 0) == (as_of >= dates["sued_on"])
            assert tier == "low" or as_of >= dates["statement_on"], as_of


# -- the other stories -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("story", "date_name", "knockout"),
    [
        ("insolvent", "insolvency_on", "KO03"),
        ("uncollectible", "struck_off_on", "KO04"),
        ("dishonest_debtor", "listed_on", "KO07"),
        ("call_for_action", None, "KO16"),
        ("high_risk_country", None, "KO17"),
    ],
)
def test_a_knockout_falls_from_the_day_it_is_known(world: World, story: str, date_name: str | None, knockout: str) -> None:
    for customer in playing(world, story):
        dates = world.truth.customers[customer].dates
        since = dates[date_name] if date_name else date.min
        until = dates.get("removed_on") or date.max
        for as_of in world.tiers(customer):
            told = world.on("decision.risk_tier", customer, as_of)["knockouts"] or ""
            reviewed_after = timedelta(days=7 if story in ("dishonest_debtor", "uncollectible") else 0)
            confirmed = as_of >= since + reviewed_after
            if since <= as_of and not confirmed:
                continue
            assert (knockout in told) == (confirmed and as_of < until), (customer, as_of, told)


def test_only_the_customer_whose_name_is_on_the_list_is_found(world: World) -> None:
    for counted in ("sanctions_unreviewed", "sanctions_confirmed"):  # until a person confirms it, and from then on
        found = world.query(f"SELECT DISTINCT customer_id FROM factor.due_diligence WHERE {counted} > 0")
        assert [row["customer_id"] for row in found] == playing(world, "sanctions_match")


def test_an_insolvency_is_a_default_before_anything_is_long_overdue(world: World) -> None:
    for customer in playing(world, "insolvent"):
        last = world.on("decision.risk_tier", customer)
        assert (last["tier"], last["in_default"]) == ("restricted", True)
        assert world.on("factor.transaction_history", customer)["max_dpd_material"] in (None, *range(91))
        opened = world.truth.customers[customer].dates["insolvency_on"]
        assert all(tier in SOUND for day, tier in world.tiers(customer).items() if opened and day < opened)


def test_negative_net_worth_caps_the_tier_unless_the_parent_stands_in(world: World) -> None:
    for customer in playing(world, "negative_net_worth"):
        for as_of in world.tiers(customer):
            known = as_of >= (world.truth.customers[customer].dates["negative_from"] or date.max)
            worth = world.on("factor.financial_condition", customer, as_of)["tangible_net_worth"]
            assert (worth <= 0) == known, as_of
            parent = world.on("factor.contract_collateral", customer, as_of)["parent_guarantee_valid"]
            told = world.on("decision.risk_tier", customer, as_of)["knockouts"] or ""
            assert ("KO11" in told) == (known and not parent), (customer, as_of)
    parents = [world.on("factor.contract_collateral", c)["parent_guarantee_valid"] for c in playing(world, "negative_net_worth")]
    assert set(parents) == {True, False}, "both are told"


def test_searched_and_clean_is_better_than_never_searched_and_than_failed(world: World) -> None:
    """Three things: a clean answer costs nothing, no answer costs points and says why."""
    factor = "enforcement_24m"
    for story, code in (("never_searched", "not_searched"), ("search_failed", "search_failed")):
        for customer in playing(world, story):
            row = contribution(world, customer, factor)
            assert row["special_code"] == code
            assert row["points_lost"] > 0
    for customer in playing(world, "plaintiff"):
        row = contribution(world, customer, factor)
        assert (row["value"], row["points"]) == (0, 100)
    never, failed = (playing(world, story)[0] for story in ("never_searched", "search_failed"))
    results = [world.on("factor.due_diligence", c)["enforcement_search_result"] for c in (never, failed)]
    assert results == ["never", "error"]


def test_who_sues_is_not_litigious(world: World) -> None:
    for customer in playing(world, "plaintiff"):
        facts = world.on("factor.due_diligence", customer)
        assert facts["litigation_plaintiff_24m"] >= 5
        assert facts["litigation_defendant_24m"] == 0
        assert set(world.tiers(customer).values()) <= SOUND
    for customer in playing(world, "sued"):
        facts = world.on("factor.due_diligence", customer)
        assert facts["litigation_defendant_24m"] == 4
        # One story in three papers counts once: 8 * 0.5^(age/180), below 8.
        assert 0 < facts["adverse_media_index"] < 8
        assert facts["tax_arrears_open"] == 1


def test_old_accounts_count_as_not_known(world: World) -> None:
    for customer in playing(world, "stale_statement"):
        row = contribution(world, customer, "debt_ratio")
        assert row["evidence_age_days"] > 540
        assert row["missing"]
        fresh = contribution(world, playing(world, "plaintiff")[0], "debt_ratio")
        assert not fresh["missing"]


def test_breached_contracts_silent_firms_and_bust_outs_are_seen(world: World) -> None:
    for customer in playing(world, "contract_breached"):
        breached = world.truth.customers[customer].dates["breached_on"] or date.max
        for as_of in world.tiers(customer):
            standing = world.on("factor.contract_collateral", customer, as_of)["contract_standing"]
            assert (standing == "breached") == (as_of >= breached), as_of
    for customer in playing(world, "silent_firm"):
        facts = world.on("factor.behaviour", customer)
        assert facts["order_gap_ratio"] > 4
        assert facts["days_since_last_contact"] > 240
    for customer in playing(world, "bust_out"):
        facts = world.on("factor.behaviour", customer)
        assert facts["order_surge_ratio"] > 4
        assert facts["contact_address_changes_90d"] >= 3
        assert facts["bank_account_changes_180d"] == 2, "the CRM says so, and a payment came from another account"
        assert world.on("decision.credit_limit", customer)["hold"]


def test_risky_industries_and_people_have_their_own_factors(world: World) -> None:
    for customer in playing(world, "risky_industry"):
        assert world.on("factor.industry_region", customer)["industry_risk_class"] >= 4
    for customer in playing(world, "sole_trader"):
        assert world.on("score.risk_score", customer)["scorecard_id"] == "sole"
        # One of them was listed six years ago: adverse facts on natural persons lapse.
        assert "KO07" not in (world.on("decision.risk_tier", customer)["knockouts"] or "")
    once = [world.truth.customers[customer].dates.get("once_listed_on") for customer in playing(world, "sole_trader")]
    assert any(once)
    refused = world.query("SELECT customer_id FROM feed.customer WHERE consent_state = 'refused'")
    assert refused
    for row in refused:
        told = contribution(world, row["customer_id"], "bureau_score_norm")
        assert (told["special_code"], told["points"]) == ("consent_refused", 35)


def contribution(world: World, customer: str, factor: str) -> dict[str, Any]:
    sql = "SELECT * FROM score.contribution WHERE customer_id = ? AND as_of = ? AND factor = ?"
    (row,) = world.query(sql, customer, LAST, factor)
    return dict(row)
