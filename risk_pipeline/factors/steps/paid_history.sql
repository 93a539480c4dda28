-- What each customer paid in the last 12 months and how late, in reporting currency at the rate of the as-of date.
-- Grain: customer_id. late_* = sum of amount x late days, where late(d) = d if d > $grace_days else 0; floored_* has grace 0,
-- signed_* counts early days as negative; days_* and squares_* do too, each application once and not by its amount. *_3m is the
-- part of the newest 3 months. last_paid_date: newest clearing of an export that has no payments; an application is booked after
-- the value date of its payment and says nothing about when it came.
WITH paid AS (
    SELECT
        customer_id,
        applied_date,
        CAST(NULL AS DATE) AS cleared_date,
        days_late,
        CASE WHEN fx_rate = 1 THEN amount ELSE CAST(CAST(amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) END AS amount
    FROM step.line
    WHERE paid AND applied_date > $m12
    UNION ALL
    SELECT
        customer_id,
        cleared_date AS applied_date,
        cleared_date,
        DATE_DIFF('day', due_date, cleared_date) AS days_late,
        CAST(CAST(cleared_rest AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) AS amount
    FROM step.position
    WHERE cleared_rest_paid AND cleared_date > $m12
)
SELECT
    customer_id,
    MAX(cleared_date) AS last_paid_date,
    COUNT(amount) AS n_12m,
    COUNT(CASE WHEN applied_date > $m3 THEN amount END) AS n_3m,
    SUM(amount) AS paid_12m,
    SUM(CASE WHEN applied_date > $m3 THEN amount ELSE 0 END) AS paid_3m,
    SUM(CASE WHEN days_late > $grace_days THEN amount * days_late ELSE 0 END) AS late_12m,
    SUM(CASE WHEN days_late > $grace_days AND applied_date > $m3 THEN amount * days_late ELSE 0 END) AS late_3m,
    SUM(CASE WHEN days_late > 0 THEN amount * days_late ELSE 0 END) AS floored_12m,
    SUM(amount * days_late) AS signed_12m,
    SUM(days_late) AS days_12m,
    SUM(CASE WHEN applied_date > $m3 THEN days_late ELSE 0 END) AS days_3m,
    SUM(days_late * days_late) AS squares_12m,
    SUM(CASE WHEN applied_date > $m3 THEN days_late * days_late ELSE 0 END) AS squares_3m
FROM paid
GROUP BY customer_id
