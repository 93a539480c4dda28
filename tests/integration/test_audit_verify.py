"""Whatever is changed in the lake, the register or the log is found and named; and nothing else is."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from risk_pipeline.cli.app import run
from risk_pipeline.errors import RiskError
from risk_pipeline.pipeline.assess import assess
from risk_pipeline.pipeline.audit_verify import Finding, Head, Verification, head_of, verify
from risk_pipeline.pipeline.ingest import ingest
from risk_pipeline.pipeline.revoke import revoke
from risk_pipeline.pipeline.run import DECIDE_TABLES, FACTOR_TABLES
from risk_pipeline.policy.load import DEFAULT_POLICY
from risk_pipeline.settings import Workspace
from risk_pipeline.store.catalogue import build_catalogue
from risk_pipeline.store.lake import Lake, file_sha256
from risk_pipeline.store.register import RecordedEvent, Register
from risk_pipeline.store.register.events import event_hash
from tests.small_ledger import DECEMBER, make_small_workspace

pytestmark = pytest.mark.slow

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def assessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small ledger: payments delivered twice and compacted, the last time taken back, and one date published twice."""
    root = make_small_workspace(tmp_path_factory.mktemp("verify") / "workspace")
    workspace = Workspace.load(root)
    workspace.warehouse.mkdir()
    payments = root / "data" / "payments.csv"
    with Register.open(workspace.register_url) as register, pytest.MonkeyPatch.context() as patch:
        patch.setattr("risk_pipeline.store.feed_store.MAX_PARTS", 1)
        ingest(workspace, register, now=datetime.now(UTC))
        assess(workspace, register, as_of=DECEMBER, now=datetime.now(UTC), by="lena")
        payments.write_text("".join(payments.read_text("utf-8").splitlines(keepends=True)[:-3]), "utf-8")
        ingest(workspace, register, now=datetime.now(UTC))
        newest = register.source_deliveries("payment")[-1].delivery_id
        revoke(workspace, register, newest, by="lena", reason="three payments are missing", now=datetime.now(UTC))
        assess(workspace, register, as_of=DECEMBER, now=datetime.now(UTC), by="lena")
    with sqlite3.connect(workspace.warehouse / "register.db") as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return root


@pytest.fixture
def root(assessed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(assessed, tmp_path / "elsewhere"))


def verified(root: Path, exported: Head | None = None) -> Verification:
    workspace = Workspace.load(root)
    with Register.open(workspace.register_url) as register:
        return verify(workspace, register, TODAY, exported)


def findings(root: Path, exported: Head | None = None) -> list[Finding]:
    return verified(root, exported).findings


def head(root: Path) -> Head:
    with Register.open(Workspace.load(root).register_url) as register:
        return head_of(register)


def altered(root: Path, *statements: str) -> None:
    with sqlite3.connect(root / "warehouse" / "register.db") as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount, statement


def events(root: Path) -> list[RecordedEvent]:
    with Register.open(Workspace.load(root).register_url) as register:
        return register.events()


def lake(root: Path, pattern: str) -> Path:
    """One file of the lake."""
    return sorted((root / "warehouse" / "lake").glob(pattern))[0]


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1
    path.write_bytes(content)


# ---------------------------------------------------------------- nothing is wrong


def test_what_nobody_touched_is_sound(assessed: Path) -> None:
    found = verified(assessed)
    assert found.findings == []
    assert not any(found.unvouched.values())
    assert (found.checked["delivery"], found.checked["run"], found.checked["snapshot"]) == (5, 2, 2)
    assert found.checked["log"] == len(events(assessed)) == found.head.seq
    told = {event.action for event in events(assessed)}
    assert told == {"delivery.effective", "delivery.no_op", "delivery.revoked", "feed.compacted", "run.opened", "run.published"}


def test_every_file_that_readers_are_shown_is_looked_at(assessed: Path) -> None:
    """Including parts that a compaction replaced: they still are in the lake."""
    lying = [path for path in (assessed / "warehouse" / "lake").rglob("*") if path.is_file()]
    found = verified(assessed)
    assert found.checked["file"] == len(lying)
    assert found.bytes == sum(path.stat().st_size for path in lying)


def test_it_is_sound_after_a_move(root: Path) -> None:
    assert findings(root, head(root)) == []


# ---------------------------------------------------------------- the lake


