"""factor.people_decision: what people decided about a customer and what of it is in force, as far as a run may know it.

Put here: fields that first appear in this table, what can be wrong with an approval, in words, and the columns of the table. Keep
out: how they are computed (factors/people_decision.sql), who may approve what (policy `notches` and `authorities`), recording a
decision (pipeline.overrides).
"""

from __future__ import annotations

from collections.abc import Mapping

from risk_pipeline.contracts.table import REPORTING, Field, Kind

# Why an approval counts for nothing, in the order in which it is asked. People read them: English, Chinese.
VIOLATIONS: Mapping[str, tuple[str, str]] = {
    "approver_unknown": ("An approval that names nobody", "审批记录未注明审批人"),
    "self_approval": ("Approved by the person who asked for it", "申请人与审批人为同一人"),
    "role_never_approves": ("Approved in a role that never approves", "审批人角色无审批权"),
    "role_not_authorised": ("Approved in a role that may not approve this kind", "审批人角色无权审批此类事项"),
    "released_lately": ("Hold released again too soon in this role", "该角色在限定期间内重复解除冻结"),
}

# fmt: off
FIELDS: tuple[Field, ...] = (
    # tier
    Field("notch_steps", Kind.INTEGER, "Tiers up (positive) or down (negative) by the notch in force",
          "生效中的等级调整档数：正数上调，负数下调", "tiers"),
    Field("notch_id", Kind.TEXT, "Override the notch comes from", "等级调整对应的申请编号"),
    Field("notch_expires_on", Kind.DATE, "Last day of the notch", "等级调整最后有效日"),
    # limits by hand
    Field("manual_limit", Kind.MONEY, "Approved limit by hand", "经审批的手工额度", REPORTING),
    Field("manual_limit_id", Kind.TEXT, "Override the limit by hand comes from", "手工额度对应的申请编号"),
    Field("manual_limit_role", Kind.TEXT, "Role that approved the limit by hand", "手工额度审批人角色"),
    Field("manual_limit_expires_on", Kind.DATE, "Last day of the limit by hand", "手工额度最后有效日"),
    Field("temporary_limit", Kind.MONEY, "Approved limit for a time", "经审批的临时额度", REPORTING),
    Field("temporary_limit_id", Kind.TEXT, "Override the limit for a time comes from", "临时额度对应的申请编号"),
    Field("temporary_limit_role", Kind.TEXT, "Role that approved the limit for a time", "临时额度审批人角色"),
    Field("temporary_limit_until", Kind.DATE, "Last day of the limit for a time", "临时额度最后有效日"),
    # hold
    Field("hold_release_id", Kind.TEXT, "Override that releases the hold", "解除冻结对应的申请编号"),
    Field("hold_release_until", Kind.DATE, "Last day of the release", "解除冻结最后有效日"),
    # verdicts on the computed limit
    Field("limit_approved", Kind.MONEY, "Limit up to which the newest verdict approves the computed one",
          "最近一次审批同意的额度", REPORTING),
    Field("limit_approved_role", Kind.TEXT, "Role that approved the computed limit", "测算额度审批人角色"),
    Field("limit_rejected", Kind.FLAG, "The newest verdict rejects the computed limit", "最近一次审批为拒绝"),
    Field("limit_rejected_from", Kind.MONEY, "Limit from which on the newest verdict rejects it",
          "最近一次被拒绝的额度（达到或超过即视为已拒绝）", REPORTING),
    Field("limit_verdict_on", Kind.DATE, "Day of the newest verdict on the computed limit", "测算额度最近审批日期"),
    # states
    Field("state_decision", Kind.TEXT, "State of the newest approved proposal", "最近获批的客户状态"),
    Field("state_decision_on", Kind.DATE, "Day it was approved", "客户状态获批日期"),
    Field("state_decision_role", Kind.TEXT, "Role that approved it", "客户状态审批人角色"),
    Field("state_rejected", Kind.TEXT, "State of the newest rejected proposal", "最近被拒绝的客户状态"),
    Field("state_rejected_on", Kind.DATE, "Day it was rejected", "客户状态被拒绝日期"),
    Field("state_rejected_role", Kind.TEXT, "Role that rejected it", "客户状态拒绝人角色"),
    Field("state_pending", Kind.TEXT, "State of the oldest proposal that waits for a verdict", "待审批的客户状态"),
    # what waits, is wrong or is over
    Field("override_pending", Kind.TEXT, "Oldest override that waits for a verdict", "最早的待审批调整申请编号"),
    Field("override_rejected", Kind.TEXT, "Newest override in its time that was rejected", "有效期内最近被拒绝的调整申请编号"),
    Field("override_violation", Kind.TEXT, "What is wrong with an approval that therefore counts for nothing",
          "审批违规类型（该审批无效）"),
    Field("override_violation_id", Kind.TEXT, "Override approved against the rules", "违规审批的调整申请编号"),
    Field("override_lapsed_on", Kind.DATE, "Last day of the newest override that is over and was not replaced",
          "最近到期且未续批的调整的最后有效日"),
    Field("override_lapsed_id", Kind.TEXT, "Override that is over", "已到期的调整申请编号"),
    Field("override_days_left", Kind.INTEGER, "Days until the next of the overrides in force ends",
          "生效中调整距最早到期日天数", "days"),
)
# fmt: on

# In the order of the table, behind as_of, customer_id and run_id.
COLUMNS = " ".join(field.name for field in FIELDS)
VALUES = {"override_violation": " ".join(VIOLATIONS)}
