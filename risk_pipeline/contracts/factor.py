"""The factor tables: facts about every customer at an assessment date, computed by the SQL files in factors/.

Put here: which columns a factor table has, and which of them may never be empty. Keep out: what a column means
(fields_factor.py), how it is computed (factors/*.sql), what it is worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from typing import Protocol

from risk_pipeline.contracts import (
    factor_behaviour,
    factor_collateral,
    factor_contract_collateral,
    factor_credit_record,
    factor_due_diligence,
    factor_financial_condition,
    factor_group_state,
    factor_industry_region,
    factor_market_environment,
    factor_newest_event,
    factor_people,
)
from risk_pipeline.contracts.feed_people import STATUSES
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.fields_factor import LEDGER_FACTORS
from risk_pipeline.contracts.table import Table, coded

AGING_BUCKETS = ("not_due", "1_30", "31_60", "61_90", "over_90")

_OPEN_ITEM_MONEY = (
    "amount applied set_off credited discounts written_off fx_difference open_amount disputed_amount shielded_amount"
    " offset_amount overdue_amount"
)
_EXPOSURE_MONEY = (
    "open_exposure aging_not_due aging_1_30 aging_31_60 aging_61_90 aging_over_90 overdue_gross overdue undisputed_open"
    " disputed_open"
)
_EXPOSURE_COMPONENTS = (
    "unapplied_cash unapplied_credits bills_in_hand_commercial bills_in_hand_bank discounted_or_endorsed_with_recourse"
    " factored_with_recourse factored_without_recourse retention advance_payments_received delivered_not_invoiced"
    " open_orders total_exposure"
)
_BY_CURRENCY = (
    "n_items billed applied set_off credited discounts written_off fx_difference open_amount unapplied_cash"
    " unapplied_credits advance_payments_received fx_rate"
)
_STATES = " ".join(STATUSES)


class _Declared(Protocol):
    """What a factor_*.py module declares of its table."""

    COLUMNS: str
    REQUIRED: str
    VALUES: dict[str, str]


def _evidence(declared: _Declared, name: str, *, owner: str, en: str, zh: str) -> Table:
    """A table of evidence: one row per customer, money in reporting currency, its columns behind the date of the evidence."""
    return Table(
        layer="factor",
        name=name,
        grain="one row per customer and assessment date",
        owner=owner,
        en=en,
        zh=zh,
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(
            f"as_of customer_id run_id evidence_date {declared.COLUMNS}",
            required=f"run_id {declared.REQUIRED}",
            values=declared.VALUES,
        ),
    )


FACTOR_TABLES: tuple[Table, ...] = (
    Table(
        layer="factor",
        name="customer_state",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Who the customer was at the assessment date: attributes, what it asked for, amounts in reporting currency",
        zh="评估日的客户状态：属性与申请情况，金额为报告币种",
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(
            "as_of customer_id run_id name customer_source state_assumed legal_form natural_person is_intercompany"
            " is_one_time is_public_body is_project_business size_class customer_segment country_code region"
            " industry_code industry_scheme group_id legal_entity_id credit_currency credit_fx_rate"
            " contracted_terms_days account_manager onboarded_date identity_verified requested_limit"
            " requested_terms_days expected_monthly_sales distressed_plan plan_agreed_on plan_broken_on",
            required="run_id customer_source state_assumed",
            values={"customer_source": "master derived", "size_class": "micro small medium large"},
        ),
    ),
    Table(
        layer="factor",
        name="people_decision",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="What people decided and what of it is in force: overrides, limits, states; money in reporting currency",
        zh="人工决定及其效力：调整、额度审批与客户状态变更；金额为报告币种",
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(
            f"as_of customer_id run_id {factor_people.COLUMNS}",
            required="run_id",
            values={**factor_people.VALUES, "state_decision": _STATES, "state_rejected": _STATES, "state_pending": _STATES},
        ),
    ),
    Table(
        layer="factor",
        name="newest_event",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Newest events: what early warnings tell of, and how long ago it was; money in reporting currency",
        zh="最新事件：预警所涉事件及距今天数；金额为报告币种",
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(f"as_of customer_id run_id {factor_newest_event.COLUMNS}", required="run_id"),
    ),
    Table(
        layer="factor",
        name="group_state",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Groups and concentration: group of a customer, share in all exposure of both; money in reporting currency",
        zh="集团归属与集中度：客户归属的集团及其敞口占比；金额为报告币种",
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(
            f"as_of customer_id run_id {factor_group_state.COLUMNS}", required=f"run_id {factor_group_state.REQUIRED}"
        ),
    ),
    Table(
        layer="factor",
        name="open_item",
        grain="one row per open invoice item and assessment date",
        owner="credit_risk",
        en="The open items behind the exposure, computed once, in document currency",
        zh="敞口所依据的未清项目明细（单据币种）",
        key=("as_of", "customer_id", "invoice_id"),
        columns=columns(
            "as_of customer_id run_id invoice_id company_code currency doc_type invoice_date due_date due_date_source"
            f" original_due_date {_OPEN_ITEM_MONEY} fx_rate open_amount_reporting overdue_amount_reporting days_past_due"
            " aging_bucket factored residual",
            required="run_id company_code currency invoice_date due_date due_date_source fx_rate"
            f" {_OPEN_ITEM_MONEY} open_amount_reporting overdue_amount_reporting days_past_due aging_bucket residual",
            values={
                "doc_type": "invoice debit_note instalment retention advance_request interest opening_balance",
                "due_date_source": "given terms contracted invoice_date instalment",
                "aging_bucket": " ".join(AGING_BUCKETS),
                "factored": "none with_recourse without_recourse",
            },
        ),
    ),
    Table(
        layer="factor",
        name="exposure",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Credit exposure and its ageing; `currency` is the reporting currency",
        zh="信用风险敞口与账龄（币种为报告币种）",
        key=("as_of", "customer_id"),
        columns=columns(
            f"as_of customer_id run_id currency {_EXPOSURE_MONEY} max_days_past_due max_dpd_material"
            f" {_EXPOSURE_COMPONENTS} n_open_invoices n_overdue_invoices",
            required=f"run_id currency {_EXPOSURE_MONEY} {_EXPOSURE_COMPONENTS} n_open_invoices n_overdue_invoices",
        ),
    ),
    Table(
        layer="factor",
        name="exposure_by_currency",
        grain="one row per customer, company code, currency and assessment date",
        owner="credit_risk",
        en="What was billed and how it was settled, in document currency: the table the reconciliation adds up",
        zh="按公司代码与单据币种汇总的开票与结清情况，供对账使用",
        key=("as_of", "customer_id", "company_code", "currency"),
        columns=columns(
            f"as_of customer_id run_id company_code currency {_BY_CURRENCY}",
            required=f"run_id {_BY_CURRENCY}",
        ),
    ),
    Table(
        layer="factor",
        name="transaction_history",
        grain="one row per customer and assessment date",
        owner="credit_risk",
        en="Payment behaviour: the eight factors of the ledger with their reason codes, and figures that describe it;"
        " amounts in reporting currency",
        zh="付款行为：八项台账因子及其原因代码，以及描述性指标；金额为报告币种",
        key=("as_of", "customer_id"),
        money_in="reporting",
        columns=columns(
            "as_of customer_id run_id evidence_date "
            + coded(LEDGER_FACTORS)
            + " wavg_days_late_12m wavg_days_late_signed_12m on_time_ratio_12m on_time_amount_ratio_12m"
            " dispute_ratio_12m dispute_amount_ratio_12m dso_days sales_3m sales_12m avg_monthly_sales_3m"
            " avg_monthly_sales_12m sales_volatility_12m n_invoices_12m n_applications_12m first_invoice_date"
            " last_invoice_date last_payment_date months_since_first_invoice dishonoured_payments_6m"
            " uncollectible_written_off_12m n_open_disputes unknown_clearing_12m",
            required="run_id n_invoices_12m n_applications_12m n_open_disputes",
        ),
    ),
    _evidence(
        factor_financial_condition,
        "financial_condition",
        owner="credit_risk",
        en="Financial condition: ratios of the newest statement, and which one that is; amounts in reporting currency",
        zh="财务状况：最近一期财务报表的各项比率及其来源报表；金额为报告币种",
    ),
    _evidence(
        factor_credit_record,
        "credit_record",
        owner="credit_risk",
        en="Credit record: bureau reports and references of other suppliers and banks; amounts in reporting currency",
        zh="信用记录：征信报告与同业、银行资信证明；金额为报告币种",
    ),
    _evidence(
        factor_industry_region,
        "industry_region",
        owner="market_intelligence",
        en="Industry and region: industry, country, size and age of the customer and how risky they are",
        zh="行业与地域：行业、地域、规模与成立年限及其风险",
    ),
    _evidence(
        factor_market_environment,
        "market_environment",
        owner="market_intelligence",
        en="Market environment: demand, prices and insolvencies of the industry, and the customer's currency",
        zh="市场环境：行业需求、价格与破产情况，以及客户本币走势",
    ),
    _evidence(
        factor_contract_collateral,
        "contract_collateral",
        owner="credit_risk",
        en="Contracts and security: what is signed, breached or about to expire, and what we could call;"
        " amounts in reporting currency",
        zh="合同与担保：签署、违约、到期情况及可索赔的担保；金额为报告币种",
    ),
    Table(
        layer="factor",
        name="collateral_item",
        grain="one row per security or cover of a customer and assessment date",
        owner="credit_risk",
        en="Securities, credit insurance and bills one by one: whether each counts in the limit, why not, how much, until when",
        zh="逐项担保、信用保险与票据：是否可计入额度、原因、净值及有效期",
        key=("as_of", "customer_id", "security_source", "security_id"),
        money_in="reporting",
        columns=columns(
            f"as_of customer_id run_id {factor_collateral.ITEM_COLUMNS}",
            required=f"run_id {factor_collateral.ITEM_REQUIRED}",
            values=factor_collateral.ITEM_VALUES,
        ),
    ),
    _evidence(
        factor_collateral,
        "collateral",
        owner="credit_risk",
        en="Security in the limit: securities, insurance and bills after haircuts, and until when; money in reporting currency",
        zh="额度中的担保：担保、信用保险与票据扣减折扣后的价值及有效期；金额为报告币种",
    ),
    _evidence(
        factor_behaviour,
        "behaviour",
        owner="sales",
        en="Behaviour: orders, contacts, complaints and changes against the customer's own past; amounts in reporting currency",
        zh="客户行为：订单、往来、投诉及各类变更，与自身历史对比；金额为报告币种",
    ),
    _evidence(
        factor_due_diligence,
        "due_diligence",
        owner="compliance",
        en="Due diligence: what courts, registers, lists, media and our own analysts say, and what was searched at all;"
        " amounts in reporting currency",
        zh="资信调查：法院、登记、名单、舆情及自有评价，以及是否已查询；金额为报告币种",
    ),
)
