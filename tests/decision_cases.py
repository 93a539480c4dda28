"""Decision cases written down as data: read, decided in batches by the real functions, told in the words of the cases.

Put here: the words of tests/golden/decision_cases.yaml, the way from them to facts, and from results to what is compared. Keep
out: any expected value (the YAML), which cells there must be (tests/golden/test_decision_cases.py), which rules of the policy a
case makes fire (tests/rules_fired.py).

Assessments are decided date by date, all customers of a date together. A later assessment of a case gets from the one before what
a run would get: previous decision, early warnings, treatments. Feeds that a case gives go through the real factor SQL.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import frame_to_arrow
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision import tables
from risk_pipeline.decision.alert_history import BEFORE as ALERTS_BEFORE
from risk_pipeline.decision.alert_history import AlertHistory, history_frame
from risk_pipeline.decision.alerts import alert_rows
from risk_pipeline.decision.assign import assign
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.decide import decide_scored, prepare, score_customers
from risk_pipeline.decision.groups import LIMITS, group_facts, of_decided
from risk_pipeline.decision.reviews import review_frame
from risk_pipeline.decision.tables import Decided
from risk_pipeline.decision.treatment_history import BEFORE as TREATMENTS_BEFORE
from risk_pipeline.decision.treatment_history import TreatmentHistory
from risk_pipeline.decision.treatments import treatment_rows
from risk_pipeline.pipeline.stored_facts import GROUP_COLUMNS, PREVIOUS_COLUMNS
from risk_pipeline.policy.scopes import FACT_TABLES, condition
from tests.decision_facts import AS_OF, facts, sales
from tests.decision_given import CATALOGUE, POLICY, with_scores
from tests.ledger_case import LedgerCase

OTHERS = "others"  # of actions or alerts: everything that is not named as expected
MINOR = 100
NO_SALES = dict.fromkeys(sales(1))
KINDS: dict[str, Kind] = {
    **{column.name: column.kind for name in FACT_TABLES for column in table(name).columns},
    **{name: table(source).column(column).kind for name, (source, column) in PREVIOUS_COLUMNS.items()},
    **GROUP_COLUMNS,
}
# What a segment asks for; the cases say which it is, and the decision must find the same.
SEGMENTS: dict[str, dict[str, Any]] = {
    "corporate": {"size_class": "medium"},
    "small": {"size_class": "small"},
    "sole": {"legal_form": "sole_trader"},
    "ledger": {},
}
# Feeds a case may give, and the factor tables that are then taken from the SQL. Payments change how a customer paid as well.
PEOPLE = dict.fromkeys(("override", "limit_decision", "customer_state_decision"), ("people_decision",))
FEEDS: dict[str, tuple[str, ...]] = {
    **PEOPLE,
    "collateral": ("collateral",),
    "insurance_limit": ("collateral",),
    "invoice": ("exposure",),
    "payment": ("exposure", "transaction_history"),
}
NOT_FACTS = ("score", "segment", "sales", "net_worth", "revenue", "bureau_limit", "exposure", "late", "before", "feeds")


@dataclass(frozen=True)
class Step:
    """One assessment of one customer of a case."""

    section: str
    case: str
    customer: str  # letter within the case, '' where there is only one
    number: int
    on: date
    known_at: date
    given: dict[str, Any]
    assumed: dict[str, Any]
    expected: dict[str, Any]
    group: bool

    @property
    def customer_id(self) -> str:
        return f"{self.case}-{self.customer}" if self.customer else self.case

    @property
    def name(self) -> str:
        return f"{self.customer_id} on {self.on}"

    def get(self, word: str) -> Any:
        """What is given, else assumed."""
        return self.given[word] if word in self.given else self.assumed.get(word)

    @property
    def feeds(self) -> dict[str, list[dict[str, Any]]]:
        return self.get("feeds") or {}

    @property
    def kind(self) -> tuple[bool, bool]:
        """Steps of one kind are decided together: scored by their evidence or not; of a workspace with a ledger alone or not."""
        return self.get("score") == "by evidence", self.get("segment") == "ledger"


def load(path: Path) -> list[Step]:
    """The steps of every case of a file; a word that is not known is an error."""
    steps = []
    for section, content in yaml.safe_load(path.read_text(encoding="utf-8")).items():
        _known(section, content, "about assumed cases")
        for number, case in content["cases"].items():
            _known(number, case, "title as given expected customers assessments")
            steps += _steps(section, str(number), case, content)
    return steps


def _steps(section: str, number: str, case: dict[str, Any], content: dict[str, Any]) -> Iterable[Step]:
    like = content["cases"][case["as"]].get("given", {}) if "as" in case else {}
    for letter, customer in case.get("customers", {"": {}}).items():
        _known(number, customer, "given expected")
        for nth, assessment in enumerate(case.get("assessments", [{}])):
            _known(number, assessment, "as_of known_at given expected")
            parts = (case, customer, assessment)
            given = _merged(like, *(part.get("given") or {} for part in parts))
            expected = _merged(content["assumed"]["expected"], *(part.get("expected") or {} for part in parts))
            on = assessment.get("as_of", AS_OF)
            yield Step(
                section=section,
                case=number,
                customer=letter,
                number=nth,
                on=on,
                known_at=assessment.get("known_at", on),
                given=given,
                assumed=content["assumed"]["given"],
                expected=expected,
                group="customers" in case,
            )


def _known(where: str, words: Mapping[str, Any], allowed: str) -> None:
    unknown = set(words) - set(allowed.split())
    assert not unknown, f"case {where}: no such words: {sorted(unknown)}"


def _merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Later words stand over earlier ones; `before` is merged word by word."""
    found: dict[str, Any] = {}
    for part in parts:
        before = {**(found.get("before") or {}), **(part.get("before") or {})}
        found |= part
        if found.get("before"):
            found["before"] = before
    return found


