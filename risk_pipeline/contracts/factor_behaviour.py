"""factor.behaviour: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/behaviour.sql) and
what they are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind, code_of, coded

# fmt: off
_FACTORS = (
    Field("contact_address_changes_90d", Kind.INTEGER, "Days in 90 days on which a contact or an address changed",
          "近 90 天变更联系人或地址的天数", "count"),
    Field("bank_account_changes_180d", Kind.INTEGER, "Bank account changes announced and payer accounts first seen in 180 days",
          "近 180 天告知的银行账户变更次数与首次出现的付款账户数之和", "count"),
    Field("days_since_last_contact", Kind.INTEGER, "Days since the last two-way contact; mass mails do not count",
          "距上次有效沟通的天数（群发邮件不计）", "days"),
    Field("complaint_excess_90d", Kind.NUMBER, "Complaints of 90 days above a third of those of the 270 days before",
          "近 90 天投诉数超出此前 270 天均值（三分之一）的部分", "count"),
    Field("order_gap_ratio", Kind.NUMBER, "Days since the last order against the customer's median gap between order days",
          "距上次下单天数/该客户下单间隔中位数", "ratio"),
    Field("order_surge_ratio", Kind.NUMBER, "Orders of the last 30 days against what is normal for the customer in 30 days",
          "近 30 天订单额/该客户 30 天正常订单额", "ratio"),
)
_CONTACT = (
    Field("contact_changes_30d", Kind.INTEGER, "Days in 30 days on which a contact changed", "近 30 天变更联系人的天数", "count"),
    Field("contact_changes_90d", Kind.INTEGER, "Days in 90 days on which a contact changed", "近 90 天变更联系人的天数", "count"),
    Field("contact_changes_180d", Kind.INTEGER, "Days in 180 days on which a contact changed",
          "近 180 天变更联系人的天数", "count"),
    Field("address_changes_30d", Kind.INTEGER, "Days in 30 days on which an address changed", "近 30 天变更地址的天数", "count"),
    Field("address_changes_90d", Kind.INTEGER, "Days in 90 days on which an address changed", "近 90 天变更地址的天数", "count"),
    Field("address_changes_180d", Kind.INTEGER, "Days in 180 days on which an address changed",
          "近 180 天变更地址的天数", "count"),
    Field("bank_account_changes_30d", Kind.INTEGER, "Bank account changes announced and payer accounts first seen in 30 days",
          "近 30 天告知的银行账户变更次数与首次出现的付款账户数之和", "count"),
    Field("bank_account_changes_90d", Kind.INTEGER, "Bank account changes announced and payer accounts first seen in 90 days",
          "近 90 天告知的银行账户变更次数与首次出现的付款账户数之和", "count"),
    Field("interactions_90d", Kind.INTEGER, "Visits, calls and e-mails in 90 days, answered or not, without mass mails",
          "近 90 天拜访、通话及邮件次数（不论是否回应，群发除外）", "count"),
    Field("last_contact_date", Kind.DATE, "Day of the last two-way contact", "上次有效沟通日期"),
    Field("complaints_12m", Kind.INTEGER, "Complaints in 12 months, without those that turned out to be right",
          "近 12 个月投诉次数（经查属实者除外）", "count"),
    Field("complaints_change_6v6", Kind.INTEGER, "Complaints of the last 6 months less those of the 6 months before",
          "近 6 个月投诉数减此前 6 个月投诉数", "count"),
)
_ORDERS = (
    Field("order_amount_3m", Kind.MONEY, "Ordered in 3 months, cancelled orders left out",
          "近 3 个月订单额（不含已取消）", REPORTING),
    Field("order_amount_12m", Kind.MONEY, "Ordered in 12 months, cancelled orders left out", "近 12 个月订单额（不含已取消）",
          REPORTING),
    Field("order_trend_3m", Kind.NUMBER, "Ordered in the last 3 months against the 3 months before, less 1",
          "近 3 个月订单额环比变动（与此前 3 个月）", "ratio"),
    Field("large_order_z", Kind.NUMBER, "Largest order of 30 days in standard deviations above the customer's mean order",
          "近 30 天最大订单偏离该客户平均订单额的标准差倍数", "standard deviations"),
    Field("order_days_12m", Kind.INTEGER, "Days with an order in 12 months", "近 12 个月有下单的天数", "count"),
    Field("order_gap_median_days", Kind.NUMBER, "Median gap between the order days of 12 months",
          "近 12 个月下单间隔中位数", "days"),
    Field("order_frequency_change_3v9", Kind.NUMBER, "Order days of the last 3 months against a third of those of the 9 months "
          "before, less 1",
          "近 3 个月下单频率相对此前 9 个月的变动", "ratio"),
    Field("first_order_date", Kind.DATE, "Day of the first order", "首次下单日期"),
    Field("last_order_date", Kind.DATE, "Day of the last order that was not cancelled", "最近一次下单日期（不含已取消）"),
)
_PAYMENTS = (
    Field("new_payer_accounts_180d", Kind.INTEGER, "Bank accounts that paid for the first time in 180 days",
          "近 180 天首次出现的付款账户数", "count"),
    Field("payment_method_changes_12m", Kind.INTEGER, "Methods of payment taken up in 12 months", "近 12 个月新采用的付款方式数",
          "count"),
    Field("third_party_payment_share_12m", Kind.NUMBER, "Share of the payments of 12 months made by somebody outside the "
          "customer's group",
          "近 12 个月由集团外第三方代付的笔数占比", "ratio"),
    Field("round_sum_payment_share_12m", Kind.NUMBER, "Share of the payments of 12 months that are round sums",
          "近 12 个月整数金额付款的笔数占比", "ratio"),
    Field("split_payment_days_12m", Kind.INTEGER, "Days in 12 months with two or more payments just below the threshold that "
          "together reach it",
          "近 12 个月出现拆分付款（多笔略低于阈值、合计达到阈值）的天数", "count"),
    Field("days_late_shift_3v9", Kind.NUMBER, "Mean days late of the payments of 3 months less that of the 9 months before; "
          "negative = earlier than usual",
          "近 3 个月平均迟付天数减此前 9 个月；负值表示较以往提前", "days"),
    Field("days_late_shift_z", Kind.NUMBER, "days_late_shift_3v9 in standard deviations of the customer's own 9 months before",
          "days_late_shift_3v9 以该客户此前 9 个月标准差衡量的倍数", "standard deviations"),
)
_EVIDENCE = (
    Field("crm_event_date", Kind.DATE, "Newest event of the whole CRM feed: how far it reaches", "客户关系数据的最新事件日期"),
    Field("order_date_newest", Kind.DATE, "Newest order of the whole order feed: how far it reaches", "订单数据的最新下单日期"),
)
_MEASURES = (*_CONTACT, *_ORDERS, *_PAYMENTS, *_EVIDENCE)
FIELDS: tuple[Field, ...] = (*_FACTORS, *map(code_of, _FACTORS), *_MEASURES)
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = " ".join([coded(_FACTORS), *(field.name for field in _MEASURES)])
REQUIRED = ""
VALUES: dict[str, str] = {}
