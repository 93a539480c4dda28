"""The shape of a policy file: every key, its type and the rules one key must keep by itself.

Put here: the pydantic models of the policy YAML. Keep out: rules between keys and against the contracts (lint.py), reading
files (load.py), the language of `when` (expression.py), and any computation with the values (decision/). Unknown keys are
refused, so a misspelt rule cannot be silently without effect. Amounts are in reporting currency; `*_pct` is percent,
`*_share` a fraction of 1.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints, model_validator

MINOR_PER_UNIT = 100  # money is DECIMAL(18,2) in every currency, so decisions count in hundredths
UNRATED = "unrated"
NOT_RATED = "not_rated"


def minor_units(amount: Decimal) -> int:
    """An amount of the policy in minor units (hundredths), the unit of all money inside decisions."""
    return int(amount * MINOR_PER_UNIT)


def _two_decimals(value: Decimal) -> Decimal:
    if value != value.quantize(Decimal("0.01")):
        raise ValueError("at most 2 decimals are allowed")
    return value


class Model(BaseModel):
    """Base of every part of a policy: unknown keys refused, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]  # no comma: ids are joined by commas in results
Amount = Annotated[Decimal, Field(ge=0, lt=Decimal(10) ** 13), AfterValidator(_two_decimals)]
Points = Annotated[StrictInt, Field(ge=0, le=100)]
Days = Annotated[StrictInt, Field(ge=0, le=36500)]
Percent = Annotated[float, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]
ScorePoints = Annotated[Decimal, Field(ge=0, le=100), AfterValidator(_two_decimals)]
Cycle = Literal["monthly_statement", "per_invoice", "prepayment"]
RiskType = Literal["credit", "operational", "market", "legal", "reputation"]


class Label(Model):
    """A text people read, in both languages."""

    en: Text
    zh: Text


class DayRules(Model):
    """How days late are counted (factor SQL reads these)."""

    class Residual(Model):
        """A rest that is small enough to count as settled: at most the larger of the two."""

        abs: Amount
        share: Share

    grace_days: Days
    dispute_shield_days: Days
    settled_residual: Residual


class Materiality(Model):
    """Debt below max(abs, share_of_exposure x open exposure) is not material; natural_person_abs stands for abs there."""

    abs: Annotated[Amount, Field(gt=0)]
    share_of_exposure: Share
    natural_person_abs: Annotated[Amount, Field(gt=0)]


class Exposure(Model):
    """What counts as exposure, and with which weight (factor SQL reads these)."""

    class Components(Model):
        """Weight of each component of total_exposure; negative = reduces it."""

        open_items: float
        bills_in_hand_commercial: float
        bills_in_hand_bank: float
        discounted_or_endorsed_with_recourse: float
        factored_with_recourse: float
        factored_without_recourse: float
        delivered_not_invoiced: float
        open_orders: float
        retention: float
        unapplied_cash: float
        unapplied_credits: float
        advance_payments_received: float

    components: Components
    open_orders_within_days: Days


class DefaultEvent(Model):
    """One event that is a default, while `when` holds."""

    id: Name
    when: Text


class DefaultDefinition(Model):
    """The "bad" of every PD: a customer is in default while an event holds, and until it is cured (`cure`)."""

    events: Annotated[tuple[DefaultEvent, ...], Field(min_length=1, max_length=60)]


class Cure(Model):
    """How long proof (no cause, no material debt past due) must last before a default or a suspension is over, and what follows.

    `first_tier_after` is the best tier while the customer is on probation; null = no ceiling.
    """

    class InDefault(Model):
        """`wait_days` from the first assessment that saw the proof; `wait_days_after`: longer, after these default events."""

        wait_days: Days
        wait_days_after: dict[Name, Days] = {}
        first_tier_after: Name | None = None

        def waits_for(self, event: str) -> int:
            """Days to wait after the default event of that id."""
            return self.wait_days_after.get(event, self.wait_days)

    class AfterKnockouts(Model):
        """What a suspension by one of `knockouts` waits for once it no longer holds. Others wait as `in_default` says."""

        id: Name
        knockouts: Annotated[tuple[Name, ...], Field(min_length=1)]
        wait_days: Days
        first_tier_after: Name | None

    class Probation(Model):
        """After the cure: `periods` month ends with no material debt over `max_dpd` days past due and no new knock-out, at a part
        of the limit.
        """

        periods: Annotated[StrictInt, Field(ge=1)]
        max_dpd: Days
        limit_factor: Share

    in_default: InDefault
    after: tuple[AfterKnockouts, ...] = ()
    probation: Probation


