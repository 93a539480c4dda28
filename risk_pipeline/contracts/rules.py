"""Rules between the columns of a feed row, as data; and what every rule a row can break means, in words.

Put here: the rules (`RULES`), one SQL predicate each, and the meanings (`MEANINGS`). Keep out: types, required columns and
closed lists (the tables say those), what one cell must look like (feeds.convert), rules between feeds (cross_feed.py), and
evaluating anything.

`reject` is for a row that nobody could use: a score outside its own scale says nothing. Whatever is odd but possible is
`warn`: stored as it is, counted, shown. So a sign convention is found by its count, and no row is lost by an opinion.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from risk_pipeline.contracts.feed import FEED_TABLES
from risk_pipeline.contracts.table import Kind, Table

RuleSeverity = Literal["reject", "warn"]

BALANCE_TOLERANCE = "0.01"  # statements are printed in thousands or millions, and their parts are rounded one by one
FIRST_DAY, LAST_DAY, OPEN_END = "DATE '1900-01-01'", "DATE '2200-12-31'", "DATE '9999-12-31'"

# Open starts ("valid since 1800-01-01") are usual in masters; the same date on a document is a typing error.
_OPEN_STARTS = ("effective_from", "valid_from", "listed_date")
# Dates that days past due are counted from: a wrong century here is a wrong decision.
_DUE_DATES = ("due_date", "baseline_date", "maturity_date", "value_date")
_OLD_BY_NATURE = ("established_date", "birth_date")


@dataclass(frozen=True)
class Rule:
    """A rule of one feed. `broken`: DuckDB SQL over the canonical columns, true on a row that breaks it (NULL = not broken).

    It is asked when all of `columns` are mapped; the first of them is named for a rejected row. Several rules of a table may
    share a name: the row counts once.
    """

    name: str
    table: str
    severity: RuleSeverity
    columns: tuple[str, ...]
    broken: str

    @property
    def en(self) -> str:
        return MEANINGS[self.name][0]

    @property
    def zh(self) -> str:
        return MEANINGS[self.name][1]


def rules_of(table: Table, mapped: Collection[str]) -> list[Rule]:
    """The rules of a feed that can be asked when the columns `mapped` are there."""
    return [rule for rule in RULES if rule.table == table.name and all(name in mapped for name in rule.columns)]


def meaning(name: str, language: Literal["en", "zh"] = "en") -> str:
    """What a rule or warning of that name says; the name itself when it is none of ours."""
    return MEANINGS[name][language == "zh"] if name in MEANINGS else name


def _reject(table: str, name: str, columns: str, broken: str) -> Rule:
    return Rule(name, table, "reject", tuple(columns.split()), broken)


def _warn(table: str, name: str, columns: str, broken: str) -> Rule:
    return Rule(name, table, "warn", tuple(columns.split()), broken)


def _negative(table: str, columns: str) -> Iterator[Rule]:
    """Amounts whose sign says nothing: one below zero shows another convention than the contract's."""
    for column in columns.split():
        yield _warn(table, "negative_amount", column, f"{column} < 0")


def _part(table: str, part: str, whole: str) -> Rule:
    """A part above its whole, beyond rounding."""
    return _warn(table, "part_above_total", f"{part} {whole}", f"{part} > {whole} + {BALANCE_TOLERANCE} * abs({whole})")


def _without(table: str, name: str, given: str, needed: str) -> Rule:
    return _warn(table, name, f"{needed} {given}", f"{given} IS NOT NULL AND {needed} IS NULL")


def _dates(table: Table) -> Iterator[Rule]:
    """Dates nobody means. An event date must let the row be seen one day; 9999-12-31 is an open end anywhere else."""
    for column in table.columns:
        name = column.name
        if column.kind is not Kind.DATE:
            continue
        early, late = f"{name} < {FIRST_DAY}", f"{name} > {LAST_DAY}"
        ended = f"({late} AND {name} <> {OPEN_END})"
        if name == table.event_date:
            yield _reject(table.name, "date_impossible", name, late if name in _OPEN_STARTS else f"{early} OR {late}")
        elif name in _DUE_DATES:
            yield _reject(table.name, "date_impossible", name, f"{early} OR {ended}")
            yield _warn(table.name, "date_far_off", name, f"{name} = {OPEN_END}")
        else:
            yield _warn(table.name, "date_far_off", name, ended if name in _OLD_BY_NATURE else f"{early} OR {ended}")


