"""The books of the imaginary company: documents, payments and what settles what, before they are written to any file.

Put here: the records and the rules of bookkeeping (nothing is posted after the last day, a return undoes a payment). Keep
out: who pays how (stories.py) and how a file looks (export.py). Money is an integer number of minor units (cents).
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

MATERIAL_CENTS = 500_00  # the default policy's materiality, so that truth and policy mean the same default
DEFAULT_DPD = 90


@dataclass(eq=False)
class Customer:
    """A debtor and the master data the company holds. `variant` numbers the customers of one story from 0.

    `consent`: to credit checks; natural persons are asked. `new_bank_from`: the day it begins to pay from another account.
    """

    number: str
    story: str
    variant: int
    name: str
    country: str
    region: str
    registration_number: str
    registration_scheme: str
    legal_form: str
    founded: date
    industry: str
    size: str
    since: date
    currency: str
    company: str
    terms: int
    typical_cents: int
    per_month: float
    manager: str
    natural_person: bool = False
    intercompany: bool = False
    one_time: bool = False
    public_body: bool = False
    project_business: bool = False
    group: str = ""
    in_master: bool = True
    due_date_given: bool = True
    terms_code_given: bool = True
    consent: str = ""
    new_bank_from: date | None = None


@dataclass(frozen=True)
class Settlement:
    """A part of an invoice closed on a day, until `undone_on` when the payment came back."""

    on: date
    cents: int
    undone_on: date | None = None

    def counts_on(self, day: date) -> bool:
        return self.on <= day and (self.undone_on is None or self.undone_on > day)


@dataclass(eq=False)
class Invoice:
    """A receivable. `ref` is the number it gets in the files, given once all of them are known."""

    customer: Customer
    day: date
    due: date
    cents: int
    currency: str
    company: str
    doc_type: str = "RV"
    terms_code: str = ""
    factored: str = ""
    reverses: Invoice | None = None
    order: Order | None = None
    cleared: date | None = None
    clear_kind: str = ""
    settlements: list[Settlement] = field(default_factory=list)
    ref: str = ""

    def open_cents(self, day: date) -> int:
        """What is unpaid at the end of `day`; 0 before the invoice exists."""
        if day < self.day:
            return 0
        return self.cents - sum(s.cents for s in self.settlements if s.counts_on(day))


@dataclass(eq=False)
class Order:
    """A sales order, the earlier half of an invoice, or one that nobody has billed yet."""

    customer: Customer
    day: date
    planned: date
    cents: int
    currency: str
    fulfilled: date | None = None
    cancelled: date | None = None
    delivered_not_invoiced: int = 0
    ref: str = ""


@dataclass(eq=False)
class Payment:
    """Money received, on its bank value date. `shorthand`: it pays exactly this invoice and needs no application row.

    `mistaken_for`: the invoice of another customer it was booked to, until the books were corrected.
    """

    customer: Customer
    day: date
    entered: date
    cents: int
    currency: str
    company: str
    method: str
    shorthand: Invoice | None = None
    is_advance: bool = False
    returned_on: date | None = None
    mistaken_for: Invoice | None = None
    ref: str = ""


@dataclass(eq=False)
class CreditNote:
    """A credit. With `invoice` it is set against it whole; without, it is applied by rows of its own or stays unapplied."""

    customer: Customer
    day: date
    cents: int
    currency: str
    company: str
    reason: str
    invoice: Invoice | None = None
    ref: str = ""


@dataclass(eq=False)
class Bill:
    """A bill of exchange accepted for a debt."""

    customer: Customer
    kind: str
    received: date
    maturity: date
    cents: int
    currency: str
    acceptor: str
    outcome: str = ""
    ref: str = ""


@dataclass(eq=False)
class Application:
    """A payment, credit note or bill set against an invoice."""

    invoice: Invoice
    applied: date
    value_date: date
    cents: int
    kind: str = "cash"
    payment: Payment | None = None
    credit_note: CreditNote | None = None
    bill: Bill | None = None
    discount_cents: int = 0
    reversed_on: date | None = None
    ref: str = ""


@dataclass(eq=False)
class Simple:
    """A row of one of the small files (write-offs, disputes, credit requests): its day and its values in file order."""

    customer: Customer
    day: date
    values: tuple[Any, ...]
    ref: str = ""


@dataclass(eq=False)
class Plan:
    """An instalment plan over open invoices."""

    customer: Customer
    agreed: date
    reason: str
    lines: list[tuple[Invoice, date, int]]
    broken: date | None = None
    ref: str = ""


@dataclass(eq=False)
class Paper:
    """A row of one of the evidence files: what somebody said about a customer on `day`.

    `cells`: by column of the file, in any order; a paper stands for its number, which is given once all of them are known.
    """

    file: str
    day: date
    customer: str
    cells: dict[str, Any]
    ref: str = ""


class Book:
    """Everything posted between the first day and the last. A posting after the last day has not happened: it is dropped."""

    def __init__(self, month_ends: Sequence[date]) -> None:
        self.month_ends = list(month_ends)
        self.last_day = self.month_ends[-1]
        self.first_day = self.month_ends[0].replace(day=1)
        self.customers: list[Customer] = []
        self.orders: list[Order] = []
        self.invoices: list[Invoice] = []
        self.payments: list[Payment] = []
        self.applications: list[Application] = []
        self.credit_notes: list[CreditNote] = []
        self.write_offs: list[Simple] = []
        self.disputes: list[Simple] = []
        self.requests: list[Simple] = []
        self.bills: list[Bill] = []
        self.plans: list[Plan] = []
        self.papers: list[Paper] = []

    def happened(self, day: date | None) -> date | None:
        """`day`, or None when it lies after the last day of the books."""
        return day if day is not None and day <= self.last_day else None

    def add_invoice(self, invoice: Invoice) -> Invoice | None:
        if invoice.day > self.last_day:
            return None
        self.invoices.append(invoice)
        return invoice

    def add_payment(self, payment: Payment) -> Payment | None:
        """Post a payment; one with `shorthand` settles that invoice until it is returned."""
        if payment.day > self.last_day:
            return None
        payment.entered = min(payment.entered, self.last_day)
        payment.returned_on = self.happened(payment.returned_on)
        self.payments.append(payment)
        if payment.shorthand is not None:
            payment.shorthand.settlements.append(Settlement(payment.day, payment.cents, payment.returned_on))
        return payment

    def add_application(self, application: Application) -> Application | None:
        """Set something against an invoice; undone on its own reversal or when its payment comes back."""
        if application.applied > self.last_day:
            return None
        application.reversed_on = self.happened(application.reversed_on)
        undone = application.reversed_on or (application.payment.returned_on if application.payment else None)
        closed = application.cents + application.discount_cents
        self.applications.append(application)
        application.invoice.settlements.append(Settlement(application.applied, closed, undone))
        return application

    def add_credit_note(self, note: CreditNote) -> CreditNote | None:
        if note.day > self.last_day:
            return None
        self.credit_notes.append(note)
        if note.invoice is not None:
            note.invoice.settlements.append(Settlement(note.day, note.cents))
        return note

    def add_write_off(self, invoice: Invoice, day: date, cents: int, reason: str) -> None:
        if day <= self.last_day and cents:
            self.write_offs.append(Simple(invoice.customer, day, (invoice, cents, invoice.currency, reason)))
            invoice.settlements.append(Settlement(day, cents))

    def add_paper(self, paper: Paper) -> Paper | None:
        if paper.day > self.last_day:
            return None
        self.papers.append(paper)
        return paper

    def open_balances(self, day: date) -> dict[str, int]:
        """Open minor units by currency at the end of `day`; requests for advance payment are no receivables."""
        totals: dict[str, int] = defaultdict(int)
        for invoice in self.invoices:
            if invoice.doc_type != "AR":
                totals[invoice.currency] += invoice.open_cents(day)
        return dict(sorted(totals.items()))

    def open_items(self, day: date) -> int:
        """How many receivables are not zero at the end of `day`."""
        return sum(1 for i in self.invoices if i.doc_type != "AR" and i.open_cents(day))

    def default_date(self, customer: Customer) -> date | None:
        """First day on which a material sum is more than 90 days past due, or None. For customers billed in one currency."""
        own = [i for i in self.invoices if i.customer is customer]
        for day in sorted({i.due + timedelta(days=DEFAULT_DPD + 1) for i in own}):
            if day > self.last_day:
                break
            old = sum(i.open_cents(day) for i in own if (day - i.due).days > DEFAULT_DPD)
            if old >= max(MATERIAL_CENTS, sum(i.open_cents(day) for i in own) // 100):
                return day
        return None

    def number_documents(self) -> None:
        """Give every document its number, in order of posting as an ERP does."""
        for invoice, number in _numbered(self.invoices, 1_000_001):
            invoice.ref = f"{invoice.company}-{invoice.day.year}-{number}"
        for note, number in _numbered(self.credit_notes, 8_000_001):
            note.ref = f"{note.company}-{note.day.year}-{number}"
        self.bills.sort(key=lambda bill: (bill.received, bill.customer.number))
        self.plans.sort(key=lambda plan: (plan.agreed, plan.customer.number))
        self.applications.sort(key=lambda a: (a.applied, a.invoice.customer.number, a.invoice.ref))
        for records, letter, start in (
            (self.orders, "SO", 500_001),
            (self.payments, "Z", 3_000_001),
            (self.write_offs, "WO", 1),
            (self.disputes, "CL", 101),
            (self.requests, "RQ", 11),
        ):
            for record, number in _numbered(records, start):
                record.ref = f"{letter}{number}"
        listed: list[tuple[str, Sequence[Any]]] = [("B", self.bills), ("IP", self.plans), ("A", self.applications)]
        for letter, plain in listed:
            for number, row in enumerate(plain, 1):
                row.ref = f"{letter}{number:07d}"


def _numbered(records: list[Any], start: int) -> Iterable[tuple[Any, int]]:
    records.sort(key=lambda record: (record.day, record.customer.number))
    return zip(records, range(start, start + len(records)), strict=True)


def month_ends(last: date, months: int) -> list[date]:
    """The `months` month ends up to `last`, oldest first; `last` counts as its month's end."""
    ends = []
    for back in range(months - 1, -1, -1):
        year, month = divmod(last.year * 12 + last.month - 1 - back, 12)
        ends.append(date(year, month + 1, calendar.monthrange(year, month + 1)[1]))
    return ends


def workday(day: date) -> date:
    """`day`, or the Monday after it when it falls on a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() >= 5 else 0)
