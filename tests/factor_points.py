"""The points of the default policy for a row of one factor table, factor by factor.

Put here: the way from a row to points. Keep out: how rows come about (ledger_case.py) and what a card makes of points.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import arrow_to_frame, arrow_type
from risk_pipeline.decision.scorecard import score_factor
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.facts import Facts
from risk_pipeline.policy.load import load_policy
from tests.ledger_case import AS_OF


def points(name: str, row: Mapping[str, Any]) -> dict[str, float | None]:
    """What the default policy gives for each scored factor of a row of `factor.<name>`; None: the factor leaves the card."""
    catalogue = load_catalogue()
    policy = load_policy(None, catalogue, as_of=AS_OF)
    columns = [column for column in table(f"factor.{name}").columns if column.name in row]
    schema = pa.schema([pa.field(column.name, arrow_type(column.kind)) for column in columns])
    facts = Facts(arrow_to_frame(pa.Table.from_pylist([dict(row)], schema=schema)))
    found = {}
    for factor in catalogue.factors:
        if factor.table == name and factor.id in policy.scoring:
            scored = score_factor(facts, factor, policy.scoring[factor.id], AS_OF, frozenset(policy.score.not_applicable_codes))
            found[factor.id] = scored.points[0] / 100 if scored.counted[0] else None
    return found
