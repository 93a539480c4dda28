"""The linter on alerts and playbooks: every rule has an example that breaks it."""

from __future__ import annotations

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.lint import lint
from risk_pipeline.policy.load import DEFAULT_POLICY

DEFAULT = DEFAULT_POLICY.read_text(encoding="utf-8")
BROKEN = {
    "id used twice": ("id: A04,", "id: A03,", "id A03 is used twice in alerts"),
    "unknown column in the condition": ("> 60 and max_dpd_material <= 90", "> 60 and dpd <= 90", "A04: unknown column `dpd`"),
    "unknown indicator": ("{id: A06, indicator: days_late_trend_3v9", "{id: A06, indicator: trend", "A06: unknown column trend"),
    "object that is a number": (
        "object: security_lapsed_on, event",
        "object: security_lapsed_value, event",
        "A25: security_lapsed_value is no column of texts or dates",
    ),
    "event without an object": ("object: security_lapsed_on, event", "event", "an event needs an `object`"),
    "unknown measure": ("measure: [renew_collateral]", "measure: [renew]", "A24: unknown action renew"),
    "unknown owner": ("measure: [apply_cash], severity: medium, owner: accounts_receivable",
                      "measure: [apply_cash], severity: medium, owner: cashier", "A29: unknown role cashier"),
    "unknown severity": ("measure: [apply_cash], severity: medium", "measure: [apply_cash], severity: middling", "severity"),
    "escalation to nobody": ("head_of_credit: cfo}", "head_of_credit: ceo}", "escalate_to: unknown role ceo"),
    "a severity without a deadline": ("days: {low: 15, medium: 7, high: 2, critical: 1}",
                                      "days: {low: 15, medium: 7, high: 2}", "needs low, medium, high and critical"),
    "playbook of no alert": ("trigger: A26", "trigger: A99", "playbook cover_lost: there is no alert A99"),
    "two playbooks of one alert": ("trigger: A26", "trigger: A13", "playbook bust_out: A13 begins another one too"),
    "playbook led by nobody": ("lead: compliance", "lead: police", "playbook sanctions: unknown role police"),
    "step that is no action": ("{action: verify_bank_change,", "{action: ring_back,", "bust_out: unknown action ring_back"),
    "step of two kinds": ("{action: verify_bank_change,", "{action: visit, text: {en: Go, zh: 去},", "either an `action`"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_found(old: str, new: str, message: str) -> None:
    assert DEFAULT.count(old) == 1, old
    found = [str(finding) for finding in lint(DEFAULT.replace(old, new), load_catalogue())]
    assert any(message in each for each in found), found