def _countries(table: Table) -> Iterator[Rule]:
    for name in ("country_code", "operating_country_code"):
        if name in table:
            yield _warn(table.name, "country_code_form", name, f"NOT regexp_full_match({name}, '[A-Z]{{2}}')")


def _feeds(*needed: str) -> str:
    """The feeds that have all columns `needed`, as SQL list."""
    return ", ".join(f"'{each.name}'" for each in FEED_TABLES if all(name in each for name in needed))


_GENERAL = tuple(rule for table in FEED_TABLES for found in (_dates(table), _countries(table)) for rule in found)

_LEDGER = (
    _warn("customer", "terms_far_off", "contracted_terms_days", "contracted_terms_days NOT BETWEEN 0 AND 730"),
    _warn("customer", "consent_without_date", "consent_date consent_state", "consent_state IS NOT NULL AND consent_date IS NULL"),
    _warn("sales_order", "delivery_before_order", "planned_delivery_date order_date", "planned_delivery_date < order_date"),
    _warn("sales_order", "ended_before_it_began", "fulfilled_date order_date", "fulfilled_date < order_date"),
    _warn("sales_order", "ended_before_it_began", "cancelled_date order_date", "cancelled_date < order_date"),
    _part("sales_order", "delivered_not_invoiced", "amount"),
    *_negative("sales_order", "amount delivered_not_invoiced"),
    _warn("invoice", "due_before_invoice", "due_date invoice_date", "due_date < invoice_date"),
    _warn("invoice", "due_far_off", "due_date invoice_date", f"due_date > invoice_date + 1096 AND due_date <> {OPEN_END}"),
    _warn("invoice", "negative_invoice_amount", "amount", "amount < 0"),
    _warn("invoice", "cleared_before_invoice", "cleared_date invoice_date", "cleared_date < invoice_date"),
    _warn("invoice", "tax_above_amount", "tax_amount amount", "abs(tax_amount) > abs(amount)"),
    _warn("payment", "ended_before_it_began", "status_date payment_date", "status_date < payment_date"),
    _warn(
        "payment",
        "outcome_without_date",
        "status_date status",
        "status IN ('returned', 'reversed') AND status_date IS NULL",
    ),
    *_negative("payment", "amount"),
    _warn("payment_application", "ended_before_it_began", "reversed_date applied_date", "reversed_date < applied_date"),
    _warn(
        "payment_application",
        "application_without_document",
        "payment_id kind",
        "kind = 'cash' AND payment_id IS NULL",
    ),
    _part("payment_application", "discount_amount", "amount"),
    *_negative("payment_application", "amount discount_amount"),
    *_negative("credit_note", "amount"),
    *_negative("write_off", "amount"),
    _warn("dispute", "resolved_before_opened", "resolved_date opened_date", "resolved_date < opened_date"),
    _without("dispute", "outcome_without_date", "outcome", "resolved_date"),
    _part("dispute", "settled_amount", "amount"),
    *_negative("dispute", "amount settled_amount"),
    _warn("bill", "ended_before_it_began", "maturity_date received_date", "maturity_date < received_date"),
    _warn("bill", "ended_before_it_began", "outcome_date received_date", "outcome_date < received_date"),
    _without("bill", "outcome_without_date", "outcome", "outcome_date"),
    *_negative("bill", "amount"),
    _warn("instalment_plan", "ended_before_it_began", "broken_date agreed_date", "broken_date < agreed_date"),
    *_negative("instalment_line", "amount"),
    _reject("payment_terms", "pct_out_of_range", "discount_pct", "discount_pct NOT BETWEEN 0 AND 100"),
    _reject("payment_terms", "day_out_of_range", "fixed_day", "fixed_day NOT BETWEEN 1 AND 31"),
    _warn("payment_terms", "terms_far_off", "net_days", "net_days NOT BETWEEN 0 AND 730"),
    _warn("payment_terms", "terms_far_off", "discount_days", "discount_days < 0"),
    _warn("payment_terms", "terms_far_off", "discount_days net_days", "discount_days > net_days"),
    _warn("credit_request", "terms_far_off", "requested_terms_days", "requested_terms_days NOT BETWEEN 0 AND 730"),
    _warn("credit_request", "ended_before_it_began", "decided_date requested_date", "decided_date < requested_date"),
    _without("credit_request", "outcome_without_date", "decision", "decided_date"),
    *_negative("credit_request", "requested_limit expected_monthly_sales"),
    _reject("control_total", "not_a_feed", "feed", f"feed NOT IN ({_feeds()})"),
    _reject(
        "control_total",
        "total_not_for_feed",
        "measure feed",
        f"(measure = 'amount_sum' AND feed NOT IN ({_feeds('amount', 'currency')}))"
        " OR (measure = 'open_balance' AND feed NOT IN ('invoice', 'customer'))",
    ),
    _reject("control_total", "total_without_currency", "currency measure", "measure <> 'row_count' AND currency = ''"),
    _reject(
        "control_total", "count_not_whole", "value measure", "measure = 'row_count' AND (value < 0 OR value <> floor(value))"
    ),
)

