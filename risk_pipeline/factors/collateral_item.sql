-- factor.collateral_item. Grain: customer_id, security_source, security_id.
SELECT
    customer_id,
    'collateral' AS security_source,
    collateral_id AS security_id,
    kind AS security_kind,
    FALSE AS eligible,
    'no_such_mitigant' AS ineligible_code,
    FALSE AS from_own_group,
    provider,
    guarantor_id,
    currency,
    CAST(NULL AS DECIMAL(18, 2)) AS gross_value,
    CAST(NULL AS DECIMAL(18, 2)) AS deducted_value,
    CAST(NULL AS DOUBLE) AS cover_share,
    CAST(NULL AS DOUBLE) AS haircut_share,
    CAST(0 AS DECIMAL(18, 2)) AS net_value,
    valid_to,
    CAST(NULL AS DATE) AS counts_until,
    valid_from AS evidence_date
FROM feed.collateral
WHERE FALSE
