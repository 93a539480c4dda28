"""What the assessment before this one published, as a table that factor SQL joins: schema `previous`.

Put here: the view and its columns. Keep out: which assessment that is (pipeline.run) and what a decision makes of it (the facts
frame has its own previous_* columns). Factor SQL reads it for what one customer is to another, such as the tier of a guarantor.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

# Table -> column -> DuckDB type. Empty before the first published assessment.
PREVIOUS_TABLES: Mapping[str, Mapping[str, str]] = {
    "previous.decision": {
        "customer_id": "VARCHAR",
        "tier": "VARCHAR",
        "payment_terms_days": "BIGINT",
        "secured_amount": "DECIMAL(18,2)",
    },
}


def create_previous_view(con: duckdb.DuckDBPyConnection, tier: str, limit: str) -> None:
    """Create previous.decision over decision.risk_tier and decision.credit_limit of the assessment before, as relations."""
    con.execute("CREATE SCHEMA previous")
    con.execute(
        "CREATE VIEW previous.decision AS SELECT t.customer_id, t.tier, l.payment_terms_days, l.secured_amount"
        f" FROM {tier} AS t JOIN {limit} AS l ON t.customer_id = l.customer_id"
    )
