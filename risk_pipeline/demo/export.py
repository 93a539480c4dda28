"""How the books look as files: the exports of an imaginary ERP, each with its own column names, formats and habits.

Put here: one function per file of the ledger, number and date formats, the dirty rows. Keep out: what happened (book.py,
stories.py), columns of the evidence files (evidence_files.py) and how files are read (workspace/feeds/*.yaml). The same book
always gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random

from risk_pipeline.demo.book import Book, Payment
from risk_pipeline.demo.evidence_files import LAYOUTS, papers
from risk_pipeline.demo.reference import country_risk, industry_indicators, sanctions_list
from risk_pipeline.demo.truth import DirtyRow

Row = list[str]
_FX_START = {"USD": 1.085, "CNY": 7.72, "GBP": 0.845}  # units per euro on the first day
_METHODS = {"transfer": "UEBERWEISUNG", "direct_debit": "LASTSCHRIFT", "card": "KARTE"}
_CREDIT_REASONS = {
    "return": "RET", "dispute": "DSP", "rebate": "BON", "price_correction": "PRC", "cash_discount": "SKT", "goodwill": "GWL",
    "other": "OTH",
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A dirty row: a good row of the file at `share` of its length, with some cells replaced. `rule` '' = an exact repetition."""

    feed: str
    file: str
    share: float
    rule: str
    column: str
    cells: tuple[tuple[str, str], ...]
    keep_if: tuple[str, str] | None = None


_TWICE = (("CoCode", "DE01"), ("Year", "2026"), ("DocNo", "9999999"))
PLANTED: tuple[Planted, ...] = (
    Planted("invoice", "ar_items.csv", 0.10, "not_a_date", "invoice_date", (("DocNo", "9000001"), ("DocDate", "20261332"))),
    Planted("invoice", "ar_items.csv", 0.25, "not_a_number", "amount", (("DocNo", "9000002"), ("Gross", "12O4.50"))),
    Planted("invoice", "ar_items.csv", 0.35, "unknown_currency", "currency", (("DocNo", "9000003"), ("Curr", "XXQ"))),
    Planted("invoice", "ar_items.csv", 0.45, "customer_missing", "customer_id", (("DocNo", "9000004"), ("Debtor", ""))),
    Planted("invoice", "ar_items.csv", 0.55, "not_in_lookup", "doc_type", (("DocNo", "9000005"), ("DocType", "ZZ"))),
    Planted("invoice", "ar_items.csv", 0.65, "money_scale", "amount", (("DocNo", "9000006"), ("Gross", "2310.455"))),
    Planted("invoice", "ar_items.csv", 0.70, "", "", ()),
    Planted("invoice", "ar_items.csv", 0.75, "duplicate_key", "", (*_TWICE, ("Gross", "4100.00"))),
    Planted("invoice", "ar_items.csv", 0.85, "duplicate_key", "", (*_TWICE, ("Gross", "4900.00"))),
    Planted("credit_note", "ar_items.csv", 0.50, "not_a_number", "amount", (("DocNo", "9000007"), ("Gross", "--"))),
    Planted("payment", "bank_receipts.csv", 0.20, "key_missing", "payment_id", (("Beleg", ""),)),
    Planted(
        "payment", "bank_receipts.csv", 0.40, "not_a_date", "payment_date", (("Beleg", "Z9000001"), ("Valuta", "31.02.2026"))
    ),
    Planted("payment", "bank_receipts.csv", 0.60, "not_a_number", "amount", (("Beleg", "Z9000002"), ("Betrag", "n/a"))),
    Planted("payment", "bank_receipts.csv", 0.70, "unknown_currency", "currency", (("Beleg", "Z9000003"), ("Waehrung", "EURO"))),
    Planted("payment", "bank_receipts.csv", 0.80, "", "", ()),
    Planted("payment_application", "allocations.csv", 0.30, "value_missing", "kind", (("AllocNo", "A9000001"), ("Kind", ""))),
    Planted(
        "payment_application",
        "allocations.csv",
        0.60,
        "not_a_date",
        "applied_date",
        (("AllocNo", "A9000002"), ("Posted", "soon")),
    ),
    Planted("dispute", "claims.csv", 0.50, "not_in_list", "outcome", (("Claim", "CL9001"), ("Outcome", "perhaps"))),
    Planted("customer", "debtors.csv", 0.50, "key_missing", "customer_id", (("Debtor", ""),)),
    Planted("write_off", "write_offs.csv", 0.50, "not_in_list", "reason", (("WriteOff", "WO9001"), ("Reason", "tired of it"))),
    Planted(
        "bureau_report", "bureau_reports.csv", 0.50, "score_outside_scale", "score", (("Report", "BR99001"), ("Score", "4711"))
    ),
    Planted(
        "financial_statement",
        "statements.csv",
        0.50,
        "received_before_period_end",
        "received_date",
        (("Statement", "FS99001"), ("Received", "2019-03-31")),
    ),
    Planted("due_diligence_finding", "findings.csv", 0.50, "not_in_list", "kind", (("Finding", "DD99001"), ("Kind", "gossip"))),
    Planted("crm_event", "crm_events.csv", 0.50, "not_a_date", "event_date", (("Event", "EV99001"), ("Day", "last week"))),
)


