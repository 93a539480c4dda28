"""The evidence of every customer: what a firm of its story would have on file, and what some have beside that.

Put here: how well a firm does over time (`Course`), how often papers come, and the stories that evidence alone tells. Keep
out: what a paper looks like (dossier.py), how the customer pays (stories.py). What a story adds returns the dates that
matter; they go to the ground truth.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from risk_pipeline.demo.book import Book, Customer, month_ends
from risk_pipeline.demo.dossier import OFTEN_SEARCHED, SEARCHES, Dossier
from risk_pipeline.demo.reference import listed_like_a_customer
from risk_pipeline.demo.stories import BREACH_DAYS, Dates, Decline, Recovery

_SUPPLIERS = ("Ostwerk Stahl", "Kanal Papier", "Marlow Fasteners", "Levant Chemie", "Brückner Energie")
_REPORT_DAYS, _SEARCH_DAYS, _VISIT_DAYS, _CALL_DAYS = 150, 88, 110, 38
_FISCAL_YEAR_BACK = 11  # the newest fiscal year ended that many month ends before the last one: December, for books to October
_OWN_FILE = ("declining_firm", "recovering_firm")  # their stories say everything that is on file
_NO_FILE = ("intercompany", "one_time", "missing_master")  # of these nobody keeps a credit file
_DOCUMENTS = {
    "corporate": ("register_extract", "credit_application", "financial_statement", "tax_certificate"),
    "small": ("register_extract", "credit_application"),
    "sole": ("credit_application", "identity_document"),
}


@dataclass(frozen=True)
class Course:
    """How well a firm does, 0 to 1: `level` until `turns`, then down to `end` within `days`."""

    level: float
    turns: date | None = None
    end: float = 0.0
    days: int = 240

    def on(self, day: date) -> float:
        if self.turns is None or day <= self.turns:
            return self.level
        gone = min((day - self.turns).days / self.days, 1.0)
        return self.level + (self.end - self.level) * gone


_LEVELS: Mapping[str, float] = {  # by story; the others do well
    "average_payer": 0.62, "chinese": 0.62, "multi_currency": 0.68, "bill_payer": 0.62, "overpayer": 0.66, "dormant": 0.66,
    "new_customer": 0.68, "disputer": 0.55, "partial_payer": 0.50, "returner": 0.42, "negative_net_worth": 0.42,
    "contract_breached": 0.60, "bust_out": 0.58, "sued": 0.50, "dishonest_debtor": 0.48, "risky_industry": 0.55,
}  # fmt: skip
_LEVEL_WELL = 0.82


def collect(book: Book, seed: int, dates: Mapping[str, Dates]) -> dict[str, Dates]:
    """File the evidence of all customers. `dates`: of their stories, by customer; returns what the evidence adds to them."""
    added: dict[str, Dates] = {}
    for customer in book.customers:
        if customer.story in _NO_FILE:
            continue
        dossier = Dossier(book, customer, Random(f"{seed}:evidence:{customer.number}"))
        story = TOLD.get(customer.story)
        if customer.story not in _OWN_FILE:
            _usual(dossier, _course(customer, dates[customer.number], dossier.rng))
        if story:
            added[customer.number] = story(dossier)
    _let_searches_hit(book)
    return added


def _let_searches_hit(book: Book) -> None:
    """A search finds what was published before it and is not over."""
    open_on: defaultdict[tuple[str, str], list[tuple[date, date]]] = defaultdict(list)
    for paper in book.papers:
        if paper.file == "findings.csv":
            over = paper.cells["Resolved"] or date.max
            open_on[paper.customer, paper.cells["Kind"]].append((paper.day, over))
    for paper in book.papers:
        if paper.file == "searches.csv" and paper.cells["Result"] == "no_hit":
            found = any(start <= paper.day < over for start, over in open_on[paper.customer, paper.cells["Kind"]])
            paper.cells["Result"] = "hit" if found else "no_hit"


def _course(customer: Customer, dates: Dates, rng: Random) -> Course:
    """Who declines shows it long before it pays late; a sudden default nobody saw coming."""
    level = min(_LEVELS.get(customer.story, _LEVEL_WELL) + rng.uniform(-0.09, 0.07), 0.95)
    match customer.story:
        case "slow_decline" if dates["decline_start"]:
            return Course(level, dates["decline_start"] - timedelta(days=120), 0.08, 420)
        case "distressed_plan" if dates["plan_agreed_on"]:
            return Course(level, dates["plan_agreed_on"] - timedelta(days=330), 0.2, 300)
        case "sudden_default" | "uncollectible" if dates["last_payment_before"]:
            return Course(level, dates["last_payment_before"] + timedelta(days=30), 0.06, 120)
    return Course(level)


def end_of_fiscal_year(book: Book, years_back: int = 0) -> date:
    """The last day of a fiscal year; all customers of the demo have the same."""
    return month_ends(book.last_day, _FISCAL_YEAR_BACK + 12 * years_back)[0]


# -- what is usual -----------------------------------------------------------------------------------------------------------


def _usual(dossier: Dossier, course: Course) -> None:
    """The papers that come in the course of time."""
    story = dossier.customer.story
    _reports(dossier, course)
    _references(dossier, course)
    if story not in ("stale_statement", "negative_net_worth"):
        _statements(dossier, course)
    if story not in ("never_searched", "search_failed"):
        _searches(dossier)
    _contacts(dossier, course)
    _assessments(dossier, course)
    _documents(dossier)
    if story != "contract_breached":
        _contracts(dossier)
    _protection(dossier, course)
    if TOLD.get(story) is None:
        _harmless(dossier)


def _times(dossier: Dossier, every: int, spread: int) -> list[date]:
    """Days about `every` days apart, from before the books or the customer's beginning to the last day."""
    start = max(dossier.book.first_day - timedelta(days=every), dossier.customer.since)
    day = start + timedelta(days=dossier.rng.randint(1, every))
    days = []
    while day <= dossier.book.last_day:
        days.append(day)
        day += timedelta(days=every + dossier.rng.randint(-spread, spread))
    return days


