"""From the first rows of an unknown file to proposed feeds: which feeds it serves, which column is which, and what is not sure.

Put here: matching names and contents to the contracts, the choice of a feed, its keys, modes and assertions. Keep out: reading
the file (sample), the form of one column (infer_columns), further feeds of a ledger (infer_ledger), the YAML text (infer_yaml).
Pure: a sample and answers in, a proposal out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from risk_pipeline.contracts import FEED_TABLES, Column, Kind, Table, table
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.characters import NULL_WORDS
from risk_pipeline.feeds.convert_cells import is_id
from risk_pipeline.feeds.infer_columns import (
    UNDECIDED,
    Answers,
    FileHabits,
    Guess,
    counted,
    guess_column,
    habits,
    header_currency,
    unfit,
)
from risk_pipeline.feeds.profile_columns import FIT, Profile, profile
from risk_pipeline.feeds.sample import Sample
from risk_pipeline.feeds.synonyms import folded, part_of, rank, synonyms

_PART_WORTH = ("due_date", "cleared_date")  # beside required columns, worth a match by part of the name
_POSITIVE = ("payment", "credit_note", "write_off", "bill", "payment_application")
_TIE = 0.5
_TEMPLATE_PART = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class FeedProposal:
    """One feed YAML to be. `keys`: delivery, where, nulls and so on, as the YAML writes them; `about` evidence and `doubts` by
    key; `questions`: what a person must say before it can be written; `filters`: source columns that `where` reads.
    """

    feed: str
    columns: tuple[Guess, ...]
    keys: Mapping[str, Any]
    about: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    filters: frozenset[str] = frozenset()

    @property
    def table(self) -> Table:
        return table(f"feed.{self.feed}")

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(each for guess in self.columns for each in guess.questions)

    @property
    def used(self) -> set[str]:
        """The source columns it reads."""
        return {name for each in self.columns for name in sources(each)} | self.filters

    def column(self, name: str) -> Guess | None:
        return next((each for each in self.columns if each.column == name), None)

    def doubting(self, key: str, text: str) -> FeedProposal:
        """The same with one more doubt about a key."""
        return replace(self, doubts={**self.doubts, key: (*self.doubts.get(key, ()), text)})

    def every_doubt(self) -> Iterator[tuple[str, str]]:
        """(key, doubt) of the feed and of its columns, in the order of the YAML."""
        for key, texts in self.doubts.items():
            yield from ((key, text) for text in texts)
        for guess in self.columns:
            yield from ((guess.column, text) for text in guess.doubts)


@dataclass(frozen=True)
class Proposal:
    """What a file could feed. `unused`: source column -> why no feed reads it; empty when its name is simply not known."""

    feeds: tuple[FeedProposal, ...]
    unused: Mapping[str, str]

    @property
    def questions(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each for feed in self.feeds for each in feed.questions))


@dataclass(frozen=True)
class Case:
    """What is known about the file. `name`: its file name."""

    name: str
    sample: Sample
    profiles: Mapping[str, Profile]
    file: FileHabits
    answers: Answers

    def cells(self, name: str) -> pa.ChunkedArray:
        return self.sample.rows.column(name)


@dataclass(frozen=True)
class Match:
    """Which source column fills which canonical one, by what; and the columns of a fitting name whose content says no."""

    feed: str
    columns: Mapping[str, tuple[str, str]]
    vetoes: Mapping[str, str]
    doubtful: Mapping[str, str] = field(default_factory=dict)

    def source(self, column: str) -> str | None:
        return self.columns[column][0] if column in self.columns else None


def sources(guess: Guess) -> tuple[str, ...]:
    """The source columns a guess reads."""
    sign = guess.spec.get("sign_from")
    named = [guess.source] if guess.source else _TEMPLATE_PART.findall(str(guess.spec.get("template", "")))
    return (*named, *([sign["column"]] if sign else []))


def look_at(name: str, sample: Sample, answers: Answers) -> Case:
    """Profile every column. UsageError for answers about columns the file does not have."""
    for asked in (*answers.formats, *answers.mapping.values()):
        if asked not in sample.header:
            raise UsageError(f"{name} has no column {asked!r}; it has {_short(sample.header)}", remedy="write its exact name")
    known = {name for each in FEED_TABLES for name in each.column_names}
    for asked in (*answers.mapping, *answers.constants):
        if asked not in known:
            raise UsageError(f"{asked!r} is no column of a feed", remedy="docs/data_dictionary.md lists the columns of each feed")
    profiles = {each: profile(each, sample.rows.column(each)) for each in sample.header}
    return Case(name, sample, profiles, habits(profiles), answers)


# Which column is which


def match_by_name(case: Case, feed: str) -> Match:
    """The columns of a feed that source columns are named like, each used once; the better known name wins."""
    target = table(f"feed.{feed}")
    found, vetoes = _as_said(case, target), dict[str, str]()
    pairs = sorted(_pairs(case, target), key=lambda each: each[:2])
    for _, _, column, source in pairs:
        if column.name in found or source in {each for each, _ in found.values()}:
            continue
        why = unfit(column, case.profiles[source], case.answers)
        if why is None:
            found[column.name] = (source, "by its name")
            vetoes.pop(source, None)
        else:
            vetoes.setdefault(source, f"named like {column.name}, but {why}")
    return Match(feed, found, vetoes)


def _as_said(case: Case, target: Table) -> dict[str, tuple[str, str]]:
    return {name: (source, "as you said") for name, source in case.answers.mapping.items() if name in target}


def _pairs(case: Case, target: Table) -> Iterator[tuple[int, int, Column, str]]:
    """(rank of the name, place in the contract, column, source column) of every name that is known."""
    for place, column in enumerate(target.columns):
        if column.name in case.answers.constants:
            continue
        names = synonyms().of(target.name, column.name)
        for source in case.sample.header:
            at = rank(source, names)
            if at is not None:
                yield at, place, column, source


def complete(case: Case, match: Match) -> Match:
    """Required columns no name gave: a column that has another role already, one whose name contains a known name, or one
    whose content leaves no other. All but the first are doubtful.
    """
    target = table(f"feed.{match.feed}")
    found, doubtful = dict(match.columns), dict[str, str]()
    for _, _, column, source in sorted(_pairs(case, target), key=lambda each: each[:2]):
        if is_needed(column) and column.name not in found and unfit(column, case.profiles[source], case.answers) is None:
            found[column.name] = (source, "by its name")
    for column in target.columns:
        if column.name in found or column.name in case.answers.constants or not (is_needed(column) or column.name in _PART_WORTH):
            continue
        taken = {source for source, _ in found.values()} | set(match.vetoes)
        free = [each for each in case.sample.header if each not in taken and not _is_named(each)]
        hit = _by_part(case, column, target, free) or _by_content(case, column, target, free)
        if hit is not None:
            source, why = hit
            found[column.name] = (source, why)
            doubtful[column.name] = f"{source} was taken {why}"
    return replace(match, columns=found, doubtful=doubtful)


def _is_named(source: str) -> bool:
    return bool(synonyms().known([source]))


def _by_part(case: Case, column: Column, target: Table, free: list[str]) -> tuple[str, str] | None:
    names = synonyms().of(target.name, column.name)
    for source in free:
        part = part_of(source, names)
        if part and unfit(column, case.profiles[source], case.answers) is None and case.profiles[source].values:
            return source, f"since its name contains {part!r}"
    return None


def _by_content(case: Case, column: Column, target: Table, free: list[str]) -> tuple[str, str] | None:
    """A column that is the only one of its kind."""
    if column.name == "currency":
        fits = [each for each in free if case.profiles[each].is_currency]
        why = "since all its values are currency codes"
    elif (column.name,) == target.key:
        fits = [each for each in free if case.profiles[each].is_unique and case.profiles[each].dates is None]
        fits = [each for each in fits if "decimal" not in getattr(case.profiles[each].numbers, "evidence", "")]
        why = "since only its values are all different"
    elif column.name == target.event_date:
        fits = [each for each in free if case.profiles[each].dates is not None]
        why = "since no other column holds dates"
    elif column.kind is Kind.MONEY:
        fits = [each for each in free if "decimal" in getattr(case.profiles[each].numbers, "evidence", "")]
        why = "since no other column holds amounts with decimals"
    else:
        return None
    return (fits[0], why) if len(fits) == 1 and case.profiles[fits[0]].filled > 1 else None


# Which feed it is


def choose_feed(case: Case) -> Match:
    """The feed whose own columns the file names best. UsageError when none, or when two fit alike."""
    if case.answers.feed:
        return match_by_name(case, case.answers.feed)
    matches = [match_by_name(case, each.name) for each in FEED_TABLES]
    scored = sorted(((_score(case, each), -place, each) for place, each in enumerate(matches)), key=lambda each: each[:2])
    best, second = scored[-1], scored[-2]
    if best[0] <= 0:
        known = synonyms().known(case.sample.header)
        raise UsageError(
            f"{case.name}: its columns fit no feed; known names: {', '.join(known) or 'none'}; all: {_short(case.sample.header)}",
            remedy="say which feed it is, and which column is what: --feed invoice --map customer_id=COLUMN --map amount=COLUMN",
        )
    if best[0] - second[0] < _TIE:
        raise UsageError(
            f"{case.name}: could be feed {best[2].feed} as well as {second[2].feed}",
            remedy=f"say which: --feed {best[2].feed} or --feed {second[2].feed}",
        )
    return best[2]


def _score(case: Case, match: Match) -> float:
    """How well a feed fits: its key and event date weigh most, columns peculiar to it more than those of any feed."""
    target = table(f"feed.{match.feed}")
    own = [name for name in match.columns if name not in synonyms().names["any"]]
    if not own:
        return 0.0
    score = 0.2 * (len(match.columns) - len(own)) + sum(_weight(target, name) for name in own)
    filled = complete(case, match).columns
    given = {"currency", *filled, *case.answers.constants}
    missing = [each for each in target.columns if is_needed(each) and each.name not in given]
    score -= 3 * len(missing)
    if match.feed == "customer":
        source = match.source("customer_id")
        score -= 5 * (source is None or not case.profiles[source].is_unique)
    return score + 2 * _hinted(case.name, match.feed)


def _weight(target: Table, name: str) -> float:
    return 3.0 if name in target.key else 2.0 if name == target.event_date else 1.0


def _hinted(file_name: str, feed: str) -> bool:
    """Does the file's name speak of the feed?"""
    plain = folded(file_name.rpartition(".")[0])
    return any(word in plain for word in synonyms().files.get(feed, ())) or folded(feed) in plain


