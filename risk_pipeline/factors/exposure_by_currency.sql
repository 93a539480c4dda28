-- factor.exposure_by_currency: billed, reduced and open by company code and currency, beside unapplied money: what the
-- reconciliation adds up. Grain: customer_id + company_code + currency; document currency.
WITH place AS (
    SELECT customer_id, company_code, currency FROM step.currency_position
    UNION
    SELECT customer_id, company_code, currency FROM step.unapplied
)
SELECT
    p.customer_id,
    p.company_code,
    p.currency,
    COALESCE(c.n_items, 0) AS n_items,
    COALESCE(c.billed, 0) AS billed,
    COALESCE(c.applied, 0) AS applied,
    COALESCE(c.set_off, 0) AS set_off,
    COALESCE(c.credited, 0) AS credited,
    COALESCE(c.discounts, 0) AS discounts,
    COALESCE(c.written_off, 0) AS written_off,
    COALESCE(c.fx_difference, 0) AS fx_difference,
    COALESCE(c.open_amount, 0) AS open_amount,
    COALESCE(u.unapplied_cash, 0) AS unapplied_cash,
    COALESCE(u.unapplied_credits, 0) AS unapplied_credits,
    COALESCE(u.advance_payments_received, 0) AS advance_payments_received,
    fx.rate AS fx_rate
FROM place AS p
LEFT JOIN step.currency_position AS c
    ON p.customer_id = c.customer_id AND p.company_code = c.company_code AND p.currency = c.currency
LEFT JOIN step.unapplied AS u
    ON p.customer_id = u.customer_id AND p.company_code = u.company_code AND p.currency = u.currency
INNER JOIN step.fx AS fx ON p.currency = fx.currency
