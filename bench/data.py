"""The ledgers the bench works on: made once by the demo's bulk generator, widened, ingested, and kept under BENCH_DIR.

Put here: how a workspace of a given size comes to be, and where. Keep out: measuring (measure.py, lines.py).

The bulk ledger is all in one currency and company code and every cent of it is applied. `widen` gives a part of the customers
other currencies and company codes, unapplied payments and credits, returned debits and write-offs, so that neither the
pipeline nor the hand-written script can leave these out and still agree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import yaml

import risk_pipeline.demo.bulk as bulk
import risk_pipeline.demo.bulk_evidence as bulk_evidence
from risk_pipeline.demo.bulk import generate_bulk, generate_invoices
from risk_pipeline.demo.bulk_evidence import generate_evidence

AS_OF = date(2026, 10, 31)  # the last month end of the bulk ledger
NOW = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
REPORTING = "EUR"

# number(id) % m picks who is special: fixed by the id, so the same rows on every machine
WIDEN = {
    "invoice": """
        SELECT * REPLACE (
            CASE WHEN number(customer_id) % 10 < 6 THEN 'EUR' WHEN number(customer_id) % 10 < 8 THEN 'USD'
                ELSE 'CNY' END AS currency,
            CASE WHEN number(customer_id) % 5 = 0 AND number(invoice_id) % 2 = 0 THEN '2000' ELSE '1000' END AS company_code
        ) FROM invoice
    """,
    "payment": """
        SELECT p.* EXCLUDE (returned) REPLACE (
                i.currency AS currency,
                i.company_code AS company_code,
                CASE WHEN number(p.customer_id) % 4 = 0 THEN 'direct_debit' ELSE 'transfer' END AS method,
                CASE WHEN number(p.payment_id) % 97 <> 0 THEN p.invoice_id END AS invoice_id
            ),
            CASE WHEN returned THEN 'returned' ELSE 'booked' END AS status,
            CASE WHEN returned THEN p.payment_date + 7 END AS status_date
        FROM (SELECT *, number(customer_id) % 4 = 0 AND number(payment_id) % 150 = 1 AS returned FROM payment) AS p
        JOIN wide_invoice AS i ON number(p.payment_id) = number(i.invoice_id)
    """,
    "payment_application": """
        SELECT a.* REPLACE (i.currency AS currency) FROM payment_application AS a JOIN wide_invoice AS i USING (invoice_id)
    """,
    "credit_note": """
        SELECT n.* REPLACE (
            i.currency AS currency, i.company_code AS company_code,
            CASE WHEN number(n.credit_note_id) % 50 <> 0 THEN n.invoice_id END AS invoice_id
        ) FROM credit_note AS n JOIN wide_invoice AS i USING (invoice_id)
    """,
    "dispute": """
        SELECT d.* REPLACE (i.currency AS currency) FROM dispute AS d JOIN wide_invoice AS i USING (invoice_id)
    """,
    "customer": """
        SELECT * REPLACE (
            CASE WHEN number(customer_id) % 10 < 6 THEN 'EUR' WHEN number(customer_id) % 10 < 8 THEN 'USD'
                ELSE 'CNY' END AS credit_currency
        ), number(customer_id) % 25 = 0 AS natural_person FROM customer
    """,
    "write_off": """
        SELECT 'W' || substr(invoice_id, 2) AS write_off_id, customer_id, invoice_id, due_date + 150 AS write_off_date,
               CAST(amount / 2 AS DECIMAL(18, 2)) AS amount, currency,
               CASE WHEN number(invoice_id) % 3 = 0 THEN 'goodwill' ELSE 'uncollectible' END AS reason
        FROM wide_invoice AS i
        WHERE due_date + 150 <= DATE '{as_of}' AND number(invoice_id) % 2 = 0
          AND NOT EXISTS (SELECT 1 FROM payment AS p WHERE number(p.payment_id) = number(i.invoice_id))
    """,
    "fx_rate": """
        SELECT currency, CAST(day AS DATE) AS rate_date,
               CAST(base + (date_diff('day', DATE '2026-01-01', CAST(day AS DATE)) % 17) * base / 400 AS DECIMAL(18, 10)) AS rate
        FROM (VALUES ('USD', 1.08), ('CNY', 7.83)) AS c(currency, base),
             range(DATE '2026-08-01', DATE '{as_of}' + 1, INTERVAL 1 DAY) AS d(day)
        WHERE dayofweek(CAST(day AS DATE)) BETWEEN 1 AND 5
    """,
}


def bench_dir() -> Path:
    """BENCH_DIR, else a folder for the bench in the machine's temporary folder. Never inside the repository."""
    folder = Path(os.environ.get("BENCH_DIR") or Path(tempfile.gettempdir()) / "risk-pipeline-bench")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def workspace(customers: int) -> Path:
    """A workspace of `customers` customers with 20 invoices each, ingested. Made at the first call, then reused."""
    source = Path(bulk.__file__).read_bytes() + Path(__file__).read_bytes()
    root = bench_dir() / f"ledger-{customers}-{hashlib.sha256(source).hexdigest()[:8]}"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        generate_bulk(root, customers, last_month_end=AS_OF, fmt="parquet")
        widen(root)
        ingest_all(root)
        (root / "ready").touch()
    return root


