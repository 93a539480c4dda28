"""What to do about rejected rows, rule by rule, in English and Chinese.

Put here: the next step for each rule a row can be rejected by. Keep out: what a rule means (contracts.rules).
"""

from __future__ import annotations

from risk_pipeline.cli.texts import Language, both

_MAPPING = (
    "mend the column in the feed YAML, then: quarantine replay",
    "修正 YAML 中该列的映射，然后执行 quarantine replay",
)
_SOURCE = ("correct the row in the source and deliver it again", "在来源系统更正后重新交付")
_SOURCE_OR_NULLS = (
    "correct the source and deliver again; a marker for nothing goes into `nulls`, then: quarantine replay",
    "在来源系统更正后重新交付；空值标记请列入 nulls 后执行 quarantine replay",
)

REMEDIES: dict[str, tuple[str, str]] = {
    "key_missing": _SOURCE,
    "customer_missing": _SOURCE,
    "value_missing": _SOURCE,
    "not_a_date": ("set `format` of the column, or list the marker in `nulls`, then: quarantine replay",
                   "设置该列的 format，或将标记列入 nulls，然后执行 quarantine replay"),
    "not_a_number": ("set `decimal`, `thousands` or `nulls` of the column, then: quarantine replay",
                     "设置该列的 decimal、thousands 或 nulls，然后执行 quarantine replay"),
    "not_an_integer": _MAPPING,
    "not_a_flag": ("map the words with `lookup`, then: quarantine replay", "用 lookup 对照取值，然后执行 quarantine replay"),
    "money_scale": ("set `round: 2` if the digits do not matter, then: quarantine replay",
                    "若尾数无关紧要，设 round: 2，然后执行 quarantine replay"),
    "unknown_currency": ("map the code with `lookup`, then: quarantine replay", "用 lookup 对照币种，然后执行 quarantine replay"),
    "not_in_list": ("map the value with `lookup`, then: quarantine replay", "用 lookup 对照取值，然后执行 quarantine replay"),
    "not_in_lookup": ("add the code to `lookup`, then: quarantine replay", "将代码加入 lookup，然后执行 quarantine replay"),
    "duplicate_key": ("make the key whole (a `template` of several columns), choose `duplicates`, or correct the source",
                      "补全主键（用 template 组合多列）、选择 duplicates 规则，或更正来源"),
    "superseded": ("nothing: a later delivery counts", "无需处理：以后续批次为准"),
    "id_as_number": ("set `integral: true` or export the id as text, then: quarantine replay",
                     "设 integral: true 或将编号导出为文本，然后执行 quarantine replay"),
}  # fmt: skip


def remedy(rule: str, language: Language) -> str:
    """What to do about rows that broke `rule`."""
    return both(*REMEDIES.get(rule, _SOURCE_OR_NULLS), language)
