"""The reasons told to people: what decided the tier, and the factors that cost most.

Put here: choosing up to three reasons per customer and their texts in both languages. Keep out: the texts themselves (policy,
factor catalogue) and the loss of each factor (scorecard.py). First the knock-outs that made the tier or stop the limit, then
the lack of evidence or the rule that keeps the customer off the scorecard, then the factors by points lost. A factor that cost
points for want of a value says so, rather than accusing the customer of something nobody saw; and a factor with the points of
the best tier is no reason at all, even where 100 points were possible: "pays later than agreed" is not said of one day.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.decision.frames import Categorical, by_combination
from risk_pipeline.decision.knockouts import Knocked, ceiling_positions
from risk_pipeline.decision.scorecard import HUNDRED, Scores
from risk_pipeline.factors.catalogue import Catalogue, Factor
from risk_pipeline.policy.facts import Bools
from risk_pipeline.policy.model import Label, Policy

TOLD = 3
SEPARATOR_EN, SEPARATOR_ZH = "; ", "；"


@dataclass
class Book:
    """All reasons there are, numbered from 1 (0 = no reason)."""

    numbers: dict[Label, int] = field(default_factory=dict)

    def add(self, label: Label) -> int:
        """The number of a reason; the same text has the same number."""
        return self.numbers.setdefault(label, len(self.numbers) + 1)


class Reasons:
    """Collects reasons per customer, first come first told, at most three."""

    def __init__(self, rows: int) -> None:
        self.book = Book()
        self.slots = np.zeros((rows, TOLD), dtype=np.int64)
        self.used = np.zeros(rows, dtype=np.int64)

    def add(self, rows: NDArray[np.intp], numbers: NDArray[np.int64]) -> None:
        """One more reason for each of `rows`: its number in the book, 0 = none. Repeated and surplus ones are dropped."""
        new = (numbers > 0) & (self.used[rows] < TOLD) & ~(self.slots[rows] == numbers[:, None]).any(axis=1)
        rows, numbers = rows[new], numbers[new]
        self.slots[rows, self.used[rows]] = numbers
        self.used[rows] += 1

    def add_knockouts(self, knocked: Knocked, final_ceiling: NDArray[np.int8], policy: Policy) -> None:
        """Knock-outs whose ceiling is the final tier, and those that stop the limit."""
        for position, ceiling in enumerate(ceiling_positions(policy)):
            rule = policy.knockouts[position]
            decided = (final_ceiling == ceiling) & (ceiling >= 0)
            told = knocked.hits[:, position] & (decided | rule.stops_limit)
            self.add_where(told, rule.reason)

    def add_where(self, told: Bools, label: Label) -> None:
        """The same reason wherever `told`."""
        rows = np.flatnonzero(told)
        self.add(rows, np.full(len(rows), self.book.add(label), dtype=np.int64))

    def add_factors(self, scores: Scores, catalogue: Catalogue, policy: Policy) -> None:
        """The factors of every card, costliest first."""
        order = scores.order_of_loss
        told = (scores.matrix("points") < enough_points(policy)) & (scores.loss > 0)
        customer, place = np.nonzero(np.take_along_axis(told, order, axis=1))
        numbers = self._numbers(scores, catalogue, customer, order[customer, place])
        turn = np.arange(len(customer)) - np.searchsorted(customer, np.arange(len(scores)))[customer]
        for each in range(turn.max(initial=-1) + 1):
            now = np.flatnonzero((turn == each) & (self.used[customer] < TOLD))
            if len(now) == 0:
                break
            self.add(customer[now], numbers[now])

    def _numbers(
        self, scores: Scores, catalogue: Catalogue, customer: NDArray[np.intp], factor: NDArray[np.intp]
    ) -> NDArray[np.int64]:
        """The reason of these customers and factors: its own, that the value is not known, or that of its special code."""
        first: list[int] = []
        numbers: list[int] = []
        for each, part in zip(scores.factors, scores.parts, strict=True):
            first.append(len(numbers))
            own = [reason_told(each, catalogue, None, missing=missing) for missing in (False, True)]
            coded = [reason_told(each, catalogue, code, missing=False) for code in part.code_names]
            numbers += [self.book.add(label) for label in (*own, *coded)]
        code, missing = scores.matrix("codes")[customer, factor], scores.matrix("missing")[customer, factor]
        place = np.array(first, dtype=np.int64)[factor] + np.where(code >= 0, code + 2, missing)
        return np.array(numbers, dtype=np.int64)[place]

    def texts(self) -> tuple[Categorical, Categorical]:
        """reasons_en and reasons_zh, '' where there is none."""
        labels = list(self.book.numbers)
        base = len(labels) + 1
        words = (self.slots[:, 0] * base + self.slots[:, 1]) * base + self.slots[:, 2]

        def spelt(word: int) -> list[Label]:
            numbers = (word // base**2, word // base % base, word % base)
            return [labels[number - 1] for number in numbers if number > 0]

        return (
            by_combination(words, lambda word: SEPARATOR_EN.join(label.en for label in spelt(word))),
            by_combination(words, lambda word: SEPARATOR_ZH.join(label.zh for label in spelt(word))),
        )


def enough_points(policy: Policy) -> int:
    """Points, in hundredths, from which a factor is no reason: those of the best tier."""
    return int(policy.tiers[0].score_from * HUNDRED)


def reason_told(factor: Factor, catalogue: Catalogue, special_code: str | None, *, missing: bool) -> Label:
    """What is said of a factor that cost points: its coded reason, that its value is not known, or its own reason."""
    if special_code is not None:
        return catalogue.codes[special_code]
    if missing:
        return Label(en=f"Not known: {factor.label.en}", zh=f"缺少信息：{factor.label.zh}")
    return factor.reason or factor.label
