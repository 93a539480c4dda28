"""The evidence pack: what it holds, that it is the same twice, and that nothing in it runs or leads outside.

The small ledger, with names that carry markup and a formula.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.gates.duties import RULES
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.evidence import evidence
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.replay import published_run
from risk_pipeline.reporting.evidence_pack import SUMS, Files, write_pack, zipped
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Event, Register
from tests.small_ledger import DECEMBER, make_small_workspace

pytestmark = pytest.mark.slow
MARKUP = '<script>alert(1)</script><img src=x onerror=alert(2)> & "Söhne" 北京'
FORMULA = '=HYPERLINK("http://example.com")'
CUSTOMER_YAML = """\
feed: customer
source: {kind: file, path: data/customers.csv, format: csv}
delivery: snapshot
known_at: event_date
columns:
  customer_id:    {from: Customer}
  effective_from: {value: "2023-01-01"}
  name:           {from: Name}
  country_code:   {value: DE}
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = make_small_workspace(tmp_path_factory.mktemp("evidence") / "workspace")
    (root / "feeds" / "customer.yaml").write_text(CUSTOMER_YAML, "utf-8")
    with (root / "data" / "customers.csv").open("w", encoding="utf-8", newline="") as file:
        names = {"C1": "Erste GmbH", "C2": "Zweite AG", "C3": MARKUP, "C4": FORMULA, "C5": "Neu"}
        csv.writer(file).writerows([("Customer", "Name"), *names.items()])
    return Workspace.load(root)


@pytest.fixture(scope="module")
def register(workspace: Workspace) -> Iterator[Register]:
    workspace.warehouse.mkdir()
    with Register.open(workspace.register_url) as opened:
        ingest(workspace, opened, now=datetime.now(UTC))
        assess(workspace, opened, as_of=DECEMBER, now=datetime.now(UTC))
        told = {"customer_id": "C3", "note": MARKUP}
        opened.add_event(
            Event(at=datetime.now(UTC), actor="<b>eve</b>", action="override.requested", subject="OV-1", detail=told)
        )
        yield opened


@pytest.fixture(scope="module")
def pack(workspace: Workspace, register: Register) -> Files:
    return evidence(workspace, register, "C3")


def records(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


class Page(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_tells_the_decision_and_runs_nothing(pack: Files) -> None:
    page = Page(pack["index.html"])
    assert MARKUP in page.text
    assert "<b>eve</b>" in page.text
    for each in (
        "客户资信档案",
        f"{DECEMBER}",
        "KO05",
        f"{len(RULES)} of {len(RULES)} duties kept",
        "written by",
        "risk-pipeline replay",
    ):
        assert each in page.text
    assert not page.elements & {"script", "img", "iframe", "link", "a", "b", "object", "form"}
    assert not page.attributes & {"href", "src", "onerror", "onload", "style", "action"}
    assert b"://" not in pack["index.html"]
    assert b"default-src 'none'" in pack["index.html"]
    assert pack["lineage.svg"].count(b"://") == 1  # the namespace of SVG, which nothing fetches


def test_sources_name_the_lines_and_the_files(pack: Files, workspace: Workspace) -> None:
    sources = records(pack["sources.csv"])
    assert {each["feed"] for each in sources} == {"customer", "invoice", "payment"}
    for row in (each for each in sources if each["feed"] != "customer"):
        line = (workspace.root / row["source_file"]).read_text("utf-8").splitlines()[int(row["source_line"]) - 1]
        assert "C3" in line
        assert row["file_sha256"] == hashlib.sha256((workspace.root / row["source_file"]).read_bytes()).hexdigest()
    for feed in ("customer", "invoice", "payment"):
        assert len(records(pack[f"rows/{feed}.csv"])) == sum(row["feed"] == feed for row in sources)
    assert [each["action"] for each in json.loads(pack["events.json"])] == ["run.opened", "run.published", "override.requested"]
    memo = json.loads(pack["credit_file.json"])
    assert (memo["customer"]["name"], memo["tier"]["as_of"]) == (MARKUP, "2024-12-31")


def test_no_cell_runs_in_a_spreadsheet(workspace: Workspace, register: Register) -> None:
    (row,) = records(evidence(workspace, register, "C4")["rows/customer.csv"])
    assert row["name"] == "'" + FORMULA


def test_the_same_bytes_twice_and_sums_that_hold(pack: Files, workspace: Workspace, register: Register, tmp_path: Path) -> None:
    assert evidence(workspace, register, "C3", DECEMBER) == pack
    write_pack(pack, tmp_path / "pack")
    done = subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=tmp_path / "pack", capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert {line.split("  ")[1] for line in pack[SUMS].decode().splitlines()} == set(pack) - {SUMS}
    write_pack(pack, tmp_path / "pack.zip")
    assert (tmp_path / "pack.zip").read_bytes() == zipped(pack)
    with zipfile.ZipFile(tmp_path / "pack.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == pack
    with pytest.raises(UsageError, match="is there already"):
        write_pack(pack, tmp_path / "pack")


def test_the_pack_of_a_run(workspace: Workspace, register: Register) -> None:
    run = published_run(register, f"{DECEMBER}")
    pack = evidence(workspace, register, f"{DECEMBER}")
    assert evidence(workspace, register, run.run_id[:12]) == pack
    assert hashlib.sha256(pack["manifest.json"]).hexdigest() == run.manifest_sha256
    assert {row["table"]: row["sha256"] for row in records(pack["tables.csv"])} == {
        name: said["sha256"] for name, said in run.manifest["tables"].items()
    }
    assert sum(int(row["customers"]) for row in records(pack["tiers.csv"])) == 5
    page = Page(pack["index.html"])
    assert run.run_id in page.text
    assert FORMULA in page.text
    assert not page.elements & {"script", "img", "a"}
    assert not page.attributes & {"href", "src", "onerror", "onload"}


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Credit file"), ("zh", "客户资信档案"), ("both", "Credit file · 客户资信档案")]
)
def test_in_the_language_of_the_workspace(workspace: Workspace, register: Register, language: str, heading: str) -> None:
    own = Workspace(workspace.root, workspace.settings.model_copy(update={"language": language}))
    assert f"<h1>{heading}</h1>" in evidence(own, register, "C1")["index.html"].decode()


def test_what_is_neither_customer_nor_run_is_told(workspace: Workspace, register: Register) -> None:
    for said, day in (("nobody", None), (f"{DECEMBER}", DECEMBER)):
        with pytest.raises(UsageError):
            evidence(workspace, register, said, day)
