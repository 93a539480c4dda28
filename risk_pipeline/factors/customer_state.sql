-- factor.customer_state: every customer to assess and what was known about it on the as-of date.
-- Grain: customer_id. Customers found in the ledger but not in the master are derived, so that nobody with a debt is left out.
-- A master record that begins after the as-of date makes no customer of that date; it only describes one the ledger knows.
-- A Unified Social Credit Code verifies an identity only when its check digit is right: GB 32100-2015, the values of the 18 signs times
-- 3^(place - 1), the last times 1, add up to a multiple of 31.
-- An instalment plan is in force until its last instalment is due, a month at least, kept or broken; one without instalments, for a year.
WITH ledger AS (
    SELECT customer_id FROM feed.invoice
    UNION
    SELECT customer_id FROM feed.payment
    UNION
    SELECT customer_id FROM feed.credit_note
    UNION
    SELECT customer_id FROM feed.sales_order
    UNION
    SELECT customer_id FROM feed.credit_request
    UNION
    SELECT customer_id FROM feed.bill
),
everybody AS (
    SELECT customer_id FROM feed.customer WHERE effective_from IS NULL OR effective_from <= $as_of
    UNION
    SELECT customer_id FROM ledger WHERE customer_id IS NOT NULL
),
request AS (
    SELECT
        r.customer_id,
        CAST(CAST(r.requested_limit AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS requested_limit,
        r.requested_terms_days,
        CAST(CAST(r.expected_monthly_sales AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS expected_monthly_sales,
        ROW_NUMBER() OVER (PARTITION BY r.customer_id ORDER BY r.decided_date DESC, r.request_id DESC) AS newest
    FROM feed.credit_request AS r
    INNER JOIN step.fx AS fx ON r.currency = fx.currency
    WHERE r.decision = 'approved' AND r.decided_date > $m12
),
plan_end AS (
    SELECT plan_id, MAX(due_date) AS last_due_date FROM feed.instalment_line GROUP BY plan_id
),
plan AS (
    SELECT
        p.customer_id,
        BOOL_OR(p.reason = 'distressed' AND COALESCE(e.last_due_date >= $as_of OR p.agreed_date > $m1, p.agreed_date > $m12)) AS distressed,
        MAX(CASE WHEN COALESCE(e.last_due_date >= $as_of OR p.agreed_date > $m1, p.agreed_date > $m12) THEN p.agreed_date END) AS agreed_on,
        MAX(p.broken_date) AS broken_on
    FROM feed.instalment_plan AS p
    LEFT JOIN plan_end AS e ON p.plan_id = e.plan_id
    GROUP BY p.customer_id
),
place_weight AS (
    SELECT p.place, p.weight
    FROM (
        VALUES
        (1, 1), (2, 3), (3, 9), (4, 27), (5, 19), (6, 26), (7, 16), (8, 17), (9, 20),
        (10, 29), (11, 25), (12, 13), (13, 8), (14, 24), (15, 10), (16, 30), (17, 28), (18, 1)
    ) AS p (place, weight)
),
uscc_sign AS (
    SELECT
        c.customer_id,
        p.weight,
        STRPOS('0123456789ABCDEFGHJKLMNPQRTUWXY', SUBSTRING(c.registration_number, p.place, 1)) - 1 AS sign_value
    FROM feed.customer AS c
    CROSS JOIN place_weight AS p
    WHERE c.registration_scheme = 'USCC' AND LENGTH(c.registration_number) = 18
),
right_uscc AS (
    SELECT customer_id
    FROM uscc_sign
    GROUP BY customer_id
    HAVING MIN(sign_value) >= 0 AND MOD(SUM(sign_value * weight), 31) = 0
)
SELECT
    e.customer_id,
    c.name,
    CASE WHEN c.customer_id IS NULL THEN 'derived' ELSE 'master' END AS customer_source,
    COALESCE(c.state_assumed, FALSE) AS state_assumed,
    c.legal_form,
    c.natural_person,
    c.is_intercompany,
    c.is_one_time,
    c.is_public_body,
    c.is_project_business,
    c.size_class,
    c.segment AS customer_segment,
    c.country_code,
    c.region,
    c.industry_code,
    c.industry_scheme,
    c.group_id,
    c.legal_entity_id,
    COALESCE(c.credit_currency, $reporting_currency) AS credit_currency,
    fx.rate AS credit_fx_rate,
    c.contracted_terms_days,
    c.account_manager,
    c.onboarded_date,
    c.registration_number IS NOT NULL AND (COALESCE(c.registration_scheme, '') <> 'USCC' OR u.customer_id IS NOT NULL)
        AS identity_verified,
    r.requested_limit,
    r.requested_terms_days,
    r.expected_monthly_sales,
    COALESCE(p.distressed, FALSE) AS distressed_plan,
    p.agreed_on AS plan_agreed_on,
    p.broken_on AS plan_broken_on
FROM everybody AS e
LEFT JOIN feed.customer AS c ON e.customer_id = c.customer_id
LEFT JOIN request AS r ON e.customer_id = r.customer_id AND r.newest = 1
LEFT JOIN right_uscc AS u ON e.customer_id = u.customer_id
LEFT JOIN plan AS p ON e.customer_id = p.customer_id
LEFT JOIN step.fx AS fx ON COALESCE(c.credit_currency, $reporting_currency) = fx.currency
