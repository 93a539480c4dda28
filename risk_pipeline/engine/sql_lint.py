"""The lint of the factor SQL: refuses what another engine reads differently and what depends on the order of threads.

Put here: rules about one SELECT, decided on the sqlglot tree and its types. Keep out: running SQL, transpiling it, rules about
Python code (tests/architecture). Each rule is explained, with a way to write it instead, in docs/factor-sql.md; where it
comes from is measured there too.

Two trees are looked at: the file as written, and a typed copy (columns resolved against the contracts and the files before it),
so that "a sum of doubles" is known and not guessed. Where a type stays unknown, a rule about types says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError, ParseError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from risk_pipeline.contracts import FEED_TABLES, STORE_COLUMNS
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.engine.policy_tables import POLICY_TABLES
from risk_pipeline.engine.previous import PREVIOUS_TABLES

DIALECT = "duckdb"
Schema = dict[str, dict[str, str]]

# What the run binds: these placeholders are dates, whatever the file does with them.
DATE_PLACEHOLDER = re.compile(r"as_of|m\d+|.*_(date|from|to|on|until)")

FLOATING = {exp.DType.DOUBLE, exp.DType.FLOAT}
FRACTIONAL = FLOATING | {exp.DType.DECIMAL}
WHOLE = {exp.DType.BIGINT, exp.DType.INT, exp.DType.INT128, exp.DType.SMALLINT, exp.DType.TINYINT}
DATED = {exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.DATETIME}

ORDER_STATISTICS = (
    exp.PercentileCont,
    exp.PercentileDisc,
    exp.Quantile,
    exp.ApproxQuantile,
    exp.Median,
    exp.Mode,
    exp.ApproxDistinct,
)
LISTS = (exp.ArrayAgg, exp.GroupConcat, exp.Array, exp.Struct, exp.Bracket, exp.Lambda, exp.Map)
PICKED = (exp.First, exp.Last, exp.AnyValue, exp.ArgMax, exp.ArgMin, exp.IgnoreNulls)
DEVIATIONS = (exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop)
MOMENTS = (exp.Avg, *DEVIATIONS, exp.Corr, exp.CovarPop, exp.CovarSamp, exp.Skewness, exp.Kurtosis, exp.RegrSlope)
ROWS_FROM_NOTHING = (exp.GenerateSeries, exp.Explode, exp.Unnest, exp.Lateral, exp.ReadParquet, exp.ReadCSV)
CLOCK_OR_CHANCE = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.Localtimestamp, exp.Localtime, exp.Rand, exp.Uuid)
RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.CumeDist, exp.PercentRank)
NEED_ORDER = (*RANKS, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue)
PATTERNS = (exp.RegexpLike, exp.RegexpILike, exp.RegexpReplace, exp.RegexpExtract, exp.SimilarTo, exp.ILike, exp.Glob)

# Functions sqlglot has no class for, by the rule that speaks of them; any other one is `unknown-function`.
NAMED = {
    "clock-or-chance": {"NOW", "TODAY", "SETSEED", "GET_CURRENT_TIMESTAMP", "TRANSACTION_TIMESTAMP"},
    "engine-hash": {"HASH"},
    "moment": {"MEAN", "FAVG", "FSUM", "SUMKAHAN", "KAHAN_SUM", "PRODUCT", "ENTROPY"},
    "order-statistic": {"MAD", "RESERVOIR_QUANTILE", "APPROX_TOP_K"},
    "picked-value": {"ARBITRARY"},
    "list": {"HISTOGRAM", "LIST_VALUE", "STRUCT_PACK"},
    "round": {"ROUND_EVEN", "ROUNDBANKERS"},
}

# One rule each: what it says to the author. The reason and the way to write it instead are in docs/factor-sql.md.
MESSAGES: Mapping[str, str] = {
    "parse": "this is no SQL that sqlglot reads as DuckDB's",
    "select-only": "a factor file is exactly one SELECT",
    "star": "name the columns: a new column of the source would change the table",
    "count-star": "count a key: COUNT(*) has no source column, so lineage cannot show it",
    "limit": "LIMIT, OFFSET, DISTINCT ON and samples take rows by chance unless the order is total: rank and filter instead",
    "dialect-clause": "QUALIFY, PIVOT, UNPIVOT, GROUP BY ALL and UNION BY NAME are missing on an engine",
    "join-kind": "ASOF, POSITIONAL, NATURAL, SEMI and ANTI joins are missing on an engine: JOIN … ON, or EXISTS",
    "row-source": "range, unnest, LATERAL and file readers differ between engines: read the views",
    "list": "lists, maps, structs and string aggregation depend on the order of rows",
    "picked-value": "first, last, any_value, arg_max and arg_min choose a row by chance among equals: ROW_NUMBER with a key last",
    "order-statistic": "quantiles, median and mode are missing or differ on an engine",
    "moment": "averages and deviations add up doubles in the order of threads: SUM over decimals, divided as the last step",
    "double-sum": "a SUM over doubles depends on the order of threads: sum decimals or integers",
    "round": "ROUND differs between engines on halves: FLOOR(x + 0.5), or round in Python",
    "double-to-decimal": "a double becomes a decimal by different roundings: go through CAST(FLOOR(x * scale + 0.5) AS BIGINT)",
    "fraction-to-integer": "a fraction becomes an integer by rounding or by cutting: FLOOR first",
    "decimal-division": "cast both sides of / to DOUBLE: decimal division differs in scale",
    "integer-division": "// is missing on an engine: FLOOR(CAST(a AS DOUBLE) / CAST(b AS DOUBLE))",
    "zero-division": "a divisor that may be 0 raises on Spark: NULLIF(x, 0), or a CASE that asks for it",
    "date-minus": "date - date and date - INTERVAL differ in type: DATE_DIFF('day', a, b), or a date the run binds",
    "date-plus": "date + INTERVAL is a timestamp on one engine and a date on another: CAST(… AS DATE) around it",
    "date-diff-unit": "only DATE_DIFF('day', …) counts alike everywhere",
    "date-trunc": "DATE_TRUNC gives a date or a timestamp: CAST(… AS DATE) around it",
    "try-cast": "TRY_CAST is missing on an engine: values are clean before factor SQL reads them",
    "window-order": "this window function needs an ORDER BY",
    "clock-or-chance": "no clock and no chance: the run binds its dates",
    "engine-hash": "hash() differs between engines and versions: md5",
    "pattern": "regular expressions and ILIKE differ between engines: LIKE, or a column made at ingest",
    "unknown-function": "sqlglot does not know this function, so it cannot be written for another engine",
}

Hit = tuple[str, exp.Expr]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing to mend: `name` of the file, `line` in it (from 1), `rule` (a key of MESSAGES)."""

    name: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}: {self.rule}: {self.message}"


