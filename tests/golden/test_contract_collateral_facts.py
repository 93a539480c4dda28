"""factor.contract_collateral by hand: standing of contracts, securities in force, cover of credit insurers.

Source: T09 of the factor catalogue; a security counts through its last day (golden_cases.md, "dates inclusive"). Where one rule
has many cases, each is a customer of its own, so that the table is computed once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.ledger_case import AS_OF, LedgerCase, days_before

LATER = date(2026, 7, 1)
BEGUN = date(2025, 1, 1)
A_YEAR_AGO = date(2025, 6, 30)  # W(12) begins the day after

Rows = dict[str, dict[str, Any]]
Events = list[tuple[str, date]]
SIGNED: Events = [("signed", BEGUN)]


def contract(case: LedgerCase, customer: str, number: str = "1", events: Events | None = None, **values: Any) -> None:
    """An individual contract since 2025 without an end, signed unless other events are given."""
    contract_id = f"{customer}-{number}"
    given = {"kind": "individual", "valid_from": BEGUN, **values}
    case.add("contract", contract_id=contract_id, customer_id=customer, **given)
    for place, (kind, day) in enumerate(SIGNED if events is None else events):
        case.add("contract_event", event_id=f"{contract_id}-{place}", contract_id=contract_id, kind=kind, event_date=day)


def security(case: LedgerCase, customer: str, number: str = "1", **values: Any) -> None:
    """A bank guarantee of 1,000 EUR since 2025 without an end."""
    given = {"kind": "bank_guarantee", "valid_from": BEGUN, "collateral_value": 1_000, "currency": "EUR", **values}
    case.add("collateral", collateral_id=f"{customer}-{number}", customer_id=customer, **given)


def cover(case: LedgerCase, customer: str, number: str = "1", **values: Any) -> None:
    """A buyer limit of 50,000 EUR, approved by the insurer Shield in 2025."""
    given = {"insurer": "Shield", "decided_date": BEGUN, "decision": "approved", "amount": 50_000, "currency": "EUR", **values}
    case.add("insurance_limit", cover_id=f"{customer}-{number}", customer_id=customer, **given)


def facts(case: LedgerCase, *customers: str, as_of: date = AS_OF, **params: Any) -> Rows:
    """The rows by customer; `customers` are put into the customer master."""
    for customer in customers:
        case.add("customer", customer_id=customer, effective_from=date(2020, 1, 1))
    return case.table_alone("contract_collateral", as_of, **params)


def picked(rows: Rows, names: str) -> dict[str, tuple[Any, ...]]:
    return {customer: tuple(row[name] for name in names.split()) for customer, row in rows.items()}


# T09: the worst of the contracts in force

STANDINGS: dict[str, tuple[list[dict[str, Any]], str | None]] = {
    "no contract": ([], None),
    "signed": ([{}], "signed"),
    "title": ([{"retention_of_title": True}], "signed_with_retention_of_title"),
    "guarantee": ([{"guarantee_clause": True}], "signed_with_guarantee"),
    "both clauses": ([{"guarantee_clause": True, "retention_of_title": True}], "signed_with_retention_of_title"),
    "no kind": ([{"kind": None}], "signed"),
    "general terms": ([{"kind": "general_terms", "events": []}], "general_terms_only"),
    "general terms beside": ([{"kind": "general_terms", "events": []}, {}], "signed"),
    "unsigned": ([{"events": []}], "unsigned"),
    "unsigned with a clause": ([{"events": [("amended", BEGUN)], "retention_of_title": True}], "unsigned"),
    "worst of two": ([{"retention_of_title": True}, {}, {"guarantee_clause": True}], "signed"),
    "worse of clauses": ([{"retention_of_title": True}, {"guarantee_clause": True}], "signed_with_guarantee"),
    "unsigned beside": ([{"retention_of_title": True}, {"events": []}], "unsigned"),
    "last day": ([{"valid_to": AS_OF}], "signed"),
    "expired": ([{"valid_to": days_before(1)}], "expired"),
    "renewed": ([{"valid_to": days_before(1)}, {"valid_from": AS_OF}], "signed"),
    "expired unsigned": ([{"valid_to": days_before(1), "events": []}], "expired"),
    "terminated": ([{"events": [*SIGNED, ("terminated", AS_OF)]}], "expired"),
    "signed anew": ([{"events": [*SIGNED, ("terminated", days_before(9)), ("signed", days_before(8))]}], "signed"),
    "breached": ([{"events": [*SIGNED, ("breached", days_before(200))]}], "breached"),
    "mended": ([{"events": [*SIGNED, ("breached", days_before(200)), ("amended", days_before(100))]}], "signed"),
    "mended that day": ([{"events": [*SIGNED, ("breached", AS_OF), ("amended", AS_OF)]}], "breached"),
    "breached last in W": ([{"events": [*SIGNED, ("breached", date(2025, 7, 1))]}], "breached"),
    "breached long ago": ([{"events": [*SIGNED, ("breached", A_YEAR_AGO)]}], "signed"),
    "breach beside": ([{"events": [*SIGNED, ("breached", AS_OF)]}, {"retention_of_title": True}], "breached"),
    "general terms breached": ([{"kind": "general_terms", "events": [("breached", AS_OF)]}, {}], "breached"),
    "breached and over": ([{"events": [*SIGNED, ("breached", days_before(9)), ("terminated", AS_OF)]}], "breached"),
    "breached over renewed": ([{"events": [("breached", AS_OF), ("terminated", AS_OF)]}, {}], "signed"),
}


def test_t09_the_worst_of_the_contracts_in_force(case: LedgerCase) -> None:
    for customer, (contracts, _) in STANDINGS.items():
        for number, values in enumerate(contracts):
            contract(case, customer, str(number), **values)
    expected = {customer: (standing, None) for customer, (_, standing) in STANDINGS.items()}
    assert picked(facts(case, *STANDINGS), "contract_standing contract_standing_code") == expected


def test_without_the_feed_of_contracts_there_is_a_code(case: LedgerCase) -> None:
    row = facts(case, "C")["C"]
    assert (row["contract_standing"], row["contract_standing_code"]) == (None, "no_contract_feed")
    assert (row["contracts_breached_12m"], row["contract_unsigned"], row["guarantee_clause"]) == (None, None, None)


def test_without_the_feed_of_events_nobody_knows_what_is_signed(case: LedgerCase) -> None:
    contract(case, "in force", events=[])
    contract(case, "expired", events=[], valid_to=days_before(1))
    contract(case, "general", events=[], kind="general_terms")
    rows = facts(case, "in force", "expired", "general")
    assert picked(rows, "contract_standing contract_unsigned contracts_breached_12m") == {
        "in force": (None, None, None),
        "expired": ("expired", None, None),
        "general": ("general_terms_only", None, None),
    }


def test_dates_and_flags_of_the_contracts(case: LedgerCase) -> None:
    contract(case, "two", "1", valid_to=date(2026, 12, 31), guarantee_clause=True)
    contract(case, "two", "2", valid_to=date(2027, 12, 31), events=[("amended", days_before(5))])
    contract(case, "two", "3", valid_to=days_before(1), retention_of_title=True)
    contract(case, "open", "1", valid_to=date(2026, 12, 31))
    contract(case, "open", "2", events=[*SIGNED, ("breached", days_before(30)), ("breached", days_before(20))])
    contract(case, "over", "1", valid_to=days_before(40), events=[*SIGNED, ("breached", days_before(50))])
    contract(case, "over", "2", valid_to=days_before(10), events=[*SIGNED, ("terminated", days_before(20))])
    rows = facts(case, "two", "open", "over", "none")
    assert picked(rows, "contract_valid_to contract_date contracts_breached_12m") == {
        "two": (date(2027, 12, 31), days_before(5), 0),
        "open": (None, days_before(20), 1),
        "over": (days_before(20), days_before(20), 1),
        "none": (None, None, 0),
    }
    assert picked(rows, "contract_unsigned guarantee_clause retention_of_title") == {
        "two": (True, True, False),
        "open": (False, False, False),
        "over": (False, False, False),
        "none": (None, None, None),
    }


# Securities


def test_a_security_counts_through_its_last_day(case: LedgerCase) -> None:
    ends: dict[str, dict[str, Any]] = {
        "without an end": {},
        "last day": {"valid_to": AS_OF},
        "over": {"valid_to": days_before(1)},
        "last call": {"valid_to": date(2027, 1, 1), "claim_deadline": AS_OF},
        "called too late": {"valid_to": date(2027, 1, 1), "claim_deadline": days_before(1)},
        "claim after the end": {"valid_to": days_before(1), "claim_deadline": date(2027, 1, 1)},  # case 9: it ran out
        "over in W": {"valid_to": date(2025, 7, 1)},
        "over before W": {"valid_to": A_YEAR_AGO},
        "given back": {"released_date": AS_OF},
        "given back later": {"released_date": LATER},
        "ran out and given back": {"valid_to": days_before(5), "released_date": days_before(1)},
    }
    for customer, values in ends.items():
        security(case, customer, **values)
    gone = (0, Decimal("0.00"), None)
    there = (1, Decimal("1000.00"))
    names = "collateral_valid_count collateral_value collateral_next_expiry collateral_expired_on"
    assert picked(facts(case, *ends, "none"), names) == {
        "without an end": (*there, None, None),
        "last day": (*there, AS_OF, None),
        "over": (*gone, days_before(1)),
        "last call": (*there, AS_OF, None),
        "called too late": (*gone, days_before(1)),
        "claim after the end": (*gone, days_before(1)),
        "over in W": (*gone, date(2025, 7, 1)),
        "over before W": (*gone, None),
        "given back": (*gone, None),
        "given back later": (*there, None, None),
        "ran out and given back": (*gone, None),
        "none": (*gone, None),
    }


def test_the_value_is_gross_and_in_reporting_currency(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    security(case, "C", "1", prior_liens=400, valid_to=date(2027, 3, 31))
    security(case, "C", "2", currency="USD", collateral_value=500, valid_to=date(2026, 9, 30), valuation_date=days_before(3))
    security(case, "C", "3", currency="JPY")  # no rate
    security(case, "C", "4", collateral_value=None)
    security(case, "C", "5", collateral_value=-9)
    security(case, "C", "6", valuation_date=LATER)  # nobody knew the value yet
    security(case, "C", "7", kind="retention_of_title", collateral_value=50)
    row = facts(case, "C")["C"]
    assert row["collateral_value"] == Decimal("1450.00")  # 1,000 + 500 / 1.25 + 50
    assert row["collateral_valid_count"] == 7
    assert row["collateral_next_expiry"] == date(2026, 9, 30)
    assert row["collateral_date"] == row["evidence_date"] == days_before(3)


def test_only_a_guarantee_of_the_parent_is_one(case: LedgerCase) -> None:
    securities: dict[str, dict[str, Any]] = {
        "parent": {"kind": "parent_guarantee", "valid_to": AS_OF},
        "over": {"kind": "parent_guarantee", "valid_to": days_before(1)},
        "owner": {"kind": "personal_guarantee"},
    }
    for customer, values in securities.items():
        security(case, customer, **values)
    expected = {"parent": (True,), "over": (False,), "owner": (False,), "none": (False,)}
    assert picked(facts(case, *securities, "none"), "parent_guarantee_valid") == expected


# Cover of credit insurers

COVERS: dict[str, tuple[list[dict[str, Any]], Any, date | None]] = {
    "never asked": ([], None, None),
    "approved": ([{}], "50000.00", None),
    "partly": ([{"decision": "partly", "amount": 20_000, "valid_to": AS_OF}], "20000.00", AS_OF),
    "over": ([{"valid_to": days_before(1)}], "0.00", None),
    "refused": ([{"decision": "refused"}], "0.00", None),
    "reduced later": ([{}, {"decision": "reduced", "amount": 10_000, "decided_date": days_before(5)}], "10000.00", None),
    "cancelled later": ([{}, {"decision": "cancelled", "amount": 0, "decided_date": days_before(5)}], "0.00", None),
    "withdrawn": ([{"cancelled_on": AS_OF}], "0.00", None),
    "withdrawn tomorrow": ([{"cancelled_on": LATER}], "50000.00", None),
    "two insurers": (
        [{"valid_to": date(2027, 1, 1)}, {"insurer": "Top-up", "amount": 5_000, "valid_to": date(2026, 9, 1)}],
        "55000.00",
        date(2026, 9, 1),
    ),
    "one day": ([{"amount": 1}, {"amount": 2}], "2.00", None),  # the number decides
    "dollars": ([{"currency": "USD"}], "40000.00", None),  # 50,000 / 1.25
    "no rate": ([{"currency": "JPY"}], "0.00", None),
    "below zero": ([{"amount": -1}], "0.00", None),
    "no amount": ([{"amount": None}], "0.00", None),
}


def test_the_newest_decision_of_each_insurer_counts(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    for customer, (covers, _, _) in COVERS.items():
        for number, values in enumerate(covers):
            cover(case, customer, str(number), **values)
    expected = {customer: (limit and Decimal(limit), ends) for customer, (_, limit, ends) in COVERS.items()}
    assert picked(facts(case, *COVERS), "insurance_limit insurance_valid_to") == expected


def test_a_claim_counts_for_twelve_months_whatever_became_of_the_cover(case: LedgerCase) -> None:
    claims: dict[str, dict[str, Any]] = {
        "none": {},
        "filed": {"claim_filed_date": AS_OF, "cancelled_on": days_before(9)},
        "in W": {"claim_filed_date": date(2025, 7, 1)},
        "before W": {"claim_filed_date": A_YEAR_AGO},
        "tomorrow": {"claim_filed_date": LATER},
    }
    for customer, values in claims.items():
        cover(case, customer, "1", **values)
        cover(case, customer, "2", decided_date=days_before(2), decision="refused")
    assert picked(facts(case, *claims, "uninsured"), "insurance_claim_filed insurance_date") == {
        "none": (False, days_before(2)),
        "filed": (True, days_before(2)),
        "in W": (True, days_before(2)),
        "before W": (False, days_before(2)),
        "tomorrow": (False, days_before(2)),
        "uninsured": (False, None),
    }


# Point in time


@pytest.mark.parametrize("later", [{"day": LATER}, {"day": days_before(1), "known": datetime(2026, 7, 3, tzinfo=UTC)}])
def test_what_comes_or_is_known_later_changes_nothing(case: LedgerCase, later: dict[str, Any]) -> None:
    day, known_at = later["day"], datetime(2026, 7, 1, tzinfo=UTC)
    known = {name: value for name, value in later.items() if name == "known"}
    contract(case, "C")
    security(case, "C")
    cover(case, "C")
    before = facts(case, "C", known_at=known_at)
    contract(case, "C", "9", events=[], valid_from=day, **known)
    for kind in ("breached", "terminated"):
        case.add("contract_event", event_id=kind, contract_id="C-1", kind=kind, event_date=day, **known)
    security(case, "C", "9", kind="parent_guarantee", valid_from=day, **known)
    cover(case, "C", "9", decided_date=day, decision="cancelled", claim_filed_date=day, **known)
    assert facts(case, known_at=known_at) == before
    after = facts(case, as_of=LATER, known_at=datetime(2026, 7, 4, tzinfo=UTC))["C"]
    assert after["contract_standing"] == "unsigned"
    assert (after["parent_guarantee_valid"], after["insurance_limit"], after["insurance_claim_filed"]) == (True, 0, True)
