-- factor.exposure: what each customer owes and may come to owe on the as-of date, in reporting currency.
-- Grain: customer_id. Aging holds gross open amounts by days past due, before offset and disputes. overdue is undisputed, after
-- offset. max_dpd_material is the largest d with sum(overdue with dpd >= d) >= max(materiality, share of open exposure), 0 if none;
-- residuals do not count for it. total_exposure = sum of component x policy weight, never below 0 per company code and currency.
WITH item AS (
    SELECT
        customer_id,
        SUM(open_amount_reporting) AS open_exposure,
        SUM(CASE WHEN aging_bucket = 'not_due' THEN open_amount_reporting ELSE 0 END) AS aging_not_due,
        SUM(CASE WHEN aging_bucket = '1_30' THEN open_amount_reporting ELSE 0 END) AS aging_1_30,
        SUM(CASE WHEN aging_bucket = '31_60' THEN open_amount_reporting ELSE 0 END) AS aging_31_60,
        SUM(CASE WHEN aging_bucket = '61_90' THEN open_amount_reporting ELSE 0 END) AS aging_61_90,
        SUM(CASE WHEN aging_bucket = 'over_90' THEN open_amount_reporting ELSE 0 END) AS aging_over_90,
        SUM(CASE WHEN days_past_due > 0 THEN open_amount_reporting ELSE 0 END) AS overdue_gross,
        SUM(overdue_amount_reporting) AS overdue,
        SUM(
            CASE
                WHEN open_amount > 0
                    THEN CAST(CAST(open_amount - shielded_amount - offset_amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2))
                ELSE 0
            END
        ) AS undisputed_open,
        SUM(CAST(CAST(disputed_amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2))) AS disputed_open,
        MAX(CASE WHEN open_amount > 0 AND days_past_due > 0 AND NOT residual THEN days_past_due END) AS max_days_past_due,
        COUNT(invoice_id) AS n_open_invoices,
        COUNT(CASE WHEN overdue_amount > 0 THEN invoice_id END) AS n_overdue_invoices
    FROM factor.open_item
    GROUP BY customer_id
),
aged AS (
    SELECT
        o.customer_id,
        o.days_past_due,
        SUM(o.overdue_amount_reporting) OVER (
            PARTITION BY o.customer_id ORDER BY o.days_past_due DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS overdue_at_least,
        GREATEST(
            CASE WHEN COALESCE(c.natural_person, FALSE) THEN $materiality_natural_person ELSE $materiality_abs END,
            CAST(i.open_exposure * $materiality_share AS DECIMAL(18, 2))
        ) AS threshold
    FROM factor.open_item AS o
    INNER JOIN item AS i ON o.customer_id = i.customer_id
    INNER JOIN factor.customer_state AS c ON o.customer_id = c.customer_id
    WHERE o.overdue_amount > 0 AND NOT o.residual
),
material AS (
    SELECT customer_id, MAX(days_past_due) AS max_dpd_material
    FROM aged
    WHERE overdue_at_least >= threshold
    GROUP BY customer_id
),
place AS (
    SELECT
        customer_id,
        company_code,
        currency,
        SUM(CASE WHEN component = 'open_items' THEN amount ELSE 0 END) AS open_items,
        SUM(CASE WHEN component = 'unapplied_cash' THEN amount ELSE 0 END) AS unapplied_cash,
        SUM(CASE WHEN component = 'unapplied_credits' THEN amount ELSE 0 END) AS unapplied_credits,
        SUM(CASE WHEN component = 'bills_in_hand_commercial' THEN amount ELSE 0 END) AS bills_in_hand_commercial,
        SUM(CASE WHEN component = 'bills_in_hand_bank' THEN amount ELSE 0 END) AS bills_in_hand_bank,
        SUM(
            CASE WHEN component = 'discounted_or_endorsed_with_recourse' THEN amount ELSE 0 END
        ) AS discounted_or_endorsed_with_recourse,
        SUM(CASE WHEN component = 'factored_with_recourse' THEN amount ELSE 0 END) AS factored_with_recourse,
        SUM(CASE WHEN component = 'factored_without_recourse' THEN amount ELSE 0 END) AS factored_without_recourse,
        SUM(CASE WHEN component = 'retention' THEN amount ELSE 0 END) AS retention,
        SUM(CASE WHEN component = 'advance_payments_received' THEN amount ELSE 0 END) AS advance_payments_received,
        SUM(CASE WHEN component = 'delivered_not_invoiced' THEN amount ELSE 0 END) AS delivered_not_invoiced,
        SUM(CASE WHEN component = 'open_orders_near' THEN amount ELSE 0 END) AS open_orders_near,
        SUM(CASE WHEN component = 'open_orders_far' THEN amount ELSE 0 END) AS open_orders_far
    FROM step.exposure_component
    GROUP BY customer_id, company_code, currency
),
component AS (
    SELECT
        customer_id,
        SUM(unapplied_cash) AS unapplied_cash,
        SUM(unapplied_credits) AS unapplied_credits,
        SUM(bills_in_hand_commercial) AS bills_in_hand_commercial,
        SUM(bills_in_hand_bank) AS bills_in_hand_bank,
        SUM(discounted_or_endorsed_with_recourse) AS discounted_or_endorsed_with_recourse,
        SUM(factored_with_recourse) AS factored_with_recourse,
        SUM(factored_without_recourse) AS factored_without_recourse,
        SUM(retention) AS retention,
        SUM(advance_payments_received) AS advance_payments_received,
        SUM(delivered_not_invoiced) AS delivered_not_invoiced,
        SUM(open_orders_near + open_orders_far) AS open_orders,
        SUM(
            GREATEST(
                CAST(
                    open_items * $weight_open_items
                    + unapplied_cash * $weight_unapplied_cash
                    + unapplied_credits * $weight_unapplied_credits
                    + bills_in_hand_commercial * $weight_bills_in_hand_commercial
                    + bills_in_hand_bank * $weight_bills_in_hand_bank
                    + discounted_or_endorsed_with_recourse * $weight_discounted_or_endorsed_with_recourse
                    + factored_with_recourse * $weight_factored_with_recourse
                    + factored_without_recourse * $weight_factored_without_recourse
                    + retention * $weight_retention
                    + advance_payments_received * $weight_advance_payments_received
                    + delivered_not_invoiced * $weight_delivered_not_invoiced
                    + open_orders_near * $weight_open_orders_near
                    AS DECIMAL(18, 2)
                ),
                0
            )
        ) AS total_exposure
    FROM place
    GROUP BY customer_id
)
SELECT
    c.customer_id,
    $reporting_currency AS currency,
    COALESCE(i.open_exposure, 0) AS open_exposure,
    COALESCE(i.aging_not_due, 0) AS aging_not_due,
    COALESCE(i.aging_1_30, 0) AS aging_1_30,
    COALESCE(i.aging_31_60, 0) AS aging_31_60,
    COALESCE(i.aging_61_90, 0) AS aging_61_90,
    COALESCE(i.aging_over_90, 0) AS aging_over_90,
    COALESCE(i.overdue_gross, 0) AS overdue_gross,
    COALESCE(i.overdue, 0) AS overdue,
    COALESCE(i.undisputed_open, 0) AS undisputed_open,
    COALESCE(i.disputed_open, 0) AS disputed_open,
    COALESCE(i.max_days_past_due, 0) AS max_days_past_due,
    COALESCE(m.max_dpd_material, 0) AS max_dpd_material,
    COALESCE(p.unapplied_cash, 0) AS unapplied_cash,
    COALESCE(p.unapplied_credits, 0) AS unapplied_credits,
    COALESCE(p.bills_in_hand_commercial, 0) AS bills_in_hand_commercial,
    COALESCE(p.bills_in_hand_bank, 0) AS bills_in_hand_bank,
    COALESCE(p.discounted_or_endorsed_with_recourse, 0) AS discounted_or_endorsed_with_recourse,
    COALESCE(p.factored_with_recourse, 0) AS factored_with_recourse,
    COALESCE(p.factored_without_recourse, 0) AS factored_without_recourse,
    COALESCE(p.retention, 0) AS retention,
    COALESCE(p.advance_payments_received, 0) AS advance_payments_received,
    COALESCE(p.delivered_not_invoiced, 0) AS delivered_not_invoiced,
    COALESCE(p.open_orders, 0) AS open_orders,
    COALESCE(p.total_exposure, 0) AS total_exposure,
    COALESCE(i.n_open_invoices, 0) AS n_open_invoices,
    COALESCE(i.n_overdue_invoices, 0) AS n_overdue_invoices
FROM factor.customer_state AS c
LEFT JOIN item AS i ON c.customer_id = i.customer_id
LEFT JOIN material AS m ON c.customer_id = m.customer_id
LEFT JOIN component AS p ON c.customer_id = p.customer_id
