"""factor.group_state by hand: who is counted with whom, who the parent is, and what share of all exposure is theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ledger_case import LedgerCase, days_before


def customer(case: LedgerCase, customer_id: str, owed: int = 0, **values: Any) -> None:
    case.add("customer", customer_id=customer_id, effective_from=days_before(900), **values)
    if owed:
        case.invoice(f"I-{customer_id}", owed, dpd=-5, customer=customer_id)


def state(case: LedgerCase) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in case.factors()["group_state"]}


@pytest.fixture
def case(tmp_path: Path) -> LedgerCase:
    return LedgerCase(tmp_path)


def test_groups_by_either_name_meet_and_the_parent_belongs_to_them(case: LedgerCase) -> None:
    customer(case, "A", 300, group_id="G", ultimate_parent_id="TOP")
    customer(case, "B", 200, ultimate_parent_id="TOP", ring_fenced=True)
    customer(case, "TOP")
    customer(case, "K1", 100, group_id="K")  # the group has the number of its head, as in many masters
    customer(case, "K")
    customer(case, "ALONE", 400)
    found = state(case)
    assert {name: (row["group_key"], row["group_parent_id"], row["group_members"]) for name, row in found.items()} == {
        "A": ("G", "TOP", 3), "B": ("G", "TOP", 3), "TOP": ("G", "TOP", 3), "K1": ("K", "K", 2), "K": ("K", "K", 2),
        "ALONE": (None, None, None),
    }  # fmt: skip
    assert [name for name, row in found.items() if row["ring_fenced"]] == ["B"]
    assert (found["A"]["group_exposure"], found["A"]["exposure_share"], found["A"]["group_exposure_share"]) == (500, 0.3, 0.5)
    assert (found["TOP"]["exposure_share"], found["TOP"]["group_exposure_share"]) == (0, 0.5)
    assert (found["ALONE"]["exposure_share"], found["ALONE"]["group_exposure_share"]) == (0.4, None)


def test_intercompany_accounts_are_in_no_share_and_the_parent_most_members_name_counts(case: LedgerCase) -> None:
    customer(case, "A", 100, group_id="G", ultimate_parent_id="P")
    customer(case, "B", 100, group_id="G", ultimate_parent_id="O")
    customer(case, "C", 100, group_id="G", ultimate_parent_id="P")
    customer(case, "OWN", 900, group_id="G", is_intercompany=True)
    found = state(case)
    assert {(row["group_parent_id"], row["group_members"], row["group_exposure"]) for row in found.values()} == {("P", 4, 300)}
    assert (found["OWN"]["exposure_share"], found["OWN"]["group_exposure_share"]) == (None, None)
    assert found["A"]["exposure_share"] == pytest.approx(1 / 3)


def test_without_exposure_there_is_no_share(case: LedgerCase) -> None:
    customer(case, "A")
    case.payment("P", 5, days_before(4), customer="A")
    assert state(case)["A"]["exposure_share"] is None
