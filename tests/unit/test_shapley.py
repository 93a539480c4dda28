"""Sharing a move among its causes: worked by hand, and exact whatever the figures."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.lineage.shapley import coalitions, shares, whole_units

CAUSES = ("time", "new", "policy")
AFTER = {"new": "time"}


def test_the_glove_game_by_hand() -> None:
    """Shapley (1953): one left glove, two right gloves; a pair is worth 6. The left one gets 4, each right one 1."""

    def pairs(chosen: frozenset[str]) -> int:
        return 6 if "left" in chosen and chosen & {"right", "other"} else 0

    assert shares(("left", "right", "other"), {}, pairs) == {"left": 4, "right": 1, "other": 1}


def test_a_cause_that_needs_another_gets_nothing_before_it() -> None:
    """Three orders: time new policy, time policy new, policy time new."""
    value = {
        frozenset[str](): 0,
        frozenset({"time"}): 10,
        frozenset({"policy"}): 4,
        frozenset({"time", "new"}): 16,
        frozenset({"time", "policy"}): 20,
        frozenset(CAUSES): 30,
    }
    parts = shares(CAUSES, AFTER, value.__getitem__)
    assert parts == {
        "time": Fraction(10 + 10 + 16, 3),
        "new": Fraction(6 + 10 + 10, 3),
        "policy": Fraction(14 + 10 + 4, 3),
    }
    assert coalitions(CAUSES, AFTER) == sorted(value, key=lambda each: (len(each), sorted(each)))


def test_a_need_of_what_is_no_cause_here_is_no_need() -> None:
    assert coalitions(("new",), AFTER) == [frozenset(), frozenset({"new"})]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=8, max_size=8), st.sampled_from([1, 50, 100]))
def test_parts_add_up_exactly(figures: list[int], units: int) -> None:
    value = dict(zip(coalitions(CAUSES, {}), figures, strict=True))
    parts = shares(CAUSES, {}, value.__getitem__)
    moved = value[frozenset(CAUSES)] - value[frozenset()]
    assert sum(parts.values()) == moved
    counted = whole_units(parts, units)
    assert sum(counted.values()) == moved * units
    assert all(abs(counted[cause] - parts[cause] * units) < 1 for cause in CAUSES)
