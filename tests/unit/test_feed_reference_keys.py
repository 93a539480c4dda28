"""What feeds of lists and series need of a mapping: a lag of publication, an index turned round, several lists in one feed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.spec import FeedSpec, load_feeds
from tests.convert_support import read

LIST = """\
feed: sanctions_entity
source: {{path: {file}}}
delivery: snapshot
columns:
  source: {source}
  entity_id: {{from: id}}
  listed_date: {{value: "2020-01-01"}}
  name: {{from: name}}
"""


def listed(file: str, source: str) -> str:
    return LIST.format(file=file, source=source)


def test_a_figure_comes_out_days_after_the_day_in_the_cell() -> None:
    cells = ["2017-12-01", "2016-02-29", "soon"]
    assert read("industry_indicator", "published_date", {"plus_days": 45}, cells) == [
        date(2018, 1, 15),
        date(2016, 4, 14),
        "not_a_date",
    ]


def test_an_index_that_is_best_at_its_top_becomes_a_risk() -> None:
    cells = ["10", "7.2", "0.5", "high"]
    assert read("country_risk", "score", {"scale": "10", "subtract_from": "100"}, cells) == [0.0, 28.0, 95.0, "not_a_number"]


@pytest.mark.parametrize(("column", "key"), [("rate", {"subtract_from": "10"}), ("currency", {"plus_days": "3"})])
def test_these_keys_belong_to_their_kinds(column: str, key: dict[str, Any]) -> None:
    columns = {name: {"from": name} for name in ("currency", "rate_date", "rate")}
    columns[column] |= key
    with pytest.raises(ValidationError, match="does not apply"):
        FeedSpec.model_validate({"feed": "fx_rate", "source": {"path": "x.csv"}, "delivery": "snapshot", "columns": columns})


def test_two_lists_of_one_feed_have_a_yaml_each(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(listed("a.csv", "{value: OFAC}"))
    (tmp_path / "b.yaml").write_text(listed("b.csv", "{value: EU}"))
    loaded = load_feeds(tmp_path, ["sanctions_entity"])
    assert [each.spec.part_of for each in loaded] == [{"source": "OFAC"}, {"source": "EU"}]
    assert [each.spec.max_drop_pct for each in loaded] == [10, 10]


@pytest.mark.parametrize("source", ["{value: OFAC}", "{from: list}"])
def test_two_lists_that_could_hold_the_same_row_are_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.yaml").write_text(listed("a.csv", "{value: OFAC}"))
    (tmp_path / "b.yaml").write_text(listed("b.csv", source))
    with pytest.raises(UsageError, match=r"b\.yaml: feed sanctions_entity is already served by a\.yaml"):
        load_feeds(tmp_path)
