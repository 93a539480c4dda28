"""The canonical feeds: those of the ledger, the union with all others, and the columns the feed store adds to each.

Put here: which columns a feed has, its key, its visible-from date (`event_date`), outcome columns and what hides them.
Keep out: what a column means (fields_ledger.py), evidence about customers (feed_evidence.py), lists that belong to no
customer (feed_reference.py), rules between columns (rules.py), where a feed comes from (the workspace's feeds/*.yaml).
Outcome columns (`masked`) are NULL in an as-of view while the date they name is later than the as-of date.
"""

from __future__ import annotations

from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.contracts.feed_people import PEOPLE_TABLES
from risk_pipeline.contracts.feed_reference import REFERENCE_TABLES
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

LEDGER_TABLES: tuple[Table, ...] = (
    Table(
        layer="feed",
        name="customer",
        grain="one row per customer and version",
        owner="master_data",
        en="Customer master: who the customer is, how it is grouped, what was agreed with it",
        zh="客户主数据：主体身份、集团归属及约定条件",
        key=("customer_id",),
        event_date="effective_from",
        columns=columns(
            "customer_id effective_from name registration_number registration_scheme lei legal_form established_date"
            " ownership_type natural_person country_code region industry_code industry_scheme size_class segment"
            " legal_entity_id group_id ultimate_parent_id payer_id is_intercompany is_one_time is_public_body is_listed"
            " is_project_business ring_fenced credit_currency home_currency operating_country_code account_manager"
            " contracted_terms_days onboarded_date consent_date consent_state address phone email contact_name",
            values={"size_class": "micro small medium large"},
        ),
    ),
    Table(
        layer="feed",
        name="sales_order",
        grain="one row per order",
        owner="sales",
        en="Sales orders, open and done",
        zh="销售订单（含未结与已结）",
        key=("order_id",),
        event_date="order_date",
        columns=columns(
            "order_id customer_id order_date planned_delivery_date amount delivered_not_invoiced currency fulfilled_date"
            " cancelled_date",
            required="customer_id order_date amount currency",
            masked={"fulfilled_date": "fulfilled_date", "cancelled_date": "cancelled_date"},
            current_only="delivered_not_invoiced",
        ),
    ),
    Table(
        layer="feed",
        name="invoice",
        grain="one row per invoice item",
        owner="accounts_receivable",
        en="Invoices and other debit documents of the receivables ledger; reversals are negative",
        zh="应收账款发票及其他借方单据；冲销单据金额为负",
        key=("invoice_id",),
        event_date="invoice_date",
        columns=columns(
            "invoice_id customer_id payer_id company_code doc_type invoice_date posting_date entry_date baseline_date"
            " terms_code due_date original_due_date amount tax_amount currency order_id reverses_invoice_id factored"
            " delivery_channel cleared_date clear_kind clearing_document",
            required="customer_id invoice_date amount currency",
            values={
                "doc_type": "invoice debit_note instalment retention advance_request interest opening_balance",
                "factored": "none with_recourse without_recourse",
                "clear_kind": "payment credit_note write_off set_off bill reversal unknown",
            },
            masked={
                "cleared_date": "cleared_date",
                "clear_kind": "cleared_date",
                "clearing_document": "cleared_date",
            },
        ),
    ),
    Table(
        layer="feed",
        name="payment",
        grain="one row per incoming payment",
        owner="accounts_receivable",
        en="Money received, by bank value date, and what became of it",
        zh="收款（按银行起息日）及其后续状态",
        key=("payment_id",),
        event_date="payment_date",
        columns=columns(
            "payment_id customer_id payer_id company_code payment_date entry_date amount currency method payer_account"
            " is_advance invoice_id status status_date",
            required="customer_id payment_date amount currency",
            values={
                "method": "transfer direct_debit cheque card cash bill other",
                "status": "booked returned reversed",
            },
            masked={"status": "status_date", "status_date": "status_date"},
        ),
    ),
    Table(
        layer="feed",
        name="payment_application",
        grain="one row per settlement applied to an invoice",
        owner="accounts_receivable",
        en="Which payment, credit note, bill or set-off settled which invoice, and by how much",
        zh="核销明细：哪笔收款、贷项、票据或抵销结清了哪张发票及其金额",
        key=("application_id",),
        event_date="applied_date",
        columns=columns(
            "application_id payment_id credit_note_id bill_id invoice_id customer_id applied_date value_date amount"
            " discount_amount currency kind reversed_date",
            required="customer_id applied_date amount currency kind",
            values={"kind": "cash bill matured_bill set_off credit_note write_off fx_difference"},
            masked={"reversed_date": "reversed_date"},
        ),
    ),
    Table(
        layer="feed",
        name="credit_note",
        grain="one row per credit note",
        owner="accounts_receivable",
        en="Credit notes; one without an invoice and without applications is an unapplied credit",
        zh="贷项通知；既无发票号又无核销记录者为未核销贷项",
        key=("credit_note_id",),
        event_date="credit_date",
        columns=columns(
            "credit_note_id customer_id company_code credit_date amount currency invoice_id reason",
            required="customer_id credit_date amount currency",
            values={"reason": "return dispute rebate price_correction cash_discount goodwill other"},
        ),
    ),
    Table(
        layer="feed",
        name="write_off",
        grain="one row per write-off",
        owner="accounts_receivable",
        en="Receivables written off",
        zh="应收账款坏账核销",
        key=("write_off_id",),
        event_date="write_off_date",
        columns=columns(
            "write_off_id customer_id invoice_id write_off_date amount currency reason",
            required="customer_id write_off_date amount currency",
            values={"reason": "uncollectible small_difference goodwill"},
        ),
    ),
    Table(
        layer="feed",
        name="dispute",
        grain="one row per dispute",
        owner="accounts_receivable",
        en="Invoices the customer disputes, with the disputed part; without an amount the whole open item is disputed",
        zh="客户争议及争议金额；未列金额时整笔未清项视为有争议",
        key=("dispute_id",),
        event_date="opened_date",
        columns=columns(
            "dispute_id customer_id invoice_id opened_date amount currency reason resolved_date outcome settled_amount",
            required="customer_id opened_date currency",
            values={"outcome": "customer_pays credit_granted partly withdrawn"},
            masked={"resolved_date": "resolved_date", "outcome": "resolved_date", "settled_amount": "resolved_date"},
        ),
    ),
    Table(
        layer="feed",
        name="bill",
        grain="one row per bill of exchange",
        owner="treasury",
        en="Bills of exchange received: accepted by a bank or by a company, and their fate",
        zh="收到的承兑汇票（银行承兑或商业承兑）及其结果",
        key=("bill_id",),
        event_date="received_date",
        columns=columns(
            "bill_id customer_id kind received_date maturity_date amount currency acceptor_name acceptor_id recourse"
            " discounted_date endorsed_date outcome outcome_date",
            required="customer_id received_date amount currency",
            values={"kind": "bank commercial", "outcome": "honoured dishonoured"},
            masked={
                "discounted_date": "discounted_date",
                "endorsed_date": "endorsed_date",
                "outcome": "outcome_date",
                "outcome_date": "outcome_date",
            },
        ),
    ),
    Table(
        layer="feed",
        name="instalment_plan",
        grain="one row per instalment plan",
        owner="accounts_receivable",
        en="Instalment plans granted, for convenience or because the customer could not pay",
        zh="分期还款计划（便利安排或因无力支付）",
        key=("plan_id",),
        event_date="agreed_date",
        columns=columns(
            "plan_id customer_id agreed_date reason broken_date",
            required="customer_id agreed_date",
            values={"reason": "convenience distressed"},
            masked={"broken_date": "broken_date"},
        ),
    ),
    Table(
        layer="feed",
        name="instalment_line",
        grain="one row per instalment of a plan",
        owner="accounts_receivable",
        en="Instalments of a plan, visible with the plan, in the currency of the invoice",
        zh="分期计划的各期明细，随计划可见（以发票币种计）",
        key=("plan_id", "line"),
        money_in="invoice",
        columns=columns("plan_id line invoice_id due_date amount", required="due_date amount"),
    ),
    Table(
        layer="feed",
        name="payment_terms",
        grain="one row per terms code and start of validity",
        owner="accounts_receivable",
        en="Payment terms: when an invoice under these terms falls due",
        zh="付款条件：账期与到期日规则",
        key=("terms_code", "valid_from"),
        event_date="valid_from",
        columns=columns(
            "terms_code valid_from baseline net_days fixed_day discount_days discount_pct",
            values={"baseline": "invoice posting delivery month_end receipt"},
        ),
    ),
    Table(
        layer="feed",
        name="credit_request",
        grain="one row per credit request",
        owner="sales",
        en="Requests for a credit limit or for terms, and how they were decided",
        zh="授信申请及审批结果",
        key=("request_id",),
        event_date="requested_date",
        columns=columns(
            "request_id customer_id requested_date requested_limit requested_terms_days expected_monthly_sales currency"
            " decided_date decision",
            required="customer_id requested_date currency",
            masked={"decided_date": "decided_date", "decision": "decided_date"},
        ),
    ),
    Table(
        layer="feed",
        name="control_total",
        grain="one row per feed, measure, date, currency and customer",
        owner="accounts_receivable",
        en="Totals the source system states, to be compared with what was ingested; an empty currency counts rows of all"
        " currencies, an empty customer means the whole ledger",
        zh="来源系统提供的控制总数，用于与入库数据核对；币种为空表示不分币种的行数，客户为空表示整个账簿",
        key=("feed", "measure", "control_date", "currency", "customer_id"),
        event_date="control_date",
        columns=columns(
            "feed measure control_date currency customer_id value",
            required="value",
            values={"measure": "row_count amount_sum open_balance"},
            absent={"currency": "", "customer_id": ""},
        ),
    ),
    Table(
        layer="feed",
        name="fx_rate",
        grain="one row per currency and day",
        owner="treasury",
        en="Exchange rates against the euro",
        zh="对欧元汇率",
        key=("currency", "rate_date"),
        event_date="rate_date",
        columns=columns("currency rate_date rate", required="rate"),
    ),
)

FEED_TABLES: tuple[Table, ...] = (*LEDGER_TABLES, *EVIDENCE_TABLES, *REFERENCE_TABLES, *PEOPLE_TABLES)

# What the feed store adds to every row of every feed; known_to is filled by compaction only, origin_row_id in copies only.
STORE_COLUMNS = columns(
    "row_id row_hash bucket source_file source_line delivery_id known_from known_assumed known_to origin_row_id",
    required="row_id row_hash bucket source_file source_line delivery_id known_from known_assumed",
)
