"""factor.market_environment by hand, through the real as-of views and SQL. AS_OF is 2026-06-30."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from risk_pipeline.engine.factors import FactorEngine, add_months, window_params
from tests.factor_points import points
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before

MAY = date(2026, 5, 1)
PUBLISHED = date(2026, 6, 15)


def figures(
    case: LedgerCase,
    code: str,
    indicator: str,
    values: Sequence[float | None],
    *,
    adjusted: bool = True,
    step: int = 1,
    **given: Any,
) -> None:
    """A series from old to new whose newest period is MAY unless given; each published 45 days after its period began.

    None = nothing was published for the period.
    """
    newest = given.pop("newest", MAY)
    for back, value in enumerate(reversed(values)):
        period = add_months(newest, -step * back)
        published = date.fromordinal(period.toordinal() + 45)
        row = {"industry_code": code, "indicator": indicator, "period": period, "published_date": published, **given}
        if value is not None:
            case.add("industry_indicator", value=value, seasonally_adjusted=adjusted, **row)


def customers(case: LedgerCase, *codes: str | None, **values: Any) -> None:
    """A customer for each industry code, with the code as its number (N without one)."""
    for code in codes:
        given = {"industry_scheme": "NACE", "effective_from": date(2020, 1, 1), **values}
        case.add("customer", customer_id=code or "N", industry_code=code, **given)


def facts(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, dict[str, Any]]:
    """The rows of the table by customer, without the tables it does not need."""
    with case.connect(as_of, known_at=known_at) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(as_of)})
        for name in ("customer_state", "exposure_by_currency"):
            con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
            engine.register(name, f"result_{name}")
        found = con.execute(engine.query("market_environment"))
        names = [column[0] for column in found.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def close(expected: float | None) -> Any:
    return None if expected is None else pytest.approx(expected, abs=1e-9)


# Change over 3 and 12 months

ROUGH = [100.0] * 6
MONTHLY = [120.0, 120, 120, *ROUGH, 100, 120, 100, 90, 96, 102]  # March 2025 to May 2026


def test_change_over_3_and_12_months(case: LedgerCase) -> None:
    # monthly: (90 + 96 + 102) / (100 + 120 + 100) - 1 = 288 / 320 - 1; the same months of 2025: 288 / 360 - 1
    figures(case, "10", "demand", MONTHLY)
    # quarterly: 90 / 100 - 1; the quarter a year earlier: 90 / 75 - 1
    figures(case, "11", "demand", [75, 80, 95, 100, 90], step=3, newest=date(2026, 4, 1))
    # not adjusted for season: compared with the same months of the year before only
    figures(case, "12", "demand", MONTHLY, adjusted=False)
    # prices need no adjustment
    figures(case, "13", "price", MONTHLY, adjusted=False)
    # 14 months: no year before
    figures(case, "14", "demand", MONTHLY[1:])
    # 6 months
    figures(case, "15", "demand", MONTHLY[-6:])
    figures(case, "16", "demand", MONTHLY[-5:])
    customers(case, "10", "11", "12", "13", "14", "15", "16")
    found = facts(case)
    names = ("industry_demand_change_3m", "industry_demand_change_12m", "price_change_3m", "price_change_12m")
    expected = {
        "10": (-0.1, -0.2, None, None),
        "11": (-0.1, 0.2, None, None),
        "12": (None, -0.2, None, None),
        "13": (None, None, -0.1, -0.2),
        "14": (-0.1, None, None, None),
        "15": (-0.1, None, None, None),
        "16": (None, None, None, None),
    }
    for code, values in expected.items():
        assert tuple(found[code][name] for name in names) == tuple(map(close, values)), code
    codes = {code: found[code]["industry_demand_change_3m_code"] for code in expected}
    # a series that gives no 3 months is missing; one that gives nothing at all is no series
    assert codes == {"10": None, "11": None, "12": None, "13": "no_series", "14": None, "15": None, "16": "no_series"}
    assert (found["10"]["demand_series"], found["13"]["price_series"]) == ("10", "13")
    assert found["10"]["indicator_published_date"] == found["10"]["evidence_date"] == PUBLISHED
    assert found["13"]["price_published_date"] == PUBLISHED


def test_unlike_periods_are_never_compared(case: LedgerCase) -> None:
    # no figure for January (China publishes it with February): one month skipped is let pass
    figures(case, "20", "demand", [100, 120, None, 100, 90, 96, 102])  # (90 + 96 + 102) / (100 + 120 + 100) - 1
    # two months skipped: the six figures span too much
    figures(case, "21", "demand", [100, 120, None, None, 100, 90, 96, 102])
    # three of the six adjusted for season
    figures(case, "22", "demand", [100, 120, 100])
    figures(case, "22", "demand", [100, 120, 100], adjusted=False, newest=date(2026, 2, 1))
    # the year before has a hole: April 2025
    figures(case, "23", "demand", [*MONTHLY[:1], None, *MONTHLY[2:]])
    # a quarter is missing
    figures(case, "24", "demand", [75, 80, 95, None, 90], step=3, newest=date(2026, 4, 1))
    # the year before was not adjusted, this year is
    figures(case, "25", "demand", MONTHLY[3:])
    figures(case, "25", "demand", MONTHLY[:3], adjusted=False, newest=date(2025, 5, 1))
    customers(case, "20", "21", "22", "23", "24", "25")
    found = facts(case)
    assert [found[c]["industry_demand_change_3m"] for c in sorted(found)] == [*map(close, [-0.1, None, None, -0.1, None, -0.1])]
    assert [found[c]["industry_demand_change_12m"] for c in sorted(found)] == [
        *map(close, [None, None, None, None, 0.2, None])
    ]  # 24: 90 / 75 - 1


def test_absurd_figures_are_left_out(case: LedgerCase) -> None:
    figures(case, "30", "demand", [*MONTHLY[:-1], -102])  # April is the newest: 100, 90, 96 against 100, 100, 120
    figures(case, "31", "demand", [0.0] * 15)
    figures(case, "32", "demand", [1e-300] * 9 + [1e300] * 6)
    figures(case, "34", "price", [1e-9, 1e15] * 8)
    figures(case, "33", "insolvencies", [-5.0] * 24)
    customers(case, "30", "31", "32", "33", "34")
    found = facts(case)
    assert found["30"]["industry_demand_change_3m"] == close(286 / 320 - 1)
    assert found["30"]["indicator_published_date"] == date(2026, 5, 16)  # 1 April + 45 days
    assert found["31"]["industry_demand_change_3m_code"] == "no_series"
    assert found["33"]["industry_insolvency_change_12m_code"] == "no_series"
    assert found["34"]["industry_volatility_12m"] == close(24 * math.log(10) * math.sqrt(12 / 11))
    numbers = [v for row in found.values() for v in row.values() if isinstance(v, float)]
    assert all(math.isfinite(v) for v in numbers)


def test_a_series_that_has_ended_tells_nothing(case: LedgerCase) -> None:
    figures(case, "40", "demand", MONTHLY, newest=date(2025, 7, 1))  # began within 12 months of AS_OF
    figures(case, "41", "demand", MONTHLY, newest=date(2025, 6, 1))
    customers(case, "40", "41")
    found = facts(case)
    assert found["40"]["industry_demand_change_3m"] == close(-0.1)
    assert found["40"]["indicator_published_date"] == date(2025, 8, 15)  # old: the policy's max_age_days drops it
    assert found["41"]["industry_demand_change_3m_code"] == "no_series"


def test_the_points_of_the_default_policy(case: LedgerCase) -> None:
    """A change that is a bound of the policy in decimals meets it; plain doubles would miss it by the last bit."""
    figures(case, "45", "demand", [110.7, 110.7, 110.7, *ROUGH, 98.4, 98.4, 98.4, 88.56, 88.56, 88.56])
    figures(case, "45", "insolvencies", [10.0] * 12 + [11.0] * 12)
    figures(case, "45", "price", ZIGZAG)
    rates(case, "CNY", (0, 4.84), (90, 4.40))
    customers(case, "45", home_currency="CNY")
    row = facts(case)["45"]
    changes = [row[f"industry_{name}"] for name in ("demand_change_3m", "demand_change_12m", "insolvency_change_12m")]
    assert (changes, row["fx_move_against_90d"]) == ([-0.1, -0.2, 0.1], 0.1)
    assert points("market_environment", row) == {
        "industry_demand_change_3m": 35,
        "industry_demand_change_12m": 5,
        "industry_volatility_12m": 45,  # 0.0995
        "industry_insolvency_change_12m": 75,
        "fx_move_against_90d": 45,
    }
    # the figures of 15 June count for 120 days (demand, prices) and 180 days (insolvencies); a code leaves the card
    for day, expected in ((120, [35, 5, 45, 75]), (121, [None, None, None, 75]), (181, [None] * 4)):
        late = {**row, **{name: AS_OF - timedelta(day) for name in row if name.endswith("published_date")}, "fx_date": AS_OF}
        assert list(points("market_environment", late).values()) == [*expected, 45]


# Vintages: what was published when


def test_the_newest_vintage_published_by_the_date_counts(case: LedgerCase) -> None:
    figures(case, "50", "demand", MONTHLY)
    revision = {"industry_code": "50", "indicator": "demand", "period": MAY, "seasonally_adjusted": True}
    case.add("industry_indicator", **revision, published_date=date(2026, 6, 25), value=134)  # 90 + 96 + 134 = 320
    case.add("industry_indicator", **revision, published_date=date(2026, 7, 1), value=1)  # after AS_OF
    june = {**revision, "period": date(2026, 6, 1)}
    case.add("industry_indicator", **june, published_date=date(2026, 7, 15), value=1)
    known = {"known": datetime(2026, 9, 1, tzinfo=UTC)}  # a vintage dated in June that we had in September
    case.add("industry_indicator", **known, **revision, published_date=date(2026, 6, 28), value=2)
    customers(case, "50")
    row = facts(case, known_at=datetime(2026, 6, 30, tzinfo=UTC))["50"]
    assert (row["industry_demand_change_3m"], row["indicator_published_date"]) == (close(0.0), date(2026, 6, 25))
    row = facts(case, date(2026, 6, 24), known_at=datetime(2026, 6, 24, tzinfo=UTC))["50"]  # before the revision
    assert (row["industry_demand_change_3m"], row["indicator_published_date"]) == (close(-0.1), PUBLISHED)
    # a day before May came out: February to April (100, 90, 96) against November to January (100, 100, 120)
    row = facts(case, date(2026, 6, 14), known_at=datetime(2026, 6, 14, tzinfo=UTC))["50"]
    assert row["industry_demand_change_3m"] == close(286 / 320 - 1)


# Volatility and shock

ZIGZAG = [100.0, 110] * 7  # 14 figures, 13 changes of +-ln(1.1)
SPREAD = math.log(1.1) * math.sqrt(12 / 11)  # 12 changes: six up, six down, mean 0; sample deviation sqrt(12 x^2 / 11)


def test_volatility_of_the_newest_12_monthly_changes(case: LedgerCase) -> None:
    figures(case, "60", "price", ZIGZAG[1:], adjusted=False)  # 13 figures, 12 changes
    figures(case, "61", "price", ZIGZAG[2:], adjusted=False)  # 11 changes
    figures(case, "62", "demand", ZIGZAG)  # no prices: demand
    figures(case, "63", "demand", ZIGZAG, adjusted=False)  # the season is no volatility
    figures(case, "64", "price", [5000.0, *[100.0] * 13])  # constant; the jump is older than 12 changes
    figures(case, "65", "price", ZIGZAG, step=3)  # changes of a quarter are not monthly
    # prices before demand; a month without a figure takes two changes out: 6 after it count, and 6 before it
    figures(case, "66", "price", [100.0, 110, *ZIGZAG[:6], None, *ZIGZAG[7:]])
    figures(case, "66", "demand", [100.0] * 14)
    customers(case, "60", "61", "62", "63", "64", "65", "66")
    found = facts(case)
    values = {c: (row["industry_volatility_12m"], row["volatility_basis"]) for c, row in found.items()}
    assert values == {
        "60": (close(SPREAD), "price"),
        "61": (None, None),
        "62": (close(SPREAD), "demand"),
        "63": (None, None),
        "64": (close(0.0), "price"),
        "65": (None, None),
        "66": (close(SPREAD), "price"),
    }


def test_a_shock_is_measured_against_the_12_changes_before(case: LedgerCase) -> None:
    figures(case, "70", "demand", [*ZIGZAG[1:], 70.0])  # 13 figures ending at 110; then 110 -> 70
    figures(case, "71", "demand", [*[100.0] * 13, 70.0])  # nothing varied before: no measure
    figures(case, "72", "demand", ZIGZAG[1:])  # 12 changes in all
    figures(case, "73", "demand", [*[100 * 1.01**n for n in range(13)], 70.0])  # the same growth every month: no measure either
    customers(case, "70", "71", "72", "73")
    found = facts(case)
    assert found["70"]["demand_shock"] == close(math.log(70 / 110) / SPREAD)  # -4.54
    assert [found[code]["demand_shock"] for code in ("71", "72", "73")] == [None] * 3


# Insolvencies


def test_insolvencies_of_12_months_against_the_12_before(case: LedgerCase) -> None:
    figures(case, "80", "insolvencies", [2.0] * 12 + [3.0] * 12)  # 36 / 24 - 1
    figures(case, "81", "insolvencies", [10.0] * 4 + [15.0] * 4, step=3, newest=date(2026, 4, 1))  # 60 / 40 - 1
    figures(case, "82", "insolvencies", [1.0] * 12 + [9.0] * 12)  # 12 before: fewer than 20 cases
    figures(case, "83", "insolvencies", [2.0] * 12 + [0.0] * 12)  # none: -1
    figures(case, "84", "insolvencies", [2.0] * 12 + [3.0] * 5 + [None] + [3.0] * 6)  # a month is lacking
    figures(case, "85", "insolvencies", [0.0] * 24)
    figures(case, "8", "insolvencies", [20.0] * 12 + [19.0] * 12)  # the wider industry: 228 / 240 - 1
    customers(case, "80", "81", "82", "83", "84", "85")
    found = facts(case)
    values = {c: (row["industry_insolvency_change_12m"], row["insolvency_series"]) for c, row in found.items()}
    assert values == {
        "80": (close(0.5), "80"),
        "81": (close(0.5), "81"),
        "82": (close(-0.05), "8"),
        "83": (close(-1.0), "83"),
        "84": (close(-0.05), "8"),
        "85": (close(-0.05), "8"),
    }
    assert found["80"]["insolvency_published_date"] == PUBLISHED


# Which series: hierarchy of codes


def test_the_own_industry_else_the_next_wider_one(case: LedgerCase) -> None:
    down, up = MONTHLY, [100.0] * 12 + [110.0] * 3  # up: 330 / 300 - 1
    figures(case, "C24", "demand", down)
    figures(case, "24.2", "demand", up)
    figures(case, "2410", "demand", up[-2:])  # too short to give a figure
    figures(case, "C", "demand", up)
    customers(case, "2410", "C24.20", "24", "C25", "25", "D2420", None)
    found = facts(case)
    used = {c: (row["demand_series"], row["industry_demand_change_3m"]) for c, row in found.items()}
    assert used == {
        "2410": ("C24", close(-0.1)),
        "C24.20": ("24.2", close(0.1)),
        "24": ("C24", close(-0.1)),  # never a narrower one
        "C25": ("C", close(0.1)),
        "25": (None, None),  # without its letter no section is known
        "D2420": ("24.2", close(0.1)),
        "N": (None, None),
    }
    assert found["N"]["industry_demand_change_3m_code"] == "no_series"


def test_a_series_may_name_its_classification(case: LedgerCase) -> None:
    up, more = [100.0] * 12 + [110.0] * 3, [100.0] * 12 + [120.0] * 3
    figures(case, "NACE:C24", "demand", MONTHLY)  # metals
    figures(case, "GB/T 4754:24", "demand", up)  # toys and sports goods
    figures(case, "241", "demand", more)  # of no classification
    customers(case, "2410", industry_scheme="NACE Rev. 2")
    customers(case, "C2420", industry_scheme="GB/T 4754-2017")
    customers(case, "24.1", industry_scheme="ISIC")
    customers(case, "2411", industry_scheme=None)
    assert {c: row["demand_series"] for c, row in facts(case).items()} == {
        "2410": "NACE:C24", "C2420": "GB/T 4754:24", "24.1": "241", "2411": "241"
    }  # fmt: skip


# Currency


def rates(case: LedgerCase, currency: str, *quotes: tuple[int, float]) -> None:
    for days, rate in quotes:
        case.add("fx_rate", currency=currency, rate_date=days_before(days), rate=rate)


def test_currency_move_against_the_customer(case: LedgerCase) -> None:
    rates(case, "USD", (0, 1.20), (90, 1.00))
    rates(case, "TRY", (2, 48.0), (92, 40.0), (89, 1.0), (98, 1.0))  # the last rate on or before each day
    rates(case, "BRL", (0, 6.0), (98, 5.0))  # 90 days before: the last rate is 8 days older
    rates(case, "CNY", (0, 7.8), (-1, 70.0), (90, 7.8))  # tomorrow's rate
    for name, home, owes in (
        ("T", "TRY", "EUR"),  # 48 / 40 - 1 = 0.2: the lira lost a fifth against the euro
        ("U", "TRY", "USD"),  # (48 / 1.20) / (40 / 1.00) - 1 = 0: both lost the same
        ("V", "EUR", "USD"),  # (1 / 1.20) / (1 / 1.00) - 1 = -1/6: the euro gained
        ("W", "CNY", "EUR"),  # 0
        ("X", "USD", "USD"),  # equal currencies
        ("Y", "BRL", "EUR"),  # no rate
        ("Z", None, "EUR"),  # nobody knows the home currency
    ):
        case.add("customer", customer_id=name, home_currency=home, effective_from=date(2020, 1, 1))
        case.invoice(f"I{name}", 100, customer=name, currency=owes)
    found = facts(case)
    move = {c: (row["fx_move_against_90d"], row["fx_move_against_90d_code"], row["fx_date"]) for c, row in found.items()}
    assert move == {
        "T": (close(0.2), None, days_before(2)),
        "U": (close(0.0), None, days_before(2)),
        "V": (close(-1 / 6), None, AS_OF),
        "W": (close(0.0), None, AS_OF),
        "X": (0.0, None, None),
        "Y": (None, "rate_unknown", None),
        "Z": (None, "rate_unknown", None),
    }
    assert (found["T"]["evidence_date"], found["X"]["evidence_date"]) == (days_before(2), None)


def test_the_currency_owed_in(case: LedgerCase) -> None:
    rates(case, "USD", (0, 2.0))
    for name, credit_currency in (("A", "USD"), ("B", "USD"), ("C", None), ("D", None), ("E", None)):
        case.add("customer", customer_id=name, credit_currency=credit_currency, effective_from=date(2020, 1, 1))
    case.invoice("A1", 100, customer="A")  # what it owes, not the currency of its limit
    case.invoice("C1", 100, customer="C", currency="USD")  # 50 EUR
    case.invoice("C2", 60, customer="C", currency="EUR")
    case.invoice("D1", 500, customer="D", currency="USD", invoice_date=days_before(60), due_date=days_before(30))
    case.payment(
        "P1", 500, days_before(30), customer="D", currency="USD", invoice_id="D1"
    )  # all paid: the most was billed in USD
    case.invoice("D2", 100, customer="D", currency="EUR", invoice_date=days_before(60), due_date=days_before(30))
    case.payment("P2", 100, days_before(30), customer="D", currency="EUR", invoice_id="D2")
    found = facts(case)
    assert {c: row["invoice_currency"] for c, row in found.items()} == {
        "A": "EUR", "B": "USD", "C": "EUR", "D": "USD", "E": "EUR"
    }  # fmt: skip


def test_without_any_indicator_or_rate(case: LedgerCase) -> None:
    customers(case, "10", home_currency="CNY")
    row = facts(case)["10"]
    codes = {name: value for name, value in row.items() if name.endswith("_code")}
    assert {*codes.values()} == {"no_series", "rate_unknown"}
    assert all(row[name.removesuffix("_code")] is None for name in codes)
    assert row["evidence_date"] is None
    assert {*points("market_environment", row).values()} == {None}  # all of them leave the card
