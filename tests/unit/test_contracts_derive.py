"""The derived forms of every table agree with the declaration and with each other; broken rows are caught."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pandera.errors
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.contracts import TABLES, Column, Kind, Table, table
from risk_pipeline.contracts.derive import arrow_schema, arrow_to_frame, arrow_type, frame_to_arrow, pandera_schema, typed_frame
from risk_pipeline.contracts.table import DUCKDB_TYPE

ALL = list(TABLES.values())
NAMES = [t.full_name for t in ALL]
EVERY = pytest.mark.parametrize("declared", ALL, ids=NAMES)

SAMPLES: dict[Kind, tuple[Any, Any]] = {
    Kind.TEXT: ("a", "乙"),
    Kind.DATE: (dt.date(2026, 6, 30), dt.date(9999, 12, 31)),
    Kind.MONEY: (Decimal("1234567.89"), Decimal("-0.01")),
    Kind.RATE: (Decimal("1.0842000000"), Decimal("0.0000000001")),
    Kind.INTEGER: (1, -(2**40)),
    Kind.NUMBER: (0.5, -1e300),
    Kind.FLAG: (True, False),
    Kind.TIMESTAMP: (dt.datetime.fromisoformat("2026-06-30T12:30:01.000005"), dt.datetime.fromisoformat("1970-01-01")),
    Kind.JSON: ('{"a":1}', "{}"),
}


def sample(column: Column, row: int) -> Any:
    if column.values:
        return column.values[row % len(column.values)]
    value = SAMPLES[column.kind][row % 2]
    return f"{value}{row}" if column.kind is Kind.TEXT else value


def good(declared: Table, rows: int = 2) -> pa.Table:
    """Rows that keep every rule, and one more that is empty wherever it may be."""
    full = [{c.name: sample(c, row) for c in declared.columns} for row in range(rows)]
    sparse = {c.name: sample(c, rows) if c.required else None for c in declared.columns}
    data = [*full, sparse]
    for name in declared.key:  # keys of one kind of value only, such as flags, would repeat
        if declared.column(name).kind is Kind.INTEGER:
            data = [{**row, name: number} for number, row in enumerate(data)]
        if declared.column(name).kind is Kind.DATE:
            data = [{**row, name: dt.date(2026, 1, 1 + number)} for number, row in enumerate(data)]
    return pa.Table.from_pylist(data, schema=declared.to_arrow())


# --- the forms agree --------------------------------------------------------------------------------------------------


@EVERY
def test_forms_have_the_same_columns_and_nullability(declared: Table) -> None:
    arrow = declared.to_arrow()
    sql = declared.to_sqlalchemy(sa.MetaData())
    schema = declared.to_pandera()
    assert tuple(arrow.names) == declared.column_names
    assert tuple(c.name for c in sql.columns) == declared.column_names
    assert tuple(schema.columns) == declared.column_names
    for column in declared.columns:
        assert arrow.field(column.name).nullable is not column.required
        assert sql.columns[column.name].nullable is not column.required
        assert schema.columns[column.name].nullable is not column.required
    assert tuple(c.name for c in sql.primary_key.columns) == tuple(n for n in declared.column_names if n in declared.key)


@EVERY
def test_arrow_and_duckdb_types_are_the_same_type(declared: Table) -> None:
    con = duckdb.connect()
    columns = ", ".join(f'"{c.name}" {DUCKDB_TYPE[c.kind]}' for c in declared.columns)
    con.execute(f"CREATE TABLE t ({columns})")
    arrow = con.sql("FROM t").to_arrow_table()
    assert arrow.schema.types == declared.to_arrow().types


@EVERY
def test_good_rows_go_through_parquet_and_pandera_and_back(declared: Table, tmp_path: Path) -> None:
    rows = good(declared)
    pq.write_table(rows, tmp_path / "t.parquet")
    back = pq.read_table(tmp_path / "t.parquet")
    assert back.equals(rows)
    assert back.schema.equals(arrow_schema(declared))

    typed = typed_frame(back)
    declared.to_pandera().validate(typed, lazy=True)
    assert frame_to_arrow(declared, typed).equals(rows)


@EVERY
def test_the_decide_frame_loses_nothing(declared: Table) -> None:
    rows = good(declared)
    frame = arrow_to_frame(rows)
    money = [c.name for c in declared.columns if c.kind in (Kind.MONEY, Kind.RATE)]
    assert {str(frame[name].dtype) for name in money} <= {"Int64"}
    assert frame_to_arrow(declared, frame.sample(frac=1, axis=1, random_state=1)).equals(rows)


@pytest.fixture(scope="module")
def sqlite() -> Iterator[sa.Connection]:
    """Every table created in a real SQLite, each layer a database of its own."""
    metadata = sa.MetaData()
    for declared in ALL:
        declared.to_sqlalchemy(metadata)
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    with engine.connect() as con:
        for layer in sorted({t.layer for t in ALL}):
            con.exec_driver_sql(f"ATTACH ':memory:' AS {layer}")
        metadata.create_all(con)
        con.info["tables"] = metadata.tables
        yield con
    engine.dispose()


@EVERY
def test_sql_tables_take_good_rows_and_refuse_bad_ones(declared: Table, sqlite: sa.Connection) -> None:
    sql = sqlite.info["tables"][declared.full_name]
    rows = [{**row, **_sqlite_money(declared, row)} for row in good(declared).to_pylist()]
    sqlite.execute(sql.insert(), rows)
    assert sqlite.execute(sa.select(sa.func.count()).select_from(sql)).scalar_one() == len(rows)
    assert sql.comment == f"{declared.en} / {declared.zh}"

    with pytest.raises(sa.exc.IntegrityError):  # the key
        sqlite.execute(sql.insert(), rows[:1])
    needed = next(c.name for c in declared.columns if c.required)
    with pytest.raises(sa.exc.IntegrityError):
        sqlite.execute(sql.insert(), [{**rows[0], needed: None}])
    listed = next((c for c in declared.columns if c.values), None)
    if listed is not None:
        with pytest.raises(sa.exc.IntegrityError, match=f"{declared.name}_{listed.name}_values"):
            sqlite.execute(sql.insert(), [{**_other_key(declared, rows[0]), listed.name: "no such value"}])


def _sqlite_money(declared: Table, row: dict[str, Any]) -> dict[str, Any]:
    """SQLite has no decimals, and SQLAlchemy warns when given some; here only the constraints matter."""
    return {c.name: row[c.name] and float(row[c.name]) for c in declared.columns if c.kind in (Kind.MONEY, Kind.RATE)}


def _other_key(declared: Table, row: dict[str, Any]) -> dict[str, Any]:
    kind = declared.column(declared.key[-1]).kind
    return {**row, declared.key[-1]: {Kind.TEXT: "other", Kind.INTEGER: 99, Kind.DATE: dt.date(2027, 1, 1)}[kind]}


# --- pandera catches what is planted ----------------------------------------------------------------------------------


def failures(declared: Table, frame: pd.DataFrame, **options: Any) -> list[tuple[str, str, int | None]]:
    """(column, check, row) of every failure, each once."""
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        pandera_schema(declared, **options).validate(frame, lazy=True)
    cases = caught.value.failure_cases
    return sorted({(c.column, str(c.check), c.index) for c in cases.itertuples()}, key=str)


def plant(declared: Table, row: int, **values: Any) -> pd.DataFrame:
    """A typed frame of three good rows with values changed in one."""
    data = good(declared).to_pylist()
    data[row].update(values)
    nullable = pa.schema([field.with_nullable(True) for field in declared.to_arrow()])
    return typed_frame(pa.Table.from_pylist(data, schema=nullable))


def test_a_missing_required_value_is_caught() -> None:
    assert failures(table("feed.invoice"), plant(table("feed.invoice"), 1, amount=None)) == [("amount", "not_nullable", 1)]


def test_a_value_outside_the_closed_list_is_caught() -> None:
    frame = plant(table("feed.payment"), 1, method="barter")
    assert failures(table("feed.payment"), frame) == [("method", "closed_list", 1)]


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_number_is_caught(value: float) -> None:
    frame = plant(table("score.risk_score"), 1, score=value)
    assert failures(table("score.risk_score"), frame) == [("score", "finite", 1)]


def test_a_repeated_key_is_caught_on_both_rows() -> None:
    frame = plant(table("feed.invoice"), 1, invoice_id="a0")
    expected = [("invoice_id", "duplicate_key", 0), ("invoice_id", "duplicate_key", 1)]
    assert failures(table("feed.invoice"), frame) == expected
    pandera_schema(table("feed.invoice"), unique=False).validate(frame, lazy=True)


def test_a_repeated_key_of_several_columns_is_caught() -> None:
    declared = table("feed.instalment_line")
    pandera_schema(declared).validate(plant(declared, 1, plan_id="a0"), lazy=True)  # the line differs
    found = failures(declared, plant(declared, 1, plan_id="a0", line=0))
    assert {(check, row) for _, check, row in found} == {("duplicate_key", 0), ("duplicate_key", 1)}


def test_a_null_in_a_key_is_a_missing_value_and_no_duplicate() -> None:
    declared = table("feed.instalment_line")
    assert failures(declared, plant(declared, 1, plan_id="a0", line=None)) == [("line", "not_nullable", 1)]


def test_a_wrong_type_a_missing_and_an_unknown_column_refuse_the_frame() -> None:
    declared = table("feed.fx_rate")
    frame = typed_frame(good(declared))
    for wrong in (frame.astype({"rate": "float64"}), frame.assign(rate_date=pd.to_datetime(frame["rate_date"]))):
        assert all(check.startswith("dtype(") for _, check, _ in failures(declared, wrong))
    assert failures(declared, frame.drop(columns="rate")) == [("feed.fx_rate", "column_in_dataframe", None)]
    assert failures(declared, frame.assign(more=1)) == [("feed.fx_rate", "column_in_schema", None)]


def test_the_schema_can_be_limited_to_the_columns_a_feed_maps() -> None:
    declared = table("feed.invoice")
    mapped = ["invoice_id", "customer_id", "invoice_date", "amount", "currency"]
    frame = typed_frame(good(declared).select(mapped))
    schema = pandera_schema(declared, names=mapped)
    assert list(schema.validate(frame, lazy=True).columns) == mapped


# --- frames to Arrow --------------------------------------------------------------------------------------------------

MONEY = table("factor.exposure_by_currency")


def exposure(**changed: Any) -> pd.DataFrame:
    return arrow_to_frame(good(MONEY)).assign(**changed)


@given(st.lists(st.none() | st.integers(-(10**18) + 1, 10**18 - 1), min_size=1))
def test_minor_units_become_exact_decimals(units: list[int | None]) -> None:
    from risk_pipeline.contracts.derive import _arrow_array

    array = _arrow_array(pd.Series(units, dtype="Int64"), Kind.MONEY, arrow_type(Kind.MONEY))
    array.validate(full=True)
    assert array.type == pa.decimal128(18, 2)
    assert array.to_pylist() == [None if u is None else Decimal(u).scaleb(-2) for u in units]
    back = arrow_to_frame(pa.table({"m": array}))["m"]
    assert back.tolist() == pd.Series(units, dtype="Int64").tolist()


def test_minor_units_negative_null_and_beyond_32_bits() -> None:
    units = pd.array([-1, None, 2**31 + 7, -(2**40), 0, 10**18 - 1, 5, 6, 7], dtype="Int64")  # two validity bytes
    decimals = [None if value is None else str(value) for value in frame_to_arrow_column(units).to_pylist()]
    assert decimals[:6] == ["-0.01", None, "21474836.55", "-10995116277.76", "0.00", "9999999999999999.99"]
    plain = frame_to_arrow_column(np.array([-12345, 12345], dtype="int64"))
    assert plain.to_pylist() == [Decimal("-123.45"), Decimal("123.45")]
    assert plain.null_count == 0


def frame_to_arrow_column(units: Any) -> pa.Array:
    from risk_pipeline.contracts.derive import _arrow_array

    return _arrow_array(pd.Series(units), Kind.MONEY, arrow_type(Kind.MONEY))


def test_slices_and_chunks_keep_their_values() -> None:
    rows = good(MONEY, rows=6)
    cut = pa.concat_tables([rows.slice(3, 2), rows.slice(0, 1), rows.slice(6)])
    assert frame_to_arrow(MONEY, arrow_to_frame(cut)).equals(cut.combine_chunks())


def test_an_empty_frame_has_the_declared_types() -> None:
    empty = MONEY.to_arrow().empty_table()
    assert frame_to_arrow(MONEY, arrow_to_frame(empty)).equals(empty)


def test_a_column_without_any_value_takes_the_declared_type() -> None:
    declared = table("feed.dispute")
    rows = frame_to_arrow(
        declared, arrow_to_frame(good(declared)).assign(settled_amount=None, outcome=np.nan, resolved_date=pd.NaT)
    )
    assert rows.schema.equals(declared.to_arrow())
    assert rows["settled_amount"].null_count == rows["outcome"].null_count == rows["resolved_date"].null_count == len(rows)


def test_dates_and_times_in_their_pandas_forms() -> None:
    declared = table("audit.snapshot")
    shanghai = pd.to_datetime(["2026-01-01 08:00"] * 3).tz_localize("Asia/Shanghai")
    frame = arrow_to_frame(good(declared)).assign(as_of=[dt.date(2026, 6, 30)] * 3, published_at=shanghai)
    rows = frame_to_arrow(declared, frame)
    assert rows["as_of"].to_pylist() == [dt.date(2026, 6, 30)] * 3
    assert rows["published_at"].to_pylist() == [dt.datetime.fromisoformat("2026-01-01T00:00")] * 3, "UTC"


def test_categories_are_text() -> None:
    frame = exposure(currency=pd.Categorical(["EUR", "CNY", "EUR"]))
    assert frame_to_arrow(MONEY, frame)["currency"].to_pylist() == ["EUR", "CNY", "EUR"]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"billed": [1.5, 2.0, 3.0]}, TypeError, r"exposure_by_currency\.billed: double is no money; give money as integer"),
        ({"billed": [10**18, 0, 0]}, ValueError, r"billed: a value needs more than 18 digits"),
        ({"billed": pd.array([1, None, 2], dtype="Int64")}, ValueError, r"billed: required, but NULL in 1 rows"),
        ({"currency": [1, 2, 3]}, TypeError, r"currency: int64 is no text"),
        ({"n_items": [1.5, 2.0, 3.0]}, ValueError, r"n_items: .*1\.5"),
        ({"n_items": ["1", "2", "3"]}, TypeError, r"n_items: .*string is no integer"),
        ({"as_of": pd.to_datetime(["2026-06-30 05:00"] * 3)}, ValueError, r"as_of: a date with a time of day"),
        ({"as_of": pd.to_datetime(["2026-06-30"] * 3).tz_localize("Asia/Shanghai")}, TypeError, r"as_of: .* is no date"),
        ({"as_of": ["2026-06-30"] * 3}, TypeError, r"as_of: .*string is no date"),
        ({"as_of": [20260630] * 3}, TypeError, r"as_of: int64 is no date"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changed: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        frame_to_arrow(MONEY, exposure(**changed))


def test_a_missing_column_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=re.escape("factor.exposure_by_currency: the frame lacks billed, fx_rate")):
        frame_to_arrow(MONEY, exposure().drop(columns=["billed", "fx_rate"]))


def test_a_wider_decimal_is_refused_on_the_way_into_decide() -> None:
    wide = pa.table({"m": pa.array([Decimal("1.00")], type=pa.decimal128(38, 2))})
    with pytest.raises(ValueError, match="cast it to 18 digits"):
        arrow_to_frame(wide)


def test_json_stays_the_text_it_was() -> None:
    declared = table("decision.limit_candidate")
    text = json.dumps({"b": 1, "a": "税"}, ensure_ascii=False)
    frame = arrow_to_frame(good(declared)).assign(inputs=text)
    assert frame_to_arrow(declared, frame)["inputs"].to_pylist() == [text] * 3


def test_texts_asked_for_as_codes_are_categoricals_with_the_same_values() -> None:
    data = pa.table({"code": ["b", None, "b", "a"], "nothing": pa.nulls(4, pa.string()), "name": ["x", "y", "z", None]})
    plain, coded = arrow_to_frame(data), arrow_to_frame(data, coded_text=("code", "nothing"))
    assert [isinstance(coded[name].dtype, pd.CategoricalDtype) for name in coded] == [True, True, False]
    for name in plain:
        assert (
            coded[name].astype(object).where(coded[name].notna(), None).tolist()
            == plain[name].astype(object).where(plain[name].notna(), None).tolist()
        )


def test_rows_that_are_arrow_already_keep_the_rules_of_the_table() -> None:
    rows = {name: [None] for name in table("decision.review").column_names}
    with pytest.raises(ValueError, match="customer_id"):
        frame_to_arrow(table("decision.review"), pa.table({**rows, "as_of": [dt.date(2026, 6, 30)]}))
