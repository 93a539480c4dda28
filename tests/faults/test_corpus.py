"""The corpus: what companies really deliver, broken and odd. Each input is read right or refused by name.

Put here: the inputs, and what becomes of each. Keep out: how a case is run and what holds for all of them (tests/corpus.py).
"""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter

from tests.corpus import Case, check, make_world, parquet
from tests.ingest_support import HEADER

ISO = {"invoice_date": {"from": "date", "format": "%Y-%m-%d"}}
ONE = "A,C1,1/2/2024,10.00,EUR"
ONE_READ = "2|A|C1|2024-01-02|10.00|EUR"


def lines(*rows: str, end: str = "\n") -> str:
    """A file of the usual header and these rows."""
    return "".join(f"{row}{end}" for row in (HEADER, *rows))


def amounts(*cells: str, delimiter: str = ";") -> str:
    """A file with one row for each way to write an amount; its keys are A0, A1 …"""
    rows = [f"A{n};C1;1/2/2024;{cell};EUR" for n, cell in enumerate(cells)]
    return "\n".join([HEADER.replace(",", ";"), *rows, ""]).replace(";", delimiter)


def dates(*cells: str) -> str:
    """A file with one row for each way to write a date; its keys are D0, D1 …"""
    return lines(*(f"D{n},C1,{cell},1,EUR" for n, cell in enumerate(cells)))


def amount_forms(name: str, forms: Mapping[str, str], rounded: int = 0, **options: Any) -> Case:
    """One row for each cell: the amount it must become, or the rule it breaks."""
    told = [(n + 2, n, cell, expected) for n, (cell, expected) in enumerate(forms.items())]
    negative = sum(expected.startswith("-") for expected in forms.values())
    warnings = {"negative_invoice_amount": negative, "rounded_amount": rounded}
    return Case(
        name,
        amounts(*forms),
        tuple(f"{line}|A{n}|C1|2024-01-02|{value}|EUR" for line, n, _, value in told if value[-1].isdigit()),
        tuple(f"{line}|{rule}|amount|{cell}" for line, _, cell, rule in told if rule[-1].isalpha()),
        {warning: count for warning, count in warnings.items() if count},
        columns={"amount": {"from": "amount", **options}},
    )


def date_forms(name: str, form: str, forms: Mapping[str, str], **options: Any) -> Case:
    """One row for each cell: the day it must become, or the rule it breaks."""
    told = [(n + 2, n, cell, expected) for n, (cell, expected) in enumerate(forms.items())]
    return Case(
        name,
        dates(*forms),
        tuple(f"{line}|D{n}|C1|{day}|1.00|EUR" for line, n, _, day in told if day[-1].isdigit()),
        tuple(f"{line}|{rule}|invoice_date|{cell}" for line, _, cell, rule in told if rule[-1].isalpha()),
        columns={"invoice_date": {"from": "date", "format": form, **options}},
    )


def money(**keys: object) -> dict[str, object]:
    return {"amount": {"from": "amount", **keys}}


def ids(**keys: object) -> dict[str, object]:
    return {"invoice_id": {"from": "id", **keys}}


CHINESE = "发票号,客户,日期,金额,币种\nA,北京龙湖,2024-01-02,10.00,CNY\n"
CHINESE_COLUMNS = {
    "invoice_id": {"from": "发票号"},
    "customer_id": {"from": "客户"},
    "invoice_date": {"from": "日期"},
    "amount": {"from": "金额"},
    "currency": {"from": "币种"},
}
CHINESE_READ = ("2|A|北京龙湖|2024-01-02|10.00|CNY",)

ENCODINGS = [
    Case("utf-8", lines("A,Müller & 北京,1/2/2024,10.00,EUR"), ("2|A|Müller & 北京|2024-01-02|10.00|EUR",),
         facts={"encoding": "utf-8"}),
    Case("utf-8 with mark", lines(ONE).encode("utf-8-sig"), (ONE_READ,), facts={"encoding": "utf-8-sig"}),
    Case("utf-8 with mark and a quoted header", '"id"'.join(["\ufeff", lines(ONE)[2:]]).encode(), (ONE_READ,)),
    Case("utf-16 little endian with mark", b"\xff\xfe" + lines(ONE).encode("utf-16-le"), (ONE_READ,),
         facts={"encoding": "utf-16"}),
    Case("utf-16 big endian with mark", b"\xfe\xff" + lines(ONE).encode("utf-16-be"), (ONE_READ,)),
    Case("utf-16 without mark, declared", lines(ONE).encode("utf-16-le"), (ONE_READ,), source={"encoding": "utf-16-le"}),
    Case("utf-16 without mark, not declared", lines(ONE).encode("utf-16-le"), refused=("in/data.csv", "NUL")),
    Case("utf-16 cut in a character", b"\xff\xfe" + lines(ONE, ONE).encode("utf-16-le")[:-1],
         refused=("in/data.csv: line 3 is not valid utf-16",)),
    Case("gbk, declared", lines("A,北京龙湖,1/2/2024,1,CNY").encode("gbk"), ("2|A|北京龙湖|2024-01-02|1.00|CNY",),
         source={"encoding": "gbk"}),
    Case("gbk without declaration", lines("A,北京龙湖,1/2/2024,1,CNY").encode("gbk"),
         refused=("in/data.csv: line 2 is not valid utf-8",)),
    Case("gb18030 proved by its header", CHINESE.encode("gb18030"), CHINESE_READ, columns=CHINESE_COLUMNS,
         facts={"encoding": "gb18030"}),
    Case("gb18030 with four-byte characters", CHINESE.replace("龙湖", "㐀𠮷").encode("gb18030"),
         ("2|A|北京㐀𠮷|2024-01-02|10.00|CNY",),
         columns=CHINESE_COLUMNS),
    Case("big5, declared", lines("A,臺灣,1/2/2024,1,TWD").encode("big5"), ("2|A|臺灣|2024-01-02|1.00|TWD",),
         source={"encoding": "big5"}),
    Case("cp1252, declared", lines("A,Müller €,1/2/2024,1,EUR").encode("cp1252"), ("2|A|Müller €|2024-01-02|1.00|EUR",),
         source={"encoding": "cp1252"}),
    Case("cp1252 without declaration", lines(ONE, "B,Müller,1/2/2024,1,EUR").encode("cp1252"),
         refused=("line 3 is not valid utf-8",)),
    Case("mixed encodings", lines("A,北京,1/2/2024,1,CNY").encode() + "B,上海,1/2/2024,1,CNY\n".encode("gbk"),
         refused=("line 3 is not valid utf-8",)),
    Case("mixed encodings, gbk first", CHINESE.encode("gbk") + "B,ÿ\u00ff,x,1,CNY\n".encode("latin-1"), refused=("not valid",),
         columns=CHINESE_COLUMNS),
    Case("declared utf-8, is gbk", CHINESE.encode("gbk"), refused=("line 1 is not valid utf-8",), columns=CHINESE_COLUMNS,
         source={"encoding": "utf-8"}),
    Case("a NUL byte", lines(ONE, "B,C\0,1/2/2024,1,EUR"), refused=("in/data.csv: line 3 holds NUL",)),
    Case("utf-16 with line ends inside its characters", "\ufeff".encode("utf-16-le") + lines("A,上海,1/2/2024,1,CNY",
         "B,上海,1/2/2024,x,CNY").encode("utf-16-le"),
         ("2|A|上海|2024-01-02|1.00|CNY",), ("3|not_a_number|amount|x",)),
    Case("utf-16 with such characters, cut", b"\xff\xfe" + lines("A,上海,1/2/2024,1,CNY",
         "B,上海,1/2/2024,x,CNY").encode("utf-16-le")[:-1],
         refused=("in/data.csv: line 3 is not valid utf-16",)),
    Case("a declared encoding against the mark of the file", lines("A,Müller,1/2/2024,1,EUR").encode("utf-8-sig"),
         ("2|A|Müller|2024-01-02|1.00|EUR",), source={"encoding": "cp1252"}),
]  # fmt: skip

