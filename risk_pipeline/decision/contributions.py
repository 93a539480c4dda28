"""score.contribution: what each factor added to the score of each customer, and why.

Put here: laying out that table, as Arrow, since it has dozens of rows per customer. Keep out: scoring (scorecard.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from risk_pipeline.contracts import table
from risk_pipeline.contracts.derive import arrow_schema
from risk_pipeline.decision.context import DecisionContext
from risk_pipeline.decision.rows import arrow_rows, coded
from risk_pipeline.decision.scorecard import ALL_ACTIONS, HUNDRED, Scores, bin_labels
from risk_pipeline.policy.facts import Facts, Ints

BLOCK_ROWS = 131_072  # about as many in one chunk: enough for a row group, few enough for the processor's cache


def contributions(facts: Facts, scores: Scores, context: DecisionContext) -> pa.Table:
    """One row per customer and factor of its card, by customer, then in catalogue order; in chunks of BLOCK_ROWS.

    Without a score, contribution and losses are NULL.
    """
    if not scores.factors:
        return arrow_schema(table("score.contribution"), coded_text=True).empty_table()
    texts = _Texts.of(facts, scores)
    customers = BLOCK_ROWS // len(scores.factors)
    starts = range(0, max(1, len(scores)), customers)
    return pa.concat_tables([_block(facts, scores, texts, slice(start, start + customers), context) for start in starts])


@dataclass(frozen=True)
class _Lists:
    """A list of texts per factor, end to end: where each begins, and every entry by its place in `texts`, -1 = none."""

    first: Ints
    place: NDArray[np.int32]
    texts: pa.StringArray

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> _Lists:
        texts = list(dict.fromkeys(text for each in lists for text in each))
        at = {text: place for place, text in enumerate(texts)}
        place = [code for each in lists for code in (-1, *(at[text] for text in each))]
        first = np.cumsum([1, *(len(each) + 1 for each in lists)])[:-1]
        return cls(first, np.array(place, dtype=np.int32), pa.array(texts, pa.string()))

    def chosen(self, factor: NDArray[np.intp], code: NDArray[Any] | int = 0) -> pa.DictionaryArray:
        """The text at `code` in the list of the factor; NULL for -1."""
        return coded(self.place[self.first[factor] + code], self.texts)


@dataclass(frozen=True)
class _Texts:
    """The texts of the table by factor, the same in every block."""

    factor: _Lists
    reason: _Lists
    risk_type: _Lists
    bins: _Lists
    codes: _Lists
    values: _Lists

    @classmethod
    def of(cls, facts: Facts, scores: Scores) -> _Texts:
        factors, rules = scores.factors, scores.rules
        is_text = [rule.values is not None for rule in rules]
        return cls(
            factor=_Lists.of([[f.id] for f in factors]),
            reason=_Lists.of([[f.reason.code if f.reason else f.id] for f in factors]),
            risk_type=_Lists.of([[f.risk_type] for f in factors]),
            bins=_Lists.of([bin_labels(rule) for rule in rules]),
            codes=_Lists.of([part.code_names for part in scores.parts]),
            values=_Lists.of([facts.text(f.id).categories if text else () for f, text in zip(factors, is_text, strict=True)]),
        )


def _block(facts: Facts, scores: Scores, texts: _Texts, rows: slice, context: DecisionContext) -> pa.Table:
    """The rows of the customers in `rows`."""
    today, card = np.datetime64(context.as_of, "D"), scores.card[rows]
    customer, factor = np.nonzero(scores.on_card[card])
    places = customer * len(scores.factors) + factor

    def each(matrix: NDArray[Any]) -> NDArray[Any]:
        """Of a matrix customers x factors the values of the factors on the customer's card."""
        return matrix.ravel()[places]

    known = scores.score_known[rows][customer]
    divisor = np.maximum(scores.counted_weight[rows], 1)[customer]
    counted, points = each(scores.matrix("counted", rows)), each(scores.matrix("points", rows))
    weight, lost = each(scores.weights[card]), each(scores.loss[rows])
    numbers, words, dates = (each(np.stack(columns, axis=1)) for columns in _evidence(facts, scores, rows))
    columns = {
        "customer_id": coded(customer, facts.strings("customer_id")[rows.start : rows.stop]),
        "factor": texts.factor.chosen(factor),
        "value": _doubles(numbers),
        "value_text": texts.values.chosen(factor, words),
        "bin": texts.bins.chosen(factor, each(scores.matrix("bins", rows))),
        "points": _doubles(np.where(counted, points / HUNDRED, np.nan)),
        "weight": pa.array(weight.astype(np.float64)),
        "effective_weight": pa.array(np.where(counted, 100.0 * weight / divisor, 0.0)),
        "contribution": _doubles(np.where(known, points * weight / (divisor * HUNDRED), np.nan)),
        "points_lost": _doubles(np.where(known, lost / (divisor * HUNDRED), np.nan)),
        "reason_rank": pa.array(each(_ranks(scores, rows)), mask=lost <= 0),
        "reason_code": texts.reason.chosen(factor),
        "special_code": texts.codes.chosen(factor, each(scores.matrix("codes", rows))),
        "missing": pa.array(each(scores.matrix("missing", rows))),
        "missing_action": coded(each(scores.matrix("actions", rows)), ALL_ACTIONS),
        "evidence_date": pa.array(dates),
        "evidence_age_days": pa.array((today - dates).astype(np.int64), mask=np.isnat(dates)),
        "risk_type": texts.risk_type.chosen(factor),
    }
    return arrow_rows("score.contribution", context, len(places), columns)


def _evidence(facts: Facts, scores: Scores, rows: slice) -> Iterator[list[NDArray[Any]]]:
    """By factor: the numbers (NaN where not known, and for categories), the codes of the categories, the dates."""
    count = len(scores.card[rows])
    no_number, no_text = np.full(count, np.nan), np.full(count, -1, dtype=np.int32)
    is_text = [rule.values is not None for rule in scores.rules]
    each = list(zip(scores.factors, is_text, strict=True))
    yield [no_number if text else _number(facts, factor.id, rows) for factor, text in each]
    yield [facts.text(factor.id).codes[rows] if text else no_text for factor, text in each]
    yield [facts.dates(factor.evidence)[rows] for factor, _ in each]


def _number(facts: Facts, name: str, rows: slice) -> NDArray[np.float64]:
    vector = facts.numbers(name)
    return np.where(vector.known[rows], vector.values[rows], np.nan)


def _ranks(scores: Scores, rows: slice) -> Ints:
    """Place of each factor among those of the customer, the costliest 1."""
    order = scores.order_of_loss[rows]
    ranks = np.empty(order.shape, dtype=np.int64)
    np.put_along_axis(ranks, order, np.arange(1, order.shape[1] + 1)[None, :], axis=1)
    return ranks


def _doubles(values: NDArray[np.float64]) -> pa.DoubleArray:
    """NaN = NULL."""
    return pa.array(values, mask=np.isnan(values))
