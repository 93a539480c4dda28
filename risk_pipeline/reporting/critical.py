"""The inventory of critical data elements as Markdown (docs/critical_data_elements.md).

Put here: the form of that page. Keep out: which columns are critical (contracts.critical), what is told of each
(pipeline.critical_elements).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LISTED = 8
_HEAD = """\
# Critical data elements · 关键数据元素

Made from the contracts by `make snapshots` (`risk-pipeline dictionary --critical` prints it); do not edit.
由契约自动生成，请勿手工修改。

The columns whose wrong value changes a tier, a limit, a hold or a reported exposure by itself: who owns each, the feed columns
its value comes from, the tables on the way, and the checks that a wrong value meets. They are declared once, in
`risk_pipeline/contracts/critical.py`; all else is derived from lineage, contracts and gates. "+ n that choose" counts feed
columns that pick, group or order rows without giving a value (`risk-pipeline lineage TABLE.COLUMN` names them).

[regulation.md](regulation.md) says which expectations of supervisors this maps to.

| element | why · 原因 | owner | sources | controls |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Element:
    """A critical element. `sources`: feed columns of its value; `chosen_by`: how many other feed columns choose; `way`: the
    tables from the feeds on; `goes_into`: published tables made from it; `controls`: names of checks.
    """

    table: str
    column: str
    meaning: tuple[str, str]
    reason: tuple[str, str]
    owner: str
    sources: tuple[str, ...]
    chosen_by: int
    policy_keys: tuple[str, ...]
    way: tuple[str, ...]
    goes_into: tuple[str, ...]
    controls: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


def critical_markdown(elements: Sequence[Element]) -> str:
    """The whole page: one table, then an entry for each element."""
    rows = "".join(
        f"| [`{each.name}`](#{_anchor(each)}) | {each.reason[0]} · {each.reason[1]} | {each.owner} | {_counted(each)}"
        f" | {len(each.controls)} |\n"
        for each in elements
    )
    return _HEAD + rows + "".join("\n".join(_entry(each)) + "\n" for each in elements)


def _entry(each: Element) -> Iterator[str]:
    yield f"\n## {each.name}\n"
    yield f"{each.meaning[0]} · {each.meaning[1]}\n"
    yield f"- owner · 责任方: {each.owner}"
    yield f"- sources · 来源: {_sources(each)}"
    if each.way:
        yield f"- way · 路径: {_way(each.way)}"
    if each.policy_keys:
        yield f"- policy · 政策参数: {_names(each.policy_keys)}"
    yield f"- controls · 控制: {', '.join(f'`{name}`' for name in each.controls) or 'none of its own · 无专属控制'}"
    yield f"- goes into · 流向: {', '.join(each.goes_into) or '-'}"


def _sources(each: Element) -> str:
    if each.table.startswith("feed."):
        return "delivered · 外部交付"
    parts = [_names(each.sources), f"{each.chosen_by} that choose" if each.chosen_by else ""]
    return " + ".join(part for part in parts if part)


def _counted(each: Element) -> str:
    return "delivered · 外部交付" if each.table.startswith("feed.") else f"{len(each.sources)} + {each.chosen_by} that choose"


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(f"`{name}`" for name in names[:LISTED]) + more


def _way(tables: Sequence[str]) -> str:
    """Tables of one layer with commas, an arrow to the next layer."""
    layers: dict[str, list[str]] = {}
    for name in tables:
        layers.setdefault(name.partition(".")[0], []).append(name)
    return " → ".join(", ".join(names) for names in layers.values())


def _anchor(each: Element) -> str:
    return each.name.replace(".", "")
