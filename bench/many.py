"""Facts of very many customers, for measuring decisions alone: those of the ledger with evidence, over and over.

Put here: how they come to be. Keep out: measuring (jobs.py, lines.py). The ledger is assessed at one month end and published, and
its factor tables are computed for the next; then every row of these tables, and of the decisions before, is there `copies` times,
each for a customer of its own. Ten ledgers would say the same and take half an hour.
"""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.data import AS_OF, NOW

RUN = "many"
BEFORE = date(2026, 9, 30)
MOST_COPIES = 10  # one digit in front of the number of each customer
IDS = ("customer_id", "group_key", "group_parent_id", "alert_id", "treatment_id")
# No feed of the bulk ledger says who belongs together: here the first five of every hundred customers do.
IN_GROUPS = """
    SELECT * REPLACE (
        CASE WHEN grouped THEN parent END AS group_key, CASE WHEN grouped THEN parent END AS group_parent_id,
        CASE WHEN grouped THEN 5 END AS group_members
    ) FROM (
        SELECT *, CAST(substr(customer_id, 2) AS BIGINT) % 100 < 5 AS grouped, left(customer_id, -2) || '00' AS parent
        FROM read_parquet('{path}')
    ) AS numbered
"""


def many_customers(root: Path, copies: int) -> None:
    """In the workspace with evidence at `root`: the run RUN, whose factor tables are staged, with `copies` x the customers."""
    from risk_pipeline.pipeline.assess import assess
    from risk_pipeline.pipeline.run import FACTOR_TABLES, Run
    from risk_pipeline.settings import Workspace
    from risk_pipeline.store.register import Register

    space = Workspace.load(root)
    register = Register.open(space.register_url)
    assess(space, register, as_of=BEFORE, now=NOW)
    with Run.open(space, register, run_id=RUN, as_of=AS_OF, now=NOW) as run:
        staged = {name: run.factor(name).path for name in FACTOR_TABLES}
        before = [space.lake / part for part in run.record.manifest["previous_parts"].values()]
    groups = staged["factor.group_state"]
    columns = ", ".join(pq.read_schema(groups).names)
    found = duckdb.sql(f"SELECT {columns} FROM ({IN_GROUPS.format(path=groups)}) ORDER BY customer_id").to_arrow_table()
    _replace(groups, [found])
    for path in (*staged.values(), *before):
        multiply(path, copies)


def multiply(path: Path, copies: int) -> None:
    """Every row of a Parquet file, ordered by customer, `copies` times, each for a customer of its own; still in that order."""
    if not 1 <= copies <= MOST_COPIES:
        raise ValueError(f"{copies} copies: a digit tells them apart")
    rows = pq.read_table(path)
    _replace(path, [_renamed(rows, copy) for copy in range(copies)])


def _renamed(rows: pa.Table, copy: int) -> pa.Table:
    """The rows with customer C7 called C07 in the first copy, C17 in the second; ids made of it as well."""
    for name in IDS:
        if name in rows.schema.names:
            ids = pc.replace_substring_regex(rows[name], pattern=r"\bC(\d+)", replacement=rf"C{copy}\1")
            rows = rows.set_column(rows.schema.names.index(name), rows.schema.field(name), ids)
    return rows


def _replace(path: Path, parts: list[pa.Table]) -> None:
    """The file anew: the old one may be linked from elsewhere, and stays as it is."""
    from risk_pipeline.pipeline.run import ROW_GROUP_ROWS

    with pq.ParquetWriter(path.with_suffix(".new"), parts[0].schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part, row_group_size=ROW_GROUP_ROWS)
    os.replace(path.with_suffix(".new"), path)
