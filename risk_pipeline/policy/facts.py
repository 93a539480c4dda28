"""Facts: the columns of one frame as numpy vectors, each with a mask of what is known.

Put here: the one place where pandas columns (nullable or not, text or categorical) become numpy arrays, for conditions and
decisions alike. Keep out: what the values mean. Money stays in int64 minor units, so it never passes through a double.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Dates = NDArray[np.datetime64]


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


class Facts:
    """One row per customer. Reading a column the frame lacks, or one of the wrong type, is an error of the caller."""

    def __init__(self, frame: pd.DataFrame, extra: Mapping[str, Vector | Text] | None = None) -> None:
        self.frame = frame
        self.extra = dict(extra or {})

    def __len__(self) -> int:
        return len(self.frame)

    def with_columns(self, **columns: Vector | Text) -> Facts:
        """The same facts and these computed columns beside them."""
        return Facts(self.frame, {**self.extra, **columns})

    def select(self, positions: NDArray[np.intp], names: list[str]) -> Facts:
        """Some rows of some columns of the frame."""
        return Facts(self.frame[names].iloc[positions])

    def integers(self, name: str) -> Vector:
        """A column of whole numbers, exactly: INTEGER, MONEY in minor units, RATE in counts of 10^-10."""
        if name in self.extra:
            return self._extra_vector(name)
        series = self.frame[name]
        if series.dtype.kind not in "iu":
            if series.notna().any():  # a column of nothing but NULL may have any type
                raise TypeError(f"column {name} must be int64 or Int64 (money in minor units), found {series.dtype}")
            return Vector(np.zeros(len(self), dtype=np.int64), np.zeros(len(self), dtype=bool))
        known = series.notna().to_numpy(dtype=bool)
        values = series.to_numpy(dtype=np.int64) if known.all() else series.fillna(0).to_numpy(dtype=np.int64)
        return Vector(values, known)

    def numbers(self, name: str) -> Vector:
        """A column of numbers as doubles; NaN counts as NULL."""
        if name in self.extra:
            vector = self._extra_vector(name)
            return Vector(vector.values.astype(np.float64), vector.known)
        values = self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
        known = ~np.isnan(values)
        return Vector(np.where(known, values, 0.0), known)

    def flags(self, name: str) -> Vector:
        """A flag; NULL = not known."""
        if name in self.extra:
            return self._extra_vector(name)
        series = self.frame[name]
        if series.dtype == bool:
            return Vector(series.to_numpy(), np.ones(len(self), dtype=bool))
        known = series.notna().to_numpy(dtype=bool)
        return Vector(series.astype("boolean").fillna(False).to_numpy(dtype=bool), known)

    def dates(self, name: str) -> Dates:
        """A date column as datetime64[D]; NaT = NULL."""
        return self.frame[name].to_numpy().astype("datetime64[D]")

    def text(self, name: str) -> Text:
        """A text column."""
        if name in self.extra:
            column = self.extra[name]
            if not isinstance(column, Text):
                raise TypeError(f"column {name} is no text")
            return column
        series = self.frame[name]
        if not isinstance(series.dtype, pd.CategoricalDtype):
            series = series.astype("category")
        return Text(series.cat.codes.to_numpy(), tuple(map(str, series.cat.categories)))

    def _extra_vector(self, name: str) -> Vector:
        column = self.extra[name]
        if not isinstance(column, Vector):
            raise TypeError(f"column {name} is text")
        return column
