"""A demo workspace through the whole pipeline, and how to look at it: a year of it, as docs/demo.md tells it.

Put here: what more than one test module asks of the demo. Keep out: what must come out (test_demo_*).
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import duckdb

from risk_pipeline.cli.app import run as command_line
from risk_pipeline.demo.generator import generate
from risk_pipeline.demo.truth import Truth
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import IngestResult, ingest
from risk_pipeline.settings import Workspace
from risk_pipeline.store.register import Register
from tests.pages import steps

PAGE = Path(__file__).parents[1] / "docs" / "demo.md"
YEAR = re.compile(r"^<!-- year -->\n```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # blocks of the page that tell the year
FIRST, LAST = date(2025, 10, 31), date(2026, 10, 31)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class World:
    """A demo workspace that was ingested and assessed."""

    root: Path
    truth: Truth
    deliveries: list[IngestResult]
    told: Sequence[Told] = ()

    def query(self, sql: str, *values: Any) -> list[Row]:
        cursor = self._catalogue.execute(sql, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    @cached_property
    def _catalogue(self) -> duckdb.DuckDBPyConnection:
        """Opened once: opening it takes ten times as long as a query."""
        return duckdb.connect(str(self.root / "warehouse" / "risk.duckdb"), read_only=True)

    def tiers(self, customer: str) -> dict[date, str]:
        found = self.query("SELECT as_of, tier FROM decision.risk_tier WHERE customer_id = ? ORDER BY as_of", customer)
        return {row["as_of"]: row["tier"] for row in found}

    def scores(self, customer: str) -> dict[date, float]:
        found = self.query("SELECT as_of, score FROM score.risk_score WHERE customer_id = ? ORDER BY as_of", customer)
        return {row["as_of"]: row["score"] for row in found}

    def on(self, table: str, customer: str, as_of: date = LAST) -> Row:
        (row,) = self.query(f"SELECT * FROM {table} WHERE customer_id = ? AND as_of = ?", customer, as_of)
        return row


@dataclass(frozen=True)
class Told:
    """A command of the page, what the page shows of its output, and what came."""

    command: str
    shown: str
    came: str


def live_the_year(root: Path) -> World:
    """The demo's year as the page tells it, command by command. Assessments go without Dagster, which takes twice as long."""
    year, told = _Year(root), []
    for block in YEAR.findall(PAGE.read_text(encoding="utf-8")):
        for step in steps(block):
            told.append(Told(step.command, step.shown, year.follow(shlex.split(step.command)).replace(str(root), "year")))
    return replace(year.world(), told=told)


class _Year:
    """The workspace the page calls `year`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._truth = generate(root)
        self._deliveries = take_in(root)

    def world(self) -> World:
        return World(self._root, self._truth, self._deliveries)

    def follow(self, words: list[str]) -> str:
        """Type one command of the page; returns what it prints. Only assessments print nothing here."""
        match words:
            case ["risk-pipeline", "init", "year", "--demo"]:
                return ""
            case ["risk-pipeline", "-w", "year", "run", "--as-of", day]:
                assess_dates(self._root, [date.fromisoformat(day)])
                return ""
            case ["risk-pipeline", "-w", "year", "backfill", "--from", first, "--to", last, "--every", "month"]:
                assess_dates(self._root, _month_ends(date.fromisoformat(first), date.fromisoformat(last)))
                return ""
            case ["risk-pipeline", "-w", "year", *command]:
                return _typed(["-w", str(self._root), *command])
            case ["cp" | "diff" as tool, *files]:
                here = [str(self._root / Path(each).relative_to("year")) for each in files]
                return subprocess.run([tool, *here], capture_output=True, text=True, check=False).stdout
            case _:
                raise ValueError(f"the page says {words}, which is no command of the year")


def _month_ends(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [day for day in days if (day + timedelta(days=1)).day == 1]


def _typed(arguments: list[str]) -> str:
    with redirect_stdout(StringIO()) as out:
        assert command_line(arguments) == 0, arguments
    return out.getvalue()


def take_in(root: Path) -> list[IngestResult]:
    """Ingest the files of a workspace."""
    workspace = Workspace.load(root)
    return ingest(workspace, Register.open(workspace.register_url), now=datetime.now(UTC))


def assess_dates(root: Path, dates: Sequence[date]) -> None:
    """Assess a workspace at `dates`, with what people have said by now."""
    workspace = Workspace.load(root)
    register = Register.open(workspace.register_url)
    for as_of in dates:
        assess(workspace, register, as_of=as_of, now=datetime.now(UTC))
