"""Treatments (decision.treatment, 个性化管理): what is to be done about each customer, each action once.

Asked for by the tier, the stage of dunning, early warnings that are not closed, shorter terms proposed, and incentives. An action
is done or waived when a person said so after it was asked for; it is open again when a rule asks for it later, or when its time
to be repeated has come. Of two actions that contradict each other the first of the pair stays, the other is not shown. What was
open and is asked for no longer is shown once more as superseded.

Put here: who asks for what, since when, until when; dedupe, contradictions, states. Keep out: the rules (policy `treatments`,
`dunning`, `contradictions`, `alerts`, `incentives`), recording what people did (pipeline).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts.decision import SEVERITIES, TREATMENT_STATES
from risk_pipeline.decision.alerts import Alerts
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.decision.rows import arrow_rows, coded, found_at, taken
from risk_pipeline.decision.terms import TermsGiven, has_earned
from risk_pipeline.decision.treatment_history import BEFORE, TreatmentHistory
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints, Text
from risk_pipeline.policy.model import EVERY_TIER, Label, Policy
from risk_pipeline.policy.reading import dunning_rule, tier_rule
from risk_pipeline.policy.scopes import condition

OPEN, DONE, WAIVED, SUPERSEDED = range(len(TREATMENT_STATES))
SHORTEN_RULE = SHORTEN = "shorten_terms"
HOLD_ORDERS = "hold_orders"
NEVER = np.datetime64("NaT", "D")
Positions = NDArray[np.intp]


class Ask(NamedTuple):
    """One action that one rule may ask for. `days` from when it is first asked; of an early warning its own dates count."""

    rule: str
    action: int  # position in policy.actions
    owner: str
    days: int
    priority: int  # 1 critical .. 4 low
    every: int  # 0 = not repeated
    reason: Label


@dataclass
class Asks:
    """Every ask of a policy, and where those of each rule stand."""

    all: list[Ask] = field(default_factory=list)
    place: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(
        self, actions: tuple[str, ...], rule: str, action: str, owner: str, days: int, priority: str, every: int, reason: Label
    ) -> None:
        rank = len(SEVERITIES) - SEVERITIES.index(priority)
        self.place[rule, action] = len(self.all)
        self.all.append(Ask(rule, actions.index(action), owner, days, rank, every, reason))


def asks_of(policy: Policy) -> Asks:
    """The asks of the policy; kept for the last few policies."""
    return _asks(_Known(policy))


class _Known:
    """A policy as a key: by identity."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    def __hash__(self) -> int:
        return id(self.policy)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.policy is self.policy


@lru_cache(maxsize=8)
def _asks(known: _Known) -> Asks:
    policy, asks = known.policy, Asks()
    actions = tuple(policy.actions)
    labels = {**{tier.id: tier.label for tier in policy.tiers}, "unrated": policy.unrated.label}
    for tier, listed in policy.treatments.items():
        for each in listed:
            reason = each.reason or labels.get(tier) or policy.actions[each.action]
            asks.add(actions, tier_rule(tier), each.action, each.owner, each.days, each.priority, each.every or 0, reason)
    for stage in policy.dunning.stages:
        reason = Label(en=f"Overdue for {stage.dpd_from} days or more", zh=f"逾期{stage.dpd_from}天及以上")
        asks.add(actions, dunning_rule(stage.dpd_from), stage.action, stage.owner, stage.days, stage.priority, 0, reason)
    for rule in policy.alerts:
        for measure in rule.measure:
            asks.add(actions, rule.id, measure, rule.owner, rule.days, rule.severity, 0, rule.signal)
    shorten = policy.terms_rules.shorten
    if shorten is not None and SHORTEN in actions:
        asks.add(actions, SHORTEN_RULE, SHORTEN, shorten.owner, shorten.days, "medium", 0, shorten.reason)
    for incentive in policy.incentives:
        if incentive.action is not None and incentive.owner is not None:
            asks.add(actions, incentive.id, incentive.action, incentive.owner, incentive.days, "low", 0, incentive.reason)
    return asks


