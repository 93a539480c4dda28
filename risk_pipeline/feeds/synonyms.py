"""The synonym table (synonyms.yaml): by which names, words and codes systems export what the contracts call otherwise.

Put here: reading the table, and comparing names by it. Keep out: the names themselves (the YAML) and what is concluded from a
match (infer).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_BRACKETS = re.compile(r"[(\[【（].*?[)\]】）]")
_NOISE = re.compile(r"[^\w]|_")
_MIN_PART = {True: 5, False: 2}  # letters of a name inside a longer one: Latin, Chinese


def folded(name: str) -> str:
    """The name without case, width, blanks, punctuation and parts in brackets."""
    plain = unicodedata.normalize("NFKC", name)
    return _NOISE.sub("", _BRACKETS.sub("", plain)).casefold() or _NOISE.sub("", plain).casefold()


def is_chinese(text: str) -> bool:
    """Does it hold a Chinese character?"""
    return any("\u4e00" <= each <= "\u9fff" for each in text)


@dataclass(frozen=True)
class Synonyms:
    """The table. `names`: feed (or `any`, `_helpers`) -> column -> folded names, best first."""

    names: Mapping[str, Mapping[str, tuple[str, ...]]]
    values: Mapping[str, Mapping[str, str]]
    signs: tuple[tuple[str, str], ...]
    flags: tuple[tuple[str, str], ...]
    split: Mapping[str, frozenset[str]]
    files: Mapping[str, tuple[str, ...]]
    totals: frozenset[str]
    paid_names: frozenset[str]
    nulls: tuple[str, ...]
    null_dates: tuple[str, ...]
    currency_words: Mapping[str, str]
    scales: Mapping[str, int]

    def of(self, feed: str, column: str) -> tuple[str, ...]:
        """Folded names of a column in a feed, best first: the canonical name, the feed's own, those of any feed."""
        listed = (folded(column), *self.names.get(feed, {}).get(column, ()), *self.names["any"].get(column, ()))
        return tuple(dict.fromkeys(listed))

    def is_own(self, feed: str, column: str) -> bool:
        """Is the column peculiar to the feed, not one that means the same in every feed?"""
        return column not in self.names["any"]

    def helper(self, name: str) -> tuple[str, ...]:
        """Folded names of a helper column (`_year`, `_sign`, ...)."""
        return self.names["_helpers"][name]

    def known(self, header: Iterable[str]) -> list[str]:
        """The names of a header that stand in the table, whatever they mean."""
        return [name for name in header if folded(name) in self._every]

    @property
    def _every(self) -> frozenset[str]:
        return _every_name()


def rank(name: str, names: tuple[str, ...]) -> int | None:
    """Place of a source column's name among folded synonyms; None when it is none of them."""
    key = folded(name)
    return names.index(key) if key in names else None


def part_of(name: str, names: tuple[str, ...]) -> str | None:
    """The longest synonym that a longer name contains; None when there is none of some length."""
    key = folded(name)
    inside = [each for each in names if each in key and len(each) >= _MIN_PART[each.isascii()]]
    return max(inside, key=len, default=None)


@cache
def synonyms() -> Synonyms:
    """The table, read once."""
    text = files("risk_pipeline.feeds").joinpath("synonyms.yaml").read_text(encoding="utf-8")
    raw: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)
    lists = (
        "files",
        "values",
        "signs",
        "flags",
        "split",
        "totals",
        "paid_names",
        "nulls",
        "null_dates",
        "currency_words",
        "scales",
    )
    return Synonyms(
        names={
            feed: {name: tuple(_folded_once(listed)) for name, listed in of.items()}
            for feed, of in raw.items()
            if feed not in lists
        },
        values={
            name: {word.casefold(): value for value, words in of.items() for word in (value, *words)}
            for name, of in raw["values"].items()
        },
        signs=tuple((plus, minus) for plus, minus in raw["signs"]),
        flags=tuple((yes, no) for yes, no in raw["flags"]),
        split={feed: frozenset(word.casefold() for word in words) for feed, words in raw["split"].items()},
        files={feed: tuple(map(folded, words)) for feed, words in raw["files"].items()},
        totals=frozenset(raw["totals"]),
        paid_names=frozenset(map(folded, raw["paid_names"])),
        nulls=tuple(raw["nulls"]),
        null_dates=tuple(raw["null_dates"]),
        currency_words={word.casefold(): code for word, code in raw["currency_words"].items()},
        scales={word.casefold(): int(factor) for word, factor in raw["scales"].items()},
    )


def declared() -> Iterator[tuple[str, str]]:
    """(feed, column) of every list of names in the table, for checking it against the contracts."""
    return ((feed, column) for feed, of in synonyms().names.items() if not feed.startswith("_") for column in of)


def bracketed(name: str) -> list[str]:
    """What a name says in brackets or after its last separator: units, currencies, `金额(万元)`, `Amount EUR`."""
    plain = unicodedata.normalize("NFKC", name)
    inside = re.findall(r"[(\[【](.*?)[)\]】]", plain)
    words = re.split(r"[\s_,/()\[\]【】.-]+|(?<=[a-z])(?=[A-Z]{2,})", plain)
    return [each.strip().casefold() for each in (*inside, *words[1:]) if each.strip()]


def _folded_once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(folded, names)))


@cache
def _every_name() -> frozenset[str]:
    table = synonyms()
    return frozenset(name for of in table.names.values() for listed in of.values() for name in listed)
