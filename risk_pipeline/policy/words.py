"""Rules in words: a condition said in English and in Chinese, from its parsed form and the field dictionary.

Put here: the wording of conditions. Keep out: what a rule does when its condition holds (rules.py) and where texts are printed
(cli). Nothing is added to what a condition says: what is not known meets no condition, so `not` goes inwards as it does there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from risk_pipeline.contracts.table import REPORTING, Kind
from risk_pipeline.policy.expression import Comparison, Expression, Joined, Literal, Membership, Node, Not, Ref, Truth
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy
from risk_pipeline.policy.scopes import SCOPES

Words = tuple[str, str]  # en, zh
EN, ZH = 0, 1

OPPOSITE = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
COMPARED: Mapping[str, Words] = {
    "=": ("is", "为"),
    "!=": ("is not", "不为"),
    "<": ("is below", "小于"),
    "<=": ("is at most", "不超过"),
    ">": ("is above", "大于"),
    ">=": ("is at least", "不小于"),
}
UNITS: Mapping[str, Words] = {
    "days": (" days", "天"),
    "months": (" months", "个月"),
    "years": (" years", "年"),
    "points": (" points", "分"),
    "score": ("", ""),
    "count": ("", ""),
    "month ends": (" month ends", "个月末"),
    "standard deviations": (" standard deviations", "个标准差"),
    REPORTING: (" (reporting currency)", "（报告币种）"),
}
TIMES = ("interest_cover",)  # ratios said as "times" whatever their size
MOST_PERCENT = 2  # a ratio up to here reads best as percent, a larger one as "times"
# Where the first words of the dictionary need the column before them to be understood, or stand for several tables.
NAMES: Mapping[str, Words] = {
    "status": ("State of the customer", "客户状态"),
    "direction": ("Move against the previous tier", "风险等级变动方向"),
    "segment": ("Segment", "客户分段"),
    "tier": ("Risk tier", "风险等级"),
    "security_days_left": ("Days until the next security ends", "距最近担保到期的天数"),
    "lawsuit_newest_amount": ("Amount of the newest open suits", "最近公开的未结诉讼金额"),
    "utilisation": ("Use of the limit", "额度使用率"),
    "tangible_net_worth": ("Tangible net worth", "有形净资产"),
    "interest_cover": ("Interest cover", "利息保障倍数"),
    "statement_quality": ("Quality of the statement used", "所用报表质量"),
    "legal_form": ("Legal form", "企业法律形式"),
    "total_exposure": ("Total exposure", "敞口合计"),
    "country_code": ("Country of registration", "注册国家"),
    "limit_reporting": ("Credit limit", "信用额度"),
    "bureau_score_change_180d": ("Change of the bureau score in 180 days", "征信标准分180天内变动"),
    "bureau_report_age_days": ("Age of the bureau report", "征信报告距评估日天数"),
    "bank_account_changed_days": ("Days since the newest change of bank account", "距最近一次银行账户变更的天数"),
    "complaint_excess_90d": ("Complaints of 90 days above what is usual", "近90天超出正常水平的投诉数"),
    "cured": ("The proof of a cure has lasted as long as the policy asks", "治愈证明已持续满政策规定的天数"),
}
CODES: Mapping[str, Words] = {
    "up": ("safer", "风险降低"),
    "down": ("riskier", "风险升高"),
    "same": ("the same", "不变"),
    "new": ("new", "新评估"),
}


@dataclass(frozen=True)
class Speaker:
    """Says conditions of one policy: its tiers and states go by their labels. `codes`: words for codes of other columns."""

    policy: Policy
    codes: Mapping[str, Words] = field(default_factory=dict)

    def say(self, expression: Expression, scope: str) -> Words:
        """The condition as one sentence in each language. `scope`: the one it was parsed in (policy/scopes.py)."""
        return self._node(expression.root, scope, positive=True)

    def column(self, name: str, scope: str) -> Words:
        """What a column is called: the first words of its entry in the dictionary."""
        if name in NAMES:
            return NAMES[name]
        entry = SCOPES[scope][name].field
        return _first_words(entry.en, r"[:;.](?:\s|$)| \("), _first_words(entry.zh, r"[：；。（]")

    def _node(self, node: Node, scope: str, positive: bool, inside: bool = False) -> Words:
        if isinstance(node, Not):
            return self._node(node.inner, scope, not positive, inside)
        if isinstance(node, Joined):
            parts = [self._node(part, scope, positive, inside=True) for part in node.parts]
            both = (node.word == "and") == positive  # not (a and b) is met where not a, or not b
            en, zh = (" and ", "，且") if both else (" or ", "，或")
            said = en.join(part[EN] for part in parts), zh.join(part[ZH] for part in parts)
            return (f"({said[EN]})", f"（{said[ZH]}）") if inside else said
        if isinstance(node, Truth):
            return self._truth(node, scope, positive)
        if isinstance(node, Membership):
            return self._membership(node, scope, positive)
        return self._comparison(node, scope, positive)

    def _truth(self, node: Truth, scope: str, positive: bool) -> Words:
        if isinstance(node.operand, Literal):
            return ("always", "始终成立") if bool(node.operand.value) == positive else ("never", "从不成立")
        return self._flag(node.operand.name, scope, positive)

    def _flag(self, name: str, scope: str, positive: bool) -> Words:
        en, zh = self._quoted(name, scope)
        return (f"{en} is true", f"{zh}成立") if positive else (f"{en} is known not to be true", f"已知{zh}不成立")

    def _comparison(self, node: Comparison, scope: str, positive: bool) -> Words:
        op = node.op if positive else OPPOSITE[node.op]
        left, right = node.left, node.right
        if left.kind is Kind.FLAG and isinstance(right, Literal):
            return self._flag(left.name, scope, bool(right.value) == (op == "="))
        if isinstance(right, Literal) and self._is_code(left.name, scope):
            en, zh = self._quoted(left.name.removesuffix("_code"), scope)
            value = self._value(right, left, scope)
            negation = ("", "") if op == "=" else ("another reason than ", "以外的原因：")
            return (
                f"{en} has no value, for {negation[EN] or 'the reason '}{value[EN]}",
                f"{zh}无取值，{'原因为' if op == '=' else negation[ZH]}{value[ZH]}",
            )
        said = self._quoted(left.name, scope)
        other = self._quoted(right.name, scope) if isinstance(right, Ref) else self._value(right, left, scope)
        return f"{said[EN]} {COMPARED[op][EN]} {other[EN]}", f"{said[ZH]}{COMPARED[op][ZH]}{other[ZH]}"

    def _membership(self, node: Membership, scope: str, positive: bool) -> Words:
        en, zh = self._quoted(node.left.name, scope)
        values = [self._value(value, node.left, scope) for value in node.values]
        is_in = ("is", "为") if positive else ("is known and not", "已知且不为")
        return f"{en} {is_in[EN]} {' or '.join(v[EN] for v in values)}", f"{zh}{is_in[ZH]}{'或'.join(v[ZH] for v in values)}"

    def _is_code(self, name: str, scope: str) -> bool:
        return name.endswith("_code") and name.removesuffix("_code") in SCOPES[scope]

    def _quoted(self, name: str, scope: str) -> Words:
        en, zh = self.column(name, scope)
        return f"“{en}”", f"“{zh}”"

    def _value(self, literal: Literal, column: Ref, scope: str) -> Words:
        value = literal.value
        if isinstance(value, bool):
            return ("true", "是") if value else ("false", "否")
        if isinstance(value, str):
            return self.code(column.name, value)
        unit = SCOPES[scope][column.name].field.unit
        if column.kind is Kind.MONEY:
            unit = "" if value == 0 else unit or REPORTING
        if unit == "ratio":
            return _ratio(value, column.name)
        en, zh = UNITS.get(unit, (f" {unit}" if unit else "", f" {unit}" if unit else ""))
        return f"{_number(value)}{en}", f"{_number(value)}{zh}"

    def code(self, column: str, value: str) -> Words:
        """A text value of a column in words: the label of the policy for tiers and states, else `codes`, else as it is."""
        if column in ("tier", "model_tier", "previous_tier"):
            labels = {tier.id: tier.label for tier in self.policy.tiers}
            labels |= {UNRATED: self.policy.unrated.label, NOT_RATED: self.policy.not_rated.label}
            return (labels[value].en, labels[value].zh) if value in labels else (value, value)
        if column in ("status", "proposed_status"):
            state = self.policy.exit.states.get(value)  # type: ignore[call-overload]
            return (state.label.en, state.label.zh) if state is not None else (value, value)
        plain = value.replace("_", " ")
        return self.codes.get(value) or CODES.get(value) or (f"‘{plain}’", f"‘{plain}’")


def _first_words(text: str, end: str) -> str:
    return re.split(end, text, maxsplit=1)[0].strip()


def _number(value: Decimal) -> str:
    return f"{value:,f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:,f}"


def _ratio(value: Decimal, name: str) -> Words:
    if abs(value) <= MOST_PERCENT and name not in TIMES:
        return f"{_number(value * 100)} %", f"{_number(value * 100)}%"
    return f"{_number(value)} times", f"{_number(value)}倍"
