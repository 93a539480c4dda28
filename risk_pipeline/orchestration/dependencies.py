"""Which tables a factor table reads: taken from its SQL, so that the asset graph cannot say something else.

Put here: reading table names out of the SQL files. Keep out: running SQL (engine) and its rules (engine.sql_lint).
"""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp

from risk_pipeline.engine.factors import factor_sql


@cache
def direct_sources(table: str) -> frozenset[str]:
    """Full names of the tables (feed, step, factor) that the SQL of `table` names itself.

    Lists of the policy are no tables, and what was decided before comes with the run.
    """
    parsed = sqlglot.parse_one(_sql(table), dialect="duckdb")
    return frozenset(f"{node.db}.{node.name}" for node in parsed.find_all(exp.Table) if node.db not in ("", "policy", "previous"))


@cache
def sources(table: str) -> frozenset[str]:
    """The feed and factor tables behind a factor table, through its steps but not through other factor tables."""
    found = direct_sources(table)
    steps = {name for name in found if name.startswith("step.")}
    return (found - steps).union(*(sources(step) for step in steps))


@cache
def source_text(table: str) -> str:
    """The SQL of `table` and of every step behind it, in a stable order: what its code version is made of."""
    steps = sorted(name for name in direct_sources(table) if name.startswith("step."))
    return "\n".join([_sql(table), *(source_text(step) for step in steps)])


def _sql(table: str) -> str:
    layer, name = table.split(".")
    return factor_sql(f"steps/{name}" if layer == "step" else name)