@pytest.mark.parametrize(
    ("pattern", "what"),
    [
        ("decision/credit_limit/*/*.parquet", "decision.credit_limit of run"),
        ("feed/invoice/00000001.parquet", "delivery.effective of delivery 1"),
        ("feed/payment/00000006.parquet", "feed.compacted of feed payment"),
        ("feed/payment/00000002.parquet", "delivery.effective of delivery 2"),
        ("feed/payment/closed/*.parquet", "of delivery"),
        ("feed/payment/affirmed/*.parquet", "of delivery"),
        ("quarantine/*.parquet", "delivery.effective of delivery 1"),
        ("manifest/*/*.json", "manifest of run"),
        ("audit/column_lineage/*/*.parquet", "run.published of run"),
    ],
)
def test_a_changed_byte_of_the_lake_names_the_file(root: Path, pattern: str, what: str) -> None:
    path = lake(root, pattern)
    flip(path, path.stat().st_size // 2)
    (found,) = findings(root)
    assert (found.place, found.name) == ("file", path.relative_to(root / "warehouse" / "lake").as_posix())
    assert "its bytes are not those that were written" in found.what
    assert what in found.what
    assert found.event is not None


def test_a_file_that_is_gone_is_named(root: Path) -> None:
    path = lake(root, "score/contribution/*/*.parquet")
    path.unlink()
    (found,) = findings(root)
    assert found.name.startswith("score/contribution/")
    assert "is gone" in found.what


def test_a_replaced_part_may_be_gone_the_one_that_stands_for_it_not(root: Path) -> None:
    lake(root, "feed/payment/00000002.parquet").unlink()
    assert findings(root) == []
    lake(root, "feed/payment/00000006.parquet").unlink()
    assert [each.name for each in findings(root)] == ["feed/payment/00000006.parquet"]


def test_a_file_that_was_removed_on_purpose_is_no_damage(root: Path) -> None:
    path = lake(root, "score/contribution/*/*.parquet")
    name = path.relative_to(root / "warehouse" / "lake").as_posix()
    path.unlink()
    with Register.open(Workspace.load(root).register_url) as register:
        of_log = register.events()[-1]
        register.add_event(replace(of_log, action="gc.removed", subject="lake", detail={"files": [name]}))
    assert findings(root) == []


def test_a_file_slipped_in_where_readers_look_is_named(root: Path) -> None:
    slipped = root / "warehouse" / "lake" / "audit" / "decision_change" / f"{DECEMBER}" / "x.parquet"
    slipped.parent.mkdir(parents=True)
    shutil.copy(lake(root, "audit/column_lineage/*/*.parquet"), slipped)
    (found,) = findings(root)
    assert found.name == f"audit/decision_change/{DECEMBER}/x.parquet"
    assert "no event of the log tells of it" in found.what


# ---------------------------------------------------------------- the register


@pytest.mark.parametrize(
    ("statement", "place", "name", "what"),
    [
        ("UPDATE delivery SET rows_stored = rows_stored + 1 WHERE delivery_id = 1", "delivery", "delivery 1 (invoice)", "rows_"),
        ("UPDATE delivery SET content_sha256 = 'x' WHERE delivery_id = 2", "delivery", "delivery 2 (payment)", "content was"),
        (
            "UPDATE delivery SET files = replace(files, '.csv', '.xls') WHERE delivery_id = 1",
            "delivery",
            "delivery 1",
            "files",
        ),
        ("UPDATE delivery SET state = 'effective' WHERE delivery_id = 4", "delivery", "delivery 4 (payment)", "was 'revoked'"),
        ("UPDATE delivery SET part_path = 'x' WHERE delivery_id = 4", "delivery", "delivery 4", "part_path is 'x'"),
        ("UPDATE delivery SET received_at = '2020-01-01 00:00:00.0' WHERE delivery_id = 1", "delivery", "delivery 1", "received"),
        ("UPDATE delivery SET origin_delivery_id = 1 WHERE delivery_id = 5", "delivery", "delivery 5", "was 4"),
        ("DELETE FROM delivery WHERE delivery_id = 5", "delivery", "delivery 5", "its row is gone"),
        ("UPDATE run SET policy_hash = 'x'", "run", "run ", "policy_hash is 'x'"),
        ("UPDATE run SET known_at = '2020-01-01 00:00:00.0'", "run", "run ", "known_at is '2020-01-01"),
        ("UPDATE run SET state = 'failed', message = 'no'", "run", "run ", "state is 'failed', and was 'published'"),
        ("UPDATE run SET stale_previous = 1", "run", "run ", "stale_previous is True"),
        ("UPDATE run SET manifest = replace(manifest, 'Europe/Berlin', 'Asia/Shanghai')", "run", "run ", "at time_zone"),
        ("UPDATE check_result SET passed = 0 WHERE check_name = 'reconcile_aging'", "run", "check_result of run ", "changed"),
        ("DELETE FROM check_result WHERE check_name = 'reconcile_aging'", "run", "check_result of run ", "changed"),
        ("UPDATE snapshot SET n_rows = n_rows - 1 WHERE snapshot_id = 2", "snapshot", "snapshot 2", "n_rows is"),
        ("UPDATE snapshot SET published_at = '2020-01-01 00:00:00.0' WHERE snapshot_id = 1", "snapshot", "snapshot 1", "2020"),
        ("UPDATE snapshot_part SET path = 'x' WHERE first_snapshot = 2", "snapshot", "snapshot_part ", "path is 'x'"),
        ("UPDATE snapshot_part SET last_snapshot = NULL", "snapshot", "snapshot_part ", "last_snapshot is None, and was 1"),
        ("DELETE FROM snapshot_part WHERE table_name = 'score.risk_score'", "snapshot", "snapshot_part score.", "row is gone"),
        ("UPDATE pointer SET snapshot_id = 1", "snapshot", "pointer", "names snapshot 1, and 2 was published last"),
        ("UPDATE counter SET value = 1 WHERE name = 'delivery'", "delivery", "counter", "there is delivery"),
        ("UPDATE counter SET value = value + 1 WHERE name = 'event'", "log", "event ", "is missing"),
        ("UPDATE run SET manifest = '{' || manifest", "register", "register", "run "),
        ("UPDATE event SET happened_at = 'yesterday' WHERE seq = 3", "register", "register", "event 3: cannot be read"),
    ],
)
def test_a_changed_row_names_table_row_and_column(root: Path, statement: str, place: str, name: str, what: str) -> None:
    altered(root, statement)
    found = findings(root)
    assert {each.place for each in found} == {place}
    assert all(each.name.startswith(name) for each in found), found
    assert any(what in each.what for each in found), found


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("INSERT INTO run SELECT 'x', as_of, known_at, label, 'failed', policy_version, policy_hash, code_version,"
         " previous_as_of, previous_run_id, 0, started_at, ended_at, '', manifest FROM run LIMIT 1", "run x "),
        ("INSERT INTO snapshot SELECT 9, snapshot_id, run_id, as_of, published_at, n_tables, n_rows FROM snapshot LIMIT 1",
         "snapshot 9"),
        ("INSERT INTO check_result SELECT 'nobody', stage, check_name, table_name, severity, passed, n_failed, detail, checked_at"
         " FROM check_result LIMIT 1", "check_result of run nobody"),
    ],
)  # fmt: skip
def test_what_nobody_recorded_is_named(root: Path, statement: str, name: str) -> None:
    altered(root, statement)
    (found,) = findings(root)
    assert found.name.startswith(name)
    assert "no event of the log tells of it" in found.what


