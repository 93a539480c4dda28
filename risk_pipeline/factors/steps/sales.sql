-- Monthly sales of each customer over W(12) in rolling months back from the as-of date, in reporting currency.
-- Grain: customer_id. Sales = invoices - credit notes except cash discount, gross of tax; opening balances, interest and
-- advance-payment requests are no sales. s1 is the newest month.
WITH sale AS (
    SELECT
        customer_id,
        invoice_date AS sold_date,
        amount_reporting AS amount
    FROM step.position
    WHERE is_sale AND invoice_date > $m12
    UNION ALL
    SELECT
        n.customer_id,
        n.credit_date AS sold_date,
        -CAST(CAST(n.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS amount
    FROM feed.credit_note AS n
    INNER JOIN step.fx AS fx ON n.currency = fx.currency
    WHERE
        n.bucket BETWEEN $bucket_from AND $bucket_to
        AND COALESCE(n.reason, 'other') <> 'cash_discount'
        AND n.credit_date > $m12
)
SELECT
    customer_id,
    SUM(CASE WHEN sold_date > $m1 THEN amount ELSE 0 END) AS s1,
    SUM(CASE WHEN sold_date > $m2 AND sold_date <= $m1 THEN amount ELSE 0 END) AS s2,
    SUM(CASE WHEN sold_date > $m3 AND sold_date <= $m2 THEN amount ELSE 0 END) AS s3,
    SUM(CASE WHEN sold_date > $m4 AND sold_date <= $m3 THEN amount ELSE 0 END) AS s4,
    SUM(CASE WHEN sold_date > $m5 AND sold_date <= $m4 THEN amount ELSE 0 END) AS s5,
    SUM(CASE WHEN sold_date > $m6 AND sold_date <= $m5 THEN amount ELSE 0 END) AS s6,
    SUM(CASE WHEN sold_date > $m7 AND sold_date <= $m6 THEN amount ELSE 0 END) AS s7,
    SUM(CASE WHEN sold_date > $m8 AND sold_date <= $m7 THEN amount ELSE 0 END) AS s8,
    SUM(CASE WHEN sold_date > $m9 AND sold_date <= $m8 THEN amount ELSE 0 END) AS s9,
    SUM(CASE WHEN sold_date > $m10 AND sold_date <= $m9 THEN amount ELSE 0 END) AS s10,
    SUM(CASE WHEN sold_date > $m11 AND sold_date <= $m10 THEN amount ELSE 0 END) AS s11,
    SUM(CASE WHEN sold_date <= $m11 THEN amount ELSE 0 END) AS s12,
    SUM(CASE WHEN sold_date > $dso_from THEN amount ELSE 0 END) AS sales_dso
FROM sale
GROUP BY customer_id
