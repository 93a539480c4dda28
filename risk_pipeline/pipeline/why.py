"""Why a score, a tier or a limit moved between two published assessments: the move shared exactly among its causes.

Put here: the causes, computing both dates with some of them switched over, the parts. Keep out: the arithmetic of sharing
(lineage.shapley), computing (run.py), printing (cli).

The real functions run again, on the customers asked for and whom they depend on (group, guarantors), once per set of causes:

- time_passed: the as-of date, the decisions before, and with them ages, windows, expiries, waiting times;
- new_facts: what happened after the first date, outcomes of earlier things too; only after time has passed;
- corrected_facts: what was learned later about the time up to the first date;
- override: what people decided; only after time has passed;
- policy: the version in force;
- code: what of the first figure this version of the program computes otherwise, and of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.contracts import FEED_TABLES, Table, table
from risk_pipeline.contracts.derive import arrow_schema
from risk_pipeline.contracts.feed_people import PEOPLE_TABLES
from risk_pipeline.engine.asof import CUSTOMER, STATE_TABLE, Scope, Sight, Sights, view_query
from risk_pipeline.errors import UsageError
from risk_pipeline.lineage.shapley import Coalition, coalitions, shares, whole_units
from risk_pipeline.pipeline.replay import computed_again
from risk_pipeline.pipeline.run import FeedFiles, Seen
from risk_pipeline.pipeline.source_rows import published_files, read, scope_of, sight
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import SYSTEM, Event, Register, RunRecord

TIME, NEW, CORRECTED, POLICY, OVERRIDE, CODE = CAUSES = (
    "time_passed",
    "new_facts",
    "corrected_facts",
    "policy",
    "override",
    "code",
)
AFTER = {NEW: TIME, OVERRIDE: TIME}
KEPT = "decision_change.kept"  # the action of the audit log
# How far down a tier is, in half steps: unrated is a little worse than the tier it ranks as.
HALF_STEPS = {"low": 0, "medium": 2, "high": 4, "unrated": 5, "restricted": 6, "not_rated": 8}
UNITS_PER_STEP = 100  # parts are told in hundredths: of a point, of a half step, of a unit of currency


@dataclass(frozen=True)
class Measure:
    """A figure whose moves are shared out: where it is published, and how it is counted in whole numbers."""

    name: str
    table: str
    column: str
    count: Callable[[Any], int]


MEASURES = (
    Measure("score", "score.risk_score", "score", lambda score: 0 if score is None else round(score * 100)),
    Measure("tier", "decision.risk_tier", "tier", lambda tier: HALF_STEPS[tier]),
    Measure("limit", "decision.credit_limit", "limit_reporting", lambda limit: 0 if limit is None else round(limit * 100)),
)
Figures = Mapping[str, Mapping[str, Any]]  # by customer, by measure


@dataclass(frozen=True)
class Move:
    """One figure of one customer on two dates. `parts`: by cause in hundredths (score points, tier steps, currency units); they
    add up to the move. A tier counts in steps downwards, unrated half a step below the tier it ranks as; no score counts as 0.
    """

    customer_id: str
    measure: str
    before: Any
    after: Any
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Why:
    """The moves between two runs. `rows`: by customer and cause, how many rows of each feed came or went with it."""

    first: RunRecord
    last: RunRecord
    causes: tuple[str, ...]
    moves: list[Move]
    rows: Mapping[str, Mapping[str, Mapping[str, int]]]


def why(
    workspace: Workspace,
    register: Register,
    first: RunRecord,
    last: RunRecord,
    customers: Collection[str] | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> Why:
    """Share every move of score, tier and limit from run `first` to run `last` among its causes.

    `customers` None = all whose tier or limit moved. UsageError when one of them is not in both assessments, or the dates are
    the wrong way round.
    """
    if first.as_of >= last.as_of:
        raise UsageError(f"{first.as_of} is not before {last.as_of}", remedy="name the earlier date first")
    comparison = _Comparison(workspace, register, first, last)
    asked = sorted(comparison.moved() if customers is None else customers)
    comparison.refuse_strangers(asked)
    scope = scope_of([published_files(workspace, run) for run in (first, last)], asked)
    between = _Between(workspace, first, last)
    rows = between.rows(register, scope)
    came = {cause for by_cause in rows.values() for cause in by_cause}
    active = tuple(c for c in (TIME, NEW, CORRECTED, POLICY, OVERRIDE) if c in came | between.always)
    found: dict[Coalition, Figures] = {}
    for number, chosen in enumerate(todo := coalitions(active, AFTER)):
        progress(f"{number + 1} of {len(todo)}: {', '.join(sorted(chosen)) or 'the first date'}")
        found[chosen] = comparison.figures(between, chosen, scope)
    return Why(first, last, active, _moves(asked, comparison, active, found), {c: rows[c] for c in asked if c in rows})


def keep(workspace: Workspace, register: Register, found: Why) -> None:
    """Keep the parts of these moves as audit.decision_change, where readers see them at once."""
    contract, lake = table("audit.decision_change"), Lake(workspace.lake)
    rows = [
        {
            "run_id": found.last.run_id,
            "previous_run_id": found.first.run_id,
            "as_of": found.last.as_of,
            "previous_as_of": found.first.as_of,
            "customer_id": move.customer_id,
            "measure": move.measure,
            "cause": cause,
            "change_part": Decimal(count).scaleb(-2),
            "before_text": None if move.before is None else str(move.before),
            "after_text": None if move.after is None else str(move.after),
        }
        for move in found.moves
        for cause, count in move.parts.items()
    ]
    path = lake.changes_part(found.last.as_of, found.last.run_id, found.first.run_id)
    with lake.write_atomic(path) as temporary:
        pq.write_table(pa.Table.from_pylist(rows, arrow_schema(contract)), temporary, compression="zstd", store_schema=False)
    told = {"previous_run_id": found.first.run_id, "lake": lake.sha256([lake.relative(path)])}
    register.add_event(Event(at=datetime.now(UTC), actor=SYSTEM, action=KEPT, subject=f"run {found.last.run_id}", detail=told))
    build_catalogue(workspace.catalogue, lake, register)


def _moves(
    asked: Sequence[str], comparison: _Comparison, active: Sequence[str], found: Mapping[Coalition, Figures]
) -> list[Move]:
    none, everything = frozenset[str](), frozenset(active)
    moves = []
    for customer in asked:
        for measure in MEASURES:
            before, after = (run[customer][measure.name] for run in (comparison.before, comparison.after))
            parts = {cause: Fraction(part) for cause, part in _shared(customer, measure, active, found).items()}
            # What this version computes otherwise than was published then, and now.
            at_first = measure.count(found[none][customer][measure.name]) - measure.count(before)
            at_last = measure.count(after) - measure.count(found[everything][customer][measure.name])
            if at_first + at_last:
                parts[CODE] = Fraction(at_first + at_last)
            if measure.count(before) != measure.count(after) or any(parts.values()):
                units = UNITS_PER_STEP // 2 if measure.name == "tier" else 1
                moves.append(Move(customer, measure.name, before, after, whole_units(parts, units)))
    return moves


def _shared(customer: str, measure: Measure, active: Sequence[str], found: Mapping[Coalition, Figures]) -> dict[str, Fraction]:
    return shares(active, AFTER, lambda chosen: measure.count(found[chosen][customer][measure.name]))


class _Between:
    """What two runs saw, and everything between: the sights and the record of a set of causes."""

    def __init__(self, workspace: Workspace, first: RunRecord, last: RunRecord) -> None:
        self.first, self.last = first, last
        self._workspace = workspace
        self._people = {each.full_name for each in PEOPLE_TABLES}

    @property
    def always(self) -> set[str]:
        """The causes that act whatever the rows: time, and another policy."""
        return {TIME, *([POLICY] if self.first.policy_hash != self.last.policy_hash else [])}

    def record(self, chosen: Coalition) -> RunRecord:
        """The run to compute: of the first or of the last date, continuing what that one continued."""
        base = self.last if TIME in chosen else self.first
        return replace(base, run_id=self.last.run_id)

    def policy(self, chosen: Coalition) -> Policy:
        return Policy.model_validate((self.last if POLICY in chosen else self.first).manifest["policy"])

    def sights(self, chosen: Coalition) -> Sights:
        """What is seen of each feed when these causes have acted."""
        early, late = sight(self.first), sight(self.last)

        def of(feed: Table) -> tuple[Sight, ...]:
            if feed.full_name in self._people:
                return (late if OVERRIDE in chosen else early,)
            if feed.event_date is None or feed.name == STATE_TABLE:
                return (late if NEW in chosen else early,)
            known = late if CORRECTED in chosen else early
            until_first = replace(known, as_of=self.first.as_of, until=min(known.known_at, early.until))
            if NEW in chosen:  # outcomes of earlier things
                until_first = replace(until_first, until=late.until, outcomes=self.last.as_of)
            return (until_first, replace(late, after=self.first.as_of)) if NEW in chosen else (until_first,)

        return of

    def rows(self, register: Register, scope: Scope) -> dict[str, dict[str, dict[str, int]]]:
        """By customer ('' = of no customer in particular), cause and feed: the rows that came, went or became known."""
        store = FeedStore(Lake(self._workspace.lake), register)
        steps = {NEW: ({TIME}, {TIME, NEW}), CORRECTED: (set(), {CORRECTED}), OVERRIDE: ({TIME}, {TIME, OVERRIDE})}
        found: dict[str, dict[str, dict[str, int]]] = {}
        with duckdb.connect() as con:
            for feed in FEED_TABLES:
                files = FeedFiles(*store.history(feed.name))
                if not files.paths:
                    continue
                for cause, (without, with_it) in steps.items():
                    pair = [self.sights(frozenset(each))(feed) for each in (without, with_it)]
                    if pair[0] != pair[1]:
                        one, other = (view_query(feed, files, each, scope) for each in pair)
                        for customer, count in con.execute(_differing(feed, one, other)).fetchall():
                            found.setdefault(customer, {}).setdefault(cause, {})[feed.name] = count
        return found


def _differing(feed: Table, one: str, other: str) -> str:
    customer = CUSTOMER if CUSTOMER in feed.column_names else "''"
    return (
        f"SELECT {customer}, COUNT(DISTINCT row_id) FROM (({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})) AS row"
        f" GROUP BY {customer}"
    )


class _Comparison:
    """Two published runs, and both computed again with some causes switched over."""

    def __init__(self, workspace: Workspace, register: Register, first: RunRecord, last: RunRecord) -> None:
        self._workspace, self._register = workspace, register
        self._first, self._last = first, last

    @cached_property
    def before(self) -> Figures:
        return _figures(published_files(self._workspace, self._first))

    @cached_property
    def after(self) -> Figures:
        return _figures(published_files(self._workspace, self._last))

    def moved(self) -> list[str]:
        """The customers in both whose tier or limit is another one."""
        both = self.before.keys() & self.after.keys()
        return [c for c in both if any(self.before[c][name] != self.after[c][name] for name in ("tier", "limit"))]

    def refuse_strangers(self, customers: Collection[str]) -> None:
        for run, figures in ((self._first, self.before), (self._last, self.after)):
            strangers = sorted(set(customers) - figures.keys())
            if strangers:
                raise UsageError(
                    f"customer {strangers[0]!r} is not in the assessment of {run.as_of}",
                    remedy="name a customer of both assessments; risk-pipeline show mart.current_risk lists them",
                )

    def figures(self, between: _Between, chosen: Coalition, scope: Scope) -> Figures:
        """What comes out when these causes have acted."""
        seen = Seen(between.sights(chosen), scope)
        record, policy = between.record(chosen), between.policy(chosen)
        with computed_again(self._workspace, self._register, record, policy=policy, seen=seen) as files:
            return _figures(files)


def _figures(files: Mapping[str, Path]) -> Figures:
    """The measures of every customer in the tables."""
    columns = ", ".join(f"of_{measure.name}.{measure.column}" for measure in MEASURES)
    first, *others = MEASURES
    joins = " ".join(f"JOIN {read(files[each.table])} AS of_{each.name} USING (customer_id)" for each in others)
    with duckdb.connect() as con:
        rows = con.execute(f"SELECT customer_id, {columns} FROM {read(files[first.table])} AS of_{first.name} {joins}").fetchall()
    names = [measure.name for measure in MEASURES]
    return {customer: dict(zip(names, values, strict=True)) for customer, *values in rows}
