"""Why one customer has its tier and limit: everything published about it on a date, with the words of the policy beside it.

Put here: gathering. Keep out: layout and language (the command line and reports render this), and any new figure: whatever is
told here stands in a published table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from risk_pipeline.contracts import table
from risk_pipeline.contracts.decision import SEVERITIES
from risk_pipeline.contracts.factor_collateral import INELIGIBLE, KINDS
from risk_pipeline.decision.hysteresis import WAITS
from risk_pipeline.decision.reasons import enough_points, reason_told
from risk_pipeline.decision.scorecard import HUNDRED
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.factors.catalogue import RISK_TYPES, Catalogue, heading, load_catalogue
from risk_pipeline.policy.model import ACTIVE, UNRATED, Label, Policy
from risk_pipeline.policy.reading import rules_by_column
from risk_pipeline.settings import Workspace

Row = dict[str, Any]

REJECTED = """
WITH used AS (
    SELECT delivery_id, mode, COALESCE(origin_delivery_id, delivery_id) AS origin,
        delivery_id = MAX(delivery_id) OVER (PARTITION BY origin) AS last_try,
        origin = MAX(origin) OVER (PARTITION BY feed) AS newest
    FROM audit.delivery
    WHERE state = 'effective' AND delivery_kind <> 'revocation'
      AND delivery_id <= (SELECT CAST(manifest ->> '$.last_delivery' AS BIGINT) FROM audit.run WHERE run_id = ?)
)
SELECT q.feed, q.source_file, q.source_line, q.rule, q.column_name, q.value_text
FROM audit.quarantine AS q JOIN used USING (delivery_id)
WHERE used.last_try AND (used.mode <> 'snapshot' OR used.newest) AND q.rule <> 'superseded'
  AND EXISTS (SELECT 1 FROM UNNEST(json_extract_string(q.row_json, '$.*')) AS cell (text) WHERE TRIM(cell.text) = ?)
ORDER BY q.delivery_id DESC, q.source_file, q.source_line, q.rule, q.column_name"""

COURSE = 15  # the month ends of a year, both included, and some runs between
COURSE_OF = f"""
SELECT t.as_of, s.score, t.tier, t.direction, t.binding_rule, t.status, l.effective_limit, l.reporting_currency, l.total_exposure,
    l.hold
FROM decision.risk_tier AS t
JOIN decision.credit_limit AS l USING (as_of, customer_id)
LEFT JOIN score.risk_score AS s USING (as_of, customer_id)
WHERE t.customer_id = ? AND t.as_of <= ?
WINDOW by_day AS (ORDER BY t.as_of)
QUALIFY t.as_of = LAST_DAY(t.as_of) OR LEAD(t.as_of) OVER by_day IS NULL OR
    (t.tier, t.status, l.effective_limit, l.hold) IS DISTINCT FROM LAG((t.tier, t.status, l.effective_limit, l.hold)) OVER by_day
