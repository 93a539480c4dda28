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
    END AS sanctions_search_result
FROM factor.customer_state AS c
LEFT JOIN finding AS f ON c.customer_id = f.customer_id
LEFT JOIN searched AS s ON c.customer_id = s.customer_id
