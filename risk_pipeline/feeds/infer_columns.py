"""How one source column fills one canonical column: format, marks, lookups, nulls, each with the evidence that the cells give.

Put here: from a profile to the keys of a ColumnSpec, with doubts and open questions. Keep out: which columns belong together
(infer), the evidence itself (profile_columns). A question stands where no default is safe; its key holds UNDECIDED: no name of a
column, no format, no mark, no currency, so that such a YAML loads nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from risk_pipeline.contracts import Column, Kind
from risk_pipeline.feeds.convert_cells import is_id
from risk_pipeline.feeds.currencies import CURRENCIES
from risk_pipeline.feeds.profile_columns import FIT, ORDERS, DateGuess, NumberGuess, Profile
from risk_pipeline.feeds.spec import EPOCHS, NUMERIC
from risk_pipeline.feeds.synonyms import bracketed, synonyms

UNDECIDED = "???"
CENTURY_FROM = "1970"
_FEW, _MANY = 3, 30  # so few proofs among so many dates may be typing errors


@dataclass(frozen=True)
class Answers:
    """What a person said on the command line. `formats`: date format by source column; `mapping`: canonical column -> source
    column; `constants`: values of canonical columns that no source column holds; `zone`: for moments in time, the workspace's.
    """

    date_order: str | None = None
    decimal: str | None = None
    currency: str | None = None
    feed: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"


@dataclass(frozen=True)
class Guess:
    """One canonical column. `spec`: keys of its ColumnSpec as the YAML writes them. `evidence`: why; `doubts`: what a person
    should look at; `questions`: what a person must say first.
    """

    column: str
    spec: Mapping[str, Any]
    evidence: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()

    @property
    def source(self) -> str | None:
        """The source column; None when it is made otherwise, or not decided."""
        source = self.spec.get("from")
        return None if source == UNDECIDED else source

    def plus(self, *, spec: Mapping[str, Any] | None = None, evidence: str = "", doubt: str = "", question: str = "") -> Guess:
        """The same with more."""
        return replace(
            self,
            spec={**self.spec, **(spec or {})},
            evidence=(*self.evidence, *([evidence] if evidence else [])),
            doubts=(*self.doubts, *([doubt] if doubt else [])),
            questions=(*self.questions, *([question] if question else [])),
        )


@dataclass(frozen=True)
class FileHabits:
    """What some columns of the file prove, for those that prove nothing: the order of dates by separator, the decimal mark."""

    orders: Mapping[str, tuple[str, str]]
    decimal: tuple[str, str | None, str] | None
    common_format: str | None


def habits(profiles: Mapping[str, Profile]) -> FileHabits:
    """Habits of the file. A separator under which columns disagree proves nothing."""
    orders: dict[str, set[tuple[str, str]]] = {}
    marks: set[tuple[str, str | None, str]] = set()
    for name, each in profiles.items():
        dates = each.dates
        if dates is not None and dates.format and not dates.format.startswith("%Y") and "b" not in dates.format.lower():
            orders.setdefault(_separator(dates.format), set()).add((_order(dates.format), name))
        numbers = each.numbers if dates is None else None
        if numbers is not None and numbers.decimal and ("decimal" in numbers.evidence):
            marks.add((numbers.decimal, numbers.thousands, name))
    proved = {mark: min(found) for mark, found in orders.items() if len({order for order, _ in found}) == 1}
    agreed = min(marks, key=lambda each: each[2]) if len({each[0] for each in marks}) == 1 else None
    forms = Counter(each.dates.format for each in profiles.values() if each.dates is not None and each.dates.format)
    return FileHabits(proved, agreed, max(forms, key=lambda form: forms[form], default=None))


def _order(form: str) -> str:
    return "".join(each for each in form.lower() if each in "dmy")[:3]


def _separator(form: str) -> str:
    return form[2]


def unfit(column: Column, profile: Profile, answers: Answers) -> str | None:
    """Why a source column of a fitting name cannot fill the canonical one; None when it can. Empty columns can."""
    if not profile.values:
        return None
    kind, name = column.kind, column.name
    if kind is Kind.DATE:
        is_moment = profile.may_be_serial or profile.may_be_epoch
        fits = profile.dates is not None or is_moment or profile.name in answers.formats
        return None if fits else "holds no dates"
    if kind in NUMERIC:
        return None if profile.numbers is not None else "holds no numbers"
    if kind is Kind.FLAG:
        return None if profile.flags() is not None else "holds no yes and no"
    if name.endswith("country_code"):
        return _too_many(profile, profile.countries()[2], "is no ISO 3166-1 code or known name")
    if _is_currency(name):
        unknown = [value for value in profile.values if _currency(value) is None]
        return _too_many(profile, unknown, "is no currency code")
    if column.values and not column.required:
        unknown = [value for value in profile.values if _listed(column, value) is None]
        return _too_many(profile, unknown, f"is none of {', '.join(column.values)}")
    return None


def _too_many(profile: Profile, unknown: list[str], what: str) -> str | None:
    """What is wrong when the unknown values are more than a few."""
    share = sum(profile.values[value] for value in unknown) / profile.filled
    return f"{_some(unknown)} {what}" if share > 1 - FIT else None


def guess_column(column: Column, profile: Profile, how: str, answers: Answers, file: FileHabits) -> Guess:
    """The keys that turn the cells of one source column into the canonical column. `how`: by what it was recognised."""
    guess = Guess(column.name, {"from": profile.name}, (how,))
    if not profile.values:
        guess = guess.plus(doubt=f"no cell of {profile.name} is filled; its form is taken from the other columns")
    if column.kind is Kind.DATE:
        return _date(guess, profile, answers, file)
    if column.kind in NUMERIC:
        return _number(guess, column, profile, answers, file)
    if column.kind is Kind.FLAG:
        return (
            guess.plus(spec={"lookup": profile.flags()}, evidence=f"values {_some(profile.values)}") if profile.values else guess
        )
    if column.name.endswith("country_code"):
        return _country(guess, profile)
    if _is_currency(column.name):
        return _currencies(guess, profile)
    if column.values:
        return _closed_list(guess, column, profile)
    return _text(guess, column, profile)


# Dates


def _date(guess: Guess, profile: Profile, answers: Answers, file: FileHabits) -> Guess:
    said = answers.formats.get(profile.name)
    if said:
        zone = {"zone": answers.zone} if said in EPOCHS else {}
        century = {"century_from": CENTURY_FROM} if "%y" in said else {}
        return guess.plus(spec={"format": said, **century, **zone}, evidence="format as you said")
    dates = profile.dates
    if dates is None and not profile.values:
        return guess.plus(spec={"format": file.common_format} if file.common_format else {})
    if dates is None:
        return _moment(guess, profile)
    form = dates.format
    if form is not None:
        guess = guess.plus(spec={"format": form}, evidence=dates.evidence)
    else:
        guess = _open_order(guess, profile.name, dates, answers, file)
    if form is not None and 0 < dates.proofs < _FEW and profile.filled > _MANY:
        guess = guess.plus(
            doubt=f"only {counted(dates.proofs, 'value')} of {profile.filled:,} prove this order: no typing errors?"
        )
    if dates.strays:
        guess = guess.plus(doubt=f"{dates.strays:,} of {profile.filled:,} values do not fit this form and would be rejected")
    if dates.two_digit_year and "%y" in guess.spec.get("format", ""):
        guess = guess.plus(
            spec={"century_from": CENTURY_FROM}, doubt="years have two digits: 70 is read as 1970, 69 as 2069 (century_from)"
        )
    far = sum(count for value, count in profile.values.items() if value.startswith("9999") or value.endswith("9999"))
    if far:
        guess = guess.plus(doubt=f"{far:,} values lie in the year 9999 and stay dates; list them in nulls if they mean none")
    return guess


def _open_order(guess: Guess, name: str, dates: DateGuess, answers: Answers, file: FileHabits) -> Guess:
    """An order the column's values do not prove: said by a person, else proved by another column, else asked for."""
    if answers.date_order is not None and answers.date_order in dates.open_orders:
        said = dates.open_orders[answers.date_order]
        return guess.plus(spec={"format": said}, evidence=f"{ORDERS[answers.date_order]} as you said; {dates.evidence}")
    some = next(iter(dates.open_orders.values()))
    order, proof = file.orders.get(_separator(some), ("", ""))
    if order in dates.open_orders and not dates.evidence.startswith("mixed"):
        return guess.plus(
            spec={"format": dates.open_orders[order]},
            evidence=dates.evidence,
            doubt=f"{ORDERS[order]} is taken from {proof}, which proves it; no value of {name} does",
        )
    orders = " or ".join(f"{ORDERS[each]} ({form})" for each, form in dates.open_orders.items())
    choice = "|".join(dates.open_orders)
    return guess.plus(
        spec={"format": UNDECIDED},
        evidence=dates.evidence,
        question=f"is {name} {orders}? {dates.evidence}: --date-order {choice}",
    )


