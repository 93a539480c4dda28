-- Each reduction beside the invoice it reduced: what was paid when, how many days after the due date.
-- Grain: none (one row per reduction of a known invoice; row_id is the invoice's, a smaller key than its number). `paid` is true for cash, matured bills and set-off only:
-- credit notes, write-offs and returned payments are never "paid", and a bill is paid when it matures.
SELECT
    i.customer_id,
    i.row_id,
    i.fx_rate,
    r.kind,
    r.kind IN ('cash', 'matured_bill', 'set_off') AS paid,
    r.amount,
    r.discount_amount,
    r.applied_date,
    DATE_DIFF('day', i.due_date, r.value_date) AS days_late
FROM step.reduction AS r
INNER JOIN step.invoice AS i ON r.invoice_id = i.invoice_id
