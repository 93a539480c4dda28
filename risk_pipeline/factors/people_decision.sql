-- factor.people_decision: what people decided about each customer and what of it is in force. Grain: customer_id.
-- A verdict counts from its day and from when it was known; until then the request waits. An approval counts when another person
-- gave it, in a role that approves such a thing; how much a role may grant depends on the tier and is asked later. Of one kind the
-- newest approval counts. Days are inclusive; the policy shortens what it would not allow today, in steps and in days.
WITH said AS (
    SELECT
        o.customer_id,
        o.override_id,
        o.override_kind,
        o.requested_on,
        o.verdict_on,
        o.decided_role,
        o.valid_from,
        CASE WHEN o.verdict_on <= $as_of THEN COALESCE(o.verdict, 'requested') ELSE 'requested' END AS standing,
        GREATEST(LEAST(o.notches, $notch_up_most), -$notch_down_most) AS steps,
        CASE WHEN o.amount >= 0 AND CAST(o.amount AS DECIMAL(19, 2)) * fx.rate < 100000000000000 THEN
            CAST(CAST(o.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS amount,
        LEAST(
            o.valid_to,
            CASE
                WHEN o.override_kind = 'limit' THEN CAST(o.valid_from + INTERVAL ($manual_days) DAY AS DATE)
                WHEN o.override_kind = 'temporary_limit' THEN CAST(o.valid_from + INTERVAL ($temporary_days) DAY AS DATE)
                WHEN o.override_kind = 'hold_release' THEN CAST(o.valid_from + INTERVAL ($release_days) DAY AS DATE)
                WHEN o.notches > 0 THEN CAST(o.valid_from + INTERVAL ($notch_up_days) DAY AS DATE)
                ELSE CAST(o.valid_from + INTERVAL ($notch_down_days) DAY AS DATE)
            END
        ) AS last_day,
        CASE
            WHEN o.decided_by IS NULL THEN 'approver_unknown'
            WHEN LOWER(TRIM(o.decided_by)) = LOWER(TRIM(o.requested_by)) THEN 'self_approval'
            WHEN n.role IS NOT NULL THEN 'role_never_approves'
            WHEN a.role IS NULL THEN 'role_not_authorised'
            WHEN o.override_kind = 'notch' AND o.notches > 0 AND NOT a.notches_up THEN 'role_not_authorised'
            WHEN o.override_kind = 'notch' AND o.notches < 0 AND NOT a.notches_down THEN 'role_not_authorised'
            WHEN o.override_kind = 'hold_release' AND NOT a.releases THEN 'role_not_authorised'
        END AS violation,
        a.releases_again
    FROM feed.override AS o
    LEFT JOIN step.fx AS fx ON o.currency = fx.currency
    LEFT JOIN policy.approver AS a ON o.decided_role = a.role
    LEFT JOIN policy.never_approves AS n ON o.decided_role = n.role
),
release AS (
    SELECT
        customer_id,
        override_id,
        LAG(verdict_on) OVER (PARTITION BY customer_id ORDER BY verdict_on, override_id) AS released_before
    FROM said
    WHERE override_kind = 'hold_release' AND standing = 'approved' AND violation IS NULL
),
override AS (
    SELECT
        s.customer_id,
        s.override_id,
        s.override_kind,
        s.requested_on,
        s.verdict_on,
        s.decided_role,
        s.valid_from,
        s.standing,
        s.steps,
        s.amount,
        s.last_day,
        CASE
            WHEN s.violation IS NOT NULL THEN s.violation
            WHEN NOT s.releases_again AND DATE_DIFF('day', r.released_before, s.verdict_on) < $release_again_days THEN 'released_lately'
        END AS violation
    FROM said AS s
    LEFT JOIN release AS r ON s.customer_id = r.customer_id AND s.override_id = r.override_id
),
granted AS (
    SELECT
        customer_id,
        override_id,
        override_kind,
        steps,
        amount,
        decided_role,
        last_day,
        ROW_NUMBER() OVER (
            PARTITION BY customer_id, override_kind
            ORDER BY verdict_on DESC, requested_on DESC, override_id DESC
        ) AS newest
    FROM override
    WHERE standing = 'approved' AND violation IS NULL AND valid_from <= $as_of AND last_day >= $as_of
),
in_force AS (
    SELECT
        customer_id,
        MAX(CASE WHEN override_kind = 'notch' THEN steps END) AS notch_steps,
        MAX(CASE WHEN override_kind = 'notch' THEN override_id END) AS notch_id,
        MAX(CASE WHEN override_kind = 'notch' THEN last_day END) AS notch_expires_on,
        MAX(CASE WHEN override_kind = 'limit' THEN amount END) AS manual_limit,
        MAX(CASE WHEN override_kind = 'limit' THEN override_id END) AS manual_limit_id,
        MAX(CASE WHEN override_kind = 'limit' THEN decided_role END) AS manual_limit_role,
        MAX(CASE WHEN override_kind = 'limit' THEN last_day END) AS manual_limit_expires_on,
        MAX(CASE WHEN override_kind = 'temporary_limit' THEN amount END) AS temporary_limit,
        MAX(CASE WHEN override_kind = 'temporary_limit' THEN override_id END) AS temporary_limit_id,
        MAX(CASE WHEN override_kind = 'temporary_limit' THEN decided_role END) AS temporary_limit_role,
        MAX(CASE WHEN override_kind = 'temporary_limit' THEN last_day END) AS temporary_limit_until,
        MAX(CASE WHEN override_kind = 'hold_release' THEN override_id END) AS hold_release_id,
        MAX(CASE WHEN override_kind = 'hold_release' THEN last_day END) AS hold_release_until,
        MIN(CASE WHEN override_kind <> 'hold_release' THEN last_day END) AS first_end
    FROM granted
    WHERE newest = 1
    GROUP BY customer_id
),
lapsed AS (
    SELECT
        o.customer_id,
        o.override_id,
        o.last_day,
        ROW_NUMBER() OVER (PARTITION BY o.customer_id ORDER BY o.last_day DESC, o.override_id DESC) AS newest
    FROM override AS o
    LEFT JOIN granted AS g ON o.customer_id = g.customer_id AND o.override_kind = g.override_kind AND g.newest = 1
    WHERE
        o.standing = 'approved'
        AND o.violation IS NULL
        AND o.last_day < $as_of
        AND g.customer_id IS NULL
),
waiting AS (
    SELECT
        customer_id,
        override_id,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY requested_on, override_id) AS oldest
    FROM override
    WHERE standing = 'requested' AND last_day >= $as_of
),
turned_down AS (
    SELECT
        customer_id,
        override_id,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY verdict_on DESC, override_id DESC) AS newest
    FROM override
    WHERE standing = 'rejected' AND last_day >= $as_of
),
on_limit AS (
    SELECT
        l.customer_id,
        l.limit_decision_id,
        l.verdict,
        l.decided_role,
        l.verdict_on,
        CASE WHEN l.amount >= 0 AND CAST(l.amount AS DECIMAL(19, 2)) * fx.rate < 100000000000000 THEN
            CAST(CAST(l.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS amount,
        CASE
            WHEN n.role IS NOT NULL THEN 'role_never_approves'
            WHEN a.role IS NULL THEN 'role_not_authorised'
        END AS violation
    FROM feed.limit_decision AS l
    LEFT JOIN step.fx AS fx ON l.currency = fx.currency
    LEFT JOIN policy.approver AS a ON l.decided_role = a.role
    LEFT JOIN policy.never_approves AS n ON l.decided_role = n.role
    WHERE DATE_DIFF('day', l.verdict_on, $as_of) <= $verdict_days
),
limit_verdict AS (
    SELECT
        customer_id,
        verdict,
        amount,
        decided_role,
        verdict_on,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY verdict_on DESC, limit_decision_id DESC) AS newest
    FROM on_limit
    WHERE violation IS NULL AND amount IS NOT NULL
),
of_state AS (
    SELECT
        s.customer_id,
        s.state_decision_id,
        s.proposed_state,
        s.requested_on,
        s.verdict_on,
        s.decided_role,
        CASE WHEN s.verdict_on <= $as_of THEN COALESCE(s.verdict, 'requested') ELSE 'requested' END AS standing,
        CASE
            WHEN s.decided_by IS NULL THEN 'approver_unknown'
            WHEN LOWER(TRIM(s.decided_by)) = LOWER(TRIM(s.requested_by)) THEN 'self_approval'
            WHEN n.role IS NOT NULL THEN 'role_never_approves'
            WHEN a.role IS NULL THEN 'role_not_authorised'
        END AS violation
    FROM feed.customer_state_decision AS s
    LEFT JOIN policy.approver AS a ON s.decided_role = a.role
    LEFT JOIN policy.never_approves AS n ON s.decided_role = n.role
),
state_verdict AS (
    SELECT
        customer_id,
        standing,
        proposed_state,
        decided_role,
        verdict_on,
        ROW_NUMBER() OVER (PARTITION BY customer_id, standing ORDER BY verdict_on DESC, state_decision_id DESC) AS newest
    FROM of_state
    WHERE standing IN ('approved', 'rejected') AND violation IS NULL
),
state_said AS (
    SELECT
        customer_id,
        MAX(CASE WHEN standing = 'approved' THEN proposed_state END) AS approved,
        MAX(CASE WHEN standing = 'approved' THEN verdict_on END) AS approved_on,
        MAX(CASE WHEN standing = 'approved' THEN decided_role END) AS approved_role,
        MAX(CASE WHEN standing = 'rejected' THEN proposed_state END) AS rejected,
        MAX(CASE WHEN standing = 'rejected' THEN verdict_on END) AS rejected_on,
        MAX(CASE WHEN standing = 'rejected' THEN decided_role END) AS rejected_role
    FROM state_verdict
    WHERE newest = 1
    GROUP BY customer_id
),
state_waiting AS (
    SELECT
        customer_id,
        proposed_state,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY requested_on, state_decision_id) AS oldest
    FROM of_state
    WHERE standing = 'requested'
),
wrong AS (
    SELECT customer_id, override_id AS decision_id, violation, verdict_on
    FROM override
    WHERE standing = 'approved' AND violation IS NOT NULL AND last_day >= $as_of
    UNION ALL
    SELECT customer_id, limit_decision_id AS decision_id, violation, verdict_on
    FROM on_limit
    WHERE violation IS NOT NULL
    UNION ALL
    SELECT customer_id, state_decision_id AS decision_id, violation, verdict_on
    FROM of_state
    WHERE
        standing IN ('approved', 'rejected')
        AND violation IS NOT NULL
        AND DATE_DIFF('day', verdict_on, $as_of) <= $verdict_days
),
violation AS (
    SELECT
        customer_id,
        decision_id,
        violation,
        ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY verdict_on DESC, decision_id DESC) AS newest
    FROM wrong
)
SELECT
    c.customer_id,
    CASE WHEN f.notch_steps <> 0 THEN f.notch_steps END AS notch_steps,
    f.notch_id,
    f.notch_expires_on,
    f.manual_limit,
    f.manual_limit_id,
    f.manual_limit_role,
    f.manual_limit_expires_on,
    f.temporary_limit,
    f.temporary_limit_id,
    f.temporary_limit_role,
    f.temporary_limit_until,
    f.hold_release_id,
    f.hold_release_until,
    CASE WHEN v.verdict = 'approved' THEN v.amount END AS limit_approved,
    CASE WHEN v.verdict = 'approved' THEN v.decided_role END AS limit_approved_role,
    CASE WHEN v.verdict IS NOT NULL THEN v.verdict = 'rejected' END AS limit_rejected,
    CASE WHEN v.verdict = 'rejected' THEN v.amount END AS limit_rejected_from,
    v.verdict_on AS limit_verdict_on,
    s.approved AS state_decision,
    s.approved_on AS state_decision_on,
    s.approved_role AS state_decision_role,
    s.rejected AS state_rejected,
    s.rejected_on AS state_rejected_on,
    s.rejected_role AS state_rejected_role,
    sw.proposed_state AS state_pending,
    w.override_id AS override_pending,
    t.override_id AS override_rejected,
    b.violation AS override_violation,
    b.decision_id AS override_violation_id,
    l.last_day AS override_lapsed_on,
    l.override_id AS override_lapsed_id,
    DATE_DIFF('day', $as_of, f.first_end) AS override_days_left
FROM factor.customer_state AS c
LEFT JOIN in_force AS f ON c.customer_id = f.customer_id
LEFT JOIN limit_verdict AS v ON c.customer_id = v.customer_id AND v.newest = 1
LEFT JOIN state_said AS s ON c.customer_id = s.customer_id
LEFT JOIN state_waiting AS sw ON c.customer_id = sw.customer_id AND sw.oldest = 1
LEFT JOIN waiting AS w ON c.customer_id = w.customer_id AND w.oldest = 1
LEFT JOIN turned_down AS t ON c.customer_id = t.customer_id AND t.newest = 1
LEFT JOIN violation AS b ON c.customer_id = b.customer_id AND b.newest = 1
LEFT JOIN lapsed AS l ON c.customer_id = l.customer_id AND l.newest = 1
