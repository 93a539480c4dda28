-- factor.collateral_item: every security, cover and bill in hand, and what it adds to a limit (担保逐项：是否计入、净值、有效期).
-- Grain: customer_id, security_source, security_id. Conditions and haircuts: the policy's mitigants. On its last day a security still
-- counts. Nothing dated after the as-of date is known: neither a valuation nor an entry in a register.
--   net value = (value - prior claims) x cover x (1 - haircut - haircut of another currency)
-- A bill in hand counts as far as it has not settled invoices: what it settled is no exposure any more. Of debt in dispute no insurer
-- pays; it uses up the largest cover first. Terms: the longer of those contracted and those of the assessment before, else the
-- longest of the policy; for insurance those contracted, since terms of the policy follow the insurer. A guarantor is judged by its
-- tier in the assessment before: that of today may depend on this one. Released securities, those over for 12 months and older
-- decisions of an insurer are left out. Sources: Basel CRE22 (haircut for another currency), golden_cases.md cases 8 to 10.
WITH debtor AS (
    SELECT
        c.customer_id,
        UPPER(REPLACE(c.name, ' ', '')) AS plain_name,
        c.group_id,
        c.legal_entity_id,
        c.credit_currency,
        c.contracted_terms_days,
        COALESCE(GREATEST(c.contracted_terms_days, p.payment_terms_days), $longest_terms_days) AS terms_days,
        p.tier,
        COALESCE(f.statement_usable, FALSE) AS statement_usable,
        w.country_code IS NOT NULL OR c.country_code IS NULL AS spouse_asked,
        COALESCE(e.max_dpd_material, 0) AS max_dpd_material,
        COALESCE(e.disputed_open, 0) AS disputed_open
    FROM factor.customer_state AS c
    LEFT JOIN previous.decision AS p ON c.customer_id = p.customer_id
    LEFT JOIN factor.financial_condition AS f ON c.customer_id = f.customer_id
    LEFT JOIN factor.exposure AS e ON c.customer_id = e.customer_id
    LEFT JOIN policy.spouse_country AS w ON c.country_code = w.country_code
),
settled AS (
    SELECT a.bill_id, SUM(CAST(CAST(a.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))) AS amount
    FROM feed.payment_application AS a
    INNER JOIN step.fx AS fx ON a.currency = fx.currency
    WHERE a.bill_id IS NOT NULL AND a.reversed_date IS NULL AND a.kind = 'bill'
    GROUP BY a.bill_id
),
held AS (
    SELECT
        'collateral' AS security_source,
        collateral_id AS security_id,
        customer_id,
        kind AS security_kind,
        provider,
        guarantor_id,
        currency,
        CASE WHEN valuation_date > $as_of THEN NULL ELSE collateral_value END AS amount,
        prior_liens,
        COALESCE(priority > 1, FALSE) AND prior_liens IS NULL AS liens_unknown,
        valid_from,
        valid_to,
        claim_deadline,
        CASE WHEN valuation_date <= $as_of THEN valuation_date END AS valuation_date,
        CASE WHEN registered_date <= $as_of THEN registered_date END AS registered_date,
        first_demand,
        UPPER(provider_rating) AS provider_rating,
        spouse_signed,
        CAST(NULL AS DOUBLE) AS cover_pct,
        CAST(NULL AS BIGINT) AS max_terms_days,
        CAST(NULL AS BIGINT) AS max_extension_days,
        TRUE AS covers,
        FALSE AS claim_filed
    FROM feed.collateral
    WHERE released_date IS NULL
    UNION ALL
    SELECT
        'insurance_limit' AS security_source,
        cover_id AS security_id,
        customer_id,
        'insurance' AS security_kind,
        insurer AS provider,
        CAST(NULL AS VARCHAR) AS guarantor_id,
        currency,
        amount,
        CAST(NULL AS DECIMAL(18, 2)) AS prior_liens,
        FALSE AS liens_unknown,
        decided_date AS valid_from,
        valid_to,
        CAST(NULL AS DATE) AS claim_deadline,
        CAST(NULL AS DATE) AS valuation_date,
        CAST(NULL AS DATE) AS registered_date,
        CAST(NULL AS BOOLEAN) AS first_demand,
        CAST(NULL AS VARCHAR) AS provider_rating,
        CAST(NULL AS BOOLEAN) AS spouse_signed,
        cover_pct,
        max_terms_days,
        max_extension_days,
        covers,
        claim_filed
    FROM step.insurance_cover
    UNION ALL
    SELECT
        'bill' AS security_source,
        bill_id AS security_id,
        customer_id,
        CASE WHEN kind = 'bank' THEN 'bank_acceptance_bill' ELSE 'commercial_acceptance_bill' END AS security_kind,
        acceptor_name AS provider,
        acceptor_id AS guarantor_id,
        currency,
        amount,
        CAST(NULL AS DECIMAL(18, 2)) AS prior_liens,
        FALSE AS liens_unknown,
        received_date AS valid_from,
        maturity_date AS valid_to,
        CAST(NULL AS DATE) AS claim_deadline,
        CAST(NULL AS DATE) AS valuation_date,
        CAST(NULL AS DATE) AS registered_date,
        CAST(NULL AS BOOLEAN) AS first_demand,
        CAST(NULL AS VARCHAR) AS provider_rating,
        CAST(NULL AS BOOLEAN) AS spouse_signed,
        CAST(NULL AS DOUBLE) AS cover_pct,
        CAST(NULL AS BIGINT) AS max_terms_days,
        CAST(NULL AS BIGINT) AS max_extension_days,
        TRUE AS covers,
        FALSE AS claim_filed
    FROM feed.bill
    WHERE outcome IS NULL AND discounted_date IS NULL AND endorsed_date IS NULL
),
valued AS (
    SELECT
        h.security_source,
        h.security_id,
        h.customer_id,
        h.security_kind,
        h.provider,
        h.guarantor_id,
        h.currency,
        h.liens_unknown,
        h.valid_from,
        h.valid_to,
        h.claim_deadline,
        h.valuation_date,
        h.registered_date,
        h.first_demand,
        h.provider_rating,
        h.spouse_signed,
        h.cover_pct,
        h.max_terms_days,
        h.max_extension_days,
        h.covers,
        h.claim_filed,
        fx.rate IS NOT NULL AS has_rate,
        COALESCE(b.amount, 0) AS settled_amount,
        CASE WHEN h.amount >= 0 THEN CAST(CAST(h.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) END AS gross_value,
        CAST(CAST(h.prior_liens AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS liens
    FROM held AS h
    LEFT JOIN step.fx AS fx ON h.currency = fx.currency
    LEFT JOIN settled AS b ON h.security_source = 'bill' AND h.security_id = b.bill_id
    WHERE LEAST(h.valid_to, h.claim_deadline) IS NULL OR LEAST(h.valid_to, h.claim_deadline) > $m12
),
insured_before AS (
    SELECT
        security_id,
        SUM(gross_value) OVER (
            PARTITION BY customer_id ORDER BY gross_value DESC, security_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS larger_covers
    FROM valued
    WHERE security_source = 'insurance_limit' AND covers AND (valid_to IS NULL OR valid_to >= $as_of)
),
mutual AS (
    SELECT customer_id, guarantor_id
    FROM held
    WHERE guarantor_id IS NOT NULL AND (valid_to IS NULL OR valid_to >= $as_of)
    GROUP BY customer_id, guarantor_id
),
listed AS (
    SELECT v.security_source, v.security_id
    FROM valued AS v
    INNER JOIN policy.listed_bank AS b
        ON SUBSTRING(UPPER(REPLACE(v.provider, ' ', '')), 1, LENGTH(b.bank)) = b.bank
    WHERE v.security_kind = 'bank_acceptance_bill'
    GROUP BY v.security_source, v.security_id
),
judged AS (
    SELECT
        v.security_source,
        v.security_id,
        v.customer_id,
        v.security_kind,
        v.provider,
        v.guarantor_id,
        v.currency,
        v.gross_value,
        v.valid_from,
        v.valid_to,
        v.max_terms_days,
        COALESCE(v.max_extension_days, m.max_extension_days) AS max_extension_days,
        GREATEST(v.valid_from, v.valuation_date, v.registered_date) AS evidence_date,
        v.security_kind = 'parent_guarantee' OR COALESCE(d.group_id = g.group_id, FALSE) AS from_own_group,
        LEAST(
            v.gross_value,
            COALESCE(
                CASE
                    WHEN v.security_source = 'bill' THEN v.settled_amount
                    WHEN v.security_source = 'insurance_limit' THEN GREATEST(d.disputed_open - COALESCE(i.larger_covers, 0), 0)
                    ELSE v.liens
                END,
                0
            )
        ) AS deducted_value,
        CAST(
            CASE
                WHEN v.security_source <> 'insurance_limit' THEN 1
                ELSE COALESCE(
                    CAST(FLOOR(v.cover_pct * 10000 + 0.5) AS BIGINT) * CAST(0.000001 AS DECIMAL(7, 6)),
                    m.cover_pct * CAST(0.01 AS DECIMAL(3, 2))
                )
            END
            AS DECIMAL(7, 6)
        ) AS cover,
        CAST(
            LEAST(m.haircut + CASE WHEN v.currency = d.credit_currency THEN 0 ELSE $mismatch_haircut END, 1) AS DECIMAL(6, 5)
        ) AS haircut,
        LEAST(v.valid_to, v.claim_deadline) AS last_day,
        CASE
            WHEN m.claim_days_after_terms IS NOT NULL
                THEN CAST(
                    COALESCE(v.claim_deadline, v.valid_to) + INTERVAL (-1 - d.terms_days - m.claim_days_after_terms) DAY AS DATE
                )
        END AS last_day_to_call,
        CAST(v.valuation_date + INTERVAL (m.valuation_max_age_days) DAY AS DATE) AS last_day_valued,
        CASE
            WHEN NOT v.covers THEN 'cover_refused'
            WHEN v.claim_filed THEN 'claim_filed'
            WHEN m.kind IS NULL THEN 'no_such_mitigant'
            WHEN m.haircut >= 1 THEN 'worth_nothing'
            WHEN NOT v.has_rate THEN 'no_exchange_rate'
            WHEN v.gross_value IS NULL THEN 'no_value'
            WHEN d.max_dpd_material > COALESCE(v.max_extension_days, m.max_extension_days) THEN 'overdue_beyond_extension'
            WHEN d.contracted_terms_days > v.max_terms_days THEN 'terms_beyond_cover'
            WHEN m.first_demand AND NOT COALESCE(v.first_demand, FALSE) THEN 'not_first_demand'
            WHEN m.provider_rated AND r.rating IS NULL THEN 'provider_not_rated'
            WHEN m.registered AND v.registered_date IS NULL THEN 'not_registered'
            WHEN m.valuation_max_age_days IS NOT NULL AND v.valuation_date IS NULL THEN 'valuation_missing'
            WHEN v.liens_unknown THEN 'prior_liens_unknown'
            WHEN v.security_source = 'bill' AND v.settled_amount >= v.gross_value THEN 'settled_invoices'
            WHEN
                v.security_kind IN ('parent_guarantee', 'personal_guarantee', 'commercial_acceptance_bill')
                AND (
                    v.guarantor_id = v.customer_id
                    OR d.legal_entity_id = g.legal_entity_id
                    OR d.plain_name = UPPER(REPLACE(v.provider, ' ', ''))
                )
                THEN 'guarantor_is_debtor'
            WHEN m.needs_guarantor AND g.tier IS NULL THEN 'guarantor_unknown'
            WHEN m.needs_guarantor AND t.tier IS NULL THEN 'guarantor_tier'
            WHEN m.guarantor_accounts AND NOT g.statement_usable THEN 'guarantor_accounts'
            WHEN o.customer_id IS NOT NULL THEN 'mutual_guarantee'
            WHEN m.spouse AND NOT COALESCE(v.spouse_signed, NOT d.spouse_asked) THEN 'spouse_not_signed'
            WHEN m.acceptor_listed AND a.security_id IS NULL THEN 'acceptor_not_listed'
            WHEN
                m.maturity_max_days IS NOT NULL
                AND COALESCE(DATE_DIFF('day', $as_of, v.valid_to) > m.maturity_max_days, TRUE)
                THEN 'maturity_too_far'
        END AS blocked_code
    FROM valued AS v
    INNER JOIN debtor AS d ON v.customer_id = d.customer_id
    LEFT JOIN policy.mitigant AS m ON v.security_kind = m.kind
    LEFT JOIN policy.accepted_rating AS r ON v.provider_rating = r.rating
    LEFT JOIN debtor AS g ON v.guarantor_id = g.customer_id
    LEFT JOIN policy.guarantor_tier AS t ON v.security_kind = t.kind AND g.tier = t.tier
    LEFT JOIN mutual AS o ON v.guarantor_id = o.customer_id AND v.customer_id = o.guarantor_id
    LEFT JOIN listed AS a ON v.security_source = a.security_source AND v.security_id = a.security_id
    LEFT JOIN insured_before AS i ON v.security_source = 'insurance_limit' AND v.security_id = i.security_id
),
priced AS (
    SELECT
        security_source,
        security_id,
        customer_id,
        security_kind,
        provider,
        guarantor_id,
        currency,
        gross_value,
        deducted_value,
        cover,
        haircut,
        valid_from,
        valid_to,
        max_terms_days,
        max_extension_days,
        evidence_date,
        from_own_group,
        CASE WHEN blocked_code IS NULL THEN LEAST(last_day, last_day_to_call, last_day_valued) END AS counts_until,
        CASE
            WHEN last_day < $as_of THEN 'over'
            WHEN blocked_code IS NOT NULL THEN blocked_code
            WHEN last_day_to_call < $as_of THEN 'claim_deadline_too_near'
            WHEN last_day_valued < $as_of THEN 'valuation_too_old'
        END AS ineligible_code,
        CASE
            WHEN blocked_code IS NULL
                THEN CAST(
                    CAST(gross_value - deducted_value AS DECIMAL(19, 2)) * cover * CAST(1 - haircut AS DECIMAL(6, 5)) AS DECIMAL(18, 2)
                )
        END AS worth
    FROM judged
)
SELECT
    security_source,
    security_id,
    customer_id,
    security_kind,
    ineligible_code IS NULL AS eligible,
    ineligible_code,
    from_own_group,
    provider,
    guarantor_id,
    currency,
    gross_value,
    deducted_value,
    CAST(cover AS DOUBLE) AS cover_share,
    CAST(haircut AS DOUBLE) AS haircut_share,
    CASE WHEN ineligible_code IS NULL THEN worth ELSE 0 END AS net_value,
    CASE WHEN ineligible_code IS NOT NULL AND counts_until > $m12 THEN worth END AS lapsed_value,
    valid_from,
    valid_to,
    counts_until,
    max_terms_days,
    max_extension_days,
    evidence_date
FROM priced
