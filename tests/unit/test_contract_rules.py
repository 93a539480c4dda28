"""Every rule between columns, with the row it catches, the nearest row it lets pass, and rows where it cannot be asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.contracts.rules import MEANINGS, RULES, Rule, meaning, rules_of
from risk_pipeline.contracts.table import DUCKDB_TYPE, Kind

TABLES = {table.name: table for table in FEED_TABLES}
CHINESE = re.compile("[\u4e00-\u9fff]")

# feed, rule -> one line per case: values of the rule's columns, in its order, that break it | that just do not.
CASES: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("customer", "terms_far_off"): [("-1", "0"), ("731", "730")],
    ("customer", "consent_without_date"): [("- given", "2020-01-01 given"), ("- given", "- -")],
    ("sales_order", "delivery_before_order"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("sales_order", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("invoice", "due_before_invoice"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("invoice", "due_far_off"): [("2023-01-02 2020-01-01", "2023-01-01 2020-01-01"),
                                   ("2030-01-01 2020-01-01", "9999-12-31 2020-01-01")],
    ("invoice", "negative_invoice_amount"): [("-0.01", "0")],
    ("invoice", "cleared_before_invoice"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("invoice", "tax_above_amount"): [("10.01 -10", "-10 10")],
    ("payment", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("payment", "outcome_without_date"): [("- returned", "- booked"), ("- reversed", "2020-01-01 reversed")],
    ("payment_application", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("payment_application", "application_without_document"): [("- cash", "- set_off"), ("- cash", "P cash")],
    ("dispute", "resolved_before_opened"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("bill", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("instalment_plan", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("payment_terms", "pct_out_of_range"): [("100.5", "100"), ("-1", "0")],
    ("payment_terms", "day_out_of_range"): [("0", "1"), ("32", "31")],
    ("payment_terms", "terms_far_off"): [("-1", "0"), ("-1", "0"), ("31 30", "30 30")],
    ("credit_request", "terms_far_off"): [("-1", "0")],
    ("credit_request", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("control_total", "not_a_feed"): [("invoices", "invoice")],
    ("control_total", "total_not_for_feed"): [("amount_sum customer", "amount_sum payment"),
                                              ("open_balance payment", "open_balance customer"),
                                              ("amount_sum fx_rate", "row_count fx_rate")],
    ("control_total", "total_without_currency"): [("'' amount_sum", "'' row_count"), ("'' open_balance", "EUR open_balance")],
    ("control_total", "count_not_whole"): [("1.5 row_count", "1.5 amount_sum"), ("-1 row_count", "0 row_count")],
    ("bureau_report", "score_outside_scale"): [("99 100 600", "100 100 600"), ("601 100 600", "600 100 600"), ("7 1 5", "3 - 5")],
    ("bureau_report", "scale_reversed"): [("600 100", "100 600"), ("5 5", "4 5")],
    ("bureau_report", "negative_count"): [("-1", "0")],
    ("bureau_report", "report_after_retrieval"): [("2020-01-02 2020-01-01", "2020-01-01 2020-01-01")],
    ("bureau_report", "score_without_hit"): [("300 no_hit", "300 hit"), ("300 error", "- no_hit")],
    ("trade_reference", "rating_outside_scale"): [("0", "1"), ("6", "5")],
    ("financial_statement", "months_out_of_range"): [("0", "1"), ("25", "24")],
    ("financial_statement", "received_before_period_end"): [("2020-06-29 2020-06-30", "2020-06-30 2020-06-30")],
    ("financial_statement", "published_before_period_end"): [("2020-06-29 2020-06-30", "2020-06-30 2020-06-30")],
    ("financial_statement", "annual_months"): [("6 annual", "6 interim"), ("13 annual", "12 annual")],
    ("financial_statement", "total_assets_not_positive"): [("0", "0.01")],
    ("financial_statement", "balance_sheet_unbalanced"): [("1000 600 389.99", "1000 600 390"),
                                                          ("1000 600 410.01", "1000 600 410"),
                                                          ("0 1 0", "1000 - 100")],
    ("due_diligence_finding", "match_score_out_of_range"): [("1.01", "1"), ("-0.01", "0")],
    ("due_diligence_finding", "resolved_before_opened"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("due_diligence_finding", "published_before_event"): [
        ("2020-01-01 2020-01-02 fraud", "2020-01-01 2020-01-02 court_hearing")],
    ("due_diligence_finding", "review_without_name_or_date"): [
        ("- cleared", "- unreviewed"), ("- confirmed", "2020-01-01 confirmed")],
    ("questionnaire_answer", "rating_outside_scale"): [("0", "1"), ("6", "5")],
    ("document", "expired_when_received"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("contract", "valid_to_before_valid_from"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("collateral", "valid_to_before_valid_from"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("collateral", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("collateral", "valued_later"): [("2021-01-02 2020-01-01", "2021-01-01 2020-01-01")],
    ("collateral", "priority_below_one"): [("0", "1")],
    ("insurance_limit", "pct_out_of_range"): [("100.5", "100"), ("-1", "0")],
    ("insurance_limit", "pct_looks_like_share"): [("0.9", "90"), ("1", "0")],
    ("insurance_limit", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("insurance_limit", "approved_without_amount"): [("- approved", "- refused"), ("- partly", "0 partly")],
    ("insurance_limit", "terms_far_off"): [("731", "730")],
    ("industry_indicator", "published_before_period"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
    ("industry_indicator", "negative_amount"): [("-1 insolvencies", "-1 price")],
    ("country_risk", "score_outside_scale"): [("100.5", "100"), ("-1", "0")],
    ("country_risk", "says_nothing"): [("- -", "- none"), ("- -", "5 -")],
    ("sanctions_entity", "ended_before_it_began"): [("2020-01-01 2020-01-02", "2020-01-02 2020-01-02")],
}  # fmt: skip


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def breaks(con: duckdb.DuckDBPyConnection, rule: Rule, values: str) -> bool:
    """Whether a row with these values of the rule's columns breaks it. - is NULL, '' the empty text."""
    texts = [None if each == "-" else "" if each == "''" else each for each in values.split()]
    typed = ", ".join(
        f'CAST(? AS {DUCKDB_TYPE[TABLES[rule.table].column(name).kind]}) AS "{name}"' for name in rule.columns[: len(texts)]
    )
    assert len(texts) == len(rule.columns)
    row = con.execute(f"SELECT coalesce({rule.broken}, false) FROM (SELECT {typed})", texts).fetchone()
    assert row is not None
    return bool(row[0])


