-- factor.due_diligence: what searches and findings say about each customer (资信调查); here the sanctions part.
-- Grain: customer_id. A finding is open until it is resolved and unreviewed until a person has said otherwise by the as-of
-- date; a cleared one counts nowhere. Searched and clean, never searched, and a search that failed are three things: of each
-- source the newest search counts, a hit on any source before a failure, a failure before clean.
WITH finding AS (
    SELECT
        customer_id,
        COUNT(CASE WHEN review_state = 'confirmed' THEN finding_id END) AS confirmed,
        COUNT(CASE WHEN COALESCE(review_state, 'unreviewed') = 'unreviewed' THEN finding_id END) AS unreviewed,
        MAX(CASE WHEN COALESCE(review_state, 'unreviewed') <> 'cleared' THEN published_date END) AS published_date
    FROM feed.due_diligence_finding
    WHERE kind = 'sanction' AND resolved_date IS NULL
    GROUP BY customer_id
),
search AS (
    SELECT
        customer_id,
        result,
        performed_date,
        ROW_NUMBER() OVER (
            PARTITION BY customer_id, source
            ORDER BY
                performed_date DESC,
                CASE WHEN result = 'hit' THEN 1 WHEN result = 'no_hit' THEN 2 ELSE 3 END,
                inquiry_id
        ) AS newest
    FROM feed.inquiry
    WHERE kind = 'sanction' AND result IN ('hit', 'no_hit', 'error')
),
searched AS (
    SELECT
        customer_id,
        MAX(CASE WHEN result IN ('hit', 'no_hit') THEN performed_date END) AS searched_on,
        COUNT(CASE WHEN newest = 1 AND result = 'hit' THEN customer_id END) AS n_hit,
        COUNT(CASE WHEN newest = 1 AND result = 'error' THEN customer_id END) AS n_error
    FROM search
    GROUP BY customer_id
)
SELECT
    c.customer_id,
    CASE
        WHEN s.searched_on IS NULL OR f.published_date > s.searched_on THEN f.published_date
        ELSE s.searched_on
    END AS evidence_date,
    COALESCE(f.confirmed, 0) AS sanctions_confirmed,
    COALESCE(f.unreviewed, 0) AS sanctions_unreviewed,
    s.searched_on AS sanctions_searched_on,
    CASE
        WHEN s.customer_id IS NULL THEN 'never'
        WHEN s.n_hit > 0 THEN 'hit'
        WHEN s.n_error > 0 THEN 'error'
        ELSE 'clean'
    END AS sanctions_search_result,
    CAST(NULL AS DOUBLE) AS litigation_amount_to_tnw,
    CAST('not_searched' AS VARCHAR) AS litigation_amount_to_tnw_code,
    CAST(NULL AS BIGINT) AS litigation_defendant_24m,
    CAST('not_searched' AS VARCHAR) AS litigation_defendant_24m_code,
    CAST(NULL AS BIGINT) AS enforcement_24m,
    CAST('not_searched' AS VARCHAR) AS enforcement_24m_code,
    CAST(NULL AS BIGINT) AS registry_irregularity_24m,
    CAST('not_searched' AS VARCHAR) AS registry_irregularity_24m_code,
    CAST(NULL AS BIGINT) AS tax_arrears_open,
    CAST('not_searched' AS VARCHAR) AS tax_arrears_open_code,
    CAST(NULL AS DOUBLE) AS adverse_media_index,
    CAST('not_searched' AS VARCHAR) AS adverse_media_index_code,
    CAST(NULL AS DOUBLE) AS management_rating,
    CAST('not_assessed' AS VARCHAR) AS management_rating_code,
    CAST(NULL AS BIGINT) AS ownership_changes_12m,
    CAST('not_searched' AS VARCHAR) AS ownership_changes_12m_code,
    CAST(NULL AS DOUBLE) AS file_completeness,
    CAST('no_document_feed' AS VARCHAR) AS file_completeness_code,
    CAST(0 AS BIGINT) AS insolvency_open,
    CAST(FALSE AS BOOLEAN) AS registry_struck_off,
    CAST(0 AS BIGINT) AS dishonest_debtor_open,
    CAST(0 AS BIGINT) AS serious_illegal_open,
    CAST(0 AS BIGINT) AS abnormal_operation_open,
    CAST(0 AS BIGINT) AS bill_overdue_open,
    CAST(0 AS BIGINT) AS fraud_confirmed,
    CAST(0 AS BIGINT) AS own_suit_open,
    CAST(0 AS BIGINT) AS pep_confirmed,
    CAST(0 AS BIGINT) AS consumption_restriction_open,
    CAST(0 AS BIGINT) AS equity_freeze_open,
    CAST(0 AS BIGINT) AS equity_pledge_open,
    CAST(0 AS BIGINT) AS chattel_mortgage_open,
    CAST(0 AS BIGINT) AS enforcement_open_count,
    CAST(0 AS BIGINT) AS enforcement_unknown_amount_count,
    CAST(0 AS DECIMAL(18,2)) AS enforcement_open_amount,
    CAST(0 AS BIGINT) AS litigation_open_count,
    CAST(0 AS BIGINT) AS litigation_unknown_amount_count,
    CAST(0 AS DECIMAL(18,2)) AS litigation_open_amount,
    CAST(NULL AS DOUBLE) AS enforcement_to_net_worth,
    CAST(NULL AS VARCHAR) AS enforcement_to_net_worth_code,
    CAST('never' AS VARCHAR) AS litigation_search_result,
    CAST(NULL AS DATE) AS litigation_evidence_date,
    CAST('never' AS VARCHAR) AS enforcement_search_result,
    CAST(NULL AS DATE) AS enforcement_evidence_date,
    CAST('never' AS VARCHAR) AS registry_search_result,
    CAST(NULL AS DATE) AS registry_evidence_date,
    CAST('never' AS VARCHAR) AS tax_search_result,
    CAST(NULL AS DATE) AS tax_evidence_date,
    CAST('never' AS VARCHAR) AS media_search_result,
    CAST(NULL AS DATE) AS media_evidence_date,
    CAST('never' AS VARCHAR) AS ownership_search_result,
    CAST(NULL AS DATE) AS ownership_evidence_date,
    CAST(0 AS BIGINT) AS litigation_plaintiff_24m,
    CAST(0 AS BIGINT) AS findings_unreviewed,
    CAST(NULL AS VARCHAR) AS registry_status,
    CAST(NULL AS BIGINT) AS rating_management,
    CAST(NULL AS BIGINT) AS rating_governance,
    CAST(NULL AS BIGINT) AS rating_market_position,
    CAST(NULL AS BIGINT) AS rating_industry_outlook,
    CAST(NULL AS BIGINT) AS rating_documents,
    CAST(NULL AS DATE) AS management_assessed_date,
    CAST(0 AS BIGINT) AS documents_required,
    CAST(0 AS BIGINT) AS documents_valid,
    CAST(NULL AS DATE) AS documents_next_expiry,
    CAST(NULL AS DATE) AS documents_received_date
FROM factor.customer_state AS c
LEFT JOIN finding AS f ON c.customer_id = f.customer_id
LEFT JOIN searched AS s ON c.customer_id = s.customer_id
