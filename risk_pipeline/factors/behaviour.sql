-- factor.behaviour: contacts, complaints, orders and ways of paying of each customer against its own past (客户行为).
-- Grain: customer_id. A code in <factor>_code says why a factor has no value; NULL without one = not known: the feed tells
-- nothing up to the as-of date. Evidence ages with the newest row of the whole feed: in a current feed a customer without rows
-- is quiet, not unknown. Money in reporting currency at the rate of the as-of date.
WITH fact AS (
    SELECT
        c.customer_id,
        COALESCE(c.is_project_business, FALSE) AS is_project_business,
        r.crm_newest_date AS crm_event_date,
        r.crm_newest_date IS NOT NULL AS has_crm,
        COALESCE(DATE_DIFF('day', r.crm_first_date, $as_of) >= 359, FALSE) AS crm_reaches_360d,
        COALESCE(r.crm_first_date <= CAST($m12 + INTERVAL (1) DAY AS DATE), FALSE) AS crm_reaches_12m,
        COALESCE(k.n_changes_90d, 0) AS n_changes_90d,
        COALESCE(k.n_contact_30d, 0) AS n_contact_30d,
        COALESCE(k.n_contact_90d, 0) AS n_contact_90d,
        COALESCE(k.n_contact_180d, 0) AS n_contact_180d,
        COALESCE(k.n_address_30d, 0) AS n_address_30d,
        COALESCE(k.n_address_90d, 0) AS n_address_90d,
        COALESCE(k.n_address_180d, 0) AS n_address_180d,
        COALESCE(k.n_bank_30d, 0) + COALESCE(p.n_new_accounts_30d, 0) AS n_bank_30d,
        COALESCE(k.n_bank_90d, 0) + COALESCE(p.n_new_accounts_90d, 0) AS n_bank_90d,
        COALESCE(k.n_bank_180d, 0) + COALESCE(p.n_new_accounts_180d, 0) AS n_bank_180d,
        COALESCE(k.n_interactions_90d, 0) AS n_interactions_90d,
        COALESCE(k.n_complaints_90d, 0) AS n_complaints_90d,
        COALESCE(k.n_complaints_before_90d, 0) AS n_complaints_before_90d,
        COALESCE(k.n_complaints_12m, 0) AS n_complaints_12m,
        COALESCE(k.n_complaints_6m, 0) AS n_complaints_6m,
        k.last_contact_date,
        r.order_newest_date AS order_date_newest,
        r.order_newest_date IS NOT NULL AS has_orders,
        o.first_date AS first_order_date,
        o.last_date AS last_order_date,
        COALESCE(o.amount_3m, 0) AS amount_3m,
        o.amount_before_3m,
        COALESCE(o.amount_12m, 0) AS amount_12m,
        o.amount_30d,
        o.largest_30d,
        o.n_335d,
        o.amount_335d,
        o.squares_335d,
        CASE WHEN o.first_date <= $m24 AND o.amount_season > 0 THEN o.amount_season END AS amount_season,
        COALESCE(o.n_days_12m, 0) AS n_order_days_12m,
        COALESCE(o.n_days_3m, 0) AS n_order_days_3m,
        COALESCE(o.n_days_12m >= 5, FALSE) AS rhythm_known,
        COALESCE(o.first_date <= $m6 AND o.n_days_335d >= 3, FALSE) AS normal_known,
        o.median_gap,
        p.n_new_accounts_180d,
        p.n_new_methods_12m,
        CASE WHEN p.payer_named THEN p.n_strange_12m END AS n_strange_12m,
        CASE WHEN p.n_12m > 0 THEN p.n_split_days END AS n_split_days,
        p.n_12m AS n_payments_12m,
        p.n_plain_12m,
        p.n_round_12m,
        h.n_3m AS n_paid_3m,
        h.n_12m - h.n_3m AS n_paid_9m,
        h.days_3m,
        h.days_12m - h.days_3m AS days_9m,
        h.squares_12m - h.squares_3m AS squares_9m
    FROM factor.customer_state AS c
    CROSS JOIN step.reach AS r
    LEFT JOIN step.crm_history AS k ON c.customer_id = k.customer_id
    LEFT JOIN step.order_history AS o ON c.customer_id = o.customer_id
    LEFT JOIN step.payment_habit AS p ON c.customer_id = p.customer_id
    LEFT JOIN step.paid_history AS h ON c.customer_id = h.customer_id
),
measured AS (
    SELECT
        customer_id,
        is_project_business,
        crm_event_date,
        has_crm,
        crm_reaches_360d,
        crm_reaches_12m,
        n_changes_90d,
        n_contact_30d,
        n_contact_90d,
        n_contact_180d,
        n_address_30d,
        n_address_90d,
        n_address_180d,
        n_bank_30d,
        n_bank_90d,
        n_bank_180d,
        n_interactions_90d,
        n_complaints_90d,
        n_complaints_before_90d,
        n_complaints_12m,
        n_complaints_6m,
        last_contact_date,
        order_date_newest,
        has_orders,
        first_order_date,
        last_order_date,
        amount_3m,
        amount_before_3m,
        amount_12m,
        amount_30d,
        largest_30d,
        n_335d,
        amount_season,
        amount_335d,
        n_order_days_12m,
        n_order_days_3m,
        rhythm_known,
        normal_known,
        median_gap,
        n_new_accounts_180d,
        n_new_methods_12m,
        n_strange_12m,
        n_split_days,
        n_payments_12m,
        n_plain_12m,
        n_round_12m,
        CAST(amount_335d AS DOUBLE) / CAST(NULLIF(n_335d, 0) AS DOUBLE) AS mean_order,
        SQRT(
            GREATEST(
                CAST(n_335d AS DOUBLE) * CAST(squares_335d AS DOUBLE) - CAST(amount_335d AS DOUBLE) * CAST(amount_335d AS DOUBLE),
                CAST(0 AS DOUBLE)
            )
            / CAST(NULLIF(n_335d * (n_335d - 1), 0) AS DOUBLE)
        ) AS spread_of_orders,
        CASE
            WHEN n_paid_3m >= 3 AND n_paid_9m >= 3
                THEN CAST(days_3m AS DOUBLE) / CAST(n_paid_3m AS DOUBLE) - CAST(days_9m AS DOUBLE) / CAST(n_paid_9m AS DOUBLE)
        END AS days_late_shift_3v9,
        SQRT(
            CAST(GREATEST(n_paid_9m * squares_9m - days_9m * days_9m, 0) AS DOUBLE)
            / CAST(NULLIF(n_paid_9m * (n_paid_9m - 1), 0) AS DOUBLE)
        ) AS spread_of_days_late
    FROM fact
)
SELECT
    customer_id,
    GREATEST(crm_event_date, order_date_newest) AS evidence_date,
    CASE WHEN has_crm THEN n_changes_90d END AS contact_address_changes_90d,
    CASE WHEN NOT has_crm THEN 'no_crm_feed' END AS contact_address_changes_90d_code,
    CASE WHEN has_crm THEN n_bank_180d END AS bank_account_changes_180d,
    CASE WHEN NOT has_crm THEN 'no_crm_feed' END AS bank_account_changes_180d_code,
    DATE_DIFF('day', last_contact_date, $as_of) AS days_since_last_contact,
    CASE WHEN NOT has_crm THEN 'no_crm_feed' END AS days_since_last_contact_code,
    CASE
        WHEN crm_reaches_360d
            THEN CAST(n_complaints_90d AS DOUBLE) - CAST(n_complaints_before_90d AS DOUBLE) / CAST(3 AS DOUBLE)
    END AS complaint_excess_90d,
    CASE WHEN NOT has_crm THEN 'no_crm_feed' END AS complaint_excess_90d_code,
    CASE
        WHEN rhythm_known AND NOT is_project_business
            THEN
                CAST(DATE_DIFF('day', last_order_date, $as_of) AS DOUBLE)
                / CAST(NULLIF(GREATEST(median_gap, CAST(7 AS DOUBLE)), 0) AS DOUBLE)
    END AS order_gap_ratio,
    CASE
        WHEN is_project_business THEN 'project_business'
        WHEN has_orders AND NOT rhythm_known THEN 'too_few_orders'
    END AS order_gap_ratio_code,
    CASE
        WHEN normal_known AND amount_season IS NOT NULL
            THEN CAST(amount_30d AS DOUBLE) / CAST(NULLIF(amount_season, 0) AS DOUBLE)
        WHEN normal_known
            THEN CAST(amount_30d AS DOUBLE) * CAST(335 AS DOUBLE) / NULLIF(CAST(amount_335d AS DOUBLE) * CAST(30 AS DOUBLE), 0)
    END AS order_surge_ratio,
    CASE WHEN has_orders AND NOT normal_known THEN 'too_few_orders' END AS order_surge_ratio_code,
    CASE WHEN has_crm THEN n_contact_30d END AS contact_changes_30d,
    CASE WHEN has_crm THEN n_contact_90d END AS contact_changes_90d,
    CASE WHEN has_crm THEN n_contact_180d END AS contact_changes_180d,
    CASE WHEN has_crm THEN n_address_30d END AS address_changes_30d,
    CASE WHEN has_crm THEN n_address_90d END AS address_changes_90d,
    CASE WHEN has_crm THEN n_address_180d END AS address_changes_180d,
    CASE WHEN has_crm THEN n_bank_30d END AS bank_account_changes_30d,
    CASE WHEN has_crm THEN n_bank_90d END AS bank_account_changes_90d,
    CASE WHEN has_crm THEN n_interactions_90d END AS interactions_90d,
    last_contact_date,
    CASE WHEN has_crm THEN n_complaints_12m END AS complaints_12m,
    CASE WHEN crm_reaches_12m THEN n_complaints_6m - (n_complaints_12m - n_complaints_6m) END AS complaints_change_6v6,
    CASE WHEN has_orders THEN CAST(amount_3m AS DECIMAL(18, 2)) END AS order_amount_3m,
    CASE WHEN has_orders THEN CAST(amount_12m AS DECIMAL(18, 2)) END AS order_amount_12m,
    CASE
        WHEN amount_before_3m > 0 THEN CAST(amount_3m AS DOUBLE) / CAST(amount_before_3m AS DOUBLE) - CAST(1 AS DOUBLE)
    END AS order_trend_3m,
    CASE
        WHEN n_335d >= 5
            THEN
                (CAST(largest_30d AS DOUBLE) - mean_order)
                / CAST(NULLIF(GREATEST(spread_of_orders, mean_order / CAST(10 AS DOUBLE)), 0) AS DOUBLE)
    END AS large_order_z,
    CASE WHEN has_orders THEN n_order_days_12m END AS order_days_12m,
    median_gap AS order_gap_median_days,
    CASE
        WHEN n_order_days_12m > n_order_days_3m
            THEN
                CAST(n_order_days_3m * 3 AS DOUBLE) / CAST(NULLIF(n_order_days_12m - n_order_days_3m, 0) AS DOUBLE)
                - CAST(1 AS DOUBLE)
    END AS order_frequency_change_3v9,
    first_order_date,
    last_order_date,
    n_new_accounts_180d AS new_payer_accounts_180d,
    n_new_methods_12m AS payment_method_changes_12m,
    CAST(n_strange_12m AS DOUBLE) / CAST(NULLIF(n_payments_12m, 0) AS DOUBLE) AS third_party_payment_share_12m,
    CAST(n_round_12m AS DOUBLE) / CAST(NULLIF(n_plain_12m, 0) AS DOUBLE) AS round_sum_payment_share_12m,
    n_split_days AS split_payment_days_12m,
    days_late_shift_3v9,
    days_late_shift_3v9 / CAST(NULLIF(GREATEST(spread_of_days_late, CAST(1 AS DOUBLE)), 0) AS DOUBLE) AS days_late_shift_z,
    crm_event_date,
    order_date_newest
FROM measured
