"""What the pipeline is measured against: one DuckDB script, written by hand for this ledger and nothing else.

It reads the same Parquet parts and computes the same factors, score with contributions, and every decision (decision_sql.py), to
the cent and to the bit, in the order that is fastest for this data. It leaves out what the pipeline is for: knowledge dates,
lineage of a row, other feeds, the assessment before, reasons, limit candidates, checks, atomic publication. The bench compares
its results with the pipeline's on every customer, so neither side can save work by computing something else.

    python -m bench.hand_script WAREHOUSE/lake/feed OUT_DIR 2026-10-31 [EUR]
"""

from __future__ import annotations

import calendar
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

from bench import decision_sql

FACTS = ("customer_state", "newest_event", "exposure", "transaction_history")
RESULTS = ("open_item", "exposure_by_currency", "newest_event", "exposure", "transaction_history", *decision_sql.RESULTS)
FEEDS = ("customer", "invoice", "payment", "payment_application", "credit_note", "write_off", "dispute", "fx_rate")
SIDES = ("billed", "applied", "set_off", "credited", "discounts", "written_off", "fx_difference")
BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")

decision_sql.default_policy()  # read before the clock of the bench starts


def back(day: date, months: int) -> date:
    """`day` minus whole months; a month end stays a month end."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    at_end = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month + 1, last if at_end else min(day.day, last))


def reporting(amount: str, rate: str = "rate") -> str:
    """`amount` in reporting currency, rounded per row; the multiplication is in 128 bits, so rows at rate 1 skip it."""
    return f"CASE WHEN {rate} = 1 THEN {amount} ELSE CAST(CAST({amount} AS DECIMAL(19, 2)) * {rate} AS DECIMAL(18, 2)) END"


def money(expression: str) -> str:
    """A sum back in the type of money."""
    return f"CAST({expression} AS DECIMAL(18, 2))"


def main(feeds: Path, out: Path, as_of: date, currency: str = "EUR") -> None:
    """Read the feed parts below `feeds`, write a Parquet file per table of RESULTS below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"preserve_insertion_order": False})
    for feed in FEEDS:
        con.execute(f"CREATE VIEW {feed} AS FROM read_parquet('{feeds}/{feed}/*.parquet')")
    for statement in [*ledger(as_of, currency), *history(as_of), *master(as_of, currency)]:
        con.execute(statement)
    decision_sql.decide(con, FACTS, as_of, currency, evidence=False)
    for table in RESULTS:
        con.execute(f"COPY {table} TO '{out}/{table}.parquet' (FORMAT parquet)")


