"""factor.credit_record: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/credit_record.sql) and
what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of, coded

# fmt: off
_FACTORS = (
    Field("bureau_score_norm", Kind.NUMBER, "Bureau score on a scale of 0 (worst) to 100 (best)",
          "征信评分，换算为 0（最差）至 100（最好）", "points"),
    Field("bureau_delinquencies_12m", Kind.INTEGER, "Late payments to others in 12 months, in the bureau report used",
          "所用征信报告所载近 12 个月对其他债权人的逾期次数", "count"),
    Field("bureau_defaults_36m", Kind.INTEGER, "Defaults in 36 months, in the bureau report used",
          "所用征信报告所载近 36 个月违约次数", "count"),
    Field("bureau_inquiries_6m", Kind.INTEGER, "Credit inquiries by others in 6 months, in the bureau report used",
          "所用征信报告所载近 6 个月被其他机构查询次数", "count"),
    Field("borrowing_to_revenue", Kind.NUMBER, "All borrowing the bureau knows of to the revenue of a year",
          "征信所示借款总额/年化营业收入", "ratio"),
    Field("trade_reference_past_due_ratio", Kind.NUMBER, "Past due at other suppliers and banks to the highest balance there",
          "同业及银行资信：逾期金额/最高欠款余额", "ratio"),
)
_MEASURES = (
    Field("bureau_state", Kind.TEXT, "What the bureaus said: hit, no_hit, error (the request failed), outdated, not_ordered",
          "征信查询状态：查得、未查得、查询失败、已过期、未查询"),
    Field("bureau_report_date", Kind.DATE, "Day described by the bureau report used, or by the answer that there is none",
          "所用征信报告（或“未查得”答复）所述日期"),
    Field("bureau_report_age_days", Kind.INTEGER, "Days from bureau_report_date to the assessment date",
          "征信报告距评估日天数", "days"),
    Field("bureau_score_change_180d", Kind.NUMBER,
          "bureau_score_norm less the highest of the same bureau in the 180 days before the report used",
          "征信标准分较同一机构前 180 天内最高分的变动", "points"),
    Field("bureau_recommended_limit", Kind.MONEY, "Credit limit recommended by the bureau report used",
          "所用征信报告建议的单一供应商信用额度", REPORTING),
    Field("bureau_borrowing", Kind.MONEY, "All borrowing in the bureau report used", "所用征信报告所示借款总额", REPORTING),
    Field("borrowing_period_end", Kind.DATE, "Balance sheet date of the full-year statement in borrowing_to_revenue",
          "borrowing_to_revenue 所用全年报表的资产负债表日"),
    Field("trade_reference_sources_12m", Kind.INTEGER, "Suppliers and banks that gave a reference with figures in 12 months",
          "近 12 个月提供金额资信证明的供应商及银行数", "count"),
    Field("supplier_payment_rating", Kind.NUMBER, "Paying habits as other suppliers see them, 1 worst to 5 best",
          "同业供应商对付款习惯的评价（1 最差–5 最好）", "rating"),
    Field("bank_payment_rating", Kind.NUMBER, "Paying habits as banks see them, 1 worst to 5 best",
          "银行对付款习惯的评价（1 最差–5 最好）", "rating"),
    Field("trade_reference_date", Kind.DATE, "Day of the newest reference used", "所用最近一份资信证明的日期"),
)
FIELDS: tuple[Field, ...] = (*_FACTORS, *map(code_of, _FACTORS), *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = (
    coded(_FACTORS) + " bureau_state bureau bureau_rating bureau_report_date bureau_report_age_days bureau_score_change_180d"
    " bureau_recommended_limit bureau_borrowing borrowing_period_end trade_reference_sources_12m supplier_payment_rating"
    " bank_payment_rating trade_reference_date"
)
REQUIRED = "bureau_state trade_reference_sources_12m"
VALUES: dict[str, str] = {"bureau_state": "hit no_hit error outdated not_ordered"}