def money(cents: int | None) -> str:
    """1234567 -> '12345.67'; None -> ''."""
    if cents is None:
        return ""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def german_money(cents: int) -> str:
    """1234567 -> '12.345,67'."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}".replace(",", ".") + f",{abs(cents) % 100:02d}"


def iso(day: date | None) -> str:
    """2026-10-31; None -> ''."""
    return "" if day is None else day.isoformat()


def compact(day: date | None) -> str:
    """20261031; None -> ''."""
    return "" if day is None else day.strftime("%Y%m%d")


def german(day: date | None) -> str:
    """31.10.2026; None -> ''."""
    return "" if day is None else day.strftime("%d.%m.%Y")


def yes_no(flag: bool) -> str:
    """Y or N."""
    return "Y" if flag else "N"


def write_files(book: Book, root: Path, rng: Random) -> tuple[list[DirtyRow], dict[str, int]]:
    """Write every file under `root`/data, and under `root`/correction what is exported once the books are corrected.

    Returns the dirty rows planted in the files and, by feed, the rows planted twice.
    """
    folder = root / "data"
    folder.mkdir(parents=True, exist_ok=True)
    dirty: list[DirtyRow] = []
    repeated: dict[str, int] = {}
    for name, build in FILES.items():
        header, rows = build(book, rng)
        for line, planted, row in _plant(name, header, rows):
            if planted.rule:
                source = dict(zip(header, row, strict=True))
                twice = "-".join(source[column] for column, _ in _TWICE) if planted.rule == "duplicate_key" else None
                value = twice or source[planted.cells[-1][0]]
                dirty.append(DirtyRow(planted.feed, f"data/{name}", line, planted.rule, planted.column, value))
            else:
                repeated[planted.feed] = repeated.get(planted.feed, 0) + 1
        _write(folder / name, header, rows)
    _write_correction(root / "correction", book, rng)
    return dirty, repeated


def _write_correction(folder: Path, book: Book, rng: Random) -> None:
    """The list of receipts as it is exported two months later: dirty rows and all, but each payment where it belongs."""
    folder.mkdir(exist_ok=True)
    header, rows = bank_receipts(book, rng, corrected=True)
    _plant("bank_receipts.csv", header, rows)
    _write(folder / "bank_receipts.csv", header, rows)


def _plant(name: str, header: Row, rows: list[Row]) -> list[tuple[int, Planted, Row]]:
    """Put the dirty rows of this file into `rows`; returns each with the line it ends up on (the header is line 1)."""
    own = [p for p in PLANTED if p.file == name]
    kind = header.index("DocType") if name == "ar_items.csv" else None
    placed: list[tuple[int, Planted, Row]] = []
    for planted in own:
        at = int(len(rows) * planted.share)
        if kind is not None:  # the row copied must belong to the feed that is to reject it
            wanted = (lambda row: row[kind] == "CN") if planted.feed == "credit_note" else (lambda row: row[kind] == "RV")
            at = next(index for index in range(at, len(rows)) if wanted(rows[index]))
        row = list(rows[at])
        for column, value in planted.cells:
            row[header.index(column)] = value
        placed.append((at, planted, row))
    placed.sort(key=lambda entry: entry[0])
    for at, _, row in reversed(placed):
        rows.insert(at + 1, row)
    return [(at + count + 3, planted, row) for count, (at, planted, row) in enumerate(placed)]


def _write(path: Path, header: Row, rows: Iterable[Row]) -> None:
    german_file = path.name == "bank_receipts.csv"
    encoding = "utf-8-sig" if path.name == "debtors.csv" else "utf-8"  # the master is exported for Excel, with a BOM
    with path.open("w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle, delimiter=";" if german_file else ",", lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


# -- the files -----------------------------------------------------------------------------------------------------------


def debtors(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """The customer master, without those the ledger knows and the master does not."""
    header = (
        "Debtor,CompanyName,RegNo,Register,LegalForm,Founded,Person,Country,Region,Nace,Size,Branch,LegalEntity,Parent,Affiliate,"
        "OneTimeAcct,PublicBody,Projects,Curr,HomeCurrency,TermsDays,CustomerSince,ValidFrom,KeyAccount,Street,Phone,Email,ConsentDate,ConsentState"
    )
    rows = [
        [
            c.number, c.name, c.registration_number, c.registration_scheme, c.legal_form, iso(c.founded),
            yes_no(c.natural_person), c.country, c.region, c.industry, c.size, "public" if c.public_body else "trade",
            f"LE{c.number}", c.group, yes_no(c.intercompany), yes_no(c.one_time), yes_no(c.public_body),
            yes_no(c.project_business), c.currency, c.currency, str(c.terms), iso(c.since), iso(c.since), c.manager,
            f"{rng.randint(1, 99)} Demo Street", f"+00 555 {rng.randint(10000, 99999)}",
            f"ap{c.number}@example.com", iso(c.since) if c.consent else "", c.consent,
        ]
        for c in sorted(book.customers, key=lambda c: c.number)
        if c.in_master
    ]  # fmt: skip
    return header.split(","), rows


def ar_items(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Invoices and credit notes in one file, as a receivables ledger has them; credits are negative. Dates are YYYYMMDD."""
    header = (
        "CoCode,Year,DocNo,DocType,Debtor,DocDate,PostDate,Entered,Baseline,TermsKey,DueDate,Gross,Tax,Curr,OrderNo,RefDoc,Reversal,"
        "Reason,Factoring,Channel,Cleared,ClearedBy"
    )
    rows = []
    for i in book.invoices:
        entered = min(i.day + timedelta(days=rng.choice((0, 0, 0, 1, 2))), book.last_day)
        given = i.customer.due_date_given or i.doc_type != "RV"
        rows.append(
            [
                *i.ref.split("-"), i.doc_type, i.customer.number, compact(i.day), compact(entered), compact(entered),
                compact(i.day), i.terms_code, compact(i.due) if given else "", money(i.cents), money(round(i.cents * 19 / 119)),
                i.currency, i.order.ref if i.order else "", "", i.reverses.ref if i.reverses else "", "", i.factored,
                rng.choice(("post", "email", "portal")), compact(i.cleared), i.clear_kind,
            ]
        )  # fmt: skip
    for n in book.credit_notes:
        day = compact(n.day)
        reference = n.invoice.ref if n.invoice else ""
        rows.append(
            [
                *n.ref.split("-"), "CN", n.customer.number, day, day, day, day, "", "", money(-n.cents),
                money(round(-n.cents * 19 / 119)), n.currency, "", reference, "", _CREDIT_REASONS[n.reason], "", "", "", "",
            ]
        )  # fmt: skip
    rows.sort(key=lambda row: (row[5], row[2]))
    return header.split(","), rows