def _moment(guess: Guess, profile: Profile) -> Guess:
    if not profile.may_be_serial and not profile.may_be_epoch:
        return guess.plus(doubt=f"{profile.name} holds no dates: its rows would be rejected")
    form = "excel_serial" if profile.may_be_serial else profile.may_be_epoch
    what = "days counted by Excel" if profile.may_be_serial else f"moments ({form}; the day depends on --zone)"
    question = f"are numbers such as {profile.examples[0]} in {profile.name} {what}? --date-format {profile.name}={form}"
    return guess.plus(spec={"format": UNDECIDED}, question=question)


# Numbers


def _number(guess: Guess, column: Column, profile: Profile, answers: Answers, file: FileHabits) -> Guess:
    numbers = profile.numbers
    if numbers is None:
        return guess
    guess = _notation(guess, profile.name, numbers, answers, file)
    if numbers.parentheses:
        guess = guess.plus(spec={"parentheses": "negative"}, evidence="some values stand in parentheses")
    if numbers.percent:
        guess = _percent(guess, column)
    if column.kind is Kind.MONEY:
        guess = _money(guess, profile, numbers)
    return guess


def _notation(guess: Guess, name: str, numbers: NumberGuess, answers: Answers, file: FileHabits) -> Guess:
    if numbers.decimal is not None:
        return guess.plus(spec=_marks(numbers.decimal, numbers.thousands), evidence=numbers.evidence)
    if answers.decimal:
        other = "." if answers.decimal == "," else ","
        return guess.plus(spec=_marks(answers.decimal, other), evidence="decimal mark as you said")
    if file.decimal is not None:
        decimal, _, proof = file.decimal
        other = "." if decimal == "," else ","
        return guess.plus(
            spec=_marks(decimal, other),
            evidence=numbers.evidence,
            doubt=f"the decimal mark is taken from {proof}, which proves it",
        )
    return guess.plus(spec={"decimal": UNDECIDED}, question=f"{name}: {numbers.evidence}: --decimal . or --decimal ,")


