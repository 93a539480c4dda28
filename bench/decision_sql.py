"""Score and decisions of both scripts: SQL made from the policy file, in whole numbers, so that both sides agree to the bit.

Put here: points, score, contributions, tier, limit, terms, hold, approval, reviews, early warnings, treatments of a first
assessment, read from view `fact` with one row per customer. Keep out: facts (hand_script.py, evidence_script.py).

Nobody was assessed before, so hysteresis, caps on moves, dead band, incentives, cures and what people did play no part. The bulk
data has no groups, requests, plans, overrides or accounts outside the scorecard, so their rules are not here either: with such
data the comparison would say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import zip_longest

import duckdb

from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.decision.decide import facts_read
from risk_pipeline.engine.sql import literal
from risk_pipeline.factors.catalogue import Factor, load_catalogue
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.policy.model import ELSE, EVERY_TIER, BringForward, FactorRule, Policy
from risk_pipeline.policy.scopes import CHANGES, FACTS, SCOPES

RESULTS = ("score", "contribution", "tier", "credit_limit", "review", "alert", "treatment")
# What only an assessment before, or people, can have brought about.
PAST = ("score_drop", "periods_in_tier", "moved_in_steps", "new_knockout", *(field.name for field in CHANGES))
CAPACITIES = (
    *("tangible_net_worth_share", "turnover_share", "bureau_recommendation"),
    *("expected_loss", "tier_cap", "new_customer_cap"),
)


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The shipped policy."""
    return read_policy(DEFAULT_POLICY, load_catalogue())


def decide(con: duckdb.DuckDBPyConnection, tables: Sequence[str], as_of: date, currency: str, *, evidence: bool) -> None:
    """From the facts to the tables of RESULTS. Everybody is in each of `tables`; of several with a column the last counts."""
    policy = default_policy()
    known = {name: con.sql(f"FROM {name} LIMIT 0").columns for name in tables}
    for statement in _statements(known, as_of, currency, policy, evidence):
        con.execute(statement)


def _statements(tables: Mapping[str, Sequence[str]], as_of: date, currency: str, policy: Policy, evidence: bool) -> Iterator[str]:
    yield from _facts(tables, policy, evidence)
    segments = " ".join(f"WHEN {_holds(rule.when)} THEN '{rule.id}'" for rule in policy.segments)
    # Without evidence everybody is on the card of the ledger, with it nobody.
    cards = [rule.scorecard for rule in policy.segments if (rule.scorecard == "ledger") != evidence]
    factors = {card: load_catalogue().scored(policy.scorecards[card]) for card in cards}
    used = {factor.id: factor for each in factors.values() for factor in each}
    points = ", ".join(_points(factor, policy.scoring[factor.id], policy, as_of) for factor in used.values())
    yield f"CREATE TABLE pointed AS SELECT customer_id, CASE {segments} END AS segment, {points} FROM fact"
    for card in cards:
        yield f"CREATE TABLE score_{card} AS {_score(card, factors[card], policy)}"
        yield f"CREATE TABLE contribution_{card} AS {_contributions(card, factors[card], policy)}"
    yield "CREATE TABLE score AS " + " UNION ALL ".join(f"FROM score_{card}" for card in cards)
    yield "CREATE VIEW contribution AS " + " UNION ALL ".join(f"FROM contribution_{card}" for card in cards)
    yield f"CREATE TABLE standing AS {_standing(policy)}"
    yield f"CREATE TABLE tier AS {_tiers(policy)}"
    yield f"CREATE TABLE credit_limit AS {_limits(as_of, currency, policy)}"
    yield f"CREATE VIEW outcome AS {_outcome(as_of)}"
    yield f"CREATE TABLE alert AS {_alerts(as_of, policy)}"
    yield f"CREATE TABLE review AS {_reviews(as_of, policy)}"
    yield from _treatments(as_of, policy)


