"""What every column that decisions give is made from: facts, keys of the policy, other columns, constants of the run.

Put here: the declaration, and its resolution under a policy (a condition reads what the policy says). Keep out: where facts come
from (pipeline.column_lineage) and what is asked of lineage (risk_pipeline.lineage). tests/property/test_decision_lineage.py holds
the declaration against decide itself: what is not declared must not change a column, what is declared must be able to.

A value is declared as `direct | indirect`: what it is made of, and what only chooses. Words:
  name        a fact, or what this pass works out under that name (in_default, tier, limit_reporting …)
  @name       a value of this pass
  %key        a key of the policy, with all below it
  $name       a constant of the run
  ?block      what the conditions of a block of the policy read, and the conditions themselves; `?block:which`: of some rules
  *what       columns that the policy names elsewhere: see `_named`
  =name       a column of a table
  frame.name  what was known before of alerts and treatments (decision.alert_history, decision.treatment_history)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from risk_pipeline.contracts import table
from risk_pipeline.contracts.decision import SEVERITIES
from risk_pipeline.factors.catalogue import Catalogue
from risk_pipeline.policy.model import NOT_RATED, Policy
from risk_pipeline.policy.reading import rules_at
from risk_pipeline.policy.scopes import CONDITIONS, TIER_COLUMNS, condition

Kind = Literal["fact", "column", "policy", "run", "history"]
How = Literal["identity", "transformation", "conditional", "filter"]


class Source(NamedTuple):
    """Something a column is made from. `name`: a fact, `layer.table.column`, a key, a constant, `frame.column`."""

    kind: Kind
    name: str


@dataclass(frozen=True)
class Made:
    """What one column is made from, and how each of it acts."""

    sources: Mapping[Source, frozenset[How]]


# Values of the pass, in the order of decide. One that bears the name of a column is published as it; the others go into those.
VALUES: Mapping[str, str] = {
    # prepare, assign
    "materiality_abs": "%materiality | natural_person",
    "evidence_feeds_configured": "$evidence_feeds_configured",
    "segment": "%segments[].id | ?segments previous_segment previous_segment_held_on $as_of %segments[].stays_months",
    "segment_held_on": "$as_of previous_segment_held_on | ?segments @segment",
    "outside": "%outside_scorecard[].id | ?outside_scorecard",
    "has_limit": "| ?outside_scorecard:not_rated %outside_scorecard[].tier",
    "class": "%segments[].caps_and_terms_of | @segment",
    # scorecard
    "scorecard_id": "%segments[].scorecard | @segment @outside",
    "covered": "| *values *codes *aging @scorecard_id $as_of %scorecards %scoring %score",
    "counted": "| *reweighting *reweighting_codes *reweighting_aging @scorecard_id $as_of %scorecards %scoring",
    "score": "*values %scorecards %scoring | @covered",
    "pd": "@score %calibration",
    "pd_status": "%calibration_status | @score",
    "grade": "%master_scale | @pd",
    "scaled_score": "@pd %scaling",
    "coverage_pct": "%scorecards | @covered",
    "confidence_pct": "%scorecards *dated $as_of | @covered",
    "reweight_factor": "%scorecards | @counted",
    **{
        f"{kind}_subtotal": f"*values:{kind} %scorecards %scoring | @covered"
        for kind in ("credit", "operational", "market", "legal", "reputation")
    },
    # default
    "event": "| ?default_definition.events @has_limit",
    "default_wait": "%cure.in_default previous_default_wait_days | @event previous_in_default @has_limit",
    "in_default": "| @event previous_in_default max_dpd_material previous_default_cleared_on @default_wait @has_limit $as_of",
    "default_since": "$as_of previous_default_since | @in_default previous_in_default @has_limit",
    "default_cleared_on": "$as_of previous_default_cleared_on | @in_default @event previous_in_default max_dpd_material"
    " @has_limit",
    "default_wait_days": "@default_wait | @in_default",
    "default_events": "%default_definition.events[].id | @event",
    # knock-outs
    "hit": "| ?knockouts @has_limit",
    "spoken_against": "| ?knockouts:verdict @has_limit",
    "knockouts": "%knockouts[].id | @hit",
    "knockout_ceiling": "%knockouts[].ceiling | ?knockouts:ceiling @has_limit",
    # states, before the tier
    "status_since_before": "previous_status_since $as_of | @has_limit",
    "cause": "%knockouts[].state | ?knockouts:state @has_limit",
    "new_knockout": "| @spoken_against previous_knockouts",
    "proof": "| @cause max_dpd_material @event",
    "status_days": "$as_of @status_since_before",
    "proposed_status": "@cause",
    "counted_periods": "previous_status_periods | previous_status max_dpd_material @new_knockout %cure.probation.max_dpd $as_of",
    "clearing": "previous_status_cleared_on $as_of | previous_status @proof @has_limit",
    "wait": "previous_status_wait_days %cure | previous_status @cause @has_limit",
    "ceiling_of_cure": "previous_cure_ceiling %cure | previous_status @cause @has_limit",
    "cured": "| previous_status @proof @in_default @cause @clearing @wait $as_of @has_limit",
    "probation_met": "| previous_status @counted_periods %cure.probation.periods @has_limit",
    "plan_granted": "| plan_agreed_on @status_since_before",
    "plan_broken": "| plan_broken_on @status_since_before",
    "due_diligence_renewed": "| documents_received_date management_assessed_date sanctions_searched_on @status_since_before",
    "verdict": "| state_decision state_decision_on state_decision_role state_rejected state_rejected_on state_rejected_role"
    " @status_since_before @clearing @default_cleared_on %authorities.levels",
    "status_before_tier": "previous_status %exit.edges[].to | ?exit.edges:early @verdict @has_limit",
    # tier
    "model_tier": "%tiers[].id %outside_scorecard[].tier | @score @covered @outside %tiers[].score_from",
    "hysteresis_tier": "@model_tier previous_hysteresis_tier | @score previous_hysteresis_periods_met previous_last_downgrade_on"
    " $as_of %hysteresis %tiers %unrated.ranks_as",
    "hysteresis_periods_met": "previous_hysteresis_periods_met | @hysteresis_tier @model_tier previous_hysteresis_tier @score"
    " $as_of %hysteresis",
    "last_downgrade_on": "previous_last_downgrade_on $as_of | @model_tier previous_hysteresis_tier",
    "notched_tier": "@hysteresis_tier @model_tier notch_steps %notches | @outside",
    "tier": "@notched_tier %segments[].ceiling @knockout_ceiling %exit.states @ceiling_of_cure"
    " | @segment @status_before_tier @outside",
    "binding_rule": "%knockouts[].id %outside_scorecard[].id | @tier @covered @model_tier @hysteresis_tier @notched_tier"
    " @hysteresis_periods_met previous_hysteresis_tier previous_last_downgrade_on ?knockouts:ceiling @segment @status_before_tier"
    " @ceiling_of_cure @outside $as_of",
    "direction": "| @tier previous_tier %tiers %unrated.ranks_as",
    "periods_in_tier": "previous_periods_in_tier previous_as_of $as_of | @tier previous_tier",
    "month_end_score": "@score previous_month_end_score | $as_of",
    # states, after the tier
    "status": "@status_before_tier %exit.edges[].to | ?exit.edges:late @has_limit",
    "status_since": "@status_since_before $as_of | @status previous_status",
    "status_periods": "@counted_periods | @status previous_status",
    "status_before": "previous_status_before previous_status | @status",
    "status_rule": "%exit.edges[].id previous_status_rule | @status ?exit.edges:early ?exit.edges:late @verdict",
    "status_cleared_on": "@clearing $as_of | @status previous_status @proof",
    "status_wait_days": "@wait %cure | @status previous_status @cause",
    "cure_ceiling": "@ceiling_of_cure %cure | @status previous_status @cause",
    "stopped": "| ?knockouts:limit %knockouts[].limit @status %exit.states @has_limit",
    "readmitted": "| @status @status_before",
    # what reviews ask before the limit
    "knockout_removed": "| previous_knockouts @hit",
    "statement_new": "| statement_received_date previous_as_of",
    "security_changed": "| security_date previous_as_of",
    "plan_kept": "| plan_agreed_on plan_broken_on",
    "day_has_come": "| previous_next_review_date previous_limit_valid_to $as_of %reviews.carry_forward",
    "asked_anew": "| ?reviews.decide_anew",
    "anew": "| @day_has_come @asked_anew @status previous_status",
    # limit
    "policy_terms_days": "%terms | @tier @class",
    "need": "avg_monthly_sales_12m avg_monthly_sales_3m requested_limit @policy_terms_days %limits.tolerance_days %limits.need"
    " | months_since_first_invoice @tier @has_limit",
    "capacity": "tangible_net_worth revenue_annual bureau_recommended_limit sales_12m months_since_first_invoice"
    " expected_monthly_sales @pd %limits.capacity %limits.new_customer_cap"
    " | bureau_report_age_days relationship_months @tier @class @has_limit",
    "unsecured_limit": "@need @capacity | @stopped",
    "secured_amount": "collateral_value_net @need | @stopped",
    "alone": "@need @capacity collateral_value_net %cure.probation.limit_factor | @stopped @status",
    "period_start_limit": "previous_computed_limit previous_period_start_limit | previous_as_of $as_of @has_limit",
    "waits": "| @alone group_limit @period_start_limit previous_computed_limit %limits.move_caps %limits.dead_band_share"
    " @need @capacity @direction @status previous_status @spoken_against @day_has_come @asked_anew @has_limit",
    "computed_limit": "@alone group_limit @period_start_limit previous_computed_limit %limits.move_caps %limits.dead_band_share"
    " %limits.rounding %limits.floor"
    " | @need @capacity @direction @status previous_status @spoken_against @day_has_come @asked_anew",
    "may_be_manual": "| manual_limit manual_limit_role @tier %authorities.levels",
    "may_be_temporary": "| temporary_limit temporary_limit_role @tier %authorities.levels",
    "after_manual": "@computed_limit manual_limit group_limit %limits.manual | @may_be_manual @stopped",
    "limit_reporting": "@after_manual temporary_limit group_limit %limits.temporary"
    " | @may_be_temporary @tier ?knockouts:hold @stopped",
    "binding_method": "| @unsecured_limit @secured_amount @alone group_limit @period_start_limit previous_computed_limit %limits"
    " @need @capacity @direction @status previous_status @spoken_against @day_has_come @asked_anew @limit_reporting",
    "limit_reason": "%knockouts[].id %outside_scorecard | @binding_method @computed_limit @stopped @outside",
    "applied_source": "| @stopped @binding_method",
    "manual_limit_status": "| manual_limit @after_manual @may_be_manual @stopped",
    "temporary_limit_status": "| temporary_limit @limit_reporting @may_be_temporary @stopped",
    "credit_limit": "@limit_reporting credit_fx_rate | credit_currency $reporting_currency",
    "fx_rate_used": "credit_fx_rate | credit_currency $reporting_currency @has_limit",
    "secured_exposure": "@secured_amount total_exposure",
    "utilisation": "total_exposure @limit_reporting | @has_limit",
    "headroom": "@limit_reporting total_exposure | @has_limit",
    # approval
    "adverse": "| natural_person @direction",
    "approval_status": "| @limit_reporting @applied_source previous_effective_limit previous_computed_limit limit_approved"
    " limit_approved_role limit_rejected limit_rejected_from notch_steps group_limit_total @adverse @tier %authorities",
    "required_authority": "%authorities.levels[].role | @approval_status @applied_source @limit_reporting @tier"
    " group_limit_total",
    "effective_limit": "@limit_reporting previous_effective_limit previous_computed_limit | @approval_status @adverse",
    "notch_status": "| notch_steps @notched_tier @hysteresis_tier @tier",
    # terms and hold
    "prepaid": "| @limit_reporting @outside %outside_scorecard[].terms @readmitted",
    "payment_terms_days": "@policy_terms_days contracted_terms_days insured_terms_days %incentives %terms_rules.legal_caps"
    " | @prepaid @tier @periods_in_tier contract_valid_to ?terms_rules.legal_caps @secured_amount $as_of @has_limit",
    "settlement_cycle": "%terms | @tier @class @prepaid @has_limit",
    "prepayment_pct": "%terms | @tier @class @prepaid @has_limit",
    "terms_reason": "| @payment_terms_days",
    "proposed_terms_days": "%terms_rules.shorten | avg_monthly_sales_12m avg_monthly_sales_3m %limits.tolerance_days @tier @need"
    " @limit_reporting @applied_source @unsecured_limit @secured_amount @payment_terms_days @has_limit",
    "price_class_change": "%incentives[].price_class | @tier @class @periods_in_tier @prepaid @has_limit",
    "held": "| ?knockouts:hold %knockouts[].hold ?hold @has_limit",
    "never_released": "| @held %hold_release.never_over @stopped",
    "hold": "| @held @never_released hold_release_id",
    "hold_release_status": "| @held @never_released hold_release_id",
    "hold_reasons": "%knockouts[].id %hold[].id | ?knockouts:hold %knockouts[].hold ?hold @has_limit",
    # alerts
    "score_drop": "@score previous_month_end_score",
    "score_compared_with": "$as_of",
    "order_to_limit": "largest_order_30d @limit_reporting",
    "contract_days_left": "contract_valid_to $as_of",
    "unapplied_share": "unapplied_cash open_exposure",
    "lawsuit_to_net_worth": "lawsuit_newest_amount tangible_net_worth | statement_usable",
    "noticed": "| ?alerts @has_limit",
    "alert_first_seen": "$as_of alert_before.first_seen | @noticed alert_before.last_seen alert_before.as_of"
    " alert_before.severity %alerts[].severity %alert_rules.reopen_after_clear_days",
    "alert_last_seen": "$as_of alert_before.last_seen | @noticed",
    "alert_due": "@alert_first_seen %alerts[].days alert_action.until alert_action.acted_on"
    " | alert_action.alert_action %alert_rules.snooze_max_days",
    "alert_closed": "alert_action.alert_action | @noticed @alert_last_seen @alert_first_seen alert_action.acted_on"
    " alert_action.reason_text %alert_rules.event_days %alerts[].event $as_of",
    "alert_state": "@alert_closed alert_action.until | %alert_rules.snooze_max_days %alerts[].severity",
    "alert_forgotten": "| alert_before.state alert_before.last_seen alert_before.first_seen alert_action.alert_action"
    " alert_action.acted_on alert_action.reason_text %alert_rules %alerts[].event $as_of",
    # reviews
    "critical_alert": "| ?alerts:critical @has_limit alert_before.last_seen alert_before.as_of alert_before.severity"
    " alert_before.first_seen alert_action.alert_action alert_action.acted_on alert_action.reason_text %alert_rules %alerts"
    " $as_of",
    "moved_in_steps": "| @binding_method",
    "next_review_date": "$as_of previous_next_review_date %reviews *review_by | @anew @waits @direction @tier total_exposure"
    " @limit_reporting ?reviews.bring_forward @has_limit",
    "review_interval_days": "%reviews.days | @tier @has_limit",
    "review_reason": "%reviews.bring_forward[].id | @next_review_date",
    "reviewed_on": "$as_of previous_reviewed_on | @anew @direction @has_limit",
    "carried_forward": "| @anew @direction @has_limit",
    # treatments
    "asked": "| ?treatments ?dunning @tier @outside overdue max_days_past_due @proposed_terms_days @periods_in_tier @alert_closed"
    " %treatments %dunning %incentives %contradictions @has_limit",
    "treatment_met": "| treatment_action.acted_on @treatment_since",
    "treatment_since": "$as_of treatment_before.rules_since @alert_first_seen treatment_action.acted_on %treatments"
    " | @asked treatment_before.rules treatment_before.state",
    # reasons
    "reason": "%knockouts[].reason %exit.edges[].reason %unrated.reason %outside_scorecard[].reason | @hit @tier @status"
    " @status_rule notch_steps @notch_status override_lapsed_on previous_as_of override_violation @manual_limit_status"
    " @temporary_limit_status @hold_release_status @model_tier @outside *values @covered %tiers",
}
# Values whose column in a table has another name, and columns of tables with many rows for a customer. `*`: that a row is there.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "score.risk_score": {"policy_version": "$policy_version"},
    "score.contribution": {
        "*": "| @scorecard_id %scorecards",
        "factor reason_code risk_type": "%scorecards | @scorecard_id",
        "value": "*numbers",
        "value_text": "*texts",
        "weight": "%scorecards | @scorecard_id",
        "bin points missing": "*values %scoring | *codes *aging $as_of",
        "missing_action": "*values %scoring | *codes *dated $as_of",
        "effective_weight": "%scorecards | @counted",
        "contribution points_lost reason_rank": "*values %scorecards %scoring | @covered",
        "special_code": "*codes",
        "evidence_date": "*evidence",
        "evidence_age_days": "*evidence $as_of",
    },
    "decision.risk_tier": {
        "decided_on": "$as_of",
        "valid_to": "$as_of %reviews.days | @tier @has_limit",
    },
    "decision.credit_limit": {
        "currency": "credit_currency $reporting_currency | credit_fx_rate",
        "reporting_currency": "$reporting_currency",
        "valid_to": "$as_of %limits.validity_days previous_limit_valid_to | @tier @has_limit @anew @waits",
    },
    "decision.limit_candidate": {
        "*": "| @need @capacity collateral_value_net @limit_reporting @binding_method",
        "method kind": "%limits",
        "candidate_limit inputs": "@need @capacity collateral_value_net @alone group_limit previous_computed_limit"
        " @limit_reporting manual_limit temporary_limit @status | @stopped",
        "is_binding": "| @binding_method",
    },
    "decision.alert": {
        "*": "| @noticed *alert_objects @alert_forgotten alert_before.alert_id alert_before.customer_id alert_before.rule",
        "alert_id": "%alerts[].id customer_id *alert_objects alert_before.alert_id",
        "rule": "%alerts[].id alert_before.rule",
        "alert_object": "*alert_objects alert_before.alert_object",
        "indicator": "%alerts[].indicator | alert_before.rule",
        "severity": "%alerts[].severity | alert_before.rule",
        "value_text": "*alert_indicators alert_before.value_text",
        "threshold_text": "%alerts[].when | alert_before.rule",
        "signal_en signal_zh": "%alerts[].signal | alert_before.rule",
        "measures": "%alerts[].measure | alert_before.rule",
        "first_seen": "@alert_first_seen",
        "last_seen": "@alert_last_seen",
        "state": "@alert_state",
        "owner_role": "%alerts[].owner | alert_before.rule",
        "due_date": "@alert_due",
        "escalated_to": "%alert_rules.escalate_to %alerts[].owner | @alert_state @alert_due $as_of"
        " %alert_rules.escalate_after_due_days",
        "playbook": "%playbooks | alert_before.rule",
        **{
            name: f"alert_action.{name} | alert_action.alert_id alert_action.acted_on @alert_first_seen"
            for name in ("acted_by", "acted_on", "until", "reason_text")
        },
    },
    "decision.treatment": {
        "*": "| @asked treatment_before.treatment_id treatment_before.action treatment_before.state",
        "treatment_id": "%actions customer_id treatment_before.treatment_id",
        "action": "%actions treatment_before.action",
        "action_en": "%actions treatment_before.action_en",
        "action_zh": "%actions treatment_before.action_zh",
        **{
            name: f"%treatments %dunning %alerts %incentives %terms_rules.shorten treatment_before.{name} | @asked @treatment_met"
            for name in ("rule", "rules", "priority", "owner_role")
        },
        **{
            name: f"%treatments %dunning %alerts %incentives %terms_rules.shorten %tiers[].label %unrated.label %actions"
            f" treatment_before.{name} | @asked @treatment_met"
            for name in ("reason_en", "reason_zh")
        },
        "rules_since": "@treatment_since treatment_before.rules_since | @asked @treatment_met",
        "first_seen": "@treatment_since treatment_before.first_seen | @asked @treatment_met",
        "due_date": "@treatment_since @alert_due treatment_before.due_date %treatments | @asked @treatment_met",
        "state": "treatment_action.treatment_verdict | @asked @treatment_met treatment_before.first_seen",
        **{
            name: f"treatment_action.{name} | treatment_action.treatment_id @asked @treatment_met treatment_before.first_seen"
            for name in ("acted_by", "acted_on", "reason_text")
        },
    },
    "decision.review": {
        "review_reason_en": "%reviews.bring_forward[].reason | @review_reason",
        "review_reason_zh": "%reviews.bring_forward[].reason | @review_reason",
    },
    "mart.current_risk": {
        "currency": "=decision.credit_limit.currency",
        "policy_version": "=score.risk_score.policy_version",
        "tier_label_en tier_label_zh": "%tiers[].label %unrated.label %not_rated.label | @tier",
        "reasons_en reasons_zh": "@reason",
    },
}
# The tables of the pass, in the order in which a value of the same name is first published.
TABLES = tuple(COLUMNS)
OF_RUN = ("as_of", "run_id", "run_label")

# Facts that come from the first passes over the members of groups (decision.groups).
OF_GROUPS: Mapping[str, str] = {
    "group_member_in_default": "| group_key group_members ring_fenced @in_default",
    "group_limit": "@alone collateral_value_net_group %limits.capacity.tier_cap %limits.group"
    " | group_key group_members group_parent_id ring_fenced @tier",
    "group_limit_total": "@alone collateral_value_net_group %limits.capacity.tier_cap %limits.group"
    " | group_key group_members group_parent_id ring_fenced @tier",
}

# What conditions call by a name that the value does not have here.
CALLED: Mapping[str, str] = {"status_periods": "counted_periods"}
FRAMES = ("alert_before", "alert_action", "treatment_before", "treatment_action")


def declared(policy: Policy, catalogue: Catalogue) -> dict[str, dict[str, Made]]:
    """What each column of TABLES is made from under this policy, by table and column; values between are resolved."""
    return _Declaration(policy, catalogue).tables()


def declared_of_groups(policy: Policy, catalogue: Catalogue) -> dict[str, Made]:
    """The same of the facts OF_GROUPS."""
    book = _Declaration(policy, catalogue)
    return {name: Made(book.sources(text)) for name, text in OF_GROUPS.items()}


Sources = dict[Source, frozenset[How]]


class _Declaration:
    def __init__(self, policy: Policy, catalogue: Catalogue) -> None:
        self._policy = policy
        self._catalogue = catalogue
        self._published: dict[str, str] = {}
        for name in TABLES:
            for column in table(name).column_names:
                if column in VALUES and not _own(name, column):
                    self._published.setdefault(column, f"{name}.{column}")
        self._worked_out: dict[str, Sources] = {}

    def tables(self) -> dict[str, dict[str, Made]]:
        return {name: {column: Made(self._column(name, column)) for column in table(name).column_names} for name in TABLES}

    def _column(self, name: str, column: str) -> Sources:
        own = _own(name, column)
        place = self._published.get(column)
        if column in OF_RUN:
            found: Sources = {Source("run", column): frozenset({"identity"})}
        elif own is not None:
            found = self.sources(own)
        elif place is None:
            found = {Source("fact", column): frozenset({"identity"})}
        elif place == f"{name}.{column}":
            found = self.sources(VALUES[column])
        else:
            found = {Source("column", place): frozenset({"identity"})}
        rows = COLUMNS[name].get("*")
        return _joined(found, _as(self.sources(rows), "filter")) if rows else found

    def sources(self, text: str) -> Sources:
        """What a declaration names, with values that are not published resolved."""
        direct, _, indirect = text.partition("|")
        alone = len(direct.split()) == 1 and not indirect.strip()
        found: Sources = {}
        for word in direct.split():
            of_word = self._word(word)
            found = _joined(found, of_word if alone else _as(of_word, "transformation"))
        for word in indirect.split():
            found = _joined(found, _as(self._word(word), "conditional"))
        return found

    def _word(self, word: str) -> Sources:
        rest = word[1:]
        match word[0]:
            case "@":
                return self._value(rest)
            case "%":
                return {Source("policy", rest): frozenset({"identity"})}
            case "$":
                return {Source("run", rest): frozenset({"identity"})}
            case "?":
                return self._conditions(rest)
            case "=":
                return {Source("column", rest): frozenset({"identity"})}
            case "*":
                names = _named(rest, self._policy, self._catalogue)
                return self._all(names)
        if word.partition(".")[0] in FRAMES:
            return {Source("history", word): frozenset({"identity"})}
        return self._value(word) if word in VALUES else {Source("fact", word): frozenset({"identity"})}

    def _value(self, name: str) -> Sources:
        if name in self._published:
            return {Source("column", self._published[name]): frozenset({"identity"})}
        if name not in self._worked_out:
            self._worked_out[name] = self.sources(VALUES[name])
        return self._worked_out[name]

    def _conditions(self, block: str) -> Sources:
        columns = (CALLED.get(name, name) for name in _read_by(block, self._policy))
        rules = {Source("policy", _key_of(block)): frozenset[How]({"identity"})}
        return _joined(self._all(columns), rules)

    def _all(self, names: Iterator[str]) -> Sources:
        found: Sources = {}
        for name in dict.fromkeys(names):
            found = _joined(found, self._word(name))
        return found


def _own(name: str, column: str) -> str | None:
    """What COLUMNS says of a column itself."""
    return next((text for columns, text in COLUMNS[name].items() if column in columns.split()), None)


def _joined(one: Sources, other: Sources) -> Sources:
    return {source: one.get(source, frozenset()) | other.get(source, frozenset()) for source in (*one, *other)}


def _as(sources: Sources, how: How) -> Sources:
    """What acts by `how` through each of the sources; what was indirect stays so."""
    if how in ("conditional", "filter"):
        return dict.fromkeys(sources, frozenset({how}))
    return {
        source: frozenset(each if each in ("conditional", "filter") else how for each in hows) for source, hows in sources.items()
    }


def _key_of(block: str) -> str:
    place = block.partition(":")[0]
    return {"treatments": "treatments.*[].when", "dunning": "dunning.paused_when"}.get(place, f"{place}[].when")


def _read_by(block: str, policy: Policy) -> Iterator[str]:
    """Columns that the conditions of a block read, or those of some of its rules: `block:which`."""
    if block == "treatments":
        for asks in policy.treatments.values():
            for each in asks:
                yield from condition(each.when, "treatment").columns()
        return
    if block == "dunning":
        yield from condition(policy.dunning.paused_when, "treatment").columns()
        return
    place, _, which = block.partition(":")
    rules = rules_at(policy, place)
    if which == "not_rated":  # the first that holds counts: those before one that takes a customer out count too
        last = max((number for number, rule in enumerate(rules) if rule.tier == NOT_RATED), default=-1)
        rules = rules[: last + 1]
    for rule in rules:
        columns = condition(rule.when, CONDITIONS[place]).columns()
        if _is_of(rule, which, columns):
            yield from columns


def _is_of(rule: Any, which: str, columns: tuple[str, ...]) -> bool:
    """Whether a rule is one of those meant. Edges between states are asked early, or late when they read the tier."""
    match which:
        case "early" | "late":
            return any(name in TIER_COLUMNS for name in columns) == (which == "late")
        case "ceiling" | "state":
            return getattr(rule, which) is not None
        case "limit":
            return bool(rule.stops_limit)
        case "verdict":
            return bool(rule.is_verdict)
        case "hold":
            return bool(rule.hold)
        case "critical":
            return bool(rule.severity == SEVERITIES[-1])
    return True


def _named(what: str, policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    """Columns that the policy names: of factors, of alerts (indicators, objects), dates by which reviews are brought forward."""
    match what:
        case "alert_indicators":
            return (rule.indicator for rule in policy.alerts)
        case "alert_objects":
            return (rule.object for rule in policy.alerts if rule.object)
        case "review_by":
            return (rule.by for rule in policy.reviews.bring_forward if rule.by)
    return _of_factors(what, policy, catalogue)


def _of_factors(what: str, policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    """Columns of the factors of the cards that segments take.

    Values: all, of one risk type, numbers or texts, those whose weight others carry where they are missing (reweighting). Codes:
    all, those that move weight. Dates of evidence: all, where an age is looked at (dated), where points go with age (aging).
    """
    name, _, risk_type = what.partition(":")
    cards = {segment.scorecard for segment in policy.segments}
    factors = catalogue.scored({factor: None for card in cards for factor in policy.scorecards[card]})
    for factor in factors:
        rule = policy.scoring[factor.id]
        moves, ages = rule.missing.policy in ("reweight", "block"), rule.max_age_days is not None and rule.stale != "flag"
        of_column = {
            "values": (factor.id, risk_type in ("", factor.risk_type)),
            "numbers": (factor.id, rule.values is None),
            "texts": (factor.id, rule.values is not None),
            "reweighting": (factor.id, moves),
            "codes": (f"{factor.id}_code", bool(factor.codes)),
            "reweighting_codes": (f"{factor.id}_code", bool(factor.codes) and (moves or "reweight" in rule.special.values())),
            "evidence": (factor.evidence, True),
            "dated": (factor.evidence, rule.max_age_days is not None),
            "aging": (factor.evidence, ages),
            "reweighting_aging": (factor.evidence, moves and ages),
        }
        column, is_meant = of_column[name]
        if is_meant:
            yield column
