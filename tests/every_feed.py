"""Random rows of every feed table there is, made from its contract: for properties that must hold for all feeds alike.

Put here: sound rows in the past, the same rows as future facts, and outcomes in the future. Keep out: stories that make sense
(risk_pipeline/demo) and values worked by hand (tests/golden). A new feed is covered the day its contract is written.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.contracts.table import Column, Kind, Table
from tests.ledger_case import AS_OF

Row = tuple[str, dict[str, Any]]
CUSTOMERS = ("C1", "C2", "C3", "C4")
ROWS = 24  # per feed, so that every customer has some
CURRENCIES = ("EUR", "USD", "CNY")
INDUSTRIES = ("C24", "I56")
# What a column says where the contract has no closed list; the names of registers, bureaus and documents are the policy's.
TEXTS: dict[str, tuple[str, ...]] = {
    "currency": CURRENCIES,
    "credit_currency": CURRENCIES,
    "home_currency": CURRENCIES,
    "country_code": ("DE", "CN", "US"),
    "operating_country_code": ("DE", "CN", "US"),
    "industry_scheme": ("NACE",),
    "industry_code": INDUSTRIES,
    "bureau": ("North", "South"),
    "company_code": ("10", "20"),
    "status": ("booked", "returned", "reversed"),
    "method": ("transfer", "direct_debit", "cheque"),
    "value_text": ("active", "revoked"),
    "assessor": ("analyst", "seller"),
    "case_number": ("1/26", "2/26", "3/26"),
    "payer_account": ("A", "B", "C"),
    "source_name": ("Bank One", "Supplier Two", "Supplier Three"),
    "legal_form": ("ltd", "sole_trader"),
}
KINDS: dict[str, tuple[str, ...]] = {
    "inquiry": (
        "sanction",
        "litigation",
        "judgment_debtor",
        "tax_arrears",
        "adverse_media",
        "shareholder_change",
        "registry_status",
    ),
    "document": ("register_extract", "credit_application", "financial_statement"),
}
NUMBERS: dict[str, tuple[float, float]] = {
    "score": (0, 100),
    "score_min": (0, 0),
    "score_max": (100, 100),
    "match_score": (0.8, 1),
    "cover_pct": (80, 95),
}
WHOLE: dict[str, tuple[int, int]] = {"months": (6, 12), "rating": (1, 5), "payment_rating": (1, 5), "line": (1, 1)}
NEVER = ("reverses_invoice_id", "is_intercompany", "is_one_time", "lei", "clear_kind", "cleared_date", "clearing_document")


def rows_of_every_feed(seed: int) -> list[Row]:
    """Rows dated up to AS_OF: outcomes, where there are some, lie in the past too."""
    rng = random.Random(seed)
    rows: list[Row] = [row for feed in FEED_TABLES if feed.name not in SERIES for row in _rows(feed, rng)]
    return rows + _rates(rng) + _series(rng) + _countries(rng)


def future(rows: Iterable[Row], on: date = AS_OF + timedelta(1)) -> list[Row]:
    """Every row again, as another fact of the day `on`, and larger."""
    planted = []
    for number, (feed, values) in enumerate(rows):
        contract = table(f"feed.{feed}")
        if contract.event_date is None:
            continue
        again = {name: _larger(contract, name, value) for name, value in values.items()}
        again[contract.event_date] = on
        if feed == "customer":
            again |= {"name": f"later-{number}", "size_class": "large"}
        elif contract.event_date not in contract.key:
            again[contract.key[-1]] = f"later-{number}"
        planted.append((feed, again))
    return list(
        {(feed, *(values[key] for key in table(f"feed.{feed}").key)): (feed, values) for feed, values in planted}.values()
    )


def without_outcomes(rows: Iterable[Row]) -> list[Row]:
    """The rows as they were before anything came of them."""
    return [(feed, {k: v for k, v in values.items() if not _outcome(table(f"feed.{feed}").column(k))}) for feed, values in rows]


def with_outcomes(rows: Iterable[Row], on: date, seed: int = 1) -> list[Row]:
    """The rows with an outcome, dated `on`, wherever the contract knows one."""
    rng, result = random.Random(seed), []
    for feed, values in rows:
        contract = table(f"feed.{feed}")
        outcomes = {c.name: _value(contract, c, rng, on) for c in contract.columns if _outcome(c) and c.name not in NEVER}
        dates = {date for c in contract.columns if (date := c.masked_by or c.judged_on) in outcomes}
        result.append((feed, {**values, **outcomes, **dict.fromkeys(dates, on)}))
    return result


def _outcome(column: Column) -> bool:
    return column.masked_by is not None or column.judged_on is not None


def _larger(contract: Table, name: str, value: Any) -> Any:
    kind = contract.column(name).kind
    return value * 10 if kind in (Kind.MONEY, Kind.NUMBER) and isinstance(value, (int, float)) and name not in NUMBERS else value


def _rows(feed: Table, rng: random.Random) -> list[Row]:
    if feed.name == "customer":
        return [("customer", _row(feed, rng, n, customer_id=customer)) for n, customer in enumerate(CUSTOMERS)]
    return [(feed.name, _row(feed, rng, n)) for n in range(ROWS)]


def _row(feed: Table, rng: random.Random, number: int, **given: Any) -> dict[str, Any]:
    happened = AS_OF - timedelta(25 * rng.randint(0, 20))  # few days, so that many rows tie
    values = {c.name: _value(feed, c, rng, happened) for c in feed.columns if c.name not in NEVER}
    if feed.event_date is not None:
        values[feed.event_date] = happened
    for column in feed.columns:  # an outcome is whole or not there, and not before the fact
        if column.masked_by is not None and column.name in values:
            came = AS_OF - timedelta(rng.randint(0, (AS_OF - happened).days))
            values[column.masked_by] = came if number % 2 else None
            if not number % 2:
                values[column.name] = None
    if feed.key[-1].endswith("_id") and feed.name != "customer":
        values[feed.key[-1]] = f"{feed.key[-1]}-{number}"
    if feed.name == "instalment_line":
        values["plan_id"] = f"plan_id-{number}"
    if feed.name == "control_total":
        values |= {"feed": "invoice", "measure": "row_count", "control_date": AS_OF - timedelta(number)}
    if feed.name == "financial_statement":
        values |= {"period_end": happened - timedelta(rng.choice((25, 50, 75))), "total_assets": rng.randint(500, 900_000)}
    return {**values, **given}


def _value(feed: Table, column: Column, rng: random.Random, happened: date) -> Any:
    name = column.name
    if not column.required and name not in feed.key and rng.random() < 0.1:
        return None
    if column.values:
        return rng.choice(column.values)
    if name == "customer_id":
        return rng.choice(CUSTOMERS)
    if column.kind is Kind.TEXT:
        if name == "kind" and feed.name in KINDS:
            return rng.choice(KINDS[feed.name])
        if name in TEXTS:
            return rng.choice(TEXTS[name])
        return f"{name}-{rng.randrange(ROWS)}"
    if column.kind is Kind.DATE:
        return happened + timedelta(rng.randint(-20, 60)) if name not in ("due_date", "valid_to") else happened + timedelta(30)
    if column.kind is Kind.FLAG:
        return rng.random() < 0.3
    if column.kind is Kind.INTEGER:
        return rng.randint(*WHOLE.get(name, (0, 6)))
    if column.kind is Kind.NUMBER:
        return round(rng.uniform(*NUMBERS.get(name, (0, 10))), 3)
    return rng.randint(1, 50_000_00) / 100


def _rates(rng: random.Random) -> list[Row]:
    days = [AS_OF - timedelta(n) for n in (0, 2, 90, 180, 365)]
    return [
        ("fx_rate", {"currency": c, "rate_date": d, "rate": round(rng.uniform(1, 8), 4)}) for c in ("USD", "CNY") for d in days
    ]


def _series(rng: random.Random) -> list[Row]:
    """Monthly figures of 40 months by industry, published a month after their period, some of them revised later."""
    rows: list[Row] = []
    for industry in INDUSTRIES:
        for indicator in ("demand", "price", "insolvencies"):
            for months in range(40):
                period = (AS_OF.replace(day=1) - timedelta(30 * months)).replace(day=1)
                for wait in (30, 75) if months % 3 == 0 else (30,):
                    published = period + timedelta(30 + wait)
                    if published <= AS_OF:
                        value = {"value": round(rng.uniform(80, 120), 2), "seasonally_adjusted": True}
                        key = {"industry_code": industry, "indicator": indicator, "period": period, "published_date": published}
                        rows.append(("industry_indicator", {**key, **value}))
    return list({(*(v[k] for k in table("feed.industry_indicator").key),): (f, v) for f, v in rows}.values())


def _countries(rng: random.Random) -> list[Row]:
    lists = ("none", "increased_monitoring", "call_for_action")
    return [
        ("country_risk", {"country_code": c, "published_date": d, "score": rng.randint(0, 100), "list_status": rng.choice(lists)})
        for c in TEXTS["country_code"]
        for d in (AS_OF - timedelta(20), AS_OF - timedelta(200))
    ]


SERIES = ("fx_rate", "industry_indicator", "country_risk")
