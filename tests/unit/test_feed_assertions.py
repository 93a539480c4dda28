"""The last gates of a delivery: row conservation, and the assertions of the feed at their limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.spec import FeedSpec
from risk_pipeline.pipeline.ingest import check_assertions, check_conservation
from risk_pipeline.pipeline.problems import Problems

COUNTS = {"rows_read": 100, "rows_filtered": 20, "rows_rejected": 4, "rows_repeated": 6, "rows_unchanged": 30, "rows_stored": 40}


def spec_for(delivery: str = "snapshot", **assertions: Any) -> FeedSpec:
    columns = {"customer_id": {"from": "k"}}
    source = {"path": "x.csv"}
    return FeedSpec.model_validate(
        {"feed": "customer", "source": source, "delivery": delivery, "columns": columns, "assertions": assertions}
    )


def test_rows_that_add_up_pass() -> None:
    check_conservation(COUNTS)


@pytest.mark.parametrize("lost", [name for name in COUNTS if name != "rows_read"])
def test_a_lost_row_refuses_the_delivery(lost: str) -> None:
    for change in (-1, 1):
        with pytest.raises(Refused, match=f"100 rows were read, but {100 + change} are accounted for"):
            check_conservation({**COUNTS, lost: COUNTS[lost] + change})


@pytest.mark.parametrize(
    ("assertions", "before", "told"),
    [
        ({"max_rejected_pct": 5, "rows_min": 70, "rows_max": 70, "max_drop_pct": 30}, 100, None),
        ({"max_rejected_pct": 4.9}, 0, "4 of 80 rows (5.0 %) break a rule"),
        ({"rows_min": 71}, 0, "70 rows, fewer than rows_min 71 (100 read, 20 filtered out, 4 rejected)"),
        ({"rows_max": 69}, 0, "70 rows, more than rows_max 69"),
        ({"max_drop_pct": 29.9}, 100, "70 rows where 100 are in effect: 30.0 % fewer, more than max_drop_pct 29.9"),
        ({}, 141, "50.4 % fewer, more than max_drop_pct 50"),
        ({}, 140, None),
    ],
)
def test_assertions_at_their_limits(tmp_path: Path, assertions: dict[str, Any], before: int, told: str | None) -> None:
    spec = spec_for(**assertions)
    if told is None:
        check_assertions(spec, COUNTS, 70, before, Problems(spec, tmp_path))
        return
    with pytest.raises(Refused) as caught:
        check_assertions(spec, COUNTS, 70, before, Problems(spec, tmp_path))
    assert told in caught.value.message
    assert caught.value.remedy


def test_only_snapshots_can_drop(tmp_path: Path) -> None:
    spec = spec_for("upsert")
    check_assertions(spec, COUNTS, 70, 100_000, Problems(spec, tmp_path))