STRUCTURE = [
    Case("empty", b"", refused=("in/data.csv: the file is empty",)),
    Case("blanks only", b"  \n\n \n", refused=("the file is empty",)),
    Case("header only", lines(), refused=("0 rows, fewer than rows_min 1",), keys={"assertions": {"rows_min": 1}}),
    Case("truncated in a row", lines(ONE, "B,C1,1/2/2")[:-1], refused=("truncated: its last line (3) ends after 3 of 5 fields",)),
    Case("truncated in the last cell", lines(ONE, "B,C1,1/2/2024,1,EU")[:-1], (ONE_READ,), ("3|unknown_currency|currency|EU",),
         {"no_final_newline": 1}),
    Case("truncated in a quoted cell", lines(ONE, 'B,"C1')[:-1], refused=("line 3 opens a quote that is never closed",)),
    Case("no line end after the last row", lines(ONE)[:-1], (ONE_READ,), warnings={"no_final_newline": 1}),
    Case("a DOS end mark", lines(ONE) + "\x1a", (ONE_READ,)),
    Case("a DOS end mark after a line end of its own", lines(ONE, end="\r\n") + "\x1a\r\n", (ONE_READ,)),
    Case("wrong delimiter declared", lines(ONE), refused=("no column 'id'",), source={"delimiter": ";"}),
    Case("semicolons, found", amounts("1.50"), ("2|A0|C1|2024-01-02|1.50|EUR",), facts={"delimiter": ";"}),
    Case("tabs, found", amounts("1,5", delimiter="\t"), ("2|A0|C1|2024-01-02|1.50|EUR",), columns=money(decimal=",")),
    Case("bars, found", amounts("1.5", delimiter="|"), ("2|A0|C1|2024-01-02|1.50|EUR",)),
    Case("another delimiter, declared", amounts("1.5", delimiter="~"), ("2|A0|C1|2024-01-02|1.50|EUR",),
         source={"delimiter": "~"}),
    Case("header twice", lines(ONE, HEADER, "B,C2,1/3/2024,2,EUR"), (ONE_READ, "4|B|C2|2024-01-03|2.00|EUR"),
         ("3|not_a_date|invoice_date|date", "3|not_a_number|amount|amount", "3|unknown_currency|currency|currency")),
    Case("lines above the header, skipped", "Ledger of ACME\n\n" + lines(ONE), ("4|A|C1|2024-01-02|10.00|EUR",),
         source={"skip_lines": 2}),
    Case("lines above the header, not skipped", "Ledger of ACME\n\n" + lines(ONE), refused=("no column 'id'", "Ledger of ACME")),
    Case("header in other letters", lines(ONE).replace("customer", "Customer"), refused=("no column 'customer'", "Customer")),
    Case("blanks around the names", lines(ONE).replace("customer,date", " customer , date"), (ONE_READ,)),
    Case("a mapped column twice", f"{HEADER},id\n{ONE},X\n", refused=("'id' more than once",)),
    Case("a mapped column twice but for its case", f"{HEADER},ID\n{ONE},X\n", refused=("more than once",)),
    Case("an unmapped column twice", f"{HEADER},note,note\n{ONE},x,y\n", (ONE_READ,)),
    Case("columns without a name", f"{HEADER},,\n{ONE},x,y\n", (ONE_READ,)),
    Case("odd names", f'{HEADER},#seq,#line,"a ""b"" c",x_amount\n{ONE},1,2,note,9\n', ("2|A|note|2024-01-02|10.00|EUR",),
         columns={"customer_id": {"from": 'a "b" c'}}),
    Case("names the reader uses itself, mapped", f"{HEADER},#seq,#line\n{ONE},S7,L9\n", ("2|A|S7|2024-01-02|10.00|EUR|L9",),
         columns={"customer_id": {"from": "#seq"}, "company_code": {"from": "#line"}}),
    Case("a row too short", lines(ONE, "B,C1,1/2/2024,1"), refused=("line 3 has 4 fields, the header has 5",)),
    Case("a row too long", lines(ONE, "B,C1,1/2/2024,1,000.50,EUR"), refused=("line 3 has 6 fields",)),
    Case("every row one delimiter longer than the header", lines(ONE + ","), refused=("line 2 has 6 fields",)),
    Case("quotes never closed", lines(ONE, 'B,"C1,1/2/2024,1,EUR', "C,C1,1/2/2024,1,EUR"), refused=("line 3 opens a quote",)),
    Case("text after a closing quote", lines(ONE, 'B,"C1"x,1/2/2024,1,EUR'), refused=("line 3: text follows a closing quote",)),
    Case("a quote in the middle of a cell", lines('A,C 5" pipe,1/2/2024,10.00,EUR'), ('2|A|C 5" pipe|2024-01-02|10.00|EUR',)),
    Case("quoted cells with delimiters, quotes and line ends", lines('"A","C ""1"", a\nb",1/2/2024,"1","EUR"',
         "B,C2,1/2/2024,x,EUR"),
         ('2|A|C "1", a\nb|2024-01-02|1.00|EUR',), ("4|not_a_number|amount|x",)),
    Case("Windows line ends", lines(ONE, "B,C1,1/2/2024,x,EUR", end="\r\n"), (ONE_READ,), ("3|not_a_number|amount|x",)),
    Case("old Mac line ends", lines(ONE, end="\r"), refused=("lone carriage return",)),
    Case("a lone carriage return in a row", lines(ONE, "B,C\r2,1/2/2024,1,EUR"), refused=("line 3 holds a carriage return",)),
    Case("Windows and Unix line ends mixed", lines(ONE) + "B,C1,1/2/2024,2,EUR\r\nC,C1,1/2/2024,3,EUR\n",
         (ONE_READ, "3|B|C1|2024-01-02|2.00|EUR", "4|C|C1|2024-01-02|3.00|EUR")),
    Case("empty lines between rows", lines("", ONE, "", "", "B,C1,1/2/2024,x,EUR"), ("3|A|C1|2024-01-02|10.00|EUR",),
         ("6|not_a_number|amount|x",)),
    Case("a row of delimiters", lines(ONE, ",,,,"), (ONE_READ,),
         ("3|key_missing|invoice_id|", "3|customer_missing|customer_id|", "3|value_missing|invoice_date|",
         "3|value_missing|amount|",
          "3|value_missing|currency|")),
    Case("a line of totals at the end", lines(ONE, "Total,,,10.00,EUR"), (ONE_READ,), ("3|customer_missing|customer_id|",
         "3|value_missing|invoice_date|")),
    Case("a name with a line end in it", lines(ONE, "B,C1,1/2/2024,x,EUR").replace("date", '"invoice\ndate"'),
         ("3|A|C1|2024-01-02|10.00|EUR",),
         ("4|not_a_number|amount|x",), columns={"invoice_date": {"from": "invoice\ndate", "format": "%m/%d/%Y"}}),
    Case("Excel's line that names the delimiter", "sep=;\n" + amounts("1.50"), ("3|A0|C1|2024-01-02|1.50|EUR",),
         source={"skip_lines": 1}),
    Case("a quoted line end above the header, skipped", '"Ledger\nof ACME"\n' + lines(ONE), ("4|A|C1|2024-01-02|10.00|EUR",),
         source={"skip_lines": 2}),
    Case("one column only", "id\nA\nB\n", ("2|A|X|2024-01-02|1.00|EUR", "3|B|X|2024-01-02|1.00|EUR"),
         columns={"customer_id": {"value": "X"}, "invoice_date": {"value": "2024-01-02"}, "amount": {"value": "1"},
         "currency": {"value": "EUR"}}),
    Case("quoted and empty cells are the same", lines('A,C1,1/2/2024,10.00,""', '"",C1,1/2/2024,1,EUR'), (),
         ("2|value_missing|currency|", "3|key_missing|invoice_id|")),
    Case("line separators that end no line", lines("A,C\u2028\u0085\v\f1,1/2/2024,1,EUR", "B,C1,1/2/2024,x,EUR"),
         ("2|A|C\u2028\u0085\v\f1|2024-01-02|1.00|EUR",), ("3|not_a_number|amount|x",)),
    Case("a cell of a megabyte, not mapped", f"{HEADER},note\n{ONE},{'x' * (1 << 20)}\n", (ONE_READ,)),
    Case("a cell of a megabyte, mapped", lines(f"A,{'x' * (1 << 20)},1/2/2024,1,EUR", "B,C1,1/2/2024,y,EUR"),
         (f"2|A|{'x' * (1 << 20)}|2024-01-02|1.00|EUR",), ("3|not_a_number|amount|y",)),
    Case("five hundred columns", ",".join([HEADER, *(f"n{n}" for n in range(500))]) + "\n" + ONE + "," * 500 + "\n", (ONE_READ,)),
    Case("five hundred columns, none of them the right one", ",".join(f"n{n}" for n in range(500)) + "\n",
         refused=("no column 'id'", "n0, n1")),
    Case("SQL in cells", lines("A,'); DROP TABLE chunk; --,1/2/2024,1,EUR"), ("2|A|'); DROP TABLE chunk; --|2024-01-02|1.00|EUR",
         )),
    Case("formulas in cells", lines("A,=1+1,1/2/2024,10.00,EUR", "B,C1,1/2/2024,=2*3,EUR"), ("2|A|=1+1|2024-01-02|10.00|EUR",),
         ("3|not_a_number|amount|=2*3",)),
]  # fmt: skip

