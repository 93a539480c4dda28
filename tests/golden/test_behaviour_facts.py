"""factor.behaviour worked by hand: contacts, complaints, orders and ways of paying, through the real as-of views and SQL.

AS_OF is 30 June 2026, so W(3) begins behind 31 March 2026, W(6) behind 31 December 2025, W(12) behind 30 June 2025 and W(24)
behind 30 June 2024. `days_before(0)` is the as-of date, the first day of a window of 30 days is `days_before(29)`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.engine.factors import FactorEngine, window_params
from tests.factor_points import points
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before, only

NUMBERS = [c.name for c in table("factor.behaviour").columns if c.kind.value == "number"]


def behaviours(
    case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None, threads: int | None = None
) -> list[dict[str, Any]]:
    """The rows of the factor table, by customer, without the tables it does not need."""
    with case.connect(as_of, known_at=known_at, threads=threads) as con:
        known = {f"has_{feed.name}": feed.name in case._rows for feed in FEED_TABLES}
        engine = FactorEngine(con, {**PARAMS, **known, **window_params(as_of)})
        assert engine.currencies_without_rate() == []
        con.execute(f"CREATE TABLE state AS {engine.query('customer_state')}")
        engine.register("customer_state", "state")
        found = con.execute(f"SELECT * FROM ({engine.query('behaviour')}) ORDER BY customer_id")
        return [dict(zip([column[0] for column in found.description], row, strict=True)) for row in found.fetchall()]


def behaviour(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, Any]:
    """The one customer's row."""
    return only(behaviours(case, as_of, known_at))


@pytest.fixture(autouse=True)
def _ledger(case: LedgerCase) -> None:
    case.invoice("A", 1_000, dpd=-5)


# --- contacts, changes, complaints ------------------------------------------------------------------------------------


class Crm:
    """Writes CRM events of customer C; the first one long ago, so that the feed reaches back far enough."""

    def __init__(self, case: LedgerCase) -> None:
        self._case = case
        self._number = 0
        self.event("satisfaction", 800)

    def event(self, kind: str, days: int, **values: Any) -> None:
        self._number += 1
        given = {"customer_id": "C", "event_date": days_before(days), "kind": kind, **values}
        self._case.add("crm_event", event_id=f"E{self._number:03}", **given)


@pytest.fixture
def crm(case: LedgerCase) -> Crm:
    return Crm(case)


CRM_FACTORS = ("contact_address_changes_90d", "bank_account_changes_180d", "days_since_last_contact", "complaint_excess_90d")


def test_without_a_crm_feed_every_crm_factor_says_so(case: LedgerCase) -> None:
    found = behaviour(case)
    assert [(found[name], found[f"{name}_code"]) for name in CRM_FACTORS] == [(None, "no_crm_feed")] * 4
    assert found["crm_event_date"] is None
    assert found["interactions_90d"] is None


def test_a_feed_that_begins_after_the_as_of_date_is_none_yet(case: LedgerCase) -> None:
    case.add("crm_event", event_id="E", customer_id="C", event_date=days_before(-1), kind="visit")
    assert [behaviour(case)[f"{name}_code"] for name in CRM_FACTORS] == ["no_crm_feed"] * 4


def test_in_a_feed_that_others_are_in_a_customer_without_events_is_quiet(case: LedgerCase, crm: Crm) -> None:
    case.invoice("B", 500, customer="D")
    crm.event("contact_change", 3)
    quiet = behaviours(case)[1]
    assert (quiet["customer_id"], quiet["contact_address_changes_90d"], quiet["contact_address_changes_90d_code"]) == (
        "D",
        0,
        None,
    )
    assert quiet["crm_event_date"] == days_before(3)  # the feed is 3 days old, so is what it says of D
    # Nobody ever spoke with D: not known, and no code of ours.
    assert (quiet["days_since_last_contact"], quiet["days_since_last_contact_code"]) == (None, None)


def test_changes_of_one_day_are_one(case: LedgerCase, crm: Crm) -> None:
    for kind in ("contact_change", "contact_change", "address_change"):
        crm.event(kind, 10)
    crm.event("address_change", 29)  # first day of 30 d
    crm.event("contact_change", 30)  # a day before
    crm.event("address_change", 89)  # first day of 90 d
    crm.event("contact_change", 90)  # a day before
    crm.event("contact_change", 179)  # first day of 180 d
    crm.event("contact_change", 180)  # a day before
    found = behaviour(case)
    # Days 10, 29, 30, 89.
    assert found["contact_address_changes_90d"] == 4
    assert [found[f"contact_changes_{n}d"] for n in (30, 90, 180)] == [1, 2, 4]  # 10 | 10 30 | 10 30 90 179
    assert [found[f"address_changes_{n}d"] for n in (30, 90, 180)] == [2, 3, 3]  # 10 29 | 10 29 89 | the same


