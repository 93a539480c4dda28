"""factor.financial_condition: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/*.sql) and
what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of, coded

# fmt: off
_FACTORS = (
    Field("debt_ratio", Kind.NUMBER, "Total liabilities to total assets", "资产负债率：负债合计/资产总计", "ratio"),
    Field("current_ratio", Kind.NUMBER, "Current assets to current liabilities", "流动比率：流动资产/流动负债", "ratio"),
    Field("interest_cover", Kind.NUMBER, "Earnings before interest and tax to interest expense of the same period",
          "利息保障倍数：同期息税前利润/利息支出", "ratio"),
    Field("net_margin", Kind.NUMBER, "Net income to revenue of the same period", "净利润率：同期净利润/营业收入", "ratio"),
    Field("ocf_to_liabilities", Kind.NUMBER, "Operating cash flow of a year to total liabilities",
          "年化经营现金流/负债合计", "ratio"),
    Field("altman_z2", Kind.NUMBER, "Altman Z'' without constant: distress below 1.10, safe above 2.60",
          "阿特曼 Z'' 值（无常数项）：低于 1.10 为困境区，高于 2.60 为安全区", "score"),
    Field("revenue_change_yoy", Kind.NUMBER, "Revenue against the comparable period a year earlier, less 1",
          "营业收入同比变动（与上年可比期间）", "ratio"),
)
_WITHOUT_CODE = (
    Field("statement_quality", Kind.TEXT, "What the auditor said of the statement used, or what its figures are without one",
          "所用报表的审计意见，或未经审计时的报表来源"),
)
_MEASURES = (
    Field("quick_ratio", Kind.NUMBER, "Current assets without inventory to current liabilities",
          "速动比率：（流动资产−存货）/流动负债", "ratio"),
    Field("equity_ratio", Kind.NUMBER, "Equity to total assets", "所有者权益/资产总计", "ratio"),
    Field("ebit_margin", Kind.NUMBER, "Earnings before interest and tax to revenue of the same period",
          "息税前利润率：同期息税前利润/营业收入", "ratio"),
    Field("net_margin_change_yoy", Kind.NUMBER, "Net margin less that of the comparable period a year earlier",
          "净利润率同比变动", "ratio"),
    Field("altman_zone", Kind.TEXT, "Zone of altman_z2: distress, grey or safe", "altman_z2 所处区间：困境、灰色、安全"),
    Field("tangible_net_worth", Kind.MONEY, "Equity less intangible assets of the statement used",
          "有形净资产：所有者权益−无形资产", REPORTING),
    Field("revenue_annual", Kind.MONEY, "Revenue of the statement used, for 12 months", "年化营业收入", REPORTING),
    Field("statement_usable", Kind.FLAG, "The statement has assets, liabilities, equity and revenue, balances and is fresh "
          "enough for limits and segments",
          "报表可用：要素齐全、勾稽平衡且未过期"),
    Field("statement_doubt", Kind.TEXT, "Why the statement used is not usable: incomplete, unbalanced or too_old",
          "所用报表不可用的原因：要素不全、勾稽不平或过期"),
    Field("statement_audited", Kind.FLAG, "An auditor examined the statement used", "所用报表经审计"),
    Field("statement_consolidated", Kind.FLAG, "The statement used is that of the group", "所用报表为合并报表"),
    Field("statement_months", Kind.INTEGER, "Months the flows of the statement used cover", "所用报表流量科目覆盖月数", "months"),
    Field("statement_period_end", Kind.DATE, "Balance sheet date of the statement used", "所用报表的资产负债表日"),
    Field("statement_received_date", Kind.DATE, "Day we had the statement used", "所用报表的收到日期"),
    Field("statement_age_days", Kind.INTEGER, "Days from the balance sheet date to the assessment date", "报表账龄（天）",
          "days"),
)
FIELDS: tuple[Field, ...] = (*_FACTORS, *map(code_of, _FACTORS), *_WITHOUT_CODE, *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = " ".join(
    [
        coded(_FACTORS),
        *(field.name for field in (*_WITHOUT_CODE, *_MEASURES)),
    ]
)
REQUIRED = "statement_usable"
VALUES: dict[str, str] = {
    "statement_quality": "unqualified reviewed tax_return management qualified going_concern adverse disclaimer",
    "altman_zone": "distress grey safe",
    "statement_doubt": "incomplete unbalanced too_old",
}