def rules_named(table: str, name: str) -> list[Rule]:
    return [rule for rule in RULES if (rule.table, rule.name) == (table, name)]


def is_patterned(rule: Rule) -> bool:
    """Rules made alike for many columns; the others have a case of their own."""
    return (
        rule.name in (*PATTERNS, "date_impossible", "date_far_off", "outcome_without_date")
        and (rule.table, rule.name) not in CASES
    )


@pytest.mark.parametrize(("table", "name"), CASES, ids=[" ".join(each) for each in CASES])
def test_a_rule_catches_its_case_and_no_neighbour(con: duckdb.DuckDBPyConnection, table: str, name: str) -> None:
    rules = rules_named(table, name)
    for broken, fine in CASES[table, name]:
        asked = [rule for rule in rules if len(rule.columns) == len(broken.split())]
        assert any(breaks(con, rule, broken) for rule in asked)
        assert not any(breaks(con, rule, fine) for rule in asked)
    for rule in rules:
        if name not in ("says_nothing",):
            assert not breaks(con, rule, " ".join("-" for _ in rule.columns)), "NULL breaks nothing"


PATTERNS: dict[str, list[tuple[str, str]]] = {
    "negative_amount": [("-0.01", "0")],
    "part_above_total": [("101.01 100", "101 100"), ("-98.99 -100", "-99 -100")],
    "country_code_form": [("391", "CN"), ("cn", "US"), ("CHN", "ZZ")],
    "amount_without_currency": [("- 5", "EUR 5"), ("- 5", "- -")],
    "score_without_scale": [("- 5", "1 5"), ("- 5", "- -")],
}
DUE = ("due_date", "baseline_date", "maturity_date", "value_date")


