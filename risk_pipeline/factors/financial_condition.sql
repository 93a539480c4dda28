-- factor.financial_condition: ratios of the newest usable financial statement of each customer (财务状况).
-- Grain: customer_id. Used: received by the as-of date, at least $statement_months_min months, total assets above 0; of those the
-- newest balance sheet date, a single company's before a group's, then the newest received (a restatement). Flows are year to
-- date, so they are compared with flows of the same months or brought to 12 months. Unlike periods are never compared.
-- NULL = an input is missing. Money in reporting currency at the rate of the as-of date. Altman Z'': Altman 1995, without
-- the constant; retained earnings of PRC GAAP = surplus reserve + undistributed profit.
WITH finance AS (
    SELECT c.customer_id, COUNT(f.prefix) > 0 AS is_finance
    FROM factor.customer_state AS c
    LEFT JOIN policy.finance_industry AS f
        ON c.industry_scheme = f.industry_scheme AND c.industry_code LIKE CONCAT(f.prefix, '%')
    GROUP BY c.customer_id
),
ranked AS (
    SELECT
        customer_id,
        statement_id,
        received_date,
        period_end,
        months,
        COALESCE(consolidated, FALSE) AS consolidated,
        currency,
        audit_opinion,
        current_assets,
        inventory,
        total_assets,
        current_liabilities,
        short_term_debt,
        total_liabilities,
        equity,
        intangible_assets,
        retained_earnings + COALESCE(surplus_reserve, 0) AS retained,
        revenue,
        ebit,
        interest_expense,
        net_income,
        operating_cash_flow,
        ROW_NUMBER() OVER (
            PARTITION BY customer_id
            ORDER BY period_end DESC, COALESCE(consolidated, FALSE), received_date DESC, statement_id DESC
        ) AS place
    FROM feed.financial_statement
    WHERE period_end <= $as_of AND months >= $statement_months_min AND total_assets > 0
),
used AS (
    SELECT
        customer_id,
        statement_id,
        received_date,
        period_end,
        months,
        consolidated,
        currency,
        audit_opinion,
        current_assets,
        inventory,
        total_assets,
        current_liabilities,
        short_term_debt,
        total_liabilities,
        equity,
        intangible_assets,
        retained,
        revenue,
        ebit,
        interest_expense,
        net_income,
        operating_cash_flow
    FROM ranked
    WHERE place = 1
),
earlier AS (
    SELECT
        u.customer_id,
        p.revenue,
        p.net_income,
        ROW_NUMBER() OVER (PARTITION BY u.customer_id ORDER BY p.received_date DESC, p.statement_id DESC) AS place
    FROM used AS u
    INNER JOIN ranked AS p
        ON
            u.customer_id = p.customer_id
            AND u.months = p.months
            AND u.currency = p.currency
            AND u.consolidated = p.consolidated
            AND ABS(DATE_DIFF('day', CAST(p.period_end + INTERVAL (12) MONTH AS DATE), u.period_end)) <= 15
    WHERE p.revenue IS NOT NULL
),
measured AS (
    SELECT
        c.customer_id,
        f.is_finance,
        u.statement_id IS NOT NULL AS has_statement,
        u.received_date,
        u.period_end,
        u.months,
        u.consolidated,
        u.audit_opinion,
        u.current_assets,
        u.current_liabilities,
        u.total_liabilities,
        u.short_term_debt,
        u.revenue,
        u.interest_expense,
        e.revenue AS earlier_revenue,
        CAST(u.total_liabilities AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE) AS debt_ratio,
        CAST(u.equity AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE) AS equity_ratio,
        CASE
            WHEN u.current_liabilities > 0 THEN CAST(u.current_assets AS DOUBLE) / CAST(NULLIF(u.current_liabilities, 0) AS DOUBLE)
        END AS current_ratio,
        CASE
            WHEN u.current_liabilities > 0
                THEN CAST(u.current_assets - u.inventory AS DOUBLE) / CAST(NULLIF(u.current_liabilities, 0) AS DOUBLE)
        END AS quick_ratio,
        CASE
            WHEN u.interest_expense > 0 THEN CAST(u.ebit AS DOUBLE) / CAST(NULLIF(u.interest_expense, 0) AS DOUBLE)
        END AS interest_cover,
        CASE WHEN u.revenue > 0 THEN CAST(u.net_income AS DOUBLE) / CAST(NULLIF(u.revenue, 0) AS DOUBLE) END AS net_margin,
        CASE WHEN u.revenue > 0 THEN CAST(u.ebit AS DOUBLE) / CAST(NULLIF(u.revenue, 0) AS DOUBLE) END AS ebit_margin,
        CASE
            WHEN e.revenue > 0 THEN CAST(e.net_income AS DOUBLE) / CAST(NULLIF(e.revenue, 0) AS DOUBLE)
        END AS earlier_net_margin,
        CASE
            WHEN u.total_liabilities > 0
                THEN
                    CAST(u.operating_cash_flow AS DOUBLE) * 12 / CAST(NULLIF(u.months, 0) AS DOUBLE)
                    / CAST(NULLIF(u.total_liabilities, 0) AS DOUBLE)
        END AS ocf_to_liabilities,
        CASE
            WHEN u.total_liabilities > 0
                THEN
                    6.56e0 * (CAST(u.current_assets - u.current_liabilities AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE))
                    + 3.26e0 * (CAST(u.retained AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE))
                    + 6.72e0 * (
                        CAST(u.ebit AS DOUBLE) * 12 / CAST(NULLIF(u.months, 0) AS DOUBLE)
                        / CAST(NULLIF(u.total_assets, 0) AS DOUBLE)
                    )
                    + 1.05e0 * (CAST(u.equity AS DOUBLE) / CAST(NULLIF(u.total_liabilities, 0) AS DOUBLE))
        END AS altman_z2,
        CASE
            WHEN e.revenue > 0 THEN CAST(u.revenue AS DOUBLE) / CAST(NULLIF(e.revenue, 0) AS DOUBLE) - 1
        END AS revenue_change,
        CASE
            WHEN u.equity IS NOT NULL
                THEN
                    CAST(
                        CAST(u.equity - COALESCE(u.intangible_assets, 0) AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)
                    )
        END AS tangible_net_worth,
        CAST(
            CAST(FLOOR(CAST(u.revenue AS DOUBLE) * 100 * 12 / CAST(NULLIF(u.months, 0) AS DOUBLE) + 0.5) AS BIGINT)
            * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2)
        ) AS revenue_annual,
        fx.rate AS fx_rate,
        u.total_assets IS NOT NULL
        AND u.total_liabilities IS NOT NULL
        AND u.equity IS NOT NULL
        AND u.revenue IS NOT NULL
        AND ABS(u.total_assets - u.total_liabilities - u.equity) <= u.total_assets * $statement_balance_share
        AND DATE_DIFF('day', u.period_end, $as_of) <= $statement_max_age_days AS usable
    FROM factor.customer_state AS c
    INNER JOIN finance AS f ON c.customer_id = f.customer_id
    LEFT JOIN used AS u ON c.customer_id = u.customer_id
    LEFT JOIN earlier AS e ON u.customer_id = e.customer_id AND e.place = 1
    LEFT JOIN step.fx AS fx ON u.currency = fx.currency
)
SELECT
    customer_id,
    period_end AS evidence_date,
    CASE WHEN NOT is_finance THEN debt_ratio END AS debt_ratio,
    CASE WHEN is_finance THEN 'financial_institution' END AS debt_ratio_code,
    CASE WHEN NOT is_finance THEN current_ratio END AS current_ratio,
    CASE
        WHEN is_finance THEN 'financial_institution'
        WHEN current_liabilities <= 0 AND current_assets IS NOT NULL THEN 'no_current_liabilities'
    END AS current_ratio_code,
    interest_cover,
    CASE
        WHEN interest_expense < 0 THEN 'net_interest_income'
        WHEN interest_expense = 0 THEN 'no_interest_bearing_debt'
    END AS interest_cover_code,
    net_margin,
    CASE WHEN revenue <= 0 THEN 'revenue_zero' END AS net_margin_code,
    ocf_to_liabilities,
    CASE WHEN total_liabilities <= 0 THEN 'no_liabilities' END AS ocf_to_liabilities_code,
    CASE WHEN NOT is_finance THEN altman_z2 END AS altman_z2,
    CASE
        WHEN is_finance THEN 'financial_institution'
        WHEN total_liabilities <= 0 THEN 'no_liabilities'
    END AS altman_z2_code,
    revenue_change AS revenue_change_yoy,
    CASE WHEN has_statement AND (revenue IS NULL OR earlier_revenue IS NULL OR earlier_revenue <= 0) THEN 'no_comparable_period' END
        AS revenue_change_yoy_code,
    audit_opinion AS statement_quality,
    quick_ratio,
    equity_ratio,
    ebit_margin,
    net_margin - earlier_net_margin AS net_margin_change_yoy,
    CASE
        WHEN is_finance OR altman_z2 IS NULL THEN NULL
        WHEN altman_z2 < 1.10e0 THEN 'distress'
        WHEN altman_z2 > 2.60e0 THEN 'safe'
        ELSE 'grey'
    END AS altman_zone,
    tangible_net_worth,
    CAST(CAST(revenue_annual AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2)) AS revenue_annual,
    COALESCE(usable, FALSE) AS statement_usable,
    CASE WHEN has_statement THEN audit_opinion IN ('unqualified', 'qualified', 'going_concern', 'adverse', 'disclaimer') END
        AS statement_audited,
    consolidated AS statement_consolidated,
    months AS statement_months,
    period_end AS statement_period_end,
    received_date AS statement_received_date,
    DATE_DIFF('day', period_end, $as_of) AS statement_age_days
FROM measured
