"""JSON Lines: objects as rows, exactly as they are written. Broken files through a whole ingest: faults/test_corpus.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk_pipeline.errors import Refused
from risk_pipeline.feeds import read_jsonl
from risk_pipeline.feeds.chunks import SourceFile
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec


def opened(folder: Path, content: str | bytes, where: str | None = None, **source: Any) -> SourceFile:
    path = folder / "x.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    spec = FeedSpec.model_validate(
        {
            "feed": "customer",
            "source": {"path": "x.jsonl", "format": "jsonl", **source},
            "delivery": "upsert",
            "where": where,
            "columns": {"customer_id": {"from": "id"}, "name": {"from": "customer.name"}},
        }
    )
    return open_source(take_receipt(path, folder), spec, folder)


def read(source: SourceFile) -> list[tuple[int, dict[str, str | None]]]:
    found: list[Any] = []
    for chunk in source.chunks():
        found += zip(chunk.lines.tolist(), chunk.text(source.header).to_pylist(), strict=True)
    return found


def test_values_are_text_as_they_are_written(tmp_path: Path) -> None:
    content = (
        '\ufeff{"id": 1.10, "customer": {"name": "é \\u4e0a", "tags": [1, 2.50, {"a": true, "b": null}]}, "open": false}\r\n'
        "\n  \n"
        '{"id": 12345678901234567890, "customer": {"name": null}, "late": -0}'
    )
    source = opened(tmp_path, content)
    assert source.header == ["id", "customer.name", "customer.tags", "open", "late"]
    assert read(source) == [
        (
            1,
            {
                "id": "1.10",
                "customer.name": "é 上",
                "customer.tags": '[1,2.50,{"a":true,"b":null}]',
                "open": "false",
                "late": None,
            },
        ),
        (4, {"id": "12345678901234567890", "customer.name": None, "customer.tags": None, "open": None, "late": "-0"}),
    ]
    assert source.warnings() == {"no_final_newline": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"id": 1, "customer.name": 1, "customer": {"name": 2}}\n', r"line 1 has 'customer\.name' twice"),
        ('{"id": "\\u0000", "customer": {"name": 1}}\n', "line 1 has characters in 'id' that are no text"),
        ('{"id": 1, "customer": {"name": 1}}\n{"id": 2, "cust', "line 2 is cut off"),
        ("{'id': 1}\n", "line 1 is no JSON object"),
        ('{"id": 1}\n"text"\n', "line 2 is a list or a bare value"),
        ('{"id": 1}\n', r"no column 'customer\.name'; the file has id"),
        (b'{"id": "\xff"}\n', "line 1 is not valid utf-8"),
        (b"PAR1", "a Parquet file"),
    ],
)
def test_what_is_no_object_is_refused_with_its_line(tmp_path: Path, content: str | bytes, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        opened(tmp_path, content)
    assert caught.value.remedy


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    source = opened(tmp_path, "")
    assert (source.header, read(source)) == (["id", "customer.name"], [])
    with pytest.raises(Refused, match="no column"):
        opened(tmp_path, "", where="kind = 'x'")


def test_a_line_without_end_and_keys_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_jsonl, "CHUNK_BYTES", 100)
    monkeypatch.setattr(read_jsonl, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(Refused, match="line 2 does not end within"):
        opened(tmp_path, '{"id": 1}\n{"id": "' + "x" * 3000)
    monkeypatch.setattr(read_jsonl, "MAX_COLUMNS", 20)
    with pytest.raises(Refused, match="more than 20 different keys"):
        opened(tmp_path, "".join(f'{{"k{n}": 1}}\n' for n in range(50)))


TEXTS = st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20), st.booleans(), st.integers(10, 200))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back_with_its_line(tmp_path: Path, rows: list[tuple[str, str]], ascii_only: bool, size: int) -> None:
    lines = [json.dumps({"id": key, "customer": {"name": name}}, ensure_ascii=ascii_only) for key, name in rows]
    before, read_jsonl.CHUNK_BYTES = read_jsonl.CHUNK_BYTES, size
    try:
        found = read(opened(tmp_path, "\n\n".join(lines) + "\n"))
    finally:
        read_jsonl.CHUNK_BYTES = before
    assert found == [(2 * n + 1, {"id": key, "customer.name": name}) for n, (key, name) in enumerate(rows)]