def ledger(as_of: date, currency: str) -> list[str]:
    """Items, open items with offset, exposure."""
    t = f"DATE '{as_of}'"
    return [
        f"""
        CREATE TABLE fx AS
        WITH newest AS (
            SELECT currency, arg_max(rate, rate_date)::DOUBLE AS rate FROM fx_rate
            WHERE rate_date BETWEEN {t} - 7 AND {t} AND currency <> 'EUR' GROUP BY currency
            UNION ALL SELECT 'EUR', 1.0::DOUBLE
        )
        SELECT n.currency, CASE WHEN n.currency = '{currency}' THEN 1 ELSE r.rate / n.rate END::DECIMAL(18, 10) AS rate
        FROM newest n, (SELECT rate FROM newest WHERE currency = '{currency}') r
        """,
        f"""
        CREATE TABLE payment_seen AS
        SELECT payment_id, customer_id, coalesce(company_code, '') AS company_code, currency, payment_date, amount,
            method, invoice_id,
               coalesce(is_advance, false) AS is_advance, status IS NOT NULL AS has_status,
               CASE WHEN status IN ('returned', 'reversed') AND status_date <= {t} THEN status_date END AS returned_on
        FROM payment WHERE payment_date <= {t}
        """,
        f"""
        CREATE TABLE applied_seen AS
        SELECT a.payment_id, a.credit_note_id, a.invoice_id, a.kind, a.amount, coalesce(a.discount_amount, 0) AS discount,
               a.applied_date, coalesce(a.value_date, p.payment_date, a.applied_date) AS value_date,
               p.returned_on IS NOT NULL AS undone
        FROM payment_application a LEFT JOIN payment_seen p ON a.payment_id = p.payment_id
        WHERE a.applied_date <= {t} AND NOT coalesce(a.reversed_date <= {t}, false)
        """,
        f"""
        CREATE TABLE line AS
        SELECT invoice_id, kind, amount, discount, applied_date, value_date FROM applied_seen
        WHERE NOT undone AND invoice_id IS NOT NULL
        UNION ALL
        SELECT invoice_id, 'cash', amount, 0, payment_date, payment_date FROM payment_seen p
        ANTI JOIN applied_seen a ON p.payment_id = a.payment_id
        WHERE p.invoice_id IS NOT NULL AND p.returned_on IS NULL
        UNION ALL
        SELECT invoice_id, 'credit_note', amount, 0, credit_date, credit_date FROM credit_note n
        ANTI JOIN applied_seen a ON n.credit_note_id = a.credit_note_id
        WHERE n.invoice_id IS NOT NULL AND n.credit_date <= {t}
        UNION ALL
        SELECT invoice_id, 'write_off', amount, 0, write_off_date, write_off_date FROM write_off w
        ANTI JOIN (FROM applied_seen WHERE kind = 'write_off') a ON w.invoice_id = a.invoice_id
        WHERE w.invoice_id IS NOT NULL AND w.write_off_date <= {t}
        """,
        f"""
        CREATE TABLE item AS
        WITH reduced AS (
            SELECT invoice_id,
                   {money("sum(CASE WHEN kind IN ('cash', 'bill', 'matured_bill') THEN amount ELSE 0 END)")} AS applied,
                   {money("sum(CASE WHEN kind = 'set_off' THEN amount ELSE 0 END)")} AS set_off,
                   {money("sum(CASE WHEN kind = 'credit_note' THEN amount ELSE 0 END)")} AS credited,
                   {money("sum(discount)")} AS discounts,
                   {money("sum(CASE WHEN kind = 'write_off' THEN amount ELSE 0 END)")} AS written_off,
                   {money("sum(CASE WHEN kind = 'fx_difference' THEN amount ELSE 0 END)")} AS fx_difference,
                   bool_or(kind IN ('cash', 'matured_bill', 'set_off')) AS paid,
                   min(value_date) AS first_value, max(value_date) AS last_value
            FROM line GROUP BY invoice_id
        )
        SELECT i.customer_id, i.invoice_id, coalesce(i.company_code, '') AS company_code, i.currency, i.invoice_date, i.amount,
               coalesce(i.due_date, i.invoice_date + c.contracted_terms_days::INTEGER, i.invoice_date) AS due_date,
               coalesce(i.doc_type NOT IN ('interest', 'opening_balance'), true) AS sale,
               applied, set_off, credited, discounts, written_off, fx_difference, paid, first_value, last_value, fx.rate,
               i.amount - coalesce(applied + set_off + credited + discounts + written_off + fx_difference, 0) AS open_amount
        FROM invoice i
        LEFT JOIN reduced r ON i.invoice_id = r.invoice_id
        LEFT JOIN customer c ON i.due_date IS NULL AND i.customer_id = c.customer_id
        LEFT JOIN fx ON i.currency = fx.currency
        WHERE i.invoice_date <= {t} AND coalesce(i.doc_type, 'invoice') <> 'advance_request'
        """,
        """
        CREATE TABLE unapplied AS
        WITH used AS (SELECT payment_id, sum(amount) AS amount FROM applied_seen
            WHERE payment_id IS NOT NULL GROUP BY payment_id),
        used_credit AS (
            SELECT credit_note_id, sum(amount) AS amount FROM applied_seen
            WHERE credit_note_id IS NOT NULL AND payment_id IS NULL GROUP BY credit_note_id
        ),
        rest AS (
            SELECT customer_id, company_code, currency, payment_date AS paid_on, is_advance AS advance,
                   greatest(p.amount - coalesce(u.amount, 0), 0) AS cash, 0::DECIMAL(18, 2) AS credit
            FROM payment_seen p LEFT JOIN used u ON p.payment_id = u.payment_id
            WHERE returned_on IS NULL AND (invoice_id IS NULL OR u.payment_id IS NOT NULL)
            UNION ALL
            SELECT customer_id, coalesce(company_code, ''), currency, NULL, false, 0,
                   greatest(n.amount - coalesce(u.amount, 0), 0)
            FROM credit_note n LEFT JOIN used_credit u ON n.credit_note_id = u.credit_note_id
            WHERE n.credit_date <= """
        + t
        + """ AND (n.invoice_id IS NULL OR u.credit_note_id IS NOT NULL)
        )
        SELECT customer_id, company_code, currency,
               CAST(sum(CASE WHEN advance THEN 0 ELSE cash END) AS DECIMAL(18, 2)) AS unapplied_cash,
               CAST(sum(credit) AS DECIMAL(18, 2)) AS unapplied_credits,
               CAST(sum(CASE WHEN advance THEN cash ELSE 0 END) AS DECIMAL(18, 2)) AS advances,
               min(CASE WHEN cash > 0 AND NOT advance THEN paid_on END) AS unapplied_since
        FROM rest WHERE cash <> 0 OR credit <> 0 GROUP BY ALL
        """,
        f"""
        CREATE TABLE open_item AS
        WITH open AS (
            SELECT o.customer_id, o.invoice_id, o.company_code, o.currency, o.invoice_date, o.amount, o.due_date, o.rate,
                   o.open_amount::DECIMAL(18, 2) AS open_amount, {", ".join(f"coalesce({c}, 0) AS {c}" for c in SIDES[1:])},
                   coalesce(i.doc_type, 'invoice') AS doc_type, i.original_due_date, {t} - o.due_date AS days_past_due,
                   CASE WHEN i.due_date IS NOT NULL THEN 'given' WHEN o.due_date = i.invoice_date THEN 'invoice_date'
                       ELSE 'contracted'
                   END AS due_date_source
            FROM (FROM item WHERE open_amount <> 0) o JOIN invoice i ON o.invoice_id = i.invoice_id
        ),
        disputed AS (
            SELECT d.invoice_id, sum(coalesce(d.amount, o.open_amount)) AS disputed,
                   sum(CASE WHEN {t} - d.opened_date < 90 THEN coalesce(d.amount, o.open_amount) ELSE 0 END) AS shielded
            FROM dispute d JOIN open o ON d.invoice_id = o.invoice_id
            WHERE d.opened_date <= {t} AND NOT coalesce(d.resolved_date <= {t}, false) GROUP BY d.invoice_id
        ),
        parted AS (
            SELECT o.*, {money("least(coalesce(d.disputed, 0), greatest(o.open_amount, 0))")} AS disputed_amount,
                   {money("least(coalesce(d.shielded, 0), greatest(o.open_amount, 0))")} AS shielded_amount
            FROM open o LEFT JOIN disputed d ON o.invoice_id = d.invoice_id
        ),
        pool AS (
            SELECT customer_id, company_code, currency, sum(amount) AS amount FROM (
                SELECT customer_id, company_code, currency, unapplied_cash + unapplied_credits AS amount FROM unapplied
                UNION ALL SELECT customer_id, company_code, currency, -open_amount FROM parted WHERE open_amount < 0
            ) GROUP BY ALL
        ),
        queued AS (
            SELECT p.*, greatest(p.open_amount, 0) - p.shielded_amount AS undisputed, coalesce(q.amount, 0) AS pool,
                   sum(greatest(p.open_amount, 0) - p.shielded_amount) OVER (
                       PARTITION BY p.customer_id, p.company_code, p.currency ORDER BY p.due_date, p.invoice_id
                       ROWS UNBOUNDED PRECEDING
                   ) AS so_far
            FROM parted p LEFT JOIN pool q
              ON p.customer_id = q.customer_id AND p.company_code = q.company_code AND p.currency = q.currency
        ),
        rested AS (
            SELECT *, {money("greatest(least(undisputed, pool - (so_far - undisputed)), 0)")} AS offset_amount FROM queued
        )
        SELECT customer_id, invoice_id, company_code, currency, doc_type, invoice_date, due_date, due_date_source,
            original_due_date,
               amount, applied, set_off, credited, discounts, written_off, fx_difference, open_amount,
               disputed_amount, shielded_amount, offset_amount,
               {money("CASE WHEN days_past_due > 0 THEN undisputed - offset_amount ELSE 0 END")} AS overdue_amount,
               {money("undisputed - offset_amount")} AS undisputed_open, rate,
               {reporting("open_amount")} AS open_amount_reporting,
               {reporting("CAST(CASE WHEN days_past_due > 0 THEN undisputed - offset_amount ELSE 0 END AS DECIMAL(18, 2))")}
                   AS overdue_amount_reporting,
               days_past_due,
               CASE WHEN days_past_due <= 0 THEN 'not_due' WHEN days_past_due <= 30 THEN '1_30'
                   WHEN days_past_due <= 60 THEN '31_60'
                    WHEN days_past_due <= 90 THEN '61_90' ELSE 'over_90' END AS aging_bucket,
               open_amount < amount AND (
                   {reporting("open_amount")} <= 10 OR open_amount <= CAST(amount * 0.005 AS DECIMAL(18, 2))
               ) AS residual
        FROM rested
        """,
        f"""
        CREATE TABLE exposure_by_currency AS
        WITH billed AS (
            SELECT customer_id, company_code, currency, count(*) AS n_items,
                   {", ".join(f"sum({'amount' if c == 'billed' else f'coalesce({c}, 0)'}) AS {c}" for c in SIDES)}
            FROM item GROUP BY customer_id, company_code, currency
        )
        SELECT customer_id, company_code, currency, coalesce(n_items, 0) AS n_items,
               {", ".join(money(f"coalesce({c}, 0)") + f" AS {c}" for c in SIDES)},
               CAST(coalesce(billed - applied - set_off - credited - discounts - written_off - fx_difference,
                   0) AS DECIMAL(18, 2))
                   AS open_amount,
               coalesce(unapplied_cash, 0) AS unapplied_cash, coalesce(unapplied_credits, 0) AS unapplied_credits,
               coalesce(advances, 0) AS advance_payments_received, fx.rate AS fx_rate
        FROM billed FULL JOIN unapplied USING (customer_id, company_code, currency) LEFT JOIN fx USING (currency)
        """,
        """
        CREATE TABLE everybody AS
        SELECT customer_id FROM customer UNION SELECT customer_id FROM exposure_by_currency UNION SELECT customer_id
            FROM payment_seen
        """,
        f"""
        CREATE TABLE exposure AS
        WITH owed AS (
            SELECT customer_id, sum(open_amount_reporting) AS open_exposure,
                   {
            ", ".join(f"sum(CASE WHEN aging_bucket = '{b}' THEN open_amount_reporting ELSE 0 END) AS aging_{b}" for b in BUCKETS)
        },
                   sum(overdue_amount_reporting) AS overdue, sum({reporting("undisputed_open")}) AS undisputed_open,
                   sum({reporting("disputed_amount")}) AS disputed_open,
                   max(CASE WHEN open_amount > 0 AND days_past_due > 0
                       AND NOT residual THEN days_past_due END) AS max_days_past_due,
                   count(*) AS n_open_invoices, count(*) FILTER (overdue_amount > 0) AS n_overdue_invoices
            FROM open_item GROUP BY customer_id
        ),
        old AS (
            SELECT o.customer_id, days_past_due, sum(overdue_amount_reporting) OVER (
                PARTITION BY o.customer_id ORDER BY days_past_due DESC RANGE UNBOUNDED PRECEDING) AS at_least,
                greatest(CASE WHEN c.natural_person THEN 100 ELSE 500 END, {money("w.open_exposure * 0.01")}) AS material
            FROM open_item o JOIN owed w ON o.customer_id = w.customer_id LEFT JOIN customer c ON o.customer_id = c.customer_id
            WHERE overdue_amount > 0 AND NOT residual
        ),
        oldest AS (SELECT customer_id, max(days_past_due) AS days FROM old WHERE at_least >= material GROUP BY customer_id),
        place AS (
            SELECT customer_id, company_code, currency, sum(open_amount_reporting) AS owed FROM open_item GROUP BY ALL
        ),
        total AS (
            SELECT customer_id, sum({reporting("coalesce(unapplied_cash, 0)", "fx.rate")}) AS unapplied_cash,
                   sum({reporting("coalesce(unapplied_credits, 0)", "fx.rate")}) AS unapplied_credits,
                   sum({reporting("coalesce(advances, 0)", "fx.rate")}) AS advance_payments_received,
                   sum(greatest(coalesce(owed, 0) - {reporting("coalesce(unapplied_cash, 0)", "fx.rate")}
                       - {reporting("coalesce(unapplied_credits, 0)", "fx.rate")} - {
            reporting("coalesce(advances, 0)", "fx.rate")
        }, 0))
                       AS total_exposure
            FROM place FULL JOIN unapplied USING (customer_id, company_code, currency) LEFT JOIN fx USING (currency)
            GROUP BY customer_id
        )
        SELECT customer_id, coalesce(oldest.days, 0) AS max_dpd_material, coalesce(max_days_past_due, 0) AS max_days_past_due,
               coalesce(n_open_invoices, 0) AS n_open_invoices, coalesce(n_overdue_invoices, 0) AS n_overdue_invoices,
               {
            ", ".join(
                money(f"coalesce({c}, 0)") + f" AS {c}"
                for c in (
                    "open_exposure",
                    *(f"aging_{b}" for b in BUCKETS),
                    "overdue",
                    "undisputed_open",
                    "disputed_open",
                    "unapplied_cash",
                    "unapplied_credits",
                    "advance_payments_received",
                    "total_exposure",
                )
            )
        }
        FROM everybody LEFT JOIN owed USING (customer_id) LEFT JOIN oldest USING (customer_id) LEFT JOIN total USING (customer_id)
        """,
    ]