def test_bank_account_changes_are_those_announced_and_those_seen(case: LedgerCase, crm: Crm) -> None:
    for days in (29, 89, 179, 180):
        crm.event("bank_account_change", days)
    # The first account of the 24 months is no change, nor is coming back to it; the second one seen 100 d ago is.
    for number, (days, account) in enumerate([(400, "a"), (100, "b"), (99, "b"), (20, "a"), (10, "c"), (0, None)]):
        case.payment(f"P{number}", 100, days_before(days), payer_account=account)
    found = behaviour(case)
    assert found["new_payer_accounts_180d"] == 2  # b (100 d ago) and c (10 d ago)
    assert found["bank_account_changes_180d"] == 5  # announced 29, 89, 179 d ago, and b, c
    assert found["bank_account_changes_90d"] == 3  # 29, 89, and c
    assert found["bank_account_changes_30d"] == 2  # 29, and c


# What happened 7 days ago, whether it is a two-way contact and whether it is an interaction.
CONTACTS: tuple[tuple[str, dict[str, Any], bool, bool], ...] = (
    ("visit", {}, True, True),
    ("call", {"answered": True}, True, True),
    ("call", {}, True, True),
    ("call", {"answered": False}, False, True),
    ("email", {"answered": True}, True, True),
    ("email", {"direction": "in"}, True, True),
    ("email", {"direction": "out"}, False, True),
    ("email", {"answered": False, "direction": "out"}, False, True),
    ("email", {"answered": True, "mass_mail": True}, False, False),
    ("visit", {"mass_mail": True}, False, False),
    ("complaint", {}, False, False),
    ("satisfaction", {"value": 4}, False, False),
    ("contact_change", {}, False, False),
)


def test_what_is_a_contact(case: LedgerCase, crm: Crm) -> None:
    for number, (kind, values, _, _) in enumerate(CONTACTS):
        case.invoice(f"I{number}", 100, customer=f"K{number:02}")
        crm.event("visit", 200, customer_id=f"K{number:02}")
        crm.event(kind, 7, customer_id=f"K{number:02}", **values)
    found = behaviours(case)[1:]
    days = [7 if two_way else 200 for _, _, two_way, _ in CONTACTS]
    assert [row["days_since_last_contact"] for row in found] == days
    assert [row["last_contact_date"] for row in found] == [days_before(n) for n in days]
    assert [row["interactions_90d"] for row in found] == [int(interaction) for _, _, _, interaction in CONTACTS]


def test_complaints_above_the_own_normal(case: LedgerCase, crm: Crm) -> None:
    for days in (0, 40, 89):
        crm.event("complaint", days)
    for days in (90, 200, 300, 359):
        crm.event("complaint", days)
    crm.event("complaint", 360)  # before both windows
    crm.event("complaint", 5, upheld=True)  # our fault
    found = behaviour(case)
    assert found["complaint_excess_90d"] == pytest.approx(3 - 4 / 3, abs=1e-12)
    # W(12) reaches back to 1 July 2025, 364 d ago: all eight. Of W(6), from 1 January 2026 (180 d ago): 0, 40, 89, 90.
    assert found["complaints_12m"] == 8
    assert found["complaints_change_6v6"] == 0  # 4 - 4


def test_complaints_have_no_normal_while_the_feed_is_young(case: LedgerCase) -> None:
    case.add("crm_event", event_id="E1", customer_id="C", event_date=days_before(358), kind="visit")
    case.add("crm_event", event_id="E2", customer_id="C", event_date=days_before(1), kind="complaint")
    found = behaviour(case)
    assert (found["complaint_excess_90d"], found["complaint_excess_90d_code"]) == (None, None)
    assert found["complaints_change_6v6"] is None
    case.add("crm_event", event_id="E0", customer_id="X", event_date=days_before(359), kind="visit")  # of anybody
    assert behaviours(case)[0]["complaint_excess_90d"] == 1


# --- orders -----------------------------------------------------------------------------------------------------------


