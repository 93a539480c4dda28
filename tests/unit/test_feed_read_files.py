"""Source files as chunks of text: lines, delimiters, headers, Parquet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import read_csv
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import SourceFile, open_source
from risk_pipeline.feeds.spec import FeedSpec


def spec_for(**source: object) -> FeedSpec:
    return FeedSpec.model_validate(
        {
            "feed": "customer",
            "source": {"path": "x.csv", **source},
            "delivery": "upsert",
            "columns": {"customer_id": {"from": "id"}, "name": {"from": "name"}},
        }
    )


def opened(folder: Path, content: str, **source: object) -> SourceFile:
    path = folder / "x.csv"
    path.write_bytes(content.encode())
    return open_source(take_receipt(path, folder), spec_for(**source), folder)


def read(source: SourceFile) -> list[tuple[int, str, str]]:
    found = []
    for chunk in source.chunks():
        rows = chunk.text(["id", "name"]).to_pylist()
        found += [(line, row["id"], row["name"]) for line, row in zip(chunk.lines.tolist(), rows, strict=True)]
    return found


@pytest.mark.parametrize(
    ("content", "source"),
    [
        ("id,name\n1,a\n", {}),
        ("name;id\na;1\n", {}),
        ("id\tname\n1\ta\n", {}),
        ("id|name\n1|a\n", {}),
        ("id\tname\n1\ta\n", {"format": "tsv"}),
        ("id:name\n1:a\n", {"delimiter": ":"}),
        ("\ufeffid,name\n1,a\n", {}),
        (" id , name \n1,a\n", {}),
        ('"id","name"\n"1","a"\n', {}),
        ("id,name\r\n1,a\r\n", {}),
        ("id,name\n1,a", {}),
        ("id,name\n1,a\n\x1a", {}),
        ('id,"a,b;c;d",name\n1,x,a\n', {}),
    ],
)
def test_forms_of_a_file(tmp_path: Path, content: str, source: dict[str, object]) -> None:
    assert read(opened(tmp_path, content, **source)) == [(2, "1", "a")]


def test_lines_are_physical(tmp_path: Path) -> None:
    content = '"i\nd",id,name\n0,1,"two\nlines"\n\n\r\n0,2,"a ""quoted"" b"\n0,3,5" pipe\n0,4,end'
    assert read(opened(tmp_path, content)) == [
        (3, "1", "two\nlines"), (7, "2", 'a "quoted" b'), (8, "3", '5" pipe'), (9, "4", "end")
    ]  # fmt: skip


def test_lines_above_the_header_are_skipped_and_counted(tmp_path: Path) -> None:
    content = 'Report "open items\nprinted 2024\n\nid,name\n1,a\n'
    assert read(opened(tmp_path, content, skip_lines=3)) == [(5, "1", "a")]


def test_a_missing_last_line_end_is_a_warning(tmp_path: Path) -> None:
    for content, warnings in (("id,name\n1,a", {"no_final_newline": 1}), ("id,name\n1,a\n", {})):
        source = opened(tmp_path, content)
        read(source)
        assert source.warnings() == warnings


def test_a_near_miss_of_a_column_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        opened(tmp_path, "id,Name\n1,a\n")
    assert "did you mean 'Name'" in caught.value.remedy


def test_chunks_join_without_a_seam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f'n{n} "x"' if n % 5 else f"line\n{n}" for n in range(400)]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows([["id", "name"], *([n, name] for n, name in enumerate(names))])
    whole = read(opened(tmp_path, buffer.getvalue()))
    assert [name for _, _, name in whole] == names
    for size in (7, 64, 1000):
        monkeypatch.setattr(read_csv, "CHUNK_BYTES", size)
        assert read(opened(tmp_path, buffer.getvalue())) == whole


@pytest.mark.parametrize(
    ("content", "trim"),
    [
        ("id,name\n1,a b\n", False),
        ("id,name\r\n1,a b\r\n", False),
        ('"id","name"\n"1","a b"\n', False),
        ("id,name\n1,a \n", True),
        ('id,name\n1,"a\n"\n', True),
        ('id,name\n1,"\na"\n', True),
        ('id,name\n1,"a\r"\n', True),
        ('id,name\n1,"a\r\n"\n', True),
    ],
)
def test_cells_are_trimmed_only_where_there_is_something_to_trim(tmp_path: Path, content: str, trim: bool) -> None:
    assert [chunk.may_have_blanks() for chunk in opened(tmp_path, content).chunks()] == [trim]


CELLS = st.text(alphabet=st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20), st.sampled_from([",", ";", "\t"]), st.integers(10, 200))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_cells_and_lines_are_those_of_the_csv_module(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str, size: int
) -> None:
    buffer = io.StringIO(newline="")
    expected = []
    for row in [("id", "name"), *rows]:
        expected.append((buffer.getvalue().count("\n") + 1, *row))
        csv.writer(buffer, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
    before, read_csv.CHUNK_BYTES = read_csv.CHUNK_BYTES, size
    try:
        assert read(opened(tmp_path, buffer.getvalue())) == expected[1:]
    finally:
        read_csv.CHUNK_BYTES = before


def test_times_of_day_in_parquet_are_counted(tmp_path: Path) -> None:
    # 8:00 and midnight in Shanghai, by their instants: once pandera is imported, pyarrow loses the zone of Python datetimes.
    instants = [datetime(2024, 1, 2, 0, tzinfo=UTC), datetime(2024, 1, 2, 16, tzinfo=UTC)]
    moments = pa.array([*(int(each.timestamp()) * 10**6 for each in instants), None], pa.int64())
    for zone, count, days in (("Asia/Shanghai", 1, ["2024-01-02", "2024-01-03"]), ("UTC", 1, ["2024-01-02", "2024-01-02"])):
        table = pa.table({"id": ["1", "2", "3"], "name": moments.cast(pa.timestamp("us", tz=zone))})
        path = tmp_path / "x.parquet"
        pq.write_table(table, path)
        source = open_source(take_receipt(path, tmp_path), spec_for(format="parquet"), tmp_path)
        assert [name for _, _, name in read(source)] == [*days, None]
        assert source.warnings() == {"time_of_day_dropped": count}


def test_parquet_cells_become_text_in_one_form(tmp_path: Path) -> None:
    moment = datetime(2024, 1, 2, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    table = pa.table(
        {
            "id": pa.array([7, None], pa.int64()),
            "name": pa.array(["a", "b"]).dictionary_encode(),
            "day": [date(2024, 1, 2), date(9999, 12, 31)],
            "stamp": pa.array([moment, None], pa.timestamp("us", tz="Asia/Shanghai")),
            "money": [Decimal("12.30"), None],
            "float": [2309.7899999999995, 0.1],
            "flag": [True, None],
        }
    )
    path = tmp_path / "x.parquet"
    pq.write_table(table, path)
    source = open_source(take_receipt(path, tmp_path), spec_for(format="parquet"), tmp_path)
    assert source.iso_dates == {"day", "stamp"}
    [chunk] = source.chunks()
    assert chunk.lines.tolist() == [1, 2]
    assert chunk.text(source.header).to_pylist() == [
        {"id": "7", "name": "a", "day": "2024-01-02", "stamp": "2024-01-02", "money": "12.30", "float": "2309.7899999999995",
         "flag": "true"},
        {"id": None, "name": "b", "day": "9999-12-31", "stamp": None, "money": None, "float": "0.1", "flag": None},
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "tsv", "xlsx", "jsonl", "parquet"])
def test_a_file_that_is_gone_or_another_before_it_is_opened_is_refused(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,name\n1,a\n")
    receipt = take_receipt(path, tmp_path)
    path.write_bytes(b"id,name\n1,abc\n")
    with pytest.raises(Refused, match=r"x\.csv: changed while it was read"):
        open_source(receipt, spec_for(format=form), tmp_path)
    path.unlink()
    with pytest.raises(Refused, match=r"x\.csv: vanished while it was read"):
        open_source(receipt, spec_for(format=form), tmp_path)
