"""Feeds that are delivered and change nothing: the policy reads none of the columns made of them.

Put here: finding them, from the factor catalogue (`sources`), the factor SQL and what deciding reads. Keep out: printing (cli).
Feeds that no factor table reads serve another purpose (control totals, what people decide) and are never among them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from risk_pipeline.contracts import table
from risk_pipeline.decision.decide import facts_read
from risk_pipeline.engine.factors import factor_sql
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.scopes import FACT_TABLES

ABOUT_OTHERS = ("customer_id", "evidence_date")  # every table has them; they tell nothing of a feed by themselves
READS = re.compile(r"\b(feed|step)\.(\w+)")


@dataclass(frozen=True)
class Unread:
    """A delivered feed nobody is judged by. `cards`: scorecards that would read it, and that no customer has."""

    feed: str
    cards: tuple[str, ...]


def unread_feeds(policy: Policy, catalogue: Catalogue, delivered: Collection[str], cards: Collection[str] = ()) -> list[Unread]:
    """Which of the `delivered` feeds change nothing under the policy, by name. `cards`: the scorecards customers have; none
    named: all of the policy.
    """
    of_factors = {feed for factor in catalogue.factors for feed in factor.sources}
    used = _feeds_read(_with_cards(policy, cards or policy.scorecards), catalogue)
    found = sorted(set(delivered) & of_factors - used)
    return [Unread(feed, tuple(_cards_reading(feed, policy, catalogue))) for feed in found]


def _cards_reading(feed: str, policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    for card, weights in policy.scorecards.items():
        if any(feed in factor.sources for factor in catalogue.scored(weights)):
            yield card


def _with_cards(policy: Policy, cards: Collection[str]) -> Policy:
    return policy.model_copy(
        update={"scorecards": {card: weights for card, weights in policy.scorecards.items() if card in cards}}
    )


def _feeds_read(policy: Policy, catalogue: Catalogue) -> set[str]:
    """Feeds behind the columns that deciding reads: those the catalogue names, else those of the table's SQL."""
    read, feeds = facts_read(policy, catalogue), set[str]()
    for name in FACT_TABLES:
        for column in table(name).column_names:
            if column not in read or column in ABOUT_OTHERS:
                continue
            factor = catalogue.by_id.get(column.removesuffix("_code"))
            feeds |= set(factor.sources) if factor is not None else feeds_of_sql(name.removeprefix("factor."))
    return feeds


@lru_cache(maxsize=64)
def feeds_of_sql(name: str) -> frozenset[str]:
    """The feeds that the SQL of a factor table or step reads, by itself or through steps."""
    found: set[str] = set()
    for kind, other in READS.findall(factor_sql(name)):
        found |= {other} if kind == "feed" else feeds_of_sql(f"steps/{other}")
    return frozenset(found)
