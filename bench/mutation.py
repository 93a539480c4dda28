"""`python -m bench.mutation TESTS...`: put small faults into decision/ and policy/, and see whether the tests notice.

Put here: which tests see a line, running them against a mutant, the score. Keep out: the faults themselves (mutants.py).

First the tests run once under coverage, which notes the lines each of them executes. Then every mutant of a random sample gets a
process of its own, forked from one that has imported the libraries and nothing of the project: the changed module is compiled
in memory, the tests that execute the changed line are run, then the others of its module, until one fails (killed) or the time
is over (survived). What never comes to an end is killed as well. A mutant of a line that no test executes has survived.
Nothing is written into the tree.
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib.abc
import importlib.util
import json
import math
import multiprocessing
import os
import random
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pytest

from bench.mutants import Mutant, mutants_of, mutated

PACKAGES = ("risk_pipeline/decision", "risk_pipeline/policy")
PRELOADED = ("numpy", "pandas", "pyarrow.compute", "pydantic", "yaml", "hypothesis", "duckdb", "sqlalchemy", "sqlglot")
FEWEST = 8  # mutants of a module, however small
HANG_CPU_SECONDS, HANG_SHARE = 60, 20  # beyond its time for tests; seconds on the clock per second of CPU
MEMORY = 8 * 2**30
QUIET = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
BEGIN, END = "<!-- score: written by make mutation -->", "<!-- end of score -->"
Outcome = Literal["killed", "survived", "hangs", "not executed"]


@dataclass(frozen=True)
class Seen:
    """What the run under coverage saw. `seconds` by test; `lines`: file -> line -> tests; "" = while tests were collected."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, Sequence[str]]]

    def stages(self, path: str, line: int) -> list[list[str]] | None:
        """The tests that execute the line, then the others that execute its module; None when the line is never executed."""
        of_file = self.lines.get(path, {})
        if line not in of_file:
            return None
        first = {test for test in of_file[line] if test}
        others = {test for tests in of_file.values() for test in tests if test} - first
        words = [word.rstrip("s") for word in Path(path).stem.split("_")]
        return [stage for stage in (self._ordered(first, words), self._ordered(others, words)) if stage]

    def _ordered(self, tests: Iterable[str], words: Sequence[str]) -> list[str]:
        """File by file, since a fixture of a file is made once: first those named after the module, then quick ones."""
        by_file: dict[str, list[str]] = defaultdict(list)
        for test in sorted(tests):
            by_file[test.partition("::")[0]].append(test)
        cost = {file: sum(self.seconds[test] for test in found) for file, found in by_file.items()}
        files = sorted(by_file, key=lambda file: (not any(word in Path(file).stem for word in words), cost[file], file))
        return [test for file in files for test in by_file[file]]


# ---------------------------------------------------------------- which tests see a line


@dataclass(eq=False)
class _Watch:
    """Notes the lines and the seconds of each test. A fixture of a whole file speaks for every test of the file."""

    coverage: Any
    seconds: dict[str, float] = field(default_factory=dict)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        started = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - started
            self.coverage.switch_context("")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.coverage.switch_context(f"{item.nodeid.partition('::')[0]}::")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self.coverage.switch_context(item.nodeid)


def watch(tests: Sequence[str], to: Path) -> None:
    """Run the tests once under coverage and write what was seen to a file. SystemExit when they fail."""
    import coverage

    cover = coverage.Coverage(data_file=None, source=[package.replace("/", ".") for package in PACKAGES], branch=False)
    cover.start()
    notes = _Watch(cover)
    code = pytest.main([*QUIET, "-x", *tests], plugins=[notes])
    cover.stop()
    if code != 0:
        raise SystemExit(f"mutation: the tests fail without a mutant (pytest says {int(code)})")
    data = cover.get_data()
    lines = {os.path.relpath(file): data.contexts_by_lineno(file) for file in data.measured_files()}
    to.write_text(json.dumps({"seconds": notes.seconds, "lines": lines}), encoding="utf-8")