def _marks(decimal: str, thousands: str | None) -> dict[str, str]:
    return {**({"decimal": decimal} if decimal != "." or thousands else {}), **({"thousands": thousands} if thousands else {})}


def _percent(guess: Guess, column: Column) -> Guess:
    if column.field.unit == "%":
        return guess.plus(doubt="the cells end in %, which this column does not: export plain numbers, or they are rejected")
    return guess.plus(spec={"percent": "true"}, evidence="the values end in %")


def _money(guess: Guess, profile: Profile, numbers: NumberGuess) -> Guess:
    if numbers.beyond_cents:
        told = f"{numbers.beyond_cents:,} of {profile.filled:,} values have more than two decimals"
        if numbers.beyond_cents > (1 - FIT) * profile.filled:
            guess = guess.plus(spec={"round": "2"}, doubt=f"{told} and are rounded to cents; without round: 2 they are rejected")
        else:
            guess = guess.plus(doubt=f"{told} and would be rejected; round: 2 accepts and rounds them")
    factor = next((synonyms().scales[word] for word in bracketed(profile.name) if word in synonyms().scales), None)
    if factor:
        guess = guess.plus(
            spec={"scale": str(factor)}, doubt=f"the name {profile.name} says the amounts are in units of {factor:,}"
        )
    return guess


