"""Random customers with every fact that a decision reads, and years of their assessments, each the past of the next.

Put here: the customers, their lives, and what people say meanwhile. Keep out: what must hold of them (tests/property). Factors
are drawn around the edges of their bins, everything else from values that rules tell apart, so that hundreds of customers meet
most of them. Bins, categories and codes come from policy and catalogue: a new factor is drawn the day it is on a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from risk_pipeline.contracts import FACTOR_TABLES, table
from risk_pipeline.contracts.derive import arrow_to_frame, frame_to_arrow
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.decision import alert_history, treatment_history
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.factors.catalogue import Factor
from risk_pipeline.pipeline.stored_facts import PREVIOUS_COLUMNS
from risk_pipeline.policy.model import FactorRule
from tests.decision_facts import AS_OF, decide, fact_dtypes, many
from tests.decision_given import CATALOGUE, POLICY

DTYPES = fact_dtypes()
LEVELS = [level.role for level in POLICY.authorities.levels]
LISTS = ("none", "increased_monitoring", "call_for_action")
# Month ends, a day between two of them, two runs in one month, a month without a run.
DATES = tuple(
    map(date.fromisoformat, "2026-01-31 2026-02-28 2026-03-31 2026-04-13 2026-04-30 2026-06-30 2026-07-31 2026-08-31".split())
)


def context(as_of: date = AS_OF, run: str = "R1") -> DecisionContext:
    """The constants of a run in a workspace that has evidence."""
    return DecisionContext(as_of, run, "official", "EUR", evidence_feeds_configured=True)


def draw(factor: Factor, rule: FactorRule, rng: np.random.Generator, rows: int) -> pd.Series:
    """Values around the edges of the bins; every category of the rule, and some it does not name."""
    if rule.values is not None:
        column = next(each.column(factor.id) for each in FACTOR_TABLES if factor.id in each)
        return pd.Series(rng.choice([*(column.values or rule.categories[:-1])], rows), dtype="str")
    edges = np.array(rule.edges or [0.0])
    span = max(1.0, float(edges[-1] - edges[0]))
    values = rng.choice(edges, rows) + rng.choice([0.0, 1e-9, -1e-9, 0.3, -0.3, 1, -1], rows) * span
    return pd.Series(np.floor(values) if DTYPES[factor.id] == "Int64" else values).astype(DTYPES[factor.id])


def best(factor: Factor, rule: FactorRule) -> Any:
    """A value of the best bin or category."""
    if rule.values is not None:
        return max(rule.categories[:-1], key=lambda name: (rule.values or {})[name])
    edges, place = rule.edges or [0.0], int(np.argmax(rule.points))
    return edges[place] if place < len(edges) else edges[-1] + 1


def worse_of(one: pd.Series, other: pd.Series, factor: Factor, rule: FactorRule) -> pd.Series:
    """`one`, or `other` where that is worse by direction or points; what is not known stays so."""
    if rule.values is None:
        worse = other > one if factor.direction == "down" else other < one
    else:
        points = {name: rule.values.get(name, rule.values["else"]) for name in {*one.dropna(), *other.dropna()}}
        worse = other.map(points) < one.map(points)
    return one.where(~(worse & one.notna() & other.notna()), other)


def customers(seed: int, rows: int, as_of: date = AS_OF) -> pd.DataFrame:
    """Random customers with evidence of every kind and age, special codes and gaps; no security, findings, people or past."""
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = dict(many(rows, seed).items())
    for name in dict.fromkeys(factor.evidence for factor in CATALOGUE.factors if factor.reason):
        age = np.where(rng.random(rows) < 0.8, rng.integers(0, 7, rows), rng.integers(0, 800, rows))  # most of it fresh
        columns[name] = np.datetime64(as_of, "s") - age.astype("timedelta64[D]")
    for factor in CATALOGUE.factors:
        rule = POLICY.scoring.get(factor.id)
        if rule is None:
            continue
        coded = rng.random(rows) < (0.1 if rule.special else 0)
        columns[factor.id] = draw(factor, rule, rng, rows).mask(coded | (rng.random(rows) < 0.05))
        if factor.codes:
            columns[f"{factor.id}_code"] = np.where(coded, rng.choice(list(rule.special), rows), None)
    columns["statement_usable"] = rng.random(rows) < 0.2
    columns |= {name: None for name in columns if name.startswith("previous_")}
    return pd.DataFrame({name: pd.Series(values, index=range(rows), dtype=DTYPES[name]) for name, values in columns.items()})


def world(seed: int, rows: int, as_of: date = AS_OF) -> pd.DataFrame:
    """`customers` of every quality with findings, security, contracts, events, and what people decided about them."""
    rng, frame = np.random.default_rng(seed + 1), customers(seed, rows, as_of)
    quality = rng.choice([0.3, 0.8, 0.95, 0.99, 1.0], rows)
    columns: dict[str, Any] = dict(frame.items())
    for factor in CATALOGUE.factors:
        rule = POLICY.scoring.get(factor.id)
        if rule is not None:
            good = rng.random(rows) < quality
            columns[factor.id] = frame[factor.id].mask(good, best(factor, rule))
            if factor.codes:
                columns[f"{factor.id}_code"] = frame[f"{factor.id}_code"].mask(good)
    columns |= {**_findings(rng, rows), **_money(rng, rows), **_dates(rng, rows, as_of), **_people(rng, rows, as_of)}
    return pd.DataFrame({name: pd.Series(values, index=range(rows), dtype=DTYPES[name]) for name, values in columns.items()})


def _some(rng: np.random.Generator, rows: int, share: float, values: Any, otherwise: Any = None) -> pd.Series:
    return pd.Series(np.where(rng.random(rows) < share, values, otherwise), dtype="object")


def _findings(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Flags and counts that are rarely there."""
    counts = "sanctions_confirmed sanctions_unreviewed fraud_confirmed insolvency_open dishonest_debtor_open"
    counts += " serious_illegal_open own_suit_open abnormal_operation_open bill_overdue_open"
    flags = "registry_struck_off insurance_claim_filed distressed_plan insurance_withdrawn contract_unsigned"
    flags += " relied_on_lapsed_security is_public_body insured parent_guarantee_valid identity_verified group_member_in_default"
    rare = {name: np.where(rng.random(rows) < 0.02, rng.integers(1, 3, rows), 0) for name in counts.split()}
    shares = {"insured": 0.3, "parent_guarantee_valid": 0.3, "identity_verified": 0.8, "group_member_in_default": 0.05}
    said = {name: _some(rng, rows, 0.95, rng.random(rows) < shares.get(name, 0.03)) for name in flags.split()}
    return {
        **rare,
        **said,
        "enforcement_to_net_worth": _some(rng, rows, 0.1, rng.choice([0.05, 0.1, 0.11], rows)),
        "enforcement_unknown_amount_count": rng.choice([0, 0, 0, 0, 1, 2], rows),
        "dishonoured_payments_6m": rng.choice([0, 0, 0, 0, 0, 1, 2], rows),
        "size_class": rng.choice(["micro", "small", "small", "medium", "large"], rows),
        "operating_list_status": rng.choice([*["none"] * 20, *LISTS], rows),
        "country_code": rng.choice(["DE", "FR", "CN", "US"], rows),
        "legal_form": _some(rng, rows, 0.9, rng.choice(["limited", "sole_trader"], rows, p=[0.9, 0.1])),
        "uncollectible_written_off_12m": np.where(rng.random(rows) < 0.02, 600_00, 0),
        "natural_person": _some(rng, rows, 0.95, rng.random(rows) < 0.1),
        "is_intercompany": rng.random(rows) < 0.02,
        "is_one_time": rng.random(rows) < 0.01,
        "ring_fenced": _some(rng, rows, 0.9, rng.random(rows) < 0.2),
    }


