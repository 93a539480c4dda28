-- factor.financial_condition: ratios of the newest financial statement of each customer (财务状况).
-- Grain: customer_id. Used: received by the as-of date, at least $statement_months_min months, total assets above 0; of those the
-- newest balance sheet date, a single company's before a group's, an auditor's before one without (management accounts sent
-- after an adverse opinion do not hide it), then the newest received (a restatement). Flows are year to date, so they are
-- compared with flows of the same months or brought to 12 months. Unlike periods are never compared.
-- NULL = an input is missing or absurd (liabilities below 0). Money in reporting currency at the rate of the as-of date; an
-- amount that no money column can hold is NULL. Altman Z'': Altman 1995, without the constant; retained earnings of PRC GAAP =
-- surplus reserve + undistributed profit.
WITH finance AS (
    SELECT c.customer_id, COALESCE(i.is_finance, FALSE) AS is_finance
    FROM factor.customer_state AS c
    LEFT JOIN step.industry_code AS i
        ON COALESCE(c.industry_scheme, '') = i.industry_scheme AND c.industry_code = i.industry_code
),
statement AS (
    SELECT
        customer_id,
        statement_id,
        received_date,
        period_end,
        months,
        COALESCE(consolidated, FALSE) AS consolidated,
        currency,
        audit_opinion,
        audit_opinion IN ('unqualified', 'qualified', 'going_concern', 'adverse', 'disclaimer') AS audited,
        current_assets,
        inventory,
        total_assets,
        CASE WHEN current_liabilities >= 0 THEN current_liabilities END AS current_liabilities,
        COALESCE(short_term_debt, 0) AS short_term_debt,
        CASE WHEN total_liabilities >= 0 THEN total_liabilities END AS total_liabilities,
        equity,
        equity - COALESCE(intangible_assets, 0) AS tangible_equity,
        retained_earnings + COALESCE(surplus_reserve, 0) AS retained,
        revenue,
        ebit,
        interest_expense,
        net_income,
        operating_cash_flow
    FROM feed.financial_statement
    WHERE period_end <= $as_of AND months >= $statement_months_min AND total_assets > 0
),
newest AS (
    SELECT
        customer_id,
        statement_id,
        ROW_NUMBER() OVER (
            PARTITION BY customer_id
            ORDER BY period_end DESC, consolidated, COALESCE(audited, FALSE) DESC, received_date DESC, statement_id DESC
        ) AS place
    FROM statement
),
used AS (
    SELECT
        s.customer_id,
        s.received_date,
        s.period_end,
        s.months,
        s.consolidated,
        s.currency,
        s.audit_opinion,
        s.audited,
        s.current_assets,
        s.inventory,
        s.total_assets,
        s.current_liabilities,
        s.short_term_debt,
        s.total_liabilities,
        s.equity,
        s.tangible_equity,
        s.retained,
        s.revenue,
        s.ebit,
        s.interest_expense,
        s.net_income,
        s.operating_cash_flow,
        CAST(s.revenue AS DOUBLE) * 12 / CAST(NULLIF(s.months, 0) AS DOUBLE) AS revenue_per_year
    FROM statement AS s
    INNER JOIN newest AS n ON s.statement_id = n.statement_id AND n.place = 1
),
comparable AS (
    SELECT
        u.customer_id,
        s.revenue,
        s.net_income,
        ROW_NUMBER() OVER (
            PARTITION BY u.customer_id
            ORDER BY
                ABS(DATE_DIFF('day', CAST(s.period_end + INTERVAL (12) MONTH AS DATE), u.period_end)),
                COALESCE(s.audited, FALSE) DESC,
                s.received_date DESC,
                s.statement_id DESC
        ) AS place
    FROM used AS u
    INNER JOIN statement AS s
        ON
            u.customer_id = s.customer_id
            AND u.months = s.months
            AND u.currency = s.currency
            AND u.consolidated = s.consolidated
            AND ABS(DATE_DIFF('day', CAST(s.period_end + INTERVAL (12) MONTH AS DATE), u.period_end)) <= 15
    WHERE s.revenue IS NOT NULL
),
measured AS (
    SELECT
        c.customer_id,
        f.is_finance,
        u.customer_id IS NOT NULL AS has_statement,
        u.received_date,
        u.period_end,
        u.months,
        u.consolidated,
        u.audit_opinion,
        u.audited,
        u.current_assets,
        u.current_liabilities,
        u.total_liabilities,
        u.short_term_debt,
        u.revenue,
        u.interest_expense,
        p.revenue AS revenue_before,
        CAST(u.total_liabilities AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE) AS debt_ratio,
        CAST(u.equity AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE) AS equity_ratio,
        CAST(u.current_assets AS DOUBLE) / CAST(NULLIF(u.current_liabilities, 0) AS DOUBLE) AS current_ratio,
        CAST(u.current_assets - u.inventory AS DOUBLE) / CAST(NULLIF(u.current_liabilities, 0) AS DOUBLE) AS quick_ratio,
        CASE
            WHEN u.interest_expense > 0 THEN CAST(u.ebit AS DOUBLE) / CAST(NULLIF(u.interest_expense, 0) AS DOUBLE)
        END AS interest_cover,
        CASE WHEN u.revenue > 0 THEN CAST(u.net_income AS DOUBLE) / CAST(NULLIF(u.revenue, 0) AS DOUBLE) END AS net_margin,
        CASE WHEN u.revenue > 0 THEN CAST(u.ebit AS DOUBLE) / CAST(NULLIF(u.revenue, 0) AS DOUBLE) END AS ebit_margin,
        CASE WHEN p.revenue > 0 THEN CAST(p.net_income AS DOUBLE) / CAST(NULLIF(p.revenue, 0) AS DOUBLE) END AS net_margin_before,
        CASE WHEN p.revenue > 0 THEN CAST(u.revenue AS DOUBLE) / CAST(NULLIF(p.revenue, 0) AS DOUBLE) - 1 END AS revenue_change,
        CAST(u.operating_cash_flow AS DOUBLE) * 12 / CAST(NULLIF(u.months, 0) AS DOUBLE)
        / CAST(NULLIF(u.total_liabilities, 0) AS DOUBLE) AS ocf_to_liabilities,
        6.56e0 * (CAST(u.current_assets - u.current_liabilities AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE))
        + 3.26e0 * (CAST(u.retained AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE))
        + 6.72e0 * (
            CAST(u.ebit AS DOUBLE) * 12 / CAST(NULLIF(u.months, 0) AS DOUBLE) / CAST(NULLIF(u.total_assets, 0) AS DOUBLE)
        )
        + 1.05e0 * (CAST(u.equity AS DOUBLE) / CAST(NULLIF(u.total_liabilities, 0) AS DOUBLE)) AS altman_z2,
        CAST(u.tangible_equity AS DECIMAL(19, 2)) * fx.rate AS tangible_net_worth,
        CASE
            WHEN ABS(u.revenue_per_year) < 10000000000000000e0
                THEN
                    CAST(CAST(FLOOR(u.revenue_per_year * 100 + 0.5) AS BIGINT) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(19, 2))
                    * fx.rate
        END AS revenue_annual,
        CASE
            WHEN u.total_liabilities IS NULL OR u.equity IS NULL OR u.revenue IS NULL THEN 'incomplete'
            WHEN ABS(u.total_assets - u.total_liabilities - u.equity) > u.total_assets * $statement_balance_share THEN 'unbalanced'
            WHEN DATE_DIFF('day', u.period_end, $as_of) > $statement_max_age_days THEN 'too_old'
        END AS doubt
    FROM factor.customer_state AS c
    INNER JOIN finance AS f ON c.customer_id = f.customer_id
    LEFT JOIN used AS u ON c.customer_id = u.customer_id
    LEFT JOIN comparable AS p ON c.customer_id = p.customer_id AND p.place = 1
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
        WHEN current_liabilities = 0 AND current_assets IS NOT NULL THEN 'no_current_liabilities'
    END AS current_ratio_code,
    interest_cover,
    CASE
        WHEN interest_expense < 0 THEN 'net_interest_income'
        WHEN interest_expense = 0 AND short_term_debt = 0 THEN 'no_interest_bearing_debt'
    END AS interest_cover_code,
    net_margin,
    CASE WHEN revenue <= 0 THEN 'revenue_zero' END AS net_margin_code,
    ocf_to_liabilities,
    CASE WHEN total_liabilities = 0 THEN 'no_liabilities' END AS ocf_to_liabilities_code,
    CASE WHEN NOT is_finance THEN altman_z2 END AS altman_z2,
    CASE
        WHEN is_finance THEN 'financial_institution'
        WHEN total_liabilities = 0 THEN 'no_liabilities'
    END AS altman_z2_code,
    revenue_change AS revenue_change_yoy,
    CASE WHEN revenue IS NOT NULL AND COALESCE(revenue_before, 0) <= 0 THEN 'no_comparable_period' END AS revenue_change_yoy_code,
    audit_opinion AS statement_quality,
    quick_ratio,
    equity_ratio,
    ebit_margin,
    net_margin - net_margin_before AS net_margin_change_yoy,
    CASE
        WHEN is_finance OR altman_z2 IS NULL THEN NULL
        WHEN altman_z2 < 1.10e0 THEN 'distress'
        WHEN altman_z2 > 2.60e0 THEN 'safe'
        ELSE 'grey'
    END AS altman_zone,
    CASE
        WHEN ABS(tangible_net_worth) < 9999999999999999 THEN CAST(tangible_net_worth AS DECIMAL(18, 2))
    END AS tangible_net_worth,
    CASE WHEN ABS(revenue_annual) < 9999999999999999 THEN CAST(revenue_annual AS DECIMAL(18, 2)) END AS revenue_annual,
    has_statement AND doubt IS NULL AS statement_usable,
    CASE WHEN has_statement THEN doubt END AS statement_doubt,
    audited AS statement_audited,
    consolidated AS statement_consolidated,
    months AS statement_months,
    period_end AS statement_period_end,
    received_date AS statement_received_date,
    DATE_DIFF('day', period_end, $as_of) AS statement_age_days
FROM measured
