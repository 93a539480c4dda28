"""The feed YAML: where a feed comes from and how its columns become canonical ones.

Put here: the pydantic model, reading it with file and line in every message, its hash. Keep out: reading sources
(read_files), turning cells into values (convert), and what a canonical column means (contracts).
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from zoneinfo import available_timezones

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from risk_pipeline.contracts import FEED_TABLES, Column, Kind, Table, table
from risk_pipeline.errors import UsageError
from risk_pipeline.feeds.characters import as_in_numbers

NUMERIC = (Kind.MONEY, Kind.RATE, Kind.INTEGER, Kind.NUMBER)
EPOCHS = ("epoch_s", "epoch_ms")
_ESCAPES = ("utf-7", "idna", "punycode", "unicode-escape", "raw-unicode-escape")
SERIALS = ("excel_serial", "excel_serial_1904")
_TEMPLATE_PART = re.compile(r"\{([^{}]+)\}")
_REMEDY = "docs/feeds.md explains every key of a feed YAML"


def _power_of_ten(value: Any) -> Any:
    """`scale` as plain text: 1000, 0.01."""
    if value is None:
        return None
    if re.fullmatch(r"10{1,9}|0\.0{0,3}1", str(value)):
        return str(value)
    raise ValueError("a power of ten is expected: 1000 for thousands, 10000 for 万元, 0.01 for cents")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class UnpivotSpec(_Model):
    """A wide table read long: each cell outside `keep` becomes a row of the `keep` columns, `name` (the cell's column) and
    `value` (the cell), unless the cell is one of `drop_nulls`.
    """

    keep: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = Field(min_length=1)
    name: str
    value: str
    drop_nulls: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)] = ("",)

    @model_validator(mode="after")
    def _names_differ(self) -> UnpivotSpec:
        names = [*self.keep, self.name, self.value]
        twice = next((each for each in names if names.count(each) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} is named twice; keep, name and value are different columns")
        return self

    @property
    def header(self) -> tuple[str, ...]:
        """The columns of the long table."""
        return (*self.keep, self.name, self.value)


class CursorSpec(_Model):
    """Only rows beyond the last value of `column` are read; the first time, those beyond `start`."""

    column: str
    start: str | None = None


# Which formats an option of a file means something for.
_FORMAT_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "encoding": ("csv", "tsv", "jsonl", "ofac"),
    "delimiter": ("csv", "tsv"),
    "skip_lines": ("csv", "tsv"),
    "sheet": ("xlsx",),
    "header_row": ("xlsx",),
}
_SQL_OPTIONS = ("url", "query", "table", "cursor", "time_zone", "timeout_seconds")
_SQL_COMMENT = re.compile(r"\s*(--[^\n]*\n|/\*.*?\*/)", re.DOTALL)


class SourceSpec(_Model):
    """Where the rows are: in files (`path` may be a glob and starts at the workspace's data_root) or in a database."""

    kind: Literal["file", "sql"] = "file"
    path: str = ""
    format: Literal["csv", "tsv", "parquet", "xlsx", "jsonl", "ofac"] = "csv"
    encoding: str = "auto"
    delimiter: str = "auto"
    skip_lines: int = Field(0, ge=0)
    sheet: str | None = Field(None, min_length=1)
    header_row: int | None = Field(None, ge=1)
    unpivot: UnpivotSpec | None = None
    url: str | None = None
    query: str | None = None
    table: str | None = None
    cursor: CursorSpec | None = None
    time_zone: str | None = None
    timeout_seconds: int = Field(600, ge=1, le=86_400)

    @model_validator(mode="after")
    def _options_fit(self) -> SourceSpec:
        """Options that mean nothing for the kind or the format are a mistake, not a no-op."""
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        if self.kind == "sql":
            self._check_sql(given)
            return self
        if not self.path:
            raise ValueError("path is needed: the file, or several by * and ?")
        wrong = [name for name in _SQL_OPTIONS if name in given]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} goes with `kind: sql`")
        misplaced = [name for name, formats in _FORMAT_OPTIONS.items() if name in given and self.format not in formats]
        if misplaced:
            raise ValueError(f"{', '.join(misplaced)} does not apply to format {self.format}")
        return self

    def _check_sql(self, given: Set[str]) -> None:
        wrong = [name for name in ("path", "format", "unpivot", *_FORMAT_OPTIONS) if name in given]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} goes with `kind: file`")
        if self.url is None or not self.url.startswith(("env:", "file:")):
            raise ValueError(
                "url is needed, as a reference env:NAME or file:PATH; the address itself would be a secret in the YAML"
            )
        if (self.query is None) == (self.table is None):
            raise ValueError("exactly one of query and table is expected")
        if self.query is not None and not re.match(r"\s*(SELECT|WITH)\b", _without_comments(self.query), re.IGNORECASE):
            raise ValueError("query: begins with SELECT or WITH; a source is only read")
        if self.time_zone is not None and self.time_zone not in available_timezones():
            raise ValueError("time_zone: an IANA time zone such as Europe/Berlin or Asia/Shanghai is expected")

    @field_validator("encoding")
    @classmethod
    def _codec(cls, value: str) -> str:
        if value != "auto":
            try:
                # What Python calls an encoding may also be an escape or a compression.
                "a".encode(value)
                known = codecs.lookup(value).name not in _ESCAPES
            except (LookupError, UnicodeError):
                known = False
            if not known:
                raise ValueError(f"{value!r} is no known encoding; try auto, utf-8, gb18030, cp1252, big5")
        return value

    @field_validator("delimiter")
    @classmethod
    def _one_character(cls, value: str) -> str:
        value = {"tab": "\t", "\\t": "\t"}.get(value, value)
        if value != "auto" and (len(value) != 1 or value in '"\r\n' or ord(value) > 127):
            raise ValueError("auto, tab or one ASCII character is expected")
        return value


