"""Early warnings (decision.alert): which rules of the policy a customer meets, and how an alert lives over assessments.

An alert is a rule, a customer and, for some rules, an object: its id, the same in every assessment. It is first seen when the
condition holds, and the same alert as long as it goes on holding. It is closed by a person, or when the condition no longer
holds; one of an event, which does not go away by itself, stands until a person closes it or the policy's time is over. A
closed alert opens anew, with new deadlines, when its condition holds again after some days without, or graver than before.

Put here: first seen, dedupe, reopening, state, deadlines, escalation. Keep out: the rules (policy `alerts`), the columns they
compare (alert_facts.py), recording what people do (pipeline.alerts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts import Kind
from risk_pipeline.contracts.decision import ALERT_STATES, SEVERITIES
from risk_pipeline.decision.alert_history import AlertHistory
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.rows import arrow_rows, coded, found_at, taken
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints
from risk_pipeline.policy.model import MINOR_PER_UNIT, Policy, Severity
from risk_pipeline.policy.scopes import SCOPES, condition

OPEN, ACKNOWLEDGED, SNOOZED, CLOSED = (ALERT_STATES.index(each) for each in ("open", "acknowledged", "snoozed", "closed"))
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Found:
    """Alerts by customer and rule, in this order. `customer`, `rule`: positions; texts NULL where there is nothing to say."""

    customer: Positions
    rule: Positions
    alert_id: pa.StringArray
    alert_object: pa.StringArray
    value: pa.StringArray

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, places: Positions) -> Found:
        """Some of them, in the order of `places`."""
        at = pa.array(places)
        texts = (each.take(at) for each in (self.alert_id, self.alert_object, self.value))
        return Found(self.customer[places], self.rule[places], *texts)


@dataclass(frozen=True)
class Alerts:
    """Every alert of the customers that stands or was closed of late, with what people did about it.

    `closed` ones ask for nothing any more. `acted`: place of the action that counts in the history's actions, -1 = none.
    """

    found: Found
    first_seen: Dates
    last_seen: Dates
    state: NDArray[np.int8]  # into ALERT_STATES
    due: Dates
    escalated: Bools
    acted: Positions

    def __len__(self) -> int:
        return len(self.found)

    @property
    def closed(self) -> Bools:
        return np.asarray(self.state == CLOSED)


def raise_alerts(facts: Facts, policy: Policy, context: DecisionContext, exempt: Bools) -> Alerts:
    """Alerts of all customers but the `exempt`; `facts` hold the columns of scope "alert". See the module for their life."""
    history = context.alerts or AlertHistory()
    past, actions = Facts(history.before), Facts(history.actions)
    today = np.datetime64(context.as_of, "D")
    held = conditions_met(facts, policy, exempt)
    found, before = _with_carried(held, facts, past, policy)
    holds = np.arange(len(found)) < len(held)
    severity = _by_rule(policy, [SEVERITIES.index(rule.severity) for rule in policy.alerts])[found.rule]
    seen = _seen(before, past, holds, severity, today, policy)
    acted = _actions_that_count(found, actions, seen.first)
    state, due = _state(found, seen, holds, severity, acted, actions, today, policy)
    late = _by_severity(policy.alert_rules.escalate_after_due_days)[severity]
    asks = (state == OPEN) | (state == ACKNOWLEDGED)
    every = Alerts(found, seen.first, seen.last, state, due, asks & (today > due + _days(late)), acted)
    # A closed alert is published once as closed, and remembered while it would be the same one if its condition held again.
    told = before >= 0
    told[told] = past.text("state").is_in((ALERT_STATES[CLOSED],))[before[told]]
    forgotten = (state == CLOSED) & ~holds & told & (_age(seen.last, today) >= policy.alert_rules.reopen_after_clear_days)
    return _ordered(every, ~forgotten)


def conditions_met(facts: Facts, policy: Policy, exempt: Bools) -> Found:
    """The alerts whose condition holds now."""
    customers = facts.strings("customer_id")
    parts = [Found(*(np.array([], dtype=np.intp),) * 2, *(pa.array([], pa.string()),) * 3)]
    for number, rule in enumerate(policy.alerts):
        at = np.flatnonzero(condition(rule.when, "alert").met(facts) & ~exempt)
        if len(at) == 0:
            continue
        subject = texts_of(facts, rule.object, at) if rule.object else pa.nulls(len(at), pa.string())
        ids = pc.binary_join_element_wise(rule.id, customers.take(pa.array(at)), subject, ":", null_handling="skip")
        parts.append(Found(at, np.full(len(at), number), ids, subject, texts_of(facts, rule.indicator, at)))
    return _joined(parts)


def texts_of(facts: Facts, name: str, at: Positions) -> pa.StringArray:
    """A column of scope "alert" as text, exact and without a language, at some customers; NULL where it is not known."""
    kind = SCOPES["alert"][name].kind
    if kind is Kind.TEXT:
        text = facts.text(name)
        words = pa.array(text.categories, pa.string())
        codes = text.codes[at].astype(np.int64)
        return words.take(pa.array(codes, mask=codes < 0))
    if kind is Kind.DATE:
        return pa.array(facts.dates(name)[at]).cast(pa.string())
    if kind is Kind.FLAG:
        flag = facts.flags(name)
        return pa.array(flag.values[at], mask=~flag.known[at]).cast(pa.string())
    if kind in (Kind.MONEY, Kind.INTEGER):
        whole = facts.integers(name)
        values = pa.array(whole.values[at], mask=~whole.known[at])
        return _amounts(values) if kind is Kind.MONEY else values.cast(pa.string())
    number = facts.numbers(name)
    return pa.array(np.round(number.values[at], 4), mask=~number.known[at]).cast(pa.string())


def alert_rows(alerts: Alerts, facts: Facts, policy: Policy, context: DecisionContext) -> pa.Table:
    """decision.alert."""
    found, rules = alerts.found, policy.alerts
    actions = Facts((context.alerts or AlertHistory()).actions)
    books = {book.trigger: name for name, book in policy.playbooks.items()}

    def said(texts: list[str | None]) -> pa.DictionaryArray:
        return coded(found.rule, texts)

    up = policy.alert_rules.escalate_to
    people = ("acted_by", "acted_on", "until", "reason_text")
    columns = {
        "customer_id": coded(found.customer, facts.strings("customer_id")),
        "alert_id": found.alert_id,
        "rule": said([rule.id for rule in rules]),
        "alert_object": found.alert_object,
        "indicator": said([rule.indicator for rule in rules]),
        "severity": said([rule.severity for rule in rules]),
        "value_text": found.value,
        "threshold_text": said([rule.when for rule in rules]),
        "signal_en": said([rule.signal.en for rule in rules]),
        "signal_zh": said([rule.signal.zh for rule in rules]),
        "measures": said([",".join(rule.measure) for rule in rules]),
        "first_seen": pa.array(alerts.first_seen),
        "last_seen": pa.array(alerts.last_seen),
        "state": coded(alerts.state, ALERT_STATES),
        "owner_role": said([rule.owner for rule in rules]),
        "due_date": pa.array(alerts.due),
        "escalated_to": coded(np.where(alerts.escalated, found.rule, -1), [up.get(rule.owner) for rule in rules]),
        "playbook": said([books.get(rule.id) for rule in rules]),
        **{name: taken(actions.column(name), alerts.acted) for name in people},
    }
    return arrow_rows("decision.alert", context, len(alerts), columns)


# ---------------------------------------------------------------- the life of an alert


@dataclass(frozen=True)
class _Seen:
    first: Dates
    last: Dates


def _with_carried(held: Found, facts: Facts, before: Facts, policy: Policy) -> tuple[Found, Positions]:
    """`held`, then the alerts before that do not hold now and whose customer and rule are still there; with the place of each
    in `before`, -1 = new.
    """
    place = found_at(before.strings("alert_id"), held.alert_id)
    matched = np.full(len(held), -1, dtype=np.intp)
    matched[place[place >= 0]] = np.flatnonzero(place >= 0)
    customer = found_at(before.strings("customer_id"), facts.strings("customer_id"))
    rule = before.text("rule").places([each.id for each in policy.alerts])
    left = np.flatnonzero((place < 0) & (customer >= 0) & (rule >= 0))
    texts = (taken(before.strings(name), left) for name in ("alert_id", "alert_object", "value_text"))
    return _joined([held, Found(customer[left], rule[left], *texts)]), np.concatenate([matched, left])


def _seen(before: Positions, history: Facts, holds: Bools, severity: Ints, today: np.datetime64, policy: Policy) -> _Seen:
    """First and last seen. An alert begins anew when it is graver than before, or holds again after days without."""
    known = before >= 0

    def day(name: str) -> Dates:
        dates = history.dates(name)
        return np.where(known, dates[before], today) if len(dates) else np.full(len(before), today)

    first, last, assessed = day("first_seen"), day("last_seen"), day("as_of")
    places = history.text("severity").places(SEVERITIES)
    graver = known & (severity > (places[before] if len(places) else -1))
    clear = (last < assessed) & (_age(last, today) >= policy.alert_rules.reopen_after_clear_days)
    anew = holds & (~known | graver | clear)
    return _Seen(np.where(anew, today, first), np.where(holds, today, last))


def _actions_that_count(found: Found, actions: Facts, first: Dates) -> Positions:
    """Place of the newest action on each alert since it was first seen; -1 = none."""
    place = found_at(found.alert_id, actions.strings("alert_id"))
    if len(actions) == 0:
        return place
    return np.where(actions.dates("acted_on")[place] >= first, place, -1)


def _state(
    found: Found,
    seen: _Seen,
    holds: Bools,
    severity: Ints,
    acted: Positions,
    actions: Facts,
    today: np.datetime64,
    policy: Policy,
) -> tuple[NDArray[np.int8], Dates]:
    """State and due date. A close without a reason, and a snooze over its end or its longest, only acknowledge or lapse."""
    rules = policy.alert_rules
    lasts = _by_rule(policy, [rules.event_days if rule.event else -1 for rule in policy.alerts])[found.rule]
    stands = holds | (_age(seen.last, today) <= lasts)
    due = seen.first + _days(_by_rule(policy, [rule.days for rule in policy.alerts])[found.rule])
    if len(actions) == 0:
        return np.where(stands, OPEN, CLOSED).astype(np.int8), due
    does, action = acted >= 0, actions.text("alert_action")

    def did(*words: str) -> Bools:
        return does & action.is_in(words)[acted]

    said_closed = did("close") & actions.text("reason_text").known[acted]
    longest = _by_severity(rules.snooze_max_days)[severity]
    until = np.minimum(actions.dates("until")[acted], actions.dates("acted_on")[acted] + _days(longest))
    snoozing = did("snooze") & (longest > 0) & ~np.isnat(until)
    due = np.where(snoozing, np.maximum(due, until), due)
    asleep = snoozing & (until >= today)
    state = np.where(did("acknowledge", "close"), ACKNOWLEDGED, OPEN)
    state = np.where(asleep, SNOOZED, state)
    return np.where(said_closed | ~stands, CLOSED, state).astype(np.int8), due


def _ordered(alerts: Alerts, keep: Bools) -> Alerts:
    """Those to keep, by customer and rule."""
    places = np.flatnonzero(keep)
    found = alerts.found
    places = places[np.lexsort((found.rule[places], found.customer[places]))]
    return Alerts(
        found=found.take(places),
        first_seen=alerts.first_seen[places],
        last_seen=alerts.last_seen[places],
        state=alerts.state[places],
        due=alerts.due[places],
        escalated=alerts.escalated[places],
        acted=alerts.acted[places],
    )


def _joined(parts: list[Found]) -> Found:
    texts = (pa.concat_arrays([getattr(part, name) for part in parts]) for name in ("alert_id", "alert_object", "value"))
    return Found(np.concatenate([part.customer for part in parts]), np.concatenate([part.rule for part in parts]), *texts)


def _by_rule(policy: Policy, values: list[int]) -> Ints:
    """One value per rule, to be taken by position; of a policy without rules one that nobody takes."""
    return np.array(values if policy.alerts else [0], dtype=np.int64)


def _by_severity(days: Mapping[Severity, int]) -> Ints:
    return np.array([days[each] for each in get_args(Severity)], dtype=np.int64)


def _age(since: Dates, today: np.datetime64) -> Ints:
    return np.asarray((today - since).astype(np.int64))


def _days(count: Ints) -> NDArray[np.timedelta64]:
    return count.astype("timedelta64[D]")


def _amounts(minor: pa.Int64Array) -> pa.StringArray:
    """Amounts in minor units as units with two decimals, exactly."""
    sign = pc.if_else(pc.less(minor, 0), "-", "")
    size = pc.abs(minor)
    units = pc.divide(size, MINOR_PER_UNIT)
    cents = pc.subtract(size, pc.multiply(units, MINOR_PER_UNIT))
    parts = (units.cast(pa.string()), pc.utf8_lpad(cents.cast(pa.string()), 2, padding="0"))
    return pc.binary_join_element_wise(sign, pc.binary_join_element_wise(*parts, "."), "")
