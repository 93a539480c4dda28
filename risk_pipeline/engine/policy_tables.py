"""What the policy lists, as tables that factor SQL joins: schema `policy`.

Put here: which lists there are, and their columns. Keep out: single figures (parameters of the SQL) and what factor SQL makes
of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from risk_pipeline.policy.model import Policy

# Table -> column -> DuckDB type. `place`: order of preference, 1 first. `customer_class`: corporate, small or sole.
POLICY_TABLES: Mapping[str, Mapping[str, str]] = {
    "policy.industry_class": {"industry_scheme": "VARCHAR", "prefix": "VARCHAR", "risk_class": "BIGINT"},
    "policy.finance_industry": {"industry_scheme": "VARCHAR", "prefix": "VARCHAR"},
    "policy.bureau": {"bureau": "VARCHAR", "place": "BIGINT"},
    "policy.required_document": {"customer_class": "VARCHAR", "kind": "VARCHAR"},
}


def create_policy_tables(con: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """Create and fill schema `policy`; a list the policy does not have is an empty table."""
    con.execute("CREATE SCHEMA policy")
    for name, columns in POLICY_TABLES.items():
        con.execute(f"CREATE TABLE {name} ({', '.join(f'{column} {kind}' for column, kind in columns.items())})")
        rows = list(_rows(policy, name))
        if rows:
            # One statement: row by row takes the engine many times as long.
            places = ", ".join([f"({', '.join('?' * len(columns))})"] * len(rows))
            con.execute(f"INSERT INTO {name} VALUES {places}", [value for row in rows for value in row])


def _rows(policy: Policy, name: str) -> Iterator[tuple[Any, ...]]:
    match name:
        case "policy.industry_class":
            for scheme, classes in policy.industry_classes.by_scheme.items():
                yield from ((scheme, prefix, risk_class) for prefix, risk_class in classes.items())
        case "policy.finance_industry":
            for scheme, prefixes in policy.finance_industries.items():
                yield from ((scheme, prefix) for prefix in prefixes)
        case "policy.bureau":
            yield from ((bureau, place) for place, bureau in enumerate(policy.evidence.bureau_preference, start=1))
        case "policy.required_document":
            for customer_class, kinds in policy.evidence.required_documents.items():
                yield from ((customer_class, kind) for kind in kinds)
