"""The hand-written script with evidence: seven more factor tables, four scorecards, knock-outs of evidence.

The ledger part is hand_script.py's. The evidence tables run the same SQL files as the pipeline, in one DuckDB connection
over plain views of the feed parts: what is measured beside them is what the pipeline adds (knowledge dates, as-of views of
every feed, staging, lineage of a row, checks, reasons, candidates, publication). Security is written by hand; score and decisions
are decision_sql.py's.

    python -m bench.evidence_script WAREHOUSE/lake/feed OUT_DIR 2026-10-31 [EUR]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb

from bench import decision_sql, hand_script
from bench.decision_sql import default_policy
from risk_pipeline.contracts import FEED_TABLES, Column, Table
from risk_pipeline.contracts.table import DUCKDB_TYPE
from risk_pipeline.engine.factors import LEDGER, STEPS_OF, factor_sql, window_params
from risk_pipeline.engine.policy_tables import create_policy_tables
from risk_pipeline.engine.sql import Literal, render
from risk_pipeline.policy.model import Policy
from risk_pipeline.policy.months import add_months

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
FACTS = (
    "factor.customer_state",
    *(f"factor.{name}" for name in EVIDENCE),
    *("collateral", "factor.newest_event", "exposure", "transaction_history"),
)
RESULTS = {
    **{name: name for name in ("open_item", "exposure_by_currency", "exposure", "transaction_history", "collateral")},
    **{name: f"factor.{name}" for name in (*EVIDENCE, "newest_event")},
    **{name: name for name in decision_sql.RESULTS},
}
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
    for name in ("customer_state", *EVIDENCE, "newest_event"):
        for step in STEPS_OF[name]:
            if step not in ("fx", LEDGER):
                con.execute(f"CREATE TABLE IF NOT EXISTS step.{step} AS {render(factor_sql(f'steps/{step}'), params)}")
        con.execute(f"CREATE TABLE factor.{name} AS {render(factor_sql(name), params)}")
    con.execute(security(as_of, policy))
    decision_sql.decide(con, FACTS, as_of, currency, evidence=True)
    for name, relation in RESULTS.items():
        con.execute(f"COPY {relation} TO '{out}/{name}.parquet' (FORMAT parquet)")


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
    yield "CREATE TABLE step.unapplied AS FROM main.unapplied"
    yield """
        CREATE TABLE step.disputed_item AS
        SELECT item.customer_id, opened_date, resolved_date FROM feed.dispute JOIN item USING (invoice_id)"""
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


def security(as_of: date, policy: Policy) -> str:
    """What securities and cover add to a limit, by hand. The bulk data has no bills, no persons as guarantors, one insurer.

    Nobody was assessed before, so no guarantee of a company counts: its guarantor has no tier yet.
    """
    t, mismatch = f"DATE '{as_of}'", policy.mitigants.currency_mismatch_haircut
    longest = max(days for by_tier in policy.terms.values() for days, _, _ in by_tier.values())
    ratings = ", ".join(f"'{rating}'" for rating in policy.mitigants.accepted_ratings)
    lost = f"(haircut + CASE WHEN currency = credit_currency THEN 0 ELSE {mismatch} END)::DECIMAL(6, 5)"
    return f"""
        CREATE TABLE collateral AS
        WITH debtor AS (
            SELECT customer_id, credit_currency, contracted_terms_days AS agreed_days, max_dpd_material AS dpd, disputed_open,
                   coalesce(contracted_terms_days, {longest})::INTEGER AS terms_days
            FROM factor.customer_state JOIN exposure USING (customer_id)
        ),
        held AS (
            SELECT customer_id, {hand_script.reporting("collateral_value", "fx.rate")} AS gross, 1::DECIMAL(7, 6) AS cover,
                   coalesce({hand_script.reporting("prior_liens", "fx.rate")}, 0) AS deducted, {lost} AS lost,
                   least(valid_to, claim_deadline, valuation_date + valuation_max_age_days::INTEGER,
                         coalesce(claim_deadline, valid_to) - 1 - terms_days - claim_days_after_terms::INTEGER) AS until,
                   true AS eligible, false AS insured, NULL AS max_terms_days, NULL AS extension_days
            FROM feed.collateral AS c JOIN policy.mitigant AS m USING (kind) JOIN fx USING (currency)
            JOIN debtor USING (customer_id)
            WHERE released_date IS NULL AND haircut < 1 AND NOT needs_guarantor
              AND NOT (m.first_demand AND NOT coalesce(c.first_demand, false))
              AND NOT (provider_rated AND coalesce(provider_rating NOT IN ({ratings}), true))
              AND NOT (registered AND registered_date IS NULL)
              AND NOT (coalesce(priority > 1, false) AND prior_liens IS NULL)
              AND NOT (valuation_max_age_days IS NOT NULL AND valuation_date IS NULL)
        ),
        decided AS (
            SELECT *, coalesce(claim_filed_date >= decided_date, false) AS claimed FROM feed.insurance_limit
            QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY decided_date DESC, cover_id DESC) = 1
        ),
        covered AS (
            SELECT customer_id, {hand_script.reporting("amount", "fx.rate")},
                   (coalesce(i.cover_pct, m.cover_pct) / 100)::DECIMAL(7, 6), disputed_open, {lost}, valid_to,
                   NOT claimed AND coalesce(i.max_extension_days, m.max_extension_days) >= dpd
                       AND coalesce(max_terms_days >= agreed_days, true),
                   true, max_terms_days, coalesce(i.max_extension_days, m.max_extension_days)
            FROM decided AS i JOIN policy.mitigant AS m ON m.kind = 'insurance' JOIN fx USING (currency)
            JOIN debtor USING (customer_id)
            WHERE decision IN ('approved', 'partly', 'reduced') AND cancelled_on IS NULL
        ),
        worth AS (
            SELECT *, CASE WHEN eligible THEN CAST(
                (gross - least(gross, deducted))::DECIMAL(19, 2) * cover * (1 - lost)::DECIMAL(6, 5) AS DECIMAL(18, 2)
            ) ELSE 0 END AS net
            FROM (FROM held UNION ALL FROM covered) WHERE coalesce(until >= {t}, true)
        )
        SELECT customer_id, coalesce(sum(net), 0)::DECIMAL(18, 2) AS collateral_value_net,
               min(until) FILTER (net > 0) AS security_ends_on, security_ends_on - {t} AS security_days_left,
               coalesce(bool_or(insured), false) AS insured, min(max_terms_days) FILTER (net > 0) AS insured_terms_days,
               min(extension_days) FILTER (insured) - min(dpd) AS insurance_extension_days_left
        FROM debtor LEFT JOIN worth USING (customer_id) GROUP BY customer_id"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), date.fromisoformat(sys.argv[3]), *sys.argv[4:5])
