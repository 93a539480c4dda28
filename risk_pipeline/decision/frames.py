"""Building result frames column by column, in the order of the contract, without Python objects per row.

Put here: constants, repeated texts and sets of ids as categorical columns, and the assembly of a frame. Keep out: what the
columns mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from risk_pipeline.contracts import table
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.policy.facts import Bools, Dates, Ints

Categorical: TypeAlias = "pd.Categorical[Any]"
Column = Any  # a numpy array, a pandas array or a Series without meaning in its index


def frame(table_name: str, context: DecisionContext, rows: int, columns: Mapping[str, Column]) -> pd.DataFrame:
    """The frame of a result table; as_of and run_id are set here. A column too many or too few is an error."""
    given = {**columns, "as_of": constant_date(context, rows), "run_id": constant(context.run_id, rows)}
    names = table(table_name).column_names
    if set(names) != set(given):
        raise ValueError(f"{table_name}: columns differ from the contract: {sorted(set(names) ^ set(given))}")
    return pd.DataFrame({name: given[name] for name in names}, copy=False)


def constant_date(context: DecisionContext, rows: int) -> Dates:
    """as_of in every row."""
    return np.full(rows, np.datetime64(context.as_of, "s"))


def constant(text: str, rows: int) -> Categorical:
    """One text in every row."""
    return categorical(np.zeros(rows, dtype=np.int8), [text])


def categorical(codes: NDArray[Any], categories: Sequence[str] | pd.Index[str]) -> Categorical:
    """Texts by code; -1 = NULL. Codes are trusted. Texts may repeat in a list, not in an Index (which is taken as it is)."""
    if not isinstance(categories, pd.Index):
        place = {text: code for code, text in enumerate(dict.fromkeys(categories))}
        if len(place) < len(categories):
            codes = np.array([*(place[text] for text in categories), -1], dtype=np.int32)[codes]
        categories = pd.Index(list(place), dtype="str")
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories), validate=False)


def nullable(values: NDArray[Any], known: Bools) -> Column:
    """Whole numbers or flags with NULL where not known; a plain array when everything is known."""
    if known.all():
        return values
    kind = pd.arrays.BooleanArray if values.dtype == bool else pd.arrays.IntegerArray
    return kind(values, ~known)


def joined(hits: Bools, ids: Sequence[str], separator: str = ",") -> Categorical:
    """Per row the ids whose column in `hits` (rows x ids) is true, joined in order; '' where none is."""
    words = np.zeros(len(hits), dtype=np.int64)
    for bit in range(len(ids)):
        words |= hits[:, bit].astype(np.int64) << bit
    return by_combination(words, lambda word: separator.join(name for bit, name in enumerate(ids) if word >> bit & 1))


def by_combination(words: Ints, text: Callable[[int], str]) -> Categorical:
    """A text per distinct word: each combination is spelt once, however many rows have it."""
    distinct, codes = np.unique(words, return_inverse=True)
    return categorical(codes.astype(np.int32), [text(int(word)) for word in distinct])


def first_true(conditions: Sequence[Bools], rows: int) -> NDArray[np.int16]:
    """Position of the first condition that holds in each row; -1 where none does."""
    found = np.full(rows, -1, dtype=np.int16)
    for position in range(len(conditions) - 1, -1, -1):
        found[conditions[position]] = position
    return found


def add_days(day: DecisionContext, days: Ints, known: Bools) -> Dates:
    """as_of + days; NaT where not known."""
    dates = np.datetime64(day.as_of, "s") + days.astype("timedelta64[D]").astype("timedelta64[s]")
    dates[~known] = np.datetime64("NaT")
    return dates
