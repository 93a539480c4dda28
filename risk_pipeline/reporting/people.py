"""What people decided on a customer, as rows of one table: overrides, verdicts on limits, states, warnings, actions and findings.

Put here: bringing the feeds of people, whose columns differ, to the same few questions: what, why, who asked, who decided, until
when. Keep out: who may decide what (policy), gathering (pipeline.evidence), the look of the table (templates/).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from risk_pipeline.reporting.forms import cell
from risk_pipeline.reporting.phrases import One, say
from risk_pipeline.reporting.words import code

Row = Mapping[str, Any]
Labels = Mapping[str, Mapping[str, Row]]  # what the policy calls its roles, reason codes and actions: {"en": …, "zh": …} by id
NUMBERS = ("override_id", "limit_decision_id", "state_decision_id", "action_id", "finding_id")  # of each feed its own
OF_WHOM = "customer_id"


@dataclass(frozen=True)
class Decided:
    """One decision, in words of one language; empty where it has no such part. `deputy`: for whom the second person acted."""

    number: str
    what: str
    why: str
    asked: str
    decided: str
    deputy: str
    until: str
    customer: str


def decisions(people: Mapping[str, Iterable[Row]], events: Iterable[Row], labels: Labels, one: One) -> Iterator[Decided]:
    """The decisions, feed by feed; `events` of the audit log say who acted for somebody else."""
    acted = {(each["subject"], each["actor"]): each["detail"]["acts_for"] for each in events if each["detail"].get("acts_for")}
    for row in (row for rows in people.values() for row in rows):
        number = next(str(row[name]) for name in NUMBERS if row.get(name))
        who = row.get("decided_by") or row.get("acted_by") or row.get("reviewed_by")
        yield Decided(
            number=number,
            what=_what(row, one),
            why=_why(row, labels, one),
            asked=_by(row.get("requested_by"), row.get("requested_role"), row.get("requested_on"), labels, one),
            decided=_verdict(row, who, labels, one),
            deputy=acted.get((number, who), ""),
            until=_until(row),
            customer=str(row[OF_WHOM]),
        )


def _what(row: Row, one: One) -> str:
    amount = f"{cell(row['amount'])} {row['currency']}" if row.get("amount") is not None else ""
    match row:
        case {"override_kind": "notch", "notches": steps}:
            return say("notch_by", one, steps=f"{steps:+d}", better=say("better" if steps > 0 else "worse", one))
        case {"override_kind": "limit"}:
            return say("limit_by_hand", one, amount=amount)
        case {"override_kind": "temporary_limit"}:
            return say("limit_for_a_time", one, amount=amount)
        case {"override_kind": "hold_release"}:
            return say("hold_let_through", one)
        case {"limit_decision_id": _}:
            return say("limit_of_day", one, day=row["decided_as_of"], amount=amount)
        case {"state_decision_id": _}:
            return say("state_proposed", one, state=code(row["proposed_state"], one))
        case {"alert_id": alert}:
            return f"{alert}: {code(row['alert_action'], one)}"
        case {"treatment_id": treatment}:
            return f"{treatment}: {code(row['treatment_verdict'], one)}"
    found = say("finding_of", one, kind=code(row["kind"], one), source=row["source"] or "-")
    return ": ".join(str(part) for part in (found, _screened(row).get("list_name")) if part)


def _screened(row: Row) -> Mapping[str, Any]:
    """What the name screening kept beside a finding: the name on the list, and why a person judged as it did."""
    try:
        found = json.loads(row.get("detail") or "{}")
    except ValueError:  # the words of a feed
        return {}
    return found if isinstance(found, dict) else {}


def _why(row: Row, labels: Labels, one: One) -> str:
    label = labels["reason_codes"].get(row.get("reason_code") or "")
    parts = [label[one] if label else row.get("reason_code"), row.get("reason_text"), _screened(row).get("reason")]
    return (": " if one == "en" else "：").join(part for part in parts if part)


def _by(who: str | None, role: str | None, day: Any, labels: Labels, one: One) -> str:
    if not who:
        return ""
    label = labels["roles"].get(role or "")
    named = label[one] if label else role
    told = (f"{who} ({named})" if one == "en" else f"{who}（{named}）") if named else who
    return f"{told}, {day}" if one == "en" else f"{told}，{day}"


def _verdict(row: Row, who: str | None, labels: Labels, one: One) -> str:
    verdict = code(row.get("verdict") or row.get("review_state"), one)
    day = row.get("verdict_on") or row.get("acted_on") or row.get("reviewed_date")
    said = _by(who, row.get("decided_role"), day, labels, one)
    return (": " if one == "en" else "：").join(part for part in (verdict, said) if part)


def _until(row: Row) -> str:
    if row.get("valid_to"):
        return f"{row['valid_from']} – {row['valid_to']}"
    return cell(row.get("until"))
