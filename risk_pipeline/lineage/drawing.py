"""A drawing of lineage: tables as boxes with their columns, from the feeds on the left to the results on the right.

Put here: the layout and the SVG. Keep out: which edges are drawn (columns.py). The file needs nothing from elsewhere: no script,
no font, no address; it opens in a browser without a network and prints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from risk_pipeline.contracts import TABLES
from risk_pipeline.lineage.columns import POLICY, PREVIOUS, RUN, Column, Edge
from risk_pipeline.lineage.influence import kind_of

ROW, HEAD, GAP, MARGIN = 18, 24, 22, 24
BOX, BETWEEN = 250, 110
FONT, LETTER = 12, 7  # size, and how wide a letter may be
LEGEND = 64
FILL: Mapping[str, str] = {
    "feed": "#e8f0e4",
    "factor": "#e6eef7",
    "score": "#f5ecd9",
    "decision": "#f8e3dc",
    "mart": "#ece6f3",
    POLICY: "#eeeeee",
    "audit": "#eeeeee",
    PREVIOUS: "#f3f3f3",
}
WORDS: Mapping[str, tuple[str, str]] = {
    "feed": ("Feed", "数据源"),
    "factor": ("Factors", "因子"),
    "score": ("Score", "评分"),
    "decision": ("Decisions", "决策"),
    "mart": ("Marts", "集市"),
    POLICY: ("Policy", "政策"),
    "audit": ("Run", "运行"),
    PREVIOUS: ("Assessment before", "上次评估"),
}


def svg(edges: Iterable[Edge], title: str, marked: Sequence[Column] = ()) -> str:
    """The edges as one SVG document; `marked` columns stand out. Solid lines carry a value, dashed ones only choose."""
    lines = sorted({(edge.source, edge.column, kind_of(edge.how)) for edge in edges})
    by_table: dict[str, list[str]] = {}
    for column in sorted({column for source, result, _ in lines for column in (source, result)}):
        by_table.setdefault(column.table, []).append(column.column)
    ranks = _ranks({(source.table, result.table) for source, result, _ in lines}, list(by_table))
    order = _ordered(by_table, ranks, [(source.table, result.table) for source, result, _ in lines])
    corners, height = _placed(order, by_table)
    width = 2 * MARGIN + (max(ranks.values(), default=0) + 1) * (BOX + BETWEEN) - BETWEEN
    places = {
        Column(name, column): (x, y + HEAD + ROW * row + ROW / 2)
        for name, (x, y) in corners.items()
        for row, column in enumerate(by_table[name])
    }
    body = [_line(places[source], places[result], kind) for source, result, kind in lines]
    body += [_box(name, by_table[name], corners[name], set(marked)) for name in order_of(order)]
    return "\n".join([*_head(width, height, title, by_table), *body, "</svg>"]) + "\n"


def order_of(order: Sequence[Sequence[str]]) -> list[str]:
    """Tables from left to right and top to bottom."""
    return [name for column in order for name in column]


def _ranks(pairs: set[tuple[str, str]], names: Sequence[str]) -> dict[str, int]:
    """How far right each table stands: behind everything it is made from. Tables that read each other stand side by side."""
    ranks = dict.fromkeys(names, 0)
    for _ in names:
        moved = False
        for source, result in sorted(pairs):
            if source != result and ranks[result] <= ranks[source] < len(names) - 1 and (result, source) not in pairs:
                ranks[result], moved = ranks[source] + 1, True
        if not moved:
            break
    nearest = {name: [ranks[result] for source, result in pairs if source == name and result != name] for name in names}
    return {name: max(rank, min(nearest[name], default=rank + 1) - 1) for name, rank in ranks.items()}


def _ordered(by_table: Mapping[str, Sequence[str]], ranks: Mapping[str, int], pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Tables of each rank from top to bottom: beside those they are joined to, so that few lines cross."""
    columns = [sorted(name for name in by_table if ranks[name] == rank) for rank in range(max(ranks.values(), default=0) + 1)]
    for sweep in range(4):
        height = {name: place for column in columns for place, name in enumerate(column)}
        for column in reversed(columns) if sweep % 2 else columns:
            near = {
                name: [height[source] for source, result in pairs if result == name]
                + [height[result] for source, result in pairs if source == name]
                for name in column
            }
            column.sort(key=lambda name: (sum(near[name]) / len(near[name]) if near[name] else 0, name))
            height |= {name: place for place, name in enumerate(column)}
    return columns