_EVIDENCE = (
    _reject("bureau_report", "score_outside_scale", "score score_min score_max", "score NOT BETWEEN score_min AND score_max"),
    _reject("bureau_report", "scale_reversed", "score_min score_max", "score_min >= score_max"),
    *(
        _reject("bureau_report", "negative_count", name, f"{name} < 0")
        for name in ("delinquencies_12m", "defaults_36m", "inquiries_6m")
    ),
    _warn("bureau_report", "report_after_retrieval", "report_date retrieved_date", "report_date > retrieved_date"),
    _without("bureau_report", "score_without_scale", "score", "score_min"),
    _without("bureau_report", "score_without_scale", "score", "score_max"),
    _warn("bureau_report", "score_without_hit", "score hit_state", "hit_state <> 'hit' AND score IS NOT NULL"),
    _without("bureau_report", "amount_without_currency", "total_borrowing", "currency"),
    _without("bureau_report", "amount_without_currency", "recommended_limit", "currency"),
    *_negative("bureau_report", "total_borrowing recommended_limit"),
    _reject("trade_reference", "rating_outside_scale", "payment_rating", "payment_rating NOT BETWEEN 1 AND 5"),
    _part("trade_reference", "past_due", "high_credit"),
    _without("trade_reference", "amount_without_currency", "high_credit", "currency"),
    *_negative("trade_reference", "high_credit past_due"),
    _reject("financial_statement", "months_out_of_range", "months", "months NOT BETWEEN 1 AND 24"),
    _reject("financial_statement", "received_before_period_end", "received_date period_end", "received_date < period_end"),
    _warn("financial_statement", "published_before_period_end", "published_date period_end", "published_date < period_end"),
    _warn("financial_statement", "annual_months", "months statement_kind", "statement_kind = 'annual' AND months <> 12"),
    _warn("financial_statement", "total_assets_not_positive", "total_assets", "total_assets <= 0"),
    _warn(
        "financial_statement",
        "balance_sheet_unbalanced",
        "total_assets total_liabilities equity",
        f"abs(total_assets - total_liabilities - equity) > {BALANCE_TOLERANCE} * abs(total_assets)",
    ),
    *(
        _part("financial_statement", part, whole)
        for part, whole in (
            ("current_assets", "total_assets"),
            ("intangible_assets", "total_assets"),
            ("inventory", "current_assets"),
            ("receivables", "current_assets"),
            ("cash", "current_assets"),
            ("current_liabilities", "total_liabilities"),
            ("payables", "current_liabilities"),
            ("short_term_debt", "current_liabilities"),
        )
    ),
    *_negative(
        "financial_statement",
        "current_assets inventory receivables cash current_liabilities payables short_term_debt total_liabilities"
        " intangible_assets surplus_reserve revenue depreciation interest_expense",
    ),
    _reject("due_diligence_finding", "match_score_out_of_range", "match_score", "match_score NOT BETWEEN 0 AND 1"),
    _warn("due_diligence_finding", "resolved_before_opened", "resolved_date event_date", "resolved_date < event_date"),
    _without("due_diligence_finding", "outcome_without_date", "outcome", "resolved_date"),
    _warn(
        "due_diligence_finding",
        "published_before_event",
        "published_date event_date kind",
        "published_date < event_date AND kind <> 'court_hearing'",
    ),
    *(
        _warn(
            "due_diligence_finding",
            "review_without_name_or_date",
            f"{needed} review_state",
            f"review_state IN ('confirmed', 'cleared') AND {needed} IS NULL",
        )
        for needed in ("reviewed_by", "reviewed_date")
    ),
    _without("due_diligence_finding", "amount_without_currency", "amount", "currency"),
    *_negative("due_diligence_finding", "amount"),
    _reject("questionnaire_answer", "rating_outside_scale", "rating", "rating NOT BETWEEN 1 AND 5"),
    _warn("document", "expired_when_received", "valid_to received_date", "valid_to < received_date"),
    _reject("contract", "valid_to_before_valid_from", "valid_to valid_from", "valid_to < valid_from"),
    _reject("collateral", "valid_to_before_valid_from", "valid_to valid_from", "valid_to < valid_from"),
    _warn("collateral", "ended_before_it_began", "released_date valid_from", "released_date < valid_from"),
    _warn("collateral", "ended_before_it_began", "claim_deadline valid_from", "claim_deadline < valid_from"),
    _warn("collateral", "valued_later", "valuation_date valid_from", "valuation_date > valid_from + 366"),
    _warn("collateral", "priority_below_one", "priority", "priority < 1"),
    _part("collateral", "prior_liens", "collateral_value"),
    *_negative("collateral", "collateral_value prior_liens"),
    _reject("insurance_limit", "pct_out_of_range", "cover_pct", "cover_pct NOT BETWEEN 0 AND 100"),
    _warn("insurance_limit", "pct_looks_like_share", "cover_pct", "cover_pct > 0 AND cover_pct <= 1"),
    _warn("insurance_limit", "ended_before_it_began", "valid_to decided_date", "valid_to < decided_date"),
    _warn("insurance_limit", "ended_before_it_began", "cancelled_on decided_date", "cancelled_on < decided_date"),
    _warn(
        "insurance_limit",
        "approved_without_amount",
        "amount decision",
        "decision IN ('approved', 'partly', 'reduced') AND amount IS NULL",
    ),
    _warn("insurance_limit", "terms_far_off", "max_terms_days", "max_terms_days NOT BETWEEN 0 AND 730"),
    _warn("insurance_limit", "terms_far_off", "max_extension_days", "max_extension_days NOT BETWEEN 0 AND 730"),
    *_negative("insurance_limit", "amount"),
)

