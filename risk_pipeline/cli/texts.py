"""Words of the credit assessment (`explain`), the summary and the status page, in English and Chinese.

Put here: labels, and sentences with places for values. Keep out: what the evidence pack says too (reporting.phrases), and what
the policy or the catalogue say themselves (tiers, reasons, factors).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rich.cells import cell_len

from risk_pipeline.reporting import phrases
from risk_pipeline.reporting.phrases import CODES

Language = Literal["en", "zh", "both"]
One = phrases.One
listed = phrases.listed
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
    # lineage
    "rows": ("Rows", "行数"),
    "rows_behind": ("Feed rows behind it", "所依据的明细行"),
    "first_date": ("From", "最早"),
    "last_date": ("To", "最晚"),
    "acting": ("Act", "有效"),
    "acts": ("Acts", "是否有效"),
    "row": ("Row", "明细行"),
    "row_id": ("Row id", "行标识"),
    "row_dated": ("Dated", "日期"),
    "line": ("Line", "文件行"),
    "file": ("File", "文件"),
    "sha_begins": ("SHA-256 begins", "SHA-256 前段"),
    "known_since": ("Known since (UTC)", "知悉时间（UTC）"),
    "kind": ("Kind", "类别"),
    "binds": ("Decides", "起决定作用"),
    "published": ("Published", "已发布"),
    "without": ("Without it", "剔除后"),
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
    **phrases.PHRASES,
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
    "score_alone": ("by the score alone: {tier}", "仅按评分：{tier}"),
    "also_holds": ("also holds, not decisive: {rule}: {text}", "同时触发（非决定因素）：{rule}：{text}"),
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
    # ladder
    "decides": ("decides", "决定额度"),
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
    # lineage
    "way_head": (
        "{customer} as of {day}, run {run}, policy {policy}",
        "{customer}，评估基准日 {day}，评估 {run}，政策 {policy}",
    ),
    "way_limit": (
        "limit {amount}, set by {method}; in force {effective}",
        "额度 {amount}，由 {method} 决定；生效额度 {effective}",
    ),
    "way_tier": (
        "tier {tier} (model {model} → hysteresis {hysteresis} → notched {notched}; ceiling {ceiling}), decided by {rule}",
        "等级 {tier}（模型 {model} → 缓冲后 {hysteresis} → 人工调整后 {notched}；上限 {ceiling}），由 {rule} 决定",
    ),
    "way_score": ("score {score} on card {card}, coverage {coverage} %", "评分 {score}，评分卡 {card}，覆盖率 {coverage}%"),
    "rows_of_figure": ("The rows of one figure: {command}", "某一数值的明细行：{command}"),
    "line_same": ("as delivered", "与交付时一致"),
    "line_changed": ("the file has other bytes than delivered", "文件内容与交付时不同"),
    "line_gone": ("the file is not there", "文件已不存在"),
    "first_of": ("the first {shown} of {all}; all with --json", "显示前 {shown} 项，共 {all} 项；--json 输出全部"),
    "impact_head": ("{said}: {rows} ({feeds})", "{said}：{n} 行（{feeds}）"),
    "impact_none": ("no published assessment rests on it", "没有已发布的评估以此为依据"),
    "impact_date": (
        "{day}: figures of {customers} rest on it ({names}); without it {figures} of {changed} would be others",
        "{day}：{n_customers} 个客户的数值以此为依据（{names_zh}）；若无此数据，{n_changed} 个客户的 {n_figures} 项数值将不同",
    ),
    "impact_many": (
        "{day}: figures of {customers} rest on it ({names}); too many to be computed again without it",
        "{day}：{n_customers} 个客户的数值以此为依据（{names_zh}）；数量过多，未重新计算",
    ),
    "and_more": ("{names} and {n} more", "{names}等，另有 {n} 个"),
    "would_be_gone": ("would be gone", "不再出现"),
    "would_be_new": ("would be new", "将会出现"),
    "replayed": (
        "Run {run}, as of {day}, known at {at} UTC",
        "评估 {run}，评估基准日 {day}，知悉截止 {at} UTC",
    ),
    "identical": (
        "Identical: {n} tables computed again have the hashes that were published.",
        "完全一致：重新计算的 {n} 张表与已发布的哈希相同。",
    ),
    "not_identical": (
        "NOT identical: {different} of {n} tables came out otherwise.",
        "不一致：{n} 张表中有 {different} 张结果不同。",
    ),
    "restated": (
        "As of {day}: published with what was known at {then}, compared with {now} UTC",
        "评估基准日 {day}：已发布结果（知悉截止 {then}）与 {now} UTC 知悉情况的比较",
    ),
    "restated_moves": (
        "{deliveries} in between; {customers} would have been decided otherwise",
        "期间有 {n_deliveries} 个批次；{n_customers} 个客户的结论将不同",
    ),
    "restated_next": ("What was published of one, down to its rows: {command}", "已发布结论及其明细行：{command}"),
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


def because(text: str, reason: str | None, language: One) -> str:
    """`text`, and after a colon of the language the reason somebody gave for it, where there is one."""
    return f"{text}{COLON[language]}{reason}" if reason else text


def headers(names: str, language: Language) -> list[str]:
    """Labels for the heads of columns, from names with spaces between; "-" is an empty head. Two languages in two lines."""
    return ["" if name == "-" else both(*WORDS[name], language, between="\n") for name in names.split()]