def _without_comments(query: str) -> str:
    while found := _SQL_COMMENT.match(query):
        query = query[found.end() :]
    return query


class SignSpec(_Model):
    """The sign of an amount stands in another source column, as SAP's debit/credit indicator does.

    With `positive_when` every other mark is rejected; without it, it is a plus.
    """

    column: str
    negative_when: Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
    positive_when: Annotated[tuple[str, ...] | None, BeforeValidator(_one_or_more)] = None


class ColumnSpec(_Model):
    """How one canonical column is filled: exactly one of `from`, `template` and `value`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    source: str | None = Field(None, alias="from")
    template: str | None = None
    value: str | None = None
    trim: bool = True
    strip_leading_zeros: bool = False
    nulls: tuple[str, ...] | None = None
    lookup: Mapping[str, str] | None = None
    otherwise: Literal["reject", "keep"] = "reject"
    format: str | None = None
    decimal: str = Field(".", min_length=1, max_length=1)
    thousands: str | None = Field(None, min_length=1, max_length=1)
    negate: bool = False
    sign_from: SignSpec | None = None
    round: Annotated[Literal[2] | None, BeforeValidator(lambda value: 2 if value == "2" else value)] = None
    scale: Annotated[str | None, BeforeValidator(_power_of_ten)] = None
    subtract_from: Annotated[str | None, Field(pattern=r"^\d{1,9}(\.\d{1,9})?$")] = None
    percent: bool = False
    parentheses: Literal["negative"] | None = None
    integral: bool | None = None
    half_width: bool = False
    zone: str | None = None
    century_from: int | None = Field(None, ge=1000, le=9900)
    plus_days: int | None = Field(None, ge=1, le=3660)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in available_timezones():
            raise ValueError(f"{value!r} is no time zone; one such as Asia/Shanghai is expected")
        return value

    @model_validator(mode="after")
    def _date_options(self) -> ColumnSpec:
        if (self.zone is not None) != (self.format in EPOCHS):
            raise ValueError("zone goes with format: epoch_s or epoch_ms: the zone whose calendar gives the day")
        if (self.century_from is not None) != ("%y" in (self.format or "")):
            raise ValueError("century_from goes with %y in the format: century_from: 1970 reads 70 as 1970 and 69 as 2069")
        return self

    @model_validator(mode="after")
    def _one_origin(self) -> ColumnSpec:
        origins = {"from": self.source, "template": self.template, "value": self.value}
        given = [name for name, each in origins.items() if each is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of from, template and value is expected, found {', '.join(given) or 'none'}")
        if self.template is not None and not _TEMPLATE_PART.search(self.template):
            raise ValueError("a template names at least one source column, as in P{invoiceNumber}; a constant is `value:`")
        if self.thousands is not None and as_in_numbers(self.decimal) == as_in_numbers(self.thousands):
            raise ValueError("decimal and thousands cannot be the same character")
        if self.otherwise != "reject" and self.lookup is None:
            raise ValueError("otherwise goes with lookup")
        return self

    @property
    def source_columns(self) -> tuple[str, ...]:
        """The source columns this one is made from, the sign column last."""
        named = [self.source] if self.source is not None else _TEMPLATE_PART.findall(self.template or "")
        return tuple(dict.fromkeys([*named, *([self.sign_from.column] if self.sign_from else [])]))

    def template_parts(self) -> Iterator[tuple[str, str]]:
        """("text" | "column", piece) in order."""
        for index, piece in enumerate(_TEMPLATE_PART.split(self.template or "")):
            if piece:
                yield ("column" if index % 2 else "text"), piece


class KnownAt(_Model):
    """When rows of this feed were known, if not at their ingest: the date in `column`, `plus_days` later."""

    column: str
    plus_days: int = Field(0, ge=0)


class Assertions(_Model):
    """What a delivery must satisfy; else it is refused whole."""

    rows_min: int = Field(1, ge=0)
    rows_max: int | None = Field(None, ge=0)
    max_rejected_pct: float = Field(5, ge=0, le=100)
    max_drop_pct: float | None = Field(None, ge=0, le=100)


def _known_at(value: Any) -> Any:
    if value in (None, "ingest"):
        return None
    if value == "event_date":
        return {"column": "event_date"}
    if isinstance(value, dict) and set(value) == {"from"}:
        return {"column": value["from"]}
    if isinstance(value, dict) and set(value) == {"event_date_plus_days"}:
        return {"column": "event_date", "plus_days": value["event_date_plus_days"]}
    raise ValueError("ingest, event_date, {from: COLUMN} or {event_date_plus_days: N} is expected")


class FeedSpec(_Model):
    """One feed YAML, resolved: every default filled in."""

    feed: str
    title: str | None = None
    source: SourceSpec
    delivery: Literal["snapshot", "upsert", "append"]
    duplicates: Literal["reject", "first", "last", "most_frequent"] = "reject"
    where: str | None = None
    nulls: tuple[str, ...] = ("",)
    columns: Mapping[str, ColumnSpec] = Field(min_length=1)
    known_at: Annotated[KnownAt | None, BeforeValidator(_known_at)] = None
    assertions: Assertions = Assertions()

    @field_validator("feed")
    @classmethod
    def _known_feed(cls, value: str) -> str:
        names = [each.name for each in FEED_TABLES]
        if value not in names:
            raise ValueError(f"{value!r} is no feed; there are {', '.join(names)}")
        return value

    @model_validator(mode="before")
    @classmethod
    def _absent_columns(cls, raw: Any) -> Any:
        """A column of the key that is not mapped holds what an empty cell of it stands for."""
        found = next((each for each in FEED_TABLES if isinstance(raw, dict) and each.name == raw.get("feed")), None)
        if found is None or not isinstance(raw.get("columns"), dict):
            return raw
        absent = {c.name: {"value": c.absent} for c in found.columns if c.absent is not None and c.name not in raw["columns"]}
        return {**raw, "columns": {**raw["columns"], **absent}}

    @model_validator(mode="after")
    def _fits_the_contract(self) -> FeedSpec:
        target = self.table
        unknown = [name for name in self.columns if name not in target]
        if unknown:
            raise ValueError(f"columns.{unknown[0]}: not in feed {self.feed}; it has {', '.join(target.column_names)}")
        needed = [c.name for c in target.columns if c.required and c.name not in self.columns]
        if needed:
            raise ValueError(f"columns: feed {self.feed} also needs {', '.join(needed)}")
        for name, each in self.columns.items():
            _fits_kind(target.column(name), each)
        _known_at_fits(self)
        if self.assertions.max_drop_pct is not None and self.delivery != "snapshot":
            raise ValueError("assertions.max_drop_pct: compares snapshots; this feed delivers by " + self.delivery)
        if self.source.cursor is not None and self.delivery == "snapshot":
            raise ValueError("source.cursor: reads only what is new, so the feed delivers by upsert or append")
        if self.source.unpivot is not None:
            unknown = [name for name in self.source_columns if name not in self.source.unpivot.header]
            if unknown:
                raise ValueError(f"source.unpivot: {unknown[0]!r} is none of its columns {', '.join(self.source.unpivot.header)}")
        return self

    @property
    def table(self) -> Table:
        return table(f"feed.{self.feed}")

    @property
    def mapped(self) -> tuple[Column, ...]:
        """The mapped columns in the order of the contract."""
        return tuple(column for column in self.table.columns if column.name in self.columns)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every source column the mapping names (not those only `where` names), in order, once."""
        return tuple(dict.fromkeys(name for each in self.columns.values() for name in each.source_columns))

    @property
    def header_columns(self) -> tuple[str, ...]:
        """The columns the source itself must have: those the mapping names, or those that an unpivot keeps."""
        return self.source_columns if self.source.unpivot is None else self.source.unpivot.keep

    @property
    def max_drop_pct(self) -> float | None:
        """A snapshot that would close more than half of the open rows, or a tenth of a sanctions list, is refused unless the feed
        says otherwise.
        """
        if self.delivery != "snapshot":
            return None
        usual = 10.0 if self.feed == "sanctions_entity" else 50.0
        return usual if self.assertions.max_drop_pct is None else self.assertions.max_drop_pct

    @property
    def part_of(self) -> dict[str, str]:
        """Text columns of the key that the mapping sets to a constant: the delivery speaks only for rows with that value. So
        several lists (`source: {value: OFAC}`) can be snapshots of one feed, each in a YAML of its own.
        """
        given = {name: self.columns[name].value for name in self.table.key if name in self.columns}
        return {name: value for name, value in given.items() if value is not None and self.table.column(name).kind is Kind.TEXT}

    @property
    def known_date_column(self) -> str | None:
        """The canonical date column behind known_from; None = the time of ingest."""
        if self.known_at is None:
            return None
        return self.table.event_date if self.known_at.column == "event_date" else self.known_at.column

    @property
    def known_assumption(self) -> str | None:
        """The known_at rule in words, for the register; None = the time of ingest."""
        if self.known_at is None:
            return None
        return f"{self.known_date_column} + {self.known_at.plus_days} days" if self.known_at.plus_days else self.known_date_column

    @property
    def hash(self) -> str:
        """sha256 of the canonical resolved spec: a mended mapping makes a new delivery of the same file."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _fits_kind(column: Column, spec: ColumnSpec) -> None:
    """Options that mean nothing for the kind of the column are a mistake, not a no-op."""
    given = spec.model_fields_set
    misplaced = {
        "format": column.kind is not Kind.DATE,
        "decimal": column.kind not in NUMERIC,
        "thousands": column.kind not in NUMERIC,
        "negate": column.kind not in NUMERIC,
        "sign_from": column.kind not in NUMERIC,
        "round": column.kind is not Kind.MONEY,
        "scale": column.kind not in NUMERIC,
        "subtract_from": column.kind is not Kind.NUMBER,
        "percent": column.kind is not Kind.NUMBER,
        "parentheses": column.kind not in NUMERIC,
        "strip_leading_zeros": column.kind is not Kind.TEXT,
        "integral": column.kind is not Kind.TEXT,
        "half_width": column.kind is not Kind.TEXT,
        "zone": column.kind is not Kind.DATE,
        "century_from": column.kind is not Kind.DATE,
        "plus_days": column.kind is not Kind.DATE,
    }
    wrong = [option for option, is_wrong in misplaced.items() if is_wrong and option in given]
    if wrong:
        raise ValueError(f"columns.{column.name}: {', '.join(wrong)} does not apply to a {column.kind} column")
    if spec.format is not None and re.search("%[zZ]", spec.format):
        raise ValueError(f"columns.{column.name}: a format with a time zone moves dates to another day; export the local date")


def _known_at_fits(spec: FeedSpec) -> None:
    if spec.known_at is None:
        return
    name = spec.known_date_column
    if name is None:
        raise ValueError(f"known_at: feed {spec.feed} has no event date")
    if name not in spec.table or spec.table.column(name).kind is not Kind.DATE:
        raise ValueError(f"known_at: {name} is no date column of feed {spec.feed}")
    if name not in spec.columns:
        raise ValueError(f"known_at: {name} is not mapped")


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars stay text (NO is Norway, 0012 an id, 2013-01-02 a cell) but for null; a key twice is an error."""

    yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] in ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [each.value for each, _ in node.value if isinstance(each, yaml.ScalarNode) and each.value != "<<"]
        twice = next((each for each in keys if keys.count(each) > 1), None)
        if twice is not None:
            raise yaml.MarkedYAMLError(problem=f"{twice!r} is given twice", problem_mark=node.start_mark)
        return cast("dict[Any, Any]", super().construct_mapping(node, deep))