def read_seen(path: Path) -> Seen:
    """What `watch` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    of_file: dict[str, list[str]] = defaultdict(list)
    for test in found["seconds"]:
        of_file[f"{test.partition('::')[0]}::"].append(test)

    def spelt(contexts: list[str]) -> list[str]:
        return sorted({test for context in contexts for test in of_file.get(context, [context])})

    lines = {file: {int(line): spelt(contexts) for line, contexts in by_line.items()} for file, by_line in found["lines"].items()}
    return Seen(found["seconds"], lines)


# ---------------------------------------------------------------- one mutant


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module its changed code."""

    def __init__(self, module: str, path: Path, number: int) -> None:
        self.module, self.path = module, path
        self.code = compile(mutated(path.read_text(encoding="utf-8"), number), str(path), "exec")

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


@dataclass(eq=False)
class _Verdict:
    """Keeps the tests asked for, in their order, until one fails or the time is over."""

    order: Mapping[str, int]
    until: float
    failed: bool = False

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = sorted((item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failed |= report.failed

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self.failed |= report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        if time.process_time() > self.until:
            raise pytest.exit.Exception("time is over", 0)


def _trial(mutant: Mutant, stages: list[list[str]], seconds: int, to: Connection) -> None:
    """In a process of its own: sends whether a test failed."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds + HANG_CPU_SECONDS,) * 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    _without_shrinking()
    sys.meta_path.insert(0, _Changed(mutant.module, _path(mutant.module), mutant.number))
    until, failed = time.process_time() + seconds, False
    for stage in stages:
        if failed or time.process_time() > until:
            break
        verdict = _Verdict({test: place for place, test in enumerate(stage)}, until)
        code = pytest.main([*QUIET, "-x", *dict.fromkeys(test.partition("::")[0] for test in stage)], plugins=[verdict])
        failed = verdict.failed or code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR)
    to.send(failed)
    to.close()
    os._exit(0)  # no goodbye of threads that a fault may have stopped


def _without_shrinking() -> None:
    """A failing property need not find its simplest case, and the same cases come every time."""
    import hypothesis

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", phases=phases, database=None, derandomize=True, deadline=None)
    hypothesis.settings.load_profile("mutants")


def run(mutants: Sequence[Mutant], seen: Seen, seconds: int, processes: int) -> Iterator[tuple[Mutant, Outcome]]:
    """The outcome of each mutant, as they come. `seconds` of CPU for its tests."""
    for name in PRELOADED:
        __import__(name)
    context = multiprocessing.get_context("fork")
    waiting = list(reversed(mutants))
    running: dict[Connection, tuple[Mutant, Any, float]] = {}
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            stages = seen.stages(str(_path(mutant.module)), mutant.line)
            if stages is None:
                yield mutant, "not executed"
                continue
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_trial, args=(mutant, stages, seconds, there))
            process.start()
            there.close()
            running[here] = (mutant, process, time.monotonic() + HANG_SHARE * (seconds + HANG_CPU_SECONDS))
        for here in _ready(running):
            mutant, process, until = running[here]
            if here.poll():
                yield mutant, _received(here)
            elif time.monotonic() < until:
                continue
            else:
                yield mutant, "hangs"
            process.kill()
            process.join()
            here.close()
            del running[here]


def _ready(running: Mapping[Connection, Any]) -> list[Connection]:
    """Those that have something to say, or all of them after a while, so that who hangs is found."""
    return list(wait(list(running), timeout=5)) or list(running)  # type: ignore[arg-type]


def _received(here: Connection) -> Outcome:
    try:
        return "killed" if here.recv() else "survived"
    except EOFError:
        return "hangs"  # died of its CPU or memory limit


# ---------------------------------------------------------------- sample, score, report


def sample(wanted: Sequence[str], size: int, seed: int) -> list[Mutant]:
    """`size` mutants of the modules whose name ends as one of `wanted`: the same share of each, at least FEWEST."""
    every = {name: mutants_of(name, _path(name).read_text(encoding="utf-8")) for name in _modules(wanted)}
    total = sum(len(found) for found in every.values())
    share = min(1.0, size / total) if size and total else 1.0
    chosen = []
    for name, found in every.items():
        count = min(len(found), max(FEWEST, math.ceil(len(found) * share)))
        chosen += sorted(random.Random(f"{seed} {name}").sample(found, count), key=lambda mutant: mutant.number)
    return chosen


def _modules(wanted: Sequence[str]) -> list[str]:
    paths = [path for package in PACKAGES for path in sorted(Path(package).glob("*.py"))]
    names = [".".join(path.with_suffix("").parts) for path in paths]
    return [name for name in names if not wanted or any(fnmatch.fnmatch(name, f"*{each}") for each in wanted)]


def _path(module: str) -> Path:
    return Path(*module.split(".")).with_suffix(".py")


def table(outcomes: Mapping[Mutant, Outcome], mutants: Mapping[str, int]) -> list[str]:
    """The score per module and over all, as lines of Markdown; `mutants`: how many a module has."""
    lines = [
        "| module | mutants | tried | killed | hang | survived | not executed | score |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows = [(name.removeprefix("risk_pipeline."), [name]) for name in dict.fromkeys(mutant.module for mutant in outcomes)]
    for label, names in [*rows, ("**all**", [name for _, (name,) in rows])]:
        found = [outcome for mutant, outcome in outcomes.items() if mutant.module in names]
        counts = [found.count(each) for each in ("killed", "hangs", "survived", "not executed")]
        cells = [label, str(sum(mutants[name] for name in names)), str(len(found)), *map(str, counts), f"{score(found):.0%}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def score(outcomes: Sequence[Outcome]) -> float:
    """The share of mutants that a test noticed."""
    return sum(outcome in ("killed", "hangs") for outcome in outcomes) / max(1, len(outcomes))


def _put(path: Path, lines: Sequence[str]) -> None:
    """Replace what stands between the markers of a file."""
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"mutation: {path} has no lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.mutation", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("tests", nargs="+", help="files and folders of the tests to run")
    parser.add_argument("--module", action="append", default=[], help="only modules whose name ends so (may be repeated)")
    parser.add_argument("--sample", type=int, default=450, help="how many mutants at least; 0 = all (default: 450)")
    parser.add_argument("--seed", type=int, default=1, help="another seed, another sample")
    parser.add_argument("--seconds", type=int, default=60, help="CPU seconds of tests per mutant")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--seen", type=Path, default=Path(".mutation.json"), help="what each test executes; made when it is not there"
    )
    parser.add_argument("--write", type=Path, help=f"also put the table between the markers of this file ({BEGIN})")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, whatever the score: it is to be read, with its survivors."""
    options = _options(arguments)
    context = multiprocessing.get_context("fork")
    if not options.seen.exists():  # in a process of its own, which may import the project
        process = context.Process(target=watch, args=(options.tests, options.seen))
        process.start()
        process.join()
        if process.exitcode:
            return 1
    seen = read_seen(options.seen)
    chosen = sample(options.module, options.sample, options.seed)
    outcomes: dict[Mutant, Outcome] = {}
    for mutant, outcome in run(chosen, seen, options.seconds, options.processes):
        outcomes[mutant] = outcome
        if outcome not in ("killed", "hangs"):
            text = _path(mutant.module).read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
            print(f"{_path(mutant.module)}:{mutant.line}: {outcome}: {mutant.what}: {text}", flush=True)
    in_order = {mutant: outcomes[mutant] for mutant in chosen}
    sizes = {name: len(mutants_of(name, _path(name).read_text(encoding="utf-8"))) for name in {m.module for m in chosen}}
    lines = table(in_order, sizes)
    print("\n".join(lines))
    if options.write:
        _put(options.write, lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
