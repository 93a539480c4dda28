"""Bulk ledgers: the same rows each time, as many as asked for, in columns the contracts know."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from risk_pipeline.demo.bulk import INVOICES_PER_CUSTOMER, generate_bulk
from tests.bulk_workspace import assert_yaml_maps_every_column


@pytest.fixture(scope="module")
def bulk(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    root = tmp_path_factory.mktemp("bulk")
    return root, generate_bulk(root, 500, 24, 3, fmt="parquet")


def test_rows_asked_for(bulk: tuple[Path, dict[str, int]]) -> None:
    root, counts = bulk
    assert counts["customer"] == 500
    assert counts["invoice"] == 500 * INVOICES_PER_CUSTOMER
    assert set(counts) == {"customer", "invoice", "payment", "payment_application", "credit_note", "dispute"}
    for feed, count in counts.items():
        assert pq.read_metadata(root / "data" / f"{feed}.parquet").num_rows == count > 0


def test_csv_and_parquet_hold_the_same(bulk: tuple[Path, dict[str, int]], tmp_path: Path) -> None:
    counts = generate_bulk(tmp_path, 500, 24, 3)
    assert counts == bulk[1]
    for feed in counts:
        typed = pq.read_table(bulk[0] / "data" / f"{feed}.parquet")
        options = pa_csv.ConvertOptions(column_types=typed.schema, strings_can_be_null=True)
        assert pa_csv.read_csv(tmp_path / "data" / f"{feed}.csv", convert_options=options) == typed, feed


def test_feed_yaml_maps_every_column_to_the_contract(bulk: tuple[Path, dict[str, int]]) -> None:
    assert_yaml_maps_every_column(*bulk)


def test_no_invoice_is_paid_more_than_it_is(bulk: tuple[Path, dict[str, int]]) -> None:
    root, _ = bulk
    read = {feed: pq.read_table(root / "data" / f"{feed}.parquet") for feed in ("invoice", "payment", "payment_application")}
    billed = dict(zip(*(read["invoice"][name].to_pylist() for name in ("invoice_id", "amount")), strict=True))
    paid: dict[str, Decimal] = {}
    named = read["payment"].filter(pc.is_valid(read["payment"]["invoice_id"]))
    for part in (named, read["payment_application"]):
        for invoice, amount in zip(part["invoice_id"].to_pylist(), part["amount"].to_pylist(), strict=True):
            paid[invoice] = paid.get(invoice, Decimal(0)) + amount
    assert all(amount <= billed[invoice] for invoice, amount in paid.items())
    assert 0.85 < len(paid) / len(billed) < 1
