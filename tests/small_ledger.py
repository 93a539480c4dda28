"""A workspace with a ledger of five customers over two years: small enough to assess in a test, with one of each fate.

Put here: the files of that workspace, for tests of the command line and of Dagster. Keep out: expectations.
C1 pays on time, C2 pays late, C3 stopped paying in August 2024, C4 buys and pays 40 days late since summer, C5 is new.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

RISK_YAML = "reporting_currency: EUR\ntime_zone: Europe/Berlin\nlanguage: both\nthreads: 1\n"
INVOICE_YAML = """\
feed: invoice
source: {kind: file, path: data/invoices.csv, format: csv}
delivery: snapshot
known_at: event_date
columns:
  invoice_id:   {from: No}
  customer_id:  {from: Customer}
  invoice_date: {from: Date, format: "%Y-%m-%d"}
  due_date:     {from: Due, format: "%Y-%m-%d"}
  amount:       {from: Amount, decimal: "."}
  currency:     {value: EUR}
assertions: {rows_min: 1, max_rejected_pct: 50}
"""
PAYMENT_YAML = """\
feed: payment
source: {kind: file, path: data/payments.csv, format: csv}
delivery: snapshot
known_at: event_date
columns:
  payment_id:   {template: "P{Invoice}"}
  invoice_id:   {from: Invoice}
  customer_id:  {from: Customer}
  payment_date: {from: Date, format: "%Y-%m-%d"}
  amount:       {from: Amount, decimal: "."}
  currency:     {value: EUR}
assertions: {rows_min: 1, max_rejected_pct: 50}
"""
LAST = date(2024, 12, 31)
OCTOBER, NOVEMBER, DECEMBER = date(2024, 10, 31), date(2024, 11, 30), LAST


def make_small_workspace(root: Path) -> Path:
    """Write settings, feed YAML and CSV files; nothing is ingested."""
    for name in ("feeds", "data", "policy"):
        (root / name).mkdir(parents=True)
    (root / "risk.yaml").write_text(RISK_YAML, encoding="utf-8")
    (root / "feeds" / "invoice.yaml").write_text(INVOICE_YAML, encoding="utf-8")
    (root / "feeds" / "payment.yaml").write_text(PAYMENT_YAML, encoding="utf-8")
    invoices, payments = ["No,Customer,Date,Due,Amount"], ["Invoice,Customer,Date,Amount"]
    for customer, first, days_late in (
        ("C1", date(2023, 1, 10), lambda day: 0),
        ("C2", date(2023, 1, 12), lambda day: 25),
        ("C3", date(2023, 1, 15), lambda day: None if day >= date(2024, 8, 1) else 2),
        ("C4", date(2023, 1, 20), lambda day: 40 if day >= date(2024, 6, 1) else 0),
        ("C5", date(2024, 10, 5), lambda day: 0),
    ):
        day = first
        while day <= LAST:
            number = f"{customer}-{day:%Y%m}"
            amount = f"{1000 + 37 * day.month + 11 * (day.year - 2023)}.{day.month:02d}"
            due = day + timedelta(days=30)
            invoices.append(f"{number},{customer},{day},{due},{amount}")
            late = days_late(day)
            if late is not None and due + timedelta(days=late) <= LAST:
                payments.append(f"{number},{customer},{due + timedelta(days=late)},{amount}")
            day = date(day.year + day.month // 12, day.month % 12 + 1, day.day)
    invoices.append("C9-broken,C1,2024-13-01,2024-12-31,10.00")  # a date that does not exist
    (root / "data" / "invoices.csv").write_text("\n".join(invoices) + "\n", encoding="utf-8")
    (root / "data" / "payments.csv").write_text("\n".join(payments) + "\n", encoding="utf-8")
    return root
