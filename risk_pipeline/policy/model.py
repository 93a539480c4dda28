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
from typing import Annotated, Literal, Self

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
    """How long proof (no event, no material debt past due) must last before a default is over."""

    class InDefault(Model):
        """`wait_days` from the first assessment that saw the proof."""

        wait_days: Days

    in_default: InDefault


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
    """PD = 1 / (1 + exp(intercept + slope x score)), kept within [pd_floor, pd_cap]."""

    intercept: float
    slope: Annotated[float, Field(gt=0)]
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
    """A risk tier: scores from `score_from` (inclusive) up to the next better tier."""

    id: Name
    score_from: ScorePoints
    label: Label


class Unrated(Model):
    """Customers whose evidence carries no score. They rank as `ranks_as` wherever tiers are compared."""

    label: Label
    ranks_as: Name
    reason: Label


class NotRated(Model):
    """Customers outside every portfolio figure (intercompany)."""

    label: Label


class Knockout(Model):
    """A rule that beats the score. `ceiling`: best tier allowed. `limit`: zero and secured_only are hard stops."""

    id: Name
    when: Text
    ceiling: Name | None
    limit: Literal["none", "secured_only", "zero"]
    hold: bool
    reason: Label

    @property
    def stops_limit(self) -> bool:
        """Whether the unsecured limit is zero: both hard stops mean that where no security is known."""
        return self.limit != "none"


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


class Limits(Model):
    """credit_limit = min(need, min(capacity)), hard stop, rounding, floor."""

    need: Need
    tolerance_days: dict[Name, Days]
    capacity: Capacity
    new_customer_cap: NewCustomerCap
    rounding: Rounding
    floor: Floor
    validity_days: dict[Name, Days]


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


Terms = tuple[Days, Cycle, Annotated[StrictInt, Field(ge=0, le=100)]]  # payment_terms_days, settlement_cycle, prepayment_pct


class HoldRule(Model):
    """New orders stop while `when` holds; knock-outs with `hold: true` stop them too."""

    id: Name
    when: Text
    reason: Label


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
    knockouts: Annotated[tuple[Knockout, ...], Field(max_length=60)]  # a set of ids is one 64-bit word in decisions
    limits: Limits
    terms: dict[Name, dict[Name, Terms]]
    hold: Annotated[tuple[HoldRule, ...], Field(max_length=60)]
    reviews: dict[Name, Days]
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
    def rated_and_unrated(self) -> tuple[str, ...]:
        """The keys that every table by tier must have."""
        return (*self.tier_ids, UNRATED)

    @property
    def content_hash(self) -> str:
        """sha256 of the canonical content: layout and comments of the file do not change it, any value does."""
        content = self.model_dump(mode="json", by_alias=True)
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
