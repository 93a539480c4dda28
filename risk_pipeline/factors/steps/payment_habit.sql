-- How each customer pays: by which methods, from which accounts, through whom, and patterns worth a look.
-- Grain: customer_id. Payments above 0, neither returned nor reversed by the as-of date, of W(24). An account or a method is new
-- when it came after the customer's first one of those 24 months. A stranger is a payer that is neither the customer, nor its
-- payer in the master, nor of its group or legal entity. Split: two or more payments of one day, each from half the threshold of
-- the policy up to below it, so that together they reach it.
WITH payer AS (
    SELECT
        customer_id,
        payer_id,
        payer_account,
        method,
        MIN(payment_date) AS first_date,
        COUNT(CASE WHEN payment_date > $m12 THEN payment_id END) AS n_12m,
        COUNT(CASE WHEN payment_date > $m12 AND NOT COALESCE(is_advance, FALSE) THEN payment_id END) AS n_plain_12m,
        COUNT(
            CASE
                WHEN payment_date > $m12 AND NOT COALESCE(is_advance, FALSE) AND amount % NULLIF($round_sum, 0) = 0
                    THEN payment_id
            END
        ) AS n_round_12m
    FROM feed.payment
    WHERE payment_date > $m24 AND amount > 0 AND COALESCE(status, 'booked') = 'booked'
    GROUP BY customer_id, payer_id, payer_account, method
),
account AS (
    SELECT customer_id, payer_account, MIN(first_date) AS first_date
    FROM payer
    WHERE payer_account IS NOT NULL
    GROUP BY customer_id, payer_account
),
first_account AS (
    SELECT customer_id, MIN(first_date) AS first_date FROM account GROUP BY customer_id
),
new_account AS (
    SELECT
        f.customer_id,
        COUNT(CASE WHEN DATE_DIFF('day', a.first_date, $as_of) < 30 THEN a.payer_account END) AS n_30d,
        COUNT(CASE WHEN DATE_DIFF('day', a.first_date, $as_of) < 90 THEN a.payer_account END) AS n_90d,
        COUNT(CASE WHEN DATE_DIFF('day', a.first_date, $as_of) < 180 THEN a.payer_account END) AS n_180d,
        MAX(a.first_date) AS newest_on
    FROM first_account AS f
    LEFT JOIN account AS a ON f.customer_id = a.customer_id AND f.first_date < a.first_date
    GROUP BY f.customer_id
),
method AS (
    SELECT customer_id, method, MIN(first_date) AS first_date
    FROM payer
    WHERE method IS NOT NULL
    GROUP BY customer_id, method
),
first_method AS (
    SELECT customer_id, MIN(first_date) AS first_date FROM method GROUP BY customer_id
),
new_method AS (
    SELECT f.customer_id, COUNT(CASE WHEN m.first_date > $m12 THEN m.method END) AS n_12m
    FROM first_method AS f
    LEFT JOIN method AS m ON f.customer_id = m.customer_id AND f.first_date < m.first_date
    GROUP BY f.customer_id
),
paid AS (
    SELECT
        customer_id,
        SUM(n_12m) AS n_12m,
        SUM(n_plain_12m) AS n_plain_12m,
        SUM(n_round_12m) AS n_round_12m
    FROM payer
    GROUP BY customer_id
),
stranger AS (
    SELECT p.customer_id, SUM(p.n_12m) AS n_12m
    FROM payer AS p
    LEFT JOIN feed.customer AS m ON p.customer_id = m.customer_id
    LEFT JOIN factor.customer_state AS s ON p.payer_id = s.customer_id
    WHERE
        p.payer_id <> p.customer_id
        AND p.payer_id <> COALESCE(m.payer_id, p.customer_id)
        AND COALESCE(s.group_id <> m.group_id, TRUE)
        AND COALESCE(s.legal_entity_id <> m.legal_entity_id, TRUE)
    GROUP BY p.customer_id
),
below_threshold AS (
    SELECT p.customer_id, p.payment_date, COUNT(p.payment_id) AS n_payments
    FROM feed.payment AS p
    INNER JOIN step.fx AS fx ON p.currency = fx.currency
    WHERE
        p.payment_date > $m12
        AND COALESCE(p.status, 'booked') = 'booked'
        AND CAST(p.amount AS DECIMAL(19, 2)) * fx.rate < $split_threshold
        AND CAST(p.amount AS DECIMAL(19, 2)) * fx.rate * 2 >= $split_threshold
    GROUP BY p.customer_id, p.payment_date
),
split AS (
    SELECT customer_id, COUNT(payment_date) AS n_days FROM below_threshold WHERE n_payments >= 2 GROUP BY customer_id
)
SELECT
    p.customer_id,
    p.n_12m,
    p.n_plain_12m,
    p.n_round_12m,
    r.payer_told AS payer_named,
    COALESCE(s.n_12m, 0) AS n_strange_12m,
    COALESCE(d.n_days, 0) AS n_split_days,
    a.n_30d AS n_new_accounts_30d,
    a.n_90d AS n_new_accounts_90d,
    a.n_180d AS n_new_accounts_180d,
    a.newest_on AS new_account_on,
    m.n_12m AS n_new_methods_12m
FROM paid AS p
CROSS JOIN step.reach AS r
LEFT JOIN stranger AS s ON p.customer_id = s.customer_id
LEFT JOIN split AS d ON p.customer_id = d.customer_id
LEFT JOIN new_account AS a ON p.customer_id = a.customer_id
LEFT JOIN new_method AS m ON p.customer_id = m.customer_id
