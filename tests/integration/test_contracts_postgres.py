"""Every table of the contracts in a real PostgreSQL: types, comments and constraints as declared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
import sqlalchemy as sa

from risk_pipeline.contracts import TABLES

LAYERS_AS_ONE: dict[str, None] = {declared.layer: None for declared in TABLES.values()}  # the test has one schema of its own


@pytest.fixture
def created(postgres_url: str) -> Iterator[tuple[sa.Connection, sa.MetaData]]:
    metadata = sa.MetaData()
    for declared in TABLES.values():
        declared.to_sqlalchemy(metadata)
    engine = sa.create_engine(postgres_url, execution_options={"schema_translate_map": LAYERS_AS_ONE})
    with engine.connect() as con:
        metadata.create_all(con)
        yield con, metadata
    engine.dispose()


def test_every_table_is_created_as_declared(created: tuple[sa.Connection, sa.MetaData]) -> None:
    con, _ = created
    seen = sa.inspect(con)
    for declared in TABLES.values():
        columns = seen.get_columns(declared.name)
        assert [c["name"] for c in columns] == list(declared.column_names)
        assert [c["nullable"] for c in columns] == [not c.required for c in declared.columns]
        assert [c["comment"] for c in columns] == [f"{c.field.en} / {c.field.zh}" for c in declared.columns]
        assert set(seen.get_pk_constraint(declared.name)["constrained_columns"]) == set(declared.key)
        assert len(seen.get_check_constraints(declared.name)) == sum(bool(c.values) for c in declared.columns)


def test_money_is_exact_and_lists_are_closed(created: tuple[sa.Connection, sa.MetaData]) -> None:
    con, metadata = created
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
