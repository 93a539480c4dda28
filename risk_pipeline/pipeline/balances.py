"""What was open on an earlier day, by the formulas of the run: for control totals dated before the as-of date.

Put here: computing the ledger once more for that day, in an engine of its own. Keep out: the formulas (factors/*.sql) and
comparing with totals (gates.control_totals).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa

from risk_pipeline.engine.asof import FeedParts, create_asof_views
from risk_pipeline.engine.duckdb import connect
from risk_pipeline.engine.factors import FactorEngine, window_params
from risk_pipeline.engine.sql import Literal

# Read from the steps, not from factor.exposure_by_currency: that one leaves out a currency without a rate on the day.
_BALANCES = """
    SELECT customer_id, currency, CAST(sum(open_amount) AS DECIMAL(18, 2)) AS open_amount,
           CAST(sum(unapplied) AS DECIMAL(18, 2)) AS unapplied
    FROM (
        SELECT customer_id, currency, open_amount, CAST(0 AS DECIMAL(18, 2)) AS unapplied FROM step.currency_position
        UNION ALL
        SELECT customer_id, currency, 0, unapplied_cash + unapplied_credits + advance_payments_received FROM step.unapplied
    )
    GROUP BY customer_id, currency
"""


def balances_on(
    day: date,
    feeds: Mapping[str, FeedParts],
    params: Mapping[str, Literal],
    *,
    known_at: datetime,
    zone: ZoneInfo,
    last_delivery: int,
    memory_limit: str,
    threads: int | None,
    scratch: Path,
) -> pa.Table:
    """customer_id, currency, open_amount, unapplied (money and credits no invoice has used) at the end of `day`.

    `params`: those of the run that do not depend on the date.
    """
    with closing(connect(memory_limit=memory_limit, threads=threads, temp_dir=scratch)) as con:
        create_asof_views(con, feeds, as_of=day, known_at=known_at, zone=zone, last_delivery=last_delivery)
        engine = FactorEngine(con, {**params, **window_params(day)})
        con.execute(f"CREATE TABLE customers AS {engine.query('customer_state')}")
        engine.register("customer_state", "customers")
        engine.query("open_item")
        return con.sql(_BALANCES).to_arrow_table()
