"""One assessment of all customers on one date, from the feed store to a published snapshot.

Put here: the Run, its frozen inputs and its stages (factor, decide, audit, publish), each of which can be continued in
another process. Keep out: Dagster (orchestration calls these methods), formulas (factors/*.sql), decisions (decision),
rules of the gates (gates).

A run is frozen when it is opened: as_of, known_at, the last delivery it may see, the policy and the assessment before it go
into the register once. Whatever is computed later, by whichever process, is computed from these.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import rfc8785

from risk_pipeline import __version__
from risk_pipeline.contracts import FEED_TABLES, Table, table
from risk_pipeline.contracts.derive import arrow_schema, frame_to_arrow
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.decision.decide import DecisionContext, decide, facts_read
from risk_pipeline.engine.asof import EVERYTHING, Scope, Sights, create_views, feeds_at_hand, sight_of, visible
from risk_pipeline.engine.duckdb import connect
from risk_pipeline.engine.factors import FACTOR_ORDER, FactorEngine, window_params
from risk_pipeline.engine.policy_tables import create_policy_tables
from risk_pipeline.engine.previous import create_previous_view
from risk_pipeline.engine.sql import Literal as SqlLiteral
from risk_pipeline.engine.sql import literal
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.factors.parameters import figures_of
from risk_pipeline.gates.duties import DutyFacts
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.run_stage import STAGE_TABLES, audit_stage, declared_checks
from risk_pipeline.lineage.canonical_hash import hash_tables
from risk_pipeline.lineage.code import code_identity
from risk_pipeline.pipeline.alert_history import read_history
from risk_pipeline.pipeline.balances import balances_on
from risk_pipeline.pipeline.column_lineage import write_lineage
from risk_pipeline.pipeline.duties import facts_of_run
from risk_pipeline.pipeline.group_passes import group_outcome
from risk_pipeline.pipeline.in_threads import in_threads
from risk_pipeline.pipeline.lineage_events import run_ended, run_started
from risk_pipeline.pipeline.marts import MADE_FROM, mart_query
from risk_pipeline.pipeline.stored_facts import BATCH_ROWS, Range, StoredFacts
from risk_pipeline.pipeline.treatment_history import read_treatments
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake, file_sha256
from risk_pipeline.store.lock import workspace_lock
from risk_pipeline.store.register import SYSTEM, CheckRecord, Delivery, Part, Register, RunRecord, SnapshotRecord

Stage = Literal["factor", "decide"]
STAGES: tuple[Stage, ...] = ("factor", "decide")
FACTOR_TABLES = tuple(f"factor.{name}" for name in FACTOR_ORDER)
DECIDE_TABLES = STAGE_TABLES["decide"]
MART_TABLES = ("mart.worklist", "mart.portfolio")  # of all customers at once, when all are decided
ROW_GROUP_ROWS = BATCH_ROWS  # so that a batch of facts is a row group of each factor table
RESULT_GROUP_ROWS = 131_072  # at most: a batch, or a block of its contributions, is a row group
MOST_THREADS = 4  # each holds a batch in memory; more of them would wait for the interpreter
EVIDENCE_FEEDS = ("bureau_report", "financial_statement")  # with none of them a workspace has only a ledger to go by


@dataclass(frozen=True)
class Staged:
    """A table this run has written, not yet visible to readers. `metadata`: figures worth showing, by name."""

    table: str
    path: Path
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """What a computation reads of the feeds, when it is not all that its record says: a part of it, what several dates see, or
    other files than the register names.
    """

    sights: Sights | None = None
    scope: Scope = EVERYTHING
    files: Mapping[str, FeedFiles] | None = None


@dataclass(frozen=True)
class FeedFiles:
    """The files of one feed, as the as-of views want them."""

    paths: Sequence[Path]
    closure_paths: Sequence[Path]


class Run:
    """An open run. Use `Run.open`, then factor() for FACTOR_TABLES in order, audit, decide, audit, publish, close."""

    def __init__(
        self,
        workspace: Workspace,
        register: Register,
        record: RunRecord,
        policy: Policy,
        resources: ExitStack,
        seen: Seen | None = None,
        staging: Lake | None = None,
    ) -> None:
        self.record = record
        self.policy = policy
        self._workspace = workspace
        self._register = register
        self._resources = resources
        self._lake = Lake(workspace.lake)
        self._seen = seen or Seen()
        self._staging = staging or self._lake
        self._con: duckdb.DuckDBPyConnection | None = None
        self._feeds: dict[str, FeedFiles] = {}
        self._engine: FactorEngine | None = None
        self._has: dict[str, bool] = {}  # by feed: whether factor SQL may ask it, of whichever customer
        self._evidence_known = False  # whether any bureau report or financial statement is visible, of whichever customer
        self._ended = False  # without a publication
        self.audit_seconds: dict[str, dict[str, float]] = {}

    @property
    def run_id(self) -> str:
        return self.record.run_id

    @property
    def as_of(self) -> date:
        return self.record.as_of

    @property
    def known_at(self) -> datetime:
        return self.record.known_at

    @property
    def label(self) -> str:
        return self.record.label

    @property
    def _currency(self) -> str:
        return str(self.record.manifest["reporting_currency"])

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.record.manifest["time_zone"])

    # Opening and closing

    @classmethod
    @contextmanager
    def again(
        cls,
        workspace: Workspace,
        register: Register,
        record: RunRecord,
        policy: Policy,
        *,
        into: Path,
        seen: Seen | None = None,
    ) -> Iterator[Self]:
        """Compute anew what `record` says, into the folder `into`: factor() and decide() only, nothing is recorded or published.

        Takes no lock: parts of the lake never change, and deliveries after those of the record are not seen.
        """
        run = cls(workspace, register, record, policy, ExitStack(), seen, Lake(into))
        try:
            run._connect()
            yield run
        finally:
            run.close()

    @classmethod
    def open(
        cls,
        workspace: Workspace,
        register: Register,
        *,
        run_id: str,
        as_of: date,
        known_at: datetime | None = None,
        policy: str | None = None,
        by: str = SYSTEM,
        now: datetime,
    ) -> Run:
        """Open a run, or continue the one of that id with what it froze. `known_at` None = now; `by`: who launched it.

        Takes the workspace lock until close(). Locked when another process holds it, UsageError for a wrong policy or a
        run id of another date, Refused when nothing was known by known_at.
        """
        with ExitStack() as resources:
            resources.enter_context(workspace_lock(workspace.lock_file, f"assessment of {as_of}"))
            record = register.run(run_id)
            if record is not None and record.as_of != as_of:
                raise UsageError(f"run {run_id} is an assessment of {record.as_of}, not of {as_of}")
            version_asked = record.policy_version if record is not None else policy or workspace.settings.policy
            chosen = load_policy(workspace.policy_dir, load_catalogue(), version=version_asked, as_of=as_of)
            _end_dead_runs(workspace, register, run_id)
            if record is None:
                record = _frozen(workspace, register, chosen, run_id=run_id, as_of=as_of, known_at=known_at or now, now=now)
                register.add_run(record, by)
                run_started(workspace, register, record, record.started_at)
            elif record.policy_hash != chosen.content_hash:
                raise Refused(
                    f"run {run_id} began under policy {record.policy_version} with another content than it has now",
                    remedy="start a new run for the date",
                )
            elif record.state in ("refused", "failed"):
                register.continue_run(run_id, by, now)
                record = replace(record, state="open", message="", ended_at=None)
                run_started(workspace, register, record, now)
            run = cls(workspace, register, record, chosen, resources.pop_all())
        try:
            run._connect()
            run._refuse_if_blind()
        except BaseException as exc:
            run.fail(exc)
            run.close()
            raise
        return run

    def close(self) -> None:
        """Close the engine and free the workspace lock. What was staged stays for whoever continues the run."""
        if self._con is not None:
            self._con.close()
            self._con = self._engine = None
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if exc is not None:
            self.fail(exc)
        self.close()

    def fail(self, reason: BaseException | str, refused: bool = False) -> None:
        """Record, once, that the run ended without a publication, refused by a gate or failed; a published run is not touched."""
        current = self._register.run(self.run_id)
        if not self._ended and current is not None and current.state != "published":
            state: Literal["refused", "failed"] = "refused" if refused or isinstance(reason, Refused) else "failed"
            self._register.end_run(self.run_id, state, str(reason), datetime.now(UTC))
            self._ended = True
            run_ended(self._workspace, self._register, self.run_id)

    # Stages

    def factor(self, name: str) -> Staged:
        """Compute and stage one factor table ("factor.exposure"). Refused when a table it reads is not staged.

        A table that this run has staged already is not computed again.
        """
        contract, short = table(name), name.removeprefix("factor.")
        path = self._path(contract)
        if not path.exists():
            with self._reading_staged(name):
                self._copy(contract, self._factor_engine().query(short), path)
        self._factor_engine().register(short, f"read_parquet({literal(str(path))})")
        return Staged(name, path, pq.read_metadata(path).num_rows, self._factor_metadata(name, path))

    def decide(self) -> dict[str, Staged]:
        """Score and decide every customer in batches, and stage the score, decision and mart tables in one pass."""
        contracts = {name: table(name) for name in DECIDE_TABLES if name not in MART_TABLES}
        context = DecisionContext(
            as_of=self.as_of,
            run_id=self.run_id,
            run_label=self.label,
            reporting_currency=self._currency,
            evidence_feeds_configured=self._evidence_known,
        )
        catalogue, con = load_catalogue(), self._connection()
        with self._reading_staged("the decisions"):
            stored = StoredFacts(lambda name: self._path(table(name)), self._before, facts_read(self.policy, catalogue))
        alerts = read_history(con, self._before("decision.alert"))
        treatments = read_treatments(con, self._before("decision.treatment"))
        members = con.sql("SELECT customer_id FROM factor.group_state WHERE group_members > 1 ORDER BY customer_id")
        threads = min(MOST_THREADS, self._workspace.settings.threads or os.cpu_count() or 1)
        groups = group_outcome(stored, members.to_arrow_table()["customer_id"], self.policy, catalogue, context, threads)

        def decided(customers: Range) -> dict[str, pa.Table]:
            before = replace(
                context,
                alerts=alerts.between(customers.first, customers.last),
                treatments=treatments.between(customers.first, customers.last),
            )
            found = decide(stored.within(customers, groups), self.policy, catalogue, before)
            return {name: frame_to_arrow(contracts[name], rows, coded_text=True) for name, rows in found.items()}

        with ExitStack() as files:
            writers = {
                name: files.enter_context(_writer(files, self._staging, self._path(contract), contract))
                for name, contract in contracts.items()
            }
            for tables in in_threads(decided, stored.ranges, threads):
                for name, rows in tables.items():
                    _write(writers[name], rows)
        for name in MART_TABLES:
            staged = {each: f"read_parquet({literal(str(self._path(table(each))))})" for each in MADE_FROM}
            self._copy(table(name), mart_query(name, self.policy, staged), self._path(table(name)))
        return {name: self._staged(name) for name in DECIDE_TABLES}

    def audit(self, stage: Stage) -> list[CheckRecord]:
        """Ask every gate of the stage and record the answers. Blocking failures are reported here, and refused by publish()."""
        tables = FACTOR_TABLES if stage == "factor" else (*FACTOR_TABLES, *DECIDE_TABLES)
        paths = {name: path for name in tables if (path := self._path(table(name))).exists()}
        seconds: dict[str, float] = {}
        results = audit_stage(
            self._connection(),
            stage,
            paths,
            as_of=self.as_of,
            run_id=self.run_id,
            seen=self._feeds_seen(),
            decided=self._decided() if stage == "factor" else None,
            seconds=seconds,
        )
        self.audit_seconds[stage] = seconds
        checked_at = datetime.now(UTC)
        records = [
            CheckRecord(
                run_id=self.run_id,
                stage=stage,
                check_name=result.check_name,
                table_name=result.table_name,
                severity=result.severity,
                passed=result.passed,
                n_failed=result.n_failed,
                detail=result.detail,
                checked_at=checked_at,
            )
            for result in results
        ]
        if self.record.state != "published":  # what it was published with stays
            self._register.add_checks(records)
        return records

    def publish(self) -> SnapshotRecord:
        """Let readers see all tables of this run at once, and rebuild the catalogue.

        Refused, with the run recorded as refused and the published state untouched, unless every declared check of both
        stages was asked and no blocking one failed. Publishing a run twice only rebuilds the catalogue.
        """
        current = self._register.current_snapshot()
        if self.record.state != "published":
            self._refuse_unless_clean()
            staged = {name: self._staged(name) for name in (*FACTOR_TABLES, *DECIDE_TABLES)}
            parts = {
                name: Part(as_of=self.as_of, run_id=self.run_id, path=self._lake.relative(each.path), rows=each.rows)
                for name, each in staged.items()
            }
            snapshot = SnapshotRecord.following(
                current, run_id=self.run_id, as_of=self.as_of, published_at=datetime.now(UTC), parts=parts
            )
            self._refresh()
            manifest = {**self.record.manifest, "tables": self._hashes(staged)}
            with self._lake.write_atomic(self._lake.manifest_path(self.as_of, self.run_id)) as temporary:
                temporary.write_bytes(rfc8785.dumps(manifest))
            lineage = self._lake.lineage_part(self.as_of, self.run_id)
            with self._lake.write_atomic(lineage) as temporary:
                write_lineage(temporary, self.policy)
            beside = self._lake.sha256([self._lake.relative(lineage)])
            self._register.publish_snapshot(snapshot, current.snapshot_id if current else None, manifest, beside)
            current = snapshot
        told = self.record.state == "published"
        self._refresh()
        build_catalogue(self._workspace.catalogue, self._lake, self._register)
        if not told:
            run_ended(self._workspace, self._register, self.run_id, self.policy)
        assert current is not None, "a published run belongs to a snapshot"
        return current

    # Parts

    def _hashes(self, staged: Mapping[str, Staged]) -> dict[str, dict[str, Any]]:
        """What is published, by table: its file and the file's bytes, its canonical hash and that of each column."""
        threads = self._workspace.settings.threads or os.cpu_count() or 1
        hashes = hash_tables({table(name): each.path for name, each in staged.items()}, threads)
        return {
            name: {"path": self._lake.relative(each.path), "file_sha256": file_sha256(each.path), **asdict(hashes[name])}
            for name, each in staged.items()
        }

    def _refresh(self) -> None:
        record = self._register.run(self.run_id)
        assert record is not None, "an open run is in the register"
        self.record = record

    def _refuse_unless_clean(self) -> None:
        answers = {(check.stage, check.table_name, check.check_name): check for check in self._register.checks(self.run_id)}
        declared = {(stage, each.table_name, each.check_name) for stage in STAGES for each in declared_checks(stage)}
        failed = [check for check in answers.values() if check.severity == "error" and not check.passed]
        unasked = sorted(declared - answers.keys())
        if not failed and not unasked:
            return
        lines = [f"  {check.table_name} {check.check_name}: {check.detail}" for check in failed]
        lines += [f"  {name} {check}: was not asked" for _, name, check in unasked]
        message = f"the assessment of {self.as_of} was not published: {len(lines)} checks did not pass\n" + "\n".join(lines[:20])
        self.fail(message, refused=True)
        raise Refused(
            message, remedy="mend the source or the mapping and run the date again; what was published before still stands"
        )

    @contextmanager
    def _reading_staged(self, what: str) -> Iterator[None]:
        """Say in words that a table this run has not staged is missing: parts of an assessment asked for on their own."""
        try:
            yield
        except (duckdb.CatalogException, FileNotFoundError) as exc:
            raise Refused(
                f"{what} of {self.as_of} cannot be computed: a table it reads is not staged in this run",
                remedy="run the whole assessment, or ask for the tables before this one as well",
            ) from exc

    def _path(self, contract: Table) -> Path:
        return self._staging.part_path(contract.layer, contract.name, self.as_of, self.run_id)

    def _staged(self, name: str) -> Staged:
        path = self._path(table(name))
        if not path.exists():
            raise Refused(f"{name} of {self.as_of} is not staged", remedy="run the stage before this one")
        return Staged(name, path, pq.read_metadata(path).num_rows, self._decide_metadata(name, path))

    def _connect(self) -> None:
        settings = self._workspace.settings
        scratch = self._workspace.warehouse / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        self._con = connect(memory_limit=settings.memory_limit, threads=settings.threads, temp_dir=scratch)
        store = FeedStore(self._lake, self._register)
        stored = {contract.name: FeedFiles(*store.history(contract.name)) for contract in FEED_TABLES}
        self._feeds = {**stored, **(self._seen.files or {})}
        sights = self._seen.sights or self._one_sight()
        create_views(self._con, self._feeds, sights, replace(self._seen.scope, customers=None))
        self._has = feeds_at_hand(self._con, self._delivered())
        self._evidence_known = any(visible(self._con, feed) for feed in EVIDENCE_FEEDS)
        create_policy_tables(self._con, self.policy)
        create_previous_view(self._con, self._previous("decision.risk_tier"), self._previous("decision.credit_limit"))
        self._engine = FactorEngine(self._con, {**self._own_params(), **window_params(self.as_of)})
        if self._seen.scope.customers is not None:
            self._engine.reach()
            create_views(self._con, self._feeds, sights, self._seen.scope)
        for name in FACTOR_TABLES:  # what an earlier process of this run staged
            if (path := self._path(table(name))).exists():
                self._engine.register(name.removeprefix("factor."), f"read_parquet({literal(str(path))})")

    def _refuse_if_blind(self) -> None:
        con = self._connection()
        found = con.execute("SELECT 1 FROM feed.invoice LIMIT 1").fetchone()
        if found is None:
            raise Refused(
                f"no invoice dated on or before {self.as_of} was known at {self.known_at:%Y-%m-%d %H:%M} UTC",
                remedy="ingest the ledger first; if it was loaded later than that, say in its feed YAML when its rows were known "
                "(`known_at: event_date`), or run with --known-at now",
            )
        missing = self._factor_engine().currencies_without_rate()
        if missing:
            raise Refused(
                f"no exchange rate to {self._currency} within 7 days before {self.as_of} for {', '.join(missing)}",
                remedy="deliver the rates in the fx_rate feed (units per 1 EUR)",
            )

    def _delivered(self) -> set[str]:
        """The feeds that had rows by then. One delivered later must not tell that earlier dates had none of its kind."""
        last = self.record.manifest["last_delivery"]
        return {
            each.feed
            for each in _seen(self._register, self.known_at)
            if each.part_path is not None
            and each.delivery_id <= last
            and (each.known_assumption is not None or each.received_at <= self.known_at)
        }

    def _one_sight(self) -> Sights:
        """What the record says is seen of every feed."""
        one = sight_of(
            as_of=self.as_of,
            known_at=self.known_at,
            zone=self._zone,
            last_delivery=self.record.manifest["last_delivery"],
        )
        return lambda table: (one,)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        assert self._con is not None, "the run is closed"
        return self._con

    def _factor_engine(self) -> FactorEngine:
        assert self._engine is not None, "the run is closed"
        return self._engine

    def _decided(self) -> DutyFacts:
        return facts_of_run(self.record, self.policy, self._register, FeedStore(self._lake, self._register))

    def _feeds_seen(self) -> FeedsSeen:
        settings = self._workspace.settings
        return FeedsSeen(
            delivered=frozenset(name for name, parts in self._feeds.items() if parts.paths),
            balances=self._balances,
            tolerance=settings.control_tolerance,
            tolerance_pct=settings.control_tolerance_pct,
        )

    def _balances(self, day: date) -> str:
        """What was open at the end of `day`, as a relation: of the as-of date from what is staged, of an earlier day anew."""
        if day == self.as_of:
            path = literal(str(self._path(table("factor.exposure_by_currency"))))
            unapplied = "unapplied_cash + unapplied_credits + advance_payments_received AS unapplied"
            return f"(SELECT customer_id, currency, open_amount, {unapplied} FROM read_parquet({path}))"
        name = f"balances_{day:%Y%m%d}"
        found = balances_on(
            day,
            self._feeds,
            self._own_params(),
            known_at=self.known_at,
            zone=self._zone,
            last_delivery=self.record.manifest["last_delivery"],
            memory_limit=self._workspace.settings.memory_limit,
            threads=self._workspace.settings.threads,
            scratch=self._workspace.warehouse / "scratch",
        )
        self._connection().register(name, found)
        return name

    def _own_params(self) -> dict[str, SqlLiteral]:
        """What the factor SQL is told beside the dates: which feeds there are, and the figures of the policy."""
        there = {f"has_{name}": is_there for name, is_there in self._has.items()}
        return {**there, **figures_of(self.policy, self.as_of), "reporting_currency": self._currency}

    def _copy(self, contract: Table, query: str, path: Path) -> None:
        """Stage a query as the table of `contract`: its columns in declared order and type, ordered by key."""
        fixed = {"as_of": literal(self.as_of), "run_id": literal(self.run_id)}
        columns = ", ".join(
            f"CAST({fixed.get(c.name, f'q.{c.name}')} AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in contract.columns
        )
        order = ", ".join(name for name in contract.key if name not in fixed)
        with self._staging.write_atomic(path) as temporary:
            self._connection().execute(
                f"COPY (SELECT {columns} FROM ({query}) AS q ORDER BY {order}) TO {literal(str(temporary))}"
                f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS})"
            )

    def _before(self, name: str) -> Path | None:
        """The file of a table of the assessment before, if there is one."""
        part = self.record.manifest["previous_parts"].get(name)
        return self._lake.absolute(part) if part else None

    def _previous(self, name: str) -> str:
        """The table of the assessment before, empty without one; a column it did not have yet when it was published is NULL."""
        declared = ", ".join(f"CAST(NULL AS {DUCKDB_TYPE[column.kind]}) AS {column.name}" for column in table(name).columns)
        before = self._before(name)
        published = f" UNION ALL BY NAME SELECT * FROM read_parquet({literal(str(before))})" if before else ""
        return f"(SELECT {declared} WHERE FALSE{published})"

    def _factor_metadata(self, name: str, path: Path) -> dict[str, Any]:
        if name != "factor.exposure":
            return {}
        aging = ("aging_not_due", "aging_1_30", "aging_31_60", "aging_61_90", "aging_over_90", "overdue", "total_exposure")
        sums = ", ".join(f"COALESCE(SUM({column}), 0)" for column in aging)
        row = self._connection().execute(f"SELECT {sums} FROM read_parquet({literal(str(path))})").fetchone()
        return dict(zip(aging, row or (), strict=True))

    def _decide_metadata(self, name: str, path: Path) -> dict[str, Any]:
        if name != "decision.risk_tier":
            return {}
        rows = self._connection().execute(
            f"SELECT tier, COUNT(customer_id) FROM read_parquet({literal(str(path))}) GROUP BY tier ORDER BY tier"
        )
        return {"tier_counts": dict(rows.fetchall())}


