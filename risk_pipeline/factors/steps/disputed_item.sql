-- Each dispute beside the invoice it disputes. Grain: dispute_id (disputes of a known invoice); amounts in document currency.
SELECT
    d.dispute_id,
    d.opened_date,
    d.resolved_date,
    d.amount AS disputed_amount,
    i.row_id,
    i.customer_id,
    i.invoice_date,
    i.is_sale,
    i.amount AS invoice_amount,
    i.fx_rate
FROM feed.dispute AS d
INNER JOIN step.invoice AS i ON d.invoice_id = i.invoice_id
