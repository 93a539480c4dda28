-- Each dispute beside the invoice it disputes. Grain: dispute_id (disputes of a known invoice); amounts in document currency.
SELECT
    d.dispute_id,
    p.customer_id,
    p.invoice_id,
    p.invoice_date,
    p.doc_type,
    p.amount AS invoice_amount,
    COALESCE(d.amount, p.amount) AS disputed_amount,
    p.fx_rate
FROM feed.dispute AS d
INNER JOIN step.position AS p ON d.invoice_id = p.invoice_id
