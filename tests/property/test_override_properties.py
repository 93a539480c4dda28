"""Overrides over random customers: never beyond the authority of who approved, never over a stop or a ceiling, nobody else's.

Each case decides the same customers with and without what people said of some of them.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from risk_pipeline.policy.model import minor_units
from tests.decision_facts import decide, many
from tests.decision_given import CATALOGUE, POLICY, context

CUSTOMERS = 300
LEVELS = [level.role for level in POLICY.authorities.levels]
RANK = {name: rank for rank, name in enumerate(POLICY.tier_ids)} | {"unrated": POLICY.tier_ids.index(POLICY.unrated.ranks_as)}


def with_people(facts: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The same customers; of two thirds somebody approved a notch, a limit by hand, a limit for a time, or several of them."""
    rng, rows = np.random.default_rng(seed), len(facts)

    def for_some(values: np.ndarray, dtype: str) -> pd.Series:
        return pd.Series(values).astype(dtype).mask(rng.random(rows) < 0.5)

    people = facts.copy()
    people["notch_steps"] = for_some(rng.choice([-2, -1, 1], rows), "Int64")
    for name in ("manual_limit", "temporary_limit"):
        people[name] = for_some(rng.integers(0, 60_000_000, rows), "Int64")
        people[f"{name}_role"] = pd.Series(rng.choice([*LEVELS, "account_manager"], rows), dtype="str")
    spared = rng.random(rows) < 0.33
    for name in ("notch_steps", "manual_limit", "temporary_limit"):
        people.loc[spared, name] = pd.NA
    return people


def decided(facts: pd.DataFrame) -> pd.DataFrame:
    """Tier and limit side by side, amounts in minor units."""
    tables = decide(facts, POLICY, CATALOGUE, context())
    keys = ["customer_id"]
    limit = tables["decision.credit_limit"].drop(columns=["as_of", "run_id", "valid_to"])
    return tables["decision.risk_tier"].merge(limit, on=keys).set_index("customer_id")


def most(role: str, tier: str) -> float:
    """What a role may approve in a tier, in minor units."""
    level = next((level for level in POLICY.authorities.levels if level.role == role), None)
    amount = level.up_to.get(tier) if level else None
    return 0.0 if level is None else float("inf") if amount is None else minor_units(amount)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None, phases=[Phase.generate])  # a seed does not shrink
def test_people_never_reach_beyond_their_authority(seed: int) -> None:
    facts = many(CUSTOMERS, seed)
    people = with_people(facts, seed + 1)
    plain, found = decided(facts), decided(people)
    said = people.set_index("customer_id")
    told = said[["notch_steps", "manual_limit", "temporary_limit"]].notna().any(axis=1)

    same = [name for name in plain if name not in ("as_of", "run_id")]
    before, after = (each.loc[~told, same].astype(object) for each in (plain, found))
    assert (before.eq(after) | (before.isna() & after.isna())).all(axis=None)

    scored = found["tier"].isin(list(RANK))
    rank, notched, model = (
        found.loc[scored, name].astype(object).map(RANK) for name in ("tier", "notched_tier", "hysteresis_tier")
    )
    assert (rank >= notched).all()  # ceilings come after notches
    assert (notched >= model - POLICY.notches.max_up).all()
    ceiling = found.loc[scored, "knockout_ceiling"].astype(object).map(RANK).fillna(0)
    assert (rank >= ceiling).all()

    limits = found[found["limit_reporting"].notna()]
    for customer, row in limits.iterrows():
        person = said.loc[customer]
        limit, computed = int(row["limit_reporting"]), int(row["computed_limit"])
        if row["applied_source"] == "hard_stop":
            assert limit <= computed
        if limit <= computed:
            continue
        granted = [
            min(int(person[name]), most(str(person[f"{name}_role"]), row["tier"]))
            for name in ("manual_limit", "temporary_limit")
            if pd.notna(person[name])
        ]
        assert limit <= max(granted, default=0), (customer, limit, computed, granted)
        assert row["applied_source"] == "manual"