_REFERENCE = (
    _warn("industry_indicator", "published_before_period", "published_date period", "published_date < period"),
    _warn("industry_indicator", "negative_amount", "value indicator", "indicator = 'insolvencies' AND value < 0"),
    _reject("country_risk", "score_outside_scale", "score", "score NOT BETWEEN 0 AND 100"),
    _warn("country_risk", "says_nothing", "score list_status", "score IS NULL AND list_status IS NULL"),
    _warn("sanctions_entity", "ended_before_it_began", "delisted_date listed_date", "delisted_date < listed_date"),
)

RULES: tuple[Rule, ...] = (*_GENERAL, *_LEDGER, *_EVIDENCE, *_REFERENCE)

# The formatter would make four lines of a meaning; one or two read as a table.
# fmt: off
MEANINGS: Mapping[str, tuple[str, str]] = {
    # cells that cannot be read, and keys (feeds.convert, contracts.derive, the store)
    "key_missing": ("a column of the key is empty", "主键列为空"),
    "customer_missing": ("the customer is empty", "客户编号为空"),
    "value_missing": ("a required cell is empty", "必填单元格为空"),
    "not_a_date": ("the cell is no date in the declared format", "不是所声明格式的日期"),
    "not_a_number": ("the cell is no number in the declared notation", "不是所声明写法的数字"),
    "not_an_integer": ("the cell is no whole number", "不是整数"),
    "not_a_flag": ("the cell is neither yes nor no", "既非“是”也非“否”"),
    "money_scale": ("more than two decimals, and no `round: 2`", "小数超过两位且未设 round: 2"),
    "money_overflow": ("an amount too large to keep exactly", "金额过大，无法精确保存"),
    "number_overflow": ("a number too large", "数值过大"),
    "not_positive": ("an exchange rate of zero or less", "汇率为零或负数"),
    "unknown_currency": ("no ISO 4217 currency code", "不是 ISO 4217 货币代码"),
    "not_in_list": ("outside the closed list of the column", "不在该列的限定清单内"),
    "not_in_lookup": ("a code the lookup does not name", "代码未列入对照表"),
    "duplicate_key": ("the same key twice with different content", "同一主键出现两次且内容不同"),
    "superseded": ("a replayed row whose key a later delivery says something else about", "重放行的主键已由后续批次给出不同内容"),
    # rows nobody could use
    "date_impossible": ("a date before 1900 or after 2200 on which the row would count",
                        "起决定作用的日期早于 1900 年或晚于 2200 年"),
    "score_outside_scale": ("the score is outside its own scale", "评分超出其自身区间"),
    "scale_reversed": ("the lowest score of the scale is not below the highest", "评分区间下限不低于上限"),
    "negative_count": ("a count below zero; a marker such as -1 belongs into `nulls`", "次数为负；-1 之类的缺失标记应列入 nulls"),
    "rating_outside_scale": ("a rating outside 1 to 5", "评价不在 1 至 5 之间"),
    "months_out_of_range": ("a statement over less than 1 or more than 24 months", "报表期间少于 1 个月或多于 24 个月"),
    "received_before_period_end": ("a statement received before its period ended", "报表收到日早于报告期末"),
    "match_score_out_of_range": ("a match score outside 0 to 1", "匹配度不在 0 至 1 之间"),
    "pct_out_of_range": ("a percentage outside 0 to 100", "百分比不在 0 至 100 之间"),
    "day_out_of_range": ("a day of the month outside 1 to 31", "月内日期不在 1 至 31 之间"),
    "valid_to_before_valid_from": ("it ends before it begins, so it was never in force", "失效日早于生效日，从未生效"),
    "not_a_feed": ("a control total for something that is no feed", "控制总数所指并非数据源"),
    "total_not_for_feed": ("a measure that this feed does not have", "该数据源不具备此控制项"),
    "total_without_currency": ("an amount in no currency", "金额合计缺少币种"),
    "count_not_whole": ("a row count that is negative or no whole number", "行数为负或非整数"),
    # odd, stored, counted
    "date_far_off": ("a date before 1900 or after 2200, or a due date of 9999-12-31",
                     "日期早于 1900 年或晚于 2200 年，或到期日为 9999-12-31"),
    "country_code_form": ("a country that is no two-letter code (ISO 3166)", "国家代码不是 ISO 3166 两位字母"),
    "due_before_invoice": ("due before the invoice date", "到期日早于开票日"),
    "due_far_off": ("due more than three years after the invoice date", "到期日晚于开票日三年以上"),
    "negative_invoice_amount": ("an invoice below zero, as a reversal is", "发票金额为负（如冲销）"),
    "negative_amount": ("an amount below zero where the sign says nothing: another convention?",
                        "金额为负而此处正负无意义：符号约定可能不同"),
    "cleared_before_invoice": ("cleared before the invoice date", "清账日早于开票日"),
    "tax_above_amount": ("more tax than amount", "税额大于含税金额"),
    "part_above_total": ("a part larger than its whole by more than 1 %", "部分大于总额（超过 1 %）"),
    "terms_far_off": ("payment terms below 0 or above 730 days, or a discount period beyond the terms",
                      "账期小于 0 天或大于 730 天，或折扣期长于账期"),
    "consent_without_date": ("a consent without its date", "有授权状态而无授权日期"),
    "delivery_before_order": ("delivery planned before the order", "计划交货日早于下单日"),
    "ended_before_it_began": ("its end, outcome or return is dated before its beginning", "结束、结果或退回日期早于开始日期"),
    "outcome_without_date": ("an outcome without its date counts on every assessment date", "有结果而无日期，将对所有评估日生效"),
    "application_without_document": ("cash applied without a payment", "现金核销缺少收款单号"),
    "resolved_before_opened": ("resolved before it was opened or happened", "解决日早于提出或发生日"),
    "report_after_retrieval": ("the report is dated after the day it was fetched", "报告日期晚于取得日期"),
    "score_without_scale": ("a score without the ends of its scale cannot be used", "评分缺少区间上下限，无法使用"),
    "score_without_hit": ("a score although the bureau found nothing", "未查得却有评分"),
    "amount_without_currency": ("an amount without its currency", "金额缺少币种"),
    "published_before_period_end": ("a statement published before its period ended", "报表公布日早于报告期末"),
    "annual_months": ("an annual statement that does not cover 12 months", "年度报表期间不是 12 个月"),
    "total_assets_not_positive": ("a balance sheet total of zero or less", "资产总计为零或负数"),
    "balance_sheet_unbalanced": ("assets differ from liabilities and equity by more than 1 %",
                                 "资产与负债及权益之和相差超过 1 %"),
    "published_before_event": ("published before it happened", "公布日早于发生日"),
    "review_without_name_or_date": ("a reviewed match without the name or the date of the review",
                                    "已复核的匹配缺少复核人或复核日期"),
    "expired_when_received": ("a document that had expired when it was received", "文件收到时已过期"),
    "valued_later": ("valued more than a year after the security began", "估值日晚于担保生效日一年以上"),
    "priority_below_one": ("a rank below 1", "受偿顺位小于 1"),
    "pct_looks_like_share": ("a percentage of at most 1: was 0.9 meant as 90 %?", "百分比不大于 1：0.9 是否表示 90 %？"),
    "approved_without_amount": ("cover without its amount", "已承保而无金额"),
    "published_before_period": ("a figure published before its period began", "指标公布日早于所属期间"),
    "says_nothing": ("neither a score nor a list status", "既无评分也无名单状态"),
    # what rows say about other feeds (cross_feed.py)
    "unknown_customer": ("names a customer that the customer feed does not have", "所指客户不在客户主数据中"),
    "unknown_invoice": ("names an invoice that the invoice feed does not have", "所指发票不在发票数据中"),
    "unknown_payment": ("names a payment that the payment feed does not have", "所指收款不在收款数据中"),
    "unknown_credit_note": ("names a credit note that its feed does not have", "所指贷项通知不在数据中"),
    "unknown_bill": ("names a bill of exchange that its feed does not have", "所指票据不在数据中"),
    "unknown_plan": ("an instalment without its plan", "分期明细缺少所属计划"),
    "unknown_contract": ("an event without its contract", "合同事件缺少所属合同"),
    "unknown_terms": ("a terms code without its payment terms", "付款条件代码没有对应条款"),
    "currency_differs_from_invoice": ("in another currency than its invoice, taken at face value",
                                      "币种与所指发票不同（按票面金额计）"),
    "currency_differs_from_payment": ("applied in another currency than its payment", "核销币种与收款币种不同"),
    "customer_differs_from_invoice": ("of another customer than its invoice", "客户与所指发票的客户不同"),
    "applied_above_invoice": ("more applied to an invoice than it bills", "核销金额大于发票金额"),
    # found in code, not in SQL
    "id_as_number": ("an id that a spreadsheet made a number of: give `integral: true` or export it as text",
                     "编号被电子表格转成数字：请设 integral: true 或导出为文本"),
    "not_a_percentage": ("no percentage with its sign, where the mapping says `percent: true`", "映射为百分比而单元格不带百分号"),
    "null_as_id": ("a word for nothing, such as NULL or N/A, where an id should be; list it in `nulls`",
                   "编号处为 NULL、N/A 之类的空值标记；请列入 nulls"),
    "unknown_sign": ("the mark in `sign_from` is neither minus nor plus", "sign_from 所指借贷标记既非负亦非正"),
    "spreadsheet_error": ("an error of a spreadsheet formula, such as #N/A", "电子表格公式错误，如 #N/A"),
    "rounded_amount": ("binary noise mended, such as 2309.7899999999995", "已修正的二进制误差，如 2309.7899999999995"),
    "lei_check_digit": ("a Legal Entity Identifier with a wrong check digit", "LEI 校验码错误"),
    "uscc_check_digit": ("a unified social credit code with a wrong check digit", "统一社会信用代码校验码错误"),
    "time_of_day_dropped": ("a time of day in a date column", "日期列含时间，已舍去"),
    "text_among_dates": ("texts among the days of a date column", "日期列中混有文本"),
    "id_beyond_15_digits": ("an id of more than 15 digits kept as a number: its end is lost",
                            "超过 15 位的编号以数字保存，末位已丢失"),
    "merged_cells": ("merged cells: only the first holds the value", "合并单元格：仅首格有值"),
    "row_without_entry": ("a row of a side file whose entry the list does not have", "附属文件中的行在名单中无对应条目"),
    "unknown_country": ("a country this program does not know", "无法识别的国家名称"),
    "no_final_newline": ("the last line has no line end: look whether the file is whole", "末行无换行符：请确认文件完整"),
}