def lint_sql(text: str, name: str, schema: Schema | None = None) -> list[Finding]:
    """What is wrong with one factor file, in order of lines; empty when nothing is.

    `schema` maps "schema.table" to {column: DuckDB type}; without it only types visible in the text are known.
    """
    try:
        trees = [tree for tree in sqlglot.parse(text, dialect=DIALECT) if tree is not None]
    except (ParseError, TokenError) as exc:
        return [Finding(name, _error_line(exc), "parse", MESSAGES["parse"])]
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        return [Finding(name, 1, "select-only", MESSAGES["select-only"])]
    hits = [*_as_written(trees[0]), *_as_typed(_typed(trees[0], schema or {}))]
    return sorted({Finding(name, _line(node, text), rule, f"{MESSAGES[rule]} [{_excerpt(node)}]") for rule, node in hits})


def lint_folder(folder: Path) -> list[Finding]:
    """Lint every *.sql below `folder`: steps/x.sql is step.x, x.sql is factor.x; each file sees the types of those it reads."""
    texts = {_table_of(path): path for path in sorted(folder.rglob("*.sql"))}
    schema = feed_schema()
    findings: list[Finding] = []
    for table in _in_order_of_reading(texts):
        text = texts[table].read_text(encoding="utf-8")
        findings += lint_sql(text, str(texts[table].relative_to(folder)), schema)
        types = output_types(text, schema)
        if types:
            schema[table] = types
    return sorted(findings)


def feed_schema() -> Schema:
    """Types of the as-of views, from the contracts, of what the policy lists and of what was decided before."""
    views = {
        table.full_name: {column.name: DUCKDB_TYPE[column.kind] for column in (*table.columns, *STORE_COLUMNS)}
        for table in FEED_TABLES
    }
    return views | {name: dict(columns) for name, columns in (*POLICY_TABLES.items(), *PREVIOUS_TABLES.items())}


def output_types(text: str, schema: Schema) -> dict[str, str]:
    """Column name -> type of what the SELECT returns, UNKNOWN where it cannot be told. Empty when the text is no SELECT."""
    try:
        tree = _typed(sqlglot.parse_one(text, dialect=DIALECT), schema)
    except (ParseError, TokenError):
        return {}
    if not isinstance(tree, exp.Query):
        return {}
    return {column.alias_or_name: column.type.sql(DIALECT) if column.type else "UNKNOWN" for column in tree.selects}


