"""Searching parties against a list: candidates, likeness of names, and what else supports or weakens a hit.

Put here: the two kinds of record that are compared, and hits with their evidence. Keep out: where the records come from and
what becomes of a hit (pipeline.screening), normalisation (names.py), likeness (match.py).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from risk_pipeline.screening.index import TrigramIndex
from risk_pipeline.screening.match import Weights, likeness
from risk_pipeline.screening.names import Name, read_listed, read_name

Evidence = Literal["same", "differs", "unknown"]

SAME_COUNTRY, OTHER_COUNTRY, OTHER_KIND = 0.02, -0.03, -0.05
SAME_NUMBER = 1.0
_IDENTIFIER = re.compile(r"[A-Z0-9]{6,}")


@dataclass(frozen=True)
class Party:
    """A customer as far as it is compared. `is_person`: None when the master data does not say."""

    party_id: str
    name: str
    countries: tuple[str, ...] = ()
    is_person: bool | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """An entry of a list. `names`: the primary name first. `is_person`: None when the list does not say. `listed_on`: ISO date,
    empty where it does not matter.
    """

    entity_id: str
    names: tuple[str, ...]
    country: str | None = None
    is_person: bool | None = None
    identifiers: str = ""
    programme: str = ""
    listed_on: str = ""


@dataclass(frozen=True)
class Hit:
    """A customer that may be an entry of the list. `score`: 0 to 1; `name_score` is that of the names alone."""

    party_id: str
    entity_id: str
    score: float
    name_score: float
    matched_name: str
    method: Literal["name", "number"]
    country: Evidence
    kind: Evidence
    number: Evidence


class Searcher:
    """A list made ready. `search` may be called with any number of parties; the order of hits is that of the parties."""

    def __init__(self, entries: Sequence[Listed]) -> None:
        self._entries = tuple(entries)
        readings: dict[Name, list[tuple[int, str]]] = defaultdict(list)
        for place, entry in enumerate(self._entries):
            for text in entry.names:
                for name in read_listed(text):
                    readings[name].append((place, text))
        self._names = list(readings)
        self._owners = list(readings.values())
        self._weights = Weights(self._names)
        self._index = TrigramIndex(self._names) if self._names else None
        self._by_number: dict[str, list[int]] = defaultdict(list)
        for place, entry in enumerate(self._entries):
            for number in _numbers(entry.identifiers):
                self._by_number[number].append(place)

    def search(self, parties: Sequence[Party], threshold: float) -> list[Hit]:
        """Every entry whose score for a party is at least `threshold`, best first for each party."""
        best: dict[tuple[int, int], tuple[float, str]] = {}
        for asked, place, score, text in self._alike(parties, threshold - SAME_COUNTRY):
            if score > best.get((asked, place), (0.0, ""))[0]:
                best[asked, place] = score, text
        for asked, party in enumerate(parties):
            for place in {place for given in party.numbers for place in self._by_number.get(_plain(given), ())}:
                best.setdefault((asked, place), (0.0, self._entries[place].names[0]))
        hits = [self._hit(parties[asked], self._entries[place], *found) for (asked, place), found in best.items()]
        order = {party.party_id: number for number, party in enumerate(parties)}
        kept = [hit for hit in hits if hit.score >= threshold]
        return sorted(kept, key=lambda hit: (order[hit.party_id], -hit.score, hit.entity_id))

    def _alike(self, parties: Sequence[Party], at_least: float) -> Iterator[tuple[int, int, float, str]]:
        """(place of the party, of the entry, likeness, listed name) of names that are alike enough."""
        if self._index is None:
            return
        queries: dict[Name, list[int]] = defaultdict(list)
        for number, party in enumerate(parties):
            for name in read_name(party.name):
                queries[name].append(number)
        names = list(queries)
        for left, right in self._index.candidates(names):
            for mine, its in zip(left.tolist(), right.tolist(), strict=True):
                alike = likeness(names[mine], self._names[its], self._weights)
                if alike >= at_least:
                    for asked in queries[names[mine]]:
                        for place, text in self._owners[its]:
                            yield asked, place, alike, text

    def _hit(self, party: Party, entry: Listed, name_score: float, text: str) -> Hit:
        listed_numbers = _numbers(entry.identifiers)
        country = _compare(set(party.countries), {entry.country} if entry.country else set())
        kind = _compare(_known(party.is_person), _known(entry.is_person))
        number = _compare({_plain(each) for each in party.numbers} - {""}, listed_numbers)
        score = name_score
        if country == "same":
            score += SAME_COUNTRY
        elif country == "differs":
            score += OTHER_COUNTRY
        if kind == "differs":
            score += OTHER_KIND
        if number == "same":
            score = SAME_NUMBER
        return Hit(
            party_id=party.party_id,
            entity_id=entry.entity_id,
            score=round(min(max(score, 0.0), 1.0), 4),
            name_score=round(name_score, 4),
            matched_name=text,
            method="number" if number == "same" else "name",
            country=country,
            kind=kind,
            # Another number says nothing: a party has many, and a list holds few of them.
            number="same" if number == "same" else "unknown",
        )


def _known(is_person: bool | None) -> set[str]:
    return set() if is_person is None else {"person" if is_person else "company"}


def _compare(mine: set[str], its: set[str]) -> Evidence:
    if not mine or not its:
        return "unknown"
    return "same" if mine & its else "differs"


def _numbers(identifiers: str) -> set[str]:
    """The numbers among identifiers as text: six letters and digits or more, with a digit, blanks and strokes closed up."""
    texts = re.sub(r"(?<=[A-Za-z0-9])[-./ ](?=[0-9])", "", identifiers.upper())
    return {found for found in _IDENTIFIER.findall(texts) if sum(letter.isdigit() for letter in found) >= 5}


def _plain(number: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", number.upper())