# The feed


def propose(case: Case, match: Match) -> FeedProposal:
    """The proposal of one feed that stands on its own."""
    match = complete(case, match)
    target = table(f"feed.{match.feed}")
    guesses = [_guess(case, match, column) for column in target.columns if column.name in match.columns]
    proposal = FeedProposal(match.feed, tuple(guesses), {})
    proposal = _positive(case, _one_currency(case, _with_missing(case, _with_key(case, proposal))))
    rate = proposal.column("rate")
    if match.feed == "fx_rate" and rate is not None:
        told = "rates are taken as units of the currency for 1 EUR, as the ECB publishes them; the other way round they are wrong"
        proposal = _replacing(proposal, rate.plus(doubt=told))
    return with_keys(case, proposal, "snapshot")


def _one_currency(case: Case, proposal: FeedProposal) -> FeedProposal:
    """Amounts in the company's currency beside the currency of the document: together they are wrong, unless it is one."""
    amount, currency = proposal.column("amount"), proposal.column("currency")
    if amount is None or amount.source is None or currency is None or currency.source is None:
        return proposal
    if rank(amount.source, synonyms().helper("_local_amount")) is None:
        if case.answers.currency:
            told = f"--currency {case.answers.currency} is not used, since {currency.source} says the currency of each row"
            return _replacing(proposal, currency.plus(doubt=told))
        return proposal
    if case.answers.currency:
        return _replacing(proposal, Guess("currency", {"value": case.answers.currency}, ("as you said",)))
    told = f"{amount.source} is in the company's own currency, {currency.source} is that of the document"
    if len(case.profiles[currency.source].values) == 1:
        return _replacing(proposal, currency.plus(doubt=f"{told}; so far both are the same"))
    question = f"{told}. In which currency is {amount.source}? --currency EUR"
    undecided = Guess("currency", {"value": UNDECIDED}, questions=(question,))
    return _replacing(proposal, undecided)


