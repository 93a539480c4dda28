"""One payment booked to the wrong customer, and put right two months later.

Put here: who is mistaken for whom, and what that leaves in the books. Keep out: how it looks in a file, before and after the
correction (export.py). Nothing is drawn by chance, so that all other customers keep their figures.
"""

from __future__ import annotations

from datetime import timedelta

from risk_pipeline.demo.book import Book, Invoice, Payment
from risk_pipeline.demo.stories import Dates

_FIRST_DUE, _LAST_DUE = timedelta(days=3), timedelta(days=7)  # after the fourth last month end: no default when the books end


def mix_up(book: Book) -> dict[str, Dates]:
    """A good payer and another customer owe the same amount in the same week. The payer's transfer is booked to the other one,
    who forgets its own and is never reminded. The dates that matter, by customer; none without two such customers.
    """
    paid, owed = _paid_at_once(book, "good_payer"), _paid_at_once(book, "average_payer")
    if not paid or not owed:
        return {}
    (invoice, payment), (other, forgotten) = paid[0], owed[0]
    _forget(book, other, forgotten)
    other.cents = invoice.cents
    if other.order:
        other.order.cents = invoice.cents
    _name(book, invoice, payment)
    payment.mistaken_for = other
    return {payment.customer.number: {"booked_to_another_on": payment.day}, other.customer.number: {"forgot_on": other.due}}


def _paid_at_once(book: Book, story: str) -> list[tuple[Invoice, Payment]]:
    """The domestic invoices of these days that one transfer settled, with it; the largest first."""
    from_day, to_day = book.month_ends[-4] + _FIRST_DUE, book.month_ends[-4] + _LAST_DUE
    found = []
    for applied in book.applications:
        invoice, payment = applied.invoice, applied.payment
        if payment and payment.method == "transfer" and applied.kind == "cash" and len(invoice.settlements) == 1:
            whole = applied.cents == invoice.cents == payment.cents and invoice.currency == "EUR" == invoice.customer.currency
            if whole and invoice.customer.story == story and from_day <= invoice.due <= to_day:
                found.append((invoice, payment))
    return sorted(found, key=lambda each: -each[0].cents)


def _name(book: Book, invoice: Invoice, payment: Payment) -> None:
    """Let the payment itself say what it pays, so that one line of one file says all of it."""
    payment.shorthand = invoice
    _without(book, invoice)


def _forget(book: Book, invoice: Invoice, payment: Payment) -> None:
    """The invoice is not paid."""
    book.payments.remove(payment)
    invoice.settlements.clear()
    _without(book, invoice)


def _without(book: Book, invoice: Invoice) -> None:
    book.applications = [each for each in book.applications if each.invoice is not invoice]
