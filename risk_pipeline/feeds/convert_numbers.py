"""Numbers from text: separators, signs, brackets, percent signs and scales as the feed declares them. Nothing is guessed.

Put here: the SQL that reads a cell as an amount, a rate, an integer or a number. Keep out: what is done before
(convert_cells).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from risk_pipeline.contracts import Column, Kind
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.feeds.characters import PLAIN_NUMBER, as_in_numbers
from risk_pipeline.feeds.convert_sql import Cell, Look, listed, literal, quoted, translated, trimmed
from risk_pipeline.feeds.spec import ColumnSpec, SignSpec

_NOISE = "0.000001"
_WIDE, _CENTS = "TRY_CAST({} AS DECIMAL(38, 18))", "TRY_CAST({} AS DECIMAL(18, 2))"
_IN_BRACKETS, _MINUS = r"^\( *(.*?) *\)$", r"-\1"


def numeric_cell(column: Column, own: ColumnSpec, layers: Mapping[str, str], look: Look) -> Cell:
    """`layers`: those before the number is read."""
    layers = dict(layers)
    text, unsigned, plain = (quoted(prefix + column.name) for prefix in ("l_", "g_", "t_"))
    unmarked = _without_marks(text, own, look)
    if unmarked != text:
        layers["n_"] = unmarked
        text = quoted("n_" + column.name)
    layers["g_"] = _without_groups(text, own)
    layers["t_"] = f"CASE WHEN ends_with({unsigned}, '-') THEN '-' || {unsigned}[:-2] ELSE {unsigned} END"
    power = _power(column, own)
    if power:
        layers["t_"] = f"({layers['t_']}) || 'e{power}'"
    distance = quoted("w_" + column.name)
    if column.kind is Kind.MONEY and own.round is None:
        layers["w_"] = f"abs({_WIDE.format(plain)} - {_CENTS.format(plain)})"
    value, broken, noise = _number(column.kind, plain, distance, own, is_scaled=power != 0)
    broken = f"CASE WHEN {plain} IS NULL THEN 'not_a_{'percentage' if own.percent else 'number'}' ELSE {broken} END"
    if own.negate:
        value = f"-({value})"
    if own.subtract_from is not None:  # an index that is best at its top, read as the distance from there
        value = f"CAST({own.subtract_from} AS DOUBLE) - ({value})"
    if own.sign_from is not None:
        sign = quoted("s_" + column.name)
        layers["s_"] = _is_turned(own.sign_from, look)
        value = f"CASE WHEN {sign} THEN -({value}) WHEN NOT {sign} THEN {value} END"
        broken = f"CASE WHEN {sign} IS NULL THEN 'unknown_sign' ELSE {broken} END"
    return Cell(column, layers, value, broken, noise)


def _without_marks(text: str, own: ColumnSpec, look: Look) -> str:
    """In plain characters, -5 for (5), and without its percent sign (NULL when it has none)."""
    if look.wide:
        text = translated(text, PLAIN_NUMBER)
    if own.parentheses:
        text = f"regexp_replace({text}, {literal(_IN_BRACKETS)}, {literal(_MINUS)})"
    if own.percent:
        text = f"nullif(regexp_extract({text}, '^(.*?) *%$', 1), '')"
    return text


def _without_groups(text: str, own: ColumnSpec) -> str:
    """The number with a decimal point and no thousands separator; NULL when it is none in the declared notation: no
    exponent, no misplaced separator (1,5 is not 15). A trailing minus, as SAP prints it, stays for the next layer.
    """
    decimal, group = as_in_numbers(own.decimal), own.thousands and as_in_numbers(own.thousands)
    point = re.escape(decimal)
    body = rf"(\d+({point}\d*)?|{point}\d+)"
    plain = f"CASE WHEN regexp_full_match({text}, {literal(f'[+-]?{body}|{body}-')}) THEN {text} END"
    if group is not None:
        grouped = rf"\d{{1,3}}({re.escape(group)}\d{{3}})+({point}\d*)?"
        is_grouped = f"regexp_full_match({text}, {literal(f'[+-]?{grouped}|{grouped}-')})"
        ungrouped = f"CASE WHEN {is_grouped} THEN replace({text}, {literal(group)}, '') END"
        plain = f"CASE WHEN contains({text}, {literal(group)}) THEN {ungrouped} ELSE {plain} END"
    return plain if decimal == "." else f"replace({plain}, {literal(decimal)}, '.')"


def _power(column: Column, own: ColumnSpec) -> int:
    """The power of ten the number is multiplied by. A percentage is a share of 1, but in a column whose unit is percent."""
    scale = 0
    if own.scale is not None:
        scale = len(own.scale) - 1 if own.scale.startswith("1") else 2 - len(own.scale)
    return scale - 2 if own.percent and column.field.unit != "%" else scale


def _number(kind: Kind, plain: str, distance: str, own: ColumnSpec, *, is_scaled: bool) -> tuple[str, str, str | None]:
    """Value, rule broken when the plain number has no value, noise. `distance`: how far an amount is from whole cents."""
    wide = _WIDE.format(plain)
    if kind is Kind.MONEY:
        cents = _CENTS.format(plain)
        if own.round == 2:
            return cents, "'money_overflow'", None
        value = f"CASE WHEN {distance} <= {_NOISE} THEN {cents} END"
        return value, f"CASE WHEN {cents} IS NULL THEN 'money_overflow' ELSE 'money_scale' END", f"{distance} > 0"
    if kind is Kind.INTEGER:
        # DuckDB rounds 1.9 to 2; 30.00 is what a spreadsheet makes of 30.
        is_whole = f"{wide} = floor({wide})" if is_scaled else rf"regexp_full_match({plain}, '[+-]?\d+(\.0*)?')"
        return f"CASE WHEN {is_whole} THEN TRY_CAST({plain} AS BIGINT) END", "'not_an_integer'", None
    if kind is Kind.RATE:
        rate = f"TRY_CAST({plain} AS {DUCKDB_TYPE[kind]})"
        broken = f"CASE WHEN {rate} IS NULL THEN 'number_overflow' ELSE 'not_positive' END"
        return f"CASE WHEN {rate} > 0 THEN {rate} END", broken, None
    finite = f"TRY_CAST({plain} AS DOUBLE)"
    return f"CASE WHEN isfinite({finite}) THEN {finite} END", "'number_overflow'", None


def _is_turned(sign: SignSpec, look: Look) -> str:
    """Does the mark say minus; NULL when the feed lists the marks for plus too, and it is none of them."""
    mark = quoted(sign.column)
    if look.wide:
        mark = translated(mark, PLAIN_NUMBER)
    mark = trimmed(mark, sign.column, Look())
    is_minus = f"{mark} IN ({listed(sign.negative_when)})"
    if sign.positive_when is None:
        return f"coalesce({is_minus}, false)"
    return f"CASE WHEN {is_minus} THEN true WHEN {mark} IN ({listed(sign.positive_when)}) THEN false END"
