-- Industry codes of the customers, made comparable, and what the policy says of each. Grain: industry_scheme + industry_code as the
-- customer master writes them; '' where it has no scheme.
-- `compact`: capitals, no dots, blanks or hyphens; `bare`: without a leading section letter too (C24.10 = 2410), so that a code finds
-- its wider industries by its first characters. A scheme with an edition (NACE Rev. 2) is read by the longest scheme of the policy
-- that it begins with. The longest prefix wins; of two of one length the riskier class.
WITH given AS (
    SELECT DISTINCT
        COALESCE(industry_scheme, '') AS industry_scheme,
        industry_code,
        UPPER(REPLACE(COALESCE(industry_scheme, ''), ' ', '')) AS scheme,
        UPPER(REPLACE(REPLACE(REPLACE(industry_code, '.', ''), ' ', ''), '-', '')) AS compact
    FROM factor.customer_state
    WHERE industry_code IS NOT NULL
),
code AS (
    SELECT
        industry_scheme,
        industry_code,
        scheme,
        compact,
        CASE
            WHEN SUBSTRING(compact, 1, 1) BETWEEN 'A' AND 'Z' AND SUBSTRING(compact, 2, 1) BETWEEN '0' AND '9'
                THEN SUBSTRING(compact, 2)
            ELSE compact
        END AS bare
    FROM given
    WHERE compact <> ''
),
named AS (
    SELECT
        'class' AS list,
        UPPER(REPLACE(industry_scheme, ' ', '')) AS scheme,
        prefix,
        UPPER(REPLACE(REPLACE(REPLACE(prefix, '.', ''), ' ', ''), '-', '')) AS compact,
        risk_class
    FROM policy.industry_class
    UNION ALL
    SELECT
        'finance' AS list,
        UPPER(REPLACE(industry_scheme, ' ', '')) AS scheme,
        prefix,
        UPPER(REPLACE(REPLACE(REPLACE(prefix, '.', ''), ' ', ''), '-', '')) AS compact,
        NULL AS risk_class
    FROM policy.finance_industry
),
entry AS (
    SELECT
        list,
        scheme,
        prefix,
        compact,
        CASE
            WHEN SUBSTRING(compact, 1, 1) BETWEEN 'A' AND 'Z' AND SUBSTRING(compact, 2, 1) BETWEEN '0' AND '9'
                THEN SUBSTRING(compact, 2)
            ELSE compact
        END AS bare,
        risk_class
    FROM named
),
read_as AS (
    SELECT
        c.industry_scheme,
        e.list,
        MAX(LENGTH(e.scheme)) AS scheme_length
    FROM (SELECT DISTINCT industry_scheme, scheme FROM code) AS c
    INNER JOIN (SELECT DISTINCT list, scheme FROM entry) AS e ON SUBSTRING(c.scheme, 1, LENGTH(e.scheme)) = e.scheme
    GROUP BY c.industry_scheme, e.list
),
matched AS (
    SELECT
        c.industry_scheme,
        c.industry_code,
        e.list,
        e.prefix,
        e.risk_class,
        ROW_NUMBER() OVER (
            PARTITION BY c.industry_scheme, c.industry_code, e.list ORDER BY LENGTH(e.bare) DESC, e.risk_class DESC, e.prefix
        ) AS place
    FROM code AS c
    INNER JOIN read_as AS r ON c.industry_scheme = r.industry_scheme
    INNER JOIN entry AS e
        ON
            r.list = e.list
            AND SUBSTRING(c.scheme, 1, r.scheme_length) = e.scheme
            AND (
                SUBSTRING(c.bare, 1, LENGTH(e.bare)) = e.bare
                OR SUBSTRING(c.compact, 1, LENGTH(e.compact)) = e.compact
            )
),
said AS (
    SELECT
        industry_scheme,
        industry_code,
        MAX(CASE WHEN list = 'class' THEN risk_class END) AS risk_class,
        MAX(CASE WHEN list = 'class' THEN prefix END) AS class_prefix,
        COUNT(CASE WHEN list = 'finance' THEN prefix END) > 0 AS is_finance
    FROM matched
    WHERE place = 1
    GROUP BY industry_scheme, industry_code
)
SELECT
    c.industry_scheme,
    c.industry_code,
    c.scheme,
    c.compact,
    c.bare,
    s.risk_class,
    s.class_prefix,
    COALESCE(s.is_finance, FALSE) AS is_finance
FROM code AS c
LEFT JOIN said AS s ON c.industry_scheme = s.industry_scheme AND c.industry_code = s.industry_code