def _reports(dossier: Dossier, course: Course) -> None:
    """Two or three bureau reports a year; of some nobody ordered one, and some the bureau does not know."""
    fate = dossier.rng.random()
    if dossier.customer.public_body or dossier.customer.consent == "refused" or fate < 0.05:
        return
    for day in _times(dossier, _REPORT_DAYS, 12):
        unknown = fate < 0.09
        dossier.report(day, course.on(day + timedelta(days=60)), status="no_hit" if unknown else "hit")
    if fate > 0.95:
        dossier.report(dossier.book.last_day - timedelta(days=9), 0.0, status="error")


def _references(dossier: Dossier, course: Course) -> None:
    if dossier.rng.random() > 0.4:
        return
    sources = dossier.rng.sample(_SUPPLIERS, 3)
    for day in _times(dossier, 300, 20):
        for place, source in enumerate(sources):
            at = day + timedelta(days=place * 4)
            dossier.reference(at, course.on(at + timedelta(days=30)), source, own=place == 2)
        dossier.reference(day, course.on(day), "Demo Merchant Bank", kind="bank")


def _statements(dossier: Dossier, course: Course) -> None:
    """Annual statements four to six months after the year; large firms send half-years too, the smallest none."""
    customer, rng = dossier.customer, dossier.rng
    if customer.natural_person or customer.public_body or customer.size == "micro":
        return
    if customer.size == "small" and rng.random() < 0.4:
        return
    audit = _audit(customer, rng)
    for back in (2, 1, 0):
        end = end_of_fiscal_year(dossier.book, back)
        health = course.on(end)
        received = end + timedelta(days=rng.randint(115, 170))
        growth = 1.03 ** (2 - back) * rng.uniform(0.93, 1.08) * (1.0 if health > 0.55 else 0.75 + 0.45 * health)
        dossier.statement(end, received, health, audit="going_concern" if health < 0.15 else audit, growth=growth)
    if customer.size == "large":
        for back in (12, 0):
            end = month_ends(dossier.book.last_day, _FISCAL_YEAR_BACK - 6 + back)[0]
            dossier.statement(end, end + timedelta(days=rng.randint(55, 85)), course.on(end), months=6, audit="reviewed")


