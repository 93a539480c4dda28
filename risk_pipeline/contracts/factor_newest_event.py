"""factor.newest_event: the newest event of each kind that an early warning tells of, and how long ago it was.

Put here: fields that first appear in this table, and its columns. Keep out: how they are computed (factors/newest_event.sql) and
when one of them is worth an alert (policy `alerts`).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind


def _dated(name: str, days: str, en: str, zh: str) -> tuple[Field, Field]:
    return (
        Field(name, Kind.DATE, f"Day of the {en}", f"{zh}之日"),
        Field(days, Kind.INTEGER, f"Days since the {en}", f"距{zh}的天数", "days"),
    )


FIELDS: tuple[Field, ...] = (
    *_dated(
        "bank_account_changed_on",
        "bank_account_changed_days",
        "newest change of bank account: announced, or a payer account first seen",
        "最近一次银行账户变更（告知变更或首次出现的付款账户）",
    ),
    Field("largest_order_30d", Kind.MONEY, "Largest order of 30 days", "近 30 天最大单笔订单", REPORTING),
    *_dated(
        "lawsuit_newest_on",
        "lawsuit_newest_days",
        "newest open suit of a creditor against the customer",
        "最近一件未结债权人诉讼公开",
    ),
    Field(
        "lawsuit_newest_amount",
        Kind.MONEY,
        "Claimed in the open suits of that day, at least",
        "该日公开的未结诉讼金额（至少）",
        REPORTING,
    ),
    *_dated(
        "enforcement_newest_on",
        "enforcement_newest_days",
        "newest open enforcement, freeze of shares or consumption restriction",
        "最近一件未结执行、股权冻结或限制高消费",
    ),
    *_dated(
        "control_changed_on",
        "control_changed_days",
        "newest change of legal representative, owners or capital",
        "最近一次法定代表人、股东或资本变更",
    ),
    *_dated("unapplied_since", "unapplied_days", "oldest payment that is not matched to invoices yet", "最早一笔未核销回款到账"),
    *_dated("dispute_since", "dispute_days", "opening of the oldest dispute that is still open", "最早一项未决争议提出"),
    *_dated("dishonoured_on", "dishonoured_days", "newest returned payment or dishonoured bill", "最近一次退票、退款或拒付"),
)

# In the order of the table, behind as_of, customer_id and run_id.
COLUMNS = " ".join(field.name for field in FIELDS)
