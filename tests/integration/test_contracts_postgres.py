"""Every table of the contracts in a real PostgreSQL: types, comments and constraints as declared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from uuid import uuid4

import pytest
import sqlalchemy as sa

from risk_pipeline.contracts import TABLES

Created = tuple[sa.Connection, sa.MetaData, dict[str, str | None]]
LAYERS = tuple(dict.fromkeys(declared.layer for declared in TABLES.values()))


@pytest.fixture
def created(postgres_url: str) -> Iterator[Created]:
    """Every table in a schema of its layer, under names of this test: a layer may have a table that another has too."""
    schemas: dict[str, str | None] = {layer: f"{layer}_{uuid4().hex[:8]}" for layer in LAYERS}
    metadata = sa.MetaData()
    for declared in TABLES.values():
        declared.to_sqlalchemy(metadata)
    engine = sa.create_engine(postgres_url, execution_options={"schema_translate_map": schemas})
    try:
        with engine.connect() as con:
            for schema in schemas.values():
                con.execute(sa.schema.CreateSchema(str(schema)))
            metadata.create_all(con)
            yield con, metadata, schemas
            con.rollback()  # nothing was committed, so nothing is left
    finally:
        engine.dispose()


def test_every_table_is_created_as_declared(created: Created) -> None:
    con, _, schemas = created
    seen = sa.inspect(con)
    for declared in TABLES.values():
        of = schemas[declared.layer]
        columns = seen.get_columns(declared.name, of)
        assert [c["name"] for c in columns] == list(declared.column_names)
        assert [c["nullable"] for c in columns] == [not c.required for c in declared.columns]
        assert [c["comment"] for c in columns] == [f"{c.field.en} / {c.field.zh}" for c in declared.columns]
        assert set(seen.get_pk_constraint(declared.name, of)["constrained_columns"]) == set(declared.key)
        assert len(seen.get_check_constraints(declared.name, of)) == sum(bool(c.values) for c in declared.columns)


def test_money_is_exact_and_lists_are_closed(created: Created) -> None:
    con, metadata, _ = created
    write_off = metadata.tables["feed.write_off"]
    row = {
        "write_off_id": "W1",
        "customer_id": "C1",
        "write_off_date": dt.date(2026, 6, 30),
        "amount": Decimal("9999999999999999.99"),
        "currency": "EUR",
        "reason": "uncollectible",
    }
    con.execute(write_off.insert(), row)
    assert con.execute(sa.select(write_off.c.amount)).scalar_one() == Decimal("9999999999999999.99")
    with pytest.raises(sa.exc.IntegrityError, match="write_off_reason_values"):
        con.execute(write_off.insert(), {**row, "write_off_id": "W2", "reason": "tired of asking"})
