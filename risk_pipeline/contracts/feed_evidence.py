"""The evidence feeds: what others, and we ourselves, report about a customer beside the ledger.

Put here: which columns such a feed has, its key, its visible-from date (`event_date`), outcome columns and what hides them.
Keep out: what a column means (fields_evidence.py), the ledger (feed.py), lists that belong to no customer (feed_reference.py),
rules between columns (rules.py).

A row is visible from the day we had it (a statement from `received_date`, not from the end of its period), so that no run
uses what nobody knew. A review is knowledge about a finding: a run sees it from when it was known here; where that is only
assumed (a loaded history), from `reviewed_date`.
"""

from __future__ import annotations

from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

EVIDENCE_TABLES: tuple[Table, ...] = (
    Table(
        layer="feed",
        name="bureau_report",
        grain="one row per report of a credit bureau",
        owner="credit_risk",
        en="Reports of credit bureaus, requests without a hit included",
        zh="征信机构报告（含未查得的查询）",
        key=("report_id",),
        event_date="retrieved_date",
        columns=columns(
            "report_id customer_id bureau report_date retrieved_date hit_state score score_min score_max higher_is_better"
            " bureau_rating delinquencies_12m defaults_36m inquiries_6m total_borrowing recommended_limit currency",
            required="customer_id bureau retrieved_date hit_state",
            values={"hit_state": "hit no_hit error"},
        ),
    ),
    Table(
        layer="feed",
        name="trade_reference",
        grain="one row per reference of a supplier or bank",
        owner="credit_risk",
        en="References of other suppliers and of banks: how the customer pays there",
        zh="同业供应商及银行资信证明：客户在该处的付款情况",
        key=("reference_id",),
        event_date="reported_date",
        columns=columns(
            "reference_id customer_id reported_date source_kind source_name self_named high_credit past_due payment_rating"
            " currency",
            required="customer_id reported_date",
            values={"source_kind": "supplier bank"},
        ),
    ),
    Table(
        layer="feed",
        name="financial_statement",
        grain="one row per financial statement",
        owner="credit_risk",
        en="Financial statements of customers; flows are year to date over `months`, amounts in single units",
        zh="客户财务报表；流量科目为年初至期末累计，金额以元等单位计",
        key=("statement_id",),
        event_date="received_date",
        columns=columns(
            "statement_id customer_id received_date published_date period_end months statement_kind consolidated gaap unit"
            " currency audit_opinion current_assets inventory receivables cash total_assets current_liabilities payables"
            " short_term_debt total_liabilities equity intangible_assets retained_earnings surplus_reserve revenue ebit"
            " depreciation interest_expense net_income operating_cash_flow",
            required="customer_id received_date period_end months currency",
            values={
                "statement_kind": "annual interim",
                "audit_opinion": "unqualified reviewed tax_return management qualified going_concern adverse disclaimer",
            },
        ),
    ),
    Table(
        layer="feed",
        name="inquiry",
        grain="one row per search about a customer",
        owner="compliance",
        en="Searches made about a customer: searched and clean, never searched and search failed are three things",
        zh="对客户的查询记录：已查无、从未查询与查询失败三者不同",
        key=("inquiry_id",),
        event_date="performed_date",
        columns=columns(
            "inquiry_id customer_id source kind performed_date result",
            required="customer_id kind performed_date result",
            values={"result": "hit no_hit error not_applicable"},
        ),
    ),
    Table(
        layer="feed",
        name="due_diligence_finding",
        grain="one row per finding",
        owner="compliance",
        en="Findings of courts, registers, lists and media about a customer, and what a person made of them",
        zh="关于客户的法院、登记、名单及媒体信息及其人工复核结果",
        key=("finding_id",),
        event_date="published_date",
        columns=columns(
            "finding_id customer_id kind role case_number case_type value_text filed_by_us severity event_date published_date"
            " amount currency source match_score detail review_state reviewed_by reviewed_date resolved_date outcome",
            required="customer_id kind published_date",
            values={
                "kind": "sanction pep litigation judgment_debtor dishonest_judgment_debtor consumption_restriction"
                " equity_freeze equity_pledge chattel_mortgage insolvency tax_arrears penalty abnormal_operation"
                " serious_illegal_list registry_status legal_representative_change shareholder_change capital_reduction"
                " bill_overdue court_hearing adverse_media regulatory fraud",
                "role": "defendant plaintiff subject",
                "case_type": "contract loan bill labour other",
                "severity": "low medium high critical",
                "review_state": "unreviewed confirmed cleared",
            },
            masked={"resolved_date": "resolved_date", "outcome": "resolved_date"},
            judged=dict.fromkeys(("review_state", "reviewed_by", "reviewed_date"), "reviewed_date"),
        ),
    ),
    Table(
        layer="feed",
        name="questionnaire_answer",
        grain="one row per judged topic and date",
        owner="credit_risk",
        en="Judgement of credit analysts about management, market, industry, governance and documents",
        zh="信用分析人员对管理、市场、行业、治理及资料的评价",
        key=("answer_id",),
        event_date="assessed_date",
        columns=columns(
            "answer_id customer_id assessed_date topic rating assessor",
            required="customer_id assessed_date topic rating",
            values={"topic": "management market_position industry_outlook governance documents"},
        ),
    ),
    Table(
        layer="feed",
        name="crm_event",
        grain="one row per contact with the customer or change of its data",
        owner="sales",
        en="Contacts, complaints and changes of address, contact and bank account from the CRM",
        zh="客户关系事件：往来、投诉及联系人、地址、银行账户变更",
        key=("event_id",),
        event_date="event_date",
        columns=columns(
            "event_id customer_id event_date kind direction answered mass_mail upheld value",
            required="customer_id event_date kind",
            values={
                "kind": "contact_change address_change bank_account_change complaint visit call email satisfaction",
                "direction": "in out",
            },
        ),
    ),
    Table(
        layer="feed",
        name="document",
        grain="one row per document of the credit file",
        owner="credit_risk",
        en="Documents in the credit file of a customer and how long they are good for",
        zh="客户资信档案文件及有效期",
        key=("document_id",),
        event_date="received_date",
        columns=columns(
            "document_id customer_id kind received_date valid_to",
            required="customer_id kind received_date",
        ),
    ),
    Table(
        layer="feed",
        name="contract",
        grain="one row per contract",
        owner="sales",
        en="Contracts with customers, visible from the first day they are in force",
        zh="与客户签订的合同，自生效日起可见",
        key=("contract_id",),
        event_date="valid_from",
        columns=columns(
            "contract_id customer_id kind valid_from valid_to guarantee_clause retention_of_title",
            required="customer_id valid_from",
            values={"kind": "individual general_terms"},
        ),
    ),
    Table(
        layer="feed",
        name="contract_event",
        grain="one row per event of a contract",
        owner="sales",
        en="What happened to a contract: signed, amended, breached, terminated",
        zh="合同事件：签署、变更、违约、终止",
        key=("event_id",),
        event_date="event_date",
        columns=columns(
            "event_id contract_id event_date kind",
            required="contract_id event_date kind",
            values={"kind": "signed amended breached terminated"},
        ),
    ),
    Table(
        layer="feed",
        name="collateral",
        grain="one row per security",
        owner="credit_risk",
        en="Security we hold: deposits, guarantees, pledges, mortgages, and until when it can be called",
        zh="我方持有的担保：保证金、保函、质押、抵押等及其索赔期限",
        key=("collateral_id",),
        event_date="valid_from",
        columns=columns(
            "collateral_id customer_id valid_from valid_to kind collateral_value currency valuation_date prior_liens priority"
            " guarantor_id provider provider_rating first_demand registered_date spouse_signed claim_deadline released_date",
            required="customer_id valid_from kind currency",
            values={
                "kind": "deposit bank_guarantee standby_letter_of_credit parent_guarantee personal_guarantee mortgage pledge"
                " bank_acceptance_bill commercial_acceptance_bill retention_of_title"
            },
            masked={"released_date": "released_date"},
        ),
    ),
    Table(
        layer="feed",
        name="insurance_limit",
        grain="one row per decision of a credit insurer",
        owner="credit_risk",
        en="What the credit insurer covers of a customer, on which conditions, and whether it still does",
        zh="信用保险机构对客户的承保额度、条件及其存续情况",
        key=("cover_id",),
        event_date="decided_date",
        columns=columns(
            "cover_id customer_id insurer decided_date decision amount currency cover_pct max_terms_days max_extension_days"
            " valid_to cancelled_on claim_filed_date",
            required="customer_id decided_date decision currency",
            values={"decision": "approved partly refused reduced cancelled"},
            masked={"cancelled_on": "cancelled_on", "claim_filed_date": "claim_filed_date"},
        ),
    ),
)
