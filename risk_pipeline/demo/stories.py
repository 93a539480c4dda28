"""The stories: who pays how, from the good payer to the one who stops overnight.

Put here: one function per story and the cast (how many customers play it, what kind of company they are). Keep out: the
verbs (account.py) and file formats. A story returns the dates that matter; they go to the ground truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from risk_pipeline.demo.account import DISCOUNT_TERMS, Account
from risk_pipeline.demo.book import Book, Invoice, workday

Dates = Mapping[str, date | None]
Story = Callable[[Account], Dates]

DECLINE_MONTHS = 9  # payments come later and later
PARTIAL_MONTHS = 2  # then only in part, then not at all
_PLAN_PARTS = 6
_DRAGGING_MONTHS, _DRAGGED_DAYS = 6, 86  # so long take disputes opened in the last six months
CREDIT_REASONS = ("return", "dispute", "rebate", "price_correction", "cash_discount", "goodwill", "other")
MONTHS_MIN = 18  # fewer cannot hold the decline and its aftermath


def _days(count: int) -> timedelta:
    return timedelta(days=count)


def _pay_early(account: Account, invoices: list[Invoice], *, shorthand: bool = True) -> None:
    for invoice in invoices:
        account.pay(invoice, invoice.due - _days(account.rng.choice((0, 1, 2, 2, 3, 4, 6, 9))), shorthand=shorthand)


def _pay_late(account: Account, invoices: list[Invoice], low: int, high: int) -> None:
    for invoice in invoices:
        account.pay(invoice, invoice.due + _days(account.rng.randint(low, high)))


def good_payer(account: Account) -> Dates:
    """Pays on the due date or some days before; one in four takes the cash discount, one in four pays by direct debit."""
    style = account.customer.variant % 4
    if style == 0:
        for invoice in account.bill(terms_code=DISCOUNT_TERMS):
            discount = invoice.cents * 2 // 100
            day = invoice.day + _days(account.rng.randint(8, 11))
            account.pay(invoice, day, invoice.cents - discount, discount_cents=discount)
    elif style == 1:
        for invoice in account.bill():
            account.pay(invoice, invoice.due, method="direct_debit", shorthand=True)
    else:
        _pay_early(account, account.bill(), shorthand=style == 2)
    return {}


def average_payer(account: Account) -> Dates:
    """Pays some days late, always by about as much, and always in the end."""
    usual = account.rng.randint(1, 8)
    invoices = account.bill()
    if account.customer.variant % 10 == 0 and len(invoices) > 5:
        invoices += filter(None, [account.bill_again(invoices.pop(-5))])
    _pay_late(account, invoices, max(usual - 4, -2), usual + 5)
    if account.customer.variant % 7 == 0:
        account.open_order(account.book.last_day - _days(9), delivered_share=0.3)
        account.open_order(account.book.last_day - _days(40), cancelled=account.book.last_day - _days(5))
    return {}


def slow_decline(account: Account) -> Dates:
    """Nine months in which every payment comes later, two in which only about half comes, then none."""
    start = account.months - (DECLINE_MONTHS + PARTIAL_MONTHS + 3) - (account.customer.variant % 6 - 3)
    ends = account.book.month_ends
    partial, stop = start + DECLINE_MONTHS, start + DECLINE_MONTHS + PARTIAL_MONTHS + 1
    for invoice in account.bill(stop=stop + 1):
        due_in = (invoice.due.year - ends[0].year) * 12 + invoice.due.month - ends[0].month - start
        if due_in < 0:
            account.pay(invoice, invoice.due + _days(account.rng.randint(-4, 0)))
        elif due_in < DECLINE_MONTHS:
            account.pay(invoice, invoice.due + _days(3 + 5 * due_in + account.rng.randint(0, 4)))
        elif due_in < DECLINE_MONTHS + PARTIAL_MONTHS:
            part = invoice.cents * account.rng.randint(35, 60) // 100
            account.pay(invoice, invoice.due + _days(account.rng.randint(32, 40)), part)
    return {
        "decline_start": ends[start].replace(day=1),
        "partial_from": ends[partial].replace(day=1) if partial < account.months else None,
        "default_on": account.book.default_date(account.customer),
    }


def sudden_default(account: Account) -> Dates:
    """A good payer until one day; nothing after it."""
    stop = account.book.last_day - _days(135 + 20 * (account.customer.variant % 4))
    for invoice in account.bill(until=stop + _days(25)):
        day = invoice.due - _days(account.rng.randint(0, 4))
        if workday(day) <= stop:
            account.pay(invoice, day)
    account.invoice(stop - _days(20), account.customer.typical_cents * 2)
    return {"last_payment_before": stop, "default_on": account.book.default_date(account.customer)}


def disputer(account: Account) -> Dates:
    """Complains just before the due date, loses the dispute, pays then. Every second one drags its last disputes out."""
    first: date | None = None
    drags_on = account.book.month_ends[-_DRAGGING_MONTHS] if account.customer.variant % 2 == 0 else date.max
    dragged: date | None = None
    for number, invoice in enumerate(account.bill()):
        if number % 3:
            account.pay(invoice, invoice.due + _days(account.rng.randint(0, 6)))
            continue
        opened = invoice.due - _days(2)
        resolved = opened + _days(account.rng.randint(35, 60))
        part = invoice.cents if number % 2 else invoice.cents * 6 // 10
        reason = account.rng.choice(("quality", "quantity", "price"))
        if opened > drags_on:
            resolved = opened + _days(_DRAGGED_DAYS)
            account.pay(invoice, invoice.due + _days(2), invoice.cents - part)  # what is not disputed
            dragged = dragged or account.book.happened(opened)
        account.dispute(invoice, opened, part, reason, resolved=resolved, outcome="customer_pays", settled_cents=part)
        account.pay(invoice, resolved + _days(1 if opened > drags_on else 3))
        first = first or account.book.happened(opened)
    return {"first_dispute_on": first, "long_dispute_on": dragged}


def returner(account: Account) -> Dates:
    """Direct debits that bounce, and are paid by transfer two weeks later; once more within the last six months."""
    returned: list[date] = []
    for number, invoice in enumerate(account.bill()):
        if number % 3 == 2:
            back = workday(invoice.due) + _days(4)
            account.pay(invoice, invoice.due, method="direct_debit", returned_on=back, shorthand=number % 2 == 0)
            account.pay(invoice, back + _days(14))
            returned += filter(None, [account.book.happened(back)])
        else:
            account.pay(invoice, invoice.due, method="direct_debit")
    return {"first_returned_on": returned[0] if returned else None, "last_returned_on": returned[-1] if returned else None}


def partial_payer(account: Account) -> Dates:
    """Pays in two or three parts; some money comes without a reference and is allocated weeks later."""
    for number, invoice in enumerate(account.bill()):
        part = invoice.cents * account.rng.randint(30, 70) // 100
        first_day = invoice.due + _days(account.rng.randint(-3, 6))
        if number % 4 == 3:
            payment = account.receive(first_day, invoice.cents, invoice.currency)
            if payment:
                account.allocate(payment, invoice, invoice.cents, on=payment.entered + _days(account.rng.randint(15, 35)))
            continue
        account.pay(invoice, first_day, part)
        account.pay(invoice, first_day + _days(account.rng.randint(8, 20)), invoice.cents - part)
    return {}


def overpayer(account: Account) -> Dates:
    """Transfers round sums above the invoice; the rest waits unapplied or is set against the next invoice."""
    first: date | None = None
    rest_payment, rest = None, 0
    for number, invoice in enumerate(account.bill()):
        owed = invoice.cents
        if rest_payment and 0 < rest < owed and rest_payment.entered < invoice.day:
            account.allocate(rest_payment, invoice, rest, on=invoice.day)
            owed -= rest
            rest_payment, rest = None, 0
        extra = account.rng.randint(20, 400) * 100 if number % 3 == 0 else 0
        payment = account.receive(invoice.due + _days(account.rng.randint(-4, 3)), owed + extra, invoice.currency)
        account.allocate(payment, invoice, owed)
        if payment and extra:
            rest_payment, rest = payment, extra
            first = first or payment.day
    return {"first_overpaid_on": first}


def bulk_payer(account: Account) -> Dates:
    """One transfer a month, over everything that falls due before the next one."""
    invoices = account.bill()
    for end in account.book.month_ends:
        run = end.replace(day=15)
        due = [i for i in invoices if i.day < run and i.due <= run + _days(31) and not i.settlements]
        if due:
            payment = account.receive(run, sum(i.cents for i in due), due[0].currency)
            for invoice in due:
                account.allocate(payment, invoice, invoice.cents)
    return {}


def multi_currency(account: Account) -> Dates:
    """Billed in two or three currencies; foreign transfers arrive a little short for bank charges, booked as a difference."""
    choices = (("EUR", "USD"), ("USD", "GBP", "EUR"), ("EUR", "CNY"), ("GBP", "EUR"))[account.customer.variant % 4]
    invoices = [i for currency in choices for i in account.bill(currency=currency)]
    for invoice in sorted(invoices, key=lambda i: i.day):
        short = 1250 if invoice.currency != "EUR" and account.rng.random() < 0.2 and invoice.cents > 100_000 else 0
        payment = account.receive(invoice.due + _days(account.rng.randint(-5, 8)), invoice.cents - short, invoice.currency)
        account.allocate(payment, invoice, invoice.cents - short)
        if short:
            account.allocate(payment, invoice, short, kind="fx_difference")
    return {}


def new_customer(account: Account) -> Dates:
    """Trades for three months only, after a credit request."""
    asked = account.customer.since
    account.request(asked, 20_000_00, 30, 8_000_00, decided=asked + _days(5), decision="approved")
    _pay_early(account, account.bill(first=account.months - 3))
    return {"requested_on": asked}


def dormant(account: Account) -> Dates:
    """Stops buying: one for fourteen months and comes back, one for good."""
    away = account.months - 16
    before = account.bill(stop=away)
    back = account.months - 2 if account.customer.variant % 2 == 0 else account.months
    _pay_early(account, before + account.bill(first=back))
    ends = account.book.month_ends
    return {"away_from": ends[away].replace(day=1), "back_from": ends[back].replace(day=1) if back < account.months else None}


def one_time(account: Account) -> Dates:
    """The collective account for people who buy once: paid by card, or given up after six weeks."""
    for invoice in account.bill(first=account.months - 12):
        if account.rng.random() < 0.9:
            account.pay(invoice, invoice.day + _days(2), method="card")
        else:
            account.book.add_write_off(invoice, invoice.day + _days(45), invoice.cents, "goodwill")
    return {}


def public_body(account: Account) -> Dates:
    """Pays every bill, two to three weeks late."""
    _pay_late(account, account.bill(), 12, 24)
    return {}


def credit_noter(account: Account) -> Dates:
    """Sends goods back and argues about prices: every reason there is, applied, unapplied, or for a whole invoice."""
    for number, invoice in enumerate(account.bill()):
        reason = CREDIT_REASONS[number % len(CREDIT_REASONS)]
        day = invoice.day + _days(account.rng.randint(5, 12))
        if number % 6 == 5:
            account.credit(day, invoice.cents, "return", invoice=invoice)
            continue
        part = invoice.cents * account.rng.randint(2, 9) // 100
        if number % 6 == 2:
            account.credit(day, part, reason)
            account.pay(invoice, invoice.due + _days(account.rng.randint(-2, 5)))
        else:
            account.credit(day, part, reason, against=invoice)
            account.pay(invoice, invoice.due + _days(account.rng.randint(-2, 5)), invoice.cents - part)
    return {}


def small_difference(account: Account) -> Dates:
    """Rounds down when paying; the company writes the cents off."""
    for invoice in account.bill():
        missing = account.rng.randint(1, 490)
        day = invoice.due - _days(account.rng.randint(0, 4))
        account.pay(invoice, day, invoice.cents - missing)
        account.book.add_write_off(invoice, workday(day) + _days(7), missing, "small_difference")
    return {}


def uncollectible(account: Account) -> Dates:
    """Stopped paying in the first year and vanished; what was owed is written off."""
    stop = account.book.last_day - _days(330)
    written_off = account.book.last_day - _days(45)
    for invoice in account.bill(until=stop + _days(15)):
        if workday(invoice.due + _days(3)) <= stop:
            account.pay(invoice, invoice.due + _days(3))
        else:
            account.book.add_write_off(invoice, written_off, invoice.cents, "uncollectible")
    last = account.invoice(stop - _days(20), account.customer.typical_cents * 3)
    if last:
        account.book.add_write_off(last, written_off, last.cents, "uncollectible")
    return {"last_payment_before": stop, "default_on": account.book.default_date(account.customer), "written_off_on": written_off}


def bill_payer(account: Account) -> Dates:
    """Accepts a bill soon after each invoice; one of every fourth customer's is dishonoured."""
    kind = "bank" if account.customer.variant % 2 == 0 else "commercial"
    invoices = account.bill()
    dishonoured: date | None = None
    for number, invoice in enumerate(invoices):
        fails = account.customer.variant % 4 == 1 and number == len(invoices) * 3 // 4
        maturity = workday(invoice.due)
        account.accept_bill(invoice, invoice.day + _days(6), maturity, kind, honoured=not fails)
        if fails:
            dishonoured = account.book.happened(maturity)
    return {"dishonoured_on": dishonoured}