SYSTEM = "system"
ACTIVE, PROBATION, SUSPENDED, EXIT_PROPOSED, TERMINATED = "active", "probation", "suspended", "exit_proposed", "terminated"
Status = Literal["active", "probation", "suspended", "exit_proposed", "terminated"]


class CustomerState(Model):
    """What a state of a customer means beside score and knock-outs: the best tier, and what is left of the limit."""

    label: Label
    ceiling: Name | None = None
    limit: Literal["none", "secured_only", "zero"] = "none"


class Edge(Model):
    """One way from a state to another while `when` holds. `by`: system, or the lowest role whose verdict it takes.

    `verdict`: approved takes an approved proposal of the state `to`; rejected takes the rejection of every other state that
    people may approve from here (such a proposal is over, and the customer goes back).
    """

    id: Name
    source: Annotated[Status, Field(alias="from")]
    to: Status
    when: Text
    by: Name
    verdict: Literal["approved", "rejected"] = "approved"
    reason: Label


class Exit(Model):
    """The states of a customer and the only ways between them. Of a state the first edge that holds is taken, one in a run."""

    states: dict[Status, CustomerState] = {}
    edges: Annotated[tuple[Edge, ...], Field(max_length=60)] = ()

    @property
    def by_status(self) -> list[tuple[str, CustomerState]]:
        """Every state there is with its meaning; one that is not listed means nothing beyond score and knock-outs."""
        plain = CustomerState(label=Label(en="-", zh="-"))
        return [(name, self.states.get(name, plain)) for name in get_args(Status)]


class Segment(Model):
    """Customers that share a scorecard; the first segment whose `when` holds takes the customer.

    With `stays_months` a customer also stays that long after the last assessment at which `when` held: who stops sending
    accounts does not change to an easier scorecard.
    """

    id: Name
    when: Text
    scorecard: Name
    caps_and_terms_of: Name
    ceiling: Name | None = None
    stays_months: Annotated[StrictInt, Field(ge=1, le=120)] | None = None


class Outside(Model):
    """Customers that are never scored, and the reason told for it. `limit` names who decides the limit instead of this policy."""

    id: Name
    when: Text
    tier: Literal["not_rated", "unrated"]
    limit: Name | None = None
    terms: Literal["prepayment"] | None = None
    reason: Label

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.tier == NOT_RATED) != (self.limit is not None):
            raise ValueError("`limit` names who sets the limit of a not_rated customer: give it there, and only there")
        if self.tier == NOT_RATED and self.terms is not None:
            raise ValueError("a not_rated customer has no terms of this policy")
        return self


class Bin(Model):
    """Values up to and including `le` (and above the bin before) get `points`; the last bin is open."""

    le: float | None = None
    points: Points


def _bins_in_order(bins: tuple[Bin, ...]) -> tuple[Bin, ...]:
    edges = [b.le for b in bins[:-1] if b.le is not None]
    if bins[-1].le is not None:
        raise ValueError("the last bin must be open (no `le`), or values above it would have no points")
    if len(edges) < len(bins) - 1:
        raise ValueError("only the last bin may be open: give every other bin its upper bound `le`")
    if edges != sorted(set(edges)):
        raise ValueError(f"upper bounds must rise from bin to bin, found {', '.join(f'{edge:g}' for edge in edges)}")
    return bins


class Missing(Model):
    """What an unknown value does: neutral points, leave the card, the worst points, or no rating at all."""

    policy: Literal["neutral", "reweight", "worst", "block"]
    points: Points | None = None

    @model_validator(mode="after")
    def _points_where_neutral(self) -> Self:
        if (self.policy == "neutral") != (self.points is not None):
            raise ValueError("`points` belongs to policy neutral, and only there")
        return self


ELSE = "else"


