"""The data dictionary: every table and column as a Markdown page, in English and Chinese, made from the contracts.

Put here: how the page is laid out. Keep out: what anything means (contracts/fields_*.py and the table files).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from risk_pipeline.contracts import STORE_COLUMNS, TABLES, Column, Kind, Table
from risk_pipeline.contracts.table import DUCKDB_TYPE, Layer

LAYERS: dict[Layer, str] = {
    "feed": "What comes in, in canonical form · 输入数据（规范格式）",
    "factor": "Facts about a customer at an assessment date · 评估日的客户事实与因子",
    "score": "Score and what made it · 评分及其构成",
    "decision": "Tier, limit and terms · 等级、额度与账期",
    "mart": "Ready for reports: the newest published assessment · 报表就绪：最新已发布评估",
    "audit": "How results came to be · 结果的来龙去脉",
}

_HEAD = """\
# Data dictionary · 数据字典

Made from `risk_pipeline/contracts` by `risk-pipeline dictionary --write docs/data_dictionary.md`; do not edit.
The same column name has the same type and meaning in every table.
本页由 `risk_pipeline/contracts` 自动生成，请勿手工修改。同名列在各表中的类型与含义一致。

In the tables below, **key** marks the primary key, *required* a column that is never empty. "Hidden until X": the column is
empty in an as-of view while date X is later than the assessment date, so that no run sees an outcome before it happened.
"Today's state only": runs for a past date cannot read it. `personal`: the column can hold data about a person.
各表中，**key** 为主键，*required* 为必填列；“Hidden until X” 指在 X 日期晚于评估基准日时该列不可见，避免提前看到结果；
“Today's state only” 指仅有当前值，历史评估不可读取；`personal` 指可能含个人信息。

A PD is expert judgement unless `pd_status` says `calibrated`. · 除非 `pd_status` 为 `calibrated`，违约概率均为专家判断值。
"""

_COLUMN_HEAD = "| column | type | unit | | values | meaning | 含义 |\n|---|---|---|---|---|---|---|"


def dictionary_markdown() -> str:
    """The whole page, ending with a newline; the same contracts give the same text."""
    parts: list[str] = [_HEAD, *_types(), *_contents()]
    for layer, title in LAYERS.items():
        parts.append(f"\n## {layer}\n\n{title}\n")
        for table in _tables(layer):
            parts.extend(_table(table))
        if layer == "feed":
            parts.extend(_store_columns())
    return "\n".join(parts) + "\n"


def _tables(layer: Layer) -> list[Table]:
    return [table for table in TABLES.values() if table.layer == layer]


def _types() -> Iterator[str]:
    yield "## Types · 类型\n\n| type | in DuckDB and Parquet |\n|---|---|"
    for kind in Kind:
        note = {Kind.TIMESTAMP: ", UTC", Kind.JSON: ", canonical JSON"}.get(kind, "")
        yield f"| {kind} | `{DUCKDB_TYPE[kind]}`{note} |"


def _contents() -> Iterator[str]:
    yield "\n## Tables · 表一览\n\n| table | rows | contents | 内容 |\n|---|---|---|---|"
    for layer in LAYERS:
        for table in _tables(layer):
            anchor = table.full_name.replace(".", "")
            yield f"| [{table.full_name}](#{anchor}) | {table.grain} | {_cell(table.en)} | {_cell(table.zh)} |"


def _table(table: Table) -> Iterator[str]:
    yield f"### {table.full_name}\n"
    yield f"{table.en}.  \n{table.zh}。\n"
    key = ", ".join(f"`{name}`" for name in table.key)
    visible = f" · visible from: `{table.event_date}`" if table.event_date else ""
    yield f"{table.grain.capitalize()} · owner: {table.owner} · key: {key}{visible}\n"
    yield _COLUMN_HEAD
    for column in table.columns:
        yield _row(column, table.unit(column.name), is_key=column.name in table.key)
    yield ""


def _store_columns() -> Iterator[str]:
    yield "### Columns the feed store adds to every feed · 数据存储附加列\n"
    yield _COLUMN_HEAD
    for column in STORE_COLUMNS:
        yield _row(column, column.field.unit, is_key=False)
    yield ""


def _row(column: Column, unit: str, *, is_key: bool) -> str:
    field = column.field
    marks = "**key**" if is_key else "*required*" if column.required else ""
    cells = [
        f"`{column.name}`",
        str(column.kind),
        unit,
        marks,
        " ".join(f"`{value}`" for value in column.values),
        "; ".join([field.en, *_notes(column)]),
        field.zh,
    ]
    return "| " + " | ".join(map(_cell, cells)) + " |"


def _notes(column: Column) -> Iterable[str]:
    if column.masked_by:
        yield f"hidden until `{column.masked_by}`"
    if column.judged_on:
        yield f"counts from when it was known, assumed knowledge from `{column.judged_on}`"
    if column.current_only:
        yield "today's state only"
    if column.field.sensitivity == "personal":
        yield "`personal`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
