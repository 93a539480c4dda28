"""Rules every declaration keeps: names, meanings, units, currencies, masks; and that importing contracts stays light."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from risk_pipeline.contracts import FIELDS, STORE_COLUMNS, TABLES, Field, Kind, Table, table
from risk_pipeline.contracts.fields import columns
from risk_pipeline.contracts.table import REPORTING

ALL = list(TABLES.values())
RESULTS = [t for t in ALL if t.layer in ("factor", "score", "decision", "mart")]
CHINESE = re.compile("[\u4e00-\u9fff]")


def names(tables: list[Table]) -> list[str]:
    return [t.full_name for t in tables]


@pytest.mark.parametrize("declared", ALL, ids=names(ALL))
def test_a_table_says_who_owns_it_and_what_a_row_is(declared: Table) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", declared.owner)
    assert declared.grain.startswith("one row per ")
    assert len(declared.en.split()) >= 3
    assert CHINESE.search(declared.zh)
    assert declared.key
    assert all(declared.column(name).required for name in declared.key)


def test_every_layer_has_its_tables() -> None:
    counts: dict[str, int] = {}
    for declared in ALL:
        counts[declared.layer] = counts.get(declared.layer, 0) + 1
    assert counts == {"feed": 35, "factor": 17, "score": 2, "decision": 6, "audit": 8, "mart": 3}


def test_names_are_snake_case() -> None:
    listed = [*FIELDS, *(t.name for t in ALL)]
    assert [name for name in listed if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


def test_every_field_is_used_and_means_something_in_both_languages() -> None:
    used = {c.name for t in ALL for c in t.columns} | {c.name for c in STORE_COLUMNS}
    assert used == set(FIELDS)
    for field in FIELDS.values():
        assert CHINESE.search(field.zh), field.name
        words = re.sub(r"[^a-z0-9 ]", "", field.en.lower())
        assert words != field.name.replace("_", " "), f"{field.name} only repeats its name"


def test_no_two_fields_have_the_same_meaning() -> None:
    by_text: dict[str, list[str]] = {}
    for field in FIELDS.values():
        by_text.setdefault(field.en, []).append(field.name)
    # run_label is what the label of a run is called in tables about customers
    assert [same for same in by_text.values() if len(same) > 1 and set(same) != {"label", "run_label"}] == []


@pytest.mark.parametrize(
    ("pattern", "units", "kinds"),
    [
        (r"_days$", {"days"}, {Kind.INTEGER, Kind.NUMBER}),
        (r"_pct$", {"%"}, {Kind.NUMBER}),
        (r"_ratio(_\d+m)?$", {"ratio"}, {Kind.NUMBER}),
        (r"^n_", {"count", "rows"}, {Kind.INTEGER}),
        (r"^rows_", {"rows"}, {Kind.INTEGER}),
        (r"_(date|on)$", {""}, {Kind.DATE}),
        (r"_at$", {""}, {Kind.TIMESTAMP}),
        (r"^is_", {""}, {Kind.FLAG}),
        (r"_(code|text|name|currency|reason)$", {""}, {Kind.TEXT}),
        (r"_(id|hash)$", {"", "number"}, {Kind.TEXT, Kind.INTEGER}),
        (r"(^|_)amount(_reporting)?$", {"", REPORTING}, {Kind.MONEY}),
    ],
)
def test_a_name_tells_unit_and_kind(pattern: str, units: set[str], kinds: set[Kind]) -> None:
    matching = [f for f in FIELDS.values() if re.search(pattern, f.name)]
    assert matching
    assert [f.name for f in matching if f.kind not in kinds or f.unit not in units] == []


def test_every_number_has_a_unit_and_a_count_of_days_says_so_in_its_name() -> None:
    for field in FIELDS.values():
        if field.kind is Kind.INTEGER or (field.kind is Kind.NUMBER and field.name != "value"):
            assert field.unit, f"{field.name} has no unit"
        if field.unit == "days":
            assert re.search(r"days|dpd", field.name), field.name
        if field.kind in (Kind.TEXT, Kind.DATE, Kind.FLAG, Kind.TIMESTAMP, Kind.JSON):
            assert field.unit == "", field.name


@pytest.mark.parametrize("declared", ALL, ids=names(ALL))
def test_money_has_a_currency(declared: Table) -> None:
    money = [c.name for c in declared.columns if c.kind is Kind.MONEY]
    for name in money:
        unit = declared.unit(name)
        assert unit in {"currency of the row", "currency of the invoice", REPORTING}
        if unit == "currency of the row":
            assert declared.column("currency").kind is Kind.TEXT
        if unit == "currency of the invoice":
            assert "invoice_id" in declared
    if money and "currency" not in declared and declared.money_in == "reporting":
        assert "reporting currency" in declared.en
        assert "报告币种" in declared.zh


@pytest.mark.parametrize("declared", RESULTS, ids=names(RESULTS))
def test_a_result_row_says_date_customer_and_run_first(declared: Table) -> None:
    first = ("as_of", "run_id") if declared is table("mart.portfolio") else ("as_of", "customer_id", "run_id")  # sums name nobody
    assert declared.column_names[: len(first)] == first
    assert all(declared.column(name).required for name in first)


def test_feeds_are_dated_and_outcomes_are_hidden_by_a_date() -> None:
    undated = [t.name for t in ALL if t.layer == "feed" and t.event_date is None]
    assert undated == ["instalment_line"]  # seen with its plan
    for declared in ALL:
        if declared.event_date:
            assert declared.column(declared.event_date).kind is Kind.DATE
        for column in declared.columns:
            if column.masked_by:
                assert declared.column(column.masked_by).kind is Kind.DATE
                assert declared.column(column.masked_by).masked_by == column.masked_by, "the date itself is hidden too"
                assert not column.required


def test_outcome_columns_of_the_ledger() -> None:
    hidden = {f"{t.name}.{c.name}": c.masked_by for t in ALL for c in t.columns if c.masked_by and c.name != c.masked_by}
    assert hidden == {
        "invoice.clear_kind": "cleared_date",
        "invoice.clearing_document": "cleared_date",
        "payment.status": "status_date",
        "dispute.outcome": "resolved_date",
        "dispute.settled_amount": "resolved_date",
        "bill.outcome": "outcome_date",
        "credit_request.decision": "decided_date",
        "due_diligence_finding.outcome": "resolved_date",
    }


def test_judgements_are_knowledge_with_a_date() -> None:
    judged = {f"{t.name}.{c.name}": c.judged_on for t in ALL for c in t.columns if c.judged_on}
    reviews, verdicts = (
        ("review_state", "reviewed_by", "reviewed_date"),
        ("verdict", "decided_by", "decided_role", "verdict_on"),
    )
    assert judged == {
        **{f"due_diligence_finding.{name}": "reviewed_date" for name in reviews},
        **{f"{feed}.{name}": "verdict_on" for feed in ("override", "customer_state_decision") for name in verdicts},
    }


def test_todays_state_is_marked() -> None:
    assert [f"{t.name}.{c.name}" for t in ALL for c in t.columns if c.current_only] == ["sales_order.delivered_not_invoiced"]


def test_data_about_persons_is_marked() -> None:
    for name in ("name", "contact_name", "phone", "email", "address", "account_manager", "payer_account", "row_json"):
        assert FIELDS[name].sensitivity == "personal", name


def test_table_finds_by_full_name() -> None:
    assert table("factor.exposure").column("overdue").kind is Kind.MONEY
    with pytest.raises(KeyError, match=r"no table factor\.exposures; there are .*factor\.exposure"):
        table("factor.exposures")


def test_broken_declarations_are_refused() -> None:
    with pytest.raises(ValueError, match="no_such_field"):
        columns("customer_id no_such_field")
    with pytest.raises(ValueError, match="amount"):
        columns("customer_id", required="amount")
    with pytest.raises(ValueError, match="due_date"):
        columns("customer_id", masked={"customer_id": "due_date"})

    def declare(columns_: str, key: tuple[str, ...]) -> Table:
        return Table("feed", "t", "one row per t", "nobody", "a table here", "表", key, columns(columns_))

    assert declare("customer_id amount currency", ("customer_id",)).column("customer_id").required
    with pytest.raises(ValueError, match="listed twice"):
        declare("customer_id customer_id", ("customer_id",))
    with pytest.raises(ValueError, match="invoice_id"):
        declare("customer_id", ("invoice_id",))
    with pytest.raises(ValueError, match="money without a currency"):
        declare("customer_id amount", ("customer_id",))


def test_a_field_cannot_be_declared_twice() -> None:
    from risk_pipeline.contracts.fields import _union

    field = Field("amount", Kind.MONEY, "a", "甲")
    with pytest.raises(ValueError, match="amount is declared twice"):
        _union((field,), (field,))


def test_importing_contracts_loads_no_data_library() -> None:
    script = (
        "import sys, risk_pipeline.contracts, risk_pipeline.contracts.derive\n"
        "print(sorted({'pandera', 'sqlalchemy', 'pyarrow', 'pandas', 'numpy', 'duckdb', 'dagster'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
