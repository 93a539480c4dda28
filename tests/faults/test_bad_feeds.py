"""Files that cannot be trusted: one clear message, nothing stored, the last good state untouched. All kinds: test_corpus.py."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import load_spec
from tests.ingest_support import HEADER, INVOICE_COLUMNS, Bench

GOOD = [HEADER, "A,C1,1/2/2024,10.00,EUR", "B,C2,01/03/2024,5,USD"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A workspace in which one good delivery is in effect."""
    bench = Bench(tmp_path / "workspace")
    bench.file("data.csv", GOOD)
    bench.feed(assertions={"max_rejected_pct": 5, "rows_min": 1, "rows_max": 100, "max_drop_pct": 40})
    assert bench.one().state == "effective"
    yield bench
    bench.close()


def refused(bench: Bench, *told: str) -> None:
    """Ingest, and check that everything a refusal promises holds."""
    files, rows = bench.lake_files(), bench.rows()
    result = bench.one()
    assert result.state == "refused", result.message
    for each in told:
        assert each in result.message, result.message
    assert result.remedy
    assert "\n" not in result.message
    assert (bench.lake_files(), bench.rows()) == (files, rows), "nothing may reach the lake"
    recorded = bench.register.deliveries()[-1]
    assert (recorded.state, recorded.message, recorded.rows_stored) == ("refused", result.message, 0)
    assert list((bench.workspace.warehouse / "tmp").iterdir()) == []


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["A"]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["data.csv: the file is empty"]),
        ("\n".join([*GOOD, "C,C1,1/2/2"]), ["truncated: its last line (4) ends after 3 of 5 fields: C,C1,1/2/2"]),
        ("\n".join([*GOOD, "C,C1,2024-01-02,1,EUR"]) + "\n",
         ["1 of 3 rows (33.3 %)", "max_rejected_pct 5", "invoice_date (from date, expected as %m/%d/%Y) not_a_date 1 x",
          "first in data.csv line 4: '2024-01-02'"]),
        ("\n".join(GOOD[:2]) + "\n", ["1 rows where 2 are in effect: 50.0 % fewer, more than max_drop_pct 40"]),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_whole(bench: Bench, content: str | bytes, told: list[str]) -> None:
    bench.file("data.csv", content)
    refused(bench, *told)
    bench.file("data.csv", [*GOOD, "C,C1,1/2/2024,1,EUR"])
    assert bench.one().counts["rows_unchanged"] == 2, "the next good delivery continues from the last good state"


@pytest.mark.parametrize(("start", "told"), [("", "line 2 does not end within 32 MB"), ('"', "begins on line 2 opens a quote")])
def test_a_file_without_line_ends_is_refused_early(bench: Bench, start: str, told: str) -> None:
    bench.file("data.csv", f"{HEADER}\n{start}{'x' * (50 << 20)}\n")
    refused(bench, told)


def test_a_missing_file_is_refused(bench: Bench) -> None:
    (bench.workspace.root / "data.csv").unlink()
    refused(bench, "no file matches data.csv")


def test_one_bad_file_of_a_snapshot_refuses_all_of_it(bench: Bench) -> None:
    bench.feed(path="data*.csv")
    bench.file("data2.csv", [HEADER, "D,C1"])
    refused(bench, "data2.csv: line 2 has 2 fields")


def test_one_bad_file_of_an_append_leaves_the_others(bench: Bench) -> None:
    bench.feed(path="in/*.csv", delivery="append")
    for name, lines in (("1", GOOD[:2]), ("2", [HEADER, "X,C1"]), ("3", [HEADER, GOOD[2]])):
        bench.file(f"in/{name}.csv", lines)
    assert [each.state for each in bench.ingest()] == ["effective", "refused", "effective"]


@pytest.mark.parametrize("how", ["absolute", "dots", "link", "linked folder"])
def test_a_path_outside_the_workspace_is_refused(bench: Bench, how: str) -> None:
    root = bench.workspace.root
    secret = root.parent / "elsewhere" / "secret.csv"
    secret.parent.mkdir()
    secret.write_text("\n".join(GOOD) + "\n")
    (root / "link.csv").symlink_to(secret)
    (root / "folder").symlink_to(secret.parent)
    path = {"absolute": str(secret), "dots": "../elsewhere/*.csv", "link": "link.csv", "linked folder": "folder/secret.csv"}[how]
    bench.feed(path=path)
    refused(bench, "outside the workspace")


def test_a_link_inside_the_workspace_is_followed(bench: Bench) -> None:
    (bench.workspace.root / "link.csv").symlink_to(bench.workspace.root / "data.csv")
    bench.feed(path="link.csv")
    assert bench.one().counts["rows_unchanged"] == 2


def test_data_root_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "data.csv").write_text("\n".join(GOOD) + "\n")
    bench = Bench(tmp_path / "workspace", data_root="../shared")
    bench.feed()
    assert bench.one().counts["rows_stored"] == 2
    bench.close()