# Codes and words


def _country(guess: Guess, profile: Profile) -> Guess:
    what, lookup, missing = profile.countries()
    guess = _strays(guess, profile, missing)
    if not lookup:
        return guess.plus(evidence="ISO 3166-1 alpha-2 codes" if profile.values else "")
    names = {"alpha-3": "ISO 3166-1 alpha-3 codes", "numeric": "ISO 3166-1 numeric codes", "names": "names of countries"}[what]
    doubt = "numbers may be codes of the system's own: look whether these countries are right" if what == "numeric" else ""
    return guess.plus(spec={"lookup": lookup}, evidence=f"{names}; a code that is not listed is rejected", doubt=doubt)


def _strays(guess: Guess, profile: Profile, unknown: Sequence[str]) -> Guess:
    """A doubt about the few values that would be rejected."""
    count = sum(profile.values[value] for value in unknown)
    return (
        guess.plus(doubt=f"{count:,} of {profile.filled:,} cells hold {_some(unknown)} and would be rejected")
        if unknown
        else guess
    )


def _currencies(guess: Guess, profile: Profile) -> Guess:
    lookup = {value: code for value in profile.values if (code := _currency(value)) and code != value}
    guess = _strays(guess, profile, [value for value in profile.values if _currency(value) is None])
    listed = _some(sorted({code for value in profile.values if (code := _currency(value))}))
    if not lookup:
        return guess.plus(evidence=f"ISO 4217 codes: {listed}" if profile.values else "")
    return guess.plus(spec={"lookup": lookup, "otherwise": "keep"}, evidence=f"currencies by other names: {listed}")


def _currency(value: str) -> str | None:
    return value if value in CURRENCIES else synonyms().currency_words.get(value.casefold())


def _closed_list(guess: Guess, column: Column, profile: Profile) -> Guess:
    unknown = [value for value in profile.values if _listed(column, value) is None]
    if column.required and unknown:
        lookup = {value: _listed(column, value) or UNDECIDED for value in profile.values}
        question = f"what do {_some(unknown)} in {profile.name} mean? Write a lookup to {', '.join(column.values)} by hand"
        return guess.plus(spec={"lookup": lookup}, question=question)
    guess = _strays(guess, profile, unknown)
    known = {value: meaning for value in profile.values if (meaning := _listed(column, value))}
    if all(value == meaning for value, meaning in known.items()):
        return guess.plus(evidence=f"values {_some(known)}" if known else "")
    return guess.plus(spec={"lookup": known}, evidence="words of the synonym table; a word that is not listed is rejected")


def _listed(column: Column, value: str) -> str | None:
    """The value of the closed list that a word means."""
    if value in column.values:
        return value
    meaning = synonyms().values.get(column.name, {}).get(value.casefold(), value.casefold())
    return meaning if meaning in column.values else None


def _text(guess: Guess, column: Column, profile: Profile) -> Guess:
    if is_id(column) and profile.is_float_id:
        guess = guess.plus(spec={"integral": "true"}, evidence=f"numbers from a spreadsheet, such as {profile.examples[0]}")
    if is_id(column) and profile.has_wide:
        guess = guess.plus(spec={"half_width": "true"}, evidence="full-width letters or digits are folded")
    if column.name == "customer_id" and profile.is_padded:
        guess = guess.plus(
            doubt=f"padded with zeros, such as {profile.examples[0]}: kept; say strip_leading_zeros: true in every feed if other"
            " files write them without"
        )
    return guess


def _is_currency(name: str) -> bool:
    return name == "currency" or name.endswith("_currency")


def _some(values: Iterable[str], most: int = 5) -> str:
    listed = list(values)
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


def counted(number: int, noun: str) -> str:
    """1 row, 2 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def header_currency(name: str) -> str | None:
    """The currency a column's name gives in brackets or as its last word: 金额(人民币), Amount EUR."""
    return next((synonyms().currency_words[word] for word in bracketed(name) if word in synonyms().currency_words), None)