def _money(rng: np.random.Generator, rows: int) -> dict[str, Any]:
    """Amounts in whole thousands, so that shares and thirds of them are whole; sales that steps of limits tell apart."""

    def thousands(low: int, high: int, share: float = 1.0) -> pd.Series:
        return _some(rng, rows, share, rng.integers(low, high, rows) * 3_000_00)

    monthly = rng.integers(0, 60, rows) * 3_000_00
    overdue = np.where(rng.random(rows) < 0.2, rng.integers(1, 10, rows) * 3_000_00, 0)
    return {
        "avg_monthly_sales_12m": _some(rng, rows, 0.95, monthly),
        "avg_monthly_sales_3m": _some(rng, rows, 0.95, monthly * rng.choice([0, 1, 1, 2], rows)),
        "sales_12m": _some(rng, rows, 0.95, 12 * monthly),
        "requested_limit": thousands(0, 60, 0.1),
        "expected_monthly_sales": thousands(0, 60, 0.1),
        "tangible_net_worth": thousands(-200, 1_000, 0.6),
        "revenue_annual": thousands(0, 3_000, 0.5),
        "bureau_recommended_limit": thousands(0, 100, 0.4),
        "bureau_report_age_days": _some(rng, rows, 0.8, rng.integers(0, 300, rows)),
        "collateral_value_net": thousands(0, 60, 0.4),
        "collateral_value_net_group": thousands(0, 20, 0.3),
        "open_exposure": rng.integers(0, 60, rows) * 3_000_00,
        "total_exposure": np.where(rng.random(rows) < 0.8, rng.integers(0, 60, rows) * 3_000_00, 0),
        "unapplied_cash": thousands(0, 5, 0.3),
        "overdue": overdue,
        "max_days_past_due": np.where(overdue > 0, rng.choice([1, 9, 10, 29, 30, 59, 60, 89, 90, 200], rows), 0),
        "lawsuit_newest_amount": thousands(0, 40, 0.1),
        "largest_order_30d": thousands(0, 40, 0.5),
        "contracted_terms_days": _some(rng, rows, 0.3, rng.choice([0, 10, 30, 45, 60, 75, 90], rows)),
        "insured_terms_days": _some(rng, rows, 0.3, rng.choice([0, 20, 30, 60], rows)),
        "exposure_share": rng.choice([0.0, 0.1, 0.16], rows, p=[0.9, 0.05, 0.05]),
        "group_exposure_share": rng.choice([0.0, 0.21], rows, p=[0.95, 0.05]),
        "unapplied_days": _some(rng, rows, 0.3, rng.integers(0, 60, rows)),
        "large_order_z": _some(rng, rows, 0.5, rng.choice([0.0, 2.9, 3.1], rows)),
        "bureau_score_change_180d": _some(rng, rows, 0.3, rng.choice([-16.0, -15.0, -14.0, 5.0], rows)),
        "credit_currency": rng.choice(["EUR", "USD", "CNY"], rows, p=[0.8, 0.1, 0.1]),
    }


