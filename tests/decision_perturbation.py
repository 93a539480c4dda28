"""Customers of every kind, and what of their decisions changes when one fact does: the proof of decision/lineage.py.

Put here: random customers that reach every branch of the decisions, other values for each of their facts, and which columns
change with them. Keep out: what is declared, and the comparison (tests/property/test_decision_lineage.py). The values of a column
depend on the seed and its name alone, so that a new fact does not change the customers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from risk_pipeline.contracts import table
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision.alert_history import ACTIONS as ALERT_ACTIONS
from risk_pipeline.decision.alert_history import BEFORE as ALERTS_BEFORE
from risk_pipeline.decision.alert_history import AlertHistory, history_frame
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import facts_read
from risk_pipeline.decision.treatment_history import ACTIONS as TREATMENT_ACTIONS
from risk_pipeline.decision.treatment_history import BEFORE as TREATMENTS_BEFORE
from risk_pipeline.decision.treatment_history import TreatmentHistory
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.reading import rules_at
from risk_pipeline.policy.scopes import CONDITIONS, FACT_TABLES, condition
from tests.decision_facts import AS_OF, TIERS, decide
from tests.decision_facts import fact_dtypes as dtypes_of_facts
from tests.decision_given import CATALOGUE, POLICY

FRAMES: Mapping[str, Mapping[str, str]] = {
    "alert_before": ALERTS_BEFORE,
    "alert_action": ALERT_ACTIONS,
    "treatment_before": TREATMENTS_BEFORE,
    "treatment_action": TREATMENT_ACTIONS,
}
ROLES = [level.role for level in POLICY.authorities.levels]
OF_EVENTS = [each.id for each in POLICY.alerts if each.object]
EVENT = "2026-01-31"  # what the alerts before were about, where they are about something
KNOCKOUTS = [each.id for each in POLICY.knockouts]
# What a fact may say where its contract has no closed list.
WORDS: dict[str, list[Any]] = {
    "name": ["One Ltd", "Two Ltd", None],
    "account_manager": ["Ann", "Ben", None],
    "legal_form": ["ltd", "sole_trader", None],
    "size_class": ["small", "medium", "large", None],
    "country_code": ["DE", "CN", None],
    "credit_currency": ["EUR", "USD", "CNY"],
    "demand_series": ["C24", "I56", None],
    "notch_id": ["OV1", "OV2", None],
    "override_violation_id": ["OV3", "OV4", None],
    "override_lapsed_id": ["OV5", "OV6", None],
    "manual_limit_id": ["OV7", "OV8", None],
    "temporary_limit_id": ["OV9", "OV0", None],
    "previous_tier": [*TIERS, None],
    "previous_hysteresis_tier": [*TIERS, None],
    "previous_cure_ceiling": ["medium", "high", "restricted", None],
    "previous_status": [*STATUSES, "active", "active", None],
    "previous_status_before": [*STATUSES, None],
    "previous_status_rule": [*(edge.id for edge in POLICY.exit.edges), None],
    "previous_segment": [*(each.id for each in POLICY.segments), None],
    "previous_knockouts": ["", *KNOCKOUTS, ",".join(KNOCKOUTS), None],
    "uncollectible_written_off_12m": [0, 200_00, 600_00, None],  # between the two bounds of what is material
    "state_decision": [*STATUSES, None],
    "state_rejected": [*STATUSES, None],
}


def days_before(days: int) -> date:
    """That many days before AS_OF."""
    return AS_OF - timedelta(days)


# Customers at a turning of their way, where a fact decides: what each of them says beside chance.
STORIES: dict[str, dict[str, Any]] = {
    "none": {},
    "long high": {
        "previous_tier": "high",
        "previous_hysteresis_tier": "high",
        "previous_periods_in_tier": 5,
        "previous_as_of": days_before(30),
        "previous_status": "active",
        "previous_status_periods": 5,
        "max_dpd_material": 20,
    },
    "loyal": {
        "previous_tier": "low",
        "previous_hysteresis_tier": "low",
        "previous_periods_in_tier": 8,
        "previous_as_of": days_before(30),
        "previous_status": "active",
        "manual_limit": None,
    },
    "limit that waits for its review": {
        "previous_tier": "low",
        "previous_hysteresis_tier": "low",
        "previous_periods_in_tier": 4,
        "previous_as_of": days_before(30),
        "previous_status": "active",
        "previous_computed_limit": 50_000_00,
        "previous_period_start_limit": None,
        "previous_next_review_date": days_before(-60),
        "previous_limit_valid_to": days_before(-90),
        "previous_knockouts": "KO02",  # a possible hit on a list, cleared since
        "max_dpd_material": 0,
    },
    "suspended, proof nearly over": {
        "previous_status": "suspended",
        "previous_status_since": days_before(300),
        "previous_status_cleared_on": days_before(100),
        "previous_status_wait_days": 60,
        "max_dpd_material": 0,
        "state_decision": "probation",
        "state_decision_on": days_before(2),
        "state_decision_role": "head_of_credit",
    },
    "exit proposed, rejected": {
        "previous_status": "exit_proposed",
        "previous_status_since": days_before(60),
        "state_rejected": "terminated",
        "state_rejected_on": days_before(2),
        "state_rejected_role": "committee",
        "state_decision": None,
    },
    "exit proposed, approved": {
        "previous_status": "exit_proposed",
        "previous_status_since": days_before(60),
        "state_decision": "terminated",
        "state_decision_on": days_before(2),
        "state_decision_role": "committee",
        "state_rejected": None,
    },
    "terminated, back again": {
        "previous_status": "terminated",
        "previous_status_since": days_before(500),
        "previous_status_cleared_on": days_before(450),
        "previous_status_wait_days": 60,
        "total_exposure": 0,
        "max_dpd_material": 0,
        "documents_received_date": days_before(5),
        "sanctions_searched_on": days_before(5),
        "state_decision": "probation",
        "state_decision_on": days_before(2),
        "state_decision_role": "committee",
    },
    "in default, proof nearly over": {
        "previous_in_default": True,
        "previous_default_since": days_before(200),
        "previous_default_cleared_on": days_before(95),
        "previous_default_wait_days": 90,
        "max_dpd_material": 0,
        "previous_status": "suspended",
        "previous_status_since": days_before(200),
        "previous_status_cleared_on": days_before(95),
        "previous_status_wait_days": 60,
        "state_decision": "probation",
        "state_decision_on": days_before(2),
        "state_decision_role": "credit_manager",
    },
    "terminated, back again with a judgement": {
        "previous_status": "terminated",
        "previous_status_since": days_before(500),
        "previous_status_cleared_on": days_before(450),
        "previous_status_wait_days": 60,
        "total_exposure": 0,
        "max_dpd_material": 0,
        "documents_received_date": None,
        "sanctions_searched_on": days_before(5),
        "state_decision": "probation",
        "state_decision_on": days_before(2),
        "state_decision_role": "committee",
    },
    "young": {
        "sales_12m": 0,
        "expected_monthly_sales": 500_000,
        "months_since_first_invoice": 1,
        "requested_limit": 800_000_000,
        "relationship_months": 40,
        "tangible_net_worth": 900_000_000,
        "revenue_annual": None,
        "bureau_report_age_days": 10,
        "manual_limit": None,
        "temporary_limit": None,
        "group_limit": None,
        "previous_computed_limit": None,
    },
    "loyal and large": {
        "previous_tier": "low",
        "previous_hysteresis_tier": "low",
        "previous_periods_in_tier": 8,
        "previous_as_of": days_before(30),
        "previous_status": "active",
        "country_code": "DE",
        "size_class": "large",
        "natural_person": False,
        "legal_form": "ltd",
        "avg_monthly_sales_12m": 30_000_000,
        "tangible_net_worth": 900_000_000,
        "contracted_terms_days": None,
        "insured_terms_days": None,
    },
    "on probation": {"previous_status": "probation", "previous_status_periods": 2, "previous_cure_ceiling": "medium"},
    "on probation after an end": {
        "previous_status": "probation",
        "previous_status_before": "terminated",
        "previous_status_periods": 1,
        "previous_cure_ceiling": None,
    },
    "carried forward": {
        "previous_status": "active",
        "previous_next_review_date": days_before(-100),
        "previous_knockouts": "",
        "security_date": None,
        "previous_computed_limit": 20_000_000,
        "previous_tier": "medium",
        "previous_hysteresis_tier": "medium",
        "manual_limit": None,
        "temporary_limit": None,
        "group_limit": None,
        "avg_monthly_sales_12m": 20_000_000,
        "total_exposure": 1_000_000,
    },
    "about to rise": {
        "previous_hysteresis_tier": "medium",
        "previous_tier": "medium",
        "previous_hysteresis_periods_met": 5,
        "previous_last_downgrade_on": days_before(400),
        "previous_as_of": days_before(30),
        "previous_status": "active",
    },
    "by hand": {
        "manual_limit": 5_000_000,
        "manual_limit_role": "cfo",
        "temporary_limit": 6_500_000,
        "temporary_limit_role": "cfo",
        "previous_status": "active",
        "group_limit": None,
    },
    "calm": {
        "previous_status": "active",
        "manual_limit": None,
        "temporary_limit": None,
        "group_limit": None,
        "previous_computed_limit": None,
        "avg_monthly_sales_12m": 30_000_000,
        "avg_monthly_sales_3m": 30_000_000,
        "requested_limit": None,
        "collateral_value_net": 10_000_000,
        "tangible_net_worth": 900_000_000,
        "revenue_annual": 9_000_000_000,
        "bureau_recommended_limit": None,
        "sales_12m": 900_000_000,
        "relationship_months": 40,
    },
}
# How often a customer says something else of facts that stop or warn, so that most decisions run their whole way.
LOUD, WARNED, SPOKEN = 0.01, 0.08, 0.35
GOOD = 0.5  # how often a factor has its best value
SPARSE, GAPS = 0.5, 0.3  # customers near the least coverage, and how much of the evidence they lack


@dataclass(frozen=True)
class Book:
    """Customers: their facts, and what was known of their alerts and treatments before."""

    facts: pd.DataFrame
    frames: Mapping[str, pd.DataFrame]
    as_of: date = AS_OF

    def of(self, rows: Iterable[int]) -> Book:
        """Some of the customers, by their places."""
        facts = self.facts.iloc[sorted(set(rows))].reset_index(drop=True)
        there = {name: frame["customer_id"].isin(facts["customer_id"]) for name, frame in self.frames.items()}
        return Book(facts, {name: frame[there[name]].reset_index(drop=True) for name, frame in self.frames.items()}, self.as_of)


fact_dtypes = cache(dtypes_of_facts)


@cache
def scored() -> dict[str, Any]:
    """Factors of the cards of the shipped policy, with their rules."""
    ids = {factor for card in POLICY.scorecards.values() for factor in card}
    return {factor.id: (factor, POLICY.scoring[factor.id]) for factor in CATALOGUE.scored(dict.fromkeys(ids))}


@cache
def columns_of_facts() -> dict[str, str]:
    """The facts that deciding reads, and their dtypes."""
    read = facts_read(POLICY, CATALOGUE)
    return {name: dtype for name, dtype in fact_dtypes().items() if name in read}


@cache
def contracts() -> dict[str, Any]:
    """The columns of the tables that facts come from."""
    return {c.name: c for name in FACT_TABLES for c in table(name).columns}


class Draw:
    """Random values of facts, one source of chance for each column and purpose."""

    def __init__(self, seed: int, purpose: str, name: str, rows: int) -> None:
        self.rng = np.random.default_rng([seed, crc32(f"{purpose} {name}".encode())])
        self.name, self.rows = name, rows

    def often(self, share: float) -> NDArray[np.bool_]:
        return self.rng.random(self.rows) < share

    def pick(self, values: Iterable[Any]) -> list[Any]:
        held = list(values)
        return [held[at] for at in self.rng.integers(0, len(held), self.rows)]

    def values(self) -> list[Any]:
        """Any value the fact may have."""
        name = self.name
        if name in scored() and scored()[name][1].values is None:
            edges = scored()[name][1].edges
            places = [*edges, *(edge + step for edge in edges for step in (-1, -0.01, 0.01, 1)), 0, 1, 1000, None]
            whole = fact_dtypes()[name] == "Int64"
            return self.pick([None if each is None else int(each) if whole else float(each) for each in places])
        if name in scored():
            return self.pick([*scored()[name][1].values, None])
        if name.endswith("_code") and name.removesuffix("_code") in scored():
            return self.pick([*scored()[name.removesuffix("_code")][0].codes, *[None] * 4])
        if name in WORDS:
            return self.pick(WORDS[name])
        if name.endswith("_role"):
            return self.pick([*ROLES, None])
        if name in contracts() and contracts()[name].values:
            return self.pick([*contracts()[name].values, None])
        if words_of_conditions().get(name):
            return self.pick([*words_of_conditions()[name], "other", None])
        return self._of_kind()

    def _of_kind(self) -> list[Any]:
        name, dtype = self.name, fact_dtypes()[self.name]
        if dtype == "boolean":
            return self.pick([True, False, None])
        if dtype.startswith("datetime"):
            ahead = name.endswith(("_until", "expires_on", "valid_to", "ends_on", "next_review_date"))
            days = [-1, 0, 1, 5, 20, 29, 31, 60, 100, 200, 400, 800]
            return self.pick([*(AS_OF + timedelta(each if ahead else -each) for each in days), AS_OF, None])
        if name == "credit_fx_rate":
            return self.pick([10**10, 9_200_000_000, 1_276_543_211, None])
        if dtype == "Int64" and self._is_money():
            sizes = 10.0 ** self.rng.uniform(3, 10, self.rows)
            signs = self.rng.choice([1, 1, 1, 1, 1, 1, 1, 0, -1], self.rows)
            return [None if gap else int(size * sign) for size, sign, gap in zip(sizes, signs, self.often(0.1), strict=True)]
        if dtype == "Int64":
            return self.pick([*range(-2, 8), 10, 14, 15, 16, 30, 31, 45, 60, 61, 89, 90, 91, 180, 365, 400, 600, 900, None])
        if dtype == "float64":
            return self.pick(
                [-40.0, -12.0, -1.0, -0.3, 0.0, 0.05, 0.11, 0.2, 0.5, 0.8, 1.0, 1.2, 3.0, 10.0, 55.0, 80.0, 92.5, None]
            )
        return self.pick(["a", "b", None])

    def _is_money(self) -> bool:
        contract = contracts().get(self.name)
        return contract.kind is Kind.MONEY if contract else self.name.endswith(("limit", "limit_total"))

    def of_customers(self) -> list[Any]:
        """The fact of customers of a book: mostly what most customers say of it."""
        name, values = self.name, self.values()
        calm, share = _calm(name)
        if share is not None:
            return [each if said else calm for each, said in zip(values, self.often(share), strict=True)]
        if name in scored() and scored()[name][1].values is None:
            rule = scored()[name][1]
            best = int(np.argmax(rule.points))
            edges = [-1e3, *rule.edges, (rule.edges or (0,))[-1] + 1e3]
            inside = max(edges[best], min((edges[best] + edges[best + 1]) / 2, edges[best] + 500))
            good = int(inside) if fact_dtypes()[name] == "Int64" else float(inside)
            return [good if is_good else each for each, is_good in zip(values, self.often(GOOD), strict=True)]
        return values


@cache
def words_of_conditions() -> dict[str, list[str]]:
    """Texts that the conditions of the policy compare a fact with."""
    found: dict[str, list[str]] = {}
    for block in CONDITIONS:
        for rule in rules_at(POLICY, block):
            for name, words in re.findall(r"(\w+) (?:=|!=|in) \(?((?:'[^']*'(?:, )?)+)", rule.when):
                found.setdefault(name, []).extend(re.findall(r"'([^']*)'", words))
    return found


@cache
def _warnings() -> frozenset[str]:
    """Facts that only early warnings read."""
    return (
        frozenset(name for rule in rules_at(POLICY, "alerts") for name in condition(rule.when, "alert").columns())
        - scored().keys()
    )


@cache
def _calm(name: str) -> tuple[Any, float | None]:
    """What most customers say of a fact, and which share says something else; None = there is no such thing."""
    nothing: dict[str, Any] = {
        **dict.fromkeys(("is_intercompany", "is_one_time", "distressed_plan", "insurance_claim_filed"), False),
        **dict.fromkeys(("registry_struck_off", "group_member_in_default", "previous_in_default"), False),
        **dict.fromkeys(("uncollectible_written_off_12m", "sanctions_unreviewed", "dishonoured_payments_6m"), 0),
        **dict.fromkeys(("country_list_status", "operating_list_status"), None),
        "identity_verified": True,
        "enforcement_to_net_worth": 0.0,
        "max_dpd_material": 0,
    }
    if name in nothing:
        return nothing[name], 0.2 if name == "max_dpd_material" else LOUD
    if name.endswith(("_open", "_confirmed", "_unknown_amount_count")):
        return 0, LOUD
    if name in _warnings() and name not in ("total_exposure", "open_exposure"):
        return None, WARNED
    if name.endswith("_code"):
        return None, WARNED
    spoken = ("previous_", "state_", "override_", "limit_", "plan_", "group_", "manual_", "temporary_", "notch_")
    return None, (0.7 if name.startswith(("previous_", "state_")) else SPOKEN) if name.startswith(spoken) else None


def book_of(seed: int, rows: int) -> Book:
    """Random customers with a history."""
    columns = {}
    for name, dtype in fact_dtypes().items():
        values = Draw(seed, "customers", name, rows).of_customers() if name in columns_of_facts() else [None] * rows
        columns[name] = pd.Series(values, dtype=dtype)
    facts = pd.DataFrame(columns).assign(customer_id=[f"S{seed}C{number:05d}" for number in range(rows)])
    sparse = Draw(seed, "sparse", "", rows).often(SPARSE)
    for name in scored():
        facts.loc[sparse & Draw(seed, "gaps", name, rows).often(GAPS), name] = None
    stories = np.array(Draw(seed, "stories", "", rows).pick(STORIES))
    for story, said in STORIES.items():
        for name, value in said.items():
            facts.loc[stories == story, name] = pd.Series([value], dtype=fact_dtypes()[name]).iloc[0]
    facts["total_exposure"] = facts["total_exposure"].fillna(0)
    as_of = AS_OF if seed % 2 else AS_OF + timedelta(10)  # at a month end, and between two
    return Book(facts, {name: _history(seed, name, list(facts["customer_id"])) for name in FRAMES}, as_of)


def other_values(book: Book, name: str, seed: int) -> pd.DataFrame | pd.Series[Any]:
    """Other values of a fact for every customer; of `frame.column` the whole frame with other values in that column."""
    frame, _, column = name.rpartition(".")
    if not frame:
        values = pd.Series(Draw(seed, "other", name, len(book.facts)).values(), dtype=fact_dtypes()[name])
        return values.fillna(0) if name == "total_exposure" else values
    old = book.frames[frame]
    chosen = list(zip(old["customer_id"], _subject(frame, old), strict=True))
    return history_frame(
        {**{each: old[each] for each in old}, column: _of_frame(seed, "other", frame, column, chosen)}, FRAMES[frame]
    )


def _subject(frame: str, rows: pd.DataFrame) -> pd.Series[str]:
    """Alert rule or action of each row of a history."""
    if frame == "treatment_before":
        return rows["action"]
    return rows["alert_id" if frame.startswith("alert") else "treatment_id"].str.split(":", n=1).str[0]


def _history(seed: int, name: str, ids: list[str]) -> pd.DataFrame:
    """Alerts and treatments before, or what people did about them: of each customer two or three."""
    subjects = (
        [each.id for each in POLICY.alerts if not each.object or each.event] if name.startswith("alert") else list(POLICY.actions)
    )
    picks = [Draw(seed, f"history {name} {nth}", "", len(ids)).pick(subjects) for nth in range(3)]
    chosen = sorted({(who, what) for each in picks for who, what in zip(ids, each, strict=True)})
    rows = {column: _of_frame(seed, "history", name, column, chosen) for column in FRAMES[name]}
    return history_frame(rows, FRAMES[name])


def _of_frame(seed: int, purpose: str, name: str, column: str, chosen: Sequence[tuple[str, str]]) -> list[Any]:
    """Values of a column of a history, for (customer, alert rule or action)."""
    draw = Draw(seed, purpose, f"{name}.{column}", len(chosen))
    fixed: dict[str, list[Any]] = {
        "customer_id": [who for who, _ in chosen],
        "alert_id": [f"{what}:{who}:{EVENT}" if what in OF_EVENTS else f"{what}:{who}" for who, what in chosen],
        "treatment_id": [f"{what}:{who}" for who, what in chosen],
        "action": [what for _, what in chosen],
        "rules": draw.pick(["any,tier_high", "tier_medium,any", "A05,A03", "dunning_1,tier_low"]),  # of each rule its day
    }
    words: dict[str, list[Any]] = {
        "severity": ["low", "medium", "high", "critical"],
        "state": ["open", "open", "acknowledged", "closed"]
        if name.startswith("alert")
        else ["open", "open", "done", "superseded"],
        "as_of": [AS_OF - timedelta(30), AS_OF - timedelta(1)],
        "alert_action": ["acknowledge", "snooze", "close"],
        "treatment_verdict": ["done", "waived"],
        "priority": [1, 2, 3, 4],
    }
    if column == "rule" and name == "alert_before":
        return [what for _, what in chosen]
    if column == "rules_since":
        days = [str(AS_OF - timedelta(each)) for each in draw.pick([0, 5, 40, 100, 400])]
        return [",".join([day] * 2) for day in days]
    if column in fixed:
        return fixed[column]
    if column in words:
        return draw.pick(words[column])
    if FRAMES[name][column].startswith("datetime"):
        return draw.pick([AS_OF - timedelta(days) for days in (-20, -2, 0, 1, 10, 29, 31, 50, 90, 400)])
    return draw.pick([f"{column} one", f"{column} two", None])


def inputs_of_frames() -> list[str]:
    """Columns of the histories, beside those that say which alert or treatment is meant."""
    named = ("customer_id", "alert_id", "treatment_id", "action")
    return [
        f"{frame}.{each}"
        for frame, columns in FRAMES.items()
        for each in columns
        if each not in named and f"{frame}.{each}" != "alert_before.rule"
    ]


def decided(book: Book, policy: Policy = POLICY) -> dict[str, pd.DataFrame]:
    """Decide on a book."""
    frames = book.frames
    context = DecisionContext(
        book.as_of,
        "R1",
        "official",
        "EUR",
        evidence_feeds_configured=True,
        alerts=AlertHistory(frames["alert_before"], frames["alert_action"]),
        treatments=TreatmentHistory(frames["treatment_before"], frames["treatment_action"]),
    )
    return decide(book.facts, policy, CATALOGUE, context)


# ---------------------------------------------------------------- what changed

Pair = tuple[int, str]  # a customer of a book, by its place, and the fact of which it gets another value
Changed = dict[tuple[str, str], NDArray[np.bool_]]  # by table and column: whether it changed, for each pair
KEYS = {
    "score.contribution": "factor",
    "decision.limit_candidate": "method",
    "decision.alert": "alert_id",
    "decision.treatment": "treatment_id",
}
ROWS = "as_of"  # stands for a row that came or went


def changes(book: Book, pairs: Sequence[Pair], seed: int) -> Changed:
    """What changes of the decision on a customer when one of its facts is another, for each of `pairs`."""
    return changes_together([(book, pairs, seed)])


def changes_together(parts: Sequence[tuple[Book, Sequence[Pair], int]]) -> Changed:
    """The same of several books of one date with their pairs and seeds, decided at once; pairs one after the other."""
    before = _together([book.of(row for row, _ in pairs) for book, pairs, _ in parts])
    after, count = [], 0
    for book, pairs, seed in parts:
        after.append(_varied(book, pairs, seed, count))
        count += len(pairs)
    ids = [book.facts["customer_id"].iloc[row] for book, pairs, _ in parts for row, _ in pairs]
    origin = pd.Index(before.facts["customer_id"]).get_indexer(pd.Index(ids))
    return differences(decided(before), decided(_together(after)), before, list(origin))


def _together(books: Sequence[Book]) -> Book:
    facts = pd.concat([book.facts for book in books], ignore_index=True)
    return Book(
        facts, {name: pd.concat([book.frames[name] for book in books], ignore_index=True) for name in FRAMES}, books[0].as_of
    )


def under(book: Book, before: Mapping[str, pd.DataFrame], policy: Policy) -> Changed:
    """What changes of the decision on each customer of a book, decided as `before`, when the policy is this one."""
    number = {customer: f"~{at}" for at, customer in enumerate(book.facts["customer_id"])}
    after = {}
    for name, frame in decided(book, policy).items():
        ids = frame["customer_id"].astype("str")
        after[name] = frame.assign(customer_id=ids + ids.map(number))
    return differences(before, after, book, range(len(number)))


def _varied(book: Book, pairs: Sequence[Pair], seed: int, first: int) -> Book:
    """A book of one customer for each pair, its id marked with the number of the pair, counted from `first`."""
    rows = np.array([row for row, _ in pairs])
    facts = book.facts.iloc[rows].reset_index(drop=True)
    marks = pd.DataFrame({"customer_id": facts["customer_id"], "mark": [f"~{first + at}" for at in range(len(pairs))]})
    places: dict[str, list[int]] = {}
    for number, (_, name) in enumerate(pairs):
        places.setdefault(name, []).append(number)
    others = {name: other_values(book, name, seed) for name in places}
    for name, other in others.items():
        if isinstance(other, pd.Series):
            facts.loc[places[name], name] = other.iloc[rows[places[name]]].array
    frames = {}
    for frame, given in book.frames.items():
        own = {name: other for name, other in others.items() if name.startswith(f"{frame}.")}
        as_given = marks.drop(index=[at for name in own for at in places[name]])
        parts = [as_given.merge(given, on="customer_id")]
        parts += [marks.iloc[places[name]].merge(other, on="customer_id") for name, other in own.items()]
        frames[frame] = _marked(pd.concat(parts, ignore_index=True), frame)
    return Book(facts.assign(customer_id=facts["customer_id"] + marks["mark"]), frames, book.as_of)


def _marked(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    ids = [each for each in ("customer_id", "alert_id", "treatment_id") if each in rows]
    return rows.assign(**{each: rows[each] + rows["mark"] for each in ids})[list(FRAMES[name])]


def differences(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame], book: Book, origin: Sequence[int]
) -> Changed:
    """What differs between the tables of a book and those of a book of its customers `origin`, marked with their numbers."""
    found: Changed = {}
    for name in before:
        found |= {(name, column): flags for column, flags in _of_table(name, before[name], after[name], book, origin).items()}
    return found


def _of_table(
    name: str, before: pd.DataFrame, after: pd.DataFrame, book: Book, origin: Sequence[int]
) -> dict[str, NDArray[np.bool_]]:
    rows, count = len(before), len(origin)
    ids = after["customer_id"].astype("str").str.rsplit("~", n=1)
    number = ids.str[1].astype("int64").to_numpy()
    both = pd.concat([before, after.assign(customer_id=ids.str[0])], ignore_index=True)
    for each in ("alert_id", "treatment_id"):
        if each in both:
            both[each] = both[each].astype("str").str.replace(r"~\d+", "", regex=True)
    codes = {column: pd.factorize(both[column])[0] for column in both}
    customers = len(book.facts)
    who = pd.Index(book.facts["customer_id"]).get_indexer(pd.Index(both["customer_id"].astype("str")))
    key = codes[KEYS[name]].astype("int64") * customers + who if name in KEYS else who
    place = pd.Index(key[:rows]).get_indexer(pd.Index(key[rows:]))
    there = place >= 0
    came = np.bincount(number[~there], minlength=count) > 0
    held = np.bincount(who[:rows], minlength=customers)[np.asarray(origin)]
    gone = np.bincount(number[there], minlength=count) < held
    flags = {
        column: np.bincount(number[there][code[rows:][there] != code[place[there]]], minlength=count) > 0
        for column, code in codes.items()
    }
    return {**flags, ROWS: came | gone}
