"""Words that the screen and the evidence pack share, in English and Chinese: sentences on one customer, codes of closed lists.

Put here: what both say alike. Keep out: words of one of them (cli.texts, words.py), and what the policy, the catalogue and the
contracts say themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

One = Literal["en", "zh"]
ONES: tuple[One, ...] = ("en", "zh")

# Sentences; the values in braces are filled in.
PHRASES: Mapping[str, tuple[str, str]] = {
    # what decided the tier
    "score_below": ("decided by the score: {score}, {tier} below {below}", "由评分决定：{score}，低于 {below} 为{tier}"),
    "score_from": ("decided by the score: {score}, {tier} from {lowest}", "由评分决定：{score}，{lowest} 及以上为{tier}"),
    "score_between": (
        "decided by the score: {score}, {tier} from {lowest} to below {below}",
        "由评分决定：{score}，{lowest} 至 {below}（不含）为{tier}",
    ),
    "segment_ceiling": ("decided by the ceiling of the segment: {tier} at best", "由客群等级上限决定：最好为{tier}"),
    "cure_ceiling": ("decided by the cure: {tier} at best while on probation", "由治愈规则决定：观察期内最好为{tier}"),
    "state_ceiling": ("decided by the state of the customer: {tier} at best", "由客户状态决定：最好为{tier}"),
    "hysteresis_buffer": (
        "{tier} is kept: {better} needs a score of {needed} at {periods} month ends in a row, it is {score}",
        "维持{tier}：连续 {periods} 个月末评分不低于 {needed} 方可上调至{better}，本次 {score}",
    ),
    "hysteresis_periods": (
        "{tier} is kept: {better} needs a score of {needed} at {periods} month ends in a row, {met} so far (now {score})",
        "维持{tier}：连续 {periods} 个月末评分不低于 {needed} 方可上调至{better}，已达标 {met} 个（本次 {score}）",
    ),
    "hysteresis_cooldown": (
        "{tier} is kept: the score is good enough for {better}, but not before {free_on}, {cooldown_days} days after the last"
        " step down ({lowered_on})",
        "维持{tier}：评分已达到{better}标准，但 {lowered_on} 下调后须满 {cooldown_days} 天，{free_on} 起方可上调",
    ),
    "hysteresis_step": ("one step up, to {tier}: a tier climbs one step at a time", "上调一级至{tier}：每次只上调一级"),
    "no_way_up": ("{tier} is kept: without a score there is no way up", "维持{tier}：没有评分不能上调"),
    "notch_up": ("{tier} by an approved override, better than the model says", "经批准的人工调整上调为{tier}"),
    "notch_down": ("{tier} by an approved override, worse than the model says", "经批准的人工调整下调为{tier}"),
    "in_state": ("{state} since {day}: {reason}", "{state}，自 {day} 起：{reason}"),
    "knockout": ("decided by {rule}: {text}", "由 {rule} 决定：{text}"),
    "outside": ("decided by {rule}: {text}", "由 {rule} 决定：{text}"),
    "unrated_coverage": ("{text}: coverage {value} % below {threshold} %", "{text}：数据覆盖率 {value}%，低于 {threshold}%"),
    "unrated_reweight": (
        "{text}: the factors that are known would stand for {value} times their weight, more than {threshold}",
        "{text}：已知因素的权重需放大 {value} 倍，超过 {threshold} 倍",
    ),
    "unrated_missing_factor": ("{text}: no value for {factors}", "{text}：缺少 {factors}"),
    "default_seen": ("in default, first seen {day} ({events})", "已违约，首次认定日 {day}（{events}）"),
    "default_waiting": (
        "in default, first seen {day} (no event holds any more, not cured yet)",
        "已违约，首次认定日 {day}（违约事件已消除，尚未治愈）",
    ),
    # sanctions
    "sanctions_confirmed": ("{n} confirmed", "已确认 {n} 项"),
    "sanctions_unreviewed": ("{n} not yet reviewed", "待复核 {n} 项"),
    "searched": ("last searched on {day}", "最近一次查询 {day}"),
    "searched_clean": ("searched on {day}, nothing found", "{day} 已查询，无命中"),
    "searched_hit": ("searched on {day}, names alike found", "{day} 已查询，发现相似名称"),
    "searched_error": ("the last search failed, last answer {day}", "最近一次查询失败，上次有结果的查询：{day}"),
    "searched_never": ("no search dated by then", "截至该日无查询记录"),
    # the limit
    "rounded_down": ("{currency}, rounded down", "{currency}，向下取整"),
    "limit_reason": ("reason: {reason}", "原因：{reason}"),
    # overrides
    "override_until": ("{number}: {what}, until {day}: {standing}", "{number}：{what}，至 {day}：{standing}"),
    "override_waits": ("{number} waits for approval", "{number} 待审批"),
    "state_waits": ("{state} is proposed and waits for approval", "已提议变更为{state}，待审批"),
    "override_ran_out": ("{number} ran out on {day}", "{number} 已于 {day} 到期失效"),
    "override_wrong": ("{number} counts for nothing: {text}", "{number} 无效：{text}"),
    "standing_in_force": ("in force", "生效中"),
    "standing_reduced": ("reduced to what the policy allows", "按政策上限调减"),
    "standing_needs_authority": ("needs the approval of a higher level", "须更高权限审批"),
    "standing_hard_stop": ("without effect, a hard stop holds", "未生效，存在停额否决项"),
    "standing_not_effective": ("without effect", "未生效"),
    "notch_by": ("tier by {steps} ({better})", "等级调整 {steps} 档（{better}）"),
    "better": ("better", "上调"),
    "worse": ("worse", "下调"),
    "limit_by_hand": ("limit {amount}", "额度 {amount}"),
    "limit_for_a_time": ("limit for a time {amount}", "临时额度 {amount}"),
    "limit_of_day": ("computed limit of {day}, {amount}", "{day} 测算额度 {amount}"),
    "state_proposed": ("state of the customer: {state}", "客户状态变更为{state}"),
    "finding_of": ("finding: {kind} ({source})", "调查发现：{kind}（{source}）"),
    "hold_let_through": ("hold released", "解除冻结"),
    "released_until": (
        "released until {day} ({number}); it would be on hold because:",
        "已解除冻结至 {day}（{number}）；原冻结原因：",
    ),
}

# Codes of closed lists, as people read them; a code that is not listed stands as it is.
CODES: Mapping[str, tuple[str, str]] = {
    "official": ("official", "正式"),
    "reconstructed": ("reconstructed", "重建"),
    "simulation": ("simulation", "模拟"),
    "expert": ("expert", "专家判断"),
    "calibrated": ("calibrated", "已校准"),
    "monthly_statement": ("monthly statement", "月结"),
    "per_invoice": ("per invoice", "逐票结算"),
    "prepayment": ("prepayment", "预付"),
    "sales_balance": ("sales balance", "按销售额测算"),
    "requested": ("requested", "申请额度"),
    "expected_loss": ("expected loss", "预期损失预算"),
    "tier_cap": ("cap of the tier", "等级上限"),
    "new_customer_cap": ("cap of new customers", "新客户上限"),
    "hard_stop": ("hard stop", "否决停额"),
    "tangible_net_worth_share": ("share of tangible net worth", "有形净资产比例"),
    "turnover_share": ("share of turnover", "营业收入比例"),
    "bureau_recommendation": ("recommendation of the bureau", "征信机构建议额度"),
    "probation": ("probation", "观察期折减"),
    "group_cap": ("cap of the group", "集团上限"),
    "raise_cap": ("cap on raises", "调增幅度上限"),
    "cut_cap": ("cap on cuts", "调减幅度上限"),
    "dead_band": ("too small a change", "变动过小不调整"),
    "carried_forward": ("stands until the review", "未到复评日，沿用原额度"),
    "manual": ("limit by hand", "手工额度"),
    "temporary": ("limit for a time", "临时额度"),
    "need": ("need", "需求"),
    "capacity": ("capacity", "承受能力"),
    "cap": ("cap", "上限"),
    "secured": ("secured", "担保增信"),
    "collateral": ("security", "担保净值"),
    "no_basis": ("no basis", "无测算依据"),
    "below_smallest_limit": ("below the smallest limit", "低于最小额度"),
    "segment_ceiling": ("ceiling of the segment", "客群等级上限"),
    "cure_ceiling": ("ceiling of the cure", "治愈期等级上限"),
    "state_ceiling": ("ceiling of the state", "客户状态等级上限"),
    "score": ("score", "评分"),
    "hysteresis_buffer": ("waits: buffer", "待上调：缓冲分"),
    "hysteresis_periods": ("waits: month ends", "待上调：连续月末"),
    "hysteresis_cooldown": ("waits: cooldown", "待上调：冷却期"),
    "hysteresis_step": ("one step up", "上调一级"),
    "notch_up": ("moved up by hand", "人工上调"),
    "notch_down": ("moved down by hand", "人工下调"),
    # events of default of the shipped policy
    "dpd90": ("more than 90 days past due", "逾期超过90天"),
    "write_off": ("written off", "呆账核销"),
    "distressed_plan": ("instalment plan for want of means", "因无力支付签订分期计划"),
    "insolvency": ("insolvency", "破产程序"),
    "insurance_claim": ("insurance claim", "信用保险报损"),
    "legal": ("our own suit", "我方诉讼、仲裁或执行"),
    "active": ("active", "正常"),
    "suspended": ("suspended", "暂停"),
    "exit_proposed": ("exit proposed", "拟退出"),
    "terminated": ("terminated", "已退出"),
    "unrated_coverage": ("too little evidence", "数据覆盖率不足"),
    "unrated_reweight": ("too little evidence", "已知因素权重不足"),
    "unrated_missing_factor": ("a factor without a value", "缺少必需因素"),
    # categories of factors
    "unqualified": ("unqualified", "标准无保留"),
    "reviewed": ("reviewed", "经审阅"),
    "tax_return": ("tax return", "纳税申报"),
    "management": ("management accounts", "管理层报表"),
    "qualified": ("qualified", "保留意见"),
    "going_concern": ("going concern doubt", "持续经营存疑"),
    "adverse": ("adverse", "否定意见"),
    "disclaimer": ("disclaimer", "无法表示意见"),
    "signed_with_retention_of_title": ("signed, retention of title", "已签，所有权保留"),
    "signed_with_guarantee": ("signed, with guarantee", "已签，有担保"),
    "signed": ("signed", "已签"),
    "general_terms_only": ("general terms only", "仅通用条款"),
    "expired": ("expired", "已到期"),
    "unsigned": ("unsigned", "未签"),
    "breached": ("breached", "已违约"),
    "increased_monitoring": ("increased monitoring", "加强监控"),
    "call_for_action": ("call for action", "行动呼吁"),
    "large": ("large", "大型"),
    "medium": ("medium", "中型"),
    "small": ("small", "小型"),
    "micro": ("micro", "微型"),
    # states
    "open": ("open", "进行中"),
    "published": ("published", "已发布"),
    "failed": ("failed", "失败"),
    "effective": ("effective", "生效"),
    "refused": ("refused", "被拒绝"),
    "no_op": ("no-op", "无变化"),
    "revoked": ("revoked", "已撤销"),
}


def say(name: str, one: One, **values: Any) -> str:
    """A sentence of PHRASES with its values. KeyError when there is none of that name."""
    return PHRASES[name][one == "zh"].format(**values)


def code(name: str | None, one: One) -> str:
    """The words for a code of CODES; another code with blanks for underscores."""
    if name is None:
        return ""
    return CODES[name][one == "zh"] if name in CODES else name.replace("_", " ")


def listed(parts: Iterable[str | None], one: One) -> str:
    """Parts of a sentence with the comma of the language between them; what is missing is left out."""
    return (", " if one == "en" else "，").join(part for part in parts if part)
