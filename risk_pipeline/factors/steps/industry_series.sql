-- What the newest published figures of each industry say: change, volatility and shock of demand and prices, change of insolvencies.
-- Grain: industry_code + indicator of feed.industry_indicator, for series with a period that began in the last 12 months.
-- Of each period the newest vintage published by as_of counts. `back`: months from a period to the newest one; `place`: 1 is the newest
-- period. A series is quarterly when its periods never stand less than 3 months apart. Log changes are added up in whole 1e-12, so that
-- the sums are exact; changes are rounded to 1e-12, so that a fall of 10 % meets a bound of -0.10. Figures that cannot be are left
-- out: not above 0 (insolvencies: below 0), or beyond 1e15. (Of 19 digits: of 18 the squares would be added up in 64 bits.)
WITH vintage AS (
    SELECT
        industry_code,
        indicator,
        EXTRACT(YEAR FROM period) * 12 + EXTRACT(MONTH FROM period) AS month_number,
        period,
        published_date,
        value,
        COALESCE(seasonally_adjusted, FALSE) AS adjusted,
        ROW_NUMBER() OVER (
            PARTITION BY industry_code, indicator, EXTRACT(YEAR FROM period) * 12 + EXTRACT(MONTH FROM period)
            ORDER BY published_date DESC, period DESC
        ) AS newest
    FROM feed.industry_indicator
    WHERE period <= $as_of AND DATE_DIFF('day', period, $as_of) < 1500
),
figure AS (
    SELECT
        industry_code,
        indicator,
        period,
        published_date,
        value,
        adjusted,
        month_number,
        MAX(month_number) OVER (PARTITION BY industry_code, indicator) - month_number AS back,
        ROW_NUMBER() OVER (PARTITION BY industry_code, indicator ORDER BY month_number DESC) AS place
    FROM vintage
    WHERE newest = 1 AND (value BETWEEN 1e-9 AND 1e15 OR (value = 0 AND indicator = 'insolvencies'))
),
compared AS (
    SELECT
        f.industry_code,
        f.indicator,
        f.period,
        f.published_date,
        f.value,
        f.adjusted,
        f.back,
        f.place,
        earlier.back - f.back AS gap,
        CASE
            WHEN f.indicator <> 'insolvencies' AND earlier.back = f.back + 1 AND earlier.adjusted = f.adjusted
                THEN CAST(FLOOR(LN(f.value / NULLIF(earlier.value, 0)) * 1000000000000 + 0.5) AS BIGINT)
        END AS log_change,
        CASE WHEN year_before.adjusted = f.adjusted THEN year_before.value END AS year_before
    FROM figure AS f
    LEFT JOIN figure AS earlier
        ON f.industry_code = earlier.industry_code AND f.indicator = earlier.indicator AND f.place + 1 = earlier.place
    LEFT JOIN figure AS year_before
        ON f.industry_code = year_before.industry_code AND f.indicator = year_before.indicator AND f.back + 12 = year_before.back
),
changed AS (
    SELECT
        industry_code,
        indicator,
        CAST(log_change AS DECIMAL(19, 0)) AS log_change,
        ROW_NUMBER() OVER (PARTITION BY industry_code, indicator ORDER BY back) AS place,
        back
    FROM compared
    WHERE log_change IS NOT NULL AND back < 24 AND (indicator = 'price' OR adjusted)
),
spread AS (
    SELECT
        industry_code,
        indicator,
        COUNT(CASE WHEN place <= 12 THEN place END) AS n_changes,
        SUM(CASE WHEN place <= 12 THEN log_change END) AS changes,
        SUM(CASE WHEN place <= 12 THEN log_change * log_change END) AS squares,
        MAX(CASE WHEN place = 1 AND back = 0 THEN log_change END) AS newest_change,
        COUNT(CASE WHEN place BETWEEN 2 AND 13 THEN place END) AS n_before,
        SUM(CASE WHEN place BETWEEN 2 AND 13 THEN log_change END) AS changes_before,
        SUM(CASE WHEN place BETWEEN 2 AND 13 THEN log_change * log_change END) AS squares_before
    FROM changed
    GROUP BY industry_code, indicator
),
deviation AS (
    SELECT
        industry_code,
        indicator,
        CASE
            WHEN n_changes = 12
                THEN
                    SQRT(
                        CAST(12 * squares - CAST(changes AS DECIMAL(19, 0)) * CAST(changes AS DECIMAL(19, 0)) AS DOUBLE)
                        / CAST(132 AS DOUBLE)
                    ) / 1e12
        END AS volatility_12m,
        CAST(newest_change AS DOUBLE) / 1e12 AS newest_change,
        CAST(changes_before AS DOUBLE) / 12e12 AS mean_before,
        CASE
            WHEN n_before = 12
                THEN
                    SQRT(
                        CAST(
                            12 * squares_before
                            - CAST(changes_before AS DECIMAL(19, 0)) * CAST(changes_before AS DECIMAL(19, 0)) AS DOUBLE
                        ) / CAST(132 AS DOUBLE)
                    ) / 1e12
        END AS deviation_before
    FROM spread
),
shape AS (
    SELECT
        industry_code,
        indicator,
        MAX(period) AS newest_period,
        MAX(CASE WHEN place = 1 THEN published_date END) AS published_date,
        MIN(gap) >= 3 AS quarterly,
        MAX(CASE WHEN place = 1 THEN value END) AS value_1,
        MAX(CASE WHEN place = 2 THEN value END) AS value_2,
        MAX(CASE WHEN place = 3 THEN value END) AS value_3,
        MAX(CASE WHEN place = 4 THEN value END) AS value_4,
        MAX(CASE WHEN place = 5 THEN value END) AS value_5,
        MAX(CASE WHEN place = 6 THEN value END) AS value_6,
        MAX(CASE WHEN place = 2 THEN back END) AS back_2,
        MAX(CASE WHEN place = 3 THEN back END) AS back_3,
        MAX(CASE WHEN place = 6 THEN back END) AS back_6,
        MAX(CASE WHEN place = 1 THEN year_before END) AS year_before_1,
        MAX(CASE WHEN place = 2 THEN year_before END) AS year_before_2,
        MAX(CASE WHEN place = 3 THEN year_before END) AS year_before_3,
        COUNT(CASE WHEN place <= 2 AND adjusted THEN place END) AS n_adjusted_2,
        COUNT(CASE WHEN place <= 6 AND adjusted THEN place END) AS n_adjusted_6,
        COUNT(CASE WHEN back < 12 THEN place END) AS n_year,
        COUNT(CASE WHEN back BETWEEN 12 AND 23 THEN place END) AS n_year_before,
        SUM(CASE WHEN indicator = 'insolvencies' AND back < 12 THEN CAST(FLOOR(value + 0.5) AS BIGINT) END) AS cases,
        SUM(CASE WHEN indicator = 'insolvencies' AND back BETWEEN 12 AND 23 THEN CAST(FLOOR(value + 0.5) AS BIGINT) END)
            AS cases_before
    FROM compared
    GROUP BY industry_code, indicator
),
measured AS (
    SELECT
        s.industry_code,
        s.indicator,
        s.published_date,
        CASE
            WHEN s.indicator = 'insolvencies' THEN NULL
            WHEN s.quarterly
                THEN
                    CASE
                        WHEN s.back_2 = 3 AND (s.n_adjusted_2 = 2 OR (s.n_adjusted_2 = 0 AND s.indicator = 'price'))
                            THEN (s.value_1 - s.value_2) / NULLIF(s.value_2, 0)
                    END
            WHEN s.back_6 <= 6 AND (s.n_adjusted_6 = 6 OR (s.n_adjusted_6 = 0 AND s.indicator = 'price'))
                THEN
                    (s.value_1 + s.value_2 + s.value_3 - s.value_4 - s.value_5 - s.value_6)
                    / NULLIF(s.value_4 + s.value_5 + s.value_6, 0)
        END AS change_3m,
        CASE
            WHEN s.indicator = 'insolvencies' THEN NULL
            WHEN s.quarterly THEN (s.value_1 - s.year_before_1) / NULLIF(s.year_before_1, 0)
            WHEN s.back_3 <= 3
                THEN
                    (s.value_1 + s.value_2 + s.value_3 - s.year_before_1 - s.year_before_2 - s.year_before_3)
                    / NULLIF(s.year_before_1 + s.year_before_2 + s.year_before_3, 0)
        END AS change_12m,
        v.volatility_12m,
        CASE
            WHEN v.deviation_before > 1e-9 THEN (v.newest_change - v.mean_before) / NULLIF(v.deviation_before, 0)
        END AS shock,
        CASE
            WHEN
                s.cases_before >= 20
                AND s.n_year = CASE WHEN s.quarterly THEN 4 ELSE 12 END
                AND s.n_year_before = CASE WHEN s.quarterly THEN 4 ELSE 12 END
                THEN CAST(s.cases - s.cases_before AS DOUBLE) / CAST(NULLIF(s.cases_before, 0) AS DOUBLE)
        END AS insolvency_change_12m
    FROM shape AS s
    LEFT JOIN deviation AS v ON s.industry_code = v.industry_code AND s.indicator = v.indicator
    WHERE s.newest_period > $m12
)
SELECT
    industry_code,
    indicator,
    published_date,
    FLOOR(change_3m * 1e12 + 0.5) / 1e12 AS change_3m,
    FLOOR(change_12m * 1e12 + 0.5) / 1e12 AS change_12m,
    volatility_12m,
    shock,
    insolvency_change_12m
FROM measured