def _placed(
    order: Sequence[Sequence[str]], by_table: Mapping[str, Sequence[str]]
) -> tuple[dict[str, tuple[float, float]], float]:
    """Upper left corner of each box, and the height of the drawing. Columns of boxes are centred."""
    heights = [sum(HEAD + ROW * len(by_table[name]) + GAP for name in column) - GAP for column in order]
    tallest = float(max(heights, default=0))
    corners: dict[str, tuple[float, float]] = {}
    for rank, column in enumerate(order):
        y = MARGIN + LEGEND + (tallest - heights[rank]) / 2
        for name in column:
            corners[name] = (MARGIN + rank * (BOX + BETWEEN), y)
            y += HEAD + ROW * len(by_table[name]) + GAP
    return corners, tallest + 2 * MARGIN + LEGEND


def _head(width: float, height: float, title: str, by_table: Mapping[str, Sequence[str]]) -> list[str]:
    layers = list(dict.fromkeys(_layer(name) for name in by_table))
    legend, x = [], float(MARGIN)
    for layer in (each for each in FILL if each in layers):
        en, zh = WORDS[layer]
        legend.append(f'<rect x="{x:g}" y="44" width="12" height="12" fill="{FILL[layer]}" stroke="#888"/>')
        legend.append(f'<text x="{x + 17:g}" y="54">{en} · {zh}</text>')
        x += 40 + LETTER * len(en) + 12 * len(zh) + 14
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
        f' font-family="system-ui, sans-serif" font-size="{FONT}" fill="#222">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width:g}" height="{height:g}" fill="white"/>',
        f'<text x="{MARGIN}" y="28" font-size="16" font-weight="bold">{escape(title)}</text>',
        *legend,
    ]


def _line(source: tuple[float, float], result: tuple[float, float], kind: str) -> str:
    (x1, y1), (x2, y2) = source, result
    dash = ' stroke-dasharray="4 3"' if kind == "indirect" else ""
    colour = "#5b7fa8" if kind == "direct" else "#b0b0b0"
    if x1 == x2:  # inside one table, or between two of one rank: around the right side
        out = x1 + BOX + min(BETWEEN / 2, 18 + abs(y2 - y1) / 6)
        path = f"M{x1 + BOX:g},{y1:g} C{out:g},{y1:g} {out:g},{y2:g} {x2 + BOX:g},{y2:g}"
    else:
        start, middle = x1 + BOX, (x1 + BOX + x2) / 2
        path = f"M{start:g},{y1:g} C{middle:g},{y1:g} {middle:g},{y2:g} {x2:g},{y2:g}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.2"{dash}/>'


def _box(name: str, columns: Sequence[str], corner: tuple[float, float], marked: set[Column]) -> str:
    x, y = corner
    height = HEAD + ROW * len(columns)
    parts = [
        f'<g transform="translate({x:g},{y:g})">',
        f'<rect width="{BOX}" height="{height}" rx="4" fill="{FILL[_layer(name)]}" stroke="#888"/>',
        f'<text x="10" y="16" font-weight="bold">{escape(_short(name))}</text>',
        f"<title>{escape(_about(name))}</title>",
    ]
    for row, column in enumerate(columns):
        at = Column(name, column)
        if at in marked:
            parts.append(f'<rect x="1" y="{HEAD + ROW * row}" width="{BOX - 2}" height="{ROW}" fill="#ffe08a"/>')
        told = f"{escape(_short(column))}<title>{escape(_meaning(at))}</title>"
        parts.append(f'<text x="10" y="{HEAD + ROW * row + 13}">{told}</text>')
    return "".join([*parts, "</g>"])


def _layer(name: str) -> str:
    return name.partition(".")[0]


def _short(text: str) -> str:
    most = int((BOX - 20) / LETTER)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _about(name: str) -> str:
    if name in TABLES:
        return f"{TABLES[name].en} / {TABLES[name].zh}"
    return " / ".join(WORDS[_layer(name)]) if name != RUN else name


def _meaning(column: Column) -> str:
    table = TABLES.get(column.table) or TABLES.get(column.table.replace(f"{PREVIOUS}.", "decision."))
    if table is None or column.column not in table:
        return str(column)
    field = table.column(column.column).field
    return f"{column}: {field.en} / {field.zh}"
