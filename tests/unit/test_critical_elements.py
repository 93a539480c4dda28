"""The inventory of critical data elements: declared columns that exist, each with its sources; the decisions are watched."""

from __future__ import annotations

from risk_pipeline.contracts import TABLES
from risk_pipeline.contracts.critical import CRITICAL
from risk_pipeline.gates.duties import RULES
from risk_pipeline.pipeline.critical_elements import critical_elements


def test_each_is_a_column_declared_once() -> None:
    names = [(each.table, each.column) for each in CRITICAL]
    assert len(set(names)) == len(names)
    assert all(column in TABLES[table] for table, column in names)


def test_what_is_derived_has_sources_and_every_decision_a_control() -> None:
    for each in critical_elements():
        if not each.table.startswith("feed."):
            assert each.sources or each.chosen_by, each.name
            assert all(name.startswith("feed.") for name in each.sources)
        if each.table.startswith(("decision.", "score.")):
            assert each.controls, each.name
        else:
            assert any(name.startswith(("decision.", "mart.")) for name in each.goes_into), each.name


def test_an_element_as_the_page_tells_it() -> None:
    found = {each.name: each for each in critical_elements()}
    owed = found["factor.exposure.overdue"]
    assert owed.owner == "credit_risk"
    assert {"feed.invoice.amount", "feed.payment_application.amount"} <= set(owed.sources)
    assert owed.way[0] == "feed.credit_note"
    assert "factor.exposure" in owed.way
    assert "control_totals" in owed.controls
    assert "negative_invoice_amount (warn)" in found["feed.invoice.amount"].controls
    assert {"duty_override_requester_approves", "duty_launcher_approves"} <= set(found["feed.override.verdict"].controls)


def test_duties_judge_columns_that_exist() -> None:
    judged = {name.rpartition(".")[::2] for rule in RULES for name in rule.judges}
    assert judged
    assert all(column in TABLES[table] for table, column in judged)
