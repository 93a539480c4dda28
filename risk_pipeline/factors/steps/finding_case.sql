-- Each case once, whatever number of sources report it. Grain: customer_id, fact, case_key (see step.finding).
-- A case is open while one of its findings is; it is as grave as the gravest of them and as large as the largest.
SELECT
    customer_id,
    fact,
    case_key,
    MAX(published_date) AS published_date,
    COUNT(CASE WHEN is_open THEN finding_id END) AS open_findings,
    COUNT(CASE WHEN is_open AND filed_by_us THEN finding_id END) AS open_own_findings,
    MAX(CASE WHEN is_open THEN published_date END) AS open_published_date,
    MAX(CASE WHEN is_open THEN amount END) AS open_amount,
    MAX(CASE WHEN is_open THEN value_text END) AS open_value,
    MAX(changed_on) AS changed_on,
    MAX(CASE WHEN fact = 'litigation' AND role = 'defendant' AND NOT is_withdrawn THEN published_date END) AS sued_date,
    MAX(CASE WHEN fact = 'litigation' AND role = 'defendant' AND is_open THEN published_date END) AS claimed_date,
    -- Whose suit it is, the worst that a source tells: 1 a creditor's, 2 another's, 3 an employee's, 4 nobody tells
    MIN(
        CASE
            WHEN case_type IN ('contract', 'loan', 'bill') THEN 1
            WHEN case_type = 'other' THEN 2
            WHEN case_type = 'labour' THEN 3
            ELSE 4
        END
    ) AS suit_type,
    -- Irregularities of 24 months by severity; one that goes on counts however old
    MAX(
        CASE
            WHEN fact = 'abnormal_operation' AND is_open THEN 2
            WHEN published_date <= $m24 THEN 0
            WHEN fact = 'abnormal_operation' THEN 1
            WHEN fact NOT IN ('penalty', 'regulatory', 'serious_illegal_list') THEN 0
            WHEN severity = 'low' THEN 1
            WHEN severity = 'high' THEN 4
            WHEN severity = 'critical' THEN 8
            ELSE 2
        END
    ) AS registry_points,
    -- A story by severity, halved every 180 days, in millionths: whole numbers add up alike in any order
    MAX(
        CASE WHEN fact = 'adverse_media' AND published_date > $m24 THEN
            CAST(
                FLOOR(
                    CASE severity WHEN 'low' THEN 1e0 WHEN 'high' THEN 8e0 WHEN 'critical' THEN 15e0 ELSE 3e0 END
                    * POWER(0.5e0, CAST(DATE_DIFF('day', published_date, $as_of) AS DOUBLE) / 180e0) * 1e6 + 0.5e0
                ) AS BIGINT
            )
        END
    ) AS media_millionths
FROM step.finding
GROUP BY customer_id, fact, case_key
