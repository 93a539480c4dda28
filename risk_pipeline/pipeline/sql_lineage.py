"""Column lineage of the tables that SQL fills: factor tables through their steps, and the marts of all customers.

Put here: which files there are, and what their tables and placeholders stand for. Keep out: reading a SELECT (lineage.sql) and
the tables that decide fills (decision.lineage). It is a function of the code alone, so it is worked out by `make snapshots` and
kept as data of the package (lineage/columns.json): a run pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache

from risk_pipeline.contracts import FEED_TABLES, STORE_COLUMNS, TABLES, table
from risk_pipeline.decision.alert_history import ACTIONS as ALERT_ACTIONS
from risk_pipeline.decision.treatment_history import ACTIONS as TREATMENT_ACTIONS
from risk_pipeline.engine.factors import FACTOR_ORDER, factor_sql, window_params
from risk_pipeline.engine.policy_tables import LISTED, LISTED_ELSEWHERE, POLICY_TABLES
from risk_pipeline.engine.previous import PREVIOUS_TABLES
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.factors.parameters import FIGURES, WORKED_OUT
from risk_pipeline.lineage.influence import NONE, Influence, Influences, plain
from risk_pipeline.lineage.sql import Branch, LineageError, Relation, base_table, settled, trace
from risk_pipeline.pipeline.alert_history import NEWEST_ACTIONS as NEWEST_ALERT_ACTIONS
from risk_pipeline.pipeline.marts import FIGURES as MART_FIGURES
from risk_pipeline.pipeline.marts import PD_OF_TIER, PDS_OF_TIERS, mart_text
from risk_pipeline.pipeline.treatment_history import NEWEST_ACTIONS as NEWEST_TREATMENT_ACTIONS
from risk_pipeline.policy.load import load_policy

RUN = "audit.run"
POLICY = "policy"
SQL_MARTS = ("mart.worklist", "mart.portfolio")
BUCKET = "bucket"
STATE_COLUMN = "state_assumed"  # what the as-of view of the customers has beside the columns of its contract
OF_EVERY_TABLE = ("as_of", "run_id")  # written by the run, not by the SQL
# Keys that cannot be read out of the SQL of a step: a currency once by its rule; versions of terms follow each other without
# overlap, and a join asks for the one of a day; the codes of an industry say the rest of its row.
GRAINS: Mapping[str, tuple[str, ...]] = {
    "step.fx": ("currency",),
    "step.terms": ("terms_code",),
    "step.industry_code": ("industry_scheme", "industry_code"),
}
# previous.decision is a view of these two tables of the assessment before.
PREVIOUS: Mapping[str, str] = {
    "customer_id": "previous.risk_tier",
    "tier": "previous.risk_tier",
    "payment_terms_days": "previous.credit_limit",
    "secured_amount": "previous.credit_limit",
}

# What people did about alerts and treatments, as decide is told of it.
HISTORIES: Mapping[str, str] = {
    "history.alert_action": f"SELECT {', '.join(ALERT_ACTIONS)} FROM {NEWEST_ALERT_ACTIONS} AS newest",
    "history.treatment_action": f"SELECT {', '.join(TREATMENT_ACTIONS)} FROM {NEWEST_TREATMENT_ACTIONS} AS newest",
}

Sql = Callable[[str], str]


def sql_lineage(sql: Sql = factor_sql) -> dict[str, dict[str, dict[str, list[str]]]]:
    """By table and column: the full names of the columns it comes from, by how they act. Of every factor table and SQL_MARTS.

    `sql` gives the text of a factor table or step by its name. LineageError for what cannot be traced.
    """
    read = cache(lambda name: _relation(name, read, sql))
    policy = load_policy(None, load_catalogue(), as_of=date.max)
    queries = {f"factor.{name}": sql(name) for name in FACTOR_ORDER} | {name: mart_text(name, policy) for name in SQL_MARTS}
    tables = {name: _table(name, trace(query, name, read, parameter)) for name, query in queries.items()}
    return tables | {name: _plain(trace(query, name, read, parameter)) for name, query in HISTORIES.items()}


def relations() -> dict[str, Relation]:
    """Every factor table and every step they read, with the keys that its SQL tells."""
    found: dict[str, Relation] = {}

    def read(name: str) -> Relation:
        if name not in found:
            found[name] = _relation(name, read, factor_sql)
        return found[name]

    factors = {f"factor.{name}": trace(factor_sql(name), name, read, parameter) for name in FACTOR_ORDER}
    return {**found, **factors}


def _plain(relation: Relation) -> dict[str, dict[str, list[str]]]:
    return {column: plain(found) for column, found in settled(relation, keys_of_tables()).items()}


def _table(name: str, relation: Relation) -> dict[str, dict[str, list[str]]]:
    found = settled(relation, keys_of_tables())
    given = {column: frozenset({Influence(RUN, column, "identity")}) for column in OF_EVERY_TABLE}
    missing = set(table(name).column_names) - found.keys() - given.keys()
    if missing:
        raise LineageError(f"{name}: its SQL does not give {sorted(missing)}")
    return {column: plain(given[column] if column in given else found[column]) for column in table(name).column_names}


def keys_of_tables() -> dict[str, tuple[str, ...]]:
    """By table, what names a row of it: for tables of which nothing counts but that a row is there."""
    keys = {name: tuple(key for key in each.key if key not in OF_EVERY_TABLE) for name, each in TABLES.items()}
    return {**keys, "previous.risk_tier": ("customer_id",), "previous.credit_limit": ("customer_id",), POLICY: ()}


def _relation(name: str, read: Callable[[str], Relation], sql: Sql) -> Relation:
    layer, _, short = name.partition(".")
    if layer == "step":
        found = trace(sql(f"steps/{short}"), name, read, parameter)
        declared = {frozenset(GRAINS[name])} if name in GRAINS else set()
        return replace(found, keys=found.keys | declared)
    if name in POLICY_TABLES:
        return _listed(name)
    if name in PREVIOUS_TABLES:
        own = {column: frozenset({Influence(PREVIOUS[column], column, "identity")}) for column in PREVIOUS_TABLES[name]}
        return Relation((Branch(own, NONE),), frozenset([frozenset({"customer_id"})]))
    contract = TABLES[name]
    key = tuple(each for each in contract.key if each not in OF_EVERY_TABLE)
    if layer != "feed":
        return base_table(name, contract.column_names, key)
    stored = [column.name for column in STORE_COLUMNS]
    found = base_table(name, (*contract.column_names, *stored, STATE_COLUMN), key)
    (rows,) = found.branches
    columns = {**rows.columns, BUCKET: NONE}  # asked for by RANGES alone
    return Relation((replace(rows, columns=columns),), found.keys | {frozenset({"row_id"})})


def _listed(name: str) -> Relation:
    """A list of the policy: its columns are keys of the policy."""
    of_all, key = LISTED[name]

    def key_of(column: str) -> Influences:
        return frozenset({Influence(POLICY, LISTED_ELSEWHERE.get(f"{name}.{column}", of_all), "identity")})

    columns = {column: key_of(column) for column in POLICY_TABLES[name]}
    rows = frozenset({Influence(POLICY, of_all, "filter")})
    return Relation((Branch(columns, rows),), frozenset([frozenset(key)]))


DATES = frozenset(window_params(date(2000, 1, 31)))
FEEDS = frozenset(each.name for each in FEED_TABLES)
RANGES = ("bucket_from", "bucket_to")  # how much is read at once: any ranges give the same tables


def parameter(name: str) -> Influences:
    """What is behind a placeholder; KeyError when nobody says. Whether a feed is at hand depends on its rows being there."""
    if name in RANGES:
        return NONE
    if name in DATES:
        return frozenset({Influence(RUN, "as_of", "transformation" if name != "as_of" else "identity")})
    if name == "reporting_currency":
        return frozenset({Influence(RUN, "manifest", "transformation")})
    if name.startswith("has_") and name.removeprefix("has_") in FEEDS:
        feed = table(f"feed.{name.removeprefix('has_')}")
        return frozenset(Influence(feed.full_name, column, "filter") for column in feed.key)
    if name.startswith(PD_OF_TIER):
        return frozenset({Influence(POLICY, PDS_OF_TIERS, "identity")})
    keys = {**FIGURES, **WORKED_OUT, **MART_FIGURES}
    found = {Influence(POLICY, keys[name], "identity" if name not in WORKED_OUT else "transformation")}
    return frozenset(found | ({Influence(RUN, "as_of", "transformation")} if name == "adverse_from" else set()))
