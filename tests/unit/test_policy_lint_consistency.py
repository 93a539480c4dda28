"""The linter on authorities, shares, probabilities, texts and treatments: every rule has an example that breaks it."""

from __future__ import annotations

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.lint import lint
from risk_pipeline.policy.load import DEFAULT_POLICY

DEFAULT = DEFAULT_POLICY.read_text(encoding="utf-8")
ERRORS = {
    "authority in an unknown tier": ("auto: {low: 100000,", "auto: {lowest: 100000,", "authorities.auto: unknown tier lowest"),
    "level without a tier": (
        "up_to: {low: 500000, medium: 250000, high: 50000, unrated: 10000, restricted: 0}",
        "up_to: {low: 500000, medium: 250000, high: 50000, restricted: 0}",
        "authority of credit_manager: no entry for tier unrated",
    ),
    "higher level with less": (
        "{low: 2000000, medium: 1000000,",
        "{low: 2000000, medium: 10,",
        "head_of_credit may approve less",
    ),
    "level that stands twice": ("{role: cfo,", "{role: head_of_credit,", "head_of_credit is a level of authority twice"),
    "policy approved by nobody": ("policy_roles: [head_of_credit, cfo", "policy_roles: [king, cfo", "unknown role king"),
    "policy approved by sales": (
        "policy_roles: [head_of_credit, cfo",
        "policy_roles: [sales_manager, cfo",
        "sales_manager may approve the policy and is said never to approve",
    ),
    "share of an unknown tier": (
        "turnover_share: {low: 0.05, medium",
        "turnover_share: {lowest: 0.05, medium",
        "limits.capacity.turnover_share: unknown tier lowest",
    ),
    "worse tier, larger share": (
        "turnover_share: {low: 0.05,",
        "turnover_share: {low: 0.02,",
        "limits.capacity.turnover_share: medium would have a larger share than low",
    ),
    "temporary limit in an unknown tier": (
        "tiers: [low, medium]}\n",
        "tiers: [low, good]}\n",
        "limits.temporary: unknown tier good",
    ),
    "documents of an unknown class": (
        "    corporate: [register_extract,",
        "    corporation: [register_extract,",
        "evidence.required_documents.corporation",
    ),
    "documents of a class nobody has": (
        "caps_and_terms_of: sole, when",
        "caps_and_terms_of: small, when",
        "no segment has the class sole",
    ),
    "segment behind everyone": (
        "natural_person or legal_form in ('sole_trader', 'individual_business')\"",
        'true"',
        "segment corporate takes nobody: sole above takes everyone",
    ),
    "grade that stands twice": ("{grade: A2,", "{grade: A1,", "grade A1 stands twice"),
    "tier without its PD": (", fallback_pd: 0.018}", "}", "fallback_pd: give every tier one, or none"),
    "PD of a tier that falls": ("fallback_pd: 0.080", "fallback_pd: 0.018", "fallback_pd must rise"),
    "PD of a tier above the cap": ("fallback_pd: 0.300", "fallback_pd: 0.700", "restricted: 0.7 is outside pd_floor and pd_cap"),
    "treatment in an unknown tier": (
        "\n  medium:\n    - {action: call,",
        "\n  fair:\n    - {action: call,",
        "treatments: unknown tier fair",
    ),
    "unknown treatment": ("{action: raise_limit_offer,", "{action: raise,", "treatments.low: unknown action raise"),
    "dunning by nobody": (
        "{dpd_from: 60, action: collection, owner: collections",
        "{dpd_from: 60, action: collection, owner: bailiff",
        "dunning from 60 days: unknown role bailiff",
    ),
    "dunning out of order": ("dpd_from: 60,", "dpd_from: 20,", "stages must stand in rising order"),
    "incentive in an unknown tier": (
        "{id: loyal_6, tier: low",
        "{id: loyal_6, tier: best",
        "incentive loyal_6: unknown tier best",
    ),
    "treatment on an unknown column": (
        "when: \"status = 'probation'\", reason",
        "when: \"state = 'probation'\", reason",
        "treatments.every_tier: credit_repair_plan: unknown column `state`",
    ),
    "dunning paused by nothing": (
        'paused_when: "plan_kept"',
        'paused_when: "plan"',
        "dunning.paused_when: unknown column `plan`",
    ),
    "review by a column that is no date": (
        "by: security_ends_on",
        "by: security_days_left",
        "security_days_left is no column of dates",
    ),
    "contradiction of nothing": ("- [hold_orders, honour]", "- [hold_orders, honor]", "contradictions: unknown action honor"),
    "contradiction said both ways": (
        "- [hold_orders, honour]",
        "- [raise_limit_offer, cut_limit]",
        "raise_limit_offer and cut_limit: which of them stays is said both ways",
    ),
    "alert that contradicts itself": (
        "measure: [cut_limit, visit]",
        "measure: [cut_limit, raise_limit_offer]",
        "A02 asks for cut_limit and raise_limit_offer, which contradict each other",
    ),
    "tier that contradicts itself": (
        "{action: prepayment_only, owner: credit_manager, days: 0, priority: high}",
        "{action: honour, owner: credit_manager, days: 0, priority: high}",
        "treatments.restricted asks for hold_orders and honour",
    ),
}
DOUBTS = {
    "limit nobody may approve": (
        "up_to: {low: null,",
        "up_to: {low: 1000000,",
        "nobody may approve more than 1000000 in tier low, whose cap is 2000000",
    ),
    "grade nobody gets": ("{grade: D2, pd_le: 0.3000}", "{grade: D2, pd_le: 0.7000}", "nobody gets grade E"),
    "Chinese that is English": ("zh: 低风险", "zh: low risk", "`zh` has no Chinese character: low risk"),
    "English that is Chinese": ("en: Low risk,", "en: 低风险,", "`en` has Chinese characters"),
}


def _found(old: str, new: str, severity: str) -> list[str]:
    assert DEFAULT.count(old) == 1, f"{DEFAULT.count(old)} times in the policy: {old}"
    return [str(finding) for finding in lint(DEFAULT.replace(old, new), load_catalogue()) if finding.severity == severity]


@pytest.mark.parametrize(("old", "new", "message"), ERRORS.values(), ids=ERRORS)
def test_what_is_wrong_is_found(old: str, new: str, message: str) -> None:
    found = _found(old, new, "error")
    assert any(message in each for each in found), found


@pytest.mark.parametrize(("old", "new", "message"), DOUBTS.values(), ids=DOUBTS)
def test_what_is_unusual_is_told(old: str, new: str, message: str) -> None:
    found = _found(old, new, "warning")
    assert any(message in each for each in found), found


def test_a_state_that_nobody_leaves_is_told() -> None:
    lines = [line for line in DEFAULT.splitlines() if "{id: probation_" not in line]
    found = [str(finding) for finding in lint("\n".join(lines), load_catalogue()) if finding.severity == "warning"]
    assert any("no edge leads out of probation" in each for each in found), found
