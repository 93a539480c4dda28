"""Fields of early warnings and of what is to be done about them: decision.alert, and what decision.treatment shares with it.

Put here: columns that first appear in one of these tables. Keep out: the rules (policy `alerts`), how an alert lives over
assessments (decision/alerts.py), what people do about one (fields_people.py).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field, Kind

# fmt: off
FIELDS: tuple[Field, ...] = (
    Field("month_end_score", Kind.NUMBER, "Score at the newest calendar month end, against which a fall is measured",
          "最近月末评分，用于衡量评分下降",
          "points"),
    Field("alert_object", Kind.TEXT, "What the alert is about where a customer can have several of a rule, such as the tier it "
          "fell to; empty = the customer as a whole",
          "预警对象：同一规则可能对应多个对象时予以区分（如下调后的等级）；为空表示客户整体"),
    Field("signal_en", Kind.TEXT, "What was noticed, in English", "预警信号（英文）"),
    Field("signal_zh", Kind.TEXT, "What was noticed, in Chinese", "预警信号（中文）"),
    Field("measures", Kind.TEXT, "Actions of the policy against it, separated by commas", "应对措施（政策规定），逗号分隔"),
    Field("threshold_text", Kind.TEXT, "Condition of the rule, as the policy has it", "触发条件（政策原文）"),
    Field("first_seen", Kind.DATE, "Assessment at which it was first seen; deadlines count from here",
          "首次发现的评估日，期限自此起算"),
    Field("last_seen", Kind.DATE, "Newest assessment at which the condition held", "最近一次满足触发条件的评估日"),
    Field("owner_role", Kind.TEXT, "Role that is to deal with it", "责任角色"),
    Field("escalated_to", Kind.TEXT, "Role it went up to because it is overdue; empty = not escalated",
          "逾期未处理而上报的角色；为空表示未上报"),
    Field("playbook", Kind.TEXT, "Emergency playbook of the policy that begins with it; empty = none",
          "所触发的应急预案；为空表示无"),
)
# fmt: on
