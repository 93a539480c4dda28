"""Dates from text: a declared format, a serial number of Excel, seconds or milliseconds since 1970. Nothing is guessed.

Put here: the SQL that reads a cell as a day, and the check of a format. Keep out: what is done before (convert_cells).
9999-12-31, the "no end" of many systems, is a day like others; who wants it empty lists it under `nulls`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import duckdb

from risk_pipeline.contracts import Column
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.characters import PLAIN_NUMBER, as_in_numbers
from risk_pipeline.feeds.convert_sql import Cell, Look, literal, quoted, translated
from risk_pipeline.feeds.spec import EPOCHS, SERIALS, ColumnSpec, FeedSpec

ISO = "%Y-%m-%d"
_FIRST, _LAST = "DATE '1000-01-01'", "DATE '9999-12-31'"


def date_cell(column: Column, own: ColumnSpec, layers: Mapping[str, str], look: Look, *, is_iso: bool) -> Cell:
    """`is_iso`: the source gives ISO days whatever the YAML declares."""
    layers, text = dict(layers), quoted("l_" + column.name)
    if look.wide:
        layers["n_"] = translated(text, PLAIN_NUMBER)
        text = quoted("n_" + column.name)
    form = own.format if own.format and not is_iso else ISO
    if form in SERIALS:
        value = _of_serial(text, from_1904=form == "excel_serial_1904")
    elif form in EPOCHS:
        value = _of_epoch(text, 1 if form == "epoch_s" else 1000, own.zone or "UTC")
    else:
        value = _of_format(text, as_in_numbers(form), own.century_from)
    if own.plus_days is not None:  # published so long after the day in the cell
        value = f"{value} + {own.plus_days}"
    return Cell(column, layers, value, "'not_a_date'")


def check_formats(spec: FeedSpec, con: duckdb.DuckDBPyConnection) -> None:
    """UsageError for a date format that is not one, or that loses the day: nobody wants every row rejected for it."""
    sample = date(2013, 11, 28)
    for name, each in spec.columns.items():
        if each.format is None or each.format in SERIALS:
            continue
        if each.format in EPOCHS:
            expression = f"CAST(timezone({literal(each.zone or '')}, TIMESTAMPTZ '{sample} 12:00:00+00') AS DATE)"
        else:
            form = literal(each.format)
            expression = f"CAST(strptime(strftime(DATE '{sample}', {form}), {form}) AS DATE)"
        try:
            [(back,)] = con.execute(f"SELECT {expression}").fetchall()
        except duckdb.Error:
            back = None
        if back is None or (each.format not in EPOCHS and back != sample):
            raise UsageError(
                f"feed {spec.feed}: columns.{name}.format: {each.format!r} is no complete date format",
                remedy="year, month and day are needed, as in %Y-%m-%d, %m/%d/%Y, %d.%m.%Y or %Y%m%d;"
                f" else one of {', '.join((*SERIALS, *EPOCHS))}",
            )


def _of_format(text: str, form: str, century_from: int | None) -> str:
    day = value = f"CAST(try_strptime({text}, {literal(form)}) AS DATE)"
    checks = []
    if re.search(r"%[A-Za-z]%", form):
        # %Y%m%d takes "2013012".
        checks.append(f"strftime({day}, {literal(form)}) = {text}")
    if century_from is not None:
        # %y takes one digit as well.
        checks.append(f"regexp_full_match({text}, {literal(_two_digit_year(form))})")
        year = f"{century_from} + ((year({day}) - {century_from}) % 100 + 100) % 100"
        value = f"TRY(make_date({year}, month({day}), day({day})))"
    # DuckDB takes the words epoch and infinity under every format, for 1900-01-01; and %Y takes "13" for the year 13.
    late = " AND ".join([f"{day} > DATE '1900-01-01'", *checks])
    early = " AND ".join([f"{day} >= {_FIRST}", *checks, f"regexp_matches({text}, '[0-9]')"])
    return f"CASE WHEN {late} THEN {value} WHEN {early} THEN {value} END"


def _two_digit_year(form: str) -> str:
    """A pattern for the texts of a format in which the year has exactly two digits."""
    pieces = re.split(r"(%-?[A-Za-z%])", form)
    directives = {"%y": "[0-9]{2}", "%m": "[0-9]{1,2}", "%d": "[0-9]{1,2}"}
    return "".join(directives.get(each, ".+") if index % 2 else re.escape(each) for index, each in enumerate(pieces))


def _of_serial(text: str, *, from_1904: bool) -> str:
    """The day of a serial number of Excel; the time of day behind the point is passed over.

    The usual calendar counts 1900-01-01 as 1 and has a 1900-02-29 (60), which never was: rejected. The other one, of old
    Macintosh files, counts 1904-01-01 as 0. (ECMA-376 part 1, 18.17.4.1)
    """
    days = f"TRY_CAST(split_part({text}, '.', 1) AS INTEGER)"
    if from_1904:
        whens = f"WHEN {days} <= {_LAST} - DATE '1904-01-01' THEN DATE '1904-01-01' + {days}"
    else:
        whens = (
            f"WHEN {days} BETWEEN 1 AND 59 THEN DATE '1899-12-31' + {days}"
            f" WHEN {days} BETWEEN 61 AND {_LAST} - DATE '1899-12-30' THEN DATE '1899-12-30' + {days}"
        )
    return rf"CASE WHEN regexp_full_match({text}, '[0-9]{{1,7}}(\.[0-9]*)?') THEN CASE {whens} END END"


def _of_epoch(text: str, per_second: int, zone: str) -> str:
    """The day that it was in `zone` so many seconds (or parts of them) after 1970-01-01 00:00 UTC."""
    count = f"TRY_CAST({text} AS DECIMAL(30, 9))"
    moment = f"make_timestamp(CAST(floor({count} * {1_000_000 // per_second}) AS BIGINT))"
    day = f"CAST(timezone({literal(zone)}, timezone('UTC', {moment})) AS DATE)"
    first, last = -30_610_224_000 * per_second, 253_402_300_800 * per_second
    is_count = rf"regexp_full_match({text}, '-?[0-9]{{1,15}}(\.[0-9]*)?')"
    in_reach = f"{count} >= {first} AND {count} < {last}"
    return f"CASE WHEN {is_count} THEN CASE WHEN {in_reach} THEN CASE WHEN {day} <= {_LAST} THEN {day} END END END"