def project(account: Account) -> Dates:
    """Plant engineering: a request for an advance, the advance, progress invoices less retention, the advance set off last."""
    done: date | None = None
    for start in range(account.customer.variant, account.months, 8):
        signed = account.book.month_ends[start].replace(day=10)
        total = account.customer.typical_cents * 10
        request = account.invoice(signed, total // 10, doc_type="AR", due=signed + _days(14))
        advance = account.receive(signed + _days(12), total // 10, account.customer.currency, is_advance=True)
        if request and advance:
            request.cleared, request.clear_kind = advance.day, "payment"
        for step in (60, 120, 180):
            part = account.invoice(signed + _days(step), total * 95 // 300)
            if part is None:
                continue
            if step == 180:
                account.allocate(advance, part, total // 10, on=part.day, kind="set_off")
                account.pay(part, part.due + _days(2), part.cents - total // 10)
                retention = account.invoice(part.day, total * 5 // 100, doc_type="RT", due=part.day + _days(365))
                if retention:
                    account.pay(retention, retention.due)
                done = part.day
            else:
                account.pay(part, part.due + _days(2))
    return {"last_final_invoice_on": done}


def factored(account: Account) -> Dates:
    """Good payer whose receivables are sold, with or without recourse."""
    kind = ("with_recourse", "without_recourse")[account.customer.variant % 2]
    _pay_early(account, account.bill(factored=kind))
    return {}


def distressed_plan(account: Account) -> Dates:
    """Runs late, then asks for instalments because it cannot pay; keeps to the plan."""
    agreed = account.book.last_day - _days(95)
    covered: list[Invoice] = []
    for invoice in account.bill(until=agreed - _days(1)):
        day = workday(invoice.due + _days(account.rng.randint(15, 20)))
        if day < agreed:
            account.pay(invoice, day)
        else:
            covered.append(invoice)
    covered += filter(None, [account.invoice(agreed - _days(45), account.customer.typical_cents * 3)])
    lines = []
    for invoice in covered:
        owed = invoice.open_cents(agreed)
        for part in range(_PLAN_PARTS):
            cents = owed // _PLAN_PARTS if part else owed - owed // _PLAN_PARTS * (_PLAN_PARTS - 1)
            due = agreed + _days(30 * (part + 1))
            lines.append((invoice, due, cents))
            account.pay(invoice, due, cents)
    account.agree_plan(agreed, "distressed", lines)
    return {"plan_agreed_on": agreed}


def convenience_plan(account: Account) -> Dates:
    """Pays on time, and buys a machine in instalments: an item of its own for each, with its own due date."""
    agreed = account.book.last_day - _days(95)
    _pay_early(account, account.bill())
    lines = []
    for part in range(_PLAN_PARTS):
        due = agreed + _days(30 * (part + 1))
        item = account.invoice(agreed, account.customer.typical_cents, doc_type="IN", due=due)
        if item:
            lines.append((item, due, item.cents))
            account.pay(item, due)
    account.agree_plan(agreed, "convenience", lines)
    return {"plan_agreed_on": agreed}


# -- stories that the evidence tells (evidence.py); here is only what the ledger sees of them -----------------------------------

BREACH_DAYS = 75  # before the last day: the contract was broken
_SILENT_MONTHS = 5


@dataclass(frozen=True)
class Decline:
    """When a declining firm shows it where: in its behaviour first, then at the bureau, in its statement, in its payments."""

    behaviour_from: date
    bureau_on: date
    statement_on: date
    late_from: date
    sued_on: date

    @classmethod
    def of(cls, book: Book) -> Decline:
        """Spread over the last eleven months of the books, so that quarter ends tell them apart."""
        ends = book.month_ends
        return cls(
            behaviour_from=ends[-11].replace(day=1),
            bureau_on=ends[-8].replace(day=15),
            statement_on=ends[-5].replace(day=12),
            late_from=ends[-3].replace(day=1),
            sued_on=ends[-1].replace(day=5),
        )


def declining_firm(account: Account) -> Dates:
    """Orders less from the day its behaviour changes, pays on time for long, then late, then not at all."""
    when = Decline.of(account.book)
    account.customer.new_bank_from = when.behaviour_from + _days(12)
    quiet = account.months - 11
    invoices = account.bill(stop=quiet)
    account.customer.per_month *= 0.6
    invoices += account.bill(first=quiet)
    for invoice in invoices:
        gone = (invoice.due - when.late_from).days
        if gone < 0:
            account.pay(invoice, invoice.due - _days(account.rng.randint(0, 3)))
        elif gone < 40:
            account.pay(invoice, invoice.due + _days(14 + gone // 2))
    return {"late_from": when.late_from}


@dataclass(frozen=True)
class Recovery:
    """When a firm that recovers got into trouble, showed it elsewhere, and paid what it owed."""

    late_from: date
    bureau_on: date
    paid_on: date
    better_on: date

    @classmethod
    def of(cls, book: Book) -> Recovery:
        """Trouble within one month, ten months before the end: enough months are left for a slow way up."""
        ends = book.month_ends
        return cls(
            late_from=ends[-11].replace(day=18),
            bureau_on=ends[-10].replace(day=12),
            paid_on=ends[-9].replace(day=16),
            better_on=ends[-4].replace(day=8),
        )


def recovering_firm(account: Account) -> Dates:
    """A good payer whose largest customer fails: a direct debit comes back and nothing is paid for two months, then everything at
    once, then on time again.
    """
    when = Recovery.of(account.book)
    returned: date | None = None
    for invoice in account.bill():
        if not when.late_from <= invoice.due <= when.paid_on:
            account.pay(invoice, invoice.due - _days(account.rng.randint(0, 3)))
            continue
        if returned is None and invoice.due > when.bureau_on:
            returned = workday(invoice.due) + _days(4)
            account.pay(invoice, invoice.due, method="direct_debit", returned_on=returned)
        account.pay(invoice, when.paid_on + _days(account.rng.randint(0, 2)))
    return {"late_from": when.late_from, "returned_on": returned, "paid_on": when.paid_on}


def insolvent(account: Account) -> Dates:
    """Pays on time until the court opens proceedings (the evidence says when), then nothing."""
    stop = account.book.last_day - _days(45 + 25 * account.customer.variant)
    for invoice in account.bill(until=stop):
        day = workday(invoice.due + _days(account.rng.randint(0, 3)))
        if day <= stop:
            account.pay(invoice, day)
    return {"last_payment_before": stop}


def silent_firm(account: Account) -> Dates:
    """A good payer that has not ordered for months."""
    stop = account.months - _SILENT_MONTHS
    for invoice in account.bill(stop=stop):
        account.pay(invoice, invoice.due - _days(account.rng.randint(0, 3)))
    return {"last_order_before": account.book.month_ends[stop - 1]}


def bust_out(account: Account) -> Dates:
    """Small orders, promptly paid, for ten months; then orders many times as large, of which nothing is paid yet."""
    surge = account.book.last_day - _days(28)
    account.customer.new_bank_from = surge - _days(45)
    for invoice in account.bill(first=account.months - 10, until=surge):
        account.pay(invoice, invoice.due - _days(account.rng.randint(1, 5)))
    for day in range(5):
        account.open_order(surge + _days(4 + 5 * day), cents=account.customer.typical_cents * (5 + day))
    for day in range(2):
        account.invoice(surge + _days(9 + 8 * day), account.customer.typical_cents * 6)
    return {"surge_from": surge}


@dataclass(frozen=True)
class Role:
    """How a story is cast: customers of 200, at least `least`; which countries; usual invoice (EUR) and invoices a month.

    `sizes` and `industry`: when the story asks for them.
    """

    tell: Story
    of_200: float
    least: int
    countries: str = "DE DE DE FR NL"
    typical: tuple[int, int] = (900, 4500)
    per_month: tuple[float, float] = (1.2, 2.6)
    flags: tuple[str, ...] = ()
    sizes: str = ""
    industry: str = ""


_LARGE = "medium large"

CAST: Mapping[str, Role] = {
    "slow_decline": Role(slow_decline, 8, 6, typical=(4000, 7000), per_month=(1.8, 2.5)),
    "sudden_default": Role(sudden_default, 4, 4, typical=(3000, 7000), per_month=(1.8, 2.5)),
    "disputer": Role(disputer, 4, 2),
    "returner": Role(returner, 4, 2, countries="DE FR NL"),
    "partial_payer": Role(partial_payer, 6, 3),
    "overpayer": Role(overpayer, 4, 2),
    "bulk_payer": Role(bulk_payer, 6, 2, per_month=(2.5, 4.0)),
    "multi_currency": Role(multi_currency, 8, 4, countries="US GB NL", per_month=(0.7, 1.2)),
    "new_customer": Role(new_customer, 3, 2),
    "dormant": Role(dormant, 3, 2),
    "intercompany": Role(average_payer, 2, 1, countries="US DE", typical=(15000, 30000), flags=("intercompany",)),
    "one_time": Role(one_time, 2, 1, countries="DE", typical=(150, 300), flags=("one_time",)),
    "sole_trader": Role(good_payer, 4, 2, countries="DE", typical=(250, 900), flags=("natural_person",)),
    "public_body": Role(public_body, 3, 2, countries="DE", flags=("public_body",)),
    "chinese": Role(average_payer, 8, 3, countries="CN", typical=(2500, 9000)),
    "bill_payer": Role(bill_payer, 4, 2, countries="CN", typical=(2500, 9000)),
    "group_member": Role(good_payer, 6, 3, flags=("group",)),
    "credit_noter": Role(credit_noter, 4, 3, per_month=(2.0, 2.6)),
    "small_difference": Role(small_difference, 3, 2),
    "uncollectible": Role(uncollectible, 2, 1, typical=(2000, 4000)),
    "distressed_plan": Role(distressed_plan, 2, 2, typical=(2000, 5000)),
    "convenience_plan": Role(convenience_plan, 1, 1, typical=(2000, 5000)),
    "project": Role(project, 3, 2, countries="DE", typical=(3000, 6000), flags=("project_business",)),
    "factored": Role(factored, 2, 2),
    "missing_master": Role(average_payer, 3, 2, flags=("missing_master",)),
    "declining_firm": Role(
        declining_firm, 2, 1, countries="DE", typical=(7000, 9000), per_month=(3.6, 4.2), sizes="medium", industry="C25"
    ),
    "insolvent": Role(insolvent, 2, 1, countries="DE", typical=(2000, 5000)),
    "dishonest_debtor": Role(average_payer, 2, 1, countries="CN", typical=(2500, 9000)),
    "negative_net_worth": Role(average_payer, 2, 1, typical=(2000, 5000), sizes=_LARGE),
    "stale_statement": Role(good_payer, 2, 1, typical=(2000, 5000), sizes=_LARGE),
    "never_searched": Role(good_payer, 2, 1),
    "search_failed": Role(good_payer, 1, 1),
    "high_risk_country": Role(good_payer, 2, 1, countries="QX"),
    "call_for_action": Role(good_payer, 1, 1, countries="QZ"),
    "risky_industry": Role(average_payer, 2, 1, industry="I56"),
    "contract_breached": Role(average_payer, 2, 1, countries="DE NL"),
    "silent_firm": Role(silent_firm, 2, 1, per_month=(2.6, 3.4)),
    "bust_out": Role(bust_out, 2, 1, countries="DE NL", typical=(900, 1600), per_month=(3.4, 4.2)),
    "sued": Role(average_payer, 2, 1, countries="DE FR", typical=(2000, 5000), sizes=_LARGE),
    "plaintiff": Role(good_payer, 1, 1, sizes=_LARGE),
    "sanctions_match": Role(good_payer, 1, 1, countries="GB"),
    "good_payer": Role(good_payer, 46, 8, countries="DE DE DE FR NL US GB"),
    "average_payer": Role(average_payer, 26, 6, countries="DE DE DE FR NL US GB"),
    # last, so that the others keep their numbers
    "recovering_firm": Role(recovering_firm, 1, 1, countries="DE", typical=(3000, 4500), per_month=(3.2, 3.8), sizes="small"),
}
CUSTOMERS_MIN = sum(role.least for role in CAST.values())


def cast(customers: int) -> list[str]:
    """The story of each of `customers` customers, in the order of CAST; whoever is left over is a good or average payer."""
    counts = {story: max(role.least, round(role.of_200 * customers / 200)) for story, role in CAST.items()}
    while sum(counts.values()) != customers:
        over = sum(counts.values()) > customers
        spare = [story for story, role in CAST.items() if counts[story] > role.least] if over else ["good_payer", "average_payer"]
        most = max(spare, key=lambda story: counts[story] / CAST[story].of_200)
        least = min(spare, key=lambda story: counts[story] / CAST[story].of_200)
        counts[most if over else least] += -1 if over else 1
    return [story for story, count in counts.items() for _ in range(count)]