def test_what_would_change_rows_behind_our_back_is_named(root: Path) -> None:
    with sqlite3.connect(root / "warehouse" / "register.db") as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON event BEGIN UPDATE event SET actor = 'x' WHERE seq = NEW.seq; END")
    (found,) = findings(root)
    assert "trigger t" in found.what


def test_a_register_that_was_cut_off_is_said_to_be_damaged(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "warehouse" / "register.db"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    typed(root, "verify", code=3)
    assert "restore it from a backup" in capsys.readouterr().err


def test_a_log_that_was_emptied_with_its_counter_vouches_for_nothing(root: Path) -> None:
    altered(root, "DELETE FROM event WHERE seq > 0", "UPDATE counter SET value = 0 WHERE name = 'event'")
    assert {each.place for each in findings(root)} == {"delivery", "run", "snapshot"}


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE OR REPLACE VIEW decision.credit_limit AS SELECT * FROM score.risk_score",
        "UPDATE audit.run SET policy_version = 'x'",
        "DROP VIEW mart.portfolio",
        "CREATE VIEW mart.mine AS SELECT 1",
    ],
)
def test_a_catalogue_that_shows_something_else_is_named(root: Path, statement: str) -> None:
    workspace = Workspace.load(root)
    assert verified(root).unvouched["catalogue"], "it was copied with the workspace"
    with altered_catalogue(root) as connection:
        connection.execute(statement)
    assert {each.place for each in findings(root)} == {"catalogue"}, "wherever its files are"
    rebuilt(root)
    assert not verified(root).unvouched["catalogue"]
    with altered_catalogue(root) as connection:
        connection.execute(statement)
    assert {each.place for each in findings(root)} == {"catalogue"}
    workspace.catalogue.unlink()
    (found,) = findings(root)
    assert "is gone" in found.what


