"""The group roll-up: golden case 31, whose tier counts, security of others, ring-fenced members, contagion."""

from __future__ import annotations

from random import Random
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from risk_pipeline.decision.groups import divide, reached
from tests.decision_facts import sales
from tests.decision_given import POLICY, given


def members(*rows: dict[str, Any]) -> pd.DataFrame:
    """Members of group G whose parent is A, in currency units."""
    sound = {"group_key": "G", "group_parent_id": "A", "ring_fenced": False, "tier": "low", "in_default": False, "brought": 0}
    frame = pd.DataFrame([{**sound, "customer_id": name, **row} for name, row in zip("ABCDEFGH", rows, strict=False)])
    return frame.assign(alone=frame["alone"] * 100, brought=frame["brought"] * 100)


def parts(*rows: dict[str, Any]) -> dict[str, tuple[float, float]]:
    found = divide(members(*rows), POLICY)
    figures = zip(found["customer_id"], found["group_limit"], found["group_limit_total"], strict=True)
    return {name: (part // 100, total // 100) for name, part, total in figures}


def test_case_31_the_cap_of_the_parent_is_divided_by_what_members_would_get() -> None:
    found = parts({"alone": 300_000, "tier": "medium"}, {"alone": 200_000}, {"alone": 100_000})
    assert found == {"A": (250_000, 500_000), "B": (166_666, 500_000), "C": (83_333, 500_000)}
    limits = []
    for part, need in zip((250_000_00, 166_666_66, 83_333_33), (300_000, 200_000, 100_000), strict=True):
        case = given(80, group_limit=part, group_limit_total=500_000_00, **sales(need * 30 // 75))
        limits.append(case.credit_limit)
        assert (case.binding_method, case.limit_reason) == ("group_cap", "group_cap")
        assert (case.approval_status, case.required_authority) == ("pending", "credit_manager")  # low: 500,000
    assert limits == [250_000, 165_000, 83_000]
    assert given(80, group_limit=83_333_33, group_limit_total=500_000_01, **sales(40_000)).required_authority == "head_of_credit"


def test_a_group_within_its_cap_binds_nobody() -> None:
    found = parts({"alone": 300_000}, {"alone": 100_000})
    assert found == {"A": (1_500_000, 400_000), "B": (500_000, 400_000)}
    assert given(80, group_limit=1_500_000_00, group_limit_total=400_000_00, **sales(120_000)).binding_method == "sales_balance"


@pytest.mark.parametrize(
    ("tiers", "parent", "cap"),
    [
        (["medium", "low"], "A", 500_000),
        (["restricted", "low"], "A", 0),
        (["low", "medium", "high"], "NOBODY", 50_000),  # no customer: the worst member
        (["low", "restricted"], "NOBODY", 2_000_000),  # who has no cap is no measure; its default reaches others by KO21
        (["unrated", "medium"], "A", 500_000),  # nothing is known of the parent: the worst member
        (["not_rated", "medium"], "A", 500_000),
        (["unrated", "unrated"], "A", 10_000),
        (["restricted", "restricted"], None, 0),
        (["not_rated", "not_rated"], "A", 0),
    ],
)
def test_whose_tier_the_cap_follows(tiers: list[str], parent: str | None, cap: int) -> None:
    found = divide(members(*({"alone": 1_000_000, "tier": tier, "group_parent_id": parent} for tier in tiers)), POLICY)
    assert found["group_limit_total"].tolist() == [min(cap, 1_000_000 * len(tiers)) * 100] * len(tiers)
    assert 0 <= cap * 100 - found["group_limit"].sum() < len(tiers)  # cents that cannot be divided


def test_security_of_others_stays_with_its_member_and_ring_fenced_members_stand_outside() -> None:
    found = parts(
        {"alone": 40_000, "brought": 30_000, "tier": "restricted"},
        {"alone": 90_000},
        {"alone": 70_000, "ring_fenced": True},
    )
    assert found == {"A": (30_000, 30_000), "B": (0, 30_000)}


def test_default_reaches_the_others_unless_they_are_ring_fenced() -> None:
    one = members({"alone": 1, "in_default": True}, {"alone": 1}, {"alone": 1, "ring_fenced": True})
    assert reached(one).tolist() == [False, True, False]
    two = members({"alone": 1, "in_default": True}, {"alone": 1, "in_default": True})
    assert reached(two).tolist() == [True, True]
    other = one.assign(group_key=["G", "H", "H"])
    assert reached(other).tolist() == [False, False, False]


AMOUNT = st.integers(0, 10**10)
TIERS = ["low", "medium", "high", "restricted", "unrated", "not_rated"]


@settings(max_examples=100, deadline=None)
@hypothesis_given(
    st.lists(st.tuples(AMOUNT, AMOUNT, st.sampled_from(["low", "medium", "high", "restricted"])), min_size=2, max_size=8)
)
def test_parts_never_add_up_to_more_than_the_cap_and_what_members_brought(rows: list[tuple[int, int, str]]) -> None:
    given_rows = [{"alone": alone, "brought": min(own, alone), "tier": tier} for alone, own, tier in rows]
    found = divide(members(*given_rows), POLICY)
    cap = {"low": 2_000_000, "medium": 500_000, "high": 50_000, "restricted": 0}[rows[0][2]] * 100
    brought = sum(row["brought"] for row in given_rows) * 100
    assert found["group_limit"].sum() <= cap + brought
    assert (found["group_limit"] >= [row["brought"] * 100 for row in given_rows]).all()
    if cap + brought >= sum(row["alone"] for row in given_rows) * 100:
        assert (found["group_limit"] >= [row["alone"] * 100 for row in given_rows]).all()


@settings(max_examples=50, deadline=None)
@hypothesis_given(
    st.lists(
        st.tuples(st.sampled_from("GHK"), st.sampled_from("ABCX"), AMOUNT, st.sampled_from(TIERS), st.booleans()),
        min_size=2,
        max_size=9,
    ),
    st.randoms(use_true_random=False),
)
def test_the_order_of_rows_and_other_groups_make_no_difference(rows: list[tuple[str, str, int, str, bool]], rng: Random) -> None:
    frame = pd.DataFrame(rows, columns=["group_key", "group_parent_id", "alone", "tier", "ring_fenced"])
    frame = frame.assign(customer_id=list("ABCDEFIJL")[: len(rows)], brought=frame["alone"] // 3)
    alone = pd.concat([divide(part, POLICY) for _, part in frame.groupby("group_key")]).set_index("customer_id").sort_index()
    shuffled = frame.sample(frac=1, random_state=rng.randrange(2**32))
    together = divide(shuffled, POLICY).set_index("customer_id").sort_index()
    pd.testing.assert_frame_equal(together, alone)
    caps = {key: divide(part, POLICY)["group_limit"].sum() for key, part in frame.groupby("group_key")}
    assert together.groupby(frame.set_index("customer_id")["group_key"])["group_limit"].sum().to_dict() == {
        key: total for key, total in caps.items() if not frame[frame["group_key"] == key]["ring_fenced"].all()
    }


def test_amounts_beyond_what_a_product_of_two_holds_are_divided_exactly() -> None:
    huge = 9_000_000_000_000_00  # 9 trillion, 90 000 times the cap
    found = divide(members(*({"alone": huge // 100 - cents, "tier": "low"} for cents in (0, 1, 2))), POLICY)
    whole = 3 * huge - 300
    assert found["group_limit"].tolist() == [2_000_000_00 * (huge - 100 * cents) // whole for cents in (0, 1, 2)]


def test_half_a_million_members_are_divided_at_once() -> None:
    size = 500_000
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{number}" for number in range(size)],
            "group_key": rng.integers(0, 100_000, size).astype("str"),
            "group_parent_id": "NOBODY",
            "ring_fenced": False,
            "tier": rng.choice(TIERS, size),
            "alone": rng.integers(0, 10**9, size),
            "brought": 0,
        }
    )
    began = process_time()
    found = divide(frame, POLICY)
    assert process_time() - began < 5  # a loop over the groups took 30 s
    limits = found["group_limit"].groupby(frame["group_key"].to_numpy()).sum()
    assert limits.max() <= 2_000_000_00
    assert len(found) == size


def test_the_group_takes_the_caps_of_a_class_that_has_some() -> None:
    limits = POLICY.limits.model_dump()
    with pytest.raises(ValueError, match="tier_cap has no class retail"):
        type(POLICY.limits).model_validate({**limits, "group": {"caps_of": "retail"}})
