"""What the conversions of every kind of column share: the SQL of one cell in layers, quoting, trimming.

Put here: the classes Cell and Look, and small pieces of SQL. Keep out: the kinds themselves (convert_cells, convert_numbers,
convert_dates) and running the SQL (convert).

Layers, one subquery each: `x_` the cell as it stands, trimmed, null markers gone (`s_`: is its sign turned, `d_`: is it a
number, an error or a word for nothing where an id is due); `l_` looked up; `n_` in plain characters, without brackets or
percent sign; `g_`, `t_` numbers in plain notation; `w_` how far an amount is from whole cents; then the value under the
column's own name. Text there and value NULL: a rejection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from risk_pipeline.contracts import Column
from risk_pipeline.feeds.characters import BLANKS

# `x_`, `s_` and `d_` are made from the source columns, the others from the layers before them.
FIRST_LAYERS = ("x_", "s_", "d_")
LATER_LAYERS = ("l_", "n_", "g_", "t_", "w_")


@dataclass(frozen=True)
class Look:
    """What the text of a chunk may hold, and so which work its cells need. The default is always right, and slowest.

    `blanks`: at the ends of cells. `uncontrolled`: source columns without control characters and marks without width.
    `wide`: characters beyond ASCII where numbers or dates are due. `doubtful`: ids that look like numbers
    or errors of a spreadsheet, or like words for nothing.
    """

    blanks: bool = True
    uncontrolled: frozenset[str] = frozenset()
    wide: bool = True
    doubtful: bool = True


@dataclass(frozen=True)
class Cell:
    """The SQL of one column, layer by layer, and the rule broken when the text is there and the value is not.

    `layers`: prefix -> expression over the layers before it. `noise`: true where an amount was rounded for binary noise.
    """

    column: Column
    layers: Mapping[str, str]
    value: str
    broken: str
    noise: str | None = None

    @property
    def name(self) -> str:
        return self.column.name


def trimmed(text: str, name: str, look: Look) -> str:
    """The text of that source column without blanks at both ends. Plain trim takes blanks of every width; naming the other
    marks costs three times as much.
    """
    if not look.blanks:
        return text
    return f"trim({text})" if name in look.uncontrolled else f"trim({text}, {literal(BLANKS)})"


def translated(text: str, pair: tuple[str, str]) -> str:
    """Each character of the first text of the pair becomes the one at its place in the second."""
    return f"translate({text}, {literal(pair[0])}, {literal(pair[1])})"


def quoted(name: str) -> str:
    """A name in SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def listed(values: Sequence[str]) -> str:
    """For IN (...); a list of nothing holds NULL, which equals nothing."""
    return ", ".join(map(literal, values)) or "NULL"