def load_spec(path: Path | str) -> FeedSpec:
    """Read one feed YAML. UsageError names the file and the line of every mistake in it."""
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_Loader)
        raw = yaml.load(text, Loader=_Loader)
    except OSError as exc:
        raise UsageError(f"{path}: cannot be read: {exc.strerror}") from None
    except UnicodeDecodeError as exc:
        raise UsageError(f"{path}: not UTF-8 at byte {exc.start}", remedy="save the feed YAML as UTF-8") from None
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UsageError(f"{where}: not valid YAML: {exc.problem or exc.context}", remedy="mend that line") from None
    except yaml.YAMLError as exc:
        raise UsageError(f"{path}: not valid YAML: {exc}", remedy="mend the file") from None
    if not isinstance(raw, dict) or node is None:
        raise UsageError(f"{path}: expected `key: value` lines of a feed", remedy=_REMEDY)
    try:
        return FeedSpec.model_validate(raw)
    except ValidationError as exc:
        lines = [_told(path, node, each["loc"], _message(each)) for each in exc.errors()]
        raise UsageError("\n".join(lines), remedy=_REMEDY) from None


@dataclass(frozen=True)
class LoadedFeed:
    """A feed YAML and the file it was read from."""

    path: Path
    spec: FeedSpec


def load_feeds(folder: Path, only: list[str] | None = None) -> list[LoadedFeed]:
    """Every feed YAML of a folder (or those of the feeds named), in the order of the contracts: the customer master first.

    UsageError when the folder holds none, a named feed is missing, or two files serve the same feed
    and could both have the same row.
    """
    loaded = [LoadedFeed(path, load_spec(path)) for path in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])]
    if not loaded:
        raise UsageError(f"{folder} holds no feed YAML", remedy="write one; docs/feeds.md has an example to copy")
    by_feed: dict[str, list[LoadedFeed]] = {}
    for each in loaded:
        others = by_feed.setdefault(each.spec.feed, [])
        other = next((other for other in others if not _apart(each.spec.part_of, other.spec.part_of)), None)
        if other is not None:
            raise UsageError(
                f"{each.path}: feed {each.spec.feed} is already served by {other.path.name}",
                remedy="keep one file per feed (a glob in source.path reads several files), or let each set a text column of"
                " the key to a constant of its own, as in source: {value: OFAC}",
            )
        others.append(each)
    missing = [name for name in only or () if name not in by_feed]
    if missing:
        raise UsageError(f"no feed YAML for {', '.join(missing)} in {folder}; there are {', '.join(by_feed)}")
    order = [each.name for each in FEED_TABLES if each.name in by_feed and (not only or each.name in only)]
    return [each for name in order for each in by_feed[name]]


def _apart(mine: Mapping[str, str], its: Mapping[str, str]) -> bool:
    """Two mappings of one feed that can have no row in common: a key column has another constant value in each."""
    return any(name in its and its[name] != value for name, value in mine.items())


def _message(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    return "unknown key" if error["type"] == "extra_forbidden" else text


def _told(path: Path, node: yaml.Node, location: tuple[int | str, ...], message: str) -> str:
    """The message with file and line. A message about the whole feed begins with the key it is about."""
    if not location and (named := re.match(r"([a-z_.]+): ", message)):
        return f"{path}:{_line(node, tuple(named[1].split('.')))}: {message}"
    where = f"{'.'.join(map(str, location))}: " if location else ""
    return f"{path}:{_line(node, location)}: {where}{message}"


def _line(node: yaml.Node, location: tuple[int | str, ...]) -> int:
    """The line of the deepest part of `location` that the file has; for a message of the whole feed, of the column it names."""
    line = node.start_mark.line + 1
    for part in location:
        step = _child(node, part)
        if step is None:
            break
        line, node = step
    return line


def _child(node: yaml.Node, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == part:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None
