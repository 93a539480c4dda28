"""What people decide, kept as feeds: versions with the time since they are known, so a run sees what was said by then.

Put here: which columns such a feed has, its key and its visible-from date. Keep out: what a column means (fields_people.py), who
may decide what (policy), delivering a row (pipeline). A verdict is knowledge about a request, as a review is about a finding: it
counts from when it was known here.
"""

from __future__ import annotations

from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import Table

STATUSES = ("active", "probation", "suspended", "exit_proposed", "terminated")
_VERDICTS = "requested approved rejected withdrawn"
_JUDGED = dict.fromkeys(("verdict", "decided_by", "decided_role", "verdict_on"), "verdict_on")

PEOPLE_TABLES: tuple[Table, ...] = (
    Table(
        layer="feed",
        name="override",
        grain="one row per override request",
        owner="credit_risk",
        en="Overrides of tier, limit or hold: who asked, why, who approved, until when",
        zh="等级、额度或冻结的人工调整：申请人、理由、审批人及有效期",
        key=("override_id",),
        event_date="requested_on",
        columns=columns(
            "override_id customer_id override_kind notches amount currency reason_code reason_text requested_by"
            " requested_role requested_on valid_from valid_to verdict decided_by decided_role verdict_on",
            required="customer_id override_kind reason_code requested_by requested_on valid_from valid_to",
            values={"override_kind": "notch limit temporary_limit hold_release", "verdict": _VERDICTS},
            judged=_JUDGED,
        ),
    ),
    Table(
        layer="feed",
        name="limit_decision",
        grain="one row per verdict on a computed limit",
        owner="credit_risk",
        en="Approvals and rejections of computed limits",
        zh="对测算额度的审批记录",
        key=("limit_decision_id",),
        event_date="verdict_on",
        columns=columns(
            "limit_decision_id customer_id decided_as_of amount currency verdict decided_by decided_role verdict_on reason_text",
            required="customer_id decided_as_of amount currency verdict decided_by decided_role verdict_on",
            values={"verdict": "approved rejected"},
        ),
    ),
    Table(
        layer="feed",
        name="customer_state_decision",
        grain="one row per proposal to change a customer's state",
        owner="credit_risk",
        en="Proposals to end, suspend or take back a customer, and what was decided on them",
        zh="客户退出、暂停或恢复的提案及审批",
        key=("state_decision_id",),
        event_date="requested_on",
        columns=columns(
            "state_decision_id customer_id proposed_state reason_text requested_by requested_role requested_on verdict"
            " decided_by decided_role verdict_on",
            required="customer_id proposed_state requested_by requested_on",
            values={"proposed_state": " ".join(STATUSES), "verdict": _VERDICTS},
            judged=_JUDGED,
        ),
    ),
    Table(
        layer="feed",
        name="alert_action",
        grain="one row per action on an alert",
        owner="credit_risk",
        en="Alerts that people acknowledged, snoozed or closed",
        zh="预警的确认、暂缓与关闭记录",
        key=("action_id",),
        event_date="acted_on",
        columns=columns(
            "action_id customer_id alert_id alert_action acted_by acted_on until reason_text",
            required="customer_id alert_id alert_action acted_by acted_on",
            values={"alert_action": "acknowledge snooze close"},
        ),
    ),
    Table(
        layer="feed",
        name="treatment_action",
        grain="one row per action that was done or waived",
        owner="credit_risk",
        en="Actions on customers that people did or waived",
        zh="管理措施的完成与免除记录",
        key=("action_id",),
        event_date="acted_on",
        columns=columns(
            "action_id customer_id treatment_id treatment_verdict acted_by acted_on reason_text",
            required="customer_id treatment_id treatment_verdict acted_by acted_on",
            values={"treatment_verdict": "done waived"},
        ),
    ),
)