def test_a_catalogue_of_before_the_newest_event_is_no_damage(root: Path) -> None:
    rebuilt(root)
    with Register.open(Workspace.load(root).register_url) as register:
        register.add_event(replace(register.events()[-1], action="policy.looked_at", subject="policy x", detail={}))
    found = verified(root)
    assert found.intact
    assert found.catalogue_event == found.head.seq - 1
    with altered_catalogue(root) as connection:
        connection.execute("UPDATE audit.event SET actor = 'x' WHERE seq = 2")
        connection.execute("CREATE OR REPLACE VIEW decision.credit_limit AS SELECT * FROM score.risk_score")
    assert [each.name for each in findings(root)] == ["risk.duckdb decision.credit_limit", "risk.duckdb audit.event"]


def rebuilt(root: Path) -> None:
    workspace = Workspace.load(root)
    with Register.open(workspace.register_url) as register:
        build_catalogue(workspace.catalogue, Lake(workspace.lake), register)


def altered_catalogue(root: Path) -> duckdb.DuckDBPyConnection:
    path = Workspace.load(root).catalogue
    path.chmod(0o640)
    return duckdb.connect(path)


def test_a_changed_manifest_does_not_hide_a_changed_table(root: Path) -> None:
    """The files are compared with the manifest beside them, which the log vouches for too."""
    path = lake(root, "decision/risk_tier/*/*.parquet")
    run_id = path.stem
    flip(path, 100)
    forged = file_sha256(path)
    with sqlite3.connect(root / "warehouse" / "register.db") as connection:
        manifest = json.loads(connection.execute("SELECT manifest FROM run WHERE run_id = ?", [run_id]).fetchone()[0])
        manifest["tables"]["decision.risk_tier"]["file_sha256"] = forged
        connection.execute("UPDATE run SET manifest = ? WHERE run_id = ?", [json.dumps(manifest), run_id])
    in_run, in_file = findings(root)
    assert "manifest was changed at tables.decision.risk_tier.file_sha256" in in_run.what
    assert in_file.name.startswith("decision/risk_tier/")


@pytest.mark.parametrize("seed", range(8))
def test_one_byte_of_the_register_s_file_is_found_or_without_meaning(root: Path, assessed: Path, seed: int) -> None:
    """Wherever it falls: in a row, a page or the header it is found; else what the register says is what it said."""
    path = root / "warehouse" / "register.db"
    flip(path, random.Random(seed).randrange(path.stat().st_size))
    try:
        found = verified(root)
    except RiskError:
        return  # it does not even open
    if found.intact:
        with (
            Register.open(Workspace.load(root).register_url) as now,
            Register.open(Workspace.load(assessed).register_url) as then,
        ):
            assert now.contents() == then.contents()


# ---------------------------------------------------------------- the log


def rewritten(root: Path, change: Callable[[RecordedEvent], RecordedEvent]) -> None:
    """The whole log written anew by somebody who knows how hashes are made."""
    previous = ""
    chain = [change(event) for event in events(root)]
    with sqlite3.connect(root / "warehouse" / "register.db") as connection:
        for event in chain:
            hash_ = event_hash(event, event.seq, previous)
            values = [event.actor, json.dumps(dict(event.detail)), previous, hash_, event.seq]
            connection.execute("UPDATE event SET actor = ?, detail_json = ?, previous_hash = ?, hash = ? WHERE seq = ?", values)
            previous = hash_