def _facts(tables: Mapping[str, Sequence[str]], policy: Policy, evidence: bool) -> Iterator[str]:
    """Table `known`: what deciding reads, from the tables that have it. View `fact`: with NULL for what none has."""
    wanted = sorted(facts_read(policy, load_catalogue()) & FACTS.keys() - {"customer_id"})
    owner = {column: name for name, columns in tables.items() for column in columns if column in wanted}
    first, *others = tables
    joined = " ".join(f"JOIN {name} USING (customer_id)" for name in others)
    selected = ", ".join(f"{name}.{column}" for column, name in owner.items())
    material = policy.materiality
    yield f"CREATE TABLE known AS SELECT {first}.customer_id, {selected} FROM {first} {joined}"
    everything = "(SELECT nullif(sum(greatest(total_exposure, 0)), 0) FROM known)"
    made = {
        "materiality_abs": f"CASE WHEN natural_person THEN {material.natural_person_abs} ELSE {material.abs} END",
        "evidence_feeds_configured": str(evidence),
        "exposure_share": f"greatest(total_exposure, 0)::DOUBLE / {everything}::DOUBLE",
    }
    unknown = _nulls(name for name in wanted if name not in owner and name not in made)
    yield f"CREATE VIEW fact AS SELECT *, {unknown}, {_named(made)} FROM known"


