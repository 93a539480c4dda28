-- Every receivable item seen on the as-of date, with the due date the rules give it and the rate of its currency.
-- Grain: invoice_id. due_date: as delivered; else baseline + net_days of the terms valid at the invoice date; else
-- invoice date + contracted days of the customer; else the invoice date itself. due_date_source says which.
-- Read in ranges of buckets (customers), so that memory does not grow with the ledger.
-- is_sale: opening balances and interest are owed, yet were not sold. clear_kind is 'unknown' where a clearing says nothing.
-- Advance-payment requests are no receivable and are left out here, once for all tables.
SELECT
    i.row_id,
    i.invoice_id,
    i.customer_id,
    COALESCE(i.company_code, '') AS company_code,
    i.currency,
    COALESCE(i.doc_type, 'invoice') AS doc_type,
    COALESCE(i.doc_type, 'invoice') IN ('invoice', 'debit_note', 'instalment', 'retention') AS is_sale,
    i.factored,
    i.invoice_date,
    i.original_due_date,
    COALESCE(
        i.due_date,
        CAST(
            COALESCE(
                i.baseline_date,
                CASE t.baseline WHEN 'posting' THEN i.posting_date WHEN 'month_end' THEN LAST_DAY(i.invoice_date) END,
                i.invoice_date
            ) + INTERVAL (t.net_days) DAY AS DATE
        ),
        CAST(i.invoice_date + INTERVAL (c.contracted_terms_days) DAY AS DATE),
        i.invoice_date
    ) AS due_date,
    CASE
        WHEN i.due_date IS NOT NULL THEN 'given'
        WHEN t.net_days IS NOT NULL THEN 'terms'
        WHEN c.contracted_terms_days IS NOT NULL THEN 'contracted'
        ELSE 'invoice_date'
    END AS due_date_source,
    i.amount,
    i.cleared_date,
    CASE WHEN i.cleared_date IS NOT NULL THEN COALESCE(i.clear_kind, 'unknown') END AS clear_kind,
    fx.rate AS fx_rate
FROM feed.invoice AS i
LEFT JOIN step.fx AS fx ON i.currency = fx.currency
LEFT JOIN step.terms AS t
    ON
        i.due_date IS NULL
        AND i.terms_code = t.terms_code
        AND i.invoice_date >= t.valid_from
        AND (t.valid_until IS NULL OR i.invoice_date < t.valid_until)
LEFT JOIN factor.customer_state AS c ON i.due_date IS NULL AND i.customer_id = c.customer_id
WHERE i.bucket BETWEEN $bucket_from AND $bucket_to AND COALESCE(i.doc_type, 'invoice') <> 'advance_request'
