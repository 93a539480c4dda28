"""OpenLineage: the form of what is told, and that the tests see when it is wrong."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from risk_pipeline.contracts import table
from risk_pipeline.lineage import openlineage as ol
from risk_pipeline.lineage.columns import ColumnLineage
from risk_pipeline.lineage.influence import Influence
from tests.openlineage_official import Wrong, read

MADE = ColumnLineage(
    {
        "factor.exposure": {
            "overdue": frozenset(
                {
                    Influence("factor.open_item", "open_amount", "aggregation"),
                    Influence("factor.open_item", "open_amount", "filter"),
                    Influence("previous.risk_tier", "tier", "conditional"),
                    Influence("feed.bill", "amount", "identity"),
                }
            ),
            "run_id": frozenset({Influence("audit.run", "run_id", "identity")}),
        }
    }
)
NAMES = {"factor.open_item": "factor.open_item", "previous.risk_tier": "decision.risk_tier"}


def an_event() -> dict[str, Any]:
    """One with every kind of facet."""
    columns = ol.column_lineage(MADE, "factor.exposure", "ns", NAMES)
    about = {**ol.about(table("factor.exposure"), "file:///w/risk.duckdb"), "version": ol.version("r"), "columnLineage": columns}
    check = ol.assertion("key", passed=False, severity="error", failed=2, checks="the key is unique", detail="C1")
    quality = {"dataQualityAssertions": ol.assertions([check]), "dataQualityMetrics": ol.measured(5, 600)}
    source = {"subset": ol.files_read(["a.csv"]), "inputStatistics": ol.read(5, 90, 1)}
    feed = {"subset": ol.parts_read({7: "ab", 8: ""})}
    facets = {
        "nominalTime": ol.nominal_time(date(2026, 3, 29), ZoneInfo("Europe/Berlin")),
        "processing_engine": ol.processing_engine("DuckDB", "2.0"),
        "errorMessage": ol.error_message("no"),
        "tags": ol.tags({"commit": None, "label": "official"}),
        "parent": ol.parent(ol.run_uuid("r"), "ns", "all"),
    }
    return ol.event(
        "COMPLETE",
        datetime(2026, 3, 30, tzinfo=UTC),
        run=ol.run(ol.run_uuid("r"), **facets),
        job=ol.job("ns", "assessment", "assesses"),
        inputs=[
            ol.dataset("ns", "factor.open_item", {"schema": ol.named_columns(["open_amount"])}, inputFacets=quality),
            ol.dataset("ns", "source.invoice", {"documentation": ol.documentation("files")}, inputFacets=source),
            ol.dataset("ns", "feed.invoice", {}, inputFacets=feed),
        ],
        outputs=[
            ol.dataset(
                "ns",
                "factor.exposure",
                about,
                outputFacets={"outputStatistics": ol.written(5, 600), "subset": ol.part_written(8, "")},
            )
        ],
    )


def test_an_event_is_what_the_specification_wants() -> None:
    event = read(an_event())
    assert event.run.facets["nominalTime"].nominalStartTime == "2026-03-29T00:00:00+01:00"
    assert event.run.facets["nominalTime"].nominalEndTime == "2026-03-30T00:00:00+02:00", "a day of 23 hours"
    assert [each.key for each in event.run.facets["tags"].tags] == ["label"], "what is not known is left out"


WRONG = {
    "event/eventType": "DONE",
    "event/eventTime": "2026-03-30",
    "event/schemaURL": "https://openlineage.io/spec/1-0-0/OpenLineage.json#/$defs/RunEvent",
    "event/comment": "not in the specification",
    "event/run/runId": "tonight",
    "event/run/facets/nominalTime/nominalStartTime": "yesterday",
    "event/run/facets/when": ol.nominal_time(date(2026, 3, 29), ZoneInfo("UTC")),
    "event/run/facets/documentation": ol.documentation("of a dataset, not of a run"),
    "event/run/facets/tags/_schemaURL": "https://openlineage.io/spec/facets/0-0-1/TagsRunFacet.json#/$defs/TagsRunFacet",
    "event/job/name": None,
    "event/inputs/0/inputFacets/dataQualityAssertions/assertions/0/success": "no",
    "event/inputs/0/inputFacets/dataQualityMetrics/rowCount": "5",
    "event/outputs/0/facets/schema/fields": {"name": "amount"},
    "event/outputs/0/facets/columnLineage/fields/overdue/inputFields/0/transformations/0": {"subtype": "FILTER"},
    "event/outputs/0/outputFacets/outputStatistics/rowCount": True,
}


@pytest.mark.parametrize("at", WRONG)
def test_a_wrong_event_is_seen(at: str) -> None:
    changed = {"event": deepcopy(an_event())}
    *path, last = at.split("/")
    found: Any = changed
    for step in path:
        found = found[int(step) if isinstance(found, list) else step]
    found[int(last) if isinstance(found, list) else last] = WRONG[at]
    with pytest.raises(Wrong):
        read(changed["event"])


@pytest.mark.parametrize("left_out", ["run", "job", "eventTime", "producer"])
def test_an_event_that_lacks_something_is_seen(left_out: str) -> None:
    event = an_event()
    if left_out == "producer":
        del event["run"]["facets"]["parent"]["job"]
    else:
        del event[left_out]
    with pytest.raises(Wrong):
        read(event)


def test_values_are_direct_and_what_chooses_is_indirect() -> None:
    fields = ol.column_lineage(MADE, "factor.exposure", "ns", NAMES)["fields"]
    assert set(fields) == {"overdue"}, "a constant of the run comes from no dataset"
    assert fields["overdue"]["inputFields"] == [
        {
            "namespace": "ns",
            "name": "factor.open_item",
            "field": "open_amount",
            "transformations": [
                {"type": "DIRECT", "subtype": "AGGREGATION"},
                {"type": "INDIRECT", "subtype": "FILTER"},
            ],
        },
        {
            "namespace": "ns",
            "name": "decision.risk_tier",
            "field": "tier",
            "transformations": [{"type": "INDIRECT", "subtype": "CONDITIONAL"}],
        },
    ]


def test_the_id_of_a_run_is_its_own_where_it_is_a_uuid() -> None:
    dashed = "6c1ea8d0-01de-4959-9c38-a9b22e0a3425"
    assert str(ol.run_uuid(dashed)) == str(ol.run_uuid(dashed.replace("-", ""))) == dashed
    assert ol.run_uuid("month end") == ol.run_uuid("month end")
    ids = {ol.run_uuid("month end", 0), ol.run_uuid("month end", 1), ol.run_uuid("month end", 2), ol.run_uuid("other")}
    assert len(ids) == 4, "each attempt is a run of its own"