# --- the tree as written ----------------------------------------------------------------------------------------------


def _as_written(tree: exp.Expr) -> Iterator[Hit]:
    for node in tree.walk():
        rule = _by_kind(node) or _by_clause(node) or _by_shape(node)
        if rule:
            yield rule, node


def _by_kind(node: exp.Expr) -> str | None:
    """Functions and constructs that are refused wherever they stand."""
    kinds: tuple[tuple[str, tuple[type, ...]], ...] = (
        ("order-statistic", ORDER_STATISTICS),
        ("list", LISTS),
        ("picked-value", PICKED),
        ("moment", MOMENTS),
        ("row-source", ROWS_FROM_NOTHING),
        ("clock-or-chance", CLOCK_OR_CHANCE),
        ("pattern", PATTERNS),
        ("round", (exp.Round,)),
        ("integer-division", (exp.IntDiv,)),
        ("try-cast", (exp.TryCast,)),
        ("dialect-clause", (exp.Qualify, exp.Pivot, exp.Columns)),
        ("limit", (exp.Limit, exp.Fetch, exp.Offset, exp.TableSample)),
    )
    rule = next((rule for rule, classes in kinds if isinstance(node, classes)), None)
    if rule is None and isinstance(node, exp.Anonymous):
        rule = next((rule for rule, names in NAMED.items() if node.name.upper() in names), "unknown-function")
    return rule


def _by_clause(node: exp.Expr) -> str | None:
    """Clauses that are refused by one of their parts."""
    if isinstance(node, exp.Join) and (node.method or node.kind in ("SEMI", "ANTI")):
        return "join-kind"
    if isinstance(node, exp.Distinct) and node.args.get("on"):
        return "limit"
    if isinstance(node, exp.Group) and node.args.get("all"):
        return "dialect-clause"
    if isinstance(node, exp.Ordered) and isinstance(node.this, exp.Var):
        return "dialect-clause"
    if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
        return "dialect-clause"
    return None


def _by_shape(node: exp.Expr) -> str | None:
    """Functions that are refused in some of their forms."""
    if isinstance(node, exp.Star):
        return "count-star" if isinstance(node.parent, exp.Count) else "star"
    if isinstance(node, exp.Count) and node.this is None:
        return "count-star"
    if isinstance(node, exp.Window) and isinstance(node.this, NEED_ORDER) and not node.args.get("order"):
        return "window-order"
    if isinstance(node, exp.DateDiff) and node.text("unit").upper() != "DAY":
        return "date-diff-unit"
    if isinstance(node, exp.DateTrunc | exp.TimestampTrunc) and not _cast_to_date(node.parent):
        return "date-trunc"
    if isinstance(node, exp.Div | exp.Mod) and not _never_zero(node):
        return "zero-division"
    return None


def _never_zero(division: exp.Expr) -> bool:
    """The divisor is a number other than 0, NULLIF(…, 0), or asked for by a CASE around the division."""
    divisor = _bare(division.expression)
    if isinstance(divisor, exp.Literal):
        return float(divisor.name) != 0
    if isinstance(divisor, exp.Nullif):
        zero = _bare(divisor.expression)
        return isinstance(zero, exp.Literal) and float(zero.name) == 0
    columns = {column.sql() for column in divisor.find_all(exp.Column)}
    return any(columns & _asked_before(division, case) for case in _ancestors(division, exp.Case))


def _asked_before(node: exp.Expr, case: exp.Expr) -> set[str]:
    """Columns the CASE has asked for when it reaches the branch that holds `node`."""
    asked: set[str] = set()
    for branch in case.args["ifs"]:
        asked |= {column.sql() for column in branch.this.find_all(exp.Column)}
        if any(branch is ancestor for ancestor in _ancestors(node, exp.If)):
            break
    return asked


# --- the tree with types ----------------------------------------------------------------------------------------------


def _as_typed(tree: exp.Expr) -> Iterator[Hit]:
    for node in tree.walk():
        rule = _by_type(node)
        if rule:
            yield rule, node


def _by_type(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Sub):
        return "date-minus" if _dated(node.this) or _interval(node.expression) else None
    if isinstance(node, exp.DateSub):
        return "date-minus"
    if isinstance(node, exp.DateAdd) or (isinstance(node, exp.Add) and (_interval(node.expression) or _interval(node.this))):
        return None if _cast_to_date(node.parent) else "date-plus"
    if isinstance(node, exp.Sum):
        return "double-sum" if _floating(node.this) else None
    if isinstance(node, exp.Div):
        return None if _floating(node.this) and _floating(node.expression) else "decimal-division"
    if type(node) is exp.Cast:
        return _by_cast(node)
    return None


