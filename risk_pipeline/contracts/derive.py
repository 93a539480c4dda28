"""Forms derived from a Table: Arrow schema, pandera schema, SQLAlchemy table; and data in these forms.

Put here: one function per derived form, and the two edges of decide (`arrow_to_frame`, `frame_to_arrow`). Keep out: fields
and tables, and any reading or writing of files or databases.
pyarrow, pandas, pandera and SQLAlchemy are imported inside the functions (contracts must import fast).

Two pandas forms of the same Arrow data, each where it is fast:

| kind            | typed frame (`typed_frame`, for pandera)  | decide frame (`arrow_to_frame`)              |
|-----------------|-------------------------------------------|----------------------------------------------|
| text, json      | `str`, pyarrow-backed                     | the same                                     |
| money, rate     | ArrowDtype(decimal), no copy              | Int64 counts of the last digit (minor units) |
| date            | ArrowDtype(date32): holds 9999-12-31      | datetime64[ms]                               |
| timestamp       | ArrowDtype(timestamp[us])                 | datetime64[us]                               |
| integer, flag   | ArrowDtype(int64), ArrowDtype(bool)       | Int64, boolean                               |
| number          | float64, NaN = NULL                       | the same                                     |
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from risk_pipeline.contracts.table import Column, Kind, Table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pandera.pandas as pa_schema
    import pyarrow as pa
    import sqlalchemy as sa

# --- Arrow -----------------------------------------------------------------------------------------------------------

OWN_TEXTS = frozenset({"name", "alert_id", "treatment_id"})  # texts that hardly repeat: a dictionary would not be smaller


def arrow_type(kind: Kind) -> pa.DataType:
    """The Arrow type of a kind; timestamps are UTC without a zone, in microseconds, as DuckDB's TIMESTAMP."""
    import pyarrow as pa

    match kind:
        case Kind.TEXT | Kind.JSON:
            return pa.string()
        case Kind.DATE:
            return pa.date32()
        case Kind.MONEY:
            return pa.decimal128(18, 2)
        case Kind.RATE:
            return pa.decimal128(18, 10)
        case Kind.INTEGER:
            return pa.int64()
        case Kind.NUMBER:
            return pa.float64()
        case Kind.FLAG:
            return pa.bool_()
        case Kind.TIMESTAMP:
            return pa.timestamp("us")


def arrow_schema(table: Table, *, coded_text: bool = False) -> pa.Schema:
    """Arrow schema in declared order; key and required columns are not nullable. `coded_text`: texts as dictionaries, but for
    OWN_TEXTS.
    """
    import pyarrow as pa

    def type_of(c: Column) -> pa.DataType:
        coded = coded_text and c.kind is Kind.TEXT and c.name not in OWN_TEXTS
        return pa.dictionary(pa.int32(), pa.string()) if coded else arrow_type(c.kind)

    return pa.schema([pa.field(c.name, type_of(c), nullable=not c.required) for c in table.columns])


# --- SQLAlchemy ------------------------------------------------------------------------------------------------------


def sqlalchemy_table(table: Table, metadata: sa.MetaData) -> sa.Table:
    """SQLAlchemy table in schema `layer`: primary key, NOT NULL, closed lists as CHECK, comments en / zh."""
    import sqlalchemy as sa

    def column(c: Column) -> sa.Column[Any]:
        return sa.Column(
            c.name,
            _sqlalchemy_type(c.kind),
            primary_key=c.name in table.key,
            autoincrement=False,
            nullable=not c.required,
            comment=f"{c.field.en} / {c.field.zh}",
        )

    lists = [
        sa.CheckConstraint(sa.column(c.name).in_(c.values), name=f"{table.name}_{c.name}_values")
        for c in table.columns
        if c.values
    ]
    comment = f"{table.en} / {table.zh}"
    return sa.Table(table.name, metadata, *map(column, table.columns), *lists, schema=table.layer, comment=comment)


def _sqlalchemy_type(kind: Kind) -> sa.types.TypeEngine[Any]:
    import sqlalchemy as sa

    match kind:
        case Kind.TEXT | Kind.JSON:  # JSON stays text: its canonical form is what hashes are taken of
            return sa.Text()
        case Kind.DATE:
            return sa.Date()
        case Kind.MONEY:
            return sa.Numeric(18, 2)
        case Kind.RATE:
            return sa.Numeric(18, 10)
        case Kind.INTEGER:
            return sa.BigInteger()
        case Kind.NUMBER:
            return sa.Double()
        case Kind.FLAG:
            return sa.Boolean()
        case Kind.TIMESTAMP:
            return sa.DateTime()


# --- pandera ---------------------------------------------------------------------------------------------------------


