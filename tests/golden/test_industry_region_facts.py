"""factor.industry_region by hand, through the real as-of views and SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.engine.factors import FactorEngine, window_params
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import IndustryClasses
from tests.factor_points import points
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before, only

CLASSES = IndustryClasses.model_validate(
    {
        "default": 3,
        "by_scheme": {
            "NACE": {"24": 4, "24.1": 5, "C": 2, "F": 5, "62": 1},
            "NACE Rev. 1.1": {"62": 4},  # air transport in the older edition
            "GB/T 4754": {"24": 2, "06": 4},
        },
    }
)


@pytest.fixture
def case(tmp_path: Path) -> LedgerCase:
    policy = load_policy(None, load_catalogue(), as_of=AS_OF)
    return LedgerCase(tmp_path, policy.model_copy(update={"industry_classes": CLASSES}))


def customer(case: LedgerCase, name: str = "C", **values: Any) -> None:
    case.add("customer", **{"customer_id": name, "effective_from": date(2024, 1, 1), **values})


def facts(case: LedgerCase, as_of: date = AS_OF, known_at: datetime | None = None) -> dict[str, dict[str, Any]]:
    """The rows of the table by customer."""
    with case.connect(as_of, known_at=known_at) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(as_of)})
        con.execute(f"CREATE TABLE state AS {engine.query('customer_state')}")
        engine.register("customer_state", "state")
        found = con.execute(engine.query("industry_region"))
        names = [column[0] for column in found.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in found.fetchall()}


# Industry

INDUSTRIES = {
    # code, scheme -> class, prefix, special code
    ("2410", "NACE"): (5, "24.1", None),  # the longest prefix of 24 and 24.1; dots aside
    ("24.42", "NACE"): (4, "24", None),
    ("C24.42", "NACE"): (4, "24", None),  # the section letter aside; 24 is longer than C
    ("C2599", "NACE"): (2, "C", None),  # only the section is in the policy
    ("25", "NACE"): (3, None, None),  # without its letter 25 is in no section: the default
    ("F", "NACE"): (5, "F", None),
    ("f 41", "NACE"): (5, "F", None),
    ("62", "NACE Rev. 2"): (1, "62", None),  # another edition of NACE: read as NACE
    ("62", "NACE Rev. 1.1"): (4, "62", None),  # the policy knows this edition: its own class
    ("24", "NACE Rev. 1.1"): (3, None, None),  # never the class of another edition that the policy tells apart
    ("2412", "GB/T 4754-2017"): (2, "24", None),  # 24 is metals in NACE and toys and sports goods in GB/T 4754
    ("0610", "GB/T 4754"): (4, "06", None),
    ("24", "SIC"): (3, None, None),  # a scheme the policy does not have
    ("24", None): (None, None, "code_unknown"),  # 24 of what?
    (None, "NACE"): (None, None, "code_unknown"),
    (" .", "NACE"): (None, None, "code_unknown"),
}


def test_industry_class_by_the_longest_prefix_of_the_same_scheme(case: LedgerCase) -> None:
    for number, (code, scheme) in enumerate(INDUSTRIES):
        customer(case, f"C{number:02}", industry_code=code, industry_scheme=scheme)
    found = [
        (row["industry_risk_class"], row["industry_class_prefix"], row["industry_risk_class_code"])
        for _, row in sorted(facts(case).items())
    ]
    assert found == list(INDUSTRIES.values())


def test_without_classes_in_the_policy_every_industry_is_of_the_default_class(tmp_path: Path) -> None:
    policy = load_policy(None, load_catalogue(), as_of=AS_OF).model_copy(update={"industry_classes": IndustryClasses()})
    case = LedgerCase(tmp_path, policy)
    customer(case, industry_code="2410", industry_scheme="NACE")
    assert facts(case)["C"]["industry_risk_class"] == 3


def test_the_industry_as_it_was_known_at_the_assessment_date(case: LedgerCase) -> None:
    customer(case, industry_code="62", industry_scheme="NACE", effective_from=date(2020, 1, 1))
    customer(case, industry_code="24", industry_scheme="NACE", effective_from=days_before(30))
    customer(case, industry_code="F", industry_scheme="NACE", effective_from=date(2026, 7, 1))  # after AS_OF
    row = facts(case)["C"]
    assert (row["industry_risk_class"], row["master_data_date"], row["evidence_date"]) == (4, days_before(30), days_before(30))
    assert facts(case, days_before(31))["C"]["industry_risk_class"] == 1


def test_a_customer_known_from_documents_alone_has_no_attributes(case: LedgerCase) -> None:
    case.invoice("A", 1_000, customer="L")
    row = only(list(facts(case).values()))
    assert [row[name] for name in ("industry_risk_class", "country_risk_score", "size_class", "company_age_years")] == [None] * 4
    assert row["industry_risk_class_code"] == "code_unknown"
    assert row["country_risk_score_code"] == row["country_list_status_code"] == "country_unknown"
    assert (row["size_class_code"], row["company_age_years_code"], row["evidence_date"]) == (None, None, None)


# Country

SCORES = [
    # country, published days before AS_OF, score, list status
    ("DE", 400, 12, "none"),
    ("DE", 40, 14, None),  # the newest score; its publisher says nothing about lists
    ("DE", 20, None, "none"),  # the newest list status
    ("DE", -1, 90, "call_for_action"),  # published after AS_OF
    ("QX", 100, 60, "increased_monitoring"),
    ("QX", 10, None, "none"),  # taken off the list; the score stands
    ("QZ", 50, 95, "call_for_action"),
    ("QN", 50, None, "none"),
    ("QS", 50, 14, None),
]
COUNTRIES = {
    # incorporated, operating -> score, country, date, status, date, status of operation, codes
    ("DE", None): (14, "DE", 40, "none", 20, None, None, None),
    ("DE", "QZ"): (95, "QZ", 50, "none", 20, "call_for_action", None, None),  # the worse score, the status of incorporation
    ("QZ", "DE"): (95, "QZ", 50, "call_for_action", 50, "none", None, None),
    ("DE", "QS"): (14, "DE", 40, "none", 20, None, None, None),  # equal: incorporation
    ("QX", None): (60, "QX", 100, "none", 10, None, None, None),
    ("QN", None): (None, None, None, "none", 50, None, None, None),  # known country, no score: missing, no code
    ("QN", "QS"): (14, "QS", 50, "none", 50, None, None, None),
    ("QQ", None): (None, None, None, None, None, None, None, None),  # in no publication
    (None, "QZ"): (95, "QZ", 50, None, None, "call_for_action", None, "country_unknown"),
    (None, None): (None, None, None, None, None, None, "country_unknown", "country_unknown"),
}


def test_country_risk_and_list_status(case: LedgerCase) -> None:
    for country, days, score, status in SCORES:
        case.add("country_risk", country_code=country, published_date=days_before(days), score=score, list_status=status)
    for number, (home, operating) in enumerate(COUNTRIES):
        customer(case, f"C{number:02}", country_code=home, operating_country_code=operating)
    found = [
        (
            row["country_risk_score"],
            row["country_risk_country"],
            row["country_risk_date"] and (AS_OF - row["country_risk_date"]).days,
            row["country_list_status"],
            row["country_list_date"] and (AS_OF - row["country_list_date"]).days,
            row["operating_list_status"],
            row["country_risk_score_code"],
            row["country_list_status_code"],
        )
        for _, row in sorted(facts(case).items())
    ]
    assert found == list(COUNTRIES.values())


def test_a_publication_known_later_changes_nothing(case: LedgerCase) -> None:
    customer(case, country_code="DE")
    case.add("country_risk", country_code="DE", published_date=days_before(40), score=14, list_status="none")
    late = datetime(2026, 8, 1, tzinfo=UTC)
    published = {"country_code": "DE", "published_date": days_before(1), "score": 80, "list_status": "call_for_action"}
    case.add("country_risk", known=late, **published)
    row = facts(case, known_at=datetime(2026, 6, 30, 23, tzinfo=UTC))["C"]
    assert (row["country_risk_score"], row["country_list_status"]) == (14, "none")
    assert row["evidence_date"] == days_before(40)
    row = facts(case)["C"]  # with what is known today
    assert (row["country_risk_score"], row["country_list_status"]) == (80, "call_for_action")


# Size and age

AGES = {
    # established, public body -> age in years, special code
    (date(2016, 6, 30), None): (3652 / 365.25, None),  # ten years, two leap days (2020, 2024): 3,652 days
    (date(2021, 6, 30), False): (1826 / 365.25, None),  # five years, one leap day (2024): 1,826 days
    (AS_OF, None): (0.0, None),
    (date(2026, 7, 1), None): (None, None),  # a founding date after AS_OF is none
    (date(1, 1, 1), None): (None, None),  # what programs write for "empty"
    (date(1500, 1, 1), None): (192_298 / 365.25, None),  # 526 years, 128 leap days, 180 days of 2026
    (None, None): (None, None),
    (date(1990, 1, 1), True): (None, "public_body"),
}


def test_age_of_the_business(case: LedgerCase) -> None:
    for number, (established, public) in enumerate(AGES):
        customer(case, f"C{number}", established_date=established, is_public_body=public)
    rows = [row for _, row in sorted(facts(case).items())]
    for row, (years, code) in zip(rows, AGES.values(), strict=True):
        assert row["company_age_years"] == (pytest.approx(years, abs=1e-9) if years is not None else None)
        assert row["company_age_years_code"] == code


def test_size_class_is_kept_beside_the_code_of_public_bodies(case: LedgerCase) -> None:
    customer(case, "A", size_class="small")
    customer(case, "B", size_class="micro", is_public_body=True)
    found = facts(case)
    assert [(found[c]["size_class"], found[c]["size_class_code"]) for c in "AB"] == [("small", None), ("micro", "public_body")]


# Points of the default policy


def test_the_points_of_the_default_policy(tmp_path: Path) -> None:
    case = LedgerCase(tmp_path)  # with the industries of the default policy
    building = {"industry_code": "F41.20", "industry_scheme": "NACE Rev. 2", "country_code": "QX", "size_class": "micro"}
    customer(case, "A", **building, established_date=date(2025, 6, 30), effective_from=days_before(10))  # 365 days: within a year
    software = {"industry_code": "6510", "industry_scheme": "GB/T 4754-2017", "country_code": "DE", "size_class": "large"}
    customer(case, "B", **software, established_date=date(1990, 1, 1))
    customer(case, "C", is_public_body=True)
    case.invoice("D1", 100, customer="D")
    for country, score, status in (("QX", 62, "increased_monitoring"), ("DE", 15, "none")):
        case.add("country_risk", country_code=country, published_date=days_before(30), score=score, list_status=status)
    names = ("industry_risk_class", "country_risk_score", "country_list_status", "size_class", "company_age_years")
    found = {name: points("industry_region", row) for name, row in facts(case).items()}
    assert {name: [row[factor] for factor in names] for name, row in found.items()} == {
        "A": [10, 25, 40, 40, 10],  # construction of buildings is class 5; 62 of 100; monitored; micro; one year
        "B": [80, 100, 100, 100, 100],  # software is class 2
        "C": [50, 40, 40, 100, 100],  # nothing known but that it is a public body
        "D": [50, 40, 40, 50, 40],  # known from documents alone: codes for industry and country, missing size and age
    }
