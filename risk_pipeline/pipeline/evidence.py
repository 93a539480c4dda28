"""The evidence pack: all that a reviewer needs of one customer or one run, as files that open without us.

Put here: gathering what the register, the lake and the memo hold. Keep out: layout and the form of files (reporting), and any new
figure: whatever a pack tells stands in a published table, in the register or in the audit log.

A pack has no clock of its own: the same state of the workspace gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import duckdb
import rfc8785

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.feed_people import PEOPLE_TABLES
from risk_pipeline.engine.asof import view_query
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.lineage.columns import Column, is_end
from risk_pipeline.lineage.drawing import svg
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.pipeline.explain import explain
from risk_pipeline.pipeline.replay import published_run
from risk_pipeline.pipeline.run import FeedFiles
from risk_pipeline.pipeline.source_rows import SourceRow, SourceRows, feeds_behind, published_files, read, sight
from risk_pipeline.policy.model import NOT_RATED, UNRATED, Policy
from risk_pipeline.policy.reading import rule_texts
from risk_pipeline.reporting.evidence_pack import Files, Listing, customer_files, run_files
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import CheckRecord, Delivery, RecordedEvent, Register, RunRecord

Row = dict[str, Any]
FIGURES = (  # what the sources of a credit file are the sources of
    Column("score.risk_score", "score"),
    Column("decision.risk_tier", "tier"),
    Column("decision.credit_limit", "limit_reporting"),
)
DRAWN = Column("decision.credit_limit", "limit_reporting")
FINDING = "due_diligence_finding"  # a person judges what a search found
OF_CUSTOMERS = "decision.risk_tier"
PUBLISHED = {  # what the queries below call the tables of a run
    "tier": "decision.risk_tier",
    "limit": "decision.credit_limit",
    "customer": "factor.customer_state",
    "group": "factor.group_state",
    "portfolio": "mart.portfolio",
}
CHANGED = """
SELECT t.customer_id, c.name, t.previous_tier, t.tier, t.direction, t.binding_rule,
    l.previous_limit, l.limit_reporting, l.reporting_currency, l.hold, l.total_exposure
FROM {tier} AS t JOIN {limit} AS l USING (customer_id) JOIN {customer} AS c USING (customer_id)
WHERE t.direction IN ('up', 'down', 'new') OR l.previous_limit IS DISTINCT FROM l.limit_reporting
ORDER BY t.direction NOT IN ('down', 'up'), l.total_exposure DESC, t.customer_id"""
TIERS = """
SELECT t.tier, COUNT(*) AS customers, SUM(l.total_exposure) AS exposure, SUM(l.limit_reporting) AS limits,
    COUNT(*) FILTER (l.hold) AS holds, ANY_VALUE(l.reporting_currency) AS currency
FROM {tier} AS t JOIN {limit} AS l USING (customer_id) GROUP BY t.tier ORDER BY exposure DESC, t.tier"""

BY_HAND = """
SELECT customer_id, c.name, t.notch_id, t.notch_steps, t.notch_expires_on, t.notch_status,
    l.manual_limit_id, l.manual_limit, l.manual_limit_expires_on, l.manual_limit_status,
    l.temporary_limit_id, l.temporary_limit, l.temporary_limit_until, l.temporary_limit_status,
    l.hold_release_id, l.hold_release_until, l.hold_release_status,
    l.limit_reporting, l.effective_limit, l.reporting_currency, l.approval_status, l.required_authority, t.override_violation
FROM {tier} AS t JOIN {limit} AS l USING (customer_id) JOIN {customer} AS c USING (customer_id)
WHERE COALESCE(t.notch_status, l.manual_limit_status, l.temporary_limit_status, l.hold_release_status, t.override_violation)
    IS NOT NULL OR l.approval_status NOT IN ('auto')
ORDER BY customer_id"""
PORTFOLIO = """
SELECT * EXCLUDE (as_of, run_id) FROM {portfolio}
ORDER BY list_position(['all', 'tier', 'override', 'concentration', 'segment'], dimension) NULLS LAST, dimension,
    total_exposure DESC, member"""

GROUP = """
SELECT m.customer_id, c.name, m.group_key, m.group_parent_id, m.ring_fenced, m.group_exposure, t.tier, l.limit_reporting,
    l.total_exposure, l.hold, l.reporting_currency