@dataclass(frozen=True)
class Demands:
    """Asks that hold now, one per customer and ask. Dates: NaT where they are those of the ask."""

    customer: Positions
    ask: Positions
    since: Dates
    due: Dates

    def take(self, places: Positions) -> Demands:
        """Some of them, in the order of `places`."""
        return Demands(self.customer[places], self.ask[places], self.since[places], self.due[places])


@dataclass(frozen=True)
class Treatments:
    """One row per customer and action, by customer and action; superseded ones as they stood before, in `gone`."""

    customer: Positions
    action: Positions
    lead: Positions  # the ask that is told
    rules: pa.StringArray
    rules_since: pa.StringArray
    priority: Ints
    first_seen: Dates
    due: Dates
    state: NDArray[np.int8]  # into TREATMENT_STATES
    acted: Positions  # place in the history's actions, -1 = none
    gone: Positions  # rows of the history's `before`
    gone_customer: Positions
    gone_state: NDArray[np.int8]
    gone_acted: Positions


def decide_treatments(
    facts: Facts,
    customers: Customers,
    terms: TermsGiven,
    alerts: Alerts,
    scored: Bools,
    released: Bools,
    policy: Policy,
    context: DecisionContext,
) -> Treatments:
    """Treatments of every customer with a limit of ours; `facts` hold the columns of scope "treatment".

    `scored`: who is on a scorecard; others are asked nothing for their tier. `released`: whose hold people released; nobody is
    asked to hold their orders, whatever rule does.
    """
    history, asks, actions = context.treatments or TreatmentHistory(), asks_of(policy), tuple(policy.actions)
    today = np.datetime64(context.as_of, "D")
    past = _Past(facts, history, asks, actions)
    demands = _let_through(_demands(facts, customers, terms, alerts, scored, asks, policy), released, asks, actions)
    demands = _dated(demands, past, asks, today)
    demands = _without_contradictions(demands, asks, past, len(facts), policy)
    satisfied, demands = _satisfied(demands, past, asks, today)
    return _by_action(demands, satisfied, past, asks, policy)


# ---------------------------------------------------------------- who asks


def _demands(
    facts: Facts, customers: Customers, terms: TermsGiven, alerts: Alerts, scored: Bools, asks: Asks, policy: Policy
) -> Demands:
    parts: list[Demands] = []

    def ask(rule: str, action: str, where: Bools) -> None:
        at = np.flatnonzero(where & customers.has_limit)
        days = np.full(len(at), NEVER)
        parts.append(Demands(at, np.full(len(at), asks.place[rule, action], dtype=np.intp), days, days))

    names = customers.tier_names
    for tier, listed in policy.treatments.items():
        who = np.ones(len(facts), dtype=bool) if tier == EVERY_TIER else scored & (customers.tier == names.index(tier))
        for each in listed:
            ask(tier_rule(tier), each.action, who & condition(each.when, "treatment").met(facts))
    overdue, dpd = facts.integers("overdue"), facts.integers("max_days_past_due")
    late = overdue.known & (overdue.values > 0) & dpd.known & ~condition(policy.dunning.paused_when, "treatment").met(facts)
    stages = sorted(policy.dunning.stages, key=lambda stage: stage.dpd_from)
    for number, stage in enumerate(stages):
        over = stages[number + 1].dpd_from if number + 1 < len(stages) else np.iinfo(np.int64).max
        ask(dunning_rule(stage.dpd_from), stage.action, late & (dpd.values >= stage.dpd_from) & (dpd.values < over))
    if (SHORTEN_RULE, SHORTEN) in asks.place:
        ask(SHORTEN_RULE, SHORTEN, terms.proposed >= 0)
    for incentive in policy.incentives:
        if incentive.action is not None:
            ask(incentive.id, incentive.action, has_earned(incentive, facts, customers))
    parts += _of_alerts(alerts, asks, policy)
    return Demands(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("customer", "ask", "since", "due")))


