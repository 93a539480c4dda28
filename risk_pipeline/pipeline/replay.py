"""Replay: a published assessment computed again from its manifest, and compared with what was published.

Put here: the same again (identical, or which tables, columns and rows differ), and the restatement: the same date with what is
known today. Keep out: computing (run.py), hashing (lineage.canonical_hash), printing (cli).

A replay reads the parts of the lake that the run saw, whatever was delivered since, with the policy of the manifest and the
decisions before that it continued. It writes into a scratch folder, which is removed; nothing published changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import duckdb

from risk_pipeline.contracts import Table, table
from risk_pipeline.engine.sql import literal
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.lineage.canonical_hash import TableHash, hash_tables
from risk_pipeline.lineage.code import code_identity
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES, Run, Seen
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import Lake, file_sha256
from risk_pipeline.store.register import Register, RunRecord

Progress = Callable[[str], None]
EXAMPLES = 5
MOVES = {  # what a restatement tells of a customer: name -> table and column
    "score": ("score.risk_score", "score"),
    "tier": ("decision.risk_tier", "tier"),
    "credit_limit": ("decision.credit_limit", "limit_reporting"),
    "hold": ("decision.credit_limit", "hold"),
}


@dataclass(frozen=True)
class Difference:
    """A table that came out otherwise: which columns, how many rows by kind, and some of them (key, column, then, now)."""

    table: str
    columns: tuple[str, ...]
    rows_only_then: int
    rows_only_now: int
    rows_changed: int
    examples: list[dict[str, Any]]


@dataclass(frozen=True)
class Replay:
    """What a replay found. `damaged`: tables whose published file is not the one that was published. `code`: by name (commit,
    code_sha256 ...) what the run had and what runs now, where they differ.
    """

    run: RunRecord
    tables: int
    differences: list[Difference]
    damaged: list[str]
    code: Mapping[str, tuple[Any, Any]]

    @property
    def identical(self) -> bool:
        return not self.differences and not self.damaged


@dataclass(frozen=True)
class Restatement:
    """What would have been decided, had what is known at `known_at` been known then. `moves`: a row per customer that moves."""

    run: RunRecord
    known_at: datetime
    deliveries: list[int]
    moves: list[dict[str, Any]]


def published_run(register: Register, said: str) -> RunRecord:
    """The record of a published run, named by its id (cut short while it stays the only one) or by the date whose assessment
    readers see. UsageError else, Refused for one without hashes.
    """
    snapshot = register.current_snapshot()
    day = next((day for day in (snapshot.dates() if snapshot else ()) if day.isoformat() == said), None)
    part = snapshot.part("decision.risk_tier", day) if snapshot and day else None
    begins = part.run_id if part else said
    found = [run for run in register.runs(("published",)) if run.run_id.startswith(begins)]
    if len(found) != 1 or not said:
        what = f"{len(found)} published runs begin with {said!r}" if found else f"no published run or date is called {said!r}"
        raise UsageError(what, remedy="name a published date, or a run id of audit.run (risk-pipeline show audit.run)")
    if "tables" not in found[0].manifest:
        raise Refused(
            f"run {found[0].run_id} was published by a version that kept no hashes of its tables",
            remedy=f"assess {found[0].as_of} again: from then on it can be replayed",
        )
    return found[0]


def replay(workspace: Workspace, register: Register, record: RunRecord, progress: Progress = lambda step: None) -> Replay:
    """Compute a published run again and compare every table. Refused when a file of it is gone or unreadable."""
    published = {name: _TableOf(said) for name, said in record.manifest["tables"].items()}
    with computed_again(workspace, register, record, progress=progress) as found:
        progress("compare")
        again = hash_tables({table(name): path for name, path in found.items()}, workspace.settings.threads or 1)
        differences = [
            _difference(table(name), each.hash, Lake(workspace.lake).absolute(each.path), again[name], found[name])
            for name, each in published.items()
            if each.hash.sha256 != again[name].sha256
        ]
    damaged = [name for name, each in published.items() if not _intact(Lake(workspace.lake).absolute(each.path), each.bytes)]
    then, now = record.manifest["code"], code_identity()
    return Replay(record, len(published), differences, damaged, {k: (then.get(k), now[k]) for k in now if then.get(k) != now[k]})


def restate(
    workspace: Workspace, register: Register, record: RunRecord, known_at: datetime, progress: Progress = lambda step: None
) -> Restatement:
    """Compute the date of a published run with what is known at `known_at`: the same policy, the same decisions before."""
    effective = register.deliveries(states=("effective",))
    last = max((each.delivery_id for each in effective), default=0)
    told = replace(record, known_at=known_at.astimezone(UTC), manifest={**record.manifest, "last_delivery": last})
    with computed_again(workspace, register, told, progress=progress) as found:
        progress("compare")
        moves = _moves(workspace, record, found)
    first, second = sorted((record.known_at, told.known_at))
    between = [each.delivery_id for each in effective if first < each.received_at <= second]
    return Restatement(record, known_at, between, moves)


@contextmanager
def computed_again(
    workspace: Workspace,
    register: Register,
    record: RunRecord,
    *,
    policy: Policy | None = None,
    seen: Seen | None = None,
    up_to: str | None = None,
    progress: Progress = lambda step: None,
) -> Iterator[dict[str, Path]]:
    """The tables of a run computed again, as files by table name, gone when the block ends. `policy` None = the run's own;
    `up_to`: all that is wanted; when it is a factor table, those after it and the decisions are left out.
    """
    scratch = workspace.warehouse / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    into = Path(mkdtemp(prefix="again-", dir=scratch))
    chosen = policy or Policy.model_validate(record.manifest["policy"])
    factors, decided = FACTOR_TABLES, DECIDE_TABLES
    if up_to in FACTOR_TABLES:
        factors, decided = FACTOR_TABLES[: FACTOR_TABLES.index(up_to) + 1], ()
    try:
        with Run.again(workspace, register, record, chosen, into=into, seen=seen) as run:
            for name in factors:
                progress(name)
                run.factor(name)
            if decided:
                progress("decide")
                run.decide()
        contracts = (table(name) for name in (*factors, *decided))
        staged = Lake(into)
        yield {each.full_name: staged.part_path(each.layer, each.name, record.as_of, record.run_id) for each in contracts}
    except duckdb.IOException as exc:
        raise Refused(
            f"run {record.run_id} cannot be computed again: {str(exc).splitlines()[0]}",
            remedy="restore the warehouse from its backup: a file the run has read is gone",
        ) from None
    finally:
        shutil.rmtree(into, ignore_errors=True)


class _TableOf:
    """A table as a manifest tells it."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self.path: str = said["path"]
        self.bytes: str = said["file_sha256"]
        self.hash = TableHash(said["rows"], said["sha256"], said["columns"])


