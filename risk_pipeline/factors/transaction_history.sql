-- factor.transaction_history: how each customer has paid, disputed and bought (历史交易记录).
-- Grain: customer_id. Formulas and sources: catalogue.yaml. NULL = not known (no such feed, or the feed does not say); a special
-- code in <factor>_code says why a factor has no value. Money in reporting currency at the rate of the as-of date.
-- evidence_date is the newest event of the whole ledger: a quiet customer in a current ledger is no stale evidence.
WITH overdue AS (
    SELECT
        customer_id,
        SUM(overdue_amount_reporting) AS amount,
        SUM(CASE WHEN days_past_due > $grace_days THEN overdue_amount_reporting * days_past_due ELSE 0 END) AS late
    FROM factor.open_item
    WHERE overdue_amount > 0
    GROUP BY customer_id
),
loss_part AS (
    SELECT
        w.customer_id,
        w.write_off_date > $m3 AS recent,
        CAST(CAST(w.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2)) AS amount,
        CASE WHEN i.days_late > $grace_days THEN i.days_late ELSE 0 END AS late_days
    FROM feed.write_off AS w
    INNER JOIN step.fx AS fx ON w.currency = fx.currency
    LEFT JOIN step.loss_item AS i ON w.write_off_id = i.write_off_id
    WHERE w.reason = 'uncollectible' AND w.write_off_date > $m12
),
loss AS (
    SELECT
        customer_id,
        SUM(amount) AS amount_12m,
        SUM(CASE WHEN recent THEN amount ELSE 0 END) AS amount_3m,
        SUM(amount * late_days) AS late_12m,
        SUM(CASE WHEN recent THEN amount * late_days ELSE 0 END) AS late_3m
    FROM loss_part
    GROUP BY customer_id
),
payment AS (
    SELECT
        customer_id,
        MAX(payment_date) AS last_payment_date,
        COUNT(CASE WHEN payment_date > $m12 AND method IN ('transfer', 'cash', 'card') THEN payment_id END) AS n_cannot_bounce,
        COUNT(CASE WHEN payment_date > $m12 THEN payment_id END) AS n_12m,
        COUNT(CASE WHEN status IN ('returned', 'reversed') AND status_date > $m12 THEN payment_id END) AS n_returned_12m,
        COUNT(CASE WHEN status IN ('returned', 'reversed') AND status_date > $m6 THEN payment_id END) AS n_returned_6m
    FROM feed.payment
    GROUP BY customer_id
),
dishonoured_bill AS (
    SELECT
        customer_id,
        COUNT(bill_id) AS n_12m,
        COUNT(CASE WHEN outcome_date > $m6 THEN bill_id END) AS n_6m
    FROM feed.bill
    WHERE outcome = 'dishonoured' AND outcome_date > $m12
    GROUP BY customer_id
),
dilution AS (
    SELECT n.customer_id, SUM(CAST(CAST(n.amount AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))) AS amount
    FROM feed.credit_note AS n
    INNER JOIN step.fx AS fx ON n.currency = fx.currency
    WHERE n.credit_date > $m12 AND COALESCE(n.reason, 'other') NOT IN ('rebate', 'cash_discount')
    GROUP BY n.customer_id
),
dispute AS (
    SELECT
        d.customer_id,
        COUNT(CASE WHEN d.resolved_date IS NULL THEN d.dispute_id END) AS n_open,
        COUNT(CASE WHEN d.resolved_date > $m12 AND d.outcome IS NULL THEN d.dispute_id END) AS n_outcome_unknown,
        SUM(
            CASE
                WHEN d.resolved_date > $m12 AND d.outcome = 'customer_pays'
                    THEN CAST(CAST(COALESCE(d.amount, i.invoice_amount) AS DECIMAL(19, 2)) * fx.rate AS DECIMAL(18, 2))
                ELSE 0
            END
        ) AS unfounded
    FROM feed.dispute AS d
    INNER JOIN step.fx AS fx ON d.currency = fx.currency
    LEFT JOIN step.disputed_item AS i ON d.dispute_id = i.dispute_id
    GROUP BY d.customer_id
),
disputed_invoice AS (
    SELECT
        customer_id,
        row_id,
        LEAST(SUM(COALESCE(disputed_amount, invoice_amount)), MAX(invoice_amount)) AS amount,
        MAX(fx_rate) AS fx_rate
    FROM step.disputed_item
    WHERE is_sale AND invoice_date > $m12
    GROUP BY customer_id, row_id
),
disputed AS (
    SELECT
        customer_id,
        COUNT(row_id) AS n_invoices,
        SUM(CAST(CAST(amount AS DECIMAL(19, 2)) * fx_rate AS DECIMAL(18, 2))) AS amount
    FROM disputed_invoice
    GROUP BY customer_id
),
fact AS (
    SELECT
        c.customer_id,
        f.ledger_newest_date AS evidence_date,
        f.status_told AS status_known,
        e.open_exposure,
        e.overdue,
        e.undisputed_open,
        e.n_open_invoices,
        e.max_dpd_material,
        i.first_invoice_date,
        i.last_invoice_date,
        i.months_since_first_invoice,
        COALESCE(i.sales_months, 3) AS sales_months,
        GREATEST(y.last_payment_date, h.last_paid_date) AS last_payment_date,
        COALESCE(i.n_invoices_12m, 0) AS n_invoices_12m,
        COALESCE(h.n_12m, 0) AS n_applications_12m,
        COALESCE(h.n_3m, 0) AS n_applications_3m,
        COALESCE(h.paid_12m, 0) AS paid_12m,
        COALESCE(h.paid_3m, 0) AS paid_3m,
        COALESCE(h.late_12m, 0) AS late_12m,
        COALESCE(h.late_3m, 0) AS late_3m,
        h.floored_12m,
        h.signed_12m,
        COALESCE(o.amount, 0) AS overdue_amount,
        COALESCE(o.late, 0) AS overdue_late,
        COALESCE(w.amount_12m, 0) AS loss_12m,
        COALESCE(w.amount_3m, 0) AS loss_3m,
        COALESCE(w.late_12m, 0) AS loss_late_12m,
        COALESCE(w.late_3m, 0) AS loss_late_3m,
        COALESCE(i.invoiced_12m, 0) AS invoiced_12m,
        i.n_timed,
        i.n_on_time,
        i.timed_amount,
        i.on_time_amount,
        COALESCE(i.unknown_clearing_12m, 0) AS unknown_clearing_12m,
        y.n_12m AS n_payments_12m,
        y.n_cannot_bounce,
        COALESCE(y.n_returned_12m, 0) + COALESCE(b.n_12m, 0) AS n_dishonoured_12m,
        COALESCE(y.n_returned_6m, 0) + COALESCE(b.n_6m, 0) AS n_dishonoured_6m,
        COALESCE(dl.amount, 0) AS dilution,
        COALESCE(di.n_open, 0) AS n_open_disputes,
        COALESCE(di.n_outcome_unknown, 0) AS n_outcome_unknown,
        COALESCE(di.unfounded, 0) AS unfounded,
        COALESCE(dd.n_invoices, 0) AS n_disputed_invoices,
        COALESCE(dd.amount, 0) AS disputed_amount,
        CASE
            WHEN r.last_date <= $m24 THEN $as_of
            WHEN r.begin_date = r.first_ever THEN LEAST(r.begin_date, COALESCE(c.onboarded_date, r.begin_date))
            ELSE COALESCE(r.begin_date, c.onboarded_date)
        END AS relationship_begin,
        r.entity_id IS NULL AS no_invoice_ever,
        CAST(COALESCE(s.s1, 0) AS DECIMAL(18, 2)) AS s1,
        CAST(COALESCE(s.s2, 0) AS DECIMAL(18, 2)) AS s2,
        CAST(COALESCE(s.s3, 0) AS DECIMAL(18, 2)) AS s3,
        CAST(COALESCE(s.s4, 0) AS DECIMAL(18, 2)) AS s4,
        CAST(COALESCE(s.s5, 0) AS DECIMAL(18, 2)) AS s5,
        CAST(COALESCE(s.s6, 0) AS DECIMAL(18, 2)) AS s6,
        CAST(COALESCE(s.s7, 0) AS DECIMAL(18, 2)) AS s7,
        CAST(COALESCE(s.s8, 0) AS DECIMAL(18, 2)) AS s8,
        CAST(COALESCE(s.s9, 0) AS DECIMAL(18, 2)) AS s9,
        CAST(COALESCE(s.s10, 0) AS DECIMAL(18, 2)) AS s10,
        CAST(COALESCE(s.s11, 0) AS DECIMAL(18, 2)) AS s11,
        CAST(COALESCE(s.s12, 0) AS DECIMAL(18, 2)) AS s12,
        COALESCE(s.sales_dso, 0) AS sales_dso
    FROM factor.customer_state AS c
    INNER JOIN factor.exposure AS e ON c.customer_id = e.customer_id
    CROSS JOIN step.reach AS f
    LEFT JOIN step.item_history AS i ON c.customer_id = i.customer_id
    LEFT JOIN step.paid_history AS h ON c.customer_id = h.customer_id
    LEFT JOIN step.sales AS s ON c.customer_id = s.customer_id
    LEFT JOIN step.relationship AS r ON COALESCE(c.legal_entity_id, c.customer_id) = r.entity_id
    LEFT JOIN overdue AS o ON c.customer_id = o.customer_id
    LEFT JOIN loss AS w ON c.customer_id = w.customer_id
    LEFT JOIN payment AS y ON c.customer_id = y.customer_id
    LEFT JOIN dishonoured_bill AS b ON c.customer_id = b.customer_id
    LEFT JOIN dilution AS dl ON c.customer_id = dl.customer_id
    LEFT JOIN dispute AS di ON c.customer_id = di.customer_id
    LEFT JOIN disputed AS dd ON c.customer_id = dd.customer_id
),
measured AS (
    SELECT
        customer_id,
        evidence_date,
        open_exposure,
        overdue,
        undisputed_open,
        n_open_invoices,
        max_dpd_material,
        first_invoice_date,
        last_invoice_date,
        months_since_first_invoice,
        sales_months,
        last_payment_date,
        n_invoices_12m,
        n_applications_12m,
        n_applications_3m,
        paid_12m,
        paid_3m,
        late_12m,
        late_3m,
        floored_12m,
        signed_12m,
        overdue_amount,
        overdue_late,
        loss_12m,
        loss_3m,
        loss_late_12m,
        loss_late_3m,
        invoiced_12m,
        n_timed,
        n_on_time,
        timed_amount,
        on_time_amount,
        unknown_clearing_12m,
        n_payments_12m,
        n_cannot_bounce,
        n_dishonoured_12m,
        n_dishonoured_6m,
        status_known,
        dilution,
        n_open_disputes,
        n_outcome_unknown,
        unfounded,
        n_disputed_invoices,
        disputed_amount,
        no_invoice_ever,
        sales_dso,
        s1 + s2 + s3 AS sales_3m,
        s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11 + s12 AS sales_12m,
        CAST(
            s1 * s1 + s2 * s2 + s3 * s3 + s4 * s4 + s5 * s5 + s6 * s6
            + s7 * s7 + s8 * s8 + s9 * s9 + s10 * s10 + s11 * s11 + s12 * s12 AS DOUBLE
        ) AS squares_12m,
        (EXTRACT(YEAR FROM $as_of) - EXTRACT(YEAR FROM relationship_begin)) * 12
        + EXTRACT(MONTH FROM $as_of) - EXTRACT(MONTH FROM relationship_begin)
        - CASE
            WHEN EXTRACT(DAY FROM relationship_begin) > EXTRACT(DAY FROM $as_of) AND $as_of <> LAST_DAY($as_of) THEN 1 ELSE 0
        END AS relationship_months
    FROM fact
)
SELECT
    m.customer_id,
    m.evidence_date,
    CASE
        WHEN m.n_invoices_12m > 0 OR m.paid_12m + m.loss_12m + m.overdue_amount > 0
            THEN
                CAST(m.late_12m + m.loss_late_12m + m.overdue_late AS DOUBLE)
                / CAST(NULLIF(m.paid_12m + m.loss_12m + m.overdue_amount, 0) AS DOUBLE)
    END AS wavg_days_late_incl_open_12m,
    CASE
        WHEN m.n_invoices_12m = 0 AND m.paid_12m + m.loss_12m + m.overdue_amount <= 0 THEN 'no_invoice_in_window'
    END AS wavg_days_late_incl_open_12m_code,
    CASE WHEN m.undisputed_open > 0 THEN CAST(m.overdue AS DOUBLE) / CAST(m.undisputed_open AS DOUBLE) END AS overdue_ratio,
    CASE WHEN m.undisputed_open <= 0 THEN 'no_open_items' END AS overdue_ratio_code,
    CASE WHEN m.n_open_invoices > 0 THEN m.max_dpd_material END AS max_dpd_material,
    CASE WHEN m.n_open_invoices = 0 THEN 'no_open_items' END AS max_dpd_material_code,
    CASE
        WHEN m.n_applications_3m >= 3 AND m.n_applications_12m - m.n_applications_3m >= 3
            THEN
                CAST(m.late_3m + m.loss_late_3m + m.overdue_late AS DOUBLE)
                / CAST(NULLIF(m.paid_3m + m.loss_3m + m.overdue_amount, 0) AS DOUBLE)
                - CAST(m.late_12m - m.late_3m AS DOUBLE) / CAST(NULLIF(m.paid_12m - m.paid_3m, 0) AS DOUBLE)
    END AS days_late_trend_3v9,
    CASE
        WHEN m.n_applications_3m < 3 OR m.n_applications_12m - m.n_applications_3m < 3 THEN 'too_few_payments'
    END AS days_late_trend_3v9_code,
    CASE
        WHEN m.n_dishonoured_12m > 0 OR (m.status_known AND m.n_payments_12m > m.n_cannot_bounce) THEN m.n_dishonoured_12m
    END AS dishonoured_payments_12m,
    CASE
        WHEN m.n_dishonoured_12m = 0 AND m.n_payments_12m > 0 AND m.n_payments_12m = m.n_cannot_bounce THEN 'method_cannot_bounce'
    END AS dishonoured_payments_12m_code,
    CASE
        WHEN $has_credit_note AND m.invoiced_12m > 0 THEN CAST(m.dilution AS DOUBLE) / CAST(m.invoiced_12m AS DOUBLE)
    END AS dilution_ratio_12m,
    CASE WHEN m.invoiced_12m <= 0 THEN 'no_invoice_in_window' END AS dilution_ratio_12m_code,
    CASE
        WHEN $has_dispute AND m.n_outcome_unknown = 0 AND m.invoiced_12m > 0
            THEN CAST(m.unfounded AS DOUBLE) / CAST(m.invoiced_12m AS DOUBLE)
    END AS unfounded_dispute_ratio_12m,
    CASE WHEN m.invoiced_12m <= 0 THEN 'no_invoice_in_window' END AS unfounded_dispute_ratio_12m_code,
    CASE WHEN NOT m.no_invoice_ever THEN m.relationship_months END AS relationship_months,
    CASE WHEN m.no_invoice_ever THEN 'no_invoice_ever' END AS relationship_months_code,
    CAST(m.floored_12m AS DOUBLE) / CAST(NULLIF(m.paid_12m, 0) AS DOUBLE) AS wavg_days_late_12m,
    CAST(m.signed_12m AS DOUBLE) / CAST(NULLIF(m.paid_12m, 0) AS DOUBLE) AS wavg_days_late_signed_12m,
    CAST(m.n_on_time AS DOUBLE) / CAST(NULLIF(m.n_timed, 0) AS DOUBLE) AS on_time_ratio_12m,
    CAST(m.on_time_amount AS DOUBLE) / CAST(NULLIF(m.timed_amount, 0) AS DOUBLE) AS on_time_amount_ratio_12m,
    CASE
        WHEN $has_dispute THEN CAST(m.n_disputed_invoices AS DOUBLE) / CAST(NULLIF(m.n_invoices_12m, 0) AS DOUBLE)
    END AS dispute_ratio_12m,
    CASE
        WHEN $has_dispute THEN CAST(m.disputed_amount AS DOUBLE) / CAST(NULLIF(m.invoiced_12m, 0) AS DOUBLE)
    END AS dispute_amount_ratio_12m,
    CASE
        WHEN m.sales_dso > 0 THEN CAST(m.open_exposure AS DOUBLE) / CAST(m.sales_dso AS DOUBLE) * $dso_days
    END AS dso_days,
    CAST(m.sales_3m AS DECIMAL(18, 2)) AS sales_3m,
    CAST(m.sales_12m AS DECIMAL(18, 2)) AS sales_12m,
    CASE
        WHEN m.n_invoices_12m > 0
            THEN
                CAST(
                    CAST(FLOOR(CAST(m.sales_3m AS DOUBLE) * 100 / CAST(3 AS DOUBLE) + 0.5) AS BIGINT)
                    * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2)
                )
    END AS avg_monthly_sales_3m,
    CASE
        WHEN m.n_invoices_12m > 0
            THEN
                CAST(
                    CAST(
                        FLOOR(CAST(m.sales_12m AS DOUBLE) * 100 / CAST(NULLIF(m.sales_months, 0) AS DOUBLE) + 0.5) AS BIGINT
                    ) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2)
                )
    END AS avg_monthly_sales_12m,
    CASE
        WHEN m.sales_12m > 0
            THEN
                SQRT(
                    CAST(
                        GREATEST(
                            m.sales_months * m.squares_12m - CAST(m.sales_12m AS DOUBLE) * CAST(m.sales_12m AS DOUBLE), 0
                        ) AS DOUBLE
                    )
                    / CAST(NULLIF(m.sales_months * (m.sales_months - 1), 0) AS DOUBLE)
                )
                / (CAST(m.sales_12m AS DOUBLE) / CAST(NULLIF(m.sales_months, 0) AS DOUBLE))
    END AS sales_volatility_12m,
    m.n_invoices_12m,
    m.n_applications_12m,
    m.first_invoice_date,
    m.last_invoice_date,
    m.last_payment_date,
    m.months_since_first_invoice,
    CASE WHEN m.n_dishonoured_6m > 0 OR m.status_known THEN m.n_dishonoured_6m END AS dishonoured_payments_6m,
    CAST(m.loss_12m AS DECIMAL(18, 2)) AS uncollectible_written_off_12m,
    m.n_open_disputes,
    CAST(m.unknown_clearing_12m AS DECIMAL(18, 2)) AS unknown_clearing_12m
FROM measured AS m
