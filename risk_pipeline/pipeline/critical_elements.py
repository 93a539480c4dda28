"""The inventory of critical data elements: where each comes from, what carries it there, what checks it.

Put here: joining the declaration with lineage, rules and gates. Keep out: which columns are critical (contracts.critical) and the
form of the page (reporting.critical).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from risk_pipeline.contracts import Kind, table
from risk_pipeline.contracts.critical import CRITICAL, Critical
from risk_pipeline.contracts.cross_feed import references_of
from risk_pipeline.contracts.rules import RULES
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.gates import control_totals, duties, run_stage
from risk_pipeline.gates.expectations import load_suite, suite_tables
from risk_pipeline.gates.reconciliation import RECONCILIATIONS
from risk_pipeline.lineage.columns import POLICY, Column, ColumnLineage
from risk_pipeline.lineage.influence import DIRECT
from risk_pipeline.pipeline.column_lineage import column_lineage
from risk_pipeline.policy.load import load_policy
from risk_pipeline.reporting.critical import Element

LAYERS = ("feed", "factor", "score", "decision")


def critical_elements() -> list[Element]:
    """Every critical element, in the order of the declaration; lineage under the default policy."""
    lineage = column_lineage(load_policy(None, load_catalogue(), as_of=date.max))
    published = {name for stage in run_stage.STAGE_TABLES.values() for name in stage}
    return [_element(each, lineage, published) for each in CRITICAL]


def _element(said: Critical, lineage: ColumnLineage, published: set[str]) -> Element:
    contract, at = table(said.table), Column(said.table, said.column)
    behind = {} if contract.layer == "feed" else lineage.behind(at)
    by_value = sorted(each for each, hows in behind.items() if hows & set(DIRECT))
    feeds = [str(each) for each in by_value if each.table.startswith("feed.")]
    chosen = {each for each in behind if each.table.startswith("feed.")} - set(by_value)
    beyond = {each.table for each in lineage.beyond(at)} & published
    return Element(
        table=said.table,
        column=said.column,
        meaning=(contract.column(said.column).field.en, contract.column(said.column).field.zh),
        reason=(said.en, said.zh),
        owner=contract.owner,
        sources=tuple(feeds),
        chosen_by=len(chosen),
        policy_keys=tuple(sorted(each.column for each in behind if each.table == POLICY)),
        way=tuple(_way(lineage, at)),
        goes_into=tuple(sorted(beyond - {said.table})),
        controls=tuple(dict.fromkeys(_controls(said))),
    )


def _way(lineage: ColumnLineage, at: Column) -> Iterator[str]:
    """The tables that carry its value, layer by layer."""
    tables = {column.table for edge in lineage.values(at) for column in (edge.source, edge.column)}
    for layer in LAYERS:
        yield from sorted(name for name in tables if name.startswith(f"{layer}."))


def _controls(said: Critical) -> Iterator[str]:
    """The checks that a wrong value of the column would meet."""
    contract = table(said.table)
    column = contract.column(said.column)
    if column.required:
        yield "contract_required"
    if column.values:
        yield "contract_values"
    if said.column in contract.key:
        yield "contract_key"
    if column.kind is Kind.NUMBER:
        yield "contract_finite"
    yield from (f"{rule.name} ({rule.severity})" for rule in RULES if rule.table == contract.name and said.column in rule.columns)
    if contract.layer == "feed":
        yield from (each.unknown for each in references_of(contract) if said.column == each.column)
    if said.table in suite_tables():
        yield from (rule.name for rule in load_suite(contract) if said.column in rule.columns)
    yield from (duties.check_name(duty.name) for duty in duties.RULES if f"{said.table}.{said.column}" in duty.judges)
    yield from (each.name for each in RECONCILIATIONS if said.table in each.tables and said.column in each.broken)
    if said.table == "factor.exposure" and column.kind is Kind.MONEY:  # what is open is compared with the source's own totals
        yield control_totals.NAME
