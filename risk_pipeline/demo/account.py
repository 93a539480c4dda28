"""One customer's dealings with the company: billing month by month and paying, the verbs the stories are told in.

Put here: how documents usually arise (dates within a month, payment entry, allocation). Keep out: the stories themselves.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random
from typing import Any

from risk_pipeline.demo.book import (
    Application,
    Bill,
    Book,
    CreditNote,
    Customer,
    Invoice,
    Order,
    Payment,
    Plan,
    Settlement,
    Simple,
    workday,
)

_SEASON = (0.9, 0.9, 1.05, 1.0, 0.95, 1.05, 0.95, 0.8, 1.05, 1.1, 1.2, 1.05)  # share of a usual month, January first
_MONTH_END_SHARE = 0.3  # of the invoices are written in the last five days of a month
_AMOUNT_SPREAD = 0.35  # standard deviation of the logarithm
_ORDER_SHARE = 0.5  # of the invoices have an order the company knows
_ENTRY_LAG_DAYS = (0, 0, 1, 1, 1, 2, 3, 6)
_PLAIN_TERMS = {14: "N14", 30: "N30", 45: "N45", 60: "N60"}
DISCOUNT_TERMS = "D14"  # 2 % within 14 days, 30 days net


class Account:
    """A customer, its own random numbers (no story disturbs another) and the book it posts to."""

    def __init__(self, book: Book, customer: Customer, rng: Random) -> None:
        self.book = book
        self.customer = customer
        self.rng = rng
        self.months = len(book.month_ends)
        book.customers.append(customer)

    # -- billing -------------------------------------------------------------------------------------------------------

    def amount(self, factor: float = 1.0) -> int:
        """A lognormal amount around the customer's usual one, in cents."""
        return max(1_00, round(self.customer.typical_cents * factor * math.exp(self.rng.gauss(0.0, _AMOUNT_SPREAD))))

    def bill(self, first: int = 0, stop: int | None = None, *, until: date | None = None, **how: Any) -> list[Invoice]:
        """Invoices of the months `first` to `stop` - 1 (numbers from the start of the books), none after `until`, by date.

        `how` goes to `invoice`.
        """
        invoices: list[Invoice] = []
        for index in range(max(first, 0), min(self.months if stop is None else stop, self.months)):
            end = self.book.month_ends[index]
            count = int(self.customer.per_month * _SEASON[end.month - 1] + self.rng.random())
            for day in sorted(self._day_in(end) for _ in range(count)):
                if until is None or day <= until:
                    invoices += filter(None, [self.invoice(day, **how)])
        return invoices

    def bill_again(self, wrong: Invoice) -> Invoice | None:
        """Reverse an invoice the day after and write it anew; the first two clear each other."""
        day = wrong.day + timedelta(days=1)
        reversal = self.invoice(day, -wrong.cents, currency=wrong.currency, due=wrong.due, reverses=wrong)
        if reversal is None:
            return None
        for cleared in (wrong, reversal):
            cleared.cleared, cleared.clear_kind = day, "reversal"
            cleared.settlements.append(Settlement(day, cleared.cents))
        return self.invoice(day, wrong.cents, currency=wrong.currency, due=wrong.due)

    def invoice(
        self, day: date, cents: int | None = None, *, currency: str = "", doc_type: str = "RV", due: date | None = None,
        terms_code: str = "", factored: str = "", reverses: Invoice | None = None,
    ) -> Invoice | None:  # fmt: skip
        """Post one invoice, half of them after an order. None when `day` is after the books."""
        customer = self.customer
        order = None
        if doc_type == "RV" and reverses is None and self.rng.random() < _ORDER_SHARE:
            order = self._order(day, cents, currency or customer.currency)
        total = order.cents if order else (self.amount() if cents is None else cents)
        return self.book.add_invoice(
            Invoice(
                customer=customer, day=day, due=due or day + timedelta(days=customer.terms), cents=total, order=order,
                currency=currency or customer.currency, company=customer.company, doc_type=doc_type, factored=factored,
                terms_code=terms_code or (_PLAIN_TERMS[customer.terms] if customer.terms_code_given else ""), reverses=reverses,
            )
        )  # fmt: skip

    def _order(self, day: date, cents: int | None, currency: str) -> Order | None:
        ordered = day - timedelta(days=self.rng.randint(4, 16))
        if day > self.book.last_day or ordered < self.book.first_day or ordered < self.customer.since:
            return None
        order = Order(self.customer, ordered, day, self.amount() if cents is None else cents, currency, fulfilled=day)
        self.book.orders.append(order)
        return order

    def open_order(
        self, day: date, *, cents: int | None = None, delivered_share: float = 0.0, cancelled: date | None = None
    ) -> None:
        """An order not billed when the books end; a part of it may be delivered already."""
        cents = self.amount() if cents is None else cents
        planned = day + timedelta(days=20)
        order = Order(self.customer, day, planned, cents, self.customer.currency, cancelled=self.book.happened(cancelled))
        order.delivered_not_invoiced = round(cents * delivered_share)
        if self.book.happened(day):
            self.book.orders.append(order)

    def _day_in(self, end: date) -> date:
        back = self.rng.randint(0, 4) if self.rng.random() < _MONTH_END_SHARE else self.rng.randint(0, end.day - 1)
        day = max(end - timedelta(days=back), end.replace(day=1))
        weekend = max(0, day.weekday() - 4)
        return day - timedelta(days=weekend) if day.day > weekend else workday(day)

    # -- paying --------------------------------------------------------------------------------------------------------

    def pay(
        self, invoice: Invoice, day: date, cents: int | None = None, *, method: str = "transfer", shorthand: bool = False,
        discount_cents: int = 0, returned_on: date | None = None,
    ) -> Payment | None:  # fmt: skip
        """Pay one invoice, whole unless `cents` says less. The money arrives on a working day and is entered days later."""
        paid = invoice.cents if cents is None else cents
        if shorthand:
            return self.receive(day, paid, invoice.currency, method=method, returned_on=returned_on, shorthand=invoice)
        payment = self.receive(day, paid, invoice.currency, method=method, returned_on=returned_on)
        self.allocate(payment, invoice, paid, discount_cents=discount_cents)
        return payment

    def receive(
        self, day: date, cents: int, currency: str, *, method: str = "transfer", returned_on: date | None = None,
        shorthand: Invoice | None = None, is_advance: bool = False,
    ) -> Payment | None:  # fmt: skip
        """Money on the bank account, not yet set against anything unless it names its invoice (`shorthand`)."""
        day = workday(day)
        entered = workday(day + timedelta(days=self.rng.choice(_ENTRY_LAG_DAYS)))
        company = shorthand.company if shorthand else self.customer.company
        return self.book.add_payment(
            Payment(self.customer, day, entered, cents, currency, company, method, shorthand, is_advance, returned_on)
        )

    def allocate(
        self, payment: Payment | None, invoice: Invoice, cents: int, *, on: date | None = None, discount_cents: int = 0,
        kind: str = "cash",
    ) -> Application | None:  # fmt: skip
        """Set money against an invoice, on the day it was entered unless `on` says later."""
        if payment is None:
            return None
        return self.book.add_application(
            Application(
                invoice, on or payment.entered, payment.day, cents, kind=kind, payment=payment, discount_cents=discount_cents
            )
        )

    # -- everything else -------------------------------------------------------------------------------------------------

    def credit(
        self, day: date, cents: int, reason: str, *, invoice: Invoice | None = None, against: Invoice | None = None
    ) -> None:
        """A credit note: for one whole `invoice`, or set `against` one by a row of its own, or left unapplied."""
        base = invoice or against
        note = self.book.add_credit_note(
            CreditNote(
                self.customer, day, cents, base.currency if base else self.customer.currency,
                base.company if base else self.customer.company, reason, invoice,
            )
        )  # fmt: skip
        if note and against:
            self.book.add_application(Application(against, day, day, cents, kind="credit_note", credit_note=note))

    def dispute(
        self, invoice: Invoice, day: date, cents: int, reason: str, *, resolved: date | None = None, outcome: str = "",
        settled_cents: int = 0,
    ) -> None:  # fmt: skip
        """A complaint about a part of an invoice, and how it ended if it did."""
        if day > self.book.last_day:
            return
        ended = self.book.happened(resolved)
        values = (invoice, cents, reason, ended, outcome if ended else "", settled_cents if ended else None)
        self.book.disputes.append(Simple(self.customer, day, values))

    def request(
        self, day: date, limit_cents: int, terms: int, monthly_cents: int, *, decided: date | None, decision: str
    ) -> None:
        """The customer asks for credit."""
        if day > self.book.last_day:
            return
        ended = self.book.happened(decided)
        values = (limit_cents, terms, monthly_cents, self.customer.currency, ended, decision if ended else "")
        self.book.requests.append(Simple(self.customer, day, values))

    def accept_bill(self, invoice: Invoice, received: date, maturity: date, kind: str, *, honoured: bool = True) -> None:
        """A bill closes the invoice until it matures; then it is honoured, or the receivable comes back to life."""
        if received > self.book.last_day:
            return
        matured = self.book.happened(maturity)
        outcome = ("honoured" if honoured else "dishonoured") if matured else ""
        acceptor = self.customer.name if kind == "commercial" else "Demo Merchant Bank"
        bill = Bill(self.customer, kind, received, maturity, invoice.cents, invoice.currency, acceptor, outcome)
        self.book.bills.append(bill)
        self.book.add_application(
            Application(invoice, received, received, invoice.cents, kind="bill", bill=bill, reversed_on=maturity)
        )
        if honoured:
            self.book.add_application(Application(invoice, maturity, maturity, invoice.cents, kind="matured_bill", bill=bill))

    def agree_plan(self, agreed: date, reason: str, lines: list[tuple[Invoice, date, int]]) -> None:
        """An instalment plan; `lines` are (invoice, due date, cents)."""
        self.book.plans.append(Plan(self.customer, agreed, reason, lines))
