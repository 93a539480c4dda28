"""The files of an evidence pack: pages, tables, JSON and their hashes, as bytes by name.

Put here: which files a pack has, their form, writing them as a folder or a zip. Keep out: gathering (pipeline.evidence), the look
of the pages (templates/), their words (words.py).

A pack is the same bytes for the same content: no clock, no name of a machine, members of the zip in order and of one date.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from risk_pipeline.contracts import TABLES
from risk_pipeline.errors import RiskError, UsageError
from risk_pipeline.reporting import told
from risk_pipeline.reporting.forms import cell, csv_text, json_text
from risk_pipeline.reporting.people import Labels, decisions
from risk_pipeline.reporting.phrases import ONES, One
from risk_pipeline.reporting.words import Language, code, said, sentence, word

if TYPE_CHECKING:
    from jinja2 import Environment

Files = dict[str, bytes]  # by path within the pack, with forward slashes
Row = Mapping[str, Any]

SUMS = "SHA256SUMS"
SHOWN = 60  # rows of a table on a page; all of them are in its CSV
SMALL = 0.1  # two decimals would hide what a smaller number says
UNITS = ("days", "months", "years", "times")  # those that a figure does not speak for itself without
ZIP_DATE = (1980, 1, 1, 0, 0, 0)
ZIP_MODE = 0o644 << 16


@dataclass(frozen=True)
class Listing:
    """Rows with the names of their columns."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]

    def csv(self) -> bytes:
        return csv_text(self.columns, self.rows).encode()


def customer_files(
    *,
    language: Language,
    memo: Row,
    sources: Sequence[Row],
    rows: Mapping[str, Listing],
    people: Mapping[str, Sequence[Row]],
    group: Listing,
    labels: Labels,
    deliveries: Sequence[Row],
    checks: Sequence[Row],
    manifest: bytes,
    record: Row,
    events: Sequence[Row],
    behind: Mapping[str, Sequence[str]],
    drawing: str,
) -> Files:
    """The credit file of one customer. `sources`: the feed rows with their places; `rows`: what they say, by feed; `people`:
    those of them that somebody decided; `group`: the members of its group, none where it stands alone; `labels`: what the policy
    calls its tiers, roles, reason codes and rules; `behind`: the columns of feeds and keys of the policy whose values the limit
    is made of, by table; `drawing`: the same as an SVG document.
    """
    files = _common(record, manifest, checks, deliveries, events)
    files["credit_file.json"] = json_text(memo).encode()
    files["sources.csv"] = _csv(sources)
    files["lineage.svg"] = drawing.encode()
    for name in ("contributions", "candidates", "securities", "course", "warnings", "treatments", "open_items", "rejected_rows"):
        if memo[name]:
            files[f"tables/{name}.csv"] = _csv(memo[name])
    if group.rows:
        files["tables/group.csv"] = group.csv()
    files |= {f"rows/{feed}.csv": listing.csv() for feed, listing in rows.items()}
    return _with_page(
        files,
        "credit_file.html.j2",
        language,
        memo=memo,
        sources=sources,
        decided={one: list(decisions(people, events, labels, one)) for one in ONES},
        sentences=_sentences(memo),
        group=group.records(),
        labels=labels,
        behind=behind,
        deliveries=deliveries,
        checks=checks,
        record=record,
        events=events,
        drawing=_inline(drawing),
    )


def run_files(
    *,
    language: Language,
    record: Row,
    tiers: Listing,
    changes: Listing,
    by_hand: Listing,
    portfolio: Listing,
    labels: Labels,
    checks: Sequence[Row],
    tables: Sequence[Row],
    deliveries: Sequence[Row],
    manifest: bytes,
    events: Sequence[Row],
) -> Files:
    """The evidence of one published run."""
    files = _common(record, manifest, checks, deliveries, events)
    files["tiers.csv"] = tiers.csv()
    files["changes.csv"] = changes.csv()
    files["by_hand.csv"] = by_hand.csv()
    files["portfolio.csv"] = portfolio.csv()
    files["tables.csv"] = _csv(tables)
    return _with_page(
        files,
        "run.html.j2",
        language,
        record=record,
        tiers=tiers.records(),
        changes=changes.records(),
        by_hand=by_hand.records(),
        hand_lines=[[{one: line(one) for one in ONES} for line in told.standing(row)] for row in by_hand.records()],
        portfolio=portfolio.records(),
        labels=labels,
        checks=checks,
        tables=tables,
        deliveries=deliveries,
        events=events,
    )


def write_pack(files: Files, to: Path) -> None:
    """Write a pack as a new folder, or as a zip when the name ends so. UsageError when something is there already."""
    if to.exists():
        raise UsageError(f"{to} is there already", remedy="name another folder or file, or remove that one")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        if to.suffix.lower() == ".zip":
            to.write_bytes(zipped(files))
            return
        for name, content in files.items():
            path = to / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as exc:
        raise RiskError(f"{to} cannot be written: {exc.strerror}", remedy="name a place you may write to") from None