def _positive(case: Case, proposal: FeedProposal) -> FeedProposal:
    """Payments, credit notes and write-offs count positive here, whatever sign they have in the file."""
    amount = proposal.column("amount")
    numbers = case.profiles[amount.source].numbers if amount is not None and amount.source else None
    if amount is None or amount.source is None or numbers is None or not numbers.negatives or proposal.feed not in _POSITIVE:
        return proposal
    filled = case.profiles[amount.source].filled
    if numbers.negatives > FIT * filled:
        told = f"{numbers.negatives:,} of {filled:,} amounts are negative in the file and turned"
        return _replacing(proposal, amount.plus(spec={"negate": "true"}, doubt=told))
    told = f"{numbers.negatives:,} of {filled:,} amounts are negative: a {proposal.feed} counts positive here; what are these?"
    return _replacing(proposal, amount.plus(doubt=told))


def _guess(case: Case, match: Match, column: Column) -> Guess:
    source, how = match.columns[column.name]
    guess = guess_column(column, case.profiles[source], how, case.answers, case.file)
    return guess.plus(doubt=match.doubtful.get(column.name, ""))


def is_needed(column: Column) -> bool:
    """Must the mapping fill it: required, and no value of the contract stands for an absent one."""
    return column.required and column.absent is None


def _with_missing(case: Case, proposal: FeedProposal) -> FeedProposal:
    """Required columns that no source column gives: the currency by constant, the others asked for."""
    said = {name: each for name, each in case.answers.constants.items() if name in proposal.table}
    guesses = [*proposal.columns, *(Guess(name, {"value": each}, ("as you said",)) for name, each in said.items())]
    for column in proposal.table.columns:
        if column.name in said:
            continue
        if not is_needed(column) or proposal.column(column.name) is not None:
            continue
        if column.name == "currency":
            guesses.append(_constant_currency(case, proposal))
        else:
            question = (
                f"no column looks like {column.name} ({column.field.en}): --map {column.name}=COLUMN,"
                f" or --set {column.name}=VALUE when it is the same in every row"
            )
            guesses.append(Guess(column.name, {"from": UNDECIDED}, questions=(question,)))
    return replace(proposal, columns=in_order(proposal.table, guesses))


