"""Values of columns as people read them: with their unit, ratios as percent, codes in words.

Put here: forms of single values. Keep out: tables and pages (output, memo), the words themselves (texts).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from risk_pipeline.cli import output
from risk_pipeline.cli.texts import WORDS, Language, One, code, each, say, word
from risk_pipeline.contracts.table import Kind

Row = dict[str, Any]
LARGEST_SHARE = 9.99  # what stands for an amount over nothing, such as exposure without a limit


def factor_value(row: Row, language: Language) -> str:
    """A factor's value with its unit; what stands for it where there is no value."""
    if row["value_text"] is not None:
        return code(row["value_text"], language)
    return "-" if row["value"] is None else figure(row["value"], row["unit"], language)


def figure(value: Any, unit: str, language: Language) -> str:
    """A value with its unit: ratios as percent, two decimals at most."""
    if unit == "ratio":
        return f"{value:.1%}"
    if isinstance(value, str):
        return code(value, language)
    if not isinstance(value, float | int):
        return output.cell(value)
    shown = f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{shown} {word('unit_' + unit, language)}" if f"unit_{unit}" in WORDS else shown


def noticed(row: Row, language: Language) -> str:
    """What an early warning says: its signal, and the value of its indicator where it has one (`value_label`: in words)."""

    def told(one: One) -> str:
        signal, label = row[f"signal_{one}"], row["value_label"]
        value = label[one] if label else _indicator(row, one)
        return say("noticed", one, signal=signal, value=value) if value else str(signal)

    return each(language, told)


def _indicator(row: Row, language: Language) -> str:
    from risk_pipeline.factors.catalogue import load_catalogue
    from risk_pipeline.policy.scopes import SCOPES

    name, text = row["indicator"], row["value_text"]
    if text is None:
        return ""
    column, factors = SCOPES["alert"].get(name), load_catalogue().by_id
    if column is None or column.kind in (Kind.DATE, Kind.FLAG):
        return str(text)
    if column.kind is Kind.TEXT:
        return code(text, language)
    if column.kind is Kind.MONEY:
        return output.cell(Decimal(text))
    if float(text) == 0:
        return ""  # the rule has another condition, which held; this column has nothing to tell
    unit = factors[name].unit if name in factors else column.field.unit
    return "> 999%" if unit == "ratio" and float(text) >= LARGEST_SHARE else figure(float(text), unit, language)
