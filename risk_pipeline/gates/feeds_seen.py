"""What the gates about feeds may know of a run: which feeds it sees, and what was open on a day.

Put here: that one hand-over from the pipeline. Keep out: rules (cross_feed.py, control_totals.py) and computing balances
(pipeline.balances).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

# A day up to the as-of date -> SQL relation with customer_id, currency, open_amount and unapplied (money and credits of the
# customer that no invoice has used), as the ledger formulas give them for that day.
Balances = Callable[[date], str]


@dataclass(frozen=True)
class FeedsSeen:
    """`delivered`: feeds with files, of which the connection has the as-of views in schema `feed`.

    `tolerance`: by how much an amount may differ from its control total, in the currency of the total; `tolerance_pct`: the
    same in percent of the total. The larger of the two counts.
    """

    delivered: frozenset[str]
    balances: Balances
    tolerance: Decimal
    tolerance_pct: float