SWAP = tuple(f"UPDATE event SET seq = {to} WHERE seq = {seq}" for seq, to in ((3, -3), (4, 3), (-3, 4)))


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (("UPDATE event SET actor = 'nobody' WHERE seq = 3",), {3: "was changed"}),
        (("UPDATE event SET detail_json = replace(detail_json, '2024-12-31', '2024-12-30') WHERE seq = 3",), {3: "was changed"}),
        (("DELETE FROM event WHERE seq = 2",), {2: "is missing"}),
        (("DELETE FROM event WHERE seq IN (3, 4)",), {3: "is missing, and so are those up to 4"}),
        (SWAP, {3: "it was written as event 4", 4: "it was written as event 3"}),
        (("DELETE FROM event WHERE seq = 10",), {10: "is missing"}),
        (("UPDATE event SET hash = 'x' WHERE seq = 3",), {3: "was changed"}),
    ],
)
def test_a_change_of_the_log_names_the_event(root: Path, statements: tuple[str, ...], told: dict[int, str]) -> None:
    assert len(events(root)) == 10
    altered(root, *statements)
    found = {each.event: each.what for each in findings(root) if each.place == "log"}
    assert found.keys() == told.keys()
    assert all(what in found[seq] for seq, what in told.items()), found


def test_a_log_cut_off_at_its_end_is_found_by_an_exported_head_alone(root: Path) -> None:
    """With its counter put back, and nothing in the register that the event was about, the rest is a sound shorter log."""
    before = head(root)
    with Register.open(Workspace.load(root).register_url) as register:
        register.add_event(replace(events(root)[-1], action="policy.denied", subject="policy 9"))
    exported = head(root)
    altered(root, f"DELETE FROM event WHERE seq = {exported.seq}", "UPDATE counter SET value = value - 1 WHERE name = 'event'")
    assert findings(root) == []
    assert findings(root, before) == []
    (found,) = findings(root, exported)
    assert found.name == f"event {exported.seq}"
    assert f"the log ends at event {before.seq}" in found.what


def test_a_log_written_anew_is_found_by_an_exported_head_alone(root: Path) -> None:
    exported = head(root)
    rewritten(root, lambda event: replace(event, actor="mia" if event.actor == "lena" else event.actor))
    assert {each.place for each in findings(root)} == {"catalogue"}
    rebuilt(root)
    assert findings(root) == []
    (found,) = findings(root, exported)
    assert "the log was written anew" in found.what


def test_a_log_of_an_older_version_vouches_for_less_and_is_no_damage(root: Path) -> None:
    """Events that told neither the files of a delivery nor the manifest of a run."""
    young = ("lake", "files_sha256", "warnings_sha256", "manifest_sha256", "checks_sha256", "made_stale")
    rewritten(root, lambda event: replace(event, detail={k: v for k, v in event.detail.items() if k not in young}))
    rebuilt(root)
    found = verified(root)
    assert found.findings == []
    assert "delivery 1" in found.unvouched["delivery"]
    assert "feed/invoice/00000001.parquet" in found.unvouched["file"]
    assert any(name.startswith("manifest of run ") for name in found.unvouched["run"])


# ---------------------------------------------------------------- policies


def test_a_policy_that_is_not_what_was_approved_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy").mkdir()
    (tmp_path / "risk.yaml").write_text("people: {dora: [head_of_credit]}\n", encoding="utf-8")
    text = DEFAULT_POLICY.read_text(encoding="utf-8").replace('version: "2026.1"', 'version: "b"')
    by_hand = text.replace("approver: shipped_default", "approver: nobody").replace("2000-01-01", "2026-01-01")
    path, other = tmp_path / "policy" / "b.yaml", tmp_path / "policy" / "c.yaml"
    path.write_text(text.replace("status: approved  ", "status: draft  "), encoding="utf-8")
    assert run(["-w", str(tmp_path), "policy", "approve", "b", "--by", "dora"]) == 0
    assert findings(tmp_path) == []

    other.write_text(by_hand.replace('version: "b"', 'version: "c"'), encoding="utf-8")
    assert verified(tmp_path).unvouched["policy"] == ["c.yaml (version c)"]

    approved = path.read_text(encoding="utf-8")
    path.write_text(approved.replace("max_up: 1", "max_up: 2"), encoding="utf-8")
    assert [(each.name, each.what) for each in findings(tmp_path)] == [("b.yaml", "b has another content than what was approved")]
    path.write_text(approved.replace("status: approved", "status: retired"), encoding="utf-8")
    assert [each.what for each in findings(tmp_path)] == ["b is retired, and the log says approved"]
    path.unlink()
    assert [(each.name, each.what) for each in findings(tmp_path)] == [("policy b", "was approved, and no readable file has it")]
    capsys.readouterr()


