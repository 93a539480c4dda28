-- The parts of each customer's exposure, one row per source, in reporting currency. Grain: none (a union).
-- Retention money and factored items are open items of a class of their own, so that each open amount is counted once.
-- Bills and orders name no company code: ''. A dishonoured bill is owed by the customer again, whoever accepted it.
WITH document AS (
    SELECT
        customer_id,
        currency,
        CASE
            WHEN outcome = 'dishonoured' THEN 'bills_in_hand_commercial'
            WHEN discounted_date IS NOT NULL OR endorsed_date IS NOT NULL THEN 'discounted_or_endorsed_with_recourse'
            WHEN kind = 'bank' THEN 'bills_in_hand_bank'
            ELSE 'bills_in_hand_commercial'
        END AS component,
        amount
    FROM feed.bill
    WHERE
        COALESCE(outcome, 'open') <> 'honoured'
        AND ((discounted_date IS NULL AND endorsed_date IS NULL) OR COALESCE(recourse, TRUE) OR outcome = 'dishonoured')
    UNION ALL
    SELECT customer_id, currency, 'delivered_not_invoiced' AS component, delivered_not_invoiced AS amount
    FROM feed.sales_order
    WHERE delivered_not_invoiced IS NOT NULL AND cancelled_date IS NULL
    UNION ALL
    SELECT
        customer_id,
        currency,
        CASE
            WHEN planned_delivery_date IS NULL OR DATE_DIFF('day', $as_of, planned_delivery_date) <= $open_orders_days
                THEN 'open_orders_near'
            ELSE 'open_orders_far'
        END AS component,
        GREATEST(amount - COALESCE(delivered_not_invoiced, 0), 0) AS amount
    FROM feed.sales_order
    WHERE fulfilled_date IS NULL AND cancelled_date IS NULL
)
SELECT
    customer_id,
    company_code,
    currency,
    CASE
        WHEN factored = 'with_recourse' THEN 'factored_with_recourse'
        WHEN factored = 'without_recourse' THEN 'factored_without_recourse'
        WHEN doc_type = 'retention' THEN 'retention'
        ELSE 'open_items'
    END AS component,
    open_amount_reporting AS amount
FROM factor.open_item
UNION ALL
SELECT
    customer_id,
    company_code,
    currency,
    'unapplied_cash' AS component,
    CAST(CAST(unapplied_cash AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) AS amount
FROM factor.exposure_by_currency
WHERE unapplied_cash <> 0
UNION ALL
SELECT
    customer_id,
    company_code,
    currency,
    'unapplied_credits' AS component,
    CAST(CAST(unapplied_credits AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) AS amount
FROM factor.exposure_by_currency
WHERE unapplied_credits <> 0
UNION ALL
SELECT
    customer_id,
    company_code,
    currency,
    'advance_payments_received' AS component,
    CAST(CAST(advance_payments_received AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) AS amount
FROM factor.exposure_by_currency
WHERE advance_payments_received <> 0
UNION ALL
SELECT
    d.customer_id,
    '' AS company_code,
    d.currency,
    d.component,
    CAST(CAST(d.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS amount
FROM document AS d
INNER JOIN step.fx AS fx ON d.currency = fx.currency
