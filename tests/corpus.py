"""One broken or odd input, what must become of it, and the check that it does.

Put here: Case, the workspace each case runs in, and everything that holds whatever the input (conservation, no half-written
file, published tables untouched). Keep out: the inputs themselves (faults/test_corpus.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from risk_pipeline.feeds.delivery import Checked, DeliveryReader
from risk_pipeline.pipeline.ingest import IngestResult
from risk_pipeline.settings import Settings
from risk_pipeline.store.register import Delivery, Register
from tests.ingest_support import HEADER, INVOICE_COLUMNS, Bench
from tests.store_world import JANUARY, StoreWorld

Content = str | bytes | Callable[[Path], None]
BEFORE = [HEADER, "OLD1,C1,1/2/2023,10.00,EUR", "OLD2,C2,1/3/2023,5,USD"]


@dataclass(frozen=True)
class Case:
    """An input and what is expected of it: read, with these rows and these rejections, or refused in these words.

    `content`: what the file holds (text is written as UTF-8), or a function that puts something at its path.
    `rows`: every stored row as "line|cell|cell…", the mapped columns in their order, NULL as nothing; None = refused.
    `broken`: every rejection as "line|rule|column|cell". `warnings`: all of them. `counts`: rows filtered, repeated.
    `meanwhile`, `meanwhile_read`: done to the file when it is known but not read yet, and when all of it was read.
    `refused`: parts of the message; with rows, of one delivery among several. `facts`: recorded about the first file.
    `keys`, `source`, `columns`: of the feed YAML (columns are added to the invoice mapping, None takes one out).
    """

    name: str
    content: Content
    rows: tuple[str, ...] | None = None
    broken: tuple[str, ...] = ()
    warnings: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    file: str = "in/data.csv"
    path: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    keys: Mapping[str, Any] = field(default_factory=dict)
    feed: str = "invoice"
    meanwhile: Callable[[Path], None] | None = None
    meanwhile_read: Callable[[Path], None] | None = None

    @property
    def mapping(self) -> dict[str, Any]:
        """The columns of the feed YAML."""
        base = INVOICE_COLUMNS if self.feed == "invoice" else {}
        return {name: spec for name, spec in {**base, **self.columns}.items() if spec is not None}


def make_world(root: Path) -> Path:
    """A workspace with one good delivery of invoices in effect and one published assessment; returns its folder."""
    bench = Bench(root)
    bench.file("before.csv", BEFORE)
    bench.feed(path="before.csv")
    assert bench.one().state == "effective"
    bench.close()
    world = StoreWorld(root)
    world.publish("run-1", JANUARY, {"decision.risk_tier": [{"customer_id": "C1", "tier": "low"}]})
    world.rebuild()
    world.register.close()
    return root


def check(case: Case, world: Path, root: Path) -> None:
    """Deliver the input to a copy of the world and assert everything the case expects, and what holds for every case."""
    shutil.copytree(world, root)
    bench = Bench(root)
    bench.workspace = replace(bench.workspace, settings=Settings(threads=1))
    try:
        _check(case, bench)
    finally:
        bench.close()


def _check(case: Case, bench: Bench) -> None:
    target = bench.workspace.root / case.file
    target.parent.mkdir(parents=True, exist_ok=True)
    if callable(case.content):
        case.content(target)
    else:
        target.write_bytes(case.content.encode() if isinstance(case.content, str) else case.content)
    asserted = {"max_drop_pct": 100} if case.keys.get("delivery", "snapshot") == "snapshot" else {}
    asserted.update(case.keys.get("assertions", {}))
    bench.feed(
        case.feed, case.mapping, case.path or case.file, **{**case.keys, "source": dict(case.source), "assertions": asserted}
    )
    before, lake = _published(bench), _lake(bench)
    earlier = len(bench.register.deliveries())
    with _happening(case, target):
        results = bench.ingest(case.feed)
    assert _published(bench) == before, "an ingest never touches what is published"
    assert not list((bench.workspace.warehouse / "tmp").rglob("*")), "nothing is left behind"
    _check_lake(bench)
    assert [each.delivery for each in results] == bench.register.deliveries()[earlier:]
    if case.refused and case.rows is not None:
        refused = [each for each in results if each.state == "refused"]
        assert len(refused) == 1
        _check_refused(case, refused[0])
        results = [each for each in results if each.state != "refused"]
    if case.rows is None:
        [result] = results
        assert result.state == "refused", f"taken, but expected a refusal: {result.counts} {_stored(bench, case, results)}"
        _check_refused(case, result)
        assert _lake(bench) == lake, "nothing of a refused delivery may reach the lake"
    else:
        told = "\n".join(each.message for each in results)
        assert {each.state for each in results} == {"effective"}, f"refused: {told}"
        _check_taken(case, bench, results)


@contextmanager
def _happening(case: Case, target: Path) -> Iterator[None]:
    """What somebody else does to the file during the ingest, at a moment that is known."""
    read = DeliveryReader.read

    def disturbed(reader: DeliveryReader) -> Iterator[Checked]:
        if case.meanwhile is not None:
            case.meanwhile(target)
        yield from read(reader)
        if case.meanwhile_read is not None:
            case.meanwhile_read(target)

    DeliveryReader.read = disturbed  # type: ignore[method-assign]
    try:
        yield
    finally:
        DeliveryReader.read = read  # type: ignore[method-assign]


def _check_refused(case: Case, result: IngestResult) -> None:
    assert case.refused, f"the case says no word of the refusal: {result.message}"
    for part in case.refused:
        assert part in result.message, result.message
    assert result.remedy, f"no remedy: {result.message}"
    assert "\n" not in result.message, result.message
    assert len(result.message) < 1000, f"nobody reads {len(result.message)} characters"
    assert (result.delivery.rows_stored, result.delivery.part_path) == (0, None)


def _check_taken(case: Case, bench: Bench, results: list[IngestResult]) -> None:
    assert case.rows is not None
    quarantined = _quarantined(bench, results)
    _same("stored rows", sorted(_stored(bench, case, results)), sorted(case.rows), f"rejected: {quarantined}")
    _same("rejections", sorted(told for told, _ in quarantined), sorted(case.broken))
    for told, row in quarantined:
        assert row.startswith("{"), f"the source row is kept with its rejection: {told}"
    for each in results:
        _check_conservation(each.counts)
    total = {name: sum(each.counts[name] for each in results) for name in results[0].counts}
    broken_lines = {told.split("|")[0] for told in case.broken}
    expected = {"rows_filtered": 0, "rows_repeated": 0, **{f"rows_{name}": count for name, count in case.counts.items()}}
    _same("counts", {name: total[name] for name in expected}, expected)
    if len(results) == 1:
        assert total["rows_rejected"] == len(broken_lines)
        # Counted by the case, not by the reader: every row of the input has one of the four fates.
        fates = len(case.rows) + len(broken_lines) + expected["rows_filtered"] + expected["rows_repeated"]
        assert total["rows_read"] == fates
    warnings: dict[str, int] = {}
    for each in results:
        for name, count in each.warnings.items():
            warnings[name] = warnings.get(name, 0) + count
    _same("warnings", warnings, dict(case.warnings))
    for name, value in case.facts.items():
        assert results[0].delivery.files[0].get(name) == value, results[0].delivery.files[0]


def _same(what: str, found: Any, expected: Any, besides: str = "") -> None:
    assert found == expected, f"{what}: found\n{found}\nwhere expected were\n{expected}\n{besides}"[:3000]


def _check_conservation(counts: Mapping[str, int]) -> None:
    kinds = ("rows_filtered", "rows_rejected", "rows_repeated", "rows_unchanged", "rows_stored")
    assert counts["rows_read"] == sum(counts[name] for name in kinds), counts


def _stored(bench: Bench, case: Case, results: list[IngestResult]) -> list[str]:
    names = ["source_line", *case.mapping]
    rows: list[str] = []
    for each in results:
        if each.delivery.part_path:
            table = pq.read_table(bench.store.lake.absolute(each.delivery.part_path), columns=names)
            rows += [_line(row, names) for row in table.to_pylist()]
    return rows


def _quarantined(bench: Bench, results: list[IngestResult]) -> list[tuple[str, str]]:
    names = ["source_line", "rule", "column_name", "value_text", "row_json"]
    found: list[tuple[str, str]] = []
    for each in results:
        if each.delivery.quarantine_path:
            rows = pq.read_table(bench.store.lake.absolute(each.delivery.quarantine_path), columns=names).to_pylist()
            found += [(_line(row, names[:-1]), row["row_json"]) for row in rows]
    return found


def _line(row: Mapping[str, Any], names: list[str]) -> str:
    return "|".join("" if row[name] is None else str(row[name]) for name in names)


def _published(bench: Bench) -> tuple[Any, ...]:
    """What readers see: the catalogue, the published parts, the snapshot they belong to."""
    space = bench.workspace
    parts = sorted(path for path in space.lake.rglob("*") if path.is_file() and "decision" in path.relative_to(space.lake).parts)
    return space.catalogue.read_bytes(), [(path, path.read_bytes()) for path in parts], _snapshot(bench.register)


def _snapshot(register: Register) -> int | None:
    current = register.current_snapshot()
    return None if current is None else current.snapshot_id


def _lake(bench: Bench) -> dict[str, int]:
    """Every file of the lake with the time it was written."""
    lake = bench.workspace.lake
    return {str(path.relative_to(lake)): path.stat().st_mtime_ns for path in lake.rglob("*") if path.is_file()}


def _check_lake(bench: Bench) -> None:
    """Every file in the lake is whole, and one that the register names."""
    for path in (path for path in bench.workspace.lake.rglob("*") if path.is_file()):
        pq.read_metadata(path)
    files = {name for name in _lake(bench) if name.startswith(("feed/", "quarantine/"))}
    _same("files in the lake", files, set().union(*(_files(each) for each in bench.register.deliveries())))


def _files(delivery: Delivery) -> set[str]:
    named = (getattr(delivery, each.name) for each in fields(delivery) if each.name.endswith("_path"))
    return {path for path in named if path}


def parquet(path: Path, **columns: Any) -> None:
    """Write a Parquet file of these columns."""
    pq.write_table(pa.table(columns), path)
