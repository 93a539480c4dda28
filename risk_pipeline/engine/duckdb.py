"""DuckDB connections of a run.

Put here: how an in-memory engine is opened and bounded. Keep out: SQL, and the catalogue file (store.catalogue), which
nobody opens for writing.
"""

from __future__ import annotations

from pathlib import Path

import duckdb


def connect(*, memory_limit: str = "1GB", threads: int | None = None, temp_dir: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that spills to `temp_dir` over `memory_limit`; all cores unless `threads` says otherwise."""
    config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory_limit, "preserve_insertion_order": False}
    if threads is not None:
        config["threads"] = threads
    if temp_dir is not None:
        config["temp_directory"] = str(temp_dir)
    con = duckdb.connect(":memory:", config=config)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_external_file_cache = false")  # each part is read once or twice: keeping its pages costs memory only
    return con
