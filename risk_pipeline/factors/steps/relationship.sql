-- Begin of the running relationship of each legal entity: its first invoice after the last gap of more than 24 months.
-- Grain: entity_id (legal_entity_id, else customer_id). A gap of more than 24 months holds a whole calendar year without invoices,
-- so first and last dates per year find every such gap. The gap before the as-of date restarts it too (begin NULL then).
WITH yearly AS (
    SELECT
        COALESCE(c.legal_entity_id, y.customer_id) AS entity_id,
        y.invoice_year,
        MIN(y.first_date) AS first_date,
        MAX(y.last_date) AS last_date
    FROM step.invoice_year AS y
    LEFT JOIN factor.customer_state AS c ON y.customer_id = c.customer_id
    GROUP BY COALESCE(c.legal_entity_id, y.customer_id), y.invoice_year
),
chained AS (
    SELECT
        entity_id,
        first_date,
        last_date,
        LAG(last_date) OVER (PARTITION BY entity_id ORDER BY invoice_year) AS previous_date
    FROM yearly
),
started AS (
    SELECT
        entity_id,
        MIN(first_date) AS first_ever,
        MAX(
            CASE WHEN previous_date IS NULL OR first_date > CAST(previous_date + INTERVAL (24) MONTH AS DATE) THEN first_date END
        ) AS begin_date,
        MAX(last_date) AS last_date
    FROM chained
    GROUP BY entity_id
)
SELECT
    entity_id,
    first_ever,
    begin_date,
    last_date
FROM started
