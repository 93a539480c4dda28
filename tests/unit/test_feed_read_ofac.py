"""The reader of the OFAC list: three files joined, nulls, the last line, remarks, and files that are not what they should be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from risk_pipeline.errors import Refused
from risk_pipeline.feeds.files import take_receipt
from risk_pipeline.feeds.read_files import open_source
from risk_pipeline.feeds.spec import FeedSpec

N = "-0- "
SDN = "\r\n".join(
    [
        f'36,"AEROCARIBBEAN AIRLINES",{N},"CUBA",{N},{N},{N},{N},{N},{N},{N},{N}',
        f'99,"ABBAS, Abu","individual","SDGT","Leader",{N},{N},{N},{N},{N},{N},"DOB 10 Dec 1948; alt. DOB 1949; nationality Iraq;'
        " Passport A12345 (Iraq); a.k.a. 'THE OLD MAN'.\"",
        f'200,"OCEAN ""STAR""","vessel","IRAN",{N},"9HAB",{N},{N},{N},"Panama",{N},"Vessel Registration Identification IMO 7406"',
        "\x1a",
    ]
)
ALT = f'36,12,"aka","AERO-CARIBBEAN",{N}\r\n36,13,"fka","AEROCARIBE; LTD",{N}\r\n\x1a'
ADD = "\r\n".join(
    [
        f'36,25,{N},"Havana","Cuba",{N}',
        f'36,26,{N},"Paris","France",{N}',
        f'99,27,{N},{N},"Freedonia",{N}',
        f'7,28,{N},{N},"Cuba",{N}',
        "\x1a",
    ]
)
COLUMNS = ("entity_id", "name", "aliases", "birth_date", "identifiers", "country_code", "entity_kind", "programme")


def spec(path: str = "ofac/*.csv", without: tuple[str, ...] = ()) -> FeedSpec:
    columns: dict[str, Any] = {name: {"from": name} for name in COLUMNS if name not in without}
    columns |= {"source": {"value": "OFAC"}, "listed_date": {"value": "1995-01-01"}}
    source = {"path": path, "format": "ofac"}
    return FeedSpec.model_validate({"feed": "sanctions_entity", "source": source, "delivery": "snapshot", "columns": columns})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ofac").mkdir()
    for name, text in (("sdn.csv", SDN), ("alt.csv", ALT), ("add.csv", ADD)):
        (tmp_path / "ofac" / name).write_bytes(text.encode())
    return tmp_path / "ofac"


def read(
    folder: Path, name: str = "sdn.csv", given: FeedSpec | None = None
) -> tuple[list[dict[str, str]], list[int], dict[str, int]]:
    source = open_source(take_receipt(folder / name, folder.parent), given or spec(), folder.parent)
    rows: list[dict[str, str]] = []
    lines: list[int] = []
    for chunk in source.chunks():
        rows += chunk.text(source.header).to_pylist()
        lines += chunk.lines.tolist()
    return rows, lines, source.warnings()


def test_three_files_are_one_list(folder: Path) -> None:
    rows, lines, warnings = read(folder)
    assert [row["name"] for row in rows] == ["AEROCARIBBEAN AIRLINES", "ABBAS, Abu", 'OCEAN "STAR"']
    assert lines == [1, 2, 3]
    assert rows[0]["aliases"] == "AERO-CARIBBEAN; AEROCARIBE, LTD"
    assert (rows[0]["country_code"], rows[0]["country_codes"], rows[0]["remarks"]) == ("CU", "CU FR", "")
    assert (rows[1]["birth_date"], rows[1]["identifiers"]) == (
        "1948-12-10",
        "DOB 10 Dec 1948; alt. DOB 1949; Passport A12345 (Iraq)",
    )
    assert (rows[1]["country_code"], rows[1]["weak_aliases"], rows[1]["entity_kind"]) == ("IQ", "THE OLD MAN", "person")
    assert (rows[2]["entity_kind"], rows[2]["country_code"]) == ("vessel", "PA")
    assert warnings == {"row_without_entry": 1, "unknown_country": 1}
    assert read(folder, "alt.csv")[0] == read(folder, "add.csv")[0] == []


def test_files_beside_that_are_not_delivered_are_not_used(folder: Path) -> None:
    rows, _, _ = read(folder, given=spec("ofac/sdn.csv", without=("aliases",)))
    assert [row["aliases"] for row in rows] == ["", "", ""]
    assert rows[0]["country_code"] == ""
    with pytest.raises(Refused, match=r"column aliases comes from alt\.csv, which is not in this delivery"):
        read(folder, given=spec("ofac/sdn.csv"))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("sdn.csv", SDN[:-60], "is not CSV|is no row of this list"),
        ("sdn.csv", "", r"sdn\.csv"),
        ("sdn.csv", "id,name\r\n1,A\r\n", "line 1 is no row of this list: 2 fields where 12 are expected"),
        ("alt.csv", ALT.replace('36,13,"fka",', "36,13,"), "alt.csv: line 2 is no row of this list"),
        ("add.csv", "<html>not found</html>", "add.csv: line 1 is no row of this list"),
    ],
)
def test_broken_files_are_refused(folder: Path, name: str, content: str, reason: str) -> None:
    (folder / name).write_bytes(content.encode())
    with pytest.raises(Refused, match=reason):
        read(folder)


def test_another_file_in_the_folder_is_refused(folder: Path) -> None:
    (folder / "cons_prim.csv").write_text("1")
    with pytest.raises(Refused, match="not a file of the OFAC list"):
        read(folder, "cons_prim.csv")
