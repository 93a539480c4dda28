-- What was searched about each customer, by area: when last with an answer, and what the newest searches said.
-- Grain: customer_id. Of each kind and source the newest search counts (of one day a hit before no hit before a failure);
-- over kinds and sources a hit before a failure before clean. A search that does not apply is none. A search of kind
-- due_diligence, a whole report, answers for every area but sanctions.
WITH newest AS (
    SELECT
        customer_id,
        kind,
        MAX(CASE WHEN result <> 'error' THEN performed_date END) AS answered_on,
        -- 4 for each day, and 3 = hit, 2 = no hit, 1 = failure: the largest number is the newest search
        MOD(
            MAX(
                DATE_DIFF('day', DATE '1900-01-01', performed_date) * 4
                + CASE result WHEN 'hit' THEN 3 WHEN 'no_hit' THEN 2 ELSE 1 END
            ),
            4
        ) AS newest_result
    FROM feed.inquiry
    WHERE result IN ('hit', 'no_hit', 'error')
    GROUP BY customer_id, kind, source
),
ranked AS (
    SELECT
        customer_id,
        answered_on,
        CASE newest_result WHEN 3 THEN 3 WHEN 1 THEN 2 ELSE 1 END AS said,
        kind = 'sanction' AS of_sanction,
        kind IN ('due_diligence', 'litigation', 'court_hearing') AS of_litigation,
        kind IN (
            'due_diligence',
            'enforcement',
            'judgment_debtor',
            'dishonest_judgment_debtor',
            'consumption_restriction',
            'equity_freeze'
        ) AS of_enforcement,
        kind IN (
            'due_diligence',
            'registry',
            'registry_status',
            'abnormal_operation',
            'serious_illegal_list',
            'penalty',
            'regulatory'
        ) AS of_registry,
        kind IN ('due_diligence', 'tax', 'tax_arrears') AS of_tax,
        kind IN ('due_diligence', 'media', 'adverse_media') AS of_media,
        kind IN (
            'due_diligence',
            'ownership',
            'registry',
            'legal_representative_change',
            'shareholder_change',
            'capital_reduction'
        ) AS of_ownership
    FROM newest
),
of_area AS (
    SELECT
        customer_id,
        MAX(answered_on) AS answered_on,
        MAX(CASE WHEN of_sanction THEN answered_on END) AS sanction_on,
        MAX(CASE WHEN of_sanction THEN said END) AS sanction_said,
        MAX(CASE WHEN of_litigation THEN answered_on END) AS litigation_on,
        MAX(CASE WHEN of_litigation THEN said END) AS litigation_said,
        MAX(CASE WHEN of_enforcement THEN answered_on END) AS enforcement_on,
        MAX(CASE WHEN of_enforcement THEN said END) AS enforcement_said,
        MAX(CASE WHEN of_registry THEN answered_on END) AS registry_on,
        MAX(CASE WHEN of_registry THEN said END) AS registry_said,
        MAX(CASE WHEN of_tax THEN answered_on END) AS tax_on,
        MAX(CASE WHEN of_tax THEN said END) AS tax_said,
        MAX(CASE WHEN of_media THEN answered_on END) AS media_on,
        MAX(CASE WHEN of_media THEN said END) AS media_said,
        MAX(CASE WHEN of_ownership THEN answered_on END) AS ownership_on,
        MAX(CASE WHEN of_ownership THEN said END) AS ownership_said
    FROM ranked
    GROUP BY customer_id
)
SELECT
    customer_id,
    answered_on,
    sanction_on,
    CASE sanction_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS sanction_said,
    litigation_on,
    CASE litigation_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS litigation_said,
    enforcement_on,
    CASE enforcement_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS enforcement_said,
    registry_on,
    CASE registry_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS registry_said,
    tax_on,
    CASE tax_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS tax_said,
    media_on,
    CASE media_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS media_said,
    ownership_on,
    CASE ownership_said WHEN 3 THEN 'hit' WHEN 2 THEN 'error' WHEN 1 THEN 'clean' END AS ownership_said
FROM of_area
