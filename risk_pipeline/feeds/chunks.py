"""What every reader of a source gives: chunks of text rows that know the line they stand on.

Put here: the two types readers and the pipeline share. Keep out: any reader (read_*.py) and choosing one (read_files.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_pipeline.feeds.files import Receipt


@dataclass(frozen=True)
class Chunk:
    """Some rows of one file. `lines`: the physical line each begins on (Parquet: the row number, from 1).

    `text(names)` gives those source columns as Arrow strings; `may_have_blanks()` is false when no cell begins or ends with
    a blank. Both are functions so that they can run in a worker thread.
    """

    lines: npt.NDArray[np.int64]
    text: Callable[[Sequence[str]], pa.Table]
    may_have_blanks: Callable[[], bool] = lambda: True

    def __len__(self) -> int:
        return len(self.lines)


class SourceFile(Protocol):
    """An open source file: what it is called, which columns it has, its rows."""

    receipt: Receipt
    header: list[str]
    iso_dates: frozenset[str]

    def chunks(self) -> Iterator[Chunk]: ...

    def facts(self) -> dict[str, object]: ...

    def warnings(self) -> dict[str, int]: ...
