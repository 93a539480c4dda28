"""People who decide: who they are, in which role they act, what stands about the customer, and a decision of theirs recorded.

Put here: what every recorded decision shares. Keep out: what may be decided (overrides, limit_verdicts), printing (cli). The
program takes a name as given: who may type it is the business of whoever guards the workspace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn

import duckdb

from risk_pipeline.errors import Refused, RiskError, UsageError
from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.pipeline.ingest import MADE, work_folder
from risk_pipeline.pipeline.made import Maker
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.model import Policy
from risk_pipeline.settings import Workspace
from risk_pipeline.store.feed_store import FeedStore
from risk_pipeline.store.lake import Lake
from risk_pipeline.store.register import Event, Register

TABLES = ("decision.risk_tier", "decision.credit_limit", "mart.current_risk")


@dataclass(frozen=True)
class Person:
    """Somebody named in risk.yaml, and the role in which they act now; `acts_for`: whose role it is when they stand in."""

    name: str
    role: str
    acts_for: str | None = None

    def answers_for(self, name: str) -> bool:
        """Whether that person is this one, or the one they stand in for: two of the four eyes."""
        return name.strip().casefold() in (self.name.casefold(), (self.acts_for or self.name).casefold())

    @property
    def either(self) -> str:
        """To be put behind what the one they stand in for may not."""
        return f", nor {self.name} for them" if self.acts_for else ""


@dataclass(frozen=True)
class Standing:
    """What an assessment published about a customer; amounts in reporting currency.

    `rate`: reporting currency per unit of `currency`, the one the limit is granted in.
    """

    customer_id: str
    name: str | None
    as_of: date
    tier: str
    model_tier: str
    limit: Decimal | None
    computed: Decimal | None
    effective: Decimal | None
    exposure: Decimal
    approval_status: str | None
    required_authority: str | None
    currency: str
    rate: Decimal
    reporting_currency: str
    hold_reasons: str
    status: str | None


@dataclass(frozen=True)
class Desk:
    """Where a decision is taken: the workspace, its register, the policy of the day. The caller holds the workspace lock."""

    workspace: Workspace
    register: Register
    policy: Policy
    day: date
    now: datetime

    @classmethod
    def open(cls, workspace: Workspace, register: Register, now: datetime, day: date | None = None) -> Desk:
        """The desk on `day`, when something is recorded that was said earlier; default: today in the workspace's time zone.

        UsageError for a day that has not come.
        """
        today = now.astimezone(workspace.zone).date()
        if day is not None and day > today:
            raise UsageError(
                f"{day} has not come yet (today is {today})", remedy="leave the date out, or give the day it was said"
            )
        policy = load_policy(workspace.policy_dir, load_catalogue(), version=workspace.settings.policy, as_of=day or today)
        return cls(workspace, register, policy, day or today, now)

    @property
    def store(self) -> FeedStore:
        return FeedStore(Lake(self.workspace.lake), self.register)

    def person(self, name: str, role: str | None = None) -> Person:
        """The person of that name, capitals aside. `role`: one of theirs, or one they stand in for on the day; default: that of
        their own with the most authority, else the first.

        UsageError for somebody risk.yaml does not name, and for a role that they, or the policy, do not have. Refused, and noted,
        for a deputy who may never approve.
        """
        people, wanted = self.workspace.settings.people, name.strip().casefold()
        file = self.workspace.root / "risk.yaml"
        found = next((each for each in people if each.strip().casefold() == wanted), None)
        if found is None:
            known = f"; named there: {', '.join(people)}" if people else ""
            example = "{" + (name.strip() or "anna") + ": [credit_analyst]}"
            raise UsageError(f"{file} names nobody called {name.strip()!r}{known}", remedy=f"add them there: people: {example}")
        unknown = [each for each in people[found] if each not in self.policy.roles]
        if unknown:
            raise UsageError(
                f"{file}: {found} has the role {unknown[0]}, which policy {self.policy.version} does not have",
                remedy=f"its roles are {', '.join(self.policy.roles)}",
            )
        if role is not None and role not in people[found]:
            return self._deputy(found, role)
        levels = [level.role for level in self.policy.authorities.levels]
        highest = max(people[found], key=lambda each: levels.index(each) if each in levels else -1)
        return Person(found.strip(), role or highest)

    def person_among(self, name: str, role: str | None, may: Sequence[str]) -> Person:
        """As `person`; without a role the first of `may` that they have, if any."""
        person = self.person(name, role)
        own = self._roles(person.name)
        fit = next((each for each in may if each in own), None)
        return Person(person.name, fit) if role is None and fit is not None else person

    def _roles(self, name: str) -> tuple[str, ...]:
        return next(roles for each, roles in self.workspace.settings.people.items() if each.strip() == name.strip())

    def _deputy(self, name: str, role: str) -> Person:
        """Somebody who stands in for another in a role that is not theirs."""
        file, most = self.workspace.root / "risk.yaml", self.policy.authorities.deputy_max_days
        same = name.strip().casefold()
        found = [each for each in self.workspace.settings.deputies if each.who.strip().casefold() == same and each.role == role]
        now = next((each for each in found if each.first <= self.day <= each.last), None)
        if now is None:
            when = f"; stands in as such from {found[0].first} until {found[0].last}" if found else ""
            raise UsageError(f"{name} is not {role}{when}", remedy=f"in {file} {name} is {', '.join(self._roles(name))}")
        if (now.last - now.first).days >= most:
            raise UsageError(
                f"{file}: {name} acts for {now.acts_for} from {now.first} until {now.last}, longer than {most} days",
                remedy=f"at most until {now.first + timedelta(days=most - 1)}; then name somebody anew",
            )
        person = Person(name.strip(), role, now.acts_for.strip())
        never = next((each for each in self._roles(name) if each in self.policy.authorities.never_approve), None)
        if never is not None:
            message = f"{name} is {never}, which never approves, not for another either"
            self.deny(person, "deputy.denied", role, "role_never_approves", message, "somebody else stands in")
        return person

    def standing(self, customer_id: str) -> Standing:
        """What the newest assessment up to the day says of a customer; the oldest one when all are later.

        RiskError when nothing is published, UsageError for a customer that is not there.
        """
        snapshot = self.register.current_snapshot()
        if snapshot is None:
            raise RiskError(f"nothing is published yet in {self.workspace.root}", remedy="risk-pipeline run --as-of DATE")
        dates = snapshot.dates()
        newest = max((each for each in dates if each <= self.day), default=dates[0])
        lake = Lake(self.workspace.lake)
        parts = {name: part for name in TABLES if (part := snapshot.part(name, newest)) is not None}
        tier, limit, mart = (str(lake.absolute(parts[name].path)) for name in TABLES)
        with duckdb.connect() as con:
            rows = con.execute(
                "SELECT l.customer_id, m.name, t.as_of, t.tier, t.model_tier, l.limit_reporting, l.computed_limit,"
                " l.effective_limit, l.total_exposure, l.approval_status, l.required_authority, l.currency,"
                " COALESCE(l.fx_rate_used, 1), l.reporting_currency, l.hold_reasons, t.status"
                " FROM read_parquet(?) AS t JOIN read_parquet(?) AS l USING (customer_id) JOIN read_parquet(?) AS m"
                " USING (customer_id) WHERE customer_id = ?",
                [tier, limit, mart, customer_id],
            ).fetchall()
        if not rows:
            raise UsageError(
                f"customer {customer_id} is not in the assessment of {newest}",
                remedy="risk-pipeline show mart.current_risk --columns customer_id,name lists who is",
            )
        return Standing(*rows[0])

    def check_customer(self, customer_id: str | None) -> None:
        """UsageError for a customer who is not in the newest assessment: a misspelt id must not read like good news."""
        if customer_id is not None and self.register.current_snapshot() is not None:
            self.standing(customer_id)

    def record(self, feed: str, row: Mapping[str, Any], event: Event) -> None:
        """Store a row of what was decided with its event, or neither. Refused when it was not stored."""
        with work_folder(self.workspace) as work:
            maker = Maker(self.workspace, self.register, self.store, self.now, work)
            result = maker.deliver(feed, [row], f"{MADE}{feed}", {}, event)
        if result.state != "effective":
            raise Refused(f"the decision was not stored: {result.message}", remedy=result.remedy)

    def event(self, by: Person, action: str, subject: str, **detail: Any) -> Event:
        """An event of the audit log; amounts and dates as text."""
        said = {"role": by.role, "acts_for": by.acts_for, **detail}
        told = {name: _plain(value) for name, value in said.items() if value is not None}
        return Event(at=self.now, actor=by.name, action=action, subject=subject, detail=told)

    def deny(self, by: Person, action: str, subject: str, rule: str, message: str, remedy: str, **detail: Any) -> NoReturn:
        """Refuse what the rules forbid, and keep the attempt in the audit log."""
        self.register.add_event(self.event(by, action, subject, rule=rule, **detail))
        raise Refused(message, remedy=remedy)

    def new_id(self, prefix: str, *parts: str) -> str:
        """A number for a new decision, from what it is about and when."""
        text = "\n".join([*parts, self.now.isoformat()])
        return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, (Decimal, date)) else value