def _let_through(demands: Demands, released: Bools, asks: Asks, actions: tuple[str, ...]) -> Demands:
    """The demands without that orders be held where people let them through."""
    holding = np.array([actions[ask.action] == HOLD_ORDERS for ask in asks.all] or [False])
    keep = np.flatnonzero(~(holding[demands.ask] & released[demands.customer]))
    return demands.take(keep)


def _of_alerts(alerts: Alerts, asks: Asks, policy: Policy) -> list[Demands]:
    """The measures of early warnings that are not closed, with the dates of the warning."""
    standing, parts = np.flatnonzero(~alerts.closed), []
    for nth in range(max((len(rule.measure) for rule in policy.alerts), default=0)):
        places = [asks.place[rule.id, rule.measure[nth]] if nth < len(rule.measure) else -1 for rule in policy.alerts]
        ask = np.array(places, dtype=np.intp)[alerts.found.rule[standing]]
        at = standing[ask >= 0]
        first, due = (dates[at].astype("datetime64[D]") for dates in (alerts.first_seen, alerts.due))
        parts.append(Demands(alerts.found.customer[at], ask[ask >= 0], first, due))
    return parts


# ---------------------------------------------------------------- what was before


class _Past:
    """The history by customer and action: what was asked before and since when, and the newest action of people."""

    def __init__(self, facts: Facts, history: TreatmentHistory, asks: Asks, actions: tuple[str, ...]) -> None:
        self.asks, self.actions = len(asks.all), actions
        self.before, self.did = Facts(history.before), Facts(history.actions)
        ids = facts.strings("customer_id")
        self.customer = found_at(self.before.strings("customer_id"), ids)
        self.action = self.before.text("action").places(actions)
        self.stands = ~self.before.text("state").is_in((TREATMENT_STATES[SUPERSEDED],)) & (self.customer >= 0)
        self._since(asks)
        who = found_at(self.did.strings("customer_id"), ids)
        words = pc.list_element(pc.split_pattern(self.did.strings("treatment_id"), ":", max_splits=1), 0)
        what = found_at(words, pa.array(actions, pa.string()))
        good = np.flatnonzero((who >= 0) & (what >= 0))
        self.acted_at = np.full(len(facts) * len(actions), -1, dtype=np.intp)
        self.acted_at[self.key(who[good], what[good])] = good
        self.acted_on = np.concatenate([self.did.dates("acted_on"), [NEVER]])  # -1 reads the last place

    def waived(self, at: Positions) -> Bools:
        """Whether the action of people at this place waives; False for -1."""
        waives = self.did.text("treatment_verdict").is_in((TREATMENT_STATES[WAIVED],))
        return np.append(waives, False)[at]

    def key(self, customer: Positions, action: Positions) -> Positions:
        return customer * len(self.actions) + action

    def _since(self, asks: Asks) -> None:
        """Since when each ask stood: sorted keys customer x ask, and dates. Of the lists told few differ: each is split once."""
        rules, dates = _Split(self.before.text("rules")), _Split(self.before.text("rules_since"))
        rows = np.flatnonzero(self.stands & (self.action >= 0))
        row, rule = rules.of(rows)
        places = [asks.place.get((word, action), -1) for action in self.actions for word in rules.words]
        ask = np.array(places, dtype=np.intp)[self.action[row] * len(rules.words) + rule]
        since = np.array(dates.words, dtype="datetime64[D]")[dates.of(rows)[1]]
        keys = self.customer[row].astype(np.int64) * self.asks + ask
        known = np.flatnonzero(ask >= 0)
        order = known[np.argsort(keys[known], kind="stable")]
        self.keys, self.since = keys[order], since[order]

    def since_of(self, customer: Positions, ask: Positions, otherwise: np.datetime64) -> Dates:
        """Since when these asks stand; `otherwise` where they are new."""
        if len(self.keys) == 0:
            return np.full(len(ask), otherwise)
        wanted = customer.astype(np.int64) * self.asks + ask
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.since[place], otherwise)


