"""The first passes over the members of groups, whose outcome is a fact of everybody's decision.

Put here: the passes, and the facts they give, as a relation. Keep out: the arithmetic (decision/groups.py), the pass over
everybody (pipeline/run.py). Only groups of two and more are read, batch by batch; what is kept of a member is one short row.

First pass: every member alone. Second: again, those that another member's default reaches. Then the group's limit is divided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb
import pandas as pd
import pyarrow as pa

from risk_pipeline.contracts.derive import arrow_to_frame
from risk_pipeline.contracts.table import Kind
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.groups import LIMITS, alone, group_facts
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.model import Policy

# What the facts are told of the group, and of which kind it is.
GROUP_COLUMNS: Mapping[str, Kind] = {"group_member_in_default": Kind.FLAG, **dict.fromkeys(LIMITS, Kind.MONEY)}
RELATION = "step.group_outcome"
MEMBERS = "SELECT customer_id FROM factor.group_state WHERE group_members > 1"

Read = Callable[[str], pa.RecordBatchReader]  # facts of the customers that a query names, by customer_id


def create_group_outcome(
    con: duckdb.DuckDBPyConnection, read: Read, policy: Policy, catalogue: Catalogue, context: DecisionContext
) -> None:
    """Create RELATION: customer_id and GROUP_COLUMNS of every member of a group of two and more. `read` reads it as it grows."""
    _create(con, pd.DataFrame({"customer_id": [], "group_member_in_default": [], **{name: [] for name in LIMITS}}))
    members = _pass(read(MEMBERS), policy, catalogue, context)
    if members is None:
        return

    def again(hit: pd.DataFrame) -> pd.DataFrame:
        _create(con, hit.assign(**dict.fromkeys(LIMITS)))
        anew = _pass(read(f"SELECT customer_id FROM {RELATION}"), policy, catalogue, context)
        assert anew is not None, "who was reached is a member"
        return anew

    _create(con, group_facts(members, again, policy))


def _pass(batches: pa.RecordBatchReader, policy: Policy, catalogue: Catalogue, context: DecisionContext) -> pd.DataFrame | None:
    found = [
        alone(arrow_to_frame(pa.Table.from_batches([batch])), policy, catalogue, context) for batch in batches if batch.num_rows
    ]
    return pd.concat(found, ignore_index=True) if found else None


def _create(con: duckdb.DuckDBPyConnection, outcome: pd.DataFrame) -> None:
    """RELATION of these rows; amounts come in minor units."""
    rows = pa.table(
        {
            "customer_id": pa.array(outcome["customer_id"], pa.string(), from_pandas=True),
            "group_member_in_default": pa.array(outcome["group_member_in_default"], pa.bool_(), from_pandas=True),
            **{name: pa.array(outcome[name].astype("Int64"), pa.int64(), from_pandas=True) for name in LIMITS},
        }
    )
    con.register("group_outcome_rows", rows)
    amounts = ", ".join(f"CAST(CAST({name} AS DECIMAL(18, 0)) * 0.01 AS DECIMAL(18, 2)) AS {name}" for name in LIMITS)
    columns = f"customer_id, group_member_in_default, {amounts}"
    con.execute(f"CREATE OR REPLACE TABLE {RELATION} AS SELECT {columns} FROM group_outcome_rows")
    con.unregister("group_outcome_rows")