def _writer(files: ExitStack, lake: Lake, path: Path, contract: Table) -> pq.ParquetWriter:
    """A Parquet writer whose file becomes `path` when `files` closes without an error."""
    temporary = files.enter_context(lake.write_atomic(path))
    # The file says plain texts: how they came is no matter of its readers.
    return pq.ParquetWriter(temporary, arrow_schema(contract, coded_text=True), compression="zstd", store_schema=False)


def _frozen(
    workspace: Workspace, register: Register, policy: Policy, *, run_id: str, as_of: date, known_at: datetime, now: datetime
) -> RunRecord:
    if as_of > now.astimezone(workspace.zone).date():
        raise UsageError(f"{as_of} is in the future", remedy="assess a date that has ended")
    currency = workspace.settings.reporting_currency
    if policy.reporting_currency not in (None, currency):
        raise UsageError(
            f"policy {policy.version} states its amounts in {policy.reporting_currency}, the workspace reports in {currency}",
            remedy="set reporting_currency in risk.yaml to the policy's, or write a policy for this currency",
        )
    _refuse_changed_version(register, policy)
    deliveries = _seen(register, known_at)
    snapshot = register.current_snapshot()
    previous = max((day for day in snapshot.dates() if day < as_of), default=None) if snapshot else None
    parts = {
        name: part.path
        for name in ("decision.risk_tier", "decision.credit_limit", "decision.alert", "decision.treatment", "decision.review")
        if snapshot and previous and (part := snapshot.part(name, previous))
    }
    previous_run = snapshot.part("decision.risk_tier", previous) if snapshot and previous else None
    return RunRecord(
        run_id=run_id,
        as_of=as_of,
        known_at=known_at.astimezone(UTC),
        label=_label(policy, as_of, any(each.known_assumption for each in deliveries)),
        policy_version=policy.version,
        policy_hash=policy.content_hash,
        code_version=__version__,
        started_at=now.astimezone(UTC),
        previous_as_of=previous,
        previous_run_id=previous_run.run_id if previous_run else None,
        manifest={
            "deliveries": [
                {"delivery_id": d.delivery_id, "feed": d.feed, "content_sha256": d.content_sha256, "spec_hash": d.spec_hash}
                for d in deliveries
            ],
            "last_delivery": max((d.delivery_id for d in register.deliveries(states=("effective",))), default=0),
            "previous_parts": parts,
            "policy": policy.model_dump(mode="json", by_alias=True),
            "reporting_currency": currency,
            "time_zone": workspace.settings.time_zone,
            "code": code_identity(),
        },
    )