def patterned_cases(rule: Rule) -> list[tuple[str, str]]:
    table, first = TABLES[rule.table], rule.columns[0]
    if rule.name == "outcome_without_date":
        outcome = (table.column(rule.columns[1]).values or ("approved",))[0]
        return [(f"- {outcome}", f"2020-01-01 {outcome}"), (f"- {outcome}", "- -")]
    if rule.name == "date_far_off":
        if first in DUE:
            return [("9999-12-31", "2020-01-01")]
        old = ("2201-01-01", "1669-01-01") if first in ("established_date", "birth_date") else ("1899-12-31", "1900-01-01")
        return [old, ("2201-01-01", "2200-12-31"), ("9999-12-30", "9999-12-31")]
    if rule.name == "date_impossible":
        if first in ("effective_from", "valid_from", "listed_date"):
            return [("9999-12-31", "1800-01-01"), ("2201-01-01", "2200-12-31")]
        never = "1900-01-01" if first == table.event_date else "9999-12-31"
        return [("1024-01-01", never), ("9999-12-30", "2200-12-31")]
    return PATTERNS[rule.name]


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if is_patterned(rule)], ids=lambda r: f"{r.table} {r.name} {r.columns[0]}"
)
def test_rules_of_one_pattern(con: duckdb.DuckDBPyConnection, rule: Rule) -> None:
    for broken, fine in patterned_cases(rule):
        assert breaks(con, rule, broken)
        assert not breaks(con, rule, fine)


def test_every_rule_has_its_case() -> None:
    assert {(rule.table, rule.name) for rule in RULES if not is_patterned(rule)} == set(CASES)


def test_every_date_of_every_feed_has_bounds() -> None:
    bounded = {(rule.table, rule.columns[0]) for rule in RULES if rule.name in ("date_impossible", "date_far_off")}
    assert bounded == {(t.name, c.name) for t in FEED_TABLES for c in t.columns if c.kind is Kind.DATE}


def test_rules_name_columns_of_their_feed_and_say_what_they_mean() -> None:
    for rule in RULES:
        assert all(name in TABLES[rule.table] for name in rule.columns), rule
        # only the columns it names: another one might not be mapped
        words = set(re.findall(r"[a-z][a-z0-9_]*", re.sub(r"'[^']*'", "", rule.broken))) & set(TABLES[rule.table].column_names)
        assert words == set(rule.columns), rule
        assert rule.en == meaning(rule.name) != rule.name
        assert rule.zh == meaning(rule.name, "zh")
    assert all(CHINESE.search(zh) and not CHINESE.search(en) for en, zh in MEANINGS.values())
    assert meaning("no_such_rule") == "no_such_rule"


def test_a_rejected_row_is_named_once_by_rule_and_column() -> None:
    named = [(rule.table, rule.name, rule.columns[0]) for rule in RULES if rule.severity == "reject"]
    assert len(named) == len(set(named))
    severities = {(rule.table, rule.name): set[str]() for rule in RULES}
    for rule in RULES:
        severities[rule.table, rule.name].add(rule.severity)
    assert all(len(found) == 1 for found in severities.values())


def test_a_rule_is_asked_only_when_its_columns_are_there() -> None:
    invoice = TABLES["invoice"]
    asked = {rule.name for rule in rules_of(invoice, ["invoice_id", "invoice_date", "amount"])}
    assert asked == {"date_impossible", "negative_invoice_amount"}
    assert "due_before_invoice" in {rule.name for rule in rules_of(invoice, invoice.column_names)}


def test_three_years_are_meant() -> None:
    assert date(2020, 1, 1) + timedelta(days=1096) == date(2023, 1, 1)
