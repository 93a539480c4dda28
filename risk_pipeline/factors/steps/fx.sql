-- Cross rate of each currency on the as-of date: units of the reporting currency for one unit of `currency`.
-- Grain: currency. Source: feed.fx_rate (units per 1 EUR, as the ECB publishes), newest row on or before as_of, at most 7 days old.
-- The reporting currency is always there with rate 1, so that a ledger in it needs no rates at all.
WITH ranked AS (
    SELECT
        currency,
        rate,
        ROW_NUMBER() OVER (PARTITION BY currency ORDER BY rate_date DESC) AS newest
    FROM feed.fx_rate
    WHERE rate_date >= $fx_from AND currency <> 'EUR'
),
per_euro AS (
    SELECT currency, CAST(rate AS DOUBLE) AS rate FROM ranked WHERE newest = 1
    UNION ALL
    SELECT 'EUR' AS currency, CAST(1 AS DOUBLE) AS rate
),
reporting AS (
    SELECT rate FROM per_euro WHERE currency = $reporting_currency
)
SELECT
    p.currency,
    CAST(
        CAST(FLOOR(r.rate / NULLIF(p.rate, 0) * 10000000000 + 0.5) AS BIGINT) * CAST(0.0000000001 AS DECIMAL(11, 10))
        AS DECIMAL(18, 10)
    ) AS rate
FROM per_euro AS p
CROSS JOIN reporting AS r
WHERE p.currency <> $reporting_currency
UNION ALL
SELECT $reporting_currency AS currency, CAST(1 AS DECIMAL(18, 10)) AS rate
