"""What OpenLineage hears of real runs and deliveries: official events, one start and one end for each, by file and by HTTP."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pyarrow.parquet as pq
import pytest

from risk_pipeline.errors import Refused
from risk_pipeline.pipeline import lineage_sending
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.replay import computed_again, published_run
from risk_pipeline.pipeline.revoke import revoke
from risk_pipeline.pipeline.run import FACTOR_TABLES, Run
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.assessed_ledger import Assessed, copy_to
from tests.demo_world import LAST, World
from tests.openlineage_official import read
from tests.small_ledger import NOVEMBER

pytestmark = pytest.mark.slow
ENDS = ("COMPLETE", "FAIL")


def events_of(workspace: Workspace, name: str = "*") -> list[dict[str, Any]]:
    """The events of the files of that name, each as the specification wants it."""
    files = sorted(workspace.openlineage.glob(f"{name}.jsonl"))
    events = [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]
    for each in events:
        read(each)
    return events


def runs_of(events: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """What happened to each run, by job and id."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in events:
        found.setdefault((each["job"]["name"], each["run"]["runId"]), []).append(each["eventType"])
    return found


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def workspace(ingested: Path, tmp_path: Path) -> Workspace:
    """The small ledger, taken in; what that told is forgotten."""
    return _silent(Workspace.load(copy_to(tmp_path / "workspace", ingested)))


def _silent(workspace: Workspace) -> Workspace:
    for path in workspace.openlineage.glob("*"):
        path.unlink()
    return workspace


@pytest.fixture
def register(workspace: Workspace) -> Iterator[Register]:
    with Register.open(workspace.register_url) as opened:
        yield opened


# What is told


@pytest.fixture(scope="module")
def last_month(world: World) -> dict[str, Any]:
    """How the last assessment of the demo's year ended."""
    workspace = Workspace.load(world.root)
    told = events_of(workspace, f"{LAST}-*")
    assert [(each["eventType"], each["job"]["name"]) for each in told] == [
        ("START", "assessment"),
        ("START", "assessment.audit"),
        ("COMPLETE", "assessment.audit"),
        ("COMPLETE", "assessment"),
    ]
    assert told[1]["run"]["facets"]["parent"]["run"]["runId"] == told[0]["run"]["runId"] == told[3]["run"]["runId"]
    return {"complete": told[3], "audit": told[2], "workspace": workspace}


def test_every_published_table_is_an_output_with_its_columns_and_rows(last_month: dict[str, Any], world: World) -> None:
    outputs = {each["name"]: each for each in last_month["complete"]["outputs"]}
    with Register.open(last_month["workspace"].register_url) as register:
        tables = published_run(register, str(LAST)).manifest["tables"]
    assert set(outputs) == set(tables)
    for name, output in outputs.items():
        assert output["outputFacets"]["outputStatistics"]["rowCount"] == tables[name]["rows"]
        columns = [each["name"] for each in output["facets"]["schema"]["fields"]]
        stored = world.query(f"SELECT column_name FROM (DESCRIBE {name})")
        assert columns == [row["column_name"] for row in stored], name
    (tier,) = (each for each in outputs["decision.risk_tier"]["facets"]["schema"]["fields"] if each["name"] == "tier")
    assert tier["type"] == "VARCHAR"
    assert "等级" in tier["description"]


