"""Any sequence of deliveries, replays and revocations: what was known at each moment is what a plain model says, for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.engine.asof import create_asof_views
from risk_pipeline.errors import Refused
from risk_pipeline.pipeline.replay_quarantine import replay
from risk_pipeline.pipeline.revoke import revoke
from risk_pipeline.store.quarantine import quarantine_states
from tests.ingest_support import FIRST, INVOICE_COLUMNS, Bench

HEADER = "id,customer,date,amount,currency,type"
CODES = {"A": "invoice", "B": "debit_note", "C": "interest", "D": "retention"}
# Few keys and codes: what matters is that the same key is said again, differently or not.
ROWS = st.lists(st.tuples(st.sampled_from("KLM"), st.sampled_from("ABABC")), min_size=1, max_size=3, unique_by=lambda row: row[0])
CLASHING = st.lists(st.tuples(st.sampled_from("KLM"), st.sampled_from("ABCD")), max_size=4)
WHICH = st.integers(0, 9)
STEP = st.one_of(
    st.tuples(st.just("deliver"), ROWS),
    st.tuples(st.just("deliver"), CLASHING),
    st.tuples(st.just("again"), WHICH),
    st.tuples(st.just("mend"), st.sampled_from("CD")),
    st.tuples(st.just("replay"), st.none() | WHICH),
    st.tuples(st.just("revoke"), WHICH),
)
# Three deliveries are what it takes for one to matter that is neither the first nor the last.
STEPS = st.tuples(
    st.lists(st.tuples(st.just("deliver"), ROWS), min_size=3, max_size=3), st.lists(STEP, min_size=2, max_size=5)
).map(lambda parts: [*parts[0], *parts[1]])

Row = tuple[str, str]
State = dict[str, str]


@dataclass
class Said:
    """What one delivery, with its replays, says: versions of keys, first its own, then each replay's; keys it holds; rows still
    rejected after each (file line -> row).
    """

    number: int
    rows: tuple[Row, ...]
    knows: frozenset[str]
    mode: str
    claims: list[State] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    rejected: list[dict[int, Row]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def merged(self) -> State:
        return {key: code for each in self.claims for key, code in each.items()}


class Model:
    """The feed as a list of what was said, added up anew after every step."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.said: list[Said] = []

    def state(self, said: Sequence[Said] | None = None) -> State:
        current: State = {}
        for each in self.said if said is None else said:
            if each.mode == "snapshot":
                current = {key: code for key, code in current.items() if key in each.held}
            current |= each.merged()
        return current

    def deliver(self, number: int, rows: tuple[Row, ...], knows: frozenset[str]) -> None:
        said = Said(number, rows, knows, self.mode, numbers=[number])
        before, versions = self.state(), {key: {c for k, c in rows if k == key and c in knows} for key, _ in rows}
        good: State = {}
        rejected: dict[int, Row] = {}
        first: set[Row] = set()
        for line, (key, code) in enumerate(rows, 2):
            clash = self.mode == "append" and before.get(key, code) != code
            if code not in knows:
                rejected[line] = (key, code)
                said.held.add(key)
            elif len(versions[key]) > 1 or clash:
                if (key, code) not in first:  # a further copy of a row is repeated, not rejected
                    rejected[line] = (key, code)
                said.held.add(key)
            else:
                good[key] = code
            first.add((key, code)) if code in knows else None
        said.claims.append(good)
        said.rejected.append(rejected)
        self.said.append(said)

    def is_same(self, rows: tuple[Row, ...], knows: frozenset[str]) -> bool:
        candidates = self.said[-1:] if self.mode == "snapshot" else self.said
        return any(each.rows == rows and each.knows == knows for each in candidates)

    def is_open(self, said: Said) -> bool:
        later = self.said[self.said.index(said) + 1 :]
        return bool(said.rejected[-1]) and not any(self.mode == "snapshot" or each.rows == said.rows for each in later)

    def replay(self, said: Said, number: int, knows: frozenset[str]) -> bool:
        """Whether anything changed."""
        at = self.said.index(said)
        current, later = self.state(), self.said[at + 1 :]
        rows = said.rejected[-1]
        versions = {key: {c for k, c in rows.values() if k == key and c in knows} for key, _ in rows.values()}
        good: State = {}
        rejected: dict[int, Row] = {}
        first: set[Row] = set()
        for line, (key, code) in rows.items():
            if code not in knows:
                rejected[line] = (key, code)
                continue
            repeated, _ = (key, code) in first, first.add((key, code))
            if len(versions[key]) > 1:
                if not repeated:
                    rejected[line] = (key, code)
                continue
            if repeated:
                continue
            said_about = key in said.merged() or any(key in each.merged() for each in later)
            stands = key in current if self.mode == "append" else said_about
            if stands and current.get(key) != code:
                rejected[line] = (key, code)
            else:
                good[key] = code
        said.claims.append(good)
        said.rejected.append(rejected)
        said.numbers.append(number)
        return len(rejected) < len(rows)


