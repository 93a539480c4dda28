"""Segregation of duties: nobody alone makes a decision that takes two people, whichever way it came in.

Put here: the duties, how a breach of each is found in what people decided, and the gate that reports those that a run rests on.
Keep out: who may decide what (policy `authorities`), refusing an attempt (pipeline.overrides and its like), what an approval
against the rules is worth (factors/people_decision.sql), gathering the facts of a run (pipeline.duties).

The policy says which of them block a publication (`duties.block`); the others are told. Names are compared without capitals and
blanks: the program takes a name as given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from risk_pipeline.gates.results import GateResult, Severity, sql_text
from risk_pipeline.policy.model import Duty, Policy

TABLE = "factor.people_decision"
EXAMPLES = 3


@dataclass(frozen=True)
class DutyFacts:
    """Who did what for one run, or for nobody's in particular. `approval`: of the policy: `shipped`, `recorded` in the audit log
    for this content, `unrecorded`, or `none` for one that is not approved; `approvers`: by file and log. `launcher`: None when
    nobody launched it by name. `confirmed`: each finding that was ever confirmed, and by whom. `on`: the date decisions must be
    in force at; None = whenever.
    """

    policy: Policy | None = None
    approval: str = "none"
    approvers: tuple[str, ...] = ()
    launcher: str | None = None
    confirmed: Sequence[tuple[str, str]] = ()
    on: date | None = None


@dataclass(frozen=True)
class Violation:
    """A duty that was not kept: about what, by whom; `customer_id` None where it is about no single one."""

    duty: Duty
    subject: str
    person: str
    customer_id: str | None = None


Finder = Callable[[duckdb.DuckDBPyConnection, DutyFacts], Iterator[Violation]]


@dataclass(frozen=True)
class Rule:
    """A duty in words, and how its breaches are found: over the feeds (schema feed of the connection) and the facts. `judges`:
    the columns of feeds whose values it questions.
    """

    name: Duty
    en: str
    zh: str
    find: Finder
    judges: tuple[str, ...] = ()


def same(one: str, other: str) -> bool:
    """Two names of one person."""
    return one.strip().casefold() == other.strip().casefold()


def violations(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> list[Violation]:
    """Every breach of every duty, in the order of the duties."""
    return [each for rule in RULES for each in rule.find(con, facts)]


def check_duties(con: duckdb.DuckDBPyConnection, facts: DutyFacts | None) -> list[GateResult]:
    """One answer for each duty; it blocks when the policy says so. `facts` None: nothing was decided by people."""
    blocking = facts.policy.duties.block if facts is not None and facts.policy is not None else ()
    results = []
    for rule in RULES:
        found = list(rule.find(con, facts)) if facts is not None else []
        shown = "; ".join(_told(each) for each in found[:EXAMPLES]) + (" ..." if len(found) > EXAMPLES else "")
        detail = f"{rule.en}: {shown}" if found else "no breach"
        severity: Severity = "error" if rule.name in blocking else "warn"
        results.append(GateResult(check_name(rule.name), TABLE, severity, not found, len(found), detail))
    return results


def check_name(duty: str) -> str:
    """The name of the check that asks for a duty."""
    return f"duty_{duty}"


def _told(each: Violation) -> str:
    return f"{each.subject}{f' of customer {each.customer_id}' if each.customer_id else ''} by {each.person}"


def _author_approves(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    policy = facts.policy
    if policy is not None:
        for approver in facts.approvers:
            if same(approver, policy.author):
                yield Violation("policy_author_approves", f"policy {policy.version}", approver)
                return


def _approval_unrecorded(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    if facts.policy is not None and facts.approval == "unrecorded":
        person = facts.policy.approver or "nobody"
        yield Violation("policy_approval_unrecorded", f"policy {facts.policy.version}", person)


def _override_requester_approves(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    query = (
        "SELECT 'override ' || override_id, decided_by, customer_id FROM feed.override"
        f" WHERE verdict = 'approved' AND {_same('decided_by', 'requested_by')}{_in_force(facts.on)}"
    )
    yield from _rows(con, "override_requester_approves", query)


def _limit_requester_approves(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    query = (
        "SELECT DISTINCT 'limit decision ' || l.limit_decision_id, l.decided_by, l.customer_id FROM feed.limit_decision AS l"
        f" INNER JOIN feed.override AS o ON l.customer_id = o.customer_id AND {_same('l.decided_by', 'o.requested_by')}"
        " WHERE l.verdict = 'approved' AND o.verdict = 'approved'"
        f" AND o.valid_from <= l.decided_as_of AND o.valid_to >= l.decided_as_of{_counts('l.verdict_on', facts)}"
    )
    yield from _rows(con, "limit_requester_approves", query)


def _state_requester_approves(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    query = (
        "SELECT 'customer state decision ' || state_decision_id, decided_by, customer_id FROM feed.customer_state_decision"
        f" WHERE verdict IN ('approved', 'rejected') AND {_same('decided_by', 'requested_by')}{_counts('verdict_on', facts)}"
    )
    yield from _rows(con, "customer_state_requester_approves", query)


def _finding_cleared_by_confirmer(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    """Whoever confirmed a finding does not clear it: it frees a customer that a rule had stopped."""
    if not facts.confirmed:
        return
    pairs = ", ".join(f"({sql_text(finding)}, {sql_text(person)})" for finding, person in facts.confirmed)
    query = (
        "SELECT DISTINCT 'finding ' || f.finding_id, f.reviewed_by, f.customer_id FROM feed.due_diligence_finding AS f"
        f" INNER JOIN (VALUES {pairs}) AS c (finding_id, person) ON f.finding_id = c.finding_id"
        f" WHERE f.review_state = 'cleared' AND {_same('f.reviewed_by', 'c.person')}"
    )
    yield from _rows(con, "finding_cleared_by_confirmer", query)


def _launcher_approves(con: duckdb.DuckDBPyConnection, facts: DutyFacts) -> Iterator[Violation]:
    """Of what the run rests on: its policy, and the decisions in force at its date."""
    if facts.launcher is None:
        return
    if facts.policy is not None and facts.approval != "shipped" and any(same(facts.launcher, each) for each in facts.approvers):
        yield Violation("launcher_approves", f"policy {facts.policy.version}", facts.launcher)
    his = _same("decided_by", sql_text(facts.launcher))
    query = (
        "SELECT 'override ' || override_id, decided_by, customer_id FROM feed.override"
        f" WHERE verdict = 'approved' AND {his}{_in_force(facts.on)}"
        " UNION ALL SELECT 'limit decision ' || limit_decision_id, decided_by, customer_id FROM feed.limit_decision"
        f" WHERE verdict = 'approved' AND {his}{_counts('verdict_on', facts)}"
        " UNION ALL SELECT 'customer state decision ' || state_decision_id, decided_by, customer_id"
        f" FROM feed.customer_state_decision WHERE verdict = 'approved' AND {his}{_counts('verdict_on', facts)}"
    )
    yield from _rows(con, "launcher_approves", query)


def _same(one: str, other: str) -> str:
    return f"LOWER(TRIM({one})) = LOWER(TRIM({other}))"


def _in_force(on: date | None) -> str:
    return f" AND verdict_on <= DATE '{on}' AND valid_from <= DATE '{on}' AND valid_to >= DATE '{on}'" if on is not None else ""


def _counts(said_on: str, facts: DutyFacts) -> str:
    """Of a run: the verdict is one that still counts at its date."""
    if facts.on is None or facts.policy is None:
        return ""
    days = facts.policy.authorities.verdict_days
    return f" AND {said_on} <= DATE '{facts.on}' AND DATE_DIFF('day', {said_on}, DATE '{facts.on}') <= {days}"


def _rows(con: duckdb.DuckDBPyConnection, duty: Duty, query: str) -> Iterator[Violation]:
    for subject, person, customer in con.execute(f"SELECT * FROM ({query}) ORDER BY ALL").fetchall():
        yield Violation(duty, subject, person, customer)


RULES: tuple[Rule, ...] = (
    Rule("policy_author_approves", "The author of the policy approved it", "政策由其编写人本人批准", _author_approves),
    Rule(
        "policy_approval_unrecorded",
        "The policy says that it is approved, and the audit log has no approval of this content",
        "政策标明已批准，但审计日志中没有对该内容的批准记录",
        _approval_unrecorded,
    ),
    Rule(
        "override_requester_approves",
        "Whoever asked for an override approved it",
        "人工调整的申请人与审批人为同一人",
        _override_requester_approves,
        ("feed.override.verdict",),
    ),
    Rule(
        "limit_requester_approves",
        "Whoever asked for the override behind a computed limit approved that limit",
        "测算额度的审批人即为其背后人工调整的申请人",
        _limit_requester_approves,
        ("feed.limit_decision.verdict",),
    ),
    Rule(
        "customer_state_requester_approves",
        "Whoever proposed another state of a customer decided on it",
        "客户状态变更的提案人与审批人为同一人",
        _state_requester_approves,
        ("feed.customer_state_decision.verdict",),
    ),
    Rule(
        "finding_cleared_by_confirmer",
        "Whoever confirmed a finding cleared it later",
        "同一人先确认后解除同一条尽调发现",
        _finding_cleared_by_confirmer,
        ("feed.due_diligence_finding.review_state",),
    ),
    Rule(
        "launcher_approves",
        "Whoever launched the run approved what it rests on",
        "评估运行的发起人批准了该运行所依据的事项",
        _launcher_approves,
        ("feed.override.verdict", "feed.limit_decision.verdict", "feed.customer_state_decision.verdict"),
    ),
)
