"""From text cells to typed values, in DuckDB SQL made from the feed YAML; and for every cell that fails, the rule it broke.

Put here: putting the SQL of the columns together and running it over one chunk. Keep out: the SQL of one cell (convert_cells
and its neighbours; the layers are explained in convert_sql), reading chunks (read_files), what holds for typed rows
(validate), duplicates and versions (store).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.contracts import Kind
from risk_pipeline.contracts.rules import Rule, rules_of
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.characters import NULL_WORDS, UNTRIMMED
from risk_pipeline.feeds.check_digits import lei_is_valid, uscc_is_valid
from risk_pipeline.feeds.convert_cells import is_id, make_cell, problem
from risk_pipeline.feeds.convert_dates import check_formats
from risk_pipeline.feeds.convert_sql import FIRST_LAYERS, LATER_LAYERS, Cell, Look, literal, quoted
from risk_pipeline.feeds.spec import NUMERIC, FeedSpec

# No column of a file is called so: header cells are stripped, and a unit separator counts as a blank.
SEQ, LINE = "#seq\x1f", "#line\x1f"
_LONGEST_WORD = max(len(each.encode()) for each in NULL_WORDS)
_UNTRIMMED = tuple(each.encode() for each in UNTRIMMED if each >= "\x7f")


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
        self._iso_dates = iso_dates
        self._cells = self._cells_for(Look())
        rules = rules_of(spec.table, spec.columns)
        self._rejecting = [rule for rule in rules if rule.severity == "reject"]
        self._warnings = _by_name(rule for rule in rules if rule.severity == "warn")
        check_formats(spec, self._con)
        self._check_where()
        self._check_constants()
        # The work per cell that most files do not need is half of converting them.
        self._good: dict[Look, str] = {}
        self._is_numeric = _sources(spec, lambda name: spec.table.column(name).kind in (*NUMERIC, Kind.DATE))
        self._is_id = _sources(spec, lambda name: is_id(spec.table.column(name)))
        self._asks_integral = any(each.integral or each.half_width for each in spec.columns.values())
        self._bad = self._bad_sql()

    def convert(self, text: pa.Table, lines: pa.Array, first_seq: int, *, trim: bool = True) -> Converted:
        """Convert one chunk; its rows are numbered from `first_seq` in file order, those filtered out included.

        `trim=False`: the caller knows that no cell begins or ends with a blank.
        """
        seq = pa.array(np.arange(first_seq, first_seq + len(text), dtype=np.int64))
        self._con.register("chunk", text.append_column(SEQ, seq).append_column(LINE, lines))
        found = self._con.sql(self._good_sql(self._look(text, trim))).to_arrow_table()
        is_good = found.column("#good")
        good = found.filter(is_good) if (rejected := _count(is_good, False)) else found
        warnings = {name: count for name in (*self._warnings, "rounded_amount") if (count := _total(good, f"#{name}"))}
        warnings.update(_wrong_check_digits(good))
        problems, held = self._problems() if rejected else (PROBLEMS.empty_table(), pa.array([], pa.int64()))
        self._con.unregister("chunk")
        kept = [name for name in good.column_names if not name.startswith("#") or name in (SEQ, LINE)]
        return Converted(good.select(kept), problems, held, len(text), len(text) - len(found), rejected, warnings)

    def _cells_for(self, look: Look) -> list[Cell]:
        return [make_cell(column, self._spec, self._iso_dates, look) for column in self._spec.mapped]

    def _look(self, text: pa.Table, may_have_blanks: bool) -> Look:
        return Look(
            blanks=may_have_blanks,
            uncontrolled=frozenset(
                name for name in text.column_names if may_have_blanks and not _has_controls(text.column(name))
            ),
            wide=any(not _is_ascii(text.column(name)) for name in self._is_numeric),
            doubtful=self._asks_integral or any(_may_be_doubtful(text.column(name), may_have_blanks) for name in self._is_id),
        )

    def _problems(self) -> tuple[pa.Table, pa.Array]:
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE bad AS {self._bad}")
        listed = " UNION ALL ".join(
            f"SELECT {quoted(SEQ)}, {quoted(LINE)}, {quoted('p_' + c.name)} AS rule, {literal(c.name)} AS column_name,"
            f" {quoted('x_' + c.name)} AS value_text FROM bad WHERE {quoted('p_' + c.name)} IS NOT NULL"
            for c in self._cells
        )
        for number, rule in enumerate(self._rejecting):
            column = rule.columns[0]
            listed += (
                f" UNION ALL SELECT {quoted(SEQ)}, {quoted(LINE)}, r_{number}, {literal(column)}, {quoted('x_' + column)}"
                f" FROM bad WHERE r_{number} IS NOT NULL"
            )
        problems = self._con.sql(f"{listed} ORDER BY 1, 4, 3").to_arrow_table().cast(PROBLEMS)
        key = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in self._spec.table.key)
        held = self._con.sql(f"SELECT key_hash FROM bad WHERE {key}").to_arrow_table()
        return problems, held.column(0).combine_chunks()

    def _values_sql(self, cells: Sequence[Cell], where: str | None) -> str:
        """The rows that pass `where`: every layer of every mapped column, then its typed value under its own name."""
        first = ", ".join(_layer(cells, prefix) for prefix in FIRST_LAYERS if _has_layer(cells, prefix))
        query = f"SELECT {quoted(SEQ)}, {quoted(LINE)}, {first} FROM chunk"
        if where:
            query += f" WHERE ({where})"
        for prefix in LATER_LAYERS:
            if _has_layer(cells, prefix):
                query = f"SELECT *, {_layer(cells, prefix)} FROM ({query})"
        values = ", ".join(f"{c.value} AS {quoted(c.name)}" for c in cells)
        return f"SELECT *, {values} FROM ({query})"

    def _good_sql(self, look: Look) -> str:
        if look not in self._good:
            self._good[look] = self._make_good_sql(self._cells_for(look))
        return self._good[look]

    def _make_good_sql(self, cells: Sequence[Cell]) -> str:
        canonical = ", ".join(quoted(c.name) for c in cells)
        identity = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in self._identity.items())
        good = " AND ".join(
            f"{quoted(c.name)} IS NOT NULL"
            if c.column.required
            else f"({quoted(c.name)} IS NOT NULL OR {quoted('x_' + c.name)} IS NULL)"
            for c in cells
        )
        good += "".join(f" AND NOT coalesce({rule.broken}, false)" for rule in self._rejecting)
        flags = [f"({predicate}) AS {quoted('#' + name)}" for name, predicate in self._warnings.items()]
        noise = " + ".join(f"CAST(coalesce({c.noise}, false) AS INTEGER)" for c in cells if c.noise)
        flags.append(f"({noise or '0'}) AS {quoted('#rounded_amount')}")
        return (
            f"SELECT {canonical}, {quoted(SEQ)}, {quoted(LINE)}, {identity}, {', '.join(flags)}, ({good}) AS {quoted('#good')}"
            f" FROM ({self._values_sql(cells, self._spec.where)})"
        )

    def _bad_sql(self) -> str:
        problems = ", ".join(f"{problem(c, self._spec.table)} AS {quoted('p_' + c.name)}" for c in self._cells)
        any_problem = ", ".join(quoted("p_" + c.name) for c in self._cells)
        for number, rule in enumerate(self._rejecting):
            problems += f", CASE WHEN {rule.broken} THEN {literal(rule.name)} END AS r_{number}"
            any_problem += f", r_{number}"
        values = self._values_sql(self._cells, self._spec.where)
        inner = f"SELECT *, {problems}, {self._identity['key_hash']} AS key_hash FROM ({values})"
        return f"SELECT * FROM ({inner}) WHERE coalesce({any_problem}) IS NOT NULL"

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
        problems = ", ".join(problem(c, self._spec.table) for c in constant)
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


def _by_name(rules: Iterable[Rule]) -> dict[str, str]:
    """Warning -> predicate: a row that breaks several rules of one name is one warning."""
    found: dict[str, str] = {}
    for rule in rules:
        told = f"coalesce({rule.broken}, false)"
        found[rule.name] = f"{found[rule.name]} OR {told}" if rule.name in found else told
    return found


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


def _has_layer(cells: Sequence[Cell], prefix: str) -> bool:
    return any(prefix in each.layers for each in cells)


def _layer(cells: Sequence[Cell], prefix: str) -> str:
    return ", ".join(f"{c.layers[prefix]} AS {quoted(prefix + c.name)}" for c in cells if prefix in c.layers)


# What a chunk looks like


def _sources(spec: FeedSpec, wanted: Callable[[str], bool]) -> list[str]:
    """The source columns behind the mapped columns wanted."""
    return list(dict.fromkeys(name for column, own in spec.columns.items() if wanted(column) for name in own.source_columns))


def _is_ascii(cells: pa.ChunkedArray) -> bool:
    return pc.all(pc.string_is_ascii(cells)).as_py() is not False


def _bytes(cells: pa.ChunkedArray) -> list[bytes]:
    """The text of all cells, one behind the other, in a few pieces; it may hold more than the cells of a slice."""
    buffers = [piece.buffers()[2] for piece in cells.chunks]
    return [each.to_pybytes() for each in buffers if each is not None and each.size]


def _has_controls(cells: pa.ChunkedArray) -> bool:
    """May a cell hold what only the slow trim takes off: a control character, or a mark without width."""
    for data in _bytes(cells):
        codes = np.frombuffer(data, dtype=np.uint8)
        if codes.min() < 0x20 or (codes.max() >= 0x7F and any(mark in data for mark in _UNTRIMMED)):
            return True
    return False


def _may_be_doubtful(ids: pa.ChunkedArray, may_have_blanks: bool) -> bool:
    """May an id be the print of a number, an error of a spreadsheet or a word for nothing."""
    if any(mark in data for data in _bytes(ids) for mark in (b".", b"+", b"#")):
        return True
    if may_have_blanks:
        return _has_controls(ids) or _holds(pc.utf8_trim_whitespace(ids), NULL_WORDS)
    shortest = pc.min(pc.binary_length(ids)).as_py()
    return shortest is not None and shortest <= _LONGEST_WORD and _holds(ids, NULL_WORDS)


def _holds(cells: pa.ChunkedArray, words: Sequence[str]) -> bool:
    return pc.any(pc.is_in(cells, value_set=pa.array(words, pa.string()))).as_py() is True


# Small things


def _count(values: pa.ChunkedArray, wanted: bool) -> int:
    return int(pc.sum(pc.equal(values, wanted)).as_py() or 0)


def _total(rows: pa.Table, name: str) -> int:
    return int(pc.sum(rows.column(name).cast(pa.int64())).as_py() or 0)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