class FactorRule(Model):
    """How one factor scores: numbers by `bins`, categories by `values` (`else` takes every other one).

    `special` is asked before them; `missing` for NULL without a special code.
    """

    bins: Annotated[tuple[Bin, ...], Field(min_length=1), AfterValidator(_bins_in_order)] | None = None
    values: dict[Text, Points] | None = None
    special: dict[Name, Points | Literal["reweight"]]
    missing: Missing
    max_age_days: Annotated[StrictInt, Field(ge=1)] | None
    stale: Literal["drop", "decay", "flag"]

    @model_validator(mode="after")
    def _bins_or_values(self) -> Self:
        if (self.bins is None) == (self.values is None):
            raise ValueError("a factor scores either by `bins` (numbers) or by `values` (categories)")
        if self.values is not None and ELSE not in self.values:
            raise ValueError(f"`values` needs `{ELSE}`, the points of every category that is not named")
        return self

    @property
    def edges(self) -> list[float]:
        """Upper bounds of all bins but the last; empty for categories."""
        return [b.le for b in self.bins or () if b.le is not None]

    @property
    def categories(self) -> list[str]:
        """The named categories, `else` last; empty for numbers."""
        return sorted(self.values or (), key=ELSE.__eq__)  # a stored policy has its keys by name

    @property
    def points(self) -> list[int]:
        """Points of each bin, or of each category, in their order."""
        return [b.points for b in self.bins] if self.bins is not None else [(self.values or {})[name] for name in self.categories]


class Score(Model):
    """When a score stands. Codes in `not_applicable_codes` leave the coverage; every other lack of a value lowers it."""

    min_coverage_pct: Percent
    max_reweight_factor: Annotated[float, Field(ge=1)]
    not_applicable_codes: tuple[Name, ...]


class Calibration(Model):
    """PD = 1 / (1 + exp(intercept + slope x score)), kept within [pd_floor, pd_cap].

    With `central_tendency` the curve is moved from the default rate of the data it was fitted on to the long-run one: odds
    good:bad are multiplied by odds(long_run) / odds(fitted_on).
    """

    class CentralTendency(Model):
        """Default rates of a year: of the data the curve was fitted on, and over a whole cycle."""

        fitted_on: Probability
        long_run: Probability

    intercept: float
    slope: Annotated[float, Field(gt=0)]
    central_tendency: CentralTendency | None = None
    pd_floor: Probability
    pd_cap: Probability

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.pd_floor >= self.pd_cap:
            raise ValueError("pd_floor must be below pd_cap")
        return self


class Scaling(Model):
    """Display score: `base_score` at the base odds, plus `pdo` points for every doubling of the odds good:bad."""

    pdo: Annotated[float, Field(gt=0)]
    base_score: float
    base_odds_good_to_bad: Annotated[float, Field(gt=0)]


class Grade(Model):
    """Grade of the master scale: PDs up to and including `pd_le`. For display; the tier comes from the score."""

    grade: Text
    pd_le: Annotated[float, Field(gt=0, le=1)]


class Tier(Model):
    """A risk tier: scores from `score_from` (inclusive) up to the next better. `fallback_pd` stands where there is no score."""

    id: Name
    score_from: ScorePoints
    label: Label
    fallback_pd: Probability | None = None


class Unrated(Model):
    """Customers whose evidence carries no score. They rank as `ranks_as` wherever tiers are compared."""

    label: Label
    ranks_as: Name
    reason: Label


class NotRated(Model):
    """Customers outside every portfolio figure (intercompany)."""

    label: Label


class Knockout(Model):
    """A rule that beats the score. `ceiling`: best tier allowed. `limit`: zero and secured_only are hard stops. `state`: what the
    customer should become; the edges of `exit` say whether it does.
    """

    id: Name
    when: Text
    ceiling: Name | None
    limit: Literal["none", "secured_only", "zero"]
    hold: bool
    state: Literal["suspended", "exit_proposed"] | None = None
    reason: Label

    @property
    def stops_limit(self) -> bool:
        """Whether there is no unsecured limit: `zero` and `secured_only` are hard stops."""
        return self.limit != "none"

    @property
    def is_verdict(self) -> bool:
        """Whether it says something of the customer. One that only holds orders, such as a possible hit on a list, does not."""
        return self.ceiling is not None or self.stops_limit or self.state is not None


class Hysteresis(Model):
    """A tier goes down at once; it climbs one step when the score was `upgrade_buffer_points` over the border of that step at
    `periods_to_upgrade` calendar month ends in a row, `cooldown_days_after_downgrade` after the last step down.
    """

    upgrade_buffer_points: ScorePoints
    periods_to_upgrade: Annotated[StrictInt, Field(ge=1)]
    cooldown_days_after_downgrade: Days