def _seen(register: Register, known_at: datetime) -> list[Delivery]:
    """The deliveries in effect, and those that were at `known_at` and were revoked since."""
    stored = register.deliveries(states=("effective", "revoked"))
    gone = {d.origin_delivery_id for d in stored if d.delivery_kind == "revocation" and d.received_at <= known_at}
    return [d for d in stored if d.state == "effective" or not {d.delivery_id, d.origin_delivery_id} & gone]


def _write(writer: pq.ParquetWriter, rows: pa.Table) -> None:
    """Each record batch has dictionaries of its own, and so its own row groups."""
    for batch in rows.to_batches():
        writer.write_batch(batch, row_group_size=RESULT_GROUP_ROWS)


def _end_dead_runs(workspace: Workspace, register: Register, run_id: str) -> None:
    """Close the books of runs whose process was killed. Whoever holds the workspace lock is the only one at work."""
    for run in register.runs(("open",)):
        if run.run_id != run_id:
            message = "ended without a word: its process was killed; what was published before it still stands"
            register.end_run(run.run_id, "failed", message, datetime.now(UTC))
            run_ended(workspace, register, run.run_id)


def _refuse_changed_version(register: Register, policy: Policy) -> None:
    """A version of the policy that something was published under has one content for ever."""
    other = next((run for run in register.runs(("published",)) if run.policy_version == policy.version), None)
    if other is not None and other.policy_hash != policy.content_hash:
        raise UsageError(
            f"policy {policy.version} has another content than when {other.as_of} was published under it",
            remedy="give the changed policy a new version (and the date from which it is effective)",
        )


def _label(policy: Policy, as_of: date, knowledge_assumed: bool) -> Literal["official", "reconstructed", "simulation"]:
    if policy.status != "approved" or policy.effective_from > as_of:
        return "simulation"
    return "reconstructed" if knowledge_assumed else "official"
