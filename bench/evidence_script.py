"""The hand-written script with evidence: seven more factor tables, four scorecards, knock-outs of evidence.

The ledger part is hand_script.py's. The evidence tables run the same SQL files as the pipeline, in one DuckDB connection
over plain views of the feed parts: what is measured beside them is what the pipeline adds (knowledge dates, as-of views of
every feed, staging, lineage of a row, checks, reasons, candidates, publication). Points, contributions, score, tier and limit
are SQL made from the policy file, in whole numbers, so that both sides agree to the bit.

    python -m bench.evidence_script WAREHOUSE/lake/feed OUT_DIR 2026-10-31 [EUR]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import duckdb

from bench import hand_script
from risk_pipeline.contracts import FEED_TABLES, Column, Table, table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.engine.factors import LEDGER, STEPS_OF, factor_sql, window_params
from risk_pipeline.engine.policy_tables import create_policy_tables
from risk_pipeline.engine.sql import Literal, literal, render
from risk_pipeline.factors.catalogue import Factor, load_catalogue
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy
from risk_pipeline.policy.model import ELSE, FactorRule, Policy
from risk_pipeline.policy.months import add_months
from risk_pipeline.policy.reading import rules_by_column

# In the order in which they need each other.
EVIDENCE = (
    "financial_condition",
    "due_diligence",
    "credit_record",
    "industry_region",
    "contract_collateral",
    "market_environment",
    "behaviour",
)
RESULTS = (*hand_script.RESULTS, *EVIDENCE)
LIMIT_READS = (
    *("total_exposure", "max_dpd_material", "relationship_months", "months_since_first_invoice"),
    *("sales_12m", "avg_monthly_sales_3m", "avg_monthly_sales_12m"),
)
FROM_LEDGER = "exposure", "transaction_history"
WRITTEN = {"tier": "(SELECT customer_id, segment, tier, model_tier, in_default FROM tier)"}  # the table also feeds the limit
PAID_HISTORY = """
    SELECT i.customer_id, COUNT(*) AS n_12m, COUNT(*) FILTER (recent) AS n_3m, SUM(days) AS days_12m,
           SUM(CASE WHEN recent THEN days ELSE 0 END) AS days_3m, SUM(days * days) AS squares_12m,
           SUM(CASE WHEN recent THEN days * days ELSE 0 END) AS squares_3m
    FROM (
        SELECT i.customer_id, l.value_date - i.due_date AS days, l.applied_date > {m3} AS recent
        FROM line l JOIN item i ON l.invoice_id = i.invoice_id
        WHERE l.kind IN ('cash', 'matured_bill', 'set_off') AND l.applied_date > {m12}
    ) AS i GROUP BY i.customer_id"""


def main(feeds: Path, out: Path, as_of: date, currency: str = "EUR") -> None:
    """Read the feed parts below `feeds`, write a Parquet file per table of RESULTS below `out`."""
    out.mkdir(parents=True, exist_ok=True)
    policy = default_policy()
    con = duckdb.connect(config={"preserve_insertion_order": False})
    for feed in hand_script.FEEDS:
        con.execute(f"CREATE VIEW {feed} AS FROM read_parquet('{feeds}/{feed}/*.parquet')")
    ordered = open_orders(feeds, as_of, policy.exposure.open_orders_within_days)
    for statement in [*hand_script.ledger(as_of, currency), ordered, *hand_script.history(as_of), *evidence(feeds, as_of)]:
        con.execute(statement)
    create_policy_tables(con, policy)
    params = parameters(feeds, as_of, currency, policy)
    for name in ("customer_state", *EVIDENCE):
        for step in STEPS_OF[name]:
            if step not in ("fx", LEDGER):
                con.execute(f"CREATE TABLE IF NOT EXISTS step.{step} AS {render(factor_sql(f'steps/{step}'), params)}")
        con.execute(f"CREATE TABLE factor.{name} AS {render(factor_sql(name), params)}")
    for statement in decisions(as_of, policy):
        con.execute(statement)
    for name in RESULTS:
        source = f"factor.{name}" if name in EVIDENCE else WRITTEN.get(name, name)
        con.execute(f"COPY {source} TO '{out}/{name}.parquet' (FORMAT parquet)")


@lru_cache(maxsize=1)
def default_policy() -> Policy:
    """The shipped policy."""
    return read_policy(DEFAULT_POLICY, load_catalogue())


def open_orders(feeds: Path, as_of: date, days: int) -> str:
    """Orders to be delivered soon are exposure. They name no company code, so no credit stands against them."""
    amount = hand_script.reporting("amount")
    return f"""
        CREATE OR REPLACE TABLE exposure AS
        WITH near AS (
            SELECT customer_id, sum({amount}) AS ordered
            FROM (SELECT *, coalesce(fulfilled_date <= DATE '{as_of}', false) OR coalesce(cancelled_date <= DATE '{as_of}', false)
                         AS done FROM read_parquet('{feeds}/sales_order/*.parquet')) JOIN fx USING (currency)
            WHERE order_date <= DATE '{as_of}' AND NOT done AND coalesce(planned_delivery_date <= DATE '{as_of}' + {days}, true)
            GROUP BY customer_id
        )
        SELECT e.* REPLACE ({hand_script.money("total_exposure + coalesce(ordered, 0)")} AS total_exposure)
        FROM exposure e LEFT JOIN near USING (customer_id)"""


def evidence(feeds: Path, as_of: date) -> Iterator[str]:
    """What the SQL files read: feeds as of the date, the exchange rates, and what the ledger part has computed."""
    m3, m12 = (f"DATE '{hand_script.back(as_of, n)}'" for n in (3, 12))
    yield "CREATE SCHEMA feed"
    yield "CREATE SCHEMA step"
    yield "CREATE SCHEMA factor"
    for feed in FEED_TABLES:
        yield f"CREATE VIEW feed.{feed.name} AS {_as_of(feed, feeds, as_of)}"
    yield "CREATE VIEW step.fx AS FROM main.fx"
    yield f"CREATE TABLE step.paid_history AS {PAID_HISTORY.format(m3=m3, m12=m12)}"
    yield "CREATE VIEW factor.exposure_by_currency AS FROM main.exposure_by_currency"


def _as_of(feed: Table, feeds: Path, as_of: date) -> str:
    if not any((feeds / feed.name).glob("*.parquet")):
        columns = [f"CAST(NULL AS {DUCKDB_TYPE[column.kind]}) AS {column.name}" for column in feed.columns]
        return f"SELECT {', '.join(columns)} WHERE FALSE"
    columns = [_seen(column, as_of) for column in feed.columns]
    if feed.name == "customer":
        columns.append(f"effective_from > DATE '{as_of}' AS state_assumed")
    where = f" WHERE {feed.event_date} <= DATE '{as_of}'" if feed.event_date and feed.name != "customer" else ""
    return f"SELECT {', '.join(columns)} FROM read_parquet('{feeds}/{feed.name}/*.parquet'){where}"


def _seen(column: Column, as_of: date) -> str:
    """Outcomes and verdicts of later days are not there yet."""
    dated = column.masked_by or column.judged_on
    if column.current_only:
        return f"CAST(NULL AS {DUCKDB_TYPE[column.kind]}) AS {column.name}"
    return f"CASE WHEN {dated} > DATE '{as_of}' THEN NULL ELSE {column.name} END AS {column.name}" if dated else column.name


def parameters(feeds: Path, as_of: date, currency: str, policy: Policy) -> dict[str, Literal]:
    """The values the SQL files of the evidence are told."""
    usable, counts = policy.statement_usable, policy.evidence
    return {
        **window_params(as_of),
        **{f"has_{feed.name}": any((feeds / feed.name).glob("*.parquet")) for feed in FEED_TABLES},
        "reporting_currency": currency,
        "default_industry_class": policy.industry_classes.default,
        "statement_max_age_days": usable.max_age_days_from_period_end,
        "statement_months_min": usable.months_min,
        "statement_balance_share": Decimal(str(usable.balance_check_tolerance_share)),
        "adverse_from": add_months(as_of, -12 * counts.adverse_years_natural_person),
        "minor_claim": counts.minor_claim,
        "bureau_max_age_days": counts.bureau_max_age_days,
        "round_sum": counts.round_sum,
        "split_threshold": counts.split_threshold,
    }


# ---------------------------------------------------------------- score, tier, limit


def decisions(as_of: date, policy: Policy) -> Iterator[str]:
    """Facts in one row per customer, points, score and contributions card by card, tier, limit."""
    scored = [factor for factor in load_catalogue().factors if factor.id in policy.scoring]
    yield f"CREATE TABLE fact AS {_facts(scored, policy)}"
    segments = " ".join(f"WHEN coalesce({rule.when}, false) THEN '{rule.id}'" for rule in policy.segments)
    points = ", ".join(_points(factor, policy.scoring[factor.id], policy, as_of) for factor in scored)
    yield f"CREATE TABLE pointed AS SELECT *, CASE {segments} END AS segment, {points} FROM fact"
    cards = [card for card in policy.scorecards if any(rule.scorecard == card for rule in policy.segments)]
    for card in cards:
        factors = [factor for factor in scored if factor.id in policy.scorecards[card]]
        yield f"CREATE TABLE score_{card} AS {_score(card, factors, policy)}"
        yield f"CREATE TABLE contribution_{card} AS {_contributions(card, factors, policy)}"
    every = "customer_id, segment, score, score_hundredths, coverage_pct, reweight_factor, w_counted"
    yield "CREATE TABLE score AS " + " UNION ALL ".join(f"SELECT {every} FROM score_{card}" for card in cards)
    yield "CREATE TABLE contribution AS " + " UNION ALL ".join(f"FROM contribution_{card}" for card in cards)
    yield f"CREATE TABLE tier AS {_tiers(policy)}"
    yield f"CREATE TABLE credit_limit AS {_limits(policy)}"


def _facts(scored: list[Factor], policy: Policy) -> str:
    """Every column that scoring, rules or the limit read, from the table that has it."""
    wanted = {
        name for factor in scored for name in (factor.id, factor.evidence, *([f"{factor.id}_code"] if factor.codes else []))
    }
    read = rules_by_column(policy)
    wanted |= {*read, *(f"{name}_code" for name in read)} - {"evidence_feeds_configured", "tier", "limit_reporting"}
    wanted |= {"natural_person", "credit_currency", *LIMIT_READS}
    owner: dict[str, str] = {}
    for name in ("customer_state", *EVIDENCE, *FROM_LEDGER):  # of several, the last: the history's max_dpd_material scores
        columns = table(f"factor.{name}").column_names
        owner |= {column: name for column in columns if column in wanted and column != "customer_id"}
    ledger = {"exposure", "transaction_history"}
    material = f"CASE WHEN natural_person THEN {policy.materiality.natural_person_abs} ELSE {policy.materiality.abs} END"
    joined = " ".join(
        f"JOIN {name if name in ledger else f'factor.{name}'} AS {name} USING (customer_id)" for name in (*EVIDENCE, *FROM_LEDGER)
    )
    selected = ", ".join(f"{name}.{column}" for column, name in owner.items())
    return (
        f"SELECT customer_state.customer_id, {selected}, {material} AS materiality_abs, true AS evidence_feeds_configured,"
        f" rates.rate AS credit_rate FROM factor.customer_state AS customer_state {joined}"
        " LEFT JOIN fx AS rates ON customer_state.credit_currency = rates.currency"
    )


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
            SELECT *, {total("CASE WHEN p_{f} IS NULL THEN 0 ELSE {w} END")} AS w_counted,
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
            FROM score_{card} JOIN pointed USING (customer_id)
        )
        SELECT customer_id, factor, value, value_text, special_code, points / 100::DOUBLE AS points, weight::DOUBLE AS weight,
               CASE WHEN points IS NULL THEN 0 ELSE 100.0::DOUBLE * weight / w_counted END AS effective_weight,
               CASE WHEN scored THEN coalesce(points * weight, 0) / (100 * w_counted)::DOUBLE END AS contribution,
               CASE WHEN scored THEN coalesce((10000 - points) * weight, 0) / (100 * w_counted)::DOUBLE END AS points_lost,
               evidence_date, risk_type
        FROM listed"""


