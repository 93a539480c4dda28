"""What the portfolio as a whole should keep and does not: rows of mart.portfolio over their cap or budget.

Put here: reading them, for whoever shows them. Keep out: the figures (marts.py), the caps (policy `portfolio`), printing (cli).
Nothing is cut for a breach; people decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

import duckdb

from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Register

Kind = Literal["exposure_share", "expected_loss", "customer_share"]


@dataclass(frozen=True)
class Breach:
    """One part of the portfolio beyond what the policy wants; `value` and `cap` are shares of 1, or amounts of `currency`."""

    kind: Kind
    dimension: str
    member: str
    member_en: str
    member_zh: str
    value: float | Decimal
    cap: float | Decimal
    currency: str


def breaches(lake: Lake, register: Register, day: date) -> list[Breach]:
    """The breaches of a published assessment, the worst share first; none where no portfolio is published of the day."""
    snapshot = register.current_snapshot()
    part = snapshot.part("mart.portfolio", day) if snapshot else None
    if part is None:
        return []
    with duckdb.connect() as con:
        rows = con.execute(
            "SELECT dimension, member, member_en, member_zh, reporting_currency, exposure_share, share_cap, expected_loss,"
            " loss_budget, customer_share, customer_share_cap FROM read_parquet(?) WHERE over_cap ORDER BY dimension, member",
            [str(lake.absolute(part.path))],
        ).fetchall()
    found: list[Breach] = []
    for dimension, member, en, zh, currency, *figures in rows:
        for kind, value, cap in zip(
            ("exposure_share", "expected_loss", "customer_share"), figures[::2], figures[1::2], strict=True
        ):
            if cap is not None and value is not None and value > cap:
                found.append(Breach(kind, dimension, member, en, zh, value, cap, currency))  # type: ignore[arg-type]  # one of Kind
    return sorted(found, key=lambda each: (each.dimension != "all", -float(each.value)))
