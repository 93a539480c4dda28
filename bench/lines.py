"""The lines of the bench: what is measured, its target, and whether it was met.

Put here: one function per line, built from jobs. Keep out: the measured work (jobs.py) and starting it (measure.py).
"""

from __future__ import annotations

import math
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.data import AS_OF, bench_dir, csv_ledger, evidence_workspace, workspace
from bench.measure import Figures, copy_of, job, medians, seconds_of

COMMAND = Path(sys.executable).with_name("risk-pipeline")


@dataclass(frozen=True)
class Sizes:
    """Customers of the small and the large ledger (20 invoices each), of the two CSV ledgers, how often the large one is copied
    for decisions alone, and runs per figure.
    """

    small: int
    large: int
    csv_small: int
    csv_large: int
    copies: int
    runs: int


FULL = Sizes(small=10_000, large=100_000, csv_small=50_000, csv_large=500_000, copies=10, runs=3)
QUICK = Sizes(small=1_000, large=5_000, csv_small=2_500, csv_large=10_000, copies=2, runs=1)
WARM_UP = 200
MANY_ROWS = (("score", "contribution"), ("decision", "alert"), ("decision", "treatment"))  # tables worth naming


@dataclass(frozen=True)
class Line:
    """One row of the table. `limit` is the largest value allowed, or the smallest when `at_least`; None = shown only."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        if self.limit is None:
            return True
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def target(self) -> str:
        if self.limit is None:
            return ""
        return f"{'>=' if self.at_least else '<='} {self.limit:,g} {self.unit}".strip()


@cache
def both(customers: int, runs: int, *, evidence: bool = False) -> tuple[Figures, Figures]:
    """The pipeline and the script on the same data, turn by turn, results compared each time: their median figures."""
    made, prefix = (evidence_workspace, "evidence_") if evidence else (workspace, "")
    pipeline: list[Figures] = []
    script: list[Figures] = []
    for _ in range(runs):
        with copy_of(made(customers)) as root, copy_of(made(WARM_UP)) as small:
            out = root / "script"
            script.append(job(f"{prefix}script", root, out))
            pipeline.append(job("assess", root, small))
            different = job(f"{prefix}differences", root, pipeline[-1]["run_id"], out)["differences"]
            if different:
                raise SystemExit("bench: pipeline and hand-written script disagree\n" + "\n".join(different))
    return medians(pipeline), medians(script)


def assess(sizes: Sizes) -> Iterator[Line]:
    """The pipeline against the script on the large ledger."""
    pipeline, script = both(sizes.large, sizes.runs)
    size = f"{sizes.large:,} customers, {sizes.large * 20:,} invoices"
    yield Line(
        "hand-written script",
        script["seconds"],
        "s",
        note=f"{size}; {script['cpu']:.1f} s CPU, peak {script['megabytes']:,.0f} MB",
    )
    note = f"warm process, publish included, without the two lines below; {pipeline['cpu']:.1f} s CPU with the second"
    yield Line("pipeline.assess", pipeline["seconds"], "s", note=note)
    yield Line("Great Expectations suites", pipeline["expectations"], "s", note="8 suites in the same run")
    yield Line(
        "checks between feeds", pipeline["feeds"], "s", note="control totals, unknown invoices and customers in the same run"
    )
    whole = (pipeline["seconds"] + pipeline["feeds"]) / script["seconds"]
    note = f"same results on every customer; {whole:.2f} with the checks between feeds"
    yield Line("pipeline / script", pipeline["seconds"] / script["seconds"], "", 1.5, note=note)
    yield Line("peak memory of assess", pipeline["megabytes"], "MB", 1000, note="Great Expectations included")


def evidence(sizes: Sizes) -> Iterator[Line]:
    """The pipeline against the script where there is evidence: all factor tables, four scorecards."""
    pipeline, script = both(sizes.large, sizes.runs, evidence=True)
    size = f"{sizes.large:,} customers, every evidence feed"
    spent = f"{script['cpu']:.1f} s CPU, peak {script['megabytes']:,.0f} MB"
    yield Line("script with evidence", script["seconds"], "s", note=f"{size}; {spent}")
    note = f"warm process, publish included, without suites and checks between feeds; {pipeline['cpu']:.1f} s CPU with the latter"
    yield Line("assess with evidence", pipeline["seconds"], "s", note=note)
    note = f"suites {pipeline['expectations']:.1f} s, checks between feeds {pipeline['feeds']:.1f} s in the same run"
    yield Line("pipeline / script, evidence", pipeline["seconds"] / script["seconds"], "", 1.5, note=f"same results; {note}")
    yield Line("peak memory with evidence", pipeline["megabytes"], "MB", 1500, note="Great Expectations included")


def decide(sizes: Sizes) -> Iterator[Line]:
    """Decisions alone, of very many customers: evidence of every kind, every rule of the default policy, an assessment before."""
    customers = sizes.large * sizes.copies
    with copy_of(evidence_workspace(sizes.large)) as root:
        job("many", root, sizes.copies)
        found = medians([job("decide", root) for _ in range(sizes.runs)])
    rows = found["rows"]
    if rows["decision.risk_tier"] != customers:
        raise SystemExit(f"bench: {rows['decision.risk_tier']} of {customers} customers were decided")
    told = ", ".join(f"{rows[f'{layer}.{name}']:,} {name}s" for layer, name in MANY_ROWS)
    yield Line(f"decide {customers:,} customers", found["seconds"], "s", 60, note=f"{told} written; {found['cpu']:.1f} s CPU")
    yield Line("peak memory of decide", found["megabytes"], "MB", 2000, note="imports and the database engine included")


def lineage(sizes: Sizes) -> Iterator[Line]:
    """Questions to one published assessment, and what it costs that they can be asked: the hashes of every table."""
    with copy_of(evidence_workspace(sizes.large)) as root, copy_of(workspace(WARM_UP)) as small:
        run = job("assess", root, small)
        found = medians([job("lineage", root) for _ in range(sizes.runs)])
    asked = f"{sizes.large:,} customers; {found['rows']} rows behind a limit, after imports; another {found['second']:.1f} s"
    yield Line("trace", found["seconds"], "s", 1, note=asked)
    yield Line("impact", found["impact"], "s", note=f"of one invoice row: {found['changes']} figures change")
    whole = run["seconds"] + run["expectations"] + run["feeds"]
    note = f"{found['hashes']:.1f} s of {whole:.1f} s, publish, suites and checks between feeds included"
    yield Line("hashes / assess", 100 * found["hashes"] / whole, "%", 10, note=note)


def growth(sizes: Sizes) -> Iterator[Line]:
    """How the time of an assessment grows with the number of customers."""
    small, _ = both(sizes.small, sizes.runs)
    large, _ = both(sizes.large, sizes.runs)
    exponent = math.log(large["seconds"] / small["seconds"]) / math.log(sizes.large / sizes.small)
    note = f"{sizes.small:,} customers {small['seconds']:.1f} s, {sizes.large:,} customers {large['seconds']:.1f} s"
    yield Line("growth exponent", exponent, "", 1.05, note=note)


def ingest(sizes: Sizes) -> Iterator[Line]:
    """CSV ingest with validation: speed and memory on the large file, memory against the small one, and the bare readers."""
    figures = {}
    for customers in (sizes.csv_small, sizes.csv_large):
        each = []
        for _ in range(sizes.runs):
            with copy_of(csv_ledger(customers)) as root:
                each.append(job("ingest", root))
        figures[customers] = _all_rows(medians(each), customers)
    small, large = figures[sizes.csv_small], figures[sizes.csv_large]
    speed = large["rows"] / large["seconds"]
    yield Line("CSV ingest", speed, "rows/s", 300_000, at_least=True, note=f"{_spent(large)}; validated and stored")
    yield Line("peak memory of ingest", large["megabytes"], "MB", 1000, note="imports included")
    note = f"{small['rows']:,.0f} rows {small['megabytes']:,.0f} MB, {large['rows']:,.0f} rows {large['megabytes']:,.0f} MB"
    growth = sizes.csv_large // sizes.csv_small
    yield Line(f"ingest memory, {growth} x the rows", large["megabytes"] / small["megabytes"], "x", 1.25, note=note)
    file = csv_ledger(sizes.csv_large) / "data" / "invoice.csv"
    for name, bare in (("pandas.read_csv", "pandas_read_csv"), ("DuckDB read_csv", "duckdb_read_csv")):
        read = _all_rows(medians([job(bare, file) for _ in range(sizes.runs)]), sizes.csv_large)
        note = f"same file, {_spent(read)}, peak {read['megabytes']:,.0f} MB; types guessed, nothing checked or stored"
        yield Line(f"bare {name}", read["rows"] / read["seconds"], "rows/s", note=note)


def _all_rows(figures: Figures, customers: int) -> Figures:
    if figures["rows"] != customers * 20:
        raise SystemExit(f"bench: {figures['rows']} of {customers * 20} CSV rows arrived")
    return figures


def _spent(figures: Figures) -> str:
    return f"{figures['rows']:,.0f} rows in {figures['seconds']:.1f} s, {figures['cpu']:.1f} s CPU"


def command(sizes: Sizes) -> Iterator[Line]:
    """What the command costs beside the work: a run over a ledger so small that all of it is overhead."""
    each = []
    for _ in range(sizes.runs):
        with copy_of(workspace(WARM_UP)) as root:
            each.append({"seconds": seconds_of([COMMAND, "-w", root, "run", "--as-of", str(AS_OF)])})
    note = f"`risk-pipeline run` on {WARM_UP} customers: imports of Dagster and Great Expectations, start, checks"
    yield Line("command overhead", medians(each)["seconds"], "s", 20, note=note)


def help_text(sizes: Sizes) -> Iterator[Line]:
    """The first thing a user types."""
    each = [{"seconds": seconds_of([COMMAND, "--help"])} for _ in range(max(sizes.runs, 3))]
    yield Line("risk-pipeline --help", medians(each)["seconds"], "s", 0.5)


def make_run(sizes: Sizes) -> Iterator[Line]:
    """`make run` on a prepared environment, in a folder of its own: the demo and three month ends."""
    with tempfile.TemporaryDirectory(dir=bench_dir()) as folder:
        yield Line(
            "make run", seconds_of(["make", "run", f"DEMO={folder}/demo"]), "s", 60, note="prepared environment, three month ends"
        )


LINES: dict[str, Callable[[Sizes], Iterator[Line]]] = {
    "assess": assess,
    "evidence": evidence,
    "decide": decide,
    "lineage": lineage,
    "growth": growth,
    "ingest": ingest,
    "command": command,
    "help": help_text,
    "make-run": make_run,
}
