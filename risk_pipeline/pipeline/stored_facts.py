"""What deciding is told of each customer: the factor tables of this run side by side, what became of its group, and the decisions
of the assessment before.

Put here: which columns come from where, and reading them range by range. Keep out: deciding (decision/), the passes over groups
(group_passes.py). All of these files are ordered by customer, so nothing has to be joined: rows of a range lie side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.contracts import Kind, table
from risk_pipeline.contracts.derive import arrow_type
from risk_pipeline.decision.groups import LIMITS
from risk_pipeline.policy.scopes import FACT_TABLES
from risk_pipeline.store.by_customer import KEY, ByCustomer, rows_between

BATCH_ROWS = 8_192  # customers decided at once: a row group of each factor table
# What decide is told of the assessment before, and where it stands there.
PREVIOUS_COLUMNS: Mapping[str, tuple[str, str]] = {
    "previous_tier": ("decision.risk_tier", "tier"),
    "previous_in_default": ("decision.risk_tier", "in_default"),
    "previous_default_since": ("decision.risk_tier", "default_since"),
    "previous_default_cleared_on": ("decision.risk_tier", "default_cleared_on"),
    "previous_periods_in_tier": ("decision.risk_tier", "periods_in_tier"),
    "previous_as_of": ("decision.risk_tier", "as_of"),
    "previous_segment": ("decision.risk_tier", "segment"),
    "previous_segment_held_on": ("decision.risk_tier", "segment_held_on"),
    "previous_hysteresis_tier": ("decision.risk_tier", "hysteresis_tier"),
    "previous_hysteresis_periods_met": ("decision.risk_tier", "hysteresis_periods_met"),
    "previous_last_downgrade_on": ("decision.risk_tier", "last_downgrade_on"),
    "previous_month_end_score": ("decision.risk_tier", "month_end_score"),
    "previous_default_wait_days": ("decision.risk_tier", "default_wait_days"),
    "previous_knockouts": ("decision.risk_tier", "knockouts"),
    "previous_status": ("decision.risk_tier", "status"),
    "previous_status_since": ("decision.risk_tier", "status_since"),
    "previous_status_periods": ("decision.risk_tier", "status_periods"),
    "previous_status_before": ("decision.risk_tier", "status_before"),
    "previous_status_rule": ("decision.risk_tier", "status_rule"),
    "previous_status_cleared_on": ("decision.risk_tier", "status_cleared_on"),
    "previous_status_wait_days": ("decision.risk_tier", "status_wait_days"),
    "previous_cure_ceiling": ("decision.risk_tier", "cure_ceiling"),
    "previous_limit": ("decision.credit_limit", "limit_reporting"),
    "previous_computed_limit": ("decision.credit_limit", "computed_limit"),
    "previous_period_start_limit": ("decision.credit_limit", "period_start_limit"),
    "previous_effective_limit": ("decision.credit_limit", "effective_limit"),
    "previous_limit_valid_to": ("decision.credit_limit", "valid_to"),
    "previous_next_review_date": ("decision.review", "next_review_date"),
    "previous_reviewed_on": ("decision.review", "reviewed_on"),
}
# What it is told of the group.
GROUP_COLUMNS: Mapping[str, Kind] = {"group_member_in_default": Kind.FLAG, **dict.fromkeys(LIMITS, Kind.MONEY)}


@dataclass(frozen=True)
class Range:
    """Customers next to each other, both ends included."""

    first: str
    last: str


class StoredFacts:
    """The facts of all customers of a run, in ranges of BATCH_ROWS customers."""

    def __init__(self, path: Callable[[str], Path], before: Callable[[str], Path | None], read: Collection[str]) -> None:
        """`path`: of a staged factor table; `before`: of a table of the assessment before, None without one; `read`: the columns
        that deciding reads. FileNotFoundError when a factor table is not staged.
        """
        # Of columns that several tables have, the last one counts: evidence_date is the ledger's; the others name theirs beside
        # it. The history's max_dpd_material is NULL without open items, which the score must know; the exposure's is 0 then.
        self._source = {column.name: name for name in FACT_TABLES for column in table(name).columns if column.name in read}

        self._facts = {
            name: ByCustomer(table(name), path(name), [column for column, source in self._source.items() if source == name])
            for name in FACT_TABLES
        }
        told = {name for name, _ in PREVIOUS_COLUMNS.values()}
        self._before = {
            name: ByCustomer(
                table(name), before(name), [column for source, column in PREVIOUS_COLUMNS.values() if source == name]
            )
            for name in sorted(told)
        }

    @cached_property
    def ranges(self) -> list[Range]:
        """All customers, in order."""
        ids = self._facts[FACT_TABLES[0]].customers()
        starts = range(0, len(ids), BATCH_ROWS)
        return [Range(ids[start].as_py(), ids[min(start + BATCH_ROWS, len(ids)) - 1].as_py()) for start in starts]

    def within(self, customers: Range, groups: pa.Table) -> pa.Table:
        """One row per customer of the range, by customer_id. `groups`: customer_id and GROUP_COLUMNS, by customer_id.

        A customer that a factor table lacks is left out; the gates say so.
        """
        parts = {name: stored.between(customers.first, customers.last) for name, stored in self._facts.items()}
        ids = parts[FACT_TABLES[0]][KEY]
        for rows in parts.values():
            if not rows[KEY].equals(ids):
                ids = ids.filter(pc.is_in(ids, value_set=rows[KEY]))
        facts = {name: _beside(ids, rows) for name, rows in parts.items()}
        columns = {name: facts[source][name] for name, source in self._source.items()}
        beside = {name: _beside(ids, stored.between(customers.first, customers.last)) for name, stored in self._before.items()}
        columns |= {name: beside[source][column] for name, (source, column) in PREVIOUS_COLUMNS.items()}
        of_group = _beside(ids, rows_between(groups, customers.first, customers.last))
        return pa.table({**columns, **{name: of_group[name] for name in GROUP_COLUMNS}})

    def of(self, customers: pa.ChunkedArray, groups: pa.Table) -> Iterator[pa.Table]:
        """The facts of these customers (in order), in batches of about BATCH_ROWS."""
        waiting: list[pa.Table] = []
        for each in self.ranges:
            wanted = rows_between(pa.table({KEY: customers}), each.first, each.last)[KEY]
            if len(wanted):
                rows = self.within(each, groups)
                waiting.append(rows.filter(pc.is_in(rows[KEY], value_set=wanted)))
            if sum(map(len, waiting)) >= BATCH_ROWS or (waiting and each is self.ranges[-1]):
                yield pa.concat_tables(waiting)
                waiting = []


def no_groups() -> pa.Table:
    """What is told of groups before anything is known of them."""
    return pa.table(
        {KEY: pa.array([], pa.string()), **{name: pa.array([], arrow_type(kind)) for name, kind in GROUP_COLUMNS.items()}}
    )


def _beside(ids: pa.ChunkedArray, rows: pa.Table) -> pa.Table:
    """The row of each customer; NULL for customers without one."""
    if rows[KEY].equals(ids):
        return rows
    return rows.unify_dictionaries().combine_chunks().take(pc.index_in(ids, value_set=rows[KEY]))
