"""Words of the evidence pack in English and Chinese: headings, names of columns, sentences.

Put here: what the pages of a pack say themselves. Keep out: what the policy, the catalogue and the contracts say, and the words
of the screen (cli.texts).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["en", "zh", "both"]

WORDS: Mapping[str, tuple[str, str]] = {
    # pages and sections
    "credit_file": ("Credit file", "客户资信档案"),
    "run_file": ("Evidence of an assessment", "评估证据包"),
    "decision": ("Decision", "决策结果"),
    "reasons": ("Reasons", "决策理由"),
    "factors": ("Factors by points lost", "扣分因素"),
    "evidence": ("Evidence by subject", "分类证据"),
    "ladder": ("How the limit came about", "额度测算"),
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
    "decided_by": ("Decided by", "决定规则"),
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
    "days": ("days", "天"),
    "prepayment": ("Prepayment", "预付比例"),
    "hold": ("On hold", "冻结"),
    "approval": ("Approval", "审批状态"),
    "authority": ("Authority required", "所需审批权限"),
    "review": ("Next review", "下次复评"),
    "policy": ("Policy", "政策版本"),
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
    "of_scope": (
        "Rows that the run saw of the customer, its group and guarantors, and the rates and series that bear on them.",
        "本次运行所见的客户、关联集团及担保人数据，以及相关汇率与指标。",
    ),
}


def word(name: str, language: Language) -> str:
    """A word, of both languages with a point between. KeyError when there is none of that name."""
    return said(WORDS[name][0], WORDS[name][1], language)


def sentence(name: str, language: Language, **values: object) -> str:
    """A sentence with its values put in."""
    en, zh = (each.format(**values) for each in WORDS[name])
    return said(en, zh, language)


def said(en: str | None, zh: str | None, language: Language) -> str:
    """A text that data brings in both languages; where one is missing or they are alike, one of them."""
    if language == "both":
        return " · ".join(dict.fromkeys(each for each in (en, zh) if each))
    return (zh if language == "zh" else en) or en or zh or ""
