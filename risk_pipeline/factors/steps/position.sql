-- The position of every receivable item on the as-of date: how much of it was reduced by what, and what is left.
-- Grain: invoice_id; amounts in document currency.
-- An export that knows only cleared_date and clear_kind: what the reductions do not explain went at the clearing, by that kind
-- (cause unknown: counted under applied, yet never as paid when above 5 % of the amount).
-- on_time_amount: reduced by value date <= due date + grace days (for the on-time ratio).
WITH reduced AS (
    SELECT
        invoice_id,
        SUM(CASE WHEN kind IN ('cash', 'bill', 'matured_bill') THEN amount ELSE 0 END) AS applied,
        SUM(CASE WHEN kind = 'set_off' THEN amount ELSE 0 END) AS set_off,
        SUM(CASE WHEN kind = 'credit_note' THEN amount ELSE 0 END) AS credited,
        SUM(discount_amount) AS discounts,
        SUM(CASE WHEN kind = 'write_off' THEN amount ELSE 0 END) AS written_off,
        SUM(CASE WHEN kind = 'fx_difference' THEN amount ELSE 0 END) AS fx_difference,
        SUM(CASE WHEN days_late <= $grace_days THEN amount + discount_amount ELSE 0 END) AS on_time_amount,
        SUM(CASE WHEN paid THEN amount ELSE 0 END) AS paid
    FROM step.line
    GROUP BY invoice_id
),
known AS (
    SELECT
        i.invoice_id,
        i.customer_id,
        i.company_code,
        i.currency,
        i.doc_type,
        i.factored,
        i.invoice_date,
        i.due_date,
        i.due_date_source,
        i.original_due_date,
        i.amount,
        i.cleared_date,
        i.clear_kind,
        i.fx_rate,
        COALESCE(r.applied, 0) AS applied,
        COALESCE(r.set_off, 0) AS set_off,
        COALESCE(r.credited, 0) AS credited,
        COALESCE(r.discounts, 0) AS discounts,
        COALESCE(r.written_off, 0) AS written_off,
        COALESCE(r.fx_difference, 0) AS fx_difference,
        COALESCE(r.on_time_amount, 0) AS on_time_amount,
        COALESCE(r.paid, 0) AS paid,
        CASE
            WHEN i.cleared_date IS NOT NULL
                THEN
                    i.amount
                    - COALESCE(
                        r.applied + r.set_off + r.credited + r.discounts + r.written_off + r.fx_difference, 0
                    )
            ELSE 0
        END AS cleared_rest
    FROM step.invoice AS i
    LEFT JOIN reduced AS r ON i.invoice_id = r.invoice_id
)
SELECT
    invoice_id,
    customer_id,
    company_code,
    currency,
    doc_type,
    factored,
    invoice_date,
    due_date,
    due_date_source,
    original_due_date,
    amount,
    fx_rate,
    cleared_date,
    clear_kind,
    cleared_rest <> 0
    AND (
        COALESCE(clear_kind, 'unknown') IN ('payment', 'set_off')
        OR (
            COALESCE(clear_kind, 'unknown') = 'unknown'
            AND ABS(cleared_rest) <= CAST(ABS(amount) * CAST(0.05 AS DECIMAL(3, 2)) AS DECIMAL(18, 2))
        )
    ) AS cleared_rest_paid,
    CAST(cleared_rest AS DECIMAL(18, 2)) AS cleared_rest,
    CAST(
        applied
        + CASE WHEN COALESCE(clear_kind, 'unknown') IN ('payment', 'bill', 'unknown') THEN cleared_rest ELSE 0 END
        AS DECIMAL(18, 2)
    ) AS applied,
    CAST(set_off + CASE WHEN clear_kind = 'set_off' THEN cleared_rest ELSE 0 END AS DECIMAL(18, 2)) AS set_off,
    CAST(
        credited + CASE WHEN clear_kind IN ('credit_note', 'reversal') THEN cleared_rest ELSE 0 END AS DECIMAL(18, 2)
    ) AS credited,
    CAST(discounts AS DECIMAL(18, 2)) AS discounts,
    CAST(written_off + CASE WHEN clear_kind = 'write_off' THEN cleared_rest ELSE 0 END AS DECIMAL(18, 2)) AS written_off,
    CAST(fx_difference AS DECIMAL(18, 2)) AS fx_difference,
    CAST(
        on_time_amount
        + CASE WHEN DATE_DIFF('day', due_date, cleared_date) <= $grace_days THEN cleared_rest ELSE 0 END
        AS DECIMAL(18, 2)
    ) AS on_time_amount,
    CAST(paid AS DECIMAL(18, 2)) AS paid,
    CAST(
        amount - applied - set_off - credited - discounts - written_off - fx_difference - cleared_rest
        AS DECIMAL(18, 2)
    ) AS open_amount
FROM known
