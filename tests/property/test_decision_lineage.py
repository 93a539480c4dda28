"""What decisions declare of their columns holds: nothing else changes them, and what is declared does.

Customers of every kind (tests/decision_perturbation.py) get one fact changed at a time. That something declared can change a
column is shown by customers found by search (tests/decision_witnesses.json); the few that chance does not find are made by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.decision.alert_history import history_frame
from risk_pipeline.decision.decide import facts_read
from risk_pipeline.decision.lineage import CALLED, OF_GROUPS, TABLES, VALUES, declared_of_groups
from risk_pipeline.policy.model import Policy
from tests.decision_facts import fact_dtypes, facts
from tests.decision_given import CATALOGUE, POLICY
from tests.decision_perturbation import FRAMES, Book, book_of, changes, changes_together, days_before, decided, differences, under
from tests.decision_witnesses import CUSTOMERS as OF_SEARCH
from tests.decision_witnesses import FILE, Place, made, place_of, reached, shown, to_show, varied
from tests.policy_keys import keys

CUSTOMERS = 6  # of each seed: every fact of every one of them is changed


@pytest.mark.parametrize("seed", [101, 102], ids=["month end", "between month ends"])
def test_what_is_not_declared_changes_nothing(seed: int) -> None:
    pairs = [(row, name) for name in varied() for row in range(CUSTOMERS)]
    found = changes(book_of(seed, CUSTOMERS), pairs, seed)
    undeclared = {
        (pairs[number][1], place)
        for place, flags in found.items()
        for number in np.flatnonzero(flags)
        if pairs[number][1] not in reached(place)
    }
    assert undeclared == set()
    assert sum(flags.any() for flags in found.values()) > 150, "most columns are changed by something"


def test_what_is_declared_can_change_it() -> None:
    kept = {int(seed): pairs for seed, pairs in json.loads(FILE.read_text(encoding="utf-8")).items()}
    left = set(to_show())
    for month_end in (True, False):
        parts = [(book_of(seed, OF_SEARCH), pairs, seed) for seed, pairs in kept.items() if seed % 2 == month_end]
        pairs = [(row, name) for _, each, _ in parts for row, name in each]
        left = left.difference(*shown(pairs, changes_together(parts)).values())
    assert left == BY_HAND, "python -m tests.decision_witnesses looks for customers that show it"


def test_facts_that_deciding_reads_are_those_declared() -> None:
    """Beside them a decision reads what it works out itself, and the first passes over groups read three columns more."""
    facts = {source.name for each in made().values() for source in each.sources if source.kind == "fact"}
    groups = {s.name for each in declared_of_groups(POLICY, CATALOGUE).values() for s in each.sources if s.kind == "fact"}
    worked_out = {*VALUES, *CALLED}
    assert facts - facts_read(POLICY, CATALOGUE) == set()
    assert facts_read(POLICY, CATALOGUE) - facts - worked_out == groups - facts - {"group_members"}  # chosen by SQL
    assert facts & {*OF_GROUPS} == {*OF_GROUPS}


def test_every_column_of_the_tables_is_declared() -> None:
    assert set(made()) == {(name, column) for name in TABLES for column in table(name).column_names}
    assert [place for place, each in made().items() if not each.sources] == []


# ---------------------------------------------------------------- the policy


def changed(policy: Policy, key: str, value: Any) -> Policy:
    """The policy with another value of a key; `[]` in it: of every entry of a list."""

    def put(holder: Any, names: list[str]) -> Any:
        if not names:
            return value(holder) if callable(value) else value
        name, listed = names[0].removesuffix("[]"), names[0].endswith("[]")
        inner = holder[name] if isinstance(holder, dict) else getattr(holder, name)
        new = tuple(put(each, names[1:]) for each in inner) if listed else put(inner, names[1:])
        return {**holder, name: new} if isinstance(holder, dict) else holder.model_copy(update={name: new})

    other: Policy = put(policy, key.split("."))
    return other


NEVER = "false"
# By section of the policy, other values of some of its keys.
OTHER_POLICIES: dict[str, dict[str, Any]] = {
    "default and cure": {
        "materiality.abs": Decimal(50),
        "default_definition.events[].when": "max_dpd_material > 5",
        "cure.in_default.wait_days": 900,
        "cure.probation.periods": 1,
        "cure.probation.limit_factor": 0.1,
    },
    "segments": {"segments[].ceiling": "high", "segments[].scorecard": "ledger", "segments[].caps_and_terms_of": "sole"},
    "outside": {"outside_scorecard[].when": "natural_person"},
    "score": {
        "scorecards": lambda cards: {name: dict.fromkeys(card, 1) for name, card in cards.items()},
        "score.min_coverage_pct": 95.0,
    },
    "pd and labels": {
        "calibration.intercept": 1.0,
        "calibration_status": "calibrated",
        "scaling.base_score": 1.0,
        "master_scale": lambda scale: tuple(each.model_copy(update={"grade": f"X{each.grade}"}) for each in scale),
        "unrated.label": lambda label: label.model_copy(update={"en": "nobody knows"}),
        "actions": lambda actions: {name: each.model_copy(update={"en": "do"}) for name, each in actions.items()},
    },
    "tiers": {
        "tiers": lambda tiers: tuple(each.model_copy(update={"score_from": each.score_from / 2}) for each in tiers),
        "hysteresis.upgrade_buffer_points": 0,
        "notches.max_up": 0,
    },
    "knockouts": {"knockouts[].ceiling": "high", "knockouts[].limit": "zero", "knockouts[].when": "max_dpd_material > 10"},
    "knockouts, what follows": {"knockouts[].hold": True, "knockouts[].state": "suspended"},
    "need": {
        "limits.need.sales_balance.min_days": 300,
        "limits.tolerance_days": lambda days: {name: day + 100 for name, day in days.items()},
    },
    "capacity": {
        "limits.capacity.tangible_net_worth_share": {},
        "limits.new_customer_cap.until_months": 1,
        "limits.floor.smallest_limit": Decimal(10**6),
    },
    "steps": {
        "limits.move_caps.raise_share_per_period": 0.0,
        "limits.manual.max_share_of_computed": 1.0,
        "limits.validity_days": {},
    },
    "authorities and terms": {
        "authorities.auto": {},
        "terms": lambda terms: {name: dict.fromkeys(by_tier, (7, "per_invoice", 50)) for name, by_tier in terms.items()},
        "terms_rules.shorten": None,
        "incentives": (),
    },
    "states and hold": {"exit.edges[].when": NEVER, "hold": ()},
    "reviews": {"reviews.days": {}, "reviews.bring_forward": ()},
    "alerts": {"alerts[].severity": "low", "alerts[].owner": "nobody", "alert_rules.event_days": 1},
    "no alerts, no treatments": {"alerts[].when": NEVER, "treatments": {}, "dunning.stages": ()},
}


@cache
def policy_behind(place: Place) -> frozenset[str]:
    """The keys of the policy behind a column, through other columns."""
    sources = made()[place].sources
    own = {source.name for source in sources if source.kind == "policy"}
    return frozenset(own).union(*(policy_behind(place_of(each.name)) for each in sources if each.kind == "column"))


def about(key: str, other: str) -> bool:
    """Whether one of two keys is the other or stands below it."""
    one, two = (each.replace("[]", "").split(".") for each in (key, other))
    return one[: len(two)] == two[: len(one)]


@pytest.fixture(scope="module")
def customers() -> tuple[Book, dict[str, pd.DataFrame]]:
    """Customers, and what is decided about them under the shipped policy."""
    book = book_of(103, 100)
    return book, decided(book)


@pytest.mark.parametrize("section", OTHER_POLICIES)
def test_a_section_of_the_policy_changes_what_is_declared_and_nothing_else(
    section: str, customers: tuple[Book, dict[str, pd.DataFrame]]
) -> None:
    others = OTHER_POLICIES[section]
    policy = POLICY
    for key, value in others.items():
        policy = changed(policy, key, value)
    moved = {place for place, flags in under(*customers, policy).items() if flags.any()}
    declared_of = {place for place in made() if any(about(key, each) for key in others for each in policy_behind(place))}
    assert moved <= declared_of
    assert moved, "the section changes something"


def test_every_declared_key_is_one_of_a_policy() -> None:
    named = {key for place in made() for key in policy_behind(place)}
    known = {each.replace(".*", "") for each in keys()}
    assert {key for key in named if key.replace(".*", "") not in known} == set()


# ---------------------------------------------------------------- by hand


@dataclass(frozen=True)
class Case:
    """One customer before and after a change that chance hardly makes, and the columns that it changes."""

    source: str
    changes: tuple[Place, ...]
    before: Book
    after: Book
    policy: Policy = POLICY


def one(frames: Mapping[str, Mapping[str, Any]] | None = None, **said: Any) -> Book:
    """A book of one customer, and one row of its histories."""
    given = frames or {}
    histories = {
        name: history_frame({column: [value] for column, value in given[name].items()} if name in given else None, dtypes)
        for name, dtypes in FRAMES.items()
    }
    return Book(facts({"customer_id": "C1", **said}), histories)


def near_least_coverage(code: str | None) -> Book:
    """A small company whose card is covered by exactly the least share, the country's standing included."""
    card = dict(POLICY.scorecards["small"])
    known = {"country_list_status": card.pop("country_list_status")}
    for name in sorted(card, key=lambda name: -card[name]):
        if sum(known.values()) + card[name] <= POLICY.score.min_coverage_pct:
            known[name] = card[name]
    assert sum(known.values()) == POLICY.score.min_coverage_pct
    values = {name: best(name) for name in known if name != "country_list_status"}
    unknown = dict.fromkeys(card.keys() - known.keys())
    return one(**unknown, **values, country_list_status="none", country_list_status_code=code)