def _audit(customer: Customer, rng: Random) -> str:
    usual = {"large": ("unqualified",), "medium": ("unqualified", "unqualified", "reviewed")}
    return rng.choice(usual.get(customer.size, ("reviewed", "tax_return", "management")))


def _searches(dossier: Dossier) -> None:
    """Court, insolvency and sanctions registers every three months, the others every six; `_let_searches_hit` corrects them."""
    for number, day in enumerate(_times(dossier, _SEARCH_DAYS, 0)):
        for kind in SEARCHES:
            if number % 2 == 0 or kind in OFTEN_SEARCHED:
                dossier.search(day, kind, "no_hit")


def _contacts(dossier: Dossier, course: Course) -> None:
    """Visits, calls and letters; a mail to all customers every quarter; now and then a complaint or a new contact."""
    rng, ends = dossier.rng, dossier.book.last_day
    quiet_from = ends - timedelta(days=250) if dossier.customer.story == "silent_firm" else ends
    for day in _times(dossier, _VISIT_DAYS, 30):
        if day <= quiet_from:
            dossier.event(day, "visit", Direction="out")
    for day in _times(dossier, _CALL_DAYS, 12):
        answered = day <= quiet_from and rng.random() < 0.3 + 0.65 * course.on(day)
        dossier.event(day, "call" if rng.random() < 0.6 else "email", Direction="out", Answered=answered, MassMail=False)
        if rng.random() < 0.03:
            dossier.event(day + timedelta(days=3), "complaint", Direction="in", Upheld=rng.random() < 0.7)
        if rng.random() < 0.03:
            dossier.event(day + timedelta(days=5), "contact_change", Direction="in")
    for day in _times(dossier, 91, 0):
        dossier.event(day, "email", Direction="out", Answered=False, MassMail=True)
    if rng.random() < 0.12:
        day = dossier.book.first_day + timedelta(days=rng.randint(60, 330))
        dossier.event(day, "bank_account_change", Direction="in")
    for day in _times(dossier, 365, 20):
        dossier.event(day, "satisfaction", Direction="in", Value=f"{rng.uniform(3.2, 4.9):.1f}")


def _assessments(dossier: Dossier, course: Course) -> None:
    """Once a year an analyst judges the larger customers."""
    if dossier.customer.size not in ("medium", "large") or dossier.customer.natural_person:
        return
    for day in _times(dossier, 350, 15):
        rating = round(1 + 4 * course.on(day))
        for topic in ("management", "governance", "market_position", "industry_outlook"):
            dossier.assessment(day, topic, rating + dossier.rng.choice((0, 0, -1)))


def _documents(dossier: Dossier) -> None:
    """The credit file: complete for most, one paper missing or out of date for some."""
    customer, rng = dossier.customer, dossier.rng
    large = customer.size in ("medium", "large")
    missing = customer.story != "declining_firm" and rng.random() < 0.12
    for kind in _DOCUMENTS["sole" if customer.natural_person else "corporate" if large else "small"]:
        if missing and kind in ("tax_certificate", "register_extract"):
            continue
        if kind in ("tax_certificate", "financial_statement"):
            for day in _times(dossier, 340, 10):
                dossier.document(day, kind, good_for_days=400)
        else:
            dossier.document(customer.since - timedelta(days=rng.randint(2, 20)), kind)


