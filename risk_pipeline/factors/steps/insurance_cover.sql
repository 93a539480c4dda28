-- What each credit insurer last decided on a customer. Grain: customer_id, insurer (a missing name is one insurer).
-- A claim ends the cover of what is delivered later, until the insurer decides anew. withdrawn_on: the day the newest decision took
-- cover away: cancelled, refused after it had been given, or less than before.
WITH decided AS (
    SELECT
        cover_id,
        customer_id,
        insurer,
        decided_date,
        decision,
        amount,
        currency,
        cover_pct,
        max_terms_days,
        max_extension_days,
        valid_to,
        cancelled_on,
        MAX(claim_filed_date) OVER (PARTITION BY customer_id, insurer) AS claim_filed_date,
        LAG(decision) OVER (PARTITION BY customer_id, insurer ORDER BY decided_date, cover_id) AS decision_before,
        LAG(amount) OVER (PARTITION BY customer_id, insurer ORDER BY decided_date, cover_id) AS amount_before,
        LAG(currency) OVER (PARTITION BY customer_id, insurer ORDER BY decided_date, cover_id) AS currency_before,
        ROW_NUMBER() OVER (PARTITION BY customer_id, insurer ORDER BY decided_date DESC, cover_id DESC) AS place
    FROM feed.insurance_limit
)
SELECT
    cover_id,
    customer_id,
    insurer,
    decided_date,
    currency,
    amount,
    cover_pct,
    max_terms_days,
    max_extension_days,
    valid_to,
    decision IN ('approved', 'partly', 'reduced') AND cancelled_on IS NULL AS covers,
    COALESCE(claim_filed_date >= decided_date, FALSE) AS claim_filed,
    COALESCE(
        cancelled_on,
        CASE
            WHEN decision IN ('reduced', 'cancelled') THEN decided_date
            WHEN decision = 'refused' AND decision_before IN ('approved', 'partly', 'reduced') THEN decided_date
            WHEN currency = currency_before AND amount < amount_before THEN decided_date
        END
    ) AS withdrawn_on
FROM decided
WHERE place = 1
