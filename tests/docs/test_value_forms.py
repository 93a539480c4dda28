"""The table "Text as it comes" of docs/feeds.md, cell by cell: it says what the conversion does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.convert_support import read

PAGE = Path(__file__).parents[2] / "docs" / "feeds.md"


def _rows() -> list[list[str]]:
    section = PAGE.read_text(encoding="utf-8").split("## Text as it comes")[1].split("\n- ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) >= 10
    return rows


def _column(mapping: dict[str, Any], value: str) -> tuple[str, str]:
    if "format" in mapping:
        return "collateral", "valid_to"
    is_amount = re.fullmatch(r"-?\d+\.\d\d", value)
    return ("sales_order", "delivered_not_invoiced") if is_amount else ("customer", "payer_id")


def test_the_table_of_forms_is_true() -> None:
    for row in _rows():
        shown, quoted_mapping, value, without = row
        cells = re.findall("`([^`]*)`", shown)
        mapping = yaml.safe_load("{" + quoted_mapping.strip("`") + "}")
        feed, column = _column(mapping, value)
        expected = "None" if value == "nothing" else value.strip("`")
        assert [str(each) for each in read(feed, column, mapping, cells)] == [expected] * len(cells), row
        if without.startswith("rejected"):
            assert all("_" in str(each) and str(each).islower() for each in read(feed, column, {}, cells)), row