def _contracts(dossier: Dossier) -> None:
    """A signed contract for most, general terms for some, one that ran out or waits for its signature for a few."""
    customer, rng, last = dossier.customer, dossier.rng, dossier.book.last_day
    fate, start = rng.random(), customer.since
    title, guarantee = rng.random() < 0.4, rng.random() < 0.15
    if fate < 0.2:
        dossier.contract(start, None, kind="general_terms", title=title, events={"signed": start})
    elif fate < 0.26:
        dossier.contract(start, last - timedelta(days=rng.randint(20, 200)), events={"signed": start})
    elif fate < 0.31:
        dossier.contract(max(start, last - timedelta(days=200)), last + timedelta(days=600))
    else:
        signed = start + timedelta(days=rng.randint(0, 9))
        dossier.contract(start, last + timedelta(days=rng.randint(90, 900)), guarantee=guarantee, title=title,
                         events={"signed": signed})  # fmt: skip


def _protection(dossier: Dossier, course: Course) -> None:
    """Insured, secured, or neither."""
    customer, rng, book = dossier.customer, dossier.rng, dossier.book
    month = customer.typical_cents * customer.per_month / 100
    start = max(customer.since, book.first_day - timedelta(days=120))
    fate = rng.random()
    defaults_insured = customer.story == "sudden_default" and customer.variant % 2 == 0
    if defaults_insured or (fate < 0.3 and customer.size in ("medium", "large")):
        stop = course.turns + timedelta(days=200) if course.turns else None
        claim = course.turns + timedelta(days=150) if course.turns and course.days <= 120 else None
        dossier.cover(start, "approved", month * 2.5, cancelled=stop, claim=claim)
    elif fate < 0.36:
        end = max(book.last_day + timedelta(days=rng.randint(-120, 500)), start + timedelta(days=30))
        dossier.security(start, end, "bank_guarantee", month * 1.5, ProviderRating="A")
    elif fate < 0.40:
        dossier.security(start, None, "deposit", month * 0.5, Provider=customer.name)
    elif fate < 0.43 and not customer.natural_person:
        dossier.security(start, None, "pledge", month * 2, Provider=customer.name, FirstDemand=False, Registered=start)
    elif fate < 0.60 and customer.natural_person:
        dossier.security(start, None, "personal_guarantee", month, Provider=customer.name, FirstDemand=False)


def _harmless(dossier: Dossier) -> None:
    """What registers and papers say about most firms: nothing, or nothing that matters."""
    rng, book = dossier.rng, dossier.book
    fate, day = rng.random(), book.first_day + timedelta(days=rng.randint(60, 600))
    if fate < 0.05:
        dossier.lawsuit(day, rng.randint(1, 90), 9000, role="plaintiff")
    elif fate < 0.08:
        dossier.lawsuit(day, rng.randint(1, 90), 3200, CaseType="labour", Resolved=day + timedelta(days=140), Outcome="settled")
    elif fate < 0.11:
        dossier.finding(day, "adverse_media", Severity="high", Review="cleared", Match=0.71, Story="another firm of that name")
    elif fate < 0.14:
        dossier.finding(day, "legal_representative_change", Severity="low")
    elif fate < 0.16:
        dossier.finding(day, "abnormal_operation", Severity="low", Resolved=day + timedelta(days=50))


# -- what some stories add ---------------------------------------------------------------------------------------------------

Told = Callable[[Dossier], Dates]


def declining_firm(dossier: Dossier) -> Dates:
    """First new people, new accounts and silence, then the bureau, then the statement and the insurer, then the payments."""
    when = Decline.of(dossier.book)
    dossier.revenue = max(dossier.revenue, 2_400_000.0)
    _decline_in_behaviour(dossier, when)
    _decline_at_others(dossier, when)
    _decline_in_statements(dossier, when)
    _decline_at_court(dossier, when)
    _documents(dossier)
    since, last = dossier.customer.since, dossier.book.last_day
    dossier.contract(since, last + timedelta(days=300), title=True, events={"signed": since})
    return {"behaviour_from": when.behaviour_from, "bureau_on": when.bureau_on, "statement_on": when.statement_on,
            "late_from": when.late_from, "sued_on": when.sued_on}  # fmt: skip


