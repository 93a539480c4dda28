"""The SQL of one column of a feed: its text, and text, flags and closed lists as values.

Put here: what holds for cells of every kind, and the kinds that stay text. Keep out: numbers (convert_numbers), dates
(convert_dates), running the SQL over a chunk (convert).
"""

from __future__ import annotations

from collections.abc import Sequence

from risk_pipeline.contracts import Column, Kind, Table
from risk_pipeline.feeds.characters import HALF_WIDTH, NULL_WORDS
from risk_pipeline.feeds.convert_dates import date_cell
from risk_pipeline.feeds.convert_numbers import numeric_cell
from risk_pipeline.feeds.convert_sql import Cell, Look, listed, literal, quoted, translated, trimmed
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.spec import NUMERIC, ColumnSpec, FeedSpec

_FLAGS = {"true": ("true", "t", "yes", "y", "1"), "false": ("false", "f", "no", "n", "0")}

# How a spreadsheet or a data frame prints the id 2960623488. Its number holds 15 digits: a longer id is no longer whole.
_WHOLE = r"(0|[1-9][0-9]{0,14})\.0+"
_EXPONENT = r"[1-9]\.[0-9]+[eE]\+?[0-9]{1,2}"
_NUMBER_LIKE = r"[0-9]+\.0+|[0-9](\.[0-9]+)?[eE]\+?[0-9]{1,2}"
# Where the feed does not say that ids came so: 1E5 may well be an id, 1.5E5 and 1E+05 are none.
_SURELY_NUMBER = r"[0-9]+\.0+|[0-9]\.[0-9]+[eE]\+?[0-9]{1,2}|[0-9][eE]\+[0-9]{1,2}"
_ERROR = r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|##+)"


def make_cell(column: Column, spec: FeedSpec, iso_dates: frozenset[str], look: Look) -> Cell:
    """The SQL of a mapped column, for chunks that look so."""
    own = spec.columns[column.name]
    nulls = spec.nulls if own.nulls is None else own.nulls
    raw = _raw(own, nulls, look)
    layers = {"x_": raw if column.absent is None else f"coalesce({raw}, {literal(column.absent)})"}
    doubtful = _doubtful(column, own, nulls, look)
    if doubtful is not None:
        layers["d_"] = doubtful
    layers["l_"] = _looked_up(column, own, guarded=doubtful is not None)
    if column.kind in NUMERIC:
        return numeric_cell(column, own, layers, look)
    if column.kind is Kind.DATE:
        is_iso = own.source in iso_dates
        return date_cell(column, own, layers, look, is_iso=is_iso)
    text = quoted("l_" + column.name)
    if column.kind is Kind.FLAG:
        whens = " ".join(f"WHEN lower({text}) IN ({listed(words)}) THEN {value}" for value, words in _FLAGS.items())
        return Cell(column, layers, f"CASE {whens} END", "'not_a_flag'")
    allowed, rule = _closed_list(column)
    value = f"CASE WHEN {text} IN ({listed(allowed)}) THEN {text} END" if allowed else text
    return Cell(column, layers, value, literal(rule))


def problem(cell: Cell, table: Table) -> str:
    """The rule the cell broke, NULL when none."""
    x, looked_up, value = quoted("x_" + cell.name), quoted("l_" + cell.name), quoted(cell.name)
    absent = "NULL"
    if cell.name in table.key:
        absent = "'key_missing'"
    elif cell.column.required:
        absent = "'customer_missing'" if cell.name == "customer_id" else "'value_missing'"
    doubtful = ""
    if "d_" in cell.layers:
        reason = (
            f"CASE WHEN regexp_matches({x}, {literal(_ERROR)}) THEN 'spreadsheet_error'"
            f" WHEN regexp_matches({x}, '[0-9][.Ee]') THEN 'id_as_number' ELSE 'null_as_id' END"
        )
        doubtful = f" WHEN {quoted('d_' + cell.name)} THEN {reason}"
    return (
        f"CASE WHEN {value} IS NOT NULL THEN NULL WHEN {x} IS NULL THEN {absent}{doubtful}"
        f" WHEN {looked_up} IS NULL THEN 'not_in_lookup' ELSE {cell.broken} END"
    )


def is_id(column: Column) -> bool:
    """Is the column a name by which rows are joined: there a number in place of text does harm unseen."""
    return column.kind is Kind.TEXT and column.name.endswith(("_id", "_number"))


