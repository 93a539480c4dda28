"""The proof that a run sees nothing of later: facts of the future are planted in a copy of what it read, and nothing may change.

Put here: what is planted in each feed, computing the run again over it, naming feed and tables when something moves. Keep out:
what a run may see (engine.asof), computing (run.py), printing (cli). The copies lie in a scratch folder, which is removed.

Planted rows are rows the run sees, told again: much larger, and turned into something else where a list says what that may be. A
feed without any row gets some made from its contract, so that a feed which begins tomorrow is tried too.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import duckdb

from risk_pipeline.contracts import FEED_TABLES, STORE_COLUMNS, Column, Table, table
from risk_pipeline.contracts.table import DUCKDB_TYPE, Kind
from risk_pipeline.engine.asof import CUSTOMER, STATE_TABLE, bucket_of, create_views, sight_of, stored, visible
from risk_pipeline.engine.duckdb import connect
from risk_pipeline.engine.sql import literal
from risk_pipeline.lineage.canonical_hash import TableHash, hash_tables
from risk_pipeline.pipeline.replay import Progress, computed_again
from risk_pipeline.pipeline.run import FeedFiles, Seen
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register, RunRecord
from risk_pipeline.store.staging import naive

# dated: known in time, of a later day. learned: of an earlier day, known later. delivered: known in time by its own word, in a
# delivery after the last one the run may see. closed: rows the run sees, closed by what was known or delivered later. outcome:
# what became of a row, or what people made of it, dated later. state: what holds today only, known after the end of the date.
Planted = Literal["dated", "learned", "delivered", "closed", "outcome", "state"]
Kinds = tuple[Planted, ...]
KINDS: Kinds = get_args(Planted)
NEW_ROWS: Kinds = ("dated", "learned", "delivered", "state")
TEMPLATES = 20_000  # rows of a feed that are told again, at most
FIRST_ROW_ID = 2**61  # beyond every number a delivery hands out
DAYS = 30  # of the future
MOST = 10**12
MADE_UP = "planted"
PLANTED_FILE = "planted.parquet"


@dataclass(frozen=True)
class Leak:
    """Something of later that moved tables. `planted` None: the kinds move them together only; `feed` None: the feeds do."""

    feed: str | None
    planted: Planted | None
    tables: tuple[str, ...]


@dataclass(frozen=True)
class LookAhead:
    """What came of it: how many tables were compared, the rows that were put into each feed, and what leaked."""

    run: RunRecord
    tables: int
    planted: Mapping[str, int]
    leaks: list[Leak]


def look_ahead(workspace: Workspace, register: Register, record: RunRecord, progress: Progress = lambda step: None) -> LookAhead:
    """Compute a run over what it read, and over that with the future planted in every feed.

    Every table must have the same canonical hash. When one has not, feeds and kinds of plants are tried apart.
    """
    names = [each.name for each in FEED_TABLES]
    with trial_of(workspace, register, record) as trial:
        progress("as it was")
        tables = len(trial.expected)
        return LookAhead(record, tables, {name: trial.count(name) for name in names}, trial.leaks(names, progress=progress))


@contextmanager
def trial_of(workspace: Workspace, register: Register, record: RunRecord) -> Iterator[Trial]:
    """The feeds of a run to plant in, as long as the block lasts."""
    scratch = workspace.warehouse / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="ahead-", dir=scratch))
    try:
        with connect(memory_limit=workspace.settings.memory_limit, threads=workspace.settings.threads, temp_dir=folder) as con:
            yield Trial(workspace, register, record, con, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Trial:
    """The feeds of one run with plants in them, and what is computed from them."""

    def __init__(
        self, workspace: Workspace, register: Register, record: RunRecord, con: duckdb.DuckDBPyConnection, folder: Path
    ) -> None:
        self._workspace, self._register, self._record, self._con, self._folder = workspace, register, record, con, folder
        store = FeedStore(Lake(workspace.lake), register)
        self._parts = {each.name: FeedFiles(*store.history(each.name)) for each in FEED_TABLES}
        self._last = int(record.manifest["last_delivery"])
        self._sight = sight_of(
            as_of=record.as_of,
            known_at=record.known_at,
            zone=ZoneInfo(record.manifest["time_zone"]),
            last_delivery=self._last,
        )
        create_views(con, self._parts, lambda table: (self._sight,))

    @cached_property
    def expected(self) -> dict[str, TableHash]:
        """The tables without any plant."""
        return self.hashes({})

    def moved(self, feeds: Sequence[str], kinds: Kinds = KINDS) -> tuple[str, ...]:
        """The tables that come out otherwise with plants of these kinds in these feeds."""
        found = self.hashes({name: self.files(name, kinds) for name in feeds})
        return tuple(name for name, each in self.expected.items() if found[name].sha256 != each.sha256)

    def leaks(self, feeds: Sequence[str], kinds: Kinds = KINDS, progress: Progress = lambda step: None) -> list[Leak]:
        """What leaks out of these feeds, by halving them: of those that move nothing together none is looked at alone."""
        progress(f"the future of {len(feeds)} feeds" if len(feeds) > 1 else f"the future of feed.{feeds[0]}")
        moved = self.moved(feeds, kinds)
        if not moved:
            return []
        if len(feeds) > 1:
            middle = len(feeds) // 2
            found = self.leaks(feeds[:middle], kinds, progress) + self.leaks(feeds[middle:], kinds, progress)
            return found or [Leak(None, None, moved)]
        alone = [(kind, self.moved(feeds, (kind,))) for kind in kinds]
        return [Leak(feeds[0], kind, tables) for kind, tables in alone if tables] or [Leak(feeds[0], None, moved)]

    def hashes(self, files: Mapping[str, FeedFiles]) -> dict[str, TableHash]:
        """Every table of the run over these files; of other feeds over what lies in the lake."""
        with computed_again(self._workspace, self._register, self._record, seen=Seen(files=files)) as found:
            return hash_tables({table(name): path for name, path in found.items()}, self._workspace.settings.threads or 1)

    def files(self, name: str, kinds: Kinds = KINDS) -> FeedFiles:
        """The files of a feed with plants of these kinds."""
        contract, parts = table(f"feed.{name}"), self._parts[name]
        folder = self._folder / name / "-".join(kinds)
        folder.mkdir(parents=True, exist_ok=True)
        told = [self._new_rows(contract, kind) for kind in kinds if kind in NEW_ROWS and self._takes(contract, kind)]
        paths = [self._copied(contract, parts, kinds, folder / "stored.parquet")] if parts.paths else []
        if told:
            paths.append(self._written(" UNION ALL BY NAME ".join(told), folder / PLANTED_FILE))
        closures = list(parts.closure_paths)
        if "closed" in kinds and parts.paths:
            closures.append(self._written(self._closures(contract), folder / "closed.parquet"))
        return FeedFiles(paths, closures)

    def count(self, name: str) -> int:
        """How many rows all kinds of plants put into a feed; those they change in place do not count."""
        made = [path for path in self.files(name).paths if path.name == PLANTED_FILE]
        return sum(self._number(f"SELECT COUNT(*) FROM read_parquet({literal(str(path))})") for path in made)

    # What is planted

    @property
    def _tomorrow(self) -> date:
        """After the as-of date and after all that is known: of states that nobody knew in time, the first one known counts."""
        return max(self._sight.as_of, self._sight.known_at.date()) + timedelta(1)

    @property
    def _later(self) -> datetime:
        return naive(self._sight.known_at) + timedelta(days=1)

    def _takes(self, contract: Table, kind: Planted) -> bool:
        """Whether new rows of a kind mean something in a feed. Of a customer without a version in time the first one known counts
        by design, and is flagged so: only who has one can get another too late.
        """
        if contract.name == STATE_TABLE:
            late = kind != "state" or self._sight.until < self._sight.known_at
            return late and (kind in ("learned", "delivered") or self._sees(contract))
        return kind != "state" and (kind != "dated" or contract.event_date is not None)

    def _new_rows(self, contract: Table, kind: Planted) -> str:
        """Rows told again as new facts of this kind."""
        number = f"ROW_NUMBER() OVER (ORDER BY row_id) + {FIRST_ROW_ID + KINDS.index(kind) * 2**40}"
        values = {column.name: self._retold(contract, column, kind) for column in contract.columns}
        store = {"row_id": number, "known_to": "NULL", "origin_row_id": "NULL"}
        if kind == "dated":
            assert contract.event_date is not None
            store_date = f"CAST({literal(self._tomorrow)} + CAST(row_id % {DAYS} AS INTEGER) AS DATE)"
            values[contract.event_date] = store_date
        if kind == "learned":
            store["known_from"] = literal(self._later)
        if kind == "delivered":
            store["delivery_id"] = str(self._last + 1)
        if kind == "state":
            assert contract.event_date is not None
            values[contract.event_date] = "NULL"
            store |= {"known_from": literal(naive(self._sight.known_at)), "known_assumed": "FALSE"}
        told = {**values, **{column.name: store.get(column.name, column.name) for column in STORE_COLUMNS}}
        columns = ", ".join(
            f"CAST({told[c.name]} AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in (*STORE_COLUMNS, *contract.columns)
        )
        return f"SELECT {columns} FROM ({self._templates(contract)})"

    def _retold(self, contract: Table, column: Column, kind: Planted) -> str:
        """The value of a column in a row told again: another fact, except that a customer stays who they are."""
        name = column.name
        if contract.name == STATE_TABLE and name == CUSTOMER:
            return name
        if name == contract.key[-1] and column.kind is Kind.TEXT and name != CUSTOMER:
            return f"{name} || '-{MADE_UP}-{kind}'"
        return name if name in contract.key or column.kind is Kind.DATE else _other(column)

    def _copied(self, contract: Table, parts: FeedFiles, kinds: Collection[Planted], path: Path) -> Path:
        """What is stored, with what came of it later, with states of later, and closed by what was known later."""
        changed: dict[str, str] = {}
        if "outcome" in kinds:
            changed |= self._outcomes(contract)
        if "state" in kinds:
            hidden = f"known_assumed OR known_from > {literal(naive(self._sight.until))}"
            changed |= {
                c.name: f"CASE WHEN {hidden} THEN {_other(c)} ELSE {c.name} END" for c in contract.columns if c.current_only
            }
        if "closed" in kinds:
            changed["known_to"] = f"CASE WHEN known_to IS NULL AND row_id % 3 = 0 THEN {literal(self._later)} ELSE known_to END"
        columns = ", ".join(
            f"CAST({changed.get(c.name, c.name)} AS {DUCKDB_TYPE[c.kind]}) AS {c.name}"
            for c in (*STORE_COLUMNS, *contract.columns)
        )
        return self._written(f"SELECT {columns} FROM {stored(contract, parts)}", path)

    def _outcomes(self, contract: Table) -> dict[str, str]:
        """Outcomes, and judgements where knowledge is assumed, dated tomorrow: of rows of which nothing of the kind is known."""
        groups: dict[tuple[str, bool], list[Column]] = {}
        for column in contract.columns:
            on = column.masked_by or column.judged_on
            if on is not None:
                groups.setdefault((on, column.judged_on is not None), []).append(column)
        changed = {}
        for (on, judged), columns in groups.items():
            unknown = " AND ".join(f"{column.name} IS NULL" for column in columns)
            where = f"(({on} IS NULL AND {unknown}) OR {on} > {literal(self._sight.as_of)})" + (
                " AND known_assumed" if judged else ""
            )
            for column in columns:
                value = literal(self._sight.as_of + timedelta(1)) if column.name == on else _made_up(column, self._currency)
                changed[column.name] = f"CASE WHEN {where} THEN {value} ELSE {column.name} END"
        return changed

    def _closures(self, contract: Table) -> str:
        """Rows the run sees, closed by a delivery it may see but known later, and known in time but by a later delivery."""
        in_time = literal(naive(self._sight.until) - timedelta(microseconds=1))
        return (
            f"SELECT row_id, CASE WHEN row_id % 2 = 0 THEN {literal(self._later)} ELSE {in_time} END AS known_to,"
            f" CASE WHEN row_id % 2 = 0 THEN delivery_id ELSE CAST({self._last + 1} AS BIGINT) END AS delivery_id"
            f" FROM feed.{contract.name}"
        )

    def _templates(self, contract: Table) -> str:
        """Rows to tell again: what the run sees of a feed, else some made up from the contract."""
        if self._sees(contract):
            columns = ", ".join(c.name for c in (*STORE_COLUMNS, *contract.columns))
            return f"SELECT {columns} FROM feed.{contract.name} ORDER BY row_id LIMIT {TEMPLATES}"
        return " UNION ALL BY NAME ".join(self._made_up_row(contract, n, customer) for n, customer in enumerate(self._customers))

    def _sees(self, contract: Table) -> bool:
        return visible(self._con, contract.name)

    def _made_up_row(self, contract: Table, number: int, customer: str) -> str:
        known = naive(self._sight.until) - timedelta(days=1)
        store = {
            "row_id": str(number),
            "row_hash": "0",
            "bucket": str(bucket_of(customer) if CUSTOMER in contract else 0),
            "source_file": literal(MADE_UP),
            "source_line": "1",
            "delivery_id": str(self._last),
            "known_from": literal(known),
            "known_assumed": "TRUE",
        }
        values = {c.name: _made_up(c, self._currency) for c in contract.columns}
        values |= {CUSTOMER: literal(customer)} if CUSTOMER in contract else {}
        values |= {c.name: literal(self._sight.as_of - timedelta(10)) for c in contract.columns if c.kind is Kind.DATE}
        told = {**values, **{c.name: store.get(c.name, "NULL") for c in STORE_COLUMNS}}
        columns = (f"CAST({told[c.name]} AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in (*STORE_COLUMNS, *contract.columns))
        return f"SELECT {', '.join(columns)}"

    @cached_property
    def _customers(self) -> tuple[str, ...]:
        """Some customers the run sees."""
        found = self._con.execute("SELECT DISTINCT customer_id FROM feed.invoice ORDER BY 1 LIMIT 20").fetchall()
        return tuple(row[0] for row in found) or (MADE_UP,)

    @property
    def _currency(self) -> str:
        return str(self._record.manifest["reporting_currency"])

    def _written(self, query: str, path: Path) -> Path:
        self._con.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 32768)")
        return path

    def _number(self, query: str) -> int:
        return int(self._con.execute(query).fetchall()[0][0])


def _other(column: Column) -> str:
    """Another value than the one a row has, as SQL; NULL of what is not known stays so, but for flags and lists."""
    name = column.name
    if column.values:
        following = zip(column.values, (*column.values[1:], column.values[0]), strict=True)
        turned = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in following)
        return f"CASE {name} {turned} ELSE {literal(column.values[-1])} END"
    if column.kind is Kind.FLAG:
        return f"NOT COALESCE({name}, FALSE)"
    if column.kind in (Kind.MONEY, Kind.RATE, Kind.NUMBER):
        most = 10**6 if column.kind is Kind.RATE else MOST
        return f"LEAST(CAST({name} AS DOUBLE) * 10 + 1, {most})"
    return f"{name} + 1" if column.kind is Kind.INTEGER else name


def _made_up(column: Column, currency: str) -> str:
    """A value from nowhere, as SQL."""
    if column.values:
        return literal(column.values[-1])
    if column.name.endswith("currency"):
        return literal(currency)
    values = {Kind.FLAG: "TRUE", Kind.TEXT: literal(MADE_UP), Kind.JSON: "'{}'", Kind.DATE: "NULL", Kind.TIMESTAMP: "NULL"}
    return values.get(column.kind, "7")
