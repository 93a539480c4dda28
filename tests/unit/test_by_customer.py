"""Reading a file ordered by customer range by range: what is asked for, no more row groups than needed, older files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.store.by_customer import ByCustomer, rows_between

REVIEW = table("decision.review")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Customers C00, C02 … C38 in row groups of four; the file is older than review_reason_zh."""
    ids = [f"C{number:02d}" for number in range(0, 40, 2)]
    rows = {"customer_id": ids, "review_interval_days": list(range(20)), "review_reason": ["scheduled", "statement"] * 10}
    pq.write_table(pa.table(rows), tmp_path / "review.parquet", row_group_size=4, store_schema=False)
    return tmp_path / "review.parquet"


def stored(file: Path | None) -> ByCustomer:
    return ByCustomer(REVIEW, file, ["review_reason", "review_interval_days", "review_reason_zh"])


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [("C00", "C38", range(20)), ("C08", "C14", [4, 5, 6, 7]), ("C09", "C13", [5, 6]), ("C06", "C08", [3, 4]), ("C39", "C99", [])],
)
def test_a_range_holds_both_its_ends(file: Path, first: str, last: str, days: list[int]) -> None:
    assert stored(file).between(first, last)["review_interval_days"].to_pylist() == list(days)


def test_texts_that_repeat_come_as_dictionaries_and_a_column_the_file_lacks_is_null(file: Path) -> None:
    rows = stored(file).between("C00", "C38")
    assert rows.schema.names == ["customer_id", "review_reason", "review_interval_days", "review_reason_zh"]
    assert pa.types.is_dictionary(rows.schema.field("review_reason").type)
    assert pa.types.is_string(rows.schema.field("customer_id").type)
    assert rows["review_reason_zh"].null_count == 20


def test_without_a_file_there_are_no_rows() -> None:
    assert stored(None).between("A", "Z").num_rows == 0


def test_a_file_that_does_not_say_what_its_row_groups_hold_is_read_all_the_same(tmp_path: Path, file: Path) -> None:
    silent = tmp_path / "silent.parquet"
    pq.write_table(pq.read_table(file), silent, row_group_size=4, write_statistics=False)
    assert stored(silent).between("C08", "C14")["review_interval_days"].to_pylist() == [4, 5, 6, 7]


def test_rows_between_of_rows_in_memory() -> None:
    rows = pa.table({"customer_id": ["A", "B", "B", "D"]})
    assert rows_between(rows, "B", "C")["customer_id"].to_pylist() == ["B", "B"]