def _tiers(policy: Policy) -> str:
    names = list(policy.tier_ids)
    by_score = " ".join(f"WHEN score_hundredths >= {int(100 * tier.score_from)} THEN '{tier.id}'" for tier in policy.tiers)
    events = " OR ".join(f"coalesce({event.when}, false)" for event in policy.default_definition.events)
    lowered = ", ".join(
        f"CASE WHEN coalesce({rule.when}, false) THEN {names.index(rule.ceiling)} ELSE 0 END"
        for rule in policy.knockouts if rule.ceiling
    )  # fmt: skip
    stops = " OR ".join(f"coalesce({rule.when}, false)" for rule in policy.knockouts if rule.stops_limit)
    holds = " OR ".join(f"coalesce({rule.when}, false)" for rule in policy.knockouts if rule.hold)
    ranks = " ".join(f"WHEN '{name}' THEN {names.index(name)}" for name in names)
    return f"""
        WITH model AS (
            SELECT f.*, s.score, s.score_hundredths, ({events}) AS in_default,
                   CASE WHEN s.score IS NULL THEN 'unrated' {by_score} END AS model_tier
            FROM pointed f JOIN score s USING (customer_id)
        ),
        ruled AS (
            SELECT *, greatest({lowered}) AS ceiling, ({stops}) AS stopped, ({holds}) AS held,
                   CASE model_tier {ranks} ELSE {names.index(policy.unrated.ranks_as)} END AS rank
            FROM model
        )
        SELECT customer_id, segment, score, model_tier, in_default, stopped, held, {", ".join(LIMIT_READS)},
               CASE WHEN ceiling > rank THEN {names}[ceiling + 1] ELSE model_tier END AS tier
        FROM ruled"""