def _by_cast(cast: exp.Cast) -> str | None:
    source = _bare(cast.this)
    if cast.to.this in WHOLE and not isinstance(source, exp.Floor | exp.Ceil):
        written = isinstance(source, exp.Literal) and source.is_number and not source.is_int
        return "fraction-to-integer" if written or source.is_type(*FRACTIONAL) else None
    if cast.to.this is exp.DType.DECIMAL and not isinstance(source, exp.Literal):
        return "double-to-decimal" if _floating(source) else None
    return None


def _typed(tree: exp.Expr, schema: Schema) -> exp.Expr:
    """A copy with columns resolved and every expression's type, as far as it can be told."""
    nested: dict[str, object] = {}
    for layer in {name.partition(".")[0] for name in schema}:
        nested[layer] = {name.partition(".")[2]: columns for name, columns in schema.items() if name.startswith(f"{layer}.")}
    known = MappingSchema(nested, dialect=DIALECT)
    copy = tree.copy().transform(_date_placeholder)
    # A column that cannot be placed: the engine will say so; the types visible in the text remain.
    with suppress(OptimizeError):
        copy = qualify(
            copy,
            dialect=DIALECT,
            schema=known,
            validate_qualify_columns=False,
            quote_identifiers=False,
            allow_partial_qualification=True,
        )
    return annotate_types(copy, schema=known, dialect=DIALECT)


def _date_placeholder(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Placeholder) and DATE_PLACEHOLDER.fullmatch(node.name):
        return exp.cast(node.copy(), "DATE", dialect=DIALECT)
    return node


def _floating(node: exp.Expr) -> bool:
    return _bare(node).is_type(*FLOATING) or node.is_type(*FLOATING)


def _dated(node: exp.Expr) -> bool:
    return _bare(node).is_type(*DATED) or node.is_type(*DATED)


def _interval(node: exp.Expr) -> bool:
    return isinstance(_bare(node), exp.Interval | exp.ToDays)


def _cast_to_date(node: exp.Expr | None) -> bool:
    while isinstance(node, exp.Paren):
        node = node.parent
    return isinstance(node, exp.Cast) and node.to.this is exp.DType.DATE


# --- where things are -------------------------------------------------------------------------------------------------


def _bare(node: exp.Expr) -> exp.Expr:
    """Without the brackets, the sign and (for a divisor) the cast around it."""
    while isinstance(node, exp.Paren | exp.Neg) or (type(node) is exp.Cast and isinstance(node.this, exp.Nullif | exp.Literal)):
        node = node.this
    return node


def _ancestors(node: exp.Expr, kind: type[exp.Expr]) -> Iterator[exp.Expr]:
    above = node.parent
    while above is not None:
        if isinstance(above, kind):
            yield above
        above = above.parent


def _line(node: exp.Expr, text: str) -> int:
    """Line of the first token of the node, or of what stands nearest to it.

    By the offset of the token: its own `line` is wrong behind a `$placeholder` in sqlglot 30.30.
    """
    current: exp.Expr | None = node
    while current is not None:
        starts = [part.meta["start"] for part in current.walk() if "start" in part.meta]
        if starts:
            return text.count("\n", 0, min(starts)) + 1
        current = current.parent
    return 1


def _excerpt(node: exp.Expr) -> str:
    written = node.sql(DIALECT)
    return written if len(written) <= 60 else written[:57] + "…"


def _error_line(exc: Exception) -> int:
    found = re.search(r"[Ll]ine (\d+)", str(exc))
    return int(found.group(1)) if found else 1


def _table_of(path: Path) -> str:
    return f"{'step' if path.parent.name == 'steps' else 'factor'}.{path.stem}"


def _in_order_of_reading(texts: Mapping[str, Path]) -> Iterator[str]:
    """Each table after those it reads. A file that does not parse reads nothing; a circle is broken where it closes."""
    reads: dict[str, list[str]] = {}
    for table, path in texts.items():
        try:
            tree = sqlglot.parse_one(path.read_text(encoding="utf-8"), dialect=DIALECT)
            reads[table] = [f"{source.db}.{source.name}" for source in tree.find_all(exp.Table)]
        except (ParseError, TokenError):
            reads[table] = []
    done: set[str] = set()

    def visit(table: str) -> Iterator[str]:
        if table in done or table not in texts:
            return
        done.add(table)
        for source in reads[table]:
            yield from visit(source)
        yield table

    for table in texts:
        yield from visit(table)
