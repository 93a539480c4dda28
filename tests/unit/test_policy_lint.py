"""The linter: the shipped policy is sound, and every rule has an example that breaks it, found on its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.lint import Finding, lint
from risk_pipeline.policy.load import DEFAULT_POLICY, read_policy

DEFAULT = DEFAULT_POLICY.read_text(encoding="utf-8")


def _lint(text: str) -> list[Finding]:
    return lint(text, load_catalogue())


def _changed(old: str, new: str) -> tuple[str, int]:
    """The shipped policy with `old` replaced, and the line where the change begins."""
    assert DEFAULT.count(old) == 1, f"{DEFAULT.count(old)} times in the policy: {old}"
    at = DEFAULT.index(old) + len(_same_start(old, new))
    return DEFAULT.replace(old, new), DEFAULT.count("\n", 0, at) + 1


def _same_start(old: str, new: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    return old[:length]


def test_the_shipped_policy_has_no_finding() -> None:
    assert lint(DEFAULT_POLICY, load_catalogue()) == []


BROKEN = {
    "unknown key": ("status: approved  ", "staus: approved  ", "staus: unknown key"),
    "missing key": ("cure:  ", "cured:  ", "cure: missing"),
    "wrong type": ("pdo: 20", "pdo: twenty", "scaling.pdo"),
    "version that is a number": ('version: "2026.1"', "version: 2026.1", "version: Input should be a valid string"),
    "key given twice": ("author: credit", "status: draft\nauthor: credit", "key `status` is given twice"),
    "not finite": ("slope: 0.0775", "slope: .inf", "calibration.slope"),
    "no Chinese label": ("{en: Low risk, zh: 低风险}", "{en: Low risk}", "tiers.0.label.zh: missing"),
    "empty Chinese reason": ("{en: New customer, zh: 新客户}", '{en: New customer, zh: " "}', "knockouts.17.reason.zh"),
    "author approves": ("approver: shipped_default", "approver: credit_policy_owner", "author and approver are the same"),
    "nobody approved": ("approver: shipped_default", "approver: null", "an approved policy names its approver"),
    "id used twice": ("id: KO06,", "id: KO05,", "id KO05 is used twice in knockouts"),
    "hold named like a knock-out": ("id: over_limit", "id: KO06", "id KO06 is a knock-out too"),
    "unknown column": ('"max_dpd_material > 60"', '"max_dpd > 60"', "KO06: unknown column `max_dpd`"),
    "column of a later stage": (
        '"distressed_plan = true"',
        '"in_default = true"',
        "distressed_plan: unknown column `in_default`",
    ),
    "unknown tier in a condition": ("tier = 'restricted'", "tier = 'blocked'", "`tier` is never 'blocked'"),
    "segment that leaves some out": (
        'small, when: "true"',
        'small, when: "natural_person = false"',
        "the last segment must take everyone",
    ),
    "unknown scorecard": ("scorecard: ledger, caps", "scorecard: group, caps", "there is no scorecard group"),
    "unknown class": (
        "caps_and_terms_of: small, ceiling",
        "caps_and_terms_of: tiny, ceiling",
        "limits.capacity.tier_cap has no class tiny",
    ),
    "outside rule that says no reason": (
        "limit: group_treasury, reason: {en: Company of our own group, zh: 集团内部公司}}",
        "limit: group_treasury}",
        "outside_scorecard.0.reason: missing",
    ),
    "unknown tier of a guarantor": (
        "{kind: parent_guarantee, haircut: 0.40, guarantor_tiers: [low, medium]",
        "{kind: parent_guarantee, haircut: 0.40, guarantor_tiers: [low, high]",
        "parent_guarantee: guarantor_tiers are not the best of the tiers low, medium, high, restricted",
    ),
    "security listed twice": ("{kind: pledge,", "{kind: mortgage,", "mortgage is listed twice"),
    "cover of a deposit": ("{kind: deposit,", "{kind: deposit, cover_pct: 90,", "belong to kind insurance, and only there"),
    "unknown ceiling of a segment": ("ceiling: medium, when", "ceiling: middle, when", "unknown tier middle"),
    "limit of a rated customer": (
        "terms: prepayment, reason",
        "terms: prepayment, limit: nobody, reason",
        "`limit` names who sets the limit",
    ),
    "weights": ("overdue_ratio: 18", "overdue_ratio: 17", "weights of scorecard ledger add up to 99, not to 100"),
    "weight without a rule": (
        "    dishonoured_payments_12m: 4",
        "    dso_days: 4",
        "scorecard ledger: factor dso_days has no rule in `scoring`",
    ),
    "factor on no scorecard": ("  dishonoured_payments_12m:\n", "  dishonoured:\n", "unknown factor dishonoured"),
    "descriptive factor": ("  dishonoured_payments_12m:\n", "  dso_days:\n", "factor dso_days only describes"),
    "points not monotone": ("{le: 5, points: 88}", "{le: 5, points: 61}", "points must fall with the value"),
    "points not monotone upwards": ("{le: 12, points: 45}", "{le: 12, points: 75}", "points must rise with the value"),
    "points over 100": ("{le: -5, points: 100}", "{le: -5, points: 101}", "less than or equal to 100"),
    "bins out of order": ("{le: 7, points: 85}", "{le: 15, points: 85}", "upper bounds must rise"),
    "no open bin": ("{le: 90, points: 8}, {points: 0}]", "{le: 90, points: 8}]", "the last bin must be open"),
    "two open bins": ("{le: 90, points: 8}, {points: 0}]", "{points: 8}, {points: 0}]", "only the last bin may be open"),
    "neutral without points": ("{policy: neutral, points: 20}", "{policy: neutral}", "`points` belongs to policy neutral"),
    "documents of an unknown class": (
        "    sole: [credit_app",
        "    person: [credit_app",
        "should be 'corporate', 'small' or 'sole'",
    ),
    "document required twice": (
        "small: [register_extract, credit_application]",
        "small: [register_extract, register_extract]",
        "evidence.required_documents.small: register_extract is listed twice",
    ),
    "stay without an end": ("stays_months: 24", "stays_months: 0", "segments.2.stays_months"),
    "unknown special code": ("prepayment_only: reweight", "prepaid: reweight", "unknown special code prepaid"),
    "special code without a rule": (", prepayment_only: reweight", "", "no rule for the special code prepayment_only"),
    "unknown not-applicable code": (
        "[no_open_items, method",
        "[no_open_bills, method",
        "no factor has the special code no_open_bills",
    ),
    "PD floor over cap": ("pd_floor: 0.0005", "pd_floor: 0.7", "pd_floor must be below pd_cap"),
    "master scale with a gap": ("pd_le: 1.0", "pd_le: 0.9", "the last grade must reach pd_le 1"),
    "unknown tier": ("id: restricted, score", "id: blocked, score", "unknown tier blocked"),
    "tiers overlap": ("{id: medium, score_from: 55", "{id: medium, score_from: 75", "tiers overlap: medium from 75"),
    "tiers with a gap": ("{id: restricted, score_from: 0", "{id: restricted, score_from: 5", "gap: scores below 5 have no tier"),
    "tier nobody reaches": ("{id: high, score_from: 35", "{id: high, score_from: 2", "no scorecard can reach tier restricted"),
    "unknown ceiling": (
        "ceiling: high, limit: none, hold: true",
        "ceiling: hi, limit: none, hold: true",
        "KO06: unknown tier hi",
    ),
    "unrated ranks as nothing": ("ranks_as: high", "ranks_as: bad", "unknown tier bad"),
    "action asked for twice": (
        "{action: transaction_cap, owner: credit_analyst,",
        "{action: visit, owner: credit_analyst,",
        "visit is asked for twice",
    ),
    "tier without validity": ("  days: {low: 365, ", "  days: {", "reviews.days: no entry for tier low"),
    "cap of an unknown tier": (
        "sole: {low: 50000,",
        "sole: {lwo: 1, low: 50000,",
        "limits.capacity.tier_cap.sole: unknown tier lwo",
    ),
    "cap higher for a worse tier": ("high: 15000, ", "high: 80000, ", "high would have a higher cap than medium"),
    "unrated better than its rank": ("unrated: 2000}", "unrated: 6000}", "unrated would have a higher cap than high"),
    "terms longer for a worse tier": ("high: [15, per_invoice, 30]", "high: [45, per_invoice, 30]", "longer terms than medium"),
    "tolerance for a worse tier": (
        "tolerance_days: {low: 15, medium: 10",
        "tolerance_days: {low: 5, medium: 10",
        "more tolerance than low",
    ),
    "rounding out of order": (
        "[{below: 10000, to: 100}, {below: 100000, to: 1000},",
        "[{below: 100000, to: 1000}, {below: 10000, to: 100},",
        "rising order of `below`",
    ),
    "rounding that jumps": ("{below: 100000, to: 1000}", "{below: 99500, to: 1000}", "99500 is no multiple of 5000"),
    "rounding without an end": ("{to: 5000}", "{below: 1000000, to: 5000}", "the last rounding step must be open"),
    "amount with 3 decimals": ("smallest_limit: 500", "smallest_limit: 500.001", "at most 2 decimals"),
    "date that is none": (
        "effective_from: 2000-01-01",
        "effective_from: 2000-13-01",
        "effective_from: Input should be a valid date",
    ),
    "role nobody explained": ("never_approve: [account_manager,", "never_approve: [salesman,", "unknown role salesman"),
    "level that never approves": (
        "never_approve: [account_manager, sales_manager]",
        "never_approve: [account_manager, cfo]",
        "cfo is a level of authority and is said never to approve",
    ),
    "hold released by no level": ("roles: [credit_manager]       #", "roles: [legal]  #", "legal is no level of authority"),
    "hold that nobody demands": (
        "never_over: [KO02]",
        "never_over: [KO10]",
        "KO10 is neither a knock-out with `hold: true` nor a rule of",
    ),
    "notch approved by no level": ("roles_up: [credit_manager]", "roles_up: [legal]", "legal is no level of authority"),
    "factor on none of the cards": (
        "    borrowing_to_revenue: 1\n",
        "    sanctions: 1\n",
        "factor borrowing_to_revenue is on no scorecard",
    ),
    "bins for a text": (
        "values: {signed_with_retention_of_title: 100, signed_with_guarantee: 100, signed: 85, general_terms_only: 55,"
        " expired: 40, unsigned: 30, breached: 10, else: 55}",
        "bins: [{points: 5}]",
        "contract_standing is a text: give its points as `values`",
    ),
    "bins and values": (
        "    values: {signed_with_ret",
        "    bins: [{points: 5}]\n    values: {signed_with_ret",
        "either by `bins`",
    ),
    "category there is none of": ("unsigned: 30,", "unsignd: 30,", "contract_standing is never 'unsignd'"),
    "categories without the rest": ("breached: 10, else: 55}", "breached: 10}", "`values` needs `else`"),
    "tiers out of order": ("{id: low, score_from: 75", "{id: high, score_from: 75", "tiers must stand from best to worst"),
    "rounding open in the middle": ("{below: 100000, to: 1000}", "{to: 1000}", "only the last rounding step may be open"),
    "grades out of order": ("pd_le: 0.0050", "pd_le: 0.0200", "grades must stand in rising order of pd_le"),
    "terms of an intercompany customer": (
        "limit: group_treasury, reason",
        "limit: group_treasury, terms: prepayment, reason",
        "a not_rated customer has no terms",
    ),
    "action nobody owns": (
        "action: honour, owner: sales_manager, days",
        "action: honour, days",
        "`action` and `owner` belong together",
    ),
    "not YAML": ("scaling: {pdo: 20,", "scaling: {pdo: 20,,", "not valid YAML"),
}

# Findings whose place is the key that holds the fault, not the changed text itself.
HOLDER = {
    "missing key": "schema: 1",
    "weights": "  ledger:",
    "tier nobody reaches": "  - {id: restricted",
    "tiers out of order": "tiers:  ",
    "grades out of order": "master_scale:  ",
    "factor on none of the cards": "  borrowing_to_revenue:\n",
    "categories without the rest": "  contract_standing:\n    values",
    "bins for a text": "  contract_standing:\n    bins",
    "bins and values": "  contract_standing:\n    bins",
    "terms of an intercompany customer": "  - {id: intercompany",
    "action nobody owns": "  - {id: loyal_12",
}


@pytest.mark.parametrize("case", BROKEN)
def test_every_fault_is_found_on_its_line(case: str) -> None:
    old, new, message = BROKEN[case]
    text, line = _changed(old, new)
    found = [finding for finding in _lint(text) if message in finding.message]
    assert found, f"{message!r} not among {[f.message for f in _lint(text)]}"
    if case in HOLDER:
        line = text.count("\n", 0, text.index(HOLDER[case])) + 1
    assert found[0].line == line
    assert found[0].severity == "error"


def test_bins_that_give_the_same_points_are_a_warning_and_no_obstacle(tmp_path: Path) -> None:
    text, line = _changed("{le: 7, points: 85}, {le: 15, points: 70}", "{le: 7, points: 85}, {le: 15, points: 85}")
    (finding,) = _lint(text)
    assert (finding.severity, finding.line) == ("warning", line)
    assert "two neighbouring bins both give 85 points" in finding.message
    assert read_policy(_written(tmp_path / "p.yaml", text.encode()), load_catalogue()).version == "2026.1"


def test_a_missing_file_and_a_file_that_is_no_policy(tmp_path: Path) -> None:
    (gone,) = lint(tmp_path / "none.yaml", load_catalogue())
    assert "cannot be read" in gone.message
    (listed,) = _lint("- a\n- b\n")
    assert "`key: value` lines" in listed.message
    (control,) = _lint("version: \x07\n")
    assert "not valid YAML" in control.message
    (binary,) = lint(_written(tmp_path / "x.yaml", b"\xff\xfe\x00"), load_catalogue())
    assert binary.severity == "error"


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_a_finding_reads_as_file_line_severity_message(tmp_path: Path) -> None:
    path = _written(tmp_path / "mine.yaml", _changed("overdue_ratio: 18", "overdue_ratio: 17")[0].encode())
    (finding,) = lint(path, load_catalogue())
    assert str(finding) == f"{path}:{finding.line}: error: weights of scorecard ledger add up to 99, not to 100"
