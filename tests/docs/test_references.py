"""The documents and the code agree on what exists: links, pages named in messages, commands, settings, keys, steps, states."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from risk_pipeline.cli.app import app
from risk_pipeline.contracts.factor_collateral import INELIGIBLE
from risk_pipeline.decision.tiers import FIXED_RULES
from risk_pipeline.engine.sql_lint import MESSAGES
from risk_pipeline.feeds.spec import Assertions, ColumnSpec, FeedSpec, SourceSpec
from risk_pipeline.policy.lint import lint
from risk_pipeline.settings import Settings
from tests.decision_facts import facts
from tests.decision_given import CATALOGUE, POLICY, context, with_scores
from tests.policy_keys import keys

LINK = re.compile(r"\[[^\]]+\]\(([^)#\s]*)(#[^)]*)?\)")


def pages(repo_root: Path) -> list[Path]:
    return sorted([*repo_root.glob("*.md"), *(repo_root / "docs").rglob("*.md")])


def anchors(text: str) -> set[str]:
    """The anchors GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere(repo_root: Path) -> None:
    dead = []
    for page in pages(repo_root):
        for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            if target.startswith("http"):
                continue
            file = (page.parent / target) if target else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8"))):
                dead.append(f"{page.name}: {target}{anchor}")
    assert dead == []


def test_pages_named_in_the_code_exist(repo_root: Path) -> None:
    """Messages send people to docs/x.md."""
    named = {
        match
        for folder in ("risk_pipeline", "assets", "checks", "examples")
        for path in (repo_root / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".yml", ".sql", ".example")
        for match in re.findall(r"docs/[\w/-]+\.md", path.read_text(encoding="utf-8"))
    }
    assert named, "the messages name pages"
    assert [name for name in sorted(named) if not (repo_root / name).is_file()] == []


def section(page: Path, heading: str) -> str:
    """What stands below a heading of the second level."""
    return page.read_text(encoding="utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def first_column(path: Path, heading: str | None = None) -> set[str]:
    """The names in backticks in the first cell of every table row, below one heading or on the whole page."""
    text = path.read_text(encoding="utf-8") if heading is None else section(path, heading)
    cells = re.findall(r"^\| ([^|]*`[^|]*)\|", text, flags=re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_setting_is_explained(repo_root: Path) -> None:
    documented = first_column(repo_root / "docs" / "settings.md")
    assert {name for name in documented if name.islower()} == set(Settings.model_fields)


@pytest.mark.parametrize(
    ("heading", "model"),
    [("The feed", FeedSpec), ("`source`", SourceSpec), ("`columns`", ColumnSpec), ("`assertions`", Assertions)],
)
def test_every_key_of_a_feed_is_explained(heading: str, model: type, repo_root: Path) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}  # type: ignore[attr-defined]
    assert first_column(repo_root / "docs" / "feeds.md", heading) == keys


def test_every_key_of_the_policy_is_explained(repo_root: Path) -> None:
    every = set(keys())
    innermost = {key for key in every if not any(other.startswith((f"{key}.", f"{key}[]", f"{key}.*")) for other in every)}
    documented = {name for name in first_column(repo_root / "docs" / "policy.md", "The file, line by line") if name != "key"}
    assert innermost - documented == set(), "say in docs/policy.md what these keys mean"
    assert documented - every == set(), "there are no such keys any more"


def test_the_ladder_of_a_limit_is_told_in_the_order_of_its_steps(repo_root: Path) -> None:
    told = re.findall(r"^\| (?:\d+ \| [^|]+ \| )?`(\w+)` \|", section(repo_root / "docs" / "policy.md", "Limits in detail"), re.M)
    decided = with_scores(facts({}), [80.0], POLICY, context())
    assert told == [candidate.method for candidate in decided.limits.candidates]


def test_every_rule_that_can_give_a_tier_is_told_of(repo_root: Path) -> None:
    told = set(re.findall(r"`(\w+)`", section(repo_root / "docs" / "policy.md", "Tiers in detail")))
    assert set(FIXED_RULES) <= told


def test_the_drawing_of_the_states_has_the_edges_of_the_policy(repo_root: Path) -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+): ", (repo_root / "docs" / "customer_states.md").read_text(encoding="utf-8"), re.M)
    assert sorted(drawn) == sorted({(edge.source, edge.to) for edge in POLICY.exit.edges})


def commands(command: Any, name: str = "") -> Iterator[str]:
    """Every command below this one, as it is typed."""
    below = getattr(command, "commands", None)  # a group has some
    if below is None:
        yield name
        return
    for each, sub in below.items():
        yield from commands(sub, f"{name} {each}".strip())


def test_every_command_is_explained(repo_root: Path) -> None:
    typed = re.findall(r"`((?:[a-z-]+(?:\\\|[a-z-]+)* ?)+)", (repo_root / "docs" / "command_line.md").read_text(encoding="utf-8"))
    told = {" ".join(words) for each in typed for words in itertools.product(*(word.split("\\|") for word in each.split()))}
    assert set(commands(typer.main.get_command(app))) - told == set()


def test_the_policies_of_the_examples_have_no_finding(repo_root: Path) -> None:
    """An example that the program of today refuses is none; the real data it reads are not there in CI."""
    found = {path.name: lint(path, CATALOGUE) for path in (repo_root / "examples").rglob("policy/*.yaml")}
    assert found, "the examples have policies"
    assert found == {name: [] for name in found}


def test_every_lint_rule_is_explained(repo_root: Path) -> None:
    assert first_column(repo_root / "docs" / "factor-sql.md") == set(MESSAGES)


def test_every_reason_why_a_security_does_not_count_is_explained(repo_root: Path) -> None:
    assert first_column(repo_root / "docs" / "collateral.md", "Why one does not count") == set(INELIGIBLE)


def test_every_decision_is_listed(repo_root: Path) -> None:
    folder = repo_root / "docs" / "decisions"
    records = {path.name for path in folder.glob("*.md")} - {"README.md", "template.md"}
    listed = {target for target, _ in LINK.findall((folder / "README.md").read_text(encoding="utf-8"))}
    assert records <= listed
    assert all(re.match(r"\d{4}-", name) for name in records)
