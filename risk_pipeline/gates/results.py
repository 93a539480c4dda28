"""The answer of a gate.

Put here: GateResult and what is common to all gates when they report. Keep out: any rule (contracts.py, reconciliation.py,
expectations.py) and the storing of results (pipeline.run).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warn"]


@dataclass(frozen=True)
class GateResult:
    """One rule on one table. `n_failed` counts rows (customers, keys); `detail` is for people and names one example key.

    `check_name` holds letters, digits and underscores only and is unique within its table. An `error` that did not pass
    blocks the publication, a `warn` does not.
    """

    check_name: str
    table_name: str
    severity: Severity
    passed: bool
    n_failed: int
    detail: str

    @property
    def blocks(self) -> bool:
        """True when this result forbids a publication."""
        return self.severity == "error" and not self.passed


def sql_text(value: str) -> str:
    """`value` as an SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """`name` as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
