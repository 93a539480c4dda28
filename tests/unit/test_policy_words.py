"""Rules in words: what the sentence says is what the condition means, in both languages, for every rule of the shipped policy."""

from __future__ import annotations

import re
from datetime import date

import pytest

from risk_pipeline.factors.catalogue import load_catalogue
from risk_pipeline.policy.load import load_policy
from risk_pipeline.policy.reading import rules_by_column
from risk_pipeline.policy.rules import Rule, consequences, find, rules, tables_of, unconditional
from risk_pipeline.policy.scopes import condition
from risk_pipeline.policy.words import Speaker

POLICY = load_policy(None, load_catalogue(), as_of=date(2026, 6, 30))
SPEAKER = Speaker(POLICY)
DPD = "“Days past due of the oldest material debt”", "“达到重要性金额的最长逾期天数”"


def _say(when: str, scope: str = "limit") -> tuple[str, str]:
    return SPEAKER.say(condition(when, scope), scope)


@pytest.mark.parametrize(
    ("when", "en", "zh"),
    [
        ("max_dpd_material > 60", f"{DPD[0]} is above 60 days", f"{DPD[1]}大于60天"),
        ("60 < max_dpd_material", f"{DPD[0]} is above 60 days", f"{DPD[1]}大于60天"),
        ("not (max_dpd_material > 60)", f"{DPD[0]} is at most 60 days", f"{DPD[1]}不超过60天"),
        (
            "total_exposure >= 5000.5",
            "“Total exposure” is at least 5,000.5 (reporting currency)",
            "“敞口合计”不小于5,000.5（报告币种）",
        ),
        ("utilisation > 1.10", "“Use of the limit” is above 110 %", "“额度使用率”大于110%"),
        ("interest_cover < 1", "“Interest cover” is below 1 times", "“利息保障倍数”小于1倍"),
        ("order_gap_ratio > 4", None, "“距上次下单天数/该客户下单间隔中位数”大于4倍"),
        ("tier in ('high', 'unrated')", "“Risk tier” is High risk or Unrated", "“风险等级”为高风险或未评级"),
        (
            "tier not in ('high', 'low')",
            "“Risk tier” is known and not High risk or Low risk",
            "“风险等级”已知且不为高风险或低风险",
        ),
        ("tier != 'not_rated'", "“Risk tier” is not Not rated (intercompany)", "“风险等级”不为不评级（集团内部）"),
        ("status = 'suspended'", "“State of the customer” is Suspended", "“客户状态”为暂停"),
        ("in_default", None, "“按政策违约定义处于违约且未治愈”成立"),
        ("in_default != true", None, "已知“按政策违约定义处于违约且未治愈”不成立"),
        ("in_default in (true, false)", None, "“按政策违约定义处于违约且未治愈”为是或否"),
        ("true", "always", "始终成立"),
        ("not true", "never", "从不成立"),
        ("limit_reporting < total_exposure", "“Credit limit” is below “Total exposure”", "“信用额度”小于“敞口合计”"),
        (
            "relationship_months_code = 'no_invoice_ever'",
            None,
            "“合作月数”无取值，原因为‘no invoice ever’",
        ),
    ],
)
def test_one_comparison(when: str, en: str | None, zh: str) -> None:
    said = _say(when)
    assert said[1] == zh
    assert en is None or said[0] == en


def test_and_or_not_keep_their_meaning() -> None:
    """`not` goes inwards, where `and` becomes `or`; brackets stand wherever a part joins others."""
    a, b, c = "max_dpd_material > 60", "utilisation > 1", "in_default"
    assert _say(f"not ({a} and ({b} or not {c}))") == _say(f"max_dpd_material <= 60 or (utilisation <= 1 and {c})")
    en, zh = _say(f"{a} or {b} and {c}")
    assert en == f"{DPD[0]} is above 60 days or (“Use of the limit” is above 100 % and {_say(c)[0]})"
    assert zh == f"{DPD[1]}大于60天，或（“额度使用率”大于100%，且{_say(c)[1]}）"


def test_codes_go_by_the_words_that_are_given() -> None:
    speaker = Speaker(POLICY, {"no_invoice_ever": ("never invoiced", "从未开票")})
    en, zh = speaker.say(condition("relationship_months_code = 'no_invoice_ever'", "facts"), "facts")
    assert en.endswith("for the reason never invoiced")
    assert zh.endswith("原因为从未开票")


@pytest.mark.parametrize("rule", [*rules(POLICY), *unconditional(POLICY)], ids=lambda rule: f"{rule.block}.{rule.id}")
def test_every_rule_reads_as_a_sentence(rule: Rule) -> None:
    en, zh = SPEAKER.say(condition(rule.when, rule.scope), rule.scope)
    assert not re.search(r"[\u3400-\u9fff]", en), en
    assert re.search(r"[\u3400-\u9fff]", zh), zh
    assert "“Of a" not in en, f"several tables share this column: give it a name in words.NAMES: {en}"
    assert "“”" not in en + zh
    follows = consequences(rule, POLICY, SPEAKER)
    assert all("_" not in each for each, _ in follows), follows
    assert follows or rule.block == "knockouts"  # one that only shows


