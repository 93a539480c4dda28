"""Bulk evidence: the same rows each time, in columns the contracts know, for customers that exist."""

from __future__ import annotations

from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.contracts.feed_evidence import EVIDENCE_TABLES
from risk_pipeline.demo.bulk import generate_bulk
from risk_pipeline.demo.bulk_evidence import generate_evidence
from tests.bulk_workspace import assert_yaml_maps_every_column

CUSTOMERS = 400


def made(root: Path) -> dict[str, int]:
    generate_bulk(root, CUSTOMERS, fmt="parquet")
    return generate_evidence(root)


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    root = tmp_path_factory.mktemp("bulk")
    return root, made(root)


def read(root: Path, feed: str) -> dict[str, list[object]]:
    return pq.read_table(root / "data" / f"{feed}.parquet").to_pydict()


def test_every_evidence_feed_has_rows(bulk: tuple[Path, dict[str, int]]) -> None:
    root, counts = bulk
    assert {each.name for each in EVIDENCE_TABLES} | {"industry_indicator", "country_risk", "sales_order"} <= set(counts)
    assert counts["customer"] == CUSTOMERS
    for feed, count in counts.items():
        assert pq.read_metadata(root / "data" / f"{feed}.parquet").num_rows == count > 0


def test_the_same_arguments_give_the_same_rows(bulk: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    assert made(tmp_path) == bulk[1]
    for feed in bulk[1]:
        assert read(tmp_path, feed) == read(bulk[0], feed), feed


def test_feed_yaml_maps_every_column_to_the_contract(bulk: tuple[Path, dict[str, int]]) -> None:
    assert_yaml_maps_every_column(*bulk)


def test_values_are_of_the_closed_lists_and_customers_exist(bulk: tuple[Path, dict[str, int]]) -> None:
    root, counts = bulk
    customers = set(read(root, "customer")["customer_id"])
    for feed in counts:
        rows = read(root, feed)
        for column in table(f"feed.{feed}").columns:
            if column.values and column.name in rows:
                assert set(rows[column.name]) - {None} <= set(column.values), (feed, column.name)
        assert set(rows.get("customer_id", ())) <= customers, feed


def test_statements_balance(bulk: tuple[Path, dict[str, int]]) -> None:
    rows = pq.read_table(bulk[0] / "data" / "financial_statement.parquet")
    debts = pc.add(rows["total_liabilities"], rows["equity"])
    assert pc.all(pc.equal(rows["total_assets"], pc.cast(debts, rows["total_assets"].type))).as_py()


def test_some_customers_are_in_trouble_and_most_are_not(bulk: tuple[Path, dict[str, int]]) -> None:
    found = read(bulk[0], "due_diligence_finding")
    assert 0.05 < len(set(found["customer_id"])) / CUSTOMERS < 0.4
