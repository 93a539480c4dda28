-- Invoice counts, amounts and punctuality of each customer, in reporting currency at the rate of the as-of date.
-- Grain: customer_id. sales_months: whole months since the first invoice, at least 3, at most 12. On time: items that fell due in W(12) before the as-of date and were paid (in part) or stand open; on time
-- when what was left at due date + grace days was a residual. Items that were only credited, written off or cleared for an
-- unknown cause say nothing about punctuality and are left out.
WITH item AS (
    SELECT
        customer_id,
        row_id,
        invoice_date,
        is_sale,
        cleared_date,
        amount_reporting AS amount,
        CASE
            WHEN cleared_date > $m12 AND cleared_unknown AND NOT cleared_rest_paid
                THEN CAST(CAST(cleared_rest AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2))
            ELSE 0
        END AS unknown_clearing,
        due_date > $m12 AND due_date < $as_of AND amount > 0 AND (paid OR cleared_rest_paid OR open_amount > 0) AS timed,
        CASE
            WHEN due_date <= $m12 OR on_time_amount >= amount THEN TRUE
            WHEN CAST(CAST(amount - on_time_amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) <= $residual_abs THEN TRUE
            ELSE amount - on_time_amount <= CAST(amount * $residual_share AS DECIMAL(18, 2))
        END AS on_time
    FROM step.position
),
summed AS (
    SELECT
        customer_id,
        MIN(CASE WHEN is_sale THEN invoice_date END) AS first_invoice_date,
        MAX(CASE WHEN is_sale THEN invoice_date END) AS last_invoice_date,
        MAX(invoice_date) AS last_item_date,
        MAX(cleared_date) AS last_cleared_date,
        COUNT(CASE WHEN is_sale AND invoice_date > $m12 THEN row_id END) AS n_invoices_12m,
        SUM(CASE WHEN is_sale AND invoice_date > $m12 THEN amount ELSE 0 END) AS invoiced_12m,
        COUNT(CASE WHEN timed THEN row_id END) AS n_timed,
        COUNT(CASE WHEN timed AND on_time THEN row_id END) AS n_on_time,
        SUM(CASE WHEN timed THEN amount ELSE 0 END) AS timed_amount,
        SUM(CASE WHEN timed AND on_time THEN amount ELSE 0 END) AS on_time_amount,
        SUM(unknown_clearing) AS unknown_clearing_12m
    FROM item
    GROUP BY customer_id
),
spanned AS (
    SELECT
        customer_id,
        first_invoice_date,
        last_invoice_date,
        last_item_date,
        last_cleared_date,
        n_invoices_12m,
        invoiced_12m,
        n_timed,
        n_on_time,
        timed_amount,
        on_time_amount,
        unknown_clearing_12m,
        (EXTRACT(YEAR FROM $as_of) - EXTRACT(YEAR FROM first_invoice_date)) * 12
        + EXTRACT(MONTH FROM $as_of) - EXTRACT(MONTH FROM first_invoice_date)
        - CASE
            WHEN EXTRACT(DAY FROM first_invoice_date) > EXTRACT(DAY FROM $as_of) AND $as_of <> LAST_DAY($as_of) THEN 1 ELSE 0
        END AS months_since_first_invoice
    FROM summed
)
SELECT
    customer_id,
    first_invoice_date,
    last_invoice_date,
    last_item_date,
    last_cleared_date,
    months_since_first_invoice,
    LEAST(GREATEST(months_since_first_invoice, 3), 12) AS sales_months,
    n_invoices_12m,
    invoiced_12m,
    n_timed,
    n_on_time,
    timed_amount,
    on_time_amount,
    unknown_clearing_12m
FROM spanned