class Need(Model):
    """What the customer needs: sales over the credit period, or the approved request while there are too few sales."""

    class SalesBalance(Model):
        """max(avg_monthly_sales_12m, avg_monthly_sales_3m) x max(min_days, terms + tolerance) / 30."""

        min_days: Days

    class Requested(Model):
        """Stands for sales_balance while months_since_first_invoice is below this, or unknown."""

        months_of_sales_below: Annotated[StrictInt, Field(ge=0)]

    sales_balance: SalesBalance
    requested: Requested


class Capacity(Model):
    """What the customer can bear."""

    class ExpectedLoss(Model):
        """budget_share_of_sales_12m x sales of 12 months / (PD x lgd)."""

        budget_share_of_sales_12m: Share
        lgd: Annotated[float, Field(gt=0, le=1)]

    class BureauRecommendation(Model):
        """`share` by tier of the limit the bureau recommends, while its report is at most `max_age_days` old."""

        share: dict[Name, Share]
        max_age_days: Days

    tangible_net_worth_share: dict[Name, Share]
    turnover_share: dict[Name, Share]
    bureau_recommendation: BureauRecommendation
    expected_loss: ExpectedLoss
    tier_cap: dict[Name, dict[Name, Amount]]


class NewCustomerCap(Model):
    """Cap by class of customer while the relationship is shorter than `until_months`."""

    until_months: Annotated[StrictInt, Field(ge=0)]
    caps: dict[Name, Amount]


class RoundingStep(Model):
    """Limits below `below` are rounded down to a multiple of `to`; the last step is open."""

    below: Amount | None = None
    to: Annotated[Amount, Field(gt=0)]


class Rounding(Model):
    """Always down: a limit is never rounded above what need and capacity allow."""

    steps: Annotated[tuple[RoundingStep, ...], Field(min_length=1)]


class Floor(Model):
    """A limit below `smallest_limit` is not worth granting and becomes 0."""

    smallest_limit: Amount


class MoveCaps(Model):
    """How far a limit moves in one calendar month: up by a share or by a free amount, whichever is more; down by a share while
    the tier stands, no knock-out holds and only the need fell.
    """

    raise_share_per_period: Share
    raise_abs_free: Amount
    cut_share_same_tier: Share


class Manual(Model):
    """An approved limit by hand: at most this share of the computed one, for at most so many days."""

    max_share_of_computed: Annotated[float, Field(ge=1, le=10)]
    expiry_days: Days


class Temporary(Model):
    """An approved limit for a time: at most this share over the computed one, for at most so many days, in these tiers."""

    max_share_over: Share
    max_days: Days
    tiers: tuple[Name, ...]


class GroupCap(Model):
    """What the members of a group may have together: the tier cap of this class at the tier of the ultimate parent."""

    caps_of: Name


class Limits(Model):
    """credit_limit = min(need, min(capacity) + secured), then the steps of decision/limits.py."""

    need: Need
    tolerance_days: dict[Name, Days]
    capacity: Capacity
    group: GroupCap
    new_customer_cap: NewCustomerCap
    move_caps: MoveCaps
    dead_band_share: Share
    manual: Manual
    temporary: Temporary
    rounding: Rounding
    floor: Floor
    validity_days: dict[Name, Days]

    @model_validator(mode="after")
    def _group_class_has_caps(self) -> Self:
        if self.group.caps_of not in self.capacity.tier_cap:
            raise ValueError(f"group.caps_of: capacity.tier_cap has no class {self.group.caps_of}")
        return self


class Authorities(Model):
    """Who may approve how much. `auto`: computed limits up to this amount by tier need nobody. Levels from the lowest.

    Roles in `never_approve` ask and never approve. A verdict on a computed limit counts for `verdict_days`. `policy_roles` may
    approve a version of the policy; empty = every level may. A deputy acts for at most `deputy_max_days` (risk.yaml `deputies`).
    """

    class Level(Model):
        """`up_to` by tier, of the total limit; null = any amount."""

        role: Name
        up_to: dict[Name, Amount | None]

    auto: dict[Name, Amount]
    levels: Annotated[tuple[Level, ...], Field(min_length=1)]
    never_approve: tuple[Name, ...] = ()
    policy_roles: tuple[Name, ...] = ()
    verdict_days: Days = 90
    deputy_max_days: Days = 30

    def at_least(self, roles: tuple[str, ...]) -> tuple[str, ...]:
        """The levels that may do what `roles` may: those, and every level above the lowest of them."""
        names = [level.role for level in self.levels]
        lowest = min((names.index(role) for role in roles if role in names), default=len(names))
        return tuple(names[lowest:])