NOT_TEXT = [
    Case("a PNG picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", refused=("in/data.csv",)),
    Case("a PDF", b"%PDF-1.7\n1 0 obj\n", refused=("a PDF",)),
    Case("an old Excel workbook or one with a password", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504),
         refused=("old Excel workbook",)),
    Case("a web page", "<html><body>Session expired</body></html>\n", refused=("no column 'id'",)),
    Case("a Parquet file called csv", lambda path: parquet(path, id=["A"]), refused=("Parquet file",)),
]  # fmt: skip

VALUES = [
    Case("a debit/credit mark", f"{HEADER},dc\nA,C1,1/2/2024,5,EUR,S\nB,C1,1/2/2024,5,EUR,H\nC,C1,1/2/2024,5-,EUR,H\n",
         ("2|A|C1|2024-01-02|5.00|EUR", "3|B|C1|2024-01-02|-5.00|EUR", "4|C|C1|2024-01-02|5.00|EUR"),
         warnings={"negative_invoice_amount": 1},
         columns=money(sign_from={"column": "dc", "negative_when": "H"})),
    Case("due dates: before the invoice, the end of time", f"{HEADER},due\n{ONE},1/1/2024\nB,C1,1/2/2024,1,EUR,12/31/9999\n",
         ("2|A|C1|2024-01-02|10.00|EUR|2024-01-01", "3|B|C1|2024-01-02|1.00|EUR|9999-12-31"), warnings={"due_before_invoice": 1,
         "date_far_off": 1},
         columns={"due_date": {"from": "due", "format": "%m/%d/%Y"}}),
    Case("the end of time as no date",
         f"{HEADER},due\n{ONE},9999-12-31\nB,C1,1/2/2024,1,EUR,0000-00-00\nC,C1,1/2/2024,1,EUR,2024-02-02\n",
         ("2|A|C1|2024-01-02|10.00|EUR|", "3|B|C1|2024-01-02|1.00|EUR|", "4|C|C1|2024-01-02|1.00|EUR|2024-02-02"),
         columns={"due_date": {"from": "due", "nulls": ["", "9999-12-31", "0000-00-00"]}}),
    Case("currencies", lines(*(f"A{n},C1,1/2/2024,1,{code}" for n, code in enumerate(["EUR", "eur", "EURO", "", "€", "DEM", "XXX",
         "RMB"]))),
         ("2|A0|C1|2024-01-02|1.00|EUR", "7|A5|C1|2024-01-02|1.00|DEM"),
         ("3|unknown_currency|currency|eur", "4|unknown_currency|currency|EURO", "5|value_missing|currency|",
         "6|unknown_currency|currency|€",
          "8|unknown_currency|currency|XXX", "9|unknown_currency|currency|RMB")),
    Case("currencies looked up", lines("A,C1,1/2/2024,1,RMB", "B,C1,1/2/2024,1,eur", "C,C1,1/2/2024,1,USD"),
         ("2|A|C1|2024-01-02|1.00|CNY", "3|B|C1|2024-01-02|1.00|EUR"), ("4|not_in_lookup|currency|USD",),
         columns={"currency": {"from": "currency", "lookup": {"RMB": "CNY", "eur": "EUR"}}}),
    Case("ids with leading zeros", lines("007,0012,1/2/2024,1,EUR", "7,12,1/2/2024,2,EUR"), ("2|007|0012|2024-01-02|1.00|EUR",
         "3|7|12|2024-01-02|2.00|EUR")),
    Case("ids with leading zeros, taken off", lines("007,0012,1/2/2024,1,EUR", "0,C,1/2/2024,1,EUR", "7,0012,1/2/2024,2,EUR"),
         ("3|0|C|2024-01-02|1.00|EUR",), ("2|duplicate_key||7", "4|duplicate_key||7"), columns=ids(strip_leading_zeros=True)),
    Case("ids as a spreadsheet leaves them, nobody said so", lines("2960623488.0,C1,1/2/2024,1,EUR", "A,9.131E+17,1/2/2024,1,EUR",
         "B,#N/A,1/2/2024,1,EUR", "NULL,N/A,1/2/2024,1,EUR"), (),
         ("2|id_as_number|invoice_id|2960623488.0", "3|id_as_number|customer_id|9.131E+17",
         "4|spreadsheet_error|customer_id|#N/A",
          "5|null_as_id|customer_id|N/A", "5|null_as_id|invoice_id|NULL")),
    Case("ids as a spreadsheet leaves them, declared", lines("2960623488.0,A-1,1/2/2024,1,EUR",
         "2.960623489E9,007,1/2/2024,1,EUR", "1.5,B,1/2/2024,1,EUR",
         "9.131E+17,C,1/2/2024,1,EUR", "1234567890123456.0,C,1/2/2024,1,EUR"),
         ("2|2960623488|A-1|2024-01-02|1.00|EUR", "3|2960623489|007|2024-01-02|1.00|EUR", "4|1.5|B|2024-01-02|1.00|EUR"),
         ("5|id_as_number|invoice_id|9.131E+17", "6|id_as_number|invoice_id|1234567890123456.0"), columns=ids(integral=True)),
    Case("ids in full width, declared", lines("Ａ－１２,Ｃ１,1/2/2024,1,EUR"), ("2|A-12|Ｃ１|2024-01-02|1.00|EUR",),
         columns=ids(half_width=True)),
    Case("blanks of every width", lines("\u00a0A\u3000,\tC 1 ,1/2/2024 , 10.00,EUR\u00a0"), ("2|A|C 1|2024-01-02|10.00|EUR",)),
    Case("null marks of the mapping", lines("A,C1,1/2/2024,1,N/A", "-0-,C1,1/2/2024,1,EUR", "B,NULL,1/2/2024,1,EUR"), (),
         ("2|value_missing|currency|", "3|key_missing|invoice_id|", "4|customer_missing|customer_id|"), keys={"nulls": ["", "N/A",
         "-0-", "NULL"]}),
    Case("the same key twice", lines(ONE, ONE, "B,C1,1/2/2024,1,EUR", "B,C1,1/2/2024,2,EUR", "C,C1,1/2/2024,1,EUR"),
         (ONE_READ, "6|C|C1|2024-01-02|1.00|EUR"), ("4|duplicate_key||B", "5|duplicate_key||B"), counts={"repeated": 1}),
    Case("the same key twice, the last one wanted", lines("B,C1,1/2/2024,1,EUR", "B,C1,1/2/2024,2,EUR"),
         ("3|B|C1|2024-01-02|2.00|EUR",),
         counts={"repeated": 1}, keys={"duplicates": "last"}),
    Case("rows of another kind, filtered out", f"{HEADER},kind\n{ONE},RV\nB,,x,y,z,TEST\n", (ONE_READ,), counts={"filtered": 1},
         keys={"where": "kind <> 'TEST'"}),
    Case("one row breaks several rules", lines("A,C1,1/2/2024,1.005,eur", ONE.replace("A", "B")), ("3|B|C1|2024-01-02|10.00|EUR",
         ),
         ("2|money_scale|amount|1.005", "2|unknown_currency|currency|eur")),
    Case("invisible characters around an id", lines("A\u200b,C1,1/2/2024,1,EUR", "\ufeffA,C1,1/2/2024,1,EUR"),
         ("2|A|C1|2024-01-02|1.00|EUR",),
         counts={"repeated": 1}),
    Case("an invisible character in an id", lines("A\u200b1,C1,1/2/2024,1,EUR", "A1,C1,1/2/2024,2,EUR"),
         ("2|A\u200b1|C1|2024-01-02|1.00|EUR", "3|A1|C1|2024-01-02|2.00|EUR")),
    Case("a key made of parts, one of them missing", f"{HEADER},year\n{ONE},2024\nB,C1,1/2/2024,1,EUR,\n",
         ("2|2024-A|C1|2024-01-02|10.00|EUR",),
         ("3|key_missing|invoice_id|",), columns={"invoice_id": {"template": "{year}-{id}"}}),
    Case("a key already delivered, other content", lines("OLD1,C1,1/2/2023,11.00,EUR", ONE), ("3|A|C1|2024-01-02|10.00|EUR",),
         ("2|duplicate_key||OLD1",), keys={"delivery": "append"}),
    Case("a key already delivered, put right", lines("OLD1,C1,1/2/2023,11.00,EUR", ONE),
         ("2|OLD1|C1|2023-01-02|11.00|EUR", "3|A|C1|2024-01-02|10.00|EUR"), keys={"delivery": "upsert"}),
    Case("a delivery of nine tenths less", lines(*(["OLD1,C1,1/2/2023,10.00,EUR"])),
         refused=("1 rows where 2 are in effect: 50.0 % fewer",),
         keys={"assertions": {"max_drop_pct": 40}}),
    Case("too many bad rows", lines(ONE, "B,C1,x,1,EUR"), refused=("1 of 2 rows (50.0 %) break a rule",
         "not_a_date 1 x, first in in/data.csv line 3: 'x'"),
         keys={"assertions": {"max_rejected_pct": 5}}),
    Case("more rows than can be", lines(ONE, ONE.replace("A", "B")), refused=("2 rows, more than rows_max 1",),
         keys={"assertions": {"rows_max": 1}}),
    Case("control characters in and around cells", lines("A\x01,C\x1b[31m1,1/2/2024,1\x02,EUR\x1a",
         "B\x7f,C1,1/2/2024,1\x022,EUR"),
         ("2|A|C\x1b[31m1|2024-01-02|1.00|EUR",), ("3|not_a_number|amount|1\x022",)),
    Case("a debit/credit mark outside the two",
         f"{HEADER},dc\nA,C1,1/2/2024,5,EUR,S\nB,C1,1/2/2024,5,EUR,\nC,C1,1/2/2024,5,EUR,x\n",
         ("2|A|C1|2024-01-02|5.00|EUR",), ("3|unknown_sign|amount|5", "4|unknown_sign|amount|5"),
         columns=money(sign_from={"column": "dc", "negative_when": "H", "positive_when": "S"})),
]  # fmt: skip

