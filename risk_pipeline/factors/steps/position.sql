-- The position of every receivable item on the as-of date: how much of it was reduced by what, and what is left.
-- Grain: row_id of the invoice (its texts stay in step.invoice, they are wide); amounts in document currency
-- unless the name says reporting: that is NULL for an item dated and due before W(12), which nothing sums; a rate of 1 needs no
-- multiplication (most are 1).
-- An export that knows only cleared_date and clear_kind: what the reductions do not explain went at the clearing, by that kind
-- (cause unknown: counted under applied, yet never as paid when above 5 % of the amount).
-- Wider decimals cost the engine twice the time: sums are cast back to 18 digits at once, and what concerns only items with a
-- clearing date or a rare kind of reduction is computed for those alone.
-- on_time_amount: reduced by value date <= due date + grace days (for the on-time ratio).
WITH settled AS (
    SELECT
        row_id,
        CAST(SUM(CASE WHEN kind IN ('cash', 'bill', 'matured_bill') THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS applied,
        CAST(
            SUM(CASE WHEN days_late <= $grace_days THEN CAST(amount + discount_amount AS DECIMAL(18, 2)) ELSE 0 END) AS DECIMAL(18, 2)
        ) AS on_time_amount,
        MAX(CASE WHEN paid AND amount > 0 THEN 1 ELSE 0 END) AS paid
    FROM step.line
    GROUP BY row_id
),
otherwise AS (
    SELECT
        row_id,
        CAST(SUM(CASE WHEN kind = 'set_off' THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS set_off,
        CAST(SUM(CASE WHEN kind = 'credit_note' THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS credited,
        CAST(SUM(discount_amount) AS DECIMAL(18, 2)) AS discounts,
        CAST(SUM(CASE WHEN kind = 'write_off' THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS written_off,
        CAST(SUM(CASE WHEN kind = 'fx_difference' THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS fx_difference,
        CAST(
            SUM(CASE WHEN kind IN ('set_off', 'credit_note', 'write_off', 'fx_difference') THEN amount ELSE 0 END + discount_amount)
            AS DECIMAL(18, 2)
        ) AS reduced
    FROM step.line
    WHERE kind NOT IN ('cash', 'bill', 'matured_bill') OR discount_amount <> 0
    GROUP BY row_id
),
known AS (
    SELECT
        i.row_id,
        i.customer_id,
        i.company_code,
        i.currency,
        i.is_sale,
        i.invoice_date,
        i.due_date,
        i.amount,
        i.cleared_date,
        i.clear_kind,
        i.fx_rate,
        COALESCE(s.applied, 0) AS applied,
        COALESCE(o.set_off, 0) AS set_off,
        COALESCE(o.credited, 0) AS credited,
        COALESCE(o.discounts, 0) AS discounts,
        COALESCE(o.written_off, 0) AS written_off,
        COALESCE(o.fx_difference, 0) AS fx_difference,
        COALESCE(s.on_time_amount, 0) AS on_time_amount,
        COALESCE(s.paid, 0) = 1 AS paid,
        CAST(i.amount - COALESCE(s.applied, 0) - COALESCE(o.reduced, 0) AS DECIMAL(18, 2)) AS rest
    FROM step.invoice AS i
    LEFT JOIN settled AS s ON i.row_id = s.row_id
    LEFT JOIN otherwise AS o ON i.row_id = o.row_id
)
SELECT
    row_id,
    customer_id,
    company_code,
    currency,
    is_sale,
    invoice_date,
    due_date,
    amount,
    CASE
        WHEN fx_rate = 1 THEN amount
        WHEN invoice_date > $m12 OR due_date > $m12 THEN CAST(CAST(amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2))
    END AS amount_reporting,
    fx_rate,
    cleared_date,
    clear_kind = 'unknown' AS cleared_unknown,
    cleared_date IS NOT NULL
    AND rest <> 0
    AND (
        clear_kind IN ('payment', 'set_off')
        OR (
            clear_kind = 'unknown'
            AND ABS(rest) <= CAST(ABS(amount) * CAST(0.05 AS DECIMAL(3, 2)) AS DECIMAL(18, 2))
        )
    ) AS cleared_rest_paid,
    CASE WHEN cleared_date IS NULL THEN 0 ELSE rest END AS cleared_rest,
    CASE WHEN clear_kind IN ('payment', 'bill', 'unknown') THEN CAST(applied + rest AS DECIMAL(18, 2)) ELSE applied END AS applied,
    CASE WHEN clear_kind = 'set_off' THEN CAST(set_off + rest AS DECIMAL(18, 2)) ELSE set_off END AS set_off,
    CASE WHEN clear_kind IN ('credit_note', 'reversal') THEN CAST(credited + rest AS DECIMAL(18, 2)) ELSE credited END AS credited,
    discounts,
    CASE WHEN clear_kind = 'write_off' THEN CAST(written_off + rest AS DECIMAL(18, 2)) ELSE written_off END AS written_off,
    fx_difference,
    CASE
        WHEN cleared_date IS NOT NULL AND DATE_DIFF('day', due_date, cleared_date) <= $grace_days
            THEN CAST(on_time_amount + rest AS DECIMAL(18, 2))
        ELSE on_time_amount
    END AS on_time_amount,
    paid,
    CASE WHEN cleared_date IS NULL THEN rest ELSE 0 END AS open_amount
FROM known
