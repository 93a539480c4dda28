-- The items still open on the as-of date, with the open and shielded parts of their disputes and the amounts in reporting currency.
-- Grain: invoice_id. Under an instalment plan in force (not broken) the item is due when its oldest unpaid instalment is: what was
-- paid since covers the oldest instalments first. A dispute without an amount disputes the whole open item. A disputed part is shielded while the dispute is
-- younger than $shield_days; after that it counts again. A rest of a partly settled item <= max($residual_abs in reporting
-- currency, $residual_share of the amount) is `residual`: settled for the oldest debt, never for exposure.
WITH disputed AS (
    SELECT
        d.row_id,
        SUM(COALESCE(d.disputed_amount, p.open_amount)) AS disputed_amount,
        SUM(
            CASE
                WHEN DATE_DIFF('day', d.opened_date, $as_of) < $shield_days THEN COALESCE(d.disputed_amount, p.open_amount)
                ELSE 0
            END
        ) AS shielded_amount
    FROM step.disputed_item AS d
    INNER JOIN step.position AS p ON d.row_id = p.row_id
    WHERE d.resolved_date IS NULL
    GROUP BY d.row_id
),
planned AS (
    SELECT
        l.invoice_id,
        l.due_date,
        SUM(l.amount) OVER (
            PARTITION BY l.invoice_id ORDER BY l.due_date, l.plan_id, l.line ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS planned_so_far,
        SUM(l.amount) OVER (PARTITION BY l.invoice_id) AS planned_amount
    FROM feed.instalment_line AS l
    INNER JOIN feed.instalment_plan AS p ON l.plan_id = p.plan_id
    WHERE p.broken_date IS NULL AND l.invoice_id IS NOT NULL
),
instalment AS (
    SELECT p.row_id, MIN(s.due_date) AS due_date
    FROM step.position AS p
    INNER JOIN step.invoice AS i ON p.row_id = i.row_id
    INNER JOIN planned AS s ON i.invoice_id = s.invoice_id
    WHERE p.open_amount > 0 AND s.planned_so_far > s.planned_amount - p.open_amount
    GROUP BY p.row_id
),
still_open AS (
    SELECT
        p.row_id,
        p.applied,
        p.set_off,
        p.credited,
        p.discounts,
        p.written_off,
        p.fx_difference,
        p.open_amount,
        n.due_date AS instalment_due_date,
        CAST(LEAST(COALESCE(d.disputed_amount, 0), GREATEST(p.open_amount, 0)) AS DECIMAL(18, 2)) AS disputed_amount,
        CAST(LEAST(COALESCE(d.shielded_amount, 0), GREATEST(p.open_amount, 0)) AS DECIMAL(18, 2)) AS shielded_amount,
        CAST(CAST(p.open_amount AS DECIMAL(19, 2)) * p.fx_rate AS DECIMAL(18, 2)) AS open_amount_reporting,
        DATE_DIFF('day', COALESCE(n.due_date, p.due_date), $as_of) AS days_past_due
    FROM step.position AS p
    LEFT JOIN disputed AS d ON p.row_id = d.row_id
    LEFT JOIN instalment AS n ON p.row_id = n.row_id
    WHERE p.open_amount <> 0
)
SELECT
    i.customer_id,
    i.invoice_id,
    i.company_code,
    i.currency,
    i.doc_type,
    i.factored,
    i.invoice_date,
    COALESCE(o.instalment_due_date, i.due_date) AS due_date,
    CASE WHEN o.instalment_due_date IS NOT NULL THEN 'instalment' ELSE i.due_date_source END AS due_date_source,
    COALESCE(i.original_due_date, CASE WHEN o.instalment_due_date IS NOT NULL THEN i.due_date END) AS original_due_date,
    i.amount,
    o.applied,
    o.set_off,
    o.credited,
    o.discounts,
    o.written_off,
    o.fx_difference,
    o.open_amount,
    o.disputed_amount,
    o.shielded_amount,
    i.fx_rate,
    o.open_amount_reporting,
    o.days_past_due,
    o.open_amount < i.amount
    AND (
        o.open_amount_reporting <= $residual_abs
        OR o.open_amount <= CAST(i.amount * $residual_share AS DECIMAL(18, 2))
    ) AS residual
FROM still_open AS o
INNER JOIN step.invoice AS i ON o.row_id = i.row_id
