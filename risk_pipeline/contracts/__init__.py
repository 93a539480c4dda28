"""Every table and every column of the warehouse, declared once.

Put here: the registries. Keep out: fields (fields_*.py), tables (feed.py, factor.py, ...), derived forms (derive.py).
Importing this package imports neither pandera nor SQLAlchemy nor pyarrow.
"""

from __future__ import annotations

from collections.abc import Mapping

from risk_pipeline.contracts.audit import AUDIT_TABLES
from risk_pipeline.contracts.decision import DECISION_TABLES
from risk_pipeline.contracts.factor import FACTOR_TABLES
from risk_pipeline.contracts.feed import FEED_TABLES, STORE_COLUMNS
from risk_pipeline.contracts.fields import FIELDS
from risk_pipeline.contracts.mart import MART_TABLES
from risk_pipeline.contracts.score import SCORE_TABLES
from risk_pipeline.contracts.table import Column, Field, Kind, Table

__all__ = [
    "AUDIT_TABLES",
    "DECISION_TABLES",
    "FACTOR_TABLES",
    "FEED_TABLES",
    "FIELDS",
    "MART_TABLES",
    "SCORE_TABLES",
    "STORE_COLUMNS",
    "TABLES",
    "Column",
    "Field",
    "Kind",
    "Table",
    "table",
]

TABLES: Mapping[str, Table] = {
    t.full_name: t for t in (*FEED_TABLES, *FACTOR_TABLES, *SCORE_TABLES, *DECISION_TABLES, *AUDIT_TABLES, *MART_TABLES)
}


def table(full_name: str) -> Table:
    """The table of that full name, such as `factor.exposure`; KeyError names the tables there are."""
    try:
        return TABLES[full_name]
    except KeyError:
        raise KeyError(f"no table {full_name}; there are {', '.join(TABLES)}") from None
