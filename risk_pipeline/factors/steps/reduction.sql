-- Everything that reduced an invoice until the as-of date, one row each, from whichever table tells it.
-- Grain: none (a union); amounts in the invoice's currency. kind as in payment_application.kind.
-- A payment's, credit note's or write-off's own invoice_id is a shorthand: it counts only where no application tells more.
-- A returned or reversed payment takes all its applications with it; a reversed application does not count.
SELECT
    CASE WHEN a.row_id IS NULL THEN p.invoice_id ELSE a.invoice_id END AS invoice_id,
    CASE WHEN a.row_id IS NULL THEN 'cash' ELSE a.kind END AS kind,
    CASE WHEN a.row_id IS NULL THEN p.amount ELSE a.amount END AS amount,
    COALESCE(a.discount_amount, CAST(0 AS DECIMAL(18, 2))) AS discount_amount,
    CASE WHEN a.row_id IS NULL THEN p.payment_date ELSE a.applied_date END AS applied_date,
    COALESCE(a.value_date, p.payment_date, a.applied_date) AS value_date
FROM feed.payment AS p
FULL JOIN feed.payment_application AS a ON p.payment_id = a.payment_id
WHERE
    a.reversed_date IS NULL
    AND COALESCE(p.status, 'booked') = 'booked'
    AND CASE WHEN a.row_id IS NULL THEN p.invoice_id ELSE a.invoice_id END IS NOT NULL
UNION ALL
SELECT
    n.invoice_id,
    'credit_note' AS kind,
    n.amount,
    CAST(0 AS DECIMAL(18, 2)) AS discount_amount,
    n.credit_date AS applied_date,
    n.credit_date AS value_date
FROM feed.credit_note AS n
WHERE
    n.invoice_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 AS found FROM feed.payment_application AS a WHERE a.credit_note_id = n.credit_note_id)
UNION ALL
SELECT
    w.invoice_id,
    'write_off' AS kind,
    w.amount,
    CAST(0 AS DECIMAL(18, 2)) AS discount_amount,
    w.write_off_date AS applied_date,
    w.write_off_date AS value_date
FROM feed.write_off AS w
WHERE
    w.invoice_id IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 AS found FROM feed.payment_application AS a WHERE a.invoice_id = w.invoice_id AND a.kind = 'write_off'
    )
