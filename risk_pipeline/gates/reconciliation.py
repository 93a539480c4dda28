"""Sums that must agree between columns, rows and tables of one run, to the cent.

Put here: the reconciliations, each one set-based query that returns its broken keys. Keep out: rules of one column
(contracts.py, from the declarations), plausibility of values (suites/*.yaml), and any mending of what does not agree.

Money is compared as DECIMAL, so equal means equal. Only scores have a tolerance: they are doubles rounded to 2 decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from risk_pipeline.gates.results import GateResult, Severity, sql_text
from risk_pipeline.policy.scopes import FACT_TABLES

Stage = Literal["factor", "decide"]

SCORE_TOLERANCE = 0.005 + 1e-6  # half of the last printed digit, and what summing some tens of doubles may add
SUBTOTAL_TOLERANCE = 0.03  # five subtotals, each rounded to 2 decimals on its own, and the score's own rounding

CUSTOMER_TABLES: Mapping[Stage, tuple[str, ...]] = {
    "factor": FACT_TABLES,
    "decide": (
        "factor.customer_state",
        "score.risk_score",
        "decision.risk_tier",
        "decision.credit_limit",
        "mart.current_risk",
    ),
}

# The table a rule about all tables of a stage is reported under: one the stage writes, so that a check belongs to one stage.
STAGE_HEAD: Mapping[Stage, str] = {"factor": "factor.customer_state", "decide": "score.risk_score"}


@dataclass(frozen=True)
class Reconciliation:
    """`broken` selects one row per broken key, with the key's text in a column `example`; it names tables as layer_table.

    `table_name` is the table the result is reported on, `tables` all tables the query reads.
    """

    name: str
    stage: Stage
    table_name: str
    tables: tuple[str, ...]
    says: str
    broken: str
    severity: Severity = "error"


def _same_customers(stage: Stage) -> Reconciliation:
    tables = CUSTOMER_TABLES[stage]
    union = " UNION ALL ".join(f"SELECT customer_id FROM {_cte(table)}" for table in tables)
    return Reconciliation(
        "reconcile_same_customers",
        stage,
        STAGE_HEAD[stage],
        tables,
        f"every customer stands once in each of {', '.join(tables)}",
        f"SELECT customer_id AS example FROM ({union}) GROUP BY customer_id HAVING count(*) <> {len(tables)}",
    )


def _not_empty(stage: Stage) -> Reconciliation:
    tables = CUSTOMER_TABLES[stage]
    counts = " UNION ALL ".join(f"SELECT '{table}' AS example, count(*) AS n FROM {_cte(table)}" for table in tables)
    return Reconciliation(
        "reconcile_row_count",
        stage,
        STAGE_HEAD[stage],
        tables,
        f"as many rows, and at least one, in each of {', '.join(tables)}",
        f"SELECT example FROM ({counts}) WHERE n = 0 OR n <> (SELECT count(*) FROM {_cte(tables[0])})",
    )


def _cte(table: str) -> str:
    return table.replace(".", "_")


RECONCILIATIONS: tuple[Reconciliation, ...] = (
    _not_empty("factor"),
    _same_customers("factor"),
    Reconciliation(
        "reconcile_aging",
        "factor",
        "factor.exposure",
        ("factor.exposure",),
        "the five aging buckets add up to open_exposure, the four past due ones to overdue_gross",
        """
        SELECT customer_id AS example FROM factor_exposure
        WHERE aging_not_due + aging_1_30 + aging_31_60 + aging_61_90 + aging_over_90 IS DISTINCT FROM open_exposure
           OR aging_1_30 + aging_31_60 + aging_61_90 + aging_over_90 IS DISTINCT FROM overdue_gross
        """,
    ),
    Reconciliation(
        "reconcile_items",
        "factor",
        "factor.exposure",
        ("factor.exposure", "factor.open_item"),
        "the open items of a customer add up to its open_exposure, aging buckets, overdue and n_open_invoices",
        """
        WITH items AS (
            SELECT customer_id,
                   sum(open_amount_reporting) AS open_exposure,
                   coalesce(sum(open_amount_reporting) FILTER (WHERE aging_bucket = 'not_due'), 0) AS aging_not_due,
                   coalesce(sum(open_amount_reporting) FILTER (WHERE aging_bucket = '1_30'), 0) AS aging_1_30,
                   coalesce(sum(open_amount_reporting) FILTER (WHERE aging_bucket = '31_60'), 0) AS aging_31_60,
                   coalesce(sum(open_amount_reporting) FILTER (WHERE aging_bucket = '61_90'), 0) AS aging_61_90,
                   coalesce(sum(open_amount_reporting) FILTER (WHERE aging_bucket = 'over_90'), 0) AS aging_over_90,
                   sum(overdue_amount_reporting) AS overdue,
                   count(*) AS n_open_invoices
            FROM factor_open_item GROUP BY customer_id
        )
        SELECT coalesce(e.customer_id, i.customer_id) AS example
        FROM factor_exposure e FULL JOIN items i ON e.customer_id = i.customer_id
        WHERE e.customer_id IS NULL
           OR e.open_exposure <> coalesce(i.open_exposure, 0)
           OR e.aging_not_due <> coalesce(i.aging_not_due, 0)
           OR e.aging_1_30 <> coalesce(i.aging_1_30, 0)
           OR e.aging_31_60 <> coalesce(i.aging_31_60, 0)
           OR e.aging_61_90 <> coalesce(i.aging_61_90, 0)
           OR e.aging_over_90 <> coalesce(i.aging_over_90, 0)
           OR e.overdue <> coalesce(i.overdue, 0)
           OR e.n_open_invoices <> coalesce(i.n_open_invoices, 0)
        """,
    ),
    Reconciliation(
        "reconcile_statement_money",
        "factor",
        "factor.financial_condition",
        ("factor.financial_condition",),
        "accounts with equity give a net worth; if not, their currency has no exchange rate on the day, or the amount is absurd",
        """
        SELECT customer_id AS example FROM factor_financial_condition
        WHERE equity_ratio IS NOT NULL AND tangible_net_worth IS NULL
        """,
        severity="warn",
    ),
    Reconciliation(
        "reconcile_item_identity",
        "factor",
        "factor.open_item",
        ("factor.open_item",),
        "open = amount - applied - set_off - credited - discounts - written_off - fx_difference in every open item",
        """
        SELECT invoice_id AS example FROM factor_open_item
        WHERE amount - applied - set_off - credited - discounts - written_off - fx_difference IS DISTINCT FROM open_amount
        """,
    ),
    Reconciliation(
        "reconcile_item_bucket",
        "factor",
        "factor.open_item",
        ("factor.open_item",),
        "days_past_due is as_of minus due_date, and the bucket is the one of these days",
        """
        SELECT invoice_id AS example FROM factor_open_item
        WHERE days_past_due IS DISTINCT FROM date_diff('day', due_date, as_of)
           OR aging_bucket IS DISTINCT FROM CASE WHEN days_past_due <= 0 THEN 'not_due' WHEN days_past_due <= 30 THEN '1_30'
                WHEN days_past_due <= 60 THEN '31_60' WHEN days_past_due <= 90 THEN '61_90' ELSE 'over_90' END
        """,
    ),
    Reconciliation(
        "reconcile_currency_identity",
        "factor",
        "factor.exposure_by_currency",
        ("factor.exposure_by_currency",),
        "open = billed - applied - set_off - credited - discounts - written_off - fx_difference per company code and currency",
        """
        SELECT customer_id || ' / ' || company_code || ' / ' || currency AS example FROM factor_exposure_by_currency
        WHERE billed - applied - set_off - credited - discounts - written_off - fx_difference IS DISTINCT FROM open_amount
        """,
    ),
    Reconciliation(
        "reconcile_currency_items",
        "factor",
        "factor.exposure_by_currency",
        ("factor.exposure_by_currency", "factor.open_item"),
        "the open items add up to open_amount per customer, company code and currency",
        """
        WITH items AS (
            SELECT customer_id, company_code, currency, sum(open_amount) AS open_amount
            FROM factor_open_item GROUP BY customer_id, company_code, currency
        )
        SELECT coalesce(e.customer_id, i.customer_id) || ' / ' || coalesce(e.company_code, i.company_code)
               || ' / ' || coalesce(e.currency, i.currency) AS example
        FROM factor_exposure_by_currency e FULL JOIN items i
          ON e.customer_id = i.customer_id AND e.company_code = i.company_code AND e.currency = i.currency
        WHERE coalesce(e.open_amount, 0) <> coalesce(i.open_amount, 0)
        """,
    ),
    _not_empty("decide"),
    _same_customers("decide"),
    Reconciliation(
        "reconcile_contributions",
        "decide",
        "score.contribution",
        ("score.risk_score", "score.contribution"),
        "the contributions add up to the score within its rounding, and a customer without a score has none",
        f"""
        WITH parts AS (SELECT customer_id, sum(contribution) AS total FROM score_contribution GROUP BY customer_id)
        SELECT coalesce(s.customer_id, p.customer_id) AS example
        FROM score_risk_score s FULL JOIN parts p ON s.customer_id = p.customer_id
        WHERE s.customer_id IS NULL
           OR (s.score IS NULL) <> (p.total IS NULL)
           OR abs(s.score - p.total) > {SCORE_TOLERANCE}
        """,
    ),
    Reconciliation(
        "reconcile_subtotals",
        "decide",
        "score.risk_score",
        ("score.risk_score",),
        "the subtotals of the five risk types add up to the score within their rounding",
        f"""
        SELECT customer_id AS example FROM score_risk_score
        WHERE score IS NOT NULL
          AND abs(score - coalesce(credit_subtotal, 0) - coalesce(operational_subtotal, 0) - coalesce(market_subtotal, 0)
                  - coalesce(legal_subtotal, 0) - coalesce(reputation_subtotal, 0)) > {SUBTOTAL_TOLERANCE}
        """,
    ),
    Reconciliation(
        "reconcile_limit_candidates",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "decision.limit_candidate"),
        "no limit is above need, nor above capacity with security; people lift it over neither a hard stop nor the group's cap",
        """
        WITH ladder AS (
            SELECT customer_id,
                   min(candidate_limit) FILTER (WHERE kind = 'need') AS need,
                   min(candidate_limit) FILTER (WHERE kind = 'capacity') AS capacity,
                   coalesce(max(candidate_limit) FILTER (WHERE kind = 'secured'), 0) AS secured,
                   min(candidate_limit) FILTER (WHERE method IN ('hard_stop', 'group_cap')) AS stop,
                   min(candidate_limit) FILTER (WHERE method = 'raise_cap') AS raised,
                   count(*) FILTER (WHERE method IN ('cut_cap', 'dead_band', 'carried_forward')) > 0 AS kept,
                   count(*) FILTER (WHERE method IN ('manual', 'temporary')) > 0 AS by_people
            FROM decision_limit_candidate GROUP BY customer_id
        )
        SELECT l.customer_id AS example
        FROM decision_credit_limit l JOIN ladder c ON l.customer_id = c.customer_id
        WHERE l.limit_reporting > c.stop
           OR (NOT c.by_people AND (l.limit_reporting > c.capacity + c.secured OR l.limit_reporting > c.raised))
           OR (NOT c.by_people AND NOT c.kept AND l.limit_reporting > c.need)
        """,
    ),
    Reconciliation(
        "reconcile_limit_basis",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "decision.limit_candidate"),
        "a limit above zero has a need candidate, and exactly one candidate is marked as binding",
        """
        WITH ladder AS (
            SELECT customer_id,
                   count(*) FILTER (WHERE kind = 'need' AND candidate_limit IS NOT NULL) AS n_need,
                   count(*) FILTER (WHERE is_binding) AS n_binding
            FROM decision_limit_candidate GROUP BY customer_id
        )
        SELECT l.customer_id AS example
        FROM decision_credit_limit l LEFT JOIN ladder c ON l.customer_id = c.customer_id
        WHERE l.limit_reporting > 0 AND (coalesce(c.n_need, 0) = 0 OR c.n_binding IS DISTINCT FROM 1)
        """,
    ),
    Reconciliation(
        "reconcile_limit_binding",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "decision.limit_candidate"),
        "no limit is above the candidate or step that is said to bind it, security added to a capacity",
        """
        WITH bound AS (
            SELECT customer_id,
                   min(candidate_limit) FILTER (WHERE is_binding AND kind <> 'capacity') AS step,
                   min(candidate_limit) FILTER (WHERE is_binding AND kind = 'capacity') AS capacity
            FROM decision_limit_candidate GROUP BY customer_id
        )
        SELECT l.customer_id AS example
        FROM decision_credit_limit l JOIN bound b ON l.customer_id = b.customer_id
        WHERE l.limit_reporting > b.step OR l.limit_reporting > b.capacity + coalesce(l.secured_amount, 0)
        """,
    ),
    Reconciliation(
        "reconcile_secured",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "decision.limit_candidate", "factor.collateral"),
        "no more of a limit counts as secured than the security is worth, nor than its candidate says",
        """
        WITH security AS (
            SELECT customer_id, max(candidate_limit) AS amount FROM decision_limit_candidate
            WHERE kind = 'secured' GROUP BY customer_id
        )
        SELECT l.customer_id AS example
        FROM decision_credit_limit l
        JOIN factor_collateral f ON l.customer_id = f.customer_id
        LEFT JOIN security s ON l.customer_id = s.customer_id
        WHERE l.secured_amount > f.collateral_value_net OR l.secured_amount > coalesce(s.amount, 0)
           OR l.secured_exposure > l.secured_amount
        """,
    ),
    Reconciliation(
        "reconcile_limit_exposure",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "factor.exposure"),
        "the exposure held against a limit is factor.exposure's, and headroom is what it leaves",
        """
        SELECT l.customer_id AS example
        FROM decision_credit_limit l JOIN factor_exposure e ON l.customer_id = e.customer_id
        WHERE l.total_exposure IS DISTINCT FROM e.total_exposure
           OR l.headroom IS DISTINCT FROM l.limit_reporting - l.total_exposure
        """,
    ),
    Reconciliation(
        "reconcile_sanctions",
        "decide",
        "decision.credit_limit",
        ("decision.credit_limit", "factor.due_diligence"),
        "a confirmed sanctions hit leaves no limit and holds orders, an unreviewed one holds them; a policy without the"
        " knock-outs KO01 and KO02 does neither",
        """
        SELECT l.customer_id AS example
        FROM decision_credit_limit l JOIN factor_due_diligence d ON l.customer_id = d.customer_id
        WHERE l.limit_reporting IS NOT NULL
          AND ((d.sanctions_confirmed > 0 AND l.limit_reporting > 0)
               OR (d.sanctions_confirmed + d.sanctions_unreviewed > 0 AND NOT l.hold))
        """,
        "warn",
    ),
    Reconciliation(
        "reconcile_hold_and_raise",
        "decide",
        "decision.treatment",
        ("decision.treatment", "decision.credit_limit"),
        "nobody whose orders are on hold is offered a higher limit; a policy without that contradiction does not say so",
        """
        SELECT t.customer_id AS example
        FROM decision_treatment t JOIN decision_credit_limit l ON t.customer_id = l.customer_id
        WHERE t.action = 'raise_limit_offer' AND t.state = 'open' AND l.hold
        """,
    ),
    Reconciliation(
        "reconcile_portfolio",
        "decide",
        "mart.portfolio",
        ("mart.portfolio", "decision.credit_limit"),
        "the exposure of the portfolio is that of all customers with a limit of ours, and its parts add up to it",
        """
        SELECT p.dimension AS example
        FROM mart_portfolio p
        WHERE p.dimension NOT IN ('concentration', 'override')
        GROUP BY p.dimension
        HAVING SUM(p.total_exposure) IS DISTINCT FROM
            (SELECT SUM(l.total_exposure) FROM decision_credit_limit l WHERE l.limit_reporting IS NOT NULL)
        """,
    ),
    Reconciliation(
        "reconcile_worklist",
        "decide",
        "mart.worklist",
        ("mart.worklist", "decision.treatment"),
        "the worklist has every customer with an open action once, and no other",
        """
        SELECT COALESCE(w.customer_id, t.customer_id) AS example
        FROM (SELECT customer_id, COUNT(rank) AS n FROM mart_worklist GROUP BY customer_id) w
        FULL JOIN (SELECT DISTINCT customer_id FROM decision_treatment WHERE state = 'open') t ON w.customer_id = t.customer_id
        WHERE w.customer_id IS NULL OR t.customer_id IS NULL OR w.n <> 1
        """,
    ),
    Reconciliation(
        "reconcile_mart",
        "decide",
        "mart.current_risk",
        ("mart.current_risk", "score.risk_score", "decision.risk_tier", "decision.credit_limit", "factor.exposure"),
        "mart.current_risk repeats score, tier, limit and exposure of the tables behind it",
        """
        SELECT m.customer_id AS example
        FROM mart_current_risk m
        JOIN score_risk_score s ON m.customer_id = s.customer_id
        JOIN decision_risk_tier t ON m.customer_id = t.customer_id
        JOIN decision_credit_limit l ON m.customer_id = l.customer_id
        JOIN factor_exposure e ON m.customer_id = e.customer_id
        WHERE m.score IS DISTINCT FROM s.score OR m.tier IS DISTINCT FROM t.tier
           OR m.credit_limit IS DISTINCT FROM l.credit_limit OR m.limit_reporting IS DISTINCT FROM l.limit_reporting
           OR m.hold IS DISTINCT FROM l.hold OR m.open_exposure IS DISTINCT FROM e.open_exposure
           OR m.total_exposure IS DISTINCT FROM e.total_exposure OR m.overdue IS DISTINCT FROM e.overdue
        """,
    ),
)


def reconcile(con: duckdb.DuckDBPyConnection, staged: Mapping[str, Path], stage: Stage | None = None) -> list[GateResult]:
    """Every reconciliation of `stage` (both when None) on the staged files, given by full table name ("factor.exposure").

    A reconciliation whose tables are not all staged fails and says which one is missing: nothing is skipped in silence.
    """
    return [_ask(con, staged, rule) for rule in RECONCILIATIONS if stage in (None, rule.stage)]


def _ask(con: duckdb.DuckDBPyConnection, staged: Mapping[str, Path], rule: Reconciliation) -> GateResult:
    missing = [table for table in rule.tables if table not in staged]
    if missing:
        return _result(rule, 1, f"not asked, because {', '.join(missing)} is not staged")
    # NOT MATERIALIZED: DuckDB would else read every column of a file that is named twice
    ctes = ", ".join(
        f"{_cte(table)} AS NOT MATERIALIZED (SELECT * FROM read_parquet({sql_text(str(staged[table]))}))" for table in rule.tables
    )
    try:
        row = con.execute(f"WITH {ctes} SELECT count(*), min(example) FROM ({rule.broken})").fetchone()
    except duckdb.Error as exc:
        return _result(rule, 1, f"could not be asked: {str(exc).splitlines()[0]}")
    assert row is not None  # an aggregate without GROUP BY has exactly one row
    n_failed = int(row[0])
    return _result(rule, n_failed, f"does not hold: {rule.says}; {n_failed} broken, e.g. {row[1]}" if n_failed else rule.says)


def _result(rule: Reconciliation, n_failed: int, detail: str) -> GateResult:
    return GateResult(rule.name, rule.table_name, rule.severity, n_failed == 0, n_failed, detail)
