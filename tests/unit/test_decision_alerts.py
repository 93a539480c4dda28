"""Alerts over time: raised, followed, put off, closed, opened anew. The assessments of one customer, one after another."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import arrow_to_frame, frame_to_arrow
from risk_pipeline.decision.alert_history import ACTIONS, BEFORE, AlertHistory, history_frame
from risk_pipeline.pipeline.alert_history import StoredHistory
from risk_pipeline.policy.model import Policy
from risk_pipeline.store.by_customer import ByCustomer
from tests.decision_facts import decide, facts, many
from tests.decision_given import CATALOGUE, POLICY, context

DAY = date(2026, 6, 30)
LATE = {"max_dpd_material": 45, "overdue": 6_000_00, "total_exposure": 50_00, "open_exposure": 50_00}
Row = dict[str, Any]


@dataclass
class Story:
    """The assessments of customer C1; `actions` are what people did so far."""

    policy: Policy = POLICY
    actions: list[Row] = field(default_factory=list)
    before: pd.DataFrame | None = None

    def acts(self, alert_id: str, what: str, on: date, until: date | None = None, reason: str | None = "seen") -> None:
        row = {"customer_id": "C1", "alert_id": alert_id, "alert_action": what, "acted_by": "mia", "acted_on": on}
        self.actions = [each for each in self.actions if each["alert_id"] != alert_id]
        self.actions.append({**row, "until": until, "reason_text": reason})

    def assess(self, day: date = DAY, **changes: Any) -> dict[str, Row]:
        """Alerts of that day by id."""
        before = history_frame(self.before, BEFORE)
        history = AlertHistory(before, history_frame(pd.DataFrame(self.actions, columns=list(ACTIONS)), ACTIONS))
        out = decide(facts(changes), self.policy, CATALOGUE, replace(context(day), alerts=history))["decision.alert"]
        contract = table("decision.alert")
        self.before = arrow_to_frame(frame_to_arrow(contract, out))
        rows = frame_to_arrow(contract, out).to_pylist()
        return {row["alert_id"]: row for row in rows}

    def with_rules(self, **changes: Any) -> Story:
        self.policy = POLICY.model_copy(update={"alert_rules": POLICY.alert_rules.model_copy(update=changes)})
        return self


def later(days: int) -> date:
    return DAY + timedelta(days=days)


def test_an_alert_says_what_was_noticed_and_what_to_do() -> None:
    row = Story().assess(**LATE)["A03:C1"]
    assert (row["indicator"], row["value_text"]) == ("max_dpd_material", "45")
    assert row["threshold_text"] == "max_dpd_material > 30 and max_dpd_material <= 60"
    assert (row["signal_en"], row["signal_zh"]) == ("Material debt more than 30 days past due", "重大欠款逾期超过30天")
    assert (row["severity"], row["measures"], row["owner_role"]) == ("medium", "formal_notice", "collections")
    assert (row["first_seen"], row["last_seen"], row["due_date"]) == (DAY, DAY, later(5))
    assert (row["state"], row["escalated_to"], row["playbook"], row["acted_by"]) == ("open", None, None, None)


def test_while_the_condition_holds_it_is_the_same_alert() -> None:
    story = Story()
    story.assess(**LATE)
    row = story.assess(later(31), **LATE)["A03:C1"]
    assert (row["first_seen"], row["last_seen"]) == (DAY, later(31))


@pytest.mark.parametrize(("days", "escalated"), [(12, None), (13, "credit_manager")])
def test_an_alert_nobody_dealt_with_goes_up(days: int, escalated: str | None) -> None:
    story = Story()  # medium: due after 5 days, escalated when more than 7 days overdue
    story.assess(**LATE)
    assert story.assess(later(days), **LATE)["A03:C1"]["escalated_to"] == escalated


def test_acknowledged_is_seen_yet_not_done() -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "acknowledge", later(1))
    row = story.assess(later(20), **LATE)["A03:C1"]
    assert (row["state"], row["acted_by"], row["acted_on"]) == ("acknowledged", "mia", later(1))
    assert row["escalated_to"] == "credit_manager"


def test_snoozed_until_a_day_and_no_longer_than_the_policy_allows() -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "snooze", later(1), until=later(300))  # medium: 30 days at most
    row = story.assess(later(31), **LATE)["A03:C1"]
    assert (row["state"], row["due_date"], row["escalated_to"]) == ("snoozed", later(31), None)
    assert story.assess(later(32), **LATE)["A03:C1"]["state"] == "open"
    assert story.assess(later(39), **LATE)["A03:C1"]["escalated_to"] == "credit_manager"


def test_a_critical_alert_cannot_be_put_off() -> None:
    story = Story()
    story.acts("A05:C1", "snooze", DAY, until=later(7))
    row = story.assess(**{**LATE, "max_dpd_material": 95})["A05:C1"]
    assert (row["state"], row["severity"], row["playbook"]) == ("open", "critical", "sudden_default")


def test_closed_by_a_person_it_stays_closed_while_it_lasts() -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "close", later(3), reason="paid by bill")
    row = story.assess(later(31), **LATE)["A03:C1"]
    assert (row["state"], row["reason_text"], row["escalated_to"]) == ("closed", "paid by bill", None)
    assert story.assess(later(62), **LATE)["A03:C1"]["first_seen"] == DAY


def test_closing_without_a_reason_closes_nothing() -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "close", later(3), reason=None)
    assert story.assess(later(5), **LATE)["A03:C1"]["state"] == "acknowledged"


def test_it_closes_with_its_condition_and_is_forgotten_after_some_time() -> None:
    story = Story()
    story.assess(**LATE)
    row = story.assess(later(10))["A03:C1"]
    assert (row["state"], row["last_seen"], row["value_text"]) == ("closed", DAY, "45")
    assert "A03:C1" in story.assess(later(29))
    assert "A03:C1" not in story.assess(later(30))


def test_month_by_month_it_is_published_once_as_closed() -> None:
    story = Story()
    story.assess(**LATE)
    assert story.assess(later(31))["A03:C1"]["state"] == "closed"
    assert story.assess(later(62)) == {}
    assert story.assess(later(92), **LATE)["A03:C1"]["first_seen"] == later(92)


@pytest.mark.parametrize(("back", "first_seen"), [(29, 0), (30, 30)])
def test_it_opens_anew_only_after_days_without(back: int, first_seen: int) -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "close", later(1))
    story.assess(later(10))
    row = story.assess(later(back), **LATE)["A03:C1"]
    assert row["first_seen"] == later(first_seen)
    assert row["state"] == ("closed" if back < 30 else "open")  # what was said of the alert before does not count for the new one


def test_a_graver_one_opens_anew() -> None:
    story = Story()
    story.assess(**LATE)
    story.acts("A03:C1", "close", later(1))
    graver = tuple(r.model_copy(update={"severity": "high"}) if r.id == "A03" else r for r in POLICY.alerts)
    story.policy = POLICY.model_copy(update={"alerts": graver})
    row = story.assess(later(2), **LATE)["A03:C1"]
    assert (row["state"], row["severity"], row["first_seen"]) == ("open", "high", later(2))


def test_an_event_stands_until_a_person_closes_it() -> None:
    story = Story()
    story.assess(previous_tier="low", **{**LATE, "max_dpd_material": 95})
    assert story.before is not None
    alert_id = "A02:C1:restricted"
    row = story.assess(later(31), previous_tier="restricted", **{**LATE, "max_dpd_material": 95})[alert_id]
    assert (row["state"], row["first_seen"], row["last_seen"]) == ("open", DAY, DAY)
    assert row["escalated_to"] == "head_of_credit"
    story.acts(alert_id, "close", later(33), reason="visited")
    row = story.assess(later(62), previous_tier="restricted", **LATE)[alert_id]
    assert (row["state"], row["reason_text"]) == ("closed", "visited")
    assert alert_id not in story.assess(later(92), previous_tier="restricted", **LATE)


def test_an_event_nobody_closed_is_over_in_the_end() -> None:
    story = Story().with_rules(event_days=60)
    story.assess(dishonoured_days=4, dishonoured_on=date(2026, 6, 26))
    assert story.assess(later(60))["A31:C1:2026-06-26"]["state"] == "open"
    assert story.assess(later(61))["A31:C1:2026-06-26"]["state"] == "closed"
    assert story.assess(later(92)) == {}


def test_another_object_is_another_alert() -> None:
    story = Story()
    story.assess(dishonoured_days=4, dishonoured_on=date(2026, 6, 26))
    story.acts("A31:C1:2026-06-26", "close", later(1))
    rows = story.assess(later(5), dishonoured_days=2, dishonoured_on=later(3))
    assert {name: row["state"] for name, row in rows.items()} == {"A31:C1:2026-06-26": "closed", f"A31:C1:{later(3)}": "open"}
    assert rows[f"A31:C1:{later(3)}"]["alert_object"] == later(3).isoformat()


def test_alerts_of_a_rule_or_customer_that_is_gone_are_gone() -> None:
    story = Story()
    story.assess(**LATE)
    story.policy = POLICY.model_copy(update={"alerts": tuple(rule for rule in POLICY.alerts if rule.id != "A03")})
    assert "A03:C1" not in story.assess(later(1), **LATE)
    assert story.assess(later(2), customer_id="C2") == {}


def test_a_fall_of_the_score_is_measured_against_the_last_month_end() -> None:
    story = Story()
    bad = {"overdue_ratio": 0.9, "wavg_days_late_incl_open_12m": 60.0}
    row = story.assess(date(2026, 7, 14), previous_month_end_score=100.0, **bad)["A01:C1:2026-06-30"]
    assert float(row["value_text"]) >= 10
    out = decide(facts({"previous_month_end_score": 80.0}), POLICY, CATALOGUE, context(date(2026, 7, 14)))["decision.risk_tier"]
    assert out["month_end_score"].tolist() == [80.0]
    out = decide(facts({"previous_month_end_score": 80.0}), POLICY, CATALOGUE, context(DAY))["decision.risk_tier"]
    assert out["month_end_score"].tolist() == [100.0]


@pytest.mark.parametrize(
    ("indicator", "value", "shown"),
    [
        ("max_dpd_material", 45, "45"),
        ("total_exposure", 1234_56, "1234.56"),
        ("total_exposure", 5, "0.05"),
        ("tangible_net_worth", -1_50, "-1.50"),
        ("overdue_ratio", 0.123456, "0.1235"),
        ("contract_standing", "signed", "signed"),
        ("contract_unsigned", True, "true"),
        ("contract_unsigned", False, "false"),
        ("dishonoured_on", date(2026, 6, 26), "2026-06-26"),
        *((name, None, None) for name in ("tangible_net_worth", "contract_standing", "contract_unsigned", "dishonoured_on")),
    ],
)
def test_the_value_behind_an_alert_is_shown_as_it_is(indicator: str, value: Any, shown: str | None) -> None:
    rule = POLICY.alerts[0].model_copy(
        update={"id": "X1", "when": "true", "indicator": indicator, "object": None, "event": False}
    )
    story = Story(POLICY.model_copy(update={"alerts": (rule,), "playbooks": {}}))
    assert story.assess(**{indicator: value})["X1:C1"]["value_text"] == shown


NO_LIMIT = {"avg_monthly_sales_12m": None, "avg_monthly_sales_3m": None}


@pytest.mark.parametrize(
    ("indicator", "given", "shown"),
    [
        ("order_to_limit", {"largest_order_30d": 100_00, **NO_LIMIT}, "9.99"),
        ("order_to_limit", {"largest_order_30d": 0, **NO_LIMIT}, None),
        ("order_to_limit", {"largest_order_30d": None}, None),
        ("unapplied_share", {"unapplied_cash": 30_00, "open_exposure": 120_00}, "0.25"),
        ("unapplied_share", {"unapplied_cash": 30_00, "open_exposure": 0}, "9.99"),
        ("lawsuit_to_net_worth", {"lawsuit_newest_amount": 10_00, "tangible_net_worth": 40_00, "statement_usable": True}, "0.25"),
        ("lawsuit_to_net_worth", {"lawsuit_newest_amount": 10_00, "tangible_net_worth": -1, "statement_usable": True}, "9.99"),
        ("lawsuit_to_net_worth", {"lawsuit_newest_amount": 10_00, "tangible_net_worth": 40_00, "statement_usable": False}, None),
        ("lawsuit_to_net_worth", {"lawsuit_newest_amount": 10_00, "tangible_net_worth": 40_00}, None),
        ("score_drop", {"previous_month_end_score": 100.0, "overdue_ratio": 0.9}, "18"),
        ("score_drop", {"previous_month_end_score": None}, None),
        ("contract_days_left", {"contract_valid_to": DAY}, "0"),
        ("contract_days_left", {"contract_valid_to": date(2026, 6, 29)}, None),
        ("contract_days_left", {}, None),
        ("policy_terms_days", {}, "30"),
    ],
)
def test_what_only_alerts_compare(indicator: str, given: Row, shown: str | None) -> None:
    rule = POLICY.alerts[0].model_copy(
        update={"id": "X1", "when": "true", "indicator": indicator, "object": None, "event": False}
    )
    story = Story(POLICY.model_copy(update={"alerts": (rule,), "playbooks": {}}))
    assert story.assess(**given)["X1:C1"]["value_text"] == shown


def test_not_rated_customers_raise_no_alert() -> None:
    assert Story().assess(is_intercompany=True, **{**LATE, "max_dpd_material": 95}) == {}


def test_a_policy_without_alerts_raises_none() -> None:
    assert Story(POLICY.model_copy(update={"alerts": (), "playbooks": {}})).assess(**LATE) == {}


def test_order_and_batches_do_not_matter(tmp_path: Path) -> None:
    customers = many(400)
    whole = decide(customers, POLICY, CATALOGUE, context())["decision.alert"]
    before = frame_to_arrow(table("decision.alert"), whole).take(np.arange(0, len(whole), 2)).sort_by("customer_id")
    history = AlertHistory(before)
    pq.write_table(before, tmp_path / "alert.parquet", store_schema=False)
    no_actions = pa.Table.from_pandas(history_frame(None, ACTIONS))
    stored = StoredHistory(ByCustomer(table("decision.alert"), tmp_path / "alert.parquet", list(BEFORE)), no_actions)
    later_run = replace(context(later(31)), alerts=history)
    expected = _plain(decide(customers, POLICY, CATALOGUE, later_run)["decision.alert"])
    shuffled = customers.iloc[np.random.default_rng(1).permutation(len(customers))]
    assert _plain(decide(shuffled, POLICY, CATALOGUE, later_run)["decision.alert"]) == expected
    parts = []
    for part in (customers.iloc[:150], customers.iloc[150:]):
        ids = part["customer_id"]
        mine = replace(later_run, alerts=stored.between(ids.iloc[0], ids.iloc[-1]))
        parts += _plain(decide(part, POLICY, CATALOGUE, mine)["decision.alert"])
    assert sorted(parts, key=str) == expected


def _plain(alerts: pd.DataFrame) -> list[Row]:
    return sorted(frame_to_arrow(table("decision.alert"), alerts).to_pylist(), key=str)