Duty = Literal[
    "policy_author_approves",
    "policy_approval_unrecorded",
    "override_requester_approves",
    "limit_requester_approves",
    "customer_state_requester_approves",
    "finding_cleared_by_confirmer",
    "launcher_approves",
]


class Duties(Model):
    """Duties of two people. A breach of one in `block` forbids the publication of the run that rests on it; others are told."""

    block: tuple[Duty, ...] = ()


class Notches(Model):
    """Tiers moved by hand: how far up and down, how long at most, why, and whose approval it takes.

    `roles_up`, `roles_down`: who may approve; a higher level of `authorities` may too. The reason codes are those of every
    override.
    """

    max_up: Annotated[StrictInt, Field(ge=0, le=3)] = 1
    max_down: Annotated[StrictInt, Field(ge=0, le=3)] = 2
    expiry_days_up: Annotated[StrictInt, Field(ge=1, le=3650)] = 90
    expiry_days_down: Annotated[StrictInt, Field(ge=1, le=3650)] = 180
    reason_codes: Annotated[dict[Name, Label], Field(min_length=1)]
    roles_up: Annotated[tuple[Name, ...], Field(min_length=1)]
    roles_down: Annotated[tuple[Name, ...], Field(min_length=1)]


class Screening(Model):
    """How customers are searched on sanctions lists. A hit is a finding from `threshold` (likeness 0 to 1) upwards.

    `sources`: lists every customer must be searched on; one of them that was never delivered makes the search an error. Lists
    beyond these are searched too. A list whose file is older than `max_list_age_days` gives an error instead of "nothing found".
    """

    threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    max_list_age_days: Annotated[StrictInt, Field(ge=1, le=3650)] = 45
    sources: tuple[Text, ...] = ()


RiskClass = Annotated[StrictInt, Field(ge=1, le=5)]


class IndustryClasses(Model):
    """Risk class of an industry, 1 best to 5 worst: the longest prefix of its code in the same scheme, else `default`."""

    default: RiskClass = 3
    by_scheme: dict[Text, dict[Text, RiskClass]] = {}


class StatementUsable(Model):
    """Which financial statements count: how old at most (from period_end), how many months at least, how well they balance."""

    max_age_days_from_period_end: Days = 540
    months_min: Annotated[StrictInt, Field(ge=1, le=24)] = 6
    balance_check_tolerance_share: Share = 0.01


class Evidence(Model):
    """What of the evidence counts, and for how long (factor SQL reads these).

    Adverse facts on natural persons lapse `adverse_years_natural_person` after they were published. Claims below
    `minor_claim` and labour cases are no sign of distress. A bureau report older than `bureau_max_age_days` is not used.
    A payment is a round sum when it is a multiple of `round_sum` in its own currency, and part of a split one when it is at
    least half of `split_threshold` (reporting currency), below it, and not the only such payment of the day.
    """

    adverse_years_natural_person: Annotated[StrictInt, Field(ge=1, le=30)] = 5
    minor_claim: Amount = Decimal(5000)
    bureau_max_age_days: Days = 360
    round_sum: Annotated[Amount, Field(gt=0)] = Decimal(1000)
    split_threshold: Annotated[Amount, Field(gt=0)] = Decimal(10000)
    bureau_preference: tuple[Text, ...] = ()
    required_documents: dict[Literal["corporate", "small", "sole"], tuple[Text, ...]] = {}  # as factor.due_diligence tells them


SecurityKind = Literal[
    "deposit",
    "bank_guarantee",
    "standby_letter_of_credit",
    "insurance",
    "parent_guarantee",
    "personal_guarantee",
    "mortgage",
    "pledge",
    "bank_acceptance_bill",
    "commercial_acceptance_bill",
    "retention_of_title",
]


