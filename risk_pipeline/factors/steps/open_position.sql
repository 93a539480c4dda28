-- The items still open on the as-of date, with the open and shielded parts of their disputes and the amounts in reporting currency.
-- Grain: invoice_id. A dispute without an amount disputes the whole open item. A disputed part is shielded while the dispute is
-- younger than $shield_days; after that it counts again. A rest of a partly settled item <= max($residual_abs in reporting
-- currency, $residual_share of the amount) is `residual`: settled for the oldest debt, never for exposure.
WITH disputed AS (
    SELECT
        d.invoice_id,
        SUM(COALESCE(d.amount, p.open_amount)) AS disputed_amount,
        SUM(
            CASE
                WHEN DATE_DIFF('day', d.opened_date, $as_of) < $shield_days THEN COALESCE(d.amount, p.open_amount)
                ELSE 0
            END
        ) AS shielded_amount
    FROM feed.dispute AS d
    INNER JOIN step.position AS p ON d.invoice_id = p.invoice_id
    WHERE d.resolved_date IS NULL
    GROUP BY d.invoice_id
),
still_open AS (
    SELECT
        p.customer_id,
        p.invoice_id,
        p.company_code,
        p.currency,
        p.doc_type,
        p.factored,
        p.invoice_date,
        p.due_date,
        p.due_date_source,
        p.original_due_date,
        p.amount,
        p.applied,
        p.set_off,
        p.credited,
        p.discounts,
        p.written_off,
        p.fx_difference,
        p.open_amount,
        p.fx_rate,
        CAST(LEAST(COALESCE(d.disputed_amount, 0), GREATEST(p.open_amount, 0)) AS DECIMAL(18, 2)) AS disputed_amount,
        CAST(LEAST(COALESCE(d.shielded_amount, 0), GREATEST(p.open_amount, 0)) AS DECIMAL(18, 2)) AS shielded_amount,
        CAST(CAST(p.open_amount AS DECIMAL(19, 2)) * p.fx_rate AS DECIMAL(18, 2)) AS open_amount_reporting,
        DATE_DIFF('day', p.due_date, $as_of) AS days_past_due
    FROM step.position AS p
    LEFT JOIN disputed AS d ON p.invoice_id = d.invoice_id
    WHERE p.open_amount <> 0
)
SELECT
    customer_id,
    invoice_id,
    company_code,
    currency,
    doc_type,
    factored,
    invoice_date,
    due_date,
    due_date_source,
    original_due_date,
    amount,
    applied,
    set_off,
    credited,
    discounts,
    written_off,
    fx_difference,
    open_amount,
    disputed_amount,
    shielded_amount,
    fx_rate,
    open_amount_reporting,
    days_past_due,
    open_amount < amount
    AND (
        open_amount_reporting <= $residual_abs
        OR open_amount <= CAST(amount * $residual_share AS DECIMAL(18, 2))
    ) AS residual
FROM still_open
