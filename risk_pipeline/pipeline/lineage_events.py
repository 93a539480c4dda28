"""What a run or a delivery tells OpenLineage: that it began, what it read and made, how it ended.

Put here: from records to events. Keep out: the form of events and facets (lineage.openlineage), where they go (lineage_sending).

Jobs: `assessment`, a run for each assessment, reads the feeds, the policy and the assessment before, and writes the published
tables; `assessment.audit`, a part of it, reads the tables and asserts what the gates found; `ingest.FEED` reads a source and
writes a feed, as do `quarantine_replay.FEED` and `revoke.FEED`. Everything is told from the register, so whichever process ends a
run tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from risk_pipeline.contracts import table
from risk_pipeline.gates.run_stage import STAGE_TABLES, declared_checks
from risk_pipeline.lineage import openlineage as ol
from risk_pipeline.lineage.columns import POLICY, PREVIOUS, ColumnLineage
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.pipeline.lineage_sending import send
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import CheckRecord, Delivery, Register, RunRecord
from risk_pipeline.store.register.register import CONTINUED

JOB, AUDIT = "assessment", "assessment.audit"
SAYS = {
    JOB: "Assesses every customer as of a date: facts, score, tier, limit, alerts",
    AUDIT: "Asks every gate about the tables of an assessment before they are published",
}
DELIVERY_JOBS = {"source": "ingest", "replay": "quarantine_replay", "revocation": "revoke"}


def run_started(workspace: Workspace, register: Register, record: RunRecord, at: datetime) -> None:
    """Tell that an assessment began, or goes on after it had ended without a publication, at `at`."""
    if workspace.settings.openlineage.transport != "none":
        told = _Assessment(workspace, register, record)
        send(workspace, told.file, [told.event("START", at)])


def run_ended(workspace: Workspace, register: Register, run_id: str, policy: Policy | None = None) -> None:
    """Tell how a run ended, as the register says, and what its gates found. `policy`: the one it was published under."""
    if workspace.settings.openlineage.transport == "none":
        return
    record = register.run(run_id)
    assert record is not None, "a run that ended is in the register"
    assert record.ended_at is not None, "it has ended"
    told = _Assessment(workspace, register, record)
    lineage = column_lineage(policy) if policy is not None and record.state == "published" else None
    ended = told.event("COMPLETE" if lineage else "FAIL", record.ended_at, lineage)
    send(workspace, told.file, [*told.audited(register.checks(run_id), record.ended_at), ended])


def delivery_recorded(workspace: Workspace, delivery: Delivery, seconds: float = 0) -> None:
    """Tell what became of a delivery, and the seconds it took. One without anything new is not told."""
    if delivery.state != "no_op" and workspace.settings.openlineage.transport != "none":
        send(workspace, f"delivery-{delivery.delivery_id:08d}", _of_delivery(workspace, delivery, seconds))


class _Assessment:
    """The events of one assessment, from its record."""

    def __init__(self, workspace: Workspace, register: Register, record: RunRecord) -> None:
        self.file = f"{record.as_of}-{record.run_id}"
        self._workspace = workspace
        self._record = record
        self._namespace = _namespace(workspace)
        self._attempt = len(register.events(CONTINUED, f"run {record.run_id}"))
        self._run_id = ol.run_uuid(record.run_id, self._attempt)
        self._lake = Lake(workspace.lake)
        self._published: dict[str, Any] = record.manifest.get("tables", {})

    def event(self, kind: str, at: datetime, lineage: ColumnLineage | None = None) -> ol.Json:
        """START, COMPLETE or FAIL. `lineage`: of the tables it published."""
        outputs = [self._output(name, lineage) for name in self._published] if lineage else []
        facets = self._facets()
        if kind == "FAIL":
            facets["errorMessage"] = ol.error_message(self._record.message)
        return ol.event(
            kind,
            at,
            run=ol.run(self._run_id, **facets),
            job=ol.job(self._namespace, JOB, SAYS[JOB]),
            inputs=self._inputs(lineage),
            outputs=outputs,
        )

    def audited(self, checks: Sequence[CheckRecord], at: datetime) -> list[ol.Json]:
        """START and end of the audit; nothing when no gate was asked."""
        if not checks:
            return []
        run = ol.run(uuid5(self._run_id, AUDIT), parent=ol.parent(self._run_id, self._namespace, JOB))
        job = ol.job(self._namespace, AUDIT, SAYS[AUDIT])
        passed = all(each.passed for each in checks if each.severity == "error")
        inputs = [self._checked(name, checks) for name in dict.fromkeys(each.table_name for each in checks)]
        return [
            ol.event("START", min(each.checked_at for each in checks), run=run, job=job),
            ol.event("COMPLETE" if passed else "FAIL", at, run=run, job=job, inputs=inputs),
        ]

    def _facets(self) -> dict[str, ol.Json]:
        record, code = self._record, self._record.manifest.get("code", {})  # which older runs do not tell
        known = {
            "run": record.run_id,
            "attempt": self._attempt,
            "label": record.label,
            "known_at": record.known_at.isoformat(),
            "policy_version": record.policy_version,
            "policy_sha256": record.policy_hash,
            "code_version": record.code_version,
            "code_sha256": code.get("code_sha256"),
            "commit": code.get("commit"),
            "tree": code.get("tree"),
        }
        zone = ZoneInfo(record.manifest["time_zone"])
        engine = {"processing_engine": ol.processing_engine("DuckDB", code["engines"]["duckdb"])} if code else {}
        return {"nominalTime": ol.nominal_time(record.as_of, zone), **engine, "tags": ol.tags(known)}

    def _deliveries(self) -> dict[str, dict[int, str]]:
        """By feed the deliveries the run sees, with their content."""
        found: dict[str, dict[int, str]] = {}
        for each in self._record.manifest["deliveries"]:
            found.setdefault(f"feed.{each['feed']}", {})[each["delivery_id"]] = each["content_sha256"]
        return found

    def _before(self) -> dict[str, str]:
        """Tables of the assessment before, by what lineage calls them."""
        return {f"{PREVIOUS}.{table(name).name}": name for name in self._record.manifest["previous_parts"]}

    def _names(self) -> dict[str, str]:
        own = (*self._deliveries(), *self._published, POLICY)
        return {**{name: name for name in own}, **self._before()}

    def _inputs(self, lineage: ColumnLineage | None) -> list[ol.Json]:
        feeds = [
            self._dataset(name, ol.version(max(deliveries)), inputFacets={"subset": ol.parts_read(deliveries)})
            for name, deliveries in self._deliveries().items()
        ]
        before = [self._dataset(name, ol.version(self._record.previous_run_id)) for name in self._before().values()]
        return [*feeds, *before, self._policy(lineage)]

    def _policy(self, lineage: ColumnLineage | None) -> ol.Json:
        about = f"The policy, version {self._record.policy_version}; its columns are the keys that decided columns are made of"
        facets = {"documentation": ol.documentation(about), "version": ol.version(self._record.policy_hash)}
        if lineage:
            facets["schema"] = ol.named_columns(sorted(each.column for each in lineage.nodes if each.table == POLICY))
        return ol.dataset(self._namespace, POLICY, facets)

    def _output(self, name: str, lineage: ColumnLineage) -> ol.Json:
        made = self._published[name]
        size = self._lake.absolute(made["path"]).stat().st_size
        facets = {"columnLineage": ol.column_lineage(lineage, name, self._namespace, self._names())}
        statistics = {"outputStatistics": ol.written(made["rows"], size)}
        return self._dataset(name, ol.version(self._record.run_id), facets, outputFacets=statistics)

    def _checked(self, name: str, checks: Sequence[CheckRecord]) -> ol.Json:
        answers = [_assertion(each) for each in checks if each.table_name == name]
        facets = {"dataQualityAssertions": ol.assertions(answers)}
        if (made := self._published.get(name)) is not None:
            size = self._lake.absolute(made["path"]).stat().st_size
            facets["dataQualityMetrics"] = ol.measured(made["rows"], size)
        return self._dataset(name, ol.version(self._record.run_id), inputFacets=facets)

    def _dataset(self, name: str, version: ol.Json, facets: ol.Json | None = None, **more: ol.Json) -> ol.Json:
        about = ol.about(table(name), self._workspace.catalogue.as_uri())
        return ol.dataset(self._namespace, name, {**about, "version": version, **(facets or {})}, **more)


def _of_delivery(workspace: Workspace, delivery: Delivery, seconds: float) -> list[ol.Json]:
    """START and end of the run that took a delivery in."""
    namespace, feed = _namespace(workspace), table(f"feed.{delivery.feed}")
    what = DELIVERY_JOBS[delivery.delivery_kind]
    job = ol.job(namespace, f"{what}.{delivery.feed}", f"Takes deliveries of {feed.full_name} into the store ({what})")
    run_id = ol.run_uuid(f"{namespace}:delivery:{delivery.delivery_id}:{delivery.received_at.isoformat()}")
    inputs = [_source(namespace, delivery)] if delivery.files else []
    taken = delivery.state == "effective"
    output = ol.dataset(
        namespace,
        feed.full_name,
        {**ol.about(feed, workspace.catalogue.as_uri()), "version": ol.version(delivery.delivery_id)},
        outputFacets={
            "outputStatistics": ol.written(delivery.rows_stored, files=int(delivery.part_path is not None)),
            "subset": ol.part_written(delivery.delivery_id, delivery.content_sha256),
        },
    )
    known = {"delivery": delivery.delivery_id, "mode": delivery.mode, "mapping_sha256": delivery.spec_hash or None}
    facets = {"tags": ol.tags(known)}
    failed = {} if taken else {"errorMessage": ol.error_message(delivery.message)}
    return [
        ol.event("START", delivery.received_at, run=ol.run(run_id, **facets), job=job, inputs=inputs),
        ol.event(
            "COMPLETE" if taken else "FAIL",
            delivery.received_at + timedelta(seconds=seconds),
            run=ol.run(run_id, **facets, **failed),
            job=job,
            inputs=inputs,
            outputs=[output] if taken else [],
        ),
    ]


def _source(namespace: str, delivery: Delivery) -> ol.Json:
    """The source of a feed, with the files that were read of it and what the contract said to their rows."""
    rejected = ol.assertion(
        "contract",
        passed=not delivery.rows_rejected,
        severity="warn",
        failed=delivery.rows_rejected,
        checks="every row keeps to the contract of its feed; others are in quarantine",
    )
    size = sum(file.get("bytes", 0) for file in delivery.files)
    facets = {
        "subset": ol.files_read(str(file["name"]) for file in delivery.files),
        "inputStatistics": ol.read(delivery.rows_read, size, len(delivery.files)),
        "dataQualityAssertions": ol.assertions([rejected]),
    }
    about = {
        "documentation": ol.documentation(f"Where feed.{delivery.feed} is read from"),
        "version": ol.version(delivery.content_sha256),
    }
    return ol.dataset(namespace, f"source.{delivery.feed}", about, inputFacets=facets)


def _assertion(check: CheckRecord) -> ol.Json:
    return ol.assertion(
        check.check_name,
        passed=check.passed,
        severity=check.severity,
        failed=check.n_failed,
        checks=_described().get((check.table_name, check.check_name), check.check_name),
        detail=check.detail,
    )


@cache
def _described() -> dict[tuple[str, str], str]:
    return {(each.table_name, each.check_name): each.describes for stage in STAGE_TABLES for each in declared_checks(stage)}


def _namespace(workspace: Workspace) -> str:
    return workspace.settings.openlineage.namespace or workspace.root.name
