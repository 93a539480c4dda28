-- How far feeds reach over all customers: the first and newest event of each, and whether they tell a thing at all.
-- Grain: one row. A customer without rows in a current feed is quiet, not unknown; so this is never of some customers only.
WITH crm AS (
    SELECT MIN(event_date) AS first_date, MAX(event_date) AS newest_date FROM feed.crm_event
),
orders AS (
    SELECT MAX(order_date) AS newest_date FROM feed.sales_order WHERE cancelled_date IS NULL AND amount > 0
),
invoice AS (
    SELECT MAX(invoice_date) AS invoice_date, MAX(cleared_date) AS cleared_date FROM feed.invoice
),
payment AS (
    SELECT
        MAX(payment_date) AS payment_date,
        COUNT(status) > 0 AS status_told,
        COUNT(
            CASE WHEN payment_date > $m24 AND amount > 0 AND COALESCE(status, 'booked') = 'booked' THEN payer_id END
        ) > 0 AS payer_told
    FROM feed.payment
)
SELECT
    c.first_date AS crm_first_date,
    c.newest_date AS crm_newest_date,
    o.newest_date AS order_newest_date,
    GREATEST(i.invoice_date, i.cleared_date, p.payment_date) AS ledger_newest_date,
    p.status_told,
    p.payer_told
FROM crm AS c
CROSS JOIN orders AS o
CROSS JOIN invoice AS i
CROSS JOIN payment AS p
