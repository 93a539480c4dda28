"""mart.worklist and mart.portfolio: what needs all customers at once, by SQL over the tables a run has staged.

Put here: the two queries. Keep out: decisions (a mart joins, ranks and sums), staging and publishing (run.py).

Exposure at risk = exposure that no security covers x probability of default. The probability is that of the score, 1 in default,
and the tier's own (policy `fallback_pd`) where there is no score. Where something else than the score decided the tier, it is the
greater of both, so that a good score does not hide a knock-out. not_rated customers (our own group) are in neither table.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter

from risk_pipeline.contracts.decision import SEVERITIES
from risk_pipeline.engine.sql import Literal, literal, render
from risk_pipeline.policy.model import NOT_RATED, Policy

MADE_FROM = (
    "factor.customer_state",
    "factor.group_state",
    "factor.transaction_history",
    "decision.risk_tier",
    "decision.credit_limit",
    "decision.treatment",
    "decision.alert",
    "decision.review",
    "mart.current_risk",
    "score.risk_score",
)
UNKNOWN = "unknown"
# What the queries name $..., and the key of the policy it stands for; $pd_0, $pd_1 … are the PDs of tiers without a score.
FIGURES: Mapping[str, str] = {
    "worst_pd": "calibration.pd_cap",
    "lgd": "limits.capacity.expected_loss.lgd",
    "loss_budget": "portfolio.el_budget_share_of_sales",
    "top1": "portfolio.top1_share_max",
    "top10": "portfolio.top10_share_max",
    "industry": "portfolio.industry_share_max",
    "overrides": "portfolio.override_share_max",
}
PD_OF_TIER, PDS_OF_TIERS = "pd_", "tiers[].fallback_pd"
NO_CAP = "CAST(NULL AS DOUBLE)"
# What people decided by hand: in words, and the columns that say it came into force.
BY_HAND = {
    "tier": ("Customers whose tier is moved by hand", "等级经人工调整的客户", ("notch_status",)),
    "limit": ("Customers whose limit is set by hand", "额度经人工调整的客户", ("manual_limit_status", "temporary_limit_status")),
    "hold": ("Customers whose hold is released", "已解除冻结的客户", ("hold_release_status",)),
}


def mart_query(name: str, policy: Policy, relations: Mapping[str, str]) -> str:
    """The query of mart.worklist or mart.portfolio; `relations`: what to read each of MADE_FROM from."""
    return _over(render(_query(name, policy), _figures(policy)), relations)


def mart_text(name: str, policy: Policy) -> str:
    """The same over the tables under their own names, figures of the policy as $placeholders: where its columns come from."""
    return _over(_query(name, policy), {each: each for each in MADE_FROM})


def _query(name: str, policy: Policy) -> str:
    return {"mart.worklist": _worklist, "mart.portfolio": _portfolio}[name](policy)


def _over(query: str, relations: Mapping[str, str]) -> str:
    tables = ", ".join(f"{each.replace('.', '_')} AS (SELECT * FROM {relations[each]})" for each in MADE_FROM)
    return f"WITH {tables} SELECT * FROM ({query})"


def _figures(policy: Policy) -> dict[str, Literal]:
    """The values of the placeholders, as the decimals people wrote."""
    values = {name: attrgetter(key)(policy) for name, key in FIGURES.items()} | {
        f"{PD_OF_TIER}{place}": pd for place, (_, pd) in enumerate(_pds(policy))
    }
    return {name: Decimal(str(value)) for name, value in values.items()}


def _pds(policy: Policy) -> list[tuple[str, float]]:
    """PD of customers without a score, by tier."""
    pds = ((tier, policy.fallback_pd(tier)) for tier in policy.rated_and_unrated)
    return [(tier, pd) for tier, pd in pds if pd is not None]


def _customers(policy: Policy) -> str:
    """One row per customer with a limit of ours, with the sums the marts are made of."""
    whens = " ".join(f"WHEN {_text(tier)} THEN ${PD_OF_TIER}{place}" for place, (tier, _) in enumerate(_pds(policy)))
    of_tier = f"CASE t.tier {whens} END" if whens else NO_CAP
    # a policy without fallback PDs: the worst there may be, so that nobody is overlooked
    pd = f"""CASE WHEN t.in_default THEN 1.0 WHEN s.pd IS NULL THEN COALESCE({of_tier}, $worst_pd)
        WHEN t.tier = t.model_tier THEN s.pd ELSE GREATEST(s.pd, {of_tier}) END"""
    return f"""
        SELECT m.customer_id, m.name, m.account_manager, t.tier, m.tier_label_en, m.tier_label_zh, t.status, t.in_default,
            t.segment, t.notch_status, l.manual_limit_status, l.temporary_limit_status, l.hold_release_status,
            l.total_exposure, COALESCE(l.secured_exposure, 0) AS secured_exposure, m.overdue, m.max_days_past_due,
            l.limit_reporting, l.utilisation, l.hold, l.approval_status, l.reporting_currency, t.run_label,
            CAST({pd} AS DOUBLE) AS default_probability,
            CAST(GREATEST(l.total_exposure - COALESCE(l.secured_exposure, 0), 0) * ({pd}) AS DECIMAL(18, 2)) AS exposure_at_risk
        FROM mart_current_risk AS m
        JOIN decision_risk_tier AS t ON m.customer_id = t.customer_id
        JOIN decision_credit_limit AS l ON m.customer_id = l.customer_id
        JOIN score_risk_score AS s ON m.customer_id = s.customer_id
        WHERE t.tier <> {_text(NOT_RATED)}
    """


def _worklist(policy: Policy) -> str:
    severities = ", ".join(_text(each) for each in SEVERITIES)
    return f"""
        WITH firsts AS (
            SELECT customer_id, MIN(ROW(priority, due_date, treatment_id)) AS gravest, COUNT(treatment_id) AS open_treatments
            FROM decision_treatment
            WHERE state = 'open'
            GROUP BY customer_id
        ),
        todo AS (
            SELECT t.*, f.open_treatments
            FROM decision_treatment AS t
            JOIN firsts AS f ON t.customer_id = f.customer_id AND t.treatment_id = f.gravest[3]
            WHERE t.state = 'open'
        ),
        warned AS (
            SELECT customer_id, COUNT(alert_id) AS open_alerts, MAX(LIST_POSITION([{severities}], severity)) AS gravest
            FROM decision_alert
            WHERE state IN ('open', 'acknowledged')
            GROUP BY customer_id
        )
        SELECT c.*,
            ROW_NUMBER() OVER (ORDER BY c.exposure_at_risk DESC, t.priority, t.due_date, c.customer_id) AS rank,
            t.action AS next_action, t.action_en AS next_action_en, t.action_zh AS next_action_zh, t.reason_en, t.reason_zh,
            t.rule, t.owner_role, t.due_date, t.priority, t.open_treatments, COALESCE(w.open_alerts, 0) AS open_alerts,
            [{severities}][w.gravest] AS gravest_alert, r.next_review_date
        FROM ({_customers(policy)}) AS c
        JOIN todo AS t ON c.customer_id = t.customer_id
        LEFT JOIN warned AS w ON c.customer_id = w.customer_id
        LEFT JOIN decision_review AS r ON c.customer_id = r.customer_id
    """


def _portfolio(policy: Policy) -> str:
    sums = """COUNT(customer_id) AS customers, COALESCE(SUM(total_exposure), 0) AS total_exposure,
            COALESCE(SUM(overdue), 0) AS overdue, COALESCE(SUM(secured_exposure), 0) AS secured_exposure,
            COALESCE(SUM(limit_reporting), 0) AS limit_reporting, COALESCE(SUM(expected_loss), 0) AS expected_loss"""

    def part(
        dimension: str, member: str, en: str, zh: str, cap: str = NO_CAP, where: str = "", customers_cap: str = NO_CAP
    ) -> str:
        return f"""
            SELECT {_text(dimension)} AS dimension, {member} AS member, {en} AS member_en, {zh} AS member_zh,
                {cap} AS share_cap, {customers_cap} AS customer_share_cap, CAST(NULL AS DECIMAL(18, 2)) AS loss_budget, {sums}
            FROM placed {where}
            GROUP BY ALL
        """

    def by_hand(member: str, cap: str = NO_CAP) -> str:
        en, zh, columns = BY_HAND[member]
        where = " OR ".join(f"{column} IN ('in_force', 'reduced')" for column in columns)
        return part("override", _text(member), _text(en), _text(zh), NO_CAP, f"WHERE {where}", cap)

    industry_cap = f"CASE WHEN industry <> {_text(UNKNOWN)} THEN $industry END"
    parts = [
        f"""
            SELECT 'all' AS dimension, 'all' AS member, 'All customers' AS member_en, '全部客户' AS member_zh,
                {NO_CAP} AS share_cap, {NO_CAP} AS customer_share_cap,
                CAST($loss_budget * COALESCE(SUM(sales_12m), 0) AS DECIMAL(18, 2)) AS loss_budget,
                {sums}
            FROM placed
        """,
        *(
            part(
                "concentration",
                _text(f"top{most}"),
                _text(f"Largest {most} customers or groups" if most > 1 else "Largest customer or group"),
                _text(f"最大的{most}个客户或集团" if most > 1 else "最大的客户或集团"),
                f"$top{most}",
                f"WHERE place <= {most}",
            )
            for most in (1, 10)
        ),
        part("tier", "tier", "tier_label_en", "tier_label_zh"),
        part("segment", "segment", "segment", "segment"),
        part("industry", "industry", "industry", "industry", industry_cap),
        part("country", "country", "country", "country"),
        by_hand("tier", "$overrides"),
        by_hand("limit", "$overrides"),
        by_hand("hold"),
    ]
    return f"""
        WITH customers AS (
            SELECT c.*, COALESCE(g.group_key, c.customer_id) AS borrower, h.sales_12m,
                COALESCE(k.country_code, {_text(UNKNOWN)}) AS country,
                CASE WHEN k.industry_code IS NULL THEN {_text(UNKNOWN)}
                     ELSE CONCAT_WS(' ', k.industry_scheme, COALESCE(NULLIF(REGEXP_EXTRACT(k.industry_code, '[0-9]{{2}}'), ''),
                                                                     k.industry_code)) END AS industry,
                CAST(c.exposure_at_risk * $lgd AS DECIMAL(18, 2)) AS expected_loss
            FROM ({_customers(policy)}) AS c
            JOIN factor_customer_state AS k ON c.customer_id = k.customer_id
            LEFT JOIN factor_group_state AS g ON c.customer_id = g.customer_id
            JOIN factor_transaction_history AS h ON c.customer_id = h.customer_id
        ),
        borrowers AS (
            SELECT borrower, ROW_NUMBER() OVER (ORDER BY SUM(total_exposure) DESC, borrower) AS place
            FROM customers GROUP BY borrower
        ),
        placed AS (SELECT c.*, b.place FROM customers AS c JOIN borrowers AS b ON c.borrower = b.borrower),
        parts AS ({" UNION ALL BY NAME ".join(parts)}),
        whole AS (
            SELECT SUM(total_exposure) AS exposure, CAST(COUNT(customer_id) AS DOUBLE) AS customers,
                MAX(reporting_currency) AS currency, MAX(run_label) AS label FROM placed
        )
        SELECT p.*, p.total_exposure / NULLIF(w.exposure, 0) AS exposure_share, p.customers / w.customers AS customer_share,
            COALESCE(p.total_exposure / NULLIF(w.exposure, 0) > p.share_cap, FALSE)
                OR COALESCE(p.customers / w.customers > p.customer_share_cap, FALSE)
                OR COALESCE(p.expected_loss > p.loss_budget, FALSE) AS over_cap,
            w.currency AS reporting_currency, w.label AS run_label
        FROM parts AS p CROSS JOIN whole AS w
        WHERE w.label IS NOT NULL
    """


def _text(value: str) -> str:
    return literal(value)
