-- The position of every receivable item on the as-of date: how much of it was reduced by what, and what is left.
-- Grain: row_id of the invoice (its texts stay in step.invoice, they are wide); amounts in document currency unless the name says
-- reporting. A rate of 1 needs no multiplication (most are 1).
-- An export that knows only cleared_date and clear_kind: what the reductions do not explain went at the clearing, by that kind
-- (cause unknown: counted under applied, yet never as paid when above 5 % of the amount).
-- Sums are cast back to 18 digits at once: wider decimals cost the engine twice the time in every step after it.
-- on_time_amount: reduced by value date <= due date + grace days (for the on-time ratio).
WITH settled AS (
    SELECT
        row_id,
        CAST(SUM(CASE WHEN kind IN ('cash', 'bill', 'matured_bill') THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS applied,
        CAST(SUM(CASE WHEN days_late <= $grace_days THEN amount + discount_amount ELSE 0 END) AS DECIMAL(18, 2)) AS on_time_amount,
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
        CAST(SUM(CASE WHEN kind = 'fx_difference' THEN amount ELSE 0 END) AS DECIMAL(18, 2)) AS fx_difference
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
        CASE
            WHEN i.cleared_date IS NOT NULL
                THEN
                    i.amount
                    - COALESCE(s.applied, 0)
                    - COALESCE(o.set_off + o.credited + o.discounts + o.written_off + o.fx_difference, 0)
            ELSE 0
        END AS cleared_rest
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
    CASE WHEN fx_rate = 1 THEN amount ELSE CAST(CAST(amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) END AS amount_reporting,
    fx_rate,
    cleared_date,
    clear_kind = 'unknown' AS cleared_unknown,
    cleared_rest <> 0
    AND (
        clear_kind IN ('payment', 'set_off')
        OR (
            clear_kind = 'unknown'
            AND ABS(cleared_rest) <= CAST(ABS(amount) * CAST(0.05 AS DECIMAL(3, 2)) AS DECIMAL(18, 2))
        )
    ) AS cleared_rest_paid,
    CAST(cleared_rest AS DECIMAL(18, 2)) AS cleared_rest,
    CAST(
        applied
        + CASE WHEN clear_kind IN ('payment', 'bill', 'unknown') THEN cleared_rest ELSE 0 END
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
    paid,
    CAST(
        amount - applied - set_off - credited - discounts - written_off - fx_difference - cleared_rest
        AS DECIMAL(18, 2)
    ) AS open_amount
FROM known
