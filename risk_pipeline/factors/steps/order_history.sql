-- What each customer ordered, when and how regularly, in reporting currency at the rate of the as-of date.
-- Grain: customer_id. Orders not cancelled by the as-of date, above 0; an order day is a date with at least one. 335d = from 364
-- to 30 days before the as-of date, what stands before the newest 30 days. amount_season: the same 30 days a year earlier.
-- median_gap: of the days from one order day of W(12) to the next (the middle one, or the mean of the middle two).
WITH placed AS (
    SELECT
        o.customer_id,
        o.order_date,
        DATE_DIFF('day', o.order_date, $as_of) AS age,
        CASE
            WHEN fx.rate = 1 THEN o.amount ELSE CAST(CAST(o.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS amount
    FROM feed.sales_order AS o
    INNER JOIN step.fx AS fx ON o.currency = fx.currency
    WHERE o.cancelled_date IS NULL AND o.amount > 0
),
ordered AS (
    SELECT
        customer_id,
        MIN(order_date) AS first_date,
        MAX(order_date) AS last_date,
        SUM(CASE WHEN order_date > $m3 THEN amount ELSE 0 END) AS amount_3m,
        SUM(CASE WHEN order_date > $m6 AND order_date <= $m3 THEN amount ELSE 0 END) AS amount_before_3m,
        SUM(CASE WHEN order_date > $m12 THEN amount ELSE 0 END) AS amount_12m,
        SUM(CASE WHEN age < 30 THEN amount ELSE 0 END) AS amount_30d,
        MAX(CASE WHEN age < 30 THEN amount END) AS largest_30d,
        COUNT(CASE WHEN age >= 30 AND age < 365 THEN amount END) AS n_335d,
        SUM(CASE WHEN age >= 30 AND age < 365 THEN amount ELSE 0 END) AS amount_335d,
        SUM(CASE WHEN age >= 30 AND age < 365 THEN amount * amount ELSE 0 END) AS squares_335d,
        SUM(CASE WHEN DATE_DIFF('day', order_date, $m12) BETWEEN 0 AND 29 THEN amount ELSE 0 END) AS amount_season
    FROM placed
    GROUP BY customer_id
),
order_day AS (
    SELECT customer_id, order_date FROM placed WHERE order_date > $m12 GROUP BY customer_id, order_date
),
order_gap AS (
    SELECT
        customer_id,
        order_date,
        DATE_DIFF('day', LAG(order_date) OVER (PARTITION BY customer_id ORDER BY order_date), order_date) AS gap
    FROM order_day
),
gap_ranked AS (
    SELECT
        customer_id,
        gap,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY gap, order_date) AS place,
        COUNT(gap) OVER (PARTITION BY customer_id) AS n_gaps
    FROM order_gap
    WHERE gap IS NOT NULL
),
order_rhythm AS (
    SELECT customer_id, CAST(SUM(gap) AS DOUBLE) / CAST(NULLIF(COUNT(gap), 0) AS DOUBLE) AS median_gap
    FROM gap_ranked
    WHERE 2 * place BETWEEN n_gaps AND n_gaps + 2
    GROUP BY customer_id
),
order_count AS (
    SELECT
        customer_id,
        COUNT(order_date) AS n_12m,
        COUNT(CASE WHEN order_date > $m3 THEN order_date END) AS n_3m,
        COUNT(CASE WHEN DATE_DIFF('day', order_date, $as_of) BETWEEN 30 AND 364 THEN order_date END) AS n_335d
    FROM order_day
    GROUP BY customer_id
)
SELECT
    o.customer_id,
    o.first_date,
    o.last_date,
    o.amount_3m,
    o.amount_before_3m,
    o.amount_12m,
    o.amount_30d,
    o.largest_30d,
    o.n_335d,
    o.amount_335d,
    o.squares_335d,
    o.amount_season,
    COALESCE(c.n_12m, 0) AS n_days_12m,
    COALESCE(c.n_3m, 0) AS n_days_3m,
    COALESCE(c.n_335d, 0) AS n_days_335d,
    r.median_gap
FROM ordered AS o
LEFT JOIN order_count AS c ON o.customer_id = c.customer_id
LEFT JOIN order_rhythm AS r ON o.customer_id = r.customer_id
