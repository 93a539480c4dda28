"""`feeds infer` as a library: which feeds a file serves, which column is which, what is asked for and what is only doubted."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import yaml

from risk_pipeline.contracts import FEED_TABLES
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.infer import FeedProposal, Proposal
from risk_pipeline.feeds.infer_columns import UNDECIDED, Answers
from risk_pipeline.feeds.infer_ledger import infer
from risk_pipeline.feeds.infer_yaml import WIDTH, as_mapping, as_yaml, wide
from risk_pipeline.feeds.sample import Given, Sample, read_sample
from risk_pipeline.feeds.spec import FeedSpec, load_spec
from risk_pipeline.feeds.synonyms import declared, folded, synonyms
from risk_pipeline.feeds.try_feed import Trial, try_feed

Lines = str | bytes | Sequence[str]


class Bench:
    """Infers from a file written here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sample(self, content: Lines, name: str = "ledger.csv", **given: Any) -> Sample:
        path = self.folder / name
        text = content if isinstance(content, str | bytes) else "".join(f"{line}\n" for line in content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        return read_sample(take_receipt(path, self.folder), Given(**given), work)

    def infer(self, content: Lines, name: str = "ledger.csv", **answers: Any) -> Proposal:
        return infer(name, self.sample(content, name), Answers(**answers))

    def trial(self, content: Lines, feed: FeedProposal, name: str = "ledger.csv") -> Trial:
        sample = self.sample(content, name)
        spec = FeedSpec.model_validate(as_mapping(feed, {"path": name, **sample.keys}))
        return try_feed(spec, sample.rows, sample.lines, sample.iso_dates)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def specs(feed: FeedProposal) -> dict[str, dict[str, Any]]:
    return {each.column: dict(each.spec) for each in feed.columns}


def doubts(feed: FeedProposal) -> str:
    return "\n".join(text for _, text in feed.every_doubt())


def only(proposal: Proposal) -> FeedProposal:
    [feed] = proposal.feeds
    return feed


OPEN_ITEMS = [
    "Customer;Document;Date;Due;Amount;Curr;Paid on",
    "C-1;9001;15.01.2026;14.02.2026;1.200,00;EUR;20.02.2026",
    "C-1;9002;02.02.2026;04.03.2026;900,50;EUR;",
    "C-2;9003;03.02.2026;05.03.2026;15.000,00;USD;",
]


# Reading an unknown file


def test_encodings_that_prove_themselves(bench: Bench) -> None:
    text = "客户编号,发票号,开票日期,金额,币种\nC1,1,2026-01-31,5.00,CNY\n"
    for codec, expected in (
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("gb18030", "gb18030"),
        ("gbk", "gb18030"),
    ):
        sample = bench.sample(text.encode(codec))
        assert sample.keys["encoding"] == expected
        assert sample.header[:2] == ("客户编号", "发票号")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("客戶編號,金額\n甲,1\n".encode("big5"), "客戶編號"),
        ("Kunde,Betrag\nMüller,1\n".encode("cp1252"), "Müller"),
        ("name,x\n甲公司,1\n".encode("gbk"), "甲公司"),
        ("客户编号,金额\n甲,1\n".encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_an_encoding_nothing_proves_is_asked_for(bench: Bench, content: bytes, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        bench.sample(content)
    assert hint in str(raised.value)
    assert "--encoding" in str(raised.value)


def test_an_encoding_may_be_named(bench: Bench) -> None:
    assert (
        bench.sample("Kunde;Betrag\nMüller;1\n".encode("cp1252"), encoding="cp1252").rows.column("Kunde")[0].as_py() == "Müller"
    )


@pytest.mark.parametrize(
    ("lines", "delimiter", "skipped"),
    [
        (["Customer,Invoice No", "A,1"], ",", None),
        (["Customer;Invoice No;Amount", "A;1;1,5", "B;2;2,5"], ";", None),
        (["Customer\tInvoice No", "A, Inc\t1"], "tab", None),
        (["AR report", "", "run on 2026-01-31", "Customer;Invoice No", "A;1"], ";", "3"),
        (["AR report;;;", "run;2026-01-31;;", "Customer;Invoice No;Due;Amount", "A;1;2026-01-31;5"], ";", "2"),
        (['"a title', 'over two lines"', "Customer|Invoice No", "A|1"], "|", "2"),
    ],
)
def test_delimiter_and_lines_above_the_header(bench: Bench, lines: list[str], delimiter: str, skipped: str | None) -> None:
    keys = bench.sample(lines).keys
    assert keys["delimiter"] == delimiter
    assert keys.get("skip_lines") == skipped


@pytest.mark.parametrize("content", [["1,2,3", "4,5,6"], ['36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA"']])
def test_a_file_without_header_is_not_guessed(bench: Bench, content: list[str]) -> None:
    with pytest.raises(UsageError, match="no header line"):
        bench.sample(content)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_empty_file_is_refused(bench: Bench, content: str) -> None:
    with pytest.raises(Refused, match="empty"):
        bench.sample(content)


def test_json_lines_and_packed_files(bench: Bench) -> None:
    import gzip

    sample = bench.sample('{"customer": {"id": "C1"}, "invoice no": 7}\n', "x.jsonl")
    assert (sample.keys, sample.header) == ({"format": "jsonl"}, ("customer.id", "invoice no"))
    assert bench.sample(gzip.compress(b"Customer,Invoice No\nA,1\n"), "x.csv.gz").header == ("Customer", "Invoice No")


def test_cells_that_are_not_there(bench: Bench) -> None:
    """JSON objects may lack a key; Parquet has nulls."""
    lines = [
        '{"customer": "A", "invoice no": 1, "invoice date": "2026-01-31", "amount": 5.0, "curr": "EUR", "paid on": "2026-02-01"}',
        '{"customer": "A", "invoice no": 2, "invoice date": "2026-01-31", "amount": -6.5, "curr": "EUR"}',
    ]
    feed = only(bench.infer(lines, "x.jsonl"))
    trial = bench.trial(lines, feed, "x.jsonl")
    assert (trial.good, trial.filled["cleared_date"]) == (2, 1)
    pq.write_table(
        pa.table({"Customer": ["A", None], "Invoice No": ["1", "2"], "Amount": [1.5, None]}), bench.folder / "x.parquet"
    )
    sample = bench.sample((bench.folder / "x.parquet").read_bytes(), "x.parquet")
    assert sample.keys == {"format": "parquet"}
    assert infer("x", sample, Answers(feed="invoice", currency="EUR")).questions  # no date


def test_a_table_with_a_column_for_each_currency_is_read_long(bench: Bench) -> None:
    content = ["Date,USD,JPY,CNY,", "2026-10-30,1.1172,175.68,N/A,", "2026-10-29,1.1180,176.01,8.1,"]
    feed = only(bench.infer(content, "rates.csv"))
    assert feed.feed == "fx_rate"
    assert bench.sample(content).keys["unpivot"] == {
        "keep": ["Date"],
        "name": "currency",
        "value": "rate",
        "drop_nulls": ["", "N/A"],
    }
    assert bench.trial(content, feed).good == 5
    assert "for 1 EUR" in doubts(feed)


def workbook(sheets: Mapping[str, Sequence[Sequence[Any]]]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
        day = made.add_format({"num_format": "yyyy-mm-dd"})
        for name, rows in sheets.items():
            sheet = made.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, date):
                        sheet.write_datetime(number, place, datetime(cell.year, cell.month, cell.day, tzinfo=None), day)  # noqa: DTZ001
                    else:
                        sheet.write(number, place, cell)
    return buffer.getvalue()


def test_a_workbook_with_titles_and_several_sheets(bench: Bench) -> None:
    content = workbook(
        {
            "Cover": [["Receivables of ACME"], ["printed on", date(2026, 1, 31)]],
            "Items": [
                ["Open items", "", "", "", ""],
                [],
                ["Customer", "Invoice No", "Invoice Date", "Amount", "Curr"],
                ["C-1", 9001, date(2026, 1, 15), 1200.5, "EUR"],
                ["C-2", 9002, date(2026, 1, 3), 7, "EUR"],
            ],
        }
    )
    sample = bench.sample(content, "items.xlsx")
    assert sample.keys == {"format": "xlsx", "sheet": "Items", "header_row": "3"}
    assert any("Cover, Items" in each.unsure for each in sample.source)
    feed = only(bench.infer(content, "items.xlsx"))
    assert not feed.questions
    trial = bench.trial(content, feed, "items.xlsx")
    assert (trial.good, trial.rejected) == (2, 0)
    assert {each.after for each in trial.changes["invoice_date"]} == {"2026-01-15", "2026-01-03"}
    with pytest.raises(UsageError, match="no sheet 'Nope'"):
        bench.sample(content, "items.xlsx", sheet="Nope")


# Which column is which


def test_an_open_item_list_is_the_invoice_feed(bench: Bench) -> None:
    feed = only(bench.infer(OPEN_ITEMS))
    assert feed.feed == "invoice"
    assert not feed.questions
    assert specs(feed) == {
        "invoice_id": {"from": "Document"},
        "customer_id": {"from": "Customer"},
        "invoice_date": {"from": "Date", "format": "%d.%m.%Y"},
        "due_date": {"from": "Due", "format": "%d.%m.%Y"},
        "amount": {"from": "Amount", "decimal": ",", "thousands": "."},
        "currency": {"from": "Curr"},
        "cleared_date": {"from": "Paid on", "format": "%d.%m.%Y"},
        "clear_kind": {"value": "payment"},
    }
    trial = bench.trial(OPEN_ITEMS, feed)
    assert (trial.good, trial.rejected) == (3, 0)
    # Only 15.01., 14.02. and 20.02. prove the order; the rest follows.
    assert "day first" in " ".join(feed.columns[2].evidence)


def test_dates_that_prove_no_order_follow_another_column_with_a_doubt(bench: Bench) -> None:
    lines = [
        "Customer;Invoice No;Date;Due;Amount;Curr",
        "A;1;01/02/2026;15/03/2026;5.00;EUR",
        "A;2;02/02/2026;04/03/2026;6.00;EUR",
    ]
    feed = only(bench.infer(lines))
    assert specs(feed)["invoice_date"]["format"] == "%d/%m/%Y"
    assert "is taken from Due, which proves it" in doubts(feed)


def test_an_open_date_order_is_asked_for(bench: Bench) -> None:
    lines = ["Customer,Invoice No,Date,Amount,Curr", "A,1,1/2/2026,5.00,EUR", "A,2,3/4/2026,6.00,EUR"]
    feed = only(bench.infer(lines))
    assert specs(feed)["invoice_date"]["format"] == UNDECIDED
    assert "--date-order dmy|mdy" in feed.questions[0]
    for order, form in (("dmy", "%d/%m/%Y"), ("mdy", "%m/%d/%Y")):
        said = only(bench.infer(lines, date_order=order))
        assert not said.questions
        assert specs(said)["invoice_date"]["format"] == form


def test_few_proofs_among_many_dates_are_doubted(bench: Bench) -> None:
    rows = [f"A;{number};0{number % 9 + 1}/02/2026;5.00;EUR" for number in range(40)]
    lines = ["Customer;Invoice No;Invoice Date;Amount;Curr", *rows, "A;99;13/02/2026;5.00;EUR"]
    feed = only(bench.infer(lines))
    assert specs(feed)["invoice_date"]["format"] == "%d/%m/%Y"
    assert "only 1 value of 41 prove this order" in doubts(feed)


def test_an_answer_does_not_overrule_what_the_values_prove(bench: Bench) -> None:
    assert specs(only(bench.infer(OPEN_ITEMS, date_order="mdy")))["invoice_date"]["format"] == "%d.%m.%Y"


def test_a_missing_currency_is_asked_for_unless_the_header_names_it(bench: Bench) -> None:
    lines = ["客户编号,发票号,开票日期,金额,到期日", "甲,1,2026-01-31,5.00,2026-02-28"]
    feed = only(bench.infer(lines))
    assert specs(feed)["currency"] == {"value": UNDECIDED}
    assert "--currency" in feed.questions[0]
    assert specs(only(bench.infer(lines, currency="CNY")))["currency"] == {"value": "CNY"}
    named = only(bench.infer([lines[0].replace("金额", "金额（人民币）"), lines[1]]))
    assert specs(named)["currency"] == {"value": "CNY"}
    assert "CNY is taken from the name" in doubts(named)


def test_excel_serials_are_never_taken_for_dates_unasked(bench: Bench) -> None:
    lines = ["Customer,Invoice No,Invoice Date,Amount,Curr", "A,1,46053,5.00,EUR", "A,2,46054,6.00,EUR"]
    feed = only(bench.infer(lines))
    assert "--date-format Invoice Date=excel_serial" in feed.questions[0]
    said = only(bench.infer(lines, formats={"Invoice Date": "excel_serial"}))
    assert specs(said)["invoice_date"] == {"from": "Invoice Date", "format": "excel_serial"}
    assert bench.trial(lines, said).changes["invoice_date"][0].after == "2026-01-31"


def test_a_decimal_mark_nothing_proves_is_asked_for(bench: Bench) -> None:
    lines = ["Customer;Invoice No;Invoice Date;Amount;Curr", "A;1;2026-01-31;1.200;EUR", "A;2;2026-01-31;3.500;EUR"]
    feed = only(bench.infer(lines))
    assert "--decimal" in feed.questions[0]
    said = only(bench.infer(lines, decimal=","))
    assert [each.after for each in bench.trial(lines, said).changes["amount"]] == ["1200.00", "3500.00"]


def test_an_undecided_proposal_loads_nothing(bench: Bench, tmp_path: Path) -> None:
    """Should somebody save the YAML all the same: no row of it becomes a value."""
    lines = ["Customer,Invoice No,Date,Amount", "A,1,1/2/2026,5.00"]
    feed = only(bench.infer(lines))
    path = tmp_path / "invoice.yaml"
    sample = bench.sample(lines)
    path.write_text(as_yaml(feed, "ledger.csv", sample.source, []), encoding="utf-8")
    with pytest.raises(UsageError):
        try_feed(load_spec(path), sample.rows, sample.lines)


def test_a_column_that_is_missing_is_asked_for_and_its_yaml_finds_none(bench: Bench) -> None:
    feed = only(bench.infer(["Name,Country", "Alpha,DE", "Beta,FR"], feed="customer"))
    assert "--map customer_id=COLUMN" in feed.questions[0]
    spec = FeedSpec.model_validate(as_mapping(feed, {"path": "ledger.csv"}))
    assert UNDECIDED in spec.source_columns  # reading refuses a file without that column


def test_what_is_the_same_in_every_row_may_be_said(bench: Bench) -> None:
    lines = ["id,name,aliases,country,listed", "77001,SILVER CRANE FZE,SC; SCT,AE,2025-11-03", "77002,ORBITAL LTD,,IR,2024-02-19"]
    feed = only(bench.infer(lines, "sanctions.csv"))
    assert feed.feed == "sanctions_entity"
    assert "--set source=VALUE" in feed.questions[0]
    said = only(bench.infer(lines, "sanctions.csv", constants={"source": "HOUSE"}))
    assert not said.questions
    assert specs(said)["source"] == {"value": "HOUSE"}
    assert bench.trial(lines, said, "sanctions.csv").good == 2


def test_a_header_of_one_name_is_none(bench: Bench) -> None:
    with pytest.raises(UsageError, match="name of its own"):
        bench.infer(["BLART,BLART", "1,2"])


def test_amounts_in_parentheses_thousands_percent_and_ids_from_a_spreadsheet(bench: Bench) -> None:
    lines = [
        "客户编号,发票号,开票日期,金额(万元),币种",
        '１００１,2960623488.0,2026/1/31,"(1,234.56)",人民币',
        '１００２,2960623489.0,2026/1/31,"1,000.00",人民币',
    ]
    feed = only(bench.infer(lines))
    found = specs(feed)
    assert found["invoice_id"]["integral"] == "true"
    assert found["customer_id"]["half_width"] == "true"
    assert found["amount"] == {
        "from": "金额(万元)",
        "decimal": ".",
        "thousands": ",",
        "parentheses": "negative",
        "scale": "10000",
    }
    assert found["currency"] == {"from": "币种", "lookup": {"人民币": "CNY"}, "otherwise": "keep"}
    trial = bench.trial(lines, feed)
    assert [each.after for each in trial.changes["amount"]] == ["-12345600.00", "10000000.00"]
    assert trial.changes["invoice_id"][0].after == "2960623488"
    assert trial.changes["customer_id"][0].after == "1001"


SAP = [
    "BUKRS;KUNNR;BELNR;GJAHR;BUZEI;BLART;BLDAT;BUDAT;ZFBDT;ZTERM;WRBTR;SHKZG;WAERS;AUGDT;AUGBL;REBZG",
    "1000;0000104711;90001;2026;001;RV;20260115;20260116;20260115;N30;1190.00;S;EUR;00000000;;",
    "1000;0000104711;90001;2025;001;RV;20250115;20250116;20250115;N30;500.00;S;EUR;20250301;140001;",
    "1000;0000104712;90002;2026;001;DG;20260120;20260120;20260120;N30;100.00;H;EUR;00000000;;90001",
    "1000;0000104712;140001;2026;001;DZ;20260125;20260125;20260125;;250.00;H;EUR;20260125;140001;90001",
]


def test_sap_line_items_serve_three_feeds(bench: Bench) -> None:
    feeds = {each.feed: each for each in bench.infer(SAP).feeds}
    assert set(feeds) == {"invoice", "credit_note", "payment"}
    invoice = specs(feeds["invoice"])
    assert invoice["invoice_id"] == {"template": "{BUKRS}-{GJAHR}-{BELNR}"}
    assert invoice["amount"]["sign_from"] == {"column": "SHKZG", "negative_when": ["H"], "positive_when": ["S"]}
    assert invoice["doc_type"] == {"from": "BLART", "lookup": {"RV": "invoice"}}
    assert "clear_kind" not in invoice
    assert feeds["invoice"].keys["where"] == "BLART NOT IN ('DG', 'DZ')"
    assert "nulls" not in feeds["invoice"].keys  # an amount or a number may be 00000000 and mean it
    assert invoice["cleared_date"]["nulls"] == ["", "00000000"]
    assert "not by what" in doubts(feeds["invoice"])
    counts = {name: bench.trial(SAP, each) for name, each in feeds.items()}
    assert {name: (each.good, each.filtered, each.rejected) for name, each in counts.items()} == {
        "invoice": (2, 2, 0),
        "credit_note": (1, 3, 0),
        "payment": (1, 3, 0),
    }
    assert counts["credit_note"].changes["amount"][0].after == "100.00"
    assert "REBZG names the invoice by its bare number" in doubts(feeds["payment"])


def test_null_markers_hold_for_the_feed_unless_a_column_uses_one_as_a_value(bench: Bench) -> None:
    lines = [
        "Customer;Invoice No;Invoice Date;Due;Amount;Curr;Order No",
        "A;1;2026-01-31;NULL;5.00;EUR;SO1",
        "A;2;2026-02-28;2026-03-30;-;EUR;NULL",
        "-;3;2026-02-28;2026-03-30;2.00;EUR;-",
    ]
    feed = only(bench.infer(lines))
    assert feed.keys["nulls"] == ["", "NULL"]
    assert specs(feed)["amount"]["nulls"] == ["", "NULL", "-"]
    assert specs(feed)["order_id"]["nulls"] == ["", "NULL", "-"]  # an id that is a dash would be rejected
    trial = bench.trial(lines, feed)
    assert trial.filled["order_id"] == 1
    rejected = [(each.column, each.rule) for each in trial.rejections]
    assert rejected == [("amount", "value_missing"), ("customer_id", "null_as_id")]


def test_local_amounts_beside_document_currencies_are_asked_about(bench: Bench) -> None:
    lines = ["KUNNR;BELNR;BLDAT;DMBTR;WAERS", "1;90001;20260115;5.00;EUR", "1;90002;20260116;6.00;USD"]
    feed = only(bench.infer(lines))
    assert "In which currency is DMBTR?" in feed.questions[0]
    assert specs(only(bench.infer(lines, currency="EUR")))["currency"] == {"value": "EUR"}


def test_payments_that_are_negative_in_the_file_are_turned(bench: Bench) -> None:
    lines = ["Customer;Receipt No;Value Date;Amount;Curr", "A;1;2026-01-31;-5.00;EUR", "A;2;2026-02-28;-6.00;EUR"]
    feed = only(bench.infer(lines, "receipts.csv"))
    assert feed.feed == "payment"
    assert specs(feed)["amount"]["negate"] == "true"
    assert bench.trial(lines, feed, "receipts.csv").changes["amount"][0].after == "5.00"


def test_a_column_the_header_has_twice_is_not_used(bench: Bench) -> None:
    lines = [
        "Customer,Invoice No,Invoice Date,Amount,amount,Curr",
        "A,1,2026-01-31,5.00,6.00,EUR",
        "A,2,2026-01-31,5.00,6.00,EUR",
    ]
    proposal = bench.infer(lines)
    assert proposal.unused["Amount"] == "the header has it more than once"
    assert "no column looks like amount" in proposal.questions[0]


def test_a_dispute_flag_and_customer_attributes_make_feeds_of_their_own(bench: Bench) -> None:
    lines = [
        "客户编号,客户名称,国家,发票号,开票日期,到期日,金额,币种,是否争议,结清日期",
        "C1,甲公司,中国,1,2026-01-05,2026-02-04,100.00,CNY,是,2026-03-01",
        "C1,甲公司,中国,2,2026-01-15,2026-02-14,50.00,CNY,否,",
        "C2,乙公司,德国,3,2026-01-20,2026-02-19,70.00,CNY,否,2026-02-01",
    ]
    feeds = {each.feed: each for each in bench.infer(lines, "应收.csv").feeds}
    assert set(feeds) == {"invoice", "dispute", "customer"}
    assert feeds["dispute"].keys["where"] == "\"是否争议\" = '是'"
    assert specs(feeds["dispute"])["resolved_date"]["from"] == "结清日期"
    assert bench.trial(lines, feeds["dispute"]).good == 1
    assert (feeds["customer"].keys["delivery"], feeds["customer"].keys["duplicates"]) == ("upsert", "most_frequent")
    assert specs(feeds["customer"])["country_code"]["lookup"] == {"中国": "CN", "德国": "DE"}
    assert [each.feed for each in bench.infer(lines, "应收.csv", feed="dispute").feeds] == ["dispute"]


def test_country_codes_of_the_systems_own_are_not_taken(bench: Bench) -> None:
    lines = ["countryCode,Customer,Invoice No,Date,Amount,Curr", "391,A,1,2026-01-31,5.00,EUR", "818,B,2,2026-01-31,5.00,EUR"]
    proposal = bench.infer(lines)
    assert [each.feed for each in proposal.feeds] == ["invoice"]
    assert "391 is no ISO 3166-1 code" in proposal.unused["countryCode"]


def test_rows_of_sums_are_left_out_of_every_feed(bench: Bench) -> None:
    lines = [
        "客户编号,客户名称,发票号,开票日期,到期日,金额,币种",
        "C1,甲公司,1,2026-01-05,2026-02-04,100.00,CNY",
        "C2,总计,2,2026-01-15,2026-02-14,50.00,CNY",
        "合计,,,,,150.00,",
    ]
    feeds = {each.feed: each for each in bench.infer(lines).feeds}
    assert feeds["invoice"].keys["where"] == "\"客户编号\" NOT IN ('合计')"  # a company may be called 总计
    for feed in feeds.values():
        trial = bench.trial(lines, feed)
        assert (trial.good, trial.filtered, trial.rejected) == (2, 1, 0)


def test_a_customer_master(bench: Bench) -> None:
    lines = ["KUNNR,NAME1,LAND1,STCEG,Affiliate", "0000104711,Alpha GmbH,DE,DE123,N", "0000104712,Beta SA,FR,FR456,Y"]
    feed = only(bench.infer(lines, "kna1.csv"))
    assert feed.feed == "customer"
    assert specs(feed)["is_intercompany"]["lookup"] == {"N": "false", "Y": "true"}
    assert "strip_leading_zeros" in doubts(feed)
    assert "known_at" not in feed.keys


def test_a_file_that_fits_no_feed_or_two_is_asked_about(bench: Bench) -> None:
    with pytest.raises(UsageError, match="--feed invoice --map"):
        bench.infer(["colour,shape", "red,round"])
    with pytest.raises(UsageError, match="no column 'nope'"):
        bench.infer(OPEN_ITEMS, mapping={"amount": "nope"})


def test_a_person_may_say_which_column_is_which(bench: Bench) -> None:
    lines = ["who,what,when,how much,unit", "A,1,2026-01-31,5.00,EUR", "A,2,2026-02-28,6.00,EUR"]
    mapping = {"customer_id": "who", "invoice_id": "what", "invoice_date": "when", "amount": "how much"}
    feed = only(bench.infer(lines, feed="invoice", mapping=mapping))
    assert not feed.questions
    assert specs(feed)["currency"] == {"from": "unit"}  # by its content
    assert bench.trial(lines, feed).good == 2


def test_what_the_trial_rejects_keeps_its_line(bench: Bench) -> None:
    lines = [
        *OPEN_ITEMS,
        *(f"C-3;91{n:02};15.01.2026;14.02.2026;1,00;EUR;" for n in range(60)),
        "C-4;9999;15.01.2026;;twelve;EUR;",
    ]
    trial = bench.trial(lines, only(bench.infer(lines)))
    assert (trial.good, trial.rejected) == (63, 1)
    [broken] = trial.rejections
    assert (broken.line, broken.rule, broken.column, broken.value) == (65, "not_a_number", "amount", "twelve")


# The YAML and the table of synonyms


def test_the_yaml_is_what_was_tried_and_fits_eighty_columns(bench: Bench, tmp_path: Path) -> None:
    for number, lines in enumerate((OPEN_ITEMS, SAP)):
        for feed in bench.infer(lines).feeds:
            sample = bench.sample(lines)
            text = as_yaml(feed, "data/my ledger.csv", sample.source, ["Proposed from a file. " * 9], ["is it so? " * 12])
            assert max(map(wide, text.splitlines())) <= WIDTH
            path = tmp_path / f"{number}.yaml"
            path.write_text(text, encoding="utf-8")
            tried = FeedSpec.model_validate(as_mapping(feed, {"path": "data/my ledger.csv", **sample.keys}))
            assert load_spec(path) == tried
            assert load_spec(path).hash == tried.hash


@pytest.mark.parametrize(
    "cell", ["NO", "null", "~", "0012", "a: b", 'say "x"', "#1", "- x", "金额", "%d", "", " a", "x{y}", "???"]
)
def test_any_text_survives_the_yaml(cell: str) -> None:
    from risk_pipeline.feeds.infer_yaml import flow

    assert yaml.load(flow({"key": [cell], cell: cell}), Loader=yaml.BaseLoader) == {"key": [cell], cell: cell}
    assert yaml.safe_load(flow([cell])) == [cell] or cell in ("NO", "0012")


def test_the_table_names_columns_that_exist(feed_columns: Callable[[str], set[str]]) -> None:
    for feed, column in declared():
        known = {name for each in FEED_TABLES for name in each.column_names} if feed == "any" else feed_columns(feed)
        assert column in known, (feed, column)


def test_values_of_the_table_are_allowed() -> None:
    for column, words in synonyms().values.items():
        allowed = {value for each in FEED_TABLES if column in each for value in each.column(column).values}
        assert set(words.values()) <= allowed, column


def test_names_are_compared_without_case_blanks_and_brackets() -> None:
    assert len({folded(each) for each in ("Invoice No.", "invoice_no", "INVOICE-NO", "invoiceNo", "Ｉnvoice No (AR)")}) == 1
    assert folded("金额(万元)") == "金额"


@pytest.fixture
def feed_columns() -> Callable[[str], set[str]]:
    return lambda feed: set(next(each for each in FEED_TABLES if each.name == feed).column_names)


def test_a_bureau_file_in_chinese_is_taken_whole(bench: Bench) -> None:
    header = "报告编号,客户编号,征信机构,报告日期,取得日期,查询状态,评分,最低分,最高分,分高为好,逾期次数,违约次数,查询次数,币种"
    rows = [
        "R1,C1,A,2026-01-05,2026-01-06,hit,620,0,1000,是,1,0,2,CNY",
        "R2,C2,A,2026-01-15,2026-01-16,hit,300,0,1000,是,4,1,6,CNY",
        "R3,C3,A,,2026-01-17,no_hit,,,,,,,,",
    ]
    found = bench.infer([header, *rows], "bureau.csv", feed="bureau_report")
    feed = only(found)
    assert {name: spec["from"] for name, spec in specs(feed).items() if name in ("hit_state", "score_min", "defaults_36m")} == {
        "hit_state": "查询状态",
        "score_min": "最低分",
        "defaults_36m": "违约次数",
    }
    assert UNDECIDED not in {spec.get("from") for spec in specs(feed).values()}
