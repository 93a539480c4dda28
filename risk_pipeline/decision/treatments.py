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
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts.decision import SEVERITIES, TREATMENT_STATES
from risk_pipeline.decision.alerts import Alerts
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.frames import categorical, frame, stacked
from risk_pipeline.decision.limit_candidates import Customers
from risk_pipeline.decision.terms import TermsGiven, has_earned
from risk_pipeline.decision.treatment_history import TreatmentHistory
from risk_pipeline.policy.facts import Bools, Dates, Facts, Ints
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
    gone: pd.DataFrame  # rows of the history's `before`
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
        self.asks, self.actions, self.history = len(asks.all), actions, history
        ids = pd.Index(facts.frame["customer_id"].astype("str"))
        before, did = history.before, history.actions
        self.customer = ids.get_indexer(pd.Index(before["customer_id"]))
        self.action = pd.Index(actions, dtype="str").get_indexer(pd.Index(before["action"]))
        stood = (before["state"] != TREATMENT_STATES[SUPERSEDED]).to_numpy(dtype=bool)
        self.stands = stood & (self.customer >= 0)
        self._since(before, asks)
        self.acted_at = np.full(len(facts) * len(actions), -1, dtype=np.intp)
        if len(did):
            who = ids.get_indexer(pd.Index(did["customer_id"]))
            words = did["treatment_id"].str.split(":", n=1).str[0]
            what = pd.Index(actions, dtype="str").get_indexer(pd.Index(words))
            good = np.flatnonzero((who >= 0) & (what >= 0))
            self.acted_at[self.key(who[good], what[good])] = good
        days = did["acted_on"].to_numpy().astype("datetime64[D]")
        self.acted_on = np.concatenate([days, [NEVER]])  # -1 reads the last place

    def key(self, customer: Positions, action: Positions) -> Positions:
        return customer * len(self.actions) + action

    def _since(self, before: pd.DataFrame, asks: Asks) -> None:
        """Since when each ask stood: sorted keys customer x ask, and dates."""
        rows = np.flatnonzero(self.stands & (self.action >= 0))
        self.keys, self.since = np.array([], dtype=np.int64), np.array([], dtype="datetime64[D]")
        if len(rows) == 0:
            return
        lists = [pc.split_pattern(pa.array(before[name].iloc[rows], pa.string()), ",") for name in ("rules", "rules_since")]
        lists = [each.combine_chunks() if isinstance(each, pa.ChunkedArray) else each for each in lists]
        row = rows[pc.list_parent_indices(lists[0]).to_numpy()]
        codes = lists[0].flatten().dictionary_encode()
        rules = codes.dictionary.to_pylist()
        table = np.array([[asks.place.get((rule, action), -1) for rule in rules] for action in self.actions], dtype=np.int64)
        ask = table[self.action[row], codes.indices.to_numpy()]
        dates = lists[1].flatten().to_numpy(zero_copy_only=False).astype("datetime64[D]")
        keys = self.customer[row].astype(np.int64) * self.asks + ask
        known = np.flatnonzero(ask >= 0)
        order = known[np.argsort(keys[known], kind="stable")]
        self.keys, self.since = keys[order], dates[order]

    def since_of(self, customer: Positions, ask: Positions, otherwise: np.datetime64) -> Dates:
        """Since when these asks stand; `otherwise` where they are new."""
        if len(self.keys) == 0:
            return np.full(len(ask), otherwise)
        wanted = customer.astype(np.int64) * self.asks + ask
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.since[place], otherwise)


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
    verdicts = past.history.actions["treatment_verdict"].to_numpy(dtype=object)
    waived = np.zeros(len(starts), dtype=bool)
    if len(verdicts):
        waived = ~open_row & (verdicts[acted] == TREATMENT_STATES[WAIVED])
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


def _gone(past: _Past, present: Positions) -> tuple[pd.DataFrame, Positions, NDArray[np.int8], Positions]:
    """What was open before and is not asked for now: superseded, unless a person did or waived it meanwhile."""
    before = past.history.before
    was_open = past.stands & (before["state"] == TREATMENT_STATES[OPEN]).to_numpy(dtype=bool)
    known = past.action >= 0
    left = np.flatnonzero(was_open & ~(known & np.isin(past.key(past.customer, past.action), present)))
    rows = before.iloc[left]
    at = np.where(known[left], past.acted_at[past.key(past.customer[left], np.maximum(past.action[left], 0))], -1)
    acted = (at >= 0) & (past.acted_on[at] >= rows["first_seen"].to_numpy().astype("datetime64[D]"))
    verdicts = np.array([*past.history.actions["treatment_verdict"], None], dtype=object)[at]
    state = np.select([acted & (verdicts == "waived"), acted], [WAIVED, DONE], default=SUPERSEDED).astype(np.int8)
    return rows, past.customer[left], state, np.where(acted, at, -1)


def treatment_frame(found: Treatments, facts: Facts, policy: Policy, context: DecisionContext) -> pd.DataFrame:
    """decision.treatment, by customer, what is open first."""
    asks, actions = asks_of(policy).all, policy.actions
    ids = facts.frame["customer_id"].astype("str")
    action = categorical(found.action, list(actions))
    customer_id = ids.take(found.customer).reset_index(drop=True)
    treatment = pc.binary_join_element_wise(_texts(pd.Series(action)), _texts(customer_id), ":")

    def told(texts: list[str]) -> Any:
        return categorical(found.lead, texts)

    def people(at: Positions) -> dict[str, Any]:
        did = (context.treatments or TreatmentHistory()).actions
        return {name: did[name].array.take(at, allow_fill=True) for name in ("acted_by", "acted_on", "reason_text")}

    columns = {
        "customer_id": customer_id,
        "treatment_id": pd.Series(treatment.to_pandas(), dtype="str"),
        "action": action,
        "action_en": categorical(found.action, [label.en for label in actions.values()]),
        "action_zh": categorical(found.action, [label.zh for label in actions.values()]),
        "rule": told([each.rule for each in asks]),
        "reason_en": told([each.reason.en for each in asks]),
        "reason_zh": told([each.reason.zh for each in asks]),
        "rules": pd.Series(found.rules.to_pandas(), dtype="str"),
        "rules_since": pd.Series(found.rules_since.to_pandas(), dtype="str"),
        "priority": found.priority,
        "owner_role": told([each.owner for each in asks]),
        "first_seen": found.first_seen.astype("datetime64[s]"),
        "due_date": found.due.astype("datetime64[s]"),
        "state": categorical(found.state, TREATMENT_STATES),
        **people(found.acted),
    }
    now = frame("decision.treatment", context, len(found.customer), columns)
    if len(found.gone) == 0:
        return now
    old: dict[str, Any] = {str(name): found.gone[name].reset_index(drop=True) for name in found.gone}
    old["state"] = pd.Series(categorical(found.gone_state, TREATMENT_STATES))
    past = frame("decision.treatment", context, len(found.gone), {**old, **people(found.gone_acted)})
    for name in now:
        if isinstance(now[name].dtype, pd.CategoricalDtype) and not isinstance(past[name].dtype, pd.CategoricalDtype):
            past[name] = past[name].astype("category")
    both = np.concatenate([found.customer, found.gone_customer])
    return stacked([now, past], np.argsort(both, kind="stable"))


def _texts(column: pd.Series[Any]) -> pa.StringArray:
    texts = pa.array(column.astype("str"), pa.string())
    return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