class World:
    """The real feed and the model, side by side."""

    def __init__(self, folder: Path, mode: str) -> None:
        self.bench = Bench(folder)
        self.model = Model(mode)
        self.mode = mode
        self.knows = frozenset("AB")
        self.files: list[tuple[Row, ...]] = []
        self.known: list[tuple[datetime, State]] = []
        self.now = FIRST
        self.write_feed()

    def write_feed(self) -> None:
        self.bench.feed(
            delivery=self.mode,
            columns={**INVOICE_COLUMNS, "doc_type": {"from": "type", "lookup": {c: CODES[c] for c in sorted(self.knows)}}},
            assertions={"max_drop_pct": 100} if self.mode == "snapshot" else {},
        )

    def step(self, kind: str, what: object) -> None:
        self.now = self.now.replace(day=self.now.day + 1)
        getattr(self, kind)(what)
        self.known.append((self.now, self.model.state()))
        self.check_quarantine()

    def deliver(self, rows: Sequence[Row]) -> None:
        content = tuple(rows)
        self.files.append(content)
        self.bench.file("data.csv", [HEADER, *(f"{key},C{key},1/2/2024,1,EUR,{code}" for key, code in content)])
        same = self.model.is_same(content, self.knows)
        results = self.bench.ingest(now=self.now)
        assert [each.state for each in results if each.state != "no_op"] == ([] if same else ["effective"])
        if not same:
            self.model.deliver(results[0].delivery.delivery_id, content, self.knows)

    def again(self, which: int) -> None:
        if self.files:
            self.deliver(self.files[which % len(self.files)])

    def mend(self, code: str) -> None:
        self.knows |= {code}
        self.write_feed()

    def replay(self, which: int | None) -> None:
        families = [each for each in self.model.said if self.model.is_open(each)]
        number = None if which is None or not self.model.said else self.model.said[which % len(self.model.said)].number
        if number is not None:
            families = [each for each in families if number == each.number]
        try:
            results = replay(self.bench.workspace, self.bench.register, number=number, now=self.now)
        except Refused:
            assert not families
            return
        assert [each.delivery.origin_delivery_id for each in results] == [each.number for each in families]
        for said, result in zip(families, results, strict=True):
            counts = result.counts
            kinds = ("filtered", "rejected", "repeated", "unchanged", "stored")
            assert counts["rows_read"] == sum(counts[f"rows_{name}"] for name in kinds), counts
            assert counts["rows_read"] == len(said.rejected[-1]), (counts, said)
            changed = self.model.replay(said, result.delivery.delivery_id, self.knows)
            if result.state == "no_op":
                assert not changed
                del said.claims[-1], said.rejected[-1], said.numbers[-1]

    def revoke(self, which: int) -> None:
        numbers = [number for each in self.model.said for number in {each.numbers[0], each.numbers[-1]}]
        if not numbers:
            return
        number = sorted(numbers)[which % len(numbers)]
        said = next(each for each in self.model.said if number in each.numbers)
        revoke(self.bench.workspace, self.bench.register, number, by="R. Eviser", reason="wrong file", now=self.now)
        if number == said.number:
            self.model.said.remove(said)
        else:
            del said.claims[-1], said.rejected[-1], said.numbers[-1]

    def check_quarantine(self) -> None:
        """The open rows, less those that a later delivery says more about, are those the model holds."""
        deliveries = self.bench.register.deliveries()
        states = quarantine_states(deliveries)
        found = {(number, line) for number, line in self.bench.quarantine("delivery_id, source_line") if states[number] == "open"}
        assert found == {
            (each.numbers[-1], line) for each in self.model.said if self.model.is_open(each) for line in each.rejected[-1]
        }

    def check_history(self) -> None:
        paths, closures = self.bench.store.history("invoice")

        @dataclass
        class Parts:
            paths: Sequence[Path]
            closure_paths: Sequence[Path]

        with duckdb.connect() as con:
            for known_at, expected in self.known:
                create_asof_views(
                    con,
                    {"invoice": Parts(paths, closures)},
                    as_of=date(2025, 1, 1),
                    known_at=known_at,
                    zone=ZoneInfo("UTC"),
                    last_delivery=10**6,
                )
                rows = con.execute("SELECT invoice_id, doc_type FROM feed.invoice").fetchall()
                assert len(rows) == len(dict(rows)), "one version of a key at a time"
                assert dict(rows) == {key: CODES[code] for key, code in expected.items()}, known_at
        gone = {each.delivery_id for each in self.bench.register.deliveries() if each.state == "revoked"}
        assert not gone & {row[0] for row in self.bench.rows(columns="delivery_id", where="open")}
        assert self.bench.register.broken_event() is None


@given(STEPS, st.sampled_from(["snapshot", "upsert", "append"]))
@settings(max_examples=8, deadline=None)
def test_what_was_known_at_each_moment_is_what_the_model_says(steps: list[tuple[str, object]], mode: str) -> None:
    with TemporaryDirectory() as folder:
        world = World(Path(folder), mode)
        for kind, what in steps:
            world.step(kind, what)
        world.check_history()
        world.bench.close()
