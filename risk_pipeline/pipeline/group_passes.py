"""The first passes over the members of groups, whose outcome is a fact of everybody's decision.

Put here: the passes, and the facts they give. Keep out: the arithmetic and the order of the passes (decision/groups.py), the pass
over everybody (pipeline/run.py). Only groups of two and more are read, batch by batch; what is kept of a member is one short row.
"""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.groups import LIMITS, alone, group_facts
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.pipeline.in_threads import in_threads
from risk_pipeline.pipeline.stored_facts import StoredFacts, no_groups
from risk_pipeline.policy.model import Policy


def group_outcome(
    stored: StoredFacts, members: pa.ChunkedArray, policy: Policy, catalogue: Catalogue, context: DecisionContext, threads: int
) -> pa.Table:
    """customer_id and GROUP_COLUMNS of `members` (of groups of two and more, in order), by customer_id."""
    if len(members) == 0:
        return no_groups()

    def decided(customers: pa.ChunkedArray, groups: pa.Table) -> pd.DataFrame:
        batches = stored.of(customers, groups)
        found = in_threads(lambda batch: alone(batch, policy, catalogue, context), batches, threads)
        return pd.concat(found, ignore_index=True)

    def again(hit: pd.DataFrame) -> pd.DataFrame:
        told = _rows(hit.assign(**dict.fromkeys(LIMITS)))
        return decided(told["customer_id"], told)

    return _rows(group_facts(decided(members, no_groups()), again, policy))


def _rows(outcome: pd.DataFrame) -> pa.Table:
    """The outcome as facts, by customer_id; amounts stay in minor units."""
    ordered = outcome.sort_values("customer_id")
    return pa.table(
        {
            "customer_id": pa.array(ordered["customer_id"], pa.string(), from_pandas=True),
            "group_member_in_default": pa.array(ordered["group_member_in_default"], pa.bool_(), from_pandas=True),
            **{name: pa.array(ordered[name].astype("Int64"), pa.int64(), from_pandas=True) for name in LIMITS},
        }
    )
