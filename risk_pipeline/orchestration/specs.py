"""From a table's contract to what Dagster shows of it: key, group, owner, kinds, tags, description, column schema.

Put here: the one translation. Keep out: a table's columns (contracts) and what fills it (assets).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import dagster as dg

from risk_pipeline import contracts
from risk_pipeline.contracts import Column, Kind, Table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.orchestration.partitions import assessment_date
from risk_pipeline.orchestration.versions import code_version

KINDS = {
    "feed": {"parquet"},
    "factor": {"sql", "duckdb", "parquet"},
    "score": {"python", "pandas", "parquet"},
    "decision": {"python", "pandas", "parquet"},
    "mart": {"python", "parquet"},
    "audit": {"python"},
}
MONEY_IN = {"currency": "in `currency`", "reporting": "reporting currency", "invoice": "currency of the invoice"}
UNPARTITIONED = ("feed",)  # the feed store is bitemporal: every date reads the same parts


def key(full_name: str) -> dg.AssetKey:
    """Asset key [layer, table] of a table's full name."""
    return dg.AssetKey(contracts.table(full_name).asset_key)


def spec(full_name: str, deps: Iterable[str] = ()) -> dg.AssetSpec:
    """The asset of a table. `deps`: full names of the tables it is made from."""
    table = contracts.table(full_name)
    return dg.AssetSpec(
        key=key(full_name),
        deps=[key(name) for name in sorted(deps)],
        group_name=table.layer,
        owners=[f"team:{table.owner}"],
        kinds=KINDS[table.layer],
        tags={"layer": table.layer, "personal_data": "yes" if holds_personal_data(table) else "no"},
        description=f"{table.en}. {table.grain[:1].upper()}{table.grain[1:]}.\n\n{table.zh}",
        metadata={"dagster/column_schema": column_schema(table), "primary_key": ", ".join(table.key)},
        code_version=code_version(table),
        partitions_def=None if table.layer in UNPARTITIONED else assessment_date,
    )


def asset_arguments(full_name: str, deps: Iterable[str] = ()) -> dict[str, Any]:
    """The same as keyword arguments of `@dg.asset`, which takes no spec."""
    made = spec(full_name, deps)
    return {
        "key": made.key,
        "deps": list(made.deps),
        "group_name": made.group_name,
        "owners": list(made.owners),
        "kinds": made.kinds,
        "tags": {name: value for name, value in made.tags.items() if not name.startswith("dagster/")},
        "description": made.description,
        "metadata": dict(made.metadata),
        "code_version": made.code_version,
        "partitions_def": made.partitions_def,
    }


def column_schema(table: Table) -> dg.TableSchema:
    """Dagster's column schema; feed tables get the store columns behind their own."""
    stored = contracts.STORE_COLUMNS if table.layer == "feed" else ()
    return dg.TableSchema(columns=[_column(table, column) for column in (*table.columns, *stored)])


def holds_personal_data(table: Table) -> bool:
    """True when a column of the table is marked personal in its contract."""
    return any(column.field.sensitivity == "personal" for column in table.columns)


def _column(table: Table, column: Column) -> dg.TableColumn:
    about = f"{column.field.en} · {column.field.zh}"
    unit = _unit(table, column)
    return dg.TableColumn(
        name=column.name,
        type=DUCKDB_TYPE[column.kind],
        description=f"{about} [{unit}]" if unit else about,
        constraints=dg.TableColumnConstraints(
            nullable=not (column.required or column.name in table.key),
            unique=table.key == (column.name,),
            other=[f"in ({', '.join(column.values)})"] if column.values else [],
        ),
    )


def _unit(table: Table, column: Column) -> str:
    in_row = column.kind is Kind.MONEY and not column.field.unit
    return MONEY_IN[table.money_in] if in_row else column.field.unit
