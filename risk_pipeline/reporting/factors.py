"""One page per factor table (docs/factors): every factor and measure, how it is computed, what the default policy makes of it.

Put here: the form of these pages. Keep out: what a factor is (factors/catalogue*.yaml) and what it is worth (the policy).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from risk_pipeline.contracts import Table, table
from risk_pipeline.factors.catalogue import RISK_TYPES, Catalogue, Factor, heading, load_catalogue
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.policy.model import ELSE, FactorRule, Label, Policy
from risk_pipeline.policy.reading import rules_by_column

FOLDER = "docs/factors"
_MADE = """\
Made from the factor catalogue and the default policy by `make snapshots`; do not edit.
本页由因子目录与默认政策自动生成，请勿手工修改。
"""
_HOW_TO_READ = """\
- **Points** 0 (worst) to 100 (best). The first bin whose upper bound holds the value counts. They are expert judgement, not
  calibrated on data. 得分 0（最差）至 100（最好），为专家判断，未经校准。
- **Special code**: stands in the column `<factor>_code` instead of a value and says why there is none. It has points of its
  own, or the factor is left out of the score and the others share its weight. 特殊代码说明无取值的原因：有其得分，或不计入评分。
- **No value**: NULL without a code. `neutral` gives the points named, left out shares the weight among the others, worst gives
  the fewest points; a factor may also be one without which there is no rating. 无取值且无代码时的处理。
- **Age**: days from the date of the newest row used to the assessment date. Older than the maximum, the value counts as no
  value, moves towards the points of no value, or is only marked as old. 证据时效及过期后的处理。
