"""factor.group_state: which group a customer belongs to, and what share of all exposure is the customer's and its group's.

Put here: fields that first appear in this table, and its columns. Keep out: how they are computed (factors/group_state.sql), what
members may have together (decision/groups.py).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import REPORTING, Field, Kind

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("group_key", Kind.TEXT, "Group the customer is counted with: its group id, or its ultimate parent; empty = none",
          "客户归属的集团：集团编号或最终母公司编号；空表示无"),
    Field("group_parent_id", Kind.TEXT, "Top company of that group, as most members name it",
          "该集团的最终母公司（以多数成员所填为准）"),
    Field("group_members", Kind.INTEGER, "Customers counted with the group", "集团内客户数", "count"),
    Field("group_exposure", Kind.MONEY, "Total exposure of all customers of the group", "集团全部客户的敞口合计", REPORTING),
    Field("group_exposure_share", Kind.NUMBER, "Share of the customer's group in the exposure of all customers",
          "所属集团敞口占全部敞口比例", "ratio"),
)
# fmt: on

# In the order of the table, behind as_of, customer_id and run_id.
COLUMNS = "group_key group_parent_id group_members ring_fenced group_exposure exposure_share group_exposure_share"
REQUIRED = "ring_fenced"