def best(name: str) -> Any:
    rule = POLICY.scoring[name]
    if rule.values is not None:
        return max(rule.values, key=lambda each: rule.values[each] if rule.values else 0)
    place = int(np.argmax(rule.points))
    value = rule.edges[place] if place < len(rule.edges) else rule.edges[-1] + 1
    return int(value) if fact_dtypes()[name] == "Int64" else float(value)


def cleared_hit(bureau_recommended_limit: int) -> Book:
    """A sound customer whose need fell, and whose possible hit on a list is cleared before its review."""
    sound = {name: best(name) for name in POLICY.scorecards["small"]}
    able = {"tangible_net_worth": 1_000_000_00, "revenue_annual": 10_000_000_00, "statement_usable": True}
    sales = {"avg_monthly_sales_12m": 10_000_00, "avg_monthly_sales_3m": 10_000_00, "sales_12m": 120_000_00}
    before = {"previous_tier": "low", "previous_hysteresis_tier": "low", "previous_status": "active"}
    before |= {"previous_as_of": days_before(30), "previous_knockouts": "KO02", "previous_computed_limit": 50_000_00}
    before |= {"previous_next_review_date": days_before(-60), "previous_limit_valid_to": days_before(-30)}
    reported = {"bureau_recommended_limit": bureau_recommended_limit, "bureau_report_age_days": 10}
    return one(None, **sound, **able, **sales, **before, **reported, months_since_first_invoice=60)