def _named(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{expression} AS {name}" for name, expression in columns.items())


def _nulls(names: Iterable[str]) -> str:
    """NULL for each of the names, in its type."""
    return _named({name: f"CAST(NULL AS {DUCKDB_TYPE[SCOPES['treatment'][name].kind]})" for name in names})


def _holds(when: str) -> str:
    """A condition that is not met where it is not known; DuckDB reads the policy's conditions as they stand."""
    return f"coalesce({when}, false)"


# ---------------------------------------------------------------- score


def _points(factor: Factor, rule: FactorRule, policy: Policy, as_of: date) -> str:
    """Hundredths of points (NULL = does not count), whether a real value stands behind them, whether it can apply at all."""
    name, code = factor.id, f"{factor.id}_code" if factor.codes else "NULL"
    age = f"(DATE '{as_of}' - {factor.evidence})"
    binned = _binned(name, rule)
    dropped = "false"
    if rule.max_age_days is not None and rule.stale == "drop":
        dropped = f"coalesce({age} > {rule.max_age_days}, false)"
    if rule.max_age_days is not None and rule.stale == "decay":
        dropped = f"coalesce({age} >= {2 * rule.max_age_days}, false)"
        if rule.missing.points is not None:
            span, to = rule.max_age_days, 100 * rule.missing.points
            moved = f"{binned} + floor((2 * ({to} - {binned}) * ({age} - {span}) + {span})::DOUBLE / {2 * span})::INTEGER"
            binned = f"CASE WHEN {age} > {span} THEN {moved} ELSE {binned} END"
    special = " ".join(f"WHEN '{each}' THEN {100 * p}" for each, p in rule.special.items() if p != "reweight")
    by_code = f"CASE {code} {special} END" if special else "NULL"
    gone = "NULL" if rule.missing.points is None else str(100 * rule.missing.points)
    real = f"({name} IS NOT NULL AND {code} IS NULL AND NOT {dropped})"
    free = [each for each, p in rule.special.items() if each in policy.score.not_applicable_codes or p == 100]
    applies = f"NOT coalesce({code} IN ({', '.join(map(literal, free))}), false)" if free else "true"
    return (
        f"(CASE WHEN {code} IS NOT NULL THEN {by_code} WHEN {real} THEN {binned} ELSE {gone} END)::INTEGER AS p_{name},"
        f" {real} AS r_{name}, {applies} AS a_{name}"
    )


def _binned(name: str, rule: FactorRule) -> str:
    if rule.values is not None:
        named = " ".join(f"WHEN '{each}' THEN {100 * points}" for each, points in rule.values.items() if each != ELSE)
        return f"(CASE {name} {named} ELSE {100 * rule.values[ELSE]} END)"
    bins = " ".join(f"WHEN {name} <= {edge!r} THEN {100 * points}" for edge, points in zip(rule.edges, rule.points, strict=False))
    return f"(CASE {bins} ELSE {100 * rule.points[-1]} END)" if bins else str(100 * rule.points[-1])


def _score(card: str, factors: list[Factor], policy: Policy) -> str:
    weights = policy.scorecards[card]

    def total(term: str) -> str:
        return " + ".join(term.format(f=factor.id, w=weights[factor.id]) for factor in factors)

    segments = ", ".join(f"'{rule.id}'" for rule in policy.segments if rule.scorecard == card)
    rules = policy.score
    return f"""
        WITH summed AS (
            SELECT customer_id, segment, {total("CASE WHEN p_{f} IS NULL THEN 0 ELSE {w} END")} AS w_counted,
                   {total("coalesce(p_{f}, 0) * {w}")} AS pw,
                   {total("CASE WHEN r_{f} THEN {w} ELSE 0 END")} AS w_real,
                   {total("CASE WHEN a_{f} THEN {w} ELSE 0 END")} AS w_applicable,
                   {total("CASE WHEN a_{f} OR p_{f} IS NOT NULL THEN {w} ELSE 0 END")} AS w_stretched
            FROM pointed WHERE segment IN ({segments})
        ),
        rounded AS (
            SELECT *, CASE WHEN 100 * w_real >= {rules.min_coverage_pct} * w_applicable AND w_applicable > 0
                           AND w_stretched <= {rules.max_reweight_factor} * w_counted AND w_counted > 0
                      THEN (2 * pw + w_counted) // (2 * w_counted) END AS score_hundredths
            FROM summed
        )
        SELECT customer_id, segment, w_counted, score_hundredths, score_hundredths / 100::DOUBLE AS score,
               100.0::DOUBLE * w_real / greatest(w_applicable, 1) AS coverage_pct,
               w_stretched::DOUBLE / nullif(w_counted, 0) AS reweight_factor
        FROM rounded"""


def _contributions(card: str, factors: list[Factor], policy: Policy) -> str:
    weights = policy.scorecards[card]

    def listed(make: str) -> str:
        return "unnest([" + ", ".join(make.format(f=factor.id, w=weights[factor.id]) for factor in factors) + "])"

    text = {factor.id: policy.scoring[factor.id].values is not None for factor in factors}
    values = ", ".join("NULL::DOUBLE" if text[factor.id] else f"{factor.id}::DOUBLE" for factor in factors)
    texts = ", ".join(factor.id if text[factor.id] else "NULL" for factor in factors)
    codes = ", ".join(f"{factor.id}_code" if factor.codes else "NULL" for factor in factors)
    dates = ", ".join(factor.evidence for factor in factors)
    types = ", ".join(f"'{factor.risk_type}'" for factor in factors)
    return f"""
        WITH listed AS (
            SELECT customer_id, score IS NOT NULL AS scored, w_counted, {listed("'{f}'")} AS factor, unnest([{values}]) AS value,
                   unnest([{texts}]) AS value_text, unnest([{codes}]) AS special_code, {listed("p_{f}")} AS points,
                   {listed("{w}")} AS weight, unnest([{dates}]) AS evidence_date, unnest([{types}]) AS risk_type
            FROM score_{card} JOIN pointed USING (customer_id) JOIN fact USING (customer_id)
        )
        SELECT customer_id, factor, value, value_text, special_code, points / 100::DOUBLE AS points, weight::DOUBLE AS weight,
               CASE WHEN points IS NULL THEN 0 ELSE 100.0::DOUBLE * weight / w_counted END AS effective_weight,
               CASE WHEN scored THEN coalesce(points * weight, 0) / (100 * w_counted)::DOUBLE END AS contribution,
               CASE WHEN scored THEN coalesce((10000 - points) * weight, 0) / (100 * w_counted)::DOUBLE END AS points_lost,
               evidence_date, risk_type
        FROM listed"""


# ---------------------------------------------------------------- tier, limit, terms, hold


def _standing(policy: Policy) -> str:
    """What the policy has by segment and tier, as a table. Amounts in cents, shares in ten-thousandths."""
    limits, capacity = policy.limits, policy.limits.capacity
    shares = (capacity.tangible_net_worth_share, capacity.turnover_share, capacity.bureau_recommendation.share)
    rows = []
    for segment in policy.segments:
        held = segment.caps_and_terms_of
        for tier in policy.rated_and_unrated:
            days, cycle, prepaid = policy.terms[held][tier]
            tolerance = limits.tolerance_days.get(tier, 0)
            parts = ["NULL" if tier not in share else str(round(share[tier] * 10_000)) for share in shares]
            amounts = (
                capacity.tier_cap[held][tier],
                limits.new_customer_cap.caps[held],
                policy.authorities.auto.get(tier, 0),
            )
            need_days = max(limits.need.sales_balance.min_days, days + tolerance)
            cells = [
                f"'{segment.id}', '{tier}', {days}, '{cycle}', {prepaid}, {tolerance}, {need_days}, {policy.reviews.days[tier]}"
            ]
            rows.append(f"({', '.join([*cells, *parts, *(str(int(100 * amount)) for amount in amounts)])})")
    named = "segment, tier, terms_days, cycle, prepaid_pct, tolerance, need_days, review_days"
    named += ", net_worth_share, revenue_share, bureau_share, cap, new_cap, auto_up_to"
    return f"FROM (VALUES {', '.join(rows)}) AS s({named})"


def _tiers(policy: Policy) -> str:
    """The worse of the tier by score and every ceiling; a state that a knock-out asks for demands no more than it does."""
    names = list(policy.tier_ids)
    by_score = " ".join(f"WHEN score_hundredths >= {int(100 * tier.score_from)} THEN '{tier.id}'" for tier in policy.tiers)
    ranks = " ".join(f"WHEN '{name}' THEN {names.index(name)}" for name in names)
    events = " OR ".join(_holds(event.when) for event in policy.default_definition.events)
    lowered = [f"CASE WHEN {rule.id} THEN {names.index(rule.ceiling)} END" for rule in policy.knockouts if rule.ceiling]
    lowered += [f"CASE segment WHEN '{s.id}' THEN {names.index(s.ceiling)} END" for s in policy.segments if s.ceiling]

    def any_of(ids: Iterable[str]) -> str:
        return "(" + " OR ".join([*ids, "false"]) + ")"

    rules = policy.knockouts
    states = " ".join(
        f"WHEN {any_of(rule.id for rule in rules if rule.state == state)} THEN '{state}'"
        for state in ("exit_proposed", "suspended")
    )
    return f"""
        WITH model AS (
            SELECT f.*, s.segment, s.score, ({events}) AS in_default,
                   CASE WHEN s.score IS NULL THEN 'unrated' {by_score} END AS model_tier
            FROM fact f JOIN score s USING (customer_id)
        ),
        ruled AS (
            SELECT *, {_named({rule.id: _holds(rule.when) for rule in rules})},
                   CASE model_tier {ranks} ELSE {names.index(policy.unrated.ranks_as)} END AS rank
            FROM model
        ),
        bounded AS (SELECT *, greatest({", ".join(lowered)}) AS ceiling FROM ruled)
        SELECT customer_id, segment, score, model_tier, in_default,
               CASE WHEN ceiling > rank THEN {names}[ceiling + 1] ELSE model_tier END AS tier,
               concat_ws(',', {", ".join(f"CASE WHEN {rule.id} THEN '{rule.id}' END" for rule in rules)}) AS knockouts,
               {any_of(rule.id for rule in rules if rule.stops_limit)} AS stopped,
               {any_of(rule.id for rule in rules if rule.limit == "zero")} AS zero,
               {any_of(rule.id for rule in rules if rule.hold)} AS held, CASE {states} ELSE 'active' END AS status
        FROM bounded"""


def _limits(as_of: date, currency: str, policy: Policy) -> str:
    """A limit is min(need, min(capacity) + security), rounded down, and what follows from it. Amounts in cents until the end."""
    rules, loss, pd = policy.limits, policy.limits.capacity.expected_loss, policy.calibration
    *steps, last = rules.rounding.steps
    stepped = " ".join(
        f"WHEN raw < {100 * s.below} THEN raw // {100 * s.to} * {100 * s.to}" for s in steps if s.below is not None
    )
    shorten = sorted(policy.terms_rules.shorten.steps if policy.terms_rules.shorten else (), reverse=True)
    shorter = [f"CASE WHEN {days} < days AND monthly * ({days} + tolerance) <= amount * 30 THEN {days} END" for days in shorten]
    caps = [(f"CASE WHEN {_holds(cap.when)} THEN {cap.max_days} END", cap.unless_agreed) for cap in policy.terms_rules.legal_caps]
    holds = " OR ".join(_holds(rule.when) for rule in policy.hold)
    lowest = " ".join(f"WHEN {name} = capacity THEN '{name}'" for name in CAPACITIES)
    return f"""
        WITH based AS (
            SELECT *, CASE WHEN score IS NOT NULL
                       THEN least(greatest(1 / (1 + exp({pd.intercept} + {pd.slope} * score)), {pd.pd_floor}), {pd.pd_cap})
                   END AS pd,
                   {_cents("total_exposure")} AS owed, greatest({_cents("collateral_value_net")}, 0) AS security,
                   greatest({_cents("avg_monthly_sales_12m")}, {_cents("avg_monthly_sales_3m")}) AS monthly,
                   {_cents("sales_12m")} * 12 // least(greatest(months_since_first_invoice, 3), 12) AS sold,
                   {_cents("tangible_net_worth")} AS net_worth, {_cents("revenue_annual")} AS revenue,
                   CASE WHEN bureau_report_age_days <= {rules.capacity.bureau_recommendation.max_age_days}
                       THEN {_cents("bureau_recommended_limit")} END AS recommended
            FROM fact JOIN tier USING (customer_id) JOIN standing USING (segment, tier)
        ),
        borne AS (
            SELECT *, {_positive("monthly")} * need_days // 30 AS need,
                   {_positive("net_worth")} * net_worth_share // 10000 AS tangible_net_worth_share,
                   {_positive("revenue")} * revenue_share // 10000 AS turnover_share,
                   {_positive("recommended")} * bureau_share // 10000 AS bureau_recommendation, cap AS tier_cap,
                   CASE WHEN sales_12m <> 0  -- without a score there is no PD, and no candidate
                       THEN floor({_positive("sold")} * {loss.budget_share_of_sales_12m}::DOUBLE / (pd * {loss.lgd}::DOUBLE))
                   END::BIGINT AS expected_loss,
                   CASE WHEN coalesce(relationship_months < {rules.new_customer_cap.until_months}, true) THEN new_cap
                   END AS new_customer_cap
            FROM based
        ),
        lowest AS (SELECT *, least({", ".join(CAPACITIES)}) AS capacity FROM borne),
        bounded AS (
            SELECT *, need IS NOT NULL AS needed, CASE WHEN stopped THEN 0 ELSE capacity END AS bearable,
                   CASE WHEN needed THEN least(need, bearable) ELSE 0 END AS unsecured,
                   CASE WHEN needed AND NOT zero THEN coalesce(least(need, security), 0) ELSE 0 END AS secured
            FROM lowest
        ),
        summed AS (
            SELECT *, CASE WHEN needed THEN least(need, bearable + secured) ELSE 0 END AS raw,
                   CASE WHEN stopped THEN 'hard_stop' WHEN NOT needed THEN 'no_basis'
                        WHEN need <= bearable + secured THEN 'sales_balance' {lowest} END AS binding_method
            FROM bounded
        ),
        stepped AS (SELECT *, CASE {stepped} ELSE raw // {100 * last.to} * {100 * last.to} END AS stepped FROM summed),
        final AS (
            SELECT *, CASE WHEN stepped < {100 * rules.floor.smallest_limit} THEN 0 ELSE stepped END AS amount,
                   {_units("amount")} AS limit_reporting,
                   least({", ".join(["terms_days", *(cap for cap, _ in caps)])}) AS lawful_days,
                   CASE WHEN prepaid_pct < 100 AND coalesce(contract_valid_to >= DATE '{as_of}', true)
                       THEN contracted_terms_days END AS agreed_days,
                   least({", ".join(["greatest(lawful_days, agreed_days)", *(cap for cap, eased in caps if not eased)])},
                         CASE WHEN secured > 0 THEN insured_terms_days END) AS longest_days,
                   CASE WHEN amount = 0 THEN 0 ELSE longest_days END AS days
            FROM stepped
        ),
        used AS (
            SELECT *, CASE WHEN amount > 0 THEN owed::DOUBLE / amount::DOUBLE WHEN owed > 0 THEN 9.99 END AS utilisation,
                   amount = 0 OR amount <= auto_up_to AS automatic
            FROM final
        )
        SELECT customer_id, binding_method, limit_reporting, total_exposure, utilisation, terms_days AS policy_terms_days,
               CASE WHEN credit_currency <> '{currency}' AND credit_fx_rate > 0
                   THEN {_units("amount::HUGEINT * 10000000000 // (credit_fx_rate * 10000000000)::HUGEINT")}
                   ELSE limit_reporting END AS credit_limit,
               {_units("unsecured")} AS unsecured_limit, {_units("secured")} AS secured_amount,
               CASE WHEN automatic THEN 'auto' ELSE 'pending' END AS approval_status,
               CASE WHEN automatic THEN limit_reporting ELSE 0 END AS effective_limit,
               days AS payment_terms_days, CASE WHEN amount = 0 THEN 'prepayment' ELSE cycle END AS settlement_cycle,
               CASE WHEN amount = 0 THEN 100 ELSE prepaid_pct END AS prepayment_pct,
               CASE WHEN amount > 0 AND need > amount AND unsecured + secured < need
                   THEN coalesce({", ".join([*shorter, "NULL"])}) END AS proposed_terms_days,
               limit_reporting - total_exposure AS headroom, held OR {holds} AS hold
        FROM used"""


def _positive(cents: str) -> str:
    """Not below 0; greatest() would make 0 of what is not known."""
    return f"CASE WHEN {cents} < 0 THEN 0 ELSE {cents} END"


def _cents(amount: str) -> str:
    return f"({amount} * 100)::BIGINT"


def _units(cents: str) -> str:
    """Cents as money, exactly."""
    return f"(({cents}) * 0.01::DECIMAL(3, 2))::DECIMAL(18, 2)"


# ---------------------------------------------------------------- early warnings, reviews, treatments


def _outcome(as_of: date) -> str:
    """Everything that rules read once the limit is known."""
    made = {
        "direction": "'new'",
        "contract_days_left": f"CASE WHEN contract_valid_to >= DATE '{as_of}' THEN contract_valid_to - DATE '{as_of}' END",
        "order_to_limit": _share("largest_order_30d", "limit_reporting"),
        "unapplied_share": _share("unapplied_cash", "open_exposure"),
        "lawsuit_to_net_worth": f"CASE WHEN statement_usable THEN {_share('lawsuit_newest_amount', 'tangible_net_worth')} END",
    }
    decided = "segment, score, in_default, tier, status, limit_reporting, utilisation, policy_terms_days, payment_terms_days,"
    decided += " proposed_terms_days, hold, review_days"
    return (
        f"SELECT fact.*, {decided}, {_named(made)}, {_nulls(PAST)} FROM fact JOIN tier USING (customer_id)"
        " JOIN credit_limit USING (customer_id) JOIN standing USING (segment, tier)"
    )


def _share(amount: str, base: str) -> str:
    ratio = f"CASE WHEN {base} > 0 THEN {amount}::DOUBLE / {base}::DOUBLE ELSE 9.99 END"
    return f"CASE WHEN {amount} > 0 AND {base} IS NOT NULL THEN {ratio} END"


def _alerts(as_of: date, policy: Policy) -> str:
    listed = ", ".join(f"('{rule.id}', '{rule.severity}', {rule.days})" for rule in policy.alerts)
    met = ", ".join(f"CASE WHEN {_holds(rule.when)} THEN '{rule.id}' END" for rule in policy.alerts)
    return f"""
        SELECT customer_id, rule, severity, DATE '{as_of}' + days AS due_date
        FROM (SELECT customer_id, unnest([{met}]) AS rule FROM outcome)
        JOIN (VALUES {listed}) AS r(rule, severity, days) USING (rule)"""


def _reviews(as_of: date, policy: Policy) -> str:
    """After the interval of the tier; sooner, where a rule holds and there is enough at stake."""
    rules, today = policy.reviews, f"DATE '{as_of}'"

    def day(rule: BringForward) -> str:
        return f"least({today} + {rule.days}, greatest({rule.by}, {today}))" if rule.by else f"{today} + {rule.days}"

    days = {f"on_{rule.id}": f"CASE WHEN {_holds(rule.when)} AND counts THEN {day(rule)} END" for rule in rules.bring_forward}
    reasons = " ".join(f"WHEN {name} = next_review_date THEN '{name.removeprefix('on_')}'" for name in days)
    return f"""
        WITH critical AS (SELECT DISTINCT customer_id, true AS critical_alert FROM alert WHERE severity = 'critical'),
        sized AS (
            SELECT *, {today} + review_days AS on_schedule,
                   greatest(total_exposure, limit_reporting) >= {rules.min_exposure} AS counts
            FROM outcome LEFT JOIN critical USING (customer_id)
        ),
        dated AS (SELECT *, {_named(days)}, least({", ".join(["on_schedule", *days])}) AS next_review_date FROM sized)
        SELECT customer_id, next_review_date,
               CASE WHEN next_review_date = on_schedule THEN 'scheduled' {reasons} END AS review_reason
        FROM dated"""


def _treatments(as_of: date, policy: Policy) -> Iterator[str]:
    """Asked for by the tier, the stage of dunning, early warnings and shorter terms; each action once, by the earliest date."""
    asks = [(each.action, each.days, tier, each.when) for tier, listed in policy.treatments.items() for each in listed]
    rules = [
        (action, days, f"{_holds(when)}" if tier == EVERY_TIER else f"tier = '{tier}' AND {_holds(when)}")
        for action, days, tier, when in asks
    ]
    stages = sorted(policy.dunning.stages, key=lambda stage: stage.dpd_from)
    late = f"overdue > 0 AND NOT {_holds(policy.dunning.paused_when)} AND max_days_past_due"
    for stage, after in zip_longest(stages, stages[1:]):
        until = f" AND max_days_past_due < {after.dpd_from}" if after else ""
        rules.append((stage.action, stage.days, f"{late} >= {stage.dpd_from}{until}"))
    if policy.terms_rules.shorten:
        rules.append(("shorten_terms", policy.terms_rules.shorten.days, "proposed_terms_days IS NOT NULL"))
    met = ", ".join(f"CASE WHEN {when} THEN {place} END" for place, (_, _, when) in enumerate(rules))
    asked = ", ".join(f"({place}, '{action}', {days})" for place, (action, days, _) in enumerate(rules))
    measures = ", ".join(f"('{rule.id}', '{measure}', {rule.days})" for rule in policy.alerts for measure in rule.measure)
    yield f"""
        CREATE TABLE treatment AS
        SELECT customer_id, action, DATE '{as_of}' + min(days) AS due_date
        FROM (
            SELECT customer_id, action, days FROM (SELECT customer_id, unnest([{met}]) AS place FROM outcome)
            JOIN (VALUES {asked}) AS a(place, action, days) USING (place)
            UNION ALL SELECT customer_id, action, days FROM alert JOIN (VALUES {measures}) AS m(rule, action, days) USING (rule)
        )
        GROUP BY customer_id, action"""
    for stays, goes in policy.contradictions:
        both = f"SELECT customer_id FROM treatment WHERE action = '{stays}'"
        yield f"DELETE FROM treatment WHERE action = '{goes}' AND customer_id IN ({both})"
