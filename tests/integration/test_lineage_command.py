"""`lineage TABLE[.COLUMN]` as people type it: a tree that fits the screen, JSON, a drawing that needs nothing from elsewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.lineage.columns import Column, Edge
from risk_pipeline.lineage.drawing import svg

LIMIT = "decision.credit_limit.credit_limit"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "risk.yaml").write_text("language: en\n", encoding="utf-8")
    return tmp_path


def said(workspace: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run(["-w", str(workspace), "lineage", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def asked(workspace: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    return json.loads("\n".join(said(workspace, capsys, *arguments, "--json")))


def test_a_tree_fits_the_screen_and_tells_each_column_once(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(workspace, capsys, LIMIT)
    assert max(map(len, lines)) <= 80
    assert lines[1] == "├─ decision.credit_limit.limit_reporting  [computed]"
    told = [line.split()[-2] for line in lines if line.endswith("]")]
    assert len(told) > 20
    assert any(line.strip().startswith("Its ways end at") for line in lines)
    shallow = said(workspace, capsys, LIMIT, "--depth", "1")
    assert sum("─ " in line for line in shallow) == 3  # the limit in reporting currency, the rate, what chooses


def test_only_the_ways_from_a_column(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(workspace, capsys, "factor.exposure.open_exposure", "--from", "feed.write_off.amount", "--depth", "9")
    assert [line.strip() for line in lines[1:3]] == [
        "└─ factor.open_item.open_amount_reporting  [of several rows]",
        "└─ feed.write_off.amount  [of several rows]",
    ]


def test_what_is_made_of_a_column_and_of_a_key_of_the_policy(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    down = asked(workspace, capsys, "feed.country_risk.score", "--down")[0]
    assert {(step["table_name"], step["column_name"]) for step in down["steps"] if step["influence"] == "direct"} >= {
        ("factor.industry_region", "country_risk_score")
    }
    assert LIMIT in down["beyond"]
    key = asked(workspace, capsys, "policy.limits.rounding", "--down")[0]
    assert {step["column_name"] for step in key["steps"]} >= {"computed_limit"}
    assert "feed.invoice.amount" not in key["beyond"]


def test_a_table_is_told_column_by_column(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(workspace, capsys, "decision.review")
    assert max(map(len, lines)) <= 80
    assert any(re.match(r"carried_forward +\d+", line) for line in lines), "nothing is its value, much chooses it"
    assert any(re.match(r"review_interval_days +policy: reviews.days +\d", line) for line in lines)
    told = asked(workspace, capsys, "score.risk_score")
    assert [each["column"] for each in told][:3] == [f"score.risk_score.{name}" for name in ("as_of", "customer_id", "run_id")]
    assert {"feed.invoice.amount", "policy.scoring"} <= set(told[6]["behind"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["factor.exposure.nothing"], "factor.exposure has no column nothing"),
        (["nothing"], "there is no table or column nothing"),
        ([LIMIT, "--from", "feed.control_total.value"], "does not come from feed.control_total.value"),
        ([LIMIT, "--from", "feed.invoice"], "feed.invoice is a table"),
        (["factor.exposure", "--draw", "x.svg"], "a drawing is of one column"),
    ],
)
def test_what_is_not_there(workspace: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    assert run(["-w", str(workspace), "lineage", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_drawing_is_one_file_that_needs_nothing(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = workspace / "limit.svg"
    said(workspace, capsys, LIMIT, "--from", "feed.invoice.amount", "--draw", str(path))
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    words = {each.text for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"feed.invoice", "factor.open_item", "score.risk_score", "decision.credit_limit", "Factors · 因子"} <= words
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert "<script" not in text
    assert "href" not in text


def test_a_drawing_stands_from_left_to_right_and_escapes_what_it_is_given() -> None:
    edges = [
        Edge(Column("factor.open_item", "amount"), Column("feed.invoice", "amount"), "identity"),
        Edge(Column("factor.exposure", "open_exposure"), Column("factor.open_item", "amount"), "aggregation"),
        Edge(Column("factor.exposure", "open_exposure"), Column("policy", "a<b>&c"), "conditional"),
    ]
    text = svg(edges, "<title>", [Column("factor.exposure", "open_exposure")])
    ElementTree.fromstring(text)
    lefts = {
        name: float(left)
        for left, name in re.findall(r'translate\(([\d.]+),[\d.]+\)">.*?font-weight="bold">([^<]+)</text>', text)
    }
    assert lefts["feed.invoice"] < lefts["factor.open_item"] < lefts["factor.exposure"]
    assert "&lt;title&gt;" in text
    assert "a&lt;b&gt;&amp;c" in text
    assert text.count("stroke-dasharray") == 1
    assert svg(reversed(edges), "<title>", [Column("factor.exposure", "open_exposure")]) == text
