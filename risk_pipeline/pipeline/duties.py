"""Who decided what for a run, and every breach of a duty there is in a workspace.

Put here: gathering the facts that gates.duties judges: of one run, of all of them, of every policy. Keep out: what a breach is
and which of them block (gates.duties, policy `duties`), printing (cli).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from risk_pipeline.engine.asof import create_views, sight_of
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.gates.duties import DutyFacts, Violation, violations
from risk_pipeline.pipeline.policy_versions import APPROVED, RETIRED, versions
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedParts, FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import SYSTEM, RecordedEvent, Register, RunRecord
from risk_pipeline.store.register.register import OPENED
from risk_pipeline.store.staging import all_rows_sql, naive

FINDING = "due_diligence_finding"
READ = ("override", "limit_decision", "customer_state_decision", FINDING)
WHENEVER = date(9998, 12, 31)  # the views of everything there is; one day more must fit a date


@dataclass(frozen=True)
class Breach:
    """A violation, and the run that rests on it (None: it is one whether or not a run does)."""

    violation: Violation
    run_id: str | None = None
    as_of: date | None = None


@dataclass(frozen=True)
class Duties:
    """What was found. `refused`: attempts that the rules forbade, kept in the audit log."""

    breaches: list[Breach]
    refused: int


def facts_of_run(record: RunRecord, policy: Policy, register: Register, store: FeedStore) -> DutyFacts:
    """Who decided what the run rests on, and who launched it."""
    log = register.events()
    approval, approvers = _approval(policy, log)
    opened = [event for event in log if event.action == OPENED and event.subject == f"run {record.run_id}"]
    launcher = next((event.actor for event in opened if event.actor != SYSTEM), None)
    confirmed = _confirmed(store, record.known_at, record.manifest["last_delivery"])
    return DutyFacts(policy, approval, approvers, launcher, confirmed, record.as_of)


def duties(workspace: Workspace, register: Register, now: datetime) -> Duties:
    """Every breach: of each policy, of each decision in effect now, and of each published run what its launcher approved."""
    store, log = FeedStore(Lake(workspace.lake), register), register.events()
    found = [Breach(each) for each in _of_decisions(workspace, store, now)]
    found += [Breach(each) for each in _of_policies(workspace, log, now.astimezone(workspace.zone).date())]
    for run in register.runs(("published",)):
        facts = facts_of_run(run, Policy.model_validate(run.manifest["policy"]), register, store)
        if facts.launcher is not None:
            with duckdb.connect() as con:
                _views(con, workspace, store, run.as_of, run.known_at, run.manifest["last_delivery"])
                mine = [each for each in violations(con, facts) if each.duty == "launcher_approves"]
            found += [Breach(each, run.run_id, run.as_of) for each in mine]
    return Duties(found, sum(event.action.endswith(".denied") for event in log))


def _of_decisions(workspace: Workspace, store: FeedStore, now: datetime) -> list[Violation]:
    with duckdb.connect() as con:
        _views(con, workspace, store, WHENEVER, now, 2**62)
        return violations(con, DutyFacts(confirmed=_confirmed(store, now, 2**62)))


def _of_policies(workspace: Workspace, log: Sequence[RecordedEvent], today: date) -> Iterator[Violation]:
    with duckdb.connect() as con:
        create_views(con, {}, lambda table: ())
        for each in versions(workspace, log, today):
            if each.policy is not None:
                approval, approvers = _approval(each.policy, log)
                yield from violations(con, DutyFacts(each.policy, approval, approvers))


def _approval(policy: Policy, log: Sequence[RecordedEvent]) -> tuple[str, tuple[str, ...]]:
    """What there is to say for the approval of a policy, and who gave it by file and log."""
    if policy.status != "approved":
        return "none", ()
    by_file = (policy.approver,) if policy.approver is not None else ()
    if policy.content_hash == read_policy(DEFAULT_POLICY, load_catalogue()).content_hash:
        return "shipped", by_file
    acts = [event for event in log if event.action in (APPROVED, RETIRED) and event.subject == f"policy {policy.version}"]
    approved = acts and acts[-1].action == APPROVED and acts[-1].detail.get("content_hash") == policy.content_hash
    return ("recorded", tuple(dict.fromkeys((*by_file, acts[-1].actor)))) if approved else ("unrecorded", by_file)


def _confirmed(store: FeedStore, known_at: datetime, last_delivery: int) -> list[tuple[str, str]]:
    """Every finding that a person had ever confirmed by then, whatever was said later."""
    paths, closures = store.history(FINDING)
    if not paths:
        return []
    with duckdb.connect() as con:
        return con.execute(
            f"SELECT DISTINCT finding_id, reviewed_by FROM ({all_rows_sql(paths, closures)}) WHERE review_state = 'confirmed'"
            " AND reviewed_by IS NOT NULL AND known_from <= ? AND delivery_id <= ? ORDER BY ALL",
            [naive(known_at.astimezone(UTC)), last_delivery],
        ).fetchall()


def _views(
    con: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    store: FeedStore,
    as_of: date,
    known_at: datetime,
    last_delivery: int,
) -> None:
    sight = sight_of(as_of=as_of, known_at=known_at, zone=workspace.zone, last_delivery=last_delivery)
    files = {name: FeedParts(*store.history(name), 0, False) for name in READ}
    create_views(con, files, lambda table: (sight,))
