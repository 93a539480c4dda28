"""Lists and series that belong to no customer: industry indicators, country risk, a sanctions list. All figures are invented.

Put here: one function per file. Keep out: exchange rates and payment terms (export.py), papers about customers (evidence.py).
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random

from risk_pipeline.demo import names
from risk_pipeline.demo.book import Book, month_ends

Row = list[str]
# Industry -> drift of demand and of insolvencies a year, and how much a month moves: some decline, one is volatile.
_INDUSTRIES: dict[str, tuple[float, float, float]] = {
    "C13": (-0.12, 0.22, 0.025), "C22": (0.01, 0.03, 0.015), "C25": (-0.04, 0.12, 0.020), "C28": (0.03, -0.02, 0.015),
    "C31": (-0.17, 0.35, 0.030), "F43": (-0.09, 0.28, 0.022), "G46": (0.02, 0.02, 0.012), "H49": (0.04, 0.05, 0.018),
    "I56": (-0.06, 0.30, 0.070),
}  # fmt: skip
_PUBLISHED_AFTER_DAYS, _REVISED_AFTER_DAYS = 42, 73
_HISTORY_MONTHS = 40  # before the last month: two years of change at every month end of the books
_COUNTRIES = {
    "DE": (12, "none"), "NL": (13, "none"), "FR": (18, "none"), "GB": (19, "none"), "US": (17, "none"), "CN": (34, "none"),
    "QX": (62, "increased_monitoring"), "QZ": (91, "call_for_action"),
}  # fmt: skip
_LISTED = (
    ("Zereth River Shipping", "Zereth Lines;ZRS", "QZ", "company"),
    ("Castaris Precision Tools", "", "QZ", "company"),
    ("Orlanth Deep Mining", "ODM", "QX", "company"),
    ("Viktor Demosov", "V. Demosov;Demosow, Viktor", "QZ", "person"),
)


def industry_indicators(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Monthly figures by NACE division, published six weeks after the month and revised once a month later."""
    ends = month_ends(book.last_day, _HISTORY_MONTHS)
    rows: list[Row] = []
    for code, (demand, insolvencies, noise) in _INDUSTRIES.items():
        for place, end in enumerate(ends):
            years = place / 12
            level = 100 * (1 + demand) ** years * math.exp(rng.gauss(0, noise))
            price = 100 * 1.02**years * math.exp(rng.gauss(0, noise / 2))
            cases = max(4, round(60 * (1 + insolvencies) ** years + rng.gauss(0, 3)))
            for name, value, digits in (("demand", level, 1), ("price", price, 1), ("insolvencies", cases, 0)):
                revised = value if name == "insolvencies" else value * (1 + rng.gauss(0, 0.002))
                for shown, delay in ((value, _PUBLISHED_AFTER_DAYS), (revised, _REVISED_AFTER_DAYS)):
                    published = end + timedelta(days=delay)
                    if published <= book.last_day:
                        month = end.replace(day=1).isoformat()
                        rows.append([code, name, month, published.isoformat(), f"{shown:.{digits}f}", "Y"])
    rows.sort(key=lambda row: (row[3], row[0], row[1], row[2]))
    return "Industry,Series,Month,Published,Value,Adjusted".split(","), rows


def country_risk(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Scores twice a year; QX and QZ stand for countries on a list."""
    rows = []
    day = date(book.first_day.year - 1, 1, 15)
    while day <= book.last_day:
        for country, (score, status) in _COUNTRIES.items():
            rows.append([country, day.isoformat(), str(score + rng.randint(-1, 1)), status])
        day = date(day.year + (day.month == 7), 1 if day.month == 7 else 7, 15)
    return "Country,Published,Score,List".split(","), rows


def listed_like_a_customer(book: Book) -> date:
    """The day an entry came on the list that is spelled almost like a customer."""
    return book.last_day - timedelta(days=50)


def sanctions_list(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """A list of invented names, one of them spelled almost like a customer's."""
    entries = [(book.first_day - timedelta(days=400), *entry) for entry in _LISTED]
    entries.append((listed_like_a_customer(book), names.LISTED, "", "GB", "company"))
    rows = [
        ["DEMO-LIST", str(7001 + place), listed.isoformat(), name, aliases, country, kind, "DEMO-PROGRAMME", ""]
        for place, (listed, name, aliases, country, kind) in enumerate(entries)
    ]
    return "List,Entry,Listed,Name,Aliases,Country,Kind,Programme,Delisted".split(","), rows
