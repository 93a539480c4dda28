"""factor.collateral_item and factor.collateral by hand: what counts as security in a limit, how much, until when.

Sources: the draft's mitigants, golden_cases.md cases 8, 9, 10, 26 and 27 ("dates inclusive"). Where one rule has many cases, each
is a customer of its own, so that the tables are computed once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.contracts.factor_collateral import INELIGIBLE
from risk_pipeline.policy.load import load_policy
from tests.decision_facts import sales
from tests.decision_given import CATALOGUE, given
from tests.ledger_case import AS_OF, LedgerCase, days_before

LATER = date(2026, 7, 1)
BEGUN = date(2025, 1, 1)
A_YEAR_AGO = date(2025, 6, 30)  # W(12) begins the day after
RATED: dict[str, Any] = {"kind": "bank_guarantee", "first_demand": True, "provider": "Bank", "provider_rating": "A"}
PARENT: dict[str, Any] = {"kind": "parent_guarantee", "guarantor_id": "parent"}
HOUSE: dict[str, Any] = {"kind": "mortgage", "registered_date": BEGUN, "valuation_date": days_before(100)}
ICBC = "中国工商银行 北京分行"
BANK_BILL: dict[str, Any] = {"kind": "bank_acceptance_bill", "provider": ICBC, "valid_to": date(2026, 9, 30)}

Rows = dict[str, dict[str, Any]]


def after(days: int) -> date:
    return days_before(-days)


def customer(case: LedgerCase, name: str, **values: Any) -> None:
    case.add("customer", customer_id=name, name=name, effective_from=date(2020, 1, 1), **{"country_code": "DE", **values})


def security(case: LedgerCase, customer_id: str, number: str = "1", **values: Any) -> None:
    """A deposit of 1,000 EUR since 2025 without an end."""
    row = {"kind": "deposit", "valid_from": BEGUN, "collateral_value": 1_000, "currency": "EUR", **values}
    case.add("collateral", collateral_id=f"{customer_id}-{number}", customer_id=customer_id, **row)


def cover(case: LedgerCase, customer_id: str, number: str = "1", **values: Any) -> None:
    """A buyer limit of 50,000 EUR, approved by the insurer Shield in 2025."""
    row = {"insurer": "Shield", "decided_date": BEGUN, "decision": "approved", "amount": 50_000, "currency": "EUR", **values}
    case.add("insurance_limit", cover_id=f"{customer_id}-{number}", customer_id=customer_id, **row)


def bill(case: LedgerCase, customer_id: str, **values: Any) -> None:
    """A bill of 1,000 EUR that a listed bank accepted, due in three months."""
    row = {"kind": "bank", "received_date": days_before(60), "maturity_date": date(2026, 9, 30), "acceptor_name": ICBC, **values}
    case.add("bill", bill_id=f"{customer_id}-1", customer_id=customer_id, amount=1_000, currency="EUR", **row)


def accounts(case: LedgerCase, customer_id: str) -> None:
    """Usable accounts."""
    figures = {"total_assets": 1_000_000, "total_liabilities": 700_000, "equity": 300_000, "revenue": 2_000_000}
    told = {"period_end": date(2025, 12, 31), "received_date": date(2026, 4, 30), "months": 12, "currency": "EUR"}
    case.add("financial_statement", statement_id=customer_id, customer_id=customer_id, **told, **figures)


def items(case: LedgerCase, as_of: date = AS_OF, **options: Any) -> Rows:
    return {row["security_id"]: row for row in case.factors(as_of, **options)["collateral_item"]}


def sums(case: LedgerCase, as_of: date = AS_OF, **options: Any) -> Rows:
    return {row["customer_id"]: row for row in case.factors(as_of, **options)["collateral"]}


def picked(row: dict[str, Any], names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names.split())


# Securities one by one: why one does not count, and what one that counts is worth

COUNTS = None
SECURITIES: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "deposit": ({}, COUNTS, "1000.00"),
    "last day": ({"valid_to": AS_OF}, COUNTS, "1000.00"),
    "over": ({"valid_to": days_before(1)}, "over", "0.00"),
    "given back tomorrow": ({"released_date": LATER}, COUNTS, "1000.00"),
    "dollars": ({"currency": "USD"}, COUNTS, "736.00"),  # 1,000 / 1.25 x (1 - 0.08)
    "no rate": ({"currency": "JPY"}, "no_exchange_rate", "0.00"),
    "no value": ({"collateral_value": None}, "no_value", "0.00"),
    "below zero": ({"collateral_value": -1}, "no_value", "0.00"),
    "valued tomorrow": ({"valuation_date": LATER}, "no_value", "0.00"),
    "title": ({"kind": "retention_of_title"}, "worth_nothing", "0.00"),
    # bank guarantees: terms of nobody known are the longest of the policy, 60 days; then 30 days to call
    "guarantee": (RATED, COUNTS, "950.00"),
    "letter of credit": ({**RATED, "kind": "standby_letter_of_credit"}, COUNTS, "950.00"),
    "guarantee in dollars": ({**RATED, "currency": "USD"}, COUNTS, "696.00"),  # 800 x (1 - 0.05 - 0.08)
    "on proof": ({**RATED, "first_demand": False}, "not_first_demand", "0.00"),
    "demand unsaid": ({**RATED, "first_demand": None}, "not_first_demand", "0.00"),
    "unrated bank": ({**RATED, "provider_rating": None}, "provider_not_rated", "0.00"),
    "weak bank": ({**RATED, "provider_rating": "BB+"}, "provider_not_rated", "0.00"),
    "small letters": ({**RATED, "provider_rating": "baa3"}, COUNTS, "950.00"),
    "call in 91 days": ({**RATED, "valid_to": after(9), "claim_deadline": after(91)}, COUNTS, "950.00"),
    "call in 90 days": ({**RATED, "valid_to": after(9), "claim_deadline": after(90)}, "claim_deadline_too_near", "0.00"),
    "ends in 90 days": ({**RATED, "valid_to": after(90)}, "claim_deadline_too_near", "0.00"),
    "call was yesterday": ({**RATED, "claim_deadline": days_before(1)}, "over", "0.00"),
    "30 d contracted": ({**RATED, "valid_to": after(61)}, COUNTS, "950.00"),
    "30 d granted": ({**RATED, "valid_to": after(61)}, COUNTS, "950.00"),
    "45 d contracted": ({**RATED, "valid_to": after(61)}, "claim_deadline_too_near", "0.00"),
    # guarantees and bills of companies, guarantees of persons
    "parent stands": (PARENT, COUNTS, "600.00"),
    "weak parent": ({**PARENT, "guarantor_id": "weak"}, "guarantor_tier", "0.00"),
    "silent parent": ({**PARENT, "guarantor_id": "silent"}, "guarantor_accounts", "0.00"),
    "new parent": ({**PARENT, "guarantor_id": "new"}, "guarantor_unknown", "0.00"),
    "foreign parent": ({**PARENT, "guarantor_id": "nobody"}, "guarantor_unknown", "0.00"),
    "no parent": ({**PARENT, "guarantor_id": None}, "guarantor_unknown", "0.00"),
    "own branch": ({**PARENT, "guarantor_id": "branch"}, "guarantor_is_debtor", "0.00"),
    "himself": ({**PARENT, "guarantor_id": "himself"}, "guarantor_is_debtor", "0.00"),
    "mutual": ({**PARENT, "guarantor_id": "friend"}, "mutual_guarantee", "0.00"),
    "third party's bill": ({**PARENT, "kind": "commercial_acceptance_bill"}, COUNTS, "600.00"),
    "own bill": ({"kind": "commercial_acceptance_bill", "provider": "OWN Bill"}, "guarantor_is_debtor", "0.00"),
    "owner and spouse": ({"kind": "personal_guarantee", "spouse_signed": True}, COUNTS, "200.00"),
    "owner alone": ({"kind": "personal_guarantee", "spouse_signed": False}, "spouse_not_signed", "0.00"),
    "owner in Germany": ({"kind": "personal_guarantee"}, COUNTS, "200.00"),
    "owner in China": ({"kind": "personal_guarantee"}, "spouse_not_signed", "0.00"),
    "owner somewhere": ({"kind": "personal_guarantee"}, "spouse_not_signed", "0.00"),
    # mortgages and pledges
    "house": (HOUSE, COUNTS, "500.00"),
    "second house": ({**HOUSE, "priority": 2, "prior_liens": 400}, COUNTS, "300.00"),
    "laden house": ({**HOUSE, "priority": 2, "prior_liens": 4_000}, COUNTS, "0.00"),
    "who knows": ({**HOUSE, "priority": 2}, "prior_liens_unknown", "0.00"),
    "not registered": ({**HOUSE, "registered_date": None}, "not_registered", "0.00"),
    "registered tomorrow": ({**HOUSE, "registered_date": LATER}, "not_registered", "0.00"),
    "never valued": ({**HOUSE, "valuation_date": None}, "valuation_missing", "0.00"),
    "valued 365 d ago": ({**HOUSE, "valuation_date": days_before(365)}, COUNTS, "500.00"),
    "valued 366 d ago": ({**HOUSE, "valuation_date": days_before(366)}, "valuation_too_old", "0.00"),
    "pledge": ({**HOUSE, "kind": "pledge", "valuation_date": days_before(180)}, COUNTS, "500.00"),
    "stale pledge": ({**HOUSE, "kind": "pledge", "valuation_date": days_before(181)}, "valuation_too_old", "0.00"),
    # bills of banks, held as security
    "bank's bill": (BANK_BILL, COUNTS, "950.00"),
    "in English": ({**BANK_BILL, "provider": "Bank of Communications Co Ltd"}, COUNTS, "950.00"),
    "village bank": ({**BANK_BILL, "provider": "某村镇银行"}, "acceptor_not_listed", "0.00"),
    "nobody's bill": ({**BANK_BILL, "provider": None}, "acceptor_not_listed", "0.00"),
    "184 days": ({**BANK_BILL, "valid_to": after(184)}, COUNTS, "950.00"),
    "185 days": ({**BANK_BILL, "valid_to": after(185)}, "maturity_too_far", "0.00"),
    "no maturity": ({**BANK_BILL, "valid_to": None}, "maturity_too_far", "0.00"),
}
MASTER: dict[str, dict[str, Any]] = {
    "30 d contracted": {"contracted_terms_days": 30},
    "45 d contracted": {"contracted_terms_days": 45},
    "own branch": {"legal_entity_id": "L1"},
    "branch": {"legal_entity_id": "L1"},
    "owner in China": {"country_code": "CN"},
    "owner somewhere": {"country_code": None},
}
BEFORE = {"30 d granted": ("medium", 30, 0), "45 d contracted": ("medium", 30, 0)} | {
    **dict.fromkeys(("parent", "silent", "branch", "himself", "friend"), ("low", 60, 0)),
    "weak": ("high", 15, 0),
}


def test_why_a_security_does_not_count_and_what_one_that_does_is_worth(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    for name in (*SECURITIES, "parent", "weak", "silent", "new", "branch", "friend"):
        customer(case, name, **MASTER.get(name, {}))
    for name in ("parent", "weak", "new", "branch", "himself", "friend"):
        accounts(case, name)
    case.before = BEFORE
    security(case, "friend", **{**PARENT, "guarantor_id": "mutual"})
    for name, (values, _, _) in SECURITIES.items():
        security(case, name, **values)
    found = items(case)
    assert {name: picked(found[f"{name}-1"], "ineligible_code net_value") for name in SECURITIES} == {
        name: (code, Decimal(net)) for name, (_, code, net) in SECURITIES.items()
    }
    assert all(row["eligible"] == (row["ineligible_code"] is None) for row in found.values())
    told = {name: picked(found[f"{name}-1"], "gross_value deducted_value haircut_share") for name in ("second house", "dollars")}
    assert told == {"second house": (1_000, 400, 0.5), "dollars": (800, 0, 0.08)}
    until = {name: found[f"{name}-1"]["counts_until"] for name in ("deposit", "last day", "30 d granted", "pledge", "184 days")}
    assert until == {"deposit": None, "last day": AS_OF, "30 d granted": AS_OF, "pledge": AS_OF, "184 days": after(184)}
    assert found["parent stands-1"]["from_own_group"]


COVERS: dict[str, tuple[list[dict[str, Any]], list[tuple[str | None, str]]]] = {
    "insured": ([{}], [(COUNTS, "45000.00")]),  # nothing said of the share: 90 %
    "share": ([{"cover_pct": 62.5}], [(COUNTS, "31250.00")]),
    "dollars": ([{"currency": "USD"}], [(COUNTS, "33120.00")]),  # 50,000 / 1.25 x 0.9 x (1 - 0.08)
    "reduced": ([{}, {"decision": "reduced", "amount": 10_000, "decided_date": days_before(5)}], [(COUNTS, "9000.00")]),
    "refused": ([{"decision": "refused", "amount": None}], [("cover_refused", "0.00")]),
    "cancelled": ([{"cancelled_on": AS_OF}], [("cover_refused", "0.00")]),
    "cancelled tomorrow": ([{"cancelled_on": LATER}], [(COUNTS, "45000.00")]),
    "over": ([{"valid_to": days_before(1)}], [("over", "0.00")]),
    "claimed": ([{"claim_filed_date": days_before(9)}], [("claim_filed", "0.00")]),
    "claim on an older one": (
        [{"claim_filed_date": days_before(9)}, {"decided_date": days_before(10)}],
        [("claim_filed", "0.00")],
    ),
    "decided anew": ([{"claim_filed_date": days_before(9)}, {"decided_date": days_before(8)}], [(COUNTS, "45000.00")]),
    "no amount": ([{"amount": None}], [("no_value", "0.00")]),
    "60 dpd": ([{}], [(COUNTS, "45000.00")]),
    "61 dpd": ([{}], [("overdue_beyond_extension", "0.00")]),
    "61 of 90 dpd": ([{"max_extension_days": 90}], [(COUNTS, "45000.00")]),
    "30 of 60 d terms": ([{"max_terms_days": 60}], [(COUNTS, "45000.00")]),
    "60 of 30 d terms": ([{"max_terms_days": 30}], [("terms_beyond_cover", "0.00")]),
    "disputed": ([{}], [(COUNTS, "36000.00")]),  # (50,000 - 10,000) x 0.9
    "disputed, two insurers": (  # 52,000 in dispute: all of the larger, 2,000 of the other
        [{}, {"insurer": "Top-up", "amount": 5_000}],
        [(COUNTS, "0.00"), (COUNTS, "2700.00")],
    ),
}


def test_the_conditions_of_credit_insurers(case: LedgerCase) -> None:
    case.add("fx_rate", currency="USD", rate_date=days_before(1), rate="1.25")
    for name, (covers, _) in COVERS.items():
        terms = {"30 of 60 d terms": 30, "60 of 30 d terms": 60}.get(name)
        customer(case, name, contracted_terms_days=terms)
        for number, values in enumerate(covers):
            cover(case, name, str(number), **values)
    for name, dpd in (("60 dpd", 60), ("61 dpd", 61), ("61 of 90 dpd", 61)):
        case.invoice(f"I {name}", 6_000, dpd=dpd, customer=name)
    for name, amount in (("disputed", 10_000), ("disputed, two insurers", 52_000)):
        case.invoice(f"I {name}", 60_000, dpd=-10, customer=name)
        given_to = {"dispute_id": name, "customer_id": name, "invoice_id": f"I {name}"}
        case.add("dispute", **given_to, opened_date=days_before(20), amount=amount, currency="EUR")
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in items(case).values():
        found.setdefault(row["customer_id"], []).append(picked(row, "ineligible_code net_value"))
    expected = {name: [(code, Decimal(net)) for code, net in outcome] for name, (_, outcome) in COVERS.items()}
    assert {name: sorted(rows, key=str) for name, rows in found.items()} == {
        name: sorted(rows, key=str) for name, rows in expected.items()
    }


def test_a_bill_in_hand_counts_as_far_as_it_has_not_settled_invoices(case: LedgerCase) -> None:
    bills: dict[str, tuple[dict[str, Any], list[Any] | None]] = {
        "in hand": ({}, [COUNTS, "950.00"]),
        "partly used": ({}, [COUNTS, "380.00"]),  # (1,000 - 600) x 0.95
        "used": ({}, ["settled_invoices", "0.00"]),
        "taken back": ({}, [COUNTS, "950.00"]),
        "own": ({"kind": "commercial", "acceptor_name": None, "acceptor_id": "own"}, ["guarantor_is_debtor", "0.00"]),
        "of whom": ({"kind": "commercial", "acceptor_name": "X"}, ["guarantor_unknown", "0.00"]),
        "due today": ({"maturity_date": AS_OF}, [COUNTS, "950.00"]),
        "due yesterday": ({"maturity_date": days_before(1)}, ["over", "0.00"]),
        "discounted": ({"discounted_date": AS_OF}, None),
        "discounted tomorrow": ({"discounted_date": LATER}, [COUNTS, "950.00"]),
        "dishonoured": ({"outcome": "dishonoured", "outcome_date": AS_OF}, None),
    }
    for name, (values, _) in bills.items():
        bill(case, name, **values)
    for name, amount in (("partly used", 600), ("used", 1_000), ("taken back", 1_000)):
        case.invoice(f"I {name}", 5_000, customer=name)
        applied = {"application_id": name, "bill_id": f"{name}-1", "invoice_id": f"I {name}", "customer_id": name, "kind": "bill"}
        back = AS_OF if name == "taken back" else None
        case.add(
            "payment_application", **applied, applied_date=days_before(50), amount=amount, currency="EUR", reversed_date=back
        )
    found = items(case)
    expected = {f"{name}-1": (told[0], Decimal(told[1])) for name, (_, told) in bills.items() if told is not None}
    assert {name: picked(row, "ineligible_code net_value") for name, row in found.items()} == expected


def test_every_reason_is_one_that_people_are_told() -> None:
    shown = {code for _, code, _ in SECURITIES.values()} | {code for _, told in COVERS.values() for code, _ in told}
    assert shown - {COUNTS} | {"settled_invoices", "no_such_mitigant"} == set(INELIGIBLE)


def test_a_kind_that_the_policy_does_not_list_does_not_count(tmp_path: Path) -> None:
    policy = load_policy(None, CATALOGUE, as_of=AS_OF)
    mitigants = policy.mitigants.model_copy(update={"kinds": ()})
    case = LedgerCase(tmp_path, policy.model_copy(update={"mitigants": mitigants}))
    customer(case, "C")
    security(case, "C")
    assert picked(items(case)["C-1"], "eligible ineligible_code net_value") == (False, "no_such_mitigant", 0)


# Sums per customer


def test_sums_by_kind_and_without_the_own_group(case: LedgerCase) -> None:
    for name in ("C", "parent", "sister", "none"):
        customer(case, name, group_id=None if name == "none" else "G")
        accounts(case, name)
    case.before = {"parent": ("medium", 30, 0), "sister": ("low", 60, 0)}
    securities: list[dict[str, Any]] = [
        {"valid_to": after(40)},
        RATED,
        {**RATED, "kind": "standby_letter_of_credit", "collateral_value": 2_000},
        PARENT,
        {"kind": "commercial_acceptance_bill", "guarantor_id": "sister"},
        {"kind": "personal_guarantee", "valuation_date": days_before(3)},
        HOUSE,
        {**HOUSE, "kind": "pledge"},
        BANK_BILL,
        {"kind": "retention_of_title", "valid_to": after(1)},
        {"valid_to": days_before(2), "valid_from": days_before(200)},
    ]
    for number, values in enumerate(securities):
        security(case, "C", str(number), **values)
    cover(case, "C", amount=10_000, max_terms_days=45, valid_to=after(50))
    rows = sums(case)
    kinds = "deposits bank_guarantees company_guarantees personal_guarantees charges bank_bills insurance"
    amounts = picked(rows["C"], " ".join(f"net_{kind}" for kind in kinds.split()))
    assert amounts == (1_000, 2_850, 1_200, 200, 1_000, 950, 9_000)
    assert rows["C"]["collateral_value_net"] == sum(amounts) == 16_200
    assert rows["C"]["collateral_value_net_group"] == 15_000
    assert picked(rows["C"], "securities_counted securities_not_counted security_ends_on security_days_left") == (
        10,
        1,
        after(40),
        40,
    )
    # The deposit that ran out was replaced by nothing that began later
    assert picked(rows["C"], "security_lapsed_on security_lapsed_value") == (days_before(2), 1_000)
    assert picked(rows["C"], "insured insured_terms_days insurance_extension_days_left") == (True, 45, 60)
    assert rows["C"]["security_date"] == rows["C"]["evidence_date"] == days_before(3)
    nothing = "collateral_value_net securities_counted security_ends_on security_lapsed_value insured insured_terms_days"
    assert picked(rows["none"], nothing) == (0, 0, None, 0, False, None)


def test_what_ran_out_is_told_unless_it_was_replaced(case: LedgerCase) -> None:
    over = days_before(100)
    after_it: dict[str, list[dict[str, Any]]] = {
        "gone": [],
        "replaced before": [{"valid_from": days_before(160)}],
        "replaced after": [{"valid_from": AS_OF}],
        "partly": [{"valid_from": AS_OF, "collateral_value": 300}],
        "older one": [{"valid_from": days_before(161)}],
        "replaced by nothing": [{"valid_from": AS_OF, "kind": "retention_of_title"}],
    }
    lost = {
        "gone": 1_000,
        "replaced before": 0,
        "replaced after": 0,
        "partly": 700,
        "older one": 1_000,
        "replaced by nothing": 1_000,
    }
    for name, securities in after_it.items():
        customer(case, name)
        security(case, name, "0", valid_to=over)
        for number, values in enumerate(securities, 1):
            security(case, name, str(number), **values)
    others: dict[str, dict[str, Any]] = {
        "long ago": {"valid_to": A_YEAR_AGO},
        "given back": {"valid_to": over, "released_date": AS_OF},
        "never counted": {"valid_to": over, "kind": "retention_of_title"},
        "stale": {**HOUSE, "valuation_date": days_before(400)},
    }
    for name, values in others.items():
        customer(case, name)
        security(case, name, **values)
    lost |= {"long ago": 0, "given back": 0, "never counted": 0, "stale": 500}
    case.before = dict.fromkeys(lost, ("medium", 30, 400)) | {"older one": ("medium", 30, 1_000)}
    rows = sums(case)
    assert {name: rows[name]["security_lapsed_value"] for name in lost} == lost
    assert picked(rows["stale"], "security_lapsed_on collateral_value_net") == (days_before(35), 0)
    relied_on = {"gone", "partly", "replaced by nothing", "stale"}
    assert {name for name, row in rows.items() if row["relied_on_lapsed_security"]} == relied_on


def test_what_insurers_took_away(case: LedgerCase) -> None:
    covers: dict[str, tuple[list[dict[str, Any]], date | None, bool]] = {
        "stands": ([{}], None, True),
        "cancelled": ([{"cancelled_on": days_before(3)}], days_before(3), False),
        "cancelled tomorrow": ([{"cancelled_on": LATER}], None, True),
        "cancelled by decision": ([{}, {"decision": "cancelled", "decided_date": days_before(4)}], days_before(4), False),
        "reduced": ([{}, {"decision": "reduced", "amount": 9, "decided_date": days_before(5)}], days_before(5), True),
        "less": ([{}, {"amount": 40_000, "decided_date": days_before(6)}], days_before(6), True),
        "more": ([{}, {"amount": 60_000, "decided_date": days_before(6)}], None, True),
        "refused after": ([{}, {"decision": "refused", "decided_date": days_before(7)}], days_before(7), False),
        "refused at once": ([{"decision": "refused", "decided_date": days_before(7)}], None, False),
        "long ago": ([{"cancelled_on": date(2026, 3, 31)}], None, False),  # W(3) begins the day after
    }
    for name, (decisions, _, _) in covers.items():
        customer(case, name)
        for number, values in enumerate(decisions):
            cover(case, name, str(number), **values)
    rows = sums(case)
    assert {name: picked(rows[name], "insurance_withdrawn_on insurance_withdrawn insured") for name in covers} == {
        name: (day, day is not None, insured) for name, (_, day, insured) in covers.items()
    }


# Golden cases, as far as security decides them


def of(row: dict[str, Any]) -> dict[str, Any]:
    """The facts of a decision from a row of factor.collateral."""
    return {"collateral_value_net": int(row["collateral_value_net"] * 100)}


def test_cases_8_and_9_a_bank_guarantee_adds_to_the_limit_until_it_runs_out(case: LedgerCase) -> None:
    customer(case, "C", contracted_terms_days=30)
    security(case, "C", **RATED, collateral_value=60_000, valid_to=date(2026, 7, 20), claim_deadline=date(2026, 12, 31))
    accounts_known = {"tangible_net_worth": 400_000_00, "revenue_annual": 4_000_000_00, "statement_usable": True}
    row = sums(case)["C"]
    assert picked(row, "collateral_value_net net_bank_guarantees security_ends_on security_days_left security_lapsed_value") == (
        57_000,
        57_000,
        date(2026, 7, 20),
        20,  # A24
        0,
    )
    decided = given(70, **of(row), **accounts_known, **sales(60_000))
    assert (decided.unsecured_limit, decided.secured_amount, decided.credit_limit) == (40_000, 57_000_00, 80_000)
    assert decided.binding_method == "sales_balance"

    case.before = {"C": ("medium", 30, 57_000)}
    row = sums(case, date(2026, 7, 31))["C"]
    assert picked(row, "collateral_value_net security_days_left security_lapsed_on security_lapsed_value") == (
        0,
        None,
        date(2026, 7, 20),
        57_000,
    )
    assert row["relied_on_lapsed_security"]  # A25
    before = {"previous_tier": "medium", "previous_limit": 80_000_00, "previous_computed_limit": 80_000_00}
    decided = given(70, **of(row), **accounts_known, **before, total_exposure=70_000_00, **sales(60_000))
    assert (decided.credit_limit, decided.secured_amount, decided.utilisation) == (40_000, 0, 1.75)
    assert decided.hold


def test_case_10_cover_dies_with_overdue(case: LedgerCase) -> None:
    customer(case, "C")
    cover(case, "C", cover_pct=90)
    case.invoice("I", 6_000, dpd=61, customer="C")
    found = case.factors()
    assert picked(found["collateral_item"][0], "ineligible_code cover_share") == ("overdue_beyond_extension", 0.9)
    row = found["collateral"][0]
    assert picked(row, "collateral_value_net insured insurance_extension_days_left") == (0, True, -1)  # A26
    known = {"tangible_net_worth": 100_000_00, "statement_usable": True, "max_dpd_material": 61}
    decided = given(66, **of(row), **known, **sales(30_000))
    assert (decided.tier, decided.credit_limit, decided.knockouts) == ("high", 5_000, "KO06")


def test_cases_26_and_27_a_deposit_counts_after_a_default_and_not_after_a_sanctions_hit(case: LedgerCase) -> None:
    for name, amount in (("sanctioned", 100_000), ("defaulted", 30_000)):
        customer(case, name)
        security(case, name, collateral_value=amount)
    rows = sums(case)
    assert {name: row["net_deposits"] for name, row in rows.items()} == {"sanctioned": 100_000, "defaulted": 30_000}
    stopped = given(80, **of(rows["sanctioned"]), sanctions_confirmed=1, **sales(100_000))
    assert (stopped.tier, stopped.credit_limit, stopped.secured_amount) == ("restricted", 0, 0)
    late = {"max_dpd_material": 95, "total_exposure": 30_000_00}
    defaulted = given(58, **of(rows["defaulted"]), **late, **sales(40_000))
    assert (defaulted.tier, defaulted.credit_limit, defaulted.secured_amount) == ("restricted", 30_000, 30_000_00)
    assert defaulted.unsecured_limit == 0


# Point in time


@pytest.mark.parametrize("later", [{"day": LATER}, {"day": days_before(1), "known": datetime(2026, 7, 3, tzinfo=UTC)}])
def test_what_comes_or_is_known_later_changes_nothing(case: LedgerCase, later: dict[str, Any]) -> None:
    day, known_at = later["day"], datetime(2026, 7, 1, tzinfo=UTC)
    known = {name: value for name, value in later.items() if name == "known"}
    customer(case, "C")
    security(case, "C")
    cover(case, "C")
    before = case.factors(known_at=known_at)
    security(case, "C", "9", valid_from=day, **known)
    cover(case, "C", "9", decided_date=day, decision="cancelled", claim_filed_date=day, **known)
    bill(case, "C", received_date=day, **known)
    names = ("collateral_item", "collateral")
    found = case.factors(known_at=known_at)
    assert all(found[name] == before[name] for name in names)
    after_it = sums(case, LATER, known_at=datetime(2026, 7, 4, tzinfo=UTC))["C"]
    assert picked(after_it, "net_deposits net_bank_bills net_insurance insurance_withdrawn_on") == (2_000, 950, 0, day)