class Mitigant(Model):
    """A kind of security: what it loses (`haircut`), and what it must prove to count in a limit (factor SQL reads these).

    `first_demand`: payable without proof of the debt. `provider_rated`: the bank behind it has one of `accepted_ratings`.
    `claim_days_after_terms`: it can still be called so many days after a delivery of today falls due. `registered`: entered in
    the register. `valuation_max_age_days`: valued at most so long ago. `guarantor_tiers`: the guarantor is a customer whose last
    published tier is one of these. `guarantor_accounts`: and whose accounts are usable. `spouse`: the spouse signed, where
    `spouse_countries` ask for it. `acceptor_listed`: the accepting bank is on the bank_list. `maturity_max_days`: due so soon.
    Insurance only: `cover_pct` and `max_extension_days` stand where the insurer's decision names none.
    """

    kind: SecurityKind
    haircut: Share
    first_demand: bool = False
    provider_rated: bool = False
    claim_days_after_terms: Days | None = None
    registered: bool = False
    valuation_max_age_days: Days | None = None
    guarantor_tiers: tuple[Name, ...] = ()
    guarantor_accounts: bool = False
    spouse: bool = False
    acceptor_listed: bool = False
    maturity_max_days: Days | None = None
    cover_pct: Percent | None = None
    max_extension_days: Days | None = None

    @model_validator(mode="after")
    def _insurance(self) -> Self:
        given = (self.cover_pct is not None, self.max_extension_days is not None)
        if given != ((self.kind == "insurance"),) * 2:
            raise ValueError("`cover_pct` and `max_extension_days` belong to kind insurance, and only there")
        return self


class Mitigants(Model):
    """Security in a limit: sum of (value - prior claims) x cover x (1 - haircut) over the securities that count.

    A security in another currency than the customer's credit currency loses `currency_mismatch_haircut` more. A security that
    began at most `renewal_days` before another ran out replaces it. A kind that is not listed does not count.
    """

    currency_mismatch_haircut: Share = 0.08
    renewal_days: Days = 60
    kinds: tuple[Mitigant, ...] = ()
    accepted_ratings: tuple[Text, ...] = ()
    spouse_countries: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")], ...] = ()


Terms = tuple[Days, Cycle, Annotated[StrictInt, Field(ge=0, le=100)]]  # payment_terms_days, settlement_cycle, prepayment_pct


class LegalCap(Model):
    """Payment terms the law allows at most, while `when` holds. `unless_agreed`: longer ones agreed by contract may stand."""

    id: Name
    when: Text
    max_days: Days
    unless_agreed: bool = False
    reason: Label


class Shorten(Model):
    """Shorter terms are proposed where the need is more than capacity and security: the longest of `steps` at which the sales of
    a month x (days + tolerance) / 30 fit the limit.
    """

    steps: Annotated[tuple[Days, ...], Field(min_length=1)]
    owner: Name
    days: Days
    reason: Label


class TermsRules(Model):
    """What moves the terms away from those of tier and class."""

    legal_caps: Annotated[tuple[LegalCap, ...], Field(max_length=60)] = ()
    shorten: Shorten | None = None


class Incentive(Model):
    """What a customer gets after `periods` month ends in a row in `tier`: longer terms, a better price class, an action."""

    id: Name
    tier: Name
    periods: Annotated[StrictInt, Field(ge=1, le=120)]
    longer_terms_days: Days = 0
    price_class: Annotated[StrictInt, Field(ge=-5, le=0)] = 0
    action: Name | None = None
    owner: Name | None = None
    days: Days = 90
    reason: Label

    @model_validator(mode="after")
    def _action_and_owner(self) -> Self:
        if (self.action is None) != (self.owner is None):
            raise ValueError("`action` and `owner` belong together")
        return self


class HoldRule(Model):
    """New orders stop while `when` holds; knock-outs with `hold: true` stop them too."""

    id: Name
    when: Text
    reason: Label


class HoldRelease(Model):
    """A hold released by hand, for at most `max_days` (0 = that day only). `roles` may approve it once per customer in
    `once_per_days`; a higher level of `authorities` may again. Empty = nobody releases a hold.

    Never against a knock-out or state that leaves no limit at all, nor one of `never_over`: ids of knock-outs and hold rules.
    """

    roles: tuple[Name, ...] = ()
    once_per_days: Annotated[StrictInt, Field(ge=0, le=3650)] = 30
    max_days: Annotated[StrictInt, Field(ge=0, le=365)] = 14
    never_over: tuple[Name, ...] = ()


