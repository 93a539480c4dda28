-- First and last invoice date of each customer in each calendar year. Grain: customer_id + invoice_year.
SELECT
    customer_id,
    EXTRACT(YEAR FROM invoice_date) AS invoice_year,
    MIN(invoice_date) AS first_date,
    MAX(invoice_date) AS last_date
FROM step.position
GROUP BY customer_id, EXTRACT(YEAR FROM invoice_date)
