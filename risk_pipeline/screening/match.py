"""How like two names are: words of one aligned with words of the other, rare words counting more.

Put here: the likeness of two readings, and how much a word weighs. Keep out: normalisation (names.py), which pairs are worth
comparing (index.py), and what else is known of both parties (evidence.py).

The measure follows SoftTFIDF (Cohen, Ravikumar, Fienberg 2003, "A comparison of string distance metrics for name-matching
tasks"): a word counts by its rarity and by how like its partner is. Its numbers were chosen by measuring: docs/decisions/0009.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from risk_pipeline.screening.names import BARE, Name, is_common
from risk_pipeline.screening.sounds import sound

WORD_ALIKE = 0.75  # words less alike than this are two words
JOINED_ALIKE = 0.88  # names without their blanks less alike than this are no match by their letters alone
SOUNDS_ALIKE = 0.97  # what a word written otherwise for the same sound is worth
COMMON_WEIGHT = 0.25  # most that a common word of company names weighs, of the weight of an unknown word
LETTER_WEIGHT = 0.4  # an initial, likewise
EXTRA_WEIGHT = 0.7  # a customer's word that the listed name lacks counts less against the match than the other way round


class Weights:
    """What a word weighs: by how many of the listed names have it. A word no listed name has weighs most."""

    def __init__(self, names: Iterable[Name]) -> None:
        counted: Counter[str] = Counter()
        total = 0
        for name in names:
            counted.update(set(name.words))
            total += 1
        self._most = math.log(2 + total)
        self._weight = {word: self._limited(word, math.log((2 + total) / (1 + n))) for word, n in counted.items()}

    def __call__(self, word: str) -> float:
        found = self._weight.get(word)
        return self._limited(word, self._most) if found is None else found

    def _limited(self, word: str, weight: float) -> float:
        if len(word) == 1:
            return LETTER_WEIGHT * weight
        return min(weight, COMMON_WEIGHT * self._most) if is_common(word) else weight


def likeness(query: Name, listed: Name, weights: Weights) -> float:
    """From 0 (nothing in common) to 1 (the same words, in any order). `query` is the customer's name."""
    if query.han and listed.han:
        # The characters decide, for many have the same sound.
        return 1.0 - DamerauLevenshtein.normalized_distance(query.han, listed.han)
    aligned = _aligned(query.words, listed.words, weights)
    return aligned if aligned >= 1.0 else max(aligned, _of_letters(query, listed))


def _of_letters(query: Name, listed: Name) -> float:
    """Names whose blanks stand elsewhere: `AERO CARIBBEAN`, `AEROCARIBBEAN`."""
    a, b = query.joined, listed.joined
    if len(query.words) == len(listed.words) == 1 or _digits(a) != _digits(b):
        return 0.0
    alike = DamerauLevenshtein.normalized_similarity(a, b, score_cutoff=JOINED_ALIKE)
    return float(alike)


def _aligned(query: tuple[str, ...], listed: tuple[str, ...], weights: Weights) -> float:
    """Each word with at most one partner, the most alike first, and among equals those in the same place."""
    mine, its = [weights(word) for word in query], [weights(word) for word in listed]
    pairs = sorted(
        (-alike, abs(i - j), i, j)
        for i, word in enumerate(query)
        for j, other in enumerate(listed)
        if (alike := word_likeness(word, other))
    )
    left, right = dict(enumerate(mine)), dict(enumerate(its))
    shared = total = 0.0
    for unlike, _, i, j in pairs:
        if i in left and j in right:
            weight = left.pop(i) + right.pop(j)
            shared -= unlike * weight
            total += weight
    total += EXTRA_WEIGHT * sum(left.values()) + sum(right.values())
    return shared / total if total else 0.0


@lru_cache(maxsize=200_000)
def word_likeness(word: str, other: str) -> float:
    """1 for equal words, 0 for two words. Numbers are equal or different; a word of two letters needs the same sound."""
    if word == other:
        return 1.0
    shorter = min(len(word), len(other))
    if shorter < 2 or word[0] == BARE or other[0] == BARE or _digits(word) or _digits(other):
        return 0.0
    one, two = sound(word), sound(other)
    if shorter == 2:
        return SOUNDS_ALIKE if one == two else 0.0
    alike = max(_letters_alike(word, other), SOUNDS_ALIKE * _letters_alike(one, two))
    return alike if alike >= WORD_ALIKE else 0.0


def _letters_alike(word: str, other: str) -> float:
    """Between two measures: Jaro-Winkler forgives too much in long words, the edit distance in none."""
    return (JaroWinkler.similarity(word, other) + DamerauLevenshtein.normalized_similarity(word, other)) / 2


def _digits(text: str) -> str:
    return "" if text.isalpha() else "".join(letter for letter in text if letter.isdigit())
