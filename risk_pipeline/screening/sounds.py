"""Words by their sound: what different ways of writing one name in Latin letters, or in Arabic ones, have in common.

Put here: folding letters. Keep out: what a name is made of (names.py) and how like two words are (match.py).
"""

from __future__ import annotations

import re
from functools import lru_cache

# Ways to write one sound in Latin letters: what transliterations of Cyrillic, Arabic and Spanish or French spelling differ in.
_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("kh", "h"), ("gh", "g"), ("ph", "f"), ("ck", "k"), ("sch", "sh"), ("tch", "ch"), ("dzh", "j"), ("zh", "j"), ("q", "k"),
        ("x", "ks"), ("c(?=[eiy])", "s"), ("c(?!h)", "k"), ("w", "v"), ("ts", "s"), ("dh", "d"), ("th", "t"), ("oo|ou", "u"),
        ("ee", "i"), ("[yj]", "i"), (r"(.)\1+", r"\1"), ("e", "i"), ("o", "u"),
    )
]  # fmt: skip
_TWICE = re.compile(r"(.)\1+")
_ARTICLES = frozenset("al el ul il as ash ad ar at az an".split())


@lru_cache(maxsize=200_000)
def sound(word: str) -> str:
    """The word with one way of writing for each sound; the Arabic article has several."""
    if word in ("el", "ul", "il"):
        return "al"
    for pattern, written in _SOUNDS:
        word = pattern.sub(written, word)
    return word


def consonants(word: str) -> str:
    """What Arabic letters write of a word: no vowels, no article, one letter for sounds that Latin spellings mix up."""
    if word in _ARTICLES:
        return ""
    bare = _TWICE.sub(r"\1", re.sub("[aiuv]", "", sound(word)).replace("z", "d"))
    return bare.removesuffix("h") if len(bare) > 2 else bare
