"""What the policy lists, as tables that factor SQL joins: schema `policy`.

Put here: which lists there are, and their columns. Keep out: single figures (parameters of the SQL) and what factor SQL makes
of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import duckdb

from risk_pipeline.policy.model import Mitigant, Policy

# Table -> column -> DuckDB type. `place`: order of preference, 1 first. `customer_class`: corporate, small or sole.
POLICY_TABLES: Mapping[str, Mapping[str, str]] = {
    "policy.industry_class": {"industry_scheme": "VARCHAR", "prefix": "VARCHAR", "risk_class": "BIGINT"},
    "policy.finance_industry": {"industry_scheme": "VARCHAR", "prefix": "VARCHAR"},
    "policy.bureau": {"bureau": "VARCHAR", "place": "BIGINT"},
    "policy.required_document": {"customer_class": "VARCHAR", "kind": "VARCHAR"},
    "policy.approver": {
        "role": "VARCHAR",
        "notches_up": "BOOLEAN",
        "notches_down": "BOOLEAN",
        "releases": "BOOLEAN",
        "releases_again": "BOOLEAN",
    },
    "policy.never_approves": {"role": "VARCHAR"},
    "policy.mitigant": {
        "kind": "VARCHAR",
        "haircut": "DECIMAL(6,5)",
        "first_demand": "BOOLEAN",
        "provider_rated": "BOOLEAN",
        "claim_days_after_terms": "BIGINT",
        "registered": "BOOLEAN",
        "valuation_max_age_days": "BIGINT",
        "needs_guarantor": "BOOLEAN",
        "guarantor_accounts": "BOOLEAN",
        "spouse": "BOOLEAN",
        "acceptor_listed": "BOOLEAN",
        "maturity_max_days": "BIGINT",
        "cover_pct": "DECIMAL(7,4)",
        "max_extension_days": "BIGINT",
    },
    "policy.guarantor_tier": {"kind": "VARCHAR", "tier": "VARCHAR"},
    "policy.accepted_rating": {"rating": "VARCHAR"},
    "policy.listed_bank": {"bank": "VARCHAR"},
    "policy.spouse_country": {"country_code": "VARCHAR"},
}

# Table -> the key of the policy that its rows list, and the columns of which each value stands once.
LISTED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "policy.industry_class": ("industry_classes.by_scheme", ("industry_scheme", "prefix")),
    "policy.finance_industry": ("finance_industries", ("industry_scheme", "prefix")),
    "policy.bureau": ("evidence.bureau_preference", ("bureau",)),
    "policy.required_document": ("evidence.required_documents", ("customer_class", "kind")),
    "policy.approver": ("authorities.levels", ("role",)),
    "policy.never_approves": ("authorities.never_approve", ("role",)),
    "policy.mitigant": ("mitigants.kinds", ("kind",)),
    "policy.guarantor_tier": ("mitigants.kinds", ("kind", "tier")),
    "policy.accepted_rating": ("mitigants.accepted_ratings", ("rating",)),
    "policy.listed_bank": ("bank_list", ("bank",)),
    "policy.spouse_country": ("mitigants.spouse_countries", ("country_code",)),
}
# Columns that come from another key.
LISTED_ELSEWHERE: Mapping[str, str] = {
    "policy.approver.notches_up": "notches.roles_up",
    "policy.approver.notches_down": "notches.roles_down",
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
        case "policy.approver":
            once = policy.hold_release.roles
            may = [policy.authorities.at_least(roles) for roles in (policy.notches.roles_up, policy.notches.roles_down, once)]
            for level in policy.authorities.levels:
                yield (level.role, *(level.role in roles for roles in may), level.role in may[-1] and level.role not in once)
        case "policy.never_approves":
            yield from ((role,) for role in policy.authorities.never_approve)
        case _:
            yield from _of_mitigants(policy, name)


def _of_mitigants(policy: Policy, name: str) -> Iterator[tuple[Any, ...]]:
    match name:
        case "policy.mitigant":
            yield from (tuple(_cell(each, column) for column in POLICY_TABLES[name]) for each in policy.mitigants.kinds)
        case "policy.guarantor_tier":
            for each in policy.mitigants.kinds:
                yield from ((each.kind, tier) for tier in each.guarantor_tiers)
        case "policy.accepted_rating":
            yield from ((rating.upper(),) for rating in policy.mitigants.accepted_ratings)
        case "policy.listed_bank":
            yield from ((bank.upper().replace(" ", ""),) for bank in policy.bank_list)
        case "policy.spouse_country":
            yield from ((code,) for code in policy.mitigants.spouse_countries)


def _cell(mitigant: Mitigant, column: str) -> Any:
    """A key of a mitigant as its table has it: shares and percents as the decimals people wrote."""
    if column == "needs_guarantor":
        return bool(mitigant.guarantor_tiers)
    value = getattr(mitigant, column)
    return Decimal(str(value)) if isinstance(value, float) else value