def _decline_in_behaviour(dossier: Dossier, when: Decline) -> None:
    """Calls are not answered any more, people and accounts change, complaints come that have no ground."""
    for day in _times(dossier, 30, 4):
        dossier.event(day, "call", Direction="out", Answered=day < when.behaviour_from, MassMail=False)
    changes = ("contact_change", "bank_account_change", "address_change", "contact_change", "contact_change") * 2
    for days, kind in zip((4, 12, 20, 48, 86, 124, 162, 200, 238, 276), changes, strict=True):
        dossier.event(when.behaviour_from + timedelta(days=days), kind, Direction="in")
    for days in (9, 15, 21, 27, 82, 142, 202, 262):
        dossier.event(when.behaviour_from + timedelta(days=days), "complaint", Direction="in", Upheld=False)


def _decline_at_others(dossier: Dossier, when: Decline) -> None:
    """The bureau, and the suppliers it asks, see it some months later."""
    for back in (470, 320, 160, 12):
        dossier.report(when.behaviour_from - timedelta(days=back), 0.80)
    dossier.report(when.bureau_on, 0.33)
    dossier.report(when.bureau_on + timedelta(days=125), 0.28)
    for source in _SUPPLIERS[:3]:
        dossier.reference(when.behaviour_from - timedelta(days=60), 0.80, source)
        dossier.reference(when.bureau_on + timedelta(days=20), 0.42, source)


def _decline_in_statements(dossier: Dossier, when: Decline) -> None:
    """Two good years, then a loss; the analysts and the insurer read the statement and act."""
    before = [end_of_fiscal_year(dossier.book, back) for back in (2, 1)]
    for end, growth in zip(before, (0.96, 1.0), strict=True):
        dossier.statement(end, end + timedelta(days=150), 0.78, audit="unqualified", growth=growth)
    dossier.statement(end_of_fiscal_year(dossier.book), when.statement_on, 0.12, audit="qualified", growth=0.78)
    for topic in ("management", "governance", "market_position", "industry_outlook"):
        dossier.assessment(dossier.book.first_day + timedelta(days=320), topic, 4)
        dossier.assessment(when.statement_on + timedelta(days=25), topic, 2)
    cut = when.statement_on + timedelta(days=40)
    dossier.cover(dossier.book.first_day + timedelta(days=30), "approved", 60_000, cancelled=cut)
    dossier.cover(cut, "reduced", 20_000, cancelled=when.late_from + timedelta(days=50))


def _decline_at_court(dossier: Dossier, when: Decline) -> None:
    """Searched and clean for long; then creditors sue."""
    _searches(dossier)
    for place in range(2):
        dossier.lawsuit(when.sued_on + timedelta(days=18 * place), 31 + place, 180_000)


def recovering_firm(dossier: Dossier) -> Dates:
    """Bureau, suppliers, courts and papers see the trouble within a month. Then new money comes, and all is well again."""
    when = Recovery.of(dossier.book)
    for day in _times(dossier, 30, 4):
        dossier.event(day, "call", Direction="out", Answered=not when.late_from <= day < when.paid_on, MassMail=False)
    for place, kind in enumerate(("contact_change", "address_change", "bank_account_change", "contact_change")):
        dossier.event(when.bureau_on + timedelta(days=2 * place), kind, Direction="in")
        dossier.event(when.bureau_on + timedelta(days=3 * place), "complaint", Direction="in", Upheld=False)
    dossier.finding(when.bureau_on + timedelta(days=1), "legal_representative_change", Severity="low")
    for days, health in ((-420, 0.78), (-270, 0.78), (-120, 0.78), (0, 0.24), (75, 0.50), (150, 0.60), (215, 0.74), (280, 0.84)):
        dossier.report(when.bureau_on + timedelta(days=days), health)
    for day, health in (
        (when.late_from - timedelta(days=90), 0.8),
        (when.bureau_on + timedelta(days=4), 0.3),
        (when.better_on, 0.8),
    ):
        for place, source in enumerate(_SUPPLIERS[:3]):
            dossier.reference(day + timedelta(days=place), health, source)
    _trouble_at_court(dossier, when)
    _searches(dossier)
    _documents(dossier)
    since, last = dossier.customer.since, dossier.book.last_day
    dossier.contract(since, last + timedelta(days=200), events={"signed": since})
    return {"bureau_on": when.bureau_on, "better_on": when.better_on}


