-- What the CRM tells of each customer: contacts, complaints and changes of its data, counted over windows of days and months.
-- Grain: customer_id. n days = (as_of - n, as_of]. Two-way: a visit, a call not known to be unanswered, an e-mail that was
-- answered or came from the customer; a mass mail is none. Complaints that turned out to be right speak against us and do not
-- count.
WITH crm_day AS (
    SELECT
        customer_id,
        event_date,
        MAX(CASE WHEN kind = 'contact_change' THEN 1 ELSE 0 END) AS contact_changed,
        MAX(CASE WHEN kind = 'address_change' THEN 1 ELSE 0 END) AS address_changed,
        COUNT(CASE WHEN kind = 'bank_account_change' THEN event_id END) AS n_bank_changes,
        COUNT(CASE WHEN kind = 'complaint' AND NOT COALESCE(upheld, FALSE) THEN event_id END) AS n_complaints,
        COUNT(
            CASE WHEN kind IN ('visit', 'call', 'email') AND NOT COALESCE(mass_mail, FALSE) THEN event_id END
        ) AS n_interactions,
        MAX(
            CASE
                WHEN COALESCE(mass_mail, FALSE) THEN 0
                WHEN kind = 'visit' OR (kind = 'call' AND COALESCE(answered, TRUE)) THEN 1
                WHEN kind = 'email' AND (COALESCE(answered, FALSE) OR direction = 'in') THEN 1
                ELSE 0
            END
        ) AS two_way
    FROM feed.crm_event
    GROUP BY customer_id, event_date
),
crm_aged AS (
    SELECT
        customer_id,
        event_date,
        contact_changed,
        address_changed,
        n_bank_changes,
        n_complaints,
        n_interactions,
        two_way,
        DATE_DIFF('day', event_date, $as_of) AS age
    FROM crm_day
)
SELECT
    customer_id,
    SUM(CASE WHEN age < 90 THEN GREATEST(contact_changed, address_changed) ELSE 0 END) AS n_changes_90d,
    SUM(CASE WHEN age < 30 THEN contact_changed ELSE 0 END) AS n_contact_30d,
    SUM(CASE WHEN age < 90 THEN contact_changed ELSE 0 END) AS n_contact_90d,
    SUM(CASE WHEN age < 180 THEN contact_changed ELSE 0 END) AS n_contact_180d,
    SUM(CASE WHEN age < 30 THEN address_changed ELSE 0 END) AS n_address_30d,
    SUM(CASE WHEN age < 90 THEN address_changed ELSE 0 END) AS n_address_90d,
    SUM(CASE WHEN age < 180 THEN address_changed ELSE 0 END) AS n_address_180d,
    SUM(CASE WHEN age < 30 THEN n_bank_changes ELSE 0 END) AS n_bank_30d,
    SUM(CASE WHEN age < 90 THEN n_bank_changes ELSE 0 END) AS n_bank_90d,
    SUM(CASE WHEN age < 180 THEN n_bank_changes ELSE 0 END) AS n_bank_180d,
    SUM(CASE WHEN age < 90 THEN n_interactions ELSE 0 END) AS n_interactions_90d,
    SUM(CASE WHEN age < 90 THEN n_complaints ELSE 0 END) AS n_complaints_90d,
    SUM(CASE WHEN age >= 90 AND age < 360 THEN n_complaints ELSE 0 END) AS n_complaints_before_90d,
    SUM(CASE WHEN event_date > $m12 THEN n_complaints ELSE 0 END) AS n_complaints_12m,
    SUM(CASE WHEN event_date > $m6 THEN n_complaints ELSE 0 END) AS n_complaints_6m,
    MAX(CASE WHEN two_way = 1 THEN event_date END) AS last_contact_date,
    MIN(event_date) AS first_event_date,
    MAX(event_date) AS last_event_date
FROM crm_aged
GROUP BY customer_id
