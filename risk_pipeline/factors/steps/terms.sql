-- Payment terms as intervals: each version of a terms code is valid until the next one begins.
-- Grain: terms_code + valid_from. valid_until is exclusive, NULL for the newest version.
SELECT
    terms_code,
    valid_from,
    LEAD(valid_from) OVER (PARTITION BY terms_code ORDER BY valid_from) AS valid_until,
    baseline,
    net_days
FROM feed.payment_terms
