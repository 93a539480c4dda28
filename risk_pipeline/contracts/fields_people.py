"""Fields of what people decide about customers, alerts and actions (feed_people.py).

Put here: every column that first appears in a feed of feed_people.py. Keep out: what such a decision does (factor SQL,
decision/), who may take it (policy `authorities`).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field, Kind

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("override_id", Kind.TEXT, "Number of the override request", "人工调整申请编号"),
    Field("override_kind", Kind.TEXT, "What it changes: the tier by notches, the limit, the limit for a time, or the hold",
          "调整内容：等级上下调、额度、临时额度、解除冻结"),
    Field("notches", Kind.INTEGER, "Tiers up (positive) or down (negative)", "等级调整档数：正数上调，负数下调", "tiers"),
    Field("reason_text", Kind.TEXT, "Reason in the words of the person", "当事人所述理由"),
    Field("requested_by", Kind.TEXT, "Person who asked", "申请人"),
    Field("requested_role", Kind.TEXT, "Role in which the person asked", "申请人角色"),
    Field("requested_on", Kind.DATE, "Day of the request", "申请日期"),
    Field("verdict", Kind.TEXT, "What the second person said: requested, approved, rejected, withdrawn",
          "复核结论：待审、批准、拒绝、撤回"),
    Field("decided_by", Kind.TEXT, "Person who approved or rejected", "审批人"),
    Field("decided_role", Kind.TEXT, "Role in which the person approved or rejected", "审批人角色"),
    Field("verdict_on", Kind.DATE, "Day of the approval or rejection", "审批日期"),
    Field("limit_decision_id", Kind.TEXT, "Number of the verdict on a computed limit", "额度审批编号"),
    Field("decided_as_of", Kind.DATE, "Assessment date of the limit that was judged", "所审批额度的评估日"),
    Field("state_decision_id", Kind.TEXT, "Number of the proposal to change a customer's state", "客户状态变更提案编号"),
    Field("proposed_state", Kind.TEXT, "State the customer is to have", "拟变更的客户状态"),
    Field("action_id", Kind.TEXT, "Number of what was done about an alert or an action", "预警或措施的处理编号"),
    Field("alert_id", Kind.TEXT, "Alert: rule, customer and object, the same over all assessments while it lasts",
          "预警编号：规则+客户+对象，存续期间保持不变"),
    Field("alert_action", Kind.TEXT, "What was done about the alert", "对预警的处理：确认、暂缓、关闭"),
    Field("treatment_id", Kind.TEXT, "Action on a customer: action and customer, the same while it is open",
          "管理措施编号：措施+客户，存续期间保持不变"),
    Field("treatment_verdict", Kind.TEXT, "What became of the action: done or waived", "措施处理结果：完成或免除"),
    Field("acted_by", Kind.TEXT, "Person who acted", "处理人"),
    Field("acted_on", Kind.DATE, "Day the person acted", "处理日期"),
    Field("until", Kind.DATE, "Day until which a snooze lasts, inclusive", "暂缓截止日（含）"),
)
# fmt: on
