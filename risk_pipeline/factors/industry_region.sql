-- factor.industry_region: industry, country, size and age of each customer and how risky they are (行业、地域、规模).
-- Grain: customer_id. Industry class: the policy's, by the longest prefix of the code in the same scheme, else its default class.
-- Country: the newest score and the newest list status, each with its own publication; the worse score of incorporation and
-- operation, as far as known.
WITH published AS (
    SELECT
        country_code,
        score,
        list_status,
        published_date,
        ROW_NUMBER() OVER (
            PARTITION BY country_code ORDER BY CASE WHEN score IS NULL THEN 1 ELSE 0 END, published_date DESC
        ) AS score_place,
        ROW_NUMBER() OVER (
            PARTITION BY country_code ORDER BY CASE WHEN list_status IS NULL THEN 1 ELSE 0 END, published_date DESC
        ) AS list_place
    FROM feed.country_risk
),
country AS (
    SELECT
        country_code,
        MAX(CASE WHEN score_place = 1 THEN score END) AS score,
        MAX(CASE WHEN score_place = 1 AND score IS NOT NULL THEN published_date END) AS score_date,
        MAX(CASE WHEN list_place = 1 THEN list_status END) AS list_status,
        MAX(CASE WHEN list_place = 1 AND list_status IS NOT NULL THEN published_date END) AS list_date
    FROM published
    GROUP BY country_code
),
customer AS (
    SELECT
        c.customer_id,
        c.industry_scheme,
        c.industry_code,
        c.country_code,
        c.size_class,
        COALESCE(c.is_public_body, FALSE) AS is_public_body,
        m.operating_country_code,
        CASE
            WHEN m.established_date <= $as_of AND m.established_date >= CAST('1500-01-01' AS DATE) THEN m.established_date
        END AS established_date,
        CASE WHEN m.effective_from <= $as_of THEN m.effective_from END AS master_data_date
    FROM factor.customer_state AS c
    LEFT JOIN feed.customer AS m ON c.customer_id = m.customer_id
),
placed AS (
    SELECT
        c.customer_id,
        c.size_class,
        c.is_public_body,
        c.country_code,
        c.operating_country_code,
        c.established_date,
        c.master_data_date,
        i.industry_code IS NOT NULL AND c.industry_scheme IS NOT NULL AS industry_known,
        i.risk_class,
        i.class_prefix,
        home.list_status,
        home.list_date,
        abroad.list_status AS operating_list_status,
        CASE
            WHEN home.score IS NULL OR abroad.score > home.score THEN abroad.country_code
            ELSE home.country_code
        END AS scored_country,
        CASE WHEN home.score IS NULL OR abroad.score > home.score THEN abroad.score ELSE home.score END AS score,
        CASE WHEN home.score IS NULL OR abroad.score > home.score THEN abroad.score_date ELSE home.score_date END AS score_date
    FROM customer AS c
    LEFT JOIN step.industry_code AS i
        ON COALESCE(c.industry_scheme, '') = i.industry_scheme AND c.industry_code = i.industry_code
    LEFT JOIN country AS home ON c.country_code = home.country_code
    LEFT JOIN country AS abroad ON c.operating_country_code = abroad.country_code
)
SELECT
    customer_id,
    GREATEST(master_data_date, score_date, list_date) AS evidence_date,
    CASE WHEN industry_known THEN COALESCE(risk_class, $default_industry_class) END AS industry_risk_class,
    CASE WHEN NOT industry_known THEN 'code_unknown' END AS industry_risk_class_code,
    score AS country_risk_score,
    CASE WHEN country_code IS NULL AND operating_country_code IS NULL THEN 'country_unknown' END AS country_risk_score_code,
    list_status AS country_list_status,
    CASE WHEN country_code IS NULL THEN 'country_unknown' END AS country_list_status_code,
    size_class,
    CASE WHEN is_public_body THEN 'public_body' END AS size_class_code,
    CASE
        WHEN NOT is_public_body THEN CAST(DATE_DIFF('day', established_date, $as_of) AS DOUBLE) / 365.25e0
    END AS company_age_years,
    CASE WHEN is_public_body THEN 'public_body' END AS company_age_years_code,
    CASE WHEN industry_known THEN class_prefix END AS industry_class_prefix,
    CASE WHEN score IS NOT NULL THEN scored_country END AS country_risk_country,
    operating_list_status,
    master_data_date,
    score_date AS country_risk_date,
    list_date AS country_list_date
FROM placed
