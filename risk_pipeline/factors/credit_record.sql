-- factor.credit_record: what credit bureaus, other suppliers and banks report about the customer (信用记录).
-- Grain: customer_id. Bureau: a report counts while its report_date is not older than $bureau_max_age_days; a report that a later
-- "no hit" of the same bureau withdrew does not; of the rest the first bureau in the policy's order of preference, one that is
-- not listed behind, the newest report first. A request that failed is no answer. "No hit", "never ordered" and "too old" are
-- three things: the first two are codes, the third is missing. A scale whose direction is not told gives no score, an amount
-- below zero or without a rate is not known.
-- References: the newest with both figures of each source in W(12); one the customer named itself counts half.
WITH report AS (
    SELECT
        customer_id,
        bureau,
        report_id,
        retrieved_date,
        CASE WHEN hit_state = 'hit' AND report_date < retrieved_date THEN report_date ELSE retrieved_date END AS report_date,
        hit_state,
        CASE
            WHEN
                hit_state = 'hit'
                AND score BETWEEN score_min AND score_max
                AND score_max - score_min > 0
                AND score_max - score_min < 1e9
                AND higher_is_better IS NOT NULL
                THEN
                    100 * CASE WHEN higher_is_better THEN score - score_min ELSE score_max - score END
                    / NULLIF(score_max - score_min, 0)
        END AS score,
        bureau_rating,
        delinquencies_12m,
        defaults_36m,
        inquiries_6m,
        total_borrowing,
        recommended_limit,
        currency
    FROM feed.bureau_report
),
denied AS (
    SELECT
        customer_id,
        bureau,
        MAX(retrieved_date) AS denied_on
    FROM report
    WHERE hit_state = 'no_hit'
    GROUP BY customer_id, bureau
),
preferred AS (
    SELECT
        r.customer_id,
        r.bureau,
        r.report_date,
        r.score,
        r.bureau_rating,
        r.delinquencies_12m,
        r.defaults_36m,
        r.inquiries_6m,
        r.total_borrowing,
        r.recommended_limit,
        r.currency,
        ROW_NUMBER() OVER (
            PARTITION BY r.customer_id
            ORDER BY
                CASE WHEN b.place IS NULL THEN 1 ELSE 0 END,
                b.place,
                r.report_date DESC,
                r.retrieved_date DESC,
                r.report_id DESC
        ) AS place
    FROM report AS r
    LEFT JOIN denied AS d ON r.customer_id = d.customer_id AND r.bureau = d.bureau
    LEFT JOIN policy.bureau AS b ON r.bureau = b.bureau
    WHERE
        r.hit_state = 'hit'
        AND DATE_DIFF('day', r.report_date, $as_of) <= $bureau_max_age_days
        AND (d.denied_on IS NULL OR d.denied_on <= r.retrieved_date)
),
used AS (
    SELECT
        p.customer_id,
        p.bureau,
        p.report_date,
        p.score,
        p.bureau_rating,
        p.delinquencies_12m,
        p.defaults_36m,
        p.inquiries_6m,
        CASE
            WHEN p.total_borrowing >= 0 THEN CAST(CAST(p.total_borrowing AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS borrowing,
        CASE
            WHEN p.recommended_limit >= 0 THEN CAST(CAST(p.recommended_limit AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS recommended_limit
    FROM preferred AS p
    LEFT JOIN step.fx AS fx ON p.currency = fx.currency
    WHERE p.place = 1
),
earlier_score AS (
    SELECT
        u.customer_id,
        MAX(r.score) AS score
    FROM used AS u
    INNER JOIN report AS r ON u.customer_id = r.customer_id AND u.bureau = r.bureau
    WHERE r.report_date < u.report_date AND DATE_DIFF('day', r.report_date, u.report_date) <= 180
    GROUP BY u.customer_id
),
asked AS (
    SELECT
        customer_id,
        MAX(report_date) AS newest,
        MAX(
            CASE
                WHEN hit_state = 'no_hit' AND DATE_DIFF('day', report_date, $as_of) <= $bureau_max_age_days THEN report_date
            END
        ) AS no_hit,
        MAX(
            CASE
                WHEN hit_state = 'error' AND DATE_DIFF('day', report_date, $as_of) <= $bureau_max_age_days THEN report_date
            END
        ) AS failed
    FROM report
    GROUP BY customer_id
),
full_year AS (
    SELECT
        customer_id,
        period_end,
        revenue,
        months,
        currency,
        ROW_NUMBER() OVER (
            PARTITION BY customer_id
            ORDER BY period_end DESC, COALESCE(consolidated, FALSE), received_date DESC, statement_id DESC
        ) AS place
    FROM feed.financial_statement
    WHERE period_end <= $as_of AND months >= 12 AND total_assets > 0
),
turnover AS (
    SELECT
        y.customer_id,
        y.period_end,
        CAST(CAST(CAST(y.revenue AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS DOUBLE) * 12
        / CAST(NULLIF(y.months, 0) AS DOUBLE) AS revenue
    FROM full_year AS y
    LEFT JOIN step.fx AS fx ON y.currency = fx.currency
    WHERE y.place = 1
),
reference AS (
    SELECT
        r.customer_id,
        r.source_kind,
        LOWER(TRIM(r.source_name)) AS source_name,
        r.reference_id,
        r.reported_date,
        r.payment_rating,
        CASE WHEN r.self_named THEN 1 ELSE 2 END AS weight,
        COALESCE(r.high_credit > 0 AND r.past_due >= 0 AND fx.rate IS NOT NULL, FALSE) AS has_figures,
        r.high_credit,
        r.past_due,
        fx.rate
    FROM feed.trade_reference AS r
    LEFT JOIN step.fx AS fx ON r.currency = fx.currency
    WHERE r.reported_date > $m12
),
newest_reference AS (
    SELECT
        customer_id,
        source_kind,
        reported_date,
        payment_rating,
        weight,
        high_credit,
        past_due,
        rate,
        has_figures
        AND ROW_NUMBER() OVER (
            PARTITION BY customer_id, source_kind, source_name, has_figures ORDER BY reported_date DESC, reference_id DESC
        ) = 1 AS counts,
        payment_rating IS NOT NULL
        AND ROW_NUMBER() OVER (
            PARTITION BY customer_id, source_kind, source_name, payment_rating IS NULL
            ORDER BY reported_date DESC, reference_id DESC
        ) = 1 AS rates
    FROM reference
),
chosen AS (
    SELECT
        customer_id,
        source_kind,
        reported_date,
        weight,
        counts,
        CASE WHEN counts THEN CAST(CAST(high_credit AS DECIMAL(19, 2)) * rate AS DECIMAL(18, 2)) END AS high_credit,
        CASE WHEN counts THEN CAST(CAST(past_due AS DECIMAL(19, 2)) * rate AS DECIMAL(18, 2)) END AS past_due,
        CASE WHEN rates THEN payment_rating END AS payment_rating
    FROM newest_reference
    WHERE counts OR rates
),
referred AS (
    SELECT
        customer_id,
        COUNT(CASE WHEN counts THEN customer_id END) AS sources,
        MAX(reported_date) AS reported_date,
        CAST(SUM(past_due * weight) AS DOUBLE) / CAST(NULLIF(SUM(high_credit * weight), 0) AS DOUBLE) AS past_due_ratio,
        CAST(SUM(CASE WHEN source_kind = 'supplier' THEN payment_rating * weight END) AS DOUBLE)
        / CAST(
            NULLIF(SUM(CASE WHEN source_kind = 'supplier' AND payment_rating IS NOT NULL THEN weight END), 0) AS DOUBLE
        ) AS supplier_rating,
        CAST(SUM(CASE WHEN source_kind = 'bank' THEN payment_rating * weight END) AS DOUBLE)
        / CAST(NULLIF(SUM(CASE WHEN source_kind = 'bank' AND payment_rating IS NOT NULL THEN weight END), 0) AS DOUBLE)
            AS bank_rating
    FROM chosen
    GROUP BY customer_id
),
known AS (
    SELECT
        c.customer_id,
        COALESCE(c.natural_person, FALSE) AS natural_person,
        COALESCE(c.is_public_body, FALSE) AS public_body,
        COALESCE(LOWER(TRIM(m.consent_state)) IN ('refused', 'withdrawn'), FALSE) AS consent_refused,
        CASE
            WHEN u.customer_id IS NOT NULL THEN 'hit'
            WHEN a.no_hit IS NOT NULL THEN 'no_hit'
            WHEN a.failed IS NOT NULL THEN 'error'
            WHEN a.customer_id IS NOT NULL THEN 'outdated'
            ELSE 'not_ordered'
        END AS bureau_state,
        COALESCE(u.report_date, a.no_hit, a.newest) AS report_date,
        u.bureau,
        u.bureau_rating,
        u.score,
        u.score - e.score AS score_change,
        u.delinquencies_12m,
        u.defaults_36m,
        u.inquiries_6m,
        u.borrowing,
        u.recommended_limit,
        s.period_end,
        s.revenue,
        COALESCE(t.sources, 0) AS sources,
        t.reported_date,
        t.past_due_ratio,
        t.supplier_rating,
        t.bank_rating
    FROM factor.customer_state AS c
    LEFT JOIN feed.customer AS m ON c.customer_id = m.customer_id
    LEFT JOIN used AS u ON c.customer_id = u.customer_id
    LEFT JOIN earlier_score AS e ON c.customer_id = e.customer_id
    LEFT JOIN asked AS a ON c.customer_id = a.customer_id
    LEFT JOIN turnover AS s ON c.customer_id = s.customer_id
    LEFT JOIN referred AS t ON c.customer_id = t.customer_id
)
SELECT
    customer_id,
    GREATEST(report_date, period_end, reported_date) AS evidence_date,
    CASE WHEN NOT public_body THEN score END AS bureau_score_norm,
    CASE
        WHEN public_body THEN 'public_body'
        WHEN bureau_state = 'hit' THEN NULL
        WHEN consent_refused THEN 'consent_refused'
        WHEN bureau_state IN ('no_hit', 'not_ordered') THEN bureau_state
    END AS bureau_score_norm_code,
    delinquencies_12m AS bureau_delinquencies_12m,
    CASE WHEN bureau_state IN ('no_hit', 'not_ordered') THEN bureau_state END AS bureau_delinquencies_12m_code,
    CASE
        WHEN NOT natural_person OR report_date >= CAST($adverse_from + INTERVAL (36) MONTH AS DATE) THEN defaults_36m
    END AS bureau_defaults_36m,
    CASE WHEN bureau_state IN ('no_hit', 'not_ordered') THEN bureau_state END AS bureau_defaults_36m_code,
    inquiries_6m AS bureau_inquiries_6m,
    CASE WHEN bureau_state IN ('no_hit', 'not_ordered') THEN bureau_state END AS bureau_inquiries_6m_code,
    CASE
        WHEN borrowing = 0 THEN 0e0
        WHEN revenue > 0 THEN CAST(borrowing AS DOUBLE) / NULLIF(revenue, 0)
    END AS borrowing_to_revenue,
    CASE
        WHEN bureau_state = 'no_hit' THEN 'no_hit'
        WHEN borrowing > 0 AND revenue <= 0 THEN 'revenue_zero'
    END AS borrowing_to_revenue_code,
    CASE WHEN sources >= 2 THEN past_due_ratio END AS trade_reference_past_due_ratio,
    CASE WHEN sources < 2 THEN 'fewer_than_two' END AS trade_reference_past_due_ratio_code,
    bureau_state,
    bureau,
    bureau_rating,
    report_date AS bureau_report_date,
    DATE_DIFF('day', report_date, $as_of) AS bureau_report_age_days,
    score_change AS bureau_score_change_180d,
    recommended_limit AS bureau_recommended_limit,
    borrowing AS bureau_borrowing,
    period_end AS borrowing_period_end,
    sources AS trade_reference_sources_12m,
    supplier_rating AS supplier_payment_rating,
    bank_rating AS bank_payment_rating,
    reported_date AS trade_reference_date
FROM known