Severity = Literal["low", "medium", "high", "critical"]


class AlertRule(Model):
    """An early warning: raised when `when` holds (scope "alert"). `indicator` is the column whose value is shown.

    `object`: a column that tells several alerts of the rule apart, such as the date of the event. `event`: what happened does
    not go away by itself, so the alert stands until a person closes it. `days` to deal with it, by the role `owner`.
    """

    id: Name
    indicator: Name
    when: Text
    object: Name | None = None
    event: bool = False
    signal: Label
    measure: Annotated[tuple[Name, ...], Field(min_length=1)]
    severity: Severity
    owner: Name
    days: Days

    @model_validator(mode="after")
    def _an_event_is_one_of_several(self) -> Self:
        if self.event and self.object is None:
            raise ValueError("an event needs an `object`, or the next one could not be told from the one before")
        return self


class AlertRules(Model):
    """How alerts live. Without these keys: the figures of the shipped policy.

    A closed alert opens anew when its condition held not for `reopen_after_clear_days` and holds again. An event nobody closed
    is over `event_days` after it was last seen. `escalate_to` names the role above each owner.
    """

    snooze_max_days: dict[Severity, Days] = {"low": 60, "medium": 30, "high": 7, "critical": 0}
    escalate_after_due_days: dict[Severity, Days] = {"low": 15, "medium": 7, "high": 2, "critical": 1}
    escalate_to: dict[Name, Name] = {}
    reopen_after_clear_days: Annotated[StrictInt, Field(ge=1, le=365)] = 30
    event_days: Annotated[StrictInt, Field(ge=1, le=3650)] = 365

    @model_validator(mode="after")
    def _every_severity(self) -> Self:
        for name in ("snooze_max_days", "escalate_after_due_days"):
            if len(getattr(self, name)) < 4:
                raise ValueError(f"{name} needs low, medium, high and critical")
        return self


class PlaybookStep(Model):
    """One step: an action of the policy, or words. `hours` from the alert's first_seen."""

    action: Name | None = None
    text: Label | None = None
    owner: Name
    hours: Annotated[StrictInt, Field(ge=0, le=8760)]

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.action is None) == (self.text is None):
            raise ValueError("a step is either an `action` of the policy or a `text`")
        return self


class Playbook(Model):
    """What to do in an emergency, step by step, from the moment the alert `trigger` is raised. `lead`: the role in charge."""

    trigger: Name
    label: Label
    lead: Name
    steps: Annotated[tuple[PlaybookStep, ...], Field(min_length=1)]


EVERY_TIER = "every_tier"


class Treatment(Model):
    """An action asked for in a tier, always or while `when` holds; `days` to do it. With `every`, it is asked for again so many
    days after it was done; otherwise once while it goes on being asked for.
    """

    action: Name
    owner: Name
    days: Days
    when: Text = "true"
    every: Annotated[StrictInt, Field(ge=1, le=3650)] | None = None
    priority: Severity = "medium"
    reason: Label | None = None  # none: the name of the tier


class DunningStage(Model):
    """What is done about open items from `dpd_from` days past due until the next stage."""

    dpd_from: Annotated[StrictInt, Field(ge=1, le=3650)]
    action: Name
    owner: Name
    days: Days
    priority: Severity = "medium"


class Dunning(Model):
    """Stages by days past due of the oldest open item, disputed ones aside; a plan that is kept pauses them."""

    stages: tuple[DunningStage, ...] = ()
    paused_when: Text = "false"


class BringForward(Model):
    """While `when` holds, the next review is at most `days` away, and not after the date in column `by`."""

    id: Name
    when: Text
    days: Days
    by: Name | None = None
    reason: Label


class DecideAnew(Model):
    """While `when` holds, the limit is decided anew although no review is due."""

    id: Name
    when: Text


class Reviews(Model):
    """When customers are looked at again. `days` by tier, the time a tier stands.

    `carry_forward`: before its review is due a customer keeps its limit, within what need and capacity allow today. Below
    `min_exposure` (exposure and limit) nothing brings a review forward.
    """

    days: dict[Name, Days]
    carry_forward: bool = False
    min_exposure: Amount = Decimal(0)
    bring_forward: Annotated[tuple[BringForward, ...], Field(max_length=60)] = ()
    decide_anew: Annotated[tuple[DecideAnew, ...], Field(max_length=60)] = ()


