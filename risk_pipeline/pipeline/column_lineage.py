"""The column lineage of a run: what SQL fills and what decisions declare, from the feeds to the last published column.

Put here: joining the parts. Keep out: reading SQL (sql_lineage.py; its result is lineage/columns.json), what decisions declare
(decision.lineage), questions about the graph (lineage.columns).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path

from risk_pipeline.contracts import FEED_TABLES, table
from risk_pipeline.contracts.table import Table
from risk_pipeline.decision.lineage import OF_GROUPS, Made, Source, declared, declared_of_groups
from risk_pipeline.engine.asof import STATE_TABLE
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.lineage.columns import POLICY, PREVIOUS, RUN, ColumnLineage
from risk_pipeline.lineage.influence import Influence, Influences, of_plain, through, union
from risk_pipeline.pipeline.stored_facts import PREVIOUS_COLUMNS
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import FACT_TABLES

FILE = "columns.json"
TABLE = "audit.column_lineage"
# Constants of a run, by the column of audit.run that keeps them.
RUN_COLUMNS: Mapping[str, str] = {
    "as_of": "as_of",
    "run_id": "run_id",
    "run_label": "label",
    "policy_version": "policy_version",
    "reporting_currency": "manifest",
}
EVIDENCE_FEEDS = ("feed.bureau_report", "feed.financial_statement")  # with rows of one of them the evidence is configured
# What the as-of views ask of every row of a feed.
KNOWN = ("delivery_id", "known_from", "known_to")
SEEN_BY = ("as_of", "known_at", "manifest")  # columns of audit.run: the date, the state of knowledge, the last delivery
HISTORIES: Mapping[str, str] = {"alert_before": f"{PREVIOUS}.alert", "treatment_before": f"{PREVIOUS}.treatment"}


def column_lineage(policy: Policy) -> ColumnLineage:
    """The graph under a policy: what conditions read, and which factors score, is the policy's to say."""
    return _lineage(_ByContent(policy))


class _ByContent:
    """A policy as a key of a cache."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._hash = policy.content_hash

    def __hash__(self) -> int:
        return hash(self._hash)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByContent) and other._hash == self._hash


@lru_cache(maxsize=2)
def _lineage(key: _ByContent) -> ColumnLineage:
    kept = json.loads(resources.files("risk_pipeline.lineage").joinpath(FILE).read_text(encoding="utf-8"))
    of_sql = {name: {column: of_plain(found) for column, found in columns.items()} for name, columns in kept.items()}
    feeds = {each.full_name: as_of_lineage(each) for each in FEED_TABLES}
    factors = {name: columns for name, columns in of_sql.items() if name.startswith("factor.")}
    marts = {name: columns for name, columns in of_sql.items() if name.startswith("mart.")}
    return ColumnLineage({**feeds, **factors, **_decided(key.policy, of_sql), **marts})


def _decided(policy: Policy, of_sql: Mapping[str, Mapping[str, Influences]]) -> dict[str, dict[str, Influences]]:
    """What decide fills, facts by the columns of the factor tables they come from."""
    catalogue = load_catalogue()
    facts = {name: frozenset({Influence(place, name, "identity")}) for name, place in places_of_facts().items()}
    facts |= {
        name: frozenset({Influence(f"{PREVIOUS}.{table(before).name}", column, "identity")})
        for name, (before, column) in PREVIOUS_COLUMNS.items()
    }

    def of(source: Source) -> Influences:
        match source.kind:
            case "fact":
                return facts[source.name]
            case "column":
                name, _, column = source.name.rpartition(".")
                return frozenset({Influence(name, column, "identity")})
            case "policy":
                return frozenset({Influence(POLICY, source.name, "identity")})
            case "run":
                return _of_run(source.name)
            case "history":
                frame, _, column = source.name.partition(".")
                if frame in HISTORIES:
                    return frozenset({Influence(HISTORIES[frame], column, "identity")})
                return of_sql[f"history.{frame}"][column]

    def influences(made: Made) -> Influences:
        return union(through(how, of(source)) for source, hows in made.sources.items() for how in hows)

    facts |= {name: influences(made) for name, made in declared_of_groups(policy, catalogue).items()}
    return {
        name: {column: influences(made) for column, made in columns.items()}
        for name, columns in declared(policy, catalogue).items()
    }


def _of_run(name: str) -> Influences:
    if name in RUN_COLUMNS:
        return frozenset({Influence(RUN, RUN_COLUMNS[name], "identity")})
    return frozenset(Influence(feed, column, "filter") for feed in EVIDENCE_FEEDS for column in table(feed).key)


def places_of_facts() -> dict[str, str]:
    """The factor table each fact comes from: of those that several have, the last one counts."""
    return {column.name: name for name in FACT_TABLES for column in table(name).columns if column.name not in OF_GROUPS}


def as_of_lineage(feed: Table) -> dict[str, Influences]:
    """What the as-of view of a feed asks before a run sees a value of it: when the row was known and dated, when its outcome was.

    As engine.asof does; a test holds the two against each other.
    """
    asked = [*KNOWN, *([feed.event_date] if feed.event_date else [])]
    if feed.name == STATE_TABLE:  # one version of each customer
        asked += [*feed.key, "row_id"]
    rows = {Influence(feed.full_name, name, "filter") for name in asked} | {Influence(RUN, name, "filter") for name in SEEN_BY}
    found: dict[str, Influences] = {}
    for column in feed.columns:
        hidden: Iterable[str] = ()
        if column.masked_by is not None:
            hidden = (column.masked_by,)
        elif column.judged_on is not None:
            hidden = ("known_assumed", column.judged_on)
        elif column.current_only:
            hidden = ("known_assumed", "known_from")
        own = {Influence(feed.full_name, name, "conditional") for name in hidden if name != column.name}
        own |= {Influence(RUN, "as_of", "conditional")} if hidden else set()
        found[column.name] = frozenset({each for each in rows | own if each[:2] != (feed.full_name, column.name)})
    return found


def write_lineage(path: Path, policy: Policy) -> None:
    """audit.column_lineage of a run as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = table(TABLE).to_arrow()
    values = zip(*column_lineage(policy).rows(), strict=True)
    columns = [pa.array(each, pa.string()) for each in values]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")