def closed_alert(severity: str, as_of: date) -> Book:
    """An alert that holds as it did before, and was closed by a person in between."""
    alert = {"customer_id": "C1", "alert_id": "A05:C1", "rule": "A05", "value_text": "95", "state": "open"}
    seen = {"first_seen": days_before(60), "last_seen": days_before(40), "severity": severity, "as_of": as_of}
    said = {"customer_id": "C1", "alert_id": "A05:C1", "alert_action": "close", "acted_by": "Ann", "acted_on": days_before(20)}
    frames = {"alert_before": {**alert, **seen}, "alert_action": {**said, "reason_text": "paid by instalments"}}
    return one(frames, max_dpd_material=95, total_exposure=1_000_000_00, previous_tier="restricted")


def noticed(since: str) -> Book:
    """A formal notice was asked for by two rules, one of them graver; a person sent one on 2026-06-01."""
    asked = {"customer_id": "C1", "treatment_id": "formal_notice:C1", "action": "formal_notice", "state": "open", "priority": 2}
    before = {**asked, "rules": "tier_restricted,dunning_30", "rules_since": f"2026-05-01,{since}"}
    did = {"customer_id": "C1", "treatment_id": "formal_notice:C1", "treatment_verdict": "done", "acted_on": date(2026, 6, 1)}
    frames = {"treatment_before": before, "treatment_action": did}
    return one(frames, overdue=500_00, max_days_past_due=40, max_dpd_material=95, total_exposure=1_000_00)


