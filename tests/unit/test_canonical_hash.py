"""The canonical hash says whether two tables mean the same, and which column does not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.contracts import Table
from risk_pipeline.contracts.derive import arrow_schema
from risk_pipeline.contracts.fields import columns
from risk_pipeline.lineage.canonical_hash import TableHash, hash_table, hash_tables

CONTRACT = Table(
    layer="decision",
    name="example",
    grain="one row per customer",
    owner="credit_risk",
    en="An example",
    zh="示例",
    key=("customer_id",),
    money_in="reporting",
    columns=columns("customer_id run_id name overdue score hold as_of started_at fx_rate n_items"),
)
ROW: dict[str, Any] = {
    "customer_id": "C1",
    "run_id": "r1",
    "name": "Müller",
    "overdue": Decimal("12.30"),
    "score": 66.5,
    "hold": False,
    "as_of": date(2026, 6, 30),
    "started_at": datetime(2026, 7, 1, 8, tzinfo=UTC),
    "fx_rate": Decimal("1.0832000000"),
    "n_items": 3,
}
EMPTY: dict[str, Any] = {**dict.fromkeys(ROW), "customer_id": "C2", "run_id": "r1"}
ROWS = [ROW, EMPTY, {**ROW, "customer_id": "C3", "name": ""}]


def hashed(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> TableHash:
    schema = arrow_schema(CONTRACT)
    path = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), path, **options)
    return hash_table(CONTRACT, path)


def test_the_form_of_the_file_does_not_matter(tmp_path: Path) -> None:
    plain = hashed(tmp_path, ROWS, compression="none", use_dictionary=False)
    assert hashed(tmp_path, ROWS, compression="zstd", row_group_size=1) == plain
    again = [{**row, "run_id": "another"} for row in ROWS]
    assert hashed(tmp_path, again) == plain
    assert plain.rows == 3
    assert hash_tables({CONTRACT: tmp_path / "part.parquet"}, threads=2) == {"decision.example": plain}


def test_batches_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hashed(tmp_path, ROWS)
    monkeypatch.setattr("risk_pipeline.lineage.canonical_hash.BATCH_ROWS", 2)
    assert hashed(tmp_path, ROWS) == whole


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("name", "Muller"),
        ("name", None),
        ("overdue", Decimal("12.31")),
        ("score", 66.50000000000001),
        ("hold", True),
        ("hold", None),
        ("as_of", date(2026, 7, 1)),
        ("started_at", datetime(2026, 7, 1, 8, 0, 0, 1, tzinfo=UTC)),
        ("fx_rate", Decimal("1.0832000001")),
        ("n_items", None),
    ],
)
def test_one_changed_value_is_named(tmp_path: Path, column: str, value: Any) -> None:
    before, after = hashed(tmp_path, ROWS), hashed(tmp_path, [{**ROW, column: value}, *ROWS[1:]])
    assert before.sha256 != after.sha256
    assert before.differing(after) == (column,)


def test_neighbours_are_told_apart(tmp_path: Path) -> None:
    def texts(*names: str | None) -> str:
        return hashed(tmp_path, [{**ROW, "customer_id": f"C{n}", "name": name} for n, name in enumerate(names)]).columns["name"]

    forms = [texts("ab", "c"), texts("a", "bc"), texts("c", "ab"), texts("abc", ""), texts("abc", None), texts(None, "abc")]
    assert len(set(forms)) == len(forms)


def test_equal_numbers_have_one_form(tmp_path: Path) -> None:
    zero = hashed(tmp_path, [{**ROW, "score": 0.0}])
    assert hashed(tmp_path, [{**ROW, "score": -0.0}]) == zero
    assert hashed(tmp_path, []).columns["score"] != zero.columns["score"]


def test_a_column_that_one_file_lacks_is_named(tmp_path: Path) -> None:
    whole = hashed(tmp_path, ROWS)
    path = tmp_path / "older.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS, arrow_schema(CONTRACT)).drop_columns(["name"]), path)
    assert whole.differing(hash_table(CONTRACT, path)) == ("name",)