def test_rules_are_found_by_id_and_by_block() -> None:
    assert [each.block for each in find(POLICY, "ko11")] == ["knockouts"]
    assert [each.id for each in find(POLICY, "alerts.A05")] == ["A05"]
    assert [each.id for each in find(POLICY, "A05:100123")] == ["A05"]
    assert [each.id for each in find(POLICY, "visit:100123")] == ["high_visit"]
    assert find(POLICY, "hold.A05") == []
    assert [each.id for each in find(POLICY, "tier_high")] == [f"high_{each.action}" for each in POLICY.treatments["high"]]
    assert {each.block for each in find(POLICY, "every_tier")} == {"treatments"}
    for block in ("segments", "outside_scorecard", "default_definition.events", "knockouts", "exit.edges", "hold", "alerts"):
        assert any(each.block == block for each in rules(POLICY))


def test_rules_without_a_condition_of_their_own_are_told_with_it() -> None:
    (stage,) = find(POLICY, "dunning_60")
    assert stage.when == "overdue > 0 and max_days_past_due >= 60 and max_days_past_due < 90 and not (plan_kept)"
    assert [en for en, _ in consequences(stage, POLICY, SPEAKER)] == [
        "to do: Hand to collection", "done by: Collections", "to be done within 3 days", "priority: high",
    ]  # fmt: skip
    six, twelve = find(POLICY, "loyal_6") + find(POLICY, "loyal_12")
    assert (six.when, six.title[1]) == ("tier = 'low' and periods_in_tier >= 6", "连续六个月低风险")
    assert consequences(six, POLICY, SPEAKER) == [
        ("payment terms 15 days longer", "账期延长15天"), ("price class changed by -1", "价格等级调整-1"),
    ]  # fmt: skip
    assert "to be done within 90 days" in [en for en, _ in consequences(twelve, POLICY, SPEAKER)]


def test_a_rule_names_itself_its_columns_and_their_tables() -> None:
    (knockout,), (event,) = find(POLICY, "KO19"), find(POLICY, "dpd90")
    assert (knockout.title, event.title) == (("Identity not verified", "主体身份未核实"), ("dpd90", "dpd90"))
    assert knockout.columns == ("identity_verified", "total_exposure")
    tables = {"factor.exposure": {"total_exposure"}, "factor.customer_state": {"identity_verified"}}
    assert tables_of(knockout, tables) == {"identity_verified": "factor.customer_state", "total_exposure": "factor.exposure"}
    assert tables_of(knockout, {"factor.exposure": {"total_exposure"}}) == {"total_exposure": "factor.exposure"}
    coded = Rule("x", "hold", "facts", None, "relationship_months_code = 'no_invoice_ever'")
    assert tables_of(coded, {"h": {"relationship_months"}}) == {"relationship_months": "h"}


def test_rules_are_named_by_the_columns_they_read() -> None:
    found = rules_by_column(POLICY)
    assert found["identity_verified"] == ["KO19"]
    assert found["max_dpd_material"][:3] == ["dpd90", "KO06", "active_probation_high"]
    assert len(found["max_dpd_material"]) == len(set(found["max_dpd_material"]))
    assert not any(name.endswith("_code") for name in found)


def test_a_condition_of_no_stage_is_left_out() -> None:
    odd = POLICY.treatments["low"][0].model_copy(update={"when": "no_such_column > 1"})
    treatments = {**POLICY.treatments, "low": (odd, *POLICY.treatments["low"][1:])}
    policy = POLICY.model_copy(update={"treatments": treatments})
    assert len(list(rules(POLICY))) - len(list(rules(policy))) == 1


def test_what_follows_from_a_rule() -> None:
    (knockout,) = find(POLICY, "KO01")
    assert [en for en, _ in consequences(knockout, POLICY, SPEAKER)] == [
        "the tier is Restricted at best",
        "the limit is 0",
        "new orders and deliveries are held",
        "the customer becomes: Exit proposed",
    ]
    (edge,) = find(POLICY, "exit_terminated")
    assert consequences(edge, POLICY, SPEAKER)[0] == (
        "the customer goes from Exit proposed to Terminated, on approval by: Credit committee or above",
        "客户状态由拟退出变为已退出（须信用委员会或以上批准）",
    )
    (edge,) = find(POLICY, "exit_rejected")
    assert consequences(edge, POLICY, SPEAKER)[0][0].endswith("on rejection by: Head of credit or above")
    nameless = POLICY.model_copy(update={"roles": {}})
    assert consequences(edge, nameless, SPEAKER)[0][0].endswith("on rejection by: head_of_credit or above")
    (edge,) = find(POLICY, "probation_active")
    assert consequences(edge, POLICY, SPEAKER)[0][0] == "the customer goes from On probation to Active, by itself"