def test_column_lineage_is_that_of_the_audit_table_and_names_columns_that_are_there(
    last_month: dict[str, Any], world: World
) -> None:
    event = last_month["complete"]
    there = {
        (each["name"], column["name"])
        for each in (*event["inputs"], *event["outputs"])
        for column in each["facets"]["schema"]["fields"]
    }
    told, nowhere = set(), set()
    for output in event["outputs"]:
        for column, made in output["facets"]["columnLineage"]["fields"].items():
            for source in made["inputFields"]:
                nowhere |= {(source["name"], source["field"])} - there
                told |= {
                    (output["name"], column, source["name"], source["field"], how["type"], how["subtype"])
                    for how in source["transformations"]
                }
    assert nowhere == {("feed.customer", "state_assumed")}, "which the as-of view adds; nothing else that nobody can look up"
    rows = world.query(
        "SELECT table_name, column_name, REPLACE(source_table, 'previous.', 'decision.') AS source, source_column,"
        " UPPER(influence) AS kind, UPPER(transformation) AS how FROM audit.column_lineage"
    )
    datasets = {name for name, _ in there}
    outputs = {each["name"] for each in event["outputs"]}
    declared = {tuple(row.values()) for row in rows if row["table_name"] in outputs and row["source"] in datasets}
    assert told == declared
    assert {kind for *_, kind, _ in told} == {"DIRECT", "INDIRECT"}
    left_out = {row["source"] for row in rows if row["table_name"] in outputs} - datasets
    with Register.open(last_month["workspace"].register_url) as register:
        delivered = {f"feed.{each.feed}" for each in register.deliveries()}
    assert left_out - {"audit.run"} == {name for name in left_out if name.startswith("feed.")}
    assert not left_out & delivered, "what a feed delivered is told"


def test_a_feed_is_an_input_with_its_deliveries_and_they_with_their_files(last_month: dict[str, Any]) -> None:
    workspace = last_month["workspace"]
    (invoice,) = (each for each in last_month["complete"]["inputs"] if each["name"] == "feed.invoice")
    parts = [each["dimensions"]["delivery"] for each in invoice["inputFacets"]["subset"]["inputCondition"]["partitions"]]
    assert invoice["facets"]["version"]["datasetVersion"] == str(max(parts))
    with Register.open(workspace.register_url) as register:
        delivery = next(each for each in register.deliveries("invoice") if each.delivery_id == parts[0])
    start, end = events_of(workspace, f"delivery-{parts[0]:08d}")
    assert (start["eventType"], end["eventType"], end["job"]["name"]) == ("START", "COMPLETE", "ingest.invoice")
    (source,), (output,) = end["inputs"], end["outputs"]
    assert source["inputFacets"]["subset"]["inputCondition"]["locations"] == [each["name"] for each in delivery.files]
    assert source["inputFacets"]["inputStatistics"]["rowCount"] == delivery.rows_read
    assert output["name"] == "feed.invoice"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == delivery.rows_stored


def test_the_gates_answers_are_assertions_of_the_tables(last_month: dict[str, Any], world: World) -> None:
    answers = {
        (each["name"], found["assertion"]): found
        for each in last_month["audit"]["inputs"]
        for found in each["inputFacets"]["dataQualityAssertions"]["assertions"]
    }
    (run_id,) = (each["value"] for each in last_month["complete"]["run"]["facets"]["tags"]["tags"] if each["key"] == "run")
    checks = world.query("SELECT * FROM audit.check_result WHERE run_id = ?", run_id)
    assert {key: (found["success"], found["severity"], found["actual"]) for key, found in answers.items()} == {
        (row["table_name"], row["check_name"]): (row["passed"], row["severity"], str(row["n_failed"])) for row in checks
    }
    assert answers["decision.risk_tier", "contract_key"]["description"] == "the primary key is unique"


def test_the_whole_year_has_one_start_and_one_end_for_each_run(world: World) -> None:
    folder = Workspace.load(world.root).openlineage
    counted: Counter[tuple[str, str]] = Counter()
    for path in folder.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            counted[event["run"]["runId"], "end" if event["eventType"] in ENDS else event["eventType"]] += 1
    runs = {run for run, _ in counted}
    assert len(runs) > 30
    assert counted == Counter({(run, at): 1 for run in runs for at in ("START", "end")})


# How runs end