- **Weight**: on each scorecard, out of 100; an empty cell means not on that card. 各评分卡权重（满分 100）。
"""
_DIRECTION: Mapping[str, tuple[str, str]] = {
    "up": ("more is safer", "越高越安全"),
    "down": ("more is riskier", "越高风险越大"),
    "none": ("describes only", "仅描述"),
}


def factor_pages() -> dict[str, str]:
    """Path below the repository -> text: the overview and a page for every table that the catalogue describes."""
    catalogue, policy = load_catalogue(), read_policy(DEFAULT_POLICY, load_catalogue())
    names = list(dict.fromkeys(factor.table for factor in catalogue.factors))
    pages = {f"{FOLDER}/README.md": _overview(catalogue, policy, names)}
    return pages | {f"{FOLDER}/{name}.md": _page(table(f"factor.{name}"), catalogue, policy) for name in names}


def page_names() -> list[str]:
    """The paths of `factor_pages`, without reading the policy."""
    names = dict.fromkeys(factor.table for factor in load_catalogue().factors)
    return [f"{FOLDER}/README.md", *(f"{FOLDER}/{name}.md" for name in names)]


# ---------------------------------------------------------------- the overview


def _overview(catalogue: Catalogue, policy: Policy, names: list[str]) -> str:
    parts = [
        "# Factors · 因子\n\n" + _MADE,
        "What the pipeline looks at before it says how risky a customer is: one page per factor table, and below every\n"
        "factor that scores, with its weight on each scorecard of the default policy.\n"
        "评估客户风险时所看的内容，及默认政策各评分卡的因子与权重。\n",
        "| table | contents | 内容 | scored | described |\n|---|---|---|---:|---:|",
    ]
    for name in names:
        contract, factors = table(f"factor.{name}"), _of_table(catalogue, name)
        scored = sum(f.id in policy.scoring for f in factors)
        parts.append(f"| [{name}]({name}.md) | {contract.en} | {contract.zh} | {scored} | {len(factors) - scored} |")
    parts += ["\n## Scorecards · 评分卡\n", *_cards(catalogue, policy, names)]
    parts += ["\n## How to read a page · 阅读说明\n", _HOW_TO_READ, "## Words in the formulas · 公式用语\n"]
    parts += ["| word | meaning | 含义 |\n|---|---|---|"]
    parts += [f"| `{word}` | {_cell(text.en)} | {_cell(text.zh)} |" for word, text in catalogue.definitions.items()]
    return "\n".join(parts) + "\n"


def _cards(catalogue: Catalogue, policy: Policy, names: list[str]) -> Iterator[str]:
    cards = list(policy.scorecards)
    yield "| | factor | risk type | " + " | ".join(cards) + " |"
    yield "|---|---|---|" + "---:|" * len(cards)
    for name in names:
        for factor in _of_table(catalogue, name):
            if factor.id in policy.scoring:
                weights = [str(policy.scorecards[card].get(factor.id, "")) for card in cards]
                link = f"[{_both(factor.label)}]({name}.md#{factor.id})"
                yield f"| {factor.reason.code if factor.reason else ''} | {link} | {_risk(factor)} | {' | '.join(weights)} |"
    for risk_type in RISK_TYPES:
        sums = [_sum(catalogue, policy, card, risk_type) for card in cards]
        yield f"| | **{_both(RISK_TYPES[risk_type])}** | | " + " | ".join(f"**{each}**" for each in sums) + " |"


def _sum(catalogue: Catalogue, policy: Policy, card: str, risk_type: str) -> int:
    return sum(weight for name, weight in policy.scorecards[card].items() if catalogue.by_id[name].risk_type == risk_type)


# ---------------------------------------------------------------- one table


def _page(contract: Table, catalogue: Catalogue, policy: Policy) -> str:
    factors = _of_table(catalogue, contract.name)
    scored = [factor for factor in factors if factor.id in policy.scoring]
    described = [factor for factor in factors if factor.id not in policy.scoring]
    rules = rules_by_column(policy)
    feeds = ", ".join(f"`{name}`" for name in dict.fromkeys(source for factor in factors for source in factor.sources))
    parts = [
        f"# {_both(heading(contract))}\n",
        _MADE,
        f"{contract.en}.  \n{contract.zh}。\n",
        f"Table [factor.{contract.name}](../data_dictionary.md#factor{contract.name}), {contract.grain}. Feeds: {feeds}.\n",
        "[How to read this page · 阅读说明](README.md#how-to-read-a-page--阅读说明)\n",
    ]
    if scored:
        parts += ["## Scored · 评分因子\n", *(_scored(factor, catalogue, policy, rules) for factor in scored)]
    if described:
        parts += ["## Described · 描述性指标\n", *_described(described, rules), ""]
    codes = [code for code in catalogue.codes if any(code in factor.codes for factor in factors)]
    if codes:
        parts += ["## Special codes · 特殊代码\n", "| code | meaning | 含义 |\n|---|---|---|"]
        parts += [f"| `{code}` | {catalogue.codes[code].en} | {catalogue.codes[code].zh} |" for code in codes]
    return "\n".join(parts).rstrip("\n") + "\n"


def _scored(factor: Factor, catalogue: Catalogue, policy: Policy, rules: Mapping[str, list[str]]) -> str:
    rule = policy.scoring[factor.id]
    direction = _DIRECTION[factor.direction] if rule.bins is not None else ("category", "类别")
    weights = {card: each[factor.id] for card, each in policy.scorecards.items() if factor.id in each}
    lines = [f"### {factor.id}\n", f"**{_both(factor.label)}**\n", "| | |\n|---|---|"]
    rows = {
        "formula 公式": f"`{_cell(factor.formula)}`",
        "unit, window 单位与窗口": f"{factor.unit}; {factor.window}",
        "direction 方向": " ".join(direction),
        "risk type 风险类型": _risk(factor),
        "feeds 数据源": ", ".join(f"`{name}`" for name in factor.sources),
        "weight 权重": ", ".join(f"{card} {weight}" for card, weight in weights.items()) or "on no card",
        "special codes 特殊代码": "<br>".join(_codes(rule, catalogue)) or "none",
        "no value 无取值": _missing(rule),
        "age 时效": _age(factor, rule),
        "reason told 告知原因": f"{factor.reason.code} {_both(factor.reason)}" if factor.reason else "",
        "rules that read it 引用规则": ", ".join(rules.get(factor.id, ())),
    }
    lines += [f"| {name} | {text} |" for name, text in rows.items() if text]
    return "\n".join([*lines, "", *_points(factor, rule), ""])


def _points(factor: Factor, rule: FactorRule) -> Iterator[str]:
    names = [f"≤ {_figure(edge, factor)}" for edge in rule.edges] + ["above"] if rule.bins is not None else _categories(rule)
    yield f"| value 取值 | {' | '.join(names)} |"
    yield "|---|" + "---:|" * len(names)
    yield f"| points 得分 | {' | '.join(map(str, rule.points))} |"


def _categories(rule: FactorRule) -> list[str]:
    return ["any other" if name == ELSE else f"`{name}`" for name in rule.categories]


def _codes(rule: FactorRule, catalogue: Catalogue) -> Iterator[str]:
    for code, points in rule.special.items():
        does = "left out 不计入" if points == "reweight" else f"{points} points 分"
        yield f"`{code}` ({_both(catalogue.codes[code])}): {does}"


def _missing(rule: FactorRule) -> str:
    return {
        "neutral": f"neutral, {rule.missing.points} points 中性 {rule.missing.points} 分",
        "reweight": "left out 不计入",
        "worst": "worst points 最低分",
        "block": "no rating without it 缺则不评级",
    }[rule.missing.policy]


def _age(factor: Factor, rule: FactorRule) -> str:
    since = (
        f"counted from `{factor.evidence}`" if factor.evidence != "evidence_date" else "counted from the ledger's `evidence_date`"
    )
    if rule.max_age_days is None:
        return f"never too old 不过期; {since}"
    does = {
        "drop": "older counts as no value 过期视同无取值",
        "decay": f"older moves to the points of no value, reached at {2 * rule.max_age_days} days 过期后逐步趋近无取值得分",
        "flag": "older counts, marked as old 过期仍计分并标注",
    }[rule.stale]
    return f"at most {rule.max_age_days} days 最长 {rule.max_age_days} 天; {does}; {since}"


def _described(factors: Iterable[Factor], rules: Mapping[str, list[str]]) -> Iterator[str]:
    yield "| column | | unit | formula | feeds | rules that read it 引用规则 |\n|---|---|---|---|---|---|"
    for factor in factors:
        unit = f"{factor.unit}; {factor.window}"
        told = ", ".join(rules.get(factor.id, ()))
        feeds = ", ".join(f"`{name}`" for name in factor.sources)
        yield f"| `{factor.id}` | {_both(factor.label)} | {unit} | {_cell(factor.formula)} | {feeds} | {told} |"


# ---------------------------------------------------------------- parts


def _of_table(catalogue: Catalogue, name: str) -> list[Factor]:
    return [factor for factor in catalogue.factors if factor.table == name]


def _risk(factor: Factor) -> str:
    return _both(RISK_TYPES[factor.risk_type])


def _figure(value: float, factor: Factor) -> str:
    """An upper bound as people write it: shares as percent."""
    return f"{100 * value:g} %" if factor.unit == "ratio" else f"{value:g}"


def _both(label: Label) -> str:
    return _cell(f"{label.en} {label.zh}" if label.en != label.zh else label.en)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
