"""The bench's verdicts: met or missed on the right side; a miss ends with exit code 1 unless the run was quick."""

from __future__ import annotations

from pathlib import Path

import pytest

import bench.__main__ as bench_main
from bench.lines import FULL, LINES, Line, Sizes


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
    assert set(LINES) == {"assess", "evidence", "growth", "ingest", "command", "help", "make-run"}


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
