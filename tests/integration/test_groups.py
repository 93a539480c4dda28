"""Groups in a whole assessment: a member in default reaches the others, the group's limit is divided, both are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import INGESTED, assess_ledger, copy_to
from tests.small_ledger import DECEMBER

CUSTOMER_YAML = """\
feed: customer
source: {kind: file, path: data/customers.csv, format: csv}
delivery: snapshot
known_at: event_date
columns:
  customer_id:        {from: No}
  name:               {from: No}
  effective_from:     {from: Since, format: "%Y-%m-%d"}
  group_id:           {from: Group, nulls: [""]}
  ultimate_parent_id: {from: Parent, nulls: [""]}
assertions: {rows_min: 1}
"""
CUSTOMERS = "No,Since,Group,Parent\nC1,2023-01-01,H,C1\nC2,2023-01-01,G,\nC3,2023-01-01,G,\nC4,2023-01-01,,\nC5,2023-01-01,H,C1\n"
DECIDED = (
    "SELECT t.customer_id, t.tier, t.knockouts, t.in_default, l.computed_limit, l.binding_method, g.group_key,"
    " g.group_exposure_share, (SELECT max(inputs) FROM decision.limit_candidate AS c"
    " WHERE c.customer_id = t.customer_id AND c.method = 'group_cap') AS part"
    " FROM decision.risk_tier AS t JOIN decision.credit_limit AS l USING (as_of, customer_id)"
    " JOIN factor.group_state AS g USING (as_of, customer_id)"
)


def decided(folder: Path) -> dict[str, dict[str, Any]]:
    (folder / "feeds" / "customer.yaml").write_text(CUSTOMER_YAML, encoding="utf-8")
    (folder / "data" / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    workspace = Workspace.load(folder)
    with Register.open(workspace.register_url) as register:
        ingest(workspace, register, feeds=["customer"], now=INGESTED)
    assess_ledger(folder, DECEMBER)
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        found = con.execute(DECIDED)
        names = [column[0] for column in found.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


def test_groups_from_the_master_to_the_published_limits(ingested: Path, tmp_path: Path) -> None:
    found = decided(copy_to(tmp_path / "w", ingested))
    assert {name: row["group_key"] for name, row in found.items()} == {"C1": "H", "C2": "G", "C3": "G", "C4": None, "C5": "H"}
    assert [name for name, row in found.items() if row["in_default"]] == ["C3"]
    assert [name for name, row in found.items() if "KO21" in row["knockouts"].split(",")] == ["C2"]  # not C3 itself, nor C4
    assert found["C2"]["tier"] == "high"
    assert found["C2"]["group_exposure_share"] == found["C3"]["group_exposure_share"]
    for row in found.values():
        if row["binding_method"] == "group_cap":
            assert row["computed_limit"] <= json.loads(row["part"])["group_limit"]
