"""One assessment of all customers on one date, from the feed store to a published snapshot.

Put here: the Run, its frozen inputs and its stages (factor, decide, audit, publish), each of which can be continued in
another process. Keep out: Dagster (orchestration calls these methods), formulas (factors/*.sql), decisions (decision),
rules of the gates (gates).

A run is frozen when it is opened: as_of, known_at, the last delivery it may see, the policy and the assessment before it go
into the register once. Whatever is computed later, by whichever process, is computed from these.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline import __version__
from risk_pipeline.contracts import FEED_TABLES, Table, table
from risk_pipeline.contracts.derive import arrow_schema, frame_to_arrow
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.decision.decide import DecisionContext, decide, facts_read
from risk_pipeline.engine.asof import create_asof_views, feeds_at_hand, visible
from risk_pipeline.engine.duckdb import connect
from risk_pipeline.engine.factors import FACTOR_ORDER, FactorEngine, window_params
from risk_pipeline.engine.policy_tables import create_policy_tables
from risk_pipeline.engine.previous import create_previous_view
from risk_pipeline.engine.sql import Literal as SqlLiteral
from risk_pipeline.engine.sql import literal
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.run_stage import STAGE_TABLES, audit_stage, declared_checks
from risk_pipeline.pipeline.alert_history import read_history
from risk_pipeline.pipeline.balances import balances_on
from risk_pipeline.pipeline.group_passes import group_outcome
from risk_pipeline.pipeline.in_threads import in_threads
from risk_pipeline.pipeline.marts import MADE_FROM, mart_query
from risk_pipeline.pipeline.stored_facts import BATCH_ROWS, Range, StoredFacts
from risk_pipeline.pipeline.treatment_history import read_treatments
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.months import add_months
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.lock import workspace_lock
from risk_pipeline.store.register import CheckRecord, Delivery, Part, Register, RunRecord, SnapshotRecord

Stage = Literal["factor", "decide"]
STAGES: tuple[Stage, ...] = ("factor", "decide")
FACTOR_TABLES = tuple(f"factor.{name}" for name in FACTOR_ORDER)
DECIDE_TABLES = STAGE_TABLES["decide"]
MART_TABLES = ("mart.worklist", "mart.portfolio")  # of all customers at once, when all are decided
ROW_GROUP_ROWS = BATCH_ROWS  # so that a batch of facts is a row group of each factor table
RESULT_GROUP_ROWS = 131_072  # at most: a batch, or a block of its contributions, is a row group
MOST_THREADS = 4  # each holds a batch in memory; more of them would wait for the interpreter
ENGINES = ("duckdb", "pandas", "pyarrow", "sqlglot")
EVIDENCE_FEEDS = ("bureau_report", "financial_statement")  # with none of them a workspace has only a ledger to go by


@dataclass(frozen=True)
class Staged:
    """A table this run has written, not yet visible to readers. `metadata`: figures worth showing, by name."""

    table: str
    path: Path
    rows: int
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _FeedFiles:
    """The files of one feed, as the as-of views want them."""

    paths: Sequence[Path]
    closure_paths: Sequence[Path]


class Run:
    """An open run. Use `Run.open`, then factor() for FACTOR_TABLES in order, audit, decide, audit, publish, close."""

    def __init__(self, workspace: Workspace, register: Register, record: RunRecord, policy: Policy, resources: ExitStack) -> None:
        self.record = record
        self.policy = policy
        self._workspace = workspace
        self._register = register
        self._resources = resources
        self._lake = Lake(workspace.lake)
        self._con: duckdb.DuckDBPyConnection | None = None
        self._feeds: dict[str, _FeedFiles] = {}
        self._engine: FactorEngine | None = None
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

    # Opening and closing

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
        now: datetime,
    ) -> Run:
        """Open a run, or continue the one of that id with what it froze. `known_at` None = now.

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
            _end_dead_runs(register, run_id)
            if record is None:
                record = _frozen(workspace, register, chosen, run_id=run_id, as_of=as_of, known_at=known_at or now, now=now)
                register.add_run(record)
            elif record.policy_hash != chosen.content_hash:
                raise Refused(
                    f"run {run_id} began under policy {record.policy_version} with another content than it has now",
                    remedy="start a new run for the date",
                )
            run = cls(workspace, register, record, chosen, resources.pop_all())
        try:
            run._connect()
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

    def fail(self, reason: BaseException | str) -> None:
        """Record that the run ended without a publication, refused by a gate or failed; a published run is not touched."""
        current = self._register.run(self.run_id)
        if current is not None and current.state != "published":
            refused = current.state == "refused" or isinstance(reason, Refused)
            state = "refused" if refused else "failed"
            self._register.update_run(self.run_id, state=state, message=str(reason), ended_at=datetime.now(UTC))

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
            reporting_currency=self._workspace.settings.reporting_currency,
            evidence_feeds_configured=self._evidence_known(),
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
                name: files.enter_context(_writer(files, self._lake, self._path(contract), contract))
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
            self._connection(), stage, paths, as_of=self.as_of, run_id=self.run_id, seen=self._feeds_seen(), seconds=seconds
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
            rows = {name: each.rows for name, each in staged.items()}
            self._register.update_run(self.run_id, manifest={**self.record.manifest, "rows": rows})
            self._register.publish_snapshot(snapshot, current.snapshot_id if current else None)
            current = snapshot
        self._refresh()
        build_catalogue(self._workspace.catalogue, self._lake, self._register)
        assert current is not None, "a published run belongs to a snapshot"
        return current

    # Parts

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
        self._register.update_run(self.run_id, state="refused", message=message, ended_at=datetime.now(UTC))
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
        return self._lake.part_path(contract.layer, contract.name, self.as_of, self.run_id)

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
        self._feeds = {contract.name: _FeedFiles(*store.history(contract.name)) for contract in FEED_TABLES}
        create_asof_views(
            self._con,
            self._feeds,
            as_of=self.as_of,
            known_at=self.known_at,
            zone=self._workspace.zone,
            last_delivery=self.record.manifest["last_delivery"],
        )
        create_policy_tables(self._con, self.policy)
        create_previous_view(self._con, self._previous("decision.risk_tier"), self._previous("decision.credit_limit"))
        dated = {"adverse_from": add_months(self.as_of, -12 * self.policy.evidence.adverse_years_natural_person)}
        self._engine = FactorEngine(self._con, {**self._undated_params(), **dated, **window_params(self.as_of)})
        for name in FACTOR_TABLES:  # what an earlier process of this run staged
            if (path := self._path(table(name))).exists():
                self._engine.register(name.removeprefix("factor."), f"read_parquet({literal(str(path))})")
        self._refuse_if_blind()

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
                f"no exchange rate to {self._workspace.settings.reporting_currency} within 7 days before {self.as_of} for "
                f"{', '.join(missing)}",
                remedy="deliver the rates in the fx_rate feed (units per 1 EUR)",
            )

    def _evidence_known(self) -> bool:
        """Whether any bureau report or financial statement is visible to this run, of whichever customer."""
        return any(visible(self._connection(), feed) for feed in EVIDENCE_FEEDS)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        assert self._con is not None, "the run is closed"
        return self._con

    def _factor_engine(self) -> FactorEngine:
        assert self._engine is not None, "the run is closed"
        return self._engine

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
            self._undated_params(),
            known_at=self.known_at,
            zone=self._workspace.zone,
            last_delivery=self.record.manifest["last_delivery"],
            memory_limit=self._workspace.settings.memory_limit,
            threads=self._workspace.settings.threads,
            scratch=self._workspace.warehouse / "scratch",
        )
        self._connection().register(name, found)
        return name

    def _undated_params(self) -> dict[str, SqlLiteral]:
        """What the factor SQL is told beside the dates: which feeds there are, and the figures of the policy."""
        at_hand = feeds_at_hand(self._connection(), [name for name, parts in self._feeds.items() if parts.paths])
        return {**{f"has_{name}": there for name, there in at_hand.items()}, **self._policy_params()}

    def _policy_params(self) -> dict[str, SqlLiteral]:
        rules, material, exposure = self.policy.day_rules, self.policy.materiality, self.policy.exposure
        weights = exposure.components.model_dump()
        near = weights.pop("open_orders")
        return {
            "reporting_currency": self._workspace.settings.reporting_currency,
            "grace_days": rules.grace_days,
            "shield_days": rules.dispute_shield_days,
            "residual_abs": rules.settled_residual.abs,
            "residual_share": _decimal(rules.settled_residual.share),
            "materiality_abs": material.abs,
            "materiality_natural_person": material.natural_person_abs,
            "materiality_share": _decimal(material.share_of_exposure),
            "open_orders_days": exposure.open_orders_within_days,
            "default_industry_class": self.policy.industry_classes.default,
            "statement_max_age_days": self.policy.statement_usable.max_age_days_from_period_end,
            "statement_months_min": self.policy.statement_usable.months_min,
            "statement_balance_share": _decimal(self.policy.statement_usable.balance_check_tolerance_share),
            "minor_claim": self.policy.evidence.minor_claim,
            "bureau_max_age_days": self.policy.evidence.bureau_max_age_days,
            "mismatch_haircut": _decimal(self.policy.mitigants.currency_mismatch_haircut),
            "renewal_days": self.policy.mitigants.renewal_days,
            "longest_terms_days": max(days for by_tier in self.policy.terms.values() for days, _, _ in by_tier.values()),
            "notch_up_most": self.policy.notches.max_up,
            "notch_down_most": self.policy.notches.max_down,
            "notch_up_days": self.policy.notches.expiry_days_up,
            "notch_down_days": self.policy.notches.expiry_days_down,
            "manual_days": self.policy.limits.manual.expiry_days,
            "temporary_days": self.policy.limits.temporary.max_days,
            "release_days": self.policy.hold_release.max_days,
            "release_again_days": self.policy.hold_release.once_per_days,
            "verdict_days": self.policy.authorities.verdict_days,
            "round_sum": self.policy.evidence.round_sum,
            "split_threshold": self.policy.evidence.split_threshold,
            "weight_open_orders_near": _decimal(near),
            **{f"weight_{name}": _decimal(weight) for name, weight in weights.items()},
        }

    def _copy(self, contract: Table, query: str, path: Path) -> None:
        """Stage a query as the table of `contract`: its columns in declared order and type, ordered by key."""
        fixed = {"as_of": literal(self.as_of), "run_id": literal(self.run_id)}
        columns = ", ".join(
            f"CAST({fixed.get(c.name, f'q.{c.name}')} AS {DUCKDB_TYPE[c.kind]}) AS {c.name}" for c in contract.columns
        )
        order = ", ".join(name for name in contract.key if name not in fixed)
        with self._lake.write_atomic(path) as temporary:
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
            "engines": {"python": platform.python_version(), **{name: version(name) for name in ENGINES}},
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


def _end_dead_runs(register: Register, run_id: str) -> None:
    """Close the books of runs whose process was killed. Whoever holds the workspace lock is the only one at work."""
    for run in register.runs(("open",)):
        if run.run_id != run_id:
            message = "ended without a word: its process was killed; what was published before it still stands"
            register.update_run(run.run_id, state="failed", message=message, ended_at=datetime.now(UTC))


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


def _decimal(value: float) -> Decimal:
    """A share or weight of the policy as the decimal people wrote: 0.005, not its nearest double."""
    return Decimal(str(value))
