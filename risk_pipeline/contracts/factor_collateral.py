"""factor.collateral_item and factor.collateral: what each security and cover is worth to a limit, and their sums per customer.

Put here: fields that first appear in these tables, the reasons why a security does not count, in words, and the columns of the
tables. Keep out: how they are computed (factors/*.sql), and haircuts and conditions (the policy's `mitigants`).
"""

from __future__ import annotations

from collections.abc import Mapping

from risk_pipeline.contracts.table import REPORTING, Field, Kind

# Why a security does not count, in the order in which it is asked. People read them: English, Chinese.
INELIGIBLE: Mapping[str, tuple[str, str]] = {
    "over": ("It is over", "已到期"),
    "no_such_mitigant": ("The policy lists no such kind of security", "政策未列此类担保"),
    "no_value": ("Its value is not known as of the date", "评估日无可用价值"),
    "no_exchange_rate": ("No exchange rate for its currency", "缺少该币种汇率"),
    "worth_nothing": ("The policy gives this kind no value in a limit", "政策规定此类担保在额度中不计价值"),
    "not_first_demand": ("Not payable at first demand", "非见索即付"),
    "provider_not_rated": ("The bank behind it has no rating that the policy accepts", "出具银行无政策认可的评级"),
    "claim_deadline_too_near": ("It could not be called for a delivery of today", "对当日发货而言索赔期限不足"),
    "not_registered": ("Not entered in the register", "未办理登记"),
    "valuation_missing": ("Never valued", "未经估值"),
    "valuation_too_old": ("Valued too long ago", "估值已过期"),
    "prior_liens_unknown": ("Others are served before us, with how much is not known", "存在在先权利但金额不明"),
    "guarantor_unknown": ("The guarantor is no customer we assess, or has no tier yet", "保证人不在评估范围或尚无等级"),
    "guarantor_tier": ("The guarantor's tier is too weak", "保证人等级不足"),
    "guarantor_accounts": ("No usable accounts of the guarantor", "保证人无可用财务报表"),
    "mutual_guarantee": ("The two stand for each other", "互相担保"),
    "guarantor_is_debtor": ("The debtor stands for himself", "债务人自行担保或自行承兑"),
    "spouse_not_signed": ("The spouse did not sign", "配偶未共同签署"),
    "acceptor_not_listed": ("The accepting bank is not on the policy's list", "承兑银行不在政策名单内"),
    "settled_invoices": ("It has settled invoices: they are no exposure any more", "已用于结清发票，不再构成敞口"),
    "maturity_too_far": ("It matures too late", "到期日过远"),
    "cover_refused": ("The insurer refuses or withdrew the cover", "保险机构拒绝或撤销承保"),
    "claim_filed": ("A claim was filed: nothing new is covered", "已报损索赔，新增债权不再承保"),
    "overdue_beyond_extension": ("The customer is overdue beyond what the insurer allows", "逾期超过保单允许的最长延期"),
    "terms_beyond_cover": ("Our payment terms are longer than the insured ones", "账期超过承保账期"),
}

SOURCES = "collateral insurance_limit bill"
# Kinds of security as people read them: English, Chinese.
KINDS: Mapping[str, tuple[str, str]] = {
    "deposit": ("Deposit", "保证金"),
    "bank_guarantee": ("Bank guarantee", "银行保函"),
    "standby_letter_of_credit": ("Standby letter of credit", "备用信用证"),
    "insurance": ("Credit insurance", "信用保险"),
    "parent_guarantee": ("Guarantee of the parent", "母公司保证"),
    "personal_guarantee": ("Personal guarantee", "个人保证"),
    "mortgage": ("Mortgage", "抵押"),
    "pledge": ("Pledge", "质押"),
    "bank_acceptance_bill": ("Bill accepted by a bank", "银行承兑汇票"),
    "commercial_acceptance_bill": ("Bill accepted by a company", "商业承兑汇票"),
    "retention_of_title": ("Retention of title", "所有权保留"),
}