def in_order(target: Table, guesses: list[Guess]) -> tuple[Guess, ...]:
    """The guesses in the order of the contract."""
    return tuple(sorted(guesses, key=lambda each: target.column_names.index(each.column)))


def _constant_currency(case: Case, proposal: FeedProposal) -> Guess:
    if case.answers.currency:
        return Guess("currency", {"value": case.answers.currency}, ("as you said; the file has no currency column",))
    money = [each.source for each in proposal.columns if proposal.table.column(each.column).kind is Kind.MONEY and each.source]
    for source in money:
        code = header_currency(source)
        if code:
            return Guess("currency", {"value": code}, doubts=(f"{code} is taken from the name of the column {source}",))
    question = "no column holds a currency, and no name says one. Which is it? --currency EUR (or USD, CNY, ...)"
    return Guess("currency", {"value": UNDECIDED}, questions=(question,))


def _with_key(case: Case, proposal: FeedProposal) -> FeedProposal:
    """A key that is unique: the column, else composed with company code, year and item; else a doubt with the count."""
    target = proposal.table
    guess = proposal.column(target.key[0])
    if len(target.key) != 1 or guess is None or guess.source is None:
        return proposal
    source, parts = guess.source, _key_parts(case, proposal)
    outer = [each for name, each in parts if name != "_item"]
    if not case.profiles[source].is_unique:
        names = _unique_names(case, source, parts)
        if names:
            composed = Guess(guess.column, {"template": _template(names)}, (f"{source} alone repeats; together they do not",))
            return _replacing(proposal, composed)
        repeated = case.profiles[source].filled - len(case.profiles[source].values)
        told = f"{repeated:,} rows repeat a value of {source}; rows that share a key and differ are rejected (duplicate_key)"
        guess = guess.plus(doubt=told)
    if any(len(case.profiles[each].values) > 1 for each in outer):
        told = f'if numbers start again in each {" and ".join(outer)}, write template: "{_template([*outer, source])}"'
        guess = guess.plus(doubt=told)
    return _replacing(proposal, guess)


def _unique_names(case: Case, source: str, parts: list[tuple[str, str]]) -> list[str]:
    """The columns that give a unique key together with `source`: company and year in any case, since numbers start again there,
    the item where it is needed. Empty when the key repeats all the same.
    """
    outer, item = [each for name, each in parts if name != "_item"], [each for name, each in parts if name == "_item"]
    tried = [[*outer, source], [*outer, source, *item]]
    return next((names for names in tried if len(names) > 1 and _distinct(case, names) == len(case.sample)), [])


def _template(names: list[str]) -> str:
    return "-".join(f"{{{each}}}" for each in names)


def _key_parts(case: Case, proposal: FeedProposal) -> list[tuple[str, str]]:
    """(what, source column) of what document numbers are composed with, outermost first."""
    company = proposal.column("company_code")
    parts = [("company_code", company.source)] if company is not None and company.source else []
    for helper in ("_year", "_item"):
        parts += [(helper, source)] if (source := helper_column(case, helper)) else []
    return [(name, source) for name, source in parts if source]


