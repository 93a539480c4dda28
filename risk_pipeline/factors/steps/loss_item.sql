-- Each uncollectible write-off of the last 12 months beside the invoice it wrote off: how late the money was when given up.
-- Grain: write_off_id (write-offs of a known invoice).
SELECT
    w.write_off_id,
    DATE_DIFF('day', i.due_date, w.write_off_date) AS days_late
FROM feed.write_off AS w
INNER JOIN step.invoice AS i ON w.invoice_id = i.invoice_id
WHERE w.reason = 'uncollectible' AND w.write_off_date > $m12
