"""What the documents tell a reader to type works, in the order of the page; what they show is what comes.

In a document, a comment before a fenced block says what to do with it: `<!-- run -->` types the lines that begin with `$ `, and
compares the lines below each with what comes (blanks do not count, `...` stands for anything; no line: no comparison);
`<!-- run exit=3 -->` expects that exit code; `<!-- file: PATH -->` writes the block there; `<!-- python -->` runs it;
`<!-- sql -->` asks the demo's catalogue, which must have rows to answer with (`<!-- sql may be empty -->`: or none);
`<!-- year -->` is followed by tests/demo_world.py.

The pages of one demo are followed in this file alone, since another file would make a demo of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pytest

from tests.docs.by_hand import differences
from tests.pages import Step, shows, steps

BLOCK = re.compile(r"^<!-- (run|file|python|sql)(?:: | )?(.*?) ?-->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    "docs/getting-started.md",
    "docs/demo.md",
    "docs/review.md",
    "docs/bring_your_own_data.md",
    "docs/feeds.md",
    "docs/evidence.md",
    "docs/rejected-rows.md",
    "docs/policy.md",
    "docs/by_hand.md",
    "docs/queries.md",
    "docs/command_line.md",
    "docs/overrides.md",
    "docs/audit.md",
    "docs/lineage.md",
    "docs/evidence_pack.md",
    "docs/retention.md",
]


CATALOGUE = Path("warehouse") / "risk.duckdb"


@pytest.mark.parametrize("page", PAGES)
def test_page(page: str, repo_root: Path, demo: Any, reader_shell: Callable[[str], CompletedProcess[str]]) -> None:
    blocks = BLOCK.findall((repo_root / page).read_text(encoding="utf-8"))
    assert blocks, f"{page} has nothing to try"
    for kind, argument, text in blocks:
        if kind == "file":
            target = demo.root.parent / argument
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        elif kind == "python":
            (demo.root.parent / "page.py").write_text(text, encoding="utf-8")
            follow(Step("python page.py", ""), 0, reader_shell)
        elif kind == "sql":
            with duckdb.connect(str(demo.root / CATALOGUE), read_only=True) as con:
                assert con.sql(text).fetchall() or argument == "may be empty", f"no row answers\n{text}"
        else:
            expected = int(re.sub(r"\D", "", argument) or 0)
            for step in steps(text):
                follow(step, expected, reader_shell)


def test_readme_shows_what_make_run_prints(repo_root: Path, demo: Any) -> None:
    readme = (repo_root / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^<!-- what make run prints -->\n```\w*\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    assert shows(f"...{shown}", demo.printed), f"the page shows\n{shown}\nbut there came\n{demo.printed}"


def test_the_decision_by_hand_is_the_one_published(repo_root: Path, demo: Any) -> None:
    page = (repo_root / "docs" / "by_hand.md").read_text(encoding="utf-8")
    with duckdb.connect(str(demo.root / CATALOGUE), read_only=True) as con:
        assert differences(page, con) == []


def follow(step: Step, expected: int, reader_shell: Callable[[str], CompletedProcess[str]]) -> None:
    done = reader_shell(step.command)
    came = done.stdout + done.stderr
    assert done.returncode == expected, f"$ {step.command}\nexit {done.returncode}, not {expected}\n{came}"
    if step.shown.strip():
        assert shows(step.shown, came), f"$ {step.command}\nthe page shows\n{step.shown}\nbut there came\n{came}"


def test_blocks_and_their_lines_are_found() -> None:
    run = "<!-- run exit=3 -->\n```console\n$ a b\none ... three\n$ c\n```\n"
    page = f"text\n\n{run}\n```console\n$ not run\n```\n\n<!-- file: x/y.csv -->\n```csv\n1;2\n```\n"
    (first, second) = BLOCK.findall(page)
    assert first[:2] == ("run", "exit=3")
    assert steps(first[2]) == [Step("a b", "one ... three\n"), Step("c", "")]
    assert second == ("file", "x/y.csv", "1;2\n")
    assert shows("one ... three\n", "one  two\nthree\n")
    assert not shows("one two\n", "one two three\n")