def order(case: LedgerCase, days: int, amount: Any = 1_000, **values: Any) -> None:
    number = len(case._rows.get("sales_order", [])) + 1
    given = {"customer_id": "C", "order_date": days_before(days), "currency": "EUR", **values}
    case.add("sales_order", order_id=f"O{number:03}", amount=amount, **given)


def test_without_an_order_feed_nothing_is_said_of_orders(case: LedgerCase) -> None:
    found = behaviour(case)
    assert {found[name] for name in found if "order" in name} == {None}


# Situation: orders as days before the as-of date -> amount, or (days, amount, further columns); and what the table says.
Orders = Sequence[tuple[Any, ...]]
TOO_FEW = {"order_gap_ratio": None, "order_gap_ratio_code": "too_few_orders"}
NO_SURGE = {"order_surge_ratio": None, "order_surge_ratio_code": "too_few_orders"}
RHYTHM = [(days, 1_000) for days in (50, 60, 72, 82, 102)]
ORDERS: dict[str, tuple[Orders, dict[str, Any]]] = {
    "no orders in a feed of others": (
        [],
        {**TOO_FEW, **NO_SURGE, "order_amount_12m": 0, "order_days_12m": 0, "last_order_date": None, "order_trend_3m": None},
    ),
    # Gaps 10, 12, 10, 20: the middle two are 10 and 12, median 11. A second order of one day is no gap.
    "silence against the own rhythm": (
        [*RHYTHM, (72, 5)],
        {
            "order_gap_median_days": 11,
            "order_gap_ratio": 50 / 11,
            "order_gap_ratio_code": None,
            "order_days_12m": 5,
            "first_order_date": days_before(102),
            "last_order_date": days_before(50),
        },
    ),
    # Gaps 1, 2, 4, 8, 16: median 4, floor 7; 21 / 7.
    "an odd number of gaps, and the floor": (
        [(days, 1_000) for days in (21, 22, 24, 28, 36, 52)],
        {"order_gap_median_days": 4, "order_gap_ratio": 3},
    ),
    # 365 d ago is 30 June 2025: outside W(12).
    "four order days are no rhythm": ([*RHYTHM[:4], (365, 1_000)], {**TOO_FEW, "order_days_12m": 4}),
    "five are": ([*RHYTHM[:4], (364, 1_000)], {"order_gap_ratio_code": None, "order_days_12m": 5}),
    "cancelled, free and returned goods are no orders": (
        [*RHYTHM, (5, 1_000, {"cancelled_date": days_before(4)}), (5, 0), (5, -100)],
        {"last_order_date": days_before(50)},
    ),
    "cancelled tomorrow: nobody knows yet": (
        [*RHYTHM, (5, 1_000, {"cancelled_date": days_before(-1)})],
        {"last_order_date": days_before(5)},
    ),
    # Projects order in bursts, so silence says nothing; a surge does: nothing in 30 d.
    "PROJECT": (
        [(days, 1_000) for days in (50, 60, 70, 80, 90, 200, 300, 320)],
        {"order_gap_ratio": None, "order_gap_ratio_code": "project_business", "order_surge_ratio": 0},
    ),
    # First and last day of the 335 d: 364 and 30 d ago. Normal: 6,700 in 335 d = 600 in 30 d; ordered 1,500.
    "surge against the eleven months before": (
        [(364, 2_000), (200, 3_000), (30, 1_700), (29, 500), (0, 1_000)],
        {"order_surge_ratio": 2.5},
    ),
    # 730 d ago is 30 June 2024: 24 months of history. A year earlier: 1 to 30 June 2025, 394 to 365 d ago: 4,000.
    "surge against the season": (
        [(730, 100), (365, 1_000), (394, 3_000), (395, 9_000), (364, 9_000), (200, 100), (100, 100), (10, 6_000)],
        {"order_surge_ratio": 1.5},
    ),
    # No orders in June 2025; 10,050 in 335 d = 900 in 30 d; ordered 1,800.
    "a season without orders is no normal": (
        [(730, 100), (364, 3_350), (200, 3_350), (100, 3_350), (10, 1_800)],
        {"order_surge_ratio": 2},
    ),
    # 181 d ago is 31 December 2025, six months; 180 d ago is less.
    "less than half a year": ([(180, 9), (100, 9), (50, 9), (5, 9_000)], NO_SURGE),
    "two order days before": ([(181, 9), (100, 9), (5, 9_000)], NO_SURGE),
    "a first order": ([(5, 9_000)], {**NO_SURGE, "order_trend_3m": None, "order_gap_median_days": None}),
    "half a year and three order days": (
        [(181, 3_350), (100, 3_350), (50, 3_350), (5, 1_000)],
        {"order_surge_ratio": 1_000 / 900, "order_surge_ratio_code": None},
    ),
    # W(3) begins 90 d ago: 300. The 3 months before, 180 to 91 d ago: 1,500. W(12) begins 364 d ago.
    # 2 order days in 3 months, 4 in the 9 before = 1.333 in 3 months.
    "trend and frequency": (
        [(0, 100), (90, 200), (91, 1_000), (180, 500), (181, 7_000), (364, 1), (365, 9_999)],
        {
            "order_trend_3m": 300 / 1_500 - 1,
            "order_frequency_change_3v9": 2 / (4 / 3) - 1,
            "order_amount_3m": 300,
            "order_amount_12m": 8_801,
        },
    ),
    "nothing before to compare": ([(10, 5)], {"order_trend_3m": None, "order_frequency_change_3v9": None}),
    # Mean 3,000; squares of deviations 4 + 1 + 0 + 1 + 4 = 10 million, / 4 = 2.5 million: deviation 1,581.139.
    "a large order in own deviations": (
        [(300, 1_000), (250, 2_000), (200, 3_000), (150, 4_000), (100, 5_000), (20, 1_000), (10, 10_000)],
        {"large_order_z": 7_000 / math.sqrt(2_500_000)},
    ),
    # Deviation 0 counts as a tenth of the mean: (666.66 - 333.33) / 33.333.
    "equal orders": ([*((days, "333.33") for days in (300, 250, 200, 150, 100)), (10, "666.66")], {"large_order_z": 10}),
    "four orders before": ([*((days, 1_000) for days in (300, 250, 200, 150)), (10, 9_000)], {"large_order_z": None}),
    "no order now": ([(days, 1_000) for days in (300, 250, 200, 150, 100)], {"large_order_z": None}),
    # 2 USD per EUR on the as-of date (1 when it was ordered): 500 and 1,000.
    "another currency at the rate of the as-of date": (
        [(100, 1_000, {"currency": "USD"}), (10, 1_000)],
        {"order_amount_3m": 1_000, "order_amount_12m": 1_500, "order_trend_3m": 1},
    ),
}


