"""Records and their physical lines, against Python's csv module and by hand."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.feeds.records import blanks_at_edges, lone_return, record_lines, scan

CELLS = st.text(alphabet=list('ab,"\n\r é'), max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=12)


def lines_of(text: str, delimiter: str = ",") -> list[int]:
    return record_lines(scan(text.encode(), delimiter), 1)[1].tolist()


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
@settings(max_examples=300, deadline=None)
def test_records_begin_where_the_csv_module_says(rows: list[list[str]], end: str, quoting: int) -> None:
    buffer = io.StringIO(newline="")
    expected = []
    for row in rows:
        expected.append(buffer.getvalue().count("\n") + 1)
        csv.writer(buffer, lineterminator=end, quoting=quoting).writerow(row)  # type: ignore[arg-type]
    found = scan(buffer.getvalue().encode(), ",")
    starts, lines = record_lines(found, 1)
    assert lines.tolist() == expected
    assert (found.is_open, found.malformed) == (False, None)
    assert len(starts) == len(found.ends) == len(rows)


@given(ROWS, st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_a_block_may_end_anywhere(rows: list[list[str]], cut: int) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    content = buffer.getvalue().encode()
    whole = record_lines(scan(content, ","), 1)[1].tolist()
    first = scan(content[:cut], ",")
    consumed = int(first.ends[-1]) + 1 if len(first.ends) else 0
    lines = record_lines(first, 1)[1].tolist()
    rest = scan(content[consumed:], ",")
    lines += record_lines(rest, 1 + content[:consumed].count(b"\n"))[1].tolist()
    assert lines == whole


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a,b\n1,2\n", [1, 2]),
        ('a,"b\nc"\n1,2\n', [1, 3]),
        ('5" pipe,x\n7" pipe,y\n', [1, 2]),
        ('a 5" pipe,"two\nlines"\nx,y\n', [1, 3]),
        ('"he said ""no\n""",x\ny,z\n', [1, 3]),
        ('"",""\n"",""\n', [1, 2]),
        ("a\n\n\nb\n", [1, 2, 3, 4]),
    ],
)
def test_lines_by_hand(text: str, lines: list[int]) -> None:
    assert lines_of(text) == lines


def test_a_quote_counts_only_at_the_start_of_a_field_of_this_delimiter() -> None:
    assert lines_of('a;"b,c\nd"\n', ";") == [1]
    assert lines_of('a,;"b\nd"\n', ",") == [1, 2]


@pytest.mark.parametrize(("text", "malformed"), [('"a"b,c\n', 2), ('x,"a" ,c\n', 4), ('"a""b",c\n', None), ('x,"a"\r\n', None)])
def test_text_after_a_closing_quote_is_malformed(text: str, malformed: int | None) -> None:
    assert scan(text.encode(), ",").malformed == malformed


def test_an_open_quote_is_noticed() -> None:
    assert scan(b'a,b\nc,"d\ne,f\n', ",").is_open
    assert not scan(b'a,b\nc,d"\ne,f\n', ",").is_open


@pytest.mark.parametrize(
    ("text", "blank"),
    [
        ("a b,c\n", False),
        ("a ,b\n", True),
        ("a, b\n", True),
        (" a,b\n", True),
        ("a,b \r\n", True),
        ('" a",b\n', True),
        ("a\tb,c\n", False),
        ("\ta,c\n", True),
        ("aéb,c\n", False),
        ("a,\u3000b\n", True),
        ("a,b\n", False),
        ("a,b\x1a\n", True),
        ("\x01a,b\n", True),
        ("a\x1ab,c\n", False),
        ("a,b\x7f\r\n", True),
        ("a,b\r\n", False),
    ],
)
def test_blanks_at_edges(text: str, blank: bool) -> None:
    assert blanks_at_edges(text.encode(), ",") is blank


@given(ROWS)
@settings(max_examples=200, deadline=None)
def test_no_blank_at_an_edge_is_overlooked(rows: list[list[str]]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    if any(cell != cell.strip(" \t") for row in rows for cell in row):
        assert blanks_at_edges(buffer.getvalue().encode(), ",")


@pytest.mark.parametrize(("text", "at"), [("a\rb\n", 1), ("a\r\nb\n", None), ('"a\rb"\n', None), ('"a\rb"\r\nc\rd\n', 8)])
def test_lone_carriage_returns(text: str, at: int | None) -> None:
    assert lone_return(text.encode()) == at


def test_an_empty_block_has_no_records() -> None:
    starts, lines = record_lines(scan(b"", ","), 1)
    assert (starts.tolist(), lines.tolist()) == ([], [])
    assert starts.dtype == np.int64
