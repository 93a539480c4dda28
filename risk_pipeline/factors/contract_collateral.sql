-- factor.contract_collateral. Grain: customer_id.
SELECT c.customer_id, CAST(NULL AS DATE) AS evidence_date
FROM factor.customer_state AS c
