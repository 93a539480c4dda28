"""factor.contract_collateral: its columns and what they mean.

Put here: fields that first appear in this table, and the table. Keep out: how they are computed (factors/*.sql) and what they
are worth (the factor catalogue and the policy).
"""

from __future__ import annotations

from risk_pipeline.contracts.table import Field

# fmt: off
FIELDS: tuple[Field, ...] = ()
# fmt: on

# In the order of the table, behind as_of, customer_id, run_id and evidence_date.
COLUMNS = ""
REQUIRED = ""
VALUES: dict[str, str] = {}
