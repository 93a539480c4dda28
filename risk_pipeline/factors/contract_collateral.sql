-- factor.contract_collateral: what is signed, breached or about to run out, and what we could call (合同与担保).
-- Grain: customer_id. A contract is in force from its first day through its last, unless terminated and not signed anew; a breach
-- stands for 12 months or until the contract is amended or signed anew. Contracts of which no event is delivered may be signed or
-- not: their standing is missing. A security is in force through its last day and its claim deadline, while not released; its
-- value is gross: haircuts and prior liens belong to the limit. A value or date of after the as-of date counts for nothing.
WITH event AS (
    SELECT
        contract_id,
        MAX(event_date) AS newest,
        MAX(CASE WHEN kind = 'signed' THEN event_date END) AS signed_on,
        MAX(CASE WHEN kind IN ('signed', 'amended') THEN event_date END) AS mended_on,
        MAX(CASE WHEN kind = 'breached' AND event_date > $m12 THEN event_date END) AS breached_on,
        MAX(CASE WHEN kind = 'terminated' THEN event_date END) AS terminated_on
    FROM feed.contract_event
    GROUP BY contract_id
),
contract AS (
    SELECT
        c.contract_id,
        c.customer_id,
        c.kind IS DISTINCT FROM 'general_terms' AS is_individual,
        c.valid_to,
        COALESCE(c.guarantee_clause, FALSE) AS guarantee_clause,
        COALESCE(c.retention_of_title, FALSE) AS retention_of_title,
        GREATEST(c.valid_from, e.newest) AS newest,
        e.signed_on IS NOT NULL AS is_signed,
        e.breached_on IS NOT NULL AS breached_12m,
        e.breached_on IS NOT NULL AND (e.mended_on IS NULL OR e.mended_on <= e.breached_on) AS breach_open,
        LEAST(
            CASE WHEN c.valid_to < $as_of THEN c.valid_to END,
            CASE WHEN e.signed_on IS NULL OR e.signed_on <= e.terminated_on THEN e.terminated_on END
        ) AS ended_on
    FROM feed.contract AS c
    LEFT JOIN event AS e ON c.contract_id = e.contract_id
),
contracted AS (
    SELECT
        customer_id,
        COUNT(CASE WHEN ended_on IS NULL THEN contract_id END) AS in_force,
        COUNT(CASE WHEN ended_on IS NULL AND is_individual THEN contract_id END) AS individual,
        COUNT(CASE WHEN ended_on IS NULL AND is_individual AND NOT is_signed THEN contract_id END) AS unsigned,
        COUNT(CASE WHEN ended_on IS NULL AND is_individual AND NOT retention_of_title THEN contract_id END) AS without_title,
        COUNT(
            CASE WHEN ended_on IS NULL AND is_individual AND NOT retention_of_title AND NOT guarantee_clause THEN contract_id END
        ) AS bare,
        COUNT(CASE WHEN ended_on IS NULL AND valid_to IS NULL THEN contract_id END) AS open_ended,
        COUNT(CASE WHEN ended_on IS NULL AND guarantee_clause THEN contract_id END) AS with_guarantee,
        COUNT(CASE WHEN ended_on IS NULL AND retention_of_title THEN contract_id END) AS with_title,
        COUNT(CASE WHEN ended_on IS NULL AND breach_open THEN contract_id END) AS breached_in_force,
        COUNT(CASE WHEN breach_open THEN contract_id END) AS breached,
        COUNT(CASE WHEN breached_12m THEN contract_id END) AS breached_12m,
        MAX(CASE WHEN ended_on IS NULL THEN valid_to END) AS valid_to,
        MAX(CASE WHEN ended_on IS NULL THEN newest END) AS newest_in_force,
        MAX(newest) AS newest,
        MAX(ended_on) AS ended_on
    FROM contract
    GROUP BY customer_id
),
security AS (
    SELECT
        s.customer_id,
        s.collateral_id,
        s.kind,
        CASE WHEN s.valuation_date <= $as_of AND s.valuation_date > s.valid_from THEN s.valuation_date ELSE s.valid_from END
            AS newest,
        LEAST(s.valid_to, s.claim_deadline) AS last_day,
        CASE
            WHEN s.collateral_value >= 0 AND (s.valuation_date IS NULL OR s.valuation_date <= $as_of)
                THEN CAST(CAST(s.collateral_value AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS gross_value
    FROM feed.collateral AS s
    LEFT JOIN step.fx AS fx ON s.currency = fx.currency
    WHERE s.released_date IS NULL
),
secured AS (
    SELECT
        customer_id,
        COUNT(CASE WHEN last_day IS NULL OR last_day >= $as_of THEN collateral_id END) AS in_force,
        COUNT(CASE WHEN kind = 'parent_guarantee' AND (last_day IS NULL OR last_day >= $as_of) THEN collateral_id END)
            AS parent_guarantees,
        SUM(CASE WHEN last_day IS NULL OR last_day >= $as_of THEN gross_value END) AS gross_value,
        MIN(CASE WHEN last_day >= $as_of THEN last_day END) AS next_expiry,
        MAX(CASE WHEN last_day < $as_of AND last_day > $m12 THEN last_day END) AS expired_on,
        MAX(CASE WHEN last_day IS NULL OR last_day >= $as_of THEN newest END) AS newest
    FROM security
    GROUP BY customer_id
),
decision AS (
    SELECT
        i.customer_id,
        i.decided_date,
        i.valid_to,
        i.claim_filed_date,
        CASE WHEN i.amount >= 0 THEN CAST(CAST(i.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) END AS amount,
        i.decision IN ('approved', 'partly', 'reduced')
        AND i.cancelled_on IS NULL
        AND (i.valid_to IS NULL OR i.valid_to >= $as_of) AS covers,
        ROW_NUMBER() OVER (PARTITION BY i.customer_id, i.insurer ORDER BY i.decided_date DESC, i.cover_id DESC) AS place
    FROM feed.insurance_limit AS i
    LEFT JOIN step.fx AS fx ON i.currency = fx.currency
),
insured AS (
    SELECT
        customer_id,
        MAX(decided_date) AS newest,
        SUM(CASE WHEN place = 1 AND covers THEN amount END) AS amount,
        MIN(CASE WHEN place = 1 AND covers THEN valid_to END) AS valid_to,
        COUNT(CASE WHEN claim_filed_date > $m12 THEN customer_id END) AS claims
    FROM decision
    GROUP BY customer_id
)
SELECT
    c.customer_id,
    GREATEST(k.newest, k.ended_on, s.newest, i.newest) AS evidence_date,
    CASE
        WHEN k.in_force = 0 AND k.breached > 0 THEN 'breached'
        WHEN k.in_force = 0 THEN 'expired'
        WHEN k.breached_in_force > 0 THEN 'breached'
        WHEN k.individual = 0 THEN 'general_terms_only'
        WHEN NOT $has_contract_event THEN NULL
        WHEN k.unsigned > 0 THEN 'unsigned'
        WHEN k.bare > 0 THEN 'signed'
        WHEN k.without_title > 0 THEN 'signed_with_guarantee'
        WHEN k.individual > 0 THEN 'signed_with_retention_of_title'
    END AS contract_standing,
    CASE WHEN NOT $has_contract THEN 'no_contract_feed' END AS contract_standing_code,
    CASE WHEN k.in_force > 0 THEN k.newest_in_force ELSE GREATEST(k.newest, k.ended_on) END AS contract_date,
    CASE WHEN k.in_force = 0 THEN k.ended_on WHEN k.open_ended = 0 THEN k.valid_to END AS contract_valid_to,
    CASE WHEN $has_contract_event THEN COALESCE(k.breached_12m, 0) END AS contracts_breached_12m,
    CASE WHEN $has_contract_event THEN k.unsigned > 0 END AS contract_unsigned,
    k.with_guarantee > 0 AS guarantee_clause,
    k.with_title > 0 AS retention_of_title,
    COALESCE(s.parent_guarantees, 0) > 0 AS parent_guarantee_valid,
    COALESCE(s.in_force, 0) AS collateral_valid_count,
    CAST(COALESCE(s.gross_value, 0) AS DECIMAL(18, 2)) AS collateral_value,
    s.next_expiry AS collateral_next_expiry,
    s.expired_on AS collateral_expired_on,
    s.newest AS collateral_date,
    CASE WHEN i.customer_id IS NOT NULL THEN CAST(COALESCE(i.amount, 0) AS DECIMAL(18, 2)) END AS insurance_limit,
    i.valid_to AS insurance_valid_to,
    COALESCE(i.claims, 0) > 0 AS insurance_claim_filed,
    i.newest AS insurance_date
FROM factor.customer_state AS c
LEFT JOIN contracted AS k ON c.customer_id = k.customer_id
LEFT JOIN secured AS s ON c.customer_id = s.customer_id
LEFT JOIN insured AS i ON c.customer_id = i.customer_id
