"""Trace and impact are one relation read from both ends, whatever the feed: over the demo with its groups, guarantees, countries
and industries.
"""

from __future__ import annotations

from datetime import date

import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.pipeline.replay import published_run
from risk_pipeline.pipeline.source_rows import SourceRow, SourceRows
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.demo_world import World

pytestmark = pytest.mark.slow
FEEDS = [each.name for each in FEED_TABLES]
AS_OF = date(2026, 10, 31)
CUSTOMERS = 12


def test_a_row_is_behind_the_figures_of_exactly_those_whom_impact_finds(world: World) -> None:
    """Of some customers every row is traced. Rows of each feed, some of several of them, some of one or none, are asked for."""
    workspace = Workspace.load(world.root)
    with Register.open(workspace.register_url) as register:
        rows = SourceRows(workspace, register, published_run(register, f"{AS_OF}"))
        everybody = rows.customers(["fx_rate"], "TRUE")
        grouped = [each for each in everybody if len(rows.scope(each).customers or ()) > 1]
        asked = [*grouped[: CUSTOMERS // 2], *everybody[:: len(everybody) // (CUSTOMERS // 2)]]
        traced = {customer: rows.of(customer, FEEDS) for customer in asked}
        ids = {customer: {each.row_id for each in found} for customer, found in traced.items()}
        samples = _samples([each for found in traced.values() for each in found])
        assert {each.feed for each in samples} > {"customer", "invoice", "country_risk", "industry_indicator", "contract_event"}
        assert any(len(rows.scope(each.customer_id).customers or ()) > 1 for each in samples if each.customer_id)
        for row in samples:
            named = set(rows.customers([row.feed], f"row_id = {row.row_id}"))
            assert named & set(asked) == {customer for customer in asked if row.row_id in ids[customer]}, row


def _samples(rows: list[SourceRow]) -> list[SourceRow]:
    """Three rows of each feed."""
    distinct = {each.row_id: each for each in rows}
    by_feed = {feed: [each for each in distinct.values() if each.feed == feed] for feed in FEEDS}
    return [each for found in by_feed.values() for each in found[:: max(1, len(found) // 3)][:3]]
