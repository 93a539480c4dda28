"""The feed YAML: what it may say, and that every mistake is told with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.spec import FeedSpec, load_feeds, load_spec

GOOD = """\
feed: invoice
title: Ledger
source: {kind: file, path: data/ar*.csv, format: csv, encoding: auto, delimiter: auto, sheet: null}
delivery: snapshot
duplicates: reject
where: "SettledDate <> ''"
columns:
  invoice_id:   {from: invoiceNumber}
  customer_id:  {from: customerID, strip_leading_zeros: false, trim: true}
  invoice_date: {from: InvoiceDate, format: "%m/%d/%Y"}
  amount:       {from: InvoiceAmount, decimal: ".", thousands: ",", negate: false, sign_from: null}
  currency:     {value: USD}
  order_id:     {template: "P{invoiceNumber}-{item no}"}
  doc_type:     {from: type, lookup: {RV: invoice, 391: debit_note, NO: interest}}
assertions: {rows_min: 1, rows_max: 1000000, max_rejected_pct: 5, max_drop_pct: 50}
"""


def write(folder: Path, text: str, name: str = "invoice.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_of_the_contract_is_read(tmp_path: Path) -> None:
    spec = load_spec(write(tmp_path, GOOD))
    assert spec.source_columns == ("invoiceNumber", "customerID", "InvoiceDate", "InvoiceAmount", "item no", "type")
    assert [column.name for column in spec.mapped] == [
        "invoice_id", "customer_id", "doc_type", "invoice_date", "amount", "currency", "order_id"
    ]  # fmt: skip
    assert spec.columns["doc_type"].lookup == {"RV": "invoice", "391": "debit_note", "NO": "interest"}
    assert list(spec.columns["order_id"].template_parts()) == [
        ("text", "P"), ("column", "invoiceNumber"), ("text", "-"), ("column", "item no")
    ]  # fmt: skip
    assert (spec.max_drop_pct, spec.known_assumption) == (50, None)


def test_scalars_stay_text(tmp_path: Path) -> None:
    text = GOOD.replace("{value: USD}", "{value: NO}").replace("{from: InvoiceDate, ", "{from: 2013-01-02, ")
    spec = load_spec(write(tmp_path, text))
    assert spec.columns["currency"].value == "NO"
    assert spec.columns["invoice_date"].source == "2013-01-02"


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("feed: invoice", "feed: invoices", 1, "'invoices' is no feed; there are customer,"),
        ("delivery: snapshot", "delivery: full", 4, "delivery: Input should be 'snapshot'"),
        ("delivery: snapshot", "delivery: snapshot\ncolour: red", 5, "colour: unknown key"),
        ("title: Ledger", "title: Ledger\ntitle: Again", 1, "'title' is given twice"),
        ("title: Ledger", "title: [Ledger", 3, "not valid YAML"),
        ("kind: file", "kind: sql", 3, "source: path, format, encoding, delimiter goes with `kind: file`"),
        ("sheet: null", "sheet: Data", 3, "source: sheet does not apply to format csv"),
        ("encoding: auto", "encoding: utf-99", 3, "'utf-99' is no known encoding"),
        ("encoding: auto", "encoding: hex", 3, "'hex' is no known encoding"),
        ("encoding: auto", "encoding: unicode_escape", 3, "'unicode_escape' is no known encoding"),
        ("delimiter: auto", "delimiter: ';;'", 3, "one ASCII character"),
        ("delivery: snapshot", "delivery: upsert", 15, "assertions.max_drop_pct: compares snapshots"),
        ("max_rejected_pct: 5", "max_rejected_pct: 500", 15, "assertions.max_rejected_pct"),
        ("  currency:     {value: USD}\n", "", 7, "columns: feed invoice also needs currency"),
        ("customer_id: ", "customer: ", 9, "columns.customer: not in feed invoice; it has invoice_id"),
        ("{value: USD}", "{value: USD, from: cur}", 12, "columns.currency: exactly one of from, template and value"),
        ("{value: USD}", "{}", 12, "found none"),
        ("{value: USD}", "{form: cur}", 12, "columns.currency.form: unknown key"),
        ("{value: USD}", "{value: USD, format: '%Y'}", 12, "columns.currency: format does not apply to a text column"),
        ("format: \"%m/%d/%Y\"", "decimal: ','", 10, "columns.invoice_date: decimal does not apply to a date column"),
        ("format: \"%m/%d/%Y\"", "format: '%Y-%m-%d %z'", 10, "a format with a time zone"),
        ("thousands: \",\"", "thousands: '.'", 11, "columns.amount: decimal and thousands cannot be the same"),
        ("negate: false", "round: 3", 11, "columns.amount.round"),
        ('"P{invoiceNumber}-{item no}"', "P", 13, "columns.order_id: a template names at least one source column"),
        ("{from: type, lookup: {RV: invoice, 391: debit_note, NO: interest}}", "{from: type, otherwise: keep}", 14,
         "columns.doc_type: otherwise goes with lookup"),
        ("duplicates: reject", "known_at: sometime", 5, "known_at: ingest, event_date, {from: COLUMN}"),
        ("duplicates: reject", "known_at: {from: entry_date}", 5, "known_at: entry_date is not mapped"),
        ("duplicates: reject", "known_at: {from: amount}", 5, "known_at: amount is no date column"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, line: int, told: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_spec(path)
    assert caught.value.message.startswith(f"{path}:{line}: "), caught.value.message
    assert told in caught.value.message
    assert caught.value.remedy


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_spec(write(tmp_path, GOOD.replace("snapshot", "x").replace("kind: file", "kind: y")))
    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize("text", ["", "- a\n", "just text", "\tx: 1"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"invoice\.yaml"):
        load_spec(write(tmp_path, text))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_spec(tmp_path / "absent.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"feed: \xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_spec(tmp_path / "bytes.yaml")


def test_the_hash_is_of_the_meaning_not_of_the_text(tmp_path: Path) -> None:
    base = load_spec(write(tmp_path, GOOD)).hash
    commented = GOOD.replace("delivery: snapshot", "delivery: snapshot   # the whole truth").replace(", trim: true", "")
    assert load_spec(write(tmp_path, commented)).hash == base
    assert load_spec(write(tmp_path, GOOD.replace("%m/%d/%Y", "%d/%m/%Y"))).hash != base
    assert load_spec(write(tmp_path, GOOD.replace("391: debit_note", "391: interest"))).hash != base


def test_known_at_forms(tmp_path: Path) -> None:
    def known(rule: str) -> FeedSpec:
        return load_spec(write(tmp_path, GOOD.replace("duplicates: reject", f"known_at: {rule}")))

    assert (known("ingest").known_date_column, known("ingest").known_assumption) == (None, None)
    assert known("event_date").known_assumption == "invoice_date"
    assert known("{from: invoice_date}").known_date_column == "invoice_date"
    assert known("{event_date_plus_days: 3}").known_assumption == "invoice_date + 3 days"


def test_feeds_are_loaded_in_the_order_of_the_contracts(tmp_path: Path) -> None:
    customer = "feed: customer\nsource: {path: c.csv}\ndelivery: upsert\ncolumns: {customer_id: {from: k}}\n"
    write(tmp_path, GOOD, "a.yaml")
    write(tmp_path, customer, "z.yml")
    assert [each.spec.feed for each in load_feeds(tmp_path)] == ["customer", "invoice"]
    assert [each.path.name for each in load_feeds(tmp_path, ["invoice"])] == ["a.yaml"]
    with pytest.raises(UsageError, match="no feed YAML for payment"):
        load_feeds(tmp_path, ["payment"])
    write(tmp_path, customer, "b.yaml")
    with pytest.raises(UsageError, match=r"z\.yml: feed customer is already served by b\.yaml"):
        load_feeds(tmp_path)


def test_a_folder_without_feeds_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no feed YAML"):
        load_feeds(tmp_path)
