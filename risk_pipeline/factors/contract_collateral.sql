-- factor.contract_collateral. Grain: customer_id.
SELECT
    c.customer_id,
    CAST(NULL AS DATE) AS evidence_date,
    CAST(NULL AS VARCHAR) AS contract_standing,
    CAST(NULL AS VARCHAR) AS contract_standing_code,
    CAST(NULL AS DATE) AS contract_date,
    CAST(NULL AS DATE) AS contract_valid_to,
    CAST(NULL AS BIGINT) AS contracts_breached_12m,
    CAST(NULL AS BOOLEAN) AS contract_unsigned,
    CAST(NULL AS BOOLEAN) AS guarantee_clause,
    CAST(NULL AS BOOLEAN) AS retention_of_title,
    FALSE AS parent_guarantee_valid,
    CAST(0 AS BIGINT) AS collateral_valid_count,
    CAST(0 AS DECIMAL(18, 2)) AS collateral_value,
    CAST(NULL AS DATE) AS collateral_next_expiry,
    CAST(NULL AS DATE) AS collateral_expired_on,
    CAST(NULL AS DATE) AS collateral_date,
    CAST(NULL AS DECIMAL(18, 2)) AS insurance_limit,
    CAST(NULL AS DATE) AS insurance_valid_to,
    FALSE AS insurance_claim_filed,
    CAST(NULL AS DATE) AS insurance_date
FROM factor.customer_state AS c