def _dates(rng: np.random.Generator, rows: int, as_of: date) -> dict[str, Any]:
    """Days of events, each with its age in days beside it, and days to come."""
    today = np.datetime64(as_of, "s")
    columns: dict[str, Any] = {}
    for day, age in (
        ("bank_account_changed_on", "bank_account_changed_days"),
        ("lawsuit_newest_on", "lawsuit_newest_days"),
        ("enforcement_newest_on", "enforcement_newest_days"),
        ("dishonoured_on", "dishonoured_days"),
        ("control_changed_on", "control_changed_days"),
    ):
        known, days = rng.random(rows) < 0.1, rng.choice([0, 29, 30, 31, 89, 90, 91, 200], rows)
        columns[age] = pd.Series(days, dtype="Int64").where(known)
        columns[day] = pd.Series(today - days.astype("timedelta64[D]")).where(known)
    for day, share in (("plan_agreed_on", 0.05), ("plan_broken_on", 0.03), ("security_date", 0.3), ("security_lapsed_on", 0.05)):
        columns[day] = pd.Series(today - rng.integers(0, 100, rows).astype("timedelta64[D]")).where(rng.random(rows) < share)
    left, secured = rng.choice([0, 10, 30, 31, 60, 61, 300], rows), rng.random(rows) < 0.4
    columns["security_days_left"] = pd.Series(left, dtype="Int64").where(secured)
    columns["security_ends_on"] = pd.Series(today + left.astype("timedelta64[D]")).where(secured)
    until = today + rng.integers(-50, 400, rows).astype("timedelta64[D]")
    columns["contract_valid_to"] = pd.Series(until).where(rng.random(rows) < 0.4)
    for name, highest in (("statement_age_days", 600), ("dispute_days", 90), ("insurance_extension_days_left", 60)):
        columns[name] = pd.Series(rng.integers(0, highest, rows), dtype="Int64").where(rng.random(rows) < 0.3)
    received = today - rng.integers(0, 600, rows).astype("timedelta64[D]")
    columns["statement_received_date"] = pd.Series(received).where(rng.random(rows) < 0.5)
    return columns


def _people(rng: np.random.Generator, rows: int, as_of: date) -> dict[str, Any]:
    """What people decided: overrides, verdicts on limits and on states, some beyond their authority."""
    today = np.datetime64(as_of, "s")

    def day(share: float) -> pd.Series:
        return pd.Series(today - rng.integers(0, 100, rows).astype("timedelta64[D]")).where(rng.random(rows) < share)

    def limit(share: float) -> pd.Series:
        return _some(rng, rows, share, rng.integers(0, 200, rows) * 3_000_00)

    roles = {name: rng.choice([*LEVELS, "account_manager"], rows) for name in ("manual_limit_role", "temporary_limit_role")}
    verdicts = {name: rng.choice(LEVELS, rows) for name in ("limit_approved_role", "state_decision_role", "state_rejected_role")}
    return {
        **roles,
        **verdicts,
        "notch_steps": _some(rng, rows, 0.15, rng.choice([-3, -2, -1, 1, 2], rows)),
        "manual_limit": limit(0.15),
        "temporary_limit": limit(0.15),
        "limit_approved": limit(0.3),
        "limit_rejected": _some(rng, rows, 0.2, rng.random(rows) < 0.5),
        "limit_rejected_from": limit(0.1),
        "override_days_left": _some(rng, rows, 0.15, rng.integers(0, 30, rows)),
        "override_lapsed_on": day(0.05),
        "override_violation": _some(rng, rows, 0.03, "self_approval"),
        "state_decision": _some(rng, rows, 0.5, rng.choice(STATUSES[1:], rows)),
        "state_decision_on": day(0.9),
        "state_rejected": _some(rng, rows, 0.2, rng.choice(["terminated", "probation"], rows)),
        "state_rejected_on": day(0.9),
        "sanctions_searched_on": day(0.9),
        "documents_received_date": day(0.7),
    }