class _Split:
    """A text column of lists with commas: `words` of every distinct list end to end."""

    def __init__(self, text: Text) -> None:
        lists = [each.split(",") for each in text.categories]
        self._codes = text.codes
        self._counts = np.array([len(each) for each in lists], dtype=np.int64)
        self._first = np.cumsum(self._counts) - self._counts
        self.words = [word for each in lists for word in each]

    def of(self, rows: Positions) -> tuple[Positions, Positions]:
        """For every word of these rows, none of which is NULL: its row, and its place in `words`."""
        codes = self._codes[rows]
        counts = self._counts[codes]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), np.repeat(self._first[codes], counts) + within


def _dated(demands: Demands, past: _Past, asks: Asks, today: np.datetime64) -> Demands:
    """The demands with their dates: those of the early warning, or since when the rule asks without a break."""
    days = np.array([each.days for each in asks.all] or [0]).astype("timedelta64[D]")
    own = np.isnat(demands.since)
    since = np.where(own, past.since_of(demands.customer, demands.ask, today), demands.since)
    return Demands(demands.customer, demands.ask, since, np.where(own, since + days[demands.ask], demands.due))


def _satisfied(demands: Demands, past: _Past, asks: Asks, today: np.datetime64) -> tuple[Bools, Demands]:
    """Which demands a person has met since they were made. One to be repeated is made anew so many days after that."""
    on = past.acted_on[past.acted_at[past.key(demands.customer, _action_of(demands.ask, asks))]]
    met = ~np.isnat(on) & (on >= demands.since)
    every = np.array([each.every for each in asks.all] or [0])[demands.ask]
    days = np.array([each.days for each in asks.all] or [0])[demands.ask].astype("timedelta64[D]")
    again = np.where(met, on, today) + every.astype("timedelta64[D]")
    anew = met & (every > 0) & (again <= today)
    since = np.where(anew, again, demands.since)
    return met & ~anew, Demands(demands.customer, demands.ask, since, np.where(anew, again + days, demands.due))


def _action_of(ask: Positions, asks: Asks) -> Positions:
    return np.array([each.action for each in asks.all] or [0], dtype=np.intp)[ask]


def _without_contradictions(demands: Demands, asks: Asks, past: _Past, rows: int, policy: Policy) -> Demands:
    """Of two contradicting actions asked for at once, the first of the pair; pairs in the order of the policy."""
    names, action = list(policy.actions), _action_of(demands.ask, asks)
    asked = np.zeros((rows, max(len(names), 1)), dtype=bool)
    asked[demands.customer, action] = True
    for stays, goes in policy.contradictions:
        asked[:, names.index(goes)] &= ~asked[:, names.index(stays)]
    return demands.take(np.flatnonzero(asked[demands.customer, action]))


# ---------------------------------------------------------------- each action once


def _by_action(demands: Demands, satisfied: Bools, past: _Past, asks: Asks, policy: Policy) -> Treatments:
    """Demands of one action of one customer become one row: what is not met counts, the gravest and then earliest one is told."""
    priority = np.array([each.priority for each in asks.all] or [0])[demands.ask]
    key = past.key(demands.customer, _action_of(demands.ask, asks))
    # Of several early warnings of one rule the first that is not met; then one row per ask is left.
    order = np.lexsort((demands.since, satisfied, demands.ask, key))
    pair = key[order].astype(np.int64) * past.asks + demands.ask[order]
    order = order[np.diff(pair, prepend=-1) != 0]
    order = order[np.lexsort((demands.ask[order], demands.due[order], priority[order], satisfied[order], key[order]))]
    grouped = key[order]
    starts = np.flatnonzero(np.diff(grouped, prepend=-1) != 0)
    lead, met = order[starts], satisfied[order]
    open_row = ~met[starts]  # unmet ones come first
    counts = ~met | np.repeat(~open_row, np.diff(starts, append=len(order)))
    far = np.datetime64("9999-12-31")

    def least(dates: Dates) -> Dates:
        chosen = np.where(counts, dates[order], far)
        return np.minimum.reduceat(chosen, starts) if len(starts) else chosen

    acted = past.acted_at[grouped[starts]]
    waived = ~open_row & past.waived(acted)
    rules = pa.array([each.rule for each in asks.all], pa.string())
    offsets = pa.array([*starts, len(order)], pa.int32())
    told = rules.take(pa.array(demands.ask[order]))
    since = pa.array(demands.since[order]).cast(pa.string())
    gone, gone_customer, gone_state, gone_acted = _gone(past, grouped[starts])
    return Treatments(
        customer=grouped[starts] // len(past.actions),
        action=grouped[starts] % len(past.actions),
        lead=demands.ask[lead],
        rules=pc.binary_join(pa.ListArray.from_arrays(offsets, told), ","),
        rules_since=pc.binary_join(pa.ListArray.from_arrays(offsets, since), ","),
        priority=priority[lead],
        first_seen=least(demands.since),
        due=least(demands.due),
        state=np.select([open_row, waived], [OPEN, WAIVED], default=DONE).astype(np.int8),
        acted=np.where(open_row, -1, acted),
        gone=gone,
        gone_customer=gone_customer,
        gone_state=gone_state,
        gone_acted=gone_acted,
    )


