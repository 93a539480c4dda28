"""The data dictionary shows every table and column in both languages. (That the committed page is fresh: tests/architecture.)"""

from __future__ import annotations

import pytest

from risk_pipeline.contracts import STORE_COLUMNS, TABLES
from risk_pipeline.reporting.dictionary import dictionary_markdown


@pytest.fixture(scope="module")
def page() -> str:
    return dictionary_markdown()


def section(page: str, name: str) -> str:
    return page.split(f"### {name}\n")[1].split("\n### ")[0]


@pytest.mark.parametrize("name", TABLES)
def test_a_section_shows_the_whole_table(page: str, name: str) -> None:
    text = section(page, name)
    declared = TABLES[name]
    assert declared.en in text
    assert declared.zh in text
    assert f"owner: {declared.owner}" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in rows] == list(declared.column_names)
    for line, column in zip(rows, declared.columns, strict=True):
        assert column.field.en in line
        assert column.field.zh in line
        assert line.count(" | ") == 6, "one cell per heading"
        assert ("**key**" in line) is (column.name in declared.key)


def test_rows_tell_unit_values_masks_and_persons(page: str) -> None:
    invoice, exposure = section(page, "feed.invoice"), section(page, "factor.exposure")
    assert "| `amount` | money | currency of the row | *required* |" in invoice
    assert "`none` `with_recourse` `without_recourse`" in invoice
    assert "only payment and set-off count as paid; hidden until `cleared_date`" in invoice
    assert "| `open_exposure` | money | reporting currency | *required* |" in exposure
    assert "today's state only" in section(page, "feed.sales_order")
    assert "`personal`" in section(page, "feed.customer")


def test_the_columns_of_the_feed_store_are_shown_once(page: str) -> None:
    for column in STORE_COLUMNS:
        assert page.count(f"| `{column.name}` | {column.kind} |") >= 1
    assert page.count("| `row_hash` |") == 1
