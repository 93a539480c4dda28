-- Industry codes of the customers, made comparable: capitals, no dots, blanks or hyphens; `bare` has no leading section letter either
-- (C24.10 = 2410), so that a code finds its wider industries by its first characters. Grain: industry_scheme + industry_code as the
-- customer master writes them; '' where it has no scheme.
WITH given AS (
    SELECT DISTINCT
        COALESCE(industry_scheme, '') AS industry_scheme,
        industry_code,
        UPPER(REPLACE(REPLACE(REPLACE(industry_code, '.', ''), ' ', ''), '-', '')) AS compact
    FROM factor.customer_state
    WHERE industry_code IS NOT NULL
)
SELECT
    industry_scheme,
    industry_code,
    UPPER(REPLACE(industry_scheme, ' ', '')) AS scheme,
    compact,
    CASE
        WHEN SUBSTRING(compact, 1, 1) BETWEEN 'A' AND 'Z' AND SUBSTRING(compact, 2, 1) BETWEEN '0' AND '9' THEN SUBSTRING(compact, 2)
        ELSE compact
    END AS bare
FROM given
WHERE compact <> ''