PROBATION = POLICY.exit.states["probation"].model_copy(update={"ceiling": "restricted"})
CASES = (
    Case(
        "country_list_status_code",
        (
            *(("score.risk_score", f"{kind}_subtotal") for kind in ("credit", "market", "operational", "reputation")),
            ("decision.risk_tier", "binding_rule"),
            ("mart.current_risk", "reasons_en"),
            ("mart.current_risk", "reasons_zh"),
        ),
        near_least_coverage(None),
        near_least_coverage("country_unknown"),
    ),
    Case(
        "alert_before.severity",
        (("decision.review", "next_review_date"),),
        closed_alert("critical", days_before(40)),
        closed_alert("low", days_before(40)),
    ),
    Case(
        "alert_before.as_of",
        (
            ("decision.review", "next_review_date"),
            *(("decision.treatment", name) for name in ("action", "action_en", "action_zh", "treatment_id", "owner_role")),
            *(("decision.treatment", name) for name in ("as_of", "run_id", "customer_id", "priority")),
        ),
        closed_alert("critical", days_before(40)),
        closed_alert("critical", days_before(30)),
    ),
    Case(  # so much is lower than the limit before that it does not stand until the review
        "bureau_recommended_limit",
        (("decision.credit_limit", "valid_to"),),
        cleared_hit(60_000_00),
        cleared_hit(45_000_00),
    ),
    Case(
        "treatment_before.rules_since",
        (("decision.treatment", "priority"), ("decision.treatment", "owner_role")),
        noticed("2026-05-01"),
        noticed("2026-06-20"),
        changed(POLICY, "dunning.stages[].owner", "account_manager"),
    ),
    Case(  # under the shipped policy probation that follows a plan has no ceiling; under another it may
        "plan_agreed_on",
        (("decision.risk_tier", "tier"), ("decision.risk_tier", "binding_rule")),
        one(previous_status="active", previous_status_since=days_before(90)),
        one(previous_status="active", previous_status_since=days_before(90), plan_agreed_on=days_before(5)),
        changed(POLICY, "exit.states", {**POLICY.exit.states, "probation": PROBATION}),
    ),
)
BY_HAND = {(case.source, place) for case in CASES for place in case.changes}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.source)
def test_what_chance_does_not_find(case: Case) -> None:
    marked = case.after.facts.assign(customer_id="C1~0")
    frames = {name: frame.replace({"C1": "C1~0"}, regex=True) for name, frame in case.after.frames.items()}
    after = decided(Book(marked, frames), case.policy)
    found = differences(decided(case.before, case.policy), after, case.before, [0])
    said = shown([(0, case.source)], found)[0]
    assert {place for place in case.changes if (case.source, place) not in said} == set()
