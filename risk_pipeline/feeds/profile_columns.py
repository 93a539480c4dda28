"""What the cells of one source column look like: dates and their order, numbers and their marks, codes, nulls, uniqueness.

Put here: evidence from content alone, counted over distinct values. Keep out: names of columns (synonyms) and what a column is
taken for (infer). Nothing is decided here that the values do not show: an order of day and month that no value proves stays open.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property, partial

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.feeds.countries import ALPHA_2, BY_ALPHA_3, BY_NAME, BY_NUMERIC
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.synonyms import synonyms

FIT = 0.95  # a column is of a kind when so many of its values are
STRAY = 0.01  # values against the order of the others that may be typing errors
Values = Mapping[str, int]
Parts = tuple[str, str, str]  # of a date, in the order they stand
Shape = tuple[str, str, str, str, str]  # kind, two separators, end, format of the time

ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}
_PART = {"d": "%d", "m": "%m", "y": "%Y"}


@dataclass(frozen=True)
class DateGuess:
    """`format` None: undecided, `open_orders` says between which. `evidence`: a sentence. `strays`: values that do not fit.
    `proofs`: values that fit no other order of day and month; 0 where there is no other.
    """

    format: str | None
    evidence: str
    open_orders: Mapping[str, str] = field(default_factory=dict)
    strays: int = 0
    two_digit_year: bool = False
    proofs: int = 0


@dataclass(frozen=True)
class NumberGuess:
    """`decimal` None: undecided between point and comma."""

    decimal: str | None
    thousands: str | None
    evidence: str
    beyond_cents: int = 0
    negatives: int = 0
    parentheses: bool = False
    percent: bool = False


@dataclass(frozen=True)
class Profile:
    """One source column. `values`: each distinct trimmed cell that is no null, with its count; `nulls`: markers found."""

    name: str
    rows: int
    values: Values
    nulls: Values

    @property
    def filled(self) -> int:
        return sum(self.values.values())

    @property
    def is_unique(self) -> bool:
        return bool(self.values) and self.filled == len(self.values)

    @property
    def examples(self) -> list[str]:
        return list(self.values)[:3]

    @cached_property
    def dates(self) -> DateGuess | None:
        return guess_dates(self.values)

    @cached_property
    def numbers(self) -> NumberGuess | None:
        return guess_numbers(self.values)

    @cached_property
    def has_wide(self) -> bool:
        """Are there full-width letters or digits?"""
        return any("\uff01" <= each <= "\uff5e" for value in self.values for each in value)

    def share(self, fits: Callable[[str], object]) -> float:
        """Part of the filled cells for which `fits` holds."""
        return sum(count for value, count in self.values.items() if fits(value)) / self.filled if self.values else 0.0

    @cached_property
    def is_currency(self) -> bool:
        return self.share(lambda value: value in CURRENCIES) >= FIT

    @cached_property
    def is_float_id(self) -> bool:
        """Whole numbers that went through a spreadsheet: 2960623488.0, 2.960623488E9."""
        return self.share(lambda value: re.fullmatch(r"\d+\.0+|\d(\.\d+)?[Ee]\+?\d+", value)) >= 1 - STRAY

    @cached_property
    def is_padded(self) -> bool:
        """Digits of one length, some with leading zeros."""
        lengths = {len(value) for value in self.values}
        return len(lengths) == 1 and self.share(str.isdigit) == 1 and any(value.startswith("0") for value in self.values)

    @cached_property
    def may_be_serial(self) -> bool:
        """Whole numbers in the range of Excel dates from 1954 to 2064."""
        return self.share(lambda value: re.fullmatch(r"[2-5]\d{4}", value)) >= FIT

    @cached_property
    def may_be_epoch(self) -> str | None:
        """epoch_ms or epoch_s when the numbers are of that size."""
        for form, pattern in (("epoch_ms", r"[0-2]?\d{12}"), ("epoch_s", r"[1-2]\d{9}")):
            if self.share(lambda value, pattern=pattern: re.fullmatch(pattern, value)) >= FIT:  # type: ignore[misc]
                return form
        return None

    def flags(self) -> dict[str, str] | None:
        """Lookup to true and false when the values are a pair the table knows, or one mark beside empty cells."""
        found = {value.upper() for value in self.values}
        if not found:
            return None
        for yes, no in synonyms().flags:
            if found <= {yes, no} and yes in found:
                return {value: "true" if value.upper() == yes else "false" for value in self.values}
        if found == {"X"} and self.filled < self.rows:
            return {**dict.fromkeys(self.values, "true"), "": "false"}
        return None

    def countries(self) -> tuple[str, dict[str, str], list[str]]:
        """(what the values are, lookup to alpha-2, empty when they are; values that are none). What: alpha-2, alpha-3,
        numeric, names, or empty.
        """
        kinds: list[tuple[str, Callable[[str], str | None]]] = [
            ("alpha-2", lambda value: value if value in ALPHA_2 else None),
            ("alpha-3", lambda value: BY_ALPHA_3.get(value.upper())),
            ("numeric", lambda value: BY_NUMERIC.get(value.zfill(3)) if value.isdigit() else None),
            ("names", lambda value: BY_NAME.get(value.casefold()) or (value.upper() if value.upper() in ALPHA_2 else None)),
        ]
        best: tuple[str, dict[str, str], list[str]] = ("", {}, list(self.values))
        for kind, code in kinds:
            lookup = {value: found for value in self.values if (found := code(value))}
            missing = [value for value in self.values if value not in lookup]
            if len(missing) < len(best[2]):
                best = (kind, {} if kind == "alpha-2" else lookup, missing)
        return best


def profile(name: str, cells: pa.ChunkedArray | pa.Array) -> Profile:
    """The profile of a column of text cells. A null marker counts as one only where the other values are dates, numbers or
    codes, or where it is written like a program's (`NULL`, `N/A`); empty cells always.
    """
    counted = pc.value_counts(pc.utf8_trim_whitespace(cells.cast(pa.string()).fill_null("")))
    values = Counter({each["values"]: each["counts"] for each in counted.to_pylist()})
    table = synonyms()
    nulls = {"": values.pop("")} if "" in values else {}
    known = [each for each in (*table.nulls, *table.null_dates) if each in values]
    rest = {value: count for value, count in values.items() if value not in known}
    if known:
        is_date = bool(rest) and guess_dates(rest) is not None
        is_text = not is_date and (not rest or guess_numbers(rest) is None)
        nulls.update({marker: values.pop(marker) for marker in known if _is_null(marker, is_text, is_date)})
    return Profile(name, len(cells), dict(values), nulls)


def _is_null(marker: str, is_text: bool, is_date: bool) -> bool:
    table = synonyms()
    if marker in table.null_dates:
        return is_date
    return not is_text or len(marker) > 3 or marker in ("N/A", "n/a", "-0-", "\\N")


# Dates

_SHAPES = (
    (re.compile(r"(\d{4})([-/.年])(\d{1,2})([-/.月])(\d{1,2})(日?)(.*)"), "ymd"),
    (re.compile(r"(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{4})()(.*)"), "xxy"),
    (re.compile(r"(\d{1,2})([-/.])(\d{1,2})([-/.])(\d{2})()(.*)"), "xxx"),
)
_NAMED = (
    (re.compile(r"\d{1,2}([- ])[A-Za-z]{3}[- ]\d{4}"), "%d{0}%b{0}%Y"),
    (re.compile(r"\d{1,2}([- ])[A-Za-z]{4,}[- ]\d{4}"), "%d{0}%B{0}%Y"),
    (re.compile(r"[A-Za-z]{3}( )\d{1,2}, \d{4}"), "%b %d, %Y"),
    (re.compile(r"[A-Za-z]{4,}( )\d{1,2}, \d{4}"), "%B %d, %Y"),
)
_TIMES = (
    (re.compile(r""), ""),
    (re.compile(r"([ T])\d{1,2}:\d\d"), "{0}%H:%M"),
    (re.compile(r"([ T])\d{1,2}:\d\d:\d\d"), "{0}%H:%M:%S"),
    (re.compile(r"([ T])\d{1,2}:\d\d:\d\d\.\d{3}"), "{0}%H:%M:%S.%g"),
    (re.compile(r"([ T])\d{1,2}:\d\d:\d\d\.\d{6}"), "{0}%H:%M:%S.%f"),
)


def guess_dates(values: Values) -> DateGuess | None:
    """The date format of a column; None when its values are no dates. Full-width digits count as their plain ones."""
    plain = Counter[str]()
    for value, count in values.items():
        plain[unicodedata.normalize("NFKC", value) if not value.isascii() else value] += count
    filled = sum(plain.values())
    if not filled:
        return None
    compact = sum(
        count for value, count in plain.items() if re.fullmatch(r"\d{8}", value) and _is_day(value[:4], value[4:6], value[6:])
    )
    if compact >= FIT * filled:
        return DateGuess(
            "%Y%m%d",
            f"all {filled:,} values are eight digits of a date"
            if compact == filled
            else f"{compact:,} of {filled:,} values are eight digits of a date",
            strays=filled - compact,
        )
    for pattern, form in _NAMED:
        hits = {value: count for value, count in plain.items() if pattern.fullmatch(value)}
        if sum(hits.values()) >= FIT * filled:
            found = pattern.fullmatch(next(iter(hits)))
            return DateGuess(
                form.format(found[1] if found else ""),
                f"{sum(hits.values()):,} of {filled:,} values name the month",
                strays=filled - sum(hits.values()),
            )
    return _numeric_dates(plain, filled)


def _numeric_dates(values: Values, filled: int) -> DateGuess | None:
    found: dict[Shape, Counter[Parts]] = {}
    for value, count in values.items():
        split = _split(value)
        if split is not None:
            found.setdefault(split[0], Counter())[split[1]] += count
    if not found:
        return None
    shape, numbers = max(found.items(), key=lambda each: sum(each[1].values()))
    return _ordered(shape, numbers, filled) if sum(numbers.values()) >= FIT * filled else None


def _split(value: str) -> tuple[Shape, Parts] | None:
    """((shape, separators, end, time format), parts) of one value; None when it is no date."""
    for pattern, shape in _SHAPES:
        found = pattern.fullmatch(value)
        if found is None:
            continue
        first, one, second, two, third, end, rest = found.groups()
        for time, form in _TIMES:
            at = time.fullmatch(rest)
            if at is not None:
                return (shape, one, two, end, form.format(at[1] if at.groups() else "")), (first, second, third)
    return None


def _ordered(shape: Shape, numbers: Mapping[Parts, int], filled: int) -> DateGuess | None:
    """Day first or month first: what the values prove, with the counts."""
    kind, one, two, end, time = shape
    orders = {"ymd": ("ymd",), "xxy": ("dmy", "mdy"), "xxx": ("dmy", "mdy", "ymd")}[kind]
    fits = {order: {parts for parts in numbers if _fits(parts, order)} for order in orders}
    count = {order: sum(numbers[parts] for parts in fits[order]) for order in orders}
    formats = {order: _format(order, kind, one, two, end, time) for order in orders}
    best = max(count, key=lambda order: count[order])
    if count[best] < FIT * filled or _contradicted(best, fits, numbers):
        mixed = len(orders) > 1 and sum(numbers[parts] for parts in set().union(*fits.values())) >= FIT * filled
        return DateGuess(None, _mixed(numbers, filled), formats, two_digit_year=kind == "xxx") if mixed else None
    alike = [order for order in orders if count[order] == count[best]]
    if len(alike) > 1:
        offered = {order: formats[order] for order in alike}
        return DateGuess(None, _unproved(numbers, filled), offered, two_digit_year=kind == "xxx")
    others = set().union(*(fits[order] for order in orders if order != best))
    return DateGuess(
        formats[best],
        _proof(best, kind, numbers, filled),
        strays=filled - count[best],
        two_digit_year=kind == "xxx",
        proofs=sum(numbers[parts] for parts in fits[best] - others) if len(orders) > 1 else 0,
    )


def _contradicted(best: str, fits: Mapping[str, set[Parts]], numbers: Mapping[Parts, int]) -> bool:
    """Do values that fit only another order weigh more than stray typing errors, beside those that fit only the best?"""
    for other in fits.keys() - {best}:
        against = sum(numbers[parts] for parts in fits[other] - fits[best])
        proof = sum(numbers[parts] for parts in fits[best] - fits[other])
        if against > STRAY * proof:
            return True
    return False


def _unproved(numbers: Mapping[Parts, int], filled: int) -> str:
    if _above(numbers, 0):
        return f"the parts of {filled:,} values fit several orders"
    return f"no value among {filled:,} has a first or second part above 12"


def _fits(parts: Parts, order: str) -> bool:
    named = dict(zip(order, parts, strict=True))
    year = named["y"]
    return len(year) in (2, 4) and _is_day(year if len(year) == 4 else f"20{year}", named["m"], named["d"])


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        return 1800 <= date(int(year), int(month), int(day)).year <= 9999
    except ValueError:
        return False


def _format(order: str, kind: str, one: str, two: str, end: str, time: str) -> str:
    first, second, third = (("%y" if each == "y" and kind == "xxx" else _PART[each]) for each in order)
    return f"{first}{one}{second}{two}{third}{end}{time}"


def _above(numbers: Mapping[Parts, int], place: int) -> int:
    return sum(count for parts, count in numbers.items() if int(parts[place]) > 12)


def _proof(order: str, kind: str, numbers: Mapping[Parts, int], filled: int) -> str:
    if kind == "ymd":
        return f"year first in {sum(numbers.values()):,} of {filled:,} values"
    first, second = _above(numbers, 0), _above(numbers, 1)
    return f"{ORDERS[order]}: {first:,} of {filled:,} values have a first part above 12, {second:,} a second part above 12"


def _mixed(numbers: Mapping[Parts, int], filled: int) -> str:
    return (
        f"mixed: {_above(numbers, 0):,} of {filled:,} values have a first part above 12, and"
        f" {_above(numbers, 1):,} a second part above 12"
    )


# Numbers

_BODY = r"(?:\d+(?:{point}\d*)?|{point}\d+)"
_GROUPED = r"[1-9]\d{{0,2}}(?:{group}\d{{3}})+(?:{point}\d*)?"
_GROUPS = {".": (",", " ", "'"), ",": (".", " ", "'")}


def guess_numbers(values: Values) -> NumberGuess | None:
    """The notation of a column of numbers; None when its values are none. Signs, percent signs and brackets are seen through."""
    bare: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for value, count in values.items():
        text, marks = _bare_number(value)
        bare[text] += count
        seen.update(dict.fromkeys(marks, count))
    filled = sum(bare.values())
    if not filled or sum(count for text, count in bare.items() if text[:1].isdigit() or text[:1] in ".,") < FIT * filled:
        return None
    fits = {decimal: _fitting(bare, decimal) for decimal in _GROUPS}
    counts = {decimal: sum(bare[text] for text in found) for decimal, found in fits.items()}
    best = max(counts, key=lambda decimal: counts[decimal])  # the point where both fit alike
    if counts[best] < FIT * filled:
        return None
    other = "," if best == "." else "."
    texts = fits[best]
    marked = {text for text in texts if "." in text or "," in text}
    extra = partial(
        NumberGuess,
        negatives=seen["negative"],
        parentheses=seen["parentheses"] > 0,
        percent=seen["percent"] > FIT * filled,
    )
    if marked and counts[best] == counts[other]:
        return extra(None, None, f"values such as {min(marked)} do not tell a decimal mark from a thousands mark")
    group = next((each for each in _GROUPS[best] if any(each in text for text in texts)), None)
    evidence = _number_evidence(bare, texts, best, group, filled)
    return extra(best, group, evidence, beyond_cents=_beyond_cents(bare, texts, best, group))


def _bare_number(value: str) -> tuple[str, list[str]]:
    """(digits and their marks, what stood around them)."""
    text = value if value.isascii() else unicodedata.normalize("NFKC", value).replace("\u2212", "-").replace("\u202f", " ")
    marks = []
    if text.endswith("%"):
        text, marks = text[:-1].strip(), ["percent"]
    if text.startswith("(") and text.endswith(")"):
        return text[1:-1].strip(), [*marks, "parentheses", "negative"]
    if text[:1] in ("+", "-"):
        return text[1:], [*marks, *(["negative"] if text[0] == "-" else [])]
    return (text[:-1], [*marks, "negative"]) if text.endswith("-") and len(text) > 1 else (text, marks)


def _fitting(texts: Values, decimal: str) -> set[str]:
    point = re.escape(decimal)
    forms = [_BODY.format(point=point), *(_GROUPED.format(point=point, group=re.escape(group)) for group in _GROUPS[decimal])]
    pattern = re.compile("|".join(forms))
    return {text for text in texts if pattern.fullmatch(text)}


def _number_evidence(bare: Values, texts: set[str], decimal: str, group: str | None, filled: int) -> str:
    with_point = sum(bare[text] for text in texts if decimal in text)
    told = f"{with_point:,} of {filled:,} values have a decimal {'point' if decimal == '.' else 'comma'}"
    if group:
        name = {".": "points", ",": "commas", " ": "blanks", "'": "apostrophes"}[group]
        told += f", {sum(bare[text] for text in texts if group in text):,} have {name} between thousands"
    return told if with_point or group else f"all {filled:,} values are whole numbers"


def _beyond_cents(bare: Values, texts: set[str], decimal: str, group: str | None) -> int:
    """Values with more than two decimals that are no binary noise (2309.7899999999995)."""
    return sum(bare[text] for text in texts if len(text.partition(decimal)[2]) > 2 and not _is_cents(text, decimal, group))


def _is_cents(text: str, decimal: str, group: str | None) -> bool:
    value = Decimal((text.replace(group, "") if group else text).replace(decimal, "."))
    return abs(value - value.quantize(Decimal("0.01"))) <= Decimal("0.000001")
