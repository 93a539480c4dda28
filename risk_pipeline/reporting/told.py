"""What the screen and the evidence pack say of one customer in sentences: what decided the tier, what people changed, sanctions.

Put here: sentences made of the rows of a memo (pipeline.explain), in one language at a time. Keep out: layout, the words
themselves (phrases.py), and any new figure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from risk_pipeline.contracts.factor_people import VIOLATIONS
from risk_pipeline.reporting.phrases import One, code, listed, say

Row = Mapping[str, Any]
Said = Callable[[One], str]  # a text in the language asked for
TOLD_AFTER = timedelta(days=31)  # an override that ran out is told once more at the next month end


def decided(tier: Row, one: One) -> str:
    """What decided the tier, with the figures that were compared."""
    rule = tier["decided"]
    values = {"rule": rule["rule"], "text": rule.get(one), "tier": tier["tier_label"][one]}
    if rule["kind"] == "score":
        bounds = {"lowest": _plain(rule["from"]), "below": _plain(rule["below"])}
        form = "score_below" if rule["from"] is None else "score_from" if rule["below"] is None else "score_between"
        return say(form, one, **values, **bounds, score=f"{rule['score']:.2f}")
    if "needed" in rule:
        return _kept(tier, one)
    if "threshold" in rule:
        return say(rule["kind"], one, **values, value=_plain(rule["value"]), threshold=_plain(rule["threshold"]))
    factors = listed((factor[one] for factor in rule.get("factors", ())), one)
    return say(rule["kind"], one, **values, factors=factors)


def _kept(tier: Row, one: One) -> str:
    """Why the tier is worse than the score alone would have it: what the next step up needs, and how far the customer is."""
    rule, label = tier["decided"], tier["tier_label"][one]
    if rule["score"] is None:
        return say("no_way_up", one, tier=label)
    figures = {name: rule[name] for name in ("met", "periods", "lowered_on", "cooldown_days", "free_on")}
    scores = {"score": f"{rule['score']:.2f}", "needed": _plain(rule["needed"])}
    return say(rule["kind"], one, tier=label, better=rule["better"][one], **figures, **scores)


def in_state(tier: Row, one: One) -> str:
    """The state of a customer that is not active, since when and why."""
    state = tier["state"]
    return say("in_state", one, state=state["label"][one], day=tier["status_since"], reason=state["reason"][one])


def in_default(tier: Row, one: One) -> str:
    """Since when a customer is in default, and by which events that still hold."""
    events = tier["default_events"].split(",") if tier["default_events"] else []
    told = (", " if one == "en" else "、").join(code(event, one) for event in events)
    return say("default_seen" if events else "default_waiting", one, day=tier["default_since"], events=told)


def limit_reason(tier: Row, limit: Row, one: One) -> str:
    """How the limit was rounded, and why it is not the smallest candidate where it is not."""
    reasons = {rule["id"]: rule[one] for rule in tier["knockout_reasons"]}
    reason = limit["limit_reason"]
    told = f"{reason} {reasons[reason]}" if reason in reasons else code(reason, one)
    rounded = say("rounded_down", one, currency=limit["reporting_currency"])
    return ("; " if one == "en" else "；").join([rounded, *([say("limit_reason", one, reason=told)] if told else [])])


def screened(found: Row) -> bool:
    """Was the customer searched for on a list, or found on one? A run of before there were searches has no row."""
    return bool(found) and (found["sanctions_search_result"] != "never" or found["evidence_date"] is not None)


def sanctions(found: Row, one: One) -> str:
    """Hits on sanctions lists that stand, and when the customer was last searched."""
    counts = [say(name, one, n=found[name]) for name in ("sanctions_confirmed", "sanctions_unreviewed") if found[name]]
    result = found["sanctions_search_result"]
    searched = "searched" if counts and result == "clean" else f"searched_{result}"  # no "nothing found" beside a hit
    return listed([*counts, say(searched, one, day=found["sanctions_searched_on"] or "-")], one)


def overrides(tier: Row, limit: Row, as_of: date) -> Iterator[Said]:
    """A line for each override in force, in waiting, run out lately or approved against the rules."""
    yield from standing({**tier, **limit})
    if tier["override_pending"]:
        yield partial(say, "override_waits", number=tier["override_pending"])
    if tier["state_pending"]:
        yield partial(_state_waits, tier)
    ended = tier["override_lapsed_on"]
    if ended and as_of - ended <= TOLD_AFTER:
        yield partial(say, "override_ran_out", number=tier["override_lapsed_id"], day=ended)
    if tier["override_violation"]:
        yield partial(_wrong, tier)


def standing(row: Row) -> Iterator[Said]:
    """A line for each override that was approved and is not over, with what became of it; `row`: of the tier and of the limit."""
    if row["notch_status"]:
        yield partial(_notch, row)
    for name, phrase, last in (
        ("manual_limit", "limit_by_hand", "manual_limit_expires_on"),
        ("temporary_limit", "limit_for_a_time", "temporary_limit_until"),
    ):
        if row[f"{name}_status"]:
            yield partial(_limit, row, name, phrase, last)
    if row["hold_release_status"]:
        yield partial(_release, row)


def _notch(tier: Row, one: One) -> str:
    steps = tier["notch_steps"]
    what = say("notch_by", one, steps=f"{steps:+d}", better=say("better" if steps > 0 else "worse", one))
    return _until(tier["notch_id"], what, tier["notch_expires_on"], tier["notch_status"], one)


def _limit(limit: Row, name: str, phrase: str, last: str, one: One) -> str:
    what = say(phrase, one, amount=f"{limit[name]:,.2f} {limit['reporting_currency']}")
    return _until(limit[f"{name}_id"], what, limit[last], limit[f"{name}_status"], one)


def _release(limit: Row, one: One) -> str:
    what = say("hold_let_through", one)
    return _until(limit["hold_release_id"], what, limit["hold_release_until"], limit["hold_release_status"], one)


def _until(number: str, what: str, day: object, standing: str, one: One) -> str:
    return say("override_until", one, number=number, what=what, day=day, standing=say(f"standing_{standing}", one))


def _state_waits(tier: Row, one: One) -> str:
    return say("state_waits", one, state=code(tier["state_pending"], one))


def _wrong(tier: Row, one: One) -> str:
    text = VIOLATIONS[tier["override_violation"]][one == "zh"]
    return say("override_wrong", one, number=tier["override_violation_id"], text=text)


def _plain(value: float | None) -> str:
    """A figure to two decimals, without needless ones."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
