-- factor.due_diligence: what courts, registers, lists, media and our own analysts say about each customer (资信调查).
-- Grain: customer_id. Only what a person has confirmed counts (step.finding), each case once (step.finding_case); of sanctions the
-- open doubts are counted too. Searched and clean, never searched, and a search that failed are three things (step.search): without
-- a finding that counts and without an answered search the factors of an area have a code and no value.
-- Net worth: the tangible net worth of a usable statement. Answers of the customer's own account manager do not count.
WITH tally AS (
    SELECT
        customer_id,
        MAX(published_date) AS published_date,
        -- sanctions
        SUM(CASE WHEN fact = 'sanction' THEN open_findings END) AS sanctions_confirmed,
        SUM(CASE WHEN fact = 'sanction_unreviewed' THEN open_findings END) AS sanctions_unreviewed,
        -- suits
        COUNT(CASE WHEN sued_date > $m24 AND suit_type IN (1, 4) THEN case_key END) AS suits,
        MAX(CASE WHEN sued_date > $m24 AND suit_type IN (1, 4) THEN sued_date END) AS suits_date,
        COUNT(
            CASE
                WHEN suit_type <> 3 AND COALESCE(open_amount, $minor_claim) >= $minor_claim THEN claimed_date
            END
        ) AS claims,
        COUNT(CASE WHEN suit_type <> 3 AND open_amount IS NULL THEN claimed_date END) AS claims_unknown,
        SUM(
            CASE
                WHEN claimed_date IS NULL OR suit_type = 3 THEN 0
                WHEN open_amount IS NULL THEN $minor_claim
                WHEN open_amount >= $minor_claim THEN open_amount
            END
        ) AS claims_amount,
        MAX(CASE WHEN suit_type <> 3 AND COALESCE(open_amount, $minor_claim) >= $minor_claim THEN claimed_date END) AS claims_date,
        COUNT(CASE WHEN fact = 'plaintiff' AND published_date > $m24 THEN case_key END) AS suits_brought,
        -- enforcement
        COUNT(
            DISTINCT CASE
                WHEN fact IN ('judgment_debtor', 'equity_freeze', 'consumption_restriction') AND open_published_date > $m24
                    THEN case_key
            END
        ) AS enforcement,
        MAX(
            CASE
                WHEN fact IN ('judgment_debtor', 'equity_freeze', 'consumption_restriction') AND open_published_date > $m24
                    THEN open_published_date
            END
        ) AS enforcement_date,
        COUNT(CASE WHEN fact = 'judgment_debtor' THEN open_published_date END) AS enforcement_open,
        COUNT(CASE WHEN fact = 'judgment_debtor' AND open_amount IS NULL THEN open_published_date END) AS enforcement_unknown,
        SUM(CASE WHEN fact = 'judgment_debtor' THEN open_amount END) AS enforcement_amount,
        COUNT(
            DISTINCT CASE
                WHEN
                    open_own_findings > 0
                    AND fact IN (
                        'litigation',
                        'court_hearing',
                        'judgment_debtor',
                        'dishonest_judgment_debtor',
                        'consumption_restriction',
                        'equity_freeze',
                        'insolvency'
                    )
                    THEN case_key
            END
        ) AS own_suits,
        -- register, arrears, media, owners
        SUM(registry_points) AS registry_points,
        MAX(CASE WHEN registry_points > 0 THEN published_date END) AS registry_date,
        COUNT(CASE WHEN fact = 'tax_arrears' THEN open_published_date END) AS tax_arrears,
        MAX(CASE WHEN fact = 'tax_arrears' THEN open_published_date END) AS tax_date,
        COUNT(media_millionths) AS stories,
        SUM(media_millionths) AS media_millionths,
        MAX(CASE WHEN media_millionths IS NOT NULL THEN published_date END) AS media_date,
        COUNT(CASE WHEN fact = 'ownership_change' AND changed_on > $m12 THEN case_key END) AS changes,
        MAX(CASE WHEN fact = 'ownership_change' AND changed_on > $m12 THEN published_date END) AS changes_date,
        -- what stands open, by kind
        COUNT(CASE WHEN fact = 'insolvency' THEN open_published_date END) AS insolvency,
        COUNT(CASE WHEN fact = 'dishonest_judgment_debtor' THEN open_published_date END) AS dishonest,
        COUNT(CASE WHEN fact = 'serious_illegal_list' THEN open_published_date END) AS serious_illegal,
        COUNT(CASE WHEN fact = 'abnormal_operation' THEN open_published_date END) AS abnormal,
        COUNT(CASE WHEN fact = 'bill_overdue' THEN open_published_date END) AS bill_overdue,
        COUNT(CASE WHEN fact = 'fraud' THEN open_published_date END) AS fraud,
        COUNT(CASE WHEN fact = 'pep' THEN open_published_date END) AS pep,
        COUNT(CASE WHEN fact = 'consumption_restriction' THEN open_published_date END) AS consumption_restriction,
        COUNT(CASE WHEN fact = 'equity_freeze' THEN open_published_date END) AS equity_freeze,
        COUNT(CASE WHEN fact = 'equity_pledge' THEN open_published_date END) AS equity_pledge,
        COUNT(CASE WHEN fact = 'chattel_mortgage' THEN open_published_date END) AS chattel_mortgage,
        SUM(CASE WHEN fact = 'unreviewed' THEN open_findings END) AS unreviewed
    FROM step.finding_case
    GROUP BY customer_id
),
register_status AS (
    SELECT
        customer_id,
        open_value AS value_text,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY open_published_date DESC, case_key DESC) AS newest
    FROM step.finding_case
    WHERE fact = 'registry_status' AND open_findings > 0
),
judged AS (
    SELECT
        q.customer_id,
        q.topic,
        q.rating,
        q.assessed_date,
        -- 8 for each day, and more for a lower rating: the largest number is the newest answer, of one day the lowest
        DATE_DIFF('day', DATE '1900-01-01', q.assessed_date) * 8 + 6 - q.rating AS place
    FROM feed.questionnaire_answer AS q
    INNER JOIN factor.customer_state AS c ON q.customer_id = c.customer_id
    WHERE q.assessor IS NULL OR c.account_manager IS NULL OR q.assessor <> c.account_manager
),
rating AS (
    SELECT
        customer_id,
        6 - MOD(MAX(CASE WHEN topic = 'management' THEN place END), 8) AS management,
        6 - MOD(MAX(CASE WHEN topic = 'governance' THEN place END), 8) AS governance,
        6 - MOD(MAX(CASE WHEN topic = 'market_position' THEN place END), 8) AS market_position,
        6 - MOD(MAX(CASE WHEN topic = 'industry_outlook' THEN place END), 8) AS industry_outlook,
        6 - MOD(MAX(CASE WHEN topic = 'documents' THEN place END), 8) AS documents,
        MAX(CASE WHEN topic IN ('management', 'governance') THEN assessed_date END) AS management_date,
        MAX(assessed_date) AS newest_date
    FROM judged
    GROUP BY customer_id
),
profile AS (
    SELECT
        c.customer_id,
        COALESCE(m.is_listed, FALSE) AS is_listed,
        CASE
            WHEN c.natural_person OR c.legal_form IN ('sole_trader', 'individual_business') THEN 'sole'
            WHEN c.size_class IN ('medium', 'large') OR f.statement_usable THEN 'corporate'
            ELSE 'small'
        END AS customer_class,
        CASE WHEN f.statement_usable THEN f.tangible_net_worth END AS net_worth
    FROM factor.customer_state AS c
    LEFT JOIN factor.financial_condition AS f ON c.customer_id = f.customer_id
    LEFT JOIN feed.customer AS m ON c.customer_id = m.customer_id
),
filed AS (
    SELECT
        customer_id,
        kind,
        MAX(received_date) AS received_date,
        MAX(CASE WHEN valid_to IS NULL THEN DATE '9999-12-31' WHEN valid_to >= $as_of THEN valid_to END) AS valid_to
    FROM feed.document
    GROUP BY customer_id, kind
),
credit_file AS (
    SELECT
        p.customer_id,
        COUNT(r.kind) AS required,
        COUNT(d.valid_to) AS valid,
        MIN(CASE WHEN d.valid_to < DATE '9999-12-31' THEN d.valid_to END) AS next_expiry
    FROM profile AS p
    INNER JOIN policy.required_document AS r ON p.customer_class = r.customer_class
    LEFT JOIN filed AS d ON p.customer_id = d.customer_id AND r.kind = d.kind
    GROUP BY p.customer_id
),
filed_on AS (
    SELECT customer_id, MAX(received_date) AS received_date
    FROM filed
    GROUP BY customer_id
),
gathered AS (
    SELECT
        p.customer_id,
        p.is_listed,
        p.net_worth,
        GREATEST(t.published_date, s.answered_on, r.newest_date, f.received_date) AS evidence_date,
        t.sanctions_confirmed,
        t.sanctions_unreviewed,
        s.sanction_on,
        s.sanction_said,
        -- Of each area: what was counted, if it is more than nothing or somebody searched; when; and what searches said, where a
        -- finding that counts is a hit, whoever made it
        CASE WHEN s.litigation_on IS NOT NULL OR t.claims > 0 THEN COALESCE(t.claims, 0) END AS claims,
        CASE WHEN s.litigation_on IS NOT NULL OR t.suits > 0 THEN COALESCE(t.suits, 0) END AS suits,
        GREATEST(s.litigation_on, t.suits_date, t.claims_date) AS litigation_date,
        CASE WHEN t.claims > 0 OR t.suits > 0 THEN 'hit' ELSE COALESCE(s.litigation_said, 'never') END AS litigation_said,
        CASE WHEN s.enforcement_on IS NOT NULL OR t.enforcement > 0 THEN COALESCE(t.enforcement, 0) END AS enforcement,
        GREATEST(s.enforcement_on, t.enforcement_date) AS enforcement_date,
        CASE WHEN t.enforcement > 0 THEN 'hit' ELSE COALESCE(s.enforcement_said, 'never') END AS enforcement_said,
        CASE WHEN s.registry_on IS NOT NULL OR t.registry_points > 0 THEN COALESCE(t.registry_points, 0) END AS registry_points,
        GREATEST(s.registry_on, t.registry_date) AS registry_date,
        CASE WHEN t.registry_points > 0 THEN 'hit' ELSE COALESCE(s.registry_said, 'never') END AS registry_said,
        CASE WHEN s.tax_on IS NOT NULL OR t.tax_arrears > 0 THEN COALESCE(t.tax_arrears, 0) END AS tax_arrears,
        GREATEST(s.tax_on, t.tax_date) AS tax_date,
        CASE WHEN t.tax_arrears > 0 THEN 'hit' ELSE COALESCE(s.tax_said, 'never') END AS tax_said,
        CASE WHEN s.media_on IS NOT NULL OR t.stories > 0 THEN COALESCE(t.media_millionths, 0) END AS media_millionths,
        GREATEST(s.media_on, t.media_date) AS media_date,
        CASE WHEN t.stories > 0 THEN 'hit' ELSE COALESCE(s.media_said, 'never') END AS media_said,
        CASE WHEN s.ownership_on IS NOT NULL OR t.changes > 0 THEN COALESCE(t.changes, 0) END AS changes,
        GREATEST(s.ownership_on, t.changes_date) AS ownership_date,
        CASE WHEN t.changes > 0 THEN 'hit' ELSE COALESCE(s.ownership_said, 'never') END AS ownership_said,
        COALESCE(t.claims, 0) AS claims_open,
        t.claims_unknown,
        CAST(COALESCE(t.claims_amount, 0) AS DECIMAL(18, 2)) AS claims_amount,
        t.suits_brought,
        COALESCE(t.enforcement_open, 0) AS enforcement_open,
        t.enforcement_unknown,
        CAST(COALESCE(t.enforcement_amount, 0) AS DECIMAL(18, 2)) AS enforcement_amount,
        t.own_suits,
        t.insolvency,
        t.dishonest,
        t.serious_illegal,
        t.abnormal,
        t.bill_overdue,
        t.fraud,
        t.pep,
        t.consumption_restriction,
        t.equity_freeze,
        t.equity_pledge,
        t.chattel_mortgage,
        t.unreviewed,
        g.value_text AS registry_status,
        r.management,
        r.governance,
        r.market_position,
        r.industry_outlook,
        r.documents,
        r.management_date,
        CAST(COALESCE(r.management, r.governance) + COALESCE(r.governance, r.management) AS DOUBLE) / 2e0 AS management_rating,
        COALESCE(d.required, 0) AS required,
        COALESCE(d.valid, 0) AS valid,
        d.next_expiry,
        f.received_date
    FROM profile AS p
    LEFT JOIN tally AS t ON p.customer_id = t.customer_id
    LEFT JOIN step.search AS s ON p.customer_id = s.customer_id
    LEFT JOIN register_status AS g ON p.customer_id = g.customer_id AND g.newest = 1
    LEFT JOIN rating AS r ON p.customer_id = r.customer_id
    LEFT JOIN credit_file AS d ON p.customer_id = d.customer_id
    LEFT JOIN filed_on AS f ON p.customer_id = f.customer_id
)
SELECT
    customer_id,
    evidence_date,
    CAST(COALESCE(sanctions_confirmed, 0) AS BIGINT) AS sanctions_confirmed,
    CAST(COALESCE(sanctions_unreviewed, 0) AS BIGINT) AS sanctions_unreviewed,
    sanction_on AS sanctions_searched_on,
    COALESCE(sanction_said, 'never') AS sanctions_search_result,
    CASE
        WHEN claims = 0 THEN 0e0
        WHEN claims > 0 AND net_worth > 0 THEN CAST(claims_amount AS DOUBLE) / CAST(NULLIF(net_worth, 0) AS DOUBLE)
    END AS litigation_amount_to_tnw,
    CASE
        WHEN claims IS NULL AND litigation_said = 'error' THEN 'search_failed'
        WHEN claims IS NULL THEN 'not_searched'
        WHEN claims = 0 THEN NULL
        WHEN net_worth IS NULL THEN 'tnw_unknown'
        WHEN net_worth <= 0 THEN 'tnw_not_positive'
    END AS litigation_amount_to_tnw_code,
    suits AS litigation_defendant_24m,
    CASE WHEN suits IS NULL THEN CASE litigation_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END END
        AS litigation_defendant_24m_code,
    enforcement AS enforcement_24m,
    CASE WHEN enforcement IS NULL THEN CASE enforcement_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END END
        AS enforcement_24m_code,
    CAST(registry_points AS BIGINT) AS registry_irregularity_24m,
    CASE WHEN registry_points IS NULL THEN CASE registry_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END END
        AS registry_irregularity_24m_code,
    tax_arrears AS tax_arrears_open,
    CASE WHEN tax_arrears IS NULL THEN CASE tax_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END END
        AS tax_arrears_open_code,
    CAST(media_millionths AS DOUBLE) / 1e6 AS adverse_media_index,
    CASE WHEN media_millionths IS NULL THEN CASE media_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END END
        AS adverse_media_index_code,
    management_rating,
    CASE WHEN management_rating IS NULL THEN 'not_assessed' END AS management_rating_code,
    CASE WHEN NOT is_listed THEN changes END AS ownership_changes_12m,
    CASE
        WHEN is_listed THEN 'listed_company'
        WHEN changes IS NULL THEN CASE ownership_said WHEN 'error' THEN 'search_failed' ELSE 'not_searched' END
    END AS ownership_changes_12m_code,
    CASE WHEN $has_document THEN CAST(valid AS DOUBLE) / CAST(NULLIF(required, 0) AS DOUBLE) END AS file_completeness,
    CASE WHEN required = 0 THEN 'no_document_required' WHEN NOT $has_document THEN 'no_document_feed' END AS file_completeness_code,
    COALESCE(insolvency, 0) AS insolvency_open,
    COALESCE(LOWER(TRIM(registry_status)), '') IN (
        'revoked',
        'deregistered',
        'liquidation',
        'in_liquidation',
        'in liquidation',
        'struck_off',
        'struck off',
        'dissolved',
        'closed',
        '吊销',
        '吊销未注销',
        '吊销,未注销',
        '吊销，未注销',
        '注销',
        '清算',
        '停业',
        '歇业',
        '撤销',
        '责令关闭'
    ) AS registry_struck_off,
    COALESCE(dishonest, 0) AS dishonest_debtor_open,
    COALESCE(serious_illegal, 0) AS serious_illegal_open,
    COALESCE(abnormal, 0) AS abnormal_operation_open,
    COALESCE(bill_overdue, 0) AS bill_overdue_open,
    COALESCE(fraud, 0) AS fraud_confirmed,
    COALESCE(own_suits, 0) AS own_suit_open,
    COALESCE(pep, 0) AS pep_confirmed,
    COALESCE(consumption_restriction, 0) AS consumption_restriction_open,
    COALESCE(equity_freeze, 0) AS equity_freeze_open,
    COALESCE(equity_pledge, 0) AS equity_pledge_open,
    COALESCE(chattel_mortgage, 0) AS chattel_mortgage_open,
    enforcement_open AS enforcement_open_count,
    COALESCE(enforcement_unknown, 0) AS enforcement_unknown_amount_count,
    enforcement_amount AS enforcement_open_amount,
    claims_open AS litigation_open_count,
    COALESCE(claims_unknown, 0) AS litigation_unknown_amount_count,
    claims_amount AS litigation_open_amount,
    CASE
        WHEN enforcement_open = 0 THEN 0e0
        WHEN net_worth > 0 THEN CAST(enforcement_amount AS DOUBLE) / CAST(NULLIF(net_worth, 0) AS DOUBLE)
    END AS enforcement_to_net_worth,
    CASE
        WHEN enforcement_open = 0 THEN NULL
        WHEN net_worth IS NULL THEN 'tnw_unknown'
        WHEN net_worth <= 0 THEN 'tnw_not_positive'
    END AS enforcement_to_net_worth_code,
    litigation_said AS litigation_search_result,
    litigation_date AS litigation_evidence_date,
    enforcement_said AS enforcement_search_result,
    enforcement_date AS enforcement_evidence_date,
    registry_said AS registry_search_result,
    registry_date AS registry_evidence_date,
    tax_said AS tax_search_result,
    tax_date AS tax_evidence_date,
    media_said AS media_search_result,
    media_date AS media_evidence_date,
    ownership_said AS ownership_search_result,
    ownership_date AS ownership_evidence_date,
    COALESCE(suits_brought, 0) AS litigation_plaintiff_24m,
    CAST(COALESCE(unreviewed, 0) AS BIGINT) AS findings_unreviewed,
    registry_status,
    management AS rating_management,
    governance AS rating_governance,
    market_position AS rating_market_position,
    industry_outlook AS rating_industry_outlook,
    documents AS rating_documents,
    management_date AS management_assessed_date,
    required AS documents_required,
    valid AS documents_valid,
    next_expiry AS documents_next_expiry,
    received_date AS documents_received_date
FROM gathered