# ---------------------------------------------------------------- as people type it


def typed(root: Path, *arguments: str, code: int = 0) -> None:
    assert run(["-w", str(root), "audit", *arguments]) == code


def test_verify_head_and_list_as_people_type_them(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "head.json"
    typed(root, "verify")
    assert "Nothing is broken, and what is named above is not vouched for" in capsys.readouterr().out
    rebuilt(root)
    typed(root, "verify")
    assert "Everything is as the log says" in capsys.readouterr().out
    typed(root, "head")
    assert json.loads(capsys.readouterr().out)["seq"] == 10
    typed(root, "head", "--export", str(file))
    typed(root, "head", "--export", str(file), code=2)
    assert "is there already" in capsys.readouterr().err
    typed(root, "verify", "--head", str(file), "--json")
    assert json.loads(capsys.readouterr().out)["compared_with_exported_head"] is True
    file.write_text('{"seq": 1}', encoding="utf-8")
    typed(root, "verify", "--head", str(file), code=2)
    assert "is no exported head" in capsys.readouterr().err

    typed(root, "list", "--by", "Lena", "--action", "run", "--json")
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["actor"], row["action"]) for row in rows] == [("lena", "run.opened")] * 2
    typed(root, "list", "--about", "delivery 4", "--since", "2026-01-01", "--json")
    assert [row["action"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["delivery.revoked", "delivery.effective"]
    typed(root, "list", "--until", "2020-01-01")
    assert capsys.readouterr().out == "no event\n"

    flip(lake(root, "decision/credit_limit/*/*.parquet"), 50)
    typed(root, "verify", code=3)
    printed = capsys.readouterr().out
    assert "BROKEN  decision/credit_limit/2024-12-31/" in printed
    assert "Restore what is broken" in printed


def test_a_workspace_without_a_register_is_not_given_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "risk.yaml").write_text("", encoding="utf-8")
    typed(tmp_path, "verify", code=1)
    assert "has no register" in capsys.readouterr().err
    assert not (tmp_path / "warehouse").exists()


def test_doctor_as_people_type_it(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It looks at the same things, in no time; bytes are not its matter."""

    def said(*arguments: str, code: int = 0) -> str:
        assert run(["-w", str(root), "doctor", *arguments]) == code
        printed = capsys.readouterr()
        return printed.out + printed.err

    workspace = Workspace.load(root)
    assert "catalogue rebuild" in said(code=3), "the workspace was moved"
    with Register.open(workspace.register_url) as register:
        build_catalogue(workspace.catalogue, Lake(workspace.lake), register)
    looked = json.loads(said("--json"))["rows"]
    what = ["environment", "workspace", "feeds", "policy", "register", "lake", "catalogue", "lock"]
    assert [row["what"] for row in looked] == what
    assert looked[2]["found"] == "2: invoice, payment"

    tables = len(FACTOR_TABLES) + len(DECIDE_TABLES)
    assert f"Nothing moved: all {tables} tables" in said("--look-ahead", "--as-of", f"{DECEMBER}")
    assert not list((workspace.warehouse / "scratch").glob("a*-*"))
    assert "goes with --look-ahead" in said("--as-of", f"{DECEMBER}", code=2)

    with Register.open(workspace.register_url) as register:
        shown = register.current_snapshot()
    assert shown is not None
    (part,) = shown.parts["decision.risk_tier"]
    Lake(workspace.lake).absolute(part.path).unlink()
    altered(root, "UPDATE event SET actor = 'nobody' WHERE seq = 3")
    (root / "policy" / "p.yaml").write_text("version: 1\n", encoding="utf-8")
    printed = said(code=3)
    for words in ("audit log is broken at event 3", "1 files are gone", "policy: mend these lines"):
        assert words in printed
    (root / "risk.yaml").write_text("colour: red\n", encoding="utf-8")
    assert "colour is no setting" in said(code=3)

    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "risk.yaml").write_text("", encoding="utf-8")
    root = tmp_path / "new"
    printed = said(code=3)
    assert "feeds: write one" in printed
    assert "none yet: nothing was delivered" in printed
    assert "nothing is published yet" in said("--look-ahead", code=1)
