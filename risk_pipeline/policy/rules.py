"""The rules of a policy as people ask for them: by id, with the condition and what follows from it in English and Chinese.

Put here: finding rules and saying what they do. Keep out: how a condition is worded (words.py) and what it met (decision/).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from risk_pipeline.policy.expression import ExpressionError
from risk_pipeline.policy.model import SYSTEM, Label, Model, Policy
from risk_pipeline.policy.reading import dunning_rule, tier_rule
from risk_pipeline.policy.scopes import CONDITIONS, SCOPES, condition
from risk_pipeline.policy.words import Speaker, Words

BLOCKS: dict[str, Words] = {
    "segments": ("Segment", "客户分段"),
    "outside_scorecard": ("Outside the scorecards", "不适用评分卡"),
    "default_definition.events": ("Default event", "违约事件"),
    "knockouts": ("Knock-out", "否决规则"),
    "exit.edges": ("Change of the customer's state", "客户状态变更"),
    "hold": ("Hold", "冻结规则"),
    "alerts": ("Early warning", "预警规则"),
    "treatments": ("Treatment", "客户处置规则"),
    "terms_rules.legal_caps": ("Legal cap of the terms", "法定账期上限"),
    "reviews.decide_anew": ("Limit decided anew", "额度重新测算"),
    "reviews.bring_forward": ("Review brought forward", "提前复审"),
    "dunning": ("Stage of dunning", "催收阶段"),
    "incentives": ("Incentive", "客户激励"),
}
ALSO: dict[str, Words] = {  # what follows from any rule of a block
    "default_definition.events": ("the customer is in default until it is cured", "客户视为违约，直至治愈"),
    "hold": ("new orders and deliveries are held", "暂停接单及发货"),
    "reviews.decide_anew": ("the limit is decided anew although no review is due", "未到复审日也重新测算额度"),
}
LIMIT: dict[str, Words] = {
    "zero": ("the limit is 0", "额度为零"),
    "secured_only": ("only secured deliveries: the unsecured limit is 0", "仅限有担保交易，无担保额度为零"),
}
SEVERITY: dict[str, Words] = {
    "low": ("low", "低"),
    "medium": ("medium", "中"),
    "high": ("high", "高"),
    "critical": ("critical", "紧急"),
}
# Keys whose value has a label in the policy, and keys whose value stands as it is; another key is named as it is written.
LABELLED: dict[str, Words] = {
    "ceiling": ("the tier is {} at best", "风险等级最高为{}"),
    "tier": ("the tier is {}", "风险等级为{}"),
    "state": ("the customer becomes: {}", "客户状态变为：{}"),
    "severity": ("severity: {}", "级别：{}"),
    "priority": ("priority: {}", "优先级：{}"),
    "measure": ("to do: {}", "措施：{}"),
    "action": ("to do: {}", "措施：{}"),
    "actions": ("to do: {}", "措施：{}"),
    "owner": ("done by: {}", "负责人：{}"),
    "owner_role": ("done by: {}", "负责人：{}"),
}
SENTENCES: dict[str, Words] = {
    "limit": ("the limit is set by: {}", "额度由以下方决定：{}"),
    "hold": ("new orders and deliveries are held", "暂停接单及发货"),
    "days": ("to be done within {} days", "须在{}天内完成"),
    "event": ("the warning stands until a person closes it", "预警须由人工关闭"),
    "scorecard": ("the customer is scored on the card {}", "使用评分卡 {}"),
    "caps_and_terms_of": ("caps and terms of the class {} apply", "适用 {} 类的额度上限及付款条件"),
    "stays_months": ("and so for {} months after it last held", "条件不再满足后仍保留{}个月"),
    "terms": ("terms: {}", "付款条件：{}"),
    "every": ("and again {} days after it was done", "完成{}天后再次执行"),
    "max_days": ("payment terms of at most {} days", "账期最长{}天"),
    "longer_terms_days": ("payment terms {} days longer", "账期延长{}天"),
    "price_class": ("price class changed by {}", "价格等级调整{}"),
    "unless_agreed": ("longer ones agreed by contract may stand", "合同另有约定的从其约定"),
}
PLAIN = (  # said elsewhere
    "id", "when", "reason", "signal", "label", "from", "to", "by", "verdict", "indicator", "object", "dpd_from", "periods",
)  # fmt: skip


NOTHING_AT_0 = ("longer_terms_days", "price_class")


@dataclass(frozen=True)
class Rule:
    """One rule. `block`: where it stands in the policy; `item`: it, as the model has it; `worded`: the condition of one that says
    it by other keys.
    """

    id: str
    block: str
    scope: str
    item: Any
    worded: str | None = None

    @property
    def when(self) -> str:
        return self.worded or str(self.item.when)

    @property
    def title(self) -> Words:
        """Its reason or signal; its id where it has none."""
        if self.block == "dunning":
            return f"Overdue for {self.item.dpd_from} days or more", f"逾期{self.item.dpd_from}天及以上"
        label = next((found for key in ("reason", "signal", "label") if (found := getattr(self.item, key, None))), None)
        return (label.en, label.zh) if isinstance(label, Label) else (self.id, self.id)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns its condition reads."""
        return condition(self.when, self.scope).columns()