# ---------------------------------------------------------------- years


@dataclass(frozen=True, repr=False)
class Assessed:
    """One assessment: its day, the facts with the past beside them, what was known of alerts and treatments, and the tables."""

    context: DecisionContext
    facts: pd.DataFrame
    tables: Mapping[str, pd.DataFrame]

    @property
    def as_of(self) -> date:
        return self.context.as_of

    def __repr__(self) -> str:
        return f"Assessed({self.as_of})"


@lru_cache(maxsize=4)
def lived(seed: int, rows: int, dates: tuple[date, ...] = DATES) -> tuple[Assessed, ...]:
    """Random customers assessed at `dates`. From one to the next a few of their facts change; people deal with some of what is
    asked for.
    """
    rng, past, done = np.random.default_rng(seed + 2), None, []
    for number, as_of in enumerate(dates):
        facts = world(seed + 1000 * number, rows, as_of)
        run = context(as_of, f"R{number}")
        if past is not None:
            facts = _grown(past.facts, facts, rng).assign(**remembered(past.tables))
            run = replace(run, **_said(past, as_of, rng))
        past = Assessed(run, facts, _published(decide(facts, POLICY, CATALOGUE, run)))
        done.append(past)
    return tuple(done)


def remembered(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """The columns previous_* that a run after this assessment reads, as the pipeline selects them."""
    told = PREVIOUS_COLUMNS.items()
    return {name: tables[source][column].astype("object").astype(DTYPES[name]) for name, (source, column) in told}


LASTING = (
    "customer_id",
    "name",
    "natural_person",
    "legal_form",
    "is_intercompany",
    "is_one_time",
    "credit_currency",
    "credit_fx_rate",
)


def _grown(before: pd.DataFrame, anew: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Most facts as they were, some as drawn anew; days and what people say belong to their date."""
    columns = {}
    for name, column in anew.items():
        kept = rng.random(len(anew)) < (1.0 if name in LASTING else 0.0 if column.dtype.kind == "M" else 0.85)
        columns[name] = before[name].where(kept, column)
    return pd.DataFrame(columns)


def _published(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """As somebody reads them who comes later: through the form in which they are stored."""
    return {name: arrow_to_frame(frame_to_arrow(table(name), frame)) for name, frame in tables.items()}


def _said(past: Assessed, day: date, rng: np.random.Generator) -> dict[str, Any]:
    """What is known of alerts and treatments on `day`: those of the assessment before, and what was said of a third of them."""
    alerts, treatments = past.tables["decision.alert"], past.tables["decision.treatment"]
    return {
        "alerts": alert_history.AlertHistory(
            alert_history.history_frame(alerts, alert_history.BEFORE),
            alert_history.history_frame(_acts(alerts, "alert_id", past.as_of, day, rng), alert_history.ACTIONS),
        ),
        "treatments": treatment_history.TreatmentHistory(
            alert_history.history_frame(treatments, treatment_history.BEFORE),
            alert_history.history_frame(_acts(treatments, "treatment_id", past.as_of, day, rng), treatment_history.ACTIONS),
        ),
    }


def _acts(found: pd.DataFrame, number: str, since: date, day: date, rng: np.random.Generator) -> pd.DataFrame:
    """The newest action on each of a third of the rows; some of them are of before the row came about, and of no effect."""
    chosen = found[rng.random(len(found)) < 0.3].drop_duplicates(number)
    days = rng.integers(-20, (day - since).days + 1, len(chosen))
    said_on = pd.Series([since + timedelta(days=int(each)) for each in days], index=chosen.index, dtype="object")
    return pd.DataFrame(
        {
            "customer_id": chosen["customer_id"],
            number: chosen[number],
            "alert_action": rng.choice(["acknowledge", "snooze", "close"], len(chosen)),
            "treatment_verdict": rng.choice(["done", "waived"], len(chosen)),
            "acted_by": "mia",
            "acted_on": said_on,
            "until": said_on + timedelta(days=20),
            "reason_text": np.where(rng.random(len(chosen)) < 0.9, "because", None),
        }
    )