def test_a_refused_run_fails_says_why_and_goes_on_as_another_attempt(workspace: Workspace, register: Register) -> None:
    with Run.open(workspace, register, run_id="asked", as_of=NOVEMBER, now=now()) as run:
        staged = {name: run.factor(name).path for name in FACTOR_TABLES}
        rows = pq.read_table(staged["factor.exposure"])
        pq.write_table(rows.slice(0, rows.num_rows - 1), staged["factor.exposure"])
        run.audit("factor")
        with pytest.raises(Refused) as refused:
            run.publish()
    *_, audit, failed = events_of(workspace)
    assert [(each["job"]["name"], each["eventType"]) for each in (audit, failed)] == [
        ("assessment.audit", "FAIL"),
        ("assessment", "FAIL"),
    ]
    answers = {each["name"]: each["inputFacets"]["dataQualityAssertions"]["assertions"] for each in audit["inputs"]}
    assert not all(each["success"] for each in answers["factor.exposure"])
    assert failed["run"]["facets"]["errorMessage"]["message"] in str(refused.value)
    assert failed["outputs"] == [], "readers see nothing of it"
    staged["factor.exposure"].unlink()
    with Run.open(workspace, register, run_id="asked", as_of=NOVEMBER, now=now()) as run:
        run.factor("factor.exposure")
        run.audit("factor")
        run.decide()
        run.audit("decide")
    with Run.open(workspace, register, run_id="asked", as_of=NOVEMBER, now=now()) as run:  # as the next process does
        run.publish()
        run.publish()
    first, second = ((run, happened) for (job, run), happened in runs_of(events_of(workspace)).items() if job == "assessment")
    assert (first[1], second[1]) == (["START", "FAIL"], ["START", "COMPLETE"])
    assert first[0] != second[0]


def test_a_killed_run_ends_when_the_next_begins(workspace: Workspace, register: Register) -> None:
    killed = Run.open(workspace, register, run_id="killed", as_of=NOVEMBER, now=now())
    killed._resources.close()  # as the end of a process does: the lock is freed, nothing is recorded
    with Run.open(workspace, register, run_id="next", as_of=NOVEMBER, now=now()):
        pass
    assert list(runs_of(events_of(workspace, "*-killed")).values()) == [["START", "FAIL"]]


def test_computing_a_run_again_tells_nothing(november: Assessed, tmp_path: Path) -> None:
    workspace = _silent(Workspace.load(copy_to(tmp_path / "workspace", november.folder)))
    with Register.open(workspace.register_url) as register:
        record = published_run(register, str(NOVEMBER))
        with computed_again(workspace, register, record) as made:
            assert made
    assert events_of(workspace) == []


def test_a_refused_delivery_fails_and_a_revoked_one_is_told(workspace: Workspace, register: Register) -> None:
    (workspace.root / "data" / "invoices.csv").write_text("No,Customer,Date,Due,Amount\n", encoding="utf-8")
    (refused,) = ingest(workspace, register, feeds=["invoice"], now=now())
    assert refused.state == "refused"
    revoke(workspace, register, register.deliveries("payment")[0].delivery_id, by="mia", reason="test file", now=now())
    told = events_of(workspace)
    assert list(runs_of(told).values()) == [["START", "FAIL"], ["START", "COMPLETE"]]
    assert told[1]["run"]["facets"]["errorMessage"]["message"] == refused.message
    assert (told[3]["job"]["name"], told[3]["inputs"]) == ("revoke.payment", [])
    statistics = told[3]["outputs"][0]["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"]) == (0, 0), "it took rows away and brought none"


# Where it goes