def _intact(path: Path, sha256: str) -> bool:
    return path.exists() and file_sha256(path) == sha256


def _difference(contract: Table, then: TableHash, published: Path, now: TableHash, again: Path) -> Difference:
    """Count and name what differs from the published file, joined by key."""
    columns = tuple(name for name in then.differing(now))
    compared = [name for name in columns if name in then.columns and name in now.columns and name not in contract.key]
    key = " AND ".join(f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in contract.key)
    first = contract.key[0]
    changed = " OR ".join(f"a.{name} IS DISTINCT FROM b.{name}" for name in compared) or "FALSE"
    names = ", ".join(f"CAST(COALESCE(a.{name}, b.{name}) AS VARCHAR) AS {name}" for name in contract.key)
    sides = f"FROM read_parquet({literal(str(published))}) AS a FULL JOIN read_parquet({literal(str(again))}) AS b ON {key}"
    with duckdb.connect() as con:
        gone, new, other = con.execute(
            f"SELECT COUNT(*) FILTER (b.{first} IS NULL), COUNT(*) FILTER (a.{first} IS NULL),"
            f" COUNT(*) FILTER (a.{first} IS NOT NULL AND b.{first} IS NOT NULL AND ({changed})) {sides}"
        ).fetchall()[0]
        examples = [each for column in compared for each in _examples(con, contract.key, column, names, sides)]
    return Difference(contract.full_name, columns, gone, new, other, examples[:EXAMPLES])


def _examples(con: duckdb.DuckDBPyConnection, key: Sequence[str], column: str, names: str, sides: str) -> list[dict[str, Any]]:
    rows = con.execute(
        f"SELECT {names}, CAST(a.{column} AS VARCHAR), CAST(b.{column} AS VARCHAR) {sides}"
        f" WHERE a.{column} IS DISTINCT FROM b.{column} ORDER BY ALL LIMIT {EXAMPLES}"
    ).fetchall()
    return [{"key": dict(zip(key, row[:-2], strict=True)), "column": column, "then": row[-2], "now": row[-1]} for row in rows]


def _moves(workspace: Workspace, record: RunRecord, now: Mapping[str, Path]) -> list[dict[str, Any]]:
    """The customers whose score, tier, limit or hold is another one, by the size of the move of their limit."""
    lake, tables = Lake(workspace.lake), record.manifest["tables"]

    def joined(files: Mapping[str, Path]) -> str:
        parts = {name: f"read_parquet({literal(str(files[name]))})" for name, _ in MOVES.values()}
        columns = ", ".join(f"{name.replace('.', '_')}.{column} AS {said}" for said, (name, column) in MOVES.items())
        first, *others = parts
        joins = " ".join(f"JOIN {parts[name]} AS {name.replace('.', '_')} USING (customer_id)" for name in others)
        return f"(SELECT customer_id, {columns} FROM {parts[first]} AS {first.replace('.', '_')} {joins})"

    then = {name: lake.absolute(tables[name]["path"]) for name, _ in MOVES.values()}
    pairs = ", ".join(f"a.{said} AS {said}_then, b.{said} AS {said}_now" for said in MOVES)
    moved = " OR ".join(f"a.{said} IS DISTINCT FROM b.{said}" for said in MOVES)
    with duckdb.connect() as con:
        cursor = con.execute(
            f"SELECT COALESCE(a.customer_id, b.customer_id) AS customer_id, {pairs}"
            f" FROM {joined(then)} AS a FULL JOIN {joined(now)} AS b USING (customer_id) WHERE {moved}"
            " ORDER BY ABS(COALESCE(b.credit_limit, 0) - COALESCE(a.credit_limit, 0)) DESC, customer_id"
        )
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
