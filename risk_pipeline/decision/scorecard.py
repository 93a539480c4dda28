"""The scorecard: facts of customers -> points, contributions and score, by the rules of the policy.

Put here: binning, special codes, missing and stale evidence, coverage, the score. Keep out: PD and grade (pd.py), tiers
(tiers.py), texts of reasons (reasons.py), the table of contributions (contributions.py). Everything is
computed in whole numbers (points in hundredths x weight) and divided once, so that 74.995 is 75.00 and no order of rows, batches
or factors can change a bit. Formulas: contracts.md section 3.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk_pipeline.errors import RiskError
from risk_pipeline.factors.catalogue import Factor
from risk_pipeline.policy.facts import Bools, Facts, Floats, Ints
from risk_pipeline.policy.model import FactorRule, Policy

HUNDRED = 100  # hundredths of a point
PERFECT = 100 * HUNDRED

# What was done about evidence that is not a fresh value. The first four are the missing policies.
ACTIONS = ("neutral", "reweight", "worst", "block", "special_points", "special_reweight", "stale_decay", "stale_flag")
DROPPED = tuple(f"stale_drop_{action}" for action in ACTIONS[:4])
ALL_ACTIONS = (*ACTIONS, *DROPPED)
ACTION_CODE: Mapping[str, int] = {action: code for code, action in enumerate(ALL_ACTIONS)}


@dataclass(frozen=True)
class FactorScore:
    """One factor over the customers: what it scored and why, on whichever card."""

    points: Ints  # hundredths; 0 where not counted
    counted: Bools  # in the score
    real: Bools  # rests on a real value (covers the card)
    applicable: Bools  # False: a not-applicable code; neither covered nor uncovered
    missing: Bools  # NULL without a code, or dropped as stale
    blocked: Bools  # missing where the policy allows no rating without it
    bins: NDArray[np.int16]  # -1 = none
    codes: NDArray[np.int16]  # special codes, into `code_names`; -1 = none
    code_names: tuple[str, ...]
    actions: NDArray[np.int8]  # into ALL_ACTIONS; -1 = scored as it is
    age_days: Ints
    age_known: Bools


@dataclass(frozen=True)
class Scores:
    """Scores of all customers, each by one scorecard or by none. `factors`: those of the cards in use, in catalogue order.

    Of customers without a card nothing is known and nothing counts.
    """

    factors: tuple[Factor, ...]
    rules: tuple[FactorRule, ...]
    parts: tuple[FactorScore, ...]
    weights: Ints  # scorecards x factors; the last row, of no card, is 0
    on_card: Bools  # scorecards x factors
    card: NDArray[np.int16]  # into policy.scorecards, -1 = none
    score: Ints  # hundredths, rounded half up; 0 where not known
    score_known: Bools
    low_coverage: Bools
    over_reweighted: Bools
    blocked: Bools
    coverage_pct: Floats  # this and the next NaN without a card
    confidence_pct: Floats
    reweight_factor: Floats  # NaN where nothing counted
    counted_weight: Ints

    def __len__(self) -> int:
        return len(self.score)

    def matrix(self, name: str, rows: slice = slice(None)) -> NDArray[Any]:
        """An array of every part side by side, customers x factors."""
        columns = [getattr(part, name)[rows] for part in self.parts]
        return np.stack(columns, axis=1) if columns else np.empty((len(self.score[rows]), 0), dtype=np.int64)

    @cached_property
    def loss(self) -> Ints:
        """(100 - points) x weight in hundredths per customer and factor; 0 where not counted or no score."""
        counts = self.matrix("counted") & self.score_known[:, None]
        return np.where(counts, PERFECT - self.matrix("points"), 0) * self.weights[self.card]

    @cached_property
    def order_of_loss(self) -> NDArray[np.intp]:
        """Factor positions per customer, costliest first; ties in catalogue order."""
        return np.argsort(-self.loss, axis=1, kind="stable")

    def subtotal(self, risk_type: str) -> Floats:
        """The part of the score that comes from factors of this risk type, in points; NaN without a score."""
        total = np.zeros(len(self), dtype=np.int64)
        for weights, factor, part in zip(self.weights.T, self.factors, self.parts, strict=True):
            if factor.risk_type == risk_type:
                total += weights[self.card] * part.points
        divisor = np.where(self.score_known, self.counted_weight * HUNDRED, 1)
        return np.where(self.score_known, total / divisor, np.nan)


def score_cards(facts: Facts, policy: Policy, card: NDArray[np.int16], factors: tuple[Factor, ...], as_of: date) -> Scores:
    """Score every customer with the scorecard at its position in policy.scorecards, -1 = with none.

    `factors`: those of the cards that customers have, in catalogue order.
    """
    cards = [policy.scorecards[name] for name in policy.scorecards]
    weights = np.array([*([each.get(f.id, 0) for f in factors] for each in cards), [0] * len(factors)], dtype=np.int64)
    on_card = np.array([*([f.id in each for f in factors] for each in cards), [False] * len(factors)], dtype=bool)
    rules = tuple(policy.scoring[f.id] for f in factors)
    not_applicable = frozenset(policy.score.not_applicable_codes)
    parts = tuple(score_factor(facts, f, r, as_of, not_applicable) for f, r in zip(factors, rules, strict=True))
    card_weight, counted, covered, weighted = (np.zeros(len(facts), dtype=np.int64) for _ in range(4))
    stretched, fresh = np.zeros(len(facts), dtype=np.int64), np.zeros(len(facts))
    blocked = np.zeros(len(facts), dtype=bool)
    for weight_of, has, part, rule in zip(weights.T, on_card.T, parts, rules, strict=True):
        weight = weight_of[card]
        fresh += weight * _freshness(part, rule)
        card_weight += weight * part.applicable
        counted += weight * part.counted
        covered += weight * part.real
        weighted += weight * part.points
        stretched += weight * (part.applicable | part.counted)
        blocked |= part.blocked & has[card]
    low_coverage = 100.0 * covered < policy.score.min_coverage_pct * card_weight
    low_coverage |= card_weight == 0
    over_reweighted = stretched > policy.score.max_reweight_factor * counted
    known = ~(low_coverage | over_reweighted | blocked) & (counted > 0)
    divisor = np.maximum(counted, 1)
    return Scores(
        factors=factors,
        rules=rules,
        parts=parts,
        weights=weights,
        on_card=on_card,
        card=card,
        score=np.where(known, (2 * weighted + divisor) // (2 * divisor), 0),  # half up, exactly
        score_known=known,
        low_coverage=low_coverage,
        over_reweighted=over_reweighted,
        blocked=blocked,
        coverage_pct=np.where(card >= 0, 100.0 * covered / np.maximum(card_weight, 1), np.nan),
        confidence_pct=np.where(card >= 0, 100.0 * fresh / np.maximum(card_weight, 1), np.nan),
        reweight_factor=np.where(counted > 0, stretched / divisor, np.nan),
        counted_weight=counted,
    )


def columns_read(factors: tuple[Factor, ...]) -> list[str]:
    """The columns of the facts that scoring these factors reads, each once, and the customer."""
    of_factor = ((f.id, f.evidence, *([f"{f.id}_code"] if f.codes else [])) for f in factors)
    return list(dict.fromkeys(["customer_id", *itertools.chain.from_iterable(of_factor)]))


def score_factor(facts: Facts, factor: Factor, rule: FactorRule, as_of: date, not_applicable: frozenset[str]) -> FactorScore:
    """Points of one factor. Order: special code, then stale or missing evidence, then the bins.

    Facts read: the factor's column, `<id>_code` where the factor has codes, and the date of its evidence.
    """
    rows = len(facts)
    places, known = _places(facts, factor, rule)
    codes, code_names = _codes(facts, factor, rule)
    has_code = codes >= 0
    evidence = facts.dates(factor.evidence)
    age_known = ~np.isnat(evidence)
    age = np.where(age_known, (np.datetime64(as_of, "D") - evidence).astype(np.int64), 0)

    value = known & ~has_code
    old = value & age_known & (age > rule.max_age_days) if rule.max_age_days is not None else np.zeros(rows, dtype=bool)
    dropped = old & _too_old(rule, age)
    real = value & ~dropped
    gone = ~has_code & ~real
    bins = np.where(real, places, -1).astype(np.int16)
    by_bin = np.array([*(points * HUNDRED for points in rule.points), 0], dtype=np.int64)  # bin -1 reads the last place
    points = by_bin[bins]
    actions = np.full(rows, -1, dtype=np.int8)

    if rule.stale == "decay":
        points = np.where(old & real, _decayed(points, rule, age), points)
    if rule.stale != "drop":
        actions[old & real] = ACTION_CODE[f"stale_{rule.stale}"]
    missing_points = _missing_points(rule)
    if missing_points is not None:
        points = np.where(gone, missing_points, points)
    actions[gone] = ACTION_CODE[rule.missing.policy]
    actions[gone & dropped] = ACTION_CODE[f"stale_drop_{rule.missing.policy}"]
    counted = real | (gone & (missing_points is not None))

    leaves = np.array([*(c in not_applicable or rule.special[c] == 100 for c in code_names), False])
    by_code = [-1 if rule.special[c] == "reweight" else rule.special[c] for c in code_names]
    special = np.array([*by_code, -1], dtype=np.int64)[codes]
    points = np.where(special >= 0, special * HUNDRED, points)
    counted |= special >= 0
    actions[has_code & (special >= 0)] = ACTION_CODE["special_points"]
    actions[has_code & (special < 0)] = ACTION_CODE["special_reweight"]
    return FactorScore(
        points=np.where(counted, points, 0),
        counted=counted,
        real=real,
        applicable=~leaves[codes],
        missing=gone,
        blocked=gone & (rule.missing.policy == "block"),
        bins=bins,
        codes=codes,
        code_names=code_names,
        actions=actions,
        age_days=age,
        age_known=age_known,
    )


def _places(facts: Facts, factor: Factor, rule: FactorRule) -> tuple[NDArray[Any], Bools]:
    """The bin or category of each customer, by its place in the rule, and where the value is known."""
    if rule.values is None:
        vector = facts.numbers(factor.id)
        return np.searchsorted(rule.edges, vector.values, side="left"), vector.known
    text, named = facts.text(factor.id), rule.categories[:-1]
    place = [named.index(c) if c in named else len(named) for c in text.categories]
    return np.array([*place, -1], dtype=np.int16)[text.codes], text.known


def _codes(facts: Facts, factor: Factor, rule: FactorRule) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    if not factor.codes:
        return np.full(len(facts), -1, dtype=np.int16), ()
    text = facts.text(f"{factor.id}_code")
    unknown = [c for c in text.categories if c not in rule.special]
    if unknown:
        raise RiskError(
            f"factor {factor.id} has the special code {unknown[0]!r}, for which the policy has no rule",
            remedy=f"add it to scoring.{factor.id}.special of the policy, and to the factor catalogue",
        )
    return text.codes.astype(np.int16), text.categories


def _missing_points(rule: FactorRule) -> int | None:
    """Points of a missing value in hundredths; None = it does not count."""
    if rule.missing.policy == "neutral" and rule.missing.points is not None:
        return rule.missing.points * HUNDRED
    return min(rule.points) * HUNDRED if rule.missing.policy == "worst" else None


def _too_old(rule: FactorRule, age: Ints) -> Bools:
    """Among old values: those that count as missing. Decay ends at twice the maximum age."""
    if rule.stale == "drop":
        return np.ones(len(age), dtype=bool)
    if rule.stale == "decay" and rule.max_age_days is not None:
        return age >= 2 * rule.max_age_days
    return np.zeros(len(age), dtype=bool)


def _decayed(points: Ints, rule: FactorRule, age: Ints) -> Ints:
    """Straight line from the value's points at max_age_days to the missing points at twice that, to the hundredth, half up.

    Without missing points (reweight, block) there is nothing to move to: the points stay until the value is dropped.
    """
    target = _missing_points(rule)
    if target is None or rule.max_age_days is None:
        return points
    span = rule.max_age_days
    past = np.clip(age - span, 0, span)
    return points + (2 * (target - points) * past + span) // (2 * span)


def _freshness(part: FactorScore, rule: FactorRule) -> Floats:
    """How much of a real value still speaks of today: 1 up to max_age_days, then falling to 0 at twice that; undated = 1."""
    if rule.max_age_days is None:
        return part.real.astype(np.float64)
    past = np.clip(part.age_days - rule.max_age_days, 0, rule.max_age_days)
    return np.where(part.real, 1.0 - past / rule.max_age_days, 0.0)


def bin_labels(rule: FactorRule) -> list[str]:
    """The bins as people read them: `<= 0`, `(0, 5]`, `> 5`; `all` for a single open bin; categories by their names."""
    if rule.values is not None:
        return rule.categories
    edges = rule.edges
    if not edges:
        return ["all"]
    inner = [f"({low:g}, {high:g}]" for low, high in itertools.pairwise(edges)]
    return [f"<= {edges[0]:g}", *inner, f"> {edges[-1]:g}"]