def _trouble_at_court(dossier: Dossier, when: Recovery) -> None:
    """Two creditors sue, taxes are owed and the papers write about it; the money settles it all."""
    settled = when.paid_on + timedelta(days=9)
    for place in range(2):
        day = when.bureau_on + timedelta(days=2 + 3 * place)
        dossier.lawsuit(day, 88 + place, 24_000, Resolved=settled, Outcome="settled")
    dossier.finding(when.bureau_on + timedelta(days=4), "tax_arrears", Severity="high", Amount=9_000, Resolved=settled)
    dossier.finding(when.bureau_on + timedelta(days=6), "adverse_media", Severity="high", Happened=when.bureau_on,
                    Register="newspaper 1", Story="loses its largest customer")  # fmt: skip


def insolvent(dossier: Dossier) -> Dates:
    """The court opens proceedings while hardly anything is overdue."""
    opened = dossier.book.last_day - timedelta(days=40 + 25 * dossier.customer.variant)
    dossier.finding(opened, "insolvency", Severity="critical", CaseNo=f"40{dossier.customer.variant} IN 77/26",
                    Reviewed=opened + timedelta(days=1))  # fmt: skip
    dossier.search(opened + timedelta(days=1), "insolvency", "hit")
    return {"insolvency_on": opened}


def dishonest_debtor(dossier: Dossier) -> Dates:
    """Pays us, but is on the list of those who can pay a judgment and do not; one got off it again."""
    listed = dossier.book.last_day - timedelta(days=100)
    gone = dossier.book.last_day - timedelta(days=15) if dossier.customer.variant % 2 else None
    case = f"(2026)苏0102执{4100 + dossier.customer.variant}号"
    dossier.finding(listed - timedelta(days=60), "judgment_debtor", Severity="high", CaseNo=case, Amount=260_000, Resolved=gone)
    dossier.finding(listed, "dishonest_judgment_debtor", Severity="critical", CaseNo=case, Resolved=gone)
    dossier.finding(listed + timedelta(days=5), "consumption_restriction", Severity="high", CaseNo=case, Resolved=gone)
    dossier.search(listed + timedelta(days=2), "judgment_debtor", "hit")
    return {"listed_on": listed, "removed_on": gone}


def negative_net_worth(dossier: Dossier) -> Dates:
    """Equity used up by losses; the parent of every second one stands in for it."""
    for back, health, share in ((2, 0.55, 0.16), (1, 0.5, 0.12), (0, 0.3, -0.08)):
        end = end_of_fiscal_year(dossier.book, back)
        dossier.statement(end, end + timedelta(days=140), health, audit="reviewed", equity_share=share)
    received = end_of_fiscal_year(dossier.book) + timedelta(days=140)
    if dossier.customer.variant % 2:
        until = dossier.book.last_day + timedelta(days=400)
        dossier.security(received, until, "parent_guarantee", 150_000, Provider="Parent Holding", FirstDemand=False)
    return {"negative_from": received}


def stale_statement(dossier: Dossier) -> Dates:
    """Sent good statements once, and none since."""
    for back in (3, 2):
        end = end_of_fiscal_year(dossier.book, back)
        dossier.statement(end, end + timedelta(days=150), 0.8, audit="unqualified")
    return {"period_end": end_of_fiscal_year(dossier.book, 2)}


def never_searched(dossier: Dossier) -> Dates:
    """No register was ever asked about it, which is not the same as a clean answer."""
    return {}


def search_failed(dossier: Dossier) -> Dates:
    """Every search ended in an error."""
    days = _times(dossier, _SEARCH_DAYS, 0)
    for day in days:
        for kind in SEARCHES:
            dossier.search(day, kind, "error")
    return {"last_tried_on": days[-1]}


