"""How a rule of the policy stands in the newest published assessment: which of its columns have no evidence, whom it struck.

Put here: these counts. Keep out: the rule in words (policy/rules.py) and printing (cli).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from risk_pipeline.contracts import TABLES
from risk_pipeline.policy.rules import Rule, tables_of
from risk_pipeline.policy.scopes import FACT_TABLES
from risk_pipeline.settings import Workspace

READ = (*FACT_TABLES, "decision.risk_tier", "decision.credit_limit", "score.risk_score")
LISTED = "SELECT COUNT(*) FROM {table} WHERE as_of = ? AND list_contains(string_split({column}, ','), ?)"
STRUCK: Mapping[str, str] = {
    "segments": "SELECT COUNT(*) FROM decision.risk_tier WHERE as_of = ? AND segment = ?",
    "outside_scorecard": "SELECT COUNT(*) FROM decision.risk_tier WHERE as_of = ? AND binding_rule = ?",
    "default_definition.events": LISTED.format(table="decision.risk_tier", column="default_events"),
    "knockouts": LISTED.format(table="decision.risk_tier", column="knockouts"),
    "exit.edges": "SELECT COUNT(*) FROM decision.risk_tier WHERE as_of = ? AND status_rule = ?",
    "hold": LISTED.format(table="decision.credit_limit", column="hold_reasons"),
    "dunning": "SELECT COUNT(DISTINCT customer_id) FROM decision.treatment WHERE as_of = ? AND state = 'open'"
    " AND list_contains(string_split(rules, ','), ?)",
    "alerts": "SELECT COUNT(DISTINCT customer_id) FROM decision.alert WHERE as_of = ? AND rule = ? AND state <> 'closed'",
}


@dataclass(frozen=True)
class Standing:
    """`customers` were assessed on `as_of`. `unknown`: columns of the rule without a value for any of them. `some`: the others,
    each with the number of customers that have a value. `struck`: customers for whom the rule holds; None = no table says it.
    """

    as_of: date
    customers: int
    unknown: tuple[str, ...]
    some: Mapping[str, int]
    struck: int | None


def standing(workspace: Workspace, rule: Rule) -> Standing | None:
    """How the rule stands in the newest published assessment; None when nothing is published."""
    if not workspace.catalogue.exists():
        return None
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        (newest, customers), *_ = con.execute(
            "SELECT as_of, COUNT(*) FROM decision.risk_tier GROUP BY as_of ORDER BY as_of DESC LIMIT 1"
        ).fetchall() or [(None, 0)]
        if newest is None:
            return None
        known = _known(con, rule, newest)
        return Standing(
            as_of=newest,
            customers=customers,
            unknown=tuple(name for name, count in known.items() if count == 0),
            some={name: count for name, count in known.items() if count},
            struck=_struck(con, rule, newest),
        )


def customers_by_segment_and_tier(workspace: Workspace) -> dict[tuple[str, str], int]:
    """Customers of the newest assessment by (segment, tier); empty when nothing is published."""
    if not workspace.catalogue.exists():
        return {}
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        rows = con.execute(
            "SELECT segment, tier, COUNT(*) FROM decision.risk_tier"
            " WHERE as_of = (SELECT MAX(as_of) FROM decision.risk_tier) GROUP BY ALL"
        ).fetchall()
    return {(segment, tier): count for segment, tier, count in rows}


def _known(con: duckdb.DuckDBPyConnection, rule: Rule, newest: date) -> dict[str, int]:
    """Column of the rule -> customers with a value."""
    there = {name: {column.name for column in TABLES[name].columns} for name in READ}
    known: dict[str, int] = {}
    for column, table in tables_of(rule, there).items():
        row = con.execute(f"SELECT COUNT({column}) FROM {table} WHERE as_of = ?", [newest]).fetchone()
        known[column] = row[0] if row else 0
    return known


def _struck(con: duckdb.DuckDBPyConnection, rule: Rule, newest: date) -> int | None:
    if rule.block not in STRUCK:
        return None
    row = con.execute(STRUCK[rule.block], [newest, rule.id]).fetchone()
    return int(row[0]) if row else None
