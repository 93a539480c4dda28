"""The sanctions list of OFAC as it is delivered: sdn.csv with alt.csv (other names) and add.csv (addresses) beside it.

Put here: the three files joined into one row per entry, what the remarks say in fixed words (births, nationality, numbers).
Keep out: what becomes of a row (mapping, convert), countries by name (ofac_countries.yaml), comparing names (screening).

The files have no header, `-0- ` for nothing, and end in a Ctrl-Z line. A row is one of sdn.csv, on its line there; alt.csv and
add.csv are files of the same delivery (the `path` is a glob) and give no rows of their own.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.feeds import encoding
from risk_pipeline.feeds.chunks import Chunk
from risk_pipeline.feeds.files import Receipt
from risk_pipeline.feeds.spec import FeedSpec

NULL = "-0-"
LIST, NAMES, ADDRESSES = "sdn.csv", "alt.csv", "add.csv"
_FIELDS = {LIST: 12, NAMES: 5, ADDRESSES: 6}
_OF_LIST = (
    "entity_id", "name", "kind", "programme", "title", "call_sign", "vessel_type", "tonnage", "gross_tonnage", "vessel_flag",
    "vessel_owner", "remarks",
)  # fmt: skip
_MADE = ("entity_kind", "aliases", "weak_aliases", "birth_date", "identifiers", "country_code", "country_codes")
HEADER = (*_OF_LIST, *_MADE)
# Made columns and the file each needs.
_NEEDS = {"aliases": NAMES}
_KINDS = {"": "company", "individual": "person"}

_BIRTH = re.compile(r"\b(?:alt\. )?DOB (?P<when>[^;]+)")
_COUNTRY = re.compile(r"\b(?:alt\. )?(?:nationality|citizen) (?P<country>[^;.]+)")
_WEAK = re.compile(r"a\.k\.a\. '(?P<name>[^']+)'")
_NUMBER = re.compile(
    r"^(?:alt\. )?(?:(?:Passport|National ID|Tax ID|Registration|Identification|Company|Commercial Registry|Business|Government"
    r" Gazette|Cedula|NIT|RUC|RFC|C\.U\.R\.P|D\.N\.I|C\.U\.I\.T|C\.U\.I|RIF|RTN|D-U-N-S|Matricula Mercantil|Folio Mercantil|Trade"
    r" License|License|SWIFT|SWIFT/BIC|LEI|MMSI|Vessel Registration|Tax|V\.A\.T|Citizen's Card|Public|Legal Entity|Chamber of"
    r" Commerce|Enterprise|UK Company|C\.R|Fiscal|Unified Social Credit|Organization Code)\b[^;]*\d[^;]*|DOB [^;]+)$"
)

Row = dict[str, str]


def open_ofac(receipt: Receipt, spec: FeedSpec) -> OfacFile:
    """Open one of the three files. Refused when it is another file, or a mapped column needs one that is not delivered."""
    name = receipt.path.name.lower()
    if name not in _FIELDS:
        raise Refused(
            f"{receipt.name}: not a file of the OFAC list; they are {', '.join(_FIELDS)}",
            remedy="let source.path match those three files and no others, for example ofac/*.csv in a folder of their own",
        )
    pattern = Path(spec.source.path).name
    beside = {each: receipt.path.with_name(each) for each in _FIELDS if fnmatch.fnmatch(each, pattern)}
    found = {each: path for each, path in beside.items() if path.is_file()}
    for column, needed in _NEEDS.items():
        if column in spec.source_columns and needed not in found:
            raise Refused(
                f"{receipt.name}: column {column} comes from {needed}, which is not in this delivery:"
                " without it, other names would vanish from the list in silence",
                remedy=f"deliver {', '.join(_FIELDS)} together, with source.path matching all of them",
            )
    if LIST not in found:
        raise Refused(f"{receipt.name}: {LIST} is not in this delivery", remedy="deliver it with alt.csv and add.csv")
    return OfacFile(receipt, found, spec.source.encoding)


@dataclass
class OfacFile:
    """One file of a delivery: the entries, for sdn.csv; no rows, for the other two."""

    receipt: Receipt
    files: dict[str, Path]
    declared: str
    header: list[str] = field(default_factory=lambda: list(HEADER))
    iso_dates: frozenset[str] = frozenset({"birth_date"})
    _found: Counter[str] = field(default_factory=Counter)

    def facts(self) -> dict[str, object]:
        return {"format": "ofac", "encoding": encoding.detect(self.receipt, self.declared, lambda _: False).codec}

    def warnings(self) -> dict[str, int]:
        """`unknown_country`: entries with a country this program does not know; `row_without_entry`: rows of alt.csv and
        add.csv that belong to no entry.
        """
        return dict(self._found)

    def chunks(self) -> Iterator[Chunk]:
        """The entries in one chunk; the whole list is a few megabytes. Refused for a broken row or a file that changed."""
        self._found.clear()
        if self.receipt.path.name.lower() == LIST:
            rows, lines = self._entries()
            columns = {name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in HEADER}

            def text(names: Sequence[str]) -> pa.Table:
                return pa.table({name: columns[name] for name in names})

            if rows:
                yield Chunk(np.array(lines, dtype=np.int64), text)
        else:
            for _ in self._rows(self.receipt.path):
                pass
        self.receipt.check_unchanged()

    def _entries(self) -> tuple[list[Row], list[int]]:
        aliases, places = self._beside(NAMES), self._beside(ADDRESSES)
        rows, lines = [], []
        for line, cells in self._rows(self.files[LIST]):
            row = dict(zip(_OF_LIST, cells, strict=True))
            number = row["entity_id"]
            row |= _from_remarks(row["remarks"])
            row["entity_kind"] = _KINDS.get(row["kind"], row["kind"])
            row["aliases"] = "; ".join(dict.fromkeys(alias[3].replace(";", ",") for alias in aliases.pop(number, ()) if alias[3]))
            self._countries(row, [place[4] for place in places.pop(number, ()) if place[4]])
            rows.append(row)
            lines.append(line)
        if strays := len(aliases) + len(places):
            self._found["row_without_entry"] = strays
        return rows, lines

    def _countries(self, row: Row, addresses: list[str]) -> None:
        """The countries of the addresses, then of nationality, then the flag; the first is the one."""
        named = [*addresses, *row.pop("nationalities").split(";"), row["vessel_flag"]]
        # A few vessels have their tonnage in the column of the flag.
        codes = [
            (name, _countries().get(name.strip())) for name in named if name.strip(" ,0123456789") not in ("", "undetermined")
        ]
        if any(code is None for _, code in codes):
            self._found["unknown_country"] += 1
        kept = list(dict.fromkeys(code for _, code in codes if code))
        row["country_code"], row["country_codes"] = kept[0] if kept else "", " ".join(kept)

    def _beside(self, name: str) -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = defaultdict(list)
        if name in self.files:
            for _, cells in self._rows(self.files[name]):
                found[cells[0]].append(cells)
        return found

    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """(line, cells) of one file, nulls empty. Refused, with the line, for a row that is not one of that file."""
        name = f"{self.receipt.name.removesuffix(self.receipt.path.name)}{path.name}"
        codec = encoding.detect(self.receipt, self.declared, lambda _: False).codec
        try:
            content = path.read_bytes().decode(codec)
        except UnicodeDecodeError as exc:
            raise Refused(f"{name}: byte {exc.start} is not valid {codec}", remedy="name it: encoding: latin-1") from None
        reader = csv.reader(io.StringIO(content.rstrip("\x1a\r\n\t ") + "\n", newline=""), strict=True)
        line = 1
        try:
            for cells in reader:
                if len(cells) != _FIELDS[path.name.lower()] or not cells[0].strip().isdigit():
                    raise Refused(
                        f"{name}: line {line} is no row of this list: {len(cells)} fields where {_FIELDS[path.name.lower()]} are"
                        f" expected, the first one a number: {','.join(cells)[:60]}",
                        remedy="truncated or another layout: fetch the file again",
                    )
                yield line, ["" if cell.strip() == NULL else cell.strip() for cell in cells]
                line = reader.line_num + 1
        except csv.Error as exc:
            raise Refused(f"{name}: line {line} is not CSV: {exc}", remedy="truncated: fetch the file again") from None


def _from_remarks(remarks: str) -> Row:
    """What the remarks say in fixed words. A date of birth that is not a whole date stays among the identifiers."""
    parts = [part.strip().rstrip(".") for part in remarks.split(";")]
    births = [date for found in _BIRTH.finditer(remarks) if (date := _day(found["when"].strip(" .")))]
    return {
        "weak_aliases": "; ".join(dict.fromkeys(found["name"] for found in _WEAK.finditer(remarks))),
        "birth_date": births[0] if births else "",
        "identifiers": "; ".join(part for part in parts if _NUMBER.match(part)),
        "nationalities": ";".join(found["country"] for found in _COUNTRY.finditer(remarks)),
    }


def _day(text: str) -> str | None:
    try:
        return datetime.strptime(text, "%d %b %Y").date().isoformat()  # noqa: DTZ007 - a day, not a moment
    except ValueError:
        return None


@cache
def _countries() -> dict[str, str]:
    text = resources.files("risk_pipeline.feeds").joinpath("ofac_countries.yaml").read_text(encoding="utf-8")
    found = {str(name): str(code) for code, names in yaml.load(text, Loader=yaml.BaseLoader).items() for name in names}
    if not found:
        raise UsageError("ofac_countries.yaml is empty", remedy="install the program again")
    return found
