"""The bench's verdicts: met or missed on the right side; a miss ends with exit code 1 unless the run was quick."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import bench.__main__ as bench_main
import bench.lines as bench_lines
from bench.lines import FULL, LINES, Line, Sizes
from bench.many import multiply


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "met"),
    [(1.5, 1.5, False, True), (1.51, 1.5, False, False), (300_000, 300_000, True, True), (299_999, 300_000, True, False)],
)
def test_a_target_includes_its_own_value(value: float, limit: float, at_least: bool, met: bool) -> None:
    assert Line("x", value, "", limit, at_least).met is met


def test_a_line_without_a_target_is_only_shown() -> None:
    line = Line("x", 1e9, "s")
    assert line.met
    assert line.target == ""


@pytest.mark.parametrize(("arguments", "code"), [([], 1), (["--quick"], 0), (["--only", "fast"], 0), (["--only", "slow"], 1)])
def test_a_missed_target_ends_with_exit_code_1(monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int) -> None:
    seen: list[Sizes] = []

    def slow(sizes: Sizes) -> list[Line]:
        seen.append(sizes)
        return [Line("slow", 3.0, "s", 2.0)]

    monkeypatch.setattr(bench_main, "LINES", {"slow": slow, "fast": lambda sizes: [Line("fast", 1.0, "s", 2.0)]})
    assert bench_main.main(arguments) == code
    assert all((sizes is FULL) == ("--quick" not in arguments) for sizes in seen)


def test_every_speed_line_of_the_issue_has_a_line() -> None:
    assert set(LINES) == {"assess", "evidence", "decide", "lineage", "growth", "ingest", "command", "help", "make-run"}


def test_figures_are_written_between_the_markers_and_nothing_else_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{bench_main.BEGIN}\nold figures\n{bench_main.END}\nafter\n", encoding="utf-8")
    monkeypatch.setattr(bench_main, "LINES", {"fast": lambda sizes: [Line("fast", 1.0, "s", 2.0, note="a note")]})
    assert bench_main.main(["--write", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith(f"{bench_main.END}\nafter\n")
    assert "| fast | 1.00 s | <= 2 s | met | a note |" in text
    assert "old figures" not in text


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("text\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no lines"):
        bench_main.write_figures(page, "machine", [])
    assert page.read_text(encoding="utf-8") == "text\n"


@pytest.mark.parametrize(("seconds", "megabytes", "met"), [(60.0, 2000.0, [True, True]), (60.1, 2000.5, [False, False])])
def test_decisions_alone_have_a_minute_and_two_gigabytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seconds: float, megabytes: float, met: list[bool]
) -> None:
    jobs: list[tuple[object, ...]] = []
    rows = {"decision.risk_tier": 20, "score.contribution": 800, "decision.alert": 60, "decision.treatment": 90}

    def job(*asked: object) -> dict[str, object]:
        jobs.append(asked)
        return {"seconds": seconds, "cpu": 90.0, "megabytes": megabytes, "rows": rows} if asked[0] == "decide" else {}

    monkeypatch.setattr(bench_lines, "evidence_workspace", lambda customers: tmp_path)
    monkeypatch.setattr(bench_lines, "copy_of", nullcontext)
    monkeypatch.setattr(bench_lines, "job", job)
    lines = list(bench_lines.decide(Sizes(small=1, large=10, csv_small=1, csv_large=1, copies=2, runs=2)))
    assert [(line.limit, line.met) for line in lines] == list(zip([60, 2000], met, strict=True))
    assert lines[0].name == "decide 20 customers"
    assert jobs == [("many", tmp_path, 2), ("decide", tmp_path), ("decide", tmp_path)]
    rows["decision.risk_tier"] = 19
    with pytest.raises(SystemExit, match="19 of 20 customers"):
        list(bench_lines.decide(Sizes(small=1, large=10, csv_small=1, csv_large=1, copies=2, runs=1)))


def test_copies_of_customers_are_customers_of_their_own(tmp_path: Path) -> None:
    rows = {
        "customer_id": ["C00", "C01"],
        "alert_id": ["A01:C00:x", "A02:C01"],
        "group_key": ["C00", None],
        "tier": ["C1", "low"],
    }
    pq.write_table(pa.table(rows), tmp_path / "one.parquet")
    os.link(tmp_path / "one.parquet", tmp_path / "linked.parquet")
    multiply(tmp_path / "one.parquet", 2)
    assert pq.read_table(tmp_path / "one.parquet").to_pydict() == {
        "customer_id": ["C000", "C001", "C100", "C101"],
        "alert_id": ["A01:C000:x", "A02:C001", "A01:C100:x", "A02:C101"],
        "group_key": ["C000", None, "C100", None],
        "tier": ["C1", "low", "C1", "low"],
    }
    assert pq.read_metadata(tmp_path / "linked.parquet").num_rows == 2, "a file linked from elsewhere stays as it is"
    with pytest.raises(ValueError, match="11 copies"):
        multiply(tmp_path / "one.parquet", 11)