ORDER BY t.as_of DESC
LIMIT {COURSE}"""
SEVEREST_FIRST = f"list_position([{', '.join(map(repr, SEVERITIES))}], severity) DESC, due_date, alert_id"


@dataclass(frozen=True)
class Explanation:
    """One row per one-row-per-customer table; contributions with the costliest first; candidates as laddered;
    securities with the most valuable first (`kind`, and `why_not` of those that do not count); open actions with the most
    urgent first (`owner` in words); open items with
    the oldest first; `rejected_rows`: rows of the deliveries behind the run that name the customer and are in quarantine, so
    missing from every figure. `evidence`: the factor tables in the order of the catalogue, each with the date and age of its
    newest row, its contributions (`factors`), the points they lost at the assessment before, and the facts beside them that have
    a value (`facts`, with the `rules` of the policy that read them).
    `course`: the newest assessments up to this one, the oldest first, those between month ends where they changed something, each
    with `why`, the knock-out that decided its tier (None = another rule). `warnings`: alerts that are not closed, gravest first.
    `risk_types`: what each kind of risk gave to the score (`subtotal`) of what it could (`weight`). Texts come as
    {"en": …, "zh": …}.
    """

    as_of: date
    customer: Row
    tier: Row
    score: Row
    limit: Row
    exposure: Row
    history: Row
    due_diligence: Row
    contributions: list[Row]
    risk_types: list[Row]
    evidence: list[Row]
    candidates: list[Row]
    securities: list[Row]
    course: list[Row]
    warnings: list[Row]
    treatments: list[Row]
    review: Row
    open_items: list[Row]
    rejected_rows: list[Row]
    run: Row


def explain(workspace: Workspace, customer_id: str, as_of: date | None = None) -> Explanation:
    """Everything published about a customer on `as_of` (None = the newest date that has it).

    RiskError when nothing is published; UsageError when the customer, or the customer on that date, is not there.
    """
    if not workspace.catalogue.exists():
        raise RiskError(f"nothing is published yet in {workspace.root}", remedy="risk-pipeline run --as-of DATE")
    with duckdb.connect(str(workspace.catalogue), read_only=True) as con:
        day = _date(con, customer_id, as_of)
        found = _Published(con, customer_id, day)
        tier = found.one("decision.risk_tier")
        run = found.run(tier["run_id"])
        catalogue = load_catalogue()
        policy = Policy.model_validate_json(run.pop("policy"))  # as it was, whatever became of its file
        limit = found.one("decision.credit_limit")
        score = found.one("score.risk_score")
        contributions = found.all("score.contribution", "reason_rank NULLS LAST, weight DESC")
        worded = [_worded(row, catalogue, policy) for row in contributions]
        return Explanation(
            as_of=day,
            customer=found.one("factor.customer_state"),
            tier={
                **tier,
                "tier_label": _tier_label(policy, tier["tier"]),
                "model_tier_label": _tier_label(policy, tier["model_tier"]),
                "previous_tier_label": _tier_label(policy, tier["previous_tier"]) if tier["previous_tier"] else None,
                "decided": _decided(policy, catalogue, tier, score, contributions),
                "state": _state(policy, tier),
                "knockout_reasons": _knockouts(policy, tier["knockouts"]),
            },
            score=score,
            limit={
                **limit,
                "hold_texts": hold_texts(policy, limit["hold_reasons"]),
                "terms_text": _terms_text(policy, limit.get("terms_reason")),
            },
            exposure=found.one("factor.exposure"),
            history=found.one("factor.transaction_history"),
            due_diligence=found.one("factor.due_diligence"),
            contributions=worded,
            risk_types=_risk_types(score, worded),
            evidence=list(_evidence(found, catalogue, policy, worded, day, run["previous_as_of"])),
            candidates=found.all("decision.limit_candidate", "kind = 'need' DESC, candidate_limit NULLS LAST, method"),
            securities=[
                _security(row) for row in found.all("factor.collateral_item", "net_value DESC, security_source, security_id")
            ],
            course=[
                {**row, "tier_label": _tier_label(policy, row["tier"]), "why": _reason(policy, row["binding_rule"])}
                for row in found.course()
            ],
            warnings=[
                {
                    **row,
                    "value_label": _tier_label(policy, row["value_text"]) if row["indicator"] == "tier" else None,
                    "playbook_label": _text(book.label) if (book := policy.playbooks.get(row["playbook"] or "")) else None,
                }
                for row in found.all("decision.alert", SEVEREST_FIRST)
                if row["state"] != "closed"
            ],
            treatments=[
                {**row, "owner": _role(policy, row["owner_role"])}
                for row in found.all("decision.treatment", "priority, due_date, treatment_id")
                if row["state"] == "open"
            ],
            review=found.one("decision.review"),
            open_items=found.open_items(),
            rejected_rows=found.rejected_rows(tier["run_id"]),
            run=run,
        )


def _terms_text(policy: Policy, reason: str | None) -> Row | None:
    """What set the terms, in words; None where it is the tier itself, or prepayment, which says so by itself."""
    rules = {rule.id: rule.reason for rule in policy.incentives}
    rules |= {cap.id: cap.reason for cap in policy.terms_rules.legal_caps}
    rules["contract"] = Label(en="longer terms agreed by contract", zh="合同约定的较长账期")
    rules["insurance"] = Label(en="the insurer's longest terms", zh="保险承保的最长账期")
    return rules[reason].model_dump() if reason in rules else None


def _role(policy: Policy, role: str) -> Row:
    label = policy.roles.get(role)
    return label.model_dump() if label is not None else {"en": role, "zh": role}


class _Published:
    """The rows of one customer on one date."""

    def __init__(self, con: duckdb.DuckDBPyConnection, customer_id: str, as_of: date) -> None:
        self._con = con
        self._key = [as_of, customer_id]

    def all(self, name: str, order: str) -> list[Row]:
        return self._rows(f"SELECT * FROM {name} WHERE as_of = ? AND customer_id = ? ORDER BY {order}", self._key)

    def one(self, name: str) -> Row:
        rows = self.all(name, "customer_id")
        return rows[0] if rows else {}

    def course(self) -> list[Row]:
        """The newest assessments up to this one, at most COURSE of them, the oldest first."""
        return self._rows(COURSE_OF, [self._key[1], self._key[0]])[::-1]

    def lost(self, day: date | None) -> dict[str, float]:
        """Points lost by factor at another assessment; empty when there is none, or it gave no score."""
        rows = self._rows(
            "SELECT factor, points_lost FROM score.contribution WHERE as_of = ? AND customer_id = ? AND points_lost IS NOT NULL",
            [day, self._key[1]],
        )
        return {row["factor"]: row["points_lost"] for row in rows}

    def open_items(self) -> list[Row]:
        """The open items, oldest first, each with the file and line that last delivered its invoice."""
        return self._rows(
            "SELECT o.*, i.source_file, i.source_line"
            " FROM factor.open_item AS o LEFT JOIN feed.invoice AS i USING (invoice_id)"
            " WHERE o.as_of = ? AND o.customer_id = ? ORDER BY o.days_past_due DESC, o.invoice_id",
            self._key,
        )

    def rejected_rows(self, run_id: str) -> list[Row]:
        """Rejected rows that hold the customer's id as a value: of the deliveries the run could use, and of a feed that
        delivers everything each time only the newest of them.
        """
        return self._rows(REJECTED, [run_id, self._key[1]])

    def run(self, run_id: str) -> Row:
        return self._rows(
            "SELECT * EXCLUDE (manifest), manifest ->> '$.policy' AS policy FROM audit.run WHERE run_id = ?", [run_id]
        )[0]

    def _rows(self, sql: str, parameters: list[Any]) -> list[Row]:
        found = self._con.execute(sql, parameters)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _date(con: duckdb.DuckDBPyConnection, customer_id: str, as_of: date | None) -> date:
    dates = [row[0] for row in con.execute("SELECT DISTINCT as_of FROM decision.risk_tier ORDER BY as_of").fetchall()]
    if not dates:
        raise RiskError("nothing is published yet", remedy="risk-pipeline run --as-of DATE")
    if as_of is not None and as_of not in dates:
        raise UsageError(f"{as_of} is not published", remedy=f"published dates: {', '.join(map(str, dates))}")
    with_customer = "SELECT DISTINCT as_of FROM decision.risk_tier WHERE customer_id = ? ORDER BY as_of"
    known = [row[0] for row in con.execute(with_customer, [customer_id]).fetchall()]
    if not known:
        raise UsageError(f"there is no customer {customer_id}", remedy="risk-pipeline show mart.current_risk lists the customers")
    if as_of is not None and as_of not in known:
        raise UsageError(
            f"customer {customer_id} was not there on {as_of}", remedy=f"it is assessed on {', '.join(map(str, known))}"
        )
    return as_of or known[-1]


def _security(row: Row) -> Row:
    """The row with its kind, and why it does not count, in words."""
    words = {"kind": KINDS[row["security_kind"]], "why_not": INELIGIBLE.get(row["ineligible_code"])}
    return {**row, **{name: {"en": text[0], "zh": text[1]} if text else None for name, text in words.items()}}


def _worded(row: Row, catalogue: Catalogue, policy: Policy) -> Row:
    """The row with its words; `reason` only where the mart tells it too: points lost, fewer points than the best tier asks."""
    factor = catalogue.by_id[row["factor"]]
    words: Row = {"label": _text(factor.label), "unit": factor.unit, "formula": factor.formula}
    if row["reason_rank"] is not None and round(row["points"] * HUNDRED) < enough_points(policy):
        words["reason"] = _text(reason_told(factor, catalogue, row["special_code"], missing=row["missing"]))
    if row["special_code"] in catalogue.codes:
        words["special"] = _text(catalogue.codes[row["special_code"]])
    return {**row, **words}


def _risk_types(score: Row, contributions: list[Row]) -> list[Row]:
    """The kinds of risk that count in the score: their subtotal, and the sum of their effective weights."""
    found = []
    for risk_type, label in RISK_TYPES.items():
        weight = sum(row["effective_weight"] for row in contributions if row["risk_type"] == risk_type)
        if weight and score[f"{risk_type}_subtotal"] is not None:
            figures = {"subtotal": score[f"{risk_type}_subtotal"], "weight": weight}
            found.append({"risk_type": risk_type, "label": _text(label), **figures})
    return found


def _evidence(
    found: _Published, catalogue: Catalogue, policy: Policy, contributions: list[Row], day: date, before: date | None
) -> Iterator[Row]:
    lost_before = found.lost(before)
    rules = rules_by_column(policy)
    scored = {row["factor"]: row for row in contributions}
    for name in dict.fromkeys(factor.table for factor in catalogue.factors):
        row = found.one(f"factor.{name}")
        factors = [factor for factor in catalogue.factors if factor.table == name]
        dated = row.get("evidence_date")
        yield {
            "table": name,
            "heading": _text(heading(table(f"factor.{name}"))),
            "evidence_date": dated,
            "evidence_age_days": (day - dated).days if dated else None,
            "factors": [scored[factor.id] for factor in factors if factor.id in scored],
            "previous_as_of": before if lost_before else None,
            "previous_points_lost": sum(lost_before.get(factor.id, 0.0) for factor in factors) if lost_before else None,
            "facts": [
                {
                    "fact": factor.id,
                    "label": _text(factor.label),
                    "unit": factor.unit,
                    "value": row[factor.id],
                    "rules": rules.get(factor.id, []),
                }
                for factor in factors
                if factor.id not in scored and row.get(factor.id) is not None
            ],
        }


def _decided(policy: Policy, catalogue: Catalogue, tier: Row, score: Row, contributions: list[Row]) -> Row:
    """What decided the tier. `kind`: score, segment_ceiling, knockout, outside, one of unrated_ or of hysteresis_; beside it
    what that rule compares: the score and the bounds of its tier (`from` inclusive, `below`; None = open), what the next step
    up needs, or the share and its threshold.
    """
    rule = tier["binding_rule"]
    if (reason := _reason(policy, rule)) is not None:
        kind = "outside" if rule in {each.id for each in policy.outside_scorecard} else "knockout"
        return {"rule": rule, "kind": kind, **reason}
    found: Row = {"rule": rule, "kind": rule, **(_text(policy.unrated.reason) if rule.startswith(UNRATED) else {})}
    if rule == "score":
        names = list(policy.tier_ids)
        place = names.index(tier["tier"])
        lowest = float(policy.tiers[place].score_from) if place < len(names) - 1 else None
        return {**found, "score": score["score"], "from": lowest, "below": _from(policy, place - 1)}
    if rule in WAITS:
        return {**found, **_way_up(policy, tier, score)}
    if rule == "unrated_coverage":
        return {**found, "value": score["coverage_pct"], "threshold": policy.score.min_coverage_pct}
    if rule == "unrated_reweight":
        return {**found, "value": score["reweight_factor"], "threshold": policy.score.max_reweight_factor}
    if rule == "unrated_missing_factor":
        blocking = [row["factor"] for row in contributions if str(row["missing_action"]).endswith("block")]
        return {**found, "factors": [_text(catalogue.by_id[name].label) for name in blocking]}
    return found


def _reason(policy: Policy, rule: str) -> Row | None:
    """A knock-out or a rule outside the scorecard in the words of the policy; None for other rules."""
    texts = {each.id: each.reason for each in policy.knockouts} | {each.id: each.reason for each in policy.outside_scorecard}
    return _text(texts[rule]) if rule in texts else None


def _way_up(policy: Policy, tier: Row, score: Row) -> Row:
    """What the next tier up asks for and how far the customer is: score `needed` at `periods` month ends in a row, of which
    `met` are there, and `free_on`, the first day after the cooldown (None = never lowered).
    """
    rule, names = policy.hysteresis, list(policy.tier_ids)
    kept = tier["hysteresis_tier"]
    better = names[names.index(policy.unrated.ranks_as if kept == UNRATED else kept) - 1]
    lowered, days = tier["last_downgrade_on"], rule.cooldown_days_after_downgrade
    return {
        "score": score["score"],
        "better": _tier_label(policy, better),
        "needed": float(policy.tiers[names.index(better)].score_from + rule.upgrade_buffer_points),
        "met": tier["hysteresis_periods_met"],
        "periods": rule.periods_to_upgrade,
        "lowered_on": lowered,
        "cooldown_days": days,
        "free_on": lowered + timedelta(days=days) if lowered else None,
    }


def _from(policy: Policy, place: int) -> float | None:
    return float(policy.tiers[place].score_from) if place >= 0 else None


def _tier_label(policy: Policy, tier: str) -> Row:
    return _text(policy.tier_labels.get(tier) or Label(en=tier, zh=tier))  # an earlier policy may have had others


def _state(policy: Policy, tier: Row) -> Row | None:
    """A state other than active in words, and why; None for an active customer and one without a state."""
    edge = next((each for each in policy.exit.edges if each.id == tier["status_rule"]), None)
    if edge is None or tier["status"] in (None, ACTIVE):
        return None
    return {"label": _text(dict(policy.exit.by_status)[tier["status"]].label), "reason": _text(edge.reason)}


def _knockouts(policy: Policy, ids: str) -> list[Row]:
    struck = set(ids.split(",")) if ids else set()
    return [{"id": rule.id, "when": rule.when, **_text(rule.reason)} for rule in policy.knockouts if rule.id in struck]


def hold_texts(policy: Policy, ids: str) -> list[Row]:
    """The reasons behind `hold_reasons` (rule ids with commas between), in the words of the policy: id, en, zh."""
    rules = {rule.id: rule.reason for rule in policy.knockouts} | {rule.id: rule.reason for rule in policy.hold}
    return [{"id": each, **_text(rules[each])} for each in ids.split(",") if each]


def _text(label: Label) -> Row:
    return {"en": label.en, "zh": label.zh}