def _gone(past: _Past, present: Positions) -> tuple[Positions, Positions, NDArray[np.int8], Positions]:
    """What was open before and is not asked for now, by treatment_id: superseded, unless a person did or waived it meanwhile."""
    before, known = past.before, past.action >= 0
    was_open = past.stands & before.text("state").is_in((TREATMENT_STATES[OPEN],))
    left = np.flatnonzero(was_open & ~(known & np.isin(past.key(past.customer, past.action), present)))
    left = left[pc.sort_indices(taken(before.strings("treatment_id"), left)).to_numpy()]
    at = np.where(known[left], past.acted_at[past.key(past.customer[left], np.maximum(past.action[left], 0))], -1)
    acted = (at >= 0) & (past.acted_on[at] >= before.dates("first_seen")[left])
    state = np.select([acted & past.waived(at), acted], [WAIVED, DONE], default=SUPERSEDED).astype(np.int8)
    return left, past.customer[left], state, np.where(acted, at, -1)


def treatment_rows(found: Treatments, facts: Facts, policy: Policy, context: DecisionContext) -> pa.Table:
    """decision.treatment, by customer, what is open first."""
    asks, actions, ids = asks_of(policy).all, policy.actions, facts.strings("customer_id")
    history = context.treatments or TreatmentHistory()
    before, did = Facts(history.before), Facts(history.actions)
    action = pa.array(list(actions), pa.string()).take(pa.array(found.action))

    def told(texts: list[str]) -> pa.DictionaryArray:
        return coded(found.lead, texts)

    def people(at: Positions) -> dict[str, pa.Array]:
        return {name: taken(did.column(name), at) for name in ("acted_by", "acted_on", "reason_text")}

    columns = {
        "customer_id": coded(found.customer, ids),
        "treatment_id": pc.binary_join_element_wise(action, ids.take(pa.array(found.customer)), ":"),
        "action": coded(found.action, list(actions)),
        "action_en": coded(found.action, [label.en for label in actions.values()]),
        "action_zh": coded(found.action, [label.zh for label in actions.values()]),
        "rule": told([each.rule for each in asks]),
        "reason_en": told([each.reason.en for each in asks]),
        "reason_zh": told([each.reason.zh for each in asks]),
        "rules": found.rules,
        "rules_since": found.rules_since,
        "priority": pa.array(found.priority),
        "owner_role": told([each.owner for each in asks]),
        "first_seen": pa.array(found.first_seen),
        "due_date": pa.array(found.due),
        "state": coded(found.state, TREATMENT_STATES),
        **people(found.acted),
    }
    now = arrow_rows("decision.treatment", context, len(found.customer), columns)
    if len(found.gone) == 0:
        return now
    old = {name: taken(before.column(name), found.gone) for name in BEFORE}
    old |= {"state": coded(found.gone_state, TREATMENT_STATES), **people(found.gone_acted)}
    past = arrow_rows("decision.treatment", context, len(found.gone), old)
    order = np.argsort(np.concatenate([found.customer, found.gone_customer]), kind="stable")
    return pa.concat_tables([now, past]).unify_dictionaries().combine_chunks().take(pa.array(order))
