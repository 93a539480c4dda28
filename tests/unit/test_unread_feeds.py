"""Feeds that are delivered and change nothing: by the policy alone, and by the scorecards customers have."""

from __future__ import annotations

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.pipeline.unread_feeds import Unread, feeds_of_sql, unread_feeds
from tests.decision_given import CATALOGUE, POLICY

ALL = [feed.name for feed in FEED_TABLES]


def test_the_shipped_policy_reads_something_of_every_feed() -> None:
    assert unread_feeds(POLICY, CATALOGUE, ALL) == []


def test_a_feed_of_other_scorecards_than_customers_have_is_told_with_them() -> None:
    told = [Unread("trade_reference", ("corporate", "small", "sole"))]
    assert unread_feeds(POLICY, CATALOGUE, ALL, ["ledger"]) == told
    assert unread_feeds(POLICY, CATALOGUE, ALL, ["ledger", "small"]) == []
    assert unread_feeds(POLICY, CATALOGUE, ["invoice", "payment"], ["ledger"]) == []  # it was not delivered


def test_a_condition_that_reads_a_column_is_enough() -> None:
    changes = {"scorecards": {"ledger": POLICY.scorecards["ledger"]}, "treatments": {}, "alerts": ()}
    rules = [rule for rule in POLICY.knockouts if rule.id not in ("KO16", "KO17")]
    bare = POLICY.model_copy(update={**changes, "knockouts": tuple(rules)})
    assert {"country_risk", "industry_indicator"} <= {each.feed for each in unread_feeds(bare, CATALOGUE, ALL)}
    with_alert = bare.model_copy(update={"alerts": tuple(rule for rule in POLICY.alerts if rule.id == "A21")})
    assert "industry_indicator" not in {each.feed for each in unread_feeds(with_alert, CATALOGUE, ALL)}


def test_feeds_of_what_people_decide_and_of_totals_are_no_evidence() -> None:
    changes = {"scorecards": {"ledger": POLICY.scorecards["ledger"]}, "alerts": (), "knockouts": ()}
    told = {each.feed for each in unread_feeds(POLICY.model_copy(update=changes), CATALOGUE, ALL)}
    assert not told & {"control_total", "override", "limit_decision", "alert_action", "sanctions_entity", "invoice"}


def test_the_feeds_of_a_table_are_those_of_its_steps_too() -> None:
    assert feeds_of_sql("group_state") == {"customer"}
    assert {"crm_event", "due_diligence_finding", "sales_order", "invoice"} <= feeds_of_sql("newest_event")