def _limits(policy: Policy) -> str:
    rules, capacity = policy.limits, policy.limits.capacity
    classes = {segment.id: segment.caps_and_terms_of for segment in policy.segments}
    tiers = policy.rated_and_unrated

    def by_segment(make: object) -> str:
        assert callable(make)
        cases = " ".join(f"WHEN '{name}' THEN {make(held)}" for name, held in classes.items())
        return f"CASE segment {cases} END"

    def by_tier(values: dict[str, object]) -> str:
        return "CASE tier " + " ".join(f"WHEN '{tier}' THEN {value}" for tier, value in values.items()) + " END"

    days = {held: {tier: policy.terms[held][tier][0] for tier in tiers} for held in set(classes.values())}
    cover = {
        held: {
            tier: max(rules.need.sales_balance.min_days, days[held][tier] + rules.tolerance_days.get(tier, 0)) for tier in tiers
        }
        for held in days
    }
    cap = by_segment(lambda held: by_tier(dict(capacity.tier_cap[held])))
    need_days = by_segment(lambda held: by_tier(dict(cover[held])))
    terms = by_segment(lambda held: by_tier(dict(days[held])))
    new_cap = by_segment(lambda held: str(rules.new_customer_cap.caps[held]))
    loss, pd = capacity.expected_loss, policy.calibration
    *steps, last = rules.rounding.steps
    stepped = " ".join(f"WHEN raw < {step.below} THEN floor(raw / {step.to}) * {step.to}" for step in steps)
    holds = " OR ".join(f"coalesce({rule.when}, false)" for rule in policy.hold)
    return f"""
        WITH based AS (
            SELECT *, least(greatest(1 / (1 + exp({pd.intercept} + {pd.slope} * score)), {pd.pd_floor}), {pd.pd_cap}) AS pd,
                   greatest(avg_monthly_sales_12m, avg_monthly_sales_3m)::DOUBLE * {need_days} / 30 AS need, {cap} AS cap,
                   CASE WHEN relationship_months < {rules.new_customer_cap.until_months} THEN {new_cap} END AS new_cap
            FROM tier
        ),
        laddered AS (
            SELECT *, CASE WHEN score IS NOT NULL AND sales_12m > 0 THEN {loss.budget_share_of_sales_12m} * sales_12m::DOUBLE * 12
                          / least(greatest(months_since_first_invoice, 3), 12) / (pd * {loss.lgd}) END AS el
            FROM based
        ),
        lowest AS (
            SELECT *, CASE WHEN stopped OR coalesce(need, 0) <= 0 THEN 0
                           ELSE greatest(least(need, cap, el, new_cap), 0) END AS raw
            FROM laddered
        ),
        stepped AS (SELECT *, CASE {stepped} ELSE floor(raw / {last.to}) * {last.to} END AS stepped FROM lowest),
        final AS (
            SELECT *, CAST(CASE WHEN stepped < {rules.floor.smallest_limit} THEN 0 ELSE stepped END AS DECIMAL(18, 2))
                AS limit_reporting
            FROM stepped
        ),
        used AS (
            SELECT *, CASE WHEN limit_reporting > 0 THEN total_exposure::DOUBLE / limit_reporting::DOUBLE
                           WHEN total_exposure > 0 THEN 9.99 END AS utilisation
            FROM final
        )
        SELECT customer_id, limit_reporting, total_exposure, need, el, cap, new_cap, utilisation,
               CASE WHEN limit_reporting = 0 THEN 0 ELSE {terms} END AS payment_terms_days,
               limit_reporting - total_exposure AS headroom, held OR {holds} AS hold
        FROM used"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]), *sys.argv[4:5])
