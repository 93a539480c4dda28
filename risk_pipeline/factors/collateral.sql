-- factor.collateral. Grain: customer_id.
WITH item AS (
    SELECT customer_id, SUM(net_value) AS net_value
    FROM factor.collateral_item
    GROUP BY customer_id
)
SELECT
    c.customer_id,
    CAST(NULL AS DATE) AS evidence_date,
    CAST(COALESCE(i.net_value, 0) AS DECIMAL(18, 2)) AS collateral_value_net,
    CAST(0 AS DECIMAL(18, 2)) AS collateral_value_net_group,
    CAST(NULL AS DECIMAL(18, 2)) AS net_deposits,
    CAST(NULL AS DECIMAL(18, 2)) AS net_bank_guarantees,
    CAST(NULL AS DECIMAL(18, 2)) AS net_company_guarantees,
    CAST(NULL AS DECIMAL(18, 2)) AS net_personal_guarantees,
    CAST(NULL AS DECIMAL(18, 2)) AS net_charges,
    CAST(NULL AS DECIMAL(18, 2)) AS net_bank_bills,
    CAST(NULL AS DECIMAL(18, 2)) AS net_insurance,
    CAST(0 AS BIGINT) AS securities_counted,
    CAST(0 AS BIGINT) AS securities_not_counted,
    CAST(NULL AS DATE) AS security_ends_on,
    CAST(NULL AS BIGINT) AS security_days_left,
    CAST(NULL AS DATE) AS security_lapsed_on,
    CAST(0 AS DECIMAL(18, 2)) AS security_lapsed_value,
    FALSE AS insured,
    CAST(NULL AS BIGINT) AS insured_terms_days,
    CAST(NULL AS BIGINT) AS insurance_extension_days_left,
    CAST(NULL AS DATE) AS insurance_withdrawn_on,
    CAST(NULL AS DATE) AS security_date
FROM factor.customer_state AS c
LEFT JOIN item AS i ON c.customer_id = i.customer_id
