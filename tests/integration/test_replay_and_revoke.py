"""Rejected rows taken in again, deliveries taken back: which version of a key stands, since when, and where it came from."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from risk_pipeline.cli.app import run
from risk_pipeline.cli.remedies import REMEDIES
from risk_pipeline.contracts.rules import meaning
from risk_pipeline.errors import Refused, UsageError
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.ingest import IngestResult, ingest
from risk_pipeline.pipeline.replay_quarantine import replay
from risk_pipeline.pipeline.revoke import Revocation, revoke
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.quarantine import quarantine_states
from risk_pipeline.store.register import Register
from tests.ingest_support import FIRST, HEADER, INVOICE_COLUMNS, Bench
from tests.small_ledger import NOVEMBER, make_small_workspace

DAY = timedelta(days=1)
TYPED = {**INVOICE_COLUMNS, "doc_type": {"from": "type", "lookup": {"RV": "invoice"}}}
MENDED = {**INVOICE_COLUMNS, "doc_type": {"from": "type", "lookup": {"RV": "invoice", "XX": "interest"}}}
OPEN = "invoice_id, amount"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


def deliver(bench: Bench, *rows: str, name: str = "data.csv") -> IngestResult:
    """Deliver invoices as `ID=AMOUNT` (type RV) or `ID=AMOUNT/TYPE`."""
    lines = []
    for each in rows:
        key, _, rest = each.partition("=")
        amount, _, kind = rest.partition("/")
        lines.append(f"{key},C{key},1/2/2024,{amount},EUR,{kind or 'RV'}")
    bench.file(name, [f"{HEADER},type", *lines])
    result = bench.ingest()[-1]
    assert result.state == "effective", result.message
    return result


def again(bench: Bench, number: int | None = None, by: str = "M. Ender") -> list[IngestResult]:
    bench.now += DAY
    return replay(bench.workspace, bench.register, number=number, by=by, now=bench.now)


def take_back(bench: Bench, number: int, by: str = "R. Eviser", reason: str = "wrong month") -> Revocation:
    bench.now += DAY
    return revoke(bench.workspace, bench.register, number, by=by, reason=reason, now=bench.now)


def open_rows(bench: Bench) -> dict[str, Decimal]:
    rows = bench.rows(columns=OPEN, where="open")
    assert len(rows) == len(dict(rows))
    return dict(rows)


def naive(days: int) -> datetime:
    return (FIRST + days * DAY).replace(tzinfo=None)


def counts(result: IngestResult) -> dict[str, int]:
    return {name.removeprefix("rows_"): count for name, count in result.counts.items() if count}


class TestReplay:
    def test_a_mended_lookup_brings_rows_in_with_their_file_and_line(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX", "C=x/XX")
        bench.feed(columns=MENDED)
        [result] = again(bench)
        assert counts(result) == {"read": 2, "rejected": 1, "stored": 1}
        assert bench.rows(columns="invoice_id, source_file, source_line, delivery_id, known_from, known_assumed") == [
            ("A", "data.csv", 2, 1, naive(0), False),
            ("B", "data.csv", 3, 2, naive(1), False),
        ]
        record = bench.register.deliveries()[-1]
        assert (record.delivery_kind, record.origin_delivery_id, record.state) == ("replay", 1, "effective")
        assert quarantine_states(bench.register.deliveries()) == {1: "replayed", 2: "open"}
        assert bench.quarantine("delivery_id, source_line, rule") == [
            (1, 3, "not_in_lookup"), (1, 4, "not_a_number"), (1, 4, "not_in_lookup"), (2, 4, "not_a_number")
        ]  # fmt: skip

    def test_it_stands_in_the_audit_log(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        bench.feed(columns=MENDED)
        again(bench)
        [event] = bench.register.events(action="quarantine.replayed")
        assert (event.actor, event.subject, event.detail["replay"], event.detail["rows_stored"]) == (
            "M. Ender", "delivery 1", 2, 1
        )  # fmt: skip
        assert [each.action for each in bench.register.events()] == ["delivery.effective", "quarantine.replayed"]
        assert bench.register.broken_event() is None

    def test_what_changes_nothing_leaves_nothing(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        before = (bench.register.deliveries(), bench.register.events(), bench.lake_files())
        [result] = again(bench)
        assert (result.state, counts(result)) == ("no_op", {"read": 1, "rejected": 1})
        assert (bench.register.deliveries(), bench.register.events(), bench.lake_files()) == before
        bench.feed(columns=MENDED)
        assert again(bench)[0].state == "effective"
        assert again(bench) == [], "nothing is open any more"
        assert open_rows(bench) == {"A": 1, "B": 2}

    def test_rows_of_a_file_read_anew_under_the_mended_mapping_are_not_replayed(self, bench: Bench) -> None:
        bench.feed(columns=TYPED, delivery="append")
        deliver(bench, "A=1", "B=2/XX")
        bench.feed(columns=MENDED, delivery="append")
        assert counts(bench.one()) == {"read": 2, "unchanged": 1, "stored": 1}
        assert quarantine_states(bench.register.deliveries()) == {1: "superseded"}
        assert again(bench) == []

    def test_rows_of_an_older_snapshot_are_superseded(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        deliver(bench, "A=1", "C=3")
        bench.feed(columns=MENDED)
        assert again(bench) == []
        with pytest.raises(Refused, match="delivery 1 are superseded") as caught:
            again(bench, 1)
        assert "quarantine list" in caught.value.remedy
        take_back(bench, 2)
        assert counts(again(bench, 1)[0]) == {"read": 1, "stored": 1}, "unless the later snapshot is revoked"
        assert open_rows(bench) == {"A": 1, "B": 2}

    def test_what_a_later_delivery_says_about_a_key_stands(self, bench: Bench) -> None:
        bench.feed(columns=TYPED, delivery="upsert", path="in/*.csv")
        deliver(bench, "A=1", "B=1", "C=1", "D=1", name="in/1.csv")
        deliver(bench, "A=2/XX", "B=2/XX", "C=2/XX", "E=2/XX", name="in/2.csv")
        deliver(bench, "A=3", "B=1", name="in/3.csv")
        bench.feed(columns=MENDED, delivery="upsert", path="in/*.csv")
        [result] = again(bench)
        # A was changed and B confirmed later; C gives way to the replayed row, E is new.
        assert counts(result) == {"read": 4, "rejected": 2, "stored": 2, "closed": 1}
        assert open_rows(bench) == {"A": 3, "B": 1, "C": 2, "D": 1, "E": 2}
        own = f"delivery_id = {result.delivery.delivery_id}"
        with_rule = [row for row in bench.quarantine("delivery_id, source_line, rule, value_text") if row[2] == "superseded"]
        assert with_rule == [
            (result.delivery.delivery_id, 2, "superseded", "A"),
            (result.delivery.delivery_id, 3, "superseded", "B"),
        ]
        assert bench.rows(columns="invoice_id, known_from", where=own) == [
            ("C", bench.now.replace(tzinfo=None)), ("E", bench.now.replace(tzinfo=None))
        ]  # fmt: skip

    def test_appended_rows_never_take_the_place_of_others(self, bench: Bench) -> None:
        bench.feed(columns=TYPED, delivery="append", path="in/*.csv")
        deliver(bench, "A=1/XX", "B=1/XX", name="in/1.csv")
        deliver(bench, "A=2", name="in/2.csv")
        bench.feed(columns=MENDED, delivery="append", path="in/*.csv")
        assert counts(again(bench)[0]) == {"read": 2, "rejected": 1, "stored": 1}
        assert open_rows(bench) == {"A": 2, "B": 1}
        assert bench.quarantine("rule, value_text")[-1] == ("duplicate_key", "A")

    def test_a_row_that_its_own_delivery_contradicts_stays_out(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "A=2/XX", "B=1", "B=1/XX")
        bench.feed(columns=MENDED)
        assert counts(again(bench)[0]) == {"read": 2, "rejected": 2}
        assert {row[:2] for row in bench.quarantine("rule, value_text") if row[0] == "duplicate_key"} == {
            ("duplicate_key", "A"), ("duplicate_key", "B")
        }  # fmt: skip

    def test_known_from_follows_the_rule_of_the_feed(self, bench: Bench) -> None:
        bench.feed(columns=TYPED, delivery="upsert", path="in/*.csv", known_at="event_date")
        deliver(bench, "A=1", name="in/1.csv")
        deliver(bench, "A=2/XX", "B=2/XX", name="in/2.csv")
        bench.feed(columns=MENDED, delivery="upsert", path="in/*.csv", known_at="event_date")
        [result] = again(bench)
        own = f"delivery_id = {result.delivery.delivery_id}"
        event = datetime(2024, 1, 2, 23, 59, 59, 999999, UTC).replace(tzinfo=None)
        assert bench.rows(columns="invoice_id, known_from, known_assumed", where=own) == [
            ("A", bench.now.replace(tzinfo=None), False),  # it follows a version that was known: no look-ahead
            ("B", event, True),
        ]

    def test_typed_days_of_a_parquet_file_are_read_as_before(self, bench: Bench) -> None:
        table = pa.table(
            {"id": ["A", "B"], "customer": ["C1", "C2"], "date": pa.array([19724, 19725], pa.date32()),
             "amount": ["1", "2"], "currency": ["EUR", "EUR"], "type": ["RV", "XX"]}
        )  # fmt: skip
        pq.write_table(table, bench.workspace.root / "data.parquet")
        bench.feed(columns=TYPED, path="data.parquet", source={"format": "parquet"})
        bench.one()
        bench.feed(columns=MENDED, path="data.parquet", source={"format": "parquet"})
        assert counts(again(bench)[0]) == {"read": 1, "stored": 1}
        assert bench.rows(columns="invoice_id, CAST(invoice_date AS VARCHAR), source_line") == [
            ("A", "2024-01-02", 1), ("B", "2024-01-03", 2)
        ]  # fmt: skip

    def test_a_mapping_that_names_another_column_refuses_the_replay(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        bench.feed(columns={**TYPED, "due_date": {"from": "due"}})
        [result] = again(bench)
        assert result.state == "refused"
        assert "no column 'due'" in result.message
        assert quarantine_states(bench.register.deliveries())[1] == "open"
        assert open_rows(bench) == {"A": 1}

    def test_unknown_numbers_and_feeds_are_wrong_usage(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1")
        with pytest.raises(UsageError, match="no delivery 7"):
            again(bench, 7)
        with pytest.raises(UsageError, match="payment delivered nothing"):
            replay(bench.workspace, bench.register, feed="payment", now=bench.now)


class TestRevoke:
    def test_a_snapshot_taken_back_reopens_what_it_closed(self, bench: Bench) -> None:
        bench.feed()
        deliver(bench, "A=1", "B=2", "C=3")
        deliver(bench, "A=1", "B=9", "D=4")
        done = take_back(bench, 2)
        assert (done.revoked, done.delivery.rows_closed, done.delivery.rows_stored) == ((2,), 2, 2)
        assert open_rows(bench) == {"A": 1, "B": 2, "C": 3}
        assert bench.rows(columns="invoice_id, source_line, known_from, origin_row_id", where="delivery_id = 3") == [
            ("B", 3, naive(2), (1 << 40) + 1), ("C", 4, naive(2), (1 << 40) + 2)
        ]  # fmt: skip
        assert bench.rows(columns="invoice_id, closed_at", where="delivery_id = 2") == [("B", naive(2)), ("D", naive(2))]

    def test_delivered_again_it_comes_back(self, bench: Bench) -> None:
        bench.feed()
        deliver(bench, "A=1", "B=2")
        deliver(bench, "A=5")
        take_back(bench, 2)
        assert open_rows(bench) == {"A": 1, "B": 2}
        assert bench.one().state == "effective", "a revoked delivery is no reason to pass the file over"
        assert open_rows(bench) == {"A": 5}
        assert bench.ingest()[-1].state == "no_op"
        versions = bench.rows(columns="amount, known_from, closed_at", where="invoice_id = 'A'")
        assert versions == [
            (1, naive(0), naive(1)), (5, naive(1), naive(2)), (1, naive(2), naive(3)), (5, naive(3), None)
        ]  # fmt: skip

    def test_an_older_snapshot_taken_back_changes_nothing_that_the_newest_says(self, bench: Bench) -> None:
        bench.feed()
        deliver(bench, "A=1", "B=1")
        deliver(bench, "A=2")
        deliver(bench, "A=2", "C=3")
        done = take_back(bench, 2)
        assert open_rows(bench) == {"A": 2, "C": 3}
        assert (done.delivery.rows_closed, done.delivery.rows_stored) == (1, 1), "A is a copy: no open row is of delivery 2"
        take_back(bench, 3)
        assert open_rows(bench) == {"A": 1, "B": 1}

    def test_the_rows_of_an_upsert_give_way_to_the_version_before(self, bench: Bench) -> None:
        bench.feed(delivery="upsert", path="in/*.csv")
        deliver(bench, "A=1", "B=1", "C=1", name="in/1.csv")
        deliver(bench, "A=2", "B=2", "C=2", "D=2", name="in/2.csv")
        deliver(bench, "B=3", "C=2", name="in/3.csv")
        take_back(bench, next(d.delivery_id for d in bench.register.deliveries() if d.files[0]["name"] == "in/2.csv"))
        assert open_rows(bench) == {"A": 1, "B": 3, "C": 2}, "C was delivered again since"

    def test_a_key_the_snapshot_could_not_read_goes_back_further(self, bench: Bench) -> None:
        bench.feed(assertions={"max_drop_pct": 100})
        deliver(bench, "A=1", "B=1")
        deliver(bench, "A=2", "B=oops")
        deliver(bench, "A=3", "B=3")
        take_back(bench, 3)
        assert open_rows(bench) == {"A": 2, "B": 1}

    def test_its_replays_go_with_it(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        bench.feed(columns=MENDED)
        again(bench)
        assert take_back(bench, 1).revoked == (1, 2)
        assert open_rows(bench) == {}
        assert quarantine_states(bench.register.deliveries()) == {1: "revoked"}

    def test_a_replay_alone_can_be_taken_back_and_its_rows_are_open_again(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX", "C=2/YY")
        bench.feed(columns=MENDED)
        again(bench)
        bench.feed(columns={**MENDED, "doc_type": {"from": "type", "otherwise": "keep", "lookup": {"YY": "interest"}}})
        again(bench)
        with pytest.raises(Refused, match="delivery 3 did so after it"):
            take_back(bench, 2)
        take_back(bench, 3)
        take_back(bench, 2)
        assert open_rows(bench) == {"A": 1}
        assert quarantine_states(bench.register.deliveries())[1] == "open"

    def test_compaction_changes_nothing_a_revocation_does(self, tmp_path: Path) -> None:
        found = []
        for name, parts in (("many", 100), ("one", 1)):
            bench = Bench(tmp_path / name)
            bench.feed(delivery="upsert")
            numbers = []
            for number in range(4):
                numbers.append(deliver(bench, f"K={number}", f"N{number}=1").delivery.delivery_id)
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("risk_pipeline.store.feed_store.MAX_PARTS", parts)
                    bench.store.compact("invoice", bench.workspace.warehouse, FIRST)
            take_back(bench, numbers[3])
            take_back(bench, numbers[1])
            found.append(bench.rows(columns="invoice_id, amount, known_from, closed_at, source_line"))
            assert open_rows(bench) == {"K": 2, "N0": 1, "N2": 1}
            bench.close()
        assert sorted(found[0], key=str) == sorted(found[1], key=str)

    def test_it_stands_in_the_audit_log_and_the_catalogue(self, bench: Bench) -> None:
        bench.feed(columns=TYPED)
        deliver(bench, "A=1", "B=2/XX")
        deliver(bench, "A=2", "C=x")
        take_back(bench, 2)
        [event] = bench.register.events(action="delivery.revoked")
        assert (event.actor, event.subject, event.detail["reason"]) == ("R. Eviser", "delivery 2", "wrong month")
        assert bench.register.broken_event() is None
        build_catalogue(bench.workspace.catalogue, bench.store.lake, bench.register)
        with duckdb.connect(bench.workspace.catalogue, read_only=True) as con:
            assert con.execute("SELECT invoice_id, amount FROM feed.invoice").fetchall() == [("A", Decimal("1.00"))]
            assert con.execute("SELECT delivery_id, quarantine_state FROM audit.quarantine ORDER BY 1").fetchall() == [
                (1, "open"), (2, "revoked")
            ]  # fmt: skip
            assert con.execute("SELECT delivery_id, state, delivery_kind, origin_delivery_id FROM audit.delivery").fetchall() == [
                (1, "effective", "source", None), (2, "revoked", "source", None), (3, "effective", "revocation", 2)
            ]  # fmt: skip

    @pytest.mark.parametrize(
        ("number", "by", "reason", "error", "said"),
        [
            (9, "R", "x", UsageError, "no delivery 9"),
            (1, " ", "x", UsageError, "--by is empty"),
            (1, "R", "", UsageError, "--reason is empty"),
            (2, "R", "x", Refused, "no-op, not in effect"),
            (3, "R", "x", Refused, "revoked, not in effect"),
            (4, "R", "x", Refused, "itself a revocation"),
        ],
    )
    def test_what_cannot_be_taken_back(
        self, bench: Bench, number: int, by: str, reason: str, error: type[Exception], said: str
    ) -> None:
        bench.feed()
        deliver(bench, "A=1")
        bench.ingest()
        deliver(bench, "A=2")
        take_back(bench, 3)
        before = bench.rows(columns="row_id, closed_at")
        with pytest.raises(error, match=said):
            take_back(bench, number, by, reason)
        assert bench.rows(columns="row_id, closed_at") == before

    def test_one_list_taken_back_leaves_the_others_of_its_feed(self, bench: Bench) -> None:
        columns = {"entity_id": {"from": "id"}, "listed_date": {"value": "2020-01-01"}, "name": {"from": "name"}}
        for source in ("EU", "UN"):
            path = bench.feed(
                "sanctions_entity",
                {"source": {"value": source}, **columns},
                path=f"{source}.csv",
                assertions={"max_drop_pct": 100},
            )
            path.rename(path.with_name(f"{source}.yaml"))
        bench.file("EU.csv", ["id,name", "1,Ann", "2,Bob"])
        bench.file("UN.csv", ["id,name", "1,Cid"])
        assert {each.state for each in bench.ingest()} == {"effective"}
        bench.file("EU.csv", ["id,name", "1,Ann"])
        changed = next(each for each in bench.ingest() if each.state == "effective")
        bench.file("UN.csv", ["id,name", "1,Cid", "2,Dan"])
        bench.ingest()
        take_back(bench, changed.delivery.delivery_id)
        assert bench.rows("sanctions_entity", "source, name", "open AND true") == [
            ("EU", "Ann"), ("UN", "Cid"), ("UN", "Dan"), ("EU", "Bob")
        ]  # fmt: skip


@pytest.mark.parametrize("step", ["replay", "revoke"])
def test_what_fails_before_it_is_recorded_leaves_everything_as_it_was(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    bench.feed(columns=TYPED)
    deliver(bench, "A=1", "B=2/XX")
    bench.feed(columns=MENDED)
    before = (bench.lake_files(), bench.register.deliveries(), bench.register.events(), bench.rows())

    def disk_full(*_: object) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("risk_pipeline.store.register.events.append", disk_full)
        with pytest.raises(OSError, match="no space"):
            again(bench) if step == "replay" else take_back(bench, 1)
    after = (bench.register.deliveries(), bench.register.events(), bench.rows())
    assert after == before[1:]
    if step == "revoke":
        assert bench.lake_files() == before[0]
    assert (again(bench)[0].state if step == "replay" else take_back(bench, 1).delivery.state) == "effective"


class TestRuns:
    def test_a_run_sees_what_was_known_at_its_time_before_and_after(self, tmp_path: Path) -> None:
        workspace = Workspace.load(make_small_workspace(tmp_path / "ledger"))
        workspace.warehouse.mkdir()
        file = workspace.root / "data" / "invoices.csv"
        whole = file.read_text(encoding="utf-8")
        with Register.open(workspace.register_url) as register:
            ingest(workspace, register, now=datetime.now(UTC))
            file.write_text("".join(line for line in whole.splitlines(True) if ",C3," not in line), encoding="utf-8")
            wrong = next(e for e in ingest(workspace, register, now=datetime.now(UTC)) if e.state == "effective")
            with_it = datetime.now(UTC)
            done = revoke(
                workspace, register, wrong.delivery.delivery_id, by="R", reason="a customer is missing", now=datetime.now(UTC)
            )
            manifests, owed = [], []
            for known_at in (with_it, datetime.now(UTC)):
                assessed = register.run(
                    assess(workspace, register, as_of=NOVEMBER, known_at=known_at, now=datetime.now(UTC)).run_id
                )
                assert assessed is not None
                manifests.append({each["delivery_id"] for each in assessed.manifest["deliveries"]})
                with duckdb.connect(workspace.catalogue, read_only=True) as con:
                    owed += con.execute("SELECT n_open_invoices FROM factor.exposure WHERE customer_id = 'C3'").fetchall()
            assert owed == [(0,), (4,)], "invoices of August to November"
            assert [wrong.delivery.delivery_id in each for each in manifests] == [True, False]
            assert (done.delivery.rows_closed, done.delivery.rows_stored) == (0, whole.count(",C3,"))
            assert done.dates == (), "nothing was published when it was revoked"


class TestCommands:
    """What a user types and reads."""

    @pytest.fixture
    def root(self, bench: Bench) -> Path:
        (bench.workspace.root / "risk.yaml").write_text("language: en\nreporting_currency: EUR\n", encoding="utf-8")
        bench.feed(columns={**TYPED, "order_id": {"from": "note"}})
        bench.file(
            "data.csv",
            [
                f"{HEADER},type,note,合同",
                "A,C1,1/2/2024,1,EUR,RV,,",
                'B,C1,1/2/2024,2,EUR,XX,=1+1,"@甲"',
                "C,C1,1/2/2024,-5,ECU,XX,-5,+x",
                "D,C1,1/2/2024,4,EUR,XX,\t=x,y",
            ],
        )
        bench.one()
        return bench.workspace.root

    def command(self, root: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
        code = run(["-w", str(root), *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    def test_by_rule_counts_shows_one_and_says_what_to_do(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, _ = self.command(root, capsys, "quarantine", "list", "--by-rule")
        assert code == 0
        assert out.splitlines()[:4] == [
            "invoice doc_type  not_in_lookup  3 rows",
            "  a code the lookup does not name",
            "  for example data.csv:3: XX",
            "  -> add the code to `lookup`, then: quarantine replay",
        ]
        _, out, _ = self.command(root, capsys, "quarantine", "list", "--by-rule", "--json")
        assert [(each["rule"], each["rows"]) for each in json.loads(out)["groups"]] == [
            ("not_in_lookup", 3), ("unknown_currency", 1)
        ]  # fmt: skip

    def test_every_rule_that_rejects_has_a_meaning_in_both_languages(self) -> None:
        assert [rule for rule in REMEDIES if meaning(rule) == rule or meaning(rule, "zh") == rule] == []

    @pytest.mark.parametrize("ending", ["csv", "xlsx"])
    def test_an_export_holds_the_source_rows_and_no_formula(
        self, root: Path, capsys: pytest.CaptureFixture[str], ending: str
    ) -> None:
        file = root / f"rejected.{ending}"
        assert self.command(root, capsys, "quarantine", "export", str(file), "--feed", "invoice")[0] == 0
        if ending == "csv":
            assert file.read_bytes().startswith(b"\xef\xbb\xbf"), "or a spreadsheet takes Chinese for something else"
            rows = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
        else:
            header, *cells = CalamineWorkbook.from_path(file).get_sheet_by_name("invoice").to_python()
            rows = [dict(zip(header, each, strict=True)) for each in cells]
        assert [(row["rule"], int(row["source_line"]), row["id"]) for row in rows] == [
            ("not_in_lookup", 3, "B"), ("not_in_lookup", 4, "C"), ("unknown_currency", 4, "C"), ("not_in_lookup", 5, "D")
        ]  # fmt: skip
        assert [row["note"] for row in rows] == ["'=1+1", "-5", "-5", "'\t=x"], "a number is no formula"
        assert [row["合同"] for row in rows] == ["'@甲", "'+x", "'+x", "y"]
        code, _, err = self.command(root, capsys, "quarantine", "export", str(file))
        assert code == 2
        assert "is there already" in err

    def test_replay_list_and_revoke(self, root: Path, bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
        bench.feed(columns={**MENDED, "order_id": {"from": "note"}})
        code, out, _ = self.command(root, capsys, "quarantine", "replay", "--by", "M. Ender")
        assert (code, out.splitlines()[2].split()) == (0, ["invoice", "1", "2", "3", "2", "0", "1", "0"])
        assert "--by-rule" in out
        _, out, _ = self.command(root, capsys, "quarantine", "list", "--json")
        assert [(row["source_line"], row["rule"]) for row in json.loads(out)["rows"]] == [(4, "unknown_currency")]
        _, out, _ = self.command(root, capsys, "quarantine", "list", "--all", "--json")
        assert len(json.loads(out)["rows"]) == 5
        code, out, _ = self.command(root, capsys, "delivery", "revoke", "1", "--by", "R", "--reason", "wrong file")
        assert code == 0
        assert "delivery 1 with its replays 2 revoked by R" in out
        _, out, _ = self.command(root, capsys, "delivery", "list")
        assert [line.split()[:2] for line in out.splitlines()[2:]] == [["3", "invoice"], ["2", "invoice"], ["1", "invoice"]]
        assert max(map(len, out.splitlines())) <= 80
        code, _, err = self.command(root, capsys, "delivery", "revoke", "1", "--by", "R", "--reason", "wrong file")
        assert (code, "revoked, not in effect" in err) == (3, True)
        assert self.command(root, capsys, "quarantine", "list")[1] == "no rejected row is open\n"
        assert self.command(root, capsys, "quarantine", "export", str(root / "q.csv"))[1] == "no rejected row is open\n"
        assert self.command(root, capsys, "quarantine", "replay")[1] == "no rejected row is open\n"

    def test_another_ending_is_wrong_usage(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert self.command(root, capsys, "quarantine", "export", "rejected.txt")[0] == 2