# ---------------------------------------------------------------- from words to facts


def columns_of(words: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of the facts from the words of a case; amounts in minor units."""
    found: dict[str, Any] = {}
    if "segment" in words:
        found |= SEGMENTS[words["segment"]]
    if "sales" in words:  # a month
        found |= NO_SALES if words["sales"] == "none" else sales(words["sales"])
    if "net_worth" in words:
        found |= {"tangible_net_worth": words["net_worth"] * MINOR, "statement_usable": True}
    if "revenue" in words:
        found |= {"revenue_annual": words["revenue"] * MINOR}
    if "bureau_limit" in words:
        found |= {"bureau_recommended_limit": words["bureau_limit"] * MINOR, "bureau_report_age_days": 10}
    if "exposure" in words:
        found |= dict.fromkeys(("total_exposure", "open_exposure"), words["exposure"] * MINOR)
    if "late" in words:  # a material debt, the oldest that many days
        _known("late", words["late"], "days amount")
        days, amount = words["late"]["days"], words["late"]["amount"]
        found |= {"max_dpd_material": days, "max_days_past_due": days, "overdue": amount * MINOR}
    return found | {name: _value(name, value) for name, value in words.items() if name not in NOT_FACTS}


def _value(column: str, value: Any) -> Any:
    """A value as the facts hold it."""
    if value is None or KINDS.get(column) is not Kind.MONEY:
        return ",".join(value) if isinstance(value, list) else value
    return round(value * MINOR)


def previous_of(words: dict[str, Any], on: date) -> dict[str, Any]:
    """previous_* columns from the words of `before`; '' and dates where the case says nothing."""
    limit = words.get("limit")
    told = {
        "hysteresis_tier": words.get("tier"),
        "knockouts": "",
        "status": "active",
        "status_since": on.replace(year=on.year - 5),
        "as_of": on.replace(day=1) - timedelta(days=1),
        "in_default": False,
        **{name: limit for name in ("computed_limit", "effective_limit") if limit is not None},
        **words,
    }
    return {f"previous_{name}": _value(f"previous_{name}", value) for name, value in told.items()}


# ---------------------------------------------------------------- what comes out


@dataclass
class Outcome:
    """The result rows of one step. `anew`: rules by which the limit was decided anew; `unbridled`: what would be asked for if no
    two actions contradicted each other.
    """

    step: Step
    rows: dict[str, list[dict[str, Any]]]  # table -> rows
    facts: dict[str, Any]
    before: Outcome | None
    decide_anew: frozenset[str]
    dunning_paused: bool
    unbridled: frozenset[str]
    cells: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.cells = cells_of(self)

    def one(self, name: str) -> dict[str, Any]:
        """The row of a table with one row per customer."""
        (row,) = self.rows[name]
        return row


def cells_of(outcome: Outcome) -> dict[str, Any]:
    """What cases can expect, by word. Amounts in currency units."""
    tier, limit, review = (outcome.one(f"decision.{name}") for name in ("risk_tier", "credit_limit", "review"))
    treatments = [row for row in outcome.rows["decision.treatment"] if row["state"] == "open"]
    alerts = [row for row in outcome.rows["decision.alert"] if row["state"] != "closed"]
    return {
        "segment": tier["segment"],
        "score": outcome.one("score.risk_score")["score"],
        "coverage": outcome.one("score.risk_score")["coverage_pct"],
        "tier": tier["tier"],
        "model": tier["model_tier"],
        "hysteresis": tier["hysteresis_tier"],
        "periods_met": tier["hysteresis_periods_met"],
        "notched": tier["notched_tier"],
        "ceiling": tier["knockout_ceiling"],
        "decided_by": tier["binding_rule"],
        "direction": tier["direction"],
        "knockouts": _listed(tier["knockouts"]),
        "default_events": _listed(tier["default_events"]),
        "in_default": tier["in_default"],
        "cure_days": tier["default_wait_days"] or tier["status_wait_days"],
        "state": tier["status"],
        "month_ends": tier["status_periods"],
        "edge": tier["status_rule"] if tier["status_since"] == outcome.step.on else None,
        "ladder": {row["method"]: round(row["candidate_limit"]) for row in outcome.rows["decision.limit_candidate"]},
        "limit": _plain(limit["limit_reporting"]),
        "limit_by": limit["binding_method"],
        "limit_reason": limit["limit_reason"],
        "source": limit["applied_source"],
        "computed": _plain(limit["computed_limit"]),
        "in_force": _plain(limit["effective_limit"]),
        "secured": _plain(limit["secured_amount"]),
        "unsecured": _plain(limit["unsecured_limit"]),
        "approval": " ".join(filter(None, (limit["approval_status"], limit["required_authority"]))) or None,
        "terms": [limit["payment_terms_days"], limit["settlement_cycle"], _plain(limit["prepayment_pct"])],
        "terms_by": limit["terms_reason"],
        "price_class": limit["price_class_change"],
        "propose_days": limit["proposed_terms_days"],
        "utilisation": None if limit["utilisation"] is None else round(limit["utilisation"], 4),
        "hold": _listed(limit["hold_reasons"]),
        "held": limit["hold"],
        "release": limit["hold_release_status"],
        "actions": {row["action"]: (row["due_date"] - outcome.step.on).days for row in treatments},
        "asked_by": {row["action"]: row["rules"].split(",") for row in treatments},
        "owners": {row["action"]: row["owner_role"] for row in treatments},
        "alerts": {row["rule"]: row["severity"] for row in alerts},
        "playbooks": [row["playbook"] for row in alerts if row["playbook"]],
        "review": review["next_review_date"],
        "review_reason": review["review_reason"],
        "carried": review["carried_forward"],
        "notch": tier["notch_status"],
        "manual": limit["manual_limit_status"],
        "temporary": limit["temporary_limit_status"],
        "violation": tier["override_violation"],
        "reasons": [text for text in outcome.one("mart.current_risk")["reasons_en"].split("; ") if text],
        "reasons_zh": [text for text in outcome.one("mart.current_risk")["reasons_zh"].split("；") if text],
        "facts": outcome.facts,
    }


def _listed(ids: str | None) -> list[str]:
    return [each for each in (ids or "").split(",") if each]


def _plain(value: Any) -> Any:
    """A number as people write it: 80000, not Decimal('80000.00')."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def differences(outcome: Outcome) -> list[str]:
    """Each expected cell that is not as expected, in words. Actions, alerts, playbooks and reasons are a minimum."""
    found = []
    for word, wanted in outcome.step.expected.items():
        have = outcome.cells[word.removeprefix("no_")]
        if not _as_expected(word, wanted, have, outcome):
            found.append(f"{word}: expected {wanted}, found {have}")
    return found


def _as_expected(word: str, wanted: Any, have: Any, outcome: Outcome) -> bool:
    if word in ("no_actions", "no_alerts"):
        named = outcome.step.expected.get(word.removeprefix("no_")) or []
        unwanted = set(have) - set(named) if wanted == OTHERS else set(wanted) & set(have)
        return not unwanted
    if isinstance(have, dict) and isinstance(wanted, dict) and word != "ladder":
        return all(name in have and have[name] == value for name, value in wanted.items())
    if word in ("actions", "alerts", "playbooks", "reasons", "reasons_zh") and wanted:
        return set(wanted) <= set(have)
    return bool((wanted or None) == (have or None)) if isinstance(have, (list, dict)) else bool(wanted == have)


# ---------------------------------------------------------------- deciding


class Bench:
    """Decides steps date by date and remembers what the next assessment of each customer gets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last: dict[str, Outcome] = {}
        self.unbridled = POLICY.model_copy(update={"contradictions": ()})

    def decide(self, steps: Sequence[Step]) -> dict[str, Outcome]:
        """The outcome of every step by its name."""
        found = {}
        ordered = sorted(steps, key=lambda step: (step.on, step.kind))
        for on, of_date in groupby(ordered, key=lambda step: step.on):
            at_once = list(of_date)
            from_feeds = self._from_feeds(at_once, on)
            for kind, of_kind in groupby(at_once, key=lambda step: step.kind):
                for outcome in self._batch(list(of_kind), on, kind, from_feeds):
                    found[outcome.step.name] = outcome
                    self.last[outcome.step.customer_id] = outcome
        return found

    def _batch(
        self, steps: list[Step], on: date, kind: tuple[bool, bool], from_feeds: dict[str, dict[str, Any]]
    ) -> Iterable[Outcome]:
        by_evidence, ledger_only = kind
        constants = DecisionContext(
            as_of=on,
            run_id="cases",
            run_label="official",
            reporting_currency="EUR",
            evidence_feeds_configured=not ledger_only,
            alerts=AlertHistory(before=self._history(steps, "decision.alert", ALERTS_BEFORE)),
            treatments=TreatmentHistory(before=self._history(steps, "decision.treatment", TREATMENTS_BEFORE)),
        )
        rows = facts(*(self._facts(step, from_feeds.get(step.customer_id, {})) for step in steps))

        def decide(of: pd.DataFrame, policy: Any = POLICY) -> Decided:
            scores = [steps[at].get("score") for at in of.index]
            if by_evidence:
                view = prepare(of, policy, constants)
                assigned = assign(view, policy, on)
                scored = score_customers(view, policy, CATALOGUE, constants, assigned)
                return decide_scored(view, policy, CATALOGUE, constants, assigned, scored)
            return with_scores(of, [None if score == "none" else score for score in scores], policy, constants)

        rows = _with_group_facts(rows, [step.group for step in steps], decide)
        decided = decide(rows)
        return self._told(steps, decided, decide(rows, self.unbridled) if on == AS_OF else decided, constants)

    def _history(self, steps: list[Step], name: str, columns: Mapping[str, str]) -> pd.DataFrame:
        """What the assessments before said of these customers."""
        rows = [row for step in steps if step.customer_id in self.last for row in self.last[step.customer_id].rows[name]]
        return history_frame({column: [row[column] for row in rows] for column in columns}, columns)

    def _facts(self, step: Step, from_feeds: dict[str, Any]) -> dict[str, Any]:
        earlier = self.last.get(step.customer_id)
        found = {
            "customer_id": step.customer_id,
            "evidence_date": step.on,
            **columns_of(step.assumed),
            **from_feeds,
            **columns_of(step.given),
        }
        if step.group:
            found |= {"group_key": step.case, "group_parent_id": f"{step.case}-P"}
        if earlier is not None:
            return found | _previous_from(earlier)
        before = _merged(step.assumed, step.given).get("before")
        return found | (previous_of(before, step.on) if before else {})

    def _told(self, steps: list[Step], decided: Decided, unbridled: Decided, constants: DecisionContext) -> Iterable[Outcome]:
        frames = _frames(decided, constants)
        rows = {name: _by_customer(name, frame) for name, frame in frames.items()}
        wanted = _by_customer("decision.treatment", treatment_rows(unbridled.treatments, unbridled.facts, POLICY, constants))
        anew = {rule.id: condition(rule.when, "carry").met(decided.facts) for rule in POLICY.reviews.decide_anew}
        paused = condition(POLICY.dunning.paused_when, "treatment").met(decided.facts)
        for at, step in enumerate(steps):
            name = step.customer_id
            yield Outcome(
                step=step,
                rows={table_name: of_table[name] for table_name, of_table in rows.items()},
                facts={column: _fact(decided, column, at) for column in step.expected.get("facts", {})},
                before=self.last.get(name),
                decide_anew=frozenset(rule for rule, met in anew.items() if met[at]),
                dunning_paused=bool(paused[at]),
                unbridled=frozenset(row["action"] for row in wanted[name] if row["state"] == "open"),
            )

    def _from_feeds(self, steps: list[Step], on: date) -> dict[str, dict[str, Any]]:
        """Facts of the customers that give feeds, from the factor SQL: by customer, amounts in minor units."""
        found: dict[str, dict[str, Any]] = {}
        ordered = sorted((step for step in steps if step.feeds), key=lambda step: step.known_at)
        for known_at, together in groupby(ordered, key=lambda step: step.known_at):
            at_once = list(together)
            ledger = self._ledger(at_once)
            known = datetime.combine(known_at, time(23, 59), tzinfo=UTC)
            if all(feed in PEOPLE for step in at_once for feed in step.feeds):
                by_table = {"people_decision": ledger.table_alone("people_decision", on, known_at=known)}
            else:
                computed = ledger.factors(on, known_at=known)
                by_table = {
                    name: {row["customer_id"]: row for row in computed[name]} for name in {t for ts in FEEDS.values() for t in ts}
                }
            for step in at_once:
                of_step = {name for feed in step.feeds for name in FEEDS[feed]}
                found[step.customer_id] = {
                    column: _value(column, value)
                    for name in sorted(of_step)
                    for column, value in by_table[name][step.customer_id].items()
                    if column in KINDS and column not in ("customer_id", "evidence_date")
                }
        return found

    def _ledger(self, steps: list[Step]) -> LedgerCase:
        ledger = LedgerCase(self.folder)
        for step in steps:
            name = step.customer_id
            ledger.add("customer", customer_id=name, name=name, country_code="DE", effective_from=date(2020, 1, 1))
            if (earlier := self.last.get(name)) is not None:
                limit = earlier.one("decision.credit_limit")
                ledger.before[name] = (earlier.cells["tier"], limit["payment_terms_days"], limit["secured_amount"])
            for feed, given in step.feeds.items():
                for nth, row in enumerate(given):
                    known = row.get("known")
                    values = {key: value for key, value in row.items() if key != "known"}
                    values = {table(f"feed.{feed}").key[0]: f"{name}-{nth}", "customer_id": name, **values}
                    if "currency" in table(f"feed.{feed}") and values.get("override_kind") != "notch":
                        values = {"currency": "EUR", **values}
                    ledger.add(feed, known=known and datetime.combine(known, time(), tzinfo=UTC), **values)
        return ledger


def _with_group_facts(rows: pd.DataFrame, members: list[bool], decide: Any) -> pd.DataFrame:
    """The facts with what comes from the groups, in the passes of a run."""
    if not any(members):
        return rows
    inside = rows[members]

    def again(hit: pd.DataFrame) -> pd.DataFrame:
        reached = inside[inside["customer_id"].isin(hit["customer_id"])]
        return of_decided(decide(reached.assign(group_member_in_default=pd.array([True] * len(reached), "boolean"))), POLICY)

    found = group_facts(of_decided(decide(inside), POLICY), again, POLICY).set_index("customer_id")
    for column in ("group_member_in_default", *LIMITS):
        rows[column] = rows["customer_id"].map(found[column]).astype(rows[column].dtype)
    return rows


def _frames(decided: Decided, constants: DecisionContext) -> dict[str, Any]:
    score = tables.score_frame(decided, POLICY, constants)
    tier = tables.tier_frame(decided, POLICY, constants)
    limit = tables.limit_frame(decided, POLICY, constants)
    return {
        "score.risk_score": score,
        "decision.risk_tier": tier,
        "decision.credit_limit": limit,
        "decision.limit_candidate": tables.candidate_rows(decided, constants),
        "decision.alert": alert_rows(decided.alerts, decided.facts, POLICY, constants),
        "decision.treatment": treatment_rows(decided.treatments, decided.facts, POLICY, constants),
        "decision.review": review_frame(decided.reviews, decided.facts, decided.limits, POLICY, constants),
        "mart.current_risk": tables.mart_frame(decided, POLICY, constants, score, tier, limit),
    }


def _by_customer(name: str, frame: pd.DataFrame | pa.Table) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in frame_to_arrow(table(name), frame).to_pylist():
        found[row["customer_id"]].append(row)
    return found


def _fact(decided: Decided, column: str, at: int) -> Any:
    value = decided.facts.series(column).iloc[at]
    if pd.isna(value):
        return None
    if KINDS[column] is Kind.DATE:
        return value.date()
    if KINDS[column] in (Kind.TEXT, Kind.FLAG):
        return value
    return _plain(value / MINOR if KINDS[column] is Kind.MONEY else value)


def _previous_from(earlier: Outcome) -> dict[str, Any]:
    """previous_* columns as a run takes them from the tables of the assessment before."""
    return {name: _value(name, earlier.one(source)[column]) for name, (source, column) in PREVIOUS_COLUMNS.items()}
