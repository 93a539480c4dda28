"""What OpenLineage says about a job, a run and its tables, as the JSON its events are made of.

Put here: events and facets in the form of the official specification. Keep out: what a run or a delivery knows
(pipeline.lineage_events) and sending (pipeline.lineage_sending). The classes of openlineage-python are not used to build them:
importing that package takes longer than everything else an event needs. The tests read every event back into those classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from risk_pipeline import __version__
from risk_pipeline.contracts.feed import STORE_COLUMNS
from risk_pipeline.contracts.table import DUCKDB_TYPE, Table
from risk_pipeline.lineage.columns import ColumnLineage
from risk_pipeline.lineage.influence import kind_of

PROGRAM = "customer-risk-pipeline"
PRODUCER = f"urn:{PROGRAM}:{__version__}"
SPECIFICATION = "https://openlineage.io/spec"
EVENT = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"

Json = dict[str, Any]


def run_uuid(run_id: str, attempt: int = 0) -> UUID:
    """The id of a run in OpenLineage: its own where that is a UUID, else one that follows from it. A run that had ended and goes
    on is another `attempt`: there is one START and one end for each.
    """
    try:
        own = UUID(run_id)
    except ValueError:
        own = uuid5(NAMESPACE_URL, f"urn:{PROGRAM}:run:{run_id}")
    return uuid5(own, f"attempt {attempt}") if attempt else own


# Events


def event(kind: str, at: datetime, *, run: Json, job: Json, inputs: Iterable[Json] = (), outputs: Iterable[Json] = ()) -> Json:
    """One event. `kind`: START, COMPLETE or FAIL; `at`: aware."""
    return {
        "eventType": kind,
        "eventTime": at.isoformat(),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": run,
        "job": job,
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def job(namespace: str, name: str, description: str) -> Json:
    """A job: a batch of this program."""
    return {
        "namespace": namespace,
        "name": name,
        "facets": {
            "jobType": _facet("2-0-4/JobTypeJobFacet", processingType="BATCH", integration="RISK_PIPELINE", jobType="JOB"),
            "documentation": _facet("1-1-0/DocumentationJobFacet", description=description),
        },
    }


def run(run_id: UUID, **facets: Json) -> Json:
    """A run, with facets by their official names."""
    return {"runId": str(run_id), "facets": facets}


def dataset(namespace: str, name: str, facets: Json, **more: Json) -> Json:
    """A dataset of an event. `more`: `inputFacets` of an input, `outputFacets` of an output."""
    return {"namespace": namespace, "name": name, "facets": facets, **more}


# Facets of runs


def nominal_time(day: date, zone: ZoneInfo) -> Json:
    """The day that was assessed, in the time zone of the workspace."""
    begin, end = (datetime.combine(each, time(), zone).isoformat() for each in (day, day + timedelta(days=1)))
    return _facet("1-0-1/NominalTimeRunFacet", nominalStartTime=begin, nominalEndTime=end)


def processing_engine(name: str, version: str) -> Json:
    """What computed it."""
    return _facet("1-1-1/ProcessingEngineRunFacet", name=name, version=version, openlineageAdapterVersion=__version__)


def error_message(message: str) -> Json:
    """Why it did not come to a publication."""
    return _facet("1-0-1/ErrorMessageRunFacet", message=message, programmingLanguage="PYTHON")


def tags(values: Mapping[str, object]) -> Json:
    """What else a run is known by; a value that is None is left out. The code is told here: the facet for its place wants the
    address of a repository, which a program that was installed does not know.
    """
    told = [{"key": key, "value": str(value), "source": PROGRAM} for key, value in values.items() if value is not None]
    return _facet("1-0-0/TagsRunFacet", tags=told)


def parent(run_id: UUID, namespace: str, name: str) -> Json:
    """The run this one is a part of."""
    return _facet("1-2-0/ParentRunFacet", run={"runId": str(run_id)}, job={"namespace": namespace, "name": name})


# Facets of datasets


def about(table: Table, uri: str) -> Json:
    """Facets of a table of the warehouse: its columns, of a feed also what the store adds; what it is; where analysts open it."""
    of_store = STORE_COLUMNS if table.layer == "feed" else ()
    columns = [
        {
            "name": column.name,
            "type": DUCKDB_TYPE[column.kind],
            "description": f"{column.field.en} {column.field.zh}",
            "ordinal_position": place,
        }
        for place, column in enumerate((*table.columns, *of_store), 1)
    ]
    return {
        "schema": _facet("1-2-0/SchemaDatasetFacet", fields=columns),
        "documentation": documentation(f"{table.en} {table.zh}"),
        "dataSource": _facet("1-0-1/DatasourceDatasetFacet", name="warehouse", uri=uri),
    }


def named_columns(names: Iterable[str]) -> Json:
    """Columns of which only the names are known."""
    return _facet("1-2-0/SchemaDatasetFacet", fields=[{"name": name} for name in names])


def documentation(description: str) -> Json:
    """What a dataset is."""
    return _facet("1-1-0/DocumentationDatasetFacet", description=description)


def version(of: object) -> Json:
    """Which state of a dataset."""
    return _facet("1-0-1/DatasetVersionDatasetFacet", datasetVersion=str(of))


def column_lineage(lineage: ColumnLineage, table: str, namespace: str, names: Mapping[str, str]) -> Json:
    """What the columns of a table come from, one step back: DIRECT what a value is made of, INDIRECT what only chooses.

    `names`: the datasets there are, by what `lineage` calls them; sources that are none of them are left out.
    """
    fields: Json = {}
    for column in lineage.columns(table):
        hows: dict[tuple[str, str], list[Json]] = {}
        for edge in lineage.sources(column):
            if (name := names.get(edge.source.table)) is not None:
                told = {"type": kind_of(edge.how).upper(), "subtype": edge.how.upper()}
                hows.setdefault((name, edge.source.column), []).append(told)
        if hows:
            sources = [
                {"namespace": namespace, "name": name, "field": field, "transformations": told}
                for (name, field), told in hows.items()
            ]
            fields[column.column] = {"inputFields": sources}
    return _facet("1-2-0/ColumnLineageDatasetFacet", fields=fields)


# Facets of inputs and outputs


def written(rows: int, size: int | None = None, files: int = 1) -> Json:
    """Rows, bytes and files an output got."""
    return _facet("1-0-2/OutputStatisticsOutputDatasetFacet", **_known(rowCount=rows, size=size, fileCount=files))


def read(rows: int, size: int, files: int) -> Json:
    """Rows, bytes and files that were read of an input."""
    return _facet("1-0-0/InputStatisticsInputDatasetFacet", rowCount=rows, size=size, fileCount=files)


def measured(rows: int, size: int) -> Json:
    """Rows and bytes of a table that was checked."""
    return _facet("1-0-3/DataQualityMetricsInputDatasetFacet", rowCount=rows, bytes=size, fileCount=1, columnMetrics={})


def assertions(found: Iterable[Json]) -> Json:
    """Answers of checks, each made by assertion()."""
    return _facet("1-1-0/DataQualityAssertionsDatasetFacet", assertions=list(found))


def assertion(name: str, *, passed: bool, severity: str, failed: int, checks: str, detail: str = "") -> Json:
    """The answer of one check. `severity`: error (it blocks) or warn; `failed`: rows that break it; `checks`: what it asks."""
    told = {"params": {"detail": detail}} if detail else {}
    return {
        "assertion": name,
        "success": passed,
        "severity": severity,
        "description": checks,
        "expected": "0",
        "actual": str(failed),
        **told,
    }


def parts_read(deliveries: Mapping[int, str]) -> Json:
    """Which deliveries of a feed an input is made of: SHA-256 of the content by number, empty where there was none."""
    return _subset("Input", type="partition", partitions=_partitions(deliveries))


def part_written(number: int, sha256: str) -> Json:
    """The delivery an output got."""
    return _subset("Output", type="partition", partitions=_partitions({number: sha256}))


def files_read(names: Iterable[str]) -> Json:
    """The source files of an input."""
    return _subset("Input", type="location", locations=list(names))


def _partitions(deliveries: Mapping[int, str]) -> list[Json]:
    return [
        {"dimensions": {"delivery": number}, **_known(identifier=sha256 or None)} for number, sha256 in sorted(deliveries.items())
    ]


def _subset(side: str, **condition: Any) -> Json:
    named = {f"{side.lower()}Condition": condition}
    url = f"{SPECIFICATION}/facets/1-0-0/BaseSubsetDatasetFacet.json#/$defs/{side}Subset{side}DatasetFacet"
    return {"_producer": PRODUCER, "_schemaURL": url, **named}


def _facet(schema: str, **values: Any) -> Json:
    """A facet of the official `schema`, its version before its name."""
    name = schema.partition("/")[2]
    return {"_producer": PRODUCER, "_schemaURL": f"{SPECIFICATION}/facets/{schema}.json#/$defs/{name}", **values}


def _known(**values: Any) -> Json:
    return {name: value for name, value in values.items() if value is not None}