# fmt: off
FIELDS: tuple[Field, ...] = (
    # one security
    Field("security_source", Kind.TEXT, "Feed the security was delivered in", "担保来源数据表"),
    Field("security_id", Kind.TEXT, "Number of the security in its feed", "担保编号"),
    Field("security_kind", Kind.TEXT, "Kind of security, as the policy names it", "担保类型（与政策一致）"),
    Field("eligible", Kind.FLAG, "It counts in the limit", "可计入额度"),
    Field("ineligible_code", Kind.TEXT, "First reason why it does not count; empty = it counts",
          "不可计入的首要原因；为空表示可计入"),
    Field("from_own_group", Kind.FLAG, "A member of the customer's own group stands for it: it does not count for the group",
          "由客户所属集团成员提供：在集团额度中不计"),
    Field("gross_value", Kind.MONEY, "Value or amount covered, before all deductions",
          "担保价值或承保金额（未作扣减）", REPORTING),
    Field("deducted_value", Kind.MONEY, "What others get first: prior liens, or disputed debt that no insurer pays",
          "先行扣除额：在先权利，或保险不赔付的争议债权", REPORTING),
    Field("cover_share", Kind.NUMBER, "Share of a loss that is covered", "赔付比例", "share"),
    Field("haircut_share", Kind.NUMBER, "Haircut of the policy, with that for another currency", "折扣率（含币种错配）", "share"),
    Field("net_value", Kind.MONEY, "What it adds to the limit; 0 when it does not count",
          "计入额度的净值；不可计入时为 0", REPORTING),
    Field("lapsed_value", Kind.MONEY, "What it would add had it not run out in the last 12 months",
          "近 12 个月内到期前原可计入的净值", REPORTING),
    Field("counts_until", Kind.DATE, "Last day on which it counts if nothing changes; empty = no end",
          "情况不变时的最后有效日；为空表示无期限"),
    # all securities of a customer
    Field("collateral_value_net", Kind.MONEY, "What all securities that count add to the limit", "可计入担保净值合计", REPORTING),
    Field("collateral_value_net_group", Kind.MONEY, "The same without guarantees of the customer's own group",
          "可计入担保净值合计（不含本集团成员担保）", REPORTING),
    Field("net_deposits", Kind.MONEY, "Net value of deposits", "保证金净值", REPORTING),
    Field("net_bank_guarantees", Kind.MONEY, "Net value of guarantees and letters of credit of banks",
          "银行保函与备用信用证净值", REPORTING),
    Field("net_company_guarantees", Kind.MONEY, "Net value of guarantees of companies, and of bills they accepted",
          "公司保证及商业承兑汇票净值", REPORTING),
    Field("net_personal_guarantees", Kind.MONEY, "Net value of guarantees of persons", "个人保证净值", REPORTING),
    Field("net_charges", Kind.MONEY, "Net value of mortgages and pledges", "抵押与质押净值", REPORTING),
    Field("net_bank_bills", Kind.MONEY, "Net value of bills accepted by banks", "银行承兑汇票净值", REPORTING),
    Field("net_insurance", Kind.MONEY, "Net value of credit insurance", "信用保险净值", REPORTING),
    Field("securities_counted", Kind.INTEGER, "Securities and covers that count", "可计入的担保与承保数量", "count"),
    Field("securities_not_counted", Kind.INTEGER, "Securities and covers in force that do not count",
          "有效但不可计入的担保与承保数量", "count"),
    Field("security_ends_on", Kind.DATE, "First day after which one of those that count no longer does",
          "可计入担保中最早的失效日"),
    Field("security_days_left", Kind.INTEGER, "Days until then", "距最早失效日天数", "days"),
    Field("security_lapsed_on", Kind.DATE, "Newest day after which a security stopped counting by running out, in 12 months",
          "近 12 个月内担保到期失效的最近日期"),
    Field("security_lapsed_value", Kind.MONEY, "What securities that ran out in 12 months and were not replaced would add",
          "近 12 个月到期且未解除、未续办的担保原可计入净值", REPORTING),
    Field("relied_on_lapsed_security", Kind.FLAG, "The limit of the assessment before counted security that has run out since",
          "上次评估额度所依赖的担保已到期失效"),
    Field("insured", Kind.FLAG, "An insurer covers the customer, whether it counts or not",
          "存在有效信用保险承保（不论是否可计入）"),
    Field("insured_terms_days", Kind.INTEGER, "Longest payment terms of the covers that count", "可计入承保的最长账期", "days"),
    Field("insurance_extension_days_left", Kind.INTEGER,
          "Days the oldest material debt may age before cover ends; below 0: ended",
          "最早重大欠款距承保失效的剩余天数；负数表示已失效", "days"),
    Field("insurance_withdrawn", Kind.FLAG, "An insurer cancelled, refused or reduced the cover in the last 3 months",
          "近 3 个月保险机构取消、拒保或调减额度"),
    Field("insurance_withdrawn_on", Kind.DATE, "Newest day on which an insurer cancelled, refused or reduced the cover",
          "保险机构最近一次取消、拒保或调减额度的日期"),
    Field("security_date", Kind.DATE, "Newest fact behind the securities", "担保事实的最近日期"),
)
# fmt: on

# In the order of the tables, behind as_of, customer_id and run_id.
ITEM_COLUMNS = (
    "security_source security_id security_kind eligible ineligible_code from_own_group provider guarantor_id currency gross_value"
    " deducted_value cover_share haircut_share net_value lapsed_value valid_from valid_to counts_until"
    " max_terms_days max_extension_days evidence_date"
)
ITEM_REQUIRED = "eligible from_own_group net_value"
ITEM_VALUES: dict[str, str] = {
    "security_source": SOURCES,
    "security_kind": " ".join(KINDS),
    "ineligible_code": " ".join(INELIGIBLE),
}
COLUMNS = (
    "collateral_value_net collateral_value_net_group net_deposits net_bank_guarantees net_company_guarantees"
    " net_personal_guarantees net_charges net_bank_bills net_insurance securities_counted securities_not_counted"
    " security_ends_on security_days_left security_lapsed_on security_lapsed_value relied_on_lapsed_security insured"
    " insured_terms_days insurance_extension_days_left insurance_withdrawn insurance_withdrawn_on security_date"
)
REQUIRED = (
    "collateral_value_net collateral_value_net_group securities_counted securities_not_counted security_lapsed_value"
    " relied_on_lapsed_security insured insurance_withdrawn"
)
VALUES: dict[str, str] = {}
