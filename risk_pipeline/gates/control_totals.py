"""Control totals: what the source system says it holds, against what the run sees. A difference blocks the publication.

Put here: finding the totals that are due, comparing them, saying the difference by customer. Keep out: the balances of a day
(pipeline.balances) and how totals are read (feeds).

For each feed and measure the newest control date on or before the as-of date counts. `row_count` and `amount_sum` are of the
rows dated up to that day; `open_balance` of feed `invoice` is what is open of the items, of feed `customer` the balance of the
accounts: open items less payments and credits not used yet. A total with a customer is of that customer alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from risk_pipeline.contracts import table as table_of
from risk_pipeline.gates.feeds_seen import FeedsSeen
from risk_pipeline.gates.results import GateResult, sql_name, sql_text

NAME = "control_totals"
TABLE = "feed.control_total"
DESCRIBES = "every control total of the source systems agrees with what is seen, within the tolerance of risk.yaml"
CUSTOMERS_SHOWN = 5
TOTALS_SHOWN = 10
HERE = "control_here"


@dataclass(frozen=True)
class _Total:
    """Totals of one feed, measure, day and currency: of the whole ledger (None = not stated), and of single customers."""

    feed: str
    measure: str
    day: date
    currency: str
    whole: Decimal | None
    customers: int
    of_customers: Decimal | None

    @property
    def is_count(self) -> bool:
        return self.measure == "row_count"

    @property
    def title(self) -> str:
        return f"{self.feed} {self.measure} at {self.day}{f' in {self.currency}' if self.currency else ''}"


@dataclass(frozen=True)
class _Difference:
    stated: Decimal
    here: Decimal
    is_count: bool

    def __str__(self) -> str:
        form = ",.0f" if self.is_count else ",.2f"
        return f"stated {self.stated:{form}}, here {self.here:{form}}, difference {self.here - self.stated:+{form}}"


def check_control_totals(con: duckdb.DuckDBPyConnection, seen: FeedsSeen | None) -> GateResult:
    """One result for all totals that are due; `n_failed` counts the totals that differ."""
    if seen is None or "control_total" not in seen.delivered:
        return _answer(0, "no control total was delivered")
    totals = _due(con)
    if not totals:
        return _answer(0, "no control total is dated on or before the as-of date")
    failed: list[str] = []
    notes: list[str] = []
    group: tuple[str, str, date] | None = None
    for total in totals:
        if group != (group := (total.feed, total.measure, total.day)):
            _compute(con, total, seen)
            notes += _without_total(con, totals, total)
        if told := _differences(con, total, seen):
            failed.append(f"{total.title}: {told}")
    con.execute(f"DROP TABLE {HERE}")
    if failed:
        more = [f"and {len(failed) - TOTALS_SHOWN} more"] if len(failed) > TOTALS_SHOWN else []
        return _answer(len(failed), "; ".join([*failed[:TOTALS_SHOWN], *more]))
    return _answer(
        0, "; ".join([f"{len(totals)} totals agree: {', '.join(each.title for each in totals[:TOTALS_SHOWN])}", *notes])
    )


def _answer(failed: int, detail: str) -> GateResult:
    return GateResult(NAME, TABLE, "error", not failed, failed, detail)


_SEEN = (
    "SELECT feed, measure, control_date, currency, coalesce(customer_id, '') AS customer_id,"
    " CAST(round(value, 2) AS DECIMAL(18, 2)) AS value FROM feed.control_total"
)


def _due(con: duckdb.DuckDBPyConnection) -> list[_Total]:
    rows = con.execute(
        f"""
        WITH seen AS ({_SEEN}),
        newest AS (SELECT feed, measure, max(control_date) AS control_date FROM seen GROUP BY feed, measure)
        SELECT feed, measure, control_date, currency, min(value) FILTER (WHERE customer_id = ''),
               count(*) FILTER (WHERE customer_id <> ''), sum(value) FILTER (WHERE customer_id <> '')
        FROM seen SEMI JOIN newest USING (feed, measure, control_date)
        GROUP BY feed, measure, control_date, currency ORDER BY feed, measure, control_date, currency
        """
    ).fetchall()
    return [_Total(*row) for row in rows]


def _compute(con: duckdb.DuckDBPyConnection, total: _Total, seen: FeedsSeen) -> None:
    """What the run sees of this feed, measure and day: customer_id, currency, value."""
    if total.measure == "open_balance":
        value = "open_amount" if total.feed == "invoice" else "open_amount - unapplied"
        query = f"SELECT customer_id, currency, {value} AS value FROM {seen.balances(total.day)}"
    else:
        query = _of_rows(total)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {HERE} AS SELECT customer_id, currency, CAST(sum(value) AS DECIMAL(18, 2)) AS value"
        f" FROM ({query}) GROUP BY customer_id, currency"
    )


def _of_rows(total: _Total) -> str:
    feed = table_of(f"feed.{total.feed}")
    customer, currency = (sql_name(name) if name in feed else "''" for name in ("customer_id", "currency"))
    value = "1" if total.is_count else "amount"
    # A customer is there whenever its state began: it has one row at any date.
    dated = feed.event_date is not None and total.feed != "customer"
    where = f"WHERE {sql_name(feed.event_date or '')} <= DATE '{total.day.isoformat()}'" if dated else ""
    return f"SELECT {customer} AS customer_id, {currency} AS currency, {value} AS value FROM feed.{total.feed} {where}"


def _without_total(con: duckdb.DuckDBPyConnection, totals: list[_Total], total: _Total) -> Iterator[str]:
    """Currencies that are here and that no total of this feed, measure and day speaks of: worth a word, no contradiction."""
    stated = {each.currency for each in totals if (each.feed, each.measure, each.day) == (total.feed, total.measure, total.day)}
    if "" in stated:
        return
    rows = con.execute(f"SELECT currency, sum(value) FROM {HERE} GROUP BY currency HAVING sum(value) <> 0 ORDER BY 1").fetchall()
    unstated = [f"{value:,} {currency}" for currency, value in rows if currency not in stated]
    if unstated:
        yield f"no total stated for {', '.join(unstated)} of {total.feed} {total.measure} at {total.day}"


def _differences(con: duckdb.DuckDBPyConnection, total: _Total, seen: FeedsSeen) -> str:
    """The difference of the whole ledger and of customers, in words; '' when all agree."""
    of_currency = f"WHERE currency = {sql_text(total.currency)}" if total.currency else ""
    row = con.execute(f"SELECT coalesce(sum(value), 0) FROM {HERE} {of_currency}").fetchone()
    assert row is not None  # an aggregate without GROUP BY has exactly one row
    whole = None if total.whole is None else _Difference(total.whole, row[0], total.is_count)
    is_broken = whole is not None and abs(whole.here - whole.stated) > _allowed(total, whole.stated, seen)
    customers = _customer_differences(con, total, of_currency, seen) if total.customers else []
    parts = [f"{whole}, tolerance {_allowed(total, whole.stated, seen):,}"] if whole is not None and is_broken else []
    if customers:
        shown = [f"{name} {difference}" for name, difference in customers[:CUSTOMERS_SHOWN]]
        more = [f"and {len(customers) - CUSTOMERS_SHOWN} more"] if len(customers) > CUSTOMERS_SHOWN else []
        parts.append("by customer: " + ", ".join([*shown, *more]))
    return "; ".join(parts)


def _customer_differences(
    con: duckdb.DuckDBPyConnection, total: _Total, of_currency: str, seen: FeedsSeen
) -> list[tuple[str, _Difference]]:
    """Customers that differ, the largest first. A customer without a total has 0 where the list is whole: it stands alone, or
    adds up to the total of the ledger. Else it may be a list of large customers only.
    """
    rows = con.execute(
        f"""
        WITH stated AS (
            SELECT customer_id, value FROM ({_SEEN})
            WHERE feed = ? AND measure = ? AND control_date = ? AND currency = ? AND customer_id <> ''
        ), here AS (SELECT customer_id, sum(value) AS value FROM {HERE} {of_currency} GROUP BY customer_id)
        SELECT coalesce(s.customer_id, h.customer_id) AS customer_id, s.value IS NOT NULL AS is_stated,
               coalesce(s.value, 0), coalesce(h.value, 0)
        FROM stated s FULL JOIN here h ON s.customer_id = h.customer_id
        WHERE coalesce(s.value, 0) <> coalesce(h.value, 0)
        ORDER BY abs(coalesce(s.value, 0) - coalesce(h.value, 0)) DESC, 1
        """,
        [total.feed, total.measure, total.day, total.currency],
    ).fetchall()
    listed = total.of_customers or Decimal(0)
    is_whole = total.whole is None or abs(listed - total.whole) <= _allowed(total, total.whole, seen)
    found = [(name, _Difference(stated, here, total.is_count)) for name, is_stated, stated, here in rows if is_stated or is_whole]
    return [(name, each) for name, each in found if abs(each.here - each.stated) > _allowed(total, each.stated, seen)]


def _allowed(total: _Total, stated: Decimal, seen: FeedsSeen) -> Decimal:
    """Rows are exact; amounts may differ by the tolerance."""
    if total.is_count:
        return Decimal(0)
    return max(seen.tolerance, (abs(stated) * Decimal(str(seen.tolerance_pct)) / 100).quantize(Decimal("0.01")))
