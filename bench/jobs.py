"""What runs inside a measured process: `python -m bench.jobs NAME ARGUMENTS`. Prints one line of JSON.

Put here: one function per job. Imports are done before the clock starts: a job measures the work of a warm process. Keep
out: medians, ratios and targets (lines.py).
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path

from bench.data import AS_OF, NOW, REPORTING
from bench.measure import Figures, cpu_seconds, peak_megabytes


def script(workspace: str, out: str) -> Figures:
    """The hand-written script on the feed parts of a workspace."""
    import duckdb

    from bench.hand_script import main

    duckdb.connect().execute("SELECT 1").fetchall()
    start, used = time.perf_counter(), cpu_seconds()
    main(Path(workspace) / "warehouse/lake/feed", Path(out), AS_OF, REPORTING)
    return {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - used, "megabytes": peak_megabytes()}


def evidence_script(workspace: str, out: str) -> Figures:
    """The hand-written script with evidence on the feed parts of a workspace."""
    import duckdb

    from bench.evidence_script import default_policy, main

    duckdb.connect().execute("SELECT 1").fetchall()
    default_policy()
    start, used = time.perf_counter(), cpu_seconds()
    main(Path(workspace) / "warehouse/lake/feed", Path(out), AS_OF, REPORTING)
    return {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - used, "megabytes": peak_megabytes()}


def assess(workspace: str, warm_up: str, profile: str = "") -> Figures:
    """pipeline.assess, publish included, after one assessment of a small workspace in the same process.

    seconds is without the Great Expectations suites and the checks between feeds; expectations and feeds are their times.
    """
    from risk_pipeline.pipeline.assess import Assessment, assess
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    def once(root: str) -> Assessment:
        space = Workspace.load(root)
        return assess(space, Register.open(space.register_url), as_of=AS_OF, now=NOW)

    once(warm_up)
    if profile:
        import cProfile

        profiler = cProfile.Profile()
        profiler.runcall(once, workspace)
        profiler.dump_stats(profile)
        return {"profile": profile}
    start, used = time.perf_counter(), cpu_seconds()
    outcome = once(workspace)
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - used
    suites = sum(taken for step, taken in outcome.seconds.items() if step.endswith((" expectations", " expectations_import")))
    feeds = sum(taken for step, taken in outcome.seconds.items() if step.endswith(" feeds"))
    return {
        "seconds": seconds - suites - feeds,
        "expectations": suites,
        "feeds": feeds,
        "cpu": cpu - suites,  # wall time of the suites: right on an idle machine, too much taken off on a busy one
        "megabytes": peak_megabytes(),
        "run_id": outcome.run_id,
        "steps": outcome.seconds,
    }


def many(workspace: str, copies: str) -> Figures:
    """Make the facts of very many customers out of a workspace with evidence."""
    from bench.many import many_customers

    many_customers(Path(workspace), int(copies))
    return {}


def decide(workspace: str) -> Figures:
    """Run.decide of the run that `many` left open: facts read, everybody decided, score, decision and mart tables written."""
    from bench.many import RUN
    from risk_pipeline.pipeline.run import Run
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    space = Workspace.load(workspace)
    with Run.open(space, Register.open(space.register_url), run_id=RUN, as_of=AS_OF, now=NOW) as run:
        start, used = time.perf_counter(), cpu_seconds()
        staged = run.decide()
        seconds, cpu = time.perf_counter() - start, cpu_seconds() - used
    rows = {name: each.rows for name, each in staged.items()}
    return {"seconds": seconds, "cpu": cpu, "megabytes": peak_megabytes(), "rows": rows}


def lineage(workspace: str) -> Figures:
    """Questions to a published assessment: the rows behind a limit (the first of the process, and another), what one invoice row
    touched; and hashing all its tables as publication does.
    """
    import os

    import duckdb

    from risk_pipeline.contracts import table
    from risk_pipeline.lineage.canonical_hash import hash_tables
    from risk_pipeline.pipeline.impact import find, impact
    from risk_pipeline.pipeline.replay import published_run
    from risk_pipeline.pipeline.source_rows import published_files
    from risk_pipeline.pipeline.trace import DEFAULT_COLUMN, trace
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    space = Workspace.load(workspace)
    register = Register.open(space.register_url)
    record = published_run(register, str(AS_OF))
    files = published_files(space, record)
    ids = f"SELECT customer_id FROM '{files['factor.open_item']}' GROUP BY ALL ORDER BY COUNT(*) DESC, customer_id LIMIT 2"
    customers = [row[0] for row in duckdb.connect().execute(ids).fetchall()]
    clock, found = [time.perf_counter()], []
    for each in customers:
        found.append(trace(space, register, record, each, *DEFAULT_COLUMN))
        clock.append(time.perf_counter())
    row = next(each for each in reversed(found[0].rows) if each.feed == "invoice")
    touched = impact(space, register, find(space, register, str(row.row_id)))
    clock.append(time.perf_counter())
    hash_tables({table(name): path for name, path in files.items()}, space.settings.threads or os.cpu_count() or 1)
    clock.append(time.perf_counter())
    first, second, touching, hashing = (after - before for before, after in pairwise(clock))
    changes = sum(len(each.changes or ()) for each in touched)
    return {
        "seconds": first,
        "second": second,
        "rows": len(found[0].rows),
        "impact": touching,
        "changes": changes,
        "hashes": hashing,
    }


def ingest(workspace: str) -> Figures:
    """Ingest of every feed of a workspace that has not seen its files yet."""
    from risk_pipeline.pipeline.ingest import ingest
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    space = Workspace.load(workspace)
    space.warehouse.mkdir(parents=True, exist_ok=True)
    register = Register.open(space.register_url)
    start, used = time.perf_counter(), cpu_seconds()
    results = ingest(space, register, now=NOW)
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - used
    rows = sum(result.counts["rows_stored"] for result in results)
    return {"seconds": seconds, "cpu": cpu, "rows": rows, "megabytes": peak_megabytes()}


def pandas_read_csv(file: str) -> Figures:
    """A bare pandas.read_csv of the file: types guessed, nothing checked, nothing stored."""
    import pandas as pd

    start, used = time.perf_counter(), cpu_seconds()
    rows = len(pd.read_csv(file))
    return {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - used, "rows": rows, "megabytes": peak_megabytes()}


def duckdb_read_csv(file: str) -> Figures:
    """A bare DuckDB read_csv of the file into a table in memory: types guessed, nothing checked, nothing stored."""
    import duckdb

    con = duckdb.connect()
    start, used = time.perf_counter(), cpu_seconds()
    con.execute("CREATE TABLE t AS FROM read_csv(?)", [file])
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - used
    [(rows,)] = con.execute("SELECT count(*) FROM t").fetchall()
    return {"seconds": seconds, "cpu": cpu, "rows": rows, "megabytes": peak_megabytes()}


def differences(workspace: str, run_id: str, out: str) -> Figures:
    """How many customers the pipeline and the script see differently, and on what."""
    from bench.compare import compare

    return {"differences": compare(Path(workspace), run_id, Path(out), AS_OF)}


def evidence_differences(workspace: str, run_id: str, out: str) -> Figures:
    """The same with evidence."""
    from bench.compare import compare, with_evidence

    return {"differences": compare(Path(workspace), run_id, Path(out), AS_OF, with_evidence())}


if __name__ == "__main__":
    of_ledger = (script, assess, ingest, pandas_read_csv, duckdb_read_csv, differences)
    jobs = {each.__name__: each for each in (*of_ledger, evidence_script, evidence_differences, many, decide, lineage)}
    print(json.dumps(jobs[sys.argv[1]](*sys.argv[2:])))