def zipped(files: Files) -> bytes:
    """A pack as a zip: members in the order of their names, all of one date."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, ZIP_DATE)
            member.create_system = 3  # whatever system it is made on
            member.external_attr = ZIP_MODE
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[name])
    return written.getvalue()


def _common(record: Row, manifest: bytes, checks: Sequence[Row], deliveries: Sequence[Row], events: Sequence[Row]) -> Files:
    return {
        "run.json": json_text(record).encode(),
        "manifest.json": manifest,
        "checks.csv": _csv(checks),
        "deliveries.csv": _csv(deliveries),
        "events.json": json_text(events).encode(),
    }


def _with_page(files: Files, template: str, language: Language, **content: Any) -> Files:
    """The pack with its page, which names all files, and their hashes."""
    names = sorted([*files, "index.html"])
    context = {
        "lang": {"en": "en", "zh": "zh-CN", "both": "en"}[language],
        "w": partial(word, language=language),
        "s": partial(sentence, language=language),
        "t": partial(_told, language),
        "c": partial(_code, language),
        "both": partial(_both, language),
        "figure": partial(_figure, language),
        "feed_name": partial(_feed_name, language),
        "shown": SHOWN,
        "files": names,
    }
    page = _templates().get_template(template).render(**context, **content)
    done = {**files, "index.html": page.encode()}
    sums = "".join(f"{hashlib.sha256(done[name]).hexdigest()}  {name}\n" for name in sorted(done))
    return {**done, SUMS: sums.encode()}


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("risk_pipeline.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.tests["duty"] = _is_duty
    made.filters["cell"] = cell
    made.filters["key"] = _key
    made.filters["utc"] = _utc
    made.filters["short"] = _short
    return made


def _told(language: Language, texts: Row | None) -> str:
    """A text that data brings as {"en": ..., "zh": ...}."""
    return said(texts.get("en"), texts.get("zh"), language) if texts else ""


def _is_duty(check: str) -> bool:
    return check.startswith("duty_")


def _key(values: Row) -> str:
    return ", ".join(cell(value) for value in values.values())


def _utc(moment: datetime | None) -> str:
    """A moment in UTC, to the second, without saying the zone: the head of its column does."""
    return "" if moment is None else cell(moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment)


def _code(language: Language, name: str | None) -> str:
    """A code in words."""
    return said(code(name, "en"), code(name, "zh"), language)


def _both(language: Language, texts: Mapping[One, str]) -> str:
    return said(texts["en"], texts["zh"], language)


def _feed_name(language: Language, feed: str) -> str:
    contract = TABLES[f"feed.{feed}"]
    return said(contract.en, contract.zh, language)


def _sentences(memo: Row) -> dict[str, list[dict[One, str]]]:
    """What the memo says in sentences: by subject, in both languages."""
    tier, limit, searched = memo["tier"], memo["limit"], memo["due_diligence"]
    lines: dict[str, list[told.Said]] = {
        "decided": [partial(told.decided, tier)],
        "state": [partial(told.in_state, tier)] if tier["state"] else [],
        "default": [partial(told.in_default, tier)] if tier["in_default"] else [],
        "limit": [partial(told.limit_reason, tier, limit)] if memo["candidates"] else [],
        "sanctions": [partial(told.sanctions, searched)] if told.screened(searched) else [],
        "overrides": list(told.overrides(tier, limit, memo["as_of"])),
    }
    return {subject: [{one: line(one) for one in ONES} for line in said_] for subject, said_ in lines.items()}


def _figure(language: Language, row: Row) -> str:
    """The value of a factor or fact with its unit: ratios as percent, two decimals at most, a code in words."""
    value = row["value"] if row.get("value_text") is None else row["value_text"]
    if value is None:
        return "-"
    if row["unit"] == "ratio":
        return f"{value:.1%}"
    if isinstance(value, str):
        return _code(language, value)
    shown = _short(value) if isinstance(value, float) else cell(value)
    return f"{shown} {word(row['unit'], language)}" if row["unit"] in UNITS else shown


def _short(value: Any) -> Any:
    """A number as people read it: two decimals at most, small ones with three figures that count. Other values as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return f"{value:.3g}" if 0 < abs(value) < SMALL else f"{value:,.2f}".removesuffix("00").rstrip(".")


def _inline(drawing: str) -> Any:
    """A drawing as a part of a page: scaled to its width, and without the address of its namespace, which HTML does not need.

    Safe as it is: lineage.drawing escapes every text.
    """
    from markupsafe import Markup

    return Markup(drawing.replace(' xmlns="http://www.w3.org/2000/svg"', "", 1))


def _csv(rows: Iterable[Row]) -> bytes:
    held = list(rows)
    columns = list(dict.fromkeys(name for row in held for name in row))
    return csv_text(columns, ([row.get(name) for name in columns] for row in held)).encode()
