"""Runs the factor SQL: steps into temporary tables, factor tables into a query whose result the caller stages.

Put here: the order of the steps and the parameters the SQL names. Keep out: formulas (factors/*.sql), what the policy says
(pipeline hands its figures over as parameters), files and the register.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from importlib import resources

import duckdb

from risk_pipeline.engine.asof import BUCKETS
from risk_pipeline.engine.sql import Literal, render
from risk_pipeline.policy.months import add_months, is_month_end

# A view step is read where it is used; the others are computed once and kept. LEDGER: the pass over the ledger and its own steps.
VIEW_STEPS = ("terms", "invoice", "reduction", "exposure_component", "finding", "finding_case", "search", "insurance_cover")
LEDGER = "ledger"
# By table, in the order of computation: the steps it reads, each before those that read it.
STEPS_OF: Mapping[str, tuple[str, ...]] = {
    "customer_state": ("fx",),
    "people_decision": (),
    "financial_condition": ("fx", "industry_code"),
    "due_diligence": ("fx", "finding", "finding_case", "search"),
    "credit_record": ("fx",),
    "industry_region": ("industry_code",),
    "contract_collateral": ("fx",),
    "open_item": ("fx", LEDGER, "unapplied"),
    "exposure_by_currency": ("fx", LEDGER, "unapplied"),
    "market_environment": ("industry_code", "industry_series"),
    "exposure": ("fx", "exposure_component"),
    "collateral_item": ("fx", "insurance_cover"),
    "collateral": ("insurance_cover",),
    "transaction_history": ("fx", "reach", LEDGER, "relationship"),
    "behaviour": ("fx", "reach", LEDGER, "crm_history", "order_history", "payment_habit"),
    "newest_event": ("fx", "reach", LEDGER, "unapplied", "order_history", "payment_habit", "finding", "finding_case"),
    "group_state": (),
}
FACTOR_ORDER = tuple(STEPS_OF)
# The ledger is read once, in ranges of customer buckets of about this many invoices: these steps hold one range at a time ...
RANGE_STEPS = ("invoice", "reduction", "line", "position")
RANGE_INVOICES = 2_000_000
# ... and these collect what later steps and tables need of each range.
LEDGER_STEPS = (
    "disputed_item",
    "loss_item",
    "open_position",
    "currency_position",
    "paid_history",
    "item_history",
    "sales",
    "invoice_year",
)
FX_MAX_AGE_DAYS = 7


def factor_sql(name: str) -> str:
    """The SQL text of a factor table (`exposure`) or of a step (`steps/position`)."""
    return resources.files("risk_pipeline.factors").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def window_params(as_of: date) -> dict[str, Literal]:
    """The date parameters of the factor SQL: as_of, the exclusive starts $m1..$m12 and $m24 of W(n), DSO and FX windows.

    DSO: 3 calendar months at a month end, else the trailing 90 days (contracts.md section 3).
    """
    params: dict[str, Literal] = {"as_of": as_of, "fx_from": as_of - timedelta(days=FX_MAX_AGE_DAYS)}
    params |= {f"m{n}": add_months(as_of, -n) for n in (*range(1, 13), 24)}
    dso_from = add_months(as_of, -3) if is_month_end(as_of) else as_of - timedelta(days=90)
    return params | {"dso_from": dso_from, "dso_days": (as_of - dso_from).days}


class FactorEngine:
    """Computes the factor tables of one run on a connection that has the as-of views in schema `feed`.

    Tables come in FACTOR_ORDER; `register` tells where a finished one is read from. Steps are computed when first needed,
    so that a run continued in another process computes again only what it lacks.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, params: Mapping[str, Literal]) -> None:
        self._con = con
        self._params = dict(params)
        self._done: set[str] = set()
        con.execute("CREATE SCHEMA IF NOT EXISTS step")
        con.execute("CREATE SCHEMA IF NOT EXISTS factor")

    def query(self, name: str) -> str:
        """The rendered SELECT of factor table `name`, after making sure that every step it reads is there."""
        for step in STEPS_OF[name]:
            if step == LEDGER:
                self._read_ledger()
            else:
                self._prepare(step)
        return render(factor_sql(name), self._params)

    def register(self, name: str, relation: str) -> None:
        """Let later tables read factor table `name` from `relation` (a table function or a table)."""
        self._con.execute(f"CREATE OR REPLACE VIEW factor.{name} AS SELECT * FROM {relation}")

    def reach(self) -> None:
        """Compute how far the feeds reach, while the views show all customers."""
        self._prepare("reach")

    def currencies_without_rate(self) -> list[str]:
        """Currencies of visible documents that have no rate on the as-of date; the figures would be NULL with them."""
        self._prepare("fx")
        seen = " UNION ".join(
            f"SELECT currency FROM feed.{feed}"
            for feed in ("invoice", "payment", "credit_note", "write_off", "sales_order", "bill", "dispute", "credit_request")
        )
        masters = "SELECT credit_currency AS currency FROM feed.customer WHERE credit_currency IS NOT NULL"
        rows = self._con.execute(
            f"SELECT DISTINCT currency FROM ({seen} UNION {masters}) AS s ANTI JOIN step.fx USING (currency) ORDER BY currency"
        ).fetchall()
        return [row[0] for row in rows if row[0] is not None]

    def _prepare(self, step: str) -> None:
        if step not in self._done:
            self._create(step, self._params)
            self._done.add(step)

    def _create(self, step: str, params: Mapping[str, Literal]) -> None:
        kind = "VIEW" if step in VIEW_STEPS else "TABLE"
        self._con.execute(f"CREATE OR REPLACE {kind} step.{step} AS {render(factor_sql(f'steps/{step}'), params)}")

    def _read_ledger(self) -> None:
        """One pass over the ledger, range by range: positions of a range in memory, what is needed of them collected."""
        if LEDGER in self._done:
            return
        self._prepare("terms")
        for number, (first, last) in enumerate(self._bucket_ranges()):
            params = {**self._params, "bucket_from": first, "bucket_to": last}
            for step in RANGE_STEPS:
                self._create(step, params)
            for step in LEDGER_STEPS:
                if number == 0:
                    self._create(step, params)
                else:
                    self._con.execute(f"INSERT INTO step.{step} {render(factor_sql(f'steps/{step}'), params)}")
        for step in ("position", "line"):
            self._con.execute(f"DROP TABLE step.{step}")
        self._done.add(LEDGER)

    def _bucket_ranges(self) -> list[tuple[int, int]]:
        """Ranges of buckets (inclusive) that hold about RANGE_INVOICES invoices each; one range when there are fewer."""
        counts = self._con.execute("SELECT bucket, COUNT(*) FROM feed.invoice GROUP BY bucket ORDER BY bucket").fetchall()
        ranges: list[tuple[int, int]] = []
        first, held = 0, 0
        for bucket, count in counts:
            if held and held + count > RANGE_INVOICES:
                ranges.append((first, bucket - 1))
                first, held = bucket, 0
            held += count
        return [*ranges, (first, BUCKETS - 1)]