@pytest.fixture(scope="module")
def ordering(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One customer per situation."""
    case = LedgerCase(tmp_path_factory.mktemp("orders"))
    case.add("fx_rate", currency="USD", rate_date=days_before(100), rate=1)
    case.add("fx_rate", currency="USD", rate_date=AS_OF, rate=2)
    case.add("customer", customer_id="PROJECT", effective_from=days_before(900), is_project_business=True)
    for name, (orders, _) in ORDERS.items():
        case.invoice(f"I {name}", 100, customer=name)
        for days, amount, *further in orders:
            order(case, days, amount, customer_id=name, **(further[0] if further else {}))
    return {row["customer_id"]: row for row in behaviours(case)}


@pytest.mark.parametrize("situation", ORDERS)
def test_orders(ordering: dict[str, dict[str, Any]], situation: str) -> None:
    _as_expected(ordering[situation], ORDERS[situation][1])


def _as_expected(row: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    for name, value in expected.items():
        assert row[name] == (pytest.approx(value, abs=1e-9) if isinstance(value, float | int) else value), name


# --- ways of paying ---------------------------------------------------------------------------------------------------

PATTERNS = ("third_party_payment_share_12m", "round_sum_payment_share_12m", "split_payment_days_12m")
# Situation: payments as (days before the as-of date, amount, further columns), and what the table says.
Payments = Sequence[tuple[int, Any, dict[str, Any]]]
PAYMENTS: dict[str, tuple[Payments, dict[str, Any]]] = {
    "no payments": ([], dict.fromkeys((*PATTERNS, "new_payer_accounts_180d", "payment_method_changes_12m"))),
    # Cheques were taken up before W(12) and transfers are the first method: direct debit and card.
    "methods taken up": (
        [
            (days, 100, {"method": method})
            for days, method in [(729, "transfer"), (500, "cheque"), (300, "cheque"), (200, "direct_debit"), (100, "card")]
        ]
        + [(50, 100, {"method": "transfer"}), (5, 100, {})],
        {"payment_method_changes_12m": 2},
    ),
    "neither account nor method is told": (
        [(5, 100, {})],
        {
            "new_payer_accounts_180d": None,
            "payment_method_changes_12m": None,
            "round_sum_payment_share_12m": 0,
            "split_payment_days_12m": 0,
        },
    ),
    "no payment within the year": (
        [(365, 1_000, {"payer_id": "X", "method": "transfer"})],
        {**dict.fromkeys(PATTERNS), "payment_method_changes_12m": 0},
    ),
    # He himself, his payer in the master, a firm of his group and a branch of his own are none; OTHER and UNKNOWN, twice, are.
    "GROUPED": (
        [(10, 100, {"payer_id": payer}) for payer in (None, "GROUPED", "HQ", "SISTER", "BRANCH", "OTHER", "UNKNOWN", "UNKNOWN")],
        {"third_party_payment_share_12m": 3 / 8},
    ),
    # 1,000 and 25,000 of five; advances are round by nature, a returned payment is none.
    "round sums": (
        [(10 + n, amount, {}) for n, amount in enumerate(("1000", "25000.00", "1000.50", "999.99", "500"))]
        + [(9, 3_000, {"is_advance": True}), (9, 3_000, {"status": "returned", "status_date": days_before(8)}), (365, 3_000, {})],
        {"round_sum_payment_share_12m": 2 / 5},
    ),
    # From half of 10,000 up to below it, twice a day or more: the days 10 and 40. Day 20 has one only, so has day 30, whose
    # 10,000 hides nothing; day 365 lies before W(12).
    "split payments": (
        [
            (days, amount, {})
            for days, amounts in {
                10: ("5000.00", "9999.99"),
                20: ("4999.99", "9999.99"),
                30: ("10000.00", "9000.00"),
                40: ("6000", "6000", "6000"),
                365: ("6000", "6000"),
            }.items()
            for amount in amounts
        ],
        {"split_payment_days_12m": 2},
    ),
    # 12,000 and 18,000 USD are 6,000 and 9,000 in reporting currency.
    "split in another currency": (
        [(10, 12_000, {"currency": "USD"}), (10, 18_000, {"currency": "USD"})],
        {"split_payment_days_12m": 1},
    ),
    # The first account of the 24 months is no change, nor is coming back to it: b (100 d ago) and c (10 d ago) are.
    "accounts": (
        [(d, 100, {"payer_account": a}) for d, a in [(400, "a"), (100, "b"), (99, "b"), (20, "a"), (10, "c"), (0, None)]],
        {"new_payer_accounts_180d": 2},
    ),
    # Two on the first day: both are his first.
    "a new customer's first accounts": (
        [(20, 100, {"payer_account": "a"}), (20, 100, {"payer_account": "b"})],
        {"new_payer_accounts_180d": 0},
    ),
    # b paid nothing; c is returned tomorrow, which nobody knows.
    "accounts of returned payments": (
        [
            (300, 100, {"payer_account": "a"}),
            (20, 100, {"payer_account": "b", "status": "returned", "status_date": days_before(19)}),
            (10, 100, {"payer_account": "c", "status": "returned", "status_date": days_before(-1)}),
        ],
        {"new_payer_accounts_180d": 1},
    ),
}

# Situation: invoices as (days before the as-of date they were paid, days late, amount), and what the table says.
HABITS: dict[str, tuple[Sequence[tuple[int, int, Any]], dict[str, Any]]] = {
    # W(3): 20, 30, 40 -> 30. The 9 months before: 8, 4, -4, 0 -> 2. Each payment once, whatever its amount.
    # Deviations there 6, 2, -6, -2: squares 80, / 3, root 5.164.
    "shift": (
        [(10, 20, 100), (40, 30, 9_000), (90, 40, 1), (91, 8, 100), (200, 4, 1), (300, -4, 50_000), (364, 0, 3), (365, 90, 1)],
        {"days_late_shift_3v9": 28, "days_late_shift_z": 28 / math.sqrt(80 / 3)},
    ),
    # Earlier than usual is told too; who always paid on the day deviates by one day.
    "early shift": (
        [(10, -5, 1), (20, -5, 1), (30, -5, 1), (100, 0, 1), (200, 0, 1), (300, 0, 1)],
        {"days_late_shift_3v9": -5, "days_late_shift_z": -5},
    ),
    "two payments are no habit": (
        [(10, 5, 1), (20, 5, 1), (100, 0, 1), (200, 0, 1), (300, 0, 1)],
        {"days_late_shift_3v9": None, "days_late_shift_z": None},
    ),
}


def paid(case: LedgerCase, number: int, days: int, late: int, amount: Any = 100, customer: str = "C") -> None:
    """An invoice paid `days` before AS_OF, that many days late."""
    invoice = f"I{number} {customer}"
    case.invoice(invoice, amount, customer=customer, due_date=days_before(days + late))
    case.payment(f"P{number} {customer}", amount, days_before(days), customer=customer, invoice_id=invoice)


@pytest.fixture(scope="module")
def paying(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """One customer per situation."""
    case = LedgerCase(tmp_path_factory.mktemp("payments"))
    case.add("fx_rate", currency="USD", rate_date=AS_OF, rate=2)
    masters: dict[str, dict[str, Any]] = {
        "GROUPED": {"group_id": "G", "payer_id": "HQ", "legal_entity_id": "L"},
        "SISTER": {"group_id": "G"},
        "BRANCH": {"legal_entity_id": "L"},
        "OTHER": {"group_id": "H", "legal_entity_id": "M"},
    }
    for customer, attributes in masters.items():
        case.add("customer", customer_id=customer, effective_from=days_before(900), **attributes)
    for name, (payments, _) in PAYMENTS.items():
        case.invoice(f"I {name}", 100, customer=name)
        for number, (days, amount, further) in enumerate(payments):
            case.payment(f"P{number} {name}", amount, days_before(days), customer=name, **further)
    for name, (habit, _) in HABITS.items():
        for number, (days, late, amount) in enumerate(habit):
            paid(case, number, days, late, amount, customer=name)
    return {row["customer_id"]: row for row in behaviours(case)}


@pytest.mark.parametrize("situation", PAYMENTS)
def test_ways_of_paying(paying: dict[str, dict[str, Any]], situation: str) -> None:
    _as_expected(paying[situation], PAYMENTS[situation][1])


@pytest.mark.parametrize("situation", HABITS)
def test_the_habit_of_paying(paying: dict[str, dict[str, Any]], situation: str) -> None:
    _as_expected(paying[situation], HABITS[situation][1])


def test_a_feed_that_never_names_a_payer_tells_nothing_of_third_parties(case: LedgerCase) -> None:
    case.payment("P", 100, days_before(5))
    assert behaviour(case)["third_party_payment_share_12m"] is None


# --- the whole row ----------------------------------------------------------------------------------------------------


def test_evidence_is_the_newest_of_both_feeds(case: LedgerCase, crm: Crm) -> None:
    order(case, 12)
    crm.event("visit", 30)
    found = behaviour(case)
    dates = (found["crm_event_date"], found["order_date_newest"], found["evidence_date"])
    assert dates == (days_before(30), days_before(12), days_before(12))


def story(case: LedgerCase, crm: Crm, crm_age: int, order_age: int) -> dict[str, float | None]:
    """Points of a customer that moves house, changes its bank, complains and stops ordering; the feeds end some days ago."""
    for kind, days in (("address_change", 60), ("contact_change", 70), ("bank_account_change", 150), ("complaint", 80)):
        crm.event(kind, days)
    crm.event("call", 100)
    crm.event("visit", crm_age, customer_id="OTHER")
    for days in (61, 72, 82, 92, 102, 300):
        order(case, days)
    order(case, order_age, customer_id="OTHER")
    return points("behaviour", behaviours(case)[0])


SCORED = {
    "contact_address_changes_90d": 40,  # 2 days
    "bank_account_changes_180d": 60,  # 1
    "days_since_last_contact": 80,  # 60 < 100 <= 120
    "complaint_excess_90d": 80,  # 0 < 1 - 0/3 <= 1
    "order_gap_ratio": 20,  # 61 d / median of 10, 10, 10, 11, 198 = 6.1 > 4
    "order_surge_ratio": 100,  # nothing in 30 d
}


def test_the_points_of_the_default_policy(case: LedgerCase, crm: Crm) -> None:
    assert story(case, crm, 45, 45) == SCORED


def test_feeds_that_ended_46_days_ago_leave_the_card(case: LedgerCase, crm: Crm) -> None:
    """Stale after 45 days, by the newest row of the whole feed. Only the last contact has no age: it grows older by itself."""
    assert story(case, crm, 46, 46) == {**dict.fromkeys(SCORED), "days_since_last_contact": 80}


def busy(case: LedgerCase, seed: int) -> None:
    """Two customers with events, orders and payments of two years, in an order drawn from the seed."""
    drawn = random.Random(1)
    rows: list[tuple[str, dict[str, Any]]] = []
    kinds = ("contact_change", "address_change", "bank_account_change", "complaint", "visit", "call", "email")
    for number in range(240):
        customer, on = drawn.choice("CD"), days_before(drawn.randrange(760))
        rows.append(
            ("crm_event", {"event_id": f"E{number}", "customer_id": customer, "event_date": on, "kind": drawn.choice(kinds)})
        )
        spent = {"customer_id": customer, "amount": drawn.choice((500, 1_000, 6_000)), "currency": "EUR"}
        rows.append(("sales_order", {"order_id": f"O{number}", "order_date": on, **spent}))
        rows.append(("invoice", {"invoice_id": f"I{number}", "invoice_date": on, "due_date": on + timedelta(days=20), **spent}))
        paid_with = {
            "method": drawn.choice(("transfer", "cheque")),
            "payer_account": drawn.choice("abc"),
            "payer_id": drawn.choice("CX"),
        }
        later = on + timedelta(days=drawn.randrange(60))
        rows.append(
            ("payment", {"payment_id": f"P{number}", "payment_date": later, "invoice_id": f"I{number}", **spent, **paid_with})
        )
    random.Random(seed).shuffle(rows)
    for feed, values in rows:
        case.add(feed, **values)


def test_the_order_of_rows_and_the_threads_change_nothing(tmp_path: Path) -> None:
    results = []
    for seed, threads in ((1, 1), (2, 2), (3, 4)):
        folder = tmp_path / str(seed)
        folder.mkdir()
        one = LedgerCase(folder)
        busy(one, seed)
        results.append(behaviours(one, threads=threads))
    assert results[0] == results[1] == results[2]
    assert all(row[name] is not None and math.isfinite(row[name]) for row in results[0] for name in NUMBERS)


FUTURE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("crm_event", {"event_id": "F1", "kind": "contact_change", "date": "event_date"}),
    ("crm_event", {"event_id": "F2", "kind": "visit", "date": "event_date"}),
    ("crm_event", {"event_id": "F3", "kind": "complaint", "date": "event_date"}),
    ("crm_event", {"event_id": "F4", "kind": "bank_account_change", "date": "event_date"}),
    ("sales_order", {"order_id": "F5", "amount": 900_000, "currency": "EUR", "date": "order_date"}),
    (
        "payment",
        {"payment_id": "F6", "amount": 6_000, "currency": "EUR", "payer_account": "z", "method": "card", "date": "payment_date"},
    ),
)


@pytest.mark.parametrize("known_later", [False, True], ids=["dated later", "known later"])
def test_a_planted_future_changes_nothing(case: LedgerCase, known_later: bool) -> None:
    busy(case, 1)
    # What happened up to the as-of date and was not known then, or is dated a day after it.
    known_at = datetime(2026, 7, 1, tzinfo=UTC)
    before = behaviours(case, known_at=known_at)
    for feed, planted in FUTURE:
        values = {name: value for name, value in planted.items() if name != "date"} | {"customer_id": "C"}
        values[planted["date"]] = days_before(0 if known_later else -1)
        case.add(feed, known=datetime(2026, 7, 2, tzinfo=UTC) if known_later else None, **values)
    assert behaviours(case, known_at=known_at) == before
    after = behaviours(case, as_of=days_before(-1), known_at=datetime(2026, 8, 1, tzinfo=UTC))
    assert after[0]["order_amount_3m"] > 900_000  # and it is seen when its time has come


def test_absurd_values_stay_finite(case: LedgerCase, crm: Crm) -> None:
    for number, days in enumerate((300, 250, 200, 150, 100, 60, 10)):
        order(case, days, "999999999999.99" if days == 10 else "0.01")
        paid(case, number, days, 36_000 if days == 10 else -36_000, "0.01")
    case.payment("HUGE", "999999999999.00", days_before(3), payer_account="a", method="transfer")
    found = behaviour(case)
    assert all(found[name] is None or math.isfinite(found[name]) for name in NUMBERS)
    assert found["order_surge_ratio"] > 1e12