def evidence_workspace(customers: int) -> Path:
    """The same ledger with evidence about its customers in every evidence feed, ingested. Made at the first call, then reused."""
    source = Path(bulk.__file__).read_bytes() + Path(bulk_evidence.__file__).read_bytes() + Path(__file__).read_bytes()
    root = bench_dir() / f"evidence-{customers}-{hashlib.sha256(source).hexdigest()[:8]}"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        generate_bulk(root, customers, last_month_end=AS_OF, fmt="parquet")
        widen(root)
        generate_evidence(root, last_month_end=AS_OF, fmt="parquet")
        ingest_all(root)
        (root / "ready").touch()
    return root


def csv_ledger(customers: int) -> Path:
    """A workspace with the invoice feed of `customers` customers as CSV (8 mapped columns), not ingested."""
    source = Path(bulk.__file__).read_bytes()
    root = bench_dir() / f"csv-{customers}-{hashlib.sha256(source).hexdigest()[:8]}"
    if not (root / "ready").exists():
        shutil.rmtree(root, ignore_errors=True)
        generate_invoices(root, customers, last_month_end=AS_OF, fmt="csv")
        (root / "ready").touch()
    return root


def widen(root: Path) -> None:
    """Rewrite the feeds of a bulk ledger below `root` as WIDEN says, and map the new columns."""
    con = duckdb.connect()
    con.execute("CREATE MACRO number(id) AS CAST(substr(id, 2) AS BIGINT)")
    for file in sorted((root / "data").glob("*.parquet")):
        con.execute(f"CREATE TABLE {file.stem} AS FROM '{file}'")
    con.execute(f"CREATE TABLE wide_invoice AS {WIDEN['invoice']}")
    for feed, select in WIDEN.items():
        path = root / "data" / f"{feed}.parquet"
        con.execute(f"COPY ({select.format(as_of=AS_OF)}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        _map(con, root, feed, path)


def ingest_all(root: Path) -> None:
    """Ingest every feed of the workspace; anything but a stored delivery is an error."""
    from risk_pipeline.pipeline.ingest import ingest
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    space = Workspace.load(root)
    space.warehouse.mkdir(parents=True, exist_ok=True)
    for result in ingest(space, Register.open(space.register_url), now=NOW):
        if result.state != "effective":
            raise SystemExit(f"bench: {result} was not stored")


def _map(con: duckdb.DuckDBPyConnection, root: Path, feed: str, path: Path) -> None:
    columns = con.execute(f"DESCRIBE FROM '{path}'").fetchall()
    spec = {
        "feed": feed,
        "source": {"kind": "file", "path": f"data/{feed}.parquet", "format": "parquet"},
        "delivery": "snapshot",
        "known_at": "event_date",
        "columns": {row[0]: {"from": row[0], **({"format": "%Y-%m-%d"} if row[1] == "DATE" else {})} for row in columns},
        "assertions": {"rows_min": 1, "max_rejected_pct": 0},
    }
    (root / "feeds" / f"{feed}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
