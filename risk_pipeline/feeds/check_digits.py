"""Check digits of registration numbers: LEI and the Chinese Unified Social Credit Code.

Put here: pure arithmetic over arrays of text. Keep out: which columns are checked, and what a failure means (convert: a
warning; a wrong check digit is a typing error to look at, not a reason to lose the customer).
Sources: ISO 17442-1 with ISO 7064 MOD 97-10 (LEI), GB 32100-2015 (USCC).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
_NO_SIGN = 255


def lei_is_valid(numbers: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    """Per number: 20 signs whose value, letters as 10 to 35, leaves 1 modulo 97. NULL is valid."""
    signs, given, well_formed = _signs(numbers, 20, _LETTERS)
    rest = np.zeros(len(signs), dtype=np.int64)
    for place in range(20):
        value = signs[:, place]
        rest = (np.where(value < 10, rest * 10, rest * 100) + value) % 97
    return ~given | (well_formed & (rest == 1))


def uscc_is_valid(numbers: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.bool_]:
    """Per number: 18 signs, the last being 31 minus the sum of the others times 3^place, modulo 31. NULL is valid."""
    signs, given, well_formed = _signs(numbers, 18, _USCC_SIGNS)
    weights = np.array([pow(3, place, 31) for place in range(17)], dtype=np.int64)
    expected = -(signs[:, :17] @ weights) % 31
    return ~given | (well_formed & (signs[:, 17] == expected))


def _signs(
    numbers: pa.ChunkedArray | pa.Array, length: int, alphabet: str
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """(values of the signs, one row per number; which numbers are given; which have the right length and signs)."""
    values = np.full(256, _NO_SIGN, dtype=np.int64)
    values[np.frombuffer(alphabet.encode(), dtype=np.uint8)] = np.arange(len(alphabet))
    given = ~np.asarray(numbers.is_null())
    texts = [(text or "").encode()[: length + 1] for text in numbers.to_pylist()]
    fits = np.array([len(text) == length for text in texts], dtype=np.bool_)
    padded = np.array([text.ljust(length)[:length] for text in texts], dtype=f"S{length}")
    signs = values[padded.view(np.uint8).reshape(len(texts), length)]
    return signs, given, fits & (signs != _NO_SIGN).all(axis=1)
