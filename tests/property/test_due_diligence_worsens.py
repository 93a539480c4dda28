"""Property of factor.due_diligence: one more finding never makes a searched customer look safer, and a copy changes no count.

The oracle is the catalogue's direction. Random dossiers are customers of one computation, each beside itself with one finding
more. (Without a search a found case beats not_searched: somebody looked, and now it is known how bad it is.)
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from risk_pipeline.contracts import table
from risk_pipeline.engine.factors import FactorEngine, window_params
from risk_pipeline.factors.catalogue import load_catalogue
from tests.ledger_case import AS_OF, PARAMS, LedgerCase, days_before

DOSSIERS = 400
SAYS = table("feed.due_diligence_finding")
COUNTS = [f for f in load_catalogue().factors if f.table == "due_diligence" and f.direction == "down"]
Row = dict[str, Any]


def a_finding(rng: random.Random) -> Row:
    """A finding of any kind, role, age and state; one in three about a case that others speak of too."""
    published = days_before(rng.choice([0, 1, 30, 180, 364, 365, 366, 700, 729, 731, 1_000, 2_500]))
    return {
        "kind": rng.choice(SAYS.column("kind").values),
        "role": rng.choice([None, *SAYS.column("role").values]),
        "case_number": rng.choice([None, None, "1", "2"]),
        "case_type": rng.choice([None, *SAYS.column("case_type").values]),
        "severity": rng.choice([None, *SAYS.column("severity").values]),
        "filed_by_us": rng.choice([None, True, False]),
        "published_date": published,
        "event_date": rng.choice([None, published, published - timedelta(20)]),
        "amount": rng.choice([None, 0, 100, 5_000, 80_000]),
        "currency": "EUR",
        "review_state": rng.choice(["confirmed"] * 4 + ["unreviewed", "cleared"]),
        "resolved_date": rng.choice([None, None, AS_OF, AS_OF + timedelta(1)]),
        "outcome": rng.choice([None, "withdrawn"]),
    }


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Row, Row, Row]]:
    """Per dossier: the table's row, its row with one finding more, and its row with every finding twice."""
    rng = random.Random(3)
    case = LedgerCase(tmp_path_factory.mktemp("dossiers"))
    for number in range(DOSSIERS):
        told = [a_finding(rng) for _ in range(rng.randint(0, 6))]
        copies = [{**row, "case_number": row["case_number"] or f"own {place}"} for place, row in enumerate(told)]
        for name, findings in (("one", copies), ("more", [*copies, a_finding(rng)]), ("twice", copies * 2)):
            customer = f"{number} {name}"
            case.add("customer", customer_id=customer, natural_person=number % 5 == 0)
            case.add(
                "inquiry", inquiry_id=customer, customer_id=customer, kind="due_diligence", result="no_hit", performed_date=AS_OF
            )
            for place, row in enumerate(findings):
                case.add("due_diligence_finding", finding_id=f"{customer} {place}", customer_id=customer, **row)
            _statement(case, customer)
    found = _compute(case)
    return [(found[f"{n} one"], found[f"{n} more"], found[f"{n} twice"]) for n in range(DOSSIERS)]


def test_one_more_finding_never_looks_safer(pairs: list[tuple[Row, Row, Row]]) -> None:
    worse = {factor.id: 0 for factor in COUNTS if factor.id != "registry_struck_off"}
    for before, after, _ in pairs:
        for name in worse:
            assert after[name] >= before[name], (name, before["customer_id"])
            worse[name] += after[name] > before[name]
    assert all(count > 0 for count in worse.values()), "each of them was worsened by one"


def test_copies_of_a_case_change_nothing(pairs: list[tuple[Row, Row, Row]]) -> None:
    per_finding = ("findings_unreviewed", "sanctions_confirmed", "sanctions_unreviewed")
    for before, _, twice in pairs:
        assert {**twice, "customer_id": before["customer_id"], **{name: before[name] for name in per_finding}} == before


def _statement(case: LedgerCase, customer: str) -> None:
    given = {"received_date": days_before(90), "period_end": days_before(181), "months": 12, "currency": "EUR", "revenue": 9}
    parts = {"total_assets": 1_000_000, "total_liabilities": 400_000, "equity": 600_000}
    case.add("financial_statement", statement_id=customer, customer_id=customer, **given, **parts)


def _compute(case: LedgerCase) -> dict[str, Row]:
    with case.connect(AS_OF) as con:
        engine = FactorEngine(con, {**PARAMS, **window_params(AS_OF), "has_document": False})
        for name in ("customer_state", "financial_condition"):
            con.execute(f"CREATE TABLE result_{name} AS {engine.query(name)}")
            engine.register(name, f"result_{name}")
        found = con.execute(engine.query("due_diligence"))
        names = [column[0] for column in found.description]
        return {row["customer_id"]: row for row in (dict(zip(names, values, strict=True)) for values in found.fetchall())}
