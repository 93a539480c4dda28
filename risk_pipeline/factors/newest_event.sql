-- factor.newest_event: the newest event of each kind that an early warning tells of, and how long ago it was (预警事件).
-- Grain: customer_id. _days = as_of - the day; NULL = there was none, or no feed tells of it. Money in reporting currency at the
-- rate of the as-of date. Findings as in factor.due_diligence: confirmed, each case once; a suit of unknown amount counts
-- evidence.minor_claim.
WITH bank_change AS (
    SELECT customer_id, MAX(event_date) AS changed_on
    FROM feed.crm_event
    WHERE kind = 'bank_account_change'
    GROUP BY customer_id
),
found AS (
    SELECT
        customer_id,
        MAX(CASE WHEN suit_type IN (1, 4) THEN claimed_date END) AS sued_on,
        MAX(
            CASE WHEN fact IN ('judgment_debtor', 'equity_freeze', 'consumption_restriction') THEN open_published_date END
        ) AS enforced_on,
        MAX(CASE WHEN fact = 'ownership_change' THEN changed_on END) AS control_changed_on
    FROM step.finding_case
    GROUP BY customer_id
),
suit AS (
    SELECT k.customer_id, CAST(SUM(COALESCE(k.open_amount, $minor_claim)) AS DECIMAL(18, 2)) AS amount
    FROM step.finding_case AS k
    INNER JOIN found AS f ON k.customer_id = f.customer_id AND k.claimed_date = f.sued_on
    WHERE k.suit_type IN (1, 4)
    GROUP BY k.customer_id
),
unapplied AS (
    SELECT customer_id, MIN(unapplied_since) AS since FROM step.unapplied GROUP BY customer_id
),
dispute AS (
    SELECT customer_id, MIN(opened_date) AS since FROM step.disputed_item WHERE resolved_date IS NULL GROUP BY customer_id
),
bounced AS (
    SELECT customer_id, status_date AS dishonoured_on FROM feed.payment WHERE status IN ('returned', 'reversed')
    UNION ALL
    SELECT customer_id, outcome_date AS dishonoured_on FROM feed.bill WHERE outcome = 'dishonoured'
),
dishonour AS (
    SELECT customer_id, MAX(dishonoured_on) AS dishonoured_on FROM bounced GROUP BY customer_id
),
gathered AS (
    SELECT
        c.customer_id,
        CASE
            WHEN b.changed_on IS NULL OR p.new_account_on > b.changed_on THEN p.new_account_on
            ELSE b.changed_on
        END AS bank_account_changed_on,
        CAST(o.largest_30d AS DECIMAL(18, 2)) AS largest_order_30d,
        f.sued_on AS lawsuit_newest_on,
        s.amount AS lawsuit_newest_amount,
        f.enforced_on AS enforcement_newest_on,
        f.control_changed_on,
        u.since AS unapplied_since,
        d.since AS dispute_since,
        h.dishonoured_on
    FROM factor.customer_state AS c
    LEFT JOIN bank_change AS b ON c.customer_id = b.customer_id
    LEFT JOIN step.payment_habit AS p ON c.customer_id = p.customer_id
    LEFT JOIN step.order_history AS o ON c.customer_id = o.customer_id
    LEFT JOIN found AS f ON c.customer_id = f.customer_id
    LEFT JOIN suit AS s ON c.customer_id = s.customer_id
    LEFT JOIN unapplied AS u ON c.customer_id = u.customer_id
    LEFT JOIN dispute AS d ON c.customer_id = d.customer_id
    LEFT JOIN dishonour AS h ON c.customer_id = h.customer_id
)
SELECT
    customer_id,
    bank_account_changed_on,
    DATE_DIFF('day', bank_account_changed_on, $as_of) AS bank_account_changed_days,
    largest_order_30d,
    lawsuit_newest_on,
    DATE_DIFF('day', lawsuit_newest_on, $as_of) AS lawsuit_newest_days,
    lawsuit_newest_amount,
    enforcement_newest_on,
    DATE_DIFF('day', enforcement_newest_on, $as_of) AS enforcement_newest_days,
    control_changed_on,
    DATE_DIFF('day', control_changed_on, $as_of) AS control_changed_days,
    unapplied_since,
    DATE_DIFF('day', unapplied_since, $as_of) AS unapplied_days,
    dispute_since,
    DATE_DIFF('day', dispute_since, $as_of) AS dispute_days,
    dishonoured_on,
    DATE_DIFF('day', dishonoured_on, $as_of) AS dishonoured_days
FROM gathered