NO_NUMBER = dict.fromkeys(
    ["abc", "1,5", "1 000", "EUR 5", "5 EUR", "$5", "--5", "5--", "1.2.3", "0x10", "1_000", "½", "TRUE", "(5)", "10%", "1E3",
    "1.5e2",
     "1e-2", "inf", "-Infinity", "nan", "NaN", "∞"], "not_a_number")  # fmt: skip

FORMS = [
    amount_forms("amounts nobody described", {
        "10": "10.00", "10.5": "10.50", "+5": "5.00", ".5": "0.50", "5.": "5.00", "-1.50": "-1.50", "1.50-": "-1.50",
        "0010.00": "10.00",
        "-0": "0.00", "-0.00": "0.00", "0-": "0.00", **NO_NUMBER, "": "value_missing", "1.005": "money_scale",
        "1.239": "money_scale",
        "9999999999999999.99": "9999999999999999.99", "9" * 30: "money_overflow", "10000000000000000.00": "money_overflow",
        "-" + "9" * 50: "money_overflow", "2309.7899999999995": "2309.79", "0.30000000000000004": "0.30"}, rounded=2),
    amount_forms("German amounts", {"1.234,56": "1234.56", "1.234.567,8": "1234567.80", "-1.234,56": "-1234.56",
    "1.234,56-": "-1234.56",
        "999": "999.00", "1.23,4": "not_a_number", "1234.56": "not_a_number", "1,234.56": "not_a_number"}, decimal=",",
        thousands="."),
    amount_forms("English amounts, in full width too", {"1,234.56": "1234.56", "1,234.56-": "-1234.56", "12,34.5": "not_a_number",
        "1234.56": "1234.56", "1,234,567": "1234567.00", "１０．５０": "10.50", "－５": "-5.00", "１，２３４．５": "1234.50",
        "−7": "-7.00",
        "–8": "-8.00"}, thousands=","),
    amount_forms("Swiss amounts", {"1'234.50": "1234.50", "1’234.50": "1234.50", "1'23.50": "not_a_number"}, thousands="'"),
    amount_forms("French amounts", {"1\u00a0234,50": "1234.50", "1 234,50": "1234.50", "1\u202f234,50": "1234.50",
        "12 34,50": "not_a_number"}, decimal=",", thousands="\u00a0"),
    amount_forms("brackets as minus", {"(1,234.56)": "-1234.56", "1,234.56": "1234.56", "( 5 )": "-5.00", "(5": "not_a_number",
        "-(5)": "not_a_number", "(-5)": "not_a_number", "()": "not_a_number"}, thousands=",", parentheses="negative"),
    amount_forms("fractions of a cent, rounded by the mapping", {"1.005": "1.01", "1.004": "1.00", "-1.005": "-1.01"}, round=2),
    amount_forms("amounts in thousands", {"1.5": "1500.00", "0.00001": "0.01", "0.000001": "money_scale", "-2": "-2000.00",
        "99999999999999": "money_overflow"}, scale="1000"),
    amount_forms("amounts in 万元", {"1.23456789": "money_scale", "12.3456": "123456.00", "0.00000001": "money_scale"},
    scale="10000"),
    amount_forms("amounts in cents", {"12345": "123.45", "-1": "-0.01", "0.5": "money_scale"}, scale="0.01"),
    date_forms("month before day", "%m/%d/%Y", {"1/2/2024": "2024-01-02", "12/31/2024": "2024-12-31", "01/02/2024": "2024-01-02",
        "2/29/2024": "2024-02-29", "１/２/２０２４": "2024-01-02", "31/12/2024": "not_a_date", "13/01/2024": "not_a_date",
        "2/29/2023": "not_a_date", "2024-01-02": "not_a_date", "1/2/24": "not_a_date"}),
    date_forms("day before month, and two orders in one file", "%d.%m.%Y", {"31.12.2024": "2024-12-31", "1.2.2024": "2024-02-01",
        "12.31.2024": "not_a_date"}),
    date_forms("days without separators", "%Y%m%d", {"20240131": "2024-01-31", "2024131": "not_a_date", "202401310": "not_a_date",
        "20241301": "not_a_date", "2024-01-31": "not_a_date"}),
    date_forms("no date, the end of time, times, serials nobody declared", "%Y-%m-%d", {"2024-01-02": "2024-01-02",
        "0000-00-00": "not_a_date", "9999-12-31": "date_impossible", "0001-01-01": "not_a_date", "10000-01-01": "not_a_date",
        "1900-02-29": "not_a_date", "1024-01-02": "date_impossible", "2024-01-02 00:00:00": "not_a_date",
        "2024-01-02T00:00:00Z": "not_a_date", "45293": "not_a_date", "45293.5": "not_a_date", "epoch": "not_a_date",
        "infinity": "not_a_date"}),
    date_forms("days with times, declared", "%Y-%m-%d %H:%M:%S", {"2024-01-02 23:59:59": "2024-01-02"}),
    date_forms("years of two digits", "%d.%m.%y", {"2.1.24": "2024-01-02", "31.12.69": "2069-12-31", "1.1.70": "1970-01-01",
        "02.01.2024": "not_a_date", "2.1.4": "not_a_date", "30.2.24": "not_a_date"}, century_from="1970"),
    date_forms("Excel serials", "excel_serial", {"45293": "2024-01-02", "45293.75": "2024-01-02", "1": "1900-01-01",
    "59": "1900-02-28",
        "60": "not_a_date", "61": "1900-03-01", "0": "not_a_date", "-1": "not_a_date", "2958465": "date_impossible",
        "2958466": "not_a_date", "2024-01-02": "not_a_date"}),
    date_forms("Excel serials of 1904", "excel_serial_1904", {"43831": "2024-01-02", "0": "1904-01-01", "1": "1904-01-02"}),
    date_forms("milliseconds since 1970", "epoch_ms", {"1704124800000": "2024-01-02", "1704124799999": "2024-01-01",
        "1704211200000.5": "2024-01-03", "-1": "1970-01-01", "1e12": "not_a_date", "1704124800000000000": "not_a_date"},
        zone="Asia/Shanghai"),
    date_forms("seconds since 1970", "epoch_s", {"1704124800": "2024-01-01"}, zone="America/New_York"),
]  # fmt: skip

