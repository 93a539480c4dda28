"""pandera as the second line: what the conversion should have caught is caught here, row by row or as a whole."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from risk_pipeline.contracts import table
from risk_pipeline.errors import Refused
from risk_pipeline.feeds.convert import LINE, SEQ
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.feeds.validate import Validator

COLUMNS = ["invoice_id", "customer_id", "doc_type", "invoice_date", "amount", "currency"]


@pytest.fixture
def validator() -> Validator:
    columns = {name: {"from": name} for name in COLUMNS}
    spec = {"feed": "invoice", "source": {"path": "x.csv"}, "delivery": "append", "columns": columns}
    return Validator(FeedSpec.model_validate(spec))


def chunk(**changes: list[object]) -> pa.Table:
    """Three typed rows on lines 12 to 14; `changes` replaces columns."""
    schema = table("feed.invoice").to_arrow()
    values: dict[str, list[object]] = {
        "invoice_id": ["A", "B", "C"],
        "customer_id": ["1", "2", "3"],
        "doc_type": ["invoice", None, "interest"],
        "invoice_date": [date(2024, 1, 2)] * 3,
        "amount": [Decimal("1.00")] * 3,
        "currency": ["EUR"] * 3,
    }
    columns = {name: pa.array(changes.get(name, values[name])).cast(schema.field(name).type) for name in COLUMNS}
    return pa.table({**columns, SEQ: [10, 11, 12], LINE: [12, 13, 14]})


def test_good_rows_pass(validator: Validator) -> None:
    good, problems = validator.check(chunk())
    assert (good, len(problems)) == (None, 0)


def test_a_row_that_breaks_the_contract_is_told_by_line(validator: Validator) -> None:
    good, problems = validator.check(chunk(doc_type=["invoice", "bill", None], customer_id=["1", "2", None]))
    assert good.to_pylist() == [True, False, False]
    told = [(row[SEQ], row[LINE], row["rule"], row["column_name"], row["value_text"]) for row in problems.to_pylist()]
    assert sorted(told) == [(11, 13, "closed_list", "doc_type", "bill"), (12, 14, "not_nullable", "customer_id", None)]


def test_a_failure_without_a_row_refuses_everything(validator: Validator) -> None:
    rows = chunk()
    wrong = rows.set_column(rows.column_names.index("amount"), "amount", pa.array([1.0, 2.0, 3.0]))
    with pytest.raises(Refused, match="for the whole of column amount"):
        validator.check(wrong)
