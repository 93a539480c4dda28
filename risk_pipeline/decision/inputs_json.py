"""JSON objects for many rows at once: the inputs behind a limit candidate.

Put here: building canonical JSON texts (sorted keys, no spaces) column-wise with Arrow, since json.dumps per row would take
longer than the decision itself. Keep out: which inputs a candidate has (limits.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from risk_pipeline.contracts.derive import decimals
from risk_pipeline.policy.facts import Bools, Ints, Vector

Json = Any  # a pa.StringArray of JSON texts, or one JSON text that holds for every row


def canonical(value: object) -> str:
    """One JSON text in canonical form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fixed(value: object) -> Json:
    """The same value in every row."""
    return canonical(value)


def chosen(codes: Ints, texts: Sequence[str]) -> Json:
    """One of a few JSON texts per row."""
    return pa.array(texts, type=pa.string()).take(pa.array(codes))


def whole(values: Ints, known: Bools | None = None) -> Json:
    """Whole numbers; null where not known."""
    return _null_as_text(pa.array(values, mask=None if known is None else ~known).cast(pa.string()))


def number(vector: Vector) -> Json:
    """Doubles, in the shortest form that reads back to the same value; null where not known."""
    return _null_as_text(pa.array(vector.values, mask=~vector.known).cast(pa.string()))


def money(vector: Vector) -> Json:
    """Amounts in minor units as decimal numbers with two places; null where not known."""
    return _null_as_text(decimals(vector.values, None, pa.decimal128(20, 2)).cast(pa.string()), ~vector.known)


def object_of(**members: Json) -> Json:
    """One object per row from JSON texts by key; keys are sorted."""
    parts: list[Json] = []
    lead = "{"
    for key in sorted(members):
        parts += [f"{lead}{canonical(key)}:", members[key]]
        lead = ","
    return pc.binary_join_element_wise(*_merged([*parts, "}"]), "")


def _merged(parts: list[Json]) -> list[Json]:
    """Neighbouring constants as one, so that Arrow joins fewer pieces."""
    merged: list[Json] = []
    for part in parts:
        if merged and isinstance(part, str) and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return merged


def _null_as_text(texts: pa.Array, unknown: NDArray[np.bool_] | None = None) -> pa.Array:
    if unknown is None:
        return texts.fill_null("null") if texts.null_count else texts
    return pc.if_else(pa.array(unknown), "null", texts) if unknown.any() else texts
