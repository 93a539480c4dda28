"""What a receivables ledger serves beside invoices: disputes by a flag, credit notes and payments by document type, customers.

Put here: the further feeds of a ledger file, and what is peculiar to its invoices (signs, how items were cleared). Keep out:
feeds that stand on their own (infer) and the form of one column (infer_columns). Pure, as infer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from risk_pipeline.contracts import table
from risk_pipeline.feeds.infer import (
    Case,
    FeedProposal,
    Match,
    Proposal,
    choose_feed,
    helper_column,
    in_order,
    look_at,
    match_by_name,
    propose,
    sources,
    unused_columns,
    with_keys,
)
from risk_pipeline.feeds.infer_columns import Answers, Guess, counted, guess_column
from risk_pipeline.feeds.profile_columns import FIT
from risk_pipeline.feeds.sample import Sample
from risk_pipeline.feeds.synonyms import folded, rank, synonyms

_NO_ATTRIBUTES = ("customer_id", "payer_id", "effective_from", "credit_currency", "contracted_terms_days")


def infer(name: str, sample: Sample, answers: Answers) -> Proposal:
    """Every feed the file could serve, the main one first; with `--feed`, only that one. UsageError when it fits none."""
    case = look_at(name, sample, answers)
    ledger = match_by_name(case, "invoice")
    match = (
        ledger
        if answers.feed in ("dispute", "credit_note", "payment", "customer") and _is_ledger(case, ledger)
        else choose_feed(case)
    )
    feeds = _ledger(case, match) if match.feed == "invoice" else (propose(case, match),)
    vetoes = dict(match.vetoes)
    if answers.feed and any(each.feed == answers.feed for each in feeds):
        feeds = tuple(each for each in feeds if each.feed == answers.feed)
    elif answers.feed and match.feed != answers.feed:
        match = match_by_name(case, answers.feed)
        feeds, vetoes = (propose(case, match),), dict(match.vetoes)
    feeds = _without_totals(case, feeds)
    if match.feed == "invoice":
        vetoes.update(match_by_name(case, "customer").vetoes)
    return Proposal(feeds, unused_columns(case, feeds, vetoes))


def _is_ledger(case: Case, match: Match) -> bool:
    named = set(match.columns)
    return {"invoice_id", "amount"} <= named and bool({"invoice_date", "due_date"} & named)


def _ledger(case: Case, match: Match) -> tuple[FeedProposal, ...]:
    """Invoices, then what else stands in the same file."""
    types = _type_column(case)
    split = _split(case, types) if types else {}
    if split and "doc_type" in match.columns:
        match = replace(match, columns={name: each for name, each in match.columns.items() if name != "doc_type"})
    invoice = _signed(case, propose(case, match))
    others = [_by_type(case, invoice, feed, str(types), codes) for feed, codes in split.items() if feed != "invoice"]
    invoice = _only_invoices(case, invoice, types, split) if types and split else invoice
    invoice = _negative_doubt(case, _cleared(case, invoice))
    further = [_disputes(case, invoice), _customers(case, invoice)]
    return (invoice, *others, *(each for each in further if each is not None))


# Invoices


def _signed(case: Case, invoice: FeedProposal) -> FeedProposal:
    """The debit/credit mark beside the amount, unless the amounts carry their own sign."""
    mark, amount = helper_column(case, "_sign"), invoice.column("amount")
    if mark is None or amount is None or amount.source is None:
        return invoice
    found = {value.upper() for value in case.profiles[mark].values}
    pair = next(((plus, minus) for plus, minus in synonyms().signs if found and found <= {plus, minus}), None)
    numbers = case.profiles[amount.source].numbers
    if pair is None:
        return invoice.doubting(
            "columns", f"{mark} is named like a debit/credit mark, but its values are not known: amounts keep their sign"
        )
    if numbers is not None and numbers.negatives:
        return invoice.doubting(
            "columns", f"{mark} is not applied, since {numbers.negatives:,} amounts carry a minus of their own"
        )
    minus = [value for value in case.profiles[mark].values if value.upper() == pair[1]]
    plus = [value for value in case.profiles[mark].values if value.upper() == pair[0]]
    if not minus:
        minus = [pair[1]]
    sign = {"column": mark, "negative_when": minus, **({"positive_when": plus} if plus else {})}
    count = sum(case.profiles[mark].values.get(value, 0) for value in minus)
    signed = amount.plus(spec={"sign_from": sign}, evidence=f"{count:,} rows are credits by {mark}")
    return _put(invoice, [signed])


def _cleared(case: Case, invoice: FeedProposal) -> FeedProposal:
    """What closed the items, where only a date says that they are closed."""
    cleared = invoice.column("cleared_date")
    if cleared is None or cleared.source is None or invoice.column("clear_kind") is not None:
        return invoice
    if folded(cleared.source) in synonyms().paid_names:
        doubt = (
            f"{cleared.source} is taken to mean paid; leave the line out if items are closed by credit notes or write-offs too"
        )
        return _put(invoice, [Guess("clear_kind", {"value": "payment"}, doubts=(doubt,))])
    doubt = f"{cleared.source} says when items were closed, not by what: neither paid nor lost unless clear_kind is mapped"
    return _put(invoice, [cleared.plus(doubt=doubt)])


def _negative_doubt(case: Case, invoice: FeedProposal) -> FeedProposal:
    amount = invoice.column("amount")
    numbers = case.profiles[amount.source].numbers if amount is not None and amount.source else None
    if amount is None or numbers is None or not numbers.negatives or "where" in invoice.keys:
        return invoice
    told = (
        f"{numbers.negatives:,} amounts are negative: taken as reversals; if they are credit notes, map them as feed credit_note"
    )
    return _put(invoice, [amount.plus(doubt=told)])


# Sums below the table


def _without_totals(case: Case, feeds: tuple[FeedProposal, ...]) -> tuple[FeedProposal, ...]:
    """Leave out rows of sums: a cell says so, and a cell that every row of the feed needs is empty."""
    main = feeds[0]
    needed = {each.source for each in main.columns if main.table.column(each.column).required and each.source}
    for name in case.sample.header:
        words = [value for value in case.profiles[name].values if value.casefold() in synonyms().totals]
        rows = case.sample.rows.filter(_is_one_of(case, name, words)) if words else None
        if rows is None or not all(
            any(not (cell or "").strip() for cell in row.values()) for row in rows.select(sorted(needed)).to_pylist()
        ):
            continue
        where = f"{_text(case, name)} NOT IN ({_listed(words)})"
        told = f"{counted(len(rows), 'row')} of sums ({', '.join(words)}) left out"
        return tuple(_filtered(each, where, told, name) for each in feeds)
    return feeds


def _is_one_of(case: Case, name: str, values: list[str]) -> pa.ChunkedArray:
    cells = pc.utf8_trim_whitespace(pc.fill_null(case.cells(name).cast(pa.string()), ""))
    return pc.is_in(cells, value_set=pa.array(values, pa.string()))


def _filtered(feed: FeedProposal, where: str, told: str, name: str) -> FeedProposal:
    present, about = feed.keys.get("where"), feed.about.get("where")
    return replace(
        feed,
        keys={**feed.keys, "where": f"({present}) AND {where}" if present else where},
        about={**feed.about, "where": "; ".join(filter(None, [about, told]))},
        filters=feed.filters | {name},
    )


# Document types


def _type_column(case: Case) -> str | None:
    names = synonyms().of("invoice", "doc_type")
    ranked = [(at, each) for each in case.sample.header if (at := rank(each, names)) is not None]
    return min(ranked)[1] if ranked else None


def _split(case: Case, types: str) -> dict[str, list[str]]:
    """Feed -> document types, when the file holds credit notes or payments beside invoices; empty otherwise."""
    found: dict[str, list[str]] = {}
    for value in case.profiles[types].values:
        feed = next((feed for feed, words in synonyms().split.items() if value.casefold() in words), None)
        if feed:
            found.setdefault(feed, []).append(value)
    return found if "invoice" in found and len(found) > 1 else {}


def _only_invoices(case: Case, invoice: FeedProposal, types: str, split: Mapping[str, list[str]]) -> FeedProposal:
    """Without the documents that other feeds read; types nobody knows stay, with a doubt."""
    away = [value for feed, codes in split.items() if feed != "invoice" for value in codes]
    unknown = [value for value in case.profiles[types].values if not any(value in codes for codes in split.values())]
    invoice = replace(
        invoice,
        keys={
            **invoice.keys,
            "where": f"{_text(case, types)} NOT IN ({_listed(away)})",
            "assertions": {"rows_min": "1", "max_rejected_pct": "5"},
        },
        about={name: each for name, each in invoice.about.items() if name != "assertions"},
        filters=frozenset({types}),
    )
    invoice = _typed(case, invoice, types, away)
    if unknown:
        cells = sum(case.profiles[types].values[value] for value in unknown)
        return invoice.doubting(
            "where", f"{cells:,} rows of {types} {', '.join(sorted(unknown))} are read as invoices: are they?"
        )
    return invoice


def _typed(case: Case, invoice: FeedProposal, types: str, away: list[str]) -> FeedProposal:
    """The document types that stay, looked up, when all of them are known."""
    column = invoice.table.column("doc_type")
    whole = case.profiles[types]
    kept = replace(whole, values={value: count for value, count in whole.values.items() if value not in away})
    guess = guess_column(column, kept, "by its name", case.answers, case.file)
    # A word nobody knows would reject its rows, and receivables with them.
    return invoice if guess.doubts else _put(invoice, [guess])


def _by_type(case: Case, invoice: FeedProposal, feed: str, types: str, codes: list[str]) -> FeedProposal:
    """Credit notes or payments of the ledger: the columns of its invoices under their own names."""
    date, key = ("credit_date", "credit_note_id") if feed == "credit_note" else ("payment_date", "payment_id")
    renamed = {
        "invoice_id": key,
        "invoice_date": date,
        "customer_id": "customer_id",
        "company_code": "company_code",
        "currency": "currency",
    }
    guesses = [replace(guess, column=new) for old, new in renamed.items() if (guess := invoice.column(old)) is not None]
    entry = invoice.column("entry_date")
    if feed == "payment" and entry is not None:
        guesses.append(entry)
    guesses += _reference(case, invoice, feed)
    amount = invoice.column("amount")
    if amount is not None:
        guesses.append(_positive(case, amount, types, codes))
    where = f"{quoted(types)} IN ({_listed(codes)})"
    target = table(f"feed.{feed}")
    proposal = FeedProposal(feed, in_order(target, guesses), {"where": where}, filters=frozenset({types}))
    proposal = with_keys(case, proposal, "snapshot").doubting("where", f"{types} {', '.join(codes)} is taken to mean {feed}")
    named = _reference_column(case, invoice, feed)
    if named and proposal.column("invoice_id") is None:
        told = f"{named} names the invoice by its bare number, while invoice ids are composed: write a template for invoice_id"
        proposal = proposal.doubting("columns", told)
    return proposal


def _reference(case: Case, invoice: FeedProposal, feed: str) -> list[Guess]:
    """The invoice a credit note or payment refers to, where a column of its own names it as invoices are named here."""
    key, source = invoice.column("invoice_id"), _reference_column(case, invoice, feed)
    if source is None or key is None or key.source is None:
        return []
    column = table(f"feed.{feed}").column("invoice_id")
    return [guess_column(column, case.profiles[source], "by its name", case.answers, case.file)]


def _reference_column(case: Case, invoice: FeedProposal, feed: str) -> str | None:
    key = invoice.column("invoice_id")
    taken = set(sources(key)) if key is not None else set()
    names = synonyms().of(feed, "invoice_id")
    ranked = [(at, each) for each in case.sample.header if (at := rank(each, names)) is not None and each not in taken]
    return min(ranked)[1] if ranked else None


def _positive(case: Case, amount: Guess, types: str, codes: list[str]) -> Guess:
    """The amount turned positive where these documents are negative in the ledger."""
    rows = case.sample.rows.filter(_is_one_of(case, types, codes))
    cells = [(each or "").strip() for each in rows.column(amount.source).to_pylist()] if amount.source else []
    sign = amount.spec.get("sign_from")
    if sign:
        negative = sum((each or "").strip() in sign["negative_when"] for each in rows.column(sign["column"]).to_pylist())
    else:
        negative = sum(each.startswith(("-", "(")) or each.endswith("-") for each in cells)
    if negative * 2 > len(cells):
        return amount.plus(spec={"negate": "true"}, evidence="negative in the ledger, positive here")
    return amount


# Disputes and customers


def _disputes(case: Case, invoice: FeedProposal) -> FeedProposal | None:
    """Disputes, where a flag marks disputed invoices: open from the invoice date until the item is cleared, over its amount."""
    flag = helper_column(case, "_disputed")
    lookup = case.profiles[flag].flags() if flag else None
    key, date, amount = (invoice.column(name) for name in ("invoice_id", "invoice_date", "amount"))
    if flag is None or lookup is None or key is None or date is None or amount is None:
        return None
    yes = [value for value, meaning in lookup.items() if meaning == "true"]
    template = "D" + (str(key.spec["template"]) if "template" in key.spec else f"{{{key.source}}}")
    guesses = [Guess("dispute_id", {"template": template}, ("one dispute for each disputed invoice",)), key]
    guesses += [each for name in ("customer_id", "currency") if (each := invoice.column(name)) is not None]
    own = match_by_name(case, "dispute")
    opened, resolved = own.source("opened_date"), own.source("resolved_date")
    target = table("feed.dispute")
    if opened and opened not in sources(date):
        guesses.append(guess_column(target.column("opened_date"), case.profiles[opened], "by its name", case.answers, case.file))
    else:
        told = f"the file has no date of the dispute: {date.source} stands for the day it was raised"
        guesses.append(replace(date, column="opened_date").plus(doubt=told))
    cleared = invoice.column("cleared_date")
    if resolved and (cleared is None or resolved not in sources(cleared)):
        guesses.append(
            guess_column(target.column("resolved_date"), case.profiles[resolved], "by its name", case.answers, case.file)
        )
    elif cleared is not None:
        told = f"the dispute is taken to end when the invoice is cleared ({cleared.source})"
        guesses.append(Guess("resolved_date", cleared.spec, cleared.evidence, (told,), cleared.questions))
    guesses.append(amount.plus(doubt="the whole invoice is taken as disputed"))
    where = f"{quoted(flag)} = {_listed(yes)}" if len(yes) == 1 else f"{quoted(flag)} IN ({_listed(yes)})"
    count = sum(case.profiles[flag].values[value] for value in yes if value in case.profiles[flag].values)
    proposal = FeedProposal("dispute", in_order(target, guesses), {"where": where}, filters=frozenset({flag}))
    proposal = replace(proposal, about={"where": f"{count:,} of {len(case.sample):,} rows"})
    return with_keys(case, proposal, "snapshot")


def _customers(case: Case, invoice: FeedProposal) -> FeedProposal | None:
    """Customers, where the ledger repeats their attributes on each row: the most frequent ones count."""
    customer = invoice.column("customer_id")
    if customer is None or customer.source is None:
        return None
    match = match_by_name(case, "customer")
    attributes = {
        name: source
        for name, (source, _) in match.columns.items()
        if name not in _NO_ATTRIBUTES and source not in invoice.used and case.profiles[source].values
    }
    steady = {name: source for name, source in attributes.items() if _is_steady(case, customer.source, source)}
    if not steady:
        return None
    target = table("feed.customer")
    guesses = [customer]
    guesses += [
        guess_column(target.column(name), case.profiles[source], "by its name", case.answers, case.file)
        for name, source in steady.items()
    ]
    proposal = with_keys(case, FeedProposal("customer", in_order(target, guesses), {}), "upsert", duplicates="most_frequent")
    return proposal.doubting("duplicates", "a customer stands on many rows; of different values the most frequent counts")


def _is_steady(case: Case, customer: str, attribute: str) -> bool:
    """Does almost every customer have one value?"""
    pairs = case.sample.rows.select([customer, attribute]).group_by([customer, attribute]).aggregate([]).group_by(customer)
    counts = pairs.aggregate([(attribute, "count")]).column(f"{attribute}_count").to_pylist()
    return sum(count == 1 for count in counts) >= FIT * len(counts)


# Small things


_IDENTIFIER = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Reserved words of DuckDB that columns are called.
_RESERVED = frozenset(
    "all any case check column constraint default desc describe end for from group in limit not null offset on only or"
    " order primary references select show some table then to true unique using when where with".split()
)


def quoted(name: str) -> str:
    """A source column in a `where`, in quotes where it needs them."""
    if _IDENTIFIER.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _text(case: Case, name: str) -> str:
    """A source column in a `where` that keeps rows where it is not given: NULL is neither in a list nor outside it."""
    return f"coalesce({quoted(name)}, '')" if case.cells(name).null_count else quoted(name)


def _listed(values: Iterable[str]) -> str:
    return ", ".join("'" + each.replace("'", "''") + "'" for each in values)


def _put(proposal: FeedProposal, guesses: list[Guess]) -> FeedProposal:
    names = {each.column for each in guesses}
    kept = [each for each in proposal.columns if each.column not in names]
    return replace(proposal, columns=in_order(proposal.table, [*kept, *guesses]))
