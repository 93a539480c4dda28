"""Facts: the columns of one table as numpy vectors, each with a mask of what is known.

Put here: the one place where columns of Arrow or pandas (nullable or not, text or categorical) become numpy arrays, for
conditions and decisions alike. Keep out: what the values mean. Money stays in int64 minor units, so it never passes through a
double.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts.derive import arrow_to_frame, unscaled

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]
T = TypeVar("T")


@dataclass(frozen=True)
class Vector:
    """Values (int64, float64 or bool) and which of them are known; unknown places hold 0 and must not be read."""

    values: NDArray[Any]
    known: Bools


@dataclass(frozen=True)
class Text:
    """Text as codes into `categories`; -1 = NULL."""

    codes: NDArray[Any]
    categories: tuple[str, ...]

    @property
    def known(self) -> Bools:
        return np.asarray(self.codes >= 0)

    def is_in(self, values: tuple[str, ...]) -> Bools:
        """Whether the text is one of `values`; False where NULL."""
        table = np.array([*(c in values for c in self.categories), False])  # code -1 reads the last place
        return np.asarray(table[self.codes])

    def places(self, names: Sequence[str]) -> NDArray[np.intp]:
        """Where each text stands among `names`; -1 = nowhere, or NULL."""
        place = {name: at for at, name in enumerate(names)}
        return np.array([*(place.get(c, -1) for c in self.categories), -1], dtype=np.intp)[self.codes]


class Facts:
    """The rows of a table, one per customer. Reading a column the table lacks, or one of the wrong type, is the caller's error.

    Each column is converted when it is first read, and once: conditions and steps of the decision read the same ones again and
    again. What is read must not be changed.
    """

    def __init__(self, rows: pa.Table | pd.DataFrame, extra: Mapping[str, Vector | Text] | None = None) -> None:
        self.rows = rows
        self.extra = dict(extra or {})
        self._read: dict[tuple[str, str], Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def with_columns(self, **columns: Vector | Text) -> Facts:
        """The same facts and these computed columns beside them."""
        more = Facts(self.rows, {**self.extra, **columns})
        more._read = self._read  # only columns of `rows` are kept there
        return more

    def column(self, name: str) -> pa.Array:
        """A column of the table as Arrow has it; texts as dictionaries when they came so."""
        return self._once("arrow", name, lambda: _array(self.rows[name]))

    def strings(self, name: str) -> pa.StringArray:
        """A text column of the table as plain texts."""
        return self._once("strings", name, lambda: self.column(name).cast(pa.string()))

    def series(self, name: str) -> pd.Series[Any]:
        """A column of the table as frames of results hold it."""
        if isinstance(self.rows, pd.DataFrame):
            return self.rows[name].reset_index(drop=True)
        return arrow_to_frame(self.rows.select([name]))[name]

    def integers(self, name: str) -> Vector:
        """A column of whole numbers, exactly: INTEGER, MONEY in minor units, RATE in counts of 10^-10."""
        if name in self.extra:
            return self._extra_vector(name)
        return self._once("integers", name, lambda: _integers(self.column(name), name))

    def numbers(self, name: str) -> Vector:
        """A column of numbers as doubles; NaN counts as NULL."""
        if name in self.extra:
            vector = self._extra_vector(name)
            return Vector(vector.values.astype(np.float64), vector.known)
        return self._once("numbers", name, lambda: _numbers(self.column(name), name))

    def flags(self, name: str) -> Vector:
        """A flag; NULL = not known."""
        if name in self.extra:
            return self._extra_vector(name)
        return self._once("flags", name, lambda: _flags(self.column(name)))

    def dates(self, name: str) -> Dates:
        """A date column as datetime64[D]; NaT = NULL."""
        return self._once(
            "dates", name, lambda: self.column(name).to_numpy(zero_copy_only=False).astype("datetime64[D]", copy=False)
        )

    def text(self, name: str) -> Text:
        """A text column."""
        if name in self.extra:
            column = self.extra[name]
            if not isinstance(column, Text):
                raise TypeError(f"column {name} is no text")
            return column
        return self._once("text", name, lambda: _text(self.column(name)))

    def _once(self, form: str, name: str, convert: Callable[[], T]) -> T:
        if (form, name) not in self._read:
            self._read[form, name] = convert()
        found: T = self._read[form, name]
        return found

    def _extra_vector(self, name: str) -> Vector:
        column = self.extra[name]
        if not isinstance(column, Vector):
            raise TypeError(f"column {name} is text")
        return column


def _array(column: Any) -> pa.Array:
    array = pa.array(column, from_pandas=True) if isinstance(column, pd.Series) else column
    return array.unify_dictionaries().combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _integers(array: pa.Array, name: str) -> Vector:
    if pa.types.is_decimal128(array.type):
        array = unscaled(array)
    if array.null_count == len(array):  # a column of nothing but NULL may have any type
        return Vector(np.zeros(len(array), dtype=np.int64), np.zeros(len(array), dtype=bool))
    if not pa.types.is_integer(array.type):
        raise TypeError(f"column {name} must be int64 or Int64 (money in minor units), found {array.type}")
    return Vector(_filled(array, 0).astype(np.int64, copy=False), _known(array))


def _numbers(array: pa.Array, name: str) -> Vector:
    if not pa.types.is_floating(array.type):
        whole = _integers(array, name)
        return Vector(whole.values.astype(np.float64), whole.known)
    values = array.to_numpy(zero_copy_only=False)  # NULL becomes NaN
    known = ~np.isnan(values)
    return Vector(np.where(known, values, 0.0), known)


def _flags(array: pa.Array) -> Vector:
    array = array.cast(pa.bool_())
    return Vector(_filled(array, False), _known(array))


def _text(array: pa.Array) -> Text:
    if not pa.types.is_dictionary(array.type):
        array = array.cast(pa.string()).dictionary_encode()
    return Text(_filled(array.indices, -1), tuple(array.dictionary.to_pylist()))


def _filled(array: pa.Array, value: int | bool) -> NDArray[Any]:
    return np.asarray((array.fill_null(value) if array.null_count else array).to_numpy(zero_copy_only=False))


def _known(array: pa.Array) -> Bools:
    return np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False)) if array.null_count else np.ones(len(array), dtype=bool)
