"""The demo workspace: casts the stories, keeps the books, writes the files and the ground truth.

Put here: how many customers play what and what kind of companies they are. Keep out: behaviour (stories.py), file formats
(export.py), large volumes (bulk.py).
"""

from __future__ import annotations

import math
import shutil
from datetime import date, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from random import Random

from risk_pipeline.demo import names
from risk_pipeline.demo.account import Account
from risk_pipeline.demo.book import Book, Customer, month_ends
from risk_pipeline.demo.evidence import collect
from risk_pipeline.demo.evidence_files import number_papers
from risk_pipeline.demo.export import write_files
from risk_pipeline.demo.mix_up import mix_up
from risk_pipeline.demo.stories import CAST, CUSTOMERS_MIN, MONTHS_MIN, Dates, cast, good_payer
from risk_pipeline.demo.truth import Role, Truth
from risk_pipeline.errors import UsageError

ASSESSED_MONTH_ENDS = 3
_SIZES = ("micro", "small", "small", "medium", "large")
_TERMS = (14, 14, 14, 30, 30, 30, 30, 30, 30, 30, 45, 60)
_GROUP_SIZE = 3
_FIRST_NUMBER = 100_001


def generate(
    out_dir: Path | str, *, seed: int = 7, customers: int = 200, months: int = 24, last_month_end: date = date(2026, 10, 31)
) -> Truth:
    """Write a demo workspace into `out_dir`: risk.yaml, feeds/, data/, correction/ and truth/ground_truth.json.

    The same arguments give the same bytes. The books cover `months` calendar months up to the month of `last_month_end` and
    know nothing after it. UsageError when there are too few customers or months to tell every story.
    """
    if customers < CUSTOMERS_MIN or months < MONTHS_MIN:
        raise UsageError(
            f"a demo of {customers} customers over {months} months cannot hold every story",
            remedy=f"ask for at least {CUSTOMERS_MIN} customers and {MONTHS_MIN} months",
        )
    root = Path(out_dir)
    book = Book(month_ends(last_month_end, months))
    roles = _play(book, customers, seed)
    _add_dates(roles, mix_up(book))
    book.number_documents()
    _add_dates(roles, collect(book, seed, {number: role.dates for number, role in roles.items()}))
    number_papers(book)
    _copy_workspace(root)
    dirty, repeated = write_files(book, root, Random(f"{seed}:files"))
    assessed = tuple(book.month_ends[-ASSESSED_MONTH_ENDS:])
    truth = Truth(
        seed=seed,
        months=months,
        first_day=book.first_day,
        month_ends=assessed,
        customers=dict(sorted(roles.items())),
        dirty_rows=tuple(dirty),
        repeated_rows=repeated,
        open_items={day.isoformat(): book.open_items(day) for day in assessed},
        open_balance={day.isoformat(): book.open_balances(day) for day in assessed},
    )
    truth.write(root)
    return truth


def _play(book: Book, customers: int, seed: int) -> dict[str, Role]:
    """Let every customer live its story; each has random numbers of its own, so that no story disturbs another."""
    numbers = [str(_FIRST_NUMBER + index) for index in range(customers)]
    Random(f"{seed}:numbers").shuffle(numbers)
    namer = names.Namer()
    played: dict[str, int] = {}
    roles: dict[str, Role] = {}
    for number, story in zip(numbers, cast(customers), strict=True):
        rng = Random(f"{seed}:{story}:{number}")
        variant = played.get(story, 0)
        played[story] = variant + 1
        account = Account(book, _customer(book, number, story, variant, namer, rng), rng)
        dates: Dates = CAST[story].tell(account)
        roles[number] = Role(story, dict(dates))
    return roles


def _add_dates(roles: dict[str, Role], added: dict[str, Dates]) -> None:
    """Dates that matter beside those of the story, by customer."""
    for number, dates in added.items():
        roles[number] = Role(roles[number].story, {**roles[number].dates, **dates})


def _customer(book: Book, number: str, story: str, variant: int, namer: names.Namer, rng: Random) -> Customer:
    role = CAST[story]
    country = rng.choice(role.countries.split())
    name, legal_form = namer.company(country, rng)
    registration, scheme = names.registration(country, rng)
    known_for = timedelta(days=rng.randint(400, 4000))
    low, high = role.typical
    in_hundreds = {"CNY": 8.0}.get(names.CURRENCY[country], 1.0) * 100
    customer = Customer(
        number=number,
        story=story,
        variant=variant,
        name=name,
        country=country,
        region=names.region(country, rng),
        registration_number=registration,
        registration_scheme=scheme,
        legal_form=legal_form,
        founded=book.first_day - known_for - timedelta(days=rng.randint(200, 9000)),
        industry=role.industry or rng.choice(names.INDUSTRIES),
        size=rng.choice(role.sizes.split() or _SIZES),
        since=book.first_day - known_for,
        currency=names.CURRENCY[country],
        company=names.COMPANY_CODE.get(country, "DE01"),
        terms=rng.choice(_TERMS),
        typical_cents=round(math.exp(rng.uniform(math.log(low), math.log(high))) * in_hundreds),
        per_month=rng.uniform(*role.per_month),
        manager=f"KAM{rng.randint(1, 6):02d}",
        natural_person="natural_person" in role.flags,
        intercompany="intercompany" in role.flags,
        one_time="one_time" in role.flags,
        public_body="public_body" in role.flags,
        project_business="project_business" in role.flags,
        group=f"GRP{variant // _GROUP_SIZE + 1:02d}" if "group" in role.flags else "",
        in_master="missing_master" not in role.flags,
    )
    _adapt(customer, book, namer, rng)
    return customer


def _adapt(customer: Customer, book: Book, namer: names.Namer, rng: Random) -> None:
    """What the part asks of the company: names of people and towns, terms with discount, due dates left to the terms."""
    if customer.natural_person:
        customer.name, customer.legal_form, customer.registration_scheme = namer.person(rng), "sole_trader", "HRA"
        customer.consent = "refused" if customer.variant % 3 == 2 else "given"
    if customer.public_body:
        customer.name, customer.legal_form = namer.town(rng), "public_body"
    if customer.story == "new_customer":
        customer.since = book.month_ends[-ASSESSED_MONTH_ENDS].replace(day=1)
    if customer.story == "sanctions_match":
        customer.name = names.LIKE_LISTED
    if customer.story == "bust_out":
        customer.since = book.month_ends[-10].replace(day=1)
    if CAST[customer.story].tell is good_payer and customer.variant % 4 == 0:
        customer.terms = 30  # the terms with cash discount are net 30
    if customer.story == "average_payer":
        customer.due_date_given = customer.variant % 5 not in (1, 3)
        customer.terms_code_given = customer.variant % 5 != 3


def _copy_workspace(root: Path) -> None:
    with as_file(files("risk_pipeline.demo") / "workspace") as template:
        shutil.copytree(template, root, dirs_exist_ok=True)
