"""The rules of the feeds as Markdown (docs/contract_rules.md), made from the contracts.

Put here: the form of that page. Keep out: the rules and what they mean (contracts.rules, contracts.cross_feed).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.cross_feed import APPLIED_ABOVE_INVOICE, REFERENCES, references_of
from risk_pipeline.contracts.rules import MEANINGS, RULES, Rule

_HEAD = """\
# Rules of the feeds · 数据源规则

Made from the contracts by `make snapshots`; do not edit. 由契约自动生成，请勿手工修改。

`reject`: nobody could use the row; it goes to the quarantine, named by the first column. `warn`: the row is stored as it is;
the delivery and the ingest screen count it. A rule is asked when all its columns are mapped, and an empty cell breaks none
unless the rule is about that.
reject 表示该行无法使用，拒收并隔离；warn 表示照常入库并计数。规则仅在所涉各列均已映射时适用。
"""
_BETWEEN = """
## Between feeds · 数据源之间

Warnings: counted after a delivery, where the other feed was ever delivered, and asked again in every run (checks
`cross_feed_…` of `audit.check_result`, with examples), because the other feed may come later.

| warning | asked of | meaning | 含义 |
|---|---|---|---|
"""
_ELSEWHERE = """
## Cells, keys and files · 单元格、主键与文件

What a cell must be for its column, and what a reader finds odd about a file.

| rule | meaning | 含义 |
|---|---|---|
"""


def rules_markdown() -> str:
    """Every rule, feed by feed, then the warnings between feeds, then the rules of cells and files."""
    between = _between()
    told = {*between, *(rule.name for rule in RULES)}
    rest = [name for name in MEANINGS if name not in told]
    return (
        "".join([_HEAD, *(_feed(table.name) for table in FEED_TABLES), _BETWEEN])
        + "".join(f"| `{name}` | {_asked_of(name)} | {MEANINGS[name][0]} | {MEANINGS[name][1]} |\n" for name in between)
        + _ELSEWHERE
        + "".join(f"| `{name}` | {MEANINGS[name][0]} | {MEANINGS[name][1]} |\n" for name in rest)
    )


def _feed(name: str) -> str:
    lines = "".join(_lines(rule for rule in RULES if rule.table == name))
    return f"\n## feed.{name}\n\n| rule | | columns | meaning | 含义 |\n|---|---|---|---|---|\n{lines}" if lines else ""


def _lines(rules: Iterable[Rule]) -> Iterator[str]:
    """One line per name: its rules differ by column only."""
    by_name: dict[str, list[Rule]] = {}
    for rule in rules:
        by_name.setdefault(rule.name, []).append(rule)
    for name, same in sorted(by_name.items(), key=lambda each: (each[1][0].severity, each[0])):
        columns = ", ".join(f"`{column}`" for column in dict.fromkeys(column for rule in same for column in rule.columns))
        yield f"| `{name}` | {same[0].severity} | {columns} | {same[0].en} | {same[0].zh} |\n"


def _between() -> list[str]:
    found = [warning for each in REFERENCES for warning in (each.unknown, *(name for _, name in each.alike))]
    return [*dict.fromkeys(found), APPLIED_ABOVE_INVOICE]


def _asked_of(warning: str) -> str:
    if warning == APPLIED_ABOVE_INVOICE:
        return "payment_application; in a run every open item"
    feeds = [
        table.name
        for table in FEED_TABLES
        for each in references_of(table)
        if each.unknown == warning or any(name == warning and column in table for column, name in each.alike)
    ]
    return ", ".join(dict.fromkeys(feeds))