def history(as_of: date) -> list[str]:
    """Payment behaviour per customer."""
    t = f"DATE '{as_of}'"
    m = {n: f"DATE '{back(as_of, n)}'" for n in (*range(1, 13), 24)}
    at_month_end = as_of.month != (as_of + timedelta(days=1)).month
    dso_from = back(as_of, 3) if at_month_end else as_of - timedelta(days=90)
    months = ", ".join(
        f"sum(CASE WHEN sold_on > {m[n]} AND sold_on <= {m[n - 1] if n > 1 else t} THEN amount ELSE 0 END) AS s{n}"
        for n in range(1, 13)
    )
    squares = " + ".join(f"s{n} * s{n}" for n in range(1, 13))
    year = " + ".join(f"s{n}" for n in range(1, 13))
    whole_months = (
        "(year({t}) - year({d})) * 12 + month({t}) - month({d})"
        " - CASE WHEN day({d}) > day({t}) AND {t} <> last_day({t}) THEN 1 ELSE 0 END"
    )
    return [
        f"""
        CREATE TABLE paid AS
        WITH late AS (
            SELECT i.customer_id, {reporting("l.amount")} AS amount, l.value_date - i.due_date AS days,
                l.applied_date > {m[3]} AS recent
            FROM line l JOIN item i ON l.invoice_id = i.invoice_id
            WHERE l.kind IN ('cash', 'matured_bill', 'set_off') AND l.applied_date > {m[12]}
        )
        SELECT customer_id, count(*) AS n12, count(*) FILTER (recent) AS n3, sum(amount) AS p12,
               coalesce(sum(amount) FILTER (recent), 0) AS p3, coalesce(sum(amount * days) FILTER (days > 3), 0) AS l12,
               coalesce(sum(amount * days) FILTER (days > 3 AND recent), 0) AS l3, coalesce(sum(amount * days)
                   FILTER (days > 0), 0) AS f12,
               sum(amount * days) AS g12
        FROM late GROUP BY customer_id
        """,
        f"""
        CREATE TABLE punctual AS
        WITH due AS (
            SELECT customer_id, invoice_id, amount, rate, amount - open_amount AS reduced,
                first_value <= due_date + 3 AS began_in_time,
                   last_value <= due_date + 3 AS ended_in_time, due_date
            FROM item WHERE due_date > {m[12]} AND due_date < {t} AND amount > 0 AND (paid OR open_amount > 0)
        ),
        mixed AS (  -- items reduced both before and after their grace day: only these need their lines again
            SELECT d.invoice_id, sum(l.amount + l.discount) AS in_time
            FROM due d JOIN line l ON d.invoice_id = l.invoice_id
            WHERE began_in_time AND NOT ended_in_time AND l.value_date <= d.due_date + 3 GROUP BY d.invoice_id
        ),
        rested AS (
            SELECT customer_id, amount AS billed, {reporting("amount")} AS amount, rate,
                   CAST(amount - CASE WHEN ended_in_time THEN reduced ELSE coalesce(in_time, 0) END AS DECIMAL(18, 2)) AS rest
            FROM due d LEFT JOIN mixed x ON d.invoice_id = x.invoice_id
        )
        SELECT customer_id, count(*) AS n_timed, sum(amount) AS a_timed, count(*) FILTER (ok) AS n_ok,
               coalesce(sum(amount) FILTER (ok), 0) AS a_ok
        FROM (SELECT *, {reporting("rest")} <= 10 OR rest <= CAST(billed * 0.005 AS DECIMAL(18, 2)) AS ok FROM rested)
        GROUP BY customer_id
        """,
        f"""
        CREATE TABLE behaviour AS
        SELECT customer_id, min(invoice_date) AS first_invoice_date, max(invoice_date) AS last_invoice_date,
               count(*) FILTER (invoice_date > {m[12]}) AS n_invoices_12m,
               sum(CASE WHEN invoice_date > {m[12]} THEN {reporting("amount")} ELSE 0 END) AS invoiced_12m
        FROM item WHERE sale GROUP BY customer_id
        """,
        f"""
        CREATE TABLE sales AS
        SELECT customer_id, {months}, sum(CASE WHEN sold_on > DATE '{dso_from}' THEN amount ELSE 0 END) AS s_dso FROM (
            SELECT customer_id, invoice_date AS sold_on, {reporting("amount")} AS amount FROM item WHERE sale
                AND invoice_date > {m[12]}
            UNION ALL
            SELECT customer_id, credit_date, -({reporting("amount")}) FROM credit_note JOIN fx USING (currency)
            WHERE credit_date > {m[12]} AND credit_date <= {t} AND coalesce(reason, 'other') <> 'cash_discount'
        ) GROUP BY customer_id
        """,
        """
        CREATE TABLE relationship AS
        WITH years AS (  -- a gap of more than 24 months holds a calendar year, so first and last date per year find each gap
            SELECT customer_id, year(invoice_date) AS y, min(invoice_date) AS d0, max(invoice_date) AS d1 FROM item GROUP BY ALL
        ),
        gaps AS (SELECT *, lag(d1) OVER (PARTITION BY customer_id ORDER BY y) AS before FROM years)
        SELECT customer_id, min(d0) AS first_ever, max(d1) AS last_date,
               max(d0) FILTER (before IS NULL OR d0 > before + INTERVAL 24 MONTH) AS begun
        FROM gaps GROUP BY customer_id
        """,
        f"""
        CREATE TABLE transaction_history AS
        WITH ledger AS (
            SELECT greatest((SELECT max(invoice_date) FROM item), (SELECT max(payment_date) FROM payment_seen)) AS evidence_date,
                   (SELECT bool_or(has_status) FROM payment_seen) AS known
        ),
        late AS (
            SELECT customer_id, sum(overdue_amount_reporting) AS o_amount,
                   coalesce(sum(overdue_amount_reporting * days_past_due) FILTER (days_past_due > 3), 0) AS o_late
            FROM open_item WHERE overdue_amount > 0 GROUP BY customer_id
        ),
        lost AS (
            SELECT customer_id, sum(amount) AS w12, coalesce(sum(amount) FILTER (recent), 0) AS w3,
                   coalesce(sum(amount * days) FILTER (days > 3), 0) AS wl12,
                   coalesce(sum(amount * days) FILTER (days > 3 AND recent), 0) AS wl3
            FROM (SELECT w.customer_id, {reporting("w.amount", "fx.rate")} AS amount, w.write_off_date - i.due_date AS days,
                         w.write_off_date > {m[3]} AS recent
                  FROM write_off w JOIN fx USING (currency) LEFT JOIN item i ON w.invoice_id = i.invoice_id
                  WHERE w.reason = 'uncollectible' AND w.write_off_date > {m[12]} AND w.write_off_date <= {t})
            GROUP BY customer_id
        ),
        money_in AS (
            SELECT customer_id, max(payment_date) AS last_payment_date, count(*) FILTER (payment_date > {m[12]}) AS n_year,
                   count(*) FILTER (payment_date > {m[12]} AND method IN ('transfer', 'cash', 'card')) AS n_safe,
                   count(*) FILTER (returned_on > {m[12]}) AS back12, count(*) FILTER (returned_on > {m[6]}) AS back6
            FROM payment_seen GROUP BY customer_id
        ),
        diluted AS (
            SELECT customer_id, sum({reporting("amount")}) AS dilution FROM credit_note JOIN fx USING (currency)
            WHERE credit_date > {m[12]} AND credit_date <= {t} AND coalesce(reason, 'other') NOT IN ('rebate', 'cash_discount')
            GROUP BY customer_id
        ),
        fought AS (
            SELECT d.customer_id, count(*) FILTER (NOT closed) AS n_open,
                   count(*) FILTER (closed AND d.resolved_date > {m[12]} AND d.outcome IS NULL) AS n_blank,
                   coalesce(sum({reporting("coalesce(d.amount, i.amount)", "fx.rate")}) FILTER (
                       closed AND d.resolved_date > {m[12]} AND d.outcome = 'customer_pays'), 0) AS unfounded
            FROM (SELECT *, coalesce(resolved_date <= {t}, false) AS closed FROM dispute WHERE opened_date <= {t}) d
            JOIN fx ON d.currency = fx.currency LEFT JOIN item i ON d.invoice_id = i.invoice_id
            GROUP BY d.customer_id
        ),
        doubted AS (
            SELECT customer_id, count(*) AS n_doubted, sum({reporting("amount")}) AS a_doubted FROM (
                SELECT i.customer_id, i.invoice_id, least(sum(coalesce(d.amount, i.amount)), max(i.amount))::DECIMAL(18,
                    2) AS amount,
                       max(i.rate) AS rate
                FROM dispute d JOIN item i ON d.invoice_id = i.invoice_id
                WHERE d.opened_date <= {t} AND i.invoice_date > {m[12]} AND i.sale GROUP BY ALL
            ) GROUP BY customer_id
        ),
        fact AS (
            SELECT e.customer_id, ledger.*, e.open_exposure, e.overdue, e.undisputed_open, e.n_open_invoices,
                   e.max_dpd_material AS dpd, b.* EXCLUDE (customer_id), y.* EXCLUDE (customer_id), k.* EXCLUDE (customer_id),
                   coalesce(n12, 0) AS n12, coalesce(n3, 0) AS n3, coalesce(p12, 0) AS p12, coalesce(p3, 0) AS p3,
                   coalesce(l12, 0) AS l12, coalesce(l3, 0) AS l3, f12, g12,
                   coalesce(o_amount, 0) AS oa, coalesce(o_late, 0) AS ol, coalesce(w12, 0) AS w12, coalesce(w3, 0) AS w3,
                   coalesce(wl12, 0) AS wl12, coalesce(wl3, 0) AS wl3, coalesce(dilution, 0) AS dilution,
                   coalesce(n_open, 0) AS n_open_disputes, coalesce(n_blank, 0) AS n_blank, coalesce(unfounded, 0) AS unfounded,
                   coalesce(n_doubted, 0) AS n_doubted, coalesce(a_doubted, 0) AS a_doubted,
                   coalesce(b.n_invoices_12m, 0) AS n_inv, coalesce(b.invoiced_12m, 0) AS billed12,
                   r.customer_id IS NULL AS never,
                   CASE WHEN r.last_date <= {m[24]} THEN {t} WHEN begun = first_ever THEN least(begun,
                       coalesce(c.onboarded_date, begun))
                        ELSE coalesce(begun, c.onboarded_date) END AS since,
                   {", ".join(f"coalesce(s{n}, 0)::DECIMAL(18, 2) AS s{n}" for n in range(1, 13))}, s_dso,
                   {whole_months.format(t=t, d="first_invoice_date")} AS months_first
            FROM exposure e CROSS JOIN ledger LEFT JOIN customer c ON e.customer_id = c.customer_id
            LEFT JOIN behaviour b ON e.customer_id = b.customer_id LEFT JOIN paid p ON e.customer_id = p.customer_id
            LEFT JOIN punctual k ON e.customer_id = k.customer_id
            LEFT JOIN sales s ON e.customer_id = s.customer_id LEFT JOIN relationship r ON e.customer_id = r.customer_id
            LEFT JOIN late o ON e.customer_id = o.customer_id LEFT JOIN lost w ON e.customer_id = w.customer_id
            LEFT JOIN money_in y ON e.customer_id = y.customer_id LEFT JOIN diluted d ON e.customer_id = d.customer_id
            LEFT JOIN fought f ON e.customer_id = f.customer_id LEFT JOIN doubted q ON e.customer_id = q.customer_id
        ),
        measured AS (
            SELECT *, s1 + s2 + s3 AS sales3, {year} AS sales12, ({squares})::DOUBLE AS squares12,
                   coalesce(least(greatest(months_first, 3), 12), 3) AS n_months, {whole_months.format(t=t, d="since")} AS
                       since_months
            FROM fact
        )
        SELECT customer_id, evidence_date,
            (l12 + wl12 + ol)::DOUBLE / nullif(p12 + w12 + oa, 0)::DOUBLE AS wavg_days_late_incl_open_12m,
            CASE WHEN n_inv = 0 AND p12 + w12 + oa <= 0 THEN 'no_invoice_in_window' END AS wavg_days_late_incl_open_12m_code,
            CASE WHEN undisputed_open > 0 THEN overdue::DOUBLE / undisputed_open::DOUBLE END AS overdue_ratio,
            CASE WHEN undisputed_open <= 0 THEN 'no_open_items' END AS overdue_ratio_code,
            CASE WHEN n_open_invoices > 0 THEN dpd END AS max_dpd_material,
            CASE WHEN n_open_invoices = 0 THEN 'no_open_items' END AS max_dpd_material_code,
            CASE WHEN n3 >= 3 AND n12 - n3 >= 3 THEN (l3 + wl3 + ol)::DOUBLE / nullif(p3 + w3 + oa, 0)::DOUBLE
                - (l12 - l3)::DOUBLE / nullif(p12 - p3, 0)::DOUBLE END AS days_late_trend_3v9,
            CASE WHEN n3 < 3 OR n12 - n3 < 3 THEN 'too_few_payments' END AS days_late_trend_3v9_code,
            CASE WHEN back12 > 0 OR (known AND n_year > n_safe) THEN coalesce(back12, 0) END AS dishonoured_payments_12m,
            CASE WHEN back12 = 0 AND n_year > 0 AND n_year = n_safe THEN 'method_cannot_bounce' END AS
                dishonoured_payments_12m_code,
            CASE WHEN billed12 > 0 THEN dilution::DOUBLE / billed12::DOUBLE END AS dilution_ratio_12m,
            CASE WHEN billed12 <= 0 THEN 'no_invoice_in_window' END AS dilution_ratio_12m_code,
            CASE WHEN n_blank = 0 AND billed12 > 0 THEN unfounded::DOUBLE / billed12::DOUBLE END AS unfounded_dispute_ratio_12m,
            CASE WHEN billed12 <= 0 THEN 'no_invoice_in_window' END AS unfounded_dispute_ratio_12m_code,
            CASE WHEN NOT never THEN since_months END AS relationship_months,
            CASE WHEN never THEN 'no_invoice_ever' END AS relationship_months_code,
            f12::DOUBLE / nullif(p12, 0)::DOUBLE AS wavg_days_late_12m, g12::DOUBLE / nullif(p12,
                0)::DOUBLE AS wavg_days_late_signed_12m,
            n_ok::DOUBLE / nullif(n_timed, 0)::DOUBLE AS on_time_ratio_12m,
            a_ok::DOUBLE / nullif(a_timed, 0)::DOUBLE AS on_time_amount_ratio_12m,
            n_doubted::DOUBLE / nullif(n_inv, 0)::DOUBLE AS dispute_ratio_12m,
            a_doubted::DOUBLE / nullif(billed12, 0)::DOUBLE AS dispute_amount_ratio_12m,
            CASE WHEN s_dso > 0 THEN open_exposure::DOUBLE / s_dso::DOUBLE * ({t} - DATE '{dso_from}') END AS dso_days,
            sales3::DECIMAL(18, 2) AS sales_3m, sales12::DECIMAL(18, 2) AS sales_12m,
            CASE WHEN n_inv > 0 THEN (floor(sales3::DOUBLE * 100 / 3::DOUBLE + 0.5)::BIGINT * 0.01::DECIMAL(3,
                2))::DECIMAL(18, 2) END AS avg_monthly_sales_3m,
            CASE WHEN n_inv > 0 THEN (floor(sales12::DOUBLE * 100 / n_months::DOUBLE + 0.5)::BIGINT * 0.01::DECIMAL(3,
                2))::DECIMAL(18, 2) END AS avg_monthly_sales_12m,
            CASE WHEN sales12 > 0 THEN sqrt(greatest(n_months * squares12 - sales12::DOUBLE * sales12::DOUBLE, 0)
                / nullif(n_months * (n_months - 1), 0)::DOUBLE) / (sales12::DOUBLE / n_months::DOUBLE) END AS
                    sales_volatility_12m,
            n_inv AS n_invoices_12m, n12 AS n_applications_12m, first_invoice_date, last_invoice_date, last_payment_date,
            months_first AS months_since_first_invoice, CASE WHEN back6 > 0 OR known THEN coalesce(back6,
                0) END AS dishonoured_payments_6m,
            w12::DECIMAL(18, 2) AS uncollectible_written_off_12m, n_open_disputes
        FROM measured
        """,
    ]


