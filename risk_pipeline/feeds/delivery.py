"""One delivery of one feed, read: chunks of typed good rows, and the problems of the others.

Put here: the flow from open files through conversion and validation, in parallel and in order, and the source rows behind
problems. Keep out: each step itself (read_files, convert, validate), and what is stored of it (pipeline.ingest, store).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.feeds.convert import Converted, Converter
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.read_files import Chunk, SourceFile, open_source
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.validate import Validator

Opener = Callable[[Receipt, FeedSpec, Path], SourceFile]


@dataclass(frozen=True)
class Checked:
    """A converted and validated chunk of the file with that number in the delivery."""

    file_number: int
    chunk: Converted


@dataclass(frozen=True)
class FileFacts:
    """What is recorded about a source file that was read."""

    receipt: Receipt
    rows: int
    facts: Mapping[str, object]
    warnings: Mapping[str, int]

    def as_dict(self) -> dict[str, object]:
        """One entry of the delivery's `files`."""
        return {**self.receipt.as_dict(), "rows": self.rows, **self.facts}


class DeliveryReader:
    """Reads the files of one delivery by one spec. `identity`: the store's SQL for row_hash, key_hash and bucket.

    `work` is a folder for UTF-8 copies; `threads` chunks are worked on at once; `opener` opens the file of a receipt.
    """

    def __init__(
        self,
        spec: FeedSpec,
        receipts: Sequence[Receipt],
        *,
        identity: Mapping[str, str],
        work: Path,
        threads: int,
        opener: Opener = open_source,
    ) -> None:
        self._spec = spec
        self._receipts = tuple(receipts)
        self._identity = identity
        self._work = work
        self._threads = threads
        self._open = opener
        self.files: list[FileFacts] = []

    def read(self) -> Iterator[Checked]:
        """Every chunk of every file, in order. Refused for a file that cannot be trusted; `files` is filled as they end."""
        first_seq = 0
        with ThreadPoolExecutor(self._threads, thread_name_prefix="feed") as pool:
            for number, receipt in enumerate(self._receipts):
                source = self._open(receipt, self._spec, self._work)
                rows = 0
                for chunk in self._in_parallel(pool, source, first_seq):
                    rows += chunk.rows_read
                    yield Checked(number, chunk)
                first_seq += rows
                receipt.check_unchanged()
                # Replayed rows of a typed file are text by then: which columns held days must be remembered.
                days = {"iso_dates": sorted(source.iso_dates)} if source.iso_dates else {}
                self.files.append(FileFacts(receipt, rows, {**source.facts(), **days}, source.warnings()))

    def source_rows(self, wanted: npt.NDArray[np.int64]) -> Iterator[tuple[int, str]]:
        """(number, row as JSON of text) for the rows of these running numbers, ascending, reading the files once more.

        By number, not by line: of a wide source, many rows stand on one line. Call it when `read` has ended.
        """
        first = 0
        for receipt, facts in zip(self._receipts, self.files, strict=True):
            mine = wanted[(wanted >= first) & (wanted < first + facts.rows)]
            if len(mine):
                source = self._open(receipt, self._spec, self._work)
                names = [name for name in dict.fromkeys(source.header) if name]
                at = first
                for chunk in source.chunks():
                    hits = mine[(mine >= at) & (mine < at + len(chunk))]
                    if len(hits):
                        found = chunk.text(names).take(pa.array(hits - at)).to_pylist()
                        for number, row in zip(hits.tolist(), found, strict=True):
                            yield number, json.dumps(row, ensure_ascii=False, separators=(",", ":"))
                    at += len(chunk)
            first += facts.rows

    def _in_parallel(self, pool: ThreadPoolExecutor, source: SourceFile, first_seq: int) -> Iterator[Converted]:
        """Chunks in order, at most `threads` + 1 of them in memory."""
        # One pair of tools for each thread; the first is made here, so that a wrong spec shows even in a file without rows.
        tools = SimpleQueue[tuple[Converter, Validator]]()
        tools.put(self._tools(source))

        def work(chunk: Chunk, seq: int) -> Converted:
            try:
                pair = tools.get_nowait()
            except Empty:
                pair = self._tools(source)
            try:
                return _check(*pair, chunk, seq)
            finally:
                tools.put(pair)

        running: deque[Future[Converted]] = deque()
        try:
            for chunk in source.chunks():
                running.append(pool.submit(work, chunk, first_seq))
                first_seq += len(chunk)
                if len(running) > self._threads:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()
        finally:
            for each in running:
                each.cancel()

    def _tools(self, source: SourceFile) -> tuple[Converter, Validator]:
        converter = Converter(self._spec, source.header, identity=self._identity, iso_dates=source.iso_dates)
        return converter, Validator(self._spec)


def _check(converter: Converter, validator: Validator, chunk: Chunk, first_seq: int) -> Converted:
    text, lines = chunk.text(converter.source_columns), pa.array(chunk.lines)
    converted = converter.convert(text, lines, first_seq, trim=chunk.may_have_blanks())
    if not len(converted.rows):
        return converted
    good, problems = validator.check(converted.rows)
    if good is None:
        return converted
    kept, rejected = converted.rows.filter(good), converted.rows.filter(pc.invert(good))
    return replace(
        converted,
        rows=kept,
        problems=pa.concat_tables([converted.problems, problems]),
        held=pa.concat_arrays([converted.held, rejected.column("key_hash").combine_chunks()]),
        rows_rejected=converted.rows_rejected + len(rejected),
    )
