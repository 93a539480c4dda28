-- factor.open_item: the open items behind every exposure, with days past due, disputes and the offset of unapplied money.
-- Grain: customer_id + invoice_id; amounts in document currency unless the name says reporting.
-- Unapplied cash and credits, and items open below zero (reversals, over-payments), are set against undisputed open items of the
-- same company code and currency, oldest due date first. overdue_amount = undisputed, after offset, past due.
WITH pool_part AS (
    SELECT customer_id, company_code, currency, unapplied_cash + unapplied_credits AS amount FROM step.unapplied
    UNION ALL
    SELECT customer_id, company_code, currency, -open_amount AS amount FROM step.open_position WHERE open_amount < 0
),
pool AS (
    SELECT customer_id, company_code, currency, SUM(amount) AS amount
    FROM pool_part
    GROUP BY customer_id, company_code, currency
),
queued AS (
    SELECT
        invoice_id,
        customer_id,
        company_code,
        currency,
        open_amount - shielded_amount AS undisputed,
        SUM(open_amount - shielded_amount) OVER (
            PARTITION BY customer_id, company_code, currency
            ORDER BY due_date, invoice_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS undisputed_so_far
    FROM step.open_position
    WHERE open_amount > 0
),
offset_part AS (
    SELECT
        q.invoice_id,
        CAST(
            GREATEST(LEAST(q.undisputed, COALESCE(p.amount, 0) - (q.undisputed_so_far - q.undisputed)), 0) AS DECIMAL(18, 2)
        ) AS offset_amount
    FROM queued AS q
    LEFT JOIN pool AS p
        ON q.customer_id = p.customer_id AND q.company_code = p.company_code AND q.currency = p.currency
),
rested AS (
    SELECT
        o.customer_id,
        o.invoice_id,
        COALESCE(f.offset_amount, 0) AS offset_amount,
        CAST(
            CASE WHEN o.open_amount > 0 AND o.days_past_due > 0 THEN o.open_amount - o.shielded_amount - f.offset_amount ELSE 0 END
            AS DECIMAL(18, 2)
        ) AS overdue_amount
    FROM step.open_position AS o
    LEFT JOIN offset_part AS f ON o.invoice_id = f.invoice_id
)
SELECT
    o.customer_id,
    o.invoice_id,
    o.company_code,
    o.currency,
    o.doc_type,
    o.invoice_date,
    o.due_date,
    o.due_date_source,
    o.original_due_date,
    o.amount,
    o.applied,
    o.set_off,
    o.credited,
    o.discounts,
    o.written_off,
    o.fx_difference,
    o.open_amount,
    o.disputed_amount,
    o.shielded_amount,
    CAST(r.offset_amount AS DECIMAL(18, 2)) AS offset_amount,
    r.overdue_amount,
    o.fx_rate,
    o.open_amount_reporting,
    CAST(CAST(r.overdue_amount AS DECIMAL(19, 2)) * o.fx_rate AS DECIMAL(18, 2)) AS overdue_amount_reporting,
    o.days_past_due,
    CASE
        WHEN o.days_past_due <= 0 THEN 'not_due'
        WHEN o.days_past_due <= 30 THEN '1_30'
        WHEN o.days_past_due <= 60 THEN '31_60'
        WHEN o.days_past_due <= 90 THEN '61_90'
        ELSE 'over_90'
    END AS aging_bucket,
    o.factored,
    o.residual
FROM step.open_position AS o
INNER JOIN rested AS r ON o.invoice_id = r.invoice_id
