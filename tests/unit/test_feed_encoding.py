"""Encodings: marks, strict UTF-8, GB18030 only on evidence; never silent mojibake."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_csv import CsvFile
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec

ROWS = ["编号,名称", "1,北京龙湖贸易有限公司", "2,𠮷野家"]


def spec_for(*columns: str, encoding: str = "auto") -> FeedSpec:
    names = ["customer_id", "name"]
    return FeedSpec.model_validate(
        {
            "feed": "customer",
            "source": {"path": "x.csv", "encoding": encoding},
            "delivery": "upsert",
            "columns": {name: {"from": column} for name, column in zip(names, columns, strict=True)},
        }
    )


def opened(folder: Path, content: bytes, spec: FeedSpec) -> CsvFile:
    path = folder / "x.csv"
    path.write_bytes(content)
    source = open_source(take_receipt(path, folder), spec, folder)
    assert isinstance(source, CsvFile)
    return source


def rows(source: CsvFile) -> list[dict[str, str]]:
    return [row for chunk in source.chunks() for row in chunk.text(source.header).to_pylist()]


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        ("\n".join(ROWS).encode(), "utf-8"),
        ("\n".join(ROWS).encode("utf-8-sig"), "utf-8-sig"),
        ("\n".join(ROWS).encode("gb18030"), "gb18030"),
        (codecs.BOM_UTF16_LE + "\n".join(ROWS).encode("utf-16-le"), "utf-16"),
        (codecs.BOM_UTF16_BE + "\n".join(ROWS).encode("utf-16-be"), "utf-16"),
    ],
)
def test_chinese_headers_prove_the_encoding(tmp_path: Path, content: bytes, codec: str) -> None:
    source = opened(tmp_path, content, spec_for("编号", "名称"))
    assert source.codec.codec == codec
    assert rows(source) == [{"编号": "1", "名称": "北京龙湖贸易有限公司"}, {"编号": "2", "名称": "𠮷野家"}]
    assert source.facts() == {"encoding": codec, "delimiter": ","}


@pytest.mark.parametrize("codec", ["cp1252", "big5", "shift_jis", "koi8_r", "euc_kr", "gb18030"])
def test_other_encodings_are_refused_not_misread(tmp_path: Path, codec: str) -> None:
    text = {
        "cp1252": "Müller & Söhne",
        "big5": "臺灣股份有限公司",
        "shift_jis": "トヨタ自動車",
        "koi8_r": "Общество",
        "euc_kr": "삼성전자",
        "gb18030": "北京",
    }[codec]
    content = f"id,name\n1,plain\n2,{text}\n".encode(codec)
    with pytest.raises(Refused, match=r"x\.csv: line 3 is not valid utf-8"):
        opened(tmp_path, content, spec_for("id", "name"))
    source = opened(tmp_path, content, spec_for("id", "name", encoding=codec))
    assert rows(source)[1]["name"] == text


def test_gb18030_needs_the_mapped_header(tmp_path: Path) -> None:
    content = "\n".join(ROWS).encode("gb18030")
    with pytest.raises(Refused, match="line 1 is not valid utf-8"):
        opened(tmp_path, content, spec_for("编码", "名称"))


def test_a_declared_encoding_is_strict(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="line 2 is not valid ascii"):
        opened(tmp_path, "id,name\n1,é\n".encode(), spec_for("id", "name", encoding="ascii"))


def test_a_character_cut_by_a_block_is_no_error(tmp_path: Path) -> None:
    from risk_pipeline.feeds.files import BLOCK

    filler = "a" * (BLOCK - len("id,name\n1,") - 1)
    source = opened(tmp_path, f"id,name\n1,{filler}é\n".encode(), spec_for("id", "name"))
    assert rows(source)[0]["name"].endswith("aé")


def test_the_line_of_a_bad_byte_far_down_is_right(tmp_path: Path) -> None:
    lines = [b"id,name", *(b"%d,%s" % (n, b"x" * 40) for n in range(60_000)), b"60000,\xff", b"60001,y", b""]
    with pytest.raises(Refused, match="line 60002 is not valid utf-8"):
        opened(tmp_path, b"\n".join(lines), spec_for("id", "name"))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read_when_declared(tmp_path: Path, codec: str) -> None:
    content = "\r\n".join([*ROWS, ""]).encode(codec)
    for declared in (codec, "utf-16"):
        source = opened(tmp_path, content, spec_for("编号", "名称", encoding=declared))
        assert source.codec.codec == codec
        assert rows(source) == [{"编号": "1", "名称": "北京龙湖贸易有限公司"}, {"编号": "2", "名称": "𠮷野家"}]


def test_utf_16_without_a_mark_is_not_guessed(tmp_path: Path) -> None:
    latin = "id,name\n1,plain\n".encode("utf-16-le")
    with pytest.raises(Refused, match="line 1 holds NUL characters") as caught:
        opened(tmp_path, latin, spec_for("id", "name"))
    assert "encoding: utf-16-le" in caught.value.remedy
    with pytest.raises(Refused, match="is not valid utf-8") as caught:
        opened(tmp_path, "\n".join(ROWS).encode("utf-16-be"), spec_for("编号", "名称"))
    assert "encoding: utf-16-be" in caught.value.remedy


def test_utf_16_needs_its_byte_order(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no byte order mark, and no line end") as caught:
        opened(tmp_path, "id,name".encode("utf-16-be"), spec_for("id", "name", encoding="utf-16"))
    assert "utf-16-be" in caught.value.remedy
    with pytest.raises(Refused, match="no column 'id'"):
        opened(tmp_path, "id,name\n1,x\n".encode("utf-16-be"), spec_for("id", "name", encoding="utf-16-le"))


def test_a_cut_utf_16_file_is_refused(tmp_path: Path) -> None:
    content = "id,name\n1,plain\n".encode("utf-16-le")[:-1]
    with pytest.raises(Refused, match="is not valid utf-16-le"):
        opened(tmp_path, content, spec_for("id", "name", encoding="utf-16-le"))


@pytest.mark.parametrize("codec", ["gb18030", "gbk", "big5", "cp1252", "latin-1"])
def test_an_encoding_that_the_file_contradicts_is_refused(tmp_path: Path, codec: str) -> None:
    content = "id,name\n1,北京龙湖贸易有限公司\n".encode()
    with pytest.raises(Refused, match=r"is declared, but the file is valid UTF-8|line 2 is not valid"):
        opened(tmp_path, content, spec_for("id", "name", encoding=codec))
    plain = opened(tmp_path, b"id,name\n1,plain\n", spec_for("id", "name", encoding=codec))
    assert rows(plain) == [{"id": "1", "name": "plain"}]


def test_the_mark_of_gb18030_is_known(tmp_path: Path) -> None:
    source = opened(tmp_path, "\n".join(["\ufeffid,name", "1,北京"]).encode("gb18030"), spec_for("id", "name"))
    assert (source.codec.codec, rows(source)) == ("gb18030", [{"id": "1", "name": "北京"}])


def test_two_encodings_in_one_file_are_refused(tmp_path: Path) -> None:
    mixed = "编号,名称\n1,北京\n".encode() + "2,上海\n".encode("gb18030")
    for declared in ("auto", "utf-8"):
        with pytest.raises(Refused, match="line 3 is not valid utf-8"):
            opened(tmp_path, mixed, spec_for("编号", "名称", encoding=declared))