def master(as_of: date, currency: str) -> list[str]:
    """What the master says of everybody, and since when something is unsettled."""
    t = f"DATE '{as_of}'"
    return [
        f"""
        CREATE TABLE customer_state AS
        SELECT customer_id, natural_person, legal_form, size_class, country_code, is_public_body, contracted_terms_days,
               coalesce(credit_currency, '{currency}') AS credit_currency, fx.rate AS credit_fx_rate,
               registration_number IS NOT NULL AS identity_verified
        FROM everybody LEFT JOIN customer USING (customer_id)
        LEFT JOIN fx ON coalesce(customer.credit_currency, '{currency}') = fx.currency
        """,
        f"""
        CREATE TABLE newest_event AS
        WITH waiting AS (SELECT customer_id, min(unapplied_since) AS unapplied_since FROM unapplied GROUP BY customer_id),
        fought AS (
            SELECT i.customer_id, min(opened_date) AS dispute_since FROM dispute d JOIN item i ON d.invoice_id = i.invoice_id
            WHERE opened_date <= {t} AND NOT coalesce(resolved_date <= {t}, false) GROUP BY i.customer_id
        ),
        bounced AS (SELECT customer_id, max(returned_on) AS dishonoured_on FROM payment_seen GROUP BY customer_id)
        SELECT customer_id, unapplied_since, {t} - unapplied_since AS unapplied_days, dispute_since, {t} - dispute_since
            AS dispute_days, dishonoured_on, {t} - dishonoured_on AS dishonoured_days
        FROM everybody LEFT JOIN waiting USING (customer_id) LEFT JOIN fought USING (customer_id)
        LEFT JOIN bounced USING (customer_id)
        """,
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]), *sys.argv[4:5])
