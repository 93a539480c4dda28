-- factor.industry_region. Grain: customer_id.
SELECT
    c.customer_id,
    CAST(NULL AS DATE) AS evidence_date,
    CAST(NULL AS BIGINT) AS industry_risk_class,
    CAST(NULL AS VARCHAR) AS industry_risk_class_code,
    CAST(NULL AS DOUBLE) AS country_risk_score,
    CAST(NULL AS VARCHAR) AS country_risk_score_code,
    CAST(NULL AS VARCHAR) AS country_list_status,
    CAST(NULL AS VARCHAR) AS country_list_status_code,
    c.size_class,
    CAST(NULL AS VARCHAR) AS size_class_code,
    CAST(NULL AS DOUBLE) AS company_age_years,
    CAST(NULL AS VARCHAR) AS company_age_years_code,
    CAST(NULL AS VARCHAR) AS industry_class_prefix,
    CAST(NULL AS VARCHAR) AS country_risk_country,
    CAST(NULL AS VARCHAR) AS operating_list_status,
    CAST(NULL AS DATE) AS master_data_date,
    CAST(NULL AS DATE) AS country_risk_date,
    CAST(NULL AS DATE) AS country_list_date
FROM factor.customer_state AS c
