"""From text cells to typed values, in DuckDB SQL made from the feed YAML; and for every cell that fails, the rule it broke.

Put here: the SQL of each kind of column, and running it over one chunk. Keep out: reading chunks (read_files), what holds
for typed rows (validate), duplicates and versions (store).

Layers, one subquery each: `x_` the cell as it stands, trimmed, null markers gone (`s_`: is its sign turned); `l_` looked up;
`g_`, `t_` numbers in plain notation; then the value under the column's own name. Text there and value NULL: a rejection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.contracts import Column, Kind, Table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.check_digits import lei_is_valid, uscc_is_valid
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.spec import NUMERIC, ColumnSpec, FeedSpec

# No column of a file is called so: header cells are stripped, and a unit separator counts as a blank.
SEQ, LINE = "#seq\x1f", "#line\x1f"
_BLANKS = " \t\r\n\u00a0\u3000"
_FLAGS = {"true": ("true", "t", "yes", "y", "1"), "false": ("false", "f", "no", "n", "0")}
_NOISE = "0.000001"

# Warnings: name -> (columns it needs, predicate over the canonical names).
_WARNINGS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "due_before_invoice": (("invoice_id", "invoice_date", "due_date"), '"due_date" < "invoice_date"'),
    "negative_invoice_amount": (("invoice_id", "invoice_date", "amount"), '"amount" < 0'),
}


@dataclass(frozen=True)
class Converted:
    """One chunk after conversion. `rows`: the typed canonical columns that are mapped, then SEQ, LINE and the columns asked
    for as `identity`. `problems`: SEQ, LINE, rule, column_name, value_text, one row per broken cell. `held`: key hashes of
    rejected rows whose key could be read.
    """

    rows: pa.Table
    problems: pa.Table
    held: pa.Array
    rows_read: int
    rows_filtered: int
    rows_rejected: int
    warnings: Mapping[str, int]


@dataclass(frozen=True)
class _Cell:
    """The SQL of one column, layer by layer, and the rule broken when the text is there and the value is not.

    `layers`: prefix -> expression over the layers before it; `x_` is the cell, the last prefix the text the value is made
    from. `noise`: true where an amount was rounded for binary noise.
    """

    column: Column
    layers: Mapping[str, str]
    value: str
    broken: str
    noise: str | None = None

    @property
    def name(self) -> str:
        return self.column.name


class Converter:
    """Turns chunks of text into typed rows by one feed spec. Holds a private in-memory DuckDB without file access.

    `identity`: further columns as SQL over the canonical names (the store's hashes); it must have `key_hash`.
    `iso_dates`: source columns that hold ISO days whatever format the YAML declares (typed Parquet columns).
    Not for use by two threads at once: one converter each.
    """

    def __init__(
        self, spec: FeedSpec, header: Sequence[str], *, identity: Mapping[str, str], iso_dates: frozenset[str] = frozenset()
    ) -> None:
        self._spec = spec
        self._identity = dict(identity)
        self._con = connect()
        self.source_columns = _needed_columns(spec, header)
        self._cells = [_cell(column, spec, iso_dates) for column in spec.mapped]
        # Trimming is a fifth of the work of converting, and most files have nothing to trim.
        self._untrimmed = [_cell(column, _without_trim(spec), iso_dates) for column in spec.mapped]
        self._warnings = _warnings(spec.table, spec.columns)
        self._check_formats()
        self._check_where()
        self._check_constants()
        self._good = {True: self._good_sql(self._cells), False: self._good_sql(self._untrimmed)}
        self._bad = self._bad_sql()

    def convert(self, text: pa.Table, lines: pa.Array, first_seq: int, *, trim: bool = True) -> Converted:
        """Convert one chunk; its rows are numbered from `first_seq` in file order, those filtered out included.

        `trim=False`: the caller knows that no cell begins or ends with a blank.
        """
        seq = pa.array(np.arange(first_seq, first_seq + len(text), dtype=np.int64))
        self._con.register("chunk", text.append_column(SEQ, seq).append_column(LINE, lines))
        found = self._con.sql(self._good[trim]).to_arrow_table()
        is_good = found.column("#good")
        good = found.filter(is_good) if (rejected := _count(is_good, False)) else found
        warnings = {name: count for name in (*self._warnings, "rounded_amount") if (count := _total(good, f"#{name}"))}
        warnings.update(_wrong_check_digits(good))
        problems, held = self._problems() if rejected else (PROBLEMS.empty_table(), pa.array([], pa.int64()))
        self._con.unregister("chunk")
        kept = [name for name in good.column_names if not name.startswith("#") or name in (SEQ, LINE)]
        return Converted(good.select(kept), problems, held, len(text), len(text) - len(found), rejected, warnings)

    def _problems(self) -> tuple[pa.Table, pa.Array]:
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE bad AS {self._bad}")
        listed = " UNION ALL ".join(
            f"SELECT {_q(SEQ)}, {_q(LINE)}, {_q('p_' + c.name)} AS rule, {_s(c.name)} AS column_name,"
            f" {_q('x_' + c.name)} AS value_text FROM bad WHERE {_q('p_' + c.name)} IS NOT NULL"
            for c in self._cells
        )
        problems = self._con.sql(f"{listed} ORDER BY 1, 4").to_arrow_table().cast(PROBLEMS)
        key = " AND ".join(f"{_q(name)} IS NOT NULL" for name in self._spec.table.key)
        held = self._con.sql(f"SELECT key_hash FROM bad WHERE {key}").to_arrow_table()
        return problems, held.column(0).combine_chunks()

    def _values_sql(self, cells: Sequence[_Cell], where: str | None) -> str:
        """The rows that pass `where`: every layer of every mapped column, then its typed value under its own name."""
        query = f"SELECT {_q(SEQ)}, {_q(LINE)}, {_layer(cells, 'x_')}, {_layer(cells, 's_')} FROM chunk"
        if where:
            query += f" WHERE ({where})"
        for prefix in ("l_", "g_", "t_"):
            query = f"SELECT *, {_layer(cells, prefix)} FROM ({query})"
        values = ", ".join(f"{c.value} AS {_q(c.name)}" for c in cells)
        return f"SELECT *, {values} FROM ({query})"

    def _good_sql(self, cells: Sequence[_Cell]) -> str:
        canonical = ", ".join(_q(c.name) for c in cells)
        identity = ", ".join(f"{sql} AS {_q(name)}" for name, sql in self._identity.items())
        good = " AND ".join(
            f"{_q(c.name)} IS NOT NULL" if c.column.required else f"({_q(c.name)} IS NOT NULL OR {_q('x_' + c.name)} IS NULL)"
            for c in cells
        )
        flags = [f"({predicate}) AS {_q('#' + name)}" for name, predicate in self._warnings.items()]
        noise = " + ".join(f"CAST(coalesce({c.noise}, false) AS INTEGER)" for c in cells if c.noise)
        flags.append(f"({noise or '0'}) AS {_q('#rounded_amount')}")
        return (
            f"SELECT {canonical}, {_q(SEQ)}, {_q(LINE)}, {identity}, {', '.join(flags)}, ({good}) AS {_q('#good')}"
            f" FROM ({self._values_sql(cells, self._spec.where)})"
        )

    def _bad_sql(self) -> str:
        problems = ", ".join(f"{_problem(c, self._spec.table)} AS {_q('p_' + c.name)}" for c in self._cells)
        any_problem = ", ".join(_q("p_" + c.name) for c in self._cells)
        values = self._values_sql(self._cells, self._spec.where)
        inner = f"SELECT *, {problems}, {self._identity['key_hash']} AS key_hash FROM ({values})"
        return f"SELECT * FROM ({inner}) WHERE coalesce({any_problem}) IS NOT NULL"

    def _check_formats(self) -> None:
        """UsageError for a date format that is not one, or that loses the day: nobody wants every row rejected for it."""
        for name, spec in self._spec.columns.items():
            if spec.format is None:
                continue
            sample = date(2013, 11, 28)
            try:
                sql = f"SELECT CAST(strptime(strftime(DATE '{sample}', {_s(spec.format)}), {_s(spec.format)}) AS DATE)"
                [(back,)] = self._con.execute(sql).fetchall()
            except duckdb.Error:
                back = None
            if back != sample:
                raise UsageError(
                    f"feed {self._spec.feed}: columns.{name}.format: {spec.format!r} is no complete date format",
                    remedy="year, month and day are needed, as in %Y-%m-%d, %m/%d/%Y, %d.%m.%Y or %Y%m%d",
                )

    def _check_where(self) -> None:
        if not self._spec.where:
            return
        try:
            empty = pa.table({name: pa.array([], pa.string()) for name in self.source_columns})
            self._con.register("chunk", empty)
            self._con.execute(f"SELECT * FROM chunk WHERE ({self._spec.where})").fetchall()
        except duckdb.Error as exc:
            raise UsageError(
                f"feed {self._spec.feed}: where: {self._spec.where!r} does not work on the file: {_first_line(exc)}",
                remedy="every source column is text; write for example SettledDate <> '' and quote names that hold blanks",
            ) from None
        finally:
            self._con.unregister("chunk")

    def _check_constants(self) -> None:
        """UsageError for a constant that its own column would reject."""
        constant = [c for c in self._cells if self._spec.columns[c.name].value is not None]
        if not constant:
            return
        one = pa.table({name: [""] for name in (*self.source_columns, SEQ, LINE)})
        self._con.register("chunk", one)
        problems = ", ".join(_problem(c, self._spec.table) for c in constant)
        [found] = self._con.execute(f"SELECT {problems} FROM ({self._values_sql(self._cells, None)})").fetchall()
        self._con.unregister("chunk")
        for cell, rule in zip(constant, found, strict=True):
            if rule is not None:
                raise UsageError(
                    f"feed {self._spec.feed}: columns.{cell.name}.value: {self._spec.columns[cell.name].value!r} breaks {rule}",
                    remedy="give a constant the column can hold",
                )


PROBLEMS = pa.schema(
    [
        (SEQ, pa.int64()),
        (LINE, pa.int64()),
        ("rule", pa.string()),
        ("column_name", pa.string()),
        ("value_text", pa.string()),
    ]
)


def connect(memory_limit: str = "512MB") -> duckdb.DuckDBPyConnection:
    """A private in-memory DuckDB of one thread that can open no file and load no extension."""
    return duckdb.connect(
        config={
            "threads": 1,
            "memory_limit": memory_limit,
            "enable_external_access": False,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
        }
    )


def _needed_columns(spec: FeedSpec, header: Sequence[str]) -> list[str]:
    """The mapped source columns, and those whose name occurs in `where`."""
    where = (spec.where or "").casefold()
    return [name for name in dict.fromkeys(header) if name in spec.source_columns or (name and name.casefold() in where)]


def _warnings(table: Table, mapped: Mapping[str, ColumnSpec]) -> dict[str, str]:
    return {
        name: predicate
        for name, (needed, predicate) in _WARNINGS.items()
        if table.name == "invoice" and all(each in mapped for each in needed)
    }


def _wrong_check_digits(rows: pa.Table) -> dict[str, int]:
    """Warnings about registration numbers, where the rows have any."""
    found = {}
    if "lei" in rows.column_names:
        found["lei_check_digit"] = int((~lei_is_valid(rows.column("lei"))).sum())
    if {"registration_number", "registration_scheme"} <= {*rows.column_names}:
        is_uscc = pc.equal(rows.column("registration_scheme"), "USCC")
        numbers = rows.column("registration_number").filter(is_uscc)
        found["uscc_check_digit"] = int((~uscc_is_valid(numbers)).sum())
    return {name: count for name, count in found.items() if count}


def _without_trim(spec: FeedSpec) -> FeedSpec:
    columns = {name: each.model_copy(update={"trim": False}) for name, each in spec.columns.items()}
    return spec.model_copy(update={"columns": columns})


def _layer(cells: Sequence[_Cell], prefix: str) -> str:
    given = [f"{c.layers[prefix]} AS {_q(prefix + c.name)}" for c in cells if prefix in c.layers]
    return ", ".join(given) or f"NULL AS {_q(prefix)}"


# One column


def _cell(column: Column, spec: FeedSpec, iso_dates: frozenset[str]) -> _Cell:
    own = spec.columns[column.name]
    layers = {"x_": _raw(own, spec.nulls if own.nulls is None else own.nulls), "l_": _looked_up(column, own)}
    if column.kind in NUMERIC:
        return _numeric(column, own, layers)
    text = _q("l_" + column.name)
    if column.kind is Kind.DATE:
        form = own.format if own.format and own.source not in iso_dates else "%Y-%m-%d"
        return _Cell(column, layers, _date(text, form), "'not_a_date'")
    if column.kind is Kind.FLAG:
        whens = " ".join(f"WHEN lower({text}) IN ({_list(words)}) THEN {value}" for value, words in _FLAGS.items())
        return _Cell(column, layers, f"CASE {whens} END", "'not_a_flag'")
    allowed, rule = _closed_list(column, spec.table)
    value = f"CASE WHEN {text} IN ({_list(allowed)}) THEN {text} END" if allowed else text
    return _Cell(column, layers, value, _s(rule))


def _raw(own: ColumnSpec, nulls: Sequence[str]) -> str:
    """The cell: constant, source column or template; NULL where a null marker stands that is not looked up."""
    if own.value is not None:
        return f"CAST({_s(own.value)} AS VARCHAR)"
    markers = [each for each in nulls if each not in (own.lookup or {})]

    def piece(name: str) -> str:
        text = _trimmed(name) if own.trim else _q(name)
        return f"CASE WHEN {text} IN ({_list(markers)}) THEN NULL ELSE {text} END" if markers else text

    if own.source is not None:
        return piece(own.source)
    return " || ".join(f"({piece(part)})" if kind == "column" else _s(part) for kind, part in own.template_parts())


def _looked_up(column: Column, own: ColumnSpec) -> str:
    x = _q("x_" + column.name)
    if own.strip_leading_zeros:
        x = f"CASE WHEN {x} <> '' AND ltrim({x}, '0') = '' THEN '0' ELSE ltrim({x}, '0') END"
    if own.lookup is None:
        return x
    whens = " ".join(f"WHEN {_s(key)} THEN {_s(value)}" for key, value in own.lookup.items())
    return f"CASE {x} {whens} {'ELSE ' + x if own.otherwise == 'keep' else ''} END"


def _closed_list(column: Column, table: Table) -> tuple[Sequence[str], str]:
    if column.values:
        return column.values, "not_in_list"
    if column.name == "currency" or column.name.endswith("_currency"):
        # A control total that counts rows has no currency, and the currency is part of its key.
        return [*sorted(CURRENCIES), *([""] if table.name == "control_total" else [])], "unknown_currency"
    return (), "unreadable"


def _date(text: str, form: str) -> str:
    value = f"CAST(try_strptime({text}, {_s(form)}) AS DATE)"
    # %Y takes "13" for the year 13, and %Y%m%d takes "2013012".
    checks = [f"{value} >= DATE '1000-01-01'"]
    if re.search(r"%[A-Za-z]%", form):
        checks.append(f"strftime({value}, {_s(form)}) = {text}")
    return f"CASE WHEN {' AND '.join(checks)} THEN {value} END"


def _numeric(column: Column, own: ColumnSpec, layers: dict[str, str]) -> _Cell:
    looked_up, unsigned, plain = (_q(prefix + column.name) for prefix in ("l_", "g_", "t_"))
    layers["g_"] = _without_groups(looked_up, own)
    layers["t_"] = f"CASE WHEN ends_with({unsigned}, '-') THEN '-' || {unsigned}[:-2] ELSE {unsigned} END"
    value, broken, noise = _number(column.kind, plain, own)
    if own.negate:
        value = f"-({value})"
    if own.sign_from is not None:
        layers["s_"] = f"coalesce({_trimmed(own.sign_from.column)} IN ({_list(own.sign_from.negative_when)}), false)"
        value = f"CASE WHEN {_q('s_' + column.name)} THEN -({value}) ELSE {value} END"
    return _Cell(column, layers, value, f"CASE WHEN {plain} IS NULL THEN 'not_a_number' ELSE {broken} END", noise)


def _without_groups(text: str, own: ColumnSpec) -> str:
    """The number with a decimal point and no thousands separator; NULL when it is none in the declared notation: no
    exponent, no misplaced separator (1,5 is not 15). A trailing minus, as SAP prints it, stays for the next layer.
    """
    point, group = re.escape(own.decimal), own.thousands
    body = rf"(\d+({point}\d*)?|{point}\d+)"
    plain = f"CASE WHEN regexp_full_match({text}, {_s(f'[+-]?{body}|{body}-')}) THEN {text} END"
    if group is not None:
        grouped = rf"\d{{1,3}}({re.escape(group)}\d{{3}})+({point}\d*)?"
        is_grouped = f"regexp_full_match({text}, {_s(f'[+-]?{grouped}|{grouped}-')})"
        ungrouped = f"CASE WHEN {is_grouped} THEN replace({text}, {_s(group)}, '') END"
        plain = f"CASE WHEN contains({text}, {_s(group)}) THEN {ungrouped} ELSE {plain} END"
    return plain if own.decimal == "." else f"replace({plain}, {_s(own.decimal)}, '.')"


def _number(kind: Kind, plain: str, own: ColumnSpec) -> tuple[str, str, str | None]:
    """Value, rule broken when the plain number has no value, noise."""
    if kind is Kind.MONEY:
        wide, cents = f"TRY_CAST({plain} AS DECIMAL(38, 18))", f"TRY_CAST({plain} AS DECIMAL(18, 2))"
        if own.round == 2:
            return cents, "'money_overflow'", None
        distance = f"abs({wide} - {cents})"
        value = f"CASE WHEN {distance} <= {_NOISE} THEN {cents} END"
        return value, f"CASE WHEN {cents} IS NULL THEN 'money_overflow' ELSE 'money_scale' END", f"{distance} > 0"
    if kind is Kind.INTEGER:
        # DuckDB rounds 1.9 to 2; 30.00 is what a spreadsheet makes of 30.
        whole = rf"regexp_full_match({plain}, '[+-]?\d+(\.0*)?')"
        return f"CASE WHEN {whole} THEN TRY_CAST({plain} AS BIGINT) END", "'not_an_integer'", None
    if kind is Kind.RATE:
        rate = f"TRY_CAST({plain} AS {DUCKDB_TYPE[kind]})"
        broken = f"CASE WHEN {rate} IS NULL THEN 'number_overflow' ELSE 'not_positive' END"
        return f"CASE WHEN {rate} > 0 THEN {rate} END", broken, None
    finite = f"TRY_CAST({plain} AS DOUBLE)"
    return f"CASE WHEN isfinite({finite}) THEN {finite} END", "'number_overflow'", None


def _problem(cell: _Cell, table: Table) -> str:
    """The rule the cell broke, NULL when none."""
    x, looked_up, value = _q("x_" + cell.name), _q("l_" + cell.name), _q(cell.name)
    absent = "NULL"
    if cell.name in table.key:
        absent = "'key_missing'"
    elif cell.column.required:
        absent = "'customer_missing'" if cell.name == "customer_id" else "'value_missing'"
    return (
        f"CASE WHEN {value} IS NOT NULL THEN NULL WHEN {x} IS NULL THEN {absent}"
        f" WHEN {looked_up} IS NULL THEN 'not_in_lookup' ELSE {cell.broken} END"
    )


# Small things


def _trimmed(name: str) -> str:
    """Without blanks at both ends. Plain trim takes blanks of every width but no control characters; naming those costs
    four times as much, so only cells that hold one pay for it.
    """
    name = _q(name)
    has_control = " OR ".join(f"contains({name}, chr({ord(each)}))" for each in "\t\r\n")
    return f"CASE WHEN {has_control} THEN trim({name}, {_s(_BLANKS)}) ELSE trim({name}) END"


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _s(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(values: Sequence[str]) -> str:
    return ", ".join(map(_s, values)) or "NULL"


def _count(values: pa.ChunkedArray, wanted: bool) -> int:
    return int(pc.sum(pc.equal(values, wanted)).as_py() or 0)


def _total(rows: pa.Table, name: str) -> int:
    return int(pc.sum(rows.column(name).cast(pa.int64())).as_py() or 0)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
