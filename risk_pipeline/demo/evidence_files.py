"""How the evidence looks as files: columns, numbers of papers, forms of dates and amounts.

Put here: the columns of each evidence file and how a cell is written. Keep out: what the papers say (dossier.py,
evidence.py), lists and series that belong to no customer (reference.py), the files of the ledger (export.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from risk_pipeline.demo.book import Book, Paper

Row = list[str]


@dataclass(frozen=True)
class Layout:
    """Columns of a file; the first holds the paper's number, which begins with `letter`, the second the customer."""

    letter: str
    columns: tuple[str, ...]


def _layout(letter: str, columns: str) -> Layout:
    return Layout(letter, tuple(columns.split()))


LAYOUTS: dict[str, Layout] = {
    "bureau_reports.csv": _layout(
        "BR",
        "Report Debtor Agency ReportDate Fetched Status Score ScaleFrom ScaleTo HighIsGood Rating LatePayments12m Defaults36m"
        " Inquiries6m Borrowing AdvisedLimit Curr",
    ),
    "trade_references.csv": _layout(
        "TR", "Reference Debtor Given From Source NamedByDebtor HighCredit PastDue PayingHabits Curr"
    ),
    "statements.csv": _layout(
        "FS",
        "Statement Debtor Received Published PeriodEnd Months Kind Group Gaap Curr Audit CurrentAssets Inventory Receivables Cash"
        " TotalAssets CurrentLiabilities Payables ShortTermDebt TotalLiabilities Equity Intangibles RetainedEarnings Revenue Ebit"
        " Depreciation Interest NetIncome CashFlow",
    ),
    "searches.csv": _layout("Q", "Search Debtor Register Kind Made Result"),
    "findings.csv": _layout(
        "DD",
        "Finding Debtor Kind Role CaseNo CaseType Value FiledByUs Severity Happened Published Amount Curr Register Match Story"
        " Review Reviewer Reviewed Resolved Outcome",
    ),
    "assessments.csv": _layout("QA", "Answer Debtor Judged Topic Rating Analyst"),
    "crm_events.csv": _layout("EV", "Event Debtor Day Kind Direction Answered MassMail Upheld Value"),
    "credit_file.csv": _layout("DOC", "Document Debtor Kind Received ValidTo"),
    "contracts.csv": _layout("K", "Contract Debtor Kind ValidFrom ValidTo Guarantee RetentionOfTitle"),
    "contract_events.csv": _layout("KE", "Event Contract Day Kind"),
    "securities.csv": _layout(
        "SEC",
        "Security Debtor ValidFrom ValidTo Kind Worth Curr Valued PriorLiens Rank Provider ProviderRating FirstDemand Registered"
        " CallUntil Released",
    ),
    "insurer_decisions.csv": _layout(
        "INS", "Cover Debtor Insurer Decided Decision Amount Curr CoverPct MaxTerms MaxExtension ValidTo Cancelled Claim"
    ),
}


def number_papers(book: Book) -> None:
    """Order the papers by day and give each its number within its file."""
    book.papers.sort(key=lambda paper: (paper.day, paper.customer))
    counts = dict.fromkeys(LAYOUTS, 0)
    for paper in book.papers:
        counts[paper.file] += 1
        paper.ref = f"{LAYOUTS[paper.file].letter}{counts[paper.file]:05d}"


def papers(book: Book, name: str) -> tuple[Row, list[Row]]:
    """One evidence file: header and rows."""
    number, *others = LAYOUTS[name].columns
    rows = [[paper.ref, *(_cell(paper.cells.get(column)) for column in others)] for paper in book.papers if paper.file == name]
    return [number, *others], rows


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "Y" if value else "N"
        case date():
            return value.isoformat()
        case Paper():
            return value.ref
        case float():
            return f"{value:.2f}"
        case _:
            return str(value)
