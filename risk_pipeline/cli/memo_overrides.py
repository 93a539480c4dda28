"""The overrides in a credit assessment: what people changed, what became of it, what waits.

Put here: those lines of the memo. Keep out: the memo (memo.py), recording overrides (overrides.py).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from risk_pipeline.cli.texts import PHRASES, Language, One, code, each
from risk_pipeline.contracts.factor_people import VIOLATIONS
from risk_pipeline.pipeline.explain import Explanation

TOLD_AFTER = timedelta(days=31)  # an override that ran out is told once more at the next month end


def override_lines(found: Explanation, language: Language) -> list[str]:
    """One line for each override in force, in waiting, run out lately or approved against the rules."""
    tier, limit = found.tier, found.limit
    lines = []
    if tier["notch_status"]:
        lines.append(each(language, lambda one: _notch(tier, one)))
    for name, phrase, last in (
        ("manual_limit", "limit_by_hand", "manual_limit_expires_on"),
        ("temporary_limit", "limit_for_a_time", "temporary_limit_until"),
    ):
        if limit[f"{name}_status"]:
            lines.append(each(language, partial(_limit, limit, name, phrase, last)))
    if limit["hold_release_status"]:
        lines.append(each(language, lambda one: _release(limit, one)))
    if tier["override_pending"]:
        lines.append(each(language, lambda one: _say("override_waits", one, number=tier["override_pending"])))
    if tier["state_pending"]:
        lines.append(each(language, lambda one: _say("state_waits", one, state=code(tier["state_pending"], one))))
    ended = tier["override_lapsed_on"]
    if ended and found.as_of - ended <= TOLD_AFTER:
        lines.append(each(language, lambda one: _say("override_ran_out", one, number=tier["override_lapsed_id"], day=ended)))
    if tier["override_violation"]:
        lines.append(each(language, lambda one: _wrong(tier, one)))
    return lines


def _notch(tier: dict[str, Any], one: One) -> str:
    steps = tier["notch_steps"]
    what = _say("notch_by", one, steps=f"{steps:+d}", better=_say("better" if steps > 0 else "worse", one))
    return _until(tier["notch_id"], what, tier["notch_expires_on"], tier["notch_status"], one)


def _limit(limit: dict[str, Any], name: str, phrase: str, last: str, one: One) -> str:
    what = _say(phrase, one, amount=f"{limit[name]:,.2f} {limit['reporting_currency']}")
    return _until(limit[f"{name}_id"], what, limit[last], limit[f"{name}_status"], one)


def _release(limit: dict[str, Any], one: One) -> str:
    what = _say("hold_let_through", one)
    return _until(limit["hold_release_id"], what, limit["hold_release_until"], limit["hold_release_status"], one)


def _until(number: str, what: str, day: object, standing: str, one: One) -> str:
    return _say("override_until", one, number=number, what=what, day=day, standing=_say(f"standing_{standing}", one))


def _wrong(tier: dict[str, Any], one: One) -> str:
    text = VIOLATIONS[tier["override_violation"]][one == "zh"]
    return _say("override_wrong", one, number=tier["override_violation_id"], text=text)


def _say(name: str, one: One, **values: object) -> str:
    return PHRASES[name][one == "zh"].format(**values)
