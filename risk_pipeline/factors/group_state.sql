-- factor.group_state: the group of a customer, and the shares of both in all exposure (集团归属与集中度).
-- Grain: customer_id. A group is what its members call it: the group id, else the ultimate parent, under the id the parent's other
-- members give it, so that both spellings meet. The parent itself need not name the group. Intercompany accounts are members, but their
-- exposure is no portfolio's.
WITH master AS (
    SELECT
        s.customer_id,
        s.group_id,
        COALESCE(s.is_intercompany, FALSE) AS is_intercompany,
        NULLIF(c.ultimate_parent_id, '') AS ultimate_parent_id,
        COALESCE(c.ring_fenced, FALSE) AS ring_fenced,
        CASE WHEN s.is_intercompany THEN 0 ELSE GREATEST(e.total_exposure, 0) END AS exposure
    FROM factor.customer_state AS s
    INNER JOIN factor.exposure AS e ON s.customer_id = e.customer_id
    LEFT JOIN feed.customer AS c ON s.customer_id = c.customer_id
),
by_parent AS (
    SELECT ultimate_parent_id, COALESCE(MIN(group_id), ultimate_parent_id) AS group_key
    FROM master
    WHERE ultimate_parent_id IS NOT NULL
    GROUP BY ultimate_parent_id
),
by_id AS (
    SELECT DISTINCT group_id FROM master WHERE group_id IS NOT NULL
),
keyed AS (
    SELECT
        m.customer_id,
        m.ultimate_parent_id,
        m.ring_fenced,
        m.is_intercompany,
        m.exposure,
        COALESCE(m.group_id, p.group_key, o.group_key, i.group_id) AS group_key
    FROM master AS m
    LEFT JOIN by_parent AS p ON m.ultimate_parent_id = p.ultimate_parent_id
    LEFT JOIN by_parent AS o ON m.customer_id = o.ultimate_parent_id
    LEFT JOIN by_id AS i ON m.customer_id = i.group_id
),
together AS (
    SELECT group_key, COUNT(customer_id) AS members, SUM(exposure) AS exposure
    FROM keyed
    WHERE group_key IS NOT NULL
    GROUP BY group_key
),
named AS (
    SELECT group_key, ultimate_parent_id, COUNT(customer_id) AS times
    FROM keyed
    WHERE group_key IS NOT NULL AND ultimate_parent_id IS NOT NULL
    GROUP BY group_key, ultimate_parent_id
),
ranked AS (
    SELECT
        group_key,
        ultimate_parent_id,
        ROW_NUMBER() OVER (PARTITION BY group_key ORDER BY times DESC, ultimate_parent_id) AS place
    FROM named
),
parent AS (
    SELECT group_key, ultimate_parent_id FROM ranked WHERE place = 1
),
everybody AS (
    SELECT SUM(exposure) AS exposure FROM keyed
)
SELECT
    k.customer_id,
    k.group_key,
    COALESCE(p.ultimate_parent_id, h.customer_id) AS group_parent_id,
    t.members AS group_members,
    k.ring_fenced,
    CAST(t.exposure AS DECIMAL(18, 2)) AS group_exposure,
    CASE WHEN NOT k.is_intercompany THEN CAST(k.exposure AS DOUBLE) / NULLIF(CAST(a.exposure AS DOUBLE), 0) END AS exposure_share,
    CASE WHEN NOT k.is_intercompany THEN CAST(t.exposure AS DOUBLE) / NULLIF(CAST(a.exposure AS DOUBLE), 0) END AS group_exposure_share
FROM keyed AS k
CROSS JOIN everybody AS a
LEFT JOIN together AS t ON k.group_key = t.group_key
LEFT JOIN parent AS p ON k.group_key = p.group_key
LEFT JOIN factor.customer_state AS h ON k.group_key = h.customer_id
