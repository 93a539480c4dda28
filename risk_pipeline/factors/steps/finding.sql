-- Findings about the customers, by what they say and about which case. Grain: finding_id, cleared ones left out.
-- fact: the kind of a confirmed finding, ownership_change for three of them; plaintiff when the customer itself sues (he who sues is
-- not litigious); unreviewed and sanction_unreviewed while nobody has said whether the customer is meant. Adverse facts on natural
-- persons lapse before $adverse_from; a ban, an office and what the register says today are no facts of the past and do not.
-- case_key: what several sources report once: a case by its number, a change by its day, a story by its case, event or text.
-- Amounts in reporting currency; one of 0 or less, of 10^14 or more, or without a rate is not known.
WITH customer AS (
    SELECT
        customer_id,
        COALESCE(natural_person, FALSE) OR COALESCE(legal_form, '') IN ('sole_trader', 'individual_business') AS is_person
    FROM factor.customer_state
),
reported AS (
    SELECT
        f.customer_id,
        f.finding_id,
        f.kind,
        CASE
            WHEN f.kind = 'sanction' AND f.review_state = 'confirmed' THEN 'sanction'
            WHEN f.kind = 'sanction' THEN 'sanction_unreviewed'
            WHEN COALESCE(f.review_state, 'unreviewed') = 'unreviewed' THEN 'unreviewed'
            WHEN f.role = 'plaintiff' AND f.kind <> 'pep' THEN 'plaintiff'
            WHEN f.kind IN ('legal_representative_change', 'shareholder_change', 'capital_reduction') THEN 'ownership_change'
            ELSE f.kind
        END AS fact,
        f.role,
        f.case_number,
        f.case_type,
        f.value_text,
        COALESCE(f.filed_by_us, FALSE) AS filed_by_us,
        f.severity,
        f.event_date,
        f.published_date,
        f.detail,
        f.resolved_date IS NULL AS is_open,
        COALESCE(f.outcome, '') IN ('withdrawn', '撤诉') AS is_withdrawn,
        CASE WHEN f.event_date < f.published_date THEN f.event_date ELSE f.published_date END AS changed_on,
        CASE WHEN f.amount > 0 AND CAST(f.amount AS DECIMAL(19, 2)) * fx.rate < 100000000000000 THEN
            CAST(CAST(f.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
        END AS amount
    FROM feed.due_diligence_finding AS f
    INNER JOIN customer AS c ON f.customer_id = c.customer_id
    LEFT JOIN step.fx AS fx ON f.currency = fx.currency
    WHERE
        COALESCE(f.review_state, 'unreviewed') <> 'cleared'
        AND (f.kind IN ('sanction', 'pep', 'registry_status') OR NOT c.is_person OR f.published_date >= $adverse_from)
)
SELECT
    customer_id,
    finding_id,
    kind,
    fact,
    role,
    case_type,
    value_text,
    filed_by_us,
    severity,
    published_date,
    is_open,
    is_withdrawn,
    amount,
    CASE
        WHEN fact = 'ownership_change' THEN CONCAT('day ', CAST(changed_on AS VARCHAR))
        WHEN case_number IS NOT NULL AND fact <> 'registry_status' THEN CONCAT('case ', case_number)
        WHEN fact = 'adverse_media' AND event_date IS NOT NULL THEN CONCAT('event ', CAST(event_date AS VARCHAR))
        WHEN fact = 'adverse_media' AND detail IS NOT NULL THEN CONCAT('text ', detail)
        ELSE CONCAT('finding ', finding_id)
    END AS case_key,
    changed_on
FROM reported