@pytest.mark.parametrize("change", ["grown", "rewritten", "removed"])
def test_a_file_that_changes_while_it_is_read_is_refused(bench: Bench, change: str) -> None:
    path = bench.file("data.csv", [HEADER, *(f"I{n},C1,1/2/2024,1,EUR" for n in range(500_000))])
    spec = load_spec(bench.workspace.feeds_dir / "invoice.yaml")
    receipt = take_receipt(path, bench.workspace.root)
    chunks = open_source(receipt, spec, bench.workspace.root).chunks()
    next(chunks)
    if change == "grown":
        with path.open("a") as handle:
            handle.write("X,C1,1/2/2024,1,EUR\n")
    elif change == "removed":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-6] + b"2,EUR\n")
        os.utime(path, ns=(receipt.mtime_ns, receipt.mtime_ns))
    with pytest.raises(Refused, match="while it was read"):
        list(chunks)


def test_a_parquet_file_is_refused_by_name_when_broken(bench: Bench) -> None:
    bench.feed(path="data.parquet", source={"format": "parquet"})
    bench.file("data.parquet", b"PAR1 but no more")
    refused(bench, "data.parquet: not a readable Parquet file")
    bench.file("data.parquet", parquet())
    refused(bench, "data.parquet: no column 'customer'", "the file has id")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"where": "nope = 1"}, "where: 'nope = 1' does not work on the file"),
        ({"where": "1 = 1) OR (SELECT count(*) > 0 FROM read_text('/etc/passwd')"}, "where"),
        (
            {"columns": {**INVOICE_COLUMNS, "currency": {"value": "EURO"}}},
            "columns.currency.value: 'EURO' breaks unknown_currency",
        ),
        (
            {"columns": {**INVOICE_COLUMNS, "invoice_date": {"from": "date", "format": "%m/%Y"}}},
            "columns.invoice_date.format: '%m/%Y'",
        ),
        ({"columns": {**INVOICE_COLUMNS, "invoice_date": {"from": "date", "format": "%Q"}}}, "columns.invoice_date.format: '%Q'"),
    ],
)
def test_a_wrong_spec_is_wrong_usage_not_a_bad_file(bench: Bench, keys: dict[str, Any], told: str) -> None:
    bench.feed(**keys)
    before = bench.lake_files()
    with pytest.raises(UsageError) as caught:
        bench.one()
    assert told in caught.value.message
    assert caught.value.remedy
    assert bench.lake_files() == before


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.settings import Settings, Workspace
from risk_pipeline.store.register import Register

workspace = Workspace(Path(sys.argv[1]), Settings(threads=1))
print("started", flush=True)
with Register.open(workspace.register_url) as register:
    [result] = ingest(workspace, register, now=datetime.now(UTC))
print(result.state, flush=True)
"""


def wait_until_staging(tmp: Path) -> None:
    """Return when the child has begun to write its part, which is always before it commits."""
    deadline = time.monotonic() + 120
    while not any(path.is_file() for path in tmp.rglob("*")):
        assert time.monotonic() < deadline, "nothing was staged"
        time.sleep(0.001)


@pytest.mark.slow
def test_a_killed_ingest_leaves_the_old_state_or_the_new(bench: Bench, repo_root: Path) -> None:
    bench.feed()
    old = [HEADER, *(f"I{n},C{n % 500},1/2/2024,1,EUR" for n in range(150_000))]
    bench.file("data.csv", old)
    assert bench.one().state == "effective"
    states = set()
    for amount, delay in enumerate(("at once", "staging", 1.0, 1.2, 1.4, 1.8, None), start=2):
        before = bench.rows(columns="invoice_id, amount", where="open")
        bench.file("data.csv", [line.replace(",1,EUR", f",{amount},EUR") for line in old])
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(bench.workspace.root)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(repo_root)},
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        if delay == "staging":
            wait_until_staging(bench.workspace.warehouse / "tmp")
        elif isinstance(delay, float):
            time.sleep(delay)
        if delay is not None:
            child.send_signal(signal.SIGKILL)
        _, problems = child.communicate(timeout=120)
        assert child.returncode in (0, -signal.SIGKILL), problems
        after = bench.rows(columns="invoice_id, amount", where="open")
        assert len(after) == 150_000
        amounts = {value for _, value in after}
        assert len(amounts) == 1, "never a mixture of two deliveries"
        states.add("new" if amounts == {amount} else "old")
        assert amounts == {amount} or after == before
        registered = {d.part_path for d in bench.register.deliveries() if d.part_path}
        assert all(bench.store.lake.absolute(path).exists() for path in registered)
    assert states == {"old", "new"}
    assert list((bench.workspace.warehouse / "tmp").iterdir()) == [], "the last ingest swept up after the killed ones"
