"""Words of the credit assessment (`explain`), the summary and the status page, in English and Chinese.

Put here: labels, sentences with places for values, and the words for codes of closed lists. Keep out: anything the policy or the
catalogue say themselves (tiers, reasons, factors).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from rich.cells import cell_len

Language = Literal["en", "zh", "both"]
One = Literal["en", "zh"]
COLON = {"en": ": ", "zh": "：", "both": ": "}
SHORT = 52  # columns up to which both languages of a line share it

WORDS = {
    "customer": ("Customer", "客户"),
    "customers": ("Customers", "客户数"),
    "tier": ("Tier", "风险等级"),
    "exposure": ("Exposure", "敞口"),
    "overdue": ("Overdue", "逾期"),
    "limits": ("Limits", "授信额度"),
    "holds": ("On hold", "冻结"),
    "total": ("Total", "合计"),
    "by_tier": ("Customers by tier", "各等级客户分布"),
    "moved": ("Customers that moved", "等级变动客户"),
    "why": ("Why", "原因"),
    "new_holds": ("New holds, largest exposure first", "新增冻结（按敞口排序）"),
    "next": ("What to do next", "下一步"),
    "memo": ("Credit assessment", "信用评估报告"),
    "score": ("Score", "评分"),
    "limit": ("Credit limit", "信用额度"),
    "ladder": ("How the limit came about", "额度测算"),
    "terms": ("Terms", "付款条件"),
    "hold": ("Hold", "冻结"),
    "sanctions": ("Sanctions", "制裁筛查"),
    "factors": ("What cost most points", "主要扣分因素"),
    "factor": ("Factor", "因素"),
    "invoice": ("Invoice", "发票"),
    "name": ("Name", "名称"),
    "move": ("Move", "变动"),
    "value": ("Value", "取值"),
    "points": ("Points", "得分"),
    "lost": ("Lost", "扣分"),
    "items": ("Open items behind the exposure", "敞口对应的未清项目"),
    "risk_types": ("Risk types", "风险类型"),
    "evidence": ("Evidence by subject", "分类证据"),
    "dated": ("Dated", "证据日"),
    "days_old": ("Days", "天数"),
    "sources": ("Sources", "依据"),
    "candidate": ("Candidate", "候选"),
    "amount": ("Amount", "金额"),
    "security": ("Security", "担保"),
    "course": ("Course", "历次评估"),
    "date": ("Date", "评估日"),
    "decided": ("Decided by", "决定因素"),
    "warnings": ("Early warnings", "预警"),
    "warning": ("Warning", "预警信号"),
    "severity": ("Severity", "严重程度"),
    "since": ("Since", "首次发现"),
    "actions": ("What is to be done", "管理措施"),
    "action": ("Action, and why", "措施及原因"),
    "owner": ("Who", "责任人"),
    "until": ("Until", "期限"),
    "review": ("Review", "复评"),
    "gross": ("Gross value", "担保价值"),
    "net": ("In the limit", "计入额度"),
    "counts_until": ("Counts until, or why not", "有效至／不计入原因"),
    "due": ("Due", "到期日"),
    "days": ("Days", "逾期天数"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "none": ("none", "无"),
    "feed": ("Feed", "数据源"),
    "delivery": ("Delivery", "批次"),
    "received": ("Received (UTC)", "接收时间（UTC）"),
    "stored": ("Stored", "入库行数"),
    "rejected": ("Rejected", "被拒行数"),
    "place": ("Source", "来源"),
    "rule": ("Rule", "规则"),
    "column": ("Column", "列"),
    "unit_days": ("days", "天"),
    "unit_months": ("months", "个月"),
    "unit_years": ("years", "年"),
    "unit_times": ("x", "倍"),
    "portfolio": ("Portfolio beyond what the policy wants", "组合超出政策限度"),
    # overrides
    "overrides": ("Overrides", "人工调整"),
    "change": ("change", "调整内容"),
    "reason": ("reason", "理由"),
    "people": ("people", "经办人"),
    "next_step": ("next", "下一步"),
    "note": ("note", "提示"),
    "requested_state": ("waits for approval", "待审批"),
    "in_force": ("in force", "生效中"),
    "ahead": ("approved, begins later", "已批准，尚未生效"),
    "lapsed": ("lapsed", "已失效"),
    "rejected_state": ("rejected", "已拒绝"),
    "withdrawn": ("withdrawn", "已撤回"),
}

# Of alerts: severities, states, and sentences.
ALERT_PHRASES = {
    "low": ("low", "低"),
    "medium": ("medium", "中"),
    "high": ("high", "高"),
    "critical": ("critical", "紧急"),
    "open": ("open", "待处理"),
    "acknowledged": ("acknowledged", "已确认"),
    "snoozed": ("snoozed", "已暂缓"),
    "closed": ("closed", "已关闭"),
    "head": ("Alerts in the assessment of {day}: {n}", "{day} 评估共 {n} 条预警"),
    "todo": ("To do: {what}", "应对措施：{what}"),
    "duty": ("{role}, since {first}, due {due}", "{role}，{first} 起，{due} 前处理"),
    "escalated": (", escalated to {role}", "，已上报{role}"),
    "done": ("{state} by {who} on {day}{until}", "{state}（{who}，{day}）{until}"),
    "until": (" until {day}", "，至 {day}"),
    "playbook": ("Playbook: {name}; lead {role}", "预案：{name}；牵头：{role}"),
    "step": ("{number}. {what} - {role}, {hours} h, by {due}", "{number}. {what}——{role}，{hours} 小时内，{due} 前"),
    "next": ("from the next run on: {command}", "自下次评估起生效：{command}"),
}

TREATMENT_PHRASES = {
    "low": ("low", "低"),
    "medium": ("medium", "中"),
    "high": ("high", "高"),
    "critical": ("critical", "紧急"),
    "open": ("open", "待处理"),
    "done": ("done", "已完成"),
    "waived": ("waived", "已免除"),
    "superseded": ("superseded", "不再需要"),
    "head": ("Treatments in the assessment of {day}: {n}", "{day} 评估共 {n} 条管理措施"),
    "todo": ("{what}: {why} ({rules})", "{what}：{why}（{rules}）"),
    "duty": ("{role}, since {first}, due {due}", "{role}，{first} 起，{due} 前处理"),
    "said": ("{state} by {who} on {day}", "{state}（{who}，{day}）"),
    "next": ("from the next run on: {command}", "自下次评估起生效：{command}"),
}

# Sentences; the values in braces are filled in.
PHRASES = {
    # course and early warnings
    "held_means": ("limit: what is in force; * orders on hold", "额度为生效额度；* 冻结中"),
    "noticed": ("{signal}: {value}", "{signal}：{value}"),
    "begins": ("playbook: {book}", "预案：{book}"),
    "all_warnings": ("what to do about them, step by step: {command}", "措施与预案步骤：{command}"),
    "late_means": ("! overdue", "! 已超期"),
    # head of the memo
    "account_manager": ("account manager {who}", "客户经理：{who}"),
    "customer_since": ("customer since {day}", "{day} 起成为客户"),
    "derived": ("not in the customer master, derived from the ledger", "客户主数据中不存在，由账务数据推得"),
    # tier
    "from_tier": ("from {tier}", "原为{tier}"),
    "first_assessment": ("(first assessment)", "（首次评估）"),
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
    "score_alone": ("by the score alone: {tier}", "仅按评分：{tier}"),
    "also_holds": ("also holds, not decisive: {rule}: {text}", "同时触发（非决定因素）：{rule}：{text}"),
    "default_seen": ("in default, first seen {day} ({events})", "已违约，首次认定日 {day}（{events}）"),
    "default_waiting": (
        "in default, first seen {day} (no event holds any more, not cured yet)",
        "已违约，首次认定日 {day}（违约事件已消除，尚未治愈）",
    ),
    # score
    "of_100": ("{score} of 100", "{score} 分（满分 100）"),
    "grade": ("grade {grade}", "主标尺等级 {grade}"),
    "pd": ("PD {pd} ({status})", "违约概率 {pd}（{status}）"),
    "in_default": ("in default", "已违约"),
    "coverage": ("coverage {pct} %", "数据覆盖率 {pct}%"),
    "confidence": ("confidence {pct} %", "可信度 {pct}%"),
    # evidence
    "not_known": ("not known", "缺少信息"),
    "stale_drop": ("too old, counts as not known", "证据过期，视同缺少信息"),
    "stale_decay": ("aged: its points move towards those of no value", "证据过期，得分趋近缺失值"),
    "left_out": ("left out of the score ({reason}): {factors}", "未计入评分（{reason}）：{factors}"),
    "also": ("rules of the policy also read", "政策规则另引用"),
    "change_means": ("↓ ↑ points less or more than on {day}", "↓ ↑ 较 {day} 得分减少或增加"),
    "old_means": ("! older than the policy wants", "! 超过政策规定的时效"),
    "all_facts": ("every fact of a table: {command}", "查看表内全部事实：{command}"),
    "given_of": ("{what} {given} of {most}", "{what} {given}/{most}"),
    # limit, exposure, terms
    "limit_set_by": ("set by {who}", "由 {who} 核定"),
    "limit_before": ("before {amount}", "此前 {amount}"),
    "valid_to": ("valid to {day}", "有效期至 {day}"),
    "overdue_of": ("overdue {amount}", "逾期 {amount}"),
    "overdue_oldest": ("overdue {amount} (oldest {days} days)", "逾期 {amount}（最长 {days} 天）"),
    "no_limit_covers": ("not covered by a limit", "无信用额度覆盖"),
    "share_of_limit": ("{share} of the limit", "占额度 {share}"),
    "headroom": ("headroom {amount}", "可用额度 {amount}"),
    "terms_by": ("set by: {reason}", "账期依据：{reason}"),
    "terms_proposed": ("proposed: {days} days, at which the sales fit the limit", "建议缩短至 {days} 天，使销售额与额度匹配"),
    "next_review": ("by {day}: {reason}", "{day} 前：{reason}"),
    "limit_stands": ("the limit stands as decided on {day}", "额度沿用 {day} 的核定结果"),
    "terms_days": ("{days} days", "账期 {days} 天"),
    "prepaid_share": ("{pct} % prepayment", "预付 {pct}%"),
    # sanctions
    "sanctions_confirmed": ("{n} confirmed", "已确认 {n} 项"),
    "sanctions_unreviewed": ("{n} not yet reviewed", "待复核 {n} 项"),
    "searched": ("last searched on {day}", "最近一次查询 {day}"),
    "searched_clean": ("searched on {day}, nothing found", "{day} 已查询，无命中"),
    "searched_hit": ("searched on {day}, names alike found", "{day} 已查询，发现相似名称"),
    "searched_error": ("the last search failed, last answer {day}", "最近一次查询失败，上次有结果的查询：{day}"),
    "searched_never": ("no search dated by then", "截至该日无查询记录"),
    # ladder
    "decides": ("decides", "决定额度"),
    "rounded_down": ("{currency}, rounded down", "{currency}，向下取整"),
    "limit_reason": ("reason: {reason}", "原因：{reason}"),
    # items and evidence
    "disputed_part": ("disputed {amount}", "争议 {amount}"),
    "offset_part": ("offset {amount}", "抵减 {amount}"),
    "oldest_of": ("the oldest {shown} of {all}; all of them: {command}", "最早的 {shown} 项，共 {all} 项；查看全部：{command}"),
    "run": (
        "run {run}, {label}, policy {policy} ({hash}), code {code}",
        "评估 {run}，{label}，政策 {policy}（{hash}），程序 {code}",
    ),
    "known": (
        "known at {at} UTC; invoices from {first} to {last}, last payment {paid}",
        "知悉截止 {at} UTC；发票日期 {first} 至 {last}，最近收款 {paid}",
    ),
    "rejected_of_customer": (
        "rejected rows that name this customer, missing from the figures: {n}",
        "涉及该客户但被拒收的数据行（未计入以上数字）：{n}",
    ),
    "rejected_more": ("and {n} more: risk-pipeline quarantine list", "另有 {n} 行：risk-pipeline quarantine list"),
    # summary
    "more": ("and {n} more", "另有 {n} 个"),
    "sql_client": ("any SQL client, read-only: {path}", "任意 SQL 客户端（只读）：{path}"),
    "rows_rejected": (
        "{rows} rejected in {feeds}: risk-pipeline quarantine list{where}",
        "{n_feeds} 个数据源中有 {n_rows} 行被拒收：risk-pipeline quarantine list{where}",
    ),
    # feeds without effect
    "feed_unread": (
        "{feed} is delivered and changes nothing: policy {policy} reads none of its columns",
        "数据源 {feed} 已交付，但政策 {policy} 未引用其任何字段，对结果无影响",
    ),
    "feed_unread_here": (
        "{feed} is delivered and changes nothing: policy {policy} reads it in the scorecard {cards}, which no customer has",
        "数据源 {feed} 已交付，但政策 {policy} 仅在评分卡 {cards} 中引用，而没有客户适用，对结果无影响",
    ),
    # portfolio
    "over_exposure_share": ("{what}: {value} of all exposure, at most {cap}", "{what}：占总敞口 {value}，上限 {cap}"),
    "over_customer_share": ("{what}: {value} of all customers, at most {cap}", "{what}：占全部客户 {value}，上限 {cap}"),
    "over_expected_loss": (
        "{what}: expected loss {value} {currency}, budget {cap}",
        "{what}：预期损失 {value} {currency}，预算 {cap}",
    ),
    "portfolio_owner": (
        "for {role} to decide; no limit is cut for it: {command}",
        "由{role}研究决定，不自动调减额度：{command}",
    ),
    # overrides and verdicts on limits
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
    "hold_let_through": ("hold released", "解除冻结"),
    "released_until": (
        "released until {day} ({number}); it would be on hold because:",
        "已解除冻结至 {day}（{number}）；原冻结原因：",
    ),
    "from_to": ("{what}, {first} to {last}", "{what}，{first} 至 {last}"),
    "asked_by": ("asked by {who} ({role}) on {day}", "{who}（{role}）于 {day} 申请"),
    "approved_by": ("approved by {who} ({role}) on {day}", "{who}（{role}）于 {day} 批准"),
    "rejected_by": ("rejected by {who} ({role}) on {day}", "{who}（{role}）于 {day} 拒绝"),
    "withdrawn_by": ("withdrawn by {who} ({role}) on {day}", "{who}（{role}）于 {day} 撤回"),
    "who_may": ("one of {roles} decides: {command}", "由 {roles} 之一审批：{command}"),
    "next_run_uses_it": ("the next run uses it: {command}", "下次评估起生效：{command}"),
    "next_run_leaves_it": ("the next run does without it: {command}", "下次评估不再采用：{command}"),
    "nothing_changes": ("nothing changes; a new request starts anew", "不作调整；可重新提出申请"),
    "limit_verdict": (
        "{number}: limit of {customer} of {day}, {amount}: {verdict}",
        "{number}：{customer} 于 {day} 的额度 {amount}：{verdict}",
    ),
    "limits_wait": ("Limits that wait for a person in the assessment of {day}: {n}", "{day} 评估中待人工审批的额度：{n}"),
    "limit_waits": (
        "{customer}: {limit_reporting}, in force until then {effective_limit}",
        "{customer}：{limit_reporting}，获批前生效额度 {effective_limit}",
    ),
    "limit_was_rejected": (
        "{customer}: {limit_reporting} was rejected, in force {effective_limit}",
        "{customer}：{limit_reporting} 已被拒绝，生效额度 {effective_limit}",
    ),
    "limit_said_since": (
        "{verdict} by {who} on {day}, counts from the next run on",
        "{who} 于 {day} {verdict}，自下次评估起生效",
    ),
    "approved": ("approved", "已批准"),
    "rejected": ("rejected", "已拒绝"),
    # status
    "workspace": ("Workspace {path}", "工作区 {path}"),
    "nothing_published": (
        "nothing is published yet in this workspace; assess a date: risk-pipeline run --as-of DATE",
        "本工作区尚未发布评估；评估某一日期：risk-pipeline run --as-of DATE",
    ),
    "published": ("Published: {dates}, newest {newest}", "已发布：{dates}，最新 {newest}"),
    "one_date": ("1 date", "1 个日期"),
    "n_dates": ("{n} dates", "{n} 个日期"),
    "snapshot": ("snapshot {number} of {at}, {label}, policy {policy}", "快照 {number}（{at}），{label}，政策 {policy}"),
    "stale": (
        "an earlier date was assessed again after {dates}: assess that again too",
        "{dates} 评估之后，更早日期被重新评估：请重新评估",
    ),
    "nothing_delivered": (
        "nothing was delivered yet: describe your feeds in feeds/*.yaml, then risk-pipeline ingest",
        "尚无数据交付：请在 feeds/*.yaml 中描述数据源，然后执行 risk-pipeline ingest",
    ),
    "last_deliveries": ("Last delivery of each feed that brought something", "各数据源最近一次有内容的批次"),
    "feed_refused": ("{feed} refused: {message}", "{feed} 被拒绝：{message}"),
    "last_run": ("Last run: {day} {state}", "最近一次评估：{day} {state}"),
    "not_ended": ("it did not end: its process is working, or was killed", "尚未结束：进程仍在运行，或已被终止"),
}

# Codes of closed lists, as people read them; a code that is not listed stands as it is.
CODES = {
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


def both(en: str | None, zh: str | None, language: Language, between: str = " ") -> str:
    """The text in the wanted language, or both; one that is missing is left out."""
    chosen = {"en": [en], "zh": [zh or en], "both": [en, zh]}[language]
    return between.join(dict.fromkeys(text for text in chosen if text))


def word(name: str, language: Language) -> str:
    """A label of WORDS in the wanted language."""
    return both(*WORDS[name], language)


def say(name: str, language: Language, **values: Any) -> str:
    """A sentence of PHRASES with its values in the wanted language; both languages stand in two lines where one would be long."""
    return each(language, lambda one: PHRASES[name][one == "zh"].format(**values))


def each(language: Language, make: Callable[[One], str]) -> str:
    """What `make` gives for the wanted language, or for both: beside each other while short, else in two lines."""
    if language != "both":
        return make(language)
    en, zh = make("en"), make("zh")
    if en == zh:
        return en
    short = "\n" not in en + zh and cell_len(en) + cell_len(zh) < SHORT
    return f"{en}{' ' if short else chr(10)}{zh}"


def code(name: str | None, language: Language) -> str:
    """The words for a code of CODES; another code with blanks for underscores."""
    if name is None:
        return ""
    return both(*CODES[name], language) if name in CODES else name.replace("_", " ")


def listed(parts: Iterable[str | None], language: One) -> str:
    """Parts of a sentence with the comma of the language between them; what is missing is left out."""
    return (", " if language == "en" else "，").join(part for part in parts if part)


def because(text: str, reason: str | None, language: One) -> str:
    """`text`, and after a colon of the language the reason somebody gave for it, where there is one."""
    return f"{text}{COLON[language]}{reason}" if reason else text


def headers(names: str, language: Language) -> list[str]:
    """Labels for the heads of columns, from names with spaces between; "-" is an empty head. Two languages in two lines."""
    return ["" if name == "-" else both(*WORDS[name], language, between="\n") for name in names.split()]