def _pieces(own: ColumnSpec, look: Look) -> dict[str, str]:
    """The trimmed cell of each source column of the value."""
    names = [own.source] if own.source is not None else [part for kind, part in own.template_parts() if kind == "column"]
    pieces = {}
    for name in names:
        text = translated(quoted(name), HALF_WIDTH) if own.half_width else quoted(name)
        pieces[name] = trimmed(text, name, look) if own.trim else text
    return pieces


def _raw(own: ColumnSpec, nulls: Sequence[str], look: Look) -> str:
    """The cell: constant, source column or template; NULL where a null marker stands that is not looked up."""
    if own.value is not None:
        return f"CAST({literal(own.value)} AS VARCHAR)"
    markers = [each for each in nulls if each not in (own.lookup or {})]
    pieces = _pieces(own, look)

    def piece(name: str) -> str:
        text = pieces[name]
        value = _without_point(text) if own.integral else text
        return f"CASE WHEN {text} IN ({listed(markers)}) THEN NULL ELSE {value} END" if markers else value

    if own.source is not None:
        return piece(own.source)
    return " || ".join(f"({piece(part)})" if kind == "column" else literal(part) for kind, part in own.template_parts())


def _without_point(text: str) -> str:
    """2960623488.0 and 2.960623488E9 as 2960623488; any other text as it is, a number that shows not all its digits too."""
    digits = f"replace(split_part(upper({text}), 'E', 1), '.', '')"
    power = f"TRY_CAST(split_part(upper({text}), 'E', 2) AS INTEGER)"
    is_exact = f"{power} < least(length({digits}), 15) AND rtrim(substr({digits}, {power} + 2), '0') = ''"
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(_WHOLE)}) THEN split_part({text}, '.', 1)"
        f" WHEN regexp_full_match({text}, {literal(_EXPONENT)}) THEN CASE WHEN {is_exact} THEN left({digits}, {power} + 1)"
        f" ELSE {text} END ELSE {text} END"
    )


def _doubtful(column: Column, own: ColumnSpec, nulls: Sequence[str], look: Look) -> str | None:
    """Is a piece of an id the print of a number that `integral` cannot undo, or does not ask to; an error of a spreadsheet; or
    a word for nothing that the feed does not name as one. None when the question does not arise.
    """
    is_closed = own.lookup is not None and own.otherwise == "reject"
    if not look.doubtful or own.value is not None or is_closed or not (is_id(column) or own.integral):
        return None
    markers = [*nulls, *(own.lookup or {})]
    words = NULL_WORDS if is_id(column) else ()

    def doubt(text: str) -> str:
        errors = f"regexp_full_match({text}, {literal(_ERROR)})"
        if own.integral:
            numbers = f"regexp_full_match({text}, {literal(_NUMBER_LIKE)}) AND {_without_point(text)} = {text}"
        else:
            numbers = "false" if own.integral is False else f"regexp_full_match({text}, {literal(_SURELY_NUMBER)})"
        known = f" AND {text} NOT IN ({listed(markers)})" if markers else ""
        return f"(({errors} OR {numbers} OR {text} IN ({listed(words)})){known})"

    return f"coalesce({' OR '.join(doubt(text) for text in _pieces(own, look).values())}, false)"


def _looked_up(column: Column, own: ColumnSpec, *, guarded: bool) -> str:
    x = quoted("x_" + column.name)
    if own.strip_leading_zeros:
        x = f"CASE WHEN {x} <> '' AND ltrim({x}, '0') = '' THEN '0' ELSE ltrim({x}, '0') END"
    if own.lookup is not None:
        whens = " ".join(f"WHEN {literal(key)} THEN {literal(value)}" for key, value in own.lookup.items())
        x = f"CASE {x} {whens} {'ELSE ' + x if own.otherwise == 'keep' else ''} END"
    return f"CASE WHEN NOT {quoted('d_' + column.name)} THEN {x} END" if guarded else x


def _closed_list(column: Column) -> tuple[Sequence[str], str]:
    if column.values:
        return column.values, "not_in_list"
    if column.name == "currency" or column.name.endswith("_currency"):
        return [*sorted(CURRENCIES), *([] if column.absent is None else [column.absent])], "unknown_currency"
    return (), "unreadable"