class Portfolio(Model):
    """What the portfolio as a whole should keep; beyond it, mart.portfolio says so, and `owner` is told. Nothing is cut for it.

    `override_share_max`: of all customers, those whose tier, and those whose limit, is another one by hand.
    """

    el_budget_share_of_sales: Share = 0.004
    top1_share_max: Share = 0.15
    top10_share_max: Share = 0.50
    industry_share_max: Share = 0.30
    override_share_max: Share = 0.10
    owner: Name | None = None


class Policy(Model):
    """One version of the policy. `content_hash` is its identity; `version` its name."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    version: Text
    effective_from: date
    status: Literal["draft", "approved", "retired"]
    author: Text
    approver: Text | None
    reporting_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None
    calibration_status: Literal["expert", "calibrated"]
    day_rules: DayRules
    materiality: Materiality
    exposure: Exposure
    default_definition: DefaultDefinition
    cure: Cure
    segments: Annotated[tuple[Segment, ...], Field(min_length=1)]
    outside_scorecard: tuple[Outside, ...]
    scorecards: dict[Name, dict[Name, Annotated[StrictInt, Field(ge=1, le=100)]]]
    scoring: dict[Name, FactorRule]
    score: Score
    calibration: Calibration
    scaling: Scaling
    master_scale: Annotated[tuple[Grade, ...], Field(min_length=1)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]
    unrated: Unrated
    not_rated: NotRated
    hysteresis: Hysteresis
    notches: Notches
    knockouts: Annotated[tuple[Knockout, ...], Field(max_length=60)]  # a set of ids is one 64-bit word in decisions
    limits: Limits
    mitigants: Mitigants = Mitigants()
    bank_list: tuple[Text, ...] = ()
    roles: dict[Name, Label] = {}
    authorities: Authorities
    duties: Duties = Duties()
    terms: dict[Name, dict[Name, Terms]]
    exit: Exit = Exit()
    hold: Annotated[tuple[HoldRule, ...], Field(max_length=60)]
    hold_release: HoldRelease = HoldRelease()
    reviews: Reviews
    terms_rules: TermsRules = TermsRules()
    incentives: Annotated[tuple[Incentive, ...], Field(max_length=60)] = ()
    actions: dict[Name, Label] = {}
    contradictions: tuple[tuple[Name, Name], ...] = ()  # of two actions asked for at once the first stays
    treatments: dict[Name, tuple[Treatment, ...]] = {}
    dunning: Dunning = Dunning()
    portfolio: Portfolio = Portfolio()
    alerts: tuple[AlertRule, ...] = ()
    alert_rules: AlertRules = AlertRules()
    playbooks: dict[Name, Playbook] = {}
    screening: Screening = Screening()
    industry_classes: IndustryClasses = IndustryClasses()
    finance_industries: dict[Text, tuple[Text, ...]] = {}
    statement_usable: StatementUsable = StatementUsable()
    evidence: Evidence = Evidence()

    @property
    def tier_ids(self) -> tuple[str, ...]:
        """Tiers of the score, best to worst, without unrated and not_rated."""
        return tuple(tier.id for tier in self.tiers)

    @property
    def tier_labels(self) -> dict[str, Label]:
        """The names of all tiers, unrated and not_rated last."""
        return {**{tier.id: tier.label for tier in self.tiers}, UNRATED: self.unrated.label, NOT_RATED: self.not_rated.label}

    @property
    def rated_and_unrated(self) -> tuple[str, ...]:
        """The keys that every table by tier must have."""
        return (*self.tier_ids, UNRATED)

    @property
    def never_released(self) -> frozenset[str]:
        """Knock-outs and hold rules whose hold nobody releases."""
        return frozenset([*self.hold_release.never_over, *(rule.id for rule in self.knockouts if rule.limit == "zero")])

    def fallback_pd(self, tier: str) -> float | None:
        """PD of a customer in `tier` without a score; unrated as the tier it ranks as; None = the policy has none."""
        rank = self.unrated.ranks_as if tier == UNRATED else tier
        return next((each.fallback_pd for each in self.tiers if each.id == rank), None)

    @property
    def content_hash(self) -> str:
        """sha256 of the canonical content: layout and comments of the file do not change it, any value does.

        `status` and `approver` are no content: what is approved, or retired, is what was written.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude={"status", "approver"})
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