def bank_receipts(book: Book, rng: Random, *, corrected: bool = False) -> tuple[Row, list[Row]]:
    """The bank's list of receipts: semicolons, German words, decimal comma, customer numbers padded to ten digits.

    Until it is `corrected`, a payment mistaken for another's stands with that customer and that invoice.
    """
    header = "Beleg;Debitor;Buchungskreis;Valuta;Erfasst;Betrag;Waehrung;Zahlart;Kontohash;Anzahlung;Rechnung;Status;StatusDatum"
    rows = []
    for p in book.payments:
        invoice = p.shorthand if corrected else p.mistaken_for or p.shorthand
        rows.append(
            [
                p.ref, (invoice or p).customer.number.zfill(10), p.company, german(p.day), german(p.entered),
                german_money(p.cents), p.currency, _METHODS[p.method], _account(p), "J" if p.is_advance else "N",
                invoice.ref if invoice else "", "RUECKLAEUFER" if p.returned_on else "GEBUCHT", german(p.returned_on),
            ]
        )  # fmt: skip
    return header.split(";"), rows


def _account(payment: Payment) -> str:
    """The account the money came from, hashed."""
    customer = payment.customer
    other = customer.new_bank_from is not None and payment.day >= customer.new_bank_from
    return hashlib.sha256(f"{customer.number}{'/2' if other else ''}".encode()).hexdigest()[:16]


