"""Words of the evidence pack in English and Chinese: headings, names of columns, sentences.

Put here: what the pages of a pack say themselves. Keep out: what the policy, the catalogue and the contracts say, and the words
of the screen (cli.texts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from risk_pipeline.reporting import phrases

Language = Literal["en", "zh", "both"]

WORDS: Mapping[str, tuple[str, str]] = {
    # pages and sections
    "credit_file": ("Credit file", "客户资信档案"),
    "run_file": ("Evidence of an assessment", "评估证据包"),
    "questions": ("Questions of a reviewer, and where they are answered", "复核要点及对应章节"),
    "decision": ("Decision", "决策结果"),
    "reasons": ("Reasons", "决策理由"),
    "course": ("Assessments before", "历次评估"),
    "warnings": ("Early warnings", "预警"),
    "by_hand": ("Decided by people", "人工决定"),
    "portfolio": ("Portfolio, and the share of overrides", "组合概况及人工调整占比"),
    "risk_types": ("Score by kind of risk", "各类风险得分"),
    "factors": ("Factors by points lost", "扣分因素"),
    "evidence": ("Evidence by subject", "分类证据"),
    "ladder": ("How the limit came about", "额度测算"),
    "group": ("Group", "关联集团"),
    "group_exposure": ("exposure of the group", "集团敞口"),
    "group_parent": ("parent", "母公司"),
    "securities": ("Securities", "担保"),
    "actions": ("What is to be done", "管理措施"),
    "items": ("Open items", "未清项目"),
    "rejected": ("Rejected rows that name the customer", "被拒收的相关记录"),
    "people": ("Approvals and overrides", "审批与人工调整"),
    "sources": ("Sources", "数据来源"),
    "files": ("Delivered files", "交付文件"),
    "checks": ("Checks of the run", "运行检查"),
    "events": ("Audit log", "审计日志"),
    "lineage": ("Where the limit comes from", "额度数据血缘"),
    "run": ("Run", "运行信息"),
    "contents": ("Files of this pack", "本证据包文件"),
    "tiers": ("Customers by tier", "各等级客户分布"),
    "changes": ("Changes since the assessment before", "较上次评估的变动"),
    "tables": ("Published tables and their hashes", "已发布数据表及哈希值"),
    # rows and columns
    "customer": ("Customer", "客户"),
    "customers": ("Customers", "客户数"),
    "as_of": ("As of", "评估基准日"),
    "label": ("Kind of run", "运行性质"),
    "tier": ("Tier", "风险等级"),
    "model_tier": ("Tier by score alone", "模型等级"),
    "previous_tier": ("Tier before", "上次等级"),
    "decided_by": ("What decided it", "决定规则"),
    "score": ("Score", "评分"),
    "grade": ("Grade", "信用等级"),
    "pd": ("Probability of default", "违约概率"),
    "coverage": ("Coverage", "证据覆盖率"),
    "limit": ("Credit limit", "信用额度"),
    "previous_limit": ("Limit before", "上次额度"),
    "valid_to": ("Valid to", "有效期至"),
    "exposure": ("Exposure", "敞口"),
    "overdue": ("Overdue", "逾期"),
    "utilisation": ("Use of the limit", "额度使用率"),
    "terms": ("Payment terms", "付款条件"),
    "day": ("day", "天"),
    "months": ("months", "个月"),
    "years": ("years", "年"),
    "times": ("times", "倍"),
    "days": ("days", "天"),
    "prepayment": ("Prepayment", "预付比例"),
    "hold": ("On hold", "冻结"),
    "approval": ("Approval", "审批状态"),
    "authority": ("authority required", "所需审批权限"),
    "review": ("Next review", "下次复评"),
    "policy": ("Policy", "政策版本"),
    "written_by": ("written by", "起草人"),
    "approved_by": ("approved by", "批准人"),
    "launched_by": ("Launched by", "运行发起人"),
    "overrides": ("By hand", "人工调整"),
    "sanctions": ("Sanctions", "制裁筛查"),
    "in_default": ("Default", "违约"),
    "effective_limit": ("Limit in force", "生效额度"),
    "period_start": ("Limit at the start of the period", "期初额度"),
    "asked": ("Asked by", "申请人"),
    "verdict": ("Decided by", "审批结论"),
    "deputy": ("for", "代行"),
    "from_to": ("From – to", "有效期间"),
    "why": ("Why", "理由"),
    "warning": ("Warning", "预警信号"),
    "since": ("Since", "首次发现"),
    "share": ("Share of exposure", "敞口占比"),
    "customer_share": ("Share of customers", "客户数占比"),
    "cap": ("At most", "上限"),
    "over_cap": ("over", "超限"),
    "part": ("Part", "维度"),
    "columns": ("Columns", "字段"),
    "factor": ("Factor", "因素"),
    "value": ("Value", "取值"),
    "weight": ("Weight", "权重"),
    "points": ("Points", "得分"),
    "lost": ("Lost", "扣分"),
    "dated": ("Dated", "证据日"),
    "age": ("Days old", "距今天数"),
    "reason": ("Reason", "理由"),
    "candidate": ("Candidate", "候选额度"),
    "kind": ("Kind", "类别"),
    "amount": ("Amount", "金额"),
    "inputs": ("Inputs", "计算输入"),
    "binding": ("decides", "起决定作用"),
    "gross": ("Gross value", "担保价值"),
    "net": ("In the limit", "计入额度"),
    "until": ("Until", "期限"),
    "action": ("Action", "措施"),
    "owner": ("Who", "责任人"),
    "invoice": ("Invoice", "发票"),
    "due": ("Due", "到期日"),
    "past_due": ("Days past due", "逾期天数"),
    "open": ("Open", "未清金额"),
    "currency": ("Currency", "币种"),
    "feed": ("Feed", "数据源"),
    "rows": ("Rows", "行数"),
    "key": ("Key", "主键"),
    "delivery": ("Delivery", "批次"),
    "received": ("Received (UTC)", "接收时间（UTC）"),
    "known": ("Known from (UTC)", "知悉时间（UTC）"),
    "file": ("File", "文件"),
    "line": ("Line", "行号"),
    "rule": ("Rule", "规则"),
    "column": ("Column", "列"),
    "check": ("Check", "检查"),
    "table": ("Table", "数据表"),
    "result": ("Result", "结果"),
    "severity": ("Severity", "级别"),
    "detail": ("Detail", "说明"),
    "number": ("No.", "序号"),
    "at": ("At (UTC)", "时间（UTC）"),
    "actor": ("By whom", "操作人"),
    "what": ("What", "事项"),
    "subject": ("About", "对象"),
    "hash": ("Hash", "哈希值"),
    "limits": ("Limits", "授信额度"),
    "holds": ("On hold", "冻结数"),
    "run_id": ("Run id", "运行编号"),
    "known_at": ("What was known at (UTC)", "知悉截止时间（UTC）"),
    "published": ("Published (UTC)", "发布时间（UTC）"),
    "previous": ("Assessment before", "上次评估"),
    "code": ("Code", "代码版本"),
    "manifest": ("Manifest", "运行清单"),
    # words in cells
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "none": ("none", "无"),
    "passed": ("passed", "通过"),
    "failed": ("failed", "未通过"),
    "official": ("official", "正式"),
    "reconstructed": ("reconstructed", "补评"),
    "simulation": ("simulation", "模拟"),
    # sentences
    "more": ("{shown} of {all} shown; all of them in {file}.", "显示 {shown} 条，共 {all} 条；全部见 {file}。"),
    "all_in": ("All columns in {file}.", "全部字段见 {file}。"),
    "duties": (
        "Segregation of duties over all that the run rests on: {kept} of {all} duties kept.",
        "职责分离（覆盖本次运行所依据的全部事项）：{all} 项要求中 {kept} 项符合。",
    ),
    "checks_passed": ("{passed} of {all} checks passed.", "{all} 项检查中 {passed} 项通过。"),
    "passed_in": ("Those that passed are in {file}.", "已通过的检查见 {file}。"),
    "chain": (
        "Each hash covers the event before it; risk-pipeline audit verify checks the whole chain.",
        "每条哈希值均包含前一条记录；可用 risk-pipeline audit verify 验证整条链。",
    ),
    "verify": (
        "To check that no file was changed: sha256sum --check SHA256SUMS, in this folder.",
        "核对文件是否被改动：在本文件夹运行 sha256sum --check SHA256SUMS。",
    ),
    "again": (
        "To compute the run again and compare every table: {command}.",
        "重新计算该次运行并逐表比对：{command}。",
    ),
    "drawing": (
        "Value lineage of {column}, from the feeds on the left; the same drawing is in {file}.",
        "{column} 的取值来源，左侧为数据源；图形另存于 {file}。",
    ),
    "not_known": ("not known", "未知"),
    "late": ("! overdue", "! 已超期"),
    "released": (
        "released until {day} ({number}); without it, on hold for the reasons below",
        "已解除冻结至 {day}（{number}）；若无解除，因下列原因冻结",
    ),
    "recorded_here": ("recorded with this program", "由本程序登记"),
    "acted_for": ("for {who}, as deputy", "代 {who} 行使"),
    "rule_of": ("{rule}: {text}", "{rule}：{text}"),
    "policy_by": (
        "written by {author}, approved by {approver}, in force from {day}; the whole policy is in manifest.json.",
        "起草人 {author}，批准人 {approver}，{day} 起生效；政策全文见 manifest.json。",
    ),
    "loss": ("expected loss {loss} {currency}, budget {budget}", "预期损失 {loss} {currency}，预算 {budget}"),
    "known_means": (
        "Known from: when this program could know the row. The run used rows dated up to {day} and known up to {known} UTC.",
        "知悉时间：本程序可获知该行数据的时间。本次运行仅使用证据日不晚于 {day}、知悉时间不晚于 {known}（UTC）的数据。",
    ),
    "behind": (
        "Columns whose values the limit of {day} is made of:",
        "{day} 额度取值所依据的字段：",
    ),
    "asks_tier": ("Why this tier and this limit?", "等级与额度的依据？"),
    "asks_evidence": ("On what evidence, from which lines of which files?", "依据哪些证据，来自哪些文件的哪些行？"),
    "asks_known": ("What was known, and when?", "当时已知哪些信息，何时知悉？"),
    "asks_approved": ("Who asked, who approved, under which policy?", "由谁申请、由谁批准、适用哪版政策？"),
    "asks_again": ("Is it complete and unchanged, and where is the same again?", "是否完整且未经改动，如何复现？"),
    "of_scope": (
        "Rows that the run saw of the customer, its group and guarantors, and the rates and series that bear on them.",
        "本次运行所见的客户、关联集团及担保人数据，以及相关汇率与指标。",
    ),
}

# Codes in cells that the screen does not show, or shows otherwise; phrases.CODES has the others.
CELLS: Mapping[str, tuple[str, str]] = {
    # approval of a limit, verdicts of people
    "auto": ("by the program, within its authority", "系统授权内自动核定"),
    "pending": ("waits for a person", "待人工审批"),
    "approved": ("approved", "已批准"),
    "rejected": ("rejected", "已拒绝"),
    "withdrawn": ("withdrawn", "已撤回"),
    "confirmed": ("confirmed", "已确认"),
    "cleared": ("cleared", "已排除"),
    "unreviewed": ("not yet reviewed", "待复核"),
    # kinds of findings
    "sanction": ("sanctions list", "制裁名单"),
    "pep": ("politically exposed person", "政治公众人物"),
    "litigation": ("lawsuit", "诉讼"),
    "judgment_debtor": ("judgment debtor", "被执行人"),
    "dishonest_judgment_debtor": ("dishonest judgment debtor", "失信被执行人"),
    "consumption_restriction": ("restriction of consumption", "限制高消费"),
    "equity_freeze": ("equity frozen", "股权冻结"),
    "equity_pledge": ("equity pledged", "股权出质"),
    "chattel_mortgage": ("chattel mortgage", "动产抵押"),
    "tax_arrears": ("tax arrears", "欠税"),
    "penalty": ("administrative penalty", "行政处罚"),
    "abnormal_operation": ("listed for abnormal operations", "经营异常"),
    "serious_illegal_list": ("listed for serious violations", "严重违法失信"),
    "registry_status": ("state in the register", "工商登记状态"),
    "legal_representative_change": ("change of legal representative", "法定代表人变更"),
    "shareholder_change": ("change of shareholders", "股东变更"),
    "capital_reduction": ("reduction of capital", "减资"),
    "bill_overdue": ("overdue bills", "票据逾期"),
    "court_hearing": ("court hearing", "开庭公告"),
    "adverse_media": ("adverse media", "负面舆情"),
    "regulatory": ("regulatory measure", "监管措施"),
    "fraud": ("fraud", "欺诈"),
    "none": ("none", "无"),
    # what is done about warnings and actions
    "acknowledge": ("acknowledged", "已确认"),
    "snooze": ("snoozed", "已暂缓"),
    "close": ("closed", "已关闭"),
    "done": ("done", "已完成"),
    "waived": ("waived", "已免除"),
    # how grave
    "warn": ("warning", "警告"),
    "error": ("error", "错误"),
    "severity_low": ("low", "低"),
    "severity_medium": ("medium", "中"),
    "severity_high": ("high", "高"),
    "severity_critical": ("critical", "紧急"),
    # what a candidate of the limit is computed from
    "amount": ("amount", "金额"),
    "share": ("share", "比例"),
    "annual_sales": ("sales of 12 months", "近12个月销售额"),
    "avg_monthly_sales_12m": ("monthly sales, 12 months", "近12个月月均销售额"),
    "avg_monthly_sales_3m": ("monthly sales, 3 months", "近3个月月均销售额"),
    "terms_days": ("payment terms in days", "账期天数"),
    "tolerance_days": ("days of tolerance", "宽限天数"),
    "budget_share_of_sales_12m": ("loss budget, share of sales", "损失预算占销售额比例"),
    "lgd": ("loss given default", "违约损失率"),
    "pd": ("probability of default", "违约概率"),
    "class": ("size class", "规模类别"),
    "previous_limit": ("limit before", "上次额度"),
    "period_start_limit": ("limit at the start of the period", "期初额度"),
    "requested_limit": ("limit asked for", "申请额度"),
    "months_since_first_invoice": ("months since the first invoice", "首张发票至今月数"),
    "relationship_months": ("months of trading", "合作月数"),
    "until_months": ("until months", "截止月数"),
    "limit_factor": ("factor", "折减系数"),
    "net_value": ("net value", "担保净值"),
    "computed": ("computed", "测算额度"),
    "knockout": ("rule", "规则"),
    "state": ("state", "状态"),
    "zero": ("zero", "零额度"),
    "secured_only": ("secured part only", "仅限担保部分"),
}


def word(name: str, language: Language) -> str:
    """A word, of both languages with a point between. KeyError when there is none of that name."""
    return said(WORDS[name][0], WORDS[name][1], language)


def sentence(name: str, language: Language, **values: object) -> str:
    """A sentence with its values put in."""
    en, zh = (each.format(**values) for each in WORDS[name])
    return said(en, zh, language)


def code(name: str | None, one: phrases.One) -> str:
    """The words for a code in a cell; another code with blanks for underscores."""
    return CELLS[name][one == "zh"] if name and name in CELLS else phrases.code(name, one)


def said(en: str | None, zh: str | None, language: Language) -> str:
    """A text that data brings in both languages; where one is missing or they are alike, one of them."""
    if language == "both":
        return " · ".join(dict.fromkeys(each for each in (en, zh) if each))
    return (zh if language == "zh" else en) or en or zh or ""
