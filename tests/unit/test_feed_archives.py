"""Packed source files: what is inside is read as if it were not packed, and nothing expands beyond the limits."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import archives
from risk_pipeline.feeds.chunks import SourceFile
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec

CSV = b"id,name\n1,a\n2,b\n"


def opened(folder: Path, content: bytes, name: str = "x.csv", **source: Any) -> SourceFile:
    path = folder / name
    path.write_bytes(content)
    spec = FeedSpec.model_validate(
        {
            "feed": "customer",
            "source": {"path": name, **source},
            "delivery": "upsert",
            "columns": {"customer_id": {"from": "id"}, "name": {"from": "name"}},
        }
    )
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return open_source(take_receipt(path, folder), spec, work)


def read(source: SourceFile) -> list[tuple[Any, ...]]:
    found: list[Any] = []
    for chunk in source.chunks():
        rows = chunk.text(["id", "name"]).to_pylist()
        found += [(line, row["id"], row["name"]) for line, row in zip(chunk.lines.tolist(), rows, strict=True)]
    return found


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook() -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as made:
        page = made.add_worksheet()
        for number, row in enumerate([("id", "name"), (1, "a"), (2, "b")]):
            page.write_row(number, 0, row)
    return buffer.getvalue()


def parquet() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [1, 2], "name": ["a", "b"]}), buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "source", "first", "facts"),
    [
        (gzip.compress(CSV), {}, 2, {"packed": "gzip", "encoding": "utf-8"}),
        (zipped(("d/x.csv", CSV)), {}, 2, {"packed": "zip", "member": "d/x.csv", "delimiter": ","}),
        (zipped(("x.csv", CSV), method=zipfile.ZIP_STORED), {}, 2, {"packed": "zip"}),
        (gzip.compress("id;name\n1;a\n2;b\n".encode("utf-16")), {}, 2, {"packed": "gzip", "encoding": "utf-16"}),
        (
            gzip.compress(b'{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n'),
            {"format": "jsonl"},
            1,
            {"packed": "gzip", "format": "jsonl"},
        ),
        (gzip.compress(parquet()), {"format": "parquet"}, 1, {"packed": "gzip", "format": "parquet"}),
        (zipped(("x.xlsx", workbook())), {"format": "xlsx"}, 2, {"packed": "zip", "sheet": "Sheet1"}),
    ],
)
def test_what_is_packed_is_read_by_its_format(
    tmp_path: Path, content: bytes, source: dict[str, Any], first: int, facts: dict[str, Any]
) -> None:
    for _ in range(2):
        source_file = opened(tmp_path, content, "x.any", **source)
        assert read(source_file) == [(first, "1", "a"), (first + 1, "2", "b")]
        assert {name: source_file.facts()[name] for name in facts} == facts
    assert source_file.receipt.name == "x.any"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["work", "x.any"]


def test_messages_name_the_file_that_was_delivered(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"x\.csv\.gz: line 3 has 1 fields, the header has 2"):
        read(opened(tmp_path, gzip.compress(b"id,name\n1,a\n2\n"), "x.csv.gz"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (gzip.compress(CSV * 50)[:-6], "not a whole gzip file"),
        (gzip.compress(CSV) + b"rubbish", "not a whole gzip file"),
        (zipped(("a.csv", CSV), ("b.csv", CSV)), "holds 2 files: a.csv, b.csv; exactly one is read"),
        (zipped(("x.csv", CSV), method=zipfile.ZIP_BZIP2), "x.csv is packed by method 12, which is not read"),
        (zipped(("x.csv", CSV * 50))[:-5], "not a whole zip archive"),
    ],
)
def test_what_cannot_be_trusted_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        opened(tmp_path, content)
    assert caught.value.remedy
    assert not list((tmp_path / "work").glob("*.unpacked"))


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(("x.csv", CSV)))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    with pytest.raises(Refused, match=r"x\.csv is encrypted"):
        opened(tmp_path, bytes(content))


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(("x.csv", content))])
def test_archives_that_expand_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 1000)
    content = pack(b"id,name\n" + b"1,a\n" * 200_000)
    with pytest.raises(Refused, match="more than 200 times its size"):
        opened(tmp_path, content)
    monkeypatch.setattr(archives, "MAX_RATIO", 10**6)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 500_000)
    with pytest.raises(Refused, match="unpacks to more than 0 MB"):
        opened(tmp_path, content)
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 1_000_000)
    assert len(read(opened(tmp_path, content))) == 200_000


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 5)
    with pytest.raises(Refused, match="holds 6 entries, more than 5"):
        opened(tmp_path, zipped(*((f"{n}.csv", CSV) for n in range(6))))


def test_a_packed_file_that_changes_meanwhile_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(CSV))
    receipt = take_receipt(path, tmp_path)
    path.write_bytes(gzip.compress(CSV.replace(b"a", b"c")))
    with pytest.raises(Refused, match=r"x\.csv\.gz: changed while it was read"):
        archives.unpack(receipt, tmp_path)
