"""`feeds check`: the first and last rows of each feed, before and after its mapping, and those it rejects.

Put here: which files and rows are looked at, and how it is printed. Keep out: conversion (feeds.try_feed). Nothing is stored, no
lock is taken; keys seen before and rows that end are ingest's to tell.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.rejections import rejections
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.chunks import Chunk, SourceFile
from risk_pipeline.feeds.files import find_files, take_receipt
from risk_pipeline.feeds.infer_yaml import wide
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec, load_feeds
from risk_pipeline.feeds.try_feed import Change, Trial, try_feed
from risk_pipeline.settings import Workspace

FIRST, LAST = 1000, 200
_SHOWN_REJECTIONS = 10
_EXAMPLES = 2
_NAME_WIDTH = 20


@dataclass(frozen=True)
class _Checked:
    """One feed looked at. `file`: the file read; `of`: how many files the path means; `refused`: why none could be read."""

    feed: str
    spec: FeedSpec
    file: str = ""
    of: int = 0
    rows: int = 0
    places: str = ""
    trial: Trial | None = None
    refused: Refused | None = None


def check_feeds(root: Path, feeds: Sequence[str] | None, as_json: bool) -> None:
    """Print before and after of a sample of each feed. Refused (exit 3) when the source of one cannot be read."""
    workspace = Workspace.load(root)
    loaded = load_feeds(workspace.feeds_dir, list(feeds) if feeds else None)
    checked = [_checked(workspace, each.spec) for each in loaded]
    if as_json:
        output.print_json({"feeds": [_as_json(each) for each in checked]})
    else:
        out = output.console()
        for each in checked:
            _print(out, each)
    refused = [each for each in checked if each.refused is not None]
    if refused:
        remedies = dict.fromkeys(each.refused.remedy for each in refused if each.refused)
        told = "\n".join(f"feed {each.feed}: {each.refused.message}" for each in refused if each.refused)
        raise Refused(told, remedy="; ".join(remedies))


def _checked(workspace: Workspace, spec: FeedSpec) -> _Checked:
    with tempfile.TemporaryDirectory(prefix="risk-check-") as work:
        try:
            if spec.source.kind == "sql":
                return _trial(spec, _rows_of_database(spec, Path(work)), 1)
            files = find_files(spec.source.path, workspace.data_root, workspace.root)
            if not files:
                raise Refused(
                    f"no file matches {spec.source.path} below {workspace.data_root}",
                    remedy="put the file there, or mend source.path in the feed YAML or data_root in risk.yaml",
                )
            receipt = take_receipt(files[-1], workspace.data_root, workspace.root)
            return _trial(spec, open_source(receipt, spec, Path(work)), len(files))
        except Refused as exc:
            return _Checked(spec.feed, spec, refused=exc)


def _rows_of_database(spec: FeedSpec, work: Path) -> SourceFile:
    from risk_pipeline.feeds.read_sql import fetch

    return fetch(spec, work)


def _trial(spec: FeedSpec, source: SourceFile, files: int) -> _Checked:
    """The first rows of a source, and the last ones where they are others."""
    total, head, tail = 0, list[tuple[Chunk, int]](), deque[tuple[Chunk, int]]()
    for chunk in source.chunks():
        if total < FIRST:
            head.append((chunk, total))
        tail.append((chunk, total))
        while len(tail) > 1 and total + len(chunk) - tail[1][1] >= LAST:
            tail.popleft()
        total += len(chunk)
    first = [(chunk, 0, FIRST - start) for chunk, start in head]
    from_row = max(FIRST, total - LAST)
    last = [(chunk, max(0, from_row - start), len(chunk)) for chunk, start in tail if start + len(chunk) > from_row]
    names = [name for name in dict.fromkeys(source.header) if name]
    parts = [(chunk.text(names).slice(start, stop - start), chunk.lines[start:stop]) for chunk, start, stop in (*first, *last)]
    if not total:
        raise Refused(f"{source.receipt.name}: no rows below the header", remedy="deliver the file again")
    text = pa.concat_tables([each for each, _ in parts]).combine_chunks()
    lines = [line for _, each in parts for line in each.tolist()]
    trial = try_feed(spec, text, pa.array(lines, pa.int64()), source.iso_dates)
    return _Checked(spec.feed, spec, source.receipt.name, files, total, _places(lines, total), trial)


def _places(lines: Sequence[int], total: int) -> str:
    """Which lines were looked at."""
    if len(lines) == total:
        return f"all {total:,} rows"
    return f"the first {FIRST:,} and the last {len(lines) - FIRST:,} of {total:,} rows"


# Printing


def _print(out: Console, checked: _Checked) -> None:
    trial = checked.trial
    output.heading(out, f"feed {checked.feed}")
    if trial is None:
        out.print(f"refused: {checked.refused.message if checked.refused else ''}", soft_wrap=True)
        return
    newest = f" (the last of {checked.of} files)" if checked.of > 1 else ""
    out.print(f"{checked.file}{newest}: {checked.places}", soft_wrap=True)
    told = f"{trial.good:,} good, {trial.filtered:,} filtered out, {trial.rejected:,} rejected"
    if trial.same_key:
        told += f", {trial.same_key:,} of the good ones share a key ({checked.spec.duplicates})"
    out.print(told)
    for name, count in sorted(trial.warnings.items()):
        out.print(f"warning {name}: {count:,}")
    out.print()
    _print_changes(out, checked, trial)
    if trial.rejections:
        out.print()
        name = checked.file.rsplit("/", 1)[-1]
        shown = trial.rejections[:_SHOWN_REJECTIONS]
        rows = [(checked.feed, f"{name}:{each.line}", each.rule, each.column, each.value) for each in shown]
        out.print(rejections(rows, ["feed", "file:line", "rule", "column", "value"], out.width))
        if len(trial.rejections) > _SHOWN_REJECTIONS:
            out.print(f"the first {_SHOWN_REJECTIONS} of {len(trial.rejections):,} broken cells; all with --json")


def _print_changes(out: Console, checked: _Checked, trial: Trial) -> None:
    """Two examples of each column, side by side; cells that are too wide are cut."""
    free = max(20, out.width - 2 * _NAME_WIDTH - 10) // 2
    rows = []
    for column in checked.spec.mapped:
        changes = trial.changes[column.name] or (Change("", ""),)
        own = checked.spec.columns[column.name]
        source = " ".join(own.source_columns) or "(constant)"
        share = f"{100 * trial.filled[column.name] // trial.good} %" if trial.good else ""
        changed = [each for each in changes if each.before != each.after][:_EXAMPLES] or list(changes[:1])
        for number, each in enumerate(changed):
            first = (column.name, _cut(source, _NAME_WIDTH)) if number == 0 else ("", "")
            rows.append((*first, _cut(each.before, free), _cut(each.after, free), share if number == 0 else ""))
    out.print(output.table(["column", "from", "before", "after", "filled"], rows, numeric=[4]))


def _cut(text: str, width: int) -> str:
    """At most so many columns of the screen."""
    text = " ".join(text.split())
    while wide(text) > width:
        text = text[:-2] + "…"
    return text


def _as_json(checked: _Checked) -> dict[str, Any]:
    trial = checked.trial
    told: dict[str, Any] = {
        "feed": checked.feed,
        "file": checked.file,
        "files": checked.of,
        "rows": checked.rows,
        "refused": checked.refused.message if checked.refused else None,
    }
    if trial is None:
        return told
    return {
        **told,
        "looked_at": trial.rows,
        "good": trial.good,
        "filtered": trial.filtered,
        "rejected": trial.rejected,
        "same_key": trial.same_key,
        "warnings": dict(trial.warnings),
        "columns": [
            {"column": name, "filled": trial.filled[name], "examples": [asdict(each) for each in changes]}
            for name, changes in trial.changes.items()
        ],
        "rejections": [asdict(each) for each in trial.rejections],
    }
