-- What each customer was billed and how it went, by company code and currency: the sums behind the reconciliation.
-- Grain: customer_id + company_code + currency; document currency.
SELECT
    customer_id,
    company_code,
    currency,
    COUNT(row_id) AS n_items,
    CAST(SUM(amount) AS DECIMAL(18, 2)) AS billed,
    CAST(SUM(applied) AS DECIMAL(18, 2)) AS applied,
    CAST(SUM(set_off) AS DECIMAL(18, 2)) AS set_off,
    CAST(SUM(credited) AS DECIMAL(18, 2)) AS credited,
    CAST(SUM(discounts) AS DECIMAL(18, 2)) AS discounts,
    CAST(SUM(written_off) AS DECIMAL(18, 2)) AS written_off,
    CAST(SUM(fx_difference) AS DECIMAL(18, 2)) AS fx_difference,
    CAST(SUM(open_amount) AS DECIMAL(18, 2)) AS open_amount
FROM step.position
GROUP BY customer_id, company_code, currency
