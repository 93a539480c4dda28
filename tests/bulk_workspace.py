"""What every generated bulk workspace must hold, with evidence or without.

Put here: assertions about its files that several tests make. Keep out: the fixtures, which say what is generated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from risk_pipeline.contracts import table


def assert_yaml_maps_every_column(root: Path, feeds: Iterable[str]) -> None:
    """The feed YAML names exactly the columns of the file, all of them of the contract, with every required one."""
    for feed in feeds:
        spec = yaml.safe_load((root / "feeds" / f"{feed}.yaml").read_text(encoding="utf-8"))
        target = table(f"feed.{feed}")
        names = pq.read_schema(root / "data" / f"{feed}.parquet").names
        assert set(names) == set(spec["columns"]) <= set(target.column_names), feed
        assert {c.name for c in target.columns if c.required} | set(target.key) <= set(names), feed
