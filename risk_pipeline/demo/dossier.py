"""What is on file about one customer: reports, statements, searches, contacts, contracts; the verbs the evidence is told in.

Put here: how such a paper usually looks for a firm that does well or badly. Keep out: which customer does how well, and when
(evidence.py), columns and formats (evidence_files.py).

`health`: how well the firm does when the paper is made, 0 (about to fail) to 1 (excellent).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any

from risk_pipeline.demo.book import Book, Customer, Paper


@dataclass(frozen=True)
class Agency:
    """A credit bureau and its scale; `first` and `last` are its numbers for the worst and the best firm."""

    name: str
    worst: int
    best: int


_HOME_AGENCY, _BEACON = Agency("Rheinland Auskunft", 600, 100), Agency("Beacon Reports", 300, 850)
_AGENCIES = {"CN": Agency("Chengjing", 0, 1000), "US": _BEACON, "GB": _BEACON}
_RATINGS = "D CC B BB BBB A AA".split()
_GAAP = {"DE": "HGB", "CN": "PRC GAAP", "US": "US GAAP", "GB": "FRS 102"}
SEARCHES: Mapping[str, str] = {
    "sanction": "sanctions lists",
    "litigation": "court register",
    "judgment_debtor": "enforcement register",
    "insolvency": "insolvency notices",
    "registry_status": "company register",
    "abnormal_operation": "company register",
    "shareholder_change": "company register",
    "tax_arrears": "tax notices",
    "penalty": "penalty notices",
    "adverse_media": "press archive",
}  # kind of finding -> where it is looked for
OFTEN_SEARCHED = ("sanction", "litigation", "judgment_debtor", "insolvency")


class Dossier:
    """The papers of one customer, with random numbers of its own, so that evidence changes nothing in the ledger."""

    def __init__(self, book: Book, customer: Customer, rng: Random) -> None:
        self.book = book
        self.customer = customer
        self.rng = rng
        sales = customer.typical_cents * customer.per_month * 12 / 100
        self.revenue = sales * rng.uniform(18, 45)  # a year, at the beginning: we are one supplier of many

    def add(self, file: str, day: date, cells: Mapping[str, Any]) -> Paper | None:
        """File a paper; None when its day is after the books."""
        return self.book.add_paper(Paper(file, day, self.customer.number, {"Debtor": self.customer.number, **cells}))

    # -- what others say ---------------------------------------------------------------------------------------------------

    def report(self, day: date, health: float, *, status: str = "hit") -> None:
        """A bureau report fetched on `day`. `status` no_hit and error: a request that brought nothing."""
        agency = _AGENCIES.get(self.customer.country, _HOME_AGENCY)
        cells: dict[str, Any] = {"Agency": agency.name, "Fetched": day, "Status": status}
        if status == "hit":
            share = min(max(health + self.rng.gauss(0, 0.03), 0.02), 0.98)
            late = 0 if health > 0.6 else round((0.65 - health) * 12)
            cells |= {
                "ReportDate": day - timedelta(days=self.rng.randint(1, 12)),
                "Score": round(agency.worst + (agency.best - agency.worst) * share),
                "ScaleFrom": min(agency.worst, agency.best),
                "ScaleTo": max(agency.worst, agency.best),
                "HighIsGood": agency.best > agency.worst,
                "Rating": _RATINGS[min(int(share * len(_RATINGS)), len(_RATINGS) - 1)],
                "LatePayments12m": late,
                "Defaults36m": int(health < 0.2) + int(health < 0.1),
                "Inquiries6m": self.rng.randint(0, 2) + round(max(0.0, 0.7 - health) * 14),
                "Borrowing": round(self.revenue * (0.12 + max(0.0, 0.8 - health) * 0.7), -3),
                "AdvisedLimit": round(self.revenue / 12 * 0.15 * health, -2),
                "Curr": self.customer.currency,
            }
        self.add("bureau_reports.csv", day, _whole(cells))

    def reference(self, day: date, health: float, source: str, *, kind: str = "supplier", own: bool = False) -> None:
        """Another supplier, or a bank, says how the customer pays there."""
        credit = round(self.revenue * self.rng.uniform(0.02, 0.06), -2)
        share = 0.0 if health > 0.6 else (0.65 - health) * self.rng.uniform(0.5, 0.9)
        self.add(
            "trade_references.csv",
            day,
            _whole(
                {
                    "Given": day,
                    "From": kind,
                    "Source": source,
                    "NamedByDebtor": own,
                    "HighCredit": credit,
                    "PastDue": round(credit * share),
                    "PayingHabits": min(5, max(1, round(1 + 4 * health))),
                    "Curr": self.customer.currency,
                }
            ),
        )

    def statement(
        self, end: date, received: date, health: float, *, months: int = 12, audit: str, growth: float = 1.0,
        equity_share: float | None = None,
    ) -> None:  # fmt: skip
        """A statement in thousands, balanced. `growth`: revenue against the customer's usual; `equity_share` may be negative."""
        rng, part = self.rng, months / 12
        revenue = max(40, round(self.revenue * growth * part / 1000))
        total = max(30, round(revenue / part * (0.62 - 0.1 * health)))
        share = 0.04 + 0.48 * health + rng.uniform(-0.02, 0.02) if equity_share is None else equity_share
        equity = round(total * share)
        liabilities = total - equity
        current = round(total * (0.62 + rng.uniform(-0.04, 0.04)))
        current_liabilities = min(liabilities, round(total * max(0.22, 0.62 - 0.42 * health)))
        debt = round(current_liabilities * (0.45 - 0.25 * health))
        intangible = round(total * 0.03)
        ebit = round(revenue * (-0.05 + 0.17 * health + rng.uniform(-0.004, 0.004)))
        depreciation = round(revenue * 0.025)
        interest = round(liabilities * part * 0.028)
        income = ebit - interest
        income -= round(income * 0.28) if income > 0 else 0
        self.add(
            "statements.csv",
            received,
            {
                "Received": received,
                "Published": received - timedelta(days=rng.randint(3, 20)),
                "PeriodEnd": end,
                "Months": months,
                "Kind": "annual" if months == 12 else "interim",
                "Group": False,
                "Gaap": _GAAP.get(self.customer.country, "IFRS"),
                "Curr": self.customer.currency,
                "Audit": audit,
                "CurrentAssets": current,
                "Inventory": round(current * 0.38),
                "Receivables": round(current * 0.42),
                "Cash": round(current * (0.02 + 0.14 * health)),
                "TotalAssets": total,
                "CurrentLiabilities": current_liabilities,
                "Payables": round(current_liabilities * 0.4),
                "ShortTermDebt": debt,
                "TotalLiabilities": liabilities,
                "Equity": equity,
                "Intangibles": intangible,
                "RetainedEarnings": round(equity - total * 0.08),
                "Revenue": revenue,
                "Ebit": ebit,
                "Depreciation": depreciation,
                "Interest": interest,
                "NetIncome": income,
                "CashFlow": round((income + depreciation) * (0.5 + 0.6 * health)),
            },
        )

    def search(self, day: date, kind: str, result: str) -> None:
        """Somebody looked for findings of that kind; no_hit = nothing there, error = the register did not answer."""
        self.add("searches.csv", day, {"Register": SEARCHES[kind], "Kind": kind, "Made": day, "Result": result})

    def finding(self, published: date, kind: str, **cells: Any) -> None:
        """A finding, confirmed a week later unless `cells` say otherwise. Outcomes after the books have not happened."""
        reviewed = self.book.happened(cells.pop("Reviewed", published + timedelta(days=7)))
        ended = self.book.happened(cells.pop("Resolved", None))
        outcome = cells.pop("Outcome", "removed")
        own = {
            "Kind": kind,
            "Role": "subject",
            "Severity": "medium",
            "Happened": published - timedelta(days=3),
            "Published": published,
            "Register": SEARCHES.get(kind, "company register"),
            "Match": 1.0,
            "Review": "confirmed",
            "Reviewer": "Kim Berger",
            **cells,
            "Reviewed": reviewed,
            "Resolved": ended,
            "Outcome": outcome if ended else None,
        }
        if reviewed is None:
            own |= {"Review": "unreviewed", "Reviewer": None}
        if own.get("Amount") is not None:
            own["Curr"] = self.customer.currency
        self.add("findings.csv", published, own)

    def lawsuit(self, published: date, number: int, amount: float, *, role: str = "defendant", **cells: Any) -> None:
        """A case at court."""
        case = f"{number} O {self.customer.number[-3:]}/{published.year % 100}"
        shown = {"Role": role, "CaseNo": case, "CaseType": "contract", "Amount": round(amount), **cells}
        self.finding(published, "litigation", **shown)

    # -- what we know ourselves ----------------------------------------------------------------------------------------------

    def assessment(self, day: date, topic: str, rating: int) -> None:
        """A credit analyst judges a topic."""
        cells = {"Judged": day, "Topic": topic, "Rating": min(5, max(1, rating)), "Analyst": "Kim Berger"}
        self.add("assessments.csv", day, cells)

    def event(self, day: date, kind: str, **cells: Any) -> None:
        """A contact, complaint or change of data, as the CRM notes it."""
        self.add("crm_events.csv", day, {"Day": day, "Kind": kind, **cells})

    def document(self, received: date, kind: str, *, good_for_days: int | None = None) -> None:
        """A paper for the credit file, dated later when it was good for ever."""
        valid = received + timedelta(days=good_for_days) if good_for_days else None
        self.add("credit_file.csv", received, {"Kind": kind, "Received": received, "ValidTo": valid})

    def contract(
        self, start: date, end: date | None, *, kind: str = "individual", guarantee: bool = False, title: bool = False,
        events: Mapping[str, date] | None = None,
    ) -> None:  # fmt: skip
        """A contract and what happened to it, by kind of event; without `signed` nobody signed it."""
        cells = {"Kind": kind, "ValidFrom": start, "ValidTo": end, "Guarantee": guarantee, "RetentionOfTitle": title}
        paper = self.add("contracts.csv", start, cells)
        for event, day in (events or {}).items():
            if paper:
                self.book.add_paper(
                    Paper("contract_events.csv", day, self.customer.number, {"Contract": paper, "Day": day, "Kind": event})
                )

    def security(self, start: date, end: date | None, kind: str, worth: float, **cells: Any) -> None:
        """Security we hold, valued when it was given."""
        own = {"ValidFrom": start, "ValidTo": end, "Kind": kind, "Worth": round(worth), "Curr": self.customer.currency}
        own |= {"Valued": start, "PriorLiens": 0, "Rank": 1, "Provider": "Demo Merchant Bank", "FirstDemand": True}
        self.add("securities.csv", start, {**own, "CallUntil": end, **cells})

    def cover(
        self, day: date, decision: str, amount: float | None, *, cancelled: date | None = None, claim: date | None = None
    ) -> None:
        """What the credit insurer decided about the customer."""
        self.add(
            "insurer_decisions.csv",
            day,
            {
                "Insurer": "Hansehafen Kreditversicherung",
                "Decided": day,
                "Decision": decision,
                "Amount": None if amount is None else round(amount, -2),
                "Curr": self.customer.currency,
                "CoverPct": 90,
                "MaxTerms": 90,
                "MaxExtension": 60,
                "ValidTo": day + timedelta(days=1200),
                "Cancelled": self.book.happened(cancelled),
                "Claim": self.book.happened(claim),
            },
        )


def _whole(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Amounts without the `.0` that rounding to hundreds leaves."""
    return {name: int(value) if isinstance(value, float) else value for name, value in cells.items()}