def pandera_schema(table: Table, *, names: Collection[str] | None = None, unique: bool = True) -> pa_schema.DataFrameSchema:
    """Schema for a typed frame (`typed_frame`): exactly these columns, their types, and the rules of the table.

    `names` limits it to some columns of the table (those a feed maps); `unique=False` leaves the key unchecked, which
    costs most of the time (1M invoices, 12 columns: 0.15 s with, 0.04 s without). The `check` of a failure case is one of
    `not_nullable`, `closed_list`, `finite`, `duplicate_key`: bad rows, named by `index`; a key of several columns gives
    one case per column of the row. Any other (`dtype(...)`, `column_in_...`) means that the frame is refused whole.
    """
    import pandera.pandas as pa_schema

    kept = [c for c in table.columns if names is None or c.name in names]
    key = list(table.key) if unique and all(name in {c.name for c in kept} for name in table.key) else []
    return pa_schema.DataFrameSchema(
        {
            c.name: pa_schema.Column(
                _typed_dtype(arrow_type(c.kind)) or "float64",
                nullable=not c.required,
                checks=_column_checks(c, unique=key == [c.name]),
            )
            for c in kept
        },
        checks=[_key_check(key)] if len(key) > 1 else [],
        strict=True,
        name=table.full_name,
    )


def _column_checks(column: Column, *, unique: bool) -> list[pa_schema.Check]:
    import numpy as np
    import pandera.pandas as pa_schema

    checks = []
    if column.values:
        checks.append(pa_schema.Check.isin(column.values, error="closed_list"))
    if column.kind is Kind.NUMBER:
        checks.append(pa_schema.Check(lambda s: ~np.isinf(s), name="finite", error="finite"))
    if unique:
        checks.append(pa_schema.Check(lambda s: _stands_alone([s]), name="duplicate_key", error="duplicate_key"))
    return checks


def _key_check(key: list[str]) -> pa_schema.Check:
    import pandera.pandas as pa_schema

    return pa_schema.Check(lambda f: _stands_alone([f[name] for name in key]), name="duplicate_key", error="duplicate_key")


def _stands_alone(columns: Sequence[pd.Series[Any]]) -> bool | pd.Series[bool]:
    """True when no two rows agree in all columns; else, per row, whether it stands alone.

    Numbers the distinct values of one column after the other with pyarrow: 1M keys of three columns in 0.3 s, where
    pandas and pyarrow's group_by need more than a second.
    """
    import pandas as pd

    numbers, distinct = _number_values(columns[0])
    for column in columns[1:]:
        codes, radix = _number_values(column)
        numbers, distinct = _number_values(numbers * radix + codes)  # both below the row count: the product fits an int64
    return distinct == len(numbers) or ~pd.Series(numbers, index=columns[0].index).duplicated(keep=False)


def _number_values(values: Any) -> tuple[np.ndarray[Any, Any], int]:
    """Per value the number of its first like (NULL counts as a value), and how many differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(pa.array(values), null_encoding="encode")
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False).astype("int64"), len(encoded.dictionary)


# --- frames ----------------------------------------------------------------------------------------------------------


def typed_frame(data: pa.Table) -> pd.DataFrame:
    """Arrow data as the typed pandas frame that `pandera_schema` validates; RangeIndex; no copy but of numbers."""
    return data.to_pandas(types_mapper=_typed_dtype, ignore_metadata=True)


def _typed_dtype(kind: pa.DataType) -> Any:
    """Dtype in pandas of an Arrow type in a typed frame; None = what pyarrow does itself, float64 for doubles."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return pd.StringDtype("pyarrow", na_value=np.nan)
    return None if pa.types.is_floating(kind) else pd.ArrowDtype(kind)


def arrow_to_frame(data: pa.Table, *, coded_text: Collection[str] = ()) -> pd.DataFrame:
    """Arrow data as the pandas frame decide computes on: money as Int64 minor units, rates as Int64 counts of 10^-10.

    Works by Arrow type, so a join of several tables will do. Exact both ways: `frame_to_arrow` is the way back. The columns
    `coded_text` come as categoricals: faster for texts of which few repeat in many rows, and are looked up again and again.
    """
    import pandas as pd
    import pyarrow as pa

    counts = [
        pa.chunked_array([unscaled(chunk) for chunk in column.chunks], pa.int64())
        if pa.types.is_decimal128(column.type)
        else column
        for column in data.itercolumns()
    ]
    for place, name in enumerate(data.column_names):
        if name in coded_text:
            counts[place] = counts[place].combine_chunks().dictionary_encode()
    mapping = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return pa.table(counts, names=data.column_names).to_pandas(
        types_mapper=mapping.get, date_as_object=False, ignore_metadata=True
    )


