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
from typing import Any, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts import Kind
from risk_pipeline.contracts.decision import ALERT_STATES, SEVERITIES
from risk_pipeline.decision.alert_history import AlertHistory
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.frames import categorical, frame
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
    today = np.datetime64(context.as_of, "D")
    held = conditions_met(facts, policy, exempt)
    found, before = _with_carried(held, facts, history.before, policy)
    holds = np.arange(len(found)) < len(held)
    severity = _by_rule(policy, [SEVERITIES.index(rule.severity) for rule in policy.alerts])[found.rule]
    seen = _seen(before, history.before, holds, severity, today, policy)
    acted = _actions_that_count(found, history.actions, seen.first)
    state, due = _state(found, seen, holds, severity, acted, history.actions, today, policy)
    late = _by_severity(policy.alert_rules.escalate_after_due_days)[severity]
    asks = (state == OPEN) | (state == ACKNOWLEDGED)
    every = Alerts(found, seen.first, seen.last, state, due, asks & (today > due + _days(late)), acted)
    # A closed alert is published once as closed, and remembered while it would be the same one if its condition held again.
    told = before >= 0
    told[told] = (history.before["state"] == ALERT_STATES[CLOSED]).to_numpy()[before[told]]
    forgotten = (state == CLOSED) & ~holds & told & (_age(seen.last, today) >= policy.alert_rules.reopen_after_clear_days)
    return _ordered(every, ~forgotten)


def conditions_met(facts: Facts, policy: Policy, exempt: Bools) -> Found:
    """The alerts whose condition holds now."""
    customers = _texts(facts.frame["customer_id"])
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


def alert_frame(alerts: Alerts, facts: Facts, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """decision.alert."""
    found, rules = alerts.found, policy.alerts
    actions = (context.alerts or AlertHistory()).actions
    books = {book.trigger: name for name, book in policy.playbooks.items()}

    def said(texts: list[str | None]) -> Any:
        return categorical(_by_rule(policy, _codes(texts))[found.rule], [text for text in texts if text is not None])

    up = policy.alert_rules.escalate_to
    escalated = said([up.get(rule.owner) for rule in rules])
    people = ("acted_by", "acted_on", "until", "reason_text")
    columns = {
        "customer_id": facts.frame["customer_id"].take(found.customer).reset_index(drop=True),
        "alert_id": _series(found.alert_id),
        "rule": said([rule.id for rule in rules]),
        "alert_object": _series(found.alert_object),
        "indicator": said([rule.indicator for rule in rules]),
        "severity": said([rule.severity for rule in rules]),
        "value_text": _series(found.value),
        "threshold_text": said([rule.when for rule in rules]),
        "signal_en": said([rule.signal.en for rule in rules]),
        "signal_zh": said([rule.signal.zh for rule in rules]),
        "measures": said([",".join(rule.measure) for rule in rules]),
        "first_seen": alerts.first_seen.astype("datetime64[s]"),
        "last_seen": alerts.last_seen.astype("datetime64[s]"),
        "state": categorical(alerts.state, ALERT_STATES),
        "owner_role": said([rule.owner for rule in rules]),
        "due_date": alerts.due.astype("datetime64[s]"),
        "escalated_to": pd.Series(escalated).mask(~alerts.escalated),
        "playbook": said([books.get(rule.id) for rule in rules]),
        **{name: actions[name].array.take(alerts.acted, allow_fill=True) for name in people},
    }
    return frame("decision.alert", context, len(alerts), columns)


# ---------------------------------------------------------------- the life of an alert


@dataclass(frozen=True)
class _Seen:
    first: Dates
    last: Dates


def _with_carried(held: Found, facts: Facts, before: pd.DataFrame, policy: Policy) -> tuple[Found, Positions]:
    """`held`, then the alerts before that do not hold now and whose customer and rule are still there; with the place of each
    in `before`, -1 = new.
    """
    ids = pd.Index(_series(held.alert_id))
    place = ids.get_indexer(pd.Index(before["alert_id"]))
    matched = np.full(len(held), -1, dtype=np.intp)
    matched[place[place >= 0]] = np.flatnonzero(place >= 0)
    customer = pd.Index(facts.frame["customer_id"].astype("str")).get_indexer(pd.Index(before["customer_id"]))
    rule = pd.Index([each.id for each in policy.alerts], dtype="str").get_indexer(pd.Index(before["rule"]))
    left = np.flatnonzero((place < 0) & (customer >= 0) & (rule >= 0))
    texts = (_texts(before[name].iloc[left]) for name in ("alert_id", "alert_object", "value_text"))
    return _joined([held, Found(customer[left], rule[left], *texts)]), np.concatenate([matched, left])


def _seen(before: Positions, history: pd.DataFrame, holds: Bools, severity: Ints, today: np.datetime64, policy: Policy) -> _Seen:
    """First and last seen. An alert begins anew when it is graver than before, or holds again after days without."""
    known = before >= 0

    def day(name: str) -> Dates:
        dates = history[name].to_numpy().astype("datetime64[D]")
        return np.where(known, dates[before], today) if len(dates) else np.full(len(before), today)

    first, last, assessed = day("first_seen"), day("last_seen"), day("as_of")
    places = pd.Index(SEVERITIES, dtype="str").get_indexer(pd.Index(history["severity"]))
    graver = known & (severity > (places[before] if len(places) else -1))
    clear = (last < assessed) & (_age(last, today) >= policy.alert_rules.reopen_after_clear_days)
    anew = holds & (~known | graver | clear)
    return _Seen(np.where(anew, today, first), np.where(holds, today, last))


def _actions_that_count(found: Found, actions: pd.DataFrame, first: Dates) -> Positions:
    """Place of the newest action on each alert since it was first seen; -1 = none."""
    place = pd.Index(actions["alert_id"]).get_indexer(pd.Index(_series(found.alert_id)))
    if len(actions) == 0:
        return place
    since = actions["acted_on"].to_numpy().astype("datetime64[D]")[place] >= first
    return np.where(since, place, -1)


def _state(
    found: Found,
    seen: _Seen,
    holds: Bools,
    severity: Ints,
    acted: Positions,
    actions: pd.DataFrame,
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
    done = actions["alert_action"].take(acted).to_numpy(dtype=object)
    does = acted >= 0
    reasoned = actions["reason_text"].take(acted).notna().to_numpy()
    said_closed = does & (done == "close") & reasoned
    longest = _by_severity(rules.snooze_max_days)[severity]
    on = actions["acted_on"].to_numpy().astype("datetime64[D]")[acted]
    until = np.minimum(actions["until"].to_numpy().astype("datetime64[D]")[acted], on + _days(longest))
    snoozing = does & (done == "snooze") & (longest > 0) & ~np.isnat(until)
    due = np.where(snoozing, np.maximum(due, until), due)
    asleep = snoozing & (until >= today)
    state = np.where(does & np.isin(done, ("acknowledge", "close")), ACKNOWLEDGED, OPEN)
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


def _codes(texts: list[str | None]) -> list[int]:
    """Place of each text among those that are not None; -1 = None."""
    places: Mapping[int, int] = {at: code for code, at in enumerate(at for at, text in enumerate(texts) if text is not None)}
    return [places.get(at, -1) for at in range(len(texts))]


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


def _texts(column: pd.Series[Any]) -> pa.StringArray:
    """A text column of a frame, of whatever type, as one Arrow array."""
    texts = pa.array(column.astype("str"), pa.string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def _series(texts: pa.StringArray) -> pd.Series[str]:
    return pd.Series(texts.to_pandas(), dtype="str")
