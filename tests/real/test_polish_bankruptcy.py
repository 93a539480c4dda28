"""Altman Z'' on real companies: Polish firms, their ratios five years ahead, and which of them went bankrupt by then.

Attributes 3, 6, 7 and 8 of the data are the four inputs of Z''. Each firm becomes a statement with assets and liabilities of
1,000,000 that has these ratios, and goes through the real as-of views and factor SQL. The bounds are loose: they tell whether
Z'' separates at all, not how well a scorecard with it would do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from tests.ledger_case import AS_OF, LedgerCase

pytestmark = pytest.mark.real

# Ratio of Z'' -> its attribute, counted from 1, and its weight.
INPUTS: Mapping[str, tuple[int, float]] = {
    "working_capital": (3, 6.56),
    "retained_earnings": (6, 3.26),
    "ebit": (7, 6.72),
    "equity_to_liabilities": (8, 1.05),
}
UNIT = 1_000_000
Firm = tuple[Mapping[str, str | None], bool]
ZONES = ("distress", "grey", "safe")


@pytest.fixture(scope="module")
def firms(real_data: Callable[[str], Path]) -> list[Firm]:
    """(its ratios, went bankrupt) of every firm; a row that stands twice is one firm."""
    lines = (real_data("polish_bankruptcy") / "1year.arff").read_text(encoding="utf-8").splitlines()
    rows = dict.fromkeys(tuple(line.strip().split(",")) for line in lines if line.strip() and not line.startswith("@"))
    texts = ({name: row[at - 1] for name, (at, _) in INPUTS.items()} for row in rows)
    ratios = [{name: None if text == "?" else text for name, text in firm.items()} for firm in texts]
    return list(zip(ratios, (row[-1] == "1" for row in rows), strict=True))


@pytest.fixture(scope="module")
def conditions(firms: list[Firm], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The row of factor.financial_condition of each firm."""
    case = LedgerCase(tmp_path_factory.mktemp("polish"))
    for number, (ratios, _) in enumerate(firms):
        case.add("customer", customer_id=f"F{number}")
        case.add("financial_statement", statement_id=f"S{number}", customer_id=f"F{number}", **_statement(ratios))
    found = case.table_alone("financial_condition")
    return [found[f"F{number}"] for number in range(len(firms))]


def test_the_data_are_those_described(firms: list[Firm]) -> None:
    assert (len(firms), sum(bankrupt for _, bankrupt in firms)) == (6_945, 271)


def test_z_is_the_formula_and_missing_when_an_input_is(firms: list[Firm], conditions: list[dict[str, Any]]) -> None:
    missing = 0
    for (ratios, _), row in zip(firms, conditions, strict=True):
        if None in ratios.values():
            assert (row["altman_z2"], row["altman_zone"], row["altman_z2_code"]) == (None, None, None)
            missing += 1
        else:
            by_hand = sum(weight * float(str(ratios[name])) for name, (_, weight) in INPUTS.items())
            assert row["altman_z2"] == pytest.approx(by_hand, rel=1e-7, abs=1e-6)
    assert missing == 25


def test_z_ranks_bankrupt_firms_lower(firms: list[Firm], conditions: list[dict[str, Any]]) -> None:
    known = [(row["altman_z2"], bad) for row, (_, bad) in zip(conditions, firms, strict=True) if row["altman_z2"] is not None]
    measured = _auc(known)
    print(f"\nAUC of Z'' on {len(known)} firms, {sum(bad for _, bad in known)} bankrupt within five years: {measured:.3f}")
    assert 0.66 < measured < 0.72


def test_the_bad_rate_falls_from_zone_to_zone(firms: list[Firm], conditions: list[dict[str, Any]]) -> None:
    rates = {}
    for zone in ZONES:
        bad = [bankrupt for row, (_, bankrupt) in zip(conditions, firms, strict=True) if row["altman_zone"] == zone]
        rates[zone] = sum(bad) / len(bad)
        print(f"\n{zone:8} {len(bad):5} firms, {sum(bad):3} bankrupt, {rates[zone]:.1%}", end="")
    assert rates["distress"] > 2 * rates["grey"] > 2 * rates["safe"]
    assert rates["distress"] > 0.07
    assert rates["safe"] < 0.03


def test_the_bad_rate_falls_from_bin_to_bin_of_the_default_policy(firms: list[Firm], conditions: list[dict[str, Any]]) -> None:
    bins = load_policy(None, load_catalogue(), as_of=AS_OF).scoring["altman_z2"].bins
    assert bins is not None
    failed: list[list[bool]] = [[] for _ in bins]
    for row, (_, bankrupt) in zip(conditions, firms, strict=True):
        if row["altman_z2"] is not None:
            failed[next(place for place, each in enumerate(bins) if each.le is None or row["altman_z2"] <= each.le)].append(
                bankrupt
            )
    rates = [sum(bad) / len(bad) for bad in failed]
    for each, bad, rate in zip(bins, failed, rates, strict=True):
        print(f"\nup to {each.le}: {each.points:3} points, {len(bad):5} firms, {sum(bad):3} bankrupt, {rate:.1%}", end="")
    assert rates == sorted(rates, reverse=True)


def _statement(ratios: Mapping[str, str | None]) -> dict[str, Any]:
    """Liabilities, all of them current, and assets are one unit each; the rest is what the ratios say."""
    amounts = {name: None if text is None else Decimal(text) * UNIT for name, text in ratios.items()}
    working_capital = amounts["working_capital"]
    return {
        "period_end": date(2025, 12, 31),
        "received_date": date(2026, 4, 30),
        "months": 12,
        "currency": "EUR",
        "total_assets": UNIT,
        "total_liabilities": UNIT,
        "current_liabilities": UNIT,
        "current_assets": None if working_capital is None else UNIT + working_capital,
        "retained_earnings": amounts["retained_earnings"],
        "ebit": amounts["ebit"],
        "equity": amounts["equity_to_liabilities"],
    }


def _auc(known: list[tuple[float, bool]]) -> float:
    """Chance that a firm that failed has a lower value than one that did not; equal values count half."""
    before, concordant = 0, 0.0
    failed = sum(bad for _, bad in known)
    by_value: dict[float, list[bool]] = {}
    for value, bad in known:
        by_value.setdefault(value, []).append(bad)
    for value in sorted(by_value, reverse=True):
        bad = sum(by_value[value])
        good = len(by_value[value]) - bad
        concordant += bad * (before + good / 2)
        before += good
    return concordant / (failed * (len(known) - failed))
