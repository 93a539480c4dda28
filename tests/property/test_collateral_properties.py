"""Properties of factor.collateral_item on random securities: less proof is never worth more, amounts scale, no net above gross.

Each random security stands twice, as it is and made worse in one respect; the oracle is the first of the two.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest

from risk_pipeline.policy.model import SecurityKind
from tests.ledger_case import AS_OF, LedgerCase

Row = dict[str, Any]
PAIRS = 600
KINDS = [kind for kind in get_args(SecurityKind) if kind != "insurance"]
GUARANTORS = {"low": ("low", 60, 0), "medium": ("medium", 30, 0), "high": ("high", 15, 0), "unknown": None}


def a_security(rng: random.Random) -> Row:
    """Mostly sound, so that most of what is made worse had a value."""

    def mostly(value: Any, otherwise: Any = None) -> Any:
        return value if rng.random() < 0.9 else otherwise

    return {
        "kind": rng.choice(KINDS),
        "valid_from": AS_OF - timedelta(rng.randint(1, 300)),
        "valid_to": mostly(AS_OF + timedelta(rng.randint(0, 200))),
        "claim_deadline": mostly(AS_OF + timedelta(rng.randint(60, 400))),
        "collateral_value": rng.randint(1, 900) * 100,
        "currency": mostly("EUR", "USD"),
        "prior_liens": mostly(rng.randint(0, 300) * 100),
        "priority": mostly(1, 2),
        "valuation_date": mostly(AS_OF - timedelta(rng.randint(0, 250))),
        "registered_date": mostly(AS_OF - timedelta(30)),
        "first_demand": mostly(True),
        "provider_rating": mostly("AA"),
        "provider": mostly("交通银行", "Village Bank"),
        "guarantor_id": mostly(rng.choice(list(GUARANTORS))),
        "spouse_signed": mostly(True),
    }


def worse(rng: random.Random, row: Row) -> Row:
    liens_unknown = row["prior_liens"] is None and row["priority"] == 2  # to learn them may be better news
    changes: list[Row] = [
        {"collateral_value": row["collateral_value"] // 2},
        {"currency": "USD", "collateral_value": row["collateral_value"]},  # a dollar is a euro here
        {"prior_liens": None if liens_unknown else (row["prior_liens"] or 0) + 5_000, "priority": 2},
        {"valuation_date": None},
        {"valuation_date": row["valuation_date"] and row["valuation_date"] - timedelta(120)},
        {"registered_date": None},
        {"first_demand": False},
        {"provider_rating": "CCC"},
        {"provider": "Village Bank"},
        {"guarantor_id": "high"},
        {"guarantor_id": None},
        {"spouse_signed": False},
        {"claim_deadline": AS_OF + timedelta(20)},
        {"valid_to": AS_OF - timedelta(1)},
    ]
    change = rng.choice(changes)
    if "valid_to" in change:
        change = {**change, "valid_from": min(row["valid_from"], AS_OF - timedelta(2))}
    return {**row, **change}


def pairs(seed: int) -> list[tuple[Row, Row]]:
    rng = random.Random(seed)
    return [(row, worse(rng, row)) for row in (a_security(rng) for _ in range(PAIRS))]


def net_values(folder: Path, rows: dict[str, Row], times: int = 1) -> dict[str, Row]:
    folder.mkdir()
    case = LedgerCase(folder)
    case.add("fx_rate", currency="USD", rate_date=AS_OF, rate=1)
    figures = {"total_assets": 10, "total_liabilities": 7, "equity": 3, "revenue": 20, "months": 12, "currency": "EUR"}
    for name, before in GUARANTORS.items():
        case.add("customer", customer_id=name, effective_from=date(2020, 1, 1))
        case.add("financial_statement", statement_id=name, customer_id=name, received_date=AS_OF, period_end=AS_OF, **figures)
        if before is not None:
            case.before[name] = before
    case.add("customer", customer_id="C", effective_from=date(2020, 1, 1), country_code="DE")
    for number, row in rows.items():
        amounts = {name: row[name] and row[name] * times for name in ("collateral_value", "prior_liens")}
        case.add("collateral", collateral_id=number, customer_id="C", **{**row, **amounts})
    return {row["security_id"]: row for row in case.factors()["collateral_item"]}


@pytest.fixture(scope="module")
def rows() -> dict[str, Row]:
    return {f"{number}{side}": row for number, pair in enumerate(pairs(3)) for side, row in zip("ab", pair, strict=True)}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, rows: dict[str, Row]) -> dict[str, Row]:
    return net_values(tmp_path_factory.mktemp("securities") / "once", rows)


def test_less_proof_is_never_worth_more(rows: dict[str, Row], found: dict[str, Row]) -> None:
    nets = [(found[f"{n}a"]["net_value"], found[f"{n}b"]["net_value"], rows[f"{n}a"], rows[f"{n}b"]) for n in range(PAIRS)]
    assert [pair for pair in nets if pair[1] > pair[0]] == []
    assert sum(pair[0] > pair[1] for pair in nets) > PAIRS / 10, "the property would prove nothing"


def test_nothing_is_worth_more_than_it_is_and_what_does_not_count_is_worth_nothing(found: dict[str, Row]) -> None:
    for row in found.values():
        assert 0 <= row["net_value"] <= row["gross_value"] - row["deducted_value"]
        assert row["eligible"] or row["net_value"] == 0
        assert not row["eligible"] or row["counts_until"] is None or row["counts_until"] >= AS_OF


def test_amounts_times_ten_are_net_values_times_ten(tmp_path: Path, rows: dict[str, Row], found: dict[str, Row]) -> None:
    tenfold = net_values(tmp_path / "ten", rows, 10)
    assert {name: row["net_value"] for name, row in tenfold.items()} == {
        name: row["net_value"] * Decimal(10) for name, row in found.items()
    }
