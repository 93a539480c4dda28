"""Which pairs of names are worth comparing: those that share enough rare trigrams, found for a whole batch at once.

Put here: the inverted index of trigrams as a sparse matrix, and the search in it. Keep out: how like two names are (match.py).
Names are indexed by their sound, so that transliterations of one name meet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import sparse

from risk_pipeline.screening.names import Name
from risk_pipeline.screening.sounds import sound

# Cosine below which a pair is not looked at: a changed letter costs a short name more of its trigrams than a long one. Measured,
# see docs/decisions/0009.
SHARED_SHORT, SHARED_LONG, SHORT, BY_TRIGRAM = 0.33, 0.48, 12, 0.01
BATCH = 500


class TrigramIndex:
    """An index of listed names; `candidates` gives the pairs for many names of customers."""

    def __init__(self, listed: Sequence[Name]) -> None:
        rows, columns = [], []
        self._vocabulary: dict[str, int] = {}
        for number, name in enumerate(listed):
            for gram in _trigrams(name):
                rows.append(number)
                columns.append(self._vocabulary.setdefault(gram, len(self._vocabulary)))
        frequency = np.bincount(np.array(columns, dtype=np.int64), minlength=len(self._vocabulary))
        self._weight = np.log((2 + len(listed)) / (1 + frequency)).astype(np.float32)
        self._unknown = float(np.log(2 + len(listed)))
        matrix = self._matrix(rows, columns, len(listed), np.zeros(len(listed), dtype=np.float32))
        self._listed = sparse.csc_array(matrix.T)

    def candidates(self, names: Sequence[Name]) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """(places in `names`, places in the listed names) of pairs worth comparing, batch by batch, with flat memory."""
        for start in range(0, len(names), BATCH):
            batch = names[start : start + BATCH]
            grams = [_trigrams(name) for name in batch]
            longer = np.array([len(each) for each in grams]) - SHORT
            least = np.clip(SHARED_SHORT + BY_TRIGRAM * longer, SHARED_SHORT, SHARED_LONG)
            shared = (self._queries(grams) @ self._listed).tocoo()
            alike = shared.data >= least[shared.coords[0]]
            yield shared.coords[0][alike].astype(np.int64) + start, shared.coords[1][alike].astype(np.int64)

    def _queries(self, grams_of: Sequence[set[str]]) -> sparse.csr_array:
        rows, columns = [], []
        unknown = np.zeros(len(grams_of), dtype=np.float32)
        for number, grams in enumerate(grams_of):
            for gram in grams:
                column = self._vocabulary.get(gram)
                if column is None:
                    unknown[number] += self._unknown**2
                else:
                    rows.append(number)
                    columns.append(column)
        return self._matrix(rows, columns, len(grams_of), unknown)

    def _matrix(
        self, rows: Sequence[int], columns: Sequence[int], height: int, further: npt.NDArray[np.float32]
    ) -> sparse.csr_array:
        """Rows of unit length. `further`: squared weight of trigrams that no listed name has, which lengthen a row."""
        weights = self._weight[np.array(columns, dtype=np.int64)]
        lengths = np.bincount(np.array(rows, dtype=np.int64), weights=weights.astype(np.float64) ** 2, minlength=height) + further
        data = weights / np.sqrt(np.maximum(lengths, 1e-9))[np.array(rows, dtype=np.int64)]
        return sparse.csr_array((data.astype(np.float32), (rows, columns)), shape=(height, len(self._vocabulary)))


def _trigrams(name: Name) -> set[str]:
    """Of each word with a blank on either side; a name of one or two letters is its own."""
    found: set[str] = set()
    for word in name.words:
        text = f" {sound(word)} "
        found.update(text[place : place + 3] for place in range(len(text) - 2))
    return found
