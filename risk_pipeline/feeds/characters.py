"""Characters that stand for other characters: blanks nobody sees, full-width forms, the many minus signs.

Put here: which characters these are. Keep out: where they are looked for (convert_*, records).
"""

from __future__ import annotations

# Control characters (Ctrl-Z ends DOS files, and often their last cell), blanks of every width, marks without width.
_CONTROLS = "".join(map(chr, [*range(0x01, 0x20), 0x7F, 0x85]))
_LINE_ENDS = "\u2028\u2029"
_SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_WITHOUT_WIDTH = "\u200b\u200e\u200f\u2060\ufeff"
BLANKS = _CONTROLS + _LINE_ENDS + _SPACES + _WITHOUT_WIDTH
# Those that plain trim of DuckDB leaves, which takes blanks of every width (tests/unit/test_convert_text.py).
UNTRIMMED = _CONTROLS + _LINE_ENDS + _WITHOUT_WIDTH

# ASCII in the width of Chinese characters, as input methods write it.
_FULL_WIDTH = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)} | {"\u3000": " "}
# In numbers and dates only: a hyphen, a minus and a dash all mean minus, and any space may part the thousands.
_IN_NUMBERS = (
    _FULL_WIDTH
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63", "-")
    | dict.fromkeys("\u00a0\u2007\u2009\u202f", " ")
    | {"\u2019": "'", "\ufe6a": "%"}
)
# Pairs for SQL's translate: each character of the first text becomes the one at its place in the second.
HALF_WIDTH = ("".join(_FULL_WIDTH), "".join(_FULL_WIDTH.values()))
PLAIN_NUMBER = ("".join(_IN_NUMBERS), "".join(_IN_NUMBERS.values()))

# What systems and people write for "nothing". No company gives a document or a customer such a number.
NULL_WORDS = (
    "NULL",
    "Null",
    "null",
    "(null)",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "None",
    "none",
    "-0-",
    "-",
    "--",
    "\\N",
    "?",
    "/",
    "无",
    "空",
)


def as_in_numbers(text: str) -> str:
    """The text with the characters of numbers and dates in their ASCII form."""
    return text.translate(str.maketrans(*PLAIN_NUMBER))
