"""The pages of the factors: every factor on its page, with what the default policy makes of it."""

from __future__ import annotations

import re

import pytest

from risk_pipeline.factors.catalogue import RISK_TYPES, load_catalogue
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.reporting.factors import FOLDER, factor_pages, page_names

CATALOGUE = load_catalogue()
POLICY = read_policy(DEFAULT_POLICY, CATALOGUE)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return factor_pages()


def test_a_page_per_table_and_the_overview(pages: dict[str, str]) -> None:
    assert list(pages) == page_names()
    assert len(pages) == 1 + len({factor.table for factor in CATALOGUE.factors})


def test_every_factor_and_every_code_stands_on_the_page_of_its_table(pages: dict[str, str]) -> None:
    for factor in CATALOGUE.factors:
        page = pages[f"{FOLDER}/{factor.table}.md"]
        assert (f"### {factor.id}\n" in page) != (f"| `{factor.id}` |" in page), factor.id
        assert (f"### {factor.id}\n" in page) == (factor.id in POLICY.scoring)
        for code in factor.codes:
            assert f"| `{code}` | {CATALOGUE.codes[code].en} | {CATALOGUE.codes[code].zh} |" in page


def test_a_factor_says_its_points_its_codes_its_age_and_its_weight(pages: dict[str, str]) -> None:
    page = pages[f"{FOLDER}/credit_record.md"].split("### bureau_score_norm\n")[1].split("\n### ")[0]
    rule = POLICY.scoring["bureau_score_norm"]
    assert f"| points 得分 | {' | '.join(map(str, rule.points))} |" in page
    assert "counted from `bureau_report_date`" in page
    assert f"older moves to the points of no value, reached at {2 * (rule.max_age_days or 0)} days" in page
    assert f"corporate {POLICY.scorecards['corporate']['bureau_score_norm']}," in page
    for code, points in rule.special.items():
        told = "left out" if points == "reweight" else f"{points} points"
        assert re.search(rf"`{code}` \([^)]+\): {told}", page), code


def test_a_fact_says_which_rules_read_it(pages: dict[str, str]) -> None:
    (line,) = (line for line in pages[f"{FOLDER}/due_diligence.md"].splitlines() if line.startswith("| `insolvency_open` |"))
    assert line.endswith("| insolvency, KO03, A20 |")


def test_the_weights_of_each_card_add_up(pages: dict[str, str]) -> None:
    overview = pages[f"{FOLDER}/README.md"]
    sums = [
        [int(cell.strip(" *")) for cell in line.split("|")[4:-1]]
        for label in RISK_TYPES.values()
        for line in overview.splitlines()
        if line.startswith(f"| | **{label.en}")
    ]
    assert [sum(column) for column in zip(*sums, strict=True)] == [100] * len(POLICY.scorecards)