FLAGS = Case("flags", "id,since,listed\n" + "".join(f"C{n},2024-01-01,{cell}\n" for n, cell in enumerate(["Yes", "N", "1", "TRUE",
"", "x", "2", "falsch"])),
             ("2|C0|2024-01-01|True", "3|C1|2024-01-01|False", "4|C2|2024-01-01|True", "5|C3|2024-01-01|True",
             "6|C4|2024-01-01|"),
             ("7|not_a_flag|is_listed|x", "8|not_a_flag|is_listed|2", "9|not_a_flag|is_listed|falsch"), feed="customer",
             columns={"customer_id": {"from": "id"}, "effective_from": {"from": "since"},
             "is_listed": {"from": "listed"}})  # fmt: skip


def _typed(path: Path) -> None:
    day = datetime(2024, 1, 2, 23, 30, tzinfo=UTC)
    parquet(
        path,
        id=["A", "B"],
        customer=pa.array([1001, 1002], pa.int64()),
        date=pa.array([day, day], pa.timestamp("us", tz="Asia/Shanghai")),
        amount=pa.array([2309.7899999999995, float("nan")], pa.float64()),
        currency=pa.array(["EUR", "EUR"]).dictionary_encode(),
    )


def _cut(path: Path) -> None:
    parquet(path, id=["A"] * 1000, customer=["C"] * 1000, date=["1/2/2024"] * 1000, amount=["1"] * 1000, currency=["EUR"] * 1000)
    path.write_bytes(path.read_bytes()[:-20])


def _damaged(path: Path) -> None:
    parquet(
        path,
        id=[f"A{n}" for n in range(1000)],
        customer=["C"] * 1000,
        date=["1/2/2024"] * 1000,
        amount=["1"] * 1000,
        currency=["EUR"] * 1000,
    )
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)


def _nested(path: Path) -> None:
    parquet(path, id=["A"], customer=pa.array([{"id": 1}]), date=["1/2/2024"], amount=["1"], currency=["EUR"])


