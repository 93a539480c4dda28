"""Show me the same again: a published run computed anew from its manifest, elsewhere and later, and what makes it differ."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
import pytest

import risk_pipeline
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.replay import Replay, published_run, replay, restate
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES
from tests.assessed_ledger import Assessed, copy_to, opened
from tests.small_ledger import DECEMBER, NOVEMBER

pytestmark = pytest.mark.slow
PACKAGE = Path(risk_pipeline.__file__).parent
NO_MATTER_WHEN = re.compile(r"^(datetime|date)\.(now|today|utcnow)$|^(time|time_ns|localtime|gmtime|urandom|random)$|^Random\.")


@pytest.fixture
def root(two_dates: Assessed, tmp_path: Path) -> Path:
    """A copy in another place, so that what a test spoils is its own."""
    return copy_to(tmp_path / "elsewhere", two_dates.folder)


def again(root: Path, said: str = f"{DECEMBER}") -> Replay:
    with opened(root) as (workspace, register):
        return replay(workspace, register, published_run(register, said))


def drop_payments(root: Path) -> None:
    """Deliver the payments once more, without those of C2 for its invoices of 2024."""
    path = root / "data" / "payments.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("C2-2024")]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with opened(root) as (workspace, register):
        ingest(workspace, register, now=datetime.now(UTC))


def part_of(root: Path, name: str) -> Path:
    (found,) = (root / "warehouse" / "lake" / name.replace(".", "/") / f"{DECEMBER}").glob("*.parquet")
    return found


def test_every_table_comes_out_the_same_on_any_day(root: Path) -> None:
    """Nobody asks what time it is, nor chance: the SQL may not (engine.sql_lint), and the code does not."""
    asked: set[str] = set()

    def heard(frame: FrameType, event: str, called: Any) -> None:
        if event == "c_call" and NO_MATTER_WHEN.search(getattr(called, "__qualname__", "")):
            here = Path(frame.f_code.co_filename)
            if here.is_relative_to(PACKAGE) or here == Path(__file__):
                asked.add(f"{here.name}: {called.__qualname__}")

    threading.setprofile(heard)
    sys.setprofile(heard)
    try:
        found = [again(root, f"{day}") for day in (NOVEMBER, DECEMBER)]
        datetime.now(UTC)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    assert asked == {"test_replay.py: datetime.now"}, "the test itself is heard, nobody else"
    for each in found:
        assert each.identical
        assert each.tables == len(FACTOR_TABLES) + len(DECIDE_TABLES)
        assert not each.code
    assert not list((root / "warehouse" / "scratch").glob("again-*"))


def test_time_zone_locale_threads_and_newer_deliveries_change_nothing(root: Path, repo_root: Path) -> None:
    """Typed in another process, whose surroundings differ in whatever an assessment could fall for."""
    settings = root / "risk.yaml"
    settings.write_text(settings.read_text("utf-8").replace("threads: 1", "threads: 2").replace("Europe/Berlin", "UTC"), "utf-8")
    with opened(root) as (_, register):
        run_id = published_run(register, f"{DECEMBER}").run_id
    drop_payments(root)
    surroundings = {"TZ": "Asia/Shanghai", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-m", "risk_pipeline.cli", "-w", str(root), "replay", run_id[:20], "--json"],
        cwd="/",
        env={**os.environ, **surroundings, "PYTHONPATH": str(repo_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["identical"]
    assert not said["differences"]


def test_the_manifest_lies_beside_the_tables_and_is_vouched_for_by_the_audit_log(root: Path) -> None:
    with opened(root) as (_, register):
        run = published_run(register, f"{DECEMBER}")
        (event,) = register.events(action="run.published", subject=f"run {run.run_id}")
    assert event.detail["manifest_sha256"] == run.manifest_sha256
    with duckdb.connect() as con:
        path = root / "warehouse" / "lake" / "manifest" / f"{DECEMBER}" / f"{run.run_id}.json"
        [(rows, code)] = con.execute(
            "SELECT tables -> 'score.risk_score' ->> 'rows', code ->> 'code_sha256' FROM read_json(?)", [str(path)]
        ).fetchall()
    assert int(rows) == 5
    assert len(code) == 64


def test_a_changed_byte_and_a_published_file_that_is_gone_are_named(root: Path) -> None:
    path = part_of(root, "decision.credit_limit")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    part_of(root, "decision.alert").unlink()
    found = again(root)
    assert not found.identical
    assert found.damaged == ["decision.credit_limit", "decision.alert"]


def rewrite(path: Path, query: str) -> None:
    with duckdb.connect() as con:
        con.execute("CREATE TABLE rows AS " + query.format(path=f"read_parquet('{path}')"))
        con.execute(f"COPY rows TO '{path}' (FORMAT parquet)")


def test_a_changed_source_row_shows_in_which_table_column_and_row(root: Path) -> None:
    (part,) = (root / "warehouse" / "lake" / "feed" / "invoice").glob("*.parquet")
    changed = "CASE WHEN invoice_id = 'C4-202412' THEN amount + 1 ELSE amount END AS amount"
    rewrite(part, f"SELECT * REPLACE ({changed}) FROM {{path}}")
    found = {each.table: each for each in again(root).differences}
    item = found["factor.open_item"]
    assert {"amount", "open_amount"} <= set(item.columns)
    assert (item.rows_changed, item.rows_only_then, item.rows_only_now) == (1, 0, 0)
    example = item.examples[0]
    assert example["key"]["invoice_id"] == "C4-202412"
    assert float(example["now"]) - float(example["then"]) == 1
    assert "decision.credit_limit" in found


def test_a_row_that_is_gone_is_counted(root: Path) -> None:
    (part,) = (root / "warehouse" / "lake" / "feed" / "invoice").glob("*.parquet")
    rewrite(part, "SELECT * FROM {path} WHERE invoice_id <> 'C4-202412'")
    found = {each.table: each for each in again(root).differences}
    item = found["factor.open_item"]
    assert (item.rows_changed, item.rows_only_then, item.rows_only_now) == (0, 1, 0)


def test_a_source_file_that_is_gone_is_said(root: Path) -> None:
    (part,) = (root / "warehouse" / "lake" / "feed" / "payment").glob("*.parquet")
    part.unlink()
    with pytest.raises(Refused, match="cannot be computed again"):
        again(root)
    assert not list((root / "warehouse" / "scratch").glob("again-*"))


def moves(root: Path) -> list[dict[str, Any]]:
    with opened(root) as (workspace, register):
        return restate(workspace, register, published_run(register, f"{DECEMBER}"), datetime.now(UTC)).moves


def test_the_restatement_tells_what_later_knowledge_would_have_changed(root: Path) -> None:
    assert moves(root) == []
    drop_payments(root)
    (moved,) = moves(root)
    assert moved["customer_id"] == "C2"
    assert (moved["tier_then"], moved["tier_now"]) == ("high", "restricted")
    assert moved["score_now"] < moved["score_then"]
    assert moved["credit_limit_now"] < moved["credit_limit_then"]


@pytest.mark.parametrize("said", ["", "no-such-run", "2024-06-30"])
def test_what_is_no_published_run_is_refused(two_dates: Assessed, said: str) -> None:
    with opened(two_dates.folder) as (_, register), pytest.raises(UsageError):
        published_run(register, said)
