-- factor.market_environment: how demand, prices and insolvencies move in each customer's industry, and what the customer's own currency
-- lost against the one it owes us in (市场环境). Grain: customer_id. Of each indicator the series of the longest industry code that the
-- customer's code begins with and that gives a figure: its own industry, else the next wider one. A series may name its classification
-- before a colon (NACE:24); then it is for customers of that one, and they prefer it.
WITH series AS (
    SELECT
        industry_code,
        indicator,
        published_date,
        change_3m,
        change_12m,
        volatility_12m,
        shock,
        insolvency_change_12m
    FROM step.industry_series
    WHERE
        change_3m IS NOT NULL OR change_12m IS NOT NULL OR volatility_12m IS NOT NULL OR insolvency_change_12m IS NOT NULL
),
series_code AS (
    SELECT DISTINCT
        industry_code,
        UPPER(REPLACE(SUBSTRING(industry_code, 1, GREATEST(STRPOS(industry_code, ':') - 1, 0)), ' ', '')) AS scheme,
        UPPER(REPLACE(REPLACE(REPLACE(SUBSTRING(industry_code, STRPOS(industry_code, ':') + 1), '.', ''), ' ', ''), '-', ''))
            AS compact
    FROM series
),
comparable AS (
    SELECT
        industry_code,
        scheme,
        compact,
        CASE
            WHEN SUBSTRING(compact, 1, 1) BETWEEN 'A' AND 'Z' AND SUBSTRING(compact, 2, 1) BETWEEN '0' AND '9'
                THEN SUBSTRING(compact, 2)
            ELSE compact
        END AS bare
    FROM series_code
    WHERE compact <> ''
),
of_industry AS (
    SELECT
        i.industry_scheme,
        i.industry_code,
        s.industry_code AS series_code,
        LENGTH(s.scheme) AS scheme_length,
        LENGTH(s.bare) AS code_length
    FROM step.industry_code AS i
    INNER JOIN comparable AS s
        ON
            SUBSTRING(i.scheme, 1, LENGTH(s.scheme)) = s.scheme
            AND (
                SUBSTRING(i.bare, 1, LENGTH(s.bare)) = s.bare
                OR SUBSTRING(i.compact, 1, LENGTH(s.compact)) = s.compact
            )
),
matched AS (
    SELECT
        i.industry_scheme,
        i.industry_code,
        s.indicator,
        i.series_code,
        s.published_date,
        s.change_3m,
        s.change_12m,
        s.volatility_12m,
        s.shock,
        s.insolvency_change_12m,
        ROW_NUMBER() OVER (
            PARTITION BY i.industry_scheme, i.industry_code, s.indicator
            ORDER BY i.scheme_length DESC, i.code_length DESC, i.series_code
        ) AS place
    FROM of_industry AS i
    INNER JOIN series AS s ON i.series_code = s.industry_code
),
industry AS (
    SELECT
        industry_scheme,
        industry_code,
        MAX(CASE WHEN indicator = 'demand' THEN series_code END) AS demand_series,
        MAX(CASE WHEN indicator = 'demand' THEN published_date END) AS demand_date,
        MAX(CASE WHEN indicator = 'demand' THEN change_3m END) AS demand_change_3m,
        MAX(CASE WHEN indicator = 'demand' THEN change_12m END) AS demand_change_12m,
        MAX(CASE WHEN indicator = 'demand' THEN volatility_12m END) AS demand_volatility,
        MAX(CASE WHEN indicator = 'demand' THEN shock END) AS demand_shock,
        MAX(CASE WHEN indicator = 'price' THEN series_code END) AS price_series,
        MAX(CASE WHEN indicator = 'price' THEN published_date END) AS price_date,
        MAX(CASE WHEN indicator = 'price' THEN change_3m END) AS price_change_3m,
        MAX(CASE WHEN indicator = 'price' THEN change_12m END) AS price_change_12m,
        MAX(CASE WHEN indicator = 'price' THEN volatility_12m END) AS price_volatility,
        MAX(CASE WHEN indicator = 'insolvencies' THEN series_code END) AS insolvency_series,
        MAX(CASE WHEN indicator = 'insolvencies' THEN published_date END) AS insolvency_date,
        MAX(CASE WHEN indicator = 'insolvencies' THEN insolvency_change_12m END) AS insolvency_change_12m
    FROM matched
    WHERE place = 1
    GROUP BY industry_scheme, industry_code
),
owed AS (
    SELECT
        customer_id,
        currency,
        CAST(SUM(open_amount) AS DOUBLE) * CAST(MAX(fx_rate) AS DOUBLE) AS open_amount,
        CAST(SUM(billed) AS DOUBLE) * CAST(MAX(fx_rate) AS DOUBLE) AS billed
    FROM factor.exposure_by_currency
    GROUP BY customer_id, currency
),
main_currency AS (
    SELECT
        customer_id,
        currency,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY open_amount DESC, billed DESC, currency) AS place
    FROM owed
),
quoted AS (
    SELECT
        currency,
        rate_date,
        rate,
        CASE WHEN rate_date >= $fx_from THEN 'now' ELSE 'before' END AS quote,
        ROW_NUMBER() OVER (PARTITION BY currency, rate_date >= $fx_from ORDER BY rate_date DESC) AS place
    FROM feed.fx_rate
    WHERE
        rate_date > $m4
        AND rate > 0
        AND currency <> 'EUR'
        AND (rate_date >= $fx_from OR DATE_DIFF('day', rate_date, $as_of) BETWEEN 90 AND 97)
),
per_euro AS (
    SELECT
        currency,
        MAX(CASE WHEN quote = 'now' THEN rate_date END) AS rate_date,
        MAX(CASE WHEN quote = 'now' THEN rate END) AS rate_now,
        MAX(CASE WHEN quote = 'before' THEN rate END) AS rate_before
    FROM quoted
    WHERE place = 1
    GROUP BY currency
    UNION ALL
    SELECT
        'EUR' AS currency,
        CAST(NULL AS DATE) AS rate_date,
        CAST(1 AS DECIMAL(18, 10)) AS rate_now,
        CAST(1 AS DECIMAL(18, 10)) AS rate_before
),
currency AS (
    SELECT
        c.customer_id,
        c.industry_scheme,
        c.industry_code,
        m.home_currency,
        COALESCE(o.currency, c.credit_currency) AS invoice_currency
    FROM factor.customer_state AS c
    LEFT JOIN feed.customer AS m ON c.customer_id = m.customer_id
    LEFT JOIN main_currency AS o ON c.customer_id = o.customer_id AND o.place = 1
),
measured AS (
    SELECT
        c.customer_id,
        c.invoice_currency,
        s.demand_series,
        s.demand_date,
        s.demand_change_3m,
        s.demand_change_12m,
        s.demand_volatility,
        s.demand_shock,
        s.price_series,
        s.price_date,
        s.price_change_3m,
        s.price_change_12m,
        s.price_volatility,
        s.insolvency_series,
        s.insolvency_date,
        s.insolvency_change_12m,
        CASE
            WHEN c.home_currency = c.invoice_currency THEN CAST(0 AS DOUBLE)
            ELSE
                FLOOR(
                    CAST(home.rate_now * invoiced.rate_before - home.rate_before * invoiced.rate_now AS DOUBLE)
                    / CAST(NULLIF(home.rate_before * invoiced.rate_now, 0) AS DOUBLE) * 1e12 + 0.5
                ) / 1e12
        END AS fx_move,
        CASE WHEN c.home_currency <> c.invoice_currency THEN LEAST(home.rate_date, invoiced.rate_date) END AS fx_date
    FROM currency AS c
    LEFT JOIN industry AS s ON COALESCE(c.industry_scheme, '') = s.industry_scheme AND c.industry_code = s.industry_code
    LEFT JOIN per_euro AS home ON c.home_currency = home.currency
    LEFT JOIN per_euro AS invoiced ON c.invoice_currency = invoiced.currency
)
SELECT
    customer_id,
    GREATEST(demand_date, price_date, insolvency_date, CASE WHEN fx_move IS NOT NULL THEN fx_date END) AS evidence_date,
    demand_change_3m AS industry_demand_change_3m,
    CASE WHEN demand_series IS NULL THEN 'no_series' END AS industry_demand_change_3m_code,
    demand_change_12m AS industry_demand_change_12m,
    CASE WHEN demand_series IS NULL THEN 'no_series' END AS industry_demand_change_12m_code,
    COALESCE(price_volatility, demand_volatility) AS industry_volatility_12m,
    CASE WHEN price_series IS NULL AND demand_series IS NULL THEN 'no_series' END AS industry_volatility_12m_code,
    insolvency_change_12m AS industry_insolvency_change_12m,
    CASE WHEN insolvency_series IS NULL THEN 'no_series' END AS industry_insolvency_change_12m_code,
    fx_move AS fx_move_against_90d,
    CASE WHEN fx_move IS NULL THEN 'rate_unknown' END AS fx_move_against_90d_code,
    demand_shock,
    price_change_3m,
    price_change_12m,
    demand_series,
    price_series,
    insolvency_series,
    CASE WHEN price_volatility IS NOT NULL THEN 'price' WHEN demand_volatility IS NOT NULL THEN 'demand' END AS volatility_basis,
    invoice_currency,
    demand_date AS indicator_published_date,
    price_date AS price_published_date,
    insolvency_date AS insolvency_published_date,
    CASE WHEN price_volatility IS NOT NULL THEN price_date WHEN demand_volatility IS NOT NULL THEN demand_date END
        AS volatility_published_date,
    CASE WHEN fx_move IS NOT NULL THEN fx_date END AS fx_date
FROM measured