FROM {group} AS own JOIN {group} AS m ON m.group_key = own.group_key JOIN {customer} AS c ON c.customer_id = m.customer_id
JOIN {tier} AS t ON t.customer_id = m.customer_id JOIN {limit} AS l ON l.customer_id = m.customer_id
WHERE own.customer_id = ? AND own.group_members > 1
ORDER BY l.total_exposure DESC, m.customer_id"""


def evidence(workspace: Workspace, register: Register, said: str, as_of: date | None = None) -> Files:
    """The pack of a customer (its newest assessment, or that of `as_of`), or of a run or published date. An id of a customer is
    taken as such even where a run begins alike. UsageError when it is neither.
    """
    if _is_customer(workspace, said):
        return customer_evidence(workspace, register, said, as_of)
    if as_of is not None:
        raise UsageError(f"there is no customer {said}", remedy="--as-of goes with a customer; name a run or a date alone")
    try:
        record = published_run(register, said)
    except UsageError:
        raise UsageError(
            f"{said!r} is neither a customer nor a published run or date",
            remedy="risk-pipeline show mart.current_risk lists customers, show audit.run lists runs",
        ) from None
    return run_evidence(workspace, register, record)


def customer_evidence(workspace: Workspace, register: Register, customer: str, as_of: date | None = None) -> Files:
    """The credit file of a customer. Refused when its run was published by a version that kept no hashes."""
    memo = asdict(explain(workspace, customer, as_of))
    for each in memo["candidates"]:
        each["inputs"] = json.loads(each["inputs"]) if each["inputs"] else {}
    record = published_run(register, memo["run"]["run_id"])
    source = SourceRows(workspace, register, record)
    rows = source.of(customer, frozenset().union(*(feeds_behind(record, *figure) for figure in FIGURES)))
    deliveries = {each.delivery_id: each for each in register.deliveries()}
    contents = dict(_contents(workspace, register, record, source, customer, rows))
    people = {each.name: contents[each.name].records() for each in PEOPLE_TABLES if each.name in contents}
    if FINDING in contents:
        people[FINDING] = [row for row in contents[FINDING].records() if row["reviewed_by"]]
    policy = _policy(record)
    subjects = {value for said in people.values() for row in said for name, value in row.items() if name.endswith("_id")}
    subjects |= {f"run {record.run_id}", f"policy {record.policy_version}"}
    return customer_files(
        language=workspace.settings.language,
        memo=memo,
        sources=[_source(row, deliveries[row.delivery_id]) for row in rows],
        rows=contents,
        people=people,
        group=_asked(workspace, record, GROUP, customer),
        labels=_labels(policy),
        deliveries=[_delivery(deliveries[number]) for number in sorted({row.delivery_id for row in rows})],
        checks=_checks(register, record),
        manifest=rfc8785.dumps(record.manifest),
        record=_record(record),
        events=[_event(each) for each in _about(register.events(), {customer}, subjects - {None})],
        behind=_behind(policy),
        drawing=svg(column_lineage(policy).values(DRAWN), str(DRAWN), [DRAWN]),
    )


def run_evidence(workspace: Workspace, register: Register, record: RunRecord) -> Files:
    """The pack of a published run."""
    tiers, changes, by_hand, portfolio = (_asked(workspace, record, each) for each in (TIERS, CHANGED, BY_HAND, PORTFOLIO))
    used = {each["delivery_id"] for each in record.manifest["deliveries"]}
    return run_files(
        language=workspace.settings.language,
        record=_record(record),
        tiers=tiers,
        changes=changes,
        by_hand=by_hand,
        portfolio=portfolio,
        labels=_labels(_policy(record)),
        checks=_checks(register, record),
        tables=_tables(record),
        deliveries=[_delivery(each) for each in register.deliveries() if each.delivery_id in used],
        manifest=rfc8785.dumps(record.manifest),
        events=[_event(each) for each in register.events(subject=f"run {record.run_id}")],
    )


def _is_customer(workspace: Workspace, said: str) -> bool:
    if not workspace.catalogue.exists():
        raise RiskError(f"nothing is published yet in {workspace.root}", remedy="risk-pipeline run --as-of DATE")
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        return bool(con.execute(f"SELECT 1 FROM {OF_CUSTOMERS} WHERE customer_id = ? LIMIT 1", [said]).fetchall())


def _contents(
    workspace: Workspace, register: Register, record: RunRecord, source: SourceRows, customer: str, rows: Collection[SourceRow]
) -> Iterator[tuple[str, Listing]]:
    """The rows themselves, feed by feed, in canonical columns as the run saw them: outcomes of later dates are empty."""
    store = FeedStore(Lake(workspace.lake), register)
    scope = source.scope(customer)
    for feed in FEED_TABLES:
        ids = [row.row_id for row in rows if row.feed == feed.name]
        if ids:
            query = view_query(feed, FeedFiles(*store.history(feed.name)), (sight(record),), scope)
            columns = ", ".join(("row_id", *feed.column_names))
            with duckdb.connect() as con:
                con.execute("SET TimeZone = 'UTC'")
                con.execute("CREATE TABLE asked AS SELECT UNNEST(?::BIGINT[]) AS row_id", [ids])
                wanted = f"SELECT {columns} FROM ({query}) AS seen SEMI JOIN asked USING (row_id) ORDER BY row_id"
                yield feed.name, _listing(con, wanted)


def _asked(workspace: Workspace, record: RunRecord, query: str, *values: str) -> Listing:
    """The answer to a query over what a run published."""
    files = published_files(workspace, record)
    relations = {name: read(files[table]) for name, table in PUBLISHED.items()}
    with duckdb.connect() as con:
        return _listing(con, query.format(**relations), *values)


def _listing(con: duckdb.DuckDBPyConnection, query: str, *values: str) -> Listing:
    found = con.execute(query, values)
    return Listing(tuple(column[0] for column in found.description or ()), found.fetchall())


def _source(row: SourceRow, delivery: Delivery) -> Row:
    said = next((each for each in delivery.files if each.get("name") == row.source_file), {})
    return {**asdict(row), "file_sha256": said.get("sha256")}


def _delivery(delivery: Delivery) -> Row:
    names = (
        "delivery_id feed mode state delivery_kind received_at rows_read rows_rejected rows_stored rows_closed"
        " content_sha256 spec_hash known_assumption"
    )
    files = [{name: each.get(name) for name in ("name", "bytes", "sha256", "encoding", "rows")} for each in delivery.files]
    return {**{name: getattr(delivery, name) for name in names.split()}, "files": files}


def _record(record: RunRecord) -> Row:
    told = {name: value for name, value in asdict(record).items() if name != "manifest"}
    policy = {f"policy_{name}": record.manifest["policy"].get(name) for name in ("author", "approver", "effective_from")}
    return {**told, **policy, "manifest_sha256": record.manifest_sha256, "code": record.manifest["code"]}


def _checks(register: Register, record: RunRecord) -> list[Row]:
    """The answers, without when each was asked: what failed first."""
    answers: list[CheckRecord] = sorted(register.checks(record.run_id), key=lambda each: each.passed)
    return [{name: value for name, value in asdict(each).items() if name not in ("run_id", "checked_at")} for each in answers]


def _tables(record: RunRecord) -> list[Row]:
    names = ("path", "rows", "sha256", "file_sha256")
    return [{"table": name, **{each: said[each] for each in names}} for name, said in sorted(record.manifest["tables"].items())]


def _policy(record: RunRecord) -> Policy:
    return Policy.model_validate(record.manifest["policy"])


def _labels(policy: Policy) -> dict[str, dict[str, Row]]:
    """What the policy calls its tiers, its roles, the reasons of overrides, and its rules."""
    tiers = {each.id: each.label for each in policy.tiers} | {UNRATED: policy.unrated.label, NOT_RATED: policy.not_rated.label}
    named = {"tiers": tiers, "roles": policy.roles, "reason_codes": policy.notches.reason_codes, "rules": rule_texts(policy)}
    return {kind: {name: label.model_dump() for name, label in labels.items()} for kind, labels in named.items()}


def _behind(policy: Policy) -> dict[str, list[str]]:
    """The columns of feeds and the keys of the policy whose values the limit is made of, by feed."""
    found: dict[str, list[str]] = {}
    for column in sorted({edge.source for edge in column_lineage(policy).values(DRAWN) if is_end(edge.source)}):
        found.setdefault(column.table, []).append(column.column)
    return found


def _about(events: Collection[RecordedEvent], whom: Collection[str], subjects: Collection[Any]) -> Iterator[RecordedEvent]:
    """The events that name a customer anywhere, and those about a decision of somebody on it."""
    return (each for each in events if each.subject in subjects or each.subject in whom or _names(each.detail, whom))


def _names(value: Any, whom: Collection[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_names(each, whom) for each in value.values())
    if isinstance(value, (list, tuple)):
        return any(_names(each, whom) for each in value)
    return isinstance(value, str) and value in whom


def _event(event: RecordedEvent) -> Row:
    names = ("seq", "at", "actor", "action", "subject", "detail", "hash")
    return {name: getattr(event, name) for name in names}