PARQUET = [
    Case("typed Parquet", _typed, ("1|A|1001|2024-01-03|2309.79|EUR",), ("2|not_a_number|amount|nan",),
         {"rounded_amount": 1, "time_of_day_dropped": 2}),
    Case("Parquet cut off", _cut, refused=("in/data.parquet: not a readable Parquet file",)),
    Case("Parquet with a damaged page", _damaged, refused=("in/data.parquet",)),
    Case("Parquet without rows", lambda path: parquet(path, **{n: pa.array([], pa.string()) for n in HEADER.split(",")}),
         refused=("0 rows",), keys={"assertions": {"rows_min": 1}}),
    Case("Parquet with a nested column", _nested, refused=("in/data.parquet", "customer")),
    Case("text called Parquet", lines(ONE), refused=("in/data.parquet: not a readable Parquet file",)),
]  # fmt: skip
PARQUET = [Case(**{**vars(each), "file": "in/data.parquet", "source": {"format": "parquet"}}) for each in PARQUET]


def objects(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


ROW = '{"id": "A", "customer": {"id": "C1"}, "date": "1/2/2024", "amount": 10.00, "currency": "EUR"}'
NESTED = {"customer_id": {"from": "customer.id"}}

JSON_LINES = [
    Case("JSON Lines with a number that is none", objects(ROW, ROW.replace("10.00", "2309.7899999999995").replace('"A"',
         "007700000000000000001"),
         ROW.replace("10.00", "1e3").replace('"A"', '"B"')), refused=("line 2 is no JSON object",), columns=NESTED),
    Case("JSON Lines, nested, exact", objects(ROW, "", ROW.replace("10.00", "2309.7899999999995").replace('"A"',
         "7700000000000000000001")),
         ("1|A|C1|2024-01-02|10.00|EUR", "3|7700000000000000000001|C1|2024-01-02|2309.79|EUR"), warnings={"rounded_amount": 1},
         columns=NESTED),
    Case("JSON Lines, odd values", objects(ROW.replace("10.00", "1e3"), ROW.replace("10.00", "NaN"), ROW.replace("10.00", "null"),
         ROW.replace("10.00", "true"),
         ROW.replace("10.00", '[1,"x"]'), ROW.replace('"A"', '"\\u4e0a"')), ("6|上|C1|2024-01-02|10.00|EUR",),
         ("1|not_a_number|amount|1e3", "2|not_a_number|amount|NaN", "3|value_missing|amount|", "4|not_a_number|amount|true",
          '5|not_a_number|amount|[1,"x"]'), columns=NESTED),
    Case("JSON Lines, a key lacking", objects(ROW, '{"id": "B"}'), ("1|A|C1|2024-01-02|10.00|EUR",),
         ("2|customer_missing|customer_id|", "2|value_missing|invoice_date|", "2|value_missing|amount|",
         "2|value_missing|currency|"), columns=NESTED),
    Case("JSON Lines cut off", objects(ROW, ROW)[:-20], refused=("in/data.jsonl: line 2 is cut off",), columns=NESTED),
    Case("JSON Lines cut off between rows", objects(ROW)[:-1], ("1|A|C1|2024-01-02|10.00|EUR",), warnings={"no_final_newline": 1},
         columns=NESTED),
    Case("JSON Lines with a bare list", objects(ROW, "[1, 2]"), refused=("line 2 is a list or a bare value",), columns=NESTED),
    Case("JSON Lines with a key twice", objects(ROW.replace("{", '{"id": "B", ', 1)), refused=("line 1 has 'id' twice",),
         columns=NESTED),
    Case("JSON Lines with half a character", objects(ROW.replace('"A"', '"\\ud83d"')),
         refused=("line 1 has characters in 'id' that are no text",), columns=NESTED),
    Case("JSON Lines nested without end", objects(ROW, "[" * 100_000), refused=("line 2 is",), columns=NESTED),
    Case("one JSON document over many lines", '[\n' + ROW + ',\n' + ROW + '\n]\n', refused=("line 1 is",), columns=NESTED),
    Case("JSON Lines in UTF-16", b"\xff\xfe" + objects(ROW.replace("A", "上")).encode("utf-16-le"),
         ("1|上|C1|2024-01-02|10.00|EUR",), columns=NESTED),
    Case("JSON Lines without the mapped key", objects('{"id": "A"}'), refused=("no column 'customer.id'", "the file has id"),
         columns=NESTED),
    Case("JSON Lines that are CSV", lines(ONE), refused=("line 1 is no JSON object",), columns=NESTED),
]  # fmt: skip
JSON_LINES = [Case(**{**vars(each), "file": "in/data.jsonl", "source": {"format": "jsonl"}}) for each in JSON_LINES]


def packed(members: Mapping[str, str | bytes]) -> bytes:
    """A zip archive of these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


BLOWN_UP = lines(ONE, "B," + "x" * (70 << 20) + ",1/2/2024,1,EUR")
PACKED = [
    Case("gzip", gzip.compress(lines(ONE, "B,C1,1/2/2024,x,EUR").encode()), (ONE_READ,), ("3|not_a_number|amount|x",),
         file="in/data.csv.gz"),
    Case("gzip under another name", gzip.compress(lines(ONE).encode()), (ONE_READ,)),
    Case("gzip of JSON Lines", gzip.compress(objects(ROW).encode()), ("1|A|C1|2024-01-02|10.00|EUR",), columns=NESTED,
         source={"format": "jsonl"},
         file="in/data.jsonl.gz"),
    Case("gzip in two parts", gzip.compress(lines(ONE).encode()) + gzip.compress(b"B,C1,1/2/2024,1,EUR\n"), (ONE_READ,
         "3|B|C1|2024-01-02|1.00|EUR"),
         file="in/data.csv.gz"),
    Case("gzip cut off", gzip.compress(lines(*[ONE] * 50).encode())[:-9], refused=("in/data.csv.gz: damaged or cut off",),
         file="in/data.csv.gz"),
    Case("gzip with a bit turned", gzip.compress(lines(ONE).encode())[:-5] + b"\0\0\0\0\0", refused=("in/data.csv.gz: damaged",),
         file="in/data.csv.gz"),
    Case("gzip of nothing", gzip.compress(b""), refused=("the file is empty",), file="in/data.csv.gz"),
    Case("gzip that fills the disk", gzip.compress(BLOWN_UP.encode()),
         refused=("in/data.csv.gz: unpacks to more than 200 times its size",), file="in/data.csv.gz"),
    Case("zip", packed({"data": lines(ONE)}), (ONE_READ,), file="in/data.zip"),
    Case("zip with what macOS adds", packed({"ledger/data": lines(ONE), "__MACOSX/._data": "x", "ledger/": ""}), (ONE_READ,),
         file="in/data.zip"),
    Case("zip with two members", packed({"a": lines(ONE), "b": lines(ONE)}),
         refused=("in/data.zip: holds 2 files: a, b; exactly one is read",), file="in/data.zip"),
    Case("zip with nothing in it", packed({}), refused=("in/data.zip: holds 0 files",), file="in/data.zip"),
    Case("zip cut off", packed({"data": lines(*[ONE] * 50)})[:-30], refused=("in/data.zip: damaged or cut off",),
         file="in/data.zip"),
    Case("zip with a member that leads out", packed({"../../data.csv": lines(ONE)}), (ONE_READ,), file="in/data.zip"),
    Case("zip that fills the disk", packed({"data": BLOWN_UP}), refused=("in/data.zip: unpacks to more than 200 times its size",),
         file="in/data.zip"),
    Case("zip in a zip", packed({"data": packed({"data": lines(ONE)})}), refused=("in/data.zip",), file="in/data.zip"),
]  # fmt: skip


def workbook(fill: Callable[[Any], None], **options: Any) -> bytes:
    """A real workbook; `fill` gets the xlsxwriter one."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        fill(book)
    return buffer.getvalue()


def sheet(*rows: Sequence[object], name: str | None = None, first: int = 0, **options: Any) -> bytes:
    """A workbook of one sheet: these rows from row `first` (from 0); datetimes are shown as days."""

    def fill(book: Any) -> None:
        page, day = book.add_worksheet(name), book.add_format({"num_format": "dd.mm.yyyy"})
        for number, row in enumerate(rows, start=first):
            for column, cell in enumerate(row):
                if isinstance(cell, Formula):
                    page.write_formula(number, column, cell.text, None, cell.result)
                elif isinstance(cell, datetime):
                    page.write_datetime(number, column, cell, day)
                elif cell is not None:
                    page.write(number, column, cell)

    return workbook(fill, strings_to_formulas=False, strings_to_numbers=False, strings_to_urls=False, **options)


@dataclass(frozen=True)
class Formula:
    """A formula with the result that stands in the file."""

    text: str
    result: object


NAMES = HEADER.split(",")
DAY = datetime(2024, 1, 2)  # noqa: DTZ001  Excel knows no zones
PLAIN_SHEET = sheet(NAMES, ["A", "C1", DAY, 10, "EUR"])


def tampered(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same archive with one part changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info)
            target.writestr(info.filename, change(data) if info.filename == part else data)
    return buffer.getvalue()


def _titled(book: Any) -> None:
    page = book.add_worksheet("Ledger")
    page.merge_range("A1:E1", "Receivables of ACME at 31 January 2024")
    page.write_row(3, 0, NAMES)
    page.write_row(4, 0, ["A", "C1", "1/2/2024", 10, "EUR"])
    page.write_row(6, 0, ["B", "C1", "1/2/2024", "x", "EUR"])


def _two_sheets(book: Any) -> None:
    for name in ("May", "June"):
        page = book.add_worksheet(name)
        page.write_row(0, 0, NAMES)
        page.write_row(1, 0, [name, "C1", "1/2/2024", 10, "EUR"])


def _far_cell(book: Any) -> None:
    page = book.add_worksheet()
    page.write_row(0, 0, NAMES)
    page.write(1_048_575, 16_383, "x")


def _entities(data: bytes) -> bytes:
    laughs = '<!ENTITY a0 "ha">'
    for n in range(1, 10):
        laughs += f'<!ENTITY a{n} "' + 10 * f"&a{n - 1};" + '">'
    return data.replace(b"<workbook", f"<!DOCTYPE workbook [{laughs}]><workbook".encode(), 1).replace(
        b'name="Sheet1"', b'name="&a9;"'
    )


SHEETS = [
    Case("a sheet", PLAIN_SHEET, (ONE_READ,), facts={"sheet": "Sheet1", "header_row": 1}),
    Case("a sheet under titles, with empty rows", workbook(_titled), ("5|A|C1|2024-01-02|10.00|EUR",), ("7|not_a_number|amount|x",
         ), facts={"header_row": 4}),
    Case("a sheet of typed cells", sheet(NAMES, [2960623488, True, DAY, 2309.7899999999995, "EUR"], ["007", 1.5, DAY, 1e15,
         "EUR"],
         ["X", "C", DAY.replace(hour=23, minute=59), -0.1, "EUR"]),
         ("2|2960623488|true|2024-01-02|2309.79|EUR", "3|007|1.5|2024-01-02|1000000000000000.00|EUR",
         "4|X|C|2024-01-02|-0.10|EUR"),
         warnings={"time_of_day_dropped": 1, "negative_invoice_amount": 1}),
    Case("a sheet with days as texts and as days", sheet(NAMES, ["A", "C1", DAY, 10, "EUR"], ["B", "C1", "1/3/2024", 1, "EUR"],
         ["C", "C1", 45293, 1, "EUR"]),
         (ONE_READ, "3|B|C1|2024-01-03|1.00|EUR"), ("4|not_a_date|invoice_date|45293",), {"text_among_dates": 2}),
    Case("a sheet that counts from 1904", sheet(NAMES, ["A", "C1", DAY, 10, "EUR"], date_1904=True), (ONE_READ,)),
    Case("formulas with results", sheet(NAMES, [Formula('="A"', "A"), "C1", "1/2/2024", Formula("=SUM(1,9)", 10), "EUR"]),
         (ONE_READ,)),
    Case("formulas in error", sheet(NAMES, ["A", "C1", "1/2/2024", Formula("=1/0", "#DIV/0!"), "EUR"], [Formula("=X", "#REF!"),
         "C1", "1/2/2024", 1, "EUR"]), (),
         ("2|not_a_number|amount|#DIV/0!", "3|spreadsheet_error|invoice_id|#REF!")),
    Case("formulas never calculated", sheet(NAMES, ["A", "C1", "1/2/2024", Formula("=5+5", ""), "EUR"]),
         refused=("1 formulas in mapped columns have no result", "D2")),
    Case("two sheets that fit", workbook(_two_sheets), refused=("'May' and 'June' have the mapped columns",)),
    Case("two sheets that fit, one named", workbook(_two_sheets), ("2|June|C1|2024-01-02|10.00|EUR",), source={"sheet": "june"}),
    Case("two sheets that fit, one by number", workbook(_two_sheets), ("2|May|C1|2024-01-02|10.00|EUR",), source={"sheet": "1"}),
    Case("a sheet that is not there", PLAIN_SHEET, refused=("there is no sheet 'July'; its sheets are 'Sheet1'",),
         source={"sheet": "July"}),
    Case("a sheet without the columns", sheet(["id", "client"], ["A", "C1"]), refused=("no row has every mapped column",
         "lacks 'customer'")),
    Case("an empty sheet", sheet(), refused=("the sheet is empty",)),
    Case("a sheet with the header twice", sheet(NAMES, ["A", "C1", "1/2/2024", 10, "EUR"], NAMES), (ONE_READ,),
         ("3|not_a_date|invoice_date|date", "3|not_a_number|amount|amount", "3|unknown_currency|currency|currency")),
    Case("a workbook cut off", PLAIN_SHEET[:-100], refused=("in/data.xlsx: damaged or cut off",)),
    Case("a workbook without its sheet", tampered(PLAIN_SHEET, "xl/workbook.xml", lambda data: data.replace(b"<sheets>",
         b"<sheets><!--").replace(b"</sheets>", b"--></sheets>")),
         refused=("in/data.xlsx: the workbook has no worksheet",)),
    Case("a workbook with broken XML", tampered(PLAIN_SHEET, "xl/worksheets/sheet1.xml", lambda data: data[: len(data) // 2]),
         refused=("in/data.xlsx",)),
    Case("a workbook that fills the memory", tampered(PLAIN_SHEET, "xl/worksheets/sheet1.xml",
         lambda data: data + b" " * (70 << 20)),
         refused=("in/data.xlsx: unpacks to more than 100 times its size",)),
    Case("a workbook with a cell in the last corner", workbook(_far_cell), refused=("room for more than 30,000,000 cells",)),
    Case("a workbook whose names expand without end", tampered(PLAIN_SHEET, "xl/workbook.xml", _entities),
         refused=("in/data.xlsx: damaged",)),
    Case("a workbook with a password, or an old one",
         b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
         refused=("in/data.xlsx: the workbook is encrypted",)),
    Case("an old workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), refused=("an old Excel workbook",)),
    Case("text called a workbook", lines(ONE), refused=("in/data.xlsx: no Excel workbook",)),
    Case("a zip called a workbook", packed({"data": lines(ONE)}), refused=("in/data.xlsx",)),
]  # fmt: skip
SHEETS = [Case(**{**vars(each), "file": "in/data.xlsx", "source": {"format": "xlsx", **each.source}}) for each in SHEETS]
SHEETS.append(Case("a workbook called csv", PLAIN_SHEET, refused=("in/data.csv: not a CSV file but", "Excel workbook")))


def _link(target: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        outside = path.parents[2] / "outside.csv"
        outside.write_text(lines(ONE), encoding="utf-8")
        path.symlink_to({"outside": outside, "itself": path, "nothing": path.with_name("gone.csv")}[target])

    return make


def _several(path: Path) -> None:
    path.write_text(lines(ONE), encoding="utf-8")
    path.with_name("data2.csv").write_text(lines("B,C1,1/2/2024,1,EUR", ONE.replace("10", "11")), encoding="utf-8")


def _several_broken(path: Path) -> None:
    _several(path)
    path.with_name("data3.csv").write_text("id\n", encoding="utf-8")


def _monthly(path: Path) -> None:
    for month, more in ((1, ""), (2, None), (3, "X,C1,1/2/2024,x,EUR\n")):
        content = "id\n" if more is None else lines(f"M{month},C1,1/2/2024,1,EUR") + more
        path.with_name(f"m{month}.csv").write_text(content, encoding="utf-8")


def _replaced(path: Path) -> None:
    path.with_suffix(".new").write_text(lines(ONE.replace("10.00", "11.00")), encoding="utf-8")
    path.with_suffix(".new").replace(path)


def _replaced_unseen(path: Path) -> None:
    times = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("10.00", "11.00"), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def _grown(path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write("B,C1,1/2/2024,1,EUR\n")


def _nothing(path: Path) -> None:
    path.unlink(missing_ok=True)


PLACES = [
    Case("a file that is not there", _nothing, refused=("no file matches in/data.csv",)),
    Case("a folder instead of a file", lambda path: path.mkdir(), refused=("no file matches in/data.csv",)),
    Case("a pipe instead of a file", lambda path: os.mkfifo(path), refused=("no file matches in/data.csv",)),
    Case("a path outside the workspace", lines(ONE), path="../*.csv", refused=("no file matches ../*.csv",)),
    Case("an absolute path", lines(ONE), path="/etc/passwd", refused=("outside the workspace",)),
    Case("a link that leads out", _link("outside"), refused=("outside the workspace",)),
    Case("a link to itself", _link("itself"), refused=("in/data.csv",)),
    Case("a link to nothing", _link("nothing"), refused=("no file matches in/data.csv",)),
    Case("replaced before it is read", lines(ONE), refused=("in/data.csv: changed while it was read",), meanwhile=_replaced),
    Case("replaced before it is read, of the same size and time", lines(ONE), refused=("in/data.csv: changed while it was read",),
         meanwhile=_replaced_unseen),
    Case("grown after it was read", lines(ONE), refused=("in/data.csv: changed while it was read",), meanwhile_read=_grown),
    Case("gone after it was read", lines(ONE), refused=("in/data.csv: vanished while it was read",), meanwhile_read=_nothing),
    Case("a packed file replaced before it is read", gzip.compress(lines(ONE).encode()),
         refused=("in/data.csv: changed while it was read",), meanwhile=_replaced),
    Case("a file for each month, one of them broken", _monthly, ("2|M1|C1|2024-01-02|1.00|EUR", "2|M3|C1|2024-01-02|1.00|EUR"),
         ("3|not_a_number|amount|x",), refused=("in/m2.csv: no column",),
         path="in/m*.csv", keys={"delivery": "append"}),
    Case("several files of one snapshot", _several, ("2|B|C1|2024-01-02|1.00|EUR",), ("2|duplicate_key||A", "3|duplicate_key||A"),
         path="in/*.csv"),
    Case("several files, one of them broken", _several_broken, refused=("in/data3.csv: no column",), path="in/*.csv"),
]  # fmt: skip

ENTRY = '36,"AEROCARIBBEAN AIRLINES",-0- ,"CUBA",' + "-0- ," * 7 + "-0- \r\n"
OFAC = {
    "source": {"value": "OFAC"},
    "entity_id": {"from": "entity_id"},
    "listed_date": {"value": "1995-01-01"},
    "name": {"from": "name"},
    "programme": {"from": "programme"},
    "birth_date": {"from": "birth_date"},
}
WIDE = "Date,USD,JPY,\n2024-01-02,1.0956,N/A,\n2024-01-03,N/A,x,\n2024-01-04,0,155.6,\n"
FX = {"currency": {"from": "code"}, "rate_date": {"from": "Date"}, "rate": {"from": "rate"}}
LISTS = [
    Case("the list of OFAC", ENTRY + "\x1a\r\n", ("1|OFAC|36|1995-01-01|AEROCARIBBEAN AIRLINES|CUBA|",), file="in/sdn.csv",
         source={"format": "ofac"}, columns=OFAC, feed="sanctions_entity"),
    Case("the list of OFAC cut off", ENTRY + '37,"ANOTHER', refused=("in/sdn.csv",), file="in/sdn.csv", source={"format": "ofac"},
         columns=OFAC, feed="sanctions_entity"),
    Case("the list of OFAC, empty", "\x1a\r\n", refused=("in/sdn.csv",), file="in/sdn.csv", source={"format": "ofac"},
         columns=OFAC,
         feed="sanctions_entity", keys={"assertions": {"rows_min": 1}}),
    Case("a wide table with N/A and a column without a name", WIDE, ("2|USD|2024-01-02|1.0956000000",
         "4|JPY|2024-01-04|155.6000000000"),
         ("3|not_a_number|rate|x", "4|not_positive|rate|0"), columns=FX, feed="fx_rate",
         source={"unpivot": {"keep": ["Date"], "name": "code", "value": "rate", "drop_nulls": ["", "N/A"]}}),
]  # fmt: skip

CASES = [*ENCODINGS, *STRUCTURE, *NOT_TEXT, *VALUES, *FORMS, FLAGS, *PARQUET, *JSON_LINES, *PACKED, *SHEETS, *LISTS, *PLACES]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_world(tmp_path_factory.mktemp("world") / "workspace")


@pytest.mark.parametrize("case", CASES, ids=[each.name for each in CASES])
def test_input(case: Case, world: Path, tmp_path: Path) -> None:
    check(case, world, tmp_path / "workspace")


def test_the_corpus_is_as_wide_as_promised() -> None:
    names = [each.name for each in CASES]
    assert len(set(names)) == len(names)
    assert len(names) >= 40
    assert all(each.rows is not None or each.refused for each in CASES)
