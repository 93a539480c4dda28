-- Money and credits of a customer that no invoice has used yet, by company code and currency.
-- Grain: customer_id + company_code + currency; document currency. A shorthand payment or credit note (invoice_id, no application)
-- is used up by its invoice. A rest below zero (more applied than paid) is no money of the customer's: 0.
WITH used AS (
    SELECT payment_id, credit_note_id, SUM(amount) AS amount
    FROM feed.payment_application
    WHERE reversed_date IS NULL AND (payment_id IS NOT NULL OR credit_note_id IS NOT NULL)
    GROUP BY payment_id, credit_note_id
),
payment_used AS (
    SELECT payment_id, SUM(amount) AS amount FROM used WHERE payment_id IS NOT NULL GROUP BY payment_id
),
credit_used AS (
    SELECT credit_note_id, SUM(amount) AS amount FROM used WHERE credit_note_id IS NOT NULL AND payment_id IS NULL GROUP BY credit_note_id
),
rest AS (
    SELECT
        p.customer_id,
        COALESCE(p.company_code, '') AS company_code,
        p.currency,
        p.payment_date AS paid_on,
        CASE WHEN COALESCE(p.is_advance, FALSE) THEN 0 ELSE GREATEST(p.amount - COALESCE(u.amount, 0), 0) END AS unapplied_cash,
        CASE WHEN COALESCE(p.is_advance, FALSE) THEN GREATEST(p.amount - COALESCE(u.amount, 0), 0) ELSE 0 END AS advance_payments_received,
        0 AS unapplied_credits
    FROM feed.payment AS p
    LEFT JOIN payment_used AS u ON p.payment_id = u.payment_id
    WHERE COALESCE(p.status, 'booked') = 'booked' AND (p.invoice_id IS NULL OR u.payment_id IS NOT NULL)
    UNION ALL
    SELECT
        n.customer_id,
        COALESCE(n.company_code, '') AS company_code,
        n.currency,
        CAST(NULL AS DATE) AS paid_on,
        0 AS unapplied_cash,
        0 AS advance_payments_received,
        GREATEST(n.amount - COALESCE(u.amount, 0), 0) AS unapplied_credits
    FROM feed.credit_note AS n
    LEFT JOIN credit_used AS u ON n.credit_note_id = u.credit_note_id
    WHERE n.invoice_id IS NULL OR u.credit_note_id IS NOT NULL
)
SELECT
    customer_id,
    company_code,
    currency,
    CAST(SUM(unapplied_cash) AS DECIMAL(18, 2)) AS unapplied_cash,
    CAST(SUM(unapplied_credits) AS DECIMAL(18, 2)) AS unapplied_credits,
    CAST(SUM(advance_payments_received) AS DECIMAL(18, 2)) AS advance_payments_received,
    MIN(CASE WHEN unapplied_cash > 0 THEN paid_on END) AS unapplied_since
FROM rest
GROUP BY customer_id, company_code, currency
HAVING SUM(unapplied_cash) <> 0 OR SUM(unapplied_credits) <> 0 OR SUM(advance_payments_received) <> 0