def unscaled(array: pa.Array) -> pa.Array:
    """A DECIMAL(<=18, s) array as int64 counts of 10^-s: the low word of each 16-byte value, nulls kept."""
    import numpy as np
    import pyarrow as pa

    if array.type.precision > 18:  # e.g. a SUM that was not cast back: the low word alone would be wrong
        raise ValueError(f"{array.type} does not fit an int64; cast it to 18 digits in the query")
    words = np.frombuffer(array.buffers()[1], dtype="<i8")[2 * array.offset : 2 * (array.offset + len(array)) : 2]
    return pa.array(words, mask=array.is_null().to_numpy(zero_copy_only=False) if array.null_count else None)


def frame_to_arrow(table: Table, frame: pd.DataFrame | pa.Table, *, coded_text: bool = False) -> pa.Table:
    """A typed or decide frame, or rows that are Arrow already, as Arrow data of the table, in declared order; further columns are
    left out.

    `coded_text`: texts stay dictionaries, which a Parquet writer takes as they are (half the time where few texts repeat in
    many rows). Integers in a money or rate column count its last digit (12345 = 123.45). ValueError when a column is missing, a
    required one holds NULL, or a value does not fit its type (a fraction in an integer, a time in a date); TypeError
    when it is of another kind (floats as money, numbers as text).
    """
    import pyarrow as pa

    if isinstance(frame, pa.Table):
        return frame.select(table.column_names).cast(arrow_schema(table, coded_text=coded_text))
    missing = [name for name in table.column_names if name not in frame.columns]
    if missing:
        raise ValueError(f"{table.full_name}: the frame lacks {', '.join(missing)}")
    arrays, schema = [], arrow_schema(table, coded_text=coded_text)
    for column, declared in zip(table.columns, schema, strict=True):
        try:
            array = _arrow_array(frame[column.name], column.kind, declared.type)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{table.full_name}.{column.name}: {error}") from error
        except TypeError as error:
            raise TypeError(f"{table.full_name}.{column.name}: {error}") from error
        if column.required and array.null_count:
            raise ValueError(f"{table.full_name}.{column.name}: required, but NULL in {array.null_count} rows")
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow_array(values: pd.Series[Any], kind: Kind, target: pa.DataType) -> pa.Array | pa.ChunkedArray:
    import pandas as pd
    import pyarrow as pa

    if kind in (Kind.MONEY, Kind.RATE) and pd.api.types.is_integer_dtype(values.dtype):
        mask = values.isna().to_numpy() if values.hasnans else None
        counts = values.to_numpy("int64") if mask is None else values.to_numpy("int64", na_value=0)
        return decimals(counts, mask, target)
    array = pa.array(values, from_pandas=True)
    if array.null_count == len(array):
        return pa.nulls(len(array), target)
    given = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if not _same_kind(given, kind):
        hint = "; give money as integer minor units" if kind is Kind.MONEY else ""
        raise TypeError(f"{given} is no {kind}{hint}")
    if pa.types.is_dictionary(target):
        return (array if pa.types.is_dictionary(array.type) else array.dictionary_encode()).cast(target)
    array = array.cast(given)
    result = array.cast(target)
    if kind is Kind.DATE and result.cast(array.type) != array:  # the cast itself drops the time of day without a word
        raise ValueError("a date with a time of day")
    return result


def _same_kind(given: pa.DataType, kind: Kind) -> bool:
    """Whether a cast keeps the meaning: pyarrow would also turn numbers into text and text into dates."""
    import pyarrow.types as pt

    number = pt.is_integer(given) or pt.is_floating(given)
    match kind:
        case Kind.TEXT | Kind.JSON:
            return pt.is_string(given) or pt.is_large_string(given)
        case Kind.MONEY | Kind.RATE:
            return pt.is_decimal(given)
        case Kind.INTEGER | Kind.NUMBER:
            return number
        case Kind.FLAG:
            return pt.is_boolean(given)
        case Kind.DATE:  # of an instant, the day depends on the zone
            return pt.is_date(given) or (pt.is_timestamp(given) and given.tz is None)
        case Kind.TIMESTAMP:
            return pt.is_timestamp(given)


def decimals(counts: np.ndarray[Any, Any], mask: np.ndarray[Any, Any] | None, target: pa.DataType) -> pa.Array:
    """Decimals from int64 counts of the last digit: 16 bytes each, low word = the count, high word = its sign. `mask`: NULL.

    OverflowError when one has more digits than `target`.
    """
    import numpy as np
    import pyarrow as pa

    limit = 10**target.precision
    if len(counts) and (counts.max() >= limit or counts.min() <= -limit):
        raise OverflowError(f"a value needs more than {target.precision} digits")
    words = np.empty((len(counts), 2), dtype="<i8")
    words[:, 0] = counts
    np.right_shift(counts, 63, out=words[:, 1])
    valid = None if mask is None else pa.py_buffer(np.packbits(~mask, bitorder="little"))
    return pa.Array.from_buffers(target, len(counts), [valid, pa.py_buffer(words)])