def rules(policy: Policy) -> Iterator[Rule]:
    """Every rule with a condition, in the order of the policy. One without an id of its own is named by place and action."""
    for path, item in _conditional(policy, ()):
        places = [key for key in path if isinstance(key, str)]
        block, scope = next(
            ((known, scope) for known, scope in CONDITIONS.items() if path[: known.count(".") + 1] == tuple(known.split("."))),
            (None, None),
        )
        if block is None:
            block, scope = places[0], _scope_of(item.when)
        if scope is None:
            continue  # no stage has its columns, which the linter says of a policy in work
        name = getattr(item, "id", None) or "_".join([*places[1:], getattr(item, "action", str(path[-1]))])
        yield Rule(name, block, scope, item)


def _conditional(node: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(node, Model):
        if "when" in type(node).model_fields:
            yield path, node
        for name in type(node).model_fields:
            yield from _conditional(getattr(node, name), (*path, name))
    elif isinstance(node, (tuple, dict)):
        for key, each in node.items() if isinstance(node, dict) else enumerate(node):
            yield from _conditional(each, (*path, key))


def _scope_of(when: str) -> str | None:
    """The earliest stage at which the condition can be read."""
    for scope in SCOPES:
        try:
            condition(when, scope)
        except ExpressionError:
            continue
        return scope
    return None


def find(policy: Policy, name: str) -> list[Rule]:
    """The rules of that id, capitals aside; several blocks may have one id. `alerts.A05` asks for one block.

    The number of an alert or a treatment (rule or action, colon, customer) asks for the rules behind it, `tier_high` for what is
    asked for in that tier.
    """
    wanted = name.partition(":")[0].casefold()
    known = [*rules(policy), *unconditional(policy)]
    named = [each for each in known if wanted in (each.id.casefold(), f"{each.block}.{each.id}".casefold())]
    treatments = [each for each in known if each.block == "treatments"]
    of_tier = [
        each
        for tier, asked in policy.treatments.items()
        if tier_rule(tier) == wanted
        for each in treatments
        if any(each.item is one for one in asked)
    ]
    return named or of_tier or [each for each in treatments if each.item.action.casefold() == wanted]


def unconditional(policy: Policy) -> Iterator[Rule]:
    """The rules whose condition stands in other keys than `when`: stages of dunning, incentives."""
    stages = sorted(policy.dunning.stages, key=lambda stage: stage.dpd_from)
    for number, stage in enumerate(stages):
        when = f"overdue > 0 and max_days_past_due >= {stage.dpd_from}"
        if number + 1 < len(stages):
            when += f" and max_days_past_due < {stages[number + 1].dpd_from}"
        yield Rule(dunning_rule(stage.dpd_from), "dunning", "treatment", stage, f"{when} and not ({policy.dunning.paused_when})")
    for incentive in policy.incentives:
        when = f"tier = '{incentive.tier}' and periods_in_tier >= {incentive.periods}"
        yield Rule(incentive.id, "incentives", "treatment", incentive, when)


def consequences(rule: Rule, policy: Policy, speaker: Speaker) -> list[Words]:
    """What follows when the rule's condition holds, one sentence each."""
    content = rule.item.model_dump(by_alias=True)
    if rule.block == "incentives":  # its tier is the condition, and its days are those of an action
        content = {key: value for key, value in content.items() if key != "tier" and (key != "days" or rule.item.action)}
    found = [said for key, value in content.items() if key not in PLAIN and (said := _said(key, value, policy, speaker))]
    if rule.block == "exit.edges":
        return [_edge(rule.item, policy, speaker), *found]
    if rule.block == "reviews.bring_forward":
        return [(f"the next review is at most {rule.item.days} days away", f"下次复审不迟于{rule.item.days}天后")]
    return [*found, ALSO[rule.block]] if rule.block in ALSO else found


def _said(key: str, value: Any, policy: Policy, speaker: Speaker) -> Words | None:
    """One key of a rule in words; None where it changes nothing."""
    if value is None or value is False or value in ((), [], {}, "none") or (value == 0 and key in NOTHING_AT_0):
        return None
    if key == "days" and value in (0, 1):
        return ("to be done at once", "须立即完成") if value == 0 else ("to be done within a day", "须在1天内完成")
    if key == "limit" and value in LIMIT:
        return LIMIT[value]
    if key in LABELLED:
        en, zh = LABELLED[key]
        names = _labels(key, (value,) if isinstance(value, str) else value, policy, speaker)
        return en.format(", ".join(name[0] for name in names)), zh.format("、".join(name[1] for name in names))
    en, zh = SENTENCES.get(key, (key.replace("_", " ") + ": {}", key + "：{}"))
    return en.format(_plain(value)), zh.format(_plain(value))


def _labels(key: str, names: Any, policy: Policy, speaker: Speaker) -> list[Words]:
    if key in ("ceiling", "tier"):
        return [speaker.code("tier", name) for name in names]
    if key == "state":
        return [speaker.code("status", name) for name in names]
    if key in ("severity", "priority"):
        return [SEVERITY[name] for name in names]
    labels = {**policy.actions, **policy.roles}
    return [(labels[name].en, labels[name].zh) if name in labels else (_plain(name), _plain(name)) for name in names]


def _edge(edge: Any, policy: Policy, speaker: Speaker) -> Words:
    (from_en, from_zh), (to_en, to_zh) = speaker.code("status", edge.source), speaker.code("status", edge.to)
    said = f"the customer goes from {from_en} to {to_en}", f"客户状态由{from_zh}变为{to_zh}"
    if edge.by == SYSTEM:
        return f"{said[0]}, by itself", f"{said[1]}（系统自动）"
    role = policy.roles.get(edge.by)
    en, zh = (role.en, role.zh) if role is not None else (edge.by, edge.by)
    verdict = ("approval", "批准") if edge.verdict == "approved" else ("rejection", "否决")
    return f"{said[0]}, on {verdict[0]} by: {en} or above", f"{said[1]}（须{zh}或以上{verdict[1]}）"


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return str(value).replace("_", " ")


def tables_of(rule: Rule, table_columns: dict[str, set[str]]) -> dict[str, str]:
    """Column -> a table that has it, of the columns the rule reads. Those that a run works out on its way have none.

    A special code says why a column has no value, so the column itself stands for it.
    """
    scope = SCOPES[rule.scope]
    names = dict.fromkeys(c.removesuffix("_code") if c.removesuffix("_code") in scope else c for c in rule.columns)
    found = {name: next((table for table, columns in table_columns.items() if name in columns), None) for name in names}
    return {name: table for name, table in found.items() if table is not None}
