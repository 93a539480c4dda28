"""`feeds infer` and `feeds check`: a feed YAML proposed from a file, and a sample of each feed before and after its mapping.

Put here: options, where the file lies for the YAML, what is printed and written. Keep out: what is proposed (feeds.infer) and how
rows are converted (feeds). Nothing is stored by either command.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from risk_pipeline.cli import output
from risk_pipeline.cli.arguments import where_option
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.files import Receipt, take_receipt
from risk_pipeline.feeds.infer import FeedProposal, Proposal
from risk_pipeline.feeds.infer_columns import Answers
from risk_pipeline.feeds.infer_ledger import infer
from risk_pipeline.feeds.infer_yaml import as_mapping, as_yaml, wide
from risk_pipeline.feeds.sample import Given, Sample, Told, read_sample
from risk_pipeline.feeds.spec import FeedSpec, load_spec
from risk_pipeline.feeds.try_feed import Trial, try_feed
from risk_pipeline.settings import Workspace

_ORDERS = {"dmy": "dmy", "mdy": "mdy", "ymd": "ymd", "day-first": "dmy", "month-first": "mdy", "year-first": "ymd"}


@dataclass(frozen=True)
class Options:
    """What the user typed beside the file."""

    feed: str | None
    date_order: str | None
    currency: str | None
    decimal: str | None
    encoding: str | None
    sheet: str | None
    formats: Sequence[str]
    mapping: Sequence[str]
    constants: Sequence[str]


@dataclass(frozen=True)
class _Result:
    """A proposal with the YAML of each feed and, where nothing is open, its trial on the sample."""

    name: str
    path: str
    sample: Sample
    proposal: Proposal
    yaml: Mapping[str, str]
    trials: Mapping[str, Trial]
    doubts: Sequence[tuple[str, str]]


def infer_file(root: Path, file: Path, options: Options, write: bool, as_json: bool) -> None:
    """Propose the feeds of a file; `write` them into the workspace. UsageError while something must be decided by a person."""
    workspace = Workspace.load(root) if write or (root / "risk.yaml").is_file() else None
    result = _proposed(workspace, file, options)
    questions = result.proposal.questions
    written = _written(workspace, result) if write and workspace is not None and not questions else []
    if as_json:
        output.print_json(_as_json(result, written))
    else:
        _print(output.console(), workspace, result, written, write)
    if questions:
        raise _undecided(questions, write)


def _proposed(workspace: Workspace | None, file: Path, options: Options) -> _Result:
    if not file.is_file():
        raise UsageError(
            f"{file} is no file", remedy="name one export; several files of one kind are read by a pattern in source.path"
        )
    receipt = take_receipt(file.resolve(), *([workspace.data_root, workspace.root] if workspace else []))
    path, outside = _path(workspace, receipt)
    with tempfile.TemporaryDirectory(prefix="risk-infer-") as work:
        sample = read_sample(receipt, Given(options.encoding, options.sheet), Path(work))
    proposal = infer(file.name, sample, _answers(workspace, options))
    about_source = [*_source_doubts(path, sample), *([outside] if outside else [])]
    trials = {}
    for feed in proposal.feeds:
        if not feed.questions:
            spec = FeedSpec.model_validate(as_mapping(feed, {"path": path, **sample.keys}))
            trials[feed.feed] = try_feed(spec, sample.rows, sample.lines, sample.iso_dates)
    yaml = {each.feed: as_yaml(each, path, sample.source, _intro(file.name, sample), about_source) for each in proposal.feeds}
    doubts = [("source", text) for text in about_source]
    return _Result(file.name, path, sample, proposal, yaml, trials, [*doubts, *_doubts(proposal, trials)])


def _answers(workspace: Workspace | None, options: Options) -> Answers:
    order = _ORDERS.get(options.date_order.lower()) if options.date_order else None
    if options.date_order and order is None:
        raise UsageError(f"--date-order {options.date_order!r} is no order", remedy="write dmy, mdy or ymd")
    if options.currency and options.currency not in CURRENCIES:
        raise UsageError(f"--currency {options.currency!r} is no ISO 4217 code", remedy="write for example EUR, USD or CNY")
    if options.decimal and options.decimal not in (".", ","):
        raise UsageError(f"--decimal {options.decimal!r} is no decimal mark", remedy="write . or ,")
    return Answers(
        date_order=order,
        decimal=options.decimal,
        currency=options.currency,
        feed=_known_feed(options.feed),
        formats=_pairs("--date-format", options.formats, "COLUMN=FORMAT"),
        mapping=_pairs("--map", options.mapping, "CANONICAL=COLUMN"),
        constants=_pairs("--set", options.constants, "CANONICAL=VALUE"),
        zone=workspace.settings.time_zone if workspace else "UTC",
    )


def _known_feed(feed: str | None) -> str | None:
    from risk_pipeline.contracts import FEED_TABLES

    names = [each.name for each in FEED_TABLES]
    if feed is not None and feed not in names:
        raise UsageError(f"--feed {feed!r} is no feed", remedy=f"there are {', '.join(names)}")
    return feed


def _pairs(option: str, given: Sequence[str], form: str) -> dict[str, str]:
    wrong = next((each for each in given if not all(part.strip() for part in each.partition("=")[::2])), None)
    if wrong is not None:
        raise UsageError(f"{option} {wrong!r} is not understood", remedy=f"write it as {option} {form}")
    return {name.strip(): value.strip() for name, _, value in (each.partition("=") for each in given)}


def _path(workspace: Workspace | None, receipt: Receipt) -> tuple[str, str]:
    """`source.path` for the YAML, and what is wrong with where the file lies, if anything."""
    if workspace is None:
        return receipt.path.name, "the path starts at data_root of a workspace: put the file there"
    for base in (workspace.data_root.resolve(), workspace.root.resolve()):
        if receipt.path.is_relative_to(base):
            inside = receipt.path.relative_to(base).as_posix()
            path = inside if base == workspace.data_root.resolve() else receipt.path.as_posix()
            return re.sub(r"[*?\[\]]", "?", path), ""
    return receipt.path.name, f"the file lies outside the workspace and its data_root {workspace.data_root}: move it there"


def _source_doubts(path: str, sample: Sample) -> Iterator[str]:
    if re.search(r"\d{4,}|\d{1,2}[-_.]\d{1,2}", Path(path).stem):
        pattern = re.sub(r"\d[\d_.-]*\d", "*", Path(path).name, count=1)
        yield f"the file's name holds numbers: if the next one is called otherwise, write a pattern such as {pattern}"
    if not sample.complete:
        yield f"only the first {len(sample):,} rows were looked at"
    if sample.warnings.get("no_final_newline"):
        yield "the last line has no line end: is the file whole?"


def _intro(name: str, sample: Sample) -> list[str]:
    rows = f"its {len(sample):,} rows" if sample.complete else f"its first {len(sample):,} rows"
    return [
        f"Proposed by `risk-pipeline feeds infer` from {name} and {rows}. Columns without a comment"
        " were recognised by their name. Look at the lines marked `unsure`."
    ]


def _doubts(proposal: Proposal, trials: Mapping[str, Trial]) -> Iterator[tuple[str, str]]:
    """(feed.key, doubt): those of the proposal, each text once, and what the trial found."""
    seen: set[str] = set()
    for feed in proposal.feeds:
        for key, text in feed.every_doubt():
            if text not in seen:
                seen.add(text)
                yield f"{feed.feed}.{key}", text
        if feed.feed in trials:
            yield from ((feed.feed, text) for text in _found(trials[feed.feed]))


def _found(trial: Trial) -> Iterator[str]:
    judged = trial.rows - trial.filtered
    if trial.rejected:
        rules = Counter((each.column, each.rule) for each in trial.rejections)
        told = ", ".join(f"{column} {rule} ({count:,})" for (column, rule), count in rules.most_common(4))
        first = trial.rejections[0]
        yield (
            f"{trial.rejected:,} of {judged:,} rows would be rejected: {told}; first on line {first.line}"
            + (f": {first.value!r}" if first.value else "")
            + (". More than 5 %: ingest would refuse the file" if trial.rejected * 20 > judged else "")
        )
    if trial.same_key:
        yield f"{trial.same_key:,} rows share their key with a different row and would be rejected (duplicate_key)"


# Writing


def _written(workspace: Workspace | None, result: _Result) -> list[Path]:
    """The feed YAMLs, all or none. UsageError when the workspace has one of the feeds already, or the file lies elsewhere."""
    assert workspace is not None
    if any("outside the workspace" in text for _, text in result.doubts):
        raise UsageError(
            f"{result.name} lies outside the workspace and its data_root {workspace.data_root}",
            remedy="move it below one of them, or set data_root in risk.yaml; then infer again",
        )
    present = {load_spec(each).feed: each for each in sorted(workspace.feeds_dir.glob("*.y*ml"))}
    taken = next((present[feed] for feed in result.yaml if feed in present), None)
    targets = {feed: workspace.feeds_dir / f"{feed}.yaml" for feed in result.yaml}
    taken = taken or next((path for path in targets.values() if path.exists()), None)
    if taken is not None:
        raise UsageError(
            f"{taken} is there already, and nothing of yours is written over", remedy="move it away, or choose one with --feed"
        )
    workspace.feeds_dir.mkdir(exist_ok=True)
    for feed, path in targets.items():
        path.write_text(result.yaml[feed], encoding="utf-8")
    return list(targets.values())


def _undecided(questions: Sequence[str], write: bool) -> UsageError:
    listed = "\n".join(f"  {number}. {text}" for number, text in enumerate(questions, 1))
    count = "one thing" if len(questions) == 1 else f"{len(questions)} things"
    return UsageError(
        f"{count} must be decided by you, for a guess would load wrong values{'; nothing was written' if write else ''}:"
        f"\n{listed}",
        remedy="run it again with the options named above",
    )


# Printing


def _print(out: Console, workspace: Workspace | None, result: _Result, written: Sequence[Path], write: bool) -> None:
    sample = result.sample
    keys = ", ".join(_told(each) for each in sample.source)
    out.print(
        f"{result.name}: {keys}; {len(sample.header)} columns, {'' if sample.complete else 'first '}{len(sample):,} rows",
        soft_wrap=True,
    )
    if not write:
        for feed, text in result.yaml.items():
            output.heading(out, f"feeds/{feed}.yaml")
            print(text, end="")
    output.heading(out, "Feeds")
    out.print(
        output.table(
            ["feed", "columns", "good", "filtered out", "rejected", "file"],
            _feed_rows(workspace, result, written),
            numeric=(1, 2, 3, 4),
        )
    )
    unused = [f"{name} ({why})" if why else name for name, why in result.proposal.unused.items()]
    if unused:
        output.heading(out, "Columns no feed reads")
        _item(out, "", ", ".join(unused))
    if result.doubts:
        output.heading(out, f"Not sure: look at these ({len(result.doubts)})")
        for key, text in result.doubts:
            _item(out, key, text)
    out.print()
    if written and workspace is not None:
        where = where_option(workspace)
        out.print(f"Next: risk-pipeline feeds check{where}; then risk-pipeline ingest{where}", soft_wrap=True)
    elif not result.proposal.questions:
        out.print("To write it into feeds/ of a workspace, add --write.")


def _told(each: Told) -> str:
    """One key of `source` in words."""
    match each.key:
        case "format":
            return str(each.value)
        case "delimiter":
            return each.evidence.partition(":")[0] or str(each.value)
        case "unpivot":
            return each.evidence
        case _:
            return f"{each.key} {each.value}"


def _feed_rows(workspace: Workspace | None, result: _Result, written: Sequence[Path]) -> Iterator[tuple[Any, ...]]:
    for feed in result.proposal.feeds:
        trial = result.trials.get(feed.feed)
        figures = (f"{trial.good:,}", f"{trial.filtered:,}", f"{trial.rejected:,}") if trial else ("", "", "")
        file = "undecided" if trial is None else "written" if written else "proposed"
        yield feed.feed, len(feed.columns), *figures, file


def _item(out: Console, key: str, text: str) -> None:
    """A paragraph below its key, indented."""
    width = max(40, min(out.width, 100)) - 4
    lines, line = [], ""
    for word in (f"{key}: {text}" if key else text).split():
        if line and wide(line) + 1 + wide(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    for number, each in enumerate([*lines, line]):
        out.print(f"{'- ' if number == 0 else '  '}{each}", soft_wrap=True)


def _as_json(result: _Result, written: Sequence[Path]) -> dict[str, Any]:
    return {
        "file": result.name,
        "path": result.path,
        "rows": len(result.sample),
        "complete": result.sample.complete,
        "source": {each.key: {"value": each.value, "evidence": each.evidence} for each in result.sample.source},
        "feeds": [_feed_json(result, each) for each in result.proposal.feeds],
        "unused": dict(result.proposal.unused),
        "unsure": [{"key": key, "text": text} for key, text in result.doubts],
        "questions": list(result.proposal.questions),
        "written": list(written),
    }


def _feed_json(result: _Result, feed: FeedProposal) -> dict[str, Any]:
    trial = result.trials.get(feed.feed)
    return {
        "feed": feed.feed,
        "spec": as_mapping(feed, {"path": result.path, **result.sample.keys}),
        "columns": [
            {"column": each.column, "evidence": each.evidence, "unsure": each.doubts, "questions": each.questions}
            for each in feed.columns
        ],
        "yaml": result.yaml[feed.feed],
        "trial": None
        if trial is None
        else {"rows": trial.rows, "good": trial.good, "filtered": trial.filtered, "rejected": trial.rejected},
    }