class Collector:
    """A collector as Marquez is one: POST /api/v1/lineage. `answer`: the status it gives; `awake`: it answers only then."""

    def __init__(self) -> None:
        self.took: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str | None]] = []
        self.answer = 201
        self.awake = Event()
        self.awake.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.awake.wait(10)
                collector.asked.append((self.path, self.headers["Authorization"]))
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.answer < 300:
                    collector.took.append(json.loads(body))
                self.send_response(collector.answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(lineage_sending, "_failed_at", {})
    running = Collector()
    with running.server:
        Thread(target=running.server.serve_forever, daemon=True).start()
        yield running
        running.awake.set()
        running.server.shutdown()


@contextmanager
def sending(ingested: Path, folder: Path, settings: str) -> Iterator[tuple[Workspace, Register]]:
    """A copy of the small ledger that tells as the settings say."""
    workspace = _silent(Workspace.load(copy_to(folder, ingested, f"openlineage: {{{settings}}}\n")))
    with Register.open(workspace.register_url) as register:
        yield workspace, register


def deliver(workspace: Workspace, register: Register, n: int = 1) -> None:
    """Take in the payments with another last line."""
    path = workspace.root / "data" / "payments.csv"
    path.write_text(path.read_text("utf-8").rstrip() + "\n" + path.read_text("utf-8").splitlines()[-1] + "\n" * n, "utf-8")
    (taken,) = ingest(workspace, register, feeds=["payment"], now=now() + timedelta(seconds=n))
    assert taken.state == "effective"


def test_a_collector_gets_every_event_with_the_key(
    ingested: Path, tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUEZ_KEY", "s3cret")
    settings = f"transport: http, url: '{collector.url}', api_key: env:MARQUEZ_KEY"
    with sending(ingested, tmp_path / "w", settings) as (ws, register):
        deliver(ws, register)
        with pytest.raises(Refused), Run.open(ws, register, run_id="r", as_of=NOVEMBER, now=now()) as run:
            run.publish()
        assert not list(ws.openlineage.glob("*")), "nothing was left over"
    assert set(collector.asked) == {("/api/v1/lineage", "Bearer s3cret")}
    assert [each["eventType"] for each in collector.took] == ["START", "COMPLETE", "START", "FAIL"]
    for each in collector.took:
        read(each)
        assert each["job"]["namespace"] == "w"


@pytest.mark.parametrize(
    ("answer", "why"), [(413, "it answered 413 Request Entity Too Large"), (500, "it answered 500 Internal Server Error")]
)
def test_what_a_collector_does_not_take_is_kept_and_told(
    ingested: Path, tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture, answer: int, why: str
) -> None:
    collector.answer = answer
    with sending(ingested, tmp_path / "w", f"transport: http, url: '{collector.url}', namespace: credit") as (ws, register):
        deliver(ws, register)
        assert why in caplog.text
        assert str(ws.openlineage) in caplog.text
        deliver(ws, register, 2)
        assert len(collector.asked) == 1, "it was left alone for a while"
        assert len(caplog.records) == 1, "and that was told once"
        kept = events_of(ws)
    assert [each["eventType"] for each in kept] == ["START", "COMPLETE"] * 2
    assert {each["job"]["namespace"] for each in kept} == {"credit"}


def test_a_collector_that_is_down_or_asleep_stops_nobody(
    ingested: Path, tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.awake.clear()
    settings = f"transport: http, url: '{collector.url}', timeout_seconds: 0.2"
    with sending(ingested, tmp_path / "asleep", settings) as (workspace, register):
        began = time.perf_counter()
        with Run.open(workspace, register, run_id="r", as_of=NOVEMBER, now=now()) as run:
            run.fail("enough")
        assert time.perf_counter() - began < 5
        assert "it did not answer in time" in caplog.text
        assert list(runs_of(events_of(workspace)).values()) == [["START", "FAIL"]]
    with sending(ingested, tmp_path / "down", "transport: http, url: 'http://127.0.0.1:1'") as (workspace, register):
        deliver(workspace, register)
        assert "it cannot be reached" in caplog.text
        assert len(events_of(workspace)) == 2
    settings = f"transport: http, url: '{collector.url}/', api_key: env:ABSENT"
    with sending(ingested, tmp_path / "no key", settings) as (workspace, register):
        deliver(workspace, register)
        assert "environment variable ABSENT" in caplog.text
        assert len(events_of(workspace)) == 2


def test_no_transport_tells_nothing(ingested: Path, tmp_path: Path) -> None:
    with sending(ingested, tmp_path / "w", "transport: none") as (workspace, register):
        deliver(workspace, register)
        with Run.open(workspace, register, run_id="r", as_of=NOVEMBER, now=now()):
            pass
        assert not list(workspace.openlineage.glob("*"))


def test_a_full_disk_stops_nobody(workspace: Workspace, register: Register, caplog: pytest.LogCaptureFixture) -> None:
    workspace.openlineage.rmdir()
    workspace.openlineage.write_text("a file where the folder should be", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        deliver(workspace, register)
    assert "2 events were not written" in caplog.text
