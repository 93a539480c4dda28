-- factor.collateral: what the securities of a customer add to its limit, by kind, and until when (额度中的担保).
-- Grain: customer_id. Sums over factor.collateral_item. Security that ran out and was replaced is not lost: what began at most
-- $renewal_days before the first of them ended takes its place.
WITH item AS (
    SELECT
        customer_id,
        SUM(net_value) AS net_value,
        SUM(CASE WHEN NOT from_own_group THEN net_value ELSE 0 END) AS net_value_group,
        SUM(CASE WHEN security_kind = 'deposit' THEN net_value ELSE 0 END) AS net_deposits,
        SUM(CASE WHEN security_kind IN ('bank_guarantee', 'standby_letter_of_credit') THEN net_value ELSE 0 END) AS net_bank_guarantees,
        SUM(CASE WHEN security_kind IN ('parent_guarantee', 'commercial_acceptance_bill') THEN net_value ELSE 0 END)
            AS net_company_guarantees,
        SUM(CASE WHEN security_kind = 'personal_guarantee' THEN net_value ELSE 0 END) AS net_personal_guarantees,
        SUM(CASE WHEN security_kind IN ('mortgage', 'pledge') THEN net_value ELSE 0 END) AS net_charges,
        SUM(CASE WHEN security_kind = 'bank_acceptance_bill' THEN net_value ELSE 0 END) AS net_bank_bills,
        SUM(CASE WHEN security_kind = 'insurance' THEN net_value ELSE 0 END) AS net_insurance,
        COUNT(CASE WHEN eligible THEN security_id END) AS counted,
        COUNT(CASE WHEN ineligible_code NOT IN ('over', 'cover_refused') THEN security_id END) AS not_counted,
        MIN(CASE WHEN net_value > 0 THEN counts_until END) AS ends_on,
        SUM(lapsed_value) AS lapsed_value,
        MIN(CASE WHEN lapsed_value > 0 THEN counts_until END) AS first_lapsed_on,
        MAX(CASE WHEN lapsed_value > 0 THEN counts_until END) AS lapsed_on,
        COUNT(
            CASE
                WHEN security_kind = 'insurance' AND COALESCE(ineligible_code, '') NOT IN ('over', 'cover_refused') THEN security_id
            END
        ) AS covers,
        MIN(CASE WHEN security_kind = 'insurance' AND net_value > 0 THEN max_terms_days END) AS insured_terms_days,
        MIN(
            CASE
                WHEN security_kind = 'insurance' AND COALESCE(ineligible_code, '') NOT IN ('over', 'cover_refused')
                    THEN max_extension_days
            END
        ) AS extension_days,
        MAX(evidence_date) AS evidence_date
    FROM factor.collateral_item
    GROUP BY customer_id
),
replacing AS (
    SELECT i.customer_id, SUM(i.net_value) AS net_value
    FROM factor.collateral_item AS i
    INNER JOIN item AS s ON i.customer_id = s.customer_id
    WHERE i.eligible AND DATE_DIFF('day', i.valid_from, s.first_lapsed_on) <= $renewal_days
    GROUP BY i.customer_id
),
withdrawn AS (
    SELECT customer_id, MAX(withdrawn_on) AS withdrawn_on
    FROM step.insurance_cover
    WHERE withdrawn_on > $m3
    GROUP BY customer_id
)
SELECT
    c.customer_id,
    i.evidence_date,
    CAST(COALESCE(i.net_value, 0) AS DECIMAL(18, 2)) AS collateral_value_net,
    CAST(COALESCE(i.net_value_group, 0) AS DECIMAL(18, 2)) AS collateral_value_net_group,
    CAST(COALESCE(i.net_deposits, 0) AS DECIMAL(18, 2)) AS net_deposits,
    CAST(COALESCE(i.net_bank_guarantees, 0) AS DECIMAL(18, 2)) AS net_bank_guarantees,
    CAST(COALESCE(i.net_company_guarantees, 0) AS DECIMAL(18, 2)) AS net_company_guarantees,
    CAST(COALESCE(i.net_personal_guarantees, 0) AS DECIMAL(18, 2)) AS net_personal_guarantees,
    CAST(COALESCE(i.net_charges, 0) AS DECIMAL(18, 2)) AS net_charges,
    CAST(COALESCE(i.net_bank_bills, 0) AS DECIMAL(18, 2)) AS net_bank_bills,
    CAST(COALESCE(i.net_insurance, 0) AS DECIMAL(18, 2)) AS net_insurance,
    COALESCE(i.counted, 0) AS securities_counted,
    COALESCE(i.not_counted, 0) AS securities_not_counted,
    i.ends_on AS security_ends_on,
    DATE_DIFF('day', $as_of, i.ends_on) AS security_days_left,
    i.lapsed_on AS security_lapsed_on,
    CAST(GREATEST(COALESCE(i.lapsed_value, 0) - COALESCE(r.net_value, 0), 0) AS DECIMAL(18, 2)) AS security_lapsed_value,
    COALESCE(i.lapsed_value > COALESCE(r.net_value, 0) AND p.secured_amount > i.net_value, FALSE) AS relied_on_lapsed_security,
    COALESCE(i.covers, 0) > 0 AS insured,
    i.insured_terms_days,
    i.extension_days - COALESCE(e.max_dpd_material, 0) AS insurance_extension_days_left,
    w.withdrawn_on IS NOT NULL AS insurance_withdrawn,
    w.withdrawn_on AS insurance_withdrawn_on,
    i.evidence_date AS security_date
FROM factor.customer_state AS c
LEFT JOIN item AS i ON c.customer_id = i.customer_id
LEFT JOIN replacing AS r ON c.customer_id = r.customer_id
LEFT JOIN withdrawn AS w ON c.customer_id = w.customer_id
LEFT JOIN factor.exposure AS e ON c.customer_id = e.customer_id
LEFT JOIN previous.decision AS p ON c.customer_id = p.customer_id
