"""Names made comparable: one script, no legal forms, no punctuation, as a tuple of words.

Put here: normalisation. Keep out: comparing (match.py). The forms and words are data (legal_forms.yaml). A name has several
readings where a script allows them: Chinese by sound, and with its business words translated; Arabic, which writes no short
vowels, by its consonants, to which a listed name in Latin letters is brought too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import yaml
from anyascii import anyascii

from risk_pipeline.screening.sounds import consonants

BARE = "~"  # before a word of consonants only: it has a partner only in such a word
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_ARABIC = re.compile(r"[\u0621-\u064a\u0671-\u06d3]+")
_HYPHEN = re.compile(r"(?<=\w\w)[-\u2010\u2011](?=\w\w)")
_INITIALS = re.compile(r"\b(?:\w\.\s?){1,5}\w\b\.?")
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class Name:
    """One reading of a name. `han`: its Chinese characters without legal forms, empty for other scripts."""

    words: tuple[str, ...]
    han: str = ""

    @property
    def joined(self) -> str:
        return "".join(self.words).replace(BARE, "")


@lru_cache(maxsize=100_000)
def read_name(text: str) -> tuple[Name, ...]:
    """The readings of a name as it is written; none when nothing comparable is left, as of a name of punctuation only."""
    text = unicodedata.normalize("NFKC", text)
    han = _without_han_forms(_HAN.findall(text))
    readings = [_words(_HAN.sub(_spelled, text))]
    if _HYPHEN.search(text):  # Quan-guo is Quanguo as well
        readings.append(_words(_HYPHEN.sub("", _HAN.sub(_spelled, text))))
    if han:
        readings = [_words(_HAN.sub(lambda found: _spelled(found, forms=True), text)), _words(_HAN.sub(_translated, text))]
    if _ARABIC.search(text):
        readings.append(_bare(_words(_ARABIC.sub(lambda found: found[0].removeprefix("ال"), text))))
    kept = [words for words in dict.fromkeys(readings) if words]
    return tuple(Name(words, han) for words in kept)


@lru_cache(maxsize=100_000)
def read_listed(text: str) -> tuple[Name, ...]:
    """The readings of a listed name: those of any name, and by its consonants."""
    readings = read_name(text)
    bare = _bare(readings[0].words) if readings and not readings[0].han else ()
    return tuple(dict.fromkeys([*readings, *([Name(bare)] if bare else [])]))


def read_names(texts: Iterable[str]) -> tuple[Name, ...]:
    """The readings of several listed names, each once."""
    return tuple(dict.fromkeys(name for text in texts for name in read_listed(text)))


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words by their consonants; none when too few are left to tell a name."""
    kept = [bare for word in words if (bare := consonants(word))]
    return tuple(BARE + word for word in kept) if len(kept) > 1 and len("".join(kept)) > 4 else ()


def _words(text: str) -> tuple[str, ...]:
    plain = anyascii(text).lower().replace("&", " and ")
    plain = re.sub(r"['`’]", "", plain)
    plain = _INITIALS.sub(lambda found: re.sub(r"[.\s]", "", found[0]), plain)
    short_forms = _data().short_forms
    return _without_forms(tuple(short_forms.get(word, word) for word in _WORD.findall(plain)))


def _spelled(found: re.Match[str], forms: bool = False) -> str:
    """Chinese characters by sound, one word each."""
    text = _without_han_forms([found[0]]) if forms else found[0]
    return f" {' '.join(anyascii(character) for character in text)} "


def _translated(found: re.Match[str]) -> str:
    """Chinese with its business words in English; what stands between them by sound, as one word: it is a name."""
    text = _without_han_forms([found[0]])
    words = _data().han_words
    pieces = re.split(f"({'|'.join(sorted(words, key=len, reverse=True))})", text)
    return f" {' '.join(words.get(piece) or anyascii(piece).lower() for piece in pieces if piece)} "


def _without_han_forms(runs: Sequence[str]) -> str:
    forms = _data().han
    text = "".join(run for run in runs if run not in forms)
    for form in forms:
        bare = text.removesuffix(form).removeprefix(form)
        if bare and bare != text:
            return bare
    return text


def _without_forms(words: tuple[str, ...]) -> tuple[str, ...]:
    """Legal forms taken out, the longest first and again and again, but never the whole name."""
    shorter: tuple[str, ...] | None = words
    while shorter is not None:
        words, shorter = shorter, _one_form_less(shorter)
    return words


def _one_form_less(words: tuple[str, ...]) -> tuple[str, ...] | None:
    data = _data()
    for length in range(min(data.longest, len(words) - 1), 0, -1):
        if words[-length:] in data.trailing:
            return words[:-length]
        if words[:length] in data.leading:
            return words[length:]
        for at in range(len(words) - length + 1):
            if words[at : at + length] in data.anywhere:
                return words[:at] + words[at + length :]
    return None


def is_common(word: str) -> bool:
    """A word so common in names of companies that it hardly tells one from another."""
    return word in _data().common


@dataclass(frozen=True)
class _Data:
    anywhere: frozenset[tuple[str, ...]]
    trailing: frozenset[tuple[str, ...]]
    leading: frozenset[tuple[str, ...]]
    longest: int
    han: tuple[str, ...]
    han_words: dict[str, str]
    common: frozenset[str]
    short_forms: dict[str, str]


@cache
def _data() -> _Data:
    text = resources.files("risk_pipeline.screening").joinpath("legal_forms.yaml").read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    anywhere, trailing, leading = (_forms(raw[key]) for key in ("anywhere", "trailing", "leading"))
    longest = max(len(form) for form in anywhere | trailing | leading)
    common = frozenset(word for (word,) in _forms(raw["common"]))
    return _Data(anywhere, trailing, leading, longest, tuple(raw["han"]), raw["han_words"], common, raw["short_forms"])


def _forms(lines: Sequence[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(form.split()) for line in lines for form in line.split(", "))