def allocations(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """What was set against which invoice."""
    header = "AllocNo,Receipt,CreditNote,BillNo,Invoice,Debtor,Posted,ValueDate,Amount,Discount,Curr,Kind,ReversedOn"
    rows = [
        [
            a.ref, a.payment.ref if a.payment else "", a.credit_note.ref if a.credit_note else "", a.bill.ref if a.bill else "",
            a.invoice.ref, a.invoice.customer.number, iso(a.applied), iso(a.value_date), money(a.cents),
            money(a.discount_cents) if a.discount_cents else "", a.invoice.currency, a.kind, iso(a.reversed_on),
        ]
        for a in book.applications
    ]  # fmt: skip
    return header.split(","), rows


def write_offs(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """What was given up, with the invoice it belonged to."""
    header = "WriteOff,Debtor,Invoice,Posted,Amount,Curr,Reason"
    rows = []
    for record in book.write_offs:
        invoice, cents, currency, reason = record.values
        rows.append([record.ref, record.customer.number, invoice.ref, iso(record.day), money(cents), currency, reason])
    return header.split(","), rows


def claims(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Disputes, open and decided."""
    header = "Claim,Debtor,Invoice,Opened,Amount,Curr,About,Closed,Outcome,Settled"
    rows = []
    for record in book.disputes:
        invoice, cents, reason, resolved, outcome, settled = record.values
        head = [record.ref, record.customer.number, invoice.ref, iso(record.day), money(cents), invoice.currency, reason]
        rows.append([*head, iso(resolved), outcome, money(settled)])
    return header.split(","), rows


def orders(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Orders: billed, cancelled and still open ones."""
    header = "OrderNo,Debtor,Ordered,PlannedDelivery,Value,DeliveredNotBilled,Curr,Done,Cancelled"
    rows = [
        [
            o.ref, o.customer.number, iso(o.day), iso(o.planned), money(o.cents), money(o.delivered_not_invoiced), o.currency,
            iso(o.fulfilled), iso(o.cancelled),
        ]
        for o in book.orders
    ]  # fmt: skip
    return header.split(","), rows


def bills(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Bills of exchange, matured ones with their outcome."""
    header = "BillNo,Debtor,Type,Received,Maturity,Amount,Curr,Acceptor,Outcome,OutcomeDate"
    rows = [
        [
            b.ref, b.customer.number, b.kind, iso(b.received), iso(b.maturity), money(b.cents), b.currency, b.acceptor, b.outcome,
            iso(b.maturity) if b.outcome else "",
        ]
        for b in book.bills
    ]  # fmt: skip
    return header.split(","), rows


def instalments(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Plans and their lines in one file, the plan repeated on every line."""
    header = "Plan,Debtor,Agreed,Why,Broken,Line,Invoice,Due,Amount"
    rows = []
    for plan in book.plans:
        head = [plan.ref, plan.customer.number, iso(plan.agreed), plan.reason, iso(plan.broken)]
        for number, (invoice, due, cents) in enumerate(plan.lines, 1):
            rows.append([*head, str(number), invoice.ref, iso(due), money(cents)])
    return header.split(","), rows


def credit_requests(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Requests for credit and how they were decided."""
    header = "Request,Debtor,Asked,Limit,TermsDays,MonthlySales,Curr,Decided,Decision"
    rows = []
    for record in book.requests:
        limit, days, monthly, currency, decided, decision = record.values
        head = [record.ref, record.customer.number, iso(record.day), money(limit), str(days), money(monthly), currency]
        rows.append([*head, iso(decided), decision])
    return header.split(","), rows


def terms(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Plain terms, and one with a cash discount."""
    start = iso(book.first_day - timedelta(days=365))
    header = "Key,ValidFrom,Baseline,NetDays,DiscountDays,DiscountPct"
    rows = [[f"N{days}", start, "invoice", str(days), "", ""] for days in (14, 30, 45, 60)]
    rows.append(["D14", start, "invoice", "30", "14", "2"])
    return header.split(","), rows


def fx_rates(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """Invented daily rates in the form the ECB publishes: units of the currency for one euro, working days only."""
    rates = dict(_FX_START)
    rows = []
    day = book.first_day - timedelta(days=10)
    while day <= book.last_day:
        if day.weekday() < 5:
            for currency in sorted(rates):
                rates[currency] *= 1 + rng.gauss(0.0, 0.0035)
                rows.append([iso(day), currency, f"{rates[currency]:.4f}"])
        day += timedelta(days=1)
    return ["Date", "Currency", "PerEuro"], rows


def control_totals(book: Book, rng: Random) -> tuple[Row, list[Row]]:
    """What the ledger itself says is open at the last three month ends."""
    rows = [
        ["invoice", "open_balance", iso(day), currency, money(cents)]
        for day in book.month_ends[-3:]
        for currency, cents in book.open_balances(day).items()
    ]
    return ["Feed", "Measure", "Date", "Curr", "Total"], rows


def _papers(name: str, book: Book, rng: Random) -> tuple[Row, list[Row]]:
    return papers(book, name)


FILES: dict[str, Callable[[Book, Random], tuple[Row, list[Row]]]] = {
    "debtors.csv": debtors,
    "ar_items.csv": ar_items,
    "bank_receipts.csv": bank_receipts,
    "allocations.csv": allocations,
    "write_offs.csv": write_offs,
    "claims.csv": claims,
    "orders.csv": orders,
    "bills.csv": bills,
    "instalments.csv": instalments,
    "credit_requests.csv": credit_requests,
    "terms.csv": terms,
    "fx_rates.csv": fx_rates,
    "control_totals.csv": control_totals,
    **{name: partial(_papers, name) for name in LAYOUTS},
    "industry_indicators.csv": industry_indicators,
    "country_risk.csv": country_risk,
    "sanctions_list.csv": sanctions_list,
}
