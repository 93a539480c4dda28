"""Words of the credit memo and the summary, in English and Chinese.

Put here: labels. Keep out: anything the policy or the contracts say themselves (tiers, reasons, column meanings).
"""

from __future__ import annotations

from typing import Literal

Language = Literal["en", "zh", "both"]

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
    "new_holds": ("New holds, largest exposure first", "新增冻结(按敞口排序)"),
    "next": ("What to do next", "下一步"),
    "memo": ("Credit memo", "信用备忘录"),
    "score": ("Score", "评分"),
    "limit": ("Credit limit", "信用额度"),
    "ladder": ("How the limit came about", "额度测算"),
    "terms": ("Terms", "付款条件"),
    "hold": ("Hold", "冻结发货"),
    "factors": ("What cost most points", "主要扣分因素"),
    "factor": ("Factor", "因素"),
    "invoice": ("Invoice", "发票"),
    "name": ("Name", "名称"),
    "move": ("Move", "变动"),
    "value": ("Value", "取值"),
    "points": ("Points", "得分"),
    "lost": ("Lost", "扣分"),
    "items": ("Open items behind the exposure", "敞口对应的未清项目"),
    "evidence": ("Evidence", "依据"),
    "candidate": ("Candidate", "候选"),
    "amount": ("Amount", "金额"),
    "due": ("Due", "到期日"),
    "days": ("Days", "逾期天数"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
}


def both(en: str | None, zh: str | None, language: Language, between: str = " ") -> str:
    """The text in the wanted language, or both; one that is missing is left out."""
    chosen = {"en": [en], "zh": [zh or en], "both": [en, zh]}[language]
    return between.join(dict.fromkeys(text for text in chosen if text))


def word(name: str, language: Language) -> str:
    """A label of WORDS in the wanted language."""
    return both(*WORDS[name], language)


def headers(names: str, language: Language) -> list[str]:
    """Labels for the heads of columns, from names with spaces between; "-" is an empty head. Two languages in two lines."""
    return ["" if name == "-" else both(*WORDS[name], language, between="\n") for name in names.split()]