def contract_breached(dossier: Dossier) -> Dates:
    """Resold goods that were still ours."""
    start, day = dossier.customer.since, dossier.book.last_day - timedelta(days=BREACH_DAYS)
    dossier.contract(start, dossier.book.last_day + timedelta(days=400), title=True, events={"signed": start, "breached": day})
    return {"breached_on": day}


def silent_firm(dossier: Dossier) -> Dates:
    """Neither orders nor answers any more; `_contacts` knows."""
    return {"silent_from": dossier.book.last_day - timedelta(days=250)}


def sole_trader(dossier: Dossier) -> Dates:
    """One of them was in trouble long ago: that must not count for ever."""
    if dossier.customer.variant % 4 != 1:
        return {}
    long_ago = dossier.book.first_day - timedelta(days=5 * 365)
    dossier.finding(long_ago, "dishonest_judgment_debtor", Severity="critical", CaseNo="14 M 203/19")
    return {"once_listed_on": long_ago}


def uncollectible(dossier: Dossier) -> Dates:
    """Struck off the company register some time after it vanished."""
    day = dossier.book.last_day - timedelta(days=120)
    dossier.finding(day, "registry_status", Severity="critical", Value="deregistered")
    dossier.search(day + timedelta(days=3), "registry_status", "hit")
    return {"struck_off_on": day}


def bust_out(dossier: Dossier) -> Dates:
    """New people, a new address and a new bank just before the orders grow."""
    start = dossier.book.last_day - timedelta(days=52)
    for place, kind in enumerate(("contact_change", "bank_account_change", "address_change", "contact_change")):
        dossier.event(start + timedelta(days=11 * place), kind, Direction="in")
    dossier.finding(start - timedelta(days=12), "legal_representative_change", Severity="low")
    dossier.finding(start - timedelta(days=4), "shareholder_change", Severity="low")
    return {"changes_from": start}


def sued(dossier: Dossier) -> Dates:
    """Four creditors at court, and the papers write about it, each story in several of them."""
    first = dossier.book.last_day - timedelta(days=260)
    for place in range(4):
        dossier.lawsuit(first + timedelta(days=40 * place), 60 + place, 42_000 + 9000 * place, CaseType="loan")
    for place in range(3):
        dossier.finding(first + timedelta(days=70 + place), "adverse_media", Severity="high", Happened=first + timedelta(days=68),
                        Register=f"newspaper {place + 1}", Story="creditors sue over unpaid loans")  # fmt: skip
    dossier.search(first + timedelta(days=2), "litigation", "hit")
    dossier.finding(first + timedelta(days=120), "tax_arrears", Severity="high", Amount=18_000)
    return {"first_sued_on": first}


def plaintiff(dossier: Dossier) -> Dates:
    """Often at court, always as the one who sues: that is not litigious."""
    first = dossier.book.first_day + timedelta(days=100)
    for place in range(6):
        dossier.lawsuit(first + timedelta(days=80 * place), 10 + place, 25_000, role="plaintiff")
    return {"first_case_on": first}


def sanctions_match(dossier: Dossier) -> Dates:
    """A firm whose name stands on the list (reference.py) in almost the same spelling: taking the list in finds it."""
    return {"listed_on": listed_like_a_customer(dossier.book)}


TOLD: Mapping[str, Told] = {
    "declining_firm": declining_firm,
    "recovering_firm": recovering_firm,
    "insolvent": insolvent,
    "dishonest_debtor": dishonest_debtor,
    "negative_net_worth": negative_net_worth,
    "stale_statement": stale_statement,
    "never_searched": never_searched,
    "search_failed": search_failed,
    "contract_breached": contract_breached,
    "silent_firm": silent_firm,
    "sole_trader": sole_trader,
    "uncollectible": uncollectible,
    "bust_out": bust_out,
    "sued": sued,
    "plaintiff": plaintiff,
    "sanctions_match": sanctions_match,
}