def helper_column(case: Case, helper: str) -> str | None:
    """The source column named like a helper (`_year`, `_sign`, ...)."""
    ranked = [(at, each) for each in case.sample.header if (at := rank(each, synonyms().helper(helper))) is not None]
    return min(ranked)[1] if ranked else None


def _distinct(case: Case, names: list[str]) -> int:
    return int(case.sample.rows.select(names).group_by(names).aggregate([]).num_rows)


def _replacing(proposal: FeedProposal, guess: Guess) -> FeedProposal:
    return replace(proposal, columns=tuple(guess if each.column == guess.column else each for each in proposal.columns))


def with_keys(case: Case, proposal: FeedProposal, delivery: str, *, duplicates: str | None = None) -> FeedProposal:
    """The keys beside the columns: delivery mode, null markers, knowledge, assertions, each with its doubt."""
    keys: dict[str, Any] = {**proposal.keys, "delivery": delivery}
    if duplicates:
        keys["duplicates"] = duplicates
    about = dict(proposal.about)
    nulls = _nulls(case, proposal)
    if nulls:
        keys["nulls"] = ["", *nulls]
        about["nulls"] = ", ".join(f"{marker!r} in {counted(count, 'cell')}" for marker, count in nulls.items())
    proposal = replace(
        proposal,
        columns=tuple(_with_nulls(case, proposal.table.column(each.column), each, tuple(nulls)) for each in proposal.columns),
    )
    known_at = _known_at(proposal)
    if known_at:
        keys["known_at"] = known_at
    rows_min = _half(len(case.sample)) if delivery == "snapshot" and "where" not in keys else 1
    keys["assertions"] = {"rows_min": str(rows_min), "max_rejected_pct": "5"}
    if rows_min > 1:
        about["assertions"] = "rows_min: about half of today's rows, so that an export cut short is refused"
    proposal = replace(proposal, keys=keys, about=about)
    if delivery == "snapshot":
        proposal = proposal.doubting("delivery", "is each file the whole truth? If it holds only new or changed rows, say upsert")
    if known_at == "event_date":
        told = "a first load of history takes each row as known on its date; without this line it is known from its ingest on"
        proposal = proposal.doubting("known_at", told)
    elif known_at:
        proposal = proposal.doubting("known_at", "rows are taken as known on the day they were entered")
    return proposal


def _nulls(case: Case, proposal: FeedProposal) -> dict[str, int]:
    """Null markers that hold for every column the feed reads: none of them uses one as a value. Markers of dates never do."""
    found: dict[str, int] = {}
    used = sorted(proposal.used)
    for marker in synonyms().nulls:
        count = sum(case.profiles[name].nulls.get(marker, 0) for name in used)
        if count and not any(marker in case.profiles[name].values for name in used):
            found[marker] = count
    return found


def _with_nulls(case: Case, column: Column, guess: Guess, everywhere: tuple[str, ...]) -> Guess:
    """Null markers of this column only."""
    if guess.source is None:
        return guess
    source = case.profiles[guess.source]
    own = {marker: count for marker, count in source.nulls.items() if marker and marker not in everywhere}
    if is_id(column) and not column.required:
        own.update({word: count for word, count in source.values.items() if word in NULL_WORDS})
    if not own or "nulls" in guess.spec:
        return guess
    told = ", ".join(f"{marker!r} in {counted(count, 'cell')}" for marker, count in own.items())
    return guess.plus(spec={"nulls": ["", *everywhere, *own]}, evidence=f"null: {told}")


def _known_at(proposal: FeedProposal) -> Any:
    entered, event = proposal.column("entry_date"), proposal.column(proposal.table.event_date or "")
    if entered is not None and entered.spec.get("format") != UNDECIDED and not entered.doubts:
        return {"from": "entry_date"}
    return "event_date" if event is not None else None


def _half(rows: int) -> int:
    """Half of the rows, rounded down to one digit."""
    half = rows // 2
    unit = 10 ** (len(str(half)) - 1)
    return max(1, half // unit * unit)


def unused_columns(case: Case, feeds: tuple[FeedProposal, ...], vetoes: Mapping[str, str]) -> dict[str, str]:
    """Source columns no feed reads, with the reason where there is one."""
    used = {name for each in feeds for name in each.used}
    twice = dict.fromkeys(case.sample.twice, "the header has it more than once")
    return {**{name: vetoes.get(name, "") for name in case.sample.header if name not in used}, **twice}


def _short(names: tuple[str, ...], most: int = 15) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
